"""Filling gifts: which books are given, by an import, by records and offers, or by a spreadsheet.

A spreadsheet goes through the catalogue like every file. The import needs a list: it gets one of
the gift's own, a draft for an audience of nobody, so that it is in no feed and on no page for
partners even if somebody opened it. The table is the gift's: sent again it takes the place of what
was read of it before, so that mended rows never double the others.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple

from service.domain import gift as rules
from service.domain import gift_table
from service.domain.audience import of_list
from service.domain.gift import Gift, NewGiftLine
from service.domain.gift_table import Fault, GiftTable
from service.domain.import_batch import BatchState
from service.errors import Conflict, Invalid, NotFound, WrongValues
from service.store import gift_choices, gifts, imports, offer_lists, public_ids
from service.store.db import Connection, Database
from service.store.gift_choices import Choice
from service.usecases import cataloguing, membership
from service.usecases.presenting import hold_draft, keep, known


class Chosen(NamedTuple):
    """What is to join a gift: a committed import, records and offers of ours (public ids).

    ``copies`` of each; ``volumes`` of one copy, None: as its offer says, else 1; ``cost`` of one
    copy in the smallest unit of the gift's currency.
    """

    batch: str = ""
    records: Sequence[str] = ()
    offers: Sequence[str] = ()
    copies: int = 1
    volumes: int | None = None
    cost: int | None = None


class Added(NamedTuple):
    """A gift with what joined it: how many titles did, and how many were in it already."""

    gift: Gift
    added: int
    already: int


class TakenIn(NamedTuple):
    """A gift with its table: titles read, rows that were not, and what is to be looked at."""

    gift: Gift
    titles: int
    rejected: tuple[Fault, ...]
    remarks: tuple[Fault, ...]
    columns_not_read: tuple[str, ...]
    remark: str


def add(
    db: Database,
    name: str,
    chosen: Chosen,
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Added:
    """Add titles to a draft; what is in it already is told, and not added once more.

    Raises ``NotFound`` for what there is not, ``Conflict`` for an import that is not committed and
    for a gift that is no draft, ``WrongValues`` for figures.
    """
    rules.checked(
        {"copies": chosen.copies, "volumes": chosen.volumes or 1, "cost": chosen.cost},
        rules.OF_LINE,
    )
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        rules.check_cost(found, chosen.cost)
        wanted = {each.record_id: each for each in reversed(_choices(conn, chosen))}
        there = gifts.record_ids(conn, found.id)
        new = [
            NewGiftLine(
                each.title,
                chosen.copies,
                chosen.volumes or each.volumes,
                chosen.cost,
                record_id=each.record_id,
            )
            for each in reversed(list(wanted.values()))
            if each.record_id not in there
        ]
        made = found if not new else _filled(conn, found, new, "titles added", by, now)
        return Added(made, len(new), len(wanted) - len(new))


def _choices(conn: Connection, chosen: Chosen) -> list[Choice]:
    found: list[Choice] = []
    if chosen.batch:
        found += _of_batch(conn, chosen.batch)
    found += _named("record", chosen.records, lambda names: gift_choices.of_records(conn, names))
    found += _named("offer", chosen.offers, lambda names: gift_choices.of_offers(conn, names))
    if not found:
        raise Invalid("say what is given: an import, records or offers")
    return found


def _of_batch(conn: Connection, name: str) -> list[Choice]:
    wanted = public_ids.read(name)
    batch = None if wanted is None else imports.by_public_id(conn, wanted)
    if batch is None:
        raise NotFound(f"there is no import {name!r}")
    if batch.state is not BatchState.COMMITTED:
        raise Conflict(f"import {batch.public_id} is {batch.state}: it must be committed first")
    found = gift_choices.of_batch(conn, batch.id)
    if not found:
        raise Conflict(f"import {batch.public_id} brought no title")
    return found


def _named(what: str, names: Sequence[str], look: Any) -> list[Choice]:
    """Return what these names mean, in their order; raise ``NotFound`` for one that means nothing.

    An offer of ours that was withdrawn is none any more.
    """
    wanted = {name: public_ids.read(name) for name in names}
    found = {each.name: each for each in look([each for each in wanted.values() if each])}
    gone = [name for name, public_id in wanted.items() if public_id not in found]
    if gone:
        more = f", and {len(gone) - 1:,} more" if len(gone) > 1 else ""
        raise NotFound(f"there is no {what} {gone[0]!r}{more}")
    return [found[public_id] for public_id in wanted.values() if public_id]


def take_in(
    db: Database,
    name: str,
    stream: BinaryIO,
    media_type: str,
    *,
    charset: str = "",
    file_name: str = "",
    limit: int,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> TakenIn:
    """Read a table into a draft, CSV or a spreadsheet, in place of what came by one before.

    Its rows are in the gift at once; their records come with the import, which a worker does. Rows
    that are wrong are told with reasons, to be mended in the table and sent with it again. Raises
    ``UnsupportedFormat``, ``TooLarge`` and ``Invalid`` where it is no table of books at all.
    """
    with db.read() as conn:
        found = known(conn, name)
        rules.check_open(found)
    table = gift_table.read(stream, media_type, charset, currency=found.currency)
    if not table.lines:
        return _taken(found, table)
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        slug = _own_list(conn, found, now)
    received = cataloguing.receive(
        db,
        io.BytesIO(table.marc),
        file_name=file_name or "table",
        list_slug=slug,
        limit=limit,
        by=by,
        now=now,
    )
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        if any(each.cost is not None for each in table.lines):
            rules.check_cost(found, 0)
        gifts.remove_table(conn, found.id)
        batch = {"batch_id": received.batch.id}
        return _taken(_filled(conn, found, table.lines, "table read", by, now, **batch), table)


def _taken(found: Gift, table: GiftTable) -> TakenIn:
    return TakenIn(
        found,
        len(table.lines),
        table.rejected,
        table.remarks,
        table.columns_not_read,
        table.remark,
    )


def _own_list(conn: Connection, found: Gift, now: datetime) -> str:
    """Return the slug of the gift's own list, which is made for its first table."""
    slug = rules.list_slug(found.public_id)
    if offer_lists.by_slug(conn, slug) is None:
        offer_lists.add(
            conn,
            slug=slug,
            title=f"Direct gift: {found.title}",
            description="Records of a direct gift. Nobody is offered them: leave it a draft.",
            audience_id=membership.make_group(conn, of_list(slug), ()).id,  # of nobody
            opens_at=None,
            closes_at=None,
            zone="UTC",
            now=now,
        )
    return slug


