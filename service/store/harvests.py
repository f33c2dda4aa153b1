"""Harvests of our sources: how far each has come, and every header that it brought.

One harvest of a source runs at a time: a unique index sees to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.harvest import TAKE_WISHES, Harvest, HarvestState, Order, Remarks
from service.domain.import_batch import BatchState
from service.errors import Conflict
from service.store import bulk, public_ids
from service.store.tables import harvest, harvest_line, import_batch, job


class HarvestLine(NamedTuple):
    """A header that came; ``offset`` and ``length`` say where its record stands, in octets.

    Both are None for a deleted one. ``about`` holds the ``about`` elements, joined.
    """

    position: int
    identifier: str
    datestamp: str
    deleted: bool
    about: bytes | None = None
    offset: int | None = None
    length: int | None = None


def add(conn: Connection, source_id: int, order: Order, now: datetime) -> Harvest:
    """Begin a harvest; raise ``Conflict`` when one of this source is not at its end."""
    try:
        with conn.begin_nested():
            row = conn.execute(
                harvest.insert()
                .values(
                    public_id=public_ids.new(),
                    source_id=source_id,
                    full=order.full,
                    state=HarvestState.RUNNING.value,
                    task=order.to_json(),
                    started_at=now,
                )
                .returning(harvest)
            ).one()
    except IntegrityError as error:
        raise Conflict("this source is being harvested already; wait for its end") from error
    return _harvest(row)


def by_id(conn: Connection, harvest_id: int) -> Harvest:
    """Return the harvest of this row."""
    return _harvest(conn.execute(sa.select(harvest).where(harvest.c.id == harvest_id)).one())


def of_batch(conn: Connection, batch_id: int) -> Harvest | None:
    """Return the harvest that brought a batch, None for a file that somebody sent."""
    row = conn.execute(sa.select(harvest).where(harvest.c.batch_id == batch_id)).first()
    return None if row is None else _harvest(row)


def last(conn: Connection, source_id: int) -> Harvest | None:
    """Return the newest harvest of a source, None before the first."""
    found = of_source(conn, source_id, "", 1)
    return found[0] if found else None


def of_source(conn: Connection, source_id: int, before: str, limit: int) -> list[Harvest]:
    """Return harvests of a source, the newest first, older than the public id ``before``."""
    query = sa.select(harvest).where(harvest.c.source_id == source_id)
    if before:
        query = query.where(harvest.c.public_id < before)
    rows = conn.execute(query.order_by(harvest.c.public_id.desc()).limit(limit))
    return [_harvest(row) for row in rows]


def move(
    conn: Connection,
    found: Harvest,
    state: HarvestState,
    *,
    error: str = "",
    finished_at: datetime | None = None,
) -> None:
    """Move a harvest on from the state it was found in; raise ``Conflict`` if that has changed."""
    moved = conn.execute(
        harvest.update()
        .where(harvest.c.id == found.id, harvest.c.state == found.state.value)
        .values(state=state.value, error=error, tries=0, finished_at=finished_at)
    )
    if moved.rowcount != 1:
        raise Conflict("somebody else changed this harvest at the same moment; look at it again")


def accept_vanished(conn: Connection, found: Harvest) -> None:
    """Keep a person's yes to so much being gone."""
    order = replace(found.order, accept_vanished=True)
    conn.execute(harvest.update().where(harvest.c.id == found.id).values(task=order.to_json()))


def forget_original(conn: Connection, found: Harvest) -> None:
    """Let go of what a harvest brought that is not gone on with."""
    conn.execute(harvest.update().where(harvest.c.id == found.id).values(original_id=None))


def keep(conn: Connection, found: Harvest) -> None:
    """Keep how far a harvest has come: all of its values but state and moments."""
    conn.execute(
        harvest.update()
        .where(harvest.c.id == found.id)
        .values(
            full=found.order.full,
            task=found.order.to_json(),
            point=found.point,
            pages=found.pages,
            records=found.records,
            deleted=found.deleted,
            octets=found.octets,
            original_id=found.original_id,
            batch_id=found.batch_id,
            notes=found.remarks.to_json(),
            error=found.error,
            tries=found.tries,
        )
    )


def add_lines(conn: Connection, harvest_id: int, lines: Iterable[HarvestLine]) -> None:
    """Keep headers as they came."""
    bulk.insert(
        conn,
        harvest_line,
        ("harvest_id", *HarvestLine._fields),
        [(harvest_id, *line) for line in lines],
    )


def next_position(conn: Connection, harvest_id: int) -> int:
    """Return the position of the next header of a harvest, from 1 on."""
    highest = sa.select(sa.func.max(harvest_line.c.position)).where(
        harvest_line.c.harvest_id == harvest_id
    )
    return int(conn.execute(highest).scalar() or 0) + 1


def last_words(conn: Connection, harvest_id: int, after: int, limit: int) -> list[HarvestLine]:
    """Return up to ``limit`` headers behind position ``after``, without those that come again."""
    rows = conn.execute(
        sa.select(*(harvest_line.c[name] for name in HarvestLine._fields))
        .where(
            harvest_line.c.harvest_id == harvest_id,
            harvest_line.c.position > after,
            ~comes_again(harvest_id),
        )
        .order_by(harvest_line.c.position)
        .limit(limit)
    )
    return [HarvestLine(*row) for row in rows]


def comes_again(harvest_id: int) -> sa.ColumnElement[bool]:
    """Return the condition that a header's identifier comes once more later in its harvest."""
    later = harvest_line.alias()
    return sa.exists().where(
        later.c.harvest_id == harvest_id,
        later.c.identifier == harvest_line.c.identifier,
        # The sum keeps SQLite from looking through all positions behind this one.
        later.c.position + 0 > harvest_line.c.position,
    )


def forget_lines(conn: Connection, source_id: int, before: int, limit: int) -> int:
    """Drop up to ``limit`` headers of harvests older than ``before``; return how many.

    Nobody asks for them once the records that came with them are committed.
    """
    served = (
        sa.select(harvest.c.id)
        .outerjoin(import_batch, import_batch.c.id == harvest.c.batch_id)
        .where(
            harvest.c.source_id == source_id,
            harvest.c.id < before,
            harvest.c.state.in_([HarvestState.DONE.value, HarvestState.ABANDONED.value]),
            import_batch.c.id.is_(None) | (import_batch.c.state == BatchState.COMMITTED.value),
            harvest.c.id.not_in(_UNREAD),
        )
    )
    key = sa.tuple_(harvest_line.c.harvest_id, harvest_line.c.position)
    some = (
        sa.select(harvest_line.c.harvest_id, harvest_line.c.position)
        .where(harvest_line.c.harvest_id.in_(served))
        .limit(limit)
    )
    return conn.execute(harvest_line.delete().where(key.in_(some))).rowcount


# Harvests whose wishes are still to be read.
_UNREAD = sa.select(job.c.subject_id).where(job.c.kind == TAKE_WISHES, job.c.finished_at.is_(None))


def _harvest(row: sa.Row[Any]) -> Harvest:
    point: Mapping[str, Any] | None = row.point
    return Harvest(
        id=row.id,
        public_id=row.public_id,
        source_id=row.source_id,
        state=HarvestState(row.state),
        order=Order.from_json(row.task),
        point=point,
        pages=row.pages,
        records=row.records,
        deleted=row.deleted,
        octets=row.octets,
        original_id=row.original_id,
        batch_id=row.batch_id,
        remarks=Remarks.from_json(row.notes),
        error=row.error,
        tries=row.tries,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
