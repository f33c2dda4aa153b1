"""What a partner may get of a list, whatever the policy: allowances, bounds, agreements."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from service.domain.agreement import AgreementState, BalanceBasis, Scope, Terms
from service.domain.allocation import AllocationPolicy
from service.store import agreements, tables
from service.store.tables import offer
from service.usecases import allocating
from service.usecases.site import Site
from tests.service.allocation_scene import LIST, Scene, a_scene


@pytest.fixture
def scene(site: Site) -> Scene:
    return a_scene(site)


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        ({"per_list": 2}, "your allowance of 2 copies of one list is used up"),
        ({"per_year": 2}, "your allowance of 2 copies a year is used up"),
    ],
)
def test_an_allowance_is_kept_and_named(scene: Scene, bound: dict[str, int], why: str) -> None:
    scene.titles("One", "Two", "Three")
    scene.partner("a", **bound)
    scene.wish("a", "One", "Two", "Three")
    scene.plan()
    met = [each for each in scene.decided() if each.given]
    (missed,) = (each for each in scene.decided() if not each.given)
    assert len(met) == 2
    assert missed.reason == f"Not allocated: {why} (with other titles of this list)."
    assert missed.rank == 0


def test_a_list_has_bounds_for_everybody(scene: Scene) -> None:
    scene.titles("One", "Two", "Three")
    scene.rules(max_per_partner=1, not_to="KP VN")
    scene.partner("a", place="KR")
    scene.partner("b", place="VN")
    scene.partner("c", place="MN")
    scene.set(offer, offer.c.id == scene.offers["Three"], not_to="MN")
    scene.wish("a", "One", "Two")
    scene.wish("b", "One")
    scene.wish("c", "Three")
    scene.plan()
    why = {each.reason for each in scene.decided() if not each.given}
    assert why == {
        (
            "Not allocated: nobody gets more than 1 copy of this list, and you get them "
            "(with other titles of this list)."
        ),
        "Not allocated: this title may not be sent to your country or region.",
    }
    assert [each.partner for each in scene.decided() if each.given] == ["a"]


def test_a_parcel_that_would_be_too_small_is_not_sent(scene: Scene) -> None:
    scene.titles("One", "Two", "Three")
    scene.rules(min_parcel=2)
    scene.received("a", 5)
    scene.wish("a", "One", "Two", "Three")
    scene.wish("b", "One")
    scene.plan()
    assert scene.of("b").reason == (
        "Not allocated: your share of this list would be 1 copy, and a parcel has at least 2."
    )
    assert sum(each.given for each in scene.decided() if each.partner == "a") == 3
    assert allocating.replay(scene.site.db, LIST) == []


def test_nobody_gets_by_a_decline_what_it_may_not_get(scene: Scene) -> None:
    scene.titles("One", "Two")
    scene.received("b", 5)
    scene.received("c", 9)
    scene.partner("b", per_list=1)
    scene.wish("a", "One")
    scene.wish("b", "One", "Two")
    scene.wish("c", "One")
    scene.plan()
    scene.confirm()
    assert set(scene.given()) == {("a", "One"), ("b", "Two")}
    scene.decline("a")
    assert set(scene.given()) == {("c", "One"), ("b", "Two")}, "b has what it may have"
    scene.check()


def test_who_is_beyond_the_tolerance_of_its_agreement_gets_nothing_and_reads_why(
    scene: Scene,
) -> None:
    scene.titles("One", "Two")
    agreed = Terms(
        title="Exchange",
        scope=(Scope.BOOKS,),
        basis=BalanceBasis.VOLUME,
        tolerance=20,
        starts_on=date(2049, 1, 1),
    )
    who = scene.partner("nagasaki")
    with scene.site.db.write() as conn:
        agreements.add(conn, agreed, {}, scene.site.now())
        (key,) = conn.execute(sa.select(tables.agreement.c.id)).scalars()
        conn.execute(tables.agreement.update().values(state=AgreementState.ACTIVE.value))
        conn.execute(tables.agreement_party.insert().values(agreement_id=key, partner_id=who.id))
    scene.received("nagasaki", 40)
    scene.received("kaohsiung", 45)
    scene.wish("nagasaki", "One", "Two")
    scene.wish("kaohsiung", "One")
    scene.plan()
    assert scene.of("nagasaki", "One").reason == (
        "Not allocated: the agreement tolerates a balance of 20 volumes, and you received "
        "40 volumes more than you gave."
    )
    assert scene.of("nagasaki", "Two").given == 0, "not even what nobody else wants"
    assert scene.of("kaohsiung").reason == "Allocated: the only wish."
    assert allocating.replay(scene.site.db, LIST) == []


def test_what_a_partner_is_about_to_get_counts_against_its_tolerance(scene: Scene) -> None:
    """A copy that comes back while a list is confirmed is no more than what was agreed."""
    scene.titles("One", "Two")
    agreed = Terms(
        title="Exchange",
        scope=(Scope.BOOKS,),
        basis=BalanceBasis.PIECE,
        tolerance=1,
        starts_on=date(2049, 1, 1),
    )
    who = scene.partner("b")
    with scene.site.db.write() as conn:
        agreements.add(conn, agreed, {}, scene.site.now())
        (key,) = conn.execute(sa.select(tables.agreement.c.id)).scalars()
        conn.execute(tables.agreement.update().values(state=AgreementState.ACTIVE.value))
        conn.execute(tables.agreement_party.insert().values(agreement_id=key, partner_id=who.id))
    for title in ("One", "Two"):
        scene.wish("a", title)
        scene.wish("b", title)
    scene.plan(AllocationPolicy.FIRST_COME)
    assert sum(each.given for each in scene.decided() if each.partner == "b") == 0
    for line in (1, 2):
        scene.withdraw_wish("a", line)
    scene.confirm()
    assert sum(each.given for each in scene.decided() if each.partner == "b") == 1
    scene.check()
