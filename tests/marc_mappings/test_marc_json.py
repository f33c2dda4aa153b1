"""MARC-in-JSON in and out: found in any envelope, one broken object costs only itself."""

from __future__ import annotations

import io
import json

import pymarc
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marc_mappings import formats, marc_json
from marc_mappings.formats import Parsed, Unreadable
from marc_mappings.record import Field, Record
from tests.marc_mappings.conftest import BOOK, record
from tests.marc_mappings.test_marcxml import ANY_RECORDS, SOUND_RECORDS

LINE = marc_json.write(BOOK).rstrip()
LEADER = '"leader": "00000nam a2200000 i 4500"'


def _read(document: bytes | str) -> list[Parsed | Unreadable]:
    data = document.encode() if isinstance(document, str) else document
    return list(formats.read(io.BytesIO(data)))


def _one(document: str) -> Parsed:
    (item,) = _read(document)
    assert isinstance(item, Parsed), item.problems
    return item


def _codes(item: Parsed | Unreadable) -> list[str]:
    return [each.code for each in item.problems]


def _fields(text: str) -> Parsed:
    return _one('{"leader": "00000nam a2200000 i 4500", "fields": [' + text + "]}")


@pytest.mark.parametrize(
    "document",
    [
        b"[%b, %b, %b]",
        b"%b\n%b\n%b\n",
        b"%b\r\n\r\n%b\r\n%b",
        b"%b%b%b",
        b"\x1e%b\n\x1e%b\n\x1e%b\n",
        b'{"records": [%b, %b, %b], "total": 3, "next": {"page": 2}}',
        b'{"took": 1, "response": {"docs": [%b, %b, %b]}}',
        b'{"collection": [%b, %b, %b]}',
        b'[{"items": [{"id": "1"}], "source_record": [%b], "pieces": [{"a": "b"}]}, %b, %b]',
        b'[{"parsedRecord": {"id": "1", "content": %b}}, {"parsedRecord": {"content": %b}}, %b]',
    ],
)
def test_records_are_found_in_every_envelope(document: bytes) -> None:
    whole = document % (LINE, LINE, LINE)
    items = _read(whole)
    assert [item.outcome for item in items] == ["ok"] * 3
    assert [whole[item.offset : item.offset + item.length] for item in items] == [LINE] * 3
    assert not any(item.problems for item in items)


def test_indented_json_is_read_like_compact_json() -> None:
    for indent in (0, 1, 4, "\t"):
        document = json.dumps([json.loads(LINE)] * 2, indent=indent)
        assert [item.record for item in _read(document) if isinstance(item, Parsed)] == [BOOK] * 2


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"[%b, %b,]", "json-punctuation"),
        (b"[%b, %b", "json-punctuation"),
        (b"[%b %b]", "json-punctuation"),
        (b"\xef\xbb\xbf[%b, %b]", "blanks-between-records"),
    ],
)
def test_what_is_odd_around_records_is_noted(document: bytes, code: str) -> None:
    items = _read(document % (LINE, LINE))
    assert [item.outcome for item in items] == ["ok", "ok"]
    assert [found for item in items for found in _codes(item)] == [code]


@pytest.mark.parametrize(
    "broken",
    [
        LINE[:-1],
        LINE[:-2],
        LINE[:-3],
        LINE[:100],
        LINE[: LINE.index(b"Kang.") + 2],
        LINE.replace(b'"650"', b'"650', 1),
        LINE.replace(b"}]}},", b"}]},", 1),
        LINE.replace(b'"245":', b'"245"', 1),
        LINE.replace(b"Korean", b'Kor"ean', 1),
        LINE.replace(b"Korean", b"Kor\\xean", 1),
        b'{"leader": 5',
        b'{"some": "other object"}',
        b"{}",
        b"words of a mail",
        b"12, null",
        b'{"leader": "x',
    ],
)
@pytest.mark.parametrize("document", [b"[%b,\n%b,\n%b]", b"%b\n%b\n%b\n", b"[%b,%b,%b]"])
def test_a_broken_object_costs_only_itself(document: bytes, broken: bytes) -> None:
    whole = document % (LINE, broken, LINE)
    items = _read(whole)
    assert len(items) == 3
    assert [item.record for item in (items[0], items[2]) if isinstance(item, Parsed)] == [BOOK] * 2
    assert items[1].outcome != "ok"
    assert whole[items[1].offset : items[1].offset + items[1].length].startswith(broken)
    if isinstance(items[1], Parsed):
        assert "json-repaired" in _codes(items[1])


