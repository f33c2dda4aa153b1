"""Offers that come later meet what waits: in either order, at one moment, and for nobody else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marc_mappings.record import Field, Record
from service import worker
from service.domain.announcement import WISH_CHANGED
from service.domain.offer import ListAction
from service.domain.partner import Partner
from service.domain.wish import MATCH_OFFERS, Mode, Outcome, WishList, WishState
from service.errors import LeaseLost
from service.store import jobs, wish_keys
from service.store.db import Connection, Database
from service.store.tables import job, match_key, offer, wish_key
from service.usecases import (
    answering,
    matching_offers,
    membership,
    notifying,
    offering,
    tiering,
    wishing,
)
from service.usecases.site import Site
from service.usecases.wishing import Limits, Request
from tests.service.builders import (
    HandClock,
    a_file,
    a_partner,
    bring,
    open_list,
    receive,
    work,
)
from tests.service.matching import LATER, VEGETARIAN, a_book, again, offers, wish

BY_TITLE = {"title": "Chaesikjuuija", "author": "Han Kang", "year": "2007"}
BY_NUMBER = {"isbn": "89-364-3359-8"}


def outcomes(site: Site, sent: WishList) -> list[Outcome]:
    return [line.outcome for line in again(site, sent)]


def waiting_jobs(site: Site) -> list[Any]:
    with site.db.read() as conn:
        query = sa.select(job).where(job.c.kind == MATCH_OFFERS, job.c.state == "WAITING")
        return list(conn.execute(query))


def held_match(site: Site) -> jobs.Job:
    """Work until a matching is due, and take it."""
    while True:
        held = worker.lease(site)
        assert held is not None
        if held.kind == MATCH_OFFERS:
            return held
        worker.work(site, held, lambda *_: None)


def match(site: Site, held: jobs.Job) -> list[matching_offers.Met]:
    found: list[matching_offers.Met] = []
    matching_offers.match(site.db, held, site.now, lambda *_: None, found.extend)
    return found


def offered_and_not_compared(site: Site, *books: Record) -> jobs.Job:
    """Open a list of books, and return the job that will compare them, taken by a worker."""
    offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    bring(site, *books)
    offering.change_list(site.db, "spring", ListAction.OPEN, site.now())
    return held_match(site)


def told(site: Site, partner: Partner) -> list[dict[str, Any]]:
    listed = notifying.announcements(site.db, partner, "", 100)
    return [dict(each.body) for each in listed if each.event == WISH_CHANGED]


# --- in either order ------------------------------------------------------------------------------


def test_a_wish_that_waits_meets_the_offer_that_comes_later_by_number_and_by_title(
    site: Site,
) -> None:
    assert isinstance(site.clock, HandClock)
    by_number, by_title = a_partner(site, "number"), a_partner(site, "title")
    first, second = wish(site, by_number, BY_NUMBER), wish(site, by_title, BY_TITLE)
    assert outcomes(site, first) == outcomes(site, second) == [Outcome.WAITING]
    site.clock.move(86_400)
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    (one,), (other,) = again(site, first), again(site, second)
    assert (one.outcome, one.offer, one.score) == (
        Outcome.REGISTERED, offers(site)[VEGETARIAN], 1.0,
    )  # fmt: skip
    assert (other.outcome, other.offer) == (Outcome.MATCHED, offers(site)[VEGETARIAN])
    assert one.state is other.state is WishState.OPEN
    assert told(site, by_number) == [{"wish_list": first.public_id, "registered": 1}]
    assert told(site, by_title) == [{"wish_list": second.public_id, "matched": 1}]
    with site.db.read() as conn:
        assert conn.execute(sa.select(wish_key)).all() == [], "nothing waits any more"


@pytest.mark.parametrize("row", [BY_NUMBER, BY_TITLE, BY_NUMBER | BY_TITLE])
def test_the_answer_is_the_same_before_and_after_the_keys_are_made(
    site: Site, row: dict[str, str]
) -> None:
    early, between, late = (a_partner(site, code) for code in ("early", "between", "late"))
    first = wish(site, early, row)
    held = offered_and_not_compared(site, a_book(isbn=VEGETARIAN))
    second = wish(site, between, row)
    match(site, held)
    work(site)
    third = wish(site, late, row)
    answers = [
        [(a.outcome, a.offer, a.score, a.reason) for a in again(site, each)]
        for each in (first, second, third)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0][0] in {Outcome.REGISTERED, Outcome.MATCHED}


def test_titles_are_keyed_when_their_list_opens_and_not_at_import(site: Site) -> None:
    offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    bring(site, a_book(isbn=VEGETARIAN))

    def kinds() -> set[str]:
        with site.db.read() as conn:
            return set(conn.execute(sa.select(match_key.c.kind)).scalars())

    assert kinds() == {"isbn"}
    offering.change_list(site.db, "spring", ListAction.OPEN, site.now())
    work(site)
    assert {"title", "title_alone", "title_sound", "author_year"} <= kinds()
    assert not kinds() & {"year", "edition", "language"}, "thousands of records share those"
    with site.db.read() as conn:
        row = conn.execute(sa.select(offer)).one()
    assert row.matched_version_id is not None


def test_a_record_that_changes_is_compared_anew(site: Site) -> None:
    sent = wish(site, a_partner(site), BY_NUMBER)
    open_list(site)
    numbered = a_book()._replace(
        fields=(
            *a_record_numbers(),
            *a_book().fields,
        )
    )
    bring(site, numbered)
    assert outcomes(site, sent) == [Outcome.WAITING]
    better = a_book(isbn=VEGETARIAN)
    bring(site, better._replace(fields=(*a_record_numbers(), *better.fields)))
    assert outcomes(site, sent) == [Outcome.REGISTERED]


def a_record_numbers() -> tuple[Field, ...]:
    return (Field("001", "", value="7"), Field("003", "", value="XX-TEST"))


def test_a_later_tier_and_a_later_member_meet_what_they_could_not_see_before(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    a_partner(site, "near")
    far, late = a_partner(site, "far"), a_partner(site, "late")
    membership.add_audience(site.db, "first", ["near"], now=site.now())
    membership.add_audience(site.db, "second", ["far"], now=site.now())
    open_list(site, audience="first")
    bring(site, a_book(isbn=VEGETARIAN))
    of_far, of_late = wish(site, far, BY_TITLE), wish(site, late, BY_NUMBER)
    work(site)
    assert outcomes(site, of_far) == outcomes(site, of_late) == [Outcome.WAITING]
    moment = site.now() + timedelta(days=30)
    tiering.add_tier(site.db, "spring", "second", moment, site.now())
    site.clock.move(31 * 86_400)
    work(site)
    assert outcomes(site, of_far) == [Outcome.MATCHED]
    assert outcomes(site, of_late) == [Outcome.WAITING]
    membership.join(site.db, "first", ["late"], now=site.now())
    work(site)
    assert outcomes(site, of_late) == [Outcome.REGISTERED]


def test_no_private_list_leaks_through_the_job(site: Site) -> None:
    friend, stranger = a_partner(site, "friend"), a_partner(site, "stranger")
    rows = [BY_NUMBER, BY_TITLE, {"title": "채식주의자"}, {"isbn": LATER, "title": "채식주의자"}]
    theirs, others = wish(site, friend, *rows), wish(site, stranger, *rows)
    before = again(site, others)
    open_list(site, "secret", partner_codes=["friend"])
    bring(site, a_book(isbn=VEGETARIAN), slug="secret")
    assert again(site, others) == before
    assert told(site, stranger) == []
    assert set(outcomes(site, theirs)) == {
        Outcome.REGISTERED, Outcome.DUPLICATE, Outcome.OTHER_EDITION,
    }  # fmt: skip
    # And when something public comes, only that is matched, counted and named.
    open_list(site, "public")
    bring(site, a_book(isbn=VEGETARIAN, more=(("500", "another copy"),)), slug="public")
    public = {each.offer for each in again(site, others) if each.offer}
    assert public == set(offers(site).values())
    assert "secret" not in str(again(site, others))


# --- what it may be, and how often ----------------------------------------------------------------


def test_two_spellings_of_one_wish_become_one(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    partner = a_partner(site)
    first = wish(site, partner, BY_NUMBER)
    site.clock.move(60)
    second = wish(site, partner, BY_TITLE)
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    (one,), (other,) = again(site, first), again(site, second)
    assert (one.outcome, other.outcome) == (Outcome.REGISTERED, Outcome.DUPLICATE)
    assert first.public_id in other.reason
    assert other.state is WishState.ANSWERED


def test_a_wish_that_stands_for_the_offer_already_makes_the_waiting_one_a_duplicate(
    site: Site,
) -> None:
    partner = a_partner(site)
    first = wish(site, partner, {"title": "채식주의자", "author": "한강"})
    held = offered_and_not_compared(site, a_book(isbn=VEGETARIAN))
    second = wish(site, partner, BY_NUMBER)
    assert outcomes(site, second) == [Outcome.REGISTERED]
    match(site, held)
    work(site)
    assert outcomes(site, first) == [Outcome.DUPLICATE]


def test_another_edition_waits_on_and_meets_the_one_that_was_meant(site: Site) -> None:
    partner = a_partner(site)
    sent = wish(site, partner, BY_NUMBER | BY_TITLE)
    open_list(site)
    bring(site, a_book(isbn=LATER, year="2022"))
    assert outcomes(site, sent) == [Outcome.OTHER_EDITION]
    bring(site, a_book(isbn=LATER, year="2023", more=(("500", "again"),)))
    assert len(told(site, partner)) == 1, "the same answer is told once"
    bring(site, a_book(isbn=VEGETARIAN))
    (line,) = again(site, sent)
    assert (line.outcome, line.offer) == (Outcome.REGISTERED, offers(site)[VEGETARIAN])


def test_a_wish_that_waited_and_meets_several_stays_open(site: Site) -> None:
    sent = wish(site, a_partner(site), BY_NUMBER)
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN), a_book(isbn=VEGETARIAN, more=(("500", "x"),)))
    (line,) = again(site, sent)
    assert (line.outcome, line.state, line.offer) == (Outcome.AMBIGUOUS, WishState.OPEN, "")


def test_a_wish_taken_back_or_replaced_meets_nothing(site: Site) -> None:
    partner = a_partner(site)
    back = wish(site, partner, BY_NUMBER)
    replaced = wish(site, partner, BY_TITLE, list_key="k")
    wishing.withdraw(site.db, partner, back.public_id, back.lines[0].line_no)
    wish(site, partner, {"isbn": "9780306406157"}, list_key="k", mode=Mode.REPLACE)
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    assert outcomes(site, back) == outcomes(site, replaced) == [Outcome.WAITING]
    assert told(site, partner) == []


def test_a_list_that_is_still_being_answered_meets_what_comes_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "STEP", 1)
    partner = a_partner(site)
    open_list(site)
    body = f"{VEGETARIAN}\n9780306406157\n".encode()
    request = Request(body, "text/uri-list", mode=Mode.REPLACE)
    sent = wishing.receive(
        site.db, partner, request, site.names(), Limits(10**6, 100, at_once=1), site.now()
    ).wish_list
    held = worker.lease(site)
    while held is not None and held.kind == MATCH_OFFERS:
        worker.work(site, held, lambda *_: None)
        held = worker.lease(site)
    assert held is not None
    steps = 0

    def between(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == 1:
            received = receive(site, a_file(a_book(isbn=VEGETARIAN)))
            assert received.batch
            while other := worker.lease(site):
                worker.work(site, other, lambda *_: None)
            assert told(site, partner) == [], "told with the whole list"

    answering.answer(site, held, between)
    lines = again(site, sent)
    assert [(line.outcome, line.state) for line in lines] == [
        (Outcome.REGISTERED, WishState.OPEN),
        (Outcome.WAITING, WishState.OPEN),
    ]


# --- the job --------------------------------------------------------------------------------------


def test_a_list_has_one_matching_in_the_queue_however_often_it_grows(site: Site) -> None:
    open_list(site)
    assert len(waiting_jobs(site)) == 1
    for number in range(3):
        with site.db.write() as conn:
            jobs.enqueue_once(conn, MATCH_OFFERS, waiting_jobs(site)[0].subject_id, site.now())
        assert len(waiting_jobs(site)) == 1, number
    held_match(site)
    receive(site, a_file(a_book(isbn=VEGETARIAN)))
    while (held := worker.lease(site)) and held.kind != MATCH_OFFERS:
        worker.work(site, held, lambda *_: None)
    assert held is not None, "the one that runs may have passed by: there is another"


def test_a_matching_goes_on_where_it_was_killed_and_finds_everything_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(site.clock, HandClock)
    monkeypatch.setattr(matching_offers, "STEP", 2)
    partner = a_partner(site)
    numbers = [f"978000000{n:03}" for n in range(7)]
    isbns = [f"{each}{_check(each)}" for each in numbers]
    sent = wish(site, partner, *({"isbn": isbn} for isbn in isbns))
    books = [a_book(f"제목은 이것 {n}", isbn=isbn) for n, isbn in enumerate(isbns)]
    held = offered_and_not_compared(site, *books)
    for _ in range(3):
        with pytest.raises(Killed):
            worker.work(site, held, kill)
        site.clock.move(31)
        found = worker.lease(site)
        assert found is not None
        held = found
    assert outcomes(site, sent).count(Outcome.REGISTERED) == 6, "two a step"
    worker.work(site, held, lambda *_: None)
    work(site)
    assert outcomes(site, sent) == [Outcome.REGISTERED] * 7
    assert sum(each["registered"] for each in told(site, partner)) == 7


class Killed(BaseException):
    """The worker's process is gone."""


