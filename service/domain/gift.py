"""Direct gifts: books chosen and sent to one partner without a list and without a wish.

A gift is drafted and filled, submitted, and approved by somebody who is named on its papers. Then
it is packed and travels as consignments do: whether it is packed, and whether it left, is read from
its consignments and kept nowhere else, so that the two can never say different things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from service.domain import amount
from service.domain import consignment_fields as texts
from service.domain.consignment import ConsignmentState
from service.domain.import_batch import BatchState
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid, WrongValues


class GiftState(StrEnum):
    """Where a gift stands. PACKED and DISPATCHED follow from its consignments."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    REJECTED = "REJECTED"
    APPROVED = "APPROVED"
    PACKED = "PACKED"
    DISPATCHED = "DISPATCHED"
    CANCELLED = "CANCELLED"


class GiftAction(StrEnum):
    """What happens to a gift."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    REVISE = "revise"
    CANCEL = "cancel"
    PACK = "pack"
    DISPATCH = "dispatch"


_S = GiftState
_A = GiftAction

TRANSITIONS: Final[Mapping[GiftAction, tuple[frozenset[GiftState], GiftState]]] = {
    _A.SUBMIT: (frozenset({_S.DRAFT}), _S.SUBMITTED),
    _A.APPROVE: (frozenset({_S.SUBMITTED}), _S.APPROVED),
    _A.REJECT: (frozenset({_S.SUBMITTED}), _S.REJECTED),
    _A.REVISE: (frozenset({_S.REJECTED}), _S.DRAFT),
    _A.CANCEL: (frozenset({_S.DRAFT, _S.SUBMITTED, _S.APPROVED}), _S.CANCELLED),
    _A.PACK: (frozenset({_S.APPROVED}), _S.PACKED),
    # Of its consignment, which is dispatched as any other.
    _A.DISPATCH: (frozenset({_S.PACKED}), _S.DISPATCHED),
}
"""The states in which something may happen, and the state after it."""

_DONE: Final[Mapping[GiftAction, str]] = {
    _A.SUBMIT: "submitted",
    _A.APPROVE: "approved",
    _A.REJECT: "rejected",
    _A.REVISE: "revised",
    _A.CANCEL: "cancelled",
    _A.PACK: "packed",
    _A.DISPATCH: "dispatched",
}
# What is in it can be changed.
OPEN: Final = frozenset({_S.DRAFT})
# Its budget line and what it cost are often known only after the approval.
COSTED: Final = frozenset({_S.DRAFT, _S.SUBMITTED, _S.APPROVED})
# A consignment in one of these has not left; one that came back did, and its books wait as given.
_NOT_LEFT: Final = frozenset({ConsignmentState.DRAFT, ConsignmentState.PACKED})


class Carrier(NamedTuple):
    """A consignment of a gift: its number and where it stands."""

    number: str
    state: ConsignmentState


@dataclass(frozen=True, slots=True)
class Gift:
    """One direct gift. Instants are UTC; amounts are in the smallest unit of ``currency``.

    ``cost`` is that of the purchase as a whole, None: not known; ``cost_of_lines`` adds up what is
    said of single titles. ``titles``, ``volumes`` (physical units) are of its lines. ``batch`` is
    the public id of the import of its table, "" for none, and ``batch_state`` where that stands.
    """

    id: int
    public_id: str
    partner_id: int
    partner: str
    partner_name: str
    title: str
    kind: TransferKind
    state: GiftState
    batch_id: int | None
    budget_line: str
    cost: int | None
    currency: str
    requested_by: str
    requested_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    reason: str
    notes: str
    created_at: datetime
    revision: int
    titles: int
    volumes: int
    cost_of_lines: int
    batch: str
    batch_state: BatchState | None
    consignments: tuple[Carrier, ...] = ()


class GiftLine(NamedTuple):
    """One title of a gift: ``volumes`` and ``cost`` are of one copy.

    ``record`` is the public id of its record, "" as long as the import of its table has not
    brought it; ``problem`` says why not. ``record_id`` is None until the gift is submitted.
    ``version_id`` is the version that the record shows now.
    """

    position: int
    record: str
    record_id: int | None
    version_id: int | None
    title: str
    copies: int
    volumes: int
    cost: int | None
    problem: str = ""


class NewGiftLine(NamedTuple):
    """A title that joins a gift, by its record, or by its place in the import of a table."""

    title: str
    copies: int = 1
    volumes: int = 1
    cost: int | None = None
    record_id: int | None = None
    batch_position: int | None = None


def possible(state: GiftState) -> tuple[GiftAction, ...]:
    """Return what can be asked for in a state.

    >>> [each.value for each in possible(GiftState.SUBMITTED)]
    ['approve', 'reject', 'cancel']
    """
    return tuple(
        each for each in GiftAction if each is not _A.DISPATCH and state in TRANSITIONS[each][0]
    )


def after(action: GiftAction, state: GiftState) -> GiftState:
    """Return the state that ``action`` leads to; raise ``Conflict`` when it may not be done.

    >>> after(GiftAction.APPROVE, GiftState.DRAFT)
    Traceback (most recent call last):
        ...
    service.errors.Conflict: this gift is DRAFT: it cannot be approved; possible: submit, cancel
    """
    allowed, target = TRANSITIONS[action]
    if state not in allowed:
        raise Conflict(f"this gift is {state}: it cannot be {_DONE[action]}; {_told(state)}")
    return target


def _told(state: GiftState) -> str:
    if state is GiftState.PACKED:
        return "possible: dispatch, correct or cancel its consignment"
    return f"possible: {', '.join(each.value for each in possible(state)) or 'nothing'}"


def check_open(found: Gift) -> None:
    """Refuse to change what is in a gift that is no draft; raise ``Conflict``."""
    if found.state not in OPEN:
        raise Conflict(
            f"this gift is {found.state}: its titles cannot be changed; {_told(found.state)}"
        )


def check_costed(found: Gift) -> None:
    """Refuse to change the budget of a gift that is on its way or given up; raise ``Conflict``."""
    if found.state not in COSTED:
        raise Conflict(
            f"this gift is {found.state}: its budget cannot be changed; {_told(found.state)}"
        )


# --- what people say of it ------------------------------------------------------------------------

_MOST = 100_000  # copies of a title, and volumes of a copy


def _title(value: Any) -> str:
    text = texts.line(value)
    if not text:
        raise Invalid("a gift needs a title, such as: Children's books 2024")
    return text


def _currency(value: Any) -> str:
    return amount.check_currency(texts.line(value))


SAID: Final = {"title": _title, "kind": texts.FIELDS["kind"], "notes": texts.FIELDS["notes"]}
BUDGET: Final = {
    "budget_line": texts.line,
    "cost": texts.FIELDS["postage"],
    "currency": _currency,
}


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise Invalid(f"this is a whole number, 1 to {_MOST:,}")
    return value


OF_LINE: Final = {"copies": _count, "volumes": _count, "cost": texts.FIELDS["postage"]}


def checked(given: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as they are kept; raise ``WrongValues`` that tells all that is wrong.

    >>> checked({"cost": 12000, "currency": "krw"}, BUDGET)
    {'cost': 12000, 'currency': 'KRW'}
    """
    good: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, value in given.items():
        if name not in fields:
            faults.append((name, f"there is no such field here; there are {', '.join(fields)}"))
            continue
        try:
            good[name] = fields[name](value)
        except Invalid as error:
            faults.append((name, error.detail))
    if faults:
        raise WrongValues(faults)
    return good


