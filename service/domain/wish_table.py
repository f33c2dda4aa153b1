"""A list that came as a table: its row of headings is found, and every row below it is a wish.

Above the headings there may be a title and a letterhead. Where no heading is understood that says
where identifiers are, the first column with identifiers in it is taken, and that is said; where
there is none either, a column of titles will do.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from service.domain import wish_cells, wish_headings, wish_title
from service.domain.wish import Reading, WishLine
from service.domain.wish_cells import IDENTIFIER_COLUMNS, WORD_COLUMNS, Cells, Names
from service.domain.wish_headings import NOTE, QUANTITY, Heading
from service.errors import Invalid

# Rows that are looked at for headings, or for identifiers where there are none.
_LOOKED_AT = 30
_DELIMITERS = ",;\t"


class Row(NamedTuple):
    """One row with something in it: its number in the file, its cells, and both as one text."""

    number: int
    text: str
    cells: Sequence[str]


class Table(NamedTuple):
    """The rows that are wishes, and which cells of them count, by column.

    ``words``: (column, name among ``WORD_COLUMNS``).
    """

    rows: Iterator[Row]
    identifiers: tuple[tuple[int, str], ...]
    words: tuple[tuple[int, str], ...]
    quantity: int | None
    note: int | None
    reading: Reading
    zeros_lost: tuple[str, ...]

    def line(self, row: Row, names: Names) -> WishLine:
        """Return the wish that a row is."""
        cells = Cells(
            tuple((kind, _cell(row, column)) for column, kind in self.identifiers),
            _cell(row, self.quantity),
            _cell(row, self.note),
            self.zeros_lost,
            wish_title.from_members({name: _cell(row, column) for column, name in self.words}),
        )
        return wish_cells.from_cells(row.number, row.text, cells, names)


def read(rows: Iterator[Row], names: Names) -> Table:
    """Return the table that ``rows`` are.

    Raises ``Invalid`` where no column holds identifiers, and none is called the title.
    """
    first = list(islice(rows, _LOOKED_AT))
    known: tuple[Heading, ...] = ()
    begins = 0
    for place, row in enumerate(first):
        found = wish_headings.headings(row.cells, names.headings)
        if found and {each.name for each in found} & IDENTIFIER_COLUMNS.keys():
            return _headed(found, chain(first[place + 1 :], rows))
        if found and not known:
            known, begins = found, place + 1
    return _by_content(known, first[begins:], rows, names)


def _headed(columns: Sequence[Heading], rows: Iterator[Row]) -> Table:
    return Table(
        rows,
        tuple(
            (place, IDENTIFIER_COLUMNS[each.name])
            for place, each in enumerate(columns)
            if each.name in IDENTIFIER_COLUMNS
        ),
        _words(columns),
        _place(columns, QUANTITY),
        _place(columns, NOTE),
        Reading(columns_not_read=_not_read(columns)),
        ("isbn",),
    )


def _by_content(
    columns: Sequence[Heading], first: Sequence[Row], rows: Iterator[Row], names: Names
) -> Table:
    """Return the table whose identifiers are found by what stands in ``first``, its first rows."""
    width = max((len(row.cells) for row in first), default=0)
    for place in range(width):
        cells = [cell for row in first if (cell := _cell(row, place))]
        told = [wish_cells.identifies(cell, names) for cell in cells]
        if any(told) and sum(told) * 2 >= len(told):
            break
    else:
        if _place(columns, "title") is None:
            raise Invalid(_without_identifiers(columns))
        return _headed(columns, chain(first, rows))
    begins = next(
        n for n, row in enumerate(first) if wish_cells.identifies(_cell(row, place) or "", names)
    )
    written = columns[place].written if place < len(columns) else ""
    remark = (
        f"No heading that we know says where the identifiers are; column {place + 1}"
        f"{f' ({written})' if written else ''} was read from row {first[begins].number} on, "
        "because they stand there."
    )
    rest = [each for n, each in enumerate(columns) if n != place]
    return Table(
        chain(first[begins:], rows),
        ((place, ""),),
        _words(columns),
        _place(columns, QUANTITY),
        _place(columns, NOTE),
        Reading(columns_not_read=_not_read(rest), remarks=(remark,)),
        ("", "isbn"),
    )


def _without_identifiers(columns: Sequence[Heading]) -> str:
    written = ", ".join(each.written for each in columns if each.written)
    seen = f" The columns are: {written[:300]}." if written else ""
    return (
        "no row names the columns, and no column holds ISBNs, ISSNs or addresses of offers: the "
        "first row must name the columns, and at least one of them must be one of "
        f"{wish_headings.examples()}.{seen} If yours are others, say once with the list what they "
        "mean, as heading=HEADING=COLUMN."
    )


def _not_read(columns: Iterable[Heading]) -> tuple[str, ...]:
    return tuple(each.written[:100] for each in columns if each.written and not each.is_read)


def _words(columns: Sequence[Heading]) -> tuple[tuple[int, str], ...]:
    """Return the first column of each name that says something in words."""
    places = ((_place(columns, name), name) for name in WORD_COLUMNS)
    return tuple((place, name) for place, name in places if place is not None)


def _place(columns: Sequence[Heading], name: str) -> int | None:
    return next((place for place, each in enumerate(columns) if each.name == name), None)


def _cell(row: Row, column: int | None) -> str | None:
    return row.cells[column] if column is not None and column < len(row.cells) else None


def rows_of_csv(lines: Iterator[str]) -> Iterator[Row]:
    """Yield the rows of CSV (RFC 4180) with commas, semicolons or tabs between the cells."""
    first = list(islice(lines, 2 * _LOOKED_AT))
    delimiter = _delimiter(first)
    reader = csv.reader(chain(first, lines), delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(reader.line_num, delimiter.join(cells), cells)
    except csv.Error as error:
        raise Invalid(f"the body is not CSV: {error} in line {reader.line_num}") from error


def _delimiter(first: Sequence[str]) -> str:
    """Return the delimiter by which a row of headings is found, else the most frequent one."""

    def score(delimiter: str) -> tuple[int, int]:
        headed = 0
        for line in first:
            found = wish_headings.headings(line.rstrip("\n").split(delimiter)) or ()
            headed = max(headed, sum(bool(each.name) for each in found))
        return headed, max((line.count(delimiter) for line in first), default=0)

    return max(_DELIMITERS, key=score)
