"""Claiming issues: what is missing of a serial is claimed, sent again, received late or given up.

A partner reports what did not arrive of what we send; what should have come from a partner we
claim. The claim is one like all others (``claiming``), and is settled with its issue. ``by`` is who
acts, as the audit log has it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from service.domain import exchange_serial as rules
from service.domain.claim import PENDING, About, ClaimReason, ClaimSide, Resolution
from service.domain.exchange_serial import ExchangeSerial, Issue, IssueAction, IssueState
from service.domain.ledger import Direction, check_reason
from service.domain.partner import Partner
from service.errors import Conflict, Forbidden
from service.store import claims
from service.store.db import Connection, Database
from service.usecases import claiming, holding_serials, settling
from service.usecases.holding_serials import Followed

_A = IssueAction


class Claimed(NamedTuple):
    """A serial with its issues, and the public id of the claim that was opened."""

    followed: Followed
    claim: str


def claim(
    db: Database,
    name: str,
    issue: str | int,
    *,
    text: str = "",
    partner: Partner | None = None,
    by: str,
    now: datetime,
) -> Claimed:
    """Claim an issue that did not arrive: the partner's claim of what we send, ours of its own.

    A ``partner`` reports what it did not get; the staff enters what a partner said. Ours waits to
    be sent. Raises ``NotFound``, ``Forbidden``, and ``Conflict`` with what is possible.
    """
    with db.write() as conn:
        serial = holding_serials.hold(conn, name, now, partner=partner)
        theirs = serial.direction is Direction.SENT
        if partner is not None and not theirs:
            raise Forbidden("this serial is what you send: the other library claims its issues")
        found = holding_serials.named(conn, serial, issue)
        if found.state is IssueState.EXPECTED and found.due_on > holding_serials.today(now):
            raise Conflict(
                f"issue {found.label} is due on {found.due_on}: it cannot be missing yet"
            )
        holding_serials.move(conn, serial, found, _A.CLAIM, by, now)
        opened = claiming.open_claim(
            conn,
            serial.partner_id,
            ClaimReason.NOT_ARRIVED,
            side=ClaimSide.THEIRS if theirs else ClaimSide.OURS,
            about=_about(serial, found),
            copies=serial.copies,
            text=text,
            by=by,
            now=now,
        )
        return Claimed(holding_serials.followed(conn, serial), opened)


def resend(
    db: Database,
    name: str,
    issue: str | int,
    *,
    on: date | None = None,
    tracking: str = "",
    by: str,
    now: datetime,
) -> Followed:
    """Enter that a claimed issue was sent again: its claim is settled, the balance stays.

    Only where the year is not in the balance yet, because nothing of it was sent, it comes in.
    Raises ``NotFound``, ``Invalid``, and ``Conflict`` with what is possible.
    """
    now_on = holding_serials.today(now)
    day = rules.check_day(on or now_on, now_on)
    tracking = rules.check_line(tracking, "tracking")
    with db.write() as conn:
        serial = holding_serials.hold(conn, name, now)
        found = holding_serials.named(conn, serial, issue)
        again = tracking or found.tracking
        holding_serials.move(conn, serial, found, _A.RESEND, by, now, resent_on=day, tracking=again)
        _settle(conn, serial, found, Resolution.RESENT, "", by, now)
        holding_serials.count_years(conn, [(serial, found)], day, by, now)
        return holding_serials.followed(conn, serial)


def receive(
    db: Database,
    name: str,
    issue: str | int,
    *,
    on: date | None = None,
    by: str,
    now: datetime,
) -> Followed:
    """Enter that an issue arrived, late or not; a claim on it is settled.

    The first of a year brings the year into the balance. Raises as ``resend`` does.
    """
    now_on = holding_serials.today(now)
    day = rules.check_day(on or now_on, now_on)
    with db.write() as conn:
        serial = holding_serials.hold(conn, name, now)
        found = holding_serials.named(conn, serial, issue)
        holding_serials.move(conn, serial, found, _A.RECEIVE, by, now, moved_on=day)
        _settle(conn, serial, found, Resolution.ARRIVED, "", by, now)
        holding_serials.count_years(conn, [(serial, found)], day, by, now)
        return holding_serials.followed(conn, serial)


def close(
    db: Database, name: str, issue: str | int, reason: str, *, by: str, now: datetime
) -> Followed:
    """Give an issue up: it never appeared, or is out of print; a claim on it is written off.

    Raises as ``resend`` does.
    """
    reason = check_reason(reason)
    with db.write() as conn:
        serial = holding_serials.hold(conn, name, now)
        found = holding_serials.named(conn, serial, issue)
        holding_serials.move(conn, serial, found, _A.CLOSE, by, now, reason, note=reason)
        _settle(conn, serial, found, Resolution.WRITTEN_OFF, reason, by, now)
        return holding_serials.followed(conn, serial)


def _settle(
    conn: Connection,
    serial: ExchangeSerial,
    found: Issue,
    how: Resolution,
    text: str,
    by: str,
    now: datetime,
) -> None:
    """Settle the claims on an issue that nobody settled before."""
    for each in claims.about(conn, _about(serial, found), states=PENDING):
        settling.resolve_within(conn, each.public_id, how, text=text, by=by, now=now)


def _about(serial: ExchangeSerial, found: Issue) -> About:
    return About(serial_id=serial.id, issue=found.issue)
