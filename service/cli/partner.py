"""``bookbridge partner``: the libraries of the exchange, their entries and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from service.cli import opening, plain, table_import, tokens
from service.domain import partner_row, table_file
from service.domain.audit_entry import COMMAND_LINE
from service.domain.partner import PartnerState
from service.domain.partner_entry import PartnerEntry
from service.errors import Invalid
from service.usecases import enrolling, naming_places, signing_in

_AT_ONCE = 1000


@click.group()
def command() -> None:
    """Enter partner libraries and give them tokens."""


_set = click.option(
    "--set",
    "told",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Any column of an export, such as name:ja=長崎県立図書館 or contact_email=…; "
    "a single - clears it.",
)


@command.command()
@click.argument("code")
@click.option("--name", required=True, help="Name of the library.")
@click.option("--city", default="")
@click.option("--place", default="", help="Country or region: two letters, such as JP.")
@click.option("--isil", default="", help="Its ISIL (ISO 15511), if it has one.")
@_set
@click.pass_obj
def add(
    data_dir: Path | None,
    code: str,
    name: str,
    city: str,
    place: str,
    isil: str,
    told: Sequence[str],
) -> None:
    """Enter a partner under CODE (a-z, 0-9, hyphens), which never changes."""
    site = opening.site(data_dir)
    cells = {"name": name, "city": city, "place": place, "isil": isil} | _cells(told)
    given = _said(cells, None)
    made = enrolling.add(site.db, code, given, by=COMMAND_LINE, now=site.now())
    _print(made)
    click.echo(f"\nNext: bookbridge partner token {made.code}")


@command.command()
@click.argument("code")
@_set
@click.option("--revision", type=int, help="Only if this is still the newest revision.")
@click.pass_obj
def change(data_dir: Path | None, code: str, told: Sequence[str], revision: int | None) -> None:
    """Change some of a partner's entry."""
    site = opening.site(data_dir)
    if not told:
        raise click.UsageError("Nothing to change: say what by --set COLUMN=VALUE.")
    given = _said(_cells(told), enrolling.find_entry(site.db, code))
    made = enrolling.change(site.db, code, given, seen=revision, by=COMMAND_LINE, now=site.now())
    _print(made)


def _cells(told: Sequence[str]) -> dict[str, str]:
    """Return values by column, as a row of a table has them."""
    cells = {}
    for each in told:
        column, equals, value = each.partition("=")
        if not equals:
            raise click.UsageError(f"{each!r} is not COLUMN=VALUE.")
        cells[partner_row.heading(column) or _unknown(column)] = value.strip()
    return cells


def _unknown(column: str) -> str:
    raise click.UsageError(f"{column!r} is no column; `bookbridge partner export` shows them all.")


def _said(cells: dict[str, str], entry: PartnerEntry | None) -> dict[str, object]:
    found = partner_row.said({name: cell for name, cell in cells.items() if cell}, entry)
    if found.state is not None:
        raise Invalid("the state changes by `partner suspend` and `partner resume`", field="state")
    if found.faults:
        raise Invalid("; ".join(fault.reason for fault in found.faults))
    return found.values


@command.command("list")
@click.pass_obj
def list_(data_dir: Path | None) -> None:
    """List all partners."""
    site = opening.site(data_dir)
    after = ""
    while found := enrolling.list_entries(site.db, after, _AT_ONCE):
        for each in found:
            _print(each)
        after = found[-1].code
    if not after:
        click.echo("There are no partners yet. Next: bookbridge partner add CODE --name NAME")


@command.command()
@click.argument("code")
@click.pass_obj
def show(data_dir: Path | None, code: str) -> None:
    """Show all that the directory holds of a partner, by column."""
    site = opening.site(data_dir)
    entry = enrolling.find_entry(site.db, code)
    headings = partner_row.columns(list(entry.names), len(entry.contacts))
    cells = partner_row.row(entry, headings, naming_places.names(site.db))
    for heading, cell in zip(headings, cells, strict=True):
        if cell:
            lines = table_file.unguarded(cell).split("\n")
            click.echo(f"{heading}: {' / '.join(map(plain.line, lines))}")
    click.echo(f"revision: {entry.revision}")


