"""Offer lists: their dates and states, and who may see them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.allocation import AllocationPolicy, RunState
from service.domain.audience import PUBLIC
from service.domain.offer import LISTED, ListState, OfferList, OfferState, Source
from service.domain.partner import PartnerState
from service.domain.wish import WishState
from service.errors import Conflict, Outdated
from service.store import public_ids, tiers
from service.store.tables import (
    allocation_run,
    audience_member,
    offer,
    offer_list,
    partner,
    wish,
)

# Lists that partners were ever told of. One that is withdrawn before it opened has no opening.
ANNOUNCED: Final = offer_list.c.state.not_in([ListState.DRAFT.value, ListState.SCHEDULED.value]) & (
    (offer_list.c.state != ListState.WITHDRAWN.value) | offer_list.c.opens_at.is_not(None)
)


def add(
    conn: Connection,
    *,
    slug: str,
    title: str,
    description: str,
    audience_id: int,
    opens_at: datetime | None,
    closes_at: datetime | None,
    zone: str,
    now: datetime,
    terms: Mapping[str, Any] | None = None,
) -> OfferList:
    """Enter a list as a draft; raise ``Conflict`` when its slug was ever used.

    ``terms``: where its titles come from and how it is allocated, as far as it is said.
    """
    try:
        with conn.begin_nested():
            row = conn.execute(
                offer_list.insert()
                .values(
                    public_id=public_ids.new(),
                    slug=slug,
                    title=title,
                    description=description,
                    state=ListState.DRAFT.value,
                    audience_id=audience_id,
                    opens_at=opens_at,
                    closes_at=closes_at,
                    zone=zone,
                    created_at=now,
                    **_columns(terms or {}),
                )
                .returning(offer_list)
            ).one()
    except IntegrityError as error:
        raise Conflict(
            f"there is already an offer list named {slug!r}; a slug is never used twice"
        ) from error
    return _list(row)


def by_slug(conn: Connection, slug: str) -> OfferList | None:
    """Return one list, or None."""
    row = conn.execute(sa.select(offer_list).where(offer_list.c.slug == slug)).first()
    return None if row is None else _list(row)


def by_id(conn: Connection, list_id: int) -> OfferList:
    """Return the list of this row."""
    return _list(conn.execute(sa.select(offer_list).where(offer_list.c.id == list_id)).one())


def lock(conn: Connection, list_id: int) -> OfferList:
    """Return a list and let nobody else move it until the transaction ends."""
    return _list(
        conn.execute(
            sa.select(offer_list).where(offer_list.c.id == list_id).with_for_update()
        ).one()
    )


def hold_open(conn: Connection) -> None:
    """Let no open list close until the transaction ends."""
    conn.execute(
        sa.select(offer_list.c.id)
        .where(offer_list.c.state == ListState.OPEN.value)
        .with_for_update(read=True)
    )


def listed(
    conn: Connection,
    audiences: Collection[int] | None = None,
    *,
    in_feed: bool = False,
    slug: str = "",
    before: str = "",
    limit: int | None = None,
    ours: bool = False,
    states: Collection[ListState] = (),
) -> list[tuple[OfferList, int, bool]]:
    """Return lists, newest first, with the number of titles offered, and whether for everybody.

    ``audiences`` bounds them to what these audiences may see, ``in_feed`` to those open or closed,
    ``slug`` to the one of this name, ``before`` to those older than the list of this public id,
    ``ours`` to those that no partner offers us, ``states`` to these, where any are named.
    """
    titles = (
        sa.select(sa.func.count())
        .where(offer.c.list_id == offer_list.c.id, offer.c.state == OfferState.OFFERED.value)
        .scalar_subquery()
    )
    public = tiers.shown_to({PUBLIC})
    query = sa.select(offer_list, titles.label("titles"), public.label("public")).limit(limit)
    query = query.order_by(offer_list.c.public_id.desc())
    if before:
        query = query.where(offer_list.c.public_id < before)
    if audiences is not None:
        query = query.where(tiers.shown_to(audiences))
    if slug:
        query = query.where(offer_list.c.slug == slug)
    if in_feed:
        query = query.where(offer_list.c.state.in_([state.value for state in LISTED]))
    if ours:
        query = query.where(offer_list.c.offered_by.is_(None))
    if states:
        query = query.where(offer_list.c.state.in_([state.value for state in states]))
    return [(_list(row), row.titles, bool(row.public)) for row in conn.execute(query)]


def described(conn: Connection, slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the title and the description of lists by their slugs."""
    rows = conn.execute(
        sa.select(offer_list.c.slug, offer_list.c.title, offer_list.c.description).where(
            offer_list.c.slug.in_(slugs)
        )
    )
    return {row.slug: (row.title, row.description) for row in rows}


