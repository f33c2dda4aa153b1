"""Links by which an account is opened once: to accept an invitation, to reset, to sign in."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.account import Purpose
from service.store import public_ids
from service.store.tables import account, account_link


class Link(NamedTuple):
    """A link that can be used."""

    id: int
    account_id: int
    purpose: Purpose


def add(
    conn: Connection, account_id: int, purpose: Purpose, now: datetime, expires_at: datetime
) -> str:
    """Enter a link and return its public id; earlier ones for the same purpose open no more."""
    withdraw(conn, account_id, purpose)
    public_id = public_ids.new()
    conn.execute(
        account_link.insert().values(
            public_id=public_id,
            account_id=account_id,
            purpose=purpose.value,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return public_id


def usable(conn: Connection, public_id: str, now: datetime) -> Link | None:
    """Return a link that can be used now; None for one that was, is too old or of nobody here."""
    row = conn.execute(
        sa.select(account_link.c.id, account_link.c.account_id, account_link.c.purpose)
        .join(account, account.c.id == account_link.c.account_id)
        .where(
            account_link.c.public_id == public_id,
            account_link.c.used_at.is_(None),
            account_link.c.expires_at > now,
            account.c.disabled_at.is_(None),
        )
    ).first()
    return None if row is None else Link(row.id, row.account_id, Purpose(row.purpose))


def use(conn: Connection, link_id: int, now: datetime) -> bool:
    """Use a link; return False where somebody did before."""
    done = conn.execute(
        account_link.update()
        .where(account_link.c.id == link_id, account_link.c.used_at.is_(None))
        .values(used_at=now)
    )
    return done.rowcount == 1


def withdraw(conn: Connection, account_id: int, purpose: Purpose | None = None) -> None:
    """Let the links of an account that were not used open nothing; of one purpose if said."""
    where = [account_link.c.account_id == account_id, account_link.c.used_at.is_(None)]
    if purpose is not None:
        where.append(account_link.c.purpose == purpose.value)
    conn.execute(account_link.delete().where(*where))


def discard(conn: Connection, expired_before: datetime) -> int:
    """Remove links that could not be used any more since a moment."""
    done = conn.execute(account_link.delete().where(account_link.c.expires_at < expired_before))
    return done.rowcount
