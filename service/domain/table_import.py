"""A table that comes in: what it may be, its rows, and what became of them.

A row that is wrong keeps no other from being taken in. It goes back as it came, with what is wrong
beside it, to be mended and sent again.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, Final, NamedTuple, Protocol

from service.domain import wish_sheet, wish_text
from service.domain.partner_fields import Fault
from service.domain.wish_sheet import ODS, XLSX
from service.errors import Invalid, UnsupportedFormat

CSV: Final = "text/csv"
MEDIA_TYPES: Final = (CSV, XLSX, ODS)
REASONS: Final = ("row", "column", "reason")
"""What is written beside a row that was not taken in, so that it can be mended and sent again."""

_DELIMITERS = ",;\t"


# --- how it is read -------------------------------------------------------------------------------


class Opened(NamedTuple):
    """A table that is read: its rows with their numbers, and a remark on how its text was read.

    The numbers are those that a spreadsheet counts.
    """

    rows: Iterator[tuple[int, list[str]]]
    remark: str = ""


def opened(
    stream: BinaryIO,
    media_type: str,
    charset: str,
    what: str,
    delimits: Callable[[str, str], Any] = str.count,
) -> Opened:
    """Return the rows of CSV or of a spreadsheet, the row of headings first.

    ``delimits`` says how well a delimiter fits the first line. ``what`` is how the table is called
    in the answer: raises ``UnsupportedFormat`` for another media type; the rows may raise
    ``Invalid``.
    """
    if media_type not in MEDIA_TYPES:
        raise UnsupportedFormat(
            f"{what} cannot be {media_type or 'of no media type'}; send one of "
            f"{', '.join(MEDIA_TYPES)}",
            found=media_type,
        )
    if media_type != CSV:
        sheet = wish_sheet.rows(stream, media_type)
        return Opened((each.number, list(each.cells)) for each in sheet)
    found = wish_text.encoding(stream, charset)
    return Opened(_rows_of_csv(wish_text.lines(stream, found.name), delimits), found.remark)


def _rows_of_csv(
    lines: Iterator[str], delimits: Callable[[str, str], Any]
) -> Iterator[tuple[int, list[str]]]:
    at, first = next(((n, line) for n, line in enumerate(lines, 1) if line.strip()), (1, ""))
    delimiter = max(_DELIMITERS, key=lambda each: delimits(first, each))
    # Strict: a quote that is never closed would make one cell of all that follows.
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, at):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        line = reader.line_num + at - 1
        raise Invalid(f"the table is not CSV: {error} in line {line}") from error


# --- what became of it ----------------------------------------------------------------------------


class Row(Protocol):
    """A row that came, as a kind of table has it."""

    @property
    def number(self) -> int:
        """Its number, as a spreadsheet counts."""

    def returned(self, headings: Sequence[str], faults: Sequence[Fault]) -> list[str]:
        """Return it as it came, under ``REASONS`` and ``headings``."""


class Rejected(NamedTuple):
    """A row that was not taken in, and why."""

    row: Row
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a table: rows by outcome, those that were rejected, and how it was read."""

    counts: Mapping[str, int]
    rejected: tuple[Rejected, ...]
    headings: tuple[str, ...]
    not_read: tuple[str, ...]
    remark: str
    dry_run: bool

    def returned(self) -> Iterator[list[str]]:
        """Yield the rejected rows as a table that can be mended and sent again."""
        yield [*REASONS, *self.headings]
        for each in self.rejected:
            yield each.row.returned(self.headings, each.faults)
