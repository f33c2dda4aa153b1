"""``bookbridge exhibition``: one partner's books on show, for a quarter."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from service.cli import opening, plain
from service.domain.audit_entry import COMMAND_LINE
from service.domain.exhibition import Exhibition, Words
from service.errors import NotFound
from service.usecases import exhibiting
from service.usecases.site import Site

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def command() -> None:
    """Show one partner's books for a quarter: the words, the days, the choice."""


@command.command("list")
@click.pass_obj
def list_(data_dir: Path | None) -> None:
    """List all exhibitions, the latest first."""
    site = opening.site(data_dir)
    for each in exhibiting.list_exhibitions(site.db):
        click.echo(_line(each, site.now().date()))


@command.command()
@click.argument("slug")
@click.pass_obj
def show(data_dir: Path | None, slug: str) -> None:
    """Show the exhibition SLUG with its words and its books, in order."""
    site = opening.site(data_dir)
    shown = exhibiting.find(site.db, slug)
    click.echo(_line(shown.exhibition, site.now().date()))
    for words in shown.exhibition.words:
        click.echo(f"\n{words.language}: {plain.line(words.title)}")
        for line in words.text.splitlines():
            click.echo(f"    {plain.line(line, 1000)}")
    click.echo("")
    for number, book in enumerate(shown.books, 1):
        title = plain.line(book.title_vernacular or book.title)
        where = plain.line(" ".join(filter(None, (book.accession_number, book.shelf))))
        click.echo(f"{number:>3}. {title}  {where}".rstrip())


@command.command("set")
@click.argument("slug")
@click.option("--partner", help="Code of the partner whose books are shown.")
@click.option("--from", "opens_on", type=_DAY, help="First day, such as 2027-01-01.")
@click.option("--until", "closes_on", type=_DAY, help="Last day.")
@click.option("--language", default="en", show_default=True, help="Language tag of the words.")
@click.option("--title", help="Its title in this language.")
@click.option("--text", help="Its text in this language.")
@click.pass_obj
def set_(
    data_dir: Path | None,
    slug: str,
    partner: str | None,
    opens_on: datetime | None,
    closes_on: datetime | None,
    language: str,
    title: str | None,
    text: str | None,
) -> None:
    """Draw up the exhibition SLUG, or change what is named of it.

    Words are set in one language at a time.
    """
    site = opening.site(data_dir)
    try:
        before = exhibiting.find(site.db, slug).exhibition
    except NotFound:
        before = None
    given: dict[str, object] = {"partner": partner}
    given |= {
        name: None if moment is None else moment.date()
        for name, moment in (("opens_on", opens_on), ("closes_on", closes_on))
    }
    if title is not None or text is not None:
        given["words"] = _words(before, language, title, text)
    _put(site, slug, before, {name: value for name, value in given.items() if value is not None})


@command.command()
@click.argument("slug")
@click.argument("numbers", nargs=-1)
@click.pass_obj
def choose(data_dir: Path | None, slug: str, numbers: tuple[str, ...]) -> None:
    """Let the exhibition SLUG show the books with these accession NUMBERS, in this order."""
    site = opening.site(data_dir)
    made = exhibiting.choose_numbers(site.db, slug, numbers, by=COMMAND_LINE, now=site.now())
    click.echo(_line(made, site.now().date()))


@command.command()
@click.argument("slug")
@click.pass_obj
def remove(data_dir: Path | None, slug: str) -> None:
    """Take away the exhibition SLUG, which is still to come."""
    site = opening.site(data_dir)
    now = site.now()
    exhibiting.remove(site.db, slug, today=now.date(), by=COMMAND_LINE, now=now)
    click.echo(f"Exhibition {slug} is taken away.")


def _words(
    before: Exhibition | None, language: str, title: str | None, text: str | None
) -> list[Words]:
    """Return all words with those of one language changed; a new language comes last."""
    kept = {} if before is None else {each.language: each for each in before.words}
    was = kept.get(language, Words(language, "", ""))
    kept[language] = Words(
        language, was.title if title is None else title, was.text if text is None else text
    )
    return list(kept.values())


def _put(site: Site, slug: str, before: Exhibition | None, given: dict[str, object]) -> None:
    now = site.now()
    if before is None:
        made = exhibiting.add(site.db, {"slug": slug, **given}, by=COMMAND_LINE, now=now)
    else:
        made = exhibiting.change(
            site.db, slug, given, seen=before.revision, by=COMMAND_LINE, now=now
        )
    click.echo(_line(made, now.date()))


def _line(found: Exhibition, today: date) -> str:
    books = "book" if found.books == 1 else "books"
    return (
        f"{found.slug}  {found.opens_on} – {found.closes_on}  {found.phase(today)}  "
        f"{found.partner}  {found.books:,} {books}  {plain.line(found.title)}"
    )
