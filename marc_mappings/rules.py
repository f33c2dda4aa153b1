"""Rows of a mapping, and the one interpreter of all mappings, with its loss report.

A row says: fields at this place become values of this target, in this way, as this source has it.
The values are what the target is made of: fields of another MARC format (``copied``, ``made``),
named elements of Dublin Core (``marc21_to_dc``), elements of MODS. Rows are compiled when a table
is defined: a wrong place or a missing source fails there, with the row in the message, and never
with a record in hand.

Every field of a record is taken by a row, given up by ``dropped`` with its reason, or reported as
lost; and so is every subfield of a field that a row takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from marc_mappings import spec, steps
from marc_mappings.record import Field, Record, Subfield

T = TypeVar("T")
Step = Callable[[str], str]
Steps = Mapping[str, tuple[Step, ...]]
# What a row does with one field of a record: any number of values, none if it has nothing to say.
Make = Callable[[Field, Record], Iterable[T]]
# The codes of the subfields that a row uses; a function where that depends on the field.
Reads = frozenset[str] | Callable[[Field], frozenset[str]]
Indicator = Callable[[Field, Record], str]

EVERY: Final = frozenset(spec.REST)


class Row(NamedTuple, Generic[T]):
    """One row. ``how`` says in words, for ``docs/mappings.md``, what ``make`` does.

    ``reads`` are the codes of the subfields that ``make`` uses, or ``EVERY``, or a function that
    tells them of a field.
    """

    place: str
    target: str
    how: str
    source: str
    make: Make[T]
    reads: Reads


class Loss(NamedTuple):
    """What of a record did not get into the target.

    ``codes`` are the subfields lost (in the order of the field), of a control field the positions
    (``26-27``), ``ind1`` or ``ind2`` for an indicator, and ``""`` for the field as a whole;
    ``reason`` is why it is given up, ``""`` where no row knows it.
    """

    tag: str
    codes: str = ""
    reason: str = ""


class _Action(NamedTuple, Generic[T]):
    # None where the row asks nothing of the indicators.
    place: spec.Place | None
    make: Make[T]
    reads: Reads


class Table(Generic[T]):
    """The compiled rows of one mapping."""

    def __init__(
        self,
        rows: Iterable[Row[T]],
        dropped: Mapping[str, str] | None = None,
        otherwise: Make[T] | None = None,
    ) -> None:
        """Compile ``rows``.

        ``dropped``: a tag (``905``) or a place with codes (``801g``) and why it is given up.
        ``otherwise`` makes values of fields that neither names. Raises ``ValueError`` naming the
        row that is wrong.
        """
        self._actions: dict[str, tuple[_Action[T], ...]] = {}
        for row in rows:
            tag, action = _compiled(row)
            self._actions[tag] = (*self._actions.get(tag, ()), action)
        self._whole, self._parts = _given_up(dropped or {})
        self._otherwise = otherwise

    def convert(self, record: Record) -> tuple[list[T], tuple[Loss, ...]]:
        """Return the values in the order of the record's fields, and what got lost, each once.

        An 880 field is read by the rows of the tag it stands for ($6).
        """
        values: list[T] = []
        lost: dict[Loss, None] = {}
        for field in record.fields:
            values.extend(self.values(field, record, lost))
        return values, tuple(lost)

    def values(self, field: Field, record: Record, lost: dict[Loss, None]) -> list[T]:
        """Return what the rows make of one ``field`` of ``record``; losses go to ``lost``.

        For mappings that must know which field a value came from.
        """
        tag = field.tag
        if tag == "880":
            tag = steps.linked_tag(field) or tag
        actions = self._actions.get(tag)
        if actions is None:
            return self._unknown(tag, field, record, lost)
        values: list[T] = []
        read: frozenset[str] = frozenset()
        for place, make, reads in actions:
            if place is None or place.has_room_for(field):
                values.extend(make(field, record))
                read |= reads(field) if callable(reads) else reads
        if values:
            if not read >= EVERY:
                for loss in self._unread(tag, field, read):
                    lost[loss] = None
        else:
            lost[Loss(field.tag, "", self._whole.get(tag, ""))] = None
        return values

    def _unknown(self, tag: str, field: Field, record: Record, lost: dict[Loss, None]) -> list[T]:
        if tag in self._whole:
            lost[Loss(field.tag, "", self._whole[tag])] = None
            return []
        values = list(self._otherwise(field, record)) if self._otherwise else []
        if not values:
            lost[Loss(field.tag)] = None
        return values

    def _unread(self, tag: str, field: Field, read: frozenset[str]) -> list[Loss]:
        """Return the subfields that no row read, those with a reason apart from those without."""
        left = [code for code, value in field.subfields if code not in read and value.strip()]
        if not left:
            return []
        parts = self._parts.get(tag, {})
        losses: dict[str, str] = {}
        for code in left:
            reason = parts.get(code, "")
            if code not in losses.get(reason, ""):
                losses[reason] = losses.get(reason, "") + code
        return [Loss(field.tag, codes, reason) for reason, codes in losses.items()]


def _compiled(row: Row[T]) -> tuple[str, _Action[T]]:
    try:
        if not row.source:
            raise ValueError("the source is missing")
        if not row.target:
            raise ValueError("the target is missing")
        if not callable(row.make):
            raise ValueError("make is no function")
        place = spec.place(row.place)
    except ValueError as fault:
        raise ValueError(f"Wrong row {row.target} <- {row.place}: {fault}") from None
    asks = place.first is not None or place.second is not None
    return place.tag, _Action(place if asks else None, row.make, row.reads)


def _given_up(dropped: Mapping[str, str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the reasons for whole tags, and for subfields by tag."""
    whole: dict[str, str] = {}
    parts: dict[str, dict[str, str]] = {}
    for text, reason in dropped.items():
        tag, codes = text[:3], text[3:]
        spec.place(text)
        if not reason:
            raise ValueError(f"{text} is dropped without a reason")
        if codes:
            parts.setdefault(tag, {}).update(dict.fromkeys(codes, reason))
        else:
            whole[tag] = reason
    return whole, parts


