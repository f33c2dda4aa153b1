"""Offers: the titles on offer lists, as the feed, people and wishes see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.offer import LISTED, OfferState
from service.domain.publication import Published, offer_sets
from service.domain.tier import shown_to
from service.errors import Conflict
from service.store import bulk, feed, public_ids, tiers
from service.store.tables import offer, offer_list, record, record_version

_OFFERED_ALREADY = sa.select(offer.c.record_id).where(
    offer.c.list_id == sa.bindparam("list"),
    offer.c.record_id.in_(sa.bindparam("values", expanding=True)),
    # What an import brought and took back when it was undone comes again with it.
    (offer.c.state == OfferState.OFFERED.value)
    | offer.c.import_id.is_(None)
    | (offer.c.import_id != sa.bindparam("import")),
)


def add_offers(
    conn: Connection,
    list_id: int,
    record_ids: Sequence[int],
    now: datetime,
    import_id: int | None = None,
) -> list[int]:
    """Offer records on a list, where they are not offered on it yet; return those.

    ``import_id``: the import that brings them; what is withdrawn of its own it offers again.
    """
    wanted = list(dict.fromkeys(record_ids))
    given = {"list": list_id, "import": import_id or 0}
    there = {i for (i,) in bulk.select_in(conn, _OFFERED_ALREADY, wanted, given)}
    fresh = [record_id for record_id in wanted if record_id not in there]
    bulk.insert(
        conn,
        offer,
        ("public_id", "list_id", "record_id", "state", "copies", "created_at", "import_id"),
        [
            (public_ids.new(), list_id, record_id, OfferState.OFFERED.value, 1, now, import_id)
            for record_id in fresh
        ],
        if_new=True,
    )
    return fresh


_FOLLOWING = (
    sa.select(offer.c.id)
    .join(offer_list, offer_list.c.id == offer.c.list_id)
    .where(
        offer.c.record_id.in_(sa.bindparam("values", expanding=True)),
        offer.c.pinned_version_id.is_(None),
        sa.or_(*(offer_list.c.state == state.value for state in sorted(LISTED))),
    )
)


def mark_records(conn: Connection, record_ids: Sequence[int]) -> None:
    """Tell the feed that what is offered of these records changed, where it is listed."""
    found = bulk.select_in(conn, _FOLLOWING, record_ids)
    feed.mark(conn, feed.OFFER, [offer_id for (offer_id,) in found])


def mark_list(conn: Connection, list_id: int) -> None:
    """Tell the feed that every offer of a list changed."""
    feed.mark_selected(conn, feed.OFFER, sa.select(offer.c.id).where(offer.c.list_id == list_id))


def pin(conn: Connection, list_id: int) -> None:
    """Let the offers of a list keep the versions their records have now."""
    current = (
        sa.select(record.c.current_version_id)
        .where(record.c.id == offer.c.record_id)
        .scalar_subquery()
    )
    conn.execute(
        offer.update()
        .where(offer.c.list_id == list_id, offer.c.pinned_version_id.is_(None))
        .values(pinned_version_id=current)
    )


def withdraw(conn: Connection, public_id: str) -> None:
    """Take one offer back and tell the feed; raise ``Conflict`` when it is not on offer."""
    row = conn.execute(
        offer.update()
        .where(offer.c.public_id == public_id, offer.c.state == OfferState.OFFERED.value)
        .values(state=OfferState.WITHDRAWN.value)
        .returning(offer.c.id)
    ).first()
    if row is None:
        raise Conflict("this title is not on offer any more")
    feed.mark(conn, feed.OFFER, [row.id])


def exists(conn: Connection, public_id: str) -> bool:
    """Whether there is, or ever was, an offer of this public id."""
    return (
        conn.execute(sa.select(offer.c.id).where(offer.c.public_id == public_id)).first()
        is not None
    )


class Held(NamedTuple):
    """An offer that nobody else changes meanwhile; ``allocated`` are the copies that are given."""

    id: int
    state: OfferState
    allocated: int
    revision: int
    terms: Mapping[str, Any]


def list_of(conn: Connection, public_id: str) -> int | None:
    """Return the row of the list that an offer is on, None for no offer."""
    found = conn.execute(sa.select(offer.c.list_id).where(offer.c.public_id == public_id)).scalar()
    return None if found is None else int(found)


def lock(conn: Connection, public_id: str) -> Held:
    """Return what may be changed of an offer (``domain.list_terms``), and let nobody else do so."""
    row = conn.execute(
        sa.select(offer).where(offer.c.public_id == public_id).with_for_update()
    ).one()
    terms = {
        "copies": row.copies,
        "volumes": row.volumes,
        "condition": row.condition,
        "not_to": tuple(row.not_to.split()),
    }
    return Held(row.id, OfferState(row.state), row.allocated, row.revision, terms)


def change(conn: Connection, found: Held, values: Mapping[str, Any]) -> bool:
    """Change fields of an offer; False where it has fewer copies than are given by now."""
    copies = values.get("copies", found.terms["copies"])
    kept = {name: " ".join(v) if name == "not_to" else v for name, v in values.items()}
    done = conn.execute(
        offer.update()
        .where(
            offer.c.id == found.id,
            offer.c.revision == found.revision,
            offer.c.state == OfferState.OFFERED.value,
            offer.c.allocated <= copies,
        )
        .values(revision=found.revision + 1, **kept)
    )
    return done.rowcount == 1


def version_of(conn: Connection, public_id: str) -> tuple[int, int] | None:
    """Return (row, version of the record that it shows now) of an offer, or None."""
    row = conn.execute(
        sa.select(offer.c.id, VERSION)
        .join(record, record.c.id == offer.c.record_id)
        .where(offer.c.public_id == public_id)
    ).first()
    return None if row is None else (row[0], row[1])


# The version of its record that an offer shows, the offers with it, and those in the feed.
VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)
OFFERED = (
    offer.join(offer_list, offer_list.c.id == offer.c.list_id)
    .join(record, record.c.id == offer.c.record_id)
    .join(record_version, record_version.c.id == VERSION)
)
IN_FEED = (offer.c.state == OfferState.OFFERED.value) & sa.or_(
    *(offer_list.c.state == state.value for state in sorted(LISTED))
)


_PUBLISHED = (
    sa.select(
        offer.c.id,
        offer.c.public_id,
        record_version.c.id,
        IN_FEED & offer_list.c.offered_by.is_(None),
        offer_list.c.id,
        offer_list.c.slug,
        record_version.c.place,
        record_version.c.languages,
    )
    .select_from(OFFERED)
    .where(offer.c.id.in_(sa.bindparam("values", expanding=True)))
)


def published(conn: Connection, offer_ids: Sequence[int]) -> list[Published]:
    """Return what the feed shall say of these offers now."""
    rows = bulk.select_in(conn, _PUBLISHED, offer_ids)
    lists = {list_id for _, _, _, _, list_id, *_ in rows}
    seen_by = {each: shown_to(open_to) for each, open_to in tiers.open_to(conn, lists).items()}
    return [
        Published(row, name, version, visible, seen_by[list_id], offer_sets(slug, place, languages))
        for row, name, version, visible, list_id, slug, place, languages in rows
    ]
