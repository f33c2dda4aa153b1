"""The figures behind the statistics: from the sums of the ledger, never from its entries.

What an entry of the directory that was merged into another sent and received counts for the other.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.agreement import AgreementState
from service.domain.allocation import HOLDING, RunState
from service.domain.consignment import RECEIVED, SENT, ConsignmentState
from service.domain.ledger import Direction
from service.domain.offer import OfferState
from service.domain.statistics import Allocated, Flow, Relations, Travelled
from service.store.tables import (
    agreement,
    agreement_party,
    allocation,
    allocation_run,
    claim,
    consignment,
    consignment_line,
    ledger_total,
    offer,
    partner,
    receipt,
    transfer,
)

_OWNER = sa.func.coalesce(partner.c.merged_into, partner.c.id)
_NOW_IS = partner.alias()


def flows(conn: Connection, year: int | None = None) -> list[Flow]:
    """Return what went between us and each partner: in one year, or in all of them."""
    by = (
        _NOW_IS.c.code,
        _NOW_IS.c.name,
        _NOW_IS.c.type,
        ledger_total.c.city,
        ledger_total.c.place,
        ledger_total.c.year,
        ledger_total.c.direction,
        ledger_total.c.opening,
    )
    query = (
        sa.select(*by, sa.func.sum(ledger_total.c.titles), sa.func.sum(ledger_total.c.volumes))
        .select_from(ledger_total)
        .join(partner, partner.c.id == ledger_total.c.partner_id)
        .join(_NOW_IS, _NOW_IS.c.id == _OWNER)
        .group_by(*by)
        .order_by(*by)
    )
    if year is not None:
        query = query.where(ledger_total.c.year == year)
    return [
        Flow(*row[:6], Direction(row[6]), bool(row[7]), int(row[8]), int(row[9]))
        for row in conn.execute(query)
    ]


# An agreement that was signed is a relation, whatever became of it, and before any book moves.
_NEVER_SIGNED = (AgreementState.PROPOSED.value, AgreementState.NEGOTIATION.value)


def relations(conn: Connection) -> Relations:
    """Return with how many cities, places and partners a relation was, and since when."""
    agreed = (
        sa.select(agreement_party.c.partner_id)
        .join(agreement, agreement.c.id == agreement_party.c.agreement_id)
        .where(agreement.c.state.not_in(_NEVER_SIGNED))
    )
    moved = (
        sa.select(_OWNER)
        .select_from(ledger_total)
        .join(partner, partner.c.id == ledger_total.c.partner_id)
        .group_by(_OWNER)
        .having(sa.func.sum(ledger_total.c.volumes) > 0)
    )
    who = partner.alias()
    rows = conn.execute(
        sa.select(who.c.city, who.c.place).where(
            who.c.merged_into.is_(None), who.c.id.in_(agreed) | who.c.id.in_(moved)
        )
    ).all()
    return Relations(
        since=_since(conn),
        cities=len({(row.place, row.city.strip().casefold()) for row in rows if row.city.strip()}),
        places=len({row.place for row in rows if row.place}),
        partners=len(rows),
    )


def _since(conn: Connection) -> int | None:
    first = conn.execute(
        sa.select(sa.func.min(ledger_total.c.year)).where(ledger_total.c.volumes > 0)
    ).scalar()
    signed = conn.execute(
        sa.select(sa.func.min(agreement.c.signed_on)).where(agreement.c.state.not_in(_NEVER_SIGNED))
    ).scalar()
    years = [year for year in (first, signed.year if signed else None) if year is not None]
    return min(years, default=None)


# --- how the work went ----------------------------------------------------------------------------


def _within(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def allocated(conn: Connection, year: int) -> Allocated:
    """Return the copies of the lists whose allocation was confirmed in a year (UTC)."""
    first, end = _within(year)
    runs = (
        allocation_run.c.state == RunState.CONFIRMED.value,
        allocation_run.c.confirmed_at >= first,
        allocation_run.c.confirmed_at < end,
    )
    offered = conn.execute(
        sa.select(sa.func.sum(offer.c.copies)).where(
            offer.c.state != OfferState.WITHDRAWN.value,
            offer.c.list_id.in_(sa.select(allocation_run.c.list_id).where(*runs)),
        )
    ).scalar()
    holding = allocation.c.state.in_([state.value for state in HOLDING])
    wished, given = conn.execute(
        sa.select(
            sa.func.sum(allocation.c.quantity),
            sa.func.sum(sa.case((holding, allocation.c.given), else_=0)),
        )
        .join(allocation_run, allocation_run.c.id == allocation.c.run_id)
        .where(*runs)
    ).one()
    return Allocated(int(offered or 0), int(wished or 0), int(given or 0))


def travelled(conn: Connection, year: int) -> Travelled:
    """Return what became of the consignments that were dispatched in a year."""
    of_year = (
        consignment.c.dispatched_on >= date(year, 1, 1),
        consignment.c.dispatched_on <= date(year, 12, 31),
    )
    rows = conn.execute(
        sa.select(
            consignment.c.state,
            consignment.c.volumes,
            consignment.c.weight,
            consignment.c.postage,
            consignment.c.postage_currency,
            consignment.c.dispatched_on,
            receipt.c.received_on,
        )
        .outerjoin(receipt, receipt.c.consignment_id == consignment.c.id)
        .where(*of_year, consignment.c.dispatched_at.is_not(None))
    ).all()
    states = [ConsignmentState(row.state) for row in rows]
    postage: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        if row.postage is not None:
            cost, volumes = postage[row.postage_currency]
            postage[row.postage_currency] = (cost + row.postage, volumes + row.volumes)
    return Travelled(
        consignments=len(rows),
        volumes=sum(row.volumes for row, state in zip(rows, states, strict=True) if state in SENT),
        weight=sum(row.weight for row in rows),
        confirmed=sum(state in RECEIVED for state in states),
        short=states.count(ConsignmentState.RECEIVED_SHORT),
        damaged=states.count(ConsignmentState.RECEIVED_DAMAGED),
        presumed=states.count(ConsignmentState.PRESUMED_RECEIVED),
        lost=sum(state in (ConsignmentState.LOST, ConsignmentState.RETURNED) for state in states),
        to_dispatch=_from_wishes(conn, of_year),
        to_receipt=[(row.received_on - row.dispatched_on).days for row in rows if row.received_on],
        postage=dict(postage),
    )


def _from_wishes(conn: Connection, of_year: tuple[Any, ...]) -> list[int]:
    """Return the days from each wish to the dispatch of what it was given."""
    rows = conn.execute(
        sa.select(allocation.c.wished_at, consignment.c.dispatched_on)
        .select_from(consignment)
        .join(consignment_line, consignment_line.c.consignment_id == consignment.c.id)
        .join(transfer, transfer.c.id == consignment_line.c.transfer_id)
        .join(allocation, allocation.c.transfer == transfer.c.public_id)
        .where(*of_year, consignment_line.c.released.is_(False))
    )
    return [(row.dispatched_on - row.wished_at.date()).days for row in rows]


_ENDED = ("RESOLVED", "CLOSED_UNRESOLVED")


def open_claims(conn: Connection) -> int:
    """Return how many claims wait for their end, of ours and of partners."""
    query = sa.select(sa.func.count()).select_from(claim).where(claim.c.state.not_in(_ENDED))
    return int(conn.execute(query).scalar_one())
