"""What a work is, in words: languages, physical description, notes, contents, places and times.

Source: MARC 21 to MODS 3.7 Mapping (Library of Congress), language, physicalDescription, abstract,
tableOfContents, targetAudience, note, subject/cartographics and subject/geographicCode,
https://www.loc.gov/standards/mods/mods-mapping-3-7.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from marc_mappings import steps
from marc_mappings.mods import coded
from marc_mappings.mods.elements import is_uri, some, uri
from marc_mappings.mods.headings import Elements, Maker, joined
from marc_mappings.record import Field, Record
from marc_mappings.steps import trim_isbd


def own_tag(field: Field) -> str:
    return steps.linked_tag(field) if field.tag == "880" else field.tag


PRIVATE: Final = frozenset({"541", "542", "561", "583"})


def note(kind: str, codes: str) -> Maker:
    """Return a maker of note; fields that their first indicator marks private make none."""

    def make(field: Field, _: Record) -> Elements:
        if field.indicators[:1] == "0" and own_tag(field) in PRIVATE:
            return ()
        link, text = _linked_text(field, codes)
        label = joined(field, "3").rstrip(": ")
        return some("note", text, type=kind, displayLabel=label, xlink_href=link)

    make.__doc__ = f"note {kind}".strip()
    return make


def _linked_text(field: Field, codes: str) -> tuple[str, str]:
    """Return (address, text); addresses after the first, or without a text, stand in the text."""
    links = [value.strip() for value in field.all("u") if value.strip()]
    words = [value.strip() for value in field.all(codes) if value.strip()]
    text = " ".join([*words, *(links[1:] if words else links)])
    return (uri(links[0]) if links else ""), text


def text(name: str, codes: str, **attributes: str) -> Maker:
    """Return a maker of one element with the text of subfields, without ISBD at its end."""

    def make(field: Field, _: Record) -> Elements:
        return some(name, joined(field, codes), **attributes)

    make.__doc__ = f"{name}: the subfields joined by blanks"
    return make


def within(parent: str, name: str, codes: str, **attributes: str) -> Maker:
    """Return a maker of an element for each subfield of ``codes``, inside ``parent``."""

    def make(field: Field, _: Record) -> Elements:
        found: Elements = ()
        for value in field.all(codes):
            found += some(name, trim_isbd(value), **attributes)
        return some(parent, found)

    make.__doc__ = f"{parent}: {name} for each subfield"
    return make


_OBJECT_PARTS: Final[Mapping[str, str]] = {
    "a": "",
    "b": "summary",
    "d": "sung or spoken text",
    "e": "libretto",
    "f": "table of contents",
    "g": "accompanying material",
    "h": "translation",
    "i": "intertitles",
    "j": "subtitle or caption",
    "k": "intermediate translation",
    "m": "original accompanying material",
    "n": "original libretto",
    "p": "captions",
    "q": "accessible audio",
    "r": "accessible visual language",
    "t": "accompanying transcript",
}


_LANGUAGE_CODES: Final = frozenset({"rfc3066", "iso639-2b", "iso639-3", "rfc4646", "rfc5646"})


def languages(field: Field, _: Record) -> Elements:
    """language for each code, with objectPart; several codes in one subfield are taken apart"""
    scheme = field.first("2").strip() if field.indicators[1:] == "7" else "iso639-2b"
    found: Elements = ()
    for code, value in field.subfields:
        if code in _OBJECT_PARTS:
            part, value = _OBJECT_PARTS[code], value.strip()
            for language in _codes(value) if scheme == "iso639-2b" else (value,):
                known = scheme if scheme in _LANGUAGE_CODES else ""
                found += coded.language_of(language, part, known)
    return found


def _codes(value: str) -> list[str]:
    if len(value) % 3 == 0 and value.isalpha():
        return [value[at : at + 3] for at in range(0, len(value), 3)]
    return value.split()


def medium(field: Field, _: Record) -> Elements:
    """physicalDescription: form, the general material designation ($h) without its brackets"""
    word = joined(field, "h").strip("[] ")
    return some("physicalDescription", some("form", word, authority="gmd"))


def responsibility(field: Field, _: Record) -> Elements:
    """note statement of responsibility: $c"""
    return some("note", joined(field, "c"), type="statement of responsibility")


def extent(field: Field, _: Record) -> Elements:
    """physicalDescription: extent, as 300 has it with its punctuation"""
    shown = " ".join([v.strip() for v in field.all("abcefg") if v.strip()])
    if label := joined(field, "3").rstrip(": "):
        return some("physicalDescription", some("extent", shown), displayLabel=label)
    return some("physicalDescription", some("extent", shown))


def carrier(kind: str) -> Maker:
    """Return a maker of physicalDescription with the form: media (337) or carrier (338)."""

    def make(field: Field, _: Record) -> Elements:
        """physicalDescription: form for each term, else for each code"""
        codes = "a" if field.first("a") else "b"
        found: Elements = ()
        for value in field.all(codes):
            found += some("form", trim_isbd(value), type=kind, authority=field.first("2").strip())
        return some("physicalDescription", found)

    return make


def content_type(field: Field, _: Record) -> Elements:
    """genre: the content type for each term, else for each code"""
    codes = "a" if field.first("a") else "b"
    found: Elements = ()
    for value in field.all(codes):
        found += some("genre", trim_isbd(value), authority=field.first("2").strip())
    return found


def characteristics(field: Field, _: Record) -> Elements:
    """physicalDescription: note, the characteristics joined by semicolons"""
    values = [v.strip() for c, v in field.subfields if c.isalpha() and not is_uri(v)]
    return some("physicalDescription", some("note", "; ".join(filter(None, values))))


CONTENTS: Final = {"0": "Contents", "1": "Incomplete contents", "2": "Partial contents"}


SUMMARIES: Final = {
    " ": "Summary",
    "0": "Subject",
    "1": "Review",
    "2": "Scope and content",
    "3": "Abstract",
    "4": "Content advice",
}


LEVELS: Final = {
    "0": "Reading grade level",
    "1": "Interest age level",
    "2": "Interest grade level",
    "3": "Special audience characteristics",
    "4": "Motivation/interest level",
}


def labelled(name: str, codes: str, labels: Mapping[str, str]) -> Maker:
    """Return a maker of an element whose displayLabel the first indicator says."""

    def make(field: Field, _: Record) -> Elements:
        label = labels.get(field.indicators[:1], "")
        if name == "targetAudience":
            return some(name, joined(field, codes), displayLabel=label)
        link, shown = _linked_text(field, codes)
        return some(name, shown, displayLabel=label, xlink_href=link)

    make.__doc__ = f"{name}: the text, with the label of the first indicator"
    return make


def geographic_codes(field: Field, _: Record) -> Elements:
    """subject: geographicCode for each code, marcgac or iso3166"""
    found: Elements = ()
    for code, value in field.subfields:
        if code in "abc":
            scheme = {"a": "marcgac", "c": "iso3166"}.get(code, "")
            found += some("geographicCode", value.strip(), authority=scheme)
    return some("subject", found)


def periods(field: Field, _: Record) -> Elements:
    """subject: temporal for each code of a period ($a) or date ($b, $c)"""
    found: Elements = ()
    dates = [v.strip() for v in field.all("b")]
    for at, value in enumerate(dates):
        point = ("start", "end")[at] if field.indicators[:1] == "2" and at < 2 else ""
        if value.startswith("d"):
            found += some("temporal", value[1:], encoding="iso8601", point=point)
        else:
            found += some("temporal", value, point=point)
    for value in field.all("ac"):
        found += some("temporal", value.strip(), encoding="marc")
    return some("subject", found)


def coordinates(field: Field, _: Record) -> Elements:
    """subject: cartographics with scale and the four corners"""
    west_east = "--".join([v.strip() for v in field.all("de")])
    north_south = "--".join([v.strip() for v in field.all("fg")])
    corners = "/".join(filter(None, (west_east, north_south)))
    scale = ", ".join([f"1:{v.strip()}" for v in field.all("bc") if v.strip()])
    found = some("scale", scale) + some("coordinates", corners)
    return some("subject", some("cartographics", found))


def map_data(field: Field, _: Record) -> Elements:
    """subject: cartographics with scale, projection, coordinates as the map states them"""
    found = some("scale", joined(field, "a")) + some("projection", joined(field, "b"))
    found += some("coordinates", joined(field, "cdefg").strip("() "))
    return some("subject", some("cartographics", found))
