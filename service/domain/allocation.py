"""Allocation: who is given the copies of a title, and for every wish the reason in words.

A policy is a pure function from wishes and copies to decisions. It sees no clock, no database and
no partner's name, so that a run can be replayed from what was kept of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from service.domain.offer import OfferState
from service.domain.partner import PartnerState
from service.domain.wish import Outcome


class AllocationPolicy(StrEnum):
    """By which rule copies are given."""

    FIRST_COME = "FIRST_COME"


class Wished(NamedTuple):
    """One open wish for an offer of the list that is allocated.

    ``wish_list`` (a public id) and ``line_no`` settle which of two wishes of one moment is first.
    ``hindrance`` says why it takes no part, whatever the policy; "" when it does.
    """

    wish_list_id: int
    wish_list: str
    line_no: int
    partner_id: int
    offer_id: int
    quantity: int
    wished_at: datetime
    hindrance: str = ""


class Decision(NamedTuple):
    """What became of one wish: its place among those for the same offer (0: it took no part).

    ``copies`` are those of the offer, ``given`` is how many of them this wish gets.
    """

    wished: Wished
    rank: int
    copies: int
    given: int
    reason: str


Policy = Callable[[Sequence[Wished], Mapping[int, int]], list[Decision]]


@dataclass(frozen=True, slots=True)
class AllocationRun:
    """One allocation of one list: its policy and what it came to. Instants are UTC.

    ``wishes`` were decided on so far, ``met`` of them got at least a copy, ``given`` copies in
    all went to ``partners`` partners; it is unfinished while ``finished_at`` is None.
    """

    id: int
    public_id: str
    list_id: int
    policy: AllocationPolicy
    begun_at: datetime
    finished_at: datetime | None
    wishes: int
    met: int
    given: int
    partners: int


def hindrance(outcome: Outcome, offer: OfferState, partner: PartnerState) -> str:
    """Return why a wish takes no part in an allocation, as part of a sentence; "" if it does.

    Whether the exchange runs counts at the allocation, not only when the wish arrived.
    """
    if offer is not OfferState.OFFERED:
        return "the title was taken back"
    if partner is not PartnerState.ACTIVE:
        return "the exchange with your library is suspended"
    if outcome is not Outcome.REGISTERED:
        return "the wish was matched to this offer and never confirmed by the offer's identifier"
    return ""


def first_come(wishes: Sequence[Wished], copies: Mapping[int, int]) -> list[Decision]:
    """Give the copies of each offer in the order in which the wishes came.

    A wish gets as many copies as it asks for and are left; ``copies`` is by offer.
    """
    ordered = sorted(
        wishes, key=lambda w: (w.offer_id, w.wished_at.timestamp(), w.wish_list, w.line_no)
    )
    decisions: list[Decision] = []
    for offer_id, grouped in groupby(ordered, key=lambda wished: wished.offer_id):
        queue = list(grouped)
        left = copies[offer_id]
        for rank, wished in enumerate(queue, 1):
            given = min(wished.quantity, left)
            left -= given
            reason = _reason(wished, given, rank, len(queue), copies[offer_id])
            decisions.append(Decision(wished, rank, copies[offer_id], given, reason))
    return decisions


POLICIES: dict[AllocationPolicy, Policy] = {AllocationPolicy.FIRST_COME: first_come}


def decide(
    policy: AllocationPolicy, wishes: Sequence[Wished], copies: Mapping[int, int]
) -> list[Decision]:
    """Decide on every wish: the hindered are told so, the policy gives to the others."""
    hindered = [
        Decision(wished, 0, copies[wished.offer_id], 0, f"Not allocated: {wished.hindrance}.")
        for wished in wishes
        if wished.hindrance
    ]
    return POLICIES[policy]([each for each in wishes if not each.hindrance], copies) + hindered


def _reason(wished: Wished, given: int, rank: int, wishes: int, copies: int) -> str:
    place = "the only wish" if wishes == 1 else f"{_ordinal(rank)} of {wishes} wishes"
    if given == wished.quantity:
        return f"Allocated: {place}."
    if given:
        why = "no more are offered" if given == copies else "the others went to earlier wishes"
        return f"Allocated {given} of {wished.quantity} copies: {place}; {why}."
    gone = "the only copy" if copies == 1 else f"all {copies} copies"
    whom = "an earlier wish" if rank == 2 or copies == 1 else "earlier wishes"
    return f"Not allocated: {gone} went to {whom}; yours was {place}."


_ORDINALS = {1: "first", 2: "second", 3: "third"}
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def _ordinal(number: int) -> str:
    """Return a place in words.

    >>> [_ordinal(number) for number in (1, 4, 11, 22)]
    ['first', '4th', '11th', '22nd']
    """
    if number in _ORDINALS:
        return _ORDINALS[number]
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"
