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

from marc_mappings import encodings
from marc_mappings.framing import directory, sound, variable_fields
from marc_mappings.framing.frames import Frame, Reading
from marc_mappings.framing.sound import Sound
from marc_mappings.framing.window import Window
from marc_mappings.letters import marc8, traces
from marc_mappings.problems import Problem, Rejected, problem
from marc_mappings.record import Field, Record
from marc_mappings.survey import Survey

# ISO 2709 cannot state a length above 99,999; files of careless writers go beyond.
LONGEST_READ: Final = 4_000_000
LONGEST_RECORD: Final = 99_999
LONGEST_FIELD: Final = 9_999

# What may stand between records without being worth a line of its own.
BETWEEN: Final = re.compile(rb"(?:[\s\x00\x1a\x1d\x1e]++|\xef\xbb\xbf)++")
# Length, status, type, three positions and coding, "22", base address, ..., the entry map
# ("4500" in MARC 21, "450 " in UNIMARC), and right behind it a directory entry. Some systems
# write a blank or another number for the first 2.
LEADER: Final = re.compile(
    rb"[0-9]{5}[A-Za-z ][A-Za-z ][\x20-\x7e]{3}[0-9 ]2[0-9]{5}[\x20-\x7e]{3}45[\x20-\x7e]{2}"
    rb"(?=[0-9A-Za-z]{3}[0-9]{9}|\x1e)"
)
_LEADER_AND_ENTRY = 36

# Named tuples without the detour over their Python constructor, of which every record needs some.
_new = tuple.__new__

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
        # Nearly always a record ends where it says, in what is in view, and the next is behind it.
        data, base = window.data, window.base
        begin = at - base
        while (end := data.find(b"\x1d", begin) + 1) and (
            data[begin : begin + 5] == b"%05d" % (end - begin)
        ):
            yield _new(Frame, (base + begin, data[begin:end], ()))
            begin = end
        at = base + begin
        window.drop(at)
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


def parse(raw: bytes, survey: Survey | None = None) -> Reading:
    """Return what one frame's bytes say. Raises ``Rejected`` when there is no record in them.

    ``survey`` is what the file says as a whole; without it the record is judged alone.
    """
    pieces = sound.read(raw)
    if pieces is None or (pieces.has_odd_heads and b"\x1b" in raw):
        return parse_carefully(raw, survey)
    said = sound.said_in_utf8(raw)
    if traces.in_octets(raw, said):
        return parse_carefully(raw, survey)
    choice = _choice(raw, pieces.leader, survey, unicode=bool(said))
    encoding, is_certain, found = choice
    content: Sound | None = pieces
    if not raw.isascii() or b"\x1b" in raw:
        is_utf8 = encoding == encodings.UTF8
        content = sound.in_unicode(pieces, said) if is_utf8 else _decoded(pieces, encoding)
    if content is None:
        return _carefully(directory.read(raw), choice)
    problems = directory.leader_problems(pieces.leader) + found
    if pieces.has_odd_heads:
        problems += tuple(variable_fields.odd_heads(pieces))
    reading: Reading = _new(Reading, (content, encoding, is_certain, problems))
    return reading


def _decoded(pieces: Sound, encoding: str) -> Sound | None:
    """Return the pieces in UTF-8 and NFC, ``None`` if some character is not sound."""
    octets, texts = [], []
    for each in pieces.octets:
        if not each.isascii() or "\x1b" in each:
            # MARC-8 without escape sequences needs no cutting: a delimiter is no letter in it.
            whole = encoding == encodings.MARC8 and "\x1b" not in each
            text = _text(each, encoding) if whole else _by_value(each, encoding)
            if _UNSOUND.search(text):
                return None
            texts.append(text)
            octets.append(text.encode("utf-8").decode("latin-1"))
        else:
            texts.append(each)
            octets.append(each)
    return pieces._replace(octets=octets, made=texts, has_markup=True, raw=b"")


