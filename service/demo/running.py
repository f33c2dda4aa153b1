"""The demo from its first line to its last: build, serve, show, and serve on until Ctrl-C."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import click

from service import config, logs
from service.cli import child, signals
from service.demo import folder, seaside, tour
from service.demo.command_line import clean_settings
from service.demo.narration import Narration
from service.demo.partner_system import PartnerSystem, WentWrong
from service.errors import Misconfigured

_HOST = "127.0.0.1"
# Seconds that the server has until it answers.
_PATIENCE = 60.0


def run(place: Path, port: int, *, serve: bool) -> None:
    """Show everything in folder ``place``; with ``serve`` go on until Ctrl-C. Port 0: a free one.

    Raises ``Misconfigured`` when folder or port cannot be had, ``WentWrong`` for a failed step.
    """
    logs.configure("text", logging.ERROR)
    port = _free_port(port)
    with folder.emptied(place), clean_settings():
        click.echo(f"Bookbridge: a tour with sample books, in the folder {place}")
        library = seaside.build(place, f"http://{_HOST}:{port}")
        narration = Narration()
        tour.build_steps(library, narration)
        with _server(place, port) as process, ExitStack() as open_systems:
            systems = {
                code: open_systems.enter_context(
                    closing(PartnerSystem(library.settings.base_url, code, token))
                )
                for code, token in library.tokens.items()
            }
            _wait_until_ready(systems[seaside.WISHING[0]], process, place)
            tour.server_steps(library, systems, narration)
            if serve:
                _serve_on(library.settings.base_url, process, place)
            else:
                click.echo("\nThe tour is over. `bookbridge demo` serves all this until Ctrl-C.")


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise Misconfigured(
                f"port {port} is taken; end what listens there, or choose another with --port"
            ) from error
        return int(probe.getsockname()[1])


@contextmanager
def _server(place: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the real server as a process of its own, with nothing of the operator's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(config.PREFIX)}
    with (place / folder.LOG).open("wb") as log:
        process = child.start(place, ["serve", "--port", str(port)], env=env, log_to=log)
        try:
            yield process
        finally:
            child.end(process)


def _wait_until_ready(system: PartnerSystem, process: subprocess.Popen[bytes], place: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        if process.poll() is not None:
            raise WentWrong(f"the server ended before it answered: {_last_words(place)}")
        try:
            system.get("/readyz")
        except WentWrong as error:
            if time.monotonic() > until:
                raise WentWrong(f"the server does not answer: {error.detail}") from error
            time.sleep(0.1)
        else:
            return


def _last_words(place: Path) -> str:
    lines = (place / folder.LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else f"nothing stands in {place / folder.LOG}"


def _serve_on(base_url: str, process: subprocess.Popen[bytes], place: Path) -> None:
    stop = threading.Event()
    with signals.stopping(stop.set):
        click.echo(f"\nServing at {base_url} – Ctrl-C ends it. Log: {place / folder.LOG}")
        while not stop.wait(0.3):
            if process.poll() is not None:
                raise WentWrong(f"the server ended: {_last_words(place)}")
    click.echo("\nThe demo is over.")
