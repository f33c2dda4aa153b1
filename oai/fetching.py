"""The port to the network, and what an HTTP answer means for the next try, as pure decisions.

The library opens no socket: the host brings a :class:`Fetch`. Who may be called, with which
credentials and through which redirects is the host's policy; how often, how long and how many
bytes is ours.

Source: OAI-PMH section 3.1.2.2 (status codes, Retry-After); RFC 9110, section 10.2.3.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.utils import parsedate_tz
from typing import Final, NamedTuple, Protocol

from oai.harvest_errors import HarvestError

ENCODINGS: Final = "gzip"
"""What a port may ask for in Accept-Encoding; a body in any other coding is refused."""


class Unreached(HarvestError):
    """The port could not get an answer, or the rest of one: raised by the host's port.

    ``again`` is False where another try cannot help, as for an address that is not allowed.
    """

    code = "unreached"

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


class Query(NamedTuple):
    """One GET request: the arguments, and the times it may take, in seconds.

    ``connect``: until the connection stands. ``read``: from one piece of the body to the next.
    """

    pairs: Sequence[tuple[str, str]]
    connect: float
    read: float


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: header names in lower case; ``pieces`` of the body as they were sent."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


class Fetch(Protocol):
    """Ask the provider one question. Implemented by the host.

    The port knows the base URL and the credentials and adds the arguments to the query, one
    request at a time over a kept-alive connection. What is asked of it:

    * The body is handed over as it comes, in pieces of at most some 64 kB (``read1``, not
      ``read``), and **not decompressed**: the reader must see whether a gzip body is whole. The
      reader keeps the total time and the number of bytes, and closes the context when it has
      enough; the port keeps ``connect`` and ``read``.
    * A body shorter than its Content-Length raises :class:`Unreached`, and so does every fault
      of the network, of TLS or of HTTP. No other exception is expected.
    * Redirects: each address is checked anew like the first one, at most five in a row, never
      from https to http, and without credentials as soon as scheme, host or port are others.
      One that is not followed is handed over with its status 3xx and refused here.
    * Proxies and credentials from the environment (``.netrc``) are not used.
    """

    def __call__(self, query: Query) -> AbstractContextManager[Reply]: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on trying; times in seconds.

    ``tries`` in all for one page; pauses grow from ``first`` to ``longest`` by doubling, with
    jitter; a Retry-After up to ``longest_asked`` is obeyed, a longer one ends the harvest.
    """

    tries: int = 5
    first: float = 2.0
    longest: float = 300.0
    longest_asked: float = 3600.0
    connect: float = 10.0
    read: float = 60.0
    page: float = 600.0


class Pause(NamedTuple):
    """Wait ``seconds``, then try again."""

    seconds: float


class GiveUp(NamedTuple):
    """Do not try again now; ``wait`` is what the provider asked for, 0 if it asked for nothing."""

    wait: float = 0.0


_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_SECONDS = re.compile(r"[0-9]{1,18}")


def is_passing(status: int) -> bool:
    """Whether an HTTP status may be another one at the next try."""
    return status in _PASSING


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After asks for, as a number or as a date; None without.

    What is neither is None as well; a date that has passed is 0.

    >>> retry_after("120", 0), retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 0), retry_after("-1", 0)
    (120.0, 60.0, None)
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    moment = parsedate_tz(text) if text else None
    if moment is None:
        return None
    try:
        stamp = timegm(moment[:8]) - (moment[9] or 0)
    except (ValueError, OverflowError):
        return None
    return max(float(stamp) - now, 0.0)


def decide(patience: Patience, failed: int, asked: float | None, chance: float) -> Pause | GiveUp:
    """Return what to do after the ``failed``-th failure of one page (1 is the first).

    ``asked``: the seconds of a Retry-After; ``chance``: a random number from 0 to 1. A pause is
    never shorter than what was asked for; jitter makes it up to a quarter longer, and takes up to
    half of one that nobody asked for.

    >>> decide(Patience(), 1, 120.0, 0.0), decide(Patience(), 3, None, 1.0)
    (Pause(seconds=120.0), Pause(seconds=8.0))
    """
    if asked is not None and asked > patience.longest_asked:
        return GiveUp(asked)
    if failed >= patience.tries:
        return GiveUp(asked or 0.0)
    own = min(patience.first * 2 ** min(failed - 1, 60), patience.longest)
    if asked is None or asked <= 0:
        return Pause(own * (0.5 + chance / 2))
    return Pause(asked * (1 + chance / 4))
