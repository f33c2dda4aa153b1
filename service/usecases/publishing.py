"""The public feed: stamping what changed, in transactions of bounded length.

``publish`` is the only place where datestamps are made. Writers mark what they changed; any
process may publish it, under one lock, with a stamp that lies ahead of the clock, so that no
change ever becomes visible later than the stamp it bears (docs/oai.md says what follows).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from service.domain.publication import RUNAHEAD, is_late, next_stamp
from service.errors import Busy
from service.store import audiences, feed, offers, transfers
from service.store.db import Connection, Database
from service.usecases import ordering_matches

Clock = Callable[[], float]  # seconds since the epoch, UTC

# A first page that finds the clock this old (in seconds) publishes first, if it need not wait.
_STALE = 5


class Pace(NamedTuple):
    """How much one publishing transaction does, and what it puts up with."""

    budget: float  # seconds of work after which no further go is begun
    go: int  # rows looked at in one go
    wait_ms: int  # milliseconds to wait for the lock
    attempts: int  # transactions to try when the clock overtakes the stamp


BY_WORKER = Pace(budget=0.15, go=250, wait_ms=10_000, attempts=3)
# Publishing may delay a page by 50 ms at most. So the wait for the lock, the work and the last go
# of it (a tenth of a millisecond a row) come to less, and leave something for the commit.
ON_PAGE = Pace(budget=0.02, go=25, wait_ms=10, attempts=1)


class Done(NamedTuple):
    """What one publishing transaction did: items changed, the stamp, and whether more waits."""

    items: int
    stamp: int
    more: bool


class _ClockPassed(Exception):
    """The stamp would be late already before the commit: what was written must not be seen."""


def publish(db: Database, clock: Clock, pace: Pace = BY_WORKER) -> Done:
    """Publish what is marked, as much as one transaction at this ``pace`` can, and move the clock.

    Raises ``Busy`` when the lock was not to be had in time, or when the machine is so slow that its
    clock overtook the stamp at every attempt.
    """
    for _ in range(pace.attempts):
        try:
            done, seen = _publish_once(db, clock, pace)
        except _ClockPassed:
            continue
        if is_late(done.stamp, clock()) and seen:
            # The commit itself stalled, so the stamp may be late: give all this a new one.
            with db.write() as conn:
                for kind, sources in seen:
                    feed.mark(conn, _AGAIN[kind], sources)
            return done._replace(more=True)
        return done
    raise Busy("publishing takes longer than its stamps look ahead; the machine is overloaded")


Seen = list[tuple[str, list[int]]]  # the dirty rows that one transaction took, by their kinds


def _publish_once(db: Database, clock: Clock, pace: Pace) -> tuple[Done, Seen]:
    with db.write(pace.wait_ms) as conn:
        p = feed.lock_clock(conn)
        stamp = next_stamp(clock(), p)  # the clock after the lock: it may have been a long wait
        until = time.monotonic() + pace.budget
        items = 0
        seen: Seen = []
        for kind, sources in _taken(conn, pace.go):
            items += _WRITERS[kind](conn, sources, stamp)
            seen.append((kind, sources))
            if time.monotonic() >= until:
                break
        more = feed.has_dirty(conn)
        feed.set_clock(conn, stamp)
        if is_late(stamp, clock()):
            raise _ClockPassed
    return Done(items, stamp, more), seen


def _taken(conn: Connection, go: int) -> Iterator[tuple[str, list[int]]]:
    """Yield what is marked, some rows of one kind at a time."""
    for kind in _WRITERS:
        while sources := feed.take_dirty(conn, kind, go):
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
    # From this stamp on they see what their groups see: it may be what they wait for.
    ordering_matches.order_for_partners(conn, sources, datetime.fromtimestamp(stamp, UTC))
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
    """Publish a little if the public clock is stale; it keeps a first page for ``ON_PAGE`` at most.

    While somebody else writes, the page is served as of the public clock that there is.
    """
    with db.read() as conn:
        p = feed.clock(conn).p
    if clock() - p > _STALE:
        try:
            publish(db, clock, ON_PAGE)
        except Busy:
            return  # the page is served as of the old p, which is true, only older
