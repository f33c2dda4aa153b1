"""Receipts and claims over the API: said once by the partner, settled by the staff."""

from __future__ import annotations

import pytest

from service.usecases import receiving
from service.usecases.site import Site
from tests.api.conftest import BASE, Client
from tests.service import receipt_scene


@pytest.fixture
def sent(site: Site, partner: Client) -> str:
    """A consignment on its way to the partner: its address below /api/v1."""
    return f"/consignments/{receipt_scene.sent(site, code='ulaanbaatar').number}"


def test_a_partner_says_what_arrived_once(partner: Client, other: Client, sent: str) -> None:
    assert partner.get(f"{sent}/receipt").status_code == 404
    body = {"lines": [{"position": 1, "arrived": 1}], "received_by": "Bat", "note": "wet"}
    made = partner.post(f"{sent}/receipt", json=body)
    assert made.status_code == 201, made.json
    assert (made.json["state"], made.json["outcome"]) == ("RECEIVED_SHORT", "SHORT")
    assert [(e["position"], e["sent"], e["arrived"]) for e in made.json["lines"]] == [
        (1, 2, 1),
        (2, 1, 1),
    ]
    (claim,) = made.json["claims"]
    assert (claim["reason"], claim["line"], claim["copies"], claim["side"]) == (
        "SHORT", 1, 1, "THEIRS",
    )  # fmt: skip
    assert "possible" not in claim
    again = partner.post(f"{sent}/receipt", json=body)
    assert (again.status_code, again.json) == (200, made.json)
    different = partner.post(f"{sent}/receipt", json={})
    assert different.status_code == 409
    assert "the exchange librarian can correct that" in different.json["detail"]
    assert partner.get(f"{sent}/receipt").json == made.json
    assert partner.get(sent).json["state"] == "RECEIVED_SHORT"
    for call in (other.get(f"{sent}/receipt"), other.post(f"{sent}/receipt", json={})):
        assert call.status_code == 404
    assert other.get(f"/claims/{claim['id']}").status_code == 404
    assert other.get("/claims").json["items"] == []


def test_more_than_was_sent_is_refused_by_line(partner: Client, sent: str) -> None:
    refused = partner.post(
        f"{sent}/receipt",
        json={"lines": [{"position": 1, "arrived": 3}, {"position": 7, "arrived": 1}]},
    )
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json["errors"]] == ["lines.1.arrived", "lines.7"]
    assert "but 2 were sent" in refused.json["errors"][0]["detail"]
    assert partner.post(f"{sent}/receipt", json={"reason": "so"}).status_code == 422
    assert partner.post(f"{sent}/receipt", json={"all": True}).status_code == 422
    assert partner.get(sent).json["state"] == "DISPATCHED"


def test_the_staff_enters_and_corrects_with_a_reason(
    staff: Client, partner: Client, sent: str
) -> None:
    assert staff.post(f"{sent}/receipt", json={}).status_code == 422
    made = staff.post(f"{sent}/receipt", json={"reason": "her letter"})
    assert (made.status_code, made.json["channel"]) == (201, "STAFF")
    wrong = {"lines": [{"position": 2, "arrived": 0}]}
    assert staff("PUT", f"{sent}/receipt", json=wrong).status_code == 422
    seen = made.headers["ETag"]
    put = staff(
        "PUT", f"{sent}/receipt", json=wrong | {"reason": "mail"}, headers={"If-Match": seen}
    )
    assert (put.status_code, put.json["outcome"]) == (200, "SHORT")
    late = staff("PUT", f"{sent}/receipt", json={"reason": "x"}, headers={"If-Match": seen})
    assert (late.status_code, late.json["current"]["outcome"]) == (412, "SHORT")
    assert partner("PUT", f"{sent}/receipt", json={"reason": "mine"}).status_code == 403
    logged = staff.get("/audit?kind=receipt").json["items"]
    assert [(each["action"], each["reason"]) for each in logged] == [
        ("corrected", "mail"),
        ("entered", "her letter"),
    ]


def test_the_link_is_shown_to_the_staff(
    staff: Client, partner: Client, site: Site, sent: str
) -> None:
    url = staff.get(f"{sent}/receipt-link").json["url"]
    assert url.startswith(f"{BASE}/receipts/")
    found = receiving.slip(site.db, site.settings, url.rpartition("/")[2])
    assert found.consignment.number == sent.rpartition("/")[2]
    assert partner.get(f"{sent}/receipt-link").status_code == 403


def test_a_claim_goes_its_way_over_the_api(
    staff: Client, partner: Client, other: Client, sent: str
) -> None:
    number = sent.rpartition("/")[2]
    body = {"consignment": number, "reason": "WRONG_EDITION", "line": 1, "copies": 1}
    assert other.post("/claims", json=body).status_code == 404
    made = partner.post("/claims", json=body)
    assert made.status_code == 201, made.json
    path = f"/claims/{made.json['id']}"
    assert made.headers["Location"] == f"{BASE}/api/v1{path}"
    assert partner.post("/claims", json=body).status_code == 409
    assert partner.post("/claims", json=body | {"copies": 9, "reason": "SHORT"}).status_code == 422
    assert partner.post(f"{path}/answer", json={"text": "yes"}).status_code == 403
    assert partner.post(f"{path}/resolve", json={"resolution": "ARRIVED"}).status_code == 403
    shown = staff.get(path)
    assert shown.json["possible"] == ["answer", "resolve", "close"]
    assert shown.json["next_step"].startswith("Answer it")
    early = staff.post(f"{path}/send", json={})
    assert early.status_code == 409
    assert "possible: answer, resolve, close" in early.json["detail"]
    seen = {"If-Match": shown.headers["ETag"]}
    assert staff.post(f"{path}/answer", json={"text": "We look"}, headers=seen).status_code == 200
    assert staff.post(f"{path}/close", json={"text": "x"}, headers=seen).status_code == 412
    early = staff.post(f"{path}/resolve", json={"resolution": "CREDITED"})
    assert early.status_code == 409
    partner.post(f"{sent}/receipt", json={})
    assert staff.get(path).json["state"] == "ANSWERED"
    done = staff.post(f"{path}/resolve", json={"resolution": "RESENT"})
    assert (done.json["state"], done.json["resolution"]) == ("RESOLVED", "RESENT")
    again = staff.get(f"/consignments/{done.json['resent']}").json
    assert (again["state"], again["titles"], again["partner"]) == ("DRAFT", 1, "ulaanbaatar")
    refused = staff.post(f"{path}/reopen", json={"text": "no"})
    assert refused.status_code == 409
    assert staff.post(f"/consignments/{again['number']}/cancel", json={}).status_code == 200
    assert staff.post(f"{path}/reopen", json={"text": "no"}).json["state"] == "ANSWERED"
    assert staff.post(f"{path}/close", json={"text": "no"}).json["possible"] == ["reopen"]
    assert [each["id"] for each in partner.get("/claims").json["items"]] == [made.json["id"]]
    assert staff.get("/claims?partner=ulaanbaatar&state=OPEN&side=THEIRS").json["items"] == []
    assert staff.get("/claims?due=true").json["items"] == []
