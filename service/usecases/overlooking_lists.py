"""Overlooking offer lists and what is wished of them: the reads of the librarian's workspace."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from service.domain.allocation import AllocationRun, Standing
from service.domain.offer import LISTED, ListState, Offer, OfferList
from service.domain.tier import Tier
from service.domain.wish import Outcome
from service.errors import NotFound
from service.store import (
    allocations,
    audiences,
    counted_lists,
    kept_allocations,
    offer_lists,
    partners,
    public_ids,
    tiers,
    wish_rows,
)
from service.store.counted_lists import CountedList, CountedOffer
from service.store.db import Connection, Database
from service.store.wish_rows import Asked, WishRow
from service.usecases import searching

LATELY: Final = timedelta(days=7)
"""How far back the harvests of a list are counted."""

_AT_ONCE: Final = 1_000


class Overlooked(NamedTuple):
    """A list with all that stands about it; ``audience`` is whom it opens to first."""

    counted: CountedList
    audience: str
    tiers: list[Tier]


def list_lists(
    db: Database,
    now: datetime,
    *,
    states: Collection[ListState] = (),
    before: str = "",
    limit: int | None = None,
) -> list[CountedList]:
    """Return our lists with their counts, newest first, in these states (none named: in any)."""
    with db.read() as conn:
        return counted_lists.counted(conn, now - LATELY, states=states, before=before, limit=limit)


def find(db: Database, slug: str, now: datetime) -> Overlooked:
    """Return a list of ours with its counts and tiers; raise ``NotFound``."""
    with db.read() as conn:
        found = counted_lists.counted(conn, now - LATELY, slug=slug) if slug else []
        if not found:
            raise NotFound(f"there is no offer list named {slug!r}")
        on = found[0].offer_list
        audience = audiences.code_of(conn, on.audience_id)
        return Overlooked(found[0], audience, tiers.of_list(conn, on.id))


def known(db: Database, slug: str) -> OfferList:
    """Return a list of ours without its counts; raise ``NotFound``."""
    with db.read() as conn:
        return _ours(conn, slug)


def newest(db: Database, limit: int) -> list[OfferList]:
    """Return our newest lists without their counts."""
    with db.read() as conn:
        return [each for each, _, _ in offer_lists.listed(conn, ours=True, limit=limit)]


def list_offers(
    db: Database, slug: str, after: str = "", limit: int = 50, *, query: str = ""
) -> list[CountedOffer]:
    """Return titles of a list of ours, in any state, with their wishes, by public id.

    With ``query`` those that have its words, of a list that is open or closed. Raises ``NotFound``.
    """
    with db.read() as conn:
        on = _ours(conn, slug)
    among = None
    if query and on.state in LISTED:
        found = searching.offers(db, None, query, slug=slug, limit=_AT_ONCE)
        among = [each.public_id for each in found.rows]
    with db.read() as conn:
        return counted_lists.offers(conn, on.id, after, limit, among=among)


def all_offers(db: Database, slug: str) -> Iterator[CountedOffer]:
    """Yield all titles of a list of ours; raise ``NotFound``."""
    after = ""
    while page := list_offers(db, slug, after, _AT_ONCE):
        yield from page
        after = page[-1].offer.public_id


def _ours(conn: Connection, slug: str) -> OfferList:
    found = offer_lists.by_slug(conn, slug)
    if found is None or not found.ours:
        raise NotFound(f"there is no offer list named {slug!r}")
    return found


# --- wishes ---------------------------------------------------------------------------------------


def list_wishes(
    db: Database, asked: Asked, after: tuple[str, int] | None = None, limit: int = 100
) -> list[WishRow]:
    """Return wishes of all partners, those of the newest wish list first."""
    with db.read() as conn:
        return wish_rows.listed(conn, asked, after, limit)


def all_wishes(db: Database, asked: Asked) -> Iterator[WishRow]:
    """Yield all wishes that are asked for."""
    after = None
    while page := list_wishes(db, asked, after, _AT_ONCE):
        yield from page
        after = (page[-1].wish_list, page[-1].line_no)


def count_wishes(db: Database, asked: Asked) -> dict[Outcome, int]:
    """Return how many wishes of a list or a partner have each answer, zeros left out.

    The many answers of all lists and partners together are counted for nobody.
    """
    if not (asked.slug or asked.partner):
        return {}
    with db.read() as conn:
        found = wish_rows.counts(conn, asked)
    return {each: found[each.value] for each in Outcome if each.value in found}


def find_wish(db: Database, wish_list: str, line_no: int) -> WishRow:
    """Return one wish; raise ``NotFound``."""
    wanted = public_ids.read(wish_list)
    with db.read() as conn:
        found = None if wanted is None else wish_rows.one(conn, wanted, line_no)
    if found is None:
        raise NotFound("there is no such wish")
    return found


def offers_for(db: Database, partner: str, query: str, limit: int = 25) -> list[Offer]:
    """Return titles on offer that a partner may see and that have these words."""
    with db.read() as conn:
        found = partners.by_code(conn, partner)
        if found is None:
            raise NotFound(f"there is no partner with code {partner!r}")
        sees = audiences.standing(conn, found.id)
    return searching.offers(db, sees, query, limit=limit).rows if query.strip() else []


# --- allocations ----------------------------------------------------------------------------------


class PartnersShare(NamedTuple):
    """A partner in a run: the copies that it has by it, and how it stood when it was planned."""

    partner: str
    copies: int
    standing: Standing


def shares(db: Database, run: AllocationRun) -> list[PartnersShare]:
    """Return every partner that took part in a run, by its code, also those that get nothing."""
    with db.read() as conn:
        copies: Mapping[str, int] = allocations.shares(conn, run.id)
        standings = kept_allocations.standings(conn, run.id).values()
    return [
        PartnersShare(each.code, copies.get(each.code, 0), each)
        for each in sorted(standings, key=lambda each: each.code)
    ]
