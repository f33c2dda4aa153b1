"""What an allocation is decided on: the titles of a list, the wishes for them, the partners.

Read in bulk, for lists with a million wishes: nothing here is asked once for each wish.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import HOLDING, AllocationPolicy, RunState
from service.domain.book import Book
from service.domain.ledger import Event
from service.domain.offer import OfferState
from service.domain.partner import PartnerState
from service.domain.source import SourceKind
from service.domain.transfer import TransferState
from service.store import bulk
from service.store.consignments import TRAVELLED
from service.store.tables import (
    accession_line,
    allocation,
    allocation_run,
    audience_member,
    consignment,
    consignment_line,
    harvested,
    incoming_gift,
    ledger_entry,
    match_key,
    offer,
    offer_list,
    offer_list_tier,
    partner,
    place_name,
    record,
    record_version,
    source,
    transfer,
    wish,
    wish_list,
)

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_OPEN: sa.ColumnElement[str] = sa.literal_column("'OPEN'")
_GIVEN = transfer.c.state == TransferState.GIVEN.value
# Identifiers of a work or an edition; those of a serial or a set are of something larger.
_OF_A_WORK = ("control", "isbn", "ismn", "doi", "csbn", "lccn", "nbn", "title")


# --- the list -------------------------------------------------------------------------------------


class ListRules(NamedTuple):
    """How a list is allocated: its bounds are in copies, ``not_to`` has codes of places."""

    policy: AllocationPolicy
    max_per_partner: int | None
    min_parcel: int | None
    not_to: str


def list_rules(conn: Connection, list_id: int) -> ListRules:
    """Return how a list is allocated."""
    row = conn.execute(
        sa.select(
            offer_list.c.policy,
            offer_list.c.max_per_partner,
            offer_list.c.min_parcel,
            offer_list.c.not_to,
        ).where(offer_list.c.id == list_id)
    ).one()
    return ListRules(AllocationPolicy(row[0]), *row[1:])


def offerer(conn: Connection, list_id: int) -> str | None:
    """Return the code of the partner who offers a list to us, None for a list of our own."""
    found = conn.execute(
        sa.select(partner.c.code)
        .join(offer_list, offer_list.c.offered_by == partner.c.id)
        .where(offer_list.c.id == list_id)
    )
    return found.scalar()


# --- titles and wishes ----------------------------------------------------------------------------


class Wanted(NamedTuple):
    """An offer that somebody wishes for; ``copies`` are those that are not given yet."""

    offer_id: int
    public_id: str
    copies: int
    volumes: int
    state: OfferState
    not_to: str


def wanted(conn: Connection, list_id: int) -> list[Wanted]:
    """Return the offers of a list that open wishes ask for."""
    rows = conn.execute(
        sa.select(
            offer.c.id,
            offer.c.public_id,
            offer.c.copies - offer.c.allocated,
            offer.c.volumes,
            offer.c.state,
            offer.c.not_to,
        ).where(
            offer.c.list_id == list_id,
            sa.select(wish.c.line_no)
            .where(wish.c.offer_id == offer.c.id, wish.c.state == _OPEN)
            .exists(),
        )
    )
    return [Wanted(*row[:4], OfferState(row[4]), row[5]) for row in rows]


class Asked(NamedTuple):
    """An open wish for an offer, as it was answered."""

    wish_list_id: int
    wish_list: str
    line_no: int
    partner_id: int
    offer_id: int
    quantity: int
    wished_at: datetime
    outcome: str


_WISHES = (
    sa.select(
        wish.c.wish_list_id,
        wish_list.c.public_id,
        wish.c.line_no,
        wish.c.partner_id,
        wish.c.offer_id,
        wish.c.quantity,
        sa.type_coerce(wish.c.wished_at, sa.types.NullType()),
        wish.c.outcome,
    )
    .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
    .where(wish.c.offer_id.in_(_VALUES), wish.c.state == _OPEN)
)


def wishes(conn: Connection, offer_ids: Sequence[int]) -> list[Asked]:
    """Return the open wishes for these offers."""
    return [
        Asked(list_id, wish_list, line_no, who, offer_id, quantity, _moment(at), outcome)
        for list_id, wish_list, line_no, who, offer_id, quantity, at, outcome in bulk.select_in(
            conn, _WISHES, offer_ids
        )
    ]


@lru_cache(maxsize=10_000)
def _moment(value: datetime | str) -> datetime:
    """Return a moment that came past Core: SQLite keeps a text without the zone, which is UTC.

    The wishes of one list have one moment: it is made once.
    """
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value.astimezone(UTC)


class Sent(NamedTuple):
    """What is sent of an offer: a version of its record, so many ``volumes`` a copy."""

    version_id: int
    volumes: int
    book: Book


_VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)
_SENT = offer.join(record, record.c.id == offer.c.record_id).join(
    record_version, record_version.c.id == _VERSION
)
_BOOKS = (
    sa.select(
        offer.c.id,
        record_version.c.id,
        offer.c.volumes,
        record_version.c.title,
        record_version.c.title_vernacular,
        record_version.c.languages,
        record_version.c.place,
    )
    .select_from(_SENT)
    .where(offer.c.id.in_(_VALUES))
)


def sent(conn: Connection, offer_ids: Sequence[int]) -> dict[int, Sent]:
    """Return what these offers are, by the offer; the subjects of their books are not read."""
    return {
        key: Sent(version, volumes, Book(f"{title} {vernacular}", languages, place))
        for key, version, volumes, title, vernacular, languages, place in bulk.select_in(
            conn, _BOOKS, offer_ids
        )
    }


_MINE, _THEIRS = match_key.alias(), match_key.alias()
_RECEIVED_BY_KEY = (
    sa.select(offer.c.id, transfer.c.partner_id)
    .select_from(_SENT)
    .join(_MINE, _MINE.c.version_id == record_version.c.id)
    .join(_THEIRS, (_THEIRS.c.kind == _MINE.c.kind) & (_THEIRS.c.value == _MINE.c.value))
    .join(transfer, transfer.c.version_id == _THEIRS.c.version_id)
    .where(offer.c.id.in_(_VALUES), _MINE.c.kind.in_(_OF_A_WORK), _GIVEN)
    .distinct()
)
_EARLIER = record_version.alias()
_RECEIVED_BY_RECORD = (
    sa.select(offer.c.id, transfer.c.partner_id)
    .join(_EARLIER, _EARLIER.c.record_id == offer.c.record_id)
    .join(transfer, transfer.c.version_id == _EARLIER.c.id)
    .where(offer.c.id.in_(_VALUES), _GIVEN)
    .distinct()
)


def received(conn: Connection, offer_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Return (offer, partner) where a partner was given what this offer is, ever before."""
    if not offer_ids:
        return set()
    found: set[tuple[int, int]] = set()
    for statement in (_RECEIVED_BY_KEY, _RECEIVED_BY_RECORD):
        rows = conn.execute(statement, {"values": list(offer_ids)})
        found |= {(row[0], row[1]) for row in rows}
    return found


