"""The language of places: which subfields of which fields a mapping row speaks of.

``245abnp`` is the subfields a, b, n, p of 245; ``264|*1|b`` only where the second indicator is 1;
``008`` a control field; ``LDR`` the leader; ``650`` without codes every subfield except the
numbered ones (links and control numbers). ``200A`` is allowed too: CNMARC has codes in capitals.
Places are parsed once, when a row is defined, so that a wrong place fails there.

What a row of a crosswalk does with subfields is written as ``a b>q d>c( :)``: ``a`` stays ``a``,
``b`` becomes ``q``, and ``d`` becomes ``c`` with " :" at the end of whatever stands before it, as
ISBD has it. ``e>b+( :)`` puts the text behind a ``b`` that is there already. ``*`` is every
subfield that the row does not name, as it is.

Source: MARC 21 Bibliographic, "Display constants" and ISBD for the punctuation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from marc_mappings.record import Field

_PLACE = re.compile(r"(?P<tag>LDR|[0-9]{3})(?:\|(?P<ind>[0-9a-z# *]{2})\|)?(?P<codes>[a-zA-Z0-9]*)")
_MOVE = re.compile(
    r"(?P<code>[a-zA-Z0-9*])(?:>(?P<to>[a-z0-9])(?P<joined>\+)?)?(?:\((?P<sign>[^)]*)\))?"
)
LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
REST: Final = "*"


@dataclass(frozen=True, slots=True)
class Place:
    """A parsed place. ``None`` for an indicator means any."""

    tag: str
    codes: frozenset[str]
    first: str | None = None
    second: str | None = None

    def has_room_for(self, field: Field) -> bool:
        """Whether the indicators of ``field`` are those the place asks for."""
        return self.admits(field.indicators)

    def admits(self, indicators: str) -> bool:
        """Whether these indicators are those the place asks for."""
        if self.first is not None and indicators[:1] != self.first:
            return False
        return self.second is None or indicators[1:] == self.second

    def text(self, field: Field) -> str:
        """Return the place's subfields of ``field``, joined by blanks in the record's order."""
        codes = self.codes
        return " ".join([value for code, value in field.subfields if code in codes])


class Move(NamedTuple):
    """Subfield ``code`` becomes ``to``; ``sign`` is what ISBD puts before it.

    ``joined``: its text goes behind that of the subfield ``to`` which is there already.
    """

    code: str
    to: str
    sign: str = ""
    joined: bool = False


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


def moves(text: str) -> tuple[Move, ...]:
    """Return what ``text`` says of subfields; raises ``ValueError`` if it is not that language.

    >>> moves("a d>c( :)")
    (Move(code='a', to='a', sign='', joined=False), Move(code='d', to='c', sign=' :', joined=False))
    """
    found: list[Move] = []
    at = 0
    while at < len(text):
        match = _MOVE.match(text, at)
        if not match or (match["code"] == REST and match["to"]):
            raise ValueError(f"{text[at:]!r} is no move of a subfield; write for example a d>c( :)")
        code = match["code"]
        to = match["to"] or code
        if any(each.code == code for each in found):
            raise ValueError(f"subfield {code} is named twice in {text!r}")
        if not match["to"] and code.isupper():
            raise ValueError(f"{code!r} needs a subfield to go to: MARC 21 has no capitals")
        found.append(Move(code, to, match["sign"] or "", bool(match["joined"])))
        at = match.end()
        if at < len(text) and text[at] != " ":
            raise ValueError(f"a blank is missing before {text[at:]!r}")
        at += 1
    return tuple(found)
