"""How an incoming gift and its pieces are told at a terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Any

import click

from service.cli import plain
from service.domain import amount
from service.domain.accession import AccessionLine, Decision
from service.domain.audit_entry import COMMAND_LINE
from service.domain.incoming_gift import IncomingGift, possible
from service.usecases import accessioning
from service.usecases.site import Site


def done(site: Site, what: Callable[..., Any], gift: str, *given: Any, **named: Any) -> None:
    """Do something to a gift or to a piece of it, and print what it is then."""
    made = what(site.db, gift, *given, **named, by=COMMAND_LINE, now=site.now())
    if isinstance(made, IncomingGift):
        show(site, made)
        return
    click.echo(line(made.line))
    show(site, made.gift)


def show(site: Site, made: IncomingGift) -> None:
    """Print a gift, what should be looked at, and what is possible."""
    click.echo(headline(made))
    told = [
        made.received_on and f"received on {made.received_on.isoformat()}",
        made.postage and f"postage: {amount.shown(made.postage, made.postage_currency)}",
        made.weight and f"weight: {made.weight:,} g",
        made.acknowledged_at and f"acknowledged: {made.acknowledged_at:%Y-%m-%d}",
        made.notes and f"notes: {plain.line(made.notes, 500)}",
    ]
    for each in filter(None, told):
        click.echo(each)
    for remark in accessioning.find(site.db, made.public_id).remarks:
        click.echo(f"Note: {plain.line(remark, 1000)}")
    can = ", ".join(each.value for each in possible(made.state))
    click.echo(f"possible: {can or 'nothing'}")


def headline(made: IncomingGift) -> str:
    """Return a gift on one line."""
    figures = f"{made.titles:,} titles, {made.volumes:,} volumes accepted of {made.lines:,} listed"
    parts = [(made.declined, "declined"), (made.missing, "not arrived"), (made.undecided, "open")]
    rest = "".join(f", {count:,} {word}" for count, word in parts if count)
    title = plain.line(made.title)
    return f"{made.public_id}  {made.state.value}  {made.partner}  {title}  {figures}{rest}"


def line(piece: AccessionLine) -> str:
    """Return a piece on one line."""
    of = f" of {piece.announced:,}" if piece.announced else ", not announced"
    parts = [f"{piece.position}  {plain.line(piece.title)}  {piece.received:,}{of} received"]
    if piece.damaged:
        parts.append(f"{piece.damaged:,} damaged")
    if piece.volumes > 1:
        parts.append(f"{piece.volumes:,} volumes each")
    if piece.decision is not Decision.PENDING:
        parts.append(piece.decision.value.lower())
    parts += [plain.line(each) for each in (piece.reason, piece.accession_number, piece.shelf)]
    if piece.problem:
        parts.append(f"({plain.line(piece.problem, 500)})")
    return ", ".join(filter(None, parts))


_HIDDEN = frozenset({"id", "partner_id"})


def document(found: IncomingGift, lines: list[AccessionLine], remarks: list[str]) -> dict[str, Any]:
    """Return a gift with its pieces as JSON has it."""
    names = [name for name in IncomingGift.__dataclass_fields__ if name not in _HIDDEN]
    told = {name: _plain(getattr(found, name)) for name in names if name != "public_id"}
    told["pieces"] = told.pop("lines")
    return told | {
        "id": found.public_id,
        "possible": [each.value for each in possible(found.state)],
        "remarks": remarks,
        "lines": [
            {name: _plain(value) for name, value in each._asdict().items() if name[-3:] != "_id"}
            for each in lines
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date | datetime) else value
