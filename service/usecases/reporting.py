"""Reporting: the figures of the programme as tables that are shown, printed and sent on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from service.domain import statistics as rules
from service.domain.statistics import InOut, Relations, Table
from service.errors import Invalid, NotFound
from service.store import statistics
from service.store.db import Connection, Database
from service.usecases import naming_places

_YEARS = range(1900, 2101)


def press_line(db: Database, *, sent_in: int | None = None, received_in: int | None = None) -> str:
    """Return the sentence in which the programme is told to the press.

    The years are those told partner by partner; without them the last ones in which anything went.
    """
    for year in (sent_in, received_in):
        _check(year)
    with db.read() as conn:
        return rules.press_line(
            statistics.relations(conn), statistics.flows(conn), sent_in, received_in
        )


class Programme(NamedTuple):
    """The figures that are told to everybody.

    ``line`` is the sentence for the press; ``years`` and ``places`` are tables of all years.
    """

    line: str
    relations: Relations
    total: InOut
    years: Table
    places: Table


def programme(db: Database) -> Programme:
    """Return the figures of the programme, all of one moment."""
    with db.read() as conn:
        relations, flows = statistics.relations(conn), statistics.flows(conn)
        return Programme(
            rules.press_line(relations, flows),
            relations,
            rules.total(flows),
            rules.by_year(flows),
            rules.by_place(flows, naming_places.all_places(conn)),
        )


def table(db: Database, name: str, year: int | None, now: datetime) -> Table:
    """Return one of the ``TABLES``: of one year, or of all of them.

    How the work went is always of one year: this one, if none is named. Raises ``NotFound`` for a
    table that there is not, ``Invalid`` for a year that cannot be.
    """
    if name not in TABLES:
        raise NotFound(f"there is no table {name!r}; there are {', '.join(TABLES)}")
    _check(year)
    with db.read() as conn:
        return TABLES[name](conn, year, now)


def _check(year: int | None) -> None:
    if year is not None and year not in _YEARS:
        raise Invalid(f"{year} is no year of a programme", field="year")


def _years(conn: Connection, year: int | None, _: datetime) -> Table:
    return rules.by_year(statistics.flows(conn, year))


def _partners(conn: Connection, year: int | None, _: datetime) -> Table:
    return _of(rules.by_partner(statistics.flows(conn, year)), year)


def _places(conn: Connection, year: int | None, _: datetime) -> Table:
    places = naming_places.all_places(conn)
    return _of(rules.by_place(statistics.flows(conn, year), places), year)


def _regions(conn: Connection, year: int | None, _: datetime) -> Table:
    places = naming_places.all_places(conn)
    return _of(rules.by_region(statistics.flows(conn, year), places), year)


def _of(found: Table, year: int | None) -> Table:
    return found if year is None else found._replace(title=f"{found.title}, {year}")


def _operations(conn: Connection, year: int | None, now: datetime) -> Table:
    year = year or now.year
    return rules.operations(
        year,
        statistics.allocated(conn, year),
        statistics.travelled(conn, year),
        statistics.open_claims(conn),
    )


TABLES: Final[Mapping[str, Callable[[Connection, int | None, datetime], Table]]] = {
    "years": _years,
    "partners": _partners,
    "places": _places,
    "regions": _regions,
    "operations": _operations,
}
"""The tables by their names."""
