"""``bookbridge audit``: who did what to what, when, with what it was before and after."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from service.cli import opening, plain
from service.domain.audit_entry import AuditEntry, sentence
from service.usecases import auditing

_LONGEST = 500


@click.command()
@click.option("--kind", default="", help="Of one kind of thing: partner, agreement, token …")
@click.option("--name", default="", help="Of the thing with this code, slug or id.")
@click.option("--before", default="", metavar="ID", help="Go on behind this one.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, one for each entry.")
@click.pass_obj
def command(
    data_dir: Path | None, kind: str, name: str, before: str, limit: int, as_json: bool
) -> None:
    """Show who did what to what, when, with what it was before and after.

    Newest first.
    """
    site = opening.site(data_dir)
    found = auditing.list_entries(
        site.db, kind=kind, name=name, before=before.upper(), limit=limit + 1
    )
    for each in found[:limit]:
        click.echo(_fields(each) if as_json else _line(each))
    if not found and not as_json:
        click.echo("There is no such entry.")
    if len(found) > limit:
        click.echo(f"More: bookbridge audit --before {found[limit - 1].public_id}", err=True)


def _line(entry: AuditEntry) -> str:
    said = f"{plain.line(entry.actor)}  {plain.line(sentence(entry), _LONGEST)}"
    return f"{entry.at:%Y-%m-%d %H:%M} UTC  {said}"


def _fields(entry: AuditEntry) -> str:
    at = f"{entry.at:%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps(asdict(entry) | {"at": at}, ensure_ascii=False)
