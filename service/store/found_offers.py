"""Offers that have the words somebody asks for, newest first, among those that they may see.

The index knows versions of records, and nothing of lists or audiences: it is read from the newest
version on, and whoever finds a version looks up which offers show it. When many versions have the
words and hardly one is on offer to them, the offers are looked up instead, as long as they are few.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.offer import LISTED, Offer, OfferState
from service.domain.search_query import Part
from service.store import bulk, search, shown_offers
from service.store.offers import VERSION
from service.store.tables import offer, offer_list, record

# Versions that are looked up one by one before the offers are counted, and how many offers are
# few. Either takes some hundredths of a second.
_LOOKED_UP: Final = 1_000
_FEW: Final = 5_000


class Place(NamedTuple):
    """Where an offer stands among what is found: places are compared, the greatest comes first."""

    version_id: int
    offer_id: int


def found(
    conn: Connection,
    audiences: Collection[int] | None,
    parts: Sequence[Part],
    *,
    slug: str = "",
    after: str = "",
    limit: int = 50,
) -> list[Offer]:
    """Return offers with all ``parts`` that these audiences may see (None: any), newest first.

    They follow the offer with the public id ``after``; none follows one that never was.
    """
    lists = _lists(conn, audiences, slug)
    begin = _place(conn, after) if after else None
    if after and begin is None:
        return []
    places: list[Place] = []
    for more in _places(conn, lists, parts, begin):
        places += more
        if len(places) >= limit:
            break
    return shown_offers.of_ids(conn, [each.offer_id for each in places[:limit]])


def _lists(conn: Connection, audiences: Collection[int] | None, slug: str) -> frozenset[int]:
    """Return the lists in the feed that these audiences may see; with ``slug`` this one at most."""
    seen = sa.or_(*(offer_list.c.state == state.value for state in sorted(LISTED)))
    query = sa.select(offer_list.c.id).where(seen, shown_offers.seen_by(audiences))
    if slug:
        query = query.where(offer_list.c.slug == slug)
    return frozenset(conn.execute(query).scalars())


def _place(conn: Connection, public_id: str) -> Place | None:
    row = conn.execute(
        sa.select(VERSION, offer.c.id)
        .join(record, record.c.id == offer.c.record_id)
        .where(offer.c.public_id == public_id)
    ).first()
    return None if row is None else Place(row[0], row[1])


def _places(
    conn: Connection, lists: frozenset[int], parts: Sequence[Part], begin: Place | None
) -> Iterator[list[Place]]:
    if not lists:
        return
    looked_up = 0
    few: dict[int, list[Place]] | None = None
    with closing(search.versions(conn, parts, begin.version_id if begin else None)) as chunks:
        for chunk in chunks:
            if looked_up < _LOOKED_UP <= looked_up + len(chunk):
                few = _few(conn, lists)
            looked_up += len(chunk)
            if few is None:
                places = _showing(conn, lists, chunk)
            else:
                places = [place for each in chunk if each in few for place in few[each]]
            yield [each for each in places if begin is None or each < begin]
            if few is not None and chunk[-1] <= min(few, default=chunk[-1]):
                return


# One table each and nothing but the numbers asked for: with a condition more, SQLite begins with
# the lists, or with all offers that are not pinned.
_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
OF_VERSION: Final = sa.select(record.c.id, record.c.current_version_id).where(
    record.c.current_version_id.in_(_VALUES)
)
OF_RECORD: Final = sa.select(
    offer.c.record_id, offer.c.id, offer.c.list_id, offer.c.state, offer.c.pinned_version_id
).where(offer.c.record_id.in_(_VALUES))
PINNED: Final = sa.select(
    offer.c.pinned_version_id, offer.c.id, offer.c.list_id, offer.c.state
).where(offer.c.pinned_version_id.in_(_VALUES))


def _showing(conn: Connection, lists: frozenset[int], version_ids: Sequence[int]) -> list[Place]:
    """Return which offers on these lists show these versions, the greatest place first."""
    shown = dict(bulk.select_in(conn, OF_VERSION, version_ids))
    places = [
        Place(shown[record_id], offer_id)
        for record_id, offer_id, list_id, state, pinned in bulk.select_in(
            conn, OF_RECORD, list(shown)
        )
        if pinned is None and list_id in lists and state == OfferState.OFFERED.value
    ]
    places += [
        Place(version_id, offer_id)
        for version_id, offer_id, list_id, state in bulk.select_in(conn, PINNED, version_ids)
        if list_id in lists and state == OfferState.OFFERED.value
    ]
    return sorted(places, reverse=True)


def _few(conn: Connection, lists: frozenset[int]) -> dict[int, list[Place]] | None:
    """Return all offers on these lists by the version they show, None when they are not few."""
    rows = bulk.select_in(conn, ON_LISTS, sorted(lists))
    if len(rows) > _FEW:
        return None
    found: dict[int, list[Place]] = {}
    for place in sorted((Place(*row) for row in rows), reverse=True):
        found.setdefault(place.version_id, []).append(place)
    return found


# The state is written out, or the index over what is offered is none for SQLite.
ON_LISTS: Final = (
    sa.select(VERSION, offer.c.id)
    .join(record, record.c.id == offer.c.record_id)
    .where(
        offer.c.list_id.in_(_VALUES),
        offer.c.state == sa.literal_column(f"'{OfferState.OFFERED.value}'"),
    )
    .limit(sa.literal_column(str(_FEW + 1)))
)
