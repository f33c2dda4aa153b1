"""Records that are to be offered on a list, named one by one by whoever offers them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.store.tables import record


def by_public_id(conn: Connection, public_ids: Sequence[str]) -> dict[str, int]:
    """Return the rows of records that can be offered, by their public ids.

    One that was staged only, and never committed, cannot.
    """
    rows = conn.execute(
        sa.select(record.c.public_id, record.c.id).where(
            record.c.public_id.in_(public_ids), record.c.current_version_id.is_not(None)
        )
    )
    return {row[0]: row[1] for row in rows}
