"""The command line itself: what it loads, what it says of itself, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from service.cli import COMMANDS, cli
from tests.cli.conftest import Bookbridge

_CONSOLE_SCRIPT = Path(sys.executable).parent / "bookbridge"


def _loaded_by(*arguments: str) -> set[str]:
    program = (
        "import sys\n"
        "from service.cli import main\n"
        f"sys.argv = ['bookbridge', *{list(arguments)!r}]\n"
        "try:\n    main()\n"
        "finally:\n    print('LOADED', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.partition("LOADED")[2].split())


def test_help_loads_nothing_heavy() -> None:
    loaded = _loaded_by("--help")
    assert "click" in loaded
    for module in ("flask", "sqlalchemy", "lxml", "rich", "requests", "structlog", "alembic"):
        assert module not in loaded
    assert not {name for name in loaded if name.startswith("service.cli.")}


def test_a_command_loads_its_own_module_alone() -> None:
    loaded = _loaded_by("list", "--help")
    assert "service.cli.list" in loaded
    assert "service.cli.serve" not in loaded
    assert "flask" not in loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_of_itself_what_the_table_says_of_it(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert (command.help or "").splitlines()[0] == COMMANDS[name].help


def test_the_console_script_prints_its_help_and_version() -> None:
    for option, said in (("--help", "Commands:"), ("--version", "bookbridge 0.")):
        done = subprocess.run(
            [_CONSOLE_SCRIPT, option], capture_output=True, text=True, check=True, timeout=60
        )
        assert said in done.stdout


def test_wrong_usage_ends_with_2(bookbridge: Bookbridge) -> None:
    bookbridge("no-such-command", code=2)
    bookbridge("import", code=2)
    bookbridge("serve", "--port", "99999", code=2)


def test_what_the_operator_can_mend_is_one_sentence_and_1(tmp_path: Path) -> None:
    done = subprocess.run(
        [_CONSOLE_SCRIPT, "--data-dir", str(tmp_path / "nowhere"), "serve"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("bookbridge: folder ")
    assert "`bookbridge init`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_database_is_told_plainly(bookbridge: Bookbridge, data_dir: Path) -> None:
    (data_dir / "bookbridge.sqlite3").write_bytes(b"this is no database at all" * 100)
    done = bookbridge("list", "show", code=1)
    assert done.stderr.startswith("bookbridge: the database cannot be read")


def test_a_database_url_that_is_none_is_told_plainly(
    bookbridge: Bookbridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKBRIDGE_DATABASE_URL", "my secret database")
    done = bookbridge("list", "show", code=1)
    assert done.stderr.startswith("bookbridge: setting 'database_url'")
    assert "secret" not in done.stderr


def test_the_doctor_masks_secrets(bookbridge: Bookbridge) -> None:
    done = bookbridge("doctor")
    assert "secret_key = (set)" in done.stdout
    assert "for tests" not in done.output
    assert "Latest imports: 0" in done.stdout
