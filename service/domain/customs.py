"""What the customs are told of books that travel: headings, value, category, and which form.

Headings are those of the Harmonized System. A consignment holds the choices of the staff; what
nobody chose is told as a remark, never guessed in silence. The value for the customs is not that of
the balance.

Sources: WCO, Harmonized System, chapter 49; Universal Postal Union, forms CN 22 and CN 23.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple

from service.domain import amount
from service.errors import Invalid, WrongValues

# Up to this value, in special drawing rights, the short form will do.
CN22_UP_TO: Final = 300


class Category(StrEnum):
    """Why something is sent, as the forms of the post ask."""

    GIFT = "GIFT"
    DOCUMENTS = "DOCUMENTS"
    COMMERCIAL_SAMPLE = "COMMERCIAL_SAMPLE"
    RETURNED_GOODS = "RETURNED_GOODS"
    SALE_OF_GOODS = "SALE_OF_GOODS"
    OTHER = "OTHER"


# In many countries a gift is what one private person sends to another: a library that gives to a
# library is none. Source: the practice of exchange offices.
EXPLANATION: Final = "Donated books, no commercial value"


class Form(StrEnum):
    """The two customs declarations of the post."""

    CN22 = "CN 22"
    CN23 = "CN 23"


HEADINGS: Final[Mapping[str, str]] = {
    "4901": "Printed books and brochures",
    "4902": "Newspapers, journals and periodicals",
    "4903": "Children's picture, drawing or colouring books",
    "4904": "Music, printed or in manuscript",
    "4905": "Maps and charts",
}
"""The headings of chapter 49 that libraries send, as a declaration describes them."""

# Leader position 06: type of record. Source: MARC 21, leader.
_BY_TYPE: Final[Mapping[str, str]] = {"c": "4904", "d": "4904", "e": "4905", "f": "4905"}
_SERIAL_LEVELS: Final = frozenset("bis")  # leader position 07


def heading(leader: str) -> str:
    """Return the heading that a record's leader speaks for; a picture book is a choice.

    >>> heading("00000nam a22"), heading("00000nas a22"), heading("00000ncm a22"), heading("")
    ('4901', '4902', '4904', '4901')
    """
    if leader[6:7] in _BY_TYPE:
        return _BY_TYPE[leader[6:7]]
    return "4902" if leader[7:8] in _SERIAL_LEVELS else "4901"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the staff chose for a consignment.

    ``value`` is that of one volume for the customs, in the smallest unit of ``currency``;
    ``values`` those of single lines by position. ``sdr_rate`` is how much of the currency one
    special drawing right is. ``headings`` are those of single lines, ``heading`` that of all.
    """

    category: Category = Category.OTHER
    explanation: str = EXPLANATION
    currency: str = ""
    value: int | None = None
    values: Mapping[int, int] = field(default_factory=dict)
    sdr_rate: Decimal | None = None
    heading: str = ""
    headings: Mapping[int, str] = field(default_factory=dict)
    origin: str = ""
    form: Form | None = None
    convention_1958: bool = False


def read(given: Mapping[str, Any]) -> Choices:
    """Return the choices for the customs of a consignment; raise ``WrongValues`` that tells all.

    >>> read({"category": "documents", "value": 1000, "currency": "krw"}).category.value
    'DOCUMENTS'
    >>> read({"heading": "4899"})
    Traceback (most recent call last):
        ...
    service.errors.WrongValues: customs.heading: '4899' is none of 4901, 4902, 4903, 4904, 4905
    """
    good: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, value in given.items():
        check = _FIELDS.get(name)
        if check is None:
            faults.append((f"customs.{name}", f"this is none of {', '.join(_FIELDS)}"))
            continue
        try:
            good[name] = check(value)
        except Invalid as error:
            faults.append((f"customs.{name}", error.detail))
    if not faults and not good.get("currency"):
        for name in ("value", "values", "sdr_rate"):
            if good.get(name):
                faults.append(("customs.currency", f"say in which currency {name} is"))
                break
    if faults:
        raise WrongValues(faults)
    return Choices(**good)


_LINE: Final = 200
_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_PLACE = re.compile(r"[A-Z]{2}", re.ASCII)
_MOST: Final = 2**53 - 1  # what JSON carries without loss everywhere


def _line(value: Any) -> str:
    if not isinstance(value, str):
        raise Invalid("this is a text")
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if len(text) > _LINE or not text.isprintable():
        raise Invalid(f"this is one line of at most {_LINE} characters")
    return text


def _category(value: Any) -> Category:
    try:
        return Category(_line(value).upper().replace("-", "_").replace(" ", "_"))
    except ValueError as error:
        raise Invalid(f"{value!r} is none of {', '.join(Category)}") from error


def _form(value: Any) -> Form | None:
    wanted = _line(value).upper().replace(" ", "")
    if not wanted:
        return None
    for form in Form:
        if form.value.replace(" ", "") == wanted:
            return form
    raise Invalid(f"{value!r} is none of CN22, CN23")


def _heading(value: Any) -> str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    text = str(value) if whole else _line(value)
    if text and text not in HEADINGS:
        raise Invalid(f"{value!r} is none of {', '.join(HEADINGS)}")
    return text


