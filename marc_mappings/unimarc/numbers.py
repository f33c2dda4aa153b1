"""Numbers of UNIMARC, 0XX, as those of MARC 21, where no plan of subfields can say it.

Source: IFLA, UNIMARC Manual 003-073; WH/T 0503 (CNMARC) 091-099; MARC 21 Bibliographic 005-035.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from marc_mappings import codes
from marc_mappings.keys import identifiers
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Steps
from marc_mappings.unimarc.names import agency

Make = Callable[[Field, Record], list[Field]]

_HYPHENATED = re.compile(r"[0-9][0-9\-\u2010-\u2015 ]{8,20}[0-9Xx](?![0-9Xx])")


def _without_hyphens(text: str) -> str:
    """Take the hyphens out of an ISBN, and leave what stands behind it."""
    match = _HYPHENATED.match(text.strip())
    if not match or len(number := identifiers.compact(match[0])) not in (10, 13):
        return text.strip()
    return number + text.strip()[match.end() :]


PRICE_STEPS: Final[Steps] = {"a": (_without_hyphens,), "z": (_without_hyphens,), "b": (str.strip,)}


def field_of(tag: str, indicators: str, *parts: tuple[str, str]) -> list[Field]:
    """Return the field of the parts that say something, or none."""
    said = tuple(Subfield(code, value) for code, value in parts if value)
    return [Field(tag, indicators, said)] if said else []


def values_of(field: Field, code: str) -> list[str]:
    """Return the values of a subfield that say something, without blanks around them."""
    return [value.strip() for value in field.all(code) if value.strip()]


def number_type(field: Field, _: Record) -> str:
    """Return the first indicator of 028: which publisher's number it is."""
    return codes.from_unimarc("publisher_number").get(field.indicators[:1], "5")


def number_note(field: Field, _: Record) -> str:
    """Return the second indicator of 028: a note is wanted, or none."""
    return "2" if field.indicators[1:] == "1" else "0"


def timestamp(field: Field, _: Record) -> list[Field]:
    """005 as YYYYMMDDHHMMSS.F, what is missing filled with zeros."""
    digits = re.sub(r"[^0-9]", "", field.value.strip().partition(".")[0])[:14]
    if len(digits) < 8:
        return []
    tenth = re.sub(r"[^0-9]", "", field.value.strip().partition(".")[2])[:1] or "0"
    return [Field("005", "", (), f"{digits.ljust(14, '0')}.{tenth}")]


def former_number(field: Field, record: Record) -> list[Field]:
    """035 with the number of another system, and the agency of the record before it."""
    number, source = field.value.strip() or field.first("a").strip(), agency(record)
    return field_of("035", "  ", ("a", f"({source}){number}" if source and number else number))


def standard_number(source: str) -> Make:
    """Return a function that makes 024; ``source`` is what $2 says, or ``"2"`` to copy it."""

    def make(field: Field, _: Record) -> list[Field]:
        """024 with $a, $z, $q, $c and the source in $2; first indicator 8 without a source."""
        name = field.first("2").strip() if source == "2" else source
        return _field_of_number(field, name)

    return make


def _field_of_number(field: Field, name: str) -> list[Field]:
    numbers = [("a", value) for value in values_of(field, "a")] or [("a", field.value.strip())]
    wrong = [("z", value) for value in values_of(field, "z")]
    if not any(value for _, value in (*numbers, *wrong)):
        return []
    rest = [("q", value) for value in values_of(field, "b")]
    price = [("c", value) for value in values_of(field, "d")]
    kind = "7 " if name else "8 "
    found = field_of("024", kind, *numbers[:1], *rest, *price, *wrong, ("2", name))
    for more in numbers[1:]:
        found += field_of("024", kind, more, ("2", name))
    return found


def local_number(name: str) -> Make:
    """Return a function that makes 024 with $2 local for a number that China calls ``name``."""

    def make(field: Field, _: Record) -> list[Field]:
        """024 7# with $2 local and the name of the number in $q."""
        made = _field_of_number(field, "local")
        return [one._replace(subfields=(*one.subfields, Subfield("q", name))) for one in made]

    return make


# Source codes of national bibliographies. Source: LC, National Bibliography Number Source Codes.
_BIBLIOGRAPHIES: Final = {"GB": "bnb", "DE": "dnb"}


def bibliography_number(field: Field, _: Record) -> list[Field]:
    """015 with the number, $z, and $2 for the country's bibliography, or the country in $q."""
    country = field.first("a").strip()
    source = _BIBLIOGRAPHIES.get(country.upper(), "")
    numbers = [("a", value) for value in values_of(field, "b")]
    wrong = [("z", value) for value in values_of(field, "z")]
    if not numbers and not wrong:
        return []
    told = ("2", source) if source else ("q", country)
    return field_of("015", "  ", *numbers, *wrong, told)


def legal_deposit(field: Field, _: Record) -> list[Field]:
    """017 with the number, and the country as the agency that gave it."""
    numbers = [("a", value) for value in values_of(field, "b")]
    wrong = [("z", value) for value in values_of(field, "z")]
    if not numbers and not wrong:
        return []
    return field_of("017", "  ", *numbers, ("b", field.first("a").strip()), *wrong)


def ean_as_isbn(field: Field, record: Record) -> list[Field]:
    """020 for an EAN that is an ISBN no 010 has."""
    number = identifiers.isbn13(field.first("a"))
    known = {identifiers.isbn13(value) for each in record.all("010") for value in each.all("az")}
    return field_of("020", "  ", ("a", number)) if number and number not in known else []
