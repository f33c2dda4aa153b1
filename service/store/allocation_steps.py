"""What becomes of a plan: it is confirmed step by step, and copies that come back pass on.

The one guard that no copy is given twice is ``take``: a copy is counted on its offer by a statement
that does nothing where there is none left. All else here changes a state by naming the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import (
    AllocationState,
    RunState,
)
from service.domain.offer import ListState, OfferState
from service.domain.partner import PartnerState
from service.domain.wish import Outcome, WishState
from service.errors import Conflict
from service.store import bulk
from service.store.allocations import VERSION
from service.store.tables import (
    Instant,
    allocation,
    allocation_run,
    offer,
    offer_list,
    partner,
    record,
    wish,
)

_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_S = AllocationState


# --- the run --------------------------------------------------------------------------------------


def confirm(conn: Connection, run_id: int, public_id: str, now: datetime) -> None:
    """Confirm a run as it was planned; raise ``Conflict`` if somebody did so, or planned anew."""
    done = conn.execute(
        allocation_run.update()
        .where(
            allocation_run.c.id == run_id,
            allocation_run.c.public_id == public_id,
            allocation_run.c.state == RunState.PROPOSED.value,
        )
        .values(state=RunState.CONFIRMED.value, confirmed_at=now)
    )
    if done.rowcount != 1:
        raise Conflict("somebody else changed this allocation at the same moment; look at it again")


def lock(conn: Connection, run_id: int) -> bool:
    """Let nobody else go on with a run until the transaction ends; return whether it is unfinished.

    Whoever changes anything of a confirmed run holds it first.
    """
    found = conn.execute(
        sa.select(allocation_run.c.finished_at)
        .where(allocation_run.c.id == run_id)
        .with_for_update()
    ).one()
    return found.finished_at is None


def finish(conn: Connection, run_id: int, now: datetime) -> None:
    """Say that the last decision of a run is confirmed."""
    conn.execute(
        allocation_run.update().where(allocation_run.c.id == run_id).values(finished_at=now)
    )


class Run(NamedTuple):
    """A confirmed run: its list, and whether that still gives."""

    id: int
    public_id: str
    list_id: int
    giving: bool


_RUN = sa.select(
    allocation_run.c.id,
    allocation_run.c.public_id,
    allocation_run.c.list_id,
    offer_list.c.state == ListState.ALLOCATED.value,
).join(offer_list, offer_list.c.id == allocation_run.c.list_id)


def confirmed_run(conn: Connection, public_id: str) -> Run | None:
    """Return a confirmed run, or None."""
    row = conn.execute(
        _RUN.where(
            allocation_run.c.public_id == public_id,
            allocation_run.c.state == RunState.CONFIRMED.value,
        )
    ).first()
    return None if row is None else Run._make((*row[:3], bool(row[3])))


def left_behind(conn: Connection, before: datetime) -> list[str]:
    """Return the slugs of lists whose runs were confirmed before a moment and are unfinished."""
    rows = conn.execute(
        sa.select(offer_list.c.slug)
        .join(allocation_run, allocation_run.c.list_id == offer_list.c.id)
        .where(
            allocation_run.c.state == RunState.CONFIRMED.value,
            allocation_run.c.finished_at.is_(None),
            allocation_run.c.confirmed_at < before,
        )
    )
    return list(rows.scalars())


# --- the step -------------------------------------------------------------------------------------


class Step(NamedTuple):
    """What a step is about: whole titles, from one number to another, and whose wishes they are."""

    first: int
    last: int
    offer_ids: list[int]
    partner_ids: list[int]


_AHEAD = (
    sa.select(allocation.c.position, allocation.c.offer_id, allocation.c.partner_id)
    .where(
        allocation.c.run_id == sa.bindparam("run"),
        allocation.c.position > sa.bindparam("after"),
        allocation.c.state == sa.literal_column("'PROPOSED'"),
    )
    .order_by(allocation.c.position)
    .limit(sa.bindparam("limit"))
)


def ahead(conn: Connection, run_id: int, after: int, limit: int) -> Step | None:
    """Return the next titles with about ``limit`` wishes to be confirmed; None: there are none."""
    rows = _ahead(conn, run_id, after, limit)
    if not rows:
        return None
    # The last title may go on behind the limit: it belongs to the next step, if it is not alone.
    while len(rows) % limit == 0 and _offer(rows[0]) == _offer(rows[-1]):
        more = _ahead(conn, run_id, rows[-1][0], limit)
        if not more:
            break
        rows += more
    if len(rows) >= limit and _offer(rows[0]) != _offer(rows[-1]):
        last = _offer(rows[-1])
        rows = [row for row in rows if row[1] != last]
    offer_ids = list(dict.fromkeys([row[1] for row in rows]))
    partner_ids = sorted({row[2] for row in rows})
    return Step(rows[0][0], rows[-1][0], offer_ids, partner_ids)


# The number of a decision, the offer and the partner: there are as many as there are wishes.
_Ahead = tuple[int, int, int]


def _ahead(conn: Connection, run_id: int, after: int, limit: int) -> list[_Ahead]:
    given = {"run": run_id, "after": after, "limit": limit}
    return cast("list[_Ahead]", bulk.select(conn, _AHEAD, given))


def _offer(row: _Ahead) -> int:
    return row[1]


_PARTNERS = (
    sa.select(partner.c.id, partner.c.state)
    .where(partner.c.id.in_(_VALUES))
    .order_by(partner.c.id)
    .with_for_update()
)


def lock_partners(conn: Connection, partner_ids: Sequence[int]) -> set[int]:
    """Hold partners, in the order of their rows; return those whose exchange runs."""
    rows = bulk.select_in(conn, _PARTNERS, partner_ids)
    return {partner_id for partner_id, state in rows if state == PartnerState.ACTIVE.value}


class Stock(NamedTuple):
    """An offer at the moment when its copies are given; ``version_id`` is what is sent of it."""

    offer_id: int
    left: int
    offered: bool
    version_id: int


_STOCK = (
    sa.select(
        offer.c.id,
        offer.c.copies - offer.c.allocated,
        offer.c.state == OfferState.OFFERED.value,
        VERSION,
    )
    .join(record, record.c.id == offer.c.record_id)
    .where(offer.c.id.in_(_VALUES))
    .order_by(offer.c.id)
    .with_for_update(of=offer, key_share=True)
)


def lock_offers(conn: Connection, offer_ids: Sequence[int]) -> dict[int, Stock]:
    """Hold offers, so that nobody takes one back or gives of it; return what is left of each."""
    return {
        row[0]: Stock(row[0], row[1], bool(row[2]), row[3])
        for row in bulk.select_in(conn, _STOCK, offer_ids)
    }


class Line(NamedTuple):
    """One decision of a step, as it was planned; ``stands``: its wish is still there."""

    position: int
    offer_id: int
    partner_id: int
    wish_list_id: int
    line_no: int
    quantity: int
    rank: int
    given: int
    differs: str
    stands: bool


_LINES = (
    sa.select(
        allocation.c.position,
        allocation.c.offer_id,
        allocation.c.partner_id,
        allocation.c.wish_list_id,
        allocation.c.line_no,
        allocation.c.quantity,
        allocation.c.rank,
        allocation.c.given,
        allocation.c.differs,
        (wish.c.state == sa.literal_column("'OPEN'")) & (wish.c.offer_id == allocation.c.offer_id),
    )
    .join(
        wish,
        (wish.c.wish_list_id == allocation.c.wish_list_id)
        & (wish.c.line_no == allocation.c.line_no),
    )
    .where(
        allocation.c.run_id == sa.bindparam("run"),
        allocation.c.position.between(sa.bindparam("first"), sa.bindparam("last")),
        allocation.c.state == sa.literal_column("'PROPOSED'"),
    )
    .order_by(allocation.c.position)
    .with_for_update(of=wish)
)


def lock_lines(conn: Connection, run_id: int, step: Step) -> list[Line]:
    """Return the decisions of a step, and let nobody withdraw a wish of them meanwhile."""
    given = {"run": run_id, "first": step.first, "last": step.last}
    return [Line._make((*row[:9], bool(row[9]))) for row in bulk.select(conn, _LINES, given)]


# --- the guard ------------------------------------------------------------------------------------

_TAKE = (
    offer.update()
    .where(
        offer.c.id == sa.bindparam("key"),
        offer.c.allocated + sa.bindparam("number", type_=sa.Integer) <= offer.c.copies,
        offer.c.state == OfferState.OFFERED.value,
    )
    .values(allocated=offer.c.allocated + sa.bindparam("number", type_=sa.Integer))
)
_PUT_BACK = (
    offer.update()
    .where(
        offer.c.id == sa.bindparam("key"),
        offer.c.allocated >= sa.bindparam("number", type_=sa.Integer),
    )
    .values(allocated=offer.c.allocated - sa.bindparam("number", type_=sa.Integer))
)


def take(conn: Connection, copies: Mapping[int, int]) -> None:
    """Take copies of offers, so many of each; all of them, or raise ``Conflict``."""
    rows = [(key, number) for key, number in copies.items() if number]
    if bulk.run(conn, _TAKE, ("key", "number"), rows) != len(rows):
        raise Conflict(
            "somebody else gave copies of this list at the same moment; nothing was given twice: "
            "do it again"
        )


def put_back(conn: Connection, offer_id: int, number: int) -> None:
    """Give copies back to their offer."""
    if conn.execute(_PUT_BACK, {"key": offer_id, "number": number}).rowcount != 1:
        raise Conflict("these copies were given back at the same moment; look at it again")


# --- states ---------------------------------------------------------------------------------------


class Change(NamedTuple):
    """A decision that comes out otherwise than planned, or changes later."""

    position: int
    before: AllocationState
    state: AllocationState
    given: int
    reason: str
    answer_until: datetime | None = None


def change(conn: Connection, run_id: int, changes: Iterable[Change]) -> None:
    """Change decisions; what was planned of each stays among its facts.

    Raises ``Conflict`` where one is not in the state that it was found in.
    """
    for each in changes:
        this = (allocation.c.run_id == run_id) & (allocation.c.position == each.position)
        row = conn.execute(
            sa.select(allocation.c.given, allocation.c.reason, allocation.c.facts).where(this)
        ).one()
        facts = dict(row.facts or {})
        facts.setdefault("planned", [row.given, row.reason])
        done = conn.execute(
            allocation.update()
            .where(this, allocation.c.state == each.before.value)
            .values(
                state=each.state.value,
                given=each.given,
                reason=each.reason,
                answer_until=each.answer_until,
                facts=facts,
            )
        )
        if done.rowcount != 1:
            raise Conflict("somebody else decided on this at the same moment; look at it again")


# Statements of which every go of a confirmation has some are made once.
_WITHIN = (allocation.c.run_id == sa.bindparam("run")) & allocation.c.position.between(
    sa.bindparam("first"), sa.bindparam("last")
)
_GETS, _DIFFERS = allocation.c.given > 0, allocation.c.differs != ""
_SETTLE = (
    allocation.update()
    .where(_WITHIN, allocation.c.state == _S.PROPOSED.value)
    .values(
        state=sa.case(
            (_GETS & _DIFFERS, _S.OFFERED.value),
            (_GETS, _S.CONFIRMED.value),
            else_=_S.NOT_ALLOCATED.value,
        ),
        answer_until=sa.case(
            (_GETS & _DIFFERS, sa.bindparam("until", type_=Instant())), else_=sa.null()
        ),
    )
)


def settle(conn: Connection, run_id: int, step: Step, until: datetime, asking: str) -> None:
    """Let what was planned of a step stand, and tell every wish what became of it.

    Who is asked may answer ``until`` a moment, of which it is told by ``asking``. What the partner
    was answered first stays, and what became of the wish follows it.
    """
    within = {"run": run_id, "first": step.first, "last": step.last}
    conn.execute(_SETTLE, within | {"until": until})
    _tell(conn, within, asking)


def tell(conn: Connection, run_id: int, position: int, asking: str = "") -> None:
    """Tell a wish that is still open, or that waited in vain, what became of it."""
    _tell(conn, {"run": run_id, "first": position, "last": position}, asking)


_BECOMES: Mapping[AllocationState, WishState] = {
    _S.CONFIRMED: WishState.ALLOCATED,
    _S.ACCEPTED: WishState.ALLOCATED,
    _S.OFFERED: WishState.OPEN,
    _S.NOT_ALLOCATED: WishState.NOT_ALLOCATED,
    _S.DECLINED: WishState.NOT_ALLOCATED,
    _S.EXPIRED: WishState.NOT_ALLOCATED,
}
_IN_VAIN = [state.value for state, became in _BECOMES.items() if became is WishState.NOT_ALLOCATED]
# A wish that its partner took back or replaced stays so, whatever was decided.
_TOLD = [WishState.OPEN.value, WishState.ALLOCATED.value, WishState.NOT_ALLOCATED.value]
_ASKED = allocation.c.state == _S.OFFERED.value
# It asked for something else, and goes on waiting for that.
_WAITS = wish.c.outcome == Outcome.OTHER_EDITION.value
_TELL = (
    wish.update()
    .where(
        _WITHIN,
        wish.c.wish_list_id == allocation.c.wish_list_id,
        wish.c.line_no == allocation.c.line_no,
        wish.c.state.in_(_TOLD),
        allocation.c.state.in_([state.value for state in _BECOMES]),
    )
    .values(
        state=sa.case(
            (sa.and_(_WAITS, allocation.c.state.in_(_IN_VAIN)), WishState.OPEN.value),
            *(
                (allocation.c.state == state.value, became.value)
                for state, became in _BECOMES.items()
            ),
            else_=wish.c.state,
        ),
        # What waited again since it got nothing is for this offer again.
        outcome=sa.case(
            (wish.c.outcome != Outcome.WAITING.value, wish.c.outcome),
            (_ASKED, Outcome.MATCHED.value),
            else_=Outcome.REGISTERED.value,
        ),
        reason=wish.c.reason
        + sa.literal(" ")
        + allocation.c.reason
        + sa.case((_ASKED, sa.bindparam("asking", type_=sa.Text)), else_=sa.literal("")),
    )
)


def _tell(conn: Connection, within: Mapping[str, int], asking: str) -> None:
    conn.execute(_TELL, {**within, "asking": f" {asking}"})


_ENTER = (
    allocation.update()
    .where(
        allocation.c.run_id == sa.bindparam("run"),
        allocation.c.position == sa.bindparam("number"),
    )
    .values(transfer=sa.bindparam("name"))
)


def enter(conn: Connection, run_id: int, transfers: Mapping[int, str]) -> None:
    """Note which transfer each decision (by its number) became."""
    rows = [(run_id, number, name) for number, name in transfers.items()]
    bulk.run(conn, _ENTER, ("run", "number", "name"), rows)
