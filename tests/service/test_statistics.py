"""The figures of the programme come out to the book, and as the ledger's entries say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import statistics as rules
from service.domain.ledger import Direction, Entry, Event
from service.domain.place import Place
from service.domain.statistics import Flow
from service.domain.transfer import TransferKind
from service.errors import Invalid, NotFound
from service.store import ledger
from service.store.db import Database
from service.usecases import enrolling, membership, naming_places, reporting

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WHO = "staff:kim"

# Sixteen cities in eleven countries and regions; what each was given before the software.
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
    ("ulaanbaatar", "Ulaanbaatar", "MN", 0),
)


def enter(db: Database, *entries: Entry) -> list[str]:
    with db.write() as conn:
        return ledger.write(conn, entries, by=WHO, now=NOW)


def moved(partner_id: int, year: int, books: int, event: Event, direction: Direction) -> Entry:
    return Entry(
        partner_id=partner_id,
        direction=direction,
        kind=TransferKind.GIFT,
        event=event,
        event_key=f"{event}-{partner_id}-{year}-{direction}",
        on_date=date(year, 6, 1),
        titles=0 if event is Event.OPENING else books,
        volumes=books,
    )


def busan(db: Database) -> dict[str, int]:
    """Enter the programme of Busan, with the years before as opening balances."""
    ids = {
        code: membership.add_partner(
            db, code=code, name=f"Library of {city}", city=city, place=place, now=NOW
        ).id
        for code, city, place, _ in CITIES
    }
    sent, received = Direction.SENT, Direction.RECEIVED
    for number, (code, _, _, books) in enumerate(CITIES):
        if books:
            enter(db, moved(ids[code], 2014 + number % 9, books, Event.OPENING, sent))
    enter(db, moved(ids["nagasaki"], 2024, 100, Event.DISPATCH, sent))
    enter(db, moved(ids["hochiminh"], 2024, 1_000, Event.DISPATCH, sent))
    enter(db, moved(ids["yokohama"], 2025, 300, Event.ACCESSION, received))
    enter(db, moved(ids["kaohsiung"], 2025, 452, Event.ACCESSION, received))
    return ids


def test_the_line_of_busan_comes_out_to_the_book(db: Database) -> None:
    ids = busan(db)
    # Ulaanbaatar has a relation before any book moves: here one that is taken back again, and then
    # a total of the years before.
    enter(db, moved(ids["ulaanbaatar"], 2023, 5, Event.OPENING, Direction.SENT))
    told = reporting.press_line(db)
    assert "16 cities in 11 countries and regions; donated 20,551 books" in told
    with db.write() as conn:
        ledger.counter(
            conn,
            Event.OPENING,
            f"{Event.OPENING}-{ids['ulaanbaatar']}-2023-{Direction.SENT}",
            by=WHO,
            now=NOW,
            reason="It was another library",
        )
    assert reporting.press_line(db).startswith("Since 2014 with 15 cities in 10 countries and")
    enter(db, moved(ids["ulaanbaatar"], 2025, 1, Event.ACCESSION, Direction.RECEIVED))
    assert reporting.press_line(db, received_in=2025) == (
        "Since 2014 with 16 cities in 11 countries and regions; donated 20,546 books in total; "
        "in 2024 100 to Nagasaki, 1,000 to Ho Chi Minh City; "
        "in 2025 received 753 from Ulaanbaatar, Yokohama and Kaohsiung."
    )


def test_a_programme_without_relations_says_so(db: Database) -> None:
    assert reporting.press_line(db) == "The programme has no relations yet."
    for name in reporting.TABLES:
        assert isinstance(reporting.table(db, name, None, NOW).rows, tuple)


def test_years_show_opening_balances_apart(db: Database) -> None:
    busan(db)
    rows = reporting.table(db, "years", None, NOW).rows
    assert (2024, "", 1_100, 1_100, 0, 0) in rows
    assert (2025, "", 0, 0, 752, 752) in rows
    assert rows[0] == (2014, "opening balance", 0, 2_400 + 700, 0, 0)
    assert sum(row[3] for row in rows if isinstance(row[3], int)) == 20_546


def test_regions_are_the_sites_own(db: Database) -> None:
    busan(db)
    for code in ("JP", "CN", "TW", "MN"):
        name = naming_places.find_place(db, code).name
        naming_places.set_place(db, code, name=name, region="East Asia", by=WHO, now=NOW)
    rows = {row[0]: row[1:] for row in reporting.table(db, "regions", 2024, NOW).rows}
    assert rows["East Asia"] == (1, 1, 1, 100, 100, 0, 0)
    assert rows["all"] == (2, 2, 1, 1_100, 1_100, 0, 0)


def test_a_library_that_moved_counts_where_it_was(db: Database) -> None:
    busan(db)
    enrolling.change(db, "nagasaki", {"place": "KR"}, seen=None, by=WHO, now=NOW)
    places = {row[0]: row[4] for row in reporting.table(db, "places", 2024, NOW).rows}
    assert places == {"JP": 100, "VN": 1_000}


def test_a_table_that_there_is_not_and_a_year_that_cannot_be_are_refused(db: Database) -> None:
    with pytest.raises(NotFound, match="there are years, partners, places"):
        reporting.table(db, "weather", None, NOW)
    with pytest.raises(Invalid, match="3000 is no year"):
        reporting.table(db, "years", 3000, NOW)


_flows = st.lists(
    st.builds(
        Flow,
        partner=st.sampled_from(["a", "b", "c"]),
        name=st.just("A library"),
        type=st.sampled_from(["PUBLIC", "NATIONAL"]),
        city=st.sampled_from(["", "Busan", "Hue"]),
        place=st.sampled_from(["", "KR", "VN", "XX"]),
        year=st.integers(2014, 2026),
        direction=st.sampled_from(Direction),
        opening=st.booleans(),
        titles=st.integers(0, 50),
        volumes=st.integers(0, 90),
    ),
    max_size=20,
)


@given(_flows)
def test_every_table_adds_up_to_the_same(flows: list[Flow]) -> None:
    places = {"KR": Place("KR", "Korea", "Asia"), "VN": Place("VN", "Viet Nam")}
    all_of = tuple(rules.total(flows))
    for table in (rules.by_year(flows), rules.by_partner(flows), rules.by_place(flows, places)):
        assert _sums(row[-4:] for row in table.rows) == all_of
    regions = rules.by_region(flows, places).rows
    assert _sums(row[-4:] for row in regions[:-1]) == all_of
    assert not regions or regions[-1][-4:] == all_of


def _sums(rows: Iterable[tuple[rules.Cell, ...]]) -> tuple[int, ...]:
    found = [0, 0, 0, 0]
    for row, place in ((row, n) for row in rows for n in range(4)):
        cell = row[place]
        assert isinstance(cell, int)
        found[place] += cell
    return tuple(found)


def test_rates_of_nothing_are_not_known() -> None:
    nothing = rules.Travelled(0, 0, 0, 0, 0, 0, 0, 0, [], [], {})
    rows = {
        row[0]: row[1] for row in rules.operations(2026, rules.Allocated(0, 0, 0), nothing, 0).rows
    }
    assert rows["fill rate: allocated of wished"] is None
    some = nothing._replace(to_dispatch=[10, 20, 90], postage={"KRW": (30_000, 20)})
    table = rules.operations(2026, rules.Allocated(60, 40, 30), some, 2)
    rows = {row[0]: row[1] for row in table.rows}
    assert rows["fill rate: allocated of wished"] == 75.0
    assert rows["median from wish to dispatch"] == 20
    assert "1,500" in str(rows["postage a volume"])
