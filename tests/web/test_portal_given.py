"""A partner reads what it is given and why, says what arrived, claims, and sees its balance."""

from __future__ import annotations

import pytest

from service import worker
from service.domain.allocation import AllocationPolicy
from service.domain.consignment import Consignment
from service.domain.offer import ListAction
from service.domain.permission import Role
from service.usecases import (
    allocating,
    dispatching,
    enrolling,
    packing,
    parcelling,
)
from tests.web.conftest import BOOKS, KOREAN, Reader, Visitor, text

BY = "staff:exchange_librarian"


@pytest.fixture
def kenji(reader: Reader) -> Visitor:
    """Somebody of Nagasaki's library, to whom books can be sent."""
    found = reader.as_(Role.PARTNER, "nagasaki")
    address = {"address_roman": "1 Harbour Road\nNagasaki\nJAPAN", "place": "JP"}
    enrolling.change(reader.site.db, "nagasaki", address, by=BY, now=reader.site.now())
    return found


def given(reader: Reader, kenji: Visitor) -> None:
    """Let Nagasaki be given the book that it wished for."""
    reader.offer("spring", *BOOKS)
    kenji.post("/portal/wishes/", pasted="9788936433598")
    reader.change("spring", ListAction.CLOSE)
    site = reader.site
    allocating.allocate(site.db, "spring", site.now, policy=AllocationPolicy.FIRST_COME)


def sent(reader: Reader) -> Consignment:
    """Pack and dispatch what waits for Nagasaki."""
    site = reader.site
    by = {"by": BY, "now": site.now()}
    made = packing.make_for(site.db, "nagasaki", **by)
    parcelling.tick(site.db, made.number, None, **by)
    packing.pack(site.db, made.number, **by)
    return dispatching.dispatch(site.db, made.number, **by)


def test_what_is_given_is_told_with_its_reason_and_can_be_declined_after_a_question(
    reader: Reader, kenji: Visitor
) -> None:
    assert "Nothing was decided on your wishes yet." in text(kenji.tree("/portal/given/"))
    given(reader, kenji)
    page = kenji.tree("/portal/given/")
    (row,) = page.xpath("//tbody/tr")
    assert "Ch'aesikchuŭija" in text(row)
    assert "given to you" in text(row)
    (question,) = page.xpath("//tbody//a[contains(@href, 'decline')]/@href")
    assert "aesikchuŭija" in text(kenji.tree(question))
    reader.as_(Role.PARTNER, "kaohsiung").get(question, 404)
    kenji.post(question, reason="We have it by now.")
    assert "declined by you" in text(kenji.tree("/portal/given/"))
    kenji.post(question, 409)


def test_a_consignment_shows_its_lines_its_records_and_the_way_to_say_what_arrived(
    reader: Reader, kenji: Visitor
) -> None:
    given(reader, kenji)
    assert "Nothing was sent to you yet." in text(kenji.tree("/portal/consignments/"))
    number = sent(reader).number
    page = kenji.tree("/portal/consignments/")
    (address,) = page.xpath("//tbody/tr/td/a/@href")
    assert "on its way" in text(page)
    page = kenji.tree(address)
    assert "채식주의자" in text(page)
    (link,) = page.xpath("//a[contains(@class, 'btn-primary')]/@href")
    assert "/receipts/" in link
    marc = kenji.get(f"{address}/records?to=marcxml")
    assert "채식주의자" in marc.text
    kenji.get(f"{address}/records?to=pdf", 422)
    other = reader.as_(Role.PARTNER, "kaohsiung")
    for path in (address, f"{address}/records", "/portal/consignments/2026-9999"):
        other.get(path, 404)
    assert number in address


def test_a_claim_is_opened_on_a_line_and_one_of_the_librarys_is_answered(
    reader: Reader, kenji: Visitor
) -> None:
    given(reader, kenji)
    number = sent(reader).number
    address = f"/portal/consignments/{number}"
    (link,) = kenji.tree(address).xpath("//a[contains(@class, 'btn-primary')]/@href")
    path = link[link.index("/receipts/") :]
    assert kenji.client.post(path, data={"all": "1"}).status_code == 303
    assert "Confirmed on" in text(kenji.tree(address))
    kenji.post(f"{address}/claims", line="1", reason="DAMAGED", copies="1", text="A torn page.")
    kenji.post(f"{address}/claims", 422, line="1", reason="UGLY")
    page = kenji.tree("/portal/consignments/")
    (claim,) = page.xpath("//a[contains(@href, '/claims/')]/@href")
    assert "A torn page." in text(kenji.tree(claim))
    kenji.post(claim, 403, text="It is mine.")
    reader.as_(Role.PARTNER, "kaohsiung").get(claim, 404)


def test_both_sides_see_the_same_balance(reader: Reader, kenji: Visitor) -> None:
    assert "Nothing was sent or received yet." in text(kenji.tree("/portal/balance/"))
    given(reader, kenji)
    sent(reader)
    page = text(kenji.tree("/portal/balance/"))
    assert "Sent by the library to you: 1 title in 1 volume" in page
    assert "consignment sent" in page
    csv = kenji.get("/portal/balance/?as=csv").text
    assert "2026-10-01,SENT,EXCHANGE,DISPATCH,1,1," in csv


def test_a_standing_wish_meets_what_is_offered_and_can_be_stopped(
    reader: Reader, kenji: Visitor
) -> None:
    answer = kenji.post("/portal/standing/", 422, title="Korean fiction", year_from="2030s")
    assert "Korean fiction" in answer.text
    answer = kenji.post("/portal/standing/", 422, title="Nothing asked for")
    assert "say what you look for" in answer.text
    made = kenji.post("/portal/standing/", title="Korean fiction", languages="kor").location
    reader.offer("spring", KOREAN)
    while worker.turn(reader.site):
        pass
    page = text(kenji.tree(made))
    assert "채식주의자" in page
    reader.as_(Role.PARTNER, "kaohsiung").get(made, 404)
    kenji.post(f"{made}/stop")
    assert "stopped" in text(kenji.tree("/portal/standing/"))
    kenji.post(f"{made}/stop", 409)


def test_a_library_changes_its_own_addresses_and_finds_settings_for_its_system(
    reader: Reader, kenji: Visitor
) -> None:
    page = kenji.tree("/portal/library/")
    assert "given:nagasaki" in text(page)
    (seen,) = page.xpath("//input[@name='revision']/@value")
    fields = {"address_roman": "2 Harbour Road\nNagasaki\nJAPAN", "website": "https://n.example"}
    kenji.post("/portal/library/", revision=seen, **fields)
    assert "2 Harbour Road" in kenji.get("/portal/library/").text
    kenji.post("/portal/library/", 412, revision=seen, **fields)
    answer = kenji.post("/portal/library/", 422, **{**fields, "website": "javascript:alert(1)"})
    assert "2 Harbour Road" in answer.text
