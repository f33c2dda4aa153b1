"""What visitors see of the exchange: the country corner, exhibitions, the programme."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from lxml import html

from service.domain.donated_book import BookKey
from service.domain.ledger import Direction, Figures
from service.domain.opening_balance import Opening
from service.domain.permission import Role
from service.domain.transfer import TransferKind
from service.store.tables import record, record_version
from service.usecases import carrying_forward, exhibiting, naming_places
from service.web import corner
from tests.service.donation_scene import HANA, a_gift, a_giver
from tests.web.conftest import BOOKS, JAPANESE, KOREAN, Reader, text

HOSTILE = "<script>alert(1)</script>\u202e'\"&"
PRIVATE = "CANARY-7F3A"
# The clock of these tests stands on 1 October 2026.
FIRST, LAST = date(2026, 9, 1), date(2026, 11, 30)
PLACED = (
    {"title": "a", "shelf": "Nagasaki corner 3", "translated_title": "The Vegetarian"},
    {"title": "b", "volumes": 2},
)


def records(reader: Reader) -> dict[str, str]:
    """The public ids of all records by their titles, which stand on a draft list of ours."""
    reader.draft(PRIVATE.lower(), *BOOKS, title=PRIVATE)
    with reader.site.db.read() as conn:
        shown = sa.func.coalesce(
            sa.func.nullif(record_version.c.title_vernacular, ""), record_version.c.title
        )
        rows = conn.execute(
            sa.select(shown, record.c.public_id).join(
                record_version, record_version.c.id == record.c.current_version_id
            )
        )
        return {row[0]: row[1] for row in rows}


def from_nagasaki(reader: Reader) -> str:
    """Let a Korean and a Japanese book come from Nagasaki, of whose entry much is private."""
    known = records(reader)
    contact = {"name": PRIVATE, "email": f"{PRIVATE}@example.org", "phone": PRIVATE}
    private = {"notes": PRIVATE, "address_roman": PRIVATE, "contacts": [contact]}
    a_giver(reader.site, "nagasaki", "Nagasaki", "JP", **private)
    wanted = [known[KOREAN["title"]], known[JAPANESE["title"]]]
    return a_gift(reader.site, "nagasaki", *PLACED, records=wanted)


def exhibit(reader: Reader, gift: str, slug: str = "autumn", **given: Any) -> None:
    whole = {
        "slug": slug,
        "partner": "nagasaki",
        "opens_on": FIRST,
        "closes_on": LAST,
        "words": [("en", "Across the strait", "Two books."), ("ko", "해협 너머", "책 두 권.")],
    }
    now = reader.site.now()
    exhibiting.add(reader.site.db, whole | given, by=HANA, now=now)
    keys = [BookKey(gift, 2), BookKey(gift, 1)]
    exhibiting.choose(reader.site.db, slug, keys, by=HANA, now=now)


def in_korean(reader: Reader, path: str) -> html.HtmlElement:
    answer = reader.app.test_client().get(path, headers={"Accept-Language": "ko"})
    return html.document_fromstring(answer.text)


def test_the_corner_is_by_giver_and_never_by_place_of_publication(reader: Reader) -> None:
    from_nagasaki(reader)
    page = reader.tree("/countries")
    assert "Japan 2 titles · 3 volumes Nagasaki" in text(page)
    assert "Korea" not in text(page)
    link = page.xpath("//a[text()='Nagasaki' or bdi='Nagasaki']/@href")[0]
    said = text(reader.tree(link))
    for shown in (KOREAN["title"], "Ch'aesikchuŭija", "The Vegetarian", "한강", "2007", "雪国"):
        assert shown in said
    assert "Shelf Nagasaki corner 3 · Accession number G2026-" in said
    assert "not on the shelf yet" in said
    marked = {bdi.text: bdi.get("lang") for bdi in reader.tree("/countries/JP").xpath("//bdi")}
    assert (marked[KOREAN["title"]], marked[JAPANESE["title"]]) == ("ko", "ja")
    assert marked["Ch'aesikchuŭija"] == "ko-Latn"


def test_countries_are_called_as_the_site_calls_them(reader: Reader) -> None:
    from_nagasaki(reader)
    now = reader.site.now()
    naming_places.set_place(reader.site.db, "JP", name="Nippon", by=HANA, now=now)
    for path in ("/countries", "/countries/JP", "/programme"):
        assert "Nippon" in text(reader.tree(path))


def test_books_come_page_by_page(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corner, "PER_PAGE", 3)
    a_giver(reader.site, "nagasaki", "Nagasaki", "JP")
    a_gift(reader.site, "nagasaki", *({"title": f"Book {number}"} for number in range(7)))
    for path in ("/countries/JP", "/countries/JP/city?name=Nagasaki"):
        seen: list[str] = []
        following = [path]
        while following and len(seen) < 20:
            page = reader.tree(following[0])
            seen += page.xpath("//*[@class='title-own']/bdi/text()")
            following = page.xpath("//a[@rel='next']/@href")
        assert seen == [f"Book {number}" for number in range(7)]
    for junk in ("x", "%00", "0" * 26 + ".1", "7" * 26 + ".9999999999", "é.1"):
        reader.page(f"/countries/JP?after={junk}")


def test_what_is_known_as_a_number_alone_says_so(reader: Reader) -> None:
    a_giver(reader.site, "kobe", "Kobe", "JP")
    opening = Opening("kobe", 2019, Direction.RECEIVED, TransferKind.GIFT, Figures(0, 1_200))
    carrying_forward.enter(reader.site.db, opening, by=HANA, now=reader.site.now())
    for path in ("/countries", "/countries/JP/city?name=Kobe"):
        said = text(reader.tree(path))
        assert "0 titles · 1,200 volumes" in said
        assert "1,200 volumes came in years before this catalogue" in said
    assert "known as a number alone" in said


def test_pages_are_there_when_there_is_nothing(reader: Reader) -> None:
    assert "No donated books are entered yet." in text(reader.tree("/countries"))
    assert "No exhibition is open today." in text(reader.tree("/exhibition"))
    assert "No exhibition has ended yet." in text(reader.tree("/exhibitions"))
    assert "no relations yet" in text(reader.tree("/programme"))
    for path in ("/countries/JP", "/countries/ZZ/city", "/exhibitions/spring"):
        reader.page(path, 404)


def test_an_exhibition_is_read_in_the_readers_language(reader: Reader) -> None:
    exhibit(reader, from_nagasaki(reader))
    for path in ("/exhibition", "/exhibitions/autumn"):
        page = reader.tree(path)
        assert page.xpath("//h1[@lang='en']/bdi/text()") == ["Across the strait"]
        assert in_korean(reader, path).xpath("//h1[@lang='ko']/bdi/text()") == ["해협 너머"]
    assert "1 September 2026 – 30 November 2026" in text(page)
    assert "2026년 9월 1일" in text(in_korean(reader, "/exhibition"))
    assert page.xpath("//ol//*[@class='title-own']/bdi/text()") == ["雪国", KOREAN["title"]]
    exhibit_past = {"opens_on": FIRST - timedelta(90), "closes_on": FIRST - timedelta(1)}
    exhibiting.change(reader.site.db, "autumn", exhibit_past, by=HANA, now=reader.site.now())
    assert "No exhibition is open today." in text(reader.tree("/exhibition"))
    assert "Across the strait" in text(reader.tree("/exhibitions"))


def test_what_is_to_come_is_for_the_staff_alone(reader: Reader) -> None:
    coming: dict[str, Any] = {"opens_on": date(2027, 1, 1), "closes_on": date(2027, 3, 31)}
    exhibit(reader, from_nagasaki(reader), **coming)
    reader.page("/exhibitions/autumn", 404)
    for path in ("/exhibition", "/exhibitions", "/countries", "/programme"):
        assert "Across the strait" not in reader.page(path)
    hana = reader.as_(Role.EXCHANGE_LIBRARIAN)
    assert "A preview for the staff" in text(hana.tree("/desk/exhibitions/autumn/preview"))
    reader.as_(Role.PARTNER).get("/desk/exhibitions/autumn/preview", 403)


def test_the_programme_tells_its_figures(reader: Reader) -> None:
    from_nagasaki(reader)
    opening = Opening("nagasaki", 2019, Direction.SENT, TransferKind.GIFT, Figures(0, 2_400))
    carrying_forward.enter(reader.site.db, opening, by=HANA, now=reader.site.now())
    page = reader.tree("/programme")
    said = text(page)
    assert "Since 2019 with 1 city in 1 country or region; donated 2,400 books in total" in said
    assert "2019 before this system 2,400" in said
    assert [each.get("width") for each in page.xpath("//tbody/tr/td[1]//rect")] == [
        "100.0%",
        "0.0%",
    ]
    assert page.get_element_by_id("counted") is not None


def test_nothing_private_is_on_a_public_page(reader: Reader) -> None:
    exhibit(reader, from_nagasaki(reader))
    for path in (
        "/countries",
        "/countries/JP",
        "/countries/JP/city?name=Nagasaki",
        "/exhibition",
        "/exhibitions",
        "/exhibitions/autumn",
        "/programme",
    ):
        assert PRIVATE not in reader.page(path)


def test_hostile_words_are_words(reader: Reader) -> None:
    a_giver(reader.site, "nagasaki", HOSTILE[:-4], "JP", name=HOSTILE[:25])
    piece = {"title": HOSTILE, "shelf": "<b>1", "translated_title": "<i>x"}
    gift = a_gift(reader.site, "nagasaki", piece, {"title": "b"})
    exhibit(reader, gift, words=[("en", "<script>alert(1)</script>", "</div><script>2</script>")])
    (city,) = reader.tree("/countries").xpath("//ul[@class='cities']//a/@href")
    for path in ("/countries", city, "/countries/JP", "/exhibition", "/programme"):
        page = reader.tree(path)
        assert "alert(1)" in text(page) or path == "/programme"
        assert page.xpath("//script") == []


# --- the desk -------------------------------------------------------------------------------------

FORM: dict[str, Any] = {
    "partner": "nagasaki",
    "opens_on": "2027-01-01",
    "closes_on": "2027-03-31",
    "words.0.language": "en",
    "words.0.title": "Snow",
    "words.0.text": "One\r\ntwo",
    "words.1.language": "",
    "words.1.title": "",
    "words.1.text": "",
}


def test_an_exhibition_is_drawn_up_filled_ordered_and_taken_away(reader: Reader) -> None:
    gift = from_nagasaki(reader)
    hana = reader.as_(Role.EXCHANGE_LIBRARIAN)
    assert "There is no exhibition yet." in text(hana.tree("/desk/exhibitions"))
    hana.tree("/desk/exhibitions/_new")
    made = hana.post("/desk/exhibitions/_new", **FORM).headers["Location"]
    assert made == "/desk/exhibitions/2027-q1-nagasaki/books"
    page = hana.tree(made)
    ticks = page.xpath("//input[@name='add']/@value")
    assert ticks == [f"{gift}.1", f"{gift}.2"]
    hana.post(made, add=ticks, revision="1")
    order: dict[str, Any] = {f"place.{gift}.1": "9", f"place.{gift}.2": "1"}
    hana.post(made, revision="2", **order)
    shown = exhibiting.find(reader.site.db, "2027-q1-nagasaki")
    assert [str(book.key) for book in shown.books] == [ticks[1], ticks[0]]
    hana.post(made, 412, revision="2", out=ticks)
    hana.post(made, 422, revision="3", **{f"place.{gift}.1": "first"})
    hana.post(made, 422, revision="3", add="nonsense")
    hana.post(made, revision="3", out=ticks[0])
    edit = "/desk/exhibitions/2027-q1-nagasaki"
    korean: dict[str, Any] = {"words.1.language": "ko", "words.1.title": "눈"}
    hana.post(edit, revision="4", **(FORM | korean))
    assert "눈" in text(hana.tree(f"{edit}/preview"))
    assert b"2027-q1-nagasaki,Snow,nagasaki" in hana.get("/desk/exhibitions?as=csv").data
    hana.get(f"{edit}/remove")
    hana.post(f"{edit}/remove", revision="5")
    hana.get(edit, 404)


def test_a_form_that_fails_keeps_what_was_typed(reader: Reader) -> None:
    from_nagasaki(reader)
    hana = reader.as_(Role.EXCHANGE_LIBRARIAN)
    wrong: dict[str, Any] = {
        "partner": "",
        "closes_on": "2026-12-31",
        "words.0.language": "nonsense!",
    }
    told = hana.post("/desk/exhibitions/_new", 422, **(FORM | wrong)).text
    page = html.document_fromstring(told)
    assert page.xpath("//input[@name='words.0.title']/@value") == ["Snow"]
    assert page.xpath("//*[@aria-invalid='true']/@name") == ["partner", "words.0.language"]
    hana.post("/desk/exhibitions/_new", 422, **(FORM | {"opens_on": "tomorrow"}))
    hana.post("/desk/exhibitions/_new", 422, **(FORM | {"opens_on": "2027-04-01"}))
    hana.post("/desk/exhibitions/_new", **FORM)
    told = hana.post("/desk/exhibitions/_new", 422, **(FORM | {"slug": "again"})).text
    assert "one exhibition is shown at a time" in told


def test_two_people_at_one_text_see_both_versions(reader: Reader) -> None:
    from_nagasaki(reader)
    hana = reader.as_(Role.EXCHANGE_LIBRARIAN)
    hana.post("/desk/exhibitions/_new", slug="snow", **FORM)
    hana.post("/desk/exhibitions/snow", revision="1", **(FORM | {"words.0.title": "Theirs"}))
    mine = FORM | {"words.0.title": "Mine"}
    page = html.document_fromstring(
        hana.post("/desk/exhibitions/snow", 412, revision="1", **mine).text
    )
    assert page.xpath("//input[@name='words.0.title']/@value") == ["Mine"]
    assert page.xpath("//input[@name='revision']/@value") == ["2"]
    assert "Theirs" in text(page)
    hana.post("/desk/exhibitions/snow", revision="2", **mine)
    assert exhibiting.find(reader.site.db, "snow").exhibition.title == "Mine"
