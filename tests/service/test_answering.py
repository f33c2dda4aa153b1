"""A long wish list is answered step by step: no line is lost, and none is answered twice."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import worker
from service.domain.offer import ListAction
from service.domain.partner import Partner
from service.domain.wish import ANSWER, Mode, Outcome, WishList, WishListState, WishState
from service.domain.wish_sheet import ODS, XLSX
from service.errors import Conflict, Invalid, LeaseLost, TooLarge
from service.store import feed, jobs, wish_lists, wishes
from service.store.tables import job, wish, wish_list
from service.usecases import answering, membership, offering, wishing
from service.usecases.site import Site
from service.usecases.wishing import Limits, Request
from tests.service.builders import (
    HandClock,
    a_file,
    a_partner,
    a_record,
    bring,
    open_list,
    work,
)
from tests.service.test_wish_tables import ods, ods_row, xlsx

ISBN = "9788936433598"
_NUMBERS = count()


def isbn(number: int) -> str:
    """Return the ISBN of a book that nobody offers."""
    digits = f"979{number:09d}"
    check = -sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(digits)) % 10
    return f"{digits}{check}"


def send(
    site: Site,
    partner: Partner,
    *lines: str,
    at_once: int = 3,
    media_type: str = "text/uri-list",
    **more: object,
) -> WishList:
    request = Request("\n".join(lines).encode(), media_type, **more)  # type: ignore[arg-type]
    limits = Limits(octets=10**6, lines=10**5, at_once=at_once)
    return wishing.receive(site.db, partner, request, site.names(), limits, site.now()).wish_list


def shown(site: Site, sent: WishList) -> WishList:
    return wishing.show(site.db, sent.public_id, None, limit=10**5)


def outcomes(site: Site, sent: WishList) -> list[Outcome]:
    return [line.outcome for line in shown(site, sent).lines]


def states(site: Site, sent: WishList) -> list[WishState]:
    return [line.state for line in shown(site, sent).lines]


def offers_of(site: Site, *titles: str) -> list[str]:
    named = {o.title: o.public_id for o in offering.browse(site.db, {feed.PUBLIC}, limit=1000)}
    return [f"oai:{site.settings.repository_identifier}:offer/{named[title]}" for title in titles]


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "STEP", 2)


class Killed(BaseException):
    """The worker's process is gone."""


def kill_after(steps: int) -> Callable[..., None]:
    left = steps

    def step(*_: object) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            raise Killed

    return step


def test_a_long_list_is_received_and_then_answered(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    sent = send(site, a_partner(site), ISBN, isbn(1), "rubbish", isbn(2), isbn(1))
    assert (sent.state, sent.total, sent.answered, sent.lines) == (WishListState.RECEIVED, 5, 0, ())
    assert sent.withdrawn is None
    work(site)
    found = shown(site, sent)
    assert (found.state, found.total, found.answered) == (WishListState.ANSWERED, 5, 5)
    assert (found.withdrawn, found.answered_at) == (0, site.now())
    assert outcomes(site, sent) == [
        Outcome.REGISTERED,
        Outcome.WAITING,
        Outcome.INVALID,
        Outcome.WAITING,
        Outcome.DUPLICATE,
    ]
    assert "line 2 of this list" in found.lines[4].reason
    assert found.lines[0].score == 1.0


def test_a_short_list_is_answered_later_when_its_sender_will_come_back(site: Site) -> None:
    sent = send(site, a_partner(site), ISBN, respond_async=True)
    assert (sent.state, sent.lines) == (WishListState.RECEIVED, ())
    work(site)
    assert outcomes(site, sent) == [Outcome.WAITING]


def test_the_answers_are_the_same_at_once_and_step_by_step(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN), a_record("Two", number="2"))
    one, two = offers_of(site, "One", "Two")
    lines = [one, ISBN, two, "x", isbn(1), two, isbn(1), isbn(2), "# a comment", one]
    early, late = (
        send(site, a_partner(site, code), *lines, at_once=n) for code, n in (("a", 99), ("b", 3))
    )
    work(site)
    assert shown(site, late).lines == shown(site, early).lines
    assert shown(site, late).counts() == early.counts()


