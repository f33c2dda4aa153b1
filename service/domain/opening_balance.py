"""Opening balances: what went to and fro in the years before the ledger, as totals without titles.

They are entered one by one or as a table, a row for each partner, year, direction, kind and
currency. Of each of these there is one figure: the same told again changes nothing, another one is
entered when the first was taken back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import BinaryIO, Final, NamedTuple, TypeVar

from service.domain import amount, table_import
from service.domain.ledger import Direction, Entry, Event, Figures, check_figures
from service.domain.partner_fields import Fault
from service.domain.table_file import guarded, unguarded
from service.domain.table_import import REASONS
from service.domain.transfer import TransferKind
from service.errors import Invalid, TooLarge

COLUMNS: Final = (
    "partner",
    "year",
    "direction",
    "kind",
    "titles",
    "volumes",
    "value",
    "currency",
    "note",
)
"""The headings of a table; the last three may be missing."""

_NEEDED: Final = COLUMNS[:6]
_MOST_ROWS = 100_000
_FIRST_YEAR = 1700  # learned societies exchanged their proceedings then
_LONGEST_NOTE = 500  # characters
_Word = TypeVar("_Word", bound=StrEnum)
_T = TypeVar("_T")


class Opening(NamedTuple):
    """An opening balance: ``figures`` of one ``year``, with a value in ``currency`` if in any."""

    partner: str
    year: int
    direction: Direction
    kind: TransferKind
    figures: Figures
    currency: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """What it is the figure of, among all opening balances.

        >>> Opening("busan", 2014, Direction.SENT, TransferKind.GIFT, Figures(0, 9)).key
        'busan:2014:SENT:GIFT:'
        """
        return f"{self.partner}:{self.year}:{self.direction}:{self.kind}:{self.currency}"

    def entry(self, partner_id: int, event_key: str, today: date) -> Entry:
        """Return it as an entry of the last day of its year, or of today in the year that runs."""
        return Entry(
            partner_id=partner_id,
            direction=self.direction,
            kind=self.kind,
            event=Event.OPENING,
            event_key=event_key,
            on_date=min(date(self.year, 12, 31), today),
            titles=self.figures.titles,
            volumes=self.figures.volumes,
            value=self.figures.value,
            currency=self.currency,
            reason=self.note,
        )


def check(opening: Opening, today: date) -> Opening:
    """Return an opening balance if it can be one; raise ``Invalid`` that says what is wrong."""
    if not _FIRST_YEAR <= opening.year <= today.year:
        raise Invalid(f"the year is one from {_FIRST_YEAR} to {today.year}", field="year")
    if not any(opening.figures):
        raise Invalid("nothing was sent or received: leave it out", field="volumes")
    if len(opening.note) > _LONGEST_NOTE:
        raise Invalid(f"a note has at most {_LONGEST_NOTE} characters", field="note")
    check_figures(opening.figures, opening.currency)
    return opening


# --- one row --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpeningRow:
    """One row of a table that came: its number there, its cells, and what they say or why not."""

    number: int
    cells: Mapping[str, str]
    opening: Opening | None
    faults: tuple[Fault, ...] = ()

    def returned(self, headings: Sequence[str], faults: Sequence[Fault]) -> list[str]:
        """Return it as it came, behind its number and what is wrong with it.

        The headings above it are ``table_import.REASONS`` and ``headings``.
        """
        return [
            str(self.number),
            " ".join(fault.field for fault in faults),
            guarded("; ".join(fault.reason for fault in faults)),
            *(guarded(unguarded(self.cells.get(each, ""))) for each in headings),
        ]


def said(cells: Mapping[str, str], today: date) -> tuple[Opening | None, tuple[Fault, ...]]:
    """Return the opening balance that the cells of a row say, or all that is wrong with them.

    An empty cell of titles or volumes is 0. A value is in units of its currency, as people write
    it.

    >>> row = {"partner": "busan", "year": "2014", "direction": "sent", "kind": "gift",
    ...     "volumes": "120"}
    >>> said(row, date(2026, 1, 1))[0].figures
    Figures(titles=0, volumes=120, value=0)
    """
    texts = {column: unguarded(cells.get(column, "")).strip() for column in COLUMNS}
    row = _Reading(texts)
    currency = row.take("currency", amount.check_currency, "")
    value = 0 if row.faults else row.take("value", lambda text: _value(text, currency), 0)
    found = Opening(
        partner=row.take("partner", _code, ""),
        year=row.take("year", _year, 0),
        direction=row.take("direction", _one_of(Direction), Direction.SENT),
        kind=row.take("kind", _one_of(TransferKind), TransferKind.GIFT),
        figures=Figures(
            row.take("titles", _number, 0),
            row.take("volumes", _number, 0),
            value,
        ),
        currency=currency,
        note=texts["note"],
    )
    if row.faults:
        return None, tuple(row.faults)
    try:
        return check(found, today), ()
    except Invalid as error:
        return None, (Fault(error.field, error.detail),)


class _Reading:
    """Takes the cells of a row one by one, and notes what is wrong with each."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.faults: list[Fault] = []

    def take(self, column: str, read: Callable[[str], _T], otherwise: _T) -> _T:
        try:
            return read(self._texts[column])
        except Invalid as error:
            self.faults.append(Fault(column, error.detail))
            return otherwise


