"""Offer lists and the titles on them are changed; who changes one says which revision was seen.

``by`` is who acts, as the audit log has it; an entry is written with the change, before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from service.domain import list_terms, revision
from service.domain import offer as rules
from service.domain.offer import ListState, OfferList, OfferState
from service.errors import Conflict, Invalid, NotFound
from service.store import audit_log, offer_lists, offers, public_ids
from service.store.db import Connection, Database
from service.usecases import rescheduling

KIND: Final = "offer_list"  # in the audit log
KIND_OF_TITLE: Final = "offer"


def change_terms(
    db: Database,
    slug: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    override: bool = False,
    reason: str = "",
    by: str,
    now: datetime,
) -> OfferList:
    """Change some fields of a list; what is so already is no change.

    ``seen`` is the revision that was looked at, None for any. ``override`` with its ``reason`` lets
    a list close earlier although wishes stand on it.

    Raises ``NotFound``, ``WrongValues`` that tells all that is wrong, ``Conflict`` for what its
    state or its wishes forbid, and ``Outdated`` when somebody changed it since.
    """
    values = list_terms.checked(given, list_terms.LIST_FIELDS)
    with db.write() as conn:
        found = held(conn, slug, seen)
        now_is = list_terms.of_list(found)
        values = {name: value for name, value in values.items() if now_is[name] != value}
        if not values:
            return found
        list_terms.check_change(found.state, values)
        _check_dates(found, values, now)
        closes_at = values.get("closes_at", found.closes_at)
        rescheduling.allow(conn, found, closes_at, override=override, reason=reason)
        if list_terms.ALLOCATED_BY & values.keys():
            offer_lists.drop_plan(conn, found.id)
        made = offer_lists.change(conn, found, values)
        rescheduling.tell(conn, found, closes_at, reason, now)
        log(conn, "changed", found, made, by, now, reason)
        return made


def held(conn: Connection, slug: str, seen: int | None = None) -> OfferList:
    """Return a list that nobody else changes meanwhile.

    Raises ``NotFound``; ``Outdated`` where it is not the revision ``seen``; ``Conflict`` for what a
    partner offers us, which is not ours to change.
    """
    known = offer_lists.by_slug(conn, slug)
    if known is None:
        raise NotFound(f"there is no offer list named {slug!r}")
    found = offer_lists.lock(conn, known.id)
    if not found.ours:
        raise Conflict(f"list {slug!r} is what a partner offers us; only the partner changes it")
    revision.check_seen(f"list {slug!r}", seen, found.revision)
    return found


def _check_dates(found: OfferList, values: Mapping[str, Any], now: datetime) -> None:
    """Refuse dates that do not go together, and those that a list of this state cannot have."""
    opens_at = values.get("opens_at", found.opens_at)
    closes_at = values.get("closes_at", found.closes_at)
    if {"opens_at", "closes_at", "zone"} & values.keys():
        rules.check_dates(opens_at, closes_at, values.get("zone", found.zone))
    if found.state is ListState.SCHEDULED and opens_at is None:
        raise Invalid("a list that is SCHEDULED needs its moment of opening", field="opens_at")
    if found.state is ListState.OPEN and values.get("closes_at") and values["closes_at"] <= now:
        raise Invalid("this moment is past; close the list instead", field="closes_at")


def log(
    conn: Connection,
    action: str,
    before: OfferList | None,
    after: OfferList,
    by: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Enter what was done to a list; ``before`` is None where it was drawn up."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=after.slug,
        now=now,
        before=None if before is None else _logged(before),
        after=_logged(after),
        reason=reason.strip(),
    )


def log_taken_back(conn: Connection, public_id: str, by: str, now: datetime) -> None:
    """Enter that a title was taken back."""
    audit_log.write(
        conn,
        by=by,
        action="taken back",
        kind=KIND_OF_TITLE,
        name=public_id,
        now=now,
        before={"state": OfferState.OFFERED.value},
        after={"state": OfferState.WITHDRAWN.value},
    )


def _logged(found: OfferList) -> dict[str, Any]:
    return list_terms.as_json(list_terms.of_list(found)) | {"state": found.state.value}


# --- titles ---------------------------------------------------------------------------------------


def change_offer(
    db: Database,
    public_id: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> None:
    """Change what is offered of a title: copies, volumes of each, condition, where it may not go.

    Raises ``NotFound``, ``WrongValues`` and ``Outdated`` as ``change_terms``, and ``Conflict`` for
    what its state forbids, or where more copies are given than there would be.
    """
    values = list_terms.checked(given, list_terms.OFFER_FIELDS)
    wanted = public_ids.read(public_id)
    with db.write() as conn:
        list_id = None if wanted is None else offers.list_of(conn, wanted)
        if list_id is None or wanted is None:
            raise NotFound("there is no such offer")
        # In this order, as an allocation does: the list, then what is on it.
        on = offer_lists.lock(conn, list_id)
        found = offers.lock(conn, wanted)
        if not on.ours:
            raise Conflict("this title is what a partner offers us; only the partner changes it")
        revision.check_seen("this title", seen, found.revision)
        values = {name: value for name, value in values.items() if found.terms[name] != value}
        if not values:
            return
        if found.state is not OfferState.OFFERED:
            raise Conflict("this title was taken back; it is not on offer any more")
        list_terms.check_change(on.state, values)
        if values.get("copies", found.allocated) < found.allocated:
            raise Conflict(f"{found.allocated} copies of this title are given already")
        if not offers.change(conn, found, values):
            raise Conflict("somebody else changed this title at the same moment; look at it again")
        if {"copies", "volumes", "not_to"} & values.keys():
            offer_lists.drop_plan(conn, on.id)
        audit_log.write(
            conn,
            by=by,
            action="changed",
            kind=KIND_OF_TITLE,
            name=wanted,
            now=now,
            before=list_terms.as_json(found.terms),
            after=list_terms.as_json({**found.terms, **values}),
        )
