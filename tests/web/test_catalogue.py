"""The pages of the public catalogue."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import etree

from service.domain.offer import ListAction
from service.web import catalogue
from tests.web.conftest import (
    BASE,
    BOOKS,
    JAPANESE,
    KOREAN,
    RUSSIAN,
    VIETNAMESE,
    Reader,
    text,
)


def closing(*parts: int) -> dict[str, object]:
    return {"closes_at": datetime(*parts, tzinfo=UTC), "zone": "Asia/Seoul"}  # type: ignore[arg-type, misc]


def test_an_empty_site_says_so_and_tells_where_to_go(reader: Reader) -> None:
    said = text(reader.tree("/"))
    assert "Nothing is on offer at the moment." in said
    assert f"{BASE}/oai" in said
    assert "exchange@books.example.org" in said
    assert "Nothing is on offer" in text(reader.tree("/search"))


def test_the_front_page_shows_what_is_open(reader: Reader) -> None:
    reader.offer(
        "spring",
        *BOOKS,
        title="봄의 책",
        description="Given by readers",
        **closing(2026, 10, 31, 9),
    )
    page = reader.tree("/")
    said = text(page)
    assert "Busan Library 부산" in said
    assert "봄의 책" in said
    assert "Given by readers" in said
    assert "4 titles" in said
    assert "31 October 2026, 18:00 (Asia/Seoul) · 09:00 UTC" in said
    links = page.xpath("//a/@href")
    assert {"/lists/spring", "/oai/explore", "/api/docs"} <= set(links)
    assert "mailto:exchange@books.example.org" in links


def test_the_day_is_told_again_where_it_is_another_in_utc(reader: Reader) -> None:
    reader.offer("spring", **closing(2026, 10, 30, 23))
    said = text(reader.tree("/lists/spring"))
    assert "31 October 2026, 08:00 (Asia/Seoul) · 30 October 2026, 23:00 UTC" in said


def test_a_list_in_utc_tells_its_dates_once(reader: Reader) -> None:
    reader.offer("spring", closes_at=datetime(2026, 10, 30, 23, tzinfo=UTC))
    assert "30 October 2026, 23:00 UTC" in text(reader.tree("/lists/spring"))


def test_a_list_shows_every_script_and_its_romanisation(reader: Reader) -> None:
    reader.offer("spring", *BOOKS)
    page = reader.tree("/lists/spring")
    shown = page.xpath("//*[@class='entries']//*[@class='title-own']/bdi/text()")
    assert shown == [book["title"] for book in BOOKS]
    assert "Ch'aesikchuŭija" in text(page)
    assert "Korean" in text(page)
    assert "Korea (South)" in text(page)
    assert "한강" in text(page)


def test_titles_are_marked_with_their_language(reader: Reader) -> None:
    reader.offer("spring", *BOOKS)
    page = reader.tree("/lists/spring")
    marked = {said.text: said.get("lang") for said in page.xpath("//bdi[@dir='auto'][@lang]")}
    assert marked[KOREAN["title"]] == "ko"
    assert marked[KOREAN["title_romanised"]] == "ko-Latn"
    assert marked[JAPANESE["title"]] == "ja"
    assert marked[RUSSIAN["title"]] == "ru"
    assert marked[VIETNAMESE["title"]] == "vi"


def test_a_list_tells_how_to_harvest_it_and_how_to_wish(reader: Reader) -> None:
    offers = reader.offer("spring", *BOOKS)
    said = text(reader.tree("/lists/spring"))
    for prefix in ("oai_dc", "marc21"):
        assert f"{BASE}/oai?verb=ListRecords&metadataPrefix={prefix}&set=list:spring" in said
    assert "curl --compressed" in said
    assert f"oai:books.example.org:offer/{offers[0].public_id} {BASE}/offers/" in said
    assert f"'{BASE}/api/v1/wishlists'" in said


def test_the_harvest_links_of_a_list_answer(reader: Reader) -> None:
    reader.offer("spring", *BOOKS)
    links = reader.tree("/lists/spring").xpath("//p[@class='machine']/a/@href")
    assert links
    for link in links:
        answer = reader.open(link)
        assert answer.mimetype == "text/xml"
        assert b"<record>" in answer.data


def test_titles_come_page_by_page(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PER_PAGE", 3)
    reader.offer("spring", *({"title": f"Book {n}"} for n in range(7)))
    in_order = [f"Book {n}" for n in range(7)]
    for path, expected in (("/lists/spring", in_order), ("/search?q=book", in_order[::-1])):
        seen: list[str] = []
        following = [path]
        while following:
            page = reader.tree(following[0])
            seen += page.xpath("//*[@class='title-own']/bdi/text()")
            following = page.xpath("//a[@rel='next']/@href")
        assert seen == expected


def test_a_place_that_is_none_begins_at_the_beginning(reader: Reader) -> None:
    reader.offer("spring", KOREAN)
    for after in ("junk", "%00", "'", "9" * 26, "%F0%9F%93%9A"):
        assert KOREAN["title"] in reader.page(f"/lists/spring?after={after}")
        assert KOREAN["title"] in reader.page(f"/search?after={after}")


def test_a_place_behind_the_end_says_so(reader: Reader) -> None:
    reader.offer("spring", KOREAN)
    last = "7" + "Z" * 25
    assert "No more titles" in reader.page(f"/lists/spring?after={last}")
    assert "No more titles" in reader.page(f"/search?after={last}")


FINDABLE = (
    ("채식", KOREAN),
    ("chaesikchuuija", KOREAN),
    ("9788936433598", KOREAN),
    ("雪国", JAPANESE),
    ("дети", RUSSIAN),
    ("truyen kieu", VIETNAMESE),
)


def test_the_search_finds_every_script(reader: Reader) -> None:
    reader.offer("spring", *BOOKS)
    for query, found in FINDABLE:
        page = reader.tree(f"/search?q={query}")
        assert page.xpath("//*[@class='title-own']/bdi/text()") == [found["title"]]
        assert page.xpath("//input[@name='q']/@value") == [query]


def test_a_search_says_what_was_not_done_as_it_was_typed(reader: Reader) -> None:
    reader.offer("spring", *BOOKS)
    page = reader.tree("/search?q=%22%EC%B1%84%EC%8B%9D%22")
    assert page.xpath("//*[@class='title-own']/bdi/text()") == [KOREAN["title"]]
    assert "in any order" in text(page.xpath("//main//p[@role='status']")[0])
    assert not reader.tree("/search?q=book").xpath("//main//p[@role='status']")


def test_a_search_without_result_says_so(reader: Reader) -> None:
    reader.offer("spring", *BOOKS)
    for query in ("nowhere", "채식 雪国", '"', "*", "a" * 5000, "%00", "(OR"):
        assert "No title on offer has all these words." in reader.page(f"/search?q={query}")


def test_an_offer_shows_its_record_in_both_scripts(reader: Reader) -> None:
    found = reader.offer("spring", KOREAN, **closing(2026, 10, 31, 9))[0]
    page = reader.tree(f"/offers/{found.public_id}")
    said = text(page)
    for words in (
        "채식주의자",
        "Ch'aesikchuŭija",
        "Ch'angbi",
        "2007",
        "9788936433598",
        "List spring",
    ):
        assert words in said
    assert f"oai:books.example.org:offer/{found.public_id}" in said
    assert "31 October 2026, 18:00 (Asia/Seoul) · 09:00 UTC" in said
    rows = [text(row) for row in page.xpath("//table//tr")]
    assert "245 10 $6 880-02 $a Ch'aesikchuŭija / $c Han Kang." in rows
    assert "880 10 $6 245-02/$1 $a 채식주의자 / $c 한강." in rows
    assert "020 ## $a 9788936433598" in rows


def test_the_record_of_an_offer_is_there_for_machines(reader: Reader) -> None:
    found = reader.offer("spring", KOREAN)[0]
    page = reader.tree(f"/offers/{found.public_id}")
    links = page.xpath("//p[@class='machine']/a/@href")
    assert len(links) == 4
    for link in links:
        assert b"<GetRecord>" in reader.open(link).data
    answer = reader.open(f"/offers/{found.public_id}.xml")
    assert answer.mimetype == "application/marcxml+xml"
    assert f"{found.public_id}.xml" in answer.headers["Content-Disposition"]
    assert "채식주의자" in "".join(etree.fromstring(answer.data).itertext())


def test_a_public_id_may_be_written_small(reader: Reader) -> None:
    found = reader.offer("spring", KOREAN)[0]
    page = reader.tree(f"/offers/{found.public_id.lower()}")
    assert page.xpath("//link[@rel='canonical']/@href") == [f"{BASE}/offers/{found.public_id}"]


def test_a_withdrawn_title_is_gone_and_says_nothing_more(reader: Reader) -> None:
    found = reader.offer("spring", *BOOKS)[0]
    reader.withdraw(found)
    for address in (f"/offers/{found.public_id}", f"/offers/{found.public_id}.xml"):
        page = reader.page(address, 410)
        assert "This title is no longer on offer" in page
        assert found.title not in page
    assert "3 titles" in text(reader.tree("/lists/spring"))


def test_a_closed_list_stays_readable_and_takes_no_wishes(reader: Reader) -> None:
    found = reader.offer("spring", KOREAN, **closing(2026, 12, 31, 9))[0]
    reader.change("spring", ListAction.CLOSE)
    front = text(reader.tree("/"))
    assert "Nothing is on offer at the moment." in front
    assert "Closed lists They take no more wishes" in front
    page = text(reader.tree("/lists/spring"))
    assert "takes no more wishes" in page
    assert "curl --user" not in page
    assert "31 December" not in page, "a list closed early tells no day that has not come"
    assert "채식주의자" in text(reader.tree(f"/offers/{found.public_id}"))


def test_an_archived_list_is_gone_with_its_titles(reader: Reader) -> None:
    found = reader.offer("spring", KOREAN)[0]
    reader.change("spring", ListAction.CLOSE)
    reader.change("spring", ListAction.ARCHIVE)
    reader.page("/lists/spring", 404)
    reader.page(f"/offers/{found.public_id}", 410)
