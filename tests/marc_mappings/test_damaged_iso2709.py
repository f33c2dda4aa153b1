"""What is read of a damaged record: all that can be, under the right tags, with its place.

That the records around it are read, and that nothing goes unsaid, is in ``test_mutations``.
"""

from __future__ import annotations

import io
import random
from itertools import pairwise

import pytest

from marc_mappings import formats, iso2709
from marc_mappings.formats import Parsed, Start
from marc_mappings.record import Record
from tests.marc_mappings.conftest import BOOK, record
from tests.marc_mappings.mutations import ISO2709
from tests.marc_mappings.pools import LONG, OTHER


def _good(name: str) -> tuple[bytes, Record]:
    made = record(f"001 {name}", "245 00$aA good record, whole and sound.", "300 __$a1 v.")
    raw = iso2709.write(made)
    read = formats.read_one(raw)
    assert isinstance(read, Parsed)
    return raw, read.record


BEFORE, BEFORE_READ = _good("before")
AFTER, AFTER_READ = _good("after")


def _stream(name: str, victim: Record, seed: int) -> tuple[bytes, bytes]:
    damaged = ISO2709[name](iso2709.write(victim), random.Random(f"{name}{seed}"))  # noqa: S311
    return BEFORE + damaged + AFTER, damaged


def _lost(items: list[formats.Parsed | formats.Unreadable]) -> bool:
    """Whether one of the good records is not there, whole and without a doubt."""
    found = [item.record for item in items if isinstance(item, Parsed)]
    return BEFORE_READ not in found or AFTER_READ not in found


@pytest.mark.parametrize("name", ISO2709)
def test_reading_a_damaged_stream_goes_on_after_any_item(name: str) -> None:
    for seed in range(6):
        stream, _ = _stream(name, BOOK, seed)
        items = list(formats.read(io.BytesIO(stream)))
        for index, item in enumerate(items, 1):
            start = Start(item.position, item.offset + item.length)
            assert list(formats.read(io.BytesIO(stream), start=start)) == items[index:]


# What is read of a record whose data are whole must be all of it, field by field.
MENDABLE = (
    "length too short",
    "length too long",
    "length zero",
    "length blank",
    "length not numeric",
    "length one less",
    "length one more",
    "length reaches into the next record",
    "base address zero",
    "base address wrong",
    "base address one less",
    "base address one more",
    "base address not numeric",
    "entry map missing",
    "indicator count missing",
    "leader lost",
    "leader shifted",
    "leader blank",
    "directory backwards",
    "directory out of order",
    "directory terminator lost",
    "all starts one off",
    "all starts zero",
    "all lengths 9999",
    "all lengths without terminator",
    "counted in characters",
    "record terminator missing",
    "both last terminators missing",
    "record terminator doubled",
    "line end after",
    "byte order mark before",
    "words before",
    "words after",
)


@pytest.mark.parametrize("name", MENDABLE)
def test_a_record_whose_data_are_whole_is_read_whole(name: str) -> None:
    for victim in (BOOK, OTHER, LONG):
        stream, _ = _stream(name, victim, 1)
        found = [
            sorted(item.record.fields)
            for item in formats.read(io.BytesIO(stream))
            if isinstance(item, Parsed)
        ]
        assert sorted(victim.fields) in found


def test_no_field_bleeds_into_another() -> None:
    values = {value for field in BOOK.fields for _, value in field.subfields}
    for name in ("directory byte changed", "all lengths 9999", "base address wrong"):
        for seed in range(30):
            stream, _ = _stream(name, BOOK, seed)
            for item in formats.read(io.BytesIO(stream)):
                if isinstance(item, Parsed) and item.record.control("001") == "bk000001":
                    read = {value for field in item.record.fields for _, value in field.subfields}
                    assert read <= values | {"bk000001", BOOK.control("008"), "KR-BUL"}


def test_a_lost_field_is_told() -> None:
    raw = iso2709.write(BOOK)
    entry = raw.index(b"245")
    items = list(formats.read(io.BytesIO(raw[:entry] + raw[entry + 12 :])))
    assert [item.outcome for item in items] == ["repaired"]
    codes = [problem.code for problem in items[0].problems]
    assert "data-without-entry" in codes
    assert isinstance(items[0], Parsed)
    kept = [field for field in items[0].record.fields if field.tag == "999"]
    assert kept[0].first("a").startswith("Ch'aesik")


def test_a_line_end_between_records_is_a_note_and_no_repair() -> None:
    items = list(formats.read(io.BytesIO(BEFORE + b"\r\n" + AFTER)))
    assert [item.outcome for item in items] == ["ok", "ok"]
    assert [p.code for p in items[1].problems] == ["blanks-between-records"]
    assert items[1].offset == len(BEFORE) + 2


def test_offsets_and_positions_lead_to_the_bytes() -> None:
    stream = BEFORE + b"rubbish\x1d" + AFTER
    items = list(formats.read(io.BytesIO(stream)))
    assert [(i.position, i.offset) for i in items] == [
        (1, 0),
        (2, len(BEFORE)),
        (3, len(BEFORE) + 8),
    ]
    assert items[1].outcome == "rejected"
    assert isinstance(items[1], formats.Unreadable)
    assert items[1].raw == b"rubbish\x1d"
    assert all(a.offset + a.length <= b.offset for a, b in pairwise(items))


def test_fewer_than_eight_in_a_thousand_are_lost_to_noise_anywhere() -> None:
    """The measure of the proof of concept: random damage of every kind, nothing chosen."""
    dice = random.Random(20)  # noqa: S311
    lost = total = 0
    for _ in range(1500):
        raw = bytearray(iso2709.write(dice.choice((BOOK, OTHER, LONG))))
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(raw))
            match dice.randrange(3):
                case 0:
                    raw[at] = dice.randrange(256)
                case 1:
                    del raw[at : at + dice.randrange(1, 9)]
                case 2:
                    raw[at:at] = dice.randbytes(dice.randrange(1, 9))
            raw = raw or bytearray(b"?")
        total += 1
        lost += _lost(list(formats.read(io.BytesIO(BEFORE + bytes(raw) + AFTER))))
    assert lost / total < 0.008, f"{lost} of {total}"
