"""A list is drawn up, filled, opened, prolonged and closed by forms; faults keep what was typed."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from service.domain.offer import ListAction, ListState
from service.domain.permission import Role
from service.usecases import cataloguing, membership, offering, overlooking_lists, searching
from tests.web.conftest import BOOKS, JAPANESE, KOREAN, RUSSIAN, Reader, Visitor, text

LISTS = "/desk/lists"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def hana(reader: Reader) -> Visitor:
    return reader.as_(Role.EXCHANGE_LIBRARIAN)


def draw_up(hana: Visitor, **given: Any) -> str:
    """Draw up a list by its form and return its page."""
    fields: dict[str, Any] = {"title": "Spring list", "zone": "Asia/Seoul", **given}
    answer = hana.post(f"{LISTS}/_new", **fields)
    return str(answer.location).removesuffix("/add")


def state(reader: Reader, slug: str) -> ListState:
    return offering.find_list(reader.site.db, slug, None).offer_list.state


def revision(reader: Reader, slug: str) -> int:
    return offering.find_list(reader.site.db, slug, None).offer_list.revision


def offers(reader: Reader, slug: str) -> dict[str, str]:
    """Return the titles of a list with their public ids."""
    found = overlooking_lists.all_offers(reader.site.db, slug)
    return {each.offer.title_vernacular or each.offer.title: each.offer.public_id for each in found}


def test_who_has_no_list_yet_is_told_what_to_do_and_draws_one_up(
    reader: Reader, hana: Visitor
) -> None:
    page = hana.tree(LISTS)
    assert "There is no offer list yet." in text(page)
    (way,) = page.xpath("//div[@class='empty']//a/@href")
    assert "Draw up a list" in text(hana.tree(way))
    page = draw_up(hana, closes_at="2026-12-01T18:00", policy="PRIORITY", max_per_partner="5")
    assert page == f"{LISTS}/spring-list"
    shown = text(hana.tree(page))
    assert "draft" in shown
    assert "18:00 (Asia/Seoul) · 09:00 UTC" in shown
    assert "By priority" in shown
    assert "Nobody sees it before it is open." in shown
    found = offering.find_list(reader.site.db, "spring-list", None).offer_list
    assert found.max_per_partner == 5
    assert "Spring list" in text(hana.tree(f"{LISTS}?state=DRAFT"))
    assert "No list is in this state." in text(hana.tree(f"{LISTS}?state=OPEN"))


def test_a_list_that_cannot_be_drawn_up_keeps_what_was_typed_and_says_what_is_wrong(
    reader: Reader, hana: Visitor
) -> None:
    given: dict[str, Any] = {
        "title": HOSTILE,
        "slug": "Not a slug",
        "zone": "Asia/Busan",
        "not_to": "KR",
    }
    page = hana.post(f"{LISTS}/_new", 422, **given)
    assert HOSTILE not in page.text
    assert "cannot name a list" in page.text
    assert 'value="Not a slug"' in page.text
    page = hana.post(f"{LISTS}/_new", 422, title="", slug="spring", max_per_partner="many")
    assert "is no whole number" in page.text
    given |= {"slug": "spring", "opens_at": "soon", "zone": "Asia/Seoul"}
    assert "is no moment" in hana.post(f"{LISTS}/_new", 422, **given).text
    given |= {"opens_at": "2027-01-02T10:00", "zone": "Mars/Olympus"}
    assert "no time zone" in hana.post(f"{LISTS}/_new", 422, **given).text
    given |= {"zone": "UTC", "opens_at": "2027-01-02T10:00", "closes_at": "2027-01-01T10:00"}
    assert "must be later" in hana.post(f"{LISTS}/_new", 422, **given).text
    given |= {"opens_at": "", "partners": "nobody"}
    assert "nobody" in hana.post(f"{LISTS}/_new", 422, **given).text
    given["partners"] = ""
    hana.post(f"{LISTS}/_new", **given)
    page = hana.post(f"{LISTS}/_new", 422, **given)
    assert "already an offer list" in page.text
    assert HOSTILE not in hana.get(f"{LISTS}/spring").text
    assert HOSTILE not in hana.get(LISTS).text
    page = hana.post(f"{LISTS}/_new", 422, title="봄 목록")  # of which no address can be made
    assert "봄 목록" in page.text
    assert "cannot name a list" in page.text


def test_titles_are_added_from_records_an_import_and_what_is_left_over(
    reader: Reader, hana: Visitor
) -> None:
    reader.offer("winter", *BOOKS)
    page = draw_up(hana)
    assert "채식주의자" in text(hana.tree(f"{page}/add?q=채식주의자"))
    assert "No record has these words." in text(hana.tree(f"{page}/add?q=nothing"))
    (record,) = searching.records(reader.site.db, "채식주의자").rows
    hana.post(f"{page}/add", records=record.public_id)
    assert list(offers(reader, "spring-list")) == ["채식주의자"]
    again = hana.client.get(hana.post(f"{page}/add", records=record.public_id).location)
    assert "on this list already" in again.text
    assert "choose at least one" in hana.post(f"{page}/add", 422, q="x").text
    assert "no record" in hana.post(f"{page}/add", 422, records="0" * 26).text
    (batch, _slug) = cataloguing.list_batches(reader.site.db, "", 10)[0]
    hana.post(f"{page}/add", batch=batch.public_id)
    assert len(offers(reader, "spring-list")) == len(BOOKS)
    assert "no such import" in hana.post(f"{page}/add", 422, batch="nonsense").text
    reader.change("winter", ListAction.CLOSE)
    hana.post(f"{page}/add", 409, left="winter")  # not allocated: nobody knows what is left
    hana.post(f"{LISTS}/winter/archive", revision=str(revision(reader, "winter")))
    draw_up(hana, title="Autumn")
    assert "List winter (4 titles)" in text(hana.tree(f"{LISTS}/autumn/add"))
    hana.post(f"{LISTS}/autumn/add", left="winter")
    assert len(offers(reader, "autumn")) == len(BOOKS)
    hana.post(f"{LISTS}/winter/add", 409, records=record.public_id)


def test_every_move_is_asked_once_more_and_says_what_will_happen(
    reader: Reader, hana: Visitor
) -> None:
    reader.draft("spring", KOREAN)
    page = f"{LISTS}/spring"
    moves = hana.tree(page).xpath("//p[@class='tools']/a/@href")
    assert f"{page}/open" in moves
    assert f"{page}/close" not in moves
    assert "wishes are taken" in text(hana.tree(f"{page}/open"))
    assert state(reader, "spring") is ListState.DRAFT  # asking changes nothing
    assert "approved to open at a moment" in hana.post(f"{page}/approve", 409).text
    hana.post(f"{page}/open", revision=str(revision(reader, "spring")))
    assert state(reader, "spring") is ListState.OPEN
    assert "list%3Aspring" in hana.get(page).text or "list:spring" in hana.get(page).text
    assert "not possible" in hana.get(f"{page}/open").text
    assert "only a list that is" in hana.post(f"{page}/open", 409).text
    hana.post(f"{page}/withdraw", 412, revision="1")
    hana.post(f"{page}/withdraw", revision=str(revision(reader, "spring")))
    assert state(reader, "spring") is ListState.WITHDRAWN
    assert "Nobody sees it now." in text(hana.tree(page))
    hana.get(f"{page}/allocate", 404)


def test_a_list_on_which_wishes_stand_closes_early_only_with_a_reason(
    reader: Reader, hana: Visitor
) -> None:
    kenji = reader.as_(Role.PARTNER, "nagasaki")
    draw_up(hana, closes_at="2026-12-01T18:00")
    reader.draft("other", KOREAN)
    (record,) = searching.records(reader.site.db, "채식주의자").rows
    page = f"{LISTS}/spring-list"
    hana.post(f"{page}/add", records=record.public_id)
    hana.post(f"{page}/open")
    reader.publish()
    kenji.post("/portal/wishes/", pasted="9788936433598")
    shown = text(hana.tree(page))
    assert "1 wish of one partner" in shown
    asked = hana.tree(f"{page}/close")
    assert "Why it closes earlier" in text(asked)
    assert "stands on this list" in hana.post(f"{page}/close", 409).text
    given: dict[str, Any] = {"title": "Kept", "zone": "Asia/Seoul", "closes_at": "2026-11-01T18:00"}
    kept = hana.post(f"{page}/edit", 422, revision=str(revision(reader, "spring-list")), **given)
    assert "stands on this list" in kept.text
    assert 'value="2026-11-01T18:00"' in kept.text
    hana.post(f"{page}/edit", reason="The truck comes early.", **given)
    assert "09:00 UTC" in text(hana.tree(page))
    given["closes_at"] = "2027-01-01T18:00"
    hana.post(f"{page}/edit", **given)  # later is free
    hana.post(f"{page}/close", reason="The truck comes earlier still.")
    assert state(reader, "spring-list") is ListState.CLOSED


def test_two_librarians_at_one_list_do_not_overwrite_each_other(
    reader: Reader, hana: Visitor
) -> None:
    page = draw_up(hana)
    seen = str(revision(reader, "spring-list"))
    given: dict[str, Any] = {"zone": "Asia/Seoul", "description": "Hana’s words"}
    hana.post(f"{page}/edit", revision=seen, title="Hana’s title", **given)
    other = reader.as_(Role.ADMIN)
    given["description"] = "Other words"
    overtaken = other.post(f"{page}/edit", 412, revision=seen, title="The other’s title", **given)
    for words in ("Hana’s title", "Hana’s words", "The other’s title", "Other words"):
        assert words in overtaken.text
    now = str(revision(reader, "spring-list"))
    assert f'name="revision" value="{now}"' in overtaken.text
    other.post(f"{page}/edit", revision=now, title="The other’s title", **given)
    assert "The other’s title" in hana.get(page).text


def test_a_date_that_nobody_touched_stays_to_the_second(reader: Reader, hana: Visitor) -> None:
    reader.clock.sleep(17)
    page = draw_up(hana, opens_at="2026-12-01T18:00")
    before = offering.find_list(reader.site.db, "spring-list", None).offer_list
    hana.post(f"{page}/edit", title="Other", zone="Asia/Seoul", opens_at="2026-12-01T18:00")
    after = offering.find_list(reader.site.db, "spring-list", None).offer_list
    assert after.opens_at == before.opens_at
    hana.post(f"{page}/approve")
    assert "opens by itself" in text(hana.tree(page))


def test_a_tier_is_set_and_taken_back(reader: Reader, hana: Visitor) -> None:
    db = reader.site.db
    membership.add_partner(db, code="nagasaki", name="Nagasaki", now=reader.site.now())
    now = reader.site.now()
    membership.add_audience(db, code="sisters", partner_codes=["nagasaki"], now=now)
    page = draw_up(hana, audience="sisters")
    assert "First forsisters" in text(hana.tree(page))
    given: dict[str, Any] = {"audience": "public", "zone": "Asia/Seoul"}
    assert "say when it opens" in hana.post(f"{page}/tiers", 422, **given).text
    hana.post(f"{page}/tiers", opens_at="2026-11-10T09:00", **given)
    assert "everybody: 10 November 2026, 09:00" in text(hana.tree(page))
    hana.post(f"{page}/tiers/remove", audience="public")
    assert "everybody: 10" not in text(hana.tree(page))
    everybody = draw_up(hana, title="For all")
    shown = hana.post(f"{everybody}/tiers", 409, opens_at="2026-11-10T09:00", audience="sisters")
    assert "no later tiers" in shown.text


def test_a_title_is_changed_and_taken_back(reader: Reader, hana: Visitor) -> None:
    reader.offer("spring", KOREAN, JAPANESE)
    title = f"{LISTS}/spring/titles/{offers(reader, 'spring')['채식주의자']}"
    assert "채식주의자" in text(hana.tree(title))
    given: dict[str, Any] = {
        "copies": "3",
        "volumes": "2",
        "condition": "slightly foxed",
        "not_to": "us",
    }
    hana.post(title, revision="1", **given)
    (row,) = hana.tree(f"{LISTS}/spring?q=채식주의자").xpath("//tbody/tr")
    assert "slightly foxed" in text(row)
    assert "not to US" in text(row)
    overtaken = hana.post(title, 412, revision="1", **given | {"condition": "as new"})
    assert "slightly foxed" in overtaken.text
    assert 'value="as new"' in overtaken.text
    wrong = hana.post(title, 422, **given | {"copies": "0", "not_to": "everywhere"})
    assert "whole number" in wrong.text
    assert 'value="everywhere"' in wrong.text
    assert "cannot be undone" in text(hana.tree(f"{title}/withdraw"))
    hana.post(f"{title}/withdraw")
    assert "taken back" in text(hana.tree(f"{LISTS}/spring"))
    hana.post(f"{title}/withdraw", 409)
    hana.get(title.replace("spring", "winter"), 404)
    hana.get(f"{LISTS}/nothing", 404)


def test_a_list_is_had_as_a_file_whole(reader: Reader, hana: Visitor) -> None:
    reader.offer("spring", *BOOKS, {**RUSSIAN, "title": "=cmd|calc"})
    given = hana.get(f"{LISTS}/spring?as=csv").text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(given)))
    assert len(rows) == len(BOOKS) + 1
    assert {row["title"][0] for row in rows} & {"="} == set()
    assert hana.get(f"{LISTS}/spring?as=xlsx").data[:2] == b"PK"
    assert "spring" in hana.get(f"{LISTS}?as=csv").text
    hana.get(f"{LISTS}?as=pdf", 404)
