"""The wishes in wish lists: kept as answered, open, replaced, taken back.

A partner has one open wish for a thing. The wishes of a long list that replaces another are
*pending* while it is answered, and nobody counts them; ``settle`` ends the earlier wishes and lets
these stand, all at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from marc_mappings.match_keys import Key
from service.domain.offer import ListState, OfferState
from service.domain.wish import (
    AnsweredLine,
    Mode,
    Outcome,
    WishAction,
    WishListState,
    WishState,
    before,
)
from service.store import bulk, wish_keys
from service.store.tables import offer, offer_list, wish, wish_list
from service.store.wish_lists import Received

# As literals: only so do SQLite and a prepared statement see that a partial index serves.
_OPEN: sa.ColumnElement[str] = sa.literal_column("'OPEN'")
_PENDING: sa.ColumnElement[str] = sa.literal_column("'PENDING'")


class OpenWish(NamedTuple):
    """An open wish of a partner: where it stands and since when."""

    wish_list: str
    line_no: int
    wished_at: datetime
    outcome: Outcome = Outcome.REGISTERED
    confirmed: bool = False  # by the line at hand


class NewWish(NamedTuple):
    """One answered line to be kept; ``target`` is empty unless the wish stays open.

    ``wanted``: what it asks for, None where it names an offer; ``keys``: those by which later
    offers find it, while it waits.
    """

    line: AnsweredLine
    offer_id: int | None
    target: str
    wished_at: datetime
    wanted: Mapping[str, Any] | None = None
    keys: tuple[Key, ...] = ()


_COLUMNS = (
    "wish_list_id",
    "line_no",
    "partner_id",
    "line",
    "outcome",
    "reason",
    "offer_id",
    "quantity",
    "note",
    "target",
    "state",
    "wished_at",
    "score",
    "wanted",
)


def add(conn: Connection, list_id: int, partner_id: int, wishes: Sequence[NewWish]) -> None:
    """Keep answered lines of a wish list."""
    bulk.insert(
        conn,
        wish,
        _COLUMNS,
        [
            (
                list_id,
                new.line.line_no,
                partner_id,
                new.line.line,
                new.line.outcome.value,
                new.line.reason,
                new.offer_id,
                new.line.quantity,
                new.line.note,
                new.target,
                new.line.state.value,
                new.wished_at,
                new.line.score,
                new.wanted,
            )
            for new in wishes
        ],
    )
    wish_keys.add(conn, [(key, list_id, new.line.line_no) for new in wishes for key in new.keys])


def open_wishes(
    conn: Connection, partner_id: int, targets: Collection[str], besides: Received | None = None
) -> dict[str, OpenWish]:
    """Return the partner's open wishes for these targets.

    ``besides``: without those on lists under the key of this one, of which only one will stand.
    """
    query = (
        sa.select(
            wish.c.target,
            wish_list.c.public_id,
            wish.c.line_no,
            wish.c.wished_at,
            wish.c.outcome,
        )
        .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
        .where(
            wish.c.partner_id == partner_id,
            wish.c.state == _OPEN,
            wish.c.target.in_(targets),
        )
    )
    if besides is not None:
        query = query.where(sa.not_(_is_under_key_of(besides)))
    rows = conn.execute(query)
    return {row.target: OpenWish(*row[1:4], Outcome(row.outcome)) for row in rows}


def pending(conn: Connection, list_id: int, targets: Collection[str]) -> dict[str, int]:
    """Return the numbers of the lines of a list that will ask for these targets."""
    rows = conn.execute(
        sa.select(wish.c.target, wish.c.line_no).where(
            wish.c.wish_list_id == list_id, wish.c.state == _PENDING, wish.c.target.in_(targets)
        )
    )
    return {row.target: row.line_no for row in rows}


def bring_forward(
    conn: Connection, partner_id: int, targets: Collection[str], moment: datetime
) -> None:
    """Let the partner's open wishes for these targets be as old as ``moment``, if they are not."""
    if targets:
        conn.execute(
            wish.update()
            .where(
                wish.c.partner_id == partner_id,
                wish.c.state == _OPEN,
                wish.c.target.in_(targets),
                wish.c.wished_at > moment,
            )
            .values(wished_at=moment)
        )


