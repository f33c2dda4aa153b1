"""Work that outlives a request: leased, resumable from a cursor, enqueued with what caused it.

A worker holds a job by a lease token that it must show at every step: the step's effect and the
new cursor are one transaction, guarded by the token, so that a job that was taken over by
somebody else can never be advanced twice.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.errors import LeaseLost
from service.store import public_ids
from service.store.tables import job

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 5

WAITING, RUNNING, DONE, FAILED = "WAITING", "RUNNING", "DONE", "FAILED"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``done`` and ``total`` are in the unit of its kind (octets for an import)."""

    id: int
    public_id: str
    kind: str
    subject_id: int
    state: str
    cursor: dict[str, Any]
    done: int
    total: int
    attempts: int
    lease: str | None
    error: str


def enqueue(
    conn: Connection,
    kind: str,
    subject_id: int,
    total: int,
    now: datetime,
    cursor: dict[str, Any] | None = None,
) -> int:
    """Put a job at the end of the queue, to begin at ``cursor``; return its id."""
    row = conn.execute(
        job.insert()
        .values(
            public_id=public_ids.new(),
            kind=kind,
            subject_id=subject_id,
            state=WAITING,
            cursor=cursor or {},
            done=0,
            total=total,
            attempts=0,
            created_at=now,
        )
        .returning(job.c.id)
    )
    return int(row.scalar_one())


# The number of the advisory locks under which jobs are enqueued once.
_ONCE = 7_031_976


def enqueue_once(conn: Connection, kind: str, subject_id: int, now: datetime) -> None:
    """Put a job at the end of the queue unless one of its kind waits there for this subject.

    The one that waits is held until the transaction ends: no worker takes it before what it is
    enqueued for now can be seen.
    """
    if conn.dialect.name == "postgresql":
        number = sa.literal(subject_id % 2**31, sa.Integer)
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.literal(_ONCE), number)))
    waits = (job.c.kind == kind) & (job.c.subject_id == subject_id) & (job.c.state == WAITING)
    if conn.execute(job.update().where(waits).values(due_at=None)).rowcount == 0:
        enqueue(conn, kind, subject_id, 0, now)


def lease(conn: Connection, now: datetime, job_id: int | None = None) -> Job | None:
    """Take the oldest job that waits or whose worker died (or just ``job_id``); None if none.

    One that was postponed is left until its moment, unless it is asked for by ``job_id``.
    """
    free = (job.c.state == WAITING) | ((job.c.state == RUNNING) & (job.c.lease_until < now))
    wanted = sa.select(job.c.id).where(free).order_by(job.c.id).limit(1)
    if job_id is not None:
        wanted = wanted.where(job.c.id == job_id)
    else:
        wanted = wanted.where(job.c.due_at.is_(None) | (job.c.due_at <= now))
    taken = conn.execute(wanted.with_for_update(skip_locked=True)).scalar()
    if taken is None:
        return None
    row = conn.execute(
        job.update()
        .where(job.c.id == taken, free)
        .values(
            state=RUNNING,
            lease=secrets.token_hex(16),
            lease_until=now + LEASE,
            attempts=job.c.attempts + 1,
        )
        .returning(job)
    ).first()
    return None if row is None else _job(row)


def advance(conn: Connection, held: Job, cursor: dict[str, Any], done: int, now: datetime) -> None:
    """Move a held job's cursor in the transaction of the step's effect.

    Raises ``LeaseLost`` when somebody else has taken the job over; the step must be rolled back.
    """
    _guarded(conn, held, cursor=cursor, done=done, attempts=0, lease_until=now + LEASE)


def prolong(conn: Connection, held: Job, now: datetime) -> None:
    """Keep a held job for longer without a step; its attempts count on."""
    _guarded(conn, held, lease_until=now + LEASE)


def finish(conn: Connection, held: Job, now: datetime) -> None:
    """End a held job well."""
    _guarded(conn, held, state=DONE, lease=None, lease_until=None, finished_at=now)


def fail(conn: Connection, held: Job, error: str, now: datetime) -> None:
    """End a held job badly; ``error`` is for people."""
    _guarded(conn, held, state=FAILED, error=error, lease=None, lease_until=None, finished_at=now)


def put_back(conn: Connection, held: Job) -> None:
    """Give a held job back, to be resumed from its cursor."""
    _guarded(conn, held, state=WAITING, lease=None, lease_until=None)


def postpone(
    conn: Connection, held: Job, cursor: dict[str, Any], error: str, until: datetime
) -> None:
    """Give a held job back until a moment; ``error`` says to people what it waits for."""
    _guarded(
        conn,
        held,
        state=WAITING,
        cursor=cursor,
        attempts=0,
        error=error,
        due_at=until,
        lease=None,
        lease_until=None,
    )


def hurry(conn: Connection, job_id: int) -> None:
    """Let a job that was postponed be done at once."""
    conn.execute(job.update().where(job.c.id == job_id, job.c.state == WAITING).values(due_at=None))


def _guarded(conn: Connection, held: Job, **values: Any) -> None:
    done = conn.execute(
        job.update()
        .where(job.c.id == held.id, job.c.lease == held.lease, job.c.state == RUNNING)
        .values(**values)
    )
    if done.rowcount != 1:
        raise LeaseLost(f"job {held.public_id} was taken over by another worker")


def of_subject(conn: Connection, kind: str, subject_id: int) -> Job | None:
    """Return the newest job of this kind on this subject, or None."""
    row = conn.execute(
        sa.select(job)
        .where(job.c.kind == kind, job.c.subject_id == subject_id)
        .order_by(job.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else _job(row)


def another_waits(conn: Connection, held: Job, now: datetime) -> bool:
    """Whether a job other than this one could be begun at once."""
    free = sa.select(job.c.id).where(
        job.c.state == WAITING,
        job.c.id != held.id,
        job.c.due_at.is_(None) | (job.c.due_at <= now),
    )
    return conn.execute(free.limit(1)).first() is not None


def by_public_id(conn: Connection, public_id: str) -> Job | None:
    """Return one job, or None."""
    row = conn.execute(sa.select(job).where(job.c.public_id == public_id)).first()
    return None if row is None else _job(row)


def _job(row: sa.Row[Any]) -> Job:
    return Job(
        id=row.id,
        public_id=row.public_id,
        kind=row.kind,
        subject_id=row.subject_id,
        state=row.state,
        cursor=row.cursor,
        done=row.done,
        total=row.total,
        attempts=row.attempts,
        lease=row.lease,
        error=row.error,
    )
