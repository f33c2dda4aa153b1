"""What a partner's records become: new ones, changed ones, deleted ones, and whose they are.

Real HTTP from providers that behave, and do not. The numbers in names are those of
``../shared/oai.md``, section 5, and of the rows of ``../shared/reliability.md`` where that is said.
"""

from __future__ import annotations

from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from oai import containers
from oai.containers import Origin, provenance
from oai.origins import read_origin
from service.domain.harvest import HarvestState
from service.domain.import_batch import BatchState
from service.domain.source import SourceKind
from service.store import feed, harvests
from service.store.tables import (
    feed_dirty,
    feed_item,
    harvest_line,
    offer,
    original,
    record,
    record_version,
    rendition,
)
from service.usecases import cataloguing, offering, publishing, reading_sources
from service.usecases.site import Site
from tests.oai.hostile import Site as Provider
from tests.oai.memory import identifier_of
from tests.service.builders import a_file, a_record, open_list, receive, work
from tests.service.nagasaki import (
    add,
    count,
    deleting,
    harvest,
    list_of,
    numbers,
    offered,
    one_record,
    rows,
)


@pytest.fixture
def site(harvesting_site: Site) -> Site:
    return harvesting_site


# --- what comes ---------------------------------------------------------------------------------


def test_what_a_partner_offers_comes_onto_a_list_of_its_own(
    site: Site, provider: tuple[Provider, str]
) -> None:
    _, url = provider
    add(site, url)
    done, batch = harvest(site)
    assert (done.state, done.pages, done.records, done.deleted) == (HarvestState.DONE, 3, 9, 0)
    assert numbers(offered(site).values()) == list(range(1, 10))
    report = cataloguing.report(site.db, batch)
    assert (report.batch.state, report.counts.new, report.list_slug) == (
        BatchState.COMMITTED,
        9,
        "from-nagasaki",
    )
    source = reading_sources.find_source(site.db, "nagasaki").source
    assert source.next_from is not None


def test_without_auto_commit_the_records_wait_for_a_persons_yes(
    site: Site, provider: tuple[Provider, str]
) -> None:
    add(site, provider[1], auto_commit=False)
    _, batch = harvest(site)
    assert cataloguing.report(site.db, batch).batch.state is BatchState.STAGED
    assert offered(site) == {}
    cataloguing.order_commit(site.db, batch, site.now())
    work(site)
    assert numbers(offered(site).values()) == list(range(1, 10))


def test_incoming_offers_are_in_no_feed_and_seen_by_no_partner(
    site: Site, provider: tuple[Provider, str]
) -> None:
    add(site, provider[1])
    harvest(site)
    assert not publishing.publish_if_dirty(site.db, site.clock)
    assert (count(site, feed_item), count(site, feed_dirty)) == (0, 0)
    for audiences in (frozenset({feed.PUBLIC}),):
        assert offering.browse(site.db, audiences) == []
        assert offering.list_lists(site.db, audiences) == []
    (found,) = offering.list_lists(site.db, None)
    assert (found.offer_list.title, found.titles) == ("What Library of nagasaki offers", 9)


def test_records_that_were_given_to_us_come_without_being_offered(
    site: Site, provider: tuple[Provider, str]
) -> None:
    add(site, provider[1], kind=SourceKind.GIVEN)
    harvest(site)
    assert count(site, offer) == 0
    assert count(site, record) == 9


def test_what_we_were_given_is_no_offer_although_it_is_listed_beside_the_offers(
    site: Site, provider: tuple[Provider, str]
) -> None:
    partner, url = provider
    for number in (2, 5):
        partner.memory.items[identifier_of(number)].sets = ("given:us",)
    add(site, url)
    done, _ = harvest(site)
    assert numbers(offered(site).values()) == [1, 3, 4, 6, 7, 8, 9]
    assert count(site, record) == 7
    assert done.remarks.numbers["given"] == 2  # pages


def test_a_harvest_of_what_is_no_marc_says_so_and_waits_for_a_person(
    site: Site, provider: tuple[Provider, str]
) -> None:
    add(site, provider[1], prefix="oai_dc")
    done, _ = harvest(site)
    assert done.state is HarvestState.FAILED
    assert "oai_dc is no MARC" in done.error


def test_wishes_are_left_to_their_own_ending(site: Site, provider: tuple[Provider, str]) -> None:
    add(site, provider[1], kind=SourceKind.WISHES)
    assert reading_sources.find_source(site.db, "nagasaki").source.list_slug is None


