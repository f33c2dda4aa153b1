"""Allocating a closed list: every wish is decided on with a reason, and what is given is sent.

A run goes on step by step. A step is one transaction: it decides on the wishes for some titles
that still stand, keeps the decisions and enters the transfers. A wish that was decided on stands
no more, so a run that was interrupted goes on where it was, and two that meet share the work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.domain import allocation as rules
from service.domain import offer as list_rules
from service.domain.allocation import AllocationPolicy, AllocationRun, Decision
from service.domain.offer import ListAction, ListState, OfferList
from service.domain.transfer import Given
from service.domain.webhook import WISH_CHANGED
from service.errors import Conflict, NotFound
from service.store import allocations, offer_lists, offers, partners
from service.store.allocations import Decided, Title
from service.store.db import Connection, Database
from service.usecases import giving, notifying

# Titles that are decided on in one step.
_AT_ONCE = 200
# Decisions read at once while a run is shown.
_PAGE = 500

OnStep = Callable[[AllocationRun], None]


@dataclass(frozen=True, slots=True)
class Allocated:
    """A list with its run; ``before`` says that the run had ended before anybody asked now."""

    offer_list: OfferList
    run: AllocationRun
    before: bool = False


def allocate(
    db: Database,
    slug: str,
    now: Callable[[], datetime],
    on_step: OnStep = lambda _: None,
    policy: AllocationPolicy = AllocationPolicy.FIRST_COME,
) -> Allocated:
    """Allocate a closed list to the end; a run that was interrupted goes on.

    The list leaves the feed with the first step. Raises ``NotFound``, and ``Conflict`` for a list
    that is not closed or that a partner offers to us.
    """
    begun = _begin(db, slug, policy, now())
    run = begun.run
    while run.finished_at is None:
        run = _step(db, run, now())
        on_step(run)
    return Allocated(begun.offer_list, run, begun.before)


def _begin(db: Database, slug: str, policy: AllocationPolicy, now: datetime) -> Allocated:
    with db.write() as conn:
        found = offer_lists.lock(conn, _list(conn, slug).id)
        run = allocations.run_of_list(conn, found.id)
        if run is not None:
            return Allocated(found, run, run.finished_at is not None)
        state = _allocated_state(conn, found)
        allocations.begin(conn, found.id, policy, now)
        offer_lists.move(conn, found, state)
        offers.mark_list(conn, found.id)
        run = allocations.run_of_list(conn, found.id)
        assert run is not None  # noqa: S101 - it was begun three lines above
        return Allocated(offer_lists.by_id(conn, found.id), run)


def _step(db: Database, run: AllocationRun, now: datetime) -> AllocationRun:
    with db.write() as conn:
        if allocations.lock(conn, run.id):
            wanted = allocations.wished_offers(conn, run.list_id, 0, _AT_ONCE)
            if wanted:
                _decide(conn, run, wanted, now)
            else:
                allocations.finish(conn, run.id, now)
        after = allocations.run_of_list(conn, run.list_id)
    assert after is not None  # noqa: S101 - runs are never deleted
    return after


def _decide(conn: Connection, run: AllocationRun, offer_ids: Sequence[int], now: datetime) -> None:
    """Decide on all wishes for these titles; locks partners first, as a wish list does."""
    for partner_id in allocations.wishers(conn, offer_ids):
        partners.lock(conn, partner_id)
    titles = allocations.titles(conn, offer_ids)
    decisions = rules.decide(run.policy, allocations.open_wishes(conn, offer_ids), _copies(titles))
    if decisions:
        transfers = _give(conn, decisions, titles, now)
        after = allocations.last_position(conn, run.id)
        allocations.keep(conn, run.id, after, decisions, transfers)
        _announce(conn, decisions, now)


def _give(
    conn: Connection, decisions: Sequence[Decision], titles: Mapping[int, Title], now: datetime
) -> list[str | None]:
    """Enter what is given, each partner's together; return the transfer of every decision."""
    by_partner: defaultdict[int, list[int]] = defaultdict(list)
    for place, decision in enumerate(decisions):
        if decision.given:
            by_partner[decision.wished.partner_id].append(place)
    transfers: list[str | None] = [None] * len(decisions)
    for partner_id, places in sorted(by_partner.items()):
        items = [_given(decisions[place], titles) for place in places]
        made = giving.give(conn, partner_id, items, now)
        for place, transfer in zip(places, made, strict=True):
            transfers[place] = transfer
    return transfers


def _announce(conn: Connection, decisions: Sequence[Decision], now: datetime) -> None:
    """Tell partners that something became of their wishes, a list at a time."""
    met: defaultdict[tuple[int, str], list[bool]] = defaultdict(list)
    for decision in decisions:
        wished = decision.wished
        met[wished.partner_id, wished.wish_list].append(decision.given > 0)
    for (partner_id, wish_list), given in sorted(met.items()):
        figures = {"allocated": sum(given), "not_allocated": len(given) - sum(given)}
        body = {"wish_list": wish_list} | figures
        notifying.announce(conn, partner_id, WISH_CHANGED, body, now)


def _given(decision: Decision, titles: Mapping[int, Title]) -> Given:
    offer_id = decision.wished.offer_id
    return Given(offer_id, titles[offer_id].version_id, decision.given)


def _allocated_state(conn: Connection, found: OfferList) -> ListState:
    if (offerer := allocations.offerer(conn, found.id)) is not None:
        raise Conflict(
            f"list {found.slug!r} is what partner {offerer!r} offers to us: that library allocates"
        )
    return list_rules.after(ListAction.ALLOCATE, found.state)


# --- looking at it --------------------------------------------------------------------------------


def plan(
    db: Database, slug: str, policy: AllocationPolicy = AllocationPolicy.FIRST_COME
) -> list[Decided]:
    """Return what allocating would decide now; nothing is kept. Raises as ``allocate`` does."""
    decided: list[Decided] = []
    with db.read() as conn:
        found = _list(conn, slug)
        _allocated_state(conn, found)
        after = 0
        while wanted := allocations.wished_offers(conn, found.id, after, _AT_ONCE):
            titles = allocations.titles(conn, wanted, lock=False)
            wishes = allocations.open_wishes(conn, wanted, lock=False)
            decisions = rules.decide(policy, wishes, _copies(titles))
            decided += allocations.described(conn, decisions, len(decided))
            after = wanted[-1]
    return decided


def show(db: Database, slug: str) -> Allocated:
    """Return a list with its run; raise ``NotFound`` where there is none."""
    with db.read() as conn:
        found = _list(conn, slug)
        run = allocations.run_of_list(conn, found.id)
    if run is None:
        raise NotFound(f"offer list {slug!r} has not been allocated; it is {found.state}")
    return Allocated(found, run, run.finished_at is not None)


def decisions(db: Database, run: AllocationRun, after: int, limit: int) -> list[Decided]:
    """Return what a run decided, in its order, behind the number ``after``."""
    with db.read() as conn:
        return allocations.decided(conn, run.id, after, limit)


def all_decisions(db: Database, run: AllocationRun) -> Iterator[Decided]:
    """Yield everything that a run decided."""
    after = 0
    while page := decisions(db, run, after, _PAGE):
        yield from page
        after = page[-1].position


def _list(conn: Connection, slug: str) -> OfferList:
    found = offer_lists.by_slug(conn, slug)
    if found is None:
        raise NotFound(f"there is no offer list named {slug!r}")
    return found


def _copies(titles: Mapping[int, Title]) -> dict[int, int]:
    return {title.offer_id: title.copies for title in titles.values()}
