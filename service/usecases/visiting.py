"""Who harvested us: visits are kept, shown, and what is personal in them is forgotten in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from service.domain.visit import Visit
from service.store import visits
from service.store.db import Database
from service.store.visits import Kept
from service.usecases.enrolling import known_partner

# Milliseconds that keeping waits for another writer before it is tried again later.
_PATIENCE_MS = 1000
# Visits that are kept: years of honest harvests, and no more than that of any others.
_MOST_KEPT = 100_000


def keep(db: Database, seen: Sequence[Visit], *, with_addresses: bool) -> None:
    """Keep what was seen of visits, in the order of seeing.

    Raises ``Busy`` when somebody else is writing: nothing is kept then, and it can be tried again.
    """
    if not with_addresses:
        seen = [visit.without_address() for visit in seen]
    with db.write(_PATIENCE_MS) as conn:
        visits.keep(conn, seen)


def list_visits(
    db: Database, *, partner_code: str = "", before: str = "", limit: int
) -> list[Kept]:
    """Return visits, newest first, older than the public id ``before``, of a partner or of all.

    Raises ``NotFound`` for a partner that does not exist.
    """
    with db.read() as conn:
        partner_id = known_partner(conn, partner_code).id if partner_code else None
        return visits.listed(conn, partner_id, before, limit)


def tidy(db: Database, now: datetime, address_days: int) -> None:
    """Forget addresses that were kept for ``address_days`` days, and visits of long ago."""
    with db.write() as conn:
        visits.forget_addresses(conn, now - timedelta(days=address_days))
        visits.discard_oldest(conn, _MOST_KEPT)
