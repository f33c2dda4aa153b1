"""Consignments over the API: packed and dispatched by the staff, seen by the partner once left."""

from __future__ import annotations

import pytest
from flask import Flask

from service.domain.permission import Role
from service.usecases import giving
from service.usecases.site import Site
from tests.api.conftest import ISBN, Client, new_staff, offer, record

ADDRESS = "1 Peace Avenue\nUlaanbaatar\nMONGOLIA"


@pytest.fixture
def given(site: Site, staff: Client, partner: Client) -> Client:
    """A partner who was given two titles."""
    ids = offer(site, "spring", record("One", isbn=ISBN), record("Two"))
    giving.give_offers(site.db, "ulaanbaatar", ids, site.now())
    staff("PATCH", "/partners/ulaanbaatar", json={"address_roman": ADDRESS})
    return partner


def make(staff: Client) -> str:
    """Make a consignment for the partner; return its address below /api/v1."""
    made = staff.post("/consignments", json={"partner": "ulaanbaatar", "theme": "Korea"})
    assert made.status_code == 201, made.json
    assert made.headers["Location"] == made.json["url"]
    return f"/consignments/{made.json['number']}"


def pack(staff: Client) -> str:
    """Make a consignment and close it; return its address below /api/v1."""
    path = make(staff)
    assert staff.post(f"{path}/tick", json={}).status_code == 200
    assert staff.post(f"{path}/pack", json={}).json["state"] == "PACKED"
    return path


def test_a_consignment_is_made_packed_and_dispatched(staff: Client, given: Client) -> None:
    (waiting,) = staff.get("/consignments/waiting").json
    assert (waiting["partner"], waiting["titles"]) == ("ulaanbaatar", 2)
    path = make(staff)
    shown = staff.get(path).json
    assert (shown["state"], shown["titles"], shown["theme"]) == ("DRAFT", 2, "Korea")
    assert shown["possible"] == ["pack", "cancel"]
    proposal = staff.get(f"{path}/proposal?operator=KOREA_POST").json
    assert [each["lines"] for each in proposal["parcels"]] == [[1, 2]]
    assert (proposal["least"], proposal["registered"]) == (10_000, True)
    assert staff.post(f"{path}/split", json={"kind": "PARCEL"}).status_code == 200
    hit = staff.post(f"{path}/scan", json={"barcode": ISBN})
    assert (hit.json["title"], hit.json["parcel"]) == ("One", 1)
    assert staff.post(f"{path}/scan", json={"barcode": "X1"}).status_code == 404
    assert staff.post(f"{path}/scan", json={"barcode": ISBN}).status_code == 409
    missing = staff.post(f"{path}/pack", json={})
    assert missing.status_code == 409
    assert "line 2 (Two) is in no parcel" in missing.json["detail"]
    assert staff("PATCH", f"{path}/lines/2", json={"barcode": "X1"}).status_code == 200
    assert staff.post(f"{path}/scan", json={"barcode": "X1", "parcel": 2}).json["parcel"] == 2
    assert staff("PATCH", f"{path}/parcels/1", json={"weight": 700}).json["weight"] == 700
    assert [each["number"] for each in staff.get(path).json["parcels"]] == [1, 2]
    packed = staff.post(f"{path}/pack", json={})
    assert (packed.json["state"], packed.json["weight"]) == ("PACKED", 700)
    left = staff.post(
        f"{path}/dispatch",
        json={
            "tracking": {"1": "RR473124829KR"},
            "postage": 98_000,
            "postage_currency": "KRW",
            "postage_paid_by": "RECIPIENT",
        },
    )
    assert left.status_code == 200, left.json
    assert (left.json["state"], left.json["postage"]) == ("DISPATCHED", 98_000)
    assert left.json["parcels"][0]["tracking"] == "RR473124829KR"
    assert staff.get("/consignments/waiting").json == []
    assert staff.get("/consignments?partner=ulaanbaatar&state=DRAFT").json["items"] == []
    (listed,) = staff.get("/consignments?partner=ulaanbaatar&state=DISPATCHED").json["items"]
    assert listed["number"] == left.json["number"]
    lines = staff.get(f"{path}/lines?limit=1").json
    assert lines["items"][0]["transfer"] is not None
    assert "after=1" in lines["next"]


