"""What a harvest plans and decides without any I/O (oai.md 4; numbers 61, 68 to 72)."""

import doctest
import itertools
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oai import fetching, reconciling, resume_point, source, windows
from oai.fetching import GiveUp, Patience, Pause, decide, retry_after
from oai.reconciling import reconcile
from oai.resume_point import Point, begin
from oai.windows import DAY, Granularity, Window, arguments, halves, next_from, plan

STAMPS = st.integers(0, 2_000_000_000)
GRANULARITIES = st.sampled_from(Granularity)


@pytest.mark.parametrize("room", [fetching, reconciling, resume_point, source, windows])
def test_the_examples_of_a_room_are_true(room):
    found = doctest.testmod(room)
    assert found.attempted
    assert not found.failed


def assert_no_hole(parts, whole):
    """Neighbours touch, and the ends are those of the whole."""
    assert (parts[0].from_, parts[-1].until) == (whole.from_, whole.until)
    for left, right in itertools.pairwise(parts):
        assert left.until is not None
        assert right.from_ == left.until + 1
        assert left.from_ is None or left.from_ <= left.until


@given(st.none() | STAMPS, st.none() | STAMPS, GRANULARITIES, st.integers(1, 10**9), STAMPS, STAMPS)
def test_windows_cover_a_plan_without_a_hole(from_, until, granularity, step, earliest, now):
    if from_ is not None and until is not None and from_ > until:
        with pytest.raises(ValueError, match="later"):
            plan(from_, until, granularity)
        return
    step = max(step, 2_000_000_000 // 500)
    parts = plan(from_, until, granularity, step=step, earliest=earliest, now=now)
    whole = plan(from_, until, granularity)[0]
    assert_no_hole(parts, whole)
    assert from_ is None or whole.from_ <= from_
    assert until is None or whole.until >= until


@given(st.none() | STAMPS, st.none() | STAMPS, GRANULARITIES, st.none() | STAMPS, STAMPS)
def test_halves_cover_their_window_and_dividing_ends(from_, until, granularity, earliest, now):
    if from_ is not None and until is not None and from_ > until:
        from_, until = until, from_
    window = plan(from_, until, granularity)[0]
    for side in (0, 1):
        at, depth = window, 0
        while (parts := halves(at, granularity, earliest, now)) is not None:
            assert_no_hole(parts, at)
            at = parts[side]
            depth += 1
            assert depth < 40


@given(STAMPS, STAMPS, GRANULARITIES)
def test_windows_are_written_in_the_providers_granularity(first, second, granularity):
    window = plan(min(first, second), max(first, second), granularity)[0]
    written = dict(arguments(window, granularity))
    assert {len(text) for text in written.values()} == {20 if granularity == 1 else 10}
    assert written["from"] <= written["until"]
    if granularity is Granularity.DAYS:
        assert window.from_ % DAY == 0
        assert window.until % DAY == DAY - 1


@given(st.none() | STAMPS, STAMPS, st.integers(0, 10**6), GRANULARITIES)
def test_70_the_next_harvest_begins_before_both_clocks_by_the_overlap(
    responded, started, overlap, granularity
):
    begun = next_from(responded, started, overlap, granularity)
    earlier = min(started, started if responded is None else responded)
    assert begun == 0 or begun <= earlier - overlap
    assert begun % granularity == 0
    if granularity is Granularity.DAYS:
        assert begun == 0 or begun <= earlier - DAY


@given(st.integers(1, 100), st.none() | st.floats(0, 10**10), st.floats(0, 1))
def test_61_pauses_are_bounded_and_never_shorter_than_asked(failed, asked, chance):
    patience = Patience()
    decision = decide(patience, failed, asked, chance)
    if isinstance(decision, Pause):
        assert failed < patience.tries
        assert decision.seconds >= (asked or patience.first / 2)
        assert decision.seconds <= max(patience.longest, (asked or 0) * 1.25)
    else:
        assert failed >= patience.tries or asked > patience.longest_asked


def test_61_a_pause_of_ten_years_is_told_and_not_slept():
    assert decide(Patience(), 1, 315_360_000.0, 0.5) == GiveUp(315_360_000.0)


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_61_retry_after_is_read_as_an_http_date(now, later):
    moment = datetime.fromtimestamp(later, UTC)
    assert retry_after(format_datetime(moment, usegmt=True), now) == max(later - now, 0)


@given(st.text(max_size=40))
def test_any_retry_after_is_a_number_or_nothing(text):
    asked = retry_after(text, 0)
    assert asked is None or asked >= 0


def test_69_a_point_survives_being_written():
    point = Point((Window(1, 2), Window(3)), 10, token="a\u2028b", responded=9, records=7)
    assert Point.from_json(point.to_json()) == point
    for text in ("", "[]", "{}", '{"windows": [[1, 2, 3]], "started": 1}'):
        with pytest.raises(ValueError, match=r"point|JSON|Expecting"):
            Point.from_json(text)


def test_72_silence_deletes_only_after_a_full_harvest_that_read_everything():
    done = Point((), 0, full=True)
    assert reconcile(done, 100, 20).action == "apply"
    assert reconcile(done, 100, 21).action == "ask"
    assert reconcile(done, 100, 100).action == "ask"
    assert reconcile(done, 100, 0).action == "keep"
    assert reconcile(Point((), 0, full=False), 100, 1).action == "keep"
    assert reconcile(Point((), 0, full=True, lost=1), 100, 1).action == "keep"
    assert reconcile(Point((), 0, full=True, short=1), 100, 1).action == "ask"
    assert reconcile(Point((), 0, full=True, short=1), 100, 0).action == "keep"
    assert reconcile(begin((Window(),), 0), 100, 1).action == "keep"
