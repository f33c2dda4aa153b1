"""A list is planned and confirmed: seconds and memory for many copies among many wishes.

    python -m benchmarks.allocating [--copies 100000] [--wishes 1000000] [--partners 500]
                                    [--runs 1] [--server URL]

Each title has one copy, and is wished for by as many partners as there are wishes to go round; a
fifth of the partners have a profile, half of them received something before. The list is planned by
PRIORITY and confirmed as `bookbridge allocate --confirm` does it, then planned once more in another
database with the same seed: both must decide alike. That who got nothing waits again for the next
offer belongs to matching, and counts apart. What is asked: 100,000 copies among 1,000,000
wishes within two minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measuring import child, medians, peak_mb, row

_SLUG = "bench"
_PER_LIST = 1000
_START = datetime(2026, 1, 1, tzinfo=UTC)


def make(url: str, copies: int, wishes: int, partners: int) -> None:
    """Make a closed list of ``copies`` titles, for which so many partners have ``wishes``."""
    from service.store import bulk, tables

    db = _database(url)
    with db.write() as conn:
        original = _one(conn, tables.original, sha256=None, size=0, received_at=_START)
        list_id = _one(
            conn,
            tables.offer_list,
            public_id=_name("L", 0),
            slug=_SLUG,
            title=_SLUG,
            state="CLOSED",
            audience_id=1,
            created_at=_START,
        )
        _make_partners(conn, partners)
        _make_titles(conn, copies, list_id, original)
        names = (
            *("id", "public_id", "partner_id", "channel", "list_key", "mode", "media_type"),
            *("original_id", "request_digest", "received_at"),
        )
        lists = [
            (
                n,
                _name("W", n),
                n % partners + 1,
                "api",
                "",
                "append",
                "text/csv",
                original,
                b"",
                _START,
            )
            for n in range(1, wishes // _PER_LIST + partners + 2)
        ]
        bulk.insert(conn, tables.wish_list, names, lists)
    names = (
        *("wish_list_id", "line_no", "partner_id", "line", "outcome", "reason", "offer_id"),
        *("quantity", "note", "target", "state", "wished_at", "score"),
    )
    rows: list[Any] = []
    for each in _wishes(copies, wishes, partners):
        rows.append(each)
        if len(rows) == 20_000:
            with db.write() as conn:
                bulk.insert(conn, tables.wish, names, rows)
            rows = []
    with db.write() as conn:
        bulk.insert(conn, tables.wish, names, rows)
        if not db.is_sqlite:
            conn.exec_driver_sql("ANALYZE")
    db.close()


def _wishes(copies: int, wishes: int, partners: int) -> Iterator[tuple[Any, ...]]:
    """Yield wishes title by title, each of as many partners; lists are filled one by one."""
    chance = random.Random("bench")  # noqa: S311 - data, not secrets
    lines: dict[int, tuple[int, int]] = {}
    # List n belongs to partner n % partners + 1.
    next_list = {who: who - 1 or partners for who in range(1, partners + 1)}
    each, more = divmod(wishes, copies)
    for title in range(1, copies + 1):
        for who in chance.sample(range(1, partners + 1), min(partners, each + (title <= more))):
            list_id, line = lines.get(who, (0, _PER_LIST))
            if line == _PER_LIST:
                list_id, line = next_list[who], 0
                next_list[who] += partners
            lines[who] = (list_id, line + 1)
            when = _START + timedelta(seconds=list_id)
            yield (
                *(list_id, line + 1, who, "", "registered", "The offer you named.", title),
                *(1, "", f"offer:{_name('O', title)}", "OPEN", when, 1.0),
            )


def _make_partners(conn: Any, number: int) -> None:
    from service.store import bulk, tables

    chance = random.Random("partners")  # noqa: S311 - data, not secrets
    codes = [f"{a}{b}" for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJKL"]
    names = ("id", "public_id", "code", "name", "city", "place", "state", "created_at")
    names += ("priority", "profile")
    profile = {"languages": ["kor"], "words": ["history", "library"]}
    bulk.insert(
        conn,
        tables.partner,
        names,
        [
            (
                n,
                _name("P", n),
                f"p{n}",
                f"Library {n}",
                "",
                chance.choice(codes),
                "ACTIVE",
                _START,
                chance.randint(1, 3),
                profile if n % 5 == 0 else None,
            )
            for n in range(1, number + 1)
        ],
    )


def _make_titles(conn: Any, number: int, list_id: int, original: int) -> None:
    from benchmarks.sample import records
    from marc_mappings import iso2709
    from service.store import bulk, tables

    now = _START
    bulk.insert(
        conn,
        tables.record,
        ("id", "public_id", "created_at"),
        [(n, _name("R", n), now) for n in range(1, number + 1)],
    )
    bulk.insert(
        conn,
        tables.record_version,
        (
            "id",
            "record_id",
            "canonical",
            "digest",
            "original_id",
            "original_offset",
            "original_length",
            "created_at",
            "title",
            "title_vernacular",
            "author",
            "author_vernacular",
            "publisher",
            "published",
            "place",
            "languages",
            "isbns",
        ),
        [
            (
                n,
                n,
                iso2709.write(made),
                n.to_bytes(32, "big"),
                original,
                0,
                0,
                now,
                f"History {n}",
                "",
                "",
                "",
                "",
                "",
                "KR",
                "kor" if n % 2 else "eng",
                "",
            )
            for n, made in enumerate(records(number), 1)
        ],
    )
    keys = [(kind, str(n), n) for n in range(1, number + 1) for kind in ("isbn", "control")]
    bulk.insert(conn, tables.match_key, ("kind", "value", "version_id"), keys)
    bulk.insert(
        conn,
        tables.offer,
        ("id", "public_id", "list_id", "record_id", "pinned_version_id", "state", "created_at"),
        [(n, _name("O", n), list_id, n, n, "OFFERED", now) for n in range(1, number + 1)],
    )


def _name(kind: str, number: int) -> str:
    return f"0{kind}".ljust(3, "0") + f"{number:023d}"


def _one(conn: Any, table: Any, **values: Any) -> int:
    return int(conn.execute(table.insert().values(**values).returning(table.c.id)).scalar_one())


def _database(url: str) -> Any:
    from service.store import schema
    from service.store.db import Database

    db = Database(url)
    schema.upgrade(db)
    return db


def measure(url: str, *, confirm: bool) -> dict[str, Any]:
    """Plan the list, and confirm it; return the figures and the digest of what was decided.

    What comes after the last copy is given – wishes wait again, partners are told – counts apart.
    """
    from service.domain.allocation import AllocationPolicy
    from service.usecases import allocating, confirming, planning, waiting_again

    db = _timed(url)

    def now() -> datetime:
        return datetime.now(UTC)

    def wait_again(*given: Any) -> None:
        db.phase("give")
        waits(*given)
        db.phase("wait")

    waits = waiting_again.wait_again
    db.phase("start")
    planning.plan(db, _SLUG, now(), policy=AllocationPolicy.PRIORITY, seed="2026", by="bench")
    db.phase("plan")
    if confirm:
        waiting_again.wait_again = wait_again  # type: ignore[assignment]
        confirming.confirm(db, _SLUG, now, by="bench")
        db.phase("tell")
    peak = peak_mb()
    digest = hashlib.sha256()
    run = allocating.show(db, _SLUG).run
    for each in allocating.all_decisions(db, run):
        said = (each.position, each.partner, each.offer, each.rank, each.given, each.reason)
        digest.update(repr(said).encode())
    db.close()
    return {
        **db.figures,
        "mb": peak,
        "wishes": run.wishes,
        "given": run.given,
        "decided": int(digest.hexdigest()[:12], 16),
    }


def _timed(url: str) -> Any:
    """Return a database that tells how long each phase took, and its longest transaction."""
    from service.store.db import Connection, Database

    class Timed(Database):
        """``figures`` has for each phase seconds, processor seconds, and ms of transactions."""

        def __init__(self, url: str) -> None:
            super().__init__(url)
            self.figures: dict[str, float] = {}
            self._began = (0.0, 0.0)
            self._held: list[float] = []

        def phase(self, name: str) -> None:
            """End a phase of this name; the next one begins."""
            ended = (time.perf_counter(), time.process_time())
            held = sorted(self._held) or [0.0]
            self.figures |= {
                f"{name}_seconds": ended[0] - self._began[0],
                f"{name}_processor": ended[1] - self._began[1],
                f"{name}_longest": held[-1] * 1000,
                f"{name}_most": held[len(held) * 95 // 100] * 1000,
            }
            self._held = []
            self._began = (time.perf_counter(), time.process_time())

        @contextmanager
        def write(self, *given: Any, **named: Any) -> Iterator[Connection]:
            """Open a transaction, and note for how long it was open, with its end."""
            with ExitStack() as stack:
                conn = stack.enter_context(super().write(*given, **named))
                began = time.perf_counter()
                yield conn
                stack.close()
                self._held.append(time.perf_counter() - began)

    return Timed(url)


_PHASES = (
    ("plan", "planning"),
    ("give", "confirming: copies given"),
    ("tell", "confirming: partners told"),
    ("wait", "who got nothing waits again"),
)


def report(copies: int, wishes: int, partners: int = 500, runs: int = 1, server: str = "") -> None:
    """Print the figures of so many copies and wishes, the medians of some runs.

    On SQLite, in databases of their own; or once in an empty one on a ``server`` of PostgreSQL.
    """
    with tempfile.TemporaryDirectory() as folder:
        found, again = _measured(Path(folder), copies, wishes, partners, runs, server)
    kind = "PostgreSQL" if server else "SQLite"
    print(f"{copies:,} copies, {wishes:,} wishes, {partners:,} partners, {kind}")
    row("", "s", "processor, s", "longest, ms", "95 of 100")
    for name, said in _PHASES:
        row(said, *(found[f"{name}_{n}"] for n in ("seconds", "processor", "longest", "most")))
    asked = [name for name, _ in _PHASES if name != "wait"]
    row(
        "planned, confirmed and told",
        *(sum(found[f"{name}_{n}"] for name in asked) for n in ("seconds", "processor")),
    )
    row("peak MB", found["mb"])
    row("wishes decided on", found["wishes"])
    row("copies given", found["given"])
    if again is not None:
        row("the same again from the same seed", "yes" if again else "NO")


def _measured(
    folder: Path, copies: int, wishes: int, partners: int, runs: int, server: str
) -> tuple[dict[str, float], bool | None]:
    """Return the figures, and whether a plan in another database came out the same."""
    if server:
        make(server, copies, wishes, partners)
        return child("benchmarks.allocating", "--url", server), None
    ready = folder / "ready.sqlite3"
    make(f"sqlite:///{ready}", copies, wishes, partners)
    found = []
    for n in range(runs):
        here = folder / f"{n}.sqlite3"
        shutil.copy(ready, here)
        found.append(child("benchmarks.allocating", "--url", f"sqlite:///{here}"))
        here.unlink()
    again = child("benchmarks.allocating", "--url", f"sqlite:///{ready}", "--plan-only")
    return medians(found), {run["decided"] for run in found} == {again["decided"]}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=100_000)
    parser.add_argument("--wishes", type=int, default=1_000_000)
    parser.add_argument("--partners", type=int, default=500)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--server", default="", help="an empty database of PostgreSQL, its URL")
    parser.add_argument("--url", help="measure the list in this database, and print JSON")
    parser.add_argument("--plan-only", action="store_true")
    given = parser.parse_args()
    if given.url:
        print(json.dumps(measure(given.url, confirm=not given.plan_only)))
        return
    report(given.copies, given.wishes, given.partners, given.runs, given.server)


if __name__ == "__main__":
    main()