def change_line(
    db: Database,
    name: str,
    position: int,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Gift:
    """Change copies, volumes or cost of a line of a draft; raises as ``add`` does."""
    values = rules.checked(given, rules.OF_LINE)
    if not values:
        raise WrongValues([("copies", f"say what to change: {', '.join(rules.OF_LINE)}")])
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        rules.check_cost(found, values.get("cost"))
        if not gifts.change_line(conn, found.id, position, values):
            raise NotFound(f"this gift has no line {position}")
        return _done(conn, found, f"line {position} changed", by, now)


def take_out(
    db: Database,
    name: str,
    positions: Collection[int],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Gift:
    """Take lines out of a draft; raise ``NotFound`` for one that is not in it."""
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        there = {line.position for line in gifts.lines(conn, found.id)}
        if gone := sorted(set(positions) - there):
            raise NotFound(f"this gift has no line {', '.join(map(str, gone))}")
        gifts.remove_lines(conn, found.id, positions)
        return _done(conn, found, "lines taken out", by, now)


def _filled(
    conn: Connection,
    found: Gift,
    new: Sequence[NewGiftLine],
    action: str,
    by: str,
    now: datetime,
    **values: Any,
) -> Gift:
    gifts.add_lines(conn, found.id, new)
    return _done(conn, found, action, by, now, **values)


def _done(
    conn: Connection, found: Gift, action: str, by: str, now: datetime, **values: Any
) -> Gift:
    gifts.put(conn, found, **values)
    made = gifts.by_id(conn, found.id)
    keep(conn, action, found, made, by, now)
    return made
