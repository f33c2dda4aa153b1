"""What is newly offered is to be compared with what waits: a job, ordered with its cause.

A room of its own because it is light: an import orders such jobs, and does none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from service.domain.wish import MATCH_OFFERS
from service.store import jobs, lists_to_match, offer_keys
from service.store.db import Connection


def order(conn: Connection, list_id: int, now: datetime) -> None:
    """Let what was not compared yet of an open list be compared, in this transaction's wake."""
    jobs.enqueue_once(conn, MATCH_OFFERS, list_id, now)


def order_again(conn: Connection, list_id: int, now: datetime) -> None:
    """Let all of an open list be compared: others may see it now, or the rules are others."""
    offer_keys.compare_again(conn, list_id)
    order(conn, list_id, now)


def order_for_records(conn: Connection, record_ids: Sequence[int], now: datetime) -> None:
    """Let lists be compared on which these records are offered and that are open."""
    for list_id in lists_to_match.offering(conn, record_ids):
        order(conn, list_id, now)


def order_for_partners(conn: Connection, partner_ids: Sequence[int], now: datetime) -> None:
    """Let open lists be compared that these partners may see by belonging to an audience."""
    for list_id in lists_to_match.for_members(conn, partner_ids):
        order_again(conn, list_id, now)
