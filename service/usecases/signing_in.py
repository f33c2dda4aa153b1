"""Who is calling: tokens for the machines of partners and staff, made once and shown once.

A token is ``bb_`` and 32 random bytes; only its SHA-256 is kept. Partners may present it as a
bearer token or, for software that knows nothing else, over HTTP Basic with their code as the name.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.domain.audience import PUBLIC
from service.domain.audit_entry import COMMAND_LINE
from service.domain.partner import Partner, PartnerState
from service.domain.permission import Role
from service.errors import Unauthenticated
from service.store import accounts, audiences, audit_log, partners
from service.store.accounts import TokenOwner
from service.store.db import Connection, Database
from service.usecases.enrolling import known_partner
from service.usecases.staffing import known_account

TOKEN_PREFIX = "bb_"  # noqa: S105 - it marks tokens, so that a leaked one is recognised


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: a partner, a member of the staff, or nobody we know."""

    partner: Partner | None = None
    staff: str = ""
    staff_role: Role | None = None
    audiences: frozenset[int] = frozenset({PUBLIC})

    @property
    def name(self) -> str:
        """How the audit log calls the caller."""
        return f"partner:{self.partner.code}" if self.partner else f"staff:{self.staff}"

    @property
    def role(self) -> Role:
        """As what the caller acts: its row in the table of permissions."""
        return self.staff_role or (Role.PARTNER if self.partner else Role.ANONYMOUS)

    @property
    def active(self) -> Partner | None:
        """The partner, if the exchange with it runs: one that is suspended is as anybody."""
        here = self.partner is not None and self.partner.state is PartnerState.ACTIVE
        return self.partner if here else None


ANONYMOUS = Caller()


def issue_partner_token(
    db: Database, code: str, label: str, now: datetime, *, by: str = COMMAND_LINE
) -> str:
    """Make a token for a partner and return it; it cannot be shown again."""
    with db.write() as conn:
        found = known_partner(conn, code)
        token, digest = _new_token()
        accounts.keep_token(conn, TokenOwner(found.id, None), digest, label, now)
        _keep(conn, "issued", f"partner:{found.code}", {"label": label}, by, now)
    return token


def issue_staff_token(
    db: Database, name: str, label: str, now: datetime, *, by: str = COMMAND_LINE
) -> str:
    """Make a token for a member of the staff and return it; it cannot be shown again."""
    with db.write() as conn:
        found = known_account(conn, name)
        token, digest = _new_token()
        accounts.keep_token(conn, TokenOwner(None, found), digest, label, now)
        _keep(conn, "issued", f"staff:{name}", {"label": label}, by, now)
    return token


def revoke_partner_tokens(db: Database, code: str, now: datetime, *, by: str = COMMAND_LINE) -> int:
    """Revoke all tokens of a partner; return how many there were."""
    with db.write() as conn:
        found = known_partner(conn, code)
        number = accounts.revoke_tokens(conn, TokenOwner(found.id, None), now)
        _keep(conn, "revoked", f"partner:{found.code}", {"tokens": number}, by, now)
        return number


def revoke_staff_tokens(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> int:
    """Revoke all tokens of a member of the staff; return how many there were."""
    with db.write() as conn:
        found = known_account(conn, name)
        number = accounts.revoke_tokens(conn, TokenOwner(None, found), now)
        _keep(conn, "revoked", f"staff:{name}", {"tokens": number}, by, now)
        return number


def _keep(
    conn: Connection, action: str, holder: str, told: dict[str, Any], by: str, now: datetime
) -> None:
    """Enter in the audit log that ``holder`` was given tokens or lost them; never a token."""
    audit_log.write(conn, by=by, action=action, kind="token", name=holder, now=now, after=told)


def identify(db: Database, token: str, user: str = "") -> Caller:
    """Return whose ``token`` this is; ``user`` is the name sent beside it over HTTP Basic.

    Raises ``Unauthenticated`` without saying whether the token or the name was wrong.
    """
    with db.read() as conn:
        owner = accounts.owner_of_token(conn, _digest(token))
        caller = None
        if owner is not None and owner.partner_id is not None:
            partner = partners.by_id(conn, owner.partner_id)
            caller = Caller(partner=partner, audiences=_sees(conn, partner))
        elif owner is not None and owner.account_id is not None:
            staff, role = accounts.calls_as(conn, owner.account_id)
            caller = Caller(staff=staff, staff_role=role)
    name = "" if caller is None else caller.partner.code if caller.partner else caller.staff
    if caller is None or (user and not hmac.compare_digest(user.encode(), name.encode())):
        raise Unauthenticated("the token is unknown or was revoked; ask for a new one")
    return caller


def _sees(conn: Connection, partner: Partner) -> frozenset[int]:
    """Return the audiences of a partner; while the exchange is suspended it is as anybody."""
    if partner.state is PartnerState.SUSPENDED:
        return ANONYMOUS.audiences
    return audiences.standing(conn, partner.id)


def _new_token() -> tuple[str, bytes]:
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return token, _digest(token)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
