"""What the public feed says of an offer or transfer, and when: sets, audiences, stamps.

A stamp is a whole second since the epoch (UTC). Stamps rise strictly, and no change becomes
visible later than its own stamp: that is why one is made ahead of the clock and is checked
against it again before and after the commit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# How far ahead of the clock a stamp is made, in seconds: longer than a publishing transaction.
LEAD = 2
# Every publishing transaction moves the stamps by a second, however short it was. A publisher with
# much to do waits once they run this far ahead of the clock, in seconds. Being ahead loses nobody
# anything; half a minute is what a person who reads a responseDate will not wonder about.
RUNAHEAD = 30

EVERYTHING = ""  # the set spec of the stream that holds all an audience may see

# Every offer has a list, a place (ZZ when unknown) and a language (und when unknown), so each of
# these parent sets is the whole of what is offered; they need no stream of their own.
WHOLE_SETS = frozenset({"list", "place", "lang"})


class Published(NamedTuple):
    """What the feed shall say of one offer or transfer: in which sets, and to which audiences."""

    source_id: int
    public_id: str
    version_id: int
    visible: bool
    audiences: frozenset[int]
    sets: tuple[str, ...]


def next_stamp(now: float, p: int) -> int:
    """Return the stamp for what is published next: after ``p``, and ahead of ``now`` (epoch s)."""
    return max(math.floor(now) + LEAD, p + 1)


def offer_sets(list_slug: str, place: str, languages: str) -> tuple[str, ...]:
    """Return the sets an offer is in, most specific only: its list, place and languages."""
    return (
        f"list:{list_slug}",
        f"place:{place}",
        *(f"lang:{code}" for code in languages.split()),
    )
