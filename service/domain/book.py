"""What a title on offer is about, as far as its record says so."""

from __future__ import annotations

from typing import NamedTuple


class Book(NamedTuple):
    """What profiles and agreements are held against.

    ``title`` may be several in one text, in as many scripts; ``languages`` are MARC codes with
    blanks between, ``place`` of publication is ISO 3166-1 alpha-2, as records keep them.
    ``subjects`` are headings, ``classes`` class numbers without blanks; both are empty until they
    are read, and where the record has none.
    """

    title: str
    languages: str = ""
    place: str = ""
    subjects: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
