"""Who works here, and in which role: accounts of the staff are entered and change their role."""

from __future__ import annotations

from datetime import datetime

from service.domain.audit_entry import COMMAND_LINE
from service.domain.permission import STAFF, Role
from service.errors import Conflict, Invalid, NotFound
from service.store import accounts, audit_log
from service.store.accounts import Staff
from service.store.db import Connection, Database


def add_staff(
    db: Database, name: str, role: Role, now: datetime, *, by: str = COMMAND_LINE
) -> None:
    """Enter a member of the staff.

    Raises ``Invalid`` without a name and for a role that is none of the staff's, ``Conflict`` for a
    name that is taken.
    """
    _check(role)
    if not name.strip():
        raise Invalid("an account needs a name", field="name")
    with db.write() as conn:
        accounts.add(conn, name.strip(), role, now)
        audit_log.write(
            conn,
            by=by,
            action="added",
            kind="account",
            name=name.strip(),
            now=now,
            after={"role": role.value},
        )


def change_role(
    db: Database, name: str, role: Role, now: datetime, *, by: str = COMMAND_LINE
) -> None:
    """Let a member of the staff act in another role, and its tokens with it, from now on.

    Raises ``NotFound``, and ``Conflict`` when somebody else changes it at the same time.
    """
    _check(role)
    with db.write() as conn:
        account_id = known_account(conn, name)
        _, before = accounts.calls_as(conn, account_id)
        if before is role:
            return
        if not accounts.change_role(conn, account_id, before, role):
            raise Conflict(f"somebody else is changing the role of {name!r}; look at it again")
        audit_log.write(
            conn,
            by=by,
            action="changed",
            kind="account",
            name=name,
            now=now,
            before={"role": before.value},
            after={"role": role.value},
        )


def list_staff(db: Database, after: str = "", limit: int = 1000) -> list[Staff]:
    """Return up to ``limit`` members of the staff by name behind ``after``."""
    with db.read() as conn:
        return accounts.listed(conn, after, limit)


def known_account(conn: Connection, name: str) -> int:
    """Return the row of an account within a transaction; raise ``NotFound``."""
    found = accounts.by_name(conn, name)
    if found is None:
        raise NotFound(f"there is no account named {name!r}")
    return found


def _check(role: Role) -> None:
    if role not in STAFF:
        raise Invalid(f"{role.value!r} is no role of the staff", field="role")
