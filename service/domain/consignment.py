"""Consignments: books that travel to one partner together, from the packing to the receipt.

A consignment is packed line by line, dispatched once, and answered by its partner. Until it is
dispatched everything in it can be changed; what was dispatched wrongly is corrected with a reason,
and the balance keeps both.

Source of the lifecycle, and of how long a parcel is waited for by surface and by air: the practice
of exchange offices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid


class ConsignmentState(StrEnum):
    """Where a consignment stands. PRESUMED_RECEIVED is never counted as confirmed."""

    DRAFT = "DRAFT"
    PACKED = "PACKED"
    DISPATCHED = "DISPATCHED"
    IN_CUSTOMS = "IN_CUSTOMS"
    DELIVERED = "DELIVERED"
    PRESUMED_RECEIVED = "PRESUMED_RECEIVED"
    RECEIVED_COMPLETE = "RECEIVED_COMPLETE"
    RECEIVED_SHORT = "RECEIVED_SHORT"
    RECEIVED_DAMAGED = "RECEIVED_DAMAGED"
    RETURNED = "RETURNED"
    LOST = "LOST"
    CANCELLED = "CANCELLED"


class ConsignmentAction(StrEnum):
    """What happens to a consignment, by us, its partner or the calendar."""

    PACK = "pack"
    UNPACK = "unpack"
    DISPATCH = "dispatch"
    CORRECT = "correct"
    STOP = "in-customs"
    DELIVER = "delivered"
    PRESUME = "presume"
    RECEIVE_COMPLETE = "receive-complete"
    RECEIVE_SHORT = "receive-short"
    RECEIVE_DAMAGED = "receive-damaged"
    RETURN = "returned"
    LOSE = "lost"
    CANCEL = "cancel"


_S = ConsignmentState
_A = ConsignmentAction

# It has left and nobody has said yet what became of it.
ON_ITS_WAY: Final = frozenset({_S.DISPATCHED, _S.IN_CUSTOMS, _S.DELIVERED})
# A receipt may come, late ones too.
RECEIVABLE: Final = ON_ITS_WAY | {_S.PRESUMED_RECEIVED}
RECEIVED: Final = frozenset({_S.RECEIVED_COMPLETE, _S.RECEIVED_SHORT, _S.RECEIVED_DAMAGED})
# What is in it can be changed.
OPEN: Final = frozenset({_S.DRAFT, _S.PACKED})
# Its partner sees it.
SHOWN_TO_PARTNERS: Final = RECEIVABLE | RECEIVED | {_S.RETURNED, _S.LOST}
# Its books count as sent.
SENT: Final = RECEIVABLE | RECEIVED
# Nothing is waited for any more.
CLOSED: Final = RECEIVED | {_S.RETURNED, _S.LOST, _S.CANCELLED}

TRANSITIONS: Final[
    Mapping[ConsignmentAction, tuple[frozenset[ConsignmentState], ConsignmentState]]
] = {
    _A.PACK: (frozenset({_S.DRAFT}), _S.PACKED),
    _A.UNPACK: (frozenset({_S.PACKED}), _S.DRAFT),
    _A.DISPATCH: (frozenset({_S.PACKED}), _S.DISPATCHED),
    # What was entered wrongly; whoever says that it arrived has settled it.
    _A.CORRECT: (ON_ITS_WAY, _S.PACKED),
    _A.STOP: (frozenset({_S.DISPATCHED}), _S.IN_CUSTOMS),
    _A.DELIVER: (frozenset({_S.DISPATCHED, _S.IN_CUSTOMS}), _S.DELIVERED),
    _A.PRESUME: (ON_ITS_WAY, _S.PRESUMED_RECEIVED),
    # A receipt, and one that was corrected.
    _A.RECEIVE_COMPLETE: (RECEIVABLE | RECEIVED, _S.RECEIVED_COMPLETE),
    _A.RECEIVE_SHORT: (RECEIVABLE | RECEIVED, _S.RECEIVED_SHORT),
    _A.RECEIVE_DAMAGED: (RECEIVABLE | RECEIVED, _S.RECEIVED_DAMAGED),
    # Also after months of silence, and when the carrier said "delivered" to somebody else.
    _A.RETURN: (RECEIVABLE, _S.RETURNED),
    _A.LOSE: (RECEIVABLE, _S.LOST),
    _A.CANCEL: (frozenset({_S.DRAFT}), _S.CANCELLED),
}
"""The states in which something may happen, and the state after it."""

# What the staff asks for; the rest comes with a receipt or with the calendar.
BY_STAFF: Final = (
    _A.PACK,
    _A.UNPACK,
    _A.DISPATCH,
    _A.CORRECT,
    _A.STOP,
    _A.DELIVER,
    _A.RETURN,
    _A.LOSE,
    _A.CANCEL,
)
_DONE: Final[Mapping[ConsignmentAction, str]] = {
    _A.PACK: "packed",
    _A.UNPACK: "unpacked",
    _A.DISPATCH: "dispatched",
    _A.CORRECT: "corrected",
    _A.STOP: "stopped at the customs",
    _A.DELIVER: "delivered",
    _A.PRESUME: "presumed received",
    _A.RECEIVE_COMPLETE: "received",
    _A.RECEIVE_SHORT: "received",
    _A.RECEIVE_DAMAGED: "received",
    _A.RETURN: "returned",
    _A.LOSE: "lost",
    _A.CANCEL: "cancelled",
}


class Service(StrEnum):
    """How a consignment travels."""

    SURFACE = "SURFACE"
    AIR = "AIR"
    COURIER = "COURIER"
    FREIGHT = "FREIGHT"
    HAND = "HAND"  # taken along, or fetched


class PaidBy(StrEnum):
    """Who paid the postage."""

    SENDER = "SENDER"
    RECIPIENT = "RECIPIENT"
    THIRD_PARTY = "THIRD_PARTY"


class Patience(NamedTuple):
    """How long after its dispatch a partner is reminded, and the receipt is presumed."""

    remind: timedelta
    presume: timedelta


_BY_AIR: Final = Patience(timedelta(days=30), timedelta(days=90))
_BY_SURFACE: Final = Patience(timedelta(days=90), timedelta(days=180))
PATIENCE: Final[Mapping[Service, Patience]] = {
    Service.SURFACE: _BY_SURFACE,
    Service.FREIGHT: _BY_SURFACE,
    Service.AIR: _BY_AIR,
    Service.COURIER: _BY_AIR,
    Service.HAND: _BY_AIR,
}
"""By surface a parcel may be on its way for months."""


class NewLine(NamedTuple):
    """Copies of one title that are to travel: what ``usecases.packing.make`` takes.

    ``volumes`` are those of one copy. ``transfer_id`` where it was entered as given already (an
    allocation); without one it is entered when it is dispatched, by ``version_id``, and by
    ``offer_id`` where it came from a list. ``value`` is that of one copy, in the smallest unit of
    ``currency``. ``tariff`` is the heading of the HS.
    """

    title: str
    copies: int = 1
    volumes: int = 1
    transfer_id: int | None = None
    offer_id: int | None = None
    version_id: int | None = None
    value: int | None = None
    currency: str = ""
    barcode: str = ""
    tariff: str = "4901"

    @property
    def units(self) -> int:
        """Physical units: volumes of all copies."""
        return self.copies * self.volumes


class Line(NamedTuple):
    """One line of a packing list, with what its record says.

    ``transfer`` and ``offer`` are public ids, "" for none; ``given`` is whether its transfer still
    stands. A line that is ``released`` was taken out, or came back: it does not hold its copies.
    """

    position: int
    transfer_id: int | None
    transfer: str
    given: bool
    offer_id: int | None
    offer: str
    version_id: int | None
    title: str
    copies: int
    volumes: int
    parcel: int | None
    packed: bool
    barcode: str
    tariff: str
    value: int | None
    currency: str
    released: bool
    title_vernacular: str = ""
    author: str = ""
    publisher: str = ""
    published: str = ""
    isbns: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        """Physical units: volumes of all copies."""
        return self.copies * self.volumes


@dataclass(frozen=True, slots=True)
class Consignment:
    """One consignment. Instants are UTC, days calendar days, weights grams.

    ``address_*`` and ``place`` are the partner's as they were when it was made, unless changed for
    it. ``postage`` is in the smallest unit of ``postage_currency``, None: not known. ``titles`` and
    ``volumes`` (physical units) are of its lines, as of its packing and dispatch.
    """

    id: int
    public_id: str
    number: str
    partner_id: int
    partner: str
    partner_name: str
    kind: TransferKind
    state: ConsignmentState
    theme: str
    address_roman: str
    address_local: str
    place: str
    service: Service
    carrier: str
    customs: Mapping[str, Any]
    postage: int | None
    postage_currency: str
    postage_paid_by: PaidBy
    notes: str
    gift_id: int | None
    titles: int
    volumes: int
    weight: int
    created_by: str
    created_at: datetime
    packed_at: datetime | None
    dispatched_at: datetime | None
    dispatched_on: date | None
    delivered_at: datetime | None
    closed_at: datetime | None
    remind_at: datetime | None
    presume_at: datetime | None
    revision: int


def possible(state: ConsignmentState) -> tuple[ConsignmentAction, ...]:
    """Return what the staff can do with a consignment in this state.

    >>> [each.value for each in possible(ConsignmentState.PACKED)]
    ['unpack', 'dispatch']
    """
    return tuple(each for each in BY_STAFF if state in TRANSITIONS[each][0])


def after(action: ConsignmentAction, state: ConsignmentState) -> ConsignmentState:
    """Return the state that ``action`` leads to; raise ``Conflict`` when it may not be done.

    >>> after(ConsignmentAction.PACK, ConsignmentState.DRAFT).value
    'PACKED'
    >>> after(ConsignmentAction.DISPATCH, ConsignmentState.DRAFT)
    Traceback (most recent call last):
        ...
    service.errors.Conflict: this consignment is DRAFT: it cannot be dispatched; possible: pack, \
