"""A table as a file: CSV, or a spreadsheet, in which no cell is run.

What a spreadsheet would run as a formula has an apostrophe in front, which is taken off again when
the table comes back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# What makes a spreadsheet take a cell for a formula (OWASP ASVS 1.2.10), behind any apostrophes.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


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


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield rows as the lines of CSV (RFC 4180)."""
    for cells in rows:
        written = io.StringIO(newline="")
        csv.writer(written).writerow(cells)
        yield written.getvalue()


def xlsx(rows: Iterable[Sequence[str]], name: str) -> bytes:
    """Return rows as a spreadsheet of this name, whose first row stays in sight."""
    # Loaded for the first one: a server that answers harvesters has no need of it.
    import xlsxwriter  # type: ignore[import-untyped]

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        for number, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                if cell:
                    sheet.write_string(number, place, cell)
    return out.getvalue()