def _by_value(octets: str, encoding: str) -> str:
    """Return the text of a field of which every value is decoded by itself."""
    head, *values = octets.split("\x1f")
    texts = [head if values else _text(head, encoding)]
    return "\x1f".join([*texts, *(value[0] + _text(value[1:], encoding) for value in values)])


def _text(octets: str, encoding: str) -> str:
    if octets.isascii() and "\x1b" not in octets:
        return octets
    data = octets.encode("latin-1")
    text, bad = encodings.decode(data, encoding)
    return _BAD if bad or (encoding == encodings.MARC8 and marc8.lacks_an_escape(data)) else text


# What makes a decoded field unsound; NUL stands for what could not be decoded, and a mark at the
# end of a value joins what comes behind it.
_BAD: Final = "\0"
_UNSOUND: Final = re.compile(encodings.JUNK.pattern.replace("\x1f", "\x1e") + "|\x1f[^0-9a-z]")


def _choice(
    raw: bytes, leader: str, survey: Survey | None, *, unicode: bool | None = None
) -> encodings.Choice:
    if survey is None:
        return encodings.choose(raw, leader[9], unicode=unicode)
    verdict, dialect = survey.encoding, survey.dialect.dialect
    return encodings.choose(raw, leader[9], verdict, dialect, unicode=unicode)


def parse_carefully(raw: bytes, survey: Survey | None = None) -> Reading:
    """Return what ``parse`` does, looking at every field by itself."""
    layout = directory.read(raw)
    return _carefully(layout, _choice(raw, layout.leader, survey))


def _carefully(layout: directory.Layout, choice: encodings.Choice) -> Reading:
    leader_problems = directory.leader_problems(layout.leader)
    problems = [*layout.problems, *leader_problems, *choice.problems]
    fields: list[Field] = []
    for tag, data in layout.fields:
        field = variable_fields.read_plain(tag, data) or variable_fields.read(
            tag, data, choice.encoding, problems
        )
        if field is not None:
            fields.append(field)
    if not fields:
        raise Rejected(*problems, problem("record-empty"))
    problems += variable_fields.odd_signs(fields)
    certain = choice.certain and not any(each.code == "character-undecodable" for each in problems)
    return Reading(Record(layout.leader, tuple(fields)), choice.encoding, certain, tuple(problems))


def write(content: Record | Sound, *, is_unimarc: bool = False) -> bytes:
    """Return the record as ISO 2709 in UTF-8, lengths and addresses right.

    Leader/09 is ``a`` and the entry map ``4500``, as MARC 21 has it; with ``is_unimarc`` leader/09
    stays and the map is ``450 ``. What the format cannot carry (a delimiter inside a value, a tag
    that is none) is replaced as ``encodings.without_junk`` and ``variable_fields`` do. Raises
    ``Unwritable`` above 99,999 octets, or 9,999 for one field.
    """
    if isinstance(content, Sound):
        if written := _as_written(content, is_unimarc=is_unimarc):
            return written
        content = content.record()
    fields = content.fields
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
            raise Unwritable(content.control_number, tag, length, LONGEST_FIELD)
        entries.append(f"{tag}{length:04}{at:05}")
        at += length
    base = 25 + 12 * len(entries)
    total = base + at + 1
    if total > LONGEST_RECORD:
        raise Unwritable(content.control_number, "", total, LONGEST_RECORD)
    leader = _BLANKED.sub(" ", content.leader).encode("ascii").ljust(24)
    return b"%05d%b%b22%05d%b%b\x1e%b\x1d" % (
        total,
        leader[5:9],
        leader[9:10] if is_unimarc else b"a",
        base,
        leader[17:20],
        (b"450 " if is_unimarc else b"4500") + "".join(entries).encode("ascii"),
        b"".join(bodies),
    )


def _as_written(pieces: Sound, *, is_unimarc: bool) -> bytes:
    """Return what ``write`` gives: the frame but for leader/09; ``b""`` if more would differ."""
    raw = pieces.raw
    if raw[10:12] != b"22" or raw[20:24] != (b"450 " if is_unimarc else b"4500"):
        return b""
    return raw if is_unimarc or raw[9:10] == b"a" else raw[:9] + b"a" + raw[10:]
