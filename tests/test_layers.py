"""The floors of the house are kept by a machine."""

from __future__ import annotations

from pathlib import Path

from importlinter.cli import lint_imports


def test_no_room_reaches_through_the_wrong_wall() -> None:
    config = Path(__file__).resolve().parent.parent / "pyproject.toml"
    assert lint_imports(config_filename=str(config), no_cache=True) == 0
