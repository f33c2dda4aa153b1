"""The course of a harvest into the database: from when on, going on, failures, on schedule.

Real HTTP from providers that behave, and do not. The numbers in names are those of
``../shared/oai.md``, section 5, and of the rows of ``../shared/reliability.md`` where that is said.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service import worker
from service.domain.harvest import HARVEST, MOST_TRIES, HarvestState
from service.errors import Conflict, Invalid, LeaseLost, NotFound
from service.store import jobs, originals
from service.store.db import Database
from service.store.tables import harvest_line, harvested, import_batch
from service.usecases import (
    cataloguing,
    harvesting,
    ordering_harvests,
    reading_sources,
    subscribing,
)
from service.usecases.site import Site
from tests.oai.hostile import Asked, Sent, books, once, serving
from tests.oai.hostile import Site as Provider
from tests.service.builders import HandClock, make_site, work
from tests.service.nagasaki import (
    LOOPBACK,
    add,
    count,
    harvest,
    last,
    list_of,
    numbers,
    offered,
    one_record,
)


@pytest.fixture
def site(harvesting_site: Site) -> Site:
    return harvesting_site


# --- from when on -------------------------------------------------------------------------------


def test_70_the_next_harvest_begins_by_the_first_answers_clock_and_never_leaves_a_time_out(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url)
    harvest(site)
    first = reading_sources.find_source(site.db, "nagasaki").source.next_from
    assert first == there.memory.clock - 3600
    there.memory.clock += 50
    harvest(site, from_=there.memory.clock)  # what came in between was not asked for
    assert reading_sources.find_source(site.db, "nagasaki").source.next_from == first
    there.memory.clock += 50
    harvest(site, from_=first - 5)
    assert reading_sources.find_source(site.db, "nagasaki").source.next_from == first + 100


def test_71_a_provider_of_days_is_asked_for_days(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    days = b">YYYY-MM-DD<"

    def script(asked: Asked) -> bytes | None:
        if asked.verb != "Identify":
            return None
        return asked.honest.replace(b">YYYY-MM-DDThh:mm:ssZ<", days)

    there.script = script
    add(site, url)
    harvest(site)
    harvest(site)
    asked = [each.arguments.get("from", "") for each in there.asked("ListRecords")]
    assert {len(each) for each in asked} == {0, 10}


# --- going on -----------------------------------------------------------------------------------


def test_69_a_run_that_ends_anywhere_goes_on_there_and_every_record_is_there_once(
    site: Site, provider: tuple[Provider, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker is ended after each step in turn, and another goes on when its lease has ended."""
    there, url = provider
    add(site, url)
    ordering_harvests.begin(site.db, "nagasaki", now=site.now())

    class Killed(BaseException):
        """Nothing catches it, as nothing catches SIGKILL."""

    def kill(*_: object) -> None:
        raise Killed

    runs = 0
    while (held := worker.lease(site)) is not None and held.kind == HARVEST:
        runs += 1
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(jobs, "put_back", kill)
            with suppress(Killed):
                worker.CALLING[HARVEST](site, held, kill)
        assert isinstance(site.clock, HandClock)
        site.clock.move(60)
    assert runs >= 5
    with site.db.write() as conn:
        jobs.put_back(conn, held) if held else None
    work(site)
    assert numbers(offered(site).values()) == list(range(1, 10))
    assert last(site).harvest.records == 9
    assert len(there.asked("ListRecords")) == 3


def test_75_of_two_harvests_of_a_source_the_second_is_refused(
    site: Site, provider: tuple[Provider, str]
) -> None:
    """Row 73: the lease, the index, and the page that comes too late."""
    _, url = provider
    add(site, url)
    first = ordering_harvests.begin(site.db, "nagasaki", now=site.now())
    again = ordering_harvests.begin(site.db, "nagasaki", now=site.now())
    assert again.harvest == first.harvest
    with pytest.raises(Conflict, match="already"):
        ordering_harvests.begin(site.db, "nagasaki", full=True, now=site.now())
    assert first.job is not None
    held = worker.lease(site, first.job.id)
    assert held is not None
    assert worker.lease(site, first.job.id) is None
    assert isinstance(site.clock, HandClock)
    site.clock.move(60)
    other = worker.lease(site, first.job.id)  # the first one is silent for too long
    assert other is not None
    with pytest.raises(LeaseLost):
        worker.CALLING[HARVEST](site, held, lambda *_: None)
    worker.work(site, other, lambda *_: None)
    work(site)
    assert len(offered(site)) == 9


