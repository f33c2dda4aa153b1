"""``bookbridge serve``: the web server, and on SQLite its worker."""

from __future__ import annotations

import gc
from pathlib import Path
from urllib.parse import urlsplit

import click

from service.app import create_app
from service.cli import opening, signals
from service.cli.child import Companion
from service.cli.server import Server
from service.config import Settings


@click.command()
@click.option("--host", help="Address to listen on.  [default: the setting `host`, 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.  [default: the setting `port`, 8080]",
)
@click.option(
    "--until-eof", is_flag=True, hidden=True, help="End when standard input ends (for a parent)."
)
@click.pass_obj
def command(data_dir: Path | None, host: str | None, port: int | None, until_eof: bool) -> None:
    """Serve the site: pages, OAI-PMH and the API.

    Listens on this machine alone unless --host or the setting `host` says otherwise; put a
    reverse proxy with TLS in front of it. On SQLite it starts a worker of its own. SIGTERM and
    Ctrl-C end both in order.
    """
    site = opening.site(data_dir, quiet=False)
    settings = site.settings
    host = settings.host if host is None else host
    app = create_app(settings, site.db, site.clock)
    server = Server(app, settings, host, settings.port if port is None else port)
    worker = None
    if site.db.is_sqlite and settings.embedded_worker:
        worker = Companion(data_dir, ["worker"])
        worker.start()
    if until_eof:
        signals.watch_standard_input(server.stop)
    with signals.stopping(server.stop):
        _greet(settings, host, server.port)
        _settle()
        server.run()
    if worker is not None:
        worker.stop()


def _settle() -> None:
    """Set what is loaded by now apart from the garbage collector: it stays until the end.

    Otherwise a full collection, which comes in the middle of some page, goes through all of it:
    80 ms, measured, where a page takes 5.
    """
    gc.collect()
    gc.freeze()


def _greet(settings: Settings, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"{settings.repository_name} is served at http://{shown}:{port} (Ctrl-C ends it)")
    public = urlsplit(settings.base_url)
    if public.hostname in {"127.0.0.1", "localhost"} and public.port != port:
        click.echo(
            f"bookbridge: the pages and OAI-PMH answers name {settings.base_url}; "
            "set base_url to the address that partners use",
            err=True,
        )
