"""What nobody confirmed is asked for again, three times at most, and presumed received at last."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service import worker
from service.domain import announcement
from service.domain.consignment import PATIENCE, ConsignmentState, Service
from service.domain.receipt import MOST_REMINDERS, next_reminder
from service.store.tables import receipt
from service.usecases import dispatching, notifying, packing, reminding
from service.usecases.site import Site
from tests.service.at_once import at_once
from tests.service.builders import utc
from tests.service.consignment_scene import HANA
from tests.service.receipt_scene import confirm, days_pass, sent, the_partner, token, told

_EVENTS = ("consignment.reminder", "consignment.presumed")
_S = ConsignmentState
FIRST = utc("2026-03-01")


def round_(site: Site) -> int:
    """Let a worker look once."""
    return reminding.remind(site.db, site.settings, site.now())


@given(st.lists(st.integers(0, 40), max_size=30))
def test_however_often_a_worker_looks_a_partner_is_reminded_three_times_at_most(
    days: list[int],
) -> None:
    due, now, reminded = FIRST, FIRST - timedelta(days=20), 0
    waiting = True
    for each in days:
        now += timedelta(days=each)
        if waiting and due <= now:
            reminded += 1
            again = next_reminder(FIRST, now)
            waiting = again is not None
            if again is not None:
                assert again > now
                due = again
    assert reminded <= MOST_REMINDERS


@pytest.mark.parametrize(
    ("service", "days"), [(Service.SURFACE, (90, 120, 150)), (Service.AIR, (30, 60))]
)
def test_reminders_come_when_they_are_due_and_the_presumption_last(
    site: Site, service: Service, days: tuple[int, ...]
) -> None:
    found = sent(site, service=service)
    assert round_(site) == 0
    gone = 0
    for number, day in enumerate(days, 1):
        days_pass(site, day - gone - 1)
        assert round_(site) == 0
        days_pass(site, 1)
        assert (round_(site), round_(site)) == (1, 0)
        assert told(site, *_EVENTS) == ["consignment.reminder"] * number
        gone = day
    last = PATIENCE[service].presume.days
    days_pass(site, last - gone)
    assert (round_(site), round_(site)) == (1, 0)
    assert told(site, *_EVENTS)[-1] == "consignment.presumed"
    there = packing.find(site.db, found.number).consignment
    assert there.state is _S.PRESUMED_RECEIVED
    assert (there.remind_at, there.presume_at, there.closed_at) == (None, None, site.now())
    with site.db.read() as conn:
        assert conn.execute(sa.select(receipt.c.id)).first() is None  # never counted as confirmed
    days_pass(site, 400)
    assert round_(site) == 0


def test_what_a_sleeping_worker_missed_is_not_made_up_for(site: Site) -> None:
    sent(site)
    days_pass(site, 155)
    assert (round_(site), round_(site)) == (1, 0)
    assert told(site, *_EVENTS) == ["consignment.reminder"]
    days_pass(site, 24)
    assert round_(site) == 0


def test_a_reminder_brings_the_link_by_which_it_is_confirmed(site: Site) -> None:
    found = sent(site)
    days_pass(site, 90)
    round_(site)
    newest = notifying.announcements(site.db, the_partner(site), "", 1)[0]
    assert announcement.address(newest, "https://x").endswith(f"/receipts/{token(site, found)}")
    assert f"Consignment {found.number}, dispatched on" in announcement.sentence(newest)
    days_pass(site, 90)
    round_(site)
    newest = notifying.announcements(site.db, the_partner(site), "", 1)[0]
    assert "presumed received. It can be confirmed still." in announcement.sentence(newest)


def test_what_was_confirmed_or_came_back_is_not_asked_for(site: Site) -> None:
    confirmed, back, lost = sent(site), sent(site), sent(site)
    days_pass(site, 89)
    confirm(site, confirmed)
    dispatching.come_back(site.db, back.number, reason="refused", by=HANA, now=site.now())
    dispatching.lose(site.db, lost.number, reason="sunk", by=HANA, now=site.now())
    days_pass(site, 200)
    assert round_(site) == 0
    assert told(site, *_EVENTS) == []


def test_several_workers_at_once_remind_once(site: Site) -> None:
    sent(site), sent(site)
    days_pass(site, 90)
    done = at_once(*[lambda: round_(site)] * 3)
    assert all(isinstance(each, int) for each in done), done
    assert sum(each for each in done if isinstance(each, int)) == 2
    assert told(site, *_EVENTS) == ["consignment.reminder"] * 2
    days_pass(site, 90)
    at_once(*[lambda: round_(site)] * 3)
    assert told(site, *_EVENTS)[2:] == ["consignment.presumed"] * 2


class _Killed(Exception):
    """A worker died."""


def _round_killed_behind(site: Site, number: int) -> bool:
    """Let a worker look, and die behind so many statements; return whether it came to the end."""
    passed = 0

    def fail(*_: Any) -> None:
        nonlocal passed
        passed += 1
        if passed > number:
            raise _Killed

    sa.event.listen(site.db.engine, "before_cursor_execute", fail)
    try:
        round_(site)
        return True
    except _Killed:
        return False
    finally:
        sa.event.remove(site.db.engine, "before_cursor_execute", fail)


def test_killed_behind_any_statement_nobody_is_told_twice_or_not_at_all(site: Site) -> None:
    sent(site, service=Service.AIR)
    days_pass(site, 60)
    sent(site, service=Service.AIR)
    days_pass(site, 30)
    number = 0
    while not _round_killed_behind(site, number):
        found = packing.list_consignments(site.db)
        assert sum(each.state is _S.PRESUMED_RECEIVED for each in found) == (
            told(site, *_EVENTS).count("consignment.presumed")
        )
        assert sum(
            each.remind_at is not None and each.remind_at > site.now() for each in found
        ) == (told(site, *_EVENTS).count("consignment.reminder"))
        number += 1
    assert number > 10
    assert sorted(told(site, *_EVENTS)) == ["consignment.presumed", "consignment.reminder"]


def test_a_workers_turn_does_it(site: Site) -> None:
    sent(site)
    days_pass(site, 90)
    assert worker.turn(site)
    assert told(site, *_EVENTS) == ["consignment.reminder"]
