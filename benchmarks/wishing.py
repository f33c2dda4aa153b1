"""A wish list from the request to its last answer: seconds, lines/s and memory, for two lengths.

    python -m benchmarks.wishing [--offers 20000] [--lines 100000] [--short 10000] [--runs 1]

Every list is CSV: a fifth of the lines name an offer, three tenths have the ISBN of one, the rest
wait for what is not offered. It is received as the API receives it, answered by a worker's steps,
and then sent once more with ``mode=replace``, so that every wish is replaced and keeps its turn.
What is asked: 100,000 lines within a minute, and no more memory for them than for a tenth.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.measuring import child, medians, peak_mb, row


def measure(folder: Path, lines: int) -> dict[str, float]:
    """Send a list of ``lines`` lines twice to the site in ``folder``; return the figures."""
    import logging

    import structlog

    from service.config import load
    from service.store.db import Database
    from service.usecases import membership
    from service.usecases.site import Site

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = load({}, data_dir=folder, secret_key="benchmark")
    site = Site(Database(settings.database), settings, time.time)
    partner = membership.add_partner(
        site.db, code=f"p{time.time_ns()}", name="Benchmark", now=site.now()
    )
    file = folder / f"{partner.code}.csv"
    with file.open("w", encoding="utf-8") as out:
        out.write("identifier,isbn,quantity,note\n")
        out.writelines(_lines(site, lines))
    first = _send(site, partner, file, "append")
    again = _send(site, partner, file, "replace")
    site.db.close()
    return {
        "lines": lines,
        "received": first["received"],
        "seconds": first["seconds"],
        "step_ms": first["step_ms"],
        "replace_seconds": again["seconds"],
        "last_ms": again["last_ms"],
        "mb": peak_mb(),
    }


def _lines(site: Any, number: int) -> Iterator[str]:
    from service.usecases import offering

    offers = []
    after = ""
    while page := offering.browse(site.db, None, after=after, limit=1000):
        offers += [(each.public_id, each.isbns.split(" ")[0]) for each in page]
        after = page[-1].public_id
    for n in range(number):
        public_id, isbn = offers[n % len(offers)]
        if n % 10 < 2 and n < 10 * len(offers):
            yield f"oai:bookbridge.example.org:offer/{public_id},,1,\n"
        elif n % 10 < 5:
            yield f",{isbn},2,for the reading room\n"
        else:
            yield f",{_isbn(n)},1,\n"


def _isbn(number: int) -> str:
    digits = f"979{number:09d}"
    check = -sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(digits)) % 10
    return f"{digits}{check}"


def _send(site: Any, partner: Any, file: Path, mode: str) -> dict[str, float]:
    from service import worker
    from service.domain.wish import Mode, WishListState
    from service.usecases import wishing

    began = time.perf_counter()
    with file.open("rb") as body:
        request = wishing.Request(body, "text/csv", Mode(mode), list_key="main")
        taken = wishing.receive(
            site.db, partner, request, site.names(), site.wish_limits(), site.now()
        )
    received = time.perf_counter() - began
    moments = [time.perf_counter()]
    held = worker.lease(site)
    assert held is not None
    worker.work(site, held, lambda *_: moments.append(time.perf_counter()))
    ended = time.perf_counter()
    shown = wishing.show(site.db, taken.wish_list.public_id, partner, limit=1)
    assert shown.state is WishListState.ANSWERED, shown.error
    assert sum(shown.counts().values()) == shown.total
    steps = sorted(b - a for a, b in pairwise(moments))
    return {
        "received": received,
        "seconds": ended - began,
        "step_ms": steps[len(steps) * 95 // 100] * 1000,
        "last_ms": (ended - moments[-1]) * 1000,
    }


def make(folder: Path, offers: int) -> None:
    """Make a site with one open list of ``offers`` titles."""
    from benchmarks.sample import records
    from marc_mappings import iso2709
    from service import worker
    from service.config import load
    from service.domain.offer import ListAction
    from service.store import schema
    from service.store.db import Database
    from service.usecases import cataloguing, offering
    from service.usecases.site import Site

    settings = load({}, data_dir=folder, secret_key="benchmark")
    db = Database(settings.database)
    schema.upgrade(db)
    site = Site(db, settings, time.time)
    offering.create_list(db, slug="bench", title="Benchmark", now=site.now())
    offering.change_list(db, "bench", ListAction.OPEN, site.now())
    file = folder / "sample.mrc"
    with file.open("wb") as out:
        out.writelines(iso2709.write(record) for record in records(offers))
    with file.open("rb") as stream:
        cataloguing.receive(
            db, stream, file_name="sample.mrc", list_slug="bench", limit=10**10, now=site.now()
        )
    while (held := worker.lease(site)) is not None:
        worker.work(site, held, lambda *_: None)
    db.close()


def report(offers: int, lines: int, short: int, runs: int = 1) -> None:
    """Print the figures of a list of ``lines`` and one of ``short`` lines."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), offers)
        print(f"medians of {runs} runs, {offers:,} offers")
        found = {
            length: medians(
                [
                    child("benchmarks.wishing", "--folder", folder, "--lines", str(length))
                    for _ in range(runs)
                ]
            )
            for length in (short, lines)
        }
    row("lines", *(f"{length:,}" for length in found))
    for name, figure in (
        ("s until received (202)", "received"),
        ("s until answered", "seconds"),
        ("ms of a step (95th of 100)", "step_ms"),
        ("s until answered, replacing all", "replace_seconds"),
        ("ms of the step that replaces", "last_ms"),
        ("peak MB", "mb"),
    ):
        row(name, *(each[figure] for each in found.values()))
    rates = [each["lines"] / each["seconds"] for each in found.values()]
    row("lines/s", *rates)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=20_000)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--short", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.folder:
        print(json.dumps(measure(given.folder, given.lines)))
        return
    report(given.offers, given.lines, given.short, given.runs)


if __name__ == "__main__":
    main()
