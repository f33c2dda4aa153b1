"""``bookbridge doctor``: what a site is set to, whether its database serves, and what waits."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain
from service.domain.import_batch import BatchState
from service.errors import Misconfigured
from service.store.db import safe_url
from service.usecases import cataloguing
from service.usecases.site import Site

_LATEST = 100  # imports that are looked at, the newest ones


@click.command()
@click.pass_obj
def command(data_dir: Path | None) -> None:
    """Check settings, database and waiting work.

    Prints every setting with secrets masked, fit for a support mail. Exit code 1 when something
    needs a person.
    """
    settings = opening.settings(data_dir)
    click.echo("Settings:")
    for name, value in settings.described().items():
        click.echo(f"  {name} = {plain.line(value)}")
    click.echo(f"  database = {safe_url(settings.database)}")
    if not settings.secret_key:
        raise Misconfigured("setting 'secret_key' is not set; `bookbridge init` makes one")
    site = opening.site(data_dir)
    click.echo("Database: it can be read, and its schema is the one this version needs")
    if not _imports_are_fine(site):
        raise SystemExit(1)


def _imports_are_fine(site: Site) -> bool:
    batches = cataloguing.list_batches(site.db, "", _LATEST)
    waiting = [b for b, _ in batches if b.state in {BatchState.STAGING, BatchState.COMMITTING}]
    staged = [b for b, _ in batches if b.state is BatchState.STAGED]
    failed = [b for b, _ in batches if b.state is BatchState.FAILED]
    click.echo(
        f"Latest imports: {len(batches)}, of them {len(waiting)} at work or waiting for a worker, "
        f"{len(staged)} staged, {len(failed)} failed"
    )
    for batch in failed:
        click.echo(f"  failed: bookbridge batch show {batch.public_id}")
    return not failed
