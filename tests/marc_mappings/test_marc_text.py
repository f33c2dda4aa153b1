r"""The mnemonic form in and out: lines, blanks shown as ``\``, characters as names in braces."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings import formats, marc_text
from marc_mappings.formats import Parsed, Unreadable
from marc_mappings.framing import mnemonics
from marc_mappings.record import Record
from tests.marc_mappings.conftest import BOOK, record
from tests.marc_mappings.test_marcxml import ANY_RECORDS, SOUND_RECORDS

MRK = marc_text.write(BOOK)
LDR = "=LDR  00000nam a2200000 i 4500\n"


def _read(document: str | bytes) -> list[Parsed | Unreadable]:
    data = document.encode() if isinstance(document, str) else document
    return list(formats.read(io.BytesIO(data)))


def _one(document: str | bytes) -> Parsed:
    (item,) = _read(document)
    assert isinstance(item, Parsed), item.problems
    return item


def _codes(item: Parsed | Unreadable) -> list[str]:
    return [each.code for each in item.problems]


def test_blanks_delimiters_and_braces_are_written_as_marcedit_does() -> None:
    made = record("001 x 1", "245 _4$aUS{1} {5}")
    made = made._replace(fields=(*made.fields, *record("500 __$aa\\b").fields))
    assert marc_text.write(made).decode() == (
        LDR + "=001  x\\1\n=245  \\4$aUS{dollar}1 {lcub}5{rcub}\n=500  \\\\$aa{bsol}b\n\n"
    ).replace("{dollar}1 ", "{lcub}1{rcub} ").replace("{lcub}1{rcub}", "{dollar}1")


def test_records_are_found_at_their_offsets_whatever_ends_the_lines() -> None:
    for whole in (
        MRK * 3,
        MRK.replace(b"\n", b"\r\n") * 3,
        MRK.rstrip(b"\n") + b"\n" + MRK.rstrip(b"\n") + b"\n" + MRK.rstrip(b"\n"),
        b"\xef\xbb\xbf\n\n" + MRK + b"\n\n\n" + MRK + b" \n" + MRK + b"\x1a",
    ):
        items = _read(whole)
        assert [each.record.fields for each in items if isinstance(each, Parsed)] == [
            BOOK.fields
        ] * 3
        assert all(whole[each.offset :].startswith(b"=LDR") for each in items)


def test_a_blank_line_within_a_record_does_not_end_it() -> None:
    spaced = MRK.replace(b"\n", b"\n\n")
    assert [each.outcome for each in _read(spaced * 2)] == ["ok", "ok"]


def test_records_without_leader_end_at_a_blank_line() -> None:
    items = _read("=001  1\n=245  00$aA\n\n=001  2\n=245  00$aB\n\n=245  00$aC\n")
    assert [each.record.control("001") for each in items if isinstance(each, Parsed)] == [
        "1",
        "2",
        "",
    ]
    assert all("leader-damaged" in _codes(each) for each in items)


def test_a_record_cut_off_in_a_line_does_not_cost_the_next() -> None:
    items = _read(MRK[:200] + MRK)
    assert isinstance(items[1], Parsed)
    assert items[1].record == BOOK


def test_a_line_that_goes_on_is_joined_with_a_note() -> None:
    item = _one(LDR + "=520  \\\\$aFirst line\nsecond line\n third\n=650  \\0$ax\n")
    assert item.record.fields[0].first("a") == "First line second line third"
    assert _codes(item) == ["line-continued"]


def _mended(document: str) -> tuple[Record, list[str]]:
    item = _one(document)
    return item.record, _codes(item)


def test_a_field_that_begins_inside_anothers_line_gets_its_own() -> None:
    made, codes = _mended(LDR + "=245  00$aTitle=650  \\0$aSea=001  x1\n")
    assert made.fields == record("245 00$aTitle", "650 _0$aSea", "001 x1").fields
    assert codes == ["line-end-missing"] * 2
    for sound in (
        "=245  00$aE=mc2, a=b",
        "=245  00$aTitre =Title, 1=001",
        "=856  40$uhttp://x?a=650",
    ):
        assert _codes(_one(f"{LDR}{sound}\n")) == []


def test_a_value_that_looks_like_a_field_is_read_as_it_was_written() -> None:
    odd = record("001 a =001  b", "500 __$aSee =001  b")
    assert _mended(marc_text.write(odd).decode()) == (odd, [])


def test_blank_lines_between_the_fields_of_a_record_are_told_once() -> None:
    made, codes = _mended(LDR + "\n=001  x1\n\n=245  00$aTitle\n\n")
    assert len(made.fields) == 2
    assert codes == ["blank-line-inside"]


def test_a_record_that_may_have_been_cut_off_at_its_end_is_told() -> None:
    other = (LDR + "=245  00$aTitle\n").encode()
    for cut, code in ((1, "blank-line-missing"), (2, "line-end-missing"), (9, "line-end-missing")):
        first, last = _read(MRK[:-cut] + other)
        assert _codes(first) == [code]
        assert _codes(last) == []
    assert _codes(_read(MRK.rstrip(b"\n"))[0]) == []


@pytest.mark.parametrize("value", ["${nix}itle", "$aHe{lth", "$aHe}lth", "$a{{acute}e"])
def test_a_brace_that_belongs_to_no_mnemonic_is_told(value: str) -> None:
    item = _one(f"{LDR}=245  00{value}\n")
    assert {"brace-bare", "mnemonic-unknown"} & set(_codes(item))
    assert not [code for code, _ in item.record.fields[0].subfields if not code.isalnum()]


def test_high_octets_in_a_record_that_says_utf8_are_told() -> None:
    raw = LDR.encode() + b"=245  00$aLibri I, II\xba\xbax\n"
    assert set(_codes(_one(raw))) & {"leader-says-utf8", "character-undecodable"}


def test_words_before_the_first_record_are_reported() -> None:
    items = _read(MRK + b"\n" + MRK)
    assert len(items) == 2
    items = list(formats.read(io.BytesIO(MRK + MRK)))
    assert [each.outcome for each in items] == ["ok", "ok"]
    item = formats.read_one(b"Dear all,\n" + MRK)
    assert item.outcome == "rejected"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("{Lstrok}{acute}od{acute}z", "Łódź"),
        ("T{macr}okyo", "Tōkyo"),
        ("k{under}h", "kh\u0332"),
        ("S{hooka}{ohorn}", "Sở"),
        ("Rs160.00 ({dollar}35.00 U.S.)", "Rs160.00 ($35.00 U.S.)"),
        ("({lcub}) and ({rcub}) and {bsol}", "({) and (}) and \\"),
        ("({) and (})", "({) and (})"),
        ("backsolidus \\ here", "backsolidus \\ here"),
        ("{lcub}acute{rcub}e", "{acute}e"),
        ("ends with {acute}", "ends with \u0301"),
    ],
)
def test_mnemonics_are_characters(line: str, value: str) -> None:
    item = _one(f"{LDR}=500  \\\\$a{line}\n")
    assert item.record.fields[0].first("a") == value
    # The Library of Congress writes bare braces too.
    assert _codes(item) == (["brace-bare"] if "({)" in line else [])


def test_an_unknown_mnemonic_is_kept_with_a_problem() -> None:
    item = _one(LDR + "=500  \\\\$aa {nosuch} b\n")
    assert item.record.fields[0].first("a") == "a {nosuch} b"
    assert _codes(item) == ["mnemonic-unknown"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("=245  1$ax", "indicators-missing"),
        ("=245  $ax", "indicators-missing"),
        ("=245  10Title", "subfield-without-code"),
        ("=245  10Title$bx", "subfield-without-code"),
        ("=245  10$", "subfield-without-code"),
        ("=2450  10$ax", "tag-invalid"),
        ("=001  a$bx", "subfields-in-control-field"),
        ("=245", "field-empty"),
        ("=245x=0", "subfield-without-code"),
        ("=500  \\\\$aa\x01b", "control-character"),
        ("=500  \\\\$aa\ufffeb", "character-not-allowed"),
    ],
)
def test_odd_lines_are_mended_with_a_problem(line: str, code: str) -> None:
    item = _one(f"{LDR}=003  X\n{line}\n")
    assert code in _codes(item)
    assert item.outcome == "repaired"


def test_marc8_and_doubtful_bytes_are_told() -> None:
    item = _one((LDR + "=245  00$aL").encode() + b"\xe2odz\n")
    assert item.encoding == "marc-8"
    assert item.record.fields[0].first("a") == "Lódz"


def test_the_mnemonics_of_ansel_are_all_there_and_agree_with_its_table() -> None:
    from marc_mappings.letters import marc8

    names = [name for name, char in mnemonics.CHARACTERS.items() if char > "\x7f"]
    ansel = {marc8.decode(bytes([byte])).text for byte in range(0xA1, 0xFF)} - {"\ufffd"}
    known = {mnemonics.CHARACTERS[name] for name in names}
    assert ansel <= known | {marc8.decode(b"\xc7").text, marc8.decode(b"\xc8").text}


# --- properties ----------------------------------------------------------------------------


@given(SOUND_RECORDS)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(made: Record) -> None:
    item = formats.read_one(marc_text.write(made))
    assert isinstance(item, Parsed)
    assert (item.record, item.problems) == (made, ())


@given(st.lists(ANY_RECORDS, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_whatever_the_records_there_are_as_many_blocks(made: list[Record]) -> None:
    whole = b"".join(map(marc_text.write, made))
    assert whole.decode().count("=LDR  ") >= len(made)
    items = list(formats.read(io.BytesIO(MRK + whole + MRK)))
    assert [each.record.fields for each in (items[0], items[-1]) if isinstance(each, Parsed)] == [
        BOOK.fields
    ] * 2
    assert len(items) >= len(made) + 2


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_escaped_text_expands_to_itself(text: str) -> None:
    from unicodedata import normalize

    assert normalize("NFC", mnemonics.expand(mnemonics.escape(text))[0]) == normalize("NFC", text)


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_the_record_after_any_noise_is_read(noise: bytes) -> None:
    items = list(formats.read(io.BytesIO(MRK + noise + b"\n" + MRK)))
    assert [each.record.fields for each in items[-1:] if isinstance(each, Parsed)] == [BOOK.fields]
