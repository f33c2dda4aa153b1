"""MARC-in-JSON: records cut from a stream by their braces, and a writer of one line each.

A JSON parser would hold the whole array and stop at the first fault. So the objects are found by
scanning: strings and escapes are respected, depth is counted. An object is a record once one of
its own keys says so (``leader``, ``fields`` …), however deep it lies in the envelope of a system
(``{"records": […]}``, FOLIO's ``source_record``). Where the begin of another record stands inside
one, the first is broken and ends there: outside of a string ``{"leader":`` is always a begin, and
inside of one its quotation marks would be escaped.

An array, objects in lines, or objects one after another are all read the same way.

Source: MARC-in-JSON (Ross Singer), https://github.com/marc4j/marc4j/wiki/MARC-in-JSON-Description;
RFC 8259; https://jsonlines.org/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from marc_mappings import encodings
from marc_mappings.framing import json_slices
from marc_mappings.framing.frames import Frame, Reading
from marc_mappings.framing.window import Window
from marc_mappings.problems import Problem, problem
from marc_mappings.record import Field, Record

# No honest record in JSON is larger; a file without end must not fill the memory.
LONGEST_READ: Final = 4_000_000
# Brackets that are told apart; what lies deeper is only counted.
DEEPEST: Final = 100

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[{}\[\]]', re.DOTALL)
# What follows a key that makes its object a record.
_SIGN = re.compile(
    rb'"(?:leader"\s*:\s*"|fields"\s*:\s*\[\s*(?:\{\s*"[0-9A-Za-z]{3}"|\[\s*"[0-9A-Za-z]{3}"|\])'
    rb'|record"\s*:\s*\[\s*\[|(?:control|data)fields?"\s*:\s*\[)'
)
_SIGN_LENGTH = 200
_RECORDS = re.compile(rb'"(?:records?|collection|response|docs|results)"\s*:\s*[\[{]')
# The begin of a record: never inside a string, and never inside a sound record.
_START = re.compile(
    rb'\{\s*+"(?:leader|fields)"\s*+:'
    rb'|(?<=\n)\{"(?!\w{0,3}"|subfields?"|ind[12]"|tag"|code"|data")[\w$]++"\s*+:'
)
_START_LENGTH = 200
_BETWEEN = re.compile(rb"(?:[\s,\x1e]++|\xef\xbb\xbf)++")
_BLANK = re.compile(rb"\s++")
_JUNK = re.compile(rb"[^{\[\]]++")


def is_records(head: bytes) -> bool:
    """Whether a JSON stream that begins with ``head`` shows a record."""
    return _SIGN.search(head) is not None


@dataclass(slots=True)
class _Open:
    """A bracket not closed yet.

    ``holds``: an array whose elements are records; ``is_unit``: an object that stands where a
    record should be; ``may_be``: it may still turn out to be one; ``key``: the key last seen, if
    it is one of an envelope.
    """

    start: int
    bracket: bytes
    holds: bool = False
    is_unit: bool = False
    may_be: bool = False
    is_envelope: bool = False
    key: bytes = b""


def frames(window: Window) -> Iterator[Frame]:
    """Yield the records of a stream, and whatever stands where a record should be."""
    return _Cutter(window).frames()


class _Cutter:
    """Walks over the stream with the brackets that are open around the place where it is."""

    __slots__ = ("_at", "_deeper", "_notes", "_stack", "_window")

    def __init__(self, window: Window) -> None:
        self._window = window
        self._at = window.base
        self._stack: list[_Open] = []
        self._deeper = 0
        self._notes: tuple[Problem, ...] = ()

    def frames(self) -> Iterator[Frame]:
        while True:
            if self._is_between():
                self._skip()
                if self._window.has(self._at) and (junk := self._junk()):
                    yield self._frame(self._at, junk)
                    continue
            match = self._token()
            if match is None:
                break
            start, token = match
            if start < 0:  # a unit that is too long, or broken
                yield self._frame(-start - 1, self._at, problem("record-too-long"))
            elif token[:1] == b'"':
                yield from self._string(start, token)
            elif token in b"{[":
                yield from self._open(start, token)
            else:
                yield from self._close(token)
            self._drop()
        if held := self._held():
            yield self._frame(held.start, self._window.end)

    def _frame(self, start: int, stop: int, *problems: Problem) -> Frame:
        notes, self._notes = self._notes, ()
        self._at = stop
        frame = Frame(start, self._window.slice(start, stop), notes + problems)
        self._window.drop(stop)
        return frame

    def _is_between(self) -> bool:
        return not self._deeper and (not self._stack or self._stack[-1].holds)

    def _skip(self) -> None:
        """Go over blanks, commas and byte order marks before a record."""
        while self._window.has(self._at):
            self._window.has(self._at + 2)  # so that a mark is never seen in halves
            match = _BETWEEN.match(self._window.data, self._at - self._window.base)
            if not match:
                return
            if b"\xef" in match[0]:
                self._notes = (problem("blanks-between-records"),)
            self._at = self._window.base + match.end()
            self._window.drop(self._at)

    def _junk(self) -> int:
        """Return where the bytes end that are no JSON object or array, or 0."""
        window = self._window
        if window.slice(self._at, self._at + 1) in (b"{", b"}", b"[", b"]"):
            return 0
        while True:
            match = _JUNK.match(window.data, self._at - window.base)
            stop = window.base + match.end() if match else self._at
            if stop < window.end or stop - self._at > LONGEST_READ or not window.more():
                return stop

    def _token(self) -> tuple[int, bytes] | None:
        """Return the next bracket or string with its offset, ``None`` at the end.

        Of a unit without end the offset is -1 - its own, and ``_at`` is where it was cut.
        """
        window = self._window
        while True:
            found = window.search(_TOKEN, self._at, window.end)
            if found and found[1][1] != b"":
                self._at = window.base + found[1].end()
                return found[0], found[1][0]
            self._at = found[0] if found else window.end
            held = self._held()
            if window.end - (held.start if held else self._at) > LONGEST_READ:
                self._at = window.end
                if held:
                    held.is_unit = held.may_be = False
                    return -1 - held.start, b""
            if not window.more():
                return None

    def _held(self) -> _Open | None:
        """Return the outermost object that may still turn out to be a record."""
        return next((each for each in self._stack if each.may_be), None)

    def _drop(self) -> None:
        held = self._held()
        self._window.drop(held.start if held else self._at)

    def _open(self, start: int, bracket: bytes) -> Iterator[Frame]:
        if self._deeper or len(self._stack) >= DEEPEST:
            self._deeper += 1
            return
        outer = self._stack[-1] if self._stack else None
        if outer and outer.bracket == b"{" and not self._is_value(start):
            yield from self._break(start)
            return
        stands = outer is None or outer.holds
        if bracket == b"[":
            holds = stands if outer is None or outer.bracket == b"[" else bool(outer.key)
            self._stack.append(_Open(start, bracket, holds))
        else:
            named = outer is not None and bool(outer.key)
            self._stack.append(
                _Open(start, bracket, is_unit=stands, may_be=True, is_envelope=named)
            )
        if outer:
            outer.key = b""

    def _is_value(self, start: int) -> bool:
        """Whether what begins at ``start`` in an object comes after a key and a colon."""
        before = self._window.slice(max(start - _SIGN_LENGTH, self._window.base), start).rstrip()
        return before[-1:] in (b":", b"")

    def _break(self, offset: int) -> Iterator[Frame]:
        """End what is open in an object that cannot go on at ``offset``; scan anew from there."""
        if held := self._held():
            del self._stack[self._stack.index(held) :]
            yield self._frame(held.start, offset)
        elif self._stack:
            self._stack.pop()
        self._at = offset
        self._deeper = 0

    def _close(self, bracket: bytes) -> Iterator[Frame]:
        if self._deeper:
            self._deeper -= 1
            return
        wanted = b"{" if bracket == b"}" else b"["
        if not any(each.bracket == wanted for each in self._stack):
            return
        while True:
            closed = self._stack.pop()
            if closed.is_unit:
                yield self._frame(closed.start, self._at)
            if closed.bracket == wanted:
                return

    def _string(self, start: int, token: bytes) -> Iterator[Frame]:
        """Look at a string: a key that tells a record, or one that was never closed."""
        stop = start + len(token)
        if b"{" in token and (again := self._start_within(start, stop)):
            yield from self._break(again)
            return
        inner = self._stack[-1] if self._stack else None
        if inner is None or inner.bracket != b"{" or self._deeper:
            return
        self._window.has(stop + _SIGN_LENGTH)
        at = start - self._window.base
        if (inner.is_unit or inner.is_envelope) and _RECORDS.match(self._window.data, at):
            inner.is_unit = inner.may_be = False
            inner.is_envelope = True
            inner.key = token
        if _SIGN.match(self._window.data, at) and inner.start >= self._window.base:
            yield self._record(inner.start)

    def _start_within(self, start: int, stop: int) -> int:
        """Return where a record begins inside of what looks like a string, or 0."""
        self._window.has(stop + _START_LENGTH)
        found = self._window.search(_START, start + 1, stop + _START_LENGTH)
        return found[0] if found and found[0] < stop - 1 else 0

    def _record(self, start: int) -> Frame:
        """Return the frame of the record that begins at ``start``, the innermost open object."""
        self._stack.pop()
        for each in self._stack:
            each.is_unit = each.may_be = False
        stop, problems = _end_of_record(self._window, start)
        if self._window.slice(stop - 1, stop) == b"}":
            problems += self._after(stop)
        return self._frame(start, stop, *problems)

    def _after(self, stop: int) -> tuple[Problem, ...]:
        """Return what is odd in the punctuation behind a record that lies in something."""
        if not self._stack:
            return ()
        at, byte = self._next(stop)
        if comma := byte == b",":
            at, byte = self._next(at + 1)
        if not byte:
            return (problem("json-punctuation", "What stands around the record is not closed."),)
        if self._stack[-1].bracket != b"[":
            return ()
        if comma and byte == b"]":
            return (problem("json-punctuation", "A comma stands before the end of the array."),)
        if not comma and byte == b"{":
            return (problem("json-punctuation", "No comma stands before the next record."),)
        return ()

    def _next(self, at: int) -> tuple[int, bytes]:
        """Return the next byte from ``at`` that is not blank, ``b""`` at the end."""
        window = self._window
        while window.has(at):
            match = _BLANK.match(window.data, at - window.base)
            if not match:
                return at, window.slice(at, at + 1)
            at = window.base + match.end()
        return at, b""


def _end_of_record(window: Window, start: int) -> tuple[int, tuple[Problem, ...]]:
    """Return the offset after the object at ``start``, or where the next record breaks into it."""
    at, depth = start, 0
    again, searched = -1, start + 1
    while True:
        if again < 0:
            found = window.search(_START, searched, window.end)
            again = found[0] if found else -1
            searched = max(searched, window.end - _START_LENGTH)
        at, depth, closed = _balance(window, at, again if again >= 0 else window.end, depth)
        if closed:
            return at, ()
        if again >= 0:
            return again, ()
        if window.end - start > LONGEST_READ:
            return window.end, (problem("record-too-long"),)
        if not window.more():
            return window.end, ()


def _balance(window: Window, at: int, limit: int, depth: int) -> tuple[int, int, bool]:
    """Count brackets from ``at`` to ``limit``: (where it stopped, depth there, whether closed)."""
    base = window.base
    for match in _TOKEN.finditer(window.data, at - base, limit - base):
        token = match[0]
        if token[0] == 0x22:
            if not match[1]:
                return base + match.start(), depth, False
        elif token in b"{[":
            depth += 1
        else:
            depth -= 1
            if depth <= 0:
                return base + match.end(), 0, True
    return limit, depth, False


def parse(raw: bytes) -> Reading:
    """Return what one object says. Raises ``Rejected`` when there is no record in it."""
    return json_slices.read(raw)


def write(record: Record) -> bytes:
    """Return the record as one line of JSON in UTF-8, its line end included.

    The keys stand in the order of the description: leader, fields; ind1, ind2, subfields.
    """
    fields = [{field.tag: _written(field)} for field in record.fields]
    text = json.dumps(
        {"leader": record.leader, "fields": fields}, ensure_ascii=False, separators=(",", ":")
    )
    # Outside of strings compact JSON has only printable ASCII, and controls are escaped in them.
    return (text if text.isprintable() else encodings.without_junk(text)).encode("utf-8") + b"\n"


def _written(field: Field) -> object:
    if not field.indicators:
        return encodings.without_junk(field.value)
    indicators = f"{field.indicators:2.2}"
    pairs = [{code: encodings.without_junk(text)} for code, text in field.subfields]
    return {"ind1": indicators[0], "ind2": indicators[1], "subfields": pairs}
