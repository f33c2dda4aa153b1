"""The board of the day: what waits for us, what waits for others, and what was done of late.

Three questions of an exchange librarian in the morning: what needs me, whom am I waiting for, what
has moved. A matter is something that can be counted and gone to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

# How long what was done stays on the board.
LATELY: Final = timedelta(days=7)


class Turn(StrEnum):
    """Whose turn it is."""

    YOU = "you"
    OTHERS = "others"
    DONE = "done"


class Matter(StrEnum):
    """What is counted, in the order of the work."""

    # needs you
    IMPORT_STAGED = "import_staged"
    IMPORT_FAILED = "import_failed"
    LIST_PAST_CLOSING = "list_past_closing"
    LIST_TO_ALLOCATE = "list_to_allocate"
    PLAN_TO_CONFIRM = "plan_to_confirm"
    GIFT_TO_APPROVE = "gift_to_approve"
    GIFT_TO_PACK = "gift_to_pack"
    COPIES_TO_PACK = "copies_to_pack"
    CONSIGNMENT_DRAFT = "consignment_draft"
    CONSIGNMENT_PACKED = "consignment_packed"
    INCOMING_TO_CHECK = "incoming_to_check"
    INCOMING_TO_ACCESSION = "incoming_to_accession"
    INCOMING_TO_THANK = "incoming_to_thank"
    SELECTION_OPEN = "selection_open"
    CLAIM_OF_THEIRS = "claim_of_theirs"
    CLAIM_ANSWERED = "claim_answered"
    ISSUE_MISSING = "issue_missing"
    AGREEMENT_EXPIRING = "agreement_expiring"
    # waiting for others
    LIST_OPEN = "list_open"
    PARTNER_ASKED = "partner_asked"
    CONSIGNMENT_ON_ITS_WAY = "consignment_on_its_way"
    CLAIM_OF_OURS = "claim_of_ours"
    INCOMING_ANNOUNCED = "incoming_announced"
    OWN_WISH_SENT = "own_wish_sent"
    # done of late
    LIST_ALLOCATED = "list_allocated"
    DISPATCHED = "dispatched"
    RECEIPT_CONFIRMED = "receipt_confirmed"
    INCOMING_CATALOGUED = "incoming_catalogued"


_FIRST_OF_OTHERS: Final = Matter.LIST_OPEN
_FIRST_DONE: Final = Matter.LIST_ALLOCATED


def turn(matter: Matter) -> Turn:
    """Return whose turn it is with a matter.

    >>> turn(Matter.PLAN_TO_CONFIRM).value, turn(Matter.PARTNER_ASKED).value
    ('you', 'others')
    """
    place = list(Matter).index
    if place(matter) >= place(_FIRST_DONE):
        return Turn.DONE
    return Turn.OTHERS if place(matter) >= place(_FIRST_OF_OTHERS) else Turn.YOU


class Counted(NamedTuple):
    """So many of a matter; ``oldest`` is since when the first of them waits, UTC, if known."""

    matter: Matter
    number: int
    oldest: datetime | None = None


def board(counted: Iterable[Counted]) -> Mapping[Turn, list[Counted]]:
    """Return what there is of each turn, in the order of the work."""
    found = {each.matter: each for each in counted if each.number}
    shown: dict[Turn, list[Counted]] = {whose: [] for whose in Turn}
    for matter in Matter:
        if matter in found:
            shown[turn(matter)].append(found[matter])
    return shown