def copied(
    place: str,
    target: str,
    subfields: str,
    source: str,
    *,
    each: str = "",
    steps: Steps | None = None,
    first: Indicator | None = None,
    second: Indicator | None = None,
    adding: str = "",
) -> Row[Field]:
    """Return a row that makes one field of MARC of another by moving subfields.

    ``target``: a tag and two signs for its indicators, ``#`` for blank, ``<`` and ``>`` for the
    first and second indicator of the field it is made of: ``"245 <0"``; a control field's tag
    alone copies its value. ``subfields`` is in the language of ``spec.moves``; ``steps`` are
    applied to the values of a code before. ``each``: one field for every such subfield, with the
    other ones repeated. ``first`` and ``second`` work out an indicator instead. ``adding``: a code
    and a value that go behind the others and say where they are from, ``"2ncsclt"``.

    >>> isbn = Field("010", "  ", (Subfield("a", "0306406152"), Subfield("b", "pbk.")))
    >>> copied("010", "020 ##", "a b>q", "LC: 010").make(isbn, Record("", ()))[0].subfields[1]
    Subfield(code='q', value='pbk.')
    """
    try:
        tag, signs = _target(target)
        moves = {move.code: move for move in spec.moves(subfields)} if subfields else {}
    except ValueError as fault:
        raise ValueError(f"Wrong row {target} <- {place}: {fault}") from None
    value_steps = steps or {}
    last = (Subfield(adding[0], adding[1:]),) if adding else ()

    def make(field: Field, record: Record) -> list[Field]:
        if not signs:
            return [Field(tag, "", (), field.value)] if field.value else []
        indicators = _indicator(signs[0], field, record, first) + _indicator(
            signs[1], field, record, second
        )
        made = []
        for group in _groups(field.subfields, each):
            if parts := moved(group, moves, value_steps):
                made.append(Field(tag, indicators, parts + last))
        return made

    reads = _reads(frozenset(moves), value_steps)
    how = subfields + (f", a field for each ${each}" if each else "")
    how += f", ${adding[0]} {adding[1:]}" if adding else ""
    return Row(place, target, how, source, make, reads)


