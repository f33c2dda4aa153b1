"""Which titles fit which partners: what agreements are about, and what profiles ask for.

Language, title and place are kept of every record. Subjects are read from the records themselves,
and only of titles of which these do not say yet whether they suit everybody who wishes for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from marc_mappings import formats
from service.domain import agreement_bounds, description, subject_profile
from service.domain.agreement_bounds import Bounds
from service.domain.book import Book
from service.domain.subject_profile import SubjectProfile
from service.store import allocation_inputs as inputs
from service.store import offer_keys
from service.store.allocation_inputs import Sent, Wisher
from service.store.db import Connection
from service.usecases import weighing


class Fitting:
    """What bounds and what pleases some partners, to hold titles against it."""

    def __init__(self, conn: Connection, wishers: Sequence[Wisher], now: datetime) -> None:
        self._conn = conn
        profiles = {who.id: subject_profile.from_json(who.profile) for who in wishers}
        self._profiles: Mapping[int, SubjectProfile] = {
            who: profile for who, profile in profiles.items() if profile
        }
        self._agreed: Mapping[int, Bounds] = {
            who: each
            for who, each in weighing.bounds(conn, wishers, now).items()
            if each.languages or each.subjects
        }
        self._asks = frozenset({*self._profiles, *self._agreed})

    def books(self, asked: Mapping[int, Collection[int]]) -> dict[int, Book]:
        """Return what offers are about, by the offer, where it matters to anybody.

        ``asked`` are the offers, each with the partners that wish for it.
        """
        matter = [offer for offer, who in asked.items() if not self._asks.isdisjoint(who)]
        found = inputs.sent(self._conn, matter)
        books = {offer: each.book for offer, each in found.items()}
        read = {
            offer: each
            for offer, each in found.items()
            if any(self._is_open(who, each.book) for who in self._asks.intersection(asked[offer]))
        }
        return books | dict(_with_subjects(self._conn, read))

    def _is_open(self, partner_id: int, book: Book) -> bool:
        """Return whether it takes the subjects of a title to say if it suits a partner."""
        agreed, profile = self._agreed.get(partner_id), self._profiles.get(partner_id)
        by_agreement = agreed is not None and agreement_bounds.is_open(agreed, book)
        return by_agreement or (profile is not None and subject_profile.is_open(profile, book))

    def hindrance(self, partner_id: int, book: Book | None) -> str:
        """Return why a title is not what was agreed with a partner, "" if it is."""
        agreed = self._agreed.get(partner_id)
        if agreed is None or book is None:
            return ""
        return agreement_bounds.beside(agreed, book)

    def fits(self, partner_id: int, book: Book | None) -> bool:
        """Return whether a title is what a partner collects, by its profile."""
        profile = self._profiles.get(partner_id)
        if profile is None or book is None:
            return False
        return subject_profile.fits(profile, book).fits


def _with_subjects(conn: Connection, sent: Mapping[int, Sent]) -> Iterator[tuple[int, Book]]:
    """Yield offers with their books and the subjects that their records name."""
    if not sent:
        return
    canonical = offer_keys.canonical(conn, sorted({each.version_id for each in sent.values()}))
    for offer_id, each in sent.items():
        item = formats.read_one(canonical[each.version_id])
        if isinstance(item, formats.Unreadable):
            raise AssertionError(f"version {each.version_id} cannot be read: {item.problems}")
        headings, classes = description.subjects_of(item.record)
        yield offer_id, each.book._replace(subjects=headings, classes=classes)
