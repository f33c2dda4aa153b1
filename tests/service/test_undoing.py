"""Lines of an import are decided by people, and a committed import is undone, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from marc_mappings.survey import Said
from service.domain.audit_entry import COMMAND_LINE
from service.domain.import_batch import UNDO, Action, BatchState, Sieve
from service.domain.offer import OfferState
from service.errors import Conflict, Invalid, LeaseLost
from service.store import imports, jobs, undone_imports
from service.store.feed import PUBLIC
from service.store.tables import import_line, offer, record, record_version
from service.usecases import cataloguing, deciding, offering, undoing
from service.usecases.site import Site
from tests.service.builders import a_file, a_record, bring, open_list, receive, work
from tests.service.partner_views import publish


def staged(site: Site, *records: Any) -> str:
    """Stage a file of records for list spring; return its public id."""
    public_id = receive(site, a_file(*records), stage_only=True).batch.public_id
    work(site)
    return public_id


def commit(site: Site, public_id: str) -> None:
    cataloguing.order_commit(site.db, public_id, site.now())
    work(site)


def undo(site: Site, public_id: str) -> None:
    undoing.order(site.db, public_id, site.now())
    work(site)


def titles(site: Site) -> set[str]:
    publish(site)
    return {each.title for each in offering.browse(site.db, {PUBLIC}, slug="spring")}


def state(site: Site, public_id: str) -> BatchState:
    return cataloguing.report(site.db, public_id).batch.state


def actions(site: Site, public_id: str) -> list[Action]:
    return [line.action for line in cataloguing.report_lines(site.db, public_id, 0, 99)]


def test_undoing_takes_titles_back_shows_what_was_replaced_and_can_be_done_again(
    site: Site,
) -> None:
    open_list(site)
    bring(site, a_record("Old", number="1"), a_record("Twin"))
    publish(site)
    batch = staged(
        site, a_record("Newer", number="1"), a_record("Twin"), a_record("Fresh", number="2")
    )
    with pytest.raises(Conflict, match="STAGED"):
        undoing.order(site.db, batch, site.now())
    commit(site, batch)
    assert titles(site) == {"Newer", "Twin", "Fresh"}
    assert undoing.held(site.db, batch) == []
    undo(site, batch)
    # What another import had brought before stays, in the form that it had.
    assert titles(site) == {"Old", "Twin"}
    assert state(site, batch) is BatchState.UNDONE
    with pytest.raises(Conflict, match="UNDONE"):
        undoing.order(site.db, batch, site.now())
    # The same record comes again as a new one, by its own file or by another.
    commit(site, batch)
    assert titles(site) == {"Newer", "Twin", "Fresh"}
    undo(site, batch)
    report = bring(site, a_record("Fresh", number="2"), a_record("More"))
    assert (report.counts.new, report.counts.duplicate) == (2, 0)
    assert titles(site) == {"Old", "Twin", "Fresh", "More"}


def test_what_is_given_or_was_changed_since_is_not_undone_and_its_line_says_so(
    site: Site,
) -> None:
    open_list(site)
    records = [a_record(title, number=str(n)) for n, title in enumerate(("A", "B", "C"), 1)]
    batch = staged(site, *records)
    commit(site, batch)
    bring(site, a_record("B, newer", number="2"))
    with site.db.write() as conn:
        conn.execute(
            offer.update()
            .where(
                offer.c.record_id
                == sa.select(record_version.c.record_id)
                .where(record_version.c.title == "A")
                .scalar_subquery()
            )
            .values(allocated=1)
        )
    held = undoing.held(site.db, batch)
    assert [(each.position, each.given) for each in held] == [(1, True), (2, False)]
    undo(site, batch)
    assert titles(site) == {"A", "B, newer"}
    said = [line.problems for line in cataloguing.report_lines(site.db, batch, 0, 9)]
    assert "given to a partner" in said[0][-1]["message"]
    assert "another import" in said[1][-1]["message"]
    assert all(each["code"] != "not-undone" for each in said[2])


def test_a_copy_that_is_given_while_it_is_undone_is_not_taken_back(site: Site) -> None:
    open_list(site)
    batch = staged(site, a_record("A"))
    commit(site, batch)
    with site.db.write() as conn:
        found = imports.by_public_id(conn, batch)
        assert found is not None
        (before,) = undone_imports.done(conn, found.id, 0, 9)
        conn.execute(offer.update().values(allocated=1))
        assert not undone_imports.take_back(conn, before)
        states = conn.execute(sa.select(offer.c.state)).scalars().all()
    assert states == [OfferState.OFFERED.value]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_undoing_that_dies_at_any_step_goes_on_and_ends_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(undoing, "_STEP", 1)
    open_list(site)
    bring(site, a_record("Old", number="1"))
    batch = staged(site, a_record("Newer", number="1"), a_record("B"), a_record("C"))
    commit(site, batch)
    undoing.order(site.db, batch, site.now())
    steps = 0

    def dies(_: jobs.Job, __: int) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            raise LeaseLost("the worker died here")

    with site.db.write() as conn:
        held = jobs.lease(conn, site.now())
    assert held is not None
    assert held.kind == UNDO
    with pytest.raises(LeaseLost):
        undoing.undo(site.db, held, site.now, dies)
    with site.db.write() as conn:
        jobs.put_back(conn, held)
    work(site)
    assert state(site, batch) is BatchState.UNDONE
    assert titles(site) == {"Old"}
    with site.db.read() as conn:
        shown = sa.select(sa.func.count()).where(record.c.current_version_id.is_not(None))
        assert conn.execute(shown).scalar_one() == 1


def test_lines_are_left_out_and_taken_in_again_until_the_import_is_committed(site: Site) -> None:
    open_list(site)
    batch = staged(site, *(a_record(title) for title in "ABC"))
    now = site.now()
    assert deciding.leave_out(site.db, batch, [1, 2, 77], now=now) == 2
    assert deciding.leave_out(site.db, batch, [1], now=now) == 0
    assert deciding.take_back(site.db, batch, [2, 3], now=now) == 1
    assert actions(site, batch) == [Action.NONE, Action.NEW, Action.NEW]
    (out,) = cataloguing.report_lines(site.db, batch, 0, 9, Sieve.LEFT_OUT)
    assert (out.position, out.decided_by) == (1, COMMAND_LINE)
    commit(site, batch)
    assert titles(site) == {"B", "C"}
    with pytest.raises(Conflict, match="COMMITTED"):
        deciding.leave_out(site.db, batch, [2], now=now)


def test_all_of_a_sort_is_left_out(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Old", number="1"))
    batch = staged(site, a_record("Newer", number="1"), a_record("Fresh"))
    assert deciding.leave_out(site.db, batch, sieve=Sieve.UPDATE, now=site.now()) == 1
    commit(site, batch)
    assert titles(site) == {"Old", "Fresh"}


def test_people_decide_what_an_ambiguous_record_is(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Old", number="1"), a_record("Other"))
    batch = staged(
        site,
        a_record("Newer", number="1"),
        a_record("Newest", number="1"),
        a_record("Odd", number="1"),
    )
    assert actions(site, batch) == [Action.UPDATE, Action.AMBIGUOUS, Action.AMBIGUOUS]
    now = site.now()
    (old,) = deciding.choice(site.db, batch, 2).candidates
    assert old.title == "Old"
    with pytest.raises(Invalid, match="choose one"):
        deciding.say_same(site.db, batch, 2, batch, now=now)
    deciding.say_same(site.db, batch, 3, old.public_id, now=now)
    deciding.take_back(site.db, batch, [3], now=now)
    deciding.say_same(site.db, batch, 2, old.public_id, now=now)
    deciding.say_new(site.db, batch, 3, now=now)
    deciding.leave_out(site.db, batch, [1], now=now)
    commit(site, batch)
    # A control number that others have turns nobody's decision back.
    assert titles(site) == {"Newest", "Odd", "Other"}
    with site.db.read() as conn:
        astray = (
            sa.select(sa.func.count())
            .select_from(
                import_line.join(record_version, record_version.c.id == import_line.c.version_id)
            )
            .where(record_version.c.record_id != import_line.c.record_id)
        )
        assert conn.execute(astray).scalar_one() == 0


def test_a_record_that_is_plainly_new_can_only_be_left_out(site: Site) -> None:
    open_list(site)
    batch = staged(site, a_record("A"))
    with pytest.raises(Conflict, match="left out"):
        deciding.say_new(site.db, batch, 1, now=site.now())


def test_a_file_read_again_sets_the_first_reading_aside_and_sending_it_takes_it_up(
    site: Site,
) -> None:
    open_list(site)
    records = [a_record("Book")]
    batch = staged(site, *records)
    again = cataloguing.read_again(
        site.db, batch, Said("", "marc21"), now=site.now()
    ).batch.public_id
    work(site)
    assert again != batch
    assert (state(site, batch), state(site, again)) == (BatchState.DISCARDED, BatchState.STAGED)
    assert staged(site, *records) == batch
    assert state(site, batch) is BatchState.STAGED
    deciding.discard(site.db, again, now=site.now())
    commit(site, batch)
    assert titles(site) == {"Book"}
