"""Whatever happens in whatever order, harvesters of every habit end up with the truth.

A state machine over the real feed: titles come, change, move between sets and are taken back;
the clock goes on, stands still or goes back; the publisher runs when it likes; and harvesters
fetch page by page, with all of that between two pages.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from oai.repository import Key, Selection
from service import worker
from service.store import feed, offers
from service.store.db import Database
from service.usecases import offering, publishing
from service.usecases.disseminating import FeedRepository
from tests.service.builders import HandClock, a_file, a_record, make_site, open_list, receive

pytestmark = pytest.mark.slow

PLACES = {"ko ": "KR", "ja ": "JP"}


@dataclass
class Harvester:
    """A partner's copy of a set: what it holds, and what it goes by next time."""

    name: str
    set: str | None
    by_newest: bool
    held: dict[str, bool] = field(default_factory=dict)
    since: int | None = None
    newest: int | None = None
    first: int | None = None
    after: Key | None = None
    busy: bool = False

    def fetch(self, repository: FeedRepository) -> None:
        """Fetch one page, and settle what to go by when it was the last."""
        selection = Selection("oai_dc", set=self.set, from_=self.since)
        page = repository.page(selection, self.after if self.busy else None, with_metadata=True)
        if not self.busy:
            self.first = page.as_of
        for row in page.rows:
            self.held[row.identifier] = not row.deleted
            self.newest = max(self.newest or 0, row.key.stamp)
        self.busy = page.more
        self.after = page.rows[-1].key if page.more else None
        if not page.more:
            self.since = self.newest if self.by_newest else self.first


class FeedMachine(RuleBasedStateMachine):
    """The feed, its writers, and six harvesters."""

    template: ClassVar[Path]
    publisher: ClassVar[Any] = staticmethod(publishing.publish)

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "b.sqlite3")
        self.db = Database(f"sqlite:///{self.folder}/b.sqlite3")
        self.clock = HandClock()
        self.site = make_site(self.db, self.folder, self.clock, page_size=2)
        open_list(self.site)
        self.number = 0
        self.harvesters = [
            Harvester(f"{habit}/{name}", name, habit == "newest")
            for habit in ("responseDate", "newest")
            for name in (None, "place:KR", "place:JP")
        ]

    def repository(self) -> FeedRepository:
        return FeedRepository(self.db, self.site.settings, self.clock)

    def bring(self, number: int, place: str) -> None:
        """Import a title, new or changed, beside another that makes the file a new one."""
        title = a_record(f"Book {number}", number=str(number), place=place)
        receive(self.site, a_file(title, a_record("Beside it", number=f"x{self.number}")))
        while (held := worker.lease(self.site)) is not None:
            assert worker.work(self.site, held, lambda *_: None)

    @rule(place=st.sampled_from(sorted(PLACES)))
    def a_title_comes(self, place: str) -> None:
        self.number += 1
        self.bring(self.number, place)

    @precondition(lambda self: self.number)
    @rule(place=st.sampled_from(sorted(PLACES)), data=st.data())
    def a_title_changes(self, place: str, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.number))
        self.number += 1
        self.bring(number, place)

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def a_title_is_taken_back(self, data: st.DataObject) -> None:
        there = offering.browse(self.db, {feed.PUBLIC}, limit=1000)
        if there:
            gone = data.draw(st.sampled_from(there)).public_id
            offering.withdraw_offer(self.db, gone, now=self.site.now())

    @rule(seconds=st.sampled_from([0.4, 1, 3, 60, -5]))
    def time_passes(self, seconds: float) -> None:
        self.clock.move(seconds)

    @rule()
    def the_publisher_runs(self) -> None:
        type(self).publisher(self.db, self.clock)

    @rule(which=st.integers(0, 5))
    def a_harvester_fetches_a_page(self, which: int) -> None:
        self.harvesters[which].fetch(self.repository())

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        try:
            for _ in range(50):
                if not publishing.publish_if_dirty(self.db, self.clock):
                    break
            for harvester in self.harvesters:
                while harvester.busy:
                    harvester.fetch(self.repository())
                harvester.fetch(self.repository())
                while harvester.busy:
                    harvester.fetch(self.repository())
                alive = {name for name, there in harvester.held.items() if there}
                assert alive == self.truth(harvester.set), harvester.name
        finally:
            self.db.close()
            shutil.rmtree(self.folder)

    def truth(self, name: str | None) -> set[str]:
        there = offering.browse(self.db, {feed.PUBLIC}, limit=1000)
        start = f"oai:{self.site.settings.repository_identifier}:offer/"
        return {
            start + offer.public_id
            for offer in there
            if name is None or name == f"place:{offer.place}"
        }


@pytest.fixture
def machine(sqlite_template: Path) -> type[FeedMachine]:
    FeedMachine.template = sqlite_template
    return FeedMachine


_SETTINGS = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_no_harvester_of_any_habit_misses_a_change(machine: type[FeedMachine]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(machine, settings=_SETTINGS)  # type: ignore[no-untyped-call]


def _stamps_with_the_clock(db: Database, clock: HandClock) -> None:
    """Publish as most systems do: the stamp is the second on the clock, and p is the clock."""
    with db.write() as conn:
        feed.lock_clock(conn)
        stamp = int(clock())
        while changed := feed.take_dirty(conn, feed.OFFER, 100):
            feed.publish(conn, feed.OFFER, offers.published(conn, changed), stamp)
        feed.set_clock(conn, stamp)


def test_the_machine_catches_a_stamper_that_trusts_the_clock(
    machine: type[FeedMachine],
) -> None:
    """The teeth, step by step: two changes in one second, the clock gone back in between."""
    naive = type("Naive", (machine,), {"publisher": staticmethod(_stamps_with_the_clock)})()
    naive.begin()
    try:
        naive.a_title_comes("ko ")
        naive.the_publisher_runs()
        harvester = naive.harvesters[0]
        naive.time_passes(60)
        naive.the_publisher_runs()
        harvester.fetch(naive.repository())
        while harvester.busy:
            harvester.fetch(naive.repository())
        naive.time_passes(-5)
        naive.a_title_comes("ko ")
        naive.the_publisher_runs()
        with pytest.raises(AssertionError):
            naive.teardown()
    finally:
        shutil.rmtree(naive.folder, ignore_errors=True)
