"""Allocations: the run over a list, and what became of each wish in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import (
    AllocationPolicy,
    AllocationRun,
    Decision,
    Wished,
    hindrance,
)
from service.domain.offer import OfferState
from service.domain.partner import PartnerState
from service.domain.wish import Outcome, WishState
from service.store import public_ids
from service.store.tables import (
    allocation,
    allocation_run,
    offer,
    offer_list,
    partner,
    record,
    record_version,
    wish,
    wish_list,
)


class Title(NamedTuple):
    """An offer that is allocated: its copies, and the version of the record that is sent."""

    offer_id: int
    copies: int
    version_id: int


class Decided(NamedTuple):
    """One decision of a run, with the names that people know the things by."""

    position: int
    partner: str
    wish_list: str
    line_no: int
    offer: str
    title: str
    wished_at: datetime
    quantity: int
    copies: int
    rank: int
    given: int
    reason: str
    transfer: str | None


# A title is sent as it was when its list closed.
_VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)
_SENT = offer.join(record, record.c.id == offer.c.record_id).join(
    record_version, record_version.c.id == _VERSION
)

# --- the run --------------------------------------------------------------------------------------

_COUNTED = (
    sa.func.count(allocation.c.position).label("wishes"),
    sa.func.count(sa.case((allocation.c.given > 0, 1))).label("met"),
    sa.func.coalesce(sa.func.sum(allocation.c.given), 0).label("given"),
    sa.func.count(sa.distinct(sa.case((allocation.c.given > 0, allocation.c.partner_id)))).label(
        "partners"
    ),
)


def run_of_list(conn: Connection, list_id: int) -> AllocationRun | None:
    """Return the run over a list with what it came to so far, or None."""
    row = conn.execute(
        sa.select(allocation_run, *_COUNTED)
        .outerjoin(allocation, allocation.c.run_id == allocation_run.c.id)
        .where(allocation_run.c.list_id == list_id)
        .group_by(allocation_run.c.id)
    ).first()
    return None if row is None else _run(row)


def begin(conn: Connection, list_id: int, policy: AllocationPolicy, now: datetime) -> int:
    """Enter a run over a list; return its row."""
    made = conn.execute(
        allocation_run.insert()
        .values(
            public_id=public_ids.new(),
            list_id=list_id,
            policy=policy.value,
            begun_at=now,
        )
        .returning(allocation_run.c.id)
    )
    return int(made.scalar_one())


def lock(conn: Connection, run_id: int) -> bool:
    """Let nobody else go on with a run until the transaction ends; return whether it is open."""
    found = conn.execute(
        sa.select(allocation_run.c.finished_at)
        .where(allocation_run.c.id == run_id)
        .with_for_update()
    ).one()
    return found.finished_at is None


def finish(conn: Connection, run_id: int, now: datetime) -> None:
    """End a run."""
    conn.execute(
        allocation_run.update().where(allocation_run.c.id == run_id).values(finished_at=now)
    )


def last_position(conn: Connection, run_id: int) -> int:
    """Return the number of the newest decision of a run, 0 when there is none."""
    found = conn.execute(
        sa.select(sa.func.max(allocation.c.position)).where(allocation.c.run_id == run_id)
    )
    return int(found.scalar() or 0)


# --- what it decides on ---------------------------------------------------------------------------


def wished_offers(conn: Connection, list_id: int, after: int, limit: int) -> list[int]:
    """Return offers of a list that open wishes ask for, in the order of their rows."""
    rows = conn.execute(
        sa.select(wish.c.offer_id)
        .join(offer, offer.c.id == wish.c.offer_id)
        .where(offer.c.list_id == list_id, offer.c.id > after, wish.c.state == WishState.OPEN.value)
        .distinct()
        .order_by(wish.c.offer_id)
        .limit(limit)
    )
    return [int(offer_id) for offer_id in rows.scalars()]


def wishers(conn: Connection, offer_ids: Collection[int]) -> list[int]:
    """Return the partners with open wishes for these offers, in the order of their rows."""
    rows = conn.execute(
        sa.select(wish.c.partner_id)
        .where(wish.c.offer_id.in_(offer_ids), wish.c.state == WishState.OPEN.value)
        .distinct()
        .order_by(wish.c.partner_id)
    )
    return [int(partner_id) for partner_id in rows.scalars()]


def titles(conn: Connection, offer_ids: Collection[int], *, lock: bool = True) -> dict[int, Title]:
    """Return these offers; with ``lock`` nobody takes one back until the transaction ends."""
    query = (
        sa.select(offer.c.id, offer.c.copies, _VERSION)
        .join(record, record.c.id == offer.c.record_id)
        .where(offer.c.id.in_(offer_ids))
        .order_by(offer.c.id)
    )
    if lock:
        query = query.with_for_update(of=offer, key_share=True)
    return {row[0]: Title(*row) for row in conn.execute(query)}


def open_wishes(conn: Connection, offer_ids: Collection[int], *, lock: bool = True) -> list[Wished]:
    """Return the open wishes for these offers; with ``lock`` nobody withdraws one meanwhile."""
    query = (
        sa.select(
            wish.c.wish_list_id,
            wish_list.c.public_id,
            wish.c.line_no,
            wish.c.partner_id,
            wish.c.offer_id,
            wish.c.quantity,
            wish.c.wished_at,
            wish.c.outcome,
            offer.c.state,
            partner.c.state,
        )
        .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
        .join(offer, offer.c.id == wish.c.offer_id)
        .join(partner, partner.c.id == wish.c.partner_id)
        .where(wish.c.offer_id.in_(offer_ids), wish.c.state == WishState.OPEN.value)
        .order_by(wish.c.wish_list_id, wish.c.line_no)
    )
    if lock:
        query = query.with_for_update(of=wish)
    return [_wished(row) for row in conn.execute(query)]


def keep(
    conn: Connection,
    run_id: int,
    after: int,
    decisions: Sequence[Decision],
    transfers: Sequence[str | None],
) -> None:
    """Keep decisions, numbered behind ``after``, and tell the wishes what became of them.

    ``transfers`` are the public ids of what was given, in the order of the decisions.
    """
    numbered = enumerate(zip(decisions, transfers, strict=True), after + 1)
    conn.execute(allocation.insert(), [_row(run_id, number, *each) for number, each in numbered])
    for state, given in ((WishState.ALLOCATED, True), (WishState.NOT_ALLOCATED, False)):
        told = [_told(each) for each in decisions if bool(each.given) is given]
        if told:
            conn.execute(_TELL.values(state=state.value), told)


# What the partner was answered first stays, and what became of the wish follows it.
_TELL = (
    wish.update()
    .where(
        wish.c.wish_list_id == sa.bindparam("of_list"),
        wish.c.line_no == sa.bindparam("of_line"),
        wish.c.state == WishState.OPEN.value,
    )
    .values(reason=wish.c.reason + sa.literal(" ") + sa.bindparam("told", type_=sa.Text))
)


def _told(decision: Decision) -> dict[str, Any]:
    wished = decision.wished
    return {
        "of_list": wished.wish_list_id,
        "of_line": wished.line_no,
        "told": decision.reason,
    }


def _row(run_id: int, number: int, decision: Decision, transfer: str | None) -> dict[str, Any]:
    wished = decision.wished
    return {
        "run_id": run_id,
        "position": number,
        "wish_list_id": wished.wish_list_id,
        "line_no": wished.line_no,
        "partner_id": wished.partner_id,
        "offer_id": wished.offer_id,
        "wished_at": wished.wished_at,
        "quantity": wished.quantity,
        "copies": decision.copies,
        "rank": decision.rank,
        "given": decision.given,
        "reason": decision.reason,
        "transfer": transfer,
    }


# --- what was decided -----------------------------------------------------------------------------


def decided(conn: Connection, run_id: int, after: int, limit: int) -> list[Decided]:
    """Return decisions of a run in their order, behind the number ``after``."""
    rows = conn.execute(
        sa.select(
            allocation.c.position,
            partner.c.code,
            wish_list.c.public_id,
            allocation.c.line_no,
            offer.c.public_id,
            record_version.c.title,
            allocation.c.wished_at,
            allocation.c.quantity,
            allocation.c.copies,
            allocation.c.rank,
            allocation.c.given,
            allocation.c.reason,
            allocation.c.transfer,
        )
        .select_from(allocation)
        .join(partner, partner.c.id == allocation.c.partner_id)
        .join(wish_list, wish_list.c.id == allocation.c.wish_list_id)
        .join(_SENT, offer.c.id == allocation.c.offer_id)
        .where(allocation.c.run_id == run_id, allocation.c.position > after)
        .order_by(allocation.c.position)
        .limit(limit)
    )
    return [Decided._make(row) for row in rows]


def described(conn: Connection, decisions: Sequence[Decision], after: int) -> list[Decided]:
    """Return decisions that are not kept as ``decided`` would, numbered behind ``after``."""
    codes = _names(conn, partner.c.id, partner.c.code, {d.wished.partner_id for d in decisions})
    shown = {
        row.id: row
        for row in conn.execute(
            sa.select(offer.c.id, offer.c.public_id, record_version.c.title)
            .select_from(_SENT)
            .where(offer.c.id.in_({d.wished.offer_id for d in decisions}))
        )
    }
    return [
        Decided(
            number,
            codes[decision.wished.partner_id],
            decision.wished.wish_list,
            decision.wished.line_no,
            shown[decision.wished.offer_id].public_id,
            shown[decision.wished.offer_id].title,
            decision.wished.wished_at,
            decision.wished.quantity,
            decision.copies,
            decision.rank,
            decision.given,
            decision.reason,
            None,
        )
        for number, decision in enumerate(decisions, after + 1)
    ]


def offerer(conn: Connection, list_id: int) -> str | None:
    """Return the code of the partner who offers a list to us, None for a list of our own."""
    found = conn.execute(
        sa.select(partner.c.code)
        .join(offer_list, offer_list.c.offered_by == partner.c.id)
        .where(offer_list.c.id == list_id)
    )
    return found.scalar()


def _names(
    conn: Connection, key: sa.Column[int], name: sa.Column[str], keys: Collection[int]
) -> dict[int, str]:
    return {row[0]: row[1] for row in conn.execute(sa.select(key, name).where(key.in_(keys)))}


def _run(row: sa.Row[Any]) -> AllocationRun:
    return AllocationRun(
        id=row.id,
        public_id=row.public_id,
        list_id=row.list_id,
        policy=AllocationPolicy(row.policy),
        begun_at=row.begun_at,
        finished_at=row.finished_at,
        wishes=int(row.wishes),
        met=int(row.met),
        given=int(row.given),
        partners=int(row.partners),
    )


def _wished(row: Sequence[Any]) -> Wished:
    outcome, offered, whose = Outcome(row[7]), OfferState(row[8]), PartnerState(row[9])
    return Wished._make((*row[:7], hindrance(outcome, offered, whose)))
