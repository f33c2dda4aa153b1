"""``bookbridge serial``: journals on exchange, and which of their issues are missing."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain
from service.domain.audit_entry import COMMAND_LINE
from service.domain.exchange_serial import CLAIM_AFTER, ExchangeSerial, Issue, possible
from service.domain.issue_calendar import Frequency
from service.domain.ledger import Direction
from service.domain.transfer import TransferKind
from service.store import public_ids
from service.usecases import claiming_issues, following_serials
from service.usecases.holding_serials import Followed

_DAY = click.DateTime(["%Y-%m-%d"])
_ON = click.option("--on", type=_DAY, help="The day it was.  [default: today]")
_TRACKING = click.option("--tracking", default="", help="Number by which it is tracked.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def _choice(kinds: Any) -> click.Choice[str]:
    return click.Choice([each.lower() for each in kinds], case_sensitive=False)


@click.group()
def command() -> None:
    """Follow journals on exchange, issue by issue.

    SERIAL is the id that `serial add` and `serial list` print; ISSUE is what stands on the cover,
    such as "12 (2026) 3", or the number of the issue from the first that is followed.
    """


@command.command()
@click.argument("partner")
@click.argument("direction", type=_choice(Direction))
@click.argument("title")
@click.argument("frequency", type=_choice(Frequency))
@click.argument("start", type=_DAY)
@click.option("--issn", default="", help="Its ISSN.")
@click.option("--per-year", type=int, help="Issues of a year; an irregular journal needs it.")
@click.option("--volume", "first_volume", type=int, help="Volume of the year in which it starts.")
@click.option("--end", type=_DAY, help="The last day on which an issue is due.")
@click.option("--kind", type=_choice(TransferKind), default="exchange", show_default=True)
@click.option("--copies", type=int, default=1, show_default=True, help="Of each issue.")
@click.option(
    "--claim-after", type=int, default=CLAIM_AFTER, show_default=True, help="Days after it was due."
)
@click.option("--notes", default="", help="For the staff.")
@click.pass_obj
def add(
    data_dir: Path | None,
    /,
    partner: str,
    direction: str,
    frequency: str,
    start: datetime,
    end: datetime | None,
    kind: str,
    **given: Any,
) -> None:
    """Follow TITLE, sent to PARTNER or received from it, from the issue due on START on."""
    site = opening.site(data_dir)
    made = following_serials.add(
        site.db,
        partner,
        direction=Direction(direction.upper()),
        frequency=Frequency(frequency.upper()),
        starts_on=start.date(),
        ends_on=_day(end),
        kind=TransferKind(kind.upper()),
        by=COMMAND_LINE,
        now=site.now(),
        **given,
    )
    _whole(made)


@command.command("list")
@click.option("--partner", default="", metavar="CODE", help="Those with this partner.")
@click.option("--direction", type=_choice(Direction), help="Sent or received by us.")
@click.option("--missing", is_flag=True, help="Of which an issue is missing or claimed.")
@_JSON
@click.pass_obj
def list_(
    data_dir: Path | None, partner: str, direction: str | None, missing: bool, as_json: bool
) -> None:
    """List serials, newest first."""
    found = following_serials.list_serials(
        opening.site(data_dir).db,
        code=partner,
        direction=None if direction is None else Direction(direction.upper()),
        open_only=missing,
    )
    if as_json:
        _print_json([_document(each) for each in found])
        return
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo("There are no such serials.")


@command.command()
@click.argument("serial")
@_JSON
@click.pass_obj
def show(data_dir: Path | None, serial: str, as_json: bool) -> None:
    """Show a serial with its issues."""
    found = following_serials.find(opening.site(data_dir).db, serial)
    if as_json:
        issues = [each._asdict() for each in found.issues]
        _print_json(_document(found.serial) | {"issues": issues})
    else:
        _whole(found)


@command.command()
@click.pass_obj
def expect(data_dir: Path | None) -> None:
    """Make expected issues a year ahead and find missing ones, as the worker does every hour."""
    site = opening.site(data_dir)
    number = following_serials.expect(site.db, site.now())
    click.echo(f"Serials that changed: {number:,}")
    for each in following_serials.list_serials(site.db, open_only=True):
        click.echo(_line(each))


@command.command()
@click.argument("serial")
@click.argument("issue")
@_ON
@_TRACKING
@click.pass_obj
def sent(
    data_dir: Path | None, serial: str, issue: str, on: datetime | None, tracking: str
) -> None:
    """Enter that ISSUE was sent: of SERIAL, or to all partners that get an ISSN or a title."""
    if public_ids.read(serial):
        _done(data_dir, following_serials.send, serial, issue, on=_day(on), tracking=tracking)
        return
    if tracking:
        raise click.UsageError("A number to track by is of one parcel: name the serial by its id.")
    site = opening.site(data_dir)
    done = following_serials.send_to_all(
        site.db, serial, issue, on=_day(on), by=COMMAND_LINE, now=site.now()
    )
    click.echo(f"Issue {issue} is entered as sent; partners to whom it went: {len(done.sent):,}")
    for code, why in done.left:
        click.echo(f"not to {code}: {why}")


@command.command()
@click.argument("serial")
@click.argument("issue")
@_ON
@click.pass_obj
def received(data_dir: Path | None, serial: str, issue: str, on: datetime | None) -> None:
    """Enter that ISSUE of SERIAL arrived; a claim on it is settled."""
    _done(data_dir, claiming_issues.receive, serial, issue, on=_day(on))


@command.command()
@click.argument("serial")
@click.argument("issue")
@click.option("--text", default="", help="What is said.")
@click.option("--close", "reason", default="", help="Give it up instead: why nothing comes of it.")
@click.pass_obj
def missing(data_dir: Path | None, serial: str, issue: str, text: str, reason: str) -> None:
    """Claim ISSUE of SERIAL that did not arrive: for its partner, or from it."""
    if reason:
        _done(data_dir, claiming_issues.close, serial, issue, reason)
        return
    site = opening.site(data_dir)
    made = claiming_issues.claim(site.db, serial, issue, text=text, by=COMMAND_LINE, now=site.now())
    _whole(made.followed)
    ours = made.followed.serial.direction is Direction.RECEIVED
    step = (
        f"bookbridge claim send {made.claim}"
        if ours
        else (f'bookbridge serial resend {serial} "{issue}"')
    )
    click.echo(f"\nClaim {made.claim} is opened. Next: {step}")


@command.command()
@click.argument("serial")
@click.argument("issue")
@_ON
@_TRACKING
@click.pass_obj
def resend(
    data_dir: Path | None, serial: str, issue: str, on: datetime | None, tracking: str
) -> None:
    """Enter that a claimed ISSUE of SERIAL was sent again; its claim is settled."""
    _done(data_dir, claiming_issues.resend, serial, issue, on=_day(on), tracking=tracking)


@command.command()
@click.argument("serial")
@click.argument("day", type=_DAY)
@click.option("--reason", required=True, help="Why.")
@click.pass_obj
def end(data_dir: Path | None, serial: str, day: datetime, reason: str) -> None:
    """End SERIAL: after DAY no issue is expected any more."""
    _done(data_dir, following_serials.end, serial, day.date(), reason)


# --- what is printed ------------------------------------------------------------------------------


def _done(data_dir: Path | None, do: Any, serial: str, *given: Any, **named: Any) -> None:
    site = opening.site(data_dir)
    _whole(do(site.db, serial, *given, **named, by=COMMAND_LINE, now=site.now()))


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _line(found: ExchangeSerial) -> str:
    way = "to" if found.direction is Direction.SENT else "from"
    last = f"last {found.last_moved}" if found.last_moved else "none yet"
    late = f", missing or claimed: {found.open_issues:,}" if found.open_issues else ""
    ended = f", ended {found.ends_on}" if found.state.value == "ENDED" else ""
    return (
        f"{found.public_id}  {plain.line(found.title)}  {way} {found.partner}, "
        f"{found.frequency.lower()}: {last}{late}{ended}"
    )


def _whole(found: Followed) -> None:
    click.echo(_line(found.serial))
    for each in found.issues:
        click.echo(f"    {_issue(found.serial, each)}")


def _issue(serial: ExchangeSerial, found: Issue) -> str:
    told = f"{found.issue}  {found.label}  {found.state}  due {found.due_on}"
    if found.moved_on:
        told += f"  {'sent' if serial.direction is Direction.SENT else 'received'} {found.moved_on}"
    if found.resent_on:
        told += f"  sent again {found.resent_on}"
    can = ", ".join(each.value for each in possible(serial.direction, found.state))
    return (
        told
        + (f"  {plain.line(found.note)}" if found.note else "")
        + (f"  possible: {can}" if can else "")
    )


def _document(found: ExchangeSerial) -> dict[str, Any]:
    hidden = {"id", "partner_id"}
    return {key: value for key, value in asdict(found).items() if key not in hidden}


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, default=str))
