"""How consignments are shown at a terminal, so that it reads well aloud."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from service.cli import opening, plain
from service.domain import amount
from service.domain.audit_entry import COMMAND_LINE
from service.domain.consignment import Consignment, Line, possible
from service.domain.parcel import Proposal, kilograms
from service.errors import Conflict, NotFound
from service.usecases import packing
from service.usecases.packing import Contents
from service.usecases.site import Site


def line(found: Consignment) -> str:
    """Return a consignment on one line."""
    left = f"  dispatched {found.dispatched_on}" if found.dispatched_on else ""
    return (
        f"{found.number}  {found.state.value}  {found.partner}  {found.kind.value}  "
        f"{found.titles:,} titles, {found.volumes:,} volumes{left}"
    )


def whole(found: Contents, *, short: bool = False, as_json: bool = False) -> None:
    """Print a consignment with its parcels; unless it shall be short, with its lines."""
    if as_json:
        click.echo(json.dumps(_document(found), ensure_ascii=False, default=str))
        return
    this = found.consignment
    click.echo(line(this))
    _heading(this)
    for each in found.parcels:
        weight = kilograms(each.weight) if each.weight else "not weighed"
        tracking = f"  {plain.line(each.tracking)}" if each.tracking else ""
        number = sum(one.parcel == each.number for one in found.lines)
        click.echo(f"parcel {each.number}: {each.kind.value}  {number:,} lines  {weight}{tracking}")
    if not short:
        for one in found.lines:
            click.echo(_line(one))
    for remark in found.remarks:
        click.echo(f"Note: {plain.line(remark, 1000)}")
    can = ", ".join(each.value for each in possible(this.state))
    click.echo(f"possible: {can or 'nothing'}")


def _heading(found: Consignment) -> None:
    address = found.address_roman or found.address_local
    if address:
        click.echo(f"to: {plain.line(address)}")
    if found.theme:
        click.echo(f"theme: {plain.line(found.theme)}")
    if found.postage is not None:
        paid = amount.shown(found.postage, found.postage_currency)
        click.echo(f"postage: {paid}, paid by {found.postage_paid_by.value}")


def _line(found: Line) -> str:
    size = f"{found.copies:,} × {found.volumes:,} vol." if found.units > 1 else "1"
    where = f"parcel {found.parcel}" if found.packed else "not packed"
    if not found.packed and found.parcel:
        where = f"for parcel {found.parcel}"
    return f"{found.position}  {plain.line(found.title)}  {size}  {where}"


def proposal(found: Proposal) -> None:
    """Print how a consignment can be packed."""
    by = found.limit
    operator = by.operator or "any operator"
    registered = "can be registered" if by.registered else "not registered"
    click.echo(
        f"{kilograms(found.weight)} by estimate, {found.grams_per_volume} g a volume; "
        f"{by.kind.value} of {operator}: {kilograms(by.least)} to {kilograms(by.most)}, "
        f"{registered} ({by.source})"
    )
    for number, each in enumerate(found.parcels, 1):
        first, last = each.positions[0], each.positions[-1]
        lines = f"lines {first} to {last}" if first != last else f"line {first}"
        click.echo(f"parcel {number}: {each.kind.value}  {lines}  about {kilograms(each.weight)}")
    for remark in found.remarks:
        click.echo(f"Note: {plain.line(remark, 1000)}")


def scanned(scan: Callable[[str], Line], codes: Iterable[str]) -> int:
    """Scan codes one after the other, print what each is; return how many were not packed."""
    missed = 0
    for code in codes:
        try:
            found = scan(code)
        except (NotFound, Conflict) as error:
            missed += 1
            click.echo(f"{plain.line(code)}: {error.detail}", err=True)
            continue
        copies = f"  {found.copies:,} copies" if found.copies > 1 else ""
        click.echo(f"{plain.line(code)}: {plain.line(found.title)}{copies}  parcel {found.parcel}")
    return missed


def _document(found: Contents) -> dict[str, object]:
    hidden = {"id", "partner_id", "gift_id"}
    this = {key: value for key, value in asdict(found.consignment).items() if key not in hidden}
    inner = {"transfer_id", "offer_id", "version_id"}
    return {
        "consignment": this,
        "parcels": [each._asdict() for each in found.parcels],
        "lines": [
            {key: value for key, value in each._asdict().items() if key not in inner}
            for each in found.lines
        ],
        "remarks": found.remarks,
    }


def done(data_dir: Path | None, do: Any, number: str, *given: Any, **named: Any) -> Site:
    """Do something to a consignment and show how it is then; return the site."""
    site = opening.site(data_dir)
    made: Consignment = do(site.db, number, *given, **named, by=COMMAND_LINE, now=site.now())
    whole(packing.find(site.db, made.public_id), short=True)
    return site
