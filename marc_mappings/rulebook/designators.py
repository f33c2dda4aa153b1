"""Indicators and subfields of one field against its definition.

Most fields are right, and look like many others: so whether tag, indicators and codes fit
is asked once for all fields alike, and only where they do not, one by one, for the words.

Source: MARC 21 Format for Bibliographic Data, content designators (Library of Congress).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from marc_mappings.problems import Problem, problem, shown
from marc_mappings.record import Field, Subfield
from marc_mappings.rulebook.definitions import Definition, fields


@lru_cache(maxsize=4096)
def fits(tag: str, indicators: str, found: tuple[str, ...]) -> bool:
    """Whether a field of these indicators and subfield codes is right; KeyError for no tag of ours.

    >>> fits("245", "10", ("a", "b")), fits("245", "10", ("a", "a")), fits("245", "1x", ("a",))
    (True, False, False)
    """
    field = Field(tag, indicators, tuple([Subfield(code, "") for code in found]))
    return not any(of_field(field, fields()[tag]))


def of_field(field: Field, definition: Definition) -> Iterator[Problem]:
    """Yield what is wrong with the indicators and the subfields of ``field``."""
    if field.indicators not in definition.pairs:
        yield from _indicators(field, definition)
    known = definition.subfields
    if known is None:
        return
    found = [code for code, _ in field.subfields]
    different = set(found)
    if not different <= known:
        yield from _undefined(field, definition, sorted(different - known))
    if len(different) < len(found):
        for code in sorted(definition.once & different):
            if (times := found.count(code)) > 1:
                yield problem(
                    "subfield-not-repeatable",
                    f"{field.tag} ${code}: it stands {times} times, but only once is allowed; "
                    "join them, or repeat the field.",
                    field.tag,
                )


def _indicators(field: Field, definition: Definition) -> Iterator[Problem]:
    for name, value, values, old in (
        ("first", field.indicators[:1], definition.first, definition.old_first),
        ("second", field.indicators[1:], definition.second, definition.old_second),
    ):
        if values is None or value in values:
            continue
        said = shown(value) if value.strip() else "a blank" if value else "nothing"
        if value in old:
            yield problem(
                "indicator-obsolete",
                f"{field.tag}, {name} indicator: {said} is no longer used; {_choice(values)}.",
                field.tag,
            )
        else:
            yield problem(
                "indicator-undefined",
                f"{field.tag}, {name} indicator: {said} is not defined for "
                f"{definition.label}; {_choice(values)}.",
                field.tag,
            )


def _choice(values: frozenset[str]) -> str:
    if values == {" "}:
        return "leave it blank"
    digits = ", ".join(sorted(values - {" "}))
    return f"choose one of {digits}" + (" or a blank" if " " in values else "")


def _undefined(field: Field, definition: Definition, unknown: list[str]) -> Iterator[Problem]:
    for code in unknown:
        if code in definition.old_subfields:
            yield problem(
                "subfield-obsolete",
                f"{field.tag} ${code}: it is no longer used in {definition.label}; "
                "it can stay, but put nothing new there.",
                field.tag,
            )
        else:
            yield problem(
                "subfield-undefined",
                f"{field.tag} ${code[:9]}: it is not defined for {definition.label}; "
                "choose a defined subfield, or $9 for what is your own.",
                field.tag,
            )
