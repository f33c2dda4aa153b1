"""Publishing very many changed offers while a harvester reads page after page.

    python -m benchmarks.publishing [--offers 100000] [--pages 1500]

The publisher is a process of its own, as the worker is; the server is `bookbridge serve`. Asked:
all is in the feed within 60 s, and no page waits more than 50 ms for it. Pages are timed from
request to last byte: alone, beside a process that only computes (what is the same there is the
scheduler's and no lock), when a first page publishes something itself, and while all is published.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.harvest import FIRST, NEXT, TOKEN, fill, get, served
from benchmarks.measuring import row
from service.config import load
from service.domain.offer import ListAction
from service.domain.publication import LEAD
from service.store import feed, offer_lists, offers
from service.store.db import Database
from service.store.tables import offer_list, record
from service.usecases import offering, publishing
from service.usecases.site import Site

_RECORDS = 2_000  # on each list; the lists share them, so that filling takes no hour


def _database(folder: Path) -> Database:
    return Database(load({}, data_dir=folder).database)


def offer_many(folder: Path, number: int) -> None:
    """Offer the same records on list after list until there are ``number`` offers; publish them."""
    db = _database(folder)
    site = Site(db, load({}, data_dir=folder), time.time)
    with db.read() as conn:
        records = list(conn.execute(record.select().with_only_columns(record.c.id)).scalars())
    for n in range(1, -(-number // len(records))):
        offering.create_list(db, slug=f"bench-{n}", title=f"Benchmark {n}", now=site.now())
        offering.change_list(db, f"bench-{n}", ListAction.OPEN, site.now())
        with db.write() as conn:
            found = offer_lists.by_slug(conn, f"bench-{n}")
            assert found is not None
            offers.add_offers(conn, found.id, records, site.now())
            offers.mark_list(conn, found.id)
    publishing.publish_all(db, time.time, sleep=lambda _: None)
    # So many stamps at once are ahead of the clock; what is measured begins where a day begins.
    with db.read() as conn:
        ahead = feed.clock(conn).p - time.time()
    time.sleep(max(0.0, ahead - LEAD))
    db.close()


def change_all(folder: Path) -> int:
    """Mark every offer as changed; return how many there are."""
    db = _database(folder)
    with db.write() as conn:
        for found in conn.execute(offer_list.select()).all():
            offers.mark_list(conn, found.id)
        number = conn.exec_driver_sql("SELECT count(*) FROM feed_dirty").scalar_one()
    db.close()
    return int(number)


def publish(folder: Path) -> None:
    """Publish all that is marked; print the seconds and the items."""
    db = _database(folder)
    began = time.perf_counter()
    items = publishing.publish_all(db, time.time)
    print(json.dumps({"items": items, "seconds": time.perf_counter() - began}))
    db.close()


class Timed(NamedTuple):
    """A page: whether it was a first one, how long it took, and how much of that was waiting.

    ``ready`` are milliseconds in which threads of server and harvester, added up, could have gone
    on and had no processor.
    """

    first: bool
    ms: float
    ready: float


class Pages:
    """A harvester that goes round and round through the list and times each page.

    Every fortieth is a first page, which is another thing: the list is counted for it.
    """

    _ROUND = 40

    def __init__(self, port: int, server: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._server = server
        self._next = FIRST

    def read(self, on: Callable[[int], bool]) -> list[Timed]:
        """Read pages while ``on`` (given how many were read) says so."""
        pages: list[Timed] = []
        while on(len(pages)):
            pages.append(self.page(FIRST if len(pages) % self._ROUND == 0 else self._next))
        return pages

    def page(self, query: str) -> Timed:
        """Read one page."""
        before = self._ready()
        began = time.perf_counter()
        body = get(self._connection, query)
        ms = (time.perf_counter() - began) * 1000
        if query == self._next:
            token = TOKEN.search(body, max(0, len(body) - 2000))
            self._next = FIRST if token is None else NEXT + token[1].decode()
        waited = (since - before.get(task, 0.0) for task, since in self._ready().items())
        return Timed(query == FIRST, ms, sum(waited))

    def _ready(self) -> dict[Path, float]:
        """Return how long each thread of both has been ready to run and did not, in ms (Linux)."""
        tasks = (*Path(f"/proc/{self._server}/task").iterdir(), Path("/proc/self"))
        waited = {}
        for each in tasks:
            with suppress(FileNotFoundError, ProcessLookupError):  # a timer's thread has just ended
                waited[each] = int((each / "schedstat").read_text("ascii").split()[1]) / 1e6
        return waited

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def stale_pages(folder: Path, harvester: Pages, times: int = 3) -> list[Timed]:
    """Return first pages that find the public clock stale, and so publish some of what waits."""
    db = _database(folder)
    pages = []
    for _ in range(times):
        with db.read() as conn:
            p = feed.clock(conn).p
        time.sleep(max(0.0, p + 6 - time.time()))
        pages.append(harvester.page(FIRST))
        with db.read() as conn:
            assert feed.clock(conn).p > p
    db.close()
    return pages


def _child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.publishing", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _end(process: subprocess.Popen[str]) -> str:
    """Return what a child said, once it has ended."""
    assert process.stdout is not None
    said = process.stdout.read()
    process.wait(30)
    process.stdout.close()
    return said


def measure(folder: Path, pages: int) -> None:
    """Print what pages take without and with a publisher, and what publishing takes."""
    times: dict[str, list[Timed]] = {}
    with served(folder) as (port, pid):
        harvester = Pages(port, pid)
        harvester.read(lambda number: number < 50)
        times["alone"] = harvester.read(lambda number: number < pages)
        computing = _child("--compute")
        times["beside computing"] = harvester.read(lambda number: number < pages)
        computing.terminate()
        _end(computing)
        number = change_all(folder)
        times["publishing by itself"] = stale_pages(folder, harvester)
        publisher = _child("--publish", str(folder))
        times["while publishing"] = harvester.read(lambda _: publisher.poll() is None)
        told = json.loads(_end(publisher))
        harvester.close()
    db = _database(folder)
    with db.read() as conn:
        assert not feed.has_dirty(conn)
    db.close()
    report(times)
    row(f"seconds for {number:,} (asked: at most 60)", told["seconds"])
    row("of these published by stale first pages", number - told["items"])


def report(times: Mapping[str, Sequence[Timed]]) -> None:
    """Print a table for first pages and one for the others, each with the largest delay.

    A delay is counted from the median page alone, so that it holds all that can happen to a page.
    """
    for name, first in (("a first page of 100, ms", True), ("another page of 100, ms", False)):
        row(name, "median", "95th", "worst", "no processor", "pages")
        usual = 0.0
        for when, told in times.items():
            pages = [each for each in told if each.first is first]
            if not pages:
                continue
            ms = sorted(each.ms for each in pages)
            usual = usual or statistics.median(ms)
            late = statistics.quantiles(ms, n=20)[-1] if len(ms) >= 20 else ""
            worst = max(pages, key=lambda each: each.ms)
            row(when, statistics.median(ms), late, worst.ms, worst.ready, len(ms))
            if "publishing" in when:
                row("  later than alone (asked: at most 50)", "", "", worst.ms - usual)


def compute() -> None:
    """Take as much processor as a publisher does, and touch no database, until terminated."""
    while True:
        {number: str(number) for number in range(20_000)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=100_000)
    parser.add_argument("--pages", type=int, default=1500)
    parser.add_argument("--publish", type=Path)
    parser.add_argument("--compute", action="store_true")
    given = parser.parse_args()
    if given.compute:
        compute()
    if given.publish:
        publish(given.publish)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, min(_RECORDS, given.offers))
        offer_many(folder, given.offers)
        measure(folder, given.pages)


if __name__ == "__main__":
    main()
