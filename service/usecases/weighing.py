"""Weighing partners before copies are given: what each may get of a list, and how it stands.

Everything that bounds what a partner gets comes together here: its own allowances, what the list
allows, and what was agreed with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from service.domain import agreement_bounds
from service.domain.agreement import BalanceBasis
from service.domain.agreement_bounds import Bounds
from service.domain.allocation import Standing
from service.domain.allocation_room import Room
from service.domain.audience import PUBLIC
from service.store import agreements, balances
from service.store import allocation_inputs as inputs
from service.store.allocation_inputs import ListRules, Wisher
from service.store.db import Connection


def standings(
    conn: Connection, list_id: int, rules: ListRules, wishers: Sequence[Wisher], now: datetime
) -> dict[int, Standing]:
    """Return how these partners stand before a list is allocated, by the partner."""
    balance = _balances(conn)[BalanceBasis.VOLUME]
    weights = inputs.weights(conn)
    tiers, last = _tiers(conn, list_id)
    room = rooms(conn, list_id, rules, wishers, now)
    about = subjects_agreed(conn, wishers, now)
    return {
        who.id: Standing(
            code=who.code,
            place=who.place,
            balance=balance.get(who.id, 0),
            priority=who.priority,
            tier=tiers.get(who.id, last),
            weight=weights.get(who.place, 0),
            room=room[who.id],
            languages=about[who.id].languages,
            subjects=about[who.id].subjects,
        )
        for who in wishers
    }


class About(NamedTuple):
    """Of which languages and subjects books may be by an agreement; any, where it names none."""

    languages: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


def subjects_agreed(conn: Connection, wishers: Sequence[Wisher], now: datetime) -> dict[int, About]:
    """Return what books the agreements with these partners are about."""
    agreed = bounds(conn, wishers, now)
    return {
        who.id: About(agreed[who.id].languages, agreed[who.id].subjects)
        if who.id in agreed
        else About()
        for who in wishers
    }


def rooms(
    conn: Connection, list_id: int, rules: ListRules, wishers: Sequence[Wisher], now: datetime
) -> dict[int, Room]:
    """Return how much more of a list these partners may get now, by the partner."""
    of_list = inputs.copies_of_list(conn, list_id)
    given = _Given(conn)
    year = date(now.astimezone(UTC).year, 1, 1)
    agreed = _agreed(conn, wishers, given, now)
    found: dict[int, Room] = {}
    for who in wishers:
        room = _left(who.per_list, of_list.get(who.id, 0), _PER_LIST)
        if who.per_year is not None:
            room = room.smaller(_left(who.per_year, given.since(year, who.id), _PER_YEAR))
        room = room.smaller(_left(rules.max_per_partner, of_list.get(who.id, 0), _OF_LIST))
        found[who.id] = room.smaller(agreed.get(who.id, Room()))
    return found


_PER_LIST = "your allowance of {} of one list is used up"
_PER_YEAR = "your allowance of {} a year is used up"
_OF_LIST = "nobody gets more than {} of this list, and you get them"


class _Given:
    """How many copies partners were given since a day, looked up once for each day."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._found: dict[date, dict[int, int]] = {}

    def since(self, day: date, partner_id: int) -> int:
        if day not in self._found:
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
            self._found[day] = inputs.copies_since(self._conn, moment)
        return self._found[day].get(partner_id, 0)


def bounds(conn: Connection, wishers: Sequence[Wisher], now: datetime) -> dict[int, Bounds]:
    """Return what was agreed with these partners, where anything was."""
    day = now.astimezone(UTC).date()
    running = agreements.running(conn)
    found = {who.id: agreement_bounds.bounds_of(running.get(who.id, ()), day) for who in wishers}
    return {who: each for who, each in found.items() if each is not None and each.has_books}


def _agreed(
    conn: Connection, wishers: Sequence[Wisher], given: _Given, now: datetime
) -> dict[int, Room]:
    """Return how much agreements let these partners get, where there are any."""
    agreed = bounds(conn, wishers, now)
    if not agreed:
        return {}
    balances_of = _balances(conn)
    found: dict[int, Room] = {}
    for who, each in agreed.items():
        balance = balances_of[each.basis][who] if each.basis in balances_of else 0
        this_year = given.since(each.year_since, who)
        before = given.since(each.since, who) - this_year
        found[who] = agreement_bounds.room(each, balance, this_year, before)
    return found


def _balances(conn: Connection) -> dict[BalanceBasis, Counter[int]]:
    """Return how much more partners received than they gave, by what a basis counts.

    That is what the ledger says, opening balances included; and what is not in it yet: what was
    given and is not dispatched, what is still to be entered or answered, and what a partner says
    that it gave and is not accessioned. A title that is given in several copies is several pieces
    until it is dispatched.
    """
    net = balances.net(conn)
    volumes = Counter({who: each.volumes for who, each in net.items()})
    volumes.update(inputs.volumes_undispatched(conn))
    volumes.update(inputs.volumes_to_come(conn))
    pieces = Counter({who: each.titles for who, each in net.items()})
    pieces.update(inputs.copies_undispatched(conn))
    for each in (volumes, pieces):
        each.subtract(inputs.volumes_announced(conn))
    return {BalanceBasis.VOLUME: volumes, BalanceBasis.PIECE: pieces}


def _left(bound: int | None, used: int, why: str) -> Room:
    if bound is None:
        return Room()
    copies = "1 copy" if bound == 1 else f"{bound:,} copies"
    return Room(max(0, bound - used), why.format(copies))


def _tiers(conn: Connection, list_id: int) -> tuple[dict[int, int], int]:
    """Return the place of each partner among the tiers of a list, and that of all the others."""
    found: dict[int, int] = {}
    audiences = inputs.tiers(conn, list_id)
    for place, audience in enumerate(audiences):
        if audience == PUBLIC:
            return found, place
        for partner_id in inputs.members(conn, audience):
            found.setdefault(partner_id, place)
    return found, len(audiences)
