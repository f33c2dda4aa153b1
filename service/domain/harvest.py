"""A harvest of a source: what was asked for, how far it has come, what it has to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

HARVEST: Final = "harvest"
"""The kind of job; its subject is the harvest."""

TAKE_WISHES: Final = "take_harvested_wishes"
"""The kind of job that reads what came as wishes; its subject is the harvest."""

OVERLAP: Final = 3600
"""Seconds that the next harvest goes back: for providers that stamp before they commit."""

_MOST_NOTES: Final = 100
_LONGEST: Final = 500

# Seconds until the next try after the first failure in a row, the second …; then a person decides.
_PAUSES: Final = (60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400)
MOST_TRIES: Final = len(_PAUSES)


class HarvestState(StrEnum):
    """Where a harvest stands."""

    RUNNING = "RUNNING"  # at work, waiting in the queue, or for its next try
    DONE = "DONE"
    STOPPED = "STOPPED"  # so much vanished that a person has to decide
    FAILED = "FAILED"  # a person has to look; it can go on from where it stands
    ABANDONED = "ABANDONED"  # another one was begun instead


@dataclass(frozen=True, slots=True)
class Order:
    """What a harvest is to do, and once it is planned, how.

    ``from_``: a stamp that a person named. ``covers``: it leaves no time out since the last one,
    so that the next may begin where it began. ``deleted_record`` is the provider's word;
    ``granularity`` is in seconds, ``earliest`` a stamp.
    """

    full: bool = False
    from_: int | None = None
    accept_vanished: bool = False
    covers: bool = True
    prefix: str = ""
    set: str = ""
    namespace: str = ""
    granularity: int = 86_400
    earliest: int | None = None
    deleted_record: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Order:
        """Return what was stored."""
        return cls(**(values or {}))


class Remark(NamedTuple):
    """One note of the harvester, for people."""

    code: str
    message: str
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Remarks:
    """The notes of a harvest: how many of each code, and the first of all of them."""

    numbers: Mapping[str, int]
    first: tuple[Remark, ...]

    def and_also(self, more: Iterable[Remark]) -> Remarks:
        """Return the notes with more of them."""
        numbers, first = dict(self.numbers), list(self.first)
        for each in more:
            numbers[each.code] = numbers.get(each.code, 0) + 1
            if len(first) < _MOST_NOTES:
                first.append(each._replace(message=each.message[:_LONGEST]))
        return replace(self, numbers=numbers, first=tuple(first))

    def to_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return {"numbers": dict(self.numbers), "first": [list(each) for each in self.first]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Remarks:
        """Return what was stored."""
        if values is None:
            return cls({}, ())
        return cls(values["numbers"], tuple(Remark(*each) for each in values["first"]))


@dataclass(frozen=True, slots=True)
class Harvest:
    """One harvest. ``point`` is what the harvester goes on from, None until it is planned.

    ``octets``: the length of its original so far; ``tries``: failures in a row; ``error``: the
    last one, or what a person has to decide, in a sentence. Instants are UTC.
    """

    id: int
    public_id: str
    source_id: int
    state: HarvestState
    order: Order
    point: Mapping[str, Any] | None
    pages: int
    records: int
    deleted: int
    octets: int
    original_id: int | None
    batch_id: int | None
    remarks: Remarks
    error: str
    tries: int
    started_at: datetime
    finished_at: datetime | None

    @property
    def lost(self) -> int:
        """How many pages and records could not be read and were left out."""
        return int((self.point or {}).get("lost", 0))


def next_try(tries: int, asked: float, now: datetime) -> datetime | None:
    """Return when to try again after ``tries`` failures in a row; None: a person has to look.

    ``asked``: the pause in seconds that the provider asks for, 0 for none; not more than a week of
    it is waited.
    """
    if tries > MOST_TRIES:
        return None
    seconds = max(_PAUSES[tries - 1], min(asked, 604_800))
    return now + timedelta(seconds=seconds)