@command.command()
@click.argument("code")
@click.argument("into")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def merge(data_dir: Path | None, code: str, into: str, yes: bool) -> None:
    """Merge the entry CODE into the entry INTO of the same library, which stands."""
    from service.usecases import merging

    site = opening.site(data_dir)
    if not yes:
        click.confirm(
            f"All that is {code}'s becomes {into}'s, its tokens are revoked. This cannot be undone."
            " Go on?",
            abort=True,
        )
    done = merging.merge(site.db, code, into, by=COMMAND_LINE, now=site.now())
    _print(done.entry)
    for table, number in done.moved.items():
        click.echo(f"    {number} of {table}")
    for remark in done.remarks:
        click.echo(f"    {plain.line(remark, 500)}")


@command.command("import")
@table_import.options
@click.pass_context
def import_(
    ctx: click.Context, file: Path, dry_run: bool, encoding: str, rejected: Path | None
) -> None:
    """Take in a table of partners: CSV, .xlsx or .ods, as `partner export` writes it.

    Rows that are right make and change entries; nothing is ever removed. An empty cell leaves
    what is there, a single - clears it.
    """
    from service.usecases import tabulating

    site = opening.site(ctx.obj)
    with file.open("rb") as stream:
        taken = tabulating.take_in(
            site.db,
            stream,
            table_import.media_type(file),
            charset=encoding,
            dry_run=dry_run,
            by=COMMAND_LINE,
            now=site.now(),
        )
    table_import.tell(ctx, file, taken, rejected)


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def export(data_dir: Path | None, file: Path) -> None:
    """Write all partners into FILE, CSV (UTF-8) or .xlsx."""
    from service.usecases import tabulating

    site = opening.site(data_dir)
    rows = tabulating.table(site.db)
    if file.suffix.lower() == ".xlsx":
        file.write_bytes(table_file.xlsx(rows, "Partners"))
    else:
        with file.open("w", encoding="utf-8", newline="") as out:
            out.writelines(table_file.csv_lines(rows))


@command.command()
@click.argument("code")
@click.option("--label", default="", help="What the token is for.")
@click.pass_obj
def token(data_dir: Path | None, code: str, label: str) -> None:
    """Make a token for a partner's software and show it once."""
    site = opening.site(data_dir)
    made = signing_in.issue_partner_token(site.db, code, label, site.now(), by=COMMAND_LINE)
    tokens.tell(made, f"partner {code}")


@command.command()
@click.argument("code")
@click.pass_obj
def suspend(data_dir: Path | None, code: str) -> None:
    """Suspend the exchange with a partner: no wishes, and it sees what everybody sees."""
    _put_state(data_dir, code, PartnerState.SUSPENDED)


@command.command()
@click.argument("code")
@click.pass_obj
def resume(data_dir: Path | None, code: str) -> None:
    """Take up the exchange with a suspended partner again."""
    _put_state(data_dir, code, PartnerState.ACTIVE)


def _put_state(data_dir: Path | None, code: str, state: PartnerState) -> None:
    site = opening.site(data_dir)
    _print(enrolling.set_state(site.db, code, state, by=COMMAND_LINE, now=site.now()))


@command.command()
@click.argument("code")
@click.pass_obj
def revoke(data_dir: Path | None, code: str) -> None:
    """Revoke every token of a partner."""
    site = opening.site(data_dir)
    tokens.tell_revoked(
        signing_in.revoke_partner_tokens(site.db, code, site.now(), by=COMMAND_LINE),
        f"partner {code}",
    )


def _print(entry: PartnerEntry) -> None:
    where = ", ".join(part for part in (plain.line(entry.city), entry.place) if part)
    parts = [entry.code, entry.state.value, plain.line(entry.name), where, entry.isil or ""]
    click.echo("  ".join(part for part in parts if part))
