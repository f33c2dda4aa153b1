"""The terms by which a publication is found, the same for what is stored and what is asked.

Words are compared without case, width and diacritics. Chinese, Japanese and Korean are written
without blanks between words, or with blanks that people set differently, so their runs are cut
into overlapping pairs of characters; then any part of a title finds it, with any database.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final
from unicodedata import category, normalize

from marc_mappings import steps
from marc_mappings.keys import identifiers
from marc_mappings.record import Field, Record

# So that one record with a table of contents of a hundred pages does not swamp the index.
MOST_TERMS: Final = 1000
LONGEST_TERM: Final = 60

# Titles, names, subjects, series, publisher: the tags, and their subfields that are words.
# Source: MARC 21 Bibliographic, the corresponding fields.
INDEXED: Final[dict[str, str]] = {
    **dict.fromkeys(("100", "110", "111", "700", "710", "711", "720"), "abcdnpqt"),
    **dict.fromkeys(("130", "240", "730", "740", "765", "767", "775"), "abnpt"),
    **dict.fromkeys(("245", "246", "247"), "abcnps"),
    **dict.fromkeys(("440", "490", "800", "810", "811", "830"), "abcnptv"),
    **dict.fromkeys(("600", "610", "611", "630", "650", "651", "653", "655"), "abcdtvxyz"),
    **dict.fromkeys(("260", "264"), "b"),
}

TAGS: Final = frozenset({"020", "880", *INDEXED})
"""The fields that a record's terms are made of."""

# Runs of letters and digits; a mark belongs to its letter.
_CJK = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe"
    "\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"(?P<cjk>[{_CJK}]+)|[^\W_{_CJK}]+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
# Signs that romanisations put inside a word: apostrophes, ayn, alif, soft and hard sign, breaks.
_INSIDE: Final = str.maketrans(
    dict.fromkeys(
        "'`´\u02b9\u02ba\u02bb\u02bc\u02be\u02bf\u2018\u2019\u200b\u200c\u200d\u00ad\u02b0\x98\x9c"
    )
)
# Letters that no decomposition makes plain.
_PLAIN: Final = str.maketrans(
    {
        "đ": "d",
        "ø": "o",
        "ł": "l",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
        "ơ": "o",
        "ư": "u",
    }
)


def of_text(text: str) -> tuple[str, ...]:
    """Return the distinct terms of ``text`` in their order: folded words, and pairs for CJK.

    >>> of_text("Chaesikchuŭija = The Vegetarian")
    ('chaesikchuuija', 'the', 'vegetarian')
    >>> of_text("채식주의자 2"), of_text("Ｔｒｕｙện Kiều")
    (('채식', '식주', '주의', '의자', '2'), ('truyen', 'kieu'))
    """
    if text.isascii():
        folded = text.lower().replace("'", "")
        words = _ASCII_WORD.findall(folded)
        if len(folded) > LONGEST_TERM:
            words = [word[:LONGEST_TERM] for word in words]
        return tuple(dict.fromkeys(words[: 4 * MOST_TERMS]))[:MOST_TERMS]
    return tuple(_terms(_folded(text)))[:MOST_TERMS]


def _terms(folded: str) -> dict[str, None]:
    terms: dict[str, None] = {}
    for match in _RUN.finditer(folded):
        run = match[0]
        if match["cjk"] is None:
            terms[run[:LONGEST_TERM]] = None
        elif len(run) == 1:
            terms[run] = None
        else:
            terms.update(dict.fromkeys(map("".join, pairwise(run))))
        if len(terms) >= MOST_TERMS:
            break
    return terms


@lru_cache(maxsize=2048)
def _folded(text: str) -> str:
    """Return ``text`` without case, width and diacritics; syllables and voicing marks stay."""
    text = normalize("NFKC", text).casefold().translate(_INSIDE).translate(_PLAIN)
    if text.isascii():
        return text
    decomposed = normalize("NFD", text)
    kept = "".join(
        char
        for char in decomposed
        if char < "\u0300" or "\u3099" <= char <= "\u309a" or category(char) != "Mn"
    )
    return normalize("NFC", kept)


def of_record(record: Record) -> str:
    """Return the distinct terms of a record's titles, names, subjects, series, publishers and
    numbers, in every script it carries, joined by blanks; at most ``MOST_TERMS``.
    """
    ascii_texts: list[str] = []
    terms: dict[str, None] = {}
    for field in record.fields:
        tag = field.tag
        if tag == "020":
            terms.update(dict.fromkeys(_numbers(field)))
            continue
        codes = INDEXED.get(steps.linked_tag(field) if tag == "880" else tag)
        if codes:
            for code, value in field.subfields:
                if code in codes:
                    if value.isascii():
                        ascii_texts.append(value)
                    else:
                        terms.update(dict.fromkeys(of_text(value)))
    terms.update(dict.fromkeys(of_text("\n".join(ascii_texts))))
    return " ".join(list(terms)[:MOST_TERMS])


def _numbers(field: Field) -> list[str]:
    return [number for value in field.all("az") if (number := identifiers.isbn13(value))]
