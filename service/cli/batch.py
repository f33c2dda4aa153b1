"""``bookbridge batch``: imported files, each one a batch with its report."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from service.cli import opening, plain, running, signals
from service.cli.import_ import tell
from service.cli.progress import shown
from service.domain.audit_entry import COMMAND_LINE
from service.usecases import cataloguing

_AT_ONCE = 100


@click.group()
def command() -> None:
    """Look at imported files, and commit staged ones."""


@command.command("list")
@click.option("--before", default="", metavar="BATCH", help="Go on behind this one.")
@click.pass_obj
def list_(data_dir: Path | None, before: str) -> None:
    """List imports, the newest first."""
    site = opening.site(data_dir)
    found = cataloguing.list_batches(site.db, before, _AT_ONCE)
    for batch, slug in found:
        click.echo(
            f"{batch.public_id}  {batch.created_at:%Y-%m-%d %H:%M} UTC  {batch.state.value:<10}  "
            f"{slug}  {plain.line(batch.file_name)}"
        )
    if len(found) == _AT_ONCE:
        click.echo(f"More: bookbridge batch list --before {found[-1][0].public_id}", err=True)


@command.command()
@click.argument("batch")
@click.option("--all", "whole", is_flag=True, help="Print every line with problems.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON Lines on standard output.")
@click.pass_obj
def show(data_dir: Path | None, batch: str, whole: bool, as_json: bool) -> None:
    """Show the report of an import. Exit code 1 as for the import itself."""
    site = opening.site(data_dir)
    if not tell(site, cataloguing.report(site.db, batch), as_json=as_json, whole=whole):
        raise SystemExit(1)


@command.command()
@click.argument("batch")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON Lines on standard output.")
@click.pass_obj
def commit(data_dir: Path | None, batch: str, as_json: bool) -> None:
    """Offer the books of a file that was imported with --stage-only."""
    site = opening.site(data_dir)
    stop = threading.Event()
    ordered = cataloguing.order_commit(site.db, batch, site.now(), by=COMMAND_LINE)
    with signals.stopping(stop.set), shown(plain.line(ordered.batch.file_name)) as show_:
        done = running.to_the_end(site, ordered.batch.public_id, stop, show_)
    fine = tell(site, done, as_json=as_json)
    if complaint := running.publish(site):
        click.echo(f"bookbridge: {complaint}", err=True)
    if not fine:
        raise SystemExit(1)
