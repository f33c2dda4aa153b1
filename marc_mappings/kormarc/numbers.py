"""Numbers, classes, call numbers, copies and prices: KORMARC to MARC 21, and back.

What a Korean library writes of them has its own fields: the set's ISBN by an indicator, the five
digits behind the ISBN (부가기호), KDC and other classes, the call number of the National Library,
the registration numbers of the copies, the price with a backslash that is the won sign.

Source: KS X 6006-0:2023, 012, 020, 049, 052, 056, 074, 085, 950,
https://librarian.nl.go.kr/kormarc/KSX6006-0/index.html; MARC 21 Bibliographic 020, 024, 037, 084,
852. Not verified in the lists of the Library of Congress: the codes ``kdc`` and ``kdcp`` and how an
edition is written behind them (as ``njb/09`` is), and the ISIL of the National Library.
"""

from __future__ import annotations

import re
from typing import Final

from marc_mappings.keys import identifiers
from marc_mappings.record import Field, Record, Subfield

NATIONAL_LIBRARY: Final = "KR-011001"
SET: Final = "(set)"
KDC: Final = "kdc"
REGISTRATION: Final = "GPRN"

# 085, first indicator: the scheme. A name where the MARC lists have no code.
SCHEMES: Final = {
    "0": "kdcp",
    "1": "njb",
    "2": "조선총독부 신서부분류표",
    "3": "조선총독부 양서부분류표",
    "4": "조선총독부 고서부분류표",
    "5": "사부분류",
}

_LIBRARY: Final = re.compile(r"[0-9]{6}")
_ISIL: Final = re.compile(r"^(\(?)KR-([0-9]{6})(?![0-9A-Za-z])")
_CIP: Final = re.compile(r"CIP[0-9]{10}")


def isil(text: str) -> str:
    """Return ``text`` with a Korean library code of six digits as ISIL.

    >>> isil("141067"), isil("(011001)KMO200200001"), isil("DLC")
    ('KR-141067', '(KR-011001)KMO200200001', 'DLC')
    """
    if text[:1] == "(":
        agency, bracket, number = text[1:].partition(")")
        return f"({isil(agency)}{bracket}{number}"
    return f"KR-{text.strip()}" if _LIBRARY.fullmatch(text.strip()) else text


def won(text: str) -> str:
    """Return a price with the won sign that the backslash of the old character set stands for.

    >>> won("\\\\15000"), won("비매품")
    ('₩15000', '비매품')
    """
    return text.replace("\\", "₩")


def plain(text: str) -> str:
    """Return ``text`` without punctuation that would introduce a next one."""
    return text.rstrip(" /:;,")


def to_marc21_isbn(field: Field, _: Record) -> list[Field]:
    """First indicator 1 is $q (set); $g, the add-on code, is 024 3# $d with the ISBN as $a."""
    is_set = field.indicators[:1] == "1"
    parts = [
        Subfield(code, won(text) if code == "c" else text)
        for code, value in field.subfields
        if code in "acqz68" and (text := plain(value))
    ]
    at = next((at for at, part in enumerate(parts) if part.code in "az"), -1)
    if is_set and at >= 0 and not identifiers.is_set(" ".join(field.all("aqc"))):
        parts.insert(at + 1, Subfield("q", SET))
    found = [Field("020", "  ", tuple(parts))] if parts else []
    number = identifiers.isbn13(field.first("a"))
    for add_on in filter(None, map(plain, field.all("g"))):
        code = [Subfield("a", number), Subfield("d", add_on)] if number else [Subfield("a", add_on)]
        qualifier = [Subfield("q", SET)] * is_set
        found.append(Field("024", "3 " if number else "8 ", (*code, *qualifier)))
    return found


def to_marc21_agency_number(field: Field, _: Record) -> list[Field]:
    """016 7# with $2 for the National Library."""
    parts = [part for part in field.subfields if part.code in "az8" and part.value.strip()]
    agency = Subfield("2", NATIONAL_LIBRARY)
    return [Field("016", "7 ", (*parts, agency))] if parts else []


def to_marc21_kdc(field: Field, _: Record) -> list[Field]:
    """084 with the code of the scheme and the edition from $2: kdc/6."""
    edition = field.first("2").strip()
    parts = [part for part in field.subfields if part.code in "abq68" and part.value.strip()]
    if not any(part.code == "a" for part in parts):
        return []
    source = Subfield("2", f"{KDC}/{edition}" if edition else KDC)
    return [Field("084", "  ", (*parts, source))]


