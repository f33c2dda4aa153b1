"""Wishes that got nothing at an allocation: read with what they asked for, and left waiting.

One that named an offer and said nothing else asked for what the offer showed.

Whoever lets them wait holds their run, their partners and ``wish_keys.hold``: so no other wish of a
partner comes to stand for the same meanwhile, and no matching misses their keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from marc_mappings.match_keys import Key
from service.domain import lookup_key
from service.domain.allocation import AllocationState
from service.domain.match_rule import COMPARED
from service.domain.offer_key import unpacked
from service.domain.wish import MATCHED_OUTCOMES, Outcome, Wanted, WishLine, WishState
from service.store import bulk, wish_keys
from service.store.allocations import VERSION
from service.store.tables import allocation, match_key, offer, record, record_version, wish

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_OUTCOMES: Final = [outcome.value for outcome in sorted(MATCHED_OUTCOMES)]


class Missed(NamedTuple):
    """A wish that got nothing: the number of the decision, where it stands, what it asks for.

    ``named``: what it asks for is what the offer showed, and is not kept with the wish.
    """

    position: int
    list_id: int
    partner_id: int
    line: WishLine
    named: bool = False


_MISSED: Final = (
    allocation.c.run_id == sa.bindparam("run"),
    allocation.c.state == AllocationState.NOT_ALLOCATED.value,
    wish.c.offer_id == allocation.c.offer_id,
    wish.c.state == WishState.NOT_ALLOCATED.value,
    wish.c.outcome.in_(_OUTCOMES),
)
_OF_IT: Final = (wish.c.wish_list_id == allocation.c.wish_list_id) & (
    wish.c.line_no == allocation.c.line_no
)
_AHEAD: Final = (
    sa.select(allocation.c.position)
    .join(wish, _OF_IT)
    .where(*_MISSED, allocation.c.position > sa.bindparam("after"))
    .order_by(allocation.c.position)
    .limit(sa.bindparam("limit"))
)
_BETWEEN: Final = (
    sa.select(
        allocation.c.position,
        wish.c.wish_list_id,
        wish.c.partner_id,
        wish.c.line_no,
        wish.c.line,
        wish.c.offer_id,
        wish.c.wanted,
    )
    .join(wish, _OF_IT)
    .where(*_MISSED, allocation.c.position.between(sa.bindparam("first"), sa.bindparam("last")))
    .order_by(allocation.c.position)
)


def ahead(conn: Connection, run_id: int, after: int, limit: int) -> list[int]:
    """Return the next wishes that a run decided on and that got nothing.

    They are told by the numbers of their decisions, behind the number ``after``. Left out are those
    that their partner ended. To find them may take long where there are few.
    """
    given = {"run": run_id, "after": after, "limit": limit}
    return list(conn.execute(_AHEAD, given).scalars())


def between(conn: Connection, run_id: int, first: int, last: int) -> list[Missed]:
    """Return these wishes, from the number of one decision to that of another.

    Without those of which nothing is known by which another offer could be found.
    """
    rows = conn.execute(_BETWEEN, {"run": run_id, "first": first, "last": last}).all()
    shown = _shown(conn, {row.offer_id for row in rows if row.wanted is None})
    found: list[Missed] = []
    for row in rows:
        if row.wanted is None:
            like = shown.get(row.offer_id)
            line = like and WishLine(row.line_no, row.line, keys=like.keys, wanted=like.wanted)
        else:
            line = wish_keys.line_of(row.line_no, row.line, row.wanted)
        if line and lookup_key.waiting_keys(line.keys):
            found.append(Missed(*row[:3], line, row.wanted is None))
    return found


_SHOWN: Final = (
    sa.select(
        offer.c.id,
        VERSION,
        record_version.c.title,
        record_version.c.title_vernacular,
        record_version.c.author,
        sa.case((offer.c.matched_version_id == record_version.c.id, offer.c.matched_keys)),
    )
    .join(record, record.c.id == offer.c.record_id)
    .join(record_version, record_version.c.id == VERSION)
    .where(offer.c.id.in_(_VALUES))
)
_KEYS: Final = sa.select(match_key.c.version_id, match_key.c.kind, match_key.c.value).where(
    match_key.c.version_id.in_(_VALUES)
)


def _shown(conn: Connection, offer_ids: Collection[int]) -> dict[int, WishLine]:
    """Return what these offers show, as a line that asks for it, by the offer.

    By all the keys that a wish was compared with; where a record changed since, or its list opened
    to others, by those under which it is looked up.
    """
    rows = bulk.select_in(conn, _SHOWN, sorted(offer_ids))
    looked_up: defaultdict[int, list[Key]] = defaultdict(list)
    bare = sorted({row[1] for row in rows if not row[5]})
    for version_id, kind, value in bulk.select_in(conn, _KEYS, bare):
        if kind in COMPARED:
            looked_up[version_id].append(Key(kind, value))
    found: dict[int, WishLine] = {}
    for offer_id, version_id, title, vernacular, author, packed in rows:
        if keys := unpacked(packed) if packed else tuple(sorted(looked_up[version_id])):
            words = Wanted(vernacular or title, author)
            found[offer_id] = WishLine(0, "", keys=keys, wanted=words if words.title else None)
    return found


def standing(
    conn: Connection, partner_ids: Collection[int], targets: Collection[str]
) -> set[tuple[int, str]]:
    """Return which of these targets these partners have open wishes for: (partner, target)."""
    rows = conn.execute(
        sa.select(wish.c.partner_id, wish.c.target).where(
            wish.c.partner_id.in_(partner_ids),
            wish.c.target.in_(targets),
            # As a literal: only so does SQLite see that the partial index serves.
            wish.c.state == sa.literal_column("'OPEN'"),
        )
    )
    return {(row.partner_id, row.target) for row in rows}


_WAIT: Final = (
    wish.update()
    .where(
        wish.c.wish_list_id == sa.bindparam("of_list"),
        wish.c.line_no == sa.bindparam("of_line"),
        wish.c.partner_id == sa.bindparam("of_partner"),
        wish.c.state == WishState.NOT_ALLOCATED.value,
    )
    .values(
        state=WishState.OPEN.value,
        outcome=Outcome.WAITING.value,
        target=sa.bindparam("new_target"),
        reason=wish.c.reason + sa.bindparam("said", type_=sa.Text),
    )
)


_WAIT_FOR_NAMED: Final = _WAIT.values(wanted=sa.bindparam("new_wanted", type_=wish.c.wanted.type))


def let_wait(conn: Connection, missed: Sequence[Missed], said: str) -> None:
    """Let wishes wait for the next offer, to be found by their keys; ``said`` ends their reason.

    Each keeps the offer that it missed, in whose line it stays.
    """
    own = [_row(each, said) for each in missed if not each.named]
    # Wishes that named the same offer ask for the same: it is written down once.
    wanted: dict[tuple[Any, ...], dict[str, Any] | None] = {}
    named = []
    for each in missed:
        if each.named:
            asks = (each.line.keys, each.line.wanted)
            if asks not in wanted:
                wanted[asks] = wish_keys.kept(each.line)
            named.append((*_row(each, said), wanted[asks]))
    bulk.run(conn, _WAIT, _NAMES, own)
    bulk.run(conn, _WAIT_FOR_NAMED, (*_NAMES, "new_wanted"), named)
    wish_keys.add(
        conn,
        [
            (key, each.list_id, each.line.line_no)
            for each in missed
            for key in lookup_key.waiting_keys(each.line.keys)
        ],
    )


_NAMES: Final = ("of_list", "of_line", "of_partner", "new_target", "said")


def _row(missed: Missed, said: str) -> tuple[Any, ...]:
    """Return the values of ``_NAMES`` for a wish."""
    target = lookup_key.waiting_target(missed.line)
    return missed.list_id, missed.line.line_no, missed.partner_id, target, f" {said}"
