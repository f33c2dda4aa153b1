"""What waits: the keys of open wishes that no offer is fixed for, and the wishes that have them.

Rows come with a wish and go when it is settled. Those of wishes that ended in another way stay;
only ``waiting`` says what still waits.

An answer looks at the keys of offers and writes those of its wishes; a matching looks at the keys
of wishes and writes those of its offers. Unless one of the two sees what the other wrote, a wish
and an offer miss each other for good. SQLite has one writer at a time; on PostgreSQL answers
``hold`` a lock together, and each matching takes it alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from marc_mappings.match_keys import Key
from service.domain.offer_key import Pair
from service.domain.wish import WAITING_OUTCOMES, Answer, Outcome, Wanted, WishLine, WishState
from service.store import bulk
from service.store.tables import allocation, wish, wish_key, wish_list

# The number of our advisory lock; any number that no other lock of this database has.
_LOCK: Final = 7_031_977
_AT_ONCE: Final = 250
_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)

Place = tuple[int, int]  # the row of a wish list, and the number of a line


def hold(conn: Connection) -> None:
    """Let no matching go on until the transaction ends; others may hold at the same time."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCK)))


def exclude(conn: Connection) -> None:
    """Wait until nobody holds, and let nobody until the transaction ends."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


class WaitingWish(NamedTuple):
    """A wish that waits: where it stands, and what it asks for."""

    list_id: int
    wish_list: str
    partner_id: int
    state: WishState
    outcome: Outcome
    offer_id: int | None
    wished_at: datetime
    line: WishLine

    @property
    def place(self) -> Place:
        """The row of its list, and its line."""
        return self.list_id, self.line.line_no


def kept(line: WishLine) -> dict[str, Any] | None:
    """Return what a wish keeps of what it asks for; None where it names an offer."""
    if not line.keys:
        return None
    words = {name: text for name, text in (line.wanted or Wanted())._asdict().items() if text}
    return {"words": words, "keys": [list(key) for key in line.keys]}


def line_of(line_no: int, text: str, wanted: Mapping[str, Any]) -> WishLine:
    """Return the line of a wish from what was ``kept`` of it."""
    words = Wanted(**wanted.get("words", {}))
    keys = tuple(Key(*key) for key in wanted["keys"])
    return WishLine(line_no, text, keys=keys, wanted=words if words.title else None)


def add(conn: Connection, rows: Iterable[tuple[Key, int, int]]) -> None:
    """Keep keys of wishes: (key, row of the wish list, line)."""
    bulk.insert(
        conn,
        wish_key,
        ("kind", "value", "wish_list_id", "line_no"),
        sorted((*key, list_id, line_no) for key, list_id, line_no in set(rows)),
        if_new=True,
    )


def drop(conn: Connection, places: Iterable[Place]) -> None:
    """Forget the keys of wishes that wait no more."""
    by_list: defaultdict[int, list[int]] = defaultdict(list)
    for list_id, line_no in places:
        by_list[list_id].append(line_no)
    for list_id, lines in sorted(by_list.items()):
        conn.execute(
            wish_key.delete().where(
                wish_key.c.wish_list_id == list_id, wish_key.c.line_no.in_(lines)
            )
        )


_WITH_KEY = sa.select(wish_key.c.value, wish_key.c.wish_list_id, wish_key.c.line_no).where(
    wish_key.c.kind == sa.bindparam("kind", type_=sa.Text), wish_key.c.value.in_(_VALUES)
)


def with_keys(conn: Connection, keys: Iterable[Pair]) -> dict[Pair, list[Place]]:
    """Return the wishes that have one of these keys, by key."""
    by_kind: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for kind, value in keys:
        by_kind[kind][value] = None
    found: dict[Pair, list[Place]] = {}
    for kind, values in sorted(by_kind.items()):
        listed = list(values)
        for begin in range(0, len(listed), _AT_ONCE):
            part = listed[begin : begin + _AT_ONCE]
            for value, list_id, line_no in bulk.select_in(conn, _WITH_KEY, part, {"kind": kind}):
                found.setdefault((kind, value), []).append((list_id, line_no))
    return found


_OUTCOMES = [outcome.value for outcome in sorted(WAITING_OUTCOMES)]
_STATES = [WishState.OPEN.value, WishState.PENDING.value]


# As a literal, so that the index of what is offered serves.
_ASKED_ABOUT = sa.select(allocation.c.wish_list_id, allocation.c.line_no).where(
    allocation.c.state == sa.literal_column("'OFFERED'")
)


def waiting(conn: Connection, places: Collection[Place]) -> list[WaitingWish]:
    """Return those of these wishes that wait, the first to be asked for first.

    Nobody else changes them until the transaction ends. One whose partner is being asked about a
    copy that is kept for it waits for nothing else.
    """
    listed = sorted(places)
    place = sa.tuple_(wish.c.wish_list_id, wish.c.line_no)
    found: list[WaitingWish] = []
    for begin in range(0, len(listed), _AT_ONCE):
        part = listed[begin : begin + _AT_ONCE]
        rows = conn.execute(
            sa.select(wish, wish_list.c.public_id)
            .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
            .where(
                place.in_(part),
                wish.c.state.in_(_STATES),
                wish.c.outcome.in_(_OUTCOMES),
                wish.c.wanted.is_not(None),
                place.not_in(_ASKED_ABOUT),
            )
            .order_by(wish.c.wish_list_id, wish.c.line_no)
            .with_for_update(of=wish)
        )
        found += [
            WaitingWish(
                row.wish_list_id,
                row.public_id,
                row.partner_id,
                WishState(row.state),
                Outcome(row.outcome),
                row.offer_id,
                row.wished_at,
                line_of(row.line_no, row.line, row.wanted),
            )
            for row in rows
        ]
    return sorted(found, key=lambda each: (each.wished_at, each.place))


class Settled(NamedTuple):
    """Another answer to a waiting wish, and the state that it has from now on."""

    wish: WaitingWish
    answer: Answer
    state: WishState


_SETTLE = (
    wish.update()
    .where(
        wish.c.wish_list_id == sa.bindparam("of_list"),
        wish.c.line_no == sa.bindparam("new_line"),
        wish.c.state == sa.bindparam("new_was"),
    )
    .values(
        outcome=sa.bindparam("new_outcome"),
        reason=sa.bindparam("new_reason"),
        offer_id=sa.bindparam("new_offer"),
        target=sa.bindparam("new_target"),
        score=sa.bindparam("new_score"),
        state=sa.bindparam("new_becomes"),
    )
)


def settle(conn: Connection, settled: Collection[Settled]) -> None:
    """Give wishes that ``waiting`` returned in this transaction other answers."""
    if settled:
        conn.execute(
            _SETTLE,
            [
                {
                    "of_list": found.list_id,
                    "new_line": found.line.line_no,
                    "new_was": found.state.value,
                    "new_outcome": answer.outcome.value,
                    "new_reason": answer.reason,
                    "new_offer": answer.offer_id,
                    "new_target": answer.target,
                    "new_score": answer.score,
                    "new_becomes": state.value,
                }
                for found, answer, state in settled
            ],
        )
