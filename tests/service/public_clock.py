"""The parties of the public clock: writers, publishers that stop where told, harvesters of five
habits – and the naive stamper that everything here must catch.

A harvester's habit is what it takes for the next ``from``. Each of the five is found in the wild,
and none of them may miss a change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from lxml import etree
from sqlalchemy import event

from oai.datestamp import parse, written
from oai.provider import Repository, Tokens, respond
from oai.repository import Key, Page, Row, Selection
from service.domain.offer import OfferState
from service.domain.publication import next_stamp
from service.errors import Busy
from service.store import feed
from service.store.db import Connection, Database
from service.store.tables import feed_clock, feed_entry, feed_item, feed_stream, offer
from service.usecases import publishing
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site

Copy = tuple[int, bool]  # what is held of an item: its stamp, and whether it is deleted


# --- writers ------------------------------------------------------------------------------------


def turn_over(conn: Connection, offer_id: int) -> None:
    """Take an offer back, or offer it again, and tell the feed: what every writer does."""
    offered, withdrawn = OfferState.OFFERED.value, OfferState.WITHDRAWN.value
    other = sa.case((offer.c.state == offered, withdrawn), else_=offered)
    conn.execute(offer.update().where(offer.c.id == offer_id).values(state=other))
    feed.mark(conn, feed.OFFER, [offer_id])


def turn_over_naively(conn: Connection, offer_id: int, now: float) -> None:
    """The same, stamped with the moment of writing and visible with the commit.

    That is what ``DEFAULT now()``, triggers and ORM hooks come to.
    """
    of_offer = (feed_item.c.kind == feed.OFFER) & (feed_item.c.source_id == offer_id)
    item, deleted = conn.execute(
        sa.select(feed_item.c.id, feed_item.c.deleted).where(of_offer)
    ).one()
    stamp = int(now)
    offered, withdrawn = OfferState.OFFERED.value, OfferState.WITHDRAWN.value
    state = offered if deleted else withdrawn
    conn.execute(offer.update().where(offer.c.id == offer_id).values(state=state))
    conn.execute(feed_item.update().where(of_offer).values(stamp=stamp, deleted=not deleted))
    conn.execute(
        feed_entry.update().where(feed_entry.c.item_id == item).values(stamp=stamp, present=deleted)
    )


class NaiveRepository(FeedRepository):
    """A feed whose clock is the clock: all that is committed is listed, ``responseDate`` is now."""

    def as_of(self) -> int:
        """Return the second on the clock."""
        return int(self._clock())

    def page(self, selection: Selection, after: Key | None, *, with_metadata: bool) -> Page:  # noqa: ARG002 - the port's
        """Return the headers behind ``after``, whatever their stamps."""
        now = self.as_of()
        start = after or Key(selection.from_ or 0, 0)
        size = self._settings.page_size
        found = (
            sa.select(
                feed_entry.c.stamp, feed_item.c.id, feed_item.c.public_id, feed_item.c.deleted
            )
            .join_from(feed_entry, feed_item, feed_item.c.id == feed_entry.c.item_id)
            .join(feed_stream, feed_stream.c.id == feed_entry.c.stream_id)
            .where(feed_stream.c.audience_id == feed.PUBLIC, feed_stream.c.set_spec == "")
            .where(
                sa.tuple_(feed_entry.c.stamp, feed_item.c.id)
                > sa.tuple_(*map(sa.literal, start[:2]))
            )
            .order_by(feed_entry.c.stamp, feed_item.c.id)
            .limit(size + 1)
        )
        with self._db.read() as conn:
            rows = [
                Row(Key(stamp, item), f"{self._start}offer/{name}", "", b"", deleted)
                for stamp, item, name, deleted in conn.execute(found)
            ]
        return Page(rows[:size], len(rows) > size, now)


def publish_nothing(db: Database, clock: Callable[[], float]) -> None:
    """What is left to do where writers stamp what they write."""


def publish_by_the_clock(db: Database, clock: Callable[[], float]) -> None:
    """Publish all that is marked under the second on the clock, and move p to it."""
    with db.write() as conn:
        conn.execute(sa.select(feed_clock.c.p).with_for_update())
        while changed := feed.take_dirty(conn, feed.OFFER, 100):
            _stamp(conn, changed, int(clock()))
        conn.execute(feed_clock.update().values(p=int(clock())))


def publish_in_two_transactions(db: Database, clock: Callable[[], float]) -> None:
    """Publish as a queue that forgets: take what is marked, commit, and only then publish it."""
    with db.write() as conn:
        changed = feed.take_dirty(conn, feed.OFFER, 100)
    with db.write() as conn:
        stamp = next_stamp(clock(), feed.lock_clock(conn))
        _stamp(conn, changed, stamp)
        feed.set_clock(conn, stamp)
        clock()  # as the real one looks at it once more before its COMMIT
    clock()


def _stamp(conn: Connection, changed: Sequence[int], stamp: int) -> None:
    rows = sa.select(offer.c.id, offer.c.state).where(offer.c.id.in_(changed))
    for offer_id, state in conn.execute(rows).all():
        deleted = state != OfferState.OFFERED.value
        of_offer = (feed_item.c.kind == feed.OFFER) & (feed_item.c.source_id == offer_id)
        item = conn.execute(sa.select(feed_item.c.id).where(of_offer)).scalar_one()
        conn.execute(feed_item.update().where(of_offer).values(stamp=stamp, deleted=deleted))
        entries = feed_entry.update().where(feed_entry.c.item_id == item)
        conn.execute(entries.values(stamp=stamp, present=not deleted))


# --- publishers ---------------------------------------------------------------------------------


class Killed(BaseException):
    """A publisher ends here, as if its process had been killed; its transaction is rolled back."""


class Impatient(Database):
    """A database that never waits long for a lock: where a test says who holds it, nobody comes."""

    def write(self, wait_ms: int = 0) -> Any:
        """Open a write transaction, or raise ``Busy`` within a few milliseconds."""
        return super().write(min(wait_ms, 5))


class SteppedPublisher:
    """A publisher in a thread of its own that stops behind its lock and before its COMMIT."""

    PATIENCE = 20  # seconds after which a step that does not come is a fault of the test

    def __init__(
        self,
        url: str,
        clock: Callable[[], float],
        publish: Callable[[Database, Callable[[], float]], object] = publishing.publish,
    ) -> None:
        self._publish = publish
        self._db = Impatient(url)
        self._clock = clock
        self._go, self._there = threading.Semaphore(0), threading.Semaphore(0)
        self._stops: set[str] = set()
        self._thread: threading.Thread | None = None
        self._killed = False
        self.failed: BaseException | None = None
        event.listen(self._db.engine, "after_cursor_execute", self._executed)
        event.listen(self._db.engine, "commit", lambda conn: self._stop("commit", conn))

    @property
    def at_work(self) -> bool:
        """Whether it stands somewhere in the middle."""
        return self._thread is not None

    def lock(self) -> None:
        """Begin to publish, as far as the lock on the clock."""
        self._stops = {"lock", "commit"}
        self._killed = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._wait()

    def stamp(self) -> None:
        """Go on until all is written and only the COMMIT is left."""
        if self.at_work:
            self._stops = {"commit"}
            self._go.release()
            self._wait()

    def commit(self) -> None:
        """Go on to the end."""
        if self.at_work:
            self._stops = set()
            self._go.release()
            self._wait()

    def kill(self) -> None:
        """End it where it stands."""
        self._killed = True
        self.commit()

    def close(self) -> None:
        """End it, and give back its connections."""
        self.kill()
        self._db.close()

    def _run(self) -> None:
        try:
            self._publish(self._db, self._clock)
        except (Busy, Killed):
            pass  # the lock is somebody else's, or this is the end: whoever comes next publishes
        except BaseException as error:
            self.failed = error
        self._thread = None
        self._there.release()

    def _executed(self, conn: Connection, _: Any, statement: str, *__: Any) -> None:
        if "FROM feed_clock" in statement:
            self._stop("lock", conn)

    def _stop(self, where: str, conn: Connection) -> None:
        if where not in self._stops:
            return
        self._there.release()
        assert self._go.acquire(timeout=self.PATIENCE)
        if self._killed:
            driver = conn.connection.dbapi_connection
            assert driver is not None
            driver.rollback()  # what the database does for a process that is gone
            raise Killed

    def _wait(self) -> None:
        assert self._there.acquire(timeout=self.PATIENCE), "the publisher does not come"
        if self.failed is not None:
            raise self.failed


# --- harvesters ---------------------------------------------------------------------------------


class Told(NamedTuple):
    """What a harvester reads in one page; ``after`` leads to the next one."""

    as_of: int
    rows: list[tuple[str, int, bool]]
    after: Any


Ask = Callable[[int | None, Any], Told]  # by ``from`` for a first page, by ``after`` for the others


def by_page(repository: Repository) -> Ask:
    """Return how to ask a repository without the protocol around it."""

    def ask(since: int | None, after: Any) -> Told:
        page = repository.page(Selection("oai_dc", from_=since), after, with_metadata=True)
        rows = [(row.identifier, row.key.stamp, row.deleted) for row in page.rows]
        return Told(page.as_of, rows, page.rows[-1].key if page.more else None)

    return ask


_OAI = "{http://www.openarchives.org/OAI/2.0/}"


def by_protocol(repository: Repository, tokens: Tokens, verb: str = "ListRecords") -> Ask:
    """Return how to ask through the provider: XML, tokens and all."""

    def ask(since: int | None, after: Any) -> Told:
        pairs = [("verb", verb)]
        if after is not None:
            pairs.append(("resumptionToken", after))
        else:
            pairs.append(("metadataPrefix", "oai_dc"))
            pairs += [] if since is None else [("from", written(since))]
        root = etree.fromstring(respond(repository, pairs, tokens=tokens).body)
        assert root.find(f"{_OAI}error[@code='noRecordsMatch']") is not None or (
            root.find(f"{_OAI}error") is None
        ), etree.tostring(root)
        rows = [
            (
                header.findtext(f"{_OAI}identifier") or "",
                parse(header.findtext(f"{_OAI}datestamp") or ""),
                header.get("status") == "deleted",
            )
            for header in root.iter(f"{_OAI}header")
        ]
        as_of = parse(root.findtext(f"{_OAI}responseDate") or "")
        return Told(as_of, rows, root.findtext(f".//{_OAI}resumptionToken") or None)

    return ask


@dataclass
class Harvester:
    """A partner's copy of the feed, by what its owner goes by: a habit of ``HABITS``."""

    habit: str
    held: dict[str, Copy] = field(default_factory=dict)
    since: int | None = None
    newest: int | None = None
    first: int = 0
    last: int = 0
    after: Any = None
    busy: bool = False

    def fetch(self, ask: Ask, own_clock: float) -> None:
        """Fetch one page, and settle what to go by next time when it was the last."""
        told = ask(self.since, self.after if self.busy else None)
        if not self.busy:
            self.first = told.as_of
        self.last = told.as_of
        for identifier, stamp, deleted in told.rows:
            self.held[identifier] = (stamp, deleted)
            self.newest = max(self.newest or 0, stamp)
        self.after = told.after
        self.busy = told.after is not None
        if not self.busy:
            self.since = HABITS[self.habit](self, own_clock)

    def finish(self, ask: Ask, own_clock: float) -> None:
        """Fetch the rest of the list that it is in, if it is in one."""
        while self.busy:
            self.fetch(ask, own_clock)

    def harvest(self, ask: Ask, own_clock: float) -> None:
        """Fetch a whole list, from where the last one led."""
        self.finish(ask, own_clock)
        self.fetch(ask, own_clock)
        self.finish(ask, own_clock)


