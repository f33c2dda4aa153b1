"""The policies by which copies are given, as a table: each is a row of criteria in their order.

A criterion gives a value to everyone who wishes for a title, and the smallest value comes first; of
two that are equal the next criterion decides. The last one knows no equals. A criterion also has
the words in which a partner reads that it decided. Values are whole numbers and texts, so that a
run comes out the same on every machine. Another policy is another row.

A row also says in which way it is gone by: title by title, where the criteria put in order those
who wish for a title, or in turns, where they put in order the partners of the first round.

Source: the policies are those that exchange programmes use; the priorities are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from service.domain.allocation import AllocationPolicy, Standing, Wished


class Candidate(NamedTuple):
    """Someone who wishes for a title, at the moment when a copy of it is given.

    ``balance`` counts what the run gave so far; ``place_has`` whether its country or region has a
    copy, from earlier or from this run; ``lot`` is drawn for this partner and title. Where partners
    pick in turns, ``wished`` is what it wishes for first, and ``lot`` is drawn for the partner.
    """

    wished: Wished
    standing: Standing
    balance: int
    place_has: bool
    lot: int


class Criterion(NamedTuple):
    """By what one partner comes before another.

    ``before`` says whom a copy went to, for one that came behind; ``behind`` says why the next in
    line came behind, for one that got a copy, or "". In both, {mine} and {theirs} are the values
    of who reads it and of the other one.
    """

    name: str
    sentence: str
    value: Callable[[Candidate], Any]
    before: str
    behind: str = ""
    shown: Callable[[Any], Any] = lambda value: value


class Way(StrEnum):
    """In which way copies are given; each is a row of :mod:`service.domain.allocation_way`."""

    BY_TITLE = "by title"
    IN_TURNS = "in turns"


class Policy(NamedTuple):
    """A policy: what it means for people, its criteria, the strongest first, and its way."""

    sentence: str
    criteria: tuple[str, ...]
    way: Way = Way.BY_TITLE

    def explained(self) -> str:
        """Return the policy in words, criterion by criterion."""
        order = "; then ".join(CRITERIA[name].sentence for name in self.criteria)
        return f"{self.sentence} First comes {order}."


def _moment(who: Candidate) -> tuple[float, str, int]:
    wished = who.wished
    return wished.wished_at.timestamp(), wished.wish_list, wished.line_no


CRITERIA: Mapping[str, Criterion] = {
    each.name: each
    for each in (
        Criterion(
            "arrival",
            "whose wish came first",
            _moment,
            "an earlier wish",
        ),
        Criterion(
            "work",
            "who never received this work",
            lambda who: int(who.wished.had),
            "a partner that never received this work, as you did",
            "the next in line received this work before",
        ),
        Criterion(
            "balance",
            "who received less on balance, in volumes",
            lambda who: who.balance,
            "a partner that had received less on balance ({theirs} against {mine} volumes)",
            "the next in line had received more on balance ({theirs} against {mine} volumes)",
        ),
        Criterion(
            "priority",
            "who has the higher priority, from 1 to 3",
            lambda who: who.standing.priority,
            "a partner of higher priority ({theirs} against {mine})",
            "the next in line has lower priority ({theirs} against {mine})",
        ),
        Criterion(
            "profile",
            "who collects such books",
            lambda who: int(not who.wished.fits),
            "a partner that collects such books, by its profile",
            "the next in line does not collect such books, by its profile",
        ),
        Criterion(
            "place",
            "whose country or region has no copy of it from us",
            lambda who: int(who.place_has),
            "a partner whose country or region had no copy of it from us, as yours has",
            "the country or region of the next in line has a copy of it from us",
        ),
        Criterion(
            "tier",
            "to whom the list opened earlier",
            lambda who: who.standing.tier,
            "a partner to whom the list opened earlier",
            "the list opened to the next in line later",
        ),
        Criterion(
            "weight",
            "whose country or region weighs more",
            lambda who: -who.standing.weight,
            "a partner whose country or region weighs more ({theirs} against {mine})",
            "the country or region of the next in line weighs less ({theirs} against {mine})",
            shown=lambda value: -value,
        ),
        Criterion(
            "lot",
            "on whom the lot falls",
            lambda who: (who.lot, who.wished.wish_list, who.wished.line_no),
            "a partner on whom the lot fell",
            "the lot fell on you",
        ),
    )
}

POLICIES: Mapping[AllocationPolicy, Policy] = {
    AllocationPolicy.FIRST_COME: Policy(
        "First come, first served.",
        ("arrival",),
    ),
    AllocationPolicy.WINDOW_LOTTERY: Policy(
        "All wishes that came while the list was open are equal, and lots are drawn.",
        ("lot",),
    ),
    AllocationPolicy.PRIORITY: Policy(
        "All wishes that came while the list was open are in time, and need counts.",
        ("work", "balance", "priority", "profile", "place", "tier", "weight", "lot"),
    ),
    AllocationPolicy.ROUND_ROBIN: Policy(
        "Partners pick in turns, a copy each, in the order of their own wishes; every second round "
        "goes backwards.",
        ("lot",),
        Way.IN_TURNS,
    ),
    AllocationPolicy.COVERAGE_FIRST: Policy(
        "Each country or region gets a copy before any gets a second one.",
        ("place", "lot"),
    ),
}

# The criteria that know no equals: the last one of every policy, and nowhere else.
_FINAL = frozenset({"arrival", "lot"})


def _check() -> None:
    for policy in AllocationPolicy:
        names = POLICIES[policy].criteria
        final = [CRITERIA[name].name in _FINAL for name in names]
        if final.index(True) + 1 != len(names):
            raise ValueError(f"{policy}: the last criterion must decide, and no other one may")


_check()


def criteria(policy: AllocationPolicy) -> tuple[Criterion, ...]:
    """Return the criteria of a policy, the strongest first."""
    return named(POLICIES[policy].criteria)


def named(names: tuple[str, ...]) -> tuple[Criterion, ...]:
    """Return criteria by their names; raise ``KeyError`` for one that there is not."""
    return tuple(CRITERIA[name] for name in names)
