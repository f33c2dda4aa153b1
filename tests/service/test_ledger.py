"""The ledger: entries only come, the sums are theirs, what is wrong has another against it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from service.domain.ledger import Direction, Entry, Event, Right, TotalKey
from service.domain.transfer import TransferKind
from service.errors import CallerError, Conflict, Invalid
from service.store import balances, ledger
from service.store.db import Connection, Database, DatabaseError
from service.store.tables import ledger_entry, ledger_total
from service.usecases import accounting, enrolling, membership, merging

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WHO = "staff:kim"


def a_partner(db: Database, code: str = "nagasaki", **more: Any) -> int:
    return membership.add_partner(db, code=code, name=code, now=NOW, **more).id


def entry(partner_id: int, key: str = "C1", **more: Any) -> Entry:
    values: dict[str, Any] = {
        "partner_id": partner_id,
        "direction": Direction.SENT,
        "kind": TransferKind.EXCHANGE,
        "event": Event.DISPATCH,
        "event_key": key,
        "on_date": date(2026, 3, 1),
        "titles": 10,
        "volumes": 12,
    }
    return Entry(**{**values, **more})


def write(db: Database, *entries: Entry) -> list[str]:
    with db.write() as conn:
        return ledger.write(conn, entries, by=WHO, now=NOW)


def counter(db: Database, event: Event, key: str) -> list[str]:
    with db.write() as conn:
        return ledger.counter(conn, event, key, by=WHO, now=NOW, reason="Counted twice")


Sums = dict[TotalKey, tuple[int, ...]]


def kept_sums(db: Database, ids: Sequence[int] | None = None) -> Sums:
    query = sa.select(ledger_total)
    if ids is not None:
        query = query.where(ledger_total.c.partner_id.in_(ids))
    with db.read() as conn:
        return {TotalKey(*row[:9]): tuple(row[9:]) for row in conn.execute(query)}


def true_sums(db: Database, ids: Sequence[int] | None = None) -> Sums:
    """The sums as they follow from the entries alone."""
    query = sa.select(ledger_entry)
    if ids is not None:
        query = query.where(ledger_entry.c.partner_id.in_(ids))
    with db.read() as conn:
        rows = {row.id: row for row in conn.execute(query)}
    found: dict[TotalKey, list[int]] = {}
    for row in rows.values():
        of = rows[row.counters] if row.counters else row
        opening = of.event == Event.OPENING.value
        key = TotalKey(
            *(getattr(row, name) if name != "opening" else opening for name in TotalKey._fields)
        )
        total = found.setdefault(key, [0, 0, 0, 0])
        for at, number in enumerate((1, row.titles, row.volumes, row.value)):
            total[at] += number
    return {key: tuple(total) for key, total in found.items()}


# --- one by one -----------------------------------------------------------------------------------


def test_an_entry_keeps_where_the_partner_was_then(db: Database) -> None:
    who = a_partner(db, city="Nagasaki", place="JP")
    write(db, entry(who))
    enrolling.change(db, "nagasaki", {"city": "Omura"}, by=WHO, now=NOW)
    write(db, entry(who, "C2"))
    cities = [(each.place, each.city) for each in accounting.list_entries(db, "nagasaki")]
    assert cities == [("JP", "Omura"), ("JP", "Nagasaki")]


def test_an_event_is_entered_once(db: Database) -> None:
    who = a_partner(db)
    write(db, entry(who), entry(who, "C1#2", titles=0, volumes=0, value=900, currency="KRW"))
    with pytest.raises(Conflict, match="DISPATCH of C1 is in the ledger"):
        write(db, entry(who, "C2"), entry(who))
    with pytest.raises(Conflict, match="DISPATCH of C3 is in the ledger"):
        write(db, entry(who, "C3"), entry(who, "C3"))
    assert [each.event_key for each in accounting.list_entries(db, "nagasaki")] == ["C1#2", "C1"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"titles": 3, "volumes": 2}, "volumes"),
        ({"titles": -1}, "titles"),
        ({"value": 5}, "currency"),
        ({"value": 5, "currency": "krw"}, "currency"),
        ({"event_key": ""}, "event_key"),
        ({"event_key": "C1#2#3"}, "event_key"),
        ({"event": Event.RETURN}, "titles"),
        ({"material": "MAP"}, "material"),
        ({"volumes": 2**40}, "volumes"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(
    sqlite_db: Database, wrong: dict[str, Any], field: str
) -> None:
    who = a_partner(sqlite_db)
    with pytest.raises(Invalid) as caught:
        write(sqlite_db, entry(who, **wrong))
    assert caught.value.field == field


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Any:
    database = Database(sqlite_url)
    yield database
    database.close()


def test_what_is_taken_back_counts_for_nothing_where_it_counted(db: Database) -> None:
    who = a_partner(db, city="Nagasaki", place="JP")
    write(
        db,
        entry(who, on_date=date(2024, 5, 1), value=700, currency="EUR"),
        entry(who, "C1#2", on_date=date(2024, 5, 1), titles=0, volumes=0, value=9, currency="KRW"),
        entry(who, "old", event=Event.OPENING, on_date=date(2019, 12, 31)),
    )
    enrolling.change(db, "nagasaki", {"city": "Omura"}, by=WHO, now=NOW)
    assert len(counter(db, Event.DISPATCH, "C1")) == 2
    assert len(counter(db, Event.OPENING, "old")) == 1
    sums = kept_sums(db)
    assert set(sums.values()) == {(2, 0, 0, 0)}
    assert {(key.year, key.city, key.opening) for key in sums} == {
        (2024, "Nagasaki", False),
        (2019, "Nagasaki", True),
    }
    assert sums == true_sums(db)


def test_an_entry_is_taken_back_once_and_what_takes_back_stays(db: Database) -> None:
    who = a_partner(db)
    [name] = write(db, entry(who))
    [back] = counter(db, Event.DISPATCH, "C1")
    assert counter(db, Event.DISPATCH, "C1") == []
    with pytest.raises(Conflict, match=f"taken back before, by {back}"):
        accounting.counter(db, name, reason="Again", by=WHO, now=NOW)
    with pytest.raises(Conflict, match="cannot be taken back itself"):
        accounting.counter(db, back, reason="Again", by=WHO, now=NOW)


def test_the_key_of_one_event_does_not_reach_that_of_another(db: Database) -> None:
    who = a_partner(db)
    write(db, entry(who, "C1"), entry(who, "C10"), entry(who, "C1", event=Event.ACCESSION))
    assert len(counter(db, Event.DISPATCH, "C1")) == 1
    with db.read() as conn:
        assert ledger.free_key(conn, Event.DISPATCH, "C1") == "C1#2"
        assert ledger.free_key(conn, Event.DISPATCH, "C2") == "C2"
        assert [each.event_key for each in ledger.of_event(conn, Event.DISPATCH, "C1")] == ["C1"]


_SECOND_COUNTER = (
    "INSERT INTO ledger_entry (public_id, partner_id, direction, kind, event, event_key, "
    "on_date, year, titles, volumes, counters, actor, created_at) SELECT 'X', partner_id, "
    "direction, kind, 'COUNTER', 'X', on_date, year, 0, 0, counters, actor, created_at "
    "FROM ledger_entry WHERE counters IS NOT NULL"
)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger_entry SET titles = 1", "DELETE FROM ledger_entry", _SECOND_COUNTER],
    ids=["update", "delete", "second counter"],
)
def test_the_database_itself_refuses_to_change_an_entry(db: Database, statement: str) -> None:
    who = a_partner(db)
    write(db, entry(who))
    counter(db, Event.DISPATCH, "C1")
    with pytest.raises(DatabaseError), db.write() as conn:
        conn.exec_driver_sql(statement)


def test_an_event_that_fails_leaves_neither_entry_nor_sum(db: Database) -> None:
    who = a_partner(db)

    def dispatch() -> None:
        with db.write() as conn:
            ledger.write(conn, [entry(who)], by=WHO, now=NOW)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        dispatch()
    assert kept_sums(db) == {} == true_sums(db)


def test_what_is_entered_for_a_merged_entry_is_the_survivors(db: Database) -> None:
    old, new = a_partner(db, "ubc"), a_partner(db, "ulaanbaatar")
    write(db, entry(old))
    merging.merge(db, "ubc", "ulaanbaatar", by=WHO, now=NOW)
    write(db, entry(old, "C2"))
    counter(db, Event.DISPATCH, "C1")
    with db.read() as conn:
        owners = conn.execute(
            sa.select(ledger_entry.c.event_key, ledger_entry.c.partner_id)
            .where(ledger_entry.c.event == "DISPATCH")
            .order_by(ledger_entry.c.id)
        ).all()
        assert balances.owners(conn, new) == [old, new]
    assert [tuple(row) for row in owners] == [("C1", old), ("C2", new)]
    assert kept_sums(db) == true_sums(db)
    codes = [each.partner_code for each in accounting.list_entries(db, "ulaanbaatar")]
    assert codes == ["ubc", "ulaanbaatar", "ubc"]  # the last written first: the counter is ubc's


# --- at once --------------------------------------------------------------------------------------


def together(*actions: Any) -> list[BaseException]:
    """Do all at the same moment; return what went wrong."""
    start = threading.Barrier(len(actions))
    wrong: list[BaseException] = []

    def run(action: Any) -> None:
        start.wait()
        try:
            action()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in actions]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return wrong


def test_events_of_the_same_partners_at_once_do_not_wait_in_a_ring(db: Database) -> None:
    one, other = a_partner(db, "ara"), a_partner(db, "bela")

    def several(name: str, order: Sequence[int]) -> None:
        for n in range(8):
            write(db, *(entry(who, f"{name}.{n}.{who}", titles=n, volumes=n) for who in order))

    assert together(lambda: several("a", [one, other]), lambda: several("b", [other, one])) == []
    assert kept_sums(db) == true_sums(db)
    assert sum(total[0] for total in kept_sums(db).values()) == 32


def test_of_two_who_take_an_entry_back_at_once_one_does(db: Database) -> None:
    who = a_partner(db)
    [name] = write(db, entry(who))

    def take() -> None:
        accounting.counter(db, name, reason="Twice", by=WHO, now=NOW)

    [refused] = together(take, take)
    assert isinstance(refused, Conflict)
    assert kept_sums(db) == true_sums(db)
    assert {total[1] for total in kept_sums(db).values()} == {0}


# --- whatever is done -----------------------------------------------------------------------------

_figures = st.integers(0, 500).flatmap(
    lambda titles: st.tuples(st.just(titles), st.integers(titles, 700), st.integers(0, 9000))
)


class LedgerMachine(RuleBasedStateMachine):
    """Three partners, of whom one may be merged, events, and people who put things right."""

    db: ClassVar[Database]
    begun: ClassVar[Counter[str]] = Counter()

    @initialize()
    def begin(self) -> None:
        self.begun["examples"] += 1
        self.codes = [f"p{self.begun['examples']}-{n}" for n in range(3)]
        self.ids = {code: a_partner(self.db, code, place="KR") for code in self.codes}
        self.written: list[str] = []
        self.keys: list[tuple[Event, str]] = []
        self.expected = {code: Counter[str]() for code in self.codes}
        self.merged = False

    @rule(
        figures=st.lists(_figures, min_size=1, max_size=4),
        event=st.sampled_from([Event.DISPATCH, Event.ACCESSION, Event.RETURN, Event.OPENING]),
        kind=st.sampled_from(TransferKind),
        currency=st.sampled_from(["", "KRW", "EUR"]),
        year=st.integers(2019, 2022),
        who=st.integers(0, 2),
    )
    def something_happens(
        self,
        figures: list[tuple[int, int, int]],
        event: Event,
        kind: TransferKind,
        currency: str,
        year: int,
        who: int,
    ) -> None:
        direction = Direction.RECEIVED if event is Event.ACCESSION else Direction.SENT
        sign = -1 if event is Event.RETURN else 1
        made = []
        for n, (titles, volumes, value) in enumerate(figures):
            code = self.codes[(who + n) % 3]
            self.begun["events"] += 1
            made.append(
                entry(
                    self.ids[code],
                    f"E{self.begun['events']}",
                    event=event,
                    direction=direction,
                    kind=kind,
                    on_date=date(year, 6, 1),
                    titles=sign * titles,
                    volumes=sign * volumes,
                    value=sign * value if currency else 0,
                    currency=currency,
                )
            )
            self._expect(code, direction, sign * volumes)
        self.written += write(self.db, *made)
        self.keys += [(each.event, each.event_key) for each in made]

    def _expect(self, code: str, direction: Direction, volumes: int) -> None:
        if self.merged and code == self.codes[0]:
            code = self.codes[1]
        self.expected[code][direction.value] += volumes

    @rule(which=st.integers(0, 10**6), instead=st.none() | _figures)
    def somebody_puts_one_right(self, which: int, instead: tuple[int, int, int] | None) -> None:
        if not self.written:
            return
        name = self.written[which % len(self.written)]
        right = None if instead is None else Right(instead[0], instead[1])
        before = true_sums(self.db, list(self.ids.values()))
        was = accounting.show_entry(self.db, name)
        try:
            made = accounting.counter(self.db, name, reason="R", instead=right, by=WHO, now=NOW)
        except CallerError:
            assert true_sums(self.db, list(self.ids.values())) == before
            return
        assert was.countered_by is None
        self.written += [each.public_id for each in made]
        for each in made:
            self._expect(each.partner_code, each.direction, each.volumes)

    @rule(which=st.integers(0, 10**6))
    def an_event_is_undone(self, which: int) -> None:
        if not self.keys:
            return
        for name in counter(self.db, *self.keys[which % len(self.keys)]):
            each = accounting.show_entry(self.db, name)
            self.written.append(name)
            self._expect(each.partner_code, each.direction, each.volumes)

    @rule(which=st.integers(0, 10**6))
    def an_event_comes_twice(self, which: int) -> None:
        if not self.keys:
            return
        event, key = self.keys[which % len(self.keys)]
        figures = (-1, -1) if event is Event.RETURN else (1, 1)
        again = entry(
            self.ids[self.codes[2]], key, event=event, titles=figures[0], volumes=figures[1]
        )
        with pytest.raises(Conflict):
            write(self.db, again)

    @rule(city=st.sampled_from(["Busan", "Osaka"]), who=st.integers(1, 2))
    def a_library_moves(self, city: str, who: int) -> None:
        enrolling.change(self.db, self.codes[who], {"city": city}, by=WHO, now=NOW)

    @rule()
    def two_entries_are_merged(self) -> None:
        if not self.merged:
            self.merged = True
            old, new = self.codes[:2]
            merging.merge(self.db, old, new, by=WHO, now=NOW)
            self.expected[new].update(self.expected.pop(old))

    @invariant()
    def the_sums_are_those_of_the_entries(self) -> None:
        ids = list(getattr(self, "ids", {}).values())
        assert kept_sums(self.db, ids) == true_sums(self.db, ids)

    @invariant()
    def the_balance_is_what_happened(self) -> None:
        for code, volumes in getattr(self, "expected", {}).items():
            found = accounting.show(self.db, code, NOW)
            assert found.sent.volumes == volumes["SENT"]
            assert found.received.volumes == volumes["RECEIVED"]


def run(db: Database, examples: int = 4) -> None:
    machine: Any = type("Machine", (LedgerMachine,), {"db": db, "begun": Counter()})
    how = settings(
        max_examples=examples,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=how)


def test_the_sums_are_those_of_the_entries_whatever_is_done(db: Database) -> None:
    run(db)


def _forgetful(conn: Connection, rows: Any) -> None:
    """Enter rows, and forget the sums of those that take others back."""
    _enter(conn, [each for each in rows if each[0].counters is None])
    back = [each for each, _ in rows if each.counters is not None]
    ledger.bulk.insert(conn, ledger_entry, ledger._Row._fields, back)


def _careless(conn: Connection, rows: Any) -> None:
    """Let what takes opening balances back count among the events of the year."""
    _enter(conn, [(row, opening and row.counters is None) for row, opening in rows])


_enter = ledger._enter


@pytest.mark.parametrize("naive", [_forgetful, _careless])
def test_the_machine_catches_sums_that_lose_something(
    sqlite_db: Database, naive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_enter", naive)
    with pytest.raises(AssertionError):
        run(sqlite_db, 12)
