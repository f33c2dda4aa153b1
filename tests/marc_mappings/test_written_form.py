"""Where the reader says that it has the written form at hand, writing gives just that."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marc_mappings import formats, iso2709
from marc_mappings.record import Field, Record, Subfield

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    st.lists(st.tuples(st.sampled_from(["245", "500", "650", "880"]), _TEXT), max_size=6),
    st.sampled_from(["a", " "]),
    st.sampled_from(["4500", "450 "]),
)
def test_the_written_form_at_hand_is_what_writing_gives(
    texts: list[tuple[str, str]], coding: str, tail: str
) -> None:
    fields = (
        Field("001", "", value="1"),
        *(Field(tag, "  ", (Subfield("a", text),)) for tag, text in texts),
    )
    raw = iso2709.write(Record(f"00000nam {coding}2200000 i {tail}", fields))
    raw = raw[:9] + coding.encode() + raw[10:20] + tail.encode() + raw[24:]
    item = formats.read_one(raw)
    assert isinstance(item, formats.Parsed)
    assert item.written in {b"", iso2709.write(item.record)}


def test_a_sound_record_in_unicode_has_its_written_form_at_hand() -> None:
    record = Record(
        "00000nam a2200000 i 4500", (Field("245", "00", (Subfield("a", "채식주의자"),)),)
    )
    raw = iso2709.write(record)
    item = formats.read_one(raw)
    assert isinstance(item, formats.Parsed)
    assert item.written == raw


@pytest.mark.parametrize("name", ["*.mrc", "*.marc", "*.dat"])
def test_it_is_so_for_every_real_record(corpus: Path, name: str) -> None:
    at_hand = 0
    for file in sorted(corpus.rglob(name)):
        with file.open("rb") as stream:
            try:
                items = formats.read(stream)
            except formats.NotMarc:
                continue
            for item in items:
                if isinstance(item, formats.Parsed) and item.written:
                    at_hand += 1
                    assert item.written == iso2709.write(item.record), (file, item.position)
    assert at_hand > 0


def test_what_was_mended_has_no_written_form_at_hand() -> None:
    raw = iso2709.write(
        Record("00000nam a2200000 i 4500", (Field("245", "00", (Subfield("a", "A\u0308"),)),))
    )
    for bytes_ in (raw, raw.replace(b"00245", b"00244", 1), b"99999" + raw[5:]):
        item = next(formats.read(io.BytesIO(bytes_)))
        if isinstance(item, formats.Parsed) and item.problems:
            assert item.written == b""
