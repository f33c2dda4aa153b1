"""``bookbridge ledger``: the entries that balances are made of, and those of earlier years."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain, table_import
from service.domain import amount, balance
from service.domain.audit_entry import COMMAND_LINE
from service.domain.balance import Total
from service.domain.ledger import Direction, Figures, Right, Written
from service.domain.opening_balance import Opening
from service.domain.transfer import TransferKind
from service.usecases import accounting, carrying_forward

_number = click.IntRange(min=0)


@click.group()
def command() -> None:
    """Look into the ledger, correct it, and enter balances of earlier years."""


@command.command()
@click.argument("partner")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--before", default="", metavar="ENTRY", help="Only what is older than this entry.")
@click.pass_obj
def show(data_dir: Path | None, partner: str, limit: int, before: str) -> None:
    """Show the entries of PARTNER, the last written first."""
    site = opening.site(data_dir)
    found = accounting.list_entries(site.db, partner, before, limit)
    for each in found:
        _print(each)
    if not found:
        click.echo(f"There is nothing {'older' if before else 'of it'} in the ledger.")
    elif len(found) == limit:
        click.echo(
            f"For what is older: bookbridge ledger show {partner} --before {found[-1].public_id}"
        )


@command.command("opening")
@click.argument("partner")
@click.argument("year", type=int)
@click.argument("direction", type=click.Choice([each.lower() for each in Direction]))
@click.argument("kind", type=click.Choice([each.lower() for each in TransferKind]))
@click.option("--titles", default=0, type=_number)
@click.option("--volumes", required=True, type=_number)
@click.option("--value", default="", help="In units of the currency, such as 120.50.")
@click.option("--currency", default="", help="Three letters (ISO 4217), such as KRW.")
@click.option("--note", default="", help="Where it comes from; both sides read it.")
@click.pass_obj
def opening_(
    data_dir: Path | None,
    partner: str,
    year: int,
    direction: str,
    kind: str,
    titles: int,
    volumes: int,
    value: str,
    currency: str,
    note: str,
) -> None:
    """Enter what went to PARTNER (sent) or came from it (received) in an earlier YEAR."""
    site = opening.site(data_dir)
    code = amount.check_currency(currency)
    if value and not code:
        raise click.UsageError("A value needs its currency: --currency KRW.")
    made, is_new = carrying_forward.enter(
        site.db,
        Opening(
            partner,
            year,
            Direction(direction.upper()),
            TransferKind(kind.upper()),
            Figures(titles, volumes, amount.read(value, code) if value else 0),
            code,
            note.strip(),
        ),
        by=COMMAND_LINE,
        now=site.now(),
    )
    _print(made)
    if not is_new:
        click.echo("It was there before; nothing is changed.")


@command.command("import")
@table_import.options
@click.pass_context
def import_(
    ctx: click.Context, file: Path, dry_run: bool, encoding: str, rejected: Path | None
) -> None:
    """Take in a table of opening balances: CSV, .xlsx or .ods.

    Its headings are partner, year, direction, kind, titles, volumes, and if wanted value,
    currency, note. The same table again changes nothing.
    """
    media_type = table_import.media_type(file)
    site = opening.site(ctx.obj)
    with file.open("rb") as stream:
        taken = carrying_forward.take_in(
            site.db,
            stream,
            media_type,
            charset=encoding,
            dry_run=dry_run,
            by=COMMAND_LINE,
            now=site.now(),
        )
    table_import.tell(ctx, file, taken, rejected)


@command.command()
@click.argument("entry")
@click.option("--reason", required=True, help="Why; both sides read it.")
@click.option("--titles", type=_number, help="As it should be.")
@click.option("--volumes", type=_number, help="As it should be.")
@click.option("--value", default="", help="As it should be, in units of its currency.")
@click.pass_obj
def counter(
    data_dir: Path | None,
    entry: str,
    reason: str,
    titles: int | None,
    volumes: int | None,
    value: str,
) -> None:
    """Take ENTRY back by another one against it; with figures, enter what is right.

    Nothing is changed or removed: both entries stay. A figure that is not given is right as it is.
    """
    site = opening.site(data_dir)
    money = amount.read(value, accounting.show_entry(site.db, entry).currency) if value else None
    right = Right(titles, volumes, money)
    made = accounting.counter(
        site.db,
        entry,
        reason=reason,
        instead=None if right == Right() else right,
        by=COMMAND_LINE,
        now=site.now(),
    )
    for each in made:
        _print(each)


def _print(entry: Written) -> None:
    values = {entry.currency: entry.value} if entry.currency else {}
    figures = balance.amounts(Total(entry.titles, entry.volumes, values))
    what = f"{entry.direction.lower()}, {entry.kind.lower()}"
    click.echo(
        f"{entry.public_id}  {entry.on_date}  {entry.partner_code}  {what}: {figures}  "
        f"({entry.event} {plain.line(entry.event_key)})"
    )
    if entry.countered_by:
        click.echo(f"    taken back by {entry.countered_by}")
    if entry.reason:
        click.echo(f"    {plain.line(entry.reason, 500)}")
