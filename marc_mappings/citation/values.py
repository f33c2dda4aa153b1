"""A citation as a value, in the vocabulary of CSL, and the short key that names it.

It stands between the record and the formats: RIS, BibTeX and CSL-JSON are written from it.

Source: CSL 1.0.2, Appendix III (types) and IV (variables),
https://docs.citationstyles.org/en/stable/specification.html; RFC 5646 for the language.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from unicodedata import combining, normalize
from zlib import crc32

TYPES: Final = frozenset(
    {
        "article-journal",
        "book",
        "chapter",
        "collection",
        "document",
        "graphic",
        "manuscript",
        "map",
        "motion_picture",
        "musical_score",
        "periodical",
        "report",
        "software",
        "song",
        "thesis",
        "webpage",
    }
)
# CSL's names of the roles that MARC 21 can say.
ROLES: Final = (
    "author",
    "editor",
    "translator",
    "compiler",
    "composer",
    "director",
    "illustrator",
    "contributor",
)
# Letters with a stroke or of two sounds, which no decomposition makes plain.
_PLAIN: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_APOSTROPHES: Final = "'’‘ʻʼʹʺ"
_NO_LETTER = re.compile("[^a-z0-9]+")
_ARTICLES: Final = frozenset(
    {"a", "an", "the", "der", "die", "das", "ein", "eine", "le", "la", "les", "un", "une", "el"}
    | {"los", "las", "il", "lo", "gli", "o", "os", "as", "de", "het", "een", "en", "et", "den"}
)


class Name(NamedTuple):
    """A name: ``family`` and ``given`` where the record separates them, else ``literal``."""

    family: str = ""
    given: str = ""
    suffix: str = ""
    literal: str = ""


class Citation(NamedTuple):
    """What a citation of one record says; ``""`` or ``()`` where the record says nothing.

    ``title_vernacular`` is the title in its own script where ``title`` is romanised, and
    ``title_original`` that of the work which this one translates. ``names`` are (role, name) with
    roles of ``ROLES``. ``issued`` is one date or the two of a span, each (year,), (year, month) or
    (year, month, day); ``issued_text`` the date in words where no year is known. ``language`` is
    BCP 47. ``key`` is ASCII, see ``key_of``.
    """

    key: str
    type: str
    title: str = ""
    title_vernacular: str = ""
    title_original: str = ""
    names: tuple[tuple[str, Name], ...] = ()
    names_vernacular: tuple[tuple[str, Name], ...] = ()
    container_title: str = ""
    collection_title: str = ""
    collection_number: str = ""
    event_title: str = ""
    volume: str = ""
    page: str = ""
    number_of_pages: str = ""
    publisher: str = ""
    publisher_place: str = ""
    issued: tuple[tuple[int, ...], ...] = ()
    issued_text: str = ""
    edition: str = ""
    genre: str = ""
    scale: str = ""
    isbns: tuple[str, ...] = ()
    issn: str = ""
    doi: str = ""
    url: str = ""
    language: str = ""
    abstract: str = ""
    keywords: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def named(self, role: str) -> tuple[Name, ...]:
        """Return the names in a role."""
        return tuple([name for found, name in self.names if found == role])


def plain(text: str) -> list[str]:
    """Return the words of ``text`` in lower-case ASCII; words of other scripts are not among them.

    >>> plain("Ch'aesikchuŭija à Łódź 채식")
    ['chaesikchuuija', 'a', 'lodz']
    """
    folded = normalize("NFKD", text).casefold().translate(_PLAIN)
    letters = "".join([char for char in folded if not _is_mark(char)])
    return _NO_LETTER.sub(" ", letters).split()


def _is_mark(char: str) -> bool:
    """Whether a character only marks a letter: an accent, or an apostrophe of romanisation."""
    return combining(char) > 0 or char in _APOSTROPHES


def key_of(author: str, year: str, title: str, number: str) -> str:
    """Return a key from the first words of author and title (articles passed by) and the year.

    Where neither has a word in ASCII it is made from ``number``, the record's control number.

    >>> key_of("Han", "2007", "The vegetarian", "bk1"), key_of("", "", "大陸", "bk-0001")
    ('han2007vegetarian', 'bk0001')
    """
    who = plain(author)[:1]
    words = plain(title)
    what = [word for word in words if word not in _ARTICLES and len(word) > 1][:1] or words[:1]
    if who or what:
        return "".join([*(who or what), year, *(what if who else [])])[:60]
    own = "".join(plain(number))
    return own or f"untitled{crc32(number.encode('utf-8', 'replace')):08x}"
