"""The policies alone: what decides, in which words, and the same on every machine."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import allocation_plan, allocation_way
from service.domain.allocation import AllocationPolicy, Decision, Standing, Title, Wished
from service.domain.allocation_policy import CRITERIA, POLICIES
from service.domain.allocation_room import Room
from service.domain.draw import lot
from service.domain.waiting_line import pass_on

START = datetime(2026, 5, 1, tzinfo=UTC)


def a_wish(who: int, title: int = 1, **known: object) -> Wished:
    moment = START + timedelta(minutes=who)
    wished = Wished(who, f"LIST{who:02}", title, who, title, 1, moment)
    return wished._replace(**known)  # type: ignore[arg-type]


def decide(
    policy: AllocationPolicy,
    wishes: Sequence[Wished],
    standings: dict[int, Standing],
    *,
    copies: int = 1,
    seed: str = "2026",
    min_parcel: int | None = None,
    sets: bool = False,
) -> list[Decision]:
    """Decide; with ``sets`` the title of a number has as many volumes."""
    titles = [
        (
            Title(key, f"OFFER{key}", copies, key if sets else 1),
            [each for each in wishes if each.offer_id == key],
        )
        for key in sorted({each.offer_id for each in wishes})
    ]
    titles.sort(key=lambda each: allocation_plan.order(seed, each[0].offer))
    made_of = allocation_way.made_of(policy, min_parcel)
    return list(allocation_way.decide(made_of, seed, lambda: titles, standings))


@pytest.mark.parametrize(
    ("winner", "loser", "behind", "before"),
    [
        (({}, {}), ({"had": True}, {}), "received this work before", "never received this work"),
        (({}, {"balance": 12}), ({}, {"balance": 40}), "(40 against 12 volumes)", "(12 against 40"),
        (
            ({}, {"priority": 1}),
            ({}, {"priority": 3}),
            "lower priority (3 ag",
            "priority (1 against 3",
        ),
        (({"fits": True}, {}), ({}, {}), "does not collect", "that collects such books"),
        (({}, {}), ({"place_has": True}, {}), "has a copy of it", "had no copy of it"),
        (({}, {"tier": 0}), ({}, {"tier": 1}), "in line later", "the list opened earlier"),
        (
            ({}, {"weight": 9}),
            ({}, {"weight": 2}),
            "weighs less (2 against 9)",
            "more (9 against 2)",
        ),
        (({}, {}), ({}, {}), "the lot fell on you", "on whom the lot fell"),
    ],
    ids=POLICIES[AllocationPolicy.PRIORITY].criteria,
)
def test_each_criterion_decides_and_both_read_which(
    winner: tuple[dict[str, object], dict[str, object]],
    loser: tuple[dict[str, object], dict[str, object]],
    behind: str,
    before: str,
) -> None:
    wishes = [a_wish(2, **winner[0]), a_wish(1, **loser[0])]
    # With this seed the lot falls on p2: it decides only where nothing else does.
    standings = {
        2: Standing("p2", "MN", **winner[1]),  # type: ignore[arg-type]
        1: Standing("p5", "KR", **loser[1]),  # type: ignore[arg-type]
    }
    first, second = decide(AllocationPolicy.PRIORITY, wishes, standings, seed=SEED_FOR_P2)
    assert (first.wished.partner_id, first.given, second.given) == (2, 1, 0)
    assert behind in first.reason
    assert before in second.reason


@given(st.text(max_size=100), st.lists(st.text(max_size=30), max_size=3))
def test_a_lot_is_an_hmac_that_anybody_can_make(seed: str, names: list[str]) -> None:
    made = hmac.new(seed.encode(), "\0".join(names).encode(), "sha256").digest()
    assert lot(seed, *names) == int.from_bytes(made[:8], "big")


def _seed_for(winner: str, loser: str) -> str:
    """Return a seed whose lot for the first title falls on the winner."""
    return next(
        str(n) for n in range(99) if lot(str(n), "OFFER1", winner) < lot(str(n), "OFFER1", loser)
    )


SEED_FOR_P2 = _seed_for("p2", "p5")


def test_what_the_run_gave_counts_for_the_next_title() -> None:
    standings = {1: Standing("a", "KR"), 2: Standing("b", "KR")}
    wishes = [a_wish(who, title) for title in range(1, 9) for who in (1, 2)]
    decisions = decide(AllocationPolicy.PRIORITY, wishes, standings)
    given = [each.wished.partner_id for each in decisions if each.given]
    assert sorted(given) == [1] * 4 + [2] * 4


def test_the_second_copy_goes_where_there_is_none() -> None:
    standings = {1: Standing("a", "KR"), 2: Standing("b", "KR"), 3: Standing("c", "MN")}
    for seed in "123456":
        decisions = decide(
            AllocationPolicy.COVERAGE_FIRST,
            [a_wish(n) for n in (1, 2, 3)],
            standings,
            copies=2,
            seed=seed,
        )
        places = {standings[each.wished.partner_id].place for each in decisions if each.given}
        assert places == {"KR", "MN"}


@dataclass
class _Case:
    wishes: list[Wished]
    standings: dict[int, Standing]


@st.composite
def cases(draw: st.DrawFn) -> _Case:
    partners = range(1, draw(st.integers(2, 6)))
    standings = {
        who: Standing(
            f"p{who}",
            draw(st.sampled_from(["", "KR", "MN"])),
            draw(st.integers(-3, 3)),
            draw(st.integers(1, 3)),
            draw(st.integers(0, 1)),
            draw(st.integers(0, 1)),
            Room(
                draw(st.sampled_from([None, 0, 1, 3])),
                "your allowance is used up",
                draw(st.sampled_from([None, 0, 3, 7])),
                "the agreement tolerates no more",
            ),
        )
        for who in partners
    }
    keys = draw(st.sets(st.tuples(st.sampled_from(list(partners)), st.integers(1, 4)), min_size=1))
    wishes = [
        a_wish(
            who,
            title,
            quantity=draw(st.integers(1, 3)),
            had=draw(st.booleans()),
            fits=draw(st.booleans()),
            hindrance=draw(st.sampled_from(["", "", "", "the title was taken back"])),
        )
        for who, title in sorted(keys)
    ]
    return _Case(wishes, standings)


@given(
    cases(),
    st.sampled_from(AllocationPolicy),
    st.integers(1, 3),
    st.sampled_from([None, 2]),
    st.randoms(use_true_random=False),
)
def test_nobody_gets_what_it_may_not_and_the_order_of_reading_changes_nothing(
    case: _Case,
    policy: AllocationPolicy,
    copies: int,
    min_parcel: int | None,
    random: object,
) -> None:
    named: dict[str, Any] = {"copies": copies, "min_parcel": min_parcel, "sets": True}
    decisions = decide(policy, case.wishes, case.standings, **named)
    assert sorted(each.wished for each in decisions) == sorted(case.wishes)
    shares: dict[int, int] = {}
    volumes: Counter[int] = Counter()
    for each in decisions:
        shares[each.wished.partner_id] = shares.get(each.wished.partner_id, 0) + each.given
        volumes[each.wished.partner_id] += each.given * each.wished.offer_id
        assert 0 <= each.given <= min(each.wished.quantity, copies)
        assert each.reason.endswith(".")
        assert (each.rank == 0) <= (each.given == 0)
        assert not (each.wished.hindrance and each.given)
    for who, share in shares.items():
        room = case.standings[who].room
        assert room.copies is None or share <= room.copies
        assert room.volumes is None or volumes[who] <= room.volumes
        assert share == 0 or share >= (min_parcel or 0)
    for title in {each.offer_id for each in case.wishes}:
        mine = [each for each in decisions if each.wished.offer_id == title]
        assert sum(each.given for each in mine) <= copies
        ranked = sorted(each.rank for each in mine if each.rank)
        assert ranked == list(range(1, len(ranked) + 1))
    shuffled = list(case.wishes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = decide(policy, shuffled, case.standings, **named)
    assert again == decisions


@pytest.mark.parametrize("policy", list(AllocationPolicy))
def test_each_policy_is_explained_in_words(policy: AllocationPolicy) -> None:
    said = POLICIES[policy].explained()
    assert said.endswith(".")
    assert all(CRITERIA[name].sentence in said for name in POLICIES[policy].criteria)


@dataclass
class _Waits:
    partner_id: int
    quantity: int


def test_copies_that_come_back_go_down_the_line() -> None:
    line = [_Waits(1, 1), _Waits(2, 2), _Waits(3, 1), _Waits(4, 1)]
    rooms = {1: Room(0), 2: Room(1), 3: Room(), 4: Room()}
    assert pass_on(line, 2, 1, rooms, {}, None) == [(line[1], 1), (line[2], 1)]
    assert pass_on(line, 2, 1, rooms, {4: 1}, 2) == [(line[3], 1)]


def test_a_set_that_comes_back_goes_to_whoever_has_room_for_its_volumes() -> None:
    line = [_Waits(1, 2), _Waits(2, 2)]
    rooms = {1: Room(volumes=5), 2: Room(3, "", 9)}
    assert pass_on(line, 3, 3, rooms, {}, None) == [(line[0], 1), (line[1], 2)]
    assert pass_on(line, 1, 6, rooms, {}, None) == [(line[1], 1)]
