"""``bookbridge receipt``: what partners say arrived, as it was said, entered or corrected."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from service.cli import claim_view, opening, plain
from service.domain.audit_entry import COMMAND_LINE
from service.domain.receipt import Arrival, Said
from service.errors import Invalid
from service.usecases import packing, receiving
from service.usecases.receiving import Slip

_LINE = click.option(
    "--line",
    "lines",
    multiple=True,
    metavar="LINE:ARRIVED[:DAMAGED]",
    help="Copies of a line that arrived, and how many of these are damaged; else all arrived.",
)
_DAY = click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day; else today.")
_REASON = click.option("--reason", required=True, help="How it was learnt, or why it is changed.")
_NAME = click.option("--by", "received_by", default="", help="Who says so.")
_NOTE = click.option("--note", default="", help="What else was said.")


@click.group()
def command() -> None:
    """Look at what partners say arrived, enter what came by letter, and correct it.

    NUMBER is the consignment's, such as 2026-0042.
    """


@command.command()
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def show(data_dir: Path | None, number: str, as_json: bool) -> None:
    """Show what was said to have arrived, and the claims on what did not."""
    site = opening.site(data_dir)
    _whole(receiving.find(site.db, number), as_json=as_json)


@command.command()
@click.argument("number")
@click.pass_obj
def link(data_dir: Path | None, number: str) -> None:
    """Print the link that stands on the packing slip, to be sent again by mail."""
    site = opening.site(data_dir)
    found = packing.find(site.db, number).consignment
    click.echo(receiving.link(site.settings, found.public_id))


@command.command()
@click.argument("number")
@_LINE
@_DAY
@_NAME
@_NOTE
@_REASON
@click.pass_obj
def enter(
    data_dir: Path | None,
    number: str,
    lines: tuple[str, ...],
    on: datetime | None,
    received_by: str,
    note: str,
    reason: str,
) -> None:
    """Enter a receipt that came by letter or mail; what no --line names arrived whole."""
    site = opening.site(data_dir)
    said = _said(lines, on, received_by, note)
    made = receiving.receive(site.db, number, said, reason=reason, by=COMMAND_LINE, now=site.now())
    _whole(made.slip)


@command.command()
@click.argument("number")
@_LINE
@_DAY
@_NAME
@_NOTE
@_REASON
@click.pass_obj
def correct(
    data_dir: Path | None,
    number: str,
    lines: tuple[str, ...],
    on: datetime | None,
    received_by: str,
    note: str,
    reason: str,
) -> None:
    """Correct a receipt as a whole; what no --line names arrived whole. Claims follow it."""
    site = opening.site(data_dir)
    said = _said(lines, on, received_by, note)
    _whole(receiving.correct(site.db, number, said, reason=reason, by=COMMAND_LINE, now=site.now()))


def _said(lines: tuple[str, ...], on: datetime | None, received_by: str, note: str) -> Said:
    day = None if on is None else on.date()
    return Said(tuple(_arrival(each) for each in lines), day, received_by, note)


def _arrival(text: str) -> Arrival:
    """Return what ``2:1`` or ``2:1:1`` says of a line; raise ``Invalid``."""
    figures = text.split(":")
    if len(figures) not in {2, 3} or not all(each.isdecimal() for each in figures):
        raise Invalid(
            f"{text!r} is not LINE:ARRIVED or LINE:ARRIVED:DAMAGED, such as 2:1 or 2:1:1", "line"
        )
    position, arrived, damaged = (int(each) for each in [*figures, "0"][:3])
    return Arrival(position, arrived, damaged)


def _whole(found: Slip, *, as_json: bool = False) -> None:
    if as_json:
        click.echo(json.dumps(_document(found), ensure_ascii=False, default=str))
        return
    this, receipt = found.consignment, found.receipt
    click.echo(f"{this.number}  {this.state.value}  {this.partner}")
    if receipt is None:
        click.echo("Nobody said yet what arrived.")
        click.echo(f"\nNext: bookbridge receipt link {this.number}")
        return
    who = f", {plain.line(receipt.received_by)}" if receipt.received_by else ""
    click.echo(
        f"{receipt.outcome.value}, received on {receipt.received_on}; said on "
        f"{receipt.created_at:%Y-%m-%d} by {receipt.channel.value}{who}"
    )
    if receipt.note:
        click.echo(f"note: {plain.line(receipt.note)}")
    said = {each.position: each for each in receipt.lines}
    for line in found.lines:
        each = said[line.position]
        if each.arrived < line.copies or each.damaged:
            click.echo(
                f"line {line.position}  {plain.line(line.title)}: {each.arrived:,} of "
                f"{line.copies:,} arrived, {each.damaged:,} damaged"
            )
    for claim in found.claims:
        click.echo(f"claim {claim_view.line(claim)}")


def _document(found: Slip) -> dict[str, object]:
    receipt = found.receipt
    told: dict[str, object] = {
        "consignment": found.consignment.number,
        "state": found.consignment.state,
        "receipt": None,
        "claims": [claim_view.document(each) for each in found.claims],
    }
    if receipt is not None:
        told["receipt"] = {
            "outcome": receipt.outcome,
            "received_on": receipt.received_on,
            "channel": receipt.channel,
            "received_by": receipt.received_by,
            "note": receipt.note,
            "created_at": receipt.created_at,
            "lines": [each._asdict() for each in receipt.lines],
        }
    return told
