"""Who signs in here, and as what: accounts are entered, described, closed, and change their role.

Whatever takes something away from an account closes its sessions in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.domain import account as rules
from service.domain.account import Account
from service.domain.audit_entry import COMMAND_LINE
from service.domain.permission import STAFF, Role
from service.errors import Conflict, Invalid, NotFound
from service.store import accounts, audit_log, sessions
from service.store.db import Connection, Database
from service.usecases.enrolling import known_partner

KIND = "account"  # in the audit log


def add_staff(
    db: Database, name: str, role: Role, now: datetime, *, by: str = COMMAND_LINE
) -> None:
    """Enter a member of the staff who calls by token; :func:`add` says more."""
    add(db, name, role, now, by=by)


def add(
    db: Database,
    name: str,
    role: Role,
    now: datetime,
    *,
    partner: str = "",
    full_name: str = "",
    email: str = "",
    password: str = "",
    by: str = COMMAND_LINE,
) -> Account:
    """Enter a member of the staff, or one of the people of ``partner`` (a code).

    ``password`` is its hash; without one somebody signs in after an invitation. Raises ``Invalid``,
    ``NotFound`` for a partner nobody knows, and ``Conflict`` for a name that is taken.
    """
    name, email = rules.check_name(name), rules.check_email(email)
    rules.check_role(role, partner)
    with db.write() as conn:
        partner_id = known_partner(conn, partner).id if partner else None
        made = accounts.add(
            conn,
            name,
            role,
            now,
            partner_id=partner_id,
            full_name=" ".join(full_name.split()),
            email=email,
            password=password,
        )
        found = accounts.described(conn, made, now)
        _keep(conn, "added", name, now, by, after=_told(found))
        return found


def change_role(
    db: Database, name: str, role: Role, now: datetime, *, by: str = COMMAND_LINE
) -> None:
    """Let a member of the staff act in another role, and its tokens with it, from now on.

    Its sessions are closed: it signs in anew. Raises ``NotFound``, ``Invalid`` for a role that is
    none of the staff's and for a partner's person, and ``Conflict`` when somebody else changes it
    at the same time.
    """
    if role not in STAFF:
        raise Invalid(f"{role.value!r} is no role of the staff", field="role")
    with db.write() as conn:
        account_id = known_account(conn, name)
        before = accounts.calls_as(conn, account_id).role
        if before is role:
            return
        if before not in STAFF:
            raise Invalid(f"{name!r} belongs to a partner and cannot be staff", field="role")
        if not accounts.change_role(conn, account_id, before, role):
            raise Conflict(f"somebody else is changing the role of {name!r}; look at it again")
        sessions.revoke_all(conn, account_id, now)
        _keep(conn, "changed", name, now, by, {"role": before.value}, {"role": role.value})


def disable(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> None:
    """Let nobody sign in as an account, and its tokens open nothing, from now on.

    Nothing happens to one that is disabled. Raises ``NotFound``, and ``Conflict`` for whoever asks:
    nobody shuts itself out.
    """
    with db.write() as conn:
        account_id = known_account(conn, name)
        if by == f"staff:{name}":
            raise Conflict("you cannot disable your own account; ask another admin")
        if accounts.disable(conn, account_id, now):
            sessions.revoke_all(conn, account_id, now)
            _keep(conn, "disabled", name, now, by)


def enable(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> None:
    """Let an account that was disabled sign in again; raise ``NotFound``."""
    with db.write() as conn:
        if accounts.enable(conn, known_account(conn, name)):
            _keep(conn, "enabled", name, now, by)


def describe(
    db: Database,
    name: str,
    given: Mapping[str, str],
    now: datetime,
    *,
    by: str = COMMAND_LINE,
) -> Account:
    """Change what an account is told by; ``given`` has of full_name, email and locale what changes.

    Raises ``NotFound``, ``Invalid``.
    """
    values = {field: given[field] for field in _DESCRIBED if field in given}
    if "email" in values:
        values["email"] = rules.check_email(values["email"])
    if "full_name" in values:
        values["full_name"] = " ".join(values["full_name"].split())[: rules.LONGEST_NAME]
    with db.write() as conn:
        account_id = known_account(conn, name)
        before = accounts.described(conn, account_id, now)
        if values:
            accounts.describe(conn, account_id, **values)
        after = accounts.described(conn, account_id, now)
        if _told(before) != _told(after):
            _keep(conn, "changed", name, now, by, _told(before), _told(after))
        return after


_DESCRIBED = ("full_name", "email", "locale")


def list_accounts(db: Database, now: datetime, after: str = "", limit: int = 1000) -> list[Account]:
    """Return up to ``limit`` accounts by name behind ``after``."""
    with db.read() as conn:
        return accounts.listed(conn, after, limit, now)


def find(db: Database, name: str, now: datetime) -> Account:
    """Return an account; raise ``NotFound``."""
    with db.read() as conn:
        return accounts.described(conn, known_account(conn, name), now)


def known_account(conn: Connection, name: str) -> int:
    """Return the row of an account within a transaction; raise ``NotFound``."""
    found = accounts.by_name(conn, name)
    if found is None:
        raise NotFound(f"there is no account named {name!r}")
    return found


def _told(found: Account) -> dict[str, Any]:
    """Return what the audit log tells of an account: never a password."""
    told: dict[str, Any] = {"role": found.role.value}
    for field in ("partner", *_DESCRIBED):
        if getattr(found, field):
            told[field] = getattr(found, field)
    return told


def _keep(
    conn: Connection,
    action: str,
    name: str,
    now: datetime,
    by: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit_log.write(
        conn, by=by, action=action, kind=KIND, name=name, now=now, before=before, after=after
    )
