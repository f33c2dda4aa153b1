"""A wish becomes one for the offer that its partner names: read, guarded and written."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.wish import CONFIRMABLE, Outcome, WishState
from service.store import wish_keys
from service.store.tables import wish, wish_list
from service.store.wishes import OpenWish


def other_editions(
    conn: Connection, partner_id: int, offer_ids: Collection[int]
) -> dict[int, tuple[int, OpenWish]]:
    """Return the partner's oldest open wish to which an offer is another edition, by the offer.

    Each with the row of its list.
    """
    rows = conn.execute(
        sa.select(
            wish.c.offer_id,
            wish.c.wish_list_id,
            wish_list.c.public_id,
            wish.c.line_no,
            wish.c.wished_at,
            wish.c.outcome,
        )
        .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
        .where(
            wish.c.partner_id == partner_id,
            wish.c.state == sa.literal_column("'OPEN'"),
            wish.c.outcome == Outcome.OTHER_EDITION.value,
            wish.c.offer_id.in_(offer_ids),
        )
        .order_by(wish.c.wished_at.desc(), wish.c.wish_list_id.desc(), wish.c.line_no.desc())
    )
    return {row[0]: (row[1], OpenWish(*row[2:5], Outcome(row.outcome))) for row in rows}


def place_of(conn: Connection, standing: OpenWish) -> int:
    """Return the row of the list that a standing wish is on."""
    query = sa.select(wish_list.c.id).where(wish_list.c.public_id == standing.wish_list)
    return int(conn.execute(query).scalar_one())


class Confirmable(NamedTuple):
    """A wish that its partner may settle by naming an offer."""

    list_id: int
    line_no: int
    partner_id: int
    state: WishState
    outcome: Outcome
    offer_id: int | None
    reason: str


def by_line(conn: Connection, partner_id: int, public_id: str, line_no: int) -> Confirmable | None:
    """Return one wish of a partner, or None; nobody else changes it until the transaction ends."""
    row = conn.execute(
        sa.select(wish)
        .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
        .where(
            wish_list.c.public_id == public_id,
            wish_list.c.partner_id == partner_id,
            wish.c.line_no == line_no,
        )
        .with_for_update(of=wish)
    ).first()
    if row is None:
        return None
    return Confirmable(
        row.wish_list_id,
        row.line_no,
        row.partner_id,
        WishState(row.state),
        Outcome(row.outcome),
        row.offer_id,
        row.reason,
    )


def confirm(
    conn: Connection, list_id: int, line_no: int, offer_id: int, target: str, said: str
) -> bool:
    """Register a wish for the offer that its partner named; False when it is settled already.

    ``said`` follows its first answer.
    """
    outcomes = [outcome.value for outcome in sorted(CONFIRMABLE)]
    still = sa.or_(
        wish.c.state.in_([WishState.OPEN.value, WishState.PENDING.value]),
        sa.and_(
            wish.c.state == WishState.ANSWERED.value,
            wish.c.outcome == Outcome.AMBIGUOUS.value,
        ),
    )
    state = sa.case(
        (wish.c.state == WishState.ANSWERED.value, WishState.OPEN.value), else_=wish.c.state
    )
    done = conn.execute(
        wish.update()
        .where(
            wish.c.wish_list_id == list_id,
            wish.c.line_no == line_no,
            wish.c.outcome.in_(outcomes),
            still,
        )
        .values(
            outcome=Outcome.REGISTERED.value,
            offer_id=offer_id,
            target=target,
            state=state,
            score=1.0,
            reason=wish.c.reason + sa.literal(f" {said}"),
        )
    )
    if done.rowcount == 1:
        wish_keys.drop(conn, [(list_id, line_no)])
    return done.rowcount == 1
