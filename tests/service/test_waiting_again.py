"""A wish that got nothing at an allocation waits for the next offer, and for nothing twice."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.allocation import AllocationPolicy
from service.domain.offer import ListAction
from service.domain.partner import Partner
from service.domain.wish import AnsweredLine, Outcome, WishState
from service.store.tables import offer as offer_table
from service.store.tables import wish as wish_table
from service.store.tables import wish_key
from service.usecases import (
    accepting,
    allocating,
    confirming,
    offering,
    planning,
    waiting_again,
    wishing,
)
from service.usecases.site import Site
from tests.service.builders import HandClock, a_partner, bring, open_list
from tests.service.matching import LATER, VEGETARIAN, a_book, again, offers, wish

ISBN = {"isbn": VEGETARIAN}
TITLE = {"title": "채식주의자", "author": "한강", "year": "2007"}
WAITS = "Your wish waits for the next offer."


@pytest.fixture
def pair(site: Site) -> tuple[Partner, Partner]:
    """One copy is on offer, and two partners are there: the first to wish gets it."""
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    return a_partner(site, "first"), a_partner(site, "second")


def later(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    site.clock.move(60)


def allocate(site: Site) -> None:
    later(site)
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    allocating.allocate(site.db, "spring", site.now, policy=AllocationPolicy.FIRST_COME)


def sent(site: Site, partner: Partner, *rows: dict[str, str]) -> Any:
    later(site)
    return wish(site, partner, *rows)


def of(line: AnsweredLine) -> tuple[WishState, Outcome]:
    return line.state, line.outcome


def test_a_wish_that_got_nothing_waits_and_meets_the_next_offer(
    site: Site, pair: tuple[Partner, Partner]
) -> None:
    first, second = pair
    met, missed = sent(site, first, ISBN), sent(site, second, ISBN)
    allocate(site)
    assert of(again(site, met)[0])[0] is WishState.ALLOCATED
    (line,) = again(site, missed)
    assert of(line) == (WishState.OPEN, Outcome.WAITING)
    assert "Not allocated: the only copy went to" in line.reason
    assert line.reason.endswith(WAITS)
    open_list(site, "autumn")
    bring(site, a_book(isbn=VEGETARIAN), slug="autumn")
    (line,) = again(site, missed)
    assert of(line) == (WishState.OPEN, Outcome.REGISTERED)
    assert line.reason.endswith("on list autumn.")
    with site.db.read() as conn:
        assert conn.execute(sa.select(wish_key)).all() == []


@pytest.mark.parametrize("compared", [True, False], ids=["compared", "shown to others since"])
def test_one_that_only_named_the_offer_waits_for_what_that_showed(
    site: Site, pair: tuple[Partner, Partner], compared: bool
) -> None:
    first, second = pair
    named = {"identifier": f"offer/{offers(site)[VEGETARIAN]}"}
    sent(site, first, ISBN)
    missed = sent(site, second, named)
    if not compared:
        with site.db.write() as conn:
            conn.execute(offer_table.update().values(matched_version_id=None))
    allocate(site)
    (line,) = again(site, missed)
    assert of(line) == (WishState.OPEN, Outcome.WAITING)
    assert line.reason.endswith(WAITS)
    open_list(site, "autumn")
    bring(site, a_book("다른 책", isbn=LATER), a_book(isbn=VEGETARIAN), slug="autumn")
    (line,) = again(site, missed)
    assert of(line) == (WishState.OPEN, Outcome.REGISTERED)
    assert line.reason.endswith("on list autumn.")


def test_it_tells_another_edition_from_the_one_that_was_named(
    site: Site, pair: tuple[Partner, Partner]
) -> None:
    first, second = pair
    sent(site, first, ISBN)
    missed = sent(site, second, {"identifier": f"offer/{offers(site)[VEGETARIAN]}"})
    allocate(site)
    open_list(site, "autumn")
    bring(site, a_book(isbn=LATER, year="2022"), slug="autumn")
    assert of(again(site, missed)[0]) == (WishState.OPEN, Outcome.OTHER_EDITION)


def test_a_copy_that_comes_back_reaches_one_that_only_named_the_offer(
    site: Site, pair: tuple[Partner, Partner]
) -> None:
    first, second = pair
    sent(site, first, ISBN)
    missed = sent(site, second, {"identifier": f"offer/{offers(site)[VEGETARIAN]}"})
    allocate(site)
    (theirs,) = accepting.list_own(site.db, first)
    accepting.decline(site.db, theirs.id, first, now=site.now(), by="partner:first")
    assert of(again(site, missed)[0]) == (WishState.ALLOCATED, Outcome.REGISTERED)


def test_one_that_was_taken_back_stays_so(site: Site, pair: tuple[Partner, Partner]) -> None:
    first, second = pair
    sent(site, first, ISBN)
    missed = sent(site, second, ISBN)
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    planning.plan(
        site.db, "spring", site.now(), policy=AllocationPolicy.FIRST_COME, by="staff:hana"
    )
    wishing.withdraw(site.db, second, missed.public_id, again(site, missed)[0].line_no)
    confirming.confirm(site.db, "spring", site.now, by="staff:hana")
    assert of(again(site, missed)[0])[0] is WishState.WITHDRAWN


def test_a_partner_waits_for_a_thing_once(site: Site, pair: tuple[Partner, Partner]) -> None:
    first, second = pair
    sent(site, first, ISBN)
    missed = sent(site, second, ISBN)
    with site.db.write() as conn:
        # The same is waited for already, as after a merger of two partners.
        (row,) = conn.execute(
            sa.select(wish_table).where(wish_table.c.partner_id == second.id)
        ).all()
        values = dict(row._mapping) | {
            "line_no": 99, "outcome": "waiting", "offer_id": None, "target": f"isbn:{VEGETARIAN}",
        }  # fmt: skip
        conn.execute(wish_table.insert().values(**values))
    allocate(site)
    one, other = again(site, missed)
    assert of(one) == (WishState.NOT_ALLOCATED, Outcome.REGISTERED)
    assert of(other) == (WishState.OPEN, Outcome.WAITING)
    assert WAITS not in one.reason


@pytest.mark.parametrize(
    ("asked", "becomes"),
    [
        (ISBN, (WishState.ALLOCATED, Outcome.REGISTERED)),
        # It has to say whether it takes what a title alone found, as before.
        (TITLE, (WishState.OPEN, Outcome.MATCHED)),
    ],
    ids=["by number", "by title"],
)
def test_a_copy_that_comes_back_reaches_one_that_waits_again(
    site: Site,
    pair: tuple[Partner, Partner],
    asked: dict[str, str],
    becomes: tuple[WishState, Outcome],
) -> None:
    first, second = pair
    sent(site, first, ISBN)
    missed = sent(site, second, asked)
    allocate(site)
    before = again(site, missed)
    assert of(before[0]) == (WishState.OPEN, Outcome.WAITING)
    # What its keys lead to, and is something else, leaves it in its line.
    open_list(site, "autumn")
    bring(site, a_book("채식주의자의 밥상과 여행"), slug="autumn")
    assert again(site, missed) == before
    (theirs,) = accepting.list_own(site.db, first)
    accepting.decline(site.db, theirs.id, first, now=site.now(), by="partner:first")
    assert of(again(site, missed)[0]) == becomes


def test_it_waits_once_however_often_a_confirmation_goes_on(
    site: Site, pair: tuple[Partner, Partner], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    sent(site, first, ISBN)
    missed = sent(site, second, ISBN, TITLE | {"title": "다른 책"})
    monkeypatch.setattr(waiting_again, "_AHEAD", 1)
    allocate(site)
    before = again(site, missed)
    with site.db.read() as conn:
        run_id = conn.execute(sa.text("SELECT id FROM allocation_run")).scalar_one()
        facts = conn.execute(sa.text("SELECT reason FROM allocation ORDER BY position")).all()
    waiting_again.wait_again(site.db, run_id)
    assert again(site, missed) == before
    assert not any(WAITS in each.reason for each in facts), "decisions stay as they were made"
