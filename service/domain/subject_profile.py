"""What a partner collects: languages, places of publication, words of titles and subjects, classes.

A profile says what fits; it never forbids. Allocation counts it among other reasons.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from marc_mappings import codes
from service.domain import description
from service.domain.book import Book
from service.errors import Invalid

FIELDS: Final = ("languages", "places", "words", "classes")
_MOST = 200  # values of one field
_LONGEST = 100  # characters of a value
# Scripts without blanks between words, or whose words grow together: any place in them will do.
_UNSPACED = re.compile("[\u0e00-\u0fff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MARKS = re.compile("[\u0300-\u036f]")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SubjectProfile:
    """What a partner collects. A field without values asks for nothing.

    ``languages`` are MARC codes; ``places`` of publication are ISO 3166-1 alpha-2; ``words`` stand
    at the beginning of a word in titles and subjects; ``classes`` are beginnings of class numbers.
    """

    languages: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in FIELDS)

    def as_json(self) -> dict[str, list[str]]:
        """Return the fields that have values."""
        return {name: list(found) for name in FIELDS if (found := getattr(self, name))}


class Fit(NamedTuple):
    """Whether a book is what a partner collects, and why, in words ("" where it is not)."""

    fits: bool
    reason: str

    def __bool__(self) -> bool:
        return self.fits


def fits(profile: SubjectProfile, book: Book) -> Fit:
    """Return whether a book is what ``profile`` asks for; an empty profile fits nothing.

    Language, place and subject must all be met, as far as the profile names them; a subject is met
    by one word or one class.

    >>> history = SubjectProfile(languages=("kor",), words=("histor", "역사"), classes=("951.9",))
    >>> fits(history, Book("한국의 역사", "kor")).reason
    'language kor; the word 역사'
    >>> fits(history, Book("Busan", "kor", subjects=("Busan (Korea)--History",))).reason
    'language kor; the word histor'
    >>> fits(history, Book("Prehistoric art", "kor")).fits
    False
    >>> fits(SubjectProfile(), Book("한국의 역사", "kor")).fits
    False
    """
    reasons: list[str] = []
    if profile.languages:
        met = [code for code in book.languages.split() if code in profile.languages]
        if not met:
            return Fit(False, "")
        reasons.append(f"language {met[0]}")
    if profile.places:
        if book.place not in profile.places:
            return Fit(False, "")
        reasons.append(f"published in {book.place}")
    if profile.words or profile.classes:
        reason = by_word(profile.words, book) or by_class(profile.classes, book)
        if not reason:
            return Fit(False, "")
        reasons.append(reason)
    return Fit(bool(reasons), "; ".join(reasons))


def is_open(profile: SubjectProfile, book: Book) -> bool:
    """Return whether it takes the subjects of a book, which are not read yet, to say if it fits.

    >>> history = SubjectProfile(languages=("kor",), words=("histor",))
    >>> [is_open(history, Book(*each)) for each in (("Busan", "kor"), ("Busan", "eng"))]
    [True, False]
    >>> is_open(history, Book("A history of Busan", "kor"))
    False
    """
    if not (profile.words or profile.classes):
        return False
    if profile.languages and not set(book.languages.split()).intersection(profile.languages):
        return False
    if profile.places and book.place not in profile.places:
        return False
    return not by_word(profile.words, book)


def by_word(words: Collection[str], book: Book) -> str:
    """Return by which of these words a book fits, "" by none: one at the beginning of a word."""
    if not words:
        return ""
    told = _told((book.title, *book.subjects))
    for word in words:
        wanted = _words(word)
        if wanted and (wanted if _UNSPACED.search(wanted) else f" {wanted}") in told:
            return f"the word {word}"
    return ""


def by_class(wanted: Collection[str], book: Book) -> str:
    """Return by which of these beginnings of class numbers a book fits, "" by none."""
    for number in book.classes:
        for begin in wanted:
            if number.startswith(_number(begin)):
                return f"class {begin}"
    return ""


@lru_cache(maxsize=256)  # many may wish for one book
def _told(texts: tuple[str, ...]) -> str:
    return " " + " ".join(map(_words, texts))


@lru_cache(maxsize=4096)
def _words(text: str) -> str:
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", bare)))


@lru_cache(maxsize=4096)
def _number(text: str) -> str:
    return description.number(text)


def from_json(given: Mapping[str, Any] | None) -> SubjectProfile | None:
    """Return the profile that was kept as ``as_json`` has it; None for none."""
    if not given:
        return None
    return SubjectProfile(**{name: tuple(given.get(name, ())) for name in FIELDS})


def check(given: Any) -> SubjectProfile | None:
    """Return the profile that a person's lists of values make, None where they are all empty.

    Raises ``Invalid`` for a field that there is not, for values that are no texts, and for a
    language that is no MARC code.
    """
    if isinstance(given, SubjectProfile):
        given = given.as_json()
    if given is None:
        return None
    if not isinstance(given, Mapping) or not set(given) <= set(FIELDS):
        raise Invalid(
            f"a subject profile is lists of texts named {', '.join(FIELDS)}", field="profile"
        )
    values = {name: _values(name, given.get(name) or ()) for name in FIELDS}
    values["languages"] = tuple(dict.fromkeys(map(language, values["languages"])))
    values["places"] = tuple(dict.fromkeys(map(_place, values["places"])))
    return SubjectProfile(**values) or None


def _place(code: str) -> str:
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise Invalid(f"{code!r} is not a country or region code: two letters", field="profile")
    return code.upper()


def _values(name: str, given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Collection):
        raise Invalid(f"{name} of a subject profile is a list of texts", field="profile")
    if not all(isinstance(each, str) for each in given):
        raise Invalid(f"{name} of a subject profile is a list of texts", field="profile")
    found = tuple(
        dict.fromkeys(
            text for each in given if (text := unicodedata.normalize("NFC", " ".join(each.split())))
        )
    )
    if len(found) > _MOST or any(len(text) > _LONGEST or ";" in text for text in found):
        raise Invalid(
            f"{name} of a subject profile is at most {_MOST} texts of at most {_LONGEST} "
            "characters without semicolons",
            field="profile",
        )
    return found


def language(code: str) -> str:
    """Return the MARC code in use today of a language; raise ``Invalid`` for what is none.

    >>> language("KOR"), language("scr")
    ('kor', 'hrv')
    """
    found = codes.languages().get(code.strip().lower())
    if found is None:
        raise Invalid(f"{code!r} is no MARC language code, such as kor or eng", field="languages")
    return found.now
