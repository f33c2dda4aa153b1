"""Whatever people and calendars do to an agreement in whatever order, it lives as it should.

People move it, amend it, suspend it and come too late; days pass one by one or by the year; two
workers look at the same moment and move what they saw. No state is skipped, and of the end of a
term its party is warned once. A worker that moves what it saw without looking again is caught.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from service.domain import agreement as rules
from service.domain.agreement import TRANSITIONS, Agreement, AgreementAction, AgreementState
from service.domain.audit_entry import WORKER
from service.errors import CallerError, Conflict, WrongValues
from service.store import agreements, audit_log
from service.store.db import Connection, Database
from service.usecases import (
    agreeing,
    holding_agreements,
    membership,
    moving_agreements,
    notifying,
    reading_agreements,
)
from tests.service.agreement_terms import SHANGHAI

pytestmark = pytest.mark.slow

Move = Callable[[Connection, Agreement, datetime], object]
_ALLOWED = {(begin, target) for begins, target in TRANSITIONS.values() for begin in begins}
_BY_HAND = [action for action in AgreementAction if action not in rules.BY_CALENDAR]
# Seldom the end of all, so that most agreements live long enough to be warned of it.
_OFTEN = [action for action in _BY_HAND if action is not AgreementAction.TERMINATE] * 4 + _BY_HAND


def careful(conn: Connection, seen: Agreement, now: datetime) -> object:
    """Move an agreement as our worker does: it looks again before it moves anything."""
    return moving_agreements.advance(conn, agreements.lock(conn, seen.id), now)


def careless(conn: Connection, seen: Agreement, now: datetime) -> object:
    """Move an agreement as it was seen before, whatever became of it."""
    action = rules.due(seen.state, seen.terms, now.date())
    if action is None:
        return None
    here = agreements.by_id(conn, seen.id)
    new = replace(here, state=rules.after(action, seen.state))
    agreements.put(conn, here, new)
    holding_agreements.log(conn, action.value, here, new, WORKER, now)
    moving_agreements._tell(conn, seen, new, action, now)
    return new


class AgreementMachine(RuleBasedStateMachine):
    """One agreement, the people and the workers at it."""

    template: ClassVar[Path]
    move: ClassVar[Move] = staticmethod(careful)

    @initialize(renews=st.booleans(), signed=st.booleans(), months=st.sampled_from([1, 3, 12, 36]))
    def begin(self, renews: bool, signed: bool, months: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "b.sqlite3")
        self.db = Database(f"sqlite:///{self.folder}/b.sqlite3")
        self.now = datetime(2025, 1, 15, 12, tzinfo=UTC)
        self.partner = membership.add_partner(self.db, code="shanghai", name="S", now=self.now)
        terms = SHANGHAI | {"renews": renews, "term_months": months}
        made = agreeing.draw_up(self.db, terms, signed=signed, by="staff:a", now=self.now)
        self.name = made.public_id

    @property
    def agreement(self) -> Agreement:
        return reading_agreements.find(self.db, self.name).agreement

    @rule(action=st.sampled_from(_OFTEN), late=st.booleans())
    def somebody_moves_it(self, action: AgreementAction, late: bool) -> None:
        before = self.agreement
        seen = before.revision - late
        refused: CallerError | None = None
        try:
            moving_agreements.move(
                self.db, self.name, action, seen=seen, by="staff:a", now=self.now, reason="R"
            )
        except CallerError as error:
            refused = error
        possible = before.state in TRANSITIONS[action][0]
        if refused is None:
            assert possible
            assert not late
        else:
            assert self.agreement == before
            assert not (isinstance(refused, Conflict) and possible)

    @rule(days=st.integers(1, 200))
    def somebody_amends_its_end(self, days: int) -> None:
        before = self.agreement
        if before.terms.ends_on is None:
            return
        given = {"ends_on": before.terms.ends_on + timedelta(days)}
        try:
            agreeing.change(self.db, self.name, given, by="staff:a", now=self.now, reason="Letter")
        except (Conflict, WrongValues):
            assert self.agreement == before

    @rule(days=st.sampled_from([1, 7, 30, 89, 90, 91, 400]), workers=st.integers(0, 3))
    def days_pass_and_workers_look_at_once(self, days: int, workers: int) -> None:
        self.now += timedelta(days)
        seen = [self.agreement] * workers
        for each in seen:
            with self.db.write() as conn:
                type(self).move(conn, each, self.now)
        if workers and type(self).move is careful:
            found = self.agreement
            assert rules.due(found.state, found.terms, self.now.date()) is None

    @invariant()
    def no_state_is_skipped(self) -> None:
        if not hasattr(self, "name"):
            return
        with self.db.read() as conn:
            entries = audit_log.listed(conn, kind="agreement", name=self.name, limit=1000)[::-1]
        state: Any = "PROPOSED"
        for each in entries[1:]:
            assert each.after is not None
            if "state" in each.after:
                assert (state, each.after["state"]) in _ALLOWED
                state = each.after["state"]
        assert state == self.agreement.state

    @invariant()
    def of_each_end_it_is_warned_once(self) -> None:
        if not hasattr(self, "name"):
            return
        told = notifying.announcements(self.db, self.partner, "", 1000)
        ends = [each.body["ends_on"] for each in told if each.event == "agreement.expiring"]
        assert len(ends) == len(set(ends))
        found = self.agreement
        if found.state is AgreementState.EXPIRING and found.terms.ends_on is not None:
            assert found.warned_at is not None
            if found.warned_at.date() <= found.terms.ends_on:
                assert str(found.terms.ends_on) in ends

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.db.close()
            shutil.rmtree(self.folder)


_SETTINGS = settings(
    max_examples=15,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=list(HealthCheck),
)


def _run(template: Path, worker: Move, examples: int) -> None:
    members = {"template": template, "move": staticmethod(worker)}
    machine: Any = type("Machine", (AgreementMachine,), members)
    run_state_machine_as_test(machine, settings=settings(_SETTINGS, max_examples=examples))  # type: ignore[no-untyped-call]


def test_an_agreement_lives_as_it_should_whatever_is_done(sqlite_template: Path) -> None:
    _run(sqlite_template, careful, 12)


def test_a_worker_that_does_not_look_again_is_caught(sqlite_template: Path) -> None:
    with pytest.raises(AssertionError):
        _run(sqlite_template, careless, 60)
