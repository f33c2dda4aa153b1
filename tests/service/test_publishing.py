"""No harvester ever misses a change: stamps, the public clock, and what a list shows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from oai.repository import Key, Selection
from service import worker
from service.domain import publication
from service.domain.offer import ListAction
from service.errors import Busy
from service.store import feed, offer_lists, offers, shown_offers
from service.store.db import WAIT_MS, Connection, Database
from service.usecases import offering, publishing
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from tests.service.builders import HandClock, a_file, a_record, bring, open_list, receive, work

ALL = Selection("oai_dc")


def repository(site: Site) -> FeedRepository:
    return FeedRepository(site.db, site.settings, site.clock)


def harvest(site: Site, selection: Selection = ALL) -> tuple[dict[str, bool], int]:
    """Return {identifier: deleted} of a whole list, and the responseDate of its first page."""
    found: dict[str, bool] = {}
    after: Key | None = None
    first = 0
    while True:
        page = repository(site).page(selection, after, with_metadata=True)
        first = first or page.as_of
        found |= {row.identifier: row.deleted for row in page.rows}
        if not page.more:
            return found, first
        after = page.rows[-1].key


def hand(site: Site) -> HandClock:
    assert isinstance(site.clock, HandClock)
    return site.clock


def test_a_stamp_lies_ahead_of_the_clock_and_above_all_before_it(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    first = publishing.publish(site.db, site.clock).stamp
    assert first > site.clock()
    hand(site).move(-3600)
    assert publishing.publish(site.db, site.clock).stamp == first + 1


def test_nothing_is_written_while_nothing_changes(site: Site) -> None:
    with site.db.read() as conn:
        before = feed.clock(conn)
    assert publishing.publish_if_dirty(site.db, site.clock) == 0
    with site.db.read() as conn:
        assert feed.clock(conn) == before


def test_a_publication_that_outlasts_its_stamp_is_made_again(site: Site) -> None:
    open_list(site)
    with site.db.read() as conn:
        start = feed.clock(conn).p
    readings = iter([0.0, 10.0, 10.0, 10.5, 10.5])  # the first stamp is overtaken, the second not

    def clock() -> float:
        return start + 100 + next(readings)

    done = publishing.publish(site.db, clock)
    assert done.stamp == start + 113


def test_a_machine_too_slow_to_stamp_says_so_and_publishes_nothing(site: Site) -> None:
    with site.db.read() as conn:
        before = feed.clock(conn)
    moments = iter(range(before.p + 100, before.p + 10_000, 50))
    with pytest.raises(Busy):
        publishing.publish(site.db, lambda: float(next(moments)))
    with site.db.read() as conn:
        assert feed.clock(conn) == before


def test_what_a_stalled_commit_published_late_is_stamped_again(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    with site.db.write() as conn:
        offers.mark_list(conn, offer_lists.by_slug(conn, "spring").id)  # type: ignore[union-attr]
    start = site.clock() + 60
    readings = iter([start, start, start + 30])  # drawn, checked in time; the commit took 30 s
    done = publishing.publish(site.db, lambda: next(readings))
    assert done.more
    again = publishing.publish(site.db, lambda: start + 30)
    assert (again.items, again.stamp) == (1, int(start + 33))


def test_a_deletion_from_a_set_that_was_published_late_is_stamped_again(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1", place="ko "))
    receive(site, a_file(a_record("One, corrected", number="1", place="ja ")))
    while (held := worker.lease(site)) is not None:  # all of the import but its publication
        worker.work(site, held, lambda *_: None)
    start = site.clock() + 60
    readings = iter([start, start, start + 30])
    assert publishing.publish(site.db, lambda: next(readings)).more
    stamp = publishing.publish(site.db, lambda: start + 30).stamp
    seen, _ = harvest(site, Selection("oai_dc", set="place:KR", from_=stamp))
    assert list(seen.values()) == [True]


def test_a_writer_that_commits_late_is_in_the_next_harvest(site: Site) -> None:
    """The commit lag that loses records elsewhere: written at 10:00:00, committed at 10:00:20."""
    assert _lost_to_commit_lag(site, _publisher) == set()


def test_the_same_test_fails_against_a_naive_stamper(site: Site) -> None:
    assert _lost_to_commit_lag(site, _naive_stamper) != set()


def _lost_to_commit_lag(site: Site, finish: Callable[[Site, str], None]) -> set[str]:
    open_list(site)
    bring(site, a_record("Known", number="1"), a_record("Late", number="2"))
    hand(site).move(60)
    publishing.refresh(site.db, site.clock)
    late = next(o for o in offering.browse(site.db, {feed.PUBLIC}) if o.title == "Late").public_id
    begun = int(site.clock())
    offering.withdraw_offer(site.db, late, now=site.now())
    with site.db.write() as conn:
        held = feed.take_dirty(conn, feed.OFFER, 10)  # the change is not to be seen yet
    hand(site).move(20)
    _, response_date = harvest(site)
    with site.db.write() as conn:
        feed.mark(conn, feed.OFFER, held)
    finish(site, str(begun))
    hand(site).move(20)
    seen, _ = harvest(site, Selection("oai_dc", from_=response_date))
    wanted = {f"oai:{site.settings.repository_identifier}:offer/{late}"}
    return wanted - {identifier for identifier, deleted in seen.items() if deleted}


def _publisher(site: Site, _: str) -> None:
    publishing.publish_all(site.db, site.clock, sleep=lambda _: None)


def _naive_stamper(site: Site, begun: str) -> None:
    """Stamp with the moment at which the writer began, as ``DEFAULT now()`` does."""
    with site.db.write() as conn:
        changed = feed.take_dirty(conn, feed.OFFER, 10)
        feed.publish(conn, feed.OFFER, offers.published(conn, changed), int(begun))


@contextmanager
def _publisher_held_before_commit(site: Site) -> Iterator[None]:
    """Let a publisher in another thread do all its work and stop just before its commit."""
    reached, go_on = threading.Event(), threading.Event()
    calls = []

    def clock() -> float:
        calls.append(None)
        if len(calls) == 2:  # the look at the clock that comes last in the transaction
            reached.set()
            assert go_on.wait(20)
        return site.clock()

    thread = threading.Thread(target=publishing.publish, args=(site.db, clock))
    thread.start()
    try:
        assert reached.wait(20)
        yield
    finally:
        go_on.set()
        thread.join(20)


def test_a_reader_does_not_wait_for_a_publisher_and_sees_all_or_nothing_of_it(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    before, response_date = harvest(site)
    for offer in offering.browse(site.db, {feed.PUBLIC}):
        offering.withdraw_offer(site.db, offer.public_id, now=site.now())
    with _publisher_held_before_commit(site):
        during, _ = harvest(site)
        assert during == before
    after, _ = harvest(site, Selection("oai_dc", from_=response_date))
    assert list(after.values()) == [True]


def test_two_publishers_never_give_two_batches_one_stamp(site: Site) -> None:
    stamps: list[int] = []

    def run() -> None:
        for _ in range(10):
            stamps.append(publishing.publish(site.db, site.clock).stamp)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(stamps) == len(set(stamps)) == 40


def test_a_first_page_that_is_stale_publishes_and_never_waits_for_a_busy_writer(
    site: Site,
) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    hand(site).move(60)
    with site.db.write() as conn:
        feed.lock_clock(conn)
        before = feed.clock(conn).p
        page = repository(site).page(ALL, None, with_metadata=False)
        assert page.as_of == before
    assert repository(site).page(ALL, None, with_metadata=False).as_of > before


class Watched(Database):
    """A database that remembers how long each write transaction was ready to wait for locks."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.waits: list[int] = []

    def write(self, wait_ms: int = WAIT_MS) -> Any:
        """Open a write transaction."""
        self.waits.append(wait_ms)
        return super().write(wait_ms)


