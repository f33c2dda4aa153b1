"""When the issues of a journal are due, and what stands on their covers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.issue_calendar import (
    PER_YEAR,
    Expected,
    Frequency,
    IssueCalendar,
    check_per_year,
)
from service.errors import Invalid

_F = Frequency
_DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


def _plan(frequency: Frequency, starts_on: date, volume: int | None = 12) -> IssueCalendar:
    return IssueCalendar(frequency, PER_YEAR[frequency] or 3, starts_on, first_volume=volume)


@pytest.mark.parametrize(
    ("frequency", "labels"),
    [
        (_F.ANNUAL, ["12 (2026)", "13 (2027)"]),
        (_F.SEMIANNUAL, ["12 (2026) 1", "12 (2026) 2", "13 (2027) 1"]),
        (_F.QUARTERLY, ["12 (2026) 1", "12 (2026) 2", "12 (2026) 3"]),
        (_F.BIMONTHLY, ["12 (2026) 1", "12 (2026) 2", "12 (2026) 3"]),
        (_F.MONTHLY, ["12 (2026) 1", "12 (2026) 2", "12 (2026) 3"]),
        (_F.WEEKLY, ["12 (2026) 3", "12 (2026) 4", "12 (2026) 5"]),
        (_F.IRREGULAR, ["12 (2026) 1", "12 (2026) 2", "12 (2026) 3"]),
    ],
)
def test_labels_are_as_on_the_cover(frequency: Frequency, labels: list[str]) -> None:
    found = list(_plan(frequency, date(2026, 1, 15)).issues(date(2027, 2, 1)))
    assert [each.label for each in found][: len(labels)] == labels


def test_what_begins_within_a_year_begins_with_its_number_there() -> None:
    plan = _plan(_F.QUARTERLY, date(2026, 7, 31), None)
    assert list(plan.issues(date(2027, 6, 1), after=1)) == [
        Expected(2, "2026/4", 2026, date(2026, 10, 31)),
        Expected(3, "2027/1", 2027, date(2027, 1, 31)),
        Expected(4, "2027/2", 2027, date(2027, 4, 30)),
    ]
    assert next(iter(_plan(_F.ANNUAL, date(2026, 5, 1), None).issues(date(2027, 1, 1)))).label == (
        "2026"
    )


def test_a_year_of_53_weeks_has_53_issues_of_a_weekly() -> None:
    found = [
        each.label.split()[-1]
        for each in _plan(_F.WEEKLY, date(2026, 1, 1)).issues(date(2027, 1, 7))
    ]
    assert found[-2:] == ["53", "1"]


@given(st.sampled_from(_F), _DAYS, st.integers(1, 365))
def test_issues_come_in_order_each_number_of_a_year_once(
    frequency: Frequency, starts_on: date, per_year: int
) -> None:
    number = PER_YEAR[frequency] or per_year
    plan = IssueCalendar(frequency, number, starts_on, first_volume=1)
    found = list(plan.issues(starts_on + timedelta(days=800)))
    assert found[0].due_on == starts_on
    assert [each.issue for each in found] == list(range(1, len(found) + 1))
    assert len({each.label for each in found}) == len(found)
    days = [each.due_on for each in found]
    assert days == sorted(days)
    whole = [each for each in found if each.year == starts_on.year + 1]
    assert len(whole) in ({52, 53} if frequency is _F.WEEKLY else {number})
    assert all(each.due_on.year == each.year for each in found)


@given(st.sampled_from(_F), _DAYS, st.integers(0, 30))
def test_made_in_parts_they_are_the_same(frequency: Frequency, starts_on: date, after: int) -> None:
    plan = _plan(frequency, starts_on)
    until = starts_on + timedelta(days=1000)
    assert list(plan.issues(until, after)) == list(plan.issues(until))[after:]


def test_nothing_is_due_after_the_end_nor_after_the_last_year_there_is() -> None:
    plan = IssueCalendar(_F.MONTHLY, 12, date(2026, 1, 1), ends_on=date(2026, 3, 1))
    assert len(list(plan.issues(date(2030, 1, 1)))) == 3
    for frequency in _F:
        some = list(_plan(frequency, date(9999, 11, 30)).issues(date.max))
        assert some[0].due_on == date(9999, 11, 30)


def test_the_issues_of_a_year_are_said_only_where_the_frequency_does_not() -> None:
    with pytest.raises(Invalid, match="how many issues of an irregular journal"):
        check_per_year(_F.IRREGULAR, None)
    with pytest.raises(Invalid, match="QUARTERLY is 4 issues a year, not 5"):
        check_per_year(_F.QUARTERLY, 5)
    assert check_per_year(_F.WEEKLY, 52) == 52
