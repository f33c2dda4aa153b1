"""Files made to hurt, in the order of the reliability matrix (rows 1 to 24): a clear end, soon."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest

from marc_mappings import formats, iso2709, marc_json, marc_text, marcxml
from marc_mappings.formats import NotMarc, Parsed, Unreadable
from marc_mappings.framing import mending, mnemonics
from tests.marc_mappings.conftest import BOOK

ISO = iso2709.write(BOOK)
XML = marcxml.write(BOOK)
LAUGHS = b'<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'


def _read(data: bytes) -> list[Parsed | Unreadable]:
    return list(formats.read(io.BytesIO(data)))


@pytest.mark.parametrize(
    "prolog",
    [
        b'<?xml version="1.0"?><!DOCTYPE lolz [' + LAUGHS + b"]>",
        b'<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE c SYSTEM "http://127.0.0.1:9/evil.dtd">',
        b'<!DOCTYPE c [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>',
        b"<!doctype c []>",
        LAUGHS,
    ],
)
def test_rows_1_and_2_a_dtd_is_refused_before_any_parsing(prolog: bytes) -> None:
    with pytest.raises(NotMarc) as refused:
        _read(prolog + b"<collection>" + XML.replace(b"Korean", b"&x;&b;") + b"</collection>")
    assert refused.value.code == "doctype"


def test_rows_1_and_2_a_dtd_inside_of_a_record_costs_that_record() -> None:
    bad = XML.replace(
        b"<leader>", b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><leader>'
    )
    items = _read(b"<collection>" + XML + bad + XML)
    assert [each.outcome for each in items] == ["ok", "rejected", "ok"]
    assert "DTD" in items[1].problems[0].message


def test_row_3_includes_stylesheets_and_schema_locations_are_only_text() -> None:
    bad = XML.replace(
        b"<leader>",
        b'<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?>'
        b'<xi:include href="file:///etc/passwd"/><leader>',
    )
    (item,) = _read(b"<collection>" + bad)
    assert isinstance(item, Parsed)
    assert item.record.fields == BOOK.fields
    assert [each.code for each in item.problems] == ["xml-comment", "xml-element-unknown"]


@pytest.mark.parametrize(
    "inside",
    [
        b"<a>" * 200_000,
        b"<leader>" + b"x" * 11_000_000 + b"</leader>",
        b"<leader " + b" ".join(b"a%d='x'" % i for i in range(200_000)) + b"/>",
        b"<leader " + b" ".join(b"x:a%d='x'" % i for i in range(50_000)) + b"/>",
        b"".join(b"<p%d:leader/>" % i for i in range(50_000)),
    ],
)
def test_row_4_depth_length_and_attributes_cost_only_their_record(inside: bytes) -> None:
    begun = time.monotonic()
    items = _read(b"<collection>" + XML + b"<record>" + inside + b"</record>" + XML)
    assert [each.outcome for each in items] == ["ok", "rejected", "ok"]
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("inside", [b"[" * 300_000, b'{"a":' * 100_000, b'"' + b"\\" * 300_001])
def test_row_4_deep_json_costs_only_its_record(inside: bytes) -> None:
    line = marc_json.write(BOOK)
    items = _read(line + b'{"leader":"x","fields":[' + inside + b"\n" + line)
    assert [each.outcome for each in items] == ["ok", "rejected", "ok"]


@pytest.mark.parametrize(
    ("declared", "codec"), [("utf-16", "utf-8"), ("utf-7", "utf-8"), ("utf-8", "latin-1")]
)
def test_row_5_a_declared_encoding_that_lies_is_told(declared: str, codec: str) -> None:
    text = XML.decode().replace("Korean fiction", "café").replace("ŭ", "u").replace("ŏ", "o")
    text = "".join(char if char < "\x80" or char == "é" else "?" for char in text)
    document = f'<?xml version="1.0" encoding="{declared}"?><collection>{text}'.encode(codec)
    (item,) = _read(document)
    assert isinstance(item, Parsed)
    assert not item.encoding_certain
    assert {each.code for each in item.problems} & {"encoding-unknown", "character-undecodable"}


def test_row_8_archives_are_refused_by_their_first_bytes() -> None:
    for head in (
        b"PK\x03\x04../../x",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a",
        b"BZh9",
        b"\xfd7zXZ\x00",
    ):
        with pytest.raises(NotMarc) as refused:
            _read(head + bytes(100))
        assert "Unpack it first" in str(refused.value)


@pytest.mark.parametrize("stated", ["99999", "00001", "00000", "-0001", "abcde", "٠٠٣٦٦"])
def test_row_11_the_record_after_a_lying_length_is_read(stated: str) -> None:
    items = _read(ISO + stated.encode() + ISO[5:] + ISO)
    assert [each.record.fields for each in items if isinstance(each, Parsed)] == [BOOK.fields] * 3
    assert "length-wrong" in [each.code for each in items[1].problems]


@pytest.mark.parametrize("between", [b"\r\n", b"\n\n\n", b"\x00\x00", b"\xef\xbb\xbf", b"\x1a"])
def test_row_12_what_stands_between_records_is_noted(between: bytes) -> None:
    items = _read(ISO + between + ISO)
    assert [each.outcome for each in items] == ["ok", "ok"]
    assert [each.code for each in items[1].problems] == ["blanks-between-records"]


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x1e", "\ufffe", "\uffff"])
def test_row_16_what_xml_forbids_is_replaced_in_every_format(char: str) -> None:
    from lxml import etree

    made = BOOK._replace(fields=BOOK.fields[:3])
    for good in (marcxml.write(made), marc_json.write(made), marc_text.write(made)):
        told = char if not good.startswith(b"{") else f"\\u{ord(char):04x}"
        bad = good.decode().replace("bk000001", f"bk{told}1").encode()
        item = formats.read_one(bad)
        assert isinstance(item, Parsed)
        assert item.outcome == "repaired"
        assert char not in item.record.control("001")
        etree.fromstring(marcxml.write(item.record))


@pytest.mark.parametrize(
    "head", [b"", b"abcde", b"<html><body>", b"%PDF-1.4", b"\0\0\0\x18ftypmp42"]
)
def test_row_19_what_is_no_marc_is_refused_with_what_was_found(head: bytes) -> None:
    with pytest.raises(NotMarc) as refused:
        _read(head)
    assert refused.value.found in str(refused.value)


# One shape of input for each pattern that repeats in these rooms: (what, bytes of about n).
SHAPES: dict[str, Callable[[int], bytes]] = {
    "tags": lambda n: b"<collection>" + b"<record " * (n // 8),
    "comments": lambda n: b"<collection><record/>" + b"<!--" * (n // 4),
    "headers": lambda n: b"<collection><record>" + b"<header status " * (n // 15) + b"</record>",
    "ampersands": lambda n: b"<collection><record><leader>" + b"&a" * (n // 2) + b"</record>",
    "quotes": lambda n: b'{"leader":"x","fields":[' + b'"' * n,
    "backslashes": lambda n: b'{"leader":"x","fields":["' + b"\\" * n,
    "commas": lambda n: b'{"leader":"x","fields":[' + b",  " * (n // 3),
    "begins": lambda n: b'[{"leader":"x"},' + b'{"leader":"' * (n // 11),
    "units": lambda n: b'[{"leader":"x"},' + b'{"a":[' * (n // 6),
    "blank lines": lambda n: b"=LDR  x\n" + b"\n" * n + b"x",
    "going on": lambda n: b"=LDR  x\n=500  10$a" + b"x\n" * (n // 2),
    "spaced": lambda n: b"=LDR  x\n" + b"\n\n=002 x" * (n // 8),
    "mnemonics": lambda n: b"=LDR  x\n=500  10$a" + b"{acute}" * (n // 7),
    "braces": lambda n: b"=LDR  x\n=500  10$a" + b"{" * n,
    "prolog": lambda n: b"<?a?><!--" * (n // 9) + b"<collection/>",
    "digits": lambda n: b"1" * n,
}


def _seconds(work: Callable[[], object]) -> float:
    """Return the least processor time of two runs: what else the machine does counts less."""
    times = []
    for _ in range(2):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def _read_or_refuse(data: bytes) -> None:
    try:
        _read(data)
    except NotMarc:
        return


@pytest.mark.parametrize("shape", SHAPES)
def test_row_23_twice_the_bytes_take_about_twice_the_time(shape: str) -> None:
    """A square would take sixteen times for four times the bytes; ten leave room for noise."""
    small, large = SHAPES[shape](30_000), SHAPES[shape](120_000)
    before = _seconds(lambda: _read_or_refuse(small))
    assert _seconds(lambda: _read_or_refuse(large)) < 10 * max(before, 0.01)


@pytest.mark.parametrize("text", ["{" * 100_000, "{a" * 50_000, "{acute}" * 15_000, "\\" * 100_000])
def test_row_23_the_functions_for_text_are_linear(text: str) -> None:
    def work() -> None:
        mnemonics.expand(text)
        mnemonics.escape(text)
        mending.leader(text, [])
        mending.tag(text, [])
        mending.indicators((text, None), "245", [])
        mending.value(text, "245", [])

    assert _seconds(work) < 1


def test_a_record_with_a_problem_in_every_octet_has_a_short_report() -> None:
    raw = b"00000nam a2200037 i 4500245000000000\x1e" + b"10\x1f\x01" * 5_000 + b"\x1e\x1d"
    (item,) = _read(raw)
    assert len(item.problems) <= formats.MOST_PROBLEMS + 1
    assert item.problems[-1].code == "more-problems"
    assert item.outcome == "repaired"
