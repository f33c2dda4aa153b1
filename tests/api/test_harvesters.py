"""Who harvested us, over the API: for the staff alone."""

from __future__ import annotations

import pytest
from flask import Flask

from service.usecases.site import Site
from tests.api.conftest import BASE, Client, offer, record
from tests.api.test_problems import problem

LIST = "/oai?verb=ListRecords&metadataPrefix=oai_dc&set=list:spring&from=2001-02-03"


@pytest.fixture
def harvested(app: Flask, site: Site, partner: Client) -> Flask:
    """An application that a partner and somebody else have harvested."""
    offer(site, "spring", record("One"), record("Two"))
    agent = {"User-Agent": "Koha/24.11"}
    assert partner.client.get(LIST, headers=agent).status_code == 200
    app.extensions["visitors_book"].write(everything=True)
    partner.get(LIST.replace("/oai", "http://localhost/oai"), headers=agent)
    app.extensions["visitors_book"].write(everything=True)
    return app


def test_the_staff_sees_who_harvested_what(harvested: Flask, staff: Client) -> None:
    assert harvested
    newest, oldest = staff.get("/harvesters").json["items"]
    moments = [oldest.pop(name) for name in ("began_at", "last_at")]
    assert all(moment.endswith("Z") for moment in moments)
    assert oldest.pop("id")
    assert oldest == {
        "partner": None,
        "address": "127.0.0.1",
        "agent": "Koha/24.11",
        "verb": "ListRecords",
        "metadata_prefix": "oai_dc",
        "set": "list:spring",
        "from": "2001-02-03T00:00:00Z",
        "until": None,
        "pages": 1,
        "records": 2,
        "errors": 0,
        "last_error": None,
        "complete": True,
    }
    assert (newest["partner"], newest["address"]) == ("ulaanbaatar", None)


def test_harvests_are_paged_by_key_and_asked_for_by_partner(
    harvested: Flask, staff: Client
) -> None:
    assert harvested
    page = staff.get("/harvesters?limit=1").json
    assert [each["partner"] for each in page["items"]] == ["ulaanbaatar"]
    page = staff.get(page["next"].removeprefix(BASE)).json
    assert ([each["partner"] for each in page["items"]], page["next"]) == ([None], None)
    (found,) = staff.get("/harvesters?partner=ulaanbaatar").json["items"]
    assert found["partner"] == "ulaanbaatar"
    problem(staff.get("/harvesters?partner=nobody"), 404, "not_found")
    problem(staff.get("/harvesters?before=x"), 422, "invalid")


def test_nobody_else_sees_who_harvests(nobody: Client, partner: Client) -> None:
    problem(nobody.get("/harvesters"), 401, "unauthenticated")
    problem(partner.get("/harvesters"), 403, "forbidden")
