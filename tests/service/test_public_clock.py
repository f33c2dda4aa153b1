"""Every order in which a change, its commit, the publisher, a reader and the clock can meet.

The orders are generated, not chosen, and played step by step: writer, publisher and reader have
connections of their own, and the publisher stops behind its lock and before its COMMIT until its
turn has come. No harvester of any habit may miss the change, whatever the order was; against two
naive stampers the same play must lose some.

With a clock that moves, a sample spread evenly over all orders is played; all of them (some ten
thousand, minutes) with BOOKBRIDGE_ALL_ORDERS=1.

An order and another one that differs only by two neighbouring steps that cannot touch each other
(a clock that moves beside a writer that does not look at it) are one; only one of them is played.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from service.domain import publication
from service.store.db import Connection, Database
from service.usecases import publishing
from service.usecases.disseminating import FeedRepository
from tests.service.builders import HandClock, a_record, bring, make_site, open_list
from tests.service.public_clock import (
    HABITS,
    Harvester,
    Impatient,
    NaiveRepository,
    SteppedPublisher,
    by_page,
    lost,
    offer_ids,
    p_of,
    publish_by_the_clock,
    publish_nothing,
    truth,
    turn_over,
    turn_over_naively,
)

pytestmark = pytest.mark.slow

Order = tuple[str, ...]
WRITER = ("writes", "commits")
PUBLISHER = ("locks", "stamps", "publishes")
READER = ("page 1", "page 2")
FORWARD, BACK = "clock forward", "clock back"
MOMENT, SECOND = "a moment passes", "more than a second passes"
_AHEAD = 2  # seconds that docs/oai.md allows a harvester's own clock to be ahead of ours
_STEP = 60.0  # seconds; more than a first page puts up with before it publishes by itself
_PASSES = {FORWARD: _STEP, BACK: -_STEP, MOMENT: 0.6, SECOND: 1.6}


def orders(*actors: Sequence[str]) -> Iterator[Order]:
    """Yield every order of all steps in which each actor keeps its own."""
    if not any(actors):
        yield ()
    for at, actor in enumerate(actors):
        if actor:
            for rest in orders(*actors[:at], actor[1:], *actors[at + 1 :]):
                yield (actor[0], *rest)


_RANK = {step: n for n, step in enumerate((*WRITER, *_PASSES, *PUBLISHER, *READER))}


def _is_first_of_its_kind(order: Order) -> bool:
    """Whether no two neighbours that cannot touch each other could be swapped into their rank."""
    return not any(
        _RANK[before] > _RANK[after] and _are_apart({before, after})
        for before, after in pairwise(order)
    )


def _are_apart(steps: set[str]) -> bool:
    """Whether these two steps commute: the writer looks at no clock, and a reader at no writer."""
    moves_the_clock = bool(steps & {*_PASSES})
    return (moves_the_clock and bool(steps & {*WRITER})) or (
        "writes" in steps and bool(steps & {*READER})
    )


def _one_writes_at_a_time(order: Order) -> bool:
    """Whether no two write transactions overlap: others cannot be on SQLite."""
    at = order.index
    return "locks" not in order or at("commits") < at("locks") or at("publishes") < at("writes")


class Way(NamedTuple):
    """How changes are stamped and read: ours, or one of those that lose some."""

    write: Callable[[Connection, int, float], None]
    publish: Callable[[Database, Callable[[], float]], object]
    repository: type[FeedRepository]


def _write(conn: Connection, offer_id: int, _: float) -> None:
    turn_over(conn, offer_id)


OURS = Way(_write, publishing.publish, FeedRepository)
STAMPED_WHEN_WRITTEN = Way(turn_over_naively, publish_nothing, NaiveRepository)
STAMPED_BY_THE_CLOCK = Way(_write, publish_by_the_clock, FeedRepository)


class Stage:
    """Four titles, and what it takes to play one order after the other with them."""

    def __init__(self, url: str, folder: Path, way: Way) -> None:
        self._way = way
        self._clock = HandClock()
        self._db = Database(url)
        self._readers = Impatient(url)
        self._publisher = SteppedPublisher(url, self._clock, way.publish)
        self._site = make_site(self._db, folder, self._clock, page_size=1)
        open_list(self._site)
        bring(self._site, *(a_record(f"Book {n}", number=str(n)) for n in range(4)))

    def close(self) -> None:
        """Give back all connections."""
        self._publisher.close()
        self._readers.close()
        self._db.close()

    def play(self, wanted: Sequence[Order]) -> Counter[str]:
        """Play these orders, as far as the database allows; count the losses by habit."""
        losses = Counter[str]()
        one_at_a_time = self._db.is_sqlite
        titles = offer_ids(self._site)[1:]  # the first one stays: a first page holds it alone
        for number, order in enumerate(wanted):
            if not one_at_a_time or _one_writes_at_a_time(order):
                losses.update([*self._play(order, titles[number % len(titles)])])
        return losses

    def _play(self, order: Order, offer_id: int) -> dict[str, Any]:
        """Play one order with one title; return what harvesters lost, by their habit."""
        began = p_of(self._db)
        moments = [began + 1.5]
        for step in order:
            moments.append(moments[-1] + _PASSES.get(step, 0))
        # The harvester's own clock: as far ahead of ours as it may be, whatever ours does later.
        own = min(moments[order.index("page 2") :]) + _AHEAD
        harvester = Harvester("first responseDate")
        ask = by_page(self._repository(self._readers))
        with ExitStack() as writing:
            acts: dict[str, Callable[[], object]] = {
                "writes": lambda: self._way.write(
                    writing.enter_context(self._db.write()), offer_id, self._clock()
                ),
                "commits": lambda: writing.pop_all().close(),
                "locks": self._publisher.lock,
                "stamps": self._publisher.stamp,
                "publishes": self._publisher.commit,
                "page 1": lambda: harvester.fetch(ask, own),
                "page 2": lambda: harvester.finish(ask, own),
            }
            self._clock.at = began + 1.5
            for step, moment in zip(order, moments[1:], strict=True):
                self._clock.at = moment
                acts.get(step, lambda: None)()
        self._way.publish(self._db, self._clock)
        return self._lost(harvester, own)

    def _lost(self, first: Harvester, own: float) -> dict[str, Any]:
        ask = cache(by_page(self._repository(self._db)))  # nothing changes any more
        wanted = truth(self._site)
        losses: dict[str, Any] = {}
        for habit, goes_by in HABITS.items():
            harvester = Harvester(habit, dict(first.held), goes_by(first, own), first.newest)
            harvester.harvest(ask, own)
            if missed := lost(harvester, wanted):
                losses[habit] = missed
        return losses

    def _repository(self, db: Database) -> FeedRepository:
        return self._way.repository(db, self._site.settings, self._clock)


@pytest.fixture
def staged(database_url: str, tmp_path: Path) -> Iterator[Callable[[Way], Stage]]:
    """How to set up a stage for a way of stamping."""
    with ExitStack() as leaving:

        def stage(way: Way) -> Stage:
            made = Stage(database_url, tmp_path, way)
            leaving.callback(made.close)
            return made

        yield stage


MOVES: dict[str, list[str]] = {
    "the clock stands": [],
    "the clock goes forward": [FORWARD],
    "the clock goes back": [BACK],
    "the clock goes forward and back": [FORWARD, BACK],
    "the clock goes back and forward": [BACK, FORWARD],
    "a moment passes": [MOMENT],
    "more than a second passes": [SECOND],
}
_SAMPLE = 40


def _chosen(moves: str) -> list[Order]:
    """Return the orders to play: with a clock that moves a spread sample, unless all are wanted."""
    kept = [*filter(_is_first_of_its_kind, orders(WRITER, PUBLISHER, READER, MOVES[moves]))]
    if os.environ.get("BOOKBRIDGE_ALL_ORDERS") == "1" or not MOVES[moves]:
        return kept
    # A stride that is prime to how orders come in families of equal beginnings.
    return [*islice(kept, 0, None, len(kept) // _SAMPLE | 1)]


def test_the_orders_are_all_there_are() -> None:
    for moves, number in (([], 210), ([FORWARD], 1680), ([FORWARD, BACK], 7560)):
        assert len(set(orders(WRITER, PUBLISHER, READER, moves))) == number


@pytest.mark.parametrize("moves", MOVES)
def test_no_order_of_steps_makes_a_harvester_miss_a_change(
    staged: Callable[[Way], Stage], moves: str
) -> None:
    assert not staged(OURS).play(_chosen(moves))


def test_changes_that_are_stamped_when_they_are_written_are_missed(
    staged: Callable[[Way], Stage],
) -> None:
    """With one writer: a newest datestamp misleads only where there is another one (the soak)."""
    losses = staged(STAMPED_WHEN_WRITTEN).play([*orders(WRITER, READER, [FORWARD])])
    assert losses.keys() >= {"first responseDate", "last responseDate", "own clock"}


def test_changes_that_are_published_under_the_second_on_the_clock_are_missed(
    staged: Callable[[Way], Stage],
) -> None:
    losses = staged(STAMPED_BY_THE_CLOCK).play([*orders(WRITER, PUBLISHER, READER, [BACK])][::12])
    assert losses.keys() >= {"newest + 1 s", "newest datestamp", "first responseDate"}


def _read_while_a_stamp_waits(passing: str) -> list[Order]:
    """Return the orders in which time passes, and a list is read, between a stamp and its commit.

    This is what an own clock that is ahead comes to grief over: it is past the stamp already.
    """
    return [
        order
        for order in orders(WRITER, PUBLISHER, READER, [passing])
        if order.index("locks") < order.index(passing) < order.index("page 2")
        and order.index("page 2") < order.index("publishes")
        and order.index("commits") < order.index("locks")
        and _is_first_of_its_kind(order)
    ]


@pytest.mark.parametrize("passing", [MOMENT, SECOND])
def test_a_harvester_whose_own_clock_is_two_seconds_ahead_misses_nothing(
    staged: Callable[[Way], Stage], passing: str
) -> None:
    assert not staged(OURS).play(_read_while_a_stamp_waits(passing))


@pytest.mark.parametrize(
    ("passing", "ahead", "lead"),
    [(MOMENT, 1, 2), (SECOND, 1, 3)],
    ids=["stamped two seconds ahead", "checked against the stamp itself"],
)
def test_such_a_harvester_misses_changes_where_stamps_look_less_far_ahead(
    staged: Callable[[Way], Stage],
    monkeypatch: pytest.MonkeyPatch,
    passing: str,
    ahead: int,
    lead: int,
) -> None:
    monkeypatch.setattr(publication, "AHEAD", ahead)
    monkeypatch.setattr(publication, "LEAD", lead)
    losses = staged(OURS).play(_read_while_a_stamp_waits(passing))
    assert losses.keys() == {"own clock"}