def move(conn: Connection, found: OfferList, state: ListState, now: datetime | None = None) -> None:
    """Move a list on from the state it was found in; raise ``Conflict`` if that has changed.

    ``now`` is kept as the moment of opening when the list opens. One that is withdrawn before has
    none any more: so is told that it never was open (``ANNOUNCED``).
    """
    values: dict[str, object] = {"state": state.value, "revision": offer_list.c.revision + 1}
    if now is not None:
        values["opens_at"] = now
    elif state is ListState.WITHDRAWN and found.state is not ListState.OPEN:
        values["opens_at"] = None
    moved = conn.execute(
        offer_list.update()
        .where(offer_list.c.id == found.id, offer_list.c.state == found.state.value)
        .values(**values)
    )
    if moved.rowcount != 1:
        raise Conflict("somebody else changed this list at the same moment; look at it again")


def change(conn: Connection, found: OfferList, values: Mapping[str, Any]) -> OfferList:
    """Change fields of a list as it was found; raise ``Outdated`` if somebody changed it since."""
    row = conn.execute(
        offer_list.update()
        .where(
            offer_list.c.id == found.id,
            offer_list.c.revision == found.revision,
            offer_list.c.state == found.state.value,
        )
        .values(revision=found.revision + 1, **_columns(values))
        .returning(offer_list)
    ).first()
    if row is None:
        raise Outdated(
            "somebody else changed this list at the same moment; look at it again",
            by_id(conn, found.id).revision,
        )
    return _list(row)


def drop_plan(conn: Connection, list_id: int) -> bool:
    """Let a plan of a list be confirmed no more; return whether there was one.

    One that is still being kept is dropped as well: by its public id its planner sees that it is
    not the newest any more.
    """
    dropped = conn.execute(
        allocation_run.update()
        .where(
            allocation_run.c.list_id == list_id,
            allocation_run.c.state != RunState.CONFIRMED.value,
        )
        .values(state=RunState.PLANNING.value, public_id=public_ids.new())
    )
    return dropped.rowcount == 1


def revision_of_titles(conn: Connection, list_id: int) -> int:
    """Return a number that grows with every change of a title on a list."""
    of_them = sa.select(sa.func.coalesce(sa.func.sum(offer.c.revision), 0)).where(
        offer.c.list_id == list_id
    )
    return int(conn.execute(of_them).scalar_one())


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: " ".join(v) if name == "not_to" else v for name, v in values.items()}


class Standing(NamedTuple):
    """How many wishes stand on a list, and of how many partners."""

    wishes: int
    partners: int


def wishes_on(conn: Connection, list_id: int) -> Standing:
    """Return what stands on a list, of wish lists that are still being answered as well.

    With the list locked no wish comes between this look and the end of the transaction.
    """
    row = conn.execute(
        sa.select(sa.func.count(), sa.func.count(wish.c.partner_id.distinct()))
        .select_from(wish.join(offer, offer.c.id == wish.c.offer_id))
        .where(offer.c.list_id == list_id, wish.c.state.in_(_STANDING))
    ).one()
    return Standing(*row)


_STANDING = [WishState.OPEN.value, WishState.PENDING.value]


def concerned(conn: Connection, list_id: int, after: int, limit: int) -> list[int]:
    """Return rows of partners behind ``after`` that a list concerns, in their order.

    Those that may see it now and whose exchange is not suspended, and those that wish for some of
    it, whether or not they may see it still.
    """
    open_to = tiers.open_to(conn, [list_id])[list_id]
    member = audience_member.c
    belongs = sa.exists().where(
        member.partner_id == partner.c.id,
        member.audience_id.in_(sorted(open_to)),
        member.belongs.is_(True),
        member.since.is_not(None),
        member.left.is_(None),
    )
    wishes_for = sa.exists().where(
        wish.c.partner_id == partner.c.id,
        wish.c.state.in_(_STANDING),
        wish.c.offer_id == offer.c.id,
        offer.c.list_id == list_id,
    )
    sees = sa.true() if PUBLIC in open_to else belongs
    rows = conn.execute(
        sa.select(partner.c.id)
        .where(
            partner.c.id > after,
            partner.c.merged_into.is_(None),
            ((partner.c.state == PartnerState.ACTIVE.value) & sees) | wishes_for,
        )
        .order_by(partner.c.id)
        .limit(limit)
    )
    return list(rows.scalars())


def due(conn: Connection, now: datetime) -> list[OfferList]:
    """Return the lists whose opening or closing moment has come."""
    rows = conn.execute(
        sa.select(offer_list).where(
            ((offer_list.c.state == ListState.SCHEDULED.value) & (offer_list.c.opens_at <= now))
            | ((offer_list.c.state == ListState.OPEN.value) & (offer_list.c.closes_at <= now))
        )
    )
    return [_list(row) for row in rows]


def _list(row: sa.Row[Any]) -> OfferList:
    return OfferList(
        id=row.id,
        public_id=row.public_id,
        slug=row.slug,
        title=row.title,
        description=row.description,
        state=ListState(row.state),
        audience_id=row.audience_id,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        zone=row.zone,
        created_at=row.created_at,
        source=Source(row.source),
        policy=AllocationPolicy(row.policy),
        max_per_partner=row.max_per_partner,
        min_parcel=row.min_parcel,
        not_to=tuple(row.not_to.split()),
        revision=row.revision,
        ours=row.offered_by is None,
    )
