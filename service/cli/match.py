"""``bookbridge match``: what open lists offer meets what waits, and the rules by which it does."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain
from service.domain.audit_entry import COMMAND_LINE
from service.errors import Invalid
from service.usecases import matching_offers, tuning_matches
from service.usecases.matching_offers import Met


class _ByList(click.Group):
    """A group of which every other name is that of an offer list."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "LIST", list_, args
        return super().resolve_command(ctx, args)


@click.group(cls=_ByList, subcommand_metavar="LIST | rules [OPTIONS]")
def command() -> None:
    """Let open lists meet what partners wait for, and tune the rules.

    `match LIST` compares all that is offered on an open list with what waits, now and by the rules
    as they are, and prints what met. A worker does that by itself whenever a list opens or grows.
    """


@click.command("LIST")
@click.argument("slug", metavar="LIST")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def list_(data_dir: Path | None, slug: str, as_json: bool) -> None:
    """Compare all that is offered on an open list with what waits."""
    site = opening.site(data_dir)
    done = matching_offers.match_now(site.db, slug, site.now)
    if as_json:
        met = [_entry(each) for each in done.met]
        figures = {"list": slug, "offers": done.offers, "met": met}
        click.echo(json.dumps(figures, ensure_ascii=False))
        return
    for each in done.met:
        click.echo(
            f"{each.answer.outcome.value}  {plain.line(each.line, 80)}\n    {each.answer.reason} "
            f"(line {each.line_no} of wish list {each.wish_list})"
        )
    counts = Counter(each.answer.outcome.value for each in done.met)
    said = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(counts.items()))
    click.echo(f"{slug}  {done.offers:,} offers compared  {said or 'nothing new met'}")


def _entry(met: Met) -> dict[str, Any]:
    return {
        "wish_list": met.wish_list,
        "line_no": met.line_no,
        "line": met.line,
        "outcome": met.answer.outcome.value,
        "offer": met.answer.offer or None,
        "score": met.answer.score,
        "reason": met.answer.reason,
    }


@command.command()
@click.option("--set", "scores", multiple=True, metavar="NAME=SCORE", help="Change a rule's score.")
@click.option("--reason", default="", help="Why, for the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def rules(data_dir: Path | None, scores: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Show what a number or a title in common is worth, strongest first, and the thresholds."""
    site = opening.site(data_dir)
    for name, score in [_score(each) for each in scores]:
        tuning_matches.set_score(
            site.db, name, score, by=COMMAND_LINE, now=site.now(), reason=reason
        )
    found = tuning_matches.list_rules(site.db)
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found], ensure_ascii=False))
        return
    for each in found:
        changed = "" if each.score == each.default else f"  (comes with {each.default})"
        click.echo(f"{each.name:<18} {each.score:>3}  {each.meaning}{changed}")


def _score(text: str) -> tuple[str, int]:
    name, _, score = text.partition("=")
    if not score.strip().isascii() or not score.strip().isdigit():
        raise Invalid(f"{text!r} is no NAME=SCORE with a score from 0 to 100", field="set")
    return name.strip(), int(score)
