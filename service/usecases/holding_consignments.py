"""Consignments held while they change: found, checked, written, and entered in the audit log.

Two people at one consignment do not overwrite each other: who changes it says which revision was
looked at. Whoever holds a partner and a consignment holds the partner first. ``by`` is who acts, as
the audit log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from service.domain import consignment as rules
from service.domain import revision
from service.domain.consignment import Consignment, ConsignmentAction, ConsignmentState, Line
from service.domain.partner import Partner
from service.errors import Conflict, NotFound
from service.store import audit_log, consignments
from service.store.db import Connection

KIND: Final = "consignment"  # in the audit log


def known(conn: Connection, name: str) -> Consignment:
    """Return a consignment by public id or number within a transaction; raise ``NotFound``."""
    found = consignments.by_name(conn, name)
    if found is None:
        raise NotFound(f"there is no consignment {name!r}")
    return found


def visible(conn: Connection, name: str, partner: Partner | None) -> Consignment:
    """Return a consignment within a transaction; raise ``NotFound``.

    A ``partner`` sees its own once they are dispatched.
    """
    found = known(conn, name)
    if partner is not None and (
        found.partner_id != partner.id or found.state not in rules.SHOWN_TO_PARTNERS
    ):
        raise NotFound(f"there is no consignment {name!r}")
    return found


def hold(conn: Connection, name: str, seen: int | None = None) -> Consignment:
    """Return a consignment that nobody else changes meanwhile.

    ``seen`` is the revision that was looked at, None for any. Raises ``NotFound``, ``Outdated``.
    """
    found = consignments.lock(conn, known(conn, name).id)
    revision.check_seen(f"consignment {found.number}", seen, found.revision)
    return found


def hold_draft(conn: Connection, name: str, seen: int | None = None) -> Consignment:
    """Do as ``hold``, for what only a draft allows; raise ``Conflict`` that says what to do."""
    found = hold(conn, name, seen)
    if found.state is ConsignmentState.PACKED:
        raise Conflict(f"consignment {found.number} is closed: unpack it first, then change it")
    if found.state is not ConsignmentState.DRAFT:
        raise Conflict(f"consignment {found.number} is {found.state}: nothing is packed in it now")
    return found


def check_lines(lines: Sequence[Line], positions: Collection[int]) -> None:
    """Refuse positions that no line has; raise ``NotFound``."""
    there = {line.position for line in lines}
    if gone := sorted(set(positions) - there):
        raise NotFound(f"this consignment has no line {', '.join(map(str, gone))}")


def count(conn: Connection, found: Consignment, **values: Any) -> Consignment:
    """Write the totals of the lines, and other columns, of a consignment that is held."""
    figures = rules.totals(consignments.lines(conn, found.id))
    consignments.put(conn, found, **figures._asdict(), **values)
    return consignments.by_id(conn, found.id)


def move(
    conn: Connection, found: Consignment, action: ConsignmentAction, **values: Any
) -> Consignment:
    """Move a consignment on, with other columns; raise ``Conflict`` for what its state forbids."""
    state = rules.after(action, found.state)
    consignments.put(conn, found, state=state.value, **values)
    return consignments.by_id(conn, found.id)


def keep(
    conn: Connection,
    action: str,
    before: Consignment | None,
    after: Consignment,
    by: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Enter in the audit log what was done to a consignment; its name there is its number."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=after.number,
        now=now,
        before=None if before is None else _told(before),
        after=_told(after),
        reason=reason,
    )


_TOLD: Final = (
    "partner",
    "kind",
    "state",
    "theme",
    "address_roman",
    "address_local",
    "place",
    "service",
    "carrier",
    "customs",
    "postage",
    "postage_currency",
    "postage_paid_by",
    "notes",
    "titles",
    "volumes",
    "weight",
)


def _told(found: Consignment) -> dict[str, Any]:
    told = {name: getattr(found, name) for name in _TOLD}
    return told | {"dispatched_on": found.dispatched_on and found.dispatched_on.isoformat()}
