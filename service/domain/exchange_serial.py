"""Serials on exchange: a journal that is sent to a partner, or comes from it, issue by issue.

One title with one partner in one direction is one serial. Its issues are expected
(``issue_calendar``), sent or received, and claimed when they are missing. In the balance a year of
it is one title, however many issues came and however often one was sent again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from marc_mappings.keys.identifiers import issn8
from service.domain.issue_calendar import Frequency, IssueCalendar, check_per_year
from service.domain.ledger import Direction, Entry, Event, Material
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid, WrongValues

# Issues are made so long ahead: an annual has its next one always.
AHEAD: Final = 366  # days
CLAIM_AFTER: Final = 60  # days after an issue was due, unless something else is said
_LONGEST: Final = 500  # characters of a line
_LONGEST_NOTES: Final = 10_000
_MOST_COPIES: Final = 10_000
_MOST_DAYS: Final = 3650
_MOST_VOLUME: Final = 100_000
# What was exchanged before comes into the balance as a total of its year.
_YEARS_BACK: Final = 10


class SerialState(StrEnum):
    """Whether further issues are expected."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class IssueState(StrEnum):
    """Where an issue stands."""

    EXPECTED = "EXPECTED"
    SENT = "SENT"
    RECEIVED = "RECEIVED"
    MISSING = "MISSING"  # it should have come, and a claim is proposed
    CLAIMED = "CLAIMED"
    RESENT = "RESENT"
    CLOSED = "CLOSED"  # nothing comes of it any more


class IssueAction(StrEnum):
    """What happens to an issue."""

    SEND = "send"
    RECEIVE = "receive"
    MISS = "miss"
    CLAIM = "claim"
    RESEND = "resend"
    CLOSE = "close"


_S, _A = IssueState, IssueAction
_Rows = Mapping[IssueAction, tuple[frozenset[IssueState], IssueState]]

TRANSITIONS: Final[Mapping[Direction, _Rows]] = {
    Direction.SENT: {
        _A.SEND: (frozenset({_S.EXPECTED}), _S.SENT),
        # What was never sent can be missed as well, and what was sent again once more.
        _A.CLAIM: (frozenset({_S.EXPECTED, _S.SENT, _S.RESENT}), _S.CLAIMED),
        _A.RESEND: (frozenset({_S.CLAIMED}), _S.RESENT),
        _A.CLOSE: (frozenset({_S.EXPECTED, _S.CLAIMED}), _S.CLOSED),
    },
    Direction.RECEIVED: {
        # It may come after all.
        _A.RECEIVE: (frozenset({_S.EXPECTED, _S.MISSING, _S.CLAIMED, _S.CLOSED}), _S.RECEIVED),
        _A.MISS: (frozenset({_S.EXPECTED}), _S.MISSING),
        _A.CLAIM: (frozenset({_S.EXPECTED, _S.MISSING}), _S.CLAIMED),
        _A.CLOSE: (frozenset({_S.EXPECTED, _S.MISSING, _S.CLAIMED}), _S.CLOSED),
    },
}
"""For what we send and for what we receive: the states in which something may happen to an issue,
and the state after it."""

_DONE: Final[Mapping[IssueAction, str]] = {
    _A.SEND: "sent",
    _A.RECEIVE: "received",
    _A.MISS: "marked as missing",
    _A.CLAIM: "claimed",
    _A.RESEND: "sent again",
    _A.CLOSE: "closed",
}


@dataclass(frozen=True, slots=True)
class ExchangeSerial:
    """One journal with one partner. Days are calendar days, ``claim_after`` is days.

    ``last_moved`` is the label of the last issue that was sent or received, "" for none;
    ``open_issues`` counts those that are missing or claimed.
    """

    id: int
    public_id: str
    partner_id: int
    partner: str
    direction: Direction
    title: str
    issn: str
    kind: TransferKind
    frequency: Frequency
    per_year: int
    starts_on: date
    ends_on: date | None
    first_volume: int | None
    copies: int
    claim_after: int
    state: SerialState
    notes: str
    created_at: datetime
    revision: int
    last_issue: int
    last_moved: str
    last_moved_on: date | None
    open_issues: int

    @property
    def calendar(self) -> IssueCalendar:
        """When its issues are due."""
        return IssueCalendar(
            self.frequency, self.per_year, self.starts_on, self.ends_on, self.first_volume
        )


class Issue(NamedTuple):
    """One issue; ``issue`` is counted from the first that is followed, from 1."""

    issue: int
    label: str
    year: int
    state: IssueState
    due_on: date
    moved_on: date | None
    resent_on: date | None
    tracking: str
    note: str


class NewSerial(NamedTuple):
    """What is said of a serial when it is entered, checked."""

    direction: Direction
    title: str
    frequency: Frequency
    starts_on: date
    per_year: int
    issn: str = ""
    kind: TransferKind = TransferKind.EXCHANGE
    ends_on: date | None = None
    first_volume: int | None = None
    copies: int = 1
    claim_after: int = CLAIM_AFTER
    notes: str = ""


def possible(direction: Direction, state: IssueState) -> tuple[IssueAction, ...]:
    """Return what can be done with an issue.

    >>> [each.value for each in possible(Direction.SENT, IssueState.CLAIMED)]
    ['resend', 'close']
    """
    rows = TRANSITIONS[direction]
    return tuple(each for each in IssueAction if each in rows and state in rows[each][0])


