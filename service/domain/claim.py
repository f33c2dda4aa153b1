"""Claims: "it has not arrived", said by a partner of what we sent, or by us of what it sent.

A claim is opened, told to the other side, answered and settled. What a partner says of us (THEIRS)
is told by being opened; ours is sent when somebody is content with it. A receipt opens, changes and
settles the claims on the lines it speaks of, so that nobody has to say the same thing twice.

Source of the lifecycle and its reasons: claims as acquisitions departments know them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from service.domain.consignment import Line
from service.domain.dispatch import Share, shares
from service.errors import Conflict, Invalid

# A claim is looked at again so long after it was sent, unless another day is said.
INTERVAL: Final = timedelta(days=60)
_LONGEST: Final = 4000  # characters
_MOST_COPIES: Final = 2**31 - 1


class ClaimSide(StrEnum):
    """Whose claim it is."""

    THEIRS = "THEIRS"  # a partner's, of what we sent
    OURS = "OURS"  # ours, of what a partner sent


class ClaimReason(StrEnum):
    """What is wrong."""

    NOT_ARRIVED = "NOT_ARRIVED"
    SHORT = "SHORT"
    DAMAGED = "DAMAGED"
    WRONG_ITEM = "WRONG_ITEM"
    WRONG_EDITION = "WRONG_EDITION"


class ClaimState(StrEnum):
    """Where a claim stands."""

    OPEN = "OPEN"
    SENT = "SENT"
    ANSWERED = "ANSWERED"
    RESOLVED = "RESOLVED"
    CLOSED_UNRESOLVED = "CLOSED_UNRESOLVED"


class ClaimAction(StrEnum):
    """What happens to a claim."""

    SEND = "send"
    ANSWER = "answer"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"


class Resolution(StrEnum):
    """How a claim was settled."""

    RESENT = "RESENT"
    CREDITED = "CREDITED"
    WRITTEN_OFF = "WRITTEN_OFF"
    ARRIVED = "ARRIVED"  # it came after all, or was there


_S, _A = ClaimState, ClaimAction

PENDING: Final = frozenset({_S.OPEN, _S.SENT, _S.ANSWERED})
"""Something is still to be done."""
SETTLING: Final = frozenset({Resolution.RESENT, Resolution.CREDITED, Resolution.WRITTEN_OFF})
"""What was done about copies that did not arrive as they should."""

TRANSITIONS: Final[Mapping[ClaimAction, tuple[frozenset[ClaimState], ClaimState]]] = {
    # Sent again is a reminder.
    _A.SEND: (frozenset({_S.OPEN, _S.SENT}), _S.SENT),
    # A second answer takes the place of the first; the audit log has both.
    _A.ANSWER: (PENDING, _S.ANSWERED),
    _A.RESOLVE: (PENDING, _S.RESOLVED),
    _A.CLOSE: (PENDING, _S.CLOSED_UNRESOLVED),
    _A.REOPEN: (frozenset({_S.RESOLVED, _S.CLOSED_UNRESOLVED}), _S.ANSWERED),
}
"""The states in which something may happen, and the state after it."""

_DONE: Final[Mapping[ClaimAction, str]] = {
    _A.SEND: "sent",
    _A.ANSWER: "answered",
    _A.RESOLVE: "resolved",
    _A.CLOSE: "closed",
    _A.REOPEN: "opened again",
}
_WORDS: Final[Mapping[ClaimReason, str]] = {
    ClaimReason.NOT_ARRIVED: "not arrived",
    ClaimReason.SHORT: "short",
    ClaimReason.DAMAGED: "damaged",
    ClaimReason.WRONG_ITEM: "wrong item",
    ClaimReason.WRONG_EDITION: "wrong edition",
}


class About(NamedTuple):
    """What a claim is about; rows of the database, None for what it is not about.

    A consignment as a whole or a line of it (``position``), a piece of an incoming gift
    (``position`` too), or an issue of a serial, counted from its start.
    """

    consignment_id: int | None = None
    position: int | None = None
    incoming_gift_id: int | None = None
    serial_id: int | None = None
    issue: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. Instants are UTC; ``due_at`` is when it is looked at again, None: no day is set.

    ``consignment``, ``resent``, ``incoming_gift`` and ``serial`` are public ids, the number of a
    consignment stands beside it; "" for none. ``title`` is what the thing is called.
    """

    id: int
    public_id: str
    partner_id: int
    partner: str
    partner_name: str
    side: ClaimSide
    state: ClaimState
    reason: ClaimReason
    resolution: Resolution | None
    about: About
    consignment: str
    consignment_number: str
    incoming_gift: str
    serial: str
    title: str
    resent: str
    resent_number: str
    copies: int
    text: str
    answer: str
    opened_by: str
    opened_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    due_at: datetime | None
    revision: int

    @property
    def shown_to_partner(self) -> bool:
        """Whether its partner sees it: its own, and ours once it was sent."""
        return self.side is ClaimSide.THEIRS or self.sent_at is not None


