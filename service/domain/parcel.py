"""Parcels: how books are put into parcels and M-bags of a weight that an operator takes.

An M-bag is a sack of printed matter to one addressee. What it may weigh, at least and at most, and
whether it can be registered differs by operator and country: that is a table, and a site's own
figures go before it. Weights are whole grams.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from service.errors import Conflict, Invalid

# What a volume weighs where nobody weighed one, with its share of the packing.
GRAMS_PER_VOLUME: Final = 400
# From about here on a consignment goes as freight, with the papers of freight.
FREIGHT_FROM: Final = 300_000
_HEAVIEST: Final = 2_000_000  # of one parcel: a loaded pallet
_LONGEST_TRACKING: Final = 60


class ParcelKind(StrEnum):
    """What books are packed in."""

    PARCEL = "PARCEL"
    M_BAG = "M_BAG"
    CARTON = "CARTON"  # of freight
    PALLET = "PALLET"


class Parcel(NamedTuple):
    """One parcel of a consignment. ``weight`` is 0 while it is not weighed."""

    number: int
    kind: ParcelKind
    weight: int = 0
    tracking: str = ""


class Limit(NamedTuple):
    """What one operator takes to one country or region; "" is any operator, or any place.

    ``least`` and ``most`` are grams with the wrapping; ``registered``: it can be registered.
    """

    operator: str
    place: str
    kind: ParcelKind
    least: int
    most: int
    registered: bool
    source: str


_M, _P, _C = ParcelKind.M_BAG, ParcelKind.PARCEL, ParcelKind.CARTON
_L = ParcelKind.PALLET
LIMITS: Final = (
    Limit("", "", _M, 0, 30_000, False, "Universal Postal Union: M bags to 30 kg"),
    Limit("KOREA_POST", "", _M, 10_000, 30_000, True, "Korea Post: M bags, 10 to 30 kg"),
    Limit("USPS", "", _M, 4_990, 29_937, False, "USPS IMM 260: 11 lb are paid, to 66 lb"),
    Limit("JAPAN_POST", "", _M, 0, 30_000, False, "Japan Post: special mailbags to 30 kg"),
    Limit("POSTA_SRBIJE", "", _M, 2_000, 30_000, False, "Pošta Srbije: M bag, 2 to 30 kg"),
    Limit("BELPOST", "", _M, 0, 30_000, False, "Belpochta: M bags to 30 kg"),
    Limit("", "", _P, 0, 20_000, True, "Parcels that every operator takes"),
    Limit("", "", _C, 0, 20_000, False, "What one person lifts"),
    Limit("", "", _L, 0, 1_000_000, False, "EPAL: what a Euro pallet bears however it is loaded"),
)
"""The limits. Those of one place go before those of any, of one operator before those of any.

