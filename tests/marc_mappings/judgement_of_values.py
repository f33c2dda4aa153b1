"""A second judge: what was in the good record, is not in the result, and is not spoken of there.

``judgement`` asks whether a rule of the format is broken; this one knows no rule. It takes every
value of the undamaged record and looks for it in what was read where the damage is. A value that
is not there must be named: by bytes that were kept as unreadable, by a problem of its tag, or by a
problem of the whole record that speaks of text or fields. That a length is wrong, names nothing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple
from unicodedata import normalize

from marc_mappings import formats
from marc_mappings.formats import Parsed, Unreadable
from marc_mappings.problems import Problem
from marc_mappings.record import Record
from tests.marc_mappings.mutations import Damaged

Item = Parsed | Unreadable

# Of what is said of a record as a whole, this names no text that may have gone.
NAMES_NOTHING: Final = frozenset(
    (
        "base-address-wrong",
        "blank-line-inside",
        "blank-line-missing",
        "blanks-between-records",
        "directory-out-of-order",
        "encoding-found",
        "json-punctuation",
        "leader-damaged",
        "leader-placeholders",
        "leader-says-marc8",
        "leader-value-odd",
        "length-wrong",
    )
)
# And this only letters outside ASCII, wherever they are.
NAMES_LETTERS: Final = frozenset(
    ("encoding-doubtful", "leader-says-utf8", "encoding-unknown", "text-encoded-twice")
)
_OF_THE_LEADER: Final = frozenset(("leader-damaged", "leader-placeholders", "leader-value-odd"))
# What a field is called whose tag was lost.
_UNKNOWN: Final = "999"
_SHORT: Final = 1


class Verdict(NamedTuple):
    """One file; ``raised`` and ``silent`` are in words, ``""`` if there is nothing to say."""

    kind: str
    lost: bool
    raised: str
    silent: str


def judge(file: Damaged, between: re.Pattern[bytes], nobody_knows: Collection[str] = ()) -> Verdict:
    """Read a file and the same undamaged, and look for every value."""
    first, victim, last = (each.record for each in _read(file.whole) if isinstance(each, Parsed))
    try:
        items = _read(file.file)
    except Exception as fault:
        return Verdict(file.kind, True, repr(fault), "")
    found = [item.record for item in items if isinstance(item, Parsed)]
    lost = first not in found[:1] or last not in found[-1:]
    low, high = len(file.before), len(file.before) + len(file.damaged)
    middle = [item for item in items if item.offset < high and item.offset + item.length > low]
    silent = _outside(file.file, items, between)
    if not silent and file.kind not in nobody_knows:
        silent = _untold(victim, (first, last), middle) or _unnamed(victim, middle, file)
    return Verdict(file.kind, lost, "", silent)


def _read(data: bytes) -> list[Item]:
    return list(formats.read(io.BytesIO(data)))


def _outside(data: bytes, items: Iterable[Item], between: re.Pattern[bytes]) -> str:
    at = 0
    for start, stop in [*((item.offset, item.length) for item in items), (len(data), 0)]:
        if not between.fullmatch(data, min(at, start), start):
            return f"in no item: {data[at:start][:200]!r}"
        at = start + stop
    return ""


def _untold(victim: Record, good: tuple[Record, Record], middle: list[Item]) -> str:
    """A record that is another than it was, and no word against anything there."""
    if any(isinstance(item, Unreadable) for item in middle):
        return ""
    if any(each.code not in NAMES_NOTHING for item in middle for each in item.problems):
        return ""
    for item in middle:
        if isinstance(item, Unreadable) or item.record in (victim, *good):
            continue
        codes = {each.code for each in item.problems}
        if _said(item.record) == _said(victim) and (
            codes & _OF_THE_LEADER or _codes(item.record) == _codes(victim)
        ):
            continue
        if codes <= NAMES_NOTHING:
            told = [each.code for each in item.problems]
            return f"read as sound, {told}: {_difference(victim, item.record)}"
    return ""


def _said(record: Record) -> list[tuple[str, ...]]:
    """What the fields say, blanks at the ends of values apart."""
    return [
        (
            field.tag,
            field.indicators,
            _plain(field.value),
            *(code + _plain(value) for code, value in field.subfields),
        )
        for field in record.fields
    ]


def _codes(record: Record) -> str:
    """The leader but for its numbers."""
    return record.leader[5:12] + record.leader[17:]


def _difference(victim: Record, found: Record) -> str:
    gone = [each for each in victim.fields if each not in found.fields]
    new = [each for each in found.fields if each not in victim.fields]
    return f"{len(gone)} gone, {gone[:1]}; {len(new)} new, {new[:1]}"


def _unnamed(victim: Record, middle: list[Item], file: Damaged) -> str:
    """A value that is nowhere, and that nothing names."""
    if any(isinstance(item, Unreadable) for item in middle):
        return ""
    parsed = [item for item in middle if isinstance(item, Parsed)]
    values = {value for item in parsed for _, value in _values(item.record)}
    problems = [each for item in parsed for each in item.problems]
    text = "\n".join([*values, *(_plain(each.message) for each in problems)])
    for tag, value in _values(victim):
        if value in values or (len(value) > _SHORT and value in text):
            continue
        is_hurt = not value.isascii() or value.encode() not in file.damaged
        if not any(_names(each, tag, is_hurt=is_hurt) for each in problems):
            told = sorted({(each.code, each.tag) for each in problems})
            return f"{tag} {value!r} is nowhere; {told}"
    return ""


def _values(record: Record) -> Iterator[tuple[str, str]]:
    for field in record.fields:
        for code, value in field.subfields or (("", field.value),):
            if plain := _plain(value):
                yield field.tag, plain
            if code and plain and code + plain != plain:
                yield field.tag, plain


def _plain(text: str) -> str:
    return normalize("NFC", text.replace("\\\\", "\\").replace("\xa0", " ")).strip()


def _names(found: Problem, tag: str, *, is_hurt: bool) -> bool:
    if found.code in NAMES_NOTHING:
        return False
    if found.code in NAMES_LETTERS:
        return is_hurt
    # What the directory says is not where it says.
    if found.code == "field-terminator-missing":
        return True
    # A hole in the file: what is gone in it has no field.
    if found.code == "control-character" and "U+0000" in found.message:
        return True
    return found.tag in ("", tag, _UNKNOWN)
