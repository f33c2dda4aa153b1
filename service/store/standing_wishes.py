"""Standing wishes of partners, and the offers that met them: each offer once for each wish."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain import standing_wish as rules
from service.domain.partner import PartnerState
from service.domain.standing_wish import Match, Query, StandingWish, StandingWishState
from service.domain.wish import WishState
from service.store import bulk, public_ids, tiers
from service.store.tables import (
    offer,
    offer_list,
    partner,
    record,
    record_version,
    standing_match,
    standing_wish,
    wish,
    wish_list,
)

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_ACTIVE: sa.ColumnElement[str] = sa.literal_column("'ACTIVE'")
_VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)


def add(
    conn: Connection,
    partner_id: int,
    title: str,
    query: Mapping[str, Any],
    *,
    registers: bool,
    now: datetime,
) -> str:
    """Enter a standing wish; return its public id."""
    made = conn.execute(
        standing_wish.insert()
        .values(
            public_id=public_ids.new(),
            partner_id=partner_id,
            title=title,
            query=dict(query),
            registers=registers,
            state=StandingWishState.ACTIVE.value,
            created_at=now,
        )
        .returning(standing_wish.c.public_id)
    )
    return str(made.scalar_one())


def count(conn: Connection, partner_id: int) -> int:
    """Return how many standing wishes of a partner are looked after."""
    query = sa.select(sa.func.count()).where(
        standing_wish.c.partner_id == partner_id, standing_wish.c.state == _ACTIVE
    )
    return int(conn.execute(query).scalar_one())


def stop(conn: Connection, public_id: str, partner_id: int | None) -> bool:
    """Stop a standing wish of a partner (None: anybody's); False when none is looked after."""
    query = standing_wish.update().where(
        standing_wish.c.public_id == public_id, standing_wish.c.state == _ACTIVE
    )
    if partner_id is not None:
        query = query.where(standing_wish.c.partner_id == partner_id)
    return conn.execute(query.values(state=StandingWishState.STOPPED.value)).rowcount == 1


def listed(
    conn: Connection,
    partner_id: int | None,
    *,
    public_id: str = "",
    before: str = "",
    limit: int | None = None,
) -> list[StandingWish]:
    """Return standing wishes of a partner (None: everybody's), newest first."""
    met = (
        sa.select(sa.func.count())
        .where(standing_match.c.standing_wish_id == standing_wish.c.id)
        .scalar_subquery()
    )
    query = (
        sa.select(standing_wish, partner.c.code, met.label("matches"))
        .join(partner, partner.c.id == standing_wish.c.partner_id)
        .order_by(standing_wish.c.public_id.desc())
        .limit(limit)
    )
    if partner_id is not None:
        query = query.where(standing_wish.c.partner_id == partner_id)
    if public_id:
        query = query.where(standing_wish.c.public_id == public_id)
    if before:
        query = query.where(standing_wish.c.public_id < before)
    return [
        StandingWish(
            id=row.id,
            public_id=row.public_id,
            partner_code=row.code,
            title=row.title,
            query=rules.from_json(row.query),
            registers=row.registers,
            state=StandingWishState(row.state),
            created_at=row.created_at,
            matches=row.matches,
        )
        for row in conn.execute(query)
    ]


def matches(
    conn: Connection, wish_id: int, audiences: Collection[int] | None, before: str, limit: int
) -> list[Match]:
    """Return what met a standing wish, by the offer's public id, newest first.

    Of lists that these audiences may see (None: any).
    """
    query = (
        sa.select(
            offer.c.public_id,
            sa.func.coalesce(
                sa.func.nullif(record_version.c.title_vernacular, ""), record_version.c.title
            ).label("title"),
            offer_list.c.slug,
            standing_match.c.reason,
            standing_match.c.matched_at,
        )
        .select_from(
            standing_match.join(offer, offer.c.id == standing_match.c.offer_id)
            .join(offer_list, offer_list.c.id == offer.c.list_id)
            .join(record, record.c.id == offer.c.record_id)
            .join(record_version, record_version.c.id == _VERSION)
        )
        .where(standing_match.c.standing_wish_id == wish_id)
        .order_by(offer.c.public_id.desc())
        .limit(limit)
    )
    if audiences is not None:
        query = query.where(tiers.shown_to(audiences))
    if before:
        query = query.where(offer.c.public_id < before)
    return [Match(*row) for row in conn.execute(query)]


# --- meeting what is offered ----------------------------------------------------------------------


def active(conn: Connection) -> tuple[str, ...]:
    """Return the public ids of all standing wishes that are looked after, in their order."""
    return tuple(public_id for (public_id,) in bulk.select(conn, _ACTIVE_IDS, {}))


_ACTIVE_IDS = (
    sa.select(standing_wish.c.public_id)
    .where(standing_wish.c.state == _ACTIVE)
    .order_by(standing_wish.c.public_id)
)


def queries(conn: Connection) -> dict[str, Query]:
    """Return what each standing wish that is looked after asks for, by its public id."""
    rows = conn.execute(
        sa.select(standing_wish.c.public_id, standing_wish.c.query).where(
            standing_wish.c.state == _ACTIVE
        )
    )
    return {row.public_id: rules.from_json(row.query) for row in rows}


class Wisher(NamedTuple):
    """Whose a standing wish is."""

    id: int
    public_id: str
    partner_id: int
    title: str
    registers: bool


_WISHERS = (
    sa.select(
        standing_wish.c.public_id,
        standing_wish.c.id,
        standing_wish.c.partner_id,
        standing_wish.c.title,
        standing_wish.c.registers,
    )
    .join(partner, partner.c.id == standing_wish.c.partner_id)
    .where(
        standing_wish.c.public_id.in_(_VALUES),
        standing_wish.c.state == _ACTIVE,
        partner.c.state == sa.literal_column(f"'{PartnerState.ACTIVE.value}'"),
    )
)


def wishers(conn: Connection, public_ids_: Sequence[str]) -> dict[str, Wisher]:
    """Return whose these standing wishes are; those of suspended partners are left out."""
    return {
        public_id: Wisher(row_id, public_id, partner_id, title, bool(registers))
        for public_id, row_id, partner_id, title, registers in bulk.select_in(
            conn, _WISHERS, public_ids_
        )
    }


class Offered(NamedTuple):
    """An offer as a standing wish meets it."""

    id: int
    public_id: str
    list_id: int
    version_id: int


def offered(conn: Connection, offer_ids: Sequence[int]) -> list[Offered]:
    """Return those of these offers that are not taken back, by their rows."""
    return [Offered(*row) for row in bulk.select_in(conn, _OFFERED, offer_ids)]


_OFFERED = (
    sa.select(offer.c.id, offer.c.public_id, offer.c.list_id, _VERSION)
    .join(record, record.c.id == offer.c.record_id)
    .where(offer.c.id.in_(_VALUES), offer.c.state == sa.literal_column("'OFFERED'"))
    .order_by(offer.c.id)
)


def met_before(conn: Connection, offer_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Return (standing wish, offer) of what met before, of these offers."""
    return {(row[0], row[1]) for row in bulk.select_in(conn, _MET, offer_ids)}


_MET = sa.select(standing_match.c.standing_wish_id, standing_match.c.offer_id).where(
    standing_match.c.offer_id.in_(_VALUES)
)


def wished_already(conn: Connection, offer_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Return (partner, offer) of the wishes, open or decided, that name one of these offers."""
    return {(row[0], row[1]) for row in bulk.select_in(conn, _WISHED, offer_ids)}


_WISHED = sa.select(wish.c.partner_id, wish.c.offer_id).where(
    wish.c.offer_id.in_(_VALUES),
    wish.c.state.in_(
        [
            sa.literal_column(f"'{state.value}'")
            for state in WishState
            if state not in {WishState.ANSWERED, WishState.REPLACED}
        ]
    ),
)


def keep(conn: Connection, rows: Iterable[tuple[int, int, str]], now: datetime) -> None:
    """Keep what met: (standing wish, offer, reason)."""
    bulk.insert(
        conn,
        standing_match,
        ("standing_wish_id", "offer_id", "reason", "matched_at"),
        [(*row, now) for row in rows],
        if_new=True,
    )


def wish_lists_of(conn: Connection, keys: Collection[str], channel: str) -> dict[str, int]:
    """Return the rows of the wish lists that standing wishes (public ids) have written so far."""
    rows = conn.execute(
        sa.select(wish_list.c.list_key, wish_list.c.id).where(
            wish_list.c.channel == channel, wish_list.c.list_key.in_(sorted(keys))
        )
    )
    return dict(rows.all())


def last_line(conn: Connection, wish_list_id: int) -> int:
    """Return the number of the last line of a wish list, 0 for none."""
    found = conn.execute(
        sa.select(sa.func.max(wish.c.line_no)).where(wish.c.wish_list_id == wish_list_id)
    )
    return int(found.scalar() or 0)
