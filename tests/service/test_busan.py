"""Busan's real years, each book by the way that it went, and the statistics come out to the book.

Sixteen cities in eleven countries and regions; the years before the software are a table of totals;
in 2024 one gift goes to Nagasaki and one to Ho Chi Minh City, and in 2025 two come in.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from service.domain import table_file as tables
from service.domain.consignment import Service
from service.domain.receipt import Said
from service.store.db import Database
from service.usecases import (
    accessioning,
    accounting,
    agreeing,
    announcing_gifts,
    carrying_forward,
    checking_pieces,
    dispatching,
    enrolling,
    filling_gifts,
    naming_places,
    packing,
    parcelling,
    presenting,
    receiving,
    reporting,
)
from service.usecases.dispatching import Posting
from service.usecases.site import Site
from tests.service.builders import HandClock, make_site, utc, work
from tests.service.consignment_scene import HANA, check

# Code, city, country or region, and what it was given from 2014 to 2023.
CITIES = (
    ("nagasaki", "Nagasaki", "JP", 2_400),
    ("yokohama", "Yokohama", "JP", 1_800),
    ("fukuoka", "Fukuoka", "JP", 1_600),
    ("kaohsiung", "Kaohsiung", "TW", 1_900),
    ("shanghai", "Shanghai", "CN", 1_700),
    ("tianjin", "Tianjin", "CN", 1_200),
    ("shenzhen", "Shenzhen", "CN", 900),
    ("hochiminh", "Ho Chi Minh City", "VN", 1_500),
    ("auckland", "Auckland", "NZ", 800),
    ("montreal", "Montréal", "CA", 700),
    ("losangeles", "Los Angeles", "US", 1_100),
    ("chicago", "Chicago", "US", 946),
    ("petersburg", "St Petersburg", "RU", 900),
    ("istanbul", "Istanbul", "TR", 1_000),
    ("surabaya", "Surabaya", "ID", 1_000),
    ("ulaanbaatar", "Ulaanbaatar", "MN", 0),  # agreed with, and no book has moved yet
)
BEFORE = 20_546 - 100 - 1_000
CSV = "text/csv"


@pytest.fixture
def busan(db: Database, tmp_path: Path) -> Site:
    """The library in March 2024, with its partners and the totals of ten years."""
    site = make_site(db, tmp_path, HandClock(utc("2024-03-01T09:00:00").timestamp()))
    for code, city, place, _ in CITIES:
        entry = {"name": f"Library of {city}", "city": city, "place": place}
        entry |= {"address_roman": f"1 Library Street\n{city}"}
        enrolling.add(site.db, code, entry, by=HANA, now=site.now())
    rows = [
        (code, str(2014 + number % 9), "SENT", "GIFT", "0", str(books))
        for number, (code, _, __, books) in enumerate(CITIES)
        if books
    ]
    table = csv(("partner", "year", "direction", "kind", "titles", "volumes"), rows)
    taken = carrying_forward.take_in(site.db, table, CSV, by=HANA, now=site.now())
    assert (taken.counts[carrying_forward.RowOutcome.ENTERED], taken.rejected) == (15, ())
    memorandum = {
        "title": "Memorandum with Ulaanbaatar",
        "scope": ["BOOKS"],
        "parties": [{"partner": "ulaanbaatar"}],
        "signed_on": date(2024, 1, 15),
        "starts_on": date(2024, 1, 15),
        "term_months": 36,
    }
    agreeing.draw_up(site.db, memorandum, signed=True, by=HANA, now=site.now())
    return site


def csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> io.BytesIO:
    return io.BytesIO("".join(tables.csv_lines([head, *rows])).encode())


def do(site: Site, what: Callable[..., Any], name: str, *given: Any, **more: Any) -> Any:
    return what(site.db, name, *given, by=HANA, now=site.now(), **more)


def books(theme: str, titles: int, copies: int) -> io.BytesIO:
    rows = [(f"{theme} {n}", f"Author {n % 40}", str(copies)) for n in range(1, titles + 1)]
    return csv(("書名", "著者", "copies"), rows)


def give(site: Site, code: str, theme: str, titles: int, copies: int, left: date) -> str:
    """Give books to a partner: a table, its approval, the parcels, the dispatch, the receipt."""
    draft = {"title": theme, "currency": "KRW"}
    name = do(site, presenting.draft, code, draft).public_id
    taken = do(site, filling_gifts.take_in, name, books(theme, titles, copies), CSV, limit=10**8)
    assert (taken.titles, taken.rejected) == (titles, ())
    work(site)
    do(site, presenting.submit, name)
    do(site, presenting.approve, name, "KIM Minji, director")
    packed = do(site, presenting.pack, name, theme=theme, service=Service.FREIGHT)
    number = packed.consignments[0].number
    parcelling.tick(site.db, number, None, by=HANA, now=site.now())
    do(site, packing.pack, number)
    do(site, dispatching.dispatch, number, Posting(left))
    do(site, receiving.receive, number, Said(), reason="their letter of thanks")
    return str(number)


def take(site: Site, code: str, titles: int, copies: int, came: date) -> str:
    """Take in what a partner gives us: announced by its table, checked, accepted, numbered."""
    name = do(site, announcing_gifts.announce, code, {"title": f"From {code}"}).public_id
    file = books(f"A book of {code}", titles, copies)
    do(site, announcing_gifts.take_in, name, file, CSV, limit=10**8)
    work(site)
    do(site, accessioning.receive, name, came)
    do(site, checking_pieces.count_all, name)
    do(site, checking_pieces.accept, name)
    do(site, accessioning.check, name)
    do(site, accessioning.give_numbers, name)
    do(site, accessioning.catalogue, name)
    return str(name)


def test_busans_real_years_come_out_to_the_book(busan: Site) -> None:
    site = busan
    assert reporting.press_line(site.db) == (
        f"Since 2014 with 16 cities in 11 countries and regions; donated {BEFORE:,} books in total."
    )
    assert isinstance(site.clock, HandClock)
    site.clock.at = utc("2024-09-20T09:00:00").timestamp()
    give(site, "nagasaki", "Books of Busan", 100, 1, date(2024, 9, 12))
    give(site, "hochiminh", "Children's books", 250, 4, date(2024, 9, 19))
    site.clock.at = utc("2025-11-03T09:00:00").timestamp()
    take(site, "yokohama", 150, 2, date(2025, 6, 2))
    take(site, "kaohsiung", 113, 4, date(2025, 10, 30))

    assert reporting.press_line(site.db) == (
        "Since 2014 with 16 cities in 11 countries and regions; donated 20,546 books in total; "
        "in 2024 100 to Nagasaki, 1,000 to Ho Chi Minh City; "
        "in 2025 received 752 from Yokohama and Kaohsiung."
    )
    years = reporting.table(site.db, "years", None, site.now()).rows
    assert years[-2:] == ((2024, "", 350, 1_100, 0, 0), (2025, "", 0, 0, 263, 752))
    opening = [row for row in years if row[1] == "opening balance"]
    assert (len(opening), len(years)) == (9, 11)
    assert sum(int(row[3] or 0) for row in opening) == BEFORE
    by_partner = {
        row[0]: row[4:] for row in reporting.table(site.db, "partners", None, site.now()).rows
    }
    assert by_partner["nagasaki"] == (100, 2_500, 0, 0)
    assert by_partner["hochiminh"] == (250, 2_500, 0, 0)
    assert by_partner["kaohsiung"] == (0, 1_900, 113, 452)
    assert "ulaanbaatar" not in by_partner
    places = {row[0]: row[2:] for row in reporting.table(site.db, "places", None, site.now()).rows}
    assert places["JP"] == (3, 100, 5_900, 150, 300)
    assert sum(int(row[2] or 0) for row in places.values()) == 20_546
    operations = reporting.table(site.db, "operations", 2024, site.now()).rows
    told = {row[0]: row[1] for row in operations}
    assert (told["volumes dispatched"], told["receipts confirmed"]) == (1_100, 2)
    kept = accounting.show(site.db, "hochiminh", site.now())
    assert (kept.sent.titles, kept.sent.volumes, kept.received.volumes) == (250, 2_500, 0)
    check(site)


def test_the_regions_of_busans_year_are_the_sites_own(busan: Site) -> None:
    for code, region in (("JP", "East Asia"), ("TW", "East Asia"), ("VN", "South-East Asia")):
        name = naming_places.find_place(busan.db, code).name
        now = busan.now()
        naming_places.set_place(busan.db, code, name=name, region=region, by=HANA, now=now)
    give(busan, "nagasaki", "Books of Busan", 3, 1, date(2024, 3, 1))
    give(busan, "hochiminh", "Children's books", 2, 5, date(2024, 3, 1))
    take(busan, "kaohsiung", 2, 2, date(2024, 2, 29))
    rows = {row[0]: row[1:] for row in reporting.table(busan.db, "regions", 2024, busan.now()).rows}
    assert rows["East Asia"] == (2, 2, 1, 3, 3, 2, 4)
    assert rows["South-East Asia"] == (1, 1, 1, 2, 10, 0, 0)
    assert rows["all"][-4:] == (5, 13, 2, 4)
