"""A spreadsheet of books to be given: each row becomes a MARC record, copies and a cost.

The headings are those that partners' tables have, in their languages, and the columns of
``marc_mappings.table_to_marc21`` by name. A row that is wrong keeps no other from being read; it is
told with what is wrong, to be mended in the table, which then comes again as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final, NamedTuple

from marc_mappings import iso2709, table_to_marc21
from marc_mappings.keys import identifiers
from service.domain import amount, wish_headings, wish_sheet, wish_table, wish_text
from service.domain.gift import NewGiftLine
from service.domain.table_import import CSV, MEDIA_TYPES
from service.domain.wish_table import Row
from service.errors import Invalid, TooLarge, UnsupportedFormat

_MOST_ROWS = 20_000
_MOST_COPIES = 100_000
_LOOKED_AT = 30  # rows that are looked at for headings

COPIES, VOLUMES, COST, CURRENCY = "copies", "volumes", "cost", "currency"
_SPELT: Final[Mapping[str, str]] = {
    VOLUMES: "volumes | volumes per copy | volumes of one copy | vols per copy",
    COST: (
        "cost | unit cost | price | unit price | 단가 | 가격 | 정가 | 単価 | 価格 | 定価 | 单价"
        " | 單價 | 价格 | 價格 | 定价 | 定價 | đơn giá | giá | giá bìa | цена | үнэ"
    ),
    CURRENCY: "currency | 통화 | 通貨 | 货币 | 幣別 | 币种 | tiền tệ | валюта | валют",
}
# Columns of a record that a table of ours may have; numbers of records are the catalogue's to give.
_RECORD: Final = frozenset(table_to_marc21.COLUMNS) - {"key", "agency", "entered"}


class Fault(NamedTuple):
    """What is wrong in a row, or was not understood; ``column`` "" for the row as a whole."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class GiftTable:
    """What a table says: its good rows as lines and as ISO 2709, and what is wrong with others.

    ``lines`` and the records of ``marc`` are in one order. ``remarks`` are about rows that were
    read nevertheless.
    """

    lines: tuple[NewGiftLine, ...]
    marc: bytes
    rejected: tuple[Fault, ...]
    remarks: tuple[Fault, ...]
    columns_not_read: tuple[str, ...]
    remark: str = ""


def read(
    stream: BinaryIO, media_type: str, charset: str = "", *, currency: str | None
) -> GiftTable:
    """Read a table, CSV or a spreadsheet; costs are in units of ``currency``, "" if none is known.

    With None nobody asks what the books cost, and the columns that say so are not read.

    Raises ``UnsupportedFormat`` for another media type, ``TooLarge``, and ``Invalid`` where no row
    of headings names the title.
    """
    remark, rows = _rows(stream, media_type, charset)
    head = _head(rows)
    left_out = {COST, CURRENCY} if currency is None else set()
    columns = ["" if (name := _column(cell)) in left_out else name for cell in head]
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice:
        raise Invalid(f"there are two columns for {min(twice)}; one must go")
    lines: list[NewGiftLine] = []
    bodies: list[bytes] = []
    rejected: list[Fault] = []
    remarks: list[Fault] = []
    seen: dict[bytes, int] = {}
    for count, row in enumerate(rows):
        if count >= _MOST_ROWS:
            raise TooLarge(f"a gift's table may have at most {_MOST_ROWS:,} rows", _MOST_ROWS)
        cells = {
            name: cell.strip()
            for name, cell in zip(columns, row.cells, strict=False)
            if name and cell.strip()
        }
        faults = _faults(row, cells, len(columns), currency or "")
        body, told = _record(row.number, cells) if not faults else (b"", [])
        if not faults and body in seen:
            faults = [Fault(row.number, "", f"this is the book of row {seen[body]} once more")]
        if faults:
            rejected += faults
            continue
        seen[body] = row.number
        bodies.append(body)
        remarks += told
        lines.append(_line(cells, currency or "", len(bodies)))
    not_read = [cell.strip()[:100] for cell, name in zip(head, columns, strict=True) if not name]
    return GiftTable(
        tuple(lines),
        b"".join(bodies),
        tuple(rejected),
        tuple(remarks),
        tuple(each for each in not_read if each),
        remark,
    )


