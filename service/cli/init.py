"""``bookbridge init``: a new site, or an old one brought up to this version."""

from __future__ import annotations

import os
from pathlib import Path

import click

from service.cli import founding
from service.config import Settings


@click.command()
@click.option("--name", "repository_name", help="Name of the library, as partners shall read it.")
@click.option(
    "--identifier",
    "repository_identifier",
    help="Domain name inside OAI identifiers, such as library.example.org; for ever.",
)
@click.option("--base-url", help="Public address of the site, without a slash at the end.")
@click.option("--admin-email", help="Whom a partner writes to when something does not work.")
@click.pass_obj
def command(data_dir: Path | None, /, **options: str | None) -> None:
    """Set up a site, or bring its database up to this version.

    Makes the data folder, a settings file with a fresh secret key (readable by its owner alone)
    and the database. Safe to run again: what is there stays as it is, and after an upgrade of
    Bookbridge it brings the database up.
    """
    given = {name: value for name, value in options.items() if value is not None}
    made = founding.found(data_dir, given, os.environ)
    if made.new_file:
        click.echo(f"Settings: {made.file} (holds the secret key: keep it to yourself)")
    else:
        click.echo(f"Settings: {made.file} was there and stays as it is")
        if given:
            names = ", ".join(sorted(given))
            click.echo(f"bookbridge: {names}: change this in {made.file} yourself", err=True)
    click.echo(f"Database: {made.database}, at schema {made.revision}")
    if made.new_file:
        _next_steps(made.settings)
    else:
        click.echo("The site is ready: bookbridge serve")


def _next_steps(settings: Settings) -> None:
    if settings.repository_identifier.endswith("example.org"):
        click.echo(
            f"\nBefore the first partner harvests, set repository_identifier in the settings: it "
            f"is still {settings.repository_identifier}, and it can never be changed later."
        )
    click.echo(
        "\nNext:\n"
        '  bookbridge partner add nagasaki --name "Nagasaki Prefectural Library" --place JP\n'
        "  bookbridge partner token nagasaki\n"
        '  bookbridge list create autumn --title "Books of this autumn"\n'
        "  bookbridge import books.mrc --list autumn\n"
        "  bookbridge list open autumn\n"
        "  bookbridge serve"
    )
