"""OAI-PMH edge cases 43 to 51, records and formats, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from marc_mappings import iso2709
from marc_mappings.record import Field, Record, Subfield
from tests.oai.asking import NS, Told
from tests.real.edge_case_library import HEADERS, LIST, MARC, Library, served
from tests.service.builders import a_file, a_record, receive

PREFIXES = ("oai_dc", "marc21", "marcxml")
XSI = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
NAMESPACES = {
    "oai_dc": "http://www.openarchives.org/OAI/2.0/oai_dc/",
    "marc21": "http://www.loc.gov/MARC21/slim",
    "marcxml": "http://www.loc.gov/MARC21/slim",
}
UNKNOWN = [
    "oai:books.example.org:offer/01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "oai:books.example.org:offer/",
    "oai:books.example.org:offer",
    "oai:books.example.org:transfer/01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "oai:elsewhere.example.org:offer/01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "nosuch",
    "urn:isbn:9788936433598",
]


@pytest.fixture(scope="module")
def library(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Four books in four scripts, the first taken back; nothing here changes it."""
    with served(sqlite_template, tmp_path_factory.mktemp("records"), page_size=50) as library:
        library.bring(
            a_record("Truyện Kiều", number="1", language="vie", place="vm "),
            a_record("채식주의자", number="2"),
            a_record("Монголын нууц товчоо & <tag>", number="3", language="mon", place="mp "),
            a_record("図書館", number="4", language="jpn", place="ja "),
        )
        library.withdraw(library.identifiers()[0])
        yield library


def get(library: Library, identifier: str, prefix: str) -> Told:
    return library.ask(f"verb=GetRecord&metadataPrefix={prefix}&identifier={identifier}")


def formats(library: Library, identifier: str = "") -> Told:
    more = f"&identifier={identifier}" if identifier else ""
    return library.ask(f"verb=ListMetadataFormats{more}")


def gone(library: Library) -> str:
    (found,) = [header.identifier for header in library.headers() if header.deleted]
    return found


@pytest.mark.parametrize("prefix", PREFIXES)
def test_43_a_deleted_record_is_a_header_and_nothing_else_in_every_format(
    library: Library, prefix: str
) -> None:
    told = get(library, gone(library), prefix)
    (record,) = told.root.iterfind(".//o:record", NS)
    assert [child.tag for child in record] == [f"{{{NS['o']}}}header"]
    assert told.texts(".//o:header/@status") == ["deleted"]
    listed = [
        record
        for record in library.ask(f"verb=ListRecords&metadataPrefix={prefix}").root.iterfind(
            ".//o:record", NS
        )
        if record.find("o:header", NS).get("status") == "deleted"
    ]
    assert [len(record) for record in listed] == [1]


@pytest.mark.parametrize("identifier", UNKNOWN)
def test_44_45_an_unknown_identifier_does_not_exist(library: Library, identifier: str) -> None:
    for prefix in (*PREFIXES, "nosuch"):
        assert get(library, identifier, prefix).codes == ["idDoesNotExist"]
    assert formats(library, identifier).codes == ["idDoesNotExist"]


def test_44_an_identifier_is_spelt_exactly_so(library: Library) -> None:
    known = library.identifiers()[-1]
    for other in (
        known.lower(),
        known.upper(),
        f"{known}0",
        known[:-1],
        f"{known}/",
        f"{known}%20",
    ):
        assert get(library, other, "oai_dc").codes in (["idDoesNotExist"], ["badArgument"]), other


def test_44_a_known_record_in_a_format_that_is_not_offered_cannot_be_given(
    library: Library,
) -> None:
    for identifier in (library.identifiers()[-1], gone(library)):
        for prefix in ("nosuch", "OAI_DC", "oai_dc2"):
            assert get(library, identifier, prefix).codes == ["cannotDisseminateFormat"]


def test_45_the_formats_of_a_record_and_of_a_deleted_one(library: Library) -> None:
    prefixes = ".//o:metadataPrefix/text()"
    offered = formats(library).texts(prefixes)
    for identifier in library.identifiers():
        found = formats(library, identifier).texts(prefixes)
        assert found == offered
        for prefix in found:
            assert get(library, identifier, prefix).codes == []


def test_46_dublin_core_and_marc_are_offered_and_the_alias_has_the_same_bytes(
    library: Library,
) -> None:
    told = formats(library)
    rows = {
        each.findtext("o:metadataPrefix", namespaces=NS): (
            each.findtext("o:schema", namespaces=NS),
            each.findtext("o:metadataNamespace", namespaces=NS),
        )
        for each in told.root.iterfind(".//o:metadataFormat", NS)
    }
    assert rows["oai_dc"] == (
        "http://www.openarchives.org/OAI/2.0/oai_dc.xsd",
        "http://www.openarchives.org/OAI/2.0/oai_dc/",
    )
    assert rows["marc21"] == rows["marcxml"]
    for identifier in library.identifiers():
        marc21, alias = (get(library, identifier, prefix).body for prefix in ("marc21", "marcxml"))
        assert alias == marc21.replace(b'metadataPrefix="marc21"', b'metadataPrefix="marcxml"')
    pages = [library.ask(f"verb=ListRecords&metadataPrefix={each}") for each in PREFIXES[1:]]
    assert pages[1].body == pages[0].body.replace(b'"marc21"', b'"marcxml"')


