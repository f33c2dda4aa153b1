"""The report of an import: for people as text, for machines as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import click

from service.cli import plain
from service.domain.import_batch import Action, Batch, BatchState, Counts, Line
from service.domain.offer import ListState, OfferList
from service.store.db import Database
from service.usecases import cataloguing
from service.usecases.cataloguing import Report

# Lines with problems that are printed when there are more than a person wants to read.
FEW = 20
_AT_ONCE = 1000

_OUTCOMES = {
    "ok": "as they should be",
    "repaired": "repaired",
    "rejected": "rejected: nothing could be read",
}
_ACTIONS = {
    "new": "new to the catalogue",
    "update": "a newer form of a record we have",
    "duplicate": "in the catalogue already",
    "ambiguous": "ambiguous: not offered, somebody must decide",
}


def lines(db: Database, public_id: str) -> Iterator[Line]:
    """Yield the lines of a report."""
    after = 0
    while found := cataloguing.report_lines(db, public_id, after, _AT_ONCE):
        yield from found
        after = found[-1].position


def has_problems(report: Report) -> bool:
    """Whether a report calls for a person: what makes the exit code 1."""
    counts = report.counts
    return report.batch.state is BatchState.FAILED or bool(counts.rejected or counts.ambiguous)


# --- for machines -------------------------------------------------------------------------------


def print_json(db: Database, report: Report) -> None:
    """Print one JSON object for each record found, then one for the batch."""
    for line in lines(db, report.batch.public_id):
        _print_object(
            {
                "position": line.position,
                "offset": line.offset,
                "length": line.length,
                "control_number": line.control_number,
                "title": line.title,
                "outcome": line.outcome,
                "action": line.action.value,
                "encoding": line.encoding,
                "encoding_certain": line.encoding_certain,
                "problems": [dict(problem) for problem in line.problems],
            }
        )
    batch = report.batch
    _print_object(
        {
            "batch": {
                "id": batch.public_id,
                "file_name": batch.file_name,
                "format": batch.format,
                "list": report.list_slug,
                "state": batch.state.value,
                "counts": report.counts._asdict(),
                "error": _error(report),
            }
        }
    )


def _print_object(value: dict[str, object]) -> None:
    # What cannot be printed (a lone surrogate, a turn of direction) stays what it is by escapes.
    text = json.dumps(value, ensure_ascii=False)
    click.echo(text if text.isprintable() else json.dumps(value))


# --- for people ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Pick:
    """The lines worth printing: the gravest first, each kind in the order of the file."""

    most: int | None
    kinds: tuple[list[Line], ...] = field(default_factory=lambda: ([], [], []))
    number: int = 0

    def add(self, line: Line) -> None:
        if not line.problems:
            return
        self.number += 1
        grave = line.outcome == "rejected" or line.action is Action.AMBIGUOUS
        kind = self.kinds[0 if grave else 1 if line.outcome == "repaired" else 2]
        if self.most is None or len(kind) < self.most:
            kind.append(line)

    def picked(self) -> list[Line]:
        return [line for kind in self.kinds for line in kind][: self.most]


def print_text(db: Database, report: Report, *, whole: bool = False) -> None:
    """Print a report for people: the figures, then the lines with something to say."""
    batch, counts = report.batch, report.counts
    click.echo(f"{plain.line(batch.file_name)}: {_standing(batch, report.list_slug)}")
    click.echo(f"  {_number(counts.read, 'record')} found (import {batch.public_id})")
    _print_figures(counts, _OUTCOMES)
    if counts.read > counts.rejected:
        click.echo("  Of those that could be read:")
        _print_figures(counts, _ACTIONS)
    if batch.state is BatchState.FAILED:
        click.echo(f"  It stopped: {_error(report)}")
    pick = _Pick(None if whole else FEW)
    for line in lines(db, batch.public_id):
        pick.add(line)
    picked = pick.picked()
    if picked:
        click.echo("")
    for line in picked:
        _print_line(line)
    if pick.number > len(picked):
        click.echo(
            f"  … and {pick.number - len(picked):,} more: "
            f"bookbridge batch show {batch.public_id} --all"
        )


def _standing(batch: Batch, slug: str) -> str:
    return {
        BatchState.STAGING: f"still being read for list {slug}",
        BatchState.STAGED: f"read for list {slug}, not offered yet",
        BatchState.COMMITTING: f"still being offered on list {slug}",
        BatchState.COMMITTED: f"offered on list {slug}",
        BatchState.FAILED: f"not all of it could be offered on list {slug}",
    }[batch.state]


def _print_figures(counts: Counts, words: dict[str, str]) -> None:
    for name, meaning in words.items():
        if number := getattr(counts, name):
            click.echo(f"  {number:>8,} {meaning}")


def _print_line(line: Line) -> None:
    what = line.outcome if line.action in {Action.NONE, Action.NEW} else line.action.value
    name = " ".join(
        part for part in (plain.line(line.control_number, 40), plain.line(line.title, 100)) if part
    )
    click.echo(
        f"  Record {line.position:,} at octet {line.offset:,}: {what}"
        + (f" – {name}" if name else "")
    )
    for problem in line.problems:
        tag = f"field {plain.line(problem['tag'], 10)}: " if problem.get("tag") else ""
        click.echo(f"      {tag}{plain.line(problem['message'], 300)}")


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _error(report: Report) -> str:
    return report.job.error if report.job else ""


def next_step(report: Report, offer_list: OfferList) -> str:
    """Return what to do after an import, or ``""`` when nothing is left to do."""
    batch = report.batch
    if batch.state is BatchState.STAGED:
        return f"To offer these books: bookbridge batch commit {batch.public_id}"
    if batch.state is BatchState.FAILED:
        return "When the cause is mended, import the same file again: it goes on where it stopped."
    if batch.state is not BatchState.COMMITTED:
        return f"To see how far it is: bookbridge batch show {batch.public_id}"
    slug = offer_list.slug
    if offer_list.state is ListState.DRAFT:
        return f"List {slug} is a draft that no partner sees. Next: bookbridge list open {slug}"
    if offer_list.state is ListState.SCHEDULED and offer_list.opens_at:
        return f"List {slug} opens by itself on {offer_list.opens_at:%Y-%m-%d %H:%M} UTC."
    return f"List {slug} is open: partners can harvest these books now."
