"""``bookbridge audience``: groups of partners that lists are shown to."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, running
from service.domain.audience import Member
from service.domain.audit_entry import COMMAND_LINE
from service.usecases import membership
from service.usecases.site import Site

_AT_ONCE = 1000


@click.group()
def command() -> None:
    """Form groups of partners that offer lists are shown to."""


@command.command()
@click.argument("code")
@click.option("--member", "members", multiple=True, metavar="PARTNER", help="Who belongs to it.")
@click.pass_obj
def add(data_dir: Path | None, code: str, members: tuple[str, ...]) -> None:
    """Make a group named CODE (a-z, 0-9, hyphens), which never changes."""
    site = opening.site(data_dir)
    membership.add_audience(site.db, code, members, by=COMMAND_LINE, now=site.now())
    _published(site, code)
    click.echo(f"\nNext: bookbridge list create SLUG --title TITLE --audience {code}")


@command.command()
@click.argument("code")
@click.argument("partners", nargs=-1, required=True)
@click.pass_obj
def join(data_dir: Path | None, code: str, partners: tuple[str, ...]) -> None:
    """Let partners belong to a group: they see what it sees from now on."""
    site = opening.site(data_dir)
    membership.join(site.db, code, partners, by=COMMAND_LINE, now=site.now())
    _published(site, code)


@command.command()
@click.argument("code")
@click.argument("partners", nargs=-1, required=True)
@click.pass_obj
def leave(data_dir: Path | None, code: str, partners: tuple[str, ...]) -> None:
    """Let partners leave a group: what it saw is deleted for them."""
    site = opening.site(data_dir)
    membership.leave(site.db, code, partners, by=COMMAND_LINE, now=site.now())
    _published(site, code)


@command.command("list")
@click.pass_obj
def list_(data_dir: Path | None) -> None:
    """List the groups, those of single lists among them, and how many belong to each."""
    site = opening.site(data_dir)
    after = ""
    while found := membership.list_audiences(site.db, after, _AT_ONCE):
        for each, members in found:
            click.echo(f"{each.code}  {members:,} partner{'' if members == 1 else 's'}")
        after = found[-1][0].code
    if not after:
        click.echo("There are no groups yet. Next: bookbridge audience add CODE --member PARTNER")


@command.command()
@click.argument("code")
@click.pass_obj
def show(data_dir: Path | None, code: str) -> None:
    """Show who belongs to a group, and who has left it."""
    _print(opening.site(data_dir), code)


def _published(site: Site, code: str) -> None:
    complaint = running.publish(site)
    _print(site, code)
    if complaint:
        click.echo(f"bookbridge: {complaint}", err=True)


def _print(site: Site, code: str) -> None:
    click.echo(code)
    after = ""
    while found := membership.list_members(site.db, code, after, _AT_ONCE):
        for each in found:
            click.echo(f"    {each.partner_code}  {_standing(each)}")
        after = found[-1].partner_code


def _standing(member: Member) -> str:
    told = member.since is not None
    if member.belongs:
        return "belongs" if told and member.left is None else "belongs, to be published"
    return "has left" if member.left is not None or not told else "leaves, to be published"
