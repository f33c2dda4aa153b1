"""Sources and their harvests looked at."""

from __future__ import annotations

from typing import NamedTuple

from service.domain.harvest import HARVEST, Harvest, HarvestState
from service.domain.source import Source, SourceState
from service.errors import NotFound
from service.store import harvests, imports, jobs, public_ids, sources
from service.store.db import Connection, Database
from service.store.jobs import Job


class Standing(NamedTuple):
    """A source, its newest harvest, and the job that works or worked on that."""

    source: Source
    harvest: Harvest | None
    job: Job | None


class Past(NamedTuple):
    """A harvest, and the public id of the batch that it brought, ``""`` for none."""

    harvest: Harvest
    batch: str


def list_sources(db: Database, after: str = "", limit: int = 1000) -> list[Standing]:
    """Return sources by name, behind ``after``, each with its newest harvest."""
    with db.read() as conn:
        return [standing_of(conn, each) for each in sources.listed(conn, after, limit)]


def find_source(db: Database, name_or_id: str) -> Standing:
    """Return a source by its name or public id; raise ``NotFound``."""
    with db.read() as conn:
        return standing_of(conn, known_source(conn, name_or_id))


def list_harvests(db: Database, name_or_id: str, before: str = "", limit: int = 20) -> list[Past]:
    """Return harvests of a source, the newest first, older than the public id ``before``."""
    with db.read() as conn:
        found = harvests.of_source(conn, known_source(conn, name_or_id).id, before, limit)
        return [_past(conn, each) for each in found]


def find_harvest(db: Database, harvest_id: int) -> Past:
    """Return one harvest as it stands."""
    with db.read() as conn:
        return _past(conn, harvests.by_id(conn, harvest_id))


def _past(conn: Connection, found: Harvest) -> Past:
    batch = "" if found.batch_id is None else imports.by_id(conn, found.batch_id).public_id
    return Past(found, batch)


def at_work(conn: Connection, source: Source) -> bool:
    """Whether a source is being harvested."""
    last = harvests.last(conn, source.id)
    return last is not None and last.state is HarvestState.RUNNING


def known_source(conn: Connection, name_or_id: str) -> Source:
    """Return a source within a transaction, by its name or public id; raise ``NotFound``."""
    found = sources.by_name(conn, name_or_id)
    if found is None and (public_id := public_ids.read(name_or_id)):
        found = sources.by_public_id(conn, public_id)
    if found is None or found.state is SourceState.REMOVED:
        raise NotFound(f"there is no source named {name_or_id!r}")
    return found


def standing_of(conn: Connection, source: Source) -> Standing:
    """Return a source with its newest harvest within a transaction."""
    last = harvests.last(conn, source.id)
    job = None if last is None else jobs.of_subject(conn, HARVEST, last.id)
    return Standing(source, last, job)
