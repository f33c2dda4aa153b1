"""Writers that stay open, two publishers that stop and die in the middle, a clock that is set.

Five harvesters, one of each habit, fetch page by page through all of it. In the end each must
hold every item with its last stamp; against the naive stamper the same machine must fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from service.domain.publication import AHEAD, RUNAHEAD
from service.errors import Busy
from service.store.db import Connection, Database
from service.usecases import publishing
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from tests.service.builders import HandClock, a_record, bring, make_site, open_list
from tests.service.public_clock import (
    Ask,
    Impatient,
    NaiveRepository,
    SteppedPublisher,
    by_page,
    harvesters,
    lost,
    offer_ids,
    p_of,
    publish_nothing,
    truth,
    turn_over,
    turn_over_naively,
)

pytestmark = pytest.mark.slow

_TITLES = 5


class Writer(NamedTuple):
    """A transaction that is open, and the title it changed."""

    transaction: Any
    conn: Connection
    offer_id: int


class ClockMachine(RuleBasedStateMachine):
    """The real publisher and feed over one database; its titles and its clock go on and on."""

    url: ClassVar[str]
    site: ClassVar[Site]
    clock: ClassVar[HandClock]
    naive: ClassVar[bool] = False

    @initialize()
    def begin(self) -> None:
        self.db = Impatient(self.url)
        self.true = max(p_of(self.site.db), int(self.clock.at)) + 10.25
        self.skew = 0.0
        self.set_clock()
        self.titles = offer_ids(self.site)
        self.harvesters = harvesters()
        self.writers: dict[int, Writer] = {}
        self.publishers = [self.publisher() for _ in range(2)]
        self.steps = [0, 0]

    def publisher(self) -> SteppedPublisher:
        publish = publish_nothing if self.naive else publishing.publish
        return SteppedPublisher(self.url, self.clock, publish)

    def set_clock(self) -> None:
        self.clock.at = self.true + self.skew

    @property
    def own_clock(self) -> float:
        """What harvesters have on the wall: two seconds ahead of the true time."""
        return self.true + AHEAD

    def ask(self) -> Ask:
        kind = NaiveRepository if self.naive else FeedRepository
        return by_page(kind(self.db, self.site.settings, self.clock))

    @rule(which=st.integers(0, 2), title=st.integers(0, _TITLES - 1))
    def a_writer_writes(self, which: int, title: int) -> None:
        offer_id = self.titles[title]
        if which in self.writers or any(w.offer_id == offer_id for w in self.writers.values()):
            return
        transaction = self.db.write()
        with suppress(Busy):  # on SQLite while somebody else writes
            conn = transaction.__enter__()
            if self.naive:
                turn_over_naively(conn, offer_id, self.clock())
            else:
                turn_over(conn, offer_id)
            self.writers[which] = Writer(transaction, conn, offer_id)

    @rule(which=st.integers(0, 2))
    def a_writer_commits(self, which: int) -> None:
        if which in self.writers:
            self.writers.pop(which).transaction.__exit__(None, None, None)

    @rule(which=st.integers(0, 2))
    def a_writer_gives_up(self, which: int) -> None:
        if which in self.writers:
            error = RuntimeError("the writer gives up")
            with suppress(RuntimeError):
                self.writers.pop(which).transaction.__exit__(RuntimeError, error, None)

    @rule(which=st.integers(0, 1))
    def a_publisher_goes_a_step(self, which: int) -> None:
        publisher = self.publishers[which]
        if not publisher.at_work:
            self.steps[which] = 0
        [publisher.lock, publisher.stamp, publisher.commit][self.steps[which]]()
        self.steps[which] += 1

    @rule(which=st.integers(0, 1))
    def a_publisher_dies(self, which: int) -> None:
        self.publishers[which].kill()

    @rule()
    def the_workers_restart(self) -> None:
        for publisher in self.publishers:
            publisher.close()
        self.publishers = [self.publisher() for _ in range(2)]

    @rule()
    def a_worker_publishes_at_one_go(self) -> None:
        if not self.naive:
            with suppress(Busy):
                publishing.publish(self.db, self.clock)

    @rule(seconds=st.sampled_from([0.3, 1, 3, 60]))
    def time_passes(self, seconds: float) -> None:
        self.true += seconds
        self.set_clock()

    @rule(skew=st.sampled_from([0, 0.7, 5, 60]))
    def the_clock_is_set(self, skew: float) -> None:
        self.skew = skew
        self.set_clock()

    @rule(which=st.integers(0, 4))
    def a_harvester_fetches_a_page(self, which: int) -> None:
        self.harvesters[which].fetch(self.ask(), self.own_clock)

    @rule(which=st.integers(0, 4))
    def a_harvester_harvests(self, which: int) -> None:
        self.harvesters[which].harvest(self.ask(), self.own_clock)

    def teardown(self) -> None:
        if not hasattr(self, "publishers"):
            return
        try:
            for publisher in self.publishers:
                publisher.close()
            for which in range(3):
                self.a_writer_commits(which)
            if not self.naive:
                publishing.publish_all(self.site.db, self.clock, sleep=lambda _: None)
            wanted = truth(self.site)
            for harvester in self.harvesters:
                harvester.harvest(self.ask(), self.own_clock)
                assert not lost(harvester, wanted), harvester.habit
        finally:
            self.db.close()


@pytest.fixture
def machine(database_url: str, tmp_path: Path) -> Iterator[type[ClockMachine]]:
    db, clock = Database(database_url), HandClock()
    site = make_site(db, tmp_path, clock, page_size=2)
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(_TITLES)))
    yield type("Machine", (ClockMachine,), {"url": database_url, "site": site, "clock": clock})
    db.close()


def _run(machine: type[ClockMachine], **how: Any) -> None:
    chosen = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), **how)
    run: Callable[..., None] = run_state_machine_as_test
    run(machine, settings=chosen)


def test_no_harvester_misses_a_change_whatever_stands_open_dies_or_is_set(
    machine: type[ClockMachine],
) -> None:
    _run(machine, max_examples=12, stateful_step_count=40)


def test_the_machine_fails_against_the_naive_stamper(machine: type[ClockMachine]) -> None:
    naive = type("Naive", (machine,), {"naive": True})
    with pytest.raises(AssertionError):
        _run(  # the same orders of steps on every run: a tooth that comes out by chance is none
            naive,
            max_examples=200,
            stateful_step_count=40,
            phases=[Phase.generate],
            derandomize=True,
        )


def test_changes_that_trickle_in_do_not_drive_the_public_clock_away(site: Site) -> None:
    clock: HandClock = site.clock  # type: ignore[assignment]
    open_list(site)
    bring(site, a_record("One", number="1"))
    (title,) = offer_ids(site)
    for _ in range(4 * RUNAHEAD):
        clock.move(0.05)
        with site.db.write() as conn:
            turn_over(conn, title)
        publishing.publish_if_dirty(site.db, clock)
    assert p_of(site.db) - clock() <= RUNAHEAD + 1
    with site.db.write() as conn:
        turn_over(conn, title)
    clock.move(10)
    assert publishing.publish_if_dirty(site.db, clock) == 1
