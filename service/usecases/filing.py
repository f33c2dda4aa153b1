"""Filing documents with an agreement: scans and letters, kept as they came, under their SHA-256.

Any media type will do. File name and type are what the sender says: they are told to whoever has
the document sent back, and nothing here is opened or named by them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from service.domain import agreement_fields
from service.domain.agreement import Document
from service.domain.partner import Partner
from service.errors import Conflict, Invalid, NotFound
from service.store import agreement_documents, agreements, audit_log, originals
from service.store.db import Connection, Database
from service.usecases import holding_agreements, keeping, reading_agreements
from service.usecases.keeping import Source

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}", re.ASCII)
_UNKNOWN = "application/octet-stream"


class Filed(NamedTuple):
    """A document, and whether the same bytes were filed with the agreement before."""

    document: Document
    already: bool


def file_document(
    db: Database,
    public_id: str,
    stream: Source,
    *,
    file_name: str,
    media_type: str = "",
    title: str = "",
    limit: int,
    by: str,
    now: datetime,
) -> Filed:
    """Keep the octets of ``stream``, at most ``limit``, and file them with an agreement.

    Sending the same again files nothing new, so that it is safe to repeat.

    Raises ``NotFound``, ``Invalid`` for an empty file and a name that is no line, ``TooLarge``.
    """
    name = _bare(_within("file_name", file_name))
    title = _within("title", title)
    with db.read() as conn:
        reading_agreements.visible(conn, public_id, None)
    head = stream.read(originals.PIECE)
    if not head:
        raise Invalid("the file is empty; nothing of it was kept", field="file")
    original_id, _ = keeping.keep_original(db, head, stream, limit, now)
    with db.write() as conn:
        found = agreements.lock(conn, reading_agreements.visible(conn, public_id, None).id)
        before = {
            each.original_id: each for each in agreement_documents.of_agreement(conn, found.id)
        }
        if original_id in before:
            return Filed(before[original_id], already=True)
        made = agreement_documents.add(
            conn,
            found.id,
            original_id,
            file_name=name,
            media_type=media_type if _MEDIA_TYPE.fullmatch(media_type) else _UNKNOWN,
            title=title,
            by=by,
            now=now,
        )
        if not agreements.put(conn, found, found):
            raise Conflict("somebody else changed this agreement at the same moment; send it again")
        document = _document(conn, found.id, made)
        _log(conn, found.public_id, document, by, now)
        return Filed(document, already=False)


def _within(field: str, text: str) -> str:
    try:
        return agreement_fields.line(text)
    except Invalid as error:
        raise Invalid(error.detail, field=field) from error


def _bare(name: str) -> str:
    """Return a file name without the folders that its sender had it in.

    >>> _bare("C:\\\\scans\\\\memo.pdf"), _bare("../..")
    ('memo.pdf', 'document')
    """
    last = re.split(r"[/\\]", name)[-1].strip()
    return last if last.strip(".") else "document"


def _document(conn: Connection, agreement_id: int, document_id: str) -> Document:
    for each in agreement_documents.of_agreement(conn, agreement_id):
        if each.public_id == document_id:
            return each
    raise NotFound("there is no such document")


def _log(conn: Connection, name: str, document: Document, by: str, now: datetime) -> None:
    audit_log.write(
        conn,
        by=by,
        action="document filed",
        kind=holding_agreements.KIND,
        name=name,
        now=now,
        after={
            "document": document.public_id,
            "file_name": document.file_name,
            "sha256": document.sha256,
        },
    )


def find_document(
    db: Database, public_id: str, document_id: str, partner: Partner | None = None
) -> Document:
    """Return a document, for a ``partner`` one of its own agreements; raise ``NotFound``."""
    with db.read() as conn:
        found = reading_agreements.visible(conn, public_id, partner)
        return _document(conn, found.id, document_id.strip().upper())


def octets(db: Database, document: Document) -> Iterator[bytes]:
    """Yield the octets of a document as they came, piece by piece."""

    def fetch(offset: int) -> tuple[int, bytes]:
        with db.read() as conn:
            return originals.piece_at(conn, document.original_id, offset)

    with io.BufferedReader(originals.Reader(fetch), originals.PIECE) as stream:
        while piece := stream.read(originals.PIECE):
            yield piece
