"""Holding serials: found, held, filled with issues, moved on and counted, for all who change them.

Who holds several things holds the partners first, then the serials, then claims. ``by`` is who
acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from service.domain import exchange_serial as rules
from service.domain import revision
from service.domain.exchange_serial import ExchangeSerial, Issue, IssueAction, SerialState
from service.domain.ledger import Event
from service.domain.partner import Partner
from service.errors import NotFound
from service.store import audit_log, exchange_serials, ledger, partners, public_ids
from service.store.db import Connection

KIND: Final = "serial"  # in the audit log


class Followed(NamedTuple):
    """A serial with its issues, in their order."""

    serial: ExchangeSerial
    issues: list[Issue]


def known(conn: Connection, name: str, partner: Partner | None = None) -> ExchangeSerial:
    """Return a serial by its public id; raise ``NotFound``. A ``partner`` sees its own."""
    wanted = public_ids.read(name)
    found = None if wanted is None else exchange_serials.by_public_id(conn, wanted)
    if found is None or (partner is not None and found.partner_id != partner.id):
        raise NotFound("there is no such serial")
    return found


def hold(
    conn: Connection,
    name: str,
    now: datetime,
    *,
    partner: Partner | None = None,
    seen: int | None = None,
) -> ExchangeSerial:
    """Return a serial that nobody else changes, its partner held, its issues made ahead.

    ``seen`` is the revision that was looked at, None for any. Raises ``NotFound``, ``Outdated``.
    """
    before = known(conn, name, partner)
    partners.lock(conn, before.partner_id)
    found = exchange_serials.lock_all(conn, [before.id])[before.id]
    revision.check_seen("this serial", seen, found.revision)
    return filled(conn, found, now)


def named(conn: Connection, found: ExchangeSerial, issue: str | int) -> Issue:
    """Return an issue by its label, or by its number from the start; raise ``NotFound``."""
    some = exchange_serials.issues(conn, found.id)
    label = " ".join(str(issue).split())
    for each in some:
        if isinstance(issue, str) and each.label == label:
            return each
    for each in some:
        if str(each.issue) == label:
            return each
    raise NotFound(
        f"there is no issue {label!r} of {found.title}"
        + (f"; there are {some[0].label} to {some[-1].label}" if some else "")
    )


def move(
    conn: Connection,
    serial: ExchangeSerial,
    found: Issue,
    action: IssueAction,
    by: str,
    now: datetime,
    reason: str = "",
    **values: Any,
) -> None:
    """Move an issue of a held serial on; raise ``Conflict`` for what its state forbids."""
    state = rules.after(action, serial.direction, found)
    exchange_serials.put_issue(conn, serial.id, found, state=state.value, **values)
    exchange_serials.put(conn, serial)
    audit_log.write(
        conn,
        by=by,
        action=f"issue {rules.done(action)}",
        kind=KIND,
        name=serial.public_id,
        now=now,
        before={found.label: found.state.value},
        after={found.label: state.value},
        reason=reason,
    )


def followed(conn: Connection, found: ExchangeSerial) -> Followed:
    """Return a serial as it is now, with its issues."""
    return Followed(known(conn, found.public_id), exchange_serials.issues(conn, found.id))


def today(now: datetime) -> date:
    """Return the calendar day of a moment, in UTC."""
    return now.astimezone(UTC).date()


def count_years(
    conn: Connection,
    moved: Sequence[tuple[ExchangeSerial, Issue]],
    day: date,
    by: str,
    now: datetime,
) -> None:
    """Bring years of held serials into the balance that are not there, by issues that moved.

    A year that was there once is not entered again, taken back or not.
    """
    entries = [rules.year_entry(serial, issue, day) for serial, issue in moved]
    new = [e for e in entries if not ledger.of_event(conn, Event.SERIAL_YEAR, e.event_key)]
    ledger.write(conn, new, by=by, now=now)


def is_short(found: ExchangeSerial, now: datetime) -> bool:
    """Whether an issue is to be expected that has not been made yet."""
    if found.state is not SerialState.ACTIVE:
        return False
    until = today(now) + timedelta(days=rules.AHEAD)
    return next(found.calendar.issues(until, found.last_issue), None) is not None


def filled(conn: Connection, found: ExchangeSerial, now: datetime) -> ExchangeSerial:
    """Make the issues of a held serial that are to be expected; return it as it is then."""
    if not is_short(found, now):
        return found
    until = today(now) + timedelta(days=rules.AHEAD)
    exchange_serials.add_issues(conn, found.id, found.calendar.issues(until, found.last_issue))
    return known(conn, found.public_id)
