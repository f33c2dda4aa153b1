"""MARCXML (and marcxchange): records cut from a stream by their tags, and a fast writer.

An XML parser would stop at the first fault, and would not tell at which byte a record lies. So
the record elements are found by their tags alone, in whatever envelope (a collection, an OAI-PMH
or SRU response), and each is parsed by itself: a bad record costs nothing but itself. Where one
record element stands in another (``oai:record`` around ``marc:record``), the inner one counts.

Source: MARC 21 XML Schema, https://www.loc.gov/standards/marcxml/; ISO 25577 (marcxchange).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Generator, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from marc_mappings.framing import xml_slices
from marc_mappings.framing.frames import Frame, Reading
from marc_mappings.framing.marcxml_text import NAMESPACE, SCHEMA, write
from marc_mappings.framing.window import Window
from marc_mappings.problems import problem

__all__ = ["NAMESPACE", "SCHEMA", "declared_encoding", "frames", "parse", "parser", "write"]

# No honest record in XML is larger; a file without end tags must not fill the memory.
LONGEST_READ: Final = 16_000_000

_TOKEN: Final = re.compile(rb"<!--|<(/?)(?:[A-Za-z_][\w.\-]*:)?[Rr](?:ecord|ECORD)(?=[\s/>])")
# Outside of a record element a field is one whose record has lost its begin.
_OUTSIDE: Final = re.compile(
    _TOKEN.pattern
    + rb"|<(?:[A-Za-z_][\w.\-]*:)?(?i:leader|controlfield|datafield|subfield)(?=[\s/>])"
)
# Behind the end of a record stand blanks and tags; anything else fell out of a damaged one.
_STRAY: Final = re.compile(rb"[^\s<]|<(?![A-Za-z_/?]|!--)|<[A-Za-z_][\w.\-:]*+[^\s/>\w.\-:]")
_BLANK: Final = re.compile(rb"(?:\s++|\xef\xbb\xbf)*+")
_STRAY_END: Final = re.compile(
    _OUTSIDE.pattern
    + rb"|</(?!(?:[A-Za-z_][\w.\-]*:)?(?:subfield|datafield|controlfield|leader)[\s>])"
    rb"[A-Za-z_][\w.\-:]*+\s*+>"
)
# An envelope up to the record in it: its begin tag, and elements with text, all of them whole
# quotation marks in pairs, and without NUL.
_WHOLE_TAG: Final = rb"<(?:[^<>\x00\"']|\"[^<>\x00\"]*+\"|'[^<>\x00']*+')*+>"
_ENVELOPE: Final = re.compile(_WHOLE_TAG + rb"\s*+(?:" + _WHOLE_TAG + rb"[^<>\x00]*+)*+")
# A begin tag that stands right before a field outside of any record may be what was a record's.
_HURT_BEGIN: Final = re.compile(rb"<[A-Za-z_][^<>]*+>?\s*+\Z")
_COLLECTION: Final = re.compile(rb"<(?:[A-Za-z_][\w.\-]*:)?collection[\s/>]")
_LONGEST_HURT = 2_000
_LONGEST_TOKEN = 200
_LONGEST_COMMENT = 1_000_000
_LONGEST_TAG = 1_000_000
_TAG_END = re.compile(rb"[<>]")
_MARC_INSIDE = re.compile(
    rb"<(?:[A-Za-z_][\w.\-]*:)?(?i:leader|controlfield|datafield|subfield)[\s/>]"
)
_DECLARATION = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._\-]+)""")


def declared_encoding(head: bytes) -> str:
    """Return the encoding that the XML declaration names, or ``""``.

    >>> declared_encoding(b'<?xml version="1.0" encoding="EUC-KR"?><collection>')
    'EUC-KR'
    """
    match = _DECLARATION.match(head.lstrip(b"\xef\xbb\xbf \t\r\n"))
    return match[1].decode("ascii") if match else ""


@lru_cache(maxsize=64)
def parser(encoding: str) -> Callable[[bytes], Reading]:
    """Return ``parse`` for documents that declare ``encoding`` (``""`` is UTF-8)."""
    try:
        name = codecs.lookup(encoding or "utf-8").name
        # Only where ASCII is ASCII could the tags be found at all.
        known = "<record>".encode(name) == b"<record>"
    except (LookupError, UnicodeError, TypeError):
        known = False
    if not known:
        return lambda raw: _with_doubt(parse(raw), encoding)
    return lambda raw: parse(raw, name)


def _with_doubt(reading: Reading, encoding: str) -> Reading:
    message = f"The XML declares the encoding {encoding!r}, which we do not know; read as UTF-8."
    doubt = problem("encoding-unknown", message)
    return reading._replace(encoding_certain=False, problems=(*reading.problems, doubt))


