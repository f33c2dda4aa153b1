"""``bookbridge demo``: everything at work, in one command."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

_FOLDER = Path("var/demo")
_PORT = 8080


@click.command()
@click.option("--no-serve", is_flag=True, help="End after the tour.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port on this machine.  [default: 8080; with --no-serve a free one]",
)
@click.option(
    "--data-dir",
    "place",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the demo.  [default: var/demo]",
)
@click.pass_context
def command(ctx: click.Context, no_serve: bool, port: int | None, place: Path | None) -> None:
    """Show everything at work: sample books, a server and a printed tour.

    Builds a made-up library in a folder of its own, anew each time, harvests it, sends it wish
    lists over HTTP, allocates them and says why, then serves it until Ctrl-C. Settings of the
    environment do not count here, and a folder that no demo made is left alone. Exit code 1 when
    a step goes wrong.
    """
    from service.demo import running

    root = ctx.find_root()
    if place is None and root.get_parameter_source("data_dir") is ParameterSource.COMMANDLINE:
        place = root.obj
    if port is None:
        port = 0 if no_serve else _PORT
    running.run(place or _FOLDER, port, serve=not no_serve)
