"""The tiers of offer lists: to which audiences each is open, and to whom it opens when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.offer import ListState
from service.domain.tier import Tier
from service.errors import Conflict
from service.store.tables import audience, offer_list, offer_list_tier

_TIER = offer_list_tier.c


class Due(NamedTuple):
    """A tier whose moment has come: rows of its list and audience, and what these are called."""

    list_id: int
    audience_id: int
    slug: str
    audience: str
    opens_at: datetime


def _this(list_id: int, audience_id: int) -> sa.ColumnElement[bool]:
    return (_TIER.list_id == list_id) & (_TIER.audience_id == audience_id)


def put(conn: Connection, list_id: int, audience_id: int, opens_at: datetime) -> datetime | None:
    """Let a list open to an audience at a moment; return the moment before, None for a new tier.

    Raises ``Conflict`` when it has opened to it.
    """
    this = _this(list_id, audience_id)
    before = conn.execute(sa.select(_TIER.opens_at).where(this)).scalar()
    moved = conn.execute(
        offer_list_tier.update().where(this, _TIER.opened_at.is_(None)).values(opens_at=opens_at)
    )
    if moved.rowcount == 1:
        return before
    if before is not None:
        raise Conflict("this list has opened to this audience already")
    conn.execute(
        offer_list_tier.insert().values(list_id=list_id, audience_id=audience_id, opens_at=opens_at)
    )
    return None


def remove(conn: Connection, list_id: int, audience_id: int) -> datetime | None:
    """Let a list not open to an audience after all; return when it would have, None if it was not.

    A tier that has opened stays, which is None as well.
    """
    removed = offer_list_tier.delete().where(_this(list_id, audience_id), _TIER.opened_at.is_(None))
    return conn.execute(removed.returning(_TIER.opens_at)).scalar()


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


def due(conn: Connection, now: datetime) -> list[Due]:
    """Return the tiers whose moment has come while their list is open, the earliest first."""
    rows = conn.execute(
        sa.select(
            _TIER.list_id, _TIER.audience_id, offer_list.c.slug, audience.c.code, _TIER.opens_at
        )
        .join(offer_list, offer_list.c.id == _TIER.list_id)
        .join(audience, audience.c.id == _TIER.audience_id)
        .where(
            _TIER.opened_at.is_(None),
            _TIER.opens_at <= now,
            offer_list.c.state == ListState.OPEN.value,
        )
        .order_by(_TIER.opens_at)
    )
    return [Due(*row) for row in rows]


def open_tier(conn: Connection, list_id: int, audience_id: int, now: datetime) -> bool:
    """Open one tier; False when somebody else did so at the same moment."""
    opened = conn.execute(
        offer_list_tier.update()
        .where(_this(list_id, audience_id), _TIER.opened_at.is_(None))
        .values(opened_at=now)
    )
    return opened.rowcount == 1
