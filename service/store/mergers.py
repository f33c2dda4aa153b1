"""Two entries of one library become one: all that was the one's becomes the other's."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.allocation import AllocationState, RunState
from service.domain.merger import Merger, Settled
from service.domain.wish import WishListState
from service.store import jobs, merged_rows
from service.store.tables import allocation, allocation_run, job, offer_list, partner, wish_list


def merge(conn: Connection, both: Merger) -> dict[str, Settled]:
    """Let all that was ``both.old``'s be ``both.new``'s; return what was done, by table.

    Both rows are held. The entries themselves – names, contacts – are the caller's to bring
    together before this.
    """
    done: dict[str, Settled] = {}
    for column in merged_rows.references():
        rule = merged_rows.RULES.get(f"{column.table.name}.{column.name}")
        settled = rule(conn, both) if rule else merged_rows.move(conn, both, column)
        if settled.moved or settled.remarks:
            done[column.table.name] = settled
    _move_jobs(conn, both)
    return done


def close(conn: Connection, both: Merger, state: str) -> None:
    """Let the entry that goes say what it became, in this state and as a new revision."""
    conn.execute(
        partner.update()
        .where(partner.c.id == both.old)
        .values(merged_into=both.new, state=state, revision=partner.c.revision + 1)
    )


def free_isil(conn: Connection, partner_id: int) -> None:
    """Take an entry's ISIL from it, so that another can have it."""
    conn.execute(
        partner.update().where(partner.c.id == partner_id).values(isil=None, isil_folded=None)
    )


def is_merged(conn: Connection, old: int, new: int) -> bool:
    """Whether one entry was merged into another before."""
    return conn.execute(sa.select(partner.c.merged_into).where(partner.c.id == old)).scalar() == new


def in_the_way(conn: Connection, both: Merger) -> str:
    """Return what keeps two entries from becoming one now, as a sentence; "" for nothing."""
    answering = sa.select(wish_list.c.public_id).where(
        wish_list.c.partner_id == both.old,
        wish_list.c.state.in_([WishListState.RECEIVED.value, WishListState.ANSWERING.value]),
    )
    if found := conn.execute(answering.limit(1)).scalar():
        return f"its wish list {found} is being answered; try again when it is"
    running = sa.select(job.c.public_id).where(
        job.c.kind.in_(both.job_kinds),
        job.c.subject_id == both.old,
        job.c.state == jobs.RUNNING,
    )
    if conn.execute(running.limit(1)).first():
        return "our wishes are being sent to it; try again in a minute"
    planned = (
        sa.select(offer_list.c.slug)
        .join(allocation_run, allocation_run.c.list_id == offer_list.c.id)
        .join(allocation, allocation.c.run_id == allocation_run.c.id)
        .where(allocation.c.partner_id == both.old, _UNDECIDED)
    )
    if found := conn.execute(planned.limit(1)).scalar():
        return (
            f"the allocation of list {found} is not concluded for it; conclude it, or wait for its "
            "answer, and try again"
        )
    return ""


_UNDECIDED = allocation_run.c.state.in_(
    [RunState.PLANNING.value, RunState.PROPOSED.value]
) | allocation.c.state.in_([AllocationState.PROPOSED.value, AllocationState.OFFERED.value])


def _move_jobs(conn: Connection, both: Merger) -> None:
    """Let jobs that wait be done for the new entry."""
    conn.execute(
        job.update()
        .where(
            job.c.kind.in_(both.job_kinds),
            job.c.subject_id == both.old,
            job.c.state == jobs.WAITING,
        )
        .values(subject_id=both.new)
    )