cancel
    """
    allowed, target = TRANSITIONS[action]
    if state not in allowed:
        told = ", ".join(each.value for each in possible(state)) or "nothing"
        raise Conflict(
            f"this consignment is {state}: it cannot be {_DONE[action]}; possible: {told}"
        )
    return target


# Titles that a sentence names before it only counts.
_NAMED: Final = 5


def missing(found: Consignment, lines: Sequence[Line]) -> list[str]:
    """Return what is missing before the parcels of a consignment can be closed, as clauses."""
    told = []
    if not lines:
        told.append("there is no line in it; cancel it, or add what waits for this partner")
    if not (found.address_roman or found.address_local):
        told.append(
            f"there is no address to send it to: the entry of {found.partner!r} had none; enter "
            "address_roman (in Roman letters, as carriers read it) with the consignment, and with "
            "the partner for the next one"
        )
    if taken_back := [line for line in lines if line.transfer_id is not None and not line.given]:
        told.append(
            f"{_names(taken_back)} {_is(taken_back)} not for this partner any more: take "
            "what was declined or taken back out"
        )
    if loose := [line for line in lines if not line.packed]:
        told.append(f"{_names(loose)} {_is(loose)} in no parcel: pack or take out")
    return told


def _names(lines: Sequence[Line]) -> str:
    """Return lines with their titles, as far as a sentence has room."""
    named = ", ".join(f"line {line.position} ({line.title})" for line in lines[:_NAMED])
    rest = len(lines) - _NAMED
    return f"{named} and {rest:,} more" if rest > 0 else named


def _is(lines: Sequence[Line]) -> str:
    return "is" if len(lines) == 1 else "are"


def first_number(year: int) -> str:
    """Return the number of the first consignment of a year.

    >>> first_number(2026)
    '2026-0001'
    """
    return f"{year:04}-0001"


def next_number(number: str) -> str:
    """Return the number that follows.

    >>> next_number("2026-0041"), next_number("2026-9999")
    ('2026-0042', '2026-10000')
    """
    year, _, count = number.partition("-")
    return f"{year}-{int(count) + 1:04}"


class Totals(NamedTuple):
    """Figures of lines: titles, and physical units."""

    titles: int
    volumes: int


def totals(lines: Iterable[Line] | Iterable[NewLine]) -> Totals:
    """Add up lines; two of one record are one title.

    >>> totals([NewLine("A set", 2, 3, version_id=7), NewLine("Again", version_id=7), NewLine("B")])
    Totals(titles=2, volumes=8)
    """
    found = [(line.version_id, line.units) for line in lines]
    named = {version_id for version_id, _ in found if version_id is not None}
    unnamed = sum(version_id is None for version_id, _ in found)
    return Totals(len(named) + unnamed, sum(units for _, units in found))


_NUMBER = re.compile(r"[0-9]{4}-[0-9]{4,}", re.ASCII)


def is_number(text: str) -> bool:
    """Whether ``text`` has the form of a consignment's number.

    >>> is_number("2026-0042"), is_number("01JZ")
    (True, False)
    """
    return _NUMBER.fullmatch(text) is not None


def read_service(text: str) -> Service:
    """Return a way to travel by its name, in letters of any case; raise ``Invalid``."""
    try:
        return Service(text.strip().upper())
    except ValueError as error:
        raise Invalid(f"{text!r} is no service: {', '.join(Service)}", "service") from error


if not set(TRANSITIONS) == set(_DONE) == set(ConsignmentAction):
    raise AssertionError("every action needs its row in both tables")
if set(PATIENCE) != set(Service):
    raise AssertionError("every service needs its patience")
