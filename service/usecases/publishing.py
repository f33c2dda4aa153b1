"""The public feed: stamping what changed, and answering harvesters from what was stamped.

``publish`` is the only place where datestamps are made. Writers mark what they changed; any
process may publish it, under one lock, with a stamp that lies ahead of the clock, so that no
change ever becomes visible later than the stamp it bears (docs/oai.md says what follows).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from marc_mappings import summary
from oai import containers
from oai.errors import CredentialsNeeded
from oai.repository import Identity, Key, MetadataFormat, Page, Row, Selection, SetPage, SetRow
from service.config import Settings
from service.domain.publication import (
    RUNAHEAD,
    WHOLE_SETS,
    is_for_partners,
    next_stamp,
    stream_of,
)
from service.errors import Busy
from service.store import feed, offer_lists, offers, public_ids
from service.store.db import Connection, Database
from service.usecases import rendering

Clock = Callable[[], float]  # seconds since the epoch, UTC

# Rows looked at in one go; the budget of time decides how many such goes make a transaction.
_GO = 250
# Seconds that one publishing transaction may take: by the publisher, and on a harvester's page.
_BUDGET = 0.15
_BUDGET_ON_PAGE = 0.03
# A first page that finds the clock this old (in seconds) publishes first, if it need not wait.
_STALE = 5
_WAIT_ON_PAGE_MS = 250
# Above this number of entries a list's size is not counted.
_COUNT_CAP = 200_000
# A page of records has room for this many times more bare headers.
_HEADERS_PER_RECORD = 10
_SETS_PER_PAGE = 500


class Done(NamedTuple):
    """What one publishing transaction did: items changed, the stamp, and whether more waits."""

    items: int
    stamp: int
    more: bool


class _ClockPassed(Exception):
    """The clock reached the stamp before the commit: what was written must not become visible."""


def publish(db: Database, clock: Clock, *, budget: float = _BUDGET, wait_ms: int = 10_000) -> Done:
    """Publish what is marked, as much as ``budget`` seconds allow, and move the public clock.

    Raises ``Busy`` when the lock was not to be had within ``wait_ms`` milliseconds, or when the
    machine is so slow that its clock overtook three stamps in a row.
    """
    for _ in range(3):
        try:
            done, seen = _publish_once(db, clock, budget, wait_ms)
        except _ClockPassed:
            continue
        if clock() > done.stamp and seen:
            # The commit itself stalled, so the stamp may be late: give these items a new one.
            with db.write() as conn:
                feed.mark(conn, feed.OFFER, seen)
            return done._replace(more=True)
        return done
    raise Busy("publishing takes longer than its stamps look ahead; the machine is overloaded")


def _publish_once(
    db: Database, clock: Clock, budget: float, wait_ms: int
) -> tuple[Done, list[int]]:
    with db.write(wait_ms) as conn:
        stamp = next_stamp(clock(), feed.lock_clock(conn))
        until = time.monotonic() + budget
        items, seen = 0, []
        while changed := feed.take_dirty(conn, feed.OFFER, _GO):
            items += feed.publish(conn, feed.OFFER, offers.published(conn, changed), stamp)
            seen += changed
            if time.monotonic() >= until:
                break
        more = feed.has_dirty(conn)
        feed.set_clock(conn, stamp)
        if clock() >= stamp:
            raise _ClockPassed
    return Done(items, stamp, more), seen


def publish_all(db: Database, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> int:
    """Publish until nothing is marked; return how many items changed.

    Stamps rise by a second with every transaction; when they run ahead of the clock, wait for it.
    """
    items = 0
    while True:
        done = publish(db, clock)
        items += done.items
        if not done.more:
            return items
        ahead = done.stamp - clock()
        if ahead > RUNAHEAD:
            sleep(ahead - RUNAHEAD)


def publish_some(db: Database, clock: Clock) -> int:
    """Publish one transaction's worth if anything is marked; return how many items changed."""
    return publish(db, clock).items if _is_dirty(db) else 0


def publish_if_dirty(db: Database, clock: Clock) -> int:
    """Publish if anything is marked, and write nothing otherwise; return how many items changed."""
    return publish_all(db, clock) if _is_dirty(db) else 0


def _is_dirty(db: Database) -> bool:
    with db.read() as conn:
        return feed.has_dirty(conn)


def refresh(db: Database, clock: Clock) -> None:
    """Publish a little if the public clock is stale, and never keep a harvester waiting for it."""
    with db.read() as conn:
        p = feed.clock(conn).p
    if clock() - p > _STALE:
        try:
            publish(db, clock, budget=_BUDGET_ON_PAGE, wait_ms=_WAIT_ON_PAGE_MS)
        except Busy:
            return  # the page is served as of the old p, which is true, only older


