"""The harvester: an endpoint and windows of time in, verified pages out.

It asks one question at a time and hands over a page only when it was read strictly to its end,
together with the point from which to go on. The host stores both in one transaction and asks for
the next page; when it stops asking (its lease is lost, say), nothing more is fetched.

What cannot be read costs as little as possible. After fetching again and repairing
(:mod:`oai.asking`), a window whose list breaks off is divided; a small one is fetched record by
record from its ListIdentifiers; what remains unread is named in the notes, and the harvest goes
on. A list whose token is refused in the middle is begun anew from its window, a few times, and
then treated in the same way.

Source: OAI-PMH sections 3.5 (flow control), 3.6 (errors), 4.3 and 4.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

from oai.asking import Asking, raise_told
from oai.errors import NoRecordsMatch
from oai.harvest_answer import Answer
from oai.harvest_errors import BadPage, LimitReached, Looping, Note
from oai.harvest_records import Held, Record
from oai.one_by_one import TOKEN_LOST, Listing, get_record, list_headers
from oai.resume_point import Point
from oai.windows import Granularity, Window, arguments, halves


@dataclass(frozen=True, slots=True)
class Task:
    """What to harvest: a format, a set (``""``: all), and what Identify said of datestamps."""

    prefix: str
    set: str = ""
    granularity: Granularity = Granularity.DAYS
    earliest: int | None = None

    def selection(self, window: Window) -> list[tuple[str, str]]:
        """Return the arguments of the list of one window."""
        chosen = [("set", self.set)] if self.set else []
        return [
            ("metadataPrefix", self.prefix),
            *chosen,
            *arguments(window, self.granularity),
        ]


@dataclass(frozen=True, slots=True)
class Page:
    """Verified records, and the point to store in the same transaction.

    ``records`` may be iterated until the next page is asked for. ``notes`` belong into the
    report. A page without records tells of a step: an empty window, a window divided, a list
    begun anew.
    """

    records: Held
    point: Point
    window: Window
    responded: int | None = None
    notes: tuple[Note, ...] = ()


def harvest(asking: Asking, task: Task, point: Point) -> Iterator[Page]:
    """Yield the pages from a point on, until all of its windows are done.

    Raises what :mod:`oai.harvest_errors` names, after the pages that were good; a later run may
    go on from the last stored point.
    """
    return _Harvest(asking, task, point).pages(point)


class _Harvest:
    """One run: what it has seen of the list it is in, and where its limits are."""

    def __init__(self, asking: Asking, task: Task, point: Point) -> None:
        self._asking = asking
        self._task = task
        self._limits = asking.limits
        self._bytes_before = point.bytes - asking.received
        self._end = asking.clock() + asking.limits.seconds
        self._forget()

    def pages(self, point: Point) -> Iterator[Page]:
        while point.windows:
            self._keep_limits(point)
            page = self._page(point)
            point = page.point
            try:
                yield page
            finally:
                page.records.close()

    def _forget(self) -> None:
        """Begin a list: its tokens and pages may be those of the same list before."""
        self._tokens: set[bytes] = set()
        self._digests: set[bytes] = set()
        self._barren = 0

    def _keep_limits(self, point: Point) -> None:
        limits = self._limits
        for name, reached, limit in (
            ("pages", point.pages, limits.pages),
            ("records", point.records, limits.records),
            ("bytes", point.bytes, limits.bytes),
            ("faults", point.faults, limits.faults),
            ("seconds", self._asking.clock(), self._end),
        ):
            if reached >= limit:
                raise LimitReached(f"The harvest has reached its limit of {name}.")

    def _page(self, point: Point) -> Page:
        """Fetch what comes next, and say where it leads."""
        try:
            answer = self._asking.answer("ListRecords", self._request(point))
        except BadPage as fault:
            notes = (*fault.notes, fault.as_note())
            return self._mended(replace(point, faults=point.faults + 1), notes)
        point = self._seen(point, answer)
        if not answer.errors:
            return self._good(point, answer)
        if point.token and answer.codes & TOKEN_LOST:
            return self._anew(point, answer)
        if answer.codes == {NoRecordsMatch.code}:
            self._forget()
            return self._told(point, point.behind(), answer)
        raise_told(answer)
        raise AssertionError("an answer with errors raises")

    def _request(self, point: Point) -> list[tuple[str, str]]:
        if not point.token:
            self._forget()
            return self._task.selection(point.windows[0])
        mark = blake2b(point.token.encode(), digest_size=8).digest()
        if mark in self._tokens:
            raise Looping(f"A resumptionToken came again: {point.token[:200]}")
        if self._barren > self._limits.barren:
            raise Looping(f"{self._barren} pages in a row brought nothing new.")
        self._tokens.add(mark)
        return [("resumptionToken", point.token)]

    def _seen(self, point: Point, answer: Answer) -> Point:
        """Return the point with the time of the first answer and the bytes of all.

        A later answer's time says nothing of the first, so our own clock stands in for it.
        """
        responded = point.responded
        if responded is None:
            responded = point.started if answer.responded is None else answer.responded
        return replace(self._counted(point), responded=responded)

    def _counted(self, point: Point) -> Point:
        return replace(point, bytes=self._bytes_before + self._asking.received)

    def _good(self, point: Point, answer: Answer) -> Page:
        held = answer.records
        notes = list(answer.notes)
        lost = sum(note.code == "no-identifier" for note in notes)
        after = replace(
            point,
            pages=point.pages + 1,
            records=point.records + len(held),
            deleted=point.deleted + held.deleted,
            listed=point.listed + len(held),
            faults=point.faults + lost,
            lost=point.lost + lost,
        )
        if answer.token:
            new = len(held) and held.digest not in self._digests
            self._barren = 0 if new else self._barren + 1
            self._digests.add(held.digest)
            after = replace(after, token=answer.token)
        else:
            if answer.size is not None and after.listed < answer.size:
                message = f"The list ended after {after.listed} of {answer.size} records."
                notes.append(Note("fewer-than-said", message))
                after = replace(after, short=after.short + 1)
            after = after.behind()
        return Page(held, after, point.windows[0], answer.responded, tuple(notes))

    def _told(self, before: Point, after: Point, answer: Answer, *notes: Note) -> Page:
        """Return a page for an error of the protocol that is no reason to stop."""
        answer.records.close()
        said = (*answer.notes, *notes)
        return Page(Held(), after, before.windows[0], answer.responded, said)

    def _anew(self, point: Point, answer: Answer) -> Page:
        code, message = answer.errors[0]
        note = Note("list-lost", f"The list was lost in its middle: {code}: {message}")
        self._forget()
        if point.restarts < self._limits.restarts:
            again = replace(point.anew(), restarts=point.restarts + 1)
            return self._told(point, again, answer, note)
        answer.records.close()
        return self._mended(replace(point, faults=point.faults + 1), (*answer.notes, note))

    def _mended(self, point: Point, notes: tuple[Note, ...]) -> Page:
        """Return what can be had of a window whose list cannot be read."""
        window = point.windows[0]
        task, limits = self._task, self._limits
        self._forget()
        now = int(self._asking.clock())
        parts = halves(window, task.granularity, task.earliest, now)
        at_most = limits.singly if parts else limits.singly_at_most
        listing = list_headers(
            self._asking,
            task.selection(window),
            at_most,
            lambda: self._keep_limits(self._counted(point)),
        )
        try:
            notes += tuple(listing.notes)
            if parts and not (listing.whole and 0 < len(listing.headers) <= at_most):
                note = Note("divided", f"The window {window} is divided after {parts[0].until}.")
                return Page(Held(), point.divided(parts), window, None, (*notes, note))
            return self._singly(point, listing, notes)
        finally:
            listing.headers.close()

    def _singly(self, point: Point, listing: Listing, notes: tuple[Note, ...]) -> Page:
        """Return the records of a window, each fetched for itself.

        Where the headers are not all there are, the rest of the window is given up.
        """
        window = point.windows[0]
        if listing.first is not None:
            point = self._seen(point, listing.first)
        said = list(notes)
        if number := len(listing.headers):
            said.append(Note("singly", f"{number} records are fetched one by one."))
        held = Held()
        try:
            lost = self._fetch_each(point, listing.headers, held, said)
        except BaseException:
            held.close()
            raise
        if not number or not listing.whole:
            rest = "The rest of the window" if number else "The window"
            said.append(Note("quarantined", f"{rest} {window} cannot be read and is left out."))
            lost += 1
        after = replace(
            self._counted(point).behind(),
            pages=point.pages + 1,
            records=point.records + len(held),
            deleted=point.deleted + held.deleted,
            faults=point.faults + lost,
            lost=point.lost + lost,
        )
        return Page(held, after, window, None, tuple(said))

    def _fetch_each(self, point: Point, headers: Held, held: Held, said: list[Note]) -> int:
        """Fetch the records of some headers; return how many could not be read."""
        lost = 0
        for header in headers:
            self._keep_limits(replace(self._counted(point), faults=point.faults + lost))
            record: Record | None = header
            remarks: list[Note] = []
            if not header.deleted:
                record, remarks = get_record(self._asking, header.identifier, self._task.prefix)
            said += remarks
            if record is not None:
                held.add(record)
            lost += record is None and remarks[-1].code == "quarantined"
        return lost
