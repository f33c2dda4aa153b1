"""The migrations make exactly the tables that the code sees, and versions never mix silently."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from service.errors import Misconfigured
from service.store import schema
from service.store.db import Database
from service.store.tables import metadata


def _is_search(difference: object) -> bool:
    """The search index is the database's own kind of table, which Core does not describe."""
    return "search_text" in str(difference)


def test_the_migrations_make_the_tables_that_the_code_sees(db: Database) -> None:
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert [each for each in differences if not _is_search(each)] == []


def test_bringing_up_a_schema_that_is_up_changes_nothing(db: Database) -> None:
    assert schema.upgrade(db) == schema.head()
    schema.check(db)


def test_an_empty_database_is_refused_with_the_command_that_helps(tmp_path: object) -> None:
    db = Database(f"sqlite:///{tmp_path}/empty.sqlite3")
    with pytest.raises(Misconfigured, match="bookbridge init"):
        schema.check(db)
    db.close()


def test_a_schema_of_a_newer_version_is_refused_by_everything(db: Database) -> None:
    with db.write() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (schema.check, schema.upgrade):
        with pytest.raises(Misconfigured, match="newer version"):
            act(db)


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(Misconfigured, match="lost at every stop"):
        Database("sqlite:///:memory:")


def test_looking_at_the_schema_waits_for_no_writer(db: Database) -> None:
    with db.write() as conn:
        conn.execute(sa.text("UPDATE feed_clock SET p = p + 1"))
        schema.check(db)