@dataclass(frozen=True, slots=True)
class _Offered:
    """One format on offer, and under which name its renditions are stored.

    Without ``make`` they are there from the beginning. Others are made of the MARC 21 of the same
    version when somebody first asks for them (``usecases.rendering``).
    """

    format: MetadataFormat
    stored: str
    make: rendering.Make | None = None

    @property
    def source(self) -> str:
        """Under which name that is stored which is there from the beginning."""
        return "marc21" if self.make else self.stored


_MARC = "http://www.loc.gov/MARC21/slim"
_MARC_SCHEMA = "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd"
FORMATS = {
    offered.format.prefix: offered
    for offered in (
        _Offered(
            MetadataFormat(
                "oai_dc",
                "http://www.openarchives.org/OAI/2.0/oai_dc.xsd",
                "http://www.openarchives.org/OAI/2.0/oai_dc/",
            ),
            "oai_dc",
        ),
        _Offered(MetadataFormat("marc21", _MARC_SCHEMA, _MARC), "marc21"),
        _Offered(MetadataFormat("marcxml", _MARC_SCHEMA, _MARC), "marc21"),
        _Offered(
            MetadataFormat(
                "mods",
                "http://www.loc.gov/standards/mods/v3/mods-3-7.xsd",
                "http://www.loc.gov/mods/v3",
            ),
            "mods",
            make=rendering.mods,
        ),
    )
}


class FeedRepository:
    """The feed as the OAI-PMH provider wants it: the port ``oai.repository.Repository``.

    One is made for each request; ``audience_id`` says whose view it is, ``signed_in`` whether the
    caller came with credentials.
    """

    def __init__(
        self,
        db: Database,
        settings: Settings,
        clock: Clock,
        audience_id: int = feed.PUBLIC,
        *,
        signed_in: bool = False,
    ) -> None:
        self._db = db
        self._settings = settings
        self._clock = clock
        self._audience_id = audience_id
        self._signed_in = signed_in
        self._rights = _rights(settings.metadata_rights)
        self._start = f"oai:{settings.repository_identifier}:"

    def base_url(self) -> str:
        """Return the public address of the endpoint."""
        return f"{self._settings.base_url}/oai"

    def as_of(self) -> int:
        """Return the public clock."""
        refresh(self._db, self._clock)
        with self._db.read() as conn:
            return feed.clock(conn).p

    def identity(self) -> Identity:
        """Return what Identify tells."""
        with self._db.read() as conn:
            earliest = feed.clock(conn).earliest
            newest = feed.newest(conn, self._audience_id)
        # Before the first offer there is nothing to resolve; the sample then shows the form.
        kind, public_id = newest or (feed.OFFER, "0" * 26)
        return Identity(
            repository_name=self._settings.repository_name,
            admin_emails=(self._settings.admin_email,),
            earliest_datestamp=earliest,
            repository_identifier=self._settings.repository_identifier,
            sample_identifier=self._identifier(kind, public_id),
            compression=("gzip",),
            descriptions=tuple(_descriptions(self._settings)),
        )

    def formats(self) -> Sequence[MetadataFormat]:
        """Return the formats on offer, the alias among them."""
        return [offered.format for offered in FORMATS.values()]

    def item_formats(self, identifier: str) -> Sequence[str] | None:
        """Return the formats of an item: each has them all."""
        return None if self._entry(identifier, "oai_dc") is None else list(FORMATS)

    def record(self, identifier: str, prefix: str) -> Row | None:
        """Return one item in a format, or None."""
        offered = FORMATS[prefix]
        found = self._entry(identifier, offered.source)
        if found is None:
            return None
        if offered.make:
            with self._db.read() as conn:
                ((found,), fresh) = rendering.rendered(conn, offered.stored, offered.make, [found])
            rendering.keep(self._db, offered.stored, fresh)
        identifier = self._identifier(found.kind, found.public_id)
        key = Key(found.stamp, found.item)
        about = self._about(found.about)
        return Row(key, identifier, found.sets, found.body, not found.present, about)

    def page(self, selection: Selection, after: Key | None, *, with_metadata: bool) -> Page:
        """Return the page behind ``after``, read in one snapshot; the first one is counted.

        Raises ``CredentialsNeeded`` for a partner's set when the caller has none, whether there is
        such a set or not; for another partner's set the page is empty.
        """
        if not self._signed_in and is_for_partners(selection.set):
            raise CredentialsNeeded
        if after is None:
            refresh(self._db, self._clock)
        with self._db.read() as conn:
            p, stream = feed.view(conn, self._audience_id, stream_of(selection.set))
            if stream is None or (selection.from_ or 0) > p:
                return Page((), more=False, as_of=p)
            until = p if selection.until is None else min(p, selection.until)
            start = after or Key(selection.from_ or 0, 0)
            offered = FORMATS[selection.prefix] if with_metadata else None
            rows, more, fresh = self._rows(conn, stream, offered, start, until)
            total = None
            if after is None and more:
                total = feed.count(
                    conn, stream, from_=selection.from_ or 0, until=until, cap=_COUNT_CAP
                )
        if offered is not None:
            rendering.keep(self._db, offered.stored, fresh)
        return Page(rows, more, p, total)

    def sets(self, after: str | None) -> SetPage:
        """Return the sets behind ``after`` with names that people can read."""
        behind = after or ""
        with self._db.read() as conn:
            p = feed.clock(conn).p
            specs = feed.sets(conn, self._audience_id, behind, _SETS_PER_PAGE + 1)
            slugs = [spec.partition(":")[2] for spec in specs if spec.startswith("list:")]
            described = offer_lists.described(conn, slugs)
        if specs or after is not None:
            specs = sorted({*specs, *(spec for spec in WHOLE_SETS if spec > behind)})
        shown = specs[:_SETS_PER_PAGE]
        rows = [_set_row(spec, described) for spec in shown]
        return SetPage(rows, shown[-1] if len(specs) > len(shown) else None, p)

    def _rows(
        self,
        conn: Connection,
        stream: int,
        offered: _Offered | None,
        key: Key,
        until: int,
    ) -> tuple[list[Row], bool, dict[int, bytes]]:
        """Return the rows of one page, whether an entry follows them, and renditions made for it.

        A page has room for ``page_size`` records or ``page_bytes`` octets, and for ten times as
        many bare headers: tombstones and lists of identifiers come in long pages.
        """
        room = self._settings.page_size * _HEADERS_PER_RECORD
        octets = self._settings.page_bytes
        prefix = offered.source if offered else None
        at_once = (self._settings.page_size if prefix else room) + 1
        start = self._start
        rows: list[Row] = []
        made: dict[int, bytes] = {}
        while True:
            found = feed.entries(conn, stream, prefix=prefix, after=key, until=until, limit=at_once)
            if offered and offered.make:
                found, fresh = rendering.rendered(conn, offered.stored, offered.make, found)
                made |= fresh
            for number, row in enumerate(found, 1):
                stamp, item, kind, name, sets, present, body, origin, _ = row
                key = Key(stamp, item)
                about = self._about(origin)
                rows.append(Row(key, f"{start}{kind}/{name}", sets, body, not present, about))
                if body is None:
                    room -= 1
                else:
                    room -= _HEADERS_PER_RECORD
                    octets -= len(body)
                if room <= 0 or octets <= 0:
                    more = number < len(found) or self._follows(conn, stream, prefix, key, until)
                    return rows, more, made
            if len(found) < at_once:
                return rows, False, made

    def _follows(
        self, conn: Connection, stream: int, prefix: str | None, key: Key, until: int
    ) -> bool:
        return bool(feed.entries(conn, stream, prefix=prefix, after=key, until=until, limit=1))

    def _about(self, provenance: bytes | None) -> bytes:
        """Return the ``about`` elements of a record: where it came from, and its rights."""
        return (containers.about(provenance) if provenance else b"") + self._rights

    def _entry(self, identifier: str, stored: str) -> feed.Entry | None:
        if not identifier.startswith(self._start):
            return None
        kind, _, name = identifier[len(self._start) :].partition("/")
        public_id = public_ids.read(name)
        if public_id is None or public_id != name:
            return None
        with self._db.read() as conn:
            return feed.entry(conn, self._audience_id, kind, public_id, stored)

    def _identifier(self, kind: str, public_id: str) -> str:
        return f"{self._start}{kind}/{public_id}"


