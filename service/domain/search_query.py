"""What somebody types to find a title, read once for every database and every page.

A query asks for all of its words, in any order and any script (``marc_mappings.search_terms``).
Whatever is typed is a query: signs mean nothing, and what is left out of it is said in a remark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final
from unicodedata import normalize

from marc_mappings import search_terms

# Longer than any title. Every term costs a look into the index, and nobody needs more to find one.
LONGEST: Final = 200
MOST_TERMS: Final = 40

Alternative = tuple[str, ...]
"""Terms that a publication has all of."""

Part = tuple[Alternative, ...]
"""Alternatives, of which a publication has one: a number as such, or as words."""


class Remark(Enum):
    """What was not done as it was typed; the value says so to who typed it."""

    CUT = "Your query was long; only its first part was used."
    WORDS_IN_ANY_ORDER = "Words in quotation marks are found in any order."
    WHOLE_WORDS = "A * stands for nothing here: words are found as a whole."
    NO_FIELDS = "Words are looked for in titles, names and subjects alike."


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is asked for; ``typed`` tells a query without any letter from no query."""

    typed: bool
    parts: tuple[Part, ...]
    remarks: tuple[Remark, ...]


# What people set before a number, and before words where a catalogue has a field for each.
_NUMBERED: Final = frozenset({"isbn", "issn", "lccn", "isbn-10", "isbn-13"})
_FIELDS: Final = frozenset(
    {"title", "author", "name", "subject", "publisher", "series", "keyword", "identifier"}
)
_FIELD = re.compile(r"([A-Za-z-]{2,10}[0-9]{0,2}):")
_QUOTES: Final = frozenset('"“”„«»「」『』')
# A number that is typed with blanks; what else they may be is an alternative.
_SPACED = re.compile(r"(?<![^\s:])(?:97[89] )?[0-9]{1,5} [0-9]{1,7} [0-9]{1,7} [0-9Xx](?!\S)")


def read(text: str) -> SearchQuery:
    """Return what ``text`` asks for, whatever it is.

    >>> read("Chaesikchuŭija 0-306-40615-2").parts[1]
    (('9780306406157',), ('0306406152',), ('0', '306', '40615', '2'))
    >>> read("isbn:9780306406157").parts, read("***")
    (((('9780306406157',),),), SearchQuery(typed=True, parts=(), remarks=()))
    """
    typed = text.strip()
    remarks: dict[Remark, None] = {}
    if len(typed) > LONGEST:
        typed = typed[:LONGEST]
        remarks[Remark.CUT] = None
    parts: dict[Part, None] = {}
    for piece in _pieces(normalize("NFKC", typed)):
        parts.update(_parts(piece, remarks))
    if not parts:  # "ISBN" alone is a word like any other
        parts = dict.fromkeys(((word,),) for word in search_terms.of_text(typed))
    kept = tuple(_within(parts))
    if len(kept) < len(parts):
        remarks[Remark.CUT] = None
    return SearchQuery(bool(typed), kept, tuple(remarks) if kept else ())


def _pieces(text: str) -> list[str]:
    """Cut at blanks, but keep a number that may be an ISBN in one piece."""
    pieces: list[str] = []
    end = 0
    for match in _SPACED.finditer(text):
        if search_terms.of_number(match[0].replace(" ", "-")):
            pieces += [*text[end : match.start()].split(), match[0].replace(" ", "-")]
            end = match.end()
    return pieces + text[end:].split()


def _parts(piece: str, remarks: dict[Remark, None]) -> dict[Part, None]:
    if not _QUOTES.isdisjoint(piece):
        remarks[Remark.WORDS_IN_ANY_ORDER] = None
    if piece.endswith("*"):
        remarks[Remark.WHOLE_WORDS] = None
    piece = piece.strip("".join(_QUOTES) + "*,;.")
    if piece.strip(":").casefold() in _NUMBERED:
        return {}
    if (match := _FIELD.match(piece)) and match[1].casefold() in _NUMBERED | _FIELDS:
        if match[1].casefold() in _FIELDS:
            remarks[Remark.NO_FIELDS] = None
        piece = piece[match.end() :]
    words = search_terms.of_text(piece)
    numbers = search_terms.of_number(piece)
    if not numbers:
        return dict.fromkeys(((word,),) for word in words)
    return {tuple(dict.fromkeys([*((number,) for number in numbers), words])): None}


def _within(parts: dict[Part, None]) -> list[Part]:
    """Return the first parts, of no more than ``MOST_TERMS`` terms together."""
    kept: list[Part] = []
    left = MOST_TERMS
    for part in parts:
        left -= sum(map(len, part))
        if left < 0:
            break
        kept.append(part)
    return kept
