"""Rows of a mapping from MARC to named elements, and their interpreter with loss report.

A row says: this element, from this place, through these steps, as this source has it. Rows are
compiled when a table is defined: a wrong place, an unknown element or a missing source fails
there, with the row in the message, and never with a record in hand.

An 880 field is read by the rows of the tag it stands for ($6), so that the title in its own
script is a title of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from marc_mappings import spec, steps
from marc_mappings.record import Field, Record

Step = Callable[[str], str]


class Rule(NamedTuple):
    """One row.

    ``take`` is for what subfields joined by blanks cannot say: a function from the field to its
    values; the row's place then only chooses the fields.
    """

    element: str
    place: str
    steps: tuple[Step, ...]
    source: str
    take: Callable[[Field], Iterable[str]] | None = None


# A compiled row: the element's rank in the target, and what gives its values.
_Action = tuple[int, Callable[[Field], list[str]]]


class Table:
    """The compiled rows of one mapping."""

    def __init__(
        self, rules: Iterable[Rule], elements: tuple[str, ...], dropped: Iterable[str] = ()
    ) -> None:
        """Compile ``rules`` into ``elements`` (in their order); ``dropped`` tags are no loss.

        Raises ``ValueError`` naming the row that is wrong.
        """
        self._elements = elements
        self._dropped = frozenset(dropped)
        self._actions: dict[str, tuple[_Action, ...]] = {}
        for rule in rules:
            tag, action = _compiled(rule, elements)
            self._actions[tag] = (*self._actions.get(tag, ()), action)

    def convert(self, record: Record) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
        """Return (element, value) pairs in the order of the elements, each once, and lost tags."""
        actions, dropped = self._actions, self._dropped
        found: dict[tuple[int, str], None] = {}
        lost: dict[str, None] = {}
        for field in record.fields:
            tag = field.tag
            if tag == "880":
                tag = steps.linked_tag(field)
            rows = actions.get(tag)
            if rows is None:
                if tag not in dropped:
                    lost[tag or "880"] = None
                continue
            for rank, values in rows:
                for value in values(field):
                    found[rank, value] = None
        elements = self._elements
        pairs = sorted(found, key=_rank)
        return [(elements[rank], value) for rank, value in pairs], tuple(lost)


def _rank(pair: tuple[int, str]) -> int:
    return pair[0]


def _compiled(rule: Rule, elements: tuple[str, ...]) -> tuple[str, _Action]:
    try:
        if rule.element not in elements:
            raise ValueError(f"there is no element {rule.element!r}")
        if not rule.source:
            raise ValueError("the source is missing")
        if not all(callable(step) for step in rule.steps):
            raise ValueError("a step is no function")
        place = spec.place(rule.place)
    except ValueError as fault:
        raise ValueError(f"Wrong row {rule.element} <- {rule.place}: {fault}") from None
    return place.tag, (elements.index(rule.element), _values(rule, place))


def _values(rule: Rule, place: spec.Place) -> Callable[[Field], list[str]]:
    """Return the function that a row is, with everything looked up beforehand."""
    row_steps, take, text_of = rule.steps, rule.take, place.text

    def values(field: Field) -> list[str]:
        found = []
        for text in take(field) if take else (text_of(field),):
            for step in row_steps:
                text = step(text)
            if text:
                found.append(text)
        return found

    if place.first is None and place.second is None:
        return values
    return lambda field: values(field) if place.has_room_for(field) else []
