"""Accessioning: a gift that came is checked piece by piece, numbered, catalogued and displayed.

What was accepted is in the balance from the moment when the check is concluded, in one entry of the
ledger; a correction takes that back and enters what is right. Who holds several things holds the
partner first, then the gift. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from service.domain import accession, consignment_fields
from service.domain import incoming_gift as rules
from service.domain.accession import AccessionLine, Decision
from service.domain.claim import About, ClaimReason, ClaimSide
from service.domain.incoming_gift import (
    COUNTED,
    NUMBERED,
    IncomingAction,
    IncomingGift,
    IncomingState,
)
from service.domain.ledger import Event, check_reason
from service.errors import Conflict, Invalid
from service.store import accessions, incoming_gifts, ledger
from service.store.db import Connection, Database
from service.usecases import claiming
from service.usecases.announcing_gifts import hold, hold_with_partner, keep, known
from service.usecases.checking_pieces import Piece, known_line, told
from service.usecases.enrolling import known_partner

_A = IncomingAction
# Somewhere it is tomorrow already.
_FAR_EAST: Final = timedelta(hours=14)


# --- it comes -------------------------------------------------------------------------------------


def receive(
    db: Database,
    name: str,
    on: date,
    given: Mapping[str, Any] | None = None,
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> IncomingGift:
    """Enter that a gift came on a day; ``given`` may have postage and weight.

    Raises ``NotFound``, ``Invalid`` for a day to come, ``WrongValues``, ``Conflict`` for what its
    state forbids, ``Outdated``.
    """
    day = rules.check_day(on, (now + _FAR_EAST).date())
    values = accession.checked(given or {}, _WITH_RECEIPT)
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_whole(found, values)
        return _move(conn, found, _A.RECEIVE, by, now, received_on=day, **values)


def cancel(
    db: Database, name: str, *, reason: str, seen: int | None = None, by: str, now: datetime
) -> IncomingGift:
    """Cancel a gift that was announced and does not come; raises as ``receive`` does."""
    reason = check_reason(reason)
    with db.write() as conn:
        return _move(conn, hold(conn, name, seen), _A.CANCEL, by, now, reason=reason)


# --- checked, and counted -------------------------------------------------------------------------


def check(
    db: Database,
    name: str,
    *,
    claim: bool = False,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> IncomingGift:
    """Conclude the check: what was accepted is in the balance from now on.

    With ``claim`` what is damaged or did not come is claimed of the partner, with claims of ours
    that are still to be sent. Raises ``Conflict`` that names the pieces that wait for a decision.
    """
    with db.write() as conn:
        found = hold_with_partner(conn, name, seen)
        rules.after(_A.CHECK, found.state)
        rules.check_import(found)
        lines = accessions.lines(conn, found.id)
        if told := accession.undecided(lines):
            raise Conflict(f"not all that came is accepted or declined: {', '.join(told)}")
        if not any(line.received for line in lines):
            raise Conflict("nothing of this gift is counted: scan or count its pieces first")
        made = _move(conn, found, _A.CHECK, by, now, checked_at=now)
        if made.titles:
            ledger.write(conn, [rules.entry(made, made.public_id)], by=by, now=now)
        if claim:
            _claim(conn, made, lines, by, now)
        return made


def _claim(
    conn: Connection, found: IncomingGift, lines: Sequence[AccessionLine], by: str, now: datetime
) -> None:
    for line in lines:
        short = ClaimReason.SHORT if line.received else ClaimReason.NOT_ARRIVED
        for reason, copies in ((ClaimReason.DAMAGED, line.damaged), (short, line.missing)):
            if copies:
                claiming.open_claim(
                    conn,
                    found.partner_id,
                    reason,
                    side=ClaimSide.OURS,
                    about=About(incoming_gift_id=found.id, position=line.position),
                    copies=copies,
                    text=line.reason if reason is ClaimReason.DAMAGED else "",
                    by=by,
                    now=now,
                )


class Corrected(NamedTuple):
    """What is right of a piece that was counted; None is right as it is."""

    received: int | None = None
    damaged: int | None = None
    volumes: int | None = None
    decision: Decision | None = None
    reason: str = ""


def correct(
    db: Database,
    name: str,
    position: int,
    right: Corrected,
    *,
    why: str,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Piece:
    """Correct a piece of a gift that is in the balance, whatever became of the gift since.

    The entry of the ledger is taken back and one with the right figures entered. A gift of which
    nothing is accepted any more is DECLINED; what is accepted after all gets its number.

    Raises ``NotFound``, ``Invalid``, ``Conflict`` for counts and decisions that cannot be.
    """
    why = check_reason(why)
    with db.write() as conn:
        found = hold_with_partner(conn, name, seen)
        rules.check_counted(found)
        line = known_line(conn, found, position)
        accessions.put(conn, found.id, position, **_right(line, right))
        made = _settled(conn, found)
        _count_anew(conn, found, made, why, by, now)
        after = known_line(conn, made, position)
        keep(conn, "corrected", found, made, by, now, why, line=told(after))
        return Piece(made, after)


def _right(line: AccessionLine, right: Corrected) -> dict[str, Any]:
    received = line.received if right.received is None else right.received
    damaged = line.damaged if right.damaged is None else right.damaged
    accession.check_counts(line, received, damaged)
    decision = right.decision or line.decision
    if decision is Decision.PENDING and received:
        raise Invalid("it came: say whether it is accepted or declined", "decision")
    if not received:
        decision = Decision.PENDING
    new = line._replace(received=received, damaged=damaged)
    why = "" if decision is not Decision.DECLINED else right.reason or line.reason
    reason = accession.check_decision(new, decision, why)
    volumes = {} if right.volumes is None else {"volumes": right.volumes}
    return {
        "received": received,
        "damaged": damaged,
        "decision": decision.value,
        "reason": reason,
        **accession.checked(volumes, accession.DESCRIBED),
    }


def _settled(conn: Connection, found: IncomingGift) -> IncomingGift:
    """Return a gift after a correction: in the state that its pieces have, and numbered."""
    state = rules.settled(incoming_gifts.by_id(conn, found.id))
    if state in NUMBERED:
        _number(conn, found, "")
    return incoming_gifts.put(conn, found, state=state.value)


def correct_day(
    db: Database,
    name: str,
    on: date,
    *,
    why: str,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> IncomingGift:
    """Correct the day on which a gift came, and with it the year in which it counts."""
    why = check_reason(why)
    day = rules.check_day(on, (now + _FAR_EAST).date())
    with db.write() as conn:
        found = hold_with_partner(conn, name, seen)
        if found.state is not IncomingState.RECEIVED:
            rules.check_counted(found)
        made = incoming_gifts.put(conn, found, received_on=day)
        if found.state in COUNTED:
            _count_anew(conn, found, made, why, by, now)
        keep(conn, "day corrected", found, made, by, now, why)
        return made


def _count_anew(
    conn: Connection, before: IncomingGift, after: IncomingGift, why: str, by: str, now: datetime
) -> None:
    """Let the balance say what is right, where it does not."""
    figures = ("titles", "volumes", "received_on")
    if all(getattr(before, name) == getattr(after, name) for name in figures):
        return
    key = after.public_id
    ledger.counter(conn, Event.ACCESSION, key, by=by, now=now, reason=why)
    if after.titles:
        right = rules.entry(after, ledger.free_key(conn, Event.ACCESSION, key), reason=why)
        ledger.write(conn, [right], by=by, now=now)


# --- onto the shelf -------------------------------------------------------------------------------


def give_numbers(
    db: Database,
    name: str,
    *,
    first: str = "",
    seen: int | None = None,
    by: str,
    now: datetime,
) -> IncomingGift:
    """Accession what was accepted: each title gets its number, ours of the year or from ``first``.

    A checked gift of which nothing was accepted is DECLINED with this. Raises ``Invalid`` for a
    number that cannot be counted on, ``Conflict`` for one that is another book's.
    """
    first = accession.check_first(first)
    with db.write() as conn:
        found = hold(conn, name, seen)
        action = _A.ACCESSION if found.titles else _A.DECLINE
        rules.after(action, found.state)
        _number(conn, found, first)
        return _move(conn, found, action, by, now)


def _number(conn: Connection, found: IncomingGift, first: str) -> None:
    assert found.received_on is not None  # noqa: S101 - what is checked was received
    accessions.number(conn, found.id, found.received_on.year, first)


def catalogue(
    db: Database, name: str, *, seen: int | None = None, by: str, now: datetime
) -> IncomingGift:
    """Say that what was accepted is catalogued; raise ``Conflict`` that names what has no record.

    From now on it can be taken over into our own system as a whole.
    """
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.after(_A.CATALOGUE, found.state)
        accepted = accessions.lines(conn, found.id, decisions={Decision.ACCEPTED})
        bare = [f"{line.position} ({line.title})" for line in accepted if line.record_id is None]
        if bare:
            more = f" and {len(bare) - 5:,} more" if len(bare) > 5 else ""
            raise Conflict(
                f"without a record: line {', '.join(bare[:5])}{more}; send a file of their "
                "records, or name the record of each"
            )
        return _move(conn, found, _A.CATALOGUE, by, now, catalogued_at=now)


def display(
    db: Database, name: str, *, seen: int | None = None, by: str, now: datetime
) -> IncomingGift:
    """Say that its books are on display: in the country corner, or in an exhibition."""
    with db.write() as conn:
        return _move(conn, hold(conn, name, seen), _A.DISPLAY, by, now, displayed_at=now)


# --- looking --------------------------------------------------------------------------------------


class Shown(NamedTuple):
    """A gift, and what a person should look at."""

    gift: IncomingGift
    remarks: list[str]


def find(db: Database, name: str) -> Shown:
    """Return a gift by its public id; raise ``NotFound``."""
    with db.read() as conn:
        found = known(conn, name)
        return Shown(found, rules.remarks(found))


def list_gifts(
    db: Database,
    *,
    code: str = "",
    states: Collection[IncomingState] = frozenset(IncomingState),
    before: str = "",
    limit: int | None = None,
) -> list[IncomingGift]:
    """Return gifts, newest first, older than the public id ``before``; of one ``code``, or of all.

    Raises ``NotFound`` for a code that nobody has.
    """
    with db.read() as conn:
        partner_id = known_partner(conn, code).id if code else None
        return incoming_gifts.listed(
            conn, partner_id=partner_id, states=states, before=before, limit=limit
        )


# --- the parts ------------------------------------------------------------------------------------

_WITH_RECEIPT: Final = {
    name: rules.SAID[name] for name in ("postage", "postage_currency", "weight", "notes")
}


def _move(
    conn: Connection,
    found: IncomingGift,
    action: IncomingAction,
    by: str,
    now: datetime,
    reason: str = "",
    **values: Any,
) -> IncomingGift:
    """Move a gift on, with other columns; raise ``Conflict`` for what its state forbids."""
    state = rules.after(action, found.state)
    made = incoming_gifts.put(conn, found, state=state.value, **consignment_fields.columns(values))
    keep(conn, state.value.lower(), found, made, by, now, reason)
    return made
