"""A state machine over the real feed, as in ``test_feed_machine``, for partners and audiences.

Lists open to one audience after the other, partners come and go, are suspended and taken back, are
given titles and lose them again; the publisher runs when it likes, or stalls; and harvesters of
five habits fetch page by page, with all of that between two pages. In the end each must hold what
its partner may see, by the model here alone, and it must never have heard of anything else.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from oai.repository import Key, Selection
from service.domain.offer import ListAction
from service.domain.partner import PartnerState
from service.store import offers
from service.store.db import Connection, Database
from service.store.tables import offer, record, record_version
from service.usecases import enrolling, giving, membership, offering, publishing, tiering
from service.usecases.disseminating import FeedRepository
from tests.service.builders import HandClock, a_partner, a_record, bring, make_site

PARTNERS = ("ara", "bela", "cyd")
GROUPS = ("near", "far")
# Each list: to whom it is open from its opening, and to whom a quarter and half an hour later.
LISTS: dict[str, tuple[str, ...]] = {
    "first": ("near", "far", "public"),
    "second": ("far", "public"),
    "third": ("near",),
    "fourth": ("public",),
}
BOOKS = 2  # on each list


class Habit(NamedTuple):
    """What a harvester takes for the next ``from``, of what it saw in the last harvest."""

    name: str
    of: Callable[[Harvester], int | None]


@dataclass
class Harvester:
    """A partner's copy of a set: what it holds, and what it goes by next time."""

    partner: str
    set: str | None
    habit: Habit
    held: dict[str, bool] = field(default_factory=dict)
    from_: int | None = None
    newest: int | None = None
    first: int = 0
    last: int = 0
    began: int = 0
    after: Key | None = None
    busy: bool = False

    def fetch(self, repository: FeedRepository, now: float) -> list[str]:
        """Fetch one page; settle what to go by when it was the last; return what it named."""
        selection = Selection("oai_dc", set=self.set, from_=self.from_)
        page = repository.page(selection, self.after if self.busy else None, with_metadata=True)
        assert page.rows or not self.busy, "a page behind a token has rows"
        if not self.busy:
            self.first, self.began = page.as_of, int(now)
        self.last = page.as_of
        for row in page.rows:
            assert row.deleted or row.metadata
            self.held[row.identifier] = not row.deleted
            self.newest = max(self.newest or 0, row.key.stamp)
        self.busy = page.more
        self.after = page.rows[-1].key if page.more else None
        if not page.more:
            self.from_ = self.habit.of(self)
        return [row.identifier for row in page.rows]


HABITS = (
    Habit("responseDate", lambda harvester: harvester.first),
    Habit("newest", lambda harvester: harvester.newest),
    Habit("newest + 1", lambda h: None if h.newest is None else h.newest + 1),
    Habit("own clock", lambda harvester: harvester.began),
    Habit("last responseDate", lambda harvester: harvester.last),
)


class Book(NamedTuple):
    """A title on a list, and the versions of its record: printed in Korea, and in Japan."""

    offer_id: int
    public_id: str
    list_slug: str
    record_id: int
    versions: dict[str, int]