@lru_cache(maxsize=8)
def _rights(licence: str) -> bytes:
    """Return the ``about`` element that every record carries, or nothing without a licence."""
    return containers.about(containers.rights(licence)) if licence else b""


def _descriptions(settings: Settings) -> Iterator[bytes]:
    """Yield what Identify tells beside the form of our identifiers, as far as it is known."""
    if settings.friends:
        yield containers.friends(settings.friends)
    if settings.metadata_rights:
        yield containers.rights_manifest([settings.metadata_rights])
    if settings.icon_url:
        name, link = settings.repository_name, settings.base_url
        yield containers.branding(settings.icon_url, link=link, title=name)


_WHOLE_NAMES = {
    "list": "All offer lists",
    "place": "By place of publication",
    "lang": "By language",
}


def _set_row(spec: str, lists: dict[str, tuple[str, str]]) -> SetRow:
    """Return a set with its name, and what is to be said of it in Dublin Core."""
    kind, _, value = spec.partition(":")
    if kind == "list" and value:
        name, description = lists.get(value, (value, ""))
        said = containers.set_description(name, *filter(None, [description]))
        return SetRow(spec, name, said)
    if not value:
        name = _WHOLE_NAMES[spec]
    elif kind == "place":
        name = f"Published in: {summary.place_name(value)}"
    else:
        name = f"Language: {summary.language_name(value)}"
    return SetRow(spec, name, containers.set_description(name))
