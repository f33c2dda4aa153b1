"""Another Bookbridge process beside this one: started, kept alive, and ended with its parent.

A child is given the reading end of a pipe as its standard input and ends when the pipe does, so
that not even SIGKILL of the parent leaves one behind.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger(__name__)

# Seconds that a child has for its last step before it is killed.
_PATIENCE = 15.0
# Seconds before a child that died is started again; doubled each time up to the longest.
_FIRST_REST, _LONGEST_REST = 1.0, 60.0


def start(
    data_dir: Path | None,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log_to: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``bookbridge`` with ``arguments``; it must be a command that knows ``--until-eof``."""
    place = [] if data_dir is None else ["--data-dir", str(data_dir)]
    # -P: a package of our name in the working directory is not ours.
    command = [sys.executable, "-P", "-m", "service.cli", *place, *arguments, "--until-eof"]
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own package
        command,
        stdin=subprocess.PIPE,
        stdout=log_to,
        stderr=log_to,
        env=None if env is None else dict(env),
        start_new_session=True,  # Ctrl-C reaches the parent alone, which ends the child in order
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child: ask, wait for its last step, and insist."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Companion:
    """A child that is started again, after a rest that grows, for as long as its parent lives."""

    def __init__(self, data_dir: Path | None, arguments: Sequence[str]) -> None:
        self._data_dir = data_dir
        self._arguments = tuple(arguments)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="companion", daemon=True)

    def start(self) -> None:
        """Start the child and watch over it."""
        self._thread.start()

    def stop(self) -> None:
        """End the child and the watch."""
        self._stop.set()
        self._thread.join()

    def _keep(self) -> None:
        rest = _FIRST_REST
        while not self._stop.is_set():
            began = time.monotonic()
            process = start(self._data_dir, self._arguments)
            while process.poll() is None and not self._stop.wait(0.2):
                pass
            if self._stop.is_set():
                end(process)
                return
            end(process)  # it is dead; this closes our end of its pipe
            log.error("companion_died", command=self._arguments[0], status=process.returncode)
            if time.monotonic() - began > _LONGEST_REST:
                rest = _FIRST_REST
            self._stop.wait(rest)
            rest = min(rest * 2, _LONGEST_REST)
