"""`bookbridge init`: a new site, and one that is there already."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import cli


def _init(folder: Path, *options: str, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, ["--data-dir", str(folder), "init", *options])
    assert done.exit_code == code, done.output
    return done


def test_init_makes_a_settings_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "site"
    done = _init(folder, "--name", 'The "Big" 도서관', "--identifier", "library.example.net")
    file = folder / "bookbridge.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    settings = tomllib.loads(file.read_text(encoding="utf-8"))
    assert len(settings["secret_key"]) >= 40
    assert settings["repository_name"] == 'The "Big" 도서관'
    assert settings["secret_key"] not in done.output
    assert "bookbridge serve" in done.stdout


def test_each_site_has_a_key_of_its_own(tmp_path: Path) -> None:
    _init(tmp_path / "a")
    _init(tmp_path / "b")
    texts = [(tmp_path / name / "bookbridge.toml").read_text() for name in ("a", "b")]
    assert texts[0] != texts[1]


def test_init_again_keeps_everything_and_says_what_it_did_not_change(tmp_path: Path) -> None:
    _init(tmp_path / "site")
    file = tmp_path / "site" / "bookbridge.toml"
    before = file.read_bytes()
    done = _init(tmp_path / "site", "--name", "Another name")
    assert file.read_bytes() == before
    assert "stays as it is" in done.stdout
    assert "repository_name" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--identifier", "not a domain"), "repository_identifier"),
        (("--base-url", "ftp://example.org"), "base_url"),
        (("--name", "two\nlines"), "repository_name"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_written(
    tmp_path: Path, options: tuple[str, str], said: str
) -> None:
    done = _init(tmp_path / "site", *options, code=1)
    assert said in done.stderr
    assert not (tmp_path / "site").exists()


def test_a_settings_file_without_a_key_is_told_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "bookbridge.toml").write_text('repository_name = "X"\n')
    done = _init(tmp_path, code=1)
    assert "has no secret_key" in done.stderr


def test_a_folder_that_cannot_be_made_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = _init(tmp_path / "file" / "site", code=1)
    assert done.stderr.startswith("bookbridge: folder ")
