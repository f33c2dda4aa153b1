"""MARC 21 to MODS 3.7: valid for any record, and every field in it, given up or reported."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from marc_mappings import formats, marc21_to_mods
from marc_mappings.formats import Parsed
from marc_mappings.letters import scripts
from marc_mappings.mods import coded as mods_coded
from marc_mappings.mods import elements as mods_elements
from marc_mappings.mods.elements import Element
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss
from tests.marc_mappings.conftest import LEADER, SHARED, field, record

CASES = sorted((Path(__file__).parent / "crosswalk_cases" / "marc21_to_mods").iterdir())
NS = {"m": mods_elements.NAMESPACE}


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """The MODS 3.7 schema; tests that use it skip where it is absent."""
    path = SHARED / "schemas" / "mods-3-7.xsd"
    if not path.is_file():
        pytest.skip(f"no schema at {path}")
    return etree.XMLSchema(etree.parse(path))


def read_case(folder: Path) -> Record:
    """Return the record of ``in.txt``; ``{dollar}`` is a dollar sign in the text."""
    leader, *lines = (folder / "in.txt").read_text(encoding="utf-8").splitlines()
    fields = [_with_dollars(field(line)) for line in lines]
    return Record(leader[4:], tuple(fields))


def _with_dollars(one: Field) -> Field:
    parts = tuple(Subfield(c, v.replace("{dollar}", "$")) for c, v in one.subfields)
    return one._replace(subfields=parts)


def tree(one: Record) -> etree._Element:
    """Return what is written of a record, parsed."""
    return etree.fromstring(marc21_to_mods.write(one))


def texts(one: Record, path: str) -> list[str]:
    """Return the texts at an XPath in what is written of a record."""
    found = tree(one).xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [each if isinstance(each, str) else str(each.text) for each in found]  # type: ignore[union-attr]


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_case_is_converted_as_it_was_approved(folder: Path) -> None:
    one = read_case(folder)
    made = etree.tostring(tree(one), pretty_print=True, encoding="unicode")
    assert made == (folder / "out.xml").read_text(encoding="utf-8")
    lost = "".join(f"{x.tag}\t{x.codes}\t{x.reason}\n" for x in marc21_to_mods.convert(one)[1])
    assert lost == (folder / "lost.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_case_is_valid(folder: Path, schema: etree.XMLSchema) -> None:
    schema.assertValid(tree(read_case(folder)))


def test_an_empty_record_is_a_valid_document(schema: etree.XMLSchema) -> None:
    for empty in (Record(LEADER, ()), Record("", ())):
        schema.assertValid(tree(empty))
        assert marc21_to_mods.convert(empty)[1] == ()


def test_what_is_written_has_no_prolog_and_one_root() -> None:
    made = marc21_to_mods.write(record("245 00$aA"))
    assert made.startswith(b'<mods xmlns="http://www.loc.gov/mods/v3"')
    assert made.count(b"<mods ") == 1


# Tags of rows and beyond; codes, indicators and controls that the schema is picky about.
_TAGS = sorted({rule.place[:3] for rule in marc21_to_mods.RULES} | {"880", "999", "LDR", "ABC"})
_TEXT = st.one_of(
    st.text(max_size=12),
    st.text(st.characters(), max_size=6),
    st.sampled_from(
        [
            *("http://a b/%zz#x#y", "//[::1", "http://x:y:z@h:p/", "1:2", "880-01/$1"),
            *("245-01/$1/r", "d1999", "\x00", "\ud800", "a]]>&<\"'", "\x98The \x9ctale"),
            *("1998\x1f", "  "),
        ]
    ),
)


def _field(tag: str, indicators: str, parts: list[tuple[str, str]], value: str) -> Field:
    if tag.startswith("00"):
        return Field(tag, "", (), value)
    return Field(tag, indicators, tuple(Subfield(*part) for part in parts))


_FIELDS = st.builds(
    _field,
    st.sampled_from(_TAGS),
    st.sampled_from(["  ", "00", "1 ", " 1", "12", "27", "34", "48", "99", ""]),
    st.lists(st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789"), _TEXT), max_size=9),
    st.one_of(_TEXT, st.text("0123456789|# abcdefgst", min_size=38, max_size=40)),
)
_RECORDS = st.builds(
    lambda leader, fields: Record(leader, tuple(fields)),
    st.one_of(st.just(LEADER), st.text("acdefgijkmoprst#| 45", min_size=0, max_size=24)),
    st.lists(_FIELDS, max_size=8),
)


@settings(max_examples=120, deadline=None)
@given(_RECORDS)
def test_whatever_the_record_the_document_is_valid(schema: etree.XMLSchema, one: Record) -> None:
    schema.assertValid(tree(one))


_WORDS = st.text("abcdefghij", min_size=4, max_size=8)


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from([tag for tag in _TAGS if not tag.startswith("00") and tag.isdigit()]),
    st.sampled_from(["  ", "00", "12", "10", "40"]),
    st.lists(st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), _WORDS), min_size=1),
)
def test_every_subfield_is_in_the_document_or_in_the_loss_report(
    tag: str, indicators: str, parts: list[tuple[str, str]]
) -> None:
    """Codes that become words (languages, roles by address) are letters of a word all the same."""
    one = Record(LEADER, (_field(tag, indicators, parts, ""),))
    made, lost = marc21_to_mods.convert(one)
    said = _all_text(made).casefold()
    codes = "".join(loss.codes for loss in lost)
    if any(not loss.codes for loss in lost):
        return
    for code, value in parts:
        known = code in codes or value in said or code in _READ_AS_A_WHOLE.get(tag, "")
        assert known, (tag, code, value, said, lost)


# Subfields whose text stands nowhere although they are read: codes that are no language, and the
# codes of terms that stand beside them.
_READ_AS_A_WHOLE = {
    "041": "abdefghijkmnpqrt",
    **dict.fromkeys(("765", "767", "775", "776", "770", "777", "780", "785", "786", "787"), "e"),
    **dict.fromkeys(("760", "762", "772", "773", "774"), "e"),
    "040": "b",
    **dict.fromkeys(("336", "337", "338"), "b"),
}


def _all_text(elements: tuple[Element, ...]) -> str:
    words = []
    for one in elements:
        words += [one.text, *(value for _, value in one.attributes), _all_text(one.children)]
    return " ".join(words)


def test_a_field_and_its_880_are_one_group_and_the_880_says_its_script() -> None:
    one = record("245 00$6880-01$aTitle", "880 00$6245-01/{1}$a제목", "880 00$6245-00/(N$aНазвание")
    assert texts(one, "//m:titleInfo/@altRepGroup") == ["01", "01"]
    assert texts(one, "//m:titleInfo/@script") == ["Kore", "Cyrl"]


def test_the_parts_of_a_related_item_carry_the_group() -> None:
    one = record("830 _0$6880-02$aSeries", "880 _0$6830-02/(2$aסדרה")
    assert texts(one, "//m:relatedItem/m:titleInfo/@altRepGroup") == ["02", "02"]


@pytest.mark.parametrize(
    ("said", "text", "script"),
    [
        ("245-01/$1", "菜食主義者", "Hani"),
        ("245-01/$1", "菜食主義の人", "Jpan"),
        ("245-01/(3/r", "كتاب", "Arab"),
        ("245-01/Thai", "1984", "Thai"),
        ("245-01", "ไทย", "Thai"),
        ("245-01", "बिहानी", "Deva"),
        ("245-01", "...", "Zyyy"),
    ],
)
def test_the_script_is_what_6_says_or_what_the_letters_are(
    said: str, text: str, script: str
) -> None:
    one = Field("880", "00", (Subfield("6", said), Subfield("a", text)))
    assert scripts.of_field(one) == script


@pytest.mark.parametrize(
    ("line", "article"),
    [
        ("245 04$aThe title", "The "),
        ("245 02$aL'avenir", "L'"),
        ("245 00$aThe title", ""),
        ("245 03$aTitles", ""),
        ("245 09$aShort", ""),
        ("245 00$a\x98Der \x9cTitel", "Der "),
    ],
)
def test_an_article_is_cut_off_only_where_it_ends(line: str, article: str) -> None:
    assert "".join(texts(record(line), "//m:nonSort")) == article


def test_what_one_publication_says_is_one_origin_info() -> None:
    one = record(
        "008 070301s2007    ko            000 1 kor d",
        "250 __$a2nd ed.",
        "260 __$aSeoul :$bMinumsa,$c2007.",
    )
    assert len(texts(one, "//m:originInfo")) == 1
    assert texts(one, "//m:originInfo/*/text() | //m:placeTerm") == [
        "ko", "Seoul", "Minumsa", "2007", "2007", "2nd ed.", "single unit",
    ]  # fmt: skip


def test_an_address_stands_only_where_the_schema_has_room(schema: etree.XMLSchema) -> None:
    for tag in sorted({rule.place[:3] for rule in marc21_to_mods.RULES}):
        if not tag.startswith("00"):
            one = record(
                f"{tag} __$aA$tB$uhttp://example.org/x$0http://example.org/0$2c$iD$3E$6880-01"
            )
            schema.assertValid(tree(one))


def test_events_of_264_stand_apart() -> None:
    one = record("264 _1$bPublisher", "264 _2$bDistributor", "264 _4$c©2001")
    assert texts(one, "//m:originInfo/@eventType") == [
        "publication",
        "distribution",
        "copyright notice",
    ]
    assert texts(one, "//m:copyrightDate") == ["©2001"]


def test_the_printer_in_260_is_an_event_of_its_own() -> None:
    one = record("260 __$aParis :$bA,$c1984$e(Lyon :$fB)$g(1985 printing)")
    assert texts(one, "//m:originInfo[@eventType='manufacture']/m:publisher") == ["B"]
    assert texts(one, "//m:originInfo[not(@eventType)]/m:publisher") == ["A"]


def test_a_series_traced_in_8xx_is_said_once() -> None:
    one = record("490 1_$aSeries ;$v1", "830 _0$aSeries (Place) ;$v1")
    assert texts(one, "//m:relatedItem/m:titleInfo/m:title") == ["Series (Place)"]
    assert Loss("490", "", "traced in 800-830") in marc21_to_mods.convert(one)[1]
    assert texts(record("490 1_$aSeries"), "//m:relatedItem//m:title") == ["Series"]


def test_a_relation_that_mods_has_no_type_for_is_said_in_words() -> None:
    one = record(
        "787 08$iIs abstract of:$tA", "776 08$iPrint version:$tB", "700 1_$iSequel to:$aC$tD"
    )
    assert texts(one, "//m:relatedItem/@otherType") == ["Is abstract of", "Sequel to"]
    assert texts(one, "//m:relatedItem[@type='otherFormat']/@displayLabel") == ["Print version"]


def test_what_is_marked_private_is_not_said() -> None:
    one = record("541 0_$aGift of N. N.", "561 1_$aOnce a king's")
    made = marc21_to_mods.write(one).decode()
    assert "N. N." not in made
    assert "Once a king's" in made


def test_an_authority_number_that_is_no_address_is_reported() -> None:
    one = record("650 _7$aA$2gnd$0(DE-588)1", "650 _0$aB$0http://id.loc.gov/authorities/x")
    assert texts(one, "//m:subject/@valueURI") == ["http://id.loc.gov/authorities/x"]
    assert [(loss.tag, loss.codes) for loss in marc21_to_mods.convert(one)[1]] == [("650", "0")]


@pytest.mark.parametrize("kind", sorted(mods_coded.GENRES))
def test_positions_of_008_do_not_overlap_and_are_inside_it(kind: str) -> None:
    positions = [at for start, end, _ in mods_coded.GENRES[kind] for at in range(start, end)]
    assert len(positions) == len(set(positions))
    assert min(positions) >= 18
    assert max(positions) <= 34


@settings(max_examples=200)
@given(st.text(max_size=30))
def test_an_address_stays_one_when_it_is_escaped_again(text: str) -> None:
    once = mods_elements.uri(text)
    assert once.isascii()
    assert not set(once) & set(' <>"{}|\\^`[]')
    assert mods_elements.uri(once) == once


def test_real_records_are_valid(corpus: Path, schema: etree.XMLSchema) -> None:
    """Some records of every file of every dialect, however unlike MARC 21 it is."""
    checked = 0
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows:
        path = corpus / row["file"]
        if row["kind"] not in ("iso2709", "xml") or not path.is_file():
            continue
        for one in _some(path):
            schema.assertValid(tree(one))
            checked += 1
    assert checked > 900


def _some(path: Path) -> list[Record]:
    """Return the first record of a file and every 23rd; none of a file that is no MARC."""
    try:
        with path.open("rb") as stream:
            slices = list(islice(formats.cut(stream), 0, 700, 23))
    except formats.NotMarc:
        return []
    return [item.record for item in map(formats.parse, slices) if isinstance(item, Parsed)]
