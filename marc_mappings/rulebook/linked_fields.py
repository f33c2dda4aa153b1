"""Fields in two scripts: does every $6 link to a field that links back?

An 880 and the field it repeats in another script name each other by tag and occurrence number.
Several 880 may stand for one field (JAPAN/MARC has one in kana and one in romaji). Occurrence 00
says that there is no field in the other script, so nothing is missing then.

Source: MARC 21 Format for Bibliographic Data, Appendix A (control subfields, $6) and field 880.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final

from marc_mappings.letters.linkage import ALONE, Link, link
from marc_mappings.problems import Problem, problem, shown
from marc_mappings.record import Field, Record

ALTERNATE: Final = "880"


def of_record(record: Record, judged: Container[str]) -> Iterator[tuple[int, Problem]]:
    """Yield (index of the field, problem) for each $6 that leads nowhere.

    ``judged``: the tags whose $6 is a link at all.
    """
    linked = [
        (index, tag, value)
        for index, (tag, _, subfields, _) in enumerate(record.fields)
        for code, value in subfields
        if code == "6"
    ]
    links = [(index, tag, value, link(value)) for index, tag, value in linked]
    there = {(tag, to.tag, to.occurrence) for _, tag, _, to in links if to}
    for index, tag, value, to in links:
        if to is None or (to.tag == ALTERNATE) == (tag == ALTERNATE):
            if tag in judged:
                yield index, _malformed(tag, value)
        elif to.occurrence != ALONE and (to.tag, tag, to.occurrence) not in there:
            yield index, _without_partner(tag, to)
    for index, field in enumerate(record.fields):
        if field.tag == ALTERNATE and not _has_link(field):
            yield index, _malformed(ALTERNATE, "")


def _has_link(field: Field) -> bool:
    return any(code == "6" for code, _ in field.subfields)


def _malformed(tag: str, value: str) -> Problem:
    wanted = "the tag of the field it stands for" if tag == ALTERNATE else "880"
    return problem(
        "linkage-malformed",
        f"{tag} $6: {shown(value)} should be {wanted}, a hyphen and two digits, such as "
        f"{'245' if tag == ALTERNATE else '880'}-01.",
        tag,
    )


def _without_partner(tag: str, to: Link) -> Problem:
    return problem(
        "linkage-without-partner",
        f"{tag} $6: there is no {to.tag} with $6 {tag}-{to.occurrence}; add it, correct the "
        f"number, or write {to.tag}-00 where none is meant to be."
        if tag == ALTERNATE
        else f"{tag} $6: there is no 880 with $6 {tag}-{to.occurrence}; add it, correct the "
        "number, or take the $6 out.",
        tag,
    )
