"""People sign in and out: a session is opened by name and password, and found again by its token.

The token has 32 random bytes and is in the browser's cookie alone; the database has its SHA-256.
Whether a name is unknown, its account closed or the password wrong, the answer is the same and
takes the same work. A try is counted before the password is looked at, so that many tries at once
are counted like many in a row.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from service.domain import sign_in_attempt as attempts
from service.domain.account import SESSION
from service.domain.mail import one_line
from service.domain.permission import Role
from service.domain.sign_in_attempt import Tried
from service.errors import Busy, NotFound, TooSoon, Unauthenticated
from service.store import account_links, accounts, audit_log, sessions, sign_in_attempts
from service.store.db import Connection, Database, DatabaseError
from service.store.sessions import Session, Standing
from service.usecases.signing_in import Caller, as_partner
from service.usecases.staffing import known_account

if TYPE_CHECKING:  # whoever only looks for sessions need not load what hashes
    from service.usecases.hashing_passwords import Hasher

log = structlog.get_logger(__name__)

# That a session is alive is noted once in so long.
_NOTED: Final = timedelta(minutes=5)
# Milliseconds that noting it may wait.
_PATIENCE: Final = 50
# How long sessions that ended are kept, for whoever asks when somebody was here last.
_KEPT: Final = timedelta(days=30)
_LONGEST_BROWSER: Final = 200


class Opened(NamedTuple):
    """A session that was opened just now: what its cookie holds, and who calls by it."""

    token: str
    caller: Caller


class Signed(NamedTuple):
    """Who is signed in, and the public id of the session."""

    caller: Caller
    session: str


def sign_in(
    db: Database,
    hasher: Hasher,
    name: str,
    password: str,
    *,
    address: str,
    browser: str = "",
    now: datetime,
) -> Opened:
    """Open a session for whoever knows the password of an account.

    ``address`` is where the try comes from, ``browser`` what it calls itself. Three transactions:
    the try is counted, the account is read, the session is opened, if the account is still as it
    was read; no transaction is open while the password is hashed. Raises ``Unauthenticated``,
    ``TooSoon``, and ``Busy`` where too many are signing in.
    """
    name = name.strip()
    count_try(db, name, address, now)
    with db.read() as conn:
        found = accounts.credentials(conn, name)
    fits = hasher.fits(password, "" if found is None else found.password)
    if found is None or not fits or found.disabled_at is not None:
        log.info("sign_in_refused")
        raise Unauthenticated("the name or the password is wrong")
    better = hasher.hash(password) if hasher.is_outdated(found.password) else found.password
    with db.write() as conn:
        accounts.hold(conn, found.id)
        same = accounts.credentials_of(conn, found.id)
        if same.password != found.password or same.disabled_at is not None:
            raise Unauthenticated("the name or the password is wrong")
        if better != found.password:
            accounts.change_password(conn, found.id, found.password, better)
        forgive(conn, name, address)
        return open_session(conn, found.id, browser, now)


def open_session(conn: Connection, account_id: int, browser: str, now: datetime) -> Opened:
    """Open a session for an account within a transaction; who it is was found out before."""
    token = secrets.token_urlsafe(32)
    sessions.add(
        conn,
        account_id,
        _digest(token),
        one_line(browser, _LONGEST_BROWSER),
        now,
        now + SESSION.whole,
    )
    return Opened(token, caller_of(conn, account_id))


# --- tries are counted ----------------------------------------------------------------------------


def count_try(db: Database, name: str, address: str, now: datetime) -> None:
    """Count a try under a name and from an address; raise ``TooSoon`` where it is to wait."""
    _count(db, {Tried.NAME: name, Tried.ADDRESS: address}, now)


def count_asking(db: Database, who: str, address: str, now: datetime) -> None:
    """Count that a link was asked for, which keeps nobody from signing in; raise ``TooSoon``."""
    _count(db, {Tried.LINK: who, Tried.ADDRESS: address}, now)


def _count(db: Database, tried: Mapping[Tried, str], now: datetime) -> None:
    keys = {attempts.digest(kind, what): kind for kind, what in tried.items()}
    with db.write() as conn:
        known = sign_in_attempts.hold(conn, list(keys), now)
        until = max(known[key].next_at for key in keys)
        if until > now:
            raise TooSoon(
                "it was tried too often; wait a little and try again",
                int((until - now).total_seconds()) + 1,
            )
        counted = {key: attempts.after(kind, known[key], now) for key, kind in keys.items()}
        sign_in_attempts.keep(conn, counted)


def forgive(conn: Connection, name: str, address: str) -> None:
    """Forget tries under a name: it was whoever has it; one from the address was none that failed.

    The address keeps its other tries: who has one password may be guessing another.
    """
    sign_in_attempts.forget(conn, attempts.digest(Tried.NAME, name))
    sign_in_attempts.give_back(conn, attempts.digest(Tried.ADDRESS, address))


# --- a session is found again, and closed ---------------------------------------------------------


def identify(db: Database, token: str, now: datetime) -> Signed | None:
    """Return who is signed in by the token of a session; None where the session does not stand."""
    with db.read() as conn:
        found = sessions.standing(conn, _digest(token), now, now - SESSION.idle)
        if found is None:
            return None
        signed = Signed(caller_of(conn, found.account_id), found.public_id)
    _note(db, found, now)
    return signed


def _note(db: Database, found: Standing, now: datetime) -> None:
    """Note that a session is alive; where that cannot be written now, the next page notes it."""
    if now - found.seen_at < _NOTED:
        return
    try:
        with db.write(_PATIENCE) as conn:
            sessions.seen(conn, found.id, found.seen_at, now)
    except (Busy, DatabaseError) as error:
        log.info("session_not_noted", reason=str(error))


def close(db: Database, token: str, now: datetime) -> bool:
    """Close the session that a token opens; return whether it stood."""
    with db.write() as conn:
        return sessions.revoke(conn, _digest(token), now)


def list_sessions(db: Database, name: str, now: datetime) -> list[Session]:
    """Return the sessions of an account that stand; raise ``NotFound``."""
    with db.read() as conn:
        return sessions.listed(conn, known_account(conn, name), now)


def close_one(db: Database, name: str, public_id: str, now: datetime, *, by: str) -> None:
    """Close one session of an account; raise ``NotFound``."""
    with db.write() as conn:
        if not sessions.revoke_named(conn, known_account(conn, name), public_id, now):
            raise NotFound("there is no such session")
        _keep(conn, name, 1, by, now)


def close_all(db: Database, name: str, now: datetime, *, by: str, but: str = "") -> int:
    """Close every session of an account but the one named; return how many there were."""
    with db.write() as conn:
        number = sessions.revoke_all(conn, known_account(conn, name), now, except_=but)
        if number:
            _keep(conn, name, number, by, now)
        return number


def _keep(conn: Connection, name: str, number: int, by: str, now: datetime) -> None:
    audit_log.write(
        conn,
        by=by,
        action="closed",
        kind="session",
        name=name,
        now=now,
        after={"sessions": number},
    )


def tidy(db: Database, now: datetime) -> None:
    """Remove sessions and links that ended long ago, and tries that count no more."""
    with db.write() as conn:
        sessions.discard(conn, now - _KEPT, now - _KEPT)
        account_links.discard(conn, now - _KEPT)
        sign_in_attempts.discard(conn, now - attempts.FORGOTTEN)


def caller_of(conn: Connection, account_id: int) -> Caller:
    found = accounts.calls_as(conn, account_id)
    if found.role is Role.PARTNER and found.partner_id is not None:
        return as_partner(conn, found.partner_id, account=found.name, locale=found.locale)
    return Caller(staff=found.name, staff_role=found.role, account=found.name, locale=found.locale)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
