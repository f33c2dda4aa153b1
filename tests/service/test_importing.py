"""What a cataloguer hands in is kept, reported line by line, and offered once."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from marc_mappings import formats
from marc_mappings.record import Field, Subfield
from service import worker
from service.domain.import_batch import COMMIT, STAGE, Action, BatchState, Counts
from service.domain.offer import ListAction, ListState
from service.domain.wish import MATCH_OFFERS
from service.errors import Conflict, LeaseLost, NotFound, TooLarge, UnsupportedFormat
from service.store import feed, imports, jobs, originals, records
from service.store.db import Database
from service.store.tables import original, original_chunk
from service.usecases import cataloguing, committing, matching_offers, offering, staging
from service.usecases.site import Site
from tests.service.builders import (
    HandClock,
    a_file,
    a_record,
    bring,
    make_site,
    open_list,
    receive,
    work,
)


def titles(site: Site, query: str = "") -> list[str]:
    return [offer.title for offer in offering.browse(site.db, {feed.PUBLIC}, query=query)]


def originals_kept(db: Database) -> tuple[int, int]:
    with db.read() as conn:
        files = conn.execute(sa.select(sa.func.count()).select_from(original)).scalar_one()
        pieces = conn.execute(sa.select(sa.func.count()).select_from(original_chunk)).scalar_one()
    return files, pieces


def test_every_record_of_a_file_is_offered_and_has_its_line(site: Site) -> None:
    open_list(site)
    report = bring(site, a_record("One", number="1"), a_record("Two", number="2"))
    assert report.batch.state is BatchState.COMMITTED
    assert report.counts == Counts(read=2, ok=2, new=2)
    lines = cataloguing.report_lines(site.db, report.batch.public_id, 0, 10)
    assert [(line.position, line.control_number, line.title) for line in lines] == [
        (1, "1", "One"),
        (2, "2", "Two"),
    ]
    assert lines[1].offset == lines[0].length
    assert titles(site) == ["One", "Two"]


def test_a_damaged_record_costs_only_itself_and_is_reported_with_its_place(site: Site) -> None:
    open_list(site)
    good = a_file(a_record("Before", number="1"))
    damaged = b"00045nam a2200037 i 4500this has no directory\x1d"
    received = receive(site, good + damaged + a_file(a_record("After", number="2")))
    work(site)
    report = cataloguing.report(site.db, received.batch.public_id)
    lines = cataloguing.report_lines(site.db, received.batch.public_id, 0, 10)
    assert titles(site) == ["Before", "After"]
    assert (report.counts.read, report.counts.rejected, report.counts.new) == (3, 1, 2)
    rejected = next(line for line in lines if line.outcome == "rejected")
    assert (rejected.position, rejected.offset, rejected.action) == (2, len(good), Action.NONE)
    assert rejected.problems


def test_the_original_bytes_are_kept_and_each_record_points_at_its_own(site: Site) -> None:
    open_list(site)
    data = a_file(*(a_record(f"Book {n} " + "x" * 900, number=str(n)) for n in range(400)))
    received = receive(site, data)
    work(site)
    kept = _read_original(site, received.batch.original_id)
    assert kept == data
    for line in cataloguing.report_lines(site.db, received.batch.public_id, 0, 400):
        item = formats.read_one(kept[line.offset : line.offset + line.length])
        assert isinstance(item, formats.Parsed)
        assert item.record.control_number == line.control_number


def _read_original(site: Site, original_id: int) -> bytes:
    def fetch(offset: int) -> tuple[int, bytes]:
        with site.db.read() as conn:
            return originals.piece_at(conn, original_id, offset)

    return io.BufferedReader(originals.Reader(fetch)).read()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", ""),
        (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><collection/>", ""),
        (b"PK\x03\x04" + b"\0" * 30, ""),
        (b"Dear colleagues, please find attached", ""),
    ],
)
def test_a_file_that_is_no_marc_is_refused_by_name_and_nothing_of_it_is_kept(
    site: Site, data: bytes, found: str
) -> None:
    open_list(site)
    with pytest.raises(UnsupportedFormat) as refused:
        receive(site, data, name="letter.mrc")
    assert "letter.mrc" in refused.value.detail
    assert found in refused.value.detail
    assert originals_kept(site.db) == (0, 0)


def test_a_file_over_the_limit_is_refused_and_nothing_of_it_is_kept(site: Site) -> None:
    open_list(site)
    data = a_file(*(a_record("x" * 5000, number=str(n)) for n in range(1200)))
    with pytest.raises(TooLarge):
        cataloguing.receive(
            site.db,
            io.BytesIO(data),
            file_name="f",
            list_slug="spring",
            limit=len(data) - 1,
            now=site.now(),
        )
    assert originals_kept(site.db) == (0, 0)


def test_a_file_for_no_list_or_for_a_closed_one_is_refused_before_it_is_kept(site: Site) -> None:
    with pytest.raises(NotFound, match="create it first"):
        receive(site, a_file(a_record()))
    open_list(site)
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    with pytest.raises(Conflict, match="CLOSED"):
        receive(site, a_file(a_record()))
    assert originals_kept(site.db) == (0, 0)


def test_the_same_file_twice_is_one_batch(site: Site) -> None:
    open_list(site)
    data = a_file(a_record("One", number="1"))
    first = receive(site, data)
    again = receive(site, data)
    work(site)
    assert (again.already, again.batch.public_id) == (True, first.batch.public_id)
    assert titles(site) == ["One"]
    assert originals_kept(site.db)[0] == 1


def test_a_staged_file_is_seen_by_nobody_until_it_is_committed(site: Site) -> None:
    open_list(site)
    received = receive(site, a_file(a_record("Secret", number="1")), stage_only=True)
    work(site)
    assert cataloguing.report(site.db, received.batch.public_id).batch.state is BatchState.STAGED
    assert titles(site) == titles(site, "secret") == []
    cataloguing.order_commit(site.db, received.batch.public_id, site.now())
    work(site)
    assert titles(site, "secret") == ["Secret"]
    with pytest.raises(Conflict):
        cataloguing.order_commit(site.db, received.batch.public_id, site.now())


def test_the_same_record_in_another_file_is_a_duplicate_and_is_offered_once(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    report = bring(site, a_record("One", number="1"), a_record("Two", number="2"))
    assert (report.counts.duplicate, report.counts.new) == (1, 1)
    assert titles(site) == ["One", "Two"]


@pytest.mark.parametrize("apart", [1, 350])
def test_the_same_record_twice_in_one_file_is_a_duplicate(site: Site, apart: int) -> None:
    open_list(site)
    between = [a_record(f"Other {n}", number=f"o{n}") for n in range(apart)]
    same = a_record("Same", number="1")
    report = bring(site, same, *between, same)
    assert (report.counts.duplicate, report.counts.new) == (1, apart + 1)
    assert titles(site, "same") == ["Same"]


def test_a_newer_form_of_a_record_updates_it_wherever_it_is_on_offer(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Old titel", number="1"))
    report = bring(site, a_record("New title", number="1"))
    assert report.counts.update == 1
    assert titles(site) == ["New title"]
    assert titles(site, "titel") == []


def test_an_update_leaves_an_offer_of_a_closed_list_as_it_was(site: Site) -> None:
    open_list(site)
    bring(site, a_record("As offered", number="1"))
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    open_list(site, "autumn")
    bring(site, a_record("As corrected", number="1"), slug="autumn")
    assert sorted(titles(site)) == ["As corrected", "As offered"]


@pytest.mark.parametrize("apart", [0, 350])
def test_two_records_of_one_control_number_in_one_file_are_ambiguous_and_not_offered(
    site: Site, apart: int
) -> None:
    open_list(site)
    between = [a_record(f"Other {n}", number=f"o{n}") for n in range(apart)]
    report = bring(site, a_record("First", number="1"), *between, a_record("Second", number="1"))
    assert (report.counts.ambiguous, report.counts.new) == (1, apart + 1)
    assert titles(site, "second") == []
    lines = cataloguing.report_lines(site.db, report.batch.public_id, apart + 1, 1)
    assert lines[0].problems[-1]["code"] == "ambiguous"
    assert lines[0].version_id is not None


def test_a_control_number_without_its_agency_updates_nothing(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1", agency=""))
    report = bring(site, a_record("Another", number="1", agency=""))
    assert (report.counts.new, titles(site)) == (1, ["One", "Another"])


def test_what_another_import_brought_meanwhile_is_not_committed_over(site: Site) -> None:
    open_list(site)
    staged = receive(
        site,
        a_file(a_record("Same", number="1"), a_record("Ours", number="2")),
        stage_only=True,
    )
    work(site)
    bring(site, a_record("Same", number="1"), a_record("Theirs", number="2"))
    cataloguing.order_commit(site.db, staged.batch.public_id, site.now())
    work(site)
    counts = cataloguing.report(site.db, staged.batch.public_id).counts
    assert (counts.duplicate, counts.ambiguous, counts.new) == (1, 1, 0)
    assert sorted(titles(site)) == ["Same", "Theirs"]


def test_an_older_staged_update_does_not_overlay_a_newer_one(site: Site) -> None:
    open_list(site)
    bring(site, a_record("First", number="1"))
    staged = receive(site, a_file(a_record("Older", number="1")), stage_only=True)
    work(site)
    bring(site, a_record("Newer", number="1"))
    cataloguing.order_commit(site.db, staged.batch.public_id, site.now())
    work(site)
    assert titles(site) == ["Newer"]
    report = cataloguing.report(site.db, staged.batch.public_id)
    assert (report.counts.ambiguous, report.counts.update) == (1, 0)


def test_local_fields_stay_with_us_and_what_was_offered_goes_out(site: Site) -> None:
    open_list(site)
    local = Field("952", "  ", (Subfield("a", "shelf 7"),))
    bring(site, a_record("One", number="1", extra=(local,)))
    (offer,) = offering.browse(site.db, {feed.PUBLIC})
    assert b"shelf 7" not in offering.show(site.db, {feed.PUBLIC}, offer.public_id).marcxml
    with site.db.read() as conn:
        canonical = conn.exec_driver_sql("SELECT canonical FROM record_version").scalar_one()
    assert b"shelf 7" in bytes(canonical)


def test_a_record_is_found_by_words_and_by_letters_of_every_script(site: Site) -> None:
    open_list(site)
    bring(
        site,
        a_record("채식주의자 : 한강 연작소설", number="1"),
        a_record("Монголын нууц товчоо", number="2"),
        a_record("図書館の話", number="3"),
        a_record("Truyện Kiều", number="4"),
    )
    for query, title in (
        ("채식", "채식주의자"),
        ("нууц товчоо", "Монголын"),
        ("図書館", "図書館"),
        ("kieu", "Truyện"),
    ):
        assert [found[: len(title)] for found in titles(site, query)] == [title], query
    assert titles(site, "'; DROP TABLE record --") == []


def test_a_list_that_closes_before_the_commit_fails_the_import_with_the_reason(site: Site) -> None:
    open_list(site)
    received = receive(site, a_file(a_record("Late", number="1")), stage_only=True)
    work(site)
    cataloguing.order_commit(site.db, received.batch.public_id, site.now())
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    work(site)
    report = cataloguing.report(site.db, received.batch.public_id)
    assert report.batch.state is BatchState.FAILED
    assert report.job is not None
    assert "CLOSED" in report.job.error
    assert titles(site) == []


def test_a_worker_that_lost_its_lease_changes_nothing_more(site: Site) -> None:
    open_list(site)
    receive(site, a_file(*(a_record(f"Book {n}", number=str(n)) for n in range(450))))
    slow = worker.lease(site)
    assert slow is not None
    assert isinstance(site.clock, HandClock)
    site.clock.move(jobs.LEASE.total_seconds() + 1)
    quick = worker.lease(site)
    assert quick is not None
    with pytest.raises(LeaseLost):
        staging.stage(site.db, slow, site.now, lambda *_: None)
    assert worker.work(site, quick, lambda *_: None)
    work(site)
    assert len(offering.browse(site.db, {feed.PUBLIC}, limit=1000)) == 450


def test_an_import_that_is_interrupted_after_any_step_goes_on_and_doubles_nothing(
    site: Site,
) -> None:
    open_list(site)
    data = a_file(*(a_record(f"Book {n}", number=str(n)) for n in range(850)))
    received = receive(site, data)
    interruptions = 0
    while True:
        held = worker.lease(site)
        if held is None:
            break
        steps = {
            STAGE: staging.stage,
            COMMIT: committing.commit,
            MATCH_OFFERS: matching_offers.match,
        }
        try:
            steps[held.kind](site.db, held, site.now, _die)
        except _Killed:
            interruptions += 1
            assert isinstance(site.clock, HandClock)
            site.clock.move(jobs.LEASE.total_seconds() + 1)
    assert interruptions >= 6
    report = cataloguing.report(site.db, received.batch.public_id)
    assert report.counts == Counts(read=850, ok=850, new=850)
    assert len(offering.browse(site.db, {feed.PUBLIC}, limit=1000)) == 850


class _Killed(Exception):
    """Stands for the end of a process between two transactions."""


def _die(*_: object) -> None:
    raise _Killed


def test_a_fault_of_ours_is_tried_again_and_given_up_in_the_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_list(site)
    work(site)
    received = receive(site, a_file(a_record("One", number="1")))

    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the machine")

    monkeypatch.setitem(worker.KINDS, STAGE, broken)
    for _ in range(jobs.MAX_ATTEMPTS):
        assert worker.turn(site)
    assert not worker.turn(site)
    report = cataloguing.report(site.db, received.batch.public_id)
    assert report.batch.state is BatchState.FAILED
    assert report.job is not None
    assert "secret" not in report.job.error
    monkeypatch.undo()
    again = receive(site, a_file(a_record("One", number="1")))
    work(site)
    assert again.batch.public_id == received.batch.public_id
    assert titles(site) == ["One"]


def test_a_long_import_keeps_neither_the_feed_nor_a_deadline_waiting(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_MEANWHILE", 0)
    open_list(site, "other", closes_at=site.now() + timedelta(seconds=1))
    bring(site, a_record("Waiting", number="w"), slug="other")
    open_list(site)
    work(site)
    receive(site, a_file(*(a_record(f"Book {n}", number=str(n)) for n in range(250))))
    (waiting,) = offering.browse(site.db, {feed.PUBLIC})
    held = worker.lease(site)
    assert held is not None
    offering.withdraw_offer(site.db, waiting.public_id, now=site.now())
    assert isinstance(site.clock, HandClock)
    site.clock.move(2)
    assert worker.work(site, held, worker._meanwhile(site))
    with site.db.read() as conn:
        assert not feed.has_dirty(conn)
    assert offering.find_list(site.db, "other", None).offer_list.state is ListState.CLOSED


def test_bytes_that_stopped_arriving_are_dropped_after_a_day(site: Site) -> None:
    with site.db.write() as conn:
        original_id = originals.begin(conn, site.now())
        originals.append(conn, original_id, 0, [b"half a file"])
    worker._tidy(site)
    assert originals_kept(site.db) == (1, 1)
    assert isinstance(site.clock, HandClock)
    site.clock.move(2 * 86400)
    worker._tidy(site)
    assert originals_kept(site.db) == (0, 0)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_file_holds_its_counts_add_up(
    sqlite_template: object, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Records, damaged records and junk in any order: each octet in one line or between two."""
    folder = tmp_path_factory.mktemp("any")
    path = folder / "b.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())  # type: ignore[attr-defined]
    db = Database(f"sqlite:///{path}")
    site = make_site(db, folder)
    open_list(site)
    parts = data.draw(
        st.lists(
            st.one_of(
                st.integers(1, 20).map(lambda n: a_file(a_record(f"Book {n}", number=str(n)))),
                st.binary(min_size=1, max_size=60).map(lambda junk: junk + b"\x1d"),
                st.sampled_from([b"\r\n", b"\x1d", b"00000"]),
            ),
            max_size=12,
        )
    )
    whole = a_file(a_record("First", number="first")) + b"".join(parts)
    received = receive(site, whole)
    work(site)
    report = cataloguing.report(db, received.batch.public_id)
    assert report.batch.state is BatchState.COMMITTED
    counts = report.counts
    assert counts.read == counts.ok + counts.repaired + counts.rejected
    assert counts.read - counts.rejected == (
        counts.new + counts.update + counts.duplicate + counts.ambiguous
    )
    lines = cataloguing.report_lines(db, report.batch.public_id, 0, 1000)
    assert [line.position for line in lines] == list(range(1, counts.read + 1))
    end = 0
    for line in lines:
        assert _is_blank(whole[end : line.offset])
        end = line.offset + line.length
    assert _is_blank(whole[end:])
    db.close()