def _rows(stream: BinaryIO, media_type: str, charset: str) -> tuple[str, Iterator[Row]]:
    if media_type not in MEDIA_TYPES:
        raise UnsupportedFormat(
            f"a gift's table cannot be {media_type or 'of no media type'}; send one of "
            f"{', '.join(MEDIA_TYPES)}",
            found=media_type,
        )
    if media_type != CSV:
        return "", wish_sheet.rows(stream, media_type)
    found = wish_text.encoding(stream, charset)
    return found.remark, wish_table.rows_of_csv(wish_text.lines(stream, found.name))


def _head(rows: Iterator[Row]) -> Sequence[str]:
    """Return the row of headings; there may be a title and a letterhead above it."""
    for row in islice(rows, _LOOKED_AT):
        if "title" in [_column(cell) for cell in row.cells]:
            return row.cells
    raise Invalid(
        "no row names the columns: one of the first must, and one of its columns must be the "
        "title, such as title, 書名, 书名, 서명, nhan đề"
    )


def _plain(text: str) -> str:
    return re.sub(r"[\s\-_.:;,/()\[\]*\"'·]+", "", unicodedata.normalize("NFKC", text).casefold())


_NAMES: Final = {_plain(each): name for name, row in _SPELT.items() for each in row.split(" | ")}
_NAMES_OF_RECORD: Final = {_plain(each): each for each in _RECORD}


def _column(cell: str) -> str:
    """Return the column that a heading names, "" for none.

    >>> _column("書名"), _column("Unit cost"), _column("Qty"), _column("Title romanised")
    ('title', 'cost', 'copies', 'title_romanised')
    """
    plain = _plain(cell)
    known = wish_headings.heading(cell).name
    if known == wish_headings.QUANTITY and plain not in _NAMES:
        return COPIES
    name = _NAMES.get(plain) or _NAMES_OF_RECORD.get(plain) or known
    return name if name in _RECORD or name in _SPELT else ""


def _faults(row: Row, cells: Mapping[str, str], width: int, currency: str) -> list[Fault]:
    """Return all that keeps a row from being read."""
    found = []
    if any(cell.strip() for cell in row.cells[width:]):
        found.append(("", f"this row has {len(row.cells)} cells under {width} headings"))
    if "title" not in cells:
        found.append(("title", "a book needs its title"))
    for name in (COPIES, VOLUMES):
        text = cells.get(name, "1")
        if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= _MOST_COPIES:
            found.append((name, f"{text!r} is no whole number from 1 to {_MOST_COPIES:,}"))
    written = cells.get(CURRENCY, currency).upper()
    if COST in cells and not currency:
        found.append((COST, "the gift has no currency yet: enter it with its budget, then send it"))
    elif written != currency:
        found.append((CURRENCY, f"{written!r} is not the gift's: its costs are in {currency}"))
    elif COST in cells:
        try:
            amount.read(cells[COST], currency)
        except Invalid as error:
            found.append((COST, error.detail))
    return [Fault(row.number, column, reason) for column, reason in found]


def _record(row: int, cells: Mapping[str, str]) -> tuple[bytes, list[Fault]]:
    """Return the record of a row, and what of it was not understood."""
    said = {name: text for name, text in cells.items() if name in _RECORD}
    made, lost = table_to_marc21.convert(said)
    told = [Fault(row, name, f"{said[name]!r} was not understood, and left out") for name in lost]
    told += [
        Fault(row, "isbn", f"{each!r} is no sound ISBN; it is kept as one that is not valid")
        for part in said.get("isbn", "").split("|")
        if (each := part.strip()) and not identifiers.isbn13(each)
    ]
    return iso2709.write(made), told


def _line(cells: Mapping[str, str], currency: str, position: int) -> NewGiftLine:
    return NewGiftLine(
        cells["title"],
        int(cells.get(COPIES, "1")),
        int(cells.get(VOLUMES, "1")),
        amount.read(cells[COST], currency) if COST in cells else None,
        batch_position=position,
    )
