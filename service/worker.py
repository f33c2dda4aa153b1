"""The worker: takes jobs by lease, publishes what is marked, opens and closes lists on time.

Any number of workers may run. A job whose worker died is taken over when its lease ends and goes
on from its cursor; a step is one transaction, so none is lost and none is done twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from service.domain.import_batch import COMMIT, STAGE
from service.errors import Busy, CallerError, LeaseLost
from service.store import jobs, originals
from service.store.db import Database
from service.store.jobs import Job
from service.usecases import cataloguing, committing, offering, publishing, staging
from service.usecases.site import Site
from service.usecases.staging import Now, OnStep

log = structlog.get_logger(__name__)

KINDS: dict[str, Callable[[Database, Job, Now, OnStep], None]] = {
    STAGE: staging.stage,
    COMMIT: committing.commit,
}

# Seconds between two looks at an empty queue.
_PAUSE = 0.5
# Seconds after which a long job is interrupted between two steps for what cannot wait for its end.
_MEANWHILE = 2
# Bytes that stopped arriving this long ago are dropped.
_ABANDONED = timedelta(days=1)


def _meanwhile(site: Site) -> OnStep:
    """Return what is done between the steps of a long job: lists on time, changes in the feed."""
    due = time.monotonic() + _MEANWHILE

    def step(_: Job, __: int) -> None:
        nonlocal due
        if time.monotonic() >= due:
            with suppress(Busy):
                offering.keep_dates(site.db, site.now())
                publishing.publish_some(site.db, site.clock)
            due = time.monotonic() + _MEANWHILE

    return step


def run(site: Site, stop: threading.Event) -> None:
    """Work until ``stop`` is set: finish the step at hand, then give the job back."""
    log.info("worker_started")
    _tidy(site)
    while not stop.is_set():
        try:
            busy = turn(site, stop)
        except Busy:
            busy = False
        except Exception:
            # A fault of one turn must not end the worker: log it, rest, and look again.
            log.exception("worker_turn_failed")
            busy = False
        if not busy:
            stop.wait(_PAUSE)
    log.info("worker_stopped")


def turn(site: Site, stop: threading.Event | None = None) -> bool:
    """Do whatever is due now, at most one job; return whether there was anything."""
    moved = offering.keep_dates(site.db, site.now())
    published = publishing.publish_if_dirty(site.db, site.clock)
    held = lease(site)
    if held is not None:
        work(site, held, _meanwhile(site), stop)
    return bool(moved or published or held)


def lease(site: Site, job_id: int | None = None) -> Job | None:
    """Take a job from the queue (or just ``job_id``), or None."""
    with site.db.write() as conn:
        return jobs.lease(conn, site.now(), job_id)


class _Stopped(Exception):
    """The worker was asked to stop between two steps."""


def work(site: Site, held: Job, on_step: OnStep, stop: threading.Event | None = None) -> bool:
    """Run a leased job; return whether it ended well.

    A job that the caller of the import can mend fails at once, with the reason in its report; any
    other fault is tried again, and given up after ``jobs.MAX_ATTEMPTS`` attempts without a step.
    """

    def step(job: Job, done: int) -> None:
        on_step(job, done)
        if stop is not None and stop.is_set():
            raise _Stopped

    logger = log.bind(job=held.public_id, kind=held.kind)
    try:
        KINDS[held.kind](site.db, held, site.now, step)
    except LeaseLost:
        logger.warning("job_taken_over")
        return False
    except _Stopped:
        _put_back(site, held)
        return False
    except CallerError as error:
        logger.warning("job_failed", reason=error.detail)
        cataloguing.give_up(site.db, held, error.detail, site.now())
        return False
    except Exception as error:
        logger.exception("job_fault", attempt=held.attempts)
        if held.attempts >= jobs.MAX_ATTEMPTS:
            reason = cataloguing.explain_failure(error)
            cataloguing.give_up(site.db, held, reason, site.now())
        else:
            _put_back(site, held)
        return False
    logger.info("job_done")
    return True


def _put_back(site: Site, held: Job) -> None:
    with site.db.write() as conn:
        jobs.put_back(conn, held)


def _tidy(site: Site) -> None:
    with site.db.write() as conn:
        originals.discard_abandoned(conn, site.now() - _ABANDONED)
