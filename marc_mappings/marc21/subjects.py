"""Subject headings and class numbers of MARC 21 as UNIMARC has them.

MARC 21 has places in $z and periods in $y, UNIMARC the other way round; the second indicator of
MARC 21 becomes the system code $2.

Source: UNIMARC Manual, Bibliographic Format, 600-610, 675-686, Appendix A.6 (system codes);
MARC 21 Bibliographic 600-655, 050-086; LC, UNIMARC to MARC 21 Conversion Specifications: 6XX.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Final

from marc_mappings import steps
from marc_mappings.marc21 import names as marc21_names
from marc_mappings.marc21.description import without_filing_mark
from marc_mappings.marc21.names import Flavour
from marc_mappings.record import Field, Record, Subfield

Make = Callable[[Field, Record], list[Field]]

# 6XX second indicator to $2. Source: UNIMARC Manual Appendix A.6; MARC 21 6XX second indicator.
_SYSTEMS: Final = {"0": "lc", "1": "lcch", "2": "mesh", "3": "nal", "5": "cae", "6": "caf"}
# MARC 21 $2 to UNIMARC $2, where they differ. Source: UNIMARC Manual Appendix A.6.
_SYSTEM_CODES: Final = {"lcsh": "lc", "ram": "rameau", "nsbncf": "nsogi", "lctgm": "lctgm"}
# Subdivisions. Source: UNIMARC Manual 600-608; LC, UNIMARC to MARC 21: 606.
SUBDIVISIONS: Final = {"v": "j", "x": "x", "y": "z", "z": "y"}
_TITLE: Final = {
    "a": "a",
    "n": "h",
    "p": "i",
    "f": "k",
    "k": "l",
    "l": "m",
    "g": "n",
    "d": "n",
    "s": "q",
    "m": "r",
    "r": "u",
    "o": "w",
    "h": "b",
    "t": "a",
}
TITLE_CODES: Final = "".join(_TITLE)
_NAME_CODES: Final = {"600": "abcdjqu", "610": "abcdgnu", "611": "abcdegnqu"}
_ANY: Final = frozenset(string.ascii_letters + string.digits)
# Names as subjects to the name fields embedded in 604. Source: UNIMARC Manual 604.
_EMBEDDED: Final = {"600": "700", "601": "710", "602": "720"}


Reads = Callable[[Field], frozenset[str]]


def with_system(codes: str) -> Reads:
    """Return the function that tells the codes read: ``codes``, the subdivisions, $2 if it counts.

    A $2 is the list of the heading only where the second indicator is 7.
    """
    plain = frozenset(codes + "vxyz0")
    named = plain | {"2"}
    return lambda field: named if field.indicators[1:] == "7" else plain


def name_reads(flavour: Flavour) -> Reads:
    """Return the function that tells the codes read of a name as subject, with or without title."""

    def reads(field: Field) -> frozenset[str]:
        at = next((i for i, (c, _) in enumerate(field.subfields) if c == "t"), None)
        known = _NAME_CODES[field.tag]
        if at is not None and flavour == "unimarc":
            known = "abcdjq" if field.tag == "600" else "abcdnq"
        end = len(field.subfields) if at is None else at
        unread = {code for code, _ in field.subfields[:end] if code not in known}
        unread |= {code for code, _ in field.subfields[end:] if code not in _TITLE}
        return _ANY - (unread - with_system("")(field))

    return reads


def _tail(field: Field) -> list[Subfield]:
    """Return subdivisions, system code and authority number of a heading."""
    parts = []
    for code, value in field.subfields:
        if to := SUBDIVISIONS.get(code):
            parts.append(Subfield(to, steps.trim_isbd(value)))
    system = _SYSTEMS.get(field.indicators[1:], "")
    if field.indicators[1:] == "7":
        code = " ".join(field.all("2")).strip()
        system = _SYSTEM_CODES.get(code, code)
    if system:
        parts.append(Subfield("2", system))
    parts += [Subfield("3", value.strip()) for value in field.all("0")]
    return [part for part in parts if part.value]


def _made(tag: str, indicators: str, head: list[Subfield], field: Field) -> list[Field]:
    parts = (*(part for part in head if part.code not in "38"), *_tail(field))
    return [Field(tag, indicators, parts)] if parts else []


def topic(tag: str, indicators: str = "  ") -> Make:
    """Return the function that makes ``tag`` of a heading of one term."""

    def make(field: Field, _: Record) -> list[Field]:
        """The term, its subdivisions ($y and $z change places), $2 from the second indicator."""
        head = [Subfield("a", steps.trim_isbd(value)) for value in field.all("a")]
        return _made(tag, indicators, [part for part in head if part.value], field)

    return make


def level(field: Field, _: Record) -> str:
    """First indicator of 606 and 610: the level of the term, 0 where none is said."""
    return field.indicators[0] if field.indicators[:1] in ("0", "1", "2") else "0"


def topical(field: Field, record: Record) -> list[Field]:
    """The term with $b joined, subdivisions ($y and $z change places), $2 from the indicator."""
    head = " ".join(field.all("abcd"))
    text = steps.trim_isbd(head)
    parts = [Subfield("a", text)] if text else []
    return _made("606", f"{level(field, record)} ", parts, field)


def named(flavour: Flavour) -> Make:
    """Return the function that makes 600-602 of a name as subject, 604 where it has a title."""

    def make(field: Field, _: Record) -> list[Field]:
        """The name in its parts, subdivisions, $2; with a title it is 604."""
        subfields = field.subfields
        at = next((i for i, (code, _) in enumerate(subfields) if code == "t"), len(subfields))
        name = field._replace(subfields=subfields[:at])
        is_person = field.tag == "600"
        parts = marc21_names.person(name) if is_person else marc21_names.body(name)
        tag, indicators = _name_tag(field, is_person=is_person)
        title = _title_parts(subfields[at:])
        if not title:
            return _made(tag, indicators, parts, field)
        if flavour == "cnmarc":
            head = [Subfield("1", _EMBEDDED[tag] + indicators), *parts] if parts else []
            return _made("604", "  ", [*head, Subfield("1", "50010"), *title], field)
        text = marc21_names.heading(name)
        together = ". ".join(part.value for part in title)
        head = [Subfield("a", text)] if text else []
        return _made("604", "  ", [*head, Subfield("t", together)], field)

    return make


def _name_tag(field: Field, *, is_person: bool) -> tuple[str, str]:
    first = field.indicators[:1].strip()
    if is_person:
        return ("602", "  ") if first == "3" else ("600", f" {'1' if first == '1' else '0'}")
    meeting = "1" if field.tag == "611" else "0"
    return "601", f"{meeting}{first if first in ('0', '1', '2') else '2'}"


def _title_parts(subfields: tuple[Subfield, ...]) -> list[Subfield]:
    parts = []
    for code, value in subfields:
        if code in _TITLE and (text := steps.trim_isbd(value)):
            parts.append(Subfield(_TITLE[code], text))
    return parts


def uniform_title(tag: str, indicators: str, skipped_by: int) -> Make:
    """Return the function that makes ``tag`` of a uniform title.

    ``skipped_by``: which indicator counts the characters that filing skips.
    """

    def make(field: Field, _: Record) -> list[Field]:
        """The title in its parts; what filing skips stands between NSB and NSE."""
        parts = []
        for code, value in field.subfields:
            if to := _TITLE.get(code):
                if to == "a":
                    value = without_filing_mark(value, field.indicators[skipped_by:][:1])
                if text := steps.trim_isbd(value):
                    parts.append(Subfield(to, text))
        if tag == "605":
            return _made(tag, indicators, parts, field)
        parts += [Subfield("3", value.strip()) for value in field.all("0") if value.strip()]
        return [Field(tag, indicators, tuple(parts))] if parts else []

    return make


def keywords(field: Field, record: Record) -> list[Field]:
    """Uncontrolled terms, all in one 610."""
    terms = [Subfield("a", text) for value in field.all("a") if (text := steps.trim_isbd(value))]
    return [Field("610", f"{level(field, record)} ", tuple(terms))] if terms else []


def area_codes(field: Field, _: Record) -> list[Field]:
    """One 660 for each area code."""
    found = [value.strip() for value in field.all("a")]
    return [Field("660", "  ", (Subfield("a", value),)) for value in found if value]


def class_number(system: str) -> Make:
    """Return the function that makes 686 of a class number of ``system``; of $2 where it is ""."""

    def make(field: Field, _: Record) -> list[Field]:
        """Class number, book number and the code of the classification."""
        source, slash, edition = field.first("2").strip().partition("/")
        code = system or source
        if not system and field.indicators[:1] == "0" and field.tag == "086":
            code = "sudocs"
        return _classed("686", field, code, edition if slash else "")

    return make


def _classed(tag: str, field: Field, code: str, edition: str) -> list[Field]:
    book = [value.strip() for value in field.all("b")]
    made = []
    for at, value in enumerate(value.strip() for value in field.all("a")):
        parts = [Subfield("a", value)]
        if at == 0:
            parts += [Subfield("b", text) for text in book if text]
        if edition:
            parts.append(Subfield("v", edition))
        if code:
            parts.append(Subfield("2", code))
        if value:
            made.append(Field(tag, "  ", tuple(parts)))
    return made


def lc_class(field: Field, _: Record) -> list[Field]:
    """A field for each class number, the book number with the first."""
    return _classed("680", field, "", "")


def chinese_class(field: Field, record: Record) -> list[Field]:
    """The Chinese library classification (clc) in 690, any other in 686."""
    source, slash, edition = field.first("2").strip().partition("/")
    if source == "clc":
        return _classed("690", field, "", edition if slash else "")
    return class_number("")(field, record)


def dewey(field: Field, _: Record) -> list[Field]:
    """Each number without the prime marks, and the edition."""
    edition = [Subfield("v", text) for value in field.all("2") if (text := value.strip())]
    return [
        Field("676", "  ", (Subfield("a", text), *edition))
        for value in field.all("a")
        if (text := value.strip())
    ]
