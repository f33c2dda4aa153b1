"""The explorer: people see what machines get."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree, html

from oai.verbs import ARGUMENTS, VERBS
from tests.web.conftest import BASE, BOOKS, KOREAN, Reader, text

OAI = {"o": "http://www.openarchives.org/OAI/2.0/"}
EXPLORER = "/oai/explore"


def shown(page: html.HtmlElement) -> list[str]:
    """The identifiers on a page of the explorer."""
    return page.xpath("//article//p[@class='machine-text']/a/text()")


def told(reader: Reader, link: str) -> etree._Element:
    """The answer at a link to the endpoint."""
    return etree.fromstring(reader.open(link).data)


def test_the_explorer_begins_with_what_there_is(reader: Reader) -> None:
    reader.offer("spring", *BOOKS, title="봄의 책")
    page = reader.tree(EXPLORER)
    said = text(page)
    for words in ("Busan Library 부산", "exchange@books.example.org", "persistent", "marcxml"):
        assert words in said
    assert "봄의 책 list:spring" in said
    assert "Language: Korean lang:kor" in said
    assert "Published in: Japan place:JP" in said
    addresses = page.xpath("//*[@class='request']//a/text()")
    assert addresses == [
        f"{BASE}/oai?verb={verb}" for verb in ("Identify", "ListMetadataFormats", "ListSets")
    ]
    for link in page.xpath("//*[@class='request']//a/@href"):
        assert not told(reader, link).findall("o:error", OAI)


def test_an_empty_site_can_be_explored(reader: Reader) -> None:
    assert "noSetHierarchy" in reader.page(EXPLORER)
    answer = reader.page(f"{EXPLORER}?verb=ListRecords&metadataPrefix=oai_dc")
    assert "Nothing matches" in answer or "There are no sets" in answer


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
@pytest.mark.parametrize("chosen", ["", "&set=list:spring", "&set=list:spring&from=2026-10-01"])
def test_a_list_shows_the_same_as_the_endpoint(reader: Reader, verb: str, chosen: str) -> None:
    reader.offer("spring", *({"title": f"Book {n}"} for n in range(31)))
    reader.withdraw(reader.offer("autumn", KOREAN)[0])
    seen: list[str] = []
    heard: list[str] = []
    pages = 0
    following = [f"{EXPLORER}?verb={verb}&metadataPrefix=oai_dc{chosen}"]
    while following:
        page = reader.tree(following[0])
        link = page.xpath("//*[@class='request']//a/@href")[0]
        assert page.xpath("//*[@class='request']//a/text()") == [BASE + link]
        heard += told(reader, link).xpath("//o:header/o:identifier/text()", namespaces=OAI)
        seen += shown(page)
        pages += 1
        following = page.xpath("//a[@rel='next']/@href")
    assert seen == heard
    assert len(set(seen)) == (31 if chosen else 32)
    assert pages > 1


def test_the_first_page_tells_how_many_there_are(reader: Reader) -> None:
    reader.offer("spring", *({"title": f"Book {n}"} for n in range(7)))
    page = reader.tree(f"{EXPLORER}?verb=ListRecords&metadataPrefix=oai_dc")
    assert "1 to 3 of 7" in text(page)
    last = reader.tree(page.xpath("//a[@rel='next']/@href")[0])
    assert "4 to 6 of 7" in text(last)


def test_what_is_left_empty_in_the_form_is_not_sent(reader: Reader) -> None:
    reader.offer("spring", *BOOKS)
    page = reader.tree(f"{EXPLORER}?verb=ListRecords&metadataPrefix=oai_dc&set=&from=&until=")
    assert page.xpath("//*[@class='request']//a/text()") == [
        f"{BASE}/oai?verb=ListRecords&metadataPrefix=oai_dc"
    ]


@pytest.mark.parametrize("prefix", ["oai_dc", "marc21", "marcxml"])
def test_a_record_is_shown_with_header_and_metadata(reader: Reader, prefix: str) -> None:
    found = reader.offer("spring", KOREAN)[0]
    identifier = f"oai:books.example.org:offer/{found.public_id}"
    page = reader.tree(f"{EXPLORER}?verb=GetRecord&metadataPrefix={prefix}&identifier={identifier}")
    assert shown(page) == [identifier]
    assert {"list:spring", "place:KR", "lang:kor"} <= set(page.xpath("//article//code/text()"))
    metadata = etree.fromstring(page.xpath("//article//pre/code")[0].text_content())
    link = page.xpath("//*[@class='request']//a/@href")[0]
    sent = told(reader, link).find(".//o:metadata", OAI)[0]
    assert metadata.tag == sent.tag
    assert [s.strip() for s in metadata.itertext() if s.strip()] == [
        s.strip() for s in sent.itertext() if s.strip()
    ]
    assert f"/offers/{found.public_id}" in page.xpath("//article//a/@href")


def test_a_deleted_record_is_shown_as_deleted(reader: Reader) -> None:
    found = reader.offer("spring", *BOOKS)[0]
    reader.withdraw(found)
    identifier = f"oai:books.example.org:offer/{found.public_id}"
    page = reader.page(f"{EXPLORER}?verb=GetRecord&metadataPrefix=oai_dc&identifier={identifier}")
    assert "Deleted: no longer on offer" in page
    assert found.title not in page


REFUSED = (
    ("verb=Junk", "badVerb"),
    ("set=list:spring", "badVerb"),
    ("verb=Identify&verb=Identify", "badVerb"),
    ("verb=Identify&junk=1", "badArgument"),
    ("verb=ListRecords", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=junk", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-02&until=2026-01-01", "badArgument"),
    ("verb=ListRecords&metadataPrefix=junk", "cannotDisseminateFormat"),
    ("verb=ListRecords&resumptionToken=junk", "badResumptionToken"),
    ("verb=ListSets&resumptionToken=%00%FF", "badResumptionToken"),
    ("verb=ListRecords&metadataPrefix=oai_dc&set=list:junk", "noRecordsMatch"),
    ("verb=ListRecords&metadataPrefix=oai_dc&set=%F0%9F%93%9A%00", "badArgument"),
    ("verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:x:1", "idDoesNotExist"),
    ("verb=ListMetadataFormats&identifier=junk", "idDoesNotExist"),
)


def test_a_refusal_is_told_in_plain_words_with_its_code(reader: Reader) -> None:
    reader.offer("spring", *BOOKS)
    for query, code in REFUSED:
        page = reader.tree(f"{EXPLORER}?{query}")
        assert "The repository refused this request" in text(page)
        assert code in page.xpath("//li[@class='fault']//code/text()")
        link = page.xpath("//*[@class='request']//a/@href")[0]
        assert code in told(reader, link).xpath("//o:error/@code", namespaces=OAI)


_VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from([*VERBS, "oai_dc", "list", "2026-10-01", "oai:books.example.org:offer/x"]),
)
_NAMES = st.one_of(st.just("verb"), st.sampled_from([*ARGUMENTS]), st.text(max_size=10))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(_NAMES, _VALUES), max_size=6))
def test_no_arguments_break_the_explorer(reader: Reader, pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="surrogatepass")
    assert reader.open(f"{EXPLORER}?{query}").status_code == 200


def test_the_endpoint_itself_speaks_xml(reader: Reader) -> None:
    for query in ("", "?verb=Identify", "?verb=junk"):
        assert reader.open(f"/oai{query}").mimetype == "text/xml"