def test_publishing_keeps_a_first_page_for_forty_milliseconds_at_most(
    site: Site, database_url: str
) -> None:
    """Waiting for another publisher and publishing together; the last go comes on top of them."""
    open_list(site)
    bring(site, a_record("One", number="1"))
    hand(site).move(60)
    watched = Watched(database_url)
    reader = FeedRepository(watched, site.settings, site.clock)
    with site.db.write() as conn:
        before = feed.lock_clock(conn)
        assert len(reader.page(ALL, None, with_metadata=True).rows) == 1
    assert reader.page(ALL, None, with_metadata=True).as_of > before
    pace = publishing.ON_PAGE
    assert watched.waits == [pace.wait_ms] * 2
    assert pace.wait_ms + 1000 * pace.budget <= 40
    assert pace.attempts == 1
    watched.close()


def test_a_first_page_publishes_no_more_than_its_budget(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(60)))
    with site.db.write() as conn:
        offers.mark_list(conn, offer_lists.by_slug(conn, "spring").id)  # type: ignore[union-attr]
    hand(site).move(60)
    spent = publishing.ON_PAGE._replace(budget=0.0)
    monkeypatch.setattr(publishing, "ON_PAGE", spent)
    publishing.refresh(site.db, site.clock)
    again = publishing.publish(site.db, site.clock)
    assert (again.items, again.more) == (60 - spent.go, False)


