"""What people write into an agreement: one check for each field, and who may still change which.

A check turns what a person, a file or a machine says into what is kept. All that is wrong is told
at once, each under its field; dots and numbers lead into lists.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from service.domain import subject_profile
from service.domain.agreement import (
    ENDED,
    RUNNING,
    Activity,
    AgreementAction,
    AgreementState,
    BalanceBasis,
    Mode,
    Party,
    Postage,
    Scope,
    Terms,
    end_of_term,
)
from service.errors import Conflict, Invalid, WrongValues

_MOST = 200  # parties, activities, subjects
_LINE = 500  # characters
_TEXT = 10_000
_LONGEST_TERM = 1200  # months
_LARGEST = 1_000_000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_FIRST, _LAST = 1900, 2200  # years
_Word = TypeVar("_Word", bound=StrEnum)


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as they are kept; raise ``WrongValues`` that tells all that is wrong."""
    good: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, value in given.items():
        try:
            good[name] = FIELDS[name](value) if name in FIELDS else _unknown(name)
        except Invalid as error:
            faults.append((error.field or name, error.detail))
    if faults:
        raise WrongValues(faults)
    return good


def filled(terms: Terms, values: Mapping[str, Any], *, agreed: bool = False) -> Terms:
    """Return terms with checked ``values``.

    The end follows from the start and the term, unless it is named, or ``agreed`` already.
    """
    made = replace(terms, **values)
    moved = not agreed and {"starts_on", "term_months"} & values.keys()
    named = values.get("ends_on") is not None
    if made.starts_on and made.term_months and not named and (moved or made.ends_on is None):
        made = replace(made, ends_on=end_of_term(made.starts_on, made.term_months))
    return made


# --- one check for each field -------------------------------------------------------------------


def _unknown(name: str) -> Any:
    raise Invalid(f"an agreement has no field {name!r}; it has {', '.join(FIELDS)}", field=name)


def _string(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid("this is a text")
    return unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").strip()


def line(value: Any) -> str:
    """Return a text on one line; raise ``Invalid`` for what is none."""
    text = _string(value)
    if len(text) > _LINE or any(unicodedata.category(each) in _BREAKS for each in text):
        raise Invalid(f"this is one line of at most {_LINE} characters")
    return text


# Control characters, and what breaks a line or a paragraph.
_BREAKS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _text(value: Any) -> str:
    text = _string(value)
    if len(text) > _TEXT or any(
        unicodedata.category(each) in {"Cc", "Cs"} and each not in "\n\t" for each in text
    ):
        raise Invalid(f"this is a text of at most {_TEXT:,} characters, without control characters")
    return text


def _day(value: Any) -> date | None:
    if value is None or value == "":
        return None
    day: date | None = None
    if isinstance(value, date) and not isinstance(value, datetime):
        day = value
    elif isinstance(value, str) and _DAY.fullmatch(value):
        with suppress(ValueError):
            day = date.fromisoformat(value)
    if day is None or not _FIRST <= day.year <= _LAST:
        raise Invalid(f"{value!r} is no day from {_FIRST} to {_LAST}, such as 2025-09-15")
    return day


def _number(least: int, most: int) -> Callable[[Any], int | None]:
    def check(value: Any) -> int | None:
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Invalid(f"this is a whole number, {least} to {most:,}")
        return value

    return check


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid("this is true or false")
    return value


def _one_of(kind: type[_Word]) -> Callable[[Any], _Word]:
    def check(value: Any) -> _Word:
        try:
            return kind(str(value).strip().upper())
        except ValueError as error:
            raise Invalid(f"{value!r} is none of {', '.join(kind)}") from error

    return check


_kind = _one_of(Scope)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise Invalid("this is a list")
    if len(value) > _MOST:
        raise Invalid(f"these are at most {_MOST}")
    return list(value)


def _scope(value: Any) -> tuple[Scope, ...]:
    named = set(map(_kind, _list(value)))
    return tuple(each for each in Scope if each in named)


def _lines(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for each in _list(value) if (text := line(each))))


def _languages(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(subject_profile.language, _lines(value))))


