"""Accession: the pieces of an incoming gift, counted, decided on, numbered, and told in a record.

A line is one title. Of what was announced so many copies arrive, and some of them damaged; what is
accepted of a line are the copies that are sound. A line of which nothing came stays undecided.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

from marc_mappings.dialects import FAMILY
from marc_mappings.keys import identifiers
from marc_mappings.record import Field, Subfield
from service.domain import consignment_fields as texts
from service.domain.accompanying_file import METHODS
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid, WrongValues


class Decision(StrEnum):
    """What was decided on a piece."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"


class AccessionLine(NamedTuple):
    """One title of an incoming gift; copies, and ``volumes`` of one copy.

    ``record`` is the public id of its record, "" for none; ``version_id`` is the version that it
    shows now. ``announced`` is 0 for what came without a word. ``problem`` says why it has no
    record, if there is something to say.
    """

    position: int
    record: str
    record_id: int | None
    version_id: int | None
    title: str
    isbn: str
    announced: int
    received: int
    damaged: int
    volumes: int
    decision: Decision
    reason: str
    accession_number: str
    barcode: str
    shelf: str
    translated_title: str
    problem: str = ""

    @property
    def sound(self) -> int:
        """The copies that came undamaged."""
        return self.received - self.damaged

    @property
    def missing(self) -> int:
        """The copies that were announced and did not come."""
        return max(self.announced - self.received, 0)


class NewAccessionLine(NamedTuple):
    """A title that joins an incoming gift; ``batch_position`` is its place in an import."""

    title: str
    announced: int = 1
    received: int = 0
    volumes: int = 1
    isbn: str = ""
    barcode: str = ""
    record_id: int | None = None
    batch_id: int | None = None
    batch_position: int | None = None


# --- counting and deciding ------------------------------------------------------------------------

_MOST: Final = 100_000


def check_counts(line: AccessionLine, received: int, damaged: int) -> None:
    """Refuse counts that cannot be; raise ``Invalid`` or ``Conflict`` that says what to do."""
    if not 0 <= received <= _MOST:
        raise Invalid(f"received is a whole number up to {_MOST:,}", "received")
    if not 0 <= damaged <= received:
        raise Invalid(f"of {received:,} received at most so many are damaged", "damaged")
    if line.announced and received > line.announced:
        raise Conflict(
            f"line {line.position} ({line.title}): {line.announced:,} announced, "
            f"{line.received:,} received before; if there is one more, add it as a piece that was "
            "not announced"
        )


def check_decision(line: AccessionLine, decision: Decision, reason: str) -> str:
    """Return the reason as it is kept; raise ``Conflict`` or ``Invalid`` for what cannot be."""
    reason = texts.line(reason)
    where = f"line {line.position} ({line.title})"
    if decision is Decision.DECLINED and not reason:
        raise Invalid(f"{where}: say why it is declined, such as: water damage", "reason")
    if decision is not Decision.PENDING and not line.received:
        raise Conflict(f"{where}: nothing of it arrived, so there is nothing to decide on")
    if decision is Decision.ACCEPTED and not line.sound:
        raise Conflict(
            f"{where}: all that came of it is damaged: decline it, or count what is sound"
        )
    return reason


def of_piece(code: str, lines: Sequence[AccessionLine]) -> AccessionLine:
    """Return the line that a scanned piece is of: the first of these that is not full.

    Raises ``Conflict`` where all that was announced of it is there.
    """
    open_ = [each for each in lines if not each.announced or each.received < each.announced]
    if open_:
        return open_[0]
    full = lines[-1]
    raise Conflict(
        f"{code}: {full.announced:,} announced of line {full.position} ({full.title}), and "
        f"{full.received:,} received before; if there is one more, add it as a piece that was not "
        "announced"
    )


def undecided(lines: Iterable[AccessionLine]) -> list[str]:
    """Return which pieces that came wait for a decision, as clauses."""
    told = [
        f"line {line.position} ({line.title})"
        for line in lines
        if line.received and line.decision is Decision.PENDING
    ]
    return told if len(told) <= _NAMED else [*told[:_NAMED], f"and {len(told) - _NAMED:,} more"]


_NAMED: Final = 5  # what a sentence names before it only counts


# --- what people say of a piece -------------------------------------------------------------------


def _count(least: int) -> Any:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            raise Invalid(f"this is a whole number, {least} to {_MOST:,}")
        return value

    return check


def _title(value: Any) -> str:
    text = texts.line(value)
    if not text:
        raise Invalid("a piece needs its title")
    return text


def _isbn(value: Any) -> str:
    text = texts.line(value)
    found = identifiers.isbn13(text)
    if text and not found:
        raise Invalid(identifiers.explain_invalid(text).removesuffix("."))
    return found


