"""The directory as a table that came: a row for each partner, under headings that do not change."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import BinaryIO, Final, NamedTuple

from service.domain import wish_sheet, wish_text
from service.domain.partner_fields import Fault
from service.domain.partner_row import REASONS, PartnerRow, heading
from service.domain.wish_sheet import ODS, XLSX
from service.errors import Invalid, TooLarge, UnsupportedFormat

CSV: Final = "text/csv"
MEDIA_TYPES: Final = (CSV, XLSX, ODS)
_MOST_ROWS = 100_000


class Table(NamedTuple):
    """A table that came: its rows, the headings that were not understood, and a remark on it."""

    rows: Iterator[PartnerRow]
    headings: tuple[str, ...]
    not_read: tuple[str, ...]
    remark: str = ""


def read(stream: BinaryIO, media_type: str, charset: str = "") -> Table:
    """Return the table in CSV or in a spreadsheet.

    Raises ``UnsupportedFormat`` for another media type, ``Invalid`` where no row of headings has
    ``code``; the rows may raise ``TooLarge``.
    """
    if media_type not in MEDIA_TYPES:
        raise UnsupportedFormat(
            f"a directory cannot be {media_type or 'of no media type'}; send one of "
            f"{', '.join(MEDIA_TYPES)}",
            found=media_type,
        )
    remark = ""
    if media_type == CSV:
        found = wish_text.encoding(stream, charset)
        remark = found.remark
        rows = _rows_of_csv(wish_text.lines(stream, found.name))
    else:
        rows = ((each.number, list(each.cells)) for each in wish_sheet.rows(stream, media_type))
    head = next(rows, (0, []))[1]
    headings = [heading(cell) for cell in head]
    if "code" not in headings:
        raise Invalid(
            "the first row must name the columns, and one of them must be code; an export of the "
            "directory shows them all"
        )
    twice = {each for each in headings if each and headings.count(each) > 1}
    if twice:
        raise Invalid(f"there are two columns named {min(twice)}", field=min(twice))
    not_read = tuple(
        cell.strip()[:100]
        for cell, known in zip(head, headings, strict=True)
        if cell.strip() and not known
    )
    told = tuple(each for each in headings if each and each not in REASONS)
    return Table(_partner_rows(rows, headings), told, not_read, remark)


def _rows_of_csv(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of CSV with their numbers, as a spreadsheet counts them."""
    at, first = next(((n, line) for n, line in enumerate(lines, 1) if line.strip()), (1, ""))
    delimiter = max(",;\t", key=lambda each: (_has_code(first, each), first.count(each)))
    # Strict: a quote that is never closed would make one cell of all that follows.
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, at):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        line = reader.line_num + at - 1
        raise Invalid(f"the table is not CSV: {error} in line {line}") from error


def _has_code(line: str, delimiter: str) -> bool:
    return "code" in [cell.strip().strip('"').lower() for cell in line.split(delimiter)]


def _partner_rows(
    rows: Iterator[tuple[int, list[str]]], headings: Sequence[str]
) -> Iterator[PartnerRow]:
    seen: dict[str, int] = {}
    for count, (number, given) in enumerate(rows):
        if count >= _MOST_ROWS:
            raise TooLarge(f"a directory may have at most {_MOST_ROWS} rows", _MOST_ROWS)
        cells = {
            heading: cell.strip()
            for heading, cell in zip(headings, given, strict=False)
            if heading and cell.strip()
        }
        found = PartnerRow(number, cells)
        if found.code in seen:
            reason = f"row {seen[found.code]} is about this partner already"
            yield replace(found, problem=Fault("code", reason))
        elif not found.code:
            yield replace(found, problem=Fault("code", "this row names no partner"))
        elif len(given) > len(headings) and any(map(str.strip, given[len(headings) :])):
            reason = f"this row has {len(given)} cells under {len(headings)} headings"
            yield replace(found, problem=Fault("", reason))
        else:
            yield found
        seen.setdefault(found.code, number)
