"""What can go wrong while harvesting, as types: the class tells what the host may do next.

::

    HarvestError
    ├── Unreachable     no usable answer after all tries: go on later from the stored point
    │   └── AskedToWait the provider named a time that is too far off: ``wait`` seconds
    ├── Refused         an HTTP status or an address that trying again does not change
    ├── NotOai          something else than OAI-PMH answered (a login page, JSON, a DOCTYPE)
    ├── BadPage         an OAI-PMH answer that cannot be read to its end
    │   ├── Malformed   its XML is wrong
    │   ├── Cut         it ends before ``</OAI-PMH>``, or before its compressed body does
    │   └── TooLarge    it, or one record of it, has more bytes than allowed
    ├── Told            the provider answered with an ``<error>`` of the protocol: ``error``
    ├── Looping         the tokens go in a circle, or the pages bring nothing new
    └── LimitReached    pages, records, bytes, seconds or faults of the whole harvest

What a port raises, :class:`oai.fetching.Unreached`, becomes Unreachable or Refused.
A BadPage never leaves :mod:`oai.harvester` for a list: it splits the window and at last goes into
the report. All others stop the harvest; what was delivered stays good, and so does its point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from oai import errors

EXCERPT = 500
"""So many bytes of an unreadable answer are kept verbatim."""


class Note(NamedTuple):
    """One line of the report: what was wrong, or was done; an excerpt is verbatim."""

    code: str
    message: str
    identifier: str = ""
    excerpt: bytes = b""


class HarvestError(Exception):
    """``code`` for machines, the message for people, ``excerpt``: what was sent, verbatim.

    ``notes`` are the steps that were taken before giving up.
    """

    code: ClassVar[str] = "harvest-failed"

    def __init__(self, message: str, excerpt: bytes = b"") -> None:
        super().__init__(message)
        self.message = message
        self.excerpt = excerpt[:EXCERPT]
        self.notes: Sequence[Note] = ()

    def as_note(self) -> Note:
        """Return the error as a line of the report."""
        return Note(self.code, self.message, excerpt=self.excerpt)


class Unreachable(HarvestError):
    """There was no usable answer in as many tries as allowed."""

    code = "unreachable"


class AskedToWait(Unreachable):
    """The provider asks for a pause of ``wait`` seconds, longer than a harvest waits."""

    code = "asked-to-wait"

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class Refused(HarvestError):
    """The request is refused, by the provider or by the host's own rules of addresses."""

    code = "refused"


class NotOai(HarvestError):
    """The answer is no OAI-PMH, or not to what was asked."""

    code = "not-oai"


class BadPage(HarvestError):
    """An OAI-PMH answer that cannot be read to its end."""

    code = "bad-page"


class Malformed(BadPage):
    """The XML of the answer is wrong."""

    code = "malformed"


class Cut(BadPage):
    """The answer ends too early."""

    code = "cut"


class TooLarge(BadPage):
    """The answer, or one record in it, is larger than allowed."""

    code = "too-large"


class Told(HarvestError):
    """The provider told an error of the protocol; ``error`` is one of :mod:`oai.errors`.

    ``error`` is None where the provider's code is none of the protocol's; ``told`` is that code.
    """

    code = "provider-error"

    def __init__(self, told: str, message: str) -> None:
        super().__init__(f"{told}: {message}")
        self.told = told
        kind = _KINDS.get(told)
        self.error = None if kind is None else kind(message)


class Looping(HarvestError):
    """The list has no end: a token came back, or page after page brings nothing new."""

    code = "looping"


class LimitReached(HarvestError):
    """A limit of the whole harvest is reached; a new run may go on from the stored point."""

    code = "limit-reached"


_KINDS = {
    kind.code: kind
    for kind in (
        errors.BadArgument,
        errors.BadResumptionToken,
        errors.BadVerb,
        errors.CannotDisseminateFormat,
        errors.IdDoesNotExist,
        errors.NoMetadataFormats,
        errors.NoRecordsMatch,
        errors.NoSetHierarchy,
    )
}
