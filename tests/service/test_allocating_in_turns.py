"""Partners pick in turns, each by its own ranking: nobody is kept waiting by where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import allocation_way
from service.domain.allocation import AllocationPolicy, Decision, Standing, Title, Wished
from service.domain.allocation_room import Room
from service.domain.allocation_round import order_of_round
from service.domain.draw import lot
from service.usecases import allocating
from service.usecases.site import Site
from tests.service.allocation_scene import LIST, Scene, a_scene

START = datetime(2026, 5, 1, tzinfo=UTC)
SEED = "2026"
ROUND_ROBIN = AllocationPolicy.ROUND_ROBIN


@dataclass
class Case:
    """Titles, wishes and partners; a partner's lists are numbered after it."""

    titles: dict[int, Title]
    wishes: list[Wished]
    standings: dict[int, Standing]

    def decide(self, random: Random | None = None, min_parcel: int | None = None) -> list[Decision]:
        """Decide; ``random`` shuffles what is read."""
        titles, wishes = [*self.titles.values()], [*self.wishes]
        if random:
            random.shuffle(titles)
            random.shuffle(wishes)
        read = [(title, [w for w in wishes if w.offer_id == title.offer_id]) for title in titles]
        made_of = allocation_way.made_of(ROUND_ROBIN, min_parcel)
        return list(allocation_way.decide(made_of, SEED, lambda: read, self.standings))

    def first_round(self) -> list[int]:
        takes_part = {each.partner_id for each in self.wishes if not each.hindrance}
        return sorted(takes_part, key=lambda who: lot(SEED, self.standings[who].code))


def a_wish(who: int, nth: int, title: int, quantity: int = 1, hindrance: str = "") -> Wished:
    """Return the nth wish of a partner, whose lists have two lines each."""
    number, line = divmod(nth - 1, 2)
    name = f"LIST{who}{number}"
    return Wished(10 * who + number, name, line + 1, who, title, quantity, START, hindrance)


def a_case(rankings: Sequence[Sequence[int]], copies: int = 1, **rooms: Room) -> Case:
    """Return partners p1, p2 … with the titles that each wishes for, the dearest first."""
    titles = sorted({title for ranking in rankings for title in ranking})
    return Case(
        {title: Title(title, f"OFFER{title}", copies) for title in titles},
        [
            a_wish(who, nth, title)
            for who, ranking in enumerate(rankings, 1)
            for nth, title in enumerate(ranking, 1)
        ],
        {
            who: Standing(f"p{who}", room=rooms.get(f"p{who}", Room()))
            for who in range(1, len(rankings) + 1)
        },
    )


@st.composite
def cases(draw: st.DrawFn, most: int = 3) -> Case:
    titles = {
        key: Title(key, f"OFFER{key}", draw(st.integers(0, 3)), draw(st.sampled_from([1, 1, 3])))
        for key in range(1, draw(st.integers(2, 7)))
    }
    standings = {
        who: Standing(
            f"p{who}",
            room=Room(
                draw(st.sampled_from([None, None, 0, 2])),
                "your copies are used up",
                draw(st.sampled_from([None, None, 4])),
                "your volumes are used up",
            ),
        )
        for who in range(1, draw(st.integers(2, 6)))
    }
    wishes = [
        a_wish(
            who,
            nth,
            title,
            draw(st.integers(1, most)),
            draw(st.sampled_from(["", "", "", "", "the title was taken back"])),
        )
        for who in standings
        for nth, title in enumerate(draw(st.lists(st.sampled_from([*titles]), max_size=6)), 1)
    ]
    return Case(titles, wishes, standings)


def has_room(case: Case, wished: Wished, has: Sequence[Wished]) -> bool:
    room = case.standings[wished.partner_id].room
    volumes = sum(case.titles[each.offer_id].volumes for each in has)
    more = case.titles[wished.offer_id].volumes
    return (room.copies is None or len(has) < room.copies) and (
        room.volumes is None or volumes + more <= room.volumes
    )


def played(case: Case) -> list[tuple[int, Wished]]:
    """Play as it is told to people, and return (round, wish) pick by pick."""
    picks: list[tuple[int, Wished]] = []
    left = {key: title.copies for key, title in case.titles.items()}
    here = case.first_round()
    number = 1
    while here:
        for who in here if number % 2 else here[::-1]:
            has = [wished for _, wished in picks if wished.partner_id == who]
            pick = next(
                (
                    wished
                    for wished in case.wishes
                    if wished.partner_id == who
                    and not wished.hindrance
                    and left[wished.offer_id]
                    and has.count(wished) < wished.quantity
                    and has_room(case, wished, has)
                ),
                None,
            )
            if pick is None:
                here = [each for each in here if each != who]
            else:
                picks.append((number, pick))
                left[pick.offer_id] -= 1
        number += 1
    return picks


