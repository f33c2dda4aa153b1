"""Standing wishes: a partner adds them, looks at what met them, and stops them.

What is offered meets them in :mod:`service.usecases.meeting_wishes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from service.domain import standing_wish_fields
from service.domain.partner import Partner
from service.domain.standing_wish import Match, StandingWish
from service.errors import Conflict, NotFound
from service.store import audiences, audit_log, partners, public_ids, standing_wishes
from service.store.db import Connection, Database

KIND: Final = "standing_wish"  # in the audit log
# Standing wishes of one partner that are looked after.
MOST: Final = 200


def add(
    db: Database,
    partner: Partner,
    title: str,
    given: Mapping[str, Any],
    *,
    registers: bool,
    by: str,
    now: datetime,
) -> StandingWish:
    """Enter a standing wish of a partner; it meets what is offered to it from now on.

    Raises ``WrongValues`` that tells all that is wrong, ``Conflict`` when there are many.
    """
    title = standing_wish_fields.check_title(title)
    query = standing_wish_fields.check(given)
    with db.write() as conn:
        partners.lock(conn, partner.id)
        if standing_wishes.count(conn, partner.id) >= MOST:
            raise Conflict(f"a partner may have {MOST} standing wishes; stop one first")
        public_id = standing_wishes.add(
            conn, partner.id, title, query.as_json(), registers=registers, now=now
        )
        after = {"partner": partner.code, "title": title, "registers": registers}
        _log(conn, "added", public_id, by, now, after | {"query": query.as_json()})
        return _known(conn, public_id, partner)


def stop(
    db: Database, public_id: str, partner: Partner | None, *, by: str, now: datetime
) -> StandingWish:
    """Stop a standing wish of a partner (None: anybody's); what it has wished for stands.

    Raises ``NotFound``, and ``Conflict`` for one that is stopped already.
    """
    with db.write() as conn:
        found = _known(conn, public_id, partner)
        if not standing_wishes.stop(conn, found.public_id, None):
            raise Conflict("this standing wish is stopped already; add another one")
        _log(conn, "stopped", found.public_id, by, now, {"state": "STOPPED"})
        return _known(conn, public_id, partner)


def show(db: Database, public_id: str, partner: Partner | None) -> StandingWish:
    """Return a standing wish of a partner (None: anybody's); raise ``NotFound``."""
    with db.read() as conn:
        return _known(conn, public_id, partner)


def list_standing_wishes(
    db: Database, partner: Partner | None, before: str = "", limit: int | None = None
) -> list[StandingWish]:
    """Return standing wishes of a partner (None: everybody's), newest first."""
    owner = None if partner is None else partner.id
    with db.read() as conn:
        return standing_wishes.listed(conn, owner, before=before, limit=limit)


def list_matches(
    db: Database, public_id: str, partner: Partner | None, before: str = "", limit: int = 50
) -> list[Match]:
    """Return what met a standing wish, newest offer first, older than the offer ``before``.

    For a partner, of the lists that it may see now.
    """
    with db.read() as conn:
        found = _known(conn, public_id, partner)
        seen = None if partner is None else audiences.standing(conn, partner.id)
        return standing_wishes.matches(conn, found.id, seen, before, limit)


def _known(conn: Connection, public_id: str, partner: Partner | None) -> StandingWish:
    wanted = public_ids.read(public_id)
    owner = None if partner is None else partner.id
    found = standing_wishes.listed(conn, owner, public_id=wanted) if wanted else []
    if not found:
        raise NotFound("there is no such standing wish")
    return found[0]


def _log(
    conn: Connection, action: str, name: str, by: str, now: datetime, after: Mapping[str, Any]
) -> None:
    audit_log.write(conn, by=by, action=action, kind=KIND, name=name, now=now, after=after)
