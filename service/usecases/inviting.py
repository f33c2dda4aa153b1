"""People are let in by links: to accept an invitation, to set a new password, to sign in.

A link is made for one account and one purpose, is used once, and ends by itself. Looking at what it
opens changes nothing, since programs look at mail before people do.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from service.config import Settings
from service.domain import account_letter
from service.domain.account import LASTS, Purpose
from service.domain.audit_entry import COMMAND_LINE
from service.domain.permission import Role
from service.errors import Conflict, Invalid, NotFound
from service.store import account_links, accounts, audit_log, mails
from service.store.account_links import Link
from service.store.accounts import Credentials
from service.store.db import Connection, Database
from service.usecases import changing_passwords, mailing, opening_sessions, signing_links
from service.usecases.hashing_passwords import Hasher
from service.usecases.opening_sessions import Opened
from service.usecases.staffing import KIND, known_account


class Made(NamedTuple):
    """A link that was made: its address, shown once; where it was mailed to, ``""`` if nowhere."""

    address: str
    until: datetime
    mailed_to: str


def invite(
    db: Database, settings: Settings, name: str, now: datetime, *, by: str = COMMAND_LINE
) -> Made:
    """Make a link by which somebody takes an account over; mail it where there is an address.

    Raises ``NotFound``, and ``Conflict`` for an account that is disabled or was taken over.
    """
    with db.write() as conn:
        found = accounts.credentials_of(conn, known_account(conn, name))
        if found.password:
            raise Conflict(f"{name!r} was taken over already; make a link for a new password")
        return _make(conn, settings, found, Purpose.INVITATION, now, by)


def reset(
    db: Database, settings: Settings, name: str, now: datetime, *, by: str = COMMAND_LINE
) -> Made:
    """Make a link by which somebody sets a new password; the old one goes on until then.

    Raises ``NotFound``, and ``Conflict`` for an account that is disabled.
    """
    with db.write() as conn:
        found = accounts.credentials_of(conn, known_account(conn, name))
        return _make(conn, settings, found, Purpose.RESET, now, by)


def ask(db: Database, settings: Settings, who: str, *, address: str, now: datetime) -> None:
    """Mail a link to whoever has this name or e-mail address: a partner's people sign in by it, the
    staff set a new password.

    Nothing tells whether there is such an account. Raises ``TooSoon``.
    """
    who = who.strip()
    opening_sessions.count_asking(db, who, address, now)
    with db.write() as conn:
        by_name = accounts.credentials(conn, who)
        for found in [by_name] if by_name else accounts.by_email(conn, who):
            if found.email and found.disabled_at is None:
                _make(conn, settings, found, _asked_for(found), now, by="")


def _asked_for(found: Credentials) -> Purpose:
    if found.role is Role.PARTNER:
        return Purpose.SIGN_IN
    return Purpose.RESET if found.password else Purpose.INVITATION


def _make(
    conn: Connection,
    settings: Settings,
    found: Credentials,
    purpose: Purpose,
    now: datetime,
    by: str,
) -> Made:
    """Make a link, and put it into the outbox; ``by`` is ``""`` for whoever asks without a name."""
    if found.disabled_at is not None:
        raise Conflict(f"{found.name!r} is disabled: enable the account first")
    until = now + LASTS[purpose]
    public_id = account_links.add(conn, found.id, purpose, now, until)
    mailed_to = found.email if settings.smtp_host else ""
    if mailed_to:
        letter = account_letter.compose(
            purpose, public_id, name=found.name, sender=mailing.sender(settings)
        )
        mails.add(conn, found.partner_id, mailed_to, letter, now)
    if by:
        told = {"purpose": purpose.value} | ({"mailed_to": mailed_to} if mailed_to else {})
        audit_log.write(
            conn, by=by, action="made a link for", kind=KIND, name=found.name, now=now, after=told
        )
    return Made(signing_links.address(settings, public_id), until, mailed_to)


# --- a link is opened -----------------------------------------------------------------------------


class Invited(NamedTuple):
    """What a link opens, before it is used. ``may_skip``: a password may be left out."""

    name: str
    full_name: str
    purpose: Purpose
    may_skip: bool


def look(db: Database, settings: Settings, given: str, now: datetime) -> Invited:
    """Return what a link opens; raise ``NotFound`` for one that opens nothing (any more)."""
    public_id = signing_links.opened(settings, given)
    with db.read() as conn:
        link = _usable(conn, public_id, now)
        found = accounts.described(conn, link.account_id, now)
    skips = found.role is Role.PARTNER and bool(found.email and settings.smtp_host)
    return Invited(found.name, found.full_name, link.purpose, skips)


def accept(
    db: Database,
    settings: Settings,
    hasher: Hasher,
    given: str,
    password: str = "",
    *,
    browser: str = "",
    now: datetime,
) -> Opened:
    """Use a link: the account has this password then, its other sessions are closed, one is opened.

    A link to sign in needs no password and changes none. Raises ``NotFound`` for one that opens
    nothing, ``Invalid`` for a password that cannot be, ``Busy``.
    """
    invited = look(db, settings, given, now)
    without = invited.purpose is Purpose.SIGN_IN or (invited.may_skip and not password)
    made = "" if without else _hashed(hasher, settings, invited.name, password)
    public_id = signing_links.opened(settings, given)
    with db.write() as conn:
        link = _usable(conn, public_id, now)
        accounts.hold(conn, link.account_id)
        found = accounts.credentials_of(conn, link.account_id)
        if found.disabled_at is not None or not account_links.use(conn, link.id, now):
            raise NotFound("this link was used, or is too old")
        if made:
            by = _calls_itself(conn, found)
            changing_passwords.replace(conn, found.id, found.password, made, now, by=by)
        return opening_sessions.open_session(conn, found.id, browser, now)


def _hashed(hasher: Hasher, settings: Settings, name: str, password: str) -> str:
    if not password:
        raise Invalid("choose a password", field="password")
    library = settings.repository_name
    return changing_passwords.hashed(hasher, password, name=name, library=library)


def _calls_itself(conn: Connection, found: Credentials) -> str:
    return opening_sessions.caller_of(conn, found.id).name


def _usable(conn: Connection, public_id: str, now: datetime) -> Link:
    link = account_links.usable(conn, public_id, now)
    if link is None:
        raise NotFound("this link was used, or is too old")
    return link
