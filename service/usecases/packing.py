"""Packing: books that were given are put into parcels, until the consignment is dispatched.

A consignment is made of what a partner was given and nobody packed yet, or of given lines. Its
lines are ticked or scanned into parcels; what is taken out again travels another time. Two people
at one consignment do not overwrite each other: who changes it says which revision was looked at.
``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from service.domain import consignment as rules
from service.domain import consignment_fields as fields
from service.domain.consignment import (
    Consignment,
    ConsignmentAction,
    ConsignmentState,
    Line,
    NewLine,
    Service,
)
from service.domain.parcel import Parcel
from service.domain.partner import Partner
from service.domain.transfer import TransferKind
from service.errors import Conflict, NotFound
from service.store import consignments, directory, offer_lists, parcels, partners
from service.store.consignments import NewConsignment, Waiting
from service.store.db import Connection, Database
from service.usecases.enrolling import known_partner
from service.usecases.holding_consignments import (
    check_lines,
    count,
    hold,
    hold_draft,
    keep,
    known,
    move,
    visible,
)

# --- making ---------------------------------------------------------------------------------------


def make(
    conn: Connection,
    partner_id: int,
    lines: Sequence[NewLine],
    *,
    kind: TransferKind = TransferKind.EXCHANGE,
    theme: str = "",
    service: Service = Service.SURFACE,
    gift_id: int | None = None,
    by: str,
    now: datetime,
) -> str:
    """Make a consignment of these lines within a transaction; return its public id.

    Its address is that of the partner's entry as it is now. For an entry that was merged into
    another it is made for that one. Raises ``Conflict`` without a line, and where copies of a line
    are in another consignment already.
    """
    if not lines:
        raise Conflict("there is nothing to pack: a consignment needs a line at least")
    partner_id = partners.survivors(conn, [partner_id]).get(partner_id, partner_id)
    partners.lock(conn, partner_id)
    entry = directory.entry(conn, partners.by_id(conn, partner_id).code)
    assert entry is not None  # noqa: S101 - it is held
    new = NewConsignment(
        partner_id=partner_id,
        kind=kind,
        theme=theme,
        address_roman=entry.address_roman,
        address_local=entry.address_local,
        place=entry.place,
        service=service,
        gift_id=gift_id,
        created_by=by,
        **rules.totals(lines)._asdict(),
    )
    row, public_id = consignments.add(conn, new, now)
    consignments.add_lines(conn, row, lines)
    made = consignments.by_id(conn, row)
    keep(conn, "made", None, made, by, now)
    return public_id


def make_for(
    db: Database,
    code: str,
    slugs: Sequence[str] = (),
    *,
    kind: TransferKind = TransferKind.EXCHANGE,
    theme: str = "",
    service: Service = Service.SURFACE,
    by: str,
    now: datetime,
) -> Consignment:
    """Make a consignment of all that a partner was given and that is in none yet.

    ``slugs``: only what was on these lists; () for all. Raises ``NotFound`` for a partner or a list
    that there is not, ``Conflict`` when nothing waits.
    """
    with db.write() as conn:
        partner = known_partner(conn, code)
        partners.lock(conn, partner.id)
        lines = _waiting(conn, code, partner.id, slugs)
        public_id = make(
            conn, partner.id, lines, kind=kind, theme=theme, service=service, by=by, now=now
        )
        return known(conn, public_id)


def waiting(db: Database) -> list[Waiting]:
    """Return the partners to whom something was given that is in no consignment."""
    with db.read() as conn:
        return consignments.waiting_partners(conn)


def add_waiting(
    db: Database,
    name: str,
    slugs: Sequence[str] = (),
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Put what waits for the partner by now into a draft too; raises as ``make_for`` does."""
    with db.write() as conn:
        # Whoever holds a partner and a consignment holds the partner first.
        partners.lock(conn, known(conn, name).partner_id)
        found = hold_draft(conn, name, seen)
        lines = _waiting(conn, found.partner, found.partner_id, slugs)
        consignments.add_lines(conn, found.id, lines)
        made = count(conn, found)
        keep(conn, "added", found, made, by, now)
        return made


def _waiting(conn: Connection, code: str, partner_id: int, slugs: Sequence[str]) -> list[NewLine]:
    for slug in slugs:
        if offer_lists.by_slug(conn, slug) is None:
            raise NotFound(f"there is no list {slug!r}")
    lines = consignments.waiting(conn, partner_id, slugs)
    if not lines:
        where = f" of list {', '.join(slugs)}" if slugs else ""
        raise Conflict(f"nothing{where} waits to be sent to {code!r}")
    return lines


# --- what is in it --------------------------------------------------------------------------------


def take_out(
    db: Database,
    name: str,
    positions: Collection[int],
    *,
    seen: int | None = None,
    reason: str = "",
    by: str,
    now: datetime,
) -> Consignment:
    """Take lines out of a draft: their copies wait for a later consignment.

    Raises ``NotFound`` for a line that is not in it, ``Conflict`` when it is no draft.
    """
    reason = fields.line(reason)
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        check_lines(consignments.lines(conn, found.id), positions)
        consignments.remove_lines(conn, found.id, positions)
        made = count(conn, found)
        keep(conn, "lines taken out", found, made, by, now, reason)
        return made


