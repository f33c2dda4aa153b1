"""With whom we have a relation: counted from agreements in force and from books that were given."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.agreement import IN_FORCE
from service.domain.transfer import TransferState
from service.store.tables import agreement, agreement_party, partner, transfer


class Relations(NamedTuple):
    """With how many partners, in how many cities and countries or regions, there is a relation."""

    partners: int
    cities: int
    places: int


def count(conn: Connection, day: date) -> Relations:
    """Count whom we have a relation with: an agreement in force on ``day``, or books given.

    An agreement counts as :func:`service.domain.agreement.in_force` says, before any book moves.
    """
    states = [state.value for state in IN_FORCE]
    agreed = (
        sa.select(agreement_party.c.partner_id)
        .join(agreement, agreement.c.id == agreement_party.c.agreement_id)
        .where(
            agreement.c.state.in_(states),
            agreement.c.starts_on <= day,
            sa.or_(agreement.c.ends_on.is_(None), agreement.c.ends_on >= day, agreement.c.renews),
        )
    )
    given = sa.select(transfer.c.partner_id).where(transfer.c.state == TransferState.GIVEN.value)
    rows = conn.execute(
        sa.select(partner.c.city, partner.c.place).where(
            partner.c.merged_into.is_(None),
            sa.or_(partner.c.id.in_(agreed), partner.c.id.in_(given)),
        )
    ).all()
    return Relations(
        partners=len(rows),
        cities=len({(row.place, row.city.strip().casefold()) for row in rows if row.city.strip()}),
        places=len({row.place for row in rows if row.place}),
    )
