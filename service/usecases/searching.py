"""Finding titles by words: what is on offer, for whom it is shown to; all records, for the staff.

There is no number of all that is found: counting takes as long as reading to the end, and would
tell of what is not shown. A page follows another by the id of its last row. The order is that of
the versions found, newest first: a title that is changed while somebody reads page after page moves
to the front and is not on the pages to come.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Generic, NamedTuple, TypeVar

from service.domain import search_query
from service.domain.offer import Offer
from service.domain.search_query import Remark
from service.store import found_offers, found_records, public_ids, shown_offers
from service.store.db import Database
from service.store.found_records import FoundRecord

__all__ = ["Found", "FoundRecord", "offers", "records"]

_Row = TypeVar("_Row")


class Found(NamedTuple, Generic[_Row]):
    """A page of what was found, whether more follows, and what was not done as it was typed."""

    rows: list[_Row]
    more: bool
    remarks: tuple[Remark, ...]


def offers(
    db: Database,
    audiences: Collection[int] | None,
    query: str,
    *,
    slug: str = "",
    after: str = "",
    limit: int = 50,
) -> Found[Offer]:
    """Return titles on offer with every word of ``query``, on one list or all, newest first.

    Without a query all titles, by public id. ``audiences`` bounds them to what these may see; None
    sees the titles of every audience. ``after``: the public id of the last title of a page before.
    """
    asked = search_query.read(query)
    if asked.typed and not asked.parts:
        return Found([], False, asked.remarks)
    with db.read() as conn:
        if asked.parts:
            rows = found_offers.found(
                conn, audiences, asked.parts, slug=slug, after=after, limit=limit + 1
            )
        else:
            rows = shown_offers.browse(conn, audiences, slug=slug, after=after, limit=limit + 1)
    return Found(rows[:limit], len(rows) > limit, asked.remarks)


def records(db: Database, query: str, after: str = "", limit: int = 50) -> Found[FoundRecord]:
    """Return records with every word of ``query``, newest first, for the staff alone.

    Without a query all records. ``after``: the public id of the last record of the page before.
    """
    asked = search_query.read(query)
    known = public_ids.read(after) if after else ""
    if (asked.typed and not asked.parts) or known is None:
        return Found([], False, asked.remarks)
    with db.read() as conn:
        rows = found_records.found(conn, asked.parts, after=known, limit=limit + 1)
    return Found(rows[:limit], len(rows) > limit, asked.remarks)
