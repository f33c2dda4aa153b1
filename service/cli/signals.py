"""Being asked to end, in every way there is: SIGTERM, Ctrl-C, and the death of the parent."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping(on_stop: Callable[[], None]) -> Iterator[None]:
    """Call ``on_stop`` at SIGTERM and SIGINT, in the main thread; give the signals back after."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, lambda *_: on_stop())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watch_standard_input(on_stop: Callable[[], None]) -> None:
    """Call ``on_stop`` at the end of standard input: the parent is gone, even by SIGKILL.

    The parent holds the other end of the pipe and never writes; the system closes it for the dead.
    """

    def watch() -> None:
        while os.read(0, 1024):
            pass
        on_stop()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
