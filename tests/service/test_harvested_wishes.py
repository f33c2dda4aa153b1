"""A partner's own wish list, harvested as a set: what it says is what it wishes for, no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from marc_mappings import marcxml, oai_dc
from marc_mappings.record import Field, Record, Subfield
from oai import containers
from oai.fetching import Patience
from service import worker
from service.domain import wish_record
from service.domain.harvest import HARVEST
from service.domain.partner import PartnerState
from service.domain.source import SourceKind
from service.domain.wish import Outcome, WishLine, WishList, WishState
from service.domain.wish_cells import Names
from service.store import jobs
from service.store.db import Database
from service.usecases import (
    enrolling,
    harvested_wishes,
    harvesting,
    membership,
    offering,
    ordering_harvests,
    reading_sources,
    subscribing,
    wishing,
)
from service.usecases.site import Site
from tests.oai.hostile import Site as Provider
from tests.oai.hostile import serving
from tests.oai.memory import Item, Memory, identifier_of
from tests.service.builders import HandClock, a_partner, a_record, bring, make_site, open_list, work

ISBNS = ("9788936433598", "9780306406157", "9788932473901")
AT_ONCE = Patience(tries=2, first=0.0, longest=0.0, longest_asked=0.0, connect=2.0, read=2.0)
NAMES = Names("bookbridge.example.org", "http://127.0.0.1:8080")


@dataclass
class Wished:
    """A site that harvests the wishes of Nagasaki, and Nagasaki's provider of them."""

    site: Site
    memory: Memory
    done: list[str] = field(default_factory=list)

    def say(self, number: int, record: Record | None, *, prefixes: str = "oai_dc marc21") -> None:
        """Let the provider's set hold this record under this number; None deletes it."""
        self.memory.clock += 1
        before = self.memory.items.get(identifier_of(number))
        made = {"oai_dc": oai_dc.write, "marc21": marcxml.write}
        renditions = (
            {prefix: made[prefix](record) for prefix in prefixes.split()}
            if record is not None
            else before.renditions
            if before is not None
            else {}
        )
        self.memory.items[identifier_of(number)] = Item(
            number, self.memory.clock, (), renditions, deleted=record is None
        )

    def forget(self, number: int) -> None:
        """Let the provider's set not hold this number any more, and say nothing of it."""
        del self.memory.items[identifier_of(number)]

    def harvest(self, **how: bool) -> None:
        ordering_harvests.begin(self.site.db, "wishes", now=self.site.now(), **how)  # type: ignore[arg-type]
        work(self.site)
        standing = reading_sources.find_source(self.site.db, "wishes")
        assert standing.harvest is not None
        assert standing.harvest.state == "DONE", standing.harvest.error

    def lists(self) -> list[WishList]:
        found = wishing.list_wish_lists(self.site.db, None, "", 1000)
        return [wishing.show(self.site.db, each.public_id, None) for each in reversed(found)]

    def lines(self) -> list[tuple[str, Outcome, WishState]]:
        return [
            (line.line, line.outcome, line.state) for each in self.lists() for line in each.lines
        ]

    def open(self) -> list[str]:
        """Return what is wished for at present."""
        return [line for line, _, state in self.lines() if state is WishState.OPEN]


def the_book(number: int, title: str = "") -> Record:
    return a_record(title or f"Book {number}", isbn=ISBNS[number])


@pytest.fixture
def wished(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wished]:
    at_once = partial(harvesting.work, patience=AT_ONCE, sleep=lambda _: None)
    monkeypatch.setitem(worker.CALLING, HARVEST, at_once)
    provider = Provider(Memory())
    provider.memory.clock += 10_000
    with serving(provider) as url:
        yield _subscribed(make_site(db, tmp_path, reachable_networks="127.0.0.0/8"), provider, url)


def _subscribed(site: Site, provider: Provider, url: str) -> Wished:
    a_partner(site, "nagasaki")
    subscribing.add_source(
        site,
        name="wishes",
        partner_code="nagasaki",
        url=url,
        kind=SourceKind.WISHES,
        prefix="marc21",
        now=site.now(),
    )
    open_list(site)
    bring(site, the_book(0), the_book(1))
    return Wished(site, provider.memory)


