"""What a page brings, waiting until the page is known to be whole.

A page is delivered only after its last byte has been verified. So its records wait: in memory
while they are few, in an unnamed temporary file when they are many. A page of 100 MB costs the
memory of one of 4 MB.

Source: OAI-PMH sections 2.5 (record) and 2.5.1 (deleted records).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b
from tempfile import TemporaryFile
from typing import IO, Final, NamedTuple

IN_MEMORY: Final = 4_000_000
"""Bytes of metadata that wait in memory; what is more waits in a file."""


class Record(NamedTuple):
    """A record, or a bare header, as the provider gave it.

    ``datestamp`` is its text, which may be anything; ``sets`` are the setSpecs. ``metadata`` is
    the element inside ``<metadata>`` in UTF-8, with every namespace it needs declared on it, so
    that it stands alone; None for a header, and mostly where ``deleted``. ``about`` holds the
    element inside each ``<about>`` in the same way (provenance, rights).
    """

    identifier: str
    datestamp: str = ""
    sets: tuple[str, ...] = ()
    deleted: bool = False
    metadata: bytes | None = None
    about: tuple[bytes, ...] = ()


class Held:
    """Records in the order they came; iterated as often as wanted until it is closed."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self.deleted = 0
        self._in_memory = in_memory
        self._few: list[Record] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._number = 0
        self._digest = blake2b(digest_size=8)

    def add(self, record: Record) -> None:
        """Keep one more record."""
        self._number += 1
        self.deleted += record.deleted
        self._digest.update(f"{record.identifier}\n{record.datestamp}\n".encode())
        self._few.append(record)
        self._bytes += len(record.metadata or b"") + sum(map(len, record.about))
        if self._bytes > self._in_memory:
            self._write()

    @property
    def digest(self) -> bytes:
        """The same for two pages that bring the same headers."""
        return self._digest.digest()

    def close(self) -> None:
        """Let go of everything."""
        self._few.clear()
        self._number = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Record]:
        if self._file is not None:
            self._write()
            self._file.seek(0)
            while line := self._file.readline():
                yield _read(line, self._file)
        yield from self._few

    def _write(self) -> None:
        """Move what is in memory to the end of the file."""
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 - it lives as long as the page
        self._file.seek(0, 2)
        for record in self._few:
            identifier, datestamp, sets, deleted, metadata, about = record
            size = -1 if metadata is None else len(metadata)
            head = [identifier, datestamp, sets, deleted, size, [len(each) for each in about]]
            self._file.write(json.dumps(head).encode() + b"\n")
            self._file.write(metadata or b"")
            self._file.writelines(about)
        self._few.clear()
        self._bytes = 0


def _read(line: bytes, file: IO[bytes]) -> Record:
    identifier, datestamp, sets, deleted, size, about = json.loads(line)
    metadata = None if size < 0 else file.read(size)
    return Record(
        identifier,
        datestamp,
        tuple(sets),
        deleted,
        metadata,
        tuple(file.read(each) for each in about),
    )
