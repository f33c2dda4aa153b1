"""Checking pieces: what came of a gift is scanned or counted, accepted or declined with a reason.

A piece is a title with its copies. Pieces join and leave until the gift is checked; what is said of
them – shelf, translated title, number – may change at any time. ``by`` is who acts, as the audit
log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from marc_mappings.keys import identifiers
from service.domain import accession
from service.domain import incoming_gift as rules
from service.domain.accession import AccessionLine, Decision, NewAccessionLine
from service.domain.incoming_gift import COUNTED, NUMBERED, IncomingGift, IncomingState
from service.errors import Conflict, Invalid, NotFound, WrongValues
from service.store import accessions, gift_choices, incoming_gifts, public_ids
from service.store.db import Connection, Database
from service.usecases.announcing_gifts import hold, keep, known

_DIGITS_OF_A_BARCODE: Final = 7  # fewer than these are a position in the gift


class Piece(NamedTuple):
    """A gift, and the piece of it that something was done to."""

    gift: IncomingGift
    line: AccessionLine


# --- piece by piece -------------------------------------------------------------------------------


def add_piece(
    db: Database,
    name: str,
    given: Mapping[str, Any],
    *,
    record: str = "",
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Piece:
    """Add a piece: announced as long as the gift is, else one that came without a word.

    ``given`` has its title (or ``record``, the public id of its record, has), and may have ISBN,
    copies, volumes of a copy and a barcode. Raises ``NotFound``, ``WrongValues``, ``Conflict``.
    """
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_growing(found)
        choice = _record(conn, record) if record else None
        values = accession.checked(
            {"title": choice.title if choice else "", **given}, accession.ADDED
        )
        copies = values.pop("copies", 1)
        came = found.state is IncomingState.RECEIVED
        new = NewAccessionLine(
            **values,
            announced=0 if came else copies,
            received=copies if came else 0,
            record_id=choice.record_id if choice else None,
        )
        position = accessions.add(conn, found.id, [new])
        return _touched(conn, found, position, "piece added", by, now)


def take_out(
    db: Database, name: str, position: int, *, seen: int | None = None, by: str, now: datetime
) -> IncomingGift:
    """Take out a piece that was entered wrongly; raise ``Conflict`` for one that came."""
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_growing(found)
        line = known_line(conn, found, position)
        if line.received and line.announced:
            raise Conflict(f"line {position} ({line.title}) came: decline it, with a reason")
        accessions.remove(conn, found.id, position)
        made = incoming_gifts.put(conn, found)
        keep(conn, "piece taken out", found, made, by, now, line=told(line))
        return made


def scan(
    db: Database,
    name: str,
    code: str,
    *,
    damaged: bool = False,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Piece:
    """Count one copy more of the piece that has this barcode or ISBN, or bears this position.

    Raises ``NotFound`` for what was not announced, ``Conflict`` for one copy more than was
    announced and for a gift whose pieces are not at hand.
    """
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_at_hand(found)
        line = accession.of_piece(code.strip(), _scanned(conn, found, code))
        return _counted(conn, found, line, line.received + 1, line.damaged + damaged, by, now)


def _scanned(conn: Connection, found: IncomingGift, code: str) -> Sequence[AccessionLine]:
    text = code.strip()
    if not text:
        raise Invalid("scan a barcode or an ISBN, or say which line it is", "code")
    lines: Sequence[AccessionLine] = accessions.of_code(
        conn, found.id, text, identifiers.isbn13(text)
    )
    if not lines and text.isascii() and text.isdecimal() and len(text) < _DIGITS_OF_A_BARCODE:
        line = accessions.line(conn, found.id, int(text))
        lines = [line] if line else []
    if not lines:
        raise NotFound(
            f"no piece of this gift has the barcode, ISBN or position {text[:100]!r}: if it came "
            "with it, add it as a piece that was not announced"
        )
    return lines


def count(
    db: Database,
    name: str,
    position: int,
    received: int,
    damaged: int = 0,
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Piece:
    """Enter how many copies of a piece came, the damaged ones among them.

    Raises ``NotFound``, ``Invalid``, ``Conflict`` for more than was announced.
    """
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_at_hand(found)
        line = known_line(conn, found, position)
        return _counted(conn, found, line, received, damaged, by, now)


def count_all(
    db: Database, name: str, *, seen: int | None = None, by: str, now: datetime
) -> IncomingGift:
    """Enter that all came of which nothing is counted yet, as it was announced and undamaged."""
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_at_hand(found)
        if not accessions.count_uncounted(conn, found.id):
            return found
        made = incoming_gifts.put(conn, found)
        keep(conn, "all pieces counted", found, made, by, now)
        return made


def _counted(
    conn: Connection,
    found: IncomingGift,
    line: AccessionLine,
    received: int,
    damaged: int,
    by: str,
    now: datetime,
) -> Piece:
    accession.check_counts(line, received, damaged)
    _check_accepted(line._replace(received=received, damaged=damaged))
    accessions.put(conn, found.id, line.position, received=received, damaged=damaged)
    return _touched(conn, found, line.position, "piece counted", by, now)


def _check_accepted(line: AccessionLine) -> None:
    """Refuse that nothing sound is left of what was accepted, or nothing of what was declined."""
    if line.decision is not Decision.PENDING:
        accession.check_decision(line, line.decision, line.reason)


def accept(
    db: Database,
    name: str,
    positions: Collection[int] = (),
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> IncomingGift:
    """Accept pieces: these, or all that came sound and that nothing was decided on.

    Raises ``NotFound``, and ``Conflict`` for a piece that did not come or is damaged.
    """
    return _decide(db, name, positions, Decision.ACCEPTED, "", seen, by, now)


def decline(
    db: Database,
    name: str,
    positions: Collection[int],
    *,
    reason: str,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> IncomingGift:
    """Decline pieces for a reason: damaged, unwanted. Raises as ``accept`` does."""
    if not positions:
        raise Invalid("say which pieces are declined", "lines")
    return _decide(db, name, positions, Decision.DECLINED, reason, seen, by, now)


def _decide(
    db: Database,
    name: str,
    positions: Collection[int],
    decision: Decision,
    reason: str,
    seen: int | None,
    by: str,
    now: datetime,
) -> IncomingGift:
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_at_hand(found)
        lines = {line.position: line for line in accessions.lines(conn, found.id)}
        if gone := sorted(set(positions) - set(lines)):
            raise NotFound(f"this gift has no line {', '.join(map(str, gone))}")
        chosen = sorted(set(positions)) or [
            line.position
            for line in lines.values()
            if line.decision is Decision.PENDING and line.sound
        ]
        for position in chosen:
            reason = accession.check_decision(lines[position], decision, reason)
        if not chosen:
            return found
        accessions.decide(conn, found.id, chosen, decision, reason)
        made = incoming_gifts.put(conn, found)
        keep(conn, f"pieces {decision.lower()}", found, made, by, now, reason, pieces=chosen)
        return made


def describe(
    db: Database,
    name: str,
    position: int,
    given: Mapping[str, Any],
    *,
    record: str = "",
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Piece:
    """Say more of a piece: shelf, translated title, barcode, ISBN, its number or its record.

    Raises ``NotFound``, ``WrongValues``, and ``Conflict`` for volumes that are in the balance and
    for a number that is another book's.
    """
    values = accession.checked(given, accession.DESCRIBED)
    if not values and not record:
        raise WrongValues([("shelf", f"say what: {', '.join([*accession.DESCRIBED, 'record'])}")])
    with db.write() as conn:
        found = hold(conn, name, seen)
        line = known_line(conn, found, position)
        if found.state in COUNTED and values.get("volumes", line.volumes) != line.volumes:
            raise Conflict("the volumes of this piece are in the balance: correct them, with a why")
        if "accession_number" in values:
            values["accession_number"] = values["accession_number"] or None
            if line.accession_number and found.state in NUMBERED and not values["accession_number"]:
                raise Conflict(f"line {position} ({line.title}) keeps a number; give it another")
        if record:
            values["record_id"] = _record(conn, record).record_id
        accessions.put(conn, found.id, position, **values)
        return _touched(conn, found, position, "piece described", by, now)


# --- looking --------------------------------------------------------------------------------------


def list_pieces(
    db: Database,
    name: str,
    after: int = 0,
    limit: int | None = None,
    decisions: Collection[Decision] = frozenset(Decision),
) -> list[AccessionLine]:
    """Return up to ``limit`` pieces of a gift behind position ``after``; raise ``NotFound``."""
    with db.read() as conn:
        return accessions.lines(conn, known(conn, name).id, after, limit, decisions)


# --- the parts ------------------------------------------------------------------------------------


def _touched(
    conn: Connection, found: IncomingGift, position: int, action: str, by: str, now: datetime
) -> Piece:
    made = incoming_gifts.put(conn, found)
    line = known_line(conn, made, position)
    keep(conn, action, found, made, by, now, line=told(line))
    return Piece(made, line)


def known_line(conn: Connection, found: IncomingGift, position: int) -> AccessionLine:
    """Return a piece by its position within a transaction; raise ``NotFound``."""
    line = accessions.line(conn, found.id, position)
    if line is None:
        raise NotFound(f"this gift has no line {position}")
    return line


def _record(conn: Connection, name: str) -> gift_choices.Choice:
    wanted = public_ids.read(name)
    found = gift_choices.of_records(conn, [wanted]) if wanted else []
    if not found:
        raise NotFound(f"there is no record {name!r}")
    return found[0]


def told(line: AccessionLine) -> dict[str, Any]:
    """Return a piece as the audit log has it."""
    hidden = {"record_id", "version_id", "problem"}
    return {name: value for name, value in line._asdict().items() if name not in hidden}
