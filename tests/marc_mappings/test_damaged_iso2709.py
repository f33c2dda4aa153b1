"""A bad record costs nothing but itself: every kind of damage between two good records.

The kinds are those seen in files of libraries, and more. Each is put between a good record and
another; both must be read as if the bad one were not there, and what is left of the bad one must
be reported.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from marc_mappings import formats, iso2709
from marc_mappings.formats import Parsed, Start
from marc_mappings.record import Record
from tests.marc_mappings.conftest import BOOK, record

Damage = Callable[[bytes, random.Random], bytes]


def _leader(start: int, text: bytes) -> Damage:
    return lambda raw, _: raw[:start] + text + raw[start + len(text) :]


def _at(where: str, change: Callable[[bytes, int], bytes]) -> Damage:
    """Change the record at a random place of its leader, directory or data."""

    def damage(raw: bytes, dice: random.Random) -> bytes:
        base = raw.index(b"\x1e") + 1
        low, high = {"leader": (0, 24), "directory": (24, base - 1), "data": (base, len(raw) - 2)}[
            where
        ]
        return change(raw, dice.randrange(low, high))

    return damage


def _swap_entries(raw: bytes, dice: random.Random) -> bytes:
    count = (raw.index(b"\x1e") - 24) // 12
    a, b = sorted(dice.sample(range(count), 2))
    entries = [raw[24 + 12 * i : 36 + 12 * i] for i in range(count)]
    entries[a], entries[b] = entries[b], entries[a]
    return raw[:24] + b"".join(entries) + raw[24 + 12 * count :]


def _every_entry(change: Callable[[bytes], bytes]) -> Damage:
    def damage(raw: bytes, _: random.Random) -> bytes:
        end = raw.index(b"\x1e")
        entries = [raw[i : i + 12] for i in range(24, end, 12)]
        return raw[:24] + b"".join(map(change, entries)) + raw[end:]

    return damage


def _without_one(byte: bytes) -> Damage:
    def damage(raw: bytes, dice: random.Random) -> bytes:
        places = [i for i, b in enumerate(raw) if b == byte[0]]
        at = dice.choice(places)
        return raw[:at] + raw[at + 1 :]

    return damage


def _counted_in_characters(raw: bytes, _: random.Random) -> bytes:
    """As programs do that take characters for octets."""
    end = raw.index(b"\x1e")
    text = raw[end + 1 : -1].decode()
    at, entries = 0, b""
    for i, field in enumerate(text.removesuffix("\x1e").split("\x1e")):
        entries += raw[24 + 12 * i : 27 + 12 * i] + b"%04d%05d" % (len(field) + 1, at)
        at += len(field) + 1
    return b"%05d" % (end + 2 + at) + raw[5:24] + entries + raw[end:]


DAMAGES: dict[str, Damage] = {
    "length too short": _leader(0, b"00040"),
    "length too long": _leader(0, b"99999"),
    "length zero": _leader(0, b"00000"),
    "length blank": _leader(0, b"     "),
    "length not numeric": _leader(0, b"abcde"),
    "length one off": lambda raw, _: b"%05d" % (len(raw) - 1) + raw[5:],
    "length reaches into the next record": lambda raw, _: b"%05d" % (len(raw) + 60) + raw[5:],
    "base address zero": _leader(12, b"00000"),
    "base address wrong": _leader(12, b"00099"),
    "base address not numeric": _leader(12, b"x y z"),
    "entry map missing": _leader(20, b"    "),
    "leader blank": _leader(0, b" " * 24),
    "leader not ASCII": _leader(5, b"\xff\xfe\x80"),
    "leader one short": lambda raw, dice: _at("leader", lambda r, i: r[:i] + r[i + 1 :])(raw, dice),
    "leader one long": _at("leader", lambda raw, i: raw[:i] + b"0" + raw[i:]),
    "terminator missing": lambda raw, _: raw[:-1],
    "both terminators missing": lambda raw, _: raw[:-2],
    "terminator doubled": lambda raw, _: raw + b"\x1d",
    "terminator inside": _at("data", lambda raw, i: raw[:i] + b"\x1d" + raw[i + 1 :]),
    "truncated in the data": _at("data", lambda raw, i: raw[:i]),
    "truncated in the directory": _at("directory", lambda raw, i: raw[:i]),
    "truncated in the leader": _at("leader", lambda raw, i: raw[:i]),
    "line end after": lambda raw, _: raw + b"\r\n",
    "byte order mark before": lambda raw, _: b"\xef\xbb\xbf" + raw,
    "blanks and NUL after": lambda raw, _: raw + b"  \x00\x00\x1a",
    "words before": lambda raw, _: b"Subject: new books\r\n\r\n" + raw,
    "words after": lambda raw, _: raw + b"-- end of message --",
    "directory byte lost": _at("directory", lambda raw, i: raw[:i] + raw[i + 1 :]),
    "directory byte too many": _at("directory", lambda raw, i: raw[:i] + b"7" + raw[i:]),
    "directory byte changed": _at("directory", lambda raw, i: raw[:i] + b"x" + raw[i + 1 :]),
    "directory out of order": _swap_entries,
    "directory starts all zero": _every_entry(lambda entry: entry[:7] + b"00000"),
    "directory lengths all 9999": _every_entry(lambda entry: entry[:3] + b"9999" + entry[7:]),
    "directory lower case": _every_entry(lambda entry: entry[:3].replace(b"2", b"b") + entry[3:]),
    "counted in characters": _counted_in_characters,
    "field terminator lost": _without_one(b"\x1e"),
    "delimiter lost": _without_one(b"\x1f"),
    "field terminator too many": _at("data", lambda raw, i: raw[:i] + b"\x1e" + raw[i:]),
    "bytes lost in the data": _at("data", lambda raw, i: raw[:i] + raw[i + 7 :]),
    "bytes too many in the data": _at("data", lambda raw, i: raw[:i] + b"surplus" + raw[i:]),
    "NUL in the data": _at("data", lambda raw, i: raw[:i] + b"\x00" + raw[i + 1 :]),
    "high byte in the data": _at("data", lambda raw, i: raw[:i] + b"\xff" + raw[i + 1 :]),
    "empty record": lambda *_: b"00026nam a2200025   4500\x1e\x1d",
    "only a terminator": lambda *_: b"\x1d",
    "zeros": lambda *_: b"\x00" * 500,
    "noise": lambda _, dice: dice.randbytes(300).translate(None, b"\x1d") + b"\x1d",
}

OTHER = record("001 other", "245 00$aThe sea, the sea.", "260 __$c1978")
LONG = record("001 long", "245 00$aВойна и мир", *(f"650 _4$aтема {i}" for i in range(40)))


def _good(name: str) -> tuple[bytes, Record]:
    made = record(f"001 {name}", "245 00$aA good record, whole and sound.", "300 __$a1 v.")
    raw = iso2709.write(made)
    read = formats.read_one(raw)
    assert isinstance(read, Parsed)
    return raw, read.record


BEFORE, BEFORE_READ = _good("before")
AFTER, AFTER_READ = _good("after")


def _stream(name: str, victim: Record, seed: int) -> tuple[bytes, bytes]:
    damaged = DAMAGES[name](iso2709.write(victim), random.Random(f"{name}{seed}"))  # noqa: S311
    return BEFORE + damaged + AFTER, damaged


def _lost(items: list[formats.Parsed | formats.Unreadable]) -> bool:
    """Whether one of the good records is not there, whole and without a doubt."""
    found = [item.record for item in items if isinstance(item, Parsed)]
    return BEFORE_READ not in found or AFTER_READ not in found


@pytest.mark.parametrize("name", DAMAGES)
def test_the_good_record_after_a_bad_one_is_always_read(name: str) -> None:
    for victim in (BOOK, OTHER, LONG):
        for seed in range(12):
            stream, damaged = _stream(name, victim, seed)
            items = list(formats.read(io.BytesIO(stream)))
            assert not _lost(items), (seed, damaged)


@pytest.mark.parametrize("name", DAMAGES)
def test_every_byte_of_a_damaged_stream_is_in_an_item_or_blank(name: str) -> None:
    for seed in range(12):
        stream, _ = _stream(name, BOOK, seed)
        at = 0
        for item in formats.read(io.BytesIO(stream)):
            assert not stream[at : item.offset].strip(
                b" \t\r\n\x0b\x0c\x00\x1a\x1d\x1e\xef\xbb\xbf"
            )
            at = item.offset + item.length
        assert not stream[at:].strip(b" \t\r\n\x0b\x0c\x00\x1a\x1d\x1e\xef\xbb\xbf")


@pytest.mark.parametrize("name", DAMAGES)
def test_reading_a_damaged_stream_goes_on_after_any_item(name: str) -> None:
    for seed in range(6):
        stream, _ = _stream(name, BOOK, seed)
        items = list(formats.read(io.BytesIO(stream)))
        for index, item in enumerate(items, 1):
            start = Start(item.position, item.offset + item.length)
            assert list(formats.read(io.BytesIO(stream), start=start)) == items[index:]


# What is read of a record whose data are whole must be all of it, field by field.
MENDABLE = [
    name
    for name in DAMAGES
    if name.startswith(("length", "base", "entry map", "line end", "byte order", "counted"))
    or name
    in (
        "terminator missing",
        "both terminators missing",
        "terminator doubled",
        "directory starts all zero",
        "directory lengths all 9999",
        "words after",
        "words before",
    )
]


@pytest.mark.parametrize("name", MENDABLE)
def test_a_record_whose_data_are_whole_is_read_whole(name: str) -> None:
    for victim in (BOOK, OTHER, LONG):
        stream, _ = _stream(name, victim, 1)
        found = [i.record.fields for i in formats.read(io.BytesIO(stream)) if isinstance(i, Parsed)]
        assert victim.fields in found


def test_no_field_bleeds_into_another() -> None:
    values = {value for field in BOOK.fields for _, value in field.subfields}
    for name in ("directory byte changed", "directory lengths all 9999", "base address wrong"):
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
