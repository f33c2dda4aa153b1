"""Hangul in Latin letters, Hanja in Hangul, and the family names of Koreans.

For keys only: the sound changes between syllables are left out, because libraries differ in
where they begin a new word; ``romanisation`` folds away what is left of them.

Source: Revised Romanization of Korean (2000); Standard Pronunciation of Korean (1988); KS X 1001;
``codes/hanja_readings.tsv``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from unicodedata import normalize

from marc_mappings import codes


def row(cells: str) -> list[str]:
    """Return the cells of a row of a table; ``-`` is no letter."""
    return cells.replace("-", "").split(" ")


_SYLLABLE: Final = 0xAC00
_ONSETS: Final = row("g kk n d tt r m b pp s ss - j jj ch k t p h")
_VOWELS: Final = row("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
# A final consonant before a vowel, and elsewhere (Standard Pronunciation, articles 8 to 14).
_LINKED: Final = row("- g kk gs n nj n d r lg lm lb ls lt lp r m b bs s ss ng j ch k t p -")
_CLOSED: Final = row("- k k k n n n t l k m l l l p l m p p t t ng t t k t p t")
if [len(row) for row in (_ONSETS, _VOWELS, _LINKED, _CLOSED)] != [19, 21, 28, 28]:
    raise ValueError("a row of Hangul letters is not whole")
_SILENT, _I = 11, 20
# ㄷ and ㅌ before 이 (article 17).
_PALATAL: Final = {7: "j", 25: "ch"}
_HANGUL_RUN = re.compile("[가-힣]+")
_HAN_RUN = re.compile("[\u4e00-\u9fff]+")


def letters(text: str) -> str:
    """Return ``text`` with its Hangul in Latin letters, sound changes between syllables left out.

    >>> letters("채식주의자"), letters("같이 읽기"), letters("닭이 없다")
    ('chaesikjuuija', 'gachi ikgi', 'dalgi eopda')
    """
    return _HANGUL_RUN.sub(lambda run: _spelt(run[0]), text)


def _spelt(run: str) -> str:
    parts = [(n // 588, n % 588 // 28, n % 28) for n in (ord(c) - _SYLLABLE for c in run)]
    spelt: list[str] = []
    for (onset, vowel, coda), after in zip(parts, [*parts[1:], (-1, -1, 0)], strict=True):
        spelt += _ONSETS[onset], _VOWELS[vowel]
        if after[0] != _SILENT:
            spelt.append(_CLOSED[coda])
        elif after[1] == _I and coda in _PALATAL:
            spelt.append(_PALATAL[coda])
        else:
            spelt.append(_LINKED[coda])
    return "".join(spelt)


# The rule of initial sounds: a word begins with ㄴ for ㄹ, and with neither before i and y.
_Y_VOWELS: Final = frozenset({2, 3, 6, 7, 12, 17, 20})


@cache
def _readings() -> dict[int, str]:
    table = codes.pairs("hanja_readings.tsv")
    return {ord(each): reading for reading, characters in table.items() for each in characters}


def hanja(text: str) -> str:
    """Return ``text`` with its Hanja as they are read in Korean.

    >>> hanja("韓國文學史"), hanja("女子 理論")
    ('한국문학사', '여자 이론')
    """
    return _HAN_RUN.sub(_reading, text)


def _reading(run: re.Match[str]) -> str:
    read = run[0].translate(_readings())
    if run.start() and run.string[run.start() - 1].isalpha():
        return read
    number = ord(read[0]) - _SYLLABLE
    if not 0 <= number < 11172:
        return read
    onset, vowel = number // 588, number % 588 // 28
    if onset in (2, 5):
        onset = _SILENT if vowel in _Y_VOWELS else 2
    return chr(_SYLLABLE + onset * 588 + number % 588) + read[1:]


# How Koreans spell their family names where neither system does, from common use; a spelling that
# sounds as one of the systems needs no row.
_SPELT: Final = {
    spelt: name
    for name, *spellings in map(
        row,
        (
            *("이 lee yi rhee", "박 park", "최 choi", "정 jung chung", "윤 yoon"),
            *("임 lim", "문 moon"),
            *("우 woo", "신 shin", "안 ahn", "서 suh seo", "노 roh noh", "유 yoo ryu ryoo lyu"),
            *("주 joo", "허 huh hur", "백 paik", "전 chun", "구 koo", "손 sohn", "한 hahn"),
        ),
    )
    for spelt in spellings
}
# Family names of two syllables. (金, 금 elsewhere, is 김 as a family name.)
_DOUBLE: Final = ("남궁", "황보", "제갈", "사공", "선우", "서문", "독고", "동방")


def family_name(name: str) -> str:
    """Return the family name of a Korean name in any script; in Hangul, if it can be told.

    >>> family_name("한강"), family_name("남궁억"), family_name("헤밍웨이, 어니스트")
    ('한', '남궁', '헤밍웨이')
    >>> family_name("Park, Wan-suh"), family_name("Han, Kang")
    ('박', 'Han')
    """
    family, comma, _ = name.partition(",")
    family = normalize("NFKC", family).strip()
    family = hanja("김" + family[1:] if family.startswith("金") else family)
    if not comma and 2 <= len(family) <= 4 and _HANGUL_RUN.fullmatch(family):
        return family[:2] if family.startswith(_DOUBLE) else family[0]
    first = family.partition(" ")[0]
    return _SPELT.get(first.lower(), first)
