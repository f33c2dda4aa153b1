"""Rows of crosswalks and their interpreter: nothing vanishes that the loss report does not name."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marc_mappings import rules, spec
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss, Table, copied, made
from tests.marc_mappings.conftest import LEADER, field, record

TABLE: Table[Field] = Table(
    [
        copied("010", "020 ##", "a b>q d>c", "LC"),
        copied("210", "264 #1", "a( ;) c>b( :) d>c(,)", "LC"),
        copied("610", "653 <#", "a", "LC", each="a"),
        copied("200|1*|", "245 <0", "a e>b( :) f>c( /)", "LC"),
        copied("225", "490 0#", "a e>a+( :) v( ;)", "LC"),
        copied("300", "500 ##", "*", "LC"),
    ],
    {"905": "holdings of the sender", "210e": "address of the printer"},
)


def test_subfields_go_where_the_row_says_with_the_punctuation_of_isbd() -> None:
    made_, lost = TABLE.convert(record("210 __$aSeoul$cMinumsa$d2005"))
    assert made_ == [field("264 _1$aSeoul :$bMinumsa,$c2005")]
    assert lost == ()


def test_a_joined_subfield_goes_behind_the_one_that_is_there() -> None:
    made_, _ = TABLE.convert(record("225 __$aSeries$esecond part$v3"))
    assert made_ == [field("490 0_$aSeries : second part ;$v3")]


def test_a_field_is_made_for_each_subfield_where_the_row_asks() -> None:
    made_, _ = TABLE.convert(record("610 1_$aone$atwo"))
    assert made_ == [field("653 1_$aone"), field("653 1_$atwo")]


def test_what_no_row_reads_is_lost_and_what_is_given_up_has_its_reason() -> None:
    _, lost = TABLE.convert(
        record("210 __$aSeoul$eStreet$z?", "905 __$aX", "999 __$aY", "200 0_$aOther indicator")
    )
    assert lost == (
        Loss("210", "e", "address of the printer"),
        Loss("210", "z"),
        Loss("905", "", "holdings of the sender"),
        Loss("999"),
        Loss("200"),
    )


def test_one_field_may_be_converted_so_that_its_values_are_known_as_its_own() -> None:
    source = record("010 __$a123$z?", "999 __$aY")
    lost: dict[Loss, None] = {}
    made_ = [TABLE.values(one, source, lost) for one in source.fields]
    assert made_ == [[field("020 __$a123")], []]
    assert tuple(lost) == TABLE.convert(source)[1] == (Loss("010", "z"), Loss("999"))


def test_a_field_that_makes_nothing_is_lost() -> None:
    assert TABLE.convert(record("010 __$a ")) == ([], (Loss("010"),))


@pytest.mark.parametrize(
    ("place", "target", "subfields", "source"),
    [
        ("24a", "245 ##", "a", "LC"),
        ("245", "24 ##", "a", "LC"),
        ("245", "245 #", "a", "LC"),
        ("245", "245 ##", "a>", "LC"),
        ("245", "245 ##", "ab", "LC"),
        ("245", "245 ##", "a a>b", "LC"),
        ("245", "245 ##", "A", "LC"),
        ("245", "245 ##", "a", ""),
    ],
)
def test_a_wrong_row_fails_when_it_is_defined(
    place: str, target: str, subfields: str, source: str
) -> None:
    with pytest.raises(ValueError, match="Wrong row"):
        Table([copied(place, target, subfields, source)])


def test_a_row_without_words_or_a_reason_fails_when_it_is_defined() -> None:
    with pytest.raises(ValueError, match="say in words"):
        made("245", "245", lambda *_: [], "LC")
    with pytest.raises(ValueError, match="without a reason"):
        Table([], {"905": ""})


TAGS = ["010", "210", "610", "200", "225", "300", "905", "999"]
FIELDS = st.builds(
    lambda tag, indicators, parts: Field(tag, indicators, tuple(parts)),
    st.sampled_from(TAGS),
    st.sampled_from(["  ", "1 ", "0 "]),
    st.lists(
        st.builds(
            Subfield,
            st.sampled_from(string.ascii_lowercase),
            st.text(string.ascii_letters, min_size=3),
        ),
        min_size=1,
    ),
)


@given(st.lists(FIELDS))
def test_every_subfield_is_mapped_or_named_in_the_loss_report(fields: list[Field]) -> None:
    """Whatever text goes in is in the target, or its tag and code are in the report."""
    for one in fields:
        values, lost = TABLE.convert(Record(LEADER, (one,)))
        text = " ".join(value for each in values for _, value in each.subfields)
        codes = "".join(loss.codes for loss in lost)
        whole = any(not loss.codes for loss in lost)
        for code, value in one.subfields:
            assert whole or code in codes or value in text, (one, values, lost)
        assert all(loss.tag == one.tag for loss in lost)


def test_the_rest_of_the_subfields_may_be_taken_as_they_are() -> None:
    moves = {move.code: move for move in spec.moves("d>c( /) *")}
    parts = rules.moved(field("245 00$aTitle$dName$nPart").subfields, moves, {})
    assert parts == field("245 00$aTitle /$cName$nPart").subfields


def test_a_row_adds_where_a_number_is_from() -> None:
    row = copied("690", "084 ##", "a", "CNMARC", each="a", adding="2clc")
    made_, _ = Table([row]).convert(record("690 __$aF124$aF12"))
    assert made_ == [field("084 __$aF124$2clc"), field("084 __$aF12$2clc")]
    assert "$2 clc" in row.how


def test_joined_subfields_do_not_double_the_punctuation_that_is_there() -> None:
    made_, _ = TABLE.convert(record("225 __$aSeries :$esecond part"))
    assert made_ == [field("490 0_$aSeries : second part")]


@pytest.mark.parametrize("plan", ["a b", "*"])
def test_a_value_of_which_a_step_leaves_nothing_is_reported(plan: str) -> None:
    def only_digits(text: str) -> str:
        return "".join(filter(str.isdigit, text))

    table = Table([copied("010", "020 ##", plan, "LC", steps={"b": (only_digits,)})])
    assert table.convert(record("010 __$a12$bpbk.")) == (
        [field("020 __$a12")],
        (Loss("010", "b"),),
    )
    assert table.convert(record("010 __$a12$b3 v.")) == ([field("020 __$a12$b3")], ())
