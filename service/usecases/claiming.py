"""Claiming: what did not arrive as it should is claimed, and answered; ``settling`` ends it.

Other rooms open claims within their transactions (``open_claim``): a receipt, a check of what came
in, an issue that is missing. Who holds several things holds the partner first, then the
consignment, then the claim. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from service.domain import claim as rules
from service.domain import consignment as consignment_rules
from service.domain.announcement import CLAIM_SENT
from service.domain.claim import (
    PENDING,
    About,
    Claim,
    ClaimAction,
    ClaimReason,
    ClaimSide,
    ClaimState,
    Resolution,
)
from service.domain.consignment import Consignment, ConsignmentState
from service.domain.ledger import check_reason
from service.domain.partner import Partner
from service.errors import Conflict, Forbidden, Invalid, NotFound
from service.store import claims, consignments, partners
from service.store.claims import NewClaim
from service.store.db import Connection, Database
from service.usecases import holding_claims, holding_consignments, notifying
from service.usecases.enrolling import known_partner

_A = ClaimAction


# --- opening --------------------------------------------------------------------------------------


def open_claim(
    conn: Connection,
    partner_id: int,
    reason: ClaimReason,
    *,
    side: ClaimSide,
    about: About = About(),  # noqa: B008 - a value
    copies: int = 1,
    text: str = "",
    due_at: datetime | None = None,
    by: str,
    now: datetime,
) -> str:
    """Open a claim within a transaction; return its public id.

    THEIRS is the partner's of what we sent, OURS ours of what it sent. ``due_at`` is when it is
    looked at again. For an entry that was merged into another it is opened for that one.

    Raises ``Invalid``, and ``Conflict`` where the same is claimed already and not settled.
    """
    partner_id = partners.survivors(conn, [partner_id]).get(partner_id, partner_id)
    partners.lock(conn, partner_id)
    for each in claims.about(conn, about, side=side, states=PENDING):
        if each.about == about and each.reason is reason and each.partner_id == partner_id:
            raise Conflict(f"this is claimed already, with claim {each.public_id}: {each.state}")
    new = NewClaim(
        partner_id=partner_id,
        side=side,
        reason=reason,
        about=about,
        copies=rules.check_copies(copies),
        text=rules.check_text(text, "text"),
        opened_by=by,
        sent_at=now if side is ClaimSide.THEIRS else None,
        due_at=due_at,
    )
    public_id = claims.add(conn, new, now)
    holding_claims.keep(conn, "opened", None, holding_claims.known(conn, public_id), by, now)
    return public_id


def open_on_consignment(
    db: Database,
    name: str,
    reason: ClaimReason,
    *,
    position: int | None = None,
    copies: int | None = None,
    text: str = "",
    partner: Partner | None = None,
    by: str,
    now: datetime,
) -> Claim:
    """Open a partner's claim on a consignment or a line of it; return it.

    ``copies``: None for all of them. A ``partner`` claims of its own; the staff enters what a
    partner said. Without a line it is that nothing arrived, which is for who confirmed no receipt.

    Raises ``NotFound``, ``Invalid`` and ``Conflict`` that say what to do instead.
    """
    with db.write() as conn:
        found = _hold_consignment(conn, name, partner)
        lines = {line.position: line for line in consignments.lines(conn, found.id)}
        about = About(consignment_id=found.id, position=position)
        if position is None:
            _check_whole(found, reason, copies)
            number = sum(line.copies for line in lines.values())
        else:
            if position not in lines:
                raise NotFound(f"consignment {found.number} has no line {position}")
            number = lines[position].copies if copies is None else rules.check_copies(copies)
            rules.check_claimed(
                lines[position], claims.about(conn, about, side=ClaimSide.THEIRS), number
            )
        public_id = open_claim(
            conn,
            found.partner_id,
            reason,
            side=ClaimSide.THEIRS,
            about=about,
            copies=number,
            text=text,
            by=by,
            now=now,
        )
        return holding_claims.known(conn, public_id)


def _hold_consignment(conn: Connection, name: str, partner: Partner | None) -> Consignment:
    """Hold a consignment that left, after its partner; raise as ``open_on_consignment`` does."""
    seen = holding_consignments.visible(conn, name, partner)
    partners.lock(conn, seen.partner_id)
    found = holding_consignments.hold(conn, seen.public_id)
    if found.state not in consignment_rules.SENT | {ConsignmentState.LOST}:
        raise Conflict(
            f"consignment {found.number} is {found.state}: there is nothing to claim of it"
        )
    return found


def _check_whole(found: Consignment, reason: ClaimReason, copies: int | None) -> None:
    if reason is not ClaimReason.NOT_ARRIVED:
        raise Invalid("say which line of the packing list: only NOT_ARRIVED is of all", "line")
    if copies is not None:
        raise Invalid("say of which line so many copies did not arrive", "copies")
    if found.state in consignment_rules.RECEIVED:
        raise Conflict(
            f"consignment {found.number} is {found.state}: say which line did not arrive, or let "
            "the receipt be corrected"
        )


# --- on its way -----------------------------------------------------------------------------------


def send(
    db: Database,
    public_id: str,
    *,
    due_at: datetime | None = None,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Claim:
    """Send a claim of ours to its partner, or send it again; the partner is told.

    ``due_at`` is when it is looked at again, None: in two months. Raises ``NotFound``,
    ``Conflict`` with what is possible for what its state forbids, ``Outdated``.
    """
    with db.write() as conn:
        return send_within(conn, public_id, due_at=due_at, seen=seen, by=by, now=now)


def send_within(
    conn: Connection,
    public_id: str,
    *,
    due_at: datetime | None = None,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Claim:
    """Do as ``send`` within a transaction."""
    found = holding_claims.hold(conn, public_id, seen)
    made = holding_claims.move(
        conn, found, _A.SEND, by, now, sent_at=now, due_at=due_at or now + rules.INTERVAL
    )
    body = {"claim": made.public_id, "reason": made.reason.value, "copies": made.copies}
    notifying.announce(conn, made.partner_id, CLAIM_SENT, body, now)
    return made


def answer(
    db: Database,
    public_id: str,
    text: str,
    *,
    partner: Partner | None = None,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Claim:
    """Enter what is answered to a claim: by us to a partner's, by the partner to one of ours.

    A ``partner`` answers ours; the staff enters what came by letter, too. Raises as ``send`` does.
    """
    text = rules.check_text(text, "text", needed=True)
    with db.write() as conn:
        found = holding_claims.hold(conn, public_id, seen, partner)
        if partner is not None and found.side is ClaimSide.THEIRS:
            raise Forbidden("this claim is yours: the other library answers it")
        made = holding_claims.move(
            conn, found, _A.ANSWER, by, now, answer=text, answered_at=now, due_at=None
        )
        if partner is None:
            holding_claims.tell(conn, made, now)
        return made


def close(
    db: Database, public_id: str, text: str, *, seen: int | None = None, by: str, now: datetime
) -> Claim:
    """Close a claim of which nothing came; ``text`` says why. Raises as ``send`` does."""
    reason = check_reason(text)
    with db.write() as conn:
        found = holding_claims.hold(conn, public_id, seen)
        made = holding_claims.move(
            conn, found, _A.CLOSE, by, now, reason, closed_at=now, due_at=None
        )
        holding_claims.tell(conn, made, now)
        return made


# --- what a receipt says --------------------------------------------------------------------------


def follow_receipt(
    conn: Connection,
    sent: Consignment,
    troubles: Sequence[rules.Trouble],
    said: str,
    *,
    by: str,
    now: datetime,
) -> None:
    """Let claims say what a receipt says of lines of a consignment that is held.

    ``said`` is what the receipt adds in words. Raises ``Conflict`` where that contradicts a claim
    that was settled.
    """
    about = About(consignment_id=sent.id)
    plan = rules.follow(claims.about(conn, about, side=ClaimSide.THEIRS), troubles)
    for claim in plan.arrived:
        values = {"resolution": Resolution.ARRIVED.value, "closed_at": now, "due_at": None}
        holding_claims.move(conn, claim, _A.RESOLVE, by, now, "the receipt says so", **values)
    for claim, copies in plan.change:
        claims.put(conn, claim, copies=copies)
        holding_claims.keep(
            conn,
            "changed",
            claim,
            holding_claims.known(conn, claim.public_id),
            by,
            now,
            "the receipt says so",
        )
    for each in plan.open:
        open_claim(
            conn,
            sent.partner_id,
            each.reason,
            side=ClaimSide.THEIRS,
            about=about._replace(position=each.position),
            copies=each.copies,
            text=said,
            by=by,
            now=now,
        )


# --- looking --------------------------------------------------------------------------------------


def find(db: Database, public_id: str, partner: Partner | None = None) -> Claim:
    """Return a claim; raise ``NotFound``. A ``partner`` sees its own, and ours once sent."""
    with db.read() as conn:
        return holding_claims.visible(conn, public_id, partner)


def list_claims(
    db: Database,
    *,
    partner: Partner | None = None,
    code: str = "",
    side: ClaimSide | None = None,
    states: Collection[ClaimState] = frozenset(ClaimState),
    due: datetime | None = None,
    before: str = "",
    limit: int | None = None,
) -> list[Claim]:
    """Return claims, newest first; of one ``partner`` those it sees, or for the staff of a code.

    ``due``: those to be looked at by then. Raises ``NotFound`` for a code that nobody has.
    """
    with db.read() as conn:
        partner_id = None if partner is None else partner.id
        if partner is None and code:
            partner_id = known_partner(conn, code).id
        return claims.listed(
            conn,
            partner_id=partner_id,
            shown_to_partner=partner is not None,
            side=side,
            states=states,
            due=due,
            before=before,
            limit=limit,
        )


def on_consignment(conn: Connection, found: Consignment) -> list[Claim]:
    """Return the claims on a consignment and its lines, in the order of their opening."""
    return claims.about(conn, About(consignment_id=found.id), side=ClaimSide.THEIRS)
