"""Visits of harvesters: a row for each harvest, written some seconds after its pages were sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.visit import AskedList, Harvester, Visit
from service.store import public_ids
from service.store.tables import harvester_visit as table
from service.store.tables import partner

# A page goes on with a visit of the last day, among so many that were active last.
_MEMORY = timedelta(days=1)
_MOST_RECENT = 1000


class Kept(NamedTuple):
    """A visit that is kept, under its public id, and the code of its partner, if it has one."""

    public_id: str
    partner_code: str | None
    visit: Visit


def keep(conn: Connection, visits: Iterable[Visit]) -> None:
    """Add what was seen of visits, in the order of seeing, to the rows that are there."""
    visits = list(visits)
    rows = {} if all(each.begins for each in visits) else _recent(conn, visits[-1].last_at)
    for visit in visits:
        key = (visit.harvester, visit.asked)
        if visit.begins or key not in rows:
            rows[key] = _add(conn, visit)
        else:
            _grow(conn, rows[key], visit)


def _recent(conn: Connection, now: datetime) -> dict[tuple[Harvester, AskedList], int]:
    """Return the newest visit of each harvester to each list within a day."""
    found = conn.execute(
        sa.select(table)
        .where(table.c.last_at > now - _MEMORY)
        .order_by(table.c.last_at.desc())
        .limit(_MOST_RECENT)
    )
    rows = sorted(found, key=lambda row: int(row.id))
    return {(_harvester(row), _asked(row)): row.id for row in rows}


def _add(conn: Connection, visit: Visit) -> int:
    harvester, asked = visit.harvester, visit.asked
    made = conn.execute(
        table.insert()
        .values(
            public_id=public_ids.new(),
            partner_id=harvester.partner_id,
            address=harvester.address or None,
            agent=harvester.agent,
            verb=asked.verb,
            prefix=asked.prefix,
            set_spec=asked.set_spec,
            from_=asked.from_,
            until=asked.until,
            began_at=visit.began_at,
            last_at=visit.last_at,
            pages=visit.pages,
            records=visit.records,
            errors=visit.errors,
            last_error=visit.last_error,
            complete=visit.complete,
        )
        .returning(table.c.id)
    )
    return int(made.scalar_one())


def _grow(conn: Connection, row_id: int, visit: Visit) -> None:
    values: dict[str, Any] = {
        "last_at": visit.last_at,
        "pages": table.c.pages + visit.pages,
        "records": table.c.records + visit.records,
        "errors": table.c.errors + visit.errors,
    }
    if visit.complete:
        values["complete"] = True
    if visit.last_error:
        values["last_error"] = visit.last_error
    conn.execute(table.update().where(table.c.id == row_id).values(values))


def listed(conn: Connection, partner_id: int | None, before: str, limit: int) -> list[Kept]:
    """Return visits, newest first, older than the public id ``before``; of one partner, or all."""
    query = (
        sa.select(table, partner.c.code)
        .outerjoin(partner, partner.c.id == table.c.partner_id)
        .order_by(table.c.public_id.desc())
        .limit(limit)
    )
    if before:
        query = query.where(table.c.public_id < before)
    if partner_id is not None:
        query = query.where(table.c.partner_id == partner_id)
    return [Kept(row.public_id, row.code, _visit(row)) for row in conn.execute(query)]


def forget_addresses(conn: Connection, before: datetime) -> int:
    """Forget the addresses of visits that ended before that moment; return how many."""
    return conn.execute(
        table.update()
        .where(table.c.address.is_not(None), table.c.last_at <= before)
        .values(address=None)
    ).rowcount


def discard_oldest(conn: Connection, newest: int) -> int:
    """Drop all but the ``newest`` visits; return how many were dropped."""
    last = sa.select(table.c.id).order_by(table.c.id.desc()).limit(1).offset(newest)
    return conn.execute(table.delete().where(table.c.id <= last.scalar_subquery())).rowcount


def _harvester(row: sa.Row[Any]) -> Harvester:
    return Harvester(row.partner_id, row.address or "", row.agent)


def _asked(row: sa.Row[Any]) -> AskedList:
    return AskedList(row.verb, row.prefix, row.set_spec, row.from_, row.until)


def _visit(row: sa.Row[Any]) -> Visit:
    return Visit(
        _harvester(row),
        _asked(row),
        row.began_at,
        row.last_at,
        pages=row.pages,
        records=row.records,
        errors=row.errors,
        last_error=row.last_error,
        complete=row.complete,
    )
