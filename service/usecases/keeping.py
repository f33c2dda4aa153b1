"""Bytes that came from outside are kept as they came, under their SHA-256, before anything else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from service.errors import TooLarge
from service.store import originals
from service.store.db import Database

_PIECES_PER_WRITE = 16


def keep_original(
    db: Database, head: bytes, stream: BinaryIO, limit: int, now: datetime
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


def _pieces(head: bytes, stream: BinaryIO) -> Iterator[list[bytes]]:
    held = [head]
    while piece := stream.read(originals.PIECE):
        held.append(piece)
        if len(held) == _PIECES_PER_WRITE:
            yield held
            held = []
    if held:
        yield held