def take_over(
    conn: Connection, partner_id: int, targets: Collection[str], before: int | None
) -> dict[str, datetime]:
    """End open wishes that a list still being answered will end, for a later one that repeats them.

    Otherwise that one's wishes would be duplicates of wishes that are about to go. ``before`` is
    the row of the later list, None where it has none yet. Returns the targets and since when they
    were asked for.
    """
    replacing = wish_list.alias()
    doomed = (
        sa.select(wish_list.c.id)
        .join(
            replacing,
            (replacing.c.partner_id == wish_list.c.partner_id)
            & (replacing.c.channel == wish_list.c.channel)
            & (replacing.c.list_key == wish_list.c.list_key)
            & (replacing.c.id > wish_list.c.id),
        )
        .where(
            wish_list.c.partner_id == partner_id,
            replacing.c.mode == Mode.REPLACE.value,
            # A list that failed may be taken up again.
            replacing.c.state != WishListState.ANSWERED.value,
        )
    )
    if before is not None:
        doomed = doomed.where(replacing.c.id < before)
    rows = conn.execute(
        wish.update()
        .where(
            wish.c.partner_id == partner_id,
            wish.c.state == _OPEN,
            wish.c.target.in_(targets),
            wish.c.wish_list_id.in_(doomed),
        )
        .values(state=WishState.REPLACED.value)
        .returning(wish.c.target, wish.c.wished_at)
    )
    return dict(rows.all())


def replace_open(
    conn: Connection, partner_id: int, channel: str, list_key: str
) -> dict[str, datetime]:
    """End the open wishes sent before under this key; return their targets and since when."""
    earlier = sa.select(wish_list.c.id).where(
        wish_list.c.partner_id == partner_id,
        wish_list.c.channel == channel,
        wish_list.c.list_key == list_key,
    )
    rows = conn.execute(
        wish.update()
        .where(wish.c.wish_list_id.in_(earlier), wish.c.state == WishState.OPEN.value)
        .values(state=WishState.REPLACED.value)
        .returning(wish.c.target, wish.c.wished_at)
    )
    return dict(rows.all())


def hold(conn: Connection, partner_id: int, public_id: str, line_no: int) -> WishState | None:
    """Return the state of one wish of a partner, or None; nobody else changes it meanwhile."""
    state = conn.execute(
        sa.select(wish.c.state)
        .where(_is_line(partner_id, public_id, line_no))
        .with_for_update(of=wish)
    ).scalar()
    return None if state is None else WishState(state)


def withdraw(conn: Connection, partner_id: int, public_id: str, line_no: int) -> bool:
    """Withdraw one wish of a partner that is open or will be; return whether there was one."""
    done = conn.execute(
        wish.update()
        .where(
            _is_line(partner_id, public_id, line_no),
            wish.c.state.in_(before(WishAction.WITHDRAW)),
        )
        .values(state=WishState.WITHDRAWN.value)
    )
    return done.rowcount == 1


def _is_line(partner_id: int, public_id: str, line_no: int) -> sa.ColumnElement[bool]:
    mine = sa.select(wish_list.c.id).where(
        wish_list.c.public_id == public_id, wish_list.c.partner_id == partner_id
    )
    return sa.and_(wish.c.wish_list_id.in_(mine), wish.c.line_no == line_no)


# --- a long list takes the place of another -----------------------------------------------------


def settle(conn: Connection, given: Received, *, superseded: bool) -> int:
    """Let the pending wishes of a list stand, in the place of those that it replaces.

    Returns how many earlier wishes it did not repeat. A wish that it repeats keeps its place in
    time; one that stands on another list by now is a duplicate of that; one whose offer is gone
    meanwhile is closed. When a later list has replaced this one already (``superseded``), nothing
    of it stands, and what that one repeats keeps this one's place.
    """
    _close_gone(conn, given.id)
    _hand_on_turns(conn, given, only_its_key=superseded)
    if superseded:
        _set_pending(conn, given.id, WishState.REPLACED)
        return 0
    repeated = _take_turns(conn, given)
    ended = _end_earlier(conn, given)
    _mark_duplicates(conn, given)
    _set_pending(conn, given.id, WishState.OPEN)
    return ended - repeated


