"""What people decide about the lines of a staged import before it is committed.

A line may be left out; one that is ambiguous, or an update, may be said to be new, or a newer form
of a certain record. Every decision can be taken back until the import is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from service.domain.audit_entry import COMMAND_LINE
from service.domain.import_batch import Action, Batch, BatchState, Line, Sieve
from service.errors import Conflict, Invalid, NotFound
from service.store import decided_lines, imports, public_ids, undone_imports
from service.store.db import Connection, Database
from service.store.decided_lines import Candidate
from service.usecases import cataloguing


class Choice(NamedTuple):
    """A line of an import and the records that it may be a newer form of."""

    line: Line
    candidates: list[Candidate]


def choice(db: Database, public_id: str, position: int) -> Choice:
    """Return a line with its candidates; raise ``NotFound``."""
    with db.read() as conn:
        line = _line(conn, cataloguing.find(conn, public_id), position)
        known = decided_lines.candidates(conn, line.version_id) if line.version_id else []
        return Choice(line, known)


def leave_out(
    db: Database,
    public_id: str,
    positions: Sequence[int] = (),
    sieve: Sieve | None = None,
    *,
    by: str = COMMAND_LINE,
    now: datetime,
) -> int:
    """Leave out lines by position, or all of a sort; return how many that were not out yet."""
    with db.write() as conn:
        batch = _held(conn, public_id)
        number = decided_lines.leave_out(conn, batch.id, positions, sieve, by)
        told = {"left_out": number, "sort": sieve.value if sieve else ""}
        cataloguing.log(conn, "left out of", batch, told, by, now)
        return number


def say_new(
    db: Database, public_id: str, position: int, *, by: str = COMMAND_LINE, now: datetime
) -> None:
    """Say that a record is none that we have, whatever its control number is."""
    with db.write() as conn:
        batch = _held(conn, public_id)
        _open_line(conn, batch, position)
        decided_lines.say_new(conn, batch.id, position, by, now)
        cataloguing.log(conn, "decided", batch, {"line": position, "is": "new"}, by, now)


def say_same(
    db: Database,
    public_id: str,
    position: int,
    record: str,
    *,
    by: str = COMMAND_LINE,
    now: datetime,
) -> None:
    """Say that a record is a newer form of the one with public id ``record``, a candidate of it."""
    with db.write() as conn:
        batch = _held(conn, public_id)
        line = _open_line(conn, batch, position)
        wanted = public_ids.read(record)
        known = {
            each.public_id: each for each in decided_lines.candidates(conn, line.version_id or 0)
        }
        if wanted not in known:
            raise Invalid("choose one of the records that it may be", field="record")
        decided_lines.say_same(conn, batch.id, position, known[wanted].record_id, by)
        cataloguing.log(conn, "decided", batch, {"line": position, "is": wanted}, by, now)


def take_back(
    db: Database,
    public_id: str,
    positions: Sequence[int],
    *,
    by: str = COMMAND_LINE,
    now: datetime,
) -> int:
    """Let lines do again what they were staged to do; return how many that changed."""
    with db.write() as conn:
        batch = _held(conn, public_id)
        number = decided_lines.take_back(conn, batch.id, positions)
        cataloguing.log(conn, "decided again", batch, {"lines": number}, by, now)
        return number


def discard(db: Database, public_id: str, *, by: str = COMMAND_LINE, now: datetime) -> None:
    """Set a staged import aside: nothing of it will be offered. It stays with its report."""
    with db.write() as conn:
        batch = _held(conn, public_id)
        imports.set_state(conn, batch.id, [BatchState.STAGED], BatchState.DISCARDED)
        cataloguing.log(conn, "set aside", batch, {}, by, now)


def _held(conn: Connection, public_id: str) -> Batch:
    """Return a batch about which people may decide now, and let nobody commit it meanwhile."""
    batch = cataloguing.find(conn, public_id)
    if undone_imports.bound(conn, batch).to_harvest:
        raise Conflict("a harvest brought this; the identifiers of the partner decide")
    if not decided_lines.hold_staged(conn, batch.id):
        raise Conflict(f"this import is {batch.state}; lines are decided while it is STAGED")
    return batch


def _line(conn: Connection, batch: Batch, position: int) -> Line:
    found = imports.lines(conn, batch.id, position - 1, 1)
    if not found or found[0].position != position:
        raise NotFound("there is no such record in this import")
    return found[0]


def _open_line(conn: Connection, batch: Batch, position: int) -> Line:
    """Return a line that somebody may say is new, or a newer form of another record."""
    line = _line(conn, batch, position)
    staged = decided_lines.staged_action(conn, batch.id, position)
    if staged not in {Action.AMBIGUOUS, Action.UPDATE} or line.version_id is None:
        raise Conflict(f"record {position} is {staged}: it can be left out, and nothing else")
    return line
