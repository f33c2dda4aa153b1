"""The command line: one module for each command, loaded only when that command is asked for.

Exit codes: 0 fine, 1 problems found (they are told on standard error), 2 wrong usage. An error
that the caller or the operator can mend is one sentence, never a traceback.
"""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click

from service.errors import BookbridgeError


class Entry(NamedTuple):
    """Where a command lives, and its line in ``bookbridge --help``."""

    module: str
    help: str


# In the order in which a new site needs them. The lines are told here so that `--help` need not
# load the commands; a test holds them to what the commands say of themselves.
COMMANDS: dict[str, Entry] = {
    "demo": Entry("demo", "Show everything at work: sample books, a server and a printed tour."),
    "init": Entry("init", "Set up a site, or bring its database up to this version."),
    "serve": Entry("serve", "Serve the site: pages, OAI-PMH and the API."),
    "worker": Entry("worker", "Work on jobs in a process of its own (needed with PostgreSQL)."),
    "import": Entry("import_", "Read MARC files and offer their books on a list."),
    "batch": Entry("batch", "Look at imported files, and commit staged ones."),
    "convert": Entry("convert", "Convert a file of MARC to another form, without a database."),
    "check": Entry("check", "Hold a file of MARC against the rules and say what is wrong."),
    "source": Entry("source", "Enter partners' OAI-PMH providers, to be harvested on schedule."),
    "harvest": Entry(
        "harvest", "Harvest a source of ours into the database, or any provider into one file."
    ),
    "harvesters": Entry("harvesters", "Show who harvested us, when, what and how far."),
    "list": Entry("list", "Draw up offer lists, open and close them."),
    "match": Entry("match", "Let open lists meet what partners wait for, and tune the rules."),
    "allocate": Entry(
        "allocate", "Allocate a closed list: plan who is given what and why, then confirm it."
    ),
    "audience": Entry("audience", "Form groups of partners that offer lists are shown to."),
    "partner": Entry("partner", "Enter partner libraries and give them tokens."),
    "place": Entry("place", "Name countries and regions as this site wants them called."),
    "consignment": Entry(
        "consignment",
        "Pack consignments for partners, dispatch them, and correct what was entered.",
    ),
    "letter": Entry("letter", "Write letters in two languages, and file those that came."),
    "receipt": Entry(
        "receipt", "Look at what partners say arrived, enter what came by letter, and correct it."
    ),
    "claim": Entry(
        "claim", "Open, send, answer and settle claims on what did not arrive as it should."
    ),
    "gift": Entry("gift", "Give books without a list: drafted, approved by name, packed."),
    "serial": Entry("serial", "Follow journals on exchange, issue by issue."),
    "incoming": Entry(
        "incoming",
        "Take in what partners give: announced, received, checked, accessioned, catalogued.",
    ),
    "exhibition": Entry(
        "exhibition", "Show one partner's books for a quarter: the words, the days, the choice."
    ),
    "holdings": Entry(
        "holdings", "Say what our library has: ISBNs and ISSNs that its own system exported."
    ),
    "selection": Entry(
        "selection", "Look through what partners offer us, with what we hold beside it."
    ),
    "agreement": Entry("agreement", "Draw up agreements with partners, sign, renew and end them."),
    "balance": Entry(
        "balance", "Show what was sent to PARTNER and received from it, or of all partners."
    ),
    "ledger": Entry(
        "ledger", "Look into the ledger, correct it, and enter balances of earlier years."
    ),
    "stats": Entry(
        "stats",
        "Show the line for the press, or a TABLE: years, partners, places, regions, operations.",
    ),
    "webhook": Entry("webhook", "Tell partners' systems at once what became of their wishes."),
    "mail": Entry("mail", "Look at mail to contacts of partners, and try the settings."),
    "audit": Entry("audit", "Show who did what to what, when, with what it was before and after."),
    "wish": Entry("wish", "Wish for what partners offer us, and send them our wishes."),
    "standing": Entry("standing", "Look out for what partners always wish for."),
    "user": Entry(
        "user", "Enter people, say what they may do, let them in, and give the staff tokens."
    ),
    "doctor": Entry("doctor", "Check settings, database and waiting work."),
}


class _Failure(click.ClickException):
    """An error of ours on its way to standard error."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(f"bookbridge: {self.format_message()}", file=file, err=file is None)


class Commands(click.Group):
    """The commands of the table, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(f"service.cli.{entry.module}").command
        assert isinstance(command, click.Command)  # noqa: S101 - every command module has one
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BookbridgeError as error:
            raise _Failure(error.detail) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="BOOKBRIDGE_DATA_DIR",
    show_envvar=True,
    help="Folder of the database and the settings file.  [default: var]",
)
@click.version_option(package_name="bookbridge", message="bookbridge %(version)s")
@click.pass_context
def cli(ctx: click.Context, data_dir: Path | None) -> None:
    """Bookbridge: the exchange service of libraries that give and receive books."""
    ctx.obj = data_dir


def main() -> None:
    """Run the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a script must not end a command: it shows the escapes.
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="bookbridge")
