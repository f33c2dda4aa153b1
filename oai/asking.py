"""Asking a provider one question until there is an answer: pauses, tries, repairs.

What fails on the way (network, overload, a cut body) is asked again with growing pauses. What
cannot be parsed is fetched again at once, because many faults pass; then it is fetched a third
time with the characters that XML forbids replaced. Each step is noted.

Source: OAI-PMH section 3.1.2.2; RFC 9110, section 10.2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from oai.fetching import (
    Fetch,
    GiveUp,
    Patience,
    Query,
    Reply,
    Unreached,
    decide,
    is_passing,
    retry_after,
)
from oai.harvest_answer import Answer
from oai.harvest_body import Meter, Repair, plain
from oai.harvest_errors import (
    EXCERPT,
    AskedToWait,
    Cut,
    HarvestError,
    Malformed,
    Note,
    NotOai,
    Refused,
    Told,
    Unreachable,
)
from oai.harvest_page import read

Pairs = Sequence[tuple[str, str]]

_LOCKED: Final = frozenset({401, 403, 407})


class _Status(HarvestError):
    """An HTTP status that is no success; ``asked``: the seconds of its Retry-After."""

    def __init__(self, status: int, asked: float | None, excerpt: bytes) -> None:
        redirect = ", a redirect that is not followed" if 300 <= status < 400 else ""
        super().__init__(f"HTTP status {status}{redirect}", excerpt)
        self.status = status
        self.asked = asked


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer and one harvest may cost; bytes are counted after decompression.

    ``pages``, ``records``, ``bytes`` and ``faults`` hold for a harvest with all its resumptions,
    ``seconds`` for one run. ``barren``: pages in a row that bring nothing new. ``restarts``: how
    often a list may be begun anew. ``singly``: from how many identifiers on a bad window is
    divided rather than fetched record by record; ``singly_at_most``: the same where it cannot be
    divided any more. ``faults``: pages and records that could not be read.
    """

    page_bytes: int = 256_000_000
    record_bytes: int = 16_000_000
    bytes: int = 100_000_000_000
    pages: int = 100_000
    records: int = 50_000_000
    seconds: float = 7 * 86_400.0
    barren: int = 20
    restarts: int = 3
    singly: int = 200
    singly_at_most: int = 20_000
    faults: int = 1_000


@dataclass(slots=True)
class Asking:
    """How one provider is asked: the port, the clock (seconds since the epoch), sleep, chance.

    ``received`` counts the bytes of all answers, also of those that were no use.
    """

    fetch: Fetch
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    patience: Patience = field(default_factory=Patience)
    limits: Limits = field(default_factory=Limits)
    received: int = 0

    def answer(self, verb: str, arguments: Pairs = ()) -> Answer:
        """Return the answer to one request, errors of the protocol among it.

        Raises Unreachable, AskedToWait, Refused, NotOai, or a BadPage that repair did not help.
        """
        notes: list[Note] = []
        try:
            answer = self._until_answered(verb, arguments, notes)
        except HarvestError as error:
            error.notes = notes
            raise
        answer.notes[:0] = notes
        return answer

    def expect(self, verb: str, arguments: Pairs = ()) -> Answer:
        """Return the answer, or raise Told where it is an error of the protocol."""
        answer = self.answer(verb, arguments)
        raise_told(answer)
        return answer

    def _until_answered(self, verb: str, arguments: Pairs, notes: list[Note]) -> Answer:
        failed = unparsed = 0
        while True:
            try:
                return self._once(verb, arguments, repair=unparsed > 1)
            except Malformed as error:
                unparsed += 1
                if unparsed > 2:
                    raise
                step = "fetched again" if unparsed == 1 else "fetched again, to be repaired"
                notes.append(Note("fetched-again", f"{error.message}; {step}", "", error.excerpt))
            except (Unreached, _Status, Cut, NotOai) as error:
                failed += 1
                pause = self._pause(error, failed)
                message = f"{error.message}; fetched again after {pause:.1f} s"
                notes.append(Note("fetched-again", message, "", error.excerpt))
                self.sleep(pause)

    def _once(self, verb: str, arguments: Pairs, *, repair: bool) -> Answer:
        patience, limits = self.patience, self.limits
        query = Query([("verb", verb), *arguments], patience.connect, patience.read)
        meter = Meter(limits.page_bytes, patience.page, self.clock)
        mending = Repair()
        try:
            with self.fetch(query) as reply:
                if reply.status != 200:
                    return self._not_success(verb, reply, meter)
                pieces = meter.metered(plain(reply))
                if repair:
                    pieces = mending.repaired(pieces)
                answer = read(verb, pieces, record_bytes=limits.record_bytes)
        finally:
            self.received += meter.bytes
        if mending.number:
            message = f"Characters that XML forbids were replaced: {mending.number}"
            answer.notes.append(Note("repaired", message))
        return answer

    def _not_success(self, verb: str, reply: Reply, meter: Meter) -> Answer:
        """Return an error of the protocol that came with an error of HTTP; raise for all else."""
        asked = retry_after(reply.headers.get("retry-after"), self.clock())
        final = not is_passing(reply.status)
        try:
            body = b"".join(islice(meter.metered(plain(reply)), 64 if final else 1))
        except HarvestError:
            body = b""  # the status says enough
        failure = _Status(reply.status, asked, body)
        if not (final and 400 <= reply.status < 500) or reply.status in _LOCKED:
            raise failure
        try:
            answer = read(verb, iter((body,)))
        except HarvestError:
            raise failure from None
        if not answer.errors:
            raise failure
        message = f"An error of the protocol came with HTTP status {reply.status}."
        answer.notes.append(Note("http-status", message, "", body[:EXCERPT]))
        return answer

    def _pause(self, error: HarvestError, failed: int) -> float:
        """Return how long to wait before the next try, or raise what ends the trying."""
        asked = None
        if isinstance(error, Unreached) and not error.again:
            raise Refused(error.message) from error
        if isinstance(error, _Status):
            asked = error.asked
            if not is_passing(error.status):
                raise Refused(error.message, error.excerpt) from error
        if isinstance(error, NotOai) and failed > 1:
            raise error
        decision = decide(self.patience, failed, asked, self.chance())
        if not isinstance(decision, GiveUp):
            return decision.seconds
        if isinstance(error, Cut):
            raise error
        if decision.wait > self.patience.longest_asked:
            message = f"{error.message}: we are asked to wait {decision.wait:.0f} s"
            raise AskedToWait(message, decision.wait) from error
        raise Unreachable(f"{error.message} ({failed} tries)", error.excerpt) from error


def raise_told(answer: Answer) -> None:
    """Raise Told for the first error of the protocol in an answer, if there is one."""
    if answer.errors:
        answer.records.close()
        told = Told(*answer.errors[0])
        told.notes = answer.notes
        raise told
