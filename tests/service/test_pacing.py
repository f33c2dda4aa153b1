"""Nobody waits long for an allocation: its transactions end when their time is used up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest

from service.domain.allocation import RunState
from service.store.allocations import Decided
from service.usecases import confirming, notifying, planning
from service.usecases.pacing import Pace
from service.usecases.site import Site
from tests.service.allocation_scene import LIST, SEED, Scene, a_scene

CODES = "abcd"
TITLES = [f"Title {n}" for n in range(9)]
NO_TIME = Pace(budget=0, go=1)


class Killed(BaseException):
    """The process ended here."""


class Watch:
    """A watch on which a second passes with every look; the process ends at the look ``last``."""

    def __init__(self, last: int = 0) -> None:
        self._looks: Iterator[int] = count(1)
        self._last = last

    def __call__(self) -> float:
        look = next(self._looks)
        if look == self._last:
            raise Killed
        return look


@pytest.fixture
def scene(site: Site) -> Scene:
    made = a_scene(site)
    made.titles(*TITLES)
    for code in CODES:
        made.wish(code, *TITLES)
    return made


def plan(scene: Scene, pace: Pace) -> list[Decided]:
    planning.plan(scene.site.db, LIST, scene.site.now(), seed=SEED, by="staff:hana", pace=pace)
    return scene.decided()


def confirm(scene: Scene, pace: Pace) -> list[int]:
    """Confirm the plan; return the number of the last wish of each step."""
    ends: list[int] = []
    confirming.confirm(
        scene.site.db, LIST, scene.site.now, by="staff:hana", on_step=ends.append, pace=pace
    )
    return ends


def said(decisions: list[Decided]) -> list[Decided]:
    """Return decisions without their names, which are new in every plan."""
    return [each._replace(id="") for each in decisions]


def told(scene: Scene) -> Counter[str]:
    """Count how often each partner was told what became of its wish list."""
    return Counter(
        code
        for code in CODES
        for each in notifying.announcements(scene.site.db, scene.partners[code], "", 50)
        if each.event == "wish.changed"
    )


def test_a_budget_counts_from_the_moment_when_it_begins() -> None:
    used_up = Pace(budget=3, go=1, ticks=Watch()).begin()
    assert [used_up() for _ in range(4)] == [False, False, True, True]


def test_a_plan_kept_in_many_transactions_is_the_same(scene: Scene) -> None:
    whole = plan(scene, Pace(budget=1e9, go=1000))
    assert said(plan(scene, NO_TIME)) == said(whole)
    assert scene.shown().run.state is RunState.PROPOSED


def test_a_step_confirms_as_many_whole_titles_as_its_time_allows(scene: Scene) -> None:
    plan(scene, NO_TIME)
    each = len(CODES)
    # A look at the watch after every title; the third one finds the time used up.
    ends = confirm(scene, Pace(budget=3, go=1, ticks=Watch()))
    assert ends == [3 * each, 6 * each, 9 * each]
    scene.check()


def test_without_any_time_a_step_still_confirms_a_title_and_cuts_none(scene: Scene) -> None:
    plan(scene, NO_TIME)
    each = len(CODES)
    assert confirm(scene, NO_TIME) == [each * n for n in range(1, len(TITLES) + 1)]
    scene.check()
    assert told(scene) == dict.fromkeys(CODES, 1)


# Two looks each for 9 titles, one for the step that finds none left, then two for each partner.
@pytest.mark.parametrize("look", [4, 21, 23, 26])
def test_whenever_it_ends_another_goes_on_and_each_is_told_once(scene: Scene, look: int) -> None:
    plan(scene, NO_TIME)
    with suppress(Killed):
        confirm(scene, Pace(budget=0, go=1, ticks=Watch(look)))
        pytest.fail("it was to end before")
    confirm(scene, NO_TIME)
    scene.check()
    assert sum(scene.given().values()) == len(TITLES)
    assert told(scene) == dict.fromkeys(CODES, 1)
    assert scene.shown().run.finished_at is not None
