"""Budgets of harvesters: who asks too much waits for just as long as needed, and nobody else."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import config
from service.domain.harvest_budget import Budget
from service.errors import Misconfigured
from service.web import flow_control
from service.web.flow_control import FlowControl, Overdrawn
from tests.service.builders import HandClock
from tests.web.conftest import Reader

IDENTIFY = "/oai?verb=Identify"


def _control(per_minute: int = 60, at_once: int = 2) -> tuple[FlowControl, HandClock]:
    clock = HandClock(0)
    return FlowControl(Budget(per_minute, at_once), clock), clock


def _ask(control: FlowControl, harvester: str = "a") -> int:
    """Send one request; return the seconds it was told to wait, 0 if it was answered."""
    try:
        with control.admitted(harvester):
            return 0
    except Overdrawn as error:
        return error.seconds


def test_a_minutes_worth_may_be_asked_at_once_and_then_a_request_a_second() -> None:
    control, clock = _control(per_minute=60)
    assert [_ask(control) for _ in range(61)] == [0] * 60 + [1]
    clock.move(1)
    assert [_ask(control), _ask(control)] == [0, 1]
    clock.move(3600)
    assert [_ask(control) for _ in range(61)] == [0] * 60 + [1]


@given(
    st.integers(1, 100_000),
    st.lists(st.floats(0, 120, allow_nan=False), min_size=1, max_size=60),
)
def test_whoever_waits_as_long_as_told_is_answered_and_nobody_gets_more_than_the_budget(
    per_minute: int, pauses: list[float]
) -> None:
    budget, now, answered = Budget(per_minute, 0), 0.0, 0
    bucket = budget.full(now)
    for pause in pauses:
        now += pause
        bucket, seconds = budget.draw(bucket, now)
        answered += not seconds
        if seconds:
            assert 1 <= seconds <= 60
            now += seconds
            bucket, again = budget.draw(bucket, now)
            answered += not again
            assert again == 0
    assert answered <= per_minute + now * per_minute / 60 + 1e-6


def test_a_clock_that_went_back_takes_nothing_away() -> None:
    budget = Budget(60, 0)
    bucket, _ = budget.draw(budget.full(100), 100)
    later, seconds = budget.draw(bucket, 50)
    assert (later.level, seconds) == (58, 0)


def test_the_budget_of_one_harvester_is_not_anothers() -> None:
    control, _ = _control(per_minute=1)
    assert [_ask(control, name) for name in "aabb"] == [0, 60, 0, 60]


def test_no_harvester_is_answered_more_than_some_times_at_once() -> None:
    control, _ = _control(at_once=2)
    with control.admitted("a"), control.admitted("a"):
        assert _ask(control) == 1
        assert _ask(control, "b") == 0
    assert _ask(control) == 0


def test_a_request_that_fails_gives_its_place_back() -> None:
    control, _ = _control(at_once=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="ours"), control.admitted("a"):
            raise ValueError("ours")


def test_nought_is_no_limit() -> None:
    control, _ = _control(per_minute=0, at_once=0)
    with control.admitted("a"):
        assert [_ask(control) for _ in range(1000)] == [0] * 1000


def test_only_so_many_harvesters_are_remembered_and_never_one_at_work_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flow_control, "_REMEMBERED", 3)
    control, _ = _control(at_once=1)
    with control.admitted("busy"):
        for n in range(50):
            assert _ask(control, f"passer-by {n}") == 0
        assert len(control._accounts) == 3
        assert _ask(control, "busy") == 1


def test_many_threads_get_no_more_than_the_budget_and_give_every_place_back() -> None:
    control, _ = _control(per_minute=500, at_once=64)
    waits: list[int] = []

    def ask() -> None:
        for _ in range(200):
            waits.append(_ask(control))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0) == 500
    assert control._accounts["a"].being_answered == 0


def _tight(reader: Reader, per_minute: int = 2) -> None:
    reader.app.extensions["flow_control"] = FlowControl(Budget(per_minute, 16), reader.clock)


def test_who_asks_too_much_reads_what_to_do(reader: Reader) -> None:
    _tight(reader)
    assert [reader.open(IDENTIFY).status_code for _ in range(3)] == [200, 200, 503]
    answer = reader.open(IDENTIFY)
    assert answer.headers["Retry-After"] == "30"
    assert answer.mimetype == "text/plain"
    assert "Wait 30 seconds" in answer.text
    reader.clock.sleep(30)
    assert reader.open(IDENTIFY).status_code == 200


def test_pages_for_people_and_the_api_have_no_budget(reader: Reader) -> None:
    _tight(reader)
    for path in ("/", "/oai/explore?verb=Identify", "/api/v1/lists", "/healthz"):
        assert [reader.open(path).status_code for _ in range(5)] == [200] * 5, path


def test_addresses_have_budgets_of_their_own(reader: Reader) -> None:
    _tight(reader, per_minute=1)

    def status(address: str) -> int:
        client = reader.app.test_client()
        return client.get(IDENTIFY, environ_base={"REMOTE_ADDR": address}).status_code

    assert [status("192.0.2.1"), status("192.0.2.1"), status("192.0.2.2")] == [200, 503, 200]
    assert [status("2001:db8::1"), status("2001:db8::2")] == [200, 503], "one network"
    assert status("2001:db8:0:1::1") == 200, "another"


@pytest.mark.parametrize(
    "name",
    ["harvest_requests_per_minute", "harvest_requests_at_once", "harvester_address_days"],
)
def test_a_number_below_nought_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        config.load({}, **{name: -1})
