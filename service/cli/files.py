"""Files on the command line: where they come from, where they go, what the sender says of them.

A target is written beside its place under a name of its own and put there when it is whole, so
that what stood there before is never half overwritten; pipes and devices are written to.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NoReturn, TypeVar

import click

from marc_mappings import dialects
from marc_mappings.encodings import UnknownEncoding, canonical
from marc_mappings.formats import NotMarc
from marc_mappings.survey import Survey
from service.cli import plain, signals
from service.errors import BookbridgeError, UnsupportedFormat

if TYPE_CHECKING:  # an import has no need of what conversions are made of
    from service.usecases.converting import Tally

SOURCE = click.Path(exists=True, dir_okay=False, allow_dash=True)
TARGET = click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path)

STANDARD = Path("-")
_AUTO = "auto"
_GZIP = b"\x1f\x8b"
F = TypeVar("F", bound=Callable[..., Any])


def said_options(command: F) -> F:
    """Add what a person can say of a file: its dialect and its encoding."""
    dialect = click.option(
        "--from-dialect",
        default=_AUTO,
        show_default=True,
        type=click.Choice((_AUTO, *dialects.DIALECTS)),
        callback=lambda _ctx, _param, value: "" if value == _AUTO else value,
        help="The dialect of the file, if it is not to be found out.",
    )
    encoding = click.option(
        "--encoding",
        default=_AUTO,
        show_default=True,
        metavar="NAME",
        callback=_encoding,
        help="Its encoding, such as EUC-KR, GBK, windows-1251 or MARC-8, if it is known.",
    )
    return dialect(encoding(command))


def workers_option(command: F) -> F:
    """Add how many processes share the work."""
    return click.option(
        "--workers",
        default=1,
        show_default=True,
        type=click.IntRange(1, 64),
        help="Processes that work at the same time; the result is the same.",
    )(command)


def _encoding(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value == _AUTO:
        return ""
    try:
        return canonical(value)
    except UnknownEncoding as error:
        raise click.BadParameter(str(error)) from error


def name(file: str) -> str:
    """Return what a file is called in a message."""
    return "standard input" if file == "-" else plain.line(Path(file).name)


def size(stream: BinaryIO) -> int:
    """Return the octets of an open file, 0 where what is in it cannot be told: it is packed."""
    packed = stream.read(len(_GZIP)) == _GZIP
    stream.seek(0)
    return 0 if packed else os.fstat(stream.fileno()).st_size


# --- what can go wrong --------------------------------------------------------------------------


@contextmanager
def told(file: str) -> Iterator[None]:
    """Tell in one sentence what ends the work on ``file``; Ctrl-C and SIGTERM end it too."""
    try:
        with signals.stopping(_stop):
            yield
    except NotMarc as error:
        raise UnsupportedFormat(f"{name(file)}: {error}") from error
    except BrokenPipeError:
        # Whoever reads has enough. Click ends the command for it without a word.
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _forget_standard_output()
        why = error.strerror or str(error)
        raise BookbridgeError(f"{name(file)}: stopped before the end: {why}") from error


def _stop() -> NoReturn:
    raise click.Abort


def _forget_standard_output() -> None:
    """Keep Python from writing at its end what could not be written before."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device by its name
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def refuse_collisions(file: str, targets: dict[str, Path | None]) -> None:
    """Refuse as wrong usage a target that is the source, or two that are one place."""
    places: dict[str, str] = {} if file == "-" else {_place(Path(file)): "FILE"}
    for option, path in targets.items():
        if path is None:
            continue
        place = _place(path)
        if place in places:
            raise click.UsageError(f"{option} and {places[place]} are the same: {path}")
        if place != os.devnull:
            places[place] = option


def _place(path: Path) -> str:
    if str(path.resolve()) == os.devnull:
        return os.devnull
    if path == STANDARD or _is_standard_output(path):
        return "standard output"
    return str(path.resolve())


def _is_standard_output(path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        return False


# --- open and write -----------------------------------------------------------------------------


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """Open a file to read; a stream is spooled first, because a file is read twice."""
    if file == "-":
        with _spooled(sys.stdin.buffer) as spool:
            yield spool
        return
    with Path(file).open("rb") as stream:
        if stream.seekable():
            yield stream
        else:
            with _spooled(stream) as spool:
                yield spool


@contextmanager
def _spooled(stream: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as spool:
        shutil.copyfileobj(stream, spool)
        spool.seek(0)
        yield spool


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write, which is there only when it is whole; ``-`` is standard output."""
    if path == STANDARD or _is_standard_output(path):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() and not path.is_file():
        # A pipe or a device is written to, never replaced.
        with _open(path, path, "wb") as stream:
            yield stream
        return
    whole = path.resolve()  # what a link points to is replaced, not the link
    part = whole.with_name(f".bookbridge-{secrets.token_hex(4)}.part")
    try:
        with _open(part, path, "xb") as stream:
            yield stream
        if whole.exists():
            shutil.copymode(whole, part)
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


def _open(path: Path, target: Path, mode: Literal["wb", "xb"]) -> BinaryIO:
    try:
        return path.open(mode)
    except OSError as error:
        raise click.UsageError(f"{target} cannot be written: {error.strerror}") from error


# --- what to say of a file ----------------------------------------------------------------------


def report(file: str, tally: Tally, survey: Survey) -> list[str]:
    """Return what came of a file, and on what evidence it was read so, in lines for people."""
    figures = [f"{counted(tally.read, 'record')} read"]
    figures += [f"{tally.repaired:,} repaired"] if tally.repaired else []
    figures += [f"{tally.doubtful:,} of doubtful encoding"] if tally.doubtful else []
    figures += [f"{tally.rejected:,} rejected"] if tally.rejected else []
    lines = [f"{name(file)}: {', '.join(figures)}"]
    dialect = survey.dialect.dialect
    for what, found, verdict in (
        ("Dialect", dialects.DIALECTS[dialect].partition(" (")[0], survey.dialect),
        ("Encoding", survey.encoding.encoding, survey.encoding),
    ):
        sure = "" if verdict.certain else ", but this is not certain"
        lines.append(f"  {what}: {found}{sure}. {' '.join(verdict.evidence)}".rstrip())
    return lines


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "record"), counted(1200, "record")
    ('1 record', '1,200 records')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
