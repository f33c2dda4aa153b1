"""Serials over the API: a partner sees its own and reports what is missing; the staff does more."""

from __future__ import annotations

from typing import Any

from service.usecases.site import Site
from tests.api.conftest import Client

CODE = "ulaanbaatar"


def follow(site: Site, staff: Client, **more: Any) -> dict[str, Any]:
    """Follow a quarterly that a partner gets; return how it is shown."""
    body = {
        "partner": CODE,
        "direction": "SENT",
        "title": "Busan Library Journal",
        "issn": "1234-5679",
        "frequency": "QUARTERLY",
        "starts_on": f"{site.now().year - 1}-01-15",
        "first_volume": 12,
        "notes": "For the director",
    }
    made = staff.post("/serials", json=body | more)
    assert made.status_code == 201, made.json
    assert made.headers["Location"] == made.json["url"]
    return dict(made.json)


def test_an_issue_is_sent_reported_missing_and_resent_and_is_once_in_the_balance(
    site: Site, staff: Client, partner: Client, other: Client
) -> None:
    serial = follow(site, staff)
    path = f"/serials/{serial['id']}"
    year = site.now().year - 1
    assert serial["issues"][2]["label"] == f"12 ({year}) 3"
    assert serial["issues"][2]["possible"] == ["send", "claim", "close"]
    sent = staff.post(f"{path}/issues/3/sent", json={"tracking": "RR473124829KR"})
    assert sent.json["issues"][2]["state"] == "SENT"
    assert (sent.json["last_moved"], sent.headers["ETag"]) == (f"12 ({year}) 3", '"2"')

    seen = partner.get(path).json
    assert (seen["issues"][2]["tracking"], "notes" in seen) == ("RR473124829KR", False)
    assert "possible" not in seen["issues"][2]
    assert other.get(path).status_code == 404
    assert other.get("/serials").json["items"] == []
    assert other.post(f"{path}/issues/3/missing", json={}).status_code == 404

    made = partner.post(f"{path}/issues/3/missing", json={"text": "It never came"})
    assert (made.status_code, made.json["issues"][2]["state"]) == (201, "CLAIMED")
    claim = partner.get(made.headers["Location"]).json
    assert (claim["side"], claim["serial"], claim["issue"]) == ("THEIRS", serial["id"], 3)
    again = partner.post(f"{path}/issues/3/missing", json={})
    assert (again.status_code, "resend, close" in again.json["detail"]) == (409, True)
    assert [each["id"] for each in staff.get("/serials?missing=true").json["items"]] == [
        serial["id"]
    ]
    assert partner.post(f"{path}/issues/3/resent", json={}).status_code == 403

    done = staff.post(f"{path}/issues/3/resent", json={})
    assert done.json["issues"][2]["state"] == "RESENT"
    assert partner.get(f"/claims/{claim['id']}").json["resolution"] == "RESENT"
    figures = partner.get("/balance").json["sent_to_partner"]
    assert (figures["titles"], figures["volumes"]) == (1, 1)
    assert staff.post(f"{path}/issues/99/sent", json={}).status_code == 404
    closed = staff.post(f"{path}/issues/1/closed", json={"reason": "Never printed"})
    assert closed.json["issues"][0]["note"] == "Never printed"


def test_an_issue_is_entered_as_sent_to_all_at_once(
    site: Site, staff: Client, partner: Client, other: Client
) -> None:
    for code in (CODE, "vladivostok"):
        follow(site, staff, partner=code)
    body = {"serial": "1234-5679", "issue": f"12 ({site.now().year - 1}) 1"}
    assert staff.post("/serials/issues/sent", json=body).json == {
        "sent": [CODE, "vladivostok"],
        "left": [],
    }
    again = staff.post("/serials/issues/sent", json=body).json
    assert again["left"][0] == {"partner": CODE, "reason": "the issue is SENT already"}
    assert staff.post("/serials/issues/sent", json=body | {"issue": "9"}).status_code == 404
    for client in (partner, other):
        (item,) = client.get("/serials").json["items"]
        assert item["last_moved"] == body["issue"]
        assert client.post("/serials/issues/sent", json=body).status_code == 403
    first = staff.get("/serials?limit=1").json
    second = staff.get(first["next"]).json
    assert [each["items"][0]["partner"] for each in (first, second)] == ["vladivostok", CODE]


def test_what_comes_from_a_partner_is_claimed_by_the_staff_alone_and_ends(
    site: Site, staff: Client, partner: Client
) -> None:
    serial = follow(site, staff, direction="RECEIVED")
    path = f"/serials/{serial['id']}"
    assert partner.post(f"{path}/issues/1/missing", json={}).status_code == 403
    made = staff.post(f"{path}/issues/1/missing", json={})
    assert made.status_code == 201
    assert partner.get(f"/claims/{made.json['claim']}").status_code == 404  # not sent yet
    got = staff.post(f"{path}/issues/1/received", json={"on": str(site.now().date())})
    assert got.json["issues"][0]["moved_on"] == str(site.now().date())
    late = staff.post(f"{path}/issues/2/received", json={"on": "9998-01-01"})
    assert (late.status_code, late.json["errors"][0]["field"]) == (422, "on")

    end = {"on": str(site.now().date()), "reason": "The journal ceased"}
    old = staff.post(f"{path}/end", json=end, headers={"If-Match": '"1"'})
    assert (old.status_code, old.json["current"]["revision"]) == (412, 3)
    ended = staff.post(f"{path}/end", json=end, headers={"If-Match": '"3"'}).json
    assert (ended["state"], ended["ends_on"]) == ("ENDED", end["on"])
    assert staff.post(f"{path}/end", json=end).status_code == 409


def test_a_serial_that_is_wrong_is_refused_with_all_that_is_wrong(
    staff: Client, partner: Client
) -> None:
    body = {
        "partner": CODE,
        "direction": "SENT",
        "title": " ",
        "issn": "1",
        "frequency": "IRREGULAR",
        "starts_on": "2026-01-01",
    }
    wrong = staff.post("/serials", json=body)
    assert wrong.status_code == 422
    assert sorted(each["field"] for each in wrong.json["errors"]) == ["issn", "per_year", "title"]
    assert partner.post("/serials", json=body).status_code == 403
    assert staff.post("/serials", json=body | {"frequency": "DAILY"}).status_code == 422
