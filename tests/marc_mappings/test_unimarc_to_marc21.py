"""UNIMARC, CNMARC, CMARC and RUSMARC to MARC 21: the cases, the guarantees, the real records."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from marc_mappings import codes, encodings, iso2709, marcxml, match_keys, unimarc_to_marc21
from marc_mappings.framing import directory
from marc_mappings.keys import identifiers
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss, Table
from marc_mappings.unimarc_to_marc21 import DIALECTS, convert
from tests.marc_mappings.conftest import SHARED, field

CASES = Path(__file__).parent / "crosswalk_cases" / "unimarc_to_marc21"
LEADER = "00000nam0 2200000   450 "


def read(text: str) -> tuple[Record, str]:
    """Read a case: ``# dialect``, the leader, a field a line; ``_`` is a blank indicator."""
    dialect, leader, *lines = text.splitlines()
    record = Record(leader.removeprefix("LDR "), tuple(_linked(field(line)) for line in lines))
    return record, dialect.removeprefix("# ")


def _linked(one: Field) -> Field:
    """Indicators inside $1 are written with ``_`` too."""
    parts = (
        Subfield(code, value.replace("_", " ") if code == "1" and value[:2] != "00" else value)
        for code, value in one.subfields
    )
    return one._replace(subfields=tuple(parts))


def written(record: Record) -> str:
    """Write a record as ``read`` has it, ``$1`` of a script code as ``{1}``."""
    lines = [f"LDR {record.leader}"]
    for tag, indicators, subfields, value in record.fields:
        parts = [f"${code}{text.replace('$1', '{1}')}" for code, text in subfields]
        lines.append(f"{tag} {value}{indicators.replace(' ', '_')}{''.join(parts)}")
    return "\n".join(lines) + "\n"


def told(lost: tuple[Loss, ...]) -> str:
    """Write losses: tag, subfields, reason."""
    lines = (f"{loss.tag} ${loss.codes}" if loss.codes else loss.tag for loss in lost)
    return "".join(
        f"{line}: {loss.reason}\n" if loss.reason else f"{line}\n"
        for line, loss in zip(lines, lost, strict=True)
    )


def unimarc(*lines: str, leader: str = LEADER) -> Record:
    return Record(leader, tuple(_linked(field(line)) for line in lines))


def lines_of(record: Record, *tags: str) -> list[str]:
    return written(Record("", tuple(record.all(*tags)))).splitlines()[1:]


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_the_case_comes_out_as_its_folder_says(case: str) -> None:
    folder = CASES / case
    record, dialect = read((folder / "in.txt").read_text(encoding="utf-8"))
    made, lost = convert(record, dialect)
    assert written(made) == (folder / "out.txt").read_text(encoding="utf-8")
    assert told(lost) == (folder / "lost.txt").read_text(encoding="utf-8")
    assert (folder / "README").read_text(encoding="utf-8").strip()


def test_an_empty_record_gives_a_valid_one_that_says_nothing() -> None:
    made, lost = convert(Record("", ()))
    assert made.leader == "00000nam a2200000 i 4500"
    assert [field.tag for field in made.fields] == ["008"]
    # Blank are only the date entered, which must not be a fill character, and what is undefined.
    assert made.control("008") == " " * 6 + "|" * 26 + " " + "|" * 7
    assert not lost


def test_an_unknown_dialect_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match="unimarc, cnmarc, cmarc, rusmarc"):
        convert(Record("", ()), "intermarc")


@pytest.mark.parametrize(
    ("said", "agency"),
    [
        (["801 _0$aRU$bRKP", "801 _1$aRU$bRKP", "801 _2$aRU$bNLR"], "NLR"),
        (["801 _0$aCN$bNLC", "801 _2$aCN$bGDL", "801 _2$aCN$bBNU"], "BNU"),
        (["801 _3$aCN$bNLC", "801 _2$aCN$bBNU"], "NLC"),
        (["801 _1$aRU$bRSL"], "RSL"),
        (["801 _3$aIT$bICCU"], "ICCU"),
        (["801 _0$aSK$b01"], "SK-01"),
        (["801 _0$aSK"], ""),
        ([], ""),
    ],
)
def test_a_control_number_is_found_again_by_its_agency(said: list[str], agency: str) -> None:
    made, _ = convert(unimarc("001 X1", *said))
    assert made.control_number == "X1"
    assert made.agency == agency
    found = {key.value for key in match_keys.keys(made) if key.kind == "control"}
    assert found == ({f"({agency.upper()})X1"} if agency else set())


