"""What partners were given before, recognised by its keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from marc_mappings.match_keys import Key
from service.domain.transfer import TransferState
from service.store import offer_keys
from service.store.tables import match_key, transfer


def by_key(
    conn: Connection, partner_ids: Collection[int], keys: Iterable[Key]
) -> dict[int, dict[Key, datetime]]:
    """Return, by partner, those of ``keys`` that something has which it was given, and when last.

    A partner that was never given anything is left out.
    """
    given = transfer.c.state == TransferState.GIVEN.value
    query = sa.select(transfer.c.partner_id).distinct()
    givens = query.where(transfer.c.partner_id.in_(sorted(partner_ids)), given)
    found: dict[int, dict[Key, datetime]] = {i: {} for i in conn.execute(givens).scalars()}
    if not found:
        return found
    for kind, values in offer_keys.by_kind(keys):
        rows = conn.execute(
            sa.select(transfer.c.partner_id, match_key.c.value, sa.func.max(transfer.c.created_at))
            .join(transfer, transfer.c.version_id == match_key.c.version_id)
            .where(
                match_key.c.kind == kind,
                match_key.c.value.in_(values),
                transfer.c.partner_id.in_(sorted(found)),
                given,
            )
            .group_by(transfer.c.partner_id, match_key.c.value)
        )
        for partner_id, value, moment in rows:
            found[partner_id][Key(kind, value)] = moment
    return found
