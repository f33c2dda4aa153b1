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
from tests.marc_mappings.reencoding import frame


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


# --- what was once read without a word -------------------------------------------------------


def _said(raw: bytes, code: str) -> list[str]:
    """Return the messages of a kind that reading one record gives."""
    read = formats.read_one(raw)
    assert isinstance(read, Parsed)
    return [each.message for each in read.problems if each.code == code]


_MARC8 = "00000nam  2200000   4500"


def _in_marc8(*fields: bytes) -> bytes:
    return frame(_MARC8.encode(), ((each[:3], each[4:]) for each in fields))


def test_a_set_that_is_in_force_to_the_end_of_a_value_is_told() -> None:
    (message,) = _said(_in_marc8(b"260   \x1faNorwell, \x1b(NMass. :"), "set-not-closed")
    assert "Norwell, \\x1b(NMass. :" in message
    closed = _in_marc8(b"245 00\x1fa\x1b(NwOJNA\x1b(B and peace")
    assert _said(closed, "set-not-closed") == []


def test_an_880_whose_6_names_the_script_may_leave_its_set_open() -> None:
    raw = _in_marc8(b"245 00\x1fa1", b"880 00\x1f6245-01/(N\x1fa\x1b(NwOJNA")
    assert _said(raw, "set-not-closed") == []
    assert "Война" in str(formats.read_one(raw))


def test_utf8_that_became_utf8_twice_is_told_and_kept() -> None:
    raw = iso2709.write(record("245 00$acafÃ©"))
    assert _said(raw, "text-encoded-twice") == [
        "Letters seem to have become UTF-8 twice; kept: 'cafÃ©'"
    ]
    for right in ("LIBERTÉ\u00a0: l'été", "MAÇÃO", "SÃO «PAULO»", "SOCIÉTÉ»", "©2013", "5°"):
        assert _said(iso2709.write(record(f"245 00$a{right}")), "text-encoded-twice") == []


@pytest.mark.parametrize(("start", "odd"), [(10, b"  "), (10, b"32"), (20, b"    "), (6, b"\x3f")])
def test_a_code_that_no_leader_has_is_told(start: int, odd: bytes) -> None:
    good = iso2709.write(BOOK)
    assert _said(good, "leader-value-odd") == []
    assert _said(good[:start] + odd + good[start + len(odd) :], "leader-value-odd")


def test_signs_that_are_no_codes_and_no_indicators_are_told() -> None:
    raw = iso2709.write(record("245 -0$aTitle$=more"))
    assert _said(raw, "indicator-odd") == ["The indicators are '-0'."]
    assert _said(raw, "subfield-code-odd") == ["Subfield codes that are no letters or digits: ="]


def test_the_words_of_a_field_cut_in_two_are_not_its_indicators() -> None:
    raw = iso2709.write(record("001 1", "600 14$aDoe, John,$d1955- $xBiography."))
    read = formats.read_one(raw.replace(b"\x1fd1955", b"\x1e1955"))
    assert isinstance(read, Parsed)
    (rest,) = read.record.all("999")
    assert rest.subfields == (("a", "1955- "), ("x", "Biography."))


def test_octets_that_have_no_place_are_shown() -> None:
    raw = iso2709.write(record("003 SIRSI", "245 00$aTitle$bPeter Lang"))
    assert (
        "SI\\x1fRSI" in _said(raw.replace(b"SIRSI", b"SI\x1fRSI"), "subfields-in-control-field")[0]
    )
    (shown,) = _said(raw.replace(b"\x1fbPeter", b"\x1f\xe2Peter"), "subfield-without-code")
    assert "\\xe2Peter Lang" in shown
    hurt = raw[:30] + b"xx" + raw[32:]
    assert any(raw[24:30].decode() + "xx" in text for text in _said(hurt, "directory-damaged"))


@pytest.mark.parametrize("count", [b"22", b" 2", b"32"])
def test_a_record_whose_end_is_lost_does_not_take_the_next_with_it(count: bytes) -> None:
    odd = [raw[:10] + count + raw[12:] for raw in map(iso2709.write, (BOOK, OTHER))]
    items = list(formats.read(io.BytesIO(odd[0][:-2] + odd[1])))
    assert [isinstance(item, Parsed) for item in items] == [True, True]
    assert isinstance(items[1], Parsed)
    assert items[1].record.control_number == "other"