# --- identity -----------------------------------------------------------------------------------


def test_70_a_record_that_comes_again_is_the_same_record_and_one_that_is_the_same_changes_nothing(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url)
    harvest(site)
    before = offered(site)
    versions = count(site, record_version)
    harvest(site, full=True)
    assert offered(site) == before
    assert count(site, record_version) == versions
    there.memory.publish(4)
    done, batch = harvest(site)
    assert not done.order.full
    counts = cataloguing.report(site.db, batch).counts
    assert (counts.read, counts.update) == (1, 1)
    after = offered(site)
    assert after.keys() == before.keys()
    changed = {public_id for public_id in after if after[public_id] != before[public_id]}
    assert [before[public_id].split()[1] for public_id in changed] == ["4"]


def test_row_72_the_same_identifier_of_another_provider_is_another_record(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url)
    add(site, url, name="other")
    harvest(site)
    harvest(site, "other")
    assert count(site, record) == 18
    ours = offered(site)
    there.memory.publish(1, deleted=True)
    harvest(site, "other")
    assert offered(site) == ours
    assert numbers(offered(site, "from-other").values()) == list(range(2, 10))


def test_row_72_an_identifier_in_other_letters_is_another_one(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url)
    harvest(site)
    there.script = lambda asked: asked.honest.replace(b"oai:books", b"oai:BOOKS")
    done, _ = harvest(site, full=True)
    # All that was there is gone under its name: that is no small thing.
    assert done.state is HarvestState.STOPPED
    done, _ = harvest(site, accept_vanished=True)
    assert done.state is HarvestState.DONE
    assert (count(site, record), len(offered(site))) == (18, 9)
    assert len(offered(site, state="WITHDRAWN")) == 9


