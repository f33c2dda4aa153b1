"""Two entries of one library that become one, and what is told of it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Merger(NamedTuple):
    """Two entries about to be one: the rows of both, the code of the one that goes, and when.

    ``job_kinds`` are the kinds of jobs whose subject is a partner.
    """

    old: int
    new: int
    code: str
    now: datetime
    job_kinds: tuple[str, ...]


class Settled(NamedTuple):
    """What a rule did: rows that are the other's now, and sentences on what could not be both."""

    moved: int
    remarks: tuple[str, ...] = ()
