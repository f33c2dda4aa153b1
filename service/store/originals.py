"""The bytes as they came, kept for ever under their SHA-256, in compressed pieces.

They live in the database, because the database is the one thing to back up and all that workers
share. A record points at its bytes by (original, offset, length).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.store.tables import harvest, original, original_chunk

# Octets in one piece before compression: small enough to read one record's piece at once.
PIECE = 256 * 1024
# Level 1 halves MARC at ten times the speed of an import; higher levels gain little.
_LEVEL = 1


def begin(conn: Connection, now: datetime) -> int:
    """Open an original whose bytes are still to come; return its id."""
    row = conn.execute(
        original.insert().values(sha256=None, size=0, received_at=now).returning(original.c.id)
    )
    return int(row.scalar_one())


def append(conn: Connection, original_id: int, start: int, pieces: list[bytes]) -> None:
    """Add ``pieces`` (each at most ``PIECE`` octets) that begin at octet ``start``."""
    rows = []
    for piece in pieces:
        body = zlib.compress(piece, _LEVEL)
        rows.append(
            {"original_id": original_id, "start": start, "length": len(piece), "body": body}
        )
        start += len(piece)
    if rows:
        conn.execute(original_chunk.insert(), rows)


def seal(conn: Connection, original_id: int, sha256: bytes, size: int) -> int:
    """Say that all bytes are there; return the id that holds them.

    When the same bytes were kept before, the new copy is dropped and the earlier id returned.
    """
    try:
        with conn.begin_nested():
            conn.execute(
                original.update()
                .where(original.c.id == original_id)
                .values(sha256=sha256, size=size)
            )
    except IntegrityError:
        discard(conn, original_id)
        return by_digest(conn, sha256)
    return original_id


def discard(conn: Connection, original_id: int) -> None:
    """Drop an original that never was sealed."""
    conn.execute(original_chunk.delete().where(original_chunk.c.original_id == original_id))
    conn.execute(original.delete().where(original.c.id == original_id, original.c.sha256.is_(None)))


def discard_abandoned(conn: Connection, before: datetime) -> int:
    """Drop the originals whose bytes stopped arriving ``before`` then; return how many.

    Those of harvests stay: a harvest may take days, and goes on after a failure.
    """
    harvests_ = sa.exists().where(harvest.c.original_id == original.c.id)
    ids = (
        conn.execute(
            sa.select(original.c.id).where(
                original.c.sha256.is_(None), original.c.received_at < before, ~harvests_
            )
        )
        .scalars()
        .all()
    )
    for original_id in ids:
        discard(conn, original_id)
    return len(ids)


def by_digest(conn: Connection, sha256: bytes) -> int:
    """Return the id of the original with this SHA-256."""
    found = conn.execute(sa.select(original.c.id).where(original.c.sha256 == sha256))
    return int(found.scalar_one())


def size(conn: Connection, original_id: int) -> int:
    """Return the length of an original in octets."""
    return int(
        conn.execute(sa.select(original.c.size).where(original.c.id == original_id)).scalar_one()
    )


def piece_at(conn: Connection, original_id: int, offset: int) -> tuple[int, bytes]:
    """Return the piece that holds octet ``offset`` as (start, bytes), or (offset, b"") past it."""
    row = conn.execute(
        sa.select(original_chunk.c.start, original_chunk.c.body)
        .where(original_chunk.c.original_id == original_id, original_chunk.c.start <= offset)
        .order_by(original_chunk.c.start.desc())
        .limit(1)
    ).first()
    if row is None:
        return offset, b""
    return int(row.start), zlib.decompress(row.body)


class Reader(io.RawIOBase):
    """An original as a seekable binary stream; ``fetch(offset)`` answers as ``piece_at`` does."""

    def __init__(self, fetch: Callable[[int], tuple[int, bytes]]) -> None:
        self._fetch = fetch
        self._at = 0
        self._start = 0
        self._piece = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to octet ``offset`` from the start, or from here; the end is not known."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end of an original is not a place to seek from")
        self._at = offset if whence == io.SEEK_SET else self._at + offset
        return self._at

    def tell(self) -> int:
        """Return the octet that is read next."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` as far as the piece at hand reaches."""
        within = self._at - self._start
        if not 0 <= within < len(self._piece):
            self._start, self._piece = self._fetch(self._at)
            within = self._at - self._start
        part = self._piece[within : within + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
