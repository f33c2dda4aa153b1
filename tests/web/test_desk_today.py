"""The first page of the day says whose turn it is."""

from __future__ import annotations

from service.domain.board import Matter
from service.domain.offer import ListAction
from service.domain.permission import Role
from service.web.desk.today import WAYS
from tests.web.conftest import KOREAN, Reader, text


def test_every_matter_has_words_and_a_way() -> None:
    assert set(WAYS) == set(Matter)


def test_an_empty_house_says_that_nothing_waits(reader: Reader) -> None:
    page = reader.as_(Role.EXCHANGE_LIBRARIAN).tree("/desk/")
    assert "Nothing waits for you." in text(page)


def test_a_closed_list_needs_the_librarian_and_an_open_one_the_partners(reader: Reader) -> None:
    reader.offer("spring", KOREAN)
    reader.offer("autumn", {**KOREAN, "isbn": "", "title": "Other"})
    reader.change("autumn", ListAction.CLOSE)
    page = reader.as_(Role.EXCHANGE_LIBRARIAN).tree("/desk/")
    yours, others, _ = page.xpath("//section[contains(@class, 'board-column')]")
    assert "1 Closed lists, to be allocated" in text(yours)
    assert "1 Lists open for wishes" in text(others)


def test_the_board_leads_nobody_to_where_it_may_not_go(reader: Reader) -> None:
    reader.offer("spring", KOREAN)
    for role, ways in ((Role.CATALOGUER, 0), (Role.EXCHANGE_LIBRARIAN, 1)):
        visitor = reader.as_(role)
        links = visitor.tree("/desk/").xpath("//div[@class='board']//a/@href")
        assert len(links) == ways, role
        for link in links:
            visitor.get(link)
