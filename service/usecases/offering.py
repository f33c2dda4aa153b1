"""Offer lists: drawn up, opened, closed, withdrawn, archived; and single titles taken back.

Every change tells the feed in the same transaction; the publisher makes it public.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from service.domain import list_terms
from service.domain import offer as rules
from service.domain.audience import OFFERED_TO, PUBLIC, of_list
from service.domain.audit_entry import COMMAND_LINE, WORKER
from service.domain.offer import ListAction, ListState, Offer, OfferList
from service.errors import Conflict, Invalid, NotFound
from service.store import offer_lists, offers, public_ids, shown_offers, tiers
from service.store.db import Connection, Database
from service.store.shown_offers import Shown
from service.usecases import (
    changing_lists,
    membership,
    ordering_matches,
    rescheduling,
    searching,
    tiering,
)


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
    terms: Mapping[str, Any] | None = None,
    draft: bool = False,
    by: str = COMMAND_LINE,
    now: datetime,
) -> OfferList:
    """Draw up a list as a draft, for everybody unless it is said for whom it is.

    With ``partner_codes`` it is for these partners alone, with ``audience`` for a group. ``terms``
    has what else may be said of a list (``domain.list_terms``). With ``opens_at`` it is approved by
    who draws it up, unless as a ``draft`` it waits for somebody's approval.

    Raises ``Invalid`` for a bad slug, date, zone, an unknown partner or audience, ``Conflict`` for
    a used slug.
    """
    rules.check_slug(slug)
    rules.check_dates(opens_at, closes_at, zone)
    said = {"title": title, "description": description, **(terms or {})}
    checked = list_terms.checked(said, list_terms.LIST_FIELDS)
    with db.write() as conn:
        audience_id = _first_tier(conn, slug, partner_codes, audience)
        made = offer_lists.add(
            conn,
            slug=slug,
            title=checked.pop("title"),
            description=checked.pop("description"),
            audience_id=audience_id,
            opens_at=opens_at,
            closes_at=closes_at,
            zone=zone,
            now=now,
            terms=checked,
        )
        changing_lists.log(conn, "drawn up", None, made, by, now)
        if opens_at is not None and opens_at > now and not draft:
            _change(conn, made, ListAction.APPROVE, by, now)
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


def change_list(
    db: Database,
    slug: str,
    action: ListAction,
    now: datetime,
    *,
    seen: int | None = None,
    override: bool = False,
    reason: str = "",
    by: str = COMMAND_LINE,
) -> OfferList:
    """Approve, open, close, withdraw or archive a list; raise ``Conflict`` if its state forbids it.

    A list on which wishes stand closes before its closing date only by an ``override`` with a
    ``reason``; every partner that it concerns is told. ``seen`` is the revision that was looked at.
    """
    with db.write() as conn:
        found = changing_lists.held(conn, slug, seen)
        if action in rules.INDIRECT:
            raise Invalid(rules.INDIRECT[action], field="action")
        rules.after(action, found.state)
        if action is ListAction.CLOSE and list_terms.is_shortened(found.closes_at, now):
            rescheduling.allow(conn, found, now, override=override, reason=reason)
            rescheduling.tell(conn, found, now, reason, now)
        _change(conn, found, action, by, now, reason)
        return offer_lists.by_id(conn, found.id)


_DONE: Final[Mapping[ListAction, str]] = {
    ListAction.APPROVE: "approved",
    ListAction.OPEN: "opened",
    ListAction.CLOSE: "closed",
    ListAction.ARCHIVE: "archived",
    ListAction.WITHDRAW: "withdrawn",
}


def _change(
    conn: Connection,
    found: OfferList,
    action: ListAction,
    by: str,
    now: datetime,
    reason: str = "",
) -> None:
    if action is ListAction.OPEN and found.closes_at is not None and found.closes_at <= now:
        raise Conflict("this list would close before it opens; give it a later closing date")
    if action is ListAction.APPROVE and found.opens_at is None:
        raise Conflict("a list is approved to open at a moment: give it one, or open it now")
    state = rules.after(action, found.state)
    offer_lists.move(conn, found, state, now if action is ListAction.OPEN else None)
    made = offer_lists.by_id(conn, found.id)
    changing_lists.log(conn, _DONE[action], found, made, by, now, reason)
    if action is ListAction.CLOSE:
        offers.pin(conn, found.id)
    if action is ListAction.OPEN:
        ordering_matches.order(conn, found.id, now)
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
            fresh = offer_lists.lock(conn, found.id)
            if fresh.state is found.state and _is_due(fresh, now):
                _change(conn, fresh, action, WORKER, now)
                moved += 1
    if waiting or moved:
        with db.write() as conn:
            moved += tiering.open_due(conn, now)
    return moved


def _is_due(found: OfferList, now: datetime) -> bool:
    """Whether a list's moment has come still, now that nobody else changes it."""
    moment = found.opens_at if found.state is ListState.SCHEDULED else found.closes_at
    return moment is not None and moment <= now


def withdraw_offer(db: Database, public_id: str, *, by: str = COMMAND_LINE, now: datetime) -> None:
    """Take one title back; partners learn it as a deletion."""
    wanted = public_ids.read(public_id)
    with db.write() as conn:
        if wanted is None or not offers.exists(conn, wanted):
            raise NotFound("there is no such offer")
        offers.withdraw(conn, wanted)
        changing_lists.log_taken_back(conn, wanted, by, now)


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
    """Return titles on offer as ``searching.offers`` does, without its remarks."""
    return searching.offers(db, audiences, query, slug=slug, after=after, limit=limit).rows


def show(db: Database, audiences: Collection[int] | None, public_id: str) -> Shown:
    """Return one offer as people look at it; raise ``NotFound``."""
    wanted = public_ids.read(public_id)
    with db.read() as conn:
        found = None if wanted is None else shown_offers.shown(conn, audiences, wanted)
    if found is None:
        raise NotFound("there is no such offer")
    return found


def show_to_staff(db: Database, public_id: str) -> Offer:
    """Return one offer in whatever state its list is; raise ``NotFound``."""
    wanted = public_ids.read(public_id)
    with db.read() as conn:
        found = None if wanted is None else shown_offers.by_public_id(conn, wanted)
    if found is None:
        raise NotFound("there is no such offer")
    return found
