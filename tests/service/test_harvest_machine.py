"""Whatever happens in whatever order, what is offered to us ends up as what the partner offers.

A state machine over real HTTP: the partner's titles come, change and are deleted, also between two
pages; its server fails; a worker is killed after any step; batches are committed late or at once.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from oai.fetching import Patience
from service import worker
from service.domain.harvest import HARVEST, Harvest, HarvestState
from service.store import sources
from service.store.db import Database
from service.store.tables import offer, offer_list, record, record_version
from service.usecases import (
    cataloguing,
    harvesting,
    ordering_harvests,
    reading_sources,
    subscribing,
)
from service.usecases.site import Site
from tests.oai.hostile import Asked, Sent, serving
from tests.oai.hostile import Site as Provider
from tests.oai.memory import Memory
from tests.service.builders import HandClock, a_partner, make_site, work

pytestmark = pytest.mark.slow

NUMBERS = st.integers(1, 8)
AT_ONCE = Patience(tries=1, first=0.0, longest=0.0, longest_asked=0.0, connect=2.0, read=2.0)


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


class HarvestMachine(RuleBasedStateMachine):
    """A partner's provider, our site, and the worker between them."""

    template: ClassVar[Path]

    @initialize(auto_commit=st.booleans())
    def begin(self, auto_commit: bool) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copyfile(self.template, self.folder / "site.sqlite3")
        self.stack = ExitStack()
        self.db = Database(f"sqlite:///{self.folder / 'site.sqlite3'}")
        self.stack.callback(self.db.close)
        self.site: Site = make_site(
            self.db, self.folder, HandClock(), reachable_networks="127.0.0.0/8"
        )
        self.provider = Provider(Memory(page_size=2), self.answer)
        self.failing = 0
        self.between: list[tuple[int, bool]] = []
        url = self.stack.enter_context(serving(self.provider))
        a_partner(self.site, "nagasaki")
        subscribing.add_source(
            self.site,
            name="nagasaki",
            partner_code="nagasaki",
            url=url,
            auto_commit=auto_commit,
            now=self.site.now(),
        )
        self.publish(1, deleted=False)

    def answer(self, asked: Asked) -> Sent | None:
        """Fail as often as was said; let something happen before each further page."""
        if self.failing:
            self.failing -= 1
            return Sent(b"", 503)
        if asked.token and self.between:
            number, deleted = self.between.pop()
            self.publish(number, deleted=deleted)
        return None

    def publish(self, number: int, *, deleted: bool) -> None:
        self.provider.memory.publish(number, deleted=deleted, step=10)

    @rule(number=NUMBERS)
    def a_title_comes_or_changes(self, number: int) -> None:
        self.publish(number, deleted=False)

    @rule(number=NUMBERS)
    def a_title_is_deleted(self, number: int) -> None:
        self.publish(number, deleted=True)

    @rule(seconds=st.sampled_from([1, 4_000, 100_000]))
    def time_passes(self, seconds: int) -> None:
        self.provider.memory.clock += seconds
        self.move(seconds)

    @rule(
        full=st.booleans(),
        killed_after=st.none() | st.integers(0, 6),
        failing=st.integers(0, 2),
        between=st.lists(st.tuples(NUMBERS, st.booleans()), max_size=2),
    )
    def harvest(
        self,
        full: bool,
        killed_after: int | None,
        failing: int,
        between: list[tuple[int, bool]],
    ) -> None:
        self.failing, self.between = failing, between
        last = self.last()
        anew = full and (last is None or last.state is not HarvestState.RUNNING)
        begun = ordering_harvests.begin(self.db, "nagasaki", full=anew, now=self.site.now())
        assert begun.job is not None
        held = worker.lease(self.site, begun.job.id)
        if held is not None:
            with suppress(Killed):
                self.harvester(self.site, held, self.killing(killed_after))
        self.move(31)  # what was killed is taken over when its lease has ended

    harvester = staticmethod(partial(harvesting.work, patience=AT_ONCE, sleep=lambda _: None))

    def killing(self, after: int | None) -> Any:
        steps = iter(range(after if after is not None else 1_000_000))

        def step(*_: object) -> None:
            if next(steps, None) is None:
                raise Killed

        return step

    @rule(newest_first=st.booleans())
    def everything_staged_is_committed(self, newest_first: bool) -> None:
        self.others_work()
        staged = [
            batch.public_id
            for batch, _ in cataloguing.list_batches(self.db, "", 100)
            if batch.state.value == "STAGED"
        ]
        for batch in staged if newest_first else reversed(staged):
            cataloguing.order_commit(self.db, batch, self.site.now())
        self.others_work()

    def others_work(self) -> None:
        """Let the worker do what waits but harvests, which the machine does itself."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setitem(worker.CALLING, HARVEST, self.harvester)
            work(self.site)

    def move(self, seconds: float) -> None:
        assert isinstance(self.site.clock, HandClock)
        self.site.clock.move(seconds)

    def last(self) -> Harvest | None:
        return reading_sources.find_source(self.db, "nagasaki").harvest

    def offered(self) -> list[str]:
        with self.db.read() as conn:
            rows = conn.execute(
                sa.select(record_version.c.title)
                .join(record, record.c.current_version_id == record_version.c.id)
                .join(offer, offer.c.record_id == record.c.id)
                .join(offer_list, offer_list.c.id == offer.c.list_id)
                .where(offer_list.c.slug == "from-nagasaki", offer.c.state == "OFFERED")
            )
            return sorted(title.rstrip(" /.") for title in rows.scalars())

    def teardown(self) -> None:
        """Let all come to its end: then both sides say the same."""
        if not hasattr(self, "stack"):
            return
        try:
            self.failing, self.between = 0, []
            for _ in range(2):  # what had been begun, and what changed since
                self.harvest(full=False, killed_after=None, failing=0, between=[])
                self.move(86_400 * 2)
                self.everything_staged_is_committed(newest_first=False)
            done = self.last()
            assert done is not None
            assert done.state is HarvestState.DONE
            there = self.provider.memory.items.values()
            assert self.offered() == sorted(self.titles(there))
        finally:
            self.stack.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def titles(items: Any) -> Iterator[str]:
        for item in items:
            if not item.deleted:
                yield f"Title {item.number} at {item.stamp}"


@pytest.fixture
def machine(sqlite_template: Path) -> type[HarvestMachine]:
    return type("Machine", (HarvestMachine,), {"template": sqlite_template})


_SETTINGS = settings(
    max_examples=12,
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_both_sides_say_the_same_in_the_end(machine: type[HarvestMachine]) -> None:
    run_state_machine_as_test(machine, settings=_SETTINGS)


def test_the_machine_catches_a_next_from_by_our_own_clock(
    machine: type[HarvestMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teeth: our clock is far ahead of the partner's, whose word is what counts."""

    def by_our_clock(conn: Any, source_id: int, _: int) -> None:
        set_next_from(conn, source_id, int(naive.site.clock()))

    set_next_from = sources.set_next_from
    monkeypatch.setattr(sources, "set_next_from", by_our_clock)
    naive = machine()
    naive.begin(auto_commit=True)
    naive.harvest(full=False, killed_after=None, failing=0, between=[])
    naive.a_title_comes_or_changes(2)
    with pytest.raises(AssertionError):
        naive.teardown()


def test_the_machine_catches_a_point_that_is_kept_before_its_records(
    machine: type[HarvestMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teeth: a worker is killed between the point of a page and its records."""
    naive = machine()
    naive.begin(auto_commit=True)
    for number in range(2, 9):
        naive.a_title_comes_or_changes(number)
    naive.time_passes(100_000)  # so that no overlap mends it
    keep = harvesting._keep_records
    lost = [1]

    def point_alone(conn: Any, found: Harvest, page: Any, **rest: Any) -> Any:
        if page.point.pages == 2 and lost:
            lost.clear()
            return found.octets, []
        return keep(conn, found, page, **rest)

    monkeypatch.setattr(harvesting, "_keep_records", point_alone)
    with pytest.raises(AssertionError):
        naive.teardown()
