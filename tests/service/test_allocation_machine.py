"""Whatever is done to a list, in whatever order, no copy is given twice and nobody lacks a reason.

People plan, plan anew and confirm step by step; partners withdraw, decline, accept, or let time
pass; one is suspended. After each of it the same must hold (``Scene.check``). Without the guards
of the use-cases it must fail: three faults are put in, and found.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from service.domain import allocation as rules
from service.domain.allocation import TRANSITIONS, AllocationPolicy, AllocationState, RunState
from service.domain.partner import PartnerState
from service.errors import Conflict, NotFound
from service.store import allocation_steps, transfers
from service.store.db import Database
from service.store.tables import allocation, partner, wish
from service.usecases import allocating, confirming
from tests.service.allocation_scene import LIST, a_scene
from tests.service.builders import HandClock, make_site

pytestmark = pytest.mark.slow

PARTNERS = ("a", "b", "c", "d")
TITLES = ("One", "Two", "Set")
partners = st.sampled_from(PARTNERS)
titles = st.sampled_from(TITLES)
# What may follow what, within one act: a copy that is passed on and asked about takes two steps.
_FOLLOWS = {(begin, end) for begins, end in TRANSITIONS.values() for begin in begins}
_FOLLOWS |= {(a, d) for a, b in _FOLLOWS for c, d in _FOLLOWS if b is c}


class _Machine(RuleBasedStateMachine):
    """Four partners, three titles; the base of the machine over one kind of database."""

    make: Callable[[], Database]
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.db = type(self).make()
        self.scene = a_scene(make_site(self.db, self.folder, HandClock()))
        self.seen: dict[tuple[int, int], AllocationState] = {}
        self.run = ""

    def teardown(self) -> None:
        self.db.close()

    @initialize(
        wishes=st.lists(
            st.tuples(partners, titles, st.integers(1, 2), st.booleans()),
            min_size=4,
            max_size=12,
            unique_by=lambda each: each[:2],
        ),
        copies=st.integers(1, 2),
    )
    def begin(self, wishes: list[tuple[str, str, int, bool]], copies: int) -> None:
        self.scene.titles("One", copies=copies)
        self.scene.titles("Two")
        self.scene.titles("Set", volumes=5)
        for code in PARTNERS:
            self.scene.partner(code, place="KR" if code in "ab" else "MN")
        for code, title, quantity, differs in wishes:
            outcome = "matched" if differs else "registered"
            self.scene.wish(code, title, quantity=quantity, outcome=outcome)

    # --- what people do ---------------------------------------------------------------------------

    @rule(policy=st.sampled_from(AllocationPolicy), seed=st.sampled_from(["", "1", "2"]))
    def plan(self, policy: AllocationPolicy, seed: str) -> None:
        with suppress(Conflict):
            self.scene.plan(policy, seed)

    @rule(steps=st.integers(1, 3))
    def confirm_in_part(self, steps: int) -> None:
        left = steps

        def step(_: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise KeyboardInterrupt

        with suppress(Conflict, NotFound, KeyboardInterrupt):
            confirming.confirm(self.db, LIST, self.scene.site.now, by="staff:hana", on_step=step)

    @rule()
    def confirm(self) -> None:
        with suppress(Conflict, NotFound):
            self.scene.confirm()

    @rule(code=partners, line=st.integers(1, 3))
    def withdraw_wish(self, code: str, line: int) -> None:
        if code in self.scene.lists:
            self.scene.withdraw_wish(code, line)

    @rule(code=partners, title=titles)
    def decline(self, code: str, title: str) -> None:
        with suppress(Conflict, NotFound, ValueError):
            self.scene.decline(code, title)

    @rule(code=partners, title=titles)
    def accept(self, code: str, title: str) -> None:
        with suppress(Conflict, NotFound, ValueError):
            self.scene.accept(code, title)

    @rule(days=st.sampled_from([1, 14]))
    def wait(self, days: int) -> None:
        assert isinstance(self.scene.site.clock, HandClock)
        self.scene.site.clock.move(timedelta(days=days).total_seconds())
        self.scene.expire()
        confirming.go_on(self.db, self.scene.site.now)

    @rule(code=partners, state=st.sampled_from(PartnerState))
    def suspend_or_not(self, code: str, state: PartnerState) -> None:
        self.scene.set(partner, partner.c.code == code, state=state.value)

    @rule(code=partners, bound=st.sampled_from([None, 1, 2]))
    def bound(self, code: str, bound: int | None) -> None:
        self.scene.partner(code, per_list=bound)

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def nothing_is_given_twice_or_without_a_reason(self) -> None:
        self.scene.check()

    @invariant()
    def no_state_is_skipped(self) -> None:
        with self.db.read() as conn:
            rows = conn.execute(sa.select(allocation)).all()
            open_wishes = {
                tuple(row)
                for row in conn.execute(
                    sa.select(wish.c.wish_list_id, wish.c.line_no).where(wish.c.state == "OPEN")
                )
            }
        try:
            run = self.scene.shown().run
        except NotFound:
            return
        if run.public_id != self.run:
            self.seen, self.run = {}, run.public_id
        for row in rows:
            key, state = (row.run_id, row.position), AllocationState(row.state)
            before = self.seen.get(key, AllocationState.PROPOSED)
            assert before is state or (before, state) in _FOLLOWS, (before, state)
            self.seen[key] = state
            if run.finished_at and state is not AllocationState.OFFERED:
                assert (row.wish_list_id, row.line_no) not in open_wishes

    @invariant()
    def what_was_kept_decides_alike(self) -> None:
        with suppress(NotFound):
            if self.scene.shown().run.state is not RunState.PLANNING:
                assert allocating.replay(self.db, LIST) == []


def machine(make: Callable[[], Database], folder: Path) -> type[_Machine]:
    """Return the machine over databases that ``make`` makes."""
    return type("Machine", (_Machine,), {"make": staticmethod(make), "folder": folder})


def run(found: type[_Machine], examples: int, steps: int = 14) -> None:
    run_state_machine_as_test(
        found,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def on_sqlite(tmp_path: Path, sqlite_template: Path) -> type[_Machine]:
    def make() -> Database:
        path = tmp_path / "machine.sqlite3"
        for each in tmp_path.glob("machine.sqlite3*"):
            each.unlink()
        shutil.copy(sqlite_template, path)
        return Database(f"sqlite:///{path}")

    return machine(make, tmp_path)


def test_nothing_goes_wrong_whatever_is_done_in_whatever_order(
    on_sqlite: type[_Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirming, "_AT_ONCE", 3)
    run(on_sqlite, 12)


def test_nor_on_postgresql(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if db.is_sqlite:
        pytest.skip("that is the test above")
    monkeypatch.setattr(confirming, "_AT_ONCE", 3)

    def make() -> Database:
        with db.write() as conn:
            # What only grows is emptied as well: its triggers are not asked.
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
            conn.exec_driver_sql("DO $$ BEGIN EXECUTE (" + _EMPTY + "); END $$")
        return Database(db.url.render_as_string(hide_password=False))

    run(machine(make, tmp_path), 5)


_EMPTY = (
    "SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' CASCADE' "
    "FROM pg_tables WHERE schemaname = 'public' "
    "AND tablename NOT IN ('alembic_version', 'audience', 'feed_clock', 'audit_entry')"
)


# --- teeth ----------------------------------------------------------------------------------------


def _keeps_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation_steps, "put_back", lambda *_: None)


def _keeps_the_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "retract", lambda *_: None)


def _tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation_steps, "_tell", lambda *_: None)


def _lets_nobody_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "after", lambda *_: AllocationState.FULFILLED)


_FAULTS = [_keeps_the_copy, _keeps_the_transfer, _tells_nobody, _lets_nobody_leave]


@pytest.mark.parametrize("fault", [None, *_FAULTS])
def test_a_fault_is_found(
    on_sqlite: type[_Machine],
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[pytest.MonkeyPatch], None] | None,
) -> None:
    found = on_sqlite()
    wishes = [("a", "One", 1, False), ("b", "One", 1, False), ("b", "Two", 1, True)]
    found.begin(wishes, 1)
    found.plan(AllocationPolicy.FIRST_COME, "1")
    found.no_state_is_skipped()
    if fault is not None:
        fault(monkeypatch)
    try:
        found.confirm()
        found.no_state_is_skipped()
        found.decline("a", "One")
        found.nothing_is_given_twice_or_without_a_reason()
        found.no_state_is_skipped()
    except AssertionError:
        assert fault is not None
    else:
        assert fault is None, "it was not found"
    finally:
        found.teardown()
