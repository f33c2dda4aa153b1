"""Tiers: a list opens to one audience after the other, and in the end perhaps to everybody.

The first tier is the list's own audience and opens with the list. A later one opens when its
moment has come and the list is open; that is a publication like any other, so harvesters learn of
it by a stamp, and no answer depends on the date on which it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from service.domain.audience import OFFERED_TO, PUBLIC, Audience
from service.domain.offer import GROWING, OfferList
from service.errors import Conflict, Invalid


class Tier(NamedTuple):
    """A later tier of a list: its audience's code, and when it shall open and did. UTC."""

    audience: str
    opens_at: datetime
    opened_at: datetime | None


def shown_to(open_tiers: Collection[int]) -> frozenset[int]:
    """Return the audiences that see a list: what is for all is for nobody in particular.

    >>> sorted(shown_to([7, 9])), sorted(shown_to([7, PUBLIC]))
    ([7, 9], [1])
    """
    return frozenset({PUBLIC} if PUBLIC in open_tiers else open_tiers)


def check(offer_list: OfferList, audience: Audience, opens_at: datetime) -> None:
    """Refuse a tier that could show nothing to anybody; raise ``Invalid`` or ``Conflict``."""
    if opens_at.tzinfo is None:
        raise Invalid("opens_at needs its offset from UTC, such as +09:00 or Z", field="opens_at")
    if audience.kind not in OFFERED_TO:
        raise Invalid(f"a list opens to groups or to public, not to {audience.code!r}", "audience")
    if offer_list.state not in GROWING:
        raise Conflict(f"this list is {offer_list.state}; it opens to nobody any more")
    if offer_list.audience_id == PUBLIC:
        raise Conflict("this list is for all from its opening; it has no later tiers")
    if offer_list.audience_id == audience.id:
        raise Conflict(f"this list is for {audience.code!r} from its opening")
    if offer_list.closes_at is not None and offer_list.closes_at <= opens_at:
        raise Invalid("opens_at must be before the list closes", field="opens_at")
