"""Holding claims: found, held, moved on and logged, for all who change them.

Who holds several things holds the partner first, then the consignment, then the claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from service.domain import claim as rules
from service.domain import revision
from service.domain.announcement import CLAIM_CHANGED
from service.domain.claim import Claim, ClaimAction
from service.domain.partner import Partner
from service.errors import NotFound
from service.store import audit_log, claims, partners, public_ids
from service.store.db import Connection
from service.usecases import holding_consignments, notifying

KIND: Final = "claim"  # in the audit log

_A = ClaimAction


def known(conn: Connection, public_id: str) -> Claim:
    """Return a claim by its public id within a transaction; raise ``NotFound``."""
    wanted = public_ids.read(public_id)
    found = None if wanted is None else claims.by_public_id(conn, wanted)
    if found is None:
        raise NotFound("there is no such claim")
    return found


def visible(conn: Connection, public_id: str, partner: Partner | None) -> Claim:
    """Return a claim that a partner (None: the staff) sees within a transaction."""
    found = known(conn, public_id)
    if partner is not None and not (found.partner_id == partner.id and found.shown_to_partner):
        raise NotFound("there is no such claim")
    return found


def hold(
    conn: Connection, public_id: str, seen: int | None, partner: Partner | None = None
) -> Claim:
    """Return a claim that nobody else changes, with its partner and its consignment held.

    ``seen`` is the revision that was looked at, None for any. Raises ``NotFound``, ``Outdated``.
    """
    before = visible(conn, public_id, partner)
    partners.lock(conn, before.partner_id)
    if before.consignment:
        holding_consignments.hold(conn, before.consignment)
    found = claims.lock(conn, before)
    revision.check_seen("this claim", seen, found.revision)
    return found


def move(
    conn: Connection,
    found: Claim,
    action: ClaimAction,
    by: str,
    now: datetime,
    reason: str = "",
    **values: Any,
) -> Claim:
    """Move a claim on, with other columns; raise ``Conflict`` for what its state forbids."""
    state = rules.after(action, found.side, found.state)
    claims.put(conn, found, state=state.value, **values)
    made = known(conn, found.public_id)
    keep(conn, _DONE[action], found, made, by, now, reason)
    return made


_DONE: Final[Mapping[ClaimAction, str]] = {
    _A.SEND: "sent",
    _A.ANSWER: "answered",
    _A.RESOLVE: "resolved",
    _A.CLOSE: "closed",
    _A.REOPEN: "opened again",
}


def tell(conn: Connection, made: Claim, now: datetime) -> None:
    """Tell the partner what became of a claim, if it knows of it."""
    if made.shown_to_partner:
        body = {
            "claim": made.public_id,
            "state": made.state.value,
            "resolution": "" if made.resolution is None else made.resolution.value,
        }
        notifying.announce(conn, made.partner_id, CLAIM_CHANGED, body, now)


def keep(
    conn: Connection,
    action: str,
    before: Claim | None,
    after: Claim,
    by: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Enter in the audit log what was done to a claim; its name there is its public id."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=after.public_id,
        now=now,
        before=None if before is None else _told(before),
        after=_told(after),
        reason=reason,
    )


def _told(found: Claim) -> dict[str, Any]:
    return {
        "partner": found.partner,
        "side": found.side.value,
        "state": found.state.value,
        "reason": found.reason.value,
        "resolution": "" if found.resolution is None else found.resolution.value,
        "consignment": found.consignment_number,
        "line": found.about.position,
        "incoming_gift": found.incoming_gift,
        "serial": found.serial,
        "issue": found.about.issue,
        "copies": found.copies,
        "text": found.text,
        "answer": found.answer,
        "resent": found.resent_number,
    }
