"""Several acts at the same moment, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.errors import BookbridgeError


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do all of this at the same moment; return what came of each."""
    results: list[object] = [None] * len(acts)
    gate = threading.Barrier(len(acts))

    def run(n: int) -> None:
        gate.wait(30)
        try:
            results[n] = acts[n]()
        except BookbridgeError as error:
            results[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