HABITS: dict[str, Callable[[Harvester, float], int | None]] = {
    "first responseDate": lambda harvester, _: harvester.first,
    "newest datestamp": lambda harvester, _: harvester.newest,
    "newest + 1 s": lambda harvester, _: harvester.newest and harvester.newest + 1,
    "own clock": lambda _, own_clock: int(own_clock),
    "last responseDate": lambda harvester, _: harvester.last,
}


def harvesters() -> list[Harvester]:
    """Return one of each habit."""
    return [Harvester(habit) for habit in HABITS]


# --- the truth ----------------------------------------------------------------------------------


def truth(site: Site) -> dict[str, Copy]:
    """Return what a harvester must hold in the end: every item with its last stamp.

    Whether it is deleted is read from the offers themselves, not from the feed.
    """
    found = sa.select(feed_item.c.public_id, feed_item.c.stamp, offer.c.state).join_from(
        feed_item, offer, offer.c.id == feed_item.c.source_id
    )
    start = f"oai:{site.settings.repository_identifier}:offer/"
    with site.db.read() as conn:
        return {
            start + name: (stamp, state != OfferState.OFFERED.value)
            for name, stamp, state in conn.execute(found)
        }


def lost(harvester: Harvester, wanted: dict[str, Copy]) -> dict[str, tuple[Copy | None, Copy]]:
    """Return what a harvester holds wrongly or not at all, each beside what it should be."""
    return {
        name: (harvester.held.get(name), copy)
        for name, copy in wanted.items()
        if harvester.held.get(name) != copy
    }


def offer_ids(site: Site) -> list[int]:
    """Return the ids of all offers."""
    with site.db.read() as conn:
        return list(conn.execute(sa.select(offer.c.id).order_by(offer.c.id)).scalars())


def p_of(db: Database) -> int:
    """Return the public clock."""
    with db.read() as conn:
        return feed.clock(conn).p
