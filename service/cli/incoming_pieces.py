"""The part of ``bookbridge incoming`` that is about the pieces of a gift, one by one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain
from service.cli.incoming_view import done, line
from service.domain.accession import Decision
from service.domain.audit_entry import COMMAND_LINE
from service.errors import CallerError
from service.usecases import accessioning, checking_pieces
from service.usecases.accessioning import Corrected

_GIFT = click.argument("gift")


@click.command()
@_GIFT
@click.option("--title", help="Without it, that of its record.")
@click.option("--isbn")
@click.option("--copies", type=click.IntRange(1))
@click.option("--volumes", type=click.IntRange(1), help="Of one copy.")
@click.option("--barcode")
@click.option("--record", default="", metavar="ID", help="Its record.")
@click.pass_obj
def add(data_dir: Path | None, /, gift: str, record: str, **given: Any) -> None:
    """Add a piece: announced before the gift came, else one that came without a word."""
    said = {name: value for name, value in given.items() if value is not None}
    done(opening.site(data_dir), checking_pieces.add_piece, gift, said, record=record)


@click.command()
@_GIFT
@click.argument("codes", nargs=-1)
@click.option("--damaged", is_flag=True, help="These came damaged.")
@click.pass_context
def scan(ctx: click.Context, gift: str, codes: tuple[str, ...], damaged: bool) -> None:
    """Count pieces by barcode, ISBN or position; without CODES, line by line as they are scanned.

    What is not in the gift, or came once too often, is told on standard error and counted nowhere.
    """
    site = opening.site(ctx.obj)
    fine = True
    for code in codes or filter(str.strip, sys.stdin):
        try:
            made = checking_pieces.scan(
                site.db, gift, code, damaged=damaged, by=COMMAND_LINE, now=site.now()
            )
        except CallerError as error:
            fine = False
            click.echo(f"bookbridge: {plain.line(error.detail, 500)}", err=True)
            continue
        click.echo(line(made.line))
    if not fine:
        ctx.exit(1)


@click.command()
@_GIFT
@click.argument("position", type=click.IntRange(1), required=False)
@click.option("--received", type=click.IntRange(0), help="Copies, the damaged ones among them.")
@click.option("--damaged", type=click.IntRange(0), default=0, show_default=True)
@click.option("--all", "all_", is_flag=True, help="All came that is not counted yet, undamaged.")
@click.pass_obj
def count(
    data_dir: Path | None,
    gift: str,
    position: int | None,
    received: int | None,
    damaged: int,
    all_: bool,
) -> None:
    """Enter how many copies came of the piece at POSITION, or that all came."""
    site = opening.site(data_dir)
    if all_ == (position is not None) or (received is None) != all_:
        raise click.UsageError("say POSITION and --received, or --all")
    if all_:
        done(site, checking_pieces.count_all, gift)
        return
    done(site, checking_pieces.count, gift, position, received, damaged)


@click.command("take-out")
@_GIFT
@click.argument("position", type=click.IntRange(1))
@click.pass_obj
def take_out(data_dir: Path | None, gift: str, position: int) -> None:
    """Take out a piece that was entered wrongly."""
    done(opening.site(data_dir), checking_pieces.take_out, gift, position)


@click.command()
@_GIFT
@click.argument("position", type=click.IntRange(1))
@click.option("--title")
@click.option("--isbn")
@click.option("--volumes", type=click.IntRange(1), help="Of one copy; until the gift is checked.")
@click.option("--barcode")
@click.option("--shelf", help="Its place, as on its label.")
@click.option("--translated-title", help="In the language of our readers.")
@click.option("--number", "accession_number", help="Its accession number.")
@click.option("--record", default="", metavar="ID", help="Its record.")
@click.pass_obj
def describe(data_dir: Path | None, /, gift: str, position: int, record: str, **given: Any) -> None:
    """Say more of a piece: shelf, translated title, its number or its record."""
    said = {name: value for name, value in given.items() if value is not None}
    site = opening.site(data_dir)
    done(site, checking_pieces.describe, gift, position, said, record=record)


@click.command()
@_GIFT
@click.argument("positions", nargs=-1, type=click.IntRange(1))
@click.pass_obj
def accept(data_dir: Path | None, gift: str, positions: tuple[int, ...]) -> None:
    """Accept pieces: those at POSITIONS, or all that came sound and are undecided."""
    done(opening.site(data_dir), checking_pieces.accept, gift, positions)


@click.command()
@_GIFT
@click.argument("positions", nargs=-1, required=True, type=click.IntRange(1))
@click.option("--reason", required=True, help="Why: water damage, we hold it.")
@click.pass_obj
def decline(data_dir: Path | None, gift: str, positions: tuple[int, ...], reason: str) -> None:
    """Decline pieces for a reason."""
    done(opening.site(data_dir), checking_pieces.decline, gift, positions, reason=reason)


@click.command()
@_GIFT
@click.argument("position", type=click.IntRange(1))
@click.option("--received", type=click.IntRange(0))
@click.option("--damaged", type=click.IntRange(0))
@click.option("--volumes", type=click.IntRange(1), help="Of one copy.")
@click.option("--decision", type=click.Choice(["ACCEPTED", "DECLINED"], case_sensitive=False))
@click.option("--reason", default="", help="Why it is declined.")
@click.option("--why", required=True, help="Why; it stands in the ledger.")
@click.pass_obj
def correct(
    data_dir: Path | None,
    gift: str,
    position: int,
    received: int | None,
    damaged: int | None,
    volumes: int | None,
    decision: str | None,
    reason: str,
    why: str,
) -> None:
    """Correct a piece that is in the balance: a counter-entry is written, and the right one."""
    decided = Decision(decision.upper()) if decision else None
    right = Corrected(received, damaged, volumes, decided, reason)
    done(opening.site(data_dir), accessioning.correct, gift, position, right, why=why)


COMMANDS = (add, scan, count, take_out, describe, accept, decline, correct)
