"""Subjects of MARC 21 in MODS: headings with their subdivisions, keywords, genres, places.

Source: MARC 21 to MODS 3.7 Mapping (Library of Congress), subject, genre,
https://www.loc.gov/standards/mods/mods-mapping-3-7.html; MARC 21 Bibliographic 6XX, 752.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from marc_mappings.mods.elements import some
from marc_mappings.mods.headings import (
    UNIFORM_HEADS,
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

# Second indicator of 600-655 -> the thesaurus.
THESAURI: Final[Mapping[str, str]] = {
    "0": "lcsh",
    "1": "lcshac",
    "2": "mesh",
    "3": "nal",
    "5": "csh",
    "6": "rvm",
}


_SUBDIVISIONS: Final = {"v": "genre", "x": "topic", "y": "temporal", "z": "geographic"}


_UNCONTROLLED: Final = {"4": "temporal", "5": "geographic"}


_UNCONTROLLED_NAMES: Final = {"1": "personal", "2": "corporate", "3": "conference"}


_PLACES: Final = {
    "a": "country",
    "b": "state",
    "c": "county",
    "d": "city",
    "f": "citySection",
    "g": "region",
    "h": "extraTerrestrialArea",
}


_SUBJECT_HEADS: Final[Mapping[str, tuple[str, str]]] = {
    "647": ("topic", "acdg"),
    "648": ("temporal", "a"),
    "650": ("topic", "abcdg"),
    "651": ("geographic", "ag"),
    "654": ("topic", "abc"),
    "656": ("occupation", "ak"),
    "657": ("topic", "a"),
}


def subject(tag: str) -> Maker:
    """Return a maker of subject for 600-657: the heading and its subdivisions in their order."""

    def make(field: Field, _: Record) -> Elements:
        """subject: the heading, then topic, geographic, temporal, genre in the field's order"""
        parts = _heading(tag, field)
        for code, value in field.subfields:
            if element := _SUBDIVISIONS.get(code):
                parts += some(element, trim_isbd(value))
        return some("subject", parts, authority=thesaurus(field), **authority(field))

    return make


def thesaurus(field: Field) -> str:
    """Return the code of the thesaurus of a subject heading, ``""`` if it states none."""
    known = THESAURI.get(field.indicators[1:], "")
    return known or (field.first("2").strip() if field.indicators[1:] != "4" else "")


def _heading(tag: str, field: Field) -> Elements:
    if tag in ("600", "610", "611"):
        kind = kind_of_name(field, tag)
        made = some("name", name_parts(field, kind), type=kind)
        if title_starts(field) is None:
            return made
        return made + title_info(work_parts(field))
    if tag == "630":
        skipped = field.indicators[:1]
        return title_info(parted(field, UNIFORM_HEADS, "dfgklmors"), skipped)
    element, codes = _SUBJECT_HEADS[tag]
    return some(element, joined(field, codes))


def keywords(field: Field, _: Record) -> Elements:
    """subject for each $a, of the kind that the second indicator says"""
    kind = field.indicators[1:]
    made: Elements = ()
    for value in field.all("a"):
        word = trim_isbd(value)
        if kind == "6":
            made += some("genre", word)
        elif naming := _UNCONTROLLED_NAMES.get(kind):
            made += some("subject", some("name", some("namePart", word), type=naming))
        else:
            made += some("subject", some(_UNCONTROLLED.get(kind, "topic"), word))
    return made


def genre(field: Field, _: Record) -> Elements:
    """genre: the term and its subdivisions joined by ``--``"""
    words = [trimmed for v in field.all("abcvxyz") if (trimmed := trim_isbd(v))]
    return some("genre", "--".join(words), authority=thesaurus(field), **authority(field))


def hierarchical_place(field: Field, _: Record) -> Elements:
    """subject: hierarchicalGeographic, each level an element"""
    made: Elements = ()
    for code, value in field.subfields:
        if element := _PLACES.get(code):
            made += some(element, trim_isbd(value))
    made = some("hierarchicalGeographic", made)
    return some("subject", made, authority=field.first("2").strip(), **authority(field))
