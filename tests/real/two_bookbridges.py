"""Libraries that each run a Bookbridge: server and worker as processes, a database of their own.

A process can be told to end by SIGKILL in the middle of what it does. Nobody waits for a lease or
a pause to pass: ``hurry`` sets the moments in the library's database back, as time would.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from service.config import load
from service.domain.permission import Role
from service.store.db import Database
from service.store.tables import job, source
from service.usecases import membership, signing_in, staffing
from service.usecases.site import Site
from tests.real.conftest import REPOSITORY, free_port, wait_until_ready

# Ends the process by SIGKILL when a function has been called so often; NAME=NUMBER sets a number.
_DYING = """
import importlib, os, signal, sys
place, after, setting, *arguments = sys.argv[1:]
if setting:
    name, _, number = setting.partition("=")
    module, _, name = name.partition(":")
    setattr(importlib.import_module(module), name, int(number))
module, _, name = place.partition(":")
owner, calls = importlib.import_module(module), 0
whole = getattr(owner, name)
def dying(*given, **named):
    global calls
    result = whole(*given, **named)
    calls += 1
    if calls >= int(after):
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(owner, name, dying)
sys.argv = ["bookbridge", *arguments]
from service.cli import main
main()
"""
# Seconds for anything that is waited for, and between two looks at it.
_DEADLINE = 60.0
_LOOK = 0.1


class Library:
    """One library: its site as seen from here, its address, and its processes."""

    def __init__(self, code: str, folder: Path, database_url: str) -> None:
        self.code = code
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        folder.mkdir()
        kept = {name: text for name, text in os.environ.items() if "BOOKBRIDGE_" not in name}
        self.environment = kept | {
            "BOOKBRIDGE_DATA_DIR": str(folder),
            "BOOKBRIDGE_DATABASE_URL": database_url,
            "BOOKBRIDGE_BASE_URL": self.url,
            "BOOKBRIDGE_REPOSITORY_IDENTIFIER": f"{code}.example.org",
            "BOOKBRIDGE_SECRET_KEY": f"the key of {code}",
            "BOOKBRIDGE_REACHABLE_NETWORKS": "127.0.0.0/8",
            "BOOKBRIDGE_EMBEDDED_WORKER": "false",
            "BOOKBRIDGE_PAGE_SIZE": "4",
            "PYTHONPATH": str(REPOSITORY),
        }
        settings = load(self.environment)
        self.site = Site(Database(settings.database), settings, time.time)
        staffing.add_staff(self.site.db, "kim", Role.EXCHANGE_LIBRARIAN, self.site.now())
        token = signing_in.issue_staff_token(self.site.db, "kim", "", self.site.now())
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.server: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None

    # --- processes --------------------------------------------------------------------------------

    def start_serving(self, *, dying_at: str = "", after: int = 1) -> None:
        """Start the server; ``ready`` waits until it answers."""
        port = str(self.port)
        self.server = self._process("serve", "--port", port, dying_at=dying_at, after=after)

    def ready(self) -> None:
        """Wait until the server answers."""
        assert self.server is not None
        wait_until_ready(self.url, self.server)

    def serve(self, *, dying_at: str = "") -> None:
        """Start the server, and return when it answers."""
        self.start_serving(dying_at=dying_at)
        self.ready()

    def work(self, *, dying_at: str = "", after: int = 1) -> None:
        """Start the worker."""
        self.worker = self._process("worker", dying_at=dying_at, after=after)

    def run(self, *arguments: str, dying_at: str = "", after: int = 1, setting: str = "") -> int:
        """Run a command to its end; return its exit code, negative for a signal."""
        process = self._process(*arguments, dying_at=dying_at, after=after, setting=setting)
        return process.wait(_DEADLINE)

    def died(self, name: str, *, hurry: bool = False) -> None:
        """Wait until the server or the worker has ended by SIGKILL; ``hurry``: without pauses."""
        process = getattr(self, name)
        deadline = time.monotonic() + _DEADLINE
        while process.poll() is None and time.monotonic() < deadline:
            if hurry:
                self.end_pauses()
            time.sleep(_LOOK)
        assert process.poll() == -signal.SIGKILL, self.told()

    def close(self) -> None:
        """End whatever runs, as abruptly as everything here ends."""
        for process in (self.worker, self.server):
            if process is not None:
                process.kill()
                process.wait(10)
        self.http.close()
        self.site.db.close()

    def _process(
        self, *arguments: str, dying_at: str = "", after: int = 1, setting: str = ""
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "service.cli", *arguments]
        if dying_at:
            command = [sys.executable, "-c", _DYING, dying_at, str(after), setting, *arguments]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, cwd=self.folder
            )

    def told(self) -> str:
        """Return the end of what the processes logged."""
        return (self.folder / "log").read_text(errors="replace")[-5000:]

    # --- what people do ---------------------------------------------------------------------------

    def post(self, path: str, **given: Any) -> Any:
        """Call the library's API as its librarian; return the answer."""
        answer = self.http.post(f"{self.url}/api/v1{path}", timeout=30, **given)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        """Look at something as the librarian."""
        answer = self.http.get(f"{self.url}/api/v1{path}", timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def all(self, path: str) -> list[Any]:
        """Return all items of a list."""
        found, page = [], self.get(path)
        while True:
            found += page["items"]
            if page["next"] is None:
                return found
            page = self.get(page["next"].removeprefix(f"{self.url}/api/v1"))

    def befriend(self, other: Library) -> str:
        """Enter another library as a partner; return the token for its software."""
        membership.add_partner(
            self.site.db, code=other.code, name=f"Library of {other.code}", now=self.site.now()
        )
        return signing_in.issue_partner_token(self.site.db, other.code, "", self.site.now())

    # --- time -------------------------------------------------------------------------------------

    def often(self) -> None:
        """Let every source be harvested every other second: a schedule is in minutes at least."""
        with self.site.db.write() as conn:
            conn.execute(source.update().values(every=2))

    def hurry(self) -> None:
        """Let leases that nobody holds and pauses between tries be over."""
        self.end_pauses()
        with self.site.db.write() as conn:
            past = self.site.now() - timedelta(seconds=1)
            conn.execute(job.update().where(job.c.state == "RUNNING").values(lease_until=past))

    def end_pauses(self) -> None:
        """Let pauses between tries be over; what is at work is left alone."""
        with self.site.db.write() as conn:
            late = (job.c.state == "WAITING") & job.c.due_at.is_not(None)
            conn.execute(job.update().where(late).values(due_at=None))

    def count(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        """Return how many rows there are."""
        query = sa.select(sa.func.count()).select_from(table).where(*conditions)
        with self.site.db.read() as conn:
            return int(conn.execute(query).scalar_one())


def until(true: Callable[[], bool], *libraries: Library) -> None:
    """Wait until something is so; fail with what the libraries logged."""
    deadline = time.monotonic() + _DEADLINE
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError("\n\n".join(each.told() for each in libraries))
        time.sleep(_LOOK)
