"""In which way copies are given: for each, what decides on all wishes for the titles of a list.

The same table serves a plan, a trial and a replay. A run keeps its way by name; one of before there
were several went title by title.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from service.domain import allocation_plan, allocation_turns
from service.domain.allocation import AllocationPolicy, Decision, Standing
from service.domain.allocation_plan import Titles
from service.domain.allocation_policy import POLICIES, Criterion, Way, named

Decide = Callable[
    [Sequence[Criterion], str, Titles, Mapping[int, Standing], int | None], Iterator[Decision]
]

WAYS: Mapping[Way, Decide] = {
    Way.BY_TITLE: allocation_plan.decide,
    Way.IN_TURNS: allocation_turns.decide,
}


def _check() -> None:
    if missing := set(Way) - set(WAYS):
        raise ValueError(f"nothing decides {', '.join(missing)}")


_check()


def made_of(policy: AllocationPolicy, min_parcel: int | None) -> dict[str, Any]:
    """Return by what a run is decided, as it is kept to decide it again."""
    row = POLICIES[policy]
    return {"criteria": list(row.criteria), "min_parcel": min_parcel, "way": row.way.value}


def decide(
    kept: Mapping[str, Any], seed: str, titles: Titles, standings: Mapping[int, Standing]
) -> Iterator[Decision]:
    """Yield a decision on every wish, title by title, by what ``made_of`` returned."""
    way = Way(kept.get("way", Way.BY_TITLE))
    return WAYS[way](named(tuple(kept["criteria"])), seed, titles, standings, kept["min_parcel"])
