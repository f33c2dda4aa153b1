"""What the public feed says of an offer, and when: sets, visibility, and the stamps of the clock.

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


class Published(NamedTuple):
    """What the feed shall say of one offer or transfer."""

    source_id: int
    public_id: str
    version_id: int
    visible: bool
    audience_id: int
    list_slug: str
    place: str
    languages: str


def next_stamp(now: float, p: int) -> int:
    """Return the stamp for what is published next: after ``p``, and ahead of ``now`` (epoch s)."""
    return max(math.floor(now) + LEAD, p + 1)


def set_specs(published: Published) -> tuple[str, ...]:
    """Return the sets an item is in, most specific only: its list, place and languages."""
    specs = [f"list:{published.list_slug}", f"place:{published.place}"]
    specs += [f"lang:{code}" for code in published.languages.split()]
    return tuple(specs)


# Every item has a list, a place (ZZ when unknown) and a language (und when unknown), so each of
# these parent sets is the whole; they need no stream of their own.
WHOLE_SETS = frozenset({"list", "place", "lang"})


def stream_of(set_spec: str | None) -> str:
    """Return the set spec of the stream that answers a harvest of ``set_spec``."""
    return EVERYTHING if set_spec is None or set_spec in WHOLE_SETS else set_spec


# Whose sets nobody may as much as name without credentials.
_PARTNERS = frozenset({"partner", "given"})


def is_for_partners(set_spec: str | None) -> bool:
    """Whether a set is what one partner is offered or was given, by its name alone.

    >>> [is_for_partners(spec) for spec in ("partner:brno", "given", "list:partner", None)]
    [True, True, False, False]
    """
    return set_spec is not None and set_spec.partition(":")[0] in _PARTNERS
