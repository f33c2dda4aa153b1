"""Passwords are changed: by whoever knows the old one, or at the server's own command line.

Whoever has a session of the account somewhere else is out of it, and links sent before open
nothing.
"""

from __future__ import annotations

from datetime import datetime

from service.domain import password as rules
from service.domain.audit_entry import COMMAND_LINE
from service.errors import Conflict, Invalid
from service.store import account_links, accounts, audit_log, sessions
from service.store.db import Connection, Database
from service.usecases import opening_sessions
from service.usecases.hashing_passwords import Hasher
from service.usecases.opening_sessions import Opened
from service.usecases.staffing import KIND, known_account


def change(
    db: Database,
    hasher: Hasher,
    name: str,
    old: str,
    new: str,
    *,
    library: str,
    address: str,
    browser: str = "",
    now: datetime,
    by: str,
) -> Opened:
    """Give an account another password, for whoever knows the old one; return a new session.

    Every session that there was is closed. A wrong old password counts as a try to sign in. Raises
    ``NotFound``, ``Invalid`` (``field`` is ``old`` or ``password``), ``TooSoon``, ``Busy``, and
    ``Conflict`` when somebody else changes it at the same time.
    """
    checked = rules.check(new, name=name, library=library)
    opening_sessions.count_try(db, name, address, now)
    with db.read() as conn:
        found = accounts.credentials_of(conn, known_account(conn, name))
    if found.password and not hasher.fits(old, found.password):
        raise Invalid("this is not the password you have now", field="old")
    made = hasher.hash(checked)
    with db.write() as conn:
        opening_sessions.forgive(conn, name, address)
        replace(conn, found.id, found.password, made, now, by=by)
        return opening_sessions.open_session(conn, found.id, browser, now)


def set_by_operator(
    db: Database,
    hasher: Hasher,
    name: str,
    new: str,
    *,
    library: str,
    now: datetime,
    by: str = COMMAND_LINE,
) -> None:
    """Give an account a password without its old one; raise ``NotFound``, ``Invalid``."""
    made = hashed(hasher, new, name=name, library=library)
    with db.write() as conn:
        found = accounts.credentials_of(conn, known_account(conn, name))
        replace(conn, found.id, found.password, made, now, by=by)


def hashed(hasher: Hasher, new: str, *, name: str, library: str) -> str:
    """Return the hash of a password that may be used; raise ``Invalid``, ``Busy``."""
    return hasher.hash(rules.check(new, name=name, library=library))


def replace(
    conn: Connection, account_id: int, before: str, after: str, now: datetime, *, by: str
) -> None:
    """Put one hash in the place of another, and close what the old one opened.

    Raises ``Conflict`` where ``before`` is not the hash any more.
    """
    if not accounts.change_password(conn, account_id, before, after):
        raise Conflict("the password was changed a moment ago; sign in anew")
    sessions.revoke_all(conn, account_id, now)
    account_links.withdraw(conn, account_id)
    audit_log.write(
        conn,
        by=by,
        action="gave a new password to" if before else "gave a password to",
        kind=KIND,
        name=accounts.calls_as(conn, account_id).name,
        now=now,
    )
