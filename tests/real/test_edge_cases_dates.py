"""OAI-PMH edge cases 19 to 28, dates, over a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from oai.datestamp import written
from service.domain.offer import ListAction
from service.domain.publication import LEAD
from service.store import feed, offers
from service.store.feed_reading import Stream
from service.usecases import publishing
from tests.real.edge_case_library import (
    HEADERS,
    LIST,
    MARC,
    Library,
    bounds,
    headers_of,
    response_date,
    served,
)
from tests.service.builders import a_record

DAY = 86_400


@pytest.fixture(scope="module")
def library(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library with six books of three days, two a day; nothing here changes it."""
    with served(sqlite_template, tmp_path_factory.mktemp("dates"), page_size=2) as library:
        for number in range(6):
            library.books(1, start=number)
            library.clock.move(60 if number % 2 == 0 else DAY)
        yield library


@pytest.fixture
def changing(sqlite_template: Path, tmp_path: Path) -> Iterator[Library]:
    """A library with five books, for a test to change."""
    with served(sqlite_template, tmp_path) as library:
        library.books(5)
        yield library


def day(stamp: int) -> str:
    return written(stamp)[:10]


def test_19_from_and_until_are_both_inclusive(library: Library) -> None:
    headers = library.headers()
    stamps = [header.stamp for header in headers]
    assert len(set(stamps)) == 6
    for number, header in enumerate(headers):
        second = bounds(from_=header.stamp, until=header.stamp)
        for verb in (LIST, HEADERS, MARC):
            assert library.headers(verb + second) == [header]
        assert library.headers(HEADERS + bounds(from_=header.stamp)) == headers[number:]
        assert library.headers(HEADERS + bounds(until=header.stamp)) == headers[: number + 1]
        beside = bounds(from_=header.stamp + 1, until=header.stamp + 1)
        assert library.ask(HEADERS + beside).codes == ["noRecordsMatch"]


def test_20_a_day_is_the_whole_day_in_utc(library: Library) -> None:
    headers = library.headers()
    for header in headers:
        first = header.stamp - header.stamp % DAY
        asked = day(header.stamp)
        found = library.headers(f"{HEADERS}&from={asked}&until={asked}")
        assert found == [each for each in headers if first <= each.stamp < first + DAY]
        assert len(found) == 2


def test_20_a_day_ends_with_its_last_second_and_begins_with_its_first(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path) as library:
        midnight = int(library.clock()) // DAY * DAY + DAY
        stamps = (midnight - 1, midnight, midnight + DAY - 1, midnight + DAY)
        for number, stamp in enumerate(stamps):
            library.clock.at = stamp - LEAD
            library.books(1, start=number)
        assert [header.stamp for header in library.headers()] == [*stamps]
        asked = day(midnight)
        found = library.headers(f"{HEADERS}&from={asked}&until={asked}")
        assert [header.stamp for header in found] == [midnight, midnight + DAY - 1]


@pytest.mark.parametrize(
    ("number", "query"),
    [
        (21, "from=2049-03-23&until=2049-03-22"),
        (21, "until=2049-03-22T00:00:00Z&from=2049-03-22T00:00:01Z"),
        (21, "from=2100-01-02&until=2100-01-01"),
        (22, "from=2049-03-22&until=2050-01-01T00:00:00Z"),
        (22, "from=2049-03-22T00:00:00Z&until=2050-01-01"),
    ],
)
def test_21_22_dates_that_contradict_each_other_are_bad(
    library: Library, number: int, query: str
) -> None:
    for verb in (LIST, HEADERS):
        told = library.ask(f"{verb}&{query}")
        assert (told.codes, told.echo) == (["badArgument"], {}), number


def test_23_the_granularity_declared_is_the_one_accepted(library: Library) -> None:
    """Ours is seconds, so both forms are good; a repository of days would refuse seconds."""
    granularity = library.ask("verb=Identify").texts("*/o:granularity/text()")
    assert granularity == ["YYYY-MM-DDThh:mm:ssZ"]
    assert library.ask(f"{LIST}&from=2026-01-01T00:00:00Z").codes == []
    assert library.ask(f"{LIST}&from=2026-01-01").codes == []


@pytest.mark.parametrize(
    "date",
    [
        "2026-02-30",
        "2026-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-1-1",
        "2026-01",
        "2026",
        "20260101",
        "2026-01-01t00:00:00Z",
        "2026-01-01T00:00:00z",
        "2026-01-01T00:00:00+01:00",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01Z",
        " 2026-01-01",
        "2026-01-01\n",
        "-2026-01-01",
        "２０２６-01-01",
        " ",
        "",
        "now",
    ],
)
def test_24_a_date_of_any_other_form_is_bad(library: Library, date: str) -> None:
    for name in ("from", "until"):
        told = library.ask(f"{LIST}&{name}={quote(date)}")
        assert (told.codes, told.echo) == (["badArgument"], {})


def test_25_dates_outside_of_all_datestamps_match_nothing(library: Library) -> None:
    for dates in ("until=2001-01-01", "from=2100-01-01", "from=2100-01-01T00:00:00Z"):
        for verb in (LIST, HEADERS, MARC):
            assert library.ask(f"{verb}&{dates}").codes == ["noRecordsMatch"]
    (earliest,) = library.ask("verb=Identify").texts("*/o:earliestDatestamp/text()")
    assert library.ask(f"{LIST}&until={earliest}").codes == ["noRecordsMatch"]
    ahead = response_date(library.ask(LIST)) + 1
    assert library.ask(LIST + bounds(from_=ahead)).codes == ["noRecordsMatch"]


