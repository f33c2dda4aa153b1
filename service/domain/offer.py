"""Offer lists and offers: the states they pass through and what each state means to a partner.

An offer list is a list of titles offered together with a closing date. An offer is one title
(with n copies) on one list; its list never changes, and offering a title again makes a new offer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.errors import Conflict, Invalid

if TYPE_CHECKING:
    from service.domain.allocation import AllocationPolicy


class ListState(StrEnum):
    """Where an offer list stands."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    ALLOCATED = "ALLOCATED"
    ARCHIVED = "ARCHIVED"
    WITHDRAWN = "WITHDRAWN"


class OfferState(StrEnum):
    """Where one offer stands, apart from its list."""

    OFFERED = "OFFERED"
    WITHDRAWN = "WITHDRAWN"


class Source(StrEnum):
    """Where the titles of a list come from."""

    DUPLICATE = "DUPLICATE"
    SURPLUS = "SURPLUS"
    NEW_PUBLICATION = "NEW_PUBLICATION"
    OWN_PUBLICATION = "OWN_PUBLICATION"
    WITHDRAWN = "WITHDRAWN"


class ListAction(StrEnum):
    """What an exchange librarian does to a list."""

    APPROVE = "approve"
    OPEN = "open"
    CLOSE = "close"
    ALLOCATE = "allocate"
    ARCHIVE = "archive"
    WITHDRAW = "withdraw"


_S = ListState
TRANSITIONS: dict[ListAction, tuple[frozenset[ListState], ListState]] = {
    ListAction.APPROVE: (frozenset({_S.DRAFT}), _S.SCHEDULED),
    ListAction.OPEN: (frozenset({_S.DRAFT, _S.SCHEDULED}), _S.OPEN),
    ListAction.CLOSE: (frozenset({_S.OPEN}), _S.CLOSED),
    ListAction.ALLOCATE: (frozenset({_S.CLOSED}), _S.ALLOCATED),
    ListAction.ARCHIVE: (frozenset({_S.CLOSED, _S.ALLOCATED}), _S.ARCHIVED),
    ListAction.WITHDRAW: (frozenset({_S.DRAFT, _S.SCHEDULED, _S.OPEN}), _S.WITHDRAWN),
}

# What comes about in another way than by asking for it, and how.
INDIRECT: dict[ListAction, str] = {
    ListAction.ALLOCATE: "a list is allocated by `bookbridge allocate LIST`",
}

# In the feed from the opening until the list is allocated, archived or withdrawn: not only until
# the closing date, because wishes are still pending then and partners look up what they wished for.
LISTED = frozenset({ListState.OPEN, ListState.CLOSED})

# New offers may join a list in these states. An open list may grow; a closed one may not.
GROWING = frozenset({ListState.DRAFT, ListState.SCHEDULED, ListState.OPEN})

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class OfferList:
    """One offer list. Instants are UTC; ``zone`` is the IANA zone its deadline was given in.

    How it is allocated: ``max_per_partner`` and ``min_parcel`` are copies, None where there is no
    bound; ``not_to`` are countries or regions (ISO 3166-1 alpha-2) to which nothing of it may go.
    ``ours``: we offer it; otherwise it is what a partner offers us.
    """

    id: int
    public_id: str
    slug: str
    title: str
    description: str
    state: ListState
    audience_id: int
    opens_at: datetime | None
    closes_at: datetime | None
    zone: str
    created_at: datetime
    source: Source
    policy: AllocationPolicy
    max_per_partner: int | None
    min_parcel: int | None
    not_to: tuple[str, ...]
    revision: int
    ours: bool

    def takes_wishes(self, now: datetime) -> bool:
        """Whether a wish that arrives at ``now`` is in time, to the second."""
        return self.state is ListState.OPEN and (self.closes_at is None or now < self.closes_at)


@dataclass(frozen=True, slots=True)
class Offer:
    """One title on one list, as a list of offers shows it.

    A set is one title: each of its ``copies`` has ``volumes`` volumes. ``not_to`` are countries or
    regions to which this title may not go, beside those of its list.
    """

    public_id: str
    list_slug: str
    state: OfferState
    copies: int
    title: str
    title_vernacular: str
    author: str
    author_vernacular: str
    publisher: str
    published: str
    place: str
    languages: str
    isbns: str
    volumes: int
    condition: str
    not_to: tuple[str, ...]
    source: Source
    revision: int


def after(action: ListAction, state: ListState) -> ListState:
    """Return the state that ``action`` leads to.

    Raises ``Conflict`` when it may not be done; it says what the state allows.
    """
    allowed, target = TRANSITIONS[action]
    if state not in allowed:
        names = " or ".join(sorted(s.value for s in allowed))
        there = ", ".join(possible(state)) or "nothing"
        raise Conflict(
            f"this list is {state}; only a list that is {names} can {action}, and what can be "
            f"done now is: {there}"
        )
    return target


def possible(state: ListState) -> tuple[ListAction, ...]:
    """Return what can be done to a list in this state.

    >>> [action.value for action in possible(ListState.CLOSED)]
    ['allocate', 'archive']
    """
    return tuple(action for action, (allowed, _) in TRANSITIONS.items() if state in allowed)


def check_slug(slug: str) -> str:
    """Return ``slug`` if it can name a list for ever, in a setSpec and in an address."""
    if not _SLUG.fullmatch(slug) or len(slug) > 60:
        raise Invalid(
            f"{slug!r} cannot name a list: use 1 to 60 of a-z, 0-9 and single hyphens between them",
            field="slug",
        )
    return slug


def proposed_slug(title: str) -> str:
    """Return a name that a title suggests for a list, ``""`` where it has no letters a to z.

    >>> proposed_slug("Spring List 2027: Études"), proposed_slug("봄 목록")
    ('spring-list-2027-etudes', '')
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = "-".join(words)[:60].strip("-")
    return slug if re.search("[a-z]", slug) else ""


def check_dates(opens_at: datetime | None, closes_at: datetime | None, zone: str) -> None:
    """Refuse a closing before the opening, a moment without a zone, and a zone nobody knows."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Invalid(
            f"{zone!r} is not a time zone; write it as in the IANA list, for example Asia/Seoul",
            field="zone",
        ) from error
    for name, moment in (("opens_at", opens_at), ("closes_at", closes_at)):
        if moment is not None and moment.tzinfo is None:
            raise Invalid(f"{name} needs its offset from UTC, such as +09:00 or Z", field=name)
    if opens_at and closes_at and closes_at <= opens_at:
        raise Invalid("closes_at must be later than opens_at", field="closes_at")
