"""The site's own names of countries and regions."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.place import Place
from service.store import bulk
from service.store.tables import place_name

_COLUMNS = ("code", "name", "region", "weight")


def own(conn: Connection) -> dict[str, Place]:
    """Return the places that the site named, by code."""
    rows = conn.execute(sa.select(place_name).order_by(place_name.c.code))
    return {row.code: Place(row.code, row.name, row.region, row.weight, own=True) for row in rows}


def put(conn: Connection, place: Place) -> None:
    """Keep the site's name of a place, in the stead of the one before."""
    bulk.insert(conn, place_name, _COLUMNS, [place[:4]], update=("code",))


def remove(conn: Connection, code: str) -> bool:
    """Forget the site's name of a place; return whether it had one."""
    done = conn.execute(place_name.delete().where(place_name.c.code == code))
    return done.rowcount == 1
