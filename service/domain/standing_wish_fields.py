"""What people write into a standing wish: a check for each criterion; all faults told at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from marc_mappings import search_terms
from service.domain import subject_profile
from service.domain.description import number
from service.domain.place import check_code
from service.domain.standing_wish import FIELDS, LAST_YEAR, Query
from service.errors import Invalid, WrongValues

_MOST: Final = 50  # values of one criterion
_LONGEST: Final = 100  # characters of a value
_LONGEST_TITLE: Final = 200
_FIRST_YEAR: Final = 1000


def check(given: Mapping[str, Any]) -> Query:
    """Return the query that a person's criteria make; raise ``WrongValues`` for all that is wrong.

    >>> check({"languages": ["KOR"], "subjects": [" Korean  fiction "]}).as_json()
    {'subjects': ['Korean fiction'], 'languages': ['kor']}
    """
    good: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, value in given.items():
        try:
            good[name] = _checked(name, value)
        except Invalid as error:
            faults.append((f"query.{name}", error.detail))
    years = good.get("year_from", 0), good.get("year_to", 0)
    if all(years) and years[0] > years[1]:
        faults.append(("query.year_to", "this year is before the first one"))
    query = Query(**good)
    if not faults and not query:
        faults.append(("query", f"say what you look for: one of {', '.join(FIELDS)}, at least"))
    if faults:
        raise WrongValues(faults)
    return query


def check_title(title: str) -> str:
    """Return what a partner calls its standing wish; raise ``Invalid``."""
    text = unicodedata.normalize("NFC", " ".join(title.split()))
    if not text or len(text) > _LONGEST_TITLE or not text.isprintable():
        raise Invalid(
            f"a standing wish needs a name of at most {_LONGEST_TITLE} characters", field="title"
        )
    return text


def _checked(name: str, value: Any) -> Any:
    if name not in FIELDS:
        raise Invalid(f"there is no such criterion; there are {', '.join(FIELDS)}")
    if name in {"year_from", "year_to"}:
        if value in (None, 0):
            return 0
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid("this is a year")
        if not _FIRST_YEAR <= value <= LAST_YEAR:
            raise Invalid(f"this is a year, {_FIRST_YEAR} to {LAST_YEAR}")
        return value
    values = _values(value)
    if name == "languages":
        return tuple(dict.fromkeys(map(subject_profile.language, values)))
    if name == "places":
        return tuple(dict.fromkeys(map(check_code, values)))
    for each in values:
        _check_value(name, each)
    return values


def _check_value(name: str, value: str) -> None:
    if name == "classes":
        if not number(value):
            raise Invalid(f"{value!r} is no beginning of a class number")
        return
    terms = search_terms.of_text(value)
    if not terms:
        raise Invalid(f"{value!r} has no letter or digit that could be found")
    if len(terms) == 1 and len(terms[0]) == 1 and not terms[0].isascii():
        raise Invalid(f"{value!r} is one character, which no search finds; say two at least")


def _values(given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, list | tuple):
        raise Invalid("this is a list of texts")
    if not all(isinstance(each, str) for each in given):
        raise Invalid("this is a list of texts")
    found = tuple(
        dict.fromkeys(
            text for each in given if (text := unicodedata.normalize("NFC", " ".join(each.split())))
        )
    )
    if len(found) > _MOST or any(len(each) > _LONGEST or not each.isprintable() for each in found):
        raise Invalid(f"these are at most {_MOST} texts of at most {_LONGEST} characters")
    return found
