"""Our own wishes: what we ask of a partner for the titles that it offers us.

A wish is noted here first, sent with others under one key, and answered line by line. The key is
kept before anything is sent, so that a list is taken once however often it is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from service.domain import web_address
from service.domain.wish import Outcome, WishListState, WishState
from service.errors import Invalid

MEDIA_TYPE: Final = "application/json"
LARGEST: Final = 500
"""Lines that are sent in one list: the answer to them fits into what is read of an answer."""

MOST_COPIES: Final = 1000

# Where Bookbridge takes wish lists, beside its OAI-PMH endpoint.
_ENDPOINT, _WISHES = "/oai", "/api/v1/wishlists"
_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=6)
_LONGEST_ASKED = 24 * 3600  # seconds of a Retry-After
_SHOWN = 500  # characters of a text of the partner's


class OwnWishState(StrEnum):
    """Where a wish of ours stands.

    SENT: it has its key, and the answer is not noted yet. WITHDRAWING: the partner is still to be
    told. ALLOCATED and NOT_ALLOCATED are what the partner said since.
    """

    WISHED = "WISHED"
    SENT = "SENT"
    ANSWERED = "ANSWERED"
    ALLOCATED = "ALLOCATED"
    NOT_ALLOCATED = "NOT_ALLOCATED"
    WITHDRAWING = "WITHDRAWING"
    WITHDRAWN = "WITHDRAWN"


_S = OwnWishState
# So long after its answer a copy may come back to a wish that got none.
NEXT_IN_LINE: Final = timedelta(days=90)
# What taking a wish back leads to: nobody else has to know of one that was never sent.
WITHDRAWALS: Final[Mapping[OwnWishState, OwnWishState]] = {
    _S.WISHED: _S.WITHDRAWN,
    _S.SENT: _S.WITHDRAWING,
    _S.ANSWERED: _S.WITHDRAWING,
}

# What a partner says of a wish since it answered, as a state of ours.
SAID_SINCE: Final[Mapping[str, OwnWishState]] = {
    WishState.ALLOCATED.value: _S.ALLOCATED,
    WishState.FULFILLED.value: _S.ALLOCATED,  # on its way, or there
    WishState.NOT_ALLOCATED.value: _S.NOT_ALLOCATED,
}

FAILED: Final = WishListState.FAILED.value
"""What a partner says of a list that it could not answer."""

# Outcomes after which a partner may still say more.
UNSETTLED: Final = frozenset(
    {Outcome.REGISTERED, Outcome.MATCHED, Outcome.OTHER_EDITION, Outcome.WAITING}
)


@dataclass(frozen=True, slots=True)
class OwnWish:
    """One wish of ours. Instants are UTC; ``offer`` is the public id of the incoming offer.

    ``identifier`` is the partner's OAI identifier; ``outcome`` and ``reason`` are its answer.
    """

    id: int
    public_id: str
    partner: str
    offer: str
    identifier: str
    title: str
    quantity: int
    note: str
    state: OwnWishState
    outcome: str
    reason: str
    wished_by: str
    wished_at: datetime
    answered_at: datetime | None


class Line(NamedTuple):
    """One line of a list that we send."""

    line_no: int
    identifier: str
    quantity: int
    note: str


class Said(NamedTuple):
    """What a partner says of one line of ours."""

    line_no: int
    outcome: str
    reason: str
    state: str


class Reply(NamedTuple):
    """A wish list as the partner shows it: its id there, its state, what it says of the lines."""

    list_id: str
    state: str
    lines: tuple[Said, ...]


def since(said: Said) -> OwnWishState | None:
    """Return what a partner decided on a wish for an offer since it answered, None: nothing yet.

    One that waits for the next offer got nothing of the one that it was for.
    """
    if (said.state, said.outcome) == (WishState.OPEN, Outcome.WAITING):
        return OwnWishState.NOT_ALLOCATED
    return SAID_SINCE.get(said.state)


def check_quantity(quantity: int) -> int:
    """Return a number of copies that can be wished for; raise ``Invalid``."""
    if not 1 <= quantity <= MOST_COPIES:
        raise Invalid(f"a wish is for 1 to {MOST_COPIES} copies", field="quantity")
    return quantity


def wishes_address(url: str, wishes_url: str = "") -> str:
    """Return where wishes for what is harvested at ``url`` go.

    Raises ``Invalid`` where that cannot be told from the address and nobody said it.

    >>> wishes_address("https://books.example.org/oai")
    'https://books.example.org/api/v1/wishlists'
    """
    if wishes_url:
        return wishes_url
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.endswith(_ENDPOINT):
        raise Invalid(
            f"{url} is no address of a Bookbridge, so where wishes go cannot be told from it: "
            "give the source the address of the partner's wish lists",
            field="wishes_url",
        )
    path = path.removesuffix(_ENDPOINT) + _WISHES
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def list_address(wishes_url: str, location: str, list_id: str = "") -> str:
    """Return where a partner shows a list of ours: told by its id, else by its Location.

    What a partner says may name any address, and we call with credentials: one that is not of
    the same origin is no answer. Raises ``ValueError``.
    """
    if _ID.fullmatch(list_id):
        return f"{wishes_url}/{list_id}"
    if location.startswith("/") and not location.startswith("//"):
        parts = urlsplit(wishes_url)
        location = f"{parts.scheme}://{parts.netloc}{location}"
    if web_address.wrong(location) or web_address.origin(location) != web_address.origin(
        wishes_url
    ):
        raise ValueError("the answer does not say where the list can be seen")
    return location


def body(lines: Sequence[Line]) -> bytes:
    """Return a list as it is sent: the same octets for the same lines."""
    entries = [
        {"identifier": line.identifier, "quantity": line.quantity}
        | ({"note": line.note} if line.note else {})
        for line in lines
    ]
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()


def read_reply(content: bytes) -> Reply:
    """Read an answered wish list as Bookbridge writes it; raise ``ValueError`` for anything else.

    Unknown outcomes and states are kept as they are, because a newer version may have more.
    """
    document = json.loads(content)
    if not isinstance(document, dict) or not isinstance(document.get("lines"), list):
        raise ValueError("the answer is no wish list")
    lines = [each for each in document["lines"] if isinstance(each, dict)]
    return Reply(_text(document.get("id")), _text(document.get("state")), tuple(map(_said, lines)))


def _said(entry: Mapping[str, Any]) -> Said:
    number = entry.get("line_no")
    if not isinstance(number, int):
        raise ValueError("a line of the answer has no number")
    return Said(
        number, _text(entry.get("outcome")), _text(entry.get("reason")), _text(entry.get("state"))
    )


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _text(value: object) -> str:
    """Return a text of the partner's that both databases can hold; "" for what is none."""
    return _UNSTORABLE.sub("\ufffd", value[:_SHOWN]) if isinstance(value, str) else ""


def pause(tries: int, asked: float | None = None) -> timedelta:
    """Return how long to wait after so many vain ``tries``; a partner may ask for longer.

    >>> [pause(tries).total_seconds() for tries in (1, 2, 3, 30)]
    [5.0, 10.0, 20.0, 21600.0]
    """
    doubled = 1 << min(max(tries - 1, 0), 20)
    grown = min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)
    return max(grown, timedelta(seconds=min(asked or 0, _LONGEST_ASKED)))


def words(problem: bytes) -> str:
    """Return what a partner says went wrong (RFC 9457), after a colon; "" for anything else."""
    try:
        document = json.loads(problem)
    except (ValueError, RecursionError):
        return ""
    detail = _text(document.get("detail")) if isinstance(document, dict) else ""
    return f": {detail}" if detail else ""
