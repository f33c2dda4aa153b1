"""The one door: what is taken, what is refused and with which words, and that nothing escapes."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings import formats, iso2709, marc_json, marc_text, marcxml
from marc_mappings.formats import Format, NotMarc, Parsed, Start, Unreadable
from tests.marc_mappings.conftest import BOOK, record

XML = marcxml.write(BOOK)
ISO = iso2709.write(BOOK)
JSON = marc_json.write(BOOK)
MRK = marc_text.write(BOOK)


def _zip(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    "head",
    [
        XML,
        b"\xef\xbb\xbf" + XML,
        b'\n<?xml version="1.0"?>\n<collection>' + XML + b"</collection>",
        b'<marc:collection xmlns:marc="http://www.loc.gov/MARC21/slim"><marc:record>',
        b'<?xml version="1.0"?><?xml-stylesheet href="a.xsl"?><!-- made by hand --><record>',
        b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026',
        b"<zs:searchRetrieveResponse><zs:version>1.1</zs:version>",
    ],
)
def test_marcxml_is_known_by_its_content(head: bytes) -> None:
    assert formats.sniff(head) is Format.MARCXML


@pytest.mark.parametrize(
    "head",
    [ISO, b"\xef\xbb\xbf" + ISO, b"\r\n\r\n" + ISO, b"From: library\r\n\r\n" + ISO, ISO[:30]],
)
def test_iso2709_is_known_by_its_content(head: bytes) -> None:
    assert formats.sniff(head) is Format.ISO2709


@pytest.mark.parametrize(
    "head",
    [
        JSON,
        b"[" + JSON + b"]",
        b"\xef\xbb\xbf\n [ " + JSON,
        b'{"records": [' + JSON + b"]}",
        b'{"items": [{"id": 1}], "source_record": [{"leader": "00000nam a2200000 i 4500"',
        b'{"type":"marc-hash","version":[1,0],"fields":[["001","x"]]}',
        b'{"controlfield":[{"tag":"001","data":"x"}]}',
        b'{"_id":"1","record":[["LDR",null,null,"_","00000nam a2200000 i 4500"]]}',
    ],
)
def test_marc_in_json_is_known_by_its_content(head: bytes) -> None:
    assert formats.sniff(head) is Format.MARC_JSON


@pytest.mark.parametrize("head", [MRK, b"\xef\xbb\xbf\r\n" + MRK, b"=001  x\n=245  00$ax\n"])
def test_the_mnemonic_form_is_known_by_its_content(head: bytes) -> None:
    assert formats.sniff(head) is Format.MARC_TEXT


@pytest.mark.parametrize("room", [iso2709, marcxml, marc_json, marc_text])
def test_every_format_has_a_room_and_every_room_the_same_names(room: ModuleType) -> None:
    assert all(callable(getattr(room, name)) for name in ("frames", "parse", "write"))
    assert room.frames in [each.frames for each in formats.ROOMS.values()]
    assert set(formats.ROOMS) == set(Format)


@pytest.mark.parametrize("content", [ISO, XML, JSON, MRK])
def test_a_file_in_gzip_is_what_it_holds(content: bytes) -> None:
    assert formats.sniff(gzip.compress(content)) is formats.sniff(content)


@pytest.mark.parametrize(
    ("head", "code", "found"),
    [
        (b"", "empty", "an empty file"),
        (b"\r\n  \n", "empty", "an empty file"),
        (b"<!DOCTYPE html><html><body>404", "html", "a web page"),
        (b"\n<HTML><head>", "html", "a web page"),
        (b"%PDF-1.7\n", "pdf", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n....", "image", "PNG"),
        (b"\xff\xd8\xff\xe0..JFIF", "image", "JPEG"),
        (_zip("xl/workbook.xml"), "zip", "a spreadsheet"),
        (_zip("records.mrc"), "zip", "a zip archive"),
        (_zip("word/document.xml"), "zip", "a word processor document"),
        (gzip.compress(gzip.compress(ISO, mtime=0), mtime=0), "gzip", "gzip packed in gzip"),
        (b"\x1f\x8b\x08 no gzip", "gzip", "a damaged gzip file"),
        (gzip.compress(b"%PDF-1.7", mtime=0), "pdf", "a PDF document"),
        (b"\x00\x00\x00\x20ftypisom\x00", "media", "a media file"),
        (b"ID3\x04\x00", "media", "a media file"),
        (b"SQLite format 3\x00", "database", "a SQLite database"),
        (b"{\\rtf1\\ansi", "office", "an RTF document"),
        (b"\x7fELF\x02", "program", "a program"),
        (b'{"openapi": "3.1.0", "fields": ["a"]}', "json", "a JSON document"),
        (b"[{}]", "json", "a JSON document"),
        (b"00366nam  22001698a 4500\n001 11224466\n", "marc-text", "MARC in lines"),
        (b"LDR    00366nam  22001698a 4500\n", "marc-text", "MARC in lines"),
        (b"Dear colleagues,\nplease find", "text", "plain text"),
        ("제목,저자\n채식주의자,한강\n".encode(), "table", "a table"),
        (b"title\tauthor\r\nA\tB\r\n", "table", "a table"),
        (
            b'<collection><record><datafield tag="021A"><subfield code="a">x</subfield>',
            "pica",
            "PICA+",
        ),
        (b'<!ENTITY x "y"><collection><record/>', "doctype", "DTD"),
        (b"<mods:mods xmlns:mods='x'><mods:titleInfo/>", "xml", "<mods>"),
        ("<record/>".encode("utf-16"), "utf-16", "UTF-16"),
        (b"\x00\x01\x02\x1e binary", "binary", "a binary file"),
        (
            b'<?xml version="1.0"?><!DOCTYPE collection [<!ENTITY e "x">]><collection><record/>',
            "doctype",
            "DTD",
        ),
    ],
)
def test_what_is_no_marc_is_refused_with_its_name(head: bytes, code: str, found: str) -> None:
    with pytest.raises(NotMarc) as refused:
        formats.sniff(head)
    assert refused.value.code == code
    assert found in refused.value.found
    assert found in str(refused.value)
    assert "ISO 2709" in str(refused.value)
    with pytest.raises(NotMarc):
        formats.read(io.BytesIO(head))


def test_a_doctype_between_envelope_and_records_is_refused() -> None:
    with pytest.raises(NotMarc):
        formats.sniff(b"<collection><!-- x --><!DOCTYPE foo [ ]><record>")


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_no_exception_leaves_the_iterator(noise: bytes) -> None:
    wholes = (
        ISO + noise + ISO,
        b"<collection>" + XML + noise + XML + b"</collection>",
        MRK + noise + b"\n" + MRK,
    )
    for whole in wholes:
        items = list(formats.read(io.BytesIO(whole)))
        assert isinstance(items[0], Parsed)
        assert all(item.length and isinstance(item, Parsed | Unreadable) for item in items)
        assert items[-1].record.fields == BOOK.fields  # type: ignore[union-attr]


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_one_item(noise: bytes) -> None:
    assert formats.read_one(b"<" + noise).outcome in ("ok", "repaired", "rejected")
    assert formats.read_one(b"<!-- -->" + noise).outcome in ("ok", "repaired", "rejected")
    assert formats.read_one(noise).outcome in ("ok", "repaired", "rejected")
    assert formats.read_one(b"{" + noise).outcome in ("ok", "repaired", "rejected")
    assert formats.read_one(b"=" + noise).outcome in ("ok", "repaired", "rejected")


@given(
    st.sampled_from(["iso", "xml", "json", "mrk", "gz"]),
    st.lists(
        st.one_of(
            st.sampled_from(["good", "nfd", "cut", "blank", "junk", "latin1"]),
            st.binary(min_size=1, max_size=40),
        ),
        max_size=8,
    ),
)
@settings(max_examples=200, deadline=None)
def test_reading_goes_on_after_any_item_with_the_same_results(
    kind: str, pieces: list[str | bytes]
) -> None:
    good = {"xml": XML, "json": JSON, "mrk": MRK}.get(kind, ISO)
    made: dict[str, bytes] = {
        "good": good,
        "nfd": good.replace("ŭ".encode(), "ŭ".encode()),
        "cut": good[: len(good) // 2],
        "blank": b"\r\n\r\n  ",
        "junk": b"<header/>& junk",
        "latin1": good.replace("ŭ".encode(), b"\xe9"),
    }
    body = b"".join(piece if isinstance(piece, bytes) else made[piece] for piece in pieces)
    stream = good + body + good
    if kind == "gz":
        stream = gzip.compress(stream) + b"broken"
    items = list(formats.read(io.BytesIO(stream)))
    for index, item in enumerate(items, 1):
        start = Start(item.position, item.offset + item.length)
        assert list(formats.read(io.BytesIO(stream), start=start)) == items[index:]


def test_one_record_reads_as_it_did_in_its_file() -> None:
    for good in (ISO, JSON, MRK):
        for item in formats.read(io.BytesIO(good * 2)):
            alone = formats.read_one((good * 2)[item.offset : item.offset + item.length])
            assert isinstance(alone, Parsed)
            assert isinstance(item, Parsed)
            assert alone.record.fields == item.record.fields == BOOK.fields
    stream = b"<c>" + XML + b"\n" + XML.replace(b"<", b"<m:").replace(b"<m:/", b"</m:") + b"</c>"
    for item in formats.read(io.BytesIO(stream)):
        assert isinstance(item, Parsed)
        alone = formats.read_one(stream[item.offset : item.offset + item.length])
        assert isinstance(alone, Parsed)
        assert alone.record == item.record == BOOK._replace(leader=item.record.leader)


def test_a_stream_that_cannot_seek_is_read_from_its_beginning() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self._data = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            return self._data.readinto(memoryview(buffer)[:100])

    assert len(list(formats.read(io.BufferedReader(Pipe(ISO * 50))))) == 50
    assert len(list(formats.read(Pipe(ISO * 50)))) == 50  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "one"),
    [
        (b"", ISO),
        (b"<collection>", XML),
        (b"[", JSON.rstrip() + b","),
        (b'{"records": [', JSON.rstrip() + b","),
        (b"", JSON),
        (b"", MRK),
    ],
)
def test_memory_does_not_grow_with_the_number_of_records(before: bytes, one: bytes) -> None:
    import tracemalloc

    total = 3_000_000 // len(one)

    class Endless(io.RawIOBase):
        left = total
        head = before

        def read(self, size: int = -1) -> bytes:
            count = min(self.left, max(1, size // len(one)))
            self.left -= count
            head, self.head = self.head, b""
            return head + one * count

    tracemalloc.start()
    count = sum(1 for _ in formats.cut(Endless()))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == total
    assert peak < 2_500_000


def test_a_file_without_any_terminator_is_read_in_bounded_pieces() -> None:
    class Zeros(io.RawIOBase):
        left = 12_000_000
        first = True

        def read(self, size: int = -1) -> bytes:
            size = min(size, self.left)
            self.left -= size
            lead, self.first = (ISO if self.first else b""), False
            return lead + b"x" * size

    items = list(formats.read(Zeros()))  # type: ignore[arg-type]
    assert isinstance(items[0], Parsed)
    assert all(item.outcome == "rejected" for item in items[1:])
    assert all(item.length <= iso2709.LONGEST_READ for item in items)
    assert sum(item.length for item in items) == 12_000_000 + len(ISO)


def test_one_record_may_be_a_whole_document() -> None:
    text = (
        '<?xml version="1.0" encoding="euc-kr"?><collection>'
        + marcxml.write(record("245 00$a채식주의자")).decode()
    )
    item = formats.read_one(text.encode("euc-kr"))
    assert isinstance(item, Parsed)
    assert item.record.fields[0].first("a") == "채식주의자"


def test_a_record_of_nothing_but_a_leader_is_rejected() -> None:
    item = formats.read_one(b"00026nam a2200025   4500\x1e\x1d")
    assert isinstance(item, Unreadable)
    assert item.problems[0].message
    assert record("001 x").control_number == "x"


@pytest.mark.slow
def test_every_file_of_the_corpus_is_read_or_refused_with_its_name(corpus: Path) -> None:
    """Not one exception, not one MARC file refused, and every offset right."""
    refused: dict[str, str] = {}
    rows = (corpus / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()[1:]
    for name in (row.split("\t")[0] for row in rows):
        data = (corpus / name).read_bytes()
        try:
            items = list(formats.read(io.BytesIO(data)))
        except NotMarc as fault:
            refused[Path(name).name] = fault.code
            continue
        assert items, name
        assert [item.position for item in items] == list(range(1, len(items) + 1))
        for item in items:
            assert item.length
            if isinstance(item, Unreadable):
                assert item.raw == data[item.offset : item.offset + item.length]
                assert item.problems
    assert len(rows) > 700
    assert refused == {"pica.xml": "pica"}
