"""How far long work has come: a bar on a terminal, nothing where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[str, int, int], None]  # what is done, how much of it, of how much


@contextmanager
def shown(title: str) -> Iterator[Show]:
    """Yield what shows progress of ``title`` on standard error while the block runs."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(escape(title), total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(
                task, description=escape(f"{title}: {what}"), completed=done, total=total or None
            )

        yield show
