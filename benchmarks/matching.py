"""Many waiting wishes meet many offers: seconds and memory, by keys of numbers and of titles.

    python -m benchmarks.matching [--offers 50000] [--wishes 50000] [--titles 50] [--runs 1]

Books are offered on a list that is still a draft; a partner wishes for as many, of which nine
tenths are offered: ``--titles`` of a hundred wishes by title, author and year, the others by ISBN.
All of them wait. Then the list opens, and a worker makes the keys of every offer in a second
process and answers every wish. What is asked: 1,000,000 wishes against 1,000,000 offers within 15
minutes on two cores. The figure for a million is this run's, multiplied: steps take longer as the
index outgrows the memory. On a busy machine the processor time of the busier of the two processes
tells what it would take on two cores that are free.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.measuring import child, medians, peak_mb, row

# Wishes of one list: what a site takes at once.
_LIST = 50_000
_MILLION = 1_000_000


def measure(folder: Path, server: str) -> dict[str, float]:
    """Open the list of the site in ``folder`` and match it; return the figures."""
    from service import worker
    from service.domain.offer import ListAction
    from service.domain.wish import MATCH_OFFERS
    from service.usecases import offering

    site = _site(folder, server)
    offering.change_list(site.db, "bench", ListAction.OPEN, site.now())
    held = worker.lease(site)
    assert held is not None
    assert held.kind == MATCH_OFFERS
    moments, second = [time.perf_counter()], [0.0]

    def on_step(*_: object) -> None:
        moments.append(time.perf_counter())
        second.extend(_peak_mb(each.pid) for each in multiprocessing.active_children())

    began = _processor()
    assert worker.work(site, held, on_step)
    steps = sorted(b - a for a, b in pairwise(moments))
    quarter = max(1, len(moments) // 4)
    figures = {
        "seconds": moments[-1] - moments[0],
        "step_ms": steps[len(steps) * 95 // 100] * 1000,
        "first_quarter": moments[quarter] - moments[0],
        "last_quarter": moments[-1] - moments[-1 - quarter],
        "processor": _processor()[0] - began[0],
        "second_processor": _processor()[1] - began[1],
        "mb": peak_mb(),
        "second_mb": max(second),
        "database_mb": sum(f.stat().st_size for f in folder.glob("*.sqlite3*")) / 1e6,
    }
    figures |= _outcomes(site)
    site.db.close()
    return figures


def _processor() -> tuple[float, float]:
    """Return the seconds of processor time of this process, and of its children that ended."""
    used = os.times()
    return used.user + used.system, used.children_user + used.children_system


def _peak_mb(pid: int | None) -> float:
    try:
        return peak_mb(pid or "self")
    except (OSError, RuntimeError):
        return 0.0  # it has ended, or has not begun


def _outcomes(site: Any) -> dict[str, float]:
    from service.usecases import wishing

    counts: dict[str, float] = {"registered": 0, "matched": 0, "waiting": 0, "ambiguous": 0}
    for listed in wishing.list_wish_lists(site.db, None, "", 1000):
        shown = wishing.show(site.db, listed.public_id, None, limit=1)
        for outcome, number in shown.counts().items():
            counts[outcome] = counts.get(outcome, 0) + number
    return counts


def _site(folder: Path, server: str) -> Any:
    import logging

    import structlog

    from service.config import load
    from service.store.db import Database
    from service.usecases.site import Site

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = load({}, data_dir=folder, secret_key="benchmark", database_url=server)
    return Site(Database(settings.database), settings, time.time)


def make(folder: Path, offers: int, wishes: int, titles: int, server: str = "") -> None:
    """Make a site with a draft list of ``offers`` titles, and ``wishes`` that wait."""
    from benchmarks.sample import records
    from marc_mappings import iso2709
    from service import worker
    from service.store import schema
    from service.usecases import cataloguing, membership, offering, wishing

    site = _site(folder, server)
    schema.upgrade(site.db)
    offering.create_list(site.db, slug="bench", title="Benchmark", now=site.now())
    file = folder / "sample.mrc"
    with file.open("wb") as out:
        out.writelines(iso2709.write(record) for record in records(offers))
    with file.open("rb") as stream:
        cataloguing.receive(
            site.db, stream, file_name="sample.mrc", list_slug="bench", limit=10**11, now=site.now()
        )
    _work(site, worker)
    file.unlink()
    partner = membership.add_partner(site.db, code="bench", name="Benchmark", now=site.now())
    rows = _rows(offers, wishes, titles)
    while any(True for _ in _write(file, rows)):
        with file.open("rb") as body:
            request = wishing.Request(body, "text/csv")
            wishing.receive(site.db, partner, request, site.names(), site.wish_limits(), site.now())
        _work(site, worker)
    site.db.close()


def _work(site: Any, worker: Any) -> None:
    while (held := worker.lease(site)) is not None:
        worker.work(site, held, lambda *_: None)


def _rows(offers: int, wishes: int, titles: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield (isbn, title, author, year) of wishes; a tenth of them is for nothing on offer."""
    from benchmarks.sample import records

    for n, record in enumerate(records(wishes)):
        isbn = next(record.all("020")).first("a")
        title = next(record.all("245")).first("a").rstrip(" :")
        author = next(record.all("100")).first("a").rstrip(",")
        year = record.control("008")[7:11]
        if n >= offers or n % 10 == 9:
            isbn, title = _nowhere(n), f"Nowhere {n} {title}"
        yield ("", title, author, year) if n % 100 < titles else (isbn, "", "", "")


