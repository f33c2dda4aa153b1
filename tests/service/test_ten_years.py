"""Ten years of a programme of 552 partners in 117 countries and regions come out to the book.

About 20,000 volumes go each way in a year. The mass is entered as the events do it, through the
ledger with its sums; of every year some gifts go and come by the whole way, with their budget lines
and their postage. All is made by lots of one seed, and added up here as it is made: balances,
statistics and costs have to say the same.

Source of the size: the exchange programme of a national library, as its reports have it.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from service.domain import amount, place
from service.domain.ledger import Direction, Entry, Event, Figures
from service.domain.opening_balance import Opening
from service.domain.transfer import TransferKind
from service.store import ledger, partners
from service.store.db import Database
from service.store.tables import ledger_total, record
from service.usecases import (
    accessioning,
    accounting,
    announcing_gifts,
    carrying_forward,
    checking_pieces,
    dispatching,
    enrolling,
    filling_gifts,
    naming_places,
    packing,
    parcelling,
    presenting,
    reporting,
)
from service.usecases.dispatching import Posting
from service.usecases.filling_gifts import Chosen
from tests.service.builders import HandClock, a_record, bring, make_site, open_list, utc

pytestmark = pytest.mark.slow

PARTNERS, PLACES, SEED = 552, 117, "552 in 117"
YEARS = range(2050, 2060)
VOLUMES = 20_000  # of a year, each way
REGIONS = ("Africa", "America", "Asia", "Europe", "Oceania")
GIFTS, INCOMING = 3, 2  # of a year that go their whole way
TITLES = 12  # that gifts are made of
BUDGET_LINES = ("EX-1 purchases", "EX-2 donations")
STAFF = "staff:hana"
SENT, RECEIVED = Direction.SENT, Direction.RECEIVED


class Moved(NamedTuple):
    """What was entered, as the test itself adds it up; below zero where it was taken back."""

    code: str
    place: str
    year: int
    direction: Direction
    opening: bool
    titles: int
    volumes: int
    value: int = 0
    currency: str = ""


class Programme:
    """The programme while it is made: who is where, what moved, and what it cost."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.lots = random.Random(SEED)  # noqa: S311 - the same on every run
        self.clock = HandClock(utc(f"{YEARS[0] - 1}-12-30T08:00:00").timestamp())
        self.site = make_site(db, folder, self.clock)
        self.db = db
        places = cycle(islice(place.all_built_in(), PLACES))
        self.at = {f"library-{n:03}": next(places) for n in range(PARTNERS)}
        self.moved: list[Moved] = []
        self.costs: Counter[tuple[str, str]] = Counter()  # by budget line and currency
        self.postage: Counter[tuple[int, str]] = Counter()  # by year and currency
        self.events = 0

    def by(self) -> dict[str, Any]:
        return {"by": STAFF, "now": self.site.now()}

    def day(self, year: int) -> date:
        return date(year, self.lots.randint(1, 12), self.lots.randint(1, 28))

    def make(self) -> None:
        self.enrol()
        self.carry_forward()
        for year in YEARS:
            self.clock.at = utc(f"{year}-12-30T08:00:00").timestamp()
            self.some_move()
            left = {SENT: VOLUMES, RECEIVED: VOLUMES}
            for _ in range(GIFTS):
                left[SENT] -= self.give(year)
            for _ in range(INCOMING):
                left[RECEIVED] -= self.take(year)
            for direction, volumes in left.items():
                self.mass(year, direction, volumes)
            self.put_right(year)

    def enrol(self) -> None:
        with self.db.write() as conn:
            for code, where in self.at.items():
                entry = {"name": f"Library {code}", "place": where, "city": f"City of {code}"}
                entry |= {"address_roman": f"1 Road\n{where}"}
                enrolling.enter(conn, code, entry, **self.by())
            self.ids = partners.by_codes(conn, [*self.at])
        for n, code in enumerate(sorted(set(self.at.values()))):
            name = naming_places.find_place(self.db, code).name
            region = REGIONS[n % len(REGIONS)]
            naming_places.set_place(self.db, code, name=name, region=region, **self.by())
        open_list(self.site)
        bring(self.site, *(a_record(f"Title {n}", number=str(n)) for n in range(TITLES)))
        with self.db.read() as conn:
            query = sa.select(record.c.public_id).order_by(record.c.id)
            self.records = list(conn.execute(query).scalars())

    def carry_forward(self) -> None:
        """Enter totals of the year before the first, of every eleventh partner."""
        for code in [*self.at][::11]:
            titles = self.lots.randint(10, 400)
            figures = Figures(titles, titles + self.lots.randint(0, 90))
            year, kind = YEARS[0] - 1, TransferKind.EXCHANGE
            opening = Opening(code, year, SENT, kind, figures)
            carrying_forward.enter(self.db, opening, **self.by())
            self.count(code, year, SENT, figures, opening=True)

    def some_move(self) -> None:
        """Let three libraries move to where others are: what went before stays where it was."""
        for code in self.lots.sample([*self.at], 3):
            self.at[code] = self.lots.choice([*self.at.values()])
            enrolling.change(self.db, code, {"place": self.at[code]}, **self.by())

    def count(
        self,
        code: str,
        year: int,
        direction: Direction,
        figures: Figures,
        currency: str = "",
        *,
        opening: bool = False,
    ) -> None:
        where = self.at[code]
        self.moved.append(Moved(code, where, year, direction, opening, *figures, currency))

    # --- by the whole way -----------------------------------------------------------------------

    def give(self, year: int) -> int:
        """Let a gift be proposed, approved, packed and dispatched; return its volumes."""
        code = self.lots.choice([*self.at])
        currency = self.lots.choice(("KRW", "EUR"))
        titles, copies = self.lots.randint(1, TITLES), self.lots.randint(1, 9)
        cost, line = self.lots.randint(500, 40_000), self.lots.choice(BUDGET_LINES)
        given: dict[str, Any] = {"title": "A gift", "currency": currency, "budget_line": line}
        given["cost"] = titles * copies * cost
        name = presenting.draft(self.db, code, given, **self.by()).public_id
        chosen = Chosen(records=self.records[:titles], copies=copies, cost=cost)
        filling_gifts.add(self.db, name, chosen, **self.by())
        presenting.submit(self.db, name, **self.by())
        presenting.approve(self.db, name, "KIM Minji", **self.by())
        number = presenting.pack(self.db, name, **self.by()).consignments[0].number
        parcelling.tick(self.db, number, None, **self.by())
        packing.pack(self.db, number, **self.by())
        postage = self.lots.randint(1_000, 90_000)
        paid = {"postage": postage, "postage_currency": currency}
        posting = Posting(self.day(year), fields=paid)
        dispatching.dispatch(self.db, number, posting, **self.by())
        volumes = titles * copies
        self.count(code, year, SENT, Figures(titles, volumes, volumes * cost), currency)
        self.costs[line, currency] += volumes * cost
        self.postage[year, currency] += postage
        return volumes

    def take(self, year: int) -> int:
        """Let a gift be announced, received, checked and numbered; return what was accepted."""
        code = self.lots.choice([*self.at])
        name = announcing_gifts.announce(self.db, code, {"title": "Books"}, **self.by()).public_id
        titles, volumes, copies = self.lots.randint(2, 6), self.lots.randint(1, 4), 2
        for n in range(titles):
            piece = {"title": f"Book {n}", "copies": copies, "volumes": volumes}
            checking_pieces.add_piece(self.db, name, piece, **self.by())
        accessioning.receive(self.db, name, self.day(year), **self.by())
        checking_pieces.count(self.db, name, 1, copies, 1, **self.by())
        checking_pieces.count_all(self.db, name, **self.by())
        checking_pieces.decline(self.db, name, [2], reason="held already", **self.by())
        checking_pieces.accept(self.db, name, **self.by())
        accessioning.check(self.db, name, **self.by())
        accepted = Figures(titles - 1, ((titles - 1) * copies - 1) * volumes)
        self.count(code, year, RECEIVED, accepted)
        return accepted.volumes

    # --- the mass -------------------------------------------------------------------------------

    def mass(self, year: int, direction: Direction, volumes: int) -> None:
        """Enter events of so many volumes together, as they are entered: with their sums."""
        shares = self.shares(volumes)
        while some := list(islice(shares, 200)):
            entries = [self.entry(year, direction, each) for each in some]
            with self.db.write() as conn:
                ledger.write(conn, entries, **self.by())

    def shares(self, volumes: int) -> Iterator[int]:
        """Yield parcels of one to sixty volumes that are so many together."""
        while volumes:
            share = min(volumes, int(self.lots.triangular(1, 60, 8)))
            yield share
            volumes -= share

    def entry(self, year: int, direction: Direction, volumes: int) -> Entry:
        self.events += 1
        code = self.lots.choice([*self.at])
        titles = self.lots.randint((volumes + 2) // 3, volumes)
        currency = self.lots.choice(("", "", "EUR", "KRW")) if direction is SENT else ""
        value = volumes * self.lots.randint(100, 9_000) if currency else 0
        figures = Figures(titles, volumes, value)
        self.count(code, year, direction, figures, currency)
        event = Event.DISPATCH if direction is SENT else Event.ACCESSION
        return Entry(
            partner_id=self.ids[code],
            direction=direction,
            kind=self.lots.choice((TransferKind.EXCHANGE, TransferKind.GIFT)),
            event=event,
            event_key=f"E{self.events}",
            on_date=self.day(year),
            titles=titles,
            volumes=volumes,
            value=value,
            currency=currency,
        )

    def put_right(self, year: int) -> None:
        """Take back one event of every hundred of the mass of a year, whoever has moved since."""
        mine = [each for each in self.moved if each.year == year and not each.opening]
        first = self.events - (len(mine) - GIFTS - INCOMING)
        for n, each in enumerate(mine[GIFTS + INCOMING :]):
            if n % 100 == 99:
                event = Event.DISPATCH if each.direction is SENT else Event.ACCESSION
                key = f"E{first + n + 1}"
                with self.db.write() as conn:
                    made = ledger.counter(conn, event, key, **self.by(), reason="Twice")
                assert len(made) == 1
                back = (-each.titles, -each.volumes, -each.value)
                self.moved.append(Moved(*each[:5], *back, each.currency))


# --- what has to come out -------------------------------------------------------------------------

Sums = dict[Any, list[int]]


def summed(moved: Sequence[Moved], by: Any) -> Sums:
    """Return (titles sent, volumes sent, titles received, volumes received) by a key."""
    found: Sums = defaultdict(lambda: [0, 0, 0, 0])
    for each in moved:
        first = 0 if each.direction is SENT else 2
        found[by(each)][first] += each.titles
        found[by(each)][first + 1] += each.volumes
    return {key: figures for key, figures in found.items() if any(figures)}


def told(made: Programme, name: str, key: Any, year: int | None = None) -> Sums:
    rows = reporting.table(made.db, name, year, made.site.now()).rows
    found: Sums = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        for n, figure in enumerate(row[-4:]):
            assert isinstance(figure, int)
            found[key(row)][n] += figure
    return dict(found)


def look_at_the_statistics(made: Programme) -> None:
    """Compare the tables with the sums of the test, over all years and year by year."""
    in_all = told(made, "years", lambda row: (row[0], row[1] != ""))
    assert in_all == summed(made.moved, lambda each: (each.year, each.opening))
    region = {each.code: each.region for each in naming_places.list_places(made.db)}
    for year in (None, *YEARS):
        mine = [each for each in made.moved if year in {None, each.year}]
        assert told(made, "partners", lambda row: row[0], year) == summed(mine, lambda e: e.code)
        assert told(made, "places", lambda row: row[0], year) == summed(mine, lambda e: e.place)
        regions = told(made, "regions", lambda row: row[0], year)
        (everything,) = summed(mine, lambda _: "all").values()
        assert regions.pop("all") == everything
        assert regions == summed(mine, lambda e: region[e.place])


def look_at_the_balances(made: Programme) -> None:
    """Compare every partner's balance: titles, volumes, and values currency by currency."""
    wanted = summed(made.moved, lambda each: each.code)
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for each in made.moved:
        values[each.code][each.currency] += each.value
    seen, after = 0, ""
    while page := accounting.list_balances(made.db, made.site.now(), after, 200):
        for found in page:
            figures = [found.sent.titles, found.sent.volumes]
            figures += [found.received.titles, found.received.volumes]
            assert figures == wanted.get(found.partner_code, [0, 0, 0, 0]), found.partner_code
            assert +Counter(dict(found.sent.values)) == +values[found.partner_code]
        seen, after = seen + len(page), page[-1].partner_code
    assert seen == PARTNERS
    few = random.Random(SEED).sample([*made.at], 20)  # noqa: S311 - the same on every run
    for code in few:
        shown = accounting.show(made.db, code, made.site.now())
        assert [shown.sent.titles, shown.sent.volumes] == wanted[code][:2]


def look_at_the_costs(made: Programme) -> None:
    """Compare what gifts cost by budget line, and the postage of every year."""
    gifts = presenting.list_gifts(made.db)
    assert len(gifts) == GIFTS * len(YEARS)
    found: Counter[tuple[str, str]] = Counter()
    for each in gifts:
        assert each.cost == each.cost_of_lines
        found[each.budget_line, each.currency] += each.cost_of_lines
    assert found == made.costs
    for year in YEARS:
        rows = reporting.table(made.db, "operations", year, made.site.now()).rows
        paid = sorted(str(row[1]) for row in rows if row[0] == "postage")
        wanted = sorted(
            amount.shown(cost, currency)
            for (of_year, currency), cost in made.postage.items()
            if of_year == year
        )
        assert paid == wanted
        assert {row[0]: row[1] for row in rows}["consignments dispatched"] == GIFTS


def test_ten_years_of_552_partners_in_117_countries_come_out_to_the_book(
    db: Database, tmp_path: Path
) -> None:
    made = Programme(db, tmp_path)
    assert len(set(made.at.values())) == PLACES
    made.make()
    (everything,) = summed(made.moved, lambda _: "all").values()
    assert 380_000 < everything[1] + everything[3] < 420_000
    look_at_the_statistics(made)
    look_at_the_balances(made)
    look_at_the_costs(made)
    line = reporting.press_line(db)
    assert re.match(f"Since {YEARS[0] - 1} with [0-9]+ cities in [0-9]+ countries", line)
    assert f"donated {everything[1]:,} books in total" in line
    with db.write() as conn:  # one volume more, in one of the sums, is found
        one = sa.select(sa.func.min(ledger_total.c.partner_id)).scalar_subquery()
        this = (ledger_total.c.partner_id == one) & (ledger_total.c.year == YEARS[3])
        conn.execute(ledger_total.update().where(this).values(volumes=ledger_total.c.volumes + 1))
    for look in (look_at_the_statistics, look_at_the_balances):
        with pytest.raises(AssertionError):
            look(made)
