"""Sources over the API: entered, shown, harvested now; credentials go in and never come out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from service.config import Settings
from service.usecases import reading_sources
from service.usecases.site import Site
from tests.api.conftest import BASE, Client, new_partner, work
from tests.api.test_problems import problem
from tests.oai.hostile import Site as Provider
from tests.oai.hostile import books, serving


@pytest.fixture
def settings(settings: Settings) -> Settings:
    object.__setattr__(settings, "reachable_networks", ("127.0.0.0/8",))
    return settings


@pytest.fixture
def provider() -> Iterator[str]:
    with serving(Provider(books(4))) as url:
        yield url


@pytest.fixture
def given(app: Any, provider: str) -> dict[str, Any]:
    new_partner(app, "nagasaki")
    return {"name": "nagasaki", "partner": "nagasaki", "url": provider, "auto_commit": True}


def test_a_source_is_entered_shown_and_harvested(
    staff: Client, site: Site, given: dict[str, Any]
) -> None:
    answer = staff.post("/sources", json=given)
    assert answer.status_code == 201
    made = answer.json
    assert answer.headers["Location"] == made["url"]
    assert made["url"].startswith(f"{BASE}/api/v1/sources/")
    assert (made["kind"], made["list"], made["last_harvest"]) == ("OFFERS", "from-nagasaki", None)
    assert staff.get("/sources").json == {"items": [made], "next": None}
    begun = staff.post("/sources/nagasaki/harvest", json={})
    assert (begun.status_code, begun.json["state"]) == (202, "RUNNING")
    problem(staff.post("/sources/nagasaki/harvest", json={"full": True}), 409, "conflict")
    work(site)
    (done,) = staff.get(f"/sources/{made['id']}/harvests").json["items"]
    assert (done["id"], done["state"], done["records"]) == (begun.json["id"], "DONE", 4)
    assert staff.get(done["batch"]).json["state"] == "COMMITTED"
    assert staff.get(made["url"]).json["last_harvest"] == "DONE"
    staff.post("/sources/nagasaki/harvest", json={})
    page = staff.get("/sources/nagasaki/harvests?limit=1").json
    assert page["items"][0]["id"] != done["id"]
    assert staff.get(page["next"]).json["items"] == [done]


def test_credentials_go_in_and_never_come_out(
    staff: Client, site: Site, given: dict[str, Any]
) -> None:
    secret = {"user": "seaside", "secret": "very-hidden"}
    made = staff.post("/sources", json=given | {"credentials": secret})
    assert made.json["has_credentials"] is True
    for path in ("/sources", "/sources/nagasaki", "/sources/nagasaki/harvests"):
        text = staff.get(path).text
        assert "seaside" not in text
        assert "very-hidden" not in text
    kept = reading_sources.find_source(site.db, "nagasaki").source.credentials
    assert kept is not None
    assert b"very-hidden" not in kept


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "No Name"}, "name"),
        ({"partner": "nobody"}, "partner"),
        ({"url": "http://10.0.0.1/oai"}, "url"),
        ({"url": "http://me:hidden@127.0.0.1/oai"}, "url"),
        ({"url": "http://127.0.0.1:25/oai"}, "url"),
        ({"wishes_url": "http://10.0.0.1/api"}, "wishes_url"),
        ({"every": 3}, "every"),
        ({"kind": "GIFTS"}, "kind"),
        ({"credentials": {"user": "a"}}, "credentials.secret"),
        ({"token": "x"}, "token"),
    ],
)
def test_what_is_wrong_with_a_source_is_named(
    staff: Client, given: dict[str, Any], wrong: dict[str, Any], field: str
) -> None:
    body = problem(staff.post("/sources", json=given | wrong), 422, "invalid")
    assert [fault["field"] for fault in body["errors"]] == [field]
    assert "hidden" not in str(body)


def test_sources_are_for_the_staff_alone(partner: Client, nobody: Client) -> None:
    for path in ("/sources", "/sources/x", "/sources/x/harvests"):
        problem(partner.get(path), 403, "forbidden")
        problem(nobody.get(path), 401, "unauthenticated")
    problem(partner.post("/sources/x/harvest", json={}), 403, "forbidden")


def test_a_source_that_is_not_there_is_not_found(staff: Client) -> None:
    problem(staff.get("/sources/nothing"), 404, "not_found")
    problem(staff.get("/sources/nothing/harvests"), 404, "not_found")
    problem(staff.post("/sources/nothing/harvest", json={}), 404, "not_found")