def test_a_partner_never_overlays_a_record_of_ours_whatever_control_number_it_bears(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    open_list(site)
    receive(site, a_file(a_record("Ours", number="7")))
    work(site)
    add(site, url)
    there.script = partial(list_of, one_record("7", "Theirs"))
    harvest(site)
    assert set(offered(site, "spring").values()) == {"Ours"}
    assert set(offered(site).values()) == {"Theirs"}
    there.script = partial(list_of, one_record("8", "Theirs, with another number"))
    harvest(site)
    assert set(offered(site).values()) == {"Theirs, with another number"}
    assert count(site, record) == 2


def test_what_we_offer_again_tells_where_it_came_from_and_a_partner_does_not_change_it(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url)
    there.script = partial(list_of, one_record("7", "A book"))
    harvest(site)
    (incoming,) = offered(site)
    open_list(site)
    receive(site, a_file(a_record("A book", number="7")))
    work(site)
    assert count(site, record) == 1
    (bodies,) = {
        tuple(row)
        for row in rows(
            site,
            sa.select(rendition.c.body)
            .join(feed_item, feed_item.c.version_id == rendition.c.version_id)
            .where(rendition.c.prefix == feed.PROVENANCE),
        )
    }
    origin = read_origin(bytes(bodies[0]))
    assert origin is not None
    assert (origin.base_url, origin.identifier, origin.altered) == (url, "oai:b:1", False)
    there.script = partial(list_of, one_record("7", "Another book"))
    harvest(site)
    assert set(offered(site, "spring").values()) == {"A book"}
    assert offered(site) == {incoming: "Another book"}


def test_51_a_chain_of_origins_is_kept_with_each_version(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    first = Origin(
        "https://first.example.org/oai",
        "oai:first:1",
        "2020-01-01",
        "http://www.loc.gov/MARC21/slim",
        "2020-02-02T00:00:00Z",
        altered=True,
    )
    there.memory.publish(1, about=containers.about(b"<rights/>", provenance(first)))
    add(site, url)
    harvest(site)
    kept = [
        read_origin(bytes(body))
        for (body,) in rows(
            site, sa.select(rendition.c.body).where(rendition.c.prefix == feed.PROVENANCE)
        )
    ]
    assert len(kept) == 9
    (chained,) = [each for each in kept if each is not None and each.origin is not None]
    assert chained.origin == first
    assert (chained.base_url, chained.identifier) == (url, identifier_of(1))
    assert chained.harvested == f"{site.now():%Y-%m-%dT%H:%M:%SZ}"


# --- deletions ----------------------------------------------------------------------------------


def test_72_a_tombstone_takes_the_offer_back_and_a_return_makes_a_new_one(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url)
    harvest(site)
    there.memory.publish(5, deleted=True)
    done, batch = harvest(site)
    assert (done.deleted, batch) == (1, "")
    assert numbers(offered(site).values()) == [1, 2, 3, 4, 6, 7, 8, 9]
    there.memory.publish(5)
    harvest(site)
    assert numbers(offered(site).values()) == list(range(1, 10))


def test_72_a_partner_may_take_all_back_by_tombstones(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url)
    harvest(site)
    for number in range(1, 10):
        there.memory.publish(number, deleted=True)
    assert harvest(site)[0].state is HarvestState.DONE
    assert offered(site) == {}


@pytest.mark.parametrize("word", ["no", "transient"])
def test_72_where_deletions_are_not_kept_full_lists_are_compared(
    site: Site, provider: tuple[Provider, str], word: str
) -> None:
    there, url = provider
    deleting(word, there)
    add(site, url)
    harvest(site)
    del there.memory.items[identifier_of(3)]
    done, _ = harvest(site)
    assert done.order.full
    assert numbers(offered(site).values()) == [1, 2, 4, 5, 6, 7, 8, 9]


def test_72_more_than_a_fifth_vanishing_stops_and_asks_and_a_yes_goes_on(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    deleting("no", there)
    add(site, url)
    harvest(site)
    for number in (1, 2):
        del there.memory.items[identifier_of(number)]
    done, batch = harvest(site)
    assert (done.state, batch) == (HarvestState.STOPPED, "")
    assert "2 of 9 records" in done.error
    assert "bookbridge harvest nagasaki --full --accept-vanished" in done.error
    assert numbers(offered(site).values()) == list(range(1, 10))
    asked = len(there.log)
    done, _ = harvest(site, full=True, accept_vanished=True)
    assert done.state is HarvestState.DONE
    assert len(there.log) == asked  # what was fetched is there
    assert numbers(offered(site).values()) == list(range(3, 10))


def test_72_an_accident_that_is_mended_is_forgotten_by_the_next_harvest(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    deleting("no", there)
    add(site, url)
    harvest(site)
    items = dict(there.memory.items)
    there.memory.items.clear()
    assert harvest(site)[0].state is HarvestState.STOPPED
    there.memory.items.update(items)
    assert harvest(site)[0].state is HarvestState.DONE
    assert numbers(offered(site).values()) == list(range(1, 10))
    states = [past.harvest.state for past in reading_sources.list_harvests(site.db, "nagasaki")]
    assert states == [HarvestState.DONE, HarvestState.ABANDONED, HarvestState.DONE]
    assert rows(site, sa.select(original.c.id).where(original.c.sha256.is_(None))) == []


def test_row_63_no_deletion_follows_from_an_answer_that_is_no_oai(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url)
    harvest(site)
    there.script = lambda _: b"<html>Please log in</html>"
    done, _ = harvest(site, full=True)
    assert done.state is HarvestState.RUNNING
    assert "Please log in" in done.error
    assert len(offered(site)) == 9


def test_a_deletion_is_not_undone_by_an_earlier_batch_that_is_committed_late(
    site: Site, provider: tuple[Provider, str]
) -> None:
    there, url = provider
    add(site, url, auto_commit=False)
    _, first = harvest(site)
    there.memory.publish(1, deleted=True)
    there.memory.publish(2)
    _, second = harvest(site)
    for batch in (second, first):
        cataloguing.order_commit(site.db, batch, site.now())
        work(site)
    assert numbers(offered(site).values()) == list(range(2, 10))
    (newest,) = [title for title in offered(site).values() if title.startswith("Title 2 ")]
    assert newest.endswith(str(there.memory.clock))
    why = [line.problems[-1]["message"] for line in cataloguing.report_lines(site.db, first, 0, 2)]
    assert "deleted it since" in why[0]
    assert "a later harvest" in why[1]


def test_a_step_looks_its_headers_up_without_walking_through_its_harvest(
    site: Site, provider: tuple[Provider, str]
) -> None:
    """It would be quadratic: each header held against all that came later."""
    if not site.db.is_sqlite:
        pytest.skip("PostgreSQL plans by its statistics")
    query = sa.select(harvest_line.c.position).where(
        harvest_line.c.harvest_id == 1, ~harvests.comes_again(1)
    )
    sql = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with site.db.read() as conn:
        plan = [row.detail for row in conn.execute(sa.text(f"EXPLAIN QUERY PLAN {sql}"))]
    assert "INDEX ix_harvest_line_harvest_id_identifier" in plan[-1]
