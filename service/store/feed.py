"""The public feed: its clock, what is waiting to be published, items, and streams of entries.

Writers only append to ``feed_dirty``, inside their own transaction. Items, entries and stamps are
written by the publisher alone (``usecases.publishing``), under the lock on the clock. A stream is
a set within an audience; the set ``""`` is everything that audience may see. Reading takes no
lock and is bounded by ``stamp <= p``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.publication import EVERYTHING, Published, set_specs
from service.store import bulk
from service.store.tables import (
    feed_clock,
    feed_dirty,
    feed_entry,
    feed_item,
    feed_stream,
    rendition,
)

PUBLIC = 1  # the audience that everybody belongs to; the first migration makes it
OFFER = "offer"
# The name under which a version that came from a partner keeps where it came from: the content of
# an OAI-PMH ``about``, made when the record was harvested, beside the renditions of that version.
PROVENANCE = "provenance"


class Clock(NamedTuple):
    """The public clock: all that is published bears a stamp <= ``p``, and >= ``earliest``."""

    p: int
    earliest: int


class Entry(NamedTuple):
    """One line of a stream, in the order of (stamp, item)."""

    stamp: int
    item: int
    kind: str
    public_id: str
    sets: str
    present: bool
    body: bytes | None
    about: bytes | None
    version_id: int


# --- writing: dirty rows ------------------------------------------------------------------------


def mark(conn: Connection, kind: str, source_ids: Iterable[int]) -> None:
    """Note that these offers (or transfers) changed; the publisher will look at them."""
    rows = [{"kind": kind, "source_id": source_id} for source_id in source_ids]
    if rows:
        conn.execute(feed_dirty.insert(), rows)


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


def publish(conn: Connection, kind: str, changes: Sequence[Published], stamp: int) -> int:
    """Write what the feed says of ``changes`` under one ``stamp``; return how many items changed.

    What was never visible and is not now leaves no trace: nobody has to be told.
    """
    known = _items(conn, kind, [change.source_id for change in changes])
    changes = [change for change in changes if change.visible or change.source_id in known]
    if not changes:
        return 0
    items = _put_items(conn, kind, changes, stamp)
    wanted = {
        (items[change.source_id], change.audience_id, spec): change.visible
        for change in changes
        for spec in (EVERYTHING, *set_specs(change))
    }
    streams = _streams(conn, {(audience, spec) for _, audience, spec in wanted})
    entries = {
        (item, streams[audience, spec]): visible
        for (item, audience, spec), visible in wanted.items()
    }
    before = [item for source, item in items.items() if source in known]
    for left in _entries_of(conn, before) - entries.keys():
        entries[left] = False
    bulk.insert(
        conn,
        feed_entry,
        ("item_id", "stream_id", "stamp", "present"),
        [(item, stream, stamp, present) for (item, stream), present in entries.items()],
        update=("item_id", "stream_id"),
    )
    return len(changes)


_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_ITEMS = sa.select(feed_item.c.source_id, feed_item.c.id).where(
    feed_item.c.kind == sa.bindparam("kind"), feed_item.c.source_id.in_(_VALUES)
)
_PRESENT_ENTRIES = sa.select(feed_entry.c.item_id, feed_entry.c.stream_id).where(
    feed_entry.c.item_id.in_(_VALUES), feed_entry.c.present.is_(True)
)


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
                " ".join(set_specs(change)),
            )
            for change in changes
        ],
        update=("kind", "source_id"),
    )
    return _items(conn, kind, [change.source_id for change in changes])


def _streams(conn: Connection, names: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
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


def _entries_of(conn: Connection, items: Sequence[int]) -> set[tuple[int, int]]:
    return {(item, stream) for item, stream in bulk.select_in(conn, _PRESENT_ENTRIES, items)}


# --- reading ------------------------------------------------------------------------------------


def clock(conn: Connection) -> Clock:
    """Return the public clock."""
    row = conn.execute(sa.select(feed_clock.c.p, feed_clock.c.earliest)).one()
    return Clock(row.p, row.earliest)


class View(NamedTuple):
    """What a harvester's page begins from: the public clock, and the stream (None: no such set)."""

    p: int
    stream: int | None


_STREAM = (
    sa.select(feed_stream.c.id)
    .where(
        feed_stream.c.audience_id == sa.bindparam("audience"),
        feed_stream.c.set_spec == sa.bindparam("spec"),
    )
    .scalar_subquery()
)
_VIEW = sa.select(feed_clock.c.p, _STREAM)


def view(conn: Connection, audience_id: int, set_spec: str) -> View:
    """Return the public clock and the stream of a set within an audience."""
    ((p, stream),) = bulk.select(conn, _VIEW, {"audience": audience_id, "spec": set_spec})
    return View(p, stream)


# Values come as the driver gives them: a page has hundreds, and none needs a conversion.
_ENTRY = (
    feed_entry.c.stamp,
    feed_entry.c.item_id,
    feed_item.c.kind,
    feed_item.c.public_id,
    feed_item.c.sets,
    sa.type_coerce(feed_entry.c.present, sa.types.NullType()),
)
_BODY = sa.type_coerce(rendition.c.body, sa.types.NullType())
_HEADERS = feed_entry.join(feed_item, feed_item.c.id == feed_entry.c.item_id)
_BODIES = _HEADERS.outerjoin(
    rendition,
    feed_entry.c.present.is_(True)  # the bytes of a tombstone need not be fetched
    & (rendition.c.version_id == feed_item.c.version_id)
    & (rendition.c.prefix == sa.bindparam("prefix")),
)
_ORIGIN = rendition.alias("origin")
_ABOUT = sa.type_coerce(_ORIGIN.c.body, sa.types.NullType())
_BODIES = _BODIES.outerjoin(
    _ORIGIN,
    feed_entry.c.present.is_(True)
    & (_ORIGIN.c.version_id == feed_item.c.version_id)
    & (_ORIGIN.c.prefix == PROVENANCE),
)
_AFTER = (
    (feed_entry.c.stream_id == sa.bindparam("stream"))
    & (
        sa.tuple_(feed_entry.c.stamp, feed_entry.c.item_id)
        > sa.tuple_(sa.bindparam("stamp"), sa.bindparam("item"))
    )
    & (feed_entry.c.stamp <= sa.bindparam("until"))
)
_ORDER = (feed_entry.c.stamp, feed_entry.c.item_id)
_LIMIT: sa.BindParameter[int] = sa.bindparam("limit", type_=sa.Integer)

