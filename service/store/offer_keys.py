"""The keys of what offers show: made when an offer can be wished for, and kept with it.

Keys of identifiers are there from the import on (``match_key``). Those of titles are made when an
offer can be wished for, and with them ``offer.matched_keys``: all by which a wish is compared with
it, so that a comparison costs one row. ``offer.matched_version_id`` says of which version that is;
an offer that shows another, or none of whose keys were made, was not compared with what waits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.match_rule import MOST
from service.domain.offer_key import OfferKeys, Pair
from service.store import bulk
from service.store.tables import match_key, offer, record, record_version

# Values that are looked up in one statement.
_AT_ONCE: Final = 500
_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)


def canonical(conn: Connection, version_ids: Sequence[int]) -> dict[int, bytes]:
    """Return the canonical bytes of versions."""
    return {i: bytes(body) for i, body in bulk.select_in(conn, _CANONICAL, version_ids)}


_CANONICAL = sa.select(record_version.c.id, record_version.c.canonical).where(
    record_version.c.id.in_(_VALUES)
)


class Shown(NamedTuple):
    """An offer of a list that is to be compared with what waits: its record and version."""

    offer_id: int
    record_id: int
    version_id: int


_UNMATCHED = (
    sa.select(offer.c.id, offer.c.record_id, record.c.current_version_id)
    .join(record, record.c.id == offer.c.record_id)
    .where(
        offer.c.list_id == sa.bindparam("list", type_=sa.BigInteger),
        # As a literal: only so does SQLite see that the partial index serves.
        offer.c.state == sa.literal_column("'OFFERED'"),
        offer.c.record_id > sa.bindparam("after", type_=sa.BigInteger),
        offer.c.matched_version_id.is_(None)
        | (offer.c.matched_version_id != record.c.current_version_id),
    )
    .order_by(offer.c.record_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def unmatched(conn: Connection, list_id: int, after: int, limit: int) -> list[Shown]:
    """Return offers of an open list that were not compared yet, by record behind ``after``."""
    given = {"list": list_id, "after": after, "limit": limit}
    return [Shown(*row) for row in bulk.select(conn, _UNMATCHED, given)]


_CURRENT = (
    sa.select(offer.c.id, record.c.current_version_id)
    .join(record, record.c.id == offer.c.record_id)
    .where(offer.c.id.in_(_VALUES))
)


def shown_now(conn: Connection, offer_ids: Sequence[int]) -> dict[int, int]:
    """Return the versions that offers of open lists show now."""
    return dict(bulk.select_in(conn, _CURRENT, offer_ids))


def keep_keys(conn: Connection, made: Iterable[tuple[Shown, OfferKeys]]) -> None:
    """Keep the keys of what offers show: all with the offer, and its titles to be found by."""
    made = list(made)
    bulk.insert(
        conn,
        match_key,
        ("kind", "value", "version_id"),
        sorted((*key, shown.version_id) for shown, keys in made for key in keys.titles),
        if_new=True,
    )
    bulk.update(
        conn,
        offer,
        ("matched_keys", "matched_version_id"),
        [(keys.packed, shown.version_id, shown.offer_id) for shown, keys in made],
    )


def compare_again(conn: Connection, list_id: int) -> None:
    """Say that nothing of a list was compared yet: others may see it now, or the rules changed."""
    conn.execute(
        offer.update()
        .where(offer.c.list_id == list_id, offer.c.matched_version_id.is_not(None))
        .values(matched_version_id=None)
    )


_OF_KEY = (
    sa.select(match_key.c.value)
    .join(record, record.c.current_version_id == match_key.c.version_id)
    .join(offer, offer.c.record_id == record.c.id)
    .where(
        match_key.c.kind == sa.bindparam("kind", type_=sa.Text),
        match_key.c.value.in_(_VALUES),
        offer.c.list_id == sa.bindparam("list", type_=sa.BigInteger),
        offer.c.state == sa.literal_column("'OFFERED'"),
    )
    .group_by(match_key.c.value)
    .having(sa.func.count() > sa.literal_column(str(MOST)))
)


def crowded(conn: Connection, list_id: int, keys: Iterable[Pair]) -> set[Pair]:
    """Return those of ``keys`` that more than ``MOST`` offers of an open list have."""
    return {
        (kind, value)
        for kind, values in by_kind(keys)
        for (value,) in bulk.select_in(conn, _OF_KEY, values, {"kind": kind, "list": list_id})
    }


def by_kind(keys: Iterable[Pair]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield a kind and some of the values that keys of it have, as many as one statement takes."""
    by_kind: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for kind, value in keys:
        by_kind[kind][value] = None
    for kind, values in sorted(by_kind.items()):
        listed = list(values)
        for begin in range(0, len(listed), _AT_ONCE):
            yield kind, listed[begin : begin + _AT_ONCE]
