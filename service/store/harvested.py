"""What each source says now, by identifier, and which of our records that is.

An identifier is the provider's own: the same one of another source is another thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.store import bulk
from service.store.harvests import HarvestLine, comes_again
from service.store.tables import harvest_line, harvested, import_line, offer, offer_list


class Arrived(NamedTuple):
    """A header whose record stands in the harvest's original, and what its identifier is now.

    ``offset`` and ``length`` are octets of the original. ``again``: the identifier comes once more
    later in the same harvest. ``record_id``: the record that the identifier is, None before its
    first commit. ``deleted`` and ``harvest_id``: what was said of it last, and by which harvest.
    """

    offset: int
    length: int
    identifier: str
    datestamp: str
    about: bytes | None
    again: bool
    record_id: int | None
    deleted: bool
    harvest_id: int


def arrived(
    conn: Connection, source_id: int, harvest_id: int, first: int, last: int
) -> list[Arrived]:
    """Return the headers of the records that stand between two octets, in their order."""
    line = harvest_line
    begin = (
        sa.select(sa.func.max(line.c.offset))
        .where(line.c.harvest_id == harvest_id, line.c.offset <= first)
        .scalar_subquery()
    )
    rows = conn.execute(
        sa.select(
            line.c.offset,
            line.c.length,
            line.c.identifier,
            line.c.datestamp,
            line.c.about,
            comes_again(harvest_id),
            harvested.c.record_id,
            harvested.c.deleted,
            harvested.c.harvest_id,
        )
        .join(
            harvested,
            (harvested.c.source_id == source_id) & (harvested.c.identifier == line.c.identifier),
        )
        .where(
            line.c.harvest_id == harvest_id,
            line.c.offset >= sa.func.coalesce(begin, 0),
            line.c.offset <= last,
        )
        .order_by(line.c.offset)
    )
    return [Arrived(*row) for row in rows]


def offsets(conn: Connection, batch_id: int, first: int, last: int) -> dict[int, int]:
    """Return where the records of a batch's lines stand, by position, in octets."""
    rows = conn.execute(
        sa.select(import_line.c.position, import_line.c.offset).where(
            import_line.c.batch_id == batch_id, import_line.c.position.between(first, last)
        )
    )
    return {row.position: row.offset for row in rows}


def say(conn: Connection, source_id: int, harvest_id: int, lines: Sequence[HarvestLine]) -> None:
    """Keep what a harvest says of some identifiers, each at most once."""
    bulk.insert(
        conn,
        harvested,
        ("source_id", "identifier", "datestamp", "deleted", "harvest_id"),
        [(source_id, line.identifier, line.datestamp, line.deleted, harvest_id) for line in lines],
        update=("source_id", "identifier"),
    )


def records_of(conn: Connection, source_id: int, identifiers: Iterable[str]) -> list[int]:
    """Return the records that some identifiers of a source are."""
    rows = conn.execute(
        sa.select(harvested.c.record_id).where(
            harvested.c.source_id == source_id,
            harvested.c.identifier.in_(list(identifiers)),
            harvested.c.record_id.is_not(None),
        )
    )
    return [int(record_id) for (record_id,) in rows]


def set_records(conn: Connection, source_id: int, records: Iterable[tuple[str, int]]) -> None:
    """Say which record an identifier is from now on."""
    rows = [{"name": identifier, "record": record_id} for identifier, record_id in records]
    if rows:
        statement = harvested.update().where(
            harvested.c.source_id == source_id, harvested.c.identifier == sa.bindparam("name")
        )
        conn.execute(statement.values(record_id=sa.bindparam("record")), rows)


def number(conn: Connection, source_id: int) -> int:
    """Return how many identifiers of a source are there, without the deleted ones."""
    return int(
        conn.execute(
            sa.select(sa.func.count()).where(
                harvested.c.source_id == source_id, harvested.c.deleted.is_(False)
            )
        ).scalar_one()
    )


def _silent(source_id: int, harvest_id: int) -> sa.ColumnElement[bool]:
    told = sa.exists().where(
        harvest_line.c.harvest_id == harvest_id,
        harvest_line.c.identifier == harvested.c.identifier,
    )
    return (harvested.c.source_id == source_id) & harvested.c.deleted.is_(False) & ~told


def silent(conn: Connection, source_id: int, harvest_id: int) -> int:
    """Return of how many identifiers that are there a harvest says nothing."""
    query = sa.select(sa.func.count()).where(_silent(source_id, harvest_id))
    return int(conn.execute(query).scalar_one())


def delete_silent(conn: Connection, source_id: int, harvest_id: int, limit: int) -> list[str]:
    """Say of up to ``limit`` identifiers that a harvest does not name that they are deleted.

    Return them.
    """
    found = list(
        conn.execute(
            sa.select(harvested.c.identifier)
            .where(_silent(source_id, harvest_id))
            .order_by(harvested.c.identifier)
            .limit(limit)
        ).scalars()
    )
    conn.execute(
        harvested.update()
        .where(harvested.c.source_id == source_id, harvested.c.identifier.in_(found))
        .values(deleted=True, harvest_id=harvest_id)
    )
    return found


def ours_as_well(conn: Connection, record_ids: Sequence[int]) -> set[int]:
    """Return those of some records that we offer, or offered, ourselves."""
    rows: Any = conn.execute(
        sa.select(offer.c.record_id)
        .join(offer_list, offer_list.c.id == offer.c.list_id)
        .where(offer.c.record_id.in_(record_ids), offer_list.c.offered_by.is_(None))
        .distinct()
    )
    return set(rows.scalars())