def test_a_large_page_is_kept_in_pieces(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Provider(books(40, page_size=40))
    monkeypatch.setattr("service.store.originals.PIECE", 1000)
    monkeypatch.setattr(harvesting, "_LINES_AT_ONCE", 7)
    with serving(there) as url:
        add(site, url)
        harvest(site)
    assert numbers(offered(site).values()) == list(range(1, 41))


# --- what fails ---------------------------------------------------------------------------------


def test_row_68_a_failure_keeps_its_point_is_tried_again_later_and_goes_on_there(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    there.script = lambda asked: Sent(b"Oops", 500) if asked.token else None
    add(site, url)
    done, _ = harvest(site)
    assert (done.state, done.pages, done.tries) == (HarvestState.RUNNING, 1, 1)
    assert "500" in done.error
    there.script = lambda _: None
    work(site)
    assert last(site).harvest.pages == 1  # not yet
    asked = len(there.log)
    assert isinstance(site.clock, HandClock)
    site.clock.move(61)
    work(site)
    done, _ = last(site)
    assert (done.state, done.error, done.tries) == (HarvestState.DONE, "", 0)
    assert len(there.log) == asked + 2
    assert numbers(offered(site).values()) == list(range(1, 10))


def test_row_68_the_pauses_grow_and_end_and_then_a_person_goes_on(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    there.script = lambda asked: Sent(b"", 503) if asked.token else None
    add(site, url, every=3600)
    assert isinstance(site.clock, HandClock)
    tries = 0
    while (done := harvest(site)[0] if not tries else last(site).harvest).state is (
        HarvestState.RUNNING
    ):
        tries += 1
        assert done.tries == tries
        site.clock.move(86_400)
        work(site)
    assert (tries, done.state) == (MOST_TRIES, HarvestState.FAILED)
    asked = len(there.log)
    site.clock.move(864_000)
    work(site)
    assert len(there.log) == asked
    there.script = lambda _: None
    done, _ = harvest(site)
    assert (done.state, done.pages) == (HarvestState.DONE, 3)
    assert reading_sources.find_source(site.db, "nagasaki").source.due_at is not None


def test_61_a_provider_that_asks_for_a_pause_gets_it(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    there.script = once(4, lambda _: Sent(b"", 503, (("Retry-After", "7200"),)))
    add(site, url)
    harvest(site)
    assert isinstance(site.clock, HandClock)
    site.clock.move(7000)
    work(site)
    assert last(site).harvest.state is HarvestState.RUNNING
    site.clock.move(300)
    work(site)
    assert last(site).harvest.state is HarvestState.DONE


def test_66_a_provider_that_goes_in_a_circle_is_told_to_a_person_at_once(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    first: list[bytes] = []

    def script(asked: Asked) -> bytes | None:
        if asked.verb == "ListRecords" and not first:
            first.append(asked.honest)
        return first[0] if asked.token else None

    there.script = script
    add(site, url)
    done, _ = harvest(site)
    assert done.state is HarvestState.FAILED
    assert "came again" in done.error
    assert done.records >= 3


def test_row_52_a_private_address_is_refused_when_saved_and_when_called(
    site: Site, provider: tuple[Provider, str], db: Database, tmp_path: Path
) -> None:
    _, url = provider
    add(site, url)
    strict = make_site(db, tmp_path)
    with pytest.raises(Invalid, match="no public address"):
        add(strict, url, name="other")
    done, _ = harvest(strict)
    assert done.state is HarvestState.FAILED
    assert "no public address" in done.error


def test_row_74_hostile_metadata_goes_the_way_of_every_upload(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    evil = b"&lt;script&gt;alert(1)&lt;/script&gt;"

    def script(asked: Asked) -> bytes | None:
        if asked.verb != "ListRecords" or asked.token:
            return None
        return asked.honest.replace(b"Title 1 at", b"Title 1 " + evil).replace(
            b"Title 2 at", b"Title 2 \x01"
        )

    there.script = script
    add(site, url)
    done, batch = harvest(site)
    assert done.state is HarvestState.DONE
    assert done.remarks.numbers["repaired"] == 1
    assert len(offered(site)) == 9
    assert cataloguing.report(site.db, batch).counts.read == 9


def test_two_records_under_one_identifier_and_one_that_is_none_are_told(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    page = one_record("7", "A book")
    begin, end = page.index(b"<metadata>") + 10, page.index(b"</metadata>")
    two = b'<c xmlns="">%b%b</c>' % (page[begin:end], page[begin:end].replace(b"A book", b"Two"))
    there.script = partial(list_of, page[:begin] + two + page[end:])
    add(site, url)
    _, batch = harvest(site)
    counts = cataloguing.report(site.db, batch).counts
    assert (counts.read, counts.new, counts.ambiguous) == (2, 1, 1)


def test_a_record_that_comes_twice_in_a_harvest_counts_in_its_last_form(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider

    def script(asked: Asked) -> None:
        if asked.number == 4:  # Identify and ListMetadataFormats come first
            there.memory.publish(1)

    there.script = script
    add(site, url)
    done, _ = harvest(site)
    assert done.records == 10
    titles = offered(site).values()
    assert numbers(titles) == list(range(1, 10))
    assert f"Title 1 at {there.memory.clock}" in titles


# --- on schedule --------------------------------------------------------------------------------


def test_a_source_is_harvested_when_it_is_due_and_not_while_it_is_paused(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url, every=3600)
    work(site)
    assert len(offered(site)) == 9
    assert isinstance(site.clock, HandClock)
    there.memory.publish(10)
    site.clock.move(3500)
    work(site)
    assert len(offered(site)) == 9
    site.clock.move(200)
    work(site)
    assert len(offered(site)) == 10
    subscribing.pause(site.db, "nagasaki", site.now())
    asked = len(there.log)
    site.clock.move(36_000)
    work(site)
    assert len(there.log) == asked
    subscribing.resume(site.db, "nagasaki", site.now())
    work(site)
    assert len(there.log) > asked


def test_a_removed_source_offers_nothing_and_its_name_is_not_used_again(
    site: Site, provider: tuple[Provider, str]
) -> None:
    _, url = provider
    add(site, url, credentials=("me", "söcret"))
    harvest(site)
    subscribing.remove(site.db, "nagasaki", site.now())
    assert offered(site) == {}
    with pytest.raises(NotFound):
        ordering_harvests.begin(site.db, "nagasaki", now=site.now())
    with pytest.raises(Conflict, match="was"):
        add(site, url)


def test_the_bytes_of_a_harvest_that_waits_for_days_are_not_tidied_away(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    there.script = lambda asked: Sent(b"", 503) if asked.token else None
    add(site, url)
    harvest(site)
    with site.db.write() as conn:
        assert originals.discard_abandoned(conn, site.now() + timedelta(days=9)) == 0
    there.script = lambda _: None
    assert harvest(site).harvest.records == 9


def test_the_headers_of_earlier_harvests_are_forgotten_once_their_records_are_committed(
    site: Site, provider: tuple[Provider, str]
) -> None:

    add(site, provider[1])
    for _ in range(3):
        harvest(site, full=True)
    assert count(site, harvest_line) == 9
    assert count(site, harvested) == 9
    assert count(site, import_batch) == 3


# --- credentials --------------------------------------------------------------------------------


def test_credentials_are_sealed_sent_and_in_nothing_that_is_shown(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url, credentials=("seaside", "söcret"))
    harvest(site)
    assert all(each.headers["authorization"].startswith("Basic ") for each in there.log)
    standing = reading_sources.find_source(site.db, "nagasaki")
    assert "söcret" not in repr(standing)
    assert standing.source.credentials is not None
    assert b"s\xc3\xb6cret" not in standing.source.credentials


def test_credentials_sealed_under_a_key_that_is_gone_are_told_to_a_person(
    site: Site, provider: tuple[Provider, str], db: Database, tmp_path: Path
) -> None:
    add(site, provider[1], credentials=("seaside", "secret"))
    other = Site(db, make_site(db, tmp_path, reachable_networks=LOOPBACK).settings, site.clock)
    object.__setattr__(other.settings, "secret_key", "another key")
    done, _ = harvest(other)
    assert done.state is HarvestState.FAILED
    assert "another secret key" in done.error


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "No Name"}, "name"),
        ({"partner_code": "nobody"}, "partner"),
        ({"every": 5}, "every"),
        ({"credentials": ("a:b", "c")}, "user"),
        ({"url": "http://me:hidden@127.0.0.1/"}, "url"),
        ({"url": "http://127.0.0.1:6379/"}, "url"),
    ],
)
def test_a_source_that_cannot_be_is_refused(site: Site, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        add(site, **{"url": "http://127.0.0.1/oai", **given})
    assert refused.value.field == field
    assert "hidden" not in refused.value.detail