# --- a record is a wish ---------------------------------------------------------------------------


def read(record: Record, prefix: str = "marc21") -> WishLine:
    made = {"oai_dc": oai_dc.write, "marc21": marcxml.write}
    return wish_record.read(7, made[prefix](record), NAMES)


@pytest.mark.parametrize("prefix", ["marc21", "oai_dc"])
def test_a_record_is_looked_for_by_its_numbers(prefix: str) -> None:
    line = read(the_book(0), prefix)
    assert (line.line_no, line.text, line.problem) == (7, "Book 0", "")
    assert ("isbn", ISBNS[0]) in [tuple(key) for key in line.keys]


@pytest.mark.parametrize(
    ("tag", "code", "text"),
    [
        ("035", "a", "oai:bookbridge.example.org:offer/01JZ0000000000000000000000"),
        ("024", "a", "oai:bookbridge.example.org:offer/01jz0000000000000000000000"),
        ("856", "u", "http://127.0.0.1:8080/offers/01JZ0000000000000000000000"),
    ],
)
def test_a_record_that_names_an_offer_of_ours_asks_for_just_that(
    tag: str, code: str, text: str
) -> None:
    named = Field(tag, "  ", (Subfield(code, text),))
    elsewhere = Field("856", "40", (Subfield("u", "https://elsewhere.example.org/1"),))
    assert read(a_record(isbn=ISBNS[0], extra=(elsewhere, named))).offer == "01JZ" + "0" * 22


def test_dublin_core_that_names_an_offer_of_ours_asks_for_just_that() -> None:
    named = Field("856", "40", (Subfield("u", "http://127.0.0.1:8080/offers/01JZ" + "0" * 22),))
    assert read(a_record(isbn=ISBNS[0], extra=(named,)), "oai_dc").offer == "01JZ" + "0" * 22


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<mods xmlns='http://www.loc.gov/mods/v3'/>",
        b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        containers.set_description("12"),
        b"<record xmlns='http://www.loc.gov/MARC21/slim'><leader>",
    ],
)
def test_what_is_no_wish_is_a_line_that_says_why(content: bytes) -> None:
    line = wish_record.read(1, content, NAMES)
    assert line.problem
    assert not line.keys


# --- a set is a wish list -------------------------------------------------------------------------


def test_every_record_of_the_set_becomes_a_wish_and_is_answered(wished: Wished) -> None:
    for number in range(3):
        wished.say(number, the_book(number))
    wished.say(3, a_record("…"))
    wished.harvest()
    assert wished.lines() == [
        ("Book 0", Outcome.REGISTERED, WishState.OPEN),
        ("Book 1", Outcome.REGISTERED, WishState.OPEN),
        ("Book 2", Outcome.WAITING, WishState.OPEN),
        ("…", Outcome.INVALID, WishState.ANSWERED),
    ]
    (received,) = wished.lists()
    assert (received.partner_code, received.list_key, received.total, received.answered) == (
        "nagasaki",
        "wishes",
        4,
        4,
    )
    assert received.state == "answered"


def test_the_same_record_again_changes_nothing(wished: Wished) -> None:
    wished.say(0, the_book(0))
    wished.harvest()
    before = wished.lists()
    wished.harvest()
    wished.say(0, the_book(0))
    wished.harvest(full=True)
    assert wished.lists() == before


def test_a_changed_record_takes_the_place_of_its_wish_and_keeps_its_turn(wished: Wished) -> None:
    wished.say(0, the_book(0))
    wished.say(1, the_book(1))
    wished.harvest()
    assert isinstance(wished.site.clock, HandClock)
    wished.site.clock.move(86_400)
    wished.say(0, the_book(0, "Book 0, better described"))
    wished.say(1, the_book(2, "Another book"))
    wished.harvest()
    assert wished.lines() == [
        ("Book 0", Outcome.REGISTERED, WishState.REPLACED),
        ("Book 1", Outcome.REGISTERED, WishState.REPLACED),
        ("Book 0, better described", Outcome.REGISTERED, WishState.OPEN),
        ("Another book", Outcome.WAITING, WishState.OPEN),
    ]
    with wished.site.db.read() as conn:
        since = conn.exec_driver_sql(
            "SELECT wish_list_id, line, wished_at FROM wish ORDER BY wish_list_id, line_no"
        ).all()
    assert since[0].wished_at == since[2].wished_at, "the same thing keeps its turn"
    assert since[1].wished_at != since[3].wished_at, "another thing is a new wish"


