"""Agreements over the API: written by the staff, read by the partners that are party to them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask

from service.usecases import reading_agreements
from service.usecases.site import Site
from tests.api.conftest import BASE, Client, new_partner
from tests.api.test_problems import problem
from tests.service.agreement_terms import SHANGHAI, ULAANBAATAR

SCAN = b"%PDF-1.7 \x00\xff<script>alert(1)</script>"


def faults(body: dict[str, Any]) -> list[str]:
    return [fault["field"] for fault in body["errors"]]


@pytest.fixture
def made(staff: Client, partner: Client) -> dict[str, Any]:
    answer = staff.post("/agreements", json=ULAANBAATAR | {"notes": "Ours alone."})
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def path(made: dict[str, Any]) -> str:
    return str(made["url"]).removeprefix(BASE)


def test_an_agreement_lives_from_its_proposal_to_its_end(
    staff: Client, made: dict[str, Any]
) -> None:
    assert made["url"] == f"{BASE}/api/v1/agreements/{made['id']}"
    assert (made["state"], made["possible"]) == ("PROPOSED", ["negotiate", "terminate"])
    assert made["ends_on"] == "2028-09-14"
    assert made["warnings"] == []
    shown = staff.get(path(made))
    assert shown.json == made
    assert shown.headers["ETag"] == '"1"'
    assert staff.get("/agreements").json["items"][0]["id"] == made["id"]
    assert staff.post(f"{path(made)}/negotiate", json={}).json["state"] == "NEGOTIATION"
    answer = staff.post(f"{path(made)}/sign", json={"signed_in": "Busan"})
    assert (answer.json["state"], answer.json["signed_in"]) == ("ACTIVE", "Busan")
    assert answer.headers["ETag"] == f'"{answer.json["revision"]}"'
    assert answer.json["warnings"] == ["it is signed, and its document is not filed here"]
    assert staff.post(f"{path(made)}/suspend", json={"reason": "War"}).json["state"] == "SUSPENDED"
    assert staff.post(f"{path(made)}/resume", json={}).json["state"] == "ACTIVE"
    assert staff.post(f"{path(made)}/terminate", json={}).json["possible"] == []


def test_a_signed_agreement_is_entered_at_once_and_counts_as_a_relation(
    staff: Client, partner: Client
) -> None:
    none = {"partners": 0, "cities": 0, "places": 0, "expiring": 0}
    assert staff.get("/agreements/relations").json == none
    made = staff.post("/agreements", json=ULAANBAATAR | {"signed": True}).json
    assert made["state"] == "ACTIVE"
    assert staff.get("/agreements/relations").json["partners"] == 1


def test_an_impossible_transition_is_a_conflict_that_says_what_is_possible(
    staff: Client, made: dict[str, Any]
) -> None:
    body = problem(staff.post(f"{path(made)}/sign", json={}), 409, "conflict")
    assert "PROPOSED" in body["detail"]
    assert "negotiate, terminate" in body["detail"]
    for action in ("start", "warn", "expire", "burn"):
        problem(staff.post(f"{path(made)}/{action}", json={}), 404, "not_found")


def test_contradictions_are_refused_all_at_once_with_a_fault_for_each_field(
    staff: Client, app: Flask
) -> None:
    new_partner(app, "shanghai")
    wrong = SHANGHAI | {"tolerance": 1, "ends_on": "2024-01-01", "parties": [{"partner": "nobody"}]}
    body = problem(staff.post("/agreements", json=wrong), 422, "invalid")
    assert faults(body) == ["parties.1.partner", "ends_on", "ends_on", "tolerance"]
    assert all(fault["detail"] for fault in body["errors"])
    wrong = SHANGHAI | {"starts_on": "soon", "basis": "HEAPS", "reply_days": 0, "colour": "red"}
    body = problem(staff.post("/agreements", json=wrong), 422, "invalid")
    assert set(faults(body)) == {"starts_on", "basis", "reply_days", "colour"}
    body = problem(staff.post("/agreements", json={}), 422, "invalid")
    assert set(faults(body)) == {"title", "scope", "parties"}
    assert staff.get("/agreements").json["items"] == []
    signed = SHANGHAI | {"signed": True}
    assert staff.post("/agreements", json=signed).status_code == 201
    body = problem(
        staff.post("/agreements", json=signed | {"postage": "SHARED", "mode": "SPECIFIED"}),
        *(422, "invalid"),
    )
    assert faults(body) == ["mode", "postage"]


def test_who_was_slower_gets_both_versions(staff: Client, made: dict[str, Any]) -> None:
    seen = staff.get(path(made)).headers["ETag"]

    def patch(**given: Any) -> Any:
        return staff("PATCH", path(made), json=given, headers={"If-Match": seen})

    answer = patch(notes="First", starts_on="2025-10-01")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.json["ends_on"] == "2028-09-30"
    slower = patch(notes="Second", starts_on="2025-11-01")
    body = problem(slower, 412, "outdated")
    assert body["yours"] == {"notes": "Second", "starts_on": "2025-11-01"}
    assert body["current"] == staff.get(path(made)).json
    assert slower.headers["ETag"] == '"2"'
    stale = {"If-Match": seen}
    problem(staff.post(f"{path(made)}/negotiate", json={}, headers=stale), 412, "outdated")
    problem(staff("PATCH", path(made), json={}, headers={"If-Match": "2"}), 422, "invalid")


def test_what_was_signed_needs_a_reason_to_change(staff: Client, partner: Client) -> None:
    made = staff.post("/agreements", json=ULAANBAATAR | {"signed": True}).json
    body = problem(staff("PATCH", path(made), json={"reply_days": 30}), 422, "invalid")
    assert faults(body) == ["reason"]
    problem(staff("PATCH", path(made), json={"mode": "BLANKET"}), 409, "conflict")
    answer = staff("PATCH", path(made), json={"reply_days": 30, "reason": "Letter of 3 March"})
    assert (answer.status_code, answer.json["reply_days"]) == (200, 30)


def test_a_document_comes_back_as_it_went_in_and_is_never_a_page(
    staff: Client, made: dict[str, Any]
) -> None:
    answer = staff.post(
        f"{path(made)}/documents?title=Scan",
        data=SCAN,
        content_type="text/html",
        headers={
            "Content-Disposition": "attachment; filename*=UTF-8''..%2F%EC%96%91%ED%95%B4.html"
        },
    )
    assert answer.status_code == 201, answer.json
    filed = answer.json
    assert (filed["file_name"], filed["title"], filed["size"]) == ("양해.html", "Scan", len(SCAN))
    assert answer.headers["Location"] == filed["url"]
    sent = staff.get(filed["url"].removeprefix(BASE), buffered=True)
    assert sent.data == SCAN
    assert sent.headers["Content-Type"].startswith("text/html")
    assert sent.headers["Content-Disposition"] == (
        "attachment; filename=__.html; filename*=UTF-8''%EC%96%91%ED%95%B4.html"
    )
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in sent.headers["Content-Security-Policy"]
    assert sent.headers["Content-Length"] == str(len(SCAN))
    form = {"file": (io.BytesIO(SCAN), "again.pdf"), "title": "Again"}
    again = staff.post(
        f"{path(made)}/documents", data=form, content_type="multipart/form-data", buffered=True
    )
    assert (again.status_code, again.json) == (200, filed)
    assert staff.get(path(made)).json["documents"] == [filed]


def test_a_document_that_cannot_be_filed_is_refused(
    staff: Client, site: Site, made: dict[str, Any]
) -> None:
    here = f"{path(made)}/documents"
    assert faults(problem(staff.post(here, data=b""), 422, "invalid")) == ["file"]
    form = {"title": "No file"}
    sent = staff.post(here, data=form, content_type="multipart/form-data", buffered=True)
    assert faults(problem(sent, 422, "invalid")) == ["file"]
    much = b"x" * (site.settings.upload_bytes + 1)
    assert problem(staff.post(here, data=much), 413, "too_large")["limit"] == 300_000
    problem(staff.post("/agreements/nothing/documents", data=SCAN), 404, "not_found")
    problem(staff.get(f"{here}/01JZ0000000000000000000000"), 404, "not_found")


def test_a_partner_reads_its_own_agreements_and_nobody_elses(
    staff: Client, partner: Client, other: Client, nobody: Client, made: dict[str, Any]
) -> None:
    here = path(made)
    filed = staff.post(f"{here}/documents", data=SCAN).json
    document = filed["url"].removeprefix(BASE)
    problem(partner.get(here), 404, "not_found")
    assert partner.get("/agreements").json["items"] == [], "it is only a proposal of ours"
    staff.post(f"{here}/negotiate", json={})
    staff.post(f"{here}/sign", json={})
    shown = partner.get(here).json
    assert shown["documents"][0]["id"] == filed["id"]
    assert {"notes", "warnings"}.isdisjoint(shown)
    assert "Ours alone." not in partner.get("/agreements").text + partner.get(here).text
    assert partner.get(document, buffered=True).data == SCAN
    assert [each["id"] for each in partner.get("/agreements").json["items"]] == [made["id"]]
    assert partner.get("/agreements?partner=vladivostok").json["items"][0]["id"] == made["id"]
    assert other.get("/agreements").json == {"items": [], "next": None}
    for asked in (here, document):
        problem(other.get(asked), 404, "not_found")
        problem(nobody.get(asked), 401, "unauthenticated")
    for client, status, code in ((partner, 403, "forbidden"), (nobody, 401, "unauthenticated")):
        problem(client.post("/agreements", json=ULAANBAATAR), status, code)
        problem(client("PATCH", here, json={}), status, code)
        problem(client.post(f"{here}/suspend", json={}), status, code)
        problem(client.post(f"{here}/documents", data=SCAN), status, code)
        problem(client.get("/agreements/relations"), status, code)


def test_agreements_are_listed_by_partner_state_and_page(
    staff: Client, site: Site, made: dict[str, Any], app: Flask
) -> None:
    new_partner(app, "shanghai")
    second = staff.post("/agreements", json=SHANGHAI | {"signed": True}).json
    page = staff.get("/agreements?limit=1").json
    assert [each["id"] for each in page["items"]] == [second["id"]]
    assert [each["id"] for each in staff.get(page["next"]).json["items"]] == [made["id"]]
    for query, expected in (
        ("partner=shanghai", [second]),
        ("state=PROPOSED", [made]),
        ("state=PROPOSED&state=ACTIVE", [second, made]),
        ("state=EXPIRED", []),
    ):
        found = staff.get(f"/agreements?{query}").json["items"]
        assert [each["id"] for each in found] == [each["id"] for each in expected], query
    problem(staff.get("/agreements?partner=nobody"), 404, "not_found")
    problem(staff.get("/agreements?state=ASLEEP"), 422, "invalid")


def test_what_became_of_an_agreement_is_in_the_partners_feed(
    staff: Client, site: Site, partner: Client, made: dict[str, Any]
) -> None:
    staff.post(f"{path(made)}/negotiate", json={})
    staff.post(f"{path(made)}/sign", json={})
    told = partner.get("/wishlists.atom").text
    assert f"Agreement {made['id']} is now SIGNED." in told
    assert made["url"] in told
    assert reading_agreements.find(site.db, made["id"]).agreement.state == "ACTIVE"


def test_answers_have_the_members_that_the_document_says(
    staff: Client, made: dict[str, Any], nobody: Client
) -> None:
    schemas = nobody.get("/openapi.json").json["components"]["schemas"]
    assert made.keys() == schemas["AgreementWithDocuments"]["properties"].keys()
    (item,) = staff.get("/agreements").json["items"]
    assert item.keys() == schemas["Agreement"]["properties"].keys()
    filed = staff.post(f"{path(made)}/documents", data=SCAN).json
    assert filed.keys() == schemas["Document"]["properties"].keys()
