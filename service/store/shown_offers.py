"""Offers as they are looked at, by those who may see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.offer import Offer, OfferState, Source
from service.store import offer_lists, tiers
from service.store.offers import IN_FEED, OFFERED, VERSION
from service.store.tables import offer, offer_list, record_version, rendition

_COLUMNS = (
    offer.c.id,
    offer.c.public_id,
    offer_list.c.slug,
    offer.c.state,
    offer.c.copies,
    record_version.c.title,
    record_version.c.title_vernacular,
    record_version.c.author,
    record_version.c.author_vernacular,
    record_version.c.publisher,
    record_version.c.published,
    record_version.c.place,
    record_version.c.languages,
    record_version.c.isbns,
    offer.c.volumes,
    offer.c.condition,
    offer.c.not_to,
    offer_list.c.source,
    offer.c.revision,
)


def browse(
    conn: Connection,
    audiences: Collection[int] | None,
    *,
    slug: str = "",
    after: str = "",
    limit: int = 50,
) -> list[Offer]:
    """Return offers that these audiences may see (None: any), by public id behind ``after``.

    Offers that have words are found by ``found_offers``.
    """
    query = (
        sa.select(*_COLUMNS)
        .select_from(OFFERED)
        .where(IN_FEED, seen_by(audiences), offer.c.public_id > after)
        .order_by(offer.c.public_id)
        .limit(limit)
    )
    if slug:
        query = query.where(offer_list.c.slug == slug)
    return [_offer(row) for row in conn.execute(query)]


def of_ids(conn: Connection, ids: Sequence[int]) -> list[Offer]:
    """Return the offers of these rows, in their order."""
    rows = conn.execute(sa.select(*_COLUMNS).select_from(OFFERED).where(offer.c.id.in_(ids)))
    by_id = {row.id: _offer(row) for row in rows}
    return [by_id[each] for each in ids]


def seen_by(audiences: Collection[int] | None) -> sa.ColumnElement[bool]:
    """Return the condition that these audiences may see a list (None: any list)."""
    return sa.true() if audiences is None else tiers.shown_to(audiences)


def by_public_id(conn: Connection, public_id: str) -> Offer | None:
    """Return one offer, whoever may see it and whatever the state of its list, or None."""
    row = conn.execute(
        sa.select(*_COLUMNS).select_from(OFFERED).where(offer.c.public_id == public_id)
    ).first()
    return None if row is None else _offer(row)


class Shown(NamedTuple):
    """One offer with the two renditions that people can look at."""

    offer: Offer
    listed: bool
    marcxml: bytes
    dublin_core: bytes


def shown(conn: Connection, audiences: Collection[int] | None, public_id: str) -> Shown | None:
    """Return one offer that these audiences may see or once saw (None: any audience), or None."""
    row = conn.execute(
        sa.select(*_COLUMNS, IN_FEED.label("listed"), VERSION.label("version_id"))
        .select_from(OFFERED)
        .where(
            offer.c.public_id == public_id,
            seen_by(audiences),
            offer_lists.ANNOUNCED,
        )
    ).first()
    if row is None:
        return None
    bodies = dict(
        conn.execute(
            sa.select(rendition.c.prefix, rendition.c.body).where(
                rendition.c.version_id == row.version_id
            )
        ).all()
    )
    return Shown(_offer(row), bool(row.listed), bodies["marc21"], bodies["oai_dc"])


def _offer(row: Any) -> Offer:
    return Offer(
        public_id=row.public_id,
        list_slug=row.slug,
        state=OfferState(row.state),
        copies=row.copies,
        title=row.title,
        title_vernacular=row.title_vernacular,
        author=row.author,
        author_vernacular=row.author_vernacular,
        publisher=row.publisher,
        published=row.published,
        place=row.place,
        languages=row.languages,
        isbns=row.isbns,
        volumes=row.volumes,
        condition=row.condition,
        not_to=tuple(row.not_to.split()),
        source=Source(row.source),
        revision=row.revision,
    )