def _reads(codes: frozenset[str], value_steps: Steps) -> Reads:
    """Return what a plan reads: not the subfields whose value a step leaves nothing of."""
    takes_all = spec.REST in codes
    planned = EVERY if takes_all else codes
    if not value_steps:
        return planned

    def reads(field: Field) -> frozenset[str]:
        emptied = {
            code
            for code, value in field.subfields
            if code in value_steps and value.strip() and not stepped(code, value, value_steps)
        }
        if emptied and takes_all:
            return frozenset([code for code, _ in field.subfields]) - emptied
        return planned - emptied

    return reads


def stepped(code: str, value: str, value_steps: Steps) -> str:
    """Return a value after the steps for its code, ``""`` if nothing but blanks is left of it."""
    for step in value_steps.get(code, ()):
        value = step(value)
    return value if value.strip() else ""


def made(
    place: str,
    target: str,
    make: Make[T],
    source: str,
    *,
    reads: str | Reads | None = None,
    how: str = "",
) -> Row[T]:
    """Return a row whose values ``make`` works out: the way out for what no plan can say.

    ``reads``: the codes of the subfields it uses, or a function that tells them of a field,
    ``None`` for all. ``how`` defaults to the first line of the function's docstring.
    """
    words = how or (make.__doc__ or "").strip().partition("\n")[0]
    if not words:
        raise ValueError(f"Wrong row {target} <- {place}: say in words what {make!r} does")
    if reads is None:
        return Row(place, target, words, source, make, EVERY)
    return Row(place, target, words, source, make, reads if callable(reads) else frozenset(reads))


def moved(
    subfields: Iterable[Subfield], moves: Mapping[str, spec.Move], value_steps: Steps
) -> tuple[Subfield, ...]:
    """Return the subfields that ``moves`` makes of ``subfields``, in their order."""
    parts: list[Subfield] = []
    rest = moves.get(spec.REST)
    for code, value in subfields:
        move = moves.get(code) or rest
        if move is None:
            continue
        value = stepped(code, value, value_steps)
        if not value:
            continue
        to = code if move is rest else move.to
        _add(parts, to, value, move)
    return tuple(parts)


def _add(parts: list[Subfield], to: str, value: str, move: spec.Move) -> None:
    """Put a value behind ``parts``, with the punctuation its move asks for."""
    if move.joined:
        for at in range(len(parts) - 1, -1, -1):
            if parts[at].code == to:
                parts[at] = Subfield(to, f"{steps.with_sign(parts[at].value, move.sign)} {value}")
                return
    if move.sign and parts:
        code, before = parts[-1]
        parts[-1] = Subfield(code, steps.with_sign(before, move.sign))
    parts.append(Subfield(to, value))


def _groups(subfields: Sequence[Subfield], each: str) -> Iterable[Sequence[Subfield]]:
    """Return the subfields of every field to make: all, or one ``each`` with all the others."""
    if not each:
        return (subfields,)
    return [
        [part for part in subfields if part is one or part.code != each]
        for one in subfields
        if one.code == each
    ]


def _target(target: str) -> tuple[str, str]:
    tag, _, signs = target.partition(" ")
    if not (len(tag) == 3 and tag.isalnum()):
        raise ValueError(f"{target!r} is no target; write for example 245 <0")
    is_control = tag.startswith("00")
    if len(signs) != (0 if is_control else 2) or not all(s in "#<>" or s.isalnum() for s in signs):
        raise ValueError(f"{target!r} needs two signs for indicators, as in 245 <0")
    return tag, signs


def _indicator(sign: str, field: Field, record: Record, worked_out: Indicator | None) -> str:
    if worked_out:
        return worked_out(field, record)
    if sign == "#":
        return " "
    if sign in "<>":
        return field.indicators[sign == ">"] if field.indicators else " "
    return sign
