"""``bookbridge list``: offer lists from draft to archive."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from service.cli import list_options, moments, opening, plain, running
from service.domain.audit_entry import COMMAND_LINE
from service.domain.offer import ListAction, ListState, Offer, OfferList
from service.domain.tier import Tier
from service.errors import Conflict
from service.usecases import changing_lists, offering, tiering
from service.usecases.offering import ListWithCount
from service.usecases.site import Site


@click.group()
def command() -> None:
    """Draw up offer lists, open and close them."""


@command.command()
@click.argument("slug")
@click.option("--title", required=True, help="What partners read.")
@click.option("--description", default="", help="A paragraph about the list.")
@click.option("--opens-at", help=f"When it opens by itself, such as {moments.EXAMPLE}+09:00.")
@click.option("--closes-at", help="When wishes end.")
@click.option("--zone", help="IANA time zone of the dates, such as Asia/Seoul.  [default: UTC]")
@click.option(
    "--for", "partners", multiple=True, metavar="PARTNER", help="For these partners alone."
)
@click.option("--audience", default="", help="For this group alone (bookbridge audience).")
@click.option("--draft", is_flag=True, help="Let it wait for approval, whenever it opens.")
@list_options.terms
@click.pass_obj
def create(
    data_dir: Path | None,
    /,
    slug: str,
    title: str,
    description: str,
    opens_at: str | None,
    closes_at: str | None,
    zone: str | None,
    partners: tuple[str, ...],
    audience: str,
    draft: bool,
    not_to: str | None,
    **terms: Any,
) -> None:
    """Draw up a list named SLUG; the name stands in addresses and is never used twice."""
    opens = moments.read(opens_at, "opens-at", zone)
    closes = moments.read(closes_at, "closes-at", zone)
    site = opening.site(data_dir)
    made = offering.create_list(
        site.db,
        slug=slug,
        title=title,
        description=description,
        opens_at=opens,
        closes_at=closes,
        zone=zone or "UTC",
        partner_codes=partners,
        audience=audience,
        terms=list_options.said(**terms) | ({} if not_to is None else {"not_to": not_to}),
        draft=draft,
        by=COMMAND_LINE,
        now=site.now(),
    )
    _print(offering.find_list(site.db, made.slug, None))
    click.echo(f"\nNext: bookbridge import FILE --list {made.slug}")


@command.command()
@click.argument("slug", required=False)
@click.pass_obj
def show(data_dir: Path | None, slug: str | None) -> None:
    """Show one list, or all of them."""
    site = opening.site(data_dir)
    found = (
        offering.list_lists(site.db, None)
        if slug is None
        else [offering.find_list(site.db, slug, None)]
    )
    for each in found:
        _print(each)
        if slug is not None:
            _print_tiers(each.offer_list, tiering.list_tiers(site.db, slug))
    if not found:
        click.echo("There are no lists yet. Next: bookbridge list create SLUG --title TITLE")


@command.command()
@click.argument("slug")
@click.argument("audience")
@click.option(
    "--opens-at",
    help=f"When it opens to them, such as {moments.EXAMPLE}; in the zone of the list.",
)
@click.option("--remove", is_flag=True, help="It shall not open to them after all.")
@click.pass_obj
def tier(
    data_dir: Path | None, slug: str, audience: str, opens_at: str | None, remove: bool
) -> None:
    """Let list SLUG open later to AUDIENCE, a group or the word public."""
    if remove == bool(opens_at):
        raise click.UsageError("say either --opens-at with a moment, or --remove")
    site = opening.site(data_dir)
    found = offering.find_list(site.db, slug, None).offer_list
    moment = moments.read(opens_at, "opens-at", found.zone)
    if moment is None:
        later = tiering.remove_tier(site.db, slug, audience, site.now(), by=COMMAND_LINE)
    else:
        later = tiering.add_tier(site.db, slug, audience, moment, site.now(), by=COMMAND_LINE)
    complaint = running.publish(site)
    _print(offering.find_list(site.db, slug, None))
    _print_tiers(found, later)
    if complaint:
        click.echo(f"bookbridge: {complaint}", err=True)


@command.command()
@click.argument("slug")
@click.option("--title", help="What partners read.")
@click.option("--description", help="A paragraph about the list.")
@click.option("--opens-at", help="When it opens by itself, until it is open; in its zone.")
@click.option("--closes-at", help="When wishes end, in the zone of the list; 'never' for no date.")
@click.option("--zone", help="IANA time zone of the dates.")
@list_options.terms
@list_options.override
@click.pass_obj
def change(
    data_dir: Path | None,
    /,
    slug: str,
    title: str | None,
    description: str | None,
    opens_at: str | None,
    closes_at: str | None,
    zone: str | None,
    not_to: str | None,
    override: bool,
    reason: str,
    **terms: Any,
) -> None:
    """Change list SLUG; what is not said stays. Every partner concerned is told of another day."""
    site = opening.site(data_dir)
    there = zone or offering.find_list(site.db, slug, None).offer_list.zone
    words = {"title": title, "description": description, "zone": zone, "not_to": not_to}
    given = list_options.said(**terms) | {
        name: text for name, text in words.items() if text is not None
    }
    if opens_at is not None:
        given["opens_at"] = moments.read(opens_at, "opens-at", there)
    if closes_at is not None:
        never = closes_at.casefold() == "never"
        given["closes_at"] = None if never else moments.read(closes_at, "closes-at", there)
    changing_lists.change_terms(
        site.db,
        slug,
        given,
        override=override,
        reason=reason,
        by=COMMAND_LINE,
        now=site.now(),
    )
    _print(offering.find_list(site.db, slug, None))


@command.command("title")
@click.argument("offer")
@click.option("--copies", type=int, help="Copies on offer, not fewer than are given.")
@click.option("--volumes", type=int, help="Volumes of one copy: a set is one title.")
@click.option("--condition", help="How it is, for partners to read.")
@click.option("--not-to", metavar="PLACES", help="Where this title may not go: US CN.")
@click.pass_obj
def title_(data_dir: Path | None, /, offer: str, **given: Any) -> None:
    """Change what is offered of one title: OFFER is its id."""
    site = opening.site(data_dir)
    said = {name: value for name, value in given.items() if value is not None}
    changing_lists.change_offer(site.db, offer, said, by=COMMAND_LINE, now=site.now())
    _print_title(offering.show_to_staff(site.db, offer))


def _print_title(offer: Offer) -> None:
    click.echo(f"{offer.public_id}  {plain.line(offer.title_vernacular or offer.title)}")
    copies = "1 copy" if offer.copies == 1 else f"{offer.copies:,} copies"
    parts = [copies if offer.volumes == 1 else f"{copies} of {offer.volumes:,} volumes"]
    parts += [plain.line(offer.condition)] if offer.condition else []
    parts += [f"not to {' '.join(offer.not_to)}"] if offer.not_to else []
    click.echo("    " + "; ".join(parts))


def _print_tiers(offer_list: OfferList, later: Sequence[Tier]) -> None:
    for each in later:
        word, moment = ("opened", each.opened_at) if each.opened_at else ("opens", each.opens_at)
        click.echo(f"    {word} to {each.audience} {moments.shown(moment, offer_list.zone)}")


def _print(found: ListWithCount) -> None:
    offer_list = found.offer_list
    click.echo(f"{offer_list.slug}  {offer_list.state.value}  {plain.line(offer_list.title)}")
    parts = [f"{found.titles:,} title{'' if found.titles == 1 else 's'}"]
    if offer_list.opens_at:
        word = "opens" if offer_list.state is ListState.SCHEDULED else "opened"
        parts.append(f"{word} {moments.shown(offer_list.opens_at, offer_list.zone)}")
    if offer_list.closes_at:
        parts.append(f"closing date {moments.shown(offer_list.closes_at, offer_list.zone)}")
    click.echo("    " + "; ".join(parts))
    click.echo("    " + "; ".join(_rules(offer_list)))


def _rules(found: OfferList) -> list[str]:
    """Return where titles come from and how a list is allocated, in words."""
    parts = [found.source.value, found.policy.value]
    if found.max_per_partner:
        parts.append(f"at most {found.max_per_partner:,} for a partner")
    if found.min_parcel:
        parts.append(f"parcels of {found.min_parcel:,} at least")
    return [*parts, f"not to {' '.join(found.not_to)}"] if found.not_to else parts


def _change(
    site: Site, slug: str, action: ListAction, *, override: bool = False, reason: str = ""
) -> None:
    offering.change_list(
        site.db, slug, action, site.now(), override=override, reason=reason, by=COMMAND_LINE
    )
    complaint = running.publish(site)
    _print(offering.find_list(site.db, slug, None))
    if complaint:
        click.echo(f"bookbridge: {complaint}", err=True)


def _simple(action: ListAction, help_text: str) -> None:
    """Add the command of an action that takes nothing away from anybody."""

    @command.command(action.value, help=help_text)
    @click.argument("slug")
    @click.pass_obj
    def change(data_dir: Path | None, slug: str) -> None:
        _change(opening.site(data_dir), slug, action)


def _deleting(action: ListAction, help_text: str) -> None:
    """Add the command of an action that takes a whole list out of the feed: it needs a yes."""

    @command.command(action.value, help=help_text)
    @click.argument("slug")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @click.pass_obj
    def change(data_dir: Path | None, slug: str, yes: bool) -> None:
        site = opening.site(data_dir)
        found = offering.find_list(site.db, slug, None)
        if not yes and not _agreed(action, found, click.confirm):
            raise Conflict(f"list {slug!r} stays as it is; --yes says yes beforehand")
        _change(site, slug, action)


def _agreed(action: ListAction, found: ListWithCount, ask: Callable[[str], bool]) -> bool:
    if not sys.stdin.isatty():
        return False
    return ask(
        f"{action.value.capitalize()} {found.offer_list.slug}: its {found.titles:,} titles are "
        "then deleted for every partner who harvested them. Go on?"
    )


@command.command()
@click.argument("slug")
@list_options.override
@click.pass_obj
def close(data_dir: Path | None, slug: str, override: bool, reason: str) -> None:
    """Close a list: no more wishes; its records stay as they are.

    Before its closing date, once wishes stand on it, only by an override with a reason.
    """
    site = opening.site(data_dir)
    _change(site, slug, ListAction.CLOSE, override=override, reason=reason)


_simple(ListAction.APPROVE, "Approve a draft: it opens by itself at its moment.")
_simple(ListAction.OPEN, "Open a list: partners see it and may wish.")
_deleting(ListAction.WITHDRAW, "Take a whole list back; partners learn it as deletions.")
_deleting(ListAction.ARCHIVE, "Archive a closed list; its titles leave the feed as deletions.")
