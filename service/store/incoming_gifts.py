"""Incoming gifts: where they stand, and the figures of their pieces.

Every change names the state and the revision that it was decided on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.accession import Decision
from service.domain.import_batch import BatchState
from service.domain.incoming_gift import IncomingGift, IncomingSource, IncomingState
from service.domain.transfer import TransferKind
from service.errors import Conflict
from service.store import public_ids
from service.store.tables import accession_line, import_batch, incoming_gift, partner

_L = accession_line.c
_ACCEPTED = _L.decision == Decision.ACCEPTED.value
_PENDING = _L.decision == Decision.PENDING.value


def _figure(what: sa.ColumnElement[Any], where: sa.ColumnElement[bool]) -> Any:
    query = sa.select(sa.func.coalesce(what, 0)).where(_L.incoming_gift_id == incoming_gift.c.id)
    return query.where(where).correlate(incoming_gift).scalar_subquery()


_COUNT = sa.func.count()
_FIGURES: Final = {
    "lines": _figure(_COUNT, sa.true()),
    "titles": _figure(_COUNT, _ACCEPTED),
    "volumes": _figure(sa.func.sum((_L.received - _L.damaged) * _L.volumes), _ACCEPTED),
    "declined": _figure(_COUNT, _L.decision == Decision.DECLINED.value),
    "missing": _figure(_COUNT, _PENDING & (_L.received == 0)),
    "undecided": _figure(_COUNT, _PENDING & (_L.received > 0)),
    "bare": _figure(_COUNT, _ACCEPTED & _L.record_id.is_(None)),
}
_GIFT = sa.select(
    incoming_gift,
    partner.c.code,
    partner.c.name,
    import_batch.c.public_id.label("batch"),
    import_batch.c.state.label("batch_state"),
    *(figure.label(name) for name, figure in _FIGURES.items()),
).select_from(
    incoming_gift.join(partner, partner.c.id == incoming_gift.c.partner_id).outerjoin(
        import_batch, import_batch.c.id == incoming_gift.c.batch_id
    )
)


def by_public_id(conn: Connection, public_id: str) -> IncomingGift | None:
    """Return a gift, or None."""
    row = conn.execute(_GIFT.where(incoming_gift.c.public_id == public_id)).first()
    return None if row is None else _gift(row)


def by_id(conn: Connection, gift_id: int) -> IncomingGift:
    """Return the gift of this row."""
    return _gift(conn.execute(_GIFT.where(incoming_gift.c.id == gift_id)).one())


def lock(conn: Connection, gift_id: int) -> IncomingGift:
    """Return a gift that nobody else changes until the transaction ends."""
    row = incoming_gift.c.id
    conn.execute(sa.select(row).where(row == gift_id).with_for_update()).one()
    return by_id(conn, gift_id)


def listed(
    conn: Connection,
    *,
    partner_id: int | None = None,
    states: Collection[IncomingState],
    before: str = "",
    limit: int | None = None,
) -> list[IncomingGift]:
    """Return gifts in these states, newest first, older than the public id ``before``."""
    column = incoming_gift.c
    query = _GIFT.where(column.state.in_(sorted(each.value for each in states)))
    if partner_id is not None:
        query = query.where(column.partner_id == partner_id)
    if before:
        query = query.where(column.public_id < before)
    rows = conn.execute(query.order_by(column.public_id.desc()).limit(limit))
    return [_gift(row) for row in rows]


_NAMES: Final[Sequence[str]] = (
    "id",
    "public_id",
    "partner_id",
    "title",
    "announced_titles",
    "announced_volumes",
    "announced_at",
    "received_on",
    "checked_at",
    "catalogued_at",
    "displayed_at",
    "acknowledged_at",
    "postage",
    "postage_currency",
    "weight",
    "notes",
    "created_by",
    "revision",
)


def _gift(row: sa.Row[Any]) -> IncomingGift:
    given: dict[str, Any] = {name: getattr(row, name) for name in _NAMES}
    given |= {name: int(getattr(row, name)) for name in _FIGURES}
    return IncomingGift(
        **given,
        partner=row.code,
        partner_name=row.name,
        kind=TransferKind(row.kind),
        state=IncomingState(row.state),
        source=IncomingSource(row.source),
        batch=row.batch or "",
        batch_state=None if row.batch_state is None else BatchState(row.batch_state),
    )


def add(
    conn: Connection, partner_id: int, values: Mapping[str, Any], by: str, now: datetime
) -> int:
    """Enter a gift as announced; return its row."""
    made = conn.execute(
        incoming_gift.insert()
        .values(
            public_id=public_ids.new(),
            partner_id=partner_id,
            state=IncomingState.ANNOUNCED.value,
            announced_at=now,
            created_by=by,
            **values,
        )
        .returning(incoming_gift.c.id)
    )
    return int(made.scalar_one())


def put(conn: Connection, found: IncomingGift, **values: Any) -> IncomingGift:
    """Write columns of a gift that is still as it was ``found``; its revision moves on.

    Raises ``Conflict`` when somebody was faster.
    """
    done = conn.execute(
        incoming_gift.update()
        .where(
            incoming_gift.c.id == found.id,
            incoming_gift.c.state == found.state.value,
            incoming_gift.c.revision == found.revision,
        )
        .values(revision=found.revision + 1, **values)
    )
    if done.rowcount != 1:
        raise Conflict("somebody else changed this gift at the same moment; look again")
    return by_id(conn, found.id)
