"""A letter of ours as a file: the page that prints, or the document that people edit."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from service.config import Settings
from service.domain.letter import Direction, Letter
from service.errors import Conflict
from service.papers import letter_documents, pages


class LetterForm(StrEnum):
    """What a letter is written as; the name is the ending of the file's."""

    HTML = "html"
    DOCX = "docx"


MEDIA_TYPES: Final[Mapping[LetterForm, str]] = {
    LetterForm.HTML: "text/html; charset=utf-8",
    LetterForm.DOCX: letter_documents.MEDIA_TYPE,
}


def letter_file(form: LetterForm, found: Letter, settings: Settings) -> bytes:
    """Return the octets of a letter of ours; raise ``Conflict`` for one that came in."""
    if found.direction is not Direction.OUT:
        raise Conflict("this letter came in: there is only the file that was filed")
    sender = settings.repository_name
    address = [each.strip() for each in settings.postal_address.split(";") if each.strip()]
    if form is LetterForm.DOCX:
        return letter_documents.document(
            found.texts,
            sender=sender,
            address=address,
            dated_on=found.dated_on,
            now=found.created_at,
        )
    return pages.letter(
        found.texts, sender=sender, address=address, dated_on=found.dated_on
    ).encode()


def file_name(found: Letter) -> str:
    """Return the name under which somebody saves a letter as a document."""
    return f"{found.partner}-{found.kind}-{found.dated_on}.{LetterForm.DOCX.value}"
