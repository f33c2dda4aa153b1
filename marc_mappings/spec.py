"""The language of places: which subfields of which fields a mapping row speaks of.

``245abnp`` is the subfields a, b, n, p of 245; ``264|*1|b`` only where the second indicator is 1;
``008`` a control field; ``LDR`` the leader; ``650`` without codes every subfield except the
numbered ones (links and control numbers). Places are parsed once, when a row is defined, so that
a wrong place fails there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from marc_mappings.record import Field

_PLACE = re.compile(r"(?P<tag>LDR|[0-9]{3})(?:\|(?P<ind>[0-9a-z# *]{2})\|)?(?P<codes>[a-z0-9]*)")
LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True)
class Place:
    """A parsed place. ``None`` for an indicator means any."""

    tag: str
    codes: frozenset[str]
    first: str | None = None
    second: str | None = None

    def has_room_for(self, field: Field) -> bool:
        """Whether the indicators of ``field`` are those the place asks for."""
        if self.first is not None and field.indicators[:1] != self.first:
            return False
        return self.second is None or field.indicators[1:] == self.second

    def text(self, field: Field) -> str:
        """Return the place's subfields of ``field``, joined by blanks in the record's order."""
        codes = self.codes
        return " ".join([value for code, value in field.subfields if code in codes])


def place(text: str) -> Place:
    """Return the place that ``text`` describes; raises ``ValueError`` if it describes none.

    >>> sorted(place("245abnp").codes)
    ['a', 'b', 'n', 'p']
    >>> place("264|*1|b").second
    '1'
    """
    match = _PLACE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no place; write for example 245abnp or 264|*1|b")
    first, second = (
        None if char == "*" else char.replace("#", " ") for char in match["ind"] or "**"
    )
    return Place(match["tag"], frozenset(match["codes"]) or LETTERS, first, second)
