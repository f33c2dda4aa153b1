"""Overlooking the day: what waits for us, for others, and what was done of late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.domain import board as rules
from service.domain.board import LATELY, Counted, Matter, Turn
from service.store import board, consignments
from service.store.db import Database


def today(db: Database, now: datetime) -> Mapping[Turn, list[Counted]]:
    """Return the board of the day, by whose turn it is, in the order of the work."""
    with db.read() as conn:
        found = board.counted(conn, now, now - LATELY)
        # Partners, not copies: each is a consignment to be made.
        to_pack = Counted(Matter.COPIES_TO_PACK, len(consignments.waiting_partners(conn)))
    return rules.board([*found, to_pack])
