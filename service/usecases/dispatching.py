"""Dispatching: a consignment leaves, in one transaction with all that follows from it.

Its state, the transfers that a direct gift becomes, the allocations and wishes that are fulfilled,
the entry in the balance, what the partner is told: all of it is there, or nothing. What was entered
wrongly is corrected with a reason; what came back, or is lost, is taken out of the balance on the
day of that.

Locks are taken as everywhere: runs, then the partner, then the consignment. ``by`` is who acts, as
the audit log has it. Days are calendar days; that of ``now`` is the one in UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from service.domain import consignment_fields as fields
from service.domain import dispatch as rules
from service.domain.announcement import CONSIGNMENT_CORRECTED, CONSIGNMENT_DISPATCHED
from service.domain.consignment import (
    Consignment,
    ConsignmentAction,
    Line,
    after,
    missing,
    totals,
)
from service.domain.ledger import Direction, Entry, Event, check_reason, next_key
from service.domain.parcel import check_tracking
from service.domain.transfer import Given
from service.errors import Conflict, Invalid, NotFound, WrongValues
from service.store import claims, consignments, fulfilments, ledger, parcels, partners, transfers
from service.store.db import Connection, Database
from service.usecases import giving, notifying
from service.usecases.holding_consignments import check_lines, hold, keep, known, move

_A = ConsignmentAction
# What can be said when it leaves, beside tracking numbers and the day.
SAID: Final = fields.AFTER_DISPATCH


class Posting(NamedTuple):
    """What is said of a dispatch: its day (None: today), ``tracking`` by parcel, other fields."""

    dispatched_on: date | None = None
    tracking: Mapping[int, str] = {}
    fields: Mapping[str, Any] = {}


def dispatch(
    db: Database,
    name: str,
    posting: Posting = Posting(),  # noqa: B008 - a value
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Dispatch a packed consignment; return it as it is then.

    Raises ``NotFound``, ``Conflict`` with what is possible for what its state forbids, ``Outdated``
    when somebody changed it since it was ``seen``, ``Invalid`` or ``WrongValues`` for what is said.
    """
    with db.write() as conn:
        return dispatch_within(conn, name, posting, seen=seen, by=by, now=now)


