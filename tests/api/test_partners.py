"""Partners over the API: entered, shown, suspended, and given tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import BASE, Client
from tests.api.test_problems import problem

NEW = {
    "code": "ub-city",
    "name": "Ulaanbaatar City Library",
    "city": "Ulaanbaatar",
    "place": "mn",
    "isil": "MN-UB1",
}


def test_a_partner_is_entered_and_shown(staff: Client) -> None:
    answer = staff.post("/partners", json=NEW)
    assert answer.status_code == 201
    made = answer.json
    assert answer.headers["Location"] == made["url"] == f"{BASE}/api/v1/partners/ub-city"
    assert (made["place"], made["isil"], made["state"]) == ("MN", "MN-UB1", "ACTIVE")
    assert staff.get("/partners/ub-city").json == made
    problem(staff.get("/partners/nobody"), 404, "not_found")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": "UB city"}, "code"),
        ({"name": " "}, "name"),
        ({"place": "Mongolia"}, "place"),
        ({"isil": "?"}, "isil"),
        ({"isil": 3}, "isil"),
        ({"password": "x"}, "password"),
    ],
)
def test_what_is_wrong_with_a_partner_is_named(
    staff: Client, given: dict[str, Any], field: str
) -> None:
    body = problem(staff.post("/partners", json=NEW | given), 422, "invalid")
    assert [fault["field"] for fault in body["errors"]] == [field]


def test_a_code_and_an_isil_are_taken_once(staff: Client) -> None:
    staff.post("/partners", json=NEW)
    problem(staff.post("/partners", json=NEW | {"isil": None}), 409, "conflict")
    problem(staff.post("/partners", json=NEW | {"code": "x", "isil": "MN-ub1"}), 409, "conflict")


def test_partners_are_listed_by_code_and_paged_by_key(staff: Client) -> None:
    for code in ("c", "a", "b"):
        staff.post("/partners", json={"code": code, "name": code})
    page = staff.get("/partners?limit=2").json
    assert [each["code"] for each in page["items"]] == ["a", "b"]
    assert page["next"] == f"{BASE}/api/v1/partners?limit=2&after=b"
    page = staff.get(page["next"].removeprefix(BASE)).json
    assert ([each["code"] for each in page["items"]], page["next"]) == (["c"], None)


def test_the_exchange_with_a_partner_is_suspended_and_taken_up_again(
    staff: Client, partner: Client
) -> None:
    assert staff.post("/partners/ulaanbaatar/suspend").json["state"] == "SUSPENDED"
    assert partner.get("/me").json["state"] == "SUSPENDED"
    assert partner.wish("9780306406157").json["counts"] == {"restricted": 1}
    assert staff.post("/partners/ulaanbaatar/resume").json["state"] == "ACTIVE"
    assert partner.wish("9780306406157").json["counts"] == {"waiting": 1}
    problem(staff.post("/partners/nobody/suspend"), 404, "not_found")


def test_a_token_is_shown_once_and_works_until_it_is_revoked(staff: Client, nobody: Client) -> None:
    staff.post("/partners", json=NEW)
    answer = staff.post("/partners/ub-city/tokens", json={"label": "Koha"})
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json["partner"], answer.json["label"]) == ("ub-city", "Koha")
    token = answer.json["token"]
    assert token.startswith("bb_")
    header = {"Authorization": f"Bearer {token}"}
    assert nobody.get("/me", headers=header).json["code"] == "ub-city"
    assert token not in staff.get("/partners/ub-city").text
    assert staff.delete("/partners/ub-city/tokens").json == {"revoked": 1}
    assert nobody.get("/me", headers=header).status_code == 401
    problem(staff.post("/partners/nobody/tokens", json={}), 404, "not_found")
    problem(staff.delete("/partners/nobody/tokens"), 404, "not_found")
