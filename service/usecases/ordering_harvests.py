"""Harvests of sources are begun: by a person's command, or by a worker when a source is due.

Both only put it into the queue; :mod:`service.usecases.harvesting` does it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.domain.audit_entry import COMMAND_LINE
from service.domain.harvest import HARVEST, Harvest, HarvestState, Order
from service.domain.source import Source, SourceState
from service.errors import Conflict
from service.store import audit_log, harvests, jobs, originals, sources
from service.store.db import Connection, Database
from service.usecases import reading_sources
from service.usecases.reading_sources import Standing


def begin(
    db: Database,
    name: str,
    *,
    full: bool = False,
    from_: int | None = None,
    accept_vanished: bool = False,
    by: str = COMMAND_LINE,
    now: datetime,
) -> Standing:
    """Put a harvest of a source into the queue, or one that stopped or failed back into it.

    ``full``: all there is, and what is not there any more is gone. ``from_``: what changed since
    that stamp. ``accept_vanished``: a person's yes to so much being gone. Raises ``NotFound``, and
    ``Conflict`` where another harvest of the source, with other words, is at work.
    """
    with db.write() as conn:
        source = sources.lock(conn, reading_sources.known_source(conn, name).id)
        last = harvests.last(conn, source.id)
        order = Order(
            full=full or (from_ is None and source.next_from is None),
            from_=from_,
            accept_vanished=accept_vanished,
            covers=from_ is None or (source.next_from is not None and from_ <= source.next_from),
        )
        if last is not None and last.state is HarvestState.RUNNING:
            if full or from_ is not None or accept_vanished:
                raise Conflict(f"source {name!r} is being harvested already; wait for its end")
            standing = reading_sources.standing_of(conn, source)
            if standing.job is not None:
                jobs.hurry(conn, standing.job.id)  # it may wait for its next try
            return standing
        anew = full or from_ is not None
        if not _goes_on(conn, last, order, anew=anew, now=now):
            abandon(conn, last, now)
            _start(conn, source, order, now)
        said = {"full": full, "from": from_, "accept_vanished": accept_vanished}
        audit_log.write(
            conn,
            by=by,
            action="ordered a harvest of",
            kind="source",
            name=source.name,
            now=now,
            after=said,
        )
        return reading_sources.standing_of(conn, sources.by_id(conn, source.id))


def begin_due(db: Database, now: datetime) -> int:
    """Put a harvest of every source whose moment has come into the queue; return how many.

    Safe to run from several workers.
    """
    with db.read() as conn:
        due = sources.due(conn, now)
    begun = 0
    for source_id in due:
        with db.write() as conn:
            source = sources.lock(conn, source_id)
            if source_id not in sources.due(conn, now):
                continue  # another worker was quicker
            last = harvests.last(conn, source_id)
            if last is not None and last.state is HarvestState.RUNNING:
                sources.set_due(conn, source_id, None)  # its end says when it is due again
                continue
            abandon(conn, last, now)
            _start(conn, source, Order(full=source.next_from is None), now)
            begun += 1
    return begun


def next_due(source: Source, now: datetime) -> datetime | None:
    """Return when a source is harvested next, after a harvest that ended ``now``."""
    if source.state is not SourceState.ACTIVE or not source.every:
        return None
    return now + timedelta(seconds=source.every)


def _start(conn: Connection, source: Source, order: Order, now: datetime) -> None:
    made = harvests.add(conn, source.id, order, now)
    jobs.enqueue(conn, HARVEST, made.id, 0, now)
    sources.set_due(conn, source.id, None)


def _goes_on(
    conn: Connection, last: Harvest | None, order: Order, *, anew: bool, now: datetime
) -> bool:
    """Put a harvest that stopped or failed back into the queue, if that is what is asked for."""
    if last is None:
        return False
    accepted = last.state is HarvestState.STOPPED and order.accept_vanished
    if not accepted and (anew or last.state is not HarvestState.FAILED):
        return False
    if order.accept_vanished:
        harvests.accept_vanished(conn, last)
    harvests.move(conn, last, HarvestState.RUNNING)
    jobs.enqueue(conn, HARVEST, last.id, 0, now)
    sources.set_due(conn, last.source_id, None)
    return True


def abandon(conn: Connection, last: Harvest | None, now: datetime) -> None:
    """Let a harvest that stopped or failed be; another one takes its place."""
    if last is None or last.state not in {HarvestState.STOPPED, HarvestState.FAILED}:
        return
    harvests.move(conn, last, HarvestState.ABANDONED, error=last.error, finished_at=now)
    if last.original_id is not None:
        harvests.forget_original(conn, last)
        originals.discard(conn, last.original_id)
