"""``bookbridge stats``: the figures of the programme, for the press and for the annual report."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.cells import cell_len

from service.cli import opening, plain
from service.domain import table_file
from service.domain.statistics import Cell, Table
from service.usecases import reporting

_YEAR = click.IntRange(1900, 2100)


@click.command()
@click.argument("name", metavar="[TABLE]", default="", type=click.Choice(["", *reporting.TABLES]))
@click.option("--year", type=_YEAR, help="Of one year only.")
@click.option("--sent-in", type=_YEAR, help="The year that the press line tells as sent.")
@click.option("--received-in", type=_YEAR, help="The year that it tells as received.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the table to a file, .csv or .xlsx by its name.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(
    data_dir: Path | None,
    name: str,
    year: int | None,
    sent_in: int | None,
    received_in: int | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show the line for the press, or a TABLE: years, partners, places, regions, operations.

    What is counted, and how, is laid down in docs/statistics.md.
    """
    site = opening.site(data_dir)
    if not name:
        if output or year:
            raise click.UsageError("A file and a year are of a TABLE: name it.")
        line = reporting.press_line(site.db, sent_in=sent_in, received_in=received_in)
        click.echo(json.dumps({"press_line": line}, ensure_ascii=False) if as_json else line)
        return
    found = reporting.table(site.db, name, year, site.now())
    if output is not None:
        _write(found, name, output)
    elif as_json:
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        click.echo(json.dumps({"title": found.title, "rows": rows}, ensure_ascii=False))
    else:
        _print(found)


def _write(found: Table, name: str, output: Path) -> None:
    rows = [[table_file.guarded(cell) for cell in row] for row in found.texts()]
    if output.suffix.lower() == ".xlsx":
        output.write_bytes(table_file.xlsx(rows, name))
    elif output.suffix.lower() == ".csv":
        output.write_text("".join(table_file.csv_lines(rows)), encoding="utf-8", newline="")
    else:
        raise click.UsageError(f"{output.name}: a table is written as .csv or .xlsx.")
    rows_of = "1 row" if len(found.rows) == 1 else f"{len(found.rows):,} rows"
    click.echo(f"{rows_of} in {output}")


def _print(found: Table) -> None:
    click.echo(found.title)
    rows = [list(found.columns), *([_shown(cell) for cell in row] for row in found.rows)]
    wide = [max(cell_len(row[n]) for row in rows) for n in range(len(found.columns))]
    numbers = [
        bool(found.rows) and all(isinstance(row[n], int | float | None) for row in found.rows)
        for n in range(len(found.columns))
    ]
    for row in rows:
        cells = [
            " " * (wide[n] - cell_len(cell)) + cell
            if numbers[n]
            else cell + " " * (wide[n] - cell_len(cell))
            for n, cell in enumerate(row)
        ]
        click.echo("  ".join(cells).rstrip())
    if not found.rows:
        click.echo("There is nothing to count yet.")


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{cell:,}" if isinstance(cell, int | float) else plain.line(cell)
