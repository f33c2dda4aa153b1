"""gzip is unpacked while reading: nothing lost before a fault, nothing read beyond the cap."""

from __future__ import annotations

import gzip
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings import formats, iso2709, marc_json, marc_text, marcxml
from marc_mappings.formats import Parsed, Start, Unreadable
from marc_mappings.framing import compressed
from marc_mappings.framing.compressed import Unpacked
from tests.marc_mappings.conftest import BOOK

ISO = iso2709.write(BOOK)
# Blanks that pack badly, so that a stream of some length can be damaged in its middle.
RANDOM = bytes(random.Random(5).choices(b" \n\r\t", k=300_000))  # noqa: S311


def _read(packed: bytes, largest: int = compressed.LARGEST) -> list[Parsed | Unreadable]:
    return list(formats.read(io.BytesIO(packed), largest=largest))


@pytest.mark.parametrize(
    "content",
    [
        ISO * 20,
        b"<collection>" + marcxml.write(BOOK) * 20,
        marc_json.write(BOOK) * 20,
        marc_text.write(BOOK) * 20,
    ],
)
def test_a_packed_file_reads_as_the_file(content: bytes) -> None:
    assert _read(gzip.compress(content)) == _read(content)


def test_members_one_after_another_are_one_file() -> None:
    packed = gzip.compress(ISO * 2 + ISO[:100]) + gzip.compress(ISO[100:]) + bytes(512)
    assert _read(packed) == _read(ISO * 3)


@given(st.binary(max_size=5000), st.integers(1, 3000))
@settings(max_examples=60, deadline=None)
def test_what_was_packed_comes_out_in_pieces_of_any_size(content: bytes, size: int) -> None:
    stream = Unpacked(io.BytesIO(gzip.compress(content) + gzip.compress(RANDOM[:999])))
    out = b""
    while piece := stream.read(size):
        out += piece
    assert out == content + RANDOM[:999]
    assert stream.fault is None


@pytest.mark.parametrize("cut", [1, 5, 9, 60, 2000])
def test_a_stream_that_breaks_off_gives_what_came_before_and_says_so(cut: int) -> None:
    packed = gzip.compress(ISO * 3 + RANDOM)
    records = gzip.compress(b"".join(ISO[:-1] + bytes([0x1D]) for _ in range(3)))
    items = _read(records[:-cut] if cut < 60 else packed[:-cut])
    assert [each.outcome for each in items[:1]] == ["ok"]
    last = items[-1]
    assert isinstance(last, Unreadable)
    assert [each.code for each in last.problems] == ["gzip-damaged"]
    assert last.length


def test_damage_in_the_middle_costs_nothing_before_it() -> None:
    content = b"".join(
        iso2709.write(BOOK._replace(fields=(*BOOK.fields[:1], *BOOK.fields[3:]))) + b"\n"
        for _ in range(5)
    )
    packed = bytearray(gzip.compress(content + RANDOM))
    packed[len(packed) // 2 : len(packed) // 2 + 1000] = bytes(1000)
    items = _read(bytes(packed))
    assert sum(each.outcome == "ok" for each in items) == 5
    assert items[-1].problems[0].code == "gzip-damaged"


def test_a_wrong_check_sum_loses_no_record() -> None:
    packed = bytearray(gzip.compress(ISO * 3))
    packed[-6] ^= 0xFF
    items = _read(bytes(packed))
    assert [each.outcome for each in items] == ["ok"] * 3 + ["rejected"]
    assert "check" in items[-1].problems[0].message


def test_bytes_behind_the_end_are_told() -> None:
    items = _read(gzip.compress(ISO) + b"something else")
    assert [each.outcome for each in items] == ["ok", "rejected"]
    assert items[-1].raw == b"something else"  # type: ignore[union-attr]


def test_a_bomb_is_cut_at_the_cap() -> None:
    """Reliability row 7: bytes are counted after unpacking."""
    packed = gzip.compress(ISO + b"\n" * 3_000_000)
    items = _read(packed, largest=1_000_000)
    assert [each.outcome for each in items] == ["ok", "rejected"]
    assert items[-1].problems[0].code == "unpacked-too-large"
    assert items[-1].offset == 1_000_000
    assert [each.outcome for each in _read(packed, largest=4_000_000)] == ["ok"]


def test_a_bomb_below_the_cap_is_cut_by_its_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "FREE_OF_RATIO", 2_000_000)
    items = _read(gzip.compress(ISO + b"\n" * 8_000_000))
    assert items[-1].problems[0].code == "unpacked-too-large"
    assert items[-1].offset < 3_000_000


def test_a_bomb_takes_no_memory() -> None:
    import tracemalloc

    packed = gzip.compress(marc_json.write(BOOK) + b"\n" * 30_000_000)
    tracemalloc.start()
    _read(packed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_reading_goes_on_in_a_packed_file_also_after_its_fault() -> None:
    packed = gzip.compress(ISO * 3) + b"junk"
    items = _read(packed)
    for index, item in enumerate(items, 1):
        start = Start(item.position, item.offset + item.length)
        assert list(formats.read(io.BytesIO(packed), start=start)) == items[index:]


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_exception_leaves_a_damaged_stream(noise: bytes) -> None:
    packed = gzip.compress(ISO * 2)
    half = len(packed) // 2
    for damaged in (packed + noise, packed[:half] + noise + packed[half:]):
        try:
            items = _read(damaged)
        except formats.NotMarc:
            continue
        assert all(each.length for each in items)
