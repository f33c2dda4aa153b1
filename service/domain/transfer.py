"""Transfers: what a partner was given, from an allocation or as a direct gift.

A transfer holds the record as it was sent. It is an item of its own in the feed, seen by that one
partner, and stays there until it is taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class TransferState(StrEnum):
    """Where a transfer stands."""

    GIVEN = "GIVEN"
    RETRACTED = "RETRACTED"


class TransferKind(StrEnum):
    """On what footing books go: for nothing, for books in return, or to be kept for the sender."""

    GIFT = "GIFT"
    EXCHANGE = "EXCHANGE"
    DEPOSIT = "DEPOSIT"


class Given(NamedTuple):
    """What is to be given: a version of a record, ``copies`` of it, from an offer if from any."""

    offer_id: int | None
    version_id: int
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer. ``created_at`` is UTC; ``offer`` is the offer's public id, or None."""

    public_id: str
    partner_code: str
    offer: str | None
    version_id: int
    copies: int
    state: TransferState
    created_at: datetime
