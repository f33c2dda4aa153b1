"""Security headers, error pages, and that nothing is shown that may not be."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from lxml import html

from service.app import create_app
from service.config import Settings
from service.store.db import Database
from service.store.feed import PUBLIC
from service.usecases import membership, offering
from service.web import answers
from tests.web.conftest import BOOKS, KOREAN, Clock, Reader, text

HOSTILE = """"'><script>canary()</script><img src=x onerror=canary()>{{7*7}}${7*7}{%raw%}"""


def everywhere(reader: Reader, slug: str = "spring", public_id: str = "x") -> list[str]:
    """Addresses of every page for people."""
    identifier = f"oai:books.example.org:offer/{public_id}"
    asked = (
        "verb=Identify",
        "verb=ListSets",
        "verb=ListMetadataFormats",
        f"verb=ListMetadataFormats&identifier={identifier}",
        *(f"verb=ListRecords&metadataPrefix={prefix}" for prefix in ("oai_dc", "marc21")),
        f"verb=ListIdentifiers&metadataPrefix=oai_dc&set=list:{slug}",
        f"verb=ListRecords&metadataPrefix=oai_dc&set=list:{slug}",
        f"verb=GetRecord&metadataPrefix=marc21&identifier={identifier}",
        f"verb=GetRecord&metadataPrefix=oai_dc&identifier={identifier}",
        "verb=junk",
    )
    return [
        "/",
        "/search",
        f"/lists/{slug}",
        f"/offers/{public_id}",
        "/nowhere",
        "/oai/explore",
        *(f"/oai/explore?{query}" for query in asked),
    ]


def assert_harmless(page: html.HtmlElement) -> None:
    """No script, no inline style, no handler, and nothing fetched from another place."""
    assert not page.xpath("//script | //style | //iframe | //object | //embed | //base")
    for element in page.iter():
        for name in element.attrib:
            assert not name.startswith("on"), name
            assert name != "style"
    fetched = page.xpath("//link[@rel!='canonical' and @rel!='next']/@href | //img/@src")
    assert fetched
    for address in fetched:
        assert address.startswith(("/static/", "/bootstrap/static/")), address
    for address in page.xpath("//a/@href | //form/@action"):
        assert address.startswith(("/", "#", "mailto:")), address
        assert not address.startswith("//")


def test_every_page_carries_the_policy_and_nothing_from_elsewhere(reader: Reader) -> None:
    found = reader.offer("spring", *BOOKS)[0]
    for address in everywhere(reader, "spring", found.public_id):
        answer = reader.open(address)
        assert answer.mimetype == "text/html"
        assert answer.headers["Content-Security-Policy"] == answers.CONTENT_SECURITY_POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == answers.REFERRER_POLICY
        assert_harmless(html.document_fromstring(answer.text))


def test_every_html_route_carries_a_policy(reader: Reader) -> None:
    swept = 0
    for rule in reader.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.arguments:
            continue
        answer = reader.open(rule.rule)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype == "text/html":
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert "Referrer-Policy" in answer.headers
            swept += 1
    assert swept >= 3


def test_the_assets_are_there_and_fetch_nothing(reader: Reader) -> None:
    for address in set(reader.tree("/").xpath("//link/@href | //img/@src")):
        assert reader.open(address).status_code == 200
    for sheet in (Path(answers.__file__).parent / "static").iterdir():
        written = sheet.read_text(encoding="utf-8")
        assert "@import" not in written
        assert "url(http" not in written.replace('"', "")
        assert "href" not in written


def test_pages_have_landmarks_and_labels(reader: Reader) -> None:
    found = reader.offer("spring", *BOOKS)[0]
    for address in everywhere(reader, "spring", found.public_id):
        page = html.document_fromstring(reader.open(address).text)
        assert page.get("lang") == "en"
        assert page.xpath("//a[1]/@href")[0] == "#main"
        assert len(page.xpath("//main[@id='main']")) == 1
        assert len(page.xpath("//h1")) == 1
        assert len(page.xpath("//header")) == len(page.xpath("//footer")) == 1
        assert text(page.find(".//title")).endswith("Busan Library 부산")
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids))
        labelled = set(page.xpath("//label/@for"))
        for field in page.xpath("//main//input[@type!='hidden' or not(@type)] | //select"):
            assert field.get("id") in labelled
        assert all(image.get("alt") is not None for image in page.iter("img"))


def test_what_is_not_there_has_one_page(reader: Reader) -> None:
    never = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    names = ("none", "%00", "%ff", "a.xml", never, f"{never}.xml")
    asked = [f"{room}/{name}" for room in ("lists", "offers") for name in names]
    for address in ("nowhere", "oai/nowhere", *asked):
        assert "There is nothing at this address" in reader.page(f"/{address}", 404)


