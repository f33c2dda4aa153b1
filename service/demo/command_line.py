"""The commands of ``bookbridge`` as the library's staff types them, each told as it is given."""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import click

from service import config
from service.cli import cli
from service.demo.partner_system import WentWrong


@contextmanager
def clean_settings() -> Iterator[None]:
    """Put the settings of the environment away: a demo must never touch an operator's data."""
    held = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith(config.PREFIX)}
    try:
        yield
    finally:
        os.environ.update(held)


class CommandLine:
    """The command line of the site in ``data_dir``, in this process: a new one costs a second."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def run(self, *arguments: str) -> str:
        """Run a command as nobody at a terminal; return what it prints.

        Raises ``WentWrong`` unless it ends with 0.
        """
        out, err = io.StringIO(), io.StringIO()
        code: object
        try:
            with redirect_stdout(out), redirect_stderr(err), _nobody_at_the_terminal():
                code = cli.main(
                    ["--data-dir", str(self._data_dir), *arguments],
                    prog_name="bookbridge",
                    standalone_mode=False,
                )
        except click.ClickException as error:
            raise WentWrong(f"`{shown(*arguments)}`: {error.format_message()}") from error
        except SystemExit as ended:
            code = ended.code
        if code:
            said = (err.getvalue() or out.getvalue()).strip()
            raise WentWrong(f"`{shown(*arguments)}` ended with {code}: {said}")
        return out.getvalue()


@contextmanager
def _nobody_at_the_terminal() -> Iterator[None]:
    """Let no command ask a question."""
    terminal, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = terminal


def shown(*arguments: str) -> str:
    """Return a command as one types it."""
    return f"bookbridge {shlex.join(arguments)}"
