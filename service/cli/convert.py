"""``bookbridge convert``: a file of MARC in another format, dialect or encoding; no database."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from marc_mappings import crosswalks
from marc_mappings.conversion import AS_IT_IS, FORMS, Wanted
from marc_mappings.survey import Said
from service.cli import files
from service.cli.progress import shown
from service.usecases import converting
from service.usecases.converting import Done, Sinks

_DIALECTS = (crosswalks.MARC21, *crosswalks.FROM_MARC21, AS_IT_IS)


@click.command()
@click.argument("file", metavar="FILE", type=files.SOURCE)
@click.option(
    "--to", "form", required=True, type=click.Choice(tuple(FORMS)), help="The form to make."
)
@click.option(
    "--to-dialect",
    default=crosswalks.MARC21,
    show_default=True,
    type=click.Choice(_DIALECTS),
    help="The dialect of what is made, where that is MARC; as-it-is keeps the one it came in.",
)
@files.said_options
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    default="-",
    type=files.TARGET,
    help="The file to write.  [default: standard output]",
)
@click.option(
    "--report", metavar="OUT.jsonl", type=files.TARGET, help="A line of JSON for each record found."
)
@click.option(
    "--rejected", metavar="OUT", type=files.TARGET, help="The bytes of the records rejected."
)
@files.workers_option
def command(
    file: str,
    form: str,
    to_dialect: str,
    from_dialect: str,
    encoding: str,
    output: Path,
    report: Path | None,
    rejected: Path | None,
    workers: int,
) -> None:
    """Convert a file of MARC to another form, without a database.

    FILE is of any format, dialect, encoding and origin that Bookbridge reads, packed with gzip or
    not; - is standard input. The result is MARC 21 in UTF-8 unless --to-dialect says otherwise.
    What was read, and on what evidence, is told on standard error.

    Exit code 0: all is well. 1: a record was rejected, its encoding is doubtful, or it has errors
    or warnings; or the file is no MARC. 2: wrong usage.
    """
    if to_dialect != crosswalks.MARC21 and not FORMS[form].is_marc:
        raise click.UsageError(f"--to {form} is no MARC; leave --to-dialect out.")
    files.refuse_collisions(file, {"--output": output, "--report": report, "--rejected": rejected})
    with files.told(file):
        done = _convert(
            file,
            (output, report, rejected),
            Wanted(form, to_dialect),
            Said(encoding, from_dialect),
            workers,
        )
    for line in files.report(file, done.tally, done.survey):
        click.echo(line, err=True)
    if not done.tally.is_fine:
        raise SystemExit(1)


def _convert(
    file: str,
    targets: tuple[Path, Path | None, Path | None],
    wanted: Wanted,
    said: Said,
    workers: int,
) -> Done:
    output, report, rejected = targets
    with ExitStack() as stack:
        source = stack.enter_context(files.opened(file))
        octets = files.size(source)
        sinks = Sinks(
            stack.enter_context(files.written(output)),
            stack.enter_context(files.written(report)) if report else None,
            stack.enter_context(files.written(rejected)) if rejected else None,
        )
        show = stack.enter_context(shown(files.name(file)))
        show("looked at as a whole", 0, 0)
        return converting.convert(
            source,
            sinks,
            wanted,
            said,
            workers=workers,
            on_step=lambda records, at: show(files.counted(records, "record"), at, octets),
        )
