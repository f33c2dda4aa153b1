"""A year's list is allocated by forms alone: planned, tried otherwise, confirmed, answered."""

from __future__ import annotations

import csv
import io

import pytest

from service import worker
from service.domain.allocation import AllocationPolicy, AllocationState, RunState
from service.domain.offer import ListAction, ListState
from service.domain.permission import Role
from service.errors import NotFound
from service.usecases import allocating, offering, searching
from service.usecases.allocating import Allocated
from tests.web.conftest import BOOKS, KOREAN, Reader, Visitor, text

PAGE = "/desk/lists/spring/allocation"
ISBN = "9788936433598"


@pytest.fixture
def hana(reader: Reader) -> Visitor:
    return reader.as_(Role.EXCHANGE_LIBRARIAN)


def wished(reader: Reader, *partners: str, title: str = ISBN) -> None:
    """Let partners wish for a title, each a minute after the other."""
    for partner in partners:
        who = reader.as_(Role.PARTNER, partner)
        who.post("/portal/wishes/", pasted=title)
        reader.clock.sleep(60)


def closed(reader: Reader, *partners: str) -> None:
    """Let a list with one copy of each title be wished from and closed."""
    reader.offer("spring", *BOOKS)
    wished(reader, *partners)
    reader.change("spring", ListAction.CLOSE)


def run(reader: Reader) -> Allocated:
    return allocating.show(reader.site.db, "spring")


def winners(reader: Reader) -> list[str]:
    found = run(reader)
    decided = allocating.all_decisions(reader.site.db, found.run)
    return [each.partner for each in decided if each.given]


def test_a_year_from_the_draft_to_what_is_given_by_forms_alone(
    reader: Reader, hana: Visitor
) -> None:
    reader.draft("stock", *BOOKS)
    made = hana.post("/desk/lists/_new", title="Spring", slug="spring", policy="FIRST_COME")
    found = searching.records(reader.site.db, "").rows
    chosen = [each.public_id for each in found]
    hana.post(str(made.location), records=chosen)
    hana.post("/desk/lists/spring/open")
    reader.publish()
    assert "nobody sees it" not in text(hana.tree("/desk/lists/spring")).lower()
    wished(reader, "nagasaki", "ulaanbaatar")
    shown = text(hana.tree("/desk/lists/spring"))
    assert "2 wishes of 2 partners" in shown
    assert "채식주의자" in text(hana.tree("/desk/wishes?list=spring"))
    hana.post("/desk/lists/spring/close")
    assert "2 wishes wait for a decision." in text(hana.tree(PAGE))
    hana.post(PAGE, policy="FIRST_COME", seed="a seed of ours")
    page = text(hana.tree(PAGE))
    assert "a seed of ours" in page
    assert "1 of 2" in page
    assert winners(reader) == ["nagasaki"]
    assert "1 wish is met." in text(hana.tree(f"{PAGE}/confirm"))
    assert run(reader).run.state is RunState.PROPOSED  # asking gives nothing
    hana.post(f"{PAGE}/confirm", plan=run(reader).run.public_id)
    page = hana.tree(PAGE)
    assert "confirmed" in text(page)
    state = offering.find_list(reader.site.db, "spring", None).offer_list.state
    assert state is ListState.ALLOCATED
    assert "given to you" in text(reader.as_(Role.PARTNER, "nagasaki").tree("/portal/given/"))
    assert "every decision comes out as it was made" in text(hana.tree(f"{PAGE}/replay"))
    (decline,) = page.xpath("//tbody//a[contains(@href, '/decline')]/@href")
    assert "pass to the next in line" in text(hana.tree(decline))
    hana.post(decline, reason="<b>Full shelves</b>")
    assert winners(reader)[-1] == "ulaanbaatar"
    shown = hana.get(PAGE).text
    assert "&lt;b&gt;Full shelves" in shown
    assert "<b>Full" not in shown
    hana.post(decline, 409)


def test_what_if_shows_who_gains_and_changes_nothing(reader: Reader, hana: Visitor) -> None:
    closed(reader, "nagasaki", "ulaanbaatar")
    hana.post(PAGE, policy="FIRST_COME")
    before = run(reader)
    tries = [hana.tree(f"{PAGE}/what-if?policy=WINDOW_LOTTERY&seed={seed}") for seed in range(8)]
    for page in tries:
        assert "Nothing of this is kept" in text(page)
        assert "Lottery among all wishes" in text(page)
    assert any("ulaanbaatar 0 1 +1" in text(page) for page in tries)  # the lots fall otherwise
    assert run(reader) == before
    given = hana.get(f"{PAGE}/what-if?policy=WINDOW_LOTTERY&seed=1&as=csv").text
    assert "partner,planned,by_this,difference" in given
    assert "no policy" in hana.get(f"{PAGE}/what-if?policy=BRIBES", 422).text


