"""One harvest of a source into the database, as a job.

Each page is one transaction: the headers that came, the bytes of the records behind those of the
pages before, and the point from which to go on. A worker that dies repeats one page at most. When
all pages are there, :mod:`service.usecases.concluding` draws what follows from them.

What fails is tried again with growing pauses, from the point; what trying again cannot mend waits
for a person. A harvest makes room for other jobs now and then.

Source: OAI-PMH sections 2.5, 2.5.1 and 3.5; ``docs/oai.md``, section Harvesting.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Final

import structlog

from oai.asking import Asking
from oai.fetching import Patience
from oai.harvest_errors import (
    AskedToWait,
    HarvestError,
    LimitReached,
    Looping,
    Note,
    Told,
)
from oai.harvest_records import Record
from oai.harvester import Page, Task, harvest
from oai.resume_point import Point, begin
from oai.windows import Granularity, plan
from service.domain.harvest import Harvest, HarvestState, Order, Remark, next_try
from service.domain.source import Source, SourceKind
from service.errors import BookbridgeError, Busy, Invalid, LeaseLost
from service.store import harvests, jobs, originals, sources
from service.store.db import Connection
from service.store.harvests import HarvestLine
from service.store.jobs import Job
from service.usecases import concluding
from service.usecases.fetching import NotPublic, Port
from service.usecases.harvesting_to_file import MARC_NAMESPACES, Wanted, envelope, planned
from service.usecases.leasing import beating
from service.usecases.sealing import unseal
from service.usecases.site import Site
from service.usecases.staging import OnStep

log = structlog.get_logger(__name__)

BRIEFLY: Final = Patience(tries=3, first=1.0, longest=5.0, longest_asked=10.0)
"""How long the worker itself waits; for longer pauses it gives the job back."""

# Seconds after which a harvest lets other jobs go first, and for how long.
_TURN = 30.0
_ASIDE = timedelta(seconds=1)
_LINES_AT_ONCE = 500


def work(
    site: Site,
    held: Job,
    on_step: OnStep,
    *,
    patience: Patience = BRIEFLY,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Go on with the harvest of a job from where it stands, until its end or until it must wait.

    Raises ``LeaseLost`` when another worker took the job over; nothing of its page is kept then.
    """
    with site.db.read() as conn:
        found = harvests.by_id(conn, held.subject_id)
        source = sources.by_id(conn, found.source_id)
    if found.state is not HarvestState.RUNNING:
        with site.db.write() as conn:
            jobs.finish(conn, held, site.now())
        return
    with closing(_Run(site, held, source, found, patience, sleep).steps()) as steps:
        while (done := _next(site, held, steps)) is not None:
            on_step(held, done)


def _next(site: Site, held: Job, steps: Iterator[int]) -> int | None:
    """Do one step; return how many records there are by now, or None at the end of the run."""
    try:
        return next(steps, None)
    except (LeaseLost, Busy):
        raise
    except HarvestError as error:
        _put_off(site, held, error)
    except BookbridgeError as error:
        _fail(site, held, error.detail)
    except Exception:
        if held.attempts >= jobs.MAX_ATTEMPTS:
            with site.db.write() as conn:
                found = harvests.by_id(conn, held.subject_id)
                why = "an internal error; the operator finds it in the log"
                harvests.move(conn, found, HarvestState.FAILED, error=why)
        raise
    return None


