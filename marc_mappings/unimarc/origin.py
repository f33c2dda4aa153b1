"""Where a publication is from and in which languages it is: 101 and 102 of UNIMARC in MARC 21.

008 has room for one country and one language, in codes of MARC; what it cannot say is in 041 and
044. UNIMARC names countries by ISO 3166, old records by names that are gone since.

Source: IFLA, UNIMARC Manual 101, 102; LC, UNIMARC to MARC 21 Conversion Specifications, table 1;
MARC 21 Bibliographic 008/15-17, 008/35-37, 041, 044.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from marc_mappings import codes
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss

FILL: Final = "|"

# Names of ISO 3166 that are gone, with the MARC code of the country then. XX and ZZ are nobody's.
_FORMER: Final[Mapping[str, str]] = {
    "AN": "na", "BU": "br", "CS": "cs", "DD": "ge", "FX": "fr", "SU": "ur", "TP": "em",
    "UK": "xxk", "YD": "ys", "YU": "yu", "ZR": "cg",
}  # fmt: skip
_REGIONS: Final[Mapping[str, str]] = {"US": "u", "CA": "c"}
UNKNOWN: Final = "xx"


# What Taiwan's format had for its own country before its fourth edition; in ISO 3166 it is Curaçao.
# Source: National Central Library (Taiwan), catalogue questions and answers, 102.
_TAIWAN: Final = "CW"


@lru_cache(maxsize=1024)
def country_code(text: str, region: str = "", dialect: str = "") -> str:
    """Return the MARC country code for 102 $a and $b, without trailing blank; ``""`` if unknown.

    $a is ISO 3166 in either case. Three characters are a MARC code that was left as it is.

    >>> country_code("KR"), country_code("gb"), country_code("enk"), country_code("US", "ca")
    ('ko', 'xxk', 'enk', 'cau')
    >>> country_code("gw "), country_code("gw"), country_code("cw", "", "cmarc")
    ('gw', 'pg', 'ch')
    >>> country_code("SU"), country_code("XX"), country_code("??")
    ('ur', 'xx', '')
    """
    if len(text) == 3 and text.islower() and text.strip() in codes.countries():
        return text.strip()
    text = text.strip()
    iso = text.upper()
    if dialect == "cmarc" and iso == _TAIWAN:
        iso = "TW"
    if iso in _REGIONS and len(region.strip()) == 2:
        part = region.strip().lower() + _REGIONS[iso]
        if part in codes.countries():
            return part
    if iso in ("XX", "ZZ"):
        return UNKNOWN
    if found := codes.marc_country(iso) or _FORMER.get(iso, ""):
        return found
    return text.lower() if text.lower() in codes.countries() else ""


def country(record: Record, dialect: str = "") -> str:
    """Return 008/15-17: the first country of 102 that is one, else ``xx `` or fill characters."""
    said = False
    for field in record.all("102"):
        for code in field.all("a"):
            said = said or bool(code.strip())
            if found := country_code(code, field.first("b"), dialect):
                return found.ljust(3)
    return UNKNOWN.ljust(3) if said else FILL * 3


@lru_cache(maxsize=1024)
def language_code(text: str) -> str:
    """Return the MARC language code, ``""`` if it is none; ISO 639-2/T is understood.

    >>> language_code("CHI"), language_code("deu"), language_code("scc"), language_code("xyz1")
    ('chi', 'ger', 'srp', '')
    """
    text = text.strip().lower()
    return codes.marc_language(text) if len(text) == 3 else ""


def _languages(values: Iterable[str]) -> Iterator[str]:
    """Yield the codes; several in one subfield (``engfre``) are told apart."""
    for value in values:
        text = value.strip()
        if language_code(text) or len(text) % 3:
            yield text
        else:
            yield from (text[at : at + 3] for at in range(0, len(text), 3))


def language(record: Record) -> str:
    """Return 008/35-37: the first language of 101 $a that is one, else fill characters."""
    for field in record.all("101"):
        for code in _languages(field.all("a")):
            if found := language_code(code):
                return found
    return FILL * 3


# 101 to 041. Source: IFLA 101; MARC 21 041 ($k since 2010, LC 2001 had no place for it).
_LANGUAGES: Final[Mapping[str, str]] = {
    "a": "a", "b": "k", "c": "h", "d": "b", "e": "f", "h": "e", "i": "g", "j": "j",
}  # fmt: skip
_TITLE_LANGUAGES: Final = "MARC 21 has no code for the language of a title page or title"


def languages_field(record: Record) -> tuple[tuple[Field, ...], tuple[Loss, ...]]:
    """Return 041 where 008 cannot say all that 101 says, and what of 101 has no place.

    >>> _, lost = languages_field(Record("", (Field("101", "0 ", (Subfield("a", "qq"),)),)))
    >>> lost
    (Loss(tag='101', codes='a', reason=''),)
    """
    parts: list[Subfield] = []
    lost: list[Loss] = []
    indicator = " "
    for field in record.all("101"):
        indicator = {"0": "0", "1": "1", "2": "1"}.get(field.indicators[:1], indicator)
        for code, value in field.subfields:
            if code in "fg":
                lost.append(Loss("101", code, _TITLE_LANGUAGES))
                continue
            to = _LANGUAGES.get(code, "")
            for each in _languages([value]):
                found = language_code(each)
                if to and found:
                    parts.append(Subfield(to, found))
                elif value.strip():
                    lost.append(Loss("101", code))
    parts = list(dict.fromkeys(parts))
    if len(parts) < 2:
        return (), tuple(dict.fromkeys(lost))
    if any(code == "h" for code, _ in parts):
        indicator = "1"
    order = sorted(parts, key=lambda part: part.code)
    return (Field("041", f"{indicator} ", tuple(order)),), tuple(dict.fromkeys(lost))


def countries_field(
    record: Record, dialect: str = ""
) -> tuple[tuple[Field, ...], tuple[Loss, ...]]:
    """Return 044 where 102 names several countries or a region, and what of 102 is unknown."""
    parts: list[Subfield] = []
    lost: list[Loss] = []
    for field in record.all("102"):
        for code, value in field.subfields:
            if code == "a" and (found := country_code(value, "", dialect)):
                parts.append(Subfield("a", found))
            elif code == "b" and value.strip():
                if not country_code(field.first("a"), value).startswith(value.strip().lower()):
                    parts.append(Subfield("b", value.strip()))
            elif value.strip():
                lost.append(Loss("102", code))
    parts = list(dict.fromkeys(parts))
    if len(parts) < 2 and not any(part.code == "b" for part in parts):
        return (), tuple(dict.fromkeys(lost))
    return (Field("044", "  ", tuple(parts)),), tuple(dict.fromkeys(lost))
