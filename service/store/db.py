"""One database behind two doors: a write transaction and a read snapshot, on SQLite and PostgreSQL.

``write()`` takes its lock first, so that a transaction never has to be upgraded in the middle
(SQLite answers an upgrade with an error at once, whatever the busy timeout). ``read()`` sees one
snapshot from its first statement to its last and never waits for a writer.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError

from service.errors import Busy, Misconfigured

__all__ = ["ROOMY_KIB", "Connection", "Database", "DatabaseError", "safe_url"]

DatabaseError = sa.exc.SQLAlchemyError

WAIT_MS = 10_000
# Of pages that a connection to SQLite may keep: an import is to stay small; what goes all over
# tables and indexes as it writes asks for more.
_CACHE_KIB = 2 * 1024
ROOMY_KIB = 64 * 1024
# SQLSTATE of lock_not_available, serialization_failure, deadlock_detected and query_canceled.
_BUSY_STATES = {"55P03", "40001", "40P01", "57014"}


class Database:
    """The database at ``url`` (an SQLAlchemy URL of SQLite or PostgreSQL)."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._before_close: list[Callable[[], None]] = []
        if self.is_sqlite:
            _refuse_memory(parsed.database)
            self._writer = _sqlite_engine(parsed, "BEGIN IMMEDIATE")
            self._reader = _sqlite_engine(parsed, "BEGIN")
        elif parsed.get_backend_name() == "postgresql":
            self._writer = _postgres_engine(parsed)
            self._reader = self._writer.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            raise Misconfigured("setting 'database_url' must name SQLite or PostgreSQL")

    @contextmanager
    def write(self, wait_ms: int = WAIT_MS, *, cache_kib: int = _CACHE_KIB) -> Iterator[Connection]:
        """Open a write transaction; commit at the end, roll back on any exception.

        Waits at most ``wait_ms`` milliseconds for locks and raises ``Busy`` after that. On SQLite
        the connection keeps at most ``cache_kib`` KiB of pages in memory.
        """
        try:
            with self._writer.connect() as connection:
                if self.is_sqlite:
                    _prepare_write(connection, wait_ms, cache_kib)
                try:
                    with connection.begin():
                        if not self.is_sqlite:
                            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait_ms)}")
                        yield connection
                finally:
                    if self.is_sqlite:
                        _leave_nothing_open(connection)
        except (DBAPIError, sqlite3.OperationalError) as error:
            if _is_busy(error):
                raise Busy("the database is busy with another writer; try again") from error
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open one read snapshot."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    @property
    def engine(self) -> Engine:
        """The engine that writes; for migrations."""
        return self._writer

    def before_close(self, action: Callable[[], None]) -> None:
        """Let ``action`` have the database once more before it is closed."""
        self._before_close.append(action)

    def close(self) -> None:
        """Give back every connection."""
        while self._before_close:
            self._before_close.pop()()
        self._writer.dispose()
        self._reader.dispose()


def _refuse_memory(path: str | None) -> None:
    if not path or path == ":memory:" or "mode=memory" in path:
        raise Misconfigured("setting 'database_url' must name a file: memory is lost at every stop")
    folder = Path(path).parent
    if not folder.is_dir():
        raise Misconfigured(f"folder {folder} does not exist; `bookbridge init` makes it")


def _sqlite_engine(url: sa.URL, begin: str) -> Engine:
    # Every transaction here is ended by its own block, so the pool need not end it once more.
    engine = sa.create_engine(
        url, pool_size=16, max_overflow=16, pool_reset_on_return=None, json_serializer=_json
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        # The driver must not begin transactions of its own: ours begin as this engine says.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {WAIT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Past Core, which would make a statement and a result of it: a page has no time for that.
        driver = connection.connection.dbapi_connection
        assert driver is not None  # noqa: S101 - a checked-out connection has one
        driver.execute(begin)

    return engine


def _postgres_engine(url: sa.URL) -> Engine:
    return sa.create_engine(
        url,
        pool_size=16,
        max_overflow=16,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        json_serializer=_json,
    )


def _prepare_write(connection: Connection, wait_ms: int, cache_kib: int) -> None:
    """Set how long SQLite waits for the lock that BEGIN IMMEDIATE takes, and what it may keep."""
    driver = connection.connection.dbapi_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    driver.execute(f"PRAGMA busy_timeout = {int(wait_ms)}")
    driver.execute(f"PRAGMA cache_size = -{int(cache_kib)}")


def _leave_nothing_open(connection: Connection) -> None:
    """Roll back what SQLite keeps open when COMMIT itself fails, as on a full disk.

    The pool would keep the connection with its lock, and nobody could write any more.
    """
    driver = connection.connection.dbapi_connection
    if driver is not None and driver.in_transaction:
        driver.rollback()


def _is_busy(error: Exception) -> bool:
    """Whether a lock was not to be had; BEGIN on SQLite raises the driver's own error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.OperationalError):
        return "database is locked" in str(cause)
    return getattr(cause, "sqlstate", None) in _BUSY_STATES


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def safe_url(url: str) -> str:
    """Return a database URL without its password, for people to read."""
    return re.sub(r"(//[^:/@]+):[^@]*@", r"\1:***@", url)
