"""What a record says of a book, as terms that a query is held against.

Titles, subjects and names are read in every script that the record has them in. The terms are those
of the search (``marc_mappings.search_terms``), so a query means in both the same.

Source: MARC 21 Bibliographic, the fields named below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from marc_mappings import search_terms, steps, summary
from marc_mappings.codes import UNKNOWN_LANGUAGE, UNKNOWN_PLACE
from marc_mappings.record import Record

# Texts of one kind that are read of a record: a table of contents must not swamp a query.
_MOST: Final = 100

# By kind: the tags, and the subfields that are words.
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "titles": {
        **dict.fromkeys(("245", "246", "247"), "abnp"),
        **dict.fromkeys(("130", "240", "730", "740"), "abnpt"),
    },
    "subjects": dict.fromkeys(
        ("600", "610", "611", "630", "648", "650", "651", "653", "655"), "abcdtvxyz"
    ),
    "authors": dict.fromkeys(("100", "110", "111", "700", "710", "711", "720"), "abcdq"),
    "series": dict.fromkeys(("440", "490", "800", "810", "811", "830"), "abnpt"),
    "publishers": dict.fromkeys(("260", "264"), "b"),
}
# Class numbers: LCC and its like, NLM, UDC, DDC, and any other (KDC, NDC, CLC, LBC).
CLASSES: Final = ("050", "055", "060", "080", "082", "083", "084", "085", "090")


class Said(NamedTuple):
    """One text of a record and its terms."""

    text: str
    terms: frozenset[str]


class Description(NamedTuple):
    """What a record says: texts by kind, class numbers without blanks, codes, and the year.

    ``languages`` are MARC codes, ``places`` of publication ISO 3166-1 alpha-2; both are empty and
    ``year`` is 0 where nothing is known.
    """

    titles: tuple[Said, ...] = ()
    subjects: tuple[Said, ...] = ()
    authors: tuple[Said, ...] = ()
    series: tuple[Said, ...] = ()
    publishers: tuple[Said, ...] = ()
    classes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    year: int = 0


def of_record(record: Record) -> Description:
    """Return what a MARC 21 record says."""
    found: dict[str, dict[str, None]] = {kind: {} for kind in TEXTS}
    classes: dict[str, None] = {}
    for field in record.fields:
        tag = steps.linked_tag(field) if field.tag == "880" else field.tag
        if tag in CLASSES:
            classes.update(dict.fromkeys(number(each) for each in field.all("a")))
        for kind, tags in TEXTS.items():
            if tag in tags and len(found[kind]) < _MOST:
                text = " ".join(" ".join(field.all(tags[tag])).split())
                found[kind][text] = None
    said = {kind: tuple(map(said_of, filter(None, texts))) for kind, texts in found.items()}
    year = summary.published(record)
    place = summary.of_record(record).place
    return Description(
        **said,
        classes=tuple(each for each in classes if each),
        languages=tuple(c for c in summary.languages(record) if c != UNKNOWN_LANGUAGE),
        places=() if place in {"", UNKNOWN_PLACE} else (place,),
        year=int(year) if year.isdigit() else 0,
    )


class Subjects(NamedTuple):
    """What a record says of its subjects: headings in every script, class numbers without blanks.

    Without terms: for whom only these count.
    """

    headings: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def subjects_of(record: Record) -> Subjects:
    """Return the subjects of a MARC 21 record."""
    headings: dict[str, None] = {}
    classes: dict[str, None] = {}
    subfields = TEXTS["subjects"]
    for field in record.fields:
        tag = steps.linked_tag(field) if field.tag == "880" else field.tag
        if tag in subfields and len(headings) < _MOST:
            headings[" ".join(" ".join(field.all(subfields[tag])).split())] = None
        elif tag in CLASSES and len(classes) < _MOST:
            classes.update(dict.fromkeys(number(each) for each in field.all("a")))
    headings.pop("", None)
    classes.pop("", None)
    return Subjects(tuple(headings), tuple(classes))


def said_of(text: str) -> Said:
    """Return a text with its terms."""
    return Said(text, frozenset(search_terms.of_text(text)))


def number(text: str) -> str:
    """Return a class number as it is compared.

    >>> number("PL 992.26 "), number("951/.9")
    ('pl992.26', '951.9')
    """
    return "".join(text.casefold().replace("/", "").split())
