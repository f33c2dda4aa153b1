"""The reasons that partners read: what decided, against whom, and which place their wish had.

Nobody else is named, whoever got the copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from service.domain.allocation_policy import Criterion


class Place(NamedTuple):
    """The place of a wish among those that took part."""

    rank: int
    of: int

    def __str__(self) -> str:
        return _in_words(self.rank, self.of)


@lru_cache(maxsize=10_000)
def _in_words(rank: int, of: int) -> str:
    return "the only wish" if of == 1 else f"{ordinal(rank)} of {of} wishes"


def met(place: Place, wanted: int, given: int, why_fewer: str, behind: str) -> str:
    """Return why a wish got copies; ``behind`` says why the next in line came behind, or ""."""
    decided = f"; {behind}" if behind else ""
    if given == wanted:
        return f"Allocated: {place}{decided}."
    return f"Allocated {given} of {wanted} copies: {place}; {why_fewer}."


def fewer(place: Place, wanted: int, given: int) -> str:
    """Return why a wish got fewer copies than were planned for it: there are fewer by now."""
    return met(place, wanted, given, "no more are left", "") if given else missed(place, 0, "")


def missed(place: Place, copies: int, before: str) -> str:
    """Return why a wish that took part got nothing; ``before`` says whom the last copy went to."""
    if copies == 0:
        return f"Not allocated: no copy is left; yours was {place}."
    gone = "the only copy went" if copies == 1 else f"all {copies} copies went, the last of them"
    return f"Not allocated: {gone} to {before}; yours was {place}."


def hindered(why: str) -> str:
    """Return why a wish took no part."""
    return f"Not allocated: {why}."


def kept(place: Place, differs: str, wanted: int, given: int) -> str:
    """Return what a partner is told that is asked whether it takes what differs from its wish."""
    how = "Kept for you" if given == wanted else f"{given} of {wanted} copies are kept for you"
    return f"{how}: {place}; {differs}."


def due(until: datetime) -> str:
    """Return until when a partner may say whether it takes what differs."""
    return (
        f"Say until {until:%Y-%m-%d %H:%M} UTC whether you take it; after that it goes to the next."
    )


def passed_on(place: Place, wanted: int, given: int, differs: str) -> str:
    """Return why a wish got copies that came back from one before it."""
    how = "Kept for you" if differs else "Allocated"
    how += "" if given == wanted else f", {given} of {wanted} copies,"
    said = f"{how} after all: somebody before you in line left it; yours was {place}"
    return f"{said}; {differs}." if differs else f"{said}."


def deciding(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    """Return the place of the first criterion by which two differ; the last one knows no equals."""
    n = 0
    while one[n] == other[n]:
        n += 1
    return n


def before(criteria: Sequence[Criterion], theirs: tuple[Any, ...], mine: tuple[Any, ...]) -> str:
    """Return to whom a copy went, for one that came behind."""
    n = deciding(theirs, mine)
    shown = criteria[n].shown
    return criteria[n].before.format(theirs=shown(theirs[n]), mine=shown(mine[n]))


def behind(criteria: Sequence[Criterion], mine: tuple[Any, ...], theirs: tuple[Any, ...]) -> str:
    """Return why the next in line came behind."""
    n = deciding(theirs, mine)
    shown = criteria[n].shown
    return criteria[n].behind.format(theirs=shown(theirs[n]), mine=shown(mine[n]))


_ORDINALS = {1: "first", 2: "second", 3: "third"}
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def ordinal(number: int) -> str:
    """Return a place in words.

    >>> [ordinal(number) for number in (1, 4, 11, 22)]
    ['first', '4th', '11th', '22nd']
    """
    if number in _ORDINALS:
        return _ORDINALS[number]
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"
