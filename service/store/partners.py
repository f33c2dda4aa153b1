"""Partners: the libraries we exchange with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.partner import Partner, PartnerState, fold_isil
from service.errors import Conflict
from service.store import bulk, public_ids
from service.store.tables import partner


def add(
    conn: Connection,
    *,
    code: str,
    name: str,
    city: str,
    place: str,
    isil: str | None,
    now: datetime,
) -> Partner:
    """Enter a partner; raise ``Conflict`` when its code or its ISIL is taken."""
    values = {
        "public_id": public_ids.new(),
        "code": code,
        "name": name,
        "city": city,
        "place": place,
        "isil": isil,
        "isil_folded": fold_isil(isil) if isil else None,
        "state": PartnerState.ACTIVE.value,
        "created_at": now,
    }
    try:
        with conn.begin_nested():
            row = conn.execute(partner.insert().values(**values).returning(partner)).one()
    except IntegrityError as error:
        what = f"code {code!r}" if by_code(conn, code) else f"ISIL {isil!r}"
        raise Conflict(f"there is already a partner with {what}") from error
    return _partner(row)


def by_code(conn: Connection, code: str) -> Partner | None:
    """Return the partner with this code, or None."""
    row = conn.execute(sa.select(partner).where(partner.c.code == code)).first()
    return None if row is None else _partner(row)


def by_id(conn: Connection, partner_id: int) -> Partner:
    """Return the partner of this row."""
    return _partner(conn.execute(sa.select(partner).where(partner.c.id == partner_id)).one())


def by_codes(conn: Connection, codes: Sequence[str]) -> dict[str, int]:
    """Return the rows of the partners with these codes; a code that nobody has is left out."""
    return dict(bulk.select_in(conn, _BY_CODES, codes))


_BY_CODES = sa.select(partner.c.code, partner.c.id).where(
    partner.c.code.in_(sa.bindparam("values", expanding=True))
)


def lock(conn: Connection, partner_id: int) -> None:
    """Let nobody else change what is this partner's until the transaction ends."""
    conn.execute(sa.select(partner.c.id).where(partner.c.id == partner_id).with_for_update())


def listed(conn: Connection, after: str = "", limit: int = 1000) -> list[Partner]:
    """Return partners in the order of their codes, behind ``after``."""
    rows = conn.execute(
        sa.select(partner).where(partner.c.code > after).order_by(partner.c.code).limit(limit)
    )
    return [_partner(row) for row in rows]


def set_state(conn: Connection, partner_id: int, state: PartnerState) -> None:
    """Suspend the exchange with a partner, or take it up again."""
    conn.execute(partner.update().where(partner.c.id == partner_id).values(state=state.value))


def _partner(row: sa.Row[Any]) -> Partner:
    return Partner(
        id=row.id,
        public_id=row.public_id,
        code=row.code,
        name=row.name,
        city=row.city,
        place=row.place,
        isil=row.isil,
        state=PartnerState(row.state),
        created_at=row.created_at,
    )
