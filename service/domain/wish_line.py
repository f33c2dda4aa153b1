"""A wish list in any of the formats that partners have already, read into lines.

A bad line never costs the others: it becomes a line whose ``problem`` says what is wrong with it.
Only a body that is not of its media type at all is refused as a whole.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from marc_mappings import formats, incoming, match_keys
from marc_mappings.match_keys import Key
from service.domain.matching import KINDS
from service.domain.wish import WishLine
from service.errors import Invalid, TooLarge, UnsupportedFormat

# Columns of a CSV and members of a JSON object that hold an identifier, and of which kind.
IDENTIFIER_COLUMNS: dict[str, str] = {
    "identifier": "",
    "oai_identifier": "",
    "isbn": "isbn",
    "issn": "issn",
    "ismn": "ismn",
    "doi": "doi",
    "lccn": "lccn",
    "control_number": "control",
}
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
# NUL, and half of a surrogate pair: JSON can escape both, and neither can be kept.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_UNPACKED_OCTETS = 200_000_000  # of records in gzip that are read
_SHOWN = 300  # characters of a line that an answer repeats


@dataclass(frozen=True, slots=True)
class Names:
    """How our own offers are named outside: the repository identifier and the public address."""

    repository_identifier: str
    base_url: str

    def offer(self, text: str) -> str | None:
        """Return the public id of the offer that ``text`` names, "" if it names no offer of ours.

        None when the text is no address of any kind, so that it may be another identifier.
        """
        given = unquote(text.strip())
        for start in (
            f"oai:{self.repository_identifier}:offer/",
            f"{self.base_url}/offers/",
            "offer/",
        ):
            if given.casefold().startswith(start.casefold()):
                candidate = given[len(start) :].upper()
                return candidate if _ULID.fullmatch(candidate) else ""
        if given.casefold().startswith(("oai:", "http://", "https://")):
            return ""
        return None


def read(body: bytes, media_type: str, names: Names, limit: int) -> tuple[WishLine, ...]:
    """Read the lines of a wish list.

    Raises ``UnsupportedFormat`` for a media type or a body that is not read here, ``Invalid`` for
    a body that is not what it says it is, ``TooLarge`` above ``limit`` lines.
    """
    reader = READERS.get(media_type)
    if reader is None:
        raise UnsupportedFormat(
            f"a wish list cannot be {media_type or 'of no media type'}; "
            f"send one of {', '.join(READERS)}",
            found=media_type,
        )
    lines: list[WishLine] = []
    for line in reader(body, names):
        if len(lines) >= limit:
            raise TooLarge(f"a wish list may have at most {limit} lines; send it in parts", limit)
        lines.append(line)
    if not lines:
        raise Invalid("this wish list has no lines")
    return tuple(lines)


def _uri_list(body: bytes, names: Names) -> Iterator[WishLine]:
    """Read text/uri-list (RFC 2483): one identifier or address per line, # begins a comment."""
    for number, raw in enumerate(_text(body).splitlines(), 1):
        text = raw.strip()
        if text and not text.startswith("#"):
            yield _from_cells(number, text, {"identifier": text}, names)


def _json(body: bytes, names: Names) -> Iterator[WishLine]:
    """Read a JSON array of objects (or of plain identifiers); ``{"lines": [...]}`` will do too."""
    try:
        document = _storable(json.loads(_text(body)))
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    entries = document.get("lines") if isinstance(document, Mapping) else document
    if not isinstance(entries, list):
        raise Invalid("the body must be a JSON array with one object per wish")
    for number, entry in enumerate(entries, 1):
        text = entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
        if isinstance(entry, str):
            yield _from_cells(number, text, {"identifier": entry}, names)
        elif isinstance(entry, Mapping):
            yield _from_cells(number, text, {str(k): v for k, v in entry.items()}, names)
        else:
            yield _invalid(number, text, "A wish is an object or an identifier in quotes.")


