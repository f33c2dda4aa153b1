"""``bookbridge doctor``: what a site is set to, whether its database serves, and what waits."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain
from service.domain.claim import ClaimSide, ClaimState, words
from service.domain.import_batch import BatchState
from service.errors import Misconfigured
from service.store import jobs
from service.store.db import safe_url
from service.usecases import cataloguing, claiming, mailing, reading_agreements, rerendering
from service.usecases.site import Site

_LATEST = 100  # imports and claims that are looked at, the newest ones


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
    _tell_of_agreements(site)
    _tell_of_claims(site)
    _tell_of_mail(site)
    if not all([_imports_are_fine(site), _renditions_are_fine(site)]):
        raise SystemExit(1)


def _tell_of_agreements(site: Site) -> None:
    ending = reading_agreements.ending(site.db)
    click.echo(f"Agreements about to expire: {len(ending)}")
    for each in ending:
        then = "renews itself" if each.terms.renews else "expires"
        click.echo(
            f"  {then} after {each.terms.ends_on}: bookbridge agreement show {each.public_id}"
        )


def _tell_of_claims(site: Site) -> None:
    new = claiming.list_claims(site.db, side=ClaimSide.THEIRS, states=[ClaimState.OPEN])
    click.echo(f"Claims of partners that nobody answered yet: {len(new)}")
    for each in new[:_LATEST]:
        said = f"{each.partner}, {words(each.reason)}, {each.consignment_number}".rstrip(", ")
        click.echo(f"  {said}: bookbridge claim show {each.public_id}")


def _tell_of_mail(site: Site) -> None:
    fares = mailing.outlook(site.db, site.now())
    if not site.settings.smtp_host:
        click.echo(
            "Mail: none is sent, as setting 'smtp_host' is empty; contacts that want it: "
            f"{fares.contacts}"
        )
        return
    click.echo(
        f"Mail: contacts that want it: {fares.contacts}; waiting: {fares.waiting}; "
        f"given up in the last week: {fares.given_up}"
    )
    if fares.given_up:
        click.echo("  look at them: bookbridge mail list --state 'given up'")


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


def _renditions_are_fine(site: Site) -> bool:
    outdated, newer, job = rerendering.outlook(site.db)
    if newer:
        click.echo(
            f"Renditions: some in {', '.join(newer)} were made by a newer version of Bookbridge; "
            "this version leaves all of them as they are"
        )
    elif not outdated:
        click.echo("Renditions: all were made by the crosswalks of this version")
    else:
        click.echo(f"Renditions: {outdated} were made by earlier crosswalks")
    if job is None or job.state == jobs.DONE:
        if outdated and not newer:
            click.echo("  a worker makes them anew: it looks when it starts, and once an hour")
    elif job.state == jobs.FAILED:
        click.echo(f"  failed: {plain.line(job.error)}")
    else:
        click.echo(f"  a worker makes them anew: {job.done} of {job.total} done")
        if job.error:
            click.echo(f"  {plain.line(job.error)}")
    return job is None or job.state != jobs.FAILED
