"""ISO 2709, the exchange format of MARC: find the records of a stream, read one, write one.

Length, base address and directory of a real record may all lie. What seldom lies is the
punctuation: a record ends with 1D, a field with 1E, a subfield begins with 1F. So records are
framed on 1D, and framed anew where a leader stands in the middle of a frame (here); which field
has which tag is settled in ``directory``. Nothing is read across the end of its field.

Source: ISO 2709:2008; MARC 21 Specifications for Record Structure (Library of Congress).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from unicodedata import is_normalized

from marc_mappings import directory, encodings, variable_fields
from marc_mappings.frames import Frame, Reading
from marc_mappings.problems import Problem, Rejected, problem
from marc_mappings.record import Field, Record
from marc_mappings.window import Window

# ISO 2709 cannot state a length above 99,999; files of careless writers go beyond.
LONGEST_READ: Final = 4_000_000
LONGEST_RECORD: Final = 99_999
LONGEST_FIELD: Final = 9_999

# What may stand between records without being worth a line of its own.
BETWEEN: Final = re.compile(rb"(?:[\s\x00\x1a\x1d\x1e]|\xef\xbb\xbf)+")
# Length, status, type, three positions and coding, "22", base address, ..., the entry map
# ("4500" in MARC 21, "450 " in UNIMARC), and right behind it a directory entry.
LEADER: Final = re.compile(
    rb"[0-9]{5}[A-Za-z ][A-Za-z ][\x20-\x7e]{3}22[0-9]{5}[\x20-\x7e]{3}45[\x20-\x7e]{2}"
    rb"(?=[0-9A-Za-z]{3}[0-9]{9}|\x1e)"
)
_LEADER_AND_ENTRY = 36
_ODD_CODE = re.compile(rb"\x1f[^!-~]")

# Octets that no value may hold (C0 except ESC and the three delimiters, DEL).
_CONTROLS = bytes(set(range(0x20)) - {0x1B, 0x1D, 0x1E, 0x1F}) + b"\x7f"
# The same for text in UTF-8: C1 except 98 and 9C, U+FFFE, U+FFFF.
_WIDE_JUNK = re.compile(rb"\xc2[\x80-\x97\x99-\x9b\x9d-\x9f]|\xef\xbf[\xbe\xbf]")


_BLANKED = re.compile(r"[^ -~]")


class Unwritable(ValueError):
    """A record that ISO 2709 has no room for; ``tag`` is the field at fault, or ``""``."""

    code = "record-too-large-for-iso2709"

    def __init__(self, control_number: str, tag: str, octets: int, limit: int) -> None:
        what = f"field {tag} of record" if tag else "record"
        super().__init__(
            f"The {what} {control_number or '(without 001)'} has {octets:,} octets; ISO 2709 has "
            f"room for {limit:,}. Send it as MARCXML."
        )
        self.control_number = control_number
        self.tag = tag
        self.octets = octets


def frames(window: Window) -> Iterator[Frame]:
    """Yield the frames of a stream from the window's beginning; all bytes outside are blank."""
    at = window.base
    while True:
        start = _skip(window, at)
        if not window.has(start):
            return
        notes = (problem("blanks-between-records"),) if start > at else ()
        stop, problems = _end_of_frame(window, start)
        yield Frame(start, window.slice(start, stop), notes + problems)
        window.drop(stop)
        at = stop


def _skip(window: Window, at: int) -> int:
    """Return the offset of the first byte from ``at`` that is not blank."""
    while window.has(at):
        window.has(at + 2)  # so that a byte order mark is never seen in halves
        match = BETWEEN.match(window.data, at - window.base)
        if not match:
            return at
        at = window.base + match.end()
        window.drop(at)
    return at


def _end_of_frame(window: Window, start: int) -> tuple[int, tuple[Problem, ...]]:
    """Return the offset after the frame that begins at ``start``, and what was odd about it."""
    found = window.find(b"\x1d", start, LONGEST_READ)
    stop = found + 1 if found >= 0 else min(window.end, start + LONGEST_READ)
    digits = window.slice(start, start + 5)
    stated = int(digits) if digits.isdigit() and len(digits) == 5 else 0
    if found >= 0 and stated == stop - start:
        return stop, ()
    if again := window.search(LEADER, start + 1, stop):
        return again[0], ()
    if found < 0:
        too_long = stop - start == LONGEST_READ
        return stop, (problem("record-too-long"),) if too_long else ()
    inside = stop - start < stated and _ends_at(window, start + stated)
    if inside and not _record_at(window, stop):
        return start + stated, (problem("terminator-inside"),)
    return stop, ()


