"""``bookbridge holdings``: what our library has, so that nobody wishes for it again."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import opening, plain, table_import
from service.domain.audit_entry import COMMAND_LINE
from service.usecases import holding

_TOLD = 10  # rows without a number that are shown


@click.group()
def command() -> None:
    """Say what our library has: ISBNs and ISSNs that its own system exported."""


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--add", is_flag=True, help="Add to what was uploaded before; else it is replaced.")
@click.option("--encoding", default="", help="Of text, if it is not UTF-8: GBK, CP949.")
@click.pass_obj
def upload(data_dir: Path | None, file: Path, add: bool, encoding: str) -> None:
    """Read a FILE of what we hold: text, CSV, a spreadsheet, or our records as MARC."""
    site = opening.site(data_dir)
    with file.open("rb") as stream:
        made = holding.upload(
            site.db,
            stream,
            table_import.SHEETS.get(file.suffix.lower(), ""),
            charset=encoding,
            replace=not add,
            limit=site.settings.upload_bytes,
            by=COMMAND_LINE,
            now=site.now(),
        )
    click.echo(f"{made.read:,} rows read, {made.without:,} of them without a number")
    for each in made.faults[:_TOLD]:
        click.echo(f"    row {each.row}: {plain.line(each.text)}")
    if made.remark:
        click.echo(plain.line(made.remark, 500))
    if made.removed:
        click.echo(f"{made.removed:,} identifiers of before are held no more")
    _show(made.counts)


@command.command()
@click.pass_obj
def show(data_dir: Path | None) -> None:
    """Show how many identifiers we hold."""
    _show(holding.count(opening.site(data_dir).db))


def _show(counts: dict[str, int]) -> None:
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    click.echo(f"Held: {told or 'nothing. Next: bookbridge holdings upload FILE'}")
