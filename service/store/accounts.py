"""Accounts: who signs in, as what, and what only whoever signs in knows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.account import Account
from service.domain.permission import Role
from service.errors import Conflict
from service.store import public_ids
from service.store.tables import account, api_token, partner, session


class Credentials(NamedTuple):
    """What signing in looks at; ``password`` is its argon2id hash, ``""`` before there is one."""

    id: int
    name: str
    role: Role
    partner_id: int | None
    password: str
    email: str
    disabled_at: datetime | None


_CREDENTIALS = sa.select(
    account.c.id,
    account.c.name,
    account.c.role,
    account.c.partner_id,
    account.c.password,
    account.c.email,
    account.c.disabled_at,
)


def add(
    conn: Connection,
    name: str,
    role: Role,
    now: datetime,
    *,
    partner_id: int | None = None,
    full_name: str = "",
    email: str = "",
    password: str = "",
) -> int:
    """Enter an account; raise ``Conflict`` when the name is taken."""
    try:
        with conn.begin_nested():
            row = conn.execute(
                account.insert()
                .values(
                    public_id=public_ids.new(),
                    name=name,
                    role=role.value,
                    partner_id=partner_id,
                    full_name=full_name,
                    email=email,
                    password=password,
                    created_at=now,
                )
                .returning(account.c.id)
            )
            return int(row.scalar_one())
    except IntegrityError as error:
        raise Conflict(f"there is already an account named {name!r}") from error


def by_name(conn: Connection, name: str) -> int | None:
    """Return the account of this name, or None."""
    found = conn.execute(sa.select(account.c.id).where(account.c.name == name)).scalar()
    return None if found is None else int(found)


def credentials(conn: Connection, name: str) -> Credentials | None:
    """Return what signing in under a name looks at, or None."""
    return _credentials(conn.execute(_CREDENTIALS.where(account.c.name == name)).first())


def credentials_of(conn: Connection, account_id: int) -> Credentials:
    """Return what signing in as an account looks at."""
    found = _credentials(conn.execute(_CREDENTIALS.where(account.c.id == account_id)).first())
    assert found is not None  # noqa: S101 - a row is never removed
    return found


def by_email(conn: Connection, email: str) -> list[Credentials]:
    """Return the accounts that have this address, whatever its case."""
    rows = conn.execute(
        _CREDENTIALS.where(sa.func.lower(account.c.email) == email.lower(), account.c.email != "")
        .order_by(account.c.id)
        .limit(20)
    )
    return [found for row in rows if (found := _credentials(row)) is not None]


def _credentials(row: Any) -> Credentials | None:
    return None if row is None else Credentials(*row)._replace(role=Role(row.role))


class CallsAs(NamedTuple):
    """As what an account calls."""

    name: str
    role: Role
    partner_id: int | None
    locale: str


def calls_as(conn: Connection, account_id: int) -> CallsAs:
    """Return as what an account calls."""
    row = conn.execute(
        sa.select(account.c.name, account.c.role, account.c.partner_id, account.c.locale).where(
            account.c.id == account_id
        )
    ).one()
    return CallsAs(row.name, Role(row.role), row.partner_id, row.locale)


def hold(conn: Connection, account_id: int) -> None:
    """Let nobody else change an account until the transaction ends."""
    conn.execute(sa.select(account.c.id).where(account.c.id == account_id).with_for_update())


def change_role(conn: Connection, account_id: int, before: Role, after: Role) -> bool:
    """Let an account act in another role; return False when it was not in ``before``."""
    return _changed(conn, account_id, account.c.role == before.value, role=after.value)


def change_password(conn: Connection, account_id: int, before: str, after: str) -> bool:
    """Give an account another hash; return False when it did not have ``before`` any more."""
    return _changed(conn, account_id, account.c.password == before, password=after)


def disable(conn: Connection, account_id: int, now: datetime) -> bool:
    """Let nobody sign in as an account; return False when nobody could."""
    return _changed(conn, account_id, account.c.disabled_at.is_(None), disabled_at=now)


def enable(conn: Connection, account_id: int) -> bool:
    """Let an account sign in again; return False when it could."""
    return _changed(conn, account_id, account.c.disabled_at.is_not(None), disabled_at=None)


def describe(conn: Connection, account_id: int, **values: str) -> None:
    """Change what an account is told by: full_name, email, locale."""
    _changed(conn, account_id, sa.true(), **values)


def _changed(
    conn: Connection, account_id: int, guard: sa.ColumnElement[bool], **values: Any
) -> bool:
    done = conn.execute(account.update().where(account.c.id == account_id, guard).values(**values))
    return done.rowcount == 1


def described(conn: Connection, account_id: int, now: datetime) -> Account:
    """Return an account as people see it."""
    return _account(conn.execute(_described(now).where(account.c.id == account_id)).one())


def listed(
    conn: Connection, after: str, limit: int, now: datetime, *, partner_id: int | None = None
) -> list[Account]:
    """Return up to ``limit`` accounts by name behind ``after``; of one partner if said."""
    query = _described(now).where(account.c.name > after).order_by(account.c.name).limit(limit)
    if partner_id is not None:
        query = query.where(account.c.partner_id == partner_id)
    return [_account(row) for row in conn.execute(query)]


def _described(now: datetime) -> sa.Select[Any]:
    tokens = (
        sa.select(sa.func.count())
        .select_from(api_token)
        .where(api_token.c.account_id == account.c.id, api_token.c.revoked_at.is_(None))
        .scalar_subquery()
    )
    sessions = (
        sa.select(sa.func.count())
        .select_from(session)
        .where(
            session.c.account_id == account.c.id,
            session.c.revoked_at.is_(None),
            session.c.expires_at > now,
        )
        .scalar_subquery()
    )
    return sa.select(
        account,
        sa.func.coalesce(partner.c.code, "").label("partner"),
        tokens.label("tokens"),
        sessions.label("sessions"),
    ).outerjoin(partner, partner.c.id == account.c.partner_id)


def _account(row: Any) -> Account:
    return Account(
        name=row.name,
        role=Role(row.role),
        partner=row.partner,
        full_name=row.full_name,
        email=row.email,
        locale=row.locale,
        has_password=row.password != "",
        sessions=row.sessions,
        tokens=row.tokens,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
    )
