"""Who is calling: tokens for the machines of partners and staff, made once and shown once.

A token is ``bb_`` and 32 random bytes; only its SHA-256 is kept. Partners may present it as a
bearer token or, for software that knows nothing else, over HTTP Basic with their code as the name.
People sign in by :mod:`service.usecases.opening_sessions`; they are callers of the same kind.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from service.domain.audience import PUBLIC
from service.domain.audit_entry import COMMAND_LINE
from service.domain.partner import Partner, PartnerState
from service.domain.permission import Role
from service.errors import Busy, Invalid, NotFound, Unauthenticated
from service.store import accounts, api_tokens, audiences, audit_log, partners
from service.store.api_tokens import ApiToken, Known, TokenOwner
from service.store.db import Connection, Database, DatabaseError
from service.usecases.enrolling import known_partner
from service.usecases.staffing import known_account

log = structlog.get_logger(__name__)

TOKEN_PREFIX = "bb_"  # noqa: S105 - it marks tokens, so that a leaked one is recognised
# That a token is used is noted once in so long.
_NOTED: Final = timedelta(hours=1)
# Milliseconds that noting it may wait: whoever calls has come for something else.
_PATIENCE: Final = 50
_LONGEST_LABEL: Final = 100


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: a partner, a member of the staff, or nobody we know.

    ``account`` is the name of a person who signed in, ``""`` for a machine with a token; ``locale``
    is the language that the person chose, ``""`` for none.
    """

    partner: Partner | None = None
    staff: str = ""
    staff_role: Role | None = None
    audiences: frozenset[int] = frozenset({PUBLIC})
    account: str = ""
    locale: str = ""

    @property
    def name(self) -> str:
        """How the audit log calls the caller; of a partner's person it tells both."""
        if self.partner is None:
            return f"staff:{self.staff}"
        person = f"/{self.account}" if self.account else ""
        return f"partner:{self.partner.code}{person}"

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


# --- tokens are made and revoked ------------------------------------------------------------------


def issue_partner_token(
    db: Database, code: str, label: str, now: datetime, *, by: str = COMMAND_LINE
) -> str:
    """Make a token for a partner and return it; it cannot be shown again."""
    with db.write() as conn:
        found = known_partner(conn, code)
        return _issue(conn, TokenOwner(found.id, None), f"partner:{found.code}", label, by, now)


def issue_staff_token(
    db: Database, name: str, label: str, now: datetime, *, by: str = COMMAND_LINE
) -> str:
    """Make a token for a member of the staff and return it; it cannot be shown again.

    Raises ``Invalid`` for a partner's person: the tokens of a partner are its own.
    """
    with db.write() as conn:
        found = known_account(conn, name)
        if accounts.calls_as(conn, found).role is Role.PARTNER:
            raise Invalid(f"{name!r} belongs to a partner: make a token for the partner")
        return _issue(conn, TokenOwner(None, found), f"staff:{name}", label, by, now)


def revoke_partner_tokens(db: Database, code: str, now: datetime, *, by: str = COMMAND_LINE) -> int:
    """Revoke all tokens of a partner; return how many there were."""
    with db.write() as conn:
        found = known_partner(conn, code)
        number = api_tokens.revoke_all(conn, TokenOwner(found.id, None), now)
        _keep(conn, "revoked", f"partner:{found.code}", {"tokens": number}, by, now)
        return number


