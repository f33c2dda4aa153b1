"""The commands of `docs/exchange.md`, a year of an exchange librarian: each of them is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from service.cli import cli

_TEXT = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text(encoding="utf-8")
# In a fenced block a command may go on behind a backslash; what comes after # is for people.
_LINES = [
    line
    for block in re.findall(r"(?ms)^```\w*\n(.*?)^```$", _TEXT)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("bookbridge ")
]


@pytest.mark.parametrize("line", sorted(set(_LINES)))
def test_a_command_of_the_year_is_one_that_there_is(line: str) -> None:
    said = shlex.split(line, comments=True)[1:]
    command: click.Command = cli
    while isinstance(command, click.Group) and said:
        _, found, said = command.resolve_command(click.Context(command), said)
        assert found is not None, f"there is no such command: {line}"
        command = found
    assert not isinstance(command, click.Group), f"{line} is only the beginning of a command"
    known = {option for each in command.params for option in each.opts + each.secondary_opts}
    wrong = [each for each in said if re.match("--?[a-z0-9]", each) and each not in known]
    assert not wrong, f"{wrong} in: {line}"
    needed = [each for each in command.params if each.required and isinstance(each, click.Option)]
    assert all(set(each.opts) & set(said) for each in needed), f"something is left out: {line}"


def test_the_year_has_its_commands() -> None:
    assert len(_LINES) > 80
    heads = re.findall(r"(?m)^#+ (.*)$", _TEXT)
    anchors = {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in heads}
    assert set(re.findall(r"\]\(#([a-z0-9-]+)\)", _TEXT)) <= anchors
