"""The version of the schema: bring it up to this code, or say plainly why that cannot be.

New code on an old schema refuses to serve until `bookbridge init` has brought it up; old code on
a newer schema refuses altogether, because it would write rows that the newer code cannot trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from service.errors import Misconfigured
from service.store.db import Connection, Database

if TYPE_CHECKING:  # what migrates is loaded only to migrate: a server has no need of it
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(db: Database) -> str:
    """Bring the schema up to this code; return its revision. Safe to run again."""
    from alembic import command

    _refuse_newer(current(db))
    with db.engine.connect() as connection, _keys_at_the_end(connection):
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head()


@contextmanager
def _keys_at_the_end(connection: Connection) -> Iterator[None]:
    """Let migrations make tables of SQLite anew; ``env`` looks at all foreign keys before commit.

    While foreign keys are enforced, SQLite drops no table that others point at, and inside a
    transaction they cannot be switched off.
    """
    driver = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys = ON")


def check(db: Database) -> None:
    """Raise ``Misconfigured`` unless the schema is the one this code was written for."""
    found = current(db)
    _refuse_newer(found)
    if found != head():
        state = f"has schema {found}" if found else "is empty"
        raise Misconfigured(
            f"the database {state}, and this version of Bookbridge needs {head()}: "
            "run `bookbridge init`, which brings it up and keeps every row"
        )


def current(db: Database) -> str | None:
    """Return the revision that the database is at, or None when it has no tables yet."""
    with db.read() as conn:  # never the writer's door: readiness must not wait for an import
        if not sa.inspect(conn).has_table("alembic_version"):
            return None
        version = sa.table("alembic_version", sa.column("version_num", sa.Text))
        return conn.execute(sa.select(version.c.version_num)).scalar()


def head() -> str:
    """Return the revision that this code needs."""
    return max(_known())


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in _known():
        raise Misconfigured(
            f"the database has schema {found}, which a newer version of Bookbridge made; "
            "install that version again, this one would harm the data"
        )


@cache
def _known() -> frozenset[str]:
    """Return the revisions that this code knows: each is a file, named by its number."""
    files = (_MIGRATIONS / "versions").glob("[0-9]*.py")
    return frozenset(each.name.partition("_")[0] for each in files)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
