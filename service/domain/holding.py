"""Holdings: what our library has, told by the numbers that its own system exports.

A file is text or CSV with ISBNs and ISSNs in any of its cells, or our records as MARC. Nothing but
the numbers is kept: enough to say "we hold it" of what a partner offers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from marc_mappings import match_keys
from marc_mappings.match_keys import Key

KINDS: Final = ("isbn", "isbn_set", "issn", "ismn")
"""The numbers by which a title is ours: those that other libraries' records have too."""


class Fault(NamedTuple):
    """A row, or a record of MARC, in which no such number is, and what stands in it."""

    row: int
    text: str


_SHOWN: Final = 120  # characters of a row that is told


def of_row(cells: Sequence[str]) -> tuple[Key, ...]:
    """Return the numbers in a row, each once.

    >>> of_row(["The vegetarian", "979-11-9009-001-8", "89-364-3359-6"])
    (Key(kind='isbn', value='9788936433598'),)
    """
    found = (key for cell in cells for key in match_keys.identifier_keys(cell.strip()))
    return tuple(dict.fromkeys(key for key in found if key.kind in KINDS))


def fault(row: int, text: str) -> Fault:
    """Return a row as it is told."""
    return Fault(row, text.strip()[:_SHOWN])
