"""Offer lists and titles are changed with a revision, a record of who did it, and promises kept."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service import worker
from service.domain.allocation import AllocationPolicy, RunState
from service.domain.announcement import LIST_EXTENDED, LIST_SHORTENED
from service.domain.offer import ListAction, ListState, Source
from service.domain.partner import Partner
from service.domain.wish import Outcome
from service.errors import BookbridgeError, Conflict, Invalid, NotFound, Outdated, WrongValues
from service.store import drafted_decisions, offer_lists
from service.store.tables import allocation_run, audit_entry, offer, wish
from service.usecases import (
    changing_lists,
    confirming,
    membership,
    notifying,
    offering,
    planning,
    rescheduling,
)
from service.usecases.site import Site
from tests.service.builders import a_partner, a_record, bring, open_list, work
from tests.service.matching import one
from tests.service.partner_views import hand, publish

ISBN = "9788936433598"


def change(site: Site, slug: str = "spring", **given: Any) -> Any:
    more = {name: given.pop(name) for name in ("seen", "override", "reason") if name in given}
    return changing_lists.change_terms(
        site.db, slug, given, by="staff:hana", now=site.now(), **more
    )


def change_title(site: Site, public_id: str, seen: int | None = None, **given: Any) -> None:
    changing_lists.change_offer(
        site.db, public_id, given, seen=seen, by="staff:hana", now=site.now()
    )


def log(site: Site, kind: str = changing_lists.KIND) -> list[Any]:
    with site.db.read() as conn:
        return list(
            conn.execute(
                sa.select(audit_entry).where(audit_entry.c.kind == kind).order_by(audit_entry.c.id)
            )
        )


def told(site: Site, partner: Partner) -> list[tuple[str, dict[str, Any]]]:
    found = notifying.announcements(site.db, partner, "", 1000)
    return [
        (each.event, dict(each.body))
        for each in reversed(found)
        if each.event in {LIST_SHORTENED, LIST_EXTENDED}
    ]


def a_wished_list(site: Site, **more: Any) -> list[Partner]:
    """Open list spring for 30 days, on which ara's wish stands; return ara and bela."""
    partners = [a_partner(site, "ara"), a_partner(site, "bela")]
    if "audience" in more:
        membership.add_audience(site.db, str(more["audience"]), ["ara"], now=site.now())
        publish(site)
    open_list(site, closes_at=site.now() + timedelta(days=30), **more)
    bring(site, a_record("The steppe", number="1", isbn=ISBN))
    assert one(site, partners[0], isbn=ISBN).outcome is Outcome.REGISTERED
    return partners


# --- approval and the audit log -------------------------------------------------------------------


def test_a_draft_waits_for_somebody_to_approve_it_and_the_log_says_who(site: Site) -> None:
    opens = site.now() + timedelta(days=1)
    offering.create_list(
        site.db,
        slug="spring",
        title="Spring",
        opens_at=opens,
        draft=True,
        by="staff:hana",
        now=site.now(),
    )
    hand(site).move(2 * 86_400)
    assert offering.keep_dates(site.db, site.now()) == 0, "nobody approved it"
    with pytest.raises(Conflict, match="this list is DRAFT; only a list that is OPEN can close"):
        offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    approved = offering.change_list(
        site.db, "spring", ListAction.APPROVE, site.now(), by="staff:kim"
    )
    assert approved.state is ListState.SCHEDULED
    assert offering.keep_dates(site.db, site.now()) == 1
    assert [(row.actor, row.action) for row in log(site)] == [
        ("staff:hana", "drawn up"),
        ("staff:kim", "approved"),
        ("worker", "opened"),
    ]
    assert (log(site)[1].before, log(site)[1].after) == (
        {"state": "DRAFT"},
        {"state": "SCHEDULED"},
    )


def test_a_list_without_a_moment_of_opening_is_not_approved_to_open(site: Site) -> None:
    offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    with pytest.raises(Conflict, match="give it one, or open it now"):
        offering.change_list(site.db, "spring", ListAction.APPROVE, site.now())


