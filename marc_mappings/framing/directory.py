"""Leader and directory of an ISO 2709 record: which bytes belong to which tag, whatever is wrong.

Three witnesses speak: the directory's numbers, its order, and the field terminators. Where the
numbers cover the data without gap or overlap they are right. Otherwise the terminators say where
fields begin and end, and an entry gets the field at its start, or the one at its place.

Source: MARC 21 Specifications for Record Structure, "Directory" (Library of Congress).
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from marc_mappings.framing.variable_fields import UNKNOWN_TAG, shown
from marc_mappings.problems import Problem, Rejected, problem

FIELD_END: Final = 0x1E
DEFAULT_LEADER: Final = "00000nam a2200000 u 4500"

# Status to coding, "22", and behind the base address three codes and the entry map.
_CODED_LEADER = re.compile(r"[A-Za-z0-9 |#]{5}22[A-Za-z0-9 |#]{3}45[0-9 ]{2}")
# A leader in ASCII with an entry map that is not the one of MARC (45, 450).
_OTHER_MAP = re.compile(rb"[ -~]{12}[0-9]{5}[ -~]{3}(?!45[0 ])[3-9][4-9][0-9][ -~]")
_ENTRIES = re.compile(rb"(?:[0-9A-Za-z]{3}[0-9]{9})+")
_ENTRY = re.compile(rb"[0-9A-Za-z]{3}[0-9]{9}")
_LIKE_ENTRY = re.compile(rb"[0-9A-Za-z]{3}[0-9 ]{9}")
# At the end of a directory as much may look like no entry, and yet be one or two that were hurt.
_SCRATCH: Final = 25


class Entry(NamedTuple):
    """One directory entry: a tag, the field's length with its terminator, its start (octets)."""

    tag: str
    length: int
    start: int

    def __str__(self) -> str:
        """The entry as it stands in a directory.

        >>> str(Entry("245", 70, 310))
        '245007000310'
        """
        return f"{self.tag}{self.length:04}{self.start:05}"


class Layout(NamedTuple):
    """The leader (24 characters), (tag, bytes without terminator) of each field, what was odd."""

    leader: str
    fields: list[tuple[str, bytes]]
    problems: tuple[Problem, ...]


def leader_problems(leader: str) -> tuple[Problem, ...]:
    """Return what is odd in the codes of a leader (24 characters); its numbers are others' matter.

    >>> leader_problems("00352cam  2200133 k 4500")
    ()
    """
    return _coded_problems(leader[5:12] + leader[17:])


@lru_cache(maxsize=1024)
def _coded_problems(codes: str) -> tuple[Problem, ...]:
    if _CODED_LEADER.fullmatch(codes):
        return ()
    message = f"Odd codes in the leader: 05-11 are {codes[:7]!r}, 17-23 are {codes[7:]!r}"
    return (problem("leader-value-odd", message),)


def read(raw: bytes) -> Layout:
    """Return the layout of one frame; raises ``Rejected`` when no directory can be made out."""
    return _read_sound(raw) or _read_mapped(raw) or _read_damaged(raw)


def _read_sound(raw: bytes) -> Layout | None:
    """Return the layout of a frame in which all witnesses agree, else ``None``: the fast path."""
    head, *fields = raw.split(b"\x1e")
    if not fields or fields.pop() != b"\x1d" or len(head) != 24 + 12 * len(fields):
        return None
    if raw[:5] != b"%05d" % len(raw) or raw[12:17] != b"%05d" % (len(head) + 1):
        return None
    if not head.isascii() or not _ENTRIES.fullmatch(head, 24):
        return None
    text = head.decode("ascii")
    if not text.isprintable():
        return None
    at, entry = 0, 24
    tags = []
    for field in fields:
        size = len(field) + 1
        # Length (4 digits) and start (5 digits) in one number.
        if int(text[entry + 3 : entry + 12]) != size * 100_000 + at:
            return None
        tags.append(text[entry : entry + 3])
        at += size
        entry += 12
    return Layout(text[:24], list(zip(tags, fields, strict=True)), ())


