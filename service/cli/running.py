"""Work on the jobs of one import here and now, or watch the worker that took them first."""

from __future__ import annotations

import threading

from service import worker
from service.cli.progress import Show
from service.domain.import_batch import COMMIT, STAGE, UNDO, BatchState
from service.errors import Busy
from service.store.jobs import Job
from service.usecases import cataloguing, publishing
from service.usecases.cataloguing import Report
from service.usecases.site import Site

ENDED = frozenset(
    {
        BatchState.STAGED,
        BatchState.COMMITTED,
        BatchState.FAILED,
        BatchState.DISCARDED,
        BatchState.UNDONE,
    }
)

# Seconds between two looks at work that another process does.
_PAUSE = 0.3
_WORDS = {STAGE: "reading", COMMIT: "offering", UNDO: "taking back"}


def to_the_end(site: Site, public_id: str, stop: threading.Event, show: Show) -> Report:
    """Bring a batch to its end and return its report; when ``stop`` is set, as far as it came.

    Work that is stopped stays in the queue, and a worker or the same command goes on with it.
    """

    def step(job: Job, done: int) -> None:
        show(_WORDS[job.kind], done, job.total)

    while True:
        report = cataloguing.report(site.db, public_id)
        job = report.job
        if report.batch.state in ENDED or stop.is_set() or job is None:
            return report
        held = worker.lease(site, job.id)
        if held is not None:
            worker.work(site, held, step, stop)
        else:
            step(job, job.done)
            stop.wait(_PAUSE)


def publish(site: Site) -> str:
    """Publish what changed, for harvesters to see at once; return a sentence if it must wait."""
    try:
        publishing.publish_if_dirty(site.db, site.clock)
    except Busy:
        return "the database is busy: partners see the change as soon as a worker publishes it"
    return ""
