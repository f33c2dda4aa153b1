"""A new crosswalk makes renditions anew, and moves just the datestamps of what it changes."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from marc_mappings.framing.sound import Sound
from marc_mappings.record import Record
from oai.repository import Key, Row, Selection
from service import logs, worker
from service.domain.partner import Partner
from service.domain.rendition import CROSSWALKS, RERENDER, Crosswalk, editions
from service.store import feed, jobs, renditions
from service.store.db import Database
from service.store.jobs import Job
from service.store.tables import job, rendition
from service.usecases import cataloguing, giving, offering, publishing, rerendering
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from tests.service.builders import (
    HandClock,
    a_file,
    a_partner,
    a_record,
    bring,
    make_site,
    open_list,
    receive,
    work,
)

pytestmark = pytest.mark.slow

FORMATS = ("marc21", "oai_dc", "mods")
_REPOSITORY = Path(__file__).parents[2]


def saying(prefix: str, edition: int, of: str) -> Crosswalk:
    """Return the crosswalk of a later edition: it says its number in books with ``of`` in them."""
    before = _FIRST[prefix]

    def write(content: Record | Sound) -> bytes:
        body = before.write(content)
        if not re.search(f"Book [{of}]<".encode(), body):
            return body
        head, end, tail = body.rpartition(b"</")
        return head + f"<!--{edition}-->".encode() + end + tail

    return before._replace(edition=edition, write=write)


_FIRST = MappingProxyType(dict(CROSSWALKS))

Renew = Callable[..., None]


@pytest.fixture
def renew(monkeypatch: pytest.MonkeyPatch) -> Renew:
    """How this program comes to have later editions: ``renew(2, mods="13")`` changes two books."""

    def to(edition: int, **changed: str) -> None:
        for prefix, of in changed.items():
            monkeypatch.setitem(CROSSWALKS, prefix, saying(prefix, edition, of))

    return to


@pytest.fixture
def shelf(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Books 0 to 4 on an open list; a step makes two of them anew."""
    monkeypatch.setattr(rerendering, "_STEP", 2)
    monkeypatch.setattr(rerendering, "_LONGEST_REST", 0.0)
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(5)))
    return site


def hand(site: Site) -> HandClock:
    assert isinstance(site.clock, HandClock)
    return site.clock


def rerendered(site: Site) -> Job:
    """Order what is to be done, let a worker do all of it, and return the job."""
    assert rerendering.order(site.db, site.now())
    for _ in range(20):
        work(site)
        hand(site).move(2)
    return newest(site)


def newest(site: Site) -> Job:
    found = rerendering.outlook(site.db).job
    assert found is not None
    return found


class Harvester:
    """One that keeps the ``responseDate`` of a first page, and asks from there the next time."""

    def __init__(self, site: Site, prefix: str = "oai_dc", reader: Partner | None = None) -> None:
        self.site = site
        self.prefix = prefix
        self.reader = reader
        self.from_: int | None = None
        self.held: dict[str, bytes | None] = {}
        self.seen: set[tuple[str, int]] = set()

    def harvest(self) -> list[str]:
        """Return the titles of what came, in their order.

        What bears the very second that is asked from comes twice, and counts once.
        """
        hand(self.site).move(10)
        repository = FeedRepository(self.site.db, self.site.settings, self.site.clock, self.reader)
        rows: list[Row] = []
        after: Key | None = None
        selection = Selection(self.prefix, from_=self.from_)
        while True:
            page = repository.page(selection, after, with_metadata=True)
            if after is None:
                self.from_ = page.as_of
            rows += page.rows
            if not page.more:
                break
            after = page.rows[-1].key
        self.held |= {row.identifier: row.metadata for row in rows}
        came = [row for row in rows if (row.identifier, row.key.stamp) not in self.seen]
        self.seen |= {(row.identifier, row.key.stamp) for row in came}
        return [_title(row.metadata or b"") for row in came]

    def whole(self) -> dict[str, bytes | None]:
        """Return what somebody holds who harvests everything now."""
        other = Harvester(self.site, self.prefix, self.reader)
        other.harvest()
        return other.held


def _title(body: bytes) -> str:
    found = re.search(rb"Book \d", body)
    assert found is not None
    return found[0].decode()


