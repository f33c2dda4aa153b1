"""Filing letters and scans that came in, with a partner or one of its agreements.

They are kept as they came, under their SHA-256; nothing here is opened or named by them.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final, NamedTuple

from service.domain import letter as rules
from service.domain.letter import Direction, Letter, LetterKind
from service.errors import Conflict, Invalid, NotFound
from service.store import agreements, letters, originals, partners, public_ids
from service.store.db import Connection, Database
from service.store.letters import NewLetter
from service.usecases import keeping, writing_letters
from service.usecases.enrolling import known_partner
from service.usecases.keeping import Source

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}", re.ASCII)
_UNKNOWN: Final = "application/octet-stream"
_LONGEST: Final = 200


class FiledLetter(NamedTuple):
    """A letter, and whether the same bytes were filed with the partner before."""

    letter: Letter
    already: bool


class Incoming(NamedTuple):
    """What is said of a letter that came in. ``kind`` is one of ours, or "other"."""

    subject: str
    file_name: str
    media_type: str = ""
    kind: str = rules.OTHER
    agreement: str = ""
    about: str = ""
    dated_on: date | None = None


def file_letter(
    db: Database, code: str, stream: Source, said: Incoming, *, limit: int, by: str, now: datetime
) -> FiledLetter:
    """Keep the octets of ``stream``, at most ``limit``, and file them with a partner.

    Sending the same again files nothing new. Raises ``NotFound``, ``Invalid`` for an empty file and
    texts that are no line, ``TooLarge``.
    """
    said = _checked(said)
    with db.read() as conn:
        found = known_partner(conn, code)
        _agreement_id(conn, said.agreement, found.id)
    head = stream.read(originals.PIECE)
    if not head:
        raise Invalid("the file is empty; nothing of it was kept", "file")
    original_id, _ = keeping.keep_original(db, head, stream, limit, now)
    with db.write() as conn:
        found = known_partner(conn, code)
        partners.lock(conn, found.id)
        before = letters.filed(conn, found.id, original_id)
        if before is not None:
            return FiledLetter(before, already=True)
        new = NewLetter(
            partner_id=found.id,
            agreement_id=_agreement_id(conn, said.agreement, found.id),
            direction=Direction.IN,
            kind=said.kind,
            about=said.about,
            subject=said.subject or said.file_name,
            texts=None,
            original_id=original_id,
            file_name=said.file_name,
            media_type=said.media_type,
            dated_on=said.dated_on or now.date(),
            created_by=by,
        )
        made = writing_letters.known(conn, letters.add(conn, new, now))
        writing_letters.log(conn, "filed", made, by, now)
        return FiledLetter(made, already=False)


def _checked(said: Incoming) -> Incoming:
    kind = said.kind.strip().lower() or rules.OTHER
    if kind != rules.OTHER and kind not in set(LetterKind):
        raise Invalid(f"{said.kind!r} is none of {', '.join(LetterKind)}, {rules.OTHER}", "kind")
    return said._replace(
        subject=_line("subject", said.subject),
        file_name=_bare(_line("file_name", said.file_name)),
        media_type=said.media_type if _MEDIA_TYPE.fullmatch(said.media_type) else _UNKNOWN,
        kind=kind,
        about=_line("about", said.about),
    )


def _line(field: str, text: str) -> str:
    kept = " ".join(unicodedata.normalize("NFC", text).split())
    if len(kept) > _LONGEST or any(
        unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in kept
    ):
        raise Invalid(f"this is one line of at most {_LONGEST} characters", field)
    return kept


def _bare(name: str) -> str:
    """Return a file name without the folders that its sender had it in."""
    last = re.split(r"[/\\]", name)[-1].strip()
    return last if last.strip(".") else "letter"


def _agreement_id(conn: Connection, name: str, partner_id: int) -> int | None:
    if not name:
        return None
    found = agreements.by_public_id(conn, public_ids.read(name) or "")
    parties = [] if found is None else [each.partner for each in found.terms.parties]
    if found is None or partners.by_id(conn, partner_id).code not in parties:
        raise NotFound(f"there is no agreement {name!r} with this partner")
    return found.id


def octets(db: Database, found: Letter) -> Iterator[bytes]:
    """Return the octets of a letter that came in, piece by piece; raise ``Conflict`` for ours."""
    if found.original_id is None:
        raise Conflict("this letter is ours: it is a page or a document, see its formats")
    return _pieces(db, found.original_id)


def _pieces(db: Database, original_id: int) -> Iterator[bytes]:
    def fetch(offset: int) -> tuple[int, bytes]:
        with db.read() as conn:
            return originals.piece_at(conn, original_id, offset)

    with io.BufferedReader(originals.Reader(fetch), originals.PIECE) as stream:
        while piece := stream.read(originals.PIECE):
            yield piece
