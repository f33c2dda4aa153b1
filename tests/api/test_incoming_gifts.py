"""Incoming gifts over the API: who may do what, and what a wrong step is answered with."""

from __future__ import annotations

import pytest
from flask import Flask

from service.domain.permission import Role
from service.usecases.site import Site
from tests.api.conftest import Client, marc, new_staff, record, work

ISBN = "9788936433598"
NOWHERE = "01JZ0000000000000000000000"


@pytest.fixture
def librarian(app: Flask) -> Client:
    return new_staff(app, "hana", Role.EXCHANGE_LIBRARIAN)


@pytest.fixture
def cataloguer(app: Flask) -> Client:
    return new_staff(app, "minji", Role.CATALOGUER)


def announced(who: Client, **more: object) -> str:
    """Announce a gift; return its address below /api/v1."""
    body = {"partner": "ulaanbaatar", "title": "Books for the corner", **more}
    made = who.post("/incoming-gifts", json=body)
    assert made.status_code == 201, made.json
    assert made.headers["Location"] == made.json["url"]
    return f"/incoming-gifts/{made.json['id']}"


def done(who: Client, path: str, **body: object) -> dict[str, object]:
    answer = who.post(path, json=body)
    assert answer.status_code == 200, answer.json
    found: dict[str, object] = answer.json
    return found


@pytest.mark.usefixtures("partner")
def test_a_gift_from_its_announcement_to_the_shelf(
    site: Site, cataloguer: Client, librarian: Client
) -> None:
    path = announced(librarian, source="FILE", announced_titles=2)
    file = marc(record("Tree", "1", isbn=ISBN), record("Sea", "2"))
    taken = cataloguer.post(f"{path}/file?file_name=gift.mrc", data=file)
    assert (taken.status_code, taken.json["gift"]["import_state"]) == (200, "STAGING")
    work(site)
    today = site.now().date().isoformat()
    came = done(cataloguer, f"{path}/receive", received_on=today, weight=900)
    assert (came["state"], came["lines"], came["possible"]) == ("RECEIVED", 2, ["check"])
    assert done(cataloguer, f"{path}/scan", code=ISBN)["line"]["received"] == 1  # type: ignore[index]
    unknown = cataloguer.post(f"{path}/scan", json={"code": "nothing"})
    assert (unknown.status_code, "add it as a piece" in unknown.json["detail"]) == (404, True)
    more = cataloguer.post(f"{path}/scan", json={"code": ISBN})
    assert (more.status_code, "1 announced" in more.json["detail"]) == (409, True)
    done(cataloguer, f"{path}/lines/2/count", received=1, damaged=1)
    silent = cataloguer.post(f"{path}/decline", json={"lines": [2]})
    assert (silent.status_code, "say why" in silent.json["detail"]) == (422, True)
    done(cataloguer, f"{path}/decline", lines=[2], reason="wet")
    added = done(cataloguer, f"{path}/lines", title="Letter", volumes=2)
    assert added["line"]["announced"] == 0  # type: ignore[index]
    accepted = done(cataloguer, f"{path}/accept")
    assert (accepted["titles"], accepted["undecided"]) == (2, 0)
    assert cataloguer.post(f"{path}/check", json={}).status_code == 403
    checked = done(librarian, f"{path}/check", claim=True)
    assert (checked["state"], checked["titles"], checked["volumes"]) == ("CHECKED", 2, 3)
    (claim,) = librarian.get("/claims").json["items"]
    assert (claim["incoming_gift"], claim["reason"]) == (checked["id"], "DAMAGED")
    balance = librarian.get("/partners/ulaanbaatar/balance").json
    assert "3" in str(balance)
    numbered = done(librarian, f"{path}/accession", first="UB-001")
    assert numbered["state"] == "ACCEPTED"
    bare = librarian.post(f"{path}/catalogue", json={})
    assert (bare.status_code, "line 3 (Letter)" in bare.json["detail"]) == (409, True)
    (tree,) = [x for x in cataloguer.get(f"{path}/lines").json["items"] if x["title"] == "Tree"]
    shelf = {"record": tree["record"], "shelf": "MN 1", "translated_title": "나무"}
    assert cataloguer("PATCH", f"{path}/lines/3", json=shelf).status_code == 200
    done(librarian, f"{path}/catalogue")
    file_ = cataloguer.get(f"{path}/records?to=marcxml&541=true&852=true")
    assert file_.mimetype == "application/marcxml+xml"
    assert file_.data.count(b'tag="541"') == 2
    assert b"UB-001" in file_.data
    assert b"incoming-" in file_.headers["Content-Disposition"].encode()
    right = {"received": 0, "why": "it was another library's"}
    mended = done(librarian, f"{path}/lines/3/correct", **right)
    assert mended["gift"]["volumes"] == 1  # type: ignore[index]
    day = done(librarian, f"{path}/correct-day", received_on="2024-12-31", why="by the postmark")
    assert day["received_on"] == "2024-12-31"
    assert done(librarian, f"{path}/display")["state"] == "DISPLAYED"
    (one,) = librarian.get("/incoming-gifts?state=DISPLAYED&partner=ulaanbaatar").json["items"]
    assert one["titles"] == 1


