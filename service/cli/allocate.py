"""``bookbridge allocate``: who is given what of a closed list, and how that came about."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from service.cli import moments, opening, plain, running
from service.domain.allocation import AllocationPolicy, AllocationRun, RunState
from service.domain.allocation_policy import POLICIES
from service.domain.audit_entry import COMMAND_LINE
from service.errors import NotFound
from service.store.allocations import Decided
from service.usecases import accepting, allocating, confirming, planning
from service.usecases.allocating import Allocated, WhatIf
from service.usecases.site import Site

_POLICIES = "\n\n".join(
    f"{policy.value}: {entry.explained()}" for policy, entry in POLICIES.items()
)


@click.command(epilog=f"The policies:\n\n{_POLICIES}")
@click.argument("slug", metavar="LIST")
@click.option("--confirm", is_flag=True, help="Give what is planned; plan first if nothing is.")
@click.option("--dry-run", is_flag=True, help="Show what would be decided, and keep nothing.")
@click.option("--show", is_flag=True, help="Show what is planned, or was decided.")
@click.option(
    "--policy",
    type=click.Choice([policy.value for policy in AllocationPolicy], case_sensitive=False),
    help="By which rule; without it, by the list's own.",
)
@click.option("--seed", default="", help="What lots are drawn from; without it, as before.")
@click.option("--accept", metavar="NUMBER", type=click.IntRange(1), help="A partner takes it.")
@click.option("--decline", metavar="NUMBER", type=click.IntRange(1), help="A partner leaves it.")
@click.option("--reason", default="", help="Why it is declined.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(
    data_dir: Path | None,
    slug: str,
    confirm: bool,
    dry_run: bool,
    show: bool,
    policy: str | None,
    seed: str,
    accept: int | None,
    decline: int | None,
    reason: str,
    as_json: bool,
) -> None:
    """Allocate a closed list: plan who is given what and why, then confirm it.

    Nobody is told of a plan, and another one takes its place. When it is confirmed, the titles
    leave the feed, what a partner was given is in its set `given:PARTNER`, and every wish has its
    reason. A confirmation that was interrupted goes on when it is asked for again.
    """
    doing = [confirm, dry_run, show, accept is not None, decline is not None]
    if sum(doing) > 1:
        raise click.UsageError(
            "--confirm, --dry-run, --show, --accept and --decline are each a thing of its own"
        )
    site = opening.site(data_dir)
    chosen = None if policy is None else AllocationPolicy(policy)
    if dry_run:
        _try(site, slug, chosen, seed, as_json)
    elif show:
        _print(site, allocating.show(site.db, slug), as_json)
    elif accept is not None or decline is not None:
        _answer(site, slug, accept, decline, reason)
    else:
        _allocate(site, slug, chosen, seed, confirm=confirm, as_json=as_json)


def _try(site: Site, slug: str, policy: AllocationPolicy | None, seed: str, as_json: bool) -> None:
    decided: list[Decided] = []
    found = allocating.what_if(
        site.db, slug, site.now(), policy=policy, seed=seed, on_decision=decided.append
    )
    if as_json:
        wishes = [_entry(each) for each in decided]
        document = {"run": None, "what_if": asdict(found), "wishes": wishes}
        click.echo(json.dumps(document, ensure_ascii=False))
        return
    click.echo(f"{found.policy.value}  seed {found.seed}  nothing of this is kept")
    _lines(decided)
    _compare(found)


def _compare(found: WhatIf) -> None:
    """Show who gains and who loses against the plan that is kept, if one is."""
    for share in found.shares:
        if share.now is not None and share.now != share.then:
            click.echo(f"{share.partner}  {share.now} → {share.then} ({share.then - share.now:+})")


def _answer(site: Site, slug: str, accept: int | None, decline: int | None, reason: str) -> None:
    run = allocating.show(site.db, slug).run.public_id
    if accept is not None:
        name = f"{run}-{accept}"
        done = accepting.accept(site.db, name, None, now=site.now(), by=COMMAND_LINE)
    else:
        name = f"{run}-{decline}"
        done = accepting.decline(
            site.db, name, None, reason=reason, now=site.now(), by=COMMAND_LINE
        )
    _lines([done])
    _publish(site)


def _allocate(
    site: Site,
    slug: str,
    policy: AllocationPolicy | None,
    seed: str,
    *,
    confirm: bool,
    as_json: bool,
) -> None:
    keep = confirm and policy is None and not seed
    if not (confirm and _is_confirmed(site, slug)):
        planning.plan(
            site.db, slug, site.now(), policy=policy, seed=seed, by=COMMAND_LINE, if_none=keep
        )
    if confirm:
        _confirm(site, slug, "", as_json)
        return
    planned = allocating.show(site.db, slug)
    _print(site, planned, as_json)
    if not as_json:
        if sys.stdin.isatty() and click.confirm(f"\nConfirm this plan of {slug}?"):
            _confirm(site, slug, planned.run.public_id, as_json)
        else:
            click.echo(f"\nNobody is told yet. Next: bookbridge allocate {slug} --confirm")


def _is_confirmed(site: Site, slug: str) -> bool:
    try:
        return allocating.show(site.db, slug).run.state is RunState.CONFIRMED
    except NotFound:
        return False


def _confirm(site: Site, slug: str, plan: str, as_json: bool) -> None:
    before = confirming.confirm(site.db, slug, site.now, by=COMMAND_LINE, plan=plan)
    done = allocating.show(site.db, slug)
    _publish(site)
    if as_json:
        _print(site, done, as_json)
    else:
        _tell(done, before)


def _publish(site: Site) -> None:
    if complaint := running.publish(site):
        click.echo(f"bookbridge: {complaint}", err=True)


def _tell(done: Allocated, before: bool) -> None:
    slug = done.offer_list.slug
    if before:
        assert done.run.finished_at is not None  # noqa: S101 - that is what `before` says
        click.echo(f"{slug} was allocated on {moments.shown(done.run.finished_at, 'UTC')}.")
    click.echo(f"{slug}  {done.offer_list.state.value}  by {done.run.policy.value}")
    click.echo(f"    {_figures(done.run)}")
    click.echo(f"\nNext: bookbridge allocate {slug} --show")


def _figures(run: AllocationRun) -> str:
    asked = f"; {_many(run.asked, 'answer', 'answers')} to come" if run.asked else ""
    return (
        f"{run.met:,} of {_many(run.wishes, 'wish', 'wishes')} met; "
        f"{_many(run.given, 'copy', 'copies')} for "
        f"{_many(run.partners, 'partner', 'partners')}{asked}"
    )


def _many(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _print(site: Site, found: Allocated, as_json: bool) -> None:
    run, decided = found.run, allocating.all_decisions(site.db, found.run)
    if as_json:
        wishes = [_entry(each) for each in decided]
        click.echo(json.dumps({"run": _run(run), "wishes": wishes}, ensure_ascii=False))
        return
    click.echo(f"{run.state.value}  by {run.policy.value}  seed {run.seed}  {_figures(run)}")
    _lines(decided)


def _lines(decided: Iterable[Decided]) -> None:
    for each in decided:
        until = ""
        if each.answer_until is not None:
            until = f" Answer until {moments.shown(each.answer_until, 'UTC')}."
        click.echo(
            f"{each.position}  {each.partner}  {each.given} of {each.quantity}  "
            f"{each.state.value}  {plain.line(each.title)}\n"
            f"    {each.reason}{until} ({moments.shown(each.wished_at, 'UTC')}, "
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
