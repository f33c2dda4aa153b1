"""Audiences and who belongs to them: what was decided, and what the feed has told of it.

A partner joins and leaves by a decision (``belongs``) and a mark in ``feed_dirty``; the publisher
makes the stamps. Nobody else writes them, so a partner learns of an audience at a stamp like any.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.audience import PUBLIC, Audience, AudienceKind, Member
from service.errors import Conflict
from service.store import bulk, feed
from service.store.tables import audience, audience_member, partner

_OURS = audience_member.c


def add(conn: Connection, code: str, kind: AudienceKind = AudienceKind.GROUP) -> Audience:
    """Make an audience without members; raise ``Conflict`` when its code is taken."""
    try:
        with conn.begin_nested():
            made = conn.execute(
                audience.insert().values(code=code, kind=kind.value).returning(audience.c.id)
            ).scalar_one()
    except IntegrityError as error:
        raise Conflict(f"there is already an audience named {code!r}") from error
    return Audience(int(made), code, kind)


def by_code(conn: Connection, code: str) -> Audience | None:
    """Return the audience with this code, or None."""
    row = conn.execute(sa.select(audience).where(audience.c.code == code)).first()
    return None if row is None else Audience(row.id, row.code, AudienceKind(row.kind))


def code_of(conn: Connection, audience_id: int) -> str:
    """Return what the audience of this row is called."""
    return str(
        conn.execute(sa.select(audience.c.code).where(audience.c.id == audience_id)).scalar_one()
    )


def known(conn: Connection, codes: Collection[str]) -> set[str]:
    """Return those of these codes that an audience has."""
    rows = conn.execute(sa.select(audience.c.code).where(audience.c.code.in_(codes)))
    return set(rows.scalars())


def listed(conn: Connection, after: str = "", limit: int = 1000) -> list[tuple[Audience, int]]:
    """Return groups by code behind ``after``, each with the number of those who belong to it."""
    belonging = (
        sa.select(sa.func.count())
        .where(_OURS.audience_id == audience.c.id, _OURS.belongs.is_(True))
        .scalar_subquery()
    )
    rows = conn.execute(
        sa.select(audience.c.id, audience.c.code, belonging.label("members"))
        .where(audience.c.code > after, audience.c.kind == AudienceKind.GROUP.value)
        .order_by(audience.c.code)
        .limit(limit)
    )
    return [(Audience(row.id, row.code, AudienceKind.GROUP), row.members) for row in rows]


def members(conn: Connection, audience_id: int, after: str = "", limit: int = 1000) -> list[Member]:
    """Return those who belong or once belonged to an audience, by code behind ``after``."""
    rows = conn.execute(
        sa.select(partner.c.code, _OURS.belongs, _OURS.since, _OURS.left)
        .join(partner, partner.c.id == _OURS.partner_id)
        .where(_OURS.audience_id == audience_id, partner.c.code > after)
        .order_by(partner.c.code)
        .limit(limit)
    )
    return [Member(*row) for row in rows]


def standing(conn: Connection, partner_id: int) -> frozenset[int]:
    """Return the audiences that a partner belongs to and was told of, the public among them."""
    found = conn.execute(
        sa.select(_OURS.audience_id).where(
            _OURS.partner_id == partner_id,
            _OURS.belongs.is_(True),
            _OURS.since.is_not(None),
            _OURS.left.is_(None),
        )
    )
    return frozenset({PUBLIC, *found.scalars()})


def standing_of(conn: Connection, partner_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Return the audiences of several partners, as ``standing`` does for one."""
    found: dict[int, set[int]] = {partner_id: {PUBLIC} for partner_id in partner_ids}
    rows = conn.execute(
        sa.select(_OURS.partner_id, _OURS.audience_id).where(
            _OURS.partner_id.in_(sorted(found)),
            _OURS.belongs.is_(True),
            _OURS.since.is_not(None),
            _OURS.left.is_(None),
        )
    )
    for partner_id, audience_id in rows:
        found[partner_id].add(audience_id)
    return {partner_id: frozenset(each) for partner_id, each in found.items()}


def decide(
    conn: Connection, audience_id: int, partner_ids: Collection[int], *, belongs: bool
) -> None:
    """Let partners belong to an audience or not, from the next publication on."""
    bulk.insert(
        conn,
        audience_member,
        ("audience_id", "partner_id", "belongs"),
        [(audience_id, partner_id, belongs) for partner_id in sorted(set(partner_ids))],
        update=("audience_id", "partner_id"),
    )
    feed.mark(conn, feed.MEMBERSHIP, partner_ids)


def tell(conn: Connection, partner_ids: Sequence[int], stamp: int) -> None:
    """Publish under ``stamp`` what was decided about these partners and not told yet.

    For the publisher alone, under the lock on the clock.
    """
    theirs = _OURS.partner_id.in_(partner_ids)
    conn.execute(
        audience_member.update()
        .where(theirs, _OURS.belongs.is_(True), _OURS.since.is_(None) | _OURS.left.is_not(None))
        .values(since=stamp, left=None)
    )
    # Who left before anything was told keeps a row without stamps, which is nothing to anybody.
    conn.execute(
        audience_member.update()
        .where(theirs, _OURS.belongs.is_(False), _OURS.since.is_not(None), _OURS.left.is_(None))
        .values(since=stamp, left=stamp)
    )


def tell_again(conn: Connection, partner_ids: Sequence[int], stamp: int) -> None:
    """List all that these partners' audiences hold, or once held for them, anew at ``stamp``.

    For the publisher alone. ``left`` stays: what came after it is still nothing to them.
    """
    conn.execute(
        audience_member.update()
        .where(_OURS.partner_id.in_(partner_ids), _OURS.since.is_not(None))
        .values(since=stamp)
    )
