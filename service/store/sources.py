"""Sources: whom we harvest, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.source import Source, SourceKind, SourceState
from service.errors import Conflict
from service.store import public_ids
from service.store.tables import offer_list, partner, source


def add(
    conn: Connection,
    *,
    name: str,
    partner_id: int,
    kind: SourceKind,
    url: str,
    set_: str,
    prefix: str,
    credentials: bytes | None,
    every: int,
    auto_commit: bool,
    wishes_url: str,
    list_id: int | None,
    due_at: datetime | None,
    now: datetime,
) -> Source:
    """Enter a source; raise ``Conflict`` when its name was ever used."""
    try:
        with conn.begin_nested():
            source_id = conn.execute(
                source.insert()
                .values(
                    public_id=public_ids.new(),
                    name=name,
                    partner_id=partner_id,
                    kind=kind.value,
                    url=url,
                    set_spec=set_,
                    prefix=prefix,
                    credentials=credentials,
                    every=every,
                    auto_commit=auto_commit,
                    wishes_url=wishes_url,
                    state=SourceState.ACTIVE.value,
                    list_id=list_id,
                    due_at=due_at,
                    created_at=now,
                )
                .returning(source.c.id)
            ).scalar_one()
    except IntegrityError as error:
        raise Conflict(
            f"there is, or was, a source named {name!r}; a name is never used twice"
        ) from error
    return by_id(conn, source_id)


_SOURCE = sa.select(source, partner.c.code, offer_list.c.slug).select_from(
    source.join(partner, partner.c.id == source.c.partner_id).outerjoin(
        offer_list, offer_list.c.id == source.c.list_id
    )
)


def by_id(conn: Connection, source_id: int) -> Source:
    """Return the source of this row."""
    return _source(conn.execute(_SOURCE.where(source.c.id == source_id)).one())


def by_name(conn: Connection, name: str) -> Source | None:
    """Return the source of this name, or None."""
    row = conn.execute(_SOURCE.where(source.c.name == name)).first()
    return None if row is None else _source(row)


def by_public_id(conn: Connection, public_id: str) -> Source | None:
    """Return the source of this public id, or None."""
    row = conn.execute(_SOURCE.where(source.c.public_id == public_id)).first()
    return None if row is None else _source(row)


def lock(conn: Connection, source_id: int) -> Source:
    """Return a source and let nobody else change it until the transaction ends."""
    conn.execute(sa.select(source.c.id).where(source.c.id == source_id).with_for_update())
    return by_id(conn, source_id)


def listed(conn: Connection, after: str = "", limit: int = 1000) -> list[Source]:
    """Return the sources in the order of their names, behind ``after``, but those removed."""
    rows = conn.execute(
        _SOURCE.where(source.c.name > after, source.c.state != SourceState.REMOVED.value)
        .order_by(source.c.name)
        .limit(limit)
    )
    return [_source(row) for row in rows]


def due(conn: Connection, now: datetime) -> list[int]:
    """Return the ids of the sources whose moment has come."""
    rows = conn.execute(
        sa.select(source.c.id)
        .where(source.c.due_at <= now, source.c.state == SourceState.ACTIVE.value)
        .order_by(source.c.due_at, source.c.id)
    )
    return list(rows.scalars())


def set_due(conn: Connection, source_id: int, due_at: datetime | None) -> None:
    """Say when the source is harvested next; None: not by itself."""
    conn.execute(source.update().where(source.c.id == source_id).values(due_at=due_at))


def set_next_from(conn: Connection, source_id: int, stamp: int) -> None:
    """Say from which stamp the next harvest begins."""
    conn.execute(source.update().where(source.c.id == source_id).values(next_from=stamp))


def set_state(
    conn: Connection, source_id: int, state: SourceState, due_at: datetime | None
) -> None:
    """Pause a source, take it up again, or remove it, which forgets its credentials."""
    values: dict[str, object] = {"state": state.value, "due_at": due_at}
    if state is SourceState.REMOVED:
        values["credentials"] = None
    conn.execute(source.update().where(source.c.id == source_id).values(**values))


def _source(row: sa.Row[Any]) -> Source:
    return Source(
        id=row.id,
        public_id=row.public_id,
        name=row.name,
        partner_id=row.partner_id,
        partner_code=row.code,
        kind=SourceKind(row.kind),
        url=row.url,
        set=row.set_spec,
        prefix=row.prefix,
        credentials=None if row.credentials is None else bytes(row.credentials),
        every=row.every,
        auto_commit=row.auto_commit,
        wishes_url=row.wishes_url,
        state=SourceState(row.state),
        list_id=row.list_id,
        list_slug=row.slug,
        next_from=row.next_from,
        due_at=row.due_at,
        created_at=row.created_at,
    )
