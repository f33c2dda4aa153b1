"""Staff accounts, and the tokens by which machines of partners and staff identify themselves.

Only the SHA-256 of a token is kept: a token has 32 random bytes, so a slow hash would add nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.permission import Role
from service.errors import Conflict
from service.store import public_ids
from service.store.tables import account, api_token


class TokenOwner(NamedTuple):
    """Whose token it is: exactly one of the two is set."""

    partner_id: int | None
    account_id: int | None


class Staff(NamedTuple):
    """A member of the staff; ``tokens`` counts those that are not revoked."""

    name: str
    role: Role
    tokens: int
    created_at: datetime


def add(conn: Connection, name: str, role: Role, now: datetime) -> int:
    """Enter a member of the staff; raise ``Conflict`` when the name is taken."""
    try:
        with conn.begin_nested():
            row = conn.execute(
                account.insert()
                .values(public_id=public_ids.new(), name=name, role=role.value, created_at=now)
                .returning(account.c.id)
            )
            return int(row.scalar_one())
    except IntegrityError as error:
        raise Conflict(f"there is already an account named {name!r}") from error


def by_name(conn: Connection, name: str) -> int | None:
    """Return the account of this name, or None."""
    found = conn.execute(sa.select(account.c.id).where(account.c.name == name)).scalar()
    return None if found is None else int(found)


def calls_as(conn: Connection, account_id: int) -> tuple[str, Role]:
    """Return the name and the role of an account."""
    row = conn.execute(
        sa.select(account.c.name, account.c.role).where(account.c.id == account_id)
    ).one()
    return row.name, Role(row.role)


def change_role(conn: Connection, account_id: int, before: Role, after: Role) -> bool:
    """Let an account act in another role; return False when it was not in ``before``."""
    done = conn.execute(
        account.update()
        .where(account.c.id == account_id, account.c.role == before.value)
        .values(role=after.value)
    )
    return done.rowcount == 1


def listed(conn: Connection, after: str, limit: int) -> list[Staff]:
    """Return up to ``limit`` members of the staff by name, behind ``after``."""
    tokens = (
        sa.select(sa.func.count())
        .select_from(api_token)
        .where(api_token.c.account_id == account.c.id, api_token.c.revoked_at.is_(None))
        .scalar_subquery()
    )
    rows = conn.execute(
        sa.select(account.c.name, account.c.role, tokens, account.c.created_at)
        .where(account.c.name > after)
        .order_by(account.c.name)
        .limit(limit)
    )
    return [Staff(name, Role(role), number, made) for name, role, number, made in rows]


def keep_token(
    conn: Connection, owner: TokenOwner, digest: bytes, label: str, now: datetime
) -> None:
    """Keep the SHA-256 of a new token."""
    conn.execute(
        api_token.insert().values(
            partner_id=owner.partner_id,
            account_id=owner.account_id,
            digest=digest,
            label=label,
            created_at=now,
        )
    )


def owner_of_token(conn: Connection, digest: bytes) -> TokenOwner | None:
    """Return whose token has this SHA-256, unless there is none or it was revoked."""
    row = conn.execute(
        sa.select(api_token.c.partner_id, api_token.c.account_id).where(
            api_token.c.digest == digest, api_token.c.revoked_at.is_(None)
        )
    ).first()
    return None if row is None else TokenOwner(row.partner_id, row.account_id)


def revoke_tokens(conn: Connection, owner: TokenOwner, now: datetime) -> int:
    """Revoke every token of ``owner``; return how many there were."""
    mine = (
        api_token.c.partner_id == owner.partner_id
        if owner.partner_id is not None
        else api_token.c.account_id == owner.account_id
    )
    done = conn.execute(
        api_token.update().where(mine, api_token.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return done.rowcount
