"""How far each contact of a partner was told by mail what the partner was told.

A mark is the number of the last announcement that was mailed to one address. Announcing holds the
marks of its partner first, so announcements become visible in the order of their numbers, and none
can appear behind a mark that has gone past it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.announcement import Announcement
from service.domain.partner_entry import Digest
from service.store import bulk
from service.store.tables import announcement, digest_mark, partner, partner_contact

_MARK = ("partner_id", "recipient", "announcement_id")


class Due(NamedTuple):
    """A recipient for whom there is news."""

    partner_id: int
    recipient: str


class Mark(NamedTuple):
    """How far a recipient was told, and when (UTC); with the partner's code and name."""

    announcement_id: int
    mailed_at: datetime | None
    code: str
    name: str


class News(NamedTuple):
    """What was announced behind a mark: the latest of it, and how many came before these.

    ``upto`` is the number of the last one: the mark that follows.
    """

    upto: int
    latest: list[Announcement]
    earlier: int


def hold(conn: Connection, partner_id: int) -> None:
    """Give every contact that wants mail its mark, and let nobody else announce meanwhile.

    A contact that was entered since the last announcement is told from now on; one that takes the
    place of another goes on where that one was.
    """
    wanted = set(
        conn.execute(
            sa.select(partner_contact.c.email).where(
                partner_contact.c.partner_id == partner_id,
                partner_contact.c.digest != Digest.NEVER.value,
                partner_contact.c.email != "",
            )
        ).scalars()
    )
    of_partner = digest_mark.c.partner_id == partner_id
    marks = conn.execute(
        sa.select(digest_mark.c.recipient, digest_mark.c.announcement_id)
        .where(of_partner)
        .order_by(digest_mark.c.recipient)
        .with_for_update()
    ).all()
    gone = {recipient: number for recipient, number in marks if recipient not in wanted}
    new = sorted(wanted - {recipient for recipient, _ in marks})
    if new:
        start = min(gone.values()) if gone else _last(conn, partner_id)
        bulk.insert(
            conn, digest_mark, _MARK, [(partner_id, each, start) for each in new], if_new=True
        )
        conn.execute(
            sa.select(digest_mark.c.recipient)
            .where(of_partner, digest_mark.c.recipient.in_(new))
            .order_by(digest_mark.c.recipient)
            .with_for_update()
        )
    if gone:
        conn.execute(digest_mark.delete().where(of_partner, digest_mark.c.recipient.in_(gone)))


def _last(conn: Connection, partner_id: int) -> int:
    query = sa.select(sa.func.max(announcement.c.id)).where(announcement.c.partner_id == partner_id)
    return int(conn.execute(query).scalar() or 0)


def due(
    conn: Connection, digest: Digest, mailed_until: datetime, before: datetime | None
) -> Due | None:
    """Return a recipient with news that gets it as ``digest`` says, or None.

    Only who was mailed last at ``mailed_until`` or earlier, and with news from before ``before``.
    An address that is entered twice gets its news as often as the more frequent entry wants.
    """
    query = (
        sa.select(digest_mark.c.partner_id, digest_mark.c.recipient)
        .where(
            _contact(digest),
            digest_mark.c.mailed_at.is_(None) | (digest_mark.c.mailed_at <= mailed_until),
            sa.exists().where(*_behind(before)).correlate(digest_mark),
        )
        .order_by(digest_mark.c.partner_id, digest_mark.c.recipient)
        .limit(1)
    )
    if digest is Digest.DAILY:
        query = query.where(~_contact(Digest.AT_ONCE))
    row = conn.execute(query).first()
    return None if row is None else Due(*row)


def _contact(digest: Digest) -> sa.Exists:
    return (
        sa.exists()
        .where(
            partner_contact.c.partner_id == digest_mark.c.partner_id,
            partner_contact.c.email == digest_mark.c.recipient,
            partner_contact.c.digest == digest.value,
        )
        .correlate(digest_mark)
    )


def _behind(before: datetime | None) -> list[sa.ColumnElement[bool]]:
    found = [
        announcement.c.partner_id == digest_mark.c.partner_id,
        announcement.c.id > digest_mark.c.announcement_id,
    ]
    return found if before is None else [*found, announcement.c.created_at < before]


def lock(conn: Connection, due: Due) -> Mark | None:
    """Return how far a recipient was told, and let nobody else tell it until the transaction ends.

    None where the mark was taken away meanwhile.
    """
    row = conn.execute(
        sa.select(
            digest_mark.c.announcement_id, digest_mark.c.mailed_at, partner.c.code, partner.c.name
        )
        .join(partner, partner.c.id == digest_mark.c.partner_id)
        .where(_of(due))
        .with_for_update(of=digest_mark)
    ).first()
    return None if row is None else Mark(*row)


def news(
    conn: Connection, due: Due, mark: Mark, before: datetime | None, limit: int
) -> News | None:
    """Return what was announced behind a mark and before ``before``, at most ``limit`` of it."""
    behind = [
        announcement.c.partner_id == due.partner_id,
        announcement.c.id > mark.announcement_id,
    ]
    earlier = [*behind, announcement.c.created_at < before] if before is not None else behind
    upto = conn.execute(sa.select(sa.func.max(announcement.c.id)).where(*earlier)).scalar()
    if upto is None:
        return None
    within = [*behind, announcement.c.id <= upto]
    number = conn.execute(sa.select(sa.func.count()).where(*within)).scalar_one()
    rows = conn.execute(
        sa.select(announcement).where(*within).order_by(announcement.c.id.desc()).limit(limit)
    ).all()
    latest = [_announcement(row) for row in reversed(rows)]
    return News(int(upto), latest, int(number) - len(latest))


def _announcement(row: sa.Row[Any]) -> Announcement:
    return Announcement(row.public_id, row.event, row.body, row.created_at)


def move(conn: Connection, due: Due, upto: int, now: datetime) -> None:
    """Note that a recipient was told up to an announcement."""
    conn.execute(digest_mark.update().where(_of(due)).values(announcement_id=upto, mailed_at=now))


def _of(due: Due) -> sa.ColumnElement[bool]:
    return sa.and_(
        digest_mark.c.partner_id == due.partner_id, digest_mark.c.recipient == due.recipient
    )


def wanted(conn: Connection) -> int:
    """Return how many contacts want to be told by mail."""
    query = sa.select(sa.func.count()).where(partner_contact.c.digest != Digest.NEVER.value)
    return int(conn.execute(query).scalar_one())
