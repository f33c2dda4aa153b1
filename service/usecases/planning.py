"""Planning who gets what of a closed list: as often as anybody likes, and nobody is told.

A plan is decided on one snapshot, and kept when that is closed. A small one is there at once; a
large one is kept in parts, and can be confirmed when it is all there. A plan takes the place of the
one before, as long as that was not confirmed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from service.domain import allocation as rules
from service.domain import allocation_plan, allocation_way
from service.domain import offer as list_rules
from service.domain.allocation import AllocationPolicy, Decision, RunState, Standing, Title, Wished
from service.domain.book import Book
from service.domain.offer import ListAction, OfferList
from service.errors import Conflict, NotFound
from service.store import allocation_inputs as inputs
from service.store import allocations, audit_log, drafted_decisions, offer_lists
from service.store.allocation_inputs import Asked, ListRules, Wanted, Wisher
from service.store.bulk import Row
from service.store.db import ROOMY_KIB, Connection, Database
from service.usecases import weighing
from service.usecases.fitting import Fitting
from service.usecases.pacing import STEADY, Pace

# Titles whose wishes are read at once.
_TITLES = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a list is decided on, and the decisions, which are made as they are read."""

    offer_list: OfferList
    policy: AllocationPolicy
    seed: str
    inputs: Mapping[str, object]
    standings: Mapping[int, Standing]
    titles: Mapping[int, Title]
    decisions: Iterator[Decision]


def plan(
    db: Database,
    slug: str,
    now: datetime,
    *,
    policy: AllocationPolicy | None = None,
    seed: str = "",
    by: str,
    if_none: bool = False,
    pace: Pace = STEADY,
) -> None:
    """Plan a list, in the place of an earlier plan; the list's own policy unless another is named.

    A list that was planned before keeps its seed while ``seed`` is "": nobody rolls the dice again
    by accident. With ``if_none`` a plan that is there stays.

    Raises ``NotFound``, and ``Conflict`` for a list that is not closed, that a partner offers to
    us, that is allocated, or that somebody else plans at the same moment.
    """
    with db.read() as conn:
        found = known_list(conn, slug)
        before = allocations.stands(conn, found.id)
        if if_none and before is not None and before.state is not RunState.PLANNING:
            return
        seed = seed or (before.seed if before else "") or new_seed()
        seen = (found.revision, offer_lists.revision_of_titles(conn, found.id))
        drafted = draft(conn, found, policy, seed, now)
        # On SQLite nothing that is written meanwhile could be moved into the database's own file.
        decided = drafted_decisions.set_aside(
            allocations.rows_of(drafted.decisions, drafted.titles)
        )
    _keep(db, _Keeping(drafted, decided, now, by, pace), seen, if_none=if_none)


def new_seed() -> str:
    """Return a seed that nobody can know beforehand."""
    return secrets.token_hex(16)


def _keep(db: Database, keeping: _Keeping, seen: tuple[int, int], *, if_none: bool) -> None:
    """Keep a plan; ``seen``: the revisions of the list and its titles that it was decided on."""
    keeping.read()
    list_id = keeping.drafted.offer_list.id
    with db.write(cache_kib=ROOMY_KIB) as conn:
        found = offer_lists.lock(conn, list_id)
        before = allocations.stands(conn, list_id, lock=True)
        if if_none and before is not None and before.state is not RunState.PLANNING:
            return
        _check(conn, found, before)
        if seen != (found.revision, offer_lists.revision_of_titles(conn, list_id)):
            raise Conflict(f"list {found.slug!r} was changed while it was planned: plan it again")
        run_id, token = keeping.begin(conn)
        keeping.go_on(conn, run_id)
    while not keeping.ended:
        keeping.read()
        with _planning(db, run_id, token) as conn:
            keeping.go_on(conn, run_id)


class _Keeping:
    """A plan on its way into the database: as far as one transaction after another takes it."""

    def __init__(
        self, drafted: Draft, decided: Iterator[list[Row]], now: datetime, by: str, pace: Pace
    ) -> None:
        self.drafted = drafted
        self.ended = False
        self._decided = decided
        self._now = now
        self._by = by
        self._pace = pace
        self._cleared = False
        self._kept = 0
        self._ahead: list[Row] = []
        self._all_read = False

    def read(self) -> None:
        """Take the next decisions, if none wait to be kept; not within a transaction."""
        if not self._ahead:
            self._ahead = next(self._decided, [])
            self._all_read = len(self._ahead) < drafted_decisions.AT_ONCE

    def begin(self, conn: Connection) -> tuple[int, str]:
        """Begin the plan in the place of an earlier one."""
        drafted, list_id = self.drafted, self.drafted.offer_list.id
        return allocations.begin(
            conn, list_id, drafted.policy, drafted.seed, drafted.inputs, self._now
        )

    def go_on(self, conn: Connection, run_id: int) -> None:
        """Clear away the earlier plan and keep what was read, until the time is used up."""
        used_up = self._pace.begin()
        while not self._cleared:
            self._cleared = not allocations.clear(conn, run_id, self._pace.go)
            if used_up():
                return
        while self._ahead:
            some, self._ahead = self._ahead[: self._pace.go], self._ahead[self._pace.go :]
            allocations.keep(conn, run_id, self._kept, some)
            self._kept += len(some)
            if used_up():
                return
        if self._all_read:
            self._end(conn, run_id)

    def _end(self, conn: Connection, run_id: int) -> None:
        drafted = self.drafted
        allocations.keep_standings(conn, run_id, drafted.standings)
        allocations.propose(conn, run_id)
        audit_log.write(
            conn,
            by=self._by,
            action="plan",
            kind="allocation",
            name=drafted.offer_list.slug,
            now=self._now,
            after={"policy": drafted.policy.value, "seed": drafted.seed, "wishes": self._kept},
        )
        self.ended = True