def test_a_chinese_number_of_before_1987_is_a_key() -> None:
    made, _ = convert(unimarc("091 __$a10019·1234"), "cnmarc")
    assert match_keys.Key("csbn", "10019·1234") in match_keys.keys(made)


def test_no_title_gets_a_responsibility_in_the_subfield_that_marc_21_has_not() -> None:
    made, _ = convert(unimarc("200 1_$aA$dB$eC$fD$gE$hF$iG$cH$fI$v2"))
    assert {part.code for each in made.all("245") for part in each.subfields} <= set("abcnp")


@pytest.mark.parametrize(
    ("title", "skips"),
    [
        ("\u0088Le \u0089livre", "3"),
        ("\u0098Le \u009clivre", "3"),
        ("\u02dcLe \u0153livre", "3"),
        ("<<Le >>livre", "3"),
        ("≪Le≫ livre", "3"),
        ("\u2260Le \u2260livre", "3"),
        ("¬Le ¬livre", "3"),
        ("Le *livre", "3"),
        ("Le livre", "0"),
    ],
)
def test_non_sorting_marks_in_every_spelling_become_the_second_indicator(
    title: str, skips: str
) -> None:
    made, _ = convert(unimarc(f"200 1_$a{title}"))
    assert lines_of(made, "245") == [f"245 0{skips}$aLe livre"]


@pytest.mark.parametrize("text", ["<<>>", "<<", "\u0088\u0089", "I", "1 ", "(", "第1", "*a", "-1"])
def test_a_long_odd_text_takes_no_long_time(text: str) -> None:
    long = text * 50_000
    started = time.process_time()
    record = unimarc("461 _0$12001_$aSet", leader="00000nam2 2200000   450 ")
    own = Field("200", "1 ", (Subfield("a", long), Subfield("h", text * 19), Subfield("a", long)))
    name = Field("700", " 1", (Subfield("a", long), Subfield("4", long)))
    convert(Record(record.leader, (*record.fields, own, name)))
    assert time.process_time() - started < 2


def test_an_asterisk_and_the_letter_oe_in_a_title_are_left_alone() -> None:
    for text in ("C*-algebras", "˜x", "Œuvres et cœur", "Sœur * et frère"):
        made, _ = convert(unimarc(f"200 1_$a{text}"))
        assert lines_of(made, "245") == [f"245 00$a{text}"]


def test_only_one_name_is_the_main_entry() -> None:
    made, _ = convert(
        unimarc("200 1_$aT", "700 _1$aA$bB", "710 02$aC", "500 11$aU", "500 11$aV", "501 __$aW")
    )
    assert lines_of(made, "100", "110", "130", "240", "243", "710", "730") == [
        "100 1_$aA, B", "240 10$aU", "710 2_$aC", "730 0_$aV", "730 0_$aW"
    ]  # fmt: skip


def test_without_a_name_the_uniform_title_is_the_main_entry() -> None:
    made, _ = convert(unimarc("200 1_$aT", "500 11$a<<The >>U"))
    assert lines_of(made, "130", "245") == ["130 4_$aThe U", "245 00$aT"]


def test_names_in_chinese_japanese_and_korean_get_no_comma() -> None:
    for name in ("$a海明威", "$a夏目$b漱石", "$a한강", "$c(美)$a海明威$f1899-1961$4著"):
        made, _ = convert(unimarc(f"701 _0{name}"), "cnmarc")
        (one,) = made.all("100")
        assert "," not in "".join(value for _, value in one.subfields)
        assert not one.first("a").startswith("(")
        assert one.indicators == "1 "


def test_chinese_records_with_a_700_keep_their_701_as_added_entries() -> None:
    made, _ = convert(unimarc("701 _0$a叶震", "700 _0$a李强"), "cnmarc")
    assert lines_of(made, "100", "700") == ["100 1_$a李强", "700 1_$a叶震"]


def test_other_dialects_make_no_main_entry_of_a_701() -> None:
    made, _ = convert(unimarc("701 _1$aMiller$bAnn"), "unimarc")
    assert lines_of(made, "100", "700") == ["700 1_$aMiller, Ann"]


