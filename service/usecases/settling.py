"""Settling claims: copies are sent again, credited or written off; and opened again if wrongly so.

What did not arrive as it should is taken off the balance here, and comes into it once more with
the dispatch of what is sent again: it counts once. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from service.domain import claim as rules
from service.domain import consignment as consignment_rules
from service.domain.claim import About, Claim, ClaimAction, Resolution
from service.domain.consignment import Consignment, ConsignmentState, Line, NewLine
from service.domain.ledger import Direction, Entry, Event, check_reason, next_key
from service.errors import Conflict, Invalid
from service.store import claims, consignments, ledger
from service.store.db import Connection, Database
from service.usecases import holding_claims, holding_consignments, packing

_A = ClaimAction
_C = ConsignmentState
# What travels there no more: a claim that was settled with it can be opened again.
_GONE: Final = frozenset({_C.CANCELLED, _C.RETURNED, _C.LOST})


def resolve(
    db: Database,
    public_id: str,
    resolution: Resolution,
    *,
    text: str = "",
    consignment: str = "",
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Claim:
    """Settle a claim; return it.

    RESENT copies of a consignment travel in a new one, or in the one that is named: a draft gets
    them, another has to have them. RESENT and CREDITED take what did not arrive off the balance;
    what is sent again comes into it with its dispatch. WRITTEN_OFF leaves a note (``text``), and
    ARRIVED says that it was there after all.

    Raises as ``send`` does, and ``Invalid``.
    """
    with db.write() as conn:
        return resolve_within(
            conn,
            public_id,
            resolution,
            text=text,
            consignment=consignment,
            seen=seen,
            by=by,
            now=now,
        )


def resolve_within(
    conn: Connection,
    public_id: str,
    resolution: Resolution,
    *,
    text: str = "",
    consignment: str = "",
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Claim:
    """Do as ``resolve`` within a transaction."""
    needed = resolution is Resolution.WRITTEN_OFF
    text = rules.check_text(text, "text", needed=needed)
    if consignment and resolution is not Resolution.RESENT:
        raise Invalid("a consignment is named with RESENT", "consignment")
    found = holding_claims.hold(conn, public_id, seen)
    rules.after(_A.RESOLVE, found.side, found.state)
    resent_id = None
    if found.about.consignment_id is not None:
        resent_id = _settle(conn, found, resolution, consignment, by, now)
    elif consignment:
        resent_id = _named(conn, found, consignment).id
    values: dict[str, Any] = {"answer": text} if text else {}
    made = holding_claims.move(
        conn,
        found,
        _A.RESOLVE,
        by,
        now,
        resolution=resolution.value,
        resent_id=resent_id,
        closed_at=now,
        due_at=None,
        **values,
    )
    holding_claims.tell(conn, made, now)
    return made


def reopen(
    db: Database, public_id: str, reason: str, *, seen: int | None = None, by: str, now: datetime
) -> Claim:
    """Open a claim again that was settled or closed wrongly; the balance is as before it.

    Raises as ``send`` does, and ``Conflict`` while the copies that settled it travel.
    """
    reason = check_reason(reason)
    with db.write() as conn:
        found = holding_claims.hold(conn, public_id, seen)
        rules.after(_A.REOPEN, found.side, found.state)
        _check_not_travelling(conn, found)
        ledger.counter(conn, Event.RETURN, found.public_id, by=by, now=now, reason=reason)
        made = holding_claims.move(
            conn, found, _A.REOPEN, by, now, reason, resolution="", resent_id=None, closed_at=None
        )
        holding_claims.tell(conn, made, now)
        return made


def _settle(
    conn: Connection, found: Claim, resolution: Resolution, name: str, by: str, now: datetime
) -> int | None:
    """Do with the copies of a consignment what settles the claim; return what sends them again."""
    if resolution not in {Resolution.RESENT, Resolution.CREDITED}:
        return None
    sent = holding_consignments.hold(conn, found.consignment)
    _check_settled(sent, found, resolution)
    lines = consignments.lines(conn, sent.id)
    copies = _copies(found, lines)
    if sent.state in consignment_rules.RECEIVED:
        _take_off(conn, found, sent, lines, copies, by, now)
    if resolution is Resolution.CREDITED:
        return None
    again = [_again(line, copies[line.position]) for line in lines if line.position in copies]
    return _resend(conn, found, sent, again, name, by, now)


def _check_settled(sent: Consignment, found: Claim, resolution: Resolution) -> None:
    """Refuse to settle what is not decided yet; raise ``Conflict`` that says what comes first.

    What is lost or came back is off the balance as a whole: nothing of it is credited again.
    """
    if sent.state in consignment_rules.RECEIVED and found.about.position is not None:
        return
    if sent.state is _C.LOST and resolution is Resolution.RESENT:
        return
    told = {
        _C.RETURNED: "its books came back and wait for another consignment: close the claim",
        _C.LOST: "it is off the balance: send the books again, or write them off",
    }.get(
        sent.state,
        "enter that it is lost or came back, or the receipt that says what arrived; then settle "
        "the claim",
    )
    raise Conflict(f"consignment {sent.number} is {sent.state}: {told}")


def _copies(found: Claim, lines: Sequence[Line]) -> dict[int, int]:
    """Return the copies that a claim is about, by position."""
    if found.about.position is None:
        return {line.position: line.copies for line in lines}
    return {found.about.position: found.copies}


def _take_off(
    conn: Connection,
    found: Claim,
    sent: Consignment,
    lines: Sequence[Line],
    copies: Mapping[int, int],
    by: str,
    now: datetime,
) -> None:
    """Take copies that did not arrive off the balance."""
    gone: dict[int, int] = {}
    for each in claims.about(conn, About(consignment_id=sent.id), side=found.side):
        if _is_off(conn, each) and each.about.position:
            place = each.about.position
            gone[place] = gone.get(place, 0) + each.copies
    taken = {each.event_key for each in ledger.of_event(conn, Event.RETURN, found.public_id)}
    entries = []
    for share in rules.credit(lines, gone, copies):
        key = next_key(found.public_id, taken)
        taken.add(key)
        entries.append(
            Entry(
                partner_id=found.partner_id,
                direction=Direction.SENT,
                kind=sent.kind,
                event=Event.RETURN,
                event_key=key,
                on_date=now.astimezone(UTC).date(),
                titles=-share.titles,
                volumes=-share.volumes,
                value=-share.value,
                currency=share.currency,
                reason=f"claim {found.public_id}: {rules.words(found.reason)}",
            )
        )
    ledger.write(conn, entries, by=by, now=now)


def _is_off(conn: Connection, settled: Claim) -> bool:
    """Whether copies are off the balance: credited, or to be sent again by what has not left."""
    if settled.resolution is Resolution.RESENT:
        again = holding_consignments.known(conn, settled.resent).state if settled.resent else None
        return again not in consignment_rules.SENT
    return settled.resolution is Resolution.CREDITED


def _again(line: Line, copies: int) -> NewLine:
    """Return a line that travels again; what was given with the first one stays given."""
    return NewLine(
        line.title,
        copies,
        line.volumes,
        offer_id=line.offer_id,
        version_id=line.version_id,
        value=line.value,
        currency=line.currency,
        tariff=line.tariff,
    )


def _resend(
    conn: Connection,
    found: Claim,
    sent: Consignment,
    again: Sequence[NewLine],
    name: str,
    by: str,
    now: datetime,
) -> int:
    """Put copies into the consignment that sends them again; return its row."""
    if not name:
        made = packing.make(
            conn,
            found.partner_id,
            again,
            kind=sent.kind,
            theme=sent.theme,
            service=sent.service,
            by=by,
            now=now,
        )
        return holding_consignments.known(conn, made).id
    named = _named(conn, found, name)
    if named.state is _C.DRAFT:
        consignments.add_lines(conn, named.id, again)
        after = holding_consignments.count(conn, named)
        holding_consignments.keep(conn, "added", named, after, by, now, f"claim {found.public_id}")
        return named.id
    there = {line.version_id or line.title for line in consignments.lines(conn, named.id)}
    if missing := [each.title for each in again if (each.version_id or each.title) not in there]:
        raise Conflict(
            f"consignment {named.number} is {named.state} and has no {missing[0]!r}: name a draft, "
            "or none, to send it again"
        )
    return named.id


def _named(conn: Connection, found: Claim, name: str) -> Consignment:
    """Hold the consignment that is said to send copies again; raise ``Conflict``, ``NotFound``."""
    named = holding_consignments.hold(conn, name)
    if named.partner_id != found.partner_id:
        raise Conflict(
            f"consignment {named.number} goes to {named.partner!r}, not {found.partner!r}"
        )
    if named.state in _GONE or named.id == found.about.consignment_id:
        raise Conflict(f"consignment {named.number} is {named.state}: it sends nothing again")
    return named


def _check_not_travelling(conn: Connection, found: Claim) -> None:
    if not found.resent:
        return
    resent = holding_consignments.hold(conn, found.resent)
    if resent.state in _GONE:
        return
    sent_id = found.about.consignment_id
    lines = [] if sent_id is None else consignments.lines(conn, sent_id)
    copies = _copies(found, lines)
    mine = {line.version_id or line.title for line in lines if line.position in copies}
    there = {line.version_id or line.title for line in consignments.lines(conn, resent.id)}
    if mine & there or sent_id is None:
        raise Conflict(
            f"its copies are in consignment {resent.number}, which is {resent.state}: take them "
            "out of it or cancel it first; if it left, enter what became of it"
        )
