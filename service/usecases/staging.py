"""Staging a file: every record is read, kept with all that is made of it, and reported.

Nobody but the cataloguer sees any of it until it is committed. A step's records, its lines of the
report and the job's cursor are one transaction. Before the first step the file is surveyed as a
whole, because one record is often too short to tell its encoding or dialect.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import BinaryIO

from marc_mappings import formats
from marc_mappings.survey import Said
from service.domain import import_batch as rules
from service.domain.import_batch import (
    COMMIT,
    Action,
    Batch,
    BatchState,
    Finding,
    Known,
    Line,
    Surveyed,
    problem_entry,
)
from service.domain.record_version import NewVersion
from service.store import imports, jobs, originals, readings, records
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.records import Kept
from service.usecases import identifying, preparing
from service.usecases.identifying import Arrival
from service.usecases.preparing import Prepared

Now = Callable[[], datetime]  # the moment, aware, UTC
OnStep = Callable[[Job, int], None]  # the job, and octets or records done so far


# How often a survey of a large file says that its worker is alive.
_SIGN_OF_LIFE = timedelta(seconds=5)


def stage(db: Database, held: Job, now: Now, on_step: OnStep) -> None:
    """Read the file from the job's cursor on, keep every record, and write the report.

    Raises ``LeaseLost`` when another worker took the job over; nothing of its step is kept then.
    """
    with db.read() as conn:
        batch = imports.by_id(conn, held.subject_id)
        others = readings.others(conn, batch)
        arrival = identifying.of_batch(conn, batch)
    start = formats.Start(held.cursor.get("position", 0), held.cursor.get("offset", 0))
    surveying = _Surveying(db, held, now, on_step)
    source = _source(db, batch, surveying)
    said = Said(batch.encoding_said, batch.dialect_said)
    opened = formats.open_stream(source, start=start, said=said)
    surveying.ends(batch, opened)
    left = held.total - start.offset
    for step in preparing.steps(opened.slices, batch.original_id, left):
        done = step[-1].offset + step[-1].length
        with db.write() as conn:
            cursor = {"position": step[-1].position, "offset": done}
            jobs.advance(conn, held, cursor, done, now())
            if arrival is None:
                _stage_step(conn, batch, others, step, now())
            else:
                _stage_harvested(conn, batch, arrival, step, now())
        on_step(held, done)
    with db.write() as conn:
        jobs.finish(conn, held, now())
        if batch.stage_only:
            imports.set_state(conn, batch.id, [BatchState.STAGING], BatchState.STAGED)
        else:
            imports.set_state(conn, batch.id, [BatchState.STAGING], BatchState.COMMITTING)
            jobs.enqueue(conn, COMMIT, batch.id, imports.counts(conn, batch.id).read, now())


class _Surveying:
    """Keeps the job while a file is surveyed, which may take longer than a lease."""

    def __init__(self, db: Database, held: Job, now: Now, on_step: OnStep) -> None:
        self._db, self._held, self._now, self._on_step = db, held, now, on_step
        self._due = now() + _SIGN_OF_LIFE
        self._over = False

    def goes_on(self) -> None:
        """Say now and then that the worker is alive; called for every piece that is read."""
        if self._over or self._now() < self._due:
            return
        with self._db.write() as conn:
            jobs.prolong(conn, self._held, self._now())
        self._on_step(self._held, self._held.done)
        self._due = self._now() + _SIGN_OF_LIFE

    def ends(self, batch: Batch, opened: formats.Opened) -> None:
        """Keep what was found, once: a reading that goes on later finds the same."""
        self._over = True
        if batch.surveyed is not None:
            return
        encoding, dialect = opened.survey.encoding, opened.survey.dialect
        found = Surveyed(
            Finding(encoding.encoding, encoding.certain, encoding.evidence),
            Finding(dialect.dialect, dialect.certain, dialect.evidence),
        )
        with self._db.write() as conn:
            jobs.prolong(conn, self._held, self._now())
            imports.keep_survey(conn, batch.id, found)


def _source(db: Database, batch: Batch, surveying: _Surveying) -> BinaryIO:
    """Return the file as it came, to be read and sought in."""

    def fetch(offset: int) -> tuple[int, bytes]:
        surveying.goes_on()
        with db.read() as conn:
            return originals.piece_at(conn, batch.original_id, offset)

    return io.BufferedReader(originals.Reader(fetch), originals.PIECE)


def _stage_step(
    conn: Connection,
    batch: Batch,
    others: Sequence[int],
    prepared: Sequence[Prepared],
    now: datetime,
) -> None:
    known = _known(conn, batch, others, prepared)
    decisions: list[rules.Decision] = []
    to_keep: list[NewVersion] = []
    # Later records of the same step refer to versions that are not written yet: by place in line.
    same_step: dict[bytes, int] = {}
    keys_of_step: set[str] = set()
    places: list[int | None] = []
    for each in prepared:
        version = each.version
        if version is None:
            decisions.append(rules.Decision(Action.NONE))
            places.append(None)
            continue
        facts = known(each.position, version)
        if facts.same is None and facts.same_in_file is None and version.digest in same_step:
            decisions.append(rules.decide(Known(same_in_file=(0, 0))))
            places.append(same_step[version.digest])
            continue
        if version.control_key in keys_of_step:
            facts = facts._replace(control_key_in_file=True)
        decision = rules.decide(facts)
        decisions.append(decision)
        if decision.action is Action.DUPLICATE:
            places.append(None)
            continue
        same_step[version.digest] = len(to_keep)
        if version.control_key:
            keys_of_step.add(version.control_key)
        places.append(len(to_keep))
        if decision.record_id is not None:
            version = replace(version, record_id=decision.record_id)
        to_keep.append(version)
    kept = records.add_versions(conn, to_keep, now)
    imports.add_lines(
        conn,
        batch.id,
        [
            _line(each, decision, None if place is None else kept[place])
            for each, decision, place in zip(prepared, decisions, places, strict=True)
        ],
    )


def _stage_harvested(
    conn: Connection, batch: Batch, arrival: Arrival, prepared: Sequence[Prepared], now: datetime
) -> None:
    """Stage what a partner's provider named: there its identifier says which record it is."""
    decided = identifying.decide(conn, arrival, prepared)
    kept = iter(records.add_versions(conn, [version for _, version in decided if version], now))
    lines = [
        _line(each, decision, next(kept) if version else None)
        for each, (decision, version) in zip(prepared, decided, strict=True)
    ]
    imports.add_lines(conn, batch.id, lines)


