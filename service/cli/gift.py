"""``bookbridge gift``: books given without a list and without a wish, up to their consignment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain, table_import
from service.domain import amount
from service.domain.audit_entry import COMMAND_LINE
from service.domain.consignment import Service
from service.domain.gift import Gift, GiftLine, GiftState, possible
from service.domain.transfer import TransferKind
from service.usecases import filling_gifts, presenting
from service.usecases.filling_gifts import Chosen
from service.usecases.site import Site

_KIND = click.Choice([each.value for each in TransferKind], case_sensitive=False)
_SERVICE = click.Choice([each.value for each in Service], case_sensitive=False)
_COST = click.option("--cost", metavar="AMOUNT", help="What one copy cost, as 12000 or 12.50.")


@click.group()
def command() -> None:
    """Give books without a list: drafted, approved by name, packed.

    GIFT is the id that `gift draft` and `gift list` show.
    """


# --- drafting and filling -------------------------------------------------------------------------


@command.command()
@click.argument("partner")
@click.option("--title", required=True, help="What it is: Children's books 2024.")
@click.option("--kind", type=_KIND, default=TransferKind.GIFT.value, show_default=True)
@click.option("--currency", default="", help="In which it is paid, three letters: KRW.")
@click.option("--notes", default="", help="For the staff alone.")
@click.pass_obj
def draft(
    data_dir: Path | None, partner: str, title: str, kind: str, currency: str, notes: str
) -> None:
    """Draft a gift for PARTNER."""
    site = opening.site(data_dir)
    given = {"title": title, "kind": kind, "currency": currency, "notes": notes}
    made = presenting.draft(site.db, partner, given, by=COMMAND_LINE, now=site.now())
    _show(site, made)
    click.echo(f"\nNext: bookbridge gift fill {made.public_id} FILE")


@command.command()
@click.argument("gift")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--encoding", default="", help="Of a CSV file, if it is not UTF-8: GBK, CP949.")
@click.pass_context
def fill(ctx: click.Context, gift: str, file: Path, encoding: str) -> None:
    """Read a table of books (CSV, .xlsx, .ods) into a draft, in place of the one read before.

    Rows that are wrong are told on standard error: mend them in the table and read it again.
    """
    site = opening.site(ctx.obj)
    media_type = table_import.TABLES.get(file.suffix.lower(), "")
    with file.open("rb") as stream:
        taken = filling_gifts.take_in(
            site.db,
            gift,
            stream,
            media_type,
            charset=encoding,
            file_name=file.name,
            limit=site.settings.upload_bytes,
            by=COMMAND_LINE,
            now=site.now(),
        )
    click.echo(f"{taken.titles:,} titles read, {len(taken.rejected):,} faults")
    table_import.tell_books(taken)
    if taken.titles:
        click.echo("Their records are catalogued by a worker; then the gift can be submitted.")
    if taken.rejected:
        ctx.exit(1)


@command.command()
@click.argument("gift")
@click.option("--import", "batch", default="", metavar="IMPORT", help="All of this import.")
@click.option("--record", "records", multiple=True, metavar="ID")
@click.option("--offer", "offers", multiple=True, metavar="ID", help="Its copies stay on its list.")
@click.option("--copies", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--volumes", type=click.IntRange(1), help="Of one copy; else as the offer says, or 1."
)
@_COST
@click.pass_obj
def add(
    data_dir: Path | None,
    gift: str,
    batch: str,
    records: tuple[str, ...],
    offers: tuple[str, ...],
    copies: int,
    volumes: int | None,
    cost: str | None,
) -> None:
    """Add titles to a draft: of a committed import, or records and offers."""
    site = opening.site(data_dir)
    paid = _amount(site, gift, cost)
    chosen = Chosen(batch, records, offers, copies, volumes, paid)
    made = filling_gifts.add(site.db, gift, chosen, by=COMMAND_LINE, now=site.now())
    click.echo(f"{made.added:,} titles added, {made.already:,} were in it already")
    _show(site, made.gift)


@command.command()
@click.argument("gift")
@click.argument("line", type=click.IntRange(1))
@click.option("--copies", type=click.IntRange(1))
@click.option("--volumes", type=click.IntRange(1), help="Of one copy.")
@_COST
@click.pass_obj
def line(
    data_dir: Path | None,
    gift: str,
    line: int,
    copies: int | None,
    volumes: int | None,
    cost: str | None,
) -> None:
    """Change a LINE of a draft."""
    site = opening.site(data_dir)
    said = {"copies": copies, "volumes": volumes, "cost": _amount(site, gift, cost)}
    given = {name: value for name, value in said.items() if value is not None}
    _do(site, filling_gifts.change_line, gift, line, given)


@command.command("take-out")
@click.argument("gift")
@click.argument("lines", nargs=-1, required=True, type=click.IntRange(1))
@click.pass_obj
def take_out(data_dir: Path | None, gift: str, lines: tuple[int, ...]) -> None:
    """Take LINES out of a draft."""
    _do(opening.site(data_dir), filling_gifts.take_out, gift, lines)


@command.command()
@click.argument("gift")
@click.option("--title")
@click.option("--kind", type=_KIND)
@click.option("--notes", help="For the staff alone.")
@click.pass_obj
def change(data_dir: Path | None, /, gift: str, **given: str | None) -> None:
    """Change title, kind or notes of a draft."""
    told = {name: value for name, value in given.items() if value is not None}
    if not told:
        raise click.UsageError("say what to change")
    _do(opening.site(data_dir), presenting.change, gift, told)


# --- approval and what follows --------------------------------------------------------------------


@command.command()
@click.argument("gift")
@click.option("--line", "budget_line", help="The budget line that it is paid from.")
@click.option("--cost", metavar="AMOUNT", help="Of the purchase as a whole, as 12000 or 12.50.")
@click.option("--currency", help="Three letters: KRW.")
@click.pass_obj
def budget(
    data_dir: Path | None,
    gift: str,
    budget_line: str | None,
    cost: str | None,
    currency: str | None,
) -> None:
    """Enter budget line and purchase cost, until the gift is packed."""
    site = opening.site(data_dir)
    paid = _amount(site, gift, cost, currency)
    said = {"budget_line": budget_line, "currency": currency, "cost": paid}
    given = {name: value for name, value in said.items() if value is not None}
    if not given:
        raise click.UsageError("say what to enter: --line, --cost, --currency")
    _do(site, presenting.cost, gift, given)


@command.command()
@click.argument("gift")
@click.pass_obj
def submit(data_dir: Path | None, gift: str) -> None:
    """Ask for the approval of a draft; all that is missing is told at once."""
    _do(opening.site(data_dir), presenting.submit, gift)
    click.echo(f"\nNext: bookbridge gift approve {gift} --approver NAME")


@command.command()
@click.argument("gift")
@click.option("--approver", required=True, help="Whose name stands on the papers.")
@click.option("--reason", default="", help="What was said with it.")
@click.pass_obj
def approve(data_dir: Path | None, gift: str, approver: str, reason: str) -> None:
    """Enter who approved a submitted gift."""
    _do(opening.site(data_dir), presenting.approve, gift, approver, reason=reason)
    click.echo(f"\nNext: bookbridge gift pack {gift}")


@command.command()
@click.argument("gift")
@click.option("--reason", required=True, help="Why; whoever drafted it reads this.")
@click.pass_obj
def reject(data_dir: Path | None, gift: str, reason: str) -> None:
    """Reject a submitted gift; it can be revised."""
    _do(opening.site(data_dir), presenting.reject, gift, reason=reason)


@command.command()
@click.argument("gift")
@click.pass_obj
def revise(data_dir: Path | None, gift: str) -> None:
    """Make a draft of a rejected gift again."""
    _do(opening.site(data_dir), presenting.revise, gift)


@command.command()
@click.argument("gift")
@click.option("--reason", default="", help="Why.")
@click.pass_obj
def cancel(data_dir: Path | None, gift: str, reason: str) -> None:
    """Cancel a gift of which nothing is packed."""
    _do(opening.site(data_dir), presenting.cancel, gift, reason=reason)


@command.command()
@click.argument("gift")
@click.option("--theme", default="", help="In words, for the statistics; else the gift's title.")
@click.option("--service", type=_SERVICE, default=Service.SURFACE.value, show_default=True)
@click.pass_obj
def pack(data_dir: Path | None, gift: str, theme: str, service: str) -> None:
    """Make a consignment of an approved gift, to be packed and dispatched as any other."""
    site = opening.site(data_dir)
    made = _do(site, presenting.pack, gift, theme=theme, service=Service(service.upper()))
    click.echo(f"\nNext: bookbridge consignment split {made.consignments[-1].number}")


# --- looking --------------------------------------------------------------------------------------


@command.command("list")
@click.option("--partner", default="", metavar="CODE", help="Those for this partner.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([each.value for each in GiftState], case_sensitive=False),
    help="Those in this state.",
)
@click.pass_obj
def list_(data_dir: Path | None, partner: str, states: tuple[str, ...]) -> None:
    """List direct gifts, newest first."""
    site = opening.site(data_dir)
    chosen = [GiftState(each.upper()) for each in states] or list(GiftState)
    found = presenting.list_gifts(site.db, code=partner, states=chosen)
    for each in found:
        click.echo(_headline(each))
    if not found:
        click.echo("There are no such gifts. Next: bookbridge gift draft PARTNER --title TITLE")


@command.command()
@click.argument("gift")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def show(data_dir: Path | None, gift: str, as_json: bool) -> None:
    """Show a gift with its titles, and what should be looked at."""
    site = opening.site(data_dir)
    found = presenting.find(site.db, gift)
    lines = presenting.lines(site.db, gift)
    if as_json:
        click.echo(json.dumps(_document(found.gift, lines, found.remarks), ensure_ascii=False))
        return
    _show(site, found.gift)
    for each in lines:
        click.echo(_line(each, found.gift.currency))


def _do(site: Site, what: Callable[..., Gift], gift: str, *given: Any, **named: Any) -> Gift:
    made = what(site.db, gift, *given, **named, by=COMMAND_LINE, now=site.now())
    _show(site, made)
    return made


def _amount(site: Site, gift: str, text: str | None, currency: str | None = None) -> int | None:
    """Return an amount as a person wrote it, in the currency of the gift or the one given now."""
    if text is None:
        return None
    known = currency or presenting.find(site.db, gift).gift.currency
    return amount.read(text, amount.check_currency(known), "cost")


def _show(site: Site, made: Gift) -> None:
    click.echo(_headline(made))
    told = [
        made.budget_line and f"budget line: {plain.line(made.budget_line)}",
        made.cost is not None and f"purchase: {amount.shown(made.cost or 0, made.currency)}",
        made.approved_by and f"approved by {plain.line(made.approved_by)}",
        made.reason and f"reason: {plain.line(made.reason, 500)}",
    ]
    for each in filter(None, told):
        click.echo(each)
    for carrier in made.consignments:
        click.echo(f"consignment {carrier.number}: {carrier.state.value}")
    for remark in presenting.find(site.db, made.public_id).remarks:
        click.echo(f"Note: {plain.line(remark, 1000)}")
    can = ", ".join(each.value for each in possible(made.state))
    click.echo(f"possible: {can or 'nothing'}")


def _headline(made: Gift) -> str:
    return (
        f"{made.public_id}  {made.state.value}  {made.partner}  {plain.line(made.title)}  "
        f"{made.titles:,} titles, {made.volumes:,} volumes"
    )


def _line(line: GiftLine, currency: str) -> str:
    size = f"{line.copies:,} × {line.volumes:,} vol." if line.copies * line.volumes > 1 else "1"
    paid = "" if line.cost is None else f"  {amount.shown(line.cost, currency)}"
    problem = f"  ({plain.line(line.problem, 500)})" if line.problem else ""
    return f"{line.position}  {plain.line(line.title)}  {size}{paid}{problem}"


_TOLD = (
    "partner",
    "title",
    "budget_line",
    "cost",
    "currency",
    "approved_by",
    "reason",
    "notes",
    "titles",
    "volumes",
    "revision",
)


def _document(found: Gift, lines: list[GiftLine], remarks: list[str]) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _TOLD} | {
        "id": found.public_id,
        "kind": found.kind.value,
        "state": found.state.value,
        "consignments": [
            {"number": each.number, "state": each.state.value} for each in found.consignments
        ],
        "possible": [each.value for each in possible(found.state)],
        "remarks": remarks,
        "lines": [
            {name: value for name, value in each._asdict().items() if not name.endswith("_id")}
            for each in lines
        ],
    }
