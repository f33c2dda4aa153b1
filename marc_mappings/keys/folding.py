"""Folding of writing for match keys: what people spell differently without meaning anything by it.

A key is compared as a whole and never shown, so it goes further than the words people search by:
blanks and punctuation are gone, Hiragana is Katakana, the simplified, traditional and reformed
forms of a Han character are one, and Indic and Thai vowel signs stay, because there they are
letters. Nothing here knows about sounds; see ``romanisation``.

Source: Unicode Standard Annex 15 (normal forms), Unicode Character Database (categories, decimal
values); ``codes/han_variants.tsv``.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final
from unicodedata import category, decimal, normalize

from marc_mappings import codes

# Marks that only colour a letter: Latin, Greek, Cyrillic, Hebrew points, Arabic vowels.
# Source: Unicode blocks 0300, 0483, 0591, 0610, 064B, 06D6, 1AB0, 1DC0, 20D0, FE20.
_COLOURING = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
# Words that stand where another library writes "&".
_AND = re.compile(r"\b(?:and|und|et)\b")
_ASCII_NOISE = re.compile(r"\b(?:and|und|et)\b|[^a-z0-9]+")
_ASCII_SIGN = re.compile(r"[^a-z0-9]+")
# Signs that tell titles apart: C, C++ and C#.
_SIGNS: Final = str.maketrans({"+": "plus", "#": "sharp", "♯": "sharp"})
# Letters that no decomposition makes plain, and Arabic letters that Persian and Urdu write so.
_PLAIN: Final[dict[str, str]] = dict(
    zip(
        "đøłıæœþðħŋʻ" + "\u0649\u06cc\u06a9\u0629",
        (*("d", "o", "l", "i", "ae", "oe", "th", "d", "h", "n", ""), *"\u064a\u064a\u0643\u0647"),
        strict=True,
    )
)


class _Folds(dict[int, str | None]):
    """What becomes of a character, found out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        found: str | None = _fold_of(chr(code))
        self[code] = found
        return found


@cache
def han_variants() -> dict[str, str]:
    """Return the form that stands for all forms of a Han character, by each of the others."""
    table = codes.pairs("han_variants.tsv")
    return {each: kept for kept, variants in table.items() for each in variants}


def _fold_of(char: str) -> str | None:
    if char in _PLAIN:
        return _PLAIN[char]
    if "ぁ" <= char <= "ゖ":
        return chr(ord(char) + 0x60)
    kind = category(char)
    if kind == "Nd":
        return str(decimal(char))
    # Modifier letters are the apostrophes of romanisations, the long-vowel mark, the tatweel;
    # the marks that repeat a Han or Kana character are letters.
    if kind == "Lm":
        return char if char in "々ヽヾ〻" else None
    if kind[0] in "LM" or kind in ("Nl", "No"):
        return han_variants().get(char, char)
    return None


_FOLDS: Final = _Folds()


def folded(text: str) -> str:
    """Return the letters and digits of ``text``, folded; ``""`` if it has none.

    >>> folded("Ｔｈｅ Vegetarian :"), folded("Ch'aesikchuŭija"), folded("Rock & roll")
    ('thevegetarian', 'chaesikchuuija', 'rockroll')
    >>> folded("國語辭典") == folded("国语辞典"), folded("ひらがな") == folded("ヒラガナ")
    (True, True)
    >>> folded("C++"), folded("अ आ इ"), folded("...")
    ('cplusplus', 'अआइ', '')
    """
    if "&" in text:
        text = text.replace("&amp;", "&")
    if "+" in text or "#" in text or "♯" in text:
        text = text.translate(_SIGNS)
    if text.isascii():
        lowered = text.lower()
        return _ASCII_NOISE.sub("", lowered) or _ASCII_SIGN.sub("", lowered)
    return _folded(text)


@lru_cache(maxsize=2048)
def _folded(text: str) -> str:
    plain = normalize("NFKD", normalize("NFKD", text).casefold())
    plain = normalize("NFC", _COLOURING.sub("", plain))
    letters = (_AND.sub(" ", plain).translate(_FOLDS)) or plain.translate(_FOLDS)
    return normalize("NFC", letters)


# The scripts that matter to keys. A text is the first of these that it has any letter of; Kanji
# with Kana is Han, and Han with Hangul is Hangul.
_SCRIPTS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("Hang", re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")),
    ("Hani", re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),
    ("Kana", re.compile("[\u3041-\u3096\u30a1-\u30fa]")),
    ("Cyrl", re.compile("[\u0400-\u052f]")),
    ("Latn", re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")),
)
_ASCII_LETTER = re.compile("[A-Za-z]")


def script(text: str) -> str:
    """Return the ISO 15924 code of the script of ``text``, ``Zyyy`` for any other or none.

    >>> [script(text) for text in ("채식주의자", "源氏物語", "ヒラガナ", "Война", "War", "12")]
    ['Hang', 'Hani', 'Kana', 'Cyrl', 'Latn', 'Zyyy']
    """
    if text.isascii():
        return "Latn" if _ASCII_LETTER.search(text) else "Zyyy"
    return _script(text)


@lru_cache(maxsize=2048)
def _script(text: str) -> str:
    return next((name for name, letters in _SCRIPTS if letters.search(text)), "Zyyy")


def plain_digits(text: str) -> str:
    """Return ``text`` with the digits of any script as 0 to 9.

    >>> plain_digits("भाग ३"), plain_digits("第２巻")
    ('भाग 3', '第2巻')
    """
    return "".join(str(decimal(char)) if char.isdecimal() else char for char in text)
