"""Bytes that came from outside are kept as they came, under their SHA-256, before anything else.

What comes in gzip is kept as it was before it was packed, so that a record's place in the file
means the same to everybody; a damaged or cut gzip file is refused as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Protocol

from marc_mappings.framing import compressed
from marc_mappings.framing.compressed import Unpacked
from service.errors import TooLarge, UnsupportedFormat
from service.store import originals
from service.store.db import Database

_PIECES_PER_WRITE = 16


class Source(Protocol):
    """What bytes arrive from."""

    def read(self, size: int, /) -> bytes:
        """Return ``size`` bytes, fewer only at the end."""


def unpacked(head: bytes, stream: BinaryIO, limit: int) -> tuple[bytes, Source]:
    """Return the first bytes of a file that begins with ``head``, and the rest, both unpacked.

    Raises as ``Unpacking.read`` does.
    """
    if not compressed.is_gzip(head):
        return head, stream
    source = Unpacking(Unpacked(stream, head, limit), limit)
    return source.read(originals.PIECE), source


class Unpacking:
    """A file in gzip that must be whole."""

    def __init__(self, source: Unpacked, limit: int) -> None:
        self._source = source
        self._limit = limit

    def read(self, size: int, /) -> bytes:
        """Return ``size`` unpacked bytes, fewer only at the end.

        Raises ``UnsupportedFormat`` where the file is damaged or breaks off, ``TooLarge`` where
        more is in it than the limit, or than any file of records would hold.
        """
        found = self._source.read(size)
        fault = self._source.fault
        if fault is None:
            return found
        if fault.code == "unpacked-too-large":
            raise TooLarge(
                f"unpacked, the file is larger than {self._limit} octets, or than "
                f"{compressed.RATIO} times its packed size; nothing of it was kept",
                self._limit,
            )
        raise UnsupportedFormat(
            f"This is a damaged gzip file, and nothing of it was kept. {fault.message} "
            "Pack it and send it again, or send it unpacked.",
            found="a damaged gzip file",
        )


def keep_original(
    db: Database, head: bytes, stream: Source, limit: int, now: datetime
) -> tuple[int, int]:
    """Keep ``head`` and the rest of ``stream`` in several transactions; return (id, octets)."""
    digest, size = hashlib.sha256(), 0
    with db.write() as conn:
        original_id = originals.begin(conn, now)
    try:
        for pieces in _pieces(head, stream):
            total = sum(map(len, pieces))
            if size + total > limit:
                raise TooLarge(f"the file is larger than {limit} octets", limit)
            for piece in pieces:
                digest.update(piece)
            with db.write() as conn:
                originals.append(conn, original_id, size, pieces)
            size += total
        with db.write() as conn:
            return originals.seal(conn, original_id, digest.digest(), size), size
    except BaseException:
        with db.write() as conn:
            originals.discard(conn, original_id)
        raise


def _pieces(head: bytes, stream: Source) -> Iterator[list[bytes]]:
    held = [head]
    while piece := stream.read(originals.PIECE):
        held.append(piece)
        if len(held) == _PIECES_PER_WRITE:
            yield held
            held = []
    if held:
        yield held
