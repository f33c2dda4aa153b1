"""Balances of partners, from the sums of the ledger; and the offers that would even them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.balance import Line, Offered
from service.domain.ledger import Direction, Figures, Material
from service.domain.offer import LISTED, ListState, OfferState
from service.domain.own_wish import OwnWishState
from service.domain.transfer import TransferKind, TransferState
from service.domain.wish import WishState
from service.store import tiers
from service.store.tables import (
    ledger_total,
    offer,
    offer_list,
    own_wish,
    partner,
    record,
    record_version,
    transfer,
    wish,
)

# An entry that was merged into another counts with what it became.
_OWNER = sa.func.coalesce(partner.c.merged_into, partner.c.id)


def owners(conn: Connection, partner_id: int) -> list[int]:
    """Return a partner with the entries that were merged into it: their ledgers are one."""
    found = sa.select(partner.c.id).where(
        (partner.c.id == partner_id) | (partner.c.merged_into == partner_id)
    )
    return sorted(conn.execute(found).scalars())


_BY = (
    ledger_total.c.year,
    ledger_total.c.direction,
    ledger_total.c.kind,
    ledger_total.c.material,
    ledger_total.c.opening,
    ledger_total.c.currency,
)
_SUMS = tuple(sa.func.sum(ledger_total.c[name]) for name in Figures._fields)


def lines(conn: Connection, partner_id: int) -> list[Line]:
    """Return what went to and from a partner, with those merged into it, by year and kind."""
    query = sa.select(*_BY, *_SUMS).where(ledger_total.c.partner_id.in_(owners(conn, partner_id)))
    return [_line(row) for row in conn.execute(query.group_by(*_BY))]


def lines_of(conn: Connection, partner_ids: Collection[int]) -> dict[int, list[Line]]:
    """Return the lines of several partners, with those merged into each."""
    query = (
        sa.select(_OWNER, *_BY, *_SUMS)
        .join(partner, partner.c.id == ledger_total.c.partner_id)
        .where(_OWNER.in_(partner_ids))
        .group_by(_OWNER, *_BY)
    )
    found: dict[int, list[Line]] = {each: [] for each in partner_ids}
    for owner, *row in conn.execute(query):
        found[owner].append(_line(row))
    return found


class Net(NamedTuple):
    """How much more was sent to a partner than was received from it."""

    titles: int
    volumes: int


def net(conn: Connection) -> dict[int, Net]:
    """Return the net of all partners of whom anything is in the ledger, by what they are now."""
    sent = ledger_total.c.direction == Direction.SENT.value
    signed = (
        sa.func.sum(sa.case((sent, ledger_total.c[name]), else_=-ledger_total.c[name]))
        for name in Net._fields
    )
    query = (
        sa.select(_OWNER, *signed)
        .join(partner, partner.c.id == ledger_total.c.partner_id)
        .group_by(_OWNER)
    )
    return {row[0]: Net(int(row[1]), int(row[2])) for row in conn.execute(query)}


def _line(row: Sequence[Any]) -> Line:
    year, direction, kind, material, opening, currency, *figures = row
    return Line(
        year,
        Direction(direction),
        TransferKind(kind),
        Material(material),
        bool(opening),
        currency,
        Figures(*map(int, figures)),
    )


# --- what would even them -------------------------------------------------------------------------

WISHED = "it is wished for"
SHOWN = "it is offered to this partner"
THEIRS = "the partner offers it"

_VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)
_TITLE = sa.case(
    (record_version.c.title != "", record_version.c.title),
    else_=record_version.c.title_vernacular,
)
_LEFT = offer.c.copies - offer.c.allocated
_FROM = (
    offer.join(offer_list, offer_list.c.id == offer.c.list_id)
    .join(record, record.c.id == offer.c.record_id)
    .join(record_version, record_version.c.id == _VERSION)
)
_AT_ONCE = 500  # offers looked at beyond those that are wished for


def to_send(
    conn: Connection, partner_id: int, place: str, audiences: Collection[int], most: int
) -> list[Offered]:
    """Return what we could send a partner: what it wishes for first, then what else it is shown.

    ``audiences`` are those it belongs to, ``place`` is its country or region: what may not go
    there, and what it was given before, is left out.
    """
    copies = sa.case((wish.c.quantity < _LEFT, wish.c.quantity), else_=_LEFT)
    open_wish = (wish.c.partner_id == partner_id) & (wish.c.state == WishState.OPEN.value)
    wished = (
        sa.select(
            offer.c.public_id, _TITLE, copies, offer.c.volumes, offer_list.c.not_to, offer.c.not_to
        )
        .select_from(_FROM.join(wish, wish.c.offer_id == offer.c.id))
        .where(open_wish, *_free([each.value for each in LISTED]))
        .order_by(wish.c.wished_at, wish.c.wish_list_id, wish.c.line_no)
        .limit(most)
    )
    found = _offered(conn, wished, place, WISHED)
    if len(found) < most:
        found += _offered(conn, _shown(partner_id, audiences), place, SHOWN)
    return found[:most]


def _free(states: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        offer.c.state == OfferState.OFFERED.value,
        offer_list.c.state.in_(states),
        offer_list.c.offered_by.is_(None),
        _LEFT > 0,
    )


def _shown(partner_id: int, audiences: Collection[int]) -> sa.Select[Any]:
    given = record_version.alias()
    before = (
        sa.select(given.c.record_id)
        .join(transfer, transfer.c.version_id == given.c.id)
        .where(transfer.c.partner_id == partner_id, transfer.c.state == TransferState.GIVEN.value)
    )
    wished = sa.select(wish.c.offer_id).where(
        wish.c.partner_id == partner_id, wish.c.offer_id.is_not(None)
    )
    return (
        sa.select(
            offer.c.public_id,
            _TITLE,
            sa.literal(1),
            offer.c.volumes,
            offer_list.c.not_to,
            offer.c.not_to,
        )
        .select_from(_FROM)
        .where(
            *_free([ListState.OPEN.value]),
            tiers.shown_to(audiences),
            offer.c.record_id.not_in(before),
            offer.c.id.not_in(wished),
        )
        .order_by(offer.c.id.desc())
        .limit(_AT_ONCE)
    )


def _offered(conn: Connection, query: sa.Select[Any], place: str, why: str) -> list[Offered]:
    return [
        Offered(name, title, copies, volumes, why)
        for name, title, copies, volumes, *not_to in conn.execute(query)
        if not place or place not in " ".join(not_to).split()
    ]


def to_receive(conn: Connection, partner_id: int, most: int) -> list[Offered]:
    """Return what a partner offers us now and we have not wished for, the newest first."""
    asked = sa.select(own_wish.c.offer_id).where(own_wish.c.state != OwnWishState.WITHDRAWN.value)
    query = (
        sa.select(offer.c.public_id, _TITLE, _LEFT, offer.c.volumes)
        .select_from(_FROM)
        .where(
            offer_list.c.offered_by == partner_id,
            offer_list.c.state == ListState.OPEN.value,
            offer.c.state == OfferState.OFFERED.value,
            offer.c.id.not_in(asked),
        )
        .order_by(offer.c.id.desc())
        .limit(most)
    )
    return [Offered(*row, THEIRS) for row in conn.execute(query)]


# --- whose ----------------------------------------------------------------------------------------


def page(conn: Connection, after: str, limit: int) -> dict[int, str]:
    """Return the codes of up to ``limit`` partners behind ``after``, in their order, by the row."""
    query = sa.select(partner.c.id, partner.c.code).where(
        partner.c.code > after, partner.c.merged_into.is_(None)
    )
    return {row[0]: row[1] for row in conn.execute(query.order_by(partner.c.code).limit(limit))}
