"""Wish lists as they came and were answered, and the wishes in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.wish import AnsweredLine, Mode, Outcome, WishList, WishState
from service.store import public_ids
from service.store.tables import offer, partner, wish, wish_list


class OpenWish(NamedTuple):
    """An open wish of a partner: where it stands and since when."""

    wish_list: str
    line_no: int
    wished_at: datetime


class NewWish(NamedTuple):
    """One answered line to be kept; ``target`` is empty unless the wish stays open."""

    line: AnsweredLine
    offer_id: int | None
    target: str
    wished_at: datetime


def add_list(
    conn: Connection,
    *,
    partner_id: int,
    channel: str,
    list_key: str,
    mode: Mode,
    media_type: str,
    original_id: int,
    idempotency_key: str | None,
    request_digest: bytes,
    now: datetime,
) -> tuple[int, str]:
    """Enter a wish list; return its row and its public id."""
    row = conn.execute(
        wish_list.insert()
        .values(
            public_id=public_ids.new(),
            partner_id=partner_id,
            channel=channel,
            list_key=list_key,
            mode=mode.value,
            media_type=media_type,
            original_id=original_id,
            idempotency_key=idempotency_key,
            request_digest=request_digest,
            received_at=now,
        )
        .returning(wish_list.c.id, wish_list.c.public_id)
    ).one()
    return row.id, row.public_id


def add(conn: Connection, list_id: int, partner_id: int, wishes: Sequence[NewWish]) -> None:
    """Keep the lines of a wish list."""
    rows = [
        {
            "wish_list_id": list_id,
            "line_no": new.line.line_no,
            "partner_id": partner_id,
            "line": new.line.line,
            "outcome": new.line.outcome.value,
            "reason": new.line.reason,
            "offer_id": new.offer_id,
            "quantity": new.line.quantity,
            "note": new.line.note,
            "target": new.target,
            "state": new.line.state.value,
            "wished_at": new.wished_at,
        }
        for new in wishes
    ]
    conn.execute(wish.insert(), rows)


def open_wishes(conn: Connection, partner_id: int, targets: Collection[str]) -> dict[str, OpenWish]:
    """Return a partner's open wishes for these targets."""
    rows = conn.execute(
        sa.select(wish.c.target, wish_list.c.public_id, wish.c.line_no, wish.c.wished_at)
        .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
        .where(
            wish.c.partner_id == partner_id,
            wish.c.state == WishState.OPEN.value,
            wish.c.target.in_(targets),
        )
    )
    return {row.target: OpenWish(row.public_id, row.line_no, row.wished_at) for row in rows}


def replace_open(
    conn: Connection, partner_id: int, channel: str, list_key: str
) -> dict[str, datetime]:
    """End the open wishes sent before under this key; return their targets and since when."""
    earlier = sa.select(wish_list.c.id).where(
        wish_list.c.partner_id == partner_id,
        wish_list.c.channel == channel,
        wish_list.c.list_key == list_key,
    )
    rows = conn.execute(
        wish.update()
        .where(wish.c.wish_list_id.in_(earlier), wish.c.state == WishState.OPEN.value)
        .values(state=WishState.REPLACED.value)
        .returning(wish.c.target, wish.c.wished_at)
    )
    return dict(rows.all())


def withdraw(conn: Connection, partner_id: int, public_id: str, line_no: int) -> bool:
    """Withdraw one open wish of a partner; return whether there was one."""
    mine = sa.select(wish_list.c.id).where(
        wish_list.c.public_id == public_id, wish_list.c.partner_id == partner_id
    )
    done = conn.execute(
        wish.update()
        .where(
            wish.c.wish_list_id.in_(mine),
            wish.c.line_no == line_no,
            wish.c.state == WishState.OPEN.value,
        )
        .values(state=WishState.WITHDRAWN.value)
    )
    return done.rowcount == 1


def by_idempotency_key(conn: Connection, partner_id: int, key: str) -> tuple[str, bytes] | None:
    """Return (public id, request digest) of the wish list sent with this key, or None."""
    row = conn.execute(
        sa.select(wish_list.c.public_id, wish_list.c.request_digest).where(
            wish_list.c.partner_id == partner_id, wish_list.c.idempotency_key == key
        )
    ).first()
    return None if row is None else (row.public_id, bytes(row.request_digest))


def by_public_id(conn: Connection, public_id: str, partner_id: int | None) -> WishList | None:
    """Return a wish list with its lines, only if it is this partner's (None: anybody's)."""
    query = (
        sa.select(wish_list, partner.c.code)
        .join(partner, partner.c.id == wish_list.c.partner_id)
        .where(wish_list.c.public_id == public_id)
    )
    if partner_id is not None:
        query = query.where(wish_list.c.partner_id == partner_id)
    row = conn.execute(query).first()
    if row is None:
        return None
    return WishList(
        id=row.id,
        public_id=row.public_id,
        partner_code=row.code,
        mode=Mode(row.mode),
        list_key=row.list_key,
        media_type=row.media_type,
        received_at=row.received_at,
        lines=tuple(_lines(conn, row.id)),
    )


def _lines(conn: Connection, list_id: int) -> list[AnsweredLine]:
    rows = conn.execute(
        sa.select(wish, offer.c.public_id.label("offer"))
        .outerjoin(offer, offer.c.id == wish.c.offer_id)
        .where(wish.c.wish_list_id == list_id)
        .order_by(wish.c.line_no)
    )
    return [
        AnsweredLine(
            line_no=row.line_no,
            line=row.line,
            outcome=Outcome(row.outcome),
            reason=row.reason,
            offer=row.offer or "",
            quantity=row.quantity,
            note=row.note,
            state=WishState(row.state),
        )
        for row in rows
    ]


def listed(
    conn: Connection, partner_id: int | None, before: str, limit: int
) -> list[tuple[str, str, datetime, int]]:
    """Return (public id, partner code, received, lines) of wish lists, newest first."""
    lines = (
        sa.select(sa.func.count()).where(wish.c.wish_list_id == wish_list.c.id).scalar_subquery()
    )
    query = (
        sa.select(wish_list.c.public_id, partner.c.code, wish_list.c.received_at, lines)
        .join(partner, partner.c.id == wish_list.c.partner_id)
        .order_by(wish_list.c.public_id.desc())
        .limit(limit)
    )
    if partner_id is not None:
        query = query.where(wish_list.c.partner_id == partner_id)
    if before:
        query = query.where(wish_list.c.public_id < before)
    return [(row[0], row[1], row[2], row[3]) for row in conn.execute(query)]
