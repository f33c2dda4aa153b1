"""Reading the audit log: who did what to what, and when."""

from __future__ import annotations

from service.domain.audit_entry import AuditEntry
from service.store import audit_log
from service.store.db import Database


def list_entries(
    db: Database, *, kind: str = "", name: str = "", before: str = "", limit: int = 50
) -> list[AuditEntry]:
    """Return entries, newest first, older than the public id ``before``; of one thing if named."""
    with db.read() as conn:
        return audit_log.listed(conn, kind=kind, name=name, before=before, limit=limit)