Source: the operators' own pages, in each row. They change, and some places take less: what is said
with a proposal goes before the table.
"""
OPERATORS: Final = tuple(sorted({each.operator for each in LIMITS} - {""}))


def limit(operator: str, place: str, kind: ParcelKind) -> Limit:
    """Return what an operator takes of a kind to a place; raise ``Invalid`` for an unknown one.

    >>> limit("KOREA_POST", "VN", ParcelKind.M_BAG)[3:6], limit("", "VN", ParcelKind.M_BAG)[3:6]
    ((10000, 30000, True), (0, 30000, False))
    """
    if operator and operator not in OPERATORS:
        raise Invalid(
            f"{operator!r} is no operator in the table: {', '.join(OPERATORS)}; without one the "
            "limits hold that nearly all have",
            field="operator",
        )
    found = [
        each
        for each in LIMITS
        if each.kind is kind and each.operator in {"", operator} and each.place in {"", place}
    ]
    return max(found, key=lambda each: (each.operator != "", each.place != ""))


class Load(NamedTuple):
    """A line that is to be packed, and what it weighs by estimate; a line is not cut in two."""

    position: int
    weight: int


class Proposed(NamedTuple):
    """A parcel that is proposed: the lines in it by position, and what they weigh by estimate."""

    kind: ParcelKind
    positions: tuple[int, ...]
    weight: int


class Proposal(NamedTuple):
    """How a consignment can be packed, by which limit, and what a person should look at."""

    parcels: tuple[Proposed, ...]
    limit: Limit
    grams_per_volume: int
    remarks: tuple[str, ...]

    @property
    def weight(self) -> int:
        """What all weighs by estimate, in grams."""
        return sum(each.weight for each in self.parcels)


def propose(loads: Sequence[Load], by: Limit, grams_per_volume: int) -> Proposal:
    """Return parcels that keep the order of the lines, as few as can be and about as heavy.

    >>> rule = limit("KOREA_POST", "VN", ParcelKind.M_BAG)
    >>> made = propose([Load(n, 4_000) for n in range(1, 11)], rule, 400)
    >>> [(each.kind.value, len(each.positions), each.weight) for each in made.parcels]
    [('M_BAG', 5, 20000), ('M_BAG', 5, 20000)]
    >>> [each.kind.value for each in propose([Load(1, 4_000)], rule, 400).parcels]
    ['PARCEL']
    """
    cut = _cut(loads, _evenly(loads, by.most))
    light = sum(sum(each.weight for each in part) < by.least for part in cut)
    made = tuple(
        Proposed(
            _kind_of(part, by),
            tuple(each.position for each in part),
            sum(each.weight for each in part),
        )
        for part in cut
    )
    remarks = [
        f"line {each.position} alone weighs about {kilograms(each.weight)}, and one takes at most "
        f"{kilograms(by.most)}: pack its copies apart, and enter the parcels by hand"
        for each in loads
        if each.weight > by.most
    ]
    if light and by.kind is ParcelKind.M_BAG:
        remarks.append(
            f"{light} of them weigh less than the {kilograms(by.least)} that an M-bag has at "
            "least: they go as parcels"
        )
    return Proposal(made, by, grams_per_volume, tuple(remarks))


def _kind_of(part: Sequence[Load], by: Limit) -> ParcelKind:
    is_light = by.kind is ParcelKind.M_BAG and sum(each.weight for each in part) < by.least
    return ParcelKind.PARCEL if is_light else by.kind


def _cut(loads: Sequence[Load], most: int) -> list[list[Load]]:
    """Cut the lines, in their order, wherever one more would be too heavy."""
    parts: list[list[Load]] = []
    weight = 0
    for each in loads:
        if not parts or weight + each.weight > most:
            parts.append([])
            weight = 0
        parts[-1].append(each)
        weight += each.weight
    return parts


def _evenly(loads: Sequence[Load], most: int) -> int:
    """Return the least bound by which there are no more parcels than by ``most``."""
    number = len(_cut(loads, most))
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        if len(_cut(loads, middle)) <= number:
            high = middle
        else:
            low = middle + 1
    return high


def kilograms(grams: int) -> str:
    """Return a weight as people read it, to the gram: what is declared adds up.

    >>> kilograms(340_000), kilograms(1_650), kilograms(1_012_345), kilograms(751)
    ('340.0 kg', '1.65 kg', '1,012.345 kg', '0.751 kg')
    """
    whole, rest = divmod(grams, 1000)
    return f"{whole:,}.{f'{rest:03d}'.rstrip('0') or '0'} kg"


# --- what is said of a parcel ---------------------------------------------------------------------


def check_weight(grams: int) -> int:
    """Return the weight of a parcel; raise ``Invalid`` for what none can have."""
    if not 0 <= grams <= _HEAVIEST:
        raise Invalid(f"a parcel weighs 0 to {_HEAVIEST:,} grams", field="weight")
    return grams


def check_number(number: int) -> int:
    """Return the number of a parcel; raise ``Invalid`` for what none has."""
    if not 1 <= number <= 9_999:
        raise Invalid("parcels are numbered from 1 to 9,999", field="parcel")
    return number


def check_kind(text: str) -> ParcelKind:
    """Return a kind of parcel by its name, in letters of any case; raise ``Invalid``."""
    try:
        return ParcelKind(text.strip().upper().replace("-", "_"))
    except ValueError as error:
        raise Invalid(f"{text!r} is no kind: {', '.join(ParcelKind)}", field="kind") from error


_S10 = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}", re.ASCII)
_WEIGHTS: Final = (8, 6, 4, 2, 3, 5, 9, 7)


def s10_check_digit(serial: str) -> str:
    """Return the check digit of the eight digits of an S10 identifier.

    Source: UPU S10, identification of postal items.

    >>> s10_check_digit("47312482"), s10_check_digit("12345678")
    ('9', '5')
    """
    rest = (
        11 - sum(int(digit) * weight for digit, weight in zip(serial, _WEIGHTS, strict=True)) % 11
    )
    return str({10: 0, 11: 5}.get(rest, rest))


def check_tracking(text: str) -> str:
    """Return a tracking number as it is kept; one of the post has its check digit looked at.

    Carriers have numbers of all kinds: what has not the form of S10 is kept as it is.

    >>> check_tracking("rr 473 124 829 kr"), check_tracking(" 1Z999AA10123456784 ")
    ('RR473124829KR', '1Z999AA10123456784')
    >>> check_tracking("RR473124821KR")
    Traceback (most recent call last):
        ...
    service.errors.Invalid: RR473124821KR cannot be right: its check digit, the one before KR, \
would be 9; look at the label again
    """
    given = " ".join(text.split())
    if len(given) > _LONGEST_TRACKING or not given.isprintable():
        raise Invalid(
            f"a tracking number has at most {_LONGEST_TRACKING} characters", field="tracking"
        )
    joined = given.replace(" ", "").upper()
    if not _S10.fullmatch(joined):
        return given
    if joined[10] != (digit := s10_check_digit(joined[2:10])):
        raise Invalid(
            f"{joined} cannot be right: its check digit, the one before {joined[11:]}, would be "
            f"{digit}; look at the label again",
            field="tracking",
        )
    return joined


# --- scanning -------------------------------------------------------------------------------------


class Scannable(NamedTuple):
    """What a scanner is compared with: one line of a consignment."""

    position: int
    title: str
    barcode: str
    isbns: tuple[str, ...]
    parcel: int | None
    packed: bool


def scanned(code: str, isbn: str, lines: Sequence[Scannable]) -> Scannable | None:
    """Return the line that a code names: by its barcode, else by the ISBN that the code is.

    ``isbn`` is the code as 13 digits, "" if it is none. Of several lines the first that is not
    packed yet. None: no line has it. Raises ``Conflict`` where all that have it are packed.
    """
    found = [each for each in lines if each.barcode and each.barcode == code]
    found = found or [each for each in lines if isbn and isbn in each.isbns]
    if not found:
        return None
    for each in found:
        if not each.packed:
            return each
    raise Conflict(
        f"{found[0].title!r} is in parcel {found[0].parcel} already; if this is one more copy, it "
        "does not belong to this consignment"
    )


def _check_table() -> None:
    keys = [(each.operator, each.place, each.kind) for each in LIMITS]
    if len(set(keys)) != len(keys):
        raise AssertionError("two limits for one operator, place and kind")
    for kind in ParcelKind:
        if ("", "", kind) not in keys:
            raise AssertionError(f"no limit for {kind} that always holds")
    if any(not 0 <= each.least < each.most for each in LIMITS):
        raise AssertionError("a limit is at least less than at most")


_check_table()
