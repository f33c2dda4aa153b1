"""What states, moves and policies of offer lists are called at the desk, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from flask_babel import lazy_gettext as _

from service.domain.allocation import AllocationPolicy, AllocationState
from service.domain.offer import ListAction, ListState, OfferState, Source
from service.domain.own_wish import OwnWishState
from service.domain.selection import SelectionState
from service.domain.wish import Outcome, WishListState, WishState
from service.web.guarding import may

Said = tuple[str, object]
"""Whose turn it is (``you``, ``others``, ``done``), and in words how it stands."""

LIST_STATES: Final[Mapping[ListState, Said]] = {
    ListState.DRAFT: ("you", _("draft")),
    ListState.SCHEDULED: ("others", _("opens by itself")),
    ListState.OPEN: ("others", _("open for wishes")),
    ListState.CLOSED: ("you", _("closed, to be allocated")),
    ListState.ALLOCATED: ("done", _("allocated")),
    ListState.ARCHIVED: ("done", _("archived")),
    ListState.WITHDRAWN: ("done", _("withdrawn")),
}
OFFER_STATES: Final[Mapping[OfferState, object]] = {
    OfferState.OFFERED: _("on offer"),
    OfferState.WITHDRAWN: _("taken back"),
}
SOURCES: Final[Mapping[Source, object]] = {
    Source.DUPLICATE: _("duplicates"),
    Source.SURPLUS: _("surplus stock"),
    Source.NEW_PUBLICATION: _("new publications"),
    Source.OWN_PUBLICATION: _("publications of our own"),
    Source.WITHDRAWN: _("withdrawn from our collection"),
}
POLICIES: Final[Mapping[AllocationPolicy, object]] = {
    AllocationPolicy.FIRST_COME: _("First come"),
    AllocationPolicy.WINDOW_LOTTERY: _("Lottery among all wishes"),
    AllocationPolicy.PRIORITY: _("By priority"),
    AllocationPolicy.ROUND_ROBIN: _("In turns"),
    AllocationPolicy.COVERAGE_FIRST: _("Every country first"),
}


class Move(NamedTuple):
    """A move of a list: its button, the question, what will happen, and what was done."""

    button: object
    question: object
    what_happens: object
    done: object


MOVES: Final[Mapping[ListAction, Move]] = {
    ListAction.APPROVE: Move(
        _("Approve"),
        _("Approve this list?"),
        _("It opens by itself at its moment. Until then no partner sees it; it can be changed."),
        _("The list is approved; it opens by itself."),
    ),
    ListAction.OPEN: Move(
        _("Open now"),
        _("Open this list now?"),
        _(
            "Its titles are published, partners are told, and wishes are taken. A list that was "
            "open is no draft again: it can be closed, or withdrawn."
        ),
        _("The list is open."),
    ),
    ListAction.CLOSE: Move(
        _("Close"),
        _("Close this list?"),
        _("No more wishes are taken, and it cannot be opened again. Then it can be allocated."),
        _("The list is closed. Next: allocate it."),
    ),
    ListAction.ARCHIVE: Move(
        _("Archive"),
        _("Archive this list?"),
        _("It leaves what partners see and cannot be taken back out of the archive."),
        _("The list is archived."),
    ),
    ListAction.WITHDRAW: Move(
        _("Withdraw"),
        _("Withdraw this list?"),
        _(
            "All its titles are taken back; partners learn it as deletions, and wishes for them "
            "come to nothing. This cannot be undone."
        ),
        _("The list is withdrawn."),
    ),
}
OUTCOMES: Final[Mapping[Outcome, Said]] = {
    Outcome.AMBIGUOUS: ("you", _("several fit")),
    Outcome.REGISTERED: ("done", _("registered")),
    Outcome.MATCHED: ("done", _("matched")),
    Outcome.OTHER_EDITION: ("others", _("other edition")),
    Outcome.WAITING: ("others", _("waiting")),
    Outcome.DUPLICATE: ("done", _("asked for already")),
    Outcome.NOT_OFFERED: ("done", _("not on offer")),
    Outcome.CLOSED: ("done", _("list closed")),
    Outcome.RESTRICTED: ("done", _("exchange suspended")),
    Outcome.INVALID: ("others", _("not readable")),
}
WISH_STATES: Final[Mapping[WishState, object]] = {
    WishState.OPEN: _("open"),
    WishState.ANSWERED: _("answered"),
    WishState.PENDING: _("open soon"),
    WishState.REPLACED: _("replaced"),
    WishState.WITHDRAWN: _("withdrawn by the partner"),
    WishState.ALLOCATED: _("allocated"),
    WishState.NOT_ALLOCATED: _("not allocated"),
    WishState.FULFILLED: _("sent"),
}
WISH_LIST_STATES: Final[Mapping[WishListState, Said]] = {
    WishListState.RECEIVED: ("others", _("received, to be answered")),
    WishListState.ANSWERING: ("others", _("being answered")),
    WishListState.ANSWERED: ("done", _("answered")),
    WishListState.FAILED: ("you", _("stopped by a fault")),
}
DECISIONS: Final[Mapping[AllocationState, Said]] = {
    AllocationState.PROPOSED: ("you", _("proposed")),
    AllocationState.CONFIRMED: ("done", _("given")),
    AllocationState.NOT_ALLOCATED: ("done", _("not allocated")),
    AllocationState.OFFERED: ("others", _("partner is asked")),
    AllocationState.ACCEPTED: ("done", _("accepted")),
    AllocationState.DECLINED: ("done", _("declined")),
    AllocationState.EXPIRED: ("done", _("not answered in time")),
    AllocationState.FULFILLED: ("done", _("sent")),
    AllocationState.CANCELLED: ("done", _("cancelled")),
}
SELECTION_STATES: Final[Mapping[SelectionState, Said]] = {
    SelectionState.OPEN: ("you", _("to be looked through")),
    SelectionState.CLOSED: ("done", _("closed")),
    SelectionState.CANCELLED: ("done", _("cancelled")),
}
OWN_WISH_STATES: Final[Mapping[OwnWishState, Said]] = {
    OwnWishState.WISHED: ("you", _("noted, to be sent")),
    OwnWishState.SENT: ("others", _("sent")),
    OwnWishState.ANSWERED: ("others", _("answered")),
    OwnWishState.ALLOCATED: ("done", _("allocated to us")),
    OwnWishState.NOT_ALLOCATED: ("done", _("not allocated to us")),
    OwnWishState.WITHDRAWING: ("others", _("being taken back")),
    OwnWishState.WITHDRAWN: ("done", _("taken back")),
}

_WHOLE: Final[Sequence[tuple[type[StrEnum], Mapping[Any, object]]]] = (
    (ListState, LIST_STATES),
    (OfferState, OFFER_STATES),
    (Source, SOURCES),
    (AllocationPolicy, POLICIES),
    (Outcome, OUTCOMES),
    (WishState, WISH_STATES),
    (WishListState, WISH_LIST_STATES),
    (AllocationState, DECISIONS),
    (SelectionState, SELECTION_STATES),
    (OwnWishState, OWN_WISH_STATES),
)
for _kind, _words in _WHOLE:
    if set(_kind) != set(_words):
        raise AssertionError(f"every {_kind.__name__} needs its words")


def words() -> dict[str, object]:
    """Return the words for every page of the librarian's workspace, and who may do what there."""
    return {
        "may": may,
        "list_states": LIST_STATES,
        "offer_states": OFFER_STATES,
        "sources": SOURCES,
        "policies": POLICIES,
        "moves": MOVES,
        "outcomes": OUTCOMES,
        "wish_states": WISH_STATES,
        "wish_list_states": WISH_LIST_STATES,
        "decisions": DECISIONS,
        "selection_states": SELECTION_STATES,
        "own_wish_states": OWN_WISH_STATES,
    }