# --- changing -------------------------------------------------------------------------------------


def test_a_change_is_kept_with_what_was_before(site: Site) -> None:
    open_list(site)
    made = change(
        site,
        title=" Books of spring ",
        source="new_publication",
        policy="FIRST_COME",
        max_per_partner=10,
        min_parcel=2,
        not_to=["us", "CN"],
    )
    assert (made.title, made.source) == ("Books of spring", Source.NEW_PUBLICATION)
    assert (made.policy, made.max_per_partner, made.min_parcel) == (
        AllocationPolicy.FIRST_COME,
        10,
        2,
    )
    assert made.not_to == ("CN", "US")
    entry = log(site)[-1]
    assert entry.before == {
        "title": "List spring",
        "source": "DUPLICATE",
        "policy": "PRIORITY",
        "max_per_partner": None,
        "min_parcel": None,
        "not_to": [],
    }
    assert entry.after["not_to"] == ["CN", "US"]
    assert change(site, title="Books of spring").revision == made.revision, "no change at all"
    assert len(log(site)) == 3, "drawn up, opened, changed"


def test_who_looked_at_an_older_revision_changes_nothing(site: Site) -> None:
    open_list(site)
    seen = offering.find_list(site.db, "spring", None).offer_list.revision
    change(site, title="First", seen=seen)
    with pytest.raises(Outdated) as refused:
        change(site, title="Second", seen=seen)
    assert refused.value.current == seen + 1
    with pytest.raises(Outdated):
        offering.change_list(site.db, "spring", ListAction.CLOSE, site.now(), seen=seen)
    assert offering.find_list(site.db, "spring", None).offer_list.title == "First"


def test_all_that_is_wrong_is_told_at_once(site: Site) -> None:
    open_list(site)
    with pytest.raises(WrongValues) as refused:
        change(site, title=" ", source="FOUND", max_per_partner=0, not_to=["KOR"], colour="red")
    assert [name for name, _ in refused.value.faults] == [
        "title",
        "source",
        "max_per_partner",
        "not_to",
        "colour",
    ]
    with pytest.raises(NotFound):
        change(site, "nothing", title="X")


def test_what_a_state_has_fixed_is_told_with_what_can_be_changed_still(site: Site) -> None:
    open_list(site)
    with pytest.raises(Conflict, match="this list is OPEN: opens_at can be changed no more"):
        change(site, opens_at=site.now() + timedelta(days=1))
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    with pytest.raises(Conflict, match="what can be changed now: title, description, source"):
        change(site, closes_at=site.now() + timedelta(days=1))
    assert change(site, policy="WINDOW_LOTTERY").policy is AllocationPolicy.WINDOW_LOTTERY
    offering.change_list(site.db, "spring", ListAction.ARCHIVE, site.now())
    with pytest.raises(Conflict, match="what can be changed now: nothing"):
        change(site, title="Late")


def test_a_scheduled_list_keeps_a_moment_of_opening_before_its_closing(site: Site) -> None:
    now = site.now()
    offering.create_list(
        site.db,
        slug="spring",
        title="S",
        opens_at=now + timedelta(days=1),
        closes_at=now + timedelta(days=9),
        now=now,
    )
    with pytest.raises(Invalid, match="needs its moment of opening"):
        change(site, opens_at=None)
    with pytest.raises(Invalid, match="later than opens_at"):
        change(site, closes_at=now + timedelta(hours=1))
    assert change(site, opens_at=now + timedelta(days=2)).opens_at == now + timedelta(days=2)


def test_other_rules_of_allocation_undo_a_plan_that_was_made_by_the_old_ones(site: Site) -> None:
    a_wished_list(site)
    hand(site).move(31 * 86_400)
    work(site)
    planning.plan(site.db, "spring", now=site.now(), by="staff:hana")
    assert _run_state(site) is RunState.PROPOSED
    change(site, title="Another title")
    assert _run_state(site) is RunState.PROPOSED
    change(site, not_to=["MN"])
    assert _run_state(site) is RunState.PLANNING, "it cannot be confirmed"


