"""``bookbridge check``: what is wrong with a file of MARC, before anybody gets it; no database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import click

from marc_mappings import validation
from marc_mappings.conversion import Line
from marc_mappings.problems import Problem
from marc_mappings.survey import Said, Survey
from service.cli import files, plain
from service.cli.files import counted
from service.cli.progress import shown
from service.usecases import converting
from service.usecases.converting import Tally

# Positions of records that are shown for each kind of problem, and rejected records by their place.
_SHOWN: Final = 5
_REJECTED_SHOWN: Final = 20
_HEADINGS: Final = {
    "error": "Errors: against rules that others rely on",
    "warning": "Warnings: worth a look",
    "note": "Notes: worth knowing",
}


@click.command()
@click.argument("file", metavar="FILE", type=files.SOURCE)
@files.said_options
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each record found.")
@click.option("--notes", is_flag=True, help="Also what is only worth knowing.")
@click.option(
    "--local",
    metavar="TAGS",
    default="",
    help="Tags of your own, such as 037,TOC, that are not to be judged.",
)
@files.workers_option
def command(
    file: str,
    from_dialect: str,
    encoding: str,
    as_json: bool,
    notes: bool,
    local: str,
    workers: int,
) -> None:
    """Hold a file of MARC against the rules and say what is wrong.

    FILE is of any format, dialect, encoding and origin that Bookbridge reads, packed with gzip or
    not; - is standard input. Records in another dialect are made MARC 21 first, and held against
    the rules of that. Nothing is written.

    Exit code 0: no record was rejected or is of doubtful encoding, and there are no errors and no
    warnings. 1: there are; or the file is no MARC. 2: wrong usage.
    """
    tags = frozenset(filter(None, local.replace(" ", "").split(",")))
    found = _Found()
    with (
        files.told(file),
        files.opened(file) as source,
        shown(files.name(file)) as show,
    ):
        octets = files.size(source)
        show("looked at as a whole", 0, 0)
        survey, steps = converting.check(
            source, Said(encoding, from_dialect), tags, workers=workers
        )

        def problems() -> Iterator[tuple[int, Problem]]:
            for step in steps:
                found.tally = found.tally.plus(step.tally)
                for line in step.lines:
                    if as_json:
                        click.echo(line.as_text())
                    else:
                        found.remember(line)
                    yield from ((line.position, each) for each in line.problems)
                show(counted(found.tally.read, "record"), step.octets, octets)

        found.kinds = validation.summarise(problems(), shown=_SHOWN)
    if as_json:
        for text in files.report(file, found.tally, survey):
            click.echo(text, err=True)
    else:
        _print(file, survey, found, notes=notes)
    if not found.tally.is_fine:
        raise SystemExit(1)


class _Found:
    """What is kept of a file for a report to people: little, however large the file."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.kinds: Sequence[validation.Line] = ()
        self.rejected: list[Line] = []
        # The first record of each kind of problem, by code and tag.
        self.first: dict[tuple[str, str], Line] = {}

    def remember(self, line: Line) -> None:
        if line.outcome == "rejected" and len(self.rejected) < _REJECTED_SHOWN:
            self.rejected.append(line)
        for each in line.problems:
            self.first.setdefault((each.code, each.tag), line)


def _print(file: str, survey: Survey, found: _Found, *, notes: bool) -> None:
    for text in files.report(file, found.tally, survey):
        click.echo(text)
    _print_rejected(found)
    for level, kinds in groupby(found.kinds, key=lambda each: each.level):
        if level != "note" or notes:
            click.echo(f"\n{_HEADINGS[level]}")
            # What concerns whole records first: an encoding in doubt puts every field in doubt.
            for kind in sorted(kinds, key=lambda each: each.tag != ""):
                _print_kind(kind, found.first[kind.code, kind.tag])
    _print_end(found, notes=notes)


def _print_rejected(found: _Found) -> None:
    if not found.rejected:
        return
    click.echo("\nRejected: no record could be read there")
    for line in found.rejected:
        click.echo(f"  Record {line.position:,} at octet {line.offset:,}")
    if more := found.tally.rejected - len(found.rejected):
        click.echo(f"  … and {more:,} more")


def _print_end(found: _Found, *, notes: bool) -> None:
    lines = []
    if not found.tally.errors and not found.tally.warnings:
        lines.append("No errors and no warnings.")
    number = sum(each.times for each in found.kinds if each.level == "note")
    if number and not notes:
        are, them = ("is", "it") if number == 1 else ("are", "them")
        lines.append(f"There {are} {counted(number, 'note')} besides; --notes shows {them}.")
    if lines:
        click.echo("\n" + "\n".join(lines))


def _print_kind(kind: validation.Line, first: Line) -> None:
    positions = ", ".join(f"{position:,}" for position in kind.positions)
    more = ", …" if kind.records > len(kind.positions) else ""
    times = f"{counted(kind.times, 'time')} in " if kind.times != kind.records else ""
    click.echo(
        f"  {plain.line(kind.tag) or 'record':<6} {kind.code}: {times}"
        f"{counted(kind.records, 'record')} ({positions}{more})"
    )
    number, title = plain.line(first.control_number, 40), plain.line(first.title, 60)
    named = f"{number and f' ({number})'}{title and f', {title}'}"
    click.echo(f"         First in record {first.position:,}{named}:")
    click.echo(f"         {plain.line(kind.example, 300)}")
