"""MARC 21 to UNIMARC and CNMARC: each difficulty a golden case, nothing lost without a line."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings import (
    codes,
    formats,
    iso2709,
    marc21_to_unimarc,
    marcxml,
    steps,
    summary,
    unimarc_to_marc21,
)
from marc_mappings.formats import Parsed
from marc_mappings.keys import identifiers
from marc_mappings.marc21.names import Flavour
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss
from tests.marc_mappings.conftest import BOOK, LEADER, record

CASES = Path(__file__).parent / "crosswalk_cases" / "marc21_to_unimarc"
FLAVOURS: tuple[Flavour, ...] = ("unimarc", "cnmarc")
EVERGREEN = "evergreen-library-system__Evergreen/Open-ILS/tests/datasets"
NTU = "feelovejun__marc21tocmarc/MarcTranser/20171117_423294_ntuedu"
FILES = [
    f"{EVERGREEN}/jazz_1k.mrc",
    f"{EVERGREEN}/hebrew.marc",
    f"{EVERGREEN}/lul_fre_500.mrc",
    "solrmarc__solrmarc/test/data/records/uva_001_2000.mrc",
    "next-l__enju_leaf/spec/fixtures/files/marc21.dat",
    "folio-org__mod-data-import/src/test/resources/CornellFOLIOExemplars.mrc",
    f"{NTU}_Full-MARC8.mrc",
]
# Characters that the notation of the cases writes with a name.
NAMES = {"{NSB}": "\x98", "{NSE}": "\x9c"}


def read(text: str) -> Record:
    """Read a record of the cases: ``245 10 $aTitle``; ``_`` a blank, ``{$}`` a dollar sign."""
    leader, *lines = text.splitlines()
    for name, char in NAMES.items():
        lines = [line.replace(name, char) for line in lines]
    return Record(leader[4:], tuple(map(_field, lines)))


def _field(line: str) -> Field:
    tag, rest = line[:3], line[4:]
    if tag.startswith("00"):
        return Field(tag, "", (), rest)
    parts = rest[2:].lstrip(" ").replace("{$}", "\0").split("$")[1:]
    subfields = tuple(Subfield(part[0], part[1:].replace("\0", "$")) for part in parts)
    return Field(tag, rest[:2].replace("_", " "), subfields)


def written(result: Record) -> str:
    """Write a record as ``read`` reads it."""
    lines = [f"LDR {result.leader}"]
    for tag, indicators, subfields, value in result.fields:
        parts = "".join(f"${code}{text.replace('$', '{$}')}" for code, text in subfields)
        lines.append(
            f"{tag} {indicators.replace(' ', '_')} {parts}" if indicators else f"{tag} {value}"
        )
    text = "\n".join(lines) + "\n"
    for name, char in NAMES.items():
        text = text.replace(char, name)
    return text


def report(lost: tuple[Loss, ...]) -> str:
    """Write a loss a line: ``700 $5: reason``."""
    lines = [f"{tag}{codes and f' ${codes}'}: {why or 'no row'}\n" for tag, codes, why in lost]
    return "".join(lines)


def flavour_of(case: str) -> Flavour:
    """Return the flavour that the name of a case asks for."""
    return "cnmarc" if "cnmarc" in case else "unimarc"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_each_difficulty_comes_out_as_the_manual_has_it(case: str) -> None:
    folder = CASES / case
    assert (folder / "README").read_text(encoding="utf-8").strip()
    source = read((folder / "in.txt").read_text(encoding="utf-8"))
    result, lost = marc21_to_unimarc.convert(source, flavour_of(case))
    assert written(result) == (folder / "out.txt").read_text(encoding="utf-8")
    assert report(lost) == (folder / "lost.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_empty_record_gives_the_fields_that_every_record_has(flavour: Flavour) -> None:
    result, lost = marc21_to_unimarc.convert(Record("", ()), flavour)
    assert [field.tag for field in result.fields] == ["100", "101"]
    assert_is_unimarc(result)
    assert result.fields[1].first("a") == "und"
    assert lost == ()


def test_a_flavour_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="unimarc, cnmarc"):
        marc21_to_unimarc.convert(BOOK, cast("Flavour", "rusmarc"))


def assert_is_unimarc(result: Record) -> None:
    """What holds for every record that comes out."""
    assert len(result.leader) == 24
    assert result.leader[9:12] == " 22" or result.leader[8:12] == " a22"
    assert result.leader[20:] == "450 "
    general = [field for field in result.fields if field.tag == "100"]
    assert [len(field.first("a")) for field in general] == [36]
    assert general[0].first("a")[26:34] == "50      "
    assert [field.tag for field in result.fields] == sorted(field.tag for field in result.fields)
    for field in result.fields:
        if field.tag < "010":
            assert field.value
        else:
            assert len(field.indicators) == 2
            assert field.subfields
            assert all(value.strip() for _, value in field.subfields)


TEXT = st.sampled_from(
    [
        "A",
        " ",
        "Han, Kang,",
        "중앙, 한국",
        "図書館 /",
        "(a : b",
        "[b] =",
        "1970-",
        " -- ",
        "é|",
        "\x98A\x9c",
    ]
)
FIELDS = st.builds(
    Field,
    st.one_of(
        st.sampled_from(sorted({row.place[:3] for row in marc21_to_unimarc.RULES})),
        st.sampled_from(["880", "008", "041", "044", "999", "59A", "LDR"]),
    ),
    st.sampled_from(["  ", "10", "14", "0 ", " 7", "12", "é|", ""]),
    st.lists(
        st.builds(Subfield, st.sampled_from(string.ascii_letters + string.digits), TEXT),
        max_size=4,
    ).map(tuple),
    TEXT,
)
LINKS = st.sampled_from(["245-01/$1", "880-01", "700-00", "880-99/(B", "245-01/(B/r", "junk"])
RECORDS = st.builds(
    lambda leader, fields, link: Record(
        leader,
        tuple(
            each._replace(subfields=(Subfield("6", link), *each.subfields)) if at % 2 else each
            for at, each in enumerate(fields)
        ),
    ),
    st.sampled_from([LEADER, "", "x" * 24, "00000cas a22000003a 4500"]),
    st.lists(FIELDS, max_size=6),
    LINKS,
)


@settings(max_examples=150, deadline=None)
@given(RECORDS, st.sampled_from(FLAVOURS))
def test_any_record_gives_a_record_of_unimarc(source: Record, flavour: Flavour) -> None:
    result, _ = marc21_to_unimarc.convert(source, flavour)
    assert_is_unimarc(result)


WORDS = st.text(string.ascii_letters + "한국館", min_size=4, max_size=12)
# Coded values and numbers are looked up, so their text does not come out as it went in.
IN_WORDS = sorted(
    {row.place[:3] for row in marc21_to_unimarc.RULES}
    - {"001", "003", "005", "010", "015", "016", "020", "024", "040", "086"}
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*IN_WORDS, "599", "2A0"]),
    st.sampled_from(["  ", "10", "12", " 7", "0 "]),
    st.lists(st.tuples(st.sampled_from(string.ascii_lowercase + "0123459"), WORDS), min_size=1),
    st.sampled_from(FLAVOURS),
)
def test_every_subfield_comes_out_or_is_named(
    tag: str, indicators: str, parts: list[tuple[str, str]], flavour: Flavour
) -> None:
    source = Field(tag, indicators, tuple(Subfield(code, value) for code, value in parts))
    result, lost = marc21_to_unimarc.convert(Record(LEADER, (source,)), flavour)
    text = " ".join(value for field in result.fields for _, value in field.subfields)
    text = text.replace("\x98", "").replace("\x9c", "")
    named = "".join(loss.codes for loss in lost if loss.tag == tag)
    whole = any(loss.tag == tag and not loss.codes for loss in lost)
    for code, value in parts:
        assert whole or code in named or value in text, (source, result, lost)


def test_a_code_of_a_role_that_is_not_known_is_named() -> None:
    _, lost = marc21_to_unimarc.convert(record("100 1_ $aA, B$4xyz$egrocer"))
    assert lost == (Loss("100", "4e", "a role that UNIMARC has no code for"),)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_result_can_be_written_and_reads_the_same(flavour: Flavour) -> None:
    source = read((CASES / "romanised_title_as_parallel_fields" / "in.txt").read_text("utf-8"))
    result, _ = marc21_to_unimarc.convert(source, flavour)
    for raw in (iso2709.write(result), marcxml.write(result)):
        again = formats.read_one(raw)
        assert isinstance(again, Parsed)
        assert again.record.fields == result.fields


def test_every_row_has_its_source_and_says_what_it_does() -> None:
    for row in (*marc21_to_unimarc.RULES, *marc21_to_unimarc.CNMARC_RULES):
        assert row.source
        assert row.how or row.place in ("001", "005")


def test_no_tag_is_both_taken_and_given_up_without_need() -> None:
    taken = {row.place[:3] for row in marc21_to_unimarc.RULES}
    whole = {place for place in marc21_to_unimarc.DROPPED if len(place) == 3}
    assert taken & whole == {"035", "045"}


@cache
def _records(corpus: Path, name: str) -> list[Record]:
    with (corpus / name).open("rb") as stream:
        return [item.record for item in formats.read(stream) if isinstance(item, Parsed)]


def _languages(result: Record) -> list[str]:
    return [value for field in result.fields if field.tag == "101" for value in field.all("a")]


@pytest.mark.parametrize("name", FILES)
def test_language_and_country_of_real_records_come_out_right(corpus: Path, name: str) -> None:
    wrong = stated = 0
    for source in _records(corpus, name):
        result, lost = marc21_to_unimarc.convert(source)
        assert_is_unimarc(result)
        fixed = source.control("008")
        language = codes.languages().get(fixed[35:38].lower())
        if len(fixed) == 40 and language and language.now not in ("und", "mul"):
            stated += 1
            wrong += language.now not in _languages(result)
        place = codes.place_of(fixed[15:18])
        if place != "ZZ":
            stated += 1
            countries = [value for field in result.all("102") for value in field.all("a")]
            wrong += place not in countries
        for loss in lost:
            assert loss.reason or loss.codes or loss.tag.startswith("880"), (loss, source)
    assert stated
    assert wrong <= stated // 100


@pytest.mark.parametrize("name", FILES)
def test_real_records_write_and_read_again_the_same(corpus: Path, name: str) -> None:
    for at, source in enumerate(_records(corpus, name)[::7]):
        result, _ = marc21_to_unimarc.convert(source, FLAVOURS[at % 2])
        for raw in (iso2709.write(result), marcxml.write(result)):
            again = formats.read_one(raw)
            assert isinstance(again, Parsed)
            assert again.record.fields == result.fields


def test_records_of_any_dialect_give_a_record_of_unimarc(corpus: Path) -> None:
    paths = sorted(path for path in corpus.rglob("*") if path.suffix in (".mrc", ".xml", ".dat"))
    read_ = 0
    for path in paths[::4]:
        try:
            with path.open("rb") as stream:
                items = [item for item, _ in zip(formats.read(stream), range(3), strict=False)]
        except formats.NotMarc:
            continue
        for item in items:
            if isinstance(item, Parsed):
                read_ += 1
                for flavour in FLAVOURS:
                    assert_is_unimarc(marc21_to_unimarc.convert(item.record, flavour)[0])
    assert read_ > 20


def _pairs(corpus: Path) -> Iterator[tuple[Record, Record]]:
    """Yield our UNIMARC of a MARC 21 record, and the CMARC that another program made of it."""
    ours = _records(corpus, f"{NTU}_Full-MARC8.mrc")
    theirs = {each.control_number: each for each in _records(corpus, f"{NTU}_CMARC.mrc")}
    for source in ours:
        if source.control_number in theirs:
            yield marc21_to_unimarc.convert(source)[0], theirs[source.control_number]


def _said(result: Record, tags: str, subfields: str) -> set[str]:
    return {
        steps.without_non_sorting_marks(value).strip(" .:;,").casefold()
        for field in result.fields
        if field.tag in tags.split()
        for value in field.all(subfields)
    }


@pytest.mark.parametrize(
    ("tags", "subfields", "different"),
    [
        # The CMARC copied two MARC country codes ("gw", "cc") where ISO 3166 has DE and CN.
        ("102", "a", 2),
        # The CMARC lost the macrons of a name.
        ("200", "aef", 1),
        ("010", "az", 0),
        ("101", "a", 0),
        ("700 701 702", "ab", 0),
        ("606 607", "axyz", 0),
        # The CMARC has no copyright date, and took a local 797 for a body.
        ("210", "d", 1),
        ("710 711 712", "a", 1),
    ],
)
def test_the_same_records_agree_with_the_cmarc_of_them(
    corpus: Path, tags: str, subfields: str, different: int
) -> None:
    pairs = list(_pairs(corpus))
    assert len(pairs) >= 15
    unlike = [a for a, b in pairs if _said(a, tags, subfields) != _said(b, tags, subfields)]
    assert len(unlike) <= different


def _words(source: Record, tags: str, subfields: str) -> set[str]:
    """Return the letters and digits of fields and of the 880 that stand for them."""
    found = set()
    for field in source.fields:
        tag = steps.linked_tag(field) if field.tag == "880" else field.tag
        if tag in tags.split() and not (tag[0] == "7" and field.first("t")):
            found.add("".join(filter(str.isalnum, "".join(field.all(subfields)))).casefold())
    return found


def _isbns(source: Record) -> set[str]:
    return {identifiers.isbn13(value) for field in source.all("020") for value in field.all("a")}


@pytest.mark.parametrize("name", FILES)
def test_real_records_come_back_the_same_from_unimarc(corpus: Path, name: str) -> None:
    same: Counter[str] = Counter()
    records = _records(corpus, name)[::2]
    for source in records:
        back = unimarc_to_marc21.convert(marc21_to_unimarc.convert(source)[0])[0]
        one, other = (
            {
                "title": _words(each, "245", "abnp"),
                "names": _words(each, "100 110 111 700 710 711", "abcdn"),
                "subjects": _words(each, "600 610 611 650 651 655", "abcdvxyz"),
                "isbn": _isbns(each),
                "language": set(summary.languages(each)) - {"mul"},
                "country": {codes.place_of(each.control("008")[15:18])},
            }
            for each in (source, back)
        )
        same.update(element for element in one if one[element] == other[element])
    # One record in a hundred may differ, and one in a small file.
    assert {e: n for e, n in same.items() if n < len(records) - max(1, len(records) // 100)} == {}
    assert len(same) == 6