@pytest.mark.parametrize("part", [1, 2])
@pytest.mark.parametrize("of_title", [False, True])
def test_rules_that_change_while_a_plan_is_made_leave_none_that_could_be_confirmed(
    site: Site, monkeypatch: pytest.MonkeyPatch, part: int, of_title: bool
) -> None:
    a_wished_list(site)
    (title,) = offering.browse(site.db, None, slug="spring")
    hand(site).move(31 * 86_400)
    work(site)
    read, parts = planning._Keeping.read, 0

    def changing(keeping: Any) -> None:
        nonlocal parts
        parts += 1
        read(keeping)
        if parts == part:
            if of_title:
                change_title(site, title.public_id, not_to=["MN"])
            else:
                change(site, not_to=["MN"])

    with monkeypatch.context() as patched:
        patched.setattr(drafted_decisions, "AT_ONCE", 1)
        patched.setattr(planning._Keeping, "read", changing)
        with pytest.raises(Conflict, match=r"(plan|look at) it again"):
            planning.plan(site.db, "spring", now=site.now(), by="staff:hana")
    with pytest.raises(Conflict, match="plan it first"):
        confirming.confirm(site.db, "spring", site.now, by="staff:hana")
    planning.plan(site.db, "spring", now=site.now(), by="staff:hana")
    confirming.confirm(site.db, "spring", site.now, by="staff:hana")


def _run_state(site: Site) -> RunState:
    with site.db.read() as conn:
        return RunState(conn.execute(sa.select(allocation_run.c.state)).scalar_one())


# --- the closing date -----------------------------------------------------------------------------


def test_extending_a_list_is_free_and_told_to_everybody_who_may_see_it(site: Site) -> None:
    ara, bela = a_wished_list(site)
    later = site.now() + timedelta(days=60)
    change(site, closes_at=later)
    assert told(site, bela) == [], "the worker tells them"
    work(site)
    assert [event for event, _ in told(site, ara)] == [LIST_EXTENDED]
    ((_, body),) = told(site, bela)
    assert body == {
        "list": "spring",
        "closes_at": f"{later:%Y-%m-%dT%H:%M:%SZ}",
        "instead_of": f"{later - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
    }


def test_a_list_with_a_wish_is_shortened_only_with_a_reason_that_everybody_reads(
    site: Site,
) -> None:
    ara, bela = a_wished_list(site)
    sooner = site.now() + timedelta(days=3)
    with pytest.raises(Conflict, match="1 wish stands on this list, of 1 partner"):
        change(site, closes_at=sooner)
    with pytest.raises(Invalid, match="needs its reason"):
        change(site, closes_at=sooner, override=True)
    with pytest.raises(Conflict):
        change(site, closes_at=sooner, reason="a reason alone is no decision")
    work(site)
    assert (told(site, ara), told(site, bela)) == ([], [])
    change(site, closes_at=sooner, override=True, reason="The store is cleared.")
    work(site)
    for partner in (ara, bela):
        ((event, body),) = told(site, partner)
        assert (event, body["reason"]) == (LIST_SHORTENED, "The store is cleared.")
    assert log(site)[-1].reason == "The store is cleared."
    hand(site).move(4 * 86_400)
    work(site)
    assert offering.find_list(site.db, "spring", None).offer_list.state is ListState.CLOSED


def test_a_list_with_a_wish_is_closed_before_its_day_only_with_a_reason(site: Site) -> None:
    _, bela = a_wished_list(site)
    with pytest.raises(Conflict, match="override with a reason"):
        offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    offering.change_list(
        site.db, "spring", ListAction.CLOSE, site.now(), override=True, reason="Flood."
    )
    work(site)
    assert [event for event, _ in told(site, bela)] == [LIST_SHORTENED]


def test_without_a_wish_a_list_is_shortened_freely_and_it_is_told(site: Site) -> None:
    ara = a_partner(site, "ara")
    open_list(site, closes_at=site.now() + timedelta(days=30))
    change(site, closes_at=site.now() + timedelta(days=3))
    work(site)
    assert [event for event, _ in told(site, ara)] == [LIST_SHORTENED]


