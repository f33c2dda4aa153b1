"""Receipts with their lines, one for each consignment, and whose receipt is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.consignment import ON_ITS_WAY
from service.domain.receipt import Arrival, Channel, Outcome, Receipt
from service.store import bulk, public_ids
from service.store.tables import consignment, receipt, receipt_line


def of(conn: Connection, consignment_id: int) -> Receipt | None:
    """Return the receipt of a consignment, or None."""
    row = conn.execute(sa.select(receipt).where(receipt.c.consignment_id == consignment_id)).first()
    if row is None:
        return None
    lines = conn.execute(
        sa.select(
            receipt_line.c.position,
            receipt_line.c.arrived,
            receipt_line.c.damaged,
            receipt_line.c.note,
        )
        .where(receipt_line.c.receipt_id == row.id)
        .order_by(receipt_line.c.position)
    )
    return Receipt(
        row.id,
        row.public_id,
        Outcome(row.outcome),
        row.received_on,
        Channel(row.channel),
        row.received_by,
        row.note,
        row.created_at,
        tuple(Arrival(*line) for line in lines),
    )


def add(
    conn: Connection,
    consignment_id: int,
    lines: Sequence[Arrival],
    *,
    outcome: Outcome,
    received_on: date,
    channel: Channel,
    received_by: str,
    note: str,
    now: datetime,
) -> None:
    """Enter the receipt of a consignment that has none."""
    made = conn.execute(
        receipt.insert()
        .values(
            public_id=public_ids.new(),
            consignment_id=consignment_id,
            outcome=outcome.value,
            received_on=received_on,
            channel=channel.value,
            received_by=received_by,
            note=note,
            created_at=now,
        )
        .returning(receipt.c.id)
    )
    _put_lines(conn, int(made.scalar_one()), lines)


def correct(
    conn: Connection,
    found: Receipt,
    lines: Sequence[Arrival],
    *,
    outcome: Outcome,
    received_on: date,
    channel: Channel,
    received_by: str,
    note: str,
) -> None:
    """Write over a receipt; when it came first stays."""
    conn.execute(
        receipt.update()
        .where(receipt.c.id == found.id)
        .values(
            outcome=outcome.value,
            received_on=received_on,
            channel=channel.value,
            received_by=received_by,
            note=note,
        )
    )
    _put_lines(conn, found.id, lines)


def _put_lines(conn: Connection, receipt_id: int, lines: Sequence[Arrival]) -> None:
    bulk.insert(
        conn,
        receipt_line,
        ("receipt_id", *Arrival._fields),
        [(receipt_id, *each) for each in lines],
        update=("receipt_id", "position"),
    )


def overdue(conn: Connection, now: datetime) -> list[str]:
    """Return the consignments (public ids) to be reminded of, or presumed received, by now."""
    waited = consignment.c
    rows = conn.execute(
        sa.select(waited.public_id)
        .where(
            sa.or_(waited.remind_at <= now, waited.presume_at <= now),
            waited.state.in_(sorted(state.value for state in ON_ITS_WAY)),
        )
        .order_by(waited.id)
    )
    return list(rows.scalars())
