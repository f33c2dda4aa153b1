"""Committing a staged file: its records become current and are offered on their list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from service.domain import import_batch as rules
from service.domain.import_batch import Action, Batch, BatchState, Line, problem_entry
from service.domain.offer import GROWING
from service.errors import Conflict
from service.store import imports, jobs, offer_lists, offers, records
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.records import Kept
from service.usecases.staging import Now, OnStep

# Records that become visible in one transaction.
_STEP = 200


def commit(db: Database, held: Job, now: Now, on_step: OnStep) -> None:
    """Make the staged records current and offer them on their list, from the job's cursor on."""
    position = held.cursor.get("position", 0)
    done = held.done
    while True:
        with db.write() as conn:
            batch = imports.by_id(conn, held.subject_id)
            offer_list = offer_lists.lock(conn, batch.list_id)
            if offer_list.state not in GROWING:
                raise Conflict(
                    f"list {offer_list.slug!r} is {offer_list.state} and takes no more titles"
                )
            lines = imports.lines(conn, batch.id, position, _STEP)
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
    updates = [line.record_id for line in lines if line.action is Action.UPDATE and line.record_id]
    shown = records.current_versions(conn, updates)
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
        elif line.action is Action.UPDATE and shown[line.record_id or 0] > (line.version_id or 0):
            # Versions are numbered as they come: this one is older than what the record shows.
            why = "another import updated this record since this file was staged"
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
