"""A source: a partner's provider of OAI-PMH that we harvest, and how often."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from service.errors import Invalid

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_EVERY = re.compile(r"([0-9]{1,6})(m|h|d|w)", re.ASCII)
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}

LEAST_EVERY: Final = 60
"""Seconds: a provider is not asked more often on schedule."""


class SourceKind(StrEnum):
    """What a partner's records mean to us."""

    OFFERS = "OFFERS"  # what the partner offers: we may wish for it
    WISHES = "WISHES"  # what the partner wishes for of ours
    GIVEN = "GIVEN"  # what the partner gave us: records for our catalogue


class SourceState(StrEnum):
    """Whether a source is harvested."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"  # by hand only
    REMOVED = "REMOVED"  # never again; what it brought and its history stay


@dataclass(frozen=True, slots=True)
class Source:
    """One source. Instants are UTC; ``next_from`` is a stamp, None where the next one is full.

    ``set`` and ``prefix`` are ``""`` for all and for the best that is offered; ``every`` is in
    seconds, 0 for by hand; ``wishes_url`` is where our wishes go, ``""`` where a Bookbridge takes
    them. ``credentials`` are sealed. ``list_id`` and ``list_slug`` name the list
    of what comes; a source of wishes has none.
    """

    id: int
    public_id: str
    name: str
    partner_id: int
    partner_code: str
    kind: SourceKind
    url: str
    set: str
    prefix: str
    credentials: bytes | None = field(repr=False)
    every: int
    auto_commit: bool
    wishes_url: str
    state: SourceState
    list_id: int | None
    list_slug: str | None
    next_from: int | None
    due_at: datetime | None
    created_at: datetime


def check_name(name: str) -> str:
    """Return ``name`` if it can name a source for ever, in a command and in its list's slug."""
    if not _NAME.fullmatch(name) or len(name) > 50:
        raise Invalid(
            f"{name!r} cannot name a source: use 1 to 50 of a-z, 0-9 and single hyphens between "
            "them",
            field="name",
        )
    return name


def read_every(text: str) -> int:
    """Return the seconds that ``30m``, ``12h``, ``1d`` or ``2w`` say; ``never`` is 0.

    >>> read_every("1d"), read_every("never")
    (86400, 0)
    """
    if text == "never":
        return 0
    match = _EVERY.fullmatch(text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise Invalid(
            f"{text!r} is no span of time: write 30m, 12h, 1d, 2w, or never", field="every"
        )
    return check_every(int(match[1]) * _UNITS[match[2]])


def check_every(seconds: int) -> int:
    """Return ``seconds`` if a source may be harvested so often, 0 for by hand."""
    if seconds < 0 or 0 < seconds < LEAST_EVERY or seconds > 366 * 86_400:
        raise Invalid(
            f"a source is harvested every {LEAST_EVERY} seconds at most, once a year at least, or "
            "by hand (0)",
            field="every",
        )
    return seconds


def written_every(seconds: int) -> str:
    """Return a span of time as :func:`read_every` reads it.

    >>> written_every(86400), written_every(90), written_every(0)
    ('1d', '90 s', 'never')
    """
    if not seconds:
        return "never"
    for unit, length in sorted(_UNITS.items(), key=lambda each: -each[1]):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds} s"