@given(cases())
def test_everybody_picks_at_its_turn_what_it_likes_best_of_what_is_left(case: Case) -> None:
    picks = played(case)
    given_ = Counter(wished for _, wished in picks)
    decisions = case.decide()
    assert {d.wished: d.given for d in decisions} == {w: given_[w] for w in case.wishes}
    first = {wished: number for number, wished in reversed(picks)}
    ordinals = {1: "first", 2: "second", 3: "third"}
    for each in decisions:
        if each.given == each.wished.quantity:
            number = first[each.wished]
            assert f"it was your {ordinals.get(number, f'{number}th')} pick" in each.reason


@given(cases(), st.randoms(use_true_random=False))
def test_no_copy_is_given_twice_and_the_order_of_reading_changes_nothing(
    case: Case, random: Random
) -> None:
    decisions = case.decide()
    assert sorted(each.wished for each in decisions) == sorted(case.wishes)
    for key, title in case.titles.items():
        mine = [each for each in decisions if each.wished.offer_id == key]
        assert sum(each.given for each in mine) <= title.copies
        ranks = [each.rank for each in mine if each.rank]
        assert ranks == list(range(1, len(ranks) + 1))
        assert [bool(each.given) for each in mine] == sorted(
            (bool(each.given) for each in mine), reverse=True
        )
    for each in decisions:
        assert each.given <= each.wished.quantity
        assert not (each.wished.hindrance and each.rank)
        assert each.reason.endswith(".")
    again = case.decide(random)
    assert {each.wished: each for each in again} == {each.wished: each for each in decisions}


@given(cases())
def test_shares_differ_by_a_round_at_most_while_wishes_last(case: Case) -> None:
    decisions = case.decide()
    shares = Counter(dict.fromkeys(case.standings, 0))
    gone: Counter[int] = Counter()
    for each in decisions:
        shares[each.wished.partner_id] += each.given
        gone[each.wished.offer_id] += each.given
    for who, share in shares.items():
        if share + 1 < max(shares.values()):
            lasting = [
                each
                for each in decisions
                if each.wished.partner_id == who and each.rank and each.given < each.wished.quantity
            ]
            for each in lasting:
                at_all = gone[each.wished.offer_id] == each.copies
                has = [d.wished for d in decisions for _ in range(d.given)]
                mine = [wished for wished in has if wished.partner_id == who]
                assert at_all or not has_room(case, each.wished, mine)


@given(cases(most=1))
def test_one_more_copy_would_have_been_for_the_next_in_line(case: Case) -> None:
    decisions = case.decide()
    for each in decisions:
        if each.rank and not each.given:
            before = case.titles[each.wished.offer_id]
            more = Case(
                case.titles | {before.offer_id: before._replace(copies=before.copies + 1)},
                case.wishes,
                case.standings,
            )
            winners = {d.wished for d in decisions if d.given and d.wished.offer_id == before[0]}
            if len(winners) == each.rank - 1:
                now = {d.wished for d in more.decide() if d.given}
                assert each.wished in now, each


def test_after_two_rounds_the_places_of_all_come_to_the_same() -> None:
    first = [5, 3, 9, 1]
    sums: Counter[int] = Counter()
    for number in range(6):
        for place, who in enumerate(order_of_round(first, number)):
            sums[who] += place
    assert len(set(sums.values())) == 1


# --- in words -------------------------------------------------------------------------------------


def said(case: Case) -> dict[tuple[int, int], str]:
    """Return the reasons by the place of the partner in the first round, and the title."""
    order = case.first_round()
    return {
        (order.index(each.wished.partner_id) + 1, each.wished.offer_id): each.reason
        for each in case.decide()
    }


def test_everybody_reads_whose_turn_it_was() -> None:
    told = said(a_case([[1, 2], [1, 2], [1, 3]]))
    assert told[1, 1] == (
        "Allocated: first of 3 wishes; it was your first pick, and the turn of the next in line "
        "came after yours."
    )
    assert told[2, 1] == (
        "Not allocated: the only copy went to a partner whose turn came before yours in round 1, "
        "when it would have been your first pick; yours was second of 3 wishes."
    )


