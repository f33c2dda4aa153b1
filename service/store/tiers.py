"""The tiers of offer lists: to which audiences each is open, and to whom it opens when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.offer import ListState
from service.domain.tier import Tier
from service.errors import Conflict
from service.store.tables import audience, offer_list, offer_list_tier

_TIER = offer_list_tier.c


def put(conn: Connection, list_id: int, audience_id: int, opens_at: datetime) -> None:
    """Let a list open to an audience at a moment; raise ``Conflict`` when it has done so."""
    this = (_TIER.list_id == list_id) & (_TIER.audience_id == audience_id)
    moved = conn.execute(
        offer_list_tier.update().where(this, _TIER.opened_at.is_(None)).values(opens_at=opens_at)
    )
    if moved.rowcount == 1:
        return
    if conn.execute(sa.select(_TIER.list_id).where(this)).first() is not None:
        raise Conflict("this list has opened to this audience already")
    conn.execute(
        offer_list_tier.insert().values(list_id=list_id, audience_id=audience_id, opens_at=opens_at)
    )


def of_list(conn: Connection, list_id: int) -> list[Tier]:
    """Return the later tiers of a list, the earliest first."""
    rows = conn.execute(
        sa.select(audience.c.code, _TIER.opens_at, _TIER.opened_at)
        .join(audience, audience.c.id == _TIER.audience_id)
        .where(_TIER.list_id == list_id)
        .order_by(_TIER.opens_at, audience.c.code)
    )
    return [Tier(*row) for row in rows]


def open_to(conn: Connection, list_ids: Collection[int]) -> dict[int, set[int]]:
    """Return the audiences that lists are open to, each list's own among them, by the list."""
    own = sa.select(offer_list.c.id, offer_list.c.audience_id).where(offer_list.c.id.in_(list_ids))
    later = sa.select(_TIER.list_id, _TIER.audience_id).where(
        _TIER.list_id.in_(list_ids), _TIER.opened_at.is_not(None)
    )
    found: dict[int, set[int]] = {}
    for list_id, audience_id in conn.execute(sa.union_all(own, later)):
        found.setdefault(list_id, set()).add(audience_id)
    return found


def shown_to(audiences: Collection[int]) -> sa.ColumnElement[bool]:
    """Return the condition that a list of ours is open to one of these audiences."""
    later = sa.select(_TIER.list_id).where(
        _TIER.audience_id.in_(audiences), _TIER.opened_at.is_not(None)
    )
    open_to_them = offer_list.c.audience_id.in_(audiences) | offer_list.c.id.in_(later)
    return offer_list.c.offered_by.is_(None) & open_to_them


def due(conn: Connection, now: datetime) -> list[tuple[int, int]]:
    """Return (list, audience) of the tiers whose moment has come while their list is open."""
    rows = conn.execute(
        sa.select(_TIER.list_id, _TIER.audience_id)
        .join(offer_list, offer_list.c.id == _TIER.list_id)
        .where(
            _TIER.opened_at.is_(None),
            _TIER.opens_at <= now,
            offer_list.c.state == ListState.OPEN.value,
        )
        .order_by(_TIER.opens_at)
    )
    return [(row.list_id, row.audience_id) for row in rows]


def open_tier(conn: Connection, list_id: int, audience_id: int, now: datetime) -> bool:
    """Open one tier; False when somebody else did so at the same moment."""
    opened = conn.execute(
        offer_list_tier.update()
        .where(
            _TIER.list_id == list_id, _TIER.audience_id == audience_id, _TIER.opened_at.is_(None)
        )
        .values(opened_at=now)
    )
    return opened.rowcount == 1
