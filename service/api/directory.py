"""The directory of partners as a table: it goes out as CSV or a spreadsheet, and comes back so."""

from __future__ import annotations

import io
from typing import Any

import marshmallow as ma
from flask import Response, g, request
from marshmallow import fields

from service.api import csv_answer, table_import
from service.api.addresses import site
from service.api.authentication import staff_required
from service.api.resource import Resource, body_of_at_most, no_parameters
from service.domain import table_file
from service.domain.wish_sheet import XLSX
from service.usecases import tabulating

directory = Resource(
    "Directory", "All partners as one table, to be worked on in a spreadsheet. For the staff."
)

_FILE = {"type": "string", "format": "binary"}
_BODY = table_import.body(
    "The table: one row for each partner under the headings of an export, `code` "
    "among them. An empty cell leaves what is there; a single `-` clears it."
)


class ImportPartnersQuery(ma.Schema):
    """How a table is taken in."""

    dry_run = fields.Boolean(
        load_default=False, metadata={"description": "Only say what would become of each row"}
    )


class RowFaultSchema(ma.Schema):
    """What is wrong with one cell."""

    row = fields.Integer(required=True, metadata={"description": "As a spreadsheet counts them"})
    column = fields.String(
        required=True, metadata={"description": "Its heading; empty: the row as a whole"}
    )
    reason = fields.String(required=True)


class RowCountsSchema(ma.Schema):
    """Rows by what became of them."""

    created = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    rejected = fields.Integer(required=True)


class TakenInSchema(ma.Schema):
    """What became of a table of partners."""

    dry_run = fields.Boolean(required=True)
    counts = fields.Nested(RowCountsSchema, required=True)
    rejected = fields.List(fields.Nested(RowFaultSchema), required=True)
    rejected_csv = fields.String(
        required=True,
        metadata={"description": "The rejected rows, to be mended and sent again; empty if none"},
    )
    columns_not_read = fields.List(fields.String(), required=True)
    remark = fields.String(
        required=True, metadata={"description": "How the text was read, where that is a finding"}
    )


@directory.get("/partners.csv")
@staff_required
@no_parameters(directory)
@directory.response(200, {"type": "string"}, content_type=csv_answer.MEDIA_TYPE)
def export_partners_csv() -> Any:
    """Export the directory as CSV in UTF-8.

    For the staff.
    """
    rows = tabulating.table(site().db)
    return csv_answer.stream(next(rows), rows, "partners.csv")


@directory.get("/partners.xlsx")
@staff_required
@no_parameters(directory)
@directory.response(200, _FILE, content_type=XLSX)
def export_partners_xlsx() -> Any:
    """Export the directory as a spreadsheet.

    For the staff.
    """
    return Response(
        table_file.xlsx(tabulating.table(site().db), "Partners"),
        content_type=XLSX,
        headers={"Content-Disposition": 'attachment; filename="partners.xlsx"'},
    )


@directory.post("/partners/import")
@staff_required
@directory.arguments(ImportPartnersQuery, location="query", as_kwargs=True)
@directory.doc(requestBody=_BODY)
@directory.response(200, TakenInSchema)
def import_partners(*, dry_run: bool) -> Any:
    """Take a table of partners in: rows that are right make and change entries, others come back.

    For the staff. Nothing is ever removed, and sending the same table again changes nothing.
    """
    taken = tabulating.take_in(
        site().db,
        io.BytesIO(body_of_at_most(table_import.OCTETS)),
        request.mimetype,
        charset=request.mimetype_params.get("charset", ""),
        dry_run=dry_run,
        by=g.caller.name,
        now=site().now(),
    )
    return table_import.taken_in(taken)
