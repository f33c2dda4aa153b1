"""How many of each matter there are on the board of the day, in one statement.

Each row counts by a state that has an index; large tables are asked through the lists, runs and
lines that are open, never as a whole.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.agreement import AgreementState
from service.domain.allocation import RunState
from service.domain.board import Counted, Matter
from service.domain.claim import ClaimSide, ClaimState
from service.domain.consignment import ConsignmentState as S
from service.domain.exchange_serial import IssueState
from service.domain.gift import GiftState
from service.domain.import_batch import BatchState
from service.domain.incoming_gift import IncomingState
from service.domain.offer import ListState
from service.domain.own_wish import OwnWishState
from service.domain.selection import SelectionState
from service.store import gifts
from service.store.tables import (
    Instant,
    agreement,
    allocation,
    allocation_run,
    claim,
    consignment,
    gift,
    import_batch,
    incoming_gift,
    offer_list,
    own_wish,
    receipt,
    selection,
    serial_issue,
)


def _counted(
    matter: Matter, what: sa.FromClause, when: Any, *where: sa.ColumnElement[bool]
) -> sa.Select[str, int, datetime]:
    """Return the count of one matter, and since when its oldest waits."""
    return (
        sa.select(
            sa.literal(matter.value).label("matter"),
            sa.func.count().label("number"),
            sa.type_coerce(sa.func.min(when), Instant).label("oldest"),
        )
        .select_from(what)
        .where(*where)
    )


_M: Final = Matter
_UNKNOWN = sa.cast(sa.null(), Instant)
_NOW, _SINCE = sa.bindparam("now", type_=Instant), sa.bindparam("since", type_=Instant)
# Of our own lists: what a partner offers to us is allocated there.
_OURS = offer_list.c.offered_by.is_(None)
_PAST = offer_list.c.closes_at <= _NOW
_RUN = allocation_run.c.list_id == offer_list.c.id
_ON_ITS_WAY = (S.DISPATCHED, S.IN_CUSTOMS, S.DELIVERED)


def _in(column: sa.Column[Any], *states: StrEnum) -> sa.ColumnElement[bool]:
    return column.in_([state.value for state in states])


_ALL = sa.union_all(
    _counted(
        _M.IMPORT_STAGED,
        import_batch,
        import_batch.c.created_at,
        _in(import_batch.c.state, BatchState.STAGED),
    ),
    _counted(
        _M.IMPORT_FAILED,
        import_batch,
        import_batch.c.created_at,
        _in(import_batch.c.state, BatchState.FAILED),
    ),
    _counted(
        _M.LIST_PAST_CLOSING,
        offer_list,
        offer_list.c.closes_at,
        _OURS,
        _in(offer_list.c.state, ListState.OPEN),
        _PAST,
    ),
    _counted(
        _M.LIST_TO_ALLOCATE,
        offer_list,
        offer_list.c.closes_at,
        _OURS,
        _in(offer_list.c.state, ListState.CLOSED),
        ~sa.exists().where(_RUN),
    ),
    _counted(
        _M.PLAN_TO_CONFIRM,
        allocation_run,
        allocation_run.c.begun_at,
        _in(allocation_run.c.state, RunState.PROPOSED),
    ),
    _counted(_M.GIFT_TO_APPROVE, gift, gift.c.requested_at, _in(gift.c.state, GiftState.SUBMITTED)),
    _counted(
        _M.GIFT_TO_PACK, gift, gift.c.approved_at, gifts.STATE.in_([GiftState.APPROVED.value])
    ),
    _counted(
        _M.CONSIGNMENT_DRAFT,
        consignment,
        consignment.c.created_at,
        _in(consignment.c.state, S.DRAFT),
    ),
    _counted(
        _M.CONSIGNMENT_PACKED,
        consignment,
        consignment.c.packed_at,
        _in(consignment.c.state, S.PACKED),
    ),
    _counted(
        _M.INCOMING_TO_CHECK,
        incoming_gift,
        incoming_gift.c.announced_at,
        _in(incoming_gift.c.state, IncomingState.RECEIVED),
    ),
    _counted(
        _M.INCOMING_TO_ACCESSION,
        incoming_gift,
        incoming_gift.c.checked_at,
        _in(incoming_gift.c.state, IncomingState.CHECKED),
    ),
    _counted(
        _M.INCOMING_TO_THANK,
        incoming_gift,
        incoming_gift.c.checked_at,
        _in(
            incoming_gift.c.state,
            IncomingState.ACCEPTED,
            IncomingState.CATALOGUED,
            IncomingState.DISPLAYED,
        ),
        incoming_gift.c.acknowledged_at.is_(None),
    ),
    _counted(
        _M.SELECTION_OPEN,
        selection,
        selection.c.created_at,
        _in(selection.c.state, SelectionState.OPEN),
    ),
    _counted(
        _M.CLAIM_OF_THEIRS,
        claim,
        claim.c.opened_at,
        _in(claim.c.side, ClaimSide.THEIRS),
        _in(claim.c.state, ClaimState.OPEN, ClaimState.SENT),
    ),
    _counted(
        _M.CLAIM_ANSWERED,
        claim,
        claim.c.answered_at,
        _in(claim.c.side, ClaimSide.OURS),
        _in(claim.c.state, ClaimState.ANSWERED),
    ),
    _counted(
        _M.ISSUE_MISSING,
        serial_issue,
        _UNKNOWN,
        _in(serial_issue.c.state, IssueState.MISSING),
    ),
    _counted(
        _M.AGREEMENT_EXPIRING,
        agreement,
        agreement.c.warned_at,
        _in(agreement.c.state, AgreementState.EXPIRING),
    ),
    _counted(
        _M.LIST_OPEN,
        offer_list,
        offer_list.c.opens_at,
        _OURS,
        _in(offer_list.c.state, ListState.OPEN),
        sa.or_(offer_list.c.closes_at.is_(None), offer_list.c.closes_at > _NOW),
    ),
    _counted(
        _M.PARTNER_ASKED,
        allocation,
        _UNKNOWN,
        allocation.c.state == sa.literal_column("'OFFERED'"),
        allocation.c.answer_until.is_not(None),
    ),
    _counted(
        _M.CONSIGNMENT_ON_ITS_WAY,
        consignment,
        consignment.c.dispatched_at,
        _in(consignment.c.state, *_ON_ITS_WAY),
    ),
    _counted(
        _M.CLAIM_OF_OURS,
        claim,
        claim.c.opened_at,
        _in(claim.c.side, ClaimSide.OURS),
        _in(claim.c.state, ClaimState.OPEN, ClaimState.SENT),
    ),
    _counted(
        _M.INCOMING_ANNOUNCED,
        incoming_gift,
        incoming_gift.c.announced_at,
        _in(incoming_gift.c.state, IncomingState.ANNOUNCED),
    ),
    _counted(
        _M.OWN_WISH_SENT,
        own_wish,
        own_wish.c.wished_at,
        _in(own_wish.c.state, OwnWishState.SENT, OwnWishState.ANSWERED),
    ),
    _counted(
        _M.LIST_ALLOCATED,
        allocation_run,
        allocation_run.c.confirmed_at,
        allocation_run.c.confirmed_at >= _SINCE,
    ),
    _counted(
        _M.DISPATCHED,
        consignment,
        consignment.c.dispatched_at,
        consignment.c.dispatched_at >= _SINCE,
    ),
    _counted(
        _M.RECEIPT_CONFIRMED,
        receipt,
        receipt.c.created_at,
        receipt.c.created_at >= _SINCE,
    ),
    _counted(
        _M.INCOMING_CATALOGUED,
        incoming_gift,
        incoming_gift.c.catalogued_at,
        incoming_gift.c.catalogued_at >= _SINCE,
    ),
)


def counted(conn: Connection, now: datetime, since: datetime) -> list[Counted]:
    """Return how many there are of each matter at ``now``; what is done counts from ``since``."""
    rows = conn.execute(_ALL, {"now": now, "since": since})
    return [Counted(Matter(row.matter), row.number, row.oldest) for row in rows]
