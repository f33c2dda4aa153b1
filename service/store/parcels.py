"""Parcels of consignments, by their numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.parcel import Parcel, ParcelKind
from service.store import bulk
from service.store.tables import consignment, consignment_line, parcel


def of(conn: Connection, consignment_id: int) -> list[Parcel]:
    """Return the parcels of a consignment by number."""
    rows = conn.execute(
        sa.select(parcel).where(parcel.c.consignment_id == consignment_id).order_by(parcel.c.number)
    )
    return [Parcel(row.number, ParcelKind(row.kind), row.weight, row.tracking) for row in rows]


def put(conn: Connection, consignment_id: int, parcels: Sequence[Parcel]) -> None:
    """Enter parcels, over those of the same numbers."""
    bulk.insert(
        conn,
        parcel,
        ("consignment_id", "number", "kind", "weight", "tracking"),
        [
            (consignment_id, each.number, each.kind.value, each.weight, each.tracking)
            for each in parcels
        ],
        update=("consignment_id", "number"),
    )


def remove(conn: Connection, consignment_id: int, numbers: Collection[int]) -> None:
    """Remove parcels; lines that were in them are in none any more, and not packed."""
    wanted = sorted(numbers)
    conn.execute(
        consignment_line.update()
        .where(
            consignment_line.c.consignment_id == consignment_id,
            consignment_line.c.parcel.in_(wanted),
        )
        .values(parcel=None, packed=False)
    )
    conn.execute(
        parcel.delete().where(
            parcel.c.consignment_id == consignment_id, parcel.c.number.in_(wanted)
        )
    )


def elsewhere(conn: Connection, barcode: str) -> str | None:
    """Return the number of the newest consignment with a line of this barcode, or None."""
    found = conn.execute(
        sa.select(consignment.c.number)
        .join(consignment_line, consignment_line.c.consignment_id == consignment.c.id)
        .where(consignment_line.c.barcode == barcode, sa.text("NOT consignment_line.released"))
        .order_by(consignment.c.id.desc())
        .limit(1)
    ).scalar()
    return None if found is None else str(found)
