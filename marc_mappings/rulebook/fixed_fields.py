"""Leader and 00X fields against the format: lengths and the codes of each position.

They are read by position, so a wrong length makes everything behind it unreliable: then the length
is the only thing reported. Fill characters say "not coded" and are always right.

Source: MARC 21 Format for Bibliographic Data, leader and 005-008 (Library of Congress).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from marc_mappings.problems import Problem, problem, shown
from marc_mappings.rulebook import coded_data
from marc_mappings.rulebook.definitions import Element, elements

# Leader/06 to the configuration of 008; language material is told apart by leader/07.
_MATERIALS: Final[Mapping[str, str]] = {
    **dict.fromkeys("at", "books"),
    **dict.fromkeys("cdij", "music"),
    **dict.fromkeys("ef", "maps"),
    **dict.fromkeys("gkor", "visual"),
    "m": "computer",
    "p": "mixed",
    "b": "mixed",
}
_CONTINUING: Final = frozenset("bis")

# 007/00 to the length of the field.
_LENGTHS_007: Final[Mapping[str, int]] = {
    "a": 8, "c": 14, "d": 6, "f": 10, "g": 9, "h": 13, "k": 6, "m": 23,
    "o": 2, "q": 2, "r": 11, "s": 14, "t": 2, "v": 9, "z": 2,
}  # fmt: skip

_FILL: Final = frozenset("|")
# How manuals and some exports show a blank. None of them is a code anywhere.
_WRITTEN_BLANKS: Final = frozenset("#^\\")
# More wrong elements than this in one field have one cause, and make one problem.
MOST_APART: Final = 3


def material_of(leader: str) -> str:
    """Return the configuration of 008 that a leader asks for, ``""`` if it does not say.

    >>> material_of("00000nam a2200000 i 4500"), material_of("00000cas a2200000 i 4500")
    ('books', 'continuing')
    """
    material = _MATERIALS.get(leader[6:7], "")
    return "continuing" if material == "books" and leader[7:8] in _CONTINUING else material


def of_leader(leader: str) -> Iterator[Problem]:
    """Yield what is wrong with a leader."""
    if len(leader) != 24:
        yield _length("LDR", leader, 24)
    else:
        yield from _codes("LDR", "", f"{'':5}{leader[5:12]}{'':5}{leader[17:]}")


def _of_005(value: str, leader: str) -> Iterator[Problem]:  # noqa: ARG001
    if len(value) != 16:
        yield _length("005", value, 16)
    elif not coded_data.is_time(value):
        yield problem(
            "date-invalid",
            f"005: {shown(value)} is no date and time; write yyyymmddhhmmss.f.",
            "005",
        )


def _of_006(value: str, leader: str) -> Iterator[Problem]:  # noqa: ARG001
    if len(value) != 18:
        yield _length("006", value, 18)
        return
    value, signs = _with_blanks("006", value)
    yield from signs
    form = value[0]
    material = "continuing" if form == "s" else _MATERIALS.get(form, "")
    yield from _codes("006", material, value)


def _of_007(value: str, leader: str) -> Iterator[Problem]:  # noqa: ARG001
    value, signs = _with_blanks("007", value)
    yield from signs
    category = value[:1]
    length = _LENGTHS_007.get(category)
    if length is None:
        known = "".join(_LENGTHS_007)
        yield problem(
            "fixed-field-code",
            f"007/00 (Category of material): {shown(category)} is not defined; "
            f"choose one of {known}.",
            "007",
        )
        return
    if len(value) > length:
        yield _length("007", value, length)
    elif len(value) < length:
        yield problem(
            "fixed-field-short",
            f"007: it has {len(value)} positions, one that begins with {category} has {length}; "
            "fill the rest with |.",
            "007",
        )
    yield from _codes("007", category, value[:length])


def _of_008(value: str, leader: str) -> Iterator[Problem]:
    if len(value) != 40:
        yield _length("008", value, 40)
        return
    value, signs = _with_blanks("008", value)
    yield from signs
    # Dates, place and language are many, and judged below.
    coded = f"{'':6}{value[6]}{'':11}{value[18:35]}{'':3}{value[38:]}"
    yield from _codes("008", material_of(leader), coded)
    if not coded_data.is_day(value[:6]):
        yield problem(
            "date-invalid",
            f"008/00-05 (Date entered on file): {shown(value[:6])} is no date; write yymmdd.",
            "008",
        )
    yield from coded_data.dates(value[6], value[7:11], value[11:15])
    yield from coded_data.place(value[15:18])
    yield from coded_data.language("008/35-37", value[35:38])


@lru_cache(maxsize=2048)
def _codes(tag: str, material: str, value: str) -> tuple[Problem, ...]:
    """Return what the positions of a fixed field do not know; values are few, so each once."""
    return tuple(_wrong_codes(tag, value, elements()[tag, material], fill=tag != "LDR"))


def _wrong_codes(
    tag: str, value: str, rows: tuple[Element, ...], *, fill: bool
) -> Iterator[Problem]:
    """Yield what is wrong with the codes; many elements of one field make one problem."""
    wrong = [row for row in rows if not _fits(value[row.start : row.end], row)]
    if not wrong:
        return
    allowed = _FILL if fill else frozenset()
    unknown = [
        (row, left) for row in wrong if (left := _codes_in(value, row) - row.old_codes - allowed)
    ]
    if len(unknown) > MOST_APART:
        positions = ", ".join(row.positions for row, _ in unknown)
        yield problem(
            "fixed-field-code",
            f"{tag}/{positions}: none of these positions has a defined code; the field may be "
            "shifted, or meant for another material.",
            tag,
        )
    else:
        for row, left in unknown:
            yield problem(
                "fixed-field-code",
                f"{tag}/{row.positions} ({row.label}): {_listed(sorted(left))} is not defined "
                f"here; {_choice(row)}.",
                tag,
            )
    for row in wrong:
        if old := _codes_in(value, row) & row.old_codes:
            yield problem(
                "fixed-field-code-obsolete",
                f"{tag}/{row.positions} ({row.label}): {_listed(sorted(old))} is no longer used; "
                f"{_choice(row)}.",
                tag,
            )


def _fits(text: str, row: Element) -> bool:
    return row.codes.issuperset(text) if row.unit == 1 else text in row.codes


def _with_blanks(tag: str, value: str) -> tuple[str, tuple[Problem, ...]]:
    """Return ``value`` with blanks for the signs that show them, and the problem if it had any."""
    signs = sorted(_WRITTEN_BLANKS.intersection(value))
    if not signs:
        return value, ()
    for sign in signs:
        value = value.replace(sign, " ")
    return value, (
        problem(
            "fixed-field-code",
            f"{tag}: {_listed(signs)} stands where a blank is meant; write blanks.",
            tag,
        ),
    )


def _codes_in(value: str, row: Element) -> frozenset[str]:
    """Return the codes in the positions of ``row`` that are not in use, without fill."""
    parts = range(row.start, min(row.end, len(value)), row.unit)
    found = {value[at : min(at + row.unit, row.end)] for at in parts}
    return frozenset(part for part in found - row.codes if set(part) != _FILL or row.unit == 1)


def _listed(found: list[str]) -> str:
    return ", ".join(map(shown, found))


def _choice(row: Element) -> str:
    """Return the codes to choose from, if there are few enough to read."""
    joint = " " if row.unit > 1 else ""
    text = joint.join(sorted(row.codes)).replace(" " if row.unit == 1 else "\0", "#")
    return f"choose one of {text}" if len(text) <= 60 else "choose a defined code"


def _length(tag: str, value: str, length: int) -> Problem:
    return problem(
        "fixed-field-length",
        f"{tag}: it has {len(value)} positions instead of {length}; "
        "compare it with the format and put in or take out what shifts it.",
        tag,
    )


# From the value of a field and the leader to what is wrong with it; 001 and 003 are free text.
CHECKS: Final[Mapping[str, Callable[[str, str], Iterator[Problem]]]] = {
    "005": _of_005,
    "006": _of_006,
    "007": _of_007,
    "008": _of_008,
}
