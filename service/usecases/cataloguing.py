"""A cataloguer's file on its way in: received, staged, committed. Nothing of it is lost silently.

Receiving keeps the bytes. Staging reads every record, keeps it with all that is made of it, and
writes its line of the report; nobody but the cataloguer sees it yet. Committing makes the staged
records current and offers them. Staging and committing are jobs: each step's effect and the
job's cursor are one transaction, so that a step is never lost and never done twice.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO, NamedTuple

from marc_mappings import formats
from service.domain import import_batch as rules
from service.domain.import_batch import Action, Batch, BatchState, Counts, Known, Line
from service.domain.offer import GROWING, OfferList
from service.domain.record_version import NewVersion
from service.errors import CallerError, Conflict, NotFound, TooLarge, UnsupportedFormat
from service.store import imports, jobs, offers, originals, public_ids, records
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.records import Kept
from service.usecases import preparing
from service.usecases.preparing import Prepared

STAGE = "stage_import"
COMMIT = "commit_import"

Now = Callable[[], datetime]  # the moment, aware, UTC
OnStep = Callable[[Job, int], None]  # the job, and octets or records done so far

_PIECES_PER_WRITE = 16


class Received(NamedTuple):
    """A file that arrived: its batch, the job that works on it, and whether it was here before."""

    batch: Batch
    job: Job | None
    already: bool


class Report(NamedTuple):
    """A batch with its figures, its list's slug and the job that works or worked on it."""

    batch: Batch
    list_slug: str
    counts: Counts
    job: Job | None


# --- receiving ----------------------------------------------------------------------------------


def receive(
    db: Database,
    stream: BinaryIO,
    *,
    file_name: str,
    list_slug: str,
    stage_only: bool = False,
    limit: int,
    now: datetime,
) -> Received:
    """Keep a file's bytes and enter it for staging; the same file for the same list is one batch.

    Raises ``NotFound`` or ``Conflict`` for a list that cannot take titles, ``UnsupportedFormat``
    for a file that is no MARC (nothing of it is kept), ``TooLarge`` above ``limit`` octets.
    """
    with db.read() as conn:
        _growing_list(conn, list_slug)
    head = stream.read(originals.PIECE)
    format_ = _sniffed(head, file_name)
    original_id, total = keep_original(db, head, stream, limit, now)
    with db.write() as conn:
        found = offers.lock_list(conn, _growing_list(conn, list_slug).id)
        batch = imports.by_file(conn, original_id, found.id)
        if batch is not None:
            return _again(conn, batch, now)
        batch = imports.add_batch(
            conn,
            original_id=original_id,
            list_id=found.id,
            file_name=file_name[:500],
            format_=format_,
            stage_only=stage_only,
            now=now,
        )
        jobs.enqueue(conn, STAGE, batch.id, total, now)
        return Received(batch, jobs.of_subject(conn, STAGE, batch.id), already=False)


def _sniffed(head: bytes, file_name: str) -> str:
    try:
        return formats.sniff(head).value
    except formats.NotMarc as error:
        raise UnsupportedFormat(
            f"{file_name or 'this file'}: {error}", found=error.found
        ) from error


def _growing_list(conn: Connection, slug: str) -> OfferList:
    found = offers.list_by_slug(conn, slug)
    if found is None:
        raise NotFound(f"there is no offer list named {slug!r}; create it first")
    if found.state not in GROWING:
        raise Conflict(f"list {slug!r} is {found.state} and takes no more titles")
    return found


def _again(conn: Connection, batch: Batch, now: datetime) -> Received:
    """Answer a file that came before; one that failed is taken up where it stopped."""
    last = _last_job(conn, batch)
    if batch.state is BatchState.FAILED and last is not None:
        state = BatchState.STAGING if last.kind == STAGE else BatchState.COMMITTING
        imports.set_state(conn, batch.id, [BatchState.FAILED], state)
        jobs.enqueue(conn, last.kind, batch.id, last.total, now, last.cursor)
        batch = imports.by_id(conn, batch.id)
        last = _last_job(conn, batch)
    return Received(batch, last, already=True)


def keep_original(
    db: Database, head: bytes, stream: BinaryIO, limit: int, now: datetime
) -> tuple[int, int]:
    """Keep ``head`` and the rest of ``stream`` in several transactions; return (id, octets)."""
    digest, size = hashlib.sha256(), 0
    with db.write() as conn:
        original_id = originals.begin(conn, now)
    try:
        for pieces in _pieces(head, stream):
            total = sum(map(len, pieces))
            if size + total > limit:
                raise TooLarge(f"the file is larger than {limit} octets", limit)
            for piece in pieces:
                digest.update(piece)
            with db.write() as conn:
                originals.append(conn, original_id, size, pieces)
            size += total
        with db.write() as conn:
            return originals.seal(conn, original_id, digest.digest(), size), size
    except BaseException:
        with db.write() as conn:
            originals.discard(conn, original_id)
        raise


def _pieces(head: bytes, stream: BinaryIO) -> Iterator[list[bytes]]:
    held = [head]
    while piece := stream.read(originals.PIECE):
        held.append(piece)
        if len(held) == _PIECES_PER_WRITE:
            yield held
            held = []
    if held:
        yield held


# --- staging ------------------------------------------------------------------------------------


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


def problem_entry(code: str, message: str, tag: str = "") -> dict[str, str]:
    """Return a problem as the report keeps it."""
    return {"code": code, "message": message, "tag": tag}


