"""Coded dates, places, languages and roles against the code lists.

The same codes stand in fixed fields and in subfields, so they are judged in one place. A code that
is merely obsolete still says what it said; only an unknown one is doubtful.

Source: MARC 21 Format for Bibliographic Data, 005 and 008/00-17; MARC Code Lists for Countries,
Languages and Relators (Library of Congress).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from marc_mappings import codes
from marc_mappings.problems import Problem, problem, shown

# 008/06 to the kinds of date 1 and of date 2 that it asks for.
_DATES: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    kind: (frozenset(first.split()), frozenset(second.split()))
    for kind, first, second in (
        ("b", "blank", "blank"),
        ("c", "year open", "9999"),
        ("d", "year open", "year open"),
        ("e", "year open", "year open day blank"),
        ("i", "year open", "year open 9999"),
        ("k", "year open", "year open 9999"),
        ("m", "year open", "year open 9999"),
        ("n", "open blank", "open blank"),
        ("p", "year open", "year open"),
        ("q", "year open", "year open"),
        ("r", "year open", "year open"),
        ("s", "year open", "blank"),
        ("t", "year open", "year open"),
        ("u", "year open", "open"),
    )
}
# Types of date whose second year is not before the first.
_RANGES: Final = frozenset("dikmq")
_YEAR: Final = frozenset("0123456789u")
_PLAIN_DATES: Final[Mapping[str, str]] = {
    "    ": "blank",
    "||||": "fill",
    "uuuu": "open",
    "9999": "9999",
}


def is_time(value: str) -> bool:
    """Whether ``value`` is a date and time as 005 has it.

    >>> is_time("20260131235959.0"), is_time("20260231235959.0")
    (True, False)
    """
    if len(value) != 16 or not value.isascii() or value[14] != ".":
        return False
    if not (value[:14].isdigit() and value[15].isdigit()):
        return False
    try:
        date.fromisoformat(f"{value[:4]}-{value[4:6]}-{value[6:8]}")
    except ValueError:
        return False
    return value[8:10] < "24" and value[10:12] < "60" and value[12:14] < "60"


def is_day(value: str) -> bool:
    """Whether ``value`` is yymmdd, as 008/00-05 has it.

    >>> is_day("070301"), is_day("073101")
    (True, False)
    """
    if not (value.isascii() and value.isdigit()):
        return False
    return 1 <= int(value[2:4]) <= 12 and 1 <= int(value[4:6]) <= 31


def dates(kind: str, first: str, second: str) -> Iterator[Problem]:
    """Yield what is wrong with the type of date and the two dates of 008/06-14."""
    kinds = _kind_of_date(first), _kind_of_date(second)
    for positions, text, found in (("07-10", first, kinds[0]), ("11-14", second, kinds[1])):
        if not found:
            yield problem(
                "date-invalid",
                f"008/{positions}: {shown(text)} is no date; write four digits, "
                "u for an unknown one.",
                "008",
            )
    if not all(kinds) or kind not in _DATES:
        return
    firsts, seconds = _DATES[kind]
    if kinds[0] not in firsts | {"fill"} or kinds[1] not in seconds | {"fill"}:
        yield problem(
            "date-inconsistent",
            f"008/06-14: the dates {shown(first)} and {shown(second)} do not fit the type of "
            f"date {kind}; correct the type or the dates.",
            "008",
        )
    elif kind in _RANGES and (first + second).isdigit() and second < first:
        yield problem(
            "date-inconsistent",
            f"008/07-14: {second} is before {first}; the earlier year stands first here.",
            "008",
        )


def _kind_of_date(text: str) -> str:
    """Return what four positions hold, ``""`` if it is no date."""
    if text in _PLAIN_DATES:
        return _PLAIN_DATES[text]
    if _YEAR.issuperset(text):
        return "year"
    month = text.rstrip(" ")
    return "day" if len(month) == 2 and _YEAR.issuperset(month) else ""


def place(code: str) -> Iterator[Problem]:
    """Yield what is wrong with the country of 008/15-17; fill characters are right."""
    known = codes.countries()
    country = known.get(code.rstrip(" "))
    if country is None and code != "|||":
        small = code.strip().lower()
        hint = f"write {small}" if small in known else "write xx where it is unknown"
        yield problem(
            "country-unknown",
            f"008/15-17: {shown(code)} is not in the list of MARC countries; {hint}.",
            "008",
        )
    elif country and country.now != country.marc:
        yield problem(
            "country-obsolete",
            f"008/15-17: {country.marc} ({country.name}) is obsolete; today {country.now}.",
            "008",
        )


def language(where: str, code: str) -> Iterator[Problem]:
    """Yield what is wrong with a language code of three letters; blanks and fill are right.

    ``where`` begins with the tag.
    """
    known = codes.languages()
    found = known.get(code)
    if found is None and code not in ("   ", "|||"):
        small = code.strip().lower()
        hint = f"write {small}" if small in known else "write und where it is unknown"
        yield problem(
            "language-unknown",
            f"{where}: {shown(code)} is not in the list of MARC languages; {hint}.",
            where[:3],
        )
    elif found and found.now != found.marc:
        yield problem(
            "language-obsolete",
            f"{where}: {found.marc} ({found.name}) is obsolete; today {found.now}.",
            where[:3],
        )


def relator(tag: str, value: str) -> Iterator[Problem]:
    """Yield what is wrong with a $4; only a word of three letters can be a MARC code."""
    code = value.strip().rstrip(".").lower()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        return
    if code not in codes.relators():
        yield problem(
            "relator-unknown",
            f"{tag} $4: {shown(code)} is not in the list of MARC relators; correct it, or name the "
            "list it comes from.",
            tag,
        )
