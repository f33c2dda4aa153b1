"""``bookbridge letter``: letters in two languages, what came in, and the templates."""

from __future__ import annotations

import mimetypes
from datetime import datetime
from pathlib import Path

import click

from service.cli import files, opening, plain
from service.domain import letter as rules
from service.domain.audit_entry import COMMAND_LINE
from service.domain.letter import ABOUT, LANGUAGES, OTHER, Direction, Letter, LetterKind
from service.errors import Invalid
from service.usecases import filing_letters, wording_letters, writing_letters
from service.usecases.filing_letters import Incoming

_KINDS = [each.value for each in LetterKind]
_KIND = click.Choice(_KINDS, case_sensitive=False)
_LANGUAGES = f"{', '.join(LANGUAGES)}; twice for two side by side."


@click.group()
def command() -> None:
    """Write letters in two languages, and file those that came."""


@command.command()
@click.argument("partner")
@click.argument("kind", type=_KIND)
@click.option(
    "--about",
    default="",
    metavar="NAME",
    help="; ".join(f"{kind}: {what}" for kind, what in ABOUT.items() if what) + ".",
)
@click.option("--language", "languages", multiple=True, required=True, help=_LANGUAGES)
@click.option("--signatory", default="", help="Who signs.")
@click.option("-o", "--output", type=files.TARGET, help="A file ending in .html or .docx.")
@click.pass_obj
def write(
    data_dir: Path | None,
    partner: str,
    kind: str,
    about: str,
    languages: tuple[str, ...],
    signatory: str,
    output: Path | None,
) -> None:
    """Write a letter to PARTNER and keep it; thanks for a gift mark it acknowledged."""
    if output is not None:
        _form(output)  # nothing is written to a partner before the file can be
    site = opening.site(data_dir)
    made = writing_letters.write(
        site.db,
        site.settings,
        partner,
        rules.read_kind(kind),
        about=about,
        languages=languages,
        signatory=signatory,
        by=COMMAND_LINE,
        now=site.now(),
    )
    _print(made)
    if output is not None:
        _save(data_dir, made, output)
    else:
        click.echo(f"Next: bookbridge letter save {made.public_id} -o letter.docx")


@command.command()
@click.argument("letter_id")
@click.option("-o", "--output", type=files.TARGET, required=True, help=".html, .docx, or any file.")
@click.pass_obj
def save(data_dir: Path | None, letter_id: str, output: Path) -> None:
    """Save a letter: one of ours as a page or a document, one that came as it came."""
    site = opening.site(data_dir)
    found = writing_letters.find_letter(site.db, letter_id)
    if found.direction is Direction.OUT:
        _save(data_dir, found, output)
        return
    with files.written(output) as stream:
        for piece in filing_letters.octets(site.db, found):
            stream.write(piece)
    click.echo(f"{output}", err=True)


def _form(path: Path) -> str:
    form = path.suffix.lower().removeprefix(".")
    if form not in {"html", "docx"}:
        raise click.UsageError(f"{path}: a letter is written as .html or .docx")
    return form


def _save(data_dir: Path | None, found: Letter, path: Path) -> None:
    from service.papers import letter_files
    from service.papers.letter_files import LetterForm

    form = LetterForm(_form(path))
    body = letter_files.letter_file(form, found, opening.site(data_dir).settings)
    with files.written(path) as stream:
        stream.write(body)
    click.echo(f"{path}", err=True)


@command.command("list")
@click.option("--partner", default="", metavar="CODE", help="Those of this partner.")
@click.option("--agreement", default="", metavar="ID", help="Those of this agreement.")
@click.pass_obj
def list_(data_dir: Path | None, partner: str, agreement: str) -> None:
    """List letters, newest first."""
    site = opening.site(data_dir)
    found = writing_letters.list_letters(site.db, code=partner, agreement=agreement)
    for each in found:
        _print(each)
    if not found:
        click.echo("There are no such letters. Next: bookbridge letter write PARTNER KIND")


@command.command()
@click.argument("partner")
@click.argument("file", type=files.SOURCE)
@click.option("--agreement", default="", metavar="ID", help="With this agreement.")
@click.option("--kind", default=OTHER, type=click.Choice([*_KINDS, OTHER]), show_default=True)
@click.option("--about", default="", metavar="NAME", help="What it is about.")
@click.option("--subject", default="", help="In words; else the file's name.")
@click.option("--dated", type=click.DateTime(["%Y-%m-%d"]), help="Its day; else today (UTC).")
@click.pass_obj
def file(
    data_dir: Path | None,
    partner: str,
    file: str,
    agreement: str,
    kind: str,
    about: str,
    subject: str,
    dated: datetime | None,
) -> None:
    """File a letter or scan that came from PARTNER; it is kept as it came."""
    site = opening.site(data_dir)
    said = Incoming(
        subject=subject,
        file_name=files.name(file),
        media_type=mimetypes.guess_type(file)[0] or "",
        kind=kind,
        agreement=agreement,
        about=about,
        dated_on=dated.date() if dated else None,
    )
    with files.opened(file) as stream:
        filed = filing_letters.file_letter(
            site.db,
            partner,
            stream,
            said,
            limit=site.settings.upload_bytes,
            by=COMMAND_LINE,
            now=site.now(),
        )
    _print(filed.letter)
    if filed.already:
        click.echo("It was filed before; nothing is new.", err=True)


@command.command()
@click.argument("letter_id")
@click.argument("recipient")
@click.pass_obj
def mail(data_dir: Path | None, letter_id: str, recipient: str) -> None:
    """Mail a letter of ours to RECIPIENT, a contact of its partner."""
    site = opening.site(data_dir)
    made = writing_letters.mail_letter(
        site.db, site.settings, letter_id, recipient, by=COMMAND_LINE, now=site.now()
    )
    _print(made)


@command.command()
@click.argument("kind", type=_KIND)
@click.argument("language")
@click.option("--subject", help="The new subject; with --body.")
@click.option("--body", type=files.SOURCE, help="A text file with the new body.")
@click.option("--reset", is_flag=True, help="Take the site's own wording back.")
@click.pass_obj
def template(
    data_dir: Path | None,
    kind: str,
    language: str,
    subject: str | None,
    body: str | None,
    reset: bool,
) -> None:
    """Show the template of a KIND of letter, or change it."""
    site = opening.site(data_dir)
    if reset:
        wording_letters.reset_template(site.db, kind, language, by=COMMAND_LINE, now=site.now())
    elif subject is not None or body is not None:
        before = wording_letters.find_template(site.db, kind, language)
        wording_letters.change_template(
            site.db,
            kind,
            language,
            subject=before.subject if subject is None else subject,
            body=before.body if body is None else _text(body),
            by=COMMAND_LINE,
            now=site.now(),
        )
    found = wording_letters.find_template(site.db, kind, language)
    whose = f"own wording, revision {found.revision}" if found.own else "as it came"
    click.echo(f"{found.kind.value} {found.language}: {whose}")
    click.echo(f"\n{found.subject}\n\n{found.body}\n")
    for name, told in rules.PLACEHOLDERS[found.kind].items():
        click.echo(f"{{{name}}}: {told}")


def _text(path: str) -> str:
    with files.opened(path) as stream:
        try:
            return stream.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Invalid(f"{files.name(path)} is no text in UTF-8", "body") from error


def _print(found: Letter) -> None:
    mailed = "  mailed" if found.mailed_at else ""
    click.echo(
        f"{found.public_id}  {found.dated_on}  {found.direction.value}  {found.partner}  "
        f"{found.kind}  {plain.line(found.subject)}{mailed}"
    )