def possible(side: ClaimSide, state: ClaimState) -> tuple[ClaimAction, ...]:
    """Return what the staff can do with a claim; a partner's was sent by the partner.

    >>> [each.value for each in possible(ClaimSide.THEIRS, ClaimState.OPEN)]
    ['answer', 'resolve', 'close']
    """
    return tuple(
        each
        for each in ClaimAction
        if state in TRANSITIONS[each][0] and not (each is _A.SEND and side is ClaimSide.THEIRS)
    )


def after(action: ClaimAction, side: ClaimSide, state: ClaimState) -> ClaimState:
    """Return the state that ``action`` leads to; raise ``Conflict`` when it may not be done.

    >>> after(ClaimAction.SEND, ClaimSide.OURS, ClaimState.OPEN).value
    'SENT'
    >>> after(ClaimAction.SEND, ClaimSide.THEIRS, ClaimState.OPEN)
    Traceback (most recent call last):
        ...
    service.errors.Conflict: this claim of the partner is OPEN: it cannot be sent; possible: \
answer, resolve, close
    """
    can = possible(side, state)
    if action not in can:
        whose = "of the partner" if side is ClaimSide.THEIRS else "of ours"
        told = ", ".join(each.value for each in can) or "nothing"
        raise Conflict(
            f"this claim {whose} is {state}: it cannot be {_DONE[action]}; possible: {told}"
        )
    return TRANSITIONS[action][1]


def next_step(side: ClaimSide, state: ClaimState) -> str:
    """Return what the staff does next, in a sentence; "" for nothing."""
    return _NEXT.get((side, state), "")


_NEXT: Final[Mapping[tuple[ClaimSide, ClaimState], str]] = {
    (
        ClaimSide.THEIRS,
        _S.OPEN,
    ): "Answer it: send the copies again, credit them, or write them off.",
    (ClaimSide.THEIRS, _S.ANSWERED): "Settle it: send the copies again, credit them, or write them "
    "off; if nothing comes of it, close it.",
    (ClaimSide.OURS, _S.OPEN): "Send it to the partner.",
    (ClaimSide.OURS, _S.SENT): "Wait for the answer; send it again when its day has come.",
    (ClaimSide.OURS, _S.ANSWERED): "Settle it as the partner answered; if nothing comes of it, "
    "close it.",
}


def words(reason: ClaimReason) -> str:
    """Return a reason as people say it."""
    return _WORDS[reason]


def check_copies(copies: int) -> int:
    """Return a number of copies; raise ``Invalid`` for what is none."""
    if not 1 <= copies <= _MOST_COPIES:
        raise Invalid("a claim is about one copy at least", "copies")
    return copies


def check_text(text: str, field: str, *, needed: bool = False) -> str:
    """Return what is said with a claim, lines kept; raise ``Invalid``."""
    said = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()
    if needed and not said:
        raise Invalid("say it in a sentence: it stays with the claim", field)
    control = any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in said)
    if len(said) > _LONGEST or control:
        raise Invalid(
            f"this is a text of at most {_LONGEST:,} characters, without control characters", field
        )
    return said


# --- claims that follow from a receipt ------------------------------------------------------------

_MISSING: Final = frozenset({ClaimReason.NOT_ARRIVED, ClaimReason.SHORT})
_GROUPS: Final[Mapping[ClaimReason, frozenset[ClaimReason]]] = {
    ClaimReason.SHORT: _MISSING,
    ClaimReason.DAMAGED: frozenset({ClaimReason.DAMAGED}),
}


class Trouble(NamedTuple):
    """What a receipt says of a line: copies that are not there, and that came damaged."""

    position: int
    short: int
    damaged: int


class Opening(NamedTuple):
    """A claim that is to be opened."""

    position: int
    reason: ClaimReason
    copies: int


class Plan(NamedTuple):
    """What becomes of the claims on a consignment: opened, of other copies, settled as arrived."""

    open: list[Opening]
    change: list[tuple[Claim, int]]
    arrived: list[Claim]


