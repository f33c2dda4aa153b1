"""A table of a page as a file, CSV or a spreadsheet, in which no cell is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flask import Response, abort, stream_with_context

from service.domain import table_file

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], name: str, kind: str
) -> Response:
    """Return rows as the file ``name.kind``; ``kind`` is ``csv`` or ``xlsx``, else it is a 404.

    CSV begins with a mark by which spreadsheets know that it is UTF-8, and leaves as it is made.
    """
    if kind == "csv":
        answer = Response(
            stream_with_context(_csv(headings, rows)), content_type="text/csv; charset=utf-8"
        )
    elif kind == "xlsx":
        answer = Response(table_file.xlsx(_cells(headings, rows), name[:31]), mimetype=_XLSX)
    else:
        abort(404)
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    return answer


def _csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    yield "\ufeff".encode()
    for line in table_file.csv_lines(_cells(headings, rows)):
        yield line.encode()


def _cells(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[list[str]]:
    yield list(headings)
    for row in rows:
        yield ["" if cell is None else table_file.guarded(str(cell)) for cell in row]
