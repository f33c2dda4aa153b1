"""Mongolian Cyrillic from before Unicode: the two letters that Windows-1251 does not have.

Mongolian has two vowels more than Russian, Ө and Ү. Fonts of the 1990s drew them in the places
that Windows-1251 gives to the Ukrainian letters Є and Ї, so text that is decoded as Windows-1251
has Ukrainian letters where Mongolian ones belong. The repair is made only where the record says
that it is in Mongolian, and never in silence: Ukrainian titles keep their letters.

Source: the practice of the fonts "Arial Mon", "Times New Roman Mon"; MNS 5217:2012 (letters).
"""

from __future__ import annotations

from typing import Final

from marc_mappings.problems import Problem, problem
from marc_mappings.record import Field, Record, Subfield

LETTERS: Final = str.maketrans("ЄєЇї", "ӨөҮү")
LANGUAGE: Final = "mon"


def repair_mongolian(text: str) -> str:
    """Return ``text`` with Mongolian letters for the Ukrainian ones that stand in their places.

    >>> repair_mongolian("Монгол їндэсний тїїх, єв соёл")
    'Монгол үндэсний түүх, өв соёл'
    """
    return text.translate(LETTERS)


def is_in_mongolian(record: Record) -> bool:
    """Whether the record names Mongolian as its first language (008/35-37, 041 or 101 $a)."""
    if record.control("008")[35:38] == LANGUAGE:
        return True
    return any(field.first("a")[:3] == LANGUAGE for field in record.all("041", "101"))


def mended_mongolian(record: Record) -> tuple[Record, tuple[Problem, ...]]:
    """Return the record with its Mongolian letters put right, and a problem for each such field.

    The same record, and nothing to say, where it is not in Mongolian or needs no repair.
    """
    if not is_in_mongolian(record):
        return record, ()
    mended = tuple(_mended(field) for field in record.fields)
    problems = tuple(
        problem(
            "mongolian-letters-repaired",
            "The letters Є and Ї stood where Mongolian has Ө and Ү; they were put right.",
            field.tag,
        )
        for field, other in zip(record.fields, mended, strict=True)
        if field != other
    )
    return (Record(record.leader, mended), problems) if problems else (record, ())


def _mended(field: Field) -> Field:
    subfields = tuple(Subfield(code, repair_mongolian(value)) for code, value in field.subfields)
    return Field(field.tag, field.indicators, subfields, repair_mongolian(field.value))
