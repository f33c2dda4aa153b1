"""Wishes: what a partner asks for, line by line, and the answer that every line gets.

An answer says *registered*, never "claimed": in this field a claim says that something did not
arrive. Outcomes are given once, when the list is received; states move on afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from marc_mappings.match_keys import Key


class Outcome(StrEnum):
    """The answer to one line."""

    REGISTERED = "registered"
    MATCHED = "matched"
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
    REPLACED = "REPLACED"
    WITHDRAWN = "WITHDRAWN"


# The outcomes that leave something to do: a wish stays open until it is fulfilled or withdrawn.
OPEN_OUTCOMES = frozenset({Outcome.REGISTERED, Outcome.MATCHED, Outcome.WAITING})


class Mode(StrEnum):
    """What a wish list does to the one sent before under the same key."""

    APPEND = "append"
    REPLACE = "replace"


class WishLine(NamedTuple):
    """One line as it was read: ``text`` is what came, ``problem`` says why it is no wish.

    ``offer`` is the public id of an offer of ours when the line names one exactly.
    """

    line_no: int
    text: str
    offer: str = ""
    keys: tuple[Key, ...] = ()
    quantity: int = 1
    note: str = ""
    problem: str = ""


class Answer(NamedTuple):
    """The answer to one line: outcome, a reason in words, and the offer it means, if any.

    ``target`` is what the wish is for, the same text for the same thing; empty when nothing.
    """

    outcome: Outcome
    reason: str
    offer_id: int | None = None
    offer: str = ""
    target: str = ""


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


@dataclass(frozen=True, slots=True)
class WishList:
    """A wish list as it was received and answered. ``received_at`` is UTC."""

    id: int | None
    public_id: str
    partner_code: str
    mode: Mode
    list_key: str
    media_type: str
    received_at: datetime
    lines: tuple[AnsweredLine, ...]
    withdrawn: int = 0

    def counts(self) -> dict[str, int]:
        """Return how many lines got each outcome, zeros left out."""
        figures: dict[str, int] = {}
        for line in self.lines:
            figures[line.outcome.value] = figures.get(line.outcome.value, 0) + 1
        return figures
