"""Agreements held while they change: checked, written, and entered in the audit log.

Two people at one agreement do not overwrite each other: who changes it says which revision was
looked at. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from service.domain import contradiction, revision
from service.domain.agreement import Agreement
from service.errors import Conflict, NotFound, WrongValues
from service.store import agreements, audit_log, partners, public_ids
from service.store.db import Connection

KIND: Final = "agreement"  # in the audit log


def hold(conn: Connection, public_id: str, seen: int | None) -> Agreement:
    """Return an agreement that nobody else changes meanwhile; raise ``NotFound``, ``Outdated``."""
    found = agreements.lock(conn, known_agreement(conn, public_id).id)
    revision.check_seen(f"agreement {found.public_id}", seen, found.revision)
    return found


def known_agreement(conn: Connection, public_id: str) -> Agreement:
    """Return an agreement within a transaction; raise ``NotFound``."""
    wanted = public_ids.read(public_id)
    found = None if wanted is None else agreements.by_public_id(conn, wanted)
    if found is None:
        raise NotFound("there is no such agreement")
    return found


def check(conn: Connection, new: Agreement) -> dict[str, int]:
    """Return the rows of the parties by code; raise ``WrongValues`` for all that cannot stand.

    The parties are held, so that two agreements that contradict each other are not signed at once.
    """
    codes = [party.partner for party in new.terms.parties]
    partner_ids = partners.by_codes(conn, codes)
    faults = [
        (f"parties.{number}.partner", f"there is no partner with code {code!r}")
        for number, code in enumerate(codes, 1)
        if code not in partner_ids
    ]
    for partner_id in sorted(partner_ids.values()):
        partners.lock(conn, partner_id)
    faults += contradiction.contradictions(new, agreements.beside(conn, new))
    if faults:
        raise WrongValues(faults)
    return partner_ids


def put(
    conn: Connection, found: Agreement, new: Agreement, partner_ids: Mapping[str, int] | None
) -> Agreement:
    """Write ``new`` over what was ``found``; raise ``Conflict`` when somebody was faster."""
    if not agreements.put(conn, found, new, partner_ids):
        raise Conflict("somebody else changed this agreement at the same moment; look at it again")
    return agreements.by_id(conn, found.id)


def log(
    conn: Connection,
    action: str,
    before: Agreement | None,
    after: Agreement,
    by: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Enter what was done to an agreement; ``before`` is None where it was drawn up."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=after.public_id,
        now=now,
        before=None if before is None else {"state": before.state} | before.terms.values(),
        after={"state": after.state} | after.terms.values(),
        reason=reason,
    )
