"""Making renditions anew when a crosswalk has changed, in small steps, beside all other work.

A rendition is replaced only where other bytes come out, and the offers and transfers that show it
are marked in the same transaction: the publisher gives them a stamp later than every answer that
held the old bytes. What comes out the same keeps its datestamp. A version is gone to once, with
all formats that are outdated, so that its items move once.

All versions are made anew, also those that nobody is shown now: one may be staged and committed
later, or kept by an offer that was pinned.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from service.domain import rendition
from service.domain.rendition import RERENDER, Rendition
from service.store import feed, jobs, renditions
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.renditions import Outdated, Place
from service.usecases.staging import Now, OnStep

log = structlog.get_logger(__name__)

# The job is about all versions, not about one row.
_ALL = 0
# Versions of one step. They are made before the step's transaction begins; that only writes.
_STEP = 50
# Seconds after which the job lets others have their turn (at once when another job waits), and how
# long it stays aside then.
_TURN = 10.0
_ASIDE = timedelta(seconds=1)
# Between two steps it rests as long as a step took, up to this many seconds.
_LONGEST_REST = 0.2
# A job that a newer program ordered waits this long for a worker of that program.
_FOR_NEWER = timedelta(minutes=1)


class Outlook(NamedTuple):
    """How what is stored stands to this program's crosswalks.

    ``outdated``: renditions that an earlier edition made; ``newer``: the prefixes under which a
    later one made some; ``job``: the newest job about it, or None.
    """

    outdated: int
    newer: list[str]
    job: Job | None


def outlook(db: Database) -> Outlook:
    """Return how what is stored stands to this program's crosswalks."""
    editions = rendition.editions()
    with db.read() as conn:
        return Outlook(
            renditions.outdated(conn, editions),
            renditions.newer(conn, editions),
            jobs.of_subject(conn, RERENDER, _ALL),
        )


def order(db: Database, now: datetime) -> bool:
    """Order a job if anything is outdated and none is on its way; return whether one was ordered.

    A program that finds what a newer one made leaves everything as it is, and says so. Any number
    of processes may call this at once.
    """
    found = outlook(db)
    if found.newer:
        log.warning("renditions_of_a_newer_version", prefixes=found.newer)
        return False
    if not found.outdated:
        return False
    editions = rendition.editions()
    with db.write() as conn:
        feed.lock_clock(conn)  # one at a time: whoever comes second sees the job of the first
        if _is_dealt_with(jobs.of_subject(conn, RERENDER, _ALL), editions, found.outdated):
            return False
        jobs.enqueue(conn, RERENDER, _ALL, found.outdated, now, _cursor(editions))
    log.info("rerendering_ordered", renditions=found.outdated, editions=editions)
    return True


def _is_dealt_with(last: Job | None, editions: Mapping[str, int], outdated: int) -> bool:
    """Whether the newest job is on its way, or has failed at just what is outdated still."""
    if last is None or last.state == jobs.DONE:
        return False
    if last.state == jobs.FAILED:
        return bool(last.cursor["editions"] == editions and last.cursor["failed"] >= outdated)
    return True


def _cursor(
    editions: Mapping[str, int], place: Place | None = None, failed: int = 0
) -> dict[str, Any]:
    """Return a job's cursor: for which editions it was ordered, how far it came, what failed."""
    return {"editions": dict(editions), "place": place and list(place), "failed": failed}


def rerender(db: Database, held: Job, now: Now, on_step: OnStep) -> None:
    """Make anew what is outdated, from the job's cursor on, until it is done or others wait.

    Raises ``LeaseLost`` when another worker took the job over; nothing of its step is kept then.
    """
    editions = rendition.editions()
    ordered = held.cursor["editions"]
    if any(editions.get(prefix, 0) < edition for prefix, edition in ordered.items()):
        with db.write() as conn:
            why = "this waits for a worker of the newer version that ordered it"
            jobs.postpone(conn, held, held.cursor, why, now() + _FOR_NEWER)
        return
    done, failed, stored = held.done, held.cursor["failed"], held.cursor["place"]
    if stored is None or ordered != editions:  # what an older program ordered begins anew
        failed, stored = 0, [next(iter(editions))]
    place = Place(*stored)
    until = time.monotonic() + _TURN
    while True:
        began = time.monotonic()
        with db.read() as conn:
            found, place = _next(conn, editions, place)
            aside = began >= until or jobs.another_waits(conn, held, now())
        if not found:
            _end(db, held, editions, failed, now())
            return
        step = _made(found, editions)
        done, failed = done + sum(len(each.bodies) for each in found), failed + step.failed
        with db.write() as conn:
            feed.lock_clock(conn)
            cursor = _cursor(editions, place, failed)
            jobs.advance(conn, held, cursor, done, now())
            _write(conn, step)
            if aside:
                jobs.postpone(conn, held, cursor, "", now() + _ASIDE)
        if aside:
            return
        on_step(held, done)
        time.sleep(min(time.monotonic() - began, _LONGEST_REST))


def _next(
    conn: Connection, editions: Mapping[str, int], place: Place
) -> tuple[list[Outdated], Place]:
    """Return the next versions to be made anew, one prefix after the other, and their end."""
    prefixes = [*editions]
    for prefix in prefixes[prefixes.index(place.prefix) :]:
        start = place if prefix == place.prefix else Place(prefix)
        found, end = renditions.next_outdated(conn, editions, start, _STEP)
        if found:
            return found, end
    return [], place


class _Step(NamedTuple):
    """What a step writes: (version id, rendition) that came out other, or the same; the rest."""

    changed: list[tuple[int, Rendition]]
    same: list[tuple[int, Rendition]]
    failed: int


def _made(found: Sequence[Outdated], editions: Mapping[str, int]) -> _Step:
    step, failed = _Step([], [], 0), 0
    for each in found:
        try:
            made = rendition.made_of(each.canonical, each.bodies)
        except Exception:
            # One record must not keep all others behind: it stays as it is, and a person is told.
            log.exception("rendition_not_made", version=each.version_id)
            failed += len(each.bodies)
            continue
        for prefix, body in made.items():
            kind = step.same if body == each.bodies[prefix] else step.changed
            kind.append((each.version_id, Rendition(prefix, editions[prefix], body)))
    return step._replace(failed=failed)


def _write(conn: Connection, step: _Step) -> None:
    renditions.confirm(conn, step.same)
    renditions.renew(conn, step.changed)
    renditions.mark_shown(conn, sorted({version_id for version_id, _ in step.changed}))


def _end(db: Database, held: Job, editions: Mapping[str, int], failed: int, now: datetime) -> None:
    with db.write() as conn:
        if failed:
            why = f"{failed} renditions could not be made anew and are as they were; see the log"
            jobs.fail(conn, held, why, now)
        else:
            jobs.finish(conn, held, now)
    log.info("rerendering_ended", editions=dict(editions), failed=failed)
