"""The records of exactly the books that travel, as a file for the system of whoever receives them.

A record is what its partner harvests of it too: without our local fields. From whom a book came can
be written into it (541), for the copy that is on its way; where it was before that is never told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from marc_mappings import crosswalks, formats, iso2709
from marc_mappings.conversion import FORMS
from marc_mappings.dialects import DIALECTS, FAMILY
from marc_mappings.encodings import UTF8
from marc_mappings.framing.sound import Sound, record_of
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.steps import without_local_fields
from service.domain.transfer import TransferKind
from service.errors import Invalid


class FileForm(NamedTuple):
    """How a form of the file is called on its way."""

    media_type: str
    extension: str


FILE_FORMS: Final[Mapping[str, FileForm]] = {
    "iso2709": FileForm("application/marc", "mrc"),
    "marcxml": FileForm("application/marcxml+xml", "xml"),
    "json": FileForm("application/json", "json"),
    "jsonl": FileForm("application/jsonl", "jsonl"),
    "mrk": FileForm("text/plain; charset=utf-8", "mrk"),
}
"""The forms in which MARC can be asked for.

Source: RFC 2220 and RFC 6207 for the first two.
"""
WRITTEN_DIALECTS: Final = (crosswalks.MARC21, *crosswalks.FROM_MARC21)
# What is written for a partner whose own dialect nothing here writes.
_NEAREST: Final[Mapping[str, str]] = {"cmarc": "unimarc", "rusmarc": "unimarc"}
# How a book was acquired, in the words of 541 $c.
METHODS: Final[Mapping[TransferKind, str]] = {
    TransferKind.GIFT: "Gift",
    TransferKind.EXCHANGE: "Exchange",
    TransferKind.DEPOSIT: "Deposit",
}


class Wanted(NamedTuple):
    """What is asked for; "" is what the partner's entry says, or else MARC 21 in ISO 2709."""

    form: str = ""
    dialect: str = ""
    with_source: bool = False


class Chosen(NamedTuple):
    """What is made, and what there is to say of that choice."""

    form: str
    dialect: str
    remarks: tuple[str, ...]


class Source(NamedTuple):
    """From whom books come: field 541 of the copy that is on its way."""

    giver: str
    kind: TransferKind
    on: date | None
    recipient_isil: str

    def field(self) -> Field:
        """Return the field: not private, and of the recipient's copy.

        Source: LC, MARC 21 Format for Bibliographic Data, 541.

        >>> Source("Our Library", TransferKind.GIFT, date(2026, 3, 1), "").field().subfields[2]
        Subfield(code='d', value='2026/03/01')
        """
        pairs = (
            ("a", self.giver),
            ("c", METHODS[self.kind]),
            ("d", f"{self.on:%Y/%m/%d}" if self.on else ""),
            ("5", self.recipient_isil),
        )
        return Field("541", "1 ", tuple(Subfield(code, value) for code, value in pairs if value))


def choose(wanted: Wanted, dialect: str, encoding: str) -> Chosen:
    """Return what is made for a partner whose records are in a dialect and an encoding, "" unknown.

    Raises ``Invalid`` for a form or dialect that is not written here, and for 541 where the dialect
    has no place for it.

    >>> choose(Wanted(), "kormarc", "")
    Chosen(form='iso2709', dialect='kormarc', remarks=())
    """
    form = wanted.form or "iso2709"
    if form not in FILE_FORMS:
        raise Invalid(f"{form!r} is no form of MARC: {', '.join(FILE_FORMS)}", field="to")
    if wanted.dialect and wanted.dialect not in WRITTEN_DIALECTS:
        raise Invalid(
            f"{wanted.dialect!r} is not written here: {', '.join(WRITTEN_DIALECTS)}",
            field="dialect",
        )
    made = wanted.dialect or _written_for(dialect)
    remarks = []
    if not wanted.dialect and dialect and made != dialect:
        remarks.append(
            f"the partner's records are {DIALECTS[dialect]}, which is not written here: this is "
            f"{DIALECTS[made]}"
        )
    if encoding not in {"", UTF8} and form == "iso2709":
        remarks.append(f"the partner's records are in {encoding}; this is in UTF-8, and says so")
    if wanted.with_source and FAMILY[made] == "unimarc":
        raise Invalid(
            f"{DIALECTS[made]} has no field for the source of acquisition: leave 541 out, or ask "
            "for marc21",
            field="541",
        )
    return Chosen(form, made, tuple(remarks))


def _written_for(dialect: str) -> str:
    if dialect in WRITTEN_DIALECTS:
        return dialect
    return _NEAREST.get(dialect, crosswalks.MARC21)


class Book(NamedTuple):
    """A book of the file: the line that it is, and its record as it is kept.

    ``fields`` of MARC 21 are written into it, behind those that there are of their tag.
    """

    position: int
    title: str
    canonical: bytes
    fields: tuple[Field, ...] = ()


def make(books: Iterable[Book], chosen: Chosen, source: Source | None = None) -> bytes:
    """Return the file. The same books make the same octets.

    Raises ``Invalid`` for a record that ISO 2709 has no room for, and says what to ask for instead.
    """
    form = FORMS[chosen.form]
    bodies = [_body(book, chosen, source) for book in books]
    end = form.end if form.begin or bodies else b""
    return form.begin + form.between.join(bodies) + end


def _body(book: Book, chosen: Chosen, source: Source | None) -> bytes:
    content = _record(book, chosen.dialect, source)
    try:
        if chosen.form == "iso2709" and FAMILY[chosen.dialect] == "unimarc":
            return iso2709.write(content, is_unimarc=True)
        write = FORMS[chosen.form].write
        return write(content)  # type: ignore[arg-type] # every form of MARC writes both
    except iso2709.Unwritable as fault:
        raise Invalid(
            f"line {book.position} ({book.title}): the record has {fault.octets:,} octets in "
            f"{f'field {fault.tag}' if fault.tag else 'all'}, more than ISO 2709 has room for; "
            "ask for marcxml, which has no bounds",
            field="to",
        ) from fault


def _record(book: Book, dialect: str, source: Source | None) -> Record | Sound:
    read = formats.read_one(book.canonical)
    if isinstance(read, formats.Unreadable):
        raise TypeError("what is kept of a record can be read")
    content: Record | Sound = without_local_fields(read.content)
    added = book.fields if source is None else (*book.fields, source.field())
    if not added and dialect == crosswalks.MARC21:
        return content
    record = record_of(content)
    for field in added:
        record = _with(record, field)
    if dialect == crosswalks.MARC21:
        return record
    made, _ = crosswalks.FROM_MARC21[dialect](record)
    return made


def _with(record: Record, field: Field) -> Record:
    """Return a record with one more field, before the first of a higher tag."""
    at = next(
        (n for n, each in enumerate(record.fields) if each.tag > field.tag), len(record.fields)
    )
    return record._replace(fields=(*record.fields[:at], field, *record.fields[at:]))


def file_name(number: str, chosen: Chosen) -> str:
    """Return the name of the file of a consignment.

    >>> file_name("2026-0042", Chosen("marcxml", "kormarc", ()))
    'consignment-2026-0042-kormarc.xml'
    """
    dialect = "" if chosen.dialect == crosswalks.MARC21 else f"-{chosen.dialect}"
    return f"consignment-{number}{dialect}.{FILE_FORMS[chosen.form].extension}"


if any(not FORMS[form].is_marc for form in FILE_FORMS) or set(METHODS) != set(TransferKind):
    raise AssertionError("every form of the file is MARC, and every kind has its word")