def test_more_than_one_transaction_publishes_a_large_list_without_running_far_ahead(
    site: Site,
) -> None:
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(700)))
    with site.db.write() as conn:
        offers.mark_list(conn, offer_lists.by_slug(conn, "spring").id)  # type: ignore[union-attr]
    stamps = []
    at_once = publishing.BY_WORKER._replace(budget=0.0)
    while (done := publishing.publish(site.db, site.clock, at_once)).more:
        stamps.append(done.stamp)
    assert len(stamps) >= 2
    assert stamps == sorted(set(stamps))
    found, _ = harvest(site)
    assert len(found) == 700


def test_publishing_all_waits_for_the_clock_when_its_stamps_run_ahead(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(600)))
    with site.db.write() as conn:
        offers.mark_list(conn, offer_lists.by_slug(conn, "spring").id)  # type: ignore[union-attr]
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        hand(site).move(seconds)

    published, little = publishing.publish, publishing.BY_WORKER._replace(budget=0.0, go=10)
    monkeypatch.setattr(publishing, "publish", lambda db, clock: published(db, clock, little))
    assert publishing.publish_all(site.db, site.clock, sleep) == 600
    assert waited
    with site.db.read() as conn:
        assert feed.clock(conn).p - site.clock() <= publication.RUNAHEAD + 5


def test_an_item_that_changes_during_a_harvest_comes_again_at_its_end(site: Site) -> None:
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(250)))
    first = repository(site).page(ALL, None, with_metadata=True)
    assert first.more
    early = first.rows[0].identifier.rpartition("/")[2]
    offering.withdraw_offer(site.db, early, now=site.now())
    publishing.publish_all(site.db, site.clock, sleep=lambda _: None)
    after: Key | None = first.rows[-1].key
    rest = []
    while after is not None:
        page = repository(site).page(ALL, after, with_metadata=True)
        rest += page.rows
        after = page.rows[-1].key if page.more else None
    assert [row.identifier.rpartition("/")[2] for row in rest if row.deleted] == [early]
    assert len(rest) == 151


@pytest.mark.parametrize(
    ("actions", "listed", "deleted"),
    [
        ([], 0, 0),
        ([ListAction.OPEN], 1, 0),
        ([ListAction.OPEN, ListAction.CLOSE], 1, 0),
        ([ListAction.OPEN, ListAction.CLOSE, ListAction.ARCHIVE], 0, 1),
        ([ListAction.OPEN, ListAction.WITHDRAW], 0, 1),
        ([ListAction.WITHDRAW], 0, 0),
    ],
)
def test_an_offer_is_in_the_feed_from_the_opening_until_the_list_is_archived_or_withdrawn(
    site: Site, actions: list[ListAction], listed: int, deleted: int
) -> None:
    offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    bring(site, a_record("One", number="1"))
    for action in actions:
        offering.change_list(site.db, "spring", action, site.now())
        work(site)
    found, _ = harvest(site)
    assert sorted(found.values()) == [False] * listed + [True] * deleted


