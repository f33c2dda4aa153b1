"""The MARC 21 bibliographic format as data: fields and fixed-field elements, read from two tables.

A table row is checked when it is first read: a wrong one raises with its file and line, so that
no record is ever judged by a misprint. What is looked up per field of a record (pairs of
indicators, subfields) is laid out beforehand as sets.

Source: MARC 21 Format for Bibliographic Data (Library of Congress); see the heads of
``codes/marc21_fields.tsv`` and ``codes/marc21_fixed.tsv``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Final, Literal, TypeVar

from marc_mappings import codes

Status = Literal["current", "obsolete", "holdings"]

_Row = TypeVar("_Row")
_CODES = re.compile(r"(?:[a-z0-9]\*?)+(?:~[a-z0-9]+)?")
_VALUES = re.compile(r"[#0-9]+(?:~[#0-9]+)?")
_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
_FIXED: Final = {"LDR": 24, "006": 18, "007": 23, "008": 40}
# $9 is left to each library, in every field.
LOCAL_SUBFIELD: Final = "9"
MATERIALS: Final = ("books", "computer", "maps", "music", "continuing", "visual", "mixed")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a field may hold; ``None`` where the format leaves it open to whoever writes it.

    ``first`` and ``second`` are the values of the indicators, ``old_first`` and ``old_second`` the
    obsolete ones, ``pairs`` all that may stand together today. ``once`` are the subfields that must
    not be repeated, ``old_subfields`` the obsolete ones, ``subfields`` those in use.
    """

    tag: str
    status: Status
    repeatable: bool
    label: str
    first: frozenset[str] | None = None
    second: frozenset[str] | None = None
    old_first: frozenset[str] = frozenset()
    old_second: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    subfields: frozenset[str] | None = None
    once: frozenset[str] = frozenset()
    old_subfields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Element:
    """Positions of a fixed field: ``start`` from 0, ``end`` behind the last, codes of ``unit``."""

    start: int
    end: int
    unit: int
    codes: frozenset[str]
    old_codes: frozenset[str]
    label: str

    @property
    def positions(self) -> str:
        """The positions as the format writes them, ``18-21`` or ``06``."""
        if self.end - self.start == 1:
            return f"{self.start:02}"
        return f"{self.start:02}-{self.end - 1:02}"


@cache
def fields() -> Mapping[str, Definition]:
    """Return the definition of every tag; raises ``ValueError`` naming a wrong row."""
    found: dict[str, Definition] = {}
    for definition in _checked("marc21_fields.tsv", 7, _definition):
        if definition.tag in found:
            raise ValueError(f"marc21_fields.tsv: there are two rows of {definition.tag}")
        found[definition.tag] = definition
    return found


@cache
def linked_fields() -> Mapping[str, Definition]:
    """Return what an 880 may hold that stands for a tag: the same, and $6."""
    return {
        tag: definition
        if definition.subfields is None
        else replace(definition, subfields=definition.subfields | {"6"})
        for tag, definition in fields().items()
        if tag >= "010"
    }


@cache
def linking_tags() -> frozenset[str]:
    """Return the tags whose $6 is a link, and not something of the library's own."""
    return frozenset(tag for tag, each in fields().items() if each.status != "holdings")


@cache
def elements() -> Mapping[tuple[str, str], tuple[Element, ...]]:
    """Return the elements of (field, material), for ``("008", "books")`` with the common ones.

    The 006 of a material is made from its 008. Raises ``ValueError`` naming a wrong row.
    """
    found: dict[tuple[str, str], list[Element]] = {}
    for key, element in _checked("marc21_fixed.tsv", 8, _element):
        found.setdefault(key, []).append(element)
    every = found.pop(("008", ""))
    form = found.pop(("006", ""))
    for material in MATERIALS:
        own = found["008", material]
        found["006", material] = form + [_shifted(each) for each in own]
        found["008", material] = sorted(every + own, key=lambda each: each.start)
    found["008", ""], found["006", ""] = every, form
    return {key: tuple(rows) for key, rows in found.items()}


