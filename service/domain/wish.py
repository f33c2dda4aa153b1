"""Wishes: what a partner asks for, line by line, and the answer that every line gets.

An answer says *registered*, never "claimed": in this field a claim says that something did not
arrive. Outcomes are given once, when the list is received; states move on afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from marc_mappings.match_keys import Key
from service.errors import Conflict


class Outcome(StrEnum):
    """The answer to one line."""

    REGISTERED = "registered"
    MATCHED = "matched"
    # What is offered is another edition of it: it is named, and the wish goes on waiting.
    OTHER_EDITION = "other_edition"
    WAITING = "waiting"
    AMBIGUOUS = "ambiguous"
    DUPLICATE = "duplicate"
    NOT_OFFERED = "not_offered"
    CLOSED = "closed"
    RESTRICTED = "restricted"
    INVALID = "invalid"


class WishState(StrEnum):
    """Where a wish stands."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    # Of a list that is being answered and replaces another: it stands once all lines are answered.
    PENDING = "PENDING"
    REPLACED = "REPLACED"
    WITHDRAWN = "WITHDRAWN"
    ALLOCATED = "ALLOCATED"
    NOT_ALLOCATED = "NOT_ALLOCATED"
    # What was allocated to it was dispatched.
    FULFILLED = "FULFILLED"


class WishAction(StrEnum):
    """What happens to a wish."""

    STAND = "stand"
    ANSWER = "answer"
    CHOOSE = "choose an offer"
    WITHDRAW = "withdraw"
    REPLACE = "replace"
    ALLOCATE = "allocate"
    PASS_OVER = "pass over"  # noqa: S105 - no password
    WAIT = "wait again"
    FULFIL = "fulfil"
    RECALL = "recall"


_S = WishState
TRANSITIONS: Mapping[WishAction, tuple[frozenset[WishState], WishState]] = {
    WishAction.STAND: (frozenset({_S.PENDING}), _S.OPEN),
    # Otherwise than by an offer for it: it is a duplicate by now, or closed.
    WishAction.ANSWER: (frozenset({_S.OPEN, _S.PENDING}), _S.ANSWERED),
    # What several offers fit: its partner says which it means.
    WishAction.CHOOSE: (frozenset({_S.ANSWERED}), _S.OPEN),
    WishAction.WITHDRAW: (frozenset({_S.OPEN, _S.PENDING}), _S.WITHDRAWN),
    WishAction.REPLACE: (frozenset({_S.OPEN, _S.PENDING}), _S.REPLACED),
    # From NOT_ALLOCATED: when a copy comes back to it from one before it.
    WishAction.ALLOCATE: (frozenset({_S.OPEN, _S.NOT_ALLOCATED}), _S.ALLOCATED),
    # From ALLOCATED: when its partner declines.
    WishAction.PASS_OVER: (frozenset({_S.OPEN, _S.ALLOCATED}), _S.NOT_ALLOCATED),
    # For the next offer, or for the answer of its partner about a copy that came back to it.
    WishAction.WAIT: (frozenset({_S.NOT_ALLOCATED, _S.ALLOCATED}), _S.OPEN),
    WishAction.FULFIL: (frozenset({_S.ALLOCATED}), _S.FULFILLED),
    # When the dispatch was entered wrongly, or the books came back to us.
    WishAction.RECALL: (frozenset({_S.FULFILLED}), _S.ALLOCATED),
}

# What a partner can ask for, in words; all else comes about with lists, answers and allocations.
BY_PARTNERS: Final[Mapping[WishAction, str]] = {
    WishAction.WITHDRAW: "withdraw it",
    WishAction.CHOOSE: "name the offer that is meant, where several fit",
}

# The outcomes that leave something to do: a wish stays open until it is fulfilled or withdrawn.
OPEN_OUTCOMES = frozenset(
    {Outcome.REGISTERED, Outcome.MATCHED, Outcome.OTHER_EDITION, Outcome.WAITING}
)
# Of those, the ones that a better offer may still answer: they are compared with what comes.
# (A wish that waited and then met several offers is ambiguous, and waits on as well.)
WAITING_OUTCOMES = frozenset({Outcome.WAITING, Outcome.OTHER_EDITION, Outcome.AMBIGUOUS})
# A partner settles these by naming the offer that it means.
CONFIRMABLE = frozenset({Outcome.MATCHED, Outcome.OTHER_EDITION, Outcome.AMBIGUOUS})
# The outcomes that found an offer which the wish is for.
MATCHED_OUTCOMES = frozenset({Outcome.REGISTERED, Outcome.MATCHED})


def before(action: WishAction) -> list[str]:
    """Return the names of the states that ``action`` may be done in, for a guard in SQL.

    >>> before(WishAction.WITHDRAW)
    ['OPEN', 'PENDING']
    """
    return sorted(state.value for state in TRANSITIONS[action][0])


