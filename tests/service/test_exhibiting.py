"""Donated books by their givers' place, and exhibitions of them: one at a time, none too early."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.accession import Decision
from service.domain.donated_book import BookKey
from service.domain.exhibition import Phase
from service.domain.ledger import Direction, Figures
from service.domain.opening_balance import Opening
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid, NotFound, Outdated, WrongValues
from service.store.tables import audit_entry, exhibition
from service.usecases import (
    accessioning,
    carrying_forward,
    enrolling,
    exhibiting,
    merging,
    reporting,
    showing_donations,
)
from service.usecases.accessioning import Corrected
from service.usecases.site import Site
from tests.service.at_once import at_once
from tests.service.donation_scene import HANA, a_gift, a_giver

FIRST, LAST = date(2027, 1, 1), date(2027, 3, 31)
BOOKS = [{"title": f"Book {number}"} for number in range(1, 5)]


@pytest.fixture
def nagasaki(site: Site) -> str:
    """A gift of four books from Nagasaki, of which the last was declined."""
    a_giver(site, "nagasaki", "Nagasaki", "JP")
    return a_gift(site, "nagasaki", *BOOKS, declined=[4])


def an_exhibition(site: Site, slug: str = "spring", **given: Any) -> Any:
    whole = {
        "slug": slug,
        "partner": "nagasaki",
        "opens_on": FIRST,
        "closes_on": LAST,
        "words": [("en", "From Nagasaki", "Books")],
    }
    return exhibiting.add(site.db, whole | given, by=HANA, now=site.now())


def choose(site: Site, *keys: BookKey, seen: int | None = None) -> Any:
    return exhibiting.choose(site.db, "spring", keys, seen=seen, by=HANA, now=site.now())


def shelf(site: Site, code: str, city: str | None = None) -> list[str]:
    """All the titles of a place, read two at a time."""
    found: list[str] = []
    after = None
    while True:
        page = showing_donations.browse(site.db, code, city, after=after, limit=2)
        found += [book.title for book in page.books]
        if not page.more:
            return found
        after = page.books[-1].key


# --- the country corner ---------------------------------------------------------------------------


def test_the_corner_shows_what_was_accepted_and_nothing_else(site: Site, nagasaki: str) -> None:
    a_gift(site, "nagasaki", {"title": "Not checked yet"}, checked=False)
    (japan,) = showing_donations.list_countries(site.db)
    assert (japan.code, japan.name, japan.total.titles, japan.total.volumes) == (
        "JP",
        "Japan",
        3,
        3,
    )
    assert shelf(site, "JP") == shelf(site, "jp", "Nagasaki") == ["Book 1", "Book 2", "Book 3"]
    for code, city in (("JP", "Kobe"), ("KR", None), ("", None), ("ZZ", None)):
        with pytest.raises(NotFound):
            showing_donations.browse(site.db, code, city, limit=2)


def test_books_stand_where_their_giver_was_and_a_move_takes_none_along(
    site: Site, nagasaki: str
) -> None:
    moved = {"city": "Busan", "place": "KR"}
    enrolling.change(site.db, "nagasaki", moved, by=HANA, now=site.now())
    newer = a_gift(site, "nagasaki", {"title": "Sent from Busan", "volumes": 3})
    assert shelf(site, "JP") == ["Book 1", "Book 2", "Book 3"]
    assert shelf(site, "KR", "Busan") == ["Sent from Busan"]
    korea = next(each for each in showing_donations.list_countries(site.db) if each.code == "KR")
    assert (korea.total.titles, korea.total.volumes) == (1, 3)
    right = Corrected(volumes=2)
    accessioning.correct(site.db, newer, 1, right, why="two", by=HANA, now=site.now())
    accessioning.correct(site.db, nagasaki, 2, right, why="two", by=HANA, now=site.now())
    for each in showing_donations.list_countries(site.db):
        assert each.total.titles == len(shelf(site, each.code))


def test_newer_gifts_come_first_and_cities_keep_apart(site: Site, nagasaki: str) -> None:
    a_giver(site, "kobe", "Kobe", "JP")
    a_giver(site, "nowhere", "", "")
    a_gift(site, "kobe", {"title": "Kobe 1"}, {"title": "Kobe 2"})
    a_gift(site, "nowhere", {"title": "From somewhere"})
    japan, unknown = showing_donations.list_countries(site.db)
    assert [city.city for city in japan.cities] == ["Kobe", "Nagasaki"]
    assert (unknown.code, unknown.total.titles) == ("ZZ", 1)
    assert shelf(site, "JP") == ["Kobe 1", "Kobe 2", "Book 1", "Book 2", "Book 3"]
    assert shelf(site, "JP", "Kobe") == ["Kobe 1", "Kobe 2"]
    assert shelf(site, "ZZ", "") == ["From somewhere"]


def test_opening_balances_count_and_are_told_apart(site: Site, nagasaki: str) -> None:
    a_giver(site, "kobe", "Kobe", "JP")
    for code in ("nagasaki", "kobe"):
        figures = Opening(code, 2019, Direction.RECEIVED, TransferKind.GIFT, Figures(0, 120))
        carrying_forward.enter(site.db, figures, by=HANA, now=site.now())
    (japan,) = showing_donations.list_countries(site.db)
    assert (japan.total.titles, japan.total.all_volumes) == (3, 243)
    assert [city.opening_volumes for city in japan.cities] == [120, 120]
    assert shelf(site, "JP", "Kobe") == []
    assert reporting.programme(site.db).total.volumes_received == 243


# --- exhibitions ----------------------------------------------------------------------------------


def test_an_exhibition_is_there_from_its_first_day_to_its_last_and_kept(
    site: Site, nagasaki: str
) -> None:
    an_exhibition(site)
    day = timedelta(days=1)
    assert exhibiting.current(site.db, FIRST - day) is None
    with pytest.raises(NotFound):
        exhibiting.visit(site.db, "spring", FIRST - day)
    for today in (FIRST, LAST):
        shown = exhibiting.current(site.db, today)
        assert shown is not None
        assert shown.exhibition.phase(today) is Phase.OPEN
        assert exhibiting.past(site.db, today, limit=5) == []
    assert exhibiting.current(site.db, LAST + day) is None
    assert [each.slug for each in exhibiting.past(site.db, LAST + day, limit=5)] == ["spring"]
    assert exhibiting.visit(site.db, "spring", LAST + day).exhibition.title == "From Nagasaki"
    with pytest.raises(Conflict, match="is kept"):
        exhibiting.remove(site.db, "spring", today=FIRST, by=HANA, now=site.now())


def test_two_exhibitions_share_no_day_even_if_drawn_up_at_once(site: Site, nagasaki: str) -> None:
    results = at_once(*(lambda n=n: an_exhibition(site, f"spring-{n}") for n in range(4)))
    assert sum(isinstance(each, Conflict) for each in results) == 3
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(exhibition)).scalar() == 1
    summer = an_exhibition(site, "", opens_on=LAST + timedelta(days=1), closes_on=date(2027, 6, 30))
    assert summer.slug == "2027-q2-nagasaki"
    with pytest.raises(Conflict, match="one exhibition is shown at a time"):
        exhibiting.change(site.db, summer.slug, {"opens_on": LAST}, by=HANA, now=site.now())


def test_books_are_those_of_its_partner_in_the_order_chosen(site: Site, nagasaki: str) -> None:
    a_giver(site, "kobe", "Kobe", "JP")
    other = a_gift(site, "kobe", {"title": "Of another"})
    made = an_exhibition(site)
    choose(site, BookKey(nagasaki, 3), BookKey(nagasaki, 1), BookKey(nagasaki, 3))
    assert [book.title for book in exhibiting.find(site.db, "spring").books] == ["Book 3", "Book 1"]
    for strange in (BookKey(other, 1), BookKey(nagasaki, 4), BookKey(nagasaki, 99)):
        with pytest.raises(Invalid, match="did not give us"):
            choose(site, BookKey(nagasaki, 1), strange)
    with pytest.raises(Outdated):
        choose(site, seen=made.revision)
    with pytest.raises(Conflict, match="take them out"):
        exhibiting.change(site.db, "spring", {"partner": "kobe"}, by=HANA, now=site.now())
    right = Corrected(decision=Decision.DECLINED, reason="twice here")
    accessioning.correct(site.db, nagasaki, 3, right, why="seen late", by=HANA, now=site.now())
    assert [book.title for book in exhibiting.find(site.db, "spring").books] == ["Book 1"]
    choose(site)
    assert exhibiting.find(site.db, "spring").books == []


def test_all_that_is_wrong_is_told_at_once(site: Site, nagasaki: str) -> None:
    with pytest.raises(WrongValues) as told:
        an_exhibition(site, "No Slug", opens_on=None, words=[("en", "", "x"), ("??", "Title", "")])
    names = [name for name, _ in told.value.faults]
    assert names == ["slug", "opens_on", "words.0.title", "words.1.language"]
    with pytest.raises(WrongValues, match="no partner"):
        an_exhibition(site, partner="nobody")
    with pytest.raises(WrongValues, match="before the first"):
        an_exhibition(site, closes_on=FIRST - timedelta(days=1))


def test_what_was_done_is_in_the_audit_log(site: Site, nagasaki: str) -> None:
    an_exhibition(site)
    choose(site, BookKey(nagasaki, 1))
    exhibiting.change(site.db, "spring", {"closes_on": FIRST}, by=HANA, now=site.now())
    today = FIRST - timedelta(days=1)
    exhibiting.remove(site.db, "spring", today=today, by=HANA, now=site.now())
    with site.db.read() as conn:
        told = sa.select(audit_entry.c.action).where(audit_entry.c.kind == "exhibition")
        done = list(conn.execute(told.order_by(audit_entry.c.id)).scalars())
    assert done == ["added", "chosen", "changed", "removed"]


def test_an_exhibition_goes_on_under_the_entry_that_its_partner_became(
    site: Site, nagasaki: str
) -> None:
    an_exhibition(site)
    choose(site, BookKey(nagasaki, 2))
    a_giver(site, "kobe", "Kobe", "JP")
    merging.merge(site.db, "nagasaki", into="kobe", by=HANA, now=site.now())
    found = exhibiting.find(site.db, "spring")
    assert found.exhibition.partner == "kobe"
    assert [book.title for book in found.books] == ["Book 2"]
    assert shelf(site, "JP", "Nagasaki") == ["Book 1", "Book 2", "Book 3"]
