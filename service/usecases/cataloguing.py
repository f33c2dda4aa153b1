"""A cataloguer's file on its way in: received, ordered to be committed, looked at.

The work itself is two jobs, ``staging`` and ``committing``; each step's effect and the job's
cursor are one transaction, so that a step is never lost and never done twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple

from marc_mappings import dialects, encodings, formats
from marc_mappings.survey import Said
from service.domain.audit_entry import COMMAND_LINE
from service.domain.import_batch import (
    AT_WORK,
    COMMIT,
    STAGE,
    UNDO,
    Batch,
    BatchState,
    Counts,
    Line,
    Sieve,
)
from service.domain.offer import GROWING, OfferList
from service.errors import CallerError, Conflict, Invalid, NotFound, UnsupportedFormat
from service.store import audit_log, imports, jobs, offer_lists, originals, public_ids
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.usecases.keeping import keep_original, unpacked


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


def receive(
    db: Database,
    stream: BinaryIO,
    *,
    file_name: str,
    list_slug: str,
    stage_only: bool = False,
    said: Said = Said(),  # noqa: B008 - a value
    limit: int,
    also: Callable[[Connection, Batch], None] | None = None,
    by: str = COMMAND_LINE,
    now: datetime,
) -> Received:
    """Keep a file's bytes and enter it for staging.

    The same file for the same list, read as the same sender's word has it (``said``), is one
    batch; ``also`` is done in the transaction that enters it. Raises ``Invalid`` for a word that
    means nothing, ``NotFound`` or ``Conflict`` for a list that cannot take titles,
    ``UnsupportedFormat`` for a file that is no MARC or a damaged gzip file, ``TooLarge`` above
    ``limit`` octets, unpacked; nothing of the file is kept then.
    """
    said = _understood(said)
    with db.read() as conn:
        _growing_list(conn, list_slug)
    head = stream.read(formats.HEAD)
    format_ = _sniffed(head, file_name)
    original_id, total = _kept(db, head, stream, file_name, limit, now)
    with db.write() as conn:
        found = offer_lists.lock(conn, _growing_list(conn, list_slug).id)
        batch = imports.by_file(conn, original_id, found.id, *said)
        if batch is not None:
            return _again(conn, batch, now)
        batch = imports.add_batch(
            conn,
            original_id=original_id,
            list_id=found.id,
            file_name=file_name[:500],
            format_=format_,
            stage_only=stage_only,
            encoding_said=said.encoding,
            dialect_said=said.dialect,
            now=now,
        )
        jobs.enqueue(conn, STAGE, batch.id, total, now)
        if also is not None:
            also(conn, batch)
        told = {"list": list_slug, "file": batch.file_name, "stage_only": stage_only}
        log(conn, "received", batch, told, by, now)
        return Received(batch, jobs.of_subject(conn, STAGE, batch.id), already=False)


def _understood(said: Said) -> Said:
    """Return the sender's word in the names that we use, so that one file is one batch."""
    try:
        encoding = encodings.canonical(said.encoding) if said.encoding else ""
    except encodings.UnknownEncoding as error:
        raise Invalid(str(error), field="encoding") from error
    if said.dialect and said.dialect not in dialects.DIALECTS:
        known = ", ".join(dialects.DIALECTS)
        raise Invalid(f"{said.dialect!r} is no dialect. Say one of: {known}.", field="dialect")
    return Said(encoding, said.dialect)


def _sniffed(head: bytes, file_name: str) -> str:
    try:
        return formats.sniff(head).value
    except formats.NotMarc as error:
        raise UnsupportedFormat(
            f"{file_name or 'this file'}: {error}", found=error.found
        ) from error


def _kept(
    db: Database, head: bytes, stream: BinaryIO, file_name: str, limit: int, now: datetime
) -> tuple[int, int]:
    try:
        return keep_original(db, *unpacked(head, stream, limit), limit, now)
    except UnsupportedFormat as error:
        detail = f"{file_name or 'this file'}: {error.detail}"
        raise UnsupportedFormat(detail, found=error.found) from error


def _growing_list(conn: Connection, slug: str) -> OfferList:
    found = offer_lists.by_slug(conn, slug)
    if found is None:
        raise NotFound(f"there is no offer list named {slug!r}; create it first")
    if found.state not in GROWING:
        raise Conflict(f"list {slug!r} is {found.state} and takes no more titles")
    return found


def _again(conn: Connection, batch: Batch, now: datetime) -> Received:
    """Answer a file that came before; one that failed is taken up where it stopped."""
    last = _last_job(conn, batch)
    if batch.state is BatchState.FAILED and last is not None:
        imports.set_state(
            conn, batch.id, [BatchState.FAILED], AT_WORK[last.kind], batch.committed_at
        )
        jobs.enqueue(conn, last.kind, batch.id, last.total, now, last.cursor)
        batch = imports.by_id(conn, batch.id)
        last = _last_job(conn, batch)
    if batch.state is BatchState.DISCARDED:
        imports.set_state(conn, batch.id, [BatchState.DISCARDED], BatchState.STAGED)
        batch = imports.by_id(conn, batch.id)
    return Received(batch, last, already=True)


