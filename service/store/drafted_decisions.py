"""The decisions of a plan between the snapshot that they were made on and the tables: set aside.

A million of them are too many for the memory, and a snapshot that stayed open while they are kept
would let the log of SQLite grow to many times what is written.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any, Final

from service.domain.allocation import Decision, Wished

_AT_ONCE: Final = 2_000
# What a plan of some thousand wishes takes up stays in the memory.
_IN_MEMORY: Final = 4 * 1024 * 1024
_OF_WISH: Final = len(Wished._fields)


def set_aside(decisions: Iterable[Decision]) -> Iterator[Decision]:
    """Make all of these decisions now, and return them to be read once, in their order.

    Many of them lie in a file without a name, which is gone with the process.
    """
    file: IO[Any] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - read later
    rest, parts = iter(decisions), 0
    while some := list(islice(rest, _AT_ONCE)):
        rows = [(*wished, *decided) for wished, *decided in some]
        pickle.dump(rows, file, pickle.HIGHEST_PROTOCOL)
        parts += 1
    file.seek(0)
    return _read(file, parts)


def _read(file: IO[Any], parts: int) -> Iterator[Decision]:
    with file:
        for _ in range(parts):
            rows: list[tuple[Any, ...]] = pickle.load(file)  # noqa: S301 - nobody else has this file
            for row in rows:
                yield Decision(Wished._make(row[:_OF_WISH]), *row[_OF_WISH:])
