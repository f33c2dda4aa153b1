"""Offer lists with what came of them, as the desk looks at them: in any state, all of ours.

What is shown to partners and the public is read by ``shown_offers`` and ``offer_lists``; here
nothing is hidden, and everything is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.audience import of_list
from service.domain.offer import ListState, Offer, OfferList, OfferState
from service.domain.wish import WishState
from service.store import offer_lists, shown_offers
from service.store.tables import harvester_visit, offer, offer_list, wish

# Wishes that count for a list: those that stand, and those that were decided on.
_COUNTED: Final = [
    state.value
    for state in (
        WishState.OPEN,
        WishState.PENDING,
        WishState.ALLOCATED,
        WishState.NOT_ALLOCATED,
        WishState.FULFILLED,
    )
]


class CountedList(NamedTuple):
    """A list of ours: titles on offer, wishes for them, partners that wished, harvests of late.

    ``public``: everybody may see it. A harvest counts that asked for the set of this list.
    """

    offer_list: OfferList
    titles: int
    public: bool
    wishes: int
    partners: int
    harvests: int


def counted(
    conn: Connection,
    since: datetime,
    *,
    states: Collection[ListState] = (),
    slug: str = "",
    before: str = "",
    limit: int | None = None,
) -> list[CountedList]:
    """Return lists of ours, newest first, in these states (none named: in any).

    ``since``: from when on harvests are counted; ``slug``: the list of this name alone; ``before``:
    those older than the list of this public id.
    """
    found = offer_lists.listed(
        conn, slug=slug, before=before, limit=limit, ours=True, states=states
    )
    wished = _wished(conn, [each.id for each, _, _ in found])
    harvested = _harvested(conn, [of_list(each.slug) for each, _, _ in found], since)
    return [
        CountedList(
            each, titles, public, *wished.get(each.id, (0, 0)), harvested.get(of_list(each.slug), 0)
        )
        for each, titles, public in found
    ]


def _wished(conn: Connection, list_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return wishes and partners by the list."""
    rows = conn.execute(
        sa.select(offer.c.list_id, sa.func.count(), sa.func.count(wish.c.partner_id.distinct()))
        .select_from(wish.join(offer, offer.c.id == wish.c.offer_id))
        .where(offer.c.list_id.in_(list_ids), wish.c.state.in_(_COUNTED))
        .group_by(offer.c.list_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _harvested(conn: Connection, sets: Sequence[str], since: datetime) -> dict[str, int]:
    visit = harvester_visit.c
    rows = conn.execute(
        sa.select(visit.set_spec, sa.func.count())
        .where(visit.last_at > since, visit.set_spec.in_(sets))
        .group_by(visit.set_spec)
    )
    return {row[0]: row[1] for row in rows}


# --- the titles of a list -------------------------------------------------------------------------


class CountedOffer(NamedTuple):
    """A title of a list, in any state: how many wishes it has, and how many copies are given."""

    offer: Offer
    wishes: int
    given: int


def offers(
    conn: Connection,
    list_id: int,
    after: str,
    limit: int,
    *,
    among: Sequence[str] | None = None,
) -> list[CountedOffer]:
    """Return titles of a list by public id behind ``after``; ``among`` these alone, if any."""
    query = (
        sa.select(offer.c.id, offer.c.allocated)
        .where(offer.c.list_id == list_id, offer.c.public_id > after)
        .order_by(offer.c.public_id)
        .limit(limit)
    )
    if among is not None:
        query = query.where(offer.c.public_id.in_(among))
    rows = list(conn.execute(query))
    ids = [row.id for row in rows]
    # In a statement of its own: beside a sort, wishes would be counted for every title of the list.
    wished = {
        row[0]: row[1]
        for row in conn.execute(
            sa.select(wish.c.offer_id, sa.func.count())
            .where(wish.c.offer_id.in_(ids), wish.c.state.in_(_COUNTED))
            .group_by(wish.c.offer_id)
        )
    }
    return [
        CountedOffer(each, wished.get(row.id, 0), row.allocated)
        for each, row in zip(shown_offers.of_ids(conn, ids), rows, strict=True)
    ]


# --- what is left over ----------------------------------------------------------------------------


class Leftover(NamedTuple):
    """A title that still has copies when its list is allocated: its row, record, and terms."""

    offer_id: int
    record_id: int
    copies: int
    volumes: int
    condition: str
    not_to: str


def leftovers(conn: Connection, list_id: int, after: int, limit: int) -> list[Leftover]:
    """Return titles of a list of which copies are left, by row behind ``after``."""
    left = offer.c.copies - offer.c.allocated
    rows = conn.execute(
        sa.select(
            offer.c.id,
            offer.c.record_id,
            left,
            offer.c.volumes,
            offer.c.condition,
            offer.c.not_to,
        )
        .where(
            offer.c.list_id == list_id,
            offer.c.id > after,
            offer.c.state == OfferState.OFFERED.value,
            left > 0,
        )
        .order_by(offer.c.id)
        .limit(limit)
    )
    return [Leftover(*row) for row in rows]


def take_terms(conn: Connection, list_id: int, some: Sequence[Leftover]) -> None:
    """Give titles that were just offered on a list the copies and terms that they have left."""
    for each in some:
        conn.execute(
            offer.update()
            .where(
                offer.c.list_id == list_id,
                offer.c.record_id == each.record_id,
                offer.c.state == OfferState.OFFERED.value,
            )
            .values(
                copies=each.copies,
                volumes=each.volumes,
                condition=each.condition,
                not_to=each.not_to,
            )
        )


def with_leftovers(conn: Connection, states: Collection[ListState]) -> list[tuple[str, str, int]]:
    """Return (slug, title, titles left) of lists of ours in these states, newest first."""
    number = sa.func.count(offer.c.id)
    rows = conn.execute(
        sa.select(offer_list.c.slug, offer_list.c.title, number)
        .select_from(offer_list.join(offer, offer.c.list_id == offer_list.c.id))
        .where(
            offer_list.c.state.in_([state.value for state in states]),
            offer_list.c.offered_by.is_(None),
            offer.c.state == OfferState.OFFERED.value,
            offer.c.copies > offer.c.allocated,
        )
        .group_by(offer_list.c.id, offer_list.c.slug, offer_list.c.title)
        .order_by(offer_list.c.id.desc())
        .limit(50)
    )
    return [(row[0], row[1], row[2]) for row in rows]
