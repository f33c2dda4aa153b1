"""A partner's own wish list, harvested as a set: each record becomes a wish and gets its answer.

What came in one harvest is one wish list of the partner, with a line for every record that is new
or changed. A record that came again as it was changes nothing; a changed one takes the place of
its wish and keeps its turn when it asks for the same thing; a deleted one withdraws it. A step is
one transaction with the cursor of its job.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from service.domain import wish_record
from service.domain.harvest import TAKE_WISHES, Harvest
from service.domain.source import Source
from service.domain.wish import Mode, Outcome, Reading, WishLine, WishState
from service.store import (
    harvested_wishes,
    harvests,
    jobs,
    offer_lists,
    originals,
    partners,
    sources,
    wish_lists,
    wishes,
)
from service.store.db import Connection
from service.store.harvested_wishes import Line, Word
from service.store.jobs import Job
from service.store.wish_lists import Received
from service.usecases import answering
from service.usecases.site import Site
from service.usecases.staging import OnStep

CHANNEL: Final = "oai"

# Identifiers of one transaction.
_STEP = 200
# Answers that may be another one by now, though the record is the same.
_PASSING: Final = frozenset({Outcome.DUPLICATE, Outcome.RESTRICTED})


class _Record(NamedTuple):
    """A record that may become a wish; ``same``: only its answer may be another one."""

    word: Word
    line: WishLine
    digest: bytes
    same: bool


def enqueue(conn: Connection, source: Source, found: Harvest, now: datetime) -> Harvest:  # noqa: ARG001
    """Let the wishes of a finished harvest be read; the ending for sources of wishes."""
    jobs.enqueue(conn, TAKE_WISHES, found.id, found.records, now)
    return found


def take(site: Site, held: Job, on_step: OnStep) -> None:
    """Read the wishes of a harvest from the job's cursor on, and end the job.

    Raises ``LeaseLost`` when another worker took the job over; nothing of its step is kept then.
    """
    with site.db.read() as conn:
        found = harvests.by_id(conn, held.subject_id)
        source = sources.by_id(conn, found.source_id)
    after, list_id, done = held.cursor.get("after", ""), held.cursor.get("list"), held.done
    while True:
        with site.db.read() as conn:
            words = harvested_wishes.words(conn, source.id, found.id, after, _STEP)
        if not words:
            break
        records = _read(site, found, words)
        now = site.now()
        with site.db.write() as conn:
            after, done = words[-1].identifier, done + len(words)
            partners.lock(conn, source.partner_id)
            _withdraw(conn, source, words)
            list_id = _wish(conn, source, found, records, list_id, now)
            jobs.advance(conn, held, {"after": after, "list": list_id}, done, now)
        on_step(held, done)
    _end(site, held, list_id)


def _read(site: Site, found: Harvest, words: Sequence[Word]) -> list[_Record]:
    """Read the records that came and are not what they were, and those to be answered anew."""
    records: list[_Record] = []
    if found.original_id is None:
        return records
    original_id = found.original_id

    def fetch(offset: int) -> tuple[int, bytes]:
        with site.db.read() as conn:
            return originals.piece_at(conn, original_id, offset)

    stream = io.BufferedReader(originals.Reader(fetch), originals.PIECE)
    for word in words:
        if word.deleted or word.position is None or word.offset is None or not word.length:
            continue
        stream.seek(word.offset)
        content = stream.read(word.length)
        digest = hashlib.sha256(content).digest()
        same = digest == word.digest
        if not same or word.outcome in _PASSING:
            line = wish_record.read(word.position, content, site.names())
            records.append(_Record(word, line, digest, same))
    return records


def _withdraw(conn: Connection, source: Source, words: Sequence[Word]) -> None:
    gone = [word for word in words if word.deleted]
    harvested_wishes.end_wishes(conn, _standing(gone), WishState.WITHDRAWN)
    harvested_wishes.forget(conn, source.id, [word.identifier for word in gone])


def _standing(words: Sequence[Word]) -> list[tuple[int, int]]:
    return [
        (word.wish_list_id, word.line_no)
        for word in words
        if word.wish_list_id is not None and word.line_no is not None
    ]


def _wish(
    conn: Connection,
    source: Source,
    found: Harvest,
    records: Sequence[_Record],
    list_id: int | None,
    now: datetime,
) -> int | None:
    """Answer and keep what is new; return the wish list of this harvest, if it has one by now."""
    if not records:
        return list_id
    offer_lists.hold_open(conn)
    changed = [record.word for record in records if not record.same]
    since = harvested_wishes.end_wishes(conn, _standing(changed), WishState.REPLACED)
    given = None if list_id is None else wish_lists.by_id(conn, list_id)
    partner = partners.by_id(conn, source.partner_id)
    by_number = {record.line.line_no: record for record in records}
    fresh = [
        (line, answer)
        for line, answer in answering.answers(
            conn, partner, [record.line for record in records], now, given
        )
        if not _said_before(by_number[line.line_no], answer.outcome)
    ]
    if not fresh:
        return list_id
    given = given or _list(conn, source, found, now)
    wishes.add(
        conn,
        given.id,
        partner.id,
        [
            answering.new_wish(
                line,
                answer,
                since.get(answer.target) or answer.since or given.received_at,
                WishState.OPEN,
            )
            for line, answer in fresh
        ],
    )
    harvested_wishes.lengthen(conn, given.id, len(fresh))
    wish_lists.advance(conn, given.id, len(fresh))
    lines = [by_number[line.line_no] for line, _ in fresh]
    harvested_wishes.stand(
        conn,
        source.id,
        [Line(r.word.identifier, r.digest, given.id, r.line.line_no) for r in lines],
    )
    return given.id


def _said_before(record: _Record, outcome: Outcome) -> bool:
    return record.same and record.word.outcome is outcome


def _list(conn: Connection, source: Source, found: Harvest, now: datetime) -> Received:
    """Enter the wish list that a harvest is."""
    assert found.original_id is not None  # noqa: S101 - its records were read from it
    return wish_lists.add(
        conn,
        partner_id=source.partner_id,
        channel=CHANNEL,
        list_key=source.name,
        mode=Mode.APPEND,
        media_type="application/xml",
        charset="",
        original_id=found.original_id,
        idempotency_key=None,
        request_digest=hashlib.sha256(f"{CHANNEL}\0{found.public_id}".encode()).digest(),
        total=0,
        reading=Reading(),
        now=now,
    )


def _end(site: Site, held: Job, list_id: int | None) -> None:
    now = site.now()
    with site.db.write() as conn:
        jobs.finish(conn, held, now)
        if list_id is not None:
            given = wish_lists.by_id(conn, list_id)
            wish_lists.end(conn, given.id, now, withdrawn=None, answered=given.total)
            answering.tell_answered(conn, given, now)
