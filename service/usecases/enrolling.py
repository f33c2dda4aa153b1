"""Enrolling partners: their entries in the directory are made and changed, and each change is kept.

Two people at one entry do not overwrite each other: who changes it says which revision was looked
at. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from service.domain import partner_entry as rules
from service.domain import partner_fields, revision
from service.domain.partner import Partner, PartnerState, check_code
from service.domain.partner_entry import PartnerEntry
from service.errors import Invalid, NotFound, Outdated
from service.store import audit_log, directory, feed, partners
from service.store.db import Connection, Database
from service.usecases.naming_places import all_places

KIND: Final = "partner"  # in the audit log


def known_partner(conn: Connection, code: str) -> Partner:
    """Return a partner within a transaction; raise ``NotFound``, which says what it became."""
    found = partners.by_code(conn, code)
    survivor = partners.merged_into(conn, code) if found else None
    if found is None or survivor is not None:
        raise _not_found(code, survivor)
    return found


def known_entry(conn: Connection, code: str) -> PartnerEntry:
    """Return a partner's whole entry within a transaction; raise ``NotFound``."""
    found = directory.entry(conn, code)
    if found is None:
        raise _not_found(code, partners.merged_into(conn, code))
    return found


def _not_found(code: str, survivor: str | None) -> NotFound:
    if survivor is None:
        return NotFound(f"there is no partner with code {code!r}")
    return NotFound(f"partner {code!r} was merged into {survivor!r}; use that code")


def find_entry(db: Database, code: str) -> PartnerEntry:
    """Return a partner's whole entry; raise ``NotFound``."""
    with db.read() as conn:
        return known_entry(conn, code)


def list_entries(db: Database, after: str = "", limit: int = 1000) -> list[PartnerEntry]:
    """Return up to ``limit`` entries by code, behind ``after``."""
    with db.read() as conn:
        return directory.entries(conn, after, limit)


def add(
    db: Database, code: str, given: Mapping[str, Any], *, by: str, now: datetime
) -> PartnerEntry:
    """Enter a partner under ``code``, which never changes.

    Raises ``Invalid`` that says all that is wrong, ``Conflict`` for a taken code or ISIL.
    """
    with db.write() as conn:
        return enter(conn, code, given, by=by, now=now)


def enter(
    conn: Connection, code: str, given: Mapping[str, Any], *, by: str, now: datetime
) -> PartnerEntry:
    """Enter a partner within a transaction; raises as ``add`` does."""
    check_code(code)
    values = partner_fields.checked({"name": ""} | dict(given))
    _check_place(conn, values)
    directory.add(conn, code, values, now)
    made = known_entry(conn, code)
    _keep(conn, "added", code, None, made, by, now)
    return made


def change(
    db: Database,
    code: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> PartnerEntry:
    """Change some fields of an entry. ``seen`` is the revision that was looked at, None for any.

    Raises ``NotFound``, ``Invalid`` that says all that is wrong, ``Conflict`` for an ISIL that is
    taken, and ``Outdated`` when somebody changed the entry since.
    """
    with db.write() as conn:
        partners.lock(conn, known_partner(conn, code).id)
        entry = known_entry(conn, code)
        check_seen(entry, seen)
        return amend(conn, entry, given, by=by, now=now)


def change_own(
    db: Database, partner: Partner, given: Mapping[str, Any], *, seen: int | None, now: datetime
) -> PartnerEntry:
    """Let a partner change what it may of its own entry; raises as ``change`` does."""
    foreign = sorted(set(given) - set(rules.OWN_FIELDS))
    if foreign:
        raise Invalid(
            f"a partner changes its {', '.join(rules.OWN_FIELDS)} itself; "
            f"for {', '.join(foreign)} write to the library",
            field=foreign[0],
        )
    return change(db, partner.code, given, seen=seen, by=f"partner:{partner.code}", now=now)


def check_seen(entry: PartnerEntry, seen: int | None) -> None:
    """Raise ``Outdated`` unless ``seen`` is the newest revision of an entry (None: any will do)."""
    revision.check_seen(f"partner {entry.code!r}", seen, entry.revision)


def amend(
    conn: Connection, entry: PartnerEntry, given: Mapping[str, Any], *, by: str, now: datetime
) -> PartnerEntry:
    """Change an entry within a transaction that holds its partner; raises as ``change`` does.

    What is so already is no change: it makes no revision.
    """
    values = partner_fields.checked(given)
    values = {field: value for field, value in values.items() if getattr(entry, field) != value}
    if not values:
        return entry
    _check_place(conn, values)
    if not directory.change(conn, entry.id, entry.revision, values):
        raise Outdated(f"partner {entry.code!r} was changed meanwhile", entry.revision + 1)
    after = known_entry(conn, entry.code)
    _keep(conn, "changed", entry.code, entry, after, by, now)
    return after


def _check_place(conn: Connection, values: Mapping[str, Any]) -> None:
    code = values.get("place")
    if code and code not in all_places(conn):
        raise Invalid(
            f"there is no country or region with code {code!r}; if there is one, name it first: "
            f"bookbridge place set {code} NAME",
            field="place",
        )


def set_state(
    db: Database, code: str, state: PartnerState, *, by: str, now: datetime
) -> PartnerEntry:
    """Suspend the exchange with a partner, or take it up again.

    A suspended partner sees what everybody sees. When the exchange goes on, all that is shown to
    it beyond that is listed anew: it may have harvested past what changed meanwhile.
    """
    with db.write() as conn:
        partners.lock(conn, known_partner(conn, code).id)
        return put_state(conn, known_entry(conn, code), state, by=by, now=now)


def put_state(
    conn: Connection, entry: PartnerEntry, state: PartnerState, *, by: str, now: datetime
) -> PartnerEntry:
    """Suspend a partner, or take it back, within a transaction that holds it."""
    if entry.state is state:
        return entry
    partners.set_state(conn, entry.id, state)
    if state is PartnerState.ACTIVE:
        feed.mark(conn, feed.MEMBERSHIP_AGAIN, [entry.id])
    action = "resumed" if state is PartnerState.ACTIVE else "suspended"
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=entry.code,
        now=now,
        before={"state": entry.state},
        after={"state": state},
    )
    return known_entry(conn, entry.code)


def _keep(
    conn: Connection,
    action: str,
    code: str,
    before: PartnerEntry | None,
    after: PartnerEntry,
    by: str,
    now: datetime,
) -> None:
    """Enter in the audit log what became of an entry."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=code,
        now=now,
        before=before.values() if before else None,
        after=after.values(),
    )
