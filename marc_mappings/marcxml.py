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
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from marc_mappings import encodings, xml_slices
from marc_mappings.frames import Frame, Reading
from marc_mappings.problems import problem
from marc_mappings.record import Record
from marc_mappings.window import Window

NAMESPACE: Final = "http://www.loc.gov/MARC21/slim"
SCHEMA: Final = "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd"

# No honest record in XML is larger; a file without end tags must not fill the memory.
LONGEST_READ: Final = 16_000_000

_TOKEN: Final = re.compile(rb"<!--|<(/?)(?:[A-Za-z_][\w.\-]*:)?record(?=[\s/>])")
_LONGEST_TOKEN = 200
_LONGEST_COMMENT = 1_000_000
_MARC_INSIDE = re.compile(rb"<(?:[A-Za-z_][\w.\-]*:)?(?:leader|controlfield|datafield)[\s/>]")
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
        # Without a MARC field: an envelope begun, or that of a deleted record, or a bad record.
        elif _MARC_INSIDE.search(raw) or (end == "close" and not xml_slices.is_deleted(raw)):
            yield Frame(start, raw)


class _Token(NamedTuple):
    """A tag of a record element, or a comment; both offsets are bytes in the stream."""

    kind: str
    start: int
    stop: int


def _elements(window: Window) -> Iterator[tuple[int, int, str]]:
    """Yield (start, stop, what ended it) of each record element, up to the next one's tag."""
    opened = -1  # offset of the record element we are in, or -1
    at = window.base
    while token := _next_token(window, at, opened):
        kind, start, at = token
        if kind == "comment":
            at = at if opened >= 0 else _after_comment(window, at)
            continue
        if opened >= 0:
            yield opened, (at if kind == "close" else start), kind
        opened = start if kind == "open" else -1
        if kind == "empty":
            yield start, at, "close"
        if opened < 0:
            window.drop(at)
    if opened >= 0:
        yield opened, window.end, "open"


def _next_token(window: Window, at: int, opened: int) -> _Token | None:
    """Return the next tag of a record element (or comment), reading on; ``None`` at the end."""
    while True:
        if found := window.search(_TOKEN, at, window.end):
            start, match = found
            if match[0] == b"<!--":
                return _Token("comment", start, start + 4)
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


def _after_tag(window: Window, at: int) -> int:
    """Return the offset after the ``>`` that ends the tag at ``at``."""
    found = window.find(b">", at, _LONGEST_COMMENT)
    return found + 1 if found >= 0 else window.end


def _after_comment(window: Window, at: int) -> int:
    """Return the offset after the comment begun before ``at``; one without end is none."""
    found = window.find(b"-->", at, _LONGEST_COMMENT)
    return found + 3 if found >= 0 else at


def parse(raw: bytes, encoding: str = "utf-8") -> Reading:
    """Return what one record element says. Raises ``Rejected`` when there is no record in it."""
    return xml_slices.read(raw, encoding)


# --- writing -------------------------------------------------------------------------------

_OPEN: Final = (
    f'<record xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{NAMESPACE} {SCHEMA}">'
)
# What the schema lets through; all else is mapped by the functions below.
_LEADER = re.compile(
    r"[0-9 ]{5}[0-9A-Za-z ][0-9A-Za-z][0-9A-Za-z ]{3}[2 ]{2}[0-9 ]{5}[0-9A-Za-z ]{3}(?:4500|    )"
)
_CONTROL_TAG = re.compile(r"00[1-9A-Za-z]")
_DATA_TAG = re.compile(
    r"0[1-9A-Z][0-9A-Z]|0[1-9a-z][0-9a-z]|[1-9A-Z][0-9A-Z]{2}|[1-9a-z][0-9a-z]{2}"
)
_CODE = re.compile(r"[0-9A-Za-z!\"#$%&'()*+,\-./:;<=>?{}_^`~\[\]\\]")
_INDICATOR = re.compile(r"[0-9a-z ]")


def write(record: Record) -> bytes:
    """Return one ``record`` element in UTF-8, without prolog, always well-formed and valid.

    Leader, control fields and indicators keep their blanks. What the schema forbids is mapped:
    control fields come first, a tag that is none becomes 999, an upper-case indicator a
    lower-case one, any other bad indicator a blank, a bad subfield code ``?``; a data field
    without subfields is left out.
    """
    leader = record.leader
    if not _LEADER.fullmatch(leader):
        leader = _schema_leader(leader)
    controls = [_OPEN, "<leader>", leader, "</leader>"]
    data: list[str] = []
    for tag, indicators, subfields, value in record.fields:
        if indicators:
            if subfields:
                data.append(_open_data(tag, indicators))
                data += [
                    f"{_open_subfield(code)}{_escaped(text)}</subfield>"
                    if "&" in text or "<" in text or ">" in text
                    else f"{_open_subfield(code)}{text}</subfield>"
                    for code, text in subfields
                ]
                data.append("</datafield>")
        elif _CONTROL_TAG.fullmatch(tag):
            controls += ('<controlfield tag="', tag, '">', _escaped(value), "</controlfield>")
        else:
            data += (_open_data(tag, "  "), _open_subfield("a"), _escaped(value))
            data.append("</subfield></datafield>")
    controls += data
    controls.append("</record>")
    text = "".join(controls)
    return (text if text.isprintable() else encodings.without_junk(text)).encode("utf-8")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _schema_leader(leader: str) -> str:
    """Return a leader of 24 characters that the schema allows, keeping all that it can."""
    model = "     nam  22     u  4500"
    kept = [
        char if _LEADER.fullmatch(model[:i] + char + model[i + 1 :]) else model[i]
        for i, char in enumerate(leader[:20].ljust(20))
    ]
    return "".join(kept) + "4500"


@lru_cache(maxsize=4096)
def _open_data(tag: str, indicators: str) -> str:
    if not _DATA_TAG.fullmatch(tag):
        tag = tag.upper() if _DATA_TAG.fullmatch(tag.upper()) else "999"
    first, second = (
        char if _INDICATOR.fullmatch(char) else char.lower() if "A" <= char <= "Z" else " "
        for char in f"{indicators:2.2}"
    )
    return f'<datafield tag="{tag}" ind1="{first}" ind2="{second}">'


@lru_cache(maxsize=256)
def _open_subfield(code: str) -> str:
    code = code if _CODE.fullmatch(code) else "?"
    return f'<subfield code="{_escaped(code).replace(chr(34), "&quot;")}">'
