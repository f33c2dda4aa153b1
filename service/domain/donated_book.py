"""Donated books: what we accepted of what partners gave us, by where the givers are.

A book stands where its giver was when it was counted, never where it was published. What was
received before the software is there in figures without titles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from service.domain.place import Place
from service.errors import Invalid

UNKNOWN = "ZZ"
"""The code of a donor's country or region that is not known, as ISO 3166-1 leaves it free."""


class Donors(NamedTuple):
    """What came from one city. ``place`` is ISO 3166-1 alpha-2; either is "" where not known.

    ``titles`` and ``volumes`` (physical units) were accepted piece by piece; those of ``opening``
    balances are figures of years before the software.
    """

    place: str
    city: str
    titles: int = 0
    volumes: int = 0
    opening_titles: int = 0
    opening_volumes: int = 0

    @property
    def all_titles(self) -> int:
        """Titles, those of opening balances among them."""
        return self.titles + self.opening_titles

    @property
    def all_volumes(self) -> int:
        """Volumes, those of opening balances among them."""
        return self.volumes + self.opening_volumes

    def with_(self, other: Donors) -> Donors:
        """Return the figures with those of ``other`` added.

        >>> Donors("JP", "", 1, 2).with_(Donors("JP", "Nagasaki", 3, 4, 0, 5))
        Donors(place='JP', city='', titles=4, volumes=6, opening_titles=0, opening_volumes=5)
        """
        sums = (mine + theirs for mine, theirs in zip(self[2:], other[2:], strict=True))
        return Donors(self.place, self.city, *sums)


class Country(NamedTuple):
    """A country or region by the site's name for it, its figures, and those of its cities."""

    code: str
    name: str
    total: Donors
    cities: tuple[Donors, ...]


def countries(cities: Iterable[Donors], places: Mapping[str, Place]) -> list[Country]:
    """Return countries and regions by name, what is not known last; cities by name, too."""
    found: dict[str, list[Donors]] = {}
    for each in cities:
        found.setdefault(each.place, []).append(each)
    made = [
        Country(code or UNKNOWN, _name(code, places), _total(code, own), tuple(_sorted(own)))
        for code, own in found.items()
    ]
    return sorted(made, key=lambda each: (each.code == UNKNOWN, each.name.casefold()))


def _total(code: str, cities: Iterable[Donors]) -> Donors:
    total = Donors(code, "")
    for each in cities:
        total = total.with_(each)
    return total


def _sorted(cities: Iterable[Donors]) -> list[Donors]:
    return sorted(cities, key=lambda each: (not each.city, each.city.casefold(), each.city))


def _name(code: str, places: Mapping[str, Place]) -> str:
    return places[code].name if code in places else code


class BookKey(NamedTuple):
    """A donated book as pages name it: its gift's public id and its place in it."""

    gift: str
    position: int

    def __str__(self) -> str:
        return f"{self.gift}.{self.position}"


def key(text: str) -> BookKey:
    """Return the key that ``text`` is; raise ``Invalid``.

    >>> str(key("01JZ0000000000000000000000.12"))
    '01JZ0000000000000000000000.12'
    """
    gift, _, position = text.strip().partition(".")
    if not (gift.isascii() and gift.isalnum() and position.isascii() and position.isdecimal()):
        raise Invalid(f"{text[:40]!r} names no donated book", "books")
    if len(gift) != 26 or len(position) > 9:
        raise Invalid(f"{text[:40]!r} names no donated book", "books")
    return BookKey(gift.upper(), int(position))


class DonatedBook(NamedTuple):
    """A title that a partner gave us, as visitors see it.

    ``title_vernacular`` and ``author_vernacular`` are in their own script, "" where the record has
    one form only; ``languages`` are MARC codes. ``accession_number`` and ``shelf`` are "" until it
    has them. ``giver`` is the partner's name; ``received_on`` the day when the gift came.
    """

    key: BookKey
    title: str
    title_vernacular: str
    translated_title: str
    author: str
    author_vernacular: str
    published: str
    languages: str
    volumes: int
    accession_number: str
    shelf: str
    giver: str
    city: str
    received_on: date | None
