"""A wish list in any of the formats that partners have already, read into lines.

A bad line never costs the others: it becomes a line whose ``problem`` says what is wrong with it.
Only a body that is not of its media type at all is refused as a whole. Bodies are streams that can
be sought in; a line is made of its item when it is asked for, so that counting lines costs little
and a long list needs no more room than a short one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from marc_mappings import formats, incoming
from service.domain import wish_json, wish_record, wish_sheet, wish_table, wish_text
from service.domain.wish import Reading, WishLine
from service.domain.wish_cells import Names as Names
from service.domain.wish_cells import from_members, from_text, invalid
from service.domain.wish_sheet import ODS, XLSX
from service.domain.wish_table import Row
from service.errors import Invalid, TooLarge, UnsupportedFormat

_UNPACKED_OCTETS = 200_000_000  # of records in gzip that are read


class Opened(NamedTuple):
    """A wish list about to be read: (number, item) of each line, and what makes a wish of an item.

    Numbers grow from line to line. ``reading`` says how the body was understood.
    """

    items: Iterator[tuple[int, Any]]
    wish: Callable[[int, Any], WishLine]
    reading: Reading = Reading()

    def lines(self, after: int = 0) -> Iterator[WishLine]:
        """Yield the lines with numbers above ``after``; may raise as ``open_body`` does."""
        return (self.wish(number, item) for number, item in self.items if number > after)


def open_body(stream: BinaryIO, media_type: str, names: Names, charset: str = "") -> Opened:
    """Open the body of a wish list; ``charset`` is what its sender says of its text.

    Raises ``UnsupportedFormat`` for a media type or a body that is not read here, ``Invalid`` for
    a body that is not what it says it is; of some that shows only when the lines are read.
    """
    reader = READERS.get(media_type)
    if reader is None:
        raise UnsupportedFormat(
            f"a wish list cannot be {media_type or 'of no media type'}; "
            f"send one of {', '.join(READERS)}",
            found=media_type,
        )
    return reader(stream, names, charset, media_type)


def read(body: bytes, media_type: str, names: Names, limit: int) -> tuple[WishLine, ...]:
    """Read all lines of a short wish list; raise as ``open_body``, and ``TooLarge``."""
    found = open_body(io.BytesIO(body), media_type, names)
    lines: list[WishLine] = []
    for line in found.lines():
        if len(lines) >= limit:
            raise too_many(limit)
        lines.append(line)
    if not lines:
        raise no_lines()
    return tuple(lines)


def too_many(limit: int) -> TooLarge:
    """Return the error to raise about a list with more than ``limit`` lines."""
    return TooLarge(f"a wish list may have at most {limit} lines; send it in parts", limit)


def no_lines() -> Invalid:
    """Return the error to raise about a list without any line."""
    return Invalid("this wish list has no lines")


def _uri_list(stream: BinaryIO, names: Names, charset: str, _: str) -> Opened:
    """Read text/uri-list (RFC 2483): one identifier or address per line, # begins a comment."""
    found = wish_text.encoding(stream, charset)
    items = (
        (number, text)
        for number, raw in enumerate(wish_text.lines(stream, found.name), 1)
        if (text := raw.strip()) and not text.startswith("#")
    )
    remarks = (found.remark,) if found.remark else ()
    return Opened(items, lambda number, text: from_text(number, text, names), Reading((), remarks))


def _json(stream: BinaryIO, names: Names, _: str, __: str) -> Opened:
    """Read a JSON array of objects (or of plain identifiers); ``{"lines": [...]}`` will do too."""
    found = wish_text.encoding(stream, "utf-8")

    def wish(number: int, entry: Any) -> WishLine:
        if isinstance(entry, str):
            return from_text(number, entry, names)
        if isinstance(entry, Mapping):
            return from_members(number, entry, names)
        text = json.dumps(entry, ensure_ascii=False)
        return invalid(number, text, "A wish is an object or an identifier in quotes.")

    elements = wish_json.elements(wish_text.pieces(stream, found.name))
    return Opened(iter(enumerate(elements, 1)), wish)


def _csv(stream: BinaryIO, names: Names, charset: str, _: str) -> Opened:
    """Read CSV (RFC 4180) with commas, semicolons or tabs between cells."""
    found = wish_text.encoding(stream, charset)
    rows = wish_table.rows_of_csv(wish_text.lines(stream, found.name))
    return _table(rows, names, found.remark)


def _sheet(stream: BinaryIO, names: Names, _: str, media_type: str) -> Opened:
    """Read the first sheet of a spreadsheet that has something in it."""
    return _table(wish_sheet.rows(stream, media_type), names)


def _table(rows: Iterator[Row], names: Names, remark: str = "") -> Opened:
    table = wish_table.read(rows, names)
    reading = table.reading
    if remark:
        reading = reading._replace(remarks=(*reading.remarks, remark))
    return Opened(
        ((row.number, row) for row in table.rows),
        lambda _, row: table.line(row, names),
        reading,
    )


def _marc(stream: BinaryIO, names: Names, _: str, __: str) -> Opened:
    """Read MARC records in any format and dialect: every bibliographic record is a wish."""
    try:
        slices = formats.cut(stream, largest=_UNPACKED_OCTETS)
    except formats.NotMarc as error:
        raise UnsupportedFormat(str(error), found=error.found) from error

    def wish(number: int, part: formats.Slice) -> WishLine:
        item = incoming.take(part)
        if isinstance(item, formats.Unreadable):
            reasons = "; ".join(problem.message for problem in item.problems)
            text = f"record at octet {item.offset}"
            return invalid(number, text, f"This record cannot be read: {reasons}")
        return wish_record.of_marc(number, item.record, names)

    return Opened(((each.position, each) for each in slices), wish)


READERS: dict[str, Callable[[BinaryIO, Names, str, str], Opened]] = {
    "text/uri-list": _uri_list,
    "application/json": _json,
    "text/csv": _csv,
    XLSX: _sheet,
    ODS: _sheet,
    "application/marc": _marc,
    "application/marcxml+xml": _marc,
    "application/marc-in-json": _marc,
    "application/xml": _marc,
    "text/xml": _marc,
}
