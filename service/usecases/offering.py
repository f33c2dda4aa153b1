"""Offer lists: drawn up, opened, closed, withdrawn, archived; and single titles taken back.

Every change tells the feed in the same transaction; the publisher makes it public.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from marc_mappings import search_terms
from service.domain import offer as rules
from service.domain import tier as tier_rules
from service.domain.audience import OFFERED_TO, PUBLIC, of_list
from service.domain.offer import ListAction, ListState, Offer, OfferList
from service.domain.tier import Tier
from service.errors import Conflict, Invalid, NotFound
from service.store import offer_lists, offers, public_ids, tiers
from service.store.db import Connection, Database
from service.store.offers import Shown
from service.usecases import membership


class ListWithCount(NamedTuple):
    """A list, how many titles are offered on it, and whether it is open to everybody."""

    offer_list: OfferList
    titles: int
    public: bool


def create_list(
    db: Database,
    *,
    slug: str,
    title: str,
    description: str = "",
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    zone: str = "UTC",
    partner_codes: Sequence[str] = (),
    audience: str = "",
    now: datetime,
) -> OfferList:
    """Draw up a list as a draft, for everybody unless it is said for whom it is.

    With ``partner_codes`` it is for these partners alone, with ``audience`` for a group.

    Raises ``Invalid`` for a bad slug, date, zone, an unknown partner or audience, ``Conflict`` for
    a used slug.
    """
    rules.check_slug(slug)
    rules.check_dates(opens_at, closes_at, zone)
    if not title.strip():
        raise Invalid("an offer list needs a title", field="title")
    with db.write() as conn:
        audience_id = _first_tier(conn, slug, partner_codes, audience)
        made = offer_lists.add(
            conn,
            slug=slug,
            title=title.strip(),
            description=description.strip(),
            audience_id=audience_id,
            opens_at=opens_at,
            closes_at=closes_at,
            zone=zone,
            now=now,
        )
        if opens_at is not None and opens_at > now:
            offer_lists.move(conn, made, rules.after(ListAction.SCHEDULE, made.state))
        return offer_lists.by_id(conn, made.id)


def _first_tier(conn: Connection, slug: str, partner_codes: Sequence[str], audience: str) -> int:
    if partner_codes and audience:
        raise Invalid("a list is for some partners or for an audience, not both", field="audience")
    if partner_codes:
        if offer_lists.by_slug(conn, slug) is not None:
            raise Conflict(f"there is already an offer list named {slug!r}")
        return membership.make_group(conn, of_list(slug), partner_codes).id
    if not audience:
        return PUBLIC
    found = membership.known_audience(conn, audience, field="audience")
    if found.kind not in OFFERED_TO:
        raise Invalid(f"a list opens to groups or to public, not to {audience!r}", "audience")
    return found.id


def add_tier(
    db: Database, slug: str, audience: str, opens_at: datetime, now: datetime
) -> list[Tier]:
    """Let a list open to another audience at a moment; return all its later tiers.

    The same audience again is given another moment, as long as it is not open to it.

    Raises ``NotFound`` for an unknown list or audience, ``Invalid`` or ``Conflict`` for a tier
    that could show nothing to anybody.
    """
    with db.write() as conn:
        found = offer_lists.by_slug(conn, slug)
        if found is None:
            raise NotFound(f"there is no offer list named {slug!r}")
        found = offer_lists.lock(conn, found.id)
        tier = membership.known_audience(conn, audience)
        tier_rules.check(found, tier, opens_at)
        tiers.put(conn, found.id, tier.id, opens_at)
        _open_tiers(conn, now)
        return tiers.of_list(conn, found.id)


def list_tiers(db: Database, slug: str) -> list[Tier]:
    """Return the later tiers of a list, the earliest first."""
    with db.read() as conn:
        found = offer_lists.by_slug(conn, slug)
        return [] if found is None else tiers.of_list(conn, found.id)


def _open_tiers(conn: Connection, now: datetime) -> int:
    """Open the tiers that are due and tell the feed; return how many."""
    opened = 0
    for list_id, audience_id in tiers.due(conn, now):
        if tiers.open_tier(conn, list_id, audience_id, now):
            offers.mark_list(conn, list_id)
            opened += 1
    return opened


def change_list(db: Database, slug: str, action: ListAction, now: datetime) -> OfferList:
    """Open, close, withdraw or archive a list; raise ``Conflict`` when its state forbids it."""
    with db.write() as conn:
        found = offer_lists.by_slug(conn, slug)
        if found is None:
            raise NotFound(f"there is no offer list named {slug!r}")
        if action in rules.INDIRECT:
            raise Invalid(rules.INDIRECT[action], field="action")
        _change(conn, found, action, now)
        return offer_lists.by_id(conn, found.id)


def _change(conn: Connection, found: OfferList, action: ListAction, now: datetime) -> None:
    if action is ListAction.OPEN and found.closes_at is not None and found.closes_at <= now:
        raise Conflict("this list would close before it opens; give it a later closing date")
    state = rules.after(action, found.state)
    offer_lists.move(conn, found, state, now if action is ListAction.OPEN else None)
    if action is ListAction.CLOSE:
        offers.pin(conn, found.id)
    offers.mark_list(conn, found.id)


def keep_dates(db: Database, now: datetime) -> int:
    """Open and close lists, and open their tiers, whose moment has come; return how many changed.

    Safe to run from several workers: a list that somebody else moved meanwhile is left alone.
    """
    with db.read() as conn:
        due = offer_lists.due(conn, now)
        waiting = tiers.due(conn, now)
    moved = 0
    for found in due:
        missed = found.closes_at is not None and found.closes_at <= now
        action = ListAction.OPEN if found.state is ListState.SCHEDULED else ListAction.CLOSE
        if action is ListAction.OPEN and missed:
            continue  # its whole term passed while no worker ran: a person must decide
        with db.write() as conn:
            fresh = offer_lists.by_id(conn, found.id)
            if fresh.state is found.state:
                _change(conn, fresh, action, now)
                moved += 1
    if waiting or moved:
        with db.write() as conn:
            moved += _open_tiers(conn, now)
    return moved


def withdraw_offer(db: Database, public_id: str) -> None:
    """Take one title back; partners learn it as a deletion."""
    wanted = public_ids.read(public_id)
    with db.write() as conn:
        if wanted is None or not offers.exists(conn, wanted):
            raise NotFound("there is no such offer")
        offers.withdraw(conn, wanted)


def find_list(db: Database, slug: str, audiences: Collection[int] | None) -> ListWithCount:
    """Return a list that these audiences may see (None: anybody's, drafts too)."""
    with db.read() as conn:
        found = offer_lists.listed(conn, audiences, in_feed=audiences is not None, slug=slug)
    if not found:
        raise NotFound(f"there is no offer list named {slug!r}")
    return ListWithCount(*found[0])


def list_lists(
    db: Database, audiences: Collection[int] | None, before: str = "", limit: int | None = None
) -> list[ListWithCount]:
    """Return lists, newest first, as ``find_list`` does, older than the public id ``before``."""
    with db.read() as conn:
        visible = offer_lists.listed(
            conn, audiences, in_feed=audiences is not None, before=before, limit=limit
        )
    return [ListWithCount(*row) for row in visible]


def browse(
    db: Database,
    audiences: Collection[int] | None,
    *,
    slug: str = "",
    query: str = "",
    after: str = "",
    limit: int = 50,
) -> list[Offer]:
    """Return titles on offer, on one list or all, that hold every word of ``query``.

    ``audiences`` bounds them to what these may see; None sees the titles of every audience.
    """
    terms = search_terms.of_text(query)
    if query.strip() and not terms:
        return []
    with db.read() as conn:
        return offers.browse(conn, audiences, slug=slug, terms=terms, after=after, limit=limit)


def show(db: Database, audiences: Collection[int] | None, public_id: str) -> Shown:
    """Return one offer as people look at it; raise ``NotFound``."""
    wanted = public_ids.read(public_id)
    with db.read() as conn:
        found = None if wanted is None else offers.shown(conn, audiences, wanted)
    if found is None:
        raise NotFound("there is no such offer")
    return found
