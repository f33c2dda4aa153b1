"""Wish lists over the API: every format, every outcome, and no wish counted twice."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from lxml import etree

from marc_mappings import formats, marcxml
from service.domain.wish import Outcome
from service.domain.wish_sheet import ODS, XLSX
from service.store import wish_lists
from service.usecases.site import Site
from tests.api.conftest import BASE, ISBN, ISSN, Client, marc, oai, offer, record, work
from tests.api.test_problems import Unread, problem
from tests.service.test_wish_tables import ods, ods_row, xlsx

NOWHERE = "01JZ0000000000000000000000"
BOOK = record("The Blue Sky", isbn=ISBN)


@pytest.fixture
def book(site: Site) -> str:
    return offer(site, "spring", BOOK)[0]


def test_a_wish_list_is_answered_line_by_line_and_kept(book: str, partner: Client) -> None:
    answer = partner.wish("# my wishes", oai(book), "9780000000002")
    assert answer.status_code == 201
    body = answer.json
    assert answer.headers["Location"] == body["url"] == f"{BASE}/api/v1/wishlists/{body['id']}"
    assert (body["partner"], body["mode"], body["list_key"]) == ("ulaanbaatar", "append", "")
    assert body["received_at"].endswith("Z")
    assert body["withdrawn"] == 0
    assert body["counts"] == {"registered": 1, "waiting": 1}
    assert body["lines"][0] == {
        "line_no": 2,
        "line": oai(book),
        "outcome": "registered",
        "reason": "The offer you named is “The Blue Sky” on list spring.",
        "offer": oai(book),
        "offer_url": f"{BASE}/offers/{book}",
        "score": 1.0,
        "quantity": 1,
        "note": "",
        "state": "OPEN",
    }
    assert body["lines"][1]["offer"] is None
    assert body["lines"][1]["offer_url"] is None
    shown = partner.get(f"/wishlists/{body['id']}").json
    assert "withdrawn" not in shown
    assert shown == {name: value for name, value in body.items() if name != "withdrawn"}


def test_every_outcome_can_be_reached(site: Site, staff: Client, partner: Client) -> None:
    (book,) = offer(site, "spring", BOOK)
    offer(site, "serials", record("Asian Journal", issn=ISSN))
    twice = record("Twice", isbn="9788936434120")
    offer(site, "one", twice)
    offer(site, "two", twice)
    (gone,) = offer(site, "gone", record("Gone"))
    staff.post("/lists/gone/close")
    sent = {
        oai(book): "registered",
        ISSN: "matched",
        "9791186000007": "waiting",
        "9788936434120": "ambiguous",
        f"{BASE}/offers/{book}": "duplicate",
        oai(NOWHERE): "not_offered",
        oai(gone): "closed",
        "12345": "invalid",
    }
    lines = partner.wish(*sent).json["lines"]
    edition = {"title": "The Blue Sky", "isbn": "9791186000014"}
    (other,) = partner.post("/wishlists", json=[edition]).json["lines"]
    assert (other["outcome"], other["offer"]) == ("other_edition", oai(book))
    lines.append(other)
    sent[other["line"]] = "other_edition"
    found = {line["line"]: line["outcome"] for line in lines}
    staff.post("/partners/ulaanbaatar/suspend")
    (line,) = partner.wish(oai(book)).json["lines"]
    assert line["outcome"] == "restricted"
    assert found == sent
    assert {*found.values(), line["outcome"]} == set(Outcome)
    assert all(each["reason"] for each in lines)
    states = {each["outcome"]: each["state"] for each in lines}
    assert {outcome for outcome, state in states.items() if state == "OPEN"} == {
        "registered",
        "matched",
        "other_edition",
        "waiting",
    }


FORMATS = {
    "text/uri-list": lambda book: oai(book).encode(),
    "application/json": lambda book: json.dumps([{"identifier": oai(book), "note": "둘"}]).encode(),
    "text/csv": lambda book: f"identifier;quantity\r\n{oai(book)};1\r\n".encode(),
    "application/marc": lambda _: marc(BOOK),
    "application/marcxml+xml": lambda _: marcxml.write(BOOK),
    "application/xml": lambda _: marcxml.write(BOOK),
    "text/xml": lambda _: marcxml.write(BOOK),
    "text/csv; charset=UTF-8": lambda _: f"isbn\n{ISBN}\n".encode(),
    "text/csv; charset=EUC-KR": lambda _: f"서명,ISBN\n책,{ISBN}\n".encode("euc-kr"),
    XLSX: lambda book: xlsx(("교환 도서 목록",), ("링크",), (f"{BASE}/offers/{book}",)),
    ODS: lambda _: ods(ods_row("書名", "ISBN") + ods_row("The Blue Sky", ISBN)),
}


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_wish_list_comes_in_any_format(book: str, partner: Client, media_type: str) -> None:
    answer = partner.post("/wishlists", data=FORMATS[media_type](book), content_type=media_type)
    assert answer.status_code == 201
    assert [line["outcome"] for line in answer.json["lines"]] == ["registered"]
    assert answer.json["lines"][0]["offer"] == oai(book)


def test_quantity_and_note_are_kept(book: str, partner: Client) -> None:
    given = [{"identifier": oai(book), "quantity": 3, "note": "для читального зала"}]
    (line,) = partner.post("/wishlists", json=given).json["lines"]
    assert (line["quantity"], line["note"]) == (3, "для читального зала")


@pytest.mark.parametrize("media_type", ["", "application/pdf", "multipart/form-data; boundary=x"])
def test_another_format_is_refused(partner: Client, media_type: str) -> None:
    answer = partner.post("/wishlists", data=b"x", content_type=media_type)
    problem(answer, 415, "unsupported_format")


@pytest.mark.parametrize(
    ("data", "media_type", "status"),
    [
        (b"{", "application/json", 422),
        (b"[" * 15_000, "application/json", 422),
        (b"3", "application/json", 422),
        (b"\xff\xfe", "text/csv", 422),
        (b"name\nx\n", "text/csv", 422),
        (b"", "text/uri-list", 422),
        (b"%PDF-1.7", "application/marc", 415),
        (b"<a/>", "application/marcxml+xml", 415),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(
    partner: Client, data: bytes, media_type: str, status: int
) -> None:
    answer = partner.post("/wishlists", data=data, content_type=media_type)
    problem(answer, status, {422: "invalid", 415: "unsupported_format"}[status])
    assert partner.get("/wishlists").json["items"] == []


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000"])
def test_a_text_that_cannot_be_kept_costs_no_other_line(
    book: str, partner: Client, text: str
) -> None:
    data = f'[{{"isbn": "{ISBN}", "note": "{text}"}}, "{text}", "9780000000002"]'
    answer = partner.post("/wishlists", data=data, content_type="application/json")
    assert answer.status_code == 201
    assert answer.json["lines"][2]["outcome"] == "waiting"


def test_a_body_over_the_limit_is_refused_before_it_is_read(partner: Client) -> None:
    body = {"wsgi.input": Unread(), "CONTENT_LENGTH": "20001"}
    answer = partner.post("/wishlists", environ_overrides=body, content_type="text/uri-list")
    assert problem(answer, 413, "too_large")["limit"] == 20_000


def test_a_body_without_a_length_is_read_no_further_than_the_limit(partner: Client) -> None:
    stream = io.BytesIO(b"9780000000002\n" * 10_000)
    chunked = {"wsgi.input": stream, "wsgi.input_terminated": True}
    answer = partner.post("/wishlists", environ_overrides=chunked, content_type="text/uri-list")
    assert problem(answer, 413, "too_large")["limit"] == 20_000
    assert stream.tell() <= 20_001


def test_more_lines_than_the_limit_are_refused(partner: Client) -> None:
    assert problem(partner.wish(*["12345"] * 51), 413, "too_large")["limit"] == 50


def test_a_dry_run_answers_and_keeps_nothing(site: Site, book: str, partner: Client) -> None:
    for query in ("?dry_run=1", "?dry_run=true&mode=replace"):
        answer = partner.wish(oai(book), "12345", query=query, Idempotency_Key="k")
        assert answer.status_code == 200
        assert "Location" not in answer.headers
        assert (answer.json["id"], answer.json["url"]) == (None, None)
        assert answer.json["counts"] == {"registered": 1, "invalid": 1}
    assert partner.get("/wishlists").json["items"] == []
    with site.db.read() as conn:
        assert wish_lists.listed(conn, None, "", 10) == []
    answer = partner.wish(oai(book), Idempotency_Key="k")
    assert (answer.status_code, answer.json["counts"]) == (201, {"registered": 1})


def test_the_same_request_is_kept_once(book: str, partner: Client) -> None:
    first = partner.wish(oai(book), Idempotency_Key="5f1d")
    again = partner.wish(oai(book), Idempotency_Key="5f1d")
    assert (first.status_code, again.status_code) == (201, 200)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json["id"] == first.json["id"]
    assert again.json["lines"] == first.json["lines"]
    assert len(partner.get("/wishlists").json["items"]) == 1


def test_a_key_that_came_with_another_list_is_a_conflict(
    book: str, partner: Client, other: Client
) -> None:
    partner.wish(oai(book), Idempotency_Key="5f1d")
    problem(partner.wish(ISBN, Idempotency_Key="5f1d"), 409, "conflict")
    assert other.wish(ISBN, Idempotency_Key="5f1d").status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_has_a_sensible_length(partner: Client, key: str) -> None:
    problem(partner.wish(ISBN, Idempotency_Key=key), 422, "invalid")


def test_replace_withdraws_what_is_not_repeated(site: Site, partner: Client) -> None:
    first, second = offer(site, "spring", record("One"), record("Two"))
    old = partner.wish(oai(first), oai(second), query="?list_key=main").json
    new = partner.wish(oai(second), query="?mode=replace&list_key=main").json
    assert (new["mode"], new["list_key"], new["withdrawn"]) == ("replace", "main", 1)
    assert [line["outcome"] for line in new["lines"]] == ["registered"]
    states = [line["state"] for line in partner.get(f"/wishlists/{old['id']}").json["lines"]]
    assert states == ["REPLACED", "REPLACED"]
    problem(partner.wish(ISBN, query="?mode=overwrite"), 422, "invalid")


def test_wish_lists_are_listed_to_their_partner_and_to_the_staff(
    partner: Client, other: Client, staff: Client
) -> None:
    mine = [partner.wish(ISBN).json["id"] for _ in range(3)]
    theirs = other.wish(ISBN).json["id"]
    page = partner.get("/wishlists?limit=2").json
    assert [each["id"] for each in page["items"]] == [mine[2], mine[1]]
    assert page["items"][0].keys() == {
        "id",
        "url",
        "partner",
        "received_at",
        "lines",
        "state",
    }
    page = partner.get(page["next"].removeprefix(BASE)).json
    assert ([each["id"] for each in page["items"]], page["next"]) == ([mine[0]], None)
    everything = [each["id"] for each in staff.get("/wishlists").json["items"]]
    assert everything == [theirs, *reversed(mine)]
    assert staff.get(f"/wishlists/{theirs}").json["partner"] == "vladivostok"


def test_another_partners_wish_list_is_not_there(book: str, partner: Client, other: Client) -> None:
    made = partner.wish(oai(book)).json["id"]
    absent = problem(other.get(f"/wishlists/{NOWHERE}"), 404, "not_found")["detail"]
    assert problem(other.get(f"/wishlists/{made}"), 404, "not_found")["detail"] == absent
    problem(other.get(f"/wishlists/{made}?format=csv"), 404, "not_found")
    problem(other.delete(f"/wishlists/{made}/lines/1"), 404, "not_found")
    assert partner.get(f"/wishlists/{made}").json["lines"][0]["state"] == "OPEN"
    problem(partner.get("/wishlists/x"), 404, "not_found")


def test_a_wish_can_be_taken_back_once(book: str, partner: Client) -> None:
    made = partner.wish(oai(book), "12345").json["id"]
    answer = partner.delete(f"/wishlists/{made}/lines/1")
    assert (answer.status_code, answer.data) == (204, b"")
    assert partner.get(f"/wishlists/{made}").json["lines"][0]["state"] == "WITHDRAWN"
    again = problem(partner.delete(f"/wishlists/{made}/lines/1"), 409, "conflict")
    assert again["detail"] == "this wish is WITHDRAWN: it cannot be withdrawn; possible: nothing"
    problem(partner.delete(f"/wishlists/{made}/lines/2"), 409, "conflict")
    for line in ("3", "0", "99999999999999999999", "x"):
        problem(partner.delete(f"/wishlists/{made}/lines/{line}"), 404, "not_found")
    assert partner.wish(oai(book)).json["counts"] == {"registered": 1}


def test_a_wish_list_as_csv_runs_no_formula(book: str, partner: Client) -> None:
    given = [
        {"identifier": oai(book), "note": "=1+1"},
        {"isbn": "9780000000002", "note": "\t=1"},
        "@x",
    ]
    made = partner.post("/wishlists", json=given).json["id"]
    for path, accept in (
        (f"/wishlists/{made}?format=csv", "*/*"),
        (f"/wishlists/{made}", "text/csv"),
    ):
        answer = partner.get(path, headers={"Accept": accept})
        assert answer.content_type.startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.get_data().decode(), newline="")))
        assert [row["outcome"] for row in rows] == ["registered", "waiting", "invalid"]
        assert rows[0]["note"] == "'=1+1"
        assert rows[2]["line"] == "'@x"
        assert (rows[0]["offer"], rows[1]["offer"]) == (oai(book), "")
        assert all(
            not value.startswith(("=", "+", "-", "@", "\t", "\r"))
            for row in rows
            for value in row.values()
        )
    for accept in ("application/json", "*/*", "text/html", "application/json, text/csv;q=0.5"):
        answer = partner.get(f"/wishlists/{made}", headers={"Accept": accept})
        assert answer.content_type == "application/json"
    answer = partner.get(f"/wishlists/{made}?format=json", headers={"Accept": "text/csv"})
    assert answer.content_type == "application/json"


def test_columns_that_are_not_read_and_what_was_guessed_are_told(partner: Client) -> None:
    body = f"2026 목록\n서명,저자,ISBN\n책,한강,{ISBN}\n".encode("cp949")
    made = partner.post("/wishlists", data=body, content_type="text/csv").json
    assert made["columns_not_read"] == []
    assert "cp949" in made["remarks"][0]
    assert made["lines"][0]["line"] == f"책,한강,{ISBN}"
    shown = partner.get(f"/wishlists/{made['id']}").json
    assert shown["remarks"] == made["remarks"]


def test_headings_are_explained_once_with_a_list(partner: Client) -> None:
    own = {"data": f"図書番号,頒布\n{ISBN},2\n".encode(), "content_type": "text/csv"}
    said = {"heading": ["図書番号=isbn", "頒布=quantity"]}
    made = partner.post("/wishlists", query_string=said, **own).json
    assert made["headings"] == {"図書番号": "isbn", "頒布": "quantity"}
    assert (made["lines"][0]["quantity"], made["columns_not_read"]) == (2, [])
    again = partner.post("/wishlists", **own).json
    assert (again["lines"][0]["quantity"], again["headings"]) == (2, made["headings"])
    answer = partner.post("/wishlists", query_string={"heading": "頒布=shelf"}, **own)
    assert answer.status_code == 422
    assert "HEADING=COLUMN" in answer.json["detail"]


@pytest.mark.parametrize(
    "prefer", ["respond-async", "Respond-Async, wait=10", 'handling=lenient, respond-async; x="1"']
)
def test_a_list_is_answered_later_for_whom_prefers_it(
    site: Site, book: str, partner: Client, prefer: str
) -> None:
    answer = partner.wish(oai(book), "9780000000002", "x", Prefer=prefer)
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    body = answer.json
    assert answer.headers["Location"] == body["url"]
    assert (body["state"], body["total"], body["answered"]) == ("received", 3, 0)
    assert (body["lines"], body["counts"], body["answered_at"]) == ([], {}, None)
    assert "withdrawn" not in body
    work(site)
    body = partner.get(body["url"].removeprefix(BASE)).json
    assert (body["state"], body["total"], body["answered"]) == ("answered", 3, 3)
    assert body["counts"] == {"registered": 1, "waiting": 1, "invalid": 1}
    assert (body["withdrawn"], len(body["lines"])) == (0, 3)


@pytest.mark.parametrize("prefer", ["", "wait=5", "respond-asynchronously", "x=respond-async"])
def test_a_short_list_is_answered_at_once_for_everybody_else(partner: Client, prefer: str) -> None:
    answer = partner.wish(ISBN, Prefer=prefer)
    assert answer.status_code == 201
    assert "Preference-Applied" not in answer.headers
    assert answer.json["state"] == "answered"
    answer = partner.wish(ISBN, query="?dry_run=1", Prefer="respond-async")
    assert answer.status_code == 200
    assert "Preference-Applied" not in answer.headers


def test_lines_are_read_page_by_page(book: str, partner: Client) -> None:
    made = partner.wish("# first", oai(book), *[f"97800000000{n:02}" for n in range(8)]).json
    assert (len(made["lines"]), made["next"]) == (9, None)
    numbers: list[int] = []
    address = f"/api/v1/wishlists/{made['id']}?limit=4"
    while address:
        page = partner.get(address).json
        assert page["counts"] == made["counts"]
        numbers += [line["line_no"] for line in page["lines"]]
        address = (page["next"] or "").removeprefix(BASE)
    assert numbers == list(range(2, 11))
    for query in ("limit=0", "limit=2001", "after=-1", "after=99999999999"):
        problem(partner.get(f"/wishlists/{made['id']}?{query}"), 422, "invalid")


def test_the_records_of_what_was_found_are_a_collection(
    site: Site, staff: Client, partner: Client, other: Client
) -> None:
    one, _, three = offer(site, "spring", BOOK, record("Two"), record("Three & <four>"))
    made = partner.wish(oai(one), "12345", ISBN, oai(three), "9780000000002").json["id"]
    for caller in (partner, staff):
        answer = caller.get(f"/wishlists/{made}?format=marcxml")
        assert answer.content_type == "application/marcxml+xml; charset=utf-8"
        found = [item.record for item in formats.read(io.BytesIO(answer.data))]
        titles = [next(iter(each.all("245"))).first("a") for each in found]
        assert titles == ["The Blue Sky", "Three & <four>"]
    problem(other.get(f"/wishlists/{made}?format=marcxml"), 404, "not_found")
    empty = partner.wish("9780000000019").json["id"]
    answer = partner.get(f"/wishlists/{empty}", headers={"Accept": "application/marcxml+xml"})
    assert len(etree.fromstring(answer.data)) == 0


# --- feeds ----------------------------------------------------------------------------------------

ATOM = "{http://www.w3.org/2005/Atom}"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def is_atom(data: bytes) -> etree._Element:
    """Hold a feed against the rules of RFC 4287, sections 4.1.1 and 4.1.2; return its root."""
    root = etree.fromstring(data)
    assert root.tag == f"{ATOM}feed"
    _is_element(root, {"id": 1, "title": 1, "updated": 1, "author": 1})
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    relations = [link.get("rel") for link in root.findall(f"{ATOM}link")]
    assert relations.count("self") == 1
    assert set(relations) <= {"self", "next"}
    assert len(relations) == len(set(relations))
    entries = root.findall(f"{ATOM}entry")
    for entry in entries:
        _is_element(entry, {"id": 1, "title": 1, "updated": 1, "content": 1})
        (link,) = entry.findall(f"{ATOM}link")
        assert link.get("rel") == "alternate"
    ids = [each.findtext(f"{ATOM}id") for each in (root, *entries)]
    assert len(ids) == len(set(ids))
    # The entries come last, and nothing is in another namespace.
    assert [each.tag for each in root][-len(entries) or len(root) :] == [f"{ATOM}entry"] * len(
        entries
    )
    assert all(str(each.tag).startswith(ATOM) for each in root.iter())
    return root


def _is_element(element: etree._Element, needed: dict[str, int]) -> None:
    for name, times in needed.items():
        assert len(element.findall(f"{ATOM}{name}")) == times, name
    assert re.fullmatch(MOMENT, element.findtext(f"{ATOM}updated") or "")
    assert re.fullmatch(
        r"tag:books\.example\.org,2026-01-01:\S+", element.findtext(f"{ATOM}id") or ""
    )
    assert all(re.match("https?://", link.get("href", "")) for link in element.iter(f"{ATOM}link"))


def test_a_partner_follows_its_answers_in_a_feed(
    site: Site, book: str, partner: Client, other: Client, staff: Client
) -> None:
    assert len(is_atom(partner.get("/wishlists.atom").data)) == 5, "an empty feed is a feed, too"
    other.wish(ISBN)
    sent = [partner.wish(f"978000000{n:04}").json for n in range(4)]
    later = partner.wish(oai(book), Prefer="respond-async").json
    work(site)
    told: list[str] = []
    ids: set[str] = set()
    address = "/api/v1/wishlists.atom?limit=2"
    while address:
        answer = partner.get(address)
        assert answer.content_type == "application/atom+xml; charset=utf-8"
        root = is_atom(answer.data)
        for entry in root.findall(f"{ATOM}entry"):
            ids.add(entry.findtext(f"{ATOM}id") or "")
            told += [link.get("href", "") for link in entry.findall(f"{ATOM}link")]
        following = [each.get("href", "") for each in root.findall(f"{ATOM}link[@rel='next']")]
        address = following[0].removeprefix(BASE) if following else ""
    assert sorted(told) == sorted([*(each["url"] for each in sent), later["url"]])
    assert len(ids) == 5
    assert told[0] == later["url"]
    problem(staff.get("/wishlists.atom"), 403, "forbidden")


def test_one_list_is_a_feed_of_its_lines(book: str, partner: Client, other: Client) -> None:
    made = partner.wish(oai(book), "x\x0b\x1f<y>", *[f"97800000000{n:02}" for n in range(3)]).json
    answer = partner.get(f"/wishlists/{made['id']}?format=atom&limit=3")
    root = is_atom(answer.data)
    entries = root.findall(f"{ATOM}entry")
    assert entries[0].findtext(f"{ATOM}content") == made["lines"][0]["reason"]
    (following,) = root.findall(f"{ATOM}link[@rel='next']")
    rest = is_atom(partner.get(following.get("href", "").removeprefix(BASE)).data)
    assert len(rest.findall(f"{ATOM}entry")) == 2
    answer = partner.get(f"/wishlists/{made['id']}", headers={"Accept": "application/atom+xml"})
    assert len(is_atom(answer.data).findall(f"{ATOM}entry")) == 5
    problem(other.get(f"/wishlists/{made['id']}?format=atom"), 404, "not_found")