def test_what_cannot_be_is_answered_with_what_is_possible(staff: Client, given: Client) -> None:
    path = make(staff)
    early = staff.post(f"{path}/dispatch", json={})
    assert early.status_code == 409
    assert "is DRAFT: it cannot be dispatched; possible: pack, cancel" in early.json["detail"]
    assert staff.post("/consignments", json={"partner": "ulaanbaatar"}).status_code == 409
    assert staff.post("/consignments", json={"partner": "nobody"}).status_code == 404
    assert staff.get("/consignments/2049-0001").status_code == 404
    assert staff.post(f"{path}/take-out", json={"lines": []}).status_code == 422
    assert staff.post(f"{path}/take-out", json={"lines": [9]}).status_code == 404
    assert staff.post(f"{path}/pack", json={"reason": "so"}).status_code == 422
    wrong = staff("PATCH", path, json={"place": "Japan", "postage": 5})
    assert (wrong.status_code, [each["field"] for each in wrong.json["errors"]]) == (422, ["place"])
    assert (
        staff("PATCH", f"{path}/parcels/1", json={"tracking": "RR473124821KR"}).status_code == 422
    )
    assert staff.get(f"{path}/proposal?operator=NOBODY").status_code == 422
    assert staff.get(f"{path}/records?to=mods").status_code == 422
    assert staff.post(f"{path}/fly", json={}).status_code in {404, 405}


def test_two_people_at_one_consignment_do_not_overwrite_each_other(
    staff: Client, given: Client
) -> None:
    path = make(staff)
    seen = staff.get(path).headers["ETag"]
    mine = {"theme": "children's books"}
    assert staff("PATCH", path, json=mine, headers={"If-Match": seen}).status_code == 200
    late = staff("PATCH", path, json={"theme": "Busan"}, headers={"If-Match": seen})
    assert late.status_code == 412
    assert (late.json["yours"], late.json["current"]["theme"]) == (
        {"theme": "Busan"},
        mine["theme"],
    )
    assert staff.post(f"{path}/tick", json={}, headers={"If-Match": seen}).status_code == 412


def test_a_partner_sees_its_own_once_they_left(
    staff: Client, given: Client, other: Client, nobody: Client
) -> None:
    path = pack(staff)
    assert given.get(path).status_code == 404
    assert given.get("/consignments").json["items"] == []
    staff.post(f"{path}/dispatch", json={})
    shown = given.get(path)
    assert shown.status_code == 200
    assert not {"notes", "customs", "created_by", "remarks", "possible"} & set(shown.json)
    assert [each["title"] for each in given.get(f"{path}/lines").json["items"]] == ["One", "Two"]
    assert len(given.get("/consignments").json["items"]) == 1
    for view in ("", "/lines", "/records"):
        assert other.get(path + view).status_code == 404
        assert nobody.get(path + view).status_code == 401
    assert given.post(f"{path}/delivered", json={}).status_code == 403


def test_the_records_travel_as_a_file_of_the_right_name_and_type(
    staff: Client, given: Client
) -> None:
    path = pack(staff)
    staff.post(f"{path}/dispatch", json={})
    number = path.rpartition("/")[2]
    file = given.get(f"{path}/records")
    assert file.mimetype == "application/marc"
    assert file.headers["Content-Disposition"] == f'attachment; filename="consignment-{number}.mrc"'
    assert file.data.count(b"\x1d") == 2
    assert file.data == staff.get(f"{path}/records").data
    xml = given.get(f"{path}/records?to=marcxml&541=true")
    assert xml.mimetype == "application/marcxml+xml"
    assert xml.data.count(b'tag="541"') == 2
    assert given.get(f"{path}/records?dialect=unimarc&541=true").status_code == 422
    assert given.get(f"{path}/records?dialect=kormarc").status_code == 200


def test_a_dispatch_is_corrected_and_a_consignment_comes_back(staff: Client, given: Client) -> None:
    path = pack(staff)
    staff.post(f"{path}/dispatch", json={})
    assert staff.post(f"{path}/correct", json={"lines": [2]}).status_code == 422
    part = staff.post(f"{path}/correct", json={"lines": [2], "reason": "left behind"})
    assert (part.json["state"], part.json["titles"]) == ("DISPATCHED", 1)
    whole = staff.post(f"{path}/correct", json={"reason": "wrong day", "retract": True})
    assert whole.json["state"] == "PACKED"
    assert given.get(path).status_code == 404
    staff.post(f"{path}/dispatch", json={})
    assert staff.post(f"{path}/in-customs", json={}).json["state"] == "IN_CUSTOMS"
    assert staff.post(f"{path}/returned", json={}).status_code == 422
    back = staff.post(f"{path}/returned", json={"reason": "refused"})
    assert (back.json["state"], back.json["possible"]) == ("RETURNED", [])
    assert given.get(path).json["state"] == "RETURNED"


def test_a_cataloguer_looks_and_does_not_dispatch(app: Flask, staff: Client, given: Client) -> None:
    path = pack(staff)
    cataloguer = new_staff(app, "lee", Role.CATALOGUER)
    assert cataloguer.get(path).status_code == 200
    refused = cataloguer.post(f"{path}/dispatch", json={})
    assert refused.status_code == 403
    assert "exchange_librarian" in refused.json["detail"]
