"""Publishing very many changed offers while a harvester reads page after page.

    python -m benchmarks.publishing [--offers 100000] [--pages 400]

The publisher is a process of its own, as the worker is; so is the server. Asked: all is in the
feed within 60 s, and no page waits more than 50 ms for it. Pages are timed before and meanwhile,
each as a whole from request to last byte.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.harvest import FIRST, NEXT, TOKEN, Server, fill, serving
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
    """Publish all that is marked; print the seconds, the items and how far stamps ran ahead."""
    db = _database(folder)
    began = time.perf_counter()
    items = publishing.publish_all(db, time.time)
    print(json.dumps({"items": items, "seconds": time.perf_counter() - began}))
    db.close()


class Pages:
    """A harvester that goes round and round through the list and times each page."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._query = ""

    def read(self, on: Callable[[int], bool]) -> list[float]:
        """Read pages while ``on`` (given how many were read) says so; return milliseconds."""
        times: list[float] = []
        while on(len(times)):
            began = time.perf_counter()
            body = self._server.get(self._query or FIRST)
            times.append((time.perf_counter() - began) * 1000)
            token = TOKEN.search(body, max(0, len(body) - 2000))
            self._query = "" if token is None else NEXT + token[1].decode()
        return times


def measure(folder: Path, pages: int) -> None:
    """Print what pages take without and with a publisher, and what publishing takes."""
    with serving(folder, "bookbridge") as servers:
        harvester = Pages(servers["bookbridge"])
        harvester.read(lambda number: number < 50)
        alone = harvester.read(lambda number: number < pages)
        number = change_all(folder)
        publisher = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.publishing", "--publish", str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        meanwhile = harvester.read(lambda _: publisher.poll() is None)
        assert publisher.stdout is not None
        told = json.loads(publisher.stdout.read())
        publisher.stdout.close()
    db = _database(folder)
    with db.read() as conn:
        assert not feed.has_dirty(conn)
    db.close()
    row("a page of 100, ms", "median", "95th", "worst", "pages")
    for name, times in (("alone", alone), ("while publishing", meanwhile)):
        row(name, statistics.median(times), _95th(times), max(times), len(times))
    row(
        "delay, ms (asked: at most 50)",
        "",
        _95th(meanwhile) - _95th(alone),
        max(meanwhile) - max(alone),
    )
    row(f"seconds for {number:,} (asked: at most 60)", told["seconds"])
    row("of these published by stale first pages", number - told["items"])


def _95th(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=100_000)
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--publish", type=Path)
    given = parser.parse_args()
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
