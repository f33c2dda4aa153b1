"""MARCXML in and out: found in any envelope, one fault costs one record, always well-formed."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from marc_mappings import formats, iso2709, marcxml, oai_dc
from marc_mappings.formats import Parsed, Unreadable
from marc_mappings.letters import traces
from marc_mappings.record import Field, Record, Subfield
from tests.marc_mappings.conftest import BOOK, LEADER, record

XML = marcxml.write(BOOK)


def _read(document: bytes) -> list[Parsed | Unreadable]:
    return list(formats.read(io.BytesIO(document)))


def _fields(document: bytes) -> list[tuple[Field, ...]]:
    return [item.record.fields for item in _read(document) if isinstance(item, Parsed)]


def _prefixed(prefix: str) -> bytes:
    text = (
        XML.decode()
        .replace("</", "<@")
        .replace("<", f"<{prefix}:")
        .replace(f"<{prefix}:@", f"</{prefix}:")
    )
    return text.encode()


def test_records_are_found_in_an_oai_response() -> None:
    deleted = b'<record><header status="deleted"><identifier>oai:x:2</identifier></header></record>'
    document = (
        b'<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        b"<ListRecords><record><header><identifier>oai:x:1</identifier></header><metadata>"
        + _prefixed("marc")
        + b"</metadata></record>"
        + deleted
        + b"<record><header/><metadata>"
        + XML
        + b"</metadata><about><x/></about></record></ListRecords></OAI-PMH>"
    )
    items = _read(document)
    assert [item.outcome for item in items] == ["ok", "ok"]
    assert _fields(document) == [BOOK.fields, BOOK.fields]
    first = document[items[0].offset : items[0].offset + items[0].length]
    assert first.startswith(b"<marc:record")
    assert first.endswith(b"</marc:record>")


def test_an_oai_record_of_another_format_is_reported() -> None:
    items = _read(
        b"<OAI-PMH><record><header/><metadata><dc><title>x</title></dc></metadata></record>"
    )
    assert [item.outcome for item in items] == ["rejected"]


def test_a_record_in_a_comment_is_none() -> None:
    assert len(_read(b"<collection><!-- " + XML + b" -->" + XML + b"</collection>")) == 1


def test_marcxchange_with_its_own_namespace_is_read() -> None:
    document = (
        b'<mx:collection xmlns:mx="info:lc/xmlns/marcxchange-v2"><mx:record format="MARC21" '
        b'type="Bibliographic"><mx:leader>00000nam a2200000 i 4500</mx:leader>'
        b'<mx:datafield tag="245" ind1="0" ind2="0"><mx:subfield code="a">Title</mx:subfield>'
        b"</mx:datafield></mx:record></mx:collection>"
    )
    assert _fields(document) == [record("245 00$aTitle").fields]


@pytest.mark.parametrize(
    ("found", "meant", "code"),
    [
        ("-----nam-a22------u-4500", "     nam a22      u 4500", "leader-placeholders"),
        ("00000nam#a2200000#i#4500", "00000nam a2200000 i 4500", "leader-placeholders"),
        ("^^^^^nam^^22^^^^^^^^450^", "     nam  22        450 ", "leader-placeholders"),
        ("00757cam a22002055a 45000", "00000cam a22002055a 4500", "leader-damaged"),
        ("     cam a2200433 i 4500 ", "00000cam a2200433 i 4500", "leader-damaged"),
        ("01244ccm a2200337z4500", "00000ccm a2200337z  4500", "leader-damaged"),
        ("", "00000nam a2200000 u 4500", "leader-damaged"),
    ],
)
def test_a_leader_with_placeholders_or_of_another_length_is_mended(
    found: str, meant: str, code: str
) -> None:
    (item,) = _read(b"<collection>" + XML.replace(LEADER.encode(), found.encode()))
    assert isinstance(item, Parsed)
    assert item.record.leader == meant
    assert [each.code for each in item.problems] == [code]
    assert item.outcome == "repaired"


def test_a_record_that_lost_its_begin_is_reported() -> None:
    headless = XML[XML.index(b"<controlfield") :]
    document = b"<collection>" + XML + headless + XML + b"</collection>"
    items = _read(document)
    assert [item.outcome for item in items] == ["ok", "rejected", "ok"]
    assert isinstance(items[1], Unreadable)
    assert items[1].raw == headless


@pytest.mark.parametrize(
    ("part", "hurt"),
    [
        (b"<record", b"<re"),
        (b"<record", b"<rerecord"),
        (b"<leader", b"<le<![CDATA[ <record> & ]]>ader"),
    ],
)
def test_no_octet_of_a_hurt_begin_is_outside_of_all_items(part: bytes, hurt: bytes) -> None:
    damaged = XML.replace(part, hurt, 1)
    document = b"<collection>" + XML + damaged + b"\n" + XML + b"</collection>"
    items = _read(document)
    assert [items[0].outcome, items[-1].outcome] == ["ok", "ok"]
    covered = b"".join(document[each.offset : each.offset + each.length] for each in items)
    assert covered == XML + damaged + XML
    assert all(isinstance(each, Unreadable) for each in items[1:-1])


def test_the_envelope_of_a_record_is_none() -> None:
    inner = b"<record><leader>00000nam a2200000   4500</leader>" + b"<controlfield tag='001'>1"
    document = (
        b"<r><collection><leader/></collection><oai:record><header><id>x</id></header><metadata>"
        + inner
        + b"</controlfield></record></metadata></oai:record></r>"
    )
    assert [item.outcome for item in _read(document)][-1:] == ["ok"]


@pytest.mark.parametrize(
    ("part", "tag"),
    [(b"<datafield", "880"), (b"</datafield>", "880"), (b"</record>", ""), (b"<controlfield", "")],
)
def test_text_between_the_parts_of_a_record_is_told(part: bytes, tag: str) -> None:
    at = XML.rindex(part)
    (item,) = _read(XML[:at] + b"Dear colleague" + XML[at:])
    assert [each.code for each in item.problems] == ["xml-text-between"]
    assert "Dear colleague" in item.problems[0].message
    assert item.problems[0].tag == (tag if part.startswith(b"</d") else "")


def test_placeholders_in_indicators_are_blanks() -> None:
    document = b"<collection>" + XML.replace(b'ind1=" "', b'ind1="#"').replace(
        b'ind2=" "', b'ind2="\\"'
    )
    (item,) = _read(document)
    assert isinstance(item, Parsed)
    assert item.record.fields == BOOK.fields
    assert {each.code for each in item.problems} == {"placeholders-for-blanks"}


def test_a_control_field_under_a_data_tag_is_kept_with_a_problem() -> None:
    (item,) = _read(
        b'<record><leader>00000nam a2200000 i 4500</leader><controlfield tag="245">x'
        b"</controlfield></record>"
    )
    assert isinstance(item, Parsed)
    assert item.record.fields == record("245 __$ax").fields
    assert [each.code for each in item.problems] == ["subfield-without-code"]


@pytest.mark.parametrize(
    "namespace", ["info:lc/xmlns/marcxchange-v1", "http://www.nl.go.kr/kormarc", "urn:x"]
)
def test_the_namespace_does_not_matter(namespace: str) -> None:
    document = XML.replace(b'http://www.loc.gov/MARC21/slim"', namespace.encode() + b'"')
    assert _fields(b"<collection>" + document + b"</collection>") == [BOOK.fields]


@pytest.mark.parametrize(
    "fault",
    [
        b"</subfield>",
        b"<subfield code='a'>",
        b"<oops>",
        b"<a <b",
        b"\x00<\xff",
        b"]]>",
        b"<!DOCTYPE x>",
        b"<!ENTITY x>",
        b"&#0;&undefined;",
    ],
)
def test_one_malformed_record_never_costs_the_next(fault: bytes) -> None:
    bad = XML.replace(b"han, kang", b"").replace(b"Korean fiction", fault)
    items = _read(b"<collection>" + XML + bad + XML + b"</collection>")
    assert len(items) == 3
    assert items[0].outcome == items[2].outcome == "ok"
    assert items[1].outcome != "ok"
    assert items[1].problems


def test_a_record_whose_end_tag_is_missing_is_reported_and_the_next_is_read() -> None:
    items = _read(b"<collection>" + XML[: -len("</record>")] + XML + b"</collection>")
    assert [item.outcome for item in items] == ["rejected", "ok"]


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        ("Simon & Schuster", "Simon & Schuster"),
        ("caf&eacute;", "café"),
        ("a &nbsp; b", "a \xa0 b"),
        ("1 < 2", "1 < 2"),
        ("x\x0by", "x y"),
        ("x&#x0;y", "xy"),
        ("x&#xFFFF;y", "x\ufffdy"),
    ],
)
def test_stray_characters_are_mended_with_a_note(found: str, meant: str) -> None:
    document = XML.replace(b"Korean fiction", found.encode())
    (item,) = _read(document)
    assert isinstance(item, Parsed)
    assert item.outcome == "repaired"
    assert next(item.record.all("650")).first("a") == meant


def test_the_declared_encoding_holds_when_reading_goes_on() -> None:
    document = b'<?xml version="1.0" encoding="EUC-KR"?><collection>' + 2 * marcxml.write(
        record("245 00$a채식주의자")
    ).decode().encode("euc-kr")
    first, second = _read(document)
    again = formats.read(io.BytesIO(document), start=formats.Start(1, first.offset + first.length))
    assert list(again) == [second]
    assert isinstance(second, Parsed)
    assert (second.encoding, second.record.fields[0].first("a")) == ("euc_kr", "채식주의자")
    alone = formats.read_one(document[second.offset :][: second.length], second.encoding)
    assert isinstance(alone, Parsed)
    assert alone.record == second.record


def test_an_unknown_declared_encoding_is_doubted() -> None:
    (item,) = _read(b'<?xml version="1.0" encoding="klingon-8"?><collection>' + XML)
    assert isinstance(item, Parsed)
    assert not item.encoding_certain
    assert item.problems[0].code == "encoding-unknown"


def test_external_entities_are_never_resolved() -> None:
    document = XML.replace(b"Korean fiction", b"&xxe;")
    (item,) = _read(document)
    assert isinstance(item, Parsed)
    assert next(item.record.all("650")).first("a") == "&xxe;"


def test_long_records_across_chunks_are_found_at_their_offsets() -> None:
    big = record("245 00$aBig", *(f"500 __$a{'x' * 3000} {i}" for i in range(100)))
    one = marcxml.write(big)
    document = b"<collection>" + b"\n".join([one] * 7) + b"</collection>"
    items = _read(document)
    assert [document[i.offset : i.offset + i.length] for i in items] == [one] * 7


def test_an_element_that_never_ends_is_given_back_in_bounded_pieces() -> None:
    parts = [b"<collection>" + XML + b"<record><leader>", *([b"x" * 250_000] * 140), XML]

    class Endless(io.RawIOBase):
        def read(self, _: int = -1) -> bytes:
            return parts.pop(0) if parts else b""

    items = list(formats.read(Endless()))  # type: ignore[arg-type]
    outcomes = [item.outcome for item in items]
    assert (outcomes[0], set(outcomes[1:-1]), outcomes[-1]) == ("ok", {"rejected"}, "ok")
    assert items[1].problems[0].code == "record-too-long"
    assert all(item.length <= marcxml.LONGEST_READ + 600_000 for item in items)
    assert sum(item.length for item in items[1:-1]) == len(b"<record><leader>") + 140 * 250_000


# --- writing -------------------------------------------------------------------------------

CHARACTERS = st.text(max_size=30)
SOUND = (
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=30
    )
    .map(lambda text: __import__("unicodedata").normalize("NFC", text))
    .filter(str.strip)
    .filter(lambda text: not list(traces.problems(text)))
)
CODES = st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789")
DATA_TAGS = st.integers(10, 999).map(lambda number: f"{number:03}")
DATA = st.builds(
    lambda tag, ind, subs: Field(tag, ind, tuple(subs)),
    DATA_TAGS,
    st.text("0123456789abz ", min_size=2, max_size=2),
    st.lists(st.builds(Subfield, CODES, SOUND), min_size=1, max_size=5),
)
CONTROL = st.builds(
    lambda number, value: Field(f"00{number}", "", (), value), st.integers(1, 9), SOUND
)
SOUND_RECORDS = st.builds(
    lambda controls, data: Record("00000nam a2200000 i 4500", (*controls, *data)),
    st.lists(CONTROL, max_size=3),
    st.lists(DATA, min_size=1, max_size=8),
)
ANY_RECORDS = st.builds(
    Record,
    st.text(max_size=26),
    st.lists(
        st.one_of(
            st.builds(
                Field,
                CHARACTERS,
                st.text(min_size=1, max_size=3),
                st.lists(st.builds(Subfield, st.text(max_size=2), CHARACTERS), max_size=4).map(
                    tuple
                ),
            ),
            st.builds(lambda tag, value: Field(tag, "", (), value), CHARACTERS, CHARACTERS),
        ),
        max_size=6,
    ).map(tuple),
)


@given(SOUND_RECORDS)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_again(made: Record) -> None:
    for raw in (marcxml.write(made), iso2709.write(made)):
        item = formats.read_one(raw)
        assert isinstance(item, Parsed)
        assert item.record.fields == made.fields
        assert item.outcome == "ok"


@given(ANY_RECORDS)
@settings(max_examples=300, deadline=None)
def test_whatever_the_record_the_xml_is_well_formed_and_valid(
    schemas: etree.XMLSchema, made: Record
) -> None:
    schemas.assertValid(etree.fromstring(marcxml.write(made)))
    schemas.assertValid(etree.fromstring(oai_dc.write(made)))


@given(ANY_RECORDS)
@settings(max_examples=200, deadline=None)
def test_whatever_the_record_iso2709_can_be_framed_again(made: Record) -> None:
    raw = iso2709.write(made)
    assert int(raw[:5]) == len(raw)
    assert raw.count(b"\x1d") == 1
    assert raw.count(b"\x1e") == len(made.fields) + 1
    assert formats.read_one(raw).outcome in ("ok", "repaired", "rejected")


def test_leader_and_blanks_are_kept_byte_for_byte() -> None:
    leader = "01234cam a2200289 a 4500"
    made = record("008 070301s2007    ko            000 1 kor d", "650 _4$a  x  ", leader=leader)
    text = marcxml.write(made).decode()
    assert f"<leader>{leader}</leader>" in text
    assert ">070301s2007    ko            000 1 kor d</controlfield>" in text
    assert 'ind1=" " ind2="4"><subfield code="a">  x  </subfield>' in text
    assert not text.startswith("<?xml")


def test_a_record_too_large_for_iso2709_is_refused_with_its_name() -> None:
    with pytest.raises(iso2709.Unwritable, match=r"field 520 of record big .* MARCXML"):
        iso2709.write(record("001 big", f"520 __$a{'x' * 10_000}"))
    with pytest.raises(iso2709.Unwritable, match=r"The record big has .* 99,999") as refused:
        iso2709.write(record("001 big", *(["500 __$a" + "x" * 9000] * 12)))
    assert (refused.value.control_number, refused.value.tag) == ("big", "")


def test_pymarc_reads_what_we_write() -> None:
    import pymarc

    (read,) = pymarc.MARCReader(iso2709.write(BOOK))
    assert read is not None
    assert read["880"].value() == "100-01/$1 한강"
    assert str(read.leader)[9] == "a"
    assert read.as_marc() == iso2709.write(BOOK)
