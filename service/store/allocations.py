"""Allocations: the run over a list, and what became of each wish in it.

A plan is kept row by row and replaced as a whole. Confirming it, and all that follows, is in
:mod:`service.store.allocation_steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import (
    GIVEN,
    AllocationPolicy,
    AllocationRun,
    AllocationState,
    Decision,
    RunState,
    Standing,
    Title,
)
from service.store import bulk, public_ids
from service.store.bulk import Row
from service.store.tables import (
    allocation,
    allocation_partner,
    allocation_run,
    offer,
    partner,
    record,
    record_version,
    wish_list,
)


class Decided(NamedTuple):
    """One decision of a run, with the names that people know the things by.

    ``id`` names it in the API, "" where it is not kept. ``answer_until`` (UTC) is when a partner
    must have said whether it takes what ``differs`` from its wish.
    """

    position: int
    id: str
    partner: str
    wish_list: str
    line_no: int
    offer: str
    title: str
    wished_at: datetime
    quantity: int
    copies: int
    rank: int
    given: int
    state: AllocationState
    reason: str
    differs: str
    answer_until: datetime | None
    transfer: str | None


# A title is sent as it was when its list closed.
VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)
_SENT = offer.join(record, record.c.id == offer.c.record_id).join(
    record_version, record_version.c.id == VERSION
)

# --- the run --------------------------------------------------------------------------------------

_HAS = allocation.c.state.in_([AllocationState.PROPOSED.value, *sorted(s.value for s in GIVEN)])
_MET = sa.and_(_HAS, allocation.c.given > 0, allocation.c.differs == "")
_ACCEPTED = sa.and_(_HAS, allocation.c.state != "PROPOSED", allocation.c.given > 0)
_GETS = sa.or_(_MET, _ACCEPTED)
_ASKED = sa.and_(
    allocation.c.given > 0,
    sa.or_(
        allocation.c.state == AllocationState.OFFERED.value,
        sa.and_(allocation.c.state == AllocationState.PROPOSED.value, allocation.c.differs != ""),
    ),
)
_COUNTED = (
    sa.func.count(allocation.c.position).label("wishes"),
    sa.func.count(sa.case((_GETS, 1))).label("met"),
    sa.func.coalesce(sa.func.sum(sa.case((_GETS, allocation.c.given), else_=0)), 0).label("given"),
    sa.func.count(sa.distinct(sa.case((_GETS, allocation.c.partner_id)))).label("partners"),
    sa.func.count(sa.case((_ASKED, 1))).label("asked"),
)


def run_of_list(conn: Connection, list_id: int) -> AllocationRun | None:
    """Return the run over a list with what it came to so far, or None."""
    row = conn.execute(sa.select(allocation_run).where(allocation_run.c.list_id == list_id)).first()
    if row is None:
        return None
    counted = conn.execute(sa.select(*_COUNTED).where(allocation.c.run_id == row.id)).one()
    return AllocationRun(
        id=row.id,
        public_id=row.public_id,
        list_id=row.list_id,
        state=RunState(row.state),
        policy=AllocationPolicy(row.policy),
        seed=row.seed,
        begun_at=row.begun_at,
        confirmed_at=row.confirmed_at,
        finished_at=row.finished_at,
        inputs=row.inputs or {},
        **{name: int(value) for name, value in counted._mapping.items()},
    )


class Stands(NamedTuple):
    """Where the run over a list stands, without what it came to."""

    id: int
    public_id: str
    state: RunState
    seed: str
    finished: bool


def stands(conn: Connection, list_id: int, *, lock: bool = False) -> Stands | None:
    """Return where the run over a list stands; with ``lock``, nobody else moves it meanwhile."""
    query = sa.select(
        allocation_run.c.id,
        allocation_run.c.public_id,
        allocation_run.c.state,
        allocation_run.c.seed,
        allocation_run.c.finished_at.is_not(None),
    ).where(allocation_run.c.list_id == list_id)
    row = conn.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Stands(row[0], row[1], RunState(row[2]), row[3], bool(row[4]))


def begin(
    conn: Connection,
    list_id: int,
    policy: AllocationPolicy,
    seed: str,
    inputs: Mapping[str, Any],
    now: datetime,
) -> tuple[int, str]:
    """Begin the plan of a list, in the place of one that was not confirmed.

    Returns its row and its public id, which is new: by it a planner sees that no other has begun.
    """
    values = {
        "public_id": public_ids.new(),
        "policy": policy.value,
        "seed": seed,
        "inputs": dict(inputs),
        "begun_at": now,
        "state": RunState.PLANNING.value,
    }
    found = conn.execute(
        allocation_run.update()
        .where(
            allocation_run.c.list_id == list_id,
            allocation_run.c.state != RunState.CONFIRMED.value,
        )
        .values(**values)
        .returning(allocation_run.c.id)
    ).scalar()
    if found is None:
        found = conn.execute(
            allocation_run.insert().values(list_id=list_id, **values).returning(allocation_run.c.id)
        ).scalar_one()
    return int(found), str(values["public_id"])


def clear(conn: Connection, run_id: int, limit: int) -> bool:
    """Remove up to ``limit`` decisions of an earlier plan; return whether there may be more."""
    oldest = (
        sa.select(allocation.c.position)
        .where(allocation.c.run_id == run_id)
        .order_by(allocation.c.position)
        .limit(limit)
    )
    done = conn.execute(
        allocation.delete().where(allocation.c.run_id == run_id, allocation.c.position.in_(oldest))
    )
    if done.rowcount == limit:
        return True
    conn.execute(allocation_partner.delete().where(allocation_partner.c.run_id == run_id))
    return False


def is_planning(conn: Connection, run_id: int, public_id: str) -> bool:
    """Hold a run; return whether this plan of it is still the one that is made."""
    row = conn.execute(
        sa.select(allocation_run.c.public_id, allocation_run.c.state)
        .where(allocation_run.c.id == run_id)
        .with_for_update()
    ).one()
    return bool(row.public_id == public_id and row.state == RunState.PLANNING.value)


def propose(conn: Connection, run_id: int) -> None:
    """Say that a plan is all there."""
    conn.execute(
        allocation_run.update()
        .where(allocation_run.c.id == run_id, allocation_run.c.state == RunState.PLANNING.value)
        .values(state=RunState.PROPOSED.value)
    )


# --- what was planned -----------------------------------------------------------------------------

_COLUMNS = (
    "run_id",
    "position",
    "wish_list_id",
    "line_no",
    "partner_id",
    "offer_id",
    "wished_at",
    "quantity",
    "copies",
    "rank",
    "given",
    "reason",
    "state",
    "differs",
    "facts",
)


def rows_of(
    decisions: Iterable[Decision], titles: Mapping[int, Title], *, late: bool = False
) -> Iterator[Row]:
    """Yield decisions as they are kept, with what they were made of, but for run and number.

    ``late``: they were made of nothing, when the plan was there already.
    """
    proposed = AllocationState.PROPOSED.value
    for wished, rank, copies, given, reason in decisions:
        list_id, _, line_no, who, offer_id, quantity, at, why, differs, had, fits, has = wished
        facts = _known(had, fits, has, why, titles[offer_id].volumes, late)
        yield (
            *(list_id, line_no, who, offer_id, at, quantity),
            *(copies, rank, given, reason, proposed, differs, facts),
        )


def keep(conn: Connection, run_id: int, after: int, rows: Iterable[Row]) -> None:
    """Keep what ``rows_of`` made of decisions, numbered behind ``after``."""
    numbered = [(run_id, position, *row) for position, row in enumerate(rows, after + 1)]
    bulk.insert(conn, allocation, _COLUMNS, numbered)


@lru_cache(maxsize=10_000)  # few differ, and what is one object is written down once
def _known(
    had: bool, fits: bool, place_has: bool, hindrance: str, volumes: int, late: bool
) -> dict[str, Any] | None:
    """Return what is known of a wish beside what every reader sees: what is so, None for nothing.

    Read back by :mod:`service.store.kept_allocations`.
    """
    flags = {"had": had, "fits": fits, "place_has": place_has}
    facts: dict[str, Any] = {name: True for name, value in flags.items() if value}
    if hindrance:
        facts["hindrance"] = hindrance
    if volumes != 1:
        facts["volumes"] = volumes
    if late:
        facts["late"] = True
    return facts or None


def keep_standings(conn: Connection, run_id: int, standings: Mapping[int, Standing]) -> None:
    """Keep what a run knew of its partners."""
    bulk.insert(
        conn,
        allocation_partner,
        ("run_id", "partner_id", "facts"),
        [(run_id, who, _facts(standing)) for who, standing in sorted(standings.items())],
    )


def _facts(standing: Standing) -> dict[str, Any]:
    return standing._asdict() | {"room": standing.room._asdict()}


# --- what was decided -----------------------------------------------------------------------------

_DECIDED = (
    sa.select(
        allocation.c.position,
        (allocation_run.c.public_id + "-" + sa.cast(allocation.c.position, sa.Text)).label("id"),
        partner.c.code,
        wish_list.c.public_id,
        allocation.c.line_no,
        offer.c.public_id,
        record_version.c.title,
        allocation.c.wished_at,
        allocation.c.quantity,
        allocation.c.copies,
        allocation.c.rank,
        allocation.c.given,
        allocation.c.state,
        allocation.c.reason,
        allocation.c.differs,
        allocation.c.answer_until,
        allocation.c.transfer,
    )
    .select_from(allocation)
    .join(allocation_run, allocation_run.c.id == allocation.c.run_id)
    .join(partner, partner.c.id == allocation.c.partner_id)
    .join(wish_list, wish_list.c.id == allocation.c.wish_list_id)
    .join(_SENT, offer.c.id == allocation.c.offer_id)
)


def decided(conn: Connection, run_id: int, after: int, limit: int) -> list[Decided]:
    """Return decisions of a run in their order, behind the number ``after``."""
    return _decided(
        conn,
        _DECIDED.where(allocation.c.run_id == run_id, allocation.c.position > after)
        .order_by(allocation.c.position)
        .limit(limit),
    )


def decided_for(
    conn: Connection,
    partner_id: int,
    before: tuple[str, int] | None,
    limit: int,
    state: AllocationState | None = None,
) -> list[Decided]:
    """Return what confirmed runs decided for a partner, newest run first, behind (run, number)."""
    query = (
        _DECIDED.where(
            allocation.c.partner_id == partner_id,
            allocation_run.c.state == RunState.CONFIRMED.value,
            allocation.c.state != AllocationState.PROPOSED.value,
        )
        .order_by(allocation_run.c.public_id.desc(), allocation.c.position.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(allocation.c.state == state.value)
    if before is not None:
        run, position = before
        query = query.where(
            sa.or_(
                allocation_run.c.public_id < run,
                sa.and_(allocation_run.c.public_id == run, allocation.c.position < position),
            )
        )
    return _decided(conn, query)


def decided_by_id(conn: Connection, run: str, position: int) -> Decided | None:
    """Return one decision of a confirmed run, or None."""
    query = _DECIDED.where(
        allocation_run.c.public_id == run,
        allocation_run.c.state == RunState.CONFIRMED.value,
        allocation.c.position == position,
        allocation.c.state != AllocationState.PROPOSED.value,
    )
    found = _decided(conn, query)
    return found[0] if found else None


def _decided(conn: Connection, query: sa.Select[Any]) -> list[Decided]:
    return [
        Decided._make((*row[:12], AllocationState(row[12]), *row[13:]))
        for row in conn.execute(query)
    ]


def described(
    conn: Connection, decisions: Sequence[Decision], after: int, codes: Mapping[int, Standing]
) -> list[Decided]:
    """Return decisions that are not kept as ``decided`` would, numbered behind ``after``."""
    shown = {
        row.id: row
        for row in conn.execute(
            sa.select(offer.c.id, offer.c.public_id, record_version.c.title)
            .select_from(_SENT)
            .where(offer.c.id.in_({d.wished.offer_id for d in decisions}))
        )
    }
    return [
        Decided(
            position=number,
            id="",
            partner=codes[decision.wished.partner_id].code,
            wish_list=decision.wished.wish_list,
            line_no=decision.wished.line_no,
            offer=shown[decision.wished.offer_id].public_id,
            title=shown[decision.wished.offer_id].title,
            wished_at=decision.wished.wished_at,
            quantity=decision.wished.quantity,
            copies=decision.copies,
            rank=decision.rank,
            given=decision.given,
            state=AllocationState.PROPOSED,
            reason=decision.reason,
            differs=decision.wished.differs,
            answer_until=None,
            transfer=None,
        )
        for number, decision in enumerate(decisions, after + 1)
    ]


def shares(conn: Connection, run_id: int) -> dict[str, int]:
    """Return how many copies each partner has by a run, or is asked to take, by its code."""
    rows = conn.execute(
        sa.select(partner.c.code, sa.func.sum(allocation.c.given))
        .join(partner, partner.c.id == allocation.c.partner_id)
        .where(allocation.c.run_id == run_id, sa.or_(_GETS, _ASKED))
        .group_by(partner.c.code)
    )
    return {row[0]: int(row[1]) for row in rows}


class Portion(NamedTuple):
    """What a plan has for a partner."""

    copies: int = 0
    volumes: int = 0


def partners_shares(conn: Connection, run_id: int) -> dict[int, Portion]:
    """Return what a plan has for each partner that gets any of it."""
    found: dict[int, Portion] = {}
    for partner_id, given, volumes in bulk.select(conn, _GIVEN, {"run": run_id}):
        copies, so_far = found.get(partner_id, _NOTHING)
        found[partner_id] = Portion(copies + given, so_far + given * volumes)
    return found


_NOTHING = Portion()
# In the order in which they are stored: by partner, a long plan is read all over the place.
_GIVEN = (
    sa.select(allocation.c.partner_id, allocation.c.given, offer.c.volumes)
    .join(offer, offer.c.id == allocation.c.offer_id)
    .where(allocation.c.run_id == sa.bindparam("run"), allocation.c.given > sa.literal_column("0"))
    .order_by(allocation.c.position)
)
