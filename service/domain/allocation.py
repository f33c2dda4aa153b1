"""Allocation: who is given the copies of a title, and for every wish the reason in words.

A list has one run. It is planned as often as anybody likes, then confirmed once; from then on each
allocation has a life of its own. What is decided by which rule is in
:mod:`service.domain.allocation_policy`, how in :mod:`service.domain.allocation_plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from service.domain.allocation_room import Room
from service.domain.offer import OfferState
from service.domain.partner import PartnerState
from service.domain.wish import Outcome
from service.errors import Conflict, Invalid

# How long a partner may think about what differs from its wish.
ANSWER_WITHIN: Final = timedelta(days=14)
_LONGEST_SEED = 100


class AllocationPolicy(StrEnum):
    """By which rule copies are given."""

    FIRST_COME = "FIRST_COME"
    WINDOW_LOTTERY = "WINDOW_LOTTERY"
    PRIORITY = "PRIORITY"
    ROUND_ROBIN = "ROUND_ROBIN"
    COVERAGE_FIRST = "COVERAGE_FIRST"


class RunState(StrEnum):
    """Where the run over a list stands; while it is PLANNING, its decisions are not all there."""

    PLANNING = "PLANNING"
    PROPOSED = "PROPOSED"
    CONFIRMED = "CONFIRMED"


class AllocationState(StrEnum):
    """Where one decision stands. NOT_ALLOCATED waits in its rank for a copy that comes back."""

    PROPOSED = "PROPOSED"
    CONFIRMED = "CONFIRMED"
    NOT_ALLOCATED = "NOT_ALLOCATED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    FULFILLED = "FULFILLED"
    CANCELLED = "CANCELLED"


class AllocationAction(StrEnum):
    """What happens to a decision."""

    CONFIRM = "confirm"
    PASS_OVER = "pass over"  # noqa: S105 - no password
    ASK = "ask"
    ACCEPT = "accept"
    DECLINE = "decline"
    EXPIRE = "expire"
    FULFIL = "fulfil"
    RECALL = "recall"
    CANCEL = "cancel"


_S = AllocationState
TRANSITIONS: dict[AllocationAction, tuple[frozenset[AllocationState], AllocationState]] = {
    # From NOT_ALLOCATED: when a copy comes back to it from one before it.
    AllocationAction.CONFIRM: (frozenset({_S.PROPOSED, _S.NOT_ALLOCATED}), _S.CONFIRMED),
    AllocationAction.PASS_OVER: (frozenset({_S.PROPOSED}), _S.NOT_ALLOCATED),
    AllocationAction.ASK: (frozenset({_S.CONFIRMED}), _S.OFFERED),
    AllocationAction.ACCEPT: (frozenset({_S.OFFERED}), _S.ACCEPTED),
    AllocationAction.DECLINE: (
        frozenset({_S.CONFIRMED, _S.OFFERED, _S.ACCEPTED}),
        _S.DECLINED,
    ),
    AllocationAction.EXPIRE: (frozenset({_S.OFFERED}), _S.EXPIRED),
    AllocationAction.FULFIL: (frozenset({_S.CONFIRMED, _S.ACCEPTED}), _S.FULFILLED),
    # When the dispatch was entered wrongly, or the books came back; that it was accepted stays
    # among what it was told.
    AllocationAction.RECALL: (frozenset({_S.FULFILLED}), _S.CONFIRMED),
    AllocationAction.CANCEL: (frozenset({_S.PROPOSED, _S.OFFERED}), _S.CANCELLED),
}

# What somebody can ask for; all else comes about with the list, or by the calendar.
BY_PEOPLE: Final = (AllocationAction.ACCEPT, AllocationAction.DECLINE)

# In these states a confirmed decision holds its copies, and in these they were given.
HOLDING = frozenset({_S.CONFIRMED, _S.OFFERED, _S.ACCEPTED, _S.FULFILLED})
GIVEN = HOLDING - {_S.OFFERED}

# Outcomes of a wish that take part, and what of the offer differs from what was asked for: then the
# partner is asked. Any other outcome is no wish for this offer.
DIFFERS: Mapping[str, str] = {
    Outcome.REGISTERED: "",
    Outcome.MATCHED: "it was matched to your wish, which did not name it",
    Outcome.OTHER_EDITION: "it is another edition than the one you asked for",
}


class Wished(NamedTuple):
    """One open wish for an offer of the list that is allocated, and what is known about it.

    ``wish_list`` (a public id) and ``line_no`` settle which of two wishes of one moment is first.
    ``hindrance`` says why it takes no part, whatever the policy; ``differs`` what of the offer is
    not as it was wished; "" when nothing. ``had``: the partner received this work before;
    ``fits``: it collects such books; ``place_has``: somebody in its country or region received it.
    """

    wish_list_id: int
    wish_list: str
    line_no: int
    partner_id: int
    offer_id: int
    quantity: int
    wished_at: datetime
    hindrance: str = ""
    differs: str = ""
    had: bool = False
    fits: bool = False
    place_has: bool = False


class Title(NamedTuple):
    """An offer that is allocated: ``copies`` that can be given, each of ``volumes`` volumes.

    A set is one copy of several volumes: it is given whole or not at all.
    """

    offer_id: int
    offer: str
    copies: int
    volumes: int = 1


class Standing(NamedTuple):
    """What a run knows of a partner.

    ``balance`` is what it received, less what it gave us, in volumes, before the run. ``priority``
    is 1 to 3; ``tier`` counts the audiences that the list opened to, from 0; ``weight`` is that of
    its country or region. ``languages`` and ``subjects`` are those that its agreement is about,
    empty where it leaves them open.
    """

    code: str
    place: str = ""
    balance: int = 0
    priority: int = 2
    tier: int = 0
    weight: int = 0
    room: Room = Room()
    languages: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


class Decision(NamedTuple):
    """What became of one wish: its place among those for the same offer (0: it took no part).

    ``copies`` are those of the offer, ``given`` is how many of them this wish gets.
    """

    wished: Wished
    rank: int
    copies: int
    given: int
    reason: str


@dataclass(frozen=True, slots=True)
class AllocationRun:
    """The allocation of one list, and what it came to so far. Instants are UTC.

    A run that is planned anew has another ``public_id``. ``wishes`` were decided on, ``met`` of
    them have at least a copy, ``given`` copies in all are for ``partners`` partners; ``asked`` of
    them still have to say whether they take what differs from their wish. ``finished_at`` is when
    the last decision was confirmed.
    """

    id: int
    public_id: str
    list_id: int
    state: RunState
    policy: AllocationPolicy
    seed: str
    begun_at: datetime
    confirmed_at: datetime | None
    finished_at: datetime | None
    wishes: int
    met: int
    given: int
    partners: int
    asked: int
    inputs: Mapping[str, Any]


def after(action: AllocationAction, state: AllocationState) -> AllocationState:
    """Return the state that ``action`` leads to; raise ``Conflict`` when it may not be done."""
    allowed, target = TRANSITIONS[action]
    if state not in allowed:
        possible = [each.value for each in BY_PEOPLE if state in TRANSITIONS[each][0]]
        raise Conflict(
            f"this allocation is {state}: it cannot be {_DONE[action]}; "
            f"possible: {', '.join(possible) or 'nothing'}"
        )
    return target


_DONE: Mapping[AllocationAction, str] = {
    AllocationAction.CONFIRM: "confirmed",
    AllocationAction.PASS_OVER: "passed over",
    AllocationAction.ASK: "offered",
    AllocationAction.ACCEPT: "accepted",
    AllocationAction.DECLINE: "declined",
    AllocationAction.EXPIRE: "let expire",
    AllocationAction.FULFIL: "fulfilled",
    AllocationAction.RECALL: "recalled",
    AllocationAction.CANCEL: "cancelled",
}


def hindrance(outcome: str, offer: OfferState, partner: PartnerState, *, barred: bool) -> str:
    """Return why a wish takes no part in an allocation, as part of a sentence; "" if it does.

    Whether the exchange runs counts at the allocation, not only when the wish arrived. ``barred``:
    nothing of the list, or not this title, may go where the partner is.
    """
    if offer is not OfferState.OFFERED:
        return TAKEN_BACK
    if partner is not PartnerState.ACTIVE:
        return SUSPENDED
    if barred:
        return "this title may not be sent to your country or region"
    if outcome not in DIFFERS:
        return "the wish was never settled on this title"
    return ""


TAKEN_BACK: Final = "the title was taken back"
SUSPENDED: Final = "the exchange with your library is suspended"


def is_barred(place: str, *restrictions: str) -> bool:
    """Whether codes with blanks between name this country or region.

    >>> is_barred("VN", "KP VN", ""), is_barred("", "KP")
    (True, False)
    """
    return bool(place) and any(each and place in each.split() for each in restrictions)


def check_seed(seed: str) -> str:
    """Return what lots can be drawn with."""
    if not seed.isprintable() or not 1 <= len(seed.strip()) <= _LONGEST_SEED:
        raise Invalid(f"a seed is one line of 1 to {_LONGEST_SEED} characters", field="seed")
    return seed.strip()