def test_a_deleted_record_withdraws_its_wish(wished: Wished) -> None:
    wished.say(0, the_book(0))
    wished.say(1, the_book(1))
    wished.harvest()
    wished.say(0, None)
    wished.harvest()
    assert wished.open() == ["Book 1"]
    wished.say(0, the_book(0))
    wished.harvest()
    assert sorted(wished.open()) == ["Book 0", "Book 1"]


def test_what_a_full_list_does_not_name_any_more_is_withdrawn(wished: Wished) -> None:
    for number in range(3):
        wished.say(number, the_book(number))
    wished.harvest()
    wished.forget(1)
    wished.harvest()
    assert len(wished.open()) == 3, "a list of changes says nothing of what it does not name"
    wished.site.clock.move(10)  # type: ignore[attr-defined]
    ordering_harvests.begin(
        wished.site.db, "wishes", full=True, accept_vanished=True, now=wished.site.now()
    )
    work(wished.site)
    assert sorted(wished.open()) == ["Book 0", "Book 2"]


def test_two_records_for_one_thing_are_one_wish_until_the_first_goes(wished: Wished) -> None:
    wished.say(0, the_book(0))
    wished.say(1, the_book(0, "Book 0 again"))
    wished.harvest()
    assert wished.lines() == [
        ("Book 0", Outcome.REGISTERED, WishState.OPEN),
        ("Book 0 again", Outcome.DUPLICATE, WishState.ANSWERED),
    ]
    wished.harvest()
    assert len(wished.lists()) == 1, "an answer that is the same is not given again"
    wished.say(0, None)
    wished.harvest()
    wished.harvest(full=True)
    assert wished.open() == ["Book 0 again"]


def test_a_suspended_partner_is_answered_anew_when_the_exchange_goes_on(wished: Wished) -> None:
    enrolling.set_state(
        wished.site.db, "nagasaki", PartnerState.SUSPENDED, by="test", now=wished.site.now()
    )
    wished.say(0, the_book(0))
    wished.harvest()
    assert wished.open() == []
    enrolling.set_state(
        wished.site.db, "nagasaki", PartnerState.ACTIVE, by="test", now=wished.site.now()
    )
    wished.harvest()
    assert wished.open() == ["Book 0"]


def test_a_wish_that_the_partner_took_back_elsewhere_stays_withdrawn(wished: Wished) -> None:
    wished.say(0, the_book(0))
    wished.harvest()
    (received,) = wished.lists()
    partner = membership.find_partner(wished.site.db, "nagasaki")
    wishing.withdraw(wished.site.db, partner, received.public_id, received.lines[0].line_no)
    wished.harvest(full=True)
    assert wished.open() == []


def test_dublin_core_will_do(wished: Wished) -> None:
    with wished.site.db.write() as conn:
        conn.exec_driver_sql("UPDATE source SET prefix = 'oai_dc'")
    for number in range(2):
        wished.say(number, the_book(number), prefixes="oai_dc")
    wished.harvest()
    assert wished.open() == ["Book 0", "Book 1"]


# --- interruptions --------------------------------------------------------------------------------


class Killed(BaseException):
    """The worker ended here."""


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_worker_that_is_killed_goes_on_where_it_was(
    wished: Wished, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(harvested_wishes, "_STEP", 1)
    for number in range(3):
        wished.say(number, the_book(number))
    whole, calls = jobs.advance, iter(range(100))

    def dying(conn: object, held: jobs.Job, *rest: object) -> None:
        whole(conn, held, *rest)  # type: ignore[arg-type]
        if held.kind == "take_harvested_wishes" and next(calls) >= step:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "advance", dying)
        with pytest.raises(Killed):
            wished.harvest()
    assert len(wished.open()) == step
    wished.site.clock.move(jobs.LEASE.total_seconds() + 1)  # type: ignore[attr-defined]
    work(wished.site)
    assert wished.open() == ["Book 0", "Book 1", "Book 2"]
    (received,) = wished.lists()
    assert (received.total, received.answered, received.state) == (3, 3, "answered")


