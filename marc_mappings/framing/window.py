"""A sliding view of a byte stream, so that both readers search without holding the whole file.

Offsets are bytes from the beginning of the stream, and stay right however the view moves.
"""

from __future__ import annotations

import re
from typing import Protocol

CHUNK = 1 << 18


class Bytes(Protocol):
    """What is read from: a binary stream, or one that unpacks another."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


class Window:
    """The bytes ``[base, base + len(data))`` of a stream; grows at the end, shrinks in front."""

    __slots__ = ("_stream", "base", "data", "ended")

    def __init__(self, stream: Bytes, base: int = 0, data: bytes = b"") -> None:
        """View ``stream`` from offset ``base``; ``data`` has been read from it already."""
        self._stream = stream
        self.base = base
        self.data = data
        self.ended = False

    @property
    def end(self) -> int:
        """Offset after the last byte in view."""
        return self.base + len(self.data)

    def more(self) -> bool:
        """Read one more chunk; ``False`` when the stream has ended."""
        if not self.ended:
            pieces = [self.data]
            room = CHUNK
            # A pipe gives little at a time; joined piece by piece it would cost the square.
            while room > 0 and (piece := self._stream.read(room)):
                pieces.append(piece)
                room -= len(piece)
            self.ended = len(pieces) == 1
            self.data = b"".join(pieces)
        return not self.ended

    def drop(self, offset: int) -> None:
        """Forget what lies before ``offset``, once that is worth the copying."""
        if offset - self.base >= CHUNK:
            self.data = self.data[offset - self.base :]
            self.base = offset

    def find(self, needle: bytes, start: int, limit: int) -> int:
        """Return the offset of ``needle`` in ``[start, start + limit)``, or -1; reads on."""
        searched = start
        while True:
            found = self.data.find(needle, searched - self.base, start + limit - self.base)
            if found >= 0:
                return self.base + found
            searched = max(start, self.end - len(needle) + 1)
            if self.end >= start + limit or not self.more():
                return -1

    def search(
        self, pattern: re.Pattern[bytes], start: int, stop: int
    ) -> tuple[int, re.Match[bytes]] | None:
        """Return (offset, match) of ``pattern`` within ``[start, stop)`` of what is in view."""
        match = pattern.search(self.data, start - self.base, stop - self.base)
        return (self.base + match.start(), match) if match else None

    def slice(self, start: int, stop: int) -> bytes:
        """Return the bytes ``[start, stop)``, as far as they are in view."""
        return self.data[start - self.base : stop - self.base]

    def has(self, offset: int) -> bool:
        """Whether there is a byte at ``offset``; reads on if need be."""
        while offset >= self.end:
            if not self.more():
                return False
        return True
