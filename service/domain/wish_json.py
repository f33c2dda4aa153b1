"""A JSON array read one element after the other: a long list needs no more room than a short one.

Source: RFC 8259.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from service.domain.wish_cells import storable
from service.errors import Invalid

_BLANKS = " \t\n\r"
# Characters of one element, and of an object that holds the array: that one is read as a whole.
_LONGEST = 1_000_000
_LONGEST_OBJECT = 20_000_000
_SPENT = 65_536
_BEHIND = frozenset((*_BLANKS, ",", "]"))


def elements(pieces: Iterator[str]) -> Iterator[Any]:
    """Yield the elements of the array that ``pieces`` of text are, or of its member ``lines``.

    Raises ``Invalid`` where they are no such thing, which may be known at the end only.
    """
    text = _Text(pieces)
    first = text.next_mark()
    if first != "[":
        yield from _members(text.whole())
        return
    text.pass_on()
    if text.next_mark() == "]":
        text.pass_on()
    else:
        while True:
            yield storable(text.value())
            mark = text.next_mark()
            text.pass_on()
            if mark == "]":
                break
            if mark != ",":
                raise text.wrong("a comma or ] is missing")
    if text.next_mark():
        raise text.wrong("there is something behind the end of the array")


def _members(whole: str) -> list[Any]:
    """Return the elements of a document that does not begin as an array."""
    try:
        document = storable(json.loads(whole))
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    entries = document.get("lines") if isinstance(document, Mapping) else document
    if not isinstance(entries, list):
        raise Invalid("the body must be a JSON array with one object per wish")
    return entries


class _Text:
    """The text at hand: from ``_at`` on it is not spent."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text = ""
        self._at = 0
        self._number = 0
        self._decoder = json.JSONDecoder()

    def next_mark(self) -> str:
        """Go to the next character that is no blank, and return it; "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANKS:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def pass_on(self) -> None:
        """Leave one character behind."""
        self._at += 1

    def value(self) -> Any:
        """Return the value that begins here, once it is whole."""
        self._number += 1
        self.next_mark()
        wanted = 0
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise self.wrong("it is nested too deeply") from error
            except ValueError as error:
                fault, end = error, len(self._text)
            else:
                # A number goes on behind what looks like its end: 0, then 0., then 0.5.
                if self._text[end : end + 1] in _BEHIND or not self._more():
                    self._at = end
                    return value
                continue
            if len(self._text) - self._at > _LONGEST:
                raise self.wrong(f"it has more than {_LONGEST} characters, or has no end")
            # Twice as much each time, so that what is long is not begun again too often.
            wanted = max(2 * (len(self._text) - self._at), _SPENT)
            if not self._more(wanted):
                raise self.wrong(str(fault)) from fault

    def whole(self) -> str:
        """Return all that is left."""
        while len(self._text) - self._at <= _LONGEST_OBJECT:
            if not self._more(_LONGEST_OBJECT):
                return self._text[self._at :]
        raise Invalid("a list of this size must be a JSON array, not an object that holds one")

    def wrong(self, why: str) -> Invalid:
        """Return the error to raise about the element at hand."""
        return Invalid(f"the body is not JSON, at wish {self._number}: {why}")

    def _more(self, wanted: int = 1) -> bool:
        """Take in at least ``wanted`` characters more if there are as many; False at the end."""
        if self._at > _SPENT:
            self._text, self._at = self._text[self._at :], 0
        fresh: list[str] = []
        length = 0
        while length < wanted and (piece := next(self._pieces, None)) is not None:
            fresh.append(piece)
            length += len(piece)
        self._text += "".join(fresh)
        return length > 0
