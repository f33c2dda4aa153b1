"""``bookbridge harvest``: a source into the database, or any provider into one file.

What a harvest into the database is, is told in ``harvest_source``; the rest here is the file,
resumable, without a database.
"""

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
from service.cli import files, harvest_place, harvest_source, plain
from service.cli.progress import Show, shown
from service.errors import BookbridgeError, Conflict, Invalid
from service.usecases import harvesting_to_file
from service.usecases.fetching import EVERYWHERE, NotPublic, Port
from service.usecases.harvesting_to_file import Standing, Wanted

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
@click.argument("target", metavar="[NAME|URL]", required=False)
@click.option("--full", is_flag=True, help="NAME: all there is; what is not there is gone.")
@click.option("--accept-vanished", is_flag=True, help="NAME: yes, so much is gone.")
@click.option("--status", is_flag=True, help="Show the harvests of NAME, or the last of each.")
@click.option("-o", "--output", metavar="FILE", type=_NEW_FILE, help="URL: the file to make.")
@click.option("--set", "set_spec", metavar="SPEC", default="", help="URL: only this set.")
@click.option(
    "--prefix",
    default="",
    help="URL: the metadataPrefix.  [default: MARC if offered, else oai_dc]",
)
@click.option(
    "--from", "from_", metavar="DATE", callback=_stamp, help="Only what changed since, UTC."
)
@click.option(
    "--until", metavar="DATE", callback=_stamp, help="URL: only what changed up to then, UTC."
)
@click.option(
    "--again",
    metavar="OLD",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="URL: only what changed since the finished harvest in the file OLD.",
)
@click.option(
    "--report",
    metavar="OUT.jsonl",
    type=_NEW_FILE,
    help="URL: a line of JSON for each header, deleted ones too, and for each note.",
)
@click.option(
    "--allow-private", is_flag=True, help="URL: call addresses of this machine and network too."
)
@click.pass_context
def command(
    ctx: click.Context,
    target: str | None,
    full: bool,
    accept_vanished: bool,
    status: bool,
    output: Path | None,
    set_spec: str,
    prefix: str,
    from_: int | None,
    until: int | None,
    again: Path | None,
    report: Path | None,
    allow_private: bool,
) -> None:
    """Harvest a source of ours into the database, or any provider into one file.

    NAME is one of `bookbridge source`: what changed since its last harvest comes into a batch of
    its list, as an import does; a harvest that failed goes on from where it stands.

    URL with -o FILE needs no database. The records are written to FILE as the provider gives them,
    in one envelope of XML. How far it has come is kept in FILE.harvest: the same command goes on
    where a run ended, however it ended. A finished harvest is not begun anew; --again OLD brings
    what changed since into a new file. Deleted records are in the report, not in FILE.

    Exit code 0: all is harvested. 1: something could not be read and was left out, or the harvest
    ended early or could not begin. 2: wrong usage.
    """
    _refuse_mixture(ctx, target, output)
    if status:
        harvest_source.status(ctx.obj, target)
        return
    if target is None:
        raise click.UsageError("Name a source, or say a URL and -o FILE.")
    if output is None:
        harvest_source.harvest(
            ctx.obj, target, full=full, from_=from_, accept_vanished=accept_vanished
        )
        return
    _into_file(
        target,
        output,
        Wanted(target, prefix, set_spec, from_, until),
        again,
        report,
        allow_private=allow_private,
    )


# Which options belong to a harvest into the database, and which to one into a file.
_OF_SOURCES = frozenset({"full", "accept_vanished", "status"})
_OF_FILES = frozenset({"set_spec", "prefix", "until", "again", "report", "allow_private"})


def _refuse_mixture(ctx: click.Context, target: str | None, output: Path | None) -> None:
    given = {
        name
        for name in ctx.params
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    if output is not None and given & _OF_SOURCES:
        raise click.UsageError("-o FILE is for a URL; a source of ours is harvested without it.")
    if output is None and target is not None and "://" in target:
        raise click.UsageError("Say into which file: -o FILE.")
    if output is None and given & _OF_FILES:
        raise click.UsageError(
            "These options are for a URL and -o FILE; a source has its own: bookbridge source show."
        )
    if "status" in given and given & {"full", "accept_vanished", "from_"}:
        raise click.UsageError("--status only shows; leave the other options out.")
    if given >= {"full", "from_"}:
        raise click.UsageError("--full is from the beginning; leave --from out.")


def _into_file(
    url: str,
    output: Path,
    wanted: Wanted,
    again: Path | None,
    report: Path | None,
    *,
    allow_private: bool,
) -> None:
    from_, until = wanted.from_, wanted.until
    if again is not None and from_ is not None:
        raise click.UsageError("--again knows from when on; leave --from out.")
    if from_ is not None and until is not None and from_ > until:
        raise click.UsageError("--from is later than --until.")
    targets = {"--output": output, "--report": report, "--again": again}
    files.refuse_collisions("-", {**targets, "the point": harvest_place.point_of(output)})
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
        return Port(url, networks=EVERYWHERE if allow_private else ())
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
        standing, notes = harvesting_to_file.planned(asking, wanted)
        told.add(notes)
    else:
        _refuse_another(output, standing, wanted, report)

    def on_page(standing: Standing, notes: tuple[Note, ...]) -> None:
        point = standing.point
        pages = files.counted(point.pages, "page")
        show(f"{files.counted(point.records, 'record')}, {pages}", point.pages, 0)
        told.add(notes)

    with harvest_place.sinks(output, report, standing, fresh=fresh) as sinks:
        return harvesting_to_file.go_on(asking, standing, sinks, on_page)


def _since(again: Path, wanted: Wanted) -> Wanted:
    before = harvest_place.kept(again)
    if before is None:
        raise Conflict(f"{again} has no point beside it, so it is no harvest to follow.")
    if before.point.lost:
        click.echo(f"{again}: what was left out there is left out here too.", err=True)
    return harvesting_to_file.since(before, wanted)


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
