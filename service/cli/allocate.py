"""``bookbridge allocate``: who is given what of a closed list, and how that came about."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from service.cli import moments, opening, plain, running
from service.domain.allocation import AllocationPolicy, AllocationRun
from service.store.allocations import Decided
from service.usecases import allocating
from service.usecases.allocating import Allocated
from service.usecases.site import Site


@click.command()
@click.argument("slug", metavar="LIST")
@click.option("--dry-run", is_flag=True, help="Show what would be decided, and keep nothing.")
@click.option("--show", is_flag=True, help="Show what was decided when it was allocated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(data_dir: Path | None, slug: str, dry_run: bool, show: bool, as_json: bool) -> None:
    """Allocate a closed list: decide who is given what, and why.

    First come, first served: copies go to registered wishes in the order in which they came. The
    titles then leave the feed, and what a partner was given is in its set `given:PARTNER`. A run
    that was interrupted goes on when the command is given again.
    """
    if dry_run and show:
        raise click.UsageError("--dry-run is about what would be, --show about what was")
    site = opening.site(data_dir)
    if dry_run:
        _print(None, allocating.plan(site.db, slug), as_json)
    elif show:
        done = allocating.show(site.db, slug)
        _print(done.run, allocating.all_decisions(site.db, done.run), as_json)
    else:
        _allocate(site, slug, as_json)


def _allocate(site: Site, slug: str, as_json: bool) -> None:
    done = allocating.allocate(site.db, slug, site.now)
    complaint = running.publish(site)
    if as_json:
        _print(done.run, allocating.all_decisions(site.db, done.run), as_json)
    else:
        _tell(done)
    if complaint:
        click.echo(f"bookbridge: {complaint}", err=True)


def _tell(done: Allocated) -> None:
    slug = done.offer_list.slug
    if done.before:
        assert done.run.finished_at is not None  # noqa: S101 - that is what `before` says
        click.echo(f"{slug} was allocated on {moments.shown(done.run.finished_at, 'UTC')}.")
    click.echo(f"{slug}  {done.offer_list.state.value}  by {done.run.policy.value}")
    click.echo(f"    {_figures(done.run)}")
    click.echo(f"\nNext: bookbridge allocate {slug} --show")


def _figures(run: AllocationRun) -> str:
    return (
        f"{run.met:,} of {_many(run.wishes, 'wish', 'wishes')} met; "
        f"{_many(run.given, 'copy', 'copies')} for {_many(run.partners, 'partner', 'partners')}"
    )


def _many(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _print(run: AllocationRun | None, decided: Iterable[Decided], as_json: bool) -> None:
    if as_json:
        wishes = [_entry(each) for each in decided]
        click.echo(json.dumps({"run": run and _run(run), "wishes": wishes}, ensure_ascii=False))
        return
    if run is not None:
        click.echo(f"{run.policy.value}  {_figures(run)}")
    else:
        click.echo(f"{AllocationPolicy.FIRST_COME.value}  nothing of this is kept")
    for each in decided:
        click.echo(
            f"{each.partner}  {each.given} of {each.quantity}  {plain.line(each.title)}\n"
            f"    {each.reason} ({moments.shown(each.wished_at, 'UTC')}, "
            f"line {each.line_no} of wish list {each.wish_list})"
        )


def _run(run: AllocationRun) -> dict[str, Any]:
    shown = {name: _written(value) for name, value in asdict(run).items()}
    del shown["id"], shown["list_id"]
    return {"id": shown.pop("public_id")} | shown


def _entry(decided: Decided) -> dict[str, Any]:
    return {name: _written(value) for name, value in decided._asdict().items()}


def _written(value: object) -> object:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