def after(action: WishAction, state: WishState) -> WishState:
    """Return the state that ``action`` leads to; raise ``Conflict`` when it may not be done."""
    allowed, target = TRANSITIONS[action]
    if state not in allowed:
        there = [said for each, said in BY_PARTNERS.items() if state in TRANSITIONS[each][0]]
        raise Conflict(
            f"this wish is {state}: it cannot be {_DONE[action]}; "
            f"possible: {', '.join(there) or 'nothing'}"
        )
    return target


_DONE: Final[Mapping[WishAction, str]] = {
    WishAction.STAND: "let stand",
    WishAction.ANSWER: "answered otherwise",
    WishAction.CHOOSE: "settled by naming an offer",
    WishAction.WITHDRAW: "withdrawn",
    WishAction.REPLACE: "replaced",
    WishAction.ALLOCATE: "allocated",
    WishAction.PASS_OVER: "passed over",
    WishAction.WAIT: "let wait again",
    WishAction.FULFIL: "fulfilled",
    WishAction.RECALL: "recalled",
}


class Mode(StrEnum):
    """What a wish list does to the one sent before under the same key."""

    APPEND = "append"
    REPLACE = "replace"


class WishListState(StrEnum):
    """How far a wish list is answered."""

    RECEIVED = "received"
    ANSWERING = "answering"
    ANSWERED = "answered"
    FAILED = "failed"


# The job that answers a long list.
ANSWER = "answer_wish_list"
# The job that makes the keys of what is offered on a list, and compares it with what waits.
MATCH_OFFERS = "match_offers"


class Reading(NamedTuple):
    """How a body was read: headings of columns that were passed over, and sentences about it.

    ``headings`` are those that its sender explained, with this list or an earlier one.
    """

    columns_not_read: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    headings: Mapping[str, str] = MappingProxyType({})


class Wanted(NamedTuple):
    """What a line asks for in words, as its sender wrote it; ``""`` for what it does not say."""

    title: str = ""
    author: str = ""
    year: str = ""
    edition: str = ""
    volume: str = ""
    publisher: str = ""
    language: str = ""


class WishLine(NamedTuple):
    """One line as it was read: ``text`` is what came, ``problem`` says why it is no wish.

    ``offer`` is the public id of an offer of ours when the line names one exactly; ``remark`` is
    what there is to say of the reading, whatever the answer. ``keys`` are those of its numbers and
    titles, and of what tells editions apart; ``wanted`` is None where no words were read.
    """

    line_no: int
    text: str
    offer: str = ""
    keys: tuple[Key, ...] = ()
    quantity: int = 1
    note: str = ""
    problem: str = ""
    remark: str = ""
    wanted: Wanted | None = None


class Answer(NamedTuple):
    """The answer to one line: outcome, a reason in words, and the offer it means, if any.

    ``target`` is what the wish is for, the same text for the same thing; empty when nothing.
    ``score`` says how surely the offer is the one that was meant: 1.0 by an identifier alone. A
    duplicate has no target of its own; ``repeats`` is that of the wish which stands. ``since``:
    when the partner first asked for it, where this line takes the place of an earlier one.
    """

    outcome: Outcome
    reason: str
    offer_id: int | None = None
    offer: str = ""
    target: str = ""
    score: float | None = None
    repeats: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnsweredLine:
    """One line of a wish list with its answer and its present state."""

    line_no: int
    line: str
    outcome: Outcome
    reason: str
    offer: str
    quantity: int
    note: str
    state: WishState
    score: float | None = None


@dataclass(frozen=True, slots=True)
class WishList:
    """A wish list as it was received, and how far it is answered. Instants are UTC.

    ``lines`` are those that were asked for, in the order of their numbers; ``outcomes`` counts all
    that are answered, ``total`` all that there are. ``withdrawn`` is how many earlier wishes this
    list ended; None where that is not known any more. ``error`` says why it failed, for people.
    """

    id: int | None
    public_id: str
    partner_code: str
    mode: Mode
    list_key: str
    media_type: str
    received_at: datetime
    lines: tuple[AnsweredLine, ...]
    state: WishListState
    total: int
    answered: int
    answered_at: datetime | None
    outcomes: Mapping[str, int]
    reading: Reading
    withdrawn: int | None = None
    error: str = ""

    def counts(self) -> dict[str, int]:
        """Return how many lines got each outcome, zeros left out."""
        return dict(self.outcomes)


class Listed(NamedTuple):
    """A wish list without its lines, as it stands among others."""

    public_id: str
    partner_code: str
    received_at: datetime
    total: int
    state: WishListState
