"""The ledger: entries that only come, and their sums, kept in the transaction of each event.

An entry belongs to the entry of the directory that its partner had when it was written: it stays
with it when that is merged into another, and the balance of the other counts it (``owners``).
Triggers refuse every change of an entry. Sums are changed in the order of their keys, with the
partners held before, so that two events at once do not wait for each other in a ring; whoever
writes for several partners writes all of it with one call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from service.domain.ledger import (
    Direction,
    Entry,
    Event,
    Figures,
    Material,
    TotalKey,
    Written,
    check,
    next_key,
)
from service.domain.transfer import TransferKind
from service.errors import Conflict
from service.store import bulk, partners, public_ids
from service.store.tables import ledger_entry, ledger_total, partner

_KEYS: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)


# --- writing --------------------------------------------------------------------------------------


class _Row(NamedTuple):
    """A row of the ledger; its members are the columns."""

    public_id: str
    partner_id: int
    direction: str
    kind: str
    material: str
    event: str
    event_key: str
    on_date: Any
    year: int
    place: str
    city: str
    titles: int
    volumes: int
    value: int
    currency: str
    counters: int | None
    actor: str
    reason: str
    created_at: datetime


def write(conn: Connection, entries: Sequence[Entry], *, by: str, now: datetime) -> list[str]:
    """Enter events in the ledger, within their transaction; return the public ids, in their order.

    Holds the partners. What names an entry of the directory that was merged into another is
    entered for that other one. Raises ``Invalid`` for an entry that cannot be, and ``Conflict``
    where an event has its entry before.
    """
    if not entries:
        return []
    became = partners.survivors(conn, [each.partner_id for each in entries])
    ids = sorted({became.get(each.partner_id, each.partner_id) for each in entries})
    partners.lock_all(conn, ids)
    where = _places(conn, ids)
    rows = []
    for each in map(check, entries):
        partner_id = became.get(each.partner_id, each.partner_id)
        place, city = where[partner_id]
        rows.append(
            _Row(
                public_id=public_ids.new(),
                partner_id=partner_id,
                direction=each.direction.value,
                kind=each.kind.value,
                material=str(each.material),
                event=each.event.value,
                event_key=each.event_key,
                on_date=each.on_date,
                year=each.on_date.year,
                place=place,
                city=city,
                titles=each.titles,
                volumes=each.volumes,
                value=each.value,
                currency=each.currency,
                counters=None,
                actor=by,
                reason=each.reason,
                created_at=now,
            )
        )
    _refuse_twice(conn, rows)
    opening = Event.OPENING.value
    _enter(conn, [(row, row.event == opening) for row in rows])
    return [row.public_id for row in rows]


def counter(
    conn: Connection, event: Event, event_key: str, *, by: str, now: datetime, reason: str
) -> list[str]:
    """Take back the entries of an event, those with ``#2``, ``#3`` too; return the public ids.

    An entry that was taken back before stays so, and gets no second one against it.
    """
    found = conn.execute(
        sa.select(ledger_entry.c.id).where(_of_event(event, event_key), _standing())
    )
    return counter_rows(conn, list(found.scalars()), by=by, now=now, reason=reason)


def counter_rows(
    conn: Connection,
    ids: Sequence[int],
    *,
    by: str,
    now: datetime,
    reason: str,
    instead: Figures | None = None,
) -> list[str]:
    """Take back those of these rows that stand; return the public ids of what is entered for it.

    What is against them counts where they do: in their year, in their place, as opening balances
    if they are. With ``instead``, of one row, the same is entered anew with these figures.
    """
    _hold(conn, [row[0] for row in bulk.select_in(conn, _OWNERS, list(ids))])
    query = sa.select(ledger_entry).where(ledger_entry.c.id.in_(ids), _standing())
    rows = []
    for old in conn.execute(query.order_by(ledger_entry.c.id)).all():
        opening = old.event == Event.OPENING.value
        row = _Row._make(getattr(old, name) for name in _Row._fields)._replace(
            public_id=public_ids.new(), actor=by, reason=reason, created_at=now
        )
        back = row._replace(
            event=Event.COUNTER.value,
            event_key=old.public_id,
            counters=old.id,
            **Figures(old.titles, old.volumes, old.value).negative()._asdict(),
        )
        rows.append((back, opening))
        if instead is not None:
            key = free_key(conn, Event(old.event), old.event_key)
            right = row._replace(public_id=public_ids.new(), event_key=key, **instead._asdict())
            rows.append((right, opening))
    _enter(conn, rows)
    return [row.public_id for row, _ in rows]


def free_key(conn: Connection, event: Event, event_key: str) -> str:
    """Return the first key of an event that has no entry: the key itself, or with ``#2``, ``#3``.

    What was taken back keeps its key; what is entered anew in its place has this one.
    """
    stem = event_key.partition("#")[0]
    taken = sa.select(ledger_entry.c.event_key).where(_of_event(event, stem))
    return next_key(stem, set(conn.execute(taken).scalars()))


_OWNERS = sa.select(ledger_entry.c.partner_id).where(ledger_entry.c.id.in_(_KEYS)).distinct()


def _hold(conn: Connection, partner_ids: Iterable[int]) -> None:
    """Hold partners whatever became of them: what is taken back stays with its owner."""
    conn.execute(
        sa.select(partner.c.id)
        .where(partner.c.id.in_(sorted(partner_ids)))
        .order_by(partner.c.id)
        .with_for_update(key_share=True)
    ).all()


def _places(conn: Connection, partner_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in bulk.select_in(conn, _PLACES, partner_ids)}


_PLACES = sa.select(partner.c.id, partner.c.place, partner.c.city).where(partner.c.id.in_(_KEYS))


def _refuse_twice(conn: Connection, rows: Sequence[_Row]) -> None:
    keys: dict[str, list[str]] = {}
    for row in rows:
        keys.setdefault(row.event, []).append(row.event_key)
    for event, named in keys.items():
        there = {key for key, times in Counter(named).items() if times > 1}
        for start in range(0, len(named), _AT_ONCE):
            some = bulk.select_in(conn, _THERE, named[start : start + _AT_ONCE], {"event": event})
            there |= {row[0] for row in some}
        if there:
            raise Conflict(f"the {event} of {min(there)} is in the ledger already")


_AT_ONCE: Final = 500
_THERE = sa.select(ledger_entry.c.event_key).where(
    ledger_entry.c.event == sa.bindparam("event"), ledger_entry.c.event_key.in_(_KEYS)
)


def _enter(conn: Connection, rows: Sequence[tuple[_Row, bool]]) -> None:
    """Insert rows (with whether they belong to the opening balances) and add to the sums."""
    bulk.insert(conn, ledger_entry, _Row._fields, [row for row, _ in rows])
    sums: dict[TotalKey, list[int]] = {}
    for row, opening in rows:
        key = TotalKey(
            row.partner_id,
            row.year,
            row.direction,
            row.kind,
            row.material,
            row.place,
            row.city,
            opening,
            row.currency,
        )
        total = sums.setdefault(key, [0, 0, 0, 0])
        for place, number in enumerate((1, row.titles, row.volumes, row.value)):
            total[place] += number
    values = [
        dict(zip((*TotalKey._fields, *_SUMMED), (*key, *sums[key]), strict=True))
        for key in sorted(sums)
    ]
    if values:
        conn.execute(_ADD[conn.dialect.name], values)


_SUMMED: Final = ("entries", "titles", "volumes", "value")


def _adding(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=TotalKey._fields,
        set_={name: ledger_total.c[name] + insert.excluded[name] for name in _SUMMED},
    )


_ADD: Final[Mapping[str, Any]] = {
    "sqlite": _adding(sqlite.insert(ledger_total)),
    "postgresql": _adding(postgresql.insert(ledger_total)),
}


# --- reading --------------------------------------------------------------------------------------


def _standing() -> sa.ColumnElement[bool]:
    """Whether nothing takes an entry back."""
    back = ledger_entry.alias()
    return ~sa.select(back.c.id).where(back.c.counters == ledger_entry.c.id).exists()


def _of_event(event: Event, event_key: str) -> sa.ColumnElement[bool]:
    key = ledger_entry.c.event_key
    with_number = (key > f"{event_key}#") & (key < f"{event_key}$")  # $ is the next sign after #
    return (ledger_entry.c.event == event.value) & ((key == event_key) | with_number)


_BACK = ledger_entry.alias()  # the entry that takes this one back
_TAKEN = ledger_entry.alias()  # the entry that this one takes back
_WRITTEN = (
    sa.select(
        ledger_entry,
        partner.c.code,
        _TAKEN.c.public_id.label("taken"),
        _BACK.c.public_id.label("back"),
    )
    .join(partner, partner.c.id == ledger_entry.c.partner_id)
    .outerjoin(_TAKEN, _TAKEN.c.id == ledger_entry.c.counters)
    .outerjoin(_BACK, _BACK.c.counters == ledger_entry.c.id)
)


def by_public_id(conn: Connection, public_id: str) -> tuple[int, Written] | None:
    """Return an entry behind its row; None where there is none."""
    row = conn.execute(_WRITTEN.where(ledger_entry.c.public_id == public_id)).first()
    return None if row is None else (row.id, _written(row))


def listed(
    conn: Connection, partner_ids: Sequence[int], before: str = "", limit: int = 50
) -> list[Written]:
    """Return entries of these partners, the last written first, older than ``before``."""
    query = _WRITTEN.where(ledger_entry.c.partner_id.in_(partner_ids))
    if before:
        older = sa.select(ledger_entry.c.id).where(ledger_entry.c.public_id == before)
        query = query.where(ledger_entry.c.id < older.scalar_subquery())
    rows = conn.execute(query.order_by(ledger_entry.c.id.desc()).limit(limit))
    return [_written(row) for row in rows]


def of_event(conn: Connection, event: Event, event_key: str) -> list[Written]:
    """Return the entries of an event in the order in which they were written, standing or not."""
    query = _WRITTEN.where(_of_event(event, event_key)).order_by(ledger_entry.c.id)
    return [_written(row) for row in conn.execute(query)]


def _written(row: sa.Row[Any]) -> Written:
    return Written(
        public_id=row.public_id,
        partner_code=row.code,
        direction=Direction(row.direction),
        kind=TransferKind(row.kind),
        material=Material(row.material),
        event=Event(row.event),
        event_key=row.event_key,
        on_date=row.on_date,
        year=row.year,
        place=row.place,
        city=row.city,
        titles=row.titles,
        volumes=row.volumes,
        value=row.value,
        currency=row.currency,
        counters=row.taken,
        countered_by=row.back,
        actor=row.actor,
        reason=row.reason,
        created_at=row.created_at,
    )