def _shifted(element: Element) -> Element:
    """Return an element of 008/18-34 where 006/01-17 has it."""
    start, end = element.start - 17, element.end - 17
    return Element(start, end, element.unit, element.codes, element.old_codes, element.label)


def _checked(name: str, width: int, read: Callable[..., _Row]) -> list[_Row]:
    """Return the rows of a table as ``read`` makes them; a wrong one raises with file and line."""
    made = []
    for number, cells in codes.numbered_rows(name):
        try:
            if len(cells) != width:
                raise ValueError(f"{len(cells)} cells instead of {width}")
            made.append(read(*cells))
        except ValueError as fault:
            raise ValueError(f"{name}, line {number}: {fault}") from None
    return made


def _definition(
    tag: str, status: Status, repeatable: str, first: str, second: str, subfields: str, label: str
) -> Definition:
    if not re.fullmatch("[0-9]{3}", tag) or not label:
        raise ValueError(f"{tag!r} with the label {label!r} is no field")
    if status not in ("current", "obsolete", "holdings") or repeatable not in ("R", "NR"):
        raise ValueError(f"status {status!r}, repeatable {repeatable!r}")
    often = repeatable == "R"
    if tag < "010":
        if first or second or subfields:
            raise ValueError("a control field has neither indicators nor subfields")
        return Definition(tag, status, often, label)
    ones, old_ones = _values(first)
    twos, old_twos = _values(second)
    known, once, old = _subfields(subfields)
    pairs = frozenset(one + two for one in ones or () for two in twos or ())
    return Definition(
        tag, status, often, label, ones, twos, old_ones, old_twos, pairs, known, once, old
    )


def _values(cell: str) -> tuple[frozenset[str] | None, frozenset[str]]:
    """Return the values of an indicator in use, and the obsolete ones."""
    if cell == "any":
        return None, frozenset()
    if not _VALUES.fullmatch(cell) or _repeats(cell):
        raise ValueError(f"{cell!r} are no values of an indicator")
    now, _, old = cell.replace("#", " ").partition("~")
    return frozenset(now), frozenset(old)


def _subfields(cell: str) -> tuple[frozenset[str] | None, frozenset[str], frozenset[str]]:
    """Return the subfields in use, those not repeatable, and the obsolete ones."""
    if cell == "any":
        return None, frozenset(), frozenset()
    if not _CODES.fullmatch(cell) or _repeats(cell.replace("*", "")):
        raise ValueError(f"{cell!r} are no subfields")
    now, _, old = cell.partition("~")
    often = {code for code, mark in pairwise(now) if mark == "*"}
    known = frozenset(now) - {"*"}
    return known | {LOCAL_SUBFIELD}, known - often - {LOCAL_SUBFIELD}, frozenset(old)


def _repeats(cell: str) -> bool:
    return len(set(cell)) != len(cell)


def _element(
    field: str,
    material: str,
    start: str,
    length: str,
    unit: str,
    now: str,
    old: str,
    label: str,
) -> tuple[tuple[str, str], Element]:
    if field not in _FIXED or not label:
        raise ValueError(f"{field!r} with the label {label!r} is no fixed field")
    if field == "008" and material not in ("", *MATERIALS):
        raise ValueError(f"there is no material {material!r}")
    first, size, each = int(start), int(length), int(unit)
    if size < 1 or each < 1 or size % each or first + size > _FIXED[field]:
        raise ValueError(f"{start} {length} {unit} are no positions of {field}")
    known, obsolete = _codes(now, each), _codes(old, each)
    if not known or known & obsolete:
        raise ValueError("a code is missing, or in use and obsolete at once")
    return (field, material), Element(first, first + size, each, known, obsolete, label)


def _codes(cell: str, unit: int) -> frozenset[str]:
    """Return the codes of a cell, ranges spelt out."""
    found: set[str] = set()
    for code in cell.split() if unit > 1 else cell:
        if ends := _RANGE.fullmatch(code):
            found.update(str(n).zfill(unit) for n in range(int(ends[1]), int(ends[2]) + 1))
        else:
            found.add(code.replace("#", " "))
    if any(len(code) != unit for code in found):
        raise ValueError(f"{cell!r}: a code here has {unit} characters")
    return frozenset(found)
