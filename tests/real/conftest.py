"""A real server in a process of its own, on loopback, with real records where they are at hand."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    """A running `bookbridge serve`: its address, its data folder and its environment."""

    url: str
    data_dir: Path
    environment: dict[str, str]

    def run(self, *arguments: str, code: int | None = 0) -> str:
        """Run a `bookbridge` command on the server's data; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", "from service.cli import main; main()", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(folder: Path, **settings: str) -> tuple[Server, subprocess.Popen[bytes]]:
    """Make a site in ``folder`` and serve it; return when it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("BOOKBRIDGE_")
    } | {
        "BOOKBRIDGE_DATA_DIR": str(folder),
        "BOOKBRIDGE_BASE_URL": url,
        "BOOKBRIDGE_REPOSITORY_IDENTIFIER": "library.example.org",
        "PYTHONPATH": str(REPOSITORY),
        **settings,
    }
    server = Server(url, folder, environment)
    server.run("init")
    command = [sys.executable, "-c", "from service.cli import main; main()"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "serve", "--port", str(port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    wait_until_ready(url, process)
    return server, process


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; fail when it ends or takes longer than 30 seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if requests.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server that we started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with an empty site and pages of 20 records."""
    folder = tmp_path_factory.mktemp("site")
    running, process = start(folder, BOOKBRIDGE_PAGE_SIZE="20")
    yield running
    stop(process)
