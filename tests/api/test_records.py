"""A cataloguer's file comes in over the API, is reported on, and is committed."""

from __future__ import annotations

import csv
import gzip
import io

import pytest

from marc_mappings import marc_json, marc_text, marcxml
from service.usecases.site import Site
from tests.api.conftest import BASE, Client, marc, offer, record, work
from tests.api.test_problems import problem
from tests.marc_mappings.reencoding import frame

FILE = marc(record("The Blue Sky"), record("Steppe Songs"))


@pytest.fixture(autouse=True)
def spring(site: Site) -> None:
    offer(site, "spring")


def test_a_file_is_received_and_its_titles_are_offered(
    site: Site, staff: Client, nobody: Client
) -> None:
    answer = staff.post("/imports?list=spring&file_name=mongolia.mrc", data=FILE)
    assert answer.status_code == 202
    body = answer.json
    assert answer.headers["Location"] == body["url"] == f"{BASE}/api/v1/imports/{body['id']}"
    assert (body["state"], body["already"], body["list"]) == ("STAGING", False, "spring")
    assert (body["file_name"], body["format"]) == ("mongolia.mrc", "iso2709")
    assert body["job"] == {
        "kind": "stage_import",
        "state": "WAITING",
        "done": 0,
        "total": len(FILE),
        "unit": "octets",
        "error": "",
    }
    assert nobody.get("/offers").json["items"] == []
    work(site)
    body = staff.get(f"/imports/{body['id']}").json
    assert body["state"] == "COMMITTED"
    assert body["committed_at"].endswith("Z")
    assert "already" not in body
    assert (body["counts"]["read"], body["counts"]["ok"], body["counts"]["new"]) == (2, 2, 2)
    assert body["job"]["state"] == "DONE"
    assert (body["job"]["done"], body["job"]["unit"]) == (2, "records")
    titles = {each["title"] for each in nobody.get("/offers").json["items"]}
    assert titles == {"The Blue Sky", "Steppe Songs"}


def test_the_same_file_for_the_same_list_is_taken_once(site: Site, staff: Client) -> None:
    first = staff.post("/imports?list=spring", data=FILE)
    again = staff.post("/imports?list=spring", data=FILE)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json["already"] is True
    assert again.json["id"] == first.json["id"]
    assert again.headers["Location"] == first.headers["Location"]
    offer(site, "autumn")
    assert staff.post("/imports?list=autumn", data=FILE).status_code == 202


def test_a_file_that_is_staged_only_waits_for_a_yes(
    site: Site, staff: Client, nobody: Client
) -> None:
    made = staff.post("/imports?list=spring&stage_only=1", data=FILE).json
    assert made["stage_only"] is True
    problem(staff.post(f"/imports/{made['id']}/commit"), 409, "conflict")
    work(site)
    assert staff.get(f"/imports/{made['id']}").json["state"] == "STAGED"
    assert nobody.get("/offers").json["items"] == []
    answer = staff.post(f"/imports/{made['id']}/commit")
    assert (answer.status_code, answer.json["state"]) == (202, "COMMITTING")
    assert answer.json["job"]["kind"] == "commit_import"
    work(site)
    assert staff.get(f"/imports/{made['id']}").json["state"] == "COMMITTED"
    assert len(nobody.get("/offers").json["items"]) == 2
    problem(staff.post(f"/imports/{made['id']}/commit"), 409, "conflict")
    answer = staff.post(f"/imports/{made['id']}/undo")
    assert (answer.status_code, answer.json["state"]) == (202, "UNDOING")
    work(site)
    assert staff.get(f"/imports/{made['id']}").json["state"] == "UNDONE"
    assert nobody.get("/offers").json["items"] == []


def test_a_form_may_carry_the_file_and_what_it_is_for(staff: Client) -> None:
    form = {"file": (io.BytesIO(FILE), "gift.mrc"), "list": "spring", "stage_only": "true"}
    answer = staff.post("/imports", data=form)
    assert answer.status_code == 202
    assert (answer.json["file_name"], answer.json["stage_only"]) == ("gift.mrc", True)