def _read_mapped(raw: bytes) -> Layout | None:
    """Return the layout where the entry map (leader/20-22) states other widths, and they fit.

    ISO 2709 allows them, MARC does not; ``leader_problems`` speaks of it.
    """
    if not _OTHER_MAP.fullmatch(raw, 0, 24) or not raw.endswith(b"\x1e\x1d"):
        return None
    base, long, wide, more = int(raw[12:17]), int(raw[20:21]), int(raw[21:22]), int(raw[22:23])
    body, data = raw[24 : base - 1], _data(raw, base)
    width = 3 + long + wide + more
    if raw[base - 1 : base] != b"\x1e" or len(body) % width or not body.isalnum():
        return None
    entries = []
    for at in range(0, len(body), width):
        length, start = body[at + 3 : at + 3 + long], body[at + 3 + long : at + 3 + long + wide]
        if not length.isdigit() or not start.isdigit():
            return None
        entries.append(Entry(body[at : at + 3].decode("ascii"), int(length), int(start)))
    problems: list[Problem] = []
    fields = _by_numbers(entries, data, problems)
    if raw[:5] != b"%05d" % len(raw):
        problems.append(problem("length-wrong"))
    leader = raw[:24].decode("ascii")
    return Layout(leader, fields, tuple(problems)) if fields else None


def _read_damaged(raw: bytes) -> Layout:
    place = _place(raw)
    body, data = raw[place.begin : place.stop], _data(raw, place.base)
    problems: list[Problem] = []
    if not raw[12:17].isdigit() or int(raw[12:17]) != place.stop + 1:
        problems.append(problem("base-address-wrong"))
    leader = _leader(raw[: place.begin], problems)
    if not raw.endswith(b"\x1d"):
        problems.append(problem("terminator-missing"))
    if raw[:5] != b"%05d" % len(raw):
        problems.append(problem("length-wrong"))
    if place.base == place.stop:
        problems.append(problem("directory-damaged", "The directory has no end."))
    entries, scratch = _entries(body, data)
    if not entries:
        raise Rejected(problem("record-empty", "The record has a leader, and no fields."))
    if scratch:
        message = (
            f"In the directory this is no entry: {scratch.decode('ascii', 'backslashreplace')!r}"
        )
        problems.append(problem("directory-damaged", message))
    fields = _by_numbers(entries, data, problems)
    if not fields:
        message = f"Directory entries do not fit the fields; they read {shown(body)}"
        problems.append(problem("directory-damaged", message))
        fields = _by_terminators(entries, data, problems)
    return Layout(leader, fields, tuple(problems))


class _Place(NamedTuple):
    """Where the entries begin and stop, and where the data begin: mostly one octet behind."""

    begin: int
    stop: int
    base: int


def _place(raw: bytes) -> _Place:
    """Return where directory and data are; raises ``Rejected`` if there is no directory.

    Base address, first terminator and the look of the entries may each be wrong. Of the places
    they name the one whose entries cover its data is right, else the first.
    """
    places = _places_named(raw)
    if not places:
        raise Rejected(problem("not-a-record", _what(raw)))
    return next((place for place in places if _covers(raw, place)), places[0])


def _places_named(raw: bytes) -> list[_Place]:
    """Return the places where the directory may be, the likeliest first."""
    first = raw.find(b"\x1e")
    stated = int(raw[12:17]) if raw[12:17].isdigit() else 0
    places = []
    if first >= 36 and _ENTRIES.fullmatch(raw, 24, first):
        places.append(_Place(24, first, first + 1))
    if 36 < stated <= len(raw) and _ENTRIES.fullmatch(raw, 24, stated - 1):
        is_ended = raw[stated - 1] == FIELD_END
        places.append(_Place(24, stated - 1, stated if is_ended else stated - 1))
    if 36 <= stated <= len(raw) and _ENTRIES.fullmatch(raw, 24, stated):
        places.append(_Place(24, stated, stated))
    begin = first
    while begin >= 12 and _ENTRY.match(raw, begin - 12):
        begin -= 12
    if begin < first:
        # A leader that lost or gained characters, or entries with a scratch among them.
        # One entry with an octet too many looks like one behind a leader that is too long.
        is_whole = first - begin == 12 and not leader_problems(raw[:24].decode("latin-1"))
        places.append(_Place(begin if begin < 36 and not is_whole else 24, first, first + 1))
    if run := _ENTRIES.match(raw, 24):
        # A terminator lost; what comes behind may look like one entry more.
        ends = [at for at in range(run.end(), max(run.end() - 25, 24), -12) if at != first]
        places += (place for end in ends if _covers(raw, place := _Place(24, end, end)))
    if first >= 36:
        places.append(_scratched_place(raw, first))
    return [place for place in places if place.stop - place.begin >= 12]


