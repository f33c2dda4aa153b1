"""When the issues of a journal are due, and what stands on their covers.

A journal on exchange is followed from one issue on, which is due on its first day. From that day,
the frequency and the issues of a year all later ones follow, always in the same way: whoever makes
them again makes the same. It is what to expect; covers and posts may say otherwise.

Source of the frequencies: MARC 21 Holdings, field 853 $w, as acquisitions departments use them.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import count
from typing import Final, NamedTuple

from service.errors import Invalid

_MONTHS = 12
_WEEK = 7  # days
_MOST_A_YEAR = 365
_LAST_YEAR = 9999


class Frequency(StrEnum):
    """How often a journal comes."""

    ANNUAL = "ANNUAL"
    SEMIANNUAL = "SEMIANNUAL"
    QUARTERLY = "QUARTERLY"
    BIMONTHLY = "BIMONTHLY"
    MONTHLY = "MONTHLY"
    WEEKLY = "WEEKLY"
    IRREGULAR = "IRREGULAR"  # so many issues a year, which have to be said


PER_YEAR: Final[Mapping[Frequency, int | None]] = {
    Frequency.ANNUAL: 1,
    Frequency.SEMIANNUAL: 2,
    Frequency.QUARTERLY: 4,
    Frequency.BIMONTHLY: 6,
    Frequency.MONTHLY: 12,
    Frequency.WEEKLY: 52,
    Frequency.IRREGULAR: None,
}
"""The issues of a year; None where they have to be said."""


class Expected(NamedTuple):
    """An issue that is expected. ``issue`` is counted from the first that is followed, from 1.

    ``year`` is that of its cover, ``due_on`` a calendar day.
    """

    issue: int
    label: str
    year: int
    due_on: date


@dataclass(frozen=True, slots=True)
class IssueCalendar:
    """When issues are due: the first on ``starts_on``, none after ``ends_on`` (None: no end).

    ``first_volume`` is the volume of the first issue's year; None for what has no volumes.
    """

    frequency: Frequency
    per_year: int
    starts_on: date
    ends_on: date | None = None
    first_volume: int | None = None

    def issues(self, until: date, after: int = 0) -> Iterator[Expected]:
        """Yield the issues that are due by ``until`` and come after the one numbered ``after``.

        >>> journal = IssueCalendar(Frequency.QUARTERLY, 4, date(2026, 7, 15), first_volume=12)
        >>> [each.label for each in journal.issues(date(2027, 2, 1))]
        ['12 (2026) 3', '12 (2026) 4', '13 (2027) 1']
        """
        last = until if self.ends_on is None else min(until, self.ends_on)
        for issue in count(after + 1):
            found = self._issue(issue)
            if found is None or found.due_on > last:
                return
            yield found

    def _issue(self, issue: int) -> Expected | None:
        """Return one issue, None for what would be due after the last year there is."""
        try:
            year, number, due_on = _WAYS.get(self.frequency, _by_months)(self, issue - 1)
        except (ValueError, OverflowError):
            return None
        return Expected(issue, self._label(year, number), year, due_on)

    def _label(self, year: int, number: int) -> str:
        """Return what is on the cover; an annual has no number in its year."""
        single = self.per_year == 1
        if self.first_volume is None:
            return f"{year}" if single else f"{year}/{number}"
        volume = self.first_volume + year - self.starts_on.year
        return f"{volume} ({year})" if single else f"{volume} ({year}) {number}"


# --- ways: (year of the cover, number in that year, day it is due) of the n-th issue, from 0 ------


def _by_months(plan: IssueCalendar, nth: int) -> tuple[int, int, date]:
    """Every so many months, on the same day, or the last one of a month that is too short."""
    step = _MONTHS // plan.per_year
    years, month = divmod(plan.starts_on.month - 1 + nth * step, _MONTHS)
    year = plan.starts_on.year + years
    if year > _LAST_YEAR:
        raise OverflowError(year)
    day = min(plan.starts_on.day, calendar.monthrange(year, month + 1)[1])
    return year, month // step + 1, date(year, month + 1, day)


def _by_weeks(plan: IssueCalendar, nth: int) -> tuple[int, int, date]:
    """Every seven days: 52 issues a year, and 53 where a year begins and ends on that day."""
    due_on = plan.starts_on + timedelta(days=_WEEK * nth)
    return due_on.year, (due_on.timetuple().tm_yday - 1) // _WEEK + 1, due_on


def _by_parts(plan: IssueCalendar, nth: int) -> tuple[int, int, date]:
    """So many a year, in equal parts of it; the first on its day, the others at a part's end.

    Nobody knows when an irregular journal comes: at the end of its part it is late for sure.
    """
    days = _days(plan.starts_on.year)
    first = (plan.starts_on.timetuple().tm_yday - 1) * plan.per_year // days
    years, part = divmod(first + nth, plan.per_year)
    year = plan.starts_on.year + years
    if nth == 0:
        return year, part + 1, plan.starts_on
    end = (part + 1) * _days(year) // plan.per_year
    return year, part + 1, date(year, 1, 1) + timedelta(days=end - 1)


def _days(year: int) -> int:
    return 366 if calendar.isleap(year) else 365


_WAYS: Final = {Frequency.WEEKLY: _by_weeks, Frequency.IRREGULAR: _by_parts}


def check_per_year(frequency: Frequency, given: int | None) -> int:
    """Return the issues of a year; raise ``Invalid`` where they are missing or contradict.

    >>> check_per_year(Frequency.QUARTERLY, None), check_per_year(Frequency.IRREGULAR, 3)
    (4, 3)
    """
    usual = PER_YEAR[frequency]
    if usual is None:
        if given is None or not 1 <= given <= _MOST_A_YEAR:
            raise Invalid(
                f"say how many issues of an irregular journal come in a year: 1 to {_MOST_A_YEAR}",
                "per_year",
            )
        return given
    if given not in {None, usual}:
        raise Invalid(
            f"{frequency} is {usual} issues a year, not {given}; if they are not at equal "
            "intervals, say IRREGULAR",
            "per_year",
        )
    return usual


if set(PER_YEAR) != set(Frequency):
    raise AssertionError("every frequency needs its row")
if any(_MONTHS % each for way, each in PER_YEAR.items() if each is not None and way not in _WAYS):
    raise AssertionError("what comes by months divides the year")