def test_a_form_may_carry_the_file_alone(staff: Client) -> None:
    form = {"file": (io.BytesIO(FILE), "gift.mrc")}
    answer = staff.post("/imports?list=spring&file_name=other.mrc", data=form)
    assert answer.json["file_name"] == "other.mrc"


def test_a_form_without_a_file_or_with_unknown_fields_is_refused(staff: Client) -> None:
    answer = staff.post("/imports", data={"list": "spring"}, content_type="multipart/form-data")
    assert problem(answer, 422, "invalid")["errors"][0]["field"] == "file"
    form = {"file": (io.BytesIO(FILE), "gift.mrc"), "liste": "spring"}
    body = problem(staff.post("/imports", data=form), 422, "invalid")
    assert body["errors"][0] == {"in": "form", "field": "liste", "detail": "Unknown field."}


def test_a_raw_body_may_be_named_by_content_disposition(staff: Client) -> None:
    header = {"Content-Disposition": "attachment; filename*=UTF-8''%EB%B6%80%EC%82%B0.mrc"}
    answer = staff.post("/imports?list=spring", data=FILE, headers=header)
    assert answer.json["file_name"] == "부산.mrc"


def test_what_curl_calls_a_form_is_taken_as_the_file_it_is(staff: Client) -> None:
    media_type = "application/x-www-form-urlencoded"
    answer = staff.post("/imports?list=spring", data=FILE, content_type=media_type)
    assert answer.status_code == 202


def test_an_import_says_for_which_list(staff: Client) -> None:
    body = problem(staff.post("/imports", data=FILE), 422, "invalid")
    assert body["errors"][0]["field"] == "list"
    problem(staff.post("/imports?list=winter", data=FILE), 404, "not_found")


def test_a_closed_list_takes_no_more_titles(staff: Client) -> None:
    staff.post("/lists/spring/close")
    problem(staff.post("/imports?list=spring", data=FILE), 409, "conflict")


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7 ...", b"PK\x03\x04" + b"\0" * 50, b"", b"<html></html>"]
)
def test_a_file_that_is_no_marc_is_refused_and_told_what_it_is(staff: Client, data: bytes) -> None:
    body = problem(staff.post("/imports?list=spring", data=data), 415, "unsupported_format")
    assert body["found"]
    assert staff.get("/imports").json["items"] == []


def test_a_file_over_the_limit_is_refused_even_without_a_length(staff: Client) -> None:
    stream = io.BytesIO(FILE * 3000)
    chunked = {"wsgi.input": stream, "wsgi.input_terminated": True}
    answer = staff.post("/imports?list=spring", environ_overrides=chunked)
    assert problem(answer, 413, "too_large")["limit"] == 300_000
    assert stream.tell() < len(FILE * 3000)
    assert staff.get("/imports").json["items"] == []


def test_a_file_without_a_length_is_taken(staff: Client) -> None:
    chunked = {"wsgi.input": io.BytesIO(FILE), "wsgi.input_terminated": True}
    assert staff.post("/imports?list=spring", environ_overrides=chunked).status_code == 202


def test_imports_are_listed_newest_first_and_paged_by_key(staff: Client) -> None:
    made = [
        staff.post(f"/imports?list=spring&file_name={n}", data=marc(record(f"Title {n}"))).json[
            "id"
        ]
        for n in range(3)
    ]
    page = staff.get("/imports?limit=2").json
    assert [each["id"] for each in page["items"]] == [made[2], made[1]]
    assert page["next"] == f"{BASE}/api/v1/imports?limit=2&before={made[1]}"
    page = staff.get(page["next"].removeprefix(BASE)).json
    assert [each["id"] for each in page["items"]] == [made[0]]
    assert page["next"] is None


