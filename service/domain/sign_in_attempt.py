"""How long somebody waits who could not sign in: the longer, the more often it was tried.

Tries are counted under the name and from the address, whether or not there is such an account, so
that the waiting tells nothing. A name is given a few tries at once and an address more, since a
whole library may share one. What was quiet for long enough is forgotten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple


class Tried(StrEnum):
    """Under what tries are counted."""

    NAME = "name"
    ADDRESS = "address"
    LINK = "link"  # asked for by mail, under a name


class Patience(NamedTuple):
    """How many tries are free, and how long is waited at most after one."""

    free: int
    longest: timedelta


PATIENCE: Final[Mapping[Tried, Patience]] = {
    Tried.NAME: Patience(5, timedelta(minutes=15)),
    Tried.ADDRESS: Patience(30, timedelta(minutes=5)),
    Tried.LINK: Patience(3, timedelta(hours=1)),
}
# After so long without a try, counting begins anew.
FORGOTTEN: Final = timedelta(days=1)
_FIRST: Final = timedelta(seconds=1)
_MOST_DOUBLINGS: Final = 20


class Attempts(NamedTuple):
    """What is known of tries under one name or from one address (UTC)."""

    failures: int
    tried_at: datetime
    next_at: datetime


def after(tried: Tried, before: Attempts | None, now: datetime) -> Attempts:
    """Return what is known once it was tried again ``now``; a try counts as failed until it is not.

    >>> from datetime import UTC
    >>> now, seen = datetime(2026, 11, 22, tzinfo=UTC), None
    >>> waits = []
    >>> for _ in range(9):
    ...     seen = after(Tried.NAME, seen, now)
    ...     waits.append(int((seen.next_at - now).total_seconds()))
    >>> waits
    [0, 0, 0, 0, 0, 1, 2, 4, 8]
    """
    forgotten = before is None or now - before.tried_at >= FORGOTTEN
    failures = 1 if before is None or forgotten else before.failures + 1
    return Attempts(failures, now, now + _wait(PATIENCE[tried], failures))


def _wait(patience: Patience, failures: int) -> timedelta:
    over = failures - patience.free
    if over <= 0:
        return timedelta()
    doubled: timedelta = _FIRST * (1 << min(over - 1, _MOST_DOUBLINGS))
    return min(doubled, patience.longest)


def digest(tried: Tried, what: str) -> bytes:
    """Return under what a name or an address is kept: what people mistype is not to be read."""
    folded = " ".join(what.split()).casefold()
    return hashlib.sha256(f"{tried.value}\0{folded}".encode("utf-8", "surrogatepass")).digest()
