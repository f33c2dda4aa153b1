"""A site of its own for each test, and the command line as a function."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from service.cli import cli
from service.config import PREFIX

Bookbridge = Callable[..., Result]


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away the settings of the environment, and give logging back as it was."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def data_dir(tmp_path: Path, sqlite_template: Path) -> Path:
    """The folder of a site that `bookbridge init` would have made."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "bookbridge.sqlite3").write_bytes(sqlite_template.read_bytes())
    (folder / "bookbridge.toml").write_text('secret_key = "for tests"\n', encoding="utf-8")
    return folder


@pytest.fixture
def bookbridge(data_dir: Path) -> Bookbridge:
    """Run a command on that site; the caller says with which exit code it must end."""

    def run(*arguments: str, code: int = 0, stdin: bytes | None = None) -> Result:
        done = CliRunner().invoke(cli, ["--data-dir", str(data_dir), *arguments], input=stdin)
        assert done.exit_code == code, (arguments, done.output, done.exception)
        return done

    return run
