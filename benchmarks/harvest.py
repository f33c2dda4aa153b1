"""A full harvest over HTTP: ours against oaipmh 4 and against a bare limit; and pages far down.

    python -m benchmarks.harvest [--records 20000] [--runs 5] [--far 1000000] [--crowd 120]

The client reads raw bytes over one kept-alive connection, so that what is measured is the
provider. The three are harvested in turns, and every figure is a median. Then ours
alone: with gzip, a set, and many harvesters at once.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.measuring import peak_mb, row
from benchmarks.providers import SECRET

TOKEN = re.compile(rb"<resumptionToken[^>]*>([^<]+)<")
FIRST = "verb=ListRecords&metadataPrefix=marc21"
NEXT = "verb=ListRecords&resumptionToken="


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


def get(connection: http.client.HTTPConnection, query: str, *, packed: bool = False) -> bytes:
    """Return the body of one answer as it came over the wire."""
    connection.request(
        "GET", f"/oai?{query}", headers={"Accept-Encoding": "gzip"} if packed else {}
    )
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body[:500]
    return body


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
        self.octets = 0  # that came over the wire

    def get(self, query: str, *, packed: bool = False) -> bytes:
        """Return the body of one answer; ``packed`` asks for gzip and unpacks it."""
        body = get(self.connection, query, packed=packed)
        self.octets += len(body)
        return gzip.decompress(body) if packed else body

    def harvest(self, more: str = "", *, packed: bool = False) -> tuple[int, float]:
        """Return how many records a harvest (of all, or of ``&set=``) gave, in how many seconds."""
        began = time.perf_counter()
        number = 0
        body = self.get(FIRST + more, packed=packed)
        while True:
            number += body.count(b"<leader>")
            token = TOKEN.search(body, len(body) - 2000 if len(body) > 2000 else 0)
            if token is None:
                return number, time.perf_counter() - began
            body = self.get(NEXT + token[1].decode(), packed=packed)

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


_SET = "lang:kor"  # of every fifth record or so
_VARIANTS: dict[str, tuple[str, bool]] = {
    "everything": ("", False),
    "everything, gzip": ("", True),
    f"set {_SET}": (f"&set={_SET}", False),
}


def variants(folder: Path, runs: int) -> None:
    """Print what gzip and a set cost and save: records/s and MB over the wire, in turns."""
    rates: dict[str, list[float]] = {name: [] for name in _VARIANTS}
    sizes: dict[str, float] = {}
    with serving(folder, "bookbridge") as servers:
        server = servers["bookbridge"]
        for _ in range(runs):
            for name, (more, packed) in _VARIANTS.items():
                server.octets = 0
                found, seconds = server.harvest(more, packed=packed)
                assert found, name
                rates[name].append(found / seconds)
                sizes[name] = server.octets / found
    whole = statistics.median(rates["everything"])
    row("Bookbridge", "records/s", "of everything", "bytes/record")
    for name, each in rates.items():
        rate = statistics.median(each)
        row(name, rate, rate / whole, sizes[name])


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """Run `bookbridge serve` with its own settings, without a worker; yield its port and pid."""
    command = [sys.executable, "-m", "service.cli", "--data-dir", str(folder), "serve", "--port"]
    settings = {"BOOKBRIDGE_SECRET_KEY": SECRET, "BOOKBRIDGE_EMBEDDED_WORKER": "no"}
    environment = {**os.environ, **settings}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*command, str(port)], env=environment, stdout=quiet, stderr=quiet)
    try:
        _until_it_listens(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def crowd(folder: Path, harvesters: int) -> None:
    """Print how many harvesters at once fare: the slowest against the median, and the memory.

    The harvesters are threads that read raw bytes and begin together.
    """
    with served(folder) as (port, pid):
        start = threading.Barrier(harvesters)

        def harvest(_: int) -> tuple[int, float]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
            start.wait()
            began, number, query = time.perf_counter(), 0, FIRST
            while True:
                body = get(connection, query)
                number += body.count(b"<leader>")
                if (token := TOKEN.search(body, len(body) - 2000)) is None:
                    connection.close()
                    return number, time.perf_counter() - began
                query = NEXT + token[1].decode()

        before = peak_mb(pid)
        with ThreadPoolExecutor(harvesters) as pool:
            told = list(pool.map(harvest, range(harvesters)))
        after = peak_mb(pid)
    numbers, times = {number for number, _ in told}, [seconds for _, seconds in told]
    assert len(numbers) == 1, numbers  # every one of them got every record
    total = sum(number for number, _ in told)
    row(f"{harvesters} at once: records/s together", total / max(times))
    row("slowest : median", max(times) / statistics.median(times))
    row("fastest : median", min(times) / statistics.median(times))
    row("server's peak MB before, during", before, after)


def _until_it_listens(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise RuntimeError("the server does not listen")


def far(folder: Path, number: int, pages: int = 200) -> None:
    """Print how long a page at the end of a long list takes against one at its beginning."""
    from oai.repository import Key, Selection
    from oai.token import ListPlace, Tokens
    from service.config import load
    from service.store import feed_reading
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
        return NEXT + tokens.for_list("ListRecords", "public", place)

    near_query, far_query = query(100), query(number - 150)
    with db.read() as conn:
        assert feed_reading.count(conn, 1, from_=0, until=2**40, cap=10**9) == number
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
    parser.add_argument("--crowd", type=int, default=120)
    parser.add_argument("--crowd-records", type=int, default=1_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, given.records)
        print(f"{given.records} records, pages of 100, medians of {given.runs} harvests in turns")
        compare(folder, given.records, given.runs)
        variants(folder, given.runs)
        if given.crowd:
            few = folder / "crowd"
            few.mkdir()
            fill(few, given.crowd_records)
            crowd(few, given.crowd)
        if given.far:
            multiply(folder, given.far)
            far(folder, given.far)


if __name__ == "__main__":
    main()
