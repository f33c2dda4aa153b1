"""Confirming a plan: what it says is given, step by step, and every wish learns why.

A step is one transaction over some titles, as many as its time allows: their copies are taken, the
transfers entered, the wishes told. What was confirmed is not PROPOSED any more, so a confirmation
that was interrupted goes on where it was, and two that meet share the work. What changed since the
plan – a wish taken back, a title, a partner – passes its copies to the next in rank.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from service.domain import allocation_reason as reasons
from service.domain import offer as list_rules
from service.domain.allocation import ANSWER_WITHIN, RunState, Standing
from service.domain.offer import ListAction
from service.domain.transfer import Given
from service.errors import Conflict
from service.store import allocation_inputs as inputs
from service.store import allocation_steps as steps
from service.store import allocations, audit_log, kept_allocations, offer_lists, offers
from service.store.allocation_steps import Line, Step, Stock
from service.store.allocations import Portion
from service.store.db import ROOMY_KIB, Connection, Database
from service.usecases import giving, passing_on, planning, telling_outcomes, weighing
from service.usecases.pacing import STEADY, Pace

# Wishes that one step reads and holds, as far as titles are not cut in two; its time may be used up
# before they are all confirmed.
_AT_ONCE = 2_000
# After which somebody else goes on with a confirmation.
_LEFT_BEHIND = timedelta(minutes=10)

OnStep = Callable[[int], None]


def confirm(
    db: Database,
    slug: str,
    now: Callable[[], datetime],
    *,
    by: str,
    plan: str = "",
    on_step: OnStep = lambda _: None,
    pace: Pace = STEADY,
) -> bool:
    """Confirm the plan of a list to its end; return whether that was done before.

    ``plan`` is the public id of the plan that was looked at, "" for whichever there is. One that
    was interrupted goes on. ``on_step`` is told the number of the last wish that was decided on.

    Raises ``NotFound``, and ``Conflict`` without a plan, for another plan than the one that was
    looked at, and where partners may get less by now than was planned for them.
    """
    run_id, list_id, before = _begin(db, slug, plan, now(), by)
    if before:
        return True
    after, most = 0, _AT_ONCE
    has_set: set[int] = set()
    while (done := _step(db, run_id, list_id, after, most, now(), pace, has_set)) is not None:
        # What the time was not enough for was read in vain: the next step reads a go more.
        most = min(_AT_ONCE, done - after + pace.go)
        after = done
        on_step(after)
    telling_outcomes.finish(db, run_id, list_id, now(), pace)
    return False


def go_on(db: Database, now: Callable[[], datetime]) -> int:
    """Go on with confirmations that were left behind; return how many there were."""
    with db.read() as conn:
        waiting = steps.left_behind(conn, now() - _LEFT_BEHIND)
    for slug in waiting:
        confirm(db, slug, now, by="")
    return len(waiting)


def _begin(db: Database, slug: str, plan: str, now: datetime, by: str) -> tuple[int, int, bool]:
    with db.read() as conn:
        looked_at = _planned(conn, planning.known_list(conn, slug).id)
    with db.write(cache_kib=ROOMY_KIB) as conn:
        found = offer_lists.lock(conn, planning.known_list(conn, slug).id)
        run = allocations.stands(conn, found.id, lock=True)
        if run is not None and run.state is RunState.CONFIRMED:
            if plan and plan != run.public_id:
                raise Conflict(f"list {slug!r} is allocated by another plan")
            return run.id, found.id, run.finished
        planning.check_list(conn, found)
        if run is None or run.state is RunState.PLANNING:
            raise Conflict(f"list {slug!r} has no plan that is all there; plan it first")
        if plan and plan != run.public_id:
            raise Conflict("somebody else planned this list meanwhile; look at the new plan first")
        if looked_at.plan != run.public_id:  # planned anew in between
            looked_at = _planned(conn, found.id)
        # Another list that is confirmed at the same moment counts for these partners, or waits.
        steps.lock_partners(conn, sorted(looked_at.shares))
        _check_room(conn, looked_at, found.id, now)
        steps.confirm(conn, run.id, run.public_id, now)
        offer_lists.move(conn, found, list_rules.after(ListAction.ALLOCATE, found.state))
        offers.mark_list(conn, found.id)
        audit_log.write(
            conn,
            by=by,
            action="confirm",
            kind="allocation",
            name=slug,
            now=now,
            before={"state": RunState.PROPOSED.value},
            after={"state": RunState.CONFIRMED.value, "plan": run.public_id},
        )
        return run.id, found.id, False


class _Planned(NamedTuple):
    """A plan that is all there, by its public id: what it has for partners, and how these stood."""

    plan: str = ""
    shares: Mapping[int, Portion] = {}
    standings: Mapping[int, Standing] = {}


def _planned(conn: Connection, list_id: int) -> _Planned:
    """Add up a plan, which is long: before anybody has to wait for us."""
    run = allocations.stands(conn, list_id)
    if run is None or run.state is not RunState.PROPOSED:
        return _Planned()
    shares = allocations.partners_shares(conn, run.id)
    return _Planned(run.public_id, shares, kept_allocations.standings(conn, run.id))


def _check_room(conn: Connection, planned: _Planned, list_id: int, now: datetime) -> None:
    """Refuse a plan that gives somebody more than it may get by now, or what it may not."""
    wishers = inputs.wishers_by_id(conn, sorted(planned.shares))
    how = inputs.list_rules(conn, list_id)
    rooms = weighing.rooms(conn, list_id, how, wishers, now)
    about = weighing.subjects_agreed(conn, wishers, now)
    for who in sorted(wishers, key=lambda each: each.id):
        share, room = planned.shares[who.id], rooms[who.id]
        for noun, most, number in (
            ("copies", room.copies, share.copies),
            ("volumes", room.volumes, share.volumes),
        ):
            if most is not None and number > most:
                raise Conflict(
                    f"{who.code!r} may get {most} {noun} by now, and {number} are planned for it: "
                    "plan the list again"
                )
        kept = planned.standings[who.id]
        agreed = about[who.id]
        if any(agreed) and agreed != (kept.languages, kept.subjects):
            raise Conflict(
                f"what the agreement with {who.code!r} is about has changed since the plan: "
                "plan the list again"
            )


# --- a step ---------------------------------------------------------------------------------------


def _step(
    db: Database,
    run_id: int,
    list_id: int,
    after: int,
    most: int,
    now: datetime,
    pace: Pace,
    has_set: set[int],
) -> int | None:
    """Confirm some titles; return the number of the last wish, None when there are none left.

    ``has_set`` is as ``giving.give_all`` has it.
    Holds partners before offers and wishes, as a wish list does, and all of them before the first
    title is confirmed.
    """
    with db.write(cache_kib=ROOMY_KIB) as conn:
        if not steps.lock(conn, run_id):
            return None
        used_up = pace.begin()
        step = steps.ahead(conn, run_id, after, most)
        if step is None:
            return None
        active = steps.lock_partners(conn, step.partner_ids)
        stock = steps.lock_offers(conn, step.offer_ids)
        for lines in _goes(steps.lock_lines(conn, run_id, step), pace.go):
            _confirm(conn, run_id, list_id, lines, stock, active, now, has_set)
            after = lines[-1].position
            if used_up():
                break
        return after


def _goes(lines: Sequence[Line], most: int) -> Iterator[list[Line]]:
    """Yield whole titles with about so many wishes at a time."""
    some: list[Line] = []
    for _, title in groupby(lines, key=lambda line: line.offer_id):
        some += title
        if len(some) >= most:
            yield some
            some = []
    if some:
        yield some


def _confirm(
    conn: Connection,
    run_id: int,
    list_id: int,
    lines: Sequence[Line],
    stock: Mapping[int, Stock],
    active: set[int],
    now: datetime,
    has_set: set[int],
) -> None:
    """Confirm some titles, whole, whose partners, offers and wishes are held."""
    until = now + ANSWER_WITHIN
    given = {line.position: line.given for line in lines}
    for title in passing_on.changed_since(lines, stock, active):
        changes = passing_on.changes(conn, list_id, title, until, now)
        steps.change(conn, run_id, changes)
        given |= {each.position: each.given for each in changes}
    taken: defaultdict[int, int] = defaultdict(int)
    for line in lines:
        taken[line.offer_id] += given[line.position]
    steps.take(conn, taken)
    winners = [line for line in lines if given[line.position]]
    _enter(conn, run_id, winners, given, stock, now, has_set)
    part = Step(lines[0].position, lines[-1].position, [], [])
    steps.settle(conn, run_id, part, until, reasons.due(until))


def _enter(
    conn: Connection,
    run_id: int,
    lines: Sequence[Line],
    given: Mapping[int, int],
    stock: Mapping[int, Stock],
    now: datetime,
    has_set: set[int],
) -> None:
    """Enter transfers for what nobody has to be asked about."""
    certain = [line for line in lines if not line.differs]
    items = [
        (
            line.partner_id,
            Given(line.offer_id, stock[line.offer_id].version_id, given[line.position]),
        )
        for line in certain
    ]
    names = giving.give_all(conn, items, now, has_set)
    steps.enter(
        conn,
        run_id,
        {line.position: name for line, name in zip(certain, names, strict=True)},
    )
