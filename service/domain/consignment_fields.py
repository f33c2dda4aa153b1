"""What people write about a consignment: one check for each field, and until when it may change.

A check turns what a person or a machine says into what is kept. All that is wrong is told at once,
each under its field.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from service.domain import amount, customs, place
from service.domain.consignment import OPEN, Consignment, ConsignmentState, PaidBy, Service
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid, WrongValues

_LINE = 500  # characters
_TEXT = 10_000
_LARGEST = 2**53 - 1  # what JSON carries without loss everywhere
_MOST_CHOICES = 500
# Control characters, and what breaks a line or a paragraph.
_BREAKS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as they are kept; raise ``WrongValues`` that tells all that is wrong.

    >>> checked({"postage": 12000, "postage_currency": "krw"})
    {'postage': 12000, 'postage_currency': 'KRW'}
    """
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


def check_change(found: Consignment, values: Mapping[str, Any]) -> None:
    """Refuse checked values that may not be changed any more, or that are not whole together.

    Raises ``Conflict``, and ``WrongValues`` for postage without its currency.
    """
    if found.state is ConsignmentState.CANCELLED:
        raise Conflict("this consignment is CANCELLED: nothing of it changes any more")
    late = sorted(
        name for name in values if name not in AFTER_DISPATCH and values[name] != _now(found, name)
    )
    if late and found.state not in OPEN:
        raise Conflict(
            f"this consignment is {found.state}: {', '.join(late)} cannot be changed any more; "
            "if it was entered wrongly, correct the dispatch"
        )
    check_postage(values.get("postage", found.postage), _currency_then(found, values))


def check_postage(postage: int | None, currency: str) -> None:
    """Refuse postage without a currency; raise ``WrongValues``."""
    if postage and not currency:
        raise WrongValues([("postage_currency", "say in which currency, such as KRW")])


def _currency_then(found: Consignment, values: Mapping[str, Any]) -> str:
    return str(values.get("postage_currency", found.postage_currency))


def _now(found: Consignment, name: str) -> Any:
    value = getattr(found, name)
    return dict(value) if name == "customs" else value


def columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked values as the table has them."""
    return {name: getattr(value, "value", value) for name, value in values.items()}


# --- one check for each field ---------------------------------------------------------------------


def _unknown(name: str) -> Any:
    raise Invalid(f"a consignment has no field {name!r}; it has {', '.join(FIELDS)}", field=name)


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


def _text(value: Any) -> str:
    text = _string(value)
    if len(text) > _TEXT or any(
        unicodedata.category(each) in {"Cc", "Cs"} and each not in "\n\t" for each in text
    ):
        raise Invalid(f"this is a text of at most {_TEXT:,} characters, without control characters")
    return text


def _place(value: Any) -> str:
    code = line(value).upper()
    return place.check_code(code) if code else ""


def _currency(value: Any) -> str:
    return amount.check_currency(line(value), "postage_currency")


def _amount(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise Invalid("this is a whole number of the smallest unit of the currency: cents, won")
    return value


_Word = TypeVar("_Word", bound=StrEnum)


def _one_of(words: type[_Word]) -> Callable[[Any], _Word]:
    """Return the check of a word, in letters of any case."""

    def check(value: Any) -> _Word:
        try:
            return words(line(value).upper().replace("-", "_"))
        except ValueError as error:
            raise Invalid(f"{value!r} is none of {', '.join(words)}") from error

    return check


def _customs(value: Any) -> dict[str, Any]:
    """Return choices for the customs, as they were made; what they mean is said in ``customs``."""
    if not isinstance(value, Mapping) or len(value) > _MOST_CHOICES:
        raise Invalid("this is an object of choices")
    try:
        customs.read(value)
    except WrongValues as error:
        raise Invalid(error.detail) from error
    return dict(value)


FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "kind": _one_of(TransferKind),
    "theme": line,
    "address_roman": _text,
    "address_local": _text,
    "place": _place,
    "service": _one_of(Service),
    "customs": _customs,
    "carrier": line,
    "postage": _amount,
    "postage_currency": _currency,
    "postage_paid_by": _one_of(PaidBy),
    "notes": _text,
}
"""Every field that people write."""
# What is often known only later, and what no balance goes by.
AFTER_DISPATCH: Final = frozenset(
    {"carrier", "postage", "postage_currency", "postage_paid_by", "notes"}
)