def after(action: IssueAction, direction: Direction, found: Issue) -> IssueState:
    """Return the state that ``action`` leads to; raise ``Conflict`` when it may not be done."""
    can = possible(direction, found.state)
    if action not in can:
        told = ", ".join(each.value for each in can) or "nothing"
        way = "sent by us" if direction is Direction.SENT else "sent to us"
        raise Conflict(
            f"issue {found.label} of a serial {way} is {found.state}: it cannot be "
            f"{_DONE[action]}; possible: {told}"
        )
    return TRANSITIONS[direction][action][1]


def done(action: IssueAction) -> str:
    """Return what was done, as the audit log has it."""
    return _DONE[action]


def year_entry(serial: ExchangeSerial, found: Issue, on: date) -> Entry:
    """Return what a year of a serial is in the balance: one title, one volume.

    It counts in the year in which its first issue is sent or received, ``on`` that day.
    """
    return Entry(
        partner_id=serial.partner_id,
        direction=serial.direction,
        kind=serial.kind,
        event=Event.SERIAL_YEAR,
        event_key=year_key(serial.public_id, found.year),
        on_date=on,
        titles=1,
        volumes=1,
        material=Material.SERIAL,
        reason=f"{serial.title}, {found.year}"[:_LONGEST],
    )


def year_key(public_id: str, year: int) -> str:
    """Return under what a year of a serial is in the ledger."""
    return f"{public_id}:{year}"


# --- what people say ------------------------------------------------------------------------------


def checked(
    *,
    direction: Direction,
    title: str,
    frequency: Frequency,
    starts_on: date,
    today: date,
    per_year: int | None = None,
    issn: str = "",
    kind: TransferKind = TransferKind.EXCHANGE,
    ends_on: date | None = None,
    first_volume: int | None = None,
    copies: int = 1,
    claim_after: int = CLAIM_AFTER,
    notes: str = "",
) -> NewSerial:
    """Return a serial as it is kept; raise ``WrongValues`` that tells all that is wrong."""
    faults: list[tuple[str, str]] = []

    def hold(check: Any, *given: Any) -> Any:
        try:
            return check(*given)
        except Invalid as error:
            faults.append((error.field, error.detail))
            return None

    new = NewSerial(
        direction=direction,
        title=hold(_title, title),
        frequency=frequency,
        starts_on=starts_on,
        per_year=hold(check_per_year, frequency, per_year),
        issn=hold(check_issn, issn),
        kind=kind,
        ends_on=ends_on,
        first_volume=first_volume,
        copies=hold(_number, "copies", copies, 1, _MOST_COPIES),
        claim_after=hold(_number, "claim_after", claim_after, 1, _MOST_DAYS),
        notes=hold(_notes, notes),
    )
    if first_volume is not None:
        hold(_number, "first_volume", first_volume, 1, _MOST_VOLUME)
    hold(_days, starts_on, ends_on, today)
    if faults:
        raise WrongValues(faults)
    return new


def check_issn(text: str) -> str:
    """Return an ISSN with its hyphen, "" for none; raise ``Invalid`` for what is none.

    >>> check_issn("12345679"), check_issn(" ")
    ('1234-5679', '')
    """
    given = text.strip()
    found = issn8(given)
    if given and not found:
        raise Invalid(f"{given[:20]!r} is no ISSN: look at its eight digits again", "issn")
    return found


def check_line(text: str, field: str) -> str:
    """Return a text on one line; raise ``Invalid`` for what is none."""
    said = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(said) > _LONGEST or any(unicodedata.category(c) in {"Cc", "Cs"} for c in said):
        raise Invalid(f"this is one line of at most {_LONGEST} characters", field)
    return said


def check_day(day: date, today: date, field: str = "on") -> date:
    """Return the day on which something happened; raise ``Invalid`` for one that is to come."""
    if day > today:
        raise Invalid(f"{day} is to come: say the day on which it happened", field)
    if day.year < today.year - _YEARS_BACK:
        raise Invalid(f"{day} is more than {_YEARS_BACK} years ago: look at the year again", field)
    return day


def _title(text: str) -> str:
    said = check_line(text, "title")
    if not said:
        raise Invalid("say the title of the journal", "title")
    return said


def _notes(text: str) -> str:
    said = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(said) > _LONGEST_NOTES or any(
        unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in said
    ):
        raise Invalid(f"this is a text of at most {_LONGEST_NOTES:,} characters", "notes")
    return said


def _number(field: str, given: int, least: int, most: int) -> int:
    if not least <= given <= most:
        raise Invalid(f"this is a number from {least} to {most:,}", field)
    return given


def _days(starts_on: date, ends_on: date | None, today: date) -> None:
    if starts_on.year < today.year - _YEARS_BACK:
        raise Invalid(
            f"issues are followed from {today.year - _YEARS_BACK} on at most; enter earlier years "
            "as opening balances",
            "starts_on",
        )
    if starts_on.year > today.year + _YEARS_BACK:
        raise Invalid(f"{starts_on} is far ahead: look at the year again", "starts_on")
    if ends_on is not None and ends_on < starts_on:
        raise Invalid(f"it would end before it starts, on {starts_on}", "ends_on")


if set(_DONE) != set(IssueAction) or {a for rows in TRANSITIONS.values() for a in rows} != set(_A):
    raise AssertionError("every action needs its row")
