"""The directory as a table: one row for each partner, under headings that do not change.

A cell is a text. An empty one leaves what is there; one with a single ``-`` clears it. Names in
other languages stand in columns such as ``name:ja``; of contacts the first is ``contact_name`` and
so on, the second ``contact2_name``. What a spreadsheet would run as a formula has an apostrophe in
front, which is taken off again when the table comes back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, BinaryIO, Final, NamedTuple

from service.domain import partner_entry, wish_sheet, wish_text
from service.domain.partner import PartnerState
from service.domain.partner_entry import CONTACT, Fault, PartnerEntry, language_tag
from service.domain.subject_profile import FIELDS as PROFILE
from service.domain.wish_sheet import ODS as ODS
from service.domain.wish_sheet import XLSX as XLSX
from service.errors import Invalid, TooLarge, UnsupportedFormat

CSV: Final = "text/csv"
MEDIA_TYPES: Final = (CSV, XLSX, ODS)
CLEARED: Final = "-"
_MOST_ROWS = 100_000
# What makes a spreadsheet take a cell for a formula (OWASP ASVS 1.2.10), behind any apostrophes.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_BEHIND_NAMES = ("isil", "state", "type", "city", "place", "place_name", "languages", "website")
_LAST = (
    "address_roman",
    "address_local",
    "dialect",
    "encoding",
    *(f"profile_{each}" for each in PROFILE),
    "priority",
    "per_list",
    "per_year",
    "notes",
)
# Columns that tell something and are not read: what is in them is kept elsewhere.
_TOLD = frozenset({"place_name"})
# What is written beside a row that was not taken in, so that it can be mended and sent again.
REASONS: Final = ("row", "column", "reason")
_CONTACT = re.compile(r"contact([2-9]|1[0-9]|20)?_(\w+)", re.ASCII)


def columns(tags: Sequence[str], contacts: int) -> list[str]:
    """Return the headings of a table with names in these languages and so many contacts."""
    found = ["code", "name", *(f"name:{tag}" for tag in tags), *_BEHIND_NAMES]
    for number in range(1, max(1, contacts) + 1):
        found += [_contact_column(number, field) for field in CONTACT]
    return [*found, *_LAST]


def _contact_column(number: int, field: str) -> str:
    return f"contact{'' if number == 1 else number}_{field}"


def row(entry: PartnerEntry, headings: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """Return the cells of an entry under ``headings``; ``places`` are names by code."""
    cells = {"code": entry.code, "state": entry.state, "place_name": places.get(entry.place, "")}
    for field in partner_entry.FIELDS:
        value = getattr(entry, field)
        cells[field] = " ".join(value) if field == "languages" else "" if value is None else value
    cells |= {f"name:{tag}": name for tag, name in entry.names.items()}
    if entry.profile is not None:
        cells |= {f"profile_{each}": "; ".join(getattr(entry.profile, each)) for each in PROFILE}
    for number, contact in enumerate(entry.contacts, 1):
        cells |= {_contact_column(number, field): getattr(contact, field) for field in CONTACT}
    return [guarded(str(cells.get(heading, ""))) for heading in headings]


def guarded(text: str) -> str:
    """Return ``text`` as a cell that no spreadsheet runs.

    >>> guarded("=1+1"), guarded("'s-Hertogenbosch"), guarded("'=1+1")
    ("'=1+1", "'s-Hertogenbosch", "''=1+1")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """Return what ``guarded`` was given.

    >>> unguarded("'=1+1"), unguarded("'s-Hertogenbosch"), unguarded("''=1+1")
    ('=1+1', "'s-Hertogenbosch", "'=1+1")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def returned(found: PartnerRow, headings: Sequence[str], faults: Sequence[Fault]) -> list[str]:
    """Return a row that was not taken in as it came, behind its number and what is wrong with it.

    The headings above it are ``REASONS`` and ``headings``.
    """
    cells = (found.cells.get(heading, "") for heading in headings)
    return [
        str(found.number),
        " ".join(fault.field for fault in faults),
        guarded("; ".join(fault.reason for fault in faults)),
        *(cell if cell == CLEARED else guarded(unguarded(cell)) for cell in cells),
    ]


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield rows as the lines of CSV (RFC 4180)."""
    for cells in rows:
        written = io.StringIO(newline="")
        csv.writer(written).writerow(cells)
        yield written.getvalue()


