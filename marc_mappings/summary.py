"""A record in one line of a list: the few things that a person picks a book by.

Source: MARC 21 Bibliographic 008, 041, 1XX, 20X, 245, 26X, 880.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from marc_mappings import codes, steps
from marc_mappings.codes import language_name, place_name
from marc_mappings.keys import identifiers
from marc_mappings.letters import linkage
from marc_mappings.letters.scripts import is_romanised
from marc_mappings.record import Field, Record

__all__ = [
    "Summary",
    "is_romanised",
    "language_name",
    "languages",
    "of_record",
    "place_name",
    "published",
]

_NAME_CODES: Final = {"100": "abcdq", "110": "abcdn", "111": "abcdn"}
_ADDED = {"700": "abcdq", "710": "abcdn", "711": "abcdn"}
_TITLE_CODES: Final = "abnp"

TAGS: Final = frozenset({"008", "020", "041", "245", "260", "264", "880", *_NAME_CODES, *_ADDED})
"""The fields that a summary is made of."""


class Summary(NamedTuple):
    """What a list shows. Texts are trimmed of ISBD punctuation, ``""`` where nothing is known.

    ``languages`` are MARC codes, ``("und",)`` if none is known; ``place`` is ISO 3166-1 alpha-2 of
    the place of publication, ``ZZ`` if unknown; ``isbns`` have 13 digits.
    """

    title: str
    title_vernacular: str
    author: str
    author_vernacular: str
    publisher: str
    published: str
    languages: tuple[str, ...]
    place: str
    isbns: tuple[str, ...]


def of_record(record: Record) -> Summary:
    """Return the summary of a record; every part of it may be empty."""
    first: dict[str, Field] = {}
    vernacular: dict[str, Field] = {}
    isbns: dict[str, None] = {}
    for field in record.fields:
        tag = field.tag
        if tag == "880":
            if linkage.script(field.first("6")) != "(B":
                vernacular.setdefault(steps.linked_tag(field), field)
        elif tag == "020":
            isbns.update(dict.fromkeys(filter(None, map(identifiers.isbn13, field.all("a")))))
        elif tag not in first or _is_publication(field, first[tag]):
            first[tag] = field
    fixed = first["008"].value if "008" in first else ""
    title = _text(first, {"245": _TITLE_CODES})
    author = _text(first, _NAME_CODES) or _text(first, {"245": "c"}) or _text(first, _ADDED)
    # Where the field itself is in its own script, as in JAPAN/MARC, its 880 is only a reading.
    names = {**_NAME_CODES, **_ADDED} if is_romanised(author) else {}
    return Summary(
        title=title,
        title_vernacular=_text(vernacular, {"245": _TITLE_CODES} if is_romanised(title) else {}),
        author=author,
        author_vernacular=_text(vernacular, names),
        publisher=_text(first, {"264": "b", "260": "b"}),
        published=published(record),
        languages=languages(record),
        place=codes.place_of(fixed[15:18]),
        isbns=tuple(isbns),
    )


def _is_publication(field: Field, instead_of: Field) -> bool:
    """Whether this 264 says who published, and the one before only who printed or distributed."""
    return field.tag == "264" and field.indicators[1:] == "1" != instead_of.indicators[1:]


def _text(fields: dict[str, Field], wanted: dict[str, str]) -> str:
    """Return the subfields of the first field wanted that says anything."""
    for tag, letters in wanted.items():
        if field := fields.get(tag):
            text = steps.without_non_sorting_marks(" ".join(field.all(letters)))
            if text := steps.trim_isbd(text):
                return text
    return ""


def published(record: Record) -> str:
    """Return the year of publication, from 008/07-10 or else from the imprint; ``""`` if unknown.

    A year of which only some digits are known (``19uu``) is no year.
    """
    date = record.control("008")[7:11]
    if len(date) == 4 and date.isascii() and date.isdigit() and "1000" <= date < "3000":
        return date
    for field in record.all("264", "260"):
        if text := steps.year(" ".join(field.all("cg"))):
            return text
    return ""


def languages(record: Record) -> tuple[str, ...]:
    """Return the MARC codes of the text's languages: 008/35-37, then 041 $a; never empty.

    041 of older records holds several codes in one subfield (``engkor``).
    """
    found: dict[str, None] = {}
    known = codes.languages()
    candidates = [record.control("008")[35:38]]
    for field in record.all("041"):
        if field.indicators[1:] != "7":
            for value in field.all("a"):
                value = value.strip()
                candidates += [value[i : i + 3] for i in range(0, len(value), 3)]
    for code in candidates:
        if language := known.get(code.lower()):
            found[language.now] = None
    if len(found) > 1:
        found.pop("und", None)
        found.pop("mul", None)
    return tuple(found) or (codes.UNKNOWN_LANGUAGE,)
