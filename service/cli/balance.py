"""``bookbridge balance``: how partners stand by the ledger, and what would even it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain
from service.domain import balance
from service.domain.balance import Balance, Line, Parity, Reader, Side
from service.usecases import accounting
from service.usecases.site import Site

_AT_ONCE = 200


@click.command()
@click.argument("partner", default="")
@click.option(
    "--parity",
    "most",
    type=click.IntRange(1, 200),
    metavar="N",
    help="Name at most N titles that would even the balance with PARTNER.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(data_dir: Path | None, partner: str, most: int | None, as_json: bool) -> None:
    """Show what was sent to PARTNER and received from it, or of all partners."""
    if most and not partner:
        raise click.UsageError("--parity is of one partner: name it.")
    site = opening.site(data_dir)
    found = [accounting.show(site.db, partner, site.now())] if partner else _all(site)
    parity = accounting.show_parity(site.db, partner, site.now(), most) if most else None
    if as_json:
        click.echo(json.dumps(_document(found, partner, parity), ensure_ascii=False))
        return
    for each in found:
        _print(each, whole=bool(partner))
    if not found:
        click.echo("There is nothing in the ledger yet.")
    if parity is not None:
        _propose(parity, partner)


def _all(site: Site) -> list[Balance]:
    """Return the balances of all partners of whom anything is in the ledger."""
    found: list[Balance] = []
    after = ""
    while page := accounting.list_balances(site.db, site.now(), after, _AT_ONCE):
        found += [each for each in page if each.lines]
        after = page[-1].partner_code
    return found


def _print(found: Balance, *, whole: bool) -> None:
    click.echo(found.partner_code)
    for sentence in balance.told(found, Reader.staff(found.partner_code)):
        click.echo(f"    {sentence}")
    for line in found.lines if whole else ():
        click.echo(f"    {_line(line)}")


def _line(line: Line) -> str:
    figures = balance.amounts(balance.total([line]))
    opening_balance = ", opening balance" if line.opening else ""
    what = f"{line.kind.lower()}, {line.material.lower()}s{opening_balance}"
    return f"{line.year}  {line.direction.lower()}: {figures} ({what})"


_GIVERS = {Side.LIBRARY: "by us, of our offers", Side.PARTNER: "by the partner, of its offers"}


def _propose(parity: Parity, code: str) -> None:
    if parity.given_by is None:
        click.echo(f"Nothing is needed to even the balance with {code}.")
        return
    needed = balance.figure(parity.needed, parity.counted, parity.currency)
    click.echo(f"To even it, {needed} would be given {_GIVERS[parity.given_by]}:")
    for each in parity.titles:
        counts = "" if each.counts is None else f", counts {each.counts}"
        copies = f"{each.copies} {'copy' if each.copies == 1 else 'copies'}"
        click.echo(f"    {each.offer}  {plain.line(each.title)}  ({copies}{counts}; {each.why})")
    if not parity.titles:
        click.echo("    There is no such offer now.")
    if parity.missing is None:
        click.echo("Offers have no value: what these are worth is not known.")
    elif parity.missing and parity.titles:
        missing = balance.figure(parity.missing, parity.counted, parity.currency)
        click.echo(f"With these, {missing} would still be missing.")


def _document(found: list[Balance], partner: str, parity: Parity | None) -> dict[str, Any]:
    shown = [_values(each) for each in found]
    if not partner:
        return {"balances": shown}
    return shown[0] | ({} if parity is None else {"parity": _parity(parity)})


def _values(found: Balance) -> dict[str, Any]:
    return {
        "partner": found.partner_code,
        "sent_to_partner": found.sent._asdict(),
        "received_from_partner": found.received._asdict(),
        "basis": found.basis,
        "tolerance": found.tolerance,
        "agreement": found.agreement,
        "bands": [each._asdict() for each in found.bands],
        "lines": [
            {
                **{name: value for name, value in each._asdict().items() if name != "figures"},
                **each.figures._asdict(),
            }
            for each in found.lines
        ],
    }


def _parity(parity: Parity) -> dict[str, Any]:
    return parity._asdict() | {"titles": [each._asdict() for each in parity.titles]}