# --- partners -------------------------------------------------------------------------------------


class Wisher(NamedTuple):
    """A partner, with what the directory says that counts when copies are given."""

    id: int
    code: str
    place: str
    state: PartnerState
    priority: int
    per_list: int | None
    per_year: int | None
    profile: Mapping[str, Any] | None


_WISHER = sa.select(
    partner.c.id,
    partner.c.code,
    partner.c.place,
    partner.c.state,
    partner.c.priority,
    partner.c.per_list,
    partner.c.per_year,
    partner.c.profile,
).order_by(partner.c.id)


def wishers(conn: Connection, list_id: int) -> list[Wisher]:
    """Return the partners with open wishes for titles of a list."""
    who = (
        sa.select(wish.c.partner_id)
        .join(offer, offer.c.id == wish.c.offer_id)
        .where(offer.c.list_id == list_id, wish.c.state == _OPEN)
    )
    return _wishers(conn, _WISHER.where(partner.c.id.in_(who)))


def wishers_by_id(conn: Connection, partner_ids: Collection[int]) -> list[Wisher]:
    """Return these partners."""
    return _wishers(conn, _WISHER.where(partner.c.id.in_(partner_ids)))


def _wishers(conn: Connection, query: sa.Select[Any]) -> list[Wisher]:
    return [Wisher._make((*row[:3], PartnerState(row[3]), *row[4:])) for row in conn.execute(query)]


def places(conn: Connection) -> dict[int, str]:
    """Return the country or region of every partner whose is known."""
    rows = conn.execute(sa.select(partner.c.id, partner.c.place).where(partner.c.place != ""))
    return {row[0]: row[1] for row in rows}


def weights(conn: Connection) -> dict[str, int]:
    """Return what countries and regions count, where the site says so."""
    rows = conn.execute(
        sa.select(place_name.c.code, place_name.c.weight).where(place_name.c.weight != 0)
    )
    return {row[0]: row[1] for row in rows}


# What was given is in the ledger from its dispatch on; so is what came back, or is lost.
_UNDISPATCHED = (
    _GIVEN
    & ~sa.select(consignment_line.c.position)
    .join(consignment, consignment.c.id == consignment_line.c.consignment_id)
    .where(
        consignment_line.c.transfer_id == transfer.c.id,
        sa.text("NOT consignment_line.released"),
        consignment.c.dispatched_at.is_not(None),
    )
    .exists()
)


