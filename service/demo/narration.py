"""How the tour speaks: numbered headings, indented lines, commands as they were given."""

from __future__ import annotations

import itertools
import textwrap

import click

from service.demo.command_line import shown

_WIDTH = 92


class Narration:
    """A tour that is told; it numbers its steps."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def heading(self, text: str) -> None:
        """Begin a step."""
        click.echo(f"\n{next(self._numbers)}. {text}\n")

    def say(self, *lines: str) -> None:
        """Tell lines as they are."""
        for line in lines:
            click.echo(f"   {line}".rstrip())

    def tell(self, text: str, indent: int = 0, *, behind: int = 0) -> None:
        """Tell a sentence, broken into lines; those after the first stand ``behind`` further in."""
        further = " " * behind
        for line in textwrap.wrap(
            text,
            _WIDTH - indent,
            subsequent_indent=further,
            break_on_hyphens=False,
        ):
            self.say(" " * indent + line)

    def command(self, *arguments: str) -> None:
        """Show a command as one types it."""
        self.say("", f"   {shown(*arguments)}", "")
