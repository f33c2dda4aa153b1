"""Dispatch: what a consignment adds to the balance when it leaves, and how long it is waited for.

The balance has one entry for each currency in which its lines have a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple

from service.domain.consignment import PATIENCE, Line, Service
from service.errors import Conflict, Invalid

# How long before it was made a consignment can have left, entered late.
_EARLIEST: Final = 366


class Share(NamedTuple):
    """What lines of one currency add to the balance; "" where none has a value.

    ``value`` is in the smallest unit of the currency.
    """

    currency: str
    titles: int
    volumes: int
    value: int


def shares(lines: Sequence[Line], counted: Collection[int] = ()) -> list[Share]:
    """Return what lines add to the balance, by currency; together they are what travels.

    A line without a value is in the first currency. Two lines of one record are one title, counted
    where the first of them is; versions that were ``counted`` before are none.

    >>> line = Line(1, None, "", True, None, "", 7, "A", 2, 3, 1, True, "", "4901", 5, "KRW", False)
    >>> other = line._replace(position=2, version_id=8, copies=1, value=None, currency="")
    >>> made = shares([line, line._replace(position=3, value=2, currency="EUR"), other])
    >>> [tuple(each) for each in made]
    [('EUR', 1, 9, 4), ('KRW', 1, 6, 10)]
    """
    named = sorted({line.currency for line in lines if line.value is not None})
    first = named[0] if named else ""
    figures = {currency: [0, 0, 0] for currency in named or [""]}
    seen = set(counted)
    for line in lines:
        total = figures[first if line.value is None else line.currency]
        total[0] += line.version_id is None or line.version_id not in seen
        total[1] += line.units
        total[2] += line.copies * (line.value or 0)
        if line.version_id is not None:
            seen.add(line.version_id)
    return [Share(currency, *total) for currency, total in figures.items()]


class Due(NamedTuple):
    """When a partner is reminded of the receipt, and when it is presumed (UTC)."""

    remind_at: datetime
    presume_at: datetime


def due(service: Service, day: date) -> Due:
    """Return how long the receipt of what left on a day is waited for.

    >>> [f"{each:%Y-%m-%d}" for each in due(Service.AIR, date(2026, 1, 1))]
    ['2026-01-31', '2026-04-01']
    """
    patience = PATIENCE[service]
    left = datetime.combine(day, time(), tzinfo=UTC)
    return Due(left + patience.remind, left + patience.presume)


def check_day(day: date, today: date, made: date) -> date:
    """Return the day of a dispatch; raise ``Invalid`` for one to come, or long before it was made.

    A day before is common: what was posted yesterday is entered today.
    """
    if day > today:
        raise Invalid(f"{day} is still to come: enter the dispatch on its day", "dispatched_on")
    if (made - day).days > _EARLIEST:
        raise Invalid(
            f"{day} is more than {_EARLIEST} days before this consignment was made ({made}); what "
            "was sent in earlier years belongs to the opening balances",
            "dispatched_on",
        )
    return day


def check_remaining(lines: Iterable[Line], positions: Iterable[int]) -> None:
    """Refuse to correct every line by itself; raise ``Conflict`` that says what to do instead."""
    if not {line.position for line in lines} - set(positions):
        raise Conflict(
            "nothing of this consignment would be left: correct it as a whole, without naming lines"
        )
