"""The ledger: what was sent to partners and received from them, one entry for each event.

An entry is written with its event and stays as it was written. A wrong one has another against it,
once, and what is right is entered anew. An entry counts in the year of its event, in the place
where the partner was then; so does the one against it, so that together they are nothing in every
figure.

Titles are counted apart from volumes, which are physical units. A value is a whole number of the
smallest unit of its currency.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from service.domain import amount
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid

_KEY = re.compile(r"[^#\s]+(#[0-9]+)?", re.ASCII)
_MOST = 2**31 - 1  # titles or volumes of one entry, either way
_MOST_VALUE = 2**53 - 1  # what JSON carries without loss everywhere
_LONGEST_REASON = 1000  # characters


class Direction(StrEnum):
    """Which way books went, as seen from our library."""

    SENT = "SENT"
    RECEIVED = "RECEIVED"


class Material(StrEnum):
    """What was counted: books, or the issues of a journal in a year."""

    BOOK = "BOOK"
    SERIAL = "SERIAL"


class Event(StrEnum):
    """What an entry comes from."""

    DISPATCH = "DISPATCH"  # of a consignment
    RETURN = "RETURN"  # of a consignment that came back: its figures are negative
    ACCESSION = "ACCESSION"  # of an incoming gift
    SERIAL_YEAR = "SERIAL_YEAR"  # of a journal on exchange
    OPENING = "OPENING"  # a total of an earlier year, without titles
    COUNTER = "COUNTER"  # against another entry


BELOW_ZERO: Final = frozenset({Event.RETURN, Event.COUNTER})
"""The events whose figures are negative."""


class Figures(NamedTuple):
    """So many titles, volumes, and a value."""

    titles: int
    volumes: int
    value: int = 0

    def negative(self) -> Figures:
        """Return what takes them back.

        >>> Figures(2, 3, 500).negative()
        Figures(titles=-2, volumes=-3, value=-500)
        """
        return Figures(-self.titles, -self.volumes, -self.value)


class Right(NamedTuple):
    """Figures as they should be, none below zero; what is None is right as it is."""

    titles: int | None = None
    volumes: int | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that is to be written.

    ``event_key`` names the event among those of its kind: the public id of a consignment or an
    incoming gift, ``serial:year``. Where an event has several entries (several currencies, kinds
    or materials) all but the first bear ``#2``, ``#3`` behind it. ``on_date`` is the calendar day
    of the event; ``value`` is in the smallest unit of ``currency`` (ISO 4217, "" for none).
    """

    partner_id: int
    direction: Direction
    kind: TransferKind
    event: Event
    event_key: str
    on_date: date
    titles: int
    volumes: int
    material: Material | str = Material.BOOK
    value: int = 0
    currency: str = ""
    reason: str = ""

    @property
    def figures(self) -> Figures:
        """Return what it counts."""
        return Figures(self.titles, self.volumes, self.value)


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it stands in the ledger.

    ``place`` and ``city`` are those of the partner as it was then. ``counters`` is the public id of
    the entry it takes back, ``countered_by`` of the one that takes it back. ``created_at`` is UTC.
    """

    public_id: str
    partner_code: str
    direction: Direction
    kind: TransferKind
    material: Material
    event: Event
    event_key: str
    on_date: date
    year: int
    place: str
    city: str
    titles: int
    volumes: int
    value: int
    currency: str
    counters: str | None
    countered_by: str | None
    actor: str
    reason: str
    created_at: datetime

    @property
    def figures(self) -> Figures:
        """Return what it counts."""
        return Figures(self.titles, self.volumes, self.value)


class TotalKey(NamedTuple):
    """What entries are summed up by; in the order in which the sums are changed.

    ``opening`` is true for opening balances, and for what takes them back.
    """

    partner_id: int
    year: int
    direction: str
    kind: str
    material: str
    place: str
    city: str
    opening: bool
    currency: str


def check(entry: Entry) -> Entry:
    """Return an entry if it can be written; raise ``Invalid`` that says what is wrong.

    Figures below zero belong to what takes something back, and to nothing else.
    """
    if not _KEY.fullmatch(entry.event_key):
        raise Invalid(f"{entry.event_key!r} is no key of an event", field="event_key")
    check_figures(entry.figures, entry.currency, below_zero=entry.event in BELOW_ZERO)
    if entry.material not in set(Material):
        raise Invalid(f"{entry.material!r} is none of {', '.join(Material)}", field="material")
    return entry


def check_figures(figures: Figures, currency: str, *, below_zero: bool = False) -> None:
    """Refuse figures that no entry can have.

    >>> check_figures(Figures(1, 3, 12_000), "KRW")
    >>> check_figures(Figures(4, 3), "")
    Traceback (most recent call last):
    service.errors.Invalid: 4 titles are in at least 4 volumes, not in 3
    """
    for name, number in figures._asdict().items():
        seen = -number if below_zero else number
        if not 0 <= seen <= (_MOST_VALUE if name == "value" else _MOST):
            raise Invalid(f"{number} cannot be the {name} of an entry", field=name)
    if abs(figures.titles) > abs(figures.volumes):
        titles, volumes = abs(figures.titles), abs(figures.volumes)
        raise Invalid(
            f"{titles:,} titles are in at least {titles:,} volumes, not in {volumes:,}",
            field="volumes",
        )
    if figures.value and not currency:
        raise Invalid("a value needs its currency, such as KRW", field="currency")
    if amount.check_currency(currency) != currency:
        raise Invalid(f"{currency!r} is kept in capitals", field="currency")


def check_reason(text: str) -> str:
    """Return why something in the ledger is corrected; raise ``Invalid`` if nothing is said."""
    reason = unicodedata.normalize("NFC", " ".join(text.split()))
    if not reason:
        raise Invalid("say why: the reason stays with the entry", field="reason")
    if len(reason) > _LONGEST_REASON or any(unicodedata.category(c) == "Cc" for c in reason):
        raise Invalid(f"a reason has at most {_LONGEST_REASON:,} characters", field="reason")
    return reason


def check_counter(entry: Written) -> None:
    """Refuse to take back what cannot be; raise ``Conflict`` that says what to do instead."""
    if entry.event is Event.COUNTER:
        raise Conflict(
            f"entry {entry.public_id} takes {entry.counters} back and cannot be taken back itself; "
            "enter what is right anew"
        )
    if entry.countered_by is not None:
        raise Conflict(f"entry {entry.public_id} was taken back before, by {entry.countered_by}")


def righted(entry: Written, right: Right) -> Figures:
    """Return the figures of an entry as they should be; raise ``Invalid`` where they are so."""
    sign = -1 if entry.event in BELOW_ZERO else 1
    given = right._asdict().items()
    figures = entry.figures._replace(**{n: sign * each for n, each in given if each is not None})
    if figures == entry.figures:
        raise Invalid("these are the figures that the entry has: say which of them are wrong")
    check_figures(figures, entry.currency, below_zero=sign < 0)
    return figures


def next_key(event_key: str, taken: Collection[str]) -> str:
    """Return the first key of an event under which there is no entry yet.

    >>> next_key("A", {"A", "A#2"}), next_key("A#2", {"A", "A#2"}), next_key("B", {"A"})
    ('A#3', 'A#3', 'B')
    """
    stem = event_key.split("#", 1)[0]
    key, number = stem, 1
    while key in taken:
        number += 1
        key = f"{stem}#{number}"
    return key