def _parties(value: Any) -> tuple[Party, ...]:
    found: dict[str, Party] = {}
    for number, each in enumerate(_list(value), 1):
        here = f"parties.{number}"
        said = _members(each, Party._fields, here)
        party = Party(*(_within(here, name, line, said.get(name)) for name in Party._fields))
        if not party.partner:
            raise Invalid("say which partner it is, by its code", field=f"{here}.partner")
        if party.partner in found:
            raise Invalid(f"partner {party.partner!r} is named twice", field=f"{here}.partner")
        found[party.partner] = party
    return tuple(found.values())


_ACTIVITY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "kind": _kind,
    "title": line,
    "starts_on": _day,
    "ends_on": _day,
}


def _activities(value: Any) -> tuple[Activity, ...]:
    found: list[Activity] = []
    for number, each in enumerate(_list(value), 1):
        here = f"activities.{number}"
        said = _members(each, Activity._fields, here)
        made = Activity(
            *(_within(here, name, check, said.get(name)) for name, check in _ACTIVITY.items())
        )
        if not made.title:
            raise Invalid("an activity needs a title", field=f"{here}.title")
        found.append(made)
    return tuple(found)


def _members(value: Any, names: Collection[str], here: str) -> Mapping[str, Any]:
    if isinstance(value, Party | Activity):
        return value._asdict()
    if not isinstance(value, Mapping) or not set(value) <= set(names):
        raise Invalid(f"this has {', '.join(names)}", field=here)
    return value


def _within(here: str, name: str, check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except Invalid as error:
        raise Invalid(error.detail, field=f"{here}.{name}") from error


FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "title": line,
    "scope": _scope,
    "parties": _parties,
    "our_signatory": line,
    "signed_on": _day,
    "signed_in": line,
    "carries_out": line,
    "starts_on": _day,
    "ends_on": _day,
    "term_months": _number(1, _LONGEST_TERM),
    "renews": _yes_or_no,
    "mode": _one_of(Mode),
    "basis": _one_of(BalanceBasis),
    "tolerance": _number(0, _LARGEST),
    "allowance_first": _number(0, _LARGEST),
    "allowance_per_year": _number(0, _LARGEST),
    "postage": _one_of(Postage),
    "subjects": _lines,
    "languages": _languages,
    "reply_days": _number(1, 3650),
    "duties": _text,
    "notes": _text,
    "activities": _activities,
}
"""The check of each field, which returns the value as it is kept."""

if list(FIELDS) != [each.name for each in fields(Terms)]:
    raise AssertionError("a field of an agreement has no check, or is not one")


# --- who may still change what ------------------------------------------------------------------

OURS: Final = frozenset({"notes"})
"""What no party sees, and what stays open for ever."""

FREE: Final = OURS | {"activities"}
"""What may be written at any time while an agreement runs."""

SIGNED: Final = frozenset({"parties", "scope", "mode", "basis", "signed_on", "starts_on"})
"""What makes an agreement this one: after the signature, another one is to be drawn up."""

GIVEN_WITH: Final[Mapping[AgreementAction, frozenset[str]]] = {
    AgreementAction.SIGN: frozenset(
        {"signed_on", "signed_in", "our_signatory", "starts_on", "ends_on"}
    ),
    AgreementAction.RENEW: frozenset({"ends_on", "term_months"}),
}
"""What people say in the same breath as they move an agreement on."""


def check_change(state: AgreementState, names: Collection[str], reason: str) -> None:
    """Refuse a change that the state of an agreement forbids.

    Before the signature everything may change. While an agreement runs, what was signed stays;
    any other term is changed by an amendment, whose ``reason`` says where it is agreed. The end of
    one that is about to expire is moved by renewing it. Raises ``Conflict`` and ``Invalid``.
    """
    if state in ENDED and not set(names) <= OURS:
        raise Conflict(f"this agreement is {state}: only its notes can still be written")
    if state not in RUNNING:
        return
    fixed = [name for name in FIELDS if name in names and name in SIGNED]
    if state is AgreementState.EXPIRING:
        fixed += [name for name in ("ends_on", "term_months") if name in names]
    if fixed:
        raise Conflict(
            f"this agreement is {state}: {', '.join(fixed)} cannot be changed any more; "
            "terminate it and draw up another one, or renew it if its term ends"
        )
    if not set(names) <= FREE and not reason.strip():
        raise Invalid(
            "what was signed is changed by an amendment: give as reason where it is agreed",
            field="reason",
        )