def _known(
    conn: Connection, batch: Batch, others: Sequence[int], prepared: Sequence[Prepared]
) -> Callable[[int, NewVersion], Known]:
    """Look up at once what is stored of these records; return how to ask for one by position."""
    versions = [each.version for each in prepared if each.version]
    digests = [version.digest for version in versions]
    keys = [version.control_key for version in versions if version.control_key]
    same = records.current_by_digest(conn, digests)
    in_file = imports.staged_by_digest(conn, batch.id, digests)
    of_key = identifying.replaceable(conn, batch, records.current_by_control_key(conn, keys))
    key_in_file = imports.staged_control_keys(conn, batch.id, keys)
    before = readings.shown(conn, others, prepared[0].position, prepared[-1].position)

    def known(position: int, version: NewVersion) -> Known:
        stored = same.get(version.digest)
        return Known(
            same=None if stored is None else (stored.record_id, stored.version_id),
            same_in_file=in_file.get(version.digest),
            of_control_key=of_key.get(version.control_key or "", ()),
            control_key_in_file=version.control_key in key_in_file,
            read_before=before.get((position, version.original_offset)),
        )

    return known


def _line(each: Prepared, decision: rules.Decision, kept: Kept | None) -> Line:
    problems = [problem_entry(*problem) for problem in each.problems]
    if decision.why:
        problems.append(problem_entry(decision.action.value, decision.why))
    return Line(
        position=each.position,
        offset=each.offset,
        length=each.length,
        control_number=each.control_number,
        title=each.version.summary.title if each.version else "",
        outcome=each.outcome,
        action=decision.action,
        encoding=each.encoding,
        encoding_certain=each.encoding_certain,
        dialect=each.dialect,
        problems=problems,
        record_id=kept.record_id if kept else decision.record_id,
        version_id=kept.version_id if kept else decision.version_id,
    )
