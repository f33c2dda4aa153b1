"""Receiving: a partner says what arrived, by the link on its packing slip or by the API.

The link is a capability: whoever holds the slip may say what arrived, once, and sees nothing but
what lies in the parcels. What follows from a receipt – the state of the consignment, the claims on
what is short or damaged, what the partner is told – is one transaction. The staff corrects with a
reason; the audit log has both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from itsdangerous import BadSignature, Signer

from service.config import Settings
from service.domain import receipt as rules
from service.domain.announcement import CONSIGNMENT_RECEIVED
from service.domain.claim import PENDING, Claim
from service.domain.consignment import RECEIVABLE, RECEIVED, Consignment, Line, after
from service.domain.ledger import check_reason
from service.domain.partner import Partner
from service.domain.receipt import ACTIONS, Arrival, Channel, Receipt, Said
from service.errors import Conflict, Misconfigured, NotFound
from service.store import audit_log, partners, public_ids, receipts
from service.store.db import Connection, Database
from service.usecases import claiming, holding_consignments, notifying, packing

KIND: Final = "receipt"  # in the audit log; its name there is the consignment's number
# Who acts by a link: whoever holds the slip.
BY_LINK: Final = "packing slip"

# What else is signed under the secret key must not open a receipt.
_SALT: Final = "bookbridge.receipt.1"


# --- the link -------------------------------------------------------------------------------------


def token(settings: Settings, public_id: str) -> str:
    """Return what names a consignment on its slip; raise ``Misconfigured`` without a key."""
    return _signer(settings).sign(public_id).decode("ascii")


def link(settings: Settings, public_id: str) -> str:
    """Return the address at which the receipt of a consignment (public id) is confirmed."""
    return f"{settings.base_url}/receipts/{token(settings, public_id)}"


def qr_svg(address: str, *, scale: float = 3) -> str:
    """Return an address as a QR code, an SVG element to be put into a page.

    Without a style of its own, so that it stands under any content security policy. A quarter of
    the code may be soiled.
    """
    # An import, which runs in the same process, has no need of it.
    import segno

    return segno.make(address, error="q", micro=False).svg_inline(
        scale=scale, svgclass=None, lineclass=None, title="QR code of the link to the receipt"
    )


def _signer(settings: Settings) -> Signer:
    if not settings.secret_key:
        raise Misconfigured("setting 'secret_key' is not set; `bookbridge init` makes one")
    keys = [*settings.secret_key_fallbacks, settings.secret_key]  # it signs with the last one
    return Signer(keys, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)


def _opened(settings: Settings, given: str) -> str:
    """Return the public id that a link names; raise ``NotFound`` for one that we did not make."""
    try:
        found = public_ids.read(_signer(settings).unsign(given).decode("ascii"))
    except (BadSignature, UnicodeError) as error:
        raise NotFound("this link is none of ours") from error
    if found is None:
        raise NotFound("this link is none of ours")
    return found


# --- looking --------------------------------------------------------------------------------------


class Slip(NamedTuple):
    """What somebody sees who holds the packing slip, or asks for the receipt.

    ``receipt`` is None before anybody confirmed it; ``claims`` are those on what was wrong.
    """

    consignment: Consignment
    lines: list[Line]
    receipt: Receipt | None
    claims: list[Claim]

    @property
    def receivable(self) -> bool:
        """Whether it can be confirmed now."""
        return self.consignment.state in RECEIVABLE

    @property
    def too_early(self) -> bool:
        """Whether it has not left yet."""
        return self.consignment.state in rules.NOT_YET


def slip(db: Database, settings: Settings, given: str) -> Slip:
    """Return what a link shows; raise ``NotFound`` for one that we did not make."""
    public_id = _opened(settings, given)
    with db.read() as conn:
        return _slip(conn, holding_consignments.known(conn, public_id))


def find(db: Database, name: str, partner: Partner | None = None) -> Slip:
    """Return a consignment with its receipt, by public id or number; raise ``NotFound``.

    A ``partner`` sees its own once they are dispatched.
    """
    with db.read() as conn:
        return _slip(conn, holding_consignments.visible(conn, name, partner))


def _slip(conn: Connection, found: Consignment) -> Slip:
    return Slip(
        found,
        packing.contents(conn, found).lines,
        receipts.of(conn, found.id),
        claiming.on_consignment(conn, found),
    )


# --- saying what arrived --------------------------------------------------------------------------


class Confirmed(NamedTuple):
    """A receipt, and whether it was entered just now; otherwise the same was said before."""

    slip: Slip
    new: bool


def confirm_by_link(
    db: Database, settings: Settings, given: str, said: Said, now: datetime
) -> Confirmed:
    """Enter what the holder of a packing slip says arrived.

    Raises ``NotFound`` for a link that we did not make, ``WrongValues``, and ``Conflict`` where it
    is not on its way or something else was said before.
    """
    public_id = _opened(settings, given)
    with db.write() as conn:
        return _enter(conn, public_id, said, Channel.LINK, by=BY_LINK, now=now)


def receive(
    db: Database,
    name: str,
    said: Said,
    *,
    partner: Partner | None = None,
    reason: str = "",
    by: str,
    now: datetime,
) -> Confirmed:
    """Enter what a ``partner`` says arrived, or for None what the staff learnt of it otherwise.

    The staff gives the reason: how it was learnt. The same said again is no error. Raises
    ``NotFound``, ``WrongValues``, ``Invalid`` without a reason, and ``Conflict`` where it is not
    on its way or something else was said before.
    """
    channel = Channel.STAFF if partner is None else Channel.API
    if partner is None:
        reason = check_reason(reason)
    with db.write() as conn:
        public_id = holding_consignments.visible(conn, name, partner).public_id
        return _enter(conn, public_id, said, channel, by=by, now=now, reason=reason)


def _enter(
    conn: Connection,
    public_id: str,
    said: Said,
    channel: Channel,
    *,
    by: str,
    now: datetime,
    reason: str = "",
) -> Confirmed:
    found = _hold(conn, public_id, None)
    before = receipts.of(conn, found.id)
    if before is None:
        after(ACTIONS[rules.Outcome.COMPLETE], found.state)
    sent = packing.contents(conn, found).lines
    said = rules.cleaned(said)
    lines = rules.checked(said, sent)
    if before is not None:
        if rules.says_the_same(before, said, lines):
            return Confirmed(_slip(conn, found), new=False)
        raise Conflict(
            f"consignment {found.number} was confirmed on {before.created_at:%Y-%m-%d}: "
            f"{before.outcome}; the exchange librarian can correct that"
        )
    day = rules.check_day(said.received_on, found.dispatched_on, now.astimezone(UTC).date())
    receipts.add(
        conn,
        found.id,
        lines,
        outcome=rules.outcome(lines, sent),
        received_on=day,
        channel=channel,
        received_by=said.received_by,
        note=said.note,
        now=now,
    )
    return Confirmed(_follow(conn, found, sent, None, by, now, reason), new=True)


def correct(
    db: Database,
    name: str,
    said: Said,
    *,
    reason: str,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Slip:
    """Correct a receipt, with a reason; claims follow it. The staff does.

    ``seen`` is the revision of the consignment that was looked at. Raises as ``receive`` does,
    ``NotFound`` where there is no receipt, ``Outdated``, and ``Conflict`` where a claim was settled
    that is none by then.
    """
    reason = check_reason(reason)
    with db.write() as conn:
        found = _hold(conn, name, seen)
        before = receipts.of(conn, found.id)
        if before is None:
            raise NotFound(f"nobody confirmed consignment {found.number} yet: enter its receipt")
        sent = packing.contents(conn, found).lines
        said = rules.cleaned(said)
        lines = rules.checked(said, sent)
        day = rules.check_day(
            said.received_on or before.received_on,
            found.dispatched_on,
            now.astimezone(UTC).date(),
        )
        receipts.correct(
            conn,
            before,
            lines,
            outcome=rules.outcome(lines, sent),
            received_on=day,
            channel=Channel.STAFF,
            received_by=said.received_by or before.received_by,
            note=said.note,
        )
        return _follow(conn, found, sent, before, by, now, reason)


def _hold(conn: Connection, name: str, seen: int | None) -> Consignment:
    """Hold a consignment after its partner; raise ``NotFound``, ``Outdated``."""
    partners.lock(conn, holding_consignments.known(conn, name).partner_id)
    return holding_consignments.hold(conn, name, seen)


def _follow(
    conn: Connection,
    found: Consignment,
    sent: Sequence[Line],
    before: Receipt | None,
    by: str,
    now: datetime,
    reason: str,
) -> Slip:
    """Let everything follow from a receipt that was entered or corrected; return how it is then."""
    made = receipts.of(conn, found.id)
    assert made is not None  # noqa: S101 - it was entered
    told = rules.troubles(made.lines, sent, None if before is None else before.lines)
    claiming.follow_receipt(conn, found, told, made.note, by=by, now=now)
    stands = holding_consignments.move(
        conn,
        found,
        ACTIONS[made.outcome],
        closed_at=found.closed_at if found.state in RECEIVED else now,
        remind_at=None,
        presume_at=None,
    )
    _keep(conn, stands, before, made, sent, by, now, reason)
    shown = _slip(conn, stands)
    body = {
        "consignment": stands.public_id,
        "number": stands.number,
        "outcome": made.outcome.value,
        "received_on": made.received_on.isoformat(),
        "claims": sum(claim.state in PENDING for claim in shown.claims),
    }
    notifying.announce(conn, stands.partner_id, CONSIGNMENT_RECEIVED, body, now)
    return shown


def _keep(
    conn: Connection,
    found: Consignment,
    before: Receipt | None,
    made: Receipt,
    sent: Sequence[Line],
    by: str,
    now: datetime,
    reason: str,
) -> None:
    audit_log.write(
        conn,
        by=by,
        action="entered" if before is None else "corrected",
        kind=KIND,
        name=found.number,
        now=now,
        before=None if before is None else _told(before, sent),
        after=_told(made, sent),
        reason=reason,
    )


def _told(found: Receipt, sent: Sequence[Line]) -> dict[str, Any]:
    whole = {Arrival(line.position, line.copies) for line in sent}
    return {
        "outcome": found.outcome.value,
        "received_on": found.received_on.isoformat(),
        "channel": found.channel.value,
        "received_by": found.received_by,
        "note": found.note,
        "lines": [each._asdict() for each in found.lines if each not in whole],
    }