def follow(claims: Sequence[Claim], troubles: Sequence[Trouble]) -> Plan:
    """Return what a receipt that says this of lines does to a consignment's claims.

    Lines that are not named stay as they are. What was settled stays settled: where the receipt
    says less than that, ``Conflict`` says which claim is to be opened again first.
    """
    plan = Plan([], [], [])
    for each in claims:
        if each.about.position is None and each.state in PENDING and each.reason in _MISSING:
            plan.arrived.append(each)
    for trouble in troubles:
        wanted = {ClaimReason.SHORT: trouble.short, ClaimReason.DAMAGED: trouble.damaged}
        of_line = [each for each in claims if each.about.position == trouble.position]
        for reason, copies in wanted.items():
            some = [each for each in of_line if each.reason in _GROUPS[reason]]
            _follow_one(plan, some, Opening(trouble.position, reason, copies))
    return plan


def _follow_one(plan: Plan, claims: Sequence[Claim], wanted: Opening) -> None:
    settled = [each for each in claims if each.resolution in SETTLING]
    rest = wanted.copies - sum(each.copies for each in settled)
    if rest < 0:
        names = ", ".join(f"{each.public_id} ({each.resolution})" for each in settled)
        raise Conflict(
            f"line {wanted.position} is not that {words(wanted.reason)}: it was settled with claim "
            f"{names}; open that again first"
        )
    pending = [each for each in claims if each.state in PENDING]
    if rest and not pending:
        plan.open.append(wanted._replace(copies=rest))
    elif rest and pending[0].copies != rest:
        plan.change.append((pending[0], rest))
    plan.arrived.extend(pending[1:] if rest else pending)


# --- what a credit takes off the balance ----------------------------------------------------------


def credit(lines: Sequence[Line], gone: Mapping[int, int], more: Mapping[int, int]) -> list[Share]:
    """Return what copies (by position) take off the balance when ``gone`` are off it already.

    A title is off when its last copy is. Figures are positive, by currency.

    >>> line = Line(1, None, "", True, None, "", 7, "A", 3, 2, 1, True, "", "4901", 5, "KRW", False)
    >>> [tuple(each) for each in credit([line], {}, {1: 2})]
    [('KRW', 0, 4, 10)]
    >>> [tuple(each) for each in credit([line], {1: 2}, {1: 1})]
    [('KRW', 1, 2, 5)]
    """
    before = {each.currency: each for each in _standing(lines, gone)}
    total = {each: gone.get(each, 0) + more.get(each, 0) for each in {*gone, *more}}
    left = {each.currency: each for each in _standing(lines, total)}
    found = []
    for currency, share in before.items():
        rest = left.get(currency, Share(currency, 0, 0, 0))
        volumes = share.volumes - rest.volumes
        titles = min(max(share.titles - rest.titles, 0), volumes)
        if volumes:
            found.append(Share(currency, titles, volumes, share.value - rest.value))
    return found


def _standing(lines: Sequence[Line], gone: Mapping[int, int]) -> list[Share]:
    """Return the figures of lines without the copies that are gone, in the lines' own currencies.

    What has no value is counted where all the lines together have it.
    """
    named = sorted({line.currency for line in lines if line.value is not None})
    first = named[0] if named else ""
    left = [
        line._replace(
            copies=line.copies - gone.get(line.position, 0),
            value=line.value or 0,
            currency=first if line.value is None else line.currency,
        )
        for line in lines
        if line.copies > gone.get(line.position, 0)
    ]
    return shares(left)


def check_claimed(line: Line, claims: Collection[Claim], copies: int) -> None:
    """Refuse a claim on more copies of a line than were sent, those of other claims counted."""
    held = sum(
        each.copies
        for each in claims
        if each.about.position == line.position
        and (each.state in PENDING or each.resolution in SETTLING)
    )
    if held + copies > line.copies:
        told = f", and {held:,} of them are in a claim already" if held else ""
        raise Invalid(
            f"{copies:,} copies are claimed of line {line.position} ({line.title}), but "
            f"{line.copies:,} were sent{told}: correct the figure, or add to the claim that there "
            "is",
            "copies",
        )


if not set(TRANSITIONS) == set(_DONE) == set(ClaimAction):
    raise AssertionError("every action needs its row in both tables")
if set(_WORDS) != set(ClaimReason):
    raise AssertionError("every reason needs its words")
