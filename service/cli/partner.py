"""``bookbridge partner``: the libraries of the exchange and their tokens."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain, tokens
from service.domain.partner import Partner, PartnerState
from service.usecases import membership, signing_in

_AT_ONCE = 1000


@click.group()
def command() -> None:
    """Enter partner libraries and give them tokens."""


@command.command()
@click.argument("code")
@click.option("--name", required=True, help="Name of the library.")
@click.option("--city", default="")
@click.option("--place", default="", help="Country or region: two letters, such as JP.")
@click.option("--isil", help="Its ISIL (ISO 15511), if it has one.")
@click.pass_obj
def add(
    data_dir: Path | None, code: str, name: str, city: str, place: str, isil: str | None
) -> None:
    """Enter a partner under CODE (a-z, 0-9, hyphens), which never changes."""
    site = opening.site(data_dir)
    made = membership.add_partner(
        site.db, code=code, name=name, city=city, place=place, isil=isil, now=site.now()
    )
    _print(made)
    click.echo(f"\nNext: bookbridge partner token {made.code}")


@command.command("list")
@click.pass_obj
def list_(data_dir: Path | None) -> None:
    """List all partners."""
    site = opening.site(data_dir)
    after = ""
    while found := membership.list_partners(site.db, after, _AT_ONCE):
        for each in found:
            _print(each)
        after = found[-1].code
    if not after:
        click.echo("There are no partners yet. Next: bookbridge partner add CODE --name NAME")


@command.command()
@click.argument("code")
@click.option("--label", default="", help="What the token is for.")
@click.pass_obj
def token(data_dir: Path | None, code: str, label: str) -> None:
    """Make a token for a partner's software and show it once."""
    site = opening.site(data_dir)
    made = signing_in.issue_partner_token(site.db, code, label, site.now())
    tokens.tell(made, f"partner {code}")


@command.command()
@click.argument("code")
@click.pass_obj
def suspend(data_dir: Path | None, code: str) -> None:
    """Suspend the exchange with a partner: no wishes, and it sees what everybody sees."""
    _print(membership.set_state(opening.site(data_dir).db, code, PartnerState.SUSPENDED))


@command.command()
@click.argument("code")
@click.pass_obj
def resume(data_dir: Path | None, code: str) -> None:
    """Take up the exchange with a suspended partner again."""
    _print(membership.set_state(opening.site(data_dir).db, code, PartnerState.ACTIVE))


@command.command()
@click.argument("code")
@click.pass_obj
def revoke(data_dir: Path | None, code: str) -> None:
    """Revoke every token of a partner."""
    site = opening.site(data_dir)
    tokens.tell_revoked(
        signing_in.revoke_partner_tokens(site.db, code, site.now()), f"partner {code}"
    )


def _print(partner: Partner) -> None:
    where = ", ".join(part for part in (plain.line(partner.city), partner.place) if part)
    parts = [partner.code, partner.state.value, plain.line(partner.name), where, partner.isil or ""]
    click.echo("  ".join(part for part in parts if part))