class AudienceMachine(RuleBasedStateMachine):
    """The feed, its writers, three partners, and harvesters of every habit for each."""

    fresh: ClassVar[Callable[[Path], Database]]
    discard: ClassVar[Callable[[Database], None]]

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.db = type(self).fresh(self.folder)
        self.clock = HandClock()
        self.site = make_site(self.db, self.folder, self.clock, page_size=2)
        self.books = books_of(self.db)
        self.opened: set[str] = set()
        self.tiers = {slug: {steps[0]} for slug, steps in LISTS.items()}
        self.gone: set[str] = set()
        self.places = dict.fromkeys((book.public_id for book in self.books), "KR")
        self.members: dict[str, set[str]] = {group: set() for group in GROUPS}
        self.given: dict[str, set[str]] = {code: set() for code in PARTNERS}
        self.retracted: set[str] = set()
        self.suspended: set[str] = set()
        self.ever: dict[str, set[str]] = {name: set() for name in ("public", *GROUPS)}
        self.known: dict[str, set[str]] = {code: set() for code in PARTNERS}
        self.harvesters = [
            Harvester(code, name.format(code) if name else None, HABITS[(at + turn) % 5])
            for turn, code in enumerate(PARTNERS)
            for at, name in enumerate(
                (None, "partner:{}", "given:{}", "place:KR", "list:first", "list", None)
            )
        ]

    # --- what happens -----------------------------------------------------------------------

    @rule(slug=st.sampled_from([*LISTS]))
    def a_list_opens(self, slug: str) -> None:
        if slug not in self.opened:
            now = self.site.now()
            offering.change_list(self.db, slug, ListAction.OPEN, now)
            self.opened.add(slug)
            for step, name in enumerate(LISTS[slug][1:], 1):
                tiering.add_tier(self.db, slug, name, now + timedelta(minutes=15 * step), now)

    @rule(slug=st.sampled_from([*LISTS]))
    def a_list_is_withdrawn(self, slug: str) -> None:
        if slug in self.opened and slug not in self.gone:
            offering.change_list(self.db, slug, ListAction.WITHDRAW, self.site.now())
            self.gone.add(slug)

    @rule(minutes=st.sampled_from([0, 0, 1, 16]), seconds=st.sampled_from([0.4, 1, 3]))
    def time_passes(self, minutes: int, seconds: float) -> None:
        self.clock.move(60 * minutes + seconds)
        offering.keep_dates(self.db, self.site.now())
        for slug in self.opened - self.gone:
            for tier in tiering.list_tiers(self.db, slug):
                if tier.opened_at is not None:
                    self.tiers[slug].add(tier.audience)

    @rule(code=st.sampled_from(PARTNERS), group=st.sampled_from(GROUPS))
    def a_partner_joins(self, code: str, group: str) -> None:
        membership.join(self.db, group, [code], now=datetime.now(UTC))
        self.members[group].add(code)

    @rule(code=st.sampled_from(PARTNERS), group=st.sampled_from(GROUPS))
    def a_partner_leaves(self, code: str, group: str) -> None:
        membership.leave(self.db, group, [code], now=datetime.now(UTC))
        self.members[group].discard(code)

    @rule(code=st.sampled_from(PARTNERS), stays=st.booleans())
    def a_partner_is_suspended_or_taken_back(self, code: str, stays: bool) -> None:
        state = PartnerState.ACTIVE if stays else PartnerState.SUSPENDED
        enrolling.set_state(self.db, code, state, by="test", now=self.site.now())
        (self.suspended.discard if stays else self.suspended.add)(code)
        for harvester in self.harvesters:  # their tokens open no more
            harvester.busy = harvester.busy and harvester.partner != code

    @rule(number=st.integers(0, len(LISTS) * BOOKS - 1))
    def a_title_is_taken_back(self, number: int) -> None:
        book = self.books[number]
        if book.public_id not in self.gone:
            offering.withdraw_offer(self.db, book.public_id, now=self.site.now())
            self.gone.add(book.public_id)

    @rule(number=st.integers(0, len(LISTS) * BOOKS - 1), place=st.sampled_from(["KR", "JP"]))
    def a_title_changes(self, number: int, place: str) -> None:
        book = self.books[number]
        with self.db.write() as conn:
            conn.execute(
                record.update()
                .where(record.c.id == book.record_id)
                .values(current_version_id=book.versions[place])
            )
            offers.mark_records(conn, [book.record_id])
        if book.list_slug in self.opened - self.gone or book.list_slug not in self.gone:
            self.places[book.public_id] = place

    @rule(code=st.sampled_from(PARTNERS), number=st.integers(0, len(LISTS) * BOOKS - 1))
    def a_title_is_given(self, code: str, number: int) -> None:
        (made,) = giving.give_offers(self.db, code, [self.books[number].public_id], self.site.now())
        self.given[code].add(made.public_id)

    @rule(code=st.sampled_from(PARTNERS), data=st.data())
    def a_gift_is_taken_back(self, code: str, data: st.DataObject) -> None:
        held = sorted(self.given[code] - self.retracted)
        if held:
            self.take_back(data.draw(st.sampled_from(held)))

    def take_back(self, public_id: str) -> None:
        giving.retract(self.db, public_id)
        self.retracted.add(public_id)

    @rule()
    def the_publisher_runs(self) -> None:
        publishing.publish(self.db, self.clock)

    @rule()
    def the_publisher_stalls_at_its_commit(self) -> None:
        readings = iter([self.clock.at, self.clock.at])

        def clock() -> float:
            moment = next(readings, None)
            if moment is None:
                self.clock.move(30)
                moment = self.clock.at
            return moment

        publishing.publish(self.db, clock)

    @rule(which=st.integers(0, 7 * len(PARTNERS) - 1))
    def a_harvester_fetches_a_page(self, which: int) -> None:
        self.fetch(self.harvesters[which])

    @rule(code=st.sampled_from(PARTNERS))
    def a_partner_harvests_everything(self, code: str) -> None:
        for harvester in self.harvesters:
            if harvester.partner == code:
                self.to_the_end(harvester)

    def to_the_end(self, harvester: Harvester) -> None:
        self.fetch(harvester)
        while harvester.busy:
            self.fetch(harvester)

    def fetch(self, harvester: Harvester) -> None:
        partner = membership.find_partner(self.db, harvester.partner)
        reader = None if harvester.partner in self.suspended else partner
        repository = FeedRepository(self.db, self.site.settings, self.clock, reader, signed_in=True)
        heard = harvester.fetch(repository, self.clock())
        strange = set(heard) - self.known[harvester.partner]
        assert not strange, (harvester.partner, harvester.set, strange)

    # --- what must be so --------------------------------------------------------------------

    def name(self, kind: str, public_id: str) -> str:
        return f"oai:{self.site.settings.repository_identifier}:{kind}/{public_id}"

    def shown(self, book: Book) -> set[str]:
        """The audiences that see a book now, by their codes."""
        slug = book.list_slug
        if slug not in self.opened or {slug, book.public_id} & self.gone:
            return set()
        return {"public"} if "public" in self.tiers[slug] else self.tiers[slug]

    @invariant()
    def what_a_partner_may_have_heard_of_grows(self) -> None:
        if not hasattr(self, "known"):
            return
        for book in self.books:
            for name in self.shown(book):
                self.ever[name].add(self.name("offer", book.public_id))
        for code in PARTNERS:
            self.known[code] |= self.ever["public"]
            self.known[code] |= {self.name("transfer", each) for each in self.given[code]}
            for group in GROUPS:
                if code in self.members[group]:
                    self.known[code] |= self.ever[group]

    def truth(self, code: str, name: str | None) -> set[str]:
        """Return what a partner must hold of a set, from the model alone."""
        seen_by = {group for group in GROUPS if code in self.members[group]}
        beyond = name == f"partner:{code}"
        found = {
            self.name("offer", book.public_id)
            for book in self.books
            if self.shown(book) & (seen_by if beyond else seen_by | {"public"})
            and name
            in {None, "list", f"partner:{code}", f"list:{book.list_slug}"}
            | {f"place:{self.places[book.public_id]}"}
        }
        if name in {None, f"given:{code}"}:
            given = {self.name("transfer", each) for each in self.given[code] - self.retracted}
            return given if name else found | given
        return found

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        try:
            self.finish()
        finally:
            self.db.close()
            type(self).discard(self.db)
            shutil.rmtree(self.folder)

    def finish(self) -> None:
        """Publish what waits, let every harvester come once more, and look what it holds."""
        for code in sorted(self.suspended):
            self.a_partner_is_suspended_or_taken_back(code, stays=True)
        self.what_a_partner_may_have_heard_of_grows()
        self.clock.move(1)
        publishing.publish_all(self.db, self.clock, sleep=lambda _: None)
        for harvester in self.harvesters:
            while harvester.busy:  # to the end of what it is at, and once more
                self.fetch(harvester)
            self.to_the_end(harvester)
            alive = {name for name, there in harvester.held.items() if there}
            wanted = self.truth(harvester.partner, harvester.set)
            assert alive == wanted, (harvester.partner, harvester.set, harvester.habit.name)


