"""The public feed as it is written: its clock, what waits to be published, items and entries.

Writers only append to ``feed_dirty``, inside their own transaction. Items, entries and stamps are
written by the publisher alone (``usecases.publishing``), under the lock on the clock. A stream is
a set within an audience; the set ``""`` is everything that audience may see. Reading, in
``store.feed_reading``, takes no lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.audience import PUBLIC as PUBLIC
from service.domain.publication import EVERYTHING, Published
from service.store import bulk
from service.store.tables import (
    feed_clock,
    feed_dirty,
    feed_entry,
    feed_item,
    feed_stream,
)

# Kinds of dirty rows. Offers and transfers are items of the feed, named so in identifiers, too;
# of a membership the source is a partner. What is marked "again" was told under a stamp that came
# too late, or while its reader could not see it.
OFFER = "offer"
OFFER_AGAIN = "offer again"
TRANSFER = "transfer"
MEMBERSHIP = "membership"
MEMBERSHIP_AGAIN = "membership again"
# The name under which a version that came from a partner keeps where it came from: the content of
# an OAI-PMH ``about``, made when the record was harvested, beside the renditions of that version.
PROVENANCE = "provenance"


class Clock(NamedTuple):
    """The public clock: all that is published bears a stamp <= ``p``, and >= ``earliest``."""

    p: int
    earliest: int


def clock(conn: Connection) -> Clock:
    """Return the public clock."""
    row = conn.execute(sa.select(feed_clock.c.p, feed_clock.c.earliest)).one()
    return Clock(row.p, row.earliest)


# --- writing: dirty rows ------------------------------------------------------------------------


def mark(conn: Connection, kind: str, source_ids: Iterable[int]) -> None:
    """Note that these sources of a kind changed; the publisher will look at them."""
    rows = [(kind, source_id) for source_id in source_ids]
    bulk.insert(conn, feed_dirty, ("kind", "source_id"), rows)


def mark_selected(conn: Connection, kind: str, source_ids: sa.Select[tuple[int]]) -> None:
    """Note that all that the query names changed, without bringing their ids here."""
    named = source_ids.subquery()
    rows = sa.select(sa.literal(kind), named.c[0])
    conn.execute(feed_dirty.insert().from_select(["kind", "source_id"], rows))


def take_dirty(conn: Connection, kind: str, limit: int) -> list[int]:
    """Remove up to ``limit`` dirty rows and return what they name, each once.

    Exactly the rows that were seen are removed: one that a writer commits meanwhile stays.
    """
    oldest = (
        sa.select(feed_dirty.c.n).where(feed_dirty.c.kind == kind).order_by(feed_dirty.c.n)
    ).limit(limit)
    rows = conn.execute(
        feed_dirty.delete().where(feed_dirty.c.n.in_(oldest)).returning(feed_dirty.c.source_id)
    )
    return sorted(set(rows.scalars()))


def has_dirty(conn: Connection) -> bool:
    """Whether anything waits to be published."""
    return conn.execute(sa.select(feed_dirty.c.n).limit(1)).first() is not None


# --- writing: the publisher ---------------------------------------------------------------------


def lock_clock(conn: Connection) -> int:
    """Take the publisher's lock and return p. Must be the first statement of a transaction."""
    return int(conn.execute(sa.select(feed_clock.c.p).with_for_update()).scalar_one())


def set_clock(conn: Connection, stamp: int) -> None:
    """Move p to ``stamp``; it never goes back."""
    conn.execute(feed_clock.update().where(feed_clock.c.p < stamp).values(p=stamp))


def publish(
    conn: Connection, kind: str, changes: Sequence[Published], stamp: int, *, again: bool = False
) -> int:
    """Write what the feed says of ``changes`` under one ``stamp``; return how many items changed.

    What was never visible and is not now leaves no trace: nobody has to be told. What is gone is
    so wherever it stood; what left a set or an audience, in that stream. With ``again``, all that
    was told of it before has this stamp, because the one it had came too late.
    """
    known = _items(conn, kind, [change.source_id for change in changes])
    changes = [change for change in changes if change.visible or change.source_id in known]
    if not changes:
        return 0
    items = _put_items(conn, kind, changes, stamp)
    wanted = {
        (items[change.source_id], audience, spec)
        for change in changes
        if change.visible
        for audience in change.audiences
        for spec in (EVERYTHING, *change.sets)
    }
    streams = _streams(conn, {(audience, spec) for _, audience, spec in wanted})
    entries = {(item, streams[audience, spec]): True for item, audience, spec in wanted}
    gone = {items[change.source_id] for change in changes if not change.visible}
    for item, stream, present in _entries_of(conn, [items[source] for source in known]):
        if (item, stream) not in entries and (present or again or item in gone):
            entries[item, stream] = False
    bulk.insert(
        conn,
        feed_entry,
        ("item_id", "stream_id", "stamp", "present", "since"),
        [(item, stream, stamp, present, stamp) for (item, stream), present in entries.items()],
        update=("item_id", "stream_id"),
        once=("since",),
    )
    return len(changes)


_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_ITEMS = sa.select(feed_item.c.source_id, feed_item.c.id).where(
    feed_item.c.kind == sa.bindparam("kind"), feed_item.c.source_id.in_(_VALUES)
)
_ENTRIES = sa.select(
    feed_entry.c.item_id,
    feed_entry.c.stream_id,
    sa.type_coerce(feed_entry.c.present, sa.types.NullType()),
).where(feed_entry.c.item_id.in_(_VALUES))


def _items(conn: Connection, kind: str, source_ids: Sequence[int]) -> dict[int, int]:
    """Return the items that there are of these offers (or transfers), by their ids."""
    return dict(bulk.select_in(conn, _ITEMS, source_ids, {"kind": kind}))


def _put_items(
    conn: Connection, kind: str, changes: Sequence[Published], stamp: int
) -> dict[int, int]:
    bulk.insert(
        conn,
        feed_item,
        ("kind", "source_id", "public_id", "stamp", "deleted", "version_id", "sets"),
        [
            (
                kind,
                change.source_id,
                change.public_id,
                stamp,
                not change.visible,
                change.version_id,
                " ".join(change.sets),
            )
            for change in changes
        ],
        update=("kind", "source_id"),
    )
    return _items(conn, kind, [change.source_id for change in changes])


def _streams(conn: Connection, names: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    if not names:
        return {}
    known = {
        (audience, spec): stream
        for audience, spec, stream in conn.execute(
            sa.select(feed_stream.c.audience_id, feed_stream.c.set_spec, feed_stream.c.id).where(
                feed_stream.c.audience_id.in_({audience for audience, _ in names}),
                feed_stream.c.set_spec.in_({spec for _, spec in names}),
            )
        )
    }
    for audience, spec in sorted(names - known.keys()):
        known[audience, spec] = conn.execute(
            feed_stream.insert()
            .values(audience_id=audience, set_spec=spec)
            .returning(feed_stream.c.id)
        ).scalar_one()
    return known


def _entries_of(conn: Connection, items: Sequence[int]) -> list[tuple[Any, ...]]:
    """Return (item, stream, present) of all that these items ever stood in."""
    return bulk.select_in(conn, _ENTRIES, items)
