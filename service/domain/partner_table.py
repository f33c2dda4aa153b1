"""The directory as a table that came: a row for each partner, under headings that do not change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, NamedTuple

from service.domain import table_import
from service.domain.partner_fields import Fault
from service.domain.partner_row import PartnerRow, heading
from service.domain.table_import import REASONS
from service.errors import Invalid, TooLarge

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
    rows, remark = table_import.opened(stream, media_type, charset, "a directory", _fits)
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


def _fits(line: str, delimiter: str) -> tuple[bool, int]:
    cells = [cell.strip().strip('"').lower() for cell in line.split(delimiter)]
    return "code" in cells, line.count(delimiter)


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
