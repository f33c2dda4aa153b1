"""Incoming gifts: books that a partner gives us, from their announcement to the shelf.

A gift is announced, received, and checked piece by piece; what was accepted of it is in the balance
from the check on. Then its books get accession numbers, are catalogued and displayed. That it was
acknowledged is a moment and no state: the letter of thanks may go out from the check on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from service.domain import amount
from service.domain import consignment_fields as texts
from service.domain.import_batch import BatchState
from service.domain.ledger import Direction, Entry, Event
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid, WrongValues


class IncomingState(StrEnum):
    """Where an incoming gift stands. DECLINED: nothing of it was accepted."""

    ANNOUNCED = "ANNOUNCED"
    RECEIVED = "RECEIVED"
    CHECKED = "CHECKED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    CATALOGUED = "CATALOGUED"
    DISPLAYED = "DISPLAYED"
    CANCELLED = "CANCELLED"


class IncomingAction(StrEnum):
    """What happens to an incoming gift."""

    RECEIVE = "receive"
    CHECK = "check"
    ACCESSION = "accession"
    DECLINE = "decline"
    CATALOGUE = "catalogue"
    DISPLAY = "display"
    CANCEL = "cancel"


class IncomingSource(StrEnum):
    """How we learnt of a gift."""

    LIST = "LIST"  # of a partner's offers, what it gave us of them
    FILE = "FILE"
    MAIL = "MAIL"
    HARVEST = "HARVEST"
    PAPER = "PAPER"


_S = IncomingState
_A = IncomingAction

TRANSITIONS: Final[Mapping[IncomingAction, tuple[frozenset[IncomingState], IncomingState]]] = {
    _A.RECEIVE: (frozenset({_S.ANNOUNCED}), _S.RECEIVED),
    _A.CHECK: (frozenset({_S.RECEIVED}), _S.CHECKED),
    _A.ACCESSION: (frozenset({_S.CHECKED}), _S.ACCEPTED),
    _A.DECLINE: (frozenset({_S.CHECKED}), _S.DECLINED),
    _A.CATALOGUE: (frozenset({_S.ACCEPTED}), _S.CATALOGUED),
    _A.DISPLAY: (frozenset({_S.CATALOGUED}), _S.DISPLAYED),
    _A.CANCEL: (frozenset({_S.ANNOUNCED}), _S.CANCELLED),
}
"""The states in which something may happen, and the state after it."""

_DONE: Final[Mapping[IncomingAction, str]] = {
    _A.RECEIVE: "received",
    _A.CHECK: "checked",
    _A.ACCESSION: "accessioned",
    _A.DECLINE: "declined",
    _A.CATALOGUE: "catalogued",
    _A.DISPLAY: "displayed",
    _A.CANCEL: "cancelled",
}
GROWING: Final = frozenset({_S.ANNOUNCED, _S.RECEIVED})
"""Pieces may join, and leave."""
COUNTED: Final = frozenset({_S.CHECKED, _S.ACCEPTED, _S.DECLINED, _S.CATALOGUED, _S.DISPLAYED})
"""What was accepted of it is in the balance."""
NUMBERED: Final = frozenset({_S.ACCEPTED, _S.CATALOGUED, _S.DISPLAYED})
"""What was accepted of it has accession numbers."""


@dataclass(frozen=True, slots=True)
class IncomingGift:
    """One incoming gift. Instants are UTC; ``weight`` is in grams.

    ``announced_titles`` and ``announced_volumes`` are what the partner said, None where it did not;
    ``lines`` counts its lines. ``titles`` and ``volumes`` (physical units) are what was accepted,
    ``declined`` and ``missing`` count lines that were declined and of which nothing arrived,
    ``undecided`` those that arrived and wait for a decision; ``bare`` those accepted ones that have
    no record. ``batch`` is the public id of the last import of its file, "" for none, and
    ``batch_state`` where that stands.
    """

    id: int
    public_id: str
    partner_id: int
    partner: str
    partner_name: str
    title: str
    kind: TransferKind
    state: IncomingState
    source: IncomingSource
    announced_titles: int | None
    announced_volumes: int | None
    announced_at: datetime
    received_on: date | None
    checked_at: datetime | None
    catalogued_at: datetime | None
    displayed_at: datetime | None
    acknowledged_at: datetime | None
    postage: int | None
    postage_currency: str
    weight: int | None
    notes: str
    created_by: str
    revision: int
    batch: str
    batch_state: BatchState | None
    lines: int
    titles: int
    volumes: int
    declined: int
    missing: int
    undecided: int
    bare: int


def possible(state: IncomingState) -> tuple[IncomingAction, ...]:
    """Return what can be done in a state.

    >>> [each.value for each in possible(IncomingState.CHECKED)]
    ['accession', 'decline']
    """
    return tuple(each for each in IncomingAction if state in TRANSITIONS[each][0])


def after(action: IncomingAction, state: IncomingState) -> IncomingState:
    """Return the state that ``action`` leads to; raise ``Conflict`` when it may not be done.

    >>> after(IncomingAction.CATALOGUE, IncomingState.RECEIVED)
    Traceback (most recent call last):
        ...
    service.errors.Conflict: this gift is RECEIVED: it cannot be catalogued; possible: check
    """
    allowed, target = TRANSITIONS[action]
    if state not in allowed:
        raise Conflict(f"this gift is {state}: it cannot be {_DONE[action]}; {_told(state)}")
    return target


def _told(state: IncomingState) -> str:
    return f"possible: {', '.join(each.value for each in possible(state)) or 'nothing'}"


def check_growing(found: IncomingGift) -> None:
    """Refuse that pieces join or leave a gift that was checked; raise ``Conflict``."""
    if found.state not in GROWING:
        raise Conflict(
            f"this gift is {found.state}: no piece joins or leaves it any more; if one was "
            "counted wrongly, correct it"
        )


def check_at_hand(found: IncomingGift) -> None:
    """Refuse to look at pieces before they came and after they were checked."""
    if found.state is _S.RECEIVED:
        return
    hint = "; if a piece was counted wrongly, correct it" if found.state in COUNTED else ""
    raise Conflict(
        f"this gift is {found.state}: its pieces are checked when it is RECEIVED{hint}; "
        f"{_told(found.state)}"
    )


def check_counted(found: IncomingGift) -> None:
    """Refuse to correct what was not counted yet; raise ``Conflict``."""
    if found.state not in COUNTED:
        raise Conflict(
            f"this gift is {found.state}: nothing of it is in the balance; {_told(found.state)}"
        )


def check_import(found: IncomingGift) -> None:
    """Refuse to go on while its file is being catalogued: pieces of it would be missed."""
    if found.batch_state not in {None, BatchState.COMMITTED, BatchState.FAILED}:
        raise Conflict(
            f"the file of this gift is still being catalogued (import {found.batch} is "
            f"{found.batch_state}): wait for its end"
        )


def entry(found: IncomingGift, key: str, *, reason: str = "") -> Entry:
    """Return what the balance says of a gift: what was accepted, on the day when it came."""
    if found.received_on is None:
        raise TypeError("what is counted was received")
    return Entry(
        partner_id=found.partner_id,
        direction=Direction.RECEIVED,
        kind=found.kind,
        event=Event.ACCESSION,
        event_key=key,
        on_date=found.received_on,
        titles=found.titles,
        volumes=found.volumes,
        reason=reason,
    )


def settled(found: IncomingGift) -> IncomingState:
    """Return the state of a gift whose pieces were corrected: by whether one is accepted."""
    if found.state in NUMBERED and not found.titles:
        return _S.DECLINED
    if found.state is _S.DECLINED and found.titles:
        return _S.ACCEPTED
    if found.state in {_S.CATALOGUED, _S.DISPLAYED} and found.bare:
        return _S.ACCEPTED
    return found.state


def remarks(found: IncomingGift) -> list[str]:
    """Return what a person should look at."""
    told = []
    if found.batch_state is BatchState.FAILED:
        told.append(f"the import of its file failed ({found.batch}): send the file again")
    elif found.batch_state not in {None, BatchState.COMMITTED}:
        told.append(f"its file is being catalogued: import {found.batch} is {found.batch_state}")
    if found.announced_titles is not None and found.lines and found.lines != found.announced_titles:
        told.append(f"{found.announced_titles:,} titles were announced, {found.lines:,} are listed")
    if found.state in COUNTED and found.missing:
        told.append(f"{found.missing:,} of its titles did not arrive")
    if found.state in NUMBERED and found.bare:
        told.append(f"{found.bare:,} accepted titles have no record")
    if found.state in COUNTED - {_S.DECLINED} and found.acknowledged_at is None:
        told.append("it is not acknowledged yet: write the letter of thanks")
    return told


# --- what people say of it ------------------------------------------------------------------------

_MOST = 2**31 - 1


def _title(value: Any) -> str:
    text = texts.line(value)
    if not text:
        raise Invalid("a gift needs a title, such as: Children's books from Kaohsiung")
    return text


def _figure(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise Invalid("this is a whole number")
    return value


def _source(value: Any) -> IncomingSource:
    try:
        return IncomingSource(texts.line(value).upper())
    except ValueError as error:
        raise Invalid(f"{value!r} is none of {', '.join(IncomingSource)}") from error


def _currency(value: Any) -> str:
    return amount.check_currency(texts.line(value), "postage_currency")


SAID: Final = {
    "title": _title,
    "kind": texts.FIELDS["kind"],
    "notes": texts.FIELDS["notes"],
    "announced_titles": _figure,
    "announced_volumes": _figure,
    "postage": texts.FIELDS["postage"],
    "postage_currency": _currency,
    "weight": _figure,
}
"""What may be said of a gift at any time; its kind until it is in the balance."""
ANNOUNCED: Final = SAID | {"source": _source}
"""What is said when it is announced."""


def check_whole(found: IncomingGift | None, values: Mapping[str, Any]) -> None:
    """Refuse values that are not whole together, or come too late.

    Raises ``WrongValues``, and ``Conflict`` for another kind of what is in the balance.
    """
    postage = values.get("postage", found.postage if found else None)
    currency = values.get("postage_currency", found.postage_currency if found else "")
    if postage and not currency:
        raise WrongValues([("postage_currency", "say in which currency, such as KRW")])
    if found and found.state in COUNTED and values.get("kind", found.kind) is not found.kind:
        raise Conflict(f"this gift is {found.state}: its kind is in the balance, and stays")


def check_day(day: date, today: date) -> date:
    """Return the day on which a gift came; raise ``Invalid`` for one that is still to come."""
    if day > today:
        raise Invalid(f"{day.isoformat()} is still to come", "received_on")
    if day.year < 1900:
        raise Invalid(f"{day.isoformat()} cannot be right", "received_on")
    return day


def list_slug(public_id: str) -> str:
    """Return the slug of the list that holds what a gift's file brought into the catalogue."""
    return f"incoming-{public_id.lower()}"


def of_slug(slug: str) -> str:
    """Return the public id of the gift whose list this is, "" for any other list.

    >>> of_slug(list_slug("01JZ0000000000000000000000")), of_slug("spring")
    ('01JZ0000000000000000000000', '')
    """
    rest = slug.removeprefix("incoming-")
    return rest.upper() if rest != slug and len(rest) == 26 else ""


if not set(TRANSITIONS) == set(_DONE) == set(IncomingAction):
    raise AssertionError("every action needs its row in both tables")
