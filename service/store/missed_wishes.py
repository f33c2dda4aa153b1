"""Wishes that got nothing at an allocation: read with what they asked for, and left waiting.

Whoever lets them wait holds their run, their partners and ``wish_keys.hold``: so no other wish of a
partner comes to stand for the same meanwhile, and no matching misses their keys.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain import lookup_key
from service.domain.allocation import AllocationState
from service.domain.wish import MATCHED_OUTCOMES, Outcome, WishLine, WishState
from service.store import wish_keys
from service.store.tables import allocation, wish

_OUTCOMES: Final = [outcome.value for outcome in sorted(MATCHED_OUTCOMES)]


class Missed(NamedTuple):
    """A wish that got nothing: the number of the decision, where it stands, what it asks for."""

    position: int
    list_id: int
    partner_id: int
    line: WishLine


def ahead(conn: Connection, run_id: int, after: int, limit: int) -> list[Missed]:
    """Return wishes that a run decided on behind a number, got nothing, and said what they want.

    Left out are those that named an offer and nothing else, and those that their partner ended.
    """
    rows = conn.execute(
        sa.select(
            allocation.c.position,
            wish.c.wish_list_id,
            wish.c.partner_id,
            wish.c.line_no,
            wish.c.line,
            wish.c.wanted,
        )
        .join(
            wish,
            (wish.c.wish_list_id == allocation.c.wish_list_id)
            & (wish.c.line_no == allocation.c.line_no),
        )
        .where(
            allocation.c.run_id == run_id,
            allocation.c.position > after,
            allocation.c.state == AllocationState.NOT_ALLOCATED.value,
            wish.c.offer_id == allocation.c.offer_id,
            wish.c.state == WishState.NOT_ALLOCATED.value,
            wish.c.outcome.in_(_OUTCOMES),
            wish.c.wanted.is_not(None),
        )
        .order_by(allocation.c.position)
        .limit(limit)
    )
    return [Missed(*row[:3], wish_keys.line_of(*row[3:])) for row in rows]


def standing(
    conn: Connection, partner_ids: Collection[int], targets: Collection[str]
) -> set[tuple[int, str]]:
    """Return which of these targets these partners have open wishes for: (partner, target)."""
    rows = conn.execute(
        sa.select(wish.c.partner_id, wish.c.target).where(
            wish.c.partner_id.in_(partner_ids),
            wish.c.target.in_(targets),
            # As a literal: only so does SQLite see that the partial index serves.
            wish.c.state == sa.literal_column("'OPEN'"),
        )
    )
    return {(row.partner_id, row.target) for row in rows}


_WAIT: Final = (
    wish.update()
    .where(
        wish.c.wish_list_id == sa.bindparam("of_list"),
        wish.c.line_no == sa.bindparam("of_line"),
        wish.c.partner_id == sa.bindparam("of_partner"),
        wish.c.state == WishState.NOT_ALLOCATED.value,
    )
    .values(
        state=WishState.OPEN.value,
        outcome=Outcome.WAITING.value,
        target=sa.bindparam("new_target"),
        reason=wish.c.reason + sa.bindparam("said", type_=sa.Text),
    )
)


def let_wait(conn: Connection, missed: Sequence[Missed], said: str) -> None:
    """Let wishes wait for the next offer, to be found by their keys; ``said`` ends their reason.

    Each keeps the offer that it missed, in whose line it stays.
    """
    rows: list[dict[str, Any]] = [
        {
            "of_list": each.list_id,
            "of_line": each.line.line_no,
            "of_partner": each.partner_id,
            "new_target": lookup_key.waiting_target(each.line),
            "said": f" {said}",
        }
        for each in missed
    ]
    if rows:
        conn.execute(_WAIT, rows)
        wish_keys.add(
            conn,
            [
                (key, each.list_id, each.line.line_no)
                for each in missed
                for key in lookup_key.waiting_keys(each.line.keys)
            ],
        )
