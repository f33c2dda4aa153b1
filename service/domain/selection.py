"""Selections: a partner's list goes to a selector, who says which of its titles we want.

Several selectors share a list by languages or places of publication. What they chose is noted as
our wishes when a selection is closed, and sent together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from service.domain import consignment_fields as texts
from service.domain import own_wish
from service.errors import Conflict, Invalid, WrongValues


class SelectionState(StrEnum):
    """Where a selection stands."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"  # what was chosen is noted as wishes
    CANCELLED = "CANCELLED"


class SelectionAction(StrEnum):
    """What happens to a selection."""

    CLOSE = "close"
    CANCEL = "cancel"


_S = SelectionState
TRANSITIONS: Final[Mapping[SelectionAction, tuple[frozenset[SelectionState], SelectionState]]] = {
    SelectionAction.CLOSE: (frozenset({_S.OPEN}), _S.CLOSED),
    SelectionAction.CANCEL: (frozenset({_S.OPEN}), _S.CANCELLED),
}
"""The states in which something may happen, and the state after it."""


class Query(NamedTuple):
    """Which titles of a list are looked through: all, or by language or place of publication.

    ``languages`` are MARC codes, ``places`` ISO 3166-1 alpha-2; ``not_held`` leaves out what we
    hold.
    """

    languages: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    not_held: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """One selection. Instants are UTC; ``due_on`` is a calendar day, None for none.

    ``titles`` are those that it has, ``held`` those of them that we hold, ``chosen`` and
    ``passed_over`` what was said of them so far.
    """

    id: int
    public_id: str
    list_id: int
    list_slug: str
    partner: str
    selector: str
    query: Query
    state: SelectionState
    due_on: date | None
    note: str
    created_at: datetime
    closed_at: datetime | None
    revision: int
    titles: int
    held: int
    chosen: int
    passed_over: int


class Title(NamedTuple):
    """A title of a partner's list, as a selector sees it.

    ``held``: our library has it, by its numbers. ``wish`` is where our wish for it stands, "" for
    none. ``wanted`` is None as long as nothing is said of it.
    """

    offer: str
    title: str
    author: str
    published: str
    languages: str
    isbns: str
    copies: int
    held: bool
    wish: str
    wanted: bool | None
    quantity: int
    reason: str


def possible(state: SelectionState) -> tuple[SelectionAction, ...]:
    """Return what can be done in a state."""
    return tuple(each for each in SelectionAction if state in TRANSITIONS[each][0])


def after(action: SelectionAction, state: SelectionState) -> SelectionState:
    """Return the state that ``action`` leads to; raise ``Conflict`` when it may not be done.

    >>> after(SelectionAction.CLOSE, SelectionState.CLOSED)
    Traceback (most recent call last):
        ...
    service.errors.Conflict: this selection is CLOSED: close is not possible; possible: nothing
    """
    allowed, target = TRANSITIONS[action]
    if state not in allowed:
        can = ", ".join(each.value for each in possible(state)) or "nothing"
        raise Conflict(f"this selection is {state}: {action} is not possible; possible: {can}")
    return target


def check_open(found: Selection) -> None:
    """Refuse to choose in a selection that is over; raise ``Conflict``."""
    if found.state is not _S.OPEN:
        raise Conflict(f"this selection is {found.state}: nothing is chosen in it any more")


_LANGUAGE = re.compile(r"[a-z]{3}", re.ASCII)
_PLACE = re.compile(r"[A-Z]{2}", re.ASCII)
_MOST: Final = 50


def query(languages: Sequence[str], places: Sequence[str], *, not_held: bool) -> Query:
    """Return a query in its one spelling; raise ``WrongValues`` that tells all that is wrong.

    >>> query(["JPN"], ["jp"], not_held=True)
    Query(languages=('jpn',), places=('JP',), not_held=True)
    """
    found = Query(
        tuple(dict.fromkeys(each.strip().lower() for each in languages)),
        tuple(dict.fromkeys(each.strip().upper() for each in places)),
        not_held,
    )
    wrong = [("languages", each) for each in found.languages if not _LANGUAGE.fullmatch(each)]
    wrong += [("places", each) for each in found.places if not _PLACE.fullmatch(each)]
    faults = [(name, f"{each!r} is no code such as {_SUCH[name]}") for name, each in wrong]
    faults += [(name, f"at most {_MOST}") for name in _SUCH if len(getattr(found, name)) > _MOST]
    if faults:
        raise WrongValues(faults)
    return found


_SUCH: Final = {"languages": "jpn", "places": "JP"}


def read_query(kept: Mapping[str, Any]) -> Query:
    """Return a query as it was kept.

    >>> read_query({}), read_query(Query(("jpn",))._asdict()).languages
    (Query(languages=(), places=(), not_held=False), ('jpn',))
    """
    return Query(
        tuple(kept.get("languages", ())),
        tuple(kept.get("places", ())),
        bool(kept.get("not_held", False)),
    )


def check_selector(text: str) -> str:
    """Return who looks through a list; raise ``Invalid`` without a name."""
    name = texts.line(text)
    if not name:
        raise Invalid("say who looks through the list", "selector")
    return name


def check_choice(quantity: int, reason: str) -> str:
    """Return why a title is wanted or not, as it is kept; raise ``Invalid`` for what cannot be."""
    own_wish.check_quantity(quantity)
    return texts.line(reason)


if set(TRANSITIONS) != set(SelectionAction):
    raise AssertionError("every action needs its row")
