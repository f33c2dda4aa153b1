"""Whatever staff, partners and worker do in whatever order, the exchange keeps its guarantees.

No copy twice, no set split, no state skipped, no reason missing, no private list told of; and of
what travels: no entry of the ledger without its event and no event without its entry, sums that are
those of the entries, and nothing presumed that counts as confirmed. The machine is in
``exchange_machine``; here it runs on both databases, and is shown to catch naive variants of each.
"""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.dialects import sqlite

from marc_mappings.match_keys import Key
from service.domain import incoming_gift, list_terms
from service.domain import offer as list_rules
from service.domain.allocation import AllocationPolicy
from service.domain.audience import PUBLIC
from service.domain.claim import Resolution
from service.domain.consignment import RECEIVED, ConsignmentState
from service.domain.gift import GiftAction
from service.domain.incoming_gift import IncomingGift
from service.domain.ledger import Entry, TotalKey
from service.domain.match_rule import TITLES
from service.domain.offer import ListAction, ListState
from service.domain.wish import Answer, Outcome, WishLine
from service.store import (
    allocation_inputs,
    allocation_steps,
    candidates,
    consignments,
    ledger,
    public_ids,
    statistics,
    tiers,
    transfers,
)
from service.store.allocation_inputs import Wanted
from service.store.candidates import Candidate, ListFacts
from service.store.db import Connection, Database
from service.store.tables import ledger_total
from service.usecases import answering, confirming, dispatching, settling
from tests.service.exchange_acts import ACTS, MEANWHILE, TRAVELS
from tests.service.exchange_machine import ExchangeMachine
from tests.service.exchange_scene import PARTNERS, Numbers, prepare

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared exchange on SQLite, to be copied."""
    folder = tmp_path_factory.mktemp("exchange")
    file = folder / "b.sqlite3"
    shutil.copy(sqlite_template, file)
    db = Database(f"sqlite:///{file}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(public_ids, "new", Numbers().new)
        prepare(db, folder)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return file


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a confirmation have several steps, so that something can come between them."""
    monkeypatch.setattr(confirming, "_AT_ONCE", 2)


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> Numbers:
    """Public ids that are the same in every run."""
    made = Numbers()
    monkeypatch.setattr(public_ids, "new", made.new)
    return made


@pytest.fixture
def machine(prepared: Path, numbers: Numbers) -> type[ExchangeMachine]:
    """The machine on SQLite."""

    def fresh(folder: Path) -> Database:
        shutil.copy(prepared, folder / "b.sqlite3")
        return Database(f"sqlite:///{folder}/b.sqlite3")

    return _machine(fresh, lambda _: None, numbers)


@pytest.fixture
def machine_on_postgresql(
    postgresql: Any, tmp_path: Path, numbers: Numbers
) -> Iterator[type[ExchangeMachine]]:
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

    yield _machine(fresh, discard, numbers)
    postgresql.psql(f"DROP DATABASE {template} WITH (FORCE)")


def _machine(
    fresh: Callable[[Path], Database], discard: Callable[[Database], None], numbers: Numbers
) -> type[ExchangeMachine]:
    members = {"fresh": staticmethod(fresh), "discard": staticmethod(discard)}
    members |= {"done": Counter(), "numbers": numbers, "acts": ACTS}
    members |= {"before": staticmethod(lambda _: None)}
    return type("Machine", (ExchangeMachine,), members)


def run(machine: type[ExchangeMachine], examples: int, steps: int) -> None:
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=how)


# What must have happened at least once, or the machine went round in what is refused.
_HAPPENED = {
    "open", "wish", "wish later", "withdraw", "settle", "take back", "close", "plan FIRST_COME",
    "plan PRIORITY", "confirm", "confirm in part", "accept", "decline",
}  # fmt: skip


# What must have happened of what travels, when that is all that happens.
_TRAVELLED = {
    "make", "pack", "dispatch", "correct a dispatch", "come back", "lost", "receipt by link",
    "receipt by staff", "receipt by partner", "correct a receipt", "presume", "claim",
    "settle RESENT", "settle CREDITED", "reopen", "propose", "gift: approve", "gift: pack",
    "announce", "come", "check pieces", "accession", "correct a piece",
}  # fmt: skip


