"""Which open lists are to be compared with what waits, as records on them or partners change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.offer import ListState
from service.domain.wish import WAITING_OUTCOMES
from service.store import bulk
from service.store.tables import (
    audience_member,
    offer,
    offer_list,
    offer_list_tier,
    standing_wish,
    wish,
)

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)


def offering(conn: Connection, record_ids: Sequence[int]) -> list[int]:
    """Return the open lists of ours on which some of these records are offered."""
    found = bulk.select_in(conn, _LISTS_OFFERING, record_ids)
    return sorted({list_id for (list_id,) in found})


_LISTS_OFFERING = (
    sa.select(offer.c.list_id)
    .distinct()
    .join(offer_list, offer_list.c.id == offer.c.list_id)
    .where(
        offer.c.record_id.in_(_VALUES),
        offer_list.c.state == ListState.OPEN.value,
        offer_list.c.offered_by.is_(None),
    )
)


def for_members(conn: Connection, partner_ids: Collection[int]) -> list[int]:
    """Return the open lists that partners who wait for something see as members of a group."""
    member = audience_member.c
    waits = sa.exists().where(
        wish.c.partner_id == member.partner_id,
        wish.c.state == sa.literal_column("'OPEN'"),
        wish.c.outcome.in_([each.value for each in sorted(WAITING_OUTCOMES)]),
    )
    looks_out = sa.exists().where(
        standing_wish.c.partner_id == member.partner_id,
        standing_wish.c.state == sa.literal_column("'ACTIVE'"),
    )
    groups = sa.select(member.audience_id).where(
        member.partner_id.in_(sorted(partner_ids)),
        member.belongs.is_(True),
        waits | looks_out,
    )
    later = sa.select(offer_list_tier.c.list_id).where(
        offer_list_tier.c.audience_id.in_(groups), offer_list_tier.c.opened_at.is_not(None)
    )
    rows = conn.execute(
        sa.select(offer_list.c.id)
        .where(
            offer_list.c.state == ListState.OPEN.value,
            offer_list.c.offered_by.is_(None),
            offer_list.c.audience_id.in_(groups) | offer_list.c.id.in_(later),
        )
        .order_by(offer_list.c.id)
    )
    return list(rows.scalars())
