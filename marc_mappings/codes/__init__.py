"""Code lists as data: MARC countries and languages, with the ISO codes and English names.

Each list is a table beside this file whose first lines give source, date and licence. They are
read on first use and kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

UNKNOWN_PLACE: Final = "ZZ"
UNKNOWN_LANGUAGE: Final = "und"


class Country(NamedTuple):
    """A MARC country code; ``iso`` is ISO 3166-1 alpha-2, ``now`` the code in use today."""

    marc: str
    iso: str
    kind: str
    now: str
    name: str


class Language(NamedTuple):
    """A MARC language code; ``now`` is the one in use today."""

    marc: str
    iso639_3: str
    now: str
    name: str


class Role(NamedTuple):
    """A MARC relator code; ``now`` is the one in use today."""

    marc: str
    now: str
    name: str


def _rows(name: str) -> Iterator[list[str]]:
    """Yield the rows of a table, without comments and column heads."""
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    lines = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    next(lines)
    return lines


def numbered_rows(name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) for each row of a table, for readers that check what they read."""
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    lines = enumerate(text.splitlines(), 1)
    rows = ((number, line.split("\t")) for number, line in lines if not line.startswith("#"))
    next(rows)
    return rows


@cache
def relators() -> Mapping[str, Role]:
    """Return all MARC relator codes, the obsolete ones too."""
    return {row[0]: Role(*row) for row in _rows("relators.tsv")}


@cache
def countries() -> Mapping[str, Country]:
    """Return all MARC country codes, without their trailing blank."""
    return {row[0]: Country(*row) for row in _rows("countries.tsv")}


@cache
def languages() -> Mapping[str, Language]:
    """Return all MARC language codes."""
    return {row[0]: Language(*row) for row in _rows("languages.tsv")}


@cache
def pairs(name: str) -> Mapping[str, str]:
    """Return a table of two columns: what stands in the first, and what in the second.

    >>> pairs("han_variants.tsv")["国"], pairs("initial_articles.tsv")["eng"]
    ('國', 'a an the')
    """
    return {row[0]: row[1] for row in _rows(name)}


@cache
def kormarc_countries() -> Mapping[str, str]:
    """Return the MARC code for each KORMARC country code that is not one of the LC list.

    >>> kormarc_countries()["ulk"], kormarc_countries()["us"]
    ('ko', 'xxu')
    """
    return {row[0]: row[1] for row in _rows("kormarc_countries.tsv")}


@cache
def kormarc_places() -> tuple[Mapping[str, str], ...]:
    """Return the KORMARC code by name of place: of provinces and large cities, and of cities."""
    found: dict[str, dict[str, str]] = {"1": {}, "2": {}}
    for code, rank, names in _rows("kormarc_places.tsv"):
        found[rank].update(dict.fromkeys(names.split(), code))
    return tuple(found.values())


@cache
def _places() -> Mapping[str, Country]:
    return {row.iso: row for row in countries().values() if row.kind == "main"}


@cache
def _names() -> Mapping[str, str]:
    return {row.name.casefold(): row.marc for row in reversed(list(languages().values()))}


@cache
def _country_names() -> Mapping[str, str]:
    return {row.name.casefold(): row.now for row in countries().values() if row.iso != "ZZ"}


