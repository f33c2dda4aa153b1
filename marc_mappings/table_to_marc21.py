"""A row of a spreadsheet to a MARC 21 record: what a library without a system writes down.

The row gives a title in its own script and, if it can, in romanisation. With a romanisation the
record is made as libraries make it: the romanised form in the field, the original in a linked
880. Without one the original stands in the field itself. Nothing is added that the row does not
say, but for the codes of a printed book.

Source: MARC 21 Bibliographic (leader, 008 Books, 020, 041, 100, 245, 264, 300, 336-338, 650, 880,
Appendix A, "Control subfields"); ISBD for the punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from marc_mappings import codes, encodings, steps
from marc_mappings.keys import identifiers
from marc_mappings.letters import linkage
from marc_mappings.letters.scripts import is_romanised
from marc_mappings.record import Field, Record, Subfield

SOURCE: Final = "table"
TARGET: Final = "MARC 21"
OTHERWISE: Final = "A column that is not in COLUMNS is reported as lost if its cell says anything."

COLUMNS: Final[Mapping[str, str]] = {
    "key": "the sender's own number of the title",
    "agency": "whose number that is (ISIL or MARC organisation code)",
    "language": "MARC or ISO 639 code or English name; several separated by |",
    "title": "title in its own script; the one cell a row must have",
    "title_romanised": "the same in Latin letters",
    "subtitle": "other title information",
    "author": "one person",
    "author_romanised": "the same in Latin letters, family name first, before a comma",
    "publisher": "name of the publisher",
    "publisher_romanised": "the same in Latin letters",
    "place": "place of publication",
    "place_romanised": "the same in Latin letters",
    "country": "ISO 3166-1 in capitals, MARC code in small letters, or English name",
    "year": "year of publication",
    "isbn": "ISBN; several separated by |",
    "extent": "such as 256 p.",
    "subject": "subjects separated by |",
    "entered": "date entered on file, yymmdd (008/00-05)",
}

LEADER: Final = "00000nam a2200000 i 4500"


class EmptyRow(ValueError):
    """The row has no title, so no record can be made of it; ``columns`` are what it has."""

    code = "row-without-title"

    def __init__(self, columns: tuple[str, ...]) -> None:
        said = f"only {', '.join(columns)}" if columns else "nothing in it"
        super().__init__(f"The row has {said}; a record needs at least the column title.")
        self.columns = columns


class Part(NamedTuple):
    """A subfield from a column, and the ISBD punctuation that introduces it."""

    code: str
    column: str
    sign: str = ""


class Line(NamedTuple):
    """A field of text from columns, with its full stop, and linked to an 880 where it can be."""

    tag: str
    parts: tuple[Part, ...]
    stop: str = ""


# Source: MARC 21 Bibliographic 100, 245, 264, 300 (examples of punctuation).
LINES: Final = (
    Line("100", (Part("a", "author"),)),
    Line("245", (Part("a", "title"), Part("b", "subtitle", " :"), Part("c", "author", " /")), "."),
    Line("264", (Part("a", "place"), Part("b", "publisher", " :"), Part("c", "year", ",")), "."),
    Line("300", (Part("a", "extent"),)),
)

# Source: RDA content, media and carrier terms as coded in MARC 336, 337, 338.
_PRINTED_BOOK: Final = (
    ("336", "text", "txt", "rdacontent"),
    ("337", "unmediated", "n", "rdamedia"),
    ("338", "volume", "nc", "rdacarrier"),
)

# Languages whose names are said family name first, so that only the comma goes.
_FAMILY_NAME_FIRST: Final = frozenset(("kor", "chi", "jpn", "vie", "hun"))
_ENGLISH_ARTICLE = re.compile(r"(?:The|An|A) (?=\S)")

Row = Mapping[str, str]


def convert(row: Row) -> tuple[Record, tuple[str, ...]]:
    """Return the record of one row, and the columns whose cells did not get into it.

    Cells are text, trimmed here; all columns but ``title`` may be missing. A language or country
    that is not understood is lost, an ISBN whose check digit is wrong is kept as invalid (020 $z).
    Raises ``EmptyRow`` without a title.
    """
    cells = {
        column.strip().lower(): text
        for column, cell in row.items()
        if column and isinstance(cell, str) and (text := _clean(cell))
    }
    if "title" not in cells:
        raise EmptyRow(tuple(cells))
    languages = [codes.marc_language(name) for name in _several(cells.get("language", ""))]
    country = codes.marc_country(cells.get("country", ""))
    known = [language for language in languages if language]
    fields = [
        *_control_fields(cells, known, country),
        *_identifiers(cells.get("isbn", "")),
        *_language_field(known),
        *_text_fields(cells, known[0] if known else ""),
    ]
    lost = [column for column in cells if column not in COLUMNS]
    if len(known) < len(languages):
        lost.append("language")
    if "country" in cells and not country:
        lost.append("country")
    if "entered" in cells and not _entered(cells):
        lost.append("entered")
    return Record(LEADER, tuple(fields)), tuple(lost)


def _clean(cell: str) -> str:
    return " ".join(encodings.normalized(encodings.without_junk(cell)).split())


def _several(cell: str) -> list[str]:
    return [part for each in cell.split("|") if (part := each.strip())]


def _control_fields(cells: Row, languages: list[str], country: str) -> Iterator[Field]:
    if "key" in cells:
        yield Field("001", "", (), cells["key"])
        if "agency" in cells:
            yield Field("003", "", (), cells["agency"])
    yield Field("008", "", (), _fixed_field(cells, languages, country))


def _entered(cells: Row) -> str:
    """Return the date entered on file if it is six digits, else ``""``."""
    said = cells.get("entered", "")
    return said if re.fullmatch("[0-9]{6}", said) else ""


def _fixed_field(cells: Row, languages: list[str], country: str) -> str:
    """Return 008 for a book, 40 characters; what the row does not say is not coded (``|``)."""
    year = steps.year(cells.get("year", ""))
    return "".join(
        (
            _entered(cells) or "000000",  # a pure mapping has no clock: the host may say when
            f"s{year}    " if year else "nuuuuuuuu",
            (country or "xx").ljust(3),
            "||||||||||||||",  # 18-31
            " ||",  # 32 undefined, 33-34
            languages[0] if languages else codes.UNKNOWN_LANGUAGE,
            " d",  # not modified; catalogued by no national agency
        )
    )


def _identifiers(cell: str) -> Iterator[Field]:
    for said in _several(cell):
        number = identifiers.isbn13(said)
        subfields = [Subfield("a", number) if number else Subfield("z", said)]
        if number and (qualifier := re.search(r"\(([^()]+)\)", said)):
            subfields.append(Subfield("q", qualifier[1]))
        yield Field("020", "  ", tuple(subfields))


def _language_field(languages: list[str]) -> Iterator[Field]:
    """041 only says what 008 cannot: that there are several languages."""
    if len(languages) > 1:
        yield Field("041", "0 ", tuple(Subfield("a", language) for language in languages))


def _text_fields(cells: Row, language: str) -> Iterator[Field]:
    linked: list[Field] = []
    for line in LINES:
        original = _parts(line, cells)
        if not original:
            continue
        romanised = _parts(line, _romanised(line, cells, language))
        whole = " ".join(value for _, value in original)
        if romanised and is_romanised(whole):
            # Latin already: a romanised cell is then only the form for headings (Phạm, Long).
            yield Field(line.tag, _indicators(line.tag, cells, romanised, language), romanised)
        elif romanised and any(part.column + "_romanised" in cells for part in line.parts):
            number = f"{len(linked) + 1:02}"
            script = linkage.end_for(whole)
            link = Subfield("6", f"880-{number}")
            back = Subfield("6", f"{line.tag}-{number}{script}")
            indicators = _indicators(line.tag, cells, original, language)
            linked.append(Field("880", indicators, (back, *original)))
            indicators = _indicators(line.tag, cells, romanised, language)
            yield Field(line.tag, indicators, (link, *romanised))
        else:
            yield Field(line.tag, _indicators(line.tag, cells, original, language), original)
    for tag, term, code, source in _PRINTED_BOOK:
        terms = (Subfield("a", term), Subfield("b", code), Subfield("2", source))
        yield Field(tag, "  ", terms)
    for subject in _several(cells.get("subject", "")):
        yield Field("650", " 4", (Subfield("a", subject),))
    yield from linked


def _romanised(line: Line, cells: Row, language: str) -> Row:
    """Return the cells of a line in Latin letters: romanised, or Latin of themselves, or none."""
    found = {}
    for part in line.parts:
        said = cells.get(part.column, "")
        text = cells.get(part.column + "_romanised") or (said if is_romanised(said) else "")
        if part.code == "c" and part.column == "author":
            text = _as_said(text, language)
        if text:
            found[part.column] = text
    return found


def _as_said(name: str, language: str) -> str:
    """Return a name in the order in which it is said: ``Han Kang``, ``Jane Austen``."""
    family, comma, given = (part.strip() for part in name.partition(","))
    if not comma or not given:
        return name
    return f"{family} {given}" if language in _FAMILY_NAME_FIRST else f"{given} {family}"


def _parts(line: Line, cells: Row) -> tuple[Subfield, ...]:
    """Return the subfields of a line with ISBD punctuation; empty if there is nothing to say."""
    found: list[Subfield] = []
    for part in line.parts:
        text = cells.get(part.column, "")
        if not text:
            continue
        if found and part.sign:
            code, value = found[-1]
            found[-1] = Subfield(code, value + part.sign)
        found.append(Subfield(part.code, text))
    if found and line.stop and found[-1].value[-1] not in ".?!])":
        found[-1] = Subfield(found[-1].code, found[-1].value + line.stop)
    return tuple(found)


def _indicators(tag: str, cells: Row, parts: tuple[Subfield, ...], language: str) -> str:
    """Return a field's indicators. Source: MARC 21 Bibliographic 100, 245, 264."""
    text = parts[0].value
    if tag == "100":
        # A family name: before a comma, or first without one in Chinese, Japanese and Korean.
        return "1 " if "," in text or linkage.end_for(text) == "/$1" else "0 "
    if tag == "245":
        article = _ENGLISH_ARTICLE.match(text) if language == "eng" else None
        return f"{'1' if 'author' in cells else '0'}{article.end() if article else 0}"
    return " 1" if tag == "264" else "  "
