"""Announcements to partners, their webhooks, and the outbox of what is still to be delivered.

The deliveries of one webhook are made in the order of their rows: only the first that waits may be
taken, by one worker at a time, for a limited time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.announcement import Announcement
from service.domain.webhook import Webhook, WebhookState
from service.store import public_ids
from service.store.tables import announcement, outbox, partner, webhook

_WAITS = outbox.c.due_at.is_not(None)


class Delivery(NamedTuple):
    """One announcement on its way to one webhook; ``attempts`` counts this one."""

    id: int
    webhook_id: int
    webhook: str
    url: str
    secret: bytes
    attempts: int
    failing_since: datetime | None
    announcement: Announcement


# --- what is told -------------------------------------------------------------------------------


def announce(
    conn: Connection, partner_id: int, event: str, body: Mapping[str, Any], now: datetime
) -> None:
    """Keep an announcement, and put it in the outbox of each of the partner's active webhooks."""
    # Locked, so that the rows of one webhook become visible in the order of their numbers.
    active = conn.execute(
        sa.select(webhook.c.id)
        .where(webhook.c.partner_id == partner_id, webhook.c.state == WebhookState.ACTIVE.value)
        .order_by(webhook.c.id)
        .with_for_update()
    ).scalars()
    webhook_ids = list(active)
    made = conn.execute(
        announcement.insert()
        .values(
            public_id=public_ids.new(),
            partner_id=partner_id,
            event=event,
            body=dict(body),
            created_at=now,
        )
        .returning(announcement.c.id)
    ).scalar_one()
    if webhook_ids:
        conn.execute(
            outbox.insert(),
            [
                {"webhook_id": each, "announcement_id": made, "due_at": now, "created_at": now}
                for each in webhook_ids
            ],
        )


def announcements(conn: Connection, partner_id: int, before: str, limit: int) -> list[Announcement]:
    """Return what a partner was told, newest first."""
    query = (
        sa.select(announcement)
        .where(announcement.c.partner_id == partner_id)
        .order_by(announcement.c.public_id.desc())
        .limit(limit)
    )
    if before:
        query = query.where(announcement.c.public_id < before)
    return [_announcement(row) for row in conn.execute(query)]


def _announcement(row: sa.Row[Any]) -> Announcement:
    return Announcement(row.public_id, row.event, row.body, row.created_at)


# --- where to -----------------------------------------------------------------------------------


def add(conn: Connection, partner_id: int, url: str, secret: bytes, now: datetime) -> str:
    """Enter a webhook with its sealed secret; return its public id."""
    made = conn.execute(
        webhook.insert()
        .values(
            public_id=public_ids.new(),
            partner_id=partner_id,
            url=url,
            secret=secret,
            state=WebhookState.ACTIVE.value,
            created_at=now,
        )
        .returning(webhook.c.public_id)
    )
    return str(made.scalar_one())


def count(conn: Connection, partner_id: int) -> int:
    """Return how many webhooks a partner has."""
    query = sa.select(sa.func.count()).where(webhook.c.partner_id == partner_id)
    return int(conn.execute(query).scalar_one())


def listed(conn: Connection, partner_id: int | None) -> list[Webhook]:
    """Return a partner's webhooks (None: everybody's), oldest first."""
    of_hook = outbox.c.webhook_id == webhook.c.id
    waiting = sa.select(sa.func.count()).where(of_hook, _WAITS).scalar_subquery()
    given_up = (
        sa.select(sa.func.count())
        .where(of_hook, outbox.c.due_at.is_(None), outbox.c.delivered_at.is_(None))
        .scalar_subquery()
    )
    query = (
        sa.select(webhook, partner.c.code, waiting.label("waiting"), given_up.label("given_up"))
        .join(partner, partner.c.id == webhook.c.partner_id)
        .order_by(webhook.c.id)
    )
    if partner_id is not None:
        query = query.where(webhook.c.partner_id == partner_id)
    return [
        Webhook(
            id=row.id,
            public_id=row.public_id,
            partner_code=row.code,
            url=row.url,
            state=WebhookState(row.state),
            failing_since=row.failing_since,
            error=row.error,
            created_at=row.created_at,
            waiting=row.waiting,
            given_up=row.given_up,
        )
        for row in conn.execute(query)
    ]


def remove(conn: Connection, partner_id: int | None, public_id: str) -> bool:
    """Remove a webhook with all that waits for it; return whether there was one."""
    query = sa.select(webhook.c.id).where(webhook.c.public_id == public_id)
    if partner_id is not None:
        query = query.where(webhook.c.partner_id == partner_id)
    found = conn.execute(query.with_for_update()).scalar()
    if found is None:
        return False
    conn.execute(outbox.delete().where(outbox.c.webhook_id == found))
    conn.execute(webhook.delete().where(webhook.c.id == found))
    return True


