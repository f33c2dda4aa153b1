"""What a wish may mean: offers by their names and by the keys of the version that they show.

Offers are looked for on lists that are given; which lists these are is what a partner may know of.
Each comes with all the keys by which a wish is compared with it (``offer_keys``), if they are made
already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from marc_mappings.match_keys import Key
from service.domain.match_rule import MOST
from service.domain.offer import ListState, OfferState
from service.domain.offer_key import unpacked
from service.store import bulk, offer_keys, offer_lists, tiers
from service.store.tables import (
    match_key,
    offer,
    offer_list,
    record,
    record_version,
)

_VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)
_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)


class Candidate(NamedTuple):
    """An offer that a wish may mean, with what decides about it."""

    offer_id: int
    public_id: str
    title: str
    offer_state: OfferState
    list_state: ListState
    closes_at: datetime | None
    list_slug: str
    list_id: int
    version_id: int
    keys: tuple[Key, ...] = ()


class ListFacts(NamedTuple):
    """What decides about the offers of a list."""

    slug: str
    state: ListState
    closes_at: datetime | None


_LISTS = sa.select(
    offer_list.c.id, offer_list.c.slug, offer_list.c.state, offer_list.c.closes_at
).where(offer_lists.ANNOUNCED)


def lists_shown_to(conn: Connection, audiences: Collection[int]) -> dict[int, ListFacts]:
    """Return the lists that these audiences know of, those that are over among them."""
    return _lists(conn, _LISTS.where(tiers.shown_to(audiences)))


def open_lists(conn: Connection) -> dict[int, ListFacts]:
    """Return all lists of ours that take wishes."""
    query = _LISTS.where(
        offer_list.c.state == ListState.OPEN.value, offer_list.c.offered_by.is_(None)
    )
    return _lists(conn, query)


def _lists(conn: Connection, query: sa.Select[Any]) -> dict[int, ListFacts]:
    return {
        row.id: ListFacts(row.slug, ListState(row.state), row.closes_at)
        for row in conn.execute(query)
    }


_COLUMNS = (
    offer.c.id,
    offer.c.public_id,
    record_version.c.title,
    offer.c.state,
    offer.c.list_id,
    record_version.c.id,
    sa.case((offer.c.matched_version_id == record_version.c.id, offer.c.matched_keys)),
)
_SHOWN = offer.join(record, record.c.id == offer.c.record_id).join(
    record_version, record_version.c.id == _VERSION
)


def by_public_id(
    conn: Connection, lists: Mapping[int, ListFacts], public_ids: Collection[str]
) -> dict[str, Candidate]:
    """Return the offers with these public ids on these lists."""
    found = bulk.select_in(conn, _BY_PUBLIC_ID, sorted(public_ids))
    return {row[1]: _candidate(row, lists) for row in found if row[4] in lists}


_BY_PUBLIC_ID = sa.select(*_COLUMNS).select_from(_SHOWN).where(offer.c.public_id.in_(_VALUES))


def by_key(
    conn: Connection,
    lists: Mapping[int, ListFacts],
    keys: Iterable[Key],
    *,
    of_each_list: bool = False,
) -> dict[Key, list[Candidate]]:
    """Return offers on these lists whose shown version has one of these keys, by key.

    Of each key at most ``MOST`` + 1, those on open lists first; with ``of_each_list`` as many of
    each list.
    """
    found: dict[Key, list[Candidate]] = {}
    if not lists:
        return found
    open_ = frozenset(i for i, facts in lists.items() if facts.state is ListState.OPEN)
    statement = _by_key(open_, frozenset(lists) - open_, of_each_list)
    known: dict[int, Candidate] = {}
    for kind, values in offer_keys.by_kind(keys):
        for value, *row in bulk.select_in(conn, statement, values, {"kind": kind}):
            candidate = known.get(row[0]) or known.setdefault(row[0], _candidate(row, lists))
            found.setdefault(Key(kind, value), []).append(candidate)
    return found


@lru_cache(maxsize=32)
def _by_key(open_: frozenset[int], over: frozenset[int], of_each_list: bool) -> sa.Select[Any]:
    """Return the statement for lists; the same object for the same ones, as ``bulk`` needs it."""
    # Numbers as they are: an expanding parameter would be a second one.
    lists: list[Any] = [sa.literal_column(str(i)) for i in (*sorted(open_), *sorted(over))]
    is_open = sa.case((offer.c.list_id.in_(lists[: len(open_) or 1]), 0), else_=1)
    apart = [match_key.c.value, *([offer.c.list_id] if of_each_list else [])]
    place = sa.func.row_number().over(partition_by=apart, order_by=[is_open, offer.c.id])
    shown = record_version.alias("shown")
    found = (
        sa.select(match_key.c.value, offer.c.id.label("offer_id"), place.label("place"))
        .select_from(
            match_key.join(shown, shown.c.id == match_key.c.version_id)
            .join(offer, offer.c.record_id == shown.c.record_id)
            .join(record, record.c.id == offer.c.record_id)
        )
        .where(
            match_key.c.kind == sa.bindparam("kind", type_=sa.Text),
            match_key.c.value.in_(_VALUES),
            offer.c.list_id.in_(lists),
            match_key.c.version_id == _VERSION,
        )
        .subquery("found")
    )
    return (
        sa.select(found.c.value, *_COLUMNS)
        .select_from(_SHOWN.join(found, found.c.offer_id == offer.c.id))
        .where(found.c.place <= sa.literal_column(str(MOST + 1)))
        .order_by(found.c.value, found.c.place)
    )


def _candidate(row: Sequence[Any], lists: Mapping[int, ListFacts]) -> Candidate:
    offer_id, public_id, title, state, list_id, version_id, keys = row
    facts = lists[list_id]
    return Candidate(
        offer_id,
        public_id,
        title,
        OfferState(state),
        facts.state,
        facts.closes_at,
        facts.slug,
        list_id,
        version_id,
        unpacked(keys) if keys else (),
    )