def place_of(marc_country: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a MARC country code, ``ZZ`` if it has none.

    >>> [place_of(code) for code in ("ko ", "ch ", "nyu", "enk", "|||")]
    ['KR', 'TW', 'US', 'GB', 'ZZ']
    """
    country = countries().get(marc_country.strip().lower())
    return country.iso if country else UNKNOWN_PLACE


def main_country(iso: str) -> str:
    """Return the MARC code that stands for a whole country (ISO 3166-1), ``""`` if none does.

    >>> main_country("US"), main_country("AU"), main_country("ZZ")
    ('xxu', 'at', '')
    """
    country = _places().get(iso)
    return country.marc if country else ""


def place_name(iso: str) -> str:
    """Return the English name of an ISO 3166-1 code; ``ZZ`` and the unknown are named so.

    >>> place_name("MN"), place_name("ZZ")
    ('Mongolia', 'Unknown place')
    """
    country = _places().get(iso.upper())
    return country.name if country else "Unknown place"


def language_name(code: str) -> str:
    """Return the English name of a MARC language code, or the code itself if it is none.

    >>> language_name("kor"), language_name("scr"), language_name("qqq")
    ('Korean', 'Croatian', 'qqq')
    """
    language = languages().get(code.lower())
    return language.name if language else code


def iso_language(code: str) -> str:
    """Return the ISO 639-3 spelling of a MARC language code; ``""`` for no language at all.

    >>> iso_language("chi"), iso_language("kor"), iso_language("und"), iso_language("|||")
    ('zho', 'kor', '', '')
    """
    language = languages().get(code.lower())
    return "" if language is None or language.now in ("und", "zxx", "mul") else language.iso639_3


def marc_country(text: str) -> str:
    """Return the MARC code (no trailing blank) for what a person writes, ``""`` if unknown.

    Upper-case letters are ISO 3166-1, lower-case a MARC code, else it is an English name.

    >>> marc_country("KR"), marc_country("ko"), marc_country("Viet Nam"), marc_country("Vietnam")
    ('ko', 'ko', '', 'vm')
    """
    text = text.strip()
    if len(text) == 2 and text.isupper():
        return _places()[text].now if text in _places() else ""
    if text.islower() and text in countries():
        return countries()[text].now
    return _country_names().get(text.casefold(), "")


def marc_language(text: str) -> str:
    """Return the MARC code for a MARC or ISO 639 code of three letters or an English name.

    >>> marc_language("zho"), marc_language("Korean"), marc_language("klingon?")
    ('chi', 'kor', '')
    """
    text = text.strip().casefold()
    if text in languages():
        return languages()[text].now
    found = (row.now for row in languages().values() if row.iso639_3 == text)
    return next(found, "") or _names().get(text, "")


class Relator(NamedTuple):
    """A MARC relator code, ``""`` where MARC 21 has only the term, and the English term."""

    code: str
    term: str


@cache
def from_unimarc(name: str) -> Mapping[str, str]:
    """Return a list of ``unimarc_coded.tsv``: UNIMARC code to MARC 21 code; KeyError if unknown.

    >>> from_unimarc("date_type")["d"], from_unimarc("audience")["u"]
    ('s', ' ')
    """
    return _coded("=>")[name]


@cache
def to_unimarc(name: str) -> Mapping[str, str]:
    """Return a list of ``unimarc_coded.tsv``: MARC 21 code to UNIMARC code; KeyError if unknown.

    >>> to_unimarc("date_type")["s"], to_unimarc("literature")["f"]
    ('d', 'a')
    """
    return _coded("=<")[name]


@cache
def _coded(ways: str) -> Mapping[str, Mapping[str, str]]:
    lists: dict[str, dict[str, str]] = {}
    for name, unimarc, marc21, way, _ in _rows("unimarc_coded.tsv"):
        if way in ways:
            pair = unimarc.replace("_", " "), marc21.replace("_", " ")
            key, value = pair if ">" in ways else (pair[1], pair[0])
            if lists.setdefault(name, {}).setdefault(key, value) != value:
                raise ValueError(f"unimarc_coded.tsv, {name}: {key!r} has two values")
    return lists


@cache
def relators_from_unimarc() -> Mapping[str, Relator]:
    """Return the UNIMARC relator codes (three digits) with what MARC 21 says for them."""
    rows = _rows("unimarc_relators.tsv")
    return {row[0]: Relator(row[1], row[3]) for row in rows if row[2] in "=>"}


@cache
def relators_to_unimarc() -> Mapping[str, str]:
    """Return the MARC relator codes with the UNIMARC code for each.

    >>> relators_to_unimarc()["trl"], relators_to_unimarc()["clb"]
    ('730', '205')
    """
    return {row[1]: row[0] for row in _rows("unimarc_relators.tsv") if row[2] in "=<"}


@cache
def roles_from_unimarc() -> Mapping[str, str]:
    """Return the roles that CNMARC and CMARC spell out in $4, with the MARC relator code of each.

    >>> roles_from_unimarc()["主编"]
    'edt'
    """
    return {row[0]: row[1] for row in _rows("unimarc_roles.tsv")}


def coded_lists() -> tuple[str, ...]:
    """Return the names of the lists of ``unimarc_coded.tsv``."""
    return tuple(_coded("=>"))
