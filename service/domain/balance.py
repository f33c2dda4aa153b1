"""Balances: what was sent to a partner beside what was received from it, and what would even it.

What was sent is always what our library sent, whoever reads it. Everything in the ledger counts,
opening balances too; how much of it were gifts is told beside it. By which figure a balance is kept
and how far it may lean is what the agreement with the partner says (``Bounds``); where it says
nothing, the balance is shown and nobody owes anything. Currencies are never converted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from service.domain import amount
from service.domain.agreement import BalanceBasis
from service.domain.agreement_bounds import Bounds
from service.domain.ledger import Direction, Figures, Material
from service.domain.transfer import TransferKind


class Counted(StrEnum):
    """By which figure a balance is kept."""

    TITLES = "titles"
    VOLUMES = "volumes"
    VALUE = "value"


COUNTED: Final[Mapping[BalanceBasis, Counted]] = {
    BalanceBasis.OPEN: Counted.TITLES,
    BalanceBasis.PIECE: Counted.TITLES,
    BalanceBasis.VOLUME: Counted.VOLUMES,
    BalanceBasis.VALUE: Counted.VALUE,
}
"""What each basis counts; a balance that is not kept is shown in titles."""

if set(COUNTED) != set(BalanceBasis):
    raise AssertionError("a basis of balances counts nothing")


class Side(StrEnum):
    """Who is meant; each reader's own name for the two is in ``Reader``."""

    LIBRARY = "library"  # ours
    PARTNER = "partner"


class Line(NamedTuple):
    """What went one way in a year, of one kind; ``opening`` is true for an opening balance."""

    year: int
    direction: Direction
    kind: TransferKind
    material: Material
    opening: bool
    currency: str
    figures: Figures


class Total(NamedTuple):
    """What went one way in all: titles, volumes, and values by currency."""

    titles: int
    volumes: int
    values: Mapping[str, int]