@slow
def test_no_order_of_acts_breaks_a_guarantee(machine: type[ExchangeMachine]) -> None:
    run(machine, 10, 40)
    assert machine.done.keys() >= _HAPPENED, _HAPPENED - machine.done.keys()


@slow
def test_nor_on_postgresql(machine_on_postgresql: type[ExchangeMachine]) -> None:
    run(machine_on_postgresql, 3, 40)
    assert machine_on_postgresql.done.keys() >= {"wish", "close", "confirm"}


@slow
def test_nor_of_what_was_given_on_its_way(machine: type[ExchangeMachine]) -> None:
    travelling(machine)
    run(machine, 14, 50)
    assert machine.done.keys() >= _TRAVELLED, _TRAVELLED - machine.done.keys()


@slow
def test_nor_on_its_way_on_postgresql(machine_on_postgresql: type[ExchangeMachine]) -> None:
    travelling(machine_on_postgresql)
    run(machine_on_postgresql, 3, 40)
    assert machine_on_postgresql.done.keys() >= {"pack", "dispatch", "announce"}


def travelling(machine: type[ExchangeMachine]) -> None:
    """Let a machine begin where copies are allocated, and do what then happens to them."""
    machine.before = is_allocated
    machine.acts = (*TRAVELS, *MEANWHILE)


# --- teeth: the same machine, act by act, against naive variants ----------------------------------

VEGETARIAN, HUMAN_ACTS, VISCOUNT, BARON, LATER_EDITION = range(
    5
)  # places in ``exchange_scene.WORKS``


def is_allocated(told: ExchangeMachine) -> None:
    """Everybody wishes for the same; the list is planned twice and confirmed; one declines."""
    told.staff_suspends_a_partner_or_takes_it_back()
    told.all_partners_wish_for_the_same(
        [("title", VEGETARIAN, 1), ("isbn", HUMAN_ACTS, 2), ("id", VISCOUNT, 1)]
    )
    told.look()
    for code in PARTNERS:
        told.a_partner_reads_all_it_is_shown(code)
    told.staff_closes_a_list(0, override=True)
    told.look()
    told.staff_plans(0, AllocationPolicy.FIRST_COME, "1")
    told.look()
    told.staff_plans(0, AllocationPolicy.PRIORITY, "1")
    told.look()
    told.staff_confirms(0, 100)
    told.look()
    for place in range(2):
        told.a_partner_declines(place)
        told.look()
    told.staff_counts_anew(VISCOUNT, 1, 1)
    told.look()


def waits(told: ExchangeMachine) -> None:
    """Everybody waits for a title by its name; it comes for some partners first."""
    told.all_partners_wish_for_the_same([("title", BARON, 1)])
    told.look()
    told.open("near-first", None)
    told.the_worker_does_all_that_is_due()
    told.look()


