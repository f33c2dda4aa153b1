"""``bookbridge selection``: partners' lists looked through, and sent back as one wish list."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain
from service.domain import selection as rules
from service.domain.audit_entry import COMMAND_LINE
from service.domain.selection import Selection, SelectionState, Title
from service.usecases import selecting


@click.group()
def command() -> None:
    """Look through what partners offer us, with what we hold beside it.

    SELECTION is the id that `selection route` and `selection list` show.
    """


@command.command()
@click.argument("list_", metavar="LIST")
@click.argument("selector")
@click.option("--language", "languages", multiple=True, metavar="CODE", help="MARC code: jpn.")
@click.option("--place", "places", multiple=True, metavar="CODE", help="Of publication: JP.")
@click.option("--not-held", is_flag=True, help="Leave out what we hold.")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="The day by which it is due.")
@click.option("--note", default="")
@click.pass_obj
def route(
    data_dir: Path | None,
    list_: str,
    selector: str,
    languages: tuple[str, ...],
    places: tuple[str, ...],
    not_held: bool,
    due: datetime | None,
    note: str,
) -> None:
    """Route a partner's LIST to SELECTOR, all of it or by language and place."""
    site = opening.site(data_dir)
    query = rules.query(languages, places, not_held=not_held)
    made = selecting.route(
        site.db,
        list_,
        selector,
        query,
        due_on=due.date() if due else None,
        note=note,
        by=COMMAND_LINE,
        now=site.now(),
    )
    click.echo(_headline(made))
    click.echo(f"\nNext: bookbridge selection show {made.public_id}")


@command.command("list")
@click.option("--list", "slug", default="", metavar="LIST", help="Of this list.")
@click.option("--open", "only_open", is_flag=True, help="Those that are not done.")
@click.pass_obj
def list_(data_dir: Path | None, slug: str, only_open: bool) -> None:
    """List selections, newest first."""
    site = opening.site(data_dir)
    states = [SelectionState.OPEN] if only_open else list(SelectionState)
    found = selecting.list_selections(site.db, slug=slug, states=states)
    for each in found:
        click.echo(_headline(each))
    if not found:
        click.echo("There are no such selections. Next: bookbridge selection route LIST SELECTOR")


@command.command()
@click.argument("selection")
@click.option("--chosen", is_flag=True, help="Only what is wanted.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one for each title.")
@click.pass_obj
def show(data_dir: Path | None, selection: str, chosen: bool, as_json: bool) -> None:
    """Show the titles of a selection, each with whether we hold it."""
    site = opening.site(data_dir)
    found = selecting.find(site.db, selection)
    titles = selecting.list_titles(site.db, selection, wanted=True if chosen else None)
    if as_json:
        for each in titles:
            click.echo(json.dumps(each._asdict(), ensure_ascii=False))
        return
    click.echo(_headline(found))
    for each in titles:
        click.echo(_title(each))


@command.command()
@click.argument("selection")
@click.argument("offers", nargs=-1, required=True)
@click.option("--not", "passed_over", is_flag=True, help="These are not wanted.")
@click.option("--quantity", type=click.IntRange(1), default=1, show_default=True)
@click.option("--reason", default="", help="Goes with the wish as its note.")
@click.pass_obj
def choose(
    data_dir: Path | None,
    selection: str,
    offers: tuple[str, ...],
    passed_over: bool,
    quantity: int,
    reason: str,
) -> None:
    """Say of OFFERS (their ids) that they are wanted."""
    made = _do(
        data_dir,
        selecting.choose,
        selection,
        offers,
        wanted=not passed_over,
        quantity=quantity,
        reason=reason,
    )
    click.echo(_headline(made))


@command.command()
@click.argument("selection")
@click.pass_obj
def close(data_dir: Path | None, selection: str) -> None:
    """Close a selection: what was chosen is noted as wishes of ours."""
    made = _do(data_dir, selecting.close, selection)
    click.echo(_headline(made.selection))
    told = f"{made.wished:,} wishes noted, {made.already:,} wished for before"
    click.echo(f"{told}, {made.gone:,} taken back by the partner")
    click.echo(f"\nNext: bookbridge selection send {made.selection.list_slug}")


@command.command()
@click.argument("selection")
@click.pass_obj
def cancel(data_dir: Path | None, selection: str) -> None:
    """Cancel a selection: nothing of it is wished for."""
    click.echo(_headline(_do(data_dir, selecting.cancel, selection)))


@command.command()
@click.argument("list_", metavar="LIST")
@click.option("--unfinished", is_flag=True, help="Selections that are still open come later.")
@click.pass_obj
def send(data_dir: Path | None, list_: str, unfinished: bool) -> None:
    """Send what was chosen of LIST to its partner as one wish list; a worker does it."""
    site = opening.site(data_dir)
    made = selecting.send(site.db, list_, unfinished=unfinished, now=site.now())
    click.echo(f"{made.wishes:,} wishes on their way, job {made.job}")


def _do(data_dir: Path | None, what: Callable[..., Any], *given: Any, **named: Any) -> Any:
    site = opening.site(data_dir)
    return what(site.db, *given, **named, by=COMMAND_LINE, now=site.now())


def _headline(made: Selection) -> str:
    due = f", due {made.due_on.isoformat()}" if made.due_on else ""
    return (
        f"{made.public_id}  {made.state.value}  {made.list_slug}  {plain.line(made.selector)}  "
        f"{made.titles:,} titles, {made.held:,} held, {made.chosen:,} chosen{due}"
    )


def _title(each: Title) -> str:
    marks = [
        "we hold it" if each.held else "",
        f"wish: {each.wish}" if each.wish else "",
        {True: f"chosen × {each.quantity}", False: "passed over", None: ""}[each.wanted],
        each.reason,
    ]
    told = ", ".join(plain.line(mark) for mark in marks if mark)
    author = f" / {plain.line(each.author)}" if each.author else ""
    return f"{each.offer}  {plain.line(each.title)}{author}{f'  [{told}]' if told else ''}"