def revoke_staff_tokens(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> int:
    """Revoke all tokens of a member of the staff; return how many there were."""
    with db.write() as conn:
        found = known_account(conn, name)
        number = api_tokens.revoke_all(conn, TokenOwner(None, found), now)
        _keep(conn, "revoked", f"staff:{name}", {"tokens": number}, by, now)
        return number


# --- whoever signed in sees to the own tokens -----------------------------------------------------


def own_tokens(db: Database, caller: Caller, now: datetime) -> list[ApiToken]:
    """Return the tokens that stand of whoever signed in; a partner's person sees the partner's."""
    with db.read() as conn:
        owner, _ = _own(conn, caller)
        return api_tokens.listed(conn, owner, now)


def issue_own_token(
    db: Database,
    caller: Caller,
    label: str,
    now: datetime,
    *,
    lasts: timedelta | None = None,
) -> str:
    """Make a token for whoever signed in, or for its partner, and return it: once.

    It can be used for as long as it ``lasts``, None: until it is revoked. Raises ``Invalid``.
    """
    label = " ".join(label.split())
    if not label or len(label) > _LONGEST_LABEL:
        raise Invalid(
            f"say what the token is for, in at most {_LONGEST_LABEL} characters", field="label"
        )
    until = None if lasts is None else now + lasts
    with db.write() as conn:
        owner, holder = _own(conn, caller)
        return _issue(conn, owner, holder, label, caller.name, now, until)


def revoke_own_token(db: Database, caller: Caller, public_id: str, now: datetime) -> None:
    """Revoke one token of whoever signed in, or of its partner; raise ``NotFound``."""
    with db.write() as conn:
        owner, holder = _own(conn, caller)
        label = api_tokens.revoke(conn, owner, public_id, now)
        if label is None:
            raise NotFound("there is no such token")
        _keep(conn, "revoked", holder, {"tokens": 1, "label": label}, caller.name, now)


def _own(conn: Connection, caller: Caller) -> tuple[TokenOwner, str]:
    if caller.partner is not None:
        return TokenOwner(caller.partner.id, None), f"partner:{caller.partner.code}"
    return TokenOwner(None, known_account(conn, caller.staff)), f"staff:{caller.staff}"


def _issue(
    conn: Connection,
    owner: TokenOwner,
    holder: str,
    label: str,
    by: str,
    now: datetime,
    until: datetime | None = None,
) -> str:
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    api_tokens.keep(conn, owner, _digest(token), label, now, until)
    _keep(conn, "issued", holder, {"label": label}, by, now)
    return token


def _keep(
    conn: Connection, action: str, holder: str, told: dict[str, Any], by: str, now: datetime
) -> None:
    """Enter in the audit log that ``holder`` was given tokens or lost them; never a token."""
    audit_log.write(conn, by=by, action=action, kind="token", name=holder, now=now, after=told)


# --- a token is presented -------------------------------------------------------------------------


def identify(db: Database, token: str, user: str = "", *, now: datetime) -> Caller:
    """Return whose ``token`` this is; ``user`` is the name sent beside it over HTTP Basic.

    Raises ``Unauthenticated`` without saying whether the token or the name was wrong.
    """
    with db.read() as conn:
        known = api_tokens.known(conn, _digest(token), now)
        caller = None if known is None else _caller(conn, known.owner)
    name = "" if caller is None else caller.partner.code if caller.partner else caller.staff
    wrong_name = user and not hmac.compare_digest(user.encode(), name.encode())
    if known is None or caller is None or wrong_name:
        raise Unauthenticated("the token is unknown or was revoked; ask for a new one")
    _note_use(db, known, now)
    return caller


def _caller(conn: Connection, owner: TokenOwner) -> Caller:
    if owner.partner_id is not None:
        return as_partner(conn, owner.partner_id)
    assert owner.account_id is not None  # noqa: S101 - the table says so
    found = accounts.calls_as(conn, owner.account_id)
    return Caller(staff=found.name, staff_role=found.role)


def as_partner(conn: Connection, partner_id: int, *, account: str = "", locale: str = "") -> Caller:
    """Return a partner as a caller; while the exchange is suspended it sees what anybody sees."""
    partner = partners.by_id(conn, partner_id)
    suspended = partner.state is PartnerState.SUSPENDED
    sees = ANONYMOUS.audiences if suspended else audiences.standing(conn, partner.id)
    return Caller(partner=partner, audiences=sees, account=account, locale=locale)


def _note_use(db: Database, known: Known, now: datetime) -> None:
    """Note that a token was used; where that cannot be written now, the next use notes it."""
    before = now - _NOTED
    if known.used_at is not None and known.used_at > before:
        return
    try:
        with db.write(_PATIENCE) as conn:
            api_tokens.used(conn, known.id, before, now)
    except (Busy, DatabaseError) as error:
        log.info("use_of_token_not_noted", reason=str(error))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
