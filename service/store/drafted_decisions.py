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

from service.store.bulk import Row

# The decisions of one part; only the last part may have fewer.
AT_ONCE: Final = 2_000
# What a plan of some thousand wishes takes up stays in the memory.
_IN_MEMORY: Final = 4 * 1024 * 1024


def set_aside(decisions: Iterable[Row]) -> Iterator[list[Row]]:
    """Make all of these decisions now, as rows; return them to be read once, part by part.

    Many of them lie in a file without a name, which is gone with the process.
    """
    file: IO[Any] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - read later
    rest, parts = iter(decisions), 0
    try:
        while some := list(islice(rest, AT_ONCE)):
            pickle.dump(some, file, pickle.HIGHEST_PROTOCOL)
            parts += 1
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return _read(file, parts)


def _read(file: IO[Any], parts: int) -> Iterator[list[Row]]:
    with file:
        for _ in range(parts):
            rows: list[Row] = pickle.load(file)  # noqa: S301 - nobody else has this file
            yield rows
