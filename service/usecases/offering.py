"""Offer lists: drawn up, opened, closed, withdrawn, archived; and single titles taken back.

Every change tells the feed in the same transaction; the publisher makes it public.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from marc_mappings import search_terms
from service.domain import offer as rules
from service.domain.offer import ListAction, ListState, Offer, OfferList
from service.errors import Conflict, Invalid, NotFound
from service.store import feed, offer_lists, offers, partners, public_ids
from service.store.db import Connection, Database
from service.store.offers import Shown


class ListWithCount(NamedTuple):
    """A list and how many titles are offered on it."""

    offer_list: OfferList
    titles: int


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
    now: datetime,
) -> OfferList:
    """Draw up a list as a draft; with ``partner_codes`` it is for these partners alone.

    Raises ``Invalid`` for a bad slug, date, zone or unknown partner, ``Conflict`` for a used slug.
    """
    rules.check_slug(slug)
    rules.check_dates(opens_at, closes_at, zone)
    if not title.strip():
        raise Invalid("an offer list needs a title", field="title")
    with db.write() as conn:
        audience_id = feed.PUBLIC
        if partner_codes:
            if offer_lists.by_slug(conn, slug) is not None:
                raise Conflict(f"there is already an offer list named {slug!r}")
            members = []
            for code in dict.fromkeys(partner_codes):
                found = partners.by_code(conn, code)
                if found is None:
                    raise Invalid(f"there is no partner with code {code!r}", field="partners")
                members.append(found.id)
            audience_id = partners.group(conn, f"list:{slug}", members, feed.clock(conn).p)
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


def change_list(db: Database, slug: str, action: ListAction, now: datetime) -> OfferList:
    """Open, close, withdraw or archive a list; raise ``Conflict`` when its state forbids it."""
    with db.write() as conn:
        found = offer_lists.by_slug(conn, slug)
        if found is None:
            raise NotFound(f"there is no offer list named {slug!r}")
        if action is ListAction.SCHEDULE:
            raise Invalid("a list is scheduled by giving it a moment of opening", field="action")
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
    """Open and close every list whose moment has come; return how many changed.

    Safe to run from several workers: a list that somebody else moved meanwhile is left alone.
    """
    with db.read() as conn:
        due = offer_lists.due(conn, now)
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
