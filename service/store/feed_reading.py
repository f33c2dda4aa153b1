"""The public feed as it is read: one stream's pages, single items, sets.

Reading takes no lock, and is bounded by ``stamp <= p``. This is the way of everybody who sees the
public alone: a page is one query. ``store.feed_merging`` is that of partners who see more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.audience import PUBLIC, AudienceKind
from service.domain.feed_view import Place, Sought, Source, Standing
from service.domain.publication import EVERYTHING
from service.store import bulk
from service.store.feed import PROVENANCE
from service.store.tables import (
    audience,
    audience_member,
    feed_clock,
    feed_entry,
    feed_item,
    feed_stream,
    rendition,
)


class Entry(NamedTuple):
    """One line of a list, in the order of (stamp, item); ``stamp`` is what it is listed at."""

    stamp: int
    item: int
    kind: str
    public_id: str
    sets: str
    present: bool
    body: bytes | None
    about: bytes | None
    version_id: int


class View(NamedTuple):
    """What a harvester's page begins from: the public clock, and the streams it goes through."""

    p: int
    sources: tuple[Source, ...]


_SPEC: sa.BindParameter[str] = sa.bindparam("spec")
_VIEW = sa.select(
    feed_clock.c.p,
    sa.select(feed_stream.c.id)
    .where(feed_stream.c.audience_id == PUBLIC, feed_stream.c.set_spec == _SPEC)
    .scalar_subquery(),
)
_BEYOND_THE_PUBLIC = (
    sa.select(feed_stream.c.id, audience.c.kind, audience_member.c.since, audience_member.c.left)
    .join(audience, audience.c.id == audience_member.c.audience_id)
    .join(feed_stream, feed_stream.c.audience_id == audience.c.id)
    .where(
        audience_member.c.partner_id == sa.bindparam("partner"),
        audience_member.c.since.is_not(None),
        feed_stream.c.set_spec == _SPEC,
    )
)


def view(conn: Connection, sought: Sought, partner_id: int | None) -> View:
    """Return the public clock and the streams of a set that a partner (None: anybody) sees.

    A partner's audiences are those that the feed has told it of, in the same snapshot as p.
    """
    ((p, public),) = bulk.select(conn, _VIEW, {"spec": sought.spec})
    sources = [] if public is None else [Source(public, AudienceKind.PUBLIC)]
    if partner_id is not None:
        given = {"partner": partner_id, "spec": sought.spec}
        sources += [
            Source(stream, AudienceKind(kind), since, left)
            for stream, kind, since, left in bulk.select(conn, _BEYOND_THE_PUBLIC, given)
        ]
    return View(p, tuple(source for source in sources if source.kind in sought.kinds))


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


class Stream:
    """One stream as everybody sees it, for one page: its entries, bounded by ``until``.

    With ``prefix``, each entry comes with its stored rendition (None where the item is gone).
    """

    standings: Mapping[int, Standing] = MappingProxyType({})  # every item stands where it is listed

    def __init__(self, conn: Connection, source: Source, prefix: str | None, until: int) -> None:
        self._conn = conn
        self._source = source
        self._prefix = prefix
        self._until = until

    def entries(self, after: Place, limit: int) -> list[Entry]:
        """Return up to ``limit`` entries behind a place.

        They are the database's own rows, in the shape of ``Entry``: to be taken apart, not to be
        asked by name.
        """
        stamp, item = self._source.behind(after) or (self._until, 0)
        given: dict[str, object] = {
            "stream": self._source.stream,
            "stamp": stamp,
            "item": item,
            "until": self._until,
            "limit": limit,
        }
        statement = _PAGE_OF_HEADERS
        if self._prefix is not None:
            statement = _PAGE_OF_RECORDS
            given["prefix"] = self._prefix
        return cast("list[Entry]", bulk.select(self._conn, statement, given))

    def count(self, from_: int, cap: int) -> int | None:
        """Return how many entries there are, stamped >= ``from_``, or None above ``cap``."""
        return count(self._conn, self._source.stream, from_=from_, until=self._until, cap=cap)


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


def entry(conn: Connection, kind: str, public_id: str, prefix: str) -> Entry | None:
    """Return one item as everybody sees it, with its rendition in ``prefix``, or None."""
    whole = _BODIES.join(
        feed_stream,
        (feed_stream.c.id == feed_entry.c.stream_id)
        & (feed_stream.c.audience_id == PUBLIC)
        & (feed_stream.c.set_spec == EVERYTHING),
    )
    row = conn.execute(
        sa.select(*_ENTRY, _BODY, _ABOUT, feed_item.c.version_id)
        .select_from(whole)
        .where(feed_item.c.kind == kind, feed_item.c.public_id == public_id),
        {"prefix": prefix},
    ).first()
    return None if row is None else Entry(*row)


def sets(conn: Connection, audiences: Collection[int], after: str, limit: int) -> list[str]:
    """Return up to ``limit`` set specs of these audiences behind ``after``, in their order."""
    found = conn.execute(
        sa.select(feed_stream.c.set_spec)
        .where(feed_stream.c.audience_id.in_(audiences), feed_stream.c.set_spec > after)
        .distinct()
        .order_by(feed_stream.c.set_spec)
        .limit(limit)
    )
    return list(found.scalars())


# How many of the newest are looked through for one that is not a tombstone: both can be fetched.
_SAMPLE = 100


def newest(conn: Connection) -> tuple[str, str] | None:
    """Return (kind, public id) of one item that everybody can see, else of a tombstone."""
    rows = conn.execute(
        sa.select(feed_item.c.kind, feed_item.c.public_id, feed_entry.c.present)
        .select_from(_HEADERS.join(feed_stream, feed_stream.c.id == feed_entry.c.stream_id))
        .where(
            feed_stream.c.audience_id == PUBLIC,
            feed_stream.c.set_spec == EVERYTHING,
        )
        .order_by(feed_entry.c.stamp.desc(), feed_entry.c.item_id.desc())
        .limit(_SAMPLE)
    )
    found = rows.all()
    row = next((row for row in found if row.present), found[0] if found else None)
    return None if row is None else (row.kind, row.public_id)