def test_only_those_who_may_see_a_list_or_wish_for_it_are_told(site: Site) -> None:
    ara, bela = a_wished_list(site, audience="near")
    cora = a_partner(site, "cora")
    membership.join(site.db, "near", ["cora"], now=site.now())
    membership.leave(site.db, "near", ["ara"], now=site.now())
    publish(site)
    change(site, closes_at=site.now() + timedelta(days=40))
    work(site)
    assert [len(told(site, each)) for each in (ara, bela, cora)] == [1, 0, 1]


def test_everybody_is_told_once_though_the_worker_dies_between_steps(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    partners = [a_partner(site, f"p{n}") for n in range(7)]
    open_list(site, closes_at=site.now() + timedelta(days=30))
    change(site, closes_at=site.now() + timedelta(days=60))
    monkeypatch.setattr(rescheduling, "_STEP", 2)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        held = worker.lease(site)
        while held is not None and held.kind != rescheduling.TELL_LIST:
            worker.work(site, held, lambda *_: None)
            held = worker.lease(site)
        assert held is not None
        with pytest.raises(KeyboardInterrupt):
            worker.work(site, held, die)
        hand(site).move(3600)
    work(site)
    assert [len(told(site, each)) for each in partners] == [1] * 7


def test_a_wish_that_comes_between_the_look_and_the_change_does_not_slip_through(
    site: Site,
) -> None:
    a_wished_list(site)
    with site.db.write() as conn:
        conn.execute(wish.update().values(state="WITHDRAWN"))
    outcome: list[BookbridgeError] = []

    def shorten() -> None:
        try:
            change(site, closes_at=site.now() + timedelta(days=3))
        except BookbridgeError as error:
            outcome.append(error)

    other = threading.Thread(target=shorten)
    with site.db.write() as conn:
        # As a wish list does that is being answered: the lists are held, then the wish is kept.
        offer_lists.hold_open(conn)
        other.start()
        other.join(0.5)
        conn.execute(wish.update().values(state="OPEN"))
    other.join(20)
    (error,) = outcome
    assert isinstance(error, Conflict)
    assert "1 wish stands" in error.detail


# --- titles ---------------------------------------------------------------------------------------


def test_copies_volumes_and_condition_of_a_title_are_changed(site: Site) -> None:
    open_list(site, terms={"source": "SURPLUS"})
    bring(site, a_record("A set", number="1"))
    (found,) = offering.browse(site.db, None)
    assert (found.copies, found.volumes, found.condition) == (1, 1, "")
    change_title(site, found.public_id, copies=3, volumes=12, condition="Spines faded", not_to="us")
    (now,) = offering.browse(site.db, None)
    assert (now.copies, now.volumes, now.condition) == (3, 12, "Spines faded")
    assert (now.not_to, now.source, now.revision) == (("US",), Source.SURPLUS, 2)
    (entry,) = log(site, changing_lists.KIND_OF_TITLE)
    assert (entry.name, entry.actor) == (found.public_id, "staff:hana")
    assert (entry.before["copies"], entry.after["copies"]) == (1, 3)
    with pytest.raises(Outdated):
        change_title(site, found.public_id, seen=1, copies=4)
    with pytest.raises(WrongValues):
        change_title(site, found.public_id, copies=0, volumes="many")
    with pytest.raises(NotFound):
        change_title(site, "0" * 26, copies=2)


def test_a_title_never_has_fewer_copies_than_are_given(site: Site) -> None:
    open_list(site)
    bring(site, a_record("A book", number="1"))
    (found,) = offering.browse(site.db, None)
    change_title(site, found.public_id, copies=3)
    with site.db.write() as conn:
        conn.execute(offer.update().values(allocated=2))
    with pytest.raises(Conflict, match="2 copies of this title are given already"):
        change_title(site, found.public_id, copies=1)
    change_title(site, found.public_id, copies=2)
    offering.withdraw_offer(site.db, found.public_id, now=site.now())
    with pytest.raises(Conflict, match="taken back"):
        change_title(site, found.public_id, condition="Torn")
