r"""MARC as lines of text, the mnemonic form of MARCMaker and MarcEdit (``.mrk``).

A line is a field: ``=245  10$aTitle``; blanks of control fields and indicators are ``\``; a blank
line ends a record. A person has edited most of these files, so a record also begins where its
leader line stands, and a line that does not begin with ``=`` belongs to the one before.

Other line forms (``LDR``, ``000`` or a bare leader in the first line) are not read: whether a
blank in them is an indicator, and which sign begins a subfield, would be guesses.

Source: MARCMaker and MARCBreaker User's Manual (Library of Congress); MarcEdit, mnemonic format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from marc_mappings import encodings
from marc_mappings.framing import mending, mnemonics
from marc_mappings.framing.frames import Frame, Reading
from marc_mappings.framing.window import Window
from marc_mappings.problems import Problem, Rejected, problem
from marc_mappings.record import Field, Record

LONGEST_READ: Final = 4_000_000

_LEADER_TAGS: Final = frozenset(("LDR", "LEADER", "000"))
_LEADER_NAMES: Final = rb"(?i:LDR|LEADER)|000"
_BETWEEN: Final = re.compile(rb"(?:[ \t\r\n\x1a]++|\xef\xbb\xbf)++")
# Where a record may begin: at a leader line, also where the line before was cut off, or at any
# field behind a blank line. What is no field there may belong to no record.
_START = re.compile(
    rb"(?:(?m:^)|(?<=\xef\xbb\xbf))=("
    + _LEADER_NAMES
    + rb")[ \t]|=(LDR)  (?=[0-9 ]{5}[A-Za-z ]{3})"
    rb"|(?:(?<=\n\n)|(?<=\n\r\n))(?:=([0-9A-Za-z]{3})[ \t]"
    rb"|[ \t\r\x0b\x0c]*+([^\s\xef]|\xef(?!\xbb\xbf)))"
)
_FIELD_LINE = re.compile(rb"(?m:^)=([0-9A-Za-z]{3,6})[ \t]")
_MARK = b"\xef\xbb\xbf"
_LOWEST = b"000"
_LONGEST_START = 16
# Two lines of fields without a blank one between them.
_DENSE = re.compile(rb"[^\r\n]\r?\n=")
_LEADER_LINE = re.compile(rb"=(?:" + _LEADER_NAMES + rb")[ \t]")
_CONTROL_NUMBER = re.compile(rb"(?m:^)=001[ \t]")
# A field in the middle of a line: nobody writes this in a value.
_FIELD_INSIDE = re.compile(r"=(?:[0-9A-Z]{3}  [0-9a-z\\]{2}\$[0-9a-z]|00[1-9]  [^\s$])")
# Two blanks stand between tag and data; one or a tab where what follows cannot be read otherwise.
_LINE = re.compile(r"=([^\s=$]{1,6})(?:  |\t| (?=[0-9a-zA-Z\\]{2}\$)|[ \t]*$)(.*)", re.DOTALL)


def is_records(body: bytes) -> bool:
    """Whether a stream that begins with ``body`` is in this form."""
    return re.match(rb"=(?:LDR|LEADER|[0-9]{3})(?:  |\t)", body) is not None


def frames(window: Window) -> Iterator[Frame]:
    """Yield the records of a stream; all bytes outside are blank."""
    at = window.base
    while True:
        start = _skip(window, at)
        if not window.has(start):
            return
        notes: tuple[Problem, ...] = ()
        if b"\xef\xbb\xbf" in window.slice(at, start):
            notes = (problem("blanks-between-records"),)
        stop, problems = _end_of_record(window, start)
        raw = window.slice(start, stop).removesuffix(_MARK).rstrip(b" \t\r\n\x1a")
        # The end of the last line belongs to the record.
        ends = re.match(rb"[ \t]*\r?\n?", window.slice(start + len(raw), stop))
        at = start + len(raw) + (ends.end() if ends else 0)
        problems += _about_end(window, at, stop)
        yield Frame(start, window.slice(start, at), notes + problems)
        window.drop(at)


def _about_end(window: Window, at: int, stop: int) -> tuple[Problem, ...]:
    """Return what is odd where a record's last line ends at ``at`` and the next begins at ``stop``.

    A record that was cut short may show it there, and nowhere else.
    """
    if not window.has(stop):
        return ()
    if at == stop and window.slice(at - 1, at) != b"\n":
        return (problem("line-end-missing", "The next record begins in its last line."),)
    is_apart = window.slice(at, stop).strip(b" \t")
    return () if is_apart else (problem("blank-line-missing"),)


def _skip(window: Window, at: int) -> int:
    while window.has(at):
        window.has(at + 2)  # so that a byte order mark is never seen in halves
        match = _BETWEEN.match(window.data, at - window.base)
        if not match:
            return at
        at = window.base + match.end()
    return at


def _end_of_record(window: Window, start: int) -> tuple[int, tuple[Problem, ...]]:
    """Return the offset where the next record begins, or the stream ends."""
    window.has(start + _LONGEST_START)
    has_leader = _LEADER_LINE.match(window.data, start - window.base) is not None
    is_field = window.slice(start, start + 1) == b"="
    pattern = _START if is_field else _FIELD_LINE
    so_far = _SoFar(start)
    at = start + 1
    while True:
        while found := window.search(pattern, at, window.end):
            offset, match = found
            if not is_field or match[1] or match[2] or not has_leader:
                return offset, ()
            line, tag = (offset, match[3]) if match[3] else _next_field(window, start, offset)
            if not tag or so_far.ends_before(window, offset, match[3] or _LOWEST):
                return offset, ()
            at = max(line, offset + 1)
        at = max(at, window.end - _LONGEST_START)
        if window.end - start > LONGEST_READ:
            return window.end, (problem("record-too-long"),)
        if not window.more():
            return window.end, ()


def _next_field(window: Window, start: int, offset: int) -> tuple[int, bytes]:
    """Return offset and tag of the first field behind ``offset``; no tag if it is a leader.

    Lines behind a blank one that are no fields belong to a record only if it goes on behind them,
    and has blank lines of its own.
    """
    at = offset
    while not (found := window.search(_FIELD_LINE, at, window.end)):
        at = max(at, window.end - _LONGEST_START)
        if window.end - start > LONGEST_READ or not window.more():
            return offset, b""
    line, match = found
    return line, b"" if match[1].decode("ascii").upper() in _LEADER_TAGS else match[1]


class _SoFar:
    """What the lines of a record with a leader line have shown, each of them looked at once."""

    __slots__ = ("_has_number", "_is_dense", "_looked")

    def __init__(self, start: int) -> None:
        self._looked = start
        self._is_dense = False
        self._has_number = False

    def ends_before(self, window: Window, offset: int, tag: bytes) -> bool:
        """Whether the field behind a blank line begins a record, and is not only spaced from it.

        It does where its tag is lower than the one before, as never within a record, or where a
        control number stands there already.
        """
        begin, end = self._looked - window.base, offset - window.base
        self._is_dense = self._is_dense or _DENSE.search(window.data, begin, end) is not None
        self._has_number = self._has_number or bool(_CONTROL_NUMBER.search(window.data, begin, end))
        last = window.data.rfind(b"\n=", begin, end)
        tag_at = last + 2 if last >= 0 else begin + 1
        before = window.data[tag_at : tag_at + 3]
        self._looked = offset
        if tag == b"001" and self._has_number:
            return True
        return self._is_dense and tag < before


def parse(raw: bytes) -> Reading:
    """Return what the lines of one record say. Raises ``Rejected`` if no line is a field."""
    if not raw.lstrip().startswith(b"="):
        shown = raw[:40].decode("ascii", "backslashreplace")
        raise Rejected(problem("not-a-record", f"No line of this is a field: {shown!r}"))
    choice = encodings.choose(raw, "a" if encodings.is_utf8(raw) else _coding(raw))
    text, bad = _decoded(raw, choice.encoding)
    problems = list(choice.problems)
    if bad:
        message = f"{bad} characters could not be read as {choice.encoding}; they show as U+FFFD."
        problems.append(problem("character-undecodable", message))
    leader = ""
    fields: list[Field | None] = []
    for line in _lines(text, problems):
        match = _LINE.match(line)
        if not match:
            problems.append(problem("subfield-without-code", f"No field: {line[:60]!r}"))
            fields.append(mending.control_field("999", line[1:].strip(), problems))
        elif match[1].upper() in _LEADER_TAGS:
            leader = leader or mending.leader(_text(match[2], "LDR", problems), problems)
        else:
            fields.append(_field(mending.tag(match[1], problems), match[2], problems))
    record = mending.record(leader, [field for field in fields if field], problems)
    return Reading(record, choice.encoding, choice.certain and not bad, tuple(problems))


def _coding(raw: bytes) -> str:
    """Return leader/09, a blank without a leader line."""
    match = _LEADER_LINE.match(raw)
    return chr((raw[match.end() :].lstrip(b" \t")[9:10] or b" ")[0]) if match else " "


def _decoded(raw: bytes, encoding: str) -> tuple[str, int]:
    """Return the text and how many characters could not be read.

    UTF-8 is not composed yet: a mark that begins a value must not join its subfield code.
    """
    if encoding != encodings.UTF8:
        return encodings.decode(raw, encoding)
    text = raw.decode("utf-8", "replace")
    return text, text.count("\ufffd") - raw.count(b"\xef\xbf\xbd")


def _lines(text: str, problems: list[Problem]) -> Iterator[str]:
    """Yield one string for each field, the lines it goes on in joined by blanks."""
    parts: list[str] = []
    is_blank = is_told = False
    for line in (*_physical_lines(text, problems), "="):
        if not line.strip():
            is_blank = True
            continue
        if is_blank and parts and line != "=" and not is_told:
            is_told = True
            problems.append(problem("blank-line-inside"))
        is_blank = False
        if line.startswith("="):
            if len(parts) > 1:
                problems.append(problem("line-continued", tag=parts[0][1:4]))
            if parts:
                yield " ".join(parts)
            parts = [line]
        else:
            parts.append(line.strip())


def _physical_lines(text: str, problems: list[Problem]) -> Iterator[str]:
    """Yield the lines, and a field that begins inside of one as a line of its own."""
    for line in text.replace("\r\n", "\n").split("\n"):
        at = 0
        for match in _FIELD_INSIDE.finditer(line, 1):
            tag = match[0][1:4]
            message = "A field begins inside another's line; it was given its own."
            problems.append(problem("line-end-missing", message, tag))
            yield line[at : match.start()]
            at = match.start()
        yield line[at:]


def _field(tag: str, data: str, problems: list[Problem]) -> Field | None:
    if tag[:2] == "00" and data[2:3] != "$":
        if "$" in data:
            problems.append(problem("subfields-in-control-field", tag=tag))
        return mending.control_field(tag, _text(data, tag, problems), problems)
    head, *parts = data.split("$")
    told = _text(head, tag, problems)
    first, second = told[:1] or None, told[1:2] or None
    pairs = [_pair(part, tag, problems) for part in parts]
    if len(told) > 2:
        first, second = ("", "") if not parts else (told[0], told[1])
        pairs.insert(0, ("", told[2:] if parts else told))
    return mending.data_field(
        tag, mending.indicators((first, second), tag, problems), pairs, problems
    )


def _pair(part: str, tag: str, problems: list[Problem]) -> tuple[str, str]:
    """Return code and value of what stands behind a dollar sign; a brace is no code."""
    if part[:1] == "{":
        return "", _expanded(part, tag, problems)
    return part[:1], _expanded(part[1:], tag, problems)


def _text(data: str, tag: str, problems: list[Problem]) -> str:
    r"""Return what stands in a control field or before the subfields: ``\`` is a blank there."""
    return _expanded(data.replace("\\", " "), tag, problems)


def _expanded(data: str, tag: str, problems: list[Problem]) -> str:
    text, unknown = mnemonics.expand(data)
    if unknown:
        names = ", ".join(f"{{{name}}}" for name in unknown[:5])
        problems.append(problem("mnemonic-unknown", f"Not known, and kept: {names}", tag))
    elif ("{" in data or "}" in data) and mnemonics.has_bare_brace(data):
        problems.append(problem("brace-bare", tag=tag))
    return text


def write(record: Record) -> bytes:
    """Return the record as lines in UTF-8, the blank line behind it included.

    A delimiter or brace in a value is written as its mnemonic. What lines have no room for (line
    ends, control characters) is replaced as ``encodings.without_junk`` does.
    """
    lines = [f"=LDR  {mnemonics.escape(record.leader)}"]
    for tag, indicators, subfields, value in record.fields:
        if indicators:
            body = "".join(f"${code:.1}{mnemonics.escape(text)}" for code, text in subfields)
            lines.append(f"={tag}  {_blanks_shown(f'{indicators:2.2}')}{body}")
        else:
            lines.append(f"={tag}  {_blanks_shown(value)}")
    sound = map(_never_two, map(encodings.without_junk, lines))
    return "".join(line + "\n" for line in sound).encode("utf-8") + b"\n"


def _never_two(line: str) -> str:
    """Return a line in which no field seems to begin inside, whatever its value."""
    if "=" in line[1:] and _FIELD_INSIDE.search(line, 1):
        return line[0] + line[1:].replace("=", "{equals}")
    return line


def _blanks_shown(text: str) -> str:
    return mnemonics.escape(text).replace(" ", "\\")
