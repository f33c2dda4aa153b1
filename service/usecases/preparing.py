"""From the bytes of a record to all that is kept of it: the part of an import without a database.

It is pure, so a large file is prepared in a second process while the first one writes: that is
half of an import's time on any machine with two cores. The second process lives on a pipe, and
ends when the pipe does, however the first one died. This room imports nothing of the store, which
keeps the second process small.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NamedTuple

from marc_mappings import formats, incoming, iso2709, marcxml, match_keys, search_terms
from marc_mappings import summary as summaries
from marc_mappings.framing.sound import Sound
from marc_mappings.incoming import Incoming
from marc_mappings.record import Record
from service.domain import rendition
from service.domain.record_version import NewVersion

# Records of one step, and octets of original that end it earlier: a step holds the write lock
# for about a tenth of a second, and its records are in memory at the same time.
STEP = 150
STEP_OCTETS = 4_000_000
# A file of fewer octets is done before a second process has started.
_WORTH_A_PROCESS = 2_000_000
# Steps that the second process has at the same time, and that wait in all for the writer.
_APART = 2
_WAITING = 4


class Prepared(NamedTuple):
    """One record found in a file: its line of the report, and its version if it can be read.

    ``problems``: (code, message, tag). ``offset`` and ``length`` are octets of the file;
    ``dialect`` is the one that it came in, ``""`` if it cannot be read. What is kept is MARC 21.
    """

    position: int
    offset: int
    length: int
    outcome: str
    encoding: str
    encoding_certain: bool
    dialect: str
    problems: tuple[tuple[str, str, str], ...]
    control_number: str
    version: NewVersion | None


def prepare(part: formats.Slice, original_id: int) -> Prepared:
    """Return all that is kept of one record of the original ``original_id``."""
    item = incoming.take(part)
    problems = tuple((each.code, each.message, each.tag) for each in item.problems)
    if isinstance(item, formats.Unreadable):
        place = (item.position, item.offset, item.length, item.outcome)
        return Prepared(*place, "", False, "", problems, "", None)
    came, record = item.parsed, _looked_at(item.content)
    return Prepared(
        came.position,
        came.offset,
        came.length,
        item.outcome,
        came.encoding,
        came.encoding_certain,
        came.dialect,
        problems,
        record.control_number,
        _version(item, record, original_id),
    )


_LOOKED_AT = summaries.TAGS | search_terms.TAGS | match_keys.NUMBERED


def _looked_at(content: Record | Sound) -> Record:
    """Return a record; of one in pieces only the fields that are looked at one by one here."""
    return content.part(_LOOKED_AT) if isinstance(content, Sound) else content


def _version(item: Incoming, record: Record, original_id: int) -> NewVersion:
    canonical = canonical_bytes(item.content)
    agency, number = record.agency, record.control_number
    return NewVersion(
        record_id=None,
        canonical=canonical,
        digest=hashlib.sha256(canonical).digest(),
        control_key=f"({agency}){number}" if agency and number else None,
        original_id=original_id,
        original_offset=item.parsed.offset,
        original_length=item.parsed.length,
        summary=summaries.of_record(record),
        renditions=rendition.made_at_once(item.content, canonical),
        keys=match_keys.identifier_only(record),
        terms=search_terms.of_record(record),
    )


def canonical_bytes(content: Record | Sound) -> bytes:
    """Return the form in which a record is kept: ISO 2709, or MARCXML where that is too small."""
    try:
        return iso2709.write(content)
    except iso2709.Unwritable:
        return marcxml.write(content)


def steps(
    parts: Iterable[formats.Slice], original_id: int, octets: int
) -> Iterator[list[Prepared]]:
    """Yield the records of a file prepared, a step at a time, in their order.

    ``octets`` is what is still to be read of the file: it decides whether a second process pays.
    """
    cut = _cut(parts)
    if octets < _WORTH_A_PROCESS or (os.cpu_count() or 1) < 2:
        return (_prepare_step(step, original_id) for step in cut)
    return _apart(cut, original_id)


def _cut(parts: Iterable[formats.Slice]) -> Iterator[list[formats.Slice]]:
    step: list[formats.Slice] = []
    octets = 0
    for part in parts:
        step.append(part)
        octets += len(part.frame.raw)
        if len(step) >= STEP or octets >= STEP_OCTETS:
            yield step
            step, octets = [], 0
    if step:
        yield step


def _prepare_step(step: Iterable[formats.Slice], original_id: int) -> list[Prepared]:
    return [prepare(part, original_id) for part in step]


def _apart(cut: Iterator[list[formats.Slice]], original_id: int) -> Iterator[list[Prepared]]:
    """Prepare in a second process, a few steps ahead of whoever takes them.

    That process always has a step or two to do. What is ready is handed on before anything else;
    while nothing is, this process prepares a step as well. So both are busy, whether reading or
    writing is the slower half.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, original_id), daemon=True)
    process.start()
    theirs.close()
    try:
        # In the order of the file; None stands for a step that is still with the other process.
        waiting: deque[list[Prepared] | None] = deque()
        step = next(cut, None)
        while step or waiting:
            while ours.poll():
                waiting[waiting.index(None)] = _received(ours)
            room = len(waiting) < _WAITING
            if step and room and waiting.count(None) < _APART:
                ours.send(step)
                waiting.append(None)
                step = next(cut, None)
            elif waiting and (ready := waiting[0]):
                waiting.popleft()
                yield ready
            elif step and room:
                waiting.append(_prepare_step(step, original_id))
                step = next(cut, None)
            else:
                waiting[waiting.index(None)] = _received(ours)
    finally:
        ours.close()
        process.join()


def _received(pipe: Connection) -> list[Prepared]:
    answer = pipe.recv()
    if isinstance(answer, Exception):
        raise answer
    result: list[Prepared] = answer
    return result


def _serve(pipe: Connection, original_id: int) -> None:
    """Prepare what comes through ``pipe`` until it ends: the body of the second process."""
    tasks: queue.SimpleQueue[list[formats.Slice] | None] = queue.SimpleQueue()

    def take() -> None:
        # Always ready to receive, so that neither side waits for the other to read first.
        with suppress(EOFError, OSError):
            while True:
                tasks.put(pipe.recv())
        tasks.put(None)

    threading.Thread(target=take, daemon=True).start()
    with suppress(BrokenPipeError, ConnectionError):
        while (step := tasks.get()) is not None:
            try:
                pipe.send(_prepare_step(step, original_id))
            except (BrokenPipeError, ConnectionError):
                raise
            except Exception as error:  # told to the first process, which raises it
                pipe.send(error)
