"""A bibliographic record as a value: leader, fields, subfields, all text, never changed in place.

It is lighter than ``pymarc.Record`` on purpose: an import makes and drops one per record, and
everything downstream (MARCXML, Dublin Core, match keys, search terms) walks the same tuples.

Source: MARC 21 Specifications for Record Structure (Library of Congress).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Subfield(NamedTuple):
    """One subfield: a one-character ``code`` and its ``value`` (text in NFC)."""

    code: str
    value: str


class Field(NamedTuple):
    """One field. A control field has a ``value`` and no indicators; a data field the reverse.

    ``indicators`` is ``""`` for a control field and exactly two characters otherwise.
    """

    tag: str
    indicators: str
    subfields: tuple[Subfield, ...] = ()
    value: str = ""

    def all(self, codes: str) -> Iterator[str]:
        """Yield the values of the subfields whose code is one of ``codes``, in their order."""
        return (value for code, value in self.subfields if code in codes)

    def first(self, code: str) -> str:
        """Return the value of the first subfield ``code``, or ``""``."""
        return next((value for found, value in self.subfields if found == code), "")


class Record(NamedTuple):
    """A record: a ``leader`` of exactly 24 characters and its fields in the order they came."""

    leader: str
    fields: tuple[Field, ...]

    def all(self, *tags: str) -> Iterator[Field]:
        """Yield the fields whose tag is one of ``tags``, in the order of the record."""
        return (field for field in self.fields if field.tag in tags)

    def control(self, tag: str) -> str:
        """Return the value of the first control field ``tag``, or ``""``."""
        return next((field.value for field in self.fields if field.tag == tag), "")

    @property
    def control_number(self) -> str:
        """The control number (001), stripped of blanks, or ``""``."""
        return self.control("001").strip()

    @property
    def agency(self) -> str:
        """The agency whose control number 001 is (003), stripped of blanks, or ``""``."""
        return self.control("003").strip()
