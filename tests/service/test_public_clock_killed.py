"""A publisher that is killed at any statement, before or after its COMMIT, loses nothing.

The publisher runs in a process of its own and kills itself with SIGKILL at the point it was told:
behind the n-th statement, before COMMIT, after COMMIT. Harvesters of all habits read before and
after. A publisher that takes what is marked in one transaction and publishes it in another one
loses some by the same test.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import event

from service.domain.publication import AHEAD
from service.store import feed
from service.store.db import Database
from service.usecases import publishing
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from tests.service.builders import HandClock, a_record, bring, open_list
from tests.service.public_clock import (
    Harvester,
    by_page,
    harvesters,
    lost,
    offer_ids,
    p_of,
    publish_in_two_transactions,
    truth,
    turn_over,
)

pytestmark = pytest.mark.slow

_REPOSITORY = Path(__file__).parents[2]
_PUBLISHERS: dict[str, Callable[[Database, Callable[[], float]], object]] = {
    "ours": publishing.publish,
    "forgetful": publish_in_two_transactions,
}


class Point(NamedTuple):
    """Where a publisher dies: how many statements, COMMITs and looks at the clock came before."""

    what: str
    number: int


class _Doomed:
    """Counts what a publisher does and dies at one point of it; ``None`` lets it live."""

    def __init__(self, db: Database, at: float, dies: Point | None) -> None:
        self.passed: list[Point] = []
        self._at = at
        self._dies = dies
        self._numbers: dict[str, int] = {}
        event.listen(db.engine, "after_cursor_execute", lambda *_: self._pass("statement"))
        event.listen(db.engine, "commit", lambda _: self._pass("commit"))

    def clock(self) -> float:
        """Tell the time; the last look at it comes after COMMIT."""
        self._pass("clock")
        return self._at

    def _pass(self, what: str) -> None:
        self._numbers[what] = self._numbers.get(what, 0) + 1
        point = Point(what, self._numbers[what])
        self.passed.append(point)
        if point == self._dies:
            os.kill(os.getpid(), signal.SIGKILL)


def _publish(url: str, name: str, at: float, dies: Point | None) -> list[Point]:
    db = Database(url)
    doomed = _Doomed(db, at, dies)
    _PUBLISHERS[name](db, doomed.clock)
    db.close()
    return doomed.passed


def _nursery() -> None:
    """Read a line for each publisher, let a child of this process be it, and tell how it ended."""
    for line in sys.stdin:
        url, name, at, what, number = line.split()
        child = os.fork()
        if child == 0:
            _publish(url, name, float(at), Point(what, int(number)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        print(ended_by, flush=True)  # noqa: T201 - read by the test that started this process


@pytest.fixture(scope="module")
def nursery() -> Iterator[Callable[..., int]]:
    """How to run a publisher in a process of its own; returns the signal that ended it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.service.test_public_clock_killed"],
        cwd=_REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def run(*line: object) -> int:
        print(*line, file=process.stdin, flush=True)
        return int(process.stdout.readline())  # type: ignore[union-attr]

    yield run
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


class Ward:
    """Titles that change, publishers that die over it, and those who harvest before and after."""

    def __init__(self, site: Site, url: str, nursery: Callable[..., int]) -> None:
        self.site = site
        self.clock: HandClock = site.clock  # type: ignore[assignment]
        self.url = url
        self.nursery = nursery
        open_list(site)
        bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(4)))
        self.titles = offer_ids(site)

    def change(self) -> None:
        """Change two titles and mark a third that is as it was."""
        self.clock.move(3)
        with self.site.db.write() as conn:
            turn_over(conn, self.titles[0])
            turn_over(conn, self.titles[1])

    def points(self, name: str) -> list[Point]:
        """Return every point that a publisher passes, counted on one that lives."""
        self.change()
        return _publish(self.url, name, self.clock(), None)

    def read(self, who: list[Harvester]) -> None:
        """Let everybody harvest; nobody publishes for them."""
        ask = by_page(FeedRepository(self.site.db, self.site.settings, lambda: 0.0))
        for harvester in who:
            harvester.harvest(ask, self.clock() + AHEAD)

    def lost_by_dying_at(self, name: str, point: Point) -> dict[str, Any]:
        """Return what harvesters lost, by their habit, when a publisher dies at this point."""
        who = harvesters()
        self.change()
        self.read(who)
        before = p_of(self.site.db)
        assert self.nursery(self.url, name, self.clock(), *point) == signal.SIGKILL
        self.read(who)
        stamps = [stamp for stamp, _ in truth(self.site).values()]
        assert max(stamps) <= p_of(self.site.db)
        assert p_of(self.site.db) >= before
        _PUBLISHERS[name](self.site.db, self.clock)
        assert p_of(self.site.db) > before
        self.read(who)
        wanted = truth(self.site)
        found = {each.habit: lost(each, wanted) for each in who}
        return {habit: losses for habit, losses in found.items() if losses}


@pytest.fixture
def ward(site: Site, database_url: str, nursery: Callable[..., int]) -> Ward:
    return Ward(site, database_url, nursery)


def test_a_publisher_killed_at_any_point_loses_nothing(ward: Ward) -> None:
    points = ward.points("ours")
    assert [point.what for point in points].count("statement") >= 5
    assert points[-1].what == "clock", "the last point lies after COMMIT"
    for point in points:
        assert not ward.lost_by_dying_at("ours", point), point


def test_a_publisher_that_commits_twice_loses_what_it_took(ward: Ward) -> None:
    points = ward.points("forgetful")
    assert any(ward.lost_by_dying_at("forgetful", point) for point in points)


def test_a_commit_that_fails_leaves_no_lock_behind(db: Database, database_url: str) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("the disk is full")

    event.listen(db.engine, "commit", fail)
    with pytest.raises(RuntimeError), db.write() as conn:
        feed.lock_clock(conn)
    other = Database(database_url)
    with other.write(wait_ms=100) as conn:
        feed.lock_clock(conn)
    other.close()


if __name__ == "__main__":
    _nursery()
