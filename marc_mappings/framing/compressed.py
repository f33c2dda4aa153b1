"""A gzip stream read as what is in it, with an eye on how large that grows.

It is unpacked while it is read, member by member, and never raises for what the bytes are: where
it is damaged, cut off or too large it ends, and ``fault`` says so, so that what came before is
kept. Bytes are counted after unpacking, because a megabyte can hold a gigabyte.

Source: RFC 1952 (GZIP file format).
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final

from marc_mappings.problems import Problem, problem

MAGIC: Final = b"\x1f\x8b"
# The largest file we unpack, in bytes, unless the caller says otherwise.
LARGEST: Final = 4_000_000_000
# Beyond so many bytes, no honest file of records packs better than this.
RATIO: Final = 200
FREE_OF_RATIO: Final = 64_000_000

_PIECE: Final = 1 << 16
_KEPT: Final = 1 << 12


def is_gzip(head: bytes) -> bool:
    """Whether a stream that begins with ``head`` is packed by gzip."""
    return head.startswith(MAGIC)


class Unpacked:
    """The unpacked bytes of a gzip stream.

    ``fault`` is ``None`` until the stream had to be ended before its end; ``kept`` are the packed
    bytes read last, for whoever must show where.
    """

    def __init__(self, stream: BinaryIO, head: bytes = b"", largest: int = LARGEST) -> None:
        """Unpack ``stream``, of which ``head`` has been read; end it after ``largest`` bytes."""
        self._stream = stream
        self._packed = head
        self._largest = largest
        self._member = zlib.decompressobj(wbits=31)
        self._ready = bytearray()
        self._consumed = len(head)
        self._unpacked = 0
        self._ended = False
        self.fault: Problem | None = None
        self.kept = head[-_KEPT:]

    def read(self, size: int) -> bytes:
        """Return ``size`` unpacked bytes, fewer only at the end."""
        while len(self._ready) < size and not self._ended:
            self._unpack()
        found = bytes(self._ready[:size])
        del self._ready[:size]
        return found

    def _unpack(self) -> None:
        is_last = not self._packed and not self._fetch()
        before = self._member.copy()
        try:
            piece = self._member.decompress(self._packed, _PIECE)
        except zlib.error as error:
            self._salvage(before)
            if not self._ended:
                self._end(problem("gzip-damaged", f"The gzip stream is damaged ({error})."))
            return
        self._packed = self._member.unconsumed_tail
        self._count(piece)
        if self._ended:
            return
        if self._member.eof:
            self._next_member(self._member.unused_data)
        elif is_last and not piece:
            self._end(problem("gzip-damaged", "The gzip stream breaks off."))

    def _fetch(self) -> bool:
        """Read on in the packed stream; ``False`` at its end."""
        self._packed = self._stream.read(_PIECE)
        self._consumed += len(self._packed)
        self.kept = self._packed[-_KEPT:] or self.kept
        return bool(self._packed)

    def _salvage(self, member: zlib._Decompress) -> None:
        """Unpack byte by byte what stands before the damage, from the state before it."""
        for at in range(len(self._packed)):
            try:
                self._count(member.decompress(self._packed[at : at + 1]))
            except zlib.error:
                return
            if self._ended:
                return

    def _count(self, piece: bytes) -> None:
        room = self._largest - self._unpacked
        self._unpacked += len(piece)
        self._ready += piece[: max(room, 0)]
        if len(piece) > room:
            self._end(self._too_large(f"more than {self._largest:,} bytes"))
        elif self._unpacked > FREE_OF_RATIO and self._unpacked > RATIO * self._consumed:
            self._end(self._too_large(f"more than {RATIO} times its packed size"))

    @staticmethod
    def _too_large(what: str) -> Problem:
        message = f"The unpacked file has {what}; the rest was not read. Send it in parts."
        return problem("unpacked-too-large", message)

    def _next_member(self, packed: bytes) -> None:
        """Go on with the member that follows, over zeros that fill up a tape block."""
        self._packed = packed.lstrip(b"\x00")
        while not self._packed:
            if not self._fetch():
                self._ended = True
                return
            self._packed = self._packed.lstrip(b"\x00")
        if len(self._packed) < len(MAGIC):
            first = self._packed
            self._fetch()
            self._packed = first + self._packed
        self.kept = self._packed[-_KEPT:]
        if is_gzip(self._packed):
            self._member = zlib.decompressobj(wbits=31)
        else:
            self._end(problem("gzip-damaged", "Bytes that are no gzip come after its end."))

    def _end(self, fault: Problem) -> None:
        self.fault = fault
        self._ended = True