def xlsx(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as a spreadsheet, whose first row stays in sight."""
    # Loaded for the first one: a server that answers harvesters has no need of it.
    import xlsxwriter  # type: ignore[import-untyped]

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Partners")
        sheet.freeze_panes(1, 1)
        for number, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                if cell:
                    sheet.write_string(number, place, cell)
    return out.getvalue()


# --- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """One row of a table that came: its number there, and its cells by column, none of them empty.

    ``problem`` says what is wrong with the row as such.
    """

    number: int
    cells: Mapping[str, str]
    problem: Fault | None = None

    @property
    def code(self) -> str:
        """The code of the partner, "" where the row names none."""
        return unguarded(self.cells.get("code", ""))


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


def heading(cell: str) -> str:
    """Return the column that a heading names, "" for none of ours."""
    name = cell.strip()
    if name.lower().startswith("name:"):
        try:
            return f"name:{language_tag(name[5:], 'names')}"
        except Invalid:
            return ""
    name = name.lower()
    found = _CONTACT.fullmatch(name)
    known = {"code", "name", *_BEHIND_NAMES, *_LAST, *REASONS}
    return name if name in known or (found and found[2] in CONTACT) else ""


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


# --- what a row says ----------------------------------------------------------------------------


class Said(NamedTuple):
    """What a row says of a partner: checked fields, its state if told, and what is wrong."""

    values: dict[str, Any]
    state: PartnerState | None
    faults: list[Fault]


def said(cells: Mapping[str, str], entry: PartnerEntry | None) -> Said:
    """Return what cells by column say of ``entry``, None where there is none yet.

    Each fault names the column that is wrong.
    """
    texts = {
        column: "" if cell == CLEARED else unguarded(cell)
        for column, cell in cells.items()
        if column not in {"code", *_TOLD, *REASONS}
    }
    state, faults = _state(texts.pop("state", None))
    given: dict[str, Any] = {}
    owners: dict[str, str] = {}  # the column that a fault of a field is told of
    contacts: dict[int, dict[str, str]] = {}
    for column, text in texts.items():
        if found := _CONTACT.fullmatch(column):
            contacts.setdefault(int(found[1] or 1), {})[found[2]] = text
            owners.setdefault("contacts", column)
        elif column.startswith("name:"):
            given.setdefault("names", dict(entry.names) if entry else {})[column[5:]] = text
            owners.setdefault("names", column)
        elif column.startswith("profile_"):
            profile = given.setdefault("profile", _profile(entry))
            profile[column[8:]] = [part for part in text.split(";") if part.strip()]
            owners.setdefault("profile", column)
        else:
            given[column] = partner_entry.BLANK.get(column, "") if text == "" else text
    if contacts:
        given["contacts"], wrong = _contacts(contacts, entry)
        faults += wrong
    values, wrong = partner_entry.check(given)
    return Said(
        values, state, faults + [Fault(owners.get(f.field, f.field), f.reason) for f in wrong]
    )


def _state(text: str | None) -> tuple[PartnerState | None, list[Fault]]:
    if text is None:
        return None, []
    try:
        return PartnerState(text.upper()), []
    except ValueError:
        return None, [Fault("state", f"{text!r} is no state: {', '.join(PartnerState)}")]


def _profile(entry: PartnerEntry | None) -> dict[str, list[str]]:
    return entry.profile.as_json() if entry and entry.profile else {}


def _contacts(
    told: Mapping[int, Mapping[str, str]], entry: PartnerEntry | None
) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return the contacts of an entry after what a row tells of some; one without a name goes."""
    known: dict[int, dict[str, Any]] = {
        number: {field: getattr(contact, field) for field in CONTACT}
        for number, contact in enumerate(entry.contacts if entry else (), 1)
    }
    faults: list[Fault] = []
    for number, fields in told.items():
        known[number] = {**known.get(number, {}), **fields}
        if fields.get("name") == "" or not any(known[number].values()):
            del known[number]
    found: list[dict[str, Any]] = []
    for number in sorted(known):
        try:
            partner_entry.checked({"contacts": [known[number]]})
            found.append(known[number])
        except Invalid as error:
            faults.append(Fault(_contact_column(number, "name"), error.detail))
    return found, faults