def kill(*_: object) -> None:
    raise Killed


def _check(body: str) -> int:
    return -sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(body)) % 10


def test_a_matching_that_was_taken_over_keeps_nothing(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    sent = wish(site, a_partner(site), BY_NUMBER)
    slow = offered_and_not_compared(site, a_book(isbn=VEGETARIAN))
    site.clock.move(31)
    quick = worker.lease(site)
    assert quick is not None
    with pytest.raises(LeaseLost):
        match(site, slow)
    assert outcomes(site, sent) == [Outcome.WAITING]
    match(site, quick)
    assert outcomes(site, sent) == [Outcome.REGISTERED]


def test_others_are_told_of_what_can_be_wished_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def meeting(_: Connection, offer_ids: Sequence[int], __: datetime) -> None:
        seen.extend(offer_ids)

    monkeypatch.setattr(matching_offers, "MEETINGS", (meeting,))
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN), a_book("소년이 온다", year="2014"))
    assert len(seen) == len(set(seen)) == 2


def test_a_closed_list_is_not_compared_any_more(site: Site) -> None:
    sent = wish(site, a_partner(site), BY_NUMBER)
    held = offered_and_not_compared(site, a_book(isbn=VEGETARIAN))
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    match(site, held)
    work(site)
    assert outcomes(site, sent) == [Outcome.WAITING]


