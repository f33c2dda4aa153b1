"""Lists of what a partner offers us, or gave us: ours to look at and in no feed, page or answer.

Such a list has an audience of its own that nobody belongs to, and its offers are never marked for
the publisher.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.offer import ListState, OfferState
from service.domain.source import SourceKind
from service.store import bulk, offer_lists, public_ids
from service.store.tables import audience, offer, offer_list, partner, source

INCOMING = "INCOMING"
"""The kind of audience that has no members."""


def add(
    conn: Connection,
    *,
    slug: str,
    title: str,
    description: str,
    partner_id: int,
    state: ListState,
    now: datetime,
) -> int:
    """Make a list of what a partner offers; return its id. Raises ``Conflict`` for a used slug."""
    audience_id = conn.execute(
        audience.insert().values(code=f"incoming:{slug}", kind=INCOMING).returning(audience.c.id)
    ).scalar_one()
    made = offer_lists.add(
        conn,
        slug=slug,
        title=title,
        description=description,
        audience_id=audience_id,
        opens_at=None,
        closes_at=None,
        zone="UTC",
        now=now,
    )
    conn.execute(
        offer_list.update()
        .where(offer_list.c.id == made.id)
        .values(offered_by=partner_id, state=state.value)
    )
    return made.id


class Whose(NamedTuple):
    """The partner whose list it is, and what its source brings, None for what a file brought."""

    partner_id: int
    kind: SourceKind | None


def whose(conn: Connection, list_id: int) -> Whose | None:
    """Return whose list it is, None for a list of ours."""
    row = conn.execute(
        sa.select(offer_list.c.offered_by, source.c.kind)
        .outerjoin(source, source.c.list_id == offer_list.c.id)
        .where(offer_list.c.id == list_id, offer_list.c.offered_by.is_not(None))
    ).first()
    return None if row is None else Whose(row[0], None if row[1] is None else SourceKind(row[1]))


class Incoming(NamedTuple):
    """A list of what a partner (its code) offers us, with the titles that are on it now."""

    slug: str
    title: str
    partner: str
    titles: int


def listed(conn: Connection) -> list[Incoming]:
    """Return the lists that a source of offers fills, by partner: they can be looked through."""
    number = (
        sa.select(sa.func.count())
        .where(offer.c.list_id == offer_list.c.id, offer.c.state == OfferState.OFFERED.value)
        .scalar_subquery()
    )
    rows = conn.execute(
        sa.select(offer_list.c.slug, offer_list.c.title, partner.c.code, number)
        .join(source, source.c.list_id == offer_list.c.id)
        .join(partner, partner.c.id == offer_list.c.offered_by)
        .where(source.c.kind == SourceKind.OFFERS.value)
        .order_by(partner.c.code, offer_list.c.slug)
    )
    return [Incoming(*row) for row in rows]


_OFFERED: Final = sa.select(offer.c.record_id).where(
    offer.c.list_id == sa.bindparam("list"),
    offer.c.state == OfferState.OFFERED.value,
    offer.c.record_id.in_(sa.bindparam("values", expanding=True)),
)


def offer_records(conn: Connection, list_id: int, record_ids: Sequence[int], now: datetime) -> None:
    """Let records be offered to us where they are not; what was taken back is a new offer."""
    wanted = list(dict.fromkeys(record_ids))
    there = {i for (i,) in bulk.select_in(conn, _OFFERED, wanted, {"list": list_id})}
    bulk.insert(
        conn,
        offer,
        ("public_id", "list_id", "record_id", "state", "copies", "created_at"),
        [
            (public_ids.new(), list_id, record_id, OfferState.OFFERED.value, 1, now)
            for record_id in wanted
            if record_id not in there
        ],
    )


def withdraw(conn: Connection, list_id: int, record_ids: Sequence[int]) -> int:
    """Take the offers of some records back, as their partner did; return how many."""
    if not record_ids:
        return 0
    taken = conn.execute(
        offer.update()
        .where(
            offer.c.list_id == list_id,
            offer.c.record_id.in_(record_ids),
            offer.c.state == OfferState.OFFERED.value,
        )
        .values(state=OfferState.WITHDRAWN.value)
    )
    return taken.rowcount


def withdraw_all(conn: Connection, list_id: int) -> None:
    """Take all offers of a list back."""
    conn.execute(
        offer.update()
        .where(offer.c.list_id == list_id, offer.c.state == OfferState.OFFERED.value)
        .values(state=OfferState.WITHDRAWN.value)
    )


def replace_record(conn: Connection, list_id: int, old: int, new: int) -> None:
    """Let what is offered be another record from now on; the offer stays the same."""
    conn.execute(
        offer.update()
        .where(
            offer.c.list_id == list_id,
            offer.c.record_id == old,
            offer.c.state == OfferState.OFFERED.value,
        )
        .values(record_id=new)
    )
