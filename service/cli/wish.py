"""``bookbridge wish``: what we wish for of what partners offer us, and what they answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from service import worker
from service.cli import opening, plain, signals
from service.domain.own_wish import OwnWish, OwnWishState
from service.store import jobs
from service.usecases import requesting
from service.usecases.requesting import SEND
from service.usecases.site import Site

_AT_ONCE = 500
# Seconds between two looks at what another process sends.
_PAUSE = 0.2


@click.group()
def command() -> None:
    """Wish for what partners offer us, and send them our wishes."""


@command.command()
@click.argument("partner")
@click.pass_obj
def offers(data_dir: Path | None, partner: str) -> None:
    """Show what PARTNER offers us now, and where our wishes for it stand."""
    site = opening.site(data_dir)
    after = ""
    while found := requesting.list_offers(site.db, partner, after, _AT_ONCE):
        for each in found:
            what = [each.title, each.author, each.published]
            parts = [each.public_id, *map(plain.line, filter(None, what)), each.wish]
            click.echo("  ".join(part for part in parts if part))
        after = found[-1].public_id
    if not after:
        click.echo(f"{partner} offers nothing now. Next: bookbridge source list")


@command.command()
@click.argument("offers", nargs=-1, required=True, metavar="OFFER…")
@click.option("--quantity", type=click.IntRange(1), default=1, help="Copies of each.  [default: 1]")
@click.option("--note", default="", help="What the partner shall read beside it.")
@click.option("--by", default="", help="Who wishes for it, for our own lists.")
@click.pass_obj
def add(data_dir: Path | None, offers: tuple[str, ...], quantity: int, note: str, by: str) -> None:
    """Note a wish for each OFFER: its id here, or the partner's OAI identifier."""
    site = opening.site(data_dir)
    made = requesting.add(site.db, offers, quantity=quantity, note=note, by=by, now=site.now())
    _print(made)
    for code in sorted({each.partner for each in made}):
        click.echo(f"\nNext: bookbridge wish send {code}")


@command.command("list")
@click.argument("partner", required=False, default="")
@click.option(
    "--state", type=click.Choice([state.value for state in OwnWishState], case_sensitive=False)
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for each wish.")
@click.pass_obj
def list_(data_dir: Path | None, partner: str, state: str | None, as_json: bool) -> None:
    """List our wishes, newest first, with what was answered; only those for PARTNER if named."""
    site = opening.site(data_dir)
    wanted = None if state is None else OwnWishState(state)
    before = ""
    while found := requesting.list_own_wishes(
        site.db, partner=partner, state=wanted, before=before, limit=_AT_ONCE
    ):
        for each in found:
            click.echo(json.dumps(_entry(each), ensure_ascii=False)) if as_json else _print([each])
        before = found[-1].public_id
    if not before and not as_json:
        click.echo("There are no such wishes. Next: bookbridge wish add OFFER")
    if partner and (trouble := requesting.trouble(site.db, partner)):
        click.echo(f"bookbridge: not everything could be sent: {plain.line(trouble)}", err=True)


@command.command()
@click.argument("partner")
@click.pass_obj
def send(data_dir: Path | None, partner: str) -> None:
    """Send PARTNER what is noted for it, and ask what it decided on what was sent before.

    What cannot be sent now is sent by the worker as soon as the partner can be reached.
    """
    site = opening.site(data_dir)
    released = requesting.release(site.db, partner, site.now())
    stop = threading.Event()
    with signals.stopping(stop.set):
        _to_the_end(site, released.job_id, released.job, stop)
    _print(requesting.list_own_wishes(site.db, partner=partner, limit=_AT_ONCE))
    if trouble := requesting.trouble(site.db, partner):
        click.echo(f"bookbridge: the worker tries again: {plain.line(trouble)}", err=True)
        raise SystemExit(1)


@command.command()
@click.argument("wishes", nargs=-1, required=True, metavar="WISH…")
@click.pass_obj
def withdraw(data_dir: Path | None, wishes: tuple[str, ...]) -> None:
    """Take back each WISH (its id, or that of its offer); the worker tells the partner."""
    site = opening.site(data_dir)
    _print(requesting.withdraw(site.db, each, site.now()) for each in wishes)


def _to_the_end(site: Site, job_id: int, job: str, stop: threading.Event) -> None:
    """Do the job here and now, or wait for the worker that took it first, as far as it gets."""
    while not stop.is_set():
        held = worker.lease(site, job_id)
        if held is not None:
            worker.work(site, held, lambda *_: None, stop)
            return
        with site.db.read() as conn:
            found = jobs.by_public_id(conn, job)
        if found is None or found.kind != SEND or found.state != jobs.RUNNING:
            return
        stop.wait(_PAUSE)


def _print(wishes: Iterable[OwnWish]) -> None:
    for each in wishes:
        answer = f"  {each.outcome}: {plain.line(each.reason)}" if each.outcome else ""
        click.echo(
            f"{each.public_id}  {each.partner}  {each.state.value}  {each.quantity} × "
            f"{plain.line(each.title)}{answer}"
        )


def _entry(wish: OwnWish) -> dict[str, object]:
    shown = {name: _written(value) for name, value in asdict(wish).items() if name != "id"}
    return {"id": shown.pop("public_id")} | shown


def _written(value: object) -> object:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
