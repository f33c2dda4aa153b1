"""The tokens by which machines of partners and staff identify themselves.

Only the SHA-256 of a token is kept: a token has 32 random bytes, so a slow hash would add nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.store import public_ids
from service.store.tables import account, api_token


class TokenOwner(NamedTuple):
    """Whose token it is: exactly one of the two is set."""

    partner_id: int | None
    account_id: int | None


class Known(NamedTuple):
    """A token that stands: its row, whose it is, and when it was used last (UTC)."""

    id: int
    owner: TokenOwner
    used_at: datetime | None


class ApiToken(NamedTuple):
    """A token as its owner sees it: never the token itself. Moments are UTC."""

    public_id: str
    label: str
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


def keep(
    conn: Connection,
    owner: TokenOwner,
    digest: bytes,
    label: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Keep the SHA-256 of a new token."""
    conn.execute(
        api_token.insert().values(
            public_id=public_ids.new(),
            partner_id=owner.partner_id,
            account_id=owner.account_id,
            digest=digest,
            label=label,
            created_at=now,
            expires_at=expires_at,
        )
    )


def known(conn: Connection, digest: bytes, now: datetime) -> Known | None:
    """Return whose token has this SHA-256, if it stands and who has it is not disabled."""
    row = conn.execute(
        sa.select(
            api_token.c.id, api_token.c.partner_id, api_token.c.account_id, api_token.c.used_at
        )
        .outerjoin(account, account.c.id == api_token.c.account_id)
        .where(api_token.c.digest == digest, account.c.disabled_at.is_(None), _stands(now))
    ).first()
    if row is None:
        return None
    return Known(row.id, TokenOwner(row.partner_id, row.account_id), row.used_at)


def used(conn: Connection, token_id: int, before: datetime, now: datetime) -> None:
    """Note that a token was used, unless that was noted after ``before``."""
    conn.execute(
        api_token.update()
        .where(
            api_token.c.id == token_id,
            api_token.c.used_at.is_(None) | (api_token.c.used_at <= before),
        )
        .values(used_at=now)
    )


def listed(conn: Connection, owner: TokenOwner, now: datetime) -> list[ApiToken]:
    """Return the tokens of ``owner`` that stand, oldest first."""
    rows = conn.execute(
        sa.select(
            api_token.c.public_id,
            api_token.c.label,
            api_token.c.created_at,
            api_token.c.used_at,
            api_token.c.expires_at,
        )
        .where(_of(owner), _stands(now))
        .order_by(api_token.c.id)
    )
    return [ApiToken(*row) for row in rows]


def revoke(conn: Connection, owner: TokenOwner, public_id: str, now: datetime) -> str | None:
    """Revoke one token of ``owner``; return its label, or None where it has no such token."""
    label = conn.execute(
        api_token.update()
        .where(_of(owner), api_token.c.public_id == public_id, api_token.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(api_token.c.label)
    ).scalar()
    return None if label is None else str(label)


def revoke_all(conn: Connection, owner: TokenOwner, now: datetime) -> int:
    """Revoke every token of ``owner``; return how many there were."""
    done = conn.execute(
        api_token.update()
        .where(_of(owner), api_token.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return done.rowcount


def _of(owner: TokenOwner) -> sa.ColumnElement[bool]:
    if owner.partner_id is not None:
        return api_token.c.partner_id == owner.partner_id
    return api_token.c.account_id == owner.account_id


def _stands(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        api_token.c.revoked_at.is_(None),
        api_token.c.expires_at.is_(None) | (api_token.c.expires_at > now),
    )
