"""The migrations make exactly the tables that the code sees, and versions never mix silently."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.errors import Misconfigured
from service.store import audiences, feed, imports, schema
from service.store.db import Database
from service.store.tables import metadata
from service.usecases import publishing


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


def test_the_files_of_the_migrations_name_their_revisions() -> None:
    scripts = ScriptDirectory.from_config(schema._config())
    assert {each.revision for each in scripts.walk_revisions()} == schema._known()
    assert scripts.get_current_head() == schema.head()


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


@pytest.fixture(params=["sqlite", "postgresql"])
def first(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind at schema 0001, with a file imported into it."""
    name, server = f"test_{uuid.uuid4().hex}", None
    if request.param == "sqlite":
        db = Database(f"sqlite:///{tmp_path}/first.sqlite3")
    else:
        server = request.getfixturevalue("postgresql")
        server.psql(f"CREATE DATABASE {name}")
        db = Database(server.get_uri(name))
    with db.engine.connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with db.write() as conn:
        for row in _ROWS_OF_0001:
            conn.execute(sa.text(row))
    yield db
    db.close()
    if server is not None:
        server.psql(f"DROP DATABASE {name} WITH (FORCE)")


_ROWS_OF_0001 = (
    """INSERT INTO offer_list (id, public_id, slug, title, state, audience_id, created_at)
    VALUES (5, 'L', 'spring', 'Spring', 'OPEN', 1, '2026-05-01 09:00:00')""",
    """INSERT INTO original (id, sha256, size, received_at)
    VALUES (6, NULL, 9, '2026-05-01 09:00:00')""",
    """INSERT INTO import_batch
    (id, public_id, original_id, list_id, file_name, format, state, stage_only, created_at)
    VALUES (7, 'B', 6, 5, 'f.mrc', 'iso2709', 'COMMITTED', true, '2026-05-01 09:00:00')""",
    """INSERT INTO import_line (batch_id, position, "offset", length, control_number, title,
    outcome, action, encoding, encoding_certain, problems)
    VALUES (7, 1, 0, 9, '1', 'One', 'ok', 'none', 'utf-8', true, '[]')""",
)


def test_a_database_of_the_first_schema_comes_up_with_every_row(first: Database) -> None:
    with pytest.raises(Misconfigured, match="has schema 0001"):
        schema.check(first)
    schema.upgrade(first)
    schema.check(first)
    with first.read() as conn:
        batch = imports.by_id(conn, 7)
        (line,) = imports.lines(conn, 7, 0, 10)
    assert (batch.public_id, batch.file_name, batch.stage_only) == ("B", "f.mrc", True)
    assert (batch.encoding_said, batch.dialect_said, batch.surveyed) == ("", "", None)
    assert (line.title, line.dialect, line.unmapped) == ("One", "", [])
    with first.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert [each for each in differences if not _is_search(each)] == []


def test_after_coming_up_every_membership_is_told_anew(first: Database) -> None:
    """Until then no partner could harvest what its audiences see, and went by later stamps."""
    with first.write() as conn:
        for statement in (
            """INSERT INTO partner (id, public_id, code, name, state, created_at)
            VALUES (3, 'P', 'ara', 'Ara', 'ACTIVE', '2026-05-01 09:00:00')""",
            "INSERT INTO audience (id, code, kind) VALUES (9, 'list:secret', 'GROUP')",
            "INSERT INTO audience_member (audience_id, partner_id, since) VALUES (9, 3, 5)",
        ):
            conn.execute(sa.text(statement))
    schema.upgrade(first)
    with first.read() as conn:
        assert audiences.standing(conn, 3) == {feed.PUBLIC}
    stamp = publishing.publish(first, lambda: 2_500_000_000.0).stamp
    with first.read() as conn:
        assert audiences.standing(conn, 3) == {feed.PUBLIC, 9}
        (member,) = audiences.members(conn, 9)
    assert (member.since, member.left) == (stamp, None)


def test_after_coming_up_a_file_may_be_read_twice_but_not_twice_the_same_way(
    first: Database,
) -> None:
    schema.upgrade(first)
    again = """INSERT INTO import_batch (id, public_id, original_id, list_id, file_name, format,
        state, stage_only, created_at, encoding_said) VALUES
        (:id, :name, 6, 5, 'f.mrc', 'iso2709', 'STAGED', true, '2026-05-01 09:00:00', :said)"""
    with first.write() as conn:
        conn.execute(sa.text(again), {"id": 8, "name": "C", "said": "cp949"})
    with pytest.raises(sa.exc.IntegrityError), first.write() as conn:
        conn.execute(sa.text(again), {"id": 9, "name": "D", "said": "cp949"})


def test_foreign_keys_are_enforced_again_after_coming_up(first: Database) -> None:
    schema.upgrade(first)
    with pytest.raises(sa.exc.IntegrityError), first.write() as conn:
        conn.execute(sa.text("DELETE FROM import_batch WHERE id = 7"))


def test_a_step_that_leaves_a_row_pointing_at_none_is_undone(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/loose.sqlite3")
    with db.engine.connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        driver = connection.connection.dbapi_connection
        assert driver is not None
        connection.rollback()
        driver.execute("PRAGMA foreign_keys = OFF")
        connection.execute(sa.text(_ROWS_OF_0001[2]))
        connection.commit()
        driver.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(RuntimeError, match="2 rows"):
        schema.upgrade(db)
    assert schema.current(db) == "0001"
    db.close()
