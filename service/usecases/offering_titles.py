"""Titles join a list of ours by hand: known records, an earlier import, what is left over.

A file brings its titles by an import (``committing``); here no file comes. Many titles are offered
in steps: a step that was done is not done again, so whoever was interrupted asks once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from service.domain.import_batch import OFFERING, BatchState
from service.domain.offer import GROWING, ListState, OfferList
from service.errors import Conflict, Invalid, NotFound
from service.store import (
    audit_log,
    counted_lists,
    imports,
    offer_lists,
    offers,
    public_ids,
    records_to_offer,
)
from service.store.db import Connection, Database
from service.usecases import changing_lists, ordering_matches

LEFT_IN: Final = (ListState.ALLOCATED, ListState.ARCHIVED)
"""States of lists of which copies may be left over."""

# Titles that are offered in one transaction.
_STEP: Final = 200


def offer_records(
    db: Database,
    slug: str,
    names: Sequence[str],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> int:
    """Offer records, by their public ids, on a list; return how many were not on it yet.

    Raises ``NotFound`` for a list or a record that there is not, ``Conflict`` for a list that takes
    no more titles, ``Outdated``.
    """
    wanted = list(dict.fromkeys(public_ids.read(name) or name for name in names))
    if not wanted:
        raise Invalid("choose at least one title", "records")
    with db.write() as conn:
        on = _growing(conn, slug, seen)
        known = records_to_offer.by_public_id(conn, wanted)
        if gone := [name for name in wanted if name not in known]:
            raise NotFound(f"there is no record {', '.join(gone[:5])}")
        fresh = _offer(conn, on, [known[name] for name in wanted], now)
        _log(conn, on, "records", len(fresh), by, now)
        return len(fresh)


def offer_import(db: Database, slug: str, batch: str, *, by: str, now: datetime) -> int:
    """Offer what a committed import brought on another list too; return how many were new to it.

    Raises ``NotFound``, and ``Conflict`` for an import that is not committed.
    """
    wanted = public_ids.read(batch)
    with db.read() as conn:
        found = None if wanted is None else imports.by_public_id(conn, wanted)
    if found is None:
        raise NotFound("there is no such import")
    if found.state is not BatchState.COMMITTED:
        raise Conflict(f"this import is {found.state}; its titles are offered once it is committed")
    after, new = 0, 0
    while True:
        with db.write() as conn:
            on = _growing(conn, slug)
            lines = imports.to_commit(conn, found.id, after, _STEP)
            if not lines:
                _log(conn, on, f"import {found.public_id}", new, by, now)
                return new
            after = lines[-1].position
            ids = [each.record_id for each in lines if each.action in OFFERING and each.record_id]
            new += len(_offer(conn, on, ids, now))


def offer_leftovers(db: Database, slug: str, of: str, *, by: str, now: datetime) -> int:
    """Offer the copies that a list has left on another list; return how many titles were new to it.

    They come with their volumes, their condition, and the places to which they may not go. Raises
    ``NotFound``, and ``Conflict`` for a list that is not allocated.
    """
    after, new = 0, 0
    while True:
        with db.write() as conn:
            on = _growing(conn, slug)
            of_list = _left(conn, of)
            some = counted_lists.leftovers(conn, of_list.id, after, _STEP)
            if not some:
                _log(conn, on, f"list {of}", new, by, now)
                return new
            after = some[-1].offer_id
            fresh = set(_offer(conn, on, [each.record_id for each in some], now))
            counted_lists.take_terms(conn, on.id, [e for e in some if e.record_id in fresh])
            new += len(fresh)


def lists_with_leftovers(db: Database) -> list[tuple[str, str, int]]:
    """Return (slug, title, titles left) of lists that have copies left over, newest first."""
    with db.read() as conn:
        return counted_lists.with_leftovers(conn, LEFT_IN)


def _growing(conn: Connection, slug: str, seen: int | None = None) -> OfferList:
    on = changing_lists.held(conn, slug, seen)
    if on.state not in GROWING:
        raise Conflict(f"list {slug!r} is {on.state} and takes no more titles")
    return on


def _left(conn: Connection, slug: str) -> OfferList:
    found = offer_lists.by_slug(conn, slug)
    if found is None or not found.ours:
        raise NotFound(f"there is no offer list named {slug!r}")
    if found.state not in LEFT_IN:
        raise Conflict(f"list {slug!r} is {found.state}: what is left over is known once allocated")
    return found


def _offer(conn: Connection, on: OfferList, record_ids: Sequence[int], now: datetime) -> list[int]:
    """Offer records on a list and tell the feed and who waits; return those that are new to it."""
    fresh = offers.add_offers(conn, on.id, record_ids, now)
    if fresh:
        ordering_matches.order_for_records(conn, fresh, now)
        offers.mark_records(conn, fresh)
    return fresh


def _log(conn: Connection, on: OfferList, what: str, new: int, by: str, now: datetime) -> None:
    audit_log.write(
        conn,
        by=by,
        action="added titles to",
        kind=changing_lists.KIND,
        name=on.slug,
        now=now,
        after={"from": what, "titles": new},
    )