def dispatch_within(
    conn: Connection,
    name: str,
    posting: Posting = Posting(),  # noqa: B008 - a value
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Do as ``dispatch`` within a transaction that holds nothing yet."""
    values = _checked(posting)
    found = _hold(conn, name, seen)
    after(_A.DISPATCH, found.state)
    fields.check_change(found, values)
    today = now.astimezone(UTC).date()
    day = rules.check_day(
        posting.dispatched_on or today, today, found.created_at.astimezone(UTC).date()
    )
    lines = consignments.lines(conn, found.id)
    if told := missing(found, lines):
        raise Conflict(f"consignment {found.number} cannot leave: {'; '.join(told)}")
    _track(conn, found, posting.tracking)
    _give(conn, found, lines, now)
    figures = totals(lines)
    made = move(
        conn,
        found,
        _A.DISPATCH,
        dispatched_at=now,
        dispatched_on=day,
        **rules.due(found.service, day)._asdict(),
        **figures._asdict(),
        **fields.columns(values),
    )
    fulfilments.fulfil(conn, [each.transfer for each in lines if each.transfer], _said(made))
    _enter(conn, made, lines, by=by, now=now)
    notifying.announce(
        conn,
        made.partner_id,
        CONSIGNMENT_DISPATCHED,
        {
            "consignment": made.public_id,
            "number": made.number,
            "dispatched_on": day.isoformat(),
            **figures._asdict(),
        },
        now,
    )
    keep(conn, "dispatched", found, made, by, now)
    return made


def _checked(posting: Posting) -> dict[str, Any]:
    values = fields.checked(posting.fields)
    if foreign := sorted(set(values) - SAID):
        raise WrongValues(
            [(each, "this is said before the parcels are closed; unpack it") for each in foreign]
        )
    return values


def _hold(conn: Connection, name: str, seen: int | None) -> Consignment:
    """Hold all that a dispatch changes; raise as ``dispatch`` does."""
    before = known(conn, name)
    fulfilments.hold_runs(conn, before.id)
    partners.lock(conn, before.partner_id)
    found = hold(conn, before.public_id, seen)
    if (found.revision, found.partner_id) != (before.revision, before.partner_id):
        raise Conflict("somebody else changed this consignment at the same moment; look again")
    return found


def _track(conn: Connection, found: Consignment, tracking: Mapping[int, str]) -> None:
    """Enter tracking numbers of parcels; raise ``NotFound`` for a parcel that is not there."""
    there = {each.number: each for each in parcels.of(conn, found.id)}
    if gone := sorted(set(tracking) - set(there)):
        raise NotFound(f"consignment {found.number} has no parcel {', '.join(map(str, gone))}")
    parcels.put(
        conn,
        found.id,
        [
            there[number]._replace(tracking=check_tracking(text))
            for number, text in sorted(tracking.items())
        ],
    )


def _give(conn: Connection, found: Consignment, lines: Sequence[Line], now: datetime) -> None:
    """Enter as given what was not entered before: what no list offered, and is not sent again."""
    again = claims.resent_versions(conn, found.id)
    new = [
        (each.position, Given(each.offer_id, each.version_id, each.copies))
        for each in lines
        if each.transfer_id is None and each.version_id is not None and each.version_id not in again
    ]
    if new:
        names = giving.give(conn, found.partner_id, [given for _, given in new], now)
        positions = [position for position, _ in new]
        consignments.enter_transfers(conn, found.id, dict(zip(positions, names, strict=True)))


def _said(made: Consignment) -> str:
    return f"Dispatched on {made.dispatched_on} in consignment {made.number}."


def _enter(
    conn: Connection, made: Consignment, lines: Sequence[Line], *, by: str, now: datetime
) -> None:
    """Write what was sent into the balance."""
    assert made.dispatched_on is not None  # noqa: S101 - it was dispatched
    taken = {each.event_key for each in ledger.of_event(conn, Event.DISPATCH, made.public_id)}
    entries = []
    for share in rules.shares(lines, claims.counted_versions(conn, made.id)):
        key = next_key(made.public_id, taken)
        taken.add(key)
        entries.append(
            Entry(
                partner_id=made.partner_id,
                direction=Direction.SENT,
                kind=made.kind,
                event=Event.DISPATCH,
                event_key=key,
                on_date=made.dispatched_on,
                titles=share.titles,
                volumes=share.volumes,
                value=share.value,
                currency=share.currency,
            )
        )
    ledger.write(conn, entries, by=by, now=now)


# --- what was wrong -------------------------------------------------------------------------------


def correct(
    db: Database,
    name: str,
    positions: Collection[int] | None = None,
    *,
    reason: str,
    retract: bool = False,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Correct a dispatch that was entered wrongly, before anybody said that it arrived.

    As a whole (None) it is packed again, and was not sent. With ``positions`` only these lines did
    not travel: they wait for another consignment. With ``retract`` what was entered as given by
    the dispatch itself is taken back too, and its partner learns it as a deletion; what was
    allocated stays allocated. The balance keeps what was written, and an entry against it.

    Raises as ``dispatch`` does, and ``Invalid`` without a reason.
    """
    reason = check_reason(reason)
    with db.write() as conn:
        found = _hold(conn, name, seen)
        after(_A.CORRECT, found.state)
        lines = consignments.lines(conn, found.id)
        if positions is not None:
            check_lines(lines, positions)
            rules.check_remaining(lines, positions)
        gone = [each for each in lines if positions is None or each.position in positions]
        ledger.counter(conn, Event.DISPATCH, found.public_id, by=by, now=now, reason=reason)
        fulfilments.recall(conn, [each.transfer for each in gone if each.transfer], _said(found))
        if retract:
            _retract(conn, found, gone)
        rest = [each for each in lines if each not in gone]
        made = (_whole if positions is None else _part)(conn, found, gone, rest)
        if rest:
            _enter(conn, made, rest, by=by, now=now)
        _tell(conn, made, totals(rest)._asdict(), reason, now)
        keep(conn, "corrected", found, made, by, now, reason)
        return made


def _whole(
    conn: Connection, found: Consignment, _: Sequence[Line], __: Sequence[Line]
) -> Consignment:
    """Let a consignment be packed, as it was before."""
    return move(
        conn,
        found,
        _A.CORRECT,
        dispatched_at=None,
        dispatched_on=None,
        delivered_at=None,
        remind_at=None,
        presume_at=None,
    )


def _part(
    conn: Connection, found: Consignment, gone: Sequence[Line], rest: Sequence[Line]
) -> Consignment:
    """Let lines go that did not travel; the rest is on its way."""
    consignments.put_lines(
        conn,
        found.id,
        [each.position for each in gone],
        released=True,
        parcel=None,
        packed=False,
    )
    consignments.put(conn, found, **totals(rest)._asdict())
    return consignments.by_id(conn, found.id)


def _retract(conn: Connection, found: Consignment, gone: Sequence[Line]) -> None:
    """Take back what the dispatch gave; what was allocated is the partner's to decline."""
    given = [each for each in gone if each.transfer and each.given]
    allocated = fulfilments.allocated(conn, [each.transfer for each in given])
    if all(each.transfer in allocated for each in given):
        raise Invalid(
            "all of this was allocated and stays allocated: decline it with the allocation if the "
            "partner is not to have it",
            "retract",
        )
    for each in given:
        if each.transfer not in allocated:
            transfers.retract(conn, each.transfer)
    consignments.put_lines(
        conn,
        found.id,
        [each.position for each in given if each.transfer not in allocated],
        transfer_id=None,
    )


def _tell(
    conn: Connection, made: Consignment, figures: Mapping[str, int], reason: str, now: datetime
) -> None:
    body = {"consignment": made.public_id, "number": made.number, "reason": reason}
    notifying.announce(conn, made.partner_id, CONSIGNMENT_CORRECTED, body | dict(figures), now)


# --- on its way -----------------------------------------------------------------------------------


def note(
    db: Database,
    name: str,
    action: ConsignmentAction,
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Note that it waits at the customs, or that the carrier delivered it: no receipt yet.

    Raises ``Conflict`` with what is possible for what its state forbids.
    """
    if action not in {_A.STOP, _A.DELIVER}:
        raise Invalid(f"{action} is nothing that a carrier tells", "action")
    with db.write() as conn:
        found = hold(conn, name, seen)
        told = {"delivered_at": now} if action is _A.DELIVER else {}
        made = move(conn, found, action, **told)
        keep(conn, action.value, found, made, by, now)
        return made


def come_back(
    db: Database,
    name: str,
    *,
    reason: str,
    on: date | None = None,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Enter that a consignment came back: its books can travel again.

    ``on`` is the day, None: today. The balance loses them on that day.
    """
    return _end(db, name, _A.RETURN, reason, on, seen, by, now)


def lose(
    db: Database,
    name: str,
    *,
    reason: str,
    on: date | None = None,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Enter that a consignment is lost. The balance loses it on that day; its books are gone."""
    return _end(db, name, _A.LOSE, reason, on, seen, by, now)


def _end(
    db: Database,
    name: str,
    action: ConsignmentAction,
    reason: str,
    on: date | None,
    seen: int | None,
    by: str,
    now: datetime,
) -> Consignment:
    reason = check_reason(reason)
    with db.write() as conn:
        found = _hold(conn, name, seen)
        after(action, found.state)
        day = _day_of_end(found, on, now)
        lines = consignments.lines(conn, found.id)
        _take_back(conn, found, day, reason, by=by, now=now)
        if action is _A.RETURN:
            fulfilments.recall(
                conn, [each.transfer for each in lines if each.transfer], _said(found)
            )
            consignments.release(conn, found.id)
        made = move(conn, found, action, closed_at=now, remind_at=None, presume_at=None)
        _tell(conn, made, {"titles": 0, "volumes": 0}, reason, now)
        keep(conn, action.value, found, made, by, now, reason)
        return made


def _day_of_end(found: Consignment, on: date | None, now: datetime) -> date:
    today = now.astimezone(UTC).date()
    day = on or today
    if day > today or (found.dispatched_on is not None and day < found.dispatched_on):
        raise Invalid(
            f"that was on {found.dispatched_on} at the earliest, today at the latest", "on"
        )
    return day


def _take_back(
    conn: Connection, found: Consignment, day: date, reason: str, *, by: str, now: datetime
) -> None:
    """Take what stands of a dispatch out of the balance, on the day of its return."""
    standing = [
        each
        for each in ledger.of_event(conn, Event.DISPATCH, found.public_id)
        if each.countered_by is None
    ]
    taken = {each.event_key for each in ledger.of_event(conn, Event.RETURN, found.public_id)}
    entries = []
    for each in standing:
        key = next_key(found.public_id, taken)
        taken.add(key)
        entries.append(
            Entry(
                partner_id=found.partner_id,
                direction=each.direction,
                kind=each.kind,
                event=Event.RETURN,
                event_key=key,
                on_date=day,
                titles=-each.titles,
                volumes=-each.volumes,
                material=each.material,
                value=-each.value,
                currency=each.currency,
                reason=reason,
            )
        )
    ledger.write(conn, entries, by=by, now=now)
