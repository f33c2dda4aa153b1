"""The visitors' book of the OAI-PMH endpoint: pages are noted in memory and written together.

A page costs no statement: what was seen is gathered, and a timer writes it some seconds later in
one transaction. A database that is busy is tried again. What was gathered is written when the
database is closed or the process ends; kill -9 loses the figures of some seconds, and nothing else.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from datetime import datetime
from itertools import compress
from operator import not_

import structlog
from flask import Flask, current_app, request

from oai.provider import Answer
from service.domain import visit
from service.domain.visit import Harvester, Visit
from service.errors import Busy
from service.store.db import Database
from service.usecases import visiting
from service.usecases.signing_in import Caller
from service.usecases.site import Site

log = structlog.get_logger(__name__)

# Seconds that what was seen waits to be written.
PAUSE = 5.0
# Harvesters that are told apart between two writings.
_MOST_HARVESTERS = 1000
_NAME = "visitors_book"


class VisitorsBook:
    """What was seen of visits and is not written yet."""

    def __init__(self, db: Database, now: Callable[[], datetime], *, with_addresses: bool) -> None:
        self._db = db
        self._now = now
        self._with_addresses = with_addresses
        self._seen: dict[Harvester, list[Visit]] = {}
        self._not_counted = 0
        self._timer: threading.Timer | None = None
        self._closed = False
        self._lock = threading.Lock()  # of what is gathered; held for no longer than a page's note
        self._writing = threading.Lock()

    def enter(self, page: Visit) -> None:
        """Note one page, to be written soon."""
        with self._lock:
            self._gather(page)
            self._wait()

    def _gather(self, page: Visit) -> None:
        known = self._seen.get(page.harvester)
        if known is None and len(self._seen) >= _MOST_HARVESTERS:
            joined = None
        else:
            joined = visit.gathered(known or [], page)
        if joined is None:
            self._not_counted += 1
        else:
            self._seen[page.harvester] = joined

    def _wait(self) -> None:
        """Let a timer run if there is something to write; a process without visits has none."""
        if self._seen and self._timer is None and not self._closed:
            self._timer = threading.Timer(PAUSE, self._on_time)
            self._timer.daemon = True
            self._timer.start()

    def _on_time(self) -> None:
        with self._lock:
            self._timer = None
        self.write()
        with self._lock:
            self._wait()

    def write(self, *, everything: bool = False) -> None:
        """Write what can be written, or ``everything``; what cannot now, is gathered again."""
        with self._writing:
            seen, not_counted = self._taken(everything)
            if not_counted:
                log.warning("visits_not_counted", pages=not_counted)
            if not seen:
                return
            try:
                visiting.keep(self._db, seen, with_addresses=self._with_addresses)
            except Busy:
                self._give_back(seen)
            except Exception:
                # Whatever it is, nothing of it is lost, and a harvester has its page already.
                log.exception("visits_not_written", visits=len(seen))
                self._give_back(seen)

    def _taken(self, everything: bool) -> tuple[list[Visit], int]:
        """Take what is due out of what was gathered, and how many pages had no place in it."""
        with self._lock:
            now = self._now()
            due: list[Visit] = []
            left: dict[Harvester, list[Visit]] = {}
            for harvester, visits in self._seen.items():
                written = [everything or visit.is_due(visits, at, now) for at in range(len(visits))]
                due += compress(visits, written)
                if not all(written):
                    left[harvester] = list(compress(visits, map(not_, written)))
            self._seen = left
            not_counted, self._not_counted = self._not_counted, 0
            return due, not_counted

    def _give_back(self, taken: list[Visit]) -> None:
        with self._lock:
            since, self._seen = self._seen, {}
            for page in (*taken, *(page for visits in since.values() for page in visits)):
                self._gather(page)

    def close(self) -> None:
        """Write everything now, and start no timer for what cannot be written."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self.write(everything=True)


def register(app: Flask, site: Site) -> None:
    """Give the application its book, which is closed before its database is."""
    book = VisitorsBook(site.db, site.now, with_addresses=site.settings.harvester_address_days > 0)
    app.extensions[_NAME] = book
    site.db.before_close(book.close)
    atexit.register(_close, weakref.ref(book))


def _close(book: weakref.ref[VisitorsBook]) -> None:
    alive = book()
    if alive is not None:
        alive.close()


def note(caller: Caller, answer: Answer) -> None:
    """Note the answer to this request, if it is a page of a harvest."""
    site: Site = current_app.extensions["bookbridge"]
    who = visit.harvester(
        None if caller.partner is None else caller.partner.id,
        request.remote_addr or "",
        request.headers.get("User-Agent", ""),
    )
    page = visit.of_answer(who, answer, site.now())
    if page is not None:
        book: VisitorsBook = current_app.extensions[_NAME]
        book.enter(page)
