"""Pacing long work: a transaction goes on go by go until its time is used, and no further.

Whoever writes makes everybody else wait. How long so many rows take depends on the machine and on
what else it does; so what bounds a transaction is time, not a number of rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Pace(NamedTuple):
    """How much one transaction does: goes of about ``go`` rows while ``budget`` seconds last.

    The first go is always done, so that work gets on, however slow the machine is. ``ticks`` tells
    seconds, from whichever moment.
    """

    budget: float
    go: int
    ticks: Callable[[], float] = time.monotonic

    def begin(self) -> Callable[[], bool]:
        """Begin to count; return what says, after a go, whether the time is used up."""
        until = self.ticks() + self.budget
        return lambda: self.ticks() >= until


# The last go and the commit come on top: together they stay under a fifth of a second.
STEADY = Pace(budget=0.1, go=200)
