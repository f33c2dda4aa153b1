"""Single decisions of a confirmed run: one that is answered, and those who wait behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import AllocationState
from service.domain.wish import WishState
from service.store.tables import allocation, allocation_run, wish, wish_list


class Held(NamedTuple):
    """One decision of a confirmed run as it stands, with its wish and its transfer."""

    position: int
    partner_id: int
    offer_id: int
    wish_list: str
    quantity: int
    rank: int
    given: int
    state: AllocationState
    reason: str
    differs: str
    answer_until: datetime | None
    transfer: str | None
    wish_state: WishState


_HELD = (
    sa.select(
        allocation.c.position,
        allocation.c.partner_id,
        allocation.c.offer_id,
        wish_list.c.public_id,
        allocation.c.quantity,
        allocation.c.rank,
        allocation.c.given,
        allocation.c.state,
        allocation.c.reason,
        allocation.c.differs,
        allocation.c.answer_until,
        allocation.c.transfer,
        wish.c.state,
    )
    .join(
        wish,
        (wish.c.wish_list_id == allocation.c.wish_list_id)
        & (wish.c.line_no == allocation.c.line_no),
    )
    .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
)


def held(conn: Connection, run_id: int, position: int) -> Held | None:
    """Return one decision of a run and hold its wish, or None."""
    row = conn.execute(
        _HELD.where(
            allocation.c.run_id == run_id, allocation.c.position == position
        ).with_for_update(of=wish)
    ).first()
    return None if row is None else _held(row)


def waiting(conn: Connection, run_id: int, offer_id: int) -> list[Held]:
    """Return those who wait for a copy of an offer, in their rank, and hold their wishes."""
    rows = conn.execute(
        _HELD.where(
            allocation.c.run_id == run_id,
            allocation.c.offer_id == offer_id,
            allocation.c.state == AllocationState.NOT_ALLOCATED.value,
            allocation.c.rank > 0,
            wish.c.state.in_([WishState.NOT_ALLOCATED.value, WishState.OPEN.value]),
            wish.c.offer_id == allocation.c.offer_id,
        )
        .order_by(allocation.c.rank)
        .with_for_update(of=wish)
    )
    return [_held(row) for row in rows]


def took_part(conn: Connection, run_id: int, offer_id: int) -> int:
    """Return how many wishes took part in the decision on an offer."""
    return int(
        conn.execute(
            sa.select(sa.func.count()).where(
                allocation.c.run_id == run_id,
                allocation.c.offer_id == offer_id,
                allocation.c.rank > 0,
            )
        ).scalar_one()
    )


def unanswered(conn: Connection, now: datetime) -> list[tuple[str, int]]:
    """Return (run, number) of what is offered and was not answered in time, or not wished for."""
    rows = conn.execute(
        sa.select(allocation_run.c.public_id, allocation.c.position)
        .join(allocation_run, allocation_run.c.id == allocation.c.run_id)
        .join(
            wish,
            (wish.c.wish_list_id == allocation.c.wish_list_id)
            & (wish.c.line_no == allocation.c.line_no),
        )
        .where(
            allocation.c.state == sa.literal_column("'OFFERED'"),
            sa.or_(allocation.c.answer_until <= now, wish.c.state != WishState.OPEN.value),
        )
        .order_by(allocation.c.run_id, allocation.c.position)
    )
    return [(row[0], row[1]) for row in rows]


def _held(row: Sequence[Any]) -> Held:
    return Held._make((*row[:7], AllocationState(row[7]), *row[8:12], WishState(row[12])))