@pytest.mark.parametrize("flavour", DIALECTS)
def test_local_classes_are_mapped_only_where_the_dialect_has_them(flavour: str) -> None:
    made, lost = convert(unimarc("690 __$aF124", "681 __$a829.89", "621 __$a84(2)"), flavour)
    assert (
        lines_of(made, "084")
        == {
            "unimarc": [],
            "cnmarc": ["084 __$aF124$2clc"],
            "cmarc": ["084 __$a829.89$2ncsclt"],
            "rusmarc": ["084 __$a84(2)$2rubbk"],
        }[flavour]
    )
    assert len(lost) == (3 if flavour == "unimarc" else 2)


def test_the_other_form_is_numbered_with_its_field_and_no_number_is_used_twice() -> None:
    made, _ = convert(
        unimarc("200 1_$a白夜$Abai ye", "517 1_$a夜$Aye", "701 _0$a贾平凹$AJia Pingwa"), "cnmarc"
    )
    pairs: dict[str, list[str]] = {}
    for each in made.fields:
        link = each.first("6")
        if each.tag == "880":
            pairs.setdefault(link[4:6], []).append(link[:3])
        elif link:
            pairs.setdefault(link[4:6], []).insert(0, each.tag)
    assert pairs == {"01": ["245", "245"], "02": ["246", "246"], "03": ["100", "100"]}


def test_a_title_said_twice_takes_its_other_form_with_it() -> None:
    made, _ = convert(unimarc("200 1_$a夜$d白夜$Aye$Dbai ye", "510 1_$a白夜$Abai ye"), "cnmarc")
    assert lines_of(made, "246", "880") == [
        "246 31$6880-02$a白夜", "880 00$6245-01/(B$aye =$bbai ye", "880 31$6246-02/(B$abai ye"
    ]  # fmt: skip


# Coded values.


def test_every_relator_code_is_one_of_marc_21() -> None:
    known = codes.relators()
    for number, relator in codes.relators_from_unimarc().items():
        assert relator.code == "" or known[relator.code].now == relator.code, number
        assert relator.term or number == "000"
    assert set(codes.roles_from_unimarc().values()) <= set(known)
    for marc21, number in codes.relators_to_unimarc().items():
        assert number in codes.relators_from_unimarc(), marc21


def _positions(tag: str, start: str) -> set[str]:
    path = SHARED / "marc-data" / "avram-unimarc.json"
    if not path.is_file():
        pytest.skip(f"no definition of UNIMARC at {path}")
    subfield = json.loads(path.read_text(encoding="utf-8"))["fields"][tag]["subfields"]["a"]
    position = subfield["positions"][start]
    return set(position.get("codes") or position["flags"]) - {" ", "  "}


@pytest.mark.parametrize(
    ("name", "tag", "start"),
    [
        ("date_type", "100", "08"),
        ("audience", "100", "17-19"),
        ("government", "100", "20"),
        ("modified", "100", "21"),
        ("script", "100", "34-35"),
        ("illustrations", "105", "00-03"),
        ("contents", "105", "04-07"),
        ("literature", "105", "11"),
        ("biography", "105", "12"),
        ("form_of_item", "106", "00"),
        ("serial_type", "110", "00"),
        ("frequency", "110", "01"),
        ("regularity", "110", "02"),
        ("serial_contents", "110", "03"),
        ("serial_contents", "110", "04-06"),
    ],
)
def test_every_code_of_the_manual_has_its_value(name: str, tag: str, start: str) -> None:
    assert set(codes.from_unimarc(name)) == _positions(tag, start)


def test_both_directions_of_a_list_agree() -> None:
    for name in codes.coded_lists():
        there, back = codes.from_unimarc(name), codes.to_unimarc(name)
        for unimarc_code, marc21 in there.items():
            if marc21 in back and there.get(back[marc21]) != marc21:
                pytest.fail(f"{name}: {unimarc_code} > {marc21} < {back[marc21]}")


@pytest.mark.parametrize("kind", "abcdefgijklmr")
@pytest.mark.parametrize("level", "amsic")
def test_008_has_40_characters_for_every_kind_of_material(kind: str, level: str) -> None:
    made, _ = convert(
        unimarc("100 __$a20000101d2000", leader=f"00000n{kind}{level}0 2200000   450 ")
    )
    assert len(made.control("008")) == 40


# Guarantees.