class Band(NamedTuple):
    """Where a balance stands between the two bounds that an agreement sets it.

    ``difference`` is what was sent less what was received, in titles, volumes or the smallest unit
    of ``currency``. ``tolerance`` None: no bound. ``owed_by`` is who is to give, None where the
    balance is even or none is kept; ``within`` is None where there is no bound.
    """

    counted: Counted
    currency: str
    difference: int
    tolerance: int | None
    owed_by: Side | None
    within: bool | None

    @property
    def may_be_sent(self) -> int | None:
        """How much more the partner can be sent before the bound; None: no bound."""
        return None if self.tolerance is None else max(0, self.tolerance - self.difference)

    @property
    def may_be_received(self) -> int | None:
        """How much more the partner can send before the bound; None: no bound."""
        return None if self.tolerance is None else max(0, self.tolerance + self.difference)


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance with one partner; ``agreement`` is the public id of what it is kept by."""

    partner_code: str
    sent: Total
    received: Total
    lines: tuple[Line, ...]
    basis: BalanceBasis
    tolerance: int | None
    agreement: str | None
    bands: tuple[Band, ...]


def balance(partner_code: str, lines: Iterable[Line], bounds: Bounds | None) -> Balance:
    """Return how a partner stands, by what was agreed with it on books, if anything was."""
    kept = tuple(sorted(each for each in lines if any(each.figures)))
    sent = total(each for each in kept if each.direction is Direction.SENT)
    received = total(each for each in kept if each.direction is Direction.RECEIVED)
    basis = bounds.basis if bounds else BalanceBasis.OPEN
    tolerance = bounds.tolerance if bounds else None
    return Balance(
        partner_code=partner_code,
        sent=sent,
        received=received,
        lines=kept,
        basis=basis,
        tolerance=tolerance,
        agreement=bounds.agreement if bounds else None,
        bands=bands(sent, received, basis, tolerance),
    )


def total(lines: Iterable[Line]) -> Total:
    """Return the sums of some lines.

    >>> gift = Line(2024, Direction.SENT, TransferKind.GIFT, Material.BOOK, False, "KRW",
    ...     Figures(2, 3, 900))
    >>> total([gift, gift._replace(year=2025)])
    Total(titles=4, volumes=6, values={'KRW': 1800})
    """
    titles = volumes = 0
    values: dict[str, int] = {}
    for each in lines:
        titles += each.figures.titles
        volumes += each.figures.volumes
        if each.currency:
            values[each.currency] = values.get(each.currency, 0) + each.figures.value
    return Total(titles, volumes, {code: values[code] for code in sorted(values) if values[code]})


def bands(
    sent: Total, received: Total, basis: BalanceBasis, tolerance: int | None
) -> tuple[Band, ...]:
    """Return where a balance stands: one band, or one for each currency if value counts.

    A tolerance is in one currency. Where there are values in several, which one it is is not known,
    and it bounds none of them.

    >>> some, none = Total(10, 14, {}), Total(0, 0, {})
    >>> [band] = bands(some, none, BalanceBasis.VOLUME, 20)
    >>> band.difference, band.owed_by.value, band.within, band.may_be_sent, band.may_be_received
    (14, 'partner', True, 6, 34)
    """
    counted = COUNTED[basis]
    if counted is not Counted.VALUE:
        difference = getattr(sent, counted.value) - getattr(received, counted.value)
        return (_band(counted, "", difference, basis, tolerance),)
    currencies = sorted({*sent.values, *received.values})
    if len(currencies) > 1:
        tolerance = None
    return tuple(
        _band(
            counted, each, sent.values.get(each, 0) - received.values.get(each, 0), basis, tolerance
        )
        for each in currencies
    )


def _band(
    counted: Counted, currency: str, difference: int, basis: BalanceBasis, tolerance: int | None
) -> Band:
    if basis is BalanceBasis.OPEN:
        return Band(counted, currency, difference, None, None, None)
    owed_by = None if difference == 0 else Side.PARTNER if difference > 0 else Side.LIBRARY
    within = None if tolerance is None else abs(difference) <= tolerance
    return Band(counted, currency, difference, tolerance, owed_by, within)


# --- in words -------------------------------------------------------------------------------------


class Reader(NamedTuple):
    """How sentences name both sides to whoever reads them."""

    library: str
    partner: str

    @classmethod
    def staff(cls, code: str) -> Reader:
        """Return how our staff reads: "we sent to nagasaki"."""
        return cls("us", code)

    @classmethod
    def its_own(cls) -> Reader:
        """Return how the partner itself reads: "the library sent to you"."""
        return cls("the library", "you")


def told(found: Balance, reader: Reader) -> tuple[str, ...]:
    """Return a balance in sentences that nobody can read the other way round.

    >>> even = balance("nagasaki", [], None)
    >>> told(even, Reader.staff("nagasaki"))[0]
    'Sent by us to nagasaki: nothing.'
    """
    library, partner = reader
    return (
        f"Sent by {library} to {partner}: {amounts(found.sent)}.",
        f"Received by {library} from {partner}: {amounts(found.received)}.",
        *(_sentence(each, reader) for each in found.bands),
        *_remarks(found),
    )


def amounts(some: Total) -> str:
    """Return a total in words.

    >>> amounts(Total(2, 3, {"KRW": 9000})), amounts(Total(0, 0, {}))
    ('2 titles in 3 volumes, worth 9,000 KRW', 'nothing')
    """
    parts = []
    if some.titles or some.volumes:
        parts.append(f"{_titles(some.titles)} in {_volumes(some.volumes)}")
    parts += [f"worth {amount.shown(value, code)}" for code, value in some.values.items()]
    return ", ".join(parts) or "nothing"


def _titles(number: int) -> str:
    return f"{number:,} {'title' if abs(number) == 1 else 'titles'}"


def _volumes(number: int) -> str:
    return f"{number:,} {'volume' if abs(number) == 1 else 'volumes'}"


def figure(number: int, counted: Counted, currency: str) -> str:
    """Return a figure with its unit.

    >>> figure(1, Counted.TITLES, ""), figure(1200, Counted.VALUE, "EUR")
    ('1 title', '12.00 EUR')
    """
    if counted is Counted.VALUE:
        return amount.shown(number, currency)
    return _titles(number) if counted is Counted.TITLES else _volumes(number)


def _sentence(band: Band, reader: Reader) -> str:
    by = f"Counted in {band.counted}" + (f" in {band.currency}" if band.currency else "")
    if band.difference == 0:
        return f"{by}, the balance is even."
    more = figure(abs(band.difference), band.counted, band.currency)
    giver, taker = reader if band.difference > 0 else (reader.partner, reader.library)
    sentence = f"{by}, {more} more went from {giver} to {taker} than came back"
    if band.tolerance is None:
        return f"{sentence}."
    bound = figure(band.tolerance, band.counted, band.currency)
    stands = "within" if band.within else "beyond"
    return f"{sentence}: {stands} the {bound} that the agreement tolerates."


_SEVERAL: Final = (
    "There are values in several currencies, which are not converted: the tolerance bounds none of "
    "them."
)


def _remarks(found: Balance) -> tuple[str, ...]:
    if found.agreement is None:
        return ("No agreement on books is in force: nobody owes anything.",)
    if found.basis is BalanceBasis.OPEN:
        return ("By the agreement no balance is kept: nobody owes anything.",)
    if found.basis is BalanceBasis.VALUE and len(found.bands) > 1 and found.tolerance is not None:
        return (_SEVERAL,)
    if found.basis is BalanceBasis.VALUE and not found.bands:
        return ("The agreement counts values, and no value is in the ledger yet.",)
    return ()


# --- what would restore parity --------------------------------------------------------------------


class Offered(NamedTuple):
    """An offer that could even a balance: so many copies of a title, so many volumes each."""

    offer: str
    title: str
    copies: int
    volumes: int
    why: str


class Proposed(NamedTuple):
    """An offer out of which a balance is evened, and what it counts for."""

    offer: str
    title: str
    copies: int
    volumes: int
    why: str
    counts: int | None


class Parity(NamedTuple):
    """What would even a balance: who would give, how much is missing, and with which titles.

    ``missing`` is what these titles would leave; None where the balance is kept by value, which
    offers do not have.
    """

    given_by: Side | None
    counted: Counted
    currency: str
    needed: int
    missing: int | None
    titles: tuple[Proposed, ...]


def owed(found: Balance) -> Band | None:
    """Return the band by which somebody is to give: the one that leans most, None for none.

    Bands in several currencies are not compared; the first that leans beyond its bound is taken,
    or the first that leans.
    """
    leaning = [each for each in found.bands if each.owed_by is not None]
    return next((each for each in leaning if each.within is False), next(iter(leaning), None))


def parity(found: Balance, offers: Sequence[Offered], most: int) -> Parity:
    """Return what would even a balance out of these offers, in their order: at most ``most``.

    No more copies are named than are needed, and no offer that counts for nothing.

    >>> terms = Bounds("01", BalanceBasis.VOLUME, tolerance=20)
    >>> line = Line(2024, Direction.RECEIVED, TransferKind.EXCHANGE, Material.BOOK, False, "",
    ...     Figures(4, 5))
    >>> offers = [Offered("A", "A set", 1, 3, ""), Offered("B", "A book", 9, 1, "")]
    >>> found = parity(balance("nagasaki", [line], terms), offers, 10)
    >>> found.given_by.value, found.needed, found.missing
    ('library', 5, 0)
    >>> [(each.offer, each.copies, each.counts) for each in found.titles]
    [('A', 1, 3), ('B', 2, 2)]
    """
    band = owed(found)
    if band is None:
        return Parity(None, COUNTED[found.basis], "", 0, 0, ())
    needed = abs(band.difference)
    if band.counted is Counted.VALUE:
        titles = tuple(Proposed(*each, None) for each in offers[:most])
        return Parity(band.owed_by, band.counted, band.currency, needed, None, titles)
    proposed: list[Proposed] = []
    missing = needed
    for each in offers:
        if missing <= 0 or len(proposed) == most:
            break
        copies, counts = _out_of(each, band.counted, missing)
        proposed.append(Proposed(each.offer, each.title, copies, each.volumes, each.why, counts))
        missing -= counts
    return Parity(
        band.owed_by, band.counted, band.currency, needed, max(0, missing), tuple(proposed)
    )


def _out_of(offered: Offered, counted: Counted, missing: int) -> tuple[int, int]:
    """Return how many copies of an offer are needed, and what they count for."""
    if counted is Counted.TITLES:
        return 1, 1
    copies = min(offered.copies, -(-missing // offered.volumes))
    return copies, copies * offered.volumes
