"""What partners are told: each kind of event with the sentence that says it and where to look.

The feed, webhooks and mail all tell the same announcements in these words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

WISHLIST_ANSWERED: Final = "wishlist.answered"
WISHLIST_FAILED: Final = "wishlist.failed"
WISH_CHANGED: Final = "wish.changed"
AGREEMENT_EXPIRING: Final = "agreement.expiring"
AGREEMENT_CHANGED: Final = "agreement.changed"
LIST_SHORTENED: Final = "list.shortened"
LIST_EXTENDED: Final = "list.extended"
STANDING_WISH_MET: Final = "standing_wish.met"
CONSIGNMENT_DISPATCHED: Final = "consignment.dispatched"
CONSIGNMENT_CORRECTED: Final = "consignment.corrected"
CONSIGNMENT_REMINDER: Final = "consignment.reminder"
CONSIGNMENT_RECEIVED: Final = "consignment.received"
CONSIGNMENT_PRESUMED: Final = "consignment.presumed"
CLAIM_SENT: Final = "claim.sent"
CLAIM_CHANGED: Final = "claim.changed"

Body = Mapping[str, Any]


class Announcement(NamedTuple):
    """Something that a partner is told. ``body`` has ids, never titles; ``created_at`` is UTC."""

    public_id: str
    event: str
    body: Body
    created_at: datetime


class Telling(NamedTuple):
    """How one kind of event is told: its sentence, and the path of what it is about."""

    sentence: Callable[[Body], str]
    path: str


_WISH_LIST = "/api/v1/wishlists/{wish_list}"
_AGREEMENT = "/api/v1/agreements/{agreement}"
_LIST = "/api/v1/lists/{list}"
_STANDING_WISHES = "/api/v1/standing-wishes"
_CONSIGNMENT = "/api/v1/consignments/{consignment}"
_CONSIGNMENTS = "/api/v1/consignments"
_RECEIPT = "/receipts/{token}"
_CLAIM = "/api/v1/claims/{claim}"


def _answered(body: Body) -> str:
    return f"Wish list {body['wish_list']} is answered: {_figures(body['counts'])}."


def _failed(body: Body) -> str:
    return f"Wish list {body['wish_list']} could not be answered to its end."


def _changed(body: Body) -> str:
    figures = {name: number for name, number in body.items() if name != "wish_list"}
    return f"Wish list {body['wish_list']} changed: {_figures(figures)}."


def _agreement_expiring(body: Body) -> str:
    return f"Agreement {body['agreement']} ends on {body['ends_on']}; then it is {body['then']}."


def _agreement_changed(body: Body) -> str:
    return f"Agreement {body['agreement']} is now {body['state']}."


def _rescheduled(body: Body) -> str:
    until = body["closes_at"] or "a day that is not set yet"
    before = f" instead of {body['instead_of']}" if body["instead_of"] else ""
    why = f" The reason: {body['reason']}" if "reason" in body else ""
    return f"Offer list {body['list']} takes wishes until {until}{before}.{why}"


def _met(body: Body) -> str:
    titles, standing_wishes = body["titles"], body["standing_wishes"]
    new = "1 new title meets" if titles == 1 else f"{titles:,} new titles meet"
    if len(standing_wishes) == 1:
        return f"{new} your standing wish {next(iter(standing_wishes))}."
    each = ", ".join(f"{public_id} ({number:,})" for public_id, number in standing_wishes.items())
    return f"{new} your standing wishes: {each}."


def _dispatched(body: Body) -> str:
    return (
        f"Consignment {body['number']} was dispatched on {body['dispatched_on']}: "
        f"{body['titles']:,} titles in {body['volumes']:,} volumes."
    )


def _corrected(body: Body) -> str:
    if not body["titles"]:
        return f"Consignment {body['number']} is not on its way: {body['reason']}"
    return (
        f"Consignment {body['number']} has {body['titles']:,} titles in {body['volumes']:,} "
        f"volumes, other than you were told: {body['reason']}"
    )


def _reminder(body: Body) -> str:
    return (
        f"Consignment {body['number']}, dispatched on {body['dispatched_on']}, has not been "
        "confirmed yet: please say what arrived, or that nothing did."
    )


def _received(body: Body) -> str:
    claims = body["claims"]
    told = f"; claims that are open on it: {claims:,}" if claims else ""
    return (
        f"Consignment {body['number']} is confirmed as received on {body['received_on']}: "
        f"{body['outcome']}{told}."
    )


def _presumed(body: Body) -> str:
    return (
        f"Nothing was heard of consignment {body['number']}, dispatched on "
        f"{body['dispatched_on']}: it is presumed received. It can be confirmed still."
    )


def _claim_sent(body: Body) -> str:
    return f"We claim of you: {body['reason']}, {body['copies']:,} copies. Please answer."


def _claim_changed(body: Body) -> str:
    how = f" ({body['resolution']})" if body["resolution"] else ""
    return f"Claim {body['claim']} is now {body['state']}{how}."


def _figures(figures: Mapping[str, Any]) -> str:
    told = (f"{number} {name.replace('_', ' ')}" for name, number in figures.items())
    return ", ".join(told) or "nothing is left of it"


EVENTS: Final[Mapping[str, Telling]] = {
    WISHLIST_ANSWERED: Telling(_answered, _WISH_LIST),
    WISHLIST_FAILED: Telling(_failed, _WISH_LIST),
    WISH_CHANGED: Telling(_changed, _WISH_LIST),
    AGREEMENT_EXPIRING: Telling(_agreement_expiring, _AGREEMENT),
    AGREEMENT_CHANGED: Telling(_agreement_changed, _AGREEMENT),
    LIST_SHORTENED: Telling(_rescheduled, _LIST),
    LIST_EXTENDED: Telling(_rescheduled, _LIST),
    STANDING_WISH_MET: Telling(_met, _STANDING_WISHES),
    CONSIGNMENT_DISPATCHED: Telling(_dispatched, _CONSIGNMENT),
    CONSIGNMENT_CORRECTED: Telling(_corrected, _CONSIGNMENTS),
    CONSIGNMENT_REMINDER: Telling(_reminder, _RECEIPT),
    CONSIGNMENT_RECEIVED: Telling(_received, _CONSIGNMENT),
    CONSIGNMENT_PRESUMED: Telling(_presumed, _RECEIPT),
    CLAIM_SENT: Telling(_claim_sent, _CLAIM),
    CLAIM_CHANGED: Telling(_claim_changed, _CLAIM),
}
"""Every kind of event. One that is not here cannot be announced."""


def check(event: str, body: Body) -> None:
    """Raise ``KeyError`` for an event that has no row, or a body that its words cannot be made of.

    Asked when it is announced, so that a fault is its cause's and not that of who tells it later.
    """
    telling = EVENTS[event]
    telling.sentence(body)
    telling.path.format_map(body)


def sentence(announcement: Announcement) -> str:
    """Return what happened, for people.

    >>> from datetime import UTC
    >>> body = {"wish_list": "01JZ", "allocated": 2, "not_allocated": 1}
    >>> sentence(Announcement("01K0", WISH_CHANGED, body, datetime(2026, 6, 1, tzinfo=UTC)))
    'Wish list 01JZ changed: 2 allocated, 1 not allocated.'
    """
    return EVENTS[announcement.event].sentence(announcement.body)


def address(announcement: Announcement, base_url: str) -> str:
    """Return where to look for what happened."""
    return base_url + EVENTS[announcement.event].path.format_map(announcement.body)
