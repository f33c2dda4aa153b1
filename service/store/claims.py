"""Claims, with what they are about in words."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.claim import (
    About,
    Claim,
    ClaimReason,
    ClaimSide,
    ClaimState,
    Resolution,
)
from service.domain.consignment import RECEIVED, SENT
from service.errors import Conflict
from service.store import public_ids
from service.store.tables import (
    accession_line,
    claim,
    consignment,
    consignment_line,
    exchange_serial,
    incoming_gift,
    partner,
    serial_issue,
)


class NewClaim(NamedTuple):
    """What is entered of a claim when it is opened."""

    partner_id: int
    side: ClaimSide
    reason: ClaimReason
    about: About
    copies: int
    text: str
    opened_by: str
    sent_at: datetime | None
    due_at: datetime | None


def add(conn: Connection, new: NewClaim, now: datetime) -> str:
    """Enter a claim; return its public id."""
    public_id = public_ids.new()
    given = new._asdict() | new.about._asdict()
    del given["about"]
    conn.execute(
        claim.insert().values(
            public_id=public_id,
            state=ClaimState.OPEN.value,
            opened_at=now,
            **given | {"side": new.side.value, "reason": new.reason.value},
        )
    )
    return public_id


def put(conn: Connection, found: Claim, **values: Any) -> None:
    """Write columns of a claim that is still as it was ``found``; its revision moves on.

    Raises ``Conflict`` when somebody was faster.
    """
    done = conn.execute(
        claim.update()
        .where(
            claim.c.id == found.id,
            claim.c.state == found.state.value,
            claim.c.revision == found.revision,
        )
        .values(revision=found.revision + 1, **values)
    )
    if done.rowcount != 1:
        raise Conflict("somebody else changed this claim at the same moment; look again")


_RESENT = consignment.alias()
_TITLE = sa.func.coalesce(
    consignment_line.c.title, accession_line.c.title, exchange_serial.c.title, ""
)
_CLAIM = (
    sa.select(
        claim,
        partner.c.code.label("partner_code"),
        partner.c.name.label("partner_name"),
        consignment.c.public_id.label("consignment"),
        consignment.c.number.label("consignment_number"),
        _RESENT.c.public_id.label("resent"),
        _RESENT.c.number.label("resent_number"),
        incoming_gift.c.public_id.label("incoming_gift"),
        exchange_serial.c.public_id.label("serial"),
        serial_issue.c.label.label("issue_label"),
        _TITLE.label("title"),
    )
    .join(partner, partner.c.id == claim.c.partner_id)
    .outerjoin(consignment, consignment.c.id == claim.c.consignment_id)
    .outerjoin(
        consignment_line,
        (consignment_line.c.consignment_id == claim.c.consignment_id)
        & (consignment_line.c.position == claim.c.position),
    )
    .outerjoin(incoming_gift, incoming_gift.c.id == claim.c.incoming_gift_id)
    .outerjoin(
        accession_line,
        (accession_line.c.incoming_gift_id == claim.c.incoming_gift_id)
        & (accession_line.c.position == claim.c.position),
    )
    .outerjoin(exchange_serial, exchange_serial.c.id == claim.c.serial_id)
    .outerjoin(
        serial_issue,
        (serial_issue.c.serial_id == claim.c.serial_id) & (serial_issue.c.issue == claim.c.issue),
    )
    .outerjoin(_RESENT, _RESENT.c.id == claim.c.resent_id)
)


def by_public_id(conn: Connection, public_id: str) -> Claim | None:
    """Return a claim, or None."""
    row = conn.execute(_CLAIM.where(claim.c.public_id == public_id)).first()
    return None if row is None else _claim(row)


def lock(conn: Connection, found: Claim) -> Claim:
    """Return a claim and let nobody else change it until the transaction ends."""
    conn.execute(sa.select(claim.c.id).where(claim.c.id == found.id).with_for_update()).one()
    return _claim(conn.execute(_CLAIM.where(claim.c.id == found.id)).one())


def about(
    conn: Connection,
    what: About,
    *,
    side: ClaimSide | None = None,
    states: Collection[ClaimState] = frozenset(ClaimState),
) -> list[Claim]:
    """Return the claims about something in the order in which they were opened.

    What ``what`` leaves open is any: a consignment without a position is it with all its lines.
    """
    query = _CLAIM.where(claim.c.state.in_(sorted(each.value for each in states)))
    for name, value in what._asdict().items():
        if value is not None:
            query = query.where(claim.c[name] == value)
    if side is not None:
        query = query.where(claim.c.side == side.value)
    return [_claim(row) for row in conn.execute(query.order_by(claim.c.id))]


def listed(
    conn: Connection,
    *,
    partner_id: int | None = None,
    shown_to_partner: bool = False,
    side: ClaimSide | None = None,
    states: Collection[ClaimState] = frozenset(ClaimState),
    due: datetime | None = None,
    before: str = "",
    limit: int | None = None,
) -> list[Claim]:
    """Return claims, newest first, older than the public id ``before``.

    ``shown_to_partner``: those that a partner sees. ``due``: those to be looked at by then.
    """
    query = _CLAIM.where(claim.c.state.in_(sorted(each.value for each in states)))
    if partner_id is not None:
        query = query.where(claim.c.partner_id == partner_id)
    if shown_to_partner:
        theirs = claim.c.side == ClaimSide.THEIRS.value
        query = query.where(theirs | claim.c.sent_at.is_not(None))
    if side is not None:
        query = query.where(claim.c.side == side.value)
    if due is not None:
        query = query.where(claim.c.due_at <= due)
    if before:
        older = sa.select(claim.c.id).where(claim.c.public_id == before)
        query = query.where(claim.c.id < older.scalar_subquery())
    return [_claim(row) for row in conn.execute(query.order_by(claim.c.id.desc()).limit(limit))]


def resent_versions(conn: Connection, consignment_id: int) -> set[int]:
    """Return the versions that a consignment sends again: their partner was given them before."""
    rows = conn.execute(
        sa.select(consignment_line.c.version_id)
        .join(claim, claim.c.consignment_id == consignment_line.c.consignment_id)
        .where(
            claim.c.resent_id == consignment_id,
            _OF_CLAIM,
            consignment_line.c.version_id.is_not(None),
            consignment_line.c.transfer_id.is_not(None),
        )
    )
    return set(rows.scalars())


def counted_versions(conn: Connection, consignment_id: int) -> set[int]:
    """Return the versions that a consignment sends again and that are titles of the balance still.

    Other copies of them arrived, or were sent again before: a title counts once.
    """
    originals = conn.execute(
        sa.select(claim.c.consignment_id)
        .join(consignment, consignment.c.id == claim.c.consignment_id)
        .where(
            claim.c.resent_id == consignment_id,
            consignment.c.state.in_(sorted(state.value for state in RECEIVED)),
        )
        .distinct()
    ).scalars()
    left: dict[int, int] = {}
    for original in list(originals):
        rows = conn.execute(_OFF, {"original": original, "again": consignment_id})
        off = {position: int(copies) for position, copies in rows}
        for position, version, copies in conn.execute(_SENT, {"original": original}):
            left[version] = left.get(version, 0) + copies - off.get(position, 0)
    return {version for version, copies in left.items() if copies > 0}


_OF_CLAIM = sa.or_(claim.c.position.is_(None), claim.c.position == consignment_line.c.position)
_SENT = sa.select(
    consignment_line.c.position, consignment_line.c.version_id, consignment_line.c.copies
).where(
    consignment_line.c.consignment_id == sa.bindparam("original"),
    consignment_line.c.version_id.is_not(None),
    sa.text("NOT consignment_line.released"),
)
# Copies that are off the balance: credited, or to be sent again by what has not left.
_OFF = (
    sa.select(claim.c.position, sa.func.sum(claim.c.copies))
    .outerjoin(_RESENT, _RESENT.c.id == claim.c.resent_id)
    .where(
        claim.c.consignment_id == sa.bindparam("original"),
        claim.c.side == ClaimSide.THEIRS.value,
        claim.c.position.is_not(None),
        sa.or_(
            claim.c.resolution == Resolution.CREDITED.value,
            (claim.c.resolution == Resolution.RESENT.value)
            & sa.or_(
                claim.c.resent_id == sa.bindparam("again"),
                _RESENT.c.state.not_in(sorted(state.value for state in SENT)),
            ),
        ),
    )
    .group_by(claim.c.position)
)


def _claim(row: sa.Row[Any]) -> Claim:
    label = f" {row.issue_label}" if row.issue_label else ""
    return Claim(
        id=row.id,
        public_id=row.public_id,
        partner_id=row.partner_id,
        partner=row.partner_code,
        partner_name=row.partner_name,
        side=ClaimSide(row.side),
        state=ClaimState(row.state),
        reason=ClaimReason(row.reason),
        resolution=Resolution(row.resolution) if row.resolution else None,
        about=About(*(getattr(row, name) for name in About._fields)),
        consignment=row.consignment or "",
        consignment_number=row.consignment_number or "",
        incoming_gift=row.incoming_gift or "",
        serial=row.serial or "",
        title=f"{row.title}{label}",
        resent=row.resent or "",
        resent_number=row.resent_number or "",
        copies=row.copies,
        text=row.text,
        answer=row.answer,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        sent_at=row.sent_at,
        answered_at=row.answered_at,
        closed_at=row.closed_at,
        due_at=row.due_at,
        revision=row.revision,
    )