def _amount(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise Invalid("this is a whole number of the smallest unit of the currency: cents, won")
    return value


def _rate(value: Any) -> Decimal | None:
    text = str(value) if isinstance(value, int | float) else _line(value)
    if not text:
        return None
    if isinstance(value, bool) or not _RATE.fullmatch(text) or not Decimal(text):
        raise Invalid("this is how much of the currency one special drawing right is, as 1834.5")
    return Decimal(text)


def _origin(value: Any) -> str:
    code = _line(value).upper()
    if code and not _PLACE.fullmatch(code):
        raise Invalid("this is a country or region, two letters of ISO 3166-1")
    return code


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid("this is true or false")
    return value


def _by_line(check: Any) -> Any:
    """Return the check of an object with the positions of lines as its names."""

    def checked(value: Any) -> dict[int, Any]:
        if not isinstance(value, Mapping):
            raise Invalid("this is an object: the number of a line, and what it has")
        found = {}
        for position, each in value.items():
            text = str(position)
            if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
                raise Invalid(f"{text!r} is no number of a line")
            found[int(text)] = check(each)
        return found

    return checked


_FIELDS: Final[Mapping[str, Any]] = {
    "category": _category,
    "explanation": _line,
    "currency": lambda value: amount.check_currency(_line(value)),
    "value": _amount,
    "values": _by_line(_amount),
    "sdr_rate": _rate,
    "heading": _heading,
    "headings": _by_line(_heading),
    "origin": _origin,
    "form": _form,
    "convention_1958": _flag,
}


# --- the declaration ------------------------------------------------------------------------------


class Item(NamedTuple):
    """A line of a packing list as the customs look at it; ``value`` is that of one volume."""

    position: int
    heading: str
    units: int
    parcel: int | None
    value: int | None


class DeclarationLine(NamedTuple):
    """One line of a declaration. ``weight`` is grams, net as far as known; ``value`` the whole."""

    heading: str
    description: str
    units: int
    weight: int
    value: int | None


class Declaration(NamedTuple):
    """What is declared for one parcel: ``value`` is None where a line has none."""

    parcel: int
    form: Form
    lines: tuple[DeclarationLine, ...]
    units: int
    weight: int
    value: int | None


def declare(items: Sequence[Item], weights: Mapping[int, int], by: Choices) -> list[Declaration]:
    """Return a declaration for each parcel by number; ``weights`` are those of the parcels.

    The weight of a parcel is shared among its lines by their volumes, so that they add up to it.

    >>> made = declare([Item(1, "4901", 3, 1, 1000), Item(2, "4903", 1, 1, 1000)], {1: 1001},
    ...                Choices(currency="KRW", value=1000, sdr_rate=Decimal("1900")))
    >>> made[0].form.value, made[0].value, [(each.heading, each.weight) for each in made[0].lines]
    ('CN 22', 4000, [('4901', 751), ('4903', 250)])
    """
    return [
        _declaration(number, [each for each in items if each.parcel == number], weight, by)
        for number, weight in sorted(weights.items())
    ]


def _declaration(number: int, items: Sequence[Item], weight: int, by: Choices) -> Declaration:
    kinds = sorted({each.heading for each in items})
    units = [sum(each.units for each in items if each.heading == kind) for kind in kinds]
    lines = tuple(
        DeclarationLine(
            kind,
            HEADINGS.get(kind, kind),
            count,
            share,
            total(each for each in items if each.heading == kind),
        )
        for kind, count, share in zip(kinds, units, _shares(weight, units), strict=True)
    )
    value = total(items)
    return Declaration(number, form(value, by), lines, sum(units), weight, value)


def _shares(whole: int, units: Sequence[int]) -> list[int]:
    """Share a whole by units; what rounding leaves over goes to the first."""
    every = sum(units)
    shares = [whole * each // every for each in units]
    return [share + (whole - sum(shares) if n == 0 else 0) for n, share in enumerate(shares)]


def total(items: Iterable[Item]) -> int | None:
    """Return the value of lines together, None where one has none."""
    found = [(each.units, each.value) for each in items]
    if any(value is None for _, value in found):
        return None
    return sum(units * value for units, value in found if value is not None)


def form(value: int | None, by: Choices) -> Form:
    """Return which form a value needs; where that is not known, the one that always will do.

    >>> euro = Choices(currency="EUR", sdr_rate=Decimal("1.20"))
    >>> form(36_000, euro).value, form(36_001, euro).value, form(None, euro).value
    ('CN 22', 'CN 23', 'CN 23')
    """
    if by.form is not None:
        return by.form
    if value is None or by.sdr_rate is None:
        return Form.CN23
    units = Decimal(value).scaleb(-amount.DECIMALS.get(by.currency, 2))
    return Form.CN22 if units <= CN22_UP_TO * by.sdr_rate else Form.CN23


def remarks(items: Sequence[Item], by: Choices) -> list[str]:
    """Return what the staff should decide before the declarations are signed."""
    told = []
    if unvalued := [str(each.position) for each in items if each.value is None]:
        told.append(
            f"{len(unvalued)} lines have no value for the customs, the first is line "
            f"{unvalued[0]}: choose value (of one volume) and currency, or values by line"
        )
    if by.form is None and by.sdr_rate is None:
        told.append(
            "CN 23 is printed, which will do for every value: choose sdr_rate, what one special "
            f"drawing right is in the currency, and CN 22 is printed up to {CN22_UP_TO}"
        )
    if by.category is Category.OTHER and not by.explanation:
        told.append("category OTHER needs an explanation in words")
    return told
