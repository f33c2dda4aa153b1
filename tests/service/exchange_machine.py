"""The exchange as it is lived: staff, four partners and a worker at the same lists, in any order.

Staff draw lists up, open, extend, close, plan, plan anew, confirm step by step and take back;
partners send wishes by identifier, number and title, replace and withdraw them, settle matches,
accept and decline; the worker matches, publishes and keeps the dates. What was given travels, and
books come in (``exchange_travels``). The acts are a table (``exchange_acts``), so that anything may
come between any two. What must hold is looked at after each (``look``).
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import sqlalchemy as sa
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service import worker
from service.domain.agreement import AgreementAction
from service.domain.allocation import AllocationPolicy
from service.domain.offer import ListAction
from service.domain.partner import Partner, PartnerState
from service.domain.wish import Mode
from service.errors import CallerError
from service.store import tables
from service.store.db import Database
from service.usecases import (
    accepting,
    changing_lists,
    choosing_offers,
    confirming,
    enrolling,
    membership,
    moving_agreements,
    offering,
    planning,
    reading_agreements,
    tiering,
    wishing,
)
from tests.service.builders import HandClock, a_file, make_site, receive
from tests.service.exchange_guarantees import LIVE, Found, Guarantees
from tests.service.exchange_scene import LATER, LISTS, PARTNERS, STAFF, SUSPENDED, WORKS, Numbers
from tests.service.exchange_travels import Travels
from tests.service.matching import wish

# Things to look at after each act, from which on nobody wishes for more.
_ENOUGH = 60


class ExchangeMachine(Travels, Guarantees, RuleBasedStateMachine):
    """The exchange over one database; ``done`` counts the acts that were not refused.

    ``acts`` are those that may happen, ``before`` is what was done before they begin.
    """

    fresh: ClassVar[Callable[[Path], Database]]
    discard: ClassVar[Callable[[Database], None]]
    done: ClassVar[Counter[str]]
    numbers: ClassVar[Numbers]
    acts: ClassVar[Sequence[Act]]
    before: ClassVar[Callable[[ExchangeMachine], None]]

    @initialize(opened=st.sets(st.sampled_from([*LISTS][1:])))
    def begin(self, opened: Collection[str] = ()) -> None:
        type(self).numbers.at = 10_000  # behind all that was prepared
        self.folder = Path(tempfile.mkdtemp())
        self.db = type(self).fresh(self.folder)
        self.clock = HandClock()
        self.site = make_site(self.db, self.folder, self.clock)
        self.partners = {code: membership.find_partner(self.db, code) for code in PARTNERS}
        self.fresh_titles = list(LATER)
        self.suspended = {SUSPENDED}
        (found,) = reading_agreements.list_agreements(self.db, limit=1)
        self.agreement = found.public_id
        self.begin_to_look()
        for slug in ("spring", *sorted(opened)):
            self.open(slug, None)
        self.the_worker_does_all_that_is_due()
        self.look()
        type(self).before(self)

    def pick(self, number: int, *states: str) -> str:
        """Return a list in one of these states, or any list, if there is none or at 9."""
        fitting = [slug for slug, state in self.lists.items() if state in states]
        found = fitting if number < 9 and fitting else [*self.lists]
        return found[number % len(found)]

    def has(self, kind: str, *states: str) -> bool:
        return any(key[0] == kind and state in states for key, state in self.seen.items())

    @contextmanager
    def act(self, name: str) -> Iterator[None]:
        """Count an act unless it is refused, which it may be."""
        try:
            yield
        except CallerError:
            return
        type(self).done[name] += 1

    @rule(data=st.data())
    def somebody_acts(self, data: st.DataObject) -> None:
        """Let one act of the table happen, the likely ones more often."""
        chosen = [each for each in self.acts for _ in range(each.often) if self.lets(each)]
        act = chosen[data.draw(st.integers(0, len(chosen) - 1))]
        given = {name: data.draw(strategy) for name, strategy in act.given.items()}
        note(f"{act.does.__name__}({given})")
        act.does(self, **given)

    def lets(self, act: Act) -> bool:
        wished = sum(kind in {"wish", "allocation"} for kind, _ in self.seen)
        if "lines" in act.given and wished > _ENOUGH:
            return False
        return all(self.has(kind, *states) for kind, *states in act.where)

    # --- the staff ----------------------------------------------------------------------------

    def staff_opens_a_list(self, pick: int, days: int | None) -> None:
        self.open(self.pick(pick, "DRAFT", "SCHEDULED"), days)

    def open(self, slug: str, days: int | None) -> None:
        now = self.site.now()
        with self.act("open"):
            closes_at = days and now + timedelta(days=days)
            changing_lists.change_terms(self.db, slug, {"closes_at": closes_at}, by=STAFF, now=now)
            offering.change_list(self.db, slug, ListAction.OPEN, now, by=STAFF)
            if slug in {"near-first", "new"}:
                tiering.add_tier(self.db, slug, "public", now + timedelta(days=1), now)

    def staff_schedules_a_list(self, pick: int, hours: int) -> None:
        now, slug = self.site.now(), self.pick(pick, "DRAFT")
        with self.act("schedule"):
            values = {"opens_at": now + timedelta(hours=hours), "closes_at": None}
            changing_lists.change_terms(self.db, slug, values, by=STAFF, now=now)
            offering.change_list(self.db, slug, ListAction.APPROVE, now, by=STAFF)

    def staff_closes_a_list(self, pick: int, override: bool) -> None:
        slug = self.pick(pick, "OPEN")
        now, why = self.site.now(), "The hall is needed." if override else ""
        with self.act("close"):
            offering.change_list(
                self.db, slug, ListAction.CLOSE, now, override=override, reason=why, by=STAFF
            )

    def staff_extends_or_shortens_a_list(self, pick: int, days: int) -> None:
        now, slug = self.site.now(), self.pick(pick, "OPEN")
        with self.act("reschedule"):
            values = {"closes_at": now + timedelta(days=days)}
            changing_lists.change_terms(self.db, slug, values, by=STAFF, now=now)

    def staff_ends_a_list(self, pick: int, action: ListAction) -> None:
        slug = self.pick(pick, "DRAFT", "OPEN", "ALLOCATED")
        with self.act("end"):
            offering.change_list(self.db, slug, action, self.site.now(), by=STAFF)

    def staff_draws_a_list_up(self, whom: str) -> None:
        more: dict[str, Any] = {"partner_codes": [whom]} if whom in PARTNERS else {}
        more |= {"audience": whom} if whom == "near" else {}
        with self.act("draw up"):
            now = self.site.now()
            offering.create_list(self.db, slug="new", title="new", by=STAFF, now=now, **more)
            self.bring_a_title("new")

    def staff_adds_a_title(self, slug: str) -> None:
        with self.act("add a title"):
            self.bring_a_title(slug)

    def bring_a_title(self, slug: str) -> None:
        book = self.fresh_titles[0]._replace(slug=slug)
        receive(self.site, a_file(book.record(100 + len(self.fresh_titles))), slug)
        self.fresh_titles.pop(0)

    def staff_counts_anew(self, number: int, copies: int, volumes: int) -> None:
        with self.act("count anew"):
            values = {"copies": copies, "volumes": volumes}
            changing_lists.change_offer(
                self.db, self.offer(number), values, by=STAFF, now=self.site.now()
            )

    def staff_takes_a_title_back(self, number: int) -> None:
        with self.act("take back"):
            offering.withdraw_offer(self.db, self.offer(number), by=STAFF, now=self.site.now())

    def staff_plans(self, pick: int, policy: AllocationPolicy, seed: str) -> None:
        slug = self.pick(pick, "CLOSED")
        with self.act(f"plan {policy}"):
            planning.plan(self.db, slug, self.site.now(), policy=policy, seed=seed, by=STAFF)

    def staff_confirms(self, pick: int, steps: int) -> None:
        left, planned = steps, sorted({slug for slug, state in self.runs if state == "PROPOSED"})
        slug = planned[pick % len(planned)]

        def step(_: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise _Interrupted

        with self.act("confirm"):
            try:
                confirming.confirm(self.db, slug, self.site.now, by=STAFF, on_step=step)
            except _Interrupted:
                type(self).done["confirm in part"] += 1

    def staff_suspends_a_partner_or_takes_it_back(self) -> None:
        goes_on = SUSPENDED in self.suspended
        state = PartnerState.ACTIVE if goes_on else PartnerState.SUSPENDED
        with self.act("suspend"):
            enrolling.set_state(self.db, SUSPENDED, state, by=STAFF, now=self.site.now())
        self.suspended ^= {SUSPENDED}

    def staff_moves_the_agreement(self, action: AgreementAction) -> None:
        with self.act("agreement"):
            moving_agreements.move(self.db, self.agreement, action, by=STAFF, now=self.site.now())

    # --- partners -----------------------------------------------------------------------------

    def a_partner_wishes(
        self, code: str, lines: Sequence[tuple[str, int, int]], replace: bool, later: bool
    ) -> None:
        self.clock.move(1)
        partner = membership.find_partner(self.db, code)
        rows = [self.row(*line) for line in lines]
        mode = Mode.REPLACE if replace else Mode.APPEND
        wish(self.site, partner, *rows, mode=mode, list_key="a", respond_async=later)
        type(self).done["wish later" if later else "wish"] += 1

    def all_partners_wish_for_the_same(self, lines: Sequence[tuple[str, int, int]]) -> None:
        for code in PARTNERS:
            self.a_partner_wishes(code, lines, replace=False, later=False)

    def row(self, how: str, number: int, quantity: int) -> dict[str, str]:
        book = WORKS[number % len(WORKS)]
        start = f"oai:{self.site.settings.repository_identifier}:offer/"
        given = {
            "id": lambda: {"identifier": start + self.offer(number)},
            "isbn": lambda: {"isbn": book.isbn},
            "title": lambda: {"title": book.title, "author": book.author, "year": book.year},
        }[how]()
        return given | {"quantity": str(quantity)}

    def a_partner_takes_a_wish_back(self, code: str, which: int) -> None:
        mine = [r for r in self.wishes() if r.code == code and r.state in {"OPEN", "PENDING"}]
        if mine:
            row = mine[which % len(mine)]
            with self.act("withdraw"):
                wishing.withdraw(self.db, self.partners[code], row.wish_list, row.line_no)

    def a_partner_settles_a_match(self, which: int, number: int | None) -> None:
        found = [row for row in self.wishes() if row.outcome in _TO_SETTLE]
        if not found:
            return
        row = found[which % len(found)]
        named = row.offer if number is None else self.offer(number)
        with self.act("settle"):
            choosing_offers.choose(
                self.db, self.partners[row.code], row.wish_list, row.line_no,
                named or self.offer(0),
                self.site.names(), self.site.now(),
            )  # fmt: skip

    def a_partner_accepts(self, which: int) -> None:
        name, partner, how = self.held(which, "OFFERED")
        with self.act("accept"):
            accepting.accept(self.db, name, partner, **how)

    def a_partner_declines(self, which: int) -> None:
        name, partner, how = self.held(which, *LIVE)
        with self.act("decline"):
            accepting.decline(self.db, name, partner, **how)

    def held(self, which: int, *states: str) -> tuple[str, Partner, dict[str, Any]]:
        """Return a decision in one of these states, and whose it is."""
        with self.db.read() as conn:
            rows = [row for row in Found(conn).allocations if row.state in states]
        row = rows[which % len(rows)]
        how = {"now": self.site.now(), "by": f"partner:{row.code}"}
        return f"{row.run}-{row.position}", self.partners[row.code], how

    def a_partner_reads_all_it_is_shown(self, code: str) -> None:
        told = "\n".join(self.shown(code))
        for slug, word in self.not_for(code):
            assert word not in told, f"{code} is shown {slug}: {told}"

    # --- the worker ---------------------------------------------------------------------------

    def the_worker_turns(self, hours: int) -> None:
        self.clock.move(3600 * hours + 1)
        worker.turn(self.site)

    def the_worker_does_all_that_is_due(self) -> None:
        self.clock.move(1)
        while worker.turn(self.site):
            self.look()

    # --- what must hold -----------------------------------------------------------------------

    @invariant()
    def look(self) -> None:
        """Look at everything that must hold after every act."""
        if hasattr(self, "agreement"):
            self.look_once()

    # --- the parts ----------------------------------------------------------------------------

    def offer(self, number: int) -> str:
        """Return the public id of a title, whoever may know of it."""
        with self.db.read() as conn:
            found = conn.execute(
                sa.select(tables.offer.c.public_id).order_by(tables.offer.c.id)
            ).scalars()
            names: list[str] = list(found)
        return names[number % len(names)]

    def wishes(self) -> Sequence[Any]:
        with self.db.read() as conn:
            return Found(conn).wishes

    def finish(self) -> None:
        """Let the worker do what is due, and look once more, and at all that partners read."""
        for _ in range(20):
            if not worker.turn(self.site):
                break
        self.look()
        for code in PARTNERS:
            self.a_partner_reads_all_it_is_shown(code)
        self.look_at_the_figures(PARTNERS)

    def close(self) -> None:
        """Leave nothing behind."""
        self.db.close()
        type(self).discard(self.db)
        shutil.rmtree(self.folder)

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        try:
            if hasattr(self, "marks"):
                self.finish()
        finally:
            self.close()


class Act(NamedTuple):
    """Something that somebody does: how ``often``, and ``where`` there are things of some state."""

    does: Callable[..., None]
    often: int
    given: Mapping[str, st.SearchStrategy[Any]] = {}
    where: Sequence[tuple[str, ...]] = ()


class _Interrupted(Exception):
    """Whoever confirmed was interrupted between two steps."""


_TO_SETTLE = {"matched", "other_edition", "ambiguous"}
