"""From the pieces of an HTTP body to the bytes of a document: decompressed, counted, repaired.

The compressed body is opened here and not in the port, because common HTTP libraries report no
error when a gzip body is cut. Bytes are counted after decompression, a little at a time, so that
a bomb is noticed after its first megabytes and not in memory.

Source: RFC 9110, section 8.4.1; RFC 1952; XML 1.0, section 2.2 (Char).
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Final, cast

from oai.characters import is_legal, legal_counted
from oai.fetching import Reply, Unreached
from oai.harvest_errors import Cut, NotOai, TooLarge

_PIECE: Final = 65_536
_GZIP_AND_HEADER: Final = 31  # zlib's wbits: a gzip member, with its checksum verified
_HEAD: Final = 1024
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})""")
_NOT_LIKE_ASCII: Final = ("utf-16", "utf-32", "utf-7", "iso2022", "hz", "cp037", "cp500")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,20})|([0-9]{1,20}));")
_LONGEST_REFERENCE: Final = 24

# Bytes that are no UTF-8 become a character that XML forbids, to be replaced and counted as such.
_UNDECODED: Final = "oai-undecoded"
codecs.register_error(_UNDECODED, lambda error: ("\0", cast("UnicodeDecodeError", error).end))


def plain(reply: Reply) -> Iterator[bytes]:
    """Yield the body without its content coding; raises Cut where the coding is incomplete.

    Raises NotOai for a coding that nobody asked for.
    """
    coding = reply.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return reply.pieces
    if coding in ("gzip", "x-gzip"):
        return _gunzipped(reply.pieces)
    raise NotOai(f"The body has the content coding {coding!r}; only gzip was asked for.")


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP_AND_HEADER)
    for piece in pieces:
        rest = piece
        while rest:
            if member.eof:
                if rest[:1] != b"\x1f":
                    return  # what is no further member is no part of the document
                member = zlib.decompressobj(_GZIP_AND_HEADER)
            try:
                out = member.decompress(rest, _PIECE)
            except zlib.error as error:
                raise Cut(f"The compressed body is damaged: {error}") from error
            if out:
                yield out
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        yield member.flush()
        raise Cut("The compressed body ends too early.")


class Meter:
    """Counts the bytes of a body while they pass, and keeps its limits of size and time."""

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self.bytes = 0
        self._limit = limit
        self._seconds = seconds
        self._clock = clock

    def metered(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces; raises TooLarge, or Unreached where they take too long in all."""
        end = self._clock() + self._seconds
        for piece in pieces:
            self.bytes += len(piece)
            if self.bytes > self._limit:
                raise TooLarge(f"The answer has more than {self._limit} bytes.")
            if self._clock() > end:
                raise Unreached(f"The answer took more than {self._seconds:g} seconds.")
            yield piece


class Repair:
    """Replaces characters that XML forbids, and references to them; ``number`` counts them.

    A UTF-8 document gets U+FFFD in their place, also for bytes that are no UTF-8; in another
    encoding that contains ASCII a control character becomes a question mark. What cannot be
    told without more knowledge (UTF-16, say) passes as it is.
    """

    def __init__(self) -> None:
        self.number = 0

    def repaired(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the document with the repairs made."""
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= _HEAD:
                break
        codec = _codec(head)
        if codec is None:
            yield head
            yield from pieces
            return
        instead = "\ufffd" if codec == "utf-8" else "?"
        decoder = codecs.getincrementaldecoder(codec)(_UNDECODED)
        held = ""
        for piece in _and_then(head, pieces):
            text = held + decoder.decode(piece)
            cut = _reference_begins(text)
            text, held = text[:cut], text[cut:]
            yield self._legal(text, instead, codec)
        yield self._legal(held + decoder.decode(b"", final=True), instead, codec)

    def _legal(self, text: str, instead: str, codec: str) -> bytes:
        def replaced(match: re.Match[str]) -> str:
            code = int(match[1], 16) if match[1] else int(match[2])
            if code <= 0x10FFFF and is_legal(chr(code)):
                return match[0]
            self.number += 1
            return instead

        text, number = legal_counted(text, instead)
        self.number += number
        if "&#" in text:
            text = _REFERENCE.sub(replaced, text)
        return text.encode(codec)


def _and_then(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces


def _codec(head: bytes) -> str | None:
    """Return the codec by which the text can be walked: UTF-8, or Latin-1 for one like ASCII."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0<" in head[:4]:
        return None
    declared = _DECLARED.match(head.lstrip(b"\xef\xbb\xbf \t\r\n"))
    try:
        name = codecs.lookup(declared[1].decode("ascii") if declared else "utf-8").name
    except LookupError:
        return None
    if name in ("utf-8", "ascii"):
        return "utf-8"
    return None if name.startswith(_NOT_LIKE_ASCII) else "latin-1"


def _reference_begins(text: str) -> int:
    """Return where a reference begins that may not have ended yet, or the end of the text."""
    at = text.rfind("&", max(len(text) - _LONGEST_REFERENCE, 0))
    return len(text) if at < 0 or ";" in text[at:] else at