@given(st.lists(st.one_of(st.just(LINE), st.binary(max_size=30)), max_size=6))
@settings(max_examples=200, deadline=None)
def test_no_byte_outside_of_blanks_and_brackets_is_without_an_item(parts: list[bytes]) -> None:
    whole = b"[" + LINE + b",\n" + b",\n".join(parts) + b",\n" + LINE + b"]"
    items = list(formats.read(io.BytesIO(whole)))
    assert isinstance(items[0], Parsed)
    at = 0
    for item in items:
        assert item.offset >= at
        between = whole[at : item.offset].replace(b"\xef\xbb\xbf", b"")
        assert not between.strip(b"[]{}, \t\r\n\x0b\x0c\x1e"), between
        at = item.offset + item.length
    assert isinstance(items[-1], Parsed | Unreadable)


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_the_record_in_the_line_after_any_noise_is_read(noise: bytes) -> None:
    items = list(formats.read(io.BytesIO(LINE + b"\n" + noise + b"\n" + LINE + b"\n" + LINE)))
    assert [each.record for each in items[-1:] if isinstance(each, Parsed)] == [BOOK]
    assert all(item.length for item in items)


def test_truncated_json_keeps_what_is_there_and_says_so() -> None:
    item = _one('{"leader":"00150nam a2200061   4500","fields":[{"245":{"subfields":[{"a":"The Gr')
    assert item.record.fields[0].first("a") == "The Gr"
    assert item.outcome == "repaired"
    assert "json-repaired" in _codes(item)


# --- what an object says -------------------------------------------------------------------

SMALL = record("001 x1", "245 10$aTitle$bRest")


@pytest.mark.parametrize(
    "document",
    [
        """{%s, "fields": [{"001": "x1"}, {"245": {"ind1": "1", "ind2": "0", "subfields":
           [{"a": "Title"}, {"b": "Rest"}]}}]}""",
        """{"fields": [{"001": "x1", "245": {"subfields": {"a": "Title", "b": "Rest"},
           "ind1": "1", "ind2": "0"}}], %s}""",
        """{"type": "marc-hash", "version": [1, 0], %s, "fields": [["001", "x1"],
           ["245", "1", "0", [["a", "Title"], ["b", "Rest"]]]]}""",
        """{%s, "controlfield": [{"tag": "001", "data": "x1"}], "datafield": [{"tag": "245",
           "ind1": "1", "ind2": "0", "subfield": [{"code": "a", "data": "Title"},
           {"code": "b", "data": "Rest"}]}]}""",
        """{"_id": "x1", %s, "record": [["001", null, null, "_", "x1"],
           ["245", "1", "0", "a", "Title", "b", "Rest"]]}""",
    ],
)
def test_the_ways_to_write_marc_in_json_say_the_same(document: str) -> None:
    item = _one(document % LEADER)
    assert item.record == SMALL
    assert item.problems == ()


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ('{"245": {"ind1": " ", "ind2": " ", "subfields": [{"a": 5}]}}', "json-value-odd", "5"),
        (
            '{"245": {"ind1": " ", "ind2": " ", "subfields": [{"a": "x"}], "note": "y"}}',
            "json-key-unknown",
            "x",
        ),
        ('{"245": {"subfields": [{"a": "x"}]}}', "indicators-missing", "x"),
        (
            '{"245": {"ind1": "#", "ind2": "\\\\", "subfields": [{"a": "x"}]}}',
            "placeholders-for-blanks",
            "x",
        ),
        (
            '{"245": {"ind1": " ", "ind2": " ", "subfields": [{"a": "x\\u0000y"}]}}',
            "control-character",
            "xy",
        ),
        (
            '{"245": {"ind1": " ", "ind2": " ", "subfields": [{"a": "x\\ud800y"}]}}',
            "character-not-allowed",
            "x\ufffdy",
        ),
        (
            '{"245": {"ind1": " ", "ind2": " ", "subfields": [{"a": "x\ny"}]}}',
            "control-character",
            "x y",
        ),
        (
            '{"245": {"ind1": " ", "ind2": " ", "subfields": [{"a": ["x"]}], "ind1": "1"}}',
            "json-key-repeated",
            "x",
        ),
        ('{"2450": {"ind1": " ", "ind2": " ", "subfields": [{"a": "x"}]}}', "tag-invalid", "x"),
        ('{"245": {"ind1": " ", "ind2": " ", "subfields": ["x"]}}', "json-value-odd", None),
        ('{"245": {"ind1": " ", "ind2": " ", "subfields": "x"}}', "subfield-without-code", "x"),
        ('{"245": "x"}', "subfield-without-code", "x"),
        ('{"245": {"ind1": " ", "ind2": " ", "subfields": [{"": "x"}]}}', "subfield-without", "x"),
        ("[1]", "json-value-odd", None),
        ('"245"', "json-value-odd", None),
    ],
)
def test_odd_parts_are_mended_with_a_problem(text: str, code: str, value: str | None) -> None:
    item = _fields('{"001": "x1"},' + text)
    assert any(found.startswith(code) for found in _codes(item)) or value is None
    assert item.problems
    if value is not None:
        assert item.record.fields[1].first("a") == value


