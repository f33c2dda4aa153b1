"""The end of a confirmation: partners are told what became of their wishes, also of late ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from service.domain import allocation as rules
from service.domain import allocation_reason as reasons
from service.domain.allocation import Decision
from service.domain.announcement import WISH_CHANGED
from service.store import allocation_outcomes as outcomes
from service.store import allocation_steps as steps
from service.store import allocations
from service.store.allocation_steps import Step
from service.store.db import ROOMY_KIB, Connection, Database
from service.usecases import notifying, waiting_again
from service.usecases.pacing import Pace


def finish(db: Database, run_id: int, list_id: int, now: datetime, pace: Pace) -> None:
    """Tell partners what became of their wishes, list by list; and who was not decided on, so.

    Partner by partner, until the time of a transaction is used up: up to whom all were told is kept
    in the same transaction, so that nobody is told twice and nobody is left out.
    """
    with db.read() as conn:
        late = outcomes.came_late(conn, run_id, list_id)
    for begin in range(0, len(late), pace.go):
        with db.write(cache_kib=ROOMY_KIB) as conn:
            if not steps.lock(conn, run_id):
                return
            _pass_over(conn, run_id, list_id, late[begin : begin + pace.go], now)
    waiting_again.wait_again(db, run_id, pace)
    with db.read() as conn:
        partner_ids = outcomes.partner_ids(conn, run_id)
    while True:
        with db.write(cache_kib=ROOMY_KIB) as conn:
            if not steps.lock(conn, run_id) or _tell_some(conn, run_id, partner_ids, now, pace):
                return


def _tell_some(
    conn: Connection, run_id: int, partner_ids: Sequence[int], now: datetime, pace: Pace
) -> bool:
    """Tell those that were not told yet; return whether all are, and with that the run finished."""
    used_up = pace.begin()
    before = outcomes.told_up_to(conn, run_id)
    for partner_id in (who for who in partner_ids if who > before):
        for told in outcomes.outcome(conn, run_id, partner_id):
            _tell(conn, told, now)
        if used_up():
            outcomes.tell_up_to(conn, run_id, partner_id)
            return False
    steps.finish(conn, run_id, now)
    return True


def _tell(conn: Connection, told: outcomes.Told, now: datetime) -> None:
    figures = {
        "allocated": told.allocated,
        "not_allocated": told.not_allocated,
        "offered": told.offered,
    }
    body = {"wish_list": told.wish_list} | {
        name: number for name, number in figures.items() if number or name != "offered"
    }
    notifying.announce(conn, told.partner_id, WISH_CHANGED, body, now)


def _pass_over(
    conn: Connection, run_id: int, list_id: int, found: Sequence[Decision], now: datetime
) -> None:
    """Decide on wishes that came when the plan was made already, as far as nobody else did."""
    late = outcomes.came_late(conn, run_id, list_id, found)
    why = reasons.hindered("your wish came after it was decided who gets what")
    decisions = [each._replace(reason=why) for each in late]
    titles = {each.wished.offer_id: rules.Title(each.wished.offer_id, "", 0) for each in late}
    after = outcomes.last_position(conn, run_id)
    allocations.keep(conn, run_id, after, allocations.rows_of(decisions, titles, late=True))
    step = Step(after + 1, after + len(decisions), [], [])
    steps.settle(conn, run_id, step, now, "")