def _scratched_place(raw: bytes, first: int) -> _Place:
    """Return where a damaged directory is: what looks like no entry before ``first`` is data."""
    delimiter = raw.find(b"\x1f", 24, first)
    end = first if delimiter < 0 else delimiter
    stop = max((match.end() for match in _LIKE_ENTRY.finditer(raw, 24, end)), default=24)
    if delimiter < 0 and first - stop <= _SCRATCH and (stop > 24 or raw[10:12] == b"22"):
        return _Place(24, first, first + 1)
    return _Place(24, stop, stop)


def _covers(raw: bytes, place: _Place) -> bool:
    """Whether the entries at a place cover the data behind it without gap or overlap."""
    size = place.stop - place.begin
    if size % 12:
        return False
    entries = [_entry(raw[at : at + 12]) for at in range(place.begin, place.stop, 12)]
    return _are_tiles(entries, len(_data(raw, place.base)))


def _are_tiles(entries: list[Entry], size: int) -> bool:
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.start):
        if entry.start != at or not entry.length:
            return False
        at += entry.length
    return at == size


def _data(raw: bytes, base: int) -> bytes:
    """Return the bytes of the fields; a missing last terminator is put there."""
    data = raw[base:].removesuffix(b"\x1d")
    return data if data.endswith(b"\x1e") else data + b"\x1e"


def _what(raw: bytes) -> str:
    shown = raw[:40].decode("ascii", "backslashreplace")
    return f"{len(raw)} bytes without leader and directory, beginning with {shown!r}."


def _leader(raw: bytes, problems: list[Problem]) -> str:
    """Return 24 characters of leader, mending one of another length from its end."""
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else " " for byte in raw)
    if len(raw) == 24 and text.encode() == raw:
        return text
    shown = raw[:500].decode("ascii", "backslashreplace")
    problems.append(problem("leader-damaged", f"The leader is short or not ASCII: {shown!r}"))
    if len(text) == 24:
        return text
    tail = re.search(r"([A-Za-z ])([a-z])([a-z ])([ a-z])([ a])22", text)
    return DEFAULT_LEADER[:5] + tail[0] + DEFAULT_LEADER[12:] if tail else DEFAULT_LEADER


def _entries(body: bytes, data: bytes) -> tuple[list[Entry], bytes]:
    """Return the entries, and what of the directory is none."""
    if len(body) % 12 == 0:
        whole = [body[i : i + 12] for i in range(0, len(body), 12)]
        return list(map(_entry, whole)), b" ".join(raw for raw in whole if _is_hurt(raw))
    # Something is missing or too much: read from both ends as far as the numbers agree.
    left: list[Entry] = []
    at = 0
    while at + 12 <= len(body):
        entry = _entry(body[at : at + 12])
        if left and entry.start != left[-1].start + left[-1].length:
            break
        left.append(entry)
        at += 12
    right: list[Entry] = []
    stop = len(body)
    while stop - 12 >= at:
        entry = _entry(body[stop - 12 : stop])
        expected = right[0].start if right else len(data)
        if entry.start + entry.length != expected:
            break
        right.insert(0, entry)
        stop -= 12
    hurt = body[:12] if left and _is_hurt(body[:12]) else b""
    return left + _scratched(body[at:stop], left, right) + right, hurt + body[at:stop]


def _is_hurt(raw: bytes) -> bool:
    """Whether the numbers of an entry are none, or state a field without its terminator."""
    entry = _entry(raw)
    return not entry.length or entry.start < 0


