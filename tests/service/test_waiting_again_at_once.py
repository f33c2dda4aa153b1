"""Wishes come to wait again while others do the same, match, pass on or withdraw: none is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.allocation import AllocationPolicy
from service.domain.offer import ListAction
from service.domain.wish import AnsweredLine, Outcome, WishState
from service.errors import BookbridgeError
from service.store import missed_wishes, wish_keys
from service.store.tables import wish_key
from service.usecases import accepting, allocating, offering, waiting_again, wishing
from service.usecases.site import Site
from tests.service.at_once import at_once
from tests.service.builders import HandClock, a_partner, bring, open_list, work
from tests.service.matching import a_book, again, wish

BOOKS = ("9788936433598", "9788936434595", "9788937460449", "9788954651134")
WAITS = "Your wish waits for the next offer."
_OPEN = (WishState.OPEN, Outcome.WAITING)


class Missed:
    """A confirmed list whose wishes were not let wait: whoever confirmed it was interrupted."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site = site
        self.first, self.second = a_partner(site, "first"), a_partner(site, "second")
        open_list(site)
        bring(site, *(a_book(isbn=isbn, title=f"책 {isbn}") for isbn in BOOKS))
        rows = [{"isbn": isbn} for isbn in BOOKS]
        wish(site, self.first, *rows)
        assert isinstance(site.clock, HandClock)
        site.clock.move(60)
        self.sent = wish(site, self.second, *rows)
        offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
        with monkeypatch.context() as patched:
            patched.setattr(waiting_again, "wait_again", lambda *_: None)
            policy = AllocationPolicy.FIRST_COME
            allocating.allocate(site.db, "spring", site.now, policy=policy)
        with site.db.read() as conn:
            self.run_id = conn.execute(sa.text("SELECT id FROM allocation_run")).scalar_one()
        assert {line.state for line in self.lines()} == {WishState.NOT_ALLOCATED}
        monkeypatch.setattr(waiting_again, "_AHEAD", 1)

    def let_wait(self) -> None:
        waiting_again.wait_again(self.site.db, self.run_id)

    def lines(self) -> list[AnsweredLine]:
        return again(self.site, self.sent)

    def states(self) -> list[tuple[WishState, Outcome]]:
        return [(line.state, line.outcome) for line in self.lines()]

    def waiting_keys(self) -> set[int]:
        """Return the lines that later offers find."""
        with self.site.db.read() as conn:
            return set(conn.execute(sa.select(wish_key.c.line_no)).scalars())

    def offered_anew(self) -> None:
        """Draw up another list with the same books, to be opened."""
        offering.create_list(self.site.db, slug="autumn", title="autumn", now=self.site.now())
        books = (a_book(isbn=isbn, title=f"책 {isbn}") for isbn in BOOKS)
        bring(self.site, *books, slug="autumn")

    def open_and_match(self) -> None:
        offering.change_list(self.site.db, "autumn", ListAction.OPEN, self.site.now())
        work(self.site)


@pytest.fixture
def missed(site: Site, monkeypatch: pytest.MonkeyPatch) -> Missed:
    return Missed(site, monkeypatch)


def test_two_that_let_them_wait_do_so_once(missed: Missed) -> None:
    assert at_once(missed.let_wait, missed.let_wait, missed.let_wait) == [None] * 3
    assert missed.states() == [_OPEN] * 4
    assert [line.reason.count(WAITS) for line in missed.lines()] == [1] * 4
    assert missed.waiting_keys() == {line.line_no for line in missed.lines()}


def test_what_is_declined_or_withdrawn_meanwhile_is_not_waited_for(missed: Missed) -> None:
    site = missed.site
    theirs = accepting.list_own(site.db, missed.first)
    gone = next(each for each in theirs if BOOKS[0] in each.title)
    numbers = [line.line_no for line in missed.lines()]
    withdrawn: list[int] = []

    def decline() -> None:
        how: dict[str, Any] = {"now": site.now(), "by": "partner:first"}
        accepting.decline(site.db, gone.id, missed.first, **how)

    def withdraw() -> None:
        for number in (numbers[3], numbers[2]):
            try:
                wishing.withdraw(site.db, missed.second, missed.sent.public_id, number)
            except BookbridgeError:
                continue  # it did not wait yet
            withdrawn.append(number)

    at_once(missed.let_wait, decline, withdraw, missed.let_wait)
    states = missed.states()
    assert states[0] == (WishState.ALLOCATED, Outcome.REGISTERED), "the copy came back to it"
    assert states[1] == _OPEN
    for place in (2, 3):
        became = WishState.WITHDRAWN if numbers[place] in withdrawn else WishState.OPEN
        assert states[place][0] is became


@pytest.mark.parametrize("naive", [False, True], ids=["held", "naive"])
def test_no_offer_is_missed_that_is_matched_at_the_same_moment(
    missed: Missed, monkeypatch: pytest.MonkeyPatch, naive: bool
) -> None:
    """The offers are matched while the wishes that wait for them are written, not yet committed."""
    if naive and missed.site.db.is_sqlite:
        pytest.skip("SQLite lets nobody write beside another")
    missed.offered_anew()
    monkeypatch.setattr(waiting_again, "_AHEAD", 10)
    if naive:
        monkeypatch.setattr(wish_keys, "hold", lambda _: None)
    written, matched = threading.Event(), threading.Event()
    whole: Callable[..., None] = missed_wishes.let_wait

    def slow(*given: Any) -> None:
        whole(*given)
        written.set()
        # Who holds nothing is overtaken; who does is waited for, and would wait here for ever.
        matched.wait(30 if naive else 0.5)

    def match() -> None:
        written.wait(30)
        missed.open_and_match()
        matched.set()

    with monkeypatch.context() as patched:
        patched.setattr(missed_wishes, "let_wait", slow)
        at_once(missed.let_wait, match)
    expected = _OPEN if naive else (WishState.OPEN, Outcome.REGISTERED)
    assert missed.states() == [expected] * 4
