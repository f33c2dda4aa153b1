"""Partners join, are looked up, are suspended and taken back."""

from __future__ import annotations

from datetime import datetime

from service.domain.partner import Partner, PartnerState, check_code, check_isil
from service.errors import Invalid, NotFound
from service.store import partners
from service.store.db import Connection, Database


def add_partner(
    db: Database,
    *,
    code: str,
    name: str,
    city: str = "",
    place: str = "",
    isil: str | None = None,
    now: datetime,
) -> Partner:
    """Enter a partner library. ``place`` is ISO 3166-1 alpha-2.

    Raises ``Invalid`` for a code, place or ISIL of the wrong shape, ``Conflict`` for a taken one.
    """
    if not name.strip():
        raise Invalid("a partner needs a name", field="name")
    if place and not (len(place) == 2 and place.isascii() and place.isalpha()):
        raise Invalid(
            f"{place!r} is not a country or region code: two letters, such as KR", field="place"
        )
    with db.write() as conn:
        return partners.add(
            conn,
            code=check_code(code),
            name=name.strip(),
            city=city.strip(),
            place=place.upper(),
            isil=check_isil(isil) if isil else None,
            now=now,
        )


def find_partner(db: Database, code: str) -> Partner:
    """Return a partner; raise ``NotFound``."""
    with db.read() as conn:
        return known_partner(conn, code)


def known_partner(conn: Connection, code: str) -> Partner:
    """Return a partner within a transaction; raise ``NotFound``."""
    found = partners.by_code(conn, code)
    if found is None:
        raise NotFound(f"there is no partner with code {code!r}")
    return found


def list_partners(db: Database, after: str = "", limit: int = 1000) -> list[Partner]:
    """Return up to ``limit`` partners by code, behind ``after``."""
    with db.read() as conn:
        return partners.listed(conn, after, limit)


def set_state(db: Database, code: str, state: PartnerState) -> Partner:
    """Suspend the exchange with a partner, or take it up again."""
    with db.write() as conn:
        found = known_partner(conn, code)
        partners.set_state(conn, found.id, state)
        return partners.by_id(conn, found.id)
