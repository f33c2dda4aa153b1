"""Related works and places on the web: series, linking entries, name/title entries, 856.

Source: MARC 21 to MODS 3.7 Mapping (Library of Congress), relatedItem, location,
https://www.loc.gov/standards/mods/mods-mapping-3-7.html; MARC 21 Bibliographic 76X-78X.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from marc_mappings.mods.coded import language_of
from marc_mappings.mods.elements import some, uri
from marc_mappings.mods.headings import (
    Elements,
    Maker,
    authority,
    joined,
    kind_of_name,
    name_parts,
    parted,
    title_info,
    title_starts,
    work_parts,
)
from marc_mappings.record import Field, Record
from marc_mappings.steps import trim_isbd

# Linking entry -> type of the related item, "" where MODS has none.
LINKS: Final[Mapping[str, str]] = {
    "760": "series",
    "762": "constituent",
    "765": "otherVersion",
    "767": "otherVersion",
    "770": "constituent",
    "772": "host",
    "773": "host",
    "774": "constituent",
    "775": "otherVersion",
    "776": "otherFormat",
    "777": "",
    "780": "preceding",
    "785": "succeeding",
    "786": "original",
    "787": "",
}

# Subfields of a linking entry that are identifiers -> their type. 773 $y is CODEN.
_NUMBERS: Final = {"o": "", "r": "report number", "u": "stock number", "x": "issn", "y": "coden"}
_OWN_NUMBERS: Final = (("(DLC)", "lccn"), ("(OCoLC)", "oclc"))
# 773 $q: volume:number:part<page.
_ENUMERATION = re.compile(r"(?P<levels>[^<]*)(?:<(?P<page>.*))?")


def link(tag: str) -> Maker:
    """Return a maker of relatedItem for a linking entry field."""
    kind = LINKS[tag]

    def make(field: Field, _: Record) -> Elements:
        """relatedItem: titleInfo, name, originInfo, identifiers, part, notes"""
        made = some("titleInfo", some("title", joined(field, "t")))
        made += some("titleInfo", some("title", joined(field, "s")), type="uniform")
        made += some("titleInfo", some("title", joined(field, "p")), type="abbreviated")
        made += some("name", some("namePart", joined(field, "a")))
        made += _origin(field)
        made += some("physicalDescription", some("form", joined(field, "h")))
        for value in field.all("e"):
            made += language_of(value)
        made += _part(field)
        for value in field.all("cmn"):
            made += some("note", trim_isbd(value))
        series = some("titleInfo", some("title", joined(field, "k")))
        made += some("relatedItem", series, type="series") + _numbers(field)
        return some("relatedItem", made, **_relation(field, kind))

    return make


def _relation(field: Field, kind: str) -> dict[str, str]:
    """Return the attributes of the relation: where MODS has no type for it, $i says which it is."""
    label = joined(field, "i").rstrip(": ")
    return {"type": kind, "displayLabel": label} if kind else {"otherType": label}


def _origin(field: Field) -> Elements:
    country = joined(field, "f")
    made = some("publisher", joined(field, "d")) + some("edition", joined(field, "b"))
    if country:
        term = some("placeTerm", country, type="code", authority="marccountry")
        made = some("place", term) + made
    return some("originInfo", made)


def _part(field: Field) -> Elements:
    made: Elements = ()
    for value in field.all("q"):
        if match := _ENUMERATION.match(value.strip()):
            for level, number in enumerate(match["levels"].split(":"), 1):
                made += some("detail", some("number", number.strip()), level=str(level))
            page = (match["page"] or "").strip()
            made += some("extent", some("start", page), unit="page")
    for value in field.all("g"):
        made += some("text", trim_isbd(value))
    return some("part", made)


def _numbers(field: Field) -> Elements:
    made: Elements = ()
    for code, value in field.subfields:
        value = value.strip()
        if code == "z":
            made += some("identifier", value, type="isbn")
        elif code in _NUMBERS:
            made += some("identifier", value, type=_NUMBERS[code])
        elif code == "w":
            kind, number = own_number(value)
            made += some("identifier", number, type=kind)
    return made


def own_number(value: str) -> tuple[str, str]:
    """Return (type, number) of a record's number in another system.

    >>> own_number("(OCoLC)ocm12345"), own_number("(KR-BUL)bk1")
    (('oclc', 'ocm12345'), ('local', '(KR-BUL)bk1'))
    """
    value = value.strip()
    for prefix, kind in _OWN_NUMBERS:
        if value.startswith(prefix):
            return kind, value[len(prefix) :].strip()
    return "local", value


def work(tag: str) -> Maker:
    """Return a maker of relatedItem for an added entry that has a title ($t)."""

    def make(field: Field, _: Record) -> Elements:
        """relatedItem, constituent if the second indicator is 2: titleInfo, name"""
        if title_starts(field) is None:
            return ()
        who = kind_of_name(field, tag)
        made = title_info(work_parts(field), **authority(field))
        made += some("name", name_parts(field, who), type=who)
        made += some("identifier", joined(field, "x"), type="issn")
        kind = "constituent" if field.indicators[1:] == "2" else ""
        return some("relatedItem", made, **_relation(field, kind))

    return make


def part_title(field: Field, _: Record) -> Elements:
    """relatedItem constituent: titleInfo"""
    heads = {"a": "title", "t": "title", "n": "partNumber", "p": "partName"}
    made = title_info(parted(field, heads, "dfgklmors"), field.indicators[:1], **authority(field))
    made += some("identifier", joined(field, "x"), type="issn")
    return some("relatedItem", made, **_relation(field, "constituent"))


def series(field: Field, record: Record) -> Elements:
    """relatedItem series: titleInfo with the numbering as partNumber; not what 800-830 trace"""
    if field.indicators[:1] == "1" and _is_traced(field, record):
        return ()
    heads = {"a": "title", "n": "partNumber", "p": "partName", "v": "partNumber"}
    skipped = field.indicators[1:] if field.tag == "440" else ""
    return _series(title_info(parted(field, heads), skipped), field)


def _is_traced(field: Field, record: Record) -> bool:
    if field.tag != "880":
        return any(record.all("800", "810", "811", "830"))
    traced = ("800-", "810-", "811-", "830-")
    return any(other.first("6").startswith(traced) for other in record.all("880"))


def series_title(field: Field, _: Record) -> Elements:
    """relatedItem series: titleInfo"""
    heads = {"a": "title", "n": "partNumber", "p": "partName", "v": "partNumber"}
    parts = parted(field, heads, "dfgklmorst")
    return _series(title_info(parts, field.indicators[1:], **authority(field)), field)


def series_work(tag: str) -> Maker:
    """Return a maker of relatedItem series for 800-811."""

    def make(field: Field, _: Record) -> Elements:
        """relatedItem series: titleInfo, name"""
        kind = kind_of_name(field, tag)
        parts = [] if title_starts(field) is None else work_parts(field)
        parts += [("partNumber", trim_isbd(value)) for value in field.all("v")]
        made = title_info(parts, **authority(field)) + some(
            "name", name_parts(field, kind), type=kind
        )
        return _series(made, field)

    return make


def _series(made: Elements, field: Field) -> Elements:
    numbers = some("identifier", joined(field, "x"), type="issn")
    for value in field.all("w"):
        kind, number = own_number(value)
        numbers += some("identifier", number, type=kind)
    return some("relatedItem", made + numbers if made else (), type="series")


def original(field: Field, _: Record) -> Elements:
    """relatedItem original: titleInfo, name, originInfo, identifiers, notes"""
    made = some("titleInfo", some("title", joined(field, "t")))
    made += some("name", some("namePart", joined(field, "a")))
    dated = some("publisher", joined(field, "c")) + some("edition", joined(field, "b"))
    made += some("originInfo", dated)
    made += some("physicalDescription", some("extent", joined(field, "e")))
    for value in field.all("f"):
        made += some("relatedItem", some("titleInfo", some("title", value)), type="series")
    for value in field.all("klmn"):
        made += some("note", trim_isbd(value))
    for code, kind in (("x", "issn"), ("z", "isbn"), ("o", "")):
        for value in field.all(code):
            made += some("identifier", value.strip(), type=kind)
    return some("relatedItem", made, type="original", displayLabel=joined(field, "p").rstrip(": "))


def cited_in(field: Field, _: Record) -> Elements:
    """relatedItem isReferencedBy: titleInfo, part, issn"""
    made = some("titleInfo", some("title", joined(field, "a")))
    made += some("originInfo", some("dateOther", joined(field, "b")))
    made += some("part", some("text", joined(field, "c")))
    made += some("identifier", joined(field, "x"), type="issn")
    return some("relatedItem", made, type="isReferencedBy")


def electronic(field: Field, _: Record) -> Elements:
    """location: url for each $u; internetMediaType; in a relatedItem if second indicator 2"""
    label, note = joined(field, "3y"), joined(field, "z")
    usage = "primary" if field.indicators[1:] in ("0", "1") and field.tag != "880" else ""
    urls: Elements = ()
    for value in field.all("u"):
        urls += some("url", uri(value), displayLabel=label, note=note, usage=usage)
    media = some("internetMediaType", joined(field, "q"))
    made = some("location", urls) + some("physicalDescription", media)
    if field.indicators[1:] == "2":
        return some("relatedItem", made, displayLabel=label)
    return made
