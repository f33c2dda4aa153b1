"""Presenting: a direct gift from its draft to its consignment, with the approver's name.

What is in a gift is filled by ``filling_gifts``; its consignment is packed and dispatched as any
other, and enters transfers and balance then. Two people at one gift do not overwrite each other:
who changes it says which revision was looked at. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from service.domain import consignment_fields, revision
from service.domain import gift as rules
from service.domain.consignment import NewLine, Service
from service.domain.gift import Gift, GiftAction, GiftLine, GiftState
from service.errors import Conflict, NotFound
from service.store import audit_log, gifts, partners, public_ids
from service.store.db import Connection, Database
from service.usecases import packing
from service.usecases.enrolling import known_partner

KIND: Final = "gift"  # in the audit log


# --- drafting -------------------------------------------------------------------------------------


def draft(db: Database, code: str, given: Mapping[str, Any], *, by: str, now: datetime) -> Gift:
    """Draft a gift for a partner; ``given`` has its title, and may have kind, notes and budget.

    Raises ``NotFound`` for a partner that there is not, ``WrongValues`` that tells all that is
    wrong.
    """
    values = rules.checked({"title": "", **given}, rules.SAID | rules.BUDGET)
    with db.write() as conn:
        partner = known_partner(conn, code)
        row = gifts.add(conn, partner.id, consignment_fields.columns(values), by, now)
        made = gifts.by_id(conn, row)
        rules.check_budget(made, {}, costed=False)
        keep(conn, "drafted", None, made, by, now)
        return made


def change(
    db: Database,
    name: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Gift:
    """Change title, kind or notes of a draft; what is so already is no change.

    Raises ``NotFound``, ``WrongValues``, ``Conflict`` when it is no draft, ``Outdated``.
    """
    values = rules.checked(given, rules.SAID)
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        return _put(conn, "changed", found, values, by, now)


def cost(
    db: Database,
    name: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Gift:
    """Enter budget line, purchase cost and currency; they may come until the gift is packed.

    Raises as ``change`` does.
    """
    values = rules.checked(given, rules.BUDGET)
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_costed(found)
        costed = any(line.cost is not None for line in gifts.lines(conn, found.id))
        rules.check_budget(found, values, costed=costed)
        return _put(conn, "costed", found, values, by, now)


def _put(
    conn: Connection, action: str, found: Gift, values: Mapping[str, Any], by: str, now: datetime
) -> Gift:
    new = {key: value for key, value in values.items() if getattr(found, key) != value}
    if not new:
        return found
    gifts.put(conn, found, **consignment_fields.columns(new))
    made = gifts.by_id(conn, found.id)
    keep(conn, action, found, made, by, now)
    return made


# --- its state ------------------------------------------------------------------------------------


def submit(db: Database, name: str, *, seen: int | None = None, by: str, now: datetime) -> Gift:
    """Ask for the approval of a draft; raise ``Conflict`` that tells all that is missing.

    What its table brought has its records from now on.
    """
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.after(GiftAction.SUBMIT, found.state)
        settle(conn, found.id)
        if missing := rules.missing(gifts.lines(conn, found.id)):
            raise Conflict(f"this gift cannot be submitted: {'; '.join(missing)}")
        return _move(
            conn, found, GiftAction.SUBMIT, by, now, requested_by=by, requested_at=now, reason=""
        )


def approve(
    db: Database,
    name: str,
    approver: str,
    *,
    reason: str = "",
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Gift:
    """Approve a submitted gift in the name of ``approver``, which stands on its papers.

    Raises ``Invalid`` without a name, ``Conflict`` for what its state forbids.
    """
    approver = rules.check_approver(approver)
    reason = consignment_fields.line(reason)
    with db.write() as conn:
        found = hold(conn, name, seen)
        return _move(
            conn,
            found,
            GiftAction.APPROVE,
            by,
            now,
            approved_by=approver,
            approved_at=now,
            reason=reason,
        )


def reject(
    db: Database, name: str, *, reason: str, seen: int | None = None, by: str, now: datetime
) -> Gift:
    """Reject a submitted gift with a reason; it can be revised."""
    reason = rules.check_reason(reason)
    with db.write() as conn:
        return _move(conn, hold(conn, name, seen), GiftAction.REJECT, by, now, reason=reason)


def revise(db: Database, name: str, *, seen: int | None = None, by: str, now: datetime) -> Gift:
    """Make a draft of a rejected gift again; why it was rejected stays with it."""
    with db.write() as conn:
        return _move(conn, hold(conn, name, seen), GiftAction.REVISE, by, now)


def cancel(
    db: Database, name: str, *, reason: str = "", seen: int | None = None, by: str, now: datetime
) -> Gift:
    """Cancel a gift of which nothing is packed."""
    reason = consignment_fields.line(reason)
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.after(GiftAction.CANCEL, found.state)
        if found.consignments:
            numbers = ", ".join(each.number for each in found.consignments)
            raise Conflict(f"part of this gift is in consignment {numbers}: it cannot be cancelled")
        return _move(conn, found, GiftAction.CANCEL, by, now, reason=reason)


def pack(
    db: Database,
    name: str,
    *,
    theme: str = "",
    service: Service = Service.SURFACE,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Gift:
    """Make a consignment of an approved gift, with each record as it is now.

    Of a gift from whose consignment something was taken out, what is in none. Raises ``Conflict``
    for what its state forbids.
    """
    theme = consignment_fields.line(theme)
    with db.write() as conn:
        # Whoever holds a partner and a gift holds the partner first, as a merger does.
        before = known(conn, name)
        partners.lock(conn, before.partner_id)
        found = hold(conn, name, seen)
        if found.partner_id != before.partner_id:
            raise Conflict("its partner was merged at the same moment; look again")
        rules.after(GiftAction.PACK, found.state)
        there = gifts.packed_positions(conn, found.id)
        packing.make(
            conn,
            found.partner_id,
            [
                _packed(line, found)
                for line in gifts.lines(conn, found.id)
                if line.position not in there
            ],
            kind=found.kind,
            theme=theme or found.title,
            service=service,
            gift_id=found.id,
            by=by,
            now=now,
        )
        gifts.put(conn, found)
        made = gifts.by_id(conn, found.id)
        keep(conn, "packed", found, made, by, now)
        return made


def _packed(line: GiftLine, found: Gift) -> NewLine:
    return NewLine(
        line.title,
        line.copies,
        line.volumes,
        version_id=line.version_id,
        value=line.cost,
        currency="" if line.cost is None else found.currency,
    )


def _move(
    conn: Connection, found: Gift, action: GiftAction, by: str, now: datetime, **values: Any
) -> Gift:
    """Move a gift on, with other columns; raise ``Conflict`` for what its state forbids."""
    state = rules.after(action, found.state)
    gifts.put(conn, found, state=state.value, **values)
    made = gifts.by_id(conn, found.id)
    keep(conn, state.value.lower(), found, made, by, now, values.get("reason", ""))
    return made


# --- looking --------------------------------------------------------------------------------------


class Shown(NamedTuple):
    """A gift, and what a person should look at before it is packed."""

    gift: Gift
    remarks: list[str]


def find(db: Database, name: str) -> Shown:
    """Return a gift by its public id; raise ``NotFound``."""
    with db.read() as conn:
        found = known(conn, name)
        return Shown(found, rules.remarks(found))


def lines(db: Database, name: str, after: int = 0, limit: int | None = None) -> list[GiftLine]:
    """Return up to ``limit`` lines of a gift behind position ``after``; raise ``NotFound``."""
    with db.read() as conn:
        return gifts.lines(conn, known(conn, name).id, after, limit)


def list_gifts(
    db: Database,
    *,
    code: str = "",
    states: Collection[GiftState] = frozenset(GiftState),
    before: str = "",
    limit: int | None = None,
) -> list[Gift]:
    """Return gifts, newest first, older than the public id ``before``; of one ``code``, or of all.

    Raises ``NotFound`` for a code that nobody has.
    """
    with db.read() as conn:
        partner_id = known_partner(conn, code).id if code else None
        return gifts.listed(conn, partner_id=partner_id, states=states, before=before, limit=limit)


# --- the parts ------------------------------------------------------------------------------------


def known(conn: Connection, name: str) -> Gift:
    """Return a gift by its public id within a transaction; raise ``NotFound``."""
    wanted = public_ids.read(name)
    found = None if wanted is None else gifts.by_public_id(conn, wanted)
    if found is None:
        raise NotFound(f"there is no gift {name!r}")
    return found


def hold(conn: Connection, name: str, seen: int | None = None) -> Gift:
    """Return a gift that nobody else changes meanwhile.

    ``seen`` is the revision that was looked at, None for any. Raises ``NotFound``, ``Outdated``.
    """
    found = gifts.lock(conn, known(conn, name).id)
    revision.check_seen("this gift", seen, found.revision)
    return found


def hold_draft(conn: Connection, name: str, seen: int | None = None) -> Gift:
    """Do as ``hold``, for what only a draft allows; raise ``Conflict`` that says what to do."""
    found = hold(conn, name, seen)
    rules.check_open(found)
    return found


def settle(conn: Connection, gift_id: int) -> None:
    """Give lines of a table their records, where the import brought them.

    The first line of a record has it; another one of the same record stays without.
    """
    there = gifts.record_ids(conn, gift_id)
    pairs = []
    for position, record_id in gifts.settled(conn, gift_id):
        if record_id not in there:
            there.add(record_id)
            pairs.append((position, record_id))
    gifts.settle(conn, gift_id, pairs)


def keep(
    conn: Connection,
    action: str,
    before: Gift | None,
    after: Gift,
    by: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Enter in the audit log what was done to a gift."""
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


_TOLD: Final = (
    "partner",
    "title",
    "kind",
    "state",
    "budget_line",
    "cost",
    "currency",
    "approved_by",
    "notes",
    "titles",
    "volumes",
)


def _told(found: Gift) -> dict[str, Any]:
    told = {name: getattr(found, name) for name in _TOLD}
    return told | {"consignments": [each.number for each in found.consignments]}
