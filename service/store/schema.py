"""The version of the schema: bring it up to this code, or say plainly why that cannot be.

New code on an old schema refuses to serve until `bookbridge init` has brought it up; old code on
a newer schema refuses altogether, because it would write rows that the newer code cannot trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.errors import Misconfigured
from service.store.db import Connection, Database


def upgrade(db: Database) -> str:
    """Bring the schema up to this code; return its revision. Safe to run again."""
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
        return MigrationContext.configure(conn).get_current_revision()


@cache
def head() -> str:
    """Return the revision that this code needs."""
    found = _scripts().get_current_head()
    assert found is not None  # noqa: S101 - the package ships at least one migration
    return found


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in _known():
        raise Misconfigured(
            f"the database has schema {found}, which a newer version of Bookbridge made; "
            "install that version again, this one would harm the data"
        )


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
