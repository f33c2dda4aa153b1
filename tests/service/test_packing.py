"""Consignments are made and packed: what was given travels once, and can be taken out again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service.domain import parcel as rules
from service.domain.consignment import (
    TRANSITIONS,
    Consignment,
    ConsignmentAction,
    ConsignmentState,
    Service,
    after,
)
from service.domain.parcel import Load, ParcelKind
from service.errors import Conflict, Invalid, NotFound, Outdated, WrongValues
from service.store.tables import partner, record_version
from service.usecases import accepting, dispatching, merging, packing, parcelling
from service.usecases.parcelling import Wish
from service.usecases.site import Site
from tests.service.allocation_scene import a_scene
from tests.service.consignment_scene import (
    ADDRESS,
    HANA,
    a_gift,
    allocated,
    check,
    closed,
    made,
    packed,
    seen,
    titles,
)
from tests.service.consignment_scene import given as entered

# --- the rules, without a database ----------------------------------------------------------------


@pytest.mark.parametrize("action", ConsignmentAction)
def test_an_impossible_step_says_where_it_stands_and_what_is_possible(
    action: ConsignmentAction,
) -> None:
    allowed, target = TRANSITIONS[action]
    for state in ConsignmentState:
        if state in allowed:
            assert after(action, state) is target
        else:
            with pytest.raises(Conflict, match=f"is {state}: .*possible: "):
                after(action, state)


_LOADS = st.lists(st.integers(0, 40_000), max_size=30).map(
    lambda weights: [Load(n, weight) for n, weight in enumerate(weights, 1)]
)


@given(_LOADS, st.sampled_from(rules.LIMITS))
def test_a_proposal_has_every_line_once_in_order_and_no_parcel_too_heavy(
    loads: list[Load], limit: rules.Limit
) -> None:
    made = rules.propose(loads, limit, 400)
    assert [n for each in made.parcels for n in each.positions] == [each.position for each in loads]
    assert made.weight == sum(each.weight for each in loads)
    for each in made.parcels:
        assert each.weight <= limit.most or len(each.positions) == 1
        if each.weight < limit.least:
            assert each.kind is not ParcelKind.M_BAG, "the operator takes no M-bag as light as this"
    heavy = [each for each in loads if each.weight > limit.most]
    assert len([each for each in made.remarks if "alone weighs" in each]) == len(heavy)


@given(_LOADS.filter(lambda loads: all(each.weight <= 30_000 for each in loads)))
def test_there_are_no_more_parcels_than_filling_one_after_the_other_makes(
    loads: list[Load],
) -> None:
    limit = rules.limit("", "", ParcelKind.M_BAG)
    number, weight = 0, limit.most + 1
    for each in loads:
        weight += each.weight
        if weight > limit.most:
            number, weight = number + 1, each.weight
    assert len(rules.propose(loads, limit, 400).parcels) == number


@given(st.integers(0, 99_999_999), st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_of_a_tracking_number_is_seen(serial: int, place: int, more: int) -> None:
    digits = f"{serial:08}"
    right = f"RR{digits}{rules.s10_check_digit(digits)}KR"
    assert rules.check_tracking(right) == right
    wrong = digits[:place] + str((int(digits[place]) + more) % 10) + digits[place + 1 :]
    if rules.s10_check_digit(wrong) != rules.s10_check_digit(digits):  # 0 and 5 stand for two rests
        with pytest.raises(Invalid, match="check digit"):
            rules.check_tracking(f"RR{wrong}{rules.s10_check_digit(digits)}KR")


# --- making ---------------------------------------------------------------------------------------


def test_what_was_allocated_is_made_into_one_consignment_once(site: Site) -> None:
    entered(site, "A", "B")
    first = made(site)
    assert (first.number, first.state) == ("2049-0001", ConsignmentState.DRAFT)
    assert (first.address_roman, first.place) == (ADDRESS, "JP")
    assert (first.titles, first.volumes, first.revision) == (2, 2, 1)
    assert sorted(titles(site, first.number)) == ["A", "B"]
    with pytest.raises(Conflict, match="nothing waits to be sent to 'nagasaki'"):
        made(site)
    assert packing.waiting(site.db) == []
    check(site)


def test_only_what_was_on_the_lists_named_is_packed(site: Site) -> None:
    entered(site, "A")
    with pytest.raises(Conflict, match="nothing of list earlier waits"):
        packing.make_for(site.db, "nagasaki", ["earlier"], by=HANA, now=site.now())
    with pytest.raises(NotFound, match="no list 'autumn'"):
        packing.make_for(site.db, "nagasaki", ["autumn"], by=HANA, now=site.now())
    with pytest.raises(NotFound):
        packing.make_for(site.db, "nobody", by=HANA, now=site.now())
    assert [each.partner for each in packing.waiting(site.db)] == ["nagasaki"]
    both = packing.make_for(site.db, "nagasaki", ["earlier", "spring"], by=HANA, now=site.now())
    assert both.titles == 1


def test_two_at_once_have_two_numbers_and_no_copy_twice(site: Site) -> None:
    scene = entered(site, "A", "B")
    scene.partner("bela")
    done: list[str] = []
    told: list[str] = []

    def run(make: Callable[[], Consignment | str]) -> None:
        barrier.wait()
        try:
            found = make()
            done.append(found if isinstance(found, str) else found.public_id)
        except Conflict as error:
            told.append(error.detail)

    tasks = [
        lambda: made(site),
        lambda: made(site),
        lambda: a_gift(site, scene, "A", code="bela"),
        lambda: a_gift(site, scene, "B", code="bela"),
    ]
    barrier = threading.Barrier(len(tasks))
    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    assert "waits" in told[0]
    numbers = sorted(seen(site, each).consignment.number for each in done)
    assert numbers == ["2049-0001", "2049-0002", "2049-0003"]
    check(site)


def test_numbers_go_on_beyond_four_digits_and_begin_anew_each_year(site: Site) -> None:
    scene = entered(site, "A")
    first = a_gift(site, scene, "A")
    with site.db.write() as conn:
        conn.execute(
            sa.text("UPDATE consignment SET number = '2049-9999' WHERE public_id = :name"),
            {"name": first},
        )
    assert seen(site, a_gift(site, scene, "A")).consignment.number == "2049-10000"
    assert seen(site, a_gift(site, scene, "A")).consignment.number == "2049-10001"
    site.clock.move(366 * 86_400)  # type: ignore[attr-defined]
    assert seen(site, a_gift(site, scene, "A")).consignment.number == "2050-0001"


# --- packing --------------------------------------------------------------------------------------


def test_lines_that_are_taken_out_wait_for_the_next_consignment(site: Site) -> None:
    entered(site, "A", "B", "C")
    first = made(site)
    out = [line.position for line in seen(site, first.number).lines if line.title == "B"]
    left = packing.take_out(site.db, first.number, out, reason="torn", by=HANA, now=site.now())
    assert (left.titles, left.volumes) == (2, 2)
    assert titles(site, made(site).number) == ["B"]
    with pytest.raises(NotFound, match=f"no line {out[0]}"):
        packing.take_out(site.db, first.number, out, by=HANA, now=site.now())
    check(site)


def test_what_is_missing_is_told_before_the_parcels_are_closed(site: Site) -> None:
    scene = entered(site, "A", "B")
    scene.set(partner, partner.c.code == "nagasaki", address_roman="")
    name = made(site).number
    parcelling.tick(site.db, name, [1], by=HANA, now=site.now())
    with pytest.raises(Conflict) as told:
        packing.pack(site.db, name, by=HANA, now=site.now())
    assert "no address to send it to" in told.value.detail
    assert f"line 2 ({titles(site, name)[1]}) is in no parcel" in told.value.detail
    packing.change(site.db, name, {"address_roman": ADDRESS}, by=HANA, now=site.now())
    assert closed(site, name).state is ConsignmentState.PACKED


def test_what_the_partner_declined_meanwhile_cannot_be_closed_in(site: Site) -> None:
    scene = allocated(site, "A", "B")
    name = made(site).number
    scene.decline("nagasaki", "A")
    with pytest.raises(Conflict, match=r"line [12] \(A\) is not for this partner any more"):
        closed(site, name)
    gone = [line.position for line in seen(site, name).lines if not line.given]
    packing.take_out(site.db, name, gone, by=HANA, now=site.now())
    assert closed(site, name).titles == 1
    check(site)


def test_a_book_is_packed_by_its_barcode_or_its_isbn(site: Site) -> None:
    scene = entered(site, "A", "B")
    with site.db.write() as conn:
        conn.execute(
            record_version.update()
            .where(record_version.c.title == "B")
            .values(isbns="9788936434120 9780306406157")
        )
    name = made(site).number
    lines = {line.title: line.position for line in seen(site, name).lines}
    parcelling.label(site.db, name, lines["A"], "EM0001", by=HANA, now=site.now())
    hit = parcelling.scan(site.db, name, "0-306-40615-2", 2, by=HANA, now=site.now())
    assert (hit.title, hit.parcel) == ("B", 2)
    hit = parcelling.scan(site.db, name, " EM0001 ", by=HANA, now=site.now())
    assert (hit.title, hit.parcel) == ("A", 1)
    with pytest.raises(Conflict, match="'A' is in parcel 1 already"):
        parcelling.scan(site.db, name, "EM0001", by=HANA, now=site.now())
    with pytest.raises(NotFound, match="'EM0002': put the book aside"):
        parcelling.scan(site.db, name, "EM0002", by=HANA, now=site.now())
    other = a_gift(site, scene, "A", barcode="EM0002")
    with pytest.raises(NotFound, match=f"belongs to consignment {seen(site, other)[0].number}"):
        parcelling.scan(site.db, name, "EM0002", by=HANA, now=site.now())


def test_parcels_are_proposed_by_the_operator_and_filled_as_proposed(site: Site) -> None:
    entered(site, *"ABCDEF", copies=3, volumes=10)  # 180 volumes, 72 kg by estimate
    name = made(site).number
    proposal = parcelling.split(site.db, name, Wish(operator="KOREA_POST"), by=HANA, now=site.now())
    assert [(each.kind, each.weight) for each in proposal.parcels] == [
        (ParcelKind.M_BAG, 24_000)
    ] * 3
    assert [line.parcel for line in seen(site, name).lines] == [1, 1, 2, 2, 3, 3]
    parcelling.tick(site.db, name, None, by=HANA, now=site.now())
    for number in (1, 2, 3):
        parcelling.describe(site.db, name, number, weight=20_000 + number, by=HANA, now=site.now())
    with pytest.raises(Conflict, match="lines are packed already"):
        parcelling.split(site.db, name, by=HANA, now=site.now())
    shut = packing.pack(site.db, name, by=HANA, now=site.now())
    assert (shut.weight, shut.titles, shut.volumes) == (60_006, 6, 180)
    with pytest.raises(Invalid, match="no operator in the table"):
        parcelling.propose(site.db, name, Wish(operator="NOWHERE"))
    mine = parcelling.propose(site.db, name, Wish(kind=ParcelKind.PARCEL, most=12_000))
    assert len(mine.parcels) == 6
    freight = parcelling.propose(site.db, name, Wish(grams_per_volume=2_000))
    assert {each.kind for each in freight.parcels} == {ParcelKind.CARTON}


def test_closed_parcels_are_opened_again_and_nothing_changes_unseen(site: Site) -> None:
    entered(site, "A", "B")
    shut = packed(site)
    with pytest.raises(Conflict, match="unpack it first"):
        packing.take_out(site.db, shut.number, [1], by=HANA, now=site.now())
    with pytest.raises(Outdated):
        packing.unpack(site.db, shut.number, seen=shut.revision - 1, by=HANA, now=site.now())
    opened = packing.unpack(site.db, shut.public_id, seen=shut.revision, by=HANA, now=site.now())
    assert (opened.state, opened.packed_at) == (ConsignmentState.DRAFT, None)
    parcelling.untick(site.db, shut.number, [1], by=HANA, now=site.now())
    parcelling.remove(site.db, shut.number, 1, by=HANA, now=site.now())
    assert not any(line.packed for line in seen(site, shut.number).lines)
    packing.cancel(site.db, shut.number, by=HANA, now=site.now())
    assert made(site).number == "2049-0002"
    with pytest.raises(Conflict, match="is CANCELLED: it cannot be unpacked; possible: nothing"):
        packing.unpack(site.db, shut.number, by=HANA, now=site.now())
    check(site)


def test_what_waits_later_is_added_to_a_draft(site: Site) -> None:
    entered(site, "A", "B", code="nagasaki")
    first = made(site)
    packing.take_out(site.db, first.number, [1], by=HANA, now=site.now())
    whole = packing.add_waiting(site.db, first.number, by=HANA, now=site.now())
    assert whole.titles == 2
    with pytest.raises(Conflict, match="nothing waits"):
        packing.add_waiting(site.db, first.number, by=HANA, now=site.now())


def test_wrong_values_are_told_together_and_late_ones_refused(site: Site) -> None:
    scene = a_scene(site)
    scene.titles("A")
    name = a_gift(site, scene, "A")
    with pytest.raises(WrongValues) as told:
        packing.change(
            site.db,
            name,
            {"service": "pigeon", "postage": -1, "colour": "red", "place": "Japan"},
            by=HANA,
            now=site.now(),
        )
    assert sorted(field for field, _ in told.value.faults) == [
        "colour",
        "place",
        "postage",
        "service",
    ]
    with pytest.raises(WrongValues, match="in which currency"):
        packing.change(site.db, name, {"postage": 12_000}, by=HANA, now=site.now())
    new = {"service": "air", "postage": 12_000, "postage_currency": "krw"}
    found = packing.change(site.db, name, new, by=HANA, now=site.now())
    assert (found.service, found.postage, found.postage_currency) == (Service.AIR, 12_000, "KRW")
    again = packing.change(site.db, name, new, by=HANA, now=site.now())
    assert again.revision == found.revision


def test_a_decline_still_passes_the_copy_on_while_it_is_packed(site: Site) -> None:
    scene = allocated(site, "A")
    packed(site)
    accepting.decline(
        site.db, scene.of("nagasaki").id, None, reason="", now=site.now(), by="partner:nagasaki"
    )
    scene.check()
    check(site)


def test_a_consignment_goes_with_its_partner_into_another_entry(site: Site) -> None:
    scene = entered(site, "A", "B")
    name = made(site).number
    packing.take_out(site.db, name, [1], by=HANA, now=site.now())
    scene.partner("nagasaki-city")
    merging.merge(site.db, "nagasaki", "nagasaki-city", by=HANA, now=site.now())
    assert packing.find(site.db, name).consignment.partner == "nagasaki-city"
    later = packing.make_for(site.db, "nagasaki-city", by=HANA, now=site.now())
    assert (later.titles, later.address_roman) == (1, ADDRESS)
    dispatching.dispatch(site.db, closed(site, name).number, by=HANA, now=site.now())
    check(site)