def _code(text: str) -> str:
    if not text:
        raise Invalid("this row names no partner: give its code")
    return text


def _year(text: str) -> int:
    if not re.fullmatch(r"[0-9]{4}", text, re.ASCII):
        raise Invalid(f"{text!r} is no year, such as 2014")
    return int(text)


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{0,10}", text, re.ASCII):
        raise Invalid(f"{text!r} is no whole number: write it in digits alone, such as 20546")
    return int(text or "0")


def _value(text: str, currency: str) -> int:
    if text and not currency:
        raise Invalid("a value needs its currency, such as KRW, in the column currency")
    return amount.read(text, currency) if text else 0


def _one_of(words: type[_Word]) -> Callable[[str], _Word]:
    def read(text: str) -> _Word:
        try:
            return words(text.upper())
        except ValueError as error:
            choice = ", ".join(each.value.lower() for each in words)
            raise Invalid(f"{text!r} is none of {choice}") from error

    return read


# --- a table --------------------------------------------------------------------------------------


class Table(NamedTuple):
    """A table that came: its rows, its headings, those that were not understood, and a remark."""

    rows: tuple[OpeningRow, ...]
    headings: tuple[str, ...]
    not_read: tuple[str, ...]
    remark: str = ""


def read(stream: BinaryIO, media_type: str, today: date, charset: str = "") -> Table:
    """Return the opening balances in CSV or in a spreadsheet, each row with what is wrong with it.

    Raises ``UnsupportedFormat`` for another media type, ``Invalid`` where headings are missing,
    ``TooLarge`` for a table beyond bounds.
    """
    rows, remark = table_import.opened(stream, media_type, charset, "opening balances")
    head = [cell.strip() for cell in next(rows, (0, []))[1]]
    headings = [_heading(cell) for cell in head]
    if missing := [each for each in _NEEDED if each not in headings]:
        raise Invalid(
            f"the first row must name the columns {', '.join(_NEEDED)}; {missing[0]} is missing",
            field=missing[0],
        )
    if twice := [each for each in COLUMNS if headings.count(each) > 1]:
        raise Invalid(f"there are two columns named {twice[0]}", field=twice[0])
    return Table(
        rows=tuple(_opening_rows(rows, headings, today)),
        headings=tuple(each for each in headings if each in COLUMNS),
        not_read=tuple(
            cell[:100] for cell, known in zip(head, headings, strict=True) if cell and not known
        ),
        remark=remark,
    )


def _heading(cell: str) -> str:
    name = cell.lower()
    return name if name in COLUMNS or name in REASONS else ""


def _opening_rows(
    rows: Iterator[tuple[int, list[str]]], headings: Sequence[str], today: date
) -> Iterator[OpeningRow]:
    seen: dict[str, int] = {}
    for count, (number, given) in enumerate(rows):
        if count >= _MOST_ROWS:
            raise TooLarge(f"a table may have at most {_MOST_ROWS:,} rows", _MOST_ROWS)
        cells = {
            heading: cell.strip() for heading, cell in zip(headings, given, strict=False) if heading
        }
        opening, faults = said(cells, today)
        if any(map(str.strip, given[len(headings) :])):
            reason = f"this row has {len(given)} cells under {len(headings)} headings"
            opening, faults = None, (Fault("", reason),)
        if opening is not None and opening.key in seen:
            reason = f"row {seen[opening.key]} is about the same already"
            opening, faults = None, (Fault("", reason),)
        if opening is not None:
            seen[opening.key] = number
        yield OpeningRow(number, cells, opening, faults)
