"""What we hold, by identifiers that our own system exported; each upload has its number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.store import bulk
from service.store.tables import holding

_NUMBERING: Final = 0x42424844  # of the advisory lock under which uploads are numbered


def next_upload(conn: Connection) -> int:
    """Return the number of a new upload; others wait until this one ends."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_NUMBERING)))
    last = conn.execute(sa.select(sa.func.max(holding.c.upload))).scalar()
    return (last or 0) + 1


def put(conn: Connection, upload: int, keys: Iterable[tuple[str, str]]) -> None:
    """Enter identifiers; those that are there belong to this upload from now on."""
    rows = [(kind, value, upload) for kind, value in sorted(keys)]
    bulk.insert(conn, holding, ("kind", "value", "upload"), rows, update=("kind", "value"))


def drop_before(conn: Connection, upload: int) -> int:
    """Take out what this upload does not have; return how many."""
    return conn.execute(holding.delete().where(holding.c.upload < upload)).rowcount


def counts(conn: Connection) -> dict[str, int]:
    """Return how many identifiers of each kind there are."""
    query = sa.select(holding.c.kind, sa.func.count()).group_by(holding.c.kind)
    return {row[0]: row[1] for row in conn.execute(query.order_by(holding.c.kind))}
