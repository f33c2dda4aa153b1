"""The audit log: who did what to what, when, with the thing before and after. Rows only come.

An entry is written in the transaction of the change itself, so neither is ever there alone. The
database refuses to change or remove one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.audit_entry import AuditEntry
from service.store import public_ids
from service.store.tables import audit_entry


def write(
    conn: Connection,
    *,
    by: str,
    action: str,
    kind: str,
    name: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Enter what ``by`` did to the ``kind`` of thing called ``name`` (a code, slug or public id).

    ``before`` and ``after`` are what JSON can hold; where both are given, what did not change is
    left out. Secrets have no place in them.
    """
    if before is not None and after is not None:
        before, after = _changed(before, after), _changed(after, before)
    conn.execute(
        audit_entry.insert().values(
            public_id=public_ids.new(),
            at=now,
            actor=by,
            action=action,
            kind=kind,
            name=name,
            before=before,
            after=after,
            reason=reason,
        )
    )


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key not in other or other[key] != value}


def listed(
    conn: Connection, *, kind: str = "", name: str = "", before: str = "", limit: int = 50
) -> list[AuditEntry]:
    """Return entries, newest first, older than the public id ``before``; of one thing if named."""
    query = sa.select(audit_entry).order_by(audit_entry.c.id.desc()).limit(limit)
    if kind:
        query = query.where(audit_entry.c.kind == kind)
    if name:
        query = query.where(audit_entry.c.name == name)
    if before:
        older = sa.select(audit_entry.c.id).where(audit_entry.c.public_id == before)
        query = query.where(audit_entry.c.id < older.scalar_subquery())
    return [_entry(row) for row in conn.execute(query)]


def _entry(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(
        public_id=row.public_id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        kind=row.kind,
        name=row.name,
        before=row.before,
        after=row.after,
        reason=row.reason,
    )