def test_who_keeps_from_sees_what_changed_once_and_nothing_else(shelf: Site, renew: Renew) -> None:
    harvesters = [Harvester(shelf, prefix) for prefix in FORMATS]
    assert [len(each.harvest()) for each in harvesters] == [5, 5, 5]
    assert [each.harvest() for each in harvesters] == [[], [], []]
    renew(2, oai_dc="1", marc21="13", mods="4")
    done = rerendered(shelf)
    assert (done.state, done.done, done.total) == (jobs.DONE, 15, 15)
    for each in harvesters:
        assert sorted(each.harvest()) == ["Book 1", "Book 3", "Book 4"]
        assert each.held == each.whole()
        assert each.harvest() == []
    said = [
        body for each in harvesters for body in each.held.values() if b"<!--2-->" in (body or b"")
    ]
    assert len(said) == 4
    assert rerendering.outlook(shelf.db).outdated == 0
    assert not rerendering.order(shelf.db, shelf.now())


def test_a_new_edition_that_changes_nothing_moves_nothing(shelf: Site, renew: Renew) -> None:
    harvester = Harvester(shelf)
    harvester.harvest()
    renew(2, oai_dc="9", marc21="9")
    assert rerendered(shelf).state == jobs.DONE
    assert harvester.harvest() == []


def test_what_was_given_in_mods_stays_until_it_is_told(shelf: Site, renew: Renew) -> None:
    """Nobody is given new bytes under a stamp that others got the old ones under."""
    harvester = Harvester(shelf, "mods")
    harvester.harvest()
    before = dict(harvester.held)
    renew(2, mods="13")
    assert harvester.whole() == before
    rerendered(shelf)
    assert sorted(harvester.harvest()) == ["Book 1", "Book 3"]
    assert harvester.held == harvester.whole() != before


def test_mods_that_nobody_asked_for_is_made_by_the_new_crosswalk(shelf: Site, renew: Renew) -> None:
    harvester = Harvester(shelf)
    harvester.harvest()
    renew(2, mods="13")
    assert not rerendering.order(shelf.db, shelf.now())
    late = Harvester(shelf, "mods")
    late.harvest()
    assert sum(b"<!--2-->" in (body or b"") for body in late.held.values()) == 2
    assert harvester.harvest() == []


