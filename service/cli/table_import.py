"""Tables on the command line: what a file's ending says of it, and what became of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from service.cli import plain
from service.domain import table_file, table_import, wish_sheet
from service.domain.table_import import TakenIn

if TYPE_CHECKING:  # a table of partners has no need of what gifts are made of
    from service.usecases import announcing_gifts, filling_gifts

F = TypeVar("F", bound=Callable[..., Any])

SHEETS: Final = {".xlsx": wish_sheet.XLSX, ".ods": wish_sheet.ODS}
"""Media types of spreadsheets, by the ending of the file's name."""

TABLES: Final = {
    ".csv": table_import.CSV,
    ".txt": table_import.CSV,
    ".tsv": table_import.CSV,
    **SHEETS,
}
"""Media types of tables."""


def options(command: F) -> F:
    """Add the table, and how it is taken in."""
    for each in reversed(_OPTIONS):
        command = each(command)
    return command


_OPTIONS = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    click.option("--dry-run", is_flag=True, help="Only say what would become of each row."),
    click.option("--encoding", default="", help="Of a CSV file, if it is not UTF-8."),
    click.option(
        "--rejected",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Where rows go that are wrong, to be mended.  [default: beside FILE]",
    ),
)


def media_type(file: Path) -> str:
    """Return the media type of a table; another ending is wrong usage."""
    found = TABLES.get(file.suffix.lower())
    if found is None:
        raise click.UsageError(f"{file.name} is none of {', '.join(TABLES)}.")
    return found


def tell(ctx: click.Context, file: Path, taken: TakenIn, rejected: Path | None) -> None:
    """Tell what became of a table; with rows that were wrong, keep those and end with 1.

    They go into ``rejected``, or into a file beside ``file``.
    """
    told = ", ".join(f"{number} {outcome}" for outcome, number in taken.counts.items())
    click.echo(f"{told}{' (a dry run: nothing is kept)' if taken.dry_run else ''}")
    _tell_reading(taken.not_read, taken.remark)
    for each in taken.rejected:
        for fault in each.faults:
            _tell_fault(each.row.number, fault.field, fault.reason)
    if taken.rejected:
        place = rejected or file.with_name(f"{file.stem}-rejected.csv")
        with place.open("w", encoding="utf-8", newline="") as out:
            out.writelines(table_file.csv_lines(taken.returned()))
        click.echo(f"The rows that were wrong are in {place}: mend them and import it.", err=True)
        ctx.exit(1)


def tell_books(taken: filling_gifts.TakenIn | announcing_gifts.Taken) -> None:
    """Tell how a table of books was read, and on standard error which rows were wrong."""
    _tell_reading(taken.columns_not_read, taken.remark)
    for each in taken.remarks:
        click.echo(f"{_where(each.row, each.column)}: {plain.line(each.reason, 500)}")
    for each in taken.rejected:
        _tell_fault(each.row, each.column, each.reason)


def _tell_reading(not_read: Sequence[str], remark: str) -> None:
    if not_read:
        click.echo(f"Columns that were not read: {plain.line(', '.join(not_read))}")
    if remark:
        click.echo(plain.line(remark, 500))


def _tell_fault(row: int, column: str, reason: str) -> None:
    click.echo(f"    {_where(row, column)}: {plain.line(reason, 500)}", err=True)


def _where(row: int, column: str) -> str:
    return f"row {row}, {column or 'the row'}"
