"""Harvesting into the database in real processes: another Bookbridge, SIGKILL, and two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from service import worker
from service.config import load
from service.domain.harvest import Harvest, HarvestState
from service.domain.offer import ListAction
from service.store import jobs
from service.store.db import Database
from service.store.tables import job
from service.usecases import leasing, offering, ordering_harvests, reading_sources, subscribing
from service.usecases.site import Site
from tests.oai.hostile import Asked, books, serving
from tests.oai.hostile import Site as Provider
from tests.real.conftest import REPOSITORY, stop
from tests.real.edge_case_library import served, wait_for
from tests.service.builders import a_partner, a_record, work

KEY = "a key for tests"
LOOPBACK = "127.0.0.0/8"
LIST = "from-nagasaki"
NUMBER = 40


@dataclass(frozen=True)
class Here:
    """A site of our own that may call this machine, and knows Nagasaki; it serves nothing."""

    folder: Path
    environment: dict[str, str]

    @contextmanager
    def opened(self, later: Callable[[], float] = lambda: 0.0) -> Iterator[Site]:
        """Open the site, with a clock that goes ``later()`` seconds before that of the machine."""
        given = {"data_dir": self.folder, "secret_key": KEY, "reachable_networks": LOOPBACK}
        settings = load({}, **given)
        db = Database(settings.database)
        yield Site(db, settings, lambda: time.time() + later())
        db.close()

    def add(self, url: str, every: int = 0) -> None:
        """Enter Nagasaki's provider."""
        with self.opened() as site:
            subscribing.add_source(
                site,
                name="nagasaki",
                partner_code="nagasaki",
                url=url,
                every=every,
                auto_commit=True,
                now=site.now(),
            )

    def process(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command of ours; what it says is in a file."""
        with (self.folder / "said.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", "from service.cli import main; main()", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def said(self) -> str:
        """What the commands have said."""
        return (self.folder / "said.log").read_text("utf-8")


@pytest.fixture
def here(tmp_path: Path, sqlite_template: Path) -> Here:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "bookbridge.sqlite3").write_bytes(sqlite_template.read_bytes())
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("BOOKBRIDGE_")
    } | {
        "BOOKBRIDGE_DATA_DIR": str(folder),
        "BOOKBRIDGE_SECRET_KEY": KEY,
        "BOOKBRIDGE_REACHABLE_NETWORKS": LOOPBACK,
        "PYTHONPATH": str(REPOSITORY),
    }
    made = Here(folder, environment)
    with made.opened() as site:
        a_partner(site, "nagasaki")
    return made


def titles(site: Site) -> int:
    return offering.find_list(site.db, LIST, None).titles


class Held:
    """A provider that answers up to a page, says that it was reached, and then waits."""

    def __init__(self, page: int) -> None:
        self.page = page
        self.reached = threading.Event()
        self.goes_on = threading.Event()
        self._lists = 0

    def __call__(self, asked: Asked) -> None:
        if asked.verb != "ListRecords":
            return
        self._lists += 1
        if self._lists == self.page:
            self.reached.set()
            assert self.goes_on.wait(60)


def harvested(site: Site) -> Harvest:
    """Harvest Nagasaki now, with all that follows; return how that went."""
    ordering_harvests.begin(site.db, "nagasaki", now=site.now())
    work(site)
    return reading_sources.list_harvests(site.db, "nagasaki")[0].harvest


def test_another_bookbridge_is_harvested_with_its_changes_and_withdrawals(
    here: Here, tmp_path: Path, sqlite_template: Path
) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    with served(sqlite_template, folder) as there, here.opened() as site:
        there.books(10)
        here.add(f"http://127.0.0.1:{there.port}/oai")
        done = harvested(site)
        assert (done.state, done.records, done.pages) == (HarvestState.DONE, 10, 4)
        assert titles(site) == 10
        there.withdraw(there.named("Book 4"))
        there.bring(a_record("Book 5, corrected", number="5"), a_record("Book 10", number="10"))
        done = harvested(site)
        assert (done.order.full, done.deleted) == (False, 1)
        offered = {each.title for each in offering.browse(site.db, None, slug=LIST)}
        assert len(offered) == 10
        assert {"Book 5, corrected", "Book 10"} <= offered
        assert not {"Book 4", "Book 5"} & offered
        there.change("spring", ListAction.WITHDRAW)
        assert harvested(site).deleted == 11
        assert titles(site) == 0


def test_69_a_worker_that_is_killed_in_the_middle_loses_nothing(here: Here) -> None:
    there, held = Provider(books(NUMBER, page_size=4)), Held(page=5)
    there.script = held
    with serving(there) as url:
        here.add(url, every=86_400)
        process = here.process("worker")
        try:
            assert held.reached.wait(60)
            process.send_signal(signal.SIGKILL)
            assert process.wait(10) == -signal.SIGKILL
        finally:
            held.goes_on.set()
            stop(process)
        with here.opened() as site:
            kept = reading_sources.list_harvests(site.db, "nagasaki")[0].harvest
            assert (kept.state, kept.pages, kept.records) == (HarvestState.RUNNING, 4, 16)
        with here.opened(later=lambda: 60.0) as site:
            work(site)
            done = reading_sources.list_harvests(site.db, "nagasaki")[0].harvest
            assert (done.state, done.records) == (HarvestState.DONE, NUMBER)
            assert titles(site) == NUMBER
    lists = [each.token for each in there.asked("ListRecords")]
    assert len(lists) == NUMBER // 4 + 1  # one page was asked for twice
    assert len(set(lists)) == NUMBER // 4


def test_75_of_two_processes_that_harvest_a_source_the_second_ends(here: Here) -> None:
    """Row 73."""
    there, held = Provider(books(NUMBER, page_size=4)), Held(page=3)
    there.script = held
    with serving(there) as url:
        here.add(url)
        first = here.process("harvest", "nagasaki")
        try:
            assert held.reached.wait(60)
            second = here.process("harvest", "nagasaki")
            assert second.wait(60) == 1
            assert "is being harvested by another process" in here.said()
            held.goes_on.set()
            assert first.wait(60) == 0, here.said()
        finally:
            held.goes_on.set()
            stop(first)
        with here.opened() as site:
            assert titles(site) == NUMBER
    assert there.most_at_once == 1


def test_the_lease_is_kept_while_a_page_is_waited_for(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page may take longer than a lease; nobody may take the job over meanwhile."""
    monkeypatch.setattr(leasing, "_BEAT", 0.01)
    there, held = Provider(books(4)), Held(page=1)
    there.script = held
    passed = [0.0]
    with serving(there) as url, here.opened(later=lambda: passed[0]) as site:
        here.add(url)
        ordering_harvests.begin(site.db, "nagasaki", now=site.now())
        thread = threading.Thread(target=worker.turn, args=(site,))
        thread.start()
        assert held.reached.wait(30)
        for _ in range(5):  # two minutes pass in steps shorter than a lease
            passed[0] += 25
            begun = lease_until(site)
            wait_for(lambda begun=begun: lease_until(site) > begun)
            assert worker.lease(site) is None
        held.goes_on.set()
        thread.join(30)
        work(site)
        assert titles(site) == 4


def lease_until(site: Site) -> datetime:
    """Until when the job that is at work is somebody's."""
    with site.db.read() as conn:
        found: datetime = conn.execute(
            sa.select(job.c.lease_until).where(job.c.state == jobs.RUNNING)
        ).scalar_one()
    return found
