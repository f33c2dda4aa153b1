"""Allocating a closed list: the whole way, what came of it, and what another policy would make.

A list is planned (``planning``), looked at and confirmed (``confirming``); partners answer
(``accepting``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from service.domain import allocation_way
from service.domain.allocation import AllocationPolicy, AllocationRun, RunState
from service.domain.audit_entry import COMMAND_LINE
from service.domain.offer import OfferList
from service.errors import Conflict, NotFound
from service.store import allocations, kept_allocations
from service.store.allocations import Decided
from service.store.db import Database
from service.usecases import confirming, planning
from service.usecases.planning import known_list

# Decisions read at once while a run is shown.
_PAGE = 500


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
    *,
    policy: AllocationPolicy | None = None,
    seed: str = "",
    by: str = COMMAND_LINE,
) -> Allocated:
    """Plan a list unless it is planned, and confirm the plan to its end.

    A run that was interrupted goes on. Raises as ``planning.plan`` and ``confirming.confirm`` do.
    """
    planning.plan(db, slug, now(), policy=policy, seed=seed, by=by, if_none=True)
    before = confirming.confirm(db, slug, now, by=by)
    done = show(db, slug)
    return Allocated(done.offer_list, done.run, before)


# --- looking at it --------------------------------------------------------------------------------


def show(db: Database, slug: str) -> Allocated:
    """Return a list with its run, planned or confirmed; raise ``NotFound`` where there is none."""
    with db.read() as conn:
        found = known_list(conn, slug)
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


# --- what if --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """What a partner gets by the plan that is kept (None: there is none), and what it would get."""

    partner: str
    now: int | None
    then: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What another policy or seed would come to: ``met`` of so many ``wishes``, who gets what."""

    policy: AllocationPolicy
    seed: str
    wishes: int
    met: int
    given: int
    shares: tuple[Share, ...]


def what_if(
    db: Database,
    slug: str,
    now: datetime,
    *,
    policy: AllocationPolicy | None = None,
    seed: str = "",
    on_decision: Callable[[Decided], None] = lambda _: None,
) -> WhatIf:
    """Return what a list would come to, beside its plan; nothing is kept, nobody is told.

    ``on_decision`` is called with each decision. Raises as ``planning.plan`` does.
    """
    with db.read() as conn:
        found = known_list(conn, slug)
        kept = allocations.stands(conn, found.id)
        if kept is not None and kept.state is RunState.PLANNING:
            kept = None
        seed = seed or (kept.seed if kept else "") or planning.new_seed()
        drafted = planning.draft(conn, found, policy, seed, now)
        ours = allocations.shares(conn, kept.id) if kept else {}
        then: dict[str, int] = {}
        wishes = met = 0
        while page := list(islice(drafted.decisions, _PAGE)):
            for each in allocations.described(conn, page, wishes, drafted.standings):
                on_decision(each)
                then[each.partner] = then.get(each.partner, 0) + each.given
                met += each.given > 0
            wishes += len(page)
    shares = tuple(
        Share(code, ours.get(code, 0) if kept else None, then.get(code, 0))
        for code in sorted(ours | then)
    )
    return WhatIf(drafted.policy, seed, wishes, met, sum(then.values()), shares)


# --- once more ------------------------------------------------------------------------------------


def replay(db: Database, slug: str) -> list[int]:
    """Decide a run again from what was kept of it; return the numbers that come out otherwise.

    There are none, on any machine, unless what was kept was changed. Raises ``NotFound``, and
    ``Conflict`` for a run of before anything was kept to decide it from.
    """
    run = show(db, slug).run
    if not run.seed:
        raise Conflict("this list was allocated before enough was kept of a run to decide it again")
    with db.read() as conn:
        standings = kept_allocations.standings(conn, run.id)
        kept = kept_allocations.planned(conn, run.id)
    titles = [
        (title, [each.wished for each in same])
        for title, same in (
            (title, list(same)) for title, same in groupby(kept, key=lambda each: each.title)
        )
    ]
    again = allocation_way.decide(run.inputs, run.seed, lambda: titles, standings)
    return [
        each.position
        for each, decision in zip(kept, again, strict=True)
        if (each.wished, each.rank, each.given, each.reason)
        != (decision.wished, decision.rank, decision.given, decision.reason)
    ]
