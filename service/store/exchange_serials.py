"""Serials on exchange and their issues.

Issues are made ahead, once each: whoever makes them again changes nothing. Every change of an issue
names the state that it was decided on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.exchange_serial import (
    ExchangeSerial,
    Issue,
    IssueState,
    NewSerial,
    SerialState,
)
from service.domain.issue_calendar import Expected, Frequency
from service.domain.ledger import Direction
from service.domain.transfer import TransferKind
from service.errors import Conflict
from service.store import bulk, public_ids
from service.store.tables import exchange_serial, partner, serial_issue

_OPEN: Final = (IssueState.MISSING.value, IssueState.CLAIMED.value)


# --- serials --------------------------------------------------------------------------------------


def add(conn: Connection, partner_id: int, new: NewSerial, now: datetime) -> str:
    """Enter a serial; return its public id."""
    public_id = public_ids.new()
    given = {name: getattr(value, "value", value) for name, value in new._asdict().items()}
    conn.execute(
        exchange_serial.insert().values(
            public_id=public_id,
            partner_id=partner_id,
            state=SerialState.ACTIVE.value,
            created_at=now,
            **given,
        )
    )
    return public_id


_MOVED = (
    sa.select(serial_issue.c.issue)
    .where(
        serial_issue.c.serial_id == exchange_serial.c.id,
        sa.or_(serial_issue.c.moved_on.is_not(None), serial_issue.c.resent_on.is_not(None)),
    )
    .order_by(serial_issue.c.issue.desc())
    .limit(1)
    .correlate(exchange_serial)
    .scalar_subquery()
)
_LAST = serial_issue.alias()
_SERIAL = (
    sa.select(
        exchange_serial,
        partner.c.code.label("partner"),
        sa.func.coalesce(_LAST.c.label, "").label("last_moved"),
        sa.func.coalesce(_LAST.c.moved_on, _LAST.c.resent_on).label("last_moved_on"),
        sa.select(sa.func.coalesce(sa.func.max(serial_issue.c.issue), 0))
        .where(serial_issue.c.serial_id == exchange_serial.c.id)
        .correlate(exchange_serial)
        .scalar_subquery()
        .label("last_issue"),
        sa.select(sa.func.count())
        .where(
            serial_issue.c.serial_id == exchange_serial.c.id,
            serial_issue.c.state.in_(_OPEN),
        )
        .correlate(exchange_serial)
        .scalar_subquery()
        .label("open_issues"),
    )
    .join(partner, partner.c.id == exchange_serial.c.partner_id)
    .outerjoin(_LAST, (_LAST.c.serial_id == exchange_serial.c.id) & (_LAST.c.issue == _MOVED))
)


def by_public_id(conn: Connection, public_id: str) -> ExchangeSerial | None:
    """Return a serial, or None."""
    row = conn.execute(_SERIAL.where(exchange_serial.c.public_id == public_id)).first()
    return None if row is None else _serial(row)


def lock_all(conn: Connection, ids: Collection[int]) -> dict[int, ExchangeSerial]:
    """Return serials that nobody else changes until the transaction ends, by their rows."""
    conn.execute(
        sa.select(exchange_serial.c.id)
        .where(exchange_serial.c.id.in_(sorted(ids)))
        .order_by(exchange_serial.c.id)
        .with_for_update()
    ).all()
    rows = conn.execute(_SERIAL.where(exchange_serial.c.id.in_(sorted(ids))))
    return {row.id: _serial(row) for row in rows}


def listed(
    conn: Connection,
    *,
    partner_id: int | None = None,
    direction: Direction | None = None,
    states: Collection[SerialState] = frozenset(SerialState),
    open_only: bool = False,
    before: str = "",
    limit: int | None = None,
) -> list[ExchangeSerial]:
    """Return serials, newest first, older than the public id ``before``.

    ``open_only``: those that have an issue which is missing or claimed.
    """
    query = _SERIAL.where(exchange_serial.c.state.in_(sorted(each.value for each in states)))
    if partner_id is not None:
        query = query.where(exchange_serial.c.partner_id == partner_id)
    if direction is not None:
        query = query.where(exchange_serial.c.direction == direction.value)
    if open_only:
        some = sa.select(serial_issue.c.serial_id).where(serial_issue.c.state.in_(_OPEN))
        query = query.where(exchange_serial.c.id.in_(some))
    if before:
        older = sa.select(exchange_serial.c.id).where(exchange_serial.c.public_id == before)
        query = query.where(exchange_serial.c.id < older.scalar_subquery())
    rows = conn.execute(query.order_by(exchange_serial.c.id.desc()).limit(limit))
    return [_serial(row) for row in rows]


def called(conn: Connection, *, issn: str, title: str) -> list[ExchangeSerial]:
    """Return what is sent to partners under this ISSN, or without one under this title, by code."""
    name = exchange_serial.c.issn == issn if issn else exchange_serial.c.title == title
    query = _SERIAL.where(
        name,
        exchange_serial.c.direction == Direction.SENT.value,
    )
    return [_serial(row) for row in conn.execute(query.order_by(partner.c.code))]


def put(conn: Connection, found: ExchangeSerial, **values: Any) -> None:
    """Write columns of a serial that is still as it was ``found``; its revision moves on.

    Raises ``Conflict`` when somebody was faster.
    """
    changed = conn.execute(
        exchange_serial.update()
        .where(
            exchange_serial.c.id == found.id,
            exchange_serial.c.state == found.state.value,
            exchange_serial.c.revision == found.revision,
        )
        .values(revision=found.revision + 1, **values)
    )
    if changed.rowcount != 1:
        raise Conflict("somebody else changed this serial at the same moment; look again")


# --- issues ---------------------------------------------------------------------------------------

_ISSUE: Final = ("serial_id", "issue", "label", "year", "state", "due_on")


def add_issues(conn: Connection, serial_id: int, some: Iterable[Expected]) -> None:
    """Enter issues as expected; what is there stays as it is."""
    rows = [
        (serial_id, each.issue, each.label, each.year, IssueState.EXPECTED.value, each.due_on)
        for each in some
    ]
    bulk.insert(conn, serial_issue, _ISSUE, rows, if_new=True)


def issues(conn: Connection, serial_id: int) -> list[Issue]:
    """Return the issues of a serial in their order."""
    query = _ISSUES.where(serial_issue.c.serial_id == serial_id)
    return [_issue(row) for row in conn.execute(query.order_by(serial_issue.c.issue))]


def labelled(conn: Connection, serial_ids: Collection[int], label: str) -> dict[int, Issue]:
    """Return the issues of several serials that bear a label, by the serial's row."""
    query = sa.select(serial_issue).where(
        serial_issue.c.serial_id.in_(sorted(serial_ids)), serial_issue.c.label == label
    )
    return {row.serial_id: _issue(row) for row in conn.execute(query)}