def test_47_every_record_is_in_every_format_and_no_other_format_lists_any(
    library: Library,
) -> None:
    """Here all items have all formats; how others list is tested with the library ``oai``."""
    offered = formats(library).texts(".//o:metadataPrefix/text()")
    lists = [
        library.identifiers(f"verb={verb}&metadataPrefix={prefix}")
        for verb in ("ListRecords", "ListIdentifiers")
        for prefix in offered
    ]
    assert len(lists[0]) == 4
    assert all(found == lists[0] for found in lists)
    for query in (LIST, HEADERS):
        told = library.ask(query.replace("oai_dc", "nosuch"))
        assert told.codes == ["cannotDisseminateFormat"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_48_metadata_is_one_element_that_says_its_namespace_and_its_schema(
    library: Library, prefix: str
) -> None:
    body = library.ask(f"verb=ListRecords&metadataPrefix={prefix}")
    holders = body.root.findall(".//o:metadata", NS)
    assert len(holders) == 3
    told = {
        each.findtext("o:metadataPrefix", namespaces=NS): each.findtext("o:schema", namespaces=NS)
        for each in formats(library).root.iterfind(".//o:metadataFormat", NS)
    }
    for holder in holders:
        (root,) = holder
        namespace = etree.QName(root).namespace
        assert namespace == NAMESPACES[prefix]
        assert root.get(XSI).split() == [namespace, told[prefix]]
        alone = etree.fromstring(etree.tostring(root))
        assert alone.get(XSI) == root.get(XSI)
    assert body.body.count(b"<?xml") == 1
    assert b"<!DOCTYPE" not in body.body


# Three octets each, put in the place of "QQQ" in the finished file.
BROKEN = {
    "control characters": b"\x01\x0b\x08",
    "escape and delete": b"\x1bA\x7f",
    "a surrogate": b"\xed\xa0\x80",
    "U+FFFE": b"\xef\xbf\xbe",
    "U+FFFF": b"\xef\xbf\xbf",
    "no UTF-8": b"\xff\xfeA",
    "a cut sequence": b"AB\xe2",
    "NUL": b"\x00\x00\x00",
    "markup": b"]]>",
}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("kind", BROKEN)
def test_49_no_character_in_a_record_breaks_a_page(
    sqlite_template: Path, tmp_path: Path, kind: str, prefix: str
) -> None:
    with served(sqlite_template, tmp_path, page_size=50) as library:
        record = iso2709.write(a_record("before QQQ after 한강", number="1"))
        assert record.count(b"QQQ") == 1
        others = [a_record(f"Sound {number}", number=f"s{number}") for number in range(2)]
        file = a_file(others[0]) + record.replace(b"QQQ", BROKEN[kind]) + a_file(others[1])
        receive(library.site, file)
        library.publish()
        told = library.ask(f"verb=ListRecords&metadataPrefix={prefix}")
        assert len(told.identifiers) == 3
        text = "".join(told.root.itertext())
        assert "Sound 0" in text
        assert "Sound 1" in text
        assert "before" in text
        for identifier in told.identifiers:
            assert get(library, identifier, prefix).identifiers == [identifier]


def test_49_texts_are_utf8_and_composed(sqlite_template: Path, tmp_path: Path) -> None:
    with served(sqlite_template, tmp_path) as library:
        library.bring(a_record("Truye\u0323\u0302n Kie\u0302\u0300u \U0001f4d6", number="1"))
        for query in (LIST, MARC):
            answer = library.fetch(query)
            assert answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
            assert "Truyện Kiều \U0001f4d6".encode() in answer.body


def test_50_blanks_of_leader_fixed_fields_and_indicators_are_kept(
    sqlite_template: Path, tmp_path: Path
) -> None:
    fixed = "260101s2020    ko       b    000 0 kor d"
    assert len(fixed) == 40
    record = Record(
        "00000nam a2200000   4500",
        (
            Field("001", "", value="  ocm 1"),
            Field("003", "", value="XX-TEST"),
            Field("007", "", value="he amb   "),
            Field("008", "", value=fixed),
            Field("245", " 0", (Subfield("a", "Two  blanks   inside"),)),
            Field("246", "  ", (Subfield("a", "Other"),)),
            Field("500", "  ", (Subfield("a", "A note"),)),
        ),
    )
    with served(sqlite_template, tmp_path) as library:
        library.bring(record)
        for headers in ({}, {"Accept-Encoding": "identity"}):
            told = library.fetch(MARC, headers=headers).told
            leader = "".join(told.texts(".//m:leader/text()"))
            assert (len(leader), leader[5:10], leader[17:]) == (24, "nam a", "   4500")
            fields = {
                tag: told.texts(f".//m:controlfield[@tag='{tag}']/text()")
                for tag in ("001", "007", "008")
            }
            assert fields == {"001": ["  ocm 1"], "007": ["he amb   "], "008": [fixed]}
            indicators = {
                field.get("tag"): (field.get("ind1"), field.get("ind2"))
                for field in told.root.iterfind(".//m:datafield", NS)
            }
            assert indicators == {"245": (" ", "0"), "246": (" ", " "), "500": (" ", " ")}
            assert "Two  blanks   inside" in told.texts(".//m:subfield/text()")
            assert not [each.tail for each in told.root.iterfind(".//m:datafield", NS) if each.tail]