@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.REPLACE])
def test_a_worker_killed_after_any_step_loses_no_line_and_answers_none_twice(
    site: Site, mode: Mode
) -> None:
    assert isinstance(site.clock, HandClock)
    lines = [isbn(n) for n in (1, 2, 3, 1, 4, 5, 6, 2)]
    for steps in range(1, 5):
        sent = send(site, a_partner(site, f"p{steps}"), *lines, mode=mode)
        for killed in range(steps):
            held = worker.lease(site)
            assert held is not None
            with pytest.raises(Killed):
                worker.work(site, held, kill_after(1))
            assert shown(site, sent).answered == 2 * (killed + 1)
            assert shown(site, sent).state is WishListState.ANSWERING
            site.clock.move(31)
        work(site)
        found = shown(site, sent)
        assert (found.state, found.answered) == (WishListState.ANSWERED, 8)
        assert [line.line_no for line in found.lines] == list(range(1, 9))
        assert found.counts() == {"waiting": 6, "duplicate": 2}


def test_a_worker_that_was_overtaken_answers_nothing_more(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    sent = send(site, a_partner(site), *(isbn(n) for n in range(6)))
    slow = worker.lease(site)
    assert slow is not None
    site.clock.move(31)
    quick = worker.lease(site)
    assert quick is not None
    with pytest.raises(LeaseLost):
        answering.answer(site, slow, lambda *_: None)
    assert shown(site, sent).answered == 0
    answering.answer(site, quick, lambda *_: None)
    assert shown(site, sent).answered == 6


# --- one list takes the place of another --------------------------------------------------------


def test_a_long_list_replaces_another_only_when_all_of_it_is_answered(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    partner = a_partner(site)
    first = send(site, partner, isbn(1), isbn(2), isbn(3), at_once=9, list_key="main")
    site.clock.move(3600)
    sent = send(site, partner, *(isbn(n) for n in (2, 4, 5, 6)), mode=Mode.REPLACE, list_key="main")
    held = worker.lease(site)
    assert held is not None
    looked: list[tuple[list[WishState], set[WishState]]] = []
    answering.answer(
        site,
        held,
        lambda *_: looked.append((states(site, first), set(states(site, sent)))),
    )
    assert looked == [([WishState.OPEN] * 3, {WishState.PENDING})] * 2
    assert states(site, first) == [WishState.REPLACED] * 3
    assert states(site, sent) == [WishState.OPEN] * 4
    assert outcomes(site, sent) == [Outcome.WAITING] * 4
    assert shown(site, sent).withdrawn == 2
    assert turns(site, sent) == [3600, 0, 0, 0]


def turns(site: Site, sent: WishList) -> list[int]:
    """Return by how many seconds each wish is older than its list."""
    with site.db.read() as conn:
        rows = conn.execute(
            sa.select(wish.c.wished_at).where(wish.c.wish_list_id == sent.id).order_by("line_no")
        )
        return [int((sent.received_at - each).total_seconds()) for each in rows.scalars()]


def test_what_stands_on_another_list_is_a_duplicate_also_if_it_came_meanwhile(site: Site) -> None:
    partner = a_partner(site)
    before = send(site, partner, isbn(1), at_once=9, list_key="other")
    sent = send(site, partner, *(isbn(n) for n in (1, 2, 3, 4)), mode=Mode.REPLACE, list_key="main")
    held = worker.lease(site)
    assert held is not None
    with pytest.raises(Killed):
        worker.work(site, held, kill_after(1))
    send(site, partner, isbn(2), isbn(4), at_once=9, list_key="other")
    assert isinstance(site.clock, HandClock)
    site.clock.move(31)
    work(site)
    assert outcomes(site, sent) == [
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
        Outcome.WAITING,
        Outcome.DUPLICATE,
    ]
    assert before.public_id in shown(site, sent).lines[0].reason
    assert states(site, before) == [WishState.OPEN]


@pytest.mark.parametrize("at_once", [3, 9])
def test_of_two_lists_the_later_one_stands_whichever_is_answered_first(
    site: Site, at_once: int
) -> None:
    assert isinstance(site.clock, HandClock)
    partner = a_partner(site)
    replacing = {"mode": Mode.REPLACE, "list_key": "main"}
    oldest = send(site, partner, isbn(1), isbn(9), at_once=9, list_key="main")
    site.clock.move(100)
    earlier = send(site, partner, *(isbn(n) for n in (1, 2, 3, 4)), **replacing)  # type: ignore[arg-type]
    first = worker.lease(site)
    site.clock.move(20)
    later = send(site, partner, *(isbn(n) for n in (1, 3, 5, 6)), at_once=at_once, **replacing)  # type: ignore[arg-type]
    if at_once == 3:
        second = worker.lease(site)
        assert second is not None
        answering.answer(site, second, lambda *_: None)
    assert states(site, later) == [WishState.OPEN] * 4
    assert first is not None
    answering.answer(site, first, lambda *_: None)
    assert states(site, oldest) == [WishState.REPLACED] * 2
    assert set(states(site, earlier)) == {WishState.REPLACED}
    assert states(site, later) == [WishState.OPEN] * 4
    assert turns(site, later) == [120, 20, 0, 0]


def test_what_a_partner_adds_under_a_key_after_a_replacing_list_is_not_ended_by_it(
    site: Site,
) -> None:
    partner = a_partner(site)
    sent = send(site, partner, *(isbn(n) for n in range(4)), mode=Mode.REPLACE, list_key="main")
    added = send(site, partner, isbn(8), at_once=9, list_key="main")
    work(site)
    assert states(site, added) == [WishState.OPEN]
    assert states(site, sent) == [WishState.OPEN] * 4


def test_lines_of_a_long_list_that_was_replaced_meanwhile_never_stand(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    partner = a_partner(site)
    sent = send(site, partner, *(isbn(n) for n in range(4)), list_key="main")
    held = worker.lease(site)
    assert held is not None
    with pytest.raises(Killed):
        worker.work(site, held, kill_after(1))
    send(site, partner, isbn(9), at_once=9, mode=Mode.REPLACE, list_key="main")
    site.clock.move(31)
    work(site)
    assert states(site, sent) == [WishState.REPLACED] * 4


def test_an_offer_that_closes_meanwhile_is_closed_when_the_list_comes_to_stand(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    (one,) = offers_of(site, "One")
    sent = send(site, a_partner(site), one, isbn(1), isbn(2), isbn(3), mode=Mode.REPLACE)
    held = worker.lease(site)
    assert held is not None
    with pytest.raises(Killed):
        worker.work(site, held, kill_after(1))
    assert outcomes(site, sent) == [Outcome.REGISTERED, Outcome.WAITING]
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    assert isinstance(site.clock, HandClock)
    site.clock.move(31)
    work(site)
    assert outcomes(site, sent) == [Outcome.CLOSED, *[Outcome.WAITING] * 3]
    assert states(site, sent)[0] is WishState.ANSWERED


def test_a_wish_taken_back_before_its_list_stands_stays_taken_back(site: Site) -> None:
    partner = a_partner(site)
    sent = send(site, partner, *(isbn(n) for n in range(4)), mode=Mode.REPLACE)
    held = worker.lease(site)
    assert held is not None
    with pytest.raises(Killed):
        worker.work(site, held, kill_after(1))
    wishing.withdraw(site.db, partner, sent.public_id, 1)
    assert isinstance(site.clock, HandClock)
    site.clock.move(31)
    work(site)
    assert states(site, sent) == [WishState.WITHDRAWN, *[WishState.OPEN] * 3]


def test_without_the_pending_state_a_list_could_not_wait_for_its_turn(site: Site) -> None:
    """Two open wishes for one thing are refused by the database itself."""
    partner = a_partner(site)
    send(site, partner, isbn(1), at_once=9, list_key="main")
    sent = send(site, partner, *(isbn(n) for n in range(4)), mode=Mode.REPLACE, list_key="main")
    held = worker.lease(site)
    assert held is not None
    with pytest.raises(Killed):
        worker.work(site, held, kill_after(1))
    with pytest.raises(sa.exc.IntegrityError), site.db.write() as conn:
        wishes._set_pending(conn, sent.id or 0, WishState.OPEN)


_ACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([Mode.APPEND, Mode.REPLACE]),
            st.lists(st.integers(1, 6), min_size=1, max_size=5),
            st.booleans(),
        ),
        st.just("step"),
        st.just("work"),
    ),
    min_size=2,
    max_size=8,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions=_ACTIONS)
def test_lists_come_to_stand_as_if_each_was_answered_when_it_came(
    site: Site, actions: list[Any]
) -> None:
    """In whatever order, and however often killed, their steps are worked on."""
    _stand_as_they_came(site, actions)


_LATER, _AT_ONCE = True, False


@pytest.mark.parametrize(
    ("room", "rule", "actions"),
    [
        (wish_lists, "is_superseded", [(Mode.REPLACE, [1], _LATER), (Mode.REPLACE, [3], _AT_ONCE)]),
        (wishes, "bring_forward", [(Mode.APPEND, [1], _LATER), (Mode.APPEND, [1], _AT_ONCE)]),
        (wishes, "_take_turns", [(Mode.APPEND, [1], _AT_ONCE), (Mode.REPLACE, [1], _LATER)]),
        (wishes, "_hand_on_turns", [(Mode.REPLACE, [1], _LATER), (Mode.APPEND, [1], _AT_ONCE)]),
        (wishes, "_end_earlier", [(Mode.APPEND, [1], _AT_ONCE), (Mode.REPLACE, [2], _LATER)]),
        (
            wishes,
            "take_over",
            [
                (Mode.APPEND, [2], _AT_ONCE),
                (Mode.REPLACE, [1], _LATER),
                (Mode.APPEND, [2], _AT_ONCE),
            ],
        ),
    ],
)
def test_without_any_one_of_the_rules_that_would_not_hold(
    site: Site, monkeypatch: pytest.MonkeyPatch, room: Any, rule: str, actions: list[Any]
) -> None:
    _stand_as_they_came(site, actions)
    nothing: Any = {} if rule == "take_over" else 0
    monkeypatch.setattr(room, rule, lambda *_, **__: nothing)
    with pytest.raises(AssertionError):
        _stand_as_they_came(site, actions)


def _stand_as_they_came(site: Site, actions: list[Any]) -> None:
    clock = site.clock
    assert isinstance(clock, HandClock)
    partner = membership.add_partner(
        site.db, code=f"p{next(_NUMBERS)}", name="A library", now=site.now()
    )
    open_: dict[str, datetime] = {}
    asked: dict[str, datetime] = {}
    for action in [*actions, "work"]:
        clock.move(40)
        if action == "work":
            work(site)
        elif action == "step":
            held = worker.lease(site)
            if held is not None:
                with suppress(Killed):
                    worker.work(site, held, kill_after(1))
        else:
            mode, numbers, later = action
            targets = [f"isbn:{isbn(n)}" for n in numbers]
            send(site, partner, *map(isbn, numbers), at_once=99, mode=mode, respond_async=later)
            before = open_ if mode is Mode.APPEND else {}
            open_ = before | {each: open_.get(each, site.now()) for each in targets}
            asked = {each: site.now() for each in targets} | asked
    with site.db.read() as conn:
        standing = wishes.open_wishes(conn, partner.id, [f"isbn:{isbn(n)}" for n in range(1, 7)])
    assert standing.keys() == open_.keys()
    for target, found in standing.items():
        assert asked[target] <= found.wished_at <= open_[target]


# --- what is taken and what is not ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("isbn\n" + "9\n" * 9 + "x" * 200_000, "text/csv"),
        ("[" + "1," * 9 + "1", "application/json"),
    ],
)
def test_a_long_body_is_refused_at_once_however_late_it_goes_wrong(
    site: Site, body: str, media_type: str
) -> None:
    request = Request(body.encode(), media_type)
    limits = Limits(octets=10**6, lines=1000, at_once=3)
    with pytest.raises(Invalid):
        wishing.receive(site.db, a_partner(site), request, site.names(), limits, site.now())
    with site.db.read() as conn:
        assert conn.execute(sa.select(job)).first() is None
        assert conn.execute(sa.select(wish_list)).first() is None


