"""`bookbridge serve` and `bookbridge worker` as real processes: up, at work, and gone."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from service.demo import books

_COMMAND = [sys.executable, "-P", "-m", "service.cli"]
_SECONDS = 30


def _until(what: Callable[[], object], seconds: float = _SECONDS) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@contextmanager
def _serving(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a real server on a free port; yield the process and the port."""
    with (data_dir / "log").open("w") as log:
        process = subprocess.Popen(
            [*_COMMAND, "--data-dir", str(data_dir), "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        greeting = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", greeting)
        assert found, (greeting, (data_dir / "log").read_text())
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _get(port: int, path: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def _worker_of(server: subprocess.Popen[str]) -> psutil.Process:
    found: list[psutil.Process] = []

    def look() -> bool:
        found[:] = [
            child
            for child in psutil.Process(server.pid).children()
            if not _is_gone(child) and "worker" in child.cmdline()
        ]
        return bool(found)

    _until(look)
    return found[0]


def _is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_it_answers_on_loopback_does_imports_and_ends_in_order(data_dir: Path) -> None:
    with _serving(data_dir) as (server, port):
        status, body, headers = _get(port, "/readyz")
        assert (status, body) == (200, b'{"status":"ready"}\n')
        assert "waitress" not in str(headers)
        assert b"<repositoryName>" in _get(port, "/oai?verb=Identify")[1]
        worker = _worker_of(server)
        file = data_dir / "books.mrc"
        file.write_bytes(books.file())
        for arguments in (
            ["list", "create", "autumn", "--title", "Books"],
            ["import", str(file), "--list", "autumn"],
            ["list", "open", "autumn"],
        ):
            subprocess.run(
                [*_COMMAND, "--data-dir", str(data_dir), *arguments],
                check=True,
                capture_output=True,
                timeout=60,
            )
        page = _get(port, "/oai?verb=ListRecords&metadataPrefix=oai_dc")[1]
        assert page.count(b"<record>") == 71
        server.send_signal(signal.SIGTERM)
        assert server.wait(_SECONDS) == 0
        assert _is_gone(worker)
    assert '"worker_stopped"' in (data_dir / "log").read_text()


@pytest.mark.slow
def test_the_worker_does_not_outlive_a_server_that_is_killed(data_dir: Path) -> None:
    with _serving(data_dir) as (server, _):
        worker = _worker_of(server)
        server.kill()
        server.wait(_SECONDS)
        _until(lambda: _is_gone(worker))


@pytest.mark.slow
def test_a_worker_that_dies_is_started_again(data_dir: Path) -> None:
    with _serving(data_dir) as (server, port):
        first = _worker_of(server)
        first.kill()
        _until(lambda: _is_gone(first))
        second = _worker_of(server)
        assert second.pid != first.pid
        assert _get(port, "/healthz")[0] == 200
        server.send_signal(signal.SIGINT)
        assert server.wait(_SECONDS) == 0
        _until(lambda: _is_gone(second))


@pytest.mark.slow
def test_a_worker_by_itself_ends_when_it_is_asked(data_dir: Path) -> None:
    process = subprocess.Popen(
        [*_COMMAND, "--data-dir", str(data_dir), "worker"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        assert "worker_started" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(_SECONDS) == 0
    finally:
        process.kill()
        process.stderr.close()


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_plainly(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*_COMMAND, "--data-dir", str(data_dir), "serve", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"bookbridge: cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "Traceback" not in done.stderr


_COUNTING = """
import gc
from service.cli import main
from service.cli.server import Server

Server.run = lambda _: print(gc.get_freeze_count(), len(gc.get_objects()), flush=True)
main()
"""


def test_no_page_waits_while_garbage_is_sought_in_what_was_loaded_at_the_start(
    data_dir: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _COUNTING, "--data-dir", str(data_dir), "serve", "--port", "0"],
        env={**os.environ, "BOOKBRIDGE_EMBEDDED_WORKER": "no"},
        check=True,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
    apart, looked_through = map(int, done.stdout.split()[-2:])
    assert apart > 20 * looked_through
