"""A full harvest over HTTP: ours against oaipmh 4 and against a bare limit; and pages far down.

    python -m benchmarks.harvest [--records 20000] [--runs 5] [--far 1000000]

The client reads raw bytes over one kept-alive connection, so that what is measured is the
provider. The three are harvested in turns, and every figure is a median.
"""

from __future__ import annotations

import argparse
import http.client
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import peak_mb, row
from benchmarks.providers import SECRET

_TOKEN = re.compile(rb"<resumptionToken[^>]*>([^<]+)<")
_FIRST = "verb=ListRecords&metadataPrefix=marc21"
_NEXT = "verb=ListRecords&resumptionToken="


def fill(folder: Path, number: int) -> None:
    """Make a site with ``number`` published offers, through the import as it is."""
    import io
    import logging

    import structlog

    from benchmarks.sample import records
    from marc_mappings import iso2709
    from service import worker
    from service.config import load
    from service.domain.offer import ListAction
    from service.store import schema
    from service.store.db import Database
    from service.usecases import cataloguing, offering, publishing
    from service.usecases.site import Site

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = load({}, data_dir=folder, secret_key=SECRET)
    db = Database(settings.database)
    schema.upgrade(db)
    site = Site(db, settings, time.time)
    offering.create_list(db, slug="bench", title="Benchmark", now=site.now())
    offering.change_list(db, "bench", ListAction.OPEN, site.now())
    data = b"".join(iso2709.write(record) for record in records(number))
    cataloguing.receive(
        db, io.BytesIO(data), file_name="f", list_slug="bench", limit=10**10, now=site.now()
    )
    while (held := worker.lease(site)) is not None:
        worker.work(site, held, lambda *_: None)
    publishing.publish_all(db, time.time)
    db.close()