def travels(told: ExchangeMachine) -> None:
    """What is allocated goes its whole way, with what goes wrong on it; and gifts, both ways."""
    is_allocated(told)
    packs_and_sends = (partial(told.staff_packs, 0), partial(told.staff_dispatches, 0))
    steps: list[Callable[[], None]] = [
        partial(told.a_partner_accepts, 0),
        partial(told.staff_makes_a_consignment, "bela"),
        partial(told.staff_packs, 0),
        partial(told.staff_unpacks_or_cancels, 0, cancels=False),
        *packs_and_sends,
        partial(told.staff_corrects_a_dispatch, 0, 0, retract=False),
        partial(told.staff_dispatches, 0),
        partial(told.staff_corrects_a_dispatch, 0, 2, retract=False),
        partial(told.a_receipt_comes, 0, [3], "link"),
        partial(told.staff_settles_a_claim, 0, Resolution.RESENT),
        *packs_and_sends,
        partial(told.staff_settles_a_claim, 0, Resolution.CREDITED),
        partial(told.staff_makes_a_consignment, "bela"),
        *packs_and_sends,
        partial(told.a_receipt_comes, 0, [], "partner"),
        partial(told.staff_proposes_a_gift, "ara", VISCOUNT, 2, 9_000),
        partial(told.a_gift_goes_on, 0, GiftAction.APPROVE),
        partial(told.staff_packs_a_gift, 0),
        *packs_and_sends,
        partial(told.it_comes_back_or_is_lost, 1, lost=False),
        partial(told.staff_makes_a_consignment, "ara"),
        *packs_and_sends,
        partial(told.a_receipt_comes, 1, [], "staff"),
        partial(told.staff_corrects_a_receipt, 2, [1]),
        partial(told.a_partner_announces, "bela", 2, 3),
        partial(told.a_gift_comes, 0),
        partial(told.staff_checks_the_pieces, 0, [1, 0], claims=True),
        partial(told.staff_numbers_a_gift, 0),
        partial(told.staff_corrects_a_piece, 0, 2, 0),
        partial(told.staff_makes_a_consignment, "cyd"),
        *packs_and_sends,
        partial(told.months_pass),
        partial(told.it_comes_back_or_is_lost, 0, lost=True),
    ]
    for step in steps:
        before = sum(told.done.values())
        step()
        assert sum(told.done.values()) > before, f"{step} was refused"
        told.look()
    told.look_at_the_figures(PARTNERS)


Story = Callable[[ExchangeMachine], None]


def tell(machine: type[ExchangeMachine], story: Story) -> None:
    told = machine()
    told.begin({"canary-ara", "canary-cyd"})
    try:
        story(told)
        told.finish()
    finally:
        told.close()


@pytest.mark.parametrize(
    "story", [pytest.param(is_allocated, marks=slow), pytest.param(waits, marks=slow), travels]
)
def test_the_stories_end_well(machine: type[ExchangeMachine], story: Story) -> None:
    tell(machine, story)


def _a_copy_that_is_left_stays_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is next gets the copy, and who declined it keeps it as well."""
    monkeypatch.setattr(transfers, "retract", lambda *_: None)


def _copies_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation_steps, "take", lambda *_: None)


def _volumes_are_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    real = allocation_inputs.wanted

    def wanted(conn: Connection, list_id: int) -> list[Wanted]:
        return [each._replace(copies=each.copies * each.volumes) for each in real(conn, list_id)]

    monkeypatch.setattr(allocation_inputs, "wanted", wanted)


def _a_set_may_be_broken_up_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_terms, "check_change", lambda *_: None)


def _a_closed_list_counts_as_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    real = list_rules.after

    def after(action: ListAction, state: ListState) -> ListState:
        return ListState.ALLOCATED if action is ListAction.CLOSE else real(action, state)

    monkeypatch.setattr(list_rules, "after", after)


def _losers_are_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation_steps, "tell", lambda *_: None)


def _who_waits_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = answering.answers

    def answers(*given: Any, **more: Any) -> list[tuple[WishLine, Answer]]:
        return [
            (line, found._replace(reason="") if found.outcome is Outcome.WAITING else found)
            for line, found in real(*given, **more)
        ]

    monkeypatch.setattr(answering, "answers", answers)


def _titles_are_looked_for_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers only on lists that the partner may know of, titles on all that are open."""
    real = candidates.by_key

    def by_key(
        conn: Connection, lists: Mapping[int, ListFacts], keys: Iterable[Key], **more: bool
    ) -> dict[Key, list[Candidate]]:
        keys = list(keys)
        titles = [key for key in keys if key.kind in TITLES]
        numbers = [key for key in keys if key.kind not in TITLES]
        everywhere = candidates.open_lists(conn)
        return real(conn, lists, numbers, **more) | real(conn, everywhere, titles, **more)

    monkeypatch.setattr(candidates, "by_key", by_key)


def _who_waits_meets_every_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_to(_: Connection, list_ids: Collection[int]) -> dict[int, set[int]]:
        return {list_id: {PUBLIC} for list_id in list_ids}

    monkeypatch.setattr(tiers, "open_to", open_to)


