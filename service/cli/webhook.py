"""``bookbridge webhook``: the addresses at which partners' systems are told at once."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain
from service.domain.audit_entry import COMMAND_LINE
from service.domain.webhook import Webhook
from service.usecases import membership, notifying


@click.group()
def command() -> None:
    """Tell partners' systems at once what became of their wishes."""


@command.command("list")
@click.argument("partner", required=False)
@click.pass_obj
def list_(data_dir: Path | None, partner: str | None) -> None:
    """List the webhooks of PARTNER (its code), or all, and how their deliveries fare."""
    site = opening.site(data_dir)
    owner = None if partner is None else membership.find_partner(site.db, partner)
    found = notifying.list_webhooks(site.db, owner)
    for each in found:
        _print(each)
    if not found:
        click.echo("There are no webhooks yet. Next: bookbridge webhook add PARTNER URL")


@command.command()
@click.argument("partner")
@click.argument("url")
@click.pass_obj
def add(data_dir: Path | None, partner: str, url: str) -> None:
    """Have URL called for PARTNER, and show once the secret that deliveries are signed with."""
    site = opening.site(data_dir)
    owner = membership.find_partner(site.db, partner)
    added = notifying.add_webhook(site.db, site.settings, owner, url, site.now(), by=COMMAND_LINE)
    click.echo(added.secret)
    click.echo(
        f"bookbridge: webhook {added.webhook.public_id} of partner {partner} is signed with this "
        "secret; it cannot be shown again",
        err=True,
    )


@command.command()
@click.argument("webhook_id")
@click.pass_obj
def resume(data_dir: Path | None, webhook_id: str) -> None:
    """Call a paused webhook again, beginning with what it missed in the last three days."""
    site = opening.site(data_dir)
    _print(notifying.resume_webhook(site.db, None, webhook_id, site.now(), by=COMMAND_LINE))


@command.command()
@click.argument("webhook_id")
@click.pass_obj
def remove(data_dir: Path | None, webhook_id: str) -> None:
    """Remove a webhook with all that waits for it."""
    site = opening.site(data_dir)
    notifying.remove_webhook(site.db, None, webhook_id, site.now(), by=COMMAND_LINE)
    click.echo(f"webhook {webhook_id} removed")


def _print(found: Webhook) -> None:
    parts = [
        found.public_id,
        found.partner_code,
        found.state.value,
        plain.line(found.url),
        f"{found.waiting} waiting" if found.waiting else "",
        f"{found.given_up} given up" if found.given_up else "",
        plain.line(found.error),
    ]
    click.echo("  ".join(part for part in parts if part))