def _ends_at(window: Window, stop: int) -> bool:
    """Whether a record ends right before ``stop``: a terminator, then a leader or nothing."""
    if not window.has(stop - 1) or window.slice(stop - 1, stop) != b"\x1d":
        return False
    return not window.has(stop) or _record_at(window, stop)


def _record_at(window: Window, offset: int) -> bool:
    """Whether a record's leader stands at ``offset``, or behind blanks there."""
    window.has(offset + 2 * _LEADER_AND_ENTRY)
    blank = BETWEEN.match(window.data, offset - window.base)
    return LEADER.match(window.data, blank.end() if blank else offset - window.base) is not None


def parse(raw: bytes) -> Reading:
    """Return what one frame's bytes say. Raises ``Rejected`` when there is no record in them."""
    layout = directory.read(raw)
    choice = encodings.choose(raw, layout.leader[9])
    clean = len(raw.translate(None, _CONTROLS)) == len(raw) and raw.count(b"\x1d") < 2
    ascii_only = clean and raw.isascii() and b"\x1b" not in raw
    is_utf8 = clean and choice.encoding == encodings.UTF8 and choice.certain
    is_utf8 = is_utf8 and not _WIDE_JUNK.search(raw)
    problems = [*layout.problems, *choice.problems]
    fields: list[Field] = []
    careful = False
    for tag, data in layout.fields:
        field = None
        if ascii_only or is_utf8 or (clean and data.isascii() and b"\x1b" not in data):
            field = variable_fields.read_quickly(tag, data.decode("utf-8"))
        if field is None:
            careful = True
            field = variable_fields.read(tag, data, choice.encoding, problems)
        if field is not None:
            fields.append(field)
    if not fields:
        raise Rejected(*problems, problem("record-empty"))
    certain = choice.certain and not any(each.code == "character-undecodable" for each in problems)
    sound = layout.sound and not careful and not problems
    written = _as_written(raw, ascii_only=ascii_only) if sound else b""
    record = Record(layout.leader, tuple(fields))
    return Reading(record, choice.encoding, certain, tuple(problems), written)


def _as_written(raw: bytes, *, ascii_only: bool) -> bytes:
    """Return what ``write`` would give for the record of a frame without any fault.

    It is the frame itself but for leader/09; ``b""`` where other positions or NFC would differ.
    """
    if raw[10:12] != b"22" or raw[20:24] != b"4500" or _ODD_CODE.search(raw):
        return b""
    if ascii_only:
        return raw if raw[9:10] == b"a" else raw[:9] + b"a" + raw[10:]
    is_same = raw[9:10] == b"a" and is_normalized("NFC", raw.decode("utf-8"))
    return raw if is_same else b""


def write(record: Record) -> bytes:
    """Return the record as ISO 2709 in UTF-8: leader/09 ``a``, lengths and addresses right.

    What the format cannot carry (a delimiter inside a value, a tag that is none) is replaced as
    ``encodings.without_junk`` and ``variable_fields`` do. Raises ``Unwritable`` above 99,999
    octets, or 9,999 for one field.
    """
    fields = record.fields
    bodies = variable_fields.write_all(fields)
    tags = [field.tag for field in fields]
    if not variable_fields.are_tags(tags):
        unknown = variable_fields.UNKNOWN_TAG
        tags = [tag if variable_fields.is_tag(tag) else unknown for tag in tags]
    entries: list[str] = []
    at = 0
    for tag, body in zip(tags, bodies, strict=True):
        length = len(body)
        if length > LONGEST_FIELD:
            raise Unwritable(record.control_number, tag, length, LONGEST_FIELD)
        entries.append(f"{tag}{length:04}{at:05}")
        at += length
    base = 25 + 12 * len(entries)
    total = base + at + 1
    if total > LONGEST_RECORD:
        raise Unwritable(record.control_number, "", total, LONGEST_RECORD)
    leader = _BLANKED.sub(" ", record.leader).encode("ascii").ljust(24)
    return b"%05d%ba22%05d%b4500%b\x1e%b\x1d" % (
        total,
        leader[5:9],
        base,
        leader[17:20],
        "".join(entries).encode("ascii"),
        b"".join(bodies),
    )
