"""Partners are told what happened: kept with its cause, delivered to webhooks, listed in a feed.

``announce`` is called by other use-cases inside their transaction, so that nothing is told that did
not happen and nothing that happened is untold. A worker delivers from the outbox: it takes a
delivery for a while, sends it, and notes what came of it. If it dies in between, the delivery is
due again: it may come twice, it is never lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from oai.fetching import Unreached
from service.config import Settings
from service.domain import announcement
from service.domain import webhook as rules
from service.domain.announcement import Announcement
from service.domain.audit_entry import COMMAND_LINE
from service.domain.partner import Partner
from service.domain.webhook import Webhook
from service.errors import BookbridgeError, Conflict, NotFound
from service.store import audit_log, digests, partners, public_ids, webhooks
from service.store.db import Connection, Database
from service.store.webhooks import Delivery

log = structlog.get_logger(__name__)

# Webhooks that one partner may have.
MOST = 10
# Seconds that a receiver may take to answer.
TIMEOUT = 10.0
# After which a delivery that nothing was heard of is made again.
_HELD = timedelta(seconds=60)


class Added(NamedTuple):
    """A new webhook, and its secret: this is the only time that it is shown."""

    webhook: Webhook
    secret: str


def announce(
    conn: Connection, partner_id: int, event: str, body: Mapping[str, Any], now: datetime
) -> None:
    """Tell a partner what happened, in the transaction in which it happens.

    ``body`` has ids, days and figures, no titles; :mod:`service.domain.announcement` says of each
    event what it needs. Raises ``KeyError`` where one of these is missing.
    """
    announcement.check(event, body)
    partner_id = partners.survivors(conn, [partner_id]).get(partner_id, partner_id)
    digests.hold(conn, partner_id)
    webhooks.announce(conn, partner_id, event, body, now)


def announcements(db: Database, partner: Partner, before: str, limit: int) -> list[Announcement]:
    """Return what a partner was told, newest first, older than ``before``."""
    with db.read() as conn:
        return webhooks.announcements(conn, partner.id, before, limit)


# --- webhooks -----------------------------------------------------------------------------------


def add_webhook(
    db: Database,
    settings: Settings,
    partner: Partner,
    url: str,
    now: datetime,
    *,
    by: str = COMMAND_LINE,
) -> Added:
    """Enter a webhook of a partner and make its secret.

    Raises ``Invalid`` for an address that may not be called, ``Conflict`` when there are many.
    """
    # Here and below: a worker that only imports has no need of what networks and secrets stand on.
    from service.usecases import fetching, sealing

    url = fetching.check_address(url, settings.reachable_networks)
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    sealed = sealing.seal(settings, secret)
    with db.write() as conn:
        partners.lock(conn, partner.id)
        if webhooks.count(conn, partner.id) >= MOST:
            raise Conflict(f"a partner may have {MOST} webhooks; remove one first")
        public_id = webhooks.add(conn, partner.id, url, sealed, now)
        made = _webhook(conn, partner, public_id)
        _keep(conn, "added", made, by, now)
        return Added(made, secret)


def _keep(conn: Connection, action: str, hook: Webhook, by: str, now: datetime) -> None:
    """Enter in the audit log what was done to a webhook; the query of its address is a secret."""
    told = {"partner": hook.partner_code, "url": hook.url.partition("?")[0]}
    audit_log.write(
        conn, by=by, action=action, kind="webhook", name=hook.public_id, now=now, after=told
    )


def list_webhooks(db: Database, partner: Partner | None) -> list[Webhook]:
    """Return the webhooks of a partner, or with None everybody's."""
    with db.read() as conn:
        return webhooks.listed(conn, None if partner is None else partner.id)


def find_webhook(db: Database, partner: Partner | None, public_id: str) -> Webhook:
    """Return one webhook of a partner (None: anybody's); raise ``NotFound``."""
    with db.read() as conn:
        return _webhook(conn, partner, public_id)


