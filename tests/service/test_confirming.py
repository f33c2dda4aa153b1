"""A plan is confirmed, answered, passed on: a copy is never given twice, and all learn why."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.domain.allocation import TRANSITIONS as transitions  # noqa: N811 - a table to walk
from service.domain.allocation import AllocationAction, AllocationPolicy, AllocationState, RunState
from service.domain.allocation import after as state_after
from service.domain.audit_entry import AuditEntry
from service.domain.offer import ListState
from service.domain.partner import PartnerState
from service.errors import Conflict, NotFound
from service.store import audit_log
from service.store.tables import offer, partner
from service.usecases import accepting, allocating, confirming, notifying, offering
from service.usecases.site import Site
from tests.service.allocation_scene import LIST, SEED, Scene, a_scene
from tests.service.builders import HandClock

_S = AllocationState


@pytest.fixture
def scene(site: Site) -> Scene:
    return a_scene(site)


def wait(scene: Scene, **time: float) -> None:
    assert isinstance(scene.site.clock, HandClock)
    scene.site.clock.move(timedelta(**time).total_seconds())


def told(scene: Scene, code: str) -> list[dict[str, object]]:
    who = scene.partners[code]
    found = notifying.announcements(scene.site.db, who, "", 50)
    return [dict(each.body) for each in found if each.event == "wish.changed"]


# --- named cases ----------------------------------------------------------------------------------


def test_of_two_partners_the_one_beyond_its_tolerance_loses_and_both_read_why(
    scene: Scene,
) -> None:
    scene.titles("One")
    scene.received("nagasaki", 40)
    scene.received("kaohsiung", 12)
    scene.wish("nagasaki", "One")
    scene.wish("kaohsiung", "One")
    planned = scene.plan()
    assert [(each.partner, each.given, each.reason) for each in planned] == [
        (
            "kaohsiung",
            1,
            (
                "Allocated: first of 2 wishes; the next in line had received more on balance "
                "(40 against 12 volumes)."
            ),
        ),
        (
            "nagasaki",
            0,
            (
                "Not allocated: the only copy went to a partner that had received less on balance "
                "(12 against 40 volumes); yours was second of 2 wishes."
            ),
        ),
    ]
    again = scene.plan()
    assert [each._replace(id="") for each in again] == [each._replace(id="") for each in planned]
    assert allocating.replay(scene.site.db, LIST) == []


def test_sixty_titles_go_to_sixteen_partners_and_what_one_declines_goes_to_the_next(
    scene: Scene,
) -> None:
    titles = [f"Title {n}" for n in range(60)]
    scene.titles(*titles)
    for n in range(16):
        scene.wish(f"p{n:02}", *titles[n : n + 30])
    scene.plan()
    confirmed = scene.confirm()
    scene.check()
    met = [each for each in confirmed if each.given]
    assert len(met) == 45, "every title that anybody wished for"
    shares = [sum(each.partner == f"p{n:02}" for each in met) for n in range(16)]
    assert max(shares) - min(shares) <= 2, "what one got with one title counts for the next"
    first = next(each for each in met if each.title == "Title 20")  # all sixteen wished for it
    line = sorted((e for e in confirmed if e.offer == first.offer), key=lambda each: each.rank)
    second = line[1]
    before = len(told(scene, second.partner))
    scene.decline(first.partner, first.title, "We bought it.")
    left, next_ = scene.of(first.partner, first.title), scene.of(second.partner, first.title)
    assert (left.state, left.reason) == (_S.DECLINED, _declined(scene) + ": We bought it.")
    assert (next_.state, next_.given) == (_S.CONFIRMED, 1)
    assert next_.reason == (
        "Allocated after all: somebody before you in line left it; "
        f"yours was second of {len(line)} wishes."
    )
    assert told(scene, second.partner)[0]["allocated"] == 1
    assert len(told(scene, second.partner)) == before + 1
    assert (second.partner, first.title) in scene.given()
    assert (first.partner, first.title) not in scene.given()
    scene.check()
    assert allocating.replay(scene.site.db, LIST) == [], "what was planned is still known"


def _declined(scene: Scene) -> str:
    return f"Declined on {scene.site.now():%Y-%m-%d}"


def test_a_set_is_never_split_and_weighs_what_it_has(scene: Scene) -> None:
    scene.titles("Set", volumes=12)
    scene.titles("One", "Two")
    for code in ("a", "b"):
        scene.wish(code, "Set", "One", "Two", quantity=2)
    scene.plan()
    scene.confirm()
    given = scene.given()
    (owner,) = (code for code, title in given if title == "Set")
    assert given[owner, "Set"] == 1, "twelve volumes are one copy"
    after = scene.decided()
    behind = [e.title for e in after[: [e.title for e in after].index("Set")] if e.given]
    for title in {"One", "Two"} - set(behind):
        assert (owner, title) not in given, "who got twelve volumes comes behind"
    scene.check()


def test_a_substitute_is_asked_for_and_given_when_it_is_accepted(scene: Scene) -> None:
    scene.titles("One")
    (line,) = scene.wish("nagasaki", "One", outcome="matched")
    scene.plan()
    scene.confirm()
    asked = scene.of("nagasaki")
    assert (asked.state, asked.transfer) == (_S.OFFERED, None)
    assert asked.reason == (
        "Kept for you: the only wish; it was matched to your wish, which did not name it."
    )
    state, reason = scene.told("nagasaki")[line]
    assert state == "OPEN"
    assert "Say until 2049-04-" in reason
    assert told(scene, "nagasaki")[0]["offered"] == 1
    assert scene.given() == {}
    scene.check()
    taken = scene.accept("nagasaki")
    assert (taken.state, taken.transfer is not None) == (_S.ACCEPTED, True)
    assert scene.given() == {("nagasaki", "One"): 1}
    assert scene.told("nagasaki")[line][0] == "ALLOCATED"
    scene.check()
    with pytest.raises(Conflict, match=r"ACCEPTED: it cannot be accepted; possible: decline"):
        scene.accept("nagasaki")


def test_who_is_suspended_meanwhile_can_decline_and_not_accept(scene: Scene) -> None:
    scene.titles("One")
    scene.wish("a", "One", outcome="matched")
    scene.plan()
    scene.confirm()
    scene.set(partner, partner.c.code == "a", state=PartnerState.SUSPENDED.value)
    with pytest.raises(Conflict, match="suspended; it can only decline"):
        scene.accept("a")
    assert scene.given() == {}
    assert scene.decline("a").state is _S.DECLINED
    scene.check()


def test_a_substitute_that_is_declined_or_not_answered_goes_to_the_next(scene: Scene) -> None:
    scene.titles("One")
    scene.received("b", 1)
    scene.received("c", 2)
    scene.wish("a", "One", outcome="matched")
    scene.wish("b", "One", outcome="matched")
    (line,) = scene.wish("c", "One")
    scene.plan()
    scene.confirm()
    assert [scene.of(code).state for code in "abc"] == [_S.OFFERED] + [_S.NOT_ALLOCATED] * 2
    scene.decline("a")
    assert [scene.of(code).state for code in "abc"] == [_S.DECLINED, _S.OFFERED, _S.NOT_ALLOCATED]
    scene.check()
    wait(scene, days=13)
    assert scene.expire() == 0
    wait(scene, days=1)
    with pytest.raises(Conflict, match="the answer was due until"):
        scene.accept("b")
    assert scene.expire() == 1
    assert [scene.of(code).state for code in "abc"] == [_S.DECLINED, _S.EXPIRED, _S.CONFIRMED]
    assert scene.told("c")[line][0] == "ALLOCATED"
    assert scene.given() == {("c", "One"): 1}
    assert told(scene, "b")[0]["not_allocated"] == 1
    scene.check()
    scene.decline("c")
    assert scene.given() == {}, "until nobody is left"
    scene.check()


def test_a_wish_that_is_taken_back_while_it_is_asked_about_frees_its_copy(scene: Scene) -> None:
    scene.titles("One")
    scene.received("b", 1)
    (line,) = scene.wish("a", "One", outcome="matched")
    scene.wish("b", "One")
    scene.plan()
    scene.confirm()
    assert scene.withdraw_wish("a", line)
    with pytest.raises(Conflict, match="taken back"):
        scene.accept("a")
    assert scene.expire() == 1
    assert [scene.of(code).state for code in "ab"] == [_S.CANCELLED, _S.CONFIRMED]
    scene.check()


def test_who_waits_for_another_edition_goes_on_waiting_when_it_does_not_take_this_one(
    scene: Scene,
) -> None:
    scene.titles("One")
    (line,) = scene.wish("a", "One", outcome="other_edition")
    scene.received("b", 1)
    (second,) = scene.wish("b", "One", outcome="other_edition")
    scene.plan()
    scene.confirm()
    assert "another edition than the one you asked for" in scene.of("a").reason
    assert scene.told("b")[second][0] == "OPEN", "it waits for what it asked for"
    scene.decline("a")
    assert scene.told("a")[line][0] == "OPEN"
    assert scene.of("b").state is _S.OFFERED
    scene.accept("b")
    assert scene.told("b")[second][0] == "ALLOCATED"
    scene.check()


# --- between plan and confirmation ----------------------------------------------------------------


def test_a_plan_tells_nobody_and_the_next_takes_its_place(scene: Scene) -> None:
    scene.titles("One", "Two")
    for code in ("a", "b"):
        scene.wish(code, "One", "Two")
    scene.plan(AllocationPolicy.FIRST_COME)
    first = scene.shown()
    assert first.run.state is RunState.PROPOSED
    assert first.offer_list.state is ListState.CLOSED
    assert {state for state, _ in scene.told("a").values()} == {"OPEN"}
    assert (scene.given(), told(scene, "a")) == ({}, [])
    scene.plan(AllocationPolicy.PRIORITY, seed="")
    second = scene.shown()
    assert second.run.public_id != first.run.public_id
    assert (second.run.policy, second.run.seed) == (AllocationPolicy.PRIORITY, SEED)
    with pytest.raises(Conflict, match="planned this list meanwhile"):
        confirming.confirm(
            scene.site.db, LIST, scene.site.now, by="staff:hana", plan=first.run.public_id
        )
    scene.confirm()
    with pytest.raises(Conflict, match="CLOSED can allocate"):
        scene.plan()
    entries = audit_log_of(scene)
    assert [(each.action, each.actor) for each in entries] == [
        ("confirm", "staff:hana"),
        ("plan", "staff:hana"),
        ("plan", "staff:hana"),
    ]


def audit_log_of(scene: Scene) -> list[AuditEntry]:
    with scene.site.db.read() as conn:
        return audit_log.listed(conn, kind="allocation", limit=100)


def test_without_a_plan_there_is_nothing_to_confirm(scene: Scene) -> None:
    with pytest.raises(Conflict, match="plan it first"):
        scene.confirm()
    with pytest.raises(NotFound, match="no offer list"):
        confirming.confirm(scene.site.db, "autumn", scene.site.now, by="")


def test_what_was_withdrawn_since_the_plan_goes_to_the_next_in_rank(scene: Scene) -> None:
    scene.titles("One", "Two", "Three")
    for n, code in enumerate(("a", "b", "c")):
        scene.wish(code, "One", "Two", "Three")
        if n:
            scene.received(code, 10 * n)
    scene.plan()
    assert {each.partner for each in scene.decided() if each.given} == {"a"}
    scene.withdraw_wish("a", 1)
    scene.set(partner, partner.c.code == "b", state=PartnerState.SUSPENDED.value)
    with scene.site.db.read() as conn:
        public_id = conn.execute(
            sa.select(offer.c.public_id).where(offer.c.id == scene.offers["Two"])
        ).scalar_one()
    offering.withdraw_offer(scene.site.db, public_id, now=scene.site.now())
    scene.confirm()
    one = {code: scene.of(code, "One") for code in "abc"}
    assert [one[code].state for code in "abc"] == [_S.CANCELLED, _S.NOT_ALLOCATED, _S.CONFIRMED]
    assert one["b"].reason == "Not allocated: the exchange with your library is suspended."
    assert one["c"].reason.startswith("Allocated after all: somebody before you in line left it")
    assert {scene.of(code, "Two").reason for code in "abc"} == {
        "Not allocated: the title was taken back."
    }
    assert scene.given() == {("a", "Three"): 1, ("c", "One"): 1}
    scene.check()
    assert allocating.replay(scene.site.db, LIST) == []


def test_wishes_that_came_after_the_plan_are_told_so(scene: Scene) -> None:
    scene.titles("One")
    scene.wish("a", "One")
    scene.plan()
    (line,) = scene.wish("b", "One")
    scene.confirm()
    assert scene.told("b")[line] == (
        "NOT_ALLOCATED",
        "Answered. Not allocated: your wish came after it was decided who gets what.",
    )
    assert allocating.replay(scene.site.db, LIST) == []


def test_a_plan_that_gives_more_than_a_partner_may_get_by_now_is_not_confirmed(
    scene: Scene,
) -> None:
    scene.titles("One", "Two")
    scene.wish("a", "One", "Two")
    scene.plan()
    scene.partner("a", per_list=1)
    with pytest.raises(Conflict, match="'a' may get 1 copies by now, and 2 are planned"):
        scene.confirm()
    scene.plan()
    scene.confirm()
    assert len(scene.given()) == 1


# --- what if --------------------------------------------------------------------------------------


def test_what_if_compares_with_the_plan_and_leaves_it_alone(scene: Scene) -> None:
    scene.titles("One")
    scene.received("a", 5)
    scene.wish("a", "One")
    scene.wish("b", "One")
    scene.plan()
    before = scene.decided()
    found = allocating.what_if(
        scene.site.db, LIST, scene.site.now(), policy=AllocationPolicy.FIRST_COME
    )
    assert [(each.partner, each.now, each.then) for each in found.shares] == [
        ("a", 0, 1),
        ("b", 1, 0),
    ]
    assert (found.seed, found.wishes, found.met) == (SEED, 2, 1)
    assert scene.decided() == before
    assert scene.shown().run.policy is AllocationPolicy.PRIORITY


# --- who may do what ------------------------------------------------------------------------------


def test_a_partner_answers_for_itself_alone_and_sees_only_its_own(scene: Scene) -> None:
    scene.titles("One", "Two")
    scene.wish("a", "One", "Two")
    scene.wish("b", "One")
    db = scene.site.db
    scene.plan()
    planned = scene.of("b").id
    assert accepting.list_own(db, scene.partners["a"]) == [], "a plan is nobody's business"
    with pytest.raises(NotFound):
        accepting.show(db, planned, scene.partners["b"])
    scene.confirm()
    own = accepting.list_own(db, scene.partners["a"])
    assert {each.title for each in own} == {"One", "Two"}
    assert accepting.list_own(db, scene.partners["a"], before=own[0].id) == own[1:]
    name = scene.of("a", "Two").id
    for act in (accepting.accept, accepting.decline):
        with pytest.raises(NotFound):
            act(db, name, scene.partners["b"], now=scene.site.now(), by="")
    for wrong in ("", "x", f"{name}0", "01JZ0000000000000000000000-1"):
        with pytest.raises(NotFound):
            accepting.show(db, wrong, None)
    done = accepting.decline(db, name, None, now=scene.site.now(), by="staff:hana")
    assert done.state is _S.DECLINED
    assert audit_log_of(scene)[0].actor == "staff:hana"


@pytest.mark.parametrize("action", list(AllocationAction))
def test_no_state_is_skipped(action: AllocationAction) -> None:
    allowed, target = transitions[action]
    for state in AllocationState:
        if state in allowed:
            assert state_after(action, state) is target
        else:
            with pytest.raises(Conflict, match=f"this allocation is {state}"):
                state_after(action, state)
