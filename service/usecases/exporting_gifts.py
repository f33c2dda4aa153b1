"""Exporting gifts: the records of exactly what was accepted, as a file for our own system.

A title of which several pieces were accepted is in it once, with all that is said of its copies.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from service.domain import accession
from service.domain import accompanying_file as files
from service.domain.accession import AccessionLine, Decision, Origin, Told
from service.domain.accompanying_file import FILE_FORMS, Book, Chosen, Wanted
from service.domain.incoming_gift import COUNTED, IncomingGift
from service.errors import Conflict
from service.store import accessions, offer_keys
from service.store.db import Connection, Database
from service.usecases.announcing_gifts import known

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
    name: str,
    *,
    form: str = "",
    dialect: str = "",
    told: Told = Told(),  # noqa: B008 - a value
) -> RecordFile:
    """Return the records of what was accepted of a gift, as they are now, in UTF-8.

    ``form`` is ISO 2709 and ``dialect`` MARC 21 where nothing is said; ``told`` is what each record
    says of our copy. Raises ``NotFound``, ``Conflict`` before the gift is checked and where nothing
    of it has a record, ``Invalid`` for a form, dialect or field that cannot be written.
    """
    chosen = files.choose(Wanted(form, dialect), "", "")
    accession.check_told(told, chosen.dialect)
    with db.read() as conn:
        found = known(conn, name)
        if found.state not in COUNTED:
            raise Conflict(
                f"this gift is {found.state}: what is accepted of it is known when it is checked"
            )
        lines = accessions.lines(conn, found.id, decisions={Decision.ACCEPTED})
        books = _books(conn, found, lines, told, chosen)
    if not books:
        raise Conflict("no accepted piece of this gift has a record: send a file of their records")
    bare = [str(line.position) for line in lines if line.version_id is None]
    return RecordFile(
        files.make(books, chosen),
        _file_name(found, chosen),
        FILE_FORMS[chosen.form].media_type,
        len(books),
        (f"without a record: line {', '.join(bare)}",) if bare else (),
    )


def _books(
    conn: Connection,
    found: IncomingGift,
    lines: list[AccessionLine],
    told: Told,
    chosen: Chosen,
) -> list[Book]:
    """Return the books with records in the order of the lines; each record once."""
    origin = Origin(found.partner_name, found.kind, found.received_on)
    of_version: dict[int, list[AccessionLine]] = {}
    for line in lines:
        if line.version_id is not None:
            of_version.setdefault(line.version_id, []).append(line)
    wanted = list(of_version)
    canonical: dict[int, bytes] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        canonical |= offer_keys.canonical(conn, wanted[start : start + _AT_ONCE])
    return [
        Book(
            same[0].position,
            same[0].title,
            canonical[version_id],
            tuple(
                field
                for line in same
                for field in accession.fields(line, origin, told, chosen.dialect)
            ),
        )
        for version_id, same in of_version.items()
    ]


def _file_name(found: IncomingGift, chosen: Chosen) -> str:
    return files.file_name(found.public_id, chosen).replace("consignment-", "incoming-", 1)
