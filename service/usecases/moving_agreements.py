"""The life of agreements: moved by people, and by the calendar; their parties are told.

No state is skipped. Days are those of UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from service.domain import agreement as rules
from service.domain import agreement_fields
from service.domain.agreement import NOTICE, SHOWN_TO_PARTIES, Agreement, AgreementAction, Terms
from service.domain.announcement import AGREEMENT_CHANGED, AGREEMENT_EXPIRING
from service.domain.audit_entry import WORKER
from service.errors import Invalid, WrongValues
from service.store import agreements, partners
from service.store.db import Connection, Database
from service.usecases import holding_agreements, notifying

_A = AgreementAction
# After these it runs in another way than before: it must not contradict what runs beside it.
_CHECKED = frozenset({_A.SIGN, _A.RENEW, _A.RESUME})


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
        found = holding_agreements.hold(conn, public_id, seen)
        if action in rules.BY_CALENDAR:
            raise Invalid(f"an agreement does not {action} by hand: its days decide", "action")
        rules.after(action, found.state)
        made = step(conn, found, action, given or {}, by=by, now=now, reason=reason)
        return advance(conn, made, now)


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
            moved += advance(conn, found, now).revision != found.revision
    return moved


def advance(conn: Connection, found: Agreement, now: datetime) -> Agreement:
    """Let the calendar do its steps, one after the other; no state is skipped."""
    while action := rules.due(found.state, found.terms, _day(now)):
        found = step(conn, found, action, by=WORKER, now=now)
    return found


def step(
    conn: Connection,
    found: Agreement,
    action: AgreementAction,
    given: Mapping[str, Any] | None = None,
    *,
    by: str,
    now: datetime,
    reason: str = "",
) -> Agreement:
    """Do one step with an agreement that is held, and tell its parties.

    Raises ``Conflict`` for what its state forbids, ``WrongValues`` for what it then says.
    """
    terms = _terms_after(found, action, given or {})
    warned_at = found.warned_at
    if action is _A.WARN:
        warned_at = warned_at or now
    elif terms.ends_on != found.terms.ends_on:
        warned_at = None
    state = rules.after(action, found.state)
    new = replace(found, state=state, terms=terms, warned_at=warned_at)
    if action in _CHECKED and by != WORKER:
        holding_agreements.check(conn, new)
    made = holding_agreements.put(conn, found, new, None)
    holding_agreements.log(conn, _DONE[action], found, made, by, now, reason)
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


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()
