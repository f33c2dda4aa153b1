"""Fulfilments: allocations and wishes whose copies were dispatched, and those recalled.

Whoever changes anything of a confirmed run holds it first; so ``hold_runs`` comes before all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import TRANSITIONS, AllocationAction
from service.domain.wish import TRANSITIONS as WISH_TRANSITIONS
from service.domain.wish import WishAction
from service.errors import Conflict
from service.store import allocation_steps, bulk
from service.store.tables import allocation, consignment_line, transfer, wish

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_AT_ONCE = 500


def hold_runs(conn: Connection, consignment_id: int) -> list[int]:
    """Hold the runs that allocated what is in a consignment, in their order; return their rows."""
    run_ids = list(
        conn.execute(
            sa.select(allocation.c.run_id)
            .join(transfer, transfer.c.public_id == allocation.c.transfer)
            .join(consignment_line, consignment_line.c.transfer_id == transfer.c.id)
            .where(
                consignment_line.c.consignment_id == consignment_id,
                sa.text("NOT consignment_line.released"),
            )
            .distinct()
            .order_by(allocation.c.run_id)
        ).scalars()
    )
    for run_id in run_ids:
        allocation_steps.lock(conn, run_id)
    return run_ids


_OF_TRANSFERS = sa.select(allocation.c.wish_list_id, allocation.c.line_no).where(
    allocation.c.transfer.in_(_VALUES)
)


def fulfil(conn: Connection, transfers: Sequence[str], said: str) -> int:
    """Let the allocations that became these transfers (public ids), and their wishes, be fulfilled.

    ``said`` follows the reason of each wish. Returns how many; raises ``Conflict`` where one was
    decided on meanwhile.
    """
    return _move(
        conn,
        transfers,
        AllocationAction.FULFIL,
        WishAction.FULFIL,
        wish.c.reason + sa.literal(f" {said}"),
    )


def recall(conn: Connection, transfers: Sequence[str], said: str) -> int:
    """Let the allocations of these transfers hold their copies again; ``said`` was said of it."""
    return _move(
        conn,
        transfers,
        AllocationAction.RECALL,
        WishAction.RECALL,
        sa.func.replace(wish.c.reason, f" {said}", ""),
    )


def allocated(conn: Connection, transfers: Sequence[str]) -> set[str]:
    """Return those of these transfers (public ids) that an allocation became."""
    found: set[str] = set()
    for start in range(0, len(transfers), _AT_ONCE):
        rows = bulk.select_in(conn, _ALLOCATED, transfers[start : start + _AT_ONCE])
        found |= {row[0] for row in rows}
    return found


_ALLOCATED = sa.select(allocation.c.transfer).where(allocation.c.transfer.in_(_VALUES))


def _move(
    conn: Connection,
    transfers: Sequence[str],
    action: AllocationAction,
    wish_action: WishAction,
    reason: sa.ColumnElement[str],
) -> int:
    allowed, target = TRANSITIONS[action]
    before = [state.value for state in sorted(allowed)]
    moved = 0
    wishes: list[tuple[Any, ...]] = []
    for start in range(0, len(transfers), _AT_ONCE):
        some = transfers[start : start + _AT_ONCE]
        there = bulk.select_in(conn, _OF_TRANSFERS, some)
        if not there:
            continue
        done = conn.execute(
            allocation.update()
            .where(allocation.c.transfer.in_(some), allocation.c.state.in_(before))
            .values(state=target.value)
        )
        if done.rowcount != len(there):
            raise Conflict("somebody decided on what is in here at the same moment; look again")
        moved += len(there)
        wishes += there
    _tell(conn, wishes, wish_action, reason)
    return moved


def _tell(
    conn: Connection,
    wishes: Sequence[tuple[Any, ...]],
    action: WishAction,
    reason: sa.ColumnElement[str],
) -> None:
    """Move the wishes that stand where they are expected; what was withdrawn stays so."""
    if not wishes:
        return
    allowed, target = WISH_TRANSITIONS[action]
    conn.execute(
        wish.update()
        .where(
            wish.c.wish_list_id == sa.bindparam("in_list"),
            wish.c.line_no == sa.bindparam("of_line"),
            # Core allows no list of its own in a statement that is run for many rows at once.
            sa.or_(*(wish.c.state == state.value for state in sorted(allowed))),
        )
        .values(state=target.value, reason=reason),
        [{"in_list": list_id, "of_line": line_no} for list_id, line_no in sorted(wishes)],
    )
