"""What was kept of a run, read back as the values that it was decided on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import Standing, Title, Wished
from service.domain.allocation_room import Room
from service.store.tables import allocation, allocation_partner, offer, wish_list


class Planned(NamedTuple):
    """One decision as it was planned, and what it was made of."""

    position: int
    title: Title
    wished: Wished
    rank: int
    given: int
    reason: str


def planned(conn: Connection, run_id: int) -> list[Planned]:
    """Return the decisions of a run as they were planned, in their order."""
    rows = conn.execute(
        sa.select(
            allocation,
            wish_list.c.public_id.label("wish_list"),
            offer.c.public_id.label("offer"),
        )
        .join(wish_list, wish_list.c.id == allocation.c.wish_list_id)
        .join(offer, offer.c.id == allocation.c.offer_id)
        .where(allocation.c.run_id == run_id)
        .order_by(allocation.c.position)
    )
    found = []
    for row in rows:
        facts = dict(row.facts or {})
        if "late" in facts:
            continue  # decided on when the plan was made already
        given, reason = facts.get("planned", (row.given, row.reason))
        title = Title(row.offer_id, row.offer, row.copies, facts.get("volumes", 1))
        wished = Wished(
            row.wish_list_id,
            row.wish_list,
            row.line_no,
            row.partner_id,
            row.offer_id,
            row.quantity,
            row.wished_at,
            facts.get("hindrance", ""),
            row.differs,
            facts.get("had", False),
            facts.get("fits", False),
            facts.get("place_has", False),
        )
        found.append(Planned(row.position, title, wished, row.rank, given, reason))
    return found


def standings(conn: Connection, run_id: int) -> dict[int, Standing]:
    """Return what a run knew of its partners."""
    rows = conn.execute(
        sa.select(allocation_partner.c.partner_id, allocation_partner.c.facts).where(
            allocation_partner.c.run_id == run_id
        )
    )
    return {row[0]: _standing(row[1]) for row in rows}


def _standing(facts: Mapping[str, Any]) -> Standing:
    """Return what was kept; what older plans did not keep is as it is by default."""
    lists = {name: tuple(facts.get(name, ())) for name in ("languages", "subjects")}
    return Standing(**{**facts, **lists, "room": Room(**facts["room"])})