def to_marc21_class(field: Field, _: Record) -> list[Field]:
    """084 with the scheme of the first indicator (SCHEMES), or of $2."""
    parts = [part for part in field.subfields if part.code in "abq0168" and part.value.strip()]
    source = field.first("2").strip() or SCHEMES.get(field.indicators[:1], "")
    if source:
        parts.append(Subfield("2", source))
    return [Field("084", "  ", tuple(parts))] if parts else []


def to_marc21_call_number(field: Field, _: Record) -> list[Field]:
    """852 8# of the National Library: $h class, $i book number and volume."""
    moves = {"a": "h", "b": "i", "c": "i", "3": "3"}
    parts = [Subfield(moves[c], value) for c, value in field.subfields if c in moves]
    return [Field("852", "8 ", (Subfield("a", NATIONAL_LIBRARY), *parts))] if parts else []


def to_marc21_copies(field: Field, _: Record) -> list[Field]:
    """An 852 for each registration number $l: $p, with $v as $3, $c as $t and $f as $k."""
    groups: list[dict[str, str]] = []
    waiting: dict[str, str] = {}
    for code, value in field.subfields:
        if code == "l":
            groups.append({**waiting, "l": value})
            waiting = {}
        elif code in "vcf":
            into = groups[-1] if groups else waiting
            into[code] = f"{into[code]} {value}" if code in into else value
    library = isil(field.first("a"))
    found = []
    for group in groups or ([waiting] if waiting else []):
        values = {"3": group.get("v"), "a": library, "k": group.get("f")}
        values |= {"p": group.get("l"), "t": group.get("c")}
        parts = tuple([Subfield(code, value) for code, value in values.items() if value])
        found.append(Field("852", "  ", parts))
    return found


def to_marc21_government_number(field: Field, _: Record) -> list[Field]:
    """$k, the Korean registration number, is 024 8# with $q GPRN; the rest stays 074."""
    found = [
        Field("024", "8 ", (Subfield("a", value), Subfield("q", REGISTRATION)))
        for value in field.all("k")
        if value.strip()
    ]
    parts = tuple([part for part in field.subfields if part.code in "az8" and part.value.strip()])
    return ([Field("074", "  ", parts)] if parts else []) + found


def to_marc21_price(field: Field, _: Record) -> list[Field]:
    """037 $c, or $c of the only 020 without one; the backslash is the won sign."""
    said = [won(value).strip() for value in field.all("abc")]
    text = " ".join([each for each in said if each not in ("", "₩")])
    return [Field("037", "  ", (Subfield("c", text),))] if text else []


def with_price_in_isbn(fields: list[Field]) -> list[Field]:
    """Return the fields with the price of 037 in the one 020 of a volume that has none."""
    prices = [at for at, field in enumerate(fields) if _is_price(field)]
    numbers = [at for at, f in enumerate(fields) if f.tag == "020" and SET not in f.all("q")]
    if len(prices) != 1 or len(numbers) != 1:
        return fields
    price, number = fields[prices[0]].subfields[0], fields[numbers[0]]
    if number.first("c") in ("", price.value):
        if not number.first("c"):
            fields[numbers[0]] = number._replace(subfields=(*number.subfields, price))
        del fields[prices[0]]
    return fields


def _is_price(field: Field) -> bool:
    return field.tag == "037" and len(field.subfields) == 1 and field.subfields[0].code == "c"


def library_code(text: str) -> str:
    """Return ``text`` with the ISIL of a Korean library as the six digits KORMARC has.

    >>> library_code("KR-141067"), library_code("(KR-011001)KMO1"), library_code("DLC")
    ('141067', '(011001)KMO1', 'DLC')
    """
    return _ISIL.sub(r"\1\2", text, count=1)


def to_kormarc_isbn(field: Field, _: Record) -> list[Field]:
    """First indicator 1 if the words around say set; the $q (set) that says only that goes."""
    is_set = identifiers.is_set(" ".join(field.all("aqc")))
    parts = [
        part for part in field.subfields if part != (Subfield("q", SET)) and part.value.strip()
    ]
    return [Field("020", "1 " if is_set else "  ", tuple(parts))] if parts else []


def to_kormarc_other_number(field: Field, _: Record) -> list[Field]:
    """024 8# with $q GPRN is 074 $k, the Korean registration number; the rest is 024."""
    codes = {part.code for part in field.subfields}
    if field.first("q") == REGISTRATION and codes <= {"a", "q"}:
        return [Field("074", "  ", tuple([Subfield("k", value) for value in field.all("a")]))]
    return [field._replace(tag="024")]