def test_keys_that_stand_twice_lose_nothing() -> None:
    item = _fields('{"001": "x1", "500": {"subfields": [{"a": "1", "a": "2"}]}, "001": "x2"}')
    assert [each.value for each in item.record.all("001")] == ["x1", "x2"]
    assert list(next(item.record.all("500")).all("a")) == ["1", "2"]


def test_an_unknown_key_of_the_record_is_named() -> None:
    item = _one(json.dumps({**json.loads(LINE), "holdings": [{"a": "b"}]}))
    assert item.outcome == "repaired"
    assert "'holdings'" in item.problems[0].message


def test_text_is_nfc_and_backslashes_in_coded_fields_are_blanks() -> None:
    item = _fields(r'{"008": "960521s1972\\\\\\\\se"}, {"500": {"subfields": [{"a": "e\u0301"}]}}')
    assert item.record.control("008") == "960521s1972    se"
    assert next(item.record.all("500")).first("a") == "é"


def test_bytes_that_are_not_utf8_are_doubted() -> None:
    (item,) = _read(LINE.replace(b"Korean", b"Kor\xe9an"))
    assert isinstance(item, Parsed)
    assert not item.encoding_certain
    assert "character-undecodable" in _codes(item)


# --- writing -------------------------------------------------------------------------------


@given(SOUND_RECORDS)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(made: Record) -> None:
    assume(not any("\\" in field.value for field in made.fields))
    raw = marc_json.write(made)
    assert raw.count(b"\n") == 1
    item = formats.read_one(raw)
    assert isinstance(item, Parsed)
    assert (item.record, item.problems) == (made, ())
    (again,) = pymarc.parse_json_to_array(  # type: ignore[no-untyped-call]
        io.StringIO(f"[{raw.decode()}]")
    )
    assert json.loads(again.as_json()) == json.loads(raw)


@given(ANY_RECORDS)
@settings(max_examples=60, deadline=None)
def test_whatever_the_record_the_line_is_json_in_utf8(made: Record) -> None:
    raw = marc_json.write(made)
    assert raw.count(b"\n") == 1
    assert list(json.loads(raw)) == ["leader", "fields"]
    assert formats.read_one(raw).outcome in ("ok", "repaired", "rejected")


def test_the_keys_stand_in_their_order_and_letters_as_themselves() -> None:
    made = Record("l", (Field("001", "", (), "1"), *record("245 1_$a한강").fields))
    assert marc_json.write(made).decode() == (
        '{"leader":"l","fields":[{"001":"1"},'
        '{"245":{"ind1":"1","ind2":" ","subfields":[{"a":"한강"}]}}]}\n'
    )


def test_pymarc_reads_what_we_write() -> None:
    (read,) = pymarc.JSONReader(io.BytesIO(LINE))  # type: ignore[arg-type]
    assert read is not None
    assert read["245"].value() == "880-02 Ch'aesikchuŭija / Han Kang."
    assert str(read.leader) == BOOK.leader
