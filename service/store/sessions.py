"""Sessions: browsers in which somebody is signed in. Only the SHA-256 of what opens one is kept."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.store import public_ids
from service.store.tables import account, session


class Session(NamedTuple):
    """A session as whoever has it sees it; moments are UTC."""

    public_id: str
    browser: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Standing(NamedTuple):
    """A session that stands, and whose it is."""

    id: int
    public_id: str
    account_id: int
    seen_at: datetime


def add(
    conn: Connection,
    account_id: int,
    digest: bytes,
    browser: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Enter a session."""
    conn.execute(
        session.insert().values(
            public_id=public_ids.new(),
            digest=digest,
            account_id=account_id,
            browser=browser,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
    )


def standing(
    conn: Connection, digest: bytes, now: datetime, seen_after: datetime
) -> Standing | None:
    """Return the session with this SHA-256 if it stands ``now`` and was seen after a moment."""
    row = conn.execute(
        sa.select(session.c.id, session.c.public_id, session.c.account_id, session.c.seen_at)
        .join(account, account.c.id == session.c.account_id)
        .where(
            session.c.digest == digest,
            session.c.revoked_at.is_(None),
            session.c.expires_at > now,
            session.c.seen_at > seen_after,
            account.c.disabled_at.is_(None),
        )
    ).first()
    return None if row is None else Standing(*row)


def seen(conn: Connection, session_id: int, before: datetime, now: datetime) -> None:
    """Note that a session was seen, unless somebody noted it after ``before``."""
    conn.execute(
        session.update()
        .where(session.c.id == session_id, session.c.seen_at == before)
        .values(seen_at=now)
    )


def listed(conn: Connection, account_id: int, now: datetime) -> list[Session]:
    """Return the sessions of an account that stand, the one seen last first."""
    rows = conn.execute(
        sa.select(
            session.c.public_id,
            session.c.browser,
            session.c.created_at,
            session.c.seen_at,
            session.c.expires_at,
        )
        .where(
            session.c.account_id == account_id,
            session.c.revoked_at.is_(None),
            session.c.expires_at > now,
        )
        .order_by(session.c.seen_at.desc(), session.c.id)
    )
    return [Session(*row) for row in rows]


def revoke(conn: Connection, digest: bytes, now: datetime) -> bool:
    """Revoke the session with this SHA-256; return whether it stood."""
    done = conn.execute(
        session.update()
        .where(session.c.digest == digest, session.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return done.rowcount == 1


def revoke_named(conn: Connection, account_id: int, public_id: str, now: datetime) -> bool:
    """Revoke one session of an account; return whether it had it."""
    done = conn.execute(
        session.update()
        .where(
            session.c.account_id == account_id,
            session.c.public_id == public_id,
            session.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    return done.rowcount == 1


def revoke_all(conn: Connection, account_id: int, now: datetime, *, except_: str = "") -> int:
    """Revoke the sessions of an account, all but the one named; return how many there were."""
    done = conn.execute(
        session.update()
        .where(
            session.c.account_id == account_id,
            session.c.revoked_at.is_(None),
            session.c.expires_at > now,
            session.c.public_id != except_,
        )
        .values(revoked_at=now)
    )
    return done.rowcount


def discard(conn: Connection, ended_before: datetime, seen_before: datetime) -> int:
    """Remove sessions that ended before a moment, or were seen last before another."""
    done = conn.execute(
        session.delete().where(
            (session.c.expires_at < ended_before)
            | (session.c.revoked_at < ended_before)
            | (session.c.seen_at < seen_before)
        )
    )
    return done.rowcount