@pytest.mark.usefixtures("partner")
def test_an_impossible_step_says_what_is_possible_and_a_late_one_shows_both_versions(
    librarian: Client,
) -> None:
    path = announced(librarian)
    early = librarian.post(f"{path}/display", json={})
    assert early.status_code == 409
    assert "this gift is ANNOUNCED" in early.json["detail"]
    assert "possible: receive, cancel" in early.json["detail"]
    seen = librarian.get(path).headers["ETag"]
    assert librarian("PATCH", path, json={"notes": "one"}).status_code == 200
    late = librarian("PATCH", path, json={"notes": "two"}, headers={"If-Match": seen})
    assert late.status_code == 412
    assert (late.json["yours"]["notes"], late.json["current"]["notes"]) == ("two", "one")
    foreign = librarian.post(f"{path}/cancel", json={"first": "A1", "reason": "x"})
    assert (foreign.status_code, foreign.json["code"]) == (422, "invalid")
    future = librarian.post(f"{path}/receive", json={"received_on": "2999-01-01"})
    assert future.status_code == 422
    assert done(librarian, f"{path}/cancel", reason="never sent")["state"] == "CANCELLED"


@pytest.mark.usefixtures("partner")
def test_a_table_comes_with_what_is_wrong_in_it(librarian: Client, site: Site) -> None:
    path = announced(librarian)
    table = b"title,ISBN,copies\nTree,,1\n,,1\n"
    answer = librarian.post(f"{path}/file", data=table, content_type="text/csv")
    assert answer.json["titles"] == 1
    assert [(each["row"], each["column"]) for each in answer.json["rejected"]] == [(3, "title")]
    again = librarian.post(f"{path}/file", data=table, content_type="text/csv")
    assert again.status_code == 200  # it is still on its way
    work(site)
    assert librarian.post(f"{path}/file", data=table, content_type="text/csv").status_code == 409
    assert len(librarian.get(f"{path}/lines").json["items"]) == 1
    junk = librarian.post(f"{path}/file", data=b"%PDF-1.4 nonsense")
    assert junk.status_code == 415


def test_who_announces_is_told_what_is_missing(librarian: Client) -> None:
    nobody = librarian.post("/incoming-gifts", json={"title": "A", "partner": "atlantis"})
    assert nobody.status_code == 404
    neither = librarian.post("/incoming-gifts", json={"title": "A"})
    assert (neither.status_code, neither.json["detail"]) == (422, "say the partner, or its list")
    listed = librarian.post("/incoming-gifts", json={"list": "nowhere"})
    assert listed.status_code == 404
    assert librarian.get(f"/incoming-gifts/{NOWHERE}").status_code == 404


def test_what_we_hold_is_uploaded_and_a_file_without_numbers_refused(
    cataloguer: Client, librarian: Client
) -> None:
    made = cataloguer("PUT", "/holdings", data=f"ISBN\n{ISBN}\n", content_type="text/csv")
    assert (made.status_code, made.json["counts"], made.json["without"]) == (200, {"isbn": 1}, 1)
    added = cataloguer("PUT", "/holdings?add=true", data="1234-5679", content_type="text/plain")
    assert added.json["counts"] == {"isbn": 1, "issn": 1}
    empty = cataloguer("PUT", "/holdings", data="title\n", content_type="text/csv")
    assert (empty.status_code, "nothing was changed" in empty.json["detail"]) == (422, True)
    assert cataloguer.get("/holdings").json["counts"] == {"isbn": 1, "issn": 1}
    ours = librarian.post("/selections", json={"list": "nowhere", "selector": "Minji"})
    assert ours.status_code == 404
    assert librarian.get("/selections").json["items"] == []
    for path in (f"/selections/{NOWHERE}", f"/selections/{NOWHERE}/titles"):
        assert cataloguer.get(path).status_code == 404