def _is_blank(octets: bytes) -> bool:
    """Whether these are what systems leave between records: blanks, NUL, SUB, terminators."""
    return octets.translate(None, b" \t\r\n\x0b\x0c\x00\x1a\x1d\x1e\xef\xbb\xbf") == b""


def test_ids_drawn_beforehand_are_those_that_the_database_knows(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    bring(site, a_record("Two", number="2"))
    with site.db.read() as conn:
        lines = imports.lines(conn, 1, 0, 10) + imports.lines(conn, 2, 0, 10)
        found = records.current_by_control_key(conn, ["(XX-TEST)1", "(XX-TEST)2"])
    assert [[line.record_id] for line in lines] == list(found.values())


def test_one_file_handed_in_by_several_at_once_is_one_batch(site: Site) -> None:
    open_list(site)
    data = a_file(a_record("One", number="1"))
    received: list[cataloguing.Received] = []
    threads = [
        threading.Thread(target=lambda: received.append(receive(site, data))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({each.batch.public_id for each in received}) == 1
    assert sorted(each.already for each in received) == [False, True, True, True]
    work(site)
    assert titles(site) == ["One"]


@pytest.mark.parametrize(
    ("statement", "values"),
    [(imports._STAGED_BY_DIGEST, [b"x", b"y"]), (imports._STAGED_KEYS, ["x", "y"])],
)
def test_a_step_looks_up_what_was_staged_without_walking_through_its_batch(
    site: Site, statement: sa.Select[Any], values: list[Any]
) -> None:
    if not site.db.is_sqlite:
        pytest.skip("PostgreSQL plans by its statistics")
    bound = statement.params(batch=1, values=values)
    sql = bound.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with site.db.read() as conn:
        plan = [row.detail for row in conn.execute(sa.text(f"EXPLAIN QUERY PLAN {sql}"))]
    assert "SEARCH record_version" in plan[0]
    assert "SEARCH import_line USING INDEX ix_import_line_version_id" in plan[1]
