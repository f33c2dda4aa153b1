"""The part of ``bookbridge consignment`` that is about its leaving, and what comes after."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from service.cli import consignment_view as view
from service.cli import files, opening, running
from service.cli.papers import papers
from service.domain import amount
from service.domain.accompanying_file import FILE_FORMS, WRITTEN_DIALECTS, Wanted
from service.domain.consignment import ConsignmentAction, PaidBy
from service.usecases import accompanying, dispatching
from service.usecases.dispatching import Posting
from service.usecases.site import Site

_LINE = click.option("--line", "lines", multiple=True, type=click.IntRange(1), metavar="NUMBER")
_REASON = click.option("--reason", required=True, help="Why; it stays with the balance.")
_ON = click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day; else today (UTC).")


def _tracking(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> Any:
    """Read PARCEL=CODE, or CODE alone for parcel 1."""
    found: dict[int, str] = {}
    for each in given:
        number, sign, code = each.rpartition("=")
        if sign and not (number.isascii() and number.isdigit()):
            raise click.BadParameter(f"{each!r} is not PARCEL=CODE, such as 2=RR473124829KR")
        found[int(number) if sign else 1] = code
    return found


@click.command()
@click.argument("number")
@_ON
@click.option(
    "--tracking",
    multiple=True,
    callback=_tracking,
    metavar="[PARCEL=]CODE",
    help="Tracking number of a parcel.",
)
@click.option("--carrier", help="Who carries it.")
@click.option("--postage", nargs=2, metavar="AMOUNT CURRENCY", help="As in: 98000 KRW, 120.50 EUR.")
@click.option("--paid-by", type=click.Choice(list(PaidBy), case_sensitive=False))
@click.pass_obj
def dispatch(
    data_dir: Path | None,
    number: str,
    on: datetime | None,
    tracking: dict[int, str],
    carrier: str | None,
    postage: tuple[str, str] | None,
    paid_by: str | None,
) -> None:
    """Dispatch a packed consignment: it is in the balance, and its partner is told."""
    said: dict[str, Any] = {}
    if carrier is not None:
        said["carrier"] = carrier
    if postage is not None:
        currency = amount.check_currency(postage[1], "postage")
        said["postage"] = amount.read(postage[0], currency, "postage")
        said["postage_currency"] = currency
    if paid_by is not None:
        said["postage_paid_by"] = paid_by
    posting = Posting(on.date() if on else None, tracking, said)
    _publish(view.done(data_dir, dispatching.dispatch, number, posting))


@click.command()
@click.argument("number")
@_LINE
@_REASON
@click.option("--retract", is_flag=True, help="Take back, too, what nobody allocated.")
@click.pass_obj
def correct(
    data_dir: Path | None, number: str, lines: tuple[int, ...], reason: str, retract: bool
) -> None:
    """Correct a dispatch that was entered wrongly: as a whole, or lines that did not travel."""
    done = view.done(
        data_dir, dispatching.correct, number, lines or None, reason=reason, retract=retract
    )
    _publish(done)


@click.command()
@click.argument("number")
@click.argument("what", type=click.Choice(["in-customs", "delivered", "returned", "lost"]))
@click.option("--reason", default="", help="returned, lost: why; it stays with the balance.")
@_ON
@click.pass_obj
def note(data_dir: Path | None, number: str, what: str, reason: str, on: datetime | None) -> None:
    """Note what became of a consignment on its way. That it was received its partner says."""
    action = ConsignmentAction(what)
    if action in {ConsignmentAction.RETURN, ConsignmentAction.LOSE}:
        came_back = action is ConsignmentAction.RETURN
        do = dispatching.come_back if came_back else dispatching.lose
        view.done(data_dir, do, number, reason=reason, on=on.date() if on else None)
        return
    if reason or on:
        raise click.UsageError(f"--reason and --on do not belong to {what}")
    view.done(data_dir, dispatching.note, number, action)


@click.command()
@click.argument("number")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    default="-",
    type=files.TARGET,
    help="The file to write.  [default: standard output]",
)
@click.option("--to", "form", default="", type=click.Choice(("", *FILE_FORMS)), help="The form.")
@click.option(
    "--to-dialect",
    "dialect",
    default="",
    type=click.Choice(("", *WRITTEN_DIALECTS)),
    help="The dialect; else the partner's own.",
)
@click.option("--541", "with_source", is_flag=True, help="Say in each record from whom it came.")
@click.pass_obj
def records(
    data_dir: Path | None, number: str, output: Path, form: str, dialect: str, with_source: bool
) -> None:
    """Write the MARC records of exactly these books, in UTF-8."""
    site = opening.site(data_dir)
    file = accompanying.records(site.db, site.settings, number, Wanted(form, dialect, with_source))
    with files.written(output) as sink:
        sink.write(file.body)
    for remark in file.remarks:
        click.echo(f"{number}: {remark}", err=True)
    click.echo(f"{number}: {file.records:,} records  {file.media_type}", err=True)


def _publish(site: Site) -> None:
    """Let the partner harvest at once what it was given."""
    if complaint := running.publish(site):
        click.echo(f"bookbridge: {complaint}", err=True)


COMMANDS = (dispatch, correct, note, records, papers)
