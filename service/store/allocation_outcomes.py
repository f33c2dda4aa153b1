"""What became of the wishes of a confirmed run, partner by partner, and how far they were told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import AllocationState, Decision, Wished
from service.store import bulk
from service.store.tables import allocation, allocation_run, offer, partner, wish, wish_list

_S = AllocationState


def came_late(
    conn: Connection, run_id: int, list_id: int, among: Sequence[Decision] = ()
) -> list[Decision]:
    """Return open wishes for titles of a list that its run has no decision on, as such.

    With ``among`` only those of these that still are: to look for all of them takes its time.
    """
    query = (
        sa.select(
            wish.c.wish_list_id,
            wish_list.c.public_id,
            wish.c.line_no,
            wish.c.partner_id,
            wish.c.offer_id,
            wish.c.quantity,
            wish.c.wished_at,
            offer.c.copies,
        )
        .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
        .join(offer, offer.c.id == wish.c.offer_id)
        .where(
            offer.c.list_id == list_id,
            wish.c.state == sa.literal_column("'OPEN'"),
            ~sa.select(allocation.c.position)
            .where(
                allocation.c.run_id == run_id,
                allocation.c.wish_list_id == wish.c.wish_list_id,
                allocation.c.line_no == wish.c.line_no,
            )
            .exists(),
        )
        .order_by(wish.c.wish_list_id, wish.c.line_no)
    )
    if among:
        places = [(each.wished.wish_list_id, each.wished.line_no) for each in among]
        query = query.where(sa.tuple_(wish.c.wish_list_id, wish.c.line_no).in_(places))
    return [Decision(Wished(*row[:7]), 0, row[7], 0, "") for row in conn.execute(query)]


def last_position(conn: Connection, run_id: int) -> int:
    """Return the number of the last decision of a run, 0 when there is none."""
    found = conn.execute(
        sa.select(sa.func.max(allocation.c.position)).where(allocation.c.run_id == run_id)
    )
    return int(found.scalar() or 0)


class Told(NamedTuple):
    """What became of the wishes of one wish list."""

    partner_id: int
    wish_list: str
    allocated: int
    not_allocated: int
    offered: int


def partner_ids(conn: Connection, run_id: int) -> list[int]:
    """Return the partners that a run decided on, in the order of their rows."""
    decided = sa.select(allocation.c.position).where(
        allocation.c.run_id == run_id, allocation.c.partner_id == partner.c.id
    )
    # Partner by partner, by their index: a run is long, and partners are few.
    found = conn.execute(sa.select(partner.c.id).where(decided.exists()).order_by(partner.c.id))
    return list(found.scalars())


def told_up_to(conn: Connection, run_id: int) -> int:
    """Return the last partner that was told what became of its wishes by a run; 0: none was."""
    return int(_inputs(conn, run_id).get(_TOLD_UP_TO, 0))


def tell_up_to(conn: Connection, run_id: int, partner_id: int) -> None:
    """Keep that all partners up to this one were told; whoever does that holds the run."""
    inputs = _inputs(conn, run_id) | {_TOLD_UP_TO: partner_id}
    conn.execute(allocation_run.update().where(allocation_run.c.id == run_id).values(inputs=inputs))


# How far a run that is confirmed has come, beside what it was made of.
_TOLD_UP_TO = "told_up_to"


def _inputs(conn: Connection, run_id: int) -> dict[str, Any]:
    query = sa.select(allocation_run.c.inputs).where(allocation_run.c.id == run_id)
    return dict(conn.execute(query).scalar_one() or {})


def _number(*states: AllocationState) -> sa.ColumnElement[int]:
    return sa.func.count(
        sa.case((allocation.c.state.in_([sa.literal_column(f"'{s.value}'") for s in states]), 1))
    )


_OUTCOME = (
    sa.select(
        allocation.c.partner_id,
        wish_list.c.public_id,
        _number(_S.CONFIRMED, _S.ACCEPTED),
        _number(_S.NOT_ALLOCATED),
        _number(_S.OFFERED),
    )
    .join(wish_list, wish_list.c.id == allocation.c.wish_list_id)
    .where(
        allocation.c.run_id == sa.bindparam("run"),
        allocation.c.partner_id == sa.bindparam("partner"),
    )
    .group_by(allocation.c.partner_id, wish_list.c.public_id)
    .order_by(wish_list.c.public_id)
)


def outcome(conn: Connection, run_id: int, partner_id: int) -> list[Told]:
    """Return what became of each wish list of a partner by a run; wishes taken back not counted."""
    rows = bulk.select(conn, _OUTCOME, {"run": run_id, "partner": partner_id})
    return [Told(*row) for row in rows if any(row[2:])]
