"""Whoever joins, leaves and joins again, and whenever tiers open: partners end up with the truth.

The machine is in ``audience_machine``; here it runs, and is shown to catch what loses somebody
something.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from service.domain.feed_view import Sought
from service.store import audiences, feed, feed_reading
from service.store.db import Connection, Database
from service.store.feed_reading import View
from service.store.tables import audience_member
from tests.service.audience_machine import AudienceMachine, prepare

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared site on SQLite, to be copied."""
    folder = tmp_path_factory.mktemp("audiences")
    file = folder / "b.sqlite3"
    shutil.copy(sqlite_template, file)
    db = Database(f"sqlite:///{file}")
    prepare(db, folder)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return file


@pytest.fixture
def machine(prepared: Path) -> type[AudienceMachine]:
    """The machine on SQLite."""

    def fresh(folder: Path) -> Database:
        shutil.copy(prepared, folder / "b.sqlite3")
        return Database(f"sqlite:///{folder}/b.sqlite3")

    return type(
        "OnSqlite",
        (AudienceMachine,),
        {"fresh": staticmethod(fresh), "discard": staticmethod(lambda _: None)},
    )


@pytest.fixture
def machine_on_postgresql(postgresql: Any, tmp_path: Path) -> Iterator[type[AudienceMachine]]:
    """The machine on PostgreSQL."""
    template = f"test_{uuid.uuid4().hex}"
    postgresql.psql(f"CREATE DATABASE {template} TEMPLATE template_bookbridge")
    db = Database(postgresql.get_uri(template))
    prepare(db, tmp_path)
    db.close()

    def fresh(_: Path) -> Database:
        name = f"test_{uuid.uuid4().hex}"
        postgresql.psql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return Database(postgresql.get_uri(name))

    def discard(used: Database) -> None:
        postgresql.psql(f"DROP DATABASE {used.url.database} WITH (FORCE)")

    yield type(
        "OnPostgresql",
        (AudienceMachine,),
        {"fresh": staticmethod(fresh), "discard": staticmethod(discard)},
    )
    postgresql.psql(f"DROP DATABASE {template} WITH (FORCE)")


_SETTINGS = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_no_partner_misses_anything_or_hears_of_what_is_not_for_it(
    machine: type[AudienceMachine],
) -> None:
    run_state_machine_as_test(machine, settings=_SETTINGS)


def test_the_same_holds_on_postgresql(machine_on_postgresql: type[AudienceMachine]) -> None:
    fewer = settings(_SETTINGS, max_examples=4)
    run_state_machine_as_test(machine_on_postgresql, settings=fewer)


# --- teeth: the same machine, step by step, against what others do --------------------------------


def joins_late(machine: AudienceMachine) -> None:
    """A partner harvests to the end, and then joins a group for which a list is long open."""
    machine.a_list_opens("first")
    machine.a_list_opens("fourth")
    machine.what_a_partner_may_have_heard_of_grows()
    machine.the_publisher_runs()
    machine.a_partner_harvests_everything("bela")
    machine.a_partner_joins("bela", "near")
    machine.what_a_partner_may_have_heard_of_grows()
    machine.the_publisher_runs()


def leaves(machine: AudienceMachine) -> None:
    """A partner leaves a group when it has harvested all that the group sees."""
    machine.a_partner_joins("bela", "near")
    machine.a_list_opens("first")
    machine.what_a_partner_may_have_heard_of_grows()
    machine.the_publisher_runs()
    machine.a_partner_harvests_everything("bela")
    machine.a_partner_leaves("bela", "near")
    machine.the_publisher_runs()


def is_suspended_while_a_list_opens(machine: AudienceMachine) -> None:
    """A partner harvests as anybody, past the stamp of what it would have seen."""
    machine.a_partner_joins("bela", "near")
    machine.the_publisher_runs()
    machine.a_partner_is_suspended_or_taken_back("bela", stays=False)
    machine.a_list_opens("first")
    machine.a_list_opens("fourth")
    machine.the_publisher_runs()
    machine.clock.move(60)
    machine.what_a_partner_may_have_heard_of_grows()
    machine.a_partner_harvests_everything("bela")


Story = Callable[[AudienceMachine], None]
STORIES = (joins_late, leaves, is_suspended_while_a_list_opens)


def tell(machine: type[AudienceMachine], story: Story) -> None:
    told = machine()
    told.begin()
    told.what_a_partner_may_have_heard_of_grows()
    try:
        story(told)
    finally:
        told.teardown()


@pytest.mark.parametrize("story", STORIES)
def test_the_stories_end_well(machine: type[AudienceMachine], story: Story) -> None:
    tell(machine, story)


def _with_sources(monkeypatch: pytest.MonkeyPatch, change: Callable[[View], View]) -> None:
    real = feed_reading.view

    def view(conn: Connection, sought: Sought, partner_id: int | None) -> View:
        return change(real(conn, sought, partner_id))

    monkeypatch.setattr(feed_reading, "view", view)


def _since_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(view: View) -> View:
        sources = [each if each.left else each._replace(since=0) for each in view.sources]
        return View(view.p, tuple(sources))

    _with_sources(monkeypatch, change)


def _left_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has left an audience sees nothing of it, and is told nothing."""
    _with_sources(
        monkeypatch, lambda v: View(v.p, tuple(each for each in v.sources if not each.left))
    )


def _joining_is_dated_by_its_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """``since`` is p when somebody joins, as a trigger or a default would have it."""

    def decide(
        conn: Connection, audience_id: int, partner_ids: list[int], *, belongs: bool
    ) -> None:
        for partner_id in partner_ids:
            values = {"audience_id": audience_id, "partner_id": partner_id, "belongs": belongs}
            conn.execute(audience_member.insert().values(**values, since=feed.clock(conn).p))

    monkeypatch.setattr(audiences, "decide", decide)


def _nothing_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audiences, "tell_again", lambda *_: None)


@pytest.mark.parametrize(
    ("story", "fault"),
    [
        (joins_late, _since_is_ignored),
        (joins_late, _joining_is_dated_by_its_writer),
        (leaves, _left_is_ignored),
        (is_suspended_while_a_list_opens, _nothing_is_told_again),
    ],
)
def test_the_machine_catches_what_loses_a_partner_something(
    machine: type[AudienceMachine],
    monkeypatch: pytest.MonkeyPatch,
    story: Story,
    fault: Callable[[pytest.MonkeyPatch], None],
) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError, match=r"^\('bela', .*'(newest|own|last|response)"):
        tell(machine, story)
