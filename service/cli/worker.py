"""``bookbridge worker``: the worker as a process of its own."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from service import worker
from service.cli import opening, signals


@click.command()
@click.option(
    "--until-eof", is_flag=True, hidden=True, help="End when standard input ends (for a parent)."
)
@click.pass_obj
def command(data_dir: Path | None, until_eof: bool) -> None:
    """Work on jobs in a process of its own (needed with PostgreSQL).

    On SQLite `bookbridge serve` starts a worker by itself. Any number may run; each ends after
    the step at hand when it is asked to, and another goes on from there.
    """
    site = opening.site(data_dir, quiet=False)
    stop = threading.Event()
    if until_eof:
        signals.watch_standard_input(stop.set)
    with signals.stopping(stop.set):
        worker.run(site, stop)
