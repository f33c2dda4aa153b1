"""What a partner may get of a list, whatever the policy: allowances, bounds, agreements."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.agreement import BalanceBasis
from service.domain.allocation import AllocationPolicy
from service.domain.allocation_plan import order
from service.domain.allocation_room import Room
from service.errors import Conflict
from service.store import allocation_steps
from service.store.tables import allocation_partner, offer
from service.usecases import allocating, confirming, planning, weighing
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
    scene.agree("nagasaki", basis=BalanceBasis.VOLUME, tolerance=20)
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
    scene.agree("b", basis=BalanceBasis.PIECE, tolerance=1)
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


# --- tolerances in volumes ------------------------------------------------------------------------


# By titles, by arrival, and in turns: each counts what it gives by itself.
_WAYS = [AllocationPolicy.PRIORITY, AllocationPolicy.FIRST_COME, AllocationPolicy.ROUND_ROBIN]


def volumes_of(scene: Scene, code: str) -> int:
    """Return how many volumes of the list a partner was given, of sets of three."""
    return 3 * sum(copies for (who, _), copies in scene.given().items() if who == code)


@pytest.mark.parametrize("policy", _WAYS)
def test_a_tolerance_in_volumes_counts_the_volumes_of_sets(
    scene: Scene, policy: AllocationPolicy
) -> None:
    titles = ("One", "Two", "Three")
    scene.titles(*titles, volumes=3)
    scene.agree("a", basis=BalanceBasis.VOLUME, tolerance=8)
    scene.received("a", 1)
    scene.wish("a", *titles)
    scene.plan(policy)
    (missed,) = (each for each in scene.decided() if not each.given)
    assert missed.reason == (
        "Not allocated: the agreement tolerates a balance of 8 volumes, and you received 1 volume "
        "more than you gave (with other titles of this list); this title has 3 volumes."
    )
    assert allocating.replay(scene.site.db, LIST) == []
    scene.confirm()
    assert volumes_of(scene, "a") == 6
    scene.check()


def test_of_several_copies_of_a_set_a_partner_gets_those_that_it_has_room_for(scene: Scene) -> None:
    scene.titles("One", copies=3, volumes=3)
    scene.agree("a", basis=BalanceBasis.VOLUME, tolerance=7)
    scene.wish("a", "One", quantity=3)
    scene.plan()
    assert scene.of("a").given == 2
    assert scene.of("a").reason == (
        "Allocated 2 of 3 copies: the only wish; the agreement tolerates a balance of 7 volumes, "
        "and you received 0 volumes more than you gave; this title has 3 volumes."
    )


@pytest.mark.parametrize("confirmed", [False, True], ids=["withdrawn", "declined"])
def test_a_set_that_comes_back_passes_by_who_has_no_room_for_it(
    scene: Scene, confirmed: bool
) -> None:
    """Whether its wish was taken back before the confirmation, or it was declined afterwards."""
    scene.titles("One", "Two", volumes=3)
    scene.agree("b", basis=BalanceBasis.VOLUME, tolerance=6)
    for code, titles in {"a": ("One",), "b": ("One", "Two"), "c": ("One",)}.items():
        scene.wish(code, *titles)
    scene.received("b", 1)  # so that it comes behind a, and has room for one set
    scene.received("c", 3)
    scene.plan(seed=_one_before_two(scene))
    if not confirmed:
        scene.withdraw_wish("a", 1)
    scene.confirm()
    if confirmed:
        scene.decline("a")
    assert set(scene.given()) == {("b", "Two"), ("c", "One")}
    assert volumes_of(scene, "b") == 3
    scene.check()


def _one_before_two(scene: Scene) -> str:
    """Return a seed by which One is decided first, when b has room for it: then it has a rank."""
    with scene.site.db.read() as conn:
        names = {row.id: row.public_id for row in conn.execute(offer.select())}
    one, two = (names[scene.offers[title]] for title in ("One", "Two"))
    return next(s for s in map(str, range(100)) if order(s, one) < order(s, two))


def test_a_plan_with_more_volumes_than_a_partner_may_get_by_now_is_not_confirmed(
    scene: Scene,
) -> None:
    scene.titles("One", volumes=3)
    scene.agree("a", basis=BalanceBasis.VOLUME, tolerance=5)
    scene.wish("a", "One")
    scene.plan()
    scene.received("a", 3)
    with pytest.raises(Conflict, match="'a' may get 2 volumes by now, and 3 are planned for it"):
        scene.confirm()
    assert scene.given() == {}


def test_a_run_of_before_volumes_were_counted_comes_out_as_it_did(scene: Scene) -> None:
    scene.titles("One", "Two")
    scene.partner("a", per_list=1)
    scene.wish("a", "One", "Two")
    scene.plan()
    with scene.site.db.write() as conn:
        facts = conn.execute(sa.select(allocation_partner.c.facts)).scalar_one()
        older = {name: facts[name] for name in facts if name not in {"languages", "subjects"}}
        older["room"] = {name: facts["room"][name] for name in ("copies", "why")}
        conn.execute(allocation_partner.update().values(facts=older))
    assert allocating.replay(scene.site.db, LIST) == []


@pytest.mark.parametrize("held", [True, False], ids=["held", "naive"])
def test_two_lists_confirmed_at_once_do_not_both_give_what_is_left(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    """Both look at what is left before either has confirmed, unless partners are held."""
    if not held and scene.site.db.is_sqlite:
        pytest.skip("SQLite lets nobody write beside another")
    scene.titles("One", volumes=3)
    scene.titles("Two", volumes=3, slug="earlier")
    scene.agree("a", basis=BalanceBasis.VOLUME, tolerance=5)
    scene.wish("a", "One", "Two")
    slugs = (LIST, "earlier")
    for slug in slugs:
        planning.plan(scene.site.db, slug, scene.site.now(), by="staff:hana")
    both = threading.Barrier(2, timeout=1 if held else 30)
    rooms, lock = weighing.rooms, allocation_steps.lock_partners

    def looked(*args: Any) -> dict[int, Room]:
        found = rooms(*args)
        with suppress(threading.BrokenBarrierError):
            both.wait()
        return found

    monkeypatch.setattr(weighing, "rooms", looked)
    monkeypatch.setattr(
        allocation_steps, "lock_partners", lambda *args: lock(*args) if held else set()
    )
    refused: list[Conflict] = []

    def confirm(slug: str) -> None:
        try:
            confirming.confirm(scene.site.db, slug, scene.site.now, by="staff:hana")
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=confirm, args=(slug,)) for slug in slugs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(refused) == int(held)
    assert all("'a' may get 2 volumes by now" in str(each) for each in refused)
