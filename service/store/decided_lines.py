"""What people decide about lines of a staged import; what was staged is kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.import_batch import Action, BatchState, Sieve
from service.store import records
from service.store.imports import SIEVES
from service.store.tables import import_batch, import_line, record, record_version

_L = import_line.c


class Candidate(NamedTuple):
    """A record of the catalogue with the same control number, as it is shown now."""

    record_id: int
    public_id: str
    title: str
    title_vernacular: str
    author: str
    canonical: bytes


def hold_staged(conn: Connection, batch_id: int) -> bool:
    """Hold a staged batch for this transaction; False if it is staged no more."""
    same = import_batch.update().where(
        import_batch.c.id == batch_id, import_batch.c.state == BatchState.STAGED.value
    )
    return conn.execute(same.values(state=BatchState.STAGED.value)).rowcount == 1


def candidates(conn: Connection, version_id: int) -> list[Candidate]:
    """Return the records, at most 20, that show the control number of a version."""
    wanted = record_version.alias()
    rows = conn.execute(
        sa.select(
            record.c.id,
            record.c.public_id,
            record_version.c.title,
            record_version.c.title_vernacular,
            record_version.c.author,
            record_version.c.canonical,
        )
        .select_from(
            wanted.join(record_version, record_version.c.control_key == wanted.c.control_key).join(
                record, record.c.current_version_id == record_version.c.id
            )
        )
        .where(wanted.c.id == version_id, record_version.c.id != version_id)
        .order_by(record.c.id)
        .limit(20)
    )
    return [Candidate(*row[:5], bytes(row.canonical)) for row in rows]


def staged_action(conn: Connection, batch_id: int, position: int) -> Action:
    """Return what a line was staged to do, whatever was decided since."""
    staged = sa.select(sa.func.coalesce(_L.staged_action, _L.action)).where(
        _L.batch_id == batch_id, _L.position == position
    )
    return Action(conn.execute(staged).scalar_one())


def leave_out(
    conn: Connection, batch_id: int, positions: Sequence[int], sieve: Sieve | None, by: str
) -> int:
    """Let lines do nothing; return how many did something until now."""
    which = _L.position.in_(positions) if sieve is None else SIEVES[sieve]
    return _decide(
        conn,
        (_L.batch_id == batch_id) & which & (_L.action != Action.NONE.value),
        by,
        action=Action.NONE.value,
    )


def say_new(conn: Connection, batch_id: int, position: int, by: str, now: datetime) -> None:
    """Let a line bring a record of its own."""
    line = _at(batch_id, position)
    staged = conn.execute(
        sa.select(
            sa.func.coalesce(_L.staged_action, _L.action).label("action"),
            sa.func.coalesce(_L.staged_record_id, _L.record_id).label("record_id"),
            _L.version_id,
        ).where(line)
    ).one()
    own = staged.record_id
    if staged.action != Action.AMBIGUOUS.value:  # an update's version is kept with the other record
        own = records.add_record(conn, now)
    _decide(conn, line, by, action=Action.NEW.value, record_id=own)
    records.give_to(conn, [(own, staged.version_id)])


def say_same(conn: Connection, batch_id: int, position: int, record_id: int, by: str) -> None:
    """Let a line bring a newer form of a record."""
    line = _at(batch_id, position)
    _decide(conn, line, by, action=Action.UPDATE.value, record_id=record_id)
    version_id = conn.execute(sa.select(_L.version_id).where(line)).scalar_one()
    records.give_to(conn, [(record_id, version_id)])


def take_back(conn: Connection, batch_id: int, positions: Sequence[int]) -> int:
    """Let lines do again what they were staged to do; return how many were decided otherwise."""
    decided = (_L.batch_id == batch_id) & _L.position.in_(positions) & (_L.decided_by != "")
    moved = conn.execute(
        sa.select(_L.staged_record_id, _L.version_id).where(
            decided, _L.staged_action.in_([Action.AMBIGUOUS.value, Action.UPDATE.value])
        )
    ).all()
    records.give_to(conn, [(row.staged_record_id, row.version_id) for row in moved])
    return conn.execute(
        import_line.update()
        .where(decided)
        .values(
            action=_L.staged_action,
            record_id=_L.staged_record_id,
            decided_by="",
            staged_action=None,
            staged_record_id=None,
        )
    ).rowcount


def _at(batch_id: int, position: int) -> sa.ColumnElement[bool]:
    return (_L.batch_id == batch_id) & (_L.position == position)


def _decide(conn: Connection, where: sa.ColumnElement[bool], by: str, **values: Any) -> int:
    """Change lines, and keep what they were staged to do the first time."""
    first = _L.staged_action.is_(None)
    return conn.execute(
        import_line.update()
        .where(where)
        .values(
            decided_by=by,
            staged_action=sa.func.coalesce(_L.staged_action, _L.action),
            staged_record_id=sa.case((first, _L.record_id), else_=_L.staged_record_id),
            **values,
        )
    ).rowcount