def test_a_long_dry_run_is_refused_with_what_to_do(site: Site) -> None:
    partner = a_partner(site)
    with pytest.raises(TooLarge, match="a dry run may have at most 3 lines") as refused:
        send(site, partner, *(isbn(n) for n in range(4)), dry_run=True)
    assert refused.value.limit == 3
    tried = send(site, partner, isbn(1), dry_run=True, respond_async=True)
    assert (tried.state, tried.public_id) == (WishListState.ANSWERED, "")
    assert wishing.list_wish_lists(site.db, partner, "", 10) == []


def test_a_long_request_repeated_with_its_key_is_taken_once(site: Site) -> None:
    partner = a_partner(site)
    lines = [isbn(n) for n in range(4)]
    first = send(site, partner, *lines, idempotency_key="k")
    assert send(site, partner, *lines, idempotency_key="k").public_id == first.public_id
    work(site)
    again = send(site, partner, *lines, idempotency_key="k")
    assert (again.public_id, again.state) == (first.public_id, WishListState.ANSWERED)
    with site.db.read() as conn:
        kinds = Counter(conn.execute(sa.select(job.c.kind)).scalars())
    assert kinds == {ANSWER: 1}
    with pytest.raises(Conflict):
        send(site, partner, *lines[1:], idempotency_key="k")


