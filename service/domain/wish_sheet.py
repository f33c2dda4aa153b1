"""Spreadsheets (xlsx, ods) as rows of texts, within bounds that hold before anything is loaded.

A spreadsheet is a zip of XML. Its members are read once by us, counted as they unpack, looked
through for how many cells they would make, and packed again; only that copy is opened, so that
nothing can be in it that we have not seen. Numbers become the digits that a person sees.

Source: ECMA-376 part 1, 18.3.1.73 (row) and 18.3.1.4 (c); OpenDocument 1.3 part 3, 19.673 and
19.675 (repeated columns and rows).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, time
from functools import lru_cache
from typing import Any, BinaryIO, Final

from lxml import etree

from service.domain.wish_table import Row
from service.errors import Invalid, TooLarge, UnsupportedFormat

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"

_MEMBERS = 2_000
_UNPACKED_OCTETS = 150_000_000
_RATIO = 200
# Below this many octets a ratio says nothing: empty sheets pack very well.
_SMALL = 1_000_000
# The rectangle from the first cell to the last one: an empty cell in it costs room as well.
_CELLS = 4_000_000
_PIECE = 65_536
_OLE2 = b"\xd0\xcf\x11\xe0"
_SEND = "Save it as .xlsx or .ods, without a password, and send it again"


def rows(stream: BinaryIO, media_type: str) -> Iterator[Row]:
    """Yield the rows of the first visible sheet with something in it, by their numbers.

    Raises ``UnsupportedFormat`` for what is no spreadsheet, ``TooLarge`` for one beyond bounds.
    """
    # Loaded for the first spreadsheet: a server that answers harvesters has no need of it.
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    copy = _checked(stream, media_type)
    try:
        with CalamineWorkbook.from_filelike(copy) as book:
            for meta in book.sheets_metadata:
                if meta.typ is SheetTypeEnum.WorkSheet and meta.visible is SheetVisibleEnum.Visible:
                    sheet = book.get_sheet_by_name(meta.name)
                    if sheet.start is not None:
                        copy.close()
                        yield from _rows(sheet)
                        return
    except CalamineError as error:
        raise UnsupportedFormat(
            f"this spreadsheet cannot be opened: {error}. {_SEND}", found="a damaged spreadsheet"
        ) from error
    raise Invalid("this spreadsheet has no visible sheet with anything in it")


def _rows(sheet: Any) -> Iterator[Row]:
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = [_text(value) for value in values]
        if any(cells):
            yield Row(number, ", ".join(cell for cell in cells if cell), cells)


def _text(value: Any) -> str:
    """Return a cell as the digits or words that a person sees in it.

    >>> _text(9788936434120.0), _text(" 0306406152 "), _text(1.5), _text(True)
    ('9788936434120', '0306406152', '1.5', 'TRUE')
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return re.sub("[\0\ud800-\udfff]", "\ufffd", str(value)).strip()


# --- before it is opened ------------------------------------------------------------------------


