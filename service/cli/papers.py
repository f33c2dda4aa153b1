"""``bookbridge consignment papers`` and ``incoming labels``: what is printed, as pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from service.cli import files, opening
from service.domain import paper as rules
from service.domain.paper import GiftPaper, PaperKind

_FOLDER = click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(file_okay=False, writable=True, path_type=Path),
    help="Folder that the pages are written to; it is made if need be.",
)


@click.command()
@click.argument("number")
@_FOLDER
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
    number = found.consignment.number
    _write(folder, {f"{number}-{kind.value}": page for kind, page in made.items()})
    for remark in found.remarks:
        click.echo(f"note: {remark}", err=True)


@click.command()
@click.argument("gift")
@_FOLDER
@click.pass_obj
def labels(data_dir: Path | None, gift: str, folder: Path) -> None:
    """Write bookplates and shelf labels for what was accepted; print them from a browser, on A4."""
    from service.papers import pages
    from service.usecases import papers as usecases

    site = opening.site(data_dir)
    found = usecases.of_gift(site.db, gift)
    library = site.settings.repository_name
    _write(folder, {kind.value: pages.gift_paper(kind, found, library) for kind in GiftPaper})


def _write(folder: Path, pages: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        target = folder / f"{name}.html"
        with files.written(target) as stream:
            stream.write(page.encode())
        click.echo(f"{target}")
