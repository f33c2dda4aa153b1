"""Where a book was published, in the codes of KORMARC and of MARC 21 (008/15-17 and 044).

KORMARC takes the two-letter codes of the MARC list, keeps those of it that LC gave up for the
United States, the United Kingdom and Canada, and divides the Republic of Korea by city and
province. So ``cn`` is Canada and never China, and ``ulk`` is Seoul and no part of Britain.

Source: KS X 6006-0:2023, annex 1; MARC Code List for Countries. See the heads of
``codes/kormarc_countries.tsv`` and ``codes/kormarc_places.tsv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import normalize

from marc_mappings import codes

FILL: Final = "|"

# Diacritics, and the many apostrophes of McCune-Reischauer.
_MARKS: Final = re.compile("[\u0300-\u036f'‘’ʼ`´ʻ]")
_ENDINGS: Final = re.compile(r"-(?:si|do|gun|gu)\b")
_HALVES: Final = re.compile(r"(buk|nam)(?:to|do)$")
_WORDS: Final = re.compile(r"[^\W\d_]+")


def marc21_place(code: str) -> str:
    """Return the MARC code (three characters) of a KORMARC country code, ``""`` if it is none.

    A code of three letters that ends in k and is no MARC code is a part of Korea.

    >>> marc21_place("ulk"), marc21_place("us "), marc21_place("cn "), marc21_place("cc ")
    ('ko ', 'xxu', 'xxc', 'cc ')
    """
    key = code.strip().lower()
    if not key.strip(FILL):
        return FILL * 3
    found = codes.kormarc_countries().get(key) or (key if key in codes.countries() else "")
    if not found and len(key) == 3 and key.isalpha() and key.endswith("k"):
        found = "ko"
    return found.ljust(3) if found else ""


def kormarc_place(code: str, places: Iterable[str] = ()) -> str:
    """Return the KORMARC code of a MARC country code, ``""`` if it is none.

    ``places`` are places of publication, by which a part of Korea is known; ``ko`` without them.

    >>> kormarc_place("ko ", ["P'aju-si :"]), kormarc_place("ko "), kormarc_place("nyu")
    ('ggk', 'ko ', 'us ')
    """
    key = code.strip().lower()
    if not key.strip(FILL):
        return FILL * 3
    if key == "ko":
        return next(filter(None, map(_korean_place, places)), "ko ")
    if key in codes.kormarc_countries():
        return key.ljust(3) if codes.kormarc_countries()[key] == "ko" else _back(key)
    country = codes.countries().get(key)
    if country is None:
        return ""
    return _back(key if len(key) == 2 else codes.main_country(country.iso) or country.now)


def _back(marc: str) -> str:
    """Return the two letters KORMARC has for a MARC code of a whole country."""
    for kormarc, listed in codes.kormarc_countries().items():
        if listed == marc and listed != "ko":
            return kormarc.ljust(3)
    return marc.ljust(3)


def _korean_place(text: str) -> str:
    """Return the KORMARC code for a place of publication in Korea, ``""`` if it is not known."""
    spelt = _MARKS.sub("", normalize("NFKD", text).lower())
    plain = _ENDINGS.sub("", normalize("NFC", spelt)).replace("-", "")
    words = [*_WORDS.findall(plain), "".join(_WORDS.findall(plain))]
    for table in codes.kormarc_places():
        for word in words:
            name = _HALVES.sub(r"\1", word)
            if code := table.get(name) or table.get(name.removesuffix("시")):
                return code
    return ""


def marc21_code(code: str) -> str:
    """Return the MARC code for 044 $a, without blanks; what is no KORMARC code stays."""
    return marc21_place(code).strip() or code


def kormarc_code(code: str) -> str:
    """Return the KORMARC code for 044 $a, without blanks; what is no MARC code stays."""
    return kormarc_place(code).strip() or code
