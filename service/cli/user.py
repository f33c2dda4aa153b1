"""``bookbridge user``: who signs in, as what, and the tokens of the staff."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from service.cli import opening, plain, tokens
from service.domain.account import Account
from service.domain.audit_entry import COMMAND_LINE
from service.domain.permission import STAFF, Role
from service.errors import Invalid
from service.usecases import (
    changing_passwords,
    inviting,
    opening_sessions,
    signing_in,
    staffing,
)
from service.usecases.hashing_passwords import HASHER
from service.usecases.inviting import Made

_AT_ONCE: Final = 1000
_ROLE = click.Choice([role.value for role in STAFF])


@click.group()
def command() -> None:
    """Enter people, say what they may do, let them in, and give the staff tokens."""


@command.command()
@click.argument("name")
@click.option("--role", type=_ROLE, help="What one of the staff may do; admin is everything.")
@click.option("--partner", default="", help="Code of the partner whose person it is; no role then.")
@click.option("--email", default="", help="Where links go, where this site sends mail.")
@click.option("--full-name", default="", help="What the person is called.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, and invite not."
)
@click.pass_obj
def add(
    data_dir: Path | None,
    name: str,
    role: str | None,
    partner: str,
    email: str,
    full_name: str,
    password_stdin: bool,
) -> None:
    """Enter somebody, and print the link that lets the person in."""
    if (role is None) == (not partner):
        raise click.UsageError("say either --role for one of the staff, or --partner CODE")
    site = opening.site(data_dir)
    now, password = site.now(), ""
    if password_stdin:
        library = site.settings.repository_name
        password = changing_passwords.hashed(HASHER, _password(), name=name, library=library)
    made = staffing.add(
        site.db,
        name,
        Role(role) if role else Role.PARTNER,
        now,
        partner=partner,
        full_name=full_name,
        email=email,
        password=password,
        by=COMMAND_LINE,
    )
    whose = f"as {made.role.value}" if role else f"for partner {plain.line(partner)}"
    click.echo(f"{plain.line(made.name)} is entered {whose}.")
    if not password_stdin:
        _tell(inviting.invite(site.db, site.settings, made.name, now, by=COMMAND_LINE))
    elif role:
        click.echo(f"For programs: bookbridge user token {plain.line(made.name)!r}")


def _password() -> str:
    """Return the first line of standard input; raise ``Invalid`` where there is none."""
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise Invalid("no password came on standard input", field="password")
    return given


def _tell(made: Made) -> None:
    """Print a link, which is shown this once."""
    if made.mailed_to:
        click.echo(f"The link is on its way to {plain.line(made.mailed_to)}; it is also this one:")
    else:
        click.echo("The link that lets the person in, to be handed over:")
    click.echo(made.address)
    click.echo(
        f"bookbridge: it works once, until {made.until:%Y-%m-%d %H:%M} UTC, "
        "and cannot be shown again",
        err=True,
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
    """List who signs in: name, role, and how many tokens and browsers stand."""
    site = opening.site(data_dir)
    after = ""
    while found := staffing.list_accounts(site.db, site.now(), after, _AT_ONCE):
        for each in found:
            click.echo(_line(each))
        after = found[-1].name
    if not after:
        click.echo("There are no accounts yet. Next: bookbridge user add NAME --role admin")


def _line(found: Account) -> str:
    told = [plain.line(found.name), found.role.value]
    if found.partner:
        told.append(f"of {plain.line(found.partner)}")
    told.append(f"{found.tokens:,} token{'' if found.tokens == 1 else 's'}")
    if found.sessions:
        told.append(f"{found.sessions:,} session{'' if found.sessions == 1 else 's'}")
    if found.disabled_at:
        told.append(f"disabled on {found.disabled_at:%Y-%m-%d}")
    elif not found.has_password:
        told.append("no password")
    return "  ".join(told)


@command.command()
@click.argument("name")
@click.pass_obj
def disable(data_dir: Path | None, name: str) -> None:
    """Let nobody sign in as NAME, and its tokens open nothing."""
    site = opening.site(data_dir)
    staffing.disable(site.db, name, site.now(), by=COMMAND_LINE)
    click.echo(f"{plain.line(name)} is disabled")


@command.command()
@click.argument("name")
@click.pass_obj
def enable(data_dir: Path | None, name: str) -> None:
    """Let NAME sign in again."""
    site = opening.site(data_dir)
    staffing.enable(site.db, name, site.now(), by=COMMAND_LINE)
    click.echo(f"{plain.line(name)} can sign in again")


@command.command()
@click.argument("name")
@click.option(
    "--password-stdin", is_flag=True, help="Read the new password from standard input at once."
)
@click.pass_obj
def reset(data_dir: Path | None, name: str, password_stdin: bool) -> None:
    """Print a link by which NAME sets a new password; the old one goes on until then."""
    site = opening.site(data_dir)
    if password_stdin:
        library = site.settings.repository_name
        changing_passwords.set_by_operator(
            site.db,
            HASHER,
            name,
            _password(),
            library=library,
            now=site.now(),
            by=COMMAND_LINE,
        )
        click.echo(f"{plain.line(name)} has a new password, and is signed out everywhere")
        return
    _tell(inviting.reset(site.db, site.settings, name, site.now(), by=COMMAND_LINE))


@command.command()
@click.argument("name")
@click.option("--close", is_flag=True, help="Sign NAME out everywhere.")
@click.pass_obj
def sessions(data_dir: Path | None, name: str, close: bool) -> None:
    """List the browsers in which NAME is signed in, or sign it out of all."""
    site = opening.site(data_dir)
    now = site.now()
    if close:
        number = opening_sessions.close_all(site.db, name, now, by=COMMAND_LINE)
        click.echo(f"{number} session{'' if number == 1 else 's'} of {plain.line(name)} closed")
        return
    for each in opening_sessions.list_sessions(site.db, name, now):
        seen = f"since {each.created_at:%Y-%m-%d %H:%M}, seen {each.seen_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{seen}  {plain.line(each.browser) or 'unknown browser'}")


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
