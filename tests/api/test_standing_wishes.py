"""Standing wishes over the API: a partner has its own, the staff acts on a partner's behalf."""

from __future__ import annotations

from service.usecases.site import Site
from tests.api.conftest import Client, offer, record, work
from tests.api.test_problems import problem

STEPPE = {"title": "Steppes", "query": {"words": ["steppe"]}}


def test_a_partner_adds_one_and_reads_what_met_it_and_why(
    site: Site, partner: Client, other: Client
) -> None:
    made = partner.post("/standing-wishes", json=STEPPE)
    assert (made.status_code, made.headers["Location"]) == (201, made.json["url"])
    assert made.json["query"] == {"words": ["steppe"]}
    (public_id, _) = offer(site, "spring", record("The steppe"), record("The river"))
    work(site)
    shown = partner.get(made.json["url"]).json
    assert (shown["matches"], shown["state"]) == (1, "ACTIVE")
    (met,) = partner.get(shown["matches_url"]).json["items"]
    assert (met["offer"], met["reason"]) == (public_id, "The title has “steppe”.")
    assert (met["title"], met["list"]) == ("The steppe", "spring")
    told = partner.get("/wishlists.atom").get_data(as_text=True)
    assert f"1 new title meets your standing wish {made.json['id']}." in told
    problem(other.get(made.json["url"]), 404, "not_found")
    problem(other.get(shown["matches_url"]), 404, "not_found")
    problem(other.delete(made.json["url"]), 404, "not_found")
    assert other.get("/standing-wishes").json["items"] == []


def test_what_registers_is_a_wish_list_of_the_partner(site: Site, partner: Client) -> None:
    partner.post("/standing-wishes", json=STEPPE | {"registers": True})
    (public_id,) = offer(site, "spring", record("The steppe"))
    work(site)
    (listed,) = partner.get("/wishlists").json["items"]
    (line,) = partner.get(listed["url"]).json["lines"]
    assert line["outcome"] == "registered"
    assert public_id in line["offer"]


def test_the_staff_acts_for_a_partner_and_must_say_for_whom(
    staff: Client, partner: Client, other: Client
) -> None:
    body = problem(staff.post("/standing-wishes", json=STEPPE), 422, "invalid")
    assert body["errors"][0]["field"] == "partner"
    made = staff.post("/standing-wishes", json=STEPPE | {"partner": "ulaanbaatar"}).json
    assert [each["id"] for each in partner.get("/standing-wishes").json["items"]] == [made["id"]]
    assert staff.get("/standing-wishes?partner=vladivostok").json["items"] == []
    stopped = staff.delete(made["url"])
    assert stopped.json["state"] == "STOPPED"
    problem(partner.delete(made["url"]), 409, "conflict")
    problem(
        other.post("/standing-wishes", json=STEPPE | {"partner": "ulaanbaatar"}), 403, "forbidden"
    )


def test_what_is_wrong_with_a_query_is_named(partner: Client, nobody: Client) -> None:
    wrong = {"languages": ["korean"], "places": ["KOR"], "year_from": 3}
    body = problem(
        partner.post("/standing-wishes", json={"title": "X", "query": wrong}), 422, "invalid"
    )
    assert {each["field"] for each in body["errors"]} == {
        "query.languages",
        "query.places",
        "query.year_from",
    }
    problem(partner.post("/standing-wishes", json={"title": "X", "query": {}}), 422, "invalid")
    problem(nobody.get("/standing-wishes"), 401, "unauthenticated")
