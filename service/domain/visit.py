"""A visit: one harvest of a list by somebody, from its first request to its last page.

What is known of it grows page by page, perhaps in several processes, so values of one visit are
joined: what was seen here, and what is kept already.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from oai import datestamp
from oai.frame import Answer, ListPart

LONGEST_AGENT = 200
# A setSpec or a prefix that was never one of ours may be of any length.
_LONGEST_NAME = 200
_LONGEST_ADDRESS = 100
# The requests that harvest; "" stands for those that could not be read.
_HARVESTING = frozenset({"", "ListIdentifiers", "ListRecords"})
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")
# Most visits of one harvester that are told apart between two writings.
MOST_AT_ONCE = 100
# How long a page that continues a visit waits for the beginning, seen by another process.
_PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Harvester:
    """Who harvests: a partner, whose address is ``""``, or an address; and with what program."""

    partner_id: int | None
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class AskedList:
    """The list that is harvested: ``""`` where nothing was said.

    All is ``""`` for requests that could not be read. ``from_`` and ``until`` are datestamps.
    """

    verb: str = ""
    prefix: str = ""
    set_spec: str = ""
    from_: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit, or a part of it. ``begins``: its first page is in it.

    ``pages``: answers without an error. ``records``: records or headers on them. ``complete``:
    the last page was given.
    """

    harvester: Harvester
    asked: AskedList
    began_at: datetime
    last_at: datetime
    begins: bool = False
    pages: int = 0
    records: int = 0
    errors: int = 0
    last_error: str = ""
    complete: bool = False

    def joined(self, later: Visit) -> Visit:
        """Return this with what was seen of the same visit later."""
        return Visit(  # not replaced, which takes twice as long: this is done for each page
            self.harvester,
            self.asked,
            self.began_at,
            max(self.last_at, later.last_at),
            self.begins,
            self.pages + later.pages,
            self.records + later.records,
            self.errors + later.errors,
            later.last_error or self.last_error,
            self.complete or later.complete,
        )

    def without_address(self) -> Visit:
        """Return the same, but not where it came from."""
        return replace(self, harvester=replace(self.harvester, address=""))


@lru_cache(maxsize=1024)
def harvester(partner_id: int | None, address: str, agent: str) -> Harvester:
    """Return who harvests; no address is remembered of a partner.

    >>> harvester(None, "192.0.2.7", "curl/8.0\\x1b[31m").agent
    'curl/8.0 [31m'
    """
    place = "" if partner_id is not None else _line(address, _LONGEST_ADDRESS)
    return Harvester(partner_id, place, _line(agent, LONGEST_AGENT))


def of_answer(who: Harvester, answer: Answer, now: datetime) -> Visit | None:
    """Return the visit that an answer is a page of; None if it is no part of a harvest.

    That no record matches is no error: an incremental harvester asks, and nothing is new. Any
    other error begins nothing: it counts for the visit that is under way, else for one of its own.
    """
    part, errors = answer.part, answer.errors
    if answer.verb not in _HARVESTING:
        return None
    asked = AskedList(answer.verb) if part is None else _asked(answer.verb, part)
    if part is None or (errors and not part.last):
        return Visit(who, asked, now, now, errors=1, last_error="".join(errors[-1:]))
    return Visit(who, asked, now, now, part.first, pages=1, records=part.items, complete=part.last)


def gathered(visits: Sequence[Visit], page: Visit) -> list[Visit] | None:
    """Return one harvester's visits with a page more; None if there are too many to tell apart."""
    same = [at for at, each in enumerate(visits) if each.asked == page.asked]
    full = len(visits) >= MOST_AT_ONCE
    if same and (full or not page.begins):
        at = same[-1]
        return [*visits[:at], visits[at].joined(page), *visits[at + 1 :]]
    return None if full else [*visits, page]


def is_due(visits: Sequence[Visit], at: int, now: datetime) -> bool:
    """Whether one of a harvester's visits can be written.

    With several processes the beginning may have been seen by another one, which shall write it
    first; a page that goes on waits for that, unless what follows it must not wait.
    """
    visit = visits[at]
    overtaken = any(later.asked == visit.asked for later in visits[at + 1 :])
    return visit.begins or overtaken or abs(now - visit.began_at) >= _PATIENCE


def _asked(verb: str, part: ListPart) -> AskedList:
    chosen = part.selection
    return AskedList(
        verb,
        chosen.prefix[:_LONGEST_NAME],
        (chosen.set or "")[:_LONGEST_NAME],
        "" if chosen.from_ is None else datestamp.written(chosen.from_),
        "" if chosen.until is None else datestamp.written(chosen.until),
    )


def _line(text: str, longest: int) -> str:
    """Return a text of strangers as one line without control characters."""
    return _CONTROL.sub(" ", text).strip()[:longest]