def test_a_wrong_method_is_told_with_the_right_ones(reader: Reader) -> None:
    answer = reader.app.test_client().post("/search")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "does not take such a request" in answer.text


def test_our_own_fault_is_told_without_its_details(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(offering, "list_lists", broken)
    answer = reader.open("/")
    assert answer.status_code == 500
    assert "canary" not in answer.text
    assert "Something went wrong on our side" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert answer.headers["Content-Security-Policy"] == answers.CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("address", ["/api/v1/nowhere", "/api/v1/offers/none"])
def test_the_api_keeps_its_own_errors(reader: Reader, address: str) -> None:
    answer = reader.open(address)
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


def test_what_people_write_is_shown_and_never_obeyed(reader: Reader) -> None:
    hostile = dict.fromkeys(KOREAN, HOSTILE) | {"language": "kor", "isbn": "", "country": "KR"}
    found = reader.offer("spring", hostile, *BOOKS, title=HOSTILE, description=HOSTILE)[0]
    asked = quote(HOSTILE)
    addresses = [
        *everywhere(reader, "spring", found.public_id),
        f"/search?q={asked}",
        f"/search?q=canary&after={asked}",
        f"/lists/{asked}",
        f"/offers/{asked}",
        f"/oai/explore?{asked}={asked}",
        f"/oai/explore?verb={asked}",
        f"/oai/explore?verb=ListRecords&metadataPrefix={asked}&set={asked}&from={asked}&until={asked}",
        f"/oai/explore?verb=GetRecord&metadataPrefix=oai_dc&identifier={asked}",
        f"/oai/explore?verb=ListRecords&resumptionToken={asked}",
    ]
    for address in addresses:
        answer = reader.open(address)
        assert answer.status_code in {200, 404}
        assert "<script>canary" not in answer.text
        assert_harmless(html.document_fromstring(answer.text))
    for address in ("/", "/search", "/lists/spring", f"/offers/{found.public_id}"):
        page = reader.tree(address)
        assert "{{7*7}}" in text(page)
        assert "<script>canary()" in text(page)


def test_a_library_may_have_any_name(settings: Settings, sqlite_url: str) -> None:
    named = replace(settings, repository_name=HOSTILE)
    with closing(Database(sqlite_url)) as db:
        app = create_app(named, db, Clock())
        for address in everywhere(Reader(app, app.extensions["bookbridge"], Clock())):
            page = html.document_fromstring(app.test_client().get(address).text)
            assert_harmless(page)
            assert "{{7*7}}" in text(page)


def test_what_is_not_public_leaks_nowhere(reader: Reader) -> None:
    hidden = {
        "draft": {},
        "scheduled": {"opens_at": datetime(2027, 1, 1, tzinfo=UTC)},
        "restricted": {"partner_codes": ("nagasaki",)},
    }
    now = reader.site.now()
    membership.add_partner(reader.site.db, code="nagasaki", name="N", now=now)
    reader.offer("spring", *BOOKS)
    for number, (slug, given) in enumerate(hidden.items()):
        book = {
            **KOREAN,
            **dict.fromkeys(("title", "title_romanised", "author"), f"Canary{slug}"),
            "isbn": "",
            "language": ("ara", "swe", "tha")[number],
        }
        words = {"title": f"Canary{slug}", "description": f"Canary{slug}"}
        if slug == "restricted":
            reader.offer(slug, book, **words, **given)
        else:
            reader.draft(slug, book, **words, **given)
    reader.publish()
    secret = _public_ids(reader) - {
        offer.public_id for offer in offering.browse(reader.site.db, {PUBLIC}, limit=1000)
    }
    assert len(secret) == 3
    asked = "verb=ListRecords&metadataPrefix=oai_dc"
    addresses = [
        *(address for slug in hidden for address in everywhere(reader, slug)),
        *(f"/oai/explore?{asked}&set=lang:{code}" for code in ("ara", "swe", "tha")),
        *(address for public_id in secret for address in everywhere(reader, "x", public_id)),
    ]
    for address in addresses:
        answer = reader.open(address)
        assert answer.status_code in {200, 404}
        assert "Canary" not in answer.text, address
        assert not any(name in answer.text for name in secret - {address[-26:]}), address
    for slug in hidden:
        assert reader.page(f"/lists/{slug}", 404) == reader.page("/lists/never", 404)
        assert "No title on offer has all" in reader.page(f"/search?q=canary{slug}")
    for public_id in secret:
        assert reader.page(f"/offers/{public_id}", 404) == reader.page("/offers/none", 404)


def _public_ids(reader: Reader) -> set[str]:
    """The public ids of all offers, hidden ones too."""
    with reader.site.db.read() as conn:
        return set(conn.exec_driver_sql("SELECT public_id FROM offer").scalars())
