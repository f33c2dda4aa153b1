"""Agreements as rules: their life, what contradicts itself, what they let us give."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import agreement as rules
from service.domain.agreement import (
    BY_CALENDAR,
    ENDED,
    TRANSITIONS,
    AgreementAction,
    AgreementState,
    BalanceBasis,
)
from service.domain.agreement_bounds import Bounds, bounds_of, room
from service.domain.agreement_fields import check_change, checked
from service.domain.allocation_room import Room
from service.domain.contradiction import contradictions, warnings
from service.errors import Conflict, Invalid, WrongValues
from tests.service.agreement_terms import an_agreement

S = AgreementState
ACTIVE = S.ACTIVE


def day(text: str) -> date:
    return date.fromisoformat(text)


# --- the life -----------------------------------------------------------------------------------


def test_the_life_of_an_agreement_is_the_one_that_librarians_know() -> None:
    path = {(begin, target) for begins, target in TRANSITIONS.values() for begin in begins}
    known = [
        (S.PROPOSED, S.NEGOTIATION),
        (S.NEGOTIATION, S.SIGNED),
        (S.SIGNED, S.ACTIVE),
        (S.ACTIVE, S.EXPIRING),
        (S.EXPIRING, S.RENEWED),
        (S.EXPIRING, S.EXPIRED),
        (S.ACTIVE, S.SUSPENDED),
        (S.SUSPENDED, S.ACTIVE),
    ]
    ours = [
        (S.RENEWED, S.EXPIRING),
        (S.RENEWED, S.SUSPENDED),
        (S.EXPIRING, S.SUSPENDED),
        (S.SUSPENDED, S.EXPIRED),
    ]
    ends = [(state, S.TERMINATED) for state in S if state not in ENDED]
    assert path == {*known, *ours, *ends}


def test_every_impossible_transition_says_the_state_and_what_is_possible() -> None:
    for action, state in product(AgreementAction, S):
        begins, target = TRANSITIONS[action]
        if state in begins:
            assert rules.after(action, state) is target
            continue
        with pytest.raises(Conflict) as refused:
            rules.after(action, state)
        assert f"is {state}" in refused.value.detail
        for each in rules.possible(state):
            assert each in refused.value.detail
    assert not any(rules.possible(state) for state in ENDED)
    assert not any(action in BY_CALENDAR for state in S for action in rules.possible(state))


@pytest.mark.parametrize(
    ("state", "renews", "at", "action"),
    [
        (S.SIGNED, False, "2025-01-31", None),
        (S.SIGNED, False, "2025-02-01", "start"),
        (S.ACTIVE, False, "2027-11-01", None),
        (S.ACTIVE, False, "2027-11-02", "warn"),
        (S.RENEWED, True, "2027-11-02", "warn"),
        (S.EXPIRING, False, "2028-01-31", None),
        (S.EXPIRING, False, "2028-02-01", "expire"),
        (S.EXPIRING, True, "2028-02-01", "renew"),
        (S.SUSPENDED, True, "2027-12-01", None),
        (S.SUSPENDED, True, "2028-02-01", "expire"),
        (S.PROPOSED, False, "2030-01-01", None),
        (S.TERMINATED, False, "2030-01-01", None),
    ],
)
def test_the_calendar_does_one_step_on_its_day(
    state: S, renews: bool, at: str, action: str | None
) -> None:
    terms = an_agreement(renews=renews).terms
    assert rules.due(state, terms, day(at)) == action


@given(
    start=st.dates(day("1950-01-01"), day("2100-01-01")),
    months=st.integers(1, 120),
    number=st.integers(1, 8),
)
def test_terms_follow_each_other_without_a_gap_and_without_drifting(
    start: date, months: int, number: int
) -> None:
    end = rules.end_of_term(start, months)
    for _ in range(number - 1):
        terms = an_agreement(starts_on=start, ends_on=end, term_months=months).terms
        following = rules.end_of_next_term(terms)
        assert following is not None
        assert following > end
        end = following
    assert end == rules.months_later(start, months * number) - timedelta(days=1)


def test_an_agreement_holds_from_its_first_day_to_its_last_whoever_looked_after_it() -> None:
    for state, renews, at, holds in (
        (S.SIGNED, False, "2025-02-01", True),
        (S.SIGNED, False, "2025-01-31", False),
        (S.ACTIVE, False, "2028-01-31", True),
        (S.EXPIRING, False, "2028-02-01", False),
        (S.EXPIRING, True, "2028-02-01", True),
        (S.SUSPENDED, False, "2026-01-01", False),
        (S.NEGOTIATION, False, "2026-01-01", False),
    ):
        assert rules.in_force(an_agreement(state, renews=renews), day(at)) is holds, (state, at)


# --- contradictions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field", "word"),
    [
        ({"title": ""}, "title", "title"),
        ({"scope": []}, "scope", "BOOKS"),
        ({"parties": []}, "parties", "partner"),
        ({"ends_on": "2025-01-20", "term_months": None}, "ends_on", "before it starts"),
        ({"signed_on": "2029-01-01"}, "ends_on", "before it was signed"),
        ({"starts_on": None, "ends_on": "2028-01-01"}, "starts_on", "when it starts"),
        ({"ends_on": "2028-02-15"}, "term_months", "2028-01-31"),
        ({"renews": True, "term_months": None}, "renews", "how many months"),
        ({"tolerance": 5}, "tolerance", "OPEN"),
        ({"mode": "BLANKET", "allowance_per_year": None}, "allowance_first", "BLANKET"),
        ({"mode": "BLANKET", "allowance_first": None}, "allowance_per_year", "BLANKET"),
        (
            {"activities": [{"kind": "STAFF", "title": "Exchange"}]},
            "activities",
            "not in the scope",
        ),
        (
            {"activities": [{"kind": "BOOKS", "title": "Early", "starts_on": "2024-01-01"}]},
            "activities",
            "before the agreement",
        ),
        (
            {"activities": [{"kind": "BOOKS", "title": "Late", "ends_on": "2030-01-01"}]},
            "activities",
            "after the agreement ends",
        ),
        (
            {
                "activities": [
                    {
                        "kind": "BOOKS",
                        "title": "Back",
                        "starts_on": "2026-02-02",
                        "ends_on": "2026-02-01",
                    }
                ]
            },
            "activities",
            "before it starts",
        ),
    ],
)
def test_each_contradiction_is_found_by_itself(
    wrong: dict[str, Any], field: str, word: str
) -> None:
    assert contradictions(an_agreement(), []) == []
    ((found, told),) = contradictions(an_agreement(**wrong), [])
    assert found == field
    assert word in told


def test_contradictions_are_told_all_at_once() -> None:
    found = contradictions(
        an_agreement(
            scope=["STAFF"],
            starts_on="2025-02-01",
            ends_on="2025-01-01",
            basis="OPEN",
            tolerance=3,
            renews=True,
            term_months=None,
            activities=[{"kind": "POLICY", "title": "A", "starts_on": "2020-01-01"}],
        ),
        [],
    )
    assert [field for field, _ in found] == [
        *("ends_on", "ends_on", "renews", "tolerance", "tolerance"),
        *("allowance_first", "allowance_per_year", "activities", "activities"),
    ]
    assert len({told for _, told in found}) == len(found)


def test_two_agreements_that_run_may_not_hold_two_opinions() -> None:
    other = an_agreement(ACTIVE, 2, mode="SPECIFIED", basis="PIECE", postage="SHARED")
    one = an_agreement(S.SIGNED)
    found = contradictions(one, [other])
    assert [field for field, _ in found] == ["mode", "basis", "postage"]
    assert all("A2" in told and "shanghai" in told for _, told in found)
    assert contradictions(an_agreement(ACTIVE), [an_agreement(ACTIVE, 2)]) == []
    draft = an_agreement()
    assert contradictions(draft, [other]) == [], "it is not signed yet"
    assert len([told for told in warnings(draft, [other], 0) if "A2" in told]) == 3


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"starts_on": "2028-02-01"},
        {"starts_on": "2020-02-01"},
        {"scope": ["STAFF"], "allowance_first": None, "allowance_per_year": None},
        {"parties": [{"partner": "nagasaki"}]},
    ],
)
def test_what_does_not_meet_does_not_contradict(elsewhere: dict[str, Any]) -> None:
    other = an_agreement(ACTIVE, 2, **({"mode": "SPECIFIED"} | elsewhere))
    assert contradictions(an_agreement(ACTIVE), [other]) == []
    for state in (S.PROPOSED, S.EXPIRED, S.TERMINATED):
        over = an_agreement(state, 2, mode="SPECIFIED")
        assert contradictions(an_agreement(ACTIVE), [over]) == []


def test_one_that_renews_itself_meets_whatever_comes_behind_it() -> None:
    other = an_agreement(ACTIVE, 2, starts_on="2028-02-01", mode="SPECIFIED")
    found = contradictions(an_agreement(ACTIVE, renews=True), [other])
    assert [field for field, _ in found] == ["mode"]


def test_what_may_stand_is_a_warning() -> None:
    late = an_agreement(S.SIGNED, signed_on="2025-03-01", allowance_per_year=None)
    assert contradictions(late, []) == []
    assert [told.partition(" ")[0] for told in warnings(late, [], 0)] == ["it", "nothing", "it"]
    assert len(warnings(late, [], 1)) == 2


def test_wrong_values_are_told_all_at_once_each_under_its_place() -> None:
    with pytest.raises(WrongValues) as refused:
        checked(
            {
                "scope": ["BOOKS", "SONGS"],
                "starts_on": "15.9.2025",
                "tolerance": -1,
                "allowance_first": True,
                "parties": [{"partner": "a"}, {"partner": "a"}],
                "activities": [{"kind": "BOOKS", "title": "A", "when": "now"}],
                "languages": ["korean"],
                "title": "two\nlines",
                "renews": "yes",
                "colour": "red",
            }
        )
    assert [field for field, _ in refused.value.faults] == [
        *("scope", "starts_on", "tolerance", "allowance_first", "parties.2.partner"),
        *("activities.1", "languages", "title", "renews", "colour"),
    ]


@pytest.mark.parametrize(
    "day", ["0001-01-01", "9999-12-31", "20250915", "2025-W01-1", "2025-02-30"]
)
def test_a_day_that_no_term_could_be_counted_from_is_refused(day: str) -> None:
    with pytest.raises(WrongValues):
        checked({"starts_on": day})


def test_what_was_signed_stands_and_is_changed_by_an_amendment() -> None:
    check_change(S.NEGOTIATION, ["mode", "parties", "ends_on"], "")
    check_change(ACTIVE, ["notes", "activities"], "")
    check_change(ACTIVE, ["allowance_per_year", "ends_on"], "Letter of 3 March")
    check_change(S.EXPIRED, ["notes"], "")
    with pytest.raises(Invalid, match="amendment"):
        check_change(ACTIVE, ["allowance_per_year"], " ")
    for state, names in (
        (ACTIVE, ["mode"]),
        (S.SUSPENDED, ["parties"]),
        (S.EXPIRING, ["ends_on"]),
        (S.EXPIRED, ["activities"]),
    ):
        with pytest.raises(Conflict, match=state):
            check_change(state, names, "Letter of 3 March")


# --- what it lets us give -----------------------------------------------------------------------


def test_the_shanghai_type_bounds_the_first_year_and_the_later_ones() -> None:
    first = bounds_of([an_agreement(ACTIVE)], day("2025-06-01"))
    assert first is not None
    assert (first.since, first.year_since) == (day("2025-02-01"), day("2025-02-01"))
    assert room(first, 0, 0, 0).copies == 500
    assert room(first, 0, 499, 0)[:2] == (1, "the agreement allows 500 copies in the first year")
    assert room(first, 0, 500, 0).copies == room(first, 0, 700, 0).copies == 0
    later = bounds_of([an_agreement(ACTIVE)], day("2027-01-31"))
    assert later is not None
    assert later.year_since == day("2026-02-01")
    assert room(later, 0, 30, 500)[:2] == (70, "the agreement allows 100 copies a year")
    assert room(later, 0, 0, 0).copies == 500, "the first gift is still to come"
    assert bounds_of([an_agreement(ACTIVE)], day("2028-02-01")) is None


@given(
    basis=st.sampled_from([BalanceBasis.PIECE, BalanceBasis.VOLUME]),
    tolerance=st.none() | st.integers(0, 50),
    first=st.none() | st.integers(0, 50),
    yearly=st.none() | st.integers(0, 50),
    balance=st.integers(-50, 100),
    this_year=st.integers(0, 60),
    before=st.integers(0, 60),
)
def test_no_room_is_beyond_any_bound_and_every_bound_has_its_sentence(
    basis: BalanceBasis,
    tolerance: int | None,
    first: int | None,
    yearly: int | None,
    balance: int,
    this_year: int,
    before: int,
) -> None:
    bounds = Bounds("A", basis, tolerance, first, yearly)
    found = room(bounds, balance, this_year, before)
    allowance = first if before == 0 and first is not None else yearly
    tolerated = [] if tolerance is None else [max(0, tolerance - balance)]
    limits = [] if allowance is None else [max(0, allowance - this_year)]
    in_volumes = tolerated if basis is BalanceBasis.VOLUME else []
    limits += tolerated if basis is BalanceBasis.PIECE else []
    assert found.copies == (min(limits) if limits else None)
    assert found.volumes == (min(in_volumes) if in_volumes else None)
    assert bool(found.why) is bool(limits)
    assert bool(found.why_volumes) is bool(in_volumes)


def test_a_partner_beyond_its_tolerance_reads_by_how_much() -> None:
    bounds = Bounds("A", BalanceBasis.VOLUME, tolerance=10)
    found = room(bounds, 12, 0, 0)
    assert (found.copies, found.volumes) == (None, 0)
    assert found.why_volumes == (
        "the agreement tolerates a balance of 10 volumes, and you received 12 volumes more than "
        "you gave"
    )
    assert room(bounds, -1, 0, 0).volumes == 11
    assert room(bounds._replace(basis=BalanceBasis.PIECE), -1, 0, 0).copies == 11
    assert room(bounds._replace(basis=BalanceBasis.VALUE), 99, 0, 0) == Room()


def test_an_agreement_about_other_things_bounds_no_books_and_a_suspended_one_all() -> None:
    at = day("2026-01-01")
    staff = an_agreement(ACTIVE, 2, scope=["STAFF"], allowance_first=None, allowance_per_year=None)
    suspended = an_agreement(S.SUSPENDED, 3)
    about_staff = bounds_of([staff], at)
    assert about_staff is not None
    assert not about_staff.has_books
    assert room(about_staff, 99, 9999, 9999).copies is None
    assert bounds_of([suspended, staff], at) != bounds_of([staff], at)
    assert room(bounds_of([suspended, staff], at), 0, 0, 0).copies == 0
    both = bounds_of([suspended, staff, an_agreement(ACTIVE)], at)
    assert both is not None
    assert (both.agreement, both.suspended) == ("A1", False)
    assert bounds_of([], at) is None


def test_books_may_be_of_what_any_agreement_names() -> None:
    at = day("2026-01-01")
    one = an_agreement(ACTIVE, 1, subjects=["history"], languages=["kor"])
    other = an_agreement(ACTIVE, 2, subjects=["art"])
    found = bounds_of([one, other], at)
    assert found is not None
    assert (found.subjects, found.languages) == (("history", "art"), ())
