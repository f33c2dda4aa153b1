"""Undoing a committed import: what it offered is taken back, what it replaced is shown again.

What is given away, or was changed by another import since, stays and is told in its line; all else
is undone. Partners learn the titles that are gone as deletions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from service.domain.audit_entry import COMMAND_LINE
from service.domain.import_batch import OFFERING, UNDO, Action, Batch, BatchState, Done
from service.errors import Conflict
from service.store import imports, jobs, offer_lists, offers, undone_imports
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.usecases import cataloguing, ordering_matches
from service.usecases.staging import Now, OnStep

_STEP: Final = 200
_SHOWN: Final = 200


def held(db: Database, public_id: str) -> list[Done]:
    """Return lines of a committed import that cannot be undone, at most 200.

    Raises ``NotFound``, and ``Conflict`` for an import that cannot be undone at all.
    """
    with db.read() as conn:
        batch = cataloguing.find(conn, public_id)
        _check(conn, batch)
        return undone_imports.held(conn, batch.id, _SHOWN)


def order(db: Database, public_id: str, now: datetime, *, by: str = COMMAND_LINE) -> None:
    """Let an import be undone. Raises ``NotFound``, ``Conflict``."""
    with db.write() as conn:
        batch = cataloguing.find(conn, public_id)
        _check(conn, batch)
        imports.set_state(
            conn, batch.id, [BatchState.COMMITTED], BatchState.UNDOING, batch.committed_at
        )
        read = imports.counts(conn, batch.id).read
        jobs.enqueue(conn, UNDO, batch.id, read, now)
        cataloguing.log(conn, "undone", batch, {"records": read}, by, now)


def _check(conn: Connection, batch: Batch) -> None:
    """Raise ``Conflict`` for an import that is not undone as a whole here."""
    if batch.state is not BatchState.COMMITTED:
        raise Conflict(f"this import is {batch.state}; only one that is COMMITTED can be undone")
    by = undone_imports.bound(conn, batch)
    if by.to_harvest or by.to_partner:
        raise Conflict("a partner offers these titles to us; what we take of them is ours to say")
    if by.to_gift:
        raise Conflict("this file belongs to a gift; change the gift instead")
    if not batch.can_be_undone:
        raise Conflict(
            "this import is older than the keeping of what an undoing needs; take its titles back "
            "one by one"
        )


def undo(db: Database, work: Job, now: Now, on_step: OnStep) -> None:
    """Take back what an import did, from the job's cursor on; a step is one transaction."""
    position, number = work.cursor.get("position", 0), work.done
    while True:
        with db.write() as conn:
            batch = imports.by_id(conn, work.subject_id)
            offer_lists.lock(conn, batch.list_id)
            lines = undone_imports.done(conn, batch.id, position, _STEP)
            if not lines:
                jobs.finish(conn, work, now())
                imports.set_state(
                    conn, batch.id, [BatchState.UNDOING], BatchState.UNDONE, batch.committed_at
                )
                return
            position, number = lines[-1].position, number + len(lines)
            jobs.advance(conn, work, {"position": position}, number, now())
            _undo_step(conn, batch, lines, now())
        on_step(work, number)


def _undo_step(conn: Connection, batch: Batch, lines: list[Done], now: datetime) -> None:
    shown_again: list[int] = []
    for each in lines:
        if each.action not in OFFERING:
            continue
        why = each.held_by
        if not why and not undone_imports.take_back(conn, each):
            why = "it is given to a partner"
        if why:
            imports.note(conn, batch.id, each.position, "not-undone", f"Not undone: {why}.")
        elif each.action is Action.UPDATE and each.record_id:
            shown_again.append(each.record_id)
    ordering_matches.order_for_records(conn, shown_again, now)
    offers.mark_records(conn, shown_again)
    offer_lists.drop_plan(conn, batch.list_id)