# --- naive variants of what travels ---------------------------------------------------------------


def _a_dispatch_enters_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "_enter", lambda *_, **__: None)


def _a_correction_leaves_the_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was entered of a wrong dispatch stands, with nothing against it."""
    monkeypatch.setattr(ledger, "counter", lambda *_, **__: [])


def _a_sum_grows_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is added to a sum is added once more, but for the first entry of its kind."""
    made = sqlite.insert(ledger_total)
    wrong = {name: ledger_total.c[name] + 2 * made.excluded[name] for name in ledger._SUMMED}
    twice = made.on_conflict_do_update(index_elements=TotalKey._fields, set_=wrong)
    monkeypatch.setattr(ledger, "_ADD", {"sqlite": twice})


def _what_is_credited_stays_in_the_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_take_off", lambda *_: None)


def _damaged_copies_are_accessioned(monkeypatch: pytest.MonkeyPatch) -> None:
    real = incoming_gift.entry

    def entry(found: IncomingGift, key: str, **more: str) -> Entry:
        made = real(found, key, **more)
        return replace(made, volumes=made.volumes + 1)

    monkeypatch.setattr(incoming_gift, "entry", entry)


def _what_comes_back_is_not_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consignments, "release", lambda *_: None)


def _presumed_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    more = RECEIVED | {ConsignmentState.PRESUMED_RECEIVED}
    monkeypatch.setattr(statistics, "RECEIVED", more)


@slow
@pytest.mark.parametrize(
    ("story", "fault", "said"),
    [
        (is_allocated, _a_copy_that_is_left_stays_given, "each copy is one gift"),
        (is_allocated, _copies_are_not_counted, "what is held is what was taken"),
        (is_allocated, _volumes_are_copies, "no more is planned than there is"),
        (is_allocated, _a_set_may_be_broken_up_later, "a set that was given is what it was"),
        (is_allocated, _a_closed_list_counts_as_allocated, "'spring'.*'OPEN', 'ALLOCATED'"),
        (is_allocated, _losers_are_told_nothing, "every wish learns what became of it"),
        (waits, _who_waits_is_told_nothing, "a reason is a sentence"),
        (is_allocated, _titles_are_looked_for_everywhere, "is told of canary-ara"),
        (waits, _who_waits_meets_every_list, "is told of near-first"),
        (travels, _a_dispatch_enters_nothing, "an event without its entry: .*DISPATCH"),
        (travels, _a_correction_leaves_the_entry, "an event without its entry: .*DISPATCH"),
        (travels, _a_sum_grows_twice, "the sums are those of the entries"),
        (travels, _what_is_credited_stays_in_the_balance, "without its entry: .*RETURN"),
        (travels, _damaged_copies_are_accessioned, "without its entry: .*ACCESSION"),
        (travels, _what_comes_back_is_not_let_go, "what came back or was cancelled"),
        (travels, _presumed_is_confirmed, "presumed is not confirmed"),
    ],
)
def test_the_machine_catches_a_naive_variant(
    machine: type[ExchangeMachine],
    monkeypatch: pytest.MonkeyPatch,
    story: Story,
    fault: Callable[[pytest.MonkeyPatch], None],
    said: str,
) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        tell(machine, story)


# --- what was found -------------------------------------------------------------------------------


@slow
def test_what_is_kept_for_a_partner_is_not_answered_anew_while_it_is_asked(
    machine: type[ExchangeMachine],
) -> None:
    told = machine()
    told.begin()
    try:
        told.a_partner_wishes("bela", [("title", LATER_EDITION, 1)], replace=False, later=False)
        told.staff_closes_a_list(0, override=True)
        told.look()
        told.staff_plans(0, AllocationPolicy.FIRST_COME, "1")
        told.look()
        told.staff_confirms(0, 100)
        (before,) = told.wishes()
        assert "Kept for you" in before.reason
        told.open("near-first", None)
        told.staff_adds_a_title("near-first")
        told.the_worker_does_all_that_is_due()
        (after,) = told.wishes()
        assert after.offer == before.offer, "it is asked about this offer still"
    finally:
        told.close()
