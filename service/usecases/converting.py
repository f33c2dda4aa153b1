"""Converting and checking files without a database: a step of records at a time, in order.

Memory is constant: a few steps are in it at once, however large the file. With several workers
the steps are made in processes of their own; their results are taken in the order of the file.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import BinaryIO, NamedTuple, TypeVar

from marc_mappings import conversion, crosswalks, formats, incoming, validation
from marc_mappings.conversion import FORMS, Line, Wanted
from marc_mappings.formats import Slice, Unreadable
from marc_mappings.survey import Said, Survey
from service.errors import BookbridgeError

# Records of one step, and steps that wait for each worker.
_STEP = 100
_AHEAD = 3

OnStep = Callable[[int, int], None]  # records done, octets done


class Tally(NamedTuple):
    """The figures of a file, in records. ``doubtful``: the encoding is not certain."""

    read: int = 0
    ok: int = 0
    repaired: int = 0
    rejected: int = 0
    doubtful: int = 0
    errors: int = 0
    warnings: int = 0

    def plus(self, other: Tally) -> Tally:
        """Return the sum of two tallies."""
        return Tally(*map(sum, zip(self, other, strict=True)))

    @property
    def is_fine(self) -> bool:
        """Whether nothing calls for a person."""
        return not (self.rejected or self.doubtful or self.errors or self.warnings)


class Sinks(NamedTuple):
    """Where results go: the new file, the report (JSON Lines), the bytes of rejected records."""

    out: BinaryIO
    report: BinaryIO | None = None
    rejected: BinaryIO | None = None


class Done(NamedTuple):
    """What a file came to: the figures, and what the survey of it found."""

    tally: Tally
    survey: Survey


def convert(
    source: BinaryIO,
    sinks: Sinks,
    wanted: Wanted,
    said: Said,
    *,
    workers: int = 1,
    on_step: OnStep = lambda _records, _octets: None,
) -> Done:
    """Write every record of ``source`` in the form ``wanted``, and its line of the report.

    ``source`` must be seekable: it is surveyed as a whole first. Raises ``formats.NotMarc``
    before anything is written.
    """
    opened = formats.open_stream(source, said=said)
    form = FORMS[wanted.form]
    tally = Tally()
    sinks.out.write(form.begin)
    written = False
    make = partial(_converted, wanted=wanted, reported=sinks.report is not None)
    for step in _in_order(make, _steps(opened.slices), workers):
        if step.body:
            sinks.out.write(form.between * written + step.body)
            written = True
        if sinks.report:
            sinks.report.write(step.report)
        if sinks.rejected:
            sinks.rejected.write(step.rejected)
        tally = tally.plus(step.tally)
        on_step(tally.read, step.octets)
    # A form of lines has an end only where it has a line.
    sinks.out.write(form.end if form.begin or written else b"")
    return Done(tally, opened.survey)


class _Converted(NamedTuple):
    body: bytes
    report: bytes
    rejected: bytes
    tally: Tally
    octets: int


def _converted(parts: list[Slice], wanted: Wanted, *, reported: bool) -> _Converted:
    """Return a step in its new form; runs in a worker's process if there are any."""
    done = [conversion.convert(part, wanted) for part in parts]
    lines = [each.line for each in done]
    return _Converted(
        FORMS[wanted.form].between.join([each.body for each in done if each.body]),
        b"".join([f"{line.as_text()}\n".encode() for line in lines]) if reported else b"",
        b"".join([each.rejected for each in done]),
        _tally(lines),
        parts[-1].frame.offset + len(parts[-1].frame.raw),
    )


def _tally(lines: Iterable[Line]) -> Tally:
    figures: Counter[str] = Counter()
    for line in lines:
        figures["read"] += 1
        figures[line.outcome] += 1
        figures["doubtful"] += line.outcome != "rejected" and not line.encoding_certain
        figures["errors"] += sum(each.level == "error" for each in line.problems)
        figures["warnings"] += sum(each.level == "warning" for each in line.problems)
    return Tally(**figures)


# --- checking -----------------------------------------------------------------------------------


class Checked(NamedTuple):
    """One step of a check: the lines of its records, with the problems of the rules among them."""

    lines: tuple[Line, ...]
    tally: Tally
    octets: int


def check(
    source: BinaryIO, said: Said, local: frozenset[str] = frozenset(), *, workers: int = 1
) -> tuple[Survey, Iterator[Checked]]:
    """Return the survey of a file, and its records read and held against the rules of MARC 21.

    ``local`` are tags of the sender's own. Nothing is written. Raises ``formats.NotMarc`` at the
    call.
    """
    opened = formats.open_stream(source, said=said)
    make = partial(_checked, local=local)
    return opened.survey, _in_order(make, _steps(opened.slices), workers)


def _checked(parts: list[Slice], local: frozenset[str]) -> Checked:
    """Return a step held against the rules; runs in a worker's process if there are any."""
    lines = tuple([_check(part, local) for part in parts])
    return Checked(lines, _tally(lines), parts[-1].frame.offset + len(parts[-1].frame.raw))


def _check(part: Slice, local: frozenset[str]) -> Line:
    item = incoming.take(part)
    if isinstance(item, Unreadable):
        return conversion.line_of_unreadable(item)
    found = validation.validate(item.record, local=local)
    if item.parsed.dialect != crosswalks.MARC21:
        # Tags mean other things there than in what came.
        found = tuple([each._replace(message=f"As MARC 21: {each.message}") for each in found])
    return conversion.line_of(item, item.problems + found, item.losses)


# --- in order, in several processes -------------------------------------------------------------


def _steps(slices: Iterator[Slice]) -> Iterator[list[Slice]]:
    while step := list(islice(slices, _STEP)):
        yield step


S = TypeVar("S")


def _in_order(
    make: Callable[[list[Slice]], S], steps: Iterator[list[Slice]], workers: int
) -> Iterator[S]:
    """Yield what ``make`` gives for each step, in their order."""
    if workers < 2:
        yield from map(make, steps)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_work)
    waiting: deque[Future[S]] = deque()
    try:
        for step in steps:
            waiting.append(_submit(pool, make, step))
            if len(waiting) >= _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise BookbridgeError(
            "a process at work ended before its time, perhaps for lack of memory, so the result "
            "is not whole; try again with --workers 1"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(
    pool: ProcessPoolExecutor, make: Callable[[list[Slice]], S], step: list[Slice]
) -> Future[S]:
    """Give a step to the pool, which may start a worker for it.

    A worker inherits that Ctrl-C does not reach it: the parent ends it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(make, step)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_work() -> None:
    """See to it that a worker does not outlive its parent, even one that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - this runs in a child

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
