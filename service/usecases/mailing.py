"""Contacts of partners are told by mail what their partner was told: at once, or once a day.

What is mailed is made of the announcements themselves, from where a contact's last mail ended; so
there is nothing to be done, and nothing to be lost, when something is announced. A mail and the
mark that goes past what it tells are one transaction. It is then sent from an outbox: a worker
takes it for a while, hands it to the server, and notes what came of that. If it dies in between,
the mail is due again: it may come twice, it is never lost.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from service.config import Settings
from service.domain import mail as rules
from service.domain.mail import TURNS, Mail, MailState, Sender
from service.domain.partner_entry import Digest
from service.domain.webhook import pause
from service.errors import Invalid, Misconfigured
from service.store import digests, mails, public_ids
from service.store.db import Connection, Database
from service.store.digests import Due
from service.usecases import signing_links

log = structlog.get_logger(__name__)

# Seconds that the server may keep silent.
TIMEOUT = 30.0
# After which a mail that nothing was heard of is sent again.
_HELD = timedelta(minutes=10)
# How far back doctor looks for mail that was given up.
_RECENTLY = timedelta(days=7)
# Replies that speak of our settings and not of the recipient: who we are, and whether we signed in
# (RFC 4954, section 6).
_OURS = frozenset({530, 534, 535, 538})


def go_on(
    db: Database, settings: Settings, now: Callable[[], datetime], chance: Callable[[], float]
) -> bool:
    """Write one mail that is due to be written, and send one that is due to be sent.

    Returns whether there was anything. Without ``smtp_host`` there never is.
    """
    if not settings.smtp_host:
        return False
    written = compose(db, settings, now())
    return deliver(db, settings, now, chance) or written


def sender(settings: Settings) -> Sender:
    """Return who our mail is from."""
    return Sender(
        settings.repository_name,
        settings.mail_from or settings.admin_email,
        settings.admin_email,
        settings.base_url,
        settings.repository_identifier,
    )


# --- writing ------------------------------------------------------------------------------------


def compose(db: Database, settings: Settings, now: datetime) -> bool:
    """Put the mail of one contact whose turn it is into the outbox; return whether there was one.

    Safe to run from several workers.
    """
    for digest in TURNS:
        turn = TURNS[digest](now)
        with db.read() as conn:
            found = digests.due(conn, digest, *turn)
        if found is not None:
            with db.write() as conn:
                _write(conn, found, digest, settings, now)
            return True
    return False


def _write(conn: Connection, due: Due, digest: Digest, settings: Settings, now: datetime) -> None:
    turn = TURNS[digest](now)
    mark = digests.lock(conn, due)
    if mark is None or (mark.mailed_at is not None and mark.mailed_at > turn.mailed_until):
        return  # another worker was quicker
    news = digests.news(conn, due, mark, turn.before, rules.MOST)
    if news is None:
        return
    letter = rules.compose(
        news.latest,
        news.earlier,
        partner=(mark.code, mark.name),
        recipient=due.recipient,
        digest=digest,
        sender=sender(settings),
    )
    mails.add(conn, due.partner_id, due.recipient, letter, now)
    digests.move(conn, due, news.upto, now)


# --- sending ------------------------------------------------------------------------------------


class Refusal(NamedTuple):
    """Why a mail was not taken, for people; ``final`` if it will not be taken later either."""

    reason: str
    final: bool = False


def deliver(
    db: Database, settings: Settings, now: Callable[[], datetime], chance: Callable[[], float]
) -> bool:
    """Send the mail that is most overdue; return whether there was one.

    ``chance`` gives numbers from 0 to below 1.
    """
    with db.read() as conn:
        due = mails.due(conn, now())
    if due is None:
        return False
    with db.write() as conn:
        taken = mails.take(conn, due, now(), now() + _HELD)
    if taken is not None:
        refusal = _send(taken, settings)
        with db.write() as conn:
            _note(conn, taken, refusal, now(), chance())
    return True


def _note(
    conn: Connection, taken: Mail, refusal: Refusal | None, now: datetime, chance: float
) -> None:
    told = log.bind(mail=taken.public_id, attempts=taken.attempts)
    if refusal is None:
        mails.sent(conn, taken, now)
        told.info("mail_sent")
        return
    reason = rules.one_line(refusal.reason)
    if refusal.final or now - taken.created_at >= rules.TRIED_FOR:
        mails.failed(conn, taken, f"Given up: {reason}", None)
        told.warning("mail_given_up", reason=reason)
        return
    mails.failed(conn, taken, reason, now + pause(taken.attempts, chance))
    told.warning("mail_failed", reason=reason)


def _send(taken: Mail, settings: Settings) -> Refusal | None:
    """Send a mail; return why it was not taken, None if it was."""
    letter = rules.Letter(taken.subject, signing_links.filled(settings, taken.body))
    try:
        _hand_over(letter, taken.public_id, taken.recipient, taken.created_at, settings)
    except Invalid as error:
        return Refusal(error.detail, final=True)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = error.recipients[taken.recipient]
        return _answered(code, said)
    except smtplib.SMTPDataError as error:
        return _answered(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return Refusal(_explained(error))
    return None


def _answered(code: int, said: bytes | str) -> Refusal:
    """Return what the server's answer means: 5xx speaks of this mail, and stays so."""
    reason = f"the mail server answered {code} {_text(said)}"
    return Refusal(reason, final=500 <= code < 600 and code not in _OURS)


def _explained(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code} {_text(error.smtp_error)}"
    return f"the mail server cannot be used: {error or type(error).__name__}"


def _text(said: bytes | str) -> str:
    return said if isinstance(said, str) else said.decode("utf-8", "replace")


def _hand_over(
    letter: rules.Letter, name: str, recipient: str, now: datetime, settings: Settings
) -> None:
    """Give a letter to the server; whoever returns from here knows that it was taken."""
    message = rules.message(
        letter, name=name, recipient=recipient, sender=sender(settings), now=now
    )
    server = smtplib.SMTP(
        settings.smtp_host,
        settings.smtp_port,
        local_hostname=settings.repository_identifier,
        timeout=TIMEOUT,
    )
    try:
        if settings.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        server.send_message(message)
        # It was taken; how the server says goodbye makes no difference to that.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


# --- looking ------------------------------------------------------------------------------------


class Outlook(NamedTuple):
    """How mail fares: what waits, what was given up in the last week, who wants to be told."""

    waiting: int
    given_up: int
    contacts: int


def outlook(db: Database, now: datetime) -> Outlook:
    """Return how mail fares."""
    with db.read() as conn:
        return Outlook(*mails.counts(conn, now - _RECENTLY), digests.wanted(conn))


def list_mails(
    db: Database, state: MailState | None = None, before: str = "", limit: int = 50
) -> list[Mail]:
    """Return mails, newest first, older than the public id ``before``; of one state if said."""
    with db.read() as conn:
        return mails.listed(conn, state, before, limit)


def try_out(settings: Settings, address: str, now: datetime) -> None:
    """Send a letter to ``address`` at once, past the outbox.

    Raises ``Invalid`` for what is no address, ``Misconfigured`` when the server does not take it.
    """
    rules.check_address(address)
    if not settings.smtp_host:
        raise Misconfigured("setting 'smtp_host' is not set: no mail is sent")
    letter, name = rules.trial(sender(settings)), public_ids.new()
    try:
        _hand_over(letter, name, address, now, settings)
    except smtplib.SMTPRecipientsRefused as error:
        raise Misconfigured(_answered(*error.recipients[address]).reason) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Misconfigured(_explained(error)) from error
