"""The numbers and names of the parts of a work, so that "v. 2", 제2권 and 卷二 are one.

Source: MARC 21 Bibliographic 245 $n and $p.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from marc_mappings.keys import folding, romanisation
from marc_mappings.keys.hangul import row
from marc_mappings.record import Subfield

# Words that only say that a number follows. Another word before a number means something.
_DESIGNATIONS: Final = frozenset(
    row(
        "v vol vols volume volumes bd bde band t tom tome tomo no nr num number numero n pt part "
        "teil tl book bk buch livre libro issue heft fasc 제 권 책 집 편 부 호 第 卷 "
        "冊 册 巻 部 編 编 集 辑 号 號 т том томъ ч часть кн книга вп вып выпуск боть дэвтэр "
        "дугаар хэсэг"
    )
)
_DIGITS = re.compile(r"[0-9]+")
_LETTERS = re.compile(r"[^\W0-9_]+")
_HAN = re.compile(
    r"[第卷冊册巻部編编集辑輯之]?([一二三四五六七八九十]{1,3})[卷冊册巻部編编集辑輯]?"
)
_ROMAN = re.compile(r"x{0,3}(?:ix|iv|v?i{0,3})")
_ROMAN_DIGITS: Final = {"i": 1, "v": 5, "x": 10}


def of(parts: Sequence[Subfield]) -> str:
    """Return the parts of a title folded, joined by full stops, ``""`` for none.

    >>> of((Subfield("n", "Vol. 2,"), Subfield("p", "The Two towers")))
    '2.thetwotowers'
    """
    return ".".join(_number(v) if code == "n" else folding.folded(v) for code, v in parts)


def of_sounds(parts: Sequence[Subfield], rules: str) -> str:
    """Return the parts as every romanisation has them, by the rules of ``romanisation``."""
    return ".".join(
        _number(v) if code == "n" else romanisation.sound(v, rules) for code, v in parts
    )


@lru_cache(maxsize=1024)
def _number(text: str) -> str:
    """Return the number of a part; what is more than a number is folded whole.

    >>> [_number(text) for text in ("v. 02", "제2권", "卷二", "第十二冊", "Pt. II", "Bd. 2, T. 1")]
    ['2', '2', '2', '12', '2', '2.1']
    >>> _number("Series B, 2"), _number("上")
    ('seriesb2', '上')
    """
    plain = folding.plain_digits(text).casefold()
    words = [word for word in _LETTERS.findall(plain) if word not in _DESIGNATIONS]
    numbers = _DIGITS.findall(plain)
    if numbers and not words:
        return ".".join(number.lstrip("0") or "0" for number in numbers)
    if len(words) == 1 and not numbers:
        if match := _HAN.fullmatch(words[0]):
            return str(_han_value(match[1]))
        if _ROMAN.fullmatch(words[0]):
            return str(_roman_value(words[0]))
    # "V." and "T." alone are designations, and yet they are all there is.
    return folding.folded(text)


def _han_value(digits: str) -> int:
    tens, ten, ones = digits.rpartition("十")
    value = "〇一二三四五六七八九".find
    return (value(tens or "一") * 10 if ten else 0) + (value(ones) if ones else 0)


def _roman_value(digits: str) -> int:
    values = [_ROMAN_DIGITS[digit] for digit in digits]
    return sum(-n if n < after else n for n, after in zip(values, [*values[1:], 0], strict=True))
