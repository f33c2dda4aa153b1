"""Partners, as far as every request needs them; ``store.directory`` has their whole entries.

An entry that was merged into another keeps its row, so that its code is never given anew. Nobody is
it any more: ``by_codes`` leaves it out, ``lock`` refuses it, and ``merged_into`` says what it
became.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.partner import Partner, PartnerState
from service.errors import Conflict
from service.store import bulk
from service.store.tables import partner

# What a request needs: not the notes, nor what else only the directory shows.
_COLUMNS = (
    partner.c.id,
    partner.c.public_id,
    partner.c.code,
    partner.c.name,
    partner.c.city,
    partner.c.place,
    partner.c.isil,
    partner.c.state,
    partner.c.created_at,
)


def by_code(conn: Connection, code: str) -> Partner | None:
    """Return the partner with this code, merged into another or not; or None."""
    row = conn.execute(sa.select(*_COLUMNS).where(partner.c.code == code)).first()
    return None if row is None else _partner(row)


def by_id(conn: Connection, partner_id: int) -> Partner:
    """Return the partner of this row."""
    return _partner(conn.execute(sa.select(*_COLUMNS).where(partner.c.id == partner_id)).one())


def merged_into(conn: Connection, code: str) -> str | None:
    """Return the code of the entry into which this one was merged, None where it was not."""
    found = conn.execute(_SURVIVOR, {"code": code}).scalar()
    return None if found is None else str(found)


_became = partner.alias()
_SURVIVOR = (
    sa.select(_became.c.code)
    .join(partner, partner.c.merged_into == _became.c.id)
    .where(partner.c.code == sa.bindparam("code"))
)


def by_codes(conn: Connection, codes: Sequence[str]) -> dict[str, int]:
    """Return the rows of the partners with these codes; a code that nobody has is left out."""
    return dict(bulk.select_in(conn, _BY_CODES, codes))


_BY_CODES = sa.select(partner.c.code, partner.c.id).where(
    partner.c.code.in_(sa.bindparam("values", expanding=True)), partner.c.merged_into.is_(None)
)


def lock(conn: Connection, partner_id: int) -> None:
    """Let nobody else change what is this partner's until the transaction ends.

    Raises ``Conflict`` where the entry was merged into another: nothing may become its own.
    """
    lock_all(conn, [partner_id])


def lock_all(conn: Connection, partner_ids: Sequence[int]) -> dict[int, str]:
    """Do as ``lock`` for several, in the order of their rows; return their codes."""
    rows = _held(conn, partner_ids)
    for row in rows:
        if row.merged_into is not None:
            raise Conflict(
                f"partner {row.code!r} was merged into another entry meanwhile; nothing can be "
                "entered for it any more"
            )
    return {row.id: row.code for row in rows}


def lock_both(conn: Connection, one: int, other: int) -> None:
    """Hold two partners that are to be one, whatever became of them."""
    _held(conn, [one, other], whole=True)


def _held(conn: Connection, partner_ids: Sequence[int], *, whole: bool = False) -> Sequence[Any]:
    """Hold partners. Unless the ``whole`` row is meant, others may enter what refers to them.

    Otherwise a matching that tells a partner something, and one of its wish lists that waits for
    the matching to end, would wait for each other.
    """
    return conn.execute(
        sa.select(partner.c.id, partner.c.code, partner.c.merged_into)
        .where(partner.c.id.in_(partner_ids))
        .order_by(partner.c.id)
        .with_for_update(key_share=not whole)
    ).all()


def survivors(conn: Connection, partner_ids: Iterable[int]) -> dict[int, int]:
    """Return what those of these rows became that were merged into others."""
    rows = bulk.select_in(conn, _SURVIVORS, sorted(set(partner_ids)))
    return {old: new for old, new in rows if new is not None}


_SURVIVORS = sa.select(partner.c.id, partner.c.merged_into).where(
    partner.c.id.in_(sa.bindparam("values", expanding=True))
)


def set_state(conn: Connection, partner_id: int, state: PartnerState) -> None:
    """Suspend the exchange with a partner, or take it up again; that is a new revision."""
    conn.execute(
        partner.update()
        .where(partner.c.id == partner_id)
        .values(state=state.value, revision=partner.c.revision + 1)
    )


def _partner(row: sa.Row[*tuple[Any, ...]]) -> Partner:
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