_TAGS = sorted(
    {row.place[:3] for table in (unimarc_to_marc21.RULES, unimarc_to_marc21.CNMARC,
                                 unimarc_to_marc21.CMARC) for row in table}
    | set(unimarc_to_marc21.AROUND) | {"245", "880", "999", "AVA", "905"}
)  # fmt: skip
_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), max_size=12)
_ODD = st.one_of(
    _TEXT,
    st.sampled_from(
        ["<<", ">>", "<<a", "\u0088", "2001 ", "70", "001", "a01", "245-01/$1", "070", "070 x", "*",
         "20020204d1994    em y0chiy0120    ea", "chi", "CN", "(", "()", "著", "海", " ", "1", ","]
    ),
)  # fmt: skip
_FIELDS = st.builds(
    lambda tag, indicators, parts, value: (
        Field(tag, "", (), value) if tag < "010" else Field(tag, indicators, tuple(parts))
    ),
    st.sampled_from(_TAGS),
    st.sampled_from(["  ", "0 ", "1 ", "12", " 0", " 1", "| ", "#9"]),
    st.lists(st.builds(Subfield, st.sampled_from(string.ascii_letters + string.digits), _ODD)),
    _ODD,
)
_SCHEMA = SHARED / "schemas" / "MARC21slim.xsd"


@settings(max_examples=100, deadline=None)
@given(st.lists(_FIELDS, max_size=6), st.sampled_from(DIALECTS), st.text(max_size=26))
def test_it_never_raises_and_the_record_is_always_one(
    fields: list[Field], dialect: str, leader: str
) -> None:
    made, lost = convert(Record(leader, tuple(fields)), dialect)
    _is_a_record(made)
    assert len(set(lost)) == len(lost)
    assert {loss.tag for loss in lost} <= {each.tag for each in fields}


def _is_a_record(made: Record) -> None:
    assert len(made.leader) == 24
    assert made.leader[9] == "a"
    assert len(made.control("008")) == 40
    assert sum(1 for _ in made.all("100", "110", "111", "130")) <= 1
    assert sum(1 for _ in made.all("008", "240", "243")) <= 2
    for each in made.fields:
        assert each.tag.isdigit()
        assert (each.value and not each.subfields) or (each.subfields and not each.value), each
        assert each.tag < "010" or len(each.indicators) == 2
        for code, value in each.subfields:
            assert code.isdigit() or (code.isalpha() and code.islower()), each
            assert value.strip(), each
    again = iso2709.parse(iso2709.write(made)).record
    assert again.fields == tuple(_normal(each) for each in made.fields)


def _normal(one: Field) -> Field:
    parts = tuple(Subfield(code, normalize("NFC", value)) for code, value in one.subfields)
    return one._replace(subfields=parts, value=normalize("NFC", one.value))


_WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=9)
_PLAIN_FIELDS = st.builds(
    lambda tag, indicators, codes_, words: Field(
        tag, indicators, tuple(map(Subfield, codes_, words))
    ),
    st.sampled_from([tag for tag in _TAGS if tag >= "010" and tag[0] not in "189"] + ["856"]),
    st.sampled_from(["  ", "0 ", "1 ", "12", " 1", "11"]),
    st.lists(st.sampled_from(string.ascii_lowercase + "abAB02345679"), min_size=1, max_size=6),
    st.lists(_WORDS, min_size=6, max_size=6, unique=True),
)


@settings(max_examples=300, deadline=None)
@given(_PLAIN_FIELDS, st.sampled_from(DIALECTS))
def test_every_word_is_in_the_result_or_its_subfield_in_the_losses(
    one: Field, dialect: str
) -> None:
    made, lost = convert(Record(LEADER, (one,)), dialect)
    text = " ".join(value for each in made.fields for _, value in each.subfields)
    named = "".join(loss.codes for loss in lost)
    whole = any(not loss.codes for loss in lost)
    for code, value in one.subfields:
        assert whole or code.lower() in named.lower() or value in text, (code, value, lost)


@settings(max_examples=100, deadline=None)
@given(_PLAIN_FIELDS, st.sampled_from(["410", "454", "461"]))
def test_every_embedded_word_is_in_the_result_or_in_the_losses(inner: Field, tag: str) -> None:
    head = Subfield("1", inner.tag + inner.indicators)
    title = (Subfield("1", "2001 "), Subfield("a", "The set"))
    one = Field(tag, " 0", (*title, head, *inner.subfields))
    made, lost = convert(Record(LEADER, (one,)))
    text = " ".join(value for each in made.fields for _, value in each.subfields)
    named = "".join(loss.codes for loss in lost)
    for code, value in inner.subfields:
        assert code in named or "1" in named or value in text, (code, value, written(made), lost)


