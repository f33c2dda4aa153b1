"""Subjects of UNIMARC, 6XX, as headings of MARC 21: subdivisions, sources, names with titles.

Place and time have each other's letter in the other format, and where a heading is from is an
indicator for some sources in MARC 21.

Source: IFLA, UNIMARC Manual 600-615; LC, UNIMARC to MARC 21 Conversion Specifications, 6XX; MARC
21 Bibliographic 600-655; LC, Subject Heading and Term Source Codes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from marc_mappings import steps
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.unimarc.description import uniform_parts
from marc_mappings.unimarc.linking import link_parts, target
from marc_mappings.unimarc.names import authority_numbers, body, family, person
from marc_mappings.unimarc.numbers import field_of, values_of
from marc_mappings.unimarc.title import clean

Make = Callable[[Field, Record], list[Field]]

# What ``heading`` reads beside the heading itself.
SUBDIVISIONS: Final = "jxyz2"

# Sources of headings that MARC 21 has an indicator for, and other names of some.
_THESAURI: Final = {"lc": "0", "lcsh": "0", "lcch": "1", "mesh": "2", "nal": "3", "rvm": "6"}
_SOURCES: Final = {"rameau": "ram", "cct": "cct", "ccsh": "csht", "nlr-sh": "nlr-sh"}
_SUBDIVISIONS: Final = {"x": "x", "y": "z", "z": "y", "j": "v"}


def thesaurus(field: Field) -> str:
    """Return the second indicator of a subject heading, from $2."""
    source = field.first("2").strip().lower()
    return _THESAURI.get(source, "7") if source else "4"


def heading(head: Callable[[Field, Record], list[Field]]) -> Make:
    """Return a function that makes a subject heading: ``head`` with subdivisions and source."""

    def make(field: Field, record: Record) -> list[Field]:
        """The name or term, $x topic, $y place to $z, $z time to $y, $j form to $v; $2."""
        made = []
        for one in head(field, record):
            main = [part for part in one.subfields if part.code not in "01"]
            numbers = [part for part in one.subfields if part.code in "01"]
            for code, value in field.subfields:
                if code in _SUBDIVISIONS and value.strip():
                    main.append(Subfield(_SUBDIVISIONS[code], value.strip()))
            second = thesaurus(field)
            if second == "7":
                sources = [value.strip() for value in field.all("2") if value.strip()]
                main += [Subfield("2", _SOURCES.get(each.lower(), each)) for each in sources]
            made.append(Field(one.tag, one.indicators[:1] + second, (*main, *numbers)))
        return made

    return make


def term(tag: str, level: str = "") -> Make:
    """Return a function that makes the head of a topical or geographic heading.

    ``level``: the first indicators that keep their meaning; others become blank.
    """

    def make(field: Field, record: Record) -> list[Field]:
        """$a (further ones as topics), then the number of the authority record."""
        values = [value.strip() for value in field.all("a") if value.strip()]
        parts = [Subfield("x" if at else "a", value) for at, value in enumerate(values)]
        first = field.indicators[:1] if field.indicators[:1] in level else " "
        return (
            [Field(tag, f"{first} ", (*parts, *authority_numbers(field, record)))] if parts else []
        )

    return make


def subject_title(field: Field, record: Record) -> list[Field]:
    """The uniform title with its parts, then the number of the authority record."""
    parts, skip = uniform_parts(field)
    if not parts:
        return []
    return [Field("630", f"{skip} ", (*parts, *authority_numbers(field, record)))]


def name_and_title(tag: str) -> Make:
    """Return a function that makes an entry for a name and a title of it (X00, X10)."""

    def make(field: Field, record: Record) -> list[Field]:
        """The embedded name with its title in $t; the title alone as X30."""
        named, title = _name_and_title(field, record)
        second = thesaurus(field) if tag[0] == "6" else "2"
        if not title and not named:
            return []
        if not named:
            return [Field(tag[0] + "30", f"0{second}", (Subfield("a", title),))]
        one = named[0]
        parts = list(one.subfields)
        if title:
            parts[-1] = Subfield(parts[-1].code, steps.with_sign(parts[-1].value, "."))
            parts.append(Subfield("t", title))
        return [Field(tag[0] + one.tag[1:], one.indicators[:1] + second, tuple(parts))]

    return make


def _name_and_title(field: Field, record: Record) -> tuple[list[Field], str]:
    to = target(field)
    title = clean(to.text("500", "a") or to.text("501", "a") or to.text("200", "a"))
    for one in to.fields:
        if one.tag[:2] in ("70", "71", "72"):
            build = {"0": person("600"), "1": body("610"), "2": family("600")}[one.tag[1]]
            if made := build(one, record):
                kept = tuple(part for part in made[0].subfields if part.code in "abcdqn")
                return [made[0]._replace(subfields=kept)], title
    if (name := field.first("a").strip()) and field.first("t").strip():
        surname = "1 " if "," in name else "0 "
        return [Field("600", surname, (Subfield("a", name),))], clean(field.first("t"))
    return [], title or clean(" ".join(v for c, v in link_parts(to, record) if c == "t"))


def subject_category(field: Field, _: Record) -> list[Field]:
    """072 for codes ($n, $m) with their source; 650 for words ($a, $x)."""
    source = field.first("2").strip()
    coded = [
        *(("a", code) for code in values_of(field, "n")),
        *(("x", code) for code in values_of(field, "m")),
    ]
    found = field_of("072", " 7", *coded, ("2", source or "local")) if coded else []
    words = [("a", value) for value in values_of(field, "a") or values_of(field, "x")]
    if words:
        second = thesaurus(field)
        tail = [("2", source)] if second == "7" else []
        topics = [("x", value) for value in values_of(field, "x") if ("a", value) not in words]
        found += field_of("650", f" {second}", *words, *topics, *tail)
    return found
