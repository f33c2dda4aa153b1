"""Mongolian from before Unicode: repaired only where the record is in Mongolian, and told."""

from __future__ import annotations

from marc_mappings.letters.mongolian import mended_mongolian, repair_mongolian
from tests.marc_mappings.conftest import record

TITLE = "245 10$aМонголын їндэсний тїїх /$cЄ. Дорж"


def test_letters_are_put_right_in_a_mongolian_record_and_each_field_is_named() -> None:
    before = record("008 070301s2007    mp            000 1 mon d"[:44], TITLE, "500 __$aABC")
    after, problems = mended_mongolian(before)
    assert next(after.all("245")).first("a") == "Монголын үндэсний түүх /"
    assert next(after.all("245")).first("c") == "Ө. Дорж"
    assert [(each.code, each.tag, each.repair) for each in problems] == [
        ("mongolian-letters-repaired", "245", True)
    ]


def test_a_ukrainian_title_keeps_its_letters() -> None:
    before = record("008 070301s2007    un            000 1 ukr d"[:44], "245 10$aЇжак і Єва")
    assert mended_mongolian(before) == (before, ())


def test_a_sound_mongolian_record_is_the_same_and_nothing_is_said() -> None:
    before = record("041 0_$amon", "245 10$aҮндэсний түүх")
    assert mended_mongolian(before) == (before, ())


def test_the_repair_touches_nothing_else() -> None:
    assert repair_mongolian("Монгол ABC 中 ёЁ") == "Монгол ABC 中 ёЁ"
