"""The wishes of two entries of one library that become one: none is lost, none stands twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.merger import Merger, Settled
from service.domain.wish import Outcome, WishState
from service.store.tables import wish, wish_key, wish_list


def move_lists(conn: Connection, both: Merger) -> Settled:
    """Move wish lists; a key that both used gets the old code behind it.

    Otherwise the next list under that key would end wishes that it never knew of.
    """
    theirs = wish_list.alias()
    of_new = sa.select(theirs.c.id).where(theirs.c.partner_id == both.new)
    same_key = of_new.where(
        theirs.c.channel == wish_list.c.channel, theirs.c.list_key == wish_list.c.list_key
    ).correlate(wish_list)
    same_request = of_new.where(theirs.c.idempotency_key == wish_list.c.idempotency_key).correlate(
        wish_list
    )
    mine = wish_list.c.partner_id == both.old
    conn.execute(wish_list.update().where(mine, same_request.exists()).values(idempotency_key=None))
    again = conn.execute(
        wish_list.update()
        .where(mine, same_key.exists())
        .values(list_key=wish_list.c.list_key + f"@{both.code}")
    ).rowcount
    moved = _moved(conn, both, wish_list)
    remark = (
        f"{again} wish lists have a key that both used: it is KEY@{both.code} now, so that a list "
        "which replaces the other's leaves them alone."
    )
    return Settled(moved, (remark,) if again else ())


def move(conn: Connection, both: Merger) -> Settled:
    """Move wishes; of two open ones for the same thing the older stands."""
    doubles = list(_doubles(conn, both))
    for loser, winner in doubles:
        mine = (wish.c.wish_list_id == loser.list_id) & (wish.c.line_no == loser.line_no)
        conn.execute(
            wish.update()
            .where(mine)
            .values(
                outcome=Outcome.DUPLICATE.value,
                reason=f"The same wish stands already, on line {winner.line_no} of wish list "
                f"{winner.name}: two entries of your library became one.",
                state=WishState.ANSWERED.value,
                target="",
            )
        )
        conn.execute(
            wish_key.delete().where(
                wish_key.c.wish_list_id == loser.list_id, wish_key.c.line_no == loser.line_no
            )
        )
    moved = _moved(conn, both, wish)
    return Settled(
        moved,
        tuple(
            f"Line {loser.line_no} of wish list {loser.name} asks for what line {winner.line_no} "
            f"of {winner.name} asked for before: it is a duplicate now."
            for loser, winner in doubles
        ),
    )


class Line(NamedTuple):
    """One open wish: since when, and where it stands."""

    wished_at: datetime
    list_id: int
    line_no: int
    name: str


def _doubles(conn: Connection, both: Merger) -> Iterator[tuple[Line, Line]]:
    """Yield (the wish that goes, the wish that stays) for what both have asked for."""
    theirs, their_list = wish.alias(), wish_list.alias()
    rows = conn.execute(
        sa.select(
            wish.c.wished_at,
            wish.c.wish_list_id,
            wish.c.line_no,
            wish_list.c.public_id,
            theirs.c.wished_at,
            theirs.c.wish_list_id,
            theirs.c.line_no,
            their_list.c.public_id,
        )
        .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
        .join(theirs, theirs.c.target == wish.c.target)
        .join(their_list, their_list.c.id == theirs.c.wish_list_id)
        .where(
            wish.c.partner_id == both.old,
            wish.c.state == WishState.OPEN.value,
            theirs.c.partner_id == both.new,
            theirs.c.state == WishState.OPEN.value,
        )
        .order_by(wish.c.wish_list_id, wish.c.line_no)
    ).all()
    for row in rows:
        old, new = Line(*row[:4]), Line(*row[4:])
        yield (new, old) if old < new else (old, new)


def duplicates(conn: Connection, both: Merger) -> dict[str, int]:
    """Return how many wishes of each wish list will be duplicates once both entries are one."""
    found: dict[str, int] = {}
    for loser, _ in _doubles(conn, both):
        found[loser.name] = found.get(loser.name, 0) + 1
    return found


def _moved(conn: Connection, both: Merger, table: sa.Table) -> int:
    done = conn.execute(
        table.update().where(table.c.partner_id == both.old).values(partner_id=both.new)
    )
    return done.rowcount
