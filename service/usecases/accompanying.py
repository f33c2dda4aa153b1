"""The file that accompanies a consignment: the MARC records of exactly its books.

It is made of the versions that its lines hold, so that it is the same whenever it is asked for,
whatever became of the records since.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from service.config import Settings
from service.domain import accompanying_file as rules
from service.domain.accompanying_file import FILE_FORMS, Book, Source, Wanted
from service.domain.consignment import Consignment, Line
from service.domain.partner import Partner
from service.errors import Conflict
from service.store import directory, offer_keys
from service.store.db import Connection, Database
from service.usecases import holding_consignments, packing

_AT_ONCE: Final = 500


class RecordFile(NamedTuple):
    """The file: its octets, how it is called, how many records it has, what there is to say."""

    body: bytes
    name: str
    media_type: str
    records: int
    remarks: tuple[str, ...]


def records(
    db: Database,
    settings: Settings,
    name: str,
    wanted: Wanted = Wanted(),  # noqa: B008 - a value
    partner: Partner | None = None,
) -> RecordFile:
    """Return the records of the books in a consignment; for a ``partner`` only of its own.

    Raises ``NotFound``, ``Conflict`` where no line has a record, and ``Invalid`` for a form,
    dialect or field that cannot be written.
    """
    with db.read() as conn:
        found = holding_consignments.visible(conn, name, partner)
        return records_of(conn, settings, found, wanted)


def records_of(
    conn: Connection, settings: Settings, found: Consignment, wanted: Wanted
) -> RecordFile:
    """Return the records of a consignment within a transaction; raises as ``records`` does."""
    entry = directory.entry(conn, found.partner)
    assert entry is not None  # noqa: S101 - a consignment belongs to an entry that is there
    chosen = rules.choose(wanted, entry.dialect, entry.encoding)
    lines = packing.contents(conn, found).lines
    books = _books(conn, lines)
    if not books:
        raise Conflict(f"no line of consignment {found.number} has a record")
    source = (
        Source(settings.repository_name, found.kind, found.dispatched_on, entry.isil or "")
        if wanted.with_source
        else None
    )
    bare = [str(line.position) for line in lines if line.version_id is None]
    remarks = (f"without a record: line {', '.join(bare)}",) if bare else ()
    return RecordFile(
        rules.make(books, chosen, source),
        rules.file_name(found.number, chosen),
        FILE_FORMS[chosen.form].media_type,
        len(books),
        chosen.remarks + remarks,
    )


def _books(conn: Connection, lines: list[Line]) -> list[Book]:
    """Return the books with records in the order of the lines; each record once."""
    first: dict[int, Line] = {}
    for line in lines:
        if line.version_id is not None:
            first.setdefault(line.version_id, line)
    wanted = list(first)
    canonical: dict[int, bytes] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        canonical |= offer_keys.canonical(conn, wanted[start : start + _AT_ONCE])
    return [
        Book(line.position, line.title, canonical[version_id]) for version_id, line in first.items()
    ]