def frames(window: Window) -> Iterator[Frame]:
    """Yield the record elements of a document, innermost ones only; the rest is envelope."""
    for start, stop, end in _elements(window):
        raw = window.slice(start, stop)
        if end == "too long":
            yield Frame(start, raw, (problem("record-too-long"),))
        elif end == "stray" or _is_record(raw, is_closed=end == "close"):
            yield Frame(start, raw)


def _is_record(raw: bytes, *, is_closed: bool) -> bool:
    """Whether this is a record, good or bad, and not an envelope begun or that of a deleted one."""
    if _MARC_INSIDE.search(raw):
        return True
    return not xml_slices.is_deleted(raw) if is_closed else not _ENVELOPE.fullmatch(raw)


class _Token(NamedTuple):
    """A tag of a record element, or a comment; both offsets are bytes in the stream."""

    kind: str
    start: int
    stop: int


def _elements(window: Window) -> Iterator[tuple[int, int, str]]:
    """Yield (start, stop, what ended it) of each record element, up to the next one's tag."""
    opened = -1  # offset of the record element we are in, or -1
    barren = -1  # up to where we know that no comment ends
    at = window.base
    if at:  # reading goes on behind a record
        at = yield from _strays(window, at)
    while token := _next_token(window, at, opened):
        kind, start, at = token
        if kind == "comment":
            if opened < 0:
                at, barren = _after_comment(window, at, barren)
            continue
        if opened >= 0:
            yield opened, (at if kind == "close" else start), kind
        opened = start if kind == "open" else -1
        if kind == "empty":
            yield start, at, "close"
        if opened < 0:
            window.drop(at)
            at = yield from _strays(window, at)
    if opened >= 0:
        yield opened, window.end, "open"


def _strays(window: Window, at: int) -> Generator[tuple[int, int, str], None, int]:
    """Yield what lies behind a record and is neither blank nor tag; return the offset after it."""
    while True:
        start, stop = _stray(window, at)
        if start == stop:
            return at
        yield start, stop, "stray"
        at = stop
        window.drop(at)


def _stray(window: Window, at: int) -> tuple[int, int]:
    """Return where behind a record bytes begin and end that are neither blanks nor a tag."""
    start = at
    while window.has(start + _LONGEST_TOKEN) or window.has(start):
        if match := _BLANK.match(window.data, start - window.base):
            start = window.base + match.end()
        if start < window.end - 3 or window.ended:
            break
    if not _STRAY.match(window.data, start - window.base):
        return at, at
    searched = start + 1
    while True:
        if found := window.search(_STRAY_END, searched, window.end):
            return start, found[0]
        searched = max(searched, window.end - _LONGEST_TOKEN)
        if window.end - start > LONGEST_READ or not window.more():
            return start, window.end


def _next_token(window: Window, at: int, opened: int) -> _Token | None:
    """Return the next tag of a record element (or comment), reading on; ``None`` at the end."""
    while True:
        if found := window.search(_OUTSIDE if opened < 0 else _TOKEN, at, window.end):
            start, match = found
            if match[0] == b"<!--":
                return _Token("comment", start, start + 4)
            if match[1] is None:
                return _Token("open", _before_field(window, at, start), start + 1)
            stop = _after_tag(window, start)
            if match[1]:
                return _Token("close", start, stop)
            return _Token("empty" if window.slice(stop - 2, stop) == b"/>" else "open", start, stop)
        at = max(at, window.end - _LONGEST_TOKEN)
        if opened < 0:
            window.drop(at)
        elif window.end - opened > LONGEST_READ:
            return _Token("too long", window.end, window.end)
        if not window.more():
            return None


def _before_field(window: Window, at: int, start: int) -> int:
    """Return where what belongs to a field at ``start`` without a record begins, from ``at`` on."""
    before = window.slice(max(at, start - _LONGEST_HURT), start)
    tag = before.rfind(b"<")
    is_hurt = tag >= 0 and _HURT_BEGIN.match(before, tag) and not _COLLECTION.match(before, tag)
    return start - len(before) + tag if is_hurt else start


def _after_tag(window: Window, at: int) -> int:
    """Return the offset after the ``>`` that ends the tag at ``at``, or of a ``<`` before it."""
    searched = at + 1
    while True:
        if found := window.search(_TAG_END, searched, window.end):
            return found[0] + (found[1][0] == b">")
        searched = window.end
        if searched - at > _LONGEST_TAG or not window.more():
            return window.end


def _after_comment(window: Window, at: int, barren: int) -> tuple[int, int]:
    """Return the offset after the comment begun before ``at``; one without end is none.

    Also up to where no comment ends, so that a file full of begins is searched only once.
    """
    limit = at + _LONGEST_COMMENT
    start = max(at, barren)
    found = window.find(b"-->", start, max(limit - start, 0))
    return (found + 3, barren) if found >= 0 else (at, max(barren, min(limit, window.end) - 2))


def parse(raw: bytes, encoding: str = "utf-8") -> Reading:
    """Return what one record element says. Raises ``Rejected`` when there is no record in it."""
    return xml_slices.read(raw, encoding)
