"""Wish lists as they came, how far they are answered, and their lines a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.wish import (
    AnsweredLine,
    Listed,
    Mode,
    Outcome,
    Reading,
    WishList,
    WishListState,
    WishState,
)
from service.store import public_ids
from service.store.tables import offer, partner, wish, wish_list


class Received(NamedTuple):
    """What answering a list needs to know of it."""

    id: int
    public_id: str
    partner_id: int
    channel: str
    list_key: str
    mode: Mode
    media_type: str
    charset: str
    original_id: int
    received_at: datetime
    state: WishListState
    total: int
    answered: int
    headings: Mapping[str, str]


def add(
    conn: Connection,
    *,
    partner_id: int,
    channel: str,
    list_key: str,
    mode: Mode,
    media_type: str,
    charset: str,
    original_id: int,
    idempotency_key: str | None,
    request_digest: bytes,
    total: int,
    reading: Reading,
    now: datetime,
) -> Received:
    """Enter a wish list, none of whose lines is answered yet."""
    row = conn.execute(
        wish_list.insert()
        .values(
            public_id=public_ids.new(),
            partner_id=partner_id,
            channel=channel,
            list_key=list_key,
            mode=mode.value,
            media_type=media_type,
            charset=charset,
            original_id=original_id,
            idempotency_key=idempotency_key,
            request_digest=request_digest,
            received_at=now,
            state=WishListState.RECEIVED.value,
            total=total,
            answered=0,
            reading=reading._asdict() | {"headings": dict(reading.headings)},
        )
        .returning(wish_list)
    ).one()
    return _received(row)


def by_id(conn: Connection, list_id: int) -> Received:
    """Return what answering this list needs."""
    return _received(conn.execute(sa.select(wish_list).where(wish_list.c.id == list_id)).one())


def _received(row: sa.Row[Any]) -> Received:
    return Received(
        id=row.id,
        public_id=row.public_id,
        partner_id=row.partner_id,
        channel=row.channel,
        list_key=row.list_key,
        mode=Mode(row.mode),
        media_type=row.media_type,
        charset=row.charset,
        original_id=row.original_id,
        received_at=row.received_at,
        state=WishListState(row.state),
        total=row.total,
        answered=row.answered,
        headings=_reading(row.reading).headings,
    )


def headings(conn: Connection, partner_id: int) -> Mapping[str, str]:
    """Return what a partner's headings mean, as it explained them: its last list has all of them.

    The caller holds the partner's row where another list may come at the same moment.
    """
    last = (
        sa.select(wish_list.c.reading)
        .where(wish_list.c.partner_id == partner_id)
        .order_by(wish_list.c.id.desc())
        .limit(1)
    )
    return _reading(conn.execute(last).scalar()).headings


def advance(conn: Connection, list_id: int, lines: int) -> None:
    """Count ``lines`` more as answered."""
    conn.execute(
        wish_list.update()
        .where(wish_list.c.id == list_id)
        .values(answered=wish_list.c.answered + lines, state=WishListState.ANSWERING.value)
    )


def end(
    conn: Connection, list_id: int, now: datetime, *, withdrawn: int | None, answered: int
) -> None:
    """Say that every line of a list is answered."""
    conn.execute(
        wish_list.update()
        .where(wish_list.c.id == list_id)
        .values(
            state=WishListState.ANSWERED.value,
            answered=answered,
            answered_at=now,
            withdrawn=withdrawn,
            error="",
        )
    )


def set_state(conn: Connection, list_id: int, state: WishListState, error: str = "") -> None:
    """Say that a list could not be answered, or that it is taken up again."""
    conn.execute(
        wish_list.update().where(wish_list.c.id == list_id).values(state=state.value, error=error)
    )


def is_superseded(conn: Connection, given: Received) -> bool:
    """Whether a later list under the same key has replaced this one already."""
    later = sa.select(wish_list.c.id).where(
        wish_list.c.partner_id == given.partner_id,
        wish_list.c.channel == given.channel,
        wish_list.c.list_key == given.list_key,
        wish_list.c.mode == Mode.REPLACE.value,
        wish_list.c.state == WishListState.ANSWERED.value,
        wish_list.c.id > given.id,
    )
    return conn.execute(later.limit(1)).first() is not None


def by_idempotency_key(
    conn: Connection, partner_id: int, key: str
) -> tuple[int, str, bytes] | None:
    """Return (id, public id, request digest) of the list sent with this key, or None."""
    row = conn.execute(
        sa.select(wish_list.c.id, wish_list.c.public_id, wish_list.c.request_digest).where(
            wish_list.c.partner_id == partner_id, wish_list.c.idempotency_key == key
        )
    ).first()
    return None if row is None else (row.id, row.public_id, bytes(row.request_digest))


def by_public_id(
    conn: Connection, public_id: str, partner_id: int | None, after: int = 0, limit: int = -1
) -> WishList | None:
    """Return a wish list, only if it is this partner's (None: anybody's).

    With its lines behind number ``after``, at most ``limit`` of them (negative: all).
    """
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
        lines=tuple(lines(conn, row.id, after, limit)),
        state=WishListState(row.state),
        total=row.total,
        answered=row.answered,
        answered_at=row.answered_at,
        outcomes=counts(conn, row.id),
        reading=_reading(row.reading),
        withdrawn=row.withdrawn,
        error=row.error,
    )


def _reading(kept: Any) -> Reading:
    found = kept or {}
    return Reading(
        tuple(found.get("columns_not_read", ())),
        tuple(found.get("remarks", ())),
        found.get("headings", {}),
    )


def counts(conn: Connection, list_id: int) -> dict[str, int]:
    """Return how many lines of a list got each outcome, zeros left out."""
    rows = conn.execute(
        sa.select(wish.c.outcome, sa.func.count())
        .where(wish.c.wish_list_id == list_id)
        .group_by(wish.c.outcome)
        .order_by(sa.func.min(wish.c.line_no))
    )
    return {row[0]: row[1] for row in rows}


def lines(conn: Connection, list_id: int, after: int = 0, limit: int = -1) -> list[AnsweredLine]:
    """Return the answered lines of a list behind number ``after``."""
    query = (
        sa.select(wish, offer.c.public_id.label("offer"))
        .outerjoin(offer, offer.c.id == wish.c.offer_id)
        .where(wish.c.wish_list_id == list_id, wish.c.line_no > after)
        .order_by(wish.c.line_no)
    )
    if limit >= 0:
        query = query.limit(limit)
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
            score=row.score,
        )
        for row in conn.execute(query)
    ]


def listed(conn: Connection, partner_id: int | None, before: str, limit: int) -> list[Listed]:
    """Return wish lists without their lines, newest first."""
    query = (
        sa.select(
            wish_list.c.public_id,
            partner.c.code,
            wish_list.c.received_at,
            wish_list.c.total,
            wish_list.c.state,
        )
        .join(partner, partner.c.id == wish_list.c.partner_id)
        .order_by(wish_list.c.public_id.desc())
        .limit(limit)
    )
    if partner_id is not None:
        query = query.where(wish_list.c.partner_id == partner_id)
    if before:
        query = query.where(wish_list.c.public_id < before)
    return [
        Listed(row.public_id, row.code, row.received_at, row.total, WishListState(row.state))
        for row in conn.execute(query)
    ]
