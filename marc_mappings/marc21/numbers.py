"""Numbers of MARC 21 (of the record and of the book) as UNIMARC has them: 001 to 073, 801.

MARC 21 wrote what a number is of and what it costs behind it ("0306406152 (pbk.) : $12"); UNIMARC
has a subfield for each. The agency of 003 and those of 040 become 801, one for each function.

Source: UNIMARC Manual, Bibliographic Format, 0--, 801; MARC 21 Bibliographic, 001-040; LC, UNIMARC
to MARC 21 Conversion Specifications: 010-073, 801; MARC Code List for Organizations (countries).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from marc_mappings import codes, steps
from marc_mappings.keys import identifiers
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Row, copied, made

_LC = "LC UNIMARC to MARC 21"
_MANUAL = "UNIMARC Manual"

# Source of a national bibliography number (015 $2) to its country. Source: MARC 21 National
# Bibliography Number Source Codes.
_BIBLIOGRAPHIES: Final = {
    "bnb": "GB",
    "bnf": "FR",
    "dnb": "DE",
    "jnb": "JP",
    "can": "CA",
    "ruskniga": "RU",
    "bnch": "CN",
    "knb": "KR",
    "nbc": "CZ",
    "bne": "ES",
    "bni": "IT",
    "nznb": "NZ",
}
# Agencies whose code does not begin with a country. Source: MARC Code List for Organizations.
_AGENCIES: Final = {"DLC": "US", "OCoLC": "US", "JTNDL": "JP", "Uk": "GB"}
_ISIL = re.compile(r"([A-Z]{2})-[0-9A-Za-z]")
_CANADA = re.compile(r"Ca[A-Z]")
# 024 first indicator to tag. Source: UNIMARC Manual 013, 016, 072, 073.
_STANDARD: Final = {"0": "016", "1": "072", "2": "013", "3": "073"}


def country_of(agency: str) -> str:
    """Return the ISO 3166-1 code of the country that an agency code says, ``""`` if none.

    >>> country_of("JP-ToTOH"), country_of("CaONFJC"), country_of("DLC"), country_of("NNC")
    ('JP', 'CA', 'US', '')
    """
    if agency in _AGENCIES:
        return _AGENCIES[agency]
    if _CANADA.match(agency):
        return "CA"
    match = _ISIL.match(agency)
    return match[1] if match and codes.place_name(match[1]) != codes.place_name("ZZ") else ""


def _source(function: str, agency: str, *more: Subfield) -> Field:
    country = country_of(agency)
    head = [Subfield("a", country)] if country else []
    return Field("801", f" {function}", (*head, Subfield("b", agency), *more))


def _issuing_agency(field: Field, record: Record) -> list[Field]:
    """The agency whose control number 001 is, as issuing agency, with the date of 005."""
    agency = field.value.strip()
    date = record.control("005")[:8]
    more = [Subfield("c", date)] if len(date) == 8 and date.isdigit() else []
    return [_source("3", agency, *more)] if agency else []


_FUNCTIONS: Final = {"a": "0", "c": "1", "d": "2"}


def _agencies(field: Field, _: Record) -> list[Field]:
    """$a original (0), $c transcribing (1), each $d modifying agency (2), with the rules ($e)."""
    rules = [Subfield("g", value.strip()) for value in field.all("e") if value.strip()]
    made_: dict[Field, None] = {}
    for code, value in field.subfields:
        if (function := _FUNCTIONS.get(code)) and (agency := value.strip()):
            made_[_source(function, agency, *(rules if not made_ else ()))] = None
    return list(made_)


def _agency_codes(field: Field) -> frozenset[str]:
    """Return what is read of 040: the rules ($e) only where there is an agency to follow them."""
    return frozenset("abcde" if any(code in _FUNCTIONS for code, _ in field.subfields) else "")


def _lccn(field: Field, _: Record) -> list[Field]:
    """The number of the Library of Congress as a control number of (DLC)."""
    parts = []
    for code, value in field.subfields:
        if code in "az" and (text := "".join(value.split())):
            parts.append(Subfield(code, f"(DLC){identifiers.lccn(value) or text}"))
    return [Field("035", "  ", tuple(parts))] if parts else []


def _other_agency(field: Field, _: Record) -> list[Field]:
    """The number with the agency it is of: $2, or Library and Archives Canada."""
    agency = field.first("2").strip() or "CaOONL"
    parts = [
        Subfield(code, f"({agency}){value.strip()}")
        for code, value in field.subfields
        if code in "az" and value.strip()
    ]
    return [Field("035", "  ", tuple(parts))] if parts else []


def _bibliography(field: Field, _: Record) -> list[Field]:
    """The number, with the country of the bibliography in $2 where that says one."""
    country = _BIBLIOGRAPHIES.get(field.first("2").strip().lower(), "")
    head = [Subfield("a", country)] if country else []
    return [
        Field("020", "  ", (*head, Subfield("b" if code == "a" else "z", value.strip())))
        for code, value in field.subfields
        if code in "az" and value.strip()
    ]


def divided(text: str) -> tuple[str, str, str]:
    """Return number, qualifier and price of a standard number as MARC 21 wrote it.

    >>> divided("0306406152 (pbk. : acid-free) : $12.00")
    ('0306406152', 'pbk. : acid-free', '$12.00')
    >>> divided("978-4-87984-363-0 :")
    ('978-4-87984-363-0', '', '')
    """
    number, bracket, rest = text.partition("(")
    qualifier, _, rest = rest.rpartition(")") if bracket and ")" in rest else (rest, "", "")
    if not bracket:
        number, _, rest = text.partition(" :")
    price = rest.strip(" :")
    return steps.without_sign(number), steps.without_sign(qualifier), price


def _isbn(field: Field, _: Record) -> list[Field]:
    """Number, qualifier and price apart; a field for each number."""
    qualifiers = [text for value in field.all("q") if (text := value.strip(" :;()"))]
    prices = [text for value in field.all("c") if (text := value.strip())]
    made_: list[Field] = []
    for code, value in field.subfields:
        if code not in "az":
            continue
        number, qualifier, price = divided(value)
        parts = [Subfield(code, number)] if number else []
        words = [qualifier, *(qualifiers if not made_ else ())]
        if text := " ; ".join(filter(None, words)):
            parts.append(Subfield("b", text))
        terms = [price, *(prices if not made_ else ())]
        parts += [Subfield("d", text) for text in terms if text]
        if parts:
            made_.append(Field("010", "  ", tuple(parts)))
    if not made_ and (prices or qualifiers):
        parts = [Subfield("b", text) for text in qualifiers]
        made_.append(Field("010", "  ", (*parts, *(Subfield("d", text) for text in prices))))
    return made_


def _standard_number(field: Field, _: Record) -> list[Field]:
    """The first indicator chooses the tag; numbers of another kind are 017 with their source."""
    parts = list(_standard_parts(field))
    if not parts:
        return []
    first = field.indicators[:1]
    if tag := _STANDARD.get(first):
        second = " " if tag in ("013", "016") else _difference(field)
        return [Field(tag, f" {second}", tuple(parts))]
    source = [Subfield("2", value.strip()) for value in field.all("2") if value.strip()]
    if first == "4":
        return [Field("014", "  ", (*parts, *(source or [Subfield("2", "sici")])))]
    return [Field("017", f"{'7' if source else '8'}{_difference(field)}", (*parts, *source))]


def _difference(field: Field) -> str:
    return field.indicators[1] if field.indicators[1:] in ("0", "1") else "0"


def _standard_parts(field: Field) -> Iterator[Subfield]:
    for code, value in field.subfields:
        if code in "az":
            number, qualifier, price = divided(value)
            if number:
                yield Subfield(code, number)
            yield from (Subfield(to, text) for to, text in (("b", qualifier), ("d", price)) if text)
        elif (to := {"c": "d", "q": "b"}.get(code)) and (text := value.strip(" ()")):
            yield Subfield(to, text)
        elif code == "d" and field.indicators[:1] in ("1", "3") and value.strip():
            yield Subfield("c", value.strip())


def _publisher_note(field: Field, _: Record) -> str:
    return "1" if field.indicators[1:] in ("1", "2") else "0"


def _publisher_kind(field: Field, _: Record) -> str:
    return codes.to_unimarc("publisher_number").get(field.indicators[:1], "5")


def _issn_level(field: Field, _: Record) -> str:
    return field.indicators[0] if field.indicators[:1] in ("0", "1") else " "


_TRIMMED: Final = dict.fromkeys("abqz", (steps.without_sign,))

RULES: Final[tuple[Row[Field], ...]] = (
    copied("001", "001", "", f"{_LC}: 001"),
    copied("005", "005", "", f"{_LC}: 005"),
    made("003", "801 #3", _issuing_agency, f"{_MANUAL}: 801"),
    made("040", "801 #0, #1, #2", _agencies, f"{_LC}: 801", reads=_agency_codes),
    made("010", "035 ##", _lccn, f"{_MANUAL}: 035", reads="az"),
    made("015", "020 ##", _bibliography, f"{_LC}: 020", reads="az2"),
    made("016", "035 ##", _other_agency, f"{_MANUAL}: 035", reads="az2"),
    copied("017", "021 ##", "a>b z", f"{_LC}: 021"),
    made("020", "010 ##", _isbn, f"{_LC}: 010", reads="aczq"),
    copied("022", "011 ##", "a l>f m>g y>z z>y", f"{_LC}: 011", first=_issn_level),
    made("024", "013, 016, 017, 072, 073", _standard_number, f"{_LC}: 013, 073", reads="acdqz2"),
    copied("026", "012 ##", "a e>a 2", f"{_LC}: 012"),
    copied("027", "015 ##", "a q>b z", f"{_MANUAL}: 015"),
    copied(
        "028",
        "071 <>",
        "a b q>c",
        f"{_LC}: 071",
        steps=_TRIMMED,
        first=_publisher_kind,
        second=_publisher_note,
    ),
    copied("030", "040 ##", "a z", f"{_LC}: 040"),
    copied("035", "035 ##", "a z", f"{_LC}: 035"),
    copied("037", "345 ##", "a>b b>a c>d f>c", f"{_LC}: 345"),
)