def check_budget(found: Gift, values: Mapping[str, Any], *, costed: bool) -> None:
    """Refuse a cost without a currency, and another currency than that of single titles.

    ``costed``: a title of the gift has a cost. Raises ``WrongValues``.
    """
    currency = values.get("currency", found.currency)
    if costed and currency != found.currency:
        raise WrongValues(
            [("currency", f"its titles have costs in {found.currency}; take those away first")]
        )
    if values.get("cost", found.cost) is not None and not currency:
        raise WrongValues([("currency", "say in which currency the cost is, such as KRW")])


def check_cost(found: Gift, cost: int | None) -> None:
    """Refuse the cost of a title in a gift without a currency; raise ``WrongValues``."""
    if cost is not None and not found.currency:
        raise WrongValues([("cost", "say first in which currency the gift is paid, such as KRW")])


def missing(lines: Sequence[GiftLine]) -> list[str]:
    """Return what is missing before a gift can be submitted, as clauses."""
    if not lines:
        return ["there is no title in it; add an import, a table or records"]
    told = [
        f"line {line.position} ({line.title}): {line.problem or _TWICE}"
        for line in lines
        if line.record_id is None
    ]
    return told if len(told) <= _NAMED else [*told[:_NAMED], f"and {len(told) - _NAMED:,} more"]


_NAMED: Final = 5  # what a sentence names before it only counts
_TWICE: Final = "it is the same book as another line; take one of them out"


def remarks(found: Gift) -> list[str]:
    """Return what a person should look at before a gift is packed."""
    told = []
    if found.state in OPEN and found.batch_state not in {None, BatchState.COMMITTED}:
        told.append(f"the import of its table is {found.batch_state}")
    if found.state in COSTED:
        if not found.budget_line:
            told.append("no budget line is entered")
        if found.cost is None:
            told.append("what the purchase cost is not entered")
        elif found.cost_of_lines and found.cost_of_lines != found.cost:
            told.append(
                f"the titles cost {amount.shown(found.cost_of_lines, found.currency)} together, "
                f"the purchase as a whole {amount.shown(found.cost, found.currency)}"
            )
    told += [
        f"consignment {each.number} came back: its books wait as given; make a consignment of them"
        for each in found.consignments
        if each.state is ConsignmentState.RETURNED
    ]
    if found.state is _S.APPROVED and found.consignments:
        numbers = ", ".join(each.number for each in found.consignments)
        told.append(f"not all of its titles are in consignment {numbers}: pack the others too")
    return told


def not_left(found: Gift) -> list[Carrier]:
    """Return the consignments of a gift that have not left."""
    return [each for each in found.consignments if each.state in _NOT_LEFT]


def check_approver(text: str) -> str:
    """Return the name of who approved a gift, as papers have it; raise ``Invalid``."""
    name = texts.line(text)
    if not name:
        raise Invalid("say who approved it: the name stands on the papers", "approver")
    return name


def check_reason(text: str) -> str:
    """Return why a gift was rejected; raise ``Invalid`` if nothing is said."""
    reason = texts.line(text)
    if not reason:
        raise Invalid("say why: whoever drafted the gift reads it", "reason")
    return reason


def list_slug(public_id: str) -> str:
    """Return the slug of the list that holds what a gift's table brought into the catalogue."""
    return f"gift-{public_id.lower()}"


if not set(TRANSITIONS) == set(_DONE) == set(GiftAction):
    raise AssertionError("every action needs its row in both tables")
