"""Visits of harvesters: gathered page by page, written together, forgotten in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from oai.provider import Answer, ListPart, Selection
from service import worker
from service.app import create_app
from service.domain import visit
from service.domain.visit import AskedList, Harvester, Visit
from service.errors import Busy, NotFound
from service.store import visits
from service.store.visits import Kept
from service.usecases import signing_in, visiting
from service.usecases.site import Site
from service.web.visitors_book import VisitorsBook
from tests.service.builders import HandClock, a_partner, a_record, bring, open_list, utc

NOW = utc("2026-05-01 09:00:00")
SOMEBODY = visit.harvester(None, "192.0.2.7", "sickle/0.7")
MARC = Selection("marc21", "list:spring", 0)


def _page(
    *,
    first: bool = False,
    last: bool = False,
    items: int = 100,
    at: int = 0,
    who: Harvester = SOMEBODY,
) -> Visit:
    """Return what one page of a harvest of MARC leaves behind."""
    answer = Answer(b"", "ListRecords", part=ListPart(MARC, first, last, items))
    found = visit.of_answer(who, answer, NOW + timedelta(seconds=at))
    assert found is not None
    return found


def _error(code: str, part: ListPart | None = None, verb: str = "") -> Visit:
    found = visit.of_answer(SOMEBODY, Answer(b"", verb, (code,), part), NOW)
    assert found is not None
    return found


def _shown(site: Site) -> list[Visit]:
    return [kept.visit for kept in _kept(site)]


def _kept(site: Site, **which: str) -> list[Kept]:
    return visiting.list_visits(site.db, limit=1000, **which)


# --- what a page leaves behind


def test_a_page_of_a_list_is_a_part_of_a_visit() -> None:
    found = _page(first=True)
    assert found.asked == AskedList(
        "ListRecords", "marc21", "list:spring", "1970-01-01T00:00:00Z", ""
    )
    assert (found.begins, found.pages, found.records, found.complete) == (True, 1, 100, False)


def test_what_is_no_part_of_a_harvest_leaves_nothing() -> None:
    for answer in (Answer(b"", "Identify"), Answer(b"", "GetRecord", ("idDoesNotExist",))):
        assert visit.of_answer(SOMEBODY, answer, NOW) is None


def test_that_nothing_is_new_is_a_finished_harvest_and_no_error() -> None:
    found = _error("noRecordsMatch", ListPart(MARC, True, True, 0), "ListRecords")
    assert (found.begins, found.complete, found.errors, found.records) == (True, True, 0, 0)


def test_an_error_counts_for_the_list_that_it_was_about() -> None:
    found = _error("badResumptionToken", ListPart(MARC, False, False, 0), "ListRecords")
    assert (found.asked.set_spec, found.errors, found.pages) == ("list:spring", 1, 0)
    assert _error("badVerb").asked == AskedList()


def test_what_strangers_send_is_cut_and_cleaned() -> None:
    who = visit.harvester(None, "x" * 500, "a\x1b[2J\x00\x9b" + "b" * 500)
    assert len(who.agent) == 200
    assert who.agent.startswith("a [2J b")
    assert len(who.address) == 100
    part = ListPart(Selection("p" * 10**5, "s" * 10**5), True, False, 0)
    asked = _error("cannotDisseminateFormat", part, "ListRecords").asked
    assert (len(asked.prefix), len(asked.set_spec)) == (200, 200)


def test_no_address_of_a_partner_is_remembered() -> None:
    assert visit.harvester(7, "192.0.2.7", "x").address == ""


# --- gathering


def test_pages_of_one_harvest_are_one_visit_and_a_new_beginning_is_another() -> None:
    seen: list[Visit] | None = []
    for page in (_page(first=True), _page(), _page(last=True, items=5), _page(first=True)):
        assert seen is not None
        seen = visit.gathered(seen, page)
    assert seen is not None
    assert [(each.pages, each.records, each.complete) for each in seen] == [
        (3, 205, True),
        (1, 100, False),
    ]


def test_a_harvester_that_begins_without_end_is_one_visit_after_some_time() -> None:
    seen: list[Visit] = []
    for _ in range(1000):
        joined = visit.gathered(seen, _page(first=True, items=1))
        assert joined is not None
        seen = joined
    assert len(seen) == visit.MOST_AT_ONCE
    assert sum(each.records for each in seen) == 1000


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), max_size=300))
def test_gathering_loses_no_page(pages: list[tuple[bool, bool, int]]) -> None:
    seen: list[Visit] = []
    for first, last, items in pages:
        joined = visit.gathered(seen, _page(first=first, last=last, items=items))
        assert joined is not None
        seen = joined
    assert sum(each.pages for each in seen) == len(pages)
    assert sum(each.records for each in seen) == sum(items for _, _, items in pages)


# --- keeping


def _keep(site: Site, *seen: Visit, with_addresses: bool = True) -> None:
    visiting.keep(site.db, seen, with_addresses=with_addresses)


def test_what_is_written_later_goes_on_with_the_newest_visit(site: Site) -> None:
    _keep(site, _page(first=True))
    _keep(site, _page(first=True, at=60))
    _keep(site, _page(at=61), _page(at=62, last=True))
    newest, oldest = _shown(site)
    assert (newest.pages, newest.records, newest.complete) == (3, 300, True)
    assert newest.last_at - newest.began_at == timedelta(seconds=2)
    assert (oldest.pages, oldest.complete) == (1, False)


def test_a_page_that_nothing_is_known_of_is_a_visit_of_its_own(site: Site) -> None:
    _keep(site, _page(at=0))
    _keep(site, _page(at=90_000))
    assert [each.pages for each in _shown(site)] == [1, 1], "more than a day has passed"


def test_errors_are_counted_with_the_last_code(site: Site) -> None:
    wrong = ListPart(MARC, False, False, 0)
    _keep(site, _page(first=True))
    for code in ("badResumptionToken", "cannotDisseminateFormat"):
        _keep(site, _error(code, wrong, "ListRecords"))
    (found,) = _shown(site)
    assert (found.pages, found.errors, found.last_error) == (1, 2, "cannotDisseminateFormat")


def test_a_partner_is_named_and_its_visits_can_be_asked_for(site: Site) -> None:
    partner = a_partner(site)
    _keep(site, _page(first=True, who=visit.harvester(partner.id, "192.0.2.7", "Koha")))
    _keep(site, _page(first=True))
    (found,) = _kept(site, partner_code="nagasaki")
    assert (found.partner_code, found.visit.harvester.address) == ("nagasaki", "")
    assert len(_kept(site)) == 2
    with pytest.raises(NotFound):
        _kept(site, partner_code="nobody")


def test_visits_are_paged_by_key(site: Site) -> None:
    for at in range(3):
        _keep(site, _page(first=True, at=at, items=at))
    newest, *_ = _kept(site)
    older = _kept(site, before=newest.public_id)
    assert [each.visit.records for each in older] == [1, 0]


def test_addresses_are_forgotten_when_their_days_are_over(site: Site) -> None:
    _keep(site, _page(first=True), _page(first=True, at=86_400))
    visiting.tidy(site.db, NOW + timedelta(days=30), 30)
    assert [each.harvester.address for each in _shown(site)] == ["192.0.2.7", ""]
    visiting.tidy(site.db, NOW + timedelta(days=1), 0)
    assert {each.harvester.address for each in _shown(site)} == {""}


def test_the_worker_forgets_them(site: Site) -> None:
    _keep(site, replace(_page(first=True), last_at=site.now() - timedelta(days=31)))
    worker._tidy(site)
    assert _shown(site)[0].harvester.address == ""


def test_an_address_that_shall_not_be_kept_is_never_written(site: Site) -> None:
    _keep(site, _page(first=True), with_addresses=False)
    _keep(site, _page(last=True), with_addresses=False)
    (found,) = _shown(site)
    assert (found.harvester.address, found.pages, found.complete) == ("", 2, True)


def test_only_the_newest_visits_are_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visiting, "_MOST_KEPT", 3)
    for at in range(5):
        _keep(site, _page(first=True, items=at))
    visiting.tidy(site.db, NOW, 30)
    assert [each.records for each in _shown(site)] == [4, 3, 2]
    visiting.tidy(site.db, NOW, 30)
    assert len(_shown(site)) == 3


# --- the book


def _book(site: Site) -> VisitorsBook:
    return VisitorsBook(site.db, site.now, with_addresses=True)


def _now(page: Visit, site: Site) -> Visit:
    return replace(page, began_at=site.now(), last_at=site.now())


def test_a_page_costs_no_statement_until_the_book_is_written(site: Site) -> None:
    book = _book(site)
    for first in (True, False):
        book.enter(_now(_page(first=first), site))
    assert _shown(site) == []
    with site.db.write():  # whoever holds the lock stops nobody
        book.enter(_now(_page(), site))
    book.write()
    assert [each.pages for each in _shown(site)] == [3]
    book.close()


def test_a_book_that_cannot_be_written_now_loses_no_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, keep = _book(site), visits.keep

    def busy(*_: object) -> None:
        raise Busy("somebody else is writing")

    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    book.enter(_now(_page(first=True), site))
    for fault in (busy, broken):
        monkeypatch.setattr(visits, "keep", fault)
        book.write()
        book.enter(_now(_page(), site))
    monkeypatch.setattr(visits, "keep", keep)
    book.enter(_now(_page(last=True), site))
    book.write()
    assert [(each.pages, each.complete) for each in _shown(site)] == [(4, True)]
    book.close()


def test_what_another_process_began_is_gone_on_with_not_begun_again(site: Site) -> None:
    here, there = _book(site), _book(site)
    clock = site.clock
    assert isinstance(clock, HandClock)
    here.enter(_now(_page(first=True), site))
    there.enter(_now(_page(last=True, items=7), site))
    there.write()
    assert _shown(site) == [], "the beginning shall be written first"
    here.write()
    clock.move(10)
    there.write()
    assert [(each.pages, each.records, each.complete) for each in _shown(site)] == [(2, 107, True)]
    for book in (here, there):
        book.close()


def test_a_visit_that_is_held_is_not_overtaken_by_the_next(site: Site) -> None:
    _keep(site, _now(_page(first=True), site))
    book = _book(site)
    book.enter(_now(_page(last=True), site))
    book.enter(_now(_page(first=True), site))
    book.write()
    assert [(each.pages, each.complete) for each in _shown(site)] == [(1, False), (2, True)]
    book.close()


def test_more_harvesters_than_can_be_told_apart_cost_no_memory(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.visitors_book._MOST_HARVESTERS", 10)
    book = _book(site)
    for n in range(50):
        book.enter(_page(first=True, who=visit.harvester(None, f"192.0.2.{n}", "")))
    book.write()
    assert len(_shown(site)) == 10
    book.close()


def test_the_book_is_written_by_itself_after_some_seconds(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.visitors_book.PAUSE", 0.01)
    book = _book(site)
    book.enter(_now(_page(first=True), site))
    assert book._timer is not None
    book._timer.join(10)
    assert [each.pages for each in _shown(site)] == [1]
    book.close()


# --- over the endpoint


@pytest.fixture
def app(site: Site) -> Iterator[Flask]:
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(5)))
    clock = site.clock
    assert isinstance(clock, HandClock)
    clock.move(10)
    made = create_app(replace(site.settings, page_size=2), site.db, clock)
    yield made
    made.extensions["visitors_book"].close()


def _harvest(app: Flask, arguments: str, **headers: str) -> list[bytes]:
    client = app.test_client()
    pages = [client.get(f"/oai?verb=ListRecords&{arguments}", headers=headers).data]
    while b"<resumptionToken" in pages[-1]:
        token = pages[-1].partition(b"<resumptionToken")[2].partition(b">")[2].partition(b"<")[0]
        if not token:
            break
        query = f"/oai?verb=ListRecords&resumptionToken={token.decode()}"
        pages.append(client.get(query, headers=headers).data)
    return pages


def test_a_harvest_over_the_endpoint_is_one_visit(app: Flask, site: Site) -> None:
    pages = _harvest(app, "metadataPrefix=marc21&set=list:spring&from=2001-02-03", User_Agent="t/1")
    assert len(pages) == 3
    _harvest(app, "metadataPrefix=marc21&until=2001-02-03")
    app.test_client().get("/oai?verb=ListRecords&resumptionToken=junk")
    app.test_client().get("/oai?verb=ListRecords")
    app.test_client().get("/oai?verb=Identify")
    app.extensions["visitors_book"].write(everything=True)
    found = {
        (each.asked.verb, each.asked.set_spec, each.asked.until): each for each in _shown(site)
    }
    whole = found["ListRecords", "list:spring", ""]
    assert (whole.pages, whole.records, whole.errors, whole.complete) == (3, 5, 0, True)
    assert whole.asked.from_ == "2001-02-03T00:00:00Z"
    assert whole.harvester == Harvester(None, "127.0.0.1", "t/1")
    nothing = found["ListRecords", "", "2001-02-03T23:59:59Z"]
    assert (nothing.records, nothing.complete, nothing.errors) == (0, True, 0)
    assert found["ListRecords", "", ""].last_error == "badResumptionToken"
    assert found["", "", ""].last_error == "badArgument"
    assert len(found) == 4


def test_a_partner_that_signs_in_leaves_its_name_and_no_address(app: Flask, site: Site) -> None:
    a_partner(site)
    token = signing_in.issue_partner_token(site.db, "nagasaki", "", site.now())
    _harvest(app, "metadataPrefix=oai_dc", Authorization=f"Bearer {token}")
    site.db.close()  # which writes the book first
    (found,) = _kept(site, partner_code="nagasaki")
    assert (found.visit.pages, found.visit.harvester.address) == (3, "")
