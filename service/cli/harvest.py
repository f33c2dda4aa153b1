"""``bookbridge harvest``: a provider of OAI-PMH into one file, resumable; no database."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from oai import datestamp
from oai.asking import Asking
from oai.harvest_errors import HarvestError, Note
from service.cli import files, harvest_place, plain
from service.cli.progress import Show, shown
from service.errors import BookbridgeError, Conflict, Invalid
from service.usecases import harvesting
from service.usecases.fetching import NotPublic, Port
from service.usecases.harvesting import Standing, Wanted

_NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


class _Told:
    """What the notes of a run say, in a few lines: how many of each kind, and the first one."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, notes: tuple[Note, ...]) -> None:
        for note in notes:
            self._numbers[note.code] += 1
            self._first.setdefault(note.code, note.message)

    def lines(self) -> list[str]:
        return [
            f"  {code}: {files.counted(number, 'note')}; the first: {plain.line(self._first[code])}"
            for code, number in self._numbers.items()
        ]


def _stamp(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001
    if value is None:
        return None
    try:
        return datestamp.parse(value, until=param.name == "until")
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("url", metavar="URL")
@click.option(
    "-o", "--output", metavar="FILE", required=True, type=_NEW_FILE, help="The file to make."
)
@click.option("--set", "set_spec", metavar="SPEC", default="", help="Only this set.")
@click.option(
    "--prefix", default="", help="The metadataPrefix.  [default: MARC if offered, else oai_dc]"
)
@click.option(
    "--from", "from_", metavar="DATE", callback=_stamp, help="Only what changed since, UTC."
)
@click.option("--until", metavar="DATE", callback=_stamp, help="Only what changed up to then, UTC.")
@click.option(
    "--again",
    metavar="OLD",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only what changed since the finished harvest in the file OLD.",
)
@click.option(
    "--report",
    metavar="OUT.jsonl",
    type=_NEW_FILE,
    help="A line of JSON for each header, deleted ones too, and for each note.",
)
@click.option(
    "--allow-private", is_flag=True, help="Call addresses of this machine and network too."
)
def command(
    url: str,
    output: Path,
    set_spec: str,
    prefix: str,
    from_: int | None,
    until: int | None,
    again: Path | None,
    report: Path | None,
    allow_private: bool,
) -> None:
    """Harvest a provider of OAI-PMH into one file, without a database.

    The records are written to FILE as the provider gives them, in one envelope of XML. How far it
    has come is kept in FILE.harvest: the same command goes on where a run ended, however it
    ended. A finished harvest is not begun anew; --again OLD brings what changed since into a new
    file. Deleted records are in the report, not in FILE.

    Exit code 0: all is harvested. 1: something could not be read and was left out, or the harvest
    ended early or could not begin. 2: wrong usage.
    """
    if again is not None and from_ is not None:
        raise click.UsageError("--again knows from when on; leave --from out.")
    if from_ is not None and until is not None and from_ > until:
        raise click.UsageError("--from is later than --until.")
    targets = {"--output": output, "--report": report, "--again": again}
    files.refuse_collisions("-", {**targets, "the point": harvest_place.point_of(output)})
    wanted = Wanted(url, prefix, set_spec, from_, until)
    told = _Told()
    with (
        files.told(str(output)),
        closing(_port(url, allow_private=allow_private)) as port,
        shown(files.name(str(output))) as show,
    ):
        asking = Asking(port, time.time, _waiting(show), random.random)
        try:
            done = _harvest(asking, wanted, (output, report, again), told, show)
        except HarvestError as error:
            told.add(tuple(error.notes))
            raise BookbridgeError(_failure(output, error, told)) from error
    for line in (*_figures(output, done), *told.lines()):
        click.echo(line, err=True)
    if not done.is_fine:
        raise SystemExit(1)


def _port(url: str, *, allow_private: bool) -> Port:
    try:
        return Port(url, allow_private=allow_private)
    except Invalid as error:
        raise click.UsageError(error.detail) from error


def _harvest(
    asking: Asking,
    wanted: Wanted,
    places: tuple[Path, Path | None, Path | None],
    told: _Told,
    show: Show,
) -> Standing:
    output, report, again = places
    if again is not None:
        wanted = _since(again, wanted)
    standing = harvest_place.kept(output)
    fresh = standing is None
    if standing is None:
        standing, notes = harvesting.planned(asking, wanted)
        told.add(notes)
    else:
        _refuse_another(output, standing, wanted, report)

    def on_page(standing: Standing, notes: tuple[Note, ...]) -> None:
        point = standing.point
        pages = files.counted(point.pages, "page")
        show(f"{files.counted(point.records, 'record')}, {pages}", point.pages, 0)
        told.add(notes)

    with harvest_place.sinks(output, report, standing, fresh=fresh) as sinks:
        return harvesting.go_on(asking, standing, sinks, on_page)


def _since(again: Path, wanted: Wanted) -> Wanted:
    before = harvest_place.kept(again)
    if before is None:
        raise Conflict(f"{again} has no point beside it, so it is no harvest to follow.")
    if before.point.lost:
        click.echo(f"{again}: what was left out there is left out here too.", err=True)
    return harvesting.since(before, wanted)


def _refuse_another(output: Path, standing: Standing, wanted: Wanted, report: Path | None) -> None:
    """Refuse to go on with what is finished, or with other words than before."""
    if standing.finished:
        raise Conflict(
            f"{output} is finished; --again {output} brings what changed since into another file."
        )
    said = wanted._replace(prefix=wanted.prefix or standing.wanted.prefix)
    if said != standing.wanted or (report is None) != (standing.report_octets is None):
        raise Conflict(
            f"{output} was begun with other words; say the same ones again, or name another file."
        )


def _waiting(show: Show) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        show(f"waits {seconds:.0f} s", 0, 0)
        time.sleep(seconds)

    return sleep


def _failure(output: Path, error: HarvestError, told: _Told) -> str:
    """Return in one sentence what ended the harvest, with the notes under it."""
    sentence = f"{files.name(str(output))}: {error.code}: {plain.line(error.message).rstrip('.')}"
    if isinstance(error.__cause__, NotPublic):
        sentence += "; --allow-private lets it be called"
    elif harvest_place.point_of(output).exists():
        sentence += "; the same command goes on from here"
    return "\n".join((sentence + ".", *told.lines()))


def _figures(output: Path, done: Standing) -> list[str]:
    point = done.point
    counts = [
        f"{files.counted(done.written, 'record')} written",
        f"{point.deleted:,} deleted",
        files.counted(point.pages, "page"),
    ]
    lines = [f"{files.name(str(output))}: {', '.join(counts)}"]
    for number, what in (
        (point.lost, "could not be read and left out"),
        (done.without_metadata, "without metadata"),
        (done.repeated, "twice in the file, at most, because their list broke off"),
        (point.short, "lists that ended before the size they had told"),
    ):
        lines += [f"  {what}: {number:,}"] if number else []
    if done.deleted_record != "persistent":
        lines.append(
            f"  The provider says of deletions: {done.deleted_record}. Not all are told later."
        )
    lines.append(f"  The next harvest begins at {datestamp.written(done.next_from)}.")
    return lines