def change(
    db: Database,
    name: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Change what is said of a consignment; what is so already is no change.

    Raises ``NotFound``, ``WrongValues`` that tells all that is wrong, ``Conflict`` for what may not
    change any more, and ``Outdated`` when somebody changed it since.
    """
    values = fields.checked(given)
    with db.write() as conn:
        found = hold(conn, name, seen)
        fields.check_change(found, values)
        new = {key: value for key, value in values.items() if getattr(found, key) != value}
        if not new:
            return found
        consignments.put(conn, found, **fields.columns(new))
        made = consignments.by_id(conn, found.id)
        keep(conn, "changed", found, made, by, now)
        return made


# --- its state ------------------------------------------------------------------------------------


def pack(
    db: Database, name: str, *, seen: int | None = None, by: str, now: datetime
) -> Consignment:
    """Close the parcels: everything is in one, and the consignment can be dispatched.

    Parcels without a line are left out. Raises ``Conflict`` that tells all that is missing.
    """
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.after(ConsignmentAction.PACK, found.state)
        lines = consignments.lines(conn, found.id)
        if missing := rules.missing(found, lines):
            raise Conflict(f"consignment {found.number} cannot be closed: {'; '.join(missing)}")
        used = {line.parcel for line in lines}
        there = parcels.of(conn, found.id)
        parcels.remove(conn, found.id, [each.number for each in there if each.number not in used])
        made = move(
            conn,
            found,
            ConsignmentAction.PACK,
            packed_at=now,
            weight=sum(each.weight for each in there if each.number in used),
            **rules.totals(lines)._asdict(),
        )
        keep(conn, "packed", found, made, by, now)
        return made


def unpack(
    db: Database, name: str, *, seen: int | None = None, by: str, now: datetime
) -> Consignment:
    """Open the parcels again, as long as nothing was dispatched."""
    with db.write() as conn:
        found = hold(conn, name, seen)
        made = move(conn, found, ConsignmentAction.UNPACK, packed_at=None)
        keep(conn, "unpacked", found, made, by, now)
        return made


def cancel(
    db: Database, name: str, *, seen: int | None = None, reason: str = "", by: str, now: datetime
) -> Consignment:
    """Cancel a draft: all that was in it waits for another consignment."""
    reason = fields.line(reason)
    with db.write() as conn:
        found = hold(conn, name, seen)
        made = move(conn, found, ConsignmentAction.CANCEL, closed_at=now)
        consignments.release(conn, found.id)
        keep(conn, "cancelled", found, made, by, now, reason)
        return made


# --- looking --------------------------------------------------------------------------------------


class Contents(NamedTuple):
    """A consignment with all that is in it, and what a person should look at before it leaves."""

    consignment: Consignment
    lines: list[Line]
    parcels: list[Parcel]
    remarks: list[str]


def find(db: Database, name: str, partner: Partner | None = None) -> Contents:
    """Return a consignment by public id or number; raise ``NotFound``.

    A ``partner`` sees its own once they are dispatched.
    """
    with db.read() as conn:
        return contents(conn, visible(conn, name, partner))


def contents(conn: Connection, found: Consignment) -> Contents:
    """Return a consignment with all that is in it within a transaction."""
    lines = consignments.lines(conn, found.id)
    if found.state is ConsignmentState.RETURNED:  # it let all of them go, but was packed with them
        every = consignments.lines(conn, found.id, released=True)
        lines = [line for line in every if line.packed]
    there = parcels.of(conn, found.id)
    return Contents(found, lines, there, _remarks(found, lines, there))


def _remarks(found: Consignment, lines: Sequence[Line], there: Sequence[Parcel]) -> list[str]:
    if found.state not in rules.OPEN:
        return []
    remarks = rules.missing(found, lines)
    unweighed = [str(each.number) for each in there if not each.weight]
    if unweighed:
        remarks.append(f"not weighed yet: parcel {', '.join(unweighed)}")
    return remarks


def list_consignments(
    db: Database,
    *,
    partner: Partner | None = None,
    code: str = "",
    states: Collection[ConsignmentState] = frozenset(ConsignmentState),
    before: str = "",
    limit: int | None = None,
) -> list[Consignment]:
    """Return consignments, newest first, older than the public id ``before``.

    A ``partner`` sees its own once they are dispatched; the staff may ask for those of one
    ``code``. Raises ``NotFound`` for a code that nobody has.
    """
    with db.read() as conn:
        partner_id = None if partner is None else partner.id
        if partner is not None:
            states = set(states) & rules.SHOWN_TO_PARTNERS
        elif code:
            partner_id = known_partner(conn, code).id
        return consignments.listed(
            conn, partner_id=partner_id, states=states, before=before, limit=limit
        )
