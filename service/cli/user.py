"""``bookbridge user``: the staff and their tokens."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain, tokens
from service.domain.audit_entry import COMMAND_LINE
from service.usecases import signing_in


@click.group()
def command() -> None:
    """Enter members of the staff and give them tokens."""


@command.command()
@click.argument("name")
@click.pass_obj
def add(data_dir: Path | None, name: str) -> None:
    """Enter a member of the staff."""
    site = opening.site(data_dir)
    signing_in.add_staff(site.db, name, site.now(), by=COMMAND_LINE)
    click.echo(f"{plain.line(name)} is entered. Next: bookbridge user token {plain.line(name)!r}")


@command.command()
@click.argument("name")
@click.option("--label", default="", help="What the token is for.")
@click.pass_obj
def token(data_dir: Path | None, name: str, label: str) -> None:
    """Make a token for a member of the staff and show it once."""
    site = opening.site(data_dir)
    tokens.tell(
        signing_in.issue_staff_token(site.db, name, label, site.now(), by=COMMAND_LINE),
        plain.line(name),
    )


@command.command()
@click.argument("name")
@click.pass_obj
def revoke(data_dir: Path | None, name: str) -> None:
    """Revoke every token of a member of the staff."""
    site = opening.site(data_dir)
    tokens.tell_revoked(
        signing_in.revoke_staff_tokens(site.db, name, site.now(), by=COMMAND_LINE), plain.line(name)
    )
