"""Keys of offers are made ahead, by a second process: the same ones, and none outdated."""

from __future__ import annotations

from multiprocessing import active_children
from typing import Any

import pytest
import sqlalchemy as sa

from marc_mappings import iso2709
from marc_mappings.record import Field, Record
from service import worker
from service.domain import offer_key
from service.domain.offer import ListAction
from service.domain.wish import MATCH_OFFERS, Outcome
from service.store import jobs
from service.store.tables import match_key, offer
from service.usecases import keying_offers, matching_offers, offering, working_apart
from service.usecases.site import Site
from tests.service.builders import a_partner, bring, work
from tests.service.matching import a_book, again, wish

TITLES = [f"그 집에 책이 산다 {n}" for n in range(7)]


def numbered(number: int, title: str) -> Record:
    """Return a book that a later file changes."""
    book = a_book(title, year="2014")
    number_of_ours = (Field("001", "", value=f"k{number}"), Field("003", "", value="XX-TEST"))
    return book._replace(fields=(*number_of_ours, *book.fields))


BOOKS = [numbered(n, title) for n, title in enumerate(TITLES)]


def a_list(site: Site) -> jobs.Job:
    """Offer the books on a list that was just opened; return its matching, taken by a worker."""
    offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    bring(site, *BOOKS)
    offering.change_list(site.db, "spring", ListAction.OPEN, site.now())
    held = worker.lease(site)
    assert held is not None
    assert held.kind == MATCH_OFFERS
    return held


def kept(site: Site) -> list[Any]:
    """Return all that was kept of offers: their keys, and what they are found by."""
    with site.db.read() as conn:
        with_it = sa.select(offer.c.record_id, offer.c.matched_version_id, offer.c.matched_keys)
        return [
            *map(tuple, conn.execute(with_it.order_by(offer.c.id))),
            *map(tuple, conn.execute(sa.select(match_key).order_by(*match_key.c))),
        ]


def test_a_second_process_makes_the_keys_that_the_first_would() -> None:
    steps = [[(n, iso2709.write(book))] * 3 for n, book in enumerate(BOOKS)]
    here = [offer_key.of_step(step) for step in steps]
    assert list(working_apart.results(offer_key.of_step, iter(steps))) == here
    keys = here[0][0]
    assert {kind for kind, _ in keys.titles} <= {kind for kind, _ in keys.looked_up}
    assert offer_key.packed(offer_key.unpacked(keys.packed)) == keys.packed


def test_a_long_list_is_matched_by_two_processes_as_a_short_one_by_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = wish(site, a_partner(site), *({"title": each, "year": "2014"} for each in TITLES))
    monkeypatch.setattr(matching_offers, "STEP", 2)
    monkeypatch.setattr(keying_offers, "_ALONE", 1)
    held = a_list(site)
    beside: list[int] = []
    matching_offers.match(site.db, held, site.now, lambda *_: beside.append(len(active_children())))
    assert (beside[0], max(beside), active_children()) == (0, 1, [])
    apart = kept(site)
    assert [line.outcome for line in again(site, sent)] == [Outcome.MATCHED] * len(TITLES)
    with site.db.write() as conn:
        conn.execute(match_key.delete().where(match_key.c.kind.like("title%")))
        conn.execute(offer.update().values(matched_version_id=None, matched_keys=None))
    monkeypatch.setattr(keying_offers, "_ALONE", 1000)
    matching_offers.match_now(site.db, "spring", site.now)
    assert kept(site) == apart


def test_a_matching_that_is_killed_leaves_no_process(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching_offers, "STEP", 1)
    monkeypatch.setattr(keying_offers, "_ALONE", 1)
    held = a_list(site)

    def kill(_: jobs.Job, done: int) -> None:
        if done == 3:
            assert len(active_children()) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        matching_offers.match(site.db, held, site.now, kill)
    assert active_children() == []


def test_what_changes_after_it_was_read_ahead_is_found_by_its_new_title_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching_offers, "STEP", 3)
    monkeypatch.setattr(keying_offers, "_OCTETS", 1)  # so each offer is a step, and all are read
    sent = wish(
        site,
        a_partner(site),
        {"title": TITLES[2], "author": "한강", "year": "2014"},
        {"title": "바람의 나라", "author": "한강", "year": "2014"},
    )
    held = a_list(site)

    def change(_: jobs.Job, done: int) -> None:
        if done == 1:
            bring(site, numbered(2, "바람의 나라"))

    matching_offers.match(site.db, held, site.now, change)
    work(site)
    assert [each.outcome for each in again(site, sent)] == [Outcome.WAITING, Outcome.MATCHED]
