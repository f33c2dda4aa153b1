"""Where a harvest is kept: its file, its report, and beside the file the point to go on from.

The point is replaced as a whole and only after the file is on the disk. What is in a file behind
the length that its point names was written by a run that died, and is cut off.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from service.errors import Busy, Conflict
from service.usecases.harvesting_to_file import Sinks, Standing


def point_of(file: Path) -> Path:
    """Return the file beside ``file`` that tells how far its harvest has come."""
    return file.with_name(f"{file.name}.harvest")


def kept(file: Path) -> Standing | None:
    """Return where the harvest in ``file`` stands, None where there is none.

    Raises ``Conflict`` for a point that cannot be read.
    """
    path = point_of(file)
    try:
        return Standing.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Conflict(f"{path}: {error}; it cannot be gone on from.") from error


@contextmanager
def sinks(file: Path, report: Path | None, standing: Standing, *, fresh: bool) -> Iterator[Sinks]:
    """Open the files of a harvest at the lengths of its standing.

    A ``fresh`` one makes them, and takes them away again if it ends without having brought
    anything. Raises ``Conflict`` where a file is there already, or was changed, and ``Busy`` where
    another process harvests into it.
    """
    paths = [(file, standing.octets)]
    if report is not None:
        paths.append((report, standing.report_octets or 0))
    with ExitStack() as stack:
        made: list[Path] = []
        if fresh:
            stack.callback(_without_gain, made, file)
        streams: list[BinaryIO] = []
        for path, octets in paths:
            stream = stack.enter_context(_made(path) if fresh else _at(path, octets))
            made.append(path)
            streams.append(stream)
        if fresh:
            _keep(file, standing)  # before the first word, so that no run leaves a file without it
        yield Sinks(
            streams[0],
            streams[1] if report is not None else None,
            lambda standing: _keep(file, standing),
        )


def _made(path: Path) -> BinaryIO:
    try:
        stream = path.open("xb")
    except FileExistsError as error:
        if path.is_file() and not path.stat().st_size:
            return _at(path, 0)  # of a run that died before its first word, say
        raise Conflict(f"{path} is there already; a harvest writes into a new file.") from error
    return _locked(stream, path)


def _at(path: Path, octets: int) -> BinaryIO:
    try:
        stream = _locked(path.open("r+b"), path)
    except FileNotFoundError as error:
        raise Conflict(f"{path} is gone; take away its point too, to begin anew.") from error
    if os.fstat(stream.fileno()).st_size < octets:
        stream.close()
        raise Conflict(f"{path} is shorter than its point says, so it was changed.")
    stream.truncate(octets)
    stream.seek(octets)
    return stream


def _locked(stream: BinaryIO, path: Path) -> BinaryIO:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        raise Busy(f"Another harvest into {path} is at work.") from error
    return stream


def _keep(file: Path, standing: Standing) -> None:
    path = point_of(file)
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write(standing.to_json())
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the names of the files are on the disk as well
    finally:
        os.close(folder)


def _without_gain(made: list[Path], file: Path) -> None:
    """Take away what a first run made and got nothing into, so that another may begin."""
    if not made:
        return
    standing = kept(file)
    if standing is None or not (standing.finished or standing.point.pages):
        for path in (*made, point_of(file)):
            path.unlink(missing_ok=True)