def test_an_import_that_is_not_there_is_not_found(staff: Client) -> None:
    for name in ("x", "01JZ0000000000000000000000"):
        problem(staff.get(f"/imports/{name}"), 404, "not_found")
        problem(staff.get(f"/imports/{name}/lines"), 404, "not_found")
        problem(staff.get(f"/imports/{name}/lines?format=csv"), 404, "not_found")
        problem(staff.post(f"/imports/{name}/commit"), 404, "not_found")


def test_the_report_has_a_line_for_every_record_found(site: Site, staff: Client) -> None:
    data = FILE + b"00050nam a2200037   4500garbage" + b"\x1d" + marc(record("한국의 책"))
    made = staff.post("/imports?list=spring", data=data).json
    work(site)
    page = staff.get(f"/imports/{made['id']}/lines").json
    lines = page["items"]
    assert [line["position"] for line in lines] == [1, 2, 3, 4]
    assert [line["outcome"] for line in lines] == ["ok", "ok", "rejected", "ok"]
    assert [line["action"] for line in lines] == ["new", "new", "none", "new"]
    assert lines[0] == {
        "position": 1,
        "offset": 0,
        "length": len(marc(record("The Blue Sky"))),
        "control_number": "The Blue Sky",
        "title": "The Blue Sky",
        "outcome": "ok",
        "action": "new",
        "encoding": "utf-8",
        "encoding_certain": True,
        "dialect": "marc21",
        "problems": [],
        "unmapped": [],
    }
    assert lines[2]["problems"][0].keys() == {"code", "message", "tag"}
    assert lines[3]["title"] == "한국의 책"
    page = staff.get(f"/imports/{made['id']}/lines?after=1&limit=2").json
    assert [line["position"] for line in page["items"]] == [2, 3]
    assert page["next"].endswith(f"/imports/{made['id']}/lines?after=3&limit=2")


def test_the_report_as_csv_is_whole_and_runs_no_formula(site: Site, staff: Client) -> None:
    titles = ["=HYPERLINK(0)", "+1", "-1", "@SUM", "plain, with “commas”"]
    records = [record(title, f"n{n}") for n, title in enumerate(titles)]
    records += [record(f"Title {n}") for n in range(600)]
    made = staff.post("/imports?list=spring", data=marc(*records)).json
    work(site)
    answer = staff.get(f"/imports/{made['id']}/lines?format=csv")
    assert answer.is_streamed
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="import-{made["id"]}.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode(), newline="")))
    assert len(rows) == 605
    shown = [row["title"] for row in rows[:5]]
    assert shown == ["'=HYPERLINK(0)", "'+1", "'-1", "'@SUM", "plain, with “commas”"]
    assert [int(row["position"]) for row in rows] == list(range(1, 606))
    assert {row["action"] for row in rows} == {"new"}
    sloppy = staff.get(f"/imports/{made['id'].lower()}%0A/lines?format=csv&after=604")
    assert sloppy.headers["Content-Disposition"] == answer.headers["Content-Disposition"]
    assert len(sloppy.get_data().splitlines()) == 2


# --- dialects, encodings, formats ---------------------------------------------------------------


def kormarc(title: str, number: int) -> bytes:
    fields = [
        (b"001", b"KMO%09d" % number),
        (b"049", b"0 \x1flEM%06d" % number),
        (b"245", f"00\x1fa{title} /\x1fd홍길동 지음".encode("cp949")),
        (b"900", b"  \x1fa"),
    ]
    return frame(b"00000nam  2200000 k 4500", fields)


TITLES = ["한국의 옛이야기", "바다와 나비", "서울 사람들의 하루"]
KOREAN = b"".join(map(kormarc, TITLES, range(3)))


