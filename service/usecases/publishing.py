"""The public feed: stamping what changed, in transactions of bounded length.

``publish`` is the only place where datestamps are made. Writers mark what they changed; any
process may publish it, under one lock, with a stamp that lies ahead of the clock, so that no
change ever becomes visible later than the stamp it bears (docs/oai.md says what follows).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from service.domain.publication import RUNAHEAD, next_stamp
from service.errors import Busy
from service.store import audiences, feed, offers, transfers
from service.store.db import Connection, Database

Clock = Callable[[], float]  # seconds since the epoch, UTC

# Rows looked at in one go; the budget of time decides how many such goes make a transaction.
_GO = 250
# Seconds that one publishing transaction may take: by the publisher, and on a harvester's page.
_BUDGET = 0.15
_BUDGET_ON_PAGE = 0.03
# A first page that finds the clock this old (in seconds) publishes first, if it need not wait.
_STALE = 5
_WAIT_ON_PAGE_MS = 250


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
            # The commit itself stalled, so the stamp may be late: give all this a new one.
            with db.write() as conn:
                for kind, sources in seen:
                    feed.mark(conn, _AGAIN[kind], sources)
            return done._replace(more=True)
        return done
    raise Busy("publishing takes longer than its stamps look ahead; the machine is overloaded")


Seen = list[tuple[str, list[int]]]  # the dirty rows that one transaction took, by their kinds


def _publish_once(db: Database, clock: Clock, budget: float, wait_ms: int) -> tuple[Done, Seen]:
    with db.write(wait_ms) as conn:
        p = feed.lock_clock(conn)
        stamp = next_stamp(clock(), p)  # the clock after the lock: it may have been a long wait
        until = time.monotonic() + budget
        items = 0
        seen: Seen = []
        for kind, sources in _taken(conn):
            items += _WRITERS[kind](conn, sources, stamp)
            seen.append((kind, sources))
            if time.monotonic() >= until:
                break
        more = feed.has_dirty(conn)
        feed.set_clock(conn, stamp)
        if clock() >= stamp:
            raise _ClockPassed
    return Done(items, stamp, more), seen


def _taken(conn: Connection) -> Iterator[tuple[str, list[int]]]:
    """Yield what is marked, some rows of one kind at a time."""
    for kind in _WRITERS:
        while sources := feed.take_dirty(conn, kind, _GO):
            yield kind, sources


def _write_offers(conn: Connection, sources: list[int], stamp: int) -> int:
    return feed.publish(conn, feed.OFFER, offers.published(conn, sources), stamp)


def _write_offers_again(conn: Connection, sources: list[int], stamp: int) -> int:
    changes = offers.published(conn, sources)
    return feed.publish(conn, feed.OFFER, changes, stamp, again=True)


def _write_transfers(conn: Connection, sources: list[int], stamp: int) -> int:
    return feed.publish(conn, feed.TRANSFER, transfers.published(conn, sources), stamp)


def _tell(conn: Connection, sources: list[int], stamp: int) -> int:
    audiences.tell(conn, sources, stamp)
    return 0


def _tell_again(conn: Connection, sources: list[int], stamp: int) -> int:
    audiences.tell_again(conn, sources, stamp)
    return 0


# By the kind of what was marked: what writes it under a stamp and returns how many items changed,
# and what is marked when that stamp came too late. Memberships first: they are few rows each.
_WRITERS: dict[str, Callable[[Connection, list[int], int], int]] = {
    feed.MEMBERSHIP: _tell,
    feed.MEMBERSHIP_AGAIN: _tell_again,
    feed.OFFER: _write_offers,
    feed.OFFER_AGAIN: _write_offers_again,
    feed.TRANSFER: _write_transfers,
}
_AGAIN = {
    feed.MEMBERSHIP: feed.MEMBERSHIP_AGAIN,
    feed.MEMBERSHIP_AGAIN: feed.MEMBERSHIP_AGAIN,
    feed.OFFER: feed.OFFER_AGAIN,
    feed.OFFER_AGAIN: feed.OFFER_AGAIN,
    feed.TRANSFER: feed.TRANSFER,
}


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
    """Publish one transaction's worth if anything is due; return how many items changed."""
    return publish(db, clock).items if _is_due(db, clock) else 0


def publish_if_dirty(db: Database, clock: Clock) -> int:
    """Publish if anything is due, and write nothing otherwise; return how many items changed."""
    return publish_all(db, clock) if _is_due(db, clock) else 0


def _is_due(db: Database, clock: Clock) -> bool:
    """Whether anything is marked and the stamps have not run ahead of the clock.

    Otherwise changes that trickle in, published many times a second, would drive the public clock
    away from ours without end. They wait for the clock instead, and are published together.
    """
    with db.read() as conn:
        return feed.has_dirty(conn) and feed.clock(conn).p - clock() <= RUNAHEAD


def refresh(db: Database, clock: Clock) -> None:
    """Publish a little if the public clock is stale, and never keep a harvester waiting for it."""
    with db.read() as conn:
        p = feed.clock(conn).p
    if clock() - p > _STALE:
        try:
            publish(db, clock, budget=_BUDGET_ON_PAGE, wait_ms=_WAIT_ON_PAGE_MS)
        except Busy:
            return  # the page is served as of the old p, which is true, only older