def _nowhere(number: int) -> str:
    digits = f"979{number:09d}"
    check = -sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(digits)) % 10
    return f"{digits}{check}"


def _write(file: Path, rows: Iterator[tuple[str, str, str, str]]) -> Iterator[int]:
    """Write the next list of wishes; yield once if there was any."""
    written = 0
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("isbn", "title", "author", "year"))
        for each in rows:
            writer.writerow(each)
            written += 1
            if written == _LIST:
                break
    if written:
        yield written


def report(offers: int, wishes: int, titles: int = 50, runs: int = 1, server: str = "") -> None:
    """Print the figures of so many offers and wishes, the medians of some runs.

    On SQLite, in databases of their own; or once in an empty one on a ``server`` of PostgreSQL.
    """
    found = _measured(offers, wishes, titles, 1 if server else runs, server)
    kind = "PostgreSQL" if server else "SQLite"
    print(f"{wishes:,} wishes, {titles} of 100 by title, against {offers:,} offers, {kind}")
    row("s to import the offers and take the wishes", found["made"])
    row("s to match", found["seconds"])
    row("ms of processor a pair, here and beside", *_each(found, offers, 1e3))
    row("ms of a step of 200 offers (95 of 100)", found["step_ms"])
    row("s of the first and of the last quarter", found["first_quarter"], found["last_quarter"])
    row("peak MB, here and beside", found["mb"], found["second_mb"])
    if not server:
        row("MB of the database", found["database_mb"])
    for outcome in ("registered", "matched", "waiting", "ambiguous"):
        row(f"wishes {outcome}", found[outcome])
    row("pairs/s", offers / found["seconds"])
    if offers < _MILLION:
        minutes = found["seconds"] * _MILLION / offers / 60
        row("minutes for a million, MULTIPLIED", minutes)
        row("  by the busier process alone", max(_each(found, offers, _MILLION / 60)))


def _each(found: dict[str, float], offers: int, times: float) -> tuple[float, float]:
    """Return the processor time for one offer, of the process that writes and of the second."""
    here, beside = found["processor"], found["second_processor"]
    return here / offers * times, beside / offers * times


def _measured(offers: int, wishes: int, titles: int, runs: int, server: str) -> dict[str, float]:
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            make(Path(folder), offers, wishes, titles, server)
            made = time.perf_counter() - began
            given = ("--folder", folder, "--server", server)
            found.append(child("benchmarks.matching", *given) | {"made": made})
    return medians(found)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=50_000)
    parser.add_argument("--wishes", type=int, default=50_000)
    parser.add_argument("--titles", type=int, default=50)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--server", default="", help="URL of an empty database of PostgreSQL")
    parser.add_argument("--folder", type=Path, help="measure the site in there, and print JSON")
    given = parser.parse_args()
    if given.folder:
        print(json.dumps(measure(given.folder, given.server)))
        return
    report(given.offers, given.wishes, given.titles, given.runs, given.server)


if __name__ == "__main__":
    main()
