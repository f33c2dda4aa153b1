"""What the librarian's workspace reads of lists and wishes, and titles that join a list by hand."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.audit_entry import COMMAND_LINE
from service.domain.offer import ListAction, ListState
from service.domain.visit import AskedList, Harvester, Visit
from service.domain.wish import Outcome
from service.errors import Conflict, Invalid, NotFound, Outdated
from service.store.wish_rows import Asked
from service.usecases import (
    allocating,
    cataloguing,
    changing_lists,
    offering,
    offering_titles,
    overlooking_lists,
    searching,
    visiting,
    wishing,
)
from service.usecases.site import Site
from tests.service.builders import a_file, a_partner, a_record, bring, open_list, receive, work

ISBN = "9788936433598"
BY = "staff:hana"


def wish(site: Site, code: str, *lines: str) -> None:
    """Let a partner wish for what these lines say."""
    who = a_partner(site, code)
    body = "\n".join(lines).encode()
    request = wishing.Request(body, "text/uri-list")
    wishing.receive(site.db, who, request, site.names(), site.wish_limits(), site.now())


def titles(site: Site, slug: str) -> dict[str, tuple[int, int, str]]:
    """Return copies, volumes and condition of the titles of a list."""
    found = overlooking_lists.all_offers(site.db, slug)
    return {
        each.offer.title: (each.offer.copies, each.offer.volumes, each.offer.condition)
        for each in found
    }


def test_lists_are_counted_with_their_titles_wishes_partners_and_harvests(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN), a_record("Two"))
    offering.create_list(site.db, slug="draft", title="Draft", now=site.now())
    wish(site, "nagasaki", ISBN, "9788936434595")
    wish(site, "ulaanbaatar", ISBN)
    seen = Visit(
        Harvester(None, "192.0.2.1", "harvester"),
        AskedList("ListRecords", "marc21", "list:spring"),
        site.now(),
        site.now(),
        begins=True,
    )
    elsewhere = Visit(seen.harvester, AskedList("ListRecords", "marc21"), site.now(), site.now())
    visiting.keep(site.db, [seen, elsewhere], with_addresses=False)
    draft, spring = overlooking_lists.list_lists(site.db, site.now())
    assert (draft.titles, draft.wishes, draft.partners, draft.harvests) == (0, 0, 0, 0)
    assert (spring.titles, spring.wishes, spring.partners, spring.harvests) == (2, 2, 2, 1)
    only = overlooking_lists.list_lists(site.db, site.now(), states=[ListState.OPEN])
    assert [each.offer_list.slug for each in only] == ["spring"]
    later = overlooking_lists.list_lists(site.db, site.now(), before=draft.offer_list.public_id)
    assert [each.offer_list.slug for each in later] == ["spring"]
    assert overlooking_lists.find(site.db, "spring", site.now()).audience == "public"
    with pytest.raises(NotFound):
        overlooking_lists.find(site.db, "nothing", site.now())
    found = overlooking_lists.list_offers(site.db, "spring", limit=1)
    rest = overlooking_lists.list_offers(site.db, "spring", found[0].offer.public_id)
    assert sorted((each.offer.title, each.wishes) for each in found + rest) == [
        ("One", 2),
        ("Two", 0),
    ]
    (two,) = overlooking_lists.list_offers(site.db, "spring", query="two")
    assert two.offer.title == "Two"


def test_wishes_are_read_by_list_partner_and_answer_page_by_page(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN), a_record("Two", isbn="9788936434595"))
    wish(site, "nagasaki", ISBN, "9788936434595", "9788970128856")
    wish(site, "ulaanbaatar", ISBN)
    every = list(overlooking_lists.all_wishes(site.db, Asked()))
    assert [(each.partner, each.line_no) for each in every] == [
        ("ulaanbaatar", 1),
        ("nagasaki", 1),
        ("nagasaki", 2),
        ("nagasaki", 3),
    ]
    paged, after = [], None
    while page := overlooking_lists.list_wishes(site.db, Asked(), after, 1):
        paged += page
        after = (page[-1].wish_list, page[-1].line_no)
    assert paged == every
    of_list = overlooking_lists.list_wishes(site.db, Asked(slug="spring", partner="nagasaki"))
    assert [each.title for each in of_list] == ["One", "Two"]
    (waits,) = overlooking_lists.list_wishes(site.db, Asked(outcome=Outcome.WAITING))
    assert (waits.title, waits.slug, waits.offer) == ("", "", "")
    counts = overlooking_lists.count_wishes(site.db, Asked(partner="nagasaki"))
    assert counts == {Outcome.REGISTERED: 2, Outcome.WAITING: 1}
    assert overlooking_lists.count_wishes(site.db, Asked()) == {}


def test_records_join_a_list_once_and_who_waits_for_them_is_met(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN), a_record("Two"))
    open_list(site, "summer")
    (one,) = searching.records(site.db, "one").rows
    who: dict[str, Any] = {"by": BY, "now": site.now()}
    assert offering_titles.offer_records(site.db, "summer", [one.public_id] * 2, **who) == 1
    assert offering_titles.offer_records(site.db, "summer", [one.public_id.lower()], **who) == 0
    assert list(titles(site, "summer")) == ["One"]
    with pytest.raises(NotFound, match="no record"):
        offering_titles.offer_records(site.db, "summer", [one.public_id, "0" * 26], **who)
    with pytest.raises(Invalid):
        offering_titles.offer_records(site.db, "summer", [], **who)
    with pytest.raises(Outdated):
        offering_titles.offer_records(site.db, "summer", [one.public_id], seen=99, **who)
    offering.change_list(site.db, "summer", ListAction.CLOSE, site.now())
    with pytest.raises(Conflict, match="takes no more titles"):
        offering_titles.offer_records(site.db, "summer", [one.public_id], **who)


def test_what_an_import_brought_is_offered_elsewhere_once_it_is_committed(site: Site) -> None:
    open_list(site)
    found = bring(site, *(a_record(f"Book {each}") for each in range(5)))
    open_list(site, "summer")
    who: dict[str, Any] = {"by": BY, "now": site.now()}
    name = found.batch.public_id
    assert offering_titles.offer_import(site.db, "summer", name, **who) == 5
    assert offering_titles.offer_import(site.db, "summer", name, **who) == 0
    assert len(titles(site, "summer")) == 5
    with pytest.raises(NotFound):
        offering_titles.offer_import(site.db, "summer", "nonsense", **who)
    staged = receive(site, a_file(a_record("Staged")), stage_only=True)
    work(site)
    with pytest.raises(Conflict, match="once it is committed"):
        offering_titles.offer_import(site.db, "summer", staged.batch.public_id, **who)
    assert cataloguing.report(site.db, name).batch.public_id == name


def test_what_is_left_over_is_offered_with_its_copies_and_terms(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN), a_record("Two"), a_record("Gone", isbn="9788936434595"))
    (one,) = overlooking_lists.list_offers(site.db, "spring", query="one")
    given = {"copies": 3, "volumes": 2, "condition": "worn", "not_to": "US"}
    changing_lists.change_offer(site.db, one.offer.public_id, given, by=BY, now=site.now())
    wish(site, "nagasaki", ISBN, "9788936434595")
    who: dict[str, Any] = {"by": COMMAND_LINE, "now": site.now()}
    open_list(site, "summer")
    with pytest.raises(Conflict, match="known once allocated"):
        offering_titles.offer_leftovers(site.db, "summer", "spring", **who)
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    allocating.allocate(site.db, "spring", site.now)
    assert offering_titles.lists_with_leftovers(site.db) == [("spring", "List spring", 2)]
    assert offering_titles.offer_leftovers(site.db, "summer", "spring", **who) == 2
    assert offering_titles.offer_leftovers(site.db, "summer", "spring", **who) == 0
    assert titles(site, "summer") == {"One": (2, 2, "worn"), "Two": (1, 1, "")}
    (found,) = overlooking_lists.list_offers(site.db, "summer", query="one")
    assert found.offer.not_to == ("US",)


def test_shares_tell_of_every_partner_that_took_part(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    wish(site, "nagasaki", ISBN)
    wish(site, "ulaanbaatar", ISBN)
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    run = allocating.allocate(site.db, "spring", site.now).run
    found = overlooking_lists.shares(site.db, run)
    assert [each.partner for each in found] == ["nagasaki", "ulaanbaatar"]
    assert sorted(each.copies for each in found) == [0, 1]
