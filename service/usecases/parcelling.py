"""Parcelling: the lines of a draft are ticked or scanned into parcels, which are weighed.

A parcel can be proposed for every line by what the volumes weigh by estimate; what is really in it
is what somebody ticked or scanned. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from marc_mappings.keys.identifiers import isbn13
from service.config import Settings
from service.domain import parcel as rules
from service.domain.consignment import OPEN, Consignment, ConsignmentState, Line, Service
from service.domain.consignment_fields import line as checked_line
from service.domain.parcel import Limit, Load, Parcel, ParcelKind, Proposal, Scannable
from service.errors import Conflict, Invalid, Misconfigured, NotFound
from service.store import consignments, parcels
from service.store.db import Connection, Database
from service.usecases.holding_consignments import check_lines, count, hold, hold_draft, keep, known

_MOST_GRAMS = 100_000  # of one volume


# --- proposing ------------------------------------------------------------------------------------


class Wish(NamedTuple):
    """How parcels are wanted: None is what the table and the weights of volumes say."""

    kind: ParcelKind | None = None
    operator: str = ""
    least: int | None = None
    most: int | None = None
    grams_per_volume: int = rules.GRAMS_PER_VOLUME


def operator(settings: Settings, said: str | None) -> str:
    """Return the operator that holds: the one that is said, "" for any, else that of the site.

    Raises ``Misconfigured`` where the site names one that is not in the table.
    """
    if said is not None:
        return said.upper()
    usual = settings.postal_operator.strip().upper()
    if usual and usual not in rules.OPERATORS:
        raise Misconfigured(
            f"setting 'postal_operator' is none of {', '.join(rules.OPERATORS)}: "
            f"{settings.postal_operator!r}"
        )
    return usual


def propose(db: Database, name: str, wish: Wish = Wish()) -> Proposal:  # noqa: B008 - a value
    """Return how a consignment can be packed; nothing is kept.

    Raises ``NotFound``, ``Invalid`` for an operator or figures that there are not.
    """
    with db.read() as conn:
        found = known(conn, name)
        return _proposal(found, consignments.lines(conn, found.id), wish)


def split(
    db: Database,
    name: str,
    wish: Wish = Wish(),  # noqa: B008 - a value
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Proposal:
    """Assign every line of a draft to a parcel as proposed, instead of those that there are.

    What was packed has to be packed again, so it is refused (``Conflict``) once a line is ticked.
    """
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        lines = consignments.lines(conn, found.id)
        if any(line.packed for line in lines):
            raise Conflict(
                "lines are packed already: take them out of their parcels before they are split "
                "anew"
            )
        proposal = _proposal(found, lines, wish)
        parcels.remove(conn, found.id, [each.number for each in parcels.of(conn, found.id)])
        made = [Parcel(number, each.kind) for number, each in enumerate(proposal.parcels, 1)]
        parcels.put(conn, found.id, made)
        for number, each in enumerate(proposal.parcels, 1):
            consignments.put_lines(conn, found.id, each.positions, parcel=number)
        keep(conn, "split", found, count(conn, found, weight=0), by, now)
        return proposal


def _proposal(found: Consignment, lines: Sequence[Line], wish: Wish) -> Proposal:
    grams = wish.grams_per_volume
    if not 1 <= grams <= _MOST_GRAMS:
        raise Invalid(f"a volume weighs 1 to {_MOST_GRAMS:,} grams", field="grams_per_volume")
    loads = [Load(line.position, line.units * grams) for line in lines]
    weight = sum(each.weight for each in loads)
    kind = wish.kind or _kind(found.service, weight)
    limit = rules.limit(wish.operator, found.place, kind)
    limit = _own_figures(limit, wish)
    return rules.propose(loads, limit, grams)


def _kind(service: Service, weight: int) -> ParcelKind:
    """Return what a consignment of this weight is usually packed in."""
    if service is Service.FREIGHT or weight >= rules.FREIGHT_FROM:
        return ParcelKind.CARTON
    return ParcelKind.M_BAG if service in {Service.SURFACE, Service.AIR} else ParcelKind.PARCEL


def _own_figures(limit: Limit, wish: Wish) -> Limit:
    least = limit.least if wish.least is None else wish.least
    most = limit.most if wish.most is None else wish.most
    if not 0 <= least < most:
        raise Invalid("the least weight is 0 or more, and less than the most", field="most")
    own = wish.least is not None or wish.most is not None
    return limit._replace(
        least=least, most=most, source="as said with the proposal" if own else limit.source
    )


# --- packing --------------------------------------------------------------------------------------


def tick(
    db: Database,
    name: str,
    positions: Collection[int] | None,
    number: int | None = None,
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Put lines (None: all) into parcel ``number``; None is the one assigned, or else the first.

    A parcel that is not there yet is made. Raises ``NotFound`` for a line that is not in it.
    """
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        lines = consignments.lines(conn, found.id)
        if positions is not None:
            check_lines(lines, positions)
            lines = [line for line in lines if line.position in positions]
        into: dict[int, list[int]] = {}
        for line in lines:
            into.setdefault(number or line.parcel or 1, []).append(line.position)
        for parcel, some in sorted(into.items()):
            _see_to(conn, found, parcel)
            consignments.put_lines(conn, found.id, some, parcel=parcel, packed=True)
        made = count(conn, found)
        keep(conn, "lines packed", found, made, by, now)
        return made


