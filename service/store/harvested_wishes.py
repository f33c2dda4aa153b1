"""What a source of wishes says now, and the line that stands for each of its identifiers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.wish import Outcome, WishState
from service.store.tables import harvest_line, harvested, wish, wish_list


class Word(NamedTuple):
    """What a harvest says of one identifier, and the wish that stood for it before.

    ``position``, ``offset`` and ``length`` (octets) are those of its record, None where none came.
    """

    identifier: str
    deleted: bool
    position: int | None
    offset: int | None
    length: int | None
    digest: bytes | None
    wish_list_id: int | None
    line_no: int | None
    outcome: Outcome | None


class Line(NamedTuple):
    """The line that stands for an identifier from now on."""

    identifier: str
    digest: bytes
    wish_list_id: int
    line_no: int


def words(conn: Connection, source_id: int, harvest_id: int, after: str, limit: int) -> list[Word]:
    """Return the last word of a harvest on each identifier, in their order, behind ``after``."""
    later = harvest_line.alias()
    last = (
        sa.select(sa.func.max(later.c.position))
        .where(later.c.harvest_id == harvest_id, later.c.identifier == harvested.c.identifier)
        .scalar_subquery()
    )
    rows = conn.execute(
        sa.select(
            harvested.c.identifier,
            harvested.c.deleted,
            harvest_line.c.position,
            harvest_line.c.offset,
            harvest_line.c.length,
            harvested.c.digest,
            harvested.c.wish_list_id,
            harvested.c.line_no,
            wish.c.outcome,
        )
        .select_from(harvested)
        .outerjoin(
            harvest_line,
            (harvest_line.c.harvest_id == harvest_id) & (harvest_line.c.position == last),
        )
        .outerjoin(
            wish,
            (wish.c.wish_list_id == harvested.c.wish_list_id)
            & (wish.c.line_no == harvested.c.line_no),
        )
        .where(
            harvested.c.source_id == source_id,
            harvested.c.harvest_id == harvest_id,
            harvested.c.identifier > after,
        )
        .order_by(harvested.c.identifier)
        .limit(limit)
    )
    return [
        Word(
            *row[:5],
            None if row.digest is None else bytes(row.digest),
            row.wish_list_id,
            row.line_no,
            None if row.outcome is None else Outcome(row.outcome),
        )
        for row in rows
    ]


def end_wishes(
    conn: Connection, lines: Iterable[tuple[int, int]], state: WishState
) -> dict[str, datetime]:
    """End open wishes, each by its list and line; return their targets, and since when."""
    ended: dict[str, datetime] = {}
    for list_id, line_no in lines:
        row = conn.execute(
            wish.update()
            .where(
                wish.c.wish_list_id == list_id,
                wish.c.line_no == line_no,
                wish.c.state == WishState.OPEN.value,
            )
            .values(state=state.value)
            .returning(wish.c.target, wish.c.wished_at)
        ).first()
        if row is not None:
            ended[row.target] = row.wished_at
    return ended


def stand(conn: Connection, source_id: int, lines: Sequence[Line]) -> None:
    """Say which lines stand for identifiers from now on."""
    for line in lines:
        conn.execute(
            harvested.update()
            .where(harvested.c.source_id == source_id, harvested.c.identifier == line.identifier)
            .values(wish_list_id=line.wish_list_id, line_no=line.line_no, digest=line.digest)
        )


def forget(conn: Connection, source_id: int, identifiers: Sequence[str]) -> None:
    """Say that no line stands for identifiers any more."""
    conn.execute(
        harvested.update()
        .where(harvested.c.source_id == source_id, harvested.c.identifier.in_(identifiers))
        .values(wish_list_id=None, line_no=None, digest=None)
    )


def lengthen(conn: Connection, list_id: int, lines: int) -> None:
    """Say that a wish list has ``lines`` more."""
    conn.execute(
        wish_list.update().where(wish_list.c.id == list_id).values(total=wish_list.c.total + lines)
    )
