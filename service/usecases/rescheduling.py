"""The closing date of an open list moves: who must answer for it, and who is told.

Making it later is free. Making it earlier once a wish stands needs an override with a reason.
Either way every partner that the list concerns is told: by a job, a step of partners in one
transaction with its cursor, for a public list may concern many thousands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from service.domain import list_terms
from service.domain.announcement import LIST_EXTENDED, LIST_SHORTENED
from service.domain.offer import ListState, OfferList
from service.errors import Conflict, Invalid
from service.store import jobs, offer_lists
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.usecases import notifying

# The job that tells partners; its subject is the list.
TELL_LIST: Final = "tell_list"
# Partners that are told in one transaction.
_STEP = 200
_LONGEST_REASON = 500


def allow(
    conn: Connection, found: OfferList, closes_at: datetime | None, *, override: bool, reason: str
) -> None:
    """Refuse to close a list earlier than was said while wishes stand on it, unless overridden.

    The list is locked, so that no wish comes between this look and the change. Raises ``Conflict``
    that says how many wishes there are, ``Invalid`` for an override without a reason.
    """
    if len(reason) > _LONGEST_REASON:
        raise Invalid(f"a reason has at most {_LONGEST_REASON} characters", field="reason")
    if override and not reason.strip():
        raise Invalid("an override needs its reason; every partner reads it", field="reason")
    if found.state is not ListState.OPEN or override:
        return
    if not list_terms.is_shortened(found.closes_at, closes_at):
        return
    standing = offer_lists.wishes_on(conn, found.id)
    if standing.wishes:
        wishes = "1 wish stands" if standing.wishes == 1 else f"{standing.wishes:,} wishes stand"
        of = "1 partner" if standing.partners == 1 else f"{standing.partners:,} partners"
        raise Conflict(
            f"{wishes} on this list, of {of}, who were promised {_said(found.closes_at)}: it can "
            "close earlier only by an override with a reason, and every partner that the list "
            "concerns is told"
        )


def tell(
    conn: Connection, found: OfferList, closes_at: datetime | None, reason: str, now: datetime
) -> None:
    """Let partners be told that a list which was open as ``found`` closes at another moment."""
    if found.state is not ListState.OPEN or closes_at == found.closes_at:
        return
    longer = closes_at is None or (found.closes_at is not None and closes_at > found.closes_at)
    body = {"list": found.slug, "closes_at": _said(closes_at), "instead_of": _said(found.closes_at)}
    cursor = {
        "event": LIST_EXTENDED if longer else LIST_SHORTENED,
        "body": body | ({"reason": reason.strip()} if reason.strip() else {}),
        "after": 0,
    }
    jobs.enqueue(conn, TELL_LIST, found.id, 0, now, cursor)


def _said(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def tell_partners(
    db: Database,
    held: Job,
    now: Callable[[], datetime],
    on_step: Callable[[Job, int], None],
) -> None:
    """Tell every partner that the list concerns, each once, from the job's cursor on.

    Raises ``LeaseLost`` when another worker took the job over; nothing of its step is kept then.
    """
    cursor, done = dict(held.cursor), held.done
    while True:
        with db.write() as conn:
            partner_ids = offer_lists.concerned(conn, held.subject_id, cursor["after"], _STEP)
            if not partner_ids:
                jobs.finish(conn, held, now())
                return
            cursor["after"], done = partner_ids[-1], done + len(partner_ids)
            jobs.advance(conn, held, cursor, done, now())
            for partner_id in partner_ids:
                notifying.announce(conn, partner_id, cursor["event"], cursor["body"], now())
        on_step(held, done)


def give_up(db: Database, held: Job, error: str, now: datetime) -> None:
    """End a job that cannot go on; who was told stays told."""
    with db.write() as conn:
        jobs.fail(conn, held, error, now)
