"""``bookbridge agreement``: what was agreed with partners, from the proposal to the last term."""

from __future__ import annotations

import mimetypes
import sys
from pathlib import Path
from typing import Any

import click

from service.cli import agreement_file, opening, plain
from service.domain import agreement as rules
from service.domain.agreement import (
    BY_CALENDAR,
    Agreement,
    AgreementAction,
    AgreementState,
    Document,
)
from service.domain.audit_entry import COMMAND_LINE
from service.errors import Conflict
from service.usecases import agreeing, filing, moving_agreements, reading_agreements
from service.usecases.reading_agreements import Kept
from service.usecases.site import Site

_ACTIONS = [action.value for action in AgreementAction if action not in BY_CALENDAR]


@click.group()
def command() -> None:
    """Draw up agreements with partners, sign, renew and end them."""


@command.command()
@agreement_file.options
@click.option(
    "--signed", is_flag=True, help="It is signed already, and goes on to where it stands."
)
@click.pass_obj
def add(data_dir: Path | None, /, path: Path | None, signed: bool, **given: Any) -> None:
    """Draw up an agreement, from a file, from options, or both.

    All that is wrong with it is told at once.
    """
    site = opening.site(data_dir)
    terms = agreement_file.terms(path, given)
    made = agreeing.draw_up(site.db, terms, signed=signed, by=COMMAND_LINE, now=site.now())
    _show(site, made.public_id)
    click.echo(f"\nNext: bookbridge agreement document add {made.public_id} SCAN")


@command.command("list")
@click.option("--partner", default="", metavar="CODE", help="Those of this partner.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(list(AgreementState), case_sensitive=False),
    help="Those in this state.",
)
@click.option("--summary", is_flag=True, help="Only how many there are, and with whom.")
@click.pass_obj
def list_(
    data_dir: Path | None, partner: str, states: tuple[AgreementState, ...], summary: bool
) -> None:
    """List agreements, newest first, those about to expire marked; then the relations."""
    site = opening.site(data_dir)
    found = reading_agreements.list_agreements(
        site.db, code=partner, states=states or tuple(AgreementState)
    )
    if not summary:
        for each in found:
            _print(each)
    if not found:
        click.echo("There are no such agreements. Next: bookbridge agreement add --file FILE")
    for state in AgreementState:
        if number := sum(each.state is state for each in found):
            click.echo(f"{state.value}: {number:,}")
    related = reading_agreements.count_relations(site.db, site.now())
    click.echo(
        f"Relations: {_number(related.partners, 'partner', 'partners')} in "
        f"{_number(related.cities, 'city', 'cities')}, "
        f"{_number(related.places, 'country or region', 'countries and regions')}"
    )