_ISSUES = sa.select(*(serial_issue.c[name] for name in Issue._fields))


def put_issue(conn: Connection, serial_id: int, found: Issue, **values: Any) -> None:
    """Write columns of an issue that is still in the state in which it was ``found``.

    Raises ``Conflict`` when somebody was faster.
    """
    changed = conn.execute(
        serial_issue.update()
        .where(
            serial_issue.c.serial_id == serial_id,
            serial_issue.c.issue == found.issue,
            serial_issue.c.state == found.state.value,
        )
        .values(**values)
    )
    if changed.rowcount != 1:
        raise Conflict("somebody else changed this issue at the same moment; look again")


def miss(conn: Connection, serial_id: int, due_by: date) -> int:
    """Mark what is expected and was due by a day as missing; return how many issues."""
    return conn.execute(
        serial_issue.update()
        .where(
            serial_issue.c.serial_id == serial_id,
            serial_issue.c.state == IssueState.EXPECTED.value,
            serial_issue.c.due_on <= due_by,
        )
        .values(state=IssueState.MISSING.value)
    ).rowcount


def drop_expected(conn: Connection, serial_id: int, after: date) -> int:
    """Remove issues that are only expected, after a day; return how many."""
    return conn.execute(
        serial_issue.delete().where(
            serial_issue.c.serial_id == serial_id,
            serial_issue.c.state == IssueState.EXPECTED.value,
            serial_issue.c.due_on > after,
        )
    ).rowcount


def first_expected(conn: Connection) -> dict[int, date]:
    """Return the day on which the first issue is due that is only expected, by the serial's row."""
    rows = conn.execute(
        sa.select(serial_issue.c.serial_id, sa.func.min(serial_issue.c.due_on))
        .where(serial_issue.c.state == IssueState.EXPECTED.value)
        .group_by(serial_issue.c.serial_id)
    )
    return {row[0]: row[1] for row in rows}


def _issue(row: sa.Row[Any]) -> Issue:
    found = Issue._make(getattr(row, name) for name in Issue._fields)
    return found._replace(state=IssueState(found.state))


def _serial(row: sa.Row[Any]) -> ExchangeSerial:
    return ExchangeSerial(
        id=row.id,
        public_id=row.public_id,
        partner_id=row.partner_id,
        partner=row.partner,
        direction=Direction(row.direction),
        title=row.title,
        issn=row.issn,
        kind=TransferKind(row.kind),
        frequency=Frequency(row.frequency),
        per_year=row.per_year,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        first_volume=row.first_volume,
        copies=row.copies,
        claim_after=row.claim_after,
        state=SerialState(row.state),
        notes=row.notes,
        created_at=row.created_at,
        revision=row.revision,
        last_issue=row.last_issue,
        last_moved=row.last_moved,
        last_moved_on=row.last_moved_on,
        open_issues=row.open_issues,
    )