def log(
    conn: Connection, action: str, batch: Batch, told: dict[str, Any], by: str, now: datetime
) -> None:
    audit_log.write(
        conn, by=by, action=action, kind="import", name=batch.public_id, now=now, after=told
    )


def order_commit(db: Database, public_id: str, now: datetime, *, by: str = COMMAND_LINE) -> Report:
    """Say yes to a staged file, or to one that was undone; its records will be offered.

    Raises ``NotFound``, ``Conflict``.
    """
    with db.write() as conn:
        batch = find(conn, public_id)
        imports.set_state(
            conn, batch.id, [BatchState.STAGED, BatchState.UNDONE], BatchState.COMMITTING
        )
        read = imports.counts(conn, batch.id).read
        jobs.enqueue(conn, COMMIT, batch.id, read, now)
        told = {"list": offer_lists.by_id(conn, batch.list_id).slug, "records": read}
        log(conn, "committed", batch, told, by, now)
    return report(db, public_id)


def give_up(db: Database, held: Job, error: str, now: datetime) -> None:
    """End a job that cannot go on; ``error`` is for people. What its steps did, stays."""
    with db.write() as conn:
        jobs.fail(conn, held, error, now)
        if held.kind in AT_WORK:
            imports.set_state(conn, held.subject_id, list(AT_WORK.values()), BatchState.FAILED)


def explain_failure(error: Exception) -> str:
    """Return what a report says of the error that ended a job, without anything internal."""
    if isinstance(error, CallerError):
        return error.detail
    return "an internal error; the operator finds it in the log"


def report(db: Database, public_id: str) -> Report:
    """Return a batch with its figures; raise ``NotFound``."""
    with db.read() as conn:
        batch = find(conn, public_id)
        return Report(
            batch,
            offer_lists.by_id(conn, batch.list_id).slug,
            imports.counts(conn, batch.id),
            _last_job(conn, batch),
        )


def report_lines(
    db: Database, public_id: str, after: int, limit: int, sieve: Sieve | None = None
) -> list[Line]:
    """Return up to ``limit`` lines of a report behind position ``after``, of one sort or all."""
    with db.read() as conn:
        return imports.lines(conn, find(conn, public_id).id, after, limit, sieve)


def list_batches(
    db: Database, before: str, limit: int, state: BatchState | None = None
) -> list[tuple[Batch, str]]:
    """Return batches, newest first, each with the slug of its list."""
    with db.read() as conn:
        return imports.listed(conn, before, limit, state)


def read_again(
    db: Database, public_id: str, said: Said, *, by: str = COMMAND_LINE, now: datetime
) -> Received:
    """Read a file that is here as ``said``, for the same list; what is staged of it is set aside.

    Raises ``Invalid`` for a word that means nothing, ``Conflict`` while the file is being read or
    when its list takes no more titles.
    """
    said = _understood(said)
    with db.write() as conn:
        old = find(conn, public_id)
        slug = offer_lists.by_id(conn, old.list_id).slug
        found = offer_lists.lock(conn, _growing_list(conn, slug).id)
        if old.state in AT_WORK.values():
            raise Conflict("this import is being worked on; wait for its end")
        batch = imports.by_file(conn, old.original_id, found.id, *said)
        if batch is not None and batch.id == old.id:
            return _again(conn, batch, now)
        if old.state is BatchState.STAGED:
            imports.set_state(conn, old.id, [BatchState.STAGED], BatchState.DISCARDED)
            log(conn, "set aside", old, {}, by, now)
        if batch is not None:
            return _again(conn, batch, now)
        batch = imports.add_batch(
            conn,
            original_id=old.original_id,
            list_id=found.id,
            file_name=old.file_name,
            format_=old.format,
            stage_only=True,
            encoding_said=said.encoding,
            dialect_said=said.dialect,
            now=now,
        )
        jobs.enqueue(conn, STAGE, batch.id, originals.size(conn, old.original_id), now)
        log(conn, "received", batch, {"list": slug, "file": batch.file_name}, by, now)
        return Received(batch, jobs.of_subject(conn, STAGE, batch.id), already=False)


def find(conn: Connection, public_id: str) -> Batch:
    """Return a batch; raise ``NotFound``."""
    wanted = public_ids.read(public_id)
    found = None if wanted is None else imports.by_public_id(conn, wanted)
    if found is None:
        raise NotFound("there is no such import")
    return found


def _last_job(conn: Connection, batch: Batch) -> Job | None:
    found = [jobs.of_subject(conn, kind, batch.id) for kind in (STAGE, COMMIT, UNDO)]
    return max(filter(None, found), key=lambda job: job.id, default=None)
