"""From the bytes of a record to all that is kept of it: the part of an import without a database.

It is pure, so a large file is prepared in a second process while the first one writes: that is
half of an import's time on any machine with two cores (``working_apart``). This room imports
nothing of the store, which keeps the second process small.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from marc_mappings import formats, incoming, iso2709, marcxml, match_keys, search_terms
from marc_mappings import summary as summaries
from marc_mappings.framing.sound import Sound
from marc_mappings.incoming import Incoming
from marc_mappings.record import Record
from service.domain import rendition
from service.domain.record_version import NewVersion
from service.usecases import working_apart

# Records of one step, and octets of original that end it earlier: a step holds the write lock
# for about a tenth of a second, and its records are in memory at the same time.
STEP = 150
STEP_OCTETS = 4_000_000
# A file of fewer octets is done before a second process has started.
_WORTH_A_PROCESS = 2_000_000


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
    """Prepare in a second process, a few steps ahead of whoever takes them."""
    return working_apart.results(partial(_prepare_step, original_id=original_id), cut)
