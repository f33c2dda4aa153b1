"""Our own wishes, and the offers of partners that they are for; ``sendings`` has their way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.offer import ListState, OfferState
from service.domain.own_wish import OwnWish, OwnWishState
from service.store import public_ids
from service.store.tables import (
    harvested,
    offer,
    offer_list,
    own_wish,
    partner,
    record,
    record_version,
    source,
)


class Wishable(NamedTuple):
    """An offer that a partner made us: who, by which source, and under which name."""

    offer_id: int
    public_id: str
    identifier: str
    partner_id: int
    source_id: int
    state: OfferState


class Incoming(NamedTuple):
    """A title that a partner offers us, and where our wish for it stands ("": there is none)."""

    public_id: str
    title: str
    author: str
    published: str
    wish: str


_S = OwnWishState


def wishable(conn: Connection, names: Collection[str]) -> list[Wishable]:
    """Return the incoming offers of these public ids, or identifiers of the partner's.

    An offer that several sources brought stands there once for each, that of its own list first.
    """
    rows = conn.execute(
        sa.select(
            offer.c.id,
            offer.c.public_id,
            harvested.c.identifier,
            offer_list.c.offered_by,
            source.c.id,
            offer.c.state,
        )
        .join(offer_list, offer_list.c.id == offer.c.list_id)
        .join(harvested, harvested.c.record_id == offer.c.record_id)
        .join(
            source,
            (source.c.id == harvested.c.source_id)
            & (source.c.partner_id == offer_list.c.offered_by),
        )
        .where(offer.c.public_id.in_(names) | harvested.c.identifier.in_(names))
        .order_by(
            offer.c.id,
            harvested.c.deleted,
            sa.case((source.c.list_id == offer.c.list_id, 0), else_=1),
            harvested.c.identifier,
        )
    )
    return [Wishable(*row[:5], OfferState(row[5])) for row in rows]


def offered(conn: Connection, partner_id: int, after: str, limit: int) -> list[Incoming]:
    """Return what a partner offers us now, by public id behind ``after``."""
    rows = conn.execute(
        sa.select(
            offer.c.public_id,
            record_version.c.title,
            record_version.c.author,
            record_version.c.published,
            sa.func.coalesce(own_wish.c.state, ""),
        )
        .select_from(offer)
        .join(offer_list, offer_list.c.id == offer.c.list_id)
        .join(record, record.c.id == offer.c.record_id)
        .join(record_version, record_version.c.id == record.c.current_version_id)
        .outerjoin(own_wish, own_wish.c.offer_id == offer.c.id)
        .where(
            offer_list.c.offered_by == partner_id,
            offer_list.c.state == ListState.OPEN.value,
            offer.c.state == OfferState.OFFERED.value,
            offer.c.public_id > after,
        )
        .order_by(offer.c.public_id)
        .limit(limit)
    )
    return [Incoming(*row) for row in rows]


def add(
    conn: Connection, wanted: Wishable, quantity: int, note: str, by: str, now: datetime
) -> str | None:
    """Note a wish; return its public id, or None where one for this offer stands already.

    A wish that was withdrawn is made anew.
    """
    public_id = public_ids.new()
    values = {
        "public_id": public_id,
        "partner_id": wanted.partner_id,
        "source_id": wanted.source_id,
        "identifier": wanted.identifier,
        "quantity": quantity,
        "note": note,
        "state": _S.WISHED.value,
        "sending": None,
        "line_no": None,
        "answer_url": None,
        "outcome": "",
        "reason": "",
        "wished_by": by,
        "wished_at": now,
        "answered_at": None,
    }
    found = conn.execute(
        sa.select(own_wish.c.state).where(own_wish.c.offer_id == wanted.offer_id).with_for_update()
    ).scalar()
    if found is None:
        conn.execute(own_wish.insert().values(offer_id=wanted.offer_id, **values))
    elif found == _S.WITHDRAWN.value:
        conn.execute(
            own_wish.update().where(own_wish.c.offer_id == wanted.offer_id).values(**values)
        )
    else:
        return None
    return public_id


_SHOWN = (
    sa.select(
        own_wish.c.id,
        own_wish.c.public_id,
        partner.c.code,
        offer.c.public_id,
        own_wish.c.identifier,
        record_version.c.title,
        own_wish.c.quantity,
        own_wish.c.note,
        own_wish.c.state,
        own_wish.c.outcome,
        own_wish.c.reason,
        own_wish.c.wished_by,
        own_wish.c.wished_at,
        own_wish.c.answered_at,
    )
    .join(partner, partner.c.id == own_wish.c.partner_id)
    .join(offer, offer.c.id == own_wish.c.offer_id)
    .join(record, record.c.id == offer.c.record_id)
    .join(
        record_version,
        record_version.c.id
        == sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id),
    )
)


def listed(
    conn: Connection,
    *,
    partner_id: int | None = None,
    state: OwnWishState | None = None,
    before: str = "",
    limit: int = 50,
) -> list[OwnWish]:
    """Return wishes, newest first, older than the public id ``before``."""
    query = _SHOWN.order_by(own_wish.c.public_id.desc()).limit(limit)
    if partner_id is not None:
        query = query.where(own_wish.c.partner_id == partner_id)
    if state is not None:
        query = query.where(own_wish.c.state == state.value)
    if before:
        query = query.where(own_wish.c.public_id < before)
    return [_wish(row) for row in conn.execute(query)]


def by_public_ids(conn: Connection, names: Collection[str]) -> list[OwnWish]:
    """Return the wishes of these public ids, or for the offers of these."""
    rows = conn.execute(
        _SHOWN.where(own_wish.c.public_id.in_(names) | offer.c.public_id.in_(names)).order_by(
            own_wish.c.id
        )
    )
    return [_wish(row) for row in rows]


def partner_of(conn: Connection, wish_id: int) -> int:
    """Return the partner that a wish goes to."""
    found = conn.execute(sa.select(own_wish.c.partner_id).where(own_wish.c.id == wish_id))
    return int(found.scalar_one())


def move(conn: Connection, wish_id: int, found: OwnWishState, state: OwnWishState) -> bool:
    """Move a wish on from the state it was found in; return whether it still was in it."""
    done = conn.execute(
        own_wish.update()
        .where(own_wish.c.id == wish_id, own_wish.c.state == found.value)
        .values(state=state.value)
    )
    return done.rowcount == 1


def _wish(row: Sequence[Any]) -> OwnWish:
    values = list(row)
    values[8] = OwnWishState(values[8])
    return OwnWish(*values)
