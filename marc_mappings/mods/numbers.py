"""Numbers of MARC 21 in MODS: identifier, classification, and recordInfo with the record's own.

Source: MARC 21 to MODS 3.7 Mapping (Library of Congress), identifier, classification, recordInfo,
https://www.loc.gov/standards/mods/mods-mapping-3-7.html; Standard Identifier Source Codes.
"""

from __future__ import annotations

from typing import Final

from marc_mappings.mods import coded, related
from marc_mappings.mods.elements import some
from marc_mappings.mods.headings import Elements, Maker, joined
from marc_mappings.record import Field, Record


def identifier(kind: str, codes: str = "a", wrong: str = "z", label: str = "") -> Maker:
    """Return a maker of identifier; those in the subfields ``wrong`` are invalid ones."""

    def make(field: Field, _: Record) -> Elements:
        found: Elements = ()
        shown = joined(field, label) if label else ""
        for code, value in field.subfields:
            if code in codes:
                found += some("identifier", value.strip(), type=kind, displayLabel=shown)
            elif code in wrong:
                found += some("identifier", value.strip(), type=kind, invalid="yes")
        return found

    make.__doc__ = f"identifier {kind}; cancelled and wrong ones with invalid=yes"
    return make


def classification(scheme: str = "", edition: str = "") -> Maker:
    """Return a maker of classification of a scheme, or of the one that $2 names."""

    def make(field: Field, _: Record) -> Elements:
        """classification for each $a, the item number behind it"""
        found: Elements = ()
        named, _sign, number = field.first("2").strip().partition("/")
        for shown in _class_numbers(field):
            found += some(
                "classification",
                shown,
                authority=scheme or named,
                edition=field.first("2").strip() if edition else "" if scheme else number,
            )
        return found

    return make


def _class_numbers(field: Field) -> list[str]:
    """Return each class number ($a) with what follows it: item numbers, auxiliaries."""
    found: list[list[str]] = []
    for code, value in field.subfields:
        if code == "a" or (code in "bx" and not found):
            found.append([value.strip()])
        elif code in "bx":
            found[-1].append(value.strip())
    return [" ".join(filter(None, parts)) for parts in found]


_DOCUMENTS: Final = {"0": "sudocs", "1": "candocs"}


def document_number(field: Field, record: Record) -> Elements:
    """classification of government documents: sudocs, candocs or as $2 says"""
    return classification(_DOCUMENTS.get(field.indicators[:1], ""))(field, record)


_STANDARD: Final = {"0": "isrc", "1": "upc", "2": "ismn", "3": "ean", "4": "sici"}


_PUBLISHERS: Final = {
    "0": "issue number",
    "1": "matrix number",
    "2": "music plate",
    "3": "music publisher",
    "4": "videorecording identifier",
}


def standard_number(field: Field, record: Record) -> Elements:
    """identifier of the type that the first indicator or $2 says; $d follows the number"""
    kind = _STANDARD.get(field.indicators[:1], "") or field.first("2").strip()
    return identifier(kind, "a", "z", "dq")(field, record)


def publisher_number(field: Field, _: Record) -> Elements:
    """identifier of the type that the first indicator says"""
    kind = _PUBLISHERS.get(field.indicators[:1], "publisher number")
    label = joined(field, "q")
    return some("identifier", joined(field, "ba"), type=kind, displayLabel=label)


def isbn(field: Field, _: Record) -> Elements:
    """identifier isbn: the number, its qualification as displayLabel; $z with invalid=yes"""
    found: Elements = ()
    for code, value in field.subfields:
        if code in "az":
            number, _sign, words = value.partition("(")
            label = words.partition(")")[0].strip() or joined(field, "q").strip("() ")
            found += some(
                "identifier",
                number.partition(" :")[0].strip(" :"),
                type="isbn",
                displayLabel=label,
                invalid="yes" if code == "z" else "",
            )
    return found


def system_number(field: Field, _: Record) -> Elements:
    """identifier oclc or lccn by its prefix, else local, so is an old $9; $z with invalid=yes"""
    found: Elements = ()
    for code, value in field.subfields:
        if code in "az9":
            kind, number = related.own_number(value)
            invalid = "yes" if code == "z" else ""
            found += some("identifier", number, type=kind, invalid=invalid)
    return found


def record_number(field: Field, record: Record) -> Elements:
    """recordInfo: recordIdentifier, with 003 as its source"""
    number = some("recordIdentifier", field.value.strip(), source=record.agency)
    return some("recordInfo", number)


def changed(field: Field, _: Record) -> Elements:
    """recordInfo: recordChangeDate in ISO 8601"""
    return some("recordInfo", some("recordChangeDate", field.value.strip(), encoding="iso8601"))


def cataloguing(field: Field, _: Record) -> Elements:
    """recordInfo: recordContentSource, languageOfCataloging, descriptionStandard"""
    found: Elements = ()
    for value in field.all("acd"):
        if code := value.strip():
            found += some("recordContentSource", code, authority="marcorg")
    for value in field.all("b"):
        for language in coded.language_of(value):
            found += some("languageOfCataloging", language.children)
    for value in field.all("e"):
        found += some("descriptionStandard", value.strip())
    return some("recordInfo", tuple(dict.fromkeys(found)))
