"""``bookbridge mail``: what contacts of partners are told by mail, and whether it arrives."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain
from service.domain.mail import Mail, MailState
from service.usecases import mailing


@click.group()
def command() -> None:
    """Look at mail to contacts of partners, and try the settings."""


@command.command("list")
@click.option(
    "--state",
    type=click.Choice([each.value for each in MailState]),
    help="Only mail of which this became.",
)
@click.option("--before", default="", metavar="ID", help="Go on behind this one.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.pass_obj
def list_(data_dir: Path | None, state: str | None, before: str, limit: int) -> None:
    """List the mail to contacts of partners, newest first."""
    site = opening.site(data_dir)
    wanted = None if state is None else MailState(state)
    found = mailing.list_mails(site.db, wanted, before.upper(), limit + 1)
    for each in found[:limit]:
        _print(each)
    if not found:
        click.echo("There is no such mail.")
    if len(found) > limit:
        click.echo(f"More: bookbridge mail list --before {found[limit - 1].public_id}", err=True)


@command.command()
@click.argument("address")
@click.pass_obj
def test(data_dir: Path | None, address: str) -> None:
    """Send a test to ADDRESS with the mail settings, at once."""
    site = opening.site(data_dir)
    mailing.try_out(site.settings, address, site.now())
    click.echo(f"{site.settings.smtp_host} took a test for {plain.line(address)}")


def _print(found: Mail) -> None:
    parts = [
        found.public_id,
        f"{found.created_at:%Y-%m-%d %H:%M} UTC",
        found.state.value,
        found.partner_code or "",
        plain.line(found.recipient),
        plain.line(found.subject),
        plain.line(found.error, 500),
    ]
    click.echo("  ".join(part for part in parts if part))
