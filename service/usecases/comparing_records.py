"""A record of an import side by side: as it came, as MARC 21, and what happened between the two.

Nothing of this is kept: it is read anew from the bytes as they came.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final, NamedTuple

from marc_mappings import crosswalks, formats, validation
from marc_mappings.framing.sound import record_of
from marc_mappings.problems import CODES, Problem
from marc_mappings.record import Record
from marc_mappings.rules import Loss
from service.domain.import_batch import Batch, Line, Sieve
from service.store import imports, originals, records
from service.store.db import Connection, Database
from service.store.decided_lines import Candidate
from service.usecases import cataloguing, deciding

_LINES: Final = 200
# Octets of a record that could not be read which a page shows.
_SHOWN: Final = 4000


class Told(NamedTuple):
    """What a report says of a line: the code, what is said, and the field."""

    code: str
    message: str
    tag: str


class OnRecord(NamedTuple):
    """A record that the line may be a newer form of, with its fields."""

    candidate: Candidate
    record: Record


class Compared(NamedTuple):
    """A line of an import with all that can be seen of its record.

    ``received`` is in the dialect it came in; both records are None where nothing could be read,
    and ``octets`` then shows the bytes.
    """

    batch: Batch
    line: Line
    received: Record | None
    marc21: Record | None
    losses: tuple[Loss, ...]
    repaired: tuple[Told, ...]
    told: tuple[Told, ...]
    checked: tuple[Problem, ...]
    octets: str
    candidates: tuple[OnRecord, ...]


def compare(db: Database, public_id: str, position: int) -> Compared:
    """Return what a line's record was and became; raise ``NotFound``."""
    line, known = deciding.choice(db, public_id, position)
    with db.read() as conn:
        batch = cataloguing.find(conn, public_id)
        raw = _raw(conn, batch, line)
        kept = records.canonical(conn, line.version_id) if line.version_id else b""
    received = _record(raw, line.encoding) if line.dialect else None
    crosswalk = crosswalks.TO_MARC21.get(line.dialect)
    losses = crosswalk(received)[1] if received and crosswalk else ()
    marc21 = _record(kept) if kept else None
    # What was lost is told apart.
    lost = {each.message for each in crosswalks.problems_of(losses)}
    told = [
        Told(each["code"], each["message"], each["tag"])
        for each in line.problems
        if each["message"] not in lost
    ]
    return Compared(
        batch,
        line,
        received,
        marc21,
        losses,
        tuple(each for each in told if _is_repair(each.code)),
        tuple(each for each in told if not _is_repair(each.code)),
        validation.validate(marc21) if marc21 else (),
        "" if received else raw[:_SHOWN].decode("latin-1"),
        tuple(
            OnRecord(each, found)
            for each in known
            if (found := _record(each.canonical)) is not None
        ),
    )


def _is_repair(code: str) -> bool:
    return code in CODES and CODES[code].repair


def _record(raw: bytes, encoding: str = "") -> Record | None:
    item = formats.read_one(raw, encoding)
    return None if isinstance(item, formats.Unreadable) else record_of(item.content)


def _raw(conn: Connection, batch: Batch, line: Line) -> bytes:
    """Return the octets of a line as they came."""
    reader = originals.Reader(lambda offset: originals.piece_at(conn, batch.original_id, offset))
    with io.BufferedReader(reader, originals.PIECE) as stream:
        stream.seek(line.offset)
        return stream.read(line.length)


def bad_records(db: Database, public_id: str) -> Iterator[bytes]:
    """Yield the octets of every record of an import that could not be read, as they came.

    Raises ``NotFound`` before anything is yielded.
    """
    with db.read() as conn:
        batch = cataloguing.find(conn, public_id)
    return _bad(db, batch)


def _bad(db: Database, batch: Batch) -> Iterator[bytes]:
    after = 0
    while True:
        with db.read() as conn:
            lines = imports.lines(conn, batch.id, after, _LINES, Sieve.REJECTED)
            octets = [_raw(conn, batch, each) for each in lines]
        yield from octets
        if not lines:
            return
        after = lines[-1].position
