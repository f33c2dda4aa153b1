"""Imports: a cataloguer's file of records comes in, is reported on line by line, and committed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, cast

from flask import g, request
from werkzeug.http import parse_options_header

from marc_mappings.dialects import DIALECTS
from marc_mappings.survey import Said
from service.api import csv_answer
from service.api.addresses import address, site
from service.api.authentication import staff_required
from service.api.import_schemas import (
    ImportLineSchema,
    ImportQuery,
    ImportReportSchema,
    ImportSchema,
    LinesQuery,
)
from service.api.parameters import NewestFirst, page_of, paged
from service.api.resource import Resource, no_parameters
from service.domain import import_batch as rules
from service.domain.import_batch import STAGE, Batch, Line
from service.errors import Invalid
from service.store.db import Database
from service.store.originals import PIECE
from service.usecases import cataloguing, undoing
from service.usecases.cataloguing import Report

imports = Resource(
    "Imports",
    "Files of MARC records on their way onto an offer list: received, staged, committed. "
    "For the staff.",
)

_MULTIPART = "multipart/form-data"
# Lines of a report that are read from the database at once while it is sent as CSV.
_LINES_AT_ONCE = 500


_FILE = {"type": "string", "format": "binary"}
_BODY = {
    "required": True,
    "description": "The file as it is; or a form with the file and, if you like, the parameters. "
    "What a file is shows in its first octets, whatever media type is said.",
    "content": {
        "application/octet-stream": {"schema": _FILE},
        "application/marc": {"schema": _FILE},
        "application/marcxml+xml": {"schema": _FILE},
        "application/marc-in-json": {"schema": _FILE},
        "application/json": {"schema": _FILE},
        "application/xml": {"schema": _FILE},
        "text/plain": {"schema": _FILE},
        "application/gzip": {"schema": _FILE},
        _MULTIPART: {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": _FILE,
                    "list": {"type": "string"},
                    "stage_only": {"type": "boolean"},
                    "file_name": {"type": "string"},
                    "encoding": {"type": "string"},
                    "dialect": {"type": "string", "enum": list(DIALECTS)},
                },
            }
        },
    },
}
_LOCATION = {"Location": {"description": "Address of the import", "schema": {"type": "string"}}}


@imports.post("/imports")
@staff_required
@imports.arguments(ImportQuery, location="query", as_kwargs=True)
@imports.doc(requestBody=_BODY)
@imports.response(202, ImportReportSchema, description="Received; staging begins")
@imports.alt_response(
    200, schema=ImportReportSchema, description="This very file was here before", success=True
)
@imports.doc(responses={202: {"headers": _LOCATION}, 200: {"headers": _LOCATION}})
def receive_import(**query: Any) -> Any:
    """Send a file of records for an offer list.

    ISO 2709, MARCXML, marcxchange, JSON or MarcEdit text, in any encoding and dialect, packed
    with gzip or not. The answer comes as soon as the bytes are kept; the records are read, made
    MARC 21 and reported on afterwards. Without `stage_only` they are offered as soon as all are
    read. The same file for the same list is taken once; sending a file again that failed takes
    the work up where it stopped. With another `encoding` or `dialect` it is read anew, and what
    is read then takes the place of the earlier reading.
    """
    upload = _upload(query)
    received = cataloguing.receive(
        site().db,
        upload.stream,
        file_name=upload.file_name,
        list_slug=upload.list_slug,
        stage_only=upload.stage_only,
        said=upload.said,
        limit=site().settings.upload_bytes,
        by=g.caller.name,
        now=site().now(),
    )
    shown = _report(cataloguing.report(site().db, received.batch.public_id))
    status = 200 if received.already else 202
    return shown | {"already": received.already}, status, {"Location": shown["url"]}


@imports.get("/imports")
@staff_required
@imports.arguments(NewestFirst, location="query", as_kwargs=True)
@imports.response(200, page_of(ImportSchema))
def list_imports(before: str, limit: int) -> Any:
    """List the imports, newest first."""
    rows = cataloguing.list_batches(site().db, before, limit + 1)
    return paged(rows, limit, "before", lambda row: row[0].public_id, lambda row: _batch(*row))


@imports.get("/imports/<import_id>")
@staff_required
@no_parameters(imports)
@imports.response(200, ImportReportSchema)
def show_import(import_id: str) -> Any:
    """Show an import: its state, its figures, and how far the work is."""
    return _report(cataloguing.report(site().db, import_id))


@imports.get("/imports/<import_id>/lines")
@staff_required
@imports.arguments(LinesQuery, location="query", as_kwargs=True)
@imports.response(200, page_of(ImportLineSchema))
@imports.alt_response(200, schema={"type": "string"}, content_type=csv_answer.MEDIA_TYPE)
def list_import_lines(import_id: str, after: int, limit: int, format: str) -> Any:  # noqa: A002
    """Read the report of an import: one line for every record found in the file."""
    if format == "csv":
        batch = cataloguing.report(site().db, import_id).batch
        rows = map(_cells, _all_lines(site().db, batch.public_id, after))
        return csv_answer.stream(_COLUMNS, rows, f"import-{batch.public_id}.csv")
    lines = cataloguing.report_lines(site().db, import_id, after, limit + 1)
    return paged(lines, limit, "after", lambda line: line.position, _line)


@imports.post("/imports/<import_id>/commit")
@staff_required
@no_parameters(imports)
@imports.response(202, ImportReportSchema)
def commit_import(import_id: str) -> Any:
    """Say yes to a file that was staged: its titles will be offered."""
    now, by = site().now(), g.caller.name
    return _report(cataloguing.order_commit(site().db, import_id, now, by=by)), 202


@imports.post("/imports/<import_id>/undo")
@staff_required
@no_parameters(imports)
@imports.response(202, ImportReportSchema)
def undo_import(import_id: str) -> Any:
    """Take back what a committed import offered.

    What it replaced is shown again. A title that is given, or a record that another import changed
    since, stays, and its line says so. An import that was undone can be committed again.
    """
    undoing.order(site().db, import_id, site().now(), by=g.caller.name)
    return _report(cataloguing.report(site().db, import_id)), 202


class _Upload(NamedTuple):
    stream: BinaryIO
    list_slug: str
    stage_only: bool
    file_name: str
    said: Said


def _upload(query: dict[str, Any]) -> _Upload:
    """Return the file and what was said about it; no more of the body is read than that takes."""
    if request.mimetype == _MULTIPART:
        said = imports.ARGUMENTS_PARSER.parse(ImportQuery, location="form") | query
        file = request.files.get("file")
        if file is None:
            raise Invalid("the form has no file in a field named 'file'", field="file")
        stream, name = cast("BinaryIO", file.stream), file.filename or ""
    else:
        said = query
        # Buffered, because a body from the network may come in smaller pieces than asked for.
        stream = cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", request.stream), PIECE))
        disposition = parse_options_header(request.headers.get("Content-Disposition", ""))[1]
        name = disposition.get("filename", "")
    if not said.get("list_slug"):
        raise Invalid("say which offer list the titles join, as in ?list=SLUG", field="list")
    return _Upload(
        stream,
        said["list_slug"],
        said.get("stage_only", False),
        said.get("file_name", name).replace("\0", ""),
        Said(said.get("encoding", ""), said.get("dialect", "")),
    )


def _batch(batch: Batch, list_slug: str) -> dict[str, Any]:
    return {
        "id": batch.public_id,
        "url": address(".show_import", import_id=batch.public_id),
        "lines_url": address(".list_import_lines", import_id=batch.public_id),
        "list": list_slug,
        "file_name": batch.file_name,
        "format": batch.format,
        "state": batch.state,
        "stage_only": batch.stage_only,
        "created_at": batch.created_at,
        "committed_at": batch.committed_at,
        "encoding_said": batch.encoding_said,
        "dialect_said": batch.dialect_said,
    }


def _report(report: Report) -> dict[str, Any]:
    job = report.job
    work = (
        None
        if job is None
        else {
            "kind": job.kind,
            "state": job.state,
            "done": job.done,
            "total": job.total,
            "unit": "octets" if job.kind == STAGE else "records",
            "error": job.error,
        }
    )
    batch, counts = report.batch, report.counts
    return _batch(batch, report.list_slug) | {
        "counts": counts._asdict(),
        "job": work,
        "survey": batch.surveyed and _survey(batch.surveyed),
        "next_steps": list(rules.advice(batch, counts.doubtful, "encoding=NAME", "dialect=NAME")),
    }


def _survey(found: rules.Surveyed) -> dict[str, Any]:
    return {what: finding._asdict() for what, finding in found._asdict().items()}


_COLUMNS = tuple(ImportLineSchema().fields)


def _line(line: Line) -> dict[str, Any]:
    return {column: getattr(line, column) for column in _COLUMNS}


def _cells(line: Line) -> list[object]:
    problems = "; ".join(f"{problem['code']}: {problem['message']}" for problem in line.problems)
    plain = {"action": line.action.value, "problems": problems, "unmapped": " ".join(line.unmapped)}
    return list((_line(line) | plain).values())


def _all_lines(db: Database, import_id: str, after: int) -> Iterator[Line]:
    """Yield all lines of a report behind position ``after``, a few at a time."""
    while lines := cataloguing.report_lines(db, import_id, after, _LINES_AT_ONCE):
        yield from lines
        after = lines[-1].position