def resume(conn: Connection, hook: Webhook, since: datetime, now: datetime) -> None:
    """Call a webhook again, beginning with what was announced ``since`` and is not delivered."""
    taken = conn.execute(
        webhook.update()
        .where(webhook.c.id == hook.id, webhook.c.state == WebhookState.PAUSED.value)
        .values(state=WebhookState.ACTIVE.value, failing_since=None, error="")
    )
    if taken.rowcount != 1:
        return
    of_hook = outbox.c.webhook_id == hook.id
    conn.execute(
        outbox.update()
        .where(of_hook, outbox.c.delivered_at.is_(None), outbox.c.created_at >= since)
        .values(due_at=now, attempts=0)
    )
    there = sa.select(outbox.c.announcement_id).where(of_hook)
    missed = (
        sa.select(announcement.c.id)
        .join(webhook, webhook.c.partner_id == announcement.c.partner_id)
        .where(
            webhook.c.id == hook.id,
            announcement.c.created_at >= max(since, hook.created_at),
            announcement.c.id.not_in(there),
        )
        .order_by(announcement.c.id)
    )
    rows = [
        {"webhook_id": hook.id, "announcement_id": each, "due_at": now, "created_at": now}
        for each in conn.execute(missed).scalars()
    ]
    if rows:
        conn.execute(outbox.insert(), rows)


# --- on the way ---------------------------------------------------------------------------------

_first = (
    sa.select(sa.func.min(outbox.c.id).label("id"))
    .where(_WAITS)
    .group_by(outbox.c.webhook_id)
    .subquery()
)


def due(conn: Connection, now: datetime) -> int | None:
    """Return the row of the delivery that is most overdue, or None."""
    return conn.execute(
        sa.select(outbox.c.id)
        .join(_first, _first.c.id == outbox.c.id)
        .where(outbox.c.due_at <= now)
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(1)
    ).scalar()


def take(conn: Connection, delivery_id: int, now: datetime, until: datetime) -> Delivery | None:
    """Take a delivery that is due; if nothing is heard of it ``until`` then, it is due again."""
    taken = conn.execute(
        outbox.update()
        .where(outbox.c.id == delivery_id, outbox.c.due_at <= now)
        .values(due_at=until, attempts=outbox.c.attempts + 1)
    )
    if taken.rowcount != 1:
        return None
    row = conn.execute(
        sa.select(
            outbox.c.id.label("outbox_id"),
            outbox.c.webhook_id,
            outbox.c.attempts,
            webhook.c.url,
            webhook.c.secret,
            webhook.c.failing_since,
            webhook.c.public_id.label("webhook"),
            announcement,
        )
        .join(webhook, webhook.c.id == outbox.c.webhook_id)
        .join(announcement, announcement.c.id == outbox.c.announcement_id)
        .where(outbox.c.id == delivery_id)
    ).one()
    return Delivery(
        id=row.outbox_id,
        webhook_id=row.webhook_id,
        webhook=row.webhook,
        url=row.url,
        secret=bytes(row.secret),
        attempts=row.attempts,
        failing_since=row.failing_since,
        announcement=_announcement(row),
    )


def hold(conn: Connection, webhook_id: int) -> None:
    """Let nobody else change a webhook until the transaction ends: before any of its rows."""
    conn.execute(sa.select(webhook.c.id).where(webhook.c.id == webhook_id).with_for_update())


def delivered(conn: Connection, delivery: Delivery, now: datetime) -> None:
    """Note that a receiver has taken a delivery."""
    conn.execute(
        outbox.update()
        .where(outbox.c.id == delivery.id)
        .values(due_at=None, delivered_at=now, error="")
    )
    conn.execute(
        webhook.update()
        .where(webhook.c.id == delivery.webhook_id)
        .values(failing_since=None, error="")
    )


def failed(
    conn: Connection, delivery: Delivery, error: str, now: datetime, due_at: datetime
) -> None:
    """Note that a try failed, unless somebody else has tried since."""
    noted = conn.execute(
        outbox.update()
        .where(outbox.c.id == delivery.id, outbox.c.attempts == delivery.attempts, _WAITS)
        .values(due_at=due_at, error=error)
    )
    if noted.rowcount == 1:
        conn.execute(
            webhook.update()
            .where(webhook.c.id == delivery.webhook_id)
            .values(failing_since=sa.func.coalesce(webhook.c.failing_since, now), error=error)
        )


def pause(conn: Connection, delivery: Delivery, error: str) -> None:
    """Call a webhook no more: what waits for it is given up until it is resumed."""
    conn.execute(
        webhook.update()
        .where(webhook.c.id == delivery.webhook_id)
        .values(state=WebhookState.PAUSED.value, error=error)
    )
    conn.execute(
        outbox.update()
        .where(outbox.c.webhook_id == delivery.webhook_id, _WAITS)
        .values(due_at=None, error=error)
    )
