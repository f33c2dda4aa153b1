"""A record seen before it is read: its leader, its tags, and single fields as bytes.

Whole files are surveyed so, for dialect and encoding, at a fraction of the cost of reading. A
glimpse is of bytes; one of a record that is read already holds its text as UTF-8.

Source: ISO 2709:2008 (leader, directory, terminators).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from struct import Struct
from typing import Final, NamedTuple

from marc_mappings.record import Record

LONGEST: Final = 600  # entries that are looked at quickly; a longer directory goes the long way
_ENTRIES: Final = re.compile(rb"(?:[0-9A-Za-z]{3}[0-9]{9})+")


class Glimpse(NamedTuple):
    """Leader, tags in their order, and the bytes of each field (indicators, delimiters)."""

    leader: bytes
    tags: Sequence[bytes]
    fields: Sequence[bytes]

    def first(self, tag: bytes) -> bytes:
        """Return the bytes of the first field ``tag``, or ``b""``."""
        return self.fields[self.tags.index(tag)] if tag in self.tags else b""

    def all(self, tag: bytes) -> list[bytes]:
        """Return the bytes of the fields ``tag``."""
        return [data for found, data in zip(self.tags, self.fields, strict=False) if found == tag]

    def value(self, tag: bytes, code: bytes) -> bytes:
        """Return the first subfield ``code`` of the first field ``tag``, or ``b""``."""
        _, _, rest = self.first(tag).partition(b"\x1f" + code)
        return rest.partition(b"\x1f")[0]


NOTHING: Final = Glimpse(b"", (), ())


def of_frame(raw: bytes) -> Glimpse:
    """Return what is seen of the bytes of one ISO 2709 record; ``NOTHING`` if it is none.

    >>> seen = of_frame(b"00045nam a2200037 i 4500001000300000\\x1eab\\x1e\\x1d")
    >>> seen.tags, seen.first(b"001")
    ((b'001',), b'ab')
    """
    head, *fields = raw.split(b"\x1e")
    count, odd = divmod(len(head) - 24, 12)
    if not odd and count == len(fields) - 1 and 0 < count < LONGEST:
        entries = _directory(count).unpack_from(head, 24)
        starts = entries[1::2]
        if sorted(starts) != list(starts):
            fields = _in_order(starts, fields)
        return Glimpse(head[:24], entries[::2], fields)
    return _of_damaged(head, fields)


@cache
def _directory(count: int) -> Struct:
    """The shape of so many entries: of each its tag and its start."""
    return Struct("3s4x5s" * count)


def tags_of(raw: bytes, count: int) -> tuple[bytes, ...]:
    """Return the tags of a directory of so many entries."""
    return _tags(count).unpack_from(raw, 24)


@cache
def _tags(count: int) -> Struct:
    return Struct("3s9x" * count)


def _in_order(starts: Sequence[bytes], fields: list[bytes]) -> list[bytes]:
    """Put the fields in the order of a directory that is not that of the data.

    Starts that no field has (those of a record that is too long begin again at 0) say nothing:
    the fields stay as they are.
    """
    places = accumulate((len(data) + 1 for data in fields), initial=0)
    at = {b"%05d" % place: data for place, data in zip(places, fields[:-1], strict=False)}
    return [at[start] for start in starts] if at.keys() >= set(starts) else fields


def _of_damaged(head: bytes, fields: list[bytes]) -> Glimpse:
    """Take the entries that can be made out, in the order of the fields: enough for a vote."""
    found = _ENTRIES.search(head)
    if not found:
        return NOTHING
    entries = found[0]
    tags = [entries[at : at + 3] for at in range(0, len(entries), 12)]
    return Glimpse(head[:24].ljust(24), tags[: len(fields)], fields[: len(tags)])


def of_record(record: Record) -> Glimpse:
    """Return the glimpse of a record that is read already.

    >>> from marc_mappings.record import Field
    >>> of_record(Record(" " * 24, (Field("001", "", (), "x"),))).first(b"001")
    b'x'
    """
    fields = [
        (field.indicators + "".join([f"\x1f{c}{v}" for c, v in field.subfields]))
        if field.indicators
        else field.value
        for field in record.fields
    ]
    return Glimpse(
        record.leader.encode("latin-1", "replace"),
        [field.tag.encode("latin-1", "replace") for field in record.fields],
        [text.encode("utf-8", "replace") for text in fields],
    )
