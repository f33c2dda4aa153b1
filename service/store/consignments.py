"""Consignments with their parcels and lines, and what still waits to travel.

A line holds the copies of its transfer until it is released; the database refuses a second line for
them. Every change of a consignment names the state and the revision that it was decided on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.consignment import (
    Consignment,
    ConsignmentState,
    Line,
    NewLine,
    PaidBy,
    Service,
    first_number,
    next_number,
)
from service.domain.transfer import TransferKind, TransferState
from service.errors import Conflict
from service.store import bulk, public_ids
from service.store.tables import (
    consignment,
    consignment_line,
    offer,
    offer_list,
    partner,
    record_version,
    transfer,
)

# The number of the advisory lock under which consignments are numbered.
_NUMBERING: Final = 7_031_978


# --- making ---------------------------------------------------------------------------------------


class NewConsignment(NamedTuple):
    """What is entered of a consignment when it is made."""

    partner_id: int
    kind: TransferKind
    theme: str
    address_roman: str
    address_local: str
    place: str
    service: Service
    gift_id: int | None
    titles: int
    volumes: int
    created_by: str


def add(conn: Connection, new: NewConsignment, now: datetime) -> tuple[int, str]:
    """Enter a consignment as a draft under the next number of the year; return row and public id.

    Only one at a time gets a number: the others wait until its transaction ends.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_NUMBERING)))
    public_id = public_ids.new()
    made = conn.execute(
        consignment.insert()
        .values(
            public_id=public_id,
            number=_number(conn, now.year),
            state=ConsignmentState.DRAFT.value,
            customs={},
            created_at=now,
            **new._asdict() | {"kind": new.kind.value, "service": new.service.value},
        )
        .returning(consignment.c.id)
    )
    return int(made.scalar_one()), public_id


def _number(conn: Connection, year: int) -> str:
    """Return the next number of a year; those above 9999 are longer, and come behind."""
    number = consignment.c.number
    last = conn.execute(
        sa.select(number)
        .where(number > f"{year:04}-", number < f"{year:04}.")  # "." follows "-"
        .order_by(sa.func.length(number).desc(), number.desc())
        .limit(1)
    ).scalar()
    return first_number(year) if last is None else next_number(str(last))


_LINE = (
    "consignment_id",
    "position",
    "transfer_id",
    "offer_id",
    "version_id",
    "title",
    "copies",
    "volumes",
    "value",
    "currency",
    "barcode",
    "tariff",
)


def add_lines(conn: Connection, consignment_id: int, lines: Sequence[NewLine]) -> None:
    """Enter lines behind those that there are.

    Raises ``Conflict`` where copies of one travel in another consignment already.
    """
    _check_free(conn, [each.transfer_id for each in lines if each.transfer_id is not None])
    last = conn.execute(
        sa.select(sa.func.max(consignment_line.c.position)).where(
            consignment_line.c.consignment_id == consignment_id
        )
    ).scalar()
    bulk.insert(
        conn,
        consignment_line,
        _LINE,
        [
            (
                consignment_id,
                position,
                each.transfer_id,
                each.offer_id,
                each.version_id,
                each.title,
                each.copies,
                each.volumes,
                each.value,
                each.currency,
                each.barcode,
                each.tariff,
            )
            for position, each in enumerate(lines, (last or 0) + 1)
        ],
    )


_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
# In the words of the index that is looked at for it: SQLite uses no other.
_HELD = sa.text("NOT consignment_line.released")
# The index that says so decides between two at once; this says it in words.
_TAKEN = (
    sa.select(consignment_line.c.title, consignment.c.number)
    .join(consignment, consignment.c.id == consignment_line.c.consignment_id)
    .where(consignment_line.c.transfer_id.in_(_VALUES), _HELD)
    .order_by(consignment_line.c.consignment_id, consignment_line.c.position)
    .limit(1)
)
# A merger waits for this, and so does whoever packs the same transfer.
_HOLD_TRANSFERS = (
    sa.select(transfer.c.id)
    .where(transfer.c.id.in_(_VALUES))
    .order_by(transfer.c.id)
    .with_for_update()
)


def _check_free(conn: Connection, transfer_ids: Sequence[int]) -> None:
    bulk.select_in(conn, _HOLD_TRANSFERS, sorted(transfer_ids))
    for title, number in bulk.select_in(conn, _TAKEN, transfer_ids):
        raise Conflict(f"{title!r} is in consignment {number} already")


# --- changing -------------------------------------------------------------------------------------


def put(conn: Connection, found: Consignment, **values: Any) -> None:
    """Write columns of a consignment that is still as it was ``found``; its revision moves on.

    Raises ``Conflict`` when somebody was faster.
    """
    done = conn.execute(
        consignment.update()
        .where(
            consignment.c.id == found.id,
            consignment.c.state == found.state.value,
            consignment.c.revision == found.revision,
        )
        .values(revision=found.revision + 1, **values)
    )
    if done.rowcount != 1:
        raise Conflict("somebody else changed this consignment at the same moment; look again")