# --- at the same moment ---------------------------------------------------------------------------


@pytest.mark.parametrize("row", [BY_NUMBER, BY_TITLE])
@pytest.mark.parametrize("locked", [True, False])
def test_a_wish_and_an_offer_at_the_same_moment_never_miss_each_other(
    site: Site, row: dict[str, str], locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has looked and is not written yet; the list opens, and is matched meanwhile.

    Without the lock they miss each other on PostgreSQL, which this test shows as well.
    """
    offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    bring(site, a_book(isbn=VEGETARIAN))
    partner = a_partner(site)
    if not locked:
        monkeypatch.setattr(wish_keys, "hold", lambda _: None)
        monkeypatch.setattr(wish_keys, "exclude", lambda _: None)
    looked, matched = threading.Event(), threading.Event()
    answers = answering.answers

    def slowly(*args: Any, **more: Any) -> Any:
        found = answers(*args, **more)
        looked.set()
        matched.wait(2 if _waits(site.db, locked=locked) else 20)
        return found

    monkeypatch.setattr(answering, "answers", slowly)
    sent: list[WishList] = []
    sender = threading.Thread(target=lambda: sent.append(wish(site, partner, row)))
    sender.start()
    assert looked.wait(20)

    def open_and_match() -> None:
        offering.change_list(site.db, "spring", ListAction.OPEN, site.now())
        match(site, held_match(site))
        matched.set()

    opener = threading.Thread(target=open_and_match)
    opener.start()
    sender.join(30)
    opener.join(30)
    missed = outcomes(site, sent[0]) == [Outcome.WAITING]
    assert missed == (not _waits(site.db, locked=locked))


def _waits(db: Database, *, locked: bool) -> bool:
    """Whether the matching has to wait for the answer: SQLite has one writer in any case."""
    return db.is_sqlite or locked
