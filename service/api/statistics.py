"""The figures of the programme: the line for the press, and tables for reports."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from service.api import csv_answer
from service.api.addresses import site
from service.api.authentication import staff_required
from service.api.resource import Resource
from service.domain import table_file
from service.domain.statistics import Table
from service.domain.wish_sheet import XLSX
from service.usecases import reporting

statistics = Resource(
    "Statistics",
    "The figures of the programme. What is counted, and by which day and place, is laid down in "
    "docs/statistics.md.",
)

_FILE = {"type": "string", "format": "binary"}


def _year(description: str) -> fields.Integer:
    return fields.Integer(
        load_default=None,
        validate=validate.Range(min=1900, max=2100),
        metadata={"description": description},
    )


class PressQuery(ma.Schema):
    """Which years the line tells partner by partner."""

    sent_in = _year("The year that is told as sent; without it the last one")
    received_in = _year("The year that is told as received; without it the last one")


class PressSchema(ma.Schema):
    """The line for the press."""

    press_line = fields.String(required=True)


class YearQuery(ma.Schema):
    """Of which year."""

    year = _year("Of one year; without it of all of them")


class TableSchema(ma.Schema):
    """A table: its rows have a value for each column, null where it is not known."""

    title = fields.String(required=True)
    columns = fields.List(fields.String(), required=True)
    rows = fields.List(fields.List(fields.Raw(allow_none=True)), required=True)


@statistics.get("/statistics/press-line")
@staff_required
@statistics.arguments(PressQuery, location="query", as_kwargs=True)
@statistics.response(200, PressSchema)
def show_press_line(sent_in: int | None, received_in: int | None) -> Any:
    """Tell the programme in one sentence.

    For the staff.
    """
    line = reporting.press_line(site().db, sent_in=sent_in, received_in=received_in)
    return {"press_line": line}


@statistics.get("/statistics/<name>")
@staff_required
@statistics.arguments(YearQuery, location="query", as_kwargs=True)
@statistics.response(200, TableSchema)
def show_statistics(name: str, year: int | None) -> Any:
    """Show a table: years, partners, places, regions or operations.

    For the staff.
    """
    return _table(name, year)._asdict()


@statistics.get("/statistics/<name>.csv")
@staff_required
@statistics.arguments(YearQuery, location="query", as_kwargs=True)
@statistics.response(200, {"type": "string"}, content_type=csv_answer.MEDIA_TYPE)
def export_statistics_csv(name: str, year: int | None) -> Any:
    """Export a table as CSV in UTF-8.

    For the staff.
    """
    found = _table(name, year)
    return csv_answer.stream(found.columns, found.texts()[1:], f"{name}.csv")


@statistics.get("/statistics/<name>.xlsx")
@staff_required
@statistics.arguments(YearQuery, location="query", as_kwargs=True)
@statistics.response(200, _FILE, content_type=XLSX)
def export_statistics_xlsx(name: str, year: int | None) -> Any:
    """Export a table as a spreadsheet.

    For the staff.
    """
    rows = [[table_file.guarded(cell) for cell in row] for row in _table(name, year).texts()]
    return Response(
        table_file.xlsx(rows, name),
        content_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'},
    )


def _table(name: str, year: int | None) -> Table:
    return reporting.table(site().db, name, year, site().now())