def put_lines(
    conn: Connection, consignment_id: int, positions: Collection[int], **values: Any
) -> int:
    """Write columns of the lines at these positions that hold their copies; return how many."""
    changed = 0
    wanted = sorted(positions)
    for start in range(0, len(wanted), _AT_ONCE):
        done = conn.execute(
            consignment_line.update()
            .where(
                consignment_line.c.consignment_id == consignment_id,
                consignment_line.c.position.in_(wanted[start : start + _AT_ONCE]),
                _HELD,
            )
            .values(**values)
        )
        changed += done.rowcount
    return changed


_AT_ONCE: Final = 500


def remove_lines(conn: Connection, consignment_id: int, positions: Collection[int]) -> None:
    """Remove lines that never travelled; their copies are free."""
    wanted = sorted(positions)
    for start in range(0, len(wanted), _AT_ONCE):
        conn.execute(
            consignment_line.delete().where(
                consignment_line.c.consignment_id == consignment_id,
                consignment_line.c.position.in_(wanted[start : start + _AT_ONCE]),
            )
        )


def release(conn: Connection, consignment_id: int, positions: Collection[int] | None = None) -> int:
    """Let lines (None: all) go, so that their copies can travel otherwise; return how many."""
    if positions is not None:
        return put_lines(conn, consignment_id, positions, released=True)
    done = conn.execute(
        consignment_line.update()
        .where(consignment_line.c.consignment_id == consignment_id, _HELD)
        .values(released=True)
    )
    return done.rowcount


_ENTER = (
    consignment_line.update()
    .where(
        consignment_line.c.consignment_id == sa.bindparam("in_consignment"),
        consignment_line.c.position == sa.bindparam("at_position"),
    )
    .values(
        transfer_id=sa.select(transfer.c.id)
        .where(transfer.c.public_id == sa.bindparam("name"))
        .scalar_subquery()
    )
)


def enter_transfers(conn: Connection, consignment_id: int, names: Mapping[int, str]) -> None:
    """Note which transfer (a public id) each line became, by position."""
    conn.execute(
        _ENTER,
        [
            {"in_consignment": consignment_id, "at_position": position, "name": name}
            for position, name in sorted(names.items())
        ],
    )


# --- reading --------------------------------------------------------------------------------------

_CONSIGNMENT = sa.select(
    consignment, partner.c.code.label("partner_code"), partner.c.name.label("partner_name")
).join(partner, partner.c.id == consignment.c.partner_id)


def by_name(conn: Connection, name: str) -> Consignment | None:
    """Return the consignment with this public id or number, or None."""
    wanted = public_ids.read(name)
    this = (
        consignment.c.number == name.strip()
        if wanted is None
        else consignment.c.public_id == wanted
    )
    row = conn.execute(_CONSIGNMENT.where(this)).first()
    return None if row is None else _consignment(row)


def by_id(conn: Connection, consignment_id: int) -> Consignment:
    """Return the consignment of this row."""
    row = conn.execute(_CONSIGNMENT.where(consignment.c.id == consignment_id)).one()
    return _consignment(row)


def lock(conn: Connection, consignment_id: int) -> Consignment:
    """Return a consignment and let nobody else change it until the transaction ends."""
    conn.execute(
        sa.select(consignment.c.id).where(consignment.c.id == consignment_id).with_for_update()
    ).one()
    return by_id(conn, consignment_id)


def listed(
    conn: Connection,
    *,
    partner_id: int | None = None,
    states: Collection[ConsignmentState] = frozenset(ConsignmentState),
    gift_id: int | None = None,
    before: str = "",
    limit: int | None = None,
) -> list[Consignment]:
    """Return consignments in these states, newest first, older than the public id ``before``."""
    query = (
        _CONSIGNMENT.where(consignment.c.state.in_(sorted(state.value for state in states)))
        .order_by(consignment.c.id.desc())
        .limit(limit)
    )
    if partner_id is not None:
        query = query.where(consignment.c.partner_id == partner_id)
    if gift_id is not None:
        query = query.where(consignment.c.gift_id == gift_id)
    if before:
        older = sa.select(consignment.c.id).where(consignment.c.public_id == before)
        query = query.where(consignment.c.id < older.scalar_subquery())
    return [_consignment(row) for row in conn.execute(query)]


def _consignment(row: sa.Row[Any]) -> Consignment:
    return Consignment(
        id=row.id,
        public_id=row.public_id,
        number=row.number,
        partner_id=row.partner_id,
        partner=row.partner_code,
        partner_name=row.partner_name,
        kind=TransferKind(row.kind),
        state=ConsignmentState(row.state),
        theme=row.theme,
        address_roman=row.address_roman,
        address_local=row.address_local,
        place=row.place,
        service=Service(row.service),
        carrier=row.carrier,
        customs=row.customs,
        postage=row.postage,
        postage_currency=row.postage_currency,
        postage_paid_by=PaidBy(row.postage_paid_by),
        notes=row.notes,
        gift_id=row.gift_id,
        titles=row.titles,
        volumes=row.volumes,
        weight=row.weight,
        created_by=row.created_by,
        created_at=row.created_at,
        packed_at=row.packed_at,
        dispatched_at=row.dispatched_at,
        dispatched_on=row.dispatched_on,
        delivered_at=row.delivered_at,
        closed_at=row.closed_at,
        remind_at=row.remind_at,
        presume_at=row.presume_at,
        revision=row.revision,
    )


