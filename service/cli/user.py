"""``bookbridge user``: the staff, their roles and their tokens."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain, tokens
from service.domain.audit_entry import COMMAND_LINE
from service.domain.permission import STAFF, Role
from service.usecases import signing_in, staffing

_AT_ONCE = 1000
_ROLE = click.Choice([role.value for role in STAFF])


@click.group()
def command() -> None:
    """Enter the staff, say what they may do, and give them tokens."""


@command.command()
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="What they may do; admin is everything.")
@click.pass_obj
def add(data_dir: Path | None, name: str, role: str) -> None:
    """Enter a member of the staff."""
    site = opening.site(data_dir)
    staffing.add_staff(site.db, name, Role(role), site.now(), by=COMMAND_LINE)
    click.echo(
        f"{plain.line(name)} is entered as {role}. Next: bookbridge user token {plain.line(name)!r}"
    )


@command.command("role")
@click.argument("name")
@click.argument("role", type=_ROLE)
@click.pass_obj
def role_(data_dir: Path | None, name: str, role: str) -> None:
    """Let a member of the staff act in another role, and its tokens with it."""
    site = opening.site(data_dir)
    staffing.change_role(site.db, name, Role(role), site.now(), by=COMMAND_LINE)
    click.echo(f"{plain.line(name)} is {role}")


@command.command("list")
@click.pass_obj
def list_(data_dir: Path | None) -> None:
    """List the staff: name, role, and how many tokens stand."""
    site = opening.site(data_dir)
    after = ""
    while found := staffing.list_staff(site.db, after, _AT_ONCE):
        for each in found:
            tokens_ = f"{each.tokens:,} token{'' if each.tokens == 1 else 's'}"
            click.echo(f"{plain.line(each.name)}  {each.role.value}  {tokens_}")
        after = found[-1].name
    if not after:
        click.echo("There are no accounts yet. Next: bookbridge user add NAME --role admin")


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
