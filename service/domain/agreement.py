"""Agreements: what libraries signed with each other, and where it stands.

An agreement that was signed stays what it is until its term ends. Where it renews itself the next
term is one more term of the same agreement; what is signed anew is a new agreement. What it lets us
give is in :mod:`service.domain.agreement_bounds`.

Source of the lifecycle and of the fields: the memoranda and exchange programmes of city and
national libraries. Days are calendar days in UTC.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from service.errors import Conflict

# How long before its end an agreement is about to expire, and its parties are warned.
NOTICE: Final = timedelta(days=90)


class AgreementState(StrEnum):
    """Where an agreement stands. RENEWED is in force as ACTIVE is, in a further term."""

    PROPOSED = "PROPOSED"
    NEGOTIATION = "NEGOTIATION"
    SIGNED = "SIGNED"
    ACTIVE = "ACTIVE"
    EXPIRING = "EXPIRING"
    RENEWED = "RENEWED"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"
    TERMINATED = "TERMINATED"


class AgreementAction(StrEnum):
    """What happens to an agreement, by people or by the calendar."""

    NEGOTIATE = "negotiate"
    SIGN = "sign"
    START = "start"
    WARN = "warn"
    RENEW = "renew"
    EXPIRE = "expire"
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"


class Scope(StrEnum):
    """What an agreement is about; activities are of one of these kinds."""

    BOOKS = "BOOKS"
    CITIZENS = "CITIZENS"  # programmes for citizens
    POLICY = "POLICY"  # sharing of policy practice
    STAFF = "STAFF"  # exchange of staff


class Mode(StrEnum):
    """How books are chosen: all that appears, named series, or by choice from lists."""

    BLANKET = "BLANKET"
    SPECIFIED = "SPECIFIED"
    SELECTIVE = "SELECTIVE"


class BalanceBasis(StrEnum):
    """How the balance is kept: not at all, piece for piece, by volumes, by value."""

    OPEN = "OPEN"
    PIECE = "PIECE"
    VOLUME = "VOLUME"
    VALUE = "VALUE"


class Postage(StrEnum):
    """Who pays for the way."""

    SENDER = "SENDER"
    RECIPIENT = "RECIPIENT"
    SHARED = "SHARED"


_S = AgreementState
_A = AgreementAction
_UNDER_WAY = frozenset({_S.ACTIVE, _S.RENEWED, _S.EXPIRING})
ENDED: Final = frozenset({_S.EXPIRED, _S.TERMINATED})

# RENEWED leads on as ACTIVE does, so that the warning comes before the end of every term. What is
# suspended does not renew itself: when its term ends meanwhile it expires.
TRANSITIONS: Final[Mapping[AgreementAction, tuple[frozenset[AgreementState], AgreementState]]] = {
    _A.NEGOTIATE: (frozenset({_S.PROPOSED}), _S.NEGOTIATION),
    _A.SIGN: (frozenset({_S.NEGOTIATION}), _S.SIGNED),
    _A.START: (frozenset({_S.SIGNED}), _S.ACTIVE),
    _A.WARN: (frozenset({_S.ACTIVE, _S.RENEWED}), _S.EXPIRING),
    _A.RENEW: (frozenset({_S.EXPIRING}), _S.RENEWED),
    _A.EXPIRE: (frozenset({_S.EXPIRING, _S.SUSPENDED}), _S.EXPIRED),
    _A.SUSPEND: (_UNDER_WAY, _S.SUSPENDED),
    _A.RESUME: (frozenset({_S.SUSPENDED}), _S.ACTIVE),
    _A.TERMINATE: (frozenset(_S) - ENDED, _S.TERMINATED),
}

# What the calendar does and nobody else.
BY_CALENDAR: Final = frozenset({_A.START, _A.WARN, _A.EXPIRE})
# From the signature to the end: what was agreed stands, and may not contradict another agreement.
RUNNING: Final = frozenset({_S.SIGNED, _S.SUSPENDED}) | _UNDER_WAY
# In these it holds, within its term.
IN_FORCE: Final = RUNNING - {_S.SUSPENDED}
# What a party sees: what we only propose to ourselves is our own business.
SHOWN_TO_PARTIES: Final = frozenset(_S) - {_S.PROPOSED}


class Party(NamedTuple):
    """A partner that is party to an agreement, and who signs for it."""

    partner: str
    signatory: str = ""


class Activity(NamedTuple):
    """Something to be done under an agreement."""

    kind: Scope
    title: str
    starts_on: date | None = None
    ends_on: date | None = None


class Document(NamedTuple):
    """A file that belongs to an agreement, such as its scan. ``size`` is in octets."""

    public_id: str
    original_id: int
    file_name: str
    media_type: str
    title: str
    size: int
    sha256: str
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What people write into an agreement.

    ``carries_out`` names the agreement between governments behind it, if any. ``ends_on`` is the
    last day; without one it has no end. ``tolerance`` is counted as ``basis`` says (None: any);
    allowances are copies, of the first year in which books go and of every later year (None: any).
    """

    title: str = ""
    scope: tuple[Scope, ...] = ()
    parties: tuple[Party, ...] = ()
    our_signatory: str = ""
    signed_on: date | None = None
    signed_in: str = ""
    carries_out: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    term_months: int | None = None
    renews: bool = False
    mode: Mode = Mode.SELECTIVE
    basis: BalanceBasis = BalanceBasis.OPEN
    tolerance: int | None = None
    allowance_first: int | None = None
    allowance_per_year: int | None = None
    postage: Postage = Postage.SENDER
    subjects: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    reply_days: int | None = None
    duties: str = ""
    notes: str = ""
    activities: tuple[Activity, ...] = ()

    def values(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return {each.name: _as_json(getattr(self, each.name)) for each in fields(self)}


def _as_json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Party | Activity):
        return {name: _as_json(inner) for name, inner in value._asdict().items()}
    return [_as_json(each) for each in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement. ``warned_at`` is when its parties were warned that this term ends."""

    id: int
    public_id: str
    state: AgreementState
    terms: Terms
    warned_at: datetime | None
    revision: int
    created_at: datetime


# --- its life -----------------------------------------------------------------------------------


def possible(state: AgreementState) -> list[AgreementAction]:
    """Return what people can do to an agreement in this state."""
    return [
        action
        for action, (allowed, _) in TRANSITIONS.items()
        if state in allowed and action not in BY_CALENDAR
    ]


def after(action: AgreementAction, state: AgreementState) -> AgreementState:
    """Return the state that ``action`` leads to; raise ``Conflict`` that says what is possible.

    >>> after(AgreementAction.SIGN, AgreementState.NEGOTIATION).value
    'SIGNED'
    """
    allowed, target = TRANSITIONS[action]
    if state not in allowed:
        choice = ", ".join(each.value for each in possible(state)) or "nothing, for it is over"
        raise Conflict(f"this agreement is {state}: it cannot {action}; possible: {choice}")
    return target


def due(state: AgreementState, terms: Terms, day: date) -> AgreementAction | None:
    """Return what the calendar does to an agreement on ``day``, one step at a time."""
    starts, ends = terms.starts_on, terms.ends_on
    if state is _S.SIGNED:
        return _A.START if starts is not None and starts <= day else None
    if ends is None:
        return None
    if state in {_S.ACTIVE, _S.RENEWED}:
        return _A.WARN if day >= ends - NOTICE else None
    if day <= ends or state not in {_S.EXPIRING, _S.SUSPENDED}:
        return None
    renews = state is _S.EXPIRING and terms.renews and terms.term_months
    return _A.RENEW if renews else _A.EXPIRE


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, or the last day of that month.

    >>> months_later(date(2024, 1, 31), 1), months_later(date(2024, 2, 29), 12)
    (datetime.date(2024, 2, 29), datetime.date(2025, 2, 28))
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def end_of_term(starts_on: date, term_months: int, after_day: date | None = None) -> date:
    """Return the last day of a term: of the first one, or of the one that holds the next day.

    >>> end_of_term(date(2024, 3, 1), 36), end_of_term(date(2024, 3, 1), 36, date(2027, 2, 28))
    (datetime.date(2027, 2, 28), datetime.date(2030, 2, 28))
    """
    number = 1
    if after_day is not None:
        passed = (after_day.year - starts_on.year) * 12 + after_day.month - starts_on.month
        number = max(1, passed // term_months)
    while True:
        end = months_later(starts_on, number * term_months) - timedelta(days=1)
        if after_day is None or end > after_day:
            return end
        number += 1


def end_of_next_term(terms: Terms) -> date | None:
    """Return the last day of the term behind this one; None where nothing says how long it is."""
    if terms.starts_on is None or terms.ends_on is None or terms.term_months is None:
        return None
    one_day = timedelta(days=1)
    if end_of_term(terms.starts_on, terms.term_months, terms.ends_on - one_day) == terms.ends_on:
        return end_of_term(terms.starts_on, terms.term_months, terms.ends_on)
    return months_later(terms.ends_on + one_day, terms.term_months) - one_day


def in_force(agreement: Agreement, day: date) -> bool:
    """Whether an agreement holds on ``day``, whether or not the calendar has moved it yet."""
    return agreement.state in IN_FORCE and within(agreement.terms, day)


def within(terms: Terms, day: date) -> bool:
    """Whether ``day`` is within a term of an agreement, or a further one if it renews itself."""
    begun = terms.starts_on is not None and terms.starts_on <= day
    return begun and (terms.ends_on is None or day <= terms.ends_on or terms.renews)
