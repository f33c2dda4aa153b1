"""Telling a partner's system at once what happened: in which words, how signed, how often tried.

Deliveries are small: they say what happened and where to look. They come at least once and in
order; a receiver tells repeats by their id.

Source: the signature follows the custom of web services that sign ``timestamp.body`` with
HMAC-SHA256 (RFC 2104), so that an old delivery cannot be sent again by somebody else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from service.domain.announcement import Announcement, address

SIGNATURE: Final = "Bookbridge-Signature"
EVENT: Final = "Bookbridge-Event"
EVENT_ID: Final = "Bookbridge-Event-Id"

# A webhook that failed for so long is paused; what is older is not sent any more.
TRIED_FOR: Final = timedelta(days=3)
# Seconds between two tries; the last one stands for all that follow.
_PAUSES: Final = (5, 15, 60, 300, 900, 3600, 3 * 3600)
# By how much a pause is shortened or lengthened by chance, so that many do not come back at once.
_JITTER: Final = 0.2


class WebhookState(StrEnum):
    """Whether a webhook is called."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a partner wants to be told. Instants are UTC.

    ``failing_since`` is the first of the failures since the last success, ``error`` the latest of
    them for people. ``waiting`` deliveries are still to be made, ``given_up`` were not.
    """

    id: int
    public_id: str
    partner_code: str
    url: str
    state: WebhookState
    failing_since: datetime | None
    error: str
    created_at: datetime
    waiting: int
    given_up: int


def pause(attempts: int, chance: float) -> timedelta:
    """Return how long to wait after so many failed attempts; ``chance`` is from 0 to below 1.

    >>> pause(1, 0.5), pause(99, 0.0) < pause(99, 0.9)
    (datetime.timedelta(seconds=5), True)
    """
    seconds = _PAUSES[min(max(attempts, 1), len(_PAUSES)) - 1]
    return timedelta(seconds=seconds * (1 - _JITTER + 2 * _JITTER * chance))


def message(announcement: Announcement, base_url: str) -> bytes:
    """Return the body of a delivery: JSON, the same at every try."""
    said = {
        "id": announcement.public_id,
        "event": announcement.event,
        "at": f"{announcement.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "url": address(announcement, base_url),
        **announcement.body,
    }
    return json.dumps(said, ensure_ascii=False).encode("utf-8")


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header that proves who sent ``body`` and when (epoch seconds).

    >>> signature("s", 0, b"{}")[:12]
    't=0,v1=e79b1'
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"
