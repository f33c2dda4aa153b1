"""``bookbridge harvesters``: who harvested us, when, what and how far."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain
from service.domain.visit import AskedList
from service.store.visits import Kept
from service.usecases import visiting

_HEADS = ("last", "who", "what", "from", "pages", "records", "errors", "state", "agent")
_NUMBERS = frozenset({"pages", "records", "errors"})
_WIDEST = 60


@click.command()
@click.option("--partner", default="", metavar="CODE", help="Harvests of this partner alone.")
@click.option("--before", default="", metavar="ID", help="Go on behind this one.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, one for each harvest.")
@click.pass_obj
def command(data_dir: Path | None, partner: str, before: str, limit: int, as_json: bool) -> None:
    """Show who harvested us, when, what and how far.

    Newest first. What is going on appears some seconds later.
    """
    site = opening.site(data_dir)
    found = visiting.list_visits(
        site.db, partner_code=partner, before=before.upper(), limit=limit + 1
    )
    shown = found[:limit]
    if as_json:
        for each in shown:
            click.echo(json.dumps(_fields(each), ensure_ascii=False))
    elif shown:
        _table([_row(each) for each in shown])
    else:
        click.echo("Nobody has harvested yet." if not before else "Nothing is older than that.")
    if len(found) > limit:
        click.echo(f"More: bookbridge harvesters --before {shown[-1].public_id}", err=True)


def _row(kept: Kept) -> tuple[str, ...]:
    visit = kept.visit
    return (
        f"{visit.last_at:%Y-%m-%d %H:%M} UTC",
        kept.partner_code or visit.harvester.address or "(forgotten)",
        _what(visit.asked),
        visit.asked.from_ or "-",
        f"{visit.pages:,}",
        f"{visit.records:,}",
        f"{visit.errors:,} {visit.last_error}" if visit.errors else "0",
        "finished" if visit.complete else "not finished",
        visit.harvester.agent,
    )


def _what(asked: AskedList) -> str:
    """Return what was asked for in a few words.

    >>> _what(AskedList("ListRecords", "marc21", "list:spring")), _what(AskedList())
    ('ListRecords marc21 list:spring', '(unreadable)')
    """
    parts = (asked.verb, asked.prefix, asked.set_spec, asked.until and f"until {asked.until}")
    return " ".join(part for part in parts if part) or "(unreadable)"


def _table(rows: list[tuple[str, ...]]) -> None:
    lines = [_HEADS, *(tuple(plain.line(cell, _WIDEST) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.rjust(width) if head in _NUMBERS else cell.ljust(width)
            for head, cell, width in zip(_HEADS, line, widths, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def _fields(kept: Kept) -> dict[str, Any]:
    visit, asked = kept.visit, kept.visit.asked
    return {
        "id": kept.public_id,
        "partner": kept.partner_code,
        "address": visit.harvester.address or None,
        "agent": visit.harvester.agent,
        "verb": asked.verb,
        "metadata_prefix": asked.prefix,
        "set": asked.set_spec or None,
        "from": asked.from_ or None,
        "until": asked.until or None,
        "began_at": f"{visit.began_at:%Y-%m-%dT%H:%M:%SZ}",
        "last_at": f"{visit.last_at:%Y-%m-%dT%H:%M:%SZ}",
        "pages": visit.pages,
        "records": visit.records,
        "errors": visit.errors,
        "last_error": visit.last_error or None,
        "complete": visit.complete,
    }
