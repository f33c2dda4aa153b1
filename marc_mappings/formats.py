"""The one door: what is this stream, and which records are in it?

``read`` answers with one item for every record found, ``Parsed`` or ``Unreadable``, never None and
never an exception; only a stream that is no MARC at all is refused, with ``NotMarc``, before the
first item. The class of the answer tells whether the stream may go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BytesIO
from itertools import islice
from typing import BinaryIO, Final, Literal, NamedTuple

from marc_mappings import dialects, iso2709, marc_json, marc_text, marcxml
from marc_mappings import survey as surveys
from marc_mappings.framing import compressed, signatures
from marc_mappings.framing.compressed import Unpacked
from marc_mappings.framing.frames import Frame, Reading
from marc_mappings.framing.signatures import Format, NotMarc
from marc_mappings.framing.sound import Sound, record_of
from marc_mappings.framing.window import Bytes, Window
from marc_mappings.problems import Problem, Rejected, problem
from marc_mappings.record import Record
from marc_mappings.survey import Said, Survey

__all__ = [
    "Format",
    "NotMarc",
    "Opened",
    "Parsed",
    "Slice",
    "Start",
    "Unreadable",
    "cut",
    "open_stream",
    "parse",
    "read",
    "read_one",
    "sniff",
]

Outcome = Literal["ok", "repaired", "rejected"]

BLANKS = b" \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# How much of a stream is looked at to tell its format. JSON of library systems may have 100 kB
# of their own before its first record.
HEAD = 1 << 18


class Room(NamedTuple):
    """How a format is read.

    ``parser`` gives ``parse`` for a declared encoding and a survey, ``declared`` the encoding that
    the head of a stream declares. ``rereads``: where a record ends depends on what came before, so
    reading goes on only from the beginning.
    """

    frames: Callable[[Window], Iterator[Frame]]
    parser: Callable[[str, Survey | None], Callable[[bytes], Reading]]
    declared: Callable[[bytes], str] = lambda _: ""
    rereads: bool = False


ROOMS: Final[Mapping[Format, Room]] = {
    Format.ISO2709: Room(iso2709.frames, lambda _, survey: partial(iso2709.parse, survey=survey)),
    Format.MARCXML: Room(
        marcxml.frames, lambda encoding, _: marcxml.parser(encoding), marcxml.declared_encoding
    ),
    Format.MARC_JSON: Room(marc_json.frames, lambda *_: marc_json.parse, rereads=True),
    Format.MARC_TEXT: Room(marc_text.frames, lambda *_: marc_text.parse),
}


# How a slice alone is told from one of ISO 2709.
FIRST_BYTES: Final[Mapping[bytes, Format]] = {
    b"<": Format.MARCXML,
    b"{": Format.MARC_JSON,
    b"=": Format.MARC_TEXT,
}
# Problems of a frame that is no record of the stream, but where the stream had to be ended.
STREAM_FAULTS: Final = frozenset(("gzip-damaged", "unpacked-too-large"))


class Start(NamedTuple):
    """Where reading goes on: records already consumed, and the offset in bytes after them."""

    position: int = 0
    offset: int = 0


class Parsed(NamedTuple):
    """A record that was read.

    ``position`` counts from 1; ``offset`` and ``length`` are bytes in the stream. ``content`` is
    the record, or its pieces where nothing was wrong with it: every ``write`` takes both.
    ``encoding`` is a name such as ``utf-8`` or ``marc-8``; where ``encoding_certain`` is false, a
    problem says why. ``dialect`` is one of ``dialects.DIALECTS``.
    """

    position: int
    offset: int
    length: int
    content: Record | Sound
    encoding: str
    encoding_certain: bool
    problems: tuple[Problem, ...] = ()
    dialect: str = "marc21"

    @property
    def record(self) -> Record:
        """The record; made anew at every call where ``content`` is its pieces."""
        return record_of(self.content)

    @property
    def outcome(self) -> Outcome:
        """``repaired`` if what we hold differs from what the bytes said, else ``ok``."""
        return "repaired" if any(each.repair for each in self.problems) else "ok"


class Unreadable(NamedTuple):
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
    """Return the format of a stream that begins with ``head`` (256 KiB are enough), or is in gzip.

    Raises ``NotMarc``, which says what was found instead and what to send.
    """
    if compressed.is_gzip(head):
        head = _unpacked_head(Unpacked(BytesIO(), head))
    return signatures.of(head)


def _unpacked_head(source: Unpacked) -> bytes:
    head = source.read(HEAD)
    if not head and source.fault:
        raise NotMarc("gzip", "a damaged gzip file", f"Pack it again. {signatures.SEND}")
    if compressed.is_gzip(head):
        raise NotMarc("gzip", "gzip packed in gzip", f"Unpack it first. {signatures.SEND}")
    return head


class Slice(NamedTuple):
    """The bytes of one record found in a stream, not parsed yet: for whoever parses elsewhere.

    ``encoding``: what an XML declaration said, ``""`` for the other formats. ``survey``: what the
    whole file says of itself.
    """

    position: int
    frame: Frame
    format: Format
    encoding: str
    survey: Survey | None = None


class Opened(NamedTuple):
    """A stream about to be read: its format, what it says of itself, and its records, unparsed."""

    format: Format
    survey: Survey
    slices: Iterator[Slice]


def read(
    stream: BinaryIO,
    *,
    start: Start = Start(),  # noqa: B008
    largest: int = compressed.LARGEST,
    said: Said = Said(),  # noqa: B008
) -> Iterator[Parsed | Unreadable]:
    """Yield an item for each record of ``stream``, in order, in constant memory.

    ``start`` continues an earlier reading: after any item, ``Start(item.position, item.offset +
    item.length)`` goes on with exactly the next one (the stream must be seekable then). A stream
    in gzip is unpacked; offsets are those in the unpacked bytes, of which ``largest`` are read,
    and where it is damaged or larger the last item is an ``Unreadable`` that says so. ``said`` is
    what the sender says of the stream. Raises ``NotMarc`` at the call, before anything is yielded;
    faults of records are items.
    """
    kind, encoding, survey, frames = _open(stream, start, largest, said)
    parse = ROOMS[kind].parser(encoding, survey)
    return (
        _item(frame, position, parse, survey)
        for position, frame in enumerate(frames, start.position + 1)
    )


def cut(
    stream: BinaryIO,
    *,
    start: Start = Start(),  # noqa: B008
    largest: int = compressed.LARGEST,
    said: Said = Said(),  # noqa: B008
) -> Iterator[Slice]:
    """Yield the records of ``stream`` unparsed; ``read`` is this and ``parse``."""
    return open_stream(stream, start=start, largest=largest, said=said).slices


def open_stream(
    stream: BinaryIO,
    *,
    start: Start = Start(),  # noqa: B008
    largest: int = compressed.LARGEST,
    said: Said = Said(),  # noqa: B008
) -> Opened:
    """Survey a stream as a whole, and return what was found with its records, unparsed.

    A stream that cannot seek is surveyed by its first 256 KiB.
    """
    kind, encoding, survey, frames = _open(stream, start, largest, said)
    slices = (
        Slice(position, frame, kind, encoding, survey)
        for position, frame in enumerate(frames, start.position + 1)
    )
    return Opened(kind, survey, slices)


def _open(
    stream: BinaryIO, start: Start, largest: int, said: Said
) -> tuple[Format, str, Survey, Iterator[Frame]]:
    """Return the format of a stream, the encoding it declares, its survey, and its frames."""
    can_seek = stream.seekable()
    if can_seek:
        stream.seek(0)
    source, head = _unpacked(stream, largest)
    kind = signatures.of(head)
    room = ROOMS[kind]
    encoding = room.declared(head)
    if can_seek:
        survey = _survey(kind, room, encoding, source, head, said)
        stream.seek(0)
        source, head = _unpacked(stream, largest)
    else:
        survey = _survey(kind, room, encoding, BytesIO(), head, said)
    if start.offset and source is stream and not room.rereads:
        stream.seek(start.offset)
        frames = room.frames(Window(stream, start.offset))
    else:
        frames = islice(_frames(room, source, head), start.position if start.offset else 0, None)
    return kind, encoding, survey, frames


def _unpacked(stream: BinaryIO, largest: int) -> tuple[Bytes, bytes]:
    """Return the stream, unpacked if it is in gzip, and its first bytes."""
    head = _head(stream)
    if not compressed.is_gzip(head):
        return stream, head
    source = Unpacked(stream, head, largest)
    return source, _unpacked_head(source)


def _survey(
    kind: Format, room: Room, encoding: str, source: Bytes, head: bytes, said: Said
) -> Survey:
    """Survey a stream: all frames where bytes must be read, else the first records."""
    window = Window(source, 0, head)
    frames = room.frames(window)
    if kind is Format.ISO2709:
        last = Frame(window.base, b"")

        def first() -> Iterator[bytes]:
            nonlocal last
            for last in islice(frames, _SURVEYED):
                yield last.raw

        def rest() -> Iterator[bytes]:
            yield from _blocks(window, last.offset + len(last.raw), surveys.RECORD_END)

        return surveys.of_frames(first(), said, rest())
    parse = room.parser(encoding, None)
    items = (_item(frame, 0, parse) for frame in islice(frames, _SURVEYED))
    return surveys.of_records((each.record for each in items if isinstance(each, Parsed)), said)


def _blocks(window: Window, at: int, end: bytes) -> Iterator[bytes]:
    """Yield the rest of a stream in pieces that end where a record does, except for the last."""
    more = True
    while more:
        block = window.slice(at, window.end)
        cut = block.rfind(end) + 1
        yield block[:cut]
        at += cut
        window.drop(at)
        # A piece without any end of a record is not kept for ever.
        if window.end - at > LONGEST_PIECE:
            at = window.end
        more = window.more()
    yield window.slice(at, window.end)


# What is kept of a stream while no record ends in it.
LONGEST_PIECE: Final = 4_000_000


def _head(stream: BinaryIO) -> bytes:
    """Read the first bytes of a stream, also where it gives little at a time."""
    head = stream.read(HEAD)
    while len(head) < HEAD and (more := stream.read(HEAD - len(head))):
        head += more
    return head


def _frames(room: Room, source: Bytes, head: bytes) -> Iterator[Frame]:
    """Yield the frames of a stream from its beginning, and why it ended early if it did."""
    window = Window(source, 0, head)
    yield from room.frames(window)
    if isinstance(source, Unpacked) and source.fault:
        yield Frame(window.end, source.kept, (source.fault,))


def parse(part: Slice) -> Parsed | Unreadable:
    """Return what the bytes of one record say."""
    parse = ROOMS[part.format].parser(part.encoding, part.survey)
    return _item(part.frame, part.position, parse, part.survey)


def read_one(data: bytes, encoding: str = "") -> Parsed | Unreadable:
    """Return the one record of ``data``: a slice of a stored original, or our canonical form.

    ``encoding`` is the one that the record had when it was read: a record alone may be too short
    to tell, and a slice of MARCXML has no declaration.
    """
    data = data.lstrip(BLANKS).removeprefix(BYTE_ORDER_MARK)
    kind = FIRST_BYTES.get(data[:1], Format.ISO2709)
    room = ROOMS[kind]
    if kind is Format.ISO2709:
        survey = surveys.of_frames([data], Said(encoding)) if encoding else None
        return _item(Frame(0, data), 1, room.parser("", survey), survey)
    frame = next(room.frames(Window(BytesIO(), 0, data)), Frame(0, data))
    return _item(frame, 1, room.parser(encoding or room.declared(data), None))


def _item(
    frame: Frame,
    position: int,
    parse: Callable[[bytes], Reading],
    survey: Survey | None = None,
) -> Parsed | Unreadable:
    offset, raw, notes = frame
    if notes and any(each.code in STREAM_FAULTS for each in notes):
        return Unreadable(position, offset, len(raw), raw, notes)
    try:
        reading = parse(raw)
    except Rejected as fault:
        return Unreadable(position, offset, len(raw), raw, _shortened(notes + fault.problems))
    content, encoding, is_certain, found = reading
    dialect = _dialect(reading, survey)
    parts = (content, encoding, is_certain, _shortened(notes + found), dialect)
    # Without the detour over the Python constructor, which every record would take.
    parsed: Parsed = tuple.__new__(Parsed, (position, offset, len(raw), *parts))
    return parsed


def _shortened(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return at most ``MOST_PROBLEMS``: a hostile record has one in every octet."""
    if len(problems) <= MOST_PROBLEMS:
        return problems
    rest = problems[MOST_PROBLEMS:]
    last = problem("more-problems", f"{len(rest):,} more problems of this record are not listed.")
    last = last._replace(repair=any(each.repair for each in rest))
    return (*problems[:MOST_PROBLEMS], last)


MOST_PROBLEMS: Final = 200


def _dialect(reading: Reading, survey: Survey | None) -> str:
    """Return the dialect of one record: its family by its own fields, its flavour by the file."""
    verdict = survey.dialect if survey else _UNSURVEYED
    content, name = reading.content, verdict.dialect
    if verdict.said:
        return name
    if isinstance(content, Sound) and dialects.FAMILY[name] == "marc21":
        # Nearly all records, and not worth making one of the pieces.
        tags = content.tags
        if "245" in tags and "200" not in tags:
            return name
    return dialects.of_record(reading.record, verdict)


_UNSURVEYED: Final = dialects.Verdict("marc21", certain=False)
# Records of a decoded format that are looked at for the dialect.
_SURVEYED: Final = 512
