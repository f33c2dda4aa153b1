"""Showing visitors what was donated: the country corner, by where the givers are."""

from __future__ import annotations

from typing import NamedTuple

from service.domain import donated_book as rules
from service.domain.donated_book import UNKNOWN, BookKey, Country, DonatedBook, Donors
from service.errors import NotFound
from service.store import donated_books
from service.store.db import Connection, Database
from service.usecases.naming_places import all_places


def list_countries(db: Database) -> list[Country]:
    """Return the countries and regions that books came from, with their cities and figures."""
    with db.read() as conn:
        return _countries(conn)


class Shelf(NamedTuple):
    """A page of books from a country or region, or from one city of it.

    ``city`` has its figures, None for the whole country; ``more`` says that others follow.
    """

    country: Country
    city: Donors | None
    books: list[DonatedBook]
    more: bool


def browse(
    db: Database, code: str, city: str | None = None, *, after: BookKey | None = None, limit: int
) -> Shelf:
    """Return what came from a country or region behind the book ``after``, newest gifts first.

    ``code`` is ISO 3166-1 alpha-2, ``ZZ`` for what is not known; ``city`` is one of its cities,
    "" for what is not known, None for all. Raises ``NotFound`` where nothing came from.
    """
    with db.read() as conn:
        country = next((each for each in _countries(conn) if each.code == code.upper()), None)
        if country is None:
            raise NotFound(f"nothing came from {code!r}")
        place = "" if country.code == UNKNOWN else country.code
        of_city = next((each for each in country.cities if each.city == city), None)
        if city is not None and of_city is None:
            raise NotFound(f"nothing came from {city!r}")
        books = donated_books.from_place(conn, place, city, after, limit + 1)
        return Shelf(country, of_city, books[:limit], len(books) > limit)


def _countries(conn: Connection) -> list[Country]:
    return rules.countries(donated_books.cities(conn), all_places(conn))
