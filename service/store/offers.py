"""Offers: the titles on offer lists, as the feed, people and wishes see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from marc_mappings.match_keys import Key
from service.domain.offer import LISTED, ListState, Offer, OfferState
from service.domain.publication import Published, offer_sets
from service.domain.tier import shown_to
from service.errors import Conflict
from service.store import bulk, feed, public_ids, search, tiers
from service.store.tables import match_key, offer, offer_list, record, record_version, rendition

_OFFERED_ALREADY = sa.select(offer.c.record_id).where(
    offer.c.list_id == sa.bindparam("list"),
    offer.c.record_id.in_(sa.bindparam("values", expanding=True)),
)


def add_offers(
    conn: Connection, list_id: int, record_ids: Sequence[int], now: datetime
) -> list[int]:
    """Offer records on a list, where they are not offered on it yet; return those."""
    wanted = list(dict.fromkeys(record_ids))
    there = {i for (i,) in bulk.select_in(conn, _OFFERED_ALREADY, wanted, {"list": list_id})}
    fresh = [record_id for record_id in wanted if record_id not in there]
    bulk.insert(
        conn,
        offer,
        ("public_id", "list_id", "record_id", "state", "copies", "created_at"),
        [
            (public_ids.new(), list_id, record_id, OfferState.OFFERED.value, 1, now)
            for record_id in fresh
        ],
        if_new=True,
    )
    return fresh


_FOLLOWING = (
    sa.select(offer.c.id)
    .join(offer_list, offer_list.c.id == offer.c.list_id)
    .where(
        offer.c.record_id.in_(sa.bindparam("values", expanding=True)),
        offer.c.pinned_version_id.is_(None),
        sa.or_(*(offer_list.c.state == state.value for state in sorted(LISTED))),
    )
)


def mark_records(conn: Connection, record_ids: Sequence[int]) -> None:
    """Tell the feed that what is offered of these records changed, where it is listed."""
    found = bulk.select_in(conn, _FOLLOWING, record_ids)
    feed.mark(conn, feed.OFFER, [offer_id for (offer_id,) in found])


def mark_list(conn: Connection, list_id: int) -> None:
    """Tell the feed that every offer of a list changed."""
    feed.mark_selected(conn, feed.OFFER, sa.select(offer.c.id).where(offer.c.list_id == list_id))


def pin(conn: Connection, list_id: int) -> None:
    """Let the offers of a list keep the versions their records have now."""
    current = (
        sa.select(record.c.current_version_id)
        .where(record.c.id == offer.c.record_id)
        .scalar_subquery()
    )
    conn.execute(
        offer.update()
        .where(offer.c.list_id == list_id, offer.c.pinned_version_id.is_(None))
        .values(pinned_version_id=current)
    )


def withdraw(conn: Connection, public_id: str) -> None:
    """Take one offer back and tell the feed; raise ``Conflict`` when it is not on offer."""
    row = conn.execute(
        offer.update()
        .where(offer.c.public_id == public_id, offer.c.state == OfferState.OFFERED.value)
        .values(state=OfferState.WITHDRAWN.value)
        .returning(offer.c.id)
    ).first()
    if row is None:
        raise Conflict("this title is not on offer any more")
    feed.mark(conn, feed.OFFER, [row.id])


def exists(conn: Connection, public_id: str) -> bool:
    """Whether there is, or ever was, an offer of this public id."""
    return (
        conn.execute(sa.select(offer.c.id).where(offer.c.public_id == public_id)).first()
        is not None
    )


def version_of(conn: Connection, public_id: str) -> tuple[int, int] | None:
    """Return (row, version of the record that it shows now) of an offer, or None."""
    row = conn.execute(
        sa.select(offer.c.id, _VERSION)
        .join(record, record.c.id == offer.c.record_id)
        .where(offer.c.public_id == public_id)
    ).first()
    return None if row is None else (row[0], row[1])


_VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)
_OFFERED = (
    offer.join(offer_list, offer_list.c.id == offer.c.list_id)
    .join(record, record.c.id == offer.c.record_id)
    .join(record_version, record_version.c.id == _VERSION)
)
_IN_FEED = (offer.c.state == OfferState.OFFERED.value) & sa.or_(
    *(offer_list.c.state == state.value for state in sorted(LISTED))
)


_PUBLISHED = (
    sa.select(
        offer.c.id,
        offer.c.public_id,
        record_version.c.id,
        _IN_FEED & offer_list.c.offered_by.is_(None),
        offer_list.c.id,
        offer_list.c.slug,
        record_version.c.place,
        record_version.c.languages,
    )
    .select_from(_OFFERED)
    .where(offer.c.id.in_(sa.bindparam("values", expanding=True)))
)


def published(conn: Connection, offer_ids: Sequence[int]) -> list[Published]:
    """Return what the feed shall say of these offers now."""
    rows = bulk.select_in(conn, _PUBLISHED, offer_ids)
    lists = {list_id for _, _, _, _, list_id, *_ in rows}
    seen_by = {each: shown_to(open_to) for each, open_to in tiers.open_to(conn, lists).items()}
    return [
        Published(row, name, version, visible, seen_by[list_id], offer_sets(slug, place, languages))
        for row, name, version, visible, list_id, slug, place, languages in rows
    ]


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
)


def browse(
    conn: Connection,
    audiences: Collection[int] | None,
    *,
    slug: str = "",
    terms: Sequence[str] = (),
    after: str = "",
    limit: int = 50,
) -> list[Offer]:
    """Return offers that these audiences may see (None: any), by public id behind ``after``."""
    query = (
        sa.select(*_COLUMNS)
        .select_from(_OFFERED)
        .where(_IN_FEED, _seen_by(audiences), offer.c.public_id > after)
        .order_by(offer.c.public_id)
        .limit(limit)
    )
    if slug:
        query = query.where(offer_list.c.slug == slug)
    if terms:
        query = query.where(record_version.c.id.in_(search.versions(conn, terms)))
    return [_offer(row) for row in conn.execute(query)]


def _seen_by(audiences: Collection[int] | None) -> sa.ColumnElement[bool]:
    return sa.true() if audiences is None else tiers.shown_to(audiences)


class Shown(NamedTuple):
    """One offer with the two renditions that people can look at."""

    offer: Offer
    listed: bool
    marcxml: bytes
    dublin_core: bytes


def shown(conn: Connection, audiences: Collection[int] | None, public_id: str) -> Shown | None:
    """Return one offer that these audiences may see or once saw (None: any audience), or None."""
    row = conn.execute(
        sa.select(*_COLUMNS, _IN_FEED.label("listed"), _VERSION.label("version_id"))
        .select_from(_OFFERED)
        .where(
            offer.c.public_id == public_id,
            _seen_by(audiences),
            offer_list.c.state.not_in([ListState.DRAFT.value, ListState.SCHEDULED.value]),
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


# --- what a wish can mean -----------------------------------------------------------------------


class Candidate(NamedTuple):
    """An offer that a wish may mean, with what decides about it."""

    offer_id: int
    public_id: str
    title: str
    offer_state: OfferState
    list_state: ListState
    closes_at: datetime | None
    list_slug: str


_CANDIDATE = (
    offer.c.id,
    offer.c.public_id,
    record_version.c.title,
    offer.c.state,
    offer_list.c.state,
    offer_list.c.closes_at,
    offer_list.c.slug,
)
_ANNOUNCED = offer_list.c.state.not_in([ListState.DRAFT.value, ListState.SCHEDULED.value])


def candidates_by_public_id(
    conn: Connection, audiences: Collection[int], public_ids_: Collection[str]
) -> dict[str, Candidate]:
    """Return the offers with these public ids that the audiences know of."""
    rows = conn.execute(
        sa.select(*_CANDIDATE)
        .select_from(_OFFERED)
        .where(
            offer.c.public_id.in_(public_ids_),
            tiers.shown_to(audiences),
            _ANNOUNCED,
        )
    )
    return {row.public_id: _candidate(row) for row in rows}


def candidates_by_key(
    conn: Connection, audiences: Collection[int], keys: Collection[Key]
) -> dict[Key, list[Candidate]]:
    """Return the offers whose records have one of these keys, by key."""
    wanted = sa.tuple_(match_key.c.kind, match_key.c.value).in_([tuple(key) for key in keys])
    rows = conn.execute(
        sa.select(match_key.c.kind, match_key.c.value, *_CANDIDATE)
        .select_from(_OFFERED.join(match_key, match_key.c.version_id == record_version.c.id))
        .where(wanted, tiers.shown_to(audiences), _ANNOUNCED)
        .order_by(offer.c.id)
    )
    found: dict[Key, list[Candidate]] = {}
    for row in rows:
        found.setdefault(Key(row[0], row[1]), []).append(_candidate(row[2:]))
    return found


def _candidate(row: Sequence[object]) -> Candidate:
    values = list(row)
    values[3] = OfferState(str(values[3]))
    values[4] = ListState(str(values[4]))
    return Candidate(*values)  # type: ignore[arg-type]


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
    )