def books_of(db: Database) -> list[Book]:
    with db.read() as conn:
        rows = conn.execute(
            sa.select(offer.c.id, offer.c.public_id, offer.c.record_id).order_by(offer.c.id)
        ).all()
        versions: dict[int, dict[str, int]] = {}
        for row in conn.execute(
            sa.select(record_version.c.record_id, record_version.c.place, record_version.c.id)
        ):
            versions.setdefault(row.record_id, {})[row.place] = row.id
        lists = {each.public_id: each.list_slug for slug in LISTS for each in _on(conn, slug)}
    return [Book(i, name, lists[name], made, versions[made]) for i, name, made in rows]


def _on(conn: Connection, slug: str) -> list[Any]:
    from service.store.tables import offer_list

    rows = conn.execute(
        sa.select(offer.c.public_id, offer_list.c.slug.label("list_slug"))
        .join(offer_list, offer_list.c.id == offer.c.list_id)
        .where(offer_list.c.slug == slug)
    )
    return [*rows]


def prepare(db: Database, folder: Path) -> None:
    """Draw up the lists, with two titles on each; nobody is in a group and nothing is open."""
    site = make_site(db, folder)
    for code in PARTNERS:
        a_partner(site, code)
    for group in GROUPS:
        membership.add_audience(db, group, now=datetime.now(UTC))
    for slug, (first, *_) in LISTS.items():
        audience = "" if first == "public" else first
        offering.create_list(db, slug=slug, title=slug, audience=audience, now=site.now())
        for place in ("ja ", "ko "):  # the later one counts
            bring(
                site,
                *(a_record(f"{slug} {n}", number=f"{slug}-{n}", place=place) for n in range(BOOKS)),
                slug=slug,
            )
    publishing.publish_all(db, site.clock)
