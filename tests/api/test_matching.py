"""A partner names the offer that its wish means; the staff sees and tunes the rules of matching."""

from __future__ import annotations

from typing import Any

import pytest

from service.usecases.site import Site
from tests.api.conftest import Client, oai, offer, record

ISBN, OTHER = "9788936433598", "9788936434595"


def wish(partner: Client, **said: str) -> tuple[str, dict[str, Any]]:
    made = partner.post("/wishlists", json=[said]).json
    return f"/wishlists/{made['id']}/lines/1/confirm", made["lines"][0]


def test_a_matched_wish_is_registered_by_naming_its_offer_once_or_twice(
    site: Site, partner: Client
) -> None:
    (book,) = offer(site, "spring", record("채식주의자", isbn=ISBN))
    confirm, line = wish(partner, title="채식주의자")
    assert (line["outcome"], line["offer"]) == ("matched", oai(book))
    for named in (oai(book), book, line["offer_url"]):
        done = partner.post(confirm, json={"offer": named})
        assert done.status_code == 200
        assert (done.json["outcome"], done.json["state"]) == ("registered", "OPEN")
    assert done.json["reason"].startswith(line["reason"])
    assert "You confirmed it on" in done.json["reason"]


def test_another_edition_and_one_of_several_are_registered_by_naming_them(
    site: Site, partner: Client
) -> None:
    offers = offer(site, "spring", record("채식주의자", "1", isbn=OTHER), record("채식주의자", "2"))
    confirm, line = wish(partner, title="채식주의자")
    assert (line["outcome"], line["state"]) == ("ambiguous", "ANSWERED")
    done = partner.post(confirm, json={"offer": offers[1]}).json
    assert (done["outcome"], done["state"], done["offer"]) == (
        "registered", "OPEN", oai(offers[1]),
    )  # fmt: skip
    (only,) = offer(site, "summer", record("소년이 온다", "3", isbn=OTHER))
    confirm, line = wish(partner, title="소년이 온다", isbn=ISBN)
    assert line["outcome"] == "other_edition"
    assert partner.post(confirm, json={"offer": only}).json["outcome"] == "registered"


def test_what_cannot_be_confirmed_says_why(site: Site, partner: Client, other: Client) -> None:
    (book,) = offer(site, "spring", record("채식주의자", isbn=ISBN))
    (secret,) = offer(site, "secret", record("Hidden", "9"), partners=["vladivostok"])
    confirm, _ = wish(partner, title="채식주의자")
    waiting, _ = wish(partner, isbn="9791186000007")
    refusals = [
        (partner, confirm, "nothing", 422, "identifier"),
        (partner, confirm, "oai:elsewhere.org:1", 422, "identifier"),
        (partner, confirm, secret, 404, "no offer has this identifier"),
        (partner, confirm, "0" * 26, 404, "no offer has this identifier"),
        (other, confirm, book, 404, "no such wish"),
        (partner, confirm.replace("/1/", "/7/"), book, 404, "no such wish"),
        (partner, waiting, book, 409, "waiting and OPEN"),
    ]
    for caller, path, named, status, words in refusals:
        refused = caller.post(path, json={"offer": named})
        assert refused.status_code in (status, 400), (named, refused.json)
        assert words in refused.json["detail"]
    assert partner.wish(f"offer/{book}").json["lines"][0]["outcome"] == "duplicate"
    assert partner.post(waiting, json={}).status_code in (400, 422)


def test_an_offer_of_a_closed_list_and_one_asked_for_elsewhere_are_conflicts(
    site: Site, partner: Client, staff: Client
) -> None:
    offers = offer(site, "spring", record("채식주의자", "1"), record("채식주의자", "2"))
    assert partner.wish(f"offer/{offers[0]}").json["lines"][0]["outcome"] == "registered"
    confirm, line = wish(partner, title="채식주의자")
    assert line["outcome"] == "ambiguous"
    refused = partner.post(confirm, json={"offer": offers[0]})
    assert (refused.status_code, "you ask for this offer already" in refused.json["detail"]) == (
        409, True,
    )  # fmt: skip
    staff.post("/lists/spring/close")
    refused = partner.post(confirm, json={"offer": offers[1]})
    assert (refused.status_code, "which closed" in refused.json["detail"]) == (409, True)


def test_the_staff_sees_the_rules_and_gives_them_other_scores(
    site: Site, staff: Client, partner: Client
) -> None:
    offer(site, "spring", record("채식주의자", isbn=ISBN))
    rules = {each["name"]: each for each in staff.get("/match-rules").json["rules"]}
    assert (rules["isbn"]["score"], rules["register"]["score"]) == (100, 90)
    assert wish(partner, title="채식주의자")[1]["outcome"] == "matched"
    tuned = staff("PUT", "/match-rules/title_alone", json={"score": 20, "reason": "too many"})
    assert (tuned.status_code, tuned.json["score"], tuned.json["default"]) == (200, 20, 50)
    assert wish(partner, title="채식주의자 ")[1]["outcome"] == "waiting"
    assert staff("PUT", "/match-rules/nothing", json={"score": 2}).status_code == 404
    assert staff("PUT", "/match-rules/match", json={"score": 95}).status_code in (400, 422)
    assert staff("PUT", "/match-rules/isbn", json={"score": 101}).status_code in (400, 422)


@pytest.mark.parametrize("path", ["/match-rules", "/match-rules/isbn"])
def test_the_rules_are_the_staffs(partner: Client, nobody: Client, path: str) -> None:
    method = "GET" if path == "/match-rules" else "PUT"
    assert partner(method, path, json={"score": 1}).status_code == 403
    assert nobody(method, path, json={"score": 1}).status_code == 401
