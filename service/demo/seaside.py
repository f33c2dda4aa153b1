"""The library of the demo: made up; the names of its partners are real, the exchange is not."""

from __future__ import annotations

import io
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.cli import founding, running
from service.config import Settings
from service.demo import books, folder
from service.domain.offer import ListAction, OfferList
from service.domain.partner import Partner
from service.store.db import Database
from service.usecases import cataloguing, membership, offering, publishing, signing_in
from service.usecases.cataloguing import Report
from service.usecases.site import Site

NAME = "Seaside City Library (demo)"
SLUG = "autumn-2026"
TITLE = "Autumn 2026: books that cross the sea"
DESCRIPTION = (
    "Books in six languages that our readers gave and that look for a second library: "
    "novels and poems, picture books, history, and much about books themselves."
)
ZONE = "Asia/Seoul"
STAFF = "Exchange desk"
_DAYS_OPEN = 90
_PAGE = 20  # records on a page, so that the harvest of a short list has several


class City(NamedTuple):
    """A partner of the demo; ``place`` is ISO 3166-1 alpha-2."""

    code: str
    name: str
    city: str
    place: str


PARTNERS = (
    City("nagasaki", "Nagasaki Prefectural Library", "Nagasaki", "JP"),
    City("kaohsiung", "Kaohsiung Public Library", "Kaohsiung", "TW"),
    City("ulaanbaatar", "Ulaanbaatar City Central Library", "Ulaanbaatar", "MN"),
    City(
        "ho-chi-minh",
        "General Sciences Library of Ho Chi Minh City",
        "Ho Chi Minh City",
        "VN",
    ),
    City("yokohama", "Yokohama Central Library", "Yokohama", "JP"),
    City("shanghai", "Shanghai Library", "Shanghai", "CN"),
    City("los-angeles", "Los Angeles Public Library", "Los Angeles", "US"),
    City("auckland", "Auckland Libraries", "Auckland", "NZ"),
)


class Library(NamedTuple):
    """The library as the tour shows it. The tokens are of this run alone."""

    settings: Settings
    partners: list[Partner]
    file: Path
    report: Report
    offer_list: OfferList
    partner_token: str
    staff_token: str


def build(place: Path, base_url: str) -> Library:
    """Make the library in an empty folder: partners, books imported, the list open, published."""
    # The settings of the operator's environment are not the demo's: it must never touch their data.
    made = founding.found(
        place,
        {
            "repository_name": NAME,
            "repository_identifier": "seaside.example.org",
            "admin_email": "exchange@seaside.example.org",
            "base_url": base_url,
            "page_size": _PAGE,
            "log_format": "text",
        },
        environ={},
    )
    db = Database(made.settings.database)
    try:
        return _fill(Site(db, made.settings, time.time), place)
    finally:
        db.close()


def _fill(site: Site, place: Path) -> Library:
    now = site.now()
    partners = [membership.add_partner(site.db, **city._asdict(), now=now) for city in PARTNERS]
    signing_in.add_staff(site.db, STAFF, now)
    offering.create_list(
        site.db,
        slug=SLUG,
        title=TITLE,
        description=DESCRIPTION,
        closes_at=_closing_date(now),
        zone=ZONE,
        now=now,
    )
    file = place / folder.BOOKS
    file.write_bytes(books.file())
    report = _import(site, file)
    offer_list = offering.change_list(site.db, SLUG, ListAction.OPEN, site.now())
    publishing.publish_if_dirty(site.db, site.clock)
    return Library(
        site.settings,
        partners,
        file,
        report,
        offer_list,
        signing_in.issue_partner_token(site.db, PARTNERS[0].code, "demo", now),
        signing_in.issue_staff_token(site.db, STAFF, "demo", now),
    )


def _closing_date(now: datetime) -> datetime:
    """Return six in the evening in the zone of the library, some months ahead."""
    day = (now + timedelta(days=_DAYS_OPEN)).astimezone(ZoneInfo(ZONE)).date()
    return datetime(day.year, day.month, day.day, 18, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def _import(site: Site, file: Path) -> Report:
    received = cataloguing.receive(
        site.db,
        io.BytesIO(file.read_bytes()),
        file_name=file.name,
        list_slug=SLUG,
        limit=site.settings.upload_bytes,
        now=site.now(),
    )
    return running.to_the_end(
        site, received.batch.public_id, threading.Event(), lambda _what, _done, _total: None
    )