def _scratched(rest: bytes, left: list[Entry], right: list[Entry]) -> list[Entry]:
    """Return the one entry that ``rest`` was, its numbers taken from its neighbours."""
    if len(rest) < 3:
        return []
    start = left[-1].start + left[-1].length if left else 0
    length = right[0].start - start if right else 0
    # When the numbers are whole, it is the tag that was hurt, and nobody knows it any more.
    tag_hurt = rest.endswith(b"%04d%05d" % (length, start)) and len(rest) != 12
    tag = UNKNOWN_TAG if tag_hurt or not rest[:3].isalnum() else rest[:3].decode("ascii", "replace")
    return [Entry(tag, length, start)]


def _entry(raw: bytes) -> Entry:
    """Return the entry of 12 bytes; numbers that are none count as -1 (start) and 0 (length)."""
    length = int(raw[3:7]) if raw[3:7].isdigit() else 0
    start = int(raw[7:12]) if raw[7:12].isdigit() else -1
    return Entry(raw[:3].decode("ascii", "replace"), length, start)


def _by_numbers(
    entries: list[Entry], data: bytes, problems: list[Problem]
) -> list[tuple[str, bytes]] | None:
    """Cut by the directory if it covers the data without gap or overlap, else ``None``."""
    if not _are_tiles(entries, len(data)):
        return None
    if any(a.start > b.start for a, b in pairwise(entries)):
        problems.append(problem("directory-out-of-order"))
    fields = []
    for tag, length, start in entries:
        field = data[start : start + length]
        if field[-1] != FIELD_END:
            problems.append(problem("field-terminator-missing", tag=tag))
        fields.append((tag, field.removesuffix(b"\x1e")))
    return fields


def _by_terminators(
    entries: list[Entry], data: bytes, problems: list[Problem]
) -> list[tuple[str, bytes]]:
    """Cut at the terminators, and give each entry the field at its start or at its place."""
    pieces = data.removesuffix(b"\x1e").split(b"\x1e")
    starts: dict[int, int] = {}
    at = 0
    for index, piece in enumerate(pieces):
        starts[at] = index
        at += len(piece) + 1
    places = _places(entries, pieces, starts)
    fields = []
    for entry, place in zip(entries, places, strict=True):
        if place is None:
            message = f"The directory entry {entry} has no field to point to."
            problems.append(problem("field-without-data", message, entry.tag))
        else:
            fields.append((entry.tag, pieces[place]))
    for index in sorted(set(range(len(pieces))) - set(places)):
        if pieces[index]:
            fields.append((UNKNOWN_TAG, pieces[index]))
            problems.append(problem("data-without-entry", tag=UNKNOWN_TAG))
    return fields


def _places(entries: list[Entry], pieces: list[bytes], starts: dict[int, int]) -> list[int | None]:
    """Return for each entry the index of its piece, or ``None``; no piece is given twice."""
    by_start = [starts.get(entry.start) for entry in entries]
    if len(entries) == len(pieces):
        fits = sum(
            place == index or entry.length == len(piece) + 1
            for index, (entry, piece, place) in enumerate(
                zip(entries, pieces, by_start, strict=True)
            )
        )
        if 2 * fits >= len(entries) or None in by_start or len(set(by_start)) < len(entries):
            return list(range(len(pieces)))
        return by_start
    return _anchored(entries, pieces, by_start)


def _anchored(
    entries: list[Entry], pieces: list[bytes], by_start: list[int | None]
) -> list[int | None]:
    """Pair what has a start to go by; between two such pairs by place, if the counts agree."""
    places: list[int | None] = [None] * len(entries)
    taken = -1
    gap: list[int] = []
    for index in range(len(entries) + 1):
        anchor = by_start[index] if index < len(entries) else len(pieces)
        if anchor is None or anchor <= taken:
            gap.append(index)
            continue
        between = range(taken + 1, anchor)
        if len(gap) == len(between):
            for entry, piece in zip(gap, between, strict=True):
                places[entry] = piece
        else:
            _by_length(entries, pieces, gap, between, places)
        if index < len(entries):
            places[index] = anchor
        taken, gap = anchor, []
    return places


def _by_length(
    entries: list[Entry],
    pieces: list[bytes],
    gap: list[int],
    between: range,
    places: list[int | None],
) -> None:
    """Pair, in order, the entries and pieces of a gap whose lengths agree."""
    waiting = iter(gap)
    for piece in between:
        for entry in waiting:
            if entries[entry].length == len(pieces[piece]) + 1:
                places[entry] = piece
                break
        else:
            return