def to_kormarc_agency_number(field: Field, _: Record) -> list[Field]:
    """016 of the National Library is 012."""
    codes = {part.code for part in field.subfields}
    if field.first("2") != NATIONAL_LIBRARY or not codes <= set("az28"):
        return [field._replace(tag="016")]
    parts = tuple([part for part in field.subfields if part.code in "az8"])
    return [Field("012", "  ", parts)] if parts else []


def to_kormarc_system_number(field: Field, _: Record) -> list[Field]:
    """035 with a CIP number alone is 023; Korean libraries have six digits again."""
    if _CIP.fullmatch(field.first("a").strip()):
        return [field._replace(tag="023")]
    parts = [Subfield(code, library_code(value)) for code, value in field.subfields]
    return [Field("035", "  ", tuple(parts))]


def to_kormarc_class(field: Field, _: Record) -> list[Field]:
    """084 with kdc is 056 with the edition in $2, with njb and the Korean schemes 085; also 085."""
    source = field.first("2").strip()
    scheme, _slash, edition = source.partition("/")
    rest = [part for part in field.subfields if part.code != "2" and part.value.strip()]
    if not rest:
        return []
    if scheme.rstrip("0123456789") == KDC:
        edition = edition or scheme.removeprefix(KDC)
        return [Field("056", "  ", (*rest, *[Subfield("2", edition)] * bool(edition)))]
    first = next((code for code, name in SCHEMES.items() if name in (source, scheme)), "")
    if first and (first != "1" or not edition):
        return [Field("085", f"{first} ", tuple(rest))]
    return [Field("085", "  ", (*rest, *[Subfield("2", source)] * bool(source)))]


def to_kormarc_location(field: Field, _: Record) -> list[Field]:
    """852 of the National Library with a class is 052; one copy with $p is 049; else 852."""
    codes = {part.code for part in field.subfields}
    if field.first("a") == NATIONAL_LIBRARY and "h" in codes and codes <= set("ahi3"):
        items = list(field.all("i"))
        parts = [Subfield("a", field.first("h")), *[Subfield("b", each) for each in items[:1]]]
        parts += [Subfield("c", " ".join(items[1:]))] * (len(items) > 1)
        parts += [Subfield("3", value) for value in field.all("3")]
        return [Field("052", "01", tuple(parts))]
    if "p" in codes and codes <= set("akpt3"):
        moves = {"p": "l", "3": "v", "t": "c", "k": "f"}
        parts = [Subfield("a", library_code(value)) for value in field.all("a")]
        parts += [Subfield(to, value) for code, to in moves.items() for value in field.all(code)]
        return [Field("049", "0 ", tuple(parts))]
    return [field._replace(tag="852")]


def to_kormarc_price(field: Field, _: Record) -> list[Field]:
    """037 with nothing but $c is 950: $b a sum, $a words such as 비매품."""
    if {part.code for part in field.subfields} != {"c"}:
        return [field._replace(tag="037")]
    return [
        Field("950", "0 ", (Subfield("b" if any(map(str.isdigit, value)) else "a", value),))
        for value in field.all("c")
    ]


def with_add_on_codes(fields: list[Field]) -> list[Field]:
    """Return the fields with the add-on of a 024 3# in $g of the 020 that has its number."""
    found = list(fields)
    for field in fields:
        if field.tag != "024" or field.indicators[:1] != "3" or not field.first("d"):
            continue
        number = identifiers.isbn13(field.first("a"))
        at = next((at for at, each in enumerate(found) if number and _is_isbn(each, number)), -1)
        if at >= 0:
            parts = list(found[at].subfields)
            where = next(place for place, part in enumerate(parts) if part.code == "a") + 1
            parts.insert(where, Subfield("g", field.first("d")))
            found[at] = found[at]._replace(subfields=tuple(parts))
            found.remove(field)
    return found


def _is_isbn(field: Field, number: str) -> bool:
    if field.tag != "020" or field.first("g"):
        return False
    return identifiers.isbn13(field.first("a")) == number


def with_one_holding(fields: list[Field]) -> list[Field]:
    """Return the fields with all 049 in the first one: KORMARC lists the copies in one field."""
    holdings = [field for field in fields if field.tag == "049"]
    if len(holdings) < 2:
        return fields
    library = [part for part in holdings[0].subfields if part.code == "a"]
    copies = [part for each in holdings for part in each.subfields if part.code != "a"]
    one = holdings[0]._replace(subfields=(*library, *copies))
    return [one if field is holdings[0] else field for field in fields if field not in holdings[1:]]
