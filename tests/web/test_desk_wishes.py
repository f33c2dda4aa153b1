"""Wishes are looked through by list, partner and answer; what several titles fit is settled."""

from __future__ import annotations

import pytest

from service.domain.permission import Role
from service.domain.wish import Outcome, WishState
from service.usecases import auditing, tuning_matches, wishing
from tests.web.conftest import BOOKS, KOREAN, Reader, Visitor, text

WISHES = "/desk/wishes"
OTHER = {**KOREAN, "year": "2010", "publisher": "다른"}
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def hana(reader: Reader) -> Visitor:
    return reader.as_(Role.EXCHANGE_LIBRARIAN)


@pytest.fixture
def kenji(reader: Reader) -> Visitor:
    return reader.as_(Role.PARTNER, "nagasaki")


def send(kenji: Visitor, pasted: str) -> str:
    """Send a wish list from the portal and return its page at the desk."""
    answer = kenji.post("/portal/wishes/", pasted=pasted)
    return str(answer.location).replace("/portal/", "/desk/")


def test_wishes_are_looked_through_by_list_partner_and_answer(
    reader: Reader, hana: Visitor, kenji: Visitor
) -> None:
    assert "No partner has wished for anything yet." in text(hana.tree(WISHES))
    assert "No wish list came yet." in text(hana.tree(f"{WISHES}/lists"))
    reader.offer("spring", *BOOKS)
    page = send(kenji, f"9788936433598\n9788970128856\n{HOSTILE}")
    assert HOSTILE not in hana.get(page).text
    shown = text(hana.tree(WISHES))
    assert "채식주의자" in shown
    assert "registered" in shown
    (row,) = hana.tree(f"{WISHES}?list=spring").xpath("//tbody/tr")
    assert "nagasaki" in text(row)
    assert len(hana.tree(f"{WISHES}?partner=nagasaki").xpath("//tbody/tr")) == 3
    filters = text(hana.tree(f"{WISHES}?partner=nagasaki").xpath("//ul[@class='filters']")[0])
    assert "registered 1" in filters
    assert "several fit" not in filters
    (row,) = hana.tree(f"{WISHES}?outcome=waiting").xpath("//tbody/tr")
    assert "9788970128856" in text(row)
    assert "No wish is like that." in text(hana.tree(f"{WISHES}?partner=nobody"))
    assert HOSTILE not in hana.get(f"{WISHES}?outcome=invalid").text
    given = hana.get(f"{WISHES}?as=csv").text
    assert given.count("nagasaki") == 3
    assert "nagasaki" in text(hana.tree(f"{WISHES}/lists?partner=nagasaki"))
    hana.get(f"{WISHES}/lists?partner=nobody", 404)
    hana.get(f"{WISHES}/lists?as=xlsx")
    hana.get(f"{WISHES}/nonsense", 404)
    hana.get(f"{page}/99", 404)


def test_what_several_titles_fit_is_settled_by_hand_and_the_partner_reads_who_did(
    reader: Reader, hana: Visitor, kenji: Visitor
) -> None:
    titles = reader.offer("spring", KOREAN) + reader.offer("summer", OTHER)
    page = send(kenji, "9788936433598")
    (line,) = wishing.show(reader.site.db, page.rsplit("/", 1)[1], None).lines
    assert line.outcome is Outcome.AMBIGUOUS
    (way,) = hana.tree(f"{WISHES}?outcome=ambiguous").xpath("//a[. = 'Settle']/@href")
    found = hana.tree(f"{way}?q=채식주의자").xpath("//tbody//input[@name='offer']/@value")
    assert set(found) == {each.public_id for each in titles}
    assert "name an offer of ours" in hana.post(way, 422, offer=HOSTILE).text
    assert "no offer has this" in hana.post(way, 409, offer="0" * 26).text
    minji = reader.as_(Role.CATALOGUER)
    assert "Say which title is meant" not in minji.get(way).text
    minji.post(way, 403, offer=found[0])
    kenji.post(way, 403, offer=found[0])
    hana.post(way, offer=titles[1].public_id)
    (line,) = wishing.show(reader.site.db, page.rsplit("/", 1)[1], None).lines
    assert (line.outcome, line.state) == (Outcome.REGISTERED, WishState.OPEN)
    assert line.offer == titles[1].public_id
    assert "We confirmed it for you" in kenji.get(page.replace("/desk/", "/portal/")).text
    entry = auditing.list_entries(reader.site.db, limit=1)[0]
    assert (entry.actor, entry.kind, entry.action) == (f"staff:{hana.name}", "wish", "settled")
    hana.post(way, offer=titles[1].public_id)  # once more changes nothing
    assert "only one that is open" in hana.post(way, 409, offer=titles[0].public_id).text


def test_the_staff_cannot_name_what_the_partner_may_not_see(
    reader: Reader, hana: Visitor, kenji: Visitor
) -> None:
    reader.as_(Role.PARTNER, "kaohsiung")
    reader.offer("spring", KOREAN)
    reader.offer("summer", OTHER)
    reader.offer("secret", {**KOREAN, "title": "비밀"}, partner_codes=["kaohsiung"])
    page = send(kenji, "9788936433598")
    shown = hana.tree(f"{page}/1?q=비밀")
    assert "No title that this partner may see" in text(shown)


def test_the_rules_of_matching_are_shown_and_the_administrator_changes_them(
    reader: Reader, hana: Visitor
) -> None:
    rules = f"{WISHES}/rules"
    assert "title_similar" in text(hana.tree(rules))
    assert not hana.tree(rules).xpath("//tbody//form")
    hana.post(rules, 403, name="title", score="95")
    admin = reader.as_(Role.ADMIN)
    page = admin.post(rules, 422, name="title", score="many")
    assert "is no whole number" in page.text
    assert 'value="many"' in page.text
    assert "above the second" in admin.post(rules, 422, name="match", score="95").text
    admin.post(rules, 422, name="title", score="")
    admin.post(rules, 404, name="luck", score="95")
    admin.post(rules, name="title", score="95", reason="We trust titles.")
    scores = {each.name: each.score for each in tuning_matches.list_rules(reader.site.db)}
    assert scores["title"] == 95
