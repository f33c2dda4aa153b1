"""``bookbridge consignment papers``: what goes with a consignment, as pages that print."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import files, opening
from service.domain import paper as rules
from service.domain.paper import PaperKind


@click.command()
@click.argument("number")
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(file_okay=False, writable=True, path_type=Path),
    help="Folder that the pages are written to; it is made if need be.",
)
@click.option(
    "--paper",
    "names",
    multiple=True,
    type=click.Choice([each.value for each in PaperKind]),
    help="Only this one; else all that this consignment goes with.",
)
@click.pass_obj
def papers(data_dir: Path | None, number: str, folder: Path, names: tuple[str, ...]) -> None:
    """Write packing list, labels, customs and freight papers; print them from a browser, on A4."""
    from service.papers import pages
    from service.usecases import papers as usecases

    site = opening.site(data_dir)
    found = usecases.of_consignment(site.db, site.settings, number, now=site.now())
    kinds = [rules.read_kind(name) for name in names] or found.due()
    made = {kind: pages.paper(kind, found) for kind in kinds}
    folder.mkdir(parents=True, exist_ok=True)
    for kind, page in made.items():
        target = folder / f"{found.consignment.number}-{kind.value}.html"
        with files.written(target) as stream:
            stream.write(page.encode())
        click.echo(f"{target}")
    for remark in found.remarks:
        click.echo(f"note: {remark}", err=True)
