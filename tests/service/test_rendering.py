"""MODS is made when somebody asks for it, on both kinds of database."""

from __future__ import annotations

import pytest

from marc_mappings import marc21_to_mods
from oai.repository import Selection
from service.domain.audience import AudienceKind
from service.domain.feed_view import Place, Sought
from service.store import feed_reading, renditions
from service.store.feed_reading import Stream
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from tests.service.builders import a_record, bring, open_list

MODS = Selection("mods")


def bodies(site: Site) -> list[bytes | None]:
    repository = FeedRepository(site.db, site.settings, site.clock)
    return [row.metadata for row in repository.page(MODS, None, with_metadata=True).rows]


def test_what_is_made_once_is_stored_and_given_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(3)))
    first = bodies(site)
    assert all(body and body.startswith(b"<mods ") for body in first)

    def again(_: object) -> bytes:
        raise AssertionError("made again")

    monkeypatch.setattr(marc21_to_mods, "write", again)
    assert bodies(site) == first
    (identifier, *_) = [
        row.identifier
        for row in FeedRepository(site.db, site.settings, site.clock)
        .page(MODS, None, with_metadata=False)
        .rows
    ]
    row = FeedRepository(site.db, site.settings, site.clock).record(identifier, "mods")
    assert row is not None
    assert row.metadata == first[0]


def test_a_new_version_has_its_own_mods(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Before", number="1"))
    assert b"Before" in (bodies(site)[0] or b"")
    bring(site, a_record("After", number="1"))
    assert b"After" in (bodies(site)[0] or b"")


def test_two_harvesters_may_make_the_same_at_once(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"))
    with site.db.read() as conn:
        (source,) = feed_reading.view(conn, Sought("", frozenset(AudienceKind)), None).sources
        (entry,) = Stream(conn, source, "marc21", 2**40).entries(Place(0, 0, 0), 9)
    for body in (b"<first/>", b"<second/>"):
        with site.db.write() as conn:
            renditions.keep(conn, "mods", 1, {entry[-1]: body})
    assert bodies(site) == [b"<first/>"]
