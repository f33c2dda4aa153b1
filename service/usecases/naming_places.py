"""Naming countries and regions as the site wants them called, wherever partners are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.domain import place as rules
from service.domain.place import Place
from service.errors import NotFound
from service.store import audit_log, places
from service.store.db import Connection, Database

KIND = "place"


def all_places(conn: Connection) -> dict[str, Place]:
    """Return every country or region that has a name, by code, within a transaction."""
    return dict(sorted({**rules.all_built_in(), **places.own(conn)}.items()))


def list_places(db: Database, *, own: bool = False) -> list[Place]:
    """Return the countries and regions by code: all of them, or those that the site named."""
    with db.read() as conn:
        return list((places.own(conn) if own else all_places(conn)).values())


def find_place(db: Database, code: str) -> Place:
    """Return one country or region; raise ``NotFound``."""
    with db.read() as conn:
        return _known(conn, code)


def names(db: Database) -> Mapping[str, str]:
    """Return the name of every country or region by code."""
    return {each.code: each.name for each in list_places(db)}


def set_place(
    db: Database,
    code: str,
    *,
    name: str,
    region: str | None = None,
    weight: int | None = None,
    by: str,
    now: datetime,
) -> Place:
    """Name a country or region; raise ``Invalid``. A code that is new is one from now on.

    Region and weight stay as they are where None is given.
    """
    code = rules.check_code(code)
    with db.write() as conn:
        before = all_places(conn).get(code)
        was = before or Place(code, "")
        place = rules.check(
            code,
            name,
            was.region if region is None else region,
            was.weight if weight is None else weight,
        )
        places.put(conn, place)
        audit_log.write(
            conn,
            by=by,
            action="named",
            kind=KIND,
            name=place.code,
            now=now,
            before=before._asdict() if before else None,
            after=place._asdict(),
        )
    return place


def reset_place(db: Database, code: str, *, by: str, now: datetime) -> Place | None:
    """Take back the site's name of a place; return how it is called now, None for nothing.

    Raises ``NotFound`` where the site has no name of its own for it.
    """
    code = rules.check_code(code)
    with db.write() as conn:
        before = places.own(conn).get(code)
        if before is None or not places.remove(conn, code):
            raise NotFound(f"the site has no name of its own for {code}")
        after = rules.built_in(code)
        audit_log.write(
            conn,
            by=by,
            action="reset",
            kind=KIND,
            name=code,
            now=now,
            before=before._asdict(),
            after=after._asdict() if after else None,
        )
    return after


def _known(conn: Connection, code: str) -> Place:
    found = all_places(conn).get(code.upper())
    if found is None:
        raise NotFound(f"there is no country or region with code {code!r}")
    return found
