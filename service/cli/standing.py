"""``bookbridge standing``: what partners always look for, and what on offer met it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain
from service.domain.audit_entry import COMMAND_LINE
from service.domain.standing_wish import StandingWish
from service.usecases import membership, watching

_AT_ONCE = 500


@click.group()
def command() -> None:
    """Look out for what partners always wish for."""


@command.command()
@click.argument("partner")
@click.option("--title", required=True, help="What the partner calls it.")
@click.option("--word", "words", multiple=True, help="Words in the title.")
@click.option("--subject", "subjects", multiple=True, help="Words in a subject heading.")
@click.option("--author", "authors", multiple=True, help="Words in a name.")
@click.option("--series", multiple=True, help="Words in the title of a series.")
@click.option("--publisher", "publishers", multiple=True, help="Words in its name.")
@click.option("--class", "classes", multiple=True, help="Beginning of a class number.")
@click.option("--place", "places", multiple=True, help="Place of publication, such as MN.")
@click.option("--language", "languages", multiple=True, help="MARC code, such as kor.")
@click.option("--from", "year_from", type=int, help="First year of publication.")
@click.option("--to", "year_to", type=int, help="Last year of publication.")
@click.option("--register", "registers", is_flag=True, help="Wish for what meets it as well.")
@click.pass_obj
def add(
    data_dir: Path | None, /, partner: str, title: str, registers: bool, **criteria: Any
) -> None:
    """Add a standing wish of PARTNER: every criterion must be met, each by one of its values."""
    site = opening.site(data_dir)
    query = {name: list(v) if isinstance(v, tuple) else v for name, v in criteria.items() if v}
    owner = membership.find_partner(site.db, partner)
    _print(
        watching.add(
            site.db,
            owner,
            title,
            query,
            registers=registers,
            by=COMMAND_LINE,
            now=site.now(),
        )
    )


@command.command("list")
@click.argument("partner", required=False)
@click.pass_obj
def list_(data_dir: Path | None, partner: str | None) -> None:
    """List the standing wishes of PARTNER, or all, newest first."""
    site = opening.site(data_dir)
    owner = None if partner is None else membership.find_partner(site.db, partner)
    found = watching.list_standing_wishes(site.db, owner)
    for each in found:
        _print(each)
    if not found:
        click.echo(
            "There are no standing wishes. "
            "Next: bookbridge standing add PARTNER --title TITLE --subject WORDS"
        )


@command.command()
@click.argument("standing_wish")
@click.pass_obj
def show(data_dir: Path | None, standing_wish: str) -> None:
    """Show what met STANDING_WISH, the newest offer first, and by what."""
    site = opening.site(data_dir)
    _print(watching.show(site.db, standing_wish, None))
    before = ""
    while met := watching.list_matches(site.db, standing_wish, None, before, _AT_ONCE):
        for each in met:
            click.echo(f"    {each.offer}  {plain.line(each.title)}  {plain.line(each.reason)}")
        before = met[-1].offer


@command.command()
@click.argument("standing_wish")
@click.pass_obj
def stop(data_dir: Path | None, standing_wish: str) -> None:
    """Stop STANDING_WISH; what it has wished for stands."""
    site = opening.site(data_dir)
    _print(watching.stop(site.db, standing_wish, None, by=COMMAND_LINE, now=site.now()))


def _print(found: StandingWish) -> None:
    told = "registers" if found.registers else "tells"
    click.echo(
        f"{found.public_id}  {found.partner_code}  {found.state.value}  {told}  "
        f"{plain.line(found.title)}  {found.matches:,} met"
    )
    for name, wanted in found.query.as_json().items():
        said = " | ".join(wanted) if isinstance(wanted, list) else str(wanted)
        click.echo(f"    {name.replace('_', ' ')}: {plain.line(said)}")
