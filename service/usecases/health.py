"""Whether the database can be reached and has the shape that this code was written for."""

from __future__ import annotations

from service.errors import Misconfigured
from service.store import feed, schema
from service.store.db import Database, DatabaseError


def check(db: Database) -> None:
    """Raise ``Misconfigured`` with a reason for people unless the database can serve."""
    try:
        schema.check(db)
        with db.read() as conn:
            feed.clock(conn)
    except DatabaseError as error:
        raise Misconfigured("the database cannot be read; the log says why") from error
