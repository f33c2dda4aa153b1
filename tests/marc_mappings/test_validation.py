"""Validation: what is against the format is found, what is right or local is left in peace."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marc_mappings import codes, formats
from marc_mappings.formats import Parsed
from marc_mappings.problems import CODES, Problem, problem
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rulebook import definitions, field_contents
from marc_mappings.validation import Line, is_local, summarise, validate
from tests.marc_mappings.conftest import BOOK, LEADER, field, record

CASES = Path(__file__).parent / "validation_cases"
UVA = "solrmarc__solrmarc/test/data/records/uva_001_2000.mrc"
CORNELL = "folio-org__mod-data-import/src/test/resources/CornellFOLIOExemplars.mrc"
ENJU = "next-l__enju_leaf/spec/fixtures/files/marc21.dat"
YAZ = "indexdata__yaz/test/marc-files/marccol4.u8.marc"
FRENCH = "evergreen-library-system__Evergreen/Open-ILS/tests/datasets/lul_fre_500.mrc"


def _codes(found: tuple[Problem, ...]) -> set[str]:
    return {each.code for each in found}


def _with(*lines: str) -> Record:
    return Record(BOOK.leader, (*BOOK.fields, *map(field, lines)))


def _without(tag: str) -> Record:
    return Record(BOOK.leader, tuple(each for each in BOOK.fields if each.tag != tag))


def _instead(tag: str, *lines: str) -> Record:
    return Record(BOOK.leader, (*_without(tag).fields, *map(field, lines)))


# What cases say


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_golden_case(case: str) -> None:
    """Each line of ``problems.txt``: level, code, tag and message of one problem."""
    folder = CASES / case
    assert (folder / "README").read_text(encoding="utf-8").strip()
    (source,) = folder.glob("in.*")
    with source.open("rb") as stream:
        (item,) = list(formats.read(stream))
    assert isinstance(item, Parsed)
    assert item.outcome == "ok"
    found = "".join(
        f"{each.level} {each.code} {each.tag} {each.message}\n" for each in validate(item.record)
    )
    assert found == (folder / "problems.txt").read_text(encoding="utf-8")


def test_a_book_in_order_has_no_problems() -> None:
    assert validate(BOOK) == ()


# Each rule is found broken

BROKEN: list[tuple[str, Record]] = [
    ("field-unknown", _with("666 __$ax")),
    ("field-obsolete", _with("440 _0$aSeries")),
    ("field-with-letters", _with("CAT __$ax")),
    ("field-not-repeatable", _with("245 10$aAgain")),
    ("field-not-repeatable", _with("001 again")),
    ("main-entry-not-single", _with("110 2_$aCh'angbi")),
    ("title-missing", _without("245")),
    ("title-missing", _instead("245", "245 10$c6880-02")),
    ("control-number-missing", _without("001")),
    ("indicator-undefined", _with("700 5_$aKim")),
    ("indicator-undefined", _with("500 1_$aNote")),
    ("indicator-obsolete", _with("700 11$aKim")),
    ("subfield-undefined", _with("500 __$aNote$b?")),
    ("subfield-undefined", _with("880 __$6500-00$aNote$b?")),
    ("subfield-obsolete", _with("300 __$a1 p.$n?")),
    ("subfield-not-repeatable", _with("500 __$aNote$aNote")),
    ("fixed-field-missing", _without("008")),
    ("fixed-field-length", _instead("008", "008 070301s2007    ko            000 1 kord")),
    ("fixed-field-length", _with("006 m")),
    ("fixed-field-length", _with("005 20260131")),
    ("fixed-field-length", _with("007 ta ")),
    ("fixed-field-length", Record(LEADER[:23], BOOK.fields)),
    ("fixed-field-short", _with("007 cr")),
    ("fixed-field-code", _instead("008", "008 070301s2007    ko X          000 1 kor d")),
    ("fixed-field-code", _with("006 x                 ")),
    ("fixed-field-code", _with("007 y")),
    ("fixed-field-code", Record(LEADER.replace("nam", "nym", 1).replace("y", "?"), BOOK.fields)),
    ("fixed-field-code-obsolete", _instead("008", "008 070301s2007    ko            000   kor d")),
    ("date-invalid", _instead("008", "008 071301s2007    ko            000 1 kor d")),
    ("date-invalid", _instead("008", "008 070301s200?    ko            000 1 kor d")),
    ("date-invalid", _with("005 20260230120000.0")),
    ("date-invalid", _with("005 20260228240000.0")),
    ("date-inconsistent", _instead("008", "008 070301s20072008ko            000 1 kor d")),
    ("date-inconsistent", _instead("008", "008 070301m20081999ko            000 1 kor d")),
    ("country-unknown", _instead("008", "008 070301s2007    qqq           000 1 kor d")),
    ("country-obsolete", _instead("008", "008 070301s2007    ur            000 1 kor d")),
    ("language-unknown", _instead("008", "008 070301s2007    ko            000 1 KOR d")),
    ("language-unknown", _with("041 0_$aqqq")),
    ("language-obsolete", _with("041 0_$ascr")),
    ("languages-run-together", _with("041 0_$aengkor")),
    ("relator-unknown", _with("700 1_$aKim$4qqq")),
    ("check-digit-wrong", _with("020 __$a9788936433599")),
    ("check-digit-wrong", _with("022 0_$a1234-5678")),
    ("check-digit-wrong", _with("022 0_$l1234-5678")),
    ("check-digit-wrong", _with("024 3_$a9788936433599")),
    ("check-digit-wrong", _with("024 2_$aM-2306-7118-8")),
    ("number-malformed", _with("020 __$a97889364")),
    ("number-malformed", _with("024 0_$aKR-A0")),
    ("number-not-found", _with("020 __$a(pbk.)")),
    ("linkage-malformed", _with("500 __$6to nothing$aNote")),
    ("linkage-malformed", _with("880 __$aNo link")),
    ("linkage-malformed", _with("880 __$6880-01$aA link to itself")),
    ("linkage-without-partner", _with("500 __$6880-07$aNote")),
    ("linkage-without-partner", _with("880 __$6500-07$aNote")),
    ("nonfiling-too-many", _with("730 5_$aOne")),
    ("nonfiling-inside-word", _with("730 2_$aThe hill")),
    ("nonfiling-inside-word", _with("730 3_$aThe hill")),
    ("format-other", Record("00000nz  a2200000n  4500", BOOK.fields)),
]


@pytest.mark.parametrize(("code", "broken"), BROKEN)
def test_what_is_against_the_format_is_found(code: str, broken: Record) -> None:
    found = [each for each in validate(broken) if each.code == code]
    assert found
    for each in found:
        assert each == problem(code, each.message, each.tag)
        assert each.message.endswith(".")
        assert not each.repair


def test_every_code_of_the_rules_is_shown_by_a_broken_record() -> None:
    wing = Path(definitions.__file__).parent
    rooms = (wing.parent / "validation.py", *wing.glob("*.py"))
    source = "".join(room.read_text("utf-8") for room in rooms)
    shown = {code for code, _ in BROKEN}
    used = set(source.split('"')) & set(CODES)
    assert used == shown


def test_a_message_says_which_of_several_fields_is_meant() -> None:
    found = validate(_with("700 1_$aKim", "700 1_$aLee$Q?", "700 1_$aPak"))
    (each,) = [each for each in found if each.code == "subfield-undefined"]
    assert each.message.startswith("700 (no. 2 of 3) $Q: ")


def test_many_wrong_codes_of_one_fixed_field_are_one_problem() -> None:
    found = validate(_with("007 s XXXXXXXXXXXX"))
    assert [each.code for each in found] == ["fixed-field-code"]
    assert "shifted" in found[0].message


# What is right, or nobody's business, is left in peace

FINE = [
    "949 xx$Qanything",
    "590 __$x1",
    "099 __$z",
    "019 __$a1",
    "852 99$Q?",
    "020 __$a9788936433598 (pbk.) : ₩12000$9local",
    "020 __$z9788936433599",
    "022 0_$a1234-5679$y1234-5678$l1234-5679",
    "024 1_$a012345678905",
    "024 0_$aUSRC17607839",
    "024 8_$aanything at all",
    "024 7_$a10.1000/182$2doi",
    "041 07$aanything$2iso639-3",
    "041 1_$akor$heng",
    "050 00$aPL992$b.C4 2007",
    "050 _4$aPL992",
    "082 04$a895.735$bHAN$223",
    "082 0_$a895.735",
    "222 _0$aKorea journal",
    "650 _0$aBooks$bKorea$xHistory$xSources",
    "700 12$aKim$4http://id.loc.gov/vocabulary/relators/trl$4trl$4voc",
    "730 4_$aThe hill",
    "730 2_$aL'été",
    "730 3_$aal-ʻArab",
    '730 5_$a"The" hill',
    "856 40$uhttps://example.org/$gurn:1$hhttps://example.org/gone",
    "880 __$6500-00/(3/r$aNote",
    "500 __$6880-00$aNote",
    "007 ta",
    "007 cr |||||||||||",
    "006 m|||||||||||||||||",
    "005 20260131235959.9",
]


@pytest.mark.parametrize("line", FINE)
def test_what_is_right_or_local_is_not_mentioned(line: str) -> None:
    assert validate(_with(line)) == ()


def test_two_880_may_stand_for_one_field() -> None:
    assert validate(_with("880 10$6245-02/(B$aCh'aesikchuŭija.")) == ()


def test_tags_declared_local_are_not_judged() -> None:
    broken = _with("666 99$Q?", "245 99$Q?")
    assert {"field-unknown", "field-not-repeatable"} <= _codes(validate(broken))
    assert validate(broken, local=frozenset({"666", "245"})) == ()


def test_fill_characters_are_right_in_every_coded_position() -> None:
    for leader in (LEADER.replace("nam", f"n{kind}") for kind in ("am", "as", "em", "jm", "gm")):
        filled = _instead("008", "008 070301" + "|" * 34)
        assert not _codes(validate(Record(leader, filled.fields)))


def test_a_long_field_and_a_long_value_do_not_fill_the_report() -> None:
    endless = Field("020", "  ", tuple(Subfield("a", "1 " * 50_000) for _ in range(200)))
    found = validate(Record(BOOK.leader, (*BOOK.fields, endless)))
    assert {"check-digit-wrong", "number-malformed", "subfield-not-repeatable"} & _codes(found)
    assert max(len(each.message) for each in found) < 300


def test_a_record_of_many_wrong_fields_takes_its_length_and_not_the_square_of_it() -> None:
    wrong = field("500 5_$Q?$6880-77")
    for number in (50, 20_000):
        found = validate(Record(BOOK.leader, (*BOOK.fields, *(wrong,) * number)))
        assert Counter(each.code for each in found) == {
            "indicator-undefined": number,
            "subfield-undefined": number,
            "linkage-without-partner": number,
        }
    assert found[-1].message.startswith("500 (no. 20000 of 20000) ")


# The tables


def test_the_definitions_agree_with_the_standard_where_everybody_knows_it() -> None:
    title = definitions.fields()["245"]
    assert not title.repeatable
    assert title.pairs == {f"{one}{two}" for one in "01" for two in "0123456789"}
    assert {"a", "b", "c", "h"} <= title.once
    assert {"n", "p"} <= (title.subfields or set()) - title.once
    assert title.old_subfields == {"d", "e"}
    places = {(row.positions, row.label) for row in definitions.elements()["008", "books"]}
    assert ("18-21", "Illustrations") in places
    assert ("38", "Modified record") in places
    assert ("01-04", "Illustrations") in {
        (row.positions, row.label) for row in definitions.elements()["006", "books"]
    }


@pytest.mark.parametrize(
    ("name", "rows", "read"),
    [
        ("marc21_fields.tsv", ["24\tcurrent\tNR\t#\t#\ta\tTitle"], definitions.fields),
        ("marc21_fields.tsv", ["245\tnew\tNR\t#\t#\ta\tTitle"], definitions.fields),
        ("marc21_fields.tsv", ["245\tcurrent\tNR\t#\t#\taa\tTitle"], definitions.fields),
        ("marc21_fields.tsv", ["245\tcurrent\tNR\t#\tx\ta\tTitle"], definitions.fields),
        ("marc21_fields.tsv", ["245\tcurrent\tNR\t#\t#\ta"], definitions.fields),
        ("marc21_fixed.tsv", ["008\tbooks\t39\t2\t1\t#\t\tLast"], definitions.elements),
        ("marc21_fixed.tsv", ["008\tpoems\t18\t1\t1\t#\t\tForm"], definitions.elements),
        ("marc21_fixed.tsv", ["008\tbooks\t18\t1\t1\ta\ta\tForm"], definitions.elements),
        ("marc21_fixed.tsv", ["008\tbooks\tx\t1\t1\ta\t\tForm"], definitions.elements),
        ("marc21_fixed.tsv", ["007\ta\t1\t2\t2\taaa\t\tForm"], definitions.elements),
    ],
)
def test_a_wrong_row_raises_with_its_file_and_line(
    name: str, rows: list[str], read: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = iter(enumerate((row.split("\t") for row in rows), 7))
    monkeypatch.setattr(codes, "numbered_rows", lambda _: table)
    reread = getattr(read, "__wrapped__")  # noqa: B009  past the cache
    with pytest.raises(ValueError, match=rf"{name}, line 7: "):
        reread()


def test_one_tag_has_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ["245", "current", "NR", "#", "#", "a", "Title"]
    monkeypatch.setattr(codes, "numbered_rows", lambda _: iter([(7, row), (8, row)]))
    reread = getattr(definitions.fields, "__wrapped__")  # noqa: B009  past the cache
    with pytest.raises(ValueError, match="245"):
        reread()


# Any record

_TEXT = st.text(max_size=12)
_TAGS = st.one_of(st.sampled_from(sorted(definitions.fields())), st.text(max_size=4))
_INDICATORS = st.one_of(st.text("0123456789 #x", min_size=2, max_size=2), st.text(max_size=3))
_ODD_SUBFIELDS = st.builds(
    Subfield,
    st.one_of(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789$"), st.text(max_size=2)),
    st.one_of(_TEXT, st.sampled_from(["880-01", "245-01/$1", "9788936433599", "kor"])),
)
_ODD_FIELDS = st.builds(
    Field,
    _TAGS,
    _INDICATORS,
    st.lists(_ODD_SUBFIELDS, max_size=4).map(tuple),
    st.one_of(_TEXT, st.text("0123456789 |abcu#^", min_size=18, max_size=40)),
)
_ODD_LEADERS = st.one_of(_TEXT, st.text("acdefgijkmnoprstz 0123456789", min_size=24, max_size=24))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.builds(Record, _ODD_LEADERS, st.lists(_ODD_FIELDS, max_size=8).map(tuple)))
def test_no_record_raises_and_every_problem_has_words(odd: Record) -> None:
    for each in validate(odd):
        assert each == problem(each.code, each.message, each.tag)
        assert len(each.message) > len(each.code)


_RIGHT_TAGS = [
    tag
    for tag, each in definitions.fields().items()
    if each.status == "current"
    and tag >= "010"
    and tag != "880"
    and tag not in (*field_contents.CHECKS, "245", "100", "110", "111", "130")
]


@st.composite
def _right_fields(draw: st.DrawFn) -> Field:
    definition = definitions.fields()[draw(st.sampled_from(_RIGHT_TAGS))]
    allowed = sorted((definition.subfields or set()) - {"6"})
    found = draw(st.lists(st.sampled_from(allowed), min_size=1, max_size=6))
    once = dict.fromkeys(code for code in found if code in definition.once)
    often = [code for code in found if code not in definition.once]
    return Field(
        definition.tag,
        draw(st.sampled_from(sorted(definition.pairs))),
        tuple(Subfield(code, draw(_TEXT)) for code in (*once, *often)),
    )


def _each_once(fields: list[Field]) -> list[Field]:
    """Leave out the second of a field that may stand only once."""
    known = definitions.fields()
    single = {each.tag: each for each in fields if not known[each.tag].repeatable}
    return [*single.values(), *(each for each in fields if known[each.tag].repeatable)]


_RIGHT = st.lists(_right_fields(), max_size=10).map(
    lambda fields: Record(BOOK.leader, (*BOOK.fields, *_each_once(fields)))
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_RIGHT)
def test_a_record_built_to_the_rules_has_no_problems(right: Record) -> None:
    assert validate(right) == ()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_RIGHT, st.data())
def test_a_slip_in_a_right_record_is_found_and_nothing_else(
    right: Record, data: st.DataObject
) -> None:
    at = data.draw(st.integers(len(BOOK.fields) - 5, len(right.fields) - 1))
    hit = right.fields[at]
    definition = definitions.fields()[hit.tag]
    code, slipped = data.draw(st.sampled_from(sorted(_slips(hit, definition))))
    fields = (*right.fields[:at], slipped, *right.fields[at + 1 :])
    found = validate(Record(right.leader, fields))
    assert {(each.code, each.tag) for each in found} == {(code, hit.tag)}


def _slips(hit: Field, definition: definitions.Definition) -> Iterator[tuple[str, Field]]:
    yield "subfield-undefined", hit._replace(subfields=(*hit.subfields, Subfield("Q", "")))
    if definition.pairs:
        yield "indicator-undefined", hit._replace(indicators="x" + hit.indicators[1:])
    if single := [each for each in hit.subfields if each.code in definition.once]:
        yield "subfield-not-repeatable", hit._replace(subfields=(*hit.subfields, single[0]))


# The summary


def test_the_summary_groups_by_tag_and_code_and_counts_records() -> None:
    found = [
        (1, problem("subfield-undefined", "500 $b: one.", "500")),
        (1, problem("subfield-undefined", "500 $c: two.", "500")),
        (1, problem("field-obsolete", "", "440")),
        (3, problem("subfield-undefined", "500 $b: three.", "500")),
        (4, problem("title-missing", "", "245")),
        (9, problem("subfield-undefined", "300 $Q: four.", "300")),
    ]
    assert summarise(found, shown=1) == (
        Line("error", "title-missing", "245", 1, 1, (4,), "There is no title (245)."),
        Line("warning", "subfield-undefined", "500", 3, 2, (1,), "500 $b: one."),
        Line("warning", "subfield-undefined", "300", 1, 1, (9,), "300 $Q: four."),
        Line("note", "field-obsolete", "440", 1, 1, (1,), "The field is no longer used."),
    )
    assert summarise(found)[1].positions == (1, 3)
    assert summarise([]) == ()


def test_no_tag_of_the_format_is_local() -> None:
    assert not any(is_local(tag) for tag in definitions.fields())


# Real records


def _records(path: Path) -> Iterator[tuple[int, Record]]:
    with path.open("rb") as stream:
        for item in formats.read(stream):
            if isinstance(item, Parsed):
                yield item.position, item.record


def test_no_real_record_of_any_dialect_raises(corpus: Path) -> None:
    """The first records of every file: most of the time goes into reading them."""
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE))
    judged = 0
    for row in rows:
        path = corpus / row["file"]
        if row["kind"] not in ("iso2709", "xml") or not path.is_file():
            continue
        try:
            for _, each in islice(_records(path), 60):
                validate(each)
                judged += 1
        except formats.NotMarc:
            continue
    assert judged > 2_500


@pytest.mark.parametrize(
    ("name", "warnings"), [(UVA, 0.1), (CORNELL, 0.5), (ENJU, 0.05), (YAZ, 0.0), (FRENCH, 0.05)]
)
def test_well_made_records_get_few_warnings(corpus: Path, name: str, warnings: float) -> None:
    records = list(_records(corpus / name))
    found = [each for _, whole in records for each in validate(whole)]
    # One system writes a $b of its own into every 035: that is said, but says nothing here.
    levels = Counter(each.level for each in found if each.tag != "035")
    assert levels["error"] == 0
    assert levels["warning"] / len(records) <= warnings


def test_what_is_broken_in_a_real_record_is_found(corpus: Path) -> None:
    """The same slips as above, one after the other, in records that had no such problem."""
    tried = Counter[str]()
    for position, whole in list(_records(corpus / UVA))[::2]:
        before = _codes(validate(whole))
        for code, broken in _broken(whole, position):
            if code not in before:
                assert code in _codes(validate(broken)), (position, code)
                tried[code] += 1
    assert len(tried) == 8
    assert min(tried.values()) > 100


def _broken(whole: Record, seed: int) -> Iterator[tuple[str, Record]]:
    leader, fields = whole
    title = next(whole.all("245"))
    coded = whole.control("008")
    yield "field-not-repeatable", Record(leader, (*fields, title))
    yield "title-missing", Record(leader, tuple(each for each in fields if each.tag != "245"))
    yield "field-unknown", Record(leader, (*fields, field("666 __$a?")))
    yield "main-entry-not-single", record_with(whole, "100 1_$aKim", "110 2_$aSeoul")
    yield "linkage-without-partner", record_with(whole, "880 __$6500-77$aNote")
    yield "check-digit-wrong", record_with(whole, "020 __$a9788936433599")
    at = seed % len(coded)
    short = coded[:at] + coded[at + 1 :]
    yield (
        "fixed-field-length",
        Record(leader, tuple(e._replace(value=short) if e.tag == "008" else e for e in fields)),
    )
    swapped = title._replace(subfields=(*title.subfields, Subfield("Q", "")))
    yield (
        "subfield-undefined",
        Record(leader, tuple(swapped if each is title else each for each in fields)),
    )


def record_with(whole: Record, *lines: str) -> Record:
    """Return ``whole`` with further fields."""
    return Record(whole.leader, (*whole.fields, *record(*lines).fields))
