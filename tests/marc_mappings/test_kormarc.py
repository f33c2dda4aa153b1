"""KORMARC to MARC 21 and back: what looks alike and means something else is never just copied."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from marc_mappings import (
    codes,
    formats,
    iso2709,
    kormarc_to_marc21,
    marc21_to_kormarc,
    marcxml,
    match_keys,
)
from marc_mappings.formats import Parsed
from marc_mappings.framing import directory
from marc_mappings.keys import identifiers
from marc_mappings.kormarc import coded as kormarc_coded
from marc_mappings.kormarc import numbers as kormarc_numbers
from marc_mappings.kormarc import places as kormarc_places
from marc_mappings.kormarc import title as kormarc_title
from marc_mappings.kormarc import variants as kormarc_variants
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss
from tests.marc_mappings.conftest import SHARED, field, record

Convert = Callable[[Record], tuple[Record, tuple[Loss, ...]]]

CASES = Path(__file__).parent / "crosswalk_cases"
MAPPINGS: dict[str, Convert] = {
    "kormarc_to_marc21": kormarc_to_marc21.convert,
    "marc21_to_kormarc": marc21_to_kormarc.convert,
}
KORMARC_FILES = ("marc.txt", "TESTMARC.TXT")
KORMARC_FOLDER = "kolas3__kolas/develop/Source/ESL/MARC"
LEADER = "00000nam  2200000 k 4500"
EVERGREEN = "evergreen-library-system__Evergreen/Open-ILS/tests/datasets"
FOREIGN = (
    f"{EVERGREEN}/jazz_1k.mrc",
    f"{EVERGREEN}/hebrew.marc",
    f"{EVERGREEN}/lul_fre_500.mrc",
    "next-l__enju_leaf/spec/fixtures/files/marc21.dat",
    "marc4j__marc4j/test/resources/pride-and-prejudice-with-many-errors.mrc",
    "indexdata__yaz/test/marc-files/marccol4.u8.marc",
)


def _read(text: str) -> Record:
    """Read the lines of a case: ``LDR`` and fields in the notation of conftest."""
    lines = text.splitlines()
    assert lines[0][:3] == "LDR"
    return record(*lines[1:], leader=lines[0][4:])


def _lines(result: Record) -> list[str]:
    found = [f"LDR {result.leader}"]
    for each in result.fields:
        if each.tag < "010":
            found.append(f"{each.tag} {each.value}")
            continue
        parts = [f"${code}{value.replace('$1', '{1}')}" for code, value in each.subfields]
        found.append(f"{each.tag} {each.indicators.replace(' ', '_')}{''.join(parts)}")
    return found


def _lost(losses: tuple[Loss, ...]) -> list[str]:
    return [f"{loss.tag} {loss.codes or '-'} {loss.reason or '-'}" for loss in losses]


def _folders() -> list[Path]:
    return sorted(path for mapping in MAPPINGS for path in (CASES / mapping).iterdir())


@pytest.mark.parametrize("case", _folders(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_case_comes_out_as_it_is_written_down(case: Path) -> None:
    assert "Source: " in (case / "README").read_text(encoding="utf-8")
    source = _read((case / "in.txt").read_text(encoding="utf-8"))
    result, losses = MAPPINGS[case.parent.name](source)
    assert _lines(result) == (case / "out.txt").read_text(encoding="utf-8").splitlines()
    assert _lost(losses) == (case / "lost.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("module", [kormarc_to_marc21, marc21_to_kormarc])
def test_every_row_and_every_given_up_tag_has_a_case(module: ModuleType) -> None:
    mapping = module.__name__.rpartition(".")[2]
    texts = [(path / "in.txt").read_text(encoding="utf-8") for path in (CASES / mapping).iterdir()]
    shown = {line[:3] for text in texts for line in text.splitlines()}
    assert {row.place[:3] for row in module.RULES} <= shown
    local = {"900", "911", "930", "940", "950", "980", "012", "056", "085"}
    given_up = {place for place in module.DROPPED if len(place) == 3}
    assert given_up <= shown | (local if mapping == "marc21_to_kormarc" else set())


def _kormarc_records(corpus: Path) -> Iterator[Record]:
    """Yield the records of the two KORMARC files, decoded as CP949."""
    for name in KORMARC_FILES:
        for raw in (corpus / KORMARC_FOLDER / name).read_bytes().split(b"\x1d"):
            if len(raw.strip()) > 24:
                yield _kormarc_record(raw.lstrip() + b"\x1d")


def _kormarc_record(raw: bytes) -> Record:
    layout = directory.read(raw)
    fields = []
    for tag, data in layout.fields:
        text = normalize("NFC", data.decode("cp949"))
        if tag < "010":
            fields.append(Field(tag, "", (), text))
        else:
            parts = [Subfield(part[0], part[1:]) for part in text[2:].split("\x1f")[1:] if part]
            fields.append(Field(tag, text[:2].ljust(2), tuple(parts)))
    return Record(layout.leader, tuple(fields))


def _title(one: Record) -> list[str]:
    """Return the words of the title, whatever subfields they are in."""
    texts = [value for f in one.all("245") for value in f.all("abnpx")]
    return [text.rstrip(" /:;,=") for text in texts]


def _statements(one: Record) -> list[str]:
    texts = " ; ".join(value for f in one.all("245") for value in f.all("cde"))
    return [text.strip(" /,;") for text in texts.split(" ; ") if text.strip(" /,;")]


def test_korean_records_are_right_in_marc_21(corpus: Path) -> None:
    seen = 0
    for source in _kormarc_records(corpus):
        result, losses = kormarc_to_marc21.convert(source)
        seen += 1
        (title,) = result.all("245")
        assert not set("dex") & {code for code, _ in title.subfields}
        assert title.indicators == "10"  # every record has a main entry, none a term before
        assert _title(result) == _title(source)
        assert _statements(result) == _statements(source)
        fixed = result.control("008")
        assert (len(fixed), fixed[15:18], fixed[35:38]) == (40, "ko ", "kor")
        assert fixed[:15] == source.control("008")[:15]
        assert result.leader[6:10] == "am a"
        assert all(loss.reason for loss in losses)
        assert iso2709.parse(iso2709.write(result)).record == result._replace(
            leader=iso2709.parse(iso2709.write(result)).record.leader
        )
    assert seen == 254


def test_what_korean_records_lose_is_listed(corpus: Path) -> None:
    lost: dict[Loss, int] = {}
    for source in _kormarc_records(corpus):
        for loss in kormarc_to_marc21.convert(source)[1]:
            lost[loss] = lost.get(loss, 0) + 1
    # All: a cataloguing source whose meaning is not verified; prices that are only the won sign.
    assert {tuple(loss): count for loss, count in lost.items()} == {
        ("008", "32", "the other format has no such code"): 254,
        ("900", "", "the field is empty"): 2,
        ("950", "", "the field is empty"): 1,
        ("950", "", "no price in it"): 5,
    }


def test_korean_records_come_back(corpus: Path) -> None:
    """Title, statements, numbers, names, classes and subjects survive the way there and back."""
    for source in _kormarc_records(corpus):
        back, _ = marc21_to_kormarc.convert(kormarc_to_marc21.convert(source)[0])
        assert _title(back) == _title(source)
        assert _statements(back) == _statements(source)
        for tags in (("001",), ("040",), ("056",), ("090",), ("100", "700"), ("260",), ("653",)):
            assert _texts(back, *tags) == _texts(source, *tags)
        assert sorted(_texts(back, "049")) == sorted(_texts(source, "049"))
        assert _texts(back, "490") == _texts(source, "440")
        assert {code for each in back.all("245") for code, _ in each.subfields} == {
            code for each in source.all("245") for code, _ in each.subfields
        }


def _texts(one: Record, *tags: str) -> list[tuple[str, str]]:
    fields = one.all(*tags)
    return [(code, value.rstrip(" /:;,=")) for f in fields for code, value in f.subfields if value]


def test_a_record_is_converted_in_less_than_half_a_millisecond(corpus: Path) -> None:
    records = list(_kormarc_records(corpus))
    best = 1.0
    for _ in range(5):
        start = time.process_time()
        for one in records:
            kormarc_to_marc21.convert(one)
        best = min(best, (time.process_time() - start) / len(records))
    assert best < 0.0005


@pytest.mark.parametrize("name", FOREIGN)
def test_records_of_other_libraries_become_korean_ones(corpus: Path, name: str) -> None:
    seen = 0
    with (corpus / name).open("rb") as stream:
        for item in formats.read(stream):
            if not isinstance(item, Parsed):
                continue
            for convert in MAPPINGS.values():
                result, losses = convert(item.record)
                _is_well_formed(result)
                _accounts_for(item.record, result, losses)
            korean = marc21_to_kormarc.convert(item.record)[0]
            assert not any(True for f in korean.all("245") for _ in f.all("c"))
            assert korean.control("008")[35:38] == item.record.control("008")[35:38].ljust(3, "|")[
                :3
            ] or not item.record.control("008")
            seen += 1
    assert seen


def _is_well_formed(result: Record) -> None:
    assert len(result.leader) == 24
    assert result.leader[9] == "a"
    assert len(result.control("008")) == 40


def _accounts_for(source: Record, result: Record, losses: tuple[Loss, ...]) -> None:
    """Every tag of the source is in the result, or became a known other, or is in the report."""
    there = " ".join(value for each in result.fields for _, value in each.subfields)
    reported = {loss.tag for loss in losses}
    for each in source.fields:
        words = [w for _, value in each.subfields for w in value.split() if w.isalnum()]
        if each.tag >= "010" and words and each.tag not in reported:
            assert any(word in there for word in words), (each, losses)


TEXT = st.text(
    st.sampled_from("abZ 가나漢字カ.,:;/=()[]\\₩0189-^|+\u0301") | st.characters(codec="utf-8"),
    max_size=12,
).map(lambda text: normalize("NFC", text))
CODES = st.sampled_from("abcdefghklmnpqstuvxyz0123568AB")
_TAGS = (
    "010 012 016 020 023 024 035 037 040 044 049 052 055 056 074 084 085 090 100 110 130 222 240 "
    "242 245 246 260 264 440 490 501 502 505 507 600 610 630 650 653 700 710 730 740 800 830 852 "
    "880 890 900 910 911 930 940 949 950 980 999"
)
TAGS = st.sampled_from(_TAGS.split())
DATA = st.builds(
    lambda tag, first, second, parts: Field(tag, first + second, tuple(parts)),
    TAGS,
    st.sampled_from(" 0123789"),
    st.sampled_from(" 0123789"),
    st.lists(st.builds(Subfield, CODES, TEXT), max_size=5),
)
LINKED = st.builds(
    lambda tag, base, link, value: Field(
        tag, "10", (Subfield("6", f"{base}-{link}/$1"), Subfield("a", value))
    ),
    st.sampled_from(["880", "245", "100", "650", "490"]),
    st.sampled_from(["880", "245", "100", "650", "490", "008", "9x9"]),
    st.sampled_from(["00", "01", "02", "x"]),
    TEXT,
)
CONTROL = st.builds(
    lambda tag, value: Field(tag, "", (), value),
    st.sampled_from(["001", "003", "005", "006", "007", "008"]),
    st.text("0189abk us|\u00e9가", max_size=44),
)
LEADERS = st.text("0123456789acdimnstwkz |a", max_size=26)
RECORDS = st.builds(
    lambda leader, fields: Record(leader, tuple(fields)),
    LEADERS | st.just(LEADER),
    st.lists(CONTROL | DATA | LINKED, max_size=8),
)


@settings(max_examples=150, deadline=None)
@given(RECORDS)
def test_no_record_whatever_stops_a_conversion(source: Record) -> None:
    for convert in MAPPINGS.values():
        result, losses = convert(source)
        _is_well_formed(result)
        assert all(isinstance(loss, Loss) for loss in losses)


@settings(max_examples=150, deadline=None)
@given(RECORDS)
def test_every_text_is_in_the_result_or_its_field_in_the_report(source: Record) -> None:
    for convert in MAPPINGS.values():
        result, losses = convert(source)
        texts = [value for each in result.fields for _, value in each.subfields]
        there = "".join("".join(texts).split())
        reported = {loss.tag for loss in losses}
        for each in source.fields:
            if each.tag in reported or each.tag in ("880",) or each.first("6") or each.tag < "010":
                continue
            for code, value in each.subfields:
                kept = "".join(c for c in value if c.isalnum() and c not in "0123456789")
                joined = "".join(c for c in there if c.isalnum() and c not in "0123456789")
                assert kept in joined or code in "026", (each, code, result, losses)


@settings(max_examples=60, deadline=None)
@given(RECORDS)
def test_the_result_is_written_as_marcxml_and_read_again(source: Record) -> None:
    schema = _schema()
    for convert in MAPPINGS.values():
        result, _ = convert(source)
        written = marcxml.write(result)
        if schema is not None and all(each.tag.isdigit() for each in result.fields):
            schema.assertValid(
                etree.fromstring(written.encode() if isinstance(written, str) else written)
            )


def _schema() -> etree.XMLSchema | None:
    path = SHARED / "schemas" / "MARC21slim.xsd"
    return etree.XMLSchema(etree.parse(path)) if path.is_file() else None


NAMES = st.sampled_from(["한강", "韓江", "Han Kang", "カン", "Ким", ""])
PAIRS = st.builds(
    lambda tag, number, base, other: (
        Field(tag, "10", (Subfield("6", f"880-{number:02}"), Subfield("a", base))),
        Field("880", "10", (Subfield("6", f"{tag}-{number:02}/$1"), Subfield("a", other))),
    ),
    st.sampled_from(["100", "245", "490", "650", "700", "260"]),
    st.integers(1, 9),
    NAMES.filter(bool),
    NAMES.filter(bool),
)
HEADINGS = st.builds(
    lambda tag, name: Field(tag, "0 ", (Subfield("a", name),)),
    st.sampled_from(sorted(kormarc_variants.VARIANTS)),
    NAMES,
)
BASES = st.builds(
    lambda tag, name: Field(tag, "10", (Subfield("a", name),)),
    st.sampled_from(["100", "245", "490", "700", "710", "730"]),
    NAMES.filter(bool),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(PAIRS, max_size=3, unique_by=lambda pair: pair[0].first("6")),
    st.lists(BASES, max_size=3),
    st.lists(HEADINGS, max_size=3),
)
def test_every_link_has_its_partner_with_the_right_number(
    pairs: list[tuple[Field, Field]], bases: list[Field], headings: list[Field]
) -> None:
    bases_and_pairs = [*bases, *[each[0] for each in pairs], *[each[1] for each in pairs]]
    korean = Record(LEADER, (*bases_and_pairs, *headings))
    _links_agree(kormarc_to_marc21.convert(korean)[0])
    _links_agree(marc21_to_kormarc.convert(Record(LEADER, tuple(bases_and_pairs)))[0])


def _links_agree(result: Record) -> None:
    links = {(each.tag, each.first("6")[4:6]) for each in result.fields if each.tag != "880"}
    links = {(tag, number) for tag, number in links if number}
    back = {(each.first("6")[:3], each.first("6")[4:6]) for each in result.all("880")}
    assert links == {(tag, number) for tag, number in back if number != "00"}
    assert len({number for _, number in links}) == len(links)


def test_an_empty_record_gives_a_record_that_only_has_what_must_be_there() -> None:
    for convert in MAPPINGS.values():
        result, losses = convert(Record("", ()))
        assert [each.tag for each in result.fields] == ["008"]
        assert losses == ()
        assert len(result.control("008")) == 40


@pytest.mark.parametrize(
    ("kormarc", "marc21"),
    [
        ("ulk", "ko "), ("sjk", "ko "), ("zzk", "ko "), ("ko ", "ko "), ("us ", "xxu"),
        ("uk ", "xxk"), ("cn ", "xxc"), ("cc ", "cc "), ("ja ", "ja "), ("enk", "enk"),
        ("wlk", "wlk"), ("xx ", "xx "), ("|||", "|||"), ("   ", "|||"), ("?? ", ""),
    ],
)  # fmt: skip
def test_a_place_of_kormarc_is_read_by_its_own_list(kormarc: str, marc21: str) -> None:
    assert kormarc_places.marc21_place(kormarc) == marc21


@pytest.mark.parametrize(
    ("marc21", "place", "kormarc"),
    [
        ("ko ", "Sŏul :", "ulk"), ("ko ", "[서울] :", "ulk"), ("ko ", "경기도 광주", "ggk"),
        ("ko ", "Kyŏnggi-do P'aju-si :", "ggk"), ("ko ", "경 북 :", "gbk"),
        ("ko ", "[S.l.]", "ko "), ("nyu", "Seoul", "us "), ("onc", "", "cn "), ("xxk", "", "uk "),
        ("aca", "", "at "),
        ("cc ", "", "cc "), ("ulk", "", "ulk"), ("wia", "", ""), ("   ", "", "|||"),
    ],
)  # fmt: skip
def test_a_place_in_korea_is_known_by_the_place_of_publication(
    marc21: str, place: str, kormarc: str
) -> None:
    assert kormarc_places.kormarc_place(marc21, [place]) == kormarc


def test_every_country_has_a_korean_code_of_two_letters() -> None:
    for marc in codes.countries():
        code = kormarc_places.kormarc_place(marc)
        assert len(code) == 3
        assert len(code.strip()) == 2
        assert kormarc_places.marc21_place(code)


def test_every_code_of_the_place_table_is_a_korean_code() -> None:
    for table in codes.kormarc_places():
        assert {codes.kormarc_countries()[code] for code in table.values()} == {"ko"}


def test_a_set_isbn_never_becomes_the_key_of_a_volume() -> None:
    source = record("020 1_$a9788936434120$g04810", "020 __$a9788936433598", leader=LEADER)
    result, _ = kormarc_to_marc21.convert(source)
    keys = {tuple(key) for key in match_keys.keys(result)}
    assert keys == {("isbn_set", "9788936434120"), ("isbn", "9788936433598")}


def test_a_cip_number_is_no_match_key() -> None:
    result, _ = kormarc_to_marc21.convert(record("023 __$aCIP2013028373", leader=LEADER))
    assert match_keys.keys(result) == ()


def test_the_count_of_skipped_characters_is_one_digit_or_none() -> None:
    assert kormarc_title.skipped("(배우기 쉬운) 일본어") == "9"
    assert kormarc_title.skipped("(아주 배우기 쉬운) 일본어") == "0"  # twelve: no place for it
    assert kormarc_title.skipped("(일본어)") == "0"


def test_a_title_ends_as_it_was_written() -> None:
    assert kormarc_title.to_marc21([Subfield("a", "C++")]) == (Subfield("a", "C++"),)
    assert (
        kormarc_title.to_kormarc([Subfield("a", "C++ /"), Subfield("c", "A")])[0].value == "C++ /"
    )


def test_the_fixed_field_is_the_same_there_and_back_where_both_have_it() -> None:
    both = {
        material: [(run.kormarc, run.length) for run in runs]
        for material, runs in kormarc_coded.RUNS.items()
        if material != "old"
    }
    leaders = {
        "books": "am", "continuing": "as", "computer": "mm", "maps": "em", "music": "cm",
        "visual": "gm", "mixed": "pc",
    }  # fmt: skip
    assert set(leaders) == set(both)
    for material, runs in both.items():
        leader = f"00000n{leaders[material]}  2200000 k 4500"
        value = list("200304s2020    us " + " " * 17 + "eng  ")
        for start, length in runs:
            value[start : start + length] = "d" * length
        source = Record(leader, (Field("008", "", (), "".join(value)),))
        there, lost = kormarc_to_marc21.convert(source)
        back, lost_again = marc21_to_kormarc.convert(there)
        found = list(back.control("008"))
        found[26:28] = "  "
        assert "".join(found) == "".join(value), material
        assert lost == lost_again == ()


def test_006_has_its_own_length_in_each_format() -> None:
    kormarc = "a" + "ab  j  b" + "100" + "fd"
    marc21 = kormarc_coded.marc21_006(kormarc)
    assert (len(kormarc), len(marc21)) == (14, 18)
    assert kormarc_coded.kormarc_006(marc21) == kormarc
    assert kormarc_coded.kormarc_006(kormarc) == kormarc


def test_library_codes_go_there_and_back() -> None:
    for text in ("141067", "(011001)KMO1", "DLC", "(DLC)123456"):
        assert kormarc_numbers.library_code(kormarc_numbers.isil(text)) == text


def test_the_runs_of_a_material_stay_in_the_material_positions() -> None:
    for runs in kormarc_coded.RUNS.values():
        for run in runs:
            taken = set(range(run.kormarc, run.kormarc + run.length))
            assert taken <= {*range(18, 26), *range(29, 32), 33, 34}
            assert 18 <= run.marc21 <= run.marc21 + run.length <= 35


def test_local_headings_and_their_880s_agree() -> None:
    for heading, variant in kormarc_variants.VARIANTS.items():
        assert {kormarc_variants.HEADINGS[tag] for tag in variant.of} == {heading}


def test_an_isbn_without_a_number_keeps_its_add_on_code() -> None:
    result, _ = kormarc_to_marc21.convert(record("020 __$g03810", leader=LEADER))
    assert field("024 8_$a03810") in result.fields
    assert not identifiers.isbn13("03810")
