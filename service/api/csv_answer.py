"""Answers as CSV (RFC 4180): UTF-8, one header row, and no cell that a spreadsheet would run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from flask import Response, stream_with_context

from service.domain import table_file

MEDIA_TYPE = "text/csv"
# What makes a spreadsheet take a cell for a formula (OWASP ASVS 1.2.10).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: object) -> object:
    """Return ``value`` so that a spreadsheet shows it: a text that looks like a formula gets a '.

    >>> safe_cell("=1+1"), safe_cell("Mongolia"), safe_cell(-1)
    ("'=1+1", 'Mongolia', -1)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def stream(columns: Sequence[str], rows: Iterable[Sequence[object]], file_name: str) -> Response:
    """Return an answer that sends ``rows`` as they come."""
    return Response(
        stream_with_context(_lines(columns, rows)),
        content_type=f"{MEDIA_TYPE}; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def _lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    safe = ([safe_cell(cell) for cell in row] for row in rows)
    for line in table_file.csv_lines(chain([columns], safe)):
        yield line.encode("utf-8")
