"""Receipts: what a partner says arrived, line by line of the packing list.

Lines that nothing is said of arrived whole. What is said is held against what was sent before
anything is kept, and all that cannot be is told at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from service.domain.claim import Trouble
from service.domain.consignment import ConsignmentAction, ConsignmentState, Line
from service.errors import WrongValues

_LONGEST_NOTE: Final = 2000  # characters
_LONGEST_NAME: Final = 200
# East of us it is tomorrow already.
_AHEAD: Final = timedelta(days=1)


class Outcome(StrEnum):
    """How a consignment arrived. SHORT goes before DAMAGED where it is both."""

    COMPLETE = "COMPLETE"
    SHORT = "SHORT"
    DAMAGED = "DAMAGED"


class Channel(StrEnum):
    """By which way a receipt came."""

    LINK = "LINK"  # of the packing slip: whoever holds it
    API = "API"
    STAFF = "STAFF"  # entered here, from a letter or a mail


ACTIONS: Final[Mapping[Outcome, ConsignmentAction]] = {
    Outcome.COMPLETE: ConsignmentAction.RECEIVE_COMPLETE,
    Outcome.SHORT: ConsignmentAction.RECEIVE_SHORT,
    Outcome.DAMAGED: ConsignmentAction.RECEIVE_DAMAGED,
}
"""What an outcome does to its consignment."""

if set(ACTIONS) != set(Outcome):
    raise AssertionError("every outcome needs its row")


class Arrival(NamedTuple):
    """What is said of a line: copies that ``arrived``, the damaged ones among them."""

    position: int
    arrived: int
    damaged: int = 0
    note: str = ""


class Said(NamedTuple):
    """What somebody says of a consignment; lines not named arrived whole.

    ``received_on`` None: today, or not said.
    """

    lines: tuple[Arrival, ...] = ()
    received_on: date | None = None
    received_by: str = ""
    note: str = ""


ALL_ARRIVED: Final = Said()


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it is kept; its lines are all of the packing list. ``created_at`` is UTC."""

    id: int
    public_id: str
    outcome: Outcome
    received_on: date
    channel: Channel
    received_by: str
    note: str
    created_at: datetime
    lines: tuple[Arrival, ...]


def checked(said: Said, sent: Sequence[Line]) -> tuple[Arrival, ...]:
    """Return what arrived of every line; raise ``WrongValues`` that says what cannot be, and where.

    >>> line = Line(1, None, "", True, None, "", 7, "A", 2, 1, 1, True, "", "4901", None, "", False)
    >>> checked(Said((Arrival(1, 1),)), [line])
    (Arrival(position=1, arrived=1, damaged=0, note=''),)
    >>> checked(Said((Arrival(1, 3),)), [line])
    Traceback (most recent call last):
        ...
    service.errors.WrongValues: lines.1.arrived: 3 copies of A are said to have arrived, but 2 \
were sent: correct the figure; tell of what came beside it in the note
    """
    faults: list[tuple[str, str]] = []
    there = {line.position: line for line in sent}
    found: dict[int, Arrival] = {}
    for each in said.lines:
        line = there.get(each.position)
        if line is None:
            told = "the packing list has no such line: it is numbered as on the slip"
            faults.append((f"lines.{each.position}", told))
        elif each.position in found:
            faults.append((f"lines.{each.position}", "this line is named twice"))
        else:
            faults += _faults(each, line)
            found[each.position] = each._replace(note=_text(each.note))
    faults += _long(said)
    if faults:
        raise WrongValues(faults)
    return tuple(found.get(line.position) or Arrival(line.position, line.copies) for line in sent)


def _faults(each: Arrival, line: Line) -> list[tuple[str, str]]:
    name = f"lines.{each.position}"
    if each.arrived < 0 or each.damaged < 0:
        return [(name, "a number of copies is 0 or more")]
    if each.arrived > line.copies:
        told = (
            f"{each.arrived:,} copies of {line.title} are said to have arrived, but "
            f"{line.copies:,} were sent: correct the figure; tell of what came beside it in the "
            "note"
        )
        return [(f"{name}.arrived", told)]
    if each.damaged > each.arrived:
        told = (
            f"{each.damaged:,} copies of {line.title} are said to be damaged, but only "
            f"{each.arrived:,} arrived: count the damaged ones among those that arrived"
        )
        return [(f"{name}.damaged", told)]
    return [(f"{name}.note", _TOO_LONG)] if len(_text(each.note)) > _LONGEST_NOTE else []


