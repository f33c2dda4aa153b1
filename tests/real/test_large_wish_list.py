"""A long wish list over a real server that is killed while it answers; a webhook at the end."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from service.domain.announcement import WISHLIST_ANSWERED
from tests.real.conftest import Server, start, stop
from tests.service.test_answering import isbn
from tests.service.test_notifying import Receiver, is_genuine
from tests.service.test_notifying import receiver as receiver

pytestmark = pytest.mark.slow

LINES = 6_000


def until(found: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_long_list_survives_kill_9_and_is_told_by_webhook_when_it_is_answered(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = {"BOOKBRIDGE_REACHABLE_NETWORKS": "127.0.0.0/8"}
    server, process = start(tmp_path, **settings)
    try:
        server.run("partner", "add", "busan", "--name", "City Library")
        session = requests.Session()
        session.auth = ("busan", server.run("partner", "token", "busan").strip())
        secret = session.post(f"{server.url}/api/v1/webhooks", json={"url": receiver.url}).json()[
            "secret"
        ]
        path = _send(session, server)
        until(lambda: _shown(session, server, path)["answered"] > 0)
        process.kill()
        process.wait(10)
        _end_leases(tmp_path)
        receiver.plan = [500]
        server, process = start(tmp_path, **settings)
        until(lambda: _shown(session, server, path)["state"] == "answered")
        _is_whole(session, server, path)
        until(lambda: len(receiver.requests) >= 2, 30)
        (first, again) = receiver.taken()[:2]
        assert first == again, "tried again after the 500"
        headers, body = receiver.requests[1]
        assert json.loads(body)["event"] == WISHLIST_ANSWERED
        assert is_genuine(secret, headers["bookbridge-signature"], body, time.time())
    finally:
        stop(process)


def _send(session: requests.Session, server: Server) -> str:
    """Send the list in pieces, without saying how long it is; return the path of its answer."""
    lines = (f"{isbn(n % (LINES - 10))}\n".encode() for n in range(LINES))
    answer = session.post(
        f"{server.url}/api/v1/wishlists",
        data=lines,
        headers={"Content-Type": "text/uri-list", "Idempotency-Key": "k"},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["total"] == LINES
    return answer.headers["Location"].removeprefix(server.url)


def _shown(session: requests.Session, server: Server, path: str) -> dict[str, Any]:
    shown: dict[str, Any] = session.get(f"{server.url}{path}?limit=1").json()
    return shown


def _end_leases(folder: Path) -> None:
    """Let the lease of the worker that was killed be over: half a minute is long for a test."""
    with sqlite3.connect(folder / "bookbridge.sqlite3") as db:
        db.execute("UPDATE job SET lease_until = '2020-01-01 00:00:00.000000'")
    db.close()


def _is_whole(session: requests.Session, server: Server, path: str) -> None:
    shown = _shown(session, server, path)
    assert shown["counts"] == {"waiting": LINES - 10, "duplicate": 10}
    assert shown["answered"] == shown["total"] == LINES
    text = session.get(f"{server.url}{path}?format=csv").text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [int(row["line_no"]) for row in rows] == list(range(1, LINES + 1))
    numbers: list[int] = []
    address = f"{server.url}{path}"
    while address:
        page = session.get(address).json()
        numbers += [line["line_no"] for line in page["lines"]]
        address = page["next"]
    assert numbers == list(range(1, LINES + 1))
