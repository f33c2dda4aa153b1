"""Wishes of all partners as the desk looks through them: by list, by partner, by their answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.wish import Outcome, WishState
from service.store.offers import VERSION
from service.store.tables import offer, offer_list, partner, record, record_version, wish, wish_list


class WishRow(NamedTuple):
    """A wish with its answer. ``offer``, ``title`` and ``slug`` are "" where it met no offer.

    ``wished_at`` is UTC; ``wish_list`` and ``line_no`` name it.
    """

    wish_list: str
    line_no: int
    partner: str
    line: str
    outcome: Outcome
    reason: str
    state: WishState
    quantity: int
    note: str
    score: float | None
    wished_at: datetime
    offer: str
    title: str
    languages: str
    slug: str


class Asked(NamedTuple):
    """Which wishes: of a list, of a partner, with this answer; "" and None for any."""

    slug: str = ""
    partner: str = ""
    outcome: Outcome | None = None


_FROM = (
    wish.join(wish_list, wish_list.c.id == wish.c.wish_list_id)
    .join(partner, partner.c.id == wish.c.partner_id)
    .outerjoin(offer, offer.c.id == wish.c.offer_id)
    .outerjoin(offer_list, offer_list.c.id == offer.c.list_id)
    .outerjoin(record, record.c.id == offer.c.record_id)
    .outerjoin(record_version, record_version.c.id == VERSION)
)
_ROW: sa.Select[Any] = sa.select(
    wish_list.c.public_id,
    wish.c.line_no,
    partner.c.code,
    wish.c.line,
    wish.c.outcome,
    wish.c.reason,
    wish.c.state,
    wish.c.quantity,
    wish.c.note,
    wish.c.score,
    wish.c.wished_at,
    offer.c.public_id,
    sa.func.coalesce(sa.func.nullif(record_version.c.title_vernacular, ""), record_version.c.title),
    record_version.c.languages,
    offer_list.c.slug,
).select_from(_FROM)


def listed(
    conn: Connection, asked: Asked, after: tuple[str, int] | None, limit: int
) -> list[WishRow]:
    """Return wishes, those of the newest wish list first, behind (wish list, line number)."""
    query = _where(_ROW, asked).order_by(wish_list.c.public_id.desc(), wish.c.line_no).limit(limit)
    if after is not None:
        on, line_no = after
        query = query.where(
            sa.or_(
                wish_list.c.public_id < on,
                sa.and_(wish_list.c.public_id == on, wish.c.line_no > line_no),
            )
        )
    return [_row(row) for row in conn.execute(query)]


def one(conn: Connection, wish_list_id: str, line_no: int) -> WishRow | None:
    """Return one wish, or None."""
    row = conn.execute(
        _ROW.where(wish_list.c.public_id == wish_list_id, wish.c.line_no == line_no)
    ).first()
    return None if row is None else _row(row)


def counts(conn: Connection, asked: Asked) -> dict[str, int]:
    """Return how many wishes there are by their answer, whichever answer is asked for."""
    query = sa.select(wish.c.outcome, sa.func.count()).select_from(_FROM).group_by(wish.c.outcome)
    return {row[0]: row[1] for row in conn.execute(_where(query, asked._replace(outcome=None)))}


def _where(query: sa.Select[Any], asked: Asked) -> sa.Select[Any]:
    if asked.slug:
        query = query.where(offer_list.c.slug == asked.slug)
    if asked.partner:
        query = query.where(partner.c.code == asked.partner)
    if asked.outcome is not None:
        query = query.where(wish.c.outcome == asked.outcome.value)
    return query


def _row(row: sa.Row[Any]) -> WishRow:
    found = list(row)
    found[4], found[6] = Outcome(found[4]), WishState(found[6])
    return WishRow(*found[:11], *(each or "" for each in found[11:]))