_TOO_LONG: Final = f"this is a text of at most {_LONGEST_NOTE:,} characters"


def _long(said: Said) -> list[tuple[str, str]]:
    told = []
    if len(_text(said.note)) > _LONGEST_NOTE:
        told.append(("note", _TOO_LONG))
    if len(_name(said.received_by)) > _LONGEST_NAME:
        told.append(("received_by", f"this is a name of at most {_LONGEST_NAME} characters"))
    return told


def _text(text: str) -> str:
    """Return a text of several lines without what no text should hold."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in lines if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def _name(text: str) -> str:
    return " ".join(_text(text).split())


def cleaned(said: Said) -> Said:
    """Return what is said with its texts as they are kept."""
    return said._replace(received_by=_name(said.received_by), note=_text(said.note))


def check_day(day: date | None, dispatched_on: date | None, today: date) -> date:
    """Return the day of a receipt; raise ``WrongValues`` for one that cannot be."""
    found = day or today
    if found > today + _AHEAD:
        raise WrongValues([("received_on", f"{found} is still to come")])
    if dispatched_on is not None and found < dispatched_on:
        raise WrongValues([("received_on", f"it was dispatched on {dispatched_on} only")])
    return found


def outcome(lines: Sequence[Arrival], sent: Sequence[Line]) -> Outcome:
    """Return how a consignment arrived.

    >>> line = Line(1, None, "", True, None, "", 7, "A", 2, 1, 1, True, "", "4901", None, "", False)
    >>> [outcome([Arrival(1, *each)], [line]).value for each in [(2, 0), (1, 1), (2, 1)]]
    ['COMPLETE', 'SHORT', 'DAMAGED']
    """
    copies = {line.position: line.copies for line in sent}
    if any(each.arrived < copies[each.position] for each in lines):
        return Outcome.SHORT
    return Outcome.DAMAGED if any(each.damaged for each in lines) else Outcome.COMPLETE


def troubles(
    lines: Sequence[Arrival], sent: Sequence[Line], before: Sequence[Arrival] | None = None
) -> list[Trouble]:
    """Return what claims have to say of each line, of those that ``before`` said otherwise."""
    copies = {line.position: line.copies for line in sent}
    same = {each._replace(note="") for each in before or ()}
    return [
        Trouble(each.position, copies[each.position] - each.arrived, each.damaged)
        for each in lines
        if each._replace(note="") not in same
    ]


def says_the_same(found: Receipt, said: Said, lines: Sequence[Arrival]) -> bool:
    """Whether somebody says again what a receipt says: a request that was repeated."""
    return (
        found.lines == tuple(lines)
        and found.note == said.note
        and found.received_by == said.received_by
        and said.received_on in {None, found.received_on}
    )


# --- reminders ------------------------------------------------------------------------------------

MOST_REMINDERS: Final = 3
BETWEEN_REMINDERS: Final = timedelta(days=30)


def next_reminder(first: datetime, now: datetime) -> datetime | None:
    """Return when a partner is reminded after ``now``; None: not any more.

    ``first`` is when it is reminded first. Those that were missed are not made up for.

    >>> from datetime import UTC
    >>> first = datetime(2026, 3, 1, tzinfo=UTC)
    >>> str(next_reminder(first, first)), str(next_reminder(first, first + timedelta(days=45)))
    ('2026-03-31 00:00:00+00:00', '2026-04-30 00:00:00+00:00')
    >>> next_reminder(first, first + timedelta(days=60)) is None
    True
    """
    for number in range(1, MOST_REMINDERS):
        again = first + number * BETWEEN_REMINDERS
        if again > now:
            return again
    return None


# What somebody who holds the slip is told where nothing can be confirmed.
NOT_YET: Final = frozenset({ConsignmentState.DRAFT, ConsignmentState.PACKED})