def test_a_tombstone_stays_for_ever_and_offering_again_makes_a_new_item(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    (offer,) = offering.browse(site.db, {feed.PUBLIC})
    offering.withdraw_offer(site.db, offer.public_id, now=site.now())
    work(site)
    open_list(site, "autumn")
    bring(site, a_record("One", number="1"), slug="autumn")
    found, _ = harvest(site)
    assert sorted(found.values()) == [False, True]
    tombstone = next(identifier for identifier, gone in found.items() if gone)
    row = repository(site).record(tombstone, "marc21")
    assert row is not None
    assert row.deleted
    assert repository(site).item_formats(tombstone) == ["oai_dc", "marc21", "marcxml", "mods"]


def test_a_record_that_leaves_a_set_is_a_deletion_there_and_stays_elsewhere(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1", place="ko "))
    bring(site, a_record("One, corrected", number="1", place="ja "))
    assert list(harvest(site, Selection("oai_dc", set="place:KR"))[0].values()) == [True]
    assert list(harvest(site, Selection("oai_dc", set="place:JP"))[0].values()) == [False]
    assert list(harvest(site)[0].values()) == [False]


@pytest.mark.parametrize("name", ["list", "place", "lang"])
def test_a_set_holds_all_that_its_subsets_hold(site: Site, name: str) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"), a_record("Two", number="2", language="   "))
    assert len(harvest(site, Selection("oai_dc", set=name))[0]) == 2


def test_a_page_ends_early_when_its_records_are_large(site: Site) -> None:
    open_list(site)
    bring(site, *(a_record("x" * 1000, number=str(n)) for n in range(9)))
    lean = Site(site.db, _with(site, page_bytes=4000), site.clock)
    sizes, after = [], None
    while True:
        page = repository(lean).page(Selection("marc21"), after, with_metadata=True)
        sizes.append(len(page.rows))
        if not page.more:
            break
        after = page.rows[-1].key
    assert sum(sizes) == 9
    assert max(sizes) <= 3


def test_tombstones_come_in_long_pages(site: Site) -> None:
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(300)))
    offering.change_list(site.db, "spring", ListAction.WITHDRAW, site.now())
    work(site)
    page = repository(site).page(ALL, None, with_metadata=True)
    assert (len(page.rows), page.more) == (300, False)


def test_a_restricted_list_is_in_no_verb_set_count_or_error(site: Site) -> None:
    from service.usecases import membership

    membership.add_partner(site.db, code="nagasaki", name="N", now=site.now())
    open_list(site, "secret", partner_codes=["nagasaki"])
    open_list(site, "public")
    bring(site, a_record("Hidden", number="1", place="mn "), slug="secret")
    bring(site, a_record("Shown", number="2"), slug="public")
    with site.db.read() as conn:
        hidden = _public_id(conn, "Hidden")
    here = repository(site)
    assert len(harvest(site)[0]) == 1
    assert "list:secret" not in [row.spec for row in here.sets(None).rows]
    assert harvest(site, Selection("oai_dc", set="list:secret"))[0] == {}
    identifier = f"oai:{site.settings.repository_identifier}:offer/{hidden}"
    assert here.record(identifier, "oai_dc") is None
    assert here.item_formats(identifier) is None
    assert hidden not in here.identity().sample_identifier


def _public_id(conn: Connection, title: str) -> str:
    return next(o.public_id for o in shown_offers.browse(conn, {1, 2}) if o.title == title)


def _with(site: Site, **changes: object) -> object:
    from dataclasses import replace

    return replace(site.settings, **changes)  # type: ignore[arg-type]