def test_every_table_names_its_sources_and_gives_reasons() -> None:
    for rows in (unimarc_to_marc21.RULES, unimarc_to_marc21.CNMARC, unimarc_to_marc21.CMARC):
        assert all(row.source and row.how for row in rows)
        Table(rows, unimarc_to_marc21.DROPPED)
    assert all(unimarc_to_marc21.AROUND.values())


# Real records.

SLOVAK = "OpenDataNode__UVPlugin-ISO2709ToMarcXML/src/test/resources/comsode.mrc"
RUSSIAN = (
    "amironov73__ManagedIrbis/TestData/TEST1.ISO",
    "loge-gh__rusmarc/tests/data/TEST1.ISO",
    "loge-gh__rusmarc/tests/data/TEST2.ISO",
)
TAIWAN = "feelovejun__marc21tocmarc/MarcTranser/20171117_423294_ntuedu_CMARC.mrc"
TAIWAN_ORIGINAL = "feelovejun__marc21tocmarc/MarcTranser/20171117_423294_ntuedu_Full-MARC8.mrc"
CHINESE = "DigitalPlatform__dp2/dp2Catalog/SRU/sample_kormarcxml.xml"
FRENCH = "rero__rero-ils/tests/data/xml/bnf"
OTHERS = (
    "feelovejun__marc21tocmarc/marc21tocmarc/output.txt",
    "LibreCat__Catmandu-MARC/t/dollar_subfields.mrc",
    "NatLibFi__usemarcon/uni2uk/uni.mrc",
    "edsu__pymarc/test/testunimarc.dat",
    "pkiraly__qa-catalogue/src/test/resources/unimarc/short.bnr.1993.mrc",
)


def _records(path: Path, encoding: str = "utf-8") -> Iterator[Record]:
    """Yield the records of an ISO 2709 file in an encoding we know, whatever they say of it."""
    for raw in path.read_bytes().split(b"\x1d"):
        if len(raw.strip()) < 30:
            continue
        layout = directory.read(raw.lstrip(b"\r\n") + b"\x1d")
        fields = []
        for tag, data in layout.fields:
            text = normalize("NFC", data.decode(encoding, "replace"))
            indicators, *parts = map(encodings.without_junk, text.split("\x1f"))
            if tag < "010" and not parts:
                fields.append(Field(tag, "", (), indicators))
            else:
                subfields = tuple(Subfield(part[0], part[1:]) for part in parts if part)
                fields.append(Field(tag, indicators.ljust(2)[:2], subfields))
        yield Record(layout.leader, tuple(fields))


def _from_xml(path: Path) -> Iterator[Record]:
    """Yield the records of a MARCXML of any namespace."""
    for each in etree.parse(path).iterfind(".//{*}record"):
        leader = each.findtext("{*}leader")
        if leader is None:
            continue
        fields = [
            Field(one.get("tag", ""), one.get("ind1", " ") + one.get("ind2", " "),
                  tuple(Subfield(part.get("code", ""), part.text or "") for part in one))
            if len(one) else Field(one.get("tag", ""), "", (), one.text or "")
            for one in each.iterfind("*[@tag]")
        ]  # fmt: skip
        yield Record(leader, tuple(fields))


def _unimarc_of(corpus: Path) -> Iterator[tuple[Record, str]]:
    for name in RUSSIAN:
        for record in _records(corpus / name, "cp1251"):
            yield record, "rusmarc"
    for name in (SLOVAK, *OTHERS):
        for record in _records(corpus / name):
            yield record, "unimarc"
    for record in _records(corpus / TAIWAN):
        yield record, "cmarc"
    for record in _from_xml(corpus / CHINESE):
        yield record, "cnmarc"
    for path in sorted((corpus / FRENCH).glob("*.xml")):
        for record in _from_xml(path):
            yield record, "unimarc"


def _share(found: list[bool]) -> float:
    assert len(found) > 500
    return sum(found) / len(found)


def test_language_and_country_are_right_where_real_records_state_them(corpus: Path) -> None:
    languages, countries = [], []
    for record, dialect in _unimarc_of(corpus):
        made, _ = convert(record, dialect)
        fixed = made.control("008")
        said = next((value for each in record.all("101") for value in each.all("a")), "").strip()
        if said:
            languages.append(fixed[35:38] == codes.marc_language(said[:3]) != "")
        said = next((value for each in record.all("102") for value in each.all("a")), "")
        if said.strip():
            marc = fixed[15:18].strip()
            countries.append(marc == said.strip() or codes.place_of(marc) == said.strip().upper())
    assert _share(languages) >= 0.99
    assert _share(countries) >= 0.99


