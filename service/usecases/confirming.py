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

from service.domain import allocation as rules
from service.domain import allocation_reason as reasons
from service.domain import offer as list_rules
from service.domain.allocation import (
    ANSWER_WITHIN,
    AllocationAction,
    AllocationState,
    RunState,
)
from service.domain.allocation_reason import Place
from service.domain.announcement import WISH_CHANGED
from service.domain.offer import ListAction
from service.domain.transfer import Given
from service.domain.waiting_line import pass_on
from service.errors import Conflict
from service.store import allocation_inputs as inputs
from service.store import allocation_outcomes as outcomes
from service.store import allocation_steps as steps
from service.store import allocations, audit_log, offer_lists, offers
from service.store.allocation_steps import Change, Line, Step, Stock
from service.store.db import Connection, Database
from service.usecases import giving, notifying, planning, waiting_again, weighing
from service.usecases.pacing import STEADY, Pace

# Wishes that one step reads and holds, as far as titles are not cut in two; its time may be used up
# before they are all confirmed.
_AT_ONCE = 1_000
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
    after = 0
    while (done := _step(db, run_id, list_id, after, now(), pace)) is not None:
        after = done
        on_step(after)
    _finish(db, run_id, list_id, now(), pace)
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
    with db.write() as conn:
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
        _check_room(conn, looked_at.shares, found.id, now)
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
    """A plan that is all there, by its public id, and how many copies it has for each partner."""

    plan: str = ""
    shares: Mapping[int, int] = {}


def _planned(conn: Connection, list_id: int) -> _Planned:
    """Add up a plan, which is long: before anybody has to wait for us."""
    run = allocations.stands(conn, list_id)
    if run is None or run.state is not RunState.PROPOSED:
        return _Planned()
    return _Planned(run.public_id, allocations.partners_shares(conn, run.id))


def _check_room(conn: Connection, shares: Mapping[int, int], list_id: int, now: datetime) -> None:
    """Refuse a plan that gives somebody more than it may get by now."""
    wishers = inputs.wishers_by_id(conn, sorted(shares))
    how = inputs.list_rules(conn, list_id)
    rooms = weighing.rooms(conn, list_id, how, wishers, now)
    codes = {who.id: who.code for who in wishers}
    for who, share in sorted(shares.items()):
        room = rooms[who].copies
        if room is not None and share > room:
            raise Conflict(
                f"{codes[who]!r} may get {room} copies by now, and {share} are planned for it: "
                "plan the list again"
            )


# --- a step ---------------------------------------------------------------------------------------


def _step(
    db: Database, run_id: int, list_id: int, after: int, now: datetime, pace: Pace
) -> int | None:
    """Confirm some titles; return the number of the last wish, None when there are none left.

    Holds partners before offers and wishes, as a wish list does, and all of them before the first
    title is confirmed.
    """
    with db.write() as conn:
        if not steps.lock(conn, run_id):
            return None
        used_up = pace.begin()
        step = steps.ahead(conn, run_id, after, _AT_ONCE)
        if step is None:
            return None
        active = steps.lock_partners(conn, step.partner_ids)
        stock = steps.lock_offers(conn, step.offer_ids)
        for lines in _goes(steps.lock_lines(conn, run_id, step), pace.go):
            _confirm(conn, run_id, list_id, lines, stock, active, now)
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
) -> None:
    """Confirm some titles, whole, whose partners, offers and wishes are held."""
    until = now + ANSWER_WITHIN
    given = {line.position: line.given for line in lines}
    for title in _changed_since(lines, stock, active):
        changes = _title(conn, list_id, title, until, now)
        steps.change(conn, run_id, changes)
        given |= {each.position: each.given for each in changes}
    taken: defaultdict[int, int] = defaultdict(int)
    for line in lines:
        taken[line.offer_id] += given[line.position]
    steps.take(conn, taken)
    _enter(conn, run_id, [line for line in lines if given[line.position]], given, stock, now)
    part = Step(lines[0].position, lines[-1].position, [], [])
    steps.settle(conn, run_id, part, until, reasons.due(until))


