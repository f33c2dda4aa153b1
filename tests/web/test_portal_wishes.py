"""A partner without a system finds titles, ticks them, sends wishes, and reads every answer."""

from __future__ import annotations

import io

import pytest

from service.domain.offer import ListAction
from service.domain.permission import Role
from tests.web.conftest import BOOKS, KOREAN, Reader, Visitor, text


@pytest.fixture
def kenji(reader: Reader) -> Visitor:
    """Somebody of Nagasaki's library."""
    return reader.as_(Role.PARTNER, "nagasaki")


def test_titles_are_ticked_over_pages_and_sent_as_one_list(reader: Reader, kenji: Visitor) -> None:
    offers = reader.offer("spring", *BOOKS)
    one, other = offers[0].public_id, offers[1].public_id
    page = kenji.tree(f"/portal/titles/?q=nothing+like+it&pick={one}")
    assert "No title open to you has all these words." in text(page)
    page = kenji.tree(f"/portal/titles/chosen?pick={one}&pick={other}")
    assert [each.get("value") for each in page.xpath("//input[@name='offer']")] == [one, other]
    fields = {"offer": [one, other], f"quantity.{one}": "2", f"quantity.{other}": "1", "once": "a"}
    answer = kenji.post("/portal/titles/chosen", **fields)
    again = kenji.post("/portal/titles/chosen", **fields)
    assert answer.location == again.location
    said = text(kenji.tree(answer.location))
    assert "registered: 2" in said
    assert "allocated" not in said


def test_what_is_pasted_is_answered_line_by_line_and_can_be_taken_back(
    reader: Reader, kenji: Visitor
) -> None:
    reader.offer("spring", *BOOKS)
    sent = kenji.post("/portal/wishes/", pasted="9788936433598\nthis is no number\n")
    page = kenji.tree(sent.location)
    rows = page.xpath("//tbody/tr")
    assert len(rows) == 2
    assert "registered" in text(rows[0])
    assert "not readable" in text(rows[1])
    kenji.post(f"{sent.location}/1/withdraw")
    assert "withdrawn" in text(kenji.tree(sent.location).xpath("//tbody/tr")[0])
    kenji.post(f"{sent.location}/1/withdraw", 409)


def test_a_spreadsheet_is_read_by_its_headings(reader: Reader, kenji: Visitor) -> None:
    reader.offer("spring", *BOOKS)
    table = "ISBN;Title;Note\n9788936433598;채식주의자;=1+1\n"
    sent = kenji.post("/portal/wishes/", file=(io.BytesIO(table.encode()), "wishes.csv"))
    csv = kenji.get(f"{sent.location}?as=csv")
    assert "registered" in csv.text
    assert ",'=1+1" in csv.text
    assert kenji.get(f"{sent.location}?as=xlsx").data.startswith(b"PK")
    kenji.get(f"{sent.location}?as=exe", 404)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "choose a file, or paste"),
        ({"file": (b"", "wishes.csv")}, "this file is empty"),
        ({"file": (b"\x89PNG\r\n\x1a\n not a list", "picture.png")}, "One thing is to be mended"),
    ],
)
def test_what_is_no_wish_list_is_told_on_the_form(
    reader: Reader, kenji: Visitor, fields: dict[str, tuple[bytes, str]], said: str
) -> None:
    sent = {name: (io.BytesIO(body), called) for name, (body, called) in fields.items()}
    answer = kenji.post("/portal/wishes/", 422, **sent)
    assert said in answer.text


def test_nothing_ticked_and_no_number_are_told_and_what_was_typed_stays(
    reader: Reader, kenji: Visitor
) -> None:
    one = reader.offer("spring", KOREAN)[0].public_id
    answer = kenji.post(
        "/portal/titles/chosen",
        422,
        **{"offer": one, f"quantity.{one}": "many", f"note.{one}": "for the school"},
    )
    assert "is no whole number" in answer.text
    assert "for the school" in answer.text
    answer = kenji.post("/portal/titles/chosen", 422, **{"offer": one, f"quantity.{one}": "0"})
    assert "tick at least one title" in answer.text


def test_another_partners_list_is_not_there(reader: Reader, kenji: Visitor) -> None:
    reader.offer("spring", *BOOKS)
    sent = kenji.post("/portal/wishes/", pasted="9788936433598")
    reader.as_(Role.PARTNER, "kaohsiung").get(sent.location, 404)


def test_a_title_of_a_closed_list_says_so_and_one_of_a_restricted_list_is_not_there(
    reader: Reader, kenji: Visitor
) -> None:
    one = reader.offer("spring", KOREAN)[0].public_id
    assert "Wish for it" in kenji.get(f"/portal/titles/{one}").text
    reader.change("spring", ListAction.CLOSE)
    assert "takes no more wishes" in kenji.get(f"/portal/titles/{one}").text
    reader.as_(Role.PARTNER, "kaohsiung")
    reader.draft("secret", {**KOREAN, "title": "Hidden", "isbn": ""}, partner_codes=("kaohsiung",))
    reader.change("secret", ListAction.OPEN)
    assert "Hidden" not in kenji.get("/portal/titles/").text
    assert "Hidden" in reader.as_(Role.PARTNER, "kaohsiung").get("/portal/titles/").text


def test_the_overview_shows_open_lists_and_what_was_sent(reader: Reader, kenji: Visitor) -> None:
    assert "No list is open to you at the moment." in text(kenji.tree("/portal/"))
    reader.offer("spring", *BOOKS)
    kenji.post("/portal/wishes/", pasted="9788936433598")
    said = text(kenji.tree("/portal/"))
    assert "List spring" in said
    assert "answered" in said
