"""What the documents say is so."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from shutil import copyfile

import pytest
from click.testing import CliRunner

from marc_mappings import documentation
from marc_mappings.conversion import FORMS
from marc_mappings.crosswalks import FROM_MARC21
from marc_mappings.dialects import DIALECTS
from marc_mappings.problems import CODES
from service.cli import COMMANDS, cli
from service.config import Settings
from service.domain.announcement import EVENTS
from service.domain.permission import STAFF
from service.usecases.rendering import FORMATS

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_every_setting_is_documented_with_its_default_and_its_help() -> None:
    text = (DOCS / "operate.md").read_text(encoding="utf-8")
    rows = {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` \|.*$", text, re.MULTILINE)}
    assert list(rows) == [setting.name for setting in fields(Settings)]
    for setting in fields(Settings):
        assert setting.metadata["help"] in rows[setting.name]
        default = setting.default
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        if default not in ("", ()):
            assert f"`{shown}`" in rows[setting.name], setting.name


def test_every_event_that_partners_are_told_of_is_documented_and_no_other() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    table = re.search(r"^\| event \| \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None
    named = [
        event
        for row in table[1].splitlines()
        for event in re.findall(r"`([^`]+)`", row.split("|")[1])
    ]
    assert sorted(named) == sorted(EVENTS)


def test_every_role_of_the_staff_is_documented() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| ", text.partition("acts in the role")[2], re.MULTILINE)[
        : len(STAFF)
    ] == [role.value for role in STAFF]


def test_every_format_on_offer_is_documented() -> None:
    text = (DOCS / "oai.md").read_text(encoding="utf-8")
    assert all(f"`{prefix}`" in text for prefix in FORMATS)


@pytest.mark.parametrize("page", ["../README.md", "architecture.md", "oai.md", "operate.md"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:service|oai|marc_mappings|tests|docs|benchmarks)/[\w/.]+)`", text)
    named += re.findall(r"\]\(([\w/.]+)\)", text)
    root = DOCS.parent
    for name in named:
        assert (root / name).exists(), name


def test_every_command_that_a_page_shows_exists() -> None:
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    shown = {
        name
        for page in pages
        for name in re.findall(r"^bookbridge (\w+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert shown <= COMMANDS.keys()
    assert shown


def test_the_page_of_mappings_is_made_of_their_rows() -> None:
    assert (DOCS / "mappings.md").read_text(encoding="utf-8") == documentation.page()


def _cataloguing() -> str:
    return (DOCS / "cataloguing.md").read_text(encoding="utf-8")


def test_cataloguers_are_told_of_every_problem_what_it_means_and_what_to_do() -> None:
    rows = {
        match[1]: (match[2], match[3], match[4])
        for match in re.finditer(
            r"^\| `([\w-]+)` \| ([\w, ]+) \| (.+) \| (.+) \|$", _cataloguing(), re.MULTILINE
        )
    }
    assert rows.keys() == CODES.keys()
    for code, meaning in CODES.items():
        level, text, advice = rows[code]
        assert level == meaning.level + (", repaired" if meaning.repair else ""), code
        assert text == meaning.text, code
        assert advice.endswith("."), code


def test_cataloguers_are_told_of_every_form_dialect_and_outcome() -> None:
    text = _cataloguing()
    for word in (*FORMS, *DIALECTS, *FROM_MARC21, "as-it-is", "ok", "repaired", "rejected"):
        assert f"`{word}`" in text, word


def test_what_cataloguers_are_shown_is_what_the_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = Path(__file__).parent / "marc_mappings" / "cases"
    copyfile(cases / "words_of_a_mail_around_records" / "in.mrc", tmp_path / "donated.mrc")
    monkeypatch.chdir(tmp_path)
    text = _cataloguing()
    shown = re.findall(r"^```console\n\$ bookbridge (.+)\n([^`]+)```$", text, re.MULTILINE)
    assert [arguments.split()[0] for arguments, _ in shown] == ["check", "convert"]
    for arguments, output in shown:
        assert CliRunner().invoke(cli, arguments.split()).output == output
    (line,) = re.findall(r"^```json\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    assert json.loads(line) == json.loads(Path("donated.jsonl").read_text("utf-8").splitlines()[0])
