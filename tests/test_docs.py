"""What the documents say is so."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from service.cli import COMMANDS
from service.config import Settings
from service.usecases.publishing import FORMATS

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
