"""Direct gifts and their titles. Whether one is packed or gone is read from its consignments.

A line that came by a table has its place in the import of that table until the import is committed;
then it has its record. Every change of a gift names the state and the revision it was decided on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.consignment import OPEN, ConsignmentState
from service.domain.gift import Carrier, Gift, GiftLine, GiftState, NewGiftLine
from service.domain.import_batch import OFFERING, Action, BatchState
from service.domain.transfer import TransferKind
from service.errors import Conflict
from service.store import bulk, public_ids
from service.store.tables import (
    consignment,
    consignment_line,
    gift,
    gift_line,
    import_batch,
    import_line,
    partner,
    record,
    record_version,
)

_AT_ONCE: Final = 500

# --- where a gift stands --------------------------------------------------------------------------

# A line that was given and then let go travels with another consignment: it was packed once.
_HOLDS = (consignment.c.state != ConsignmentState.CANCELLED.value) & (
    consignment_line.c.released.is_(False) | consignment_line.c.transfer_id.is_not(None)
)
_PACKED_LINES = (
    consignment.join(consignment_line, consignment_line.c.consignment_id == consignment.c.id)
    .join(record_version, record_version.c.id == consignment_line.c.version_id)
    .join(
        gift_line,
        (gift_line.c.gift_id == consignment.c.gift_id)
        & (gift_line.c.record_id == record_version.c.record_id),
    )
)
_packed = (
    sa.select(sa.func.count(gift_line.c.position.distinct()))
    .select_from(_PACKED_LINES)
    .where(consignment.c.gift_id == gift.c.id, _HOLDS)
    .correlate(gift)
    .scalar_subquery()
)
_titles = (
    sa.select(sa.func.count()).where(gift_line.c.gift_id == gift.c.id).correlate(gift)
).scalar_subquery()
_not_left = sa.exists().where(
    consignment.c.gift_id == gift.c.id, consignment.c.state.in_(sorted(each.value for each in OPEN))
)
STATE: Final = sa.case(
    (gift.c.state != GiftState.APPROVED.value, gift.c.state),
    (_packed < _titles, GiftState.APPROVED.value),
    (_not_left, GiftState.PACKED.value),
    else_=GiftState.DISPATCHED.value,
)
"""Where a gift stands, as a column."""


def _sum(what: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
    query = sa.select(sa.func.coalesce(sa.func.sum(what), 0))
    return query.where(gift_line.c.gift_id == gift.c.id).correlate(gift).scalar_subquery()


_GIFT = sa.select(
    gift,
    STATE.label("stands"),
    partner.c.code,
    partner.c.name,
    _titles.label("titles"),
    _sum(gift_line.c.copies * gift_line.c.volumes).label("volumes"),
    _sum(gift_line.c.copies * gift_line.c.cost).label("cost_of_lines"),
    import_batch.c.public_id.label("batch"),
    import_batch.c.state.label("batch_state"),
).select_from(
    gift.join(partner, partner.c.id == gift.c.partner_id).outerjoin(
        import_batch, import_batch.c.id == gift.c.batch_id
    )
)


# --- reading --------------------------------------------------------------------------------------


def by_public_id(conn: Connection, public_id: str) -> Gift | None:
    """Return a gift, or None."""
    rows = conn.execute(_GIFT.where(gift.c.public_id == public_id)).all()
    return _gifts(conn, rows)[0] if rows else None


def by_id(conn: Connection, gift_id: int) -> Gift:
    """Return the gift of this row."""
    return _gifts(conn, [conn.execute(_GIFT.where(gift.c.id == gift_id)).one()])[0]


def lock(conn: Connection, gift_id: int) -> Gift:
    """Return a gift that nobody else changes until the transaction ends."""
    conn.execute(sa.select(gift.c.id).where(gift.c.id == gift_id).with_for_update())
    return by_id(conn, gift_id)


def listed(
    conn: Connection,
    *,
    partner_id: int | None = None,
    states: Collection[GiftState],
    before: str = "",
    limit: int | None = None,
) -> list[Gift]:
    """Return gifts in these states, newest first, older than the public id ``before``."""
    query = _GIFT.where(STATE.in_(sorted(each.value for each in states)))
    if partner_id is not None:
        query = query.where(gift.c.partner_id == partner_id)
    if before:
        query = query.where(gift.c.public_id < before)
    return _gifts(conn, conn.execute(query.order_by(gift.c.public_id.desc()).limit(limit)).all())


def _gifts(conn: Connection, rows: Sequence[sa.Row[Any]]) -> list[Gift]:
    carriers: dict[int, list[Carrier]] = {row.id: [] for row in rows}
    found = conn.execute(
        sa.select(consignment.c.gift_id, consignment.c.number, consignment.c.state)
        .where(
            consignment.c.gift_id.in_(sorted(carriers)),
            consignment.c.state != ConsignmentState.CANCELLED.value,
        )
        .order_by(consignment.c.id)
    )
    for gift_id, number, state in found:
        carriers[gift_id].append(Carrier(number, ConsignmentState(state)))
    return [_gift(row, carriers[row.id]) for row in rows]


def _gift(row: sa.Row[Any], carriers: Sequence[Carrier]) -> Gift:
    return Gift(
        id=row.id,
        public_id=row.public_id,
        partner_id=row.partner_id,
        partner=row.code,
        partner_name=row.name,
        title=row.title,
        kind=TransferKind(row.kind),
        state=GiftState(row.stands),
        batch_id=row.batch_id,
        budget_line=row.budget_line,
        cost=row.cost,
        currency=row.currency,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        reason=row.reason,
        notes=row.notes,
        created_at=row.created_at,
        revision=row.revision,
        titles=int(row.titles),
        volumes=int(row.volumes),
        cost_of_lines=int(row.cost_of_lines),
        batch=row.batch or "",
        batch_state=None if row.batch_state is None else BatchState(row.batch_state),
        consignments=tuple(carriers),
    )


_LINES = (
    sa.select(
        gift_line,
        record.c.public_id,
        record.c.current_version_id,
        import_batch.c.state,
        import_line.c.record_id,
        import_line.c.action,
        import_line.c.problems,
    )
    .select_from(
        gift_line.join(gift, gift.c.id == gift_line.c.gift_id)
        .outerjoin(import_batch, import_batch.c.id == gift.c.batch_id)
        .outerjoin(
            import_line,
            (import_line.c.batch_id == gift.c.batch_id)
            & (import_line.c.position == gift_line.c.batch_position)
            & gift_line.c.record_id.is_(None),
        )
        .outerjoin(
            record, record.c.id == sa.func.coalesce(gift_line.c.record_id, import_line.c.record_id)
        )
    )
    .order_by(gift_line.c.position)
)


def lines(
    conn: Connection, gift_id: int, after: int = 0, limit: int | None = None
) -> list[GiftLine]:
    """Return up to ``limit`` lines behind position ``after``."""
    query = _LINES.where(gift_line.c.gift_id == gift_id, gift_line.c.position > after)
    return [_line(row) for row in conn.execute(query.limit(limit))]


def _line(row: Any) -> GiftLine:
    (_, position, record_id, _, title, copies, volumes, cost, *rest) = row
    name, version_id, batch_state, _, action, problems = rest
    problem = "" if record_id is not None else _why(batch_state, action, problems)
    shown = "" if problem else (name or "")
    return GiftLine(position, shown, record_id, version_id, title, copies, volumes, cost, problem)


def _why(batch_state: str | None, action: str | None, problems: Any) -> str:
    """Return why a line of a table has no record, "" if the import brought one."""
    if batch_state == BatchState.FAILED:
        return "the import of its table failed: send the table again"
    if batch_state != BatchState.COMMITTED:
        return "its record is still being catalogued"
    if action is None or Action(action) not in OFFERING:
        told = "; ".join(each["message"] for each in problems or ())
        return f"its record was not taken into the catalogue: {told or 'it is not in the import'}"
    return ""


def record_ids(conn: Connection, gift_id: int) -> set[int]:
    """Return the records that are in a gift."""
    rows = conn.execute(
        sa.select(gift_line.c.record_id).where(
            gift_line.c.gift_id == gift_id, gift_line.c.record_id.is_not(None)
        )
    )
    return {row[0] for row in rows}


# --- making and changing --------------------------------------------------------------------------


def add(
    conn: Connection, partner_id: int, values: Mapping[str, Any], by: str, now: datetime
) -> int:
    """Enter a gift as a draft; return its row."""
    made = conn.execute(
        gift.insert()
        .values(
            public_id=public_ids.new(),
            partner_id=partner_id,
            state=GiftState.DRAFT.value,
            requested_by=by,
            created_at=now,
            **values,
        )
        .returning(gift.c.id)
    )
    return int(made.scalar_one())


def put(conn: Connection, found: Gift, **values: Any) -> None:
    """Write columns of a gift that is still as it was ``found``; its revision moves on.

    Raises ``Conflict`` when somebody was faster.
    """
    packed = {GiftState.PACKED, GiftState.DISPATCHED}
    kept = GiftState.APPROVED if found.state in packed else found.state
    done = conn.execute(
        gift.update()
        .where(
            gift.c.id == found.id,
            gift.c.state == kept.value,
            gift.c.revision == found.revision,
        )
        .values(revision=found.revision + 1, **values)
    )
    if done.rowcount != 1:
        raise Conflict("somebody else changed this gift at the same moment; look again")


_LINE = (
    "gift_id",
    "position",
    "record_id",
    "batch_position",
    "title",
    "copies",
    "volumes",
    "cost",
)


def add_lines(conn: Connection, gift_id: int, new: Sequence[NewGiftLine]) -> None:
    """Enter lines behind those that there are; none of them has a record that is in it already."""
    last = conn.execute(
        sa.select(sa.func.max(gift_line.c.position)).where(gift_line.c.gift_id == gift_id)
    ).scalar()
    bulk.insert(
        conn,
        gift_line,
        _LINE,
        [
            (
                gift_id,
                position,
                each.record_id,
                each.batch_position,
                each.title,
                each.copies,
                each.volumes,
                each.cost,
            )
            for position, each in enumerate(new, (last or 0) + 1)
        ],
    )


def change_line(conn: Connection, gift_id: int, position: int, values: Mapping[str, Any]) -> bool:
    """Write columns of one line; return whether there is one."""
    done = conn.execute(
        gift_line.update()
        .where(gift_line.c.gift_id == gift_id, gift_line.c.position == position)
        .values(**values)
    )
    return done.rowcount == 1


def remove_lines(conn: Connection, gift_id: int, positions: Collection[int]) -> int:
    """Take lines out; return how many there were."""
    wanted = sorted(positions)
    return sum(
        conn.execute(
            gift_line.delete().where(
                gift_line.c.gift_id == gift_id,
                gift_line.c.position.in_(wanted[start : start + _AT_ONCE]),
            )
        ).rowcount
        for start in range(0, len(wanted), _AT_ONCE)
    )


def remove_table(conn: Connection, gift_id: int) -> int:
    """Take out what came by a table; return how many lines that were."""
    done = conn.execute(
        gift_line.delete().where(
            gift_line.c.gift_id == gift_id, gift_line.c.batch_position.is_not(None)
        )
    )
    return done.rowcount


_SETTLED = (
    sa.select(gift_line.c.position, import_line.c.record_id)
    .select_from(
        gift_line.join(gift, gift.c.id == gift_line.c.gift_id)
        .join(import_batch, import_batch.c.id == gift.c.batch_id)
        .join(
            import_line,
            (import_line.c.batch_id == gift.c.batch_id)
            & (import_line.c.position == gift_line.c.batch_position),
        )
    )
    .where(
        gift_line.c.record_id.is_(None),
        import_batch.c.state == BatchState.COMMITTED.value,
        import_line.c.action.in_(sorted(each.value for each in OFFERING)),
        import_line.c.record_id.is_not(None),
    )
    .order_by(gift_line.c.position)
)


def settled(conn: Connection, gift_id: int) -> list[tuple[int, int]]:
    """Return (position, record) of lines whose record came by now."""
    rows = conn.execute(_SETTLED.where(gift_line.c.gift_id == gift_id))
    return [(row[0], row[1]) for row in rows]


def settle(conn: Connection, gift_id: int, pairs: Sequence[tuple[int, int]]) -> None:
    """Give lines (by position) their records."""
    if pairs:
        conn.execute(
            gift_line.update()
            .where(gift_line.c.gift_id == gift_id, gift_line.c.position == sa.bindparam("at"))
            .values(record_id=sa.bindparam("brought")),
            [{"at": position, "brought": record_id} for position, record_id in pairs],
        )


def packed_positions(conn: Connection, gift_id: int) -> set[int]:
    """Return the positions of lines that are in a consignment of the gift."""
    rows = conn.execute(
        sa.select(gift_line.c.position)
        .select_from(_PACKED_LINES)
        .where(consignment.c.gift_id == gift_id, _HOLDS)
    )
    return {row[0] for row in rows}
