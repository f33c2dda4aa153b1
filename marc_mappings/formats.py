"""The one door: what is this stream, and which records are in it?

``read`` answers with one item for every record found, ``Parsed`` or ``Unreadable``, never None and
never an exception; only a stream that is no MARC at all is refused, with ``NotMarc``, before the
first item. The class of the answer tells whether the stream may go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import BinaryIO, Literal, NamedTuple

from marc_mappings import iso2709, marcxml, signatures
from marc_mappings.frames import Frame, Reading
from marc_mappings.problems import Problem, Rejected
from marc_mappings.record import Record
from marc_mappings.signatures import NotMarc
from marc_mappings.window import Window

__all__ = [
    "Format",
    "NotMarc",
    "Parsed",
    "Slice",
    "Start",
    "Unreadable",
    "cut",
    "parse",
    "read",
    "read_one",
    "sniff",
]

Outcome = Literal["ok", "repaired", "rejected"]

BLANKS = b" \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# How much of a stream is looked at to tell its format.
HEAD = 1 << 16


class Format(StrEnum):
    """The formats this library reads."""

    ISO2709 = "iso2709"
    MARCXML = "marcxml"


class Start(NamedTuple):
    """Where reading goes on: records already consumed, and the offset in bytes after them."""

    position: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """A record that was read.

    ``position`` counts from 1; ``offset`` and ``length`` are bytes in the stream. ``encoding`` is
    a name such as ``utf-8`` or ``marc-8``; where ``encoding_certain`` is false, a problem says why.
    ``written`` is what ``iso2709.write`` gives for the record where that is at hand, else ``b""``.
    """

    position: int
    offset: int
    length: int
    record: Record
    encoding: str
    encoding_certain: bool
    problems: tuple[Problem, ...] = ()
    written: bytes = b""

    @property
    def outcome(self) -> Outcome:
        """``repaired`` if what we hold differs from what the bytes said, else ``ok``."""
        return "repaired" if any(each.repair for each in self.problems) else "ok"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes that should have been a record and are none: ``raw`` keeps them, see ``problems``."""

    position: int
    offset: int
    length: int
    raw: bytes
    problems: tuple[Problem, ...]

    @property
    def outcome(self) -> Outcome:
        """Always ``rejected``."""
        return "rejected"


def sniff(head: bytes) -> Format:
    """Return the format of a stream that begins with ``head`` (64 KiB are enough).

    Raises ``NotMarc``, which says what was found instead and what to send.
    """
    return Format.MARCXML if signatures.is_xml(head) else Format.ISO2709


class Slice(NamedTuple):
    """The bytes of one record found in a stream, not parsed yet: for whoever parses elsewhere.

    ``encoding``: what an XML declaration said, ``""`` for ISO 2709.
    """

    position: int
    frame: Frame
    format: Format
    encoding: str


def read(stream: BinaryIO, *, start: Start = Start()) -> Iterator[Parsed | Unreadable]:  # noqa: B008
    """Yield an item for each record of ``stream``, in order, in constant memory.

    ``start`` continues an earlier reading: after any item, ``Start(item.position, item.offset +
    item.length)`` goes on with exactly the next one (the stream must be seekable then). Raises
    ``NotMarc`` at the call, before anything is yielded; faults of records are items.
    """
    return map(parse, cut(stream, start=start))


def cut(stream: BinaryIO, *, start: Start = Start()) -> Iterator[Slice]:  # noqa: B008
    """Yield the records of ``stream`` unparsed; ``read`` is this and ``parse``."""
    if start.offset:
        stream.seek(0)
    head = stream.read(HEAD)
    kind = sniff(head)
    if start.offset:
        stream.seek(start.offset)
        window = Window(stream, start.offset)
    else:
        window = Window(stream, 0, head)
    is_xml = kind is Format.MARCXML
    frames = marcxml.frames(window) if is_xml else iso2709.frames(window)
    encoding = marcxml.declared_encoding(head) if is_xml else ""
    return (
        Slice(position, frame, kind, encoding)
        for position, frame in enumerate(frames, start.position + 1)
    )


def parse(part: Slice) -> Parsed | Unreadable:
    """Return what the bytes of one record say."""
    is_xml = part.format is Format.MARCXML
    return _item(
        part.frame, part.position, marcxml.parser(part.encoding) if is_xml else iso2709.parse
    )


def read_one(data: bytes, encoding: str = "") -> Parsed | Unreadable:
    """Return the one record of ``data``: a slice of a stored original, or our canonical form.

    ``encoding`` is needed for a slice of MARCXML alone whose original declared another encoding
    than UTF-8: it is the ``encoding`` that the record had when it was read.
    """
    data = data.lstrip(BLANKS).removeprefix(BYTE_ORDER_MARK)
    if data.startswith(b"<"):
        window = Window(BytesIO(), 0, data)
        frame = next(marcxml.frames(window), Frame(0, data))
        return _item(frame, 1, marcxml.parser(encoding or marcxml.declared_encoding(data)))
    return _item(Frame(0, data), 1, iso2709.parse)


def _item(frame: Frame, position: int, parse: Callable[[bytes], Reading]) -> Parsed | Unreadable:
    offset, raw, notes = frame
    try:
        reading = parse(raw)
    except Rejected as fault:
        return Unreadable(position, offset, len(raw), raw, notes + fault.problems)
    return Parsed(
        position,
        offset,
        len(raw),
        reading.record,
        reading.encoding,
        reading.encoding_certain,
        notes + reading.problems,
        reading.written,
    )
