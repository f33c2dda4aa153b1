"""``bookbridge place``: countries and regions as the site calls them."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain
from service.domain.audit_entry import COMMAND_LINE
from service.domain.place import Place
from service.usecases import naming_places


@click.group()
def command() -> None:
    """Name countries and regions as this site wants them called."""


@command.command("set")
@click.argument("code")
@click.argument("name")
@click.option("--region", help="Region of the world.  [default: as it is]")
@click.option("--weight", type=int, help="What it counts in allocation.  [default: as it is]")
@click.pass_obj
def set_(
    data_dir: Path | None, code: str, name: str, region: str | None, weight: int | None
) -> None:
    """Call the country or region CODE (two letters, such as KR) NAME."""
    site = opening.site(data_dir)
    _print(
        naming_places.set_place(
            site.db,
            code,
            name=name,
            region=region,
            weight=weight,
            by=COMMAND_LINE,
            now=site.now(),
        )
    )


@command.command("list")
@click.option("--own", is_flag=True, help="Only those that the site named.")
@click.pass_obj
def list_(data_dir: Path | None, own: bool) -> None:
    """List the countries and regions; a * marks those that the site named."""
    for each in naming_places.list_places(opening.site(data_dir).db, own=own):
        _print(each)


@command.command()
@click.argument("code")
@click.pass_obj
def reset(data_dir: Path | None, code: str) -> None:
    """Take the site's own name of CODE back."""
    site = opening.site(data_dir)
    now = naming_places.reset_place(site.db, code, by=COMMAND_LINE, now=site.now())
    if now is None:
        click.echo(f"{code.upper()} has no name any more.")
    else:
        _print(now)


def _print(place: Place) -> None:
    parts = [f"{place.code}{'*' if place.own else ' '}", plain.line(place.name)]
    if place.region:
        parts.append(plain.line(place.region))
    if place.weight:
        parts.append(f"weight {place.weight}")
    click.echo("  ".join(parts))