class _Run:
    """One run of a harvest: from the point that is stored to the next one that is not a page."""

    def __init__(
        self,
        site: Site,
        held: Job,
        source: Source,
        found: Harvest,
        patience: Patience,
        sleep: Callable[[float], None],
    ) -> None:
        self._site, self._held, self._source, self._found = site, held, source, found
        self._patience, self._sleep = patience, sleep

    def steps(self) -> Generator[int, None, None]:
        """Do the harvest a transaction at a time."""
        began = time.monotonic()
        with beating(self._site, self._held) as alive, closing(self._port()) as port:
            asking = Asking(port, self._site.clock, self._sleep, random.random, self._patience)
            if self._found.point is None:
                self._plan(asking)
                yield 0
            point = _point(self._found)
            for page in harvest(asking, _task(self._found.order), point):
                alive()
                self._keep(page)
                yield self._found.records
                if time.monotonic() - began > _TURN and page.point.windows:
                    self._step_aside()
                    return
        with beating(self._site, self._held) as alive:
            for done in concluding.conclude(self._site, self._held, self._source, self._found):
                alive()
                yield done

    def _port(self) -> Port:
        credentials = None
        if self._source.credentials is not None:
            secrets = self._source.credentials
            name, _, secret = unseal(self._site.settings, secrets).partition("\n")
            credentials = (name, secret)
        networks = self._site.settings.reachable_networks
        return Port(self._source.url, networks=networks, credentials=credentials)

    def _plan(self, asking: Asking) -> None:
        """Ask the provider who it is, and keep where the harvest begins."""
        source, order = self._source, self._found.order
        from_ = order.from_
        if from_ is None and not order.full:
            from_ = source.next_from
        wanted = Wanted(source.url, source.prefix, source.set, from_)
        standing, notes = planned(asking, wanted)
        if source.kind is not SourceKind.WISHES and standing.namespace not in MARC_NAMESPACES:
            raise Invalid(
                f"the provider's {standing.task.prefix} is no MARC, and a catalogue is made of "
                "MARC: name another prefix with --prefix, or ask the partner to offer marc21",
                field="prefix",
            )
        point = standing.point
        if order.from_ is None and standing.deleted_record != "persistent" and not point.full:
            # It keeps no deletions: only a full list tells what is gone.
            windows = plan(None, None, standing.task.granularity)
            point = begin(windows, self._site.clock())
        order = replace(
            order,
            full=point.full,
            namespace=standing.namespace,
            deleted_record=standing.deleted_record,
            prefix=standing.task.prefix,
            set=standing.task.set,
            granularity=int(standing.task.granularity),
            earliest=standing.task.earliest,
        )
        opening = _opening(self._found, order)
        now = self._site.now()
        with self._site.db.write() as conn:
            jobs.advance(conn, self._held, {}, 0, now)
            original_id = originals.begin(conn, now)
            originals.append(conn, original_id, 0, [opening])
            self._found = replace(
                self._found,
                order=order,
                point=_stored(point),
                original_id=original_id,
                octets=len(opening),
                remarks=self._found.remarks.and_also(map(_remark, notes)),
                error="",
                tries=0,
            )
            harvests.keep(conn, self._found)

    def _keep(self, page: Page) -> None:
        """Keep a page, and the point behind it."""
        point, found = page.point, self._found
        assert found.original_id is not None  # noqa: S101 - a planned harvest has one
        with self._site.db.write() as conn:
            jobs.advance(conn, self._held, {}, point.records, self._site.now())
            offers_alone = self._source.kind is SourceKind.OFFERS
            octets, left_out = _keep_records(conn, found, page, offers_alone=offers_alone)
            self._found = replace(
                found,
                point=_stored(point),
                pages=point.pages,
                records=point.records,
                deleted=point.deleted,
                octets=octets,
                remarks=found.remarks.and_also([*map(_remark, page.notes), *left_out]),
                error="",
                tries=0,
            )
            harvests.keep(conn, self._found)

    def _step_aside(self) -> None:
        until = self._site.now() + _ASIDE
        with self._site.db.write() as conn:
            jobs.postpone(conn, self._held, {}, "", until)


def _is_given(record: Record) -> bool:
    """Whether this is what a partner gave us: with credentials it stands beside its offers."""
    return any(spec.partition(":")[0] == "given" for spec in record.sets)


