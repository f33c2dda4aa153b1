"""Two at once, and killed in the middle: a copy is never given twice, and nothing is lost."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.allocation import AllocationState, RunState
from service.errors import BookbridgeError, Conflict
from service.store import allocation_steps, allocations, drafted_decisions
from service.store.tables import allocation, offer
from service.usecases import confirming, notifying
from service.usecases.site import Site
from tests.service.allocation_scene import Scene, a_scene
from tests.service.at_once import at_once
from tests.service.builders import HandClock

_S = AllocationState


@pytest.fixture
def scene(site: Site) -> Scene:
    return a_scene(site)


def wait(scene: Scene, **time: float) -> None:
    assert isinstance(scene.site.clock, HandClock)
    scene.site.clock.move(timedelta(**time).total_seconds())


def told(scene: Scene, code: str) -> list[dict[str, object]]:
    who = scene.partners[code]
    found = notifying.announcements(scene.site.db, who, "", 50)
    return [dict(each.body) for each in found if each.event == "wish.changed"]


# --- at once --------------------------------------------------------------------------------------


def a_race(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six titles that three partners wish for, confirmed a title at a time."""
    monkeypatch.setattr(confirming, "_AT_ONCE", 2)
    titles = [f"Title {n}" for n in range(6)]
    scene.titles(*titles)
    for n, code in enumerate("abc"):
        scene.wish(code, *titles)
        if n:
            scene.received(code, 100 * n)
    scene.plan()


def test_two_that_confirm_at_once_share_the_work(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_race(scene, monkeypatch)
    at_once(*[scene.confirm] * 3)
    scene.check()
    assert len(scene.given()) == 6
    assert len(told(scene, "a")) == 1, "told once"


def test_wishes_withdrawn_and_declined_during_a_confirmation_lose_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_race(scene, monkeypatch)
    withdrawn: list[int] = []

    def withdraw() -> None:
        withdrawn.extend(line for line in range(6, 0, -1) if scene.withdraw_wish("a", line))

    def decline() -> None:
        for title in [f"Title {n}" for n in range(6)]:
            with suppress(BookbridgeError):
                scene.decline("a", title)

    at_once(scene.confirm, withdraw, decline, scene.confirm)
    scene.check()
    assert len(scene.given()) == 6, "every title went to somebody"
    states = scene.told("a")
    assert {line for line, (state, _) in states.items() if state == "WITHDRAWN"} == set(withdrawn)


def test_of_two_that_decline_at_once_one_does(scene: Scene) -> None:
    scene.titles("One")
    for n, code in enumerate("abc"):
        scene.wish(code, "One")
        if n:
            scene.received(code, n)
    scene.plan()
    scene.confirm()
    results = at_once(*[lambda: scene.decline("a")] * 3)
    assert sum(isinstance(each, Conflict) for each in results) == 2
    assert set(scene.given()) == {("b", "One")}
    scene.check()


def test_of_an_answer_and_its_end_at_the_same_moment_one_counts(scene: Scene) -> None:
    scene.titles("One")
    scene.received("b", 1)
    scene.wish("a", "One", outcome="matched")
    scene.wish("b", "One")
    scene.plan()
    scene.confirm()
    at_once(lambda: scene.accept("a"), lambda: scene.decline("a"), scene.expire)
    scene.check()
    assert len(scene.given()) == 1


def naive_take(conn: sa.Connection, copies: dict[int, int]) -> None:
    """Look how many there are, then write: what somebody else did in between is lost."""
    for key, number in copies.items():
        row = conn.execute(sa.select(offer).where(offer.c.id == key)).one()
        if number and row.allocated + number > row.copies:
            raise Conflict("there are no more")
        READ.wait()
        conn.execute(
            offer.update().where(offer.c.id == key).values(allocated=row.allocated + number)
        )


class _Read:
    """Where two that have read wait for each other, as long as they do."""

    def __init__(self) -> None:
        self.gate = threading.Barrier(2)

    def wait(self) -> None:
        with suppress(threading.BrokenBarrierError):
            self.gate.wait(2)


READ = _Read()


@pytest.mark.parametrize("naive", [False, True], ids=["guarded", "naive"])
def test_the_last_copy_is_taken_once_by_the_guard_and_twice_without_it(
    scene: Scene, naive: bool
) -> None:
    if naive and scene.site.db.is_sqlite:
        pytest.skip("SQLite lets nobody write beside another")
    scene.titles("One")
    READ.gate.reset()
    take = naive_take if naive else allocation_steps.take
    taken: list[int] = []

    def act() -> None:
        with scene.site.db.write() as conn:
            take(conn, {scene.offers["One"]: 1})
        taken.append(1)

    at_once(act, act)
    assert len(taken) == (2 if naive else 1)


# --- killed ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ended here."""


@pytest.mark.parametrize("name", ["put_back", "take", "tell"])
def test_a_decline_that_is_killed_has_not_happened(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    scene.titles("One")
    for n, code in enumerate("ab"):
        scene.wish(code, "One")
        if n:
            scene.received(code, n)
    scene.plan()
    scene.confirm()
    before = scene.decided()
    whole = getattr(allocation_steps, name)

    def dying(*given: object) -> None:
        whole(*given)
        raise Killed

    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(allocation_steps, name, dying)
        scene.decline("a")
    assert scene.decided() == before
    scene.check()
    scene.decline("a")
    assert set(scene.given()) == {("b", "One")}


def test_a_confirmation_that_is_left_behind_is_taken_up_by_the_worker(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_race(scene, monkeypatch)

    def dying(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(allocation_steps, "settle", dying)
        scene.confirm()
    assert scene.given() == {}
    assert confirming.go_on(scene.site.db, scene.site.now) == 0, "somebody may be at it"
    wait(scene, minutes=11)
    assert confirming.go_on(scene.site.db, scene.site.now) == 1
    assert len(scene.given()) == 6
    assert confirming.go_on(scene.site.db, scene.site.now) == 0


def test_a_large_plan_is_kept_in_parts_and_can_be_made_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafted_decisions, "AT_ONCE", 4)
    titles = [f"Title {n}" for n in range(6)]
    scene.titles(*titles)
    for code in "abc":
        scene.wish(code, *titles)
    parts = 0
    whole = allocations.keep

    def dying(*given: Any, **named: Any) -> None:
        nonlocal parts
        parts += 1
        if parts == 3:
            raise Killed
        whole(*given, **named)

    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(allocations, "keep", dying)
        scene.plan()
    assert scene.shown().run.state is RunState.PLANNING
    with pytest.raises(Conflict, match="no plan that is all there"):
        scene.confirm()
    first = scene.plan()
    assert len(first) == 18
    second = scene.plan()
    assert [each._replace(id="") for each in first] == [each._replace(id="") for each in second]
    scene.confirm()
    scene.check()
    with scene.site.db.read() as conn:
        left = conn.execute(sa.select(allocation).where(allocation.c.state == "PROPOSED")).all()
    assert left == []
