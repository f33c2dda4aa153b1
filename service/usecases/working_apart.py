"""A second process that does the pure half of some work, while the first one writes.

It lives on a pipe, and ends when the pipe does, however the first one died. What it is given to do
is a function of a module that imports nothing of the store, which keeps it small.
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")

# Steps that the second process has at the same time, and that wait in all for the first one.
_APART: Final = 2
_WAITING: Final = 4


def results(work: Callable[[Step], Result], steps: Iterator[Step]) -> Iterator[Result]:
    """Yield what ``work`` makes of each step, in their order; a result is never None.

    The second process always has a step or two to do, a few ahead of whoever takes the results.
    What is ready is handed on before anything else; while nothing is, this process does a step as
    well. So both are busy, whichever half is the slower one. An error is raised here.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()
    try:
        # In their order; None stands for a step that is still with the other process.
        waiting: deque[Result | None] = deque()
        step = next(steps, None)
        while step is not None or waiting:
            while ours.poll():
                waiting[waiting.index(None)] = _received(ours)
            room = len(waiting) < _WAITING
            if step is not None and room and waiting.count(None) < _APART:
                ours.send(step)
                waiting.append(None)
                step = next(steps, None)
            elif waiting and (ready := waiting[0]) is not None:
                waiting.popleft()
                yield ready
            elif step is not None and room:
                waiting.append(work(step))
                step = next(steps, None)
            else:
                waiting[waiting.index(None)] = _received(ours)
    finally:
        ours.close()
        process.join()


def _received(pipe: Connection) -> Any:
    answer = pipe.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Do what comes through ``pipe`` until it ends: the body of the second process."""
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def take() -> None:
        # Always ready to receive, so that neither side waits for the other to read first.
        with suppress(EOFError, OSError):
            while True:
                tasks.put(pipe.recv())
        tasks.put(None)

    threading.Thread(target=take, daemon=True).start()
    with suppress(BrokenPipeError, ConnectionError):
        while (step := tasks.get()) is not None:
            try:
                pipe.send(work(step))
            except (BrokenPipeError, ConnectionError):
                raise
            except Exception as error:  # told to the first process, which raises it
                pipe.send(error)
