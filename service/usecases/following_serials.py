"""Following serials: issues of journals are expected, sent and received, until the exchange ends.

``claiming_issues`` is for those that are missing. The first issue of a year that is sent or
received brings that year into the balance, in the same transaction, and no other does. Who holds
several things holds the partners first, then the serials, then claims. ``by`` is who acts, as the
audit log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from service.domain import exchange_serial as rules
from service.domain.audit_entry import WORKER
from service.domain.exchange_serial import (
    ExchangeSerial,
    IssueAction,
    IssueState,
    SerialState,
)
from service.domain.ledger import Direction, check_reason
from service.domain.partner import Partner
from service.errors import Conflict, Invalid, NotFound
from service.store import audit_log, exchange_serials, partners
from service.store.db import Connection, Database
from service.usecases import holding_serials
from service.usecases.enrolling import known_partner
from service.usecases.holding_serials import Followed

_A = IssueAction


class SentToAll(NamedTuple):
    """Codes of the partners to whom an issue was sent, and why it was not sent to others."""

    sent: list[str]
    left: list[tuple[str, str]]


# --- entering and ending --------------------------------------------------------------------------


def add(
    db: Database,
    code: str,
    *,
    by: str,
    now: datetime,
    **given: Any,
) -> Followed:
    """Enter a serial that a partner gets, or that comes from it, with its first expected issues.

    ``given`` is what ``exchange_serial.checked`` takes. Raises ``NotFound`` for the partner,
    ``WrongValues``, and ``Conflict`` where the same is followed already.
    """
    new = rules.checked(today=holding_serials.today(now), **given)
    with db.write() as conn:
        partner = known_partner(conn, code)
        partners.lock(conn, partner.id)
        active = frozenset({SerialState.ACTIVE})
        there = exchange_serials.listed(
            conn, partner_id=partner.id, direction=new.direction, states=active
        )
        for each in there:
            if (each.title, each.issn) == (new.title, new.issn):
                raise Conflict(
                    f"{new.title} is followed already, as serial {each.public_id}: end that first"
                )
        public_id = exchange_serials.add(conn, partner.id, new, now)
        made = holding_serials.filled(conn, holding_serials.known(conn, public_id), now)
        told = {name: _plain(value) for name, value in new._asdict().items()}
        told = {"partner": partner.code} | {key: value for key, value in told.items() if value}
        audit_log.write(
            conn,
            by=by,
            action="added",
            kind=holding_serials.KIND,
            name=public_id,
            now=now,
            after=told,
        )
        return Followed(made, exchange_serials.issues(conn, made.id))


def end(
    db: Database,
    name: str,
    on: date,
    reason: str,
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Followed:
    """End a serial: after a day no issue is expected any more. What was due before stays.

    Raises ``NotFound``, ``Invalid``, ``Outdated``, and ``Conflict`` for what is ended.
    """
    reason = check_reason(reason)
    if on > holding_serials.today(now) + timedelta(days=rules.AHEAD):
        raise Invalid("say a day within a year: issues are not expected further ahead", "on")
    with db.write() as conn:
        found = holding_serials.hold(conn, name, now, seen=seen)
        if found.state is SerialState.ENDED:
            raise Conflict(f"this serial is ENDED already, on {found.ends_on}")
        last = on if found.ends_on is None else min(on, found.ends_on)
        dropped = exchange_serials.drop_expected(conn, found.id, last)
        exchange_serials.put(conn, found, state=SerialState.ENDED.value, ends_on=last)
        before = {"state": found.state.value, "ends_on": _plain(found.ends_on)}
        after = {"state": SerialState.ENDED.value, "ends_on": str(last), "dropped": dropped}
        audit_log.write(
            conn,
            by=by,
            action="ended",
            kind=holding_serials.KIND,
            name=found.public_id,
            now=now,
            before=before,
            after=after,
            reason=reason,
        )
        return holding_serials.followed(conn, found)


# --- what is expected -----------------------------------------------------------------------------


def expect(db: Database, now: datetime) -> int:
    """Make issues a year ahead, and mark those as missing that should have come long ago.

    A claim is proposed by that: nobody is told yet. Returns how many serials changed. Each is a
    transaction of its own: any number of workers may do this at once.
    """
    with db.read() as conn:
        waiting = exchange_serials.first_expected(conn)
        found = exchange_serials.listed(conn)
    changed = 0
    for each in found:
        if holding_serials.is_short(each, now) or _is_late(each, waiting.get(each.id), now):
            with db.write() as conn:
                held = holding_serials.hold(conn, each.public_id, now)
                if held.direction is Direction.RECEIVED:
                    _miss(conn, held, now)
                changed += 1
    return changed


def _is_late(found: ExchangeSerial, due_on: date | None, now: datetime) -> bool:
    return (
        found.direction is Direction.RECEIVED
        and due_on is not None
        and due_on <= _late_by(found, now)
    )


def _late_by(found: ExchangeSerial, now: datetime) -> date:
    return holding_serials.today(now) - timedelta(days=found.claim_after)


def _miss(conn: Connection, found: ExchangeSerial, now: datetime) -> None:
    number = exchange_serials.miss(conn, found.id, _late_by(found, now))
    if number:
        exchange_serials.put(conn, found)
        after = {"missing": number}
        audit_log.write(
            conn,
            by=WORKER,
            action="missed issues",
            kind=holding_serials.KIND,
            name=found.public_id,
            now=now,
            after=after,
        )


# --- sent and received ----------------------------------------------------------------------------


def send(
    db: Database,
    name: str,
    issue: str | int,
    *,
    on: date | None = None,
    tracking: str = "",
    by: str,
    now: datetime,
) -> Followed:
    """Enter that an issue was sent, ``on`` a day (None: today).

    ``issue`` is its label or its number. The first of a year brings the year into the balance.
    Raises ``NotFound``, ``Invalid``, and ``Conflict`` with what is possible.
    """
    day = rules.check_day(on or holding_serials.today(now), holding_serials.today(now))
    tracking = rules.check_line(tracking, "tracking")
    with db.write() as conn:
        found = holding_serials.hold(conn, name, now)
        one = holding_serials.named(conn, found, issue)
        holding_serials.move(conn, found, one, _A.SEND, by, now, moved_on=day, tracking=tracking)
        holding_serials.count_years(conn, [(found, one)], day, by, now)
        return holding_serials.followed(conn, found)


def send_to_all(
    db: Database,
    name: str,
    label: str,
    *,
    on: date | None = None,
    by: str,
    now: datetime,
) -> SentToAll:
    """Enter that an issue was sent to all partners that get a journal, in one transaction.

    ``name`` is its ISSN or its title, ``label`` what stands on the cover. Who has it already is
    left out and named: told again it changes nothing. Raises ``NotFound`` for a journal that nobody
    gets and for an issue that nobody is to get.
    """
    day = rules.check_day(on or holding_serials.today(now), holding_serials.today(now))
    label = rules.check_line(label, "issue")
    with db.write() as conn:
        held = _hold_called(conn, name, now)
        found = exchange_serials.labelled(conn, list(held), label)
        if not found:
            raise NotFound(f"nobody is to get an issue {label!r} of {name!r}: look at its label")
        result = SentToAll([], [])
        moved = []
        for row, serial in sorted(held.items(), key=lambda each: each[1].partner):
            issue = found.get(row)
            if issue is None:
                if serial.state is SerialState.ACTIVE:
                    result.left.append((serial.partner, f"no issue {label!r} is expected there"))
            elif issue.state is not IssueState.EXPECTED:
                result.left.append((serial.partner, f"the issue is {issue.state} already"))
            else:
                holding_serials.move(conn, serial, issue, _A.SEND, by, now, moved_on=day)
                moved.append((serial, issue))
                result.sent.append(serial.partner)
        holding_serials.count_years(conn, moved, day, by, now)
        return result


def _hold_called(conn: Connection, name: str, now: datetime) -> Mapping[int, ExchangeSerial]:
    """Hold all that is sent under an ISSN or a title, with the issues that are expected."""
    try:
        issn = rules.check_issn(name)
    except Invalid:
        issn = ""
    seen = exchange_serials.called(conn, issn=issn, title=rules.check_line(name, "serial"))
    if not seen:
        raise NotFound(f"no partner gets a journal with the ISSN or the title {name!r}")
    if len(numbers := {each.issn for each in seen} - {""}) > 1:
        told = ", ".join(sorted(numbers))
        raise Invalid(
            f"several journals are called {name!r}: name one by its ISSN: {told}", "serial"
        )
    partners.lock_all(conn, sorted({each.partner_id for each in seen}))
    held = exchange_serials.lock_all(conn, [each.id for each in seen])
    return {row: holding_serials.filled(conn, each, now) for row, each in held.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    return str(getattr(value, "value", value))


# --- looking --------------------------------------------------------------------------------------


def find(db: Database, name: str, partner: Partner | None = None) -> Followed:
    """Return a serial with its issues; raise ``NotFound``. A ``partner`` sees its own."""
    with db.read() as conn:
        return holding_serials.followed(conn, holding_serials.known(conn, name, partner))


def list_serials(
    db: Database,
    *,
    partner: Partner | None = None,
    code: str = "",
    direction: Direction | None = None,
    states: Collection[SerialState] = frozenset(SerialState),
    open_only: bool = False,
    before: str = "",
    limit: int | None = None,
) -> list[ExchangeSerial]:
    """Return serials, newest first; of one ``partner``, or for the staff of a code.

    ``open_only``: those of which an issue is missing or claimed. Raises ``NotFound`` for a code.
    """
    with db.read() as conn:
        partner_id = None if partner is None else partner.id
        if partner is None and code:
            partner_id = known_partner(conn, code).id
        return exchange_serials.listed(
            conn,
            partner_id=partner_id,
            direction=direction,
            states=states,
            open_only=open_only,
            before=before,
            limit=limit,
        )