def test_a_list_whose_answering_failed_says_so_and_is_taken_up_when_sent_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = a_partner(site)
    lines = [isbn(n) for n in range(6)]
    sent = send(site, partner, *lines, idempotency_key="k", mode=Mode.REPLACE)
    real, calls = answering.answers, Counter[str]()

    def faulty(*given: object, **more: object) -> object:
        calls["n"] += 1
        if calls["n"] > 1:
            raise RuntimeError("a fault of ours")
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(answering, "answers", faulty)
    for _ in range(jobs.MAX_ATTEMPTS):
        work(site)
    found = shown(site, sent)
    assert (found.state, found.answered) == (WishListState.FAILED, 2)
    assert "internal error" in found.error
    monkeypatch.setattr(answering, "answers", real)
    assert send(site, partner, *lines, idempotency_key="k", mode=Mode.REPLACE).error == ""
    work(site)
    found = shown(site, sent)
    assert (found.state, found.answered, found.error) == (WishListState.ANSWERED, 6, "")
    assert states(site, sent) == [WishState.OPEN] * 6


def test_a_wish_of_a_long_list_is_as_old_as_the_list(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    sent = send(site, a_partner(site), *(isbn(n) for n in range(4)))
    site.clock.move(500)
    work(site)
    assert turns(site, sent) == [0] * 4
    assert shown(site, sent).answered_at == sent.received_at + timedelta(seconds=500)


def test_every_format_can_be_long(site: Site) -> None:
    numbers = [isbn(n) for n in range(5)]
    bodies = {
        "text/uri-list": "\n".join(numbers).encode(),
        "text/csv": "\n".join(["isbn", *numbers]).encode(),
        "application/json": ("[" + ",".join(f'"{n}"' for n in numbers) + "]").encode(),
        "application/marc": a_file(*(a_record("A book", isbn=n) for n in numbers)),
        XLSX: xlsx(("ISBN",), *((n,) for n in numbers)),
        ODS: ods(ods_row("ISBN") + "".join(ods_row(n) for n in numbers)),
    }
    limits = Limits(octets=10**6, lines=10**5, at_once=3)
    for number, (media_type, body) in enumerate(bodies.items()):
        partner = membership.add_partner(
            site.db, code=f"p{number}", name="A library", now=site.now()
        )
        request = Request(io.BytesIO(body), media_type)
        sent = wishing.receive(site.db, partner, request, site.names(), limits, site.now())
        work(site)
        assert outcomes(site, sent.wish_list) == [Outcome.WAITING] * 5, media_type
