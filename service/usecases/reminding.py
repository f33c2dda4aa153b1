"""Reminding: what nobody confirmed is asked for again, and presumed received in the end.

Each consignment is one transaction with what its partner is told, decided anew while it is held:
any number of workers may do this at once and be killed at any moment, and nobody is told twice.
What is presumed is flagged as that, and can be confirmed still.
"""

from __future__ import annotations

from datetime import UTC, datetime, time

from service.config import Settings
from service.domain.announcement import CONSIGNMENT_PRESUMED, CONSIGNMENT_REMINDER
from service.domain.audit_entry import WORKER
from service.domain.consignment import ON_ITS_WAY, PATIENCE, Consignment, ConsignmentAction
from service.domain.receipt import next_reminder
from service.store import consignments, partners, receipts
from service.store.db import Connection, Database
from service.usecases import holding_consignments, notifying, receiving


def remind(db: Database, settings: Settings, now: datetime) -> int:
    """Remind of the receipts that are overdue, presume those that are long; return how many."""
    with db.read() as conn:
        overdue = receipts.overdue(conn, now)
    done = 0
    for public_id in overdue:
        with db.write() as conn:
            partners.lock(conn, holding_consignments.known(conn, public_id).partner_id)
            found = holding_consignments.hold(conn, public_id)
            if found.state not in ON_ITS_WAY:
                continue  # it was confirmed, or came back, a moment ago
            if found.presume_at is not None and found.presume_at <= now:
                _presume(conn, settings, found, now)
            elif found.remind_at is not None and found.remind_at <= now:
                _remind(conn, settings, found, now)
            else:
                continue  # another worker was faster
            done += 1
    return done


def _presume(conn: Connection, settings: Settings, found: Consignment, now: datetime) -> None:
    made = holding_consignments.move(
        conn,
        found,
        ConsignmentAction.PRESUME,
        closed_at=now,
        remind_at=None,
        presume_at=None,
    )
    _tell(conn, settings, found, CONSIGNMENT_PRESUMED, now)
    holding_consignments.keep(conn, "presumed received", found, made, WORKER, now)


def _remind(conn: Connection, settings: Settings, found: Consignment, now: datetime) -> None:
    assert found.dispatched_on is not None  # noqa: S101 - it is on its way
    left = datetime.combine(found.dispatched_on, time(), tzinfo=UTC)
    again = next_reminder(left + PATIENCE[found.service].remind, now)
    consignments.put(conn, found, remind_at=again)
    _tell(conn, settings, found, CONSIGNMENT_REMINDER, now)
    made = consignments.by_id(conn, found.id)
    holding_consignments.keep(conn, "reminded", found, made, WORKER, now)


def _tell(
    conn: Connection, settings: Settings, found: Consignment, event: str, now: datetime
) -> None:
    body = {
        "consignment": found.public_id,
        "number": found.number,
        "dispatched_on": str(found.dispatched_on),
        "token": receiving.token(settings, found.public_id),
    }
    notifying.announce(conn, found.partner_id, event, body, now)
