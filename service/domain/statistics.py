"""The figures of the programme: tables for the annual report, and the line for the press.

What is counted, and by which day and place, is laid down in ``docs/statistics.md``. Titles and
volumes, which are physical units, are counted apart; sent and received are as seen from our
library; figures of opening balances count, and are shown apart where a table has room for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from service.domain import amount
from service.domain.ledger import Direction
from service.domain.place import Place

Cell = str | int | float | None


class Table(NamedTuple):
    """A table: what it is about in a sentence, the headings of its columns, and its rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def texts(self) -> list[list[str]]:
        """Return headings and rows as texts: what is not known is empty."""
        rows = [["" if cell is None else str(cell) for cell in row] for row in self.rows]
        return [list(self.columns), *rows]


class Flow(NamedTuple):
    """Titles and volumes that went one way in one year, between us and one partner."""

    partner: str
    name: str
    type: str
    city: str
    place: str
    year: int
    direction: Direction
    opening: bool
    titles: int
    volumes: int


class InOut(NamedTuple):
    """Titles and volumes both ways."""

    titles_sent: int = 0
    volumes_sent: int = 0
    titles_received: int = 0
    volumes_received: int = 0

    def with_(self, flow: Flow) -> InOut:
        """Return the figures with one flow more."""
        if flow.direction is Direction.SENT:
            return self._replace(
                titles_sent=self.titles_sent + flow.titles,
                volumes_sent=self.volumes_sent + flow.volumes,
            )
        return self._replace(
            titles_received=self.titles_received + flow.titles,
            volumes_received=self.volumes_received + flow.volumes,
        )


def total(flows: Iterable[Flow]) -> InOut:
    """Return the sum of flows."""
    found = InOut()
    for flow in flows:
        found = found.with_(flow)
    return found


# --- the line for the press -----------------------------------------------------------------------


class Relations(NamedTuple):
    """Since which year, with how many cities, countries or regions, and partners."""

    since: int | None
    cities: int
    places: int
    partners: int = 0


def press_line(
    relations: Relations,
    flows: Sequence[Flow],
    sent_in: int | None = None,
    received_in: int | None = None,
) -> str:
    """Return the sentence in which the programme is told to the press.

    ``sent_in`` and ``received_in`` are the years that are told partner by partner; without them the
    last ones in which anything went that way, opening balances aside.
    """
    if relations.since is None:
        return "The programme has no relations yet."
    cities = _of(relations.cities, "city", "cities")
    places = _of(relations.places, "country or region", "countries and regions")
    parts = [
        f"Since {relations.since} with {cities} in {places}",
        f"donated {_books(total(flows).volumes_sent)} in total",
    ]
    year = sent_in or _last(flows, Direction.SENT)
    shares = _shares(flows, Direction.SENT, year)
    if shares:
        given = ", ".join(f"{volumes:,} to {city}" for city, volumes in shares)
        parts.append(f"in {year} {given}")
    year = received_in or _last(flows, Direction.RECEIVED)
    shares = _shares(flows, Direction.RECEIVED, year)
    if shares:
        donors = _listed([city for city, _ in shares])
        parts.append(f"in {year} received {sum(n for _, n in shares):,} from {donors}")
    return "; ".join(parts) + "."


def _last(flows: Iterable[Flow], direction: Direction) -> int | None:
    years = [
        each.year
        for each in flows
        if each.direction is direction and not each.opening and each.volumes > 0
    ]
    return max(years, default=None)


def _shares(flows: Iterable[Flow], direction: Direction, year: int | None) -> list[tuple[str, int]]:
    """Return volumes by city in a year, the fewest first; by the partner's name without a city."""
    found: dict[str, int] = {}
    for each in flows:
        if each.year == year and each.direction is direction:
            city = each.city or each.name
            found[city] = found.get(city, 0) + each.volumes
    return sorted(
        ((city, volumes) for city, volumes in found.items() if volumes),
        key=lambda share: (share[1], share[0]),
    )