_l, _v = consignment_line.c, record_version.c
_GIVEN = transfer.c.state == TransferState.GIVEN.value
_LINES = (
    sa.select(
        _l.position,
        _l.transfer_id,
        sa.func.coalesce(transfer.c.public_id, "").label("transfer"),
        sa.func.coalesce(_GIVEN, sa.false()).label("given"),
        _l.offer_id,
        sa.func.coalesce(offer.c.public_id, "").label("offer"),
        _l.version_id,
        _l.title,
        _l.copies,
        _l.volumes,
        _l.parcel,
        _l.packed,
        _l.barcode,
        _l.tariff,
        _l.value,
        _l.currency,
        _l.released,
        sa.func.coalesce(_v.title_vernacular, "").label("title_vernacular"),
        sa.func.coalesce(_v.author, "").label("author"),
        sa.func.coalesce(_v.publisher, "").label("publisher"),
        sa.func.coalesce(_v.published, "").label("published"),
        sa.func.coalesce(_v.isbns, "").label("isbns"),
    )
    .outerjoin(transfer, transfer.c.id == _l.transfer_id)
    .outerjoin(offer, offer.c.id == _l.offer_id)
    .outerjoin(record_version, _v.id == _l.version_id)
    .order_by(_l.position)
)


def lines(conn: Connection, consignment_id: int, *, released: bool = False) -> list[Line]:
    """Return the lines of a consignment by position; with ``released`` those it let go as well."""
    query = _LINES.where(_l.consignment_id == consignment_id)
    return [
        Line._make((*row[:-1], tuple(row.isbns.split())))
        for row in conn.execute(query if released else query.where(_HELD))
    ]


# --- what waits to travel -------------------------------------------------------------------------

# What a copy was in the consignment that let it go: a direct gift has no offer that says it.
TRAVELLED: Final = (
    sa.select(
        _l.transfer_id,
        sa.func.max(_l.volumes).label("volumes"),
        sa.func.max(_l.value).label("value"),
        sa.func.max(_l.currency).label("currency"),
    )
    .where(_l.transfer_id.is_not(None), _l.released.is_(True))
    .group_by(_l.transfer_id)
    .subquery("travelled")
)
_WAITING = (
    sa.select(
        transfer.c.id,
        transfer.c.offer_id,
        transfer.c.version_id,
        transfer.c.copies,
        sa.func.coalesce(offer.c.volumes, TRAVELLED.c.volumes, 1).label("volumes"),
        TRAVELLED.c.value,
        sa.func.coalesce(TRAVELLED.c.currency, "").label("currency"),
        _v.title,
    )
    .join(record_version, _v.id == transfer.c.version_id)
    .outerjoin(offer, offer.c.id == transfer.c.offer_id)
    .outerjoin(TRAVELLED, TRAVELLED.c.transfer_id == transfer.c.id)
    .where(
        _GIVEN,
        ~sa.exists().where(_l.transfer_id == transfer.c.id, _HELD),
    )
    .order_by(transfer.c.id)
)


def waiting(conn: Connection, partner_id: int, slugs: Collection[str] = ()) -> list[NewLine]:
    """Return what a partner was given and no consignment holds, of these lists (none: of all)."""
    query = _WAITING.where(transfer.c.partner_id == partner_id)
    if slugs:
        query = query.join(offer_list, offer_list.c.id == offer.c.list_id).where(
            offer_list.c.slug.in_(sorted(slugs))
        )
    return [
        NewLine(
            title=row.title,
            copies=row.copies,
            volumes=row.volumes,
            transfer_id=row.id,
            offer_id=row.offer_id,
            version_id=row.version_id,
            value=row.value,
            currency=row.currency,
        )
        for row in conn.execute(query)
    ]


class Waiting(NamedTuple):
    """How much waits to travel to a partner."""

    partner: str
    name: str
    titles: int
    copies: int


def waiting_partners(conn: Connection) -> list[Waiting]:
    """Return the partners for whom something waits, by code."""
    rows = conn.execute(
        sa.select(
            partner.c.code,
            partner.c.name,
            sa.func.count(),
            sa.func.sum(transfer.c.copies),
        )
        .join(transfer, transfer.c.partner_id == partner.c.id)
        .where(
            _GIVEN,
            ~sa.exists().where(_l.transfer_id == transfer.c.id, _HELD),
        )
        .group_by(partner.c.code, partner.c.name)
        .order_by(partner.c.code)
    )
    return [Waiting(row[0], row[1], int(row[2]), int(row[3])) for row in rows]
