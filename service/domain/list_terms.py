"""What may be changed of an offer list and of a title on it, until when, and what a change means.

A check turns what a person or a machine says into what is kept; all that is wrong is told at once.
A closing date is a promise to those who wish: making it later is free, making it earlier once a
wish stands needs somebody who answers for it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from service.domain import place
from service.domain.allocation import AllocationPolicy
from service.domain.offer import ListState, OfferList, Source
from service.errors import Conflict, Invalid, WrongValues

_LINE: Final = 500  # characters
_TEXT: Final = 10_000
_MOST_COPIES: Final = 1_000_000
_MOST_PLACES: Final = 300
_Word = TypeVar("_Word", bound=StrEnum)
_Check = Callable[[Any], Any]


# --- one check for each field ---------------------------------------------------------------------


def _string(value: Any, longest: int, allowed: str = "") -> str:
    if not isinstance(value, str):
        raise Invalid("this is a text")
    text = unicodedata.normalize("NFC", value).replace("\r\n", "\n").strip()
    if len(text) > longest or any(
        unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} and each not in allowed
        for each in text
    ):
        what = "text" if allowed else "line"
        raise Invalid(f"this is a {what} of at most {longest:,} characters, none for control")
    return text


def _line(value: Any) -> str:
    return _string(value, _LINE)


def _title(value: Any) -> str:
    text = _line(value)
    if not text:
        raise Invalid("an offer list needs a title")
    return text


def _text(value: Any) -> str:
    return _string(value, _TEXT, "\n\t")


def _number(least: int, *, bound: bool) -> _Check:
    """Return the check of a number of copies or volumes; ``bound``: None for no bound."""

    def check(value: Any) -> int | None:
        if bound and value is None:
            return None
        good = isinstance(value, int) and not isinstance(value, bool)
        if not good or not least <= value <= _MOST_COPIES:
            none = ", or null for no bound" if bound else ""
            raise Invalid(f"this is a whole number, {least} to {_MOST_COPIES:,}{none}")
        return int(value)

    return check


def _one_of(kind: type[_Word]) -> _Check:
    def check(value: Any) -> _Word:
        try:
            return kind(str(value).strip().upper())
        except ValueError as error:
            raise Invalid(f"{value!r} is none of {', '.join(kind)}") from error

    return check


def _places(value: Any) -> tuple[str, ...]:
    given = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or len(given) > _MOST_PLACES:
        raise Invalid("these are codes of countries or regions, such as KR MN")
    if not all(isinstance(each, str) for each in given):
        raise Invalid("these are codes of countries or regions, such as KR MN")
    return tuple(sorted({place.check_code(each.strip()) for each in given}))


def _moment(value: Any) -> datetime | None:
    if value is not None and not isinstance(value, datetime):
        raise Invalid("this is a moment")
    return value


LIST_FIELDS: Final[Mapping[str, _Check]] = {
    "title": _title,
    "description": _text,
    "source": _one_of(Source),
    "opens_at": _moment,
    "closes_at": _moment,
    "zone": _line,
    "policy": _one_of(AllocationPolicy),
    "max_per_partner": _number(1, bound=True),
    "min_parcel": _number(1, bound=True),
    "not_to": _places,
}
OFFER_FIELDS: Final[Mapping[str, _Check]] = {
    "copies": _number(1, bound=False),
    "volumes": _number(1, bound=False),
    "condition": _line,
    "not_to": _places,
}

# What a list is allocated by: a plan that was made before one of them changed is no plan any more.
ALLOCATED_BY: Final = frozenset({"policy", "max_per_partner", "min_parcel", "not_to"})

_S = ListState
_BEFORE_OPENING = frozenset({_S.DRAFT, _S.SCHEDULED})
_BEFORE_CLOSING = _BEFORE_OPENING | {_S.OPEN}
_BEFORE_ALLOCATION = _BEFORE_CLOSING | {_S.CLOSED}
_WHILE_SHOWN = _BEFORE_ALLOCATION | {_S.ALLOCATED}

# In which states of its list a field may be changed.
CHANGEABLE: Final[Mapping[str, frozenset[ListState]]] = {
    "title": _WHILE_SHOWN,
    "description": _WHILE_SHOWN,
    "source": _WHILE_SHOWN,
    "opens_at": _BEFORE_OPENING,
    "closes_at": _BEFORE_CLOSING,
    "zone": _BEFORE_CLOSING,
    **dict.fromkeys(ALLOCATED_BY, _BEFORE_ALLOCATION),
    **dict.fromkeys(("copies", "volumes", "condition"), _BEFORE_ALLOCATION),
}
if CHANGEABLE.keys() != LIST_FIELDS.keys() | OFFER_FIELDS.keys():
    raise AssertionError("every field that may be changed needs the states in which it may")


def checked(given: Mapping[str, Any], fields: Mapping[str, _Check]) -> dict[str, Any]:
    """Return the fields as they are kept; raise ``WrongValues`` that tells all that is wrong.

    >>> checked({"not_to": "us, cn", "volumes": 12}, OFFER_FIELDS)
    {'not_to': ('CN', 'US'), 'volumes': 12}
    """
    good: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, value in given.items():
        if name not in fields:
            faults.append((name, f"there is no such field; there are {', '.join(fields)}"))
            continue
        try:
            good[name] = fields[name](value)
        except Invalid as error:
            faults.append((name, error.detail))
    if faults:
        raise WrongValues(faults)
    return good


def of_list(found: OfferList) -> dict[str, Any]:
    """Return what may be changed of a list, as it is."""
    return {name: getattr(found, name) for name in LIST_FIELDS}


def as_json(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return terms as the audit log keeps them."""
    shown: dict[str, Any] = {}
    for name, value in terms.items():
        if isinstance(value, datetime):
            shown[name] = value.isoformat()
        else:
            shown[name] = list(value) if isinstance(value, tuple) else value
    return shown


def check_change(state: ListState, names: Collection[str]) -> None:
    """Refuse to change fields that the state of the list fixes; raise ``Conflict``."""
    fixed = [name for name in names if state not in CHANGEABLE[name]]
    if fixed:
        free = [name for name, states in CHANGEABLE.items() if state in states]
        raise Conflict(
            f"this list is {state}: {', '.join(fixed)} can be changed no more; "
            f"what can be changed now: {', '.join(free) or 'nothing'}"
        )


def is_shortened(before: datetime | None, after: datetime | None) -> bool:
    """Whether a list that was to close at ``before`` takes wishes for a shorter time now.

    Without a closing date nothing was promised.
    """
    return before is not None and after is not None and after < before
