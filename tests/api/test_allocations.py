"""Planning, confirming, accepting, declining over the API: by the staff, and by whom it is for."""

from __future__ import annotations

import pytest

from service.domain.offer import ListAction
from service.store.tables import wish
from service.usecases import offering
from service.usecases.site import Site
from tests.api.conftest import Client, oai, offer, record

PLAN = {"policy": "FIRST_COME", "seed": "2026"}


@pytest.fixture
def closed(site: Site, partner: Client, other: Client) -> str:
    """A closed list with one title that two partners wished for; return its identifier."""
    (one,) = offer(site, "spring", record("One"))
    partner.wish(oai(one))
    other.wish(oai(one))
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    return oai(one)


def test_a_list_is_planned_looked_at_and_confirmed(
    staff: Client, partner: Client, closed: str
) -> None:
    assert staff.post("/lists/spring/allocation/confirm", json={}).status_code == 409
    planned = staff.post("/lists/spring/allocation", json=PLAN)
    assert planned.status_code == 200
    run = planned.json["run"]
    assert (run["state"], run["wishes"], run["met"], run["seed"]) == ("PROPOSED", 2, 1, "2026")
    assert planned.json["items"][0]["offer"] == closed
    assert partner.get("/allocations").json["items"] == [], "a plan is told nobody"
    again = staff.post("/lists/spring/allocation", json={"policy": "PRIORITY"}).json["run"]
    assert (again["seed"], again["id"] == run["id"]) == ("2026", False)
    stale = staff.post("/lists/spring/allocation/confirm", json={"plan": run["id"]})
    assert stale.status_code == 409
    assert "planned this list meanwhile" in stale.json["detail"]
    done = staff.post("/lists/spring/allocation/confirm", json={"plan": again["id"]}).json
    assert (done["run"]["state"], done["run"]["finished_at"] is None) == ("CONFIRMED", False)
    assert staff.get("/lists/spring").json["state"] == "ALLOCATED"
    assert staff.post("/lists/spring/allocation", json={}).status_code == 409
    once_more = staff.post("/lists/spring/allocation/confirm", json={"plan": again["id"]})
    assert once_more.json == done


def test_another_policy_is_tried_beside_the_plan(staff: Client, closed: str) -> None:
    staff.post("/lists/spring/allocation", json=PLAN)
    tried = staff.get("/lists/spring/allocation/what-if?policy=PRIORITY&seed=7").json
    assert (tried["policy"], tried["seed"], tried["met"]) == ("PRIORITY", "7", 1)
    assert {each["partner"]: each["now"] for each in tried["shares"]} == {
        "ulaanbaatar": 1,
        "vladivostok": 0,
    }
    assert staff.get("/lists/spring/allocation").json["run"]["policy"] == "FIRST_COME"
    assert staff.get("/lists/spring/allocation/what-if?policy=MINE").status_code == 422
    assert staff.get("/lists/winter/allocation/what-if").status_code == 404


def test_a_partner_declines_and_the_next_in_line_has_it(
    staff: Client, partner: Client, other: Client, closed: str
) -> None:
    staff.post("/lists/spring/allocation", json=PLAN)
    staff.post("/lists/spring/allocation/confirm", json={})
    (mine,) = partner.get("/allocations").json["items"]
    (theirs,) = other.get("/allocations").json["items"]
    assert (mine["state"], theirs["state"]) == ("CONFIRMED", "NOT_ALLOCATED")
    assert "partner" not in mine, "nothing but its own"
    path = f"/allocations/{mine['id']}"
    assert other.get(path).status_code == 404
    assert other.post(f"{path}/decline", json={}).status_code == 404
    refused = partner.post(f"{path}/accept")
    assert (refused.status_code, "possible: decline" in refused.json["detail"]) == (409, True)
    left = partner.post(f"{path}/decline", json={"reason": "We bought it"})
    assert (left.status_code, left.json["state"]) == (200, "DECLINED")
    assert left.json["reason"].endswith(": We bought it.")
    shown = other.get(f"/allocations/{theirs['id']}").json
    assert (shown["state"], shown["given"]) == ("CONFIRMED", 1)
    assert partner.post(f"{path}/decline", json={}).status_code == 409
    done = staff.post(f"/allocations/{theirs['id']}/decline", json={})
    assert done.json["state"] == "DECLINED"


def test_what_differs_is_offered_and_accepted(
    staff: Client, partner: Client, other: Client, site: Site, closed: str
) -> None:
    with site.db.write() as conn:
        conn.execute(wish.update().values(outcome="matched"))
    staff.post("/lists/spring/allocation", json=PLAN)
    staff.post("/lists/spring/allocation/confirm", json={})
    (asked,) = partner.get("/allocations?state=OFFERED").json["items"]
    assert asked["differs"]
    assert asked["answer_until"].endswith("Z")
    assert other.get("/allocations?state=OFFERED").json["items"] == []
    taken = partner.post(f"/allocations/{asked['id']}/accept").json
    assert (taken["state"], taken["answer_until"]) == ("ACCEPTED", None)
    assert taken["transfer"]
    assert staff.get(f"/allocations/{asked['id']}").json["state"] == "ACCEPTED"
    assert staff.get("/allocations/x").status_code == 404
    assert partner.get("/allocations?before=x").status_code == 404
