"""How a list is allocated: title by title, in the order of their lots, copy by copy.

Nothing here knows a clock or a database: the same values in give the same decisions out, so that a
run can be replayed from what was kept of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from service.domain import allocation_reason as reasons
from service.domain.allocation import Decision, Standing, Title, Wished
from service.domain.allocation_policy import Candidate, Criterion
from service.domain.allocation_reason import Place
from service.domain.draw import lot

# The titles with their wishes, in the order of ``order``; they are read more than once.
Titles = Callable[[], Iterable[tuple[Title, Sequence[Wished]]]]
_Key = tuple[Any, ...]
_Queue = list[tuple[_Key, int]]


def order(seed: str, offer: str) -> tuple[int, str]:
    """Return the place of a title among the others; what is given of one counts for the next."""
    return lot(seed, offer), offer


def decide(
    criteria: Sequence[Criterion],
    seed: str,
    titles: Titles,
    standings: Mapping[int, Standing],
    min_parcel: int | None = None,
) -> Iterator[Decision]:
    """Yield a decision on every wish, title by title.

    Where a parcel has a smallest size, those whose share would be smaller take no part: first
    those with the fewest copies, and so on with what then goes to the others, until no share is
    too small.
    """
    shut: dict[int, str] = {}
    while min_parcel:
        trial = Plan(criteria, seed, standings, shut)
        for title, wishes in titles():
            trial.decide(title, wishes)
        more = too_small(trial.got, min_parcel)
        if not more:
            break
        shut |= more
    plan = Plan(criteria, seed, standings, shut)
    for title, wishes in titles():
        yield from plan.decide(title, wishes)


def too_small(got: Mapping[int, int], min_parcel: int | None) -> dict[int, str]:
    """Return the partners with the fewest copies of those with too few for a parcel, and why not.

    >>> too_small({1: 2, 2: 1, 3: 0, 4: 9}, 3)
    {2: 'your share of this list would be 1 copy, and a parcel has at least 3'}
    """
    fewest = min((share for share in got.values() if 0 < share < (min_parcel or 0)), default=0)
    copies = "1 copy" if fewest == 1 else f"{fewest} copies"
    why = f"your share of this list would be {copies}, and a parcel has at least {min_parcel}"
    return {who: why for who, share in got.items() if 0 < share == fewest}


class _Taking(NamedTuple):
    """A wish that takes part, with what is drawn for it once."""

    wished: Wished
    standing: Standing
    lot: int


class Plan:
    """A plan as it is made. ``got`` is what each partner has of it so far, in copies.

    ``shut`` says why partners take no part at all.
    """

    def __init__(
        self,
        criteria: Sequence[Criterion],
        seed: str,
        standings: Mapping[int, Standing],
        shut: Mapping[int, str] | None = None,
    ) -> None:
        self._criteria = criteria
        self._values = [criterion.value for criterion in criteria]
        self._seed = seed
        self._standings = standings
        self._shut = shut or {}
        self._volumes: dict[int, int] = {}
        self.got: dict[int, int] = {}

    def decide(self, title: Title, wishes: Sequence[Wished]) -> list[Decision]:
        """Decide on all wishes for one title; those that take no part come last."""
        taking: list[_Taking] = []
        out: list[Decision] = []
        for wished in wishes:
            who = wished.partner_id
            why = wished.hindrance or self._shut.get(who) or self._used_up(who, title)
            if why:
                out.append(Decision(wished, 0, title.copies, 0, reasons.hindered(why)))
            else:
                standing = self._standings[who]
                drawn = lot(self._seed, title.offer, standing.code)
                taking.append(_Taking(wished, standing, drawn))
        out.sort(key=_place)
        return self._give(title, taking) + out

    def _give(self, title: Title, taking: Sequence[_Taking]) -> list[Decision]:
        """Give to whoever is first, while there are copies; each gift may change who is next."""
        covered: set[str] = set()
        queue = [(self._key(each, covered), n) for n, each in enumerate(taking)]
        queue.sort()
        left = title.copies
        met: list[_Met] = []
        behind = [] if left else [(taking[n].wished, "") for _, n in sorted(queue)]
        out: list[Decision] = []
        while queue and left:
            key, first = self._next(queue, taking, covered)
            heapq.heappop(queue)
            wished = taking[first].wished
            # By another wish of the partner for this very title.
            if why := self._used_up(wished.partner_id, title):
                out.append(Decision(wished, 0, title.copies, 0, reasons.hindered(why)))
                continue
            given, why_fewer = self._share(wished, left, title)
            next_ = ""
            if queue:
                next_ = reasons.behind(self._criteria, key, self._next(queue, taking, covered)[0])
            met.append(_Met(wished, given, why_fewer, next_))
            left -= given
            if not left:
                behind = self._behind(key, queue, taking, covered)
            self._count(wished, given, title)
            covered.add(taking[first].standing.place)
        return _decisions(title, met, behind) + out

    def _next(
        self, queue: _Queue, taking: Sequence[_Taking], covered: set[str]
    ) -> tuple[_Key, int]:
        """Return the first in the queue as things are now: values only ever become greater."""
        while covered:
            key, n = queue[0]
            now = self._key(taking[n], covered)
            if now == key:
                return key, n
            heapq.heapreplace(queue, (now, n))
        return queue[0]  # nothing of this title was given yet

    def _behind(
        self, last: _Key, queue: _Queue, taking: Sequence[_Taking], covered: set[str]
    ) -> list[tuple[Wished, str]]:
        """Return those who wait, in their order, each with whom the last copy went to."""
        waiting = [(self._key(taking[n], covered), n) for _, n in queue] if covered else queue
        return [
            (taking[n].wished, reasons.before(self._criteria, last, mine))
            for mine, n in sorted(waiting)
        ]

    def _key(self, each: _Taking, covered: set[str]) -> _Key:
        wished, standing, drawn = each
        balance = standing.balance + self._volumes.get(wished.partner_id, 0)
        # Of a partner whose place nobody entered it is not known that its country has none.
        has = wished.place_has or not standing.place or standing.place in covered
        candidate = Candidate(wished, standing, balance, has, drawn)
        return tuple([value(candidate) for value in self._values])

    def _left_to(self, partner_id: int, title: Title) -> int | None:
        """Return how many copies of a title a partner may still get; None: any number."""
        room = self._standings[partner_id].room
        if room.copies is None and room.volumes is None:
            return None
        got, volumes = self.got.get(partner_id, 0), self._volumes.get(partner_id, 0)
        return room.of_title(title.volumes, got, volumes)

    def _used_up(self, partner_id: int, title: Title) -> str:
        """Return why a partner may get no copy of a title, "" if it may."""
        if self._left_to(partner_id, title) != 0:
            return ""
        aside = " (with other titles of this list)" if self.got.get(partner_id) else ""
        return self._why_not(partner_id, title, aside)

    def _why_not(self, partner_id: int, title: Title, aside: str = "") -> str:
        got, volumes = self.got.get(partner_id, 0), self._volumes.get(partner_id, 0)
        return self._standings[partner_id].room.why_not(title.volumes, got, volumes, aside)

    def _share(self, wished: Wished, left: int, title: Title) -> tuple[int, str]:
        """Return how many copies a wish gets, and why not more."""
        room = self._left_to(wished.partner_id, title)
        given = min(wished.quantity, left)
        if room is not None and room < given:
            return room, self._why_not(wished.partner_id, title)
        if given == title.copies:
            return given, "no more are offered"
        return given, "the others went to wishes before yours"

    def _count(self, wished: Wished, given: int, title: Title) -> None:
        who = wished.partner_id
        self.got[who] = self.got.get(who, 0) + given
        self._volumes[who] = self._volumes.get(who, 0) + given * title.volumes


def _place(decision: Decision) -> tuple[str, int]:
    return decision.wished.wish_list, decision.wished.line_no


class _Met(NamedTuple):
    wished: Wished
    given: int
    why_fewer: str
    behind: str


def _decisions(
    title: Title, met: Sequence[_Met], behind: Sequence[tuple[Wished, str]]
) -> list[Decision]:
    of = len(met) + len(behind)
    decisions = [
        Decision(each.wished, rank, title.copies, each.given, _reason(each, Place(rank, of)))
        for rank, each in enumerate(met, 1)
    ]
    return decisions + [
        Decision(wished, rank, title.copies, 0, reasons.missed(Place(rank, of), title.copies, whom))
        for rank, (wished, whom) in enumerate(behind, len(met) + 1)
    ]


def _reason(each: _Met, place: Place) -> str:
    if each.wished.differs:
        return reasons.kept(place, each.wished.differs, each.wished.quantity, each.given)
    return reasons.met(place, each.wished.quantity, each.given, each.why_fewer, each.behind)
