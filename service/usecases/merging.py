"""Merging two entries of one library: nothing that either has asked for or was given is lost.

The code of the entry that goes stays reserved and leads to the other one. Its tokens are revoked:
its systems harvest sets that are named after it and send lists under keys of their own, and must
learn that both are another's now, not silently find less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from service.domain import contradiction
from service.domain import partner_entry as rules
from service.domain.agreement import RUNNING
from service.domain.announcement import WISH_CHANGED
from service.domain.merger import Merger, Settled
from service.domain.partner import PartnerState
from service.domain.partner_entry import Contact, PartnerEntry
from service.errors import Conflict, Invalid
from service.store import agreements, audit_log, merged_wishes, mergers, partners
from service.store.db import Connection, Database
from service.usecases import enrolling, giving, notifying
from service.usecases.requesting import SEND

# What the surviving entry takes from the other where it says nothing itself. How it is treated –
# priority, allowances – is what was decided for it.
_FILLED = (
    "city",
    "place",
    "isil",
    "address_roman",
    "address_local",
    "website",
    "dialect",
    "encoding",
    "profile",
    "type",
)


class Merged(NamedTuple):
    """What became of two entries: the one that stands, rows by table that are its now, remarks."""

    code: str
    entry: PartnerEntry
    moved: Mapping[str, int]
    remarks: tuple[str, ...]


def merge(
    db: Database, code: str, into: str, *, seen: int | None = None, by: str, now: datetime
) -> Merged:
    """Let the partner ``code`` be one with the partner ``into``, whose entry stands.

    ``seen`` is the revision of ``code`` that was looked at, None for any. Merging the same two
    again moves what came in meanwhile. Raises ``NotFound``, ``Invalid``, ``Outdated``, and
    ``Conflict`` while something is under way that must be concluded first.
    """
    if code == into:
        raise Invalid(f"{code!r} cannot be merged into itself", field="into")
    with db.write() as conn:
        both = _both(conn, code, into, now)
        again = mergers.is_merged(conn, both.old, both.new)
        if problem := mergers.in_the_way(conn, both):
            raise Conflict(f"partner {code!r} cannot be merged now: {problem}")
        _check_agreements(conn, both, into)
        if not again:
            goes = enrolling.known_entry(conn, code)
            enrolling.check_seen(goes, seen)
            _bring_together(conn, goes, enrolling.known_entry(conn, into), by, now)
        doubled = merged_wishes.duplicates(conn, both)
        done = mergers.merge(conn, both)
        if "transfer" in done:
            giving.see_to_sets(conn, [both.new])
        if not again:
            mergers.close(conn, both, PartnerState.SUSPENDED.value)
        for wish_list, number in sorted(doubled.items()):
            body = {"wish_list": wish_list, "duplicate": number}
            notifying.announce(conn, both.new, WISH_CHANGED, body, now)
        entry = enrolling.known_entry(conn, into)
        found = _merged(code, entry, done)
        if not again:
            audit_log.write(
                conn,
                by=by,
                action="merged",
                kind=enrolling.KIND,
                name=code,
                now=now,
                before=goes.values(),
                after={"merged_into": into, "moved": dict(found.moved)},
            )
    return found


def _check_agreements(conn: Connection, both: Merger, into: str) -> None:
    """Refuse to make one partner of two whose agreements could not stand beside each other."""
    mine, theirs = (
        agreements.listed(conn, partner_id=each, states=RUNNING) for each in (both.old, both.new)
    )
    if found := contradiction.as_one(both.code, mine, into, theirs):
        raise Conflict(
            f"partner {both.code!r} cannot be merged with {into!r} while their agreements "
            f"contradict each other: {'; '.join(found)}. Let both say the same by an "
            "amendment, or terminate one of them, and merge again"
        )


def _both(conn: Connection, code: str, into: str, now: datetime) -> Merger:
    """Return both partners, held; an entry that was merged into just this one is one of them."""
    there = partners.by_code(conn, code)
    if there is None or partners.merged_into(conn, code) != into:
        there = enrolling.known_partner(conn, code)
    survivor = partners.by_code(conn, into)
    if survivor is None or partners.merged_into(conn, into) is not None:
        raise Invalid(f"there is no partner with code {into!r} to merge into", field="into")
    partners.lock_both(conn, there.id, survivor.id)
    # What was looked at before both were held may have changed.
    if partners.merged_into(conn, into) is not None or partners.merged_into(conn, code) not in (
        None,
        into,
    ):
        raise Conflict("somebody else merged one of the two at the same moment; look at them again")
    return Merger(there.id, survivor.id, code, now, job_kinds=(SEND,))


def _bring_together(
    conn: Connection, goes: PartnerEntry, stays: PartnerEntry, by: str, now: datetime
) -> None:
    """Let the entry that stays hold what only the other one told."""
    if goes.isil and not stays.isil:
        mergers.free_isil(conn, goes.id)
    enrolling.amend(conn, stays, _together(goes, stays), by=by, now=now)


def _together(goes: PartnerEntry, stays: PartnerEntry) -> dict[str, Any]:
    given = {
        field: goes.value(field)
        for field in _FILLED
        if getattr(stays, field) == rules.BLANK[field] != getattr(goes, field)
    }
    given["languages"] = list(dict.fromkeys([*stays.languages, *goes.languages]))
    given["names"] = {**goes.names, **stays.names}
    known = {_same(each) for each in stays.contacts}
    further = [each for each in goes.contacts if _same(each) not in known]
    given["contacts"] = [asdict(each) for each in (*stays.contacts, *further)]
    was = ", ".join(part for part in (goes.name, goes.city, goes.isil) if part)
    notes = [stays.notes, f"Merged with {goes.code}: {was}", goes.notes]
    given["notes"] = "\n".join(filter(None, notes))
    return given


def _same(contact: Contact) -> str:
    """Return what two contacts have in common that are one."""
    return (contact.email or contact.name).casefold()


def _merged(code: str, entry: PartnerEntry, done: Mapping[str, Settled]) -> Merged:
    moved = {table: settled.moved for table, settled in sorted(done.items()) if settled.moved}
    remarks = tuple(remark for settled in done.values() for remark in settled.remarks)
    return Merged(code, entry, moved, remarks)