# --- committing ---------------------------------------------------------------------------------


def order_commit(db: Database, public_id: str, now: datetime) -> Report:
    """Say yes to a staged file; its records will be offered. Raises ``NotFound``, ``Conflict``."""
    with db.write() as conn:
        batch = _batch(conn, public_id)
        imports.set_state(conn, batch.id, [BatchState.STAGED], BatchState.COMMITTING)
        jobs.enqueue(conn, COMMIT, batch.id, imports.counts(conn, batch.id).read, now)
    return report(db, public_id)


def commit(db: Database, held: Job, now: Now, on_step: OnStep) -> None:
    """Make the staged records current and offer them on their list, from the job's cursor on."""
    position = held.cursor.get("position", 0)
    done = held.done
    while True:
        with db.write() as conn:
            batch = imports.by_id(conn, held.subject_id)
            offer_list = offers.lock_list(conn, batch.list_id)
            if offer_list.state not in GROWING:
                raise Conflict(
                    f"list {offer_list.slug!r} is {offer_list.state} and takes no more titles"
                )
            lines = imports.lines(conn, batch.id, position, preparing.STEP)
            if not lines:
                jobs.finish(conn, held, now())
                imports.set_state(
                    conn, batch.id, [BatchState.COMMITTING], BatchState.COMMITTED, now()
                )
                return
            position, done = lines[-1].position, done + len(lines)
            jobs.advance(conn, held, {"position": position}, done, now())
            _commit_step(conn, batch, lines, now())
        on_step(held, done)


def _commit_step(conn: Connection, batch: Batch, lines: Sequence[Line], now: datetime) -> None:
    lines = _overtaken(conn, batch, lines)
    current = [
        Kept(line.record_id, line.version_id)
        for line in lines
        if line.action in {Action.NEW, Action.UPDATE} and line.record_id and line.version_id
    ]
    records.make_current(conn, current)
    offered = [line.record_id for line in lines if line.action in rules.OFFERING and line.record_id]
    offers.add_offers(conn, batch.list_id, offered, now)
    offers.mark_records(conn, offered)


def _overtaken(conn: Connection, batch: Batch, lines: Sequence[Line]) -> list[Line]:
    """Turn back what another import has brought since this file was staged; say so in its line."""
    fresh = {line.version_id for line in lines if line.action is Action.NEW and line.version_id}
    facts = imports.digests_of(conn, sorted(fresh))
    same = records.current_by_digest(conn, [digest for digest, _ in facts.values()])
    of_key = records.current_by_control_key(conn, [key for _, key in facts.values() if key])
    result = []
    for line in lines:
        changed = None
        if line.version_id in facts:
            digest, key = facts[line.version_id]
            if digest in same:
                why = "another import brought the same record since this file was staged"
                changed = _turned(line, Action.DUPLICATE, why, same[digest])
            elif key and key in of_key:
                why = "another import brought this control number since this file was staged"
                changed = _turned(line, Action.AMBIGUOUS, why, None)
        if changed is not None:
            imports.change_line(conn, batch.id, changed)
        result.append(changed or line)
    return result


def _turned(line: Line, action: Action, why: str, target: Kept | None) -> Line:
    return replace(
        line,
        action=action,
        problems=[*line.problems, problem_entry(action.value, why)],
        record_id=target.record_id if target else line.record_id,
        version_id=target.version_id if target else line.version_id,
    )


def give_up(db: Database, held: Job, error: str, now: datetime) -> None:
    """End a job that cannot go on; ``error`` is for people. What its steps did, stays."""
    with db.write() as conn:
        jobs.fail(conn, held, error, now)
        if held.kind in {STAGE, COMMIT}:
            imports.set_state(
                conn,
                held.subject_id,
                [BatchState.STAGING, BatchState.COMMITTING],
                BatchState.FAILED,
            )


def explain_failure(error: Exception) -> str:
    """Return what a report says of the error that ended a job, without anything internal."""
    if isinstance(error, CallerError):
        return error.detail
    return "an internal error; the operator finds it in the log"


# --- looking ------------------------------------------------------------------------------------


def report(db: Database, public_id: str) -> Report:
    """Return a batch with its figures; raise ``NotFound``."""
    with db.read() as conn:
        batch = _batch(conn, public_id)
        return Report(
            batch,
            offers.list_by_id(conn, batch.list_id).slug,
            imports.counts(conn, batch.id),
            _last_job(conn, batch),
        )


def report_lines(db: Database, public_id: str, after: int, limit: int) -> list[Line]:
    """Return up to ``limit`` lines of a report behind position ``after``."""
    with db.read() as conn:
        return imports.lines(conn, _batch(conn, public_id).id, after, limit)


def list_batches(db: Database, before: str, limit: int) -> list[tuple[Batch, str]]:
    """Return batches, newest first, each with the slug of its list."""
    with db.read() as conn:
        return imports.listed(conn, before, limit)


def _batch(conn: Connection, public_id: str) -> Batch:
    wanted = public_ids.read(public_id)
    found = None if wanted is None else imports.by_public_id(conn, wanted)
    if found is None:
        raise NotFound("there is no such import")
    return found


def _last_job(conn: Connection, batch: Batch) -> Job | None:
    return jobs.of_subject(conn, COMMIT, batch.id) or jobs.of_subject(conn, STAGE, batch.id)
