"""``bookbridge consignment``: books on their way to a partner, from the packing to the dispatch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from service.cli import consignment_dispatch, opening
from service.cli import consignment_view as view
from service.domain.audit_entry import COMMAND_LINE
from service.domain.consignment import (
    ConsignmentState,
    Service,
)
from service.domain.parcel import GRAMS_PER_VOLUME, OPERATORS, ParcelKind
from service.domain.transfer import TransferKind
from service.usecases import packing, parcelling
from service.usecases.parcelling import Wish

_LINE = click.option("--line", "lines", multiple=True, type=click.IntRange(1), metavar="NUMBER")
_PARCEL = click.option(
    "--parcel", type=click.IntRange(1), help="Number of the parcel; else the one assigned, or 1."
)
_KIND = click.Choice([each.value for each in TransferKind], case_sensitive=False)
_SERVICE = click.Choice([each.value for each in Service], case_sensitive=False)
_PARCEL_KIND = click.Choice([each.value for each in ParcelKind], case_sensitive=False)


def _choices(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> Any:
    """Read NAME=VALUE, the value as JSON where it is some: a number, true, an object by line."""
    found = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign:
            raise click.BadParameter(f"{each!r} is not NAME=VALUE, such as currency=KRW")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


@click.group()
def command() -> None:
    """Pack consignments for partners, dispatch them, and correct what was entered.

    NUMBER is what stands on the papers, such as 2026-0042.
    """


# --- making ---------------------------------------------------------------------------------------


@command.command()
@click.argument("partner")
@click.option("--list", "slugs", multiple=True, metavar="LIST", help="Only what was on this list.")
@click.option("--kind", type=_KIND, default=TransferKind.EXCHANGE.value, show_default=True)
@click.option("--theme", default="", help="In words, for the statistics: children's books.")
@click.option("--service", type=_SERVICE, default=Service.SURFACE.value, show_default=True)
@click.pass_obj
def make(
    data_dir: Path | None,
    partner: str,
    slugs: tuple[str, ...],
    kind: str,
    theme: str,
    service: str,
) -> None:
    """Make a consignment of all that PARTNER was given and that is in none yet."""
    site = opening.site(data_dir)
    made = packing.make_for(
        site.db,
        partner,
        slugs,
        kind=TransferKind(kind.upper()),
        theme=theme,
        service=Service(service.upper()),
        by=COMMAND_LINE,
        now=site.now(),
    )
    view.whole(packing.find(site.db, made.public_id))
    click.echo(f"\nNext: bookbridge consignment split {made.number}")


@command.command()
@click.pass_obj
def waiting(data_dir: Path | None) -> None:
    """List the partners to whom something was given that is in no consignment."""
    site = opening.site(data_dir)
    found = packing.waiting(site.db)
    for each in found:
        titles = "1 title" if each.titles == 1 else f"{each.titles:,} titles"
        copies = "1 copy" if each.copies == 1 else f"{each.copies:,} copies"
        click.echo(f"{each.partner}  {titles}, {copies}  {each.name}")
    if found:
        click.echo("\nNext: bookbridge consignment make PARTNER")
    else:
        click.echo("Nothing waits to be sent.")


@command.command("list")
@click.option("--partner", default="", metavar="CODE", help="Those for this partner.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([each.value for each in ConsignmentState], case_sensitive=False),
    help="Those in this state.",
)
@click.pass_obj
def list_(data_dir: Path | None, partner: str, states: tuple[str, ...]) -> None:
    """List consignments, newest first."""
    site = opening.site(data_dir)
    chosen = [ConsignmentState(each.upper()) for each in states] or list(ConsignmentState)
    found = packing.list_consignments(site.db, code=partner, states=chosen)
    for each in found:
        click.echo(view.line(each))
    if not found:
        click.echo("There are no such consignments. Next: bookbridge consignment waiting")


@command.command()
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def show(data_dir: Path | None, number: str, as_json: bool) -> None:
    """Show a consignment: its lines, its parcels, and what is missing before it can leave."""
    site = opening.site(data_dir)
    view.whole(packing.find(site.db, number), as_json=as_json)


# --- packing --------------------------------------------------------------------------------------


@command.command()
@click.argument("number")
@click.option("--list", "slugs", multiple=True, metavar="LIST", help="Only what was on this list.")
@click.pass_obj
def add(data_dir: Path | None, number: str, slugs: tuple[str, ...]) -> None:
    """Put what waits for the partner by now into a draft, too."""
    view.done(data_dir, packing.add_waiting, number, slugs)


@command.command("take-out")
@click.argument("number")
@_LINE
@click.option("--reason", default="", help="Why.")
@click.pass_obj
def take_out(data_dir: Path | None, number: str, lines: tuple[int, ...], reason: str) -> None:
    """Take lines out of a draft: their copies wait for a later consignment."""
    if not lines:
        raise click.UsageError("say which: --line NUMBER, as often as needed")
    view.done(data_dir, packing.take_out, number, lines, reason=reason)


@command.command()
@click.argument("number")
@click.option(
    "--operator",
    metavar="NAME",
    help=f"One of {', '.join(OPERATORS)}; else the setting postal_operator.",
)
@click.option("--kind", type=_PARCEL_KIND, help="What it is packed in; else by weight and service.")
@click.option("--least", type=click.IntRange(0), help="Grams of a parcel, at least.")
@click.option("--most", type=click.IntRange(1), help="Grams of a parcel, at most.")
@click.option(
    "--grams",
    type=click.IntRange(1),
    default=GRAMS_PER_VOLUME,
    show_default=True,
    help="What a volume weighs.",
)
@click.option("--dry-run", is_flag=True, help="Show it, and keep nothing.")
@click.pass_obj
def split(
    data_dir: Path | None,
    number: str,
    operator: str | None,
    kind: str | None,
    least: int | None,
    most: int | None,
    grams: int,
    dry_run: bool,
) -> None:
    """Assign all lines to parcels or M-bags by estimated weight and what the operator takes."""
    site = opening.site(data_dir)
    whose = parcelling.operator(site.settings, operator)
    wish = Wish(ParcelKind(kind.upper()) if kind else None, whose, least, most, grams)
    if dry_run:
        view.proposal(parcelling.propose(site.db, number, wish))
        return
    view.proposal(parcelling.split(site.db, number, wish, by=COMMAND_LINE, now=site.now()))
    click.echo(f"\nNext: bookbridge consignment tick {number} --all, or scan {number} CODE …")


@command.command()
@click.argument("number")
@_LINE
@click.option("--all", "everything", is_flag=True, help="All lines.")
@_PARCEL
@click.option("--undo", is_flag=True, help="Take them out of their parcels instead.")
@click.pass_obj
def tick(
    data_dir: Path | None,
    number: str,
    lines: tuple[int, ...],
    everything: bool,
    parcel: int | None,
    undo: bool,
) -> None:
    """Put lines into a parcel, or with --undo out of it."""
    if bool(lines) == everything:
        raise click.UsageError("say which: --line NUMBER, as often as needed, or --all")
    wanted = None if everything else lines
    if undo:
        view.done(data_dir, parcelling.untick, number, wanted)
    else:
        view.done(data_dir, parcelling.tick, number, wanted, parcel)


@command.command()
@click.argument("number")
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@_PARCEL
@click.pass_obj
def scan(data_dir: Path | None, number: str, codes: tuple[str, ...], parcel: int | None) -> None:
    """Put books into a parcel by their barcodes or ISBNs.

    Without a CODE they are read from standard input, one on each line, as scanners write them.
    What is not known here is told, and the next one is read.
    """
    site = opening.site(data_dir)
    source = codes or (line.strip() for line in sys.stdin)
    told = view.scanned(
        lambda code: parcelling.scan(
            site.db, number, code, parcel, by=COMMAND_LINE, now=site.now()
        ),
        (code for code in source if code),
    )
    if told:
        raise SystemExit(1)


@command.command()
@click.argument("number")
@click.argument("line", type=click.IntRange(1))
@click.argument("barcode")
@click.pass_obj
def label(data_dir: Path | None, number: str, line: int, barcode: str) -> None:
    """Give a LINE of a draft the BARCODE that is on its book."""
    view.done(data_dir, parcelling.label, number, line, barcode)


@command.command()
@click.argument("number")
@click.argument("parcel", type=click.IntRange(1))
@click.option("--kind", type=_PARCEL_KIND, help="What it is.")
@click.option("--weight", type=click.IntRange(0), help="Grams, as weighed.")
@click.option("--tracking", help="Its tracking number; this may come after the dispatch.")
@click.option("--remove", is_flag=True, help="Remove it; its lines are in none then.")
@click.pass_obj
def parcel(
    data_dir: Path | None,
    number: str,
    parcel: int,
    kind: str | None,
    weight: int | None,
    tracking: str | None,
    remove: bool,
) -> None:
    """Say what a PARCEL is, weighs, and how it is tracked."""
    if remove:
        view.done(data_dir, parcelling.remove, number, parcel)
        return
    chosen = ParcelKind(kind.upper()) if kind else None
    view.done(
        data_dir,
        parcelling.describe,
        number,
        parcel,
        kind=chosen,
        weight=weight,
        tracking=tracking,
    )


@command.command()
@click.argument("number")
@click.option("--address-roman", help="Where it goes, in Roman letters as carriers read it.")
@click.option("--address-local", help="The same in the local script.")
@click.option("--place", help="Country or region, two letters (ISO 3166-1).")
@click.option("--kind", type=_KIND)
@click.option("--theme")
@click.option("--service", type=_SERVICE)
@click.option("--notes", help="For the staff alone.")
@click.option(
    "--customs",
    multiple=True,
    callback=_choices,
    metavar="NAME=VALUE",
    help="A choice for the customs papers: currency=KRW, value=12000 (of one volume, in the "
    "smallest unit), origin=KR, heading=4903, sdr_rate=1834.5; the others stay.",
)
@click.pass_obj
def change(
    data_dir: Path | None, /, number: str, customs: dict[str, Any], **given: str | None
) -> None:
    """Change what is said of a consignment."""
    told: dict[str, Any] = {
        name: value.replace("\\n", "\n") for name, value in given.items() if value is not None
    }
    if customs:
        before = packing.find(opening.site(data_dir).db, number).consignment.customs
        told["customs"] = {**before, **customs}
    if not told:
        raise click.UsageError("say what to change")
    view.done(data_dir, packing.change, number, told)


@command.command()
@click.argument("number")
@click.pass_obj
def pack(data_dir: Path | None, number: str) -> None:
    """Close the parcels; all that is missing is told at once."""
    view.done(data_dir, packing.pack, number)
    click.echo(f"\nNext: bookbridge consignment dispatch {number}")


@command.command()
@click.argument("number")
@click.pass_obj
def unpack(data_dir: Path | None, number: str) -> None:
    """Open the parcels again, as long as nothing was dispatched."""
    view.done(data_dir, packing.unpack, number)


@command.command()
@click.argument("number")
@click.option("--reason", default="", help="Why.")
@click.pass_obj
def cancel(data_dir: Path | None, number: str, reason: str) -> None:
    """Cancel a draft: all that was in it waits for another consignment."""
    view.done(data_dir, packing.cancel, number, reason=reason)


for each in consignment_dispatch.COMMANDS:
    command.add_command(each)
