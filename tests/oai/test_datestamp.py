"""Datestamps have two forms and no third (oai.md 5, numbers 14, 19, 20, 24)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oai import datestamp

MIDDAY = 1_767_268_800  # 2026-01-01T12:00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2026",
        "2026-01",
        "2026-1-1",
        "2026-13-01",
        "2026-02-30",
        "2026-00-10",
        "0000-01-01",
        "2026-01-01 ",
        "2026-01-01\n",
        "２０２６-01-01",
        "2026-01-01T12:00Z",
        "2026-01-01t12:00:00Z",
        "2026-01-01T12:00:00z",
        "2026-01-01T12:00:00",
        "2026-01-01T12:00:00.5Z",
        "2026-01-01T12:00:00+01:00",
        "2026-01-01T24:00:00Z",
        "2026-01-01T12:00:60Z",
        "2026-01-01T12:60:00Z",
        "+026-01-01",
        "junk",
    ],
)
def test_24_a_loose_datestamp_is_refused(text):
    assert not datestamp.is_legal(text)
    with pytest.raises(ValueError, match=r"datestamp|no such time"):
        datestamp.parse(text)


def test_20_a_day_is_all_of_its_seconds():
    assert datestamp.parse("2026-01-01") == MIDDAY - 43_200
    assert datestamp.parse("2026-01-01", until=True) == MIDDAY + 43_199


def test_19_a_second_is_itself_in_from_and_until():
    assert datestamp.parse("2026-01-01T12:00:00Z") == MIDDAY
    assert datestamp.parse("2026-01-01T12:00:00Z", until=True) == MIDDAY


@given(st.integers(min_value=-62_135_596_800, max_value=253_402_300_799))
def test_14_what_is_written_is_read_back_from_the_year_1_to_9999(stamp):
    assert datestamp.parse(datestamp.written(stamp)) == stamp


@given(st.text())
def test_any_text_is_a_datestamp_or_refused(text):
    assert datestamp.is_legal(text) in (True, False)
