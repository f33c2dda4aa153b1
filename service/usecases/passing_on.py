"""Passing on copies that come back, and those of a title that does not come out as planned.

A wish may be taken back between plan and confirmation, a title, or a partner; and whoever got a
copy may decline it. Then it goes to the next in rank, as far as that one may get any by now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, TypeVar

from service.domain import allocation as rules
from service.domain import allocation_reason as reasons
from service.domain.allocation import AllocationAction, AllocationState
from service.domain.allocation_reason import Place
from service.domain.partner import PartnerState
from service.domain.waiting_line import Waiting, pass_on
from service.store import allocation_inputs as inputs
from service.store.allocation_steps import Change, Line, Stock
from service.store.db import Connection
from service.usecases import weighing
from service.usecases.fitting import Fitting

_W = TypeVar("_W", bound=Waiting)


class Title(NamedTuple):
    """A title that does not come out as planned: how many copies there are, and who lost it why."""

    lines: Sequence[Line]
    left: int
    lost: Mapping[int, str]


def changed_since(
    lines: Sequence[Line], stock: Mapping[int, Stock], active: set[int]
) -> Iterator[Title]:
    """Yield the titles of a step that cannot be given as they were planned."""
    for offer_id, grouped in groupby(lines, key=lambda line: line.offer_id):
        title, now = list(grouped), stock[offer_id]
        lost = {line.position: why for line in title if (why := _lost(line, now, active))}
        if lost or sum(line.given for line in title) > now.left:
            yield Title(title, now.left if now.offered else 0, lost)


def _lost(line: Line, stock: Stock, active: set[int]) -> str:
    """Return why a wish that took part takes part no more; "" if it does."""
    if not line.stands:
        return _WITHDRAWN
    if not stock.offered:
        return rules.TAKEN_BACK
    return "" if line.partner_id in active or not line.rank else rules.SUSPENDED


_WITHDRAWN = "the wish was taken back"


def changes(
    conn: Connection, list_id: int, title: Title, until: datetime, now: datetime
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
        offer_id = waiting[0].offer_id
        for line, share in next_in_line(conn, list_id, offer_id, waiting, left, now):
            place = Place(line.rank, of)
            reason = reasons.passed_on(place, line.quantity, share, line.differs)
            changes.append(_changed(line, share, reason, until))
    return changes


def next_in_line(
    conn: Connection, list_id: int, offer_id: int, waiting: Sequence[_W], copies: int, now: datetime
) -> list[tuple[_W, int]]:
    """Return who is next in line for copies of a title, and how many of them each may get by now.

    ``waiting`` are wishes for it in their rank, whose partners are held.
    """
    how = inputs.list_rules(conn, list_id)
    wishers = inputs.wishers_by_id(conn, sorted({each.partner_id for each in waiting}))
    active = [who for who in wishers if who.state is PartnerState.ACTIVE]
    fitting = Fitting(conn, active, now)
    book = fitting.books({offer_id: {who.id for who in active}}).get(offer_id)
    may = [who for who in active if not fitting.hindrance(who.id, book)]
    rooms = weighing.rooms(conn, list_id, how, may, now)
    shares = inputs.copies_of_list(conn, list_id)
    volumes = inputs.sent(conn, [offer_id])[offer_id].volumes
    return pass_on(waiting, copies, volumes, rooms, shares, how.min_parcel)


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
