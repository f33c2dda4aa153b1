"""Titles that may join a gift: of records, of offers of ours, or as an import brought them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.import_batch import OFFERING
from service.domain.offer import OfferState
from service.store import bulk
from service.store.tables import import_line, offer, offer_list, record, record_version

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)


class Choice(NamedTuple):
    """A title that may join a gift: by whatever it was named, its record, and volumes of a copy."""

    name: str
    record_id: int
    title: str
    volumes: int = 1


_SHOWN = record.join(record_version, record_version.c.id == record.c.current_version_id)
_TITLE = sa.case(
    (record_version.c.title_vernacular != "", record_version.c.title_vernacular),
    else_=record_version.c.title,
)
_RECORDS = (
    sa.select(record.c.public_id, record.c.id, _TITLE, sa.literal(1))
    .select_from(_SHOWN)
    .where(record.c.public_id.in_(_VALUES))
)
_OFFERS = (
    sa.select(offer.c.public_id, record.c.id, _TITLE, offer.c.volumes)
    .select_from(
        _SHOWN.join(offer, offer.c.record_id == record.c.id).join(
            offer_list, offer_list.c.id == offer.c.list_id
        )
    )
    .where(
        offer.c.public_id.in_(_VALUES),
        offer.c.state == OfferState.OFFERED.value,
        offer_list.c.offered_by.is_(None),
    )
)


def of_records(conn: Connection, names: Sequence[str]) -> list[Choice]:
    """Return the titles of these records (public ids), as far as they are catalogued."""
    return [Choice(*row) for row in bulk.select_in(conn, _RECORDS, names)]


def of_offers(conn: Connection, names: Sequence[str]) -> list[Choice]:
    """Return the titles of these offers of ours (public ids), as far as they stand."""
    return [Choice(*row) for row in bulk.select_in(conn, _OFFERS, names)]


def of_batch(conn: Connection, batch_id: int) -> list[Choice]:
    """Return the titles that an import brought, in the order of its file."""
    rows = conn.execute(
        sa.select(record.c.public_id, record.c.id, _TITLE, sa.literal(1))
        .select_from(_SHOWN.join(import_line, import_line.c.record_id == record.c.id))
        .where(
            import_line.c.batch_id == batch_id,
            import_line.c.action.in_(sorted(each.value for each in OFFERING)),
        )
        .order_by(import_line.c.position)
    )
    return [Choice(*row) for row in rows]
