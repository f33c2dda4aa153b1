"""The quick way for sound records and the careful way give the same, byte for byte."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings import formats, iso2709, marcxml, oai_dc
from marc_mappings.framing import sound
from marc_mappings.framing.sound import Sound
from marc_mappings.framing.window import Window
from marc_mappings.problems import Rejected
from marc_mappings.record import Record
from marc_mappings.steps import LOCAL_TAGS, without_local_fields
from tests.marc_mappings.conftest import BOOK, record


def _agree(raw: bytes) -> bool:
    """Check both ways over one frame; whether the quick one was taken."""
    quick = iso2709.parse(raw)
    if not isinstance(quick.content, Sound):
        return False
    careful = iso2709.parse_carefully(raw)
    assert isinstance(careful.content, Record)
    assert quick[1:] == careful[1:]
    _same_forms(quick.content, careful.content)
    _same_forms(without_local_fields(quick.content), without_local_fields(careful.content))
    return True


def _same_forms(pieces: Sound, made: Record) -> None:
    assert pieces.record() == made
    assert iso2709.write(pieces) == iso2709.write(made)
    assert marcxml.write(pieces) == marcxml.write(made)
    assert oai_dc.write(pieces) == oai_dc.write(made)


def test_a_sound_record_is_read_the_quick_way() -> None:
    raw = iso2709.write(BOOK)
    assert _agree(raw)
    assert isinstance(iso2709.parse(raw).content, Sound)


@pytest.mark.parametrize(
    "line",
    [
        "245 10$aTitle & more <b>$cName",
        "880 10$6245-01/{1}$a채식주의자",
        "880 10$a채식주의자$6245-01/{1}",
        "880 10$6999-01/{1}$alocal",
        "500 __$aFull stop.",
        "500 __$a ",
        "650 _0$aWomen$zKorea$vFiction.",
        "020 __$a9788936433598 (pbk.)$z123",
        "049 __$aLOCAL",
        "952 __$aLOCAL",
        "24A __$aletter in the tag",
        "001 a&b",
        "041 0_$akor$aeng",
        "500 __$aCafe\u0301 & more$bnaïve",
        "500 __$a\u0301 begins with a mark",
        "500 __$aC1 \x85 and Ã©",
        "500 __$aA\u0303€ is composed to what looks as if it had become UTF-8 twice",
        "260 ##$aМосква :$bПравда",
        "260 ##$aMoskva & Riga",
        "260 1A$aSeoul",
        "260 <&$aSeoul",
        "260 ##$a",
    ],
)
def test_every_form_is_the_same_both_ways(line: str) -> None:
    _agree(iso2709.write(Record(BOOK.leader, (*BOOK.fields, *record(line).fields))))


def test_odd_indicators_are_told_and_are_no_reason_for_care() -> None:
    fields = record("260 ##$aМосква", "300 1_$a1 v.", "500 A_$aNote").fields
    reading = iso2709.parse(iso2709.write(Record(BOOK.leader, (*BOOK.fields, *fields))))
    assert isinstance(reading.content, Sound)
    assert [(each.code, each.tag) for each in reading.problems] == [
        ("indicator-odd", "260"),
        ("indicator-odd", "500"),
    ]
    assert b'tag="260" ind1=" " ind2=" "' in marcxml.write(reading.content)
    assert b'tag="500" ind1="a" ind2=" "' in marcxml.write(reading.content)


def test_fields_taken_out_are_in_no_form() -> None:
    raw = iso2709.write(
        Record(BOOK.leader, (*BOOK.fields, *record("952 __$aX", "880 __$6952-09$aY").fields))
    )
    pieces = sound.read(raw)
    assert pieces
    assert [field.tag for field in pieces.without(LOCAL_TAGS).record().fields] == [
        field.tag for field in BOOK.fields
    ]


@settings(max_examples=400)
@given(
    at=st.integers(0, 10_000),
    octet=st.sampled_from([0, 0x1B, 0x1D, 0x1E, 0x1F, 0x20, 0x26, 0x30, 0x41, 0x85, 0xC2, 0xFF]),
    insert=st.booleans(),
)
def test_no_damage_makes_the_two_ways_differ(at: int, octet: int, insert: bool) -> None:
    raw = bytearray(iso2709.write(BOOK))
    at %= len(raw)
    raw[at : at if insert else at + 1] = bytes([octet])
    with contextlib.suppress(Rejected):
        _agree(bytes(raw))


def test_both_ways_agree_over_all_real_records(corpus: Path) -> None:
    quick = 0
    for path in sorted(corpus.rglob("*")):
        if path.suffix not in (".mrc", ".dat", ".marc", ".iso", ".ISO") or not path.is_file():
            continue
        data = path.read_bytes()
        for frame in iso2709.frames(Window(io.BytesIO(data))):
            with contextlib.suppress(Rejected, iso2709.Unwritable):
                quick += _agree(frame.raw)
    assert quick > 6_000


def test_control_fields_behind_data_fields_are_read_with_care() -> None:
    raw = iso2709.write(Record(BOOK.leader, (*BOOK.fields, *record("009 late").fields)))
    assert sound.read(raw) is None
    assert iso2709.parse(raw).record.control("009") == "late"


def test_what_is_composed_is_the_same_in_every_form() -> None:
    raw = iso2709.write(Record(BOOK.leader, (*BOOK.fields, *record("500 __$aCafe\u0301").fields)))
    pieces = iso2709.parse(raw).content
    assert isinstance(pieces, Sound)
    assert pieces.texts[-1] == "  \x1faCaf\u00e9"
    assert "Caf\u00e9" in marcxml.write(pieces).decode()
    assert "Caf\u00e9" in marcxml.write(pieces.without(LOCAL_TAGS)).decode()


def test_what_was_mended_is_not_sound() -> None:
    raw = iso2709.write(BOOK)
    for damaged in (raw[:-1], raw.replace(b"\x1e", b"\x1e\x00", 1), b"00000" + raw[5:]):
        (item,) = formats.read(io.BytesIO(damaged))
        assert isinstance(item, formats.Parsed)
        assert isinstance(item.content, Record)
        assert item.outcome == "repaired"