def test_of_real_records_only_what_has_truly_no_place_gets_lost_without_a_reason(
    corpus: Path,
) -> None:
    lost: dict[tuple[str, str], int] = {}
    for record, dialect in _unimarc_of(corpus):
        for loss in convert(record, dialect)[1]:
            if not loss.reason:
                lost[loss.tag, loss.codes] = lost.get((loss.tag, loss.codes), 0) + 1
    # Typing errors: codes that UNIMARC does not have, and a language code that is none.
    assert lost == {
        ("020", "S"): 1, ("101", "b"): 1, ("101", "l"): 1, ("110", "z"): 1, ("200", "["): 1,
        ("702", "0"): 1,
    }  # fmt: skip


def test_real_records_come_out_as_records(corpus: Path) -> None:
    schema = etree.XMLSchema(etree.parse(_SCHEMA)) if _SCHEMA.is_file() else None
    for at, (record, dialect) in enumerate(_unimarc_of(corpus)):
        made, _ = convert(record, dialect)
        if at % 7 == 0 or dialect != "unimarc":
            _is_a_record(made)
            if schema:
                schema.assertValid(etree.fromstring(marcxml.write(made)))


def test_records_of_taiwan_agree_with_the_marc_21_they_were_made_of(corpus: Path) -> None:
    originals = {one.control_number: one for one in _records(corpus / TAIWAN_ORIGINAL, "latin-1")}
    found: dict[str, list[bool]] = {}
    for record in _records(corpus / TAIWAN):
        made, _ = convert(record, "cmarc")
        for element, same in _compared(made, originals[made.control_number]).items():
            found.setdefault(element, []).append(same)
    agreed = {element: sum(each) for element, each in found.items()}
    # Three authors are a 700 in the original, and the only 700 of UNIMARC here.
    assert agreed == {
        "language": 19, "country": 19, "date": 19, "isbn": 19, "title": 19, "responsibility": 19,
        "author": 16,
    }  # fmt: skip


def _compared(made: Record, original: Record) -> dict[str, bool]:
    one, other = made.control("008"), original.control("008")

    def of(record: Record, tag: str, wanted: str) -> str:
        text = "".join(value for each in record.all(tag) for value in each.all(wanted))
        return "".join(char for char in text.casefold() if char.isalnum())

    def isbns(record: Record) -> list[str]:
        return sorted(identifiers.isbn13(v) for each in record.all("020") for v in each.all("az"))

    return {
        "language": one[35:38] == other[35:38],
        "country": codes.place_of(one[15:18]) == codes.place_of(other[15:18]),
        "date": one[7:11] == other[7:11],
        "isbn": isbns(made) == isbns(original),
        "title": of(made, "245", "ab") == of(original, "245", "ab"),
        "responsibility": of(made, "245", "c") == of(original, "245", "c"),
        "author": of(made, "100", "a") == of(original, "100", "a"),
    }


def test_volumes_of_the_russian_national_library_have_the_title_of_their_set(corpus: Path) -> None:
    below = [
        (record, convert(record, "rusmarc")[0])
        for record in _records(corpus / RUSSIAN[0], "cp1251")
        if record.leader[8] == "2" and any(True for _ in record.all("461"))
    ]
    assert len(below) > 10
    for record, made in below:
        (title,) = made.all("245")
        link = next(record.all("461"))
        assert title.first("a").rstrip(".:/ =") == link.first("a").rstrip(".:/ ="), written(made)
        assert title.first("n") or title.first("p")
        parts = [value.strip(" ,.") for value in title.all("np")]
        assert len(parts) == len(set(parts)), written(made)


def test_numbers_of_the_russian_national_library_are_given_to_it(corpus: Path) -> None:
    for name in RUSSIAN:
        for record in _records(corpus / name, "cp1251"):
            made, _ = convert(record, "rusmarc")
            assert made.agency == "NLR"
            assert made.control_number.startswith("RU\\NLR\\")


def test_it_takes_records_of_any_dialect_without_complaint(corpus: Path) -> None:
    files = sorted(path for path in corpus.rglob("*.mrc") if path.stat().st_size < 400_000)
    count = 0
    for path in files:
        try:
            records = list(_records(path, "latin-1"))[:15]
        except ValueError:  # damaged on purpose; reading them is tested elsewhere
            continue
        for record in records:
            made, _ = convert(record, DIALECTS[count % 4])
            assert len(made.control("008")) == 40
            count += 1
    assert count > 200
