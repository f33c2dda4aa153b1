"""Renditions as they are stored: what was made of each version, and by which edition.

A row's ``edition`` is that of the crosswalk which made its body. So what is outdated is found by an
index whoever wrote it: an import of an older program, one that still runs beside a newer one, a
harvester's first page in MODS. Rows that no crosswalk makes (provenance) are none of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.rendition import Rendition
from service.store import bulk, feed
from service.store.tables import feed_item, offer, record_version, rendition, transfer

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_BODIES = sa.select(
    rendition.c.version_id, sa.type_coerce(rendition.c.body, sa.types.NullType())
).where(rendition.c.prefix == sa.bindparam("prefix"), rendition.c.version_id.in_(_VALUES))
_CANONICAL = sa.select(
    record_version.c.id, sa.type_coerce(record_version.c.canonical, sa.types.NullType())
).where(record_version.c.id.in_(_VALUES))


def stored(conn: Connection, prefix: str, version_ids: Sequence[int]) -> dict[int, bytes]:
    """Return what is stored of these versions in a format, whatever edition made it, by ids."""
    return dict(bulk.select_in(conn, _BODIES, version_ids, {"prefix": prefix}))


def canonical(conn: Connection, version_ids: Sequence[int]) -> dict[int, bytes]:
    """Return the bytes that these versions are kept as, by their ids."""
    return dict(bulk.select_in(conn, _CANONICAL, version_ids))


def keep(conn: Connection, prefix: str, edition: int, made: Mapping[int, bytes]) -> bool:
    """Store what was made of these versions in a format; return whether that is what is stored.

    Who was first, stays, and may have been of another edition.
    """
    rows = [(version_id, prefix, edition, made[version_id]) for version_id in sorted(made)]
    bulk.insert(conn, rendition, ("version_id", "prefix", "edition", "body"), rows, if_new=True)
    return stored(conn, prefix, [*made]) == dict(made)


# --- making anew --------------------------------------------------------------------------------


def outdated(conn: Connection, editions: Mapping[str, int]) -> int:
    """Return how many renditions an earlier edition than these (by prefix) has made."""
    return sum(
        conn.execute(
            sa.select(sa.func.count())
            .select_from(rendition)
            .where(rendition.c.prefix == prefix, rendition.c.edition < edition)
        ).scalar_one()
        for prefix, edition in editions.items()
    )


def newer(conn: Connection, editions: Mapping[str, int]) -> list[str]:
    """Return the prefixes under which something was made by a later edition than these."""
    return [
        prefix
        for prefix, edition in editions.items()
        if conn.execute(
            sa.select(rendition.c.version_id)
            .where(rendition.c.prefix == prefix, rendition.c.edition > edition)
            .limit(1)
        ).first()
    ]


class Place(NamedTuple):
    """How far the outdated renditions were gone through: a prefix, and a key of its index."""

    prefix: str
    edition: int = -1
    version_id: int = 0


class Outdated(NamedTuple):
    """One version of a record and what an earlier edition made of it, by prefix."""

    version_id: int
    canonical: bytes
    bodies: Mapping[str, bytes]


def next_outdated(
    conn: Connection, editions: Mapping[str, int], after: Place, limit: int
) -> tuple[list[Outdated], Place]:
    """Return up to ``limit`` versions with outdated renditions under a prefix, and their end.

    Each comes with all its outdated renditions, so that it need be gone to once only.
    """
    keys = conn.execute(
        sa.select(rendition.c.edition, rendition.c.version_id)
        .where(
            rendition.c.prefix == after.prefix,
            rendition.c.edition < editions[after.prefix],
            sa.tuple_(rendition.c.edition, rendition.c.version_id)
            > sa.tuple_(sa.literal(after.edition), sa.literal(after.version_id)),
        )
        .order_by(rendition.c.edition, rendition.c.version_id)
        .limit(limit)
    ).all()
    if not keys:
        return [], after
    wanted = [version_id for _, version_id in keys]
    bodies: dict[int, dict[str, bytes]] = {version_id: {} for version_id in wanted}
    rows = conn.execute(
        sa.select(
            rendition.c.version_id, rendition.c.prefix, rendition.c.edition, rendition.c.body
        ).where(rendition.c.version_id.in_(wanted), rendition.c.prefix.in_([*editions]))
    )
    for version_id, prefix, edition, body in rows:
        if edition < editions[prefix]:
            bodies[version_id][prefix] = body
    kept = canonical(conn, wanted)
    found = [Outdated(each, kept[each], bodies[each]) for each in wanted]
    return found, Place(after.prefix, *keys[-1])


_OF_EARLIER_EDITION = rendition.update().where(
    rendition.c.version_id == sa.bindparam("version"),
    rendition.c.prefix == sa.bindparam("of"),
    rendition.c.edition < sa.bindparam("by"),
)


def renew(conn: Connection, made: Sequence[tuple[int, Rendition]]) -> None:
    """Replace outdated renditions by what was made anew of their versions: (version id, what)."""
    if made:
        statement = _OF_EARLIER_EDITION.values(
            edition=sa.bindparam("by"), body=sa.bindparam("made")
        )
        given = [
            {"version": version_id, "of": each.prefix, "by": each.edition, "made": each.body}
            for version_id, each in sorted(made)
        ]
        conn.execute(statement, given)


def confirm(conn: Connection, same: Sequence[tuple[int, Rendition]]) -> None:
    """Note that a later edition makes the same bytes of these versions as are stored."""
    if same:
        statement = _OF_EARLIER_EDITION.values(edition=sa.bindparam("by"))
        given = [
            {"version": version_id, "of": each.prefix, "by": each.edition}
            for version_id, each in sorted(same)
        ]
        conn.execute(statement, given)


_OFFERS = (
    sa.select(offer.c.id)
    .join(record_version, record_version.c.record_id == offer.c.record_id)
    .join(feed_item, (feed_item.c.kind == feed.OFFER) & (feed_item.c.source_id == offer.c.id))
    .where(
        record_version.c.id.in_(_VALUES),
        feed_item.c.version_id == record_version.c.id,
        feed_item.c.deleted.is_(False),
    )
)
_TRANSFERS = (
    sa.select(transfer.c.id)
    .join(feed_item, (feed_item.c.kind == feed.TRANSFER) & (feed_item.c.source_id == transfer.c.id))
    .where(
        transfer.c.version_id.in_(_VALUES),
        feed_item.c.version_id == transfer.c.version_id,
        feed_item.c.deleted.is_(False),
    )
)


def mark_shown(conn: Connection, version_ids: Sequence[int]) -> None:
    """Tell the feed that what it shows of these versions changed: offers and transfers.

    The caller holds the publisher's lock (``feed.lock_clock``): what is shown is what was published
    last, and nothing can be published between this and the commit.
    """
    for kind, shown in ((feed.OFFER, _OFFERS), (feed.TRANSFER, _TRANSFERS)):
        feed.mark(conn, kind, [each for (each,) in bulk.select_in(conn, shown, version_ids)])
