"""Partners and the audiences they belong to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.partner import Partner, PartnerState, fold_isil
from service.errors import Conflict
from service.store import public_ids
from service.store.feed import PUBLIC
from service.store.tables import audience, audience_member, partner


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


def audiences(conn: Connection, partner_id: int) -> frozenset[int]:
    """Return the audiences that a partner belongs to, the public among them."""
    found = conn.execute(
        sa.select(audience_member.c.audience_id).where(audience_member.c.partner_id == partner_id)
    )
    return frozenset({PUBLIC, *found.scalars()})


def group(conn: Connection, code: str, members: list[int], since: int) -> int:
    """Make an audience of its own for ``members``; ``since`` is the feed's clock. Return its id."""
    made = conn.execute(
        audience.insert().values(code=code, kind="GROUP").returning(audience.c.id)
    ).scalar_one()
    conn.execute(
        audience_member.insert(),
        [{"audience_id": made, "partner_id": member, "since": since} for member in members],
    )
    return int(made)


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