def _checked(stream: BinaryIO, media_type: str) -> BinaryIO:
    """Return a copy of a spreadsheet that holds what we looked at, and nothing else."""
    stream.seek(0)
    if stream.read(4) == _OLE2:
        raise UnsupportedFormat(
            f"this is an old or a protected spreadsheet. {_SEND}", found="an OLE2 file"
        )
    stream.seek(0)
    # Whole, because a zip is read from its end, where not every stream can go.
    whole, copy = io.BytesIO(stream.read()), io.BytesIO()
    try:
        with zipfile.ZipFile(whole) as given, zipfile.ZipFile(copy, "w") as taken:
            members = {member.filename: member for member in given.infolist()}
            _check_sizes(list(members.values()))
            left = _UNPACKED_OCTETS
            for name, member in members.items():
                if name.endswith((".xml", ".rels")) or name == "mimetype":
                    content = _content(given, member, left)
                    left -= len(content)
                    packed = zipfile.ZIP_STORED
                    if name != "mimetype":
                        _count_cells(content, media_type)
                        packed = zipfile.ZIP_DEFLATED
                    taken.writestr(zipfile.ZipInfo(name), content, packed, compresslevel=1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnsupportedFormat(
            f"this is no spreadsheet, or a damaged one ({error}). {_SEND}",
            found="no sound zip file",
        ) from error
    copy.seek(0)
    return copy


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    """Refuse by what the directory of the zip says, before a single octet is unpacked."""
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > _MEMBERS:
        raise TooLarge(f"a spreadsheet may have at most {_MEMBERS} parts", _MEMBERS)
    if unpacked > _UNPACKED_OCTETS or (unpacked > _SMALL and unpacked > _RATIO * packed):
        raise _too_large()


def _content(given: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> bytes:
    """Unpack a member, no further than it may go, whatever the directory says of its size."""
    content = bytearray()
    with given.open(member) as part:
        while piece := part.read(_PIECE):
            content += piece
            if len(content) > left:
                raise _too_large()
    return bytes(content)


def _too_large() -> TooLarge:
    return TooLarge(
        f"unpacked, this spreadsheet is larger than {_UNPACKED_OCTETS} octets, or than {_RATIO} "
        "times its packed size; send the list as CSV, or in parts",
        _UNPACKED_OCTETS,
    )


def _count_cells(content: bytes, media_type: str) -> None:
    """Refuse XML that would make more cells than we hold, however few octets say so."""
    parser = etree.iterparse(
        io.BytesIO(content),
        events=("end",),
        tag=("{*}row", "{*}sheetData", "{*}table-row"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    extent = _Repeated() if media_type == ODS else _Numbered()
    try:
        if b"<!DOCTYPE" in content[:4096]:
            raise UnsupportedFormat(f"this spreadsheet has a DOCTYPE in it. {_SEND}")
        for _, element in parser:
            extent.count(element)
            if extent.cells > _CELLS:
                raise TooLarge(
                    f"this spreadsheet has more than {_CELLS} cells between its first and its last "
                    "one; delete what is far from the list, or send CSV",
                    _CELLS,
                )
    except etree.XMLSyntaxError as error:
        raise UnsupportedFormat(
            f"this spreadsheet is damaged: {error.msg}. {_SEND}", found="XML that is not sound"
        ) from error


class _Numbered:
    """The extent of a sheet of ECMA-376, whose rows and cells may tell their numbers."""

    def __init__(self) -> None:
        self._row = self._width = 0
        self.cells = 0

    def count(self, element: etree._Element) -> None:
        """Take in a row, or the end of all; a cell with a format and no value takes no room."""
        if element.tag.endswith("}sheetData"):
            for each in element:
                _check_row(each)
            return
        own = element.get("r", "")
        self._row = max(self._row + 1, _number(own))
        for place, cell in enumerate(element.iter("{*}c"), 1):
            if len(cell):
                told = cell.get("r", "")
                letters = told.rstrip("0123456789")
                self._width = max(self._width, place, _column(letters))
                if told[len(letters) :] != own:
                    self._row = max(self._row, _number(told[len(letters) :]))
        self.cells = self._row * self._width
        _drop(element)


def _drop(row: etree._Element) -> None:
    """Let go of a row and of those before it, so that memory holds one of them."""
    parent = row.getparent()
    row.clear()
    while parent is not None and (before := row.getprevious()) is not None:
        if row.tag.endswith("}row"):
            _check_row(before)
        parent.remove(before)


def _check_row(element: etree._Element) -> None:
    """Refuse what stands between rows: cells there would be read, and were not counted."""
    if not str(element.tag).endswith("}row"):
        raise UnsupportedFormat(
            f"this spreadsheet is damaged: something stands between its rows. {_SEND}",
            found="XML that is no sheet",
        )


class _Repeated:
    """The extent of a sheet of OpenDocument, whose rows and cells may stand for many."""

    def __init__(self) -> None:
        self._width = self._rows = self._empty = 0
        self.cells = 0

    def count(self, row: etree._Element) -> None:
        """Take in a row; empty rows and cells count once something is behind them."""
        column = last = 0
        for cell in row.iter("{*}table-cell", "{*}covered-table-cell"):
            column += _times(cell, "number-columns-repeated")
            if len(cell) or any("}value" in str(name) for name in cell.attrib):
                last = column
        times = _times(row, "number-rows-repeated")
        if last:
            self._rows += self._empty + times
            self._empty = 0
            self._width = max(self._width, last)
        else:
            self._empty += times
        self.cells = self._rows * self._width
        _drop(row)


def _times(element: etree._Element, name: str) -> int:
    for told, value in element.attrib.items():
        if str(told).endswith(name):
            return max(1, _number(str(value)))
    return 1


def _number(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) else 0


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    """Return the number of a column, A being 1; letters that name none say nothing."""
    number = 0
    for letter in letters.upper() if re.fullmatch("[A-Za-z]{1,7}", letters) else "":
        number = number * 26 + ord(letter) - 64
    return number