def _enter(
    conn: Connection,
    run_id: int,
    lines: Sequence[Line],
    given: Mapping[int, int],
    stock: Mapping[int, Stock],
    now: datetime,
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
    names = giving.give_all(conn, items, now)
    steps.enter(
        conn,
        run_id,
        {line.position: name for line, name in zip(certain, names, strict=True)},
    )


# --- what changed since the plan ------------------------------------------------------------------


class _Title(NamedTuple):
    """A title that does not come out as planned: how many copies there are, and who lost it why."""

    lines: Sequence[Line]
    left: int
    lost: Mapping[int, str]


def _changed_since(
    lines: Sequence[Line], stock: Mapping[int, Stock], active: set[int]
) -> Iterator[_Title]:
    for offer_id, grouped in groupby(lines, key=lambda line: line.offer_id):
        title, now = list(grouped), stock[offer_id]
        lost = {line.position: why for line in title if (why := _lost(line, now, active))}
        if lost or sum(line.given for line in title) > now.left:
            yield _Title(title, now.left if now.offered else 0, lost)


def _lost(line: Line, stock: Stock, active: set[int]) -> str:
    """Return why a wish that took part takes part no more; "" if it does."""
    if not line.stands:
        return _WITHDRAWN
    if not stock.offered:
        return rules.TAKEN_BACK
    return "" if line.partner_id in active or not line.rank else rules.SUSPENDED


_WITHDRAWN = "the wish was taken back"


def _title(
    conn: Connection, list_id: int, title: _Title, until: datetime, now: datetime
) -> list[Change]:
    """Return the changes of one title: who lost it, who has fewer, and who is next in line."""
    left = title.left
    changes = [
        _lose(each, title.lost[each.position])
        for each in title.lines
        if each.position in title.lost
    ]
    standing = [each for each in title.lines if each.position not in title.lost and each.rank]
    of = len(standing)
    for line in standing:
        share = min(line.given, left)
        left -= share
        if share < line.given:
            reason = reasons.fewer(Place(line.rank, of), line.quantity, share)
            changes.append(_changed(line, share, reason, until))
    waiting = [line for line in standing if not line.given]
    if left and waiting and title.lost:
        for line, share in _next(conn, list_id, waiting, left, now):
            place = Place(line.rank, of)
            reason = reasons.passed_on(place, line.quantity, share, line.differs)
            changes.append(_changed(line, share, reason, until))
    return changes


def _next(
    conn: Connection, list_id: int, waiting: Sequence[Line], copies: int, now: datetime
) -> list[tuple[Line, int]]:
    """Return who is next in line, as far as they may get any now."""
    how = inputs.list_rules(conn, list_id)
    wishers = inputs.wishers_by_id(conn, sorted({line.partner_id for line in waiting}))
    rooms = weighing.rooms(conn, list_id, how, wishers, now)
    shares = inputs.copies_of_list(conn, list_id)
    return pass_on(waiting, copies, rooms, shares, how.min_parcel)


def _lose(line: Line, why: str) -> Change:
    if why == _WITHDRAWN:
        state = rules.after(AllocationAction.CANCEL, AllocationState.PROPOSED)
    else:
        state = rules.after(AllocationAction.PASS_OVER, AllocationState.PROPOSED)
    return Change(line.position, AllocationState.PROPOSED, state, 0, reasons.hindered(why))


def _changed(line: Line, given: int, reason: str, until: datetime) -> Change:
    before = AllocationState.PROPOSED
    if not given:
        state = rules.after(AllocationAction.PASS_OVER, before)
        return Change(line.position, before, state, 0, reason)
    state = rules.after(AllocationAction.CONFIRM, before)
    if not line.differs:
        return Change(line.position, before, state, given, reason)
    state = rules.after(AllocationAction.ASK, state)
    return Change(line.position, before, state, given, reason, until)


# --- the end --------------------------------------------------------------------------------------


def _finish(db: Database, run_id: int, list_id: int, now: datetime, pace: Pace) -> None:
    """Tell partners what became of their wishes, list by list; and who was not decided on, so.

    Partner by partner, until the time of a transaction is used up: up to whom all were told is kept
    in the same transaction, so that nobody is told twice and nobody is left out.
    """
    with db.read() as conn:
        late = outcomes.came_late(conn, run_id, list_id)
    if late:
        with db.write() as conn:
            if not steps.lock(conn, run_id):
                return
            _pass_over(conn, run_id, list_id, now)
    waiting_again.wait_again(db, run_id)
    with db.read() as conn:
        partner_ids = outcomes.partner_ids(conn, run_id)
    while True:
        with db.write() as conn:
            if not steps.lock(conn, run_id) or _tell_some(conn, run_id, partner_ids, now, pace):
                return


def _tell_some(
    conn: Connection, run_id: int, partner_ids: Sequence[int], now: datetime, pace: Pace
) -> bool:
    """Tell those that were not told yet; return whether all are, and with that the run finished."""
    used_up = pace.begin()
    before = outcomes.told_up_to(conn, run_id)
    for partner_id in (who for who in partner_ids if who > before):
        for told in outcomes.outcome(conn, run_id, partner_id):
            _tell(conn, told, now)
        if used_up():
            outcomes.tell_up_to(conn, run_id, partner_id)
            return False
    steps.finish(conn, run_id, now)
    return True


def _tell(conn: Connection, told: outcomes.Told, now: datetime) -> None:
    figures = {
        "allocated": told.allocated,
        "not_allocated": told.not_allocated,
        "offered": told.offered,
    }
    body = {"wish_list": told.wish_list} | {
        name: number for name, number in figures.items() if number or name != "offered"
    }
    notifying.announce(conn, told.partner_id, WISH_CHANGED, body, now)


def _pass_over(conn: Connection, run_id: int, list_id: int, now: datetime) -> None:
    """Decide on wishes that came when the plan was made already."""
    late = outcomes.came_late(conn, run_id, list_id)
    why = reasons.hindered("your wish came after it was decided who gets what")
    decisions = [each._replace(reason=why) for each in late]
    titles = {each.wished.offer_id: rules.Title(each.wished.offer_id, "", 0) for each in late}
    after = outcomes.last_position(conn, run_id)
    allocations.keep(conn, run_id, after, decisions, titles, late=True)
    step = Step(after + 1, after + len(decisions), [], [])
    steps.settle(conn, run_id, step, now, "")
