"""How much one harvester may ask: a bucket of requests that fills steadily, and how many at once.

An honest harvester asks one request after the other and never empties its bucket; a program that
loops does, and is asked to wait for just as long as it takes until the bucket holds a request
again. Requests are counted, not records, so nobody is slowed because a list is long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

# Seconds to wait for a place among the requests that are being answered: a page takes less.
_UNTIL_ONE_IS_ANSWERED = 1
_SHORTEST, _LONGEST = 1, 60  # seconds that anybody is asked to wait


class Bucket(NamedTuple):
    """What may still be asked: ``level`` requests at the moment ``at``.

    Moments are seconds of a clock that never goes back, whenever it began.
    """

    level: float
    at: float


@dataclass(frozen=True, slots=True)
class Budget:
    """What each harvester may ask; 0 is no limit. A bucket holds one minute's worth."""

    requests_per_minute: int
    requests_at_once: int

    def full(self, now: float) -> Bucket:
        """Return the bucket of somebody who has not asked for a minute."""
        return Bucket(float(self.requests_per_minute), now)

    def draw(self, bucket: Bucket, now: float) -> tuple[Bucket, int]:
        """Return the bucket after one request, and 0; or as it is, and whole seconds to wait.

        >>> budget = Budget(requests_per_minute=30, requests_at_once=2)
        >>> budget.draw(Bucket(1.0, 100.0), 100.0)
        (Bucket(level=0.0, at=100.0), 0)
        >>> budget.draw(Bucket(0.0, 100.0), 101.0)
        (Bucket(level=0.5, at=101.0), 1)
        """
        if not self.requests_per_minute:
            return bucket, 0
        each = self.requests_per_minute / 60
        passed = max(0.0, now - bucket.at)
        level = min(float(self.requests_per_minute), bucket.level + passed * each)
        if level >= 1:
            return Bucket(level - 1, now), 0
        return Bucket(level, now), _bounded((1 - level) / each)

    def wait_for_place(self, being_answered: int) -> int:
        """Return 0 if one more request may be answered beside these, else seconds to wait."""
        if not self.requests_at_once or being_answered < self.requests_at_once:
            return 0
        return _UNTIL_ONE_IS_ANSWERED


def _bounded(seconds: float) -> int:
    return min(_LONGEST, max(_SHORTEST, math.ceil(seconds)))
