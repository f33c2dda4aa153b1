"""Direct gifts over the API: who may do what, and what a wrong step is answered with."""

from __future__ import annotations

import pytest
from flask import Flask

from service.domain.permission import Role
from service.usecases.site import Site
from tests.api.conftest import Client, new_staff, offer, record, work

ADDRESS = "1 Peace Avenue\nUlaanbaatar\nMONGOLIA"
TABLE = "title,author,ISBN,copies,price\nTree,Kim,,2,12000\n,Lee,,1,\nSea,Pak,,x,\n"


@pytest.fixture
def librarian(app: Flask) -> Client:
    return new_staff(app, "hana", Role.EXCHANGE_LIBRARIAN)


@pytest.fixture
def cataloguer(app: Flask) -> Client:
    return new_staff(app, "minji", Role.CATALOGUER)


def drafted(who: Client, **more: str) -> str:
    """Draft a gift; return its address below /api/v1."""
    body = {"partner": "ulaanbaatar", "title": "Children's books", "currency": "KRW", **more}
    made = who.post("/gifts", json=body)
    assert made.status_code == 201, made.json
    assert made.headers["Location"] == made.json["url"]
    return f"/gifts/{made.json['id']}"


def send(who: Client, path: str, text: str = TABLE) -> dict[str, object]:
    """Send a table of books; return the answer."""
    answer = who.post(f"{path}/table", data=text.encode(), content_type="text/csv")
    assert answer.status_code == 200, answer.json
    found: dict[str, object] = answer.json
    return found


def test_a_gift_from_a_spreadsheet_to_its_dispatch(
    site: Site, cataloguer: Client, librarian: Client, partner: Client
) -> None:
    librarian("PATCH", "/partners/ulaanbaatar", json={"address_roman": ADDRESS})
    path = drafted(cataloguer)
    answer = send(cataloguer, path)
    assert answer["titles"] == 1
    assert [(each["row"], each["column"]) for each in answer["rejected"]] == [  # type: ignore[attr-defined]
        (3, "title"),
        (4, "copies"),
    ]
    early = librarian.post(f"{path}/submit", json={})
    assert early.status_code == 409
    assert "still being catalogued" in early.json["detail"]
    work(site)
    (line,) = cataloguer.get(f"{path}/lines").json["items"]
    assert (line["title"], line["copies"], line["cost"], line["problem"]) == ("Tree", 2, 12000, "")
    assert librarian.post(f"{path}/submit", json={}).json["state"] == "SUBMITTED"
    nameless = librarian.post(f"{path}/approve", json={})
    assert nameless.status_code == 422
    said = {"approver": "KIM Minji"}
    approved = librarian.post(f"{path}/approve", json=said).json
    assert (approved["state"], approved["approved_by"]) == ("APPROVED", "KIM Minji")
    paid = {"budget_line": "2024-EX-7", "cost": 24_000}
    assert librarian("PATCH", f"{path}/budget", json=paid).json["remarks"] == []
    packed = librarian.post(f"{path}/pack", json={"theme": "children's books"}).json
    (carrier,) = packed["consignments"]
    assert (packed["state"], carrier["state"]) == ("PACKED", "DRAFT")
    parcel = f"/consignments/{carrier['number']}"
    assert carrier["url"].endswith(parcel)
    for step in ("tick", "pack", "dispatch"):
        assert librarian.post(f"{parcel}/{step}", json={}).status_code == 200
    assert librarian.get(path).json["state"] == "DISPATCHED"
    assert librarian.get("/gifts?state=DISPATCHED").json["items"][0]["volumes"] == 2
    assert partner.get(parcel).json["kind"] == "GIFT"
    assert partner.get("/balance").status_code == 200


def test_a_step_that_its_state_forbids_is_a_409_with_what_is_possible(
    librarian: Client, partner: Client
) -> None:
    path = drafted(librarian)
    answer = librarian.post(f"{path}/approve", json={"approver": "KIM"})
    assert answer.status_code == 409
    assert "is DRAFT: it cannot be approved; possible: submit, cancel" in answer.json["detail"]
    empty = librarian.post(f"{path}/submit", json={})
    assert (empty.status_code, "no title in it" in empty.json["detail"]) == (409, True)
    foreign = librarian.post(f"{path}/submit", json={"reason": "so"})
    assert foreign.status_code == 422
    assert librarian.post(f"{path}/cancel", json={"reason": "no money"}).json["possible"] == []
    assert librarian.post(f"{path}/pack", json={}).status_code == 409


def test_a_cataloguer_drafts_and_fills_and_does_not_submit(
    site: Site, cataloguer: Client, partner: Client
) -> None:
    path = drafted(cataloguer)
    ids = offer(site, "spring", record("One"), record("Two"))
    added = cataloguer.post(f"{path}/lines", json={"offers": ids, "cost": 500})
    assert (added.json["added"], added.json["gift"]["cost_of_lines"]) == (2, 1000)
    changed = cataloguer("PATCH", f"{path}/lines/1", json={"copies": 3})
    assert changed.json["volumes"] == 4
    assert cataloguer.post(f"{path}/take-out", json={"lines": [2]}).json["titles"] == 1
    assert cataloguer("PATCH", path, json={"title": "Others"}).json["title"] == "Others"
    for refused in (
        cataloguer.post(f"{path}/submit", json={}),
        cataloguer.post(f"{path}/pack", json={}),
        cataloguer("PATCH", f"{path}/budget", json={"cost": 5}),
    ):
        assert refused.status_code == 403
        assert "exchange_librarian" in refused.json["detail"]


def test_partners_see_nothing_of_gifts(librarian: Client, partner: Client) -> None:
    path = drafted(librarian)
    for answer in (partner.get("/gifts"), partner.get(path), partner.post("/gifts", json={})):
        assert answer.status_code == 403
    assert librarian.get("/gifts/01JZ0000000000000000000000").status_code == 404


def test_wrong_values_are_told_by_field(librarian: Client, partner: Client) -> None:
    wrong = librarian.post(
        "/gifts", json={"partner": "ulaanbaatar", "title": "B", "currency": "wo", "cost": -1}
    )
    assert wrong.status_code == 422
    assert {each["field"] for each in wrong.json["errors"]} == {"currency", "cost"}
    path = drafted(librarian)
    foreign = send(librarian, path, "title,price,currency\nTree,5,USD\n")
    assert "'USD' is not the gift's" in foreign["rejected"][0]["reason"]  # type: ignore[index]
    pdf = librarian.post(f"{path}/table", data=b"%PDF", content_type="application/pdf")
    assert pdf.status_code == 415


def test_two_at_one_gift_get_both_versions(librarian: Client, partner: Client) -> None:
    path = drafted(librarian)
    seen = librarian.get(path).headers["ETag"]
    first = librarian("PATCH", path, json={"title": "A"}, headers={"If-Match": seen})
    assert first.status_code == 200
    second = librarian("PATCH", path, json={"title": "B"}, headers={"If-Match": seen})
    assert second.status_code == 412
    assert (second.json["yours"], second.json["current"]["title"]) == ({"title": "B"}, "A")
