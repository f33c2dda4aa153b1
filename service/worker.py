"""The worker: takes jobs by lease, publishes what is marked, keeps the dates of lists and terms.

Any number of workers may run. A job whose worker died is taken over when its lease ends and goes
on from its cursor; a step is one transaction, so none is lost and none is done twice.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from service.config import Settings
from service.domain.harvest import HARVEST, TAKE_WISHES
from service.domain.import_batch import COMMIT, STAGE, UNDO
from service.domain.rendition import RERENDER
from service.domain.wish import ANSWER, MATCH_OFFERS
from service.errors import Busy, CallerError, LeaseLost
from service.store import jobs, originals
from service.store.db import Database
from service.store.jobs import Job
from service.usecases import (
    accepting,
    cataloguing,
    committing,
    confirming,
    following_serials,
    moving_agreements,
    notifying,
    offering,
    opening_sessions,
    ordering_harvests,
    publishing,
    reminding,
    requesting,
    rerendering,
    rescheduling,
    staging,
    undoing,
    visiting,
)
from service.usecases.requesting import SEND
from service.usecases.rescheduling import TELL_LIST
from service.usecases.site import Site
from service.usecases.staging import Now, OnStep

log = structlog.get_logger(__name__)

KINDS: dict[str, Callable[[Database, Job, Now, OnStep], None]] = {
    STAGE: staging.stage,
    COMMIT: committing.commit,
    UNDO: undoing.undo,
    RERENDER: rerendering.rerender,
    TELL_LIST: rescheduling.tell_partners,
}

# What the following stand on – networks, spreadsheets, secrets – is large, and an import, which
# runs in the same process, has no need of it: it is loaded when the first such job comes.


def _answer(site: Site, held: Job, on_step: OnStep) -> None:
    from service.usecases import answering

    answering.answer(site, held, on_step)


def _give_up_answering(db: Database, held: Job, error: str, now: datetime) -> None:
    from service.usecases import answering

    answering.give_up(db, held, error, now)


def _match(site: Site, held: Job, on_step: OnStep) -> None:
    from service.usecases import matching_offers

    matching_offers.match(site.db, held, site.now, on_step)


def _give_up_matching(db: Database, held: Job, error: str, now: datetime) -> None:
    from service.usecases import matching_offers

    matching_offers.give_up(db, held, error, now)


def _harvest(site: Site, held: Job, on_step: OnStep) -> None:
    from service.usecases import harvesting

    harvesting.work(site, held, on_step)


def _take_wishes(site: Site, held: Job, on_step: OnStep) -> None:
    from service.usecases import harvested_wishes

    harvested_wishes.take(site, held, on_step)


def _send_wishes(site: Site, held: Job, on_step: OnStep) -> None:
    from service.usecases import sending_wishes

    sending_wishes.deliver(site, held, on_step)


# The kinds that need the settings as well: which networks may be called, the key of secrets, and
# how our offers are named.
CALLING: dict[str, Callable[[Site, Job, OnStep], None]] = {
    ANSWER: _answer,
    HARVEST: _harvest,
    MATCH_OFFERS: _match,
    TAKE_WISHES: _take_wishes,
    SEND: _send_wishes,
}

# What is told of a job that cannot go on, where that is not a matter of an import.
GIVING_UP: dict[str, Callable[[Database, Job, str, datetime], None]] = {
    MATCH_OFFERS: _give_up_matching,
    ANSWER: _give_up_answering,
    TELL_LIST: rescheduling.give_up,
}

# Seconds between two looks at an empty queue.
_PAUSE = 0.5
# Seconds after which a long job is interrupted between two steps for what cannot wait for its end.
_MEANWHILE = 2
# Seconds between two looks at what is not to be kept any longer.
_TIDY = 3600.0
# Seconds between two looks at whether what is stored was made by the crosswalks of this program.
_LOOK = 3600.0
# Deliveries to webhooks that are made at the same time: a slow receiver holds up one of them.
_SENDERS = 4
# Seconds that deliveries on their way have when the worker ends; one that is cut off comes again.
_FAREWELL = 5.0
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
    ended = threading.Event()
    sending = [notifying.deliver] * _SENDERS + [_mail] * bool(site.settings.smtp_host)
    senders = [
        threading.Thread(target=_send, args=(site, ended, each), daemon=True) for each in sending
    ]
    for each in senders:
        each.start()
    try:
        _run(site, stop)
    finally:
        ended.set()
        until = time.monotonic() + _FAREWELL
        for each in senders:
            each.join(max(0.0, until - time.monotonic()))
    log.info("worker_stopped")


def _run(site: Site, stop: threading.Event) -> None:
    tidied, looked = -_TIDY, -_LOOK
    while not stop.is_set():
        try:
            if time.monotonic() >= tidied + _TIDY:
                tidied = time.monotonic()
                _tidy(site)
            if time.monotonic() >= looked + _LOOK:
                rerendering.order(site.db, site.now())
                looked = time.monotonic()
            busy = turn(site, stop)
        except Busy:
            busy = False
        except Exception:
            # A fault of one turn must not end the worker: log it, rest, and look again.
            log.exception("worker_turn_failed")
            busy = False
        if not busy:
            stop.wait(_PAUSE)


def _mail(db: Database, settings: Settings, now: Now, chance: Callable[[], float]) -> bool:
    from service.usecases import mailing

    return mailing.go_on(db, settings, now, chance)


def _send(
    site: Site,
    ended: threading.Event,
    deliver: Callable[[Database, Settings, Now, Callable[[], float]], bool],
) -> None:
    """Deliver what partners are told until ``ended`` is set, apart from all other work."""
    while not ended.is_set():
        try:
            busy = deliver(site.db, site.settings, site.now, random.random)
        except Busy:
            busy = False
        except Exception:
            log.exception("delivery_fault")
            busy = False
        if not busy:
            ended.wait(_PAUSE)


def turn(site: Site, stop: threading.Event | None = None) -> bool:
    """Do whatever is due now, at most one job; return whether there was anything."""
    moved = offering.keep_dates(site.db, site.now())
    moved += moving_agreements.keep_terms(site.db, site.now())
    moved += reminding.remind(site.db, site.settings, site.now())
    published = publishing.publish_if_dirty(site.db, site.clock)
    begun = ordering_harvests.begin_due(site.db, site.now())
    begun += requesting.keep_up(site.db, site.now(), auto=site.settings.auto_send_wishes)
    moved += accepting.expire(site.db, site.now()) + confirming.go_on(site.db, site.now)
    held = lease(site)
    if held is not None:
        work(site, held, _meanwhile(site), stop)
    return bool(moved or published or begun or held)


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
        if held.kind in CALLING:
            CALLING[held.kind](site, held, step)
        else:
            KINDS[held.kind](site.db, held, site.now, step)
    except LeaseLost:
        logger.warning("job_taken_over")
        return False
    except _Stopped:
        _put_back(site, held)
        return False
    except CallerError as error:
        logger.warning("job_failed", reason=error.detail)
        _give_up(site, held, error.detail)
        return False
    except Exception as error:
        logger.exception("job_fault", attempt=held.attempts)
        if held.attempts >= jobs.MAX_ATTEMPTS:
            reason = cataloguing.explain_failure(error)
            _give_up(site, held, reason)
        else:
            _put_back(site, held)
        return False
    logger.info("job_done")
    return True


def _give_up(site: Site, held: Job, reason: str) -> None:
    GIVING_UP.get(held.kind, cataloguing.give_up)(site.db, held, reason, site.now())


def _put_back(site: Site, held: Job) -> None:
    with site.db.write() as conn:
        jobs.put_back(conn, held)


def _tidy(site: Site) -> None:
    with site.db.write() as conn:
        originals.discard_abandoned(conn, site.now() - _ABANDONED)
    visiting.tidy(site.db, site.now(), site.settings.harvester_address_days)
    opening_sessions.tidy(site.db, site.now())
    following_serials.expect(site.db, site.now())
