"""What the public feed says of an offer or transfer, and when: sets, audiences, stamps.

A stamp is a whole second since the epoch (UTC). Stamps rise strictly, and every change becomes
visible while the clock is still short of its stamp: that is why one is made ahead of the clock and
is checked against it again before and after the commit.

How far short follows from a harvester that goes by its own clock. It reads at our time t, with a
clock that is a seconds ahead of ours, and asks next time from floor(t + a) on. What it did not see
became visible later than t, under a stamp s, and must not lie before that: s >= floor(t + a). For
every a <= AHEAD this holds if what bears s was visible by s - (AHEAD - 1), because then
t + a < s + 1. Harvesters that go by what we tell them (``responseDate``, the newest datestamp) need
none of this: for them it is enough that stamps rise.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# A harvester may go by its own clock, when that is at most this far ahead of ours, in seconds.
AHEAD = 2
# How far ahead of the second on the clock a stamp is made: beyond what harvesters may be ahead, so
# that a publishing transaction always has a second at least, and two at most.
LEAD = AHEAD + 1
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


def is_late(stamp: int, now: float) -> bool:
    """Whether what bears ``stamp`` and becomes visible at ``now`` (epoch s) could be missed.

    >>> stamp = next_stamp(10.9, 0)
    >>> stamp, is_late(stamp, 12.0), is_late(stamp, 12.01)
    (13, False, True)
    """
    return now > stamp - (AHEAD - 1)


def offer_sets(list_slug: str, place: str, languages: str) -> tuple[str, ...]:
    """Return the sets an offer is in, most specific only: its list, place and languages."""
    return (
        f"list:{list_slug}",
        f"place:{place}",
        *(f"lang:{code}" for code in languages.split()),
    )
