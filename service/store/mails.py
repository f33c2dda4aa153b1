"""The outbox of mail: what is to be sent to whom, when it is tried next, and what became of it.

The mails to one address are sent in the order of their rows: only the first that waits may be
taken, by one worker at a time, for a limited time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.mail import Letter, Mail, MailState
from service.store import public_ids
from service.store.tables import mail, partner

_WAITS = mail.c.due_at.is_not(None)
_GIVEN_UP = mail.c.due_at.is_(None) & mail.c.sent_at.is_(None)
_STATES = {
    MailState.WAITING: _WAITS,
    MailState.SENT: mail.c.sent_at.is_not(None),
    MailState.GIVEN_UP: _GIVEN_UP,
}
_WITH_CODE = sa.select(mail, partner.c.code).outerjoin(partner, partner.c.id == mail.c.partner_id)


def add(
    conn: Connection, partner_id: int | None, recipient: str, letter: Letter, now: datetime
) -> None:
    """Put a letter in the outbox, for a partner or for one of the staff; it is due at once."""
    conn.execute(
        mail.insert().values(
            public_id=public_ids.new(),
            partner_id=partner_id,
            recipient=recipient,
            subject=letter.subject,
            body=letter.body,
            due_at=now,
            created_at=now,
        )
    )


_first = (
    sa.select(sa.func.min(mail.c.id).label("id")).where(_WAITS).group_by(mail.c.recipient)
).subquery()


def due(conn: Connection, now: datetime) -> int | None:
    """Return the row of the mail that is most overdue, or None."""
    return conn.execute(
        sa.select(mail.c.id)
        .join(_first, _first.c.id == mail.c.id)
        .where(mail.c.due_at <= now)
        .order_by(mail.c.due_at, mail.c.id)
        .limit(1)
    ).scalar()


def take(conn: Connection, mail_id: int, now: datetime, until: datetime) -> Mail | None:
    """Take a mail that is due; if nothing is heard of it ``until`` then, it is due again."""
    taken = conn.execute(
        mail.update()
        .where(mail.c.id == mail_id, mail.c.due_at <= now)
        .values(due_at=until, attempts=mail.c.attempts + 1)
    )
    if taken.rowcount != 1:
        return None
    return _mail(conn.execute(_WITH_CODE.where(mail.c.id == mail_id)).one())


def sent(conn: Connection, taken: Mail, now: datetime) -> None:
    """Note that the server took a mail."""
    conn.execute(
        mail.update().where(mail.c.id == taken.id).values(due_at=None, sent_at=now, error="")
    )


def failed(conn: Connection, taken: Mail, error: str, due_at: datetime | None) -> None:
    """Note that a try failed, unless somebody else has tried since; None: it is given up."""
    conn.execute(
        mail.update()
        .where(mail.c.id == taken.id, mail.c.attempts == taken.attempts, _WAITS)
        .values(due_at=due_at, error=error)
    )


def listed(
    conn: Connection, state: MailState | None = None, before: str = "", limit: int = 50
) -> list[Mail]:
    """Return mails, newest first, older than the public id ``before``; of one state if said."""
    query = _WITH_CODE.order_by(mail.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(_STATES[state])
    if before:
        older = sa.select(mail.c.id).where(mail.c.public_id == before)
        query = query.where(mail.c.id < older.scalar_subquery())
    return _mails(conn.execute(query).all())


def _mails(rows: Sequence[Any]) -> list[Mail]:
    return [_mail(row) for row in rows]


class Counts(NamedTuple):
    """How many mails wait, and how many were given up."""

    waiting: int
    given_up: int


def counts(conn: Connection, since: datetime) -> Counts:
    """Return how many mails wait, and how many of those made ``since`` then were given up."""
    number = sa.select(sa.func.count()).select_from(mail)
    waiting = conn.execute(number.where(_WAITS)).scalar_one()
    given_up = conn.execute(number.where(_GIVEN_UP, mail.c.created_at >= since)).scalar_one()
    return Counts(int(waiting), int(given_up))


def _mail(row: Any) -> Mail:
    return Mail(
        id=row.id,
        public_id=row.public_id,
        partner_code=row.code,
        recipient=row.recipient,
        subject=row.subject,
        body=row.body,
        attempts=row.attempts,
        due_at=row.due_at,
        sent_at=row.sent_at,
        error=row.error,
        created_at=row.created_at,
    )
