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


FULL = NEW | {
    "type": "PUBLIC",
    "names": {"mn": "Улаанбаатар хотын төв номын сан"},
    "contacts": [{"name": "Desk", "email": "desk@ub.example", "digest": "DAILY"}],
    "languages": ["mon"],
    "profile": {"languages": ["kor"], "words": ["histor"]},
    "priority": 1,
    "per_list": 20,
    "notes": "Write in spring.",
}


def test_two_librarians_change_one_partner_and_the_second_gets_412_with_both_versions(
    staff: Client,
) -> None:
    staff.post("/partners", json=FULL)
    seen = {"If-Match": staff.get("/partners/ub-city").headers["ETag"]}
    first = staff("PATCH", "/partners/ub-city", json={"city": "Ulan Bator"}, headers=seen)
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    second = staff("PATCH", "/partners/ub-city", json={"notes": "Closed."}, headers=seen)
    body = problem(second, 412, "outdated")
    assert body["yours"] == {"notes": "Closed."}
    assert body["current"] == first.json
    assert second.headers["ETag"] == '"2"'
    again = {"If-Match": second.headers["ETag"]}
    assert staff("PATCH", "/partners/ub-city", json={"notes": "Closed."}, headers=again).json[
        "notes"
    ] == ("Closed.")
    wrong = staff("PATCH", "/partners/ub-city", json={}, headers={"If-Match": "2"})
    assert problem(wrong, 422, "invalid")["errors"][0]["field"] == "If-Match"


def test_an_entry_shows_all_that_was_told_and_the_name_of_its_place(staff: Client) -> None:
    made = staff.post("/partners", json=FULL).json
    assert made["place_name"] == "Mongolia"
    assert {name: made[name] for name in FULL if name not in {"contacts", "place"}} == {
        name: value for name, value in FULL.items() if name not in {"contacts", "place"}
    }
    assert made["contacts"][0] == {
        "name": "Desk",
        "role": "",
        "email": "desk@ub.example",
        "phone": "",
        "language": "",
        "digest": "DAILY",
    }
    staff("PUT", "/places/mn", json={"name": "Mongol Uls", "region": "East Asia", "weight": 2})
    assert staff.get("/partners/ub-city").json["place_name"] == "Mongol Uls"
    assert staff.delete("/places/MN").status_code == 204
    assert staff.get("/partners/ub-city").json["place_name"] == "Mongolia"
    problem(staff.delete("/places/MN"), 404, "not_found")


def test_a_partner_sees_its_own_entry_without_what_we_noted_and_changes_its_contacts(
    staff: Client, partner: Client
) -> None:
    staff("PATCH", "/partners/ulaanbaatar", json={"notes": "CANARY", "priority": 3, "per_list": 5})
    answer = partner.get("/me")
    assert "CANARY" not in answer.text
    entry = answer.json["entry"]
    assert entry["per_list"] == 5
    assert not {"notes", "priority", "id"} & entry.keys()
    seen = {"If-Match": answer.headers["ETag"]}
    change = {"contacts": [{"name": "New desk"}], "names": {"mn": "Номын сан"}}
    changed = partner("PATCH", "/me", json=change, headers=seen)
    assert changed.status_code == 200, changed.json
    assert changed.json["entry"]["contacts"][0]["name"] == "New desk"
    late = partner("PATCH", "/me", json={"website": "https://ub.example/"}, headers=seen)
    assert "CANARY" not in late.text
    assert problem(late, 412, "outdated")["current"] == changed.json["entry"]


@pytest.mark.parametrize(
    "given",
    [{"priority": 1}, {"notes": ""}, {"per_list": 9}, {"type": "NATIONAL"}, {"code": "x"},
     {"state": "ACTIVE"}, {"isil": "MN-1"}, {"merged_into": 1}, {"revision": 1}],
    ids=lambda given: next(iter(given)),
)  # fmt: skip
def test_a_partner_gives_itself_nothing(
    staff: Client, partner: Client, given: dict[str, Any]
) -> None:
    before = staff.get("/partners/ulaanbaatar").json
    body = problem(partner("PATCH", "/me", json={"website": ""} | given), 422, "invalid")
    assert [fault["field"] for fault in body["errors"]] == list(given)
    assert staff.get("/partners/ulaanbaatar").json == before


@pytest.mark.parametrize("name", ["revision", "state", "merged_into", "code", "id", "public_id"])
def test_what_makes_itself_is_not_written(staff: Client, name: str) -> None:
    staff.post("/partners", json=NEW)
    problem(staff("PATCH", "/partners/ub-city", json={name: "1"}), 422, "invalid")


def test_an_entry_is_merged_and_its_code_leads_to_the_other(
    staff: Client, partner: Client, other: Client
) -> None:
    partner.wish("9780306406157")
    answer = staff.post("/partners/ulaanbaatar/merge", json={"into": "vladivostok"})
    assert answer.status_code == 200
    assert answer.json["moved"]["wish"] == 1
    assert answer.json["into"]["code"] == "vladivostok"
    assert "vladivostok" in problem(staff.get("/partners/ulaanbaatar"), 404, "not_found")["detail"]
    assert partner.get("/me").status_code == 401
    assert len(other.get("/wishlists").json["items"]) == 1
    itself = staff.post("/partners/vladivostok/merge", json={"into": "vladivostok"})
    problem(itself, 422, "invalid")


def test_the_directory_goes_out_and_comes_back_and_bad_rows_are_returned(staff: Client) -> None:
    staff.post("/partners", json=FULL)
    answer = staff.get("/partners.csv")
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    assert "partners.csv" in answer.headers["Content-Disposition"]
    table = answer.text

    def send(body: str | bytes, query: str = "", kind: str = "text/csv") -> Any:
        return staff.post(f"/partners/import{query}", data=body, content_type=kind).json

    assert send(table)["counts"] == {"created": 0, "changed": 0, "unchanged": 1, "rejected": 0}
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    sheet = staff.get("/partners.xlsx")
    assert sheet.content_type == kind
    assert send(sheet.data, kind=kind)["counts"]["unchanged"] == 1
    wrong = "code,name,priority,colour\na,A,1,red\nb,B,9,\n"
    tried = send(wrong, "?dry_run=true")
    assert (tried["counts"]["created"], tried["dry_run"]) == (1, True)
    assert staff.get("/partners/a").status_code == 404
    done = send(wrong)
    assert [(each["row"], each["column"]) for each in done["rejected"]] == [(3, "priority")]
    assert done["columns_not_read"] == ["colour"]
    assert send(done["rejected_csv"].replace(",9", ",3"))["counts"]["created"] == 1
    assert staff.get("/partners/b").json["priority"] == 3
    assert send("x", kind="application/pdf")["code"] == "unsupported_format"


def test_no_partner_learns_whether_there_is_another(partner: Client, other: Client) -> None:
    answers = {
        (method, path): [
            {**partner(method, path.format(code)).json, "request_id": ""}
            for code in ("vladivostok", "nobody")
        ]
        for method in ("GET", "PATCH")
        for path in ("/partners/{}", "/partners?after={}")
        if (method, path) != ("PATCH", "/partners?after={}")
    }
    assert other.token
    for seen in answers.values():
        assert seen[0] == seen[1]
        assert seen[0]["status"] == 403
