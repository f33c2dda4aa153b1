"""Selections of partners' lists: their titles, whether we hold them, and what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.holding import KINDS
from service.domain.offer import OfferState
from service.domain.own_wish import OwnWishState
from service.domain.selection import Query, Selection, SelectionState, Title, read_query
from service.errors import Conflict
from service.store import bulk, public_ids
from service.store.tables import (
    holding,
    match_key,
    offer,
    offer_list,
    own_wish,
    partner,
    record,
    record_version,
    selection,
    selection_choice,
)

_HELD: Final = sa.exists().where(
    match_key.c.version_id == record.c.current_version_id,
    match_key.c.kind.in_(KINDS),
    holding.c.kind == match_key.c.kind,
    holding.c.value == match_key.c.value,
)
_TITLES: Final = (
    offer.join(record, record.c.id == offer.c.record_id)
    .join(record_version, record_version.c.id == record.c.current_version_id)
    .outerjoin(own_wish, own_wish.c.offer_id == offer.c.id)
)
_SELECTION: Final = sa.select(
    selection, offer_list.c.slug, partner.c.code, offer_list.c.offered_by
).select_from(
    selection.join(offer_list, offer_list.c.id == selection.c.list_id).join(
        partner, partner.c.id == offer_list.c.offered_by
    )
)


# --- selections -----------------------------------------------------------------------------------


def add(
    conn: Connection,
    list_id: int,
    selector: str,
    query: Query,
    *,
    due_on: Any,
    note: str,
    now: datetime,
) -> int:
    """Enter a selection; return its row."""
    made = conn.execute(
        selection.insert()
        .values(
            public_id=public_ids.new(),
            list_id=list_id,
            selector=selector,
            query=query._asdict(),
            state=SelectionState.OPEN.value,
            due_on=due_on,
            note=note,
            created_at=now,
        )
        .returning(selection.c.id)
    )
    return int(made.scalar_one())


def by_public_id(conn: Connection, public_id: str) -> Selection | None:
    """Return a selection, or None."""
    row = conn.execute(_SELECTION.where(selection.c.public_id == public_id)).first()
    return None if row is None else _selection(conn, row)


def by_id(conn: Connection, selection_id: int) -> Selection:
    """Return the selection of this row."""
    row = conn.execute(_SELECTION.where(selection.c.id == selection_id)).one()
    return _selection(conn, row)


def lock(conn: Connection, selection_id: int) -> Selection:
    """Return a selection that nobody else changes until the transaction ends."""
    row = selection.c.id
    conn.execute(sa.select(row).where(row == selection_id).with_for_update()).one()
    return by_id(conn, selection_id)


def listed(
    conn: Connection,
    *,
    list_id: int | None = None,
    states: Sequence[SelectionState],
    before: str = "",
    limit: int | None = None,
) -> list[Selection]:
    """Return selections in these states, newest first, older than the public id ``before``."""
    query = _SELECTION.where(selection.c.state.in_(sorted(each.value for each in states)))
    if list_id is not None:
        query = query.where(selection.c.list_id == list_id)
    if before:
        query = query.where(selection.c.public_id < before)
    rows = conn.execute(query.order_by(selection.c.public_id.desc()).limit(limit)).all()
    return [_selection(conn, row) for row in rows]


def _selection(conn: Connection, row: Any) -> Selection:
    query = read_query(row.query)
    titles, held = conn.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((_HELD, 1), else_=0)), 0))
        .select_from(_TITLES)
        .where(*_of(row.list_id, query))
    ).one()
    wanted = selection_choice.c.wanted
    said = {
        bool(yes): count
        for yes, count in conn.execute(
            sa.select(wanted, sa.func.count())
            .where(selection_choice.c.selection_id == row.id)
            .group_by(wanted)
        )
    }
    return Selection(
        id=row.id,
        public_id=row.public_id,
        list_id=row.list_id,
        list_slug=row.slug,
        partner=row.code,
        selector=row.selector,
        query=query,
        state=SelectionState(row.state),
        due_on=row.due_on,
        note=row.note,
        created_at=row.created_at,
        closed_at=row.closed_at,
        revision=row.revision,
        titles=int(titles),
        held=int(held),
        chosen=said.get(True, 0),
        passed_over=said.get(False, 0),
    )


def put(conn: Connection, found: Selection, **values: Any) -> Selection:
    """Write columns of a selection that is still as it was ``found``; raise ``Conflict``."""
    done = conn.execute(
        selection.update()
        .where(
            selection.c.id == found.id,
            selection.c.state == found.state.value,
            selection.c.revision == found.revision,
        )
        .values(revision=found.revision + 1, **values)
    )
    if done.rowcount != 1:
        raise Conflict("somebody else changed this selection at the same moment; look again")
    return by_id(conn, found.id)


# --- their titles ---------------------------------------------------------------------------------


def _of(list_id: int, query: Query) -> list[sa.ColumnElement[bool]]:
    """Return what a title of a list must be to belong to a selection."""
    found = [offer.c.list_id == list_id, offer.c.state == OfferState.OFFERED.value]
    if query.languages:
        spaced = sa.literal(" ").concat(record_version.c.languages).concat(" ")
        found.append(sa.or_(*(spaced.like(f"% {each} %") for each in query.languages)))
    if query.places:
        found.append(record_version.c.place.in_(query.places))
    if query.not_held:
        found.append(~_HELD)
    return found


def titles(
    conn: Connection,
    found: Selection,
    after: str = "",
    limit: int | None = None,
    *,
    wanted: bool | None = None,
) -> list[Title]:
    """Return titles of a selection by the public ids of their offers, behind ``after``.

    ``wanted``: only those that were chosen, or passed over; None for all.
    """
    choice = selection_choice.c
    query = (
        sa.select(
            offer.c.public_id,
            sa.case(
                (record_version.c.title_vernacular != "", record_version.c.title_vernacular),
                else_=record_version.c.title,
            ),
            record_version.c.author,
            record_version.c.published,
            record_version.c.languages,
            record_version.c.isbns,
            offer.c.copies,
            _HELD.label("held"),
            sa.func.coalesce(own_wish.c.state, ""),
            choice.wanted,
            sa.func.coalesce(choice.quantity, 1),
            sa.func.coalesce(choice.reason, ""),
        )
        .select_from(
            _TITLES.outerjoin(
                selection_choice,
                (choice.offer_id == offer.c.id) & (choice.selection_id == found.id),
            )
        )
        .where(*_of(found.list_id, found.query), offer.c.public_id > after)
        .order_by(offer.c.public_id)
        .limit(limit)
    )
    if wanted is not None:
        query = query.where(choice.wanted.is_(wanted))
    rows = conn.execute(query)
    return [
        Title._make(
            (*row[:7], bool(row[7]), row[8], None if row[9] is None else bool(row[9]), *row[10:])
        )
        for row in rows
    ]


_IDS = sa.select(offer.c.public_id, offer.c.id).where(
    offer.c.public_id.in_(sa.bindparam("values", expanding=True)),
    offer.c.list_id == sa.bindparam("list"),
)


def offers_of(conn: Connection, list_id: int, names: Sequence[str]) -> dict[str, int]:
    """Return the offers of a list that have these public ids."""
    return dict(bulk.select_in(conn, _IDS, names, {"list": list_id}))


_CHOICE = ("selection_id", "offer_id", "wanted", "quantity", "reason", "chosen_at")


def choose(
    conn: Connection,
    selection_id: int,
    offer_ids: Sequence[int],
    *,
    wanted: bool,
    quantity: int,
    reason: str,
    now: datetime,
) -> None:
    """Say of offers that they are wanted or not; what was said before gives way."""
    rows = [(selection_id, each, wanted, quantity, reason, now) for each in offer_ids]
    keys = ("selection_id", "offer_id")
    bulk.insert(conn, selection_choice, _CHOICE, rows, update=keys)


class Chosen(NamedTuple):
    """A title that is wanted: the offer's public id, copies, why, and where our wish stands."""

    offer: str
    quantity: int
    reason: str
    wish: str
    is_offered: bool


def chosen(conn: Connection, selection_id: int) -> list[Chosen]:
    """Return what was chosen, in the order of the offers; a wish that was withdrawn is none."""
    withdrawn = own_wish.c.state == OwnWishState.WITHDRAWN.value
    rows = conn.execute(
        sa.select(
            offer.c.public_id,
            selection_choice.c.quantity,
            selection_choice.c.reason,
            sa.case((withdrawn, ""), else_=sa.func.coalesce(own_wish.c.state, "")),
            offer.c.state == OfferState.OFFERED.value,
        )
        .select_from(
            selection_choice.join(offer, offer.c.id == selection_choice.c.offer_id).outerjoin(
                own_wish, own_wish.c.offer_id == offer.c.id
            )
        )
        .where(selection_choice.c.selection_id == selection_id, selection_choice.c.wanted)
        .order_by(offer.c.public_id)
    )
    return [Chosen._make((*row[:4], bool(row[4]))) for row in rows]