def multiply(folder: Path, number: int) -> None:
    """Fill the feed up to ``number`` items that share the renditions already there."""
    from service.config import load
    from service.store import bulk, feed, public_ids
    from service.store.db import Database
    from service.store.tables import feed_entry, feed_item

    db = Database(load({}, data_dir=folder).database)
    with db.write() as conn:
        have = conn.exec_driver_sql("SELECT count(*) FROM feed_item").scalar_one()
        p = feed.clock(conn).p
        for start in range(have + 1, number + 1, 50_000):
            ids = range(start, min(start + 50_000, number + 1))
            bulk.insert(
                conn,
                feed_item,
                (
                    "id",
                    "kind",
                    "source_id",
                    "public_id",
                    "stamp",
                    "deleted",
                    "version_id",
                    "sets",
                ),
                [
                    (
                        i,
                        "offer",
                        i,
                        public_ids.new(),
                        p + i // 2500,
                        False,
                        i % have + 1,
                        "list:bench",
                    )
                    for i in ids
                ],
            )
            bulk.insert(
                conn,
                feed_entry,
                ("item_id", "stream_id", "stamp", "present"),
                [(i, 1, p + i // 2500, True) for i in ids],
            )
        feed.set_clock(conn, p + number // 2500 + 1)
    db.close()


_NAMES = {
    "streamed": "limit: bare WSGI, rows streamed",
    "joined": "limit: bare WSGI, page joined",
    "bookbridge": "Bookbridge",
    "pyoai": "oaipmh 4, BatchingServer over stored XML",
}


class Server:
    """A provider in a process of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.providers", name, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", int(self.process.stdout.readline()), timeout=120
        )

    def get(self, query: str) -> bytes:
        """Return the body of one answer."""
        self.connection.request("GET", f"/oai?{query}")
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body[:500]
        return body

    def harvest(self) -> tuple[int, float]:
        """Return how many records a full harvest gave, and in how many seconds."""
        began = time.perf_counter()
        number = 0
        body = self.get(_FIRST)
        while True:
            number += body.count(b"<leader>")
            token = _TOKEN.search(body, len(body) - 2000 if len(body) > 2000 else 0)
            if token is None:
                return number, time.perf_counter() - began
            body = self.get(_NEXT + token[1].decode())

    def end(self) -> float:
        """End the process and return the largest size it had, in MB."""
        peak = peak_mb(self.process.pid)
        self.connection.close()
        self.process.terminate()
        self.process.wait(30)
        return peak


@contextmanager
def serving(folder: Path, *names: str) -> Iterator[dict[str, Server]]:
    """Serve with each provider; end those that still run."""
    servers = {name: Server(name, folder) for name in names}
    try:
        yield servers
    finally:
        for server in servers.values():
            if server.process.poll() is None:
                server.end()


def compare(folder: Path, number: int, runs: int) -> None:
    """Print records/s of the three, the ratios, and what our server's memory came to."""
    bare = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert bare.stdout is not None
    bare.stdout.readline()
    baseline = peak_mb(bare.pid)
    bare.communicate(b"\n", timeout=30)
    rates: dict[str, list[float]] = {
        name: [] for name in ("streamed", "joined", "bookbridge", "pyoai")
    }
    with serving(folder, *rates) as servers:
        for _ in range(runs):
            for name, server in servers.items():
                found, seconds = server.harvest()
                assert found == number, (name, found)
                rates[name].append(found / seconds)
        peaks = {name: server.end() for name, server in servers.items()}
    medians = {name: statistics.median(each) for name, each in rates.items()}
    row("", "records/s", "of streamed", "peak MB")
    for name, rate in medians.items():
        row(_NAMES[name], rate, rate / medians["streamed"], peaks[name])
    row("ratio to pyoai (asked: at least 5)", medians["bookbridge"] / medians["pyoai"])
    row("ratio to the limit (asked: at least 0.8)", medians["bookbridge"] / medians["streamed"])
    row("ratio to a limit that joins its pages", medians["bookbridge"] / medians["joined"])
    row("MB over a bare interpreter (at most 80)", peaks["bookbridge"] - baseline)


def far(folder: Path, number: int, pages: int = 200) -> None:
    """Print how long a page at the end of a long list takes against one at its beginning."""
    from oai.repository import Key, Selection
    from oai.token import ListPlace, Tokens
    from service.config import load
    from service.store import feed
    from service.store.db import Database

    db = Database(load({}, data_dir=folder).database)
    tokens = Tokens(SECRET)

    def query(items_before: int) -> str:
        with db.read() as conn:
            (stamp, item) = conn.exec_driver_sql(
                "SELECT stamp, item_id FROM feed_entry WHERE stream_id = 1 AND item_id = ?",
                (items_before,),
            ).one()
        place = ListPlace(Selection("marc21"), Key(stamp, item), items_before, number)
        return _NEXT + tokens.for_list("ListRecords", "public", place)

    near_query, far_query = query(100), query(number - 150)
    with db.read() as conn:
        assert feed.count(conn, 1, from_=0, until=2**40, cap=10**9) == number
    with serving(folder, "bookbridge") as servers:
        times: dict[str, list[float]] = {near_query: [], far_query: []}
        for _ in range(pages):
            for each in times:
                began = time.perf_counter()
                body = servers["bookbridge"].get(each)
                times[each].append(time.perf_counter() - began)
                assert body.count(b"<leader>") == 100
    near, deep = (statistics.median(each) * 1000 for each in times.values())
    row(f"page of 100 at record 100 of {number:,}, ms", near)
    row(f"page of 100 at record {number - 150:,}, ms", deep)
    row("ratio (asked: at most 1.2)", deep / near)
    db.close()


def main() -> None:
    """Print the figures and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--far", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, given.records)
        print(f"{given.records} records, pages of 100, medians of {given.runs} harvests in turns")
        compare(folder, given.records, given.runs)
        if given.far:
            multiply(folder, given.far)
            far(folder, given.far)


if __name__ == "__main__":
    main()