def test_of_two_programs_that_make_mods_at_once_both_give_what_is_stored(
    shelf: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old program beside a new one: what it made and could not store, nobody gets."""
    others = {prefix: saying(prefix, 2, "13") for prefix in FORMATS}

    def write(content: Record | Sound) -> bytes:
        monkeypatch.setitem(CROSSWALKS, "mods", others["mods"])
        quicker = Harvester(shelf, "mods")
        quicker.harvest()
        monkeypatch.setitem(CROSSWALKS, "mods", _FIRST["mods"])
        return _FIRST["mods"].write(content)

    monkeypatch.setitem(CROSSWALKS, "mods", _FIRST["mods"]._replace(write=write))
    harvester = Harvester(shelf, "mods")
    harvester.harvest()
    assert sum(b"<!--2-->" in (body or b"") for body in harvester.held.values()) == 2
    assert harvester.held == harvester.whole()


def steps_between_harvests(site: Site, harvesters: list[Harvester]) -> list[str]:
    """Make anew with a harvest, and now and then a publication, between all steps."""
    assert rerendering.order(site.db, site.now())
    held = worker.lease(site)
    assert held is not None
    seen: list[str] = []
    turns = iter(range(100))

    def between(_: Job, __: int) -> None:
        if next(turns) % 2:
            publishing.publish(site.db, site.clock)
        for each in harvesters:
            seen.extend(each.harvest())

    assert worker.work(site, held, between)
    publishing.publish_if_dirty(site.db, site.clock)
    for each in harvesters:
        seen += each.harvest()
    return seen


def test_harvests_between_the_steps_lose_nothing(shelf: Site, renew: Renew) -> None:
    harvesters = [Harvester(shelf, prefix) for prefix in FORMATS]
    for each in harvesters:
        each.harvest()
    renew(2, oai_dc="024", marc21="024", mods="024")
    assert sorted(steps_between_harvests(shelf, harvesters)) == [
        f"Book {n}" for n in (0, 2, 4) for _ in FORMATS
    ]
    assert all(each.held == each.whole() for each in harvesters)


def test_without_the_mark_a_harvester_misses_the_change(
    shelf: Site, renew: Renew, monkeypatch: pytest.MonkeyPatch
) -> None:
    harvester = Harvester(shelf)
    harvester.harvest()
    renew(2, oai_dc="024")
    monkeypatch.setattr(renditions, "mark_shown", lambda *_: None)
    assert steps_between_harvests(shelf, [harvester]) == []
    assert harvester.held != harvester.whole()


def test_a_mark_before_the_bytes_makes_a_harvester_keep_the_old_ones(
    shelf: Site, renew: Renew, monkeypatch: pytest.MonkeyPatch
) -> None:
    harvester = Harvester(shelf)
    harvester.harvest()
    renew(2, oai_dc="024")
    real = rerendering._made

    def too_early(*given: object) -> object:
        with shelf.db.write() as conn:
            feed.lock_clock(conn)
            renditions.mark_shown(conn, [each.version_id for each in given[0]])  # type: ignore[attr-defined]
        harvester.harvest()
        harvester.harvest()
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(rerendering, "_made", too_early)
    monkeypatch.setattr(rerendering, "_write", _without_mark)
    steps_between_harvests(shelf, [harvester])
    assert harvester.held != harvester.whole()


def _without_mark(conn: sa.Connection, step: rerendering._Step) -> None:
    renditions.confirm(conn, step.same)
    renditions.renew(conn, step.changed)


def test_what_a_partner_was_given_is_made_anew_as_well(shelf: Site, renew: Renew) -> None:
    """A transfer shows the record as it was sent, which is not the one that is offered now."""
    ara = a_partner(shelf, "ara")
    names = {each.title: each.public_id for each in offering.browse(shelf.db, {feed.PUBLIC})}
    giving.give_offers(shelf.db, "ara", [names["Book 1"]], shelf.now())
    bring(shelf, a_record("Book 1", number="1", place="ja "))
    harvester, public = Harvester(shelf, "oai_dc", ara), Harvester(shelf)
    assert (len(harvester.harvest()), len(public.harvest())) == (6, 5)
    renew(2, oai_dc="1")
    assert rerendered(shelf).total == 6
    assert (harvester.harvest(), public.harvest()) == (["Book 1", "Book 1"], ["Book 1"])
    assert harvester.held == harvester.whole()


def test_what_was_staged_before_is_committed_as_the_new_edition(shelf: Site, renew: Renew) -> None:
    staged = receive(shelf, a_file(a_record("Book 7", number="7")), stage_only=True)
    work(shelf)
    renew(2, oai_dc="7")
    rerendered(shelf)
    cataloguing.order_commit(shelf.db, staged.batch.public_id, shelf.now())
    work(shelf)
    harvester = Harvester(shelf)
    assert "Book 7" in harvester.harvest()
    assert sum(b"<!--2-->" in (body or b"") for body in harvester.held.values()) == 1


def test_what_an_older_program_wrote_meanwhile_is_found_by_the_next_look(
    shelf: Site, renew: Renew
) -> None:
    renew(2, oai_dc="08")
    rerendered(shelf)
    renew(1, oai_dc="#")
    bring(shelf, a_record("Book 8", number="8"))
    renew(2, oai_dc="08")
    harvester = Harvester(shelf)
    harvester.harvest()
    assert rerendered(shelf).total == 1
    assert harvester.harvest() == ["Book 8"]


def test_an_older_program_does_nothing_but_say_so(
    shelf: Site, renew: Renew, capsys: pytest.CaptureFixture[str]
) -> None:
    renew(3, oai_dc="1")
    rerendering.order(shelf.db, shelf.now())
    renew(2, oai_dc="2", marc21="2")
    work(shelf)  # the job that the newer one ordered waits for a worker of the newer one
    assert newest(shelf).state == jobs.WAITING
    assert "newer version" in newest(shelf).error
    assert editions_stored(shelf) == {("marc21", 1), ("oai_dc", 1)}
    renew(3, oai_dc="1", marc21="1")
    hand(shelf).move(61)
    work(shelf)
    assert newest(shelf).state == jobs.DONE
    renew(2, oai_dc="2", marc21="2", mods="2")
    assert rerendering.outlook(shelf.db).newer == ["marc21", "oai_dc"]
    assert not rerendering.order(shelf.db, shelf.now())
    assert "renditions_of_a_newer_version" in capsys.readouterr().out
    assert editions_stored(shelf) == {("marc21", 3), ("oai_dc", 3)}


def editions_stored(site: Site) -> set[tuple[str, int]]:
    with site.db.read() as conn:
        found = conn.execute(sa.select(rendition.c.prefix, rendition.c.edition))
        return {(prefix, edition) for prefix, edition in found}


def test_a_record_that_cannot_be_made_anew_keeps_no_other_behind(
    shelf: Site, renew: Renew, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew(2, oai_dc="01234")
    good = CROSSWALKS["oai_dc"]

    def write(content: Record | Sound) -> bytes:
        body = good.write(content)
        if b"Book 1" in body:
            raise ValueError("this crosswalk has a fault")
        return body

    harvester = Harvester(shelf)
    harvester.harvest()
    monkeypatch.setitem(CROSSWALKS, "oai_dc", good._replace(write=write))
    failed = rerendered(shelf)
    assert (failed.state, failed.done) == (jobs.FAILED, 5)
    assert failed.error.startswith("1 renditions could not be made anew")
    assert sorted(harvester.harvest()) == ["Book 0", "Book 2", "Book 3", "Book 4"]
    assert not rerendering.order(shelf.db, shelf.now())  # it would fail again
    renew(3, oai_dc="1")
    rerendered(shelf)
    assert "Book 1" in harvester.harvest()
    assert harvester.held == harvester.whole()


def test_an_import_waits_for_one_step_at_most(shelf: Site, renew: Renew) -> None:
    renew(2, oai_dc="01234")
    rerendering.order(shelf.db, shelf.now())
    receive(shelf, a_file(a_record("Book 9", number="9")))
    assert worker.turn(shelf)
    assert (newest(shelf).state, newest(shelf).done) == (jobs.WAITING, 2)
    work(shelf)  # staged, committed and published while the clock stands still
    assert newest(shelf).done == 2
    assert "Book 9" in Harvester(shelf).harvest()
    work(shelf)
    assert (newest(shelf).state, newest(shelf).done) == (jobs.DONE, 5)


def at_once(*what: Callable[[], object]) -> list[object]:
    """Do these in threads that begin together; return what each returned."""
    start = threading.Barrier(len(what))
    found: list[object] = [None] * len(what)

    def run(place: int, act: Callable[[], object]) -> None:
        start.wait(10)
        found[place] = act()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(what)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    return found


def test_however_many_processes_start_one_job_is_ordered(
    shelf: Site, database_url: str, renew: Renew
) -> None:
    renew(2, oai_dc="1")
    several = [Database(database_url) for _ in range(4)]
    now = shelf.now()
    found = at_once(*[lambda db=db: rerendering.order(db, now) for db in several])
    assert sorted(map(str, found)) == ["False", "False", "False", "True"]
    with shelf.db.read() as conn:
        ordered = conn.execute(sa.select(job.c.id).where(job.c.kind == RERENDER)).all()
    assert len(ordered) == 1
    for each in several:
        each.close()


def test_two_workers_at_once_do_it_once(
    shelf: Site, database_url: str, renew: Renew, tmp_path: Path
) -> None:
    harvester = Harvester(shelf)
    harvester.harvest()
    renew(2, oai_dc="024", marc21="0")
    sites = [make_site(Database(database_url), tmp_path, hand(shelf)) for _ in range(2)]

    def begin(site: Site) -> None:
        rerendering.order(site.db, site.now())
        work(site)

    at_once(*[lambda site=site: begin(site) for site in sites])
    done = newest(shelf)
    assert (done.state, done.done) == (jobs.DONE, 10)
    assert sorted(harvester.harvest()) == ["Book 0", "Book 2", "Book 4"]
    assert harvester.harvest() == []
    for site in sites:
        site.db.close()


def test_a_worker_that_lost_its_job_writes_nothing_of_its_step(shelf: Site, renew: Renew) -> None:
    renew(2, oai_dc="01234")
    rerendering.order(shelf.db, shelf.now())
    slow = worker.lease(shelf)
    assert slow is not None
    hand(shelf).move(31)
    work(shelf)  # another one takes it over and does all of it
    before = editions_stored(shelf)
    renew(3, oai_dc="01234")
    assert not worker.work(shelf, slow, lambda *_: None)
    assert editions_stored(shelf) == before


# --- killed at every step -----------------------------------------------------------------------


class Point(NamedTuple):
    """Where a worker dies: how many statements or COMMITs came before."""

    what: str
    number: int


def _work_until(url: str, edition: int, at: float, dies: Point | None) -> list[Point]:
    """Work on the job with this edition, and die by SIGKILL at a point; return those passed."""
    with tempfile.TemporaryDirectory() as folder:
        CROSSWALKS["oai_dc"] = saying("oai_dc", edition, "024")
        rerendering._STEP = 3
        rerendering._LONGEST_REST = 0.0
        db = Database(url)
        site = make_site(db, Path(folder), HandClock(at))
        passed: list[Point] = []

        def at_point(what: str) -> None:
            point = Point(what, sum(each.what == what for each in passed) + 1)
            passed.append(point)
            if point == dies:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(db.engine, "after_cursor_execute", lambda *_: at_point("statement"))
        event.listen(db.engine, "commit", lambda _: at_point("commit"))
        held = worker.lease(site)
        assert held is not None
        assert held.kind == RERENDER
        worker.work(site, held, lambda *_: None)
        db.close()
        return passed


def _nursery() -> None:
    """Read a line for each worker, let a child of this process be it, and tell how it ended."""
    logs.configure("text", logging.CRITICAL)
    with suppress(ImportError):
        import psycopg  # noqa: F401 - each child would take a third of a second for it
    for line in sys.stdin:
        url, edition, at, what, number = line.split()
        child = os.fork()
        if child == 0:
            passed = _work_until(url, int(edition), float(at), Point(what, int(number)))
            os._exit(min(len(passed), 255))
        _, status = os.waitpid(child, 0)
        ended = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        print(ended, flush=True)  # noqa: T201 - read by the test that started this process


@pytest.fixture(scope="module")
def nursery() -> Iterator[Callable[..., int]]:
    """How to run a worker in a process of its own; returns points passed, or minus the signal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.service.test_rerendering"],
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


def test_a_worker_killed_at_any_point_is_gone_on_from(
    shelf: Site, database_url: str, renew: Renew, nursery: Callable[..., int]
) -> None:
    harvester = Harvester(shelf)
    harvester.harvest()
    edition = 1

    def killed_at(what: str, number: int) -> bool:
        """Whether the worker died at that point, and did not end before it."""
        nonlocal edition
        edition += 1
        renew(edition, oai_dc="024")
        assert rerendering.order(shelf.db, shelf.now())
        ended = nursery(database_url, edition, shelf.clock(), what, number)
        seen = []
        if number % 2:  # some harvest before anybody takes the job over, others after
            publishing.publish_if_dirty(shelf.db, shelf.clock)
            seen += harvester.harvest()
        hand(shelf).move(31)
        work(shelf)
        seen += harvester.harvest()
        assert sorted(seen) == ["Book 0", "Book 2", "Book 4"], (what, number)
        assert harvester.held == harvester.whole()
        done = newest(shelf)
        assert (done.state, done.done) == (jobs.DONE, 5)
        return ended == -signal.SIGKILL

    for what, at_least in (("statement", 10), ("commit", 3)):
        number = 1
        while killed_at(what, number):
            number += 1
        assert number > at_least


def test_it_takes_turns_of_bounded_length(
    shelf: Site, renew: Renew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerendering, "_TURN", 0.0)
    renew(2, oai_dc="01234")
    rerendering.order(shelf.db, shelf.now())
    progress = []
    for _ in range(4):
        work(shelf)
        progress.append(newest(shelf).done)
        hand(shelf).move(rerendering._ASIDE / timedelta(seconds=1))
    assert progress == [2, 4, 5, 5]
    work(shelf)
    assert newest(shelf).state == jobs.DONE


def test_the_worker_looks_when_it_starts(shelf: Site, renew: Renew) -> None:
    renew(2, oai_dc="1")
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(shelf, stop))
    thread.start()
    for _ in range(100):
        if rerendering.outlook(shelf.db).outdated == 0:
            break
        stop.wait(0.05)
    stop.set()
    thread.join(20)
    assert editions_stored(shelf) == {("marc21", 1), ("oai_dc", editions()["oai_dc"])}


if __name__ == "__main__":
    _nursery()