def untick(
    db: Database,
    name: str,
    positions: Collection[int] | None,
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Take lines (None: all) out of their parcels; they stay in the consignment."""
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        lines = consignments.lines(conn, found.id)
        if positions is not None:
            check_lines(lines, positions)
        wanted = {line.position for line in lines} if positions is None else positions
        consignments.put_lines(conn, found.id, wanted, parcel=None, packed=False)
        made = count(conn, found)
        keep(conn, "lines unpacked", found, made, by, now)
        return made


def scan(
    db: Database, name: str, code: str, number: int | None = None, *, by: str, now: datetime
) -> Line:
    """Put the line that a barcode or an ISBN names into a parcel; return it as it is then.

    All copies of a line go into one parcel. Scanning says nothing of a revision: several people
    scan at once. Raises ``NotFound`` that says where an unknown book may belong, ``Conflict`` for
    one that is packed already.
    """
    code = checked_line(code)
    with db.write() as conn:
        found = hold_draft(conn, name)
        lines = {line.position: line for line in consignments.lines(conn, found.id)}
        choice = [
            Scannable(each.position, each.title, each.barcode, each.isbns, each.parcel, each.packed)
            for each in lines.values()
        ]
        hit = rules.scanned(code, isbn13(code), choice)
        if hit is None:
            raise _unknown(conn, found, code)
        parcel = number or hit.parcel or 1
        _see_to(conn, found, parcel)
        consignments.put_lines(conn, found.id, [hit.position], parcel=parcel, packed=True)
        made = count(conn, found)
        keep(conn, f"line {hit.position} scanned", found, made, by, now)
        return lines[hit.position]._replace(parcel=parcel, packed=True)


def _unknown(conn: Connection, found: Consignment, code: str) -> NotFound:
    elsewhere = parcels.elsewhere(conn, code) if code else None
    if elsewhere is not None and elsewhere != found.number:
        where = f"it belongs to consignment {elsewhere}"
    else:
        where = (
            "put the book aside and look for its title in the packing list: give the line this "
            "barcode, or tick it by its number"
        )
    return NotFound(
        f"nothing in consignment {found.number} has the barcode or ISBN {code!r}: {where}"
    )


def label(
    db: Database, name: str, position: int, barcode: str, *, by: str, now: datetime
) -> Consignment:
    """Give a line of a draft the barcode that is on its book; "" takes it away."""
    barcode = checked_line(barcode)
    with db.write() as conn:
        found = hold_draft(conn, name)
        check_lines(consignments.lines(conn, found.id), [position])
        consignments.put_lines(conn, found.id, [position], barcode=barcode)
        made = count(conn, found)
        keep(conn, f"line {position} labelled", found, made, by, now)
        return made


# --- parcels --------------------------------------------------------------------------------------


def describe(
    db: Database,
    name: str,
    number: int,
    *,
    kind: ParcelKind | None = None,
    weight: int | None = None,
    tracking: str | None = None,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Consignment:
    """Say what a parcel is, weighs (grams) and how it is tracked; None leaves it as it is.

    A tracking number can be said after the dispatch too. Raises ``Conflict`` for the rest then,
    and ``Invalid`` for a tracking number whose check digit is wrong.
    """
    wanted = Parcel(
        rules.check_number(number),
        kind or ParcelKind.PARCEL,
        rules.check_weight(weight or 0),
        rules.check_tracking(tracking or ""),
    )
    with db.write() as conn:
        closed = kind is None and weight is None
        found = (hold if closed else _hold_open)(conn, name, seen)
        there = {each.number: each for each in parcels.of(conn, found.id)}
        old = there.get(number)
        if old is None and found.state is not ConsignmentState.DRAFT:
            raise NotFound(f"consignment {found.number} has no parcel {number}")
        base = old or wanted
        new = Parcel(
            number,
            base.kind if kind is None else kind,
            base.weight if weight is None else wanted.weight,
            base.tracking if tracking is None else wanted.tracking,
        )
        parcels.put(conn, found.id, [new])
        total = sum(each.weight for each in (there | {number: new}).values())
        consignments.put(conn, found, weight=total)
        made = consignments.by_id(conn, found.id)
        keep(conn, f"parcel {number} described", found, made, by, now)
        return made


def remove(
    db: Database, name: str, number: int, *, seen: int | None = None, by: str, now: datetime
) -> Consignment:
    """Remove a parcel of a draft; its lines are in none then."""
    with db.write() as conn:
        found = hold_draft(conn, name, seen)
        there = parcels.of(conn, found.id)
        if number not in {each.number for each in there}:
            raise NotFound(f"consignment {found.number} has no parcel {number}")
        parcels.remove(conn, found.id, [number])
        total = sum(each.weight for each in there if each.number != number)
        made = count(conn, found, weight=total)
        keep(conn, f"parcel {number} removed", found, made, by, now)
        return made


def _hold_open(conn: Connection, name: str, seen: int | None) -> Consignment:
    """Return a consignment whose parcels can be weighed; raise ``Conflict`` once it left."""
    found = hold(conn, name, seen)
    if found.state not in OPEN:
        raise Conflict(
            f"consignment {found.number} is {found.state}: what its parcels are and weigh is "
            "settled"
        )
    return found


def _see_to(conn: Connection, found: Consignment, number: int) -> None:
    """Make a parcel if it is not there."""
    rules.check_number(number)
    if number not in {each.number for each in parcels.of(conn, found.id)}:
        kind = ParcelKind.CARTON if found.service is Service.FREIGHT else ParcelKind.PARCEL
        parcels.put(conn, found.id, [Parcel(number, kind)])