def test_what_one_ranks_lower_may_be_gone_when_one_comes_to_it() -> None:
    case = a_case([[1, 2], [2]])
    told = said(case)
    who = case.first_round().index(1) + 1
    assert told[who, 2] == (
        "Not allocated: the only copy went to a partner that picked it in round 1; you came to it "
        "in round 2; yours was second of 2 wishes."
    )
    other = 3 - who
    assert told[other, 2].endswith("and the next in line came to it in round 2.")


def test_a_line_that_asks_for_more_is_picked_turn_after_turn() -> None:
    case = a_case([[1], [1]], copies=3)
    case.wishes = [each._replace(quantity=3) for each in case.wishes]
    reasons = said(case)
    # Forwards, backwards: the second partner has the second and the third turn.
    assert reasons[1, 1] == (
        "Allocated 1 of 3 copies: first of 2 wishes; none was left when it was your turn again."
    )
    assert reasons[2, 1].startswith("Allocated 2 of 3 copies: second of 2 wishes; none was left")


def test_who_may_get_no_more_is_told_so_and_the_copy_is_for_others() -> None:
    case = a_case([[1, 2], [2]], p1=Room(1, "your allowance of 1 copy of one list is used up"))
    told = {each.wished: each for each in case.decide()}
    one, two, other = (told[wished] for wished in case.wishes)
    assert (one.given, two.given, other.given) == (1, 0, 1)
    assert two.rank == 0
    assert two.reason == (
        "Not allocated: your allowance of 1 copy of one list is used up (with other titles of "
        "this list)."
    )


def test_a_set_for_which_there_is_no_room_is_passed_over_for_what_comes_next() -> None:
    case = a_case([[1, 2]], p1=Room(None, "", 2, "your allowance of 2 volumes is used up"))
    case.titles[1] = case.titles[1]._replace(volumes=3)
    a_set, book = case.decide()
    assert (a_set.given, book.given) == (0, 1)
    assert "2 volumes" in a_set.reason
    assert "3 volumes" in a_set.reason


def test_who_would_get_too_small_a_parcel_leaves_its_copies_to_the_others() -> None:
    case = a_case([[1, 2, 3, 7], [4, 5, 6], [7, 1, 4]])

    def shares(min_parcel: int | None) -> Counter[int]:
        got: Counter[int] = Counter()
        for each in case.decide(min_parcel=min_parcel):
            got[each.wished.partner_id] += each.given
        return got

    assert shares(None) == {1: 3, 2: 3, 3: 1}
    assert shares(2) == {1: 4, 2: 3, 3: 0}


# --- on a database --------------------------------------------------------------------------------


@pytest.fixture
def scene(site: Site) -> Scene:
    return a_scene(site)


def test_a_list_is_planned_tried_confirmed_passed_on_and_decided_again(scene: Scene) -> None:
    titles = ["One", "Two", "Three", "Four"]
    scene.titles(*titles)
    for code in "abc":
        scene.wish(code, *titles)
    scene.rules(policy="ROUND_ROBIN")
    tried = allocating.what_if(scene.site.db, LIST, scene.site.now(), seed="2026")
    assert tried.policy is ROUND_ROBIN
    planned = scene.plan()
    assert sorted(each.given for each in planned) == [0] * 8 + [1] * 4
    assert {share.partner: share.then for share in tried.shares} == Counter(
        each.partner for each in planned if each.given
    )
    assert allocating.replay(scene.site.db, LIST) == []
    scene.confirm()
    scene.check()
    assert scene.shown().run.inputs["way"] == "in turns"
    order = {each.rank: each for each in scene.decided() if each.title == "One"}
    assert [order[rank].given for rank in (1, 2, 3)] == [1, 0, 0]
    scene.decline(order[1].partner, "One")
    assert scene.of(order[2].partner, "One").given == 1, "it goes to who would have picked next"
    assert (order[2].partner, "One") in scene.given()
    scene.check()
    assert allocating.replay(scene.site.db, LIST) == []


def test_the_last_list_that_came_ranks_behind_the_first(scene: Scene) -> None:
    scene.titles("One", "Two")
    scene.wish("a", "Two")
    first = scene.lists.pop("a")
    scene.wish("a", "One")
    assert scene.lists["a"] > first
    scene.plan(ROUND_ROBIN)
    assert "first pick" in scene.of("a", "Two").reason
    assert "second pick" in scene.of("a", "One").reason
