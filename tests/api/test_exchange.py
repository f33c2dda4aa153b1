"""Offer lists and offers: what the staff does with them, and who sees what."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from service.usecases import membership, tiering
from service.usecases.site import Site
from tests.api.conftest import BASE, ISBN, Client, new_partner, oai, offer, record, work
from tests.api.test_problems import problem

NEW = {"slug": "spring-2026", "title": "Spring 2026"}


def test_a_list_is_drawn_up_opened_closed_and_archived(staff: Client) -> None:
    given = NEW | {
        "description": "Gifts of the spring",
        "closes_at": "2099-06-01T18:00:00+09:00",
        "zone": "Asia/Seoul",
    }
    answer = staff.post("/lists", json=given)
    assert answer.status_code == 201
    made = answer.json
    assert answer.headers["Location"] == made["url"] == f"{BASE}/api/v1/lists/spring-2026"
    assert made["state"] == "DRAFT"
    assert (made["closes_at"], made["zone"]) == ("2099-06-01T09:00:00Z", "Asia/Seoul")
    assert (made["public"], made["titles"], made["opens_at"]) == (True, 0, None)
    for action, state in (("open", "OPEN"), ("close", "CLOSED"), ("archive", "ARCHIVED")):
        answer = staff.post(f"/lists/spring-2026/{action}")
        assert (answer.status_code, answer.json["state"]) == (200, state)
        problem(staff.post(f"/lists/spring-2026/{action}"), 409, "conflict")
    problem(staff.post("/lists/spring-2026/withdraw"), 409, "conflict")


def test_a_list_with_a_moment_of_opening_is_scheduled(staff: Client) -> None:
    given = NEW | {"opens_at": "2099-01-01T00:00:00Z"}
    assert staff.post("/lists", json=given).json["state"] == "SCHEDULED"
    assert staff.post("/lists/spring-2026/withdraw").json["state"] == "WITHDRAWN"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"slug": "Spring 2026"}, "slug"),
        ({"title": " "}, "title"),
        ({"zone": "Mars/Base"}, "zone"),
        ({"closes_at": "2026-06-01T18:00:00"}, "closes_at"),
        ({"closes_at": "0001-01-01T00:00:00+14:00"}, "closes_at"),
        ({"opens_at": "2099-06-01T00:00:00Z", "closes_at": "2099-05-01T00:00:00Z"}, "closes_at"),
        ({"partners": ["nobody"]}, "partners"),
        ({"partners": []}, "partners"),
        ({"audience": "nobody"}, "audience"),
    ],
)
def test_what_is_wrong_with_a_list_is_named(
    staff: Client, given: dict[str, Any], field: str
) -> None:
    body = problem(staff.post("/lists", json=NEW | given), 422, "invalid")
    assert [fault["field"] for fault in body["errors"]] == [field]


def test_a_slug_is_never_used_twice(staff: Client) -> None:
    staff.post("/lists", json=NEW)
    problem(staff.post("/lists", json=NEW), 409, "conflict")


def test_a_list_that_is_not_there_is_not_found(staff: Client) -> None:
    problem(staff.get("/lists/nothing"), 404, "not_found")
    problem(staff.post("/lists/nothing/open"), 404, "not_found")


def test_lists_are_paged_by_key_newest_first(site: Site, nobody: Client) -> None:
    for slug in ("a", "b", "c"):
        offer(site, slug)
    page = nobody.get("/lists?limit=2").json
    assert [each["slug"] for each in page["items"]] == ["c", "b"]
    assert page["next"].startswith(f"{BASE}/api/v1/lists?limit=2&before=")
    page = nobody.get(page["next"].removeprefix(BASE)).json
    assert [each["slug"] for each in page["items"]] == ["a"]
    assert page["next"] is None


def test_an_offer_is_shown_with_all_that_is_known_of_it(site: Site, nobody: Client) -> None:
    (public_id,) = offer(site, "spring", record("The Blue Sky", isbn=ISBN))
    (shown,) = nobody.get("/offers").json["items"]
    assert shown == {
        "id": public_id,
        "identifier": oai(public_id),
        "url": f"{BASE}/offers/{public_id}",
        "list": "spring",
        "state": "OFFERED",
        "source": "DUPLICATE",
        "copies": 1,
        "volumes": 1,
        "condition": "",
        "not_to": [],
        "revision": 1,
        "title": "The Blue Sky",
        "title_vernacular": "",
        "author": "",
        "author_vernacular": "",
        "publisher": "",
        "published": "",
        "place": "ZZ",
        "languages": ["und"],
        "isbns": [ISBN],
    }
    found = nobody.get(f"/offers/{public_id.lower()}").json
    assert found.pop("listed") is True
    links = found.pop("links")
    assert found == shown
    assert links["page"] == shown["url"]
    for name in ("self", "list", "marcxml", "oai_dc"):
        assert nobody.get(links[name].removeprefix(BASE)).status_code == 200


@pytest.mark.parametrize(
    ("form", "media_type", "words"),
    [
        ("marcxml", "application/marcxml+xml; charset=utf-8", b"<datafield"),
        ("oai_dc", "application/xml; charset=utf-8", b"oai_dc"),
    ],
)
def test_the_record_of_an_offer_can_be_had_as_xml(
    site: Site, nobody: Client, form: str, media_type: str, words: bytes
) -> None:
    (public_id,) = offer(site, "spring", record("The Blue Sky"))
    answer = nobody.get(f"/offers/{public_id}?format={form}")
    assert answer.content_type == media_type
    assert words in answer.data
    assert "The Blue Sky" in answer.text
    problem(nobody.get(f"/offers/{public_id}?format=pdf"), 422, "invalid")


def test_offers_are_found_by_words_and_list_and_paged_by_key(site: Site, nobody: Client) -> None:
    ids = offer(site, "spring", *(record(f"Steppe {n}") for n in range(3)), record("Sea"))
    offer(site, "autumn", record("Steppe winds"))
    page = nobody.get("/offers?list=spring&q=steppe&limit=2").json
    assert len(page["items"]) == 2
    assert "q=steppe" in page["next"]
    rest = nobody.get(page["next"].removeprefix(BASE)).json
    assert rest["next"] is None
    found = [each["id"] for each in page["items"] + rest["items"]]
    assert found == sorted(found, reverse=True)
    assert set(found) < set(ids)
    assert nobody.get("/offers?q=steppe+sea").json["items"] == []
    assert nobody.get("/offers?list=nothing").json == {"items": [], "next": None}


@pytest.mark.parametrize("q", ["!", "%22", "*", "(", "a AND", "-", "'; DROP TABLE offer", "%ED%A0"])
def test_a_search_for_signs_finds_nothing_and_breaks_nothing(nobody: Client, q: str) -> None:
    assert nobody.get(f"/offers?q={q}").status_code == 200


def test_a_title_taken_back_is_shown_as_withdrawn(
    site: Site, staff: Client, nobody: Client
) -> None:
    (public_id,) = offer(site, "spring", record("The Blue Sky"))
    answer = staff.post(f"/offers/{public_id}/withdraw")
    assert (answer.status_code, answer.data) == (204, b"")
    problem(staff.post(f"/offers/{public_id}/withdraw"), 409, "conflict")
    work(site)
    assert nobody.get("/offers").json["items"] == []
    shown = nobody.get(f"/offers/{public_id}").json
    assert (shown["state"], shown["listed"]) == ("WITHDRAWN", False)


def test_an_offer_that_is_not_there_is_not_found(staff: Client) -> None:
    for name in ("x", "01JZ0000000000000000000000"):
        problem(staff.get(f"/offers/{name}"), 404, "not_found")
        problem(staff.post(f"/offers/{name}/withdraw"), 404, "not_found")


def test_a_list_for_one_partner_exists_for_nobody_else(
    app: Flask, site: Site, nobody: Client, partner: Client, other: Client, staff: Client
) -> None:
    offer(site, "open-to-all", record("For all"))
    (hidden,) = offer(site, "secret-gift", record("For one", isbn=ISBN), partners=["ulaanbaatar"])
    offer(site, "draft", record("Not yet"), draft=True)
    for caller in (nobody, other):
        for path in ("/lists", "/offers", "/offers?q=one", "/offers?list=secret-gift"):
            answer = caller.get(path)
            assert "secret-gift" not in answer.text
            assert "For one" not in answer.text
            assert hidden not in answer.text
        refused = caller.get("/lists/secret-gift")
        assert problem(refused, 404, "not_found")["detail"] == problem(
            caller.get("/lists/secret-gifT"), 404, "not_found"
        )["detail"].replace("secret-gifT", "secret-gift")
        problem(caller.get(f"/offers/{hidden}"), 404, "not_found")
        problem(caller.get(f"/offers/{hidden}?format=marcxml"), 404, "not_found")
        problem(caller.get("/lists/draft"), 404, "not_found")
    (line,) = other.wish(oai(hidden)).json["lines"]
    assert (line["outcome"], line["offer"]) == ("not_offered", None)
    (line,) = other.wish(ISBN).json["lines"]
    assert (line["outcome"], line["offer"]) == ("waiting", None)
    assert [each["slug"] for each in partner.get("/lists").json["items"]] == [
        "secret-gift",
        "open-to-all",
    ]
    assert partner.get("/lists/secret-gift").json["public"] is False
    assert partner.get(f"/offers/{hidden}").json["title"] == "For one"
    assert [each["slug"] for each in staff.get("/lists").json["items"]] == [
        "draft",
        "secret-gift",
        "open-to-all",
    ]
    assert {each["title"] for each in staff.get("/offers").json["items"]} == {"For all", "For one"}
    assert staff.get("/lists/draft").json["titles"] == 1
    assert new_partner(app, "later").get("/lists/secret-gift").status_code == 404


def test_a_list_for_a_group_is_seen_by_its_members(
    site: Site, nobody: Client, partner: Client, other: Client, staff: Client
) -> None:
    membership.add_audience(site.db, "near", ["ulaanbaatar"], now=site.now())
    made = staff.post("/lists", json=NEW | {"audience": "near"})
    assert (made.status_code, made.json["public"]) == (201, False)
    staff.post("/lists/spring-2026/open")
    work(site)
    assert partner.get("/lists/spring-2026").json["public"] is False
    for caller in (nobody, other):
        problem(caller.get("/lists/spring-2026"), 404, "not_found")
        assert "spring-2026" not in caller.get("/lists").text
    membership.leave(site.db, "near", ["ulaanbaatar"], now=site.now())
    problem(partner.get("/lists/spring-2026"), 404, "not_found")
    tiering.add_tier(site.db, "spring-2026", "public", site.now(), site.now())
    assert nobody.get("/lists/spring-2026").json["public"] is True


def test_answers_stay_out_of_shared_caches(nobody: Client) -> None:
    answer = nobody.get("/offers")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in answer.headers["Vary"]


def test_json_is_utf_8_as_it_is(site: Site, nobody: Client) -> None:
    offer(site, "spring", record("몽골의 하늘"))
    assert "몽골의 하늘".encode() in nobody.get("/offers").data


# --- changing lists and titles --------------------------------------------------------------------


def test_a_list_says_where_its_titles_come_from_and_how_it_is_allocated(
    staff: Client, nobody: Client
) -> None:
    given = NEW | {"source": "SURPLUS", "policy": "WINDOW_LOTTERY", "max_per_partner": 5}
    made = staff.post("/lists", json=given | {"min_parcel": 3, "not_to": ["us"]})
    assert made.headers["ETag"] == '"1"'
    shown = staff.get("/lists/spring-2026").json
    assert (shown["source"], shown["policy"]) == ("SURPLUS", "WINDOW_LOTTERY")
    assert (shown["max_per_partner"], shown["min_parcel"], shown["not_to"]) == (5, 3, ["US"])
    assert shown["possible"] == ["approve", "open", "withdraw"]
    staff.post("/lists/spring-2026/open")
    assert "possible" not in nobody.get("/lists/spring-2026").json


def test_two_people_do_not_overwrite_each_other_on_one_list(staff: Client) -> None:
    staff.post("/lists", json=NEW)
    seen = staff.get("/lists/spring-2026").headers["ETag"]
    first = staff("PATCH", "/lists/spring-2026", json={"title": "A"}, headers={"If-Match": seen})
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    second = staff("PATCH", "/lists/spring-2026", json={"title": "B"}, headers={"If-Match": seen})
    body = problem(second, 412, "outdated")
    assert (body["yours"]["title"], body["current"]["title"]) == ("B", "A")
    assert second.headers["ETag"] == '"2"'
    late = staff.post("/lists/spring-2026/open", headers={"If-Match": seen})
    assert problem(late, 412, "outdated")["current"]["state"] == "DRAFT"


def test_a_list_on_which_a_wish_stands_is_shortened_only_with_override_and_reason(
    site: Site, staff: Client, partner: Client
) -> None:
    (public_id,) = offer(site, "spring", record("Steppe"))
    staff("PATCH", "/lists/spring", json={"closes_at": "2099-06-01T00:00:00Z"})
    partner.wish(oai(public_id))
    sooner = {"closes_at": "2098-06-01T00:00:00Z"}
    refused = problem(staff("PATCH", "/lists/spring", json=sooner), 409, "conflict")
    assert "1 wish stands on this list, of 1 partner" in refused["detail"]
    problem(staff.post("/lists/spring/close"), 409, "conflict")
    no_reason = staff("PATCH", "/lists/spring", json=sooner | {"override": True})
    assert problem(no_reason, 422, "invalid")["errors"][0]["field"] == "reason"
    answer = staff("PATCH", "/lists/spring", json=sooner | {"override": True, "reason": "Moving."})
    assert answer.json["closes_at"] == "2098-06-01T00:00:00Z"
    work(site)
    feed = partner.get("/wishlists.atom").get_data(as_text=True)
    assert "takes wishes until 2098-06-01T00:00:00Z" in feed
    assert "Moving." in feed
    closed = staff.post("/lists/spring/close?override=true&reason=Flood")
    assert closed.json["state"] == "CLOSED"


def test_partners_see_copies_volumes_condition_and_source_and_the_staff_changes_them(
    site: Site, staff: Client, partner: Client, nobody: Client
) -> None:
    (public_id,) = offer(site, "spring", record("A set"))
    given = {"copies": 3, "volumes": 12, "condition": "Spines faded", "not_to": ["US"]}
    answer = staff("PATCH", f"/offers/{public_id}", json=given, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    shown = partner.get(f"/offers/{public_id}").json
    assert {name: shown[name] for name in given} == given
    assert shown["source"] == "DUPLICATE"
    page = nobody.get(f"{BASE}/offers/{public_id}").get_data(as_text=True)
    assert "3, each of 12 volumes" in page
    assert "Spines faded" in page
    assert "United States" in page
    stale = staff("PATCH", f"/offers/{public_id}", json={"copies": 4}, headers={"If-Match": '"1"'})
    assert problem(stale, 412, "outdated")["current"]["copies"] == 3
    problem(staff("PATCH", f"/offers/{public_id}", json={"copies": 0}), 422, "invalid")
    problem(partner("PATCH", f"/offers/{public_id}", json={"copies": 9}), 403, "forbidden")
    problem(partner("PATCH", "/lists/spring", json={"title": "Mine"}), 403, "forbidden")
