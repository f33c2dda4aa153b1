"""Later tiers of offer lists are set, moved, taken back, and opened when their moment has come.

Whatever becomes of a tier is in the audit log of its list, in the same transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime

from service.domain import tier as rules
from service.domain.audit_entry import COMMAND_LINE, WORKER
from service.domain.tier import Tier
from service.errors import Conflict, NotFound
from service.store import audit_log, offer_lists, offers, tiers
from service.store.db import Connection, Database
from service.store.tiers import Due
from service.usecases import changing_lists, membership, ordering_matches


def add_tier(
    db: Database,
    slug: str,
    audience: str,
    opens_at: datetime,
    now: datetime,
    *,
    by: str = COMMAND_LINE,
) -> list[Tier]:
    """Let a list open to another audience at a moment; return all its later tiers.

    The same audience again is given another moment, as long as it is not open to it.

    Raises ``NotFound`` for an unknown list or audience, ``Invalid`` or ``Conflict`` for a tier
    that could show nothing to anybody.
    """
    with db.write() as conn:
        found = changing_lists.held(conn, slug)
        tier = membership.known_audience(conn, audience)
        rules.check(found, tier, opens_at)
        before = tiers.put(conn, found.id, tier.id, opens_at)
        action = "added a tier to" if before is None else "moved a tier of"
        if before != opens_at:
            _log(conn, action, slug, audience, by, now, before=before, after=opens_at)
        for each in tiers.due(conn, now):
            if each.list_id == found.id:
                _open(conn, each, by, now)
        return tiers.of_list(conn, found.id)


def remove_tier(
    db: Database, slug: str, audience: str, now: datetime, *, by: str = COMMAND_LINE
) -> list[Tier]:
    """Let a list not open to an audience after all; return the later tiers that it still has.

    Raises ``NotFound`` for an unknown list or audience and where no such tier was set, ``Conflict``
    where it is open: what partners have seen is taken back by withdrawing it.
    """
    with db.write() as conn:
        found = changing_lists.held(conn, slug)
        tier = membership.known_audience(conn, audience)
        before = tiers.remove(conn, found.id, tier.id)
        if before is None:
            if any(each.audience == audience for each in tiers.of_list(conn, found.id)):
                raise Conflict(f"list {slug!r} has opened to {audience!r} already")
            raise NotFound(f"list {slug!r} has no later tier for {audience!r}")
        _log(conn, "removed a tier of", slug, audience, by, now, before=before, after=None)
        return tiers.of_list(conn, found.id)


def list_tiers(db: Database, slug: str) -> list[Tier]:
    """Return the later tiers of a list, the earliest first."""
    with db.read() as conn:
        found = offer_lists.by_slug(conn, slug)
        return [] if found is None else tiers.of_list(conn, found.id)


def open_due(conn: Connection, now: datetime) -> int:
    """Open the tiers of all lists whose moment has come and tell the feed; return how many."""
    return sum(_open(conn, each, WORKER, now) for each in tiers.due(conn, now))


def _open(conn: Connection, due: Due, by: str, now: datetime) -> bool:
    """Open one tier; False when somebody else did so at the same moment."""
    if not tiers.open_tier(conn, due.list_id, due.audience_id, now):
        return False
    offers.mark_list(conn, due.list_id)
    ordering_matches.order_again(conn, due.list_id, now)
    audit_log.write(
        conn,
        by=by,
        action="opened a tier of",
        kind=changing_lists.KIND,
        name=due.slug,
        now=now,
        after={"audience": due.audience},
    )
    return True


def _log(
    conn: Connection,
    action: str,
    slug: str,
    audience: str,
    by: str,
    now: datetime,
    *,
    before: datetime | None,
    after: datetime | None,
) -> None:
    """Enter when a list was to open to an audience, and when it is now; None: not at all."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=changing_lists.KIND,
        name=slug,
        now=now,
        before=None if before is None else {f"tier {audience}": _said(before)},
        after=None if after is None else {f"tier {audience}": _said(after)},
    )


def _said(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