@contextmanager
def _planning(db: Database, run_id: int, token: str) -> Iterator[Connection]:
    """Open a transaction that keeps a part of a plan, if nobody has begun another meanwhile."""
    with db.write(cache_kib=ROOMY_KIB) as conn:
        if not allocations.is_planning(conn, run_id, token):
            raise Conflict("somebody else planned this list at the same moment; look at it again")
        yield conn


def _check(conn: Connection, found: OfferList, run: allocations.Stands | None) -> None:
    """Refuse to plan what cannot be planned any more, or yet."""
    check_list(conn, found)
    if run is not None and run.state is RunState.CONFIRMED:
        raise Conflict(f"the allocation of list {found.slug!r} is confirmed")


def check_list(conn: Connection, found: OfferList) -> None:
    """Refuse a list that is not closed, or that is not ours to allocate."""
    if (offerer := inputs.offerer(conn, found.id)) is not None:
        raise Conflict(
            f"list {found.slug!r} is what partner {offerer!r} offers to us: that library allocates"
        )
    list_rules.after(ListAction.ALLOCATE, found.state)


def known_list(conn: Connection, slug: str) -> OfferList:
    """Return a list within a transaction; raise ``NotFound``."""
    found = offer_lists.by_slug(conn, slug)
    if found is None:
        raise NotFound(f"there is no offer list named {slug!r}")
    return found


# --- deciding -------------------------------------------------------------------------------------


def draft(
    conn: Connection,
    found: OfferList,
    policy: AllocationPolicy | None,
    seed: str,
    now: datetime,
) -> Draft:
    """Return what would be decided on a list now; the snapshot must stay open while it is read."""
    check_list(conn, found)
    how = inputs.list_rules(conn, found.id)
    policy = policy or how.policy
    seed = rules.check_seed(seed)
    wishers = inputs.wishers(conn, found.id)
    standings = weighing.standings(conn, found.id, how, wishers, now)
    wanted = inputs.wanted(conn, found.id)
    wanted.sort(key=lambda each: allocation_plan.order(seed, each.public_id))
    titles = {
        each.offer_id: Title(each.offer_id, each.public_id, each.copies, each.volumes)
        for each in wanted
    }
    fitting = Fitting(conn, wishers, now)
    reader = _Reader(conn, how, wishers, wanted, titles, fitting)
    made_of = allocation_way.made_of(policy, how.min_parcel)
    decisions = allocation_way.decide(made_of, seed, reader.read, standings)
    return Draft(found, policy, seed, made_of, standings, titles, decisions)


class _Reader:
    """Reads the wishes for titles in parts, and with them what is known about each."""

    def __init__(
        self,
        conn: Connection,
        how: ListRules,
        wishers: Sequence[Wisher],
        wanted: Sequence[Wanted],
        titles: Mapping[int, Title],
        fitting: Fitting,
    ) -> None:
        self._conn = conn
        self._how = how
        self._wishers = {who.id: who for who in wishers}
        self._wanted = wanted
        self._titles = titles
        self._places = inputs.places(conn)
        self._fitting = fitting

    def read(self) -> Iterable[tuple[Title, Sequence[Wished]]]:
        """Yield each title with its wishes, in their order."""
        for begin in range(0, len(self._wanted), _TITLES):
            part = self._wanted[begin : begin + _TITLES]
            keys = [each.offer_id for each in part]
            asked: dict[int, list[Asked]] = {key: [] for key in keys}
            for each in inputs.wishes(self._conn, keys):
                asked[each.offer_id].append(each)
            had: dict[int, set[int]] = {}
            for offer_id, who in inputs.received(self._conn, keys):
                had.setdefault(offer_id, set()).add(who)
            books = self._fitting.books(
                {key: {each.partner_id for each in some} for key, some in asked.items()}
            )
            for offered in part:
                yield (
                    self._titles[offered.offer_id],
                    self._wished(
                        offered,
                        asked[offered.offer_id],
                        had.get(offered.offer_id, frozenset()),
                        books.get(offered.offer_id),
                    ),
                )

    def _wished(
        self,
        offered: Wanted,
        asked: Sequence[Asked],
        had: Set[int],
        book: Book | None,
    ) -> list[Wished]:
        """Return the wishes for a title; ``had``: the partners that received it before."""
        covered = {self._places.get(who) for who in had}
        hindrance = self._hindrances(offered, book)
        differs, fits = rules.DIFFERS, self._fitting.fits
        return [
            Wished(
                list_id,
                wish_list,
                line_no,
                who,
                offer_id,
                quantity,
                at,
                hindrance(self._wishers[who], outcome),
                differs.get(outcome, ""),
                who in had,
                fits(who, book),
                self._wishers[who].place in covered,
            )
            for list_id, wish_list, line_no, who, offer_id, quantity, at, outcome in asked
        ]

    def _hindrances(self, offered: Wanted, book: Book | None) -> Callable[[Wisher, str], str]:
        """Return what says why a wish of a partner, answered so, takes no part for a title."""
        restricted = self._how.not_to, offered.not_to
        somewhere = any(restricted)

        def hindrance(who: Wisher, outcome: str) -> str:
            barred = somewhere and rules.is_barred(who.place, *restricted)
            why = rules.hindrance(outcome, offered.state, who.state, barred=barred)
            return why or self._fitting.hindrance(who.id, book)

        return hindrance