def volumes_undispatched(conn: Connection) -> dict[int, int]:
    """Return how many volumes each partner was given by us that were not dispatched yet."""
    return _sums(
        conn,
        sa.select(
            transfer.c.partner_id,
            sa.func.sum(
                transfer.c.copies * sa.func.coalesce(offer.c.volumes, TRAVELLED.c.volumes, 1)
            ),
        )
        .outerjoin(offer, offer.c.id == transfer.c.offer_id)
        .outerjoin(TRAVELLED, TRAVELLED.c.transfer_id == transfer.c.id)
        .where(_UNDISPATCHED)
        .group_by(transfer.c.partner_id),
    )


# What a partner gave us is in the ledger once it is accessioned.
_ACCESSIONED = (
    sa.select(accession_line.c.position)
    .join(incoming_gift, incoming_gift.c.id == accession_line.c.incoming_gift_id)
    .join(
        ledger_entry,
        (ledger_entry.c.event == Event.ACCESSION.value)
        & (ledger_entry.c.event_key == incoming_gift.c.public_id),
    )
    .where(accession_line.c.record_id == harvested.c.record_id)
    .exists()
)


def volumes_announced(conn: Connection) -> dict[int, int]:
    """Return of how many books that they gave us we harvested records, and none is accessioned."""
    return _sums(
        conn,
        sa.select(source.c.partner_id, sa.func.count())
        .join(harvested, harvested.c.source_id == source.c.id)
        .where(
            source.c.kind == SourceKind.GIVEN.value, harvested.c.deleted.is_(False), ~_ACCESSIONED
        )
        .group_by(source.c.partner_id),
    )


# What confirmed runs have for partners: given, waiting for an answer, or about to be confirmed.
_HELD = sa.and_(
    allocation.c.state.in_(["PROPOSED", *sorted(state.value for state in HOLDING)]),
    allocation.c.given > 0,
    allocation_run.c.state == RunState.CONFIRMED.value,
)
_TO_COME = _HELD & allocation.c.transfer.is_(None)


def copies_since(conn: Connection, since: datetime) -> dict[int, int]:
    """Return how many copies partners were given since a moment, or will be by confirmed runs."""
    entered = _sums(
        conn,
        sa.select(transfer.c.partner_id, sa.func.sum(transfer.c.copies))
        .where(_GIVEN, transfer.c.created_at >= since)
        .group_by(transfer.c.partner_id),
    )
    return _with(entered, _sums(conn, _held_by(_TO_COME)))


def copies_undispatched(conn: Connection) -> dict[int, int]:
    """Return how many copies partners were given or will be by confirmed runs, undispatched yet."""
    query = sa.select(transfer.c.partner_id, sa.func.sum(transfer.c.copies)).where(_UNDISPATCHED)
    entered = _sums(conn, query.group_by(transfer.c.partner_id))
    return _with(entered, _sums(conn, _held_by(_TO_COME)))


def volumes_to_come(conn: Connection) -> dict[int, int]:
    """Return how many volumes confirmed runs have for partners that were not given yet."""
    return _sums(
        conn,
        sa.select(allocation.c.partner_id, sa.func.sum(allocation.c.given * offer.c.volumes))
        .join(allocation_run, allocation_run.c.id == allocation.c.run_id)
        .join(offer, offer.c.id == allocation.c.offer_id)
        .where(_TO_COME)
        .group_by(allocation.c.partner_id),
    )


def copies_of_list(conn: Connection, list_id: int) -> dict[int, int]:
    """Return how many copies of a list partners have by its confirmed run, or will have."""
    return _sums(conn, _held_by(_HELD & (allocation_run.c.list_id == list_id)))


def _held_by(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(allocation.c.partner_id, sa.func.sum(allocation.c.given))
        .join(allocation_run, allocation_run.c.id == allocation.c.run_id)
        .where(which)
        .group_by(allocation.c.partner_id)
    )


def _with(some: Mapping[int, int], others: Mapping[int, int]) -> dict[int, int]:
    return {who: some.get(who, 0) + others.get(who, 0) for who in {*some, *others}}


def _sums(conn: Connection, query: sa.Select[Any]) -> dict[int, int]:
    return {row[0]: int(row[1]) for row in conn.execute(query)}


def tiers(conn: Connection, list_id: int) -> list[int]:
    """Return the audiences that a list opened to, in the order in which it did."""
    own = sa.select(offer_list.c.audience_id).where(offer_list.c.id == list_id)
    later = (
        sa.select(offer_list_tier.c.audience_id)
        .where(offer_list_tier.c.list_id == list_id, offer_list_tier.c.opened_at.is_not(None))
        .order_by(offer_list_tier.c.opens_at, offer_list_tier.c.audience_id)
    )
    return [*conn.execute(own).scalars(), *conn.execute(later).scalars()]


def members(conn: Connection, audience_id: int) -> set[int]:
    """Return the partners that belong to an audience."""
    rows = conn.execute(
        sa.select(audience_member.c.partner_id).where(
            audience_member.c.audience_id == audience_id, audience_member.c.belongs.is_(True)
        )
    )
    return set(rows.scalars())
