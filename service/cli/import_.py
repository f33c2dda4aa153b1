"""``bookbridge import``: files of MARC become books on an offer list."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import BinaryIO

import click

from marc_mappings.survey import Said
from service.cli import files as files_
from service.cli import opening, plain, report, running, signals
from service.cli.progress import shown
from service.domain.audit_entry import COMMAND_LINE
from service.errors import BookbridgeError, TooLarge, UnsupportedFormat
from service.usecases import cataloguing, offering
from service.usecases.cataloguing import Report
from service.usecases.site import Site


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--list", "slug", required=True, metavar="LIST", help="The list that takes the books."
)
@files_.said_options
@click.option("--stage-only", is_flag=True, help="Read and report; offer nothing yet.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON Lines on standard output.")
@click.pass_obj
def command(
    data_dir: Path | None,
    files: tuple[str, ...],
    slug: str,
    from_dialect: str,
    encoding: str,
    stage_only: bool,
    as_json: bool,
) -> None:
    """Read MARC files and offer their books on a list.

    FILE is MARC in any format (ISO 2709, MARCXML, JSON, .mrk), encoding and dialect, packed with
    gzip or not; - is standard input. Every record found gets its line in the report, is kept and
    offered as MARC 21, and the bytes are kept as they came. The same file for the same list is
    one import: sending it again only shows the report again, unless another --encoding or
    --from-dialect is said: then its records are read anew and take the place of the first reading.
    Exit code 1 when a record was rejected, is ambiguous or of doubtful encoding, or a file could
    not be read.
    """
    site = opening.site(data_dir)
    said = Said(encoding, from_dialect)
    fine = True
    stop = threading.Event()
    with signals.stopping(stop.set):
        for file in files:
            done = _import(site, file, slug, said, stage_only, stop)
            if done is None:
                fine = False
                continue
            fine = tell(site, done, as_json=as_json) and fine
            if stop.is_set():
                raise BookbridgeError("stopped; the same command goes on from here")
    if complaint := running.publish(site):
        click.echo(f"bookbridge: {complaint}", err=True)
    if not fine:
        raise SystemExit(1)


def _import(
    site: Site, file: str, slug: str, said: Said, stage_only: bool, stop: threading.Event
) -> Report | None:
    """Import one file; None when it is no MARC or too large, which was told then."""
    name = "standard input" if file == "-" else Path(file).name
    try:
        with _opened(file) as stream:
            received = cataloguing.receive(
                site.db,
                stream,
                file_name=name,
                list_slug=slug,
                stage_only=stage_only,
                said=said,
                limit=site.settings.upload_bytes,
                by=COMMAND_LINE,
                now=site.now(),
            )
    except (UnsupportedFormat, TooLarge) as error:
        told = error.detail if name in error.detail else f"{name}: {error.detail}"
        click.echo(f"bookbridge: {plain.line(told, 500)}", err=True)
        return None
    if received.already:
        click.echo(f"bookbridge: {plain.line(name)} came before for this list", err=True)
    with shown(plain.line(name)) as show:
        return running.to_the_end(site, received.batch.public_id, stop, show)


def _opened(file: str) -> BinaryIO:
    return sys.stdin.buffer if file == "-" else Path(file).open("rb")


def tell(site: Site, done: Report, *, as_json: bool, whole: bool = False) -> bool:
    """Print the report of a batch and what to do next; return whether all is well."""
    if as_json:
        report.print_json(site.db, done)
    else:
        report.print_text(site.db, done, whole=whole)
        found = offering.find_list(site.db, done.list_slug, None)
        click.echo("\n" + report.next_step(done, found.offer_list))
    return not report.has_problems(done)
