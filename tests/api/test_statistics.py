"""The figures of the programme over HTTP: one sentence, and tables in three forms."""

from __future__ import annotations

import csv
import io

import python_calamine

from service.usecases import enrolling
from service.usecases.site import Site
from tests.api.conftest import Client
from tests.api.test_ledger import CODE, happened

COLUMNS = ["year", "note", "titles sent", "volumes sent", "titles received", "volumes received"]


def test_the_programme_is_told_in_one_sentence(site: Site, staff: Client, partner: Client) -> None:
    happened(site)
    told = staff.get("/statistics/press-line").json["press_line"]
    assert told.startswith("Since 2026 with ")
    assert "donated 12 books in total; in 2026 12 to " in told
    assert "received" not in told
    assert partner.get("/statistics/press-line").status_code == 403
    assert staff.get("/statistics/press-line?sent_in=12").status_code == 422


def test_a_table_comes_as_json_csv_and_spreadsheet(
    site: Site, staff: Client, partner: Client
) -> None:
    happened(site)
    row = [2026, "", 10, 12, 0, 0]
    found = staff.get("/statistics/years").json
    assert (found["columns"], found["rows"]) == (COLUMNS, [row])
    assert staff.get("/statistics/years?year=2025").json["rows"] == []
    text = staff.get("/statistics/years.csv").get_data(as_text=True)
    assert list(csv.reader(io.StringIO(text))) == [COLUMNS, [str(cell) for cell in row]]
    book = python_calamine.load_workbook(io.BytesIO(staff.get("/statistics/years.xlsx").data))
    assert book.get_sheet_by_index(0).to_python()[1][3] == "12"


def test_what_there_is_not_is_named_with_what_there_is(staff: Client) -> None:
    for path in ("/statistics/weather", "/statistics/weather.csv"):
        answer = staff.get(path)
        assert answer.status_code == 404
        assert "years, partners, places, regions, operations" in answer.json["detail"]
    assert staff.get("/statistics/operations").json["title"].startswith("How the work went in 2")


def test_no_name_is_run_by_a_spreadsheet(site: Site, staff: Client, partner: Client) -> None:
    happened(site)
    given = {"name": "=1+1"}
    enrolling.change(site.db, CODE, given, by="staff:kim", now=site.now())
    assert ",'=1+1," in staff.get("/statistics/partners.csv").get_data(as_text=True)
