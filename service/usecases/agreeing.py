"""Agreements: drawn up, changed, moved along their life, and watched as the calendar goes on.

What contradicts itself, or another agreement that runs, is refused with all that is wrong. Two
people at one agreement do not overwrite each other: who changes it says which revision was looked
at. ``by`` is who acts, as the audit log has it. Days are those of UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from service.domain import agreement as rules
from service.domain import agreement_fields, contradiction
from service.domain.agreement import (
    NOTICE,
    SHOWN_TO_PARTIES,
    Agreement,
    AgreementAction,
    AgreementState,
    Document,
    Terms,
)
from service.domain.announcement import AGREEMENT_CHANGED, AGREEMENT_EXPIRING
from service.domain.audit_entry import WORKER
from service.domain.partner import Partner
from service.errors import Conflict, Invalid, NotFound, Outdated, WrongValues
from service.store import agreements, audit_log, partners, public_ids
from service.store.agreements import Relations
from service.store.db import Connection, Database
from service.usecases import enrolling, notifying

KIND: Final = "agreement"  # in the audit log
_A = AgreementAction
# After these it runs in another way than before: it must not contradict what runs beside it.
_CHECKED = frozenset({_A.SIGN, _A.RENEW, _A.RESUME})


class Kept(NamedTuple):
    """An agreement, what is filed with it, and what of it a person should look at."""

    agreement: Agreement
    documents: list[Document]
    warnings: list[str]


# --- drawing up and changing ----------------------------------------------------------------------


def draw_up(
    db: Database, given: Mapping[str, Any], *, signed: bool = False, by: str, now: datetime
) -> Agreement:
    """Draw up an agreement as a proposal; one that is ``signed`` goes on to where it stands today.

    Raises ``WrongValues`` that tells all that is wrong, of its values or of what it says together.
    """
    terms = agreement_fields.filled(Terms(), agreement_fields.checked(given))
    draft = Agreement(0, "", AgreementState.PROPOSED, terms, None, 1, now)
    with db.write() as conn:
        partner_ids = _check(conn, draft)
        made = agreements.by_id(conn, agreements.add(conn, terms, partner_ids, now))
        _log(conn, "drawn up", None, made, by, now)
        if signed:
            for action in (_A.NEGOTIATE, _A.SIGN):
                made = _step(conn, made, action, by=by, now=now)
            made = _advance(conn, made, now)
    return made


def change(
    db: Database,
    public_id: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    reason: str = "",
    by: str,
    now: datetime,
) -> Agreement:
    """Change some fields; of a signed agreement by an amendment, with its ``reason``.

    ``seen`` is the revision that was looked at, None for any. What is so already is no change.

    Raises ``NotFound``, ``WrongValues`` that tells all that is wrong, ``Conflict`` for what its
    state forbids, and ``Outdated`` when somebody changed it since.
    """
    values = agreement_fields.checked(given)
    reason = agreement_fields.line(reason)
    with db.write() as conn:
        found = _hold(conn, public_id, seen)
        agreed = found.state in rules.RUNNING
        terms = agreement_fields.filled(found.terms, values, agreed=agreed)
        names = [
            name
            for name in agreement_fields.FIELDS
            if getattr(terms, name) != getattr(found.terms, name)
        ]
        if not names:
            return found
        agreement_fields.check_change(found.state, names, reason)
        warned_at = None if "ends_on" in names else found.warned_at
        new = replace(found, terms=terms, warned_at=warned_at)
        partner_ids = _check(conn, new)
        made = _put(conn, found, new, partner_ids)
        _log(conn, "changed", found, made, by, now, reason)
        return made


def move(
    db: Database,
    public_id: str,
    action: AgreementAction,
    *,
    given: Mapping[str, Any] | None = None,
    seen: int | None = None,
    reason: str = "",
    by: str,
    now: datetime,
) -> Agreement:
    """Move an agreement on, and then to where the calendar has it.

    ``given`` is what belongs to the move: of a signature its day, place and our signatory, and the
    first and last day of the term; of a renewal how long it is for.

    Raises as ``change`` does, and ``Conflict`` with what is possible for what its state forbids.
    """
    reason = agreement_fields.line(reason)
    with db.write() as conn:
        found = _hold(conn, public_id, seen)
        if action in rules.BY_CALENDAR:
            raise Invalid(f"an agreement does not {action} by hand: its days decide", "action")
        rules.after(action, found.state)
        made = _step(conn, found, action, given or {}, by=by, now=now, reason=reason)
        return _advance(conn, made, now)


def _hold(conn: Connection, public_id: str, seen: int | None) -> Agreement:
    """Return an agreement that nobody else changes meanwhile; raise ``NotFound``, ``Outdated``."""
    found = agreements.lock(conn, _known(conn, public_id).id)
    if seen is not None and seen != found.revision:
        raise Outdated(
            f"agreement {found.public_id} was changed since you looked at it: that was revision "
            f"{seen}, now it is {found.revision}",
            found.revision,
        )
    return found


def _known(conn: Connection, public_id: str) -> Agreement:
    wanted = public_ids.read(public_id)
    found = None if wanted is None else agreements.by_public_id(conn, wanted)
    if found is None:
        raise NotFound("there is no such agreement")
    return found


def _check(conn: Connection, new: Agreement) -> dict[str, int]:
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


def _put(
    conn: Connection, found: Agreement, new: Agreement, partner_ids: Mapping[str, int] | None
) -> Agreement:
    if not agreements.put(conn, found, new, partner_ids):
        raise Conflict("somebody else changed this agreement at the same moment; look at it again")
    return agreements.by_id(conn, found.id)


# --- its life -------------------------------------------------------------------------------------


def keep_terms(db: Database, now: datetime) -> int:
    """Move the agreements whose day has come; return how many.

    Safe to run from several workers, and to be killed: each agreement is moved in one transaction,
    with what its parties are told of it.
    """
    with db.read() as conn:
        due = agreements.due(conn, _day(now))
    moved = 0
    for agreement_id in due:
        with db.write() as conn:
            found = agreements.lock(conn, agreement_id)
            moved += _advance(conn, found, now).revision != found.revision
    return moved


def _advance(conn: Connection, found: Agreement, now: datetime) -> Agreement:
    """Let the calendar do its steps, one after the other; no state is skipped."""
    while action := rules.due(found.state, found.terms, _day(now)):
        found = _step(conn, found, action, by=WORKER, now=now)
    return found


def _step(
    conn: Connection,
    found: Agreement,
    action: AgreementAction,
    given: Mapping[str, Any] | None = None,
    *,
    by: str,
    now: datetime,
    reason: str = "",
) -> Agreement:
    terms = _terms_after(found, action, given or {})
    warned_at = found.warned_at
    if action is _A.WARN:
        warned_at = warned_at or now
    elif terms.ends_on != found.terms.ends_on:
        warned_at = None
    state = rules.after(action, found.state)
    new = replace(found, state=state, terms=terms, warned_at=warned_at)
    if action in _CHECKED and by != WORKER:
        _check(conn, new)
    made = _put(conn, found, new, None)
    _log(conn, _DONE[action], found, made, by, now, reason)
    _tell(conn, found, made, action, now)
    return made


_DONE: Final[Mapping[AgreementAction, str]] = {
    _A.NEGOTIATE: "negotiated",
    _A.SIGN: "signed",
    _A.START: "started",
    _A.WARN: "warned",
    _A.RENEW: "renewed",
    _A.EXPIRE: "expired",
    _A.SUSPEND: "suspended",
    _A.RESUME: "resumed",
    _A.TERMINATE: "terminated",
}


def _terms_after(found: Agreement, action: AgreementAction, given: Mapping[str, Any]) -> Terms:
    allowed = agreement_fields.GIVEN_WITH.get(action, frozenset())
    if foreign := sorted(set(given) - allowed):
        told = f"it takes {', '.join(sorted(allowed))}" if allowed else "it takes nothing more"
        raise WrongValues([(name, f"this does not belong to {action}: {told}") for name in foreign])
    values = agreement_fields.checked(given)
    if action is not _A.RENEW:
        return agreement_fields.filled(found.terms, values) if action is _A.SIGN else found.terms
    terms = replace(found.terms, **values)
    named = given.get("ends_on")
    end = terms.ends_on if named else rules.end_of_next_term(terms)
    before = found.terms.ends_on
    if end is None or before is None or end <= before:
        raise WrongValues([("ends_on", f"say until when it is renewed: it ends on {before}")])
    return replace(terms, ends_on=end)


def _tell(
    conn: Connection, found: Agreement, made: Agreement, action: AgreementAction, now: datetime
) -> None:
    """Tell every party what became of the agreement, unless it is only history being entered."""
    if (
        action is _A.NEGOTIATE
        or found.state not in SHOWN_TO_PARTIES
        or _is_history(found, action, now)
    ):
        return
    event, body = AGREEMENT_CHANGED, {"agreement": made.public_id, "state": made.state.value}
    if action is _A.WARN:
        if found.warned_at is not None:
            return
        event = AGREEMENT_EXPIRING
        body["ends_on"] = str(made.terms.ends_on)
        body["then"] = "renewed" if made.terms.renews else "expired"
    codes = [party.partner for party in made.terms.parties]
    for partner_id in sorted(partners.by_codes(conn, codes).values()):
        notifying.announce(conn, partner_id, event, body, now)


def _is_history(found: Agreement, action: AgreementAction, now: datetime) -> bool:
    days: dict[AgreementAction, date | None] = {
        _A.START: found.terms.starts_on,
        _A.WARN: found.terms.ends_on,
        _A.RENEW: found.terms.ends_on,
        _A.EXPIRE: found.terms.ends_on,
    }
    day = days.get(action)
    if day is None:
        return False
    return _day(now) > (day if action is _A.WARN else day + NOTICE)


def _log(
    conn: Connection,
    action: str,
    before: Agreement | None,
    after: Agreement,
    by: str,
    now: datetime,
    reason: str = "",
) -> None:
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


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()


# --- looking --------------------------------------------------------------------------------------


def find(db: Database, public_id: str, partner: Partner | None = None) -> Kept:
    """Return an agreement, for a ``partner`` only one that it is party to; raise ``NotFound``."""
    with db.read() as conn:
        return kept(conn, visible(conn, public_id, partner))


def visible(conn: Connection, public_id: str, partner: Partner | None) -> Agreement:
    """Return an agreement within a transaction; raises as ``find`` does."""
    found = _known(conn, public_id)
    if partner is not None and not agreements.shown_to(conn, found.public_id, partner.id):
        raise NotFound("there is no such agreement")
    return found


def kept(conn: Connection, found: Agreement) -> Kept:
    """Return an agreement with all that belongs to it within a transaction."""
    filed = agreements.documents(conn, found.id)
    told = contradiction.warnings(found, agreements.beside(conn, found), len(filed))
    return Kept(found, filed, told)


def list_agreements(
    db: Database,
    *,
    partner: Partner | None = None,
    code: str = "",
    states: Collection[AgreementState] = frozenset(AgreementState),
    before: str = "",
    limit: int | None = None,
) -> list[Agreement]:
    """Return agreements, newest first, older than the public id ``before``.

    A ``partner`` sees those that it is party to; the staff may ask for those of one ``code``.
    Raises ``NotFound`` for a code that nobody has.
    """
    with db.read() as conn:
        partner_id = None if partner is None else partner.id
        if partner is not None:
            states = set(states) & SHOWN_TO_PARTIES
        elif code:
            partner_id = enrolling.known_partner(conn, code).id
        return agreements.listed(
            conn, partner_id=partner_id, states=states, before=before, limit=limit
        )


def ending(db: Database) -> list[Agreement]:
    """Return the agreements that are about to expire, the first to end first."""
    found = list_agreements(db, states={AgreementState.EXPIRING})
    return sorted(found, key=lambda each: (each.terms.ends_on or date.max, each.public_id))


def relations(db: Database, now: datetime) -> Relations:
    """Count partners, cities and countries with which there is a relation today.

    An agreement in force is one, before any book moves; books that were given are another.
    """
    with db.read() as conn:
        return agreements.relations(conn, _day(now))