_PAGE_OF_HEADERS = (
    sa.select(*_ENTRY, sa.null(), sa.null(), feed_item.c.version_id)
    .select_from(_HEADERS)
    .where(_AFTER)
    .order_by(*_ORDER)
).limit(_LIMIT)
_PAGE_OF_RECORDS = (
    sa.select(*_ENTRY, _BODY, _ABOUT, feed_item.c.version_id)
    .select_from(_BODIES)
    .where(_AFTER, feed_entry.c.present.is_(False) | rendition.c.version_id.is_not(None))
    .order_by(*_ORDER)
).limit(_LIMIT)


def entries(
    conn: Connection,
    stream: int,
    *,
    prefix: str | None,
    after: tuple[int, int],
    until: int,
    limit: int,
) -> list[Entry]:
    """Return up to ``limit`` entries of a stream behind the key ``after``, stamped <= ``until``.

    With ``prefix``, each comes with its stored rendition (None where the item is gone). They are
    the database's own rows, in the shape of ``Entry``: to be taken apart, not to be asked by name.
    """
    statement = _PAGE_OF_HEADERS if prefix is None else _PAGE_OF_RECORDS
    given = {"stream": stream, "stamp": after[0], "item": after[1], "until": until, "limit": limit}
    if prefix is not None:
        given["prefix"] = prefix  # type: ignore[assignment]
    return cast("list[Entry]", bulk.select(conn, statement, given))


def count(conn: Connection, stream: int, *, from_: int, until: int, cap: int) -> int | None:
    """Return how many entries a stream has in the range, or None above ``cap``."""
    within = (
        sa.select(feed_entry.c.item_id)
        .where(
            feed_entry.c.stream_id == stream,
            feed_entry.c.stamp >= from_,
            feed_entry.c.stamp <= until,
        )
        .limit(cap + 1)
    )
    found = conn.execute(sa.select(sa.func.count()).select_from(within.subquery())).scalar_one()
    return None if found > cap else int(found)


def entry(
    conn: Connection, audience_id: int, kind: str, public_id: str, prefix: str
) -> Entry | None:
    """Return one item as an audience sees it, with its rendition in ``prefix``, or None."""
    whole = _BODIES.join(
        feed_stream,
        (feed_stream.c.id == feed_entry.c.stream_id)
        & (feed_stream.c.audience_id == audience_id)
        & (feed_stream.c.set_spec == EVERYTHING),
    )
    row = conn.execute(
        sa.select(*_ENTRY, _BODY, _ABOUT, feed_item.c.version_id)
        .select_from(whole)
        .where(feed_item.c.kind == kind, feed_item.c.public_id == public_id),
        {"prefix": prefix},
    ).first()
    return None if row is None else Entry(*row)


_RENDITIONS = sa.select(rendition.c.version_id, _BODY).where(
    rendition.c.prefix == sa.bindparam("prefix"), rendition.c.version_id.in_(_VALUES)
)


def renditions(conn: Connection, prefix: str, version_ids: Sequence[int]) -> dict[int, bytes]:
    """Return what is stored of these versions in a format, by their ids."""
    return dict(bulk.select_in(conn, _RENDITIONS, version_ids, {"prefix": prefix}))


def keep_renditions(conn: Connection, prefix: str, made: Mapping[int, bytes]) -> None:
    """Store what was made of these versions in a format; who was first, stays."""
    rows = [(version_id, prefix, body) for version_id, body in made.items()]
    bulk.insert(conn, rendition, ("version_id", "prefix", "body"), rows, if_new=True)


def sets(conn: Connection, audience_id: int, after: str, limit: int) -> list[str]:
    """Return up to ``limit`` set specs of an audience behind ``after``, in their order."""
    found = conn.execute(
        sa.select(feed_stream.c.set_spec)
        .where(feed_stream.c.audience_id == audience_id, feed_stream.c.set_spec > after)
        .order_by(feed_stream.c.set_spec)
        .limit(limit)
    )
    return list(found.scalars())


# How many of the newest are looked through for one that is not a tombstone: both can be fetched.
_SAMPLE = 100


def newest(conn: Connection, audience_id: int) -> tuple[str, str] | None:
    """Return (kind, public id) of one item that an audience can see, else of a tombstone."""
    rows = conn.execute(
        sa.select(feed_item.c.kind, feed_item.c.public_id, feed_entry.c.present)
        .select_from(_HEADERS.join(feed_stream, feed_stream.c.id == feed_entry.c.stream_id))
        .where(
            feed_stream.c.audience_id == audience_id,
            feed_stream.c.set_spec == EVERYTHING,
        )
        .order_by(feed_entry.c.stamp.desc(), feed_entry.c.item_id.desc())
        .limit(_SAMPLE)
    )
    found = rows.all()
    row = next((row for row in found if row.present), found[0] if found else None)
    return None if row is None else (row.kind, row.public_id)