def test_a_second_harvest_waits_for_nobody_and_loses_nothing_of_the_first(wished: Wished) -> None:
    """The records of a harvest are kept until its wishes are read, however late that is."""
    wished.say(0, the_book(0))
    ordering_harvests.begin(wished.site.db, "wishes", now=wished.site.now())
    _only(wished.site, HARVEST)
    wished.say(1, the_book(1))
    ordering_harvests.begin(wished.site.db, "wishes", now=wished.site.now())
    _only(wished.site, HARVEST)
    work(wished.site)
    assert sorted(wished.open()) == ["Book 0", "Book 1"]


def _only(site: Site, kind: str) -> None:
    """Let a worker do the jobs of one kind."""
    with site.db.read() as conn:
        rows = conn.exec_driver_sql(
            f"SELECT id FROM job WHERE kind = '{kind}' AND state = 'WAITING'"  # noqa: S608
        ).all()
    for (job_id,) in rows:
        held = worker.lease(site, job_id)
        assert held is not None
        assert worker.work(site, held, lambda *_: None)


# --- whatever happens -----------------------------------------------------------------------------


class SetOfWishes(RuleBasedStateMachine):
    """Whatever a provider says in whatever order, our wishes are what its set holds."""

    wished: Wished
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[int, int] = {}
        type(self).wished = type(self).fresh()

    fresh: staticmethod[[], Wished]

    @rule(number=st.integers(0, 3), book=st.integers(0, 2))
    def say(self, number: int, book: int) -> None:
        self.said[number] = book
        self.wished.say(number, the_book(book))

    @rule(number=st.integers(0, 3))
    def delete(self, number: int) -> None:
        if number in self.said:
            del self.said[number]
            self.wished.say(number, None)

    @rule(full=st.booleans())
    def harvest(self, *, full: bool) -> None:
        self.wished.harvest(full=full, accept_vanished=full)
        # A duplicate of a wish that went in this very harvest is answered anew by the next one.
        self.wished.harvest(full=True, accept_vanished=True)
        assert sorted(self.wished.open()) == sorted({f"Book {book}" for book in self.said.values()})

    @invariant()
    def one_wish_for_one_thing(self) -> None:
        assert len(self.wished.open()) == len(set(self.wished.open()))


def test_wishes_are_what_the_set_holds_whatever_was_said(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = partial(harvesting.work, patience=AT_ONCE, sleep=lambda _: None)
    monkeypatch.setitem(worker.CALLING, HARVEST, at_once)
    databases: list[Database] = []
    provider = Provider(Memory())
    with serving(provider) as url:

        def fresh() -> Wished:
            path = tmp_path / f"{len(databases)}.sqlite3"
            path.write_bytes(sqlite_template.read_bytes())
            databases.append(Database(f"sqlite:///{path}"))
            provider.memory = Memory(clock=provider.memory.clock + 10_000)
            site = make_site(databases[-1], tmp_path, reachable_networks="127.0.0.0/8")
            return _subscribed(site, provider, url)

        monkeypatch.setattr(SetOfWishes, "fresh", staticmethod(fresh), raising=False)
        case = SetOfWishes.TestCase
        case.settings = hypothesis_settings(max_examples=8, stateful_step_count=8, deadline=None)
        case().runTest()
    for database in databases:
        database.close()


def test_without_the_wish_that_stands_a_record_would_be_wished_for_twice(wished: Wished) -> None:
    """Show that what is kept beside the identifier is what the tests above rest on."""
    wished.say(0, the_book(0))
    wished.harvest()
    with wished.site.db.write() as conn:
        conn.exec_driver_sql(
            "UPDATE harvested SET wish_list_id = NULL, line_no = NULL, digest = NULL"
        )
    wished.say(0, the_book(2))
    wished.harvest()
    assert len(wished.open()) == 2
    assert offering.browse(wished.site.db, None)