def _of(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _books(number: int) -> str:
    return _of(number, "book", "books")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# --- tables ---------------------------------------------------------------------------------------

_IN_OUT: Final = ("titles sent", "volumes sent", "titles received", "volumes received")


def by_year(flows: Iterable[Flow]) -> Table:
    """Return what went in and out in each year; opening balances have lines of their own."""
    found: dict[tuple[int, bool], InOut] = {}
    for each in flows:
        key = (each.year, not each.opening)
        found[key] = found.get(key, InOut()).with_(each)
    rows = [
        (year, "" if own else "opening balance", *figures)
        for (year, own), figures in sorted(found.items())
        if any(figures)
    ]
    return Table("Sent and received, year by year", ("year", "note", *_IN_OUT), tuple(rows))


def by_partner(flows: Iterable[Flow]) -> Table:
    """Return what went in and out, partner by partner."""
    found: dict[tuple[str, str, str, str], InOut] = {}
    for each in flows:
        key = (each.partner, each.name, each.city, each.place)
        found[key] = found.get(key, InOut()).with_(each)
    rows = [(*key, *figures) for key, figures in sorted(found.items()) if any(figures)]
    columns = ("partner", "name", "city", "country or region", *_IN_OUT)
    return Table("Sent and received, by partner", columns, tuple(rows))


def by_place(flows: Iterable[Flow], places: Mapping[str, Place]) -> Table:
    """Return what went in and out by country or region, as partners were there then."""
    found: dict[str, InOut] = {}
    partners: dict[str, set[str]] = {}
    for each in flows:
        found[each.place] = found.get(each.place, InOut()).with_(each)
        partners.setdefault(each.place, set()).add(each.partner)
    rows = [
        (code, _name(places, code), len(partners[code]), *figures)
        for code, figures in sorted(found.items(), key=lambda each: _name(places, each[0]))
        if any(figures)
    ]
    columns = ("code", "country or region", "partners", *_IN_OUT)
    return Table("Sent and received, by country or region", columns, tuple(rows))


def by_region(flows: Iterable[Flow], places: Mapping[str, Place]) -> Table:
    """Return the table of the yearbook: by region of the world, as the site has put places."""
    groups: dict[str, list[Flow]] = {}
    for each in flows:
        place = places.get(each.place)
        groups.setdefault(place.region if place else "", []).append(each)
    rows = [
        (
            region or "(no region)",
            len({each.place for each in group if each.place}),
            len({each.partner for each in group}),
            len({each.type for each in group}),
            *total(group),
        )
        for region, group in sorted(groups.items())
    ]
    everything = [each for group in groups.values() for each in group]
    if rows:
        rows.append(
            (
                "all",
                len({each.place for each in everything if each.place}),
                len({each.partner for each in everything}),
                len({each.type for each in everything}),
                *total(everything),
            )
        )
    columns = ("region", "countries and regions", "partners", "types of library", *_IN_OUT)
    return Table("Sent and received, by region of the world", columns, tuple(rows))


def _name(places: Mapping[str, Place], code: str) -> str:
    if not code:
        return "(not known)"
    return places[code].name if code in places else code


# --- how the work went ----------------------------------------------------------------------------


class Allocated(NamedTuple):
    """Copies of the lists that were allocated in a year."""

    offered: int
    wished: int
    given: int


class Travelled(NamedTuple):
    """Consignments that were dispatched in a year.

    ``to_dispatch`` are the days from each wish to the dispatch of what it was given, ``to_receipt``
    those from dispatch to a confirmed receipt. ``postage`` is by currency, in its smallest units.
    """

    consignments: int
    volumes: int
    weight: int
    confirmed: int
    short: int
    damaged: int
    presumed: int
    lost: int
    to_dispatch: Sequence[int]
    to_receipt: Sequence[int]
    postage: Mapping[str, tuple[int, int]]


def operations(year: int, lists: Allocated, travelled: Travelled, claims_open: int) -> Table:
    """Return how the work of a year went: rates, times, losses and postage."""
    rows: list[tuple[Cell, ...]] = [
        ("copies offered on lists allocated in the year", lists.offered, ""),
        ("copies wished for", lists.wished, ""),
        ("copies allocated", lists.given, ""),
        ("fill rate: allocated of wished", _rate(lists.given, lists.wished), "%"),
        ("uptake: allocated of offered", _rate(lists.given, lists.offered), "%"),
        ("consignments dispatched", travelled.consignments, ""),
        ("volumes dispatched", travelled.volumes, ""),
        ("weight", round(travelled.weight / 1000, 1), "kg"),
        ("receipts confirmed", travelled.confirmed, ""),
        ("of these short", travelled.short, ""),
        ("of these with damage", travelled.damaged, ""),
        ("presumed received, not confirmed", travelled.presumed, ""),
        ("lost or returned", travelled.lost, ""),
        ("claims open now", claims_open, ""),
        ("median from wish to dispatch", _median(travelled.to_dispatch), "days"),
        ("median from dispatch to confirmed receipt", _median(travelled.to_receipt), "days"),
    ]
    for currency, (cost, volumes) in sorted(travelled.postage.items()):
        rows.append(("postage", amount.shown(cost, currency), ""))
        each = amount.shown(round(cost / volumes), currency) if volumes else None
        rows.append(("postage a volume", each, ""))
    return Table(f"How the work went in {year}", ("figure", "value", "unit"), tuple(rows))


def _rate(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _median(days: Sequence[int]) -> float | None:
    return round(median(days), 1) if days else None
