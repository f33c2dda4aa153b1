"""Staging a file: every record is read, kept with all that is made of it, and reported.

Nobody but the cataloguer sees any of it until it is committed. A step's records, its lines of the
report and the job's cursor are one transaction.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from marc_mappings import formats
from service.domain import import_batch as rules
from service.domain.import_batch import (
    COMMIT,
    Action,
    Batch,
    BatchState,
    Known,
    Line,
    problem_entry,
)
from service.domain.record_version import NewVersion
from service.store import imports, jobs, originals, records
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.records import Kept
from service.usecases import preparing
from service.usecases.preparing import Prepared

Now = Callable[[], datetime]  # the moment, aware, UTC
OnStep = Callable[[Job, int], None]  # the job, and octets or records done so far


def stage(db: Database, held: Job, now: Now, on_step: OnStep) -> None:
    """Read the file from the job's cursor on, keep every record, and write the report.

    Raises ``LeaseLost`` when another worker took the job over; nothing of its step is kept then.
    """
    with db.read() as conn:
        batch = imports.by_id(conn, held.subject_id)

    def fetch(offset: int) -> tuple[int, bytes]:
        with db.read() as conn:
            return originals.piece_at(conn, batch.original_id, offset)

    source = io.BufferedReader(originals.Reader(fetch), originals.PIECE)
    start = formats.Start(held.cursor.get("position", 0), held.cursor.get("offset", 0))
    parts = formats.cut(source, start=start)
    left = held.total - start.offset
    for step in preparing.steps(parts, batch.original_id, left):
        done = step[-1].offset + step[-1].length
        with db.write() as conn:
            cursor = {"position": step[-1].position, "offset": done}
            jobs.advance(conn, held, cursor, done, now())
            _stage_step(conn, batch, step, now())
        on_step(held, done)
    with db.write() as conn:
        jobs.finish(conn, held, now())
        if batch.stage_only:
            imports.set_state(conn, batch.id, [BatchState.STAGING], BatchState.STAGED)
        else:
            imports.set_state(conn, batch.id, [BatchState.STAGING], BatchState.COMMITTING)
            jobs.enqueue(conn, COMMIT, batch.id, imports.counts(conn, batch.id).read, now())


def _stage_step(
    conn: Connection, batch: Batch, prepared: Sequence[Prepared], now: datetime
) -> None:
    known = _known(conn, batch, [each.version for each in prepared if each.version])
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
        facts = known(version)
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
        to_keep.append(replace(version, record_id=decision.record_id))
    kept = records.add_versions(conn, to_keep, now)
    imports.add_lines(
        conn,
        batch.id,
        [
            _line(each, decision, None if place is None else kept[place])
            for each, decision, place in zip(prepared, decisions, places, strict=True)
        ],
    )


def _known(
    conn: Connection, batch: Batch, versions: Sequence[NewVersion]
) -> Callable[[NewVersion], Known]:
    """Look up at once what is stored of all these versions; return how to ask for one."""
    digests = [version.digest for version in versions]
    keys = [version.control_key for version in versions if version.control_key]
    same = records.current_by_digest(conn, digests)
    in_file = imports.staged_by_digest(conn, batch.id, digests)
    of_key = records.current_by_control_key(conn, keys)
    key_in_file = imports.staged_control_keys(conn, batch.id, keys)

    def known(version: NewVersion) -> Known:
        stored = same.get(version.digest)
        return Known(
            same=None if stored is None else (stored.record_id, stored.version_id),
            same_in_file=in_file.get(version.digest),
            of_control_key=of_key.get(version.control_key or "", ()),
            control_key_in_file=version.control_key in key_in_file,
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
        problems=problems,
        record_id=kept.record_id if kept else decision.record_id,
        version_id=kept.version_id if kept else decision.version_id,
    )
