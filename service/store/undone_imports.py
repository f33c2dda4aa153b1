"""What an import did, so that it can be undone: what it replaced, and what it brought to its list.

An offer that is given, in part or whole, is never taken back here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.import_batch import OFFERING, Action, Batch, Done, Staged
from service.domain.offer import OfferState
from service.store import bulk, feed, records
from service.store.tables import (
    accession_line,
    exchange_serial,
    gift,
    gift_line,
    harvest,
    harvested,
    import_line,
    incoming_gift,
    offer,
    offer_list,
    record,
    transfer,
)

# Whatever else may stand on a record: one that is known elsewhere stays in the catalogue.
_ELSEWHERE: Final = (gift_line, accession_line, exchange_serial, harvested)
_KEEP: Final = (
    import_line.update()
    .where(
        import_line.c.batch_id == sa.bindparam("of_batch"),
        import_line.c.position == sa.bindparam("of_position"),
    )
    .values(replaced_version_id=sa.bindparam("replaced"))
)


def keep_replaced(conn: Connection, batch_id: int, lines: Sequence[Staged]) -> None:
    """Keep which versions the records show that these lines are about to replace."""
    updates = [line for line in lines if line.action is Action.UPDATE and line.record_id]
    shown = records.current_versions(conn, [line.record_id or 0 for line in updates])
    rows = [(batch_id, each.position, shown.get(each.record_id or 0)) for each in updates]
    bulk.run(conn, _KEEP, ("of_batch", "of_position", "replaced"), rows)


class Bound(NamedTuple):
    """What holds a batch, so that only its own room may take it back."""

    to_gift: bool
    to_harvest: bool
    to_partner: bool


def bound(conn: Connection, batch: Batch) -> Bound:
    """Return whether a batch belongs to a gift, a harvest, or a list of a partner's."""

    def there(where: sa.ColumnElement[bool]) -> bool:
        return bool(conn.execute(sa.select(sa.exists().where(where))).scalar_one())

    return Bound(
        there(gift.c.batch_id == batch.id) or there(incoming_gift.c.batch_id == batch.id),
        there(harvest.c.batch_id == batch.id),
        there((offer_list.c.id == batch.list_id) & offer_list.c.offered_by.is_not(None)),
    )


_GIVEN: Final = offer.c.allocated > 0
_DONE = (
    sa.select(
        import_line.c.position,
        import_line.c.title,
        import_line.c.action,
        import_line.c.record_id,
        import_line.c.version_id,
        import_line.c.replaced_version_id,
        record.c.current_version_id,
        offer.c.id.label("offer_id"),
        sa.case((_GIVEN, 1), else_=0).label("given"),
    )
    .select_from(
        import_line.outerjoin(record, record.c.id == import_line.c.record_id).outerjoin(
            offer,
            (offer.c.record_id == import_line.c.record_id)
            & (offer.c.import_id == import_line.c.batch_id)
            & (offer.c.state == OfferState.OFFERED.value),
        )
    )
    .order_by(import_line.c.position)
)


def done(conn: Connection, batch_id: int, after: int, limit: int) -> list[Done]:
    """Return what up to ``limit`` lines behind position ``after`` did and how that stands now."""
    rows = conn.execute(
        _DONE.where(import_line.c.batch_id == batch_id, import_line.c.position > after).limit(limit)
    )
    return [_done(row._mapping) for row in rows]


def held(conn: Connection, batch_id: int, limit: int) -> list[Done]:
    """Return up to ``limit`` lines that cannot be undone now."""
    later = import_line.c.action.in_([Action.NEW.value, Action.UPDATE.value]) & (
        record.c.current_version_id != import_line.c.version_id
    )
    rows = conn.execute(
        _DONE.where(
            import_line.c.batch_id == batch_id,
            import_line.c.action.in_([each.value for each in OFFERING]),
            (offer.c.id.is_not(None) & _GIVEN) | later,
        ).limit(limit)
    )
    return [_done(row._mapping) for row in rows]


def _done(found: Mapping[Any, Any]) -> Done:
    values = dict(found)
    values["action"] = Action(values["action"])
    values["given"] = bool(values["given"])
    return Done(**values)


def take_back(conn: Connection, each: Done) -> bool:
    """Undo one line: its offer, and what it made its record show; False if it is given by now."""
    if each.offer_id is not None:
        withdrawn = conn.execute(
            offer.update()
            .where(offer.c.id == each.offer_id, offer.c.allocated == 0)
            .values(
                state=OfferState.WITHDRAWN.value,
                # Its record may show nothing any more; that it is gone is told all the same.
                pinned_version_id=sa.func.coalesce(
                    offer.c.pinned_version_id, each.current_version_id
                ),
            )
        )
        if withdrawn.rowcount != 1:
            return False
        feed.mark(conn, feed.OFFER, [each.offer_id])
    if each.action is Action.UPDATE and each.replaced_version_id:
        _show(conn, each, each.replaced_version_id)
    elif each.action in {Action.NEW, Action.UPDATE} and not _is_known(conn, each):
        _show(conn, each, None)
    return True


def _show(conn: Connection, each: Done, version_id: int | None) -> None:
    conn.execute(
        record.update()
        .where(record.c.id == each.record_id, record.c.current_version_id == each.version_id)
        .values(current_version_id=version_id)
    )


def _is_known(conn: Connection, each: Done) -> bool:
    """Whether something else than this import stands on a record."""
    others = [
        sa.exists().where(offer.c.record_id == each.record_id, offer.c.pinned_version_id.is_(None)),
        sa.exists().where(transfer.c.version_id == each.version_id),
        *(sa.exists().where(table.c.record_id == each.record_id) for table in _ELSEWHERE),
    ]
    return bool(conn.execute(sa.select(sa.or_(*others))).scalar_one())