def _csv(body: bytes, names: Names) -> Iterator[WishLine]:
    """Read CSV with a header row (RFC 4180), commas, semicolons or tabs between cells."""
    text = _text(body)
    head = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter)
    try:
        columns = [_column(cell) for cell in next(rows, [])]
        if not set(columns) & IDENTIFIER_COLUMNS.keys():
            raise Invalid(
                "the first row must name the columns, and at least one of them must be one of "
                + ", ".join(IDENTIFIER_COLUMNS)
            )
        for row in rows:
            if any(cell.strip() for cell in row):
                cells = dict(zip(columns, row, strict=False))
                yield _from_cells(rows.line_num, delimiter.join(row), cells, names)
    except csv.Error as error:
        raise Invalid(f"the body is not CSV: {error} in line {rows.line_num}") from error


def _column(cell: str) -> str:
    return re.sub(r"[\s\-]+", "_", cell.strip().casefold())


def _marc(body: bytes, _: Names) -> Iterator[WishLine]:
    """Read MARC records in any format and dialect: every bibliographic record is a wish."""
    try:
        for part in formats.cut(io.BytesIO(body), largest=_UNPACKED_OCTETS):
            item = incoming.take(part)
            if isinstance(item, formats.Unreadable):
                reasons = "; ".join(problem.message for problem in item.problems)
                text = f"record at octet {item.offset}"
                yield _invalid(item.position, text, f"This record cannot be read: {reasons}")
            else:
                record = item.record
                yield _from_keys(
                    item.parsed.position,
                    _described(record.control_number, record),
                    match_keys.identifier_only(record),
                )
    except formats.NotMarc as error:
        raise UnsupportedFormat(str(error), found=error.found) from error


def _described(control_number: str, record: Any) -> str:
    title = next((field.first("a") for field in record.all("245")), "")
    return " ".join(part for part in (control_number, title) if part)


READERS: dict[str, Callable[[bytes, Names], Iterator[WishLine]]] = {
    "text/uri-list": _uri_list,
    "application/json": _json,
    "text/csv": _csv,
    "application/marc": _marc,
    "application/marcxml+xml": _marc,
    "application/marc-in-json": _marc,
    "application/xml": _marc,
    "text/xml": _marc,
}


def _from_cells(number: int, text: str, cells: Mapping[str, Any], names: Names) -> WishLine:
    quantity, problem = _quantity(cells.get("quantity"))
    note = str(cells.get("note") or "").strip()
    if problem:
        return _invalid(number, text, problem)
    keys: list[Key] = []
    complaints: list[str] = []
    for column, kind in IDENTIFIER_COLUMNS.items():
        cell = str(cells.get(column) or "").strip()
        if not cell:
            continue
        offer = names.offer(cell) if not kind else None
        if offer:
            return WishLine(number, text[:_SHOWN], offer=offer, quantity=quantity, note=note)
        if offer == "":
            complaints.append(f"{cell[:100]!r} is not an identifier or address of an offer of ours")
            continue
        found = match_keys.identifier_keys(cell, kind)
        keys += found
        if not found:
            complaints.append(match_keys.explain_invalid(cell).removesuffix("."))
    line = _from_keys(number, text, keys, complaints)
    return line._replace(quantity=quantity, note=note)


def _from_keys(
    number: int, text: str, keys: Iterable[Key], complaints: Iterable[str] = ()
) -> WishLine:
    known = tuple(key for key in keys if key.kind in KINDS)
    if known:
        return WishLine(number, text[:_SHOWN], keys=known)
    why = "; ".join(complaints) or (
        "it names no offer, and has no control number with its agency, ISBN, ISSN or other "
        "identifier to look for"
    )
    return _invalid(number, text, f"This line cannot be matched: {why}.")


def _quantity(value: Any) -> tuple[int, str]:
    if value is None or str(value).strip() == "":
        return 1, ""
    try:
        quantity = int(str(value).strip())
    except ValueError:
        quantity = 0
    if 1 <= quantity <= 1000:
        return quantity, ""
    return 1, f"The quantity {str(value)[:40]!r} is not a number from 1 to 1000."


def _invalid(number: int, text: str, problem: str) -> WishLine:
    return WishLine(number, text[:_SHOWN], problem=problem)


def _text(body: bytes) -> str:
    try:
        return str(_storable(body.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise Invalid(
            f"the body is not UTF-8: octet {error.start} does not belong there; "
            "save the file as UTF-8 and send it again"
        ) from error


def _storable(value: Any) -> Any:
    """Return text, or JSON, with what no database holds as text shown as U+FFFD."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, Mapping):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return value