def _number(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


@command.command()
@click.argument("agreement_id")
@click.pass_obj
def show(data_dir: Path | None, agreement_id: str) -> None:
    """Show an agreement, what is filed with it, and what should be looked at."""
    _show(opening.site(data_dir), agreement_id)


@command.command()
@click.argument("agreement_id")
@agreement_file.options
@click.option("--reason", default="", help="Where the amendment of a signed agreement is agreed.")
@click.option("--revision", type=int, metavar="N", help="Only if this is still the newest.")
@click.pass_obj
def change(
    data_dir: Path | None,
    /,
    agreement_id: str,
    path: Path | None,
    reason: str,
    revision: int | None,
    **given: Any,
) -> None:
    """Change fields of an agreement; what was signed, by an amendment."""
    site = opening.site(data_dir)
    agreeing.change(
        site.db,
        agreement_id,
        agreement_file.terms(path, given),
        seen=revision,
        reason=reason,
        by=COMMAND_LINE,
        now=site.now(),
    )
    _show(site, agreement_id)


@command.command()
@click.argument("agreement_id")
@click.argument("action", type=click.Choice(_ACTIONS))
@click.option("--signed-on", metavar="DAY", help="sign: when.")
@click.option("--signed-in", help="sign: where.")
@click.option("--our-signatory", help="sign: who, for us.")
@click.option("--starts-on", metavar="DAY", help="sign: its first day.")
@click.option("--ends-on", metavar="DAY", help="sign, renew: the last day of the term.")
@click.option("--term-months", type=int, metavar="N", help="renew: how long a term is.")
@click.option("--reason", default="", help="Why, for the audit log.")
@click.option("--yes", is_flag=True, help="terminate: do not ask.")
@click.pass_obj
def move(
    data_dir: Path | None, /, agreement_id: str, action: str, reason: str, yes: bool, **given: Any
) -> None:
    """Move an agreement on by ACTION; its start and its end come by the calendar."""
    site = opening.site(data_dir)
    wanted = AgreementAction(action)
    found = reading_agreements.find(site.db, agreement_id).agreement
    rules.after(wanted, found.state)
    if wanted is AgreementAction.TERMINATE and not yes and not _agreed(found):
        raise Conflict("this agreement stays as it is; --yes says yes beforehand")
    said = {name: value for name, value in given.items() if value is not None}
    moving_agreements.move(
        site.db,
        agreement_id,
        wanted,
        given=said,
        reason=reason,
        by=COMMAND_LINE,
        now=site.now(),
    )
    _show(site, agreement_id)


def _agreed(found: Agreement) -> bool:
    if not sys.stdin.isatty():
        return False
    return click.confirm(f"Terminate {plain.line(found.terms.title)}: it cannot run again. Go on?")


@command.group()
def document() -> None:
    """File scans and letters with an agreement, and save them again."""


@document.command("add")
@click.argument("agreement_id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", default="", help="What it is.")
@click.option("--media-type", help="What kind of file it is.  [default: as its name says]")
@click.pass_obj
def add_document(
    data_dir: Path | None, agreement_id: str, file: Path, title: str, media_type: str | None
) -> None:
    """File FILE with an agreement; it is kept as it is, whatever it is."""
    site = opening.site(data_dir)
    with file.open("rb") as stream:
        filed = filing.file_document(
            site.db,
            agreement_id,
            stream,
            file_name=file.name,
            media_type=media_type or mimetypes.guess_type(file.name)[0] or "",
            title=title,
            limit=site.settings.upload_bytes,
            by=COMMAND_LINE,
            now=site.now(),
        )
    if filed.already:
        click.echo("This file was filed before:")
    _print_document(filed.document)


@document.command("save")
@click.argument("agreement_id")
@click.argument("document_id")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def save_document(data_dir: Path | None, agreement_id: str, document_id: str, target: Path) -> None:
    """Save a document as TARGET, which must not be there yet."""
    site = opening.site(data_dir)
    found = filing.find_document(site.db, agreement_id, document_id)
    try:
        with target.open("xb") as stream:
            for piece in filing.octets(site.db, found):
                stream.write(piece)
    except OSError as error:
        raise Conflict(f"{target} cannot be written: {error.strerror}") from error
    click.echo(f"{target}: {_number(found.size, 'octet', 'octets')}")


# --- what is printed ------------------------------------------------------------------------------


def _print(found: Agreement) -> None:
    terms = found.terms
    mark = "  !" if found.state is AgreementState.EXPIRING else ""
    click.echo(f"{found.public_id}  {found.state.value}{mark}  {plain.line(terms.title)}")
    parts = [", ".join(party.partner for party in terms.parties), " ".join(terms.scope)]
    if terms.starts_on:
        parts.append(f"{terms.starts_on} to {terms.ends_on or 'no end'}")
    if found.state is AgreementState.EXPIRING:
        parts.append("then it renews itself" if terms.renews else "then it EXPIRES")
    click.echo("    " + "; ".join(parts))


def _show(site: Site, agreement_id: str) -> None:
    kept: Kept = reading_agreements.find(site.db, agreement_id)
    found = kept.agreement
    _print(found)
    for name, value in found.terms.values().items():
        if name not in {"title", "scope", "parties", "activities"} and value not in (None, "", []):
            told = ", ".join(value) if isinstance(value, list) else str(value)
            click.echo(f"    {name.replace('_', ' ')}: {plain.line(told)}")
    for party in found.terms.parties:
        click.echo(f"    party {party.partner}: {plain.line(party.signatory) or 'no signatory'}")
    for activity in found.terms.activities:
        days = f" ({activity.starts_on} to {activity.ends_on or '?'})" if activity.starts_on else ""
        click.echo(f"    {activity.kind.value}: {plain.line(activity.title)}{days}")
    for each in kept.documents:
        _print_document(each)
    for told in kept.warnings:
        click.echo(f"    look at this: {plain.line(told, 500)}")
    click.echo(f"    revision {found.revision}; possible: " + _possible(found.state))


def _possible(state: AgreementState) -> str:
    return ", ".join(action.value for action in rules.possible(state)) or "nothing, it is over"


def _print_document(found: Document) -> None:
    told = f"  {plain.line(found.title)}" if found.title else ""
    click.echo(
        f"    document {found.public_id}  {plain.line(found.file_name)}  {found.media_type}  "
        f"{found.size:,} octets{told}"
    )
