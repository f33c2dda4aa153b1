"""Scores: what two records have in common, said in words, and never two editions taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marc_mappings.keys.key_kinds import IDENTIFIER_KINDS, KINDS, TITLE_KINDS, Key
from marc_mappings.match_score import WEIGHTS, Score, compare, compare_records
from marc_mappings.record import Record
from tests.marc_mappings.conftest import BOOK, LEADER, record

ISBN = "9788936433598"
OTHER = "9788936434120"
KOREAN = "008 070301s2007    ko            000 1 kor d"


def _book(
    *lines: str, title: str = "채식주의자", year: str = "2007", author: str = "한강"
) -> Record:
    korean = KOREAN.replace("2007", year)
    return record(korean, f"100 1_$a{author}", f"245 00$a{title}", *lines)


def test_every_kind_has_its_weight_and_no_edition_kind_has() -> None:
    assert set(WEIGHTS) == {*IDENTIFIER_KINDS, *TITLE_KINDS}
    numbers = [weight.score for kind, weight in WEIGHTS.items() if weight.relation == "same"]
    assert min(numbers) > max(w.score for w in WEIGHTS.values() if w.relation != "same")


@pytest.mark.parametrize(
    ("one", "other", "relation", "words"),
    [
        # numbers
        (
            _book(f"020 __$a{ISBN}"),
            _book("020 __$a89-364-3359-8"),
            "same",
            [f"the same ISBN {ISBN}"],
        ),
        (BOOK, record("035 __$a(KR-BUL)bk000001"), "same", ["control number (KR-BUL)BK000001"]),
        (
            _book(f"020 __$a{ISBN}"),
            _book(f"020 __$a{ISBN}", title="소년이 온다"),
            "maybe",
            [f"the same ISBN {ISBN}", "but other titles: “채식주의자” and “소년이온다”"],
        ),
        (
            _book(f"020 __$a{ISBN}", title="토지 전편$n1"),
            _book(f"020 __$a{ISBN}", title="토지 전편$n2"),
            "maybe",
            ["but other parts: 1 and 2; the number may be that of the set"],
        ),
        (
            _book(f"020 __$a{ISBN} (set)", title="토지 전편$n1"),
            _book(f"020 __$a{ISBN} (set)", title="토지 전편$n2"),
            "different",
            ["the ISBN of the same set", "other parts: 1 and 2"],
        ),
        (
            _book(f"020 __$a{ISBN}", "250 __$a초판"),
            _book(f"020 __$a{ISBN}", "250 __$a제2판"),
            "maybe",
            ["other editions: 1 and 2"],
        ),
        (
            record(f"020 __$a{ISBN}"),
            record(f"020 __$z{ISBN}"),
            "maybe",
            ["which is cancelled or wrong in one of them"],
        ),
        # titles
        (
            _book(),
            _book(),
            "same",
            ["the same title “채식주의자”, author and year 2007"],
        ),
        (
            _book(),
            _book(title="Ch'aesikchuŭija", author="Han, Kang"),
            "maybe",
            ["the same title in Korean script and in romanisation, the same author, 2007"],
        ),
        (
            _book(title="Chaesikjuuija", author="Han, Kang"),
            _book(title="Ch'aesikchuŭija", author="Han, Kang"),
            "maybe",
            ["the same title in two romanisations or spellings, the same author, 2007"],
        ),
        (_book(), _book(year="2022"), "other edition", ["other years: 2007 and 2022"]),
        (
            _book(f"020 __$a{ISBN}"),
            _book(f"020 __$a{OTHER}"),
            "other edition",
            [f"other ISBNs: {ISBN} and {OTHER}"],
        ),
        (
            _book("250 __$a초판"),
            _book("250 __$a개정 2판"),
            "other edition",
            ["other editions: 1 and 2"],
        ),
        (
            _book("264 _1$b창비"),
            _book("264 _1$b문학동네"),
            "other edition",
            ["other publishers: 창비 and 문학동네"],
        ),
        (
            _book(title="토지 조사:$b강원도"),
            _book(title="토지 조사:$b전라도"),
            "maybe",
            ["other subtitles: “강원도” and “전라도”"],
        ),
        (_book(title="토지 조사:$b강원도"), _book(title="토지 조사"), "same", ["the same title"]),
        (
            _book("240 10$aChaesikchuuija"),
            record(
                KOREAN.replace("kor", "eng"),
                "100 1_$aHan, Kang",
                "240 10$aChaesikchuuija.$lEnglish",
                "245 14$aThe vegetarian",
            ),
            "different",
            ["no number and no title"],
        ),
        (_book(), _book(author="김영하"), "different", ["but other authors"]),
        (_book(), _book(title="소년이 온다"), "different", ["no number and no title in common"]),
        (_book(title="토지 전편$n1"), _book(title="토지 전편$n2"), "different", ["no number"]),
        (Record(LEADER, ()), Record(LEADER, ()), "different", ["no number"]),
    ],
)
def test_two_records_are_judged_in_words(
    one: Record, other: Record, relation: str, words: list[str]
) -> None:
    score = compare_records(one, other)
    assert score.relation == relation
    said = "; ".join(score.reasons)
    assert all(each in said for each in words), said


def test_a_translation_is_another_edition_of_the_work() -> None:
    original = record(KOREAN, "100 1_$aHan, Kang", "240 10$aChaesikchuuija", "245 10$aX Y Z")
    english = record(
        KOREAN.replace("kor", "eng"),
        "100 1_$aHan, Kang",
        "240 10$aChaesikchuuija.$lEnglish",
        "245 14$aThe vegetarian",
    )
    score = compare_records(original, english)
    assert score.relation == "other edition"
    assert "the same uniform title" in score.reasons[0]


def test_a_publisher_written_more_fully_is_no_other_publisher() -> None:
    fuller = compare_records(_book("264 _1$b창비"), _book("264 _1$b(주)창비"))
    other_script = compare_records(_book("264 _1$b창비"), _book("264 _1$bCh'angbi"))
    assert fuller.relation == other_script.relation == "same"


def test_the_same_sound_recorded_and_printed_is_another_edition() -> None:
    spoken = Record(LEADER[:6] + "i" + LEADER[7:], _book().fields)
    assert compare_records(_book(), spoken).relation == "other edition"


VALUES = st.sampled_from(
    ["채식주의자||한강|2007", "x", "a||b", "a|1|b", "kor:a||b|1999", "", "|", ":"]
)
KEYS = st.lists(st.builds(Key, st.sampled_from(sorted(KINDS)), VALUES), max_size=8)


@given(KEYS, KEYS)
def test_any_two_sets_of_keys_are_judged_and_the_order_does_not_matter(
    ours: list[Key], theirs: list[Key]
) -> None:
    score = compare(ours, theirs)
    back = compare(reversed(theirs), ours)
    assert isinstance(score, Score)
    assert 0 <= score.score <= 100
    assert score.reasons
    assert (score.score, score.relation) == (back.score, back.relation)


@given(KEYS, KEYS)
def test_other_years_are_never_silently_the_same(ours: list[Key], theirs: list[Key]) -> None:
    """Without a number in common, records of two years are at most other editions."""
    left_out = {*IDENTIFIER_KINDS, "year"}
    ours = [key for key in ours if key.kind not in left_out]
    theirs = [key for key in theirs if key.kind not in left_out]
    score = compare([*ours, Key("year", "1999")], [*theirs, Key("year", "2007")])
    assert score.relation in ("other edition", "different")
