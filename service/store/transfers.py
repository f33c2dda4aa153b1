"""Transfers: what partners were given, with the version of the record as it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.audience import given_set
from service.domain.publication import Published
from service.domain.transfer import Given, Transfer, TransferState
from service.errors import Conflict
from service.store import bulk, feed, public_ids
from service.store.tables import audience, offer, partner, transfer


def add(conn: Connection, items: Sequence[tuple[int, Given]], now: datetime) -> list[str]:
    """Enter what partners (by their rows) are given and tell the feed; return the public ids."""
    names = [public_ids.new() for _ in items]
    bulk.insert(
        conn,
        transfer,
        ("public_id", "partner_id", "offer_id", "version_id", "copies", "state", "created_at"),
        [
            (name, partner_id, each.offer_id, each.version_id, each.copies, _GIVEN, now)
            for name, (partner_id, each) in zip(names, items, strict=True)
        ],
    )
    rows = bulk.select_in(conn, _IDS, names)
    feed.mark(conn, feed.TRANSFER, [row for (row,) in rows])
    return names


_GIVEN = TransferState.GIVEN.value
_VALUES: sa.BindParameter[object] = sa.bindparam("values", expanding=True)
_IDS = sa.select(transfer.c.id).where(transfer.c.public_id.in_(_VALUES))


def retract(conn: Connection, public_id: str) -> None:
    """Take one transfer back and tell the feed; raise ``Conflict`` when that was done before."""
    row = conn.execute(
        transfer.update()
        .where(transfer.c.public_id == public_id, transfer.c.state == _GIVEN)
        .values(state=TransferState.RETRACTED.value)
        .returning(transfer.c.id)
    ).first()
    if row is None:
        raise Conflict("this transfer was taken back before")
    feed.mark(conn, feed.TRANSFER, [row.id])


def by_public_id(conn: Connection, public_id: str) -> Transfer | None:
    """Return one transfer, or None."""
    row = conn.execute(
        sa.select(transfer, partner.c.code, offer.c.public_id.label("offer"))
        .join(partner, partner.c.id == transfer.c.partner_id)
        .outerjoin(offer, offer.c.id == transfer.c.offer_id)
        .where(transfer.c.public_id == public_id)
    ).first()
    if row is None:
        return None
    return Transfer(
        public_id=row.public_id,
        partner_code=row.code,
        offer=row.offer,
        version_id=row.version_id,
        copies=row.copies,
        state=TransferState(row.state),
        created_at=row.created_at,
    )


_PUBLISHED = (
    sa.select(
        transfer.c.id,
        transfer.c.public_id,
        transfer.c.version_id,
        transfer.c.state == _GIVEN,
        audience.c.id,
        partner.c.code,
    )
    .join(partner, partner.c.id == transfer.c.partner_id)
    .join(audience, audience.c.code == sa.literal(given_set("")) + partner.c.code)
    .where(transfer.c.id.in_(_VALUES))
)


def published(conn: Connection, transfer_ids: Sequence[int]) -> list[Published]:
    """Return what the feed shall say of these transfers now: to their partners, each alone."""
    return [
        Published(row, name, version, bool(given), frozenset({seen_by}), (given_set(code),))
        for row, name, version, given, seen_by, code in bulk.select_in(
            conn, _PUBLISHED, transfer_ids
        )
    ]
