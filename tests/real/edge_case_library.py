"""A library on loopback whose clock the tests hold: real HTTP, real pages, real database.

The numbers in the names of the tests are those of the edge cases in ``../shared/oai.md``, section
5. Every answer is parsed strictly and held against the schemas where those are at hand.
"""

from __future__ import annotations

import http.client
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from marc_mappings.record import Record
from oai.datestamp import parse, written
from service.app import create_app
from service.cli.server import Server
from service.config import load
from service.domain.offer import ListAction
from service.store.db import Database
from service.usecases import offering, publishing
from service.usecases.site import Site
from tests.oai.asking import NS, Told, read
from tests.service.builders import HandClock, a_record, bring, open_list, work

BASE = "https://books.example.org/exchange"
REPOSITORY = "books.example.org"
FORM = "application/x-www-form-urlencoded"
LIST = "verb=ListRecords&metadataPrefix=oai_dc"
MARC = "verb=ListRecords&metadataPrefix=marc21"
HEADERS = "verb=ListIdentifiers&metadataPrefix=oai_dc"


class Answer(NamedTuple):
    """What came over the wire; ``headers`` by their names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Told:
        """The body, which must be a whole and valid answer of the protocol, sent as such."""
        assert self.status == 200, self.body[:300]
        assert self.headers["content-type"] == "text/xml; charset=utf-8"
        return read(self.body)


class Header(NamedTuple):
    """One header of a list: ``stamp`` is its datestamp in seconds since the epoch."""

    identifier: str
    stamp: int
    deleted: bool
    sets: tuple[str, ...]


@dataclass(frozen=True)
class Library:
    """A served site, and the hands of those who work in it."""

    site: Site
    clock: HandClock
    port: int

    # what a harvester does

    def fetch(
        self,
        query: str | bytes = "",
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        path: str = "/oai",
    ) -> Answer:
        """Send one request as it stands: nothing of the query is quoted or put in order."""
        if isinstance(query, bytes):
            query = query.decode("latin-1")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection._encode_request = lambda line: line.encode("latin-1")  # type: ignore[attr-defined]
        connection._validate_path = lambda _: None  # type: ignore[attr-defined]
        try:
            connection.request(method, f"{path}?{query}" if query else path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, content)

    def ask(self, query: str | bytes = "") -> Told:
        """Send one request of the protocol by GET."""
        return self.fetch(query).told

    def post(self, form: bytes, content_type: str = FORM, query: str = "") -> Told:
        """Send one request of the protocol by POST."""
        return self.fetch(
            query, method="POST", body=form, headers={"Content-Type": content_type}
        ).told

    def pages(self, query: str) -> list[Told]:
        """Follow the tokens of a list to its end."""
        verb = query.partition("&")[0]
        found = [self.ask(query)]
        while found[-1].token:
            found.append(self.ask(f"{verb}&resumptionToken={found[-1].token}"))
        return found

    def headers(self, query: str = HEADERS) -> list[Header]:
        """Return every header of a whole list; of none, when no record matches."""
        return [header for page in self.pages(query) for header in headers_of(page)]

    def identifiers(self, query: str = HEADERS) -> list[str]:
        """Return every identifier of a whole list."""
        return [header.identifier for header in self.headers(query)]

    def named(self, title: str) -> str:
        """Return the identifier of the one book with this title."""
        (found,) = [
            str(record.findtext("o:header/o:identifier", namespaces=NS))
            for page in self.pages(LIST)
            for record in page.root.iterfind(".//o:record", NS)
            if record.findtext(".//dc:title", namespaces=NS) == title
        ]
        return found

    # what the library does

    def bring(self, *records: Record, slug: str = "spring") -> None:
        """Import records, and publish them under a stamp of their own; ten seconds pass."""
        bring(self.site, *records, slug=slug)
        self.publish()

    def books(self, count: int, start: int = 0) -> None:
        """Import small records numbered from ``start``."""
        self.bring(*(a_record(f"Book {n}", number=str(n)) for n in range(start, start + count)))

    def open(self, slug: str, **more: object) -> None:
        """Draw up a list and open it."""
        open_list(self.site, slug, **more)

    def change(self, slug: str, action: ListAction) -> None:
        """Close, withdraw or archive a list."""
        offering.change_list(self.site.db, slug, action, self.site.now())
        self.publish()

    def withdraw(self, identifier: str) -> None:
        """Take one title back."""
        offering.withdraw_offer(self.site.db, identifier.rpartition("/")[2], now=self.site.now())
        self.publish()

    def publish(self) -> None:
        """Let the worker do what is due, and ten seconds pass."""
        work(self.site)
        publishing.publish_if_dirty(self.site.db, self.clock)
        self.clock.move(10)


def headers_of(told: Told) -> list[Header]:
    """Return the headers of one page."""
    return [
        Header(
            str(header.findtext("o:identifier", namespaces=NS)),
            parse(str(header.findtext("o:datestamp", namespaces=NS))),
            header.get("status") == "deleted",
            tuple(str(spec.text) for spec in header.iterfind("o:setSpec", NS)),
        )
        for header in told.root.iterfind(".//o:header", NS)
    ]


def response_date(told: Told) -> int:
    """Return the responseDate of an answer in seconds since the epoch."""
    (date,) = told.texts("o:responseDate/text()")
    return parse(date)


def bounds(**seconds: int) -> str:
    """Return ``from`` and ``until`` as they stand in a query: ``bounds(from_=0, until=9)``."""
    return "".join(f"&{name.rstrip('_')}={written(stamp)}" for name, stamp in seconds.items())


@contextmanager
def served(
    template: Path, folder: Path, clock: HandClock | None = None, **settings: object
) -> Iterator[Library]:
    """Serve a site kept in ``folder``, made from ``template`` unless it is there already.

    Pages have three records unless ``page_size`` is given, and the list ``spring`` is open.
    """
    file, clock = folder / "bookbridge.sqlite3", clock or HandClock()
    fresh = not file.exists()
    if fresh:
        shutil.copy(template, file)
    given = {
        "secret_key": "a key for tests",
        "base_url": BASE,
        "repository_name": "Books & <friends>",
        "repository_identifier": REPOSITORY,
        "admin_email": "exchange@books.example.org",
        "page_size": 3,
        **settings,
    }
    db = Database(f"sqlite:///{file}")
    site = Site(db, load({}, data_dir=folder, **given), clock)
    server = Server(create_app(site.settings, db, clock), site.settings, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        if fresh:
            open_list(site)
        yield Library(site, clock, server.port)
    finally:
        with suppress(OSError):  # the loop may have seen the wish to stop before it is woken for it
            server.stop()
        thread.join(30)
        assert not thread.is_alive()
        db.close()


def wait_for(condition: object, seconds: float = 10) -> None:
    """Return when ``condition()`` holds; fail when it does not within ``seconds``."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
