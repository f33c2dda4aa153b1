"""Offer lists go through their states in order, on time, and never twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.domain.offer import ListAction, ListState
from service.errors import Conflict, Invalid, NotFound
from service.store import feed
from service.usecases import membership, offering
from service.usecases.site import Site
from tests.service.builders import HandClock, a_partner, a_record, bring, open_list

PUBLIC = {feed.PUBLIC}


def test_a_list_goes_from_draft_to_archive(site: Site) -> None:
    made = offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    assert made.state is ListState.DRAFT
    for action, state in (
        (ListAction.OPEN, ListState.OPEN),
        (ListAction.CLOSE, ListState.CLOSED),
        (ListAction.ARCHIVE, ListState.ARCHIVED),
    ):
        assert offering.change_list(site.db, "spring", action, site.now()).state is state


@pytest.mark.parametrize("action", [ListAction.CLOSE, ListAction.ARCHIVE])
def test_what_a_state_forbids_is_refused_and_says_what_is_allowed(
    site: Site, action: ListAction
) -> None:
    offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    with pytest.raises(Conflict, match="this list is DRAFT; only a list that is"):
        offering.change_list(site.db, "spring", action, site.now())


def test_a_slug_is_never_used_twice(site: Site) -> None:
    open_list(site)
    offering.change_list(site.db, "spring", ListAction.WITHDRAW, site.now())
    with pytest.raises(Conflict, match="never used twice"):
        offering.create_list(site.db, slug="spring", title="Again", now=site.now())


@pytest.mark.parametrize("slug", ["", "Spring", "a b", "a--b", "-a", "a/b", "a:b", "봄", "a" * 61])
def test_a_slug_that_cannot_be_a_set_is_refused(site: Site, slug: str) -> None:
    with pytest.raises(Invalid) as refused:
        offering.create_list(site.db, slug=slug, title="Spring", now=site.now())
    assert refused.value.field == "slug"


def test_dates_that_make_no_sense_are_refused(site: Site) -> None:
    now = site.now()
    for wrong, field in (
        ({"opens_at": now, "closes_at": now}, "closes_at"),
        ({"zone": "Busan"}, "zone"),
        ({"closes_at": now.replace(tzinfo=None)}, "closes_at"),
    ):
        with pytest.raises(Invalid) as refused:
            offering.create_list(site.db, slug="spring", title="S", now=now, **wrong)  # type: ignore[arg-type]
        assert refused.value.field == field


def test_a_list_opens_and_closes_when_its_moment_comes(site: Site) -> None:
    now = site.now()
    offering.create_list(
        site.db,
        slug="spring",
        title="Spring",
        opens_at=now + timedelta(hours=1),
        closes_at=now + timedelta(hours=2),
        now=now,
    )
    states = []
    for _ in range(3):
        offering.keep_dates(site.db, site.now())
        states.append(offering.find_list(site.db, "spring", None).offer_list.state)
        assert isinstance(site.clock, HandClock)
        site.clock.move(3600)
    assert states == [ListState.SCHEDULED, ListState.OPEN, ListState.CLOSED]


def test_a_list_whose_whole_term_was_slept_through_waits_for_a_person(site: Site) -> None:
    now = site.now()
    offering.create_list(
        site.db,
        slug="spring",
        title="Spring",
        opens_at=now + timedelta(hours=1),
        closes_at=now + timedelta(hours=2),
        now=now,
    )
    assert offering.keep_dates(site.db, now + timedelta(hours=3)) == 0
    with pytest.raises(Conflict, match="later closing date"):
        offering.change_list(site.db, "spring", ListAction.OPEN, now + timedelta(hours=3))


def test_an_offer_taken_back_is_not_listed_and_cannot_be_taken_back_again(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    (offer,) = offering.browse(site.db, PUBLIC)
    offering.withdraw_offer(site.db, offer.public_id.lower(), now=site.now())
    assert offering.browse(site.db, PUBLIC) == []
    assert not offering.show(site.db, PUBLIC, offer.public_id).listed
    with pytest.raises(Conflict):
        offering.withdraw_offer(site.db, offer.public_id, now=site.now())
    with pytest.raises(NotFound):
        offering.withdraw_offer(site.db, "0" * 26, now=site.now())


def test_a_list_for_some_partners_is_found_by_them_alone(site: Site) -> None:
    a_partner(site)
    open_list(site, "secret", partner_codes=["nagasaki"])
    bring(site, a_record("Hidden", number="1"), slug="secret")
    with pytest.raises(NotFound):
        offering.find_list(site.db, "secret", PUBLIC)
    assert offering.browse(site.db, PUBLIC) == []
    assert [o.title for o in offering.browse(site.db, {feed.PUBLIC, 2})] == ["Hidden"]


def test_a_list_for_a_partner_nobody_knows_is_refused_and_not_made(site: Site) -> None:
    with pytest.raises(Invalid, match="no partner"):
        offering.create_list(
            site.db, slug="spring", title="S", partner_codes=["nobody"], now=site.now()
        )
    with pytest.raises(NotFound):
        offering.find_list(site.db, "spring", None)


def test_titles_are_browsed_page_by_page_without_loss(site: Site) -> None:
    open_list(site)
    bring(site, *(a_record(f"Book {n:03}", number=str(n)) for n in range(120)))
    seen: list[str] = []
    after = ""
    while page := offering.browse(site.db, PUBLIC, after=after, limit=50):
        seen += [offer.title for offer in page]
        after = page[-1].public_id
    assert sorted(seen) == [f"Book {n:03}" for n in range(120)]


def test_two_partners_cannot_have_one_code_or_one_isil(site: Site) -> None:
    membership.add_partner(site.db, code="a", name="A", isil="FI-Ht", now=site.now())
    with pytest.raises(Conflict, match="FI-HT"):
        membership.add_partner(site.db, code="b", name="B", isil="FI-HT", now=site.now())
    with pytest.raises(Conflict, match="'a'"):
        membership.add_partner(site.db, code="a", name="B", now=site.now())