def remove_webhook(
    db: Database,
    partner: Partner | None,
    public_id: str,
    now: datetime,
    *,
    by: str = COMMAND_LINE,
) -> None:
    """Remove a webhook of a partner (None: anybody's); raise ``NotFound``."""
    with db.write() as conn:
        hook = _webhook(conn, partner, public_id)
        if not webhooks.remove(conn, None, hook.public_id):
            raise NotFound("there is no such webhook")  # somebody was quicker
        _keep(conn, "removed", hook, by, now)


def resume_webhook(
    db: Database,
    partner: Partner | None,
    public_id: str,
    now: datetime,
    *,
    by: str = COMMAND_LINE,
) -> Webhook:
    """Call a paused webhook again, beginning with what it missed in the last three days."""
    with db.write() as conn:
        hook = _webhook(conn, partner, public_id)
        webhooks.resume(conn, hook, now - rules.TRIED_FOR, now)
        _keep(conn, "resumed", hook, by, now)
        return _webhook(conn, partner, public_id)


def _webhook(conn: Connection, partner: Partner | None, public_id: str) -> Webhook:
    wanted = public_ids.read(public_id)
    for each in webhooks.listed(conn, None if partner is None else partner.id):
        if each.public_id == wanted:
            return each
    raise NotFound("there is no such webhook")


# --- delivery -----------------------------------------------------------------------------------


def deliver(
    db: Database,
    settings: Settings,
    now: Callable[[], datetime],
    chance: Callable[[], float],
) -> bool:
    """Make the delivery that is most overdue; return whether there was one.

    ``chance`` gives numbers from 0 to below 1.
    """
    with db.read() as conn:
        due = webhooks.due(conn, now())
    if due is None:
        return False
    with db.write() as conn:
        delivery = webhooks.take(conn, due, now(), now() + _HELD)
    if delivery is not None:
        error = _send(delivery, settings, now())
        with db.write() as conn:
            _note(conn, delivery, error, now(), chance())
    return True


def _send(delivery: Delivery, settings: Settings, now: datetime) -> str:
    """Send a delivery; return what went wrong in a sentence, "" if it was taken."""
    from service.usecases import fetching, sealing

    try:
        body = rules.message(delivery.announcement, settings.base_url)
        secret = sealing.unseal(settings, delivery.secret)
        sent = fetching.send(
            delivery.url,
            body,
            {
                "Content-Type": "application/json",
                rules.EVENT: delivery.announcement.event,
                rules.EVENT_ID: delivery.announcement.public_id,
                rules.SIGNATURE: rules.signature(secret, int(now.timestamp()), body),
            },
            networks=settings.reachable_networks,
            timeout=TIMEOUT,
        )
    except Unreached as error:
        return error.message
    except BookbridgeError as error:
        return error.detail
    if 200 <= sent.status < 300:
        return ""
    hint = "; redirects are not followed" if 300 <= sent.status < 400 else ""
    return f"the receiver answered {sent.status}{hint}"


def _note(conn: Connection, delivery: Delivery, error: str, now: datetime, chance: float) -> None:
    webhooks.hold(conn, delivery.webhook_id)
    told = log.bind(webhook=delivery.webhook, event_id=delivery.announcement.public_id)
    if not error:
        webhooks.delivered(conn, delivery, now)
        told.info("webhook_delivered", attempts=delivery.attempts)
        return
    webhooks.failed(conn, delivery, error, now, now + rules.pause(delivery.attempts, chance))
    told.warning("webhook_failed", attempts=delivery.attempts, reason=error)
    if delivery.failing_since and now - delivery.failing_since >= rules.TRIED_FOR:
        since = f"{delivery.failing_since:%Y-%m-%d %H:%M} UTC"
        webhooks.pause(conn, delivery, f"Paused: it has failed since {since}; at last, {error}.")
        told.warning("webhook_paused")