def test_a_plan_that_cannot_be_says_why_and_keeps_what_was_typed(
    reader: Reader, hana: Visitor
) -> None:
    reader.offer("spring", KOREAN)
    assert "allocated once it is closed" in text(hana.tree(PAGE))
    assert "only a list that is CLOSED" in hana.post(PAGE, 409, policy="FIRST_COME").text
    hana.get(f"{PAGE}/what-if?policy=FIRST_COME", 409)
    assert "no plan to confirm" in hana.get(f"{PAGE}/confirm").text
    hana.post(f"{PAGE}/confirm", 409)
    hana.get(f"{PAGE}/replay", 404)
    reader.change("spring", ListAction.CLOSE)
    long = hana.post(PAGE, 422, policy="FIRST_COME", seed="x" * 101)
    assert "x" * 101 in long.text
    hana.post(PAGE, 422, policy="BRIBES")
    with pytest.raises(NotFound):
        run(reader)
    hana.get("/desk/lists/nothing/allocation", 404)


def test_a_plan_that_somebody_made_anew_is_not_confirmed_unseen(
    reader: Reader, hana: Visitor
) -> None:
    closed(reader, "nagasaki", "ulaanbaatar")
    hana.post(PAGE, policy="FIRST_COME")
    (seen,) = hana.tree(f"{PAGE}/confirm").xpath("//main//input[@name='plan']/@value")
    reader.as_(Role.ADMIN).post(PAGE, policy="WINDOW_LOTTERY", seed="other")
    assert "look at the new plan" in hana.post(f"{PAGE}/confirm", 409, plan=seen).text
    assert run(reader).run.policy is AllocationPolicy.WINDOW_LOTTERY
    assert run(reader).run.state is RunState.PROPOSED


def test_a_partner_is_asked_about_what_differs_and_the_staff_enters_its_answer(
    reader: Reader, hana: Visitor
) -> None:
    reader.offer("spring", KOREAN)
    while worker.turn(reader.site):  # makes the keys of titles
        pass
    wished(reader, "nagasaki", title="title;author;year\n채식주의자;한강;2007")
    reader.change("spring", ListAction.CLOSE)
    hana.post(PAGE, policy="FIRST_COME")
    assert "About 1 wish its partner is asked" in text(hana.tree(f"{PAGE}/confirm"))
    hana.post(f"{PAGE}/confirm", plan=run(reader).run.public_id)
    page = hana.tree(PAGE)
    assert "The partner is asked" in text(page)
    (accept,) = page.xpath("//tbody//a[contains(@href, '/accept')]/@href")
    assert "It is given to the partner" in text(hana.tree(accept))
    hana.post(accept)
    (decided,) = allocating.all_decisions(reader.site.db, run(reader).run)
    assert decided.state is AllocationState.ACCEPTED
    hana.post(accept, 409)
    hana.get(accept.replace("/accept", "/forget"), 404)


def test_decisions_and_shares_are_had_as_files_and_a_cataloguer_only_looks(
    reader: Reader, hana: Visitor
) -> None:
    closed(reader, "nagasaki", "ulaanbaatar")
    hana.post(PAGE, policy="FIRST_COME")
    given = hana.get(f"{PAGE}?as=csv").text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(given)))
    assert [(row["partner"], row["gets"]) for row in rows] == [
        ("nagasaki", "1"),
        ("ulaanbaatar", "0"),
    ]
    assert all(row["reason"] for row in rows)
    shares = hana.get(f"{PAGE}/shares?as=csv").text
    assert "nagasaki,1,0,2" in shares
    assert hana.get(f"{PAGE}?as=xlsx").data[:2] == b"PK"
    minji = reader.as_(Role.CATALOGUER)  # who looks, and is offered nothing to do
    page = minji.tree(PAGE)
    assert "aesikchu" in text(page)
    assert not page.xpath("//main//form")
    minji.post(f"{PAGE}/confirm", 403)
    minji.post(PAGE, 403, policy="FIRST_COME")
    assert run(reader).run.state is RunState.PROPOSED
