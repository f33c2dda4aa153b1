"""The audit log over the API: newest first, by key, of one thing, and in words."""

from __future__ import annotations

from tests.api.conftest import BASE, Client


def test_the_staff_reads_who_did_what(staff: Client, partner: Client) -> None:
    changed = staff("PATCH", "/partners/ulaanbaatar", json={"priority": 1})
    assert changed.status_code == 200
    partner("PATCH", "/me", json={"website": "https://lib.example"})
    page = staff.get("/audit?kind=partner&name=ulaanbaatar&limit=2").json
    theirs, ours = page["items"]
    assert theirs["by"] == "partner:ulaanbaatar"
    assert ours == {
        "id": ours["id"],
        "at": ours["at"],
        "by": "staff:kim",
        "action": "changed",
        "kind": "partner",
        "name": "ulaanbaatar",
        "before": {"priority": 2},
        "after": {"priority": 1},
        "reason": "",
        "sentence": "staff:kim changed partner ulaanbaatar: priority 2 → 1",
    }
    assert page["next"].startswith(f"{BASE}/api/v1/audit?")
    (added,) = staff.get(page["next"].removeprefix(BASE)).json["items"]
    assert (added["action"], added["by"], added["before"]) == ("added", "command line", None)


def test_a_token_that_is_made_over_the_api_is_in_the_log_with_who_made_it(
    staff: Client, partner: Client
) -> None:
    made = staff.post("/partners/ulaanbaatar/tokens", json={"label": "catalogue"}).json
    (newest, *_) = staff.get("/audit?kind=token").json["items"]
    assert (newest["by"], newest["name"]) == ("staff:kim", "partner:ulaanbaatar")
    assert made["token"] not in str(staff.get("/audit").json)


def test_names_that_nothing_has_are_an_empty_page(staff: Client) -> None:
    assert staff.get("/audit?kind=nothing").json == {"items": [], "next": None}
    assert staff.get("/audit?before=01JZ0000000000000000000000").json["items"] == []
    assert staff.get("/audit?limit=0").status_code == 422
    assert staff.get("/audit?name=%00").status_code == 422
