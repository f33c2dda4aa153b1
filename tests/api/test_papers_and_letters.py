"""Papers and letters over the API: pages that print, documents to edit, and who may have them."""

from __future__ import annotations

import pytest

from service.usecases import giving
from service.usecases.site import Site
from tests.api.conftest import Client, offer, record

ADDRESS = "1 Peace Avenue\nUlaanbaatar"


@pytest.fixture
def packed(site: Site, staff: Client, partner: Client) -> str:
    """The path of a packed consignment for the partner."""
    ids = offer(site, "spring", record("One"), record("Two"))
    giving.give_offers(site.db, "ulaanbaatar", ids, site.now())
    staff("PATCH", "/partners/ulaanbaatar", json={"address_roman": ADDRESS, "place": "MN"})
    made = staff.post("/consignments", json={"partner": "ulaanbaatar"})
    path = f"/consignments/{made.json['number']}"
    staff.post(f"{path}/tick", json={})
    assert staff.post(f"{path}/pack", json={}).status_code == 200
    return path


def test_a_paper_is_a_page_that_does_nothing_but_print(
    staff: Client, partner: Client, packed: str
) -> None:
    found = staff.get(f"{packed}/papers/address-labels")
    assert found.status_code == 200
    assert found.content_type == "text/html; charset=utf-8"
    assert "default-src 'none'" in found.headers["Content-Security-Policy"]
    assert "MONGOLIA" in found.text
    assert partner.get(f"{packed}/papers/packing-list").status_code == 404
    staff.post(f"{packed}/dispatch", json={})
    assert partner.get(f"{packed}/papers/packing-list").status_code == 200
    assert staff.get(f"{packed}/papers/m-bag-tags").status_code == 409
    assert staff.get(f"{packed}/papers/nothing").status_code == 404


def test_a_letter_is_written_read_and_saved(staff: Client, partner: Client) -> None:
    body = {"partner": "ulaanbaatar", "kind": "invitation", "languages": ["ko", "mn"]}
    made = staff.post("/letters", json=body)
    assert made.status_code == 201, made.json
    path = f"/letters/{made.json['id']}"
    assert made.headers["Location"] == made.json["url"]
    assert [each["language"] for each in made.json["texts"]] == ["ko", "mn"]
    assert 'lang="mn"' in staff.get(f"{path}/html").text
    document = staff.get(f"{path}/docx")
    assert document.data.startswith(b"PK")
    assert "ulaanbaatar-invitation-" in document.headers["Content-Disposition"]
    assert staff.get(f"{path}/file").status_code == 409
    assert partner.get(path).status_code == 403
    assert [each["id"] for each in staff.get("/letters").json["items"]] == [made.json["id"]]
    assert staff.post("/letters", json={**body, "languages": ["tlh"]}).status_code == 422


def test_a_letter_that_came_is_saved_and_never_shown_as_a_page(
    staff: Client, partner: Client
) -> None:
    path = "/letters/incoming?partner=ulaanbaatar&subject=Thanks&file_name=thanks.html"
    page = b"<script>alert(1)</script>"
    made = staff.post(path, data=page, content_type="text/html")
    assert made.status_code == 201, made.json
    assert staff.post(path, data=page, content_type="text/html").status_code == 200
    found = staff.get(f"/letters/{made.json['id']}/file")
    assert found.data == page
    assert found.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in found.headers["Content-Security-Policy"]
    assert staff.get(f"/letters/{made.json['id']}/html").status_code == 409


def test_a_template_is_changed_by_who_saw_it(staff: Client) -> None:
    path = "/letter-templates/invitation/ko"
    before = staff.get(path)
    assert before.json["own"] is False
    assert "partner" in before.json["placeholders"]
    new = {"subject": "인사", "body": "{partner}"}
    seen = {"If-Match": before.headers["ETag"]}
    assert staff("PUT", path, json=new, headers=seen).json["own"] is True
    late = staff("PUT", path, json={**new, "body": "{library}"}, headers=seen)
    assert late.status_code == 412
    assert late.json["current"]["body"] == "{partner}"
    wrong = staff("PUT", path, json={**new, "body": "{colour}"})
    assert wrong.status_code == 422
    assert "known are {partner}" in wrong.text
    assert staff("DELETE", path).json["own"] is False
    assert len(staff.get("/letter-templates").json) == 42