def _keep_records(
    conn: Connection, found: Harvest, page: Page, *, offers_alone: bool
) -> tuple[int, list[Remark]]:
    """Keep the headers of a page and the bytes of its records.

    Returns the length of the original, and a remark if something was no offer and left out. A page
    may be large, so neither headers nor records are held as a whole.
    """
    assert found.original_id is not None  # noqa: S101 - a planned harvest has one
    at = found.octets
    position = harvests.next_position(conn, found.id)
    lines: list[HarvestLine] = []
    waiting = bytearray()
    left_out = 0
    for record in page.records:
        if offers_alone and _is_given(record):
            left_out += 1
            continue
        line = _line(record, position, at + len(waiting))
        if line.length:
            waiting += record.metadata or b""
            waiting += b"\n"
        lines.append(line)
        position += 1
        if len(lines) >= _LINES_AT_ONCE:
            harvests.add_lines(conn, found.id, lines)
            lines = []
        while len(waiting) >= originals.PIECE:
            originals.append(conn, found.original_id, at, [bytes(waiting[: originals.PIECE])])
            del waiting[: originals.PIECE]
            at += originals.PIECE
    harvests.add_lines(conn, found.id, lines)
    if waiting:
        originals.append(conn, found.original_id, at, [bytes(waiting)])
    told = f"{left_out} records were given to us; they are no offers and were left out"
    return at + len(waiting), [Remark("given", told)] if left_out else []


def _line(record: Record, position: int, offset: int) -> HarvestLine:
    about = b"\n".join(record.about) or None
    line = HarvestLine(position, record.identifier, record.datestamp, record.deleted, about)
    if record.deleted or record.metadata is None:
        return line
    return line._replace(offset=offset, length=len(record.metadata))


# --- what did not go well -----------------------------------------------------------------------

# What another try does not mend: a person has to look at it.
_FINAL: Final = (Looping, LimitReached, Told)


def _put_off(site: Site, held: Job, error: HarvestError) -> None:
    """Keep why a harvest could not go on, and when it is tried again."""
    now = site.now()
    with site.db.write() as conn:
        found = harvests.by_id(conn, held.subject_id)
        tries = found.tries + 1
        asked = error.wait if isinstance(error, AskedToWait) else 0.0
        again = next_try(tries, asked, now)
        told = _sentence(error)
        log.warning("harvest_failed", code=error.code, reason=told, tries=tries)
        notes = [*map(_remark, error.notes), Remark(error.code, told)]
        remarks = found.remarks.and_also(notes)
        harvests.keep(conn, replace(found, remarks=remarks, error=told, tries=tries))
        if again is None or isinstance(error, _FINAL) or isinstance(error.__cause__, NotPublic):
            harvests.move(conn, found, HarvestState.FAILED, error=told)
            jobs.fail(conn, held, told, now)
        else:
            jobs.postpone(conn, held, {}, told, again)


def _fail(site: Site, held: Job, why: str) -> None:
    """End a harvest that a person has to look at."""
    with site.db.write() as conn:
        found = harvests.by_id(conn, held.subject_id)
        harvests.move(conn, found, HarvestState.FAILED, error=why)
        jobs.fail(conn, held, why, site.now())


def _sentence(error: HarvestError) -> str:
    said = error.message.strip().rstrip(".")
    excerpt = " ".join(error.excerpt.decode("utf-8", "replace").split())[:300]
    return f"{said}. The answer began: {excerpt}" if excerpt else f"{said}."


# --- what is stored -----------------------------------------------------------------------------


def _opening(found: Harvest, order: Order) -> bytes:
    """Return what stands before the records.

    It names the harvest, so that two that bring the same records are two originals.
    """
    opening, _ = envelope(order.namespace)
    return opening + f"<!-- harvest {found.public_id} -->\n".encode()


def _task(order: Order) -> Task:
    return Task(order.prefix, order.set, Granularity(order.granularity), order.earliest)


def _point(found: Harvest) -> Point:
    return concluding.point_of(found)


def _stored(point: Point) -> dict[str, Any]:
    return asdict(point)


def _remark(note: Note) -> Remark:
    return Remark(note.code, note.message, note.identifier)
