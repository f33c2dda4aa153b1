"""The script of a text, as ISO 15924 codes it, from its letters and what $6 says.

The codes of $6 name character sets of MARC-8; one of them stands for Chinese, Japanese and Korean
alike. The letters tell these apart. Match keys ask another question (by which rules is this to be
folded and romanised?), where kanji with kana count as Han; they have their own answer in
``keys.folding``.

Source: ISO 15924, https://www.unicode.org/iso15924/; MARC 21 Specifications, Appendix A (Control
Subfields), $6, script identification code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from marc_mappings.record import Field

UNKNOWN: Final = "Zyyy"

# Script identification code of $6 -> ISO 15924; "$1" is left to the letters.
_LINKED: Final = {
    "(2": "Hebr",
    "(3": "Arab",
    "(4": "Arab",
    "(B": "Latn",
    "(N": "Cyrl",
    "(Q": "Cyrl",
    "(S": "Grek",
}
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_KANA = re.compile("[\u3041-\u30fa\u31f0-\u31ff\uff66-\uff9d]")
_HAN = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_LETTERS: Final = ((_HANGUL, "Hang"), (_KANA, "Kana"), (_HAN, "Hani"), (_LATIN, "Latn"))
# First word of a character's name in Unicode -> ISO 15924.
_NAMES: Final = {
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "BENGALI": "Beng",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "ETHIOPIC": "Ethi",
    "GEORGIAN": "Geor",
    "GREEK": "Grek",
    "GUJARATI": "Gujr",
    "GURMUKHI": "Guru",
    "HEBREW": "Hebr",
    "KANNADA": "Knda",
    "KHMER": "Khmr",
    "LAO": "Laoo",
    "MALAYALAM": "Mlym",
    "MONGOLIAN": "Mong",
    "MYANMAR": "Mymr",
    "ORIYA": "Orya",
    "SINHALA": "Sinh",
    "SYRIAC": "Syrc",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "THAANA": "Thaa",
    "THAI": "Thai",
    "TIBETAN": "Tibt",
}
# Letters from Greek on, except the Latin ones that stand apart (Vietnamese, full width).
_BEYOND_LATIN = re.compile(
    "[\u0370-\u1cff\u2c00-\u2c5f\u2e80-\ua71f\ua800-\uab2f\uab70-\ufaff\ufb13-\ufdff\ufe70-\ufefe"
    "\uff66-\uffdc\U00010000-\U0001cfff\U0001e000-\U0001efff\U00020000-\U0003ffff]"
)


def of_text(text: str) -> str:
    """Return the ISO 15924 code of the script a text is written in, ``Zyyy`` if it has no letters.

    Korean (Hangul, with or without Han) is ``Kore``, Japanese (kana, with or without Han)
    ``Jpan``, Han alone ``Hani``.

    >>> [of_text(t) for t in ("채식주의자 菜食", "これから", "大陸", "Отцы", "Title", "1984")]
    ['Kore', 'Jpan', 'Hani', 'Cyrl', 'Latn', 'Zyyy']
    """
    if not text.isascii() and (found := _BEYOND_LATIN.search(text)):
        for letters, code in ((_HANGUL, "Kore"), (_KANA, "Jpan"), (_HAN, "Hani")):
            if letters.search(text):
                return code
        for code in _named(text[found.start() :]):
            return code
    return "Latn" if _LATIN.search(text) else UNKNOWN


def _named(text: str) -> Iterator[str]:
    """Yield the codes of the letters of ``text`` whose script their names tell."""
    for char in text:
        name = unicodedata.name(char, "").partition(" ")[0] if char.isalpha() else ""
        if name in _NAMES:
            yield _NAMES[name]


def all_in(text: str) -> frozenset[str]:
    """Return the ISO 15924 codes of all scripts that ``text`` has letters of.

    >>> sorted(all_in("Linux 입문")), sorted(all_in("韓國")), sorted(all_in("これ Отцы"))
    (['Hang', 'Latn'], ['Hani'], ['Cyrl', 'Kana'])
    """
    found = {code for letters, code in _LETTERS if letters.search(text)}
    return frozenset(found if text.isascii() else found.union(_named(text)))


def is_romanised(text: str) -> bool:
    """Whether ``text`` is in Latin letters (or has none at all).

    >>> is_romanised("Chaesikchuŭija"), is_romanised("채식주의자"), is_romanised("Отцы")
    (True, False, False)
    """
    return text.isascii() or not _BEYOND_LATIN.search(text)


def of_field(field: Field) -> str:
    """Return the ISO 15924 code of an 880: a code of its $6 if that is exact, else by its letters.

    >>> from marc_mappings.record import Subfield
    >>> of_field(Field("880", "10", (Subfield("6", "245-01/(N/r"), Subfield("a", "1905"))))
    'Cyrl'
    """
    said = field.first("6").partition("/")[2].partition("/")[0]
    if said in _LINKED:
        return _LINKED[said]
    if len(said) == 4 and said.isascii() and said.isalpha():
        return said.capitalize()
    words = " ".join([value for code, value in field.subfields if code.isalpha()])
    return of_text(words)
