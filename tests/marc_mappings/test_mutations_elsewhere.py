"""What mail, exports, editors, converters, disks and scripts do to a file goes nowhere unsaid."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from marc_mappings import formats, iso2709, marc_text, marcxml
from marc_mappings.formats import Parsed
from marc_mappings.letters import traces
from marc_mappings.record import Record
from tests.marc_mappings import judgement, mutations, mutations_elsewhere, pools
from tests.marc_mappings import mutations_of_text_elsewhere as text_forms
from tests.marc_mappings.conftest import BOOK, CASES, record
from tests.marc_mappings.judgement_of_values import Verdict, judge
from tests.marc_mappings.mutations_of_text import ENVELOPES, files_of
from tests.marc_mappings.reencoding import frame, frames

SEED = 4711
KINDS = text_forms.KINDS


def _in_marc8(number: int, *values: bytes) -> bytes:
    control = (b"008", b"070301s2007    fr ||||||||||||||||| fre d")
    data = [(b"245", b"00\x1fa" + value) for value in values]
    return frame(b"00000nam  2200000   4500", [(b"001", b"m8-%d" % number), control, *data])


FRENCH = [
    _in_marc8(1, b"Un demi si\xe1ecle litt\xe2eraire :\x1fbth\xe2e\xe3atre et po\xe2esie"),
    _in_marc8(2, b"La litt\xe2erature fran\xf0caise :\x1fbpremi\xe1ere s\xe2erie"),
    _in_marc8(3, b"M\xe2emoires d'un \xe2el\xe1eve :\x1fbr\xe2ecit de l'\xe2ecole"),
]
EACC = b"\x1b$1!0K!3l!0?\x1b(B"


def _pools() -> list[list[bytes]]:
    cases = "marc8_with_diacritics_cyrillic_and_chinese"
    own = mutations.made_good(frames(CASES / cases / "in.mrc"))
    return [*pools.made().values(), FRENCH, *([own] if len(own) > 2 else [])]


def _silent(verdicts: Iterator[Verdict]) -> list[Verdict]:
    return [each for each in verdicts if each.silent or each.raised or each.lost]


def test_there_are_as_many_kinds_as_asked_and_others_than_before() -> None:
    own = mutations_elsewhere.ISO2709
    assert len(own) >= 40
    assert not set(own) & set(mutations.ISO2709)
    assert set(own) >= mutations_elsewhere.NOBODY_KNOWS
    assert set().union(*KINDS.values()) >= text_forms.NOBODY_KNOWS


def test_what_others_do_to_iso2709_goes_nowhere_unsaid() -> None:
    kinds = mutations_elsewhere.ISO2709
    files = mutations.files(_pools(), kinds, SEED, 2 * len(kinds))
    nobody_knows = mutations_elsewhere.NOBODY_KNOWS
    verdicts = (judge(file, judgement.ISO2709.between, nobody_knows) for file in files)
    assert _silent(verdicts) == []


@pytest.mark.parametrize("form", ["MARCXML", "JSON lines", "mrk"])
def test_what_others_do_to_a_text_form_goes_nowhere_unsaid(form: str) -> None:
    envelope = ENVELOPES[form]._replace(kinds=KINDS[form])
    # The large records of the other sorts are for the benchmark.
    records = [pools.read(pool) for sort, pool in pools.made().items() if "odd" not in sort]
    between = envelope.judged.between
    files = files_of(envelope, records, SEED, len(KINDS[form]))
    verdicts = (judge(file, between, text_forms.NOBODY_KNOWS) for file in files)
    assert _silent(verdicts) == []


@pytest.mark.slow
def test_what_others_do_to_real_records_goes_nowhere_unsaid(corpus: Path) -> None:
    sorts = list(pools.elsewhere(corpus).values())
    files = mutations.files(sorts, mutations_elsewhere.ISO2709, SEED, 500)
    nobody_knows = mutations_elsewhere.NOBODY_KNOWS
    verdicts = [judge(file, judgement.ISO2709.between, nobody_knows) for file in files]
    assert [each for each in verdicts if each.silent or each.raised] == []
    assert sum(each.lost for each in verdicts) <= 5


# --- what was silent once, one by one -----------------------------------------------------------


def _first(found: Record, tag: str) -> str:
    return next(found.all(tag)).subfields[0].value


def _codes(raw: bytes) -> set[str]:
    item = formats.read_one(raw)
    assert isinstance(item, Parsed)
    return {each.code for each in item.problems}


def _of_title(value: str) -> tuple[bytes, bytes, bytes]:
    """The record with this title, in three forms."""
    made = record("001 t1", f"245 00$a{value}")
    return iso2709.write(made), marcxml.write(made), marc_text.write(made)


@pytest.mark.parametrize("value", ["Ã‰toile", "donâ€™t", "í•œê°•", "StraÃŸe und Ãœbung", "SÃ£o"])
def test_utf8_taken_for_windows_1252_is_told(value: str) -> None:
    assert all("text-encoded-twice" in _codes(raw) for raw in _of_title(value))


@pytest.mark.parametrize("value", ["LIBERTÉ »", "il a passé…»", "„DÄ“", "café’s", "SÃO PAULO"])
def test_accents_before_signs_are_not_taken_for_it(value: str) -> None:
    assert all("text-encoded-twice" not in _codes(raw) for raw in _of_title(value))


def test_a_letter_that_another_program_lost_is_told() -> None:
    assert all("character-lost" in _codes(raw) for raw in _of_title("Kh\ufffddim"))


@pytest.mark.parametrize("value", ["caf&#233;", "caf&eacute;", "caf\\xe9", "caf\\u00e9"])
def test_a_reference_in_place_of_a_letter_is_told(value: str) -> None:
    assert all("character-reference" in _codes(raw) for raw in _of_title(value))
    assert all("character-reference" not in _codes(raw) for raw in _of_title("R&D; AC\\DC"))


def test_a_line_separator_in_a_value_becomes_a_blank_and_is_told() -> None:
    raw = iso2709.write(record("245 00$aXX")).replace(b"XX", b"a\xe2\x80\xa8b")
    item = formats.read_one(raw)
    assert isinstance(item, Parsed)
    assert "control-character" in {each.code for each in item.problems}
    assert _first(item.record, "245") == "a b"


def test_letters_of_marc8_without_their_escape_sequence_are_told() -> None:
    without = b"Tokyo " + EACC.replace(b"\x1b", b"")
    assert "set-not-opened" in _codes(_in_marc8(1, without))
    assert "set-not-opened" in _codes(_in_marc8(1, b"Tokyo !0K!3l\x1b(B"))
    assert _codes(_in_marc8(1, b"Tokyo " + EACC + b" $15.00 (Boston)")) == set()


def test_a_hostile_value_is_looked_through_once() -> None:
    assert not traces.in_octets(b"$1" * 100_000)
    assert not list(traces.problems("$1" * 100_000))


@pytest.mark.parametrize(
    "hurt",
    [
        lambda raw: raw.replace(b"th\xe2e", b"\x93th\xe2e").replace(
            b"po\xe2esie", b"po\xe2esie\x94"
        ),
        lambda raw: raw.replace(b"litt\xe2eraire", b"\xff" * 11),
    ],
    ids=["quotation marks", "ones"],
)
def test_marc8_here_and_there_hurt_is_still_marc8(hurt: object) -> None:
    assert callable(hurt)
    file = FRENCH[1] + hurt(FRENCH[0]) + FRENCH[2]
    items = [each for each in formats.read(io.BytesIO(file)) if isinstance(each, Parsed)]
    assert [each.encoding for each in items] == ["marc-8"] * 3
    assert [bool(each.problems) for each in items] == [False, True, False]
    assert "siècle" in _first(items[1].record, "245")


def _parsed(raw: bytes) -> tuple[Record, set[str]]:
    items = [each for each in formats.read(io.BytesIO(raw)) if isinstance(each, Parsed)]
    assert len(items) == 1
    return items[0].record, {each.code for each in items[0].problems}


def _xml(old: bytes, new: bytes) -> tuple[Record, set[str]]:
    written = marcxml.write(BOOK)
    assert old in written
    return _parsed(b"<collection>" + written.replace(old, new) + b"</collection>")


def test_elements_of_marcxml_in_capitals_are_read_and_told() -> None:
    written = marcxml.write(BOOK).replace(b"<leader", b"<Leader").replace(b"/leader", b"/Leader")
    written = written.replace(b"<record", b"<Record").replace(b"/record", b"/Record")
    found, codes = _parsed(b"<collection>" + written + b"</collection>")
    assert found == BOOK
    assert codes == {"xml-name-in-capitals"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"Korean fiction", b"Korean<br/>fiction", "xml-element-unknown"),
        (
            b"Korean fiction",
            b"Korean<subfield code='x'>y</subfield>",
            "xml-element-unknown",
        ),
        (b">Korean fiction<", b" value='Korean fiction'><", "xml-element-unknown"),
        (b"Korean fiction", b"<!-- Korean fiction -->", "xml-comment"),
        (b"Korean fiction", b"<?sic Korean fiction?>", "xml-comment"),
    ],
    ids=["break", "subfield", "attribute", "comment", "instruction"],
)
def test_what_is_no_text_in_a_value_of_marcxml_is_told(old: bytes, new: bytes, told: str) -> None:
    _, codes = _xml(old, new)
    assert told in codes


def test_a_begin_tag_with_half_a_value_is_no_envelope() -> None:
    one = marcxml.write(BOOK)
    file = b"<collection>" + one + b'<record xmlns="htrecord>\n' + one + b"</collection>"
    items = list(formats.read(io.BytesIO(file)))
    assert [each.outcome for each in items] == ["ok", "rejected", "ok"]


def test_a_break_in_a_value_does_not_join_two_words() -> None:
    found, _ = _xml(b"Korean fiction", b"Korean<br/>fiction")
    assert _first(found, "650") == "Korean fiction"


def test_a_leader_line_in_lower_case_begins_a_record() -> None:
    one = marc_text.write(BOOK)
    file = one + one.replace(b"=LDR", b"=ldr") + one
    items = [each for each in formats.read(io.BytesIO(file)) if isinstance(each, Parsed)]
    assert [each.record for each in items] == [BOOK] * 3


def test_a_leader_that_says_utf8_is_not_passed_over_in_silence() -> None:
    lines = ("001 t1", "008 070301s2007    sp ||||||||||||||||| spa d", "245 00$aSoriano, YoanXX")
    raw = iso2709.write(record(*lines)).replace(b"XX", b"\xf1a")
    assert "leader-says-utf8" in _codes(raw)


@pytest.mark.parametrize("fields", [1, 2, 12, 24])
def test_an_entry_map_of_other_widths_is_followed(fields: int) -> None:
    made = record(*(f"2{n:02} 00$aTitle {n}" for n in range(45, 45 + fields)))
    kind = mutations_elsewhere.ISO2709["lengths of five digits, told"]
    item = formats.read_one(kind(iso2709.write(made), random.Random(1)))  # noqa: S311
    assert isinstance(item, Parsed)
    assert item.record.fields == made.fields
    assert [each.code for each in item.problems] == ["leader-value-odd"]


def test_an_empty_indicator_is_told() -> None:
    _, codes = _xml(b'ind1=" "', b'ind1=""')
    assert codes == {"placeholders-for-blanks"}
