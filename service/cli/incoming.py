"""``bookbridge incoming``: books that partners give us, from the announcement to the shelf."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from marc_mappings.survey import Said
from service.cli import files, incoming_pieces, opening, plain, table_import
from service.cli.incoming_view import document, done, headline, line, show
from service.cli.papers import labels
from service.domain import amount
from service.domain.accession import Told
from service.domain.accompanying_file import FILE_FORMS, WRITTEN_DIALECTS
from service.domain.audit_entry import COMMAND_LINE
from service.domain.incoming_gift import IncomingSource, IncomingState
from service.domain.transfer import TransferKind
from service.usecases import accessioning, announcing_gifts, checking_pieces, exporting_gifts
from service.usecases.site import Site


def _choice(words: Any) -> click.Choice[str]:
    return click.Choice([each.value for each in words], case_sensitive=False)


_DAY = click.DateTime(["%Y-%m-%d"])
_GIFT = click.argument("gift")


@click.group()
def command() -> None:
    """Take in what partners give: announced, received, checked, accessioned, catalogued.

    GIFT is the id that `incoming announce` and `incoming list` show.
    """


# --- announcing -----------------------------------------------------------------------------------


@command.command()
@click.argument("partner", required=False)
@click.option("--list", "slug", default="", help="What this harvested list of a partner says.")
@click.option("--title", help="What it is: Children's books from Kaohsiung.")
@click.option("--kind", type=_choice(TransferKind))
@click.option("--source", type=_choice(IncomingSource), help="How we know.  [default: MAIL]")
@click.option("--titles", "announced_titles", type=click.IntRange(0), help="As announced.")
@click.option("--volumes", "announced_volumes", type=click.IntRange(0), help="As announced.")
@click.option("--notes", help="For the staff alone.")
@click.pass_obj
def announce(
    data_dir: Path | None, /, partner: str | None, slug: str, **given: str | int | None
) -> None:
    """Enter that PARTNER announced a gift, or that its list says so title by title."""
    if bool(partner) == bool(slug):
        raise click.UsageError("name the partner, or its list with --list")
    said = {name: value for name, value in given.items() if value is not None}
    site = opening.site(data_dir)
    do = announcing_gifts.announce_list if slug else announcing_gifts.announce
    made = do(site.db, slug or partner or "", said, by=COMMAND_LINE, now=site.now())
    show(site, made)
    click.echo(f"\nNext: bookbridge incoming file {made.public_id} FILE, or incoming receive")


@command.command()
@_GIFT
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@files.said_options
@click.pass_context
def file(ctx: click.Context, gift: str, file: Path, from_dialect: str, encoding: str) -> None:
    """Read what a partner sent with its gift: a table (CSV, .xlsx, .ods), or MARC in any form.

    Rows that are wrong are told on standard error: mend those, and read them alone.
    """
    site = opening.site(ctx.obj)
    media_type = table_import.TABLES.get(file.suffix.lower(), "")
    with file.open("rb") as stream:
        taken = announcing_gifts.take_in(
            site.db,
            gift,
            stream,
            media_type,
            file_name=file.name,
            charset=encoding if media_type else "",
            said=Said() if media_type else Said(encoding, from_dialect),
            limit=site.settings.upload_bytes,
            by=COMMAND_LINE,
            now=site.now(),
        )
    if media_type:
        click.echo(f"{taken.titles:,} titles read, {len(taken.rejected):,} faults")
    table_import.tell_books(taken)
    if taken.titles or not media_type:
        click.echo(f"Its records are catalogued by a worker: import {taken.gift.batch}")
    if taken.rejected:
        ctx.exit(1)


@command.command()
@_GIFT
@click.option("--title")
@click.option("--kind", type=_choice(TransferKind), help="Until it is in the balance.")
@click.option("--titles", "announced_titles", type=click.IntRange(0))
@click.option("--volumes", "announced_volumes", type=click.IntRange(0))
@click.option("--postage", metavar="AMOUNT", help="As 12000 or 12.50.")
@click.option("--currency", "postage_currency", help="Of the postage, three letters.")
@click.option("--weight", type=click.IntRange(0), help="Grams.")
@click.option("--notes")
@click.pass_obj
def change(data_dir: Path | None, /, gift: str, **given: Any) -> None:
    """Change what is said of a gift."""
    site = opening.site(data_dir)
    said = _with_postage(site, gift, given)
    if not said:
        raise click.UsageError("say what to change")
    done(site, announcing_gifts.change, gift, said)


# --- checking -------------------------------------------------------------------------------------


@command.command()
@_GIFT
@click.option("--on", type=_DAY, help="The day on which it came.  [default: today, UTC]")
@click.option("--postage", metavar="AMOUNT", help="If we paid: 12000 or 12.50.")
@click.option("--currency", "postage_currency", help="Of the postage, three letters.")
@click.option("--weight", type=click.IntRange(0), help="Grams.")
@click.pass_obj
def receive(data_dir: Path | None, /, gift: str, on: datetime | None, **given: Any) -> None:
    """Enter that a gift came."""
    site = opening.site(data_dir)
    day = (on or site.now().astimezone(UTC)).date()
    done(site, accessioning.receive, gift, day, _with_postage(site, gift, given))
    click.echo(f"\nNext: bookbridge incoming scan {gift}")


@command.command()
@_GIFT
@click.option("--claim", is_flag=True, help="Claim of the partner what is damaged or missing.")
@click.pass_obj
def check(data_dir: Path | None, gift: str, claim: bool) -> None:
    """Conclude the check: what was accepted is in the balance from now on."""
    done(opening.site(data_dir), accessioning.check, gift, claim=claim)
    click.echo(f"\nNext: bookbridge incoming accession {gift}")


# --- onto the shelf -------------------------------------------------------------------------------


@command.command()
@_GIFT
@click.option("--first", default="", metavar="NUMBER", help="The others count on from it.")
@click.pass_obj
def accession(data_dir: Path | None, gift: str, first: str) -> None:
    """Give what was accepted its accession numbers."""
    done(opening.site(data_dir), accessioning.give_numbers, gift, first=first)
    click.echo(f"\nNext: bookbridge incoming catalogue {gift}")


@command.command()
@_GIFT
@click.pass_obj
def catalogue(data_dir: Path | None, gift: str) -> None:
    """Say that what was accepted is catalogued; what has no record is named."""
    done(opening.site(data_dir), accessioning.catalogue, gift)
    click.echo(f"\nNext: bookbridge incoming export {gift} -o FILE")


@command.command()
@_GIFT
@click.pass_obj
def display(data_dir: Path | None, gift: str) -> None:
    """Say that its books are on display."""
    done(opening.site(data_dir), accessioning.display, gift)


@command.command()
@_GIFT
@click.option("-o", "--output", "target", required=True, type=files.TARGET)
@click.option("--to", "form", type=click.Choice(tuple(FILE_FORMS)), help="[default: iso2709]")
@click.option("--dialect", type=click.Choice(WRITTEN_DIALECTS), help="[default: marc21]")
@click.option("--541", "with_source", is_flag=True, help="From whom, how, when, and its number.")
@click.option("--852", "with_holdings", is_flag=True, help="852 and 876: our copy and its place.")
@click.pass_obj
def export(
    data_dir: Path | None,
    gift: str,
    target: Path,
    form: str | None,
    dialect: str | None,
    with_source: bool,
    with_holdings: bool,
) -> None:
    """Write the records of exactly what was accepted, for our own system."""
    site = opening.site(data_dir)
    made = exporting_gifts.records(
        site.db,
        gift,
        form=form or "",
        dialect=dialect or "",
        told=Told(with_source, with_holdings),
    )
    with files.written(target) as stream:
        stream.write(made.body)
    click.echo(f"{made.records:,} records", err=target == files.STANDARD)
    for remark in made.remarks:
        click.echo(f"note: {plain.line(remark, 500)}", err=True)


# --- what was entered wrongly ---------------------------------------------------------------------


@command.command("correct-day")
@_GIFT
@click.argument("day", type=_DAY)
@click.option("--why", required=True, help="Why; it stands in the ledger.")
@click.pass_obj
def correct_day(data_dir: Path | None, gift: str, day: datetime, why: str) -> None:
    """Correct the day on which a gift came, and with it the year in which it counts."""
    done(opening.site(data_dir), accessioning.correct_day, gift, day.date(), why=why)


@command.command()
@_GIFT
@click.option("--reason", required=True, help="Why it does not come.")
@click.pass_obj
def cancel(data_dir: Path | None, gift: str, reason: str) -> None:
    """Cancel a gift that was announced and does not come."""
    done(opening.site(data_dir), accessioning.cancel, gift, reason=reason)


# --- looking --------------------------------------------------------------------------------------


@command.command("list")
@click.option("--partner", default="", metavar="CODE", help="Those of this partner.")
@click.option("--state", "states", multiple=True, type=_choice(IncomingState))
@click.pass_obj
def list_(data_dir: Path | None, partner: str, states: tuple[str, ...]) -> None:
    """List incoming gifts, newest first."""
    site = opening.site(data_dir)
    chosen = [IncomingState(each.upper()) for each in states] or list(IncomingState)
    found = accessioning.list_gifts(site.db, code=partner, states=chosen)
    for each in found:
        click.echo(headline(each))
    if not found:
        click.echo("There are no such gifts. Next: bookbridge incoming announce PARTNER --title …")


@command.command("show")
@_GIFT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def show_(data_dir: Path | None, gift: str, as_json: bool) -> None:
    """Show a gift with its pieces, and what should be looked at."""
    site = opening.site(data_dir)
    found = accessioning.find(site.db, gift)
    lines = checking_pieces.list_pieces(site.db, gift)
    if as_json:
        click.echo(json.dumps(document(found.gift, lines, found.remarks), ensure_ascii=False))
        return
    show(site, found.gift)
    for each in lines:
        click.echo(line(each))


def _with_postage(site: Site, gift: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what was said, with an amount as a person wrote it in its currency."""
    said = {name: value for name, value in given.items() if value is not None}
    if "postage" in said:
        currency = said.get("postage_currency")
        known = currency or accessioning.find(site.db, gift).gift.postage_currency
        said["postage"] = amount.read(
            said["postage"], amount.check_currency(known, "postage_currency"), "postage"
        )
    return said


for each in (*incoming_pieces.COMMANDS, labels):
    command.add_command(each)
