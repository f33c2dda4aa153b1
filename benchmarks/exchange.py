"""Many waiting wishes meet many offers: seconds and memory, by keys of numbers and of titles.

    python -m benchmarks.exchange [--offers 50000] [--wishes 50000] [--titles 50] [--runs 1]

Books are offered on a list that is still a draft; a partner wishes for as many, of which nine
tenths are offered: ``--titles`` of a hundred wishes by title, author and year, the others by ISBN.
All of them wait. Then the list opens, and a worker makes the keys of every offer and answers every
wish. What is asked: 1,000,000 wishes against 1,000,000 offers within 15 minutes on two cores. The
figure for a million is this run's, multiplied: steps take longer as the index outgrows the memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.measuring import child, medians, peak_mb, row

# Wishes of one list: what a site takes at once.
_LIST = 50_000


def measure(folder: Path) -> dict[str, float]:
    """Open the list of the site in ``folder`` and match it; return the figures."""
    from service import worker
    from service.domain.offer import ListAction
    from service.domain.wish import MATCH_OFFERS
    from service.usecases import offering

    site = _site(folder)
    offering.change_list(site.db, "bench", ListAction.OPEN, site.now())
    held = worker.lease(site)
    assert held is not None
    assert held.kind == MATCH_OFFERS
    moments = [time.perf_counter()]
    assert worker.work(site, held, lambda *_: moments.append(time.perf_counter()))
    steps = sorted(b - a for a, b in pairwise(moments))
    quarter = max(1, len(moments) // 4)
    figures = {
        "seconds": moments[-1] - moments[0],
        "step_ms": steps[len(steps) * 95 // 100] * 1000,
        "first_quarter": moments[quarter] - moments[0],
        "last_quarter": moments[-1] - moments[-1 - quarter],
        "mb": peak_mb(),
        "database_mb": sum(f.stat().st_size for f in folder.glob("*.sqlite3*")) / 1e6,
    }
    figures |= _outcomes(site)
    site.db.close()
    return figures


def _outcomes(site: Any) -> dict[str, float]:
    from service.usecases import wishing

    counts: dict[str, float] = {"registered": 0, "matched": 0, "waiting": 0, "ambiguous": 0}
    for listed in wishing.list_wish_lists(site.db, None, "", 1000):
        shown = wishing.show(site.db, listed.public_id, None, limit=1)
        for outcome, number in shown.counts().items():
            counts[outcome] = counts.get(outcome, 0) + number
    return counts


def _site(folder: Path) -> Any:
    import logging

    import structlog

    from service.config import load
    from service.store.db import Database
    from service.usecases.site import Site

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = load({}, data_dir=folder, secret_key="benchmark")
    return Site(Database(settings.database), settings, time.time)


def make(folder: Path, offers: int, wishes: int, titles: int) -> None:
    """Make a site with a draft list of ``offers`` titles, and ``wishes`` that wait."""
    from benchmarks.sample import records
    from marc_mappings import iso2709
    from service import worker
    from service.store import schema
    from service.usecases import cataloguing, membership, offering, wishing

    site = _site(folder)
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


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=50_000)
    parser.add_argument("--wishes", type=int, default=50_000)
    parser.add_argument("--titles", type=int, default=50)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.folder:
        print(json.dumps(measure(given.folder)))
        return
    runs = []
    for _ in range(given.runs):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            make(Path(folder), given.offers, given.wishes, given.titles)
            made = time.perf_counter() - began
            runs.append(child("benchmarks.exchange", "--folder", folder) | {"made": made})
    found = medians(runs)
    print(
        f"medians of {given.runs} runs: {given.wishes:,} wishes, {given.titles} of 100 by title, "
        f"against {given.offers:,} offers"
    )
    row("s to import the offers and take the wishes", found["made"])
    row("s to match", found["seconds"])
    row("ms of a step of 200 offers (95th of 100)", found["step_ms"])
    row("s of the first and of the last quarter", found["first_quarter"], found["last_quarter"])
    row("peak MB", found["mb"])
    row("MB of the database", found["database_mb"])
    for outcome in ("registered", "matched", "waiting", "ambiguous"):
        row(f"wishes {outcome}", found[outcome])
    row("minutes for a million, multiplied", found["seconds"] * 1e6 / given.offers / 60)


if __name__ == "__main__":
    main()
