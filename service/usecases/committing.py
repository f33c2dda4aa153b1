"""Committing a staged file: its records become current and are offered on their list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from service.domain import import_batch as rules
from service.domain.import_batch import Action, Batch, BatchState, Staged
from service.domain.offer import GROWING
from service.errors import Conflict
from service.store import (
    imports,
    incoming_lists,
    jobs,
    offer_lists,
    offers,
    readings,
    records,
    undone_imports,
)
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.readings import Reading
from service.store.records import Kept
from service.usecases import identifying, joining_gifts, ordering_matches
from service.usecases.identifying import Arrival
from service.usecases.staging import Now, OnStep

# Records that become visible in one transaction.
_STEP = 200


def commit(db: Database, held: Job, now: Now, on_step: OnStep) -> None:
    """Make the staged records current and offer them on their list, from the job's cursor on."""
    position = held.cursor.get("position", 0)
    done = held.done
    with db.read() as conn:
        arrival = identifying.of_batch(conn, imports.by_id(conn, held.subject_id))
    while True:
        with db.write() as conn:
            batch = imports.by_id(conn, held.subject_id)
            offer_list = offer_lists.lock(conn, batch.list_id)
            if offer_list.state not in GROWING:
                raise Conflict(
                    f"list {offer_list.slug!r} is {offer_list.state} and takes no more titles"
                )
            lines = imports.to_commit(conn, batch.id, position, _STEP)
            if not lines:
                jobs.finish(conn, held, now())
                joining_gifts.settle(conn, batch, offer_list)
                imports.set_state(
                    conn, batch.id, [BatchState.COMMITTING], BatchState.COMMITTED, now()
                )
                return
            position, done = lines[-1].position, done + len(lines)
            jobs.advance(conn, held, {"position": position}, done, now())
            if arrival is None:
                _commit_step(conn, batch, lines, now())
            else:
                _commit_harvested(conn, batch, arrival, lines, now())
        on_step(held, done)


def _commit_step(conn: Connection, batch: Batch, lines: Sequence[Staged], now: datetime) -> None:
    lines = _overtaken(conn, batch, lines)
    current = _made_current(conn, lines)
    fresh = offers.add_offers(conn, batch.list_id, _offered(lines), now, batch.id)
    ordering_matches.order_for_records(conn, [*fresh, *(kept.record_id for kept in current)], now)
    # What came once more without a change keeps its datestamp: nobody need harvest it again.
    changed = [kept.record_id for kept in current]
    offers.mark_records(conn, list(dict.fromkeys([*changed, *fresh])))


def _commit_harvested(
    conn: Connection, batch: Batch, arrival: Arrival, lines: Sequence[Staged], now: datetime
) -> None:
    """Make a partner's records current, and where it offers them, offered to us: in no feed."""
    lines = identifying.settle(conn, arrival, batch, lines)
    current = _made_current(conn, lines)
    ordering_matches.order_for_records(conn, [kept.record_id for kept in current], now)
    if arrival.offers:
        incoming_lists.offer_records(conn, batch.list_id, _offered(lines), now)


def _made_current(conn: Connection, lines: Sequence[Staged]) -> list[Kept]:
    current = [
        Kept(line.record_id, line.version_id)
        for line in lines
        if line.action in {Action.NEW, Action.UPDATE} and line.record_id and line.version_id
    ]
    records.make_current(conn, current)
    return current


def _offered(lines: Sequence[Staged]) -> list[int]:
    return [line.record_id for line in lines if line.action in rules.OFFERING and line.record_id]


class _Since(NamedTuple):
    """What has happened since a step's lines were staged.

    ``facts``: digest and control key of the versions that are new; ``same``: what shows such a
    digest now; ``of_key``: the records of such a control key; ``shown``: the versions that records
    to be updated show; ``readings``: by position, what another reading of the file shows.
    """

    facts: Mapping[int, tuple[bytes, str | None]]
    same: Mapping[bytes, Kept]
    of_key: Mapping[str, Sequence[int]]
    shown: Mapping[int, int]
    readings: Mapping[int, Reading]


def _overtaken(conn: Connection, batch: Batch, lines: Sequence[Staged]) -> list[Staged]:
    """Turn back what another import has brought since this file was staged; say so in its line."""
    fresh = {line.version_id for line in lines if line.action is Action.NEW and line.version_id}
    facts = imports.digests_of(conn, sorted(fresh))
    updates = [line.record_id for line in lines if line.action is Action.UPDATE and line.record_id]
    since = _Since(
        facts,
        records.current_by_digest(conn, [digest for digest, _ in facts.values()]),
        identifying.replaceable(
            conn,
            batch,
            records.current_by_control_key(conn, [key for _, key in facts.values() if key]),
        ),
        records.current_versions(conn, updates),
        readings.brought_meanwhile(conn, batch, lines[0].position, lines[-1].position),
    )
    result: list[Staged] = []
    for line in lines:
        turned, why = _turned(line, batch, since)
        if why:
            imports.turn_back(conn, batch.id, turned, why)
        result.append(turned)
    records.give_to(
        conn,
        [
            (turned.record_id, turned.version_id)
            for line, turned in zip(lines, result, strict=True)
            if line.action is Action.NEW and turned.action is Action.UPDATE
        ],
    )
    undone_imports.keep_replaced(conn, batch.id, result)
    return result


def _turned(line: Staged, batch: Batch, since: _Since) -> tuple[Staged, str]:
    """Return what to do with a line now, and why if that is not what was staged."""
    if fresh := since.facts.get(line.version_id or 0):
        digest, key = fresh
        if digest in since.same:
            twin = since.same[digest]
            turned = Staged(line.position, Action.DUPLICATE, twin.record_id, twin.version_id)
            return turned, "another import brought the same record since this file was staged"
        if line.decided:
            return line, ""
        other = since.readings.get(line.position)
        of_key = since.of_key.get(key or "", ())
        if other and other.batch_id < batch.id and set(of_key) <= {other.record_id}:
            turned = line._replace(action=Action.UPDATE, record_id=other.record_id)
            return turned, "an earlier reading of this file was offered since; this one replaces it"
        turned = line._replace(action=Action.AMBIGUOUS)
        if of_key:
            return turned, "another import brought this control number since this file was staged"
        if other:
            return turned, "another reading of this file was offered since this one was staged"
    elif line.action is Action.UPDATE and (since.shown.get(line.record_id or 0) or 0) > (
        line.version_id or 0
    ):
        # Versions are numbered as they come: this one is older than what the record shows.
        turned = line._replace(action=Action.AMBIGUOUS)
        return turned, "another import updated this record since this file was staged"
    return line, ""