def _is_under_key_of(given: Received) -> sa.ColumnElement[bool]:
    return sa.and_(
        wish_list.c.partner_id == given.partner_id,
        wish_list.c.channel == given.channel,
        wish_list.c.list_key == given.list_key,
    )


def _is_earlier(given: Received) -> sa.ColumnElement[bool]:
    """Whether a row of ``wish_list`` came before this one under its key."""
    return sa.and_(_is_under_key_of(given), wish_list.c.id < given.id)


def _pending_of(list_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(wish.c.wish_list_id == list_id, wish.c.state == _PENDING)


def _close_gone(conn: Connection, list_id: int) -> None:
    takes_wishes = (
        sa.select(offer.c.id)
        .join(offer_list, offer_list.c.id == offer.c.list_id)
        .where(
            offer.c.id == wish.c.offer_id,
            offer.c.state == OfferState.OFFERED.value,
            offer_list.c.state == ListState.OPEN.value,
        )
    )
    conn.execute(
        wish.update()
        .where(_pending_of(list_id), wish.c.offer_id.is_not(None), ~takes_wishes.exists())
        .values(
            outcome=Outcome.CLOSED.value,
            reason="This offer, or its list, was closed while your wish list was being answered.",
            state=WishState.ANSWERED.value,
            target="",
        )
    )


def _take_turns(conn: Connection, given: Received) -> int:
    """Give pending wishes the moment of the earlier wish that they repeat; return how many do."""
    earlier = wish.alias()
    turn = (
        sa.select(earlier.c.wished_at)
        .join(wish_list, wish_list.c.id == earlier.c.wish_list_id)
        .where(
            earlier.c.partner_id == given.partner_id,
            earlier.c.target == wish.c.target,
            earlier.c.state == _OPEN,
            _is_earlier(given),
        )
        .correlate(wish)
    )
    done = conn.execute(
        wish.update()
        .where(_pending_of(given.id), turn.exists())
        .values(wished_at=turn.scalar_subquery())
    )
    return done.rowcount


def _hand_on_turns(conn: Connection, given: Received, *, only_its_key: bool) -> None:
    """Give what later lists repeat this list's place in time."""
    ours = wish.alias()
    turn = (
        sa.select(ours.c.wished_at)
        .where(
            ours.c.wish_list_id == given.id,
            ours.c.state == _PENDING,
            ours.c.target == wish.c.target,
            ours.c.wished_at < wish.c.wished_at,
        )
        .correlate(wish)
    )
    later = wish.c.wish_list_id > given.id
    if only_its_key:
        of_key = sa.select(wish_list.c.id).where(_is_under_key_of(given))
        later = sa.and_(later, wish.c.wish_list_id.in_(of_key))
    conn.execute(
        wish.update()
        .where(wish.c.partner_id == given.partner_id, wish.c.state == _OPEN, later, turn.exists())
        .values(wished_at=turn.scalar_subquery())
    )


def _end_earlier(conn: Connection, given: Received) -> int:
    """End the open wishes of the lists that this one replaces; return how many there were."""
    earlier = sa.select(wish_list.c.id).where(_is_earlier(given))
    done = conn.execute(
        wish.update()
        .where(
            wish.c.partner_id == given.partner_id,
            wish.c.wish_list_id.in_(earlier),
            wish.c.state == _OPEN,
        )
        .values(state=WishState.REPLACED.value)
    )
    return done.rowcount


def _mark_duplicates(conn: Connection, given: Received) -> None:
    """Answer pending wishes that were asked for elsewhere while this list was being answered."""
    standing = wish.alias()
    same = (
        sa.select(standing.c.line_no)
        .where(
            standing.c.partner_id == given.partner_id,
            standing.c.target == wish.c.target,
            standing.c.state == _OPEN,
        )
        .correlate(wish)
    )
    conn.execute(
        wish.update()
        .where(_pending_of(given.id), same.exists())
        .values(
            outcome=Outcome.DUPLICATE.value,
            reason="The same wish stands already: it came with another of your lists while this "
            "one was being answered.",
            state=WishState.ANSWERED.value,
            target="",
        )
    )


def _set_pending(conn: Connection, list_id: int, state: WishState) -> None:
    conn.execute(wish.update().where(_pending_of(list_id)).values(state=state.value))
