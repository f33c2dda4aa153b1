"""What states and outcomes are called where a partner reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _

from service.domain.allocation import AllocationState
from service.domain.claim import ClaimReason, ClaimState
from service.domain.consignment import ConsignmentState
from service.domain.wish import Outcome, WishListState, WishState

LIST_STATES: Final[Mapping[str, object]] = {
    WishListState.RECEIVED.value: _("received, to be answered"),
    WishListState.ANSWERING.value: _("being answered"),
    WishListState.ANSWERED.value: _("answered"),
    WishListState.FAILED.value: _("stopped by a fault of ours"),
}
OUTCOMES: Final[Mapping[str, object]] = {
    Outcome.REGISTERED.value: _("registered"),
    Outcome.MATCHED.value: _("matched"),
    Outcome.OTHER_EDITION.value: _("other edition"),
    Outcome.WAITING.value: _("waiting"),
    Outcome.AMBIGUOUS.value: _("several fit: choose"),
    Outcome.DUPLICATE.value: _("asked for already"),
    Outcome.NOT_OFFERED.value: _("not on offer"),
    Outcome.CLOSED.value: _("list closed"),
    Outcome.RESTRICTED.value: _("exchange suspended"),
    Outcome.INVALID.value: _("not readable"),
}
WISH_STATES: Final[Mapping[str, object]] = {
    WishState.OPEN.value: _("open"),
    WishState.PENDING.value: _("open soon"),
    WishState.ANSWERED.value: _("answered"),
    WishState.REPLACED.value: _("replaced"),
    WishState.WITHDRAWN.value: _("withdrawn"),
    WishState.ALLOCATED.value: _("allocated to you"),
    WishState.NOT_ALLOCATED.value: _("not allocated"),
    WishState.FULFILLED.value: _("sent to you"),
}

DECISIONS: Final[Mapping[str, object]] = {
    AllocationState.PROPOSED.value: _("proposed"),
    AllocationState.CONFIRMED.value: _("given to you"),
    AllocationState.NOT_ALLOCATED.value: _("not allocated"),
    AllocationState.OFFERED.value: _("you are asked"),
    AllocationState.ACCEPTED.value: _("taken by you"),
    AllocationState.DECLINED.value: _("declined by you"),
    AllocationState.EXPIRED.value: _("not answered in time"),
    AllocationState.FULFILLED.value: _("sent to you"),
    AllocationState.CANCELLED.value: _("cancelled"),
}
CONSIGNMENT_STATES: Final[Mapping[str, object]] = {
    ConsignmentState.DRAFT.value: _("being packed"),
    ConsignmentState.PACKED.value: _("packed"),
    ConsignmentState.DISPATCHED.value: _("on its way"),
    ConsignmentState.IN_CUSTOMS.value: _("held by customs"),
    ConsignmentState.DELIVERED.value: _("delivered, to be confirmed"),
    ConsignmentState.PRESUMED_RECEIVED.value: _("presumed received"),
    ConsignmentState.RECEIVED_COMPLETE.value: _("received complete"),
    ConsignmentState.RECEIVED_SHORT.value: _("received, something missing"),
    ConsignmentState.RECEIVED_DAMAGED.value: _("received, something damaged"),
    ConsignmentState.RETURNED.value: _("returned"),
    ConsignmentState.LOST.value: _("lost"),
    ConsignmentState.CANCELLED.value: _("cancelled"),
}
CLAIM_STATES: Final[Mapping[str, object]] = {
    ClaimState.OPEN.value: _("open"),
    ClaimState.SENT.value: _("sent"),
    ClaimState.ANSWERED.value: _("answered"),
    ClaimState.RESOLVED.value: _("resolved"),
    ClaimState.CLOSED_UNRESOLVED.value: _("closed unresolved"),
}
CLAIM_REASONS: Final[Mapping[str, object]] = {
    ClaimReason.NOT_ARRIVED.value: _("not arrived"),
    ClaimReason.SHORT.value: _("short"),
    ClaimReason.DAMAGED.value: _("damaged"),
    ClaimReason.WRONG_ITEM.value: _("wrong item"),
    ClaimReason.WRONG_EDITION.value: _("wrong edition"),
}


def words() -> dict[str, object]:
    """Return the words of states and outcomes for every page of the portal."""
    return {
        "list_states": LIST_STATES,
        "outcomes": OUTCOMES,
        "wish_states": WISH_STATES,
        "decisions": DECISIONS,
        "consignment_states": CONSIGNMENT_STATES,
        "claim_states": CLAIM_STATES,
        "claim_reasons": CLAIM_REASONS,
    }
