"""The report of an import: for people as text, for machines as JSON Lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click

from marc_mappings.problems import CODES
from service.cli import plain
from service.domain import import_batch as rules
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
_DOUBTS = {"doubtful": "of doubtful encoding: look at their titles"}
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
    return report.batch.state is BatchState.FAILED or bool(
        counts.rejected or counts.ambiguous or counts.doubtful
    )


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
                "dialect": line.dialect,
                "problems": [dict(problem) for problem in line.problems],
                "unmapped": line.unmapped,
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
                "encoding_said": batch.encoding_said,
                "dialect_said": batch.dialect_said,
                "survey": _survey(batch),
                "next_steps": list(_advice(report)),
                "error": _error(report),
            }
        }
    )


def _survey(batch: Batch) -> dict[str, Any] | None:
    if batch.surveyed is None:
        return None
    return {what: found._asdict() for what, found in batch.surveyed._asdict().items()}


def _print_object(value: dict[str, object]) -> None:
    # What cannot be printed (a lone surrogate, a turn of direction) stays what it is by escapes.
    text = json.dumps(value, ensure_ascii=False)
    click.echo(text if text.isprintable() else json.dumps(value))


# --- for people ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Pick:
    """The lines worth printing: the gravest first, each kind in the order of the file.

    Of lines that have only notes (a foreign dialect gives one to every record) the notes are
    counted, unless all are wanted.
    """

    most: int | None
    kinds: tuple[list[Line], ...] = field(default_factory=lambda: ([], [], []))
    number: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line) -> None:
        codes = {problem["code"] for problem in line.problems}
        self.notes.update(code for code in codes if _is_note(code))
        self.unmapped.update(line.unmapped)
        only_notes = line.outcome == "ok" and all(map(_is_note, codes))
        if not codes or (self.most is not None and only_notes):
            return
        self.number += 1
        grave = line.outcome == "rejected" or line.action is Action.AMBIGUOUS
        kind = self.kinds[0 if grave else 1 if line.outcome == "repaired" else 2]
        if self.most is None or len(kind) < self.most:
            kind.append(line)

    def picked(self) -> list[Line]:
        return [line for kind in self.kinds for line in kind][: self.most]


def _is_note(code: str) -> bool:
    return code in CODES and CODES[code].level == "note"


def print_text(db: Database, report: Report, *, whole: bool = False) -> None:
    """Print a report for people: the figures, then the lines with something to say."""
    batch, counts = report.batch, report.counts
    click.echo(f"{plain.line(batch.file_name)}: {_standing(batch, report.list_slug)}")
    click.echo(f"  {_number(counts.read, 'record')} found (import {batch.public_id})")
    _print_survey(batch)
    _print_figures(counts, _OUTCOMES)
    _print_figures(counts, _DOUBTS)
    if counts.read > counts.rejected:
        click.echo("  Of those that could be read:")
        _print_figures(counts, _ACTIONS)
    if batch.state is BatchState.FAILED:
        click.echo(f"  It stopped: {_error(report)}")
    pick = _Pick(None if whole else FEW)
    for line in lines(db, batch.public_id):
        pick.add(line)
    _print_notes(pick)
    for sentence in _advice(report):
        click.echo(f"\n{sentence}")
    picked = pick.picked()
    if picked:
        click.echo("")
    for line in picked:
        _print_line(line, whole=whole)
    if pick.number > len(picked):
        click.echo(
            f"  … and {pick.number - len(picked):,} more: "
            f"bookbridge batch show {batch.public_id} --all"
        )


def _print_survey(batch: Batch) -> None:
    if batch.surveyed is None:
        return
    for what, found in zip(("Encoding", "Dialect"), batch.surveyed, strict=True):
        sure = "" if found.certain else " (not certain)"
        why = plain.line(" ".join(found.evidence), 500)
        click.echo(f"  {what}: {found.name}{sure}. {why}".rstrip())


def _print_notes(pick: _Pick) -> None:
    for code, number in pick.notes.most_common():
        click.echo(f"  Note on {_number(number, 'record')}: {CODES[code].text}")
    if pick.unmapped:
        tags = ", ".join(f"{plain.line(tag, 10)} ({n:,})" for tag, n in pick.unmapped.most_common())
        click.echo(f"  Fields of which nothing arrived, and in how many records: {tags}")


def _advice(report: Report) -> tuple[str, ...]:
    return rules.advice(
        report.batch, report.counts.doubtful, "--encoding NAME", "--from-dialect NAME"
    )


def _standing(batch: Batch, slug: str) -> str:
    return {
        BatchState.STAGING: f"still being read for list {slug}",
        BatchState.STAGED: f"read for list {slug}, not offered yet",
        BatchState.COMMITTING: f"still being offered on list {slug}",
        BatchState.COMMITTED: f"offered on list {slug}",
        BatchState.FAILED: f"not all of it could be offered on list {slug}",
        BatchState.DISCARDED: f"read for list {slug} and set aside",
        BatchState.UNDOING: f"still being taken back from list {slug}",
        BatchState.UNDONE: f"taken back from list {slug}",
    }[batch.state]


def _print_figures(counts: Counts, words: dict[str, str]) -> None:
    for name, meaning in words.items():
        if number := getattr(counts, name):
            click.echo(f"  {number:>8,} {meaning}")


def _print_line(line: Line, *, whole: bool) -> None:
    what = line.outcome if line.action in {Action.NONE, Action.NEW} else line.action.value
    name = " ".join(
        part for part in (plain.line(line.control_number, 40), plain.line(line.title, 100)) if part
    )
    click.echo(
        f"  Record {line.position:,} at octet {line.offset:,}: {what}"
        + (f" – {name}" if name else "")
    )
    grave = [problem for problem in line.problems if not _is_note(problem["code"])]
    for problem in line.problems if whole or not grave else grave:
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
    if batch.state in {BatchState.DISCARDED, BatchState.UNDONE}:
        return ""
    if batch.state is not BatchState.COMMITTED:
        return f"To see how far it is: bookbridge batch show {batch.public_id}"
    slug = offer_list.slug
    if offer_list.state is ListState.DRAFT:
        return f"List {slug} is a draft that no partner sees. Next: bookbridge list open {slug}"
    if offer_list.state is ListState.SCHEDULED and offer_list.opens_at:
        return f"List {slug} opens by itself on {offer_list.opens_at:%Y-%m-%d %H:%M} UTC."
    return f"List {slug} is open: partners can harvest these books now."
