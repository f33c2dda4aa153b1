"""The feed as one partner sees it, or as everybody does (``reader`` None)."""

from __future__ import annotations

from oai.repository import Key, Row, Selection
from service.domain.partner import Partner
from service.usecases import membership, offering, publishing
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from tests.service.builders import HandClock


def hand(site: Site) -> HandClock:
    assert isinstance(site.clock, HandClock)
    return site.clock


def repository(site: Site, reader: Partner | None = None) -> FeedRepository:
    return FeedRepository(site.db, site.settings, site.clock, reader)


def listed(site: Site, reader: Partner | None = None, **chosen: object) -> list[Row]:
    """Return every row of a whole list, page by page."""
    selection = Selection("oai_dc", **chosen)  # type: ignore[arg-type]
    rows: list[Row] = []
    after: Key | None = None
    while True:
        page = repository(site, reader).page(selection, after, with_metadata=True)
        rows += page.rows
        if not page.more:
            return rows
        after = page.rows[-1].key


def titles(rows: list[Row]) -> list[str]:
    """Return the titles of what is present."""
    found = [row.metadata or b"" for row in rows if not row.deleted]
    return sorted(
        body.partition(b"<dc:title>")[2].partition(b"</dc:title>")[0].decode() for body in found
    )


def publish(site: Site) -> int:
    """Open what is due and publish what waits, let ten seconds pass, and return the stamp."""
    offering.keep_dates(site.db, site.now())
    stamp = publishing.publish(site.db, site.clock).stamp
    hand(site).move(10)
    return stamp


def known(site: Site, code: str) -> Partner:
    return membership.find_partner(site.db, code)
