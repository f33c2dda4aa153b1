"""Other readings of the same octets: a file that was sent again with another word of its sender.

A record that an earlier reading brought is the same record, however differently it is read now;
``shown`` finds it by its place in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.import_batch import Action, Batch
from service.store.tables import import_batch, import_line, offer_list, record


class Reading(NamedTuple):
    """A batch in which octets were read otherwise, and the record that they became."""

    batch_id: int
    record_id: int


def others(conn: Connection, batch: Batch) -> list[int]:
    """Return the batches, for any list, in which the octets of this one were read before or since.

    A file is read again when its sender says another encoding or dialect, or for another list. What
    is read for a partner's list is compared with that list alone: it changes no record of ours.
    """
    is_ours = sa.exists().where(offer_list.c.id == batch.list_id, offer_list.c.offered_by.is_(None))
    return list(
        conn.execute(
            sa.select(import_batch.c.id).where(
                import_batch.c.original_id == batch.original_id,
                import_batch.c.id != batch.id,
                (import_batch.c.list_id == batch.list_id) | is_ours,
            )
        ).scalars()
    )


def shown(
    conn: Connection, batch_ids: Sequence[int], first: int, last: int
) -> dict[tuple[int, int], int]:
    """Return the records that still show what these batches read at positions ``first``…``last``.

    By (position, offset): both must agree for the octets to be the same.
    """
    if not batch_ids:
        return {}
    rows = conn.execute(
        sa.select(import_line.c.position, import_line.c.offset, record.c.id)
        .join(record, record.c.current_version_id == import_line.c.version_id)
        .where(
            import_line.c.batch_id.in_(batch_ids),
            import_line.c.position.between(first, last),
            import_line.c.action.in_([Action.NEW.value, Action.UPDATE.value]),
        )
        .order_by(record.c.id)
    )
    return {(position, offset): record_id for position, offset, record_id in rows}


def brought_meanwhile(conn: Connection, batch: Batch, first: int, last: int) -> dict[int, Reading]:
    """Return by position what other readings show by now of records that are new to this batch."""
    batch_ids = others(conn, batch)
    if not batch_ids:
        return {}
    theirs = import_line.alias()
    rows = conn.execute(
        sa.select(import_line.c.position, theirs.c.batch_id, record.c.id)
        .join(
            theirs,
            (theirs.c.position == import_line.c.position)
            & (theirs.c.offset == import_line.c.offset),
        )
        .join(record, record.c.current_version_id == theirs.c.version_id)
        .where(
            import_line.c.batch_id == batch.id,
            import_line.c.position.between(first, last),
            import_line.c.action == Action.NEW.value,
            theirs.c.batch_id.in_(batch_ids),
            theirs.c.action.in_([Action.NEW.value, Action.UPDATE.value]),
        )
        .order_by(theirs.c.batch_id)
    )
    return {position: Reading(batch_id, record_id) for position, batch_id, record_id in rows}
