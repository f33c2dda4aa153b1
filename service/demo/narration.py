"""How the tour speaks: numbered headings, indented lines, commands as they were given."""

from __future__ import annotations

import itertools
import textwrap

import click
from rich.cells import cell_len

from service.demo.command_line import CommandLine, shown

_WIDTH = 92


class Narration:
    """A tour that is told; it numbers its steps."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._last = ""

    def heading(self, text: str) -> None:
        """Begin a step."""
        self.say("")
        click.echo(f"{next(self._numbers)}. {text}\n")
        self._last = ""

    def say(self, *lines: str) -> None:
        """Tell lines as they are; of empty ones never two together."""
        for line in lines:
            if line or self._last:
                click.echo(f"   {line}".rstrip())
            self._last = line

    def tell(self, text: str, indent: int = 0, *, behind: int = 0) -> None:
        """Tell a sentence, broken into lines; those after the first stand ``behind`` further in."""
        further = " " * behind
        # Han, Kana and Hangul take two columns of a terminal.
        wide = (_WIDTH - indent) * len(text) // max(1, cell_len(text))
        for line in textwrap.wrap(
            text,
            wide,
            subsequent_indent=further,
            break_on_hyphens=False,
        ):
            self.say(" " * indent + line)

    def typed(self, commands: CommandLine, *arguments: str) -> str:
        """Show a command as one types it, and run it; return what it prints."""
        self.command(*arguments)
        return commands.run(*arguments)

    def command(self, *arguments: str) -> None:
        """Show a command as one types it."""
        self.say("", f"   {shown(*arguments)}", "")
