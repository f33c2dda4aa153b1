"""Keys: every spelling of one number meets, and what is not the same never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import isbn

from marc_mappings.keys import identifiers
from marc_mappings.match_keys import (
    EDITION_KINDS,
    IDENTIFIER_KINDS,
    KINDS,
    TITLE_KINDS,
    Key,
    explain_invalid,
    identifier_keys,
    identifier_only,
    keys,
)
from marc_mappings.record import Record
from tests.marc_mappings.conftest import BOOK, LEADER, record

ISBN = "9788936434120"


@pytest.mark.parametrize(
    "written",
    [
        "9788936434120",
        "978-89-364-3412-0",
        "978 89 364 3412 0",
        "89-364-3412-8",
        "8936434128",
        "8936434128 (pbk.) :",
        "89-364-3412-8 (양장) : ₩12000",
        "ISBN 978-89-364-3412-0",
        "９７８－８９－３６４－３４１２－０",
        "978‐89‐364‐3412‐0",
        "urn:isbn:9788936434120",
        "9788936434120:12000원",
    ],
)
def test_every_spelling_of_an_isbn_meets(written: str) -> None:
    assert isbn.is_valid(ISBN)
    assert isbn.is_valid("8936434128")
    assert identifier_keys(written) == (Key("isbn", ISBN),)
    assert keys(record(f"020 __$a{written}")) == (Key("isbn", ISBN),)


@pytest.mark.parametrize(
    "line",
    [
        f"020 __$a{ISBN} (set)",
        f"020 __$a{ISBN}$q(set)",
        f"020 1_$a{ISBN}",
        f"020 1_$a{ISBN} (전5권)",
        f"020 __$a{ISBN} (전집)",
        f"020 __$a{ISBN} (全套)",
        f"020 __$a{ISBN} (全五冊)",
        f"020 __$a{ISBN} (整套)",
        f"020 __$a{ISBN} (세트)",
        f"020 __$a{ISBN}$g(전집)",
        f"020 __$a{ISBN} (v. 1-3)",
        f"020 __$a{ISBN}$qvols. 1–3",
        f"020 __$a{ISBN} (Bd. 1-2 komplett)",
        f"020 __$a{ISBN} (1-5권)",
        f"020 __$a{ISBN} (3 v.)",
        f"020 __$a{ISBN} (комплект)",
        f"024 3_$a{ISBN}$q(set)",
    ],
)
def test_the_isbn_of_a_set_never_matches_a_volume(line: str) -> None:
    assert keys(record(line)) == (Key("isbn_set", ISBN),)


@pytest.mark.parametrize("words", ["(v. 1)", "(pbk.)", "제1권", "(Bd. 2)", "(t. 3)", ": 2017-2018"])
def test_the_isbn_of_a_volume_is_not_taken_for_a_sets(words: str) -> None:
    assert keys(record(f"020 __$a{ISBN} {words}")) == (Key("isbn", ISBN),)


@given(st.sampled_from(["(set)", "전집", "全套", "v. 1-3", "komplett"]), st.text(max_size=20))
def test_a_set_stays_a_set_whatever_is_written_beside_it(words: str, more: str) -> None:
    field = record(f"020 __$a{ISBN}$q{words}$q{more.replace('$', '')} ") if more else None
    kinds = {key.kind for key in keys(field or record(f"020 __$a{ISBN}$q{words}"))}
    assert "isbn" not in kinds


_WORDS = [
    "set",
    "Sets",
    "compl",
    "ete",
    "Komplett",
    "Ges",
    "W",
    "v",
    "vol",
    "vols",
    "t",
    "Bd",
    "tomes",
    "pbk",
    "SÚBOR",
    "œuvre complète",
    "комплект",
    "бүрдэл",
    "Т",
    "全",
    "套",
    "五",
    "冊",
    "세트",
    "전집",
    "책",
    "円",
    # Letters that re.IGNORECASE takes for an s and a k.
    "ſet",
    "\u212aomplett",
]
_PARTS = [*_WORDS, ".", "-", "～", "~", "(", ")", ":", "1", "23", "978", "\u00a0"]


@given(st.lists(st.sampled_from([*_PARTS, " "]), max_size=8).map("".join))
def test_the_quick_look_at_words_around_a_number_misses_no_set(words: str) -> None:
    said = identifiers._SET.search(words) is not None
    assert identifiers.is_set(words) == (said and bool(words.strip("0123456789-Xx :;")))


def test_an_x_behind_thirteen_digits_is_no_check_digit() -> None:
    assert keys(record("020 __$z978030640615X")) == ()


def test_a_wrong_check_digit_is_no_key() -> None:
    assert keys(record("020 __$a9788936434121")) == ()
    assert identifier_keys("978-89-364-3412-1") == ()


def test_a_cancelled_isbn_is_only_a_hint() -> None:
    assert keys(record(f"020 __$z{ISBN}")) == (Key("isbn_cancelled", ISBN),)


def test_a_bare_control_number_is_no_key() -> None:
    assert keys(record("001 12345")) == ()
    assert keys(record("001 12345", "003 KR-BUL")) == (Key("control", "(KR-BUL)12345"),)
    assert identifier_keys("12345") == ()


def test_control_numbers_meet_in_any_spelling() -> None:
    one = keys(record("001 ocm00012345 ", "003 OCoLC"))
    two = keys(record("035 __$a(OCoLC)12345"))
    assert one == two == identifier_keys("(ocolc) on12345") == (Key("control", "(OCOLC)12345"),)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("010 __$a   85000002 ", Key("lccn", "85000002")),
        ("015 __$aJP 2317-3255$2jnb", Key("nbn", "JP23173255")),
        ("016 7_$a1012345$2DE-101", Key("nbn", "(DE-101)1012345")),
        ("016 __$a901234567", Key("nbn", "(CAOONL)901234567")),
        ("022 __$a0317-8471", Key("issn", "0317-8471")),
        ("024 7_$a10.1000/ABC$2doi", Key("doi", "10.1000/abc")),
        ("024 2_$aM-2306-7118-7", Key("ismn", "9790230671187")),
        (f"024 3_$a{ISBN}", Key("isbn", ISBN)),
        ("024 1_$a7822183031", Key("other_id", "upc:7822183031")),
        ("024 8_$asomething", None),
        ("022 __$l0317-8471", Key("issn", "0317-8471")),
        ("022 __$y0317-8471", Key("issn_cancelled", "0317-8471")),
        ("022 __$z0317-8471", Key("issn_cancelled", "0317-8471")),
        ("035 __$z(OCoLC)12345", Key("control_cancelled", "(OCOLC)12345")),
        ("015 __$a23173255$2jnb", Key("nbn", "(JNB)23173255")),
        ("015 __$aGB9512345$2bnb", Key("nbn", "GB9512345")),
        ("024 3_$a979-0-2306-7118-7", Key("ismn", "9790230671187")),
        ("024 7_$a10019·1602$2local$q统一书号", Key("csbn", "10019·1602")),
        ("024 7_$a10019.1602$2local$q统一书号", Key("csbn", "10019·1602")),
        ("024 7_$a10019・1602$2local", Key("csbn", "10019·1602")),
        ("024 7_$a10019.1602$2local", Key("other_id", "local:10019.1602")),
        ("024 7_$aSHELF 7$2local", Key("other_id", "local:SHELF7")),
        ("022 __$a0317-8472", None),
        ("010 __$aunknown", None),
    ],
)
def test_numbers_of_other_kinds(line: str, key: Key | None) -> None:
    assert keys(record(line)) == ((key,) if key else ())


def test_keys_are_given_once_and_in_order() -> None:
    assert [key.kind for key in identifier_only(BOOK)] == ["control", "isbn"]
    assert keys(BOOK)[:2] == identifier_only(BOOK)
    assert len(set(keys(BOOK))) == len(keys(BOOK))
    twice = record(f"020 __$a{ISBN}", "020 __$a8936434128", "022 __$a0317-8471")
    assert [key.kind for key in keys(twice)] == ["isbn", "issn"]


@given(st.text())
def test_no_text_breaks_the_reading_of_identifiers(text: str) -> None:
    for kind in ("", *KINDS):
        assert all(key.kind in KINDS and key.value for key in identifier_keys(text, kind))
    assert isinstance(explain_invalid(text), str)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("9788936434121", "9788936434121: the check digit should be 0."),
        ("89-364-3412-1", "89-364-3412-1: the check digit should be 8."),
        ("0317-8472", "0317-8472: the check digit should be 1."),
        ("1234567890123", "1234567890123: an ISBN of 13 digits begins with 978 or 979."),
        ("12345", "12345: an ISBN has 10 or 13 digits, this has 5."),
        ("none", "none: there is no number in it."),
        ("", "There is no identifier."),
        (ISBN, ""),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(text: str, sentence: str) -> None:
    assert explain_invalid(text) == sentence


def test_every_kind_is_of_one_sort() -> None:
    """What matches wishes must never be fuzzy: no title is among the identifiers."""
    sorts = (IDENTIFIER_KINDS, TITLE_KINDS, EDITION_KINDS)
    assert sorted(KINDS) == sorted(kind for sort in sorts for kind in sort)
    assert len(KINDS) == sum(map(len, sorts))
    assert {key.kind for key in identifier_only(BOOK)} <= set(IDENTIFIER_KINDS)
    assert {key.kind for key in keys(BOOK)} <= {*IDENTIFIER_KINDS, *TITLE_KINDS}


def test_a_unified_book_number_is_read_as_people_write_it() -> None:
    assert identifier_keys("统一书号 10019.1602") == (Key("csbn", "10019·1602"),)
    assert identifier_keys("10019-1602", "csbn") == (Key("csbn", "10019·1602"),)
    assert identifier_keys("10019.1602") == ()


def test_an_empty_record_has_no_keys() -> None:
    assert keys(Record(LEADER, ())) == ()
