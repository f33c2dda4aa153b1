"""Keeping a job while somebody else is waited for, which may take longer than a lease.

A thread shows signs of life beside the work. It stops when the work takes no step for long, so
that a run which hangs loses its job to another worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.errors import Busy, LeaseLost
from service.store import jobs
from service.store.jobs import Job
from service.usecases.site import Site

# Seconds between two signs of life, and after which a run without progress shows no more of them.
_BEAT = 8.0
_LONGEST_SILENCE = 900.0


@contextmanager
def beating(site: Site, held: Job) -> Iterator[Callable[[], None]]:
    """Keep the job while the block runs.

    What is yielded is called at every step; a run that takes none for long loses its job.
    """
    over = threading.Event()
    seen = time.monotonic()

    def alive() -> None:
        nonlocal seen
        seen = time.monotonic()

    def beat() -> None:
        while not over.wait(_BEAT) and time.monotonic() - seen < _LONGEST_SILENCE:
            try:
                with site.db.write() as conn:
                    jobs.prolong(conn, held, site.now())
            except Busy:
                continue
            except LeaseLost:
                return  # the next step finds out

    thread = threading.Thread(target=beat, name="harvest-lease", daemon=True)
    thread.start()
    try:
        yield alive
    finally:
        over.set()
        thread.join()
