"""A record against the MARC 21 bibliographic format: what a cataloguer would want to know.

Nothing here refuses a record. An ``error`` is against a rule that others rely on (two titles, an
008 of 39 positions), a ``warning`` is worth a look, a ``note`` is how things once were. Fields that
the format leaves to libraries and systems (9XX, X9X, 59X, 09X) are never judged.

The rooms behind this one: ``definitions`` (the format as data), ``fixed_fields`` and
``coded_data``, ``designators``, ``field_contents``, ``linked_fields``.

Source: MARC 21 Format for Bibliographic Data (Library of Congress).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from marc_mappings.letters import linkage
from marc_mappings.problems import Level, Problem, problem
from marc_mappings.record import Field, Record
from marc_mappings.rulebook import (
    definitions,
    designators,
    field_contents,
    fixed_fields,
    linked_fields,
)
from marc_mappings.rulebook.definitions import Definition

# Leader/06 of the other MARC 21 formats: their fields have other meanings.
OTHER_FORMATS: Final[Mapping[str, str]] = {
    "q": "a community information record",
    "u": "a holdings record",
    "v": "a holdings record",
    "w": "a classification record",
    "x": "a holdings record",
    "y": "a holdings record",
    "z": "an authority record",
}
_MAIN_ENTRIES: Final = ("100", "110", "111", "130")
# Subfields of 245 that can be a title: titles, parts, and for archives form and dates.
_TITLE: Final = "abfgknp"
# What holds for all fields of a tag stands where a field's place in the record would.
_OF_ALL: Final = -1
# Fields of more subfields are judged one by one, so that none is kept in memory.
_FEW: Final = 99
_RANKS: Final[Mapping[Level, int]] = {"error": 0, "warning": 1, "note": 2}


class Line(NamedTuple):
    """A row of the report over many records: one ``code`` in one ``tag``.

    It was found ``times`` times, in ``records`` records, the first of which are at ``positions``;
    ``example`` is the message of the first.
    """

    level: Level
    code: str
    tag: str
    times: int
    records: int
    positions: tuple[int, ...]
    example: str


def is_local(tag: str) -> bool:
    """Whether the format leaves ``tag`` to libraries: 9XX, and any tag with a 9 but 490.

    >>> [is_local(tag) for tag in ("949", "590", "099", "019", "490", "245")]
    [True, True, True, True, False, False]
    """
    return "9" in tag and tag != "490"


def validate(record: Record, *, local: frozenset[str] = frozenset()) -> tuple[Problem, ...]:
    """Return what is wrong with a MARC 21 bibliographic record.

    First field by field, then the links between fields, then what the whole record lacks.

    ``local``: further tags that are the sender's own, and are not judged. A record of another
    MARC 21 format (authority, holdings …) gets a note that says so, and no more.
    """
    kind = OTHER_FORMATS.get(record.leader[6:7])
    if kind:
        return (
            problem(
                "format-other",
                f"LDR/06: this is {kind}; it was not checked, because the rules of bibliographic "
                "records do not hold for it.",
                "LDR",
            ),
        )
    found: list[tuple[int, Problem]] = []
    known = definitions.fields()
    seen: set[str] = set()
    for index, field in enumerate(record.fields):
        tag = field.tag
        definition = known.get(tag)
        if tag in local:
            continue
        if definition is None:
            if tag not in seen and not is_local(tag):
                found.append((_OF_ALL, _unknown(tag)))
        else:
            found += [(index, each) for each in _of_field(field, definition, record.leader)]
            if tag not in seen and definition.status == "obsolete":
                found.append((_OF_ALL, _obsolete(definition)))
            elif tag in seen and not definition.repeatable:
                found.append((index, _repeated(definition)))
        seen.add(tag)
    judged = definitions.linking_tags()
    found += linked_fields.of_record(record, judged - local if local else judged)
    whole = (each for each in _of_whole(record, seen) if each.tag not in local)
    return (*fixed_fields.of_leader(record.leader), *_numbered(record, found), *whole)


def _of_field(field: Field, definition: Definition, leader: str) -> list[Problem]:
    tag = field.tag
    if tag < "010":
        check = fixed_fields.CHECKS.get(tag)
        return list(check(field.value, leader)) if check else []
    if tag == linked_fields.ALTERNATE:
        to = linkage.link(field.first("6"))
        stands_for = definitions.linked_fields().get(to.tag if to else "")
        return list(designators.of_field(field, stands_for)) if stands_for else []
    found: list[Problem] = []
    codes = tuple([code for code, _ in field.subfields])
    if len(codes) > _FEW or not designators.fits(tag, field.indicators, codes):
        found += designators.of_field(field, definition)
    if judge := field_contents.CHECKS.get(tag):
        found += judge(field)
    return found


def _numbered(record: Record, found: list[tuple[int, Problem]]) -> Iterator[Problem]:
    """Yield the problems, each with the number of its field where there are several of the tag."""
    if not found:
        return
    totals = Counter[str]()
    numbers: list[int] = []
    for field in record.fields:
        totals[field.tag] += 1
        numbers.append(totals[field.tag])
    for index, each in found:
        tag = each.tag
        if index == _OF_ALL or totals[tag] == 1:
            yield each
        else:
            number = f"{tag} (no. {numbers[index]} of {totals[tag]})"
            yield each._replace(message=number + each.message.removeprefix(tag))


def _unknown(tag: str) -> Problem:
    if not (tag.isascii() and tag.isdigit()):
        return problem(
            "field-with-letters",
            f"{tag}: MARC 21 has no tags with letters, so this is one system's own; "
            "nothing was checked in it.",
            tag,
        )
    return problem(
        "field-unknown",
        f"{tag}: MARC 21 has no such field; correct the tag, use a 9XX for what is your own, "
        "or declare it local.",
        tag,
    )


def _obsolete(definition: Definition) -> Problem:
    return problem(
        "field-obsolete",
        f"{definition.tag}: {definition.label} is no longer used; what is there can stay, but "
        "write no new one.",
        definition.tag,
    )


def _repeated(definition: Definition) -> Problem:
    return problem(
        "field-not-repeatable",
        f"{definition.tag}: {definition.label} may stand only once in a record; keep one, "
        "or see whether two records were joined.",
        definition.tag,
    )


def _of_whole(record: Record, seen: set[str]) -> Iterator[Problem]:
    """Yield what only the whole record shows: what is missing, or there twice."""
    if not any(_has_title(field) for field in record.all("245")):
        yield problem("title-missing", "245: there is no title; every record needs one.", "245")
    if "001" not in seen:
        yield problem(
            "control-number-missing",
            "001: there is no control number; without one a later copy is not recognised.",
            "001",
        )
    if "008" not in seen:
        yield problem(
            "fixed-field-missing",
            "008: it is missing, so language, country and date are not coded; add it.",
            "008",
        )
    if len(entries := sorted(seen.intersection(_MAIN_ENTRIES))) > 1:
        yield problem(
            "main-entry-not-single",
            f"1XX: {' and '.join(entries)} are both main entries; keep one and make the other "
            "an added entry (7XX).",
            entries[-1],
        )


def _has_title(field: Field) -> bool:
    return any(code in _TITLE and value.strip() for code, value in field.subfields)


def summarise(problems: Iterable[tuple[int, Problem]], *, shown: int = 10) -> tuple[Line, ...]:
    """Return one line for each code in each tag, the gravest and then the most frequent first.

    ``problems``: (position of the record, problem), record after record; ``shown`` is how many
    positions a line keeps. Memory grows with the lines, not with the records.

    >>> [line[:6] for line in summarise([(1, problem("title-missing", "", "245"))])]
    [('error', 'title-missing', '245', 1, 1, (1,))]
    """
    lines: dict[tuple[str, str], Line] = {}
    last: dict[tuple[str, str], int] = {}
    for position, each in problems:
        key = each.code, each.tag
        line = lines.get(key)
        if line is None:
            line = Line(each.level, each.code, each.tag, 0, 0, (), each.message)
        is_new = last.get(key) != position
        last[key] = position
        positions = line.positions
        if is_new and len(positions) < shown:
            positions = (*positions, position)
        lines[key] = line._replace(
            times=line.times + 1, records=line.records + is_new, positions=positions
        )
    return tuple(
        sorted(lines.values(), key=lambda each: (_RANKS[each.level], -each.times, each[1:3]))
    )