def _number(value: Any) -> str:
    text = texts.line(value)
    if len(text) > 60 or any(character.isspace() for character in text):
        raise Invalid("an accession number has at most 60 characters and no blanks")
    return unicodedata.normalize("NFC", text)


DESCRIBED: Final[Mapping[str, Any]] = {
    "title": _title,
    "isbn": _isbn,
    "volumes": _count(1),
    "barcode": _number,
    "shelf": texts.line,
    "translated_title": texts.line,
    "accession_number": _number,
}
"""What may be said of a piece; its volumes until they are in the balance."""
ADDED: Final[Mapping[str, Any]] = {
    name: DESCRIBED[name] for name in ("title", "isbn", "volumes", "barcode")
} | {"copies": _count(1)}
"""What is said of a piece that joins a gift."""


def checked(given: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as they are kept; raise ``WrongValues`` that tells all that is wrong.

    >>> checked({"isbn": "0-306-40615-2", "volumes": 2}, DESCRIBED)
    {'isbn': '9780306406157', 'volumes': 2}
    """
    good: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, value in given.items():
        if name not in fields:
            faults.append((name, f"there is no such field here; there are {', '.join(fields)}"))
            continue
        try:
            good[name] = fields[name](value)
        except Invalid as error:
            faults.append((name, error.detail))
    if faults:
        raise WrongValues(faults)
    return good


# --- accession numbers ----------------------------------------------------------------------------

_ENDS_IN_DIGITS = re.compile(r"(.*?)([0-9]+)", re.DOTALL | re.ASCII)


def stem(year: int) -> str:
    """Return what our own numbers of a year begin with.

    >>> stem(2026)
    'G2026-'
    """
    return f"G{year:04}-"


def first_number(year: int) -> str:
    """Return the first number of a year.

    >>> first_number(2026)
    'G2026-00001'
    """
    return f"{stem(year)}{1:05}"


def next_number(number: str) -> str:
    """Return the number that follows: its last digits count on.

    Raises ``Invalid`` for one that does not end in digits.

    >>> next_number("G2026-00099"), next_number("KO-9")
    ('G2026-00100', 'KO-10')
    """
    found = _ENDS_IN_DIGITS.fullmatch(number)
    if found is None:
        raise Invalid(
            f"{number!r} cannot be counted on: a first number ends in digits, such as K2026-00001",
            "first",
        )
    head, count = found.groups()
    return f"{head}{int(count) + 1:0{len(count)}}"


def check_first(text: str) -> str:
    """Return a first number to count on from, "" for our own; raise ``Invalid``."""
    number = _number(text)
    if number:
        next_number(number)
    return number


# --- told in a record -----------------------------------------------------------------------------


class Told(NamedTuple):
    """Which fields an exported record gets: its source (541), its place and item (852, 876)."""

    with_source: bool = False
    with_holdings: bool = False


class Origin(NamedTuple):
    """From whom a gift came, how and when."""

    giver: str
    kind: TransferKind
    on: date | None


# Where the place on the shelf stands in 852: KORMARC takes $k and $p over as its own 049.
_SHELF_CODE: Final[Mapping[str, str]] = {"kormarc": "k"}


def check_told(told: Told, dialect: str) -> None:
    """Refuse fields that a dialect does not have; raise ``Invalid``."""
    if FAMILY[dialect] != "unimarc":
        return
    for field, wanted in (("541", told.with_source), ("holdings", told.with_holdings)):
        if wanted:
            name = "541" if field == "541" else "852 and 876"
            raise Invalid(
                f"{dialect} has no field for what {name} says: leave it out, or ask for marc21",
                field=field,
            )


def fields(line: AccessionLine, origin: Origin, told: Told, dialect: str) -> tuple[Field, ...]:
    """Return what a record says of our copy of it.

    Source: LC, MARC 21 Format for Bibliographic Data, 541, 852; Format for Holdings Data, 876.
    """
    day = f"{origin.on:%Y/%m/%d}" if origin.on else ""
    found = []
    if told.with_source:
        pairs = [("a", origin.giver), ("c", METHODS[origin.kind]), ("d", day)]
        found.append(_field("541", "1 ", [*pairs, ("e", line.accession_number)]))
    if told.with_holdings:
        shelf = _SHELF_CODE.get(dialect, "c")
        parts = [(shelf, line.shelf), ("p", line.accession_number)]
        found.append(_field("852", "  ", parts))
        item = [("a", line.accession_number), ("d", day), ("e", origin.giver)]
        if dialect not in _SHELF_CODE:  # there the copy is told in one field
            found.append(_field("876", "  ", [*item, ("p", line.barcode)]))
    return tuple(each for each in found if each.subfields)


def _field(tag: str, indicators: str, pairs: Iterable[tuple[str, str]]) -> Field:
    return Field(tag, indicators, tuple(Subfield(code, value) for code, value in pairs if value))
