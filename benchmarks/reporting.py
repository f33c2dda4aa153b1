"""Statistics over a long ledger: every table, and the line for the press.

    python -m benchmarks.reporting [--entries 10000000] [--partners 552]

Entries are spread over partners in 117 places and ten years, sent and received, gifts and
exchange. They are made in the database, with sums that the same entries come to; what is timed are
the use-cases, in seconds by the clock, the worst of five runs. What is asked: under a second at
10,000,000 entries.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.measuring import peak_mb, row

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SERIES = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last})
INSERT INTO ledger_entry
(public_id, partner_id, direction, kind, material, event, event_key, on_date, year, place, city,
 titles, volumes, value, currency, actor, reason, created_at)
SELECT printf('%026d', i), partner.id, CASE i / 7 % 2 WHEN 0 THEN 'SENT' ELSE 'RECEIVED' END,
 CASE i / 3 % 2 WHEN 0 THEN 'GIFT' ELSE 'EXCHANGE' END, 'BOOK', 'DISPATCH', printf('%026d', i),
 printf('%d-06-01', 2016 + i / 11 % 10), 2016 + i / 11 % 10, partner.place, partner.city,
 1, 1 + i % 3, 0, '', 'bench', '', '2026-01-01 00:00:00'
FROM n JOIN partner ON partner.code = 'p' || (i % {partners})
"""
_SUMS = """
INSERT INTO ledger_total
SELECT partner_id, year, direction, kind, material, place, city, 0, currency,
 count(*), sum(titles), sum(volumes), sum(value)
FROM ledger_entry GROUP BY partner_id, year, direction, kind, material, place, city, currency
"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--partners", type=int, default=552)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), given.entries, given.partners)


def _measure(folder: Path, entries: int, partners: int) -> None:
    from service.store import schema
    from service.store.db import Database
    from service.usecases import membership, naming_places, reporting

    db = Database(f"sqlite:///{folder}/bench.sqlite3")
    schema.upgrade(db)
    places = sorted(naming_places.names(db))[:117]
    for number in range(partners):
        place = places[number % len(places)]
        membership.add_partner(
            db, code=f"p{number}", name=f"L {number}", city=f"C {number}", place=place, now=_NOW
        )
    with db.write() as conn:
        conn.exec_driver_sql(_SERIES.format(last=entries - 1, partners=partners))
        conn.exec_driver_sql(_SUMS)
    row("", "seconds")
    timed: dict[str, Callable[[], object]] = {"press line": partial(reporting.press_line, db)}
    for name in reporting.TABLES:
        timed[name] = partial(reporting.table, db, name, None, _NOW)
    for name, act in timed.items():
        worst = 0.0
        for _ in range(5):
            began = time.perf_counter()
            act()
            worst = max(worst, time.perf_counter() - began)
        row(name, f"{worst:.3f}")
    row("entries", f"{entries:,}")
    row("peak memory, MB", f"{peak_mb():.0f}")
    db.close()


if __name__ == "__main__":
    main()
