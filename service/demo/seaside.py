"""The library of the demo: made up; the names of its partners are real, the exchange is not."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.cli import founding, running
from service.config import Settings
from service.demo import accounts, books, folder
from service.demo.command_line import CommandLine
from service.demo.partner_system import WentWrong
from service.domain.offer import OfferList
from service.store.db import Database
from service.usecases import cataloguing, offering
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
# The partners that take part in the tour, and the group to which the list opens first.
WISHING = ("nagasaki", "kaohsiung", "ulaanbaatar", "ho-chi-minh")
GROUP = "city-partners"
_DAYS_OPEN = 90
_DAYS_FOR_CITIES = 30
_PATIENCE = 30.0  # seconds until a worker has done what it was given
_PAGE = 20  # records on a page, so that the harvest of a short list has several


class City(NamedTuple):
    """A partner of the demo; ``place`` is ISO 3166-1 alpha-2, ``local`` its name at home or ""."""

    code: str
    name: str
    local: str
    city: str
    place: str


class Library(NamedTuple):
    """The library as the tour shows it. The tokens, by partner, are of this run alone."""

    settings: Settings
    commands: CommandLine
    partners: list[City]
    agreements: str
    file: Path
    report: Report
    offer_list: OfferList
    tokens: dict[str, str]
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
            "postal_address": "1 Harbour Road; 48000 Seaside; REPUBLIC OF KOREA",
            "postal_operator": "KOREA_POST",
            "base_url": base_url,
            "page_size": _PAGE,
            "log_format": "text",
            "demo": True,
        },
        environ={},
    )
    commands = CommandLine(place)
    agreements = _relate(commands, place)
    file = place / folder.BOOKS
    file.write_bytes(books.file())
    db = Database(made.settings.database)
    try:
        site = Site(db, made.settings, time.time)
        _draw_up_list(commands, site.now())
        report = _import(site, file)
        commands.run("list", "open", SLUG)
        commands.run("match", SLUG)  # as a worker does by itself, which is not there yet
        offer_list = offering.find_list(db, SLUG, None).offer_list
        accounts.enter(db, site.now())
    finally:
        db.close()
    commands.run("user", "add", STAFF, "--role", "admin")
    return Library(
        made.settings,
        commands,
        cities(),
        agreements,
        file,
        report,
        offer_list,
        {code: _token(commands, "partner", code) for code in WISHING},
        _token(commands, "user", STAFF),
    )


def patiently(what: str, is_done: Callable[[], bool]) -> None:
    """Wait until the server's worker has done something; raise ``WentWrong`` if it does not."""
    until = time.monotonic() + _PATIENCE
    while not is_done():
        if time.monotonic() > until:
            raise WentWrong(f"the worker should have done this by now: {what}")
        time.sleep(0.2)


def cities() -> list[City]:
    """Return the partners of the demo, as their table has them."""
    return [
        City(
            row["code"],
            row["name"],
            next((row[column] for column in row if column.startswith("name:") and row[column]), ""),
            row["city"],
            row["place"],
        )
        for row in csv.DictReader(_text("partners.csv").splitlines())
    ]


def _text(name: str) -> str:
    return resources.files("service.demo").joinpath(name).read_text(encoding="utf-8")


def _relate(commands: CommandLine, place: Path) -> str:
    """Enter the partners and the memorandum; return what is said of all agreements."""
    for name in (folder.PARTNERS, folder.MEMORANDUM):
        (place / name).write_text(_text(name), encoding="utf-8")
    commands.run("partner", "import", str(place / folder.PARTNERS))
    commands.run("agreement", "add", "--file", str(place / folder.MEMORANDUM), "--signed")
    members = [argument for code in WISHING for argument in ("--member", code)]
    commands.run("audience", "add", GROUP, *members)
    return commands.run("agreement", "list")


def _draw_up_list(commands: CommandLine, now: datetime) -> None:
    closes, everybody = _evening(now, _DAYS_OPEN), _evening(now, _DAYS_FOR_CITIES)
    what = ("--title", TITLE, "--description", DESCRIPTION, "--source", "DUPLICATE")
    when = ("--closes-at", closes, "--zone", ZONE, "--audience", GROUP)
    commands.run("list", "create", SLUG, *what, *when)
    commands.run("list", "tier", SLUG, "public", "--opens-at", everybody)


def _token(commands: CommandLine, kind: str, name: str) -> str:
    return commands.run(kind, "token", name, "--label", "demo").strip()


def _evening(now: datetime, days: int) -> str:
    """Return six in the evening so many days ahead, as people in the library's zone say it."""
    day = (now + timedelta(days=days)).astimezone(ZoneInfo(ZONE)).date()
    return f"{day}T18:00"


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
