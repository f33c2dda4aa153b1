"""The feed as one partner reads it: the streams of its few audiences, merged in key order.

First the keys: a short run of each stream, merged. Then, for the items among them, all that the
view knows of each: an item that stands in several streams is listed once, at its latest place.
The records are fetched last, and only for what is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.feed_view import Place, Source, Standing, standing
from service.store import bulk
from service.store.feed import PROVENANCE
from service.store.feed_reading import Entry
from service.store.tables import feed_entry, feed_item, rendition

# Keys that are fetched of each stream in one go: at first, and at most.
_FIRST_GO = 200
_LARGEST_GO = 5_000

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_KEYS = (
    sa.select(feed_entry.c.stamp, feed_entry.c.item_id)
    .where(
        feed_entry.c.stream_id == sa.bindparam("stream"),
        sa.tuple_(feed_entry.c.stamp, feed_entry.c.item_id)
        > sa.tuple_(sa.bindparam("stamp"), sa.bindparam("item")),
        feed_entry.c.stamp <= sa.bindparam("until"),
        feed_entry.c.since < sa.bindparam("before"),
    )
    .order_by(feed_entry.c.stamp, feed_entry.c.item_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_EVER = 2**62  # later than any stamp
_ENTRIES = sa.select(
    feed_entry.c.item_id,
    feed_entry.c.stream_id,
    feed_entry.c.stamp,
    sa.type_coerce(feed_entry.c.present, sa.types.NullType()),
    feed_entry.c.since,
).where(feed_entry.c.item_id.in_(_VALUES))


class Merge:
    """A partner's list, for one page: its rows, listed at ``until`` at the latest.

    With ``prefix``, each row that is present comes with its stored rendition. ``standings`` says
    of the items of all rows so far how they stand.
    """

    def __init__(
        self, conn: Connection, sources: Sequence[Source], prefix: str | None, until: int
    ) -> None:
        self._conn = conn
        self._sources = sources
        self._prefix = prefix
        self._until = until
        self.standings: dict[int, Standing] = {}

    def entries(self, after: Place, limit: int) -> list[Entry]:
        """Return up to ``limit`` rows behind a place."""
        rows: list[Entry] = []
        for places in _runs(self._conn, self._sources, after, self._until):
            known = standings(self._conn, self._sources, [place.item for place in places])
            listed = [known[place.item] for place in places if known[place.item].place == place]
            self.standings |= {stands.place.item: stands for stands in listed}
            for part in _parts(listed, limit):
                rows += _records(self._conn, part, self._prefix)
                if len(rows) >= limit:
                    return rows[:limit]
        return rows

    def count(self, from_: int, cap: int) -> int | None:
        """Return how many items are listed at >= ``from_``, or None above ``cap``.

        Each counts once, at its latest place. Entries above ``cap`` in all streams together are
        too many to tell.
        """
        parts = [
            part
            for part in (_listed_from(source, from_) for source in self._sources)
            if part is not None
        ]
        total = 0
        for each in parts:
            within = each.limit(cap + 1).subquery()
            counting = sa.select(sa.func.count()).select_from(within)
            total += self._conn.execute(counting).scalar_one()
            if total > cap:
                return None
        if not parts:
            return 0
        whole = sa.union_all(*parts).subquery()
        once = (
            sa.select(whole.c.item_id)
            .group_by(whole.c.item_id)
            .having(sa.func.max(whole.c.listed) <= self._until)
            .subquery()
        )
        return int(self._conn.execute(sa.select(sa.func.count()).select_from(once)).scalar_one())


def _parts(listed: Sequence[Standing], size: int) -> Iterator[Sequence[Standing]]:
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


def _runs(
    conn: Connection, sources: Sequence[Source], after: Place, until: int
) -> Iterator[list[Place]]:
    """Yield the places behind ``after`` in their order, each once, in runs that grow."""
    go = _FIRST_GO
    while True:
        found = [_keys(conn, source, after, until, go) for source in sources]
        # Behind the last key of a stream that has more, nothing is certain yet.
        ends = [places[-1] for places in found if len(places) == go]
        end = min(ends, default=None)
        run = sorted({place for places in found for place in places if end is None or place <= end})
        if run:
            yield run
        if end is None:
            return
        after, go = end, min(2 * go, _LARGEST_GO)


def _keys(conn: Connection, source: Source, after: Place, until: int, limit: int) -> list[Place]:
    behind = source.behind(after)
    if behind is None or source.since > until:
        return []
    given = {
        "stream": source.stream,
        "stamp": behind[0],
        "item": behind[1],
        "until": until if source.left is None else _EVER,
        "before": _EVER if source.left is None else source.left,
        "limit": limit,
    }
    return [source.place(stamp, item) for stamp, item in bulk.select(conn, _KEYS, given)]


def standings(
    conn: Connection, sources: Sequence[Source], items: Sequence[int]
) -> dict[int, Standing]:
    """Return how these items stand in a view; what it knows nothing of is left out."""
    of_stream = {source.stream: source for source in sources}
    seen: dict[int, list[tuple[Source, Place, bool]]] = {}
    for item, stream, stamp, present, since in bulk.select_in(conn, _ENTRIES, items):
        source = of_stream.get(stream)
        if source is not None and source.knows(since):
            seen.setdefault(item, []).append((source, source.place(stamp, item), bool(present)))
    return {item: standing(where) for item, where in seen.items()}


_ITEM = (
    feed_item.c.id,
    feed_item.c.kind,
    feed_item.c.public_id,
    feed_item.c.sets,
    feed_item.c.version_id,
)
_HEADERS = sa.select(*_ITEM, sa.null(), sa.null()).where(feed_item.c.id.in_(_VALUES))
_ORIGIN = rendition.alias("origin")
_RECORDS = (
    sa.select(
        *_ITEM,
        sa.type_coerce(rendition.c.body, sa.types.NullType()),
        sa.type_coerce(_ORIGIN.c.body, sa.types.NullType()),
    )
    .select_from(
        feed_item.join(
            rendition,
            (rendition.c.version_id == feed_item.c.version_id)
            & (rendition.c.prefix == sa.bindparam("prefix")),
        ).outerjoin(
            _ORIGIN,
            (_ORIGIN.c.version_id == feed_item.c.version_id) & (_ORIGIN.c.prefix == PROVENANCE),
        )
    )
    .where(feed_item.c.id.in_(_VALUES))
)


def _records(conn: Connection, stands: Sequence[Standing], prefix: str | None) -> list[Entry]:
    """Return the rows of items in this order; what is present and not in the format is left out."""
    present = [each.place.item for each in stands if each.present]
    absent = [each.place.item for each in stands if not each.present]
    if prefix is None:
        found = bulk.select_in(conn, _HEADERS, present + absent)
    else:
        found = bulk.select_in(conn, _RECORDS, present, {"prefix": prefix})
        found += bulk.select_in(conn, _HEADERS, absent)
    rows = {row[0]: row for row in found}
    return [_entry(each, rows[each.place.item]) for each in stands if each.place.item in rows]


def _entry(stands: Standing, row: tuple[Any, ...]) -> Entry:
    item, kind, public_id, sets, version_id, body, about = row
    return Entry(
        stands.place.stamp, item, kind, public_id, sets, stands.present, body, about, version_id
    )


_ITEM_NAMED = sa.select(feed_item.c.id).where(
    feed_item.c.kind == sa.bindparam("kind"), feed_item.c.public_id == sa.bindparam("name")
)


def entry(
    conn: Connection, sources: Sequence[Source], kind: str, public_id: str, prefix: str
) -> tuple[Entry, Standing] | None:
    """Return one item as a partner sees it, with its rendition in ``prefix``, or None."""
    items = [item for (item,) in bulk.select(conn, _ITEM_NAMED, {"kind": kind, "name": public_id})]
    stands = [*standings(conn, sources, items).values()]
    found = _records(conn, stands, prefix)
    return (found[0], stands[0]) if found else None


def _listed_from(source: Source, from_: int) -> sa.Select[tuple[int, int]] | None:
    """Return the query for the items of one stream and what they are listed at, >= ``from_``."""
    own = feed_entry.c.stamp
    since = sa.literal(source.since, sa.BigInteger)
    if source.left is not None:
        if source.since < from_:
            return None
        return sa.select(feed_entry.c.item_id, since.label("listed")).where(
            feed_entry.c.stream_id == source.stream, feed_entry.c.since < source.left
        )
    query = sa.select(
        feed_entry.c.item_id, sa.case((own < since, since), else_=own).label("listed")
    ).where(feed_entry.c.stream_id == source.stream)
    return query if source.since >= from_ else query.where(own >= from_)
