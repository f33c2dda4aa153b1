"""Our own wishes and allocations over the API: for the staff, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.config import Settings
from service.domain.allocation import AllocationPolicy
from service.domain.offer import ListAction
from service.domain.source import SourceKind
from service.store.db import Database
from service.usecases import (
    allocating,
    membership,
    offering,
    ordering_harvests,
    signing_in,
    subscribing,
)
from service.usecases.site import Site
from tests.api.conftest import Client, oai, offer, record, work
from tests.service.builders import a_record, bring, make_site, open_list
from tests.service.builders import work as work_there
from tests.service.partner_server import Line, serving


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The settings of a site that may call loopback."""
    return replace(settings, reachable_networks=("127.0.0.0/8",))


@pytest.fixture
def line(site: Site, tmp_path: Path, sqlite_template: Path) -> Iterator[Line]:
    """The line to Busan, which offers us One and Two; they were harvested."""
    path = tmp_path / "busan.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    theirs = Database(f"sqlite:///{path}")

    def make(url: str) -> Site:
        return make_site(theirs, tmp_path, base_url=url, repository_identifier="busan.example.org")

    with serving(make) as (url, busan, line):
        open_list(busan)
        bring(busan, a_record("One"), a_record("Two"))
        membership.add_partner(busan.db, code="us", name="We", now=busan.now())
        token = signing_in.issue_partner_token(busan.db, "us", "", busan.now())
        membership.add_partner(site.db, code="busan", name="Busan", now=site.now())
        subscribing.add_source(
            site,
            name="busan",
            partner_code="busan",
            url=f"{url}/oai",
            kind=SourceKind.OFFERS,
            credentials=("us", token),
            auto_commit=True,
            now=site.now(),
        )
        ordering_harvests.begin(site.db, "busan", now=site.now())
        work(site)
        yield line
        work_there(busan)
    theirs.close()


def offered(site: Site) -> list[str]:
    return [each.public_id for each in offering.browse(site.db, None, slug="from-busan")]


def test_wishes_are_noted_sent_answered_and_taken_back(
    staff: Client, site: Site, line: Line
) -> None:
    one, two = offered(site)
    made = staff.post("/own-wishes", json={"offers": [one, two], "quantity": 2, "note": "n"})
    assert made.status_code == 201
    assert [each["state"] for each in made.json["items"]] == ["WISHED", "WISHED"]
    assert made.json["items"][0]["wished_by"] == "kim"
    sent = staff.post("/own-wishes/send", json={"partner": "busan"})
    assert (sent.status_code, sent.json["wishes"]) == (202, 2)
    work(site)
    shown = staff.get(sent.json["own_wishes_url"]).json["items"]
    assert [(each["state"], each["outcome"]) for each in shown] == [("ANSWERED", "registered")] * 2
    taken = staff.delete(f"/own-wishes/{shown[0]['id']}")
    assert (taken.status_code, taken.json["state"]) == (200, "WITHDRAWING")
    work(site)
    assert staff.get(shown[0]["url"]).json["state"] == "WITHDRAWN"
    assert line.methods().count("DELETE") == 1


def test_wishes_are_listed_by_partner_and_state_a_page_at_a_time(
    staff: Client, site: Site, line: Line
) -> None:
    staff.post("/own-wishes", json={"offers": offered(site)})
    page = staff.get("/own-wishes?limit=1").json
    rest = staff.get(page["next"]).json
    assert len(page["items"]) == len(rest["items"]) == 1
    assert rest["next"] is None
    assert page["items"][0]["id"] > rest["items"][0]["id"]
    assert staff.get("/own-wishes?state=ANSWERED").json["items"] == []
    assert len(staff.get("/own-wishes?partner=busan&state=WISHED").json["items"]) == 2
    assert staff.get("/own-wishes?partner=nobody").status_code == 404
    assert staff.get("/own-wishes?state=LOST").status_code == 422


def test_what_cannot_be_wished_for_is_a_problem_that_names_it(
    staff: Client, site: Site, line: Line
) -> None:
    refused = staff.post("/own-wishes", json={"offers": [*offered(site), "nothing"]})
    assert refused.status_code == 422
    assert "nothing" in refused.json["detail"]
    assert staff.get("/own-wishes").json["items"] == []
    for body in ({}, {"offers": []}, {"offers": ["x"], "quantity": 0}, {"offer": ["x"]}):
        assert staff.post("/own-wishes", json=body).status_code == 422
    assert staff.post("/own-wishes/send", json={"partner": "nobody"}).status_code == 404
    assert staff.get("/own-wishes/01JZ0000000000000000000000").status_code == 404
    assert staff.delete("/own-wishes/x").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/own-wishes"),
        ("POST", "/own-wishes"),
        ("POST", "/own-wishes/send"),
        ("GET", "/own-wishes/01JZ0000000000000000000000"),
        ("DELETE", "/own-wishes/01JZ0000000000000000000000"),
        ("GET", "/lists/spring/allocation"),
    ],
)
def test_none_of_it_is_for_partners_or_for_the_public(
    nobody: Client, partner: Client, method: str, path: str
) -> None:
    assert nobody(method, path, json={}).status_code == 401
    assert partner(method, path, json={}).status_code == 403


def test_an_allocation_is_shown_with_a_reason_for_every_wish(
    staff: Client, partner: Client, other: Client, site: Site
) -> None:
    (one,) = offer(site, "spring", record("One"))
    first = partner.wish(oai(one)).json
    other.wish(oai(one))
    assert staff.get("/lists/spring/allocation").status_code == 404
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    allocating.allocate(site.db, "spring", site.now, policy=AllocationPolicy.FIRST_COME)
    shown = staff.get("/lists/spring/allocation?limit=1").json
    assert (shown["run"]["policy"], shown["run"]["wishes"], shown["run"]["met"]) == (
        "FIRST_COME",
        2,
        1,
    )
    (decision,) = shown["items"]
    assert (decision["partner"], decision["given"], decision["offer"]) == (
        "ulaanbaatar",
        1,
        oai(one),
    )
    assert decision["reason"] == "Allocated: first of 2 wishes."
    assert decision["wish_list_url"] == first["url"]
    assert decision["transfer"]
    (second,) = staff.get(shown["next"]).json["items"]
    assert (second["given"], second["transfer"]) == (0, None)


def test_partners_see_where_their_wishes_stand(partner: Client, other: Client, site: Site) -> None:
    (one,) = offer(site, "spring", record("One"))
    lists = [partner.wish(oai(one)).json["url"], other.wish(oai(one)).json["url"]]
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    allocating.allocate(site.db, "spring", site.now, policy=AllocationPolicy.FIRST_COME)
    (met,) = partner.get(lists[0]).json["lines"]
    (missed,) = other.get(lists[1]).json["lines"]
    assert (met["state"], missed["state"]) == ("ALLOCATED", "OPEN"), "it waits for the next offer"
    assert met["reason"].endswith("Allocated: first of 2 wishes.")
    assert "yours was second of 2 wishes. Your wish waits" in missed["reason"]
    line = f"{lists[0]}/lines/{met['line_no']}"
    assert partner.delete(line).status_code == 409, "what was given is not taken back so"
