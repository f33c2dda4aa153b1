"""``bookbridge source``: the partners' providers that we harvest, and how often."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.cli import opening, plain
from service.domain.audit_entry import COMMAND_LINE
from service.domain.harvest import HarvestState
from service.domain.source import Source, SourceKind, SourceState, read_every, written_every
from service.errors import Conflict, Invalid
from service.usecases import reading_sources, subscribing
from service.usecases.reading_sources import Standing

_AT_ONCE = 1000
_KINDS = {kind.value.lower(): kind for kind in SourceKind}


@click.group()
def command() -> None:
    """Enter partners' OAI-PMH providers, to be harvested on schedule."""


def _every(ctx: click.Context, param: click.Parameter, value: str) -> int:  # noqa: ARG001
    try:
        return read_every(value)
    except Invalid as error:
        raise click.BadParameter(error.detail) from error


@command.command()
@click.argument("name")
@click.option("--partner", "code", required=True, metavar="CODE", help="Whose provider it is.")
@click.option("--url", required=True, help="Its address, such as https://books.example.org/oai.")
@click.option(
    "--kind",
    type=click.Choice(list(_KINDS)),
    default="offers",
    show_default=True,
    help="What its records are to us.",
)
@click.option("--set", "set_spec", metavar="SPEC", default="", help="Only this set.")
@click.option("--prefix", default="", help="The metadataPrefix.  [default: MARC]")
@click.option("--user", metavar="U", help="Name for the provider; its secret is asked for.")
@click.option("--token-stdin", is_flag=True, help="Read the secret from standard input.")
@click.option(
    "--every",
    default="never",
    show_default=True,
    callback=_every,
    help="How often: 30m, 12h, 1d, 2w, or never.",
)
@click.option("--auto-commit", is_flag=True, help="Take in what comes without a person's yes.")
@click.option("--wishes-url", default="", help="Where our wishes go.  [default: beside the URL]")
@click.pass_obj
def add(
    data_dir: Path | None,
    name: str,
    code: str,
    url: str,
    kind: str,
    set_spec: str,
    prefix: str,
    user: str | None,
    token_stdin: bool,
    every: int,
    auto_commit: bool,
    wishes_url: str,
) -> None:
    """Enter a source under NAME (a-z, 0-9, hyphens), which never changes.

    What it brings comes onto a list of its own, named from-NAME, that nobody but the staff sees.
    """
    site = opening.site(data_dir)
    made = subscribing.add_source(
        site,
        name=name,
        partner_code=code,
        url=url,
        kind=_KINDS[kind],
        set_=set_spec,
        prefix=prefix,
        credentials=_credentials(user, token_stdin=token_stdin),
        every=every,
        auto_commit=auto_commit,
        wishes_url=wishes_url,
        by=COMMAND_LINE,
        now=site.now(),
    )
    _print(Standing(made, None, None))
    click.echo(f"\nNext: bookbridge harvest {made.name}")


def _credentials(user: str | None, *, token_stdin: bool) -> tuple[str, str] | None:
    """Return a name and its secret, which is never an argument: others see those."""
    if user is None:
        if token_stdin:
            raise click.UsageError("--token-stdin needs --user, the name that goes with it.")
        return None
    if token_stdin:
        return user, sys.stdin.readline().strip()
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is here to ask: give the secret by --token-stdin.")
    return user, str(click.prompt(f"Secret of {user}", hide_input=True)).strip()


@command.command("list")
@click.pass_obj
def list_(data_dir: Path | None) -> None:
    """List all sources."""
    site = opening.site(data_dir)
    after = ""
    while found := reading_sources.list_sources(site.db, after, _AT_ONCE):
        for each in found:
            _print(each)
        after = found[-1].source.name
    if not after:
        click.echo("There are no sources yet. Next: bookbridge source add NAME --partner CODE …")


@command.command()
@click.argument("name")
@click.pass_obj
def show(data_dir: Path | None, name: str) -> None:
    """Show one source; `bookbridge harvest --status NAME` shows its harvests."""
    _print(reading_sources.find_source(opening.site(data_dir).db, name), whole=True)


@command.command()
@click.argument("name")
@click.pass_obj
def pause(data_dir: Path | None, name: str) -> None:
    """Harvest a source by hand only, until it is resumed."""
    site = opening.site(data_dir)
    subscribing.pause(site.db, name, site.now(), by=COMMAND_LINE)
    _print(reading_sources.find_source(site.db, name))


@command.command()
@click.argument("name")
@click.pass_obj
def resume(data_dir: Path | None, name: str) -> None:
    """Harvest a paused source on schedule again."""
    site = opening.site(data_dir)
    subscribing.resume(site.db, name, site.now(), by=COMMAND_LINE)
    _print(reading_sources.find_source(site.db, name))


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(data_dir: Path | None, name: str, yes: bool) -> None:
    """Never harvest a source again and take back what it offers us."""
    site = opening.site(data_dir)
    found = reading_sources.find_source(site.db, name).source
    if not yes and not _agreed(found):
        raise Conflict(f"source {found.name!r} stays as it is; --yes says yes beforehand")
    subscribing.remove(site.db, name, site.now(), by=COMMAND_LINE)
    click.echo(f"{found.name} is removed; its records and its history stay.")


def _agreed(found: Source) -> bool:
    if not sys.stdin.isatty():
        return False
    return click.confirm(f"Remove {found.name}: what it offers us is taken back. Go on?")


def _print(standing: Standing, *, whole: bool = False) -> None:
    source, harvest = standing.source, standing.harvest
    click.echo(
        f"{source.name}  {source.state.value}  {source.kind.value}  {plain.line(source.url)}"
    )
    parts = [f"partner {source.partner_code}", f"every {written_every(source.every)}"]
    if source.every == 0:
        parts[-1] = "by hand"
    if source.due_at is not None and source.state is SourceState.ACTIVE:
        parts.append(f"next {source.due_at:%Y-%m-%d %H:%M} UTC")
    if harvest is not None and harvest.state is not HarvestState.DONE:
        parts.append(f"harvest {harvest.state.value}")
    click.echo("    " + "; ".join(parts))
    if not whole:
        return
    rows = (
        ("list", source.list_slug or "-"),
        ("set", source.set or "all"),
        ("prefix", source.prefix or "MARC as offered"),
        ("credentials", "kept" if source.credentials else "none"),
        ("wishes go to", source.wishes_url or "the Bookbridge at its URL"),
        ("committing", "at once" if source.auto_commit else "by a person's yes"),
    )
    for name, value in rows:
        click.echo(f"    {name}: {plain.line(value)}")
