"""What a reader made of a damaged file: which good record it lost, and what it kept to itself.

*Lost*: a good record is not there equal to what is read of it in the file before the damage.
*Silent*, any of three things:

* octets in no item, other than blanks and what stands around records in the format;
* a record with no word against it that differs from the undamaged one, though a rule of the format
  is broken in its bytes, so that somebody could have known (``Form.by_the_book``);
* a value of the victim that is whole in the damaged bytes and in no item, unless a problem says
  that text was dropped or could not be read.

*Unknowable*: a record that differs from the undamaged one and breaks no rule, such as one with
another letter in its title. No reader can know; it is counted, so that nobody takes it for a zero.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from marc_mappings import formats
from marc_mappings.formats import Parsed, Unreadable
from marc_mappings.record import Record
from tests.marc_mappings import mutations
from tests.marc_mappings.mutations import Damaged

Item = Parsed | Unreadable
Reader = Callable[[bytes], Iterable[Item]]

# Problems that say that text is not as it was, or not there.
TELLS_OF_TEXT: Final = frozenset(
    (
        "character-undecodable",
        "character-not-allowed",
        "control-character",
        "encoding-doubtful",
        "field-empty",
        "json-key-unknown",
        "leader-says-utf8",
        "brace-bare",
        "mnemonic-unknown",
        # More than two hundred are not listed, and what they name is not shown.
        "more-problems",
        "set-not-closed",
        "xml-element-unknown",
    )
)
# Notes that say nothing against a record.
SAYS_NOTHING: Final = frozenset(("blanks-between-records", "encoding-found", "leader-says-marc8"))
_ENOUGH: Final = 5


class Form(NamedTuple):
    """What may stand outside of all items, and whether bytes of a record break no rule."""

    between: re.Pattern[bytes]
    by_the_book: Callable[[bytes], bool]


ISO2709: Final = Form(re.compile(rb"[\s\x00\x1a\x1d\x1e\xef\xbb\xbf]*"), mutations.by_the_book)


class Judgement(NamedTuple):
    """One file. ``silent`` and ``raised`` are in words, ``""`` if there is nothing to say."""

    kind: str
    before_lost: bool
    after_lost: bool
    raised: str
    silent: str
    unknowable: bool
    outcome: str


def read(data: bytes) -> list[Item]:
    """Read a stream as the service does."""
    return list(formats.read(io.BytesIO(data)))


def judge(file: Damaged, form: Form = ISO2709, reader: Reader = read) -> Judgement:
    """Read a file and the same undamaged, and compare."""
    first, victim, last = (each.record for each in _parsed(reader(file.whole)))
    try:
        items = list(reader(file.file))
    except Exception as fault:
        return Judgement(file.kind, True, True, repr(fault), "", False, "raised")
    found = [item.record for item in _parsed(items)]
    low, high = len(file.before), len(file.before) + len(file.damaged)
    middle = [item for item in items if item.offset < high and item.offset + item.length > low]
    untold = [item for item in _parsed(middle) if not _is_told(item) and item.record != victim]
    untold = [item for item in untold if item.record not in (first, last)]
    breaks = [
        item
        for item in untold
        if not form.by_the_book(file.file[item.offset : item.offset + item.length])
    ]
    silent = _uncovered(file.file, items, form)
    if breaks and not silent:
        silent = f"read as sound: {breaks[0].record!r}"
    if not silent:
        silent = _text_gone(victim, file.file, _parsed(middle))
    return Judgement(
        file.kind,
        first not in found[:1],
        last not in found[-1:],
        "",
        silent,
        len(untold) > len(breaks),
        _outcome(middle, victim),
    )


def _parsed(items: Iterable[Item]) -> list[Parsed]:
    return [item for item in items if isinstance(item, Parsed)]


def _is_told(item: Parsed) -> bool:
    return any(each.code not in SAYS_NOTHING for each in item.problems)


def _uncovered(data: bytes, items: Iterable[Item], form: Form) -> str:
    at = 0
    gaps = []
    for item in items:
        gaps.append(data[at : item.offset])
        at = item.offset + item.length
    for gap in (*gaps, data[at:]):
        if not form.between.fullmatch(gap):
            return f"in no item: {gap[:200]!r}"
    return ""


def _text_gone(victim: Record, data: bytes, parsed: Iterable[Parsed]) -> str:
    """Return a value of the victim that is whole in the bytes of a record and not in what is read.

    A value counts as read also where its first letter became a subfield code, where its first two
    became indicators that a problem calls missing, or where a problem's message holds it.
    """
    values = {
        (field.tag, value)
        for field in victim.fields
        for value in (field.value, *(value for _, value in field.subfields))
        # Digits alone may come together by accident in a directory.
        if len(value) >= _ENOUGH and value.isascii() and not value.isdigit()
    }
    for item in parsed:
        if any(each.code in TELLS_OF_TEXT for each in item.problems):
            continue
        text = "\n".join(_kept(item))
        raw = data[item.offset : item.offset + item.length]
        for tag, value in sorted(values):
            if value.strip() not in text and value.encode() in raw:
                told = sorted({each.code for each in item.problems})
                return f"{tag} is not in the record: {value!r}; {told}"
    return ""


def _kept(item: Parsed) -> Iterator[str]:
    yield item.record.leader
    # A message shows octets as Python does, a backslash by two.
    yield from (each.message.replace("\\\\", "\\") for each in item.problems)
    without = {each.tag for each in item.problems if each.code == "indicators-missing"}
    for field in item.record.fields:
        yield f"{field.indicators}{field.value}"
        yield from map("".join, field.subfields)
        if field.subfields and field.tag in without:
            yield field.indicators + field.subfields[0].value


def _outcome(middle: list[Item], victim: Record) -> str:
    """Say in a word what became of the victim, for the table."""
    parsed = _parsed(middle)
    if any(item.record == victim for item in parsed):
        return "equal"
    if any(item.record.fields == victim.fields for item in parsed):
        return "fields equal"
    if not parsed:
        return "rejected" if middle else "nothing"
    return "differs"
