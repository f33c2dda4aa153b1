"""``bookbridge claim``: what did not arrive as it should, and what becomes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from service.cli import claim_view as view
from service.cli import opening
from service.domain.audit_entry import COMMAND_LINE
from service.domain.claim import PENDING, ClaimReason, ClaimSide, ClaimState, Resolution
from service.usecases import claiming, settling

_REASON = click.Choice([each.value for each in ClaimReason], case_sensitive=False)
_SIDE = click.Choice([each.value for each in ClaimSide], case_sensitive=False)
_STATE = click.Choice([each.value for each in ClaimState], case_sensitive=False)
_RESOLUTION = click.Choice([each.value for each in Resolution], case_sensitive=False)
_TEXT = click.option("--text", default="", help="What is said.")


@click.group()
def command() -> None:
    """Open, send, answer and settle claims on what did not arrive as it should.

    THEIRS are partners' claims on what we sent, OURS are ours on what they sent.
    """


@command.command("list")
@click.option("--partner", default="", metavar="CODE", help="Those with this partner.")
@click.option("--side", type=_SIDE, help="Theirs or ours.")
@click.option("--state", "states", multiple=True, type=_STATE, help="Else those not settled.")
@click.option("--due", is_flag=True, help="Those to be looked at by now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def list_(
    data_dir: Path | None,
    partner: str,
    side: str | None,
    states: tuple[str, ...],
    due: bool,
    as_json: bool,
) -> None:
    """List claims, newest first."""
    site = opening.site(data_dir)
    found = claiming.list_claims(
        site.db,
        code=partner,
        side=None if side is None else ClaimSide(side.upper()),
        states=[ClaimState(each.upper()) for each in states] or PENDING,
        due=site.now() if due else None,
    )
    if as_json:
        documents = [view.document(each) for each in found]
        click.echo(json.dumps(documents, ensure_ascii=False, default=str))
        return
    for each in found:
        click.echo(view.line(each))
    if not found:
        click.echo("There are no such claims.")


@command.command()
@click.argument("claim")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def show(data_dir: Path | None, claim: str, as_json: bool) -> None:
    """Show a claim, and what to do with it."""
    found = claiming.find(opening.site(data_dir).db, claim)
    if as_json:
        click.echo(json.dumps(view.document(found), ensure_ascii=False, default=str))
    else:
        view.whole(found)


@command.command("open")
@click.argument("number")
@click.argument("reason", type=_REASON)
@click.option("--line", "position", type=click.IntRange(1), help="Which line of the packing list.")
@click.option("--copies", type=click.IntRange(1), help="How many; else all of the line.")
@_TEXT
@click.pass_obj
def open_(
    data_dir: Path | None,
    number: str,
    reason: str,
    position: int | None,
    copies: int | None,
    text: str,
) -> None:
    """Enter what a partner claims of consignment NUMBER, or of a line of it."""
    site = opening.site(data_dir)
    made = claiming.open_on_consignment(
        site.db,
        number,
        ClaimReason(reason.upper()),
        position=position,
        copies=copies,
        text=text,
        by=COMMAND_LINE,
        now=site.now(),
    )
    view.whole(made)


@command.command()
@click.argument("claim")
@click.option("--again", type=click.DateTime(["%Y-%m-%d"]), help="When it is looked at again.")
@click.pass_obj
def send(data_dir: Path | None, claim: str, again: datetime | None) -> None:
    """Send a claim of ours to its partner, or send it again."""
    due_at = None if again is None else again.replace(tzinfo=UTC)
    _done(data_dir, claiming.send, claim, due_at=due_at)


@command.command()
@click.argument("claim")
@click.argument("text")
@click.pass_obj
def answer(data_dir: Path | None, claim: str, text: str) -> None:
    """Enter what is answered: by us to a partner's claim, or by a partner to ours."""
    _done(data_dir, claiming.answer, claim, text)


@command.command()
@click.argument("claim")
@click.argument("resolution", type=_RESOLUTION)
@click.option("--consignment", default="", metavar="NUMBER", help="RESENT: with this one.")
@_TEXT
@click.pass_obj
def resolve(
    data_dir: Path | None, claim: str, resolution: str, consignment: str, text: str
) -> None:
    """Settle a claim: the copies are sent again, credited, written off, or were there."""
    how = Resolution(resolution.upper())
    _done(data_dir, settling.resolve, claim, how, consignment=consignment, text=text)


@command.command()
@click.argument("claim")
@click.option("--reason", required=True, help="Why.")
@click.pass_obj
def close(data_dir: Path | None, claim: str, reason: str) -> None:
    """Close a claim of which nothing came."""
    _done(data_dir, claiming.close, claim, reason)


@command.command()
@click.argument("claim")
@click.option("--reason", required=True, help="Why.")
@click.pass_obj
def reopen(data_dir: Path | None, claim: str, reason: str) -> None:
    """Open a claim again that was settled wrongly; the balance is then as before."""
    _done(data_dir, settling.reopen, claim, reason)


def _done(data_dir: Path | None, do: Any, claim: str, *given: Any, **named: Any) -> None:
    """Do something to a claim and show how it is then."""
    site = opening.site(data_dir)
    view.whole(do(site.db, claim, *given, **named, by=COMMAND_LINE, now=site.now()))
