"""The kinds of keys, what their values are, and how far each proves that two records are one.

An identifier was given to the publication by somebody; a title was transcribed from it. What tells
editions apart is no key to look for: it is compared when two records are laid side by side.

Source: ``identifiers``, ``title_keys`` and ``edition_keys`` say how the values are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Key(NamedTuple):
    """A key: its ``kind`` (one of ``KINDS``) and its ``value`` in normal form."""

    kind: str
    value: str


# Every kind, and what its value is.
IDENTIFIER_KINDS: Final[Mapping[str, str]] = {
    "isbn": "ISBN, 13 digits",
    "isbn_set": "ISBN of a set, 13 digits",
    "isbn_cancelled": "cancelled or invalid-in-use ISBN, 13 digits",
    "issn": "ISSN or ISSN-L with hyphen",
    "issn_cancelled": "cancelled or incorrect ISSN with hyphen",
    "ismn": "ISMN, 13 digits",
    "control": "control number, (AGENCY)NUMBER",
    "control_cancelled": "former control number, (AGENCY)NUMBER",
    "lccn": "Library of Congress control number, normal form",
    "nbn": "number of a national bibliography, upper case; (SOURCE)NUMBER if only digits",
    "csbn": "Chinese unified book number 统一书号, DIGITS·DIGITS",
    "doi": "DOI, lower case",
    "other_id": "another standard identifier, SOURCE:VALUE",
}
TITLE_KINDS: Final[Mapping[str, str]] = {
    "title": "folded title, part, author and year, TITLE|PART|AUTHOR|YEAR",
    "title_author": "folded title, part and author, TITLE|PART|AUTHOR",
    "title_year": "folded title, part and year, TITLE|PART|YEAR",
    "title_uniform": "folded uniform title with part, and author if it has one, TITLE|PART|AUTHOR",
    "title_sound": "title and author as every romanisation has them, RULES:TITLE|PART|AUTHOR|YEAR",
    "title_sound_year": "title as every romanisation has it, RULES:TITLE|PART|YEAR",
}
# For looking up what somebody asks for in few words; two records are not compared by these.
BARE_KINDS: Final[Mapping[str, str]] = {
    "title_alone": "folded title and part, TITLE|PART",
    "title_sound_alone": "title as every romanisation has it, RULES:TITLE|PART",
}
# Not for looking up: ten thousand records share each of these.
EDITION_KINDS: Final[Mapping[str, str]] = {
    "year": "year of publication",
    "edition": "number of the edition, or its statement folded",
    "publisher": "name of the publisher, folded",
    "subtitle": "remainder of the title, folded",
    "language": "MARC code of the language",
    "form": "type of record and form of item: LEADER/06, and electronic, micro, large or braille",
}
KINDS: Final[Mapping[str, str]] = {**IDENTIFIER_KINDS, **TITLE_KINDS, **EDITION_KINDS}
