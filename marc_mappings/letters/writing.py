"""What languages look like in print: their letters, and how well a text keeps to them.

A wrong character set makes no error, only letters that no word of the language has. So a reading
of the bytes is judged by the letters it gives, in the light of the languages that the records
themselves name.

Source: the table ``codes/writing.tsv``; for East Asian text the common characters of the national
standards (level 1 of GB 2312, Big5 and JIS X 0208; the Hangul and Hanja of KS X 1001).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple
from unicodedata import normalize

# Signs that any language may use; they speak neither for nor against a reading.
NEUTRAL: Final = frozenset(
    "\xa0«»“”„‟‘’‚‹›–—…·•°§©®№€£¡¿ªº×±²³½¼¾′″ʹʺʻʼ\x98\x9c"
    "、。，．：；？！（）［］「」『』【】〈〉《》〔〕・～＝－／　"
)
_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")
# Signs that never stand inside a word or begin one, and fractions that follow no number.
_INSIDE: Final = re.compile(
    r"(?<=[A-Za-z])[¡¿£€®©№°±²³§µ¹¦¬](?=[a-z])|(?<!\w)[®¦¬](?=[a-z]{2})"
    r"|(?<=[^\W\d_])[¼½¾]|(?<!\d)[¼½¾](?=[^\W\d_]{3})"
)
# The same signs anywhere: looked for first, because a pattern that begins with what is before it is
# tried at every letter.
_SIGN: Final = re.compile("[¡¿£€®©№°±²³§µ¹¦¬¼½¾]")
# Letters that names and loan words bring into any text in Latin letters.
_LOANS: Final = "áàâäãåāéèêëēíìîïīóòôöõōøúùûüūýçñæœß"
_ROMANISED: Final = "ăąćčėęğĭıłńņśşšţŭźžżəơưḍḥḳḷṃṇṛṣṭẓṅḫạị"
_HALVES: Final = "\u0361\ufe20\ufe21\ufe22\ufe23\u0310\u0323\u0331"


class Writing(NamedTuple):
    """A language: places where its books appear (ISO 3166-1), its sets, its letters.

    ``common`` counts fully, ``rare`` half: a character of the standards that is not frequent.
    """

    language: str
    places: tuple[str, ...]
    encodings: tuple[str, ...]
    common: frozenset[str]
    rare: frozenset[str]


@cache
def writings() -> Mapping[str, Writing]:
    """Return the table by MARC language code."""
    text = files("marc_mappings.codes").joinpath("writing.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")][1:]
    table = {}
    for language, places, encodings, letters in rows:
        common = frozenset(_spread(letters))
        common |= {char.upper() for char in common if len(char.upper()) == 1}
        table[language] = Writing(
            language, tuple(places.split()), tuple(encodings.split()), common, _rare(language)
        )
    return table


def _spread(letters: str) -> Iterable[str]:
    """Yield the letters of a cell; ``a-c`` stands for a, b, c."""
    at = 0
    while at < len(letters):
        if letters[at + 1 : at + 2] == "-" and at + 2 < len(letters):
            yield from map(chr, range(ord(letters[at]), ord(letters[at + 2]) + 1))
            at += 3
            continue
        if letters[at] != " ":
            yield letters[at]
        at += 1


def _rare(language: str) -> frozenset[str]:
    rows = {
        "chi": (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)),
        "jpn": (("euc_jp", 0xB0, 0xCF),),
        "kor": (("euc_kr", 0xB0, 0xC8), ("euc_kr", 0xCA, 0xFD)),
    }
    found: set[str] = set()
    for codec, first, last in rows.get(language, ()):
        for lead in range(first, last + 1):
            for trail in range(0x40, 0xFF):
                found.update(bytes((lead, trail)).decode(codec, "ignore"))
    return frozenset(found - set(map(chr, range(0x80))))


@cache
def languages_of(place: str) -> tuple[str, ...]:
    """Return the languages in which books of a place (ISO 3166-1) mainly are.

    >>> languages_of("KR"), languages_of("CH"), languages_of("ZZ")
    (('kor',), ('fre', 'ger', 'ita'), ())
    """
    return tuple(each.language for each in writings().values() if place in each.places)


class Letters(NamedTuple):
    """The letters expected in a text: ``common`` count fully, ``rare`` half.

    ``toned``: letters with a tone, of which a word has one at most (Vietnamese), else empty.
    """

    common: frozenset[str]
    rare: frozenset[str]
    toned: frozenset[str] = frozenset()


@cache
def letters(languages: frozenset[str]) -> Letters:
    """Return the letters of all of ``languages`` together; unknown codes add nothing."""
    table = [writings()[each] for each in languages if each in writings()]
    common = frozenset[str]().union(*(each.common for each in table))
    rare = frozenset[str]().union(*(each.rare for each in table)) - common
    return Letters(common, rare, _toned(common) if "vie" in languages else frozenset())


def _toned(common: frozenset[str]) -> frozenset[str]:
    return frozenset(char for char in common if not _TONES.isdisjoint(normalize("NFD", char)))


@cache
def latin_letters(languages: frozenset[str]) -> Letters:
    """Return the letters of Latin text in ``languages``, with names and loan words in it.

    For a language of another script these are the letters of its romanisations; for English,
    which has none of its own, those of names from anywhere.
    """
    own = letters(languages - {"eng"}).common
    if not own or any("\u0250" <= char < "\u1e00" or char > "\u1fff" for char in own):
        own |= frozenset(_ROMANISED + _ROMANISED.upper() + _HALVES)
    return Letters(own | frozenset(_LOANS + _LOANS.upper()), frozenset())


class Fit(NamedTuple):
    """How well a text keeps to letters: ``share`` from 0 to 1 of ``total`` characters judged."""

    share: float
    total: int


def fit(text: str, expected: Letters) -> Fit:
    """Judge the characters of ``text`` outside ASCII by the letters that are expected.

    A capital after a small letter, and a second tone in a word, speak against the reading too.

    >>> russian = letters(frozenset({"rus"}))
    >>> fit("Война и мир", russian)
    Fit(share=1.0, total=9)
    >>> fit("бНИМЮ Х ЛХП", russian).share < 0.8
    True
    >>> fit("\x85", russian), fit("plain", russian)
    (Fit(share=0.0, total=1), Fit(share=0.0, total=0))
    """
    # Counted whole, which Python does fastest; what is not judged is left out of the counts.
    counts = {
        char: number
        for char, number in Counter(text).items()
        if char > "\x7f" and char not in NEUTRAL
    }
    total = sum(counts.values()) + sum(1 for _ in _signs_inside(text))
    if not total:
        return Fit(0.0, 0)
    good = 0.0
    for char, number in counts.items():
        if char in expected.common:
            good += number
        elif char in expected.rare:
            good += number / 2
    words = Counter([word for word in text.split() if not word.isascii()])
    odd = sum(
        number
        for word, number in words.items()
        if _is_mixed(word) or (expected.toned and _has_tones(word, expected.toned))
    )
    return Fit(good / total * (1 - odd / max(1, words.total())), total)


def has_sign_inside(text: str) -> bool:
    """Whether a sign stands where only a letter can.

    >>> has_sign_inside("M½urs"), has_sign_inside("®ivé"), has_sign_inside("20½ cm")
    (True, True, False)
    """
    return any(True for _ in _signs_inside(text))


def _signs_inside(text: str) -> Iterator[str]:
    """Yield the signs of a text that stand where only a letter can."""
    for sign in _SIGN.finditer(text):
        if _INSIDE.match(text, sign.start()):
            yield sign[0]


def _is_mixed(word: str) -> bool:
    """Whether a capital follows a small letter."""
    # Nearly all words are small, titled or in capitals, which Python tells at once.
    if word.islower() or word.isupper() or word[1:].islower():
        return False
    return (True, True) in zip(map(str.islower, word), map(str.isupper, word[1:]), strict=False)


def _has_tones(word: str, toned: frozenset[str]) -> bool:
    return sum(char in toned for char in word) > 1
