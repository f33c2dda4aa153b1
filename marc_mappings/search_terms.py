"""The terms by which a publication is found, the same for what is stored and what is asked.

Words are compared without case, width and diacritics. Chinese, Japanese and Korean are written
without blanks between words, or with blanks that people set differently, so their runs are cut
into overlapping pairs of characters; then any part of a title finds it, with any database. The
simplified, traditional and reformed forms of a Han character are one.

What is stored has more than what is asked: single characters, so that a word of one is found; in
records in Korean, Hanja as they are read, so that a query in Hangul finds them (the reverse would
find every homonym); and numbers without hyphens (``of_number`` says how one is asked for).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Final
from unicodedata import category, normalize

from marc_mappings import steps
from marc_mappings.keys import hangul, identifiers
from marc_mappings.keys.folding import han_variants
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

TAGS: Final = frozenset({"001", "008", "010", "020", "022", "024", "035", "880", *INDEXED})
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


class _Variants(dict[int, str]):
    """The form under which a character is compared, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = found = han_variants().get(chr(code), chr(code))
        return found


_VARIANTS: Final = _Variants()


def of_text(text: str) -> tuple[str, ...]:
    """Return the distinct terms of ``text`` in their order: folded words, and pairs for CJK.

    >>> of_text("Chaesikchuŭija = The Vegetarian")
    ('chaesikchuuija', 'the', 'vegetarian')
    >>> of_text("채식주의자 2"), of_text("Ｔｒｕｙện Kiều")
    (('채식', '식주', '주의', '의자', '2'), ('truyen', 'kieu'))
    >>> of_text("圖書館") == of_text("图书馆") == of_text("図書館")
    True
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
        else:
            run = run.translate(_VARIANTS)
            pairs = map("".join, pairwise(run)) if len(run) > 1 else (run,)
            terms.update(dict.fromkeys(pairs))
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
    in_korean = record.control("008")[35:38] == "kor"
    for field in record.fields:
        tag = field.tag
        if numbers := _NUMBERS.get(tag):
            terms.update(dict.fromkeys(numbers(field)))
            continue
        codes = INDEXED.get(steps.linked_tag(field) if tag == "880" else tag)
        if codes:
            for code, value in field.subfields:
                if code in codes:
                    if value.isascii():
                        ascii_texts.append(value)
                    else:
                        terms.update(_stored(value, in_korean))
    terms.update(dict.fromkeys(of_text("\n".join(ascii_texts))))
    return " ".join(list(terms)[:MOST_TERMS])


@lru_cache(maxsize=2048)
def _stored(text: str, in_korean: bool) -> dict[str, None]:
    """Return the terms of a text with its single characters, and Hanja as they are read."""
    found = dict.fromkeys(of_text(text))
    if in_korean and (read := hangul.hanja(text)) != text:
        found.update(dict.fromkeys(of_text(read)))
    for pair in [term for term in found if len(term) == 2 and _CJK_LETTER.match(term)]:
        found.update(dict.fromkeys(pair))
    return found


def of_number(text: str) -> tuple[str, ...]:
    """Return the terms under which a record may hold the number ``text``, however it is typed.

    >>> of_number("0-306-40615-2"), of_number("1234-5679"), of_number("(OCoLC)ocm00012345")
    (('9780306406157', '0306406152'), ('12345679', '1234005679'), ('12345',))
    >>> of_number("978-89-364-3412-1"), of_number("1984"), of_number("history")
    (('9788936434121',), (), ())
    """
    if held := _HELD.fullmatch(text):
        return _controlled(*held.groups())
    text = identifiers.plain(text)
    if not _HYPHENATED.fullmatch(text):
        return ()
    found = (identifiers.isbn13(text), _without_hyphens(text), identifiers.lccn(text))
    return tuple(dict.fromkeys(each for each in found if each))


# A number with an agency before it; a number of eight digits or more, the last one perhaps an X.
_HELD = re.compile(r"\(([^()]+)\)\s*(\S.*)")
_HYPHENATED = re.compile(r"[0-9](?:[-\u2010-\u2015\u2212]?[0-9]){5,}[-\u2010-\u2015\u2212]?[0-9Xx]")
_CJK_LETTER = re.compile(f"[{_CJK}]")


def _without_hyphens(text: str) -> str:
    """Return the first long number in ``text`` as people type it, also one that is wrong."""
    match = _HYPHENATED.search(identifiers.plain(text))
    return identifiers.compact(match[0]).lower() if match else ""


def _controlled(agency: str, number: str) -> tuple[str, ...]:
    return of_text(identifiers.controlled(agency, number).rpartition(")")[2])


def _control_number(field: Field) -> Iterable[str]:
    return of_text(field.value)


def _isbns(field: Field) -> Iterable[str]:
    found = (identifiers.isbn13(each) or _without_hyphens(each) for each in field.all("az"))
    return filter(None, found)


def _issns(field: Field) -> Iterable[str]:
    return filter(None, map(_without_hyphens, field.all("alyz")))


def _lccns(field: Field) -> Iterable[str]:
    return filter(None, map(identifiers.lccn, field.all("az")))


def _other_numbers(field: Field) -> Iterable[str]:
    """024: a DOI is words, too; a number with hyphens is without them."""
    found: list[str] = []
    for value in field.all("az"):
        found += filter(None, (identifiers.isbn13(value), _without_hyphens(value)))
        found += of_text(value)
    return found


def _numbers_elsewhere(field: Field) -> Iterable[str]:
    held = (_HELD.fullmatch(value.strip()) for value in field.all("a"))
    return [term for match in held if match for term in _controlled(*match.groups())]


_NUMBERS: Final[dict[str, Callable[[Field], Iterable[str]]]] = {
    "001": _control_number,
    "010": _lccns,
    "020": _isbns,
    "022": _issns,
    "024": _other_numbers,
    "035": _numbers_elsewhere,
}