def test_the_report_says_what_a_file_is_and_why(site: Site, staff: Client) -> None:
    made = staff.post("/imports?list=spring", data=KOREAN).json
    assert (made["survey"], made["next_steps"]) == (None, [])
    work(site)
    body = staff.get(f"/imports/{made['id']}").json
    assert body["survey"]["dialect"]["name"] == "kormarc"
    assert body["survey"]["encoding"]["name"] == "cp949"
    assert body["survey"]["encoding"]["certain"] is True
    assert all(each.endswith(".") for each in body["survey"]["encoding"]["evidence"])
    lines = staff.get(body["lines_url"].removeprefix(BASE)).json["items"]
    assert [line["title"] for line in lines] == [
        "한국의 옛이야기",
        "바다와 나비",
        "서울 사람들의 하루",
    ]
    assert {line["dialect"] for line in lines} == {"kormarc"}
    assert all(line["unmapped"] == ["900"] for line in lines)
    answer = staff.get(f"/imports/{made['id']}/lines?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode(), newline="")))
    assert {(row["dialect"], row["encoding"], row["unmapped"]) for row in rows} == {
        ("kormarc", "cp949", "900")
    }


@pytest.mark.parametrize("in_form", [False, True])
def test_what_the_sender_says_is_taken_and_makes_another_import(
    site: Site, staff: Client, nobody: Client, in_form: bool
) -> None:
    data = frame(b"00000nam a2200000 i 4500", [(b"245", "00\x1faЗима".encode("koi8-r"))])
    first = staff.post("/imports?list=spring", data=data).json
    work(site)
    body = staff.get(f"/imports/{first['id']}").json
    assert body["counts"]["doubtful"] == 1
    assert "say encoding=NAME and send the file again" in body["next_steps"][0]
    if in_form:
        form = {"file": (io.BytesIO(data), "f.mrc"), "list": "spring", "encoding": "KOI8-R"}
        answer = staff.post("/imports", data=form)
    else:
        answer = staff.post("/imports?list=spring&encoding=KOI8-R&dialect=marc21", data=data)
    assert answer.status_code == 202
    assert answer.json["encoding_said"] == "koi8-r"
    assert answer.json["dialect_said"] == ("" if in_form else "marc21")
    work(site)
    assert staff.get(f"/imports/{answer.json['id']}").json["counts"]["update"] == 1
    assert [each["title"] for each in nobody.get("/offers").json["items"]] == ["Зима"]


@pytest.mark.parametrize(("name", "value"), [("encoding", "klingon"), ("dialect", "marc22")])
def test_an_unknown_encoding_or_dialect_is_refused_by_name(
    staff: Client, name: str, value: str
) -> None:
    answer = staff.post(f"/imports?list=spring&{name}={value}", data=FILE)
    (fault,) = problem(answer, 422, "invalid")["errors"]
    assert fault["field"] == name
    assert value in fault["detail"]
    assert staff.get("/imports").json["items"] == []


@pytest.mark.parametrize(
    ("media_type", "data", "found"),
    [
        ("application/json", marc_json.write(record("The Blue Sky")), "json"),
        ("text/plain", marc_text.write(record("The Blue Sky")), "mrk"),
        ("application/xml", marcxml.write(record("The Blue Sky")), "marcxml"),
        ("application/gzip", gzip.compress(marc(record("The Blue Sky")), mtime=0), "iso2709"),
    ],
)
def test_a_body_is_taken_for_what_it_is_whatever_it_is_called(
    site: Site, staff: Client, nobody: Client, media_type: str, data: bytes, found: str
) -> None:
    answer = staff.post("/imports?list=spring", data=data, content_type=media_type)
    assert (answer.status_code, answer.json["format"]) == (202, found)
    work(site)
    assert [each["title"] for each in nobody.get("/offers").json["items"]] == ["The Blue Sky"]


def test_a_gzip_file_that_is_cut_or_a_bomb_is_refused(staff: Client) -> None:
    packed = gzip.compress(FILE)
    body = problem(staff.post("/imports?list=spring", data=packed[:-12]), 415, "unsupported_format")
    assert body["found"] == "a damaged gzip file"
    bomb = gzip.compress(FILE + b" " * 5_000_000)
    assert problem(staff.post("/imports?list=spring", data=bomb), 413, "too_large")["limit"]
    assert staff.get("/imports").json["items"] == []