def test_26_any_change_of_a_record_gives_it_a_later_datestamp(changing: Library) -> None:
    def stamps() -> dict[str, int]:
        return {header.identifier: header.stamp for header in changing.headers()}

    def moved(before: dict[str, int]) -> list[str]:
        after = stamps()
        assert all(after[identifier] >= stamp for identifier, stamp in before.items())
        return [identifier for identifier in after if after[identifier] != before[identifier]]

    first, second = changing.named("Book 0"), changing.named("Book 1")
    before = stamps()
    changing.bring(a_record("Book 0, corrected", number="0"))
    assert moved(before) == [first]
    before = stamps()
    changing.bring(a_record("Book 0, corrected", number="0", place="ja "))  # another set
    assert moved(before) == [first]
    before = stamps()
    changing.withdraw(second)
    assert moved(before) == [second]
    changing.open("autumn")
    changing.bring(a_record("Book 1", number="1"), slug="autumn")  # on offer again: another item
    before = stamps()
    assert len(before) == 6
    changing.change("autumn", ListAction.WITHDRAW)
    assert len(moved(before)) == 1


def test_27_a_change_that_is_committed_late_is_in_the_next_harvest(changing: Library) -> None:
    """Somebody writes for twenty seconds; a partner harvests in the middle, and misses nothing."""
    changing.clock.move(60)
    late = changing.identifiers()[0]
    with changing.site.db.write() as conn:
        offers.withdraw(conn, late.rpartition("/")[2])
        changing.clock.move(10)
        during = changing.pages(HEADERS)
        assert not any(header.deleted for page in during for header in headers_of(page))
        changing.clock.move(10)
    changing.publish()
    for since in (response_date(during[0]), max(h.stamp for p in during for h in headers_of(p))):
        found = changing.headers(HEADERS + bounds(from_=since))
        assert (late, True) in {(header.identifier, header.deleted) for header in found}


def test_27_a_first_page_does_not_wait_for_a_writer(changing: Library) -> None:
    changing.clock.move(60)
    with changing.site.db.write() as conn:
        before = feed.lock_clock(conn)
        assert response_date(changing.ask(LIST)) == before
    assert response_date(changing.ask(LIST)) > before


def test_28_the_response_date_is_the_clock_of_the_snapshot(changing: Library) -> None:
    """What a page did not contain is stamped later than the page says."""
    changing.clock.move(60)
    said = response_date(changing.ask(LIST))
    with changing.site.db.read() as conn:
        assert feed.clock(conn).p == said
    for number in range(5, 8):
        changing.books(1, start=number)
        told = changing.pages(LIST)
        assert max(header.stamp for page in told for header in headers_of(page)) > said
        assert all(response_date(page) >= said for page in told)
        said = response_date(told[0])
        newest = max(header.stamp for page in told for header in headers_of(page))
        assert newest <= response_date(told[-1])


def test_28_what_is_published_after_a_page_was_read_is_later_than_its_date(
    changing: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publication falls between the reading of the rows and the sending of the page."""
    read, stamps = Stream.entries, []

    def then_somebody_publishes(*arguments: Any, **options: Any) -> Any:
        rows = read(*arguments, **options)
        with changing.site.db.write() as conn:
            feed.mark(conn, feed.OFFER, [1])
        stamps.append(publishing.publish(changing.site.db, changing.clock).stamp)
        return rows

    monkeypatch.setattr(Stream, "entries", then_somebody_publishes)
    told = changing.ask(LIST)
    monkeypatch.undo()
    assert stamps
    assert response_date(told) < stamps[0]
    assert max(header.stamp for header in headers_of(told)) <= response_date(told)
    later = changing.headers(HEADERS + bounds(from_=response_date(told)))
    assert {header.stamp for header in later} >= {stamps[-1]}


def test_28_pages_read_while_somebody_publishes_say_when_they_were_true(
    changing: Library,
) -> None:
    """Thirty publications meanwhile: whatever a harvest lacks is stamped later than it says."""
    done = threading.Event()

    def publish() -> None:
        try:
            for number in range(30):
                with changing.site.db.write() as conn:
                    feed.mark(conn, feed.OFFER, [number % 5 + 1])
                publishing.publish_all(changing.site.db, changing.clock, changing.clock.move)
        finally:
            done.set()

    harvests = [changing.pages(LIST)]
    thread = threading.Thread(target=publish)
    thread.start()
    while not done.is_set():
        harvests.append(changing.pages(LIST))
    thread.join(30)
    truth = {header.identifier: header for header in changing.headers()}
    before = {header.identifier: header for page in harvests[0] for header in headers_of(page)}
    assert all(truth[name].stamp > header.stamp for name, header in before.items())
    for pages in harvests:
        for page in pages:
            assert max(header.stamp for header in headers_of(page)) <= response_date(page)
        held = {header.identifier: header for page in pages for header in headers_of(page)}
        for header in changing.headers(HEADERS + bounds(from_=response_date(pages[0]))):
            held[header.identifier] = header
        assert held == truth


def test_26_a_record_that_came_again_unchanged_keeps_its_datestamp(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path) as library:
        library.books(3)
        before = library.headers()
        library.bring(a_record("Book 1", number="1"), a_record("New", number="9"))
        assert library.headers()[:3] == before
