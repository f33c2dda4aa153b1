"""What must hold of books that travel and of the balance after every act, whoever did it.

No entry of the ledger without its event and no event without its entry, sums that are those of the
entries, no copy twice on its way, and what is presumed received never counted as confirmed. What an
event should have entered is worked out here from the tables alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.domain.claim import TRANSITIONS as CLAIM_MOVES
from service.domain.consignment import TRANSITIONS as CONSIGNMENT_MOVES
from service.domain.gift import TRANSITIONS as GIFT_MOVES
from service.domain.gift import GiftState
from service.domain.incoming_gift import TRANSITIONS as INCOMING_MOVES
from service.store import consignments, gifts
from service.store import tables as t
from service.store.db import Connection, Database
from service.usecases import accounting, reporting
from service.usecases.site import Site

_ON_ITS_WAY = {"DISPATCHED", "IN_CUSTOMS", "DELIVERED"}
_CONFIRMED = {"RECEIVED_COMPLETE", "RECEIVED_SHORT", "RECEIVED_DAMAGED"}
_SENT = _ON_ITS_WAY | _CONFIRMED | {"PRESUMED_RECEIVED"}
_LET_GO = {"CANCELLED", "RETURNED"}
_COUNTED = {"CHECKED", "ACCEPTED", "DECLINED", "CATALOGUED", "DISPLAYED"}


def pairs(table: Mapping[Any, tuple[Any, Any]]) -> set[tuple[str, str]]:
    """Return (from, to) of a domain's table of transitions."""
    return {(begin.value, end.value) for begins, end in table.values() for begin in begins}


MOVES: Mapping[str, set[tuple[str, str]]] = {
    "consignment": pairs(CONSIGNMENT_MOVES),
    "claim": pairs(CLAIM_MOVES),
    # Where a gift stands follows from its consignments: corrected, cancelled, some lines taken out.
    "gift": pairs(GIFT_MOVES)
    | {("DISPATCHED", "PACKED"), ("DISPATCHED", "APPROVED"), ("PACKED", "APPROVED")}
    | {("APPROVED", "DISPATCHED")},
    # A correction may find that nothing is accepted, or that something is after all.
    "incoming": pairs(INCOMING_MOVES)
    | {(state, "DECLINED") for state in ("ACCEPTED", "CATALOGUED", "DISPLAYED")}
    | {("DECLINED", "ACCEPTED"), ("CATALOGUED", "ACCEPTED"), ("DISPLAYED", "ACCEPTED")},
}


class Figures(NamedTuple):
    """Volumes and value; titles are looked at where they cannot have been counted elsewhere."""

    volumes: int = 0
    value: int = 0

    def plus(self, volumes: int, value: int) -> Figures:
        return Figures(self.volumes + volumes, self.value + value)


class Travelling:
    """What the tables hold at one moment of consignments, claims, gifts and the ledger."""

    def __init__(self, conn: Connection) -> None:
        self.partners: dict[int, str] = {
            row.id: row.code for row in conn.execute(sa.select(t.partner.c.id, t.partner.c.code))
        }
        self.consignments = _all(conn, t.consignment)
        self.lines = _all(conn, t.consignment_line, "consignment_id", "position")
        self.receipts = _all(conn, t.receipt)
        self.claims = _all(conn, t.claim)
        self.transfers = _all(conn, t.transfer)
        self.volumes = {each.id: each.volumes for each in _all(conn, t.offer)}
        self.incoming = _all(conn, t.incoming_gift)
        self.pieces = _all(conn, t.accession_line, "incoming_gift_id", "position")
        self.entries = _all(conn, t.ledger_entry)
        self._by_id = {each.id: each for each in self.entries}
        self.totals = list(conn.execute(sa.select(t.ledger_total)))
        self.allocations = list(
            conn.execute(sa.select(t.allocation.c.transfer, t.allocation.c.state))
        )
        self.gifts = {
            each.public_id: each.state.value for each in gifts.listed(conn, states=set(GiftState))
        }
        self.waiting = [
            line.transfer_id for each in self.partners for line in consignments.waiting(conn, each)
        ]
        self.state_of = {each.id: each.state for each in self.consignments}

    def states(self) -> dict[tuple[str, object], str]:
        """Return where everything stands, by its kind and its public id."""
        found: dict[tuple[str, object], str] = {}
        found |= {("consignment", each.public_id): each.state for each in self.consignments}
        found |= {("claim", each.public_id): each.state for each in self.claims}
        found |= {("gift", name): self.gifts[name] for name in sorted(self.gifts)}
        found |= {("incoming", each.public_id): each.state for each in self.incoming}
        return found

    def undispatched(self) -> Counter[int]:
        """Return the volumes that partners were given and that never left for good."""
        gone = {
            line.transfer_id
            for line in self.lines
            if not line.released and self.state_of[line.consignment_id] in _SENT | {"LOST"}
        }
        of_line = {line.transfer_id: line.volumes for line in self.lines}
        found: Counter[int] = Counter()
        for each in self.transfers:
            if each.state == "GIVEN" and each.id not in gone:
                volumes = self.volumes.get(each.offer_id) or of_line[each.id]
                found[each.partner_id] += each.copies * volumes
        return found

    def evened(self, code: str) -> int:
        """Return the volumes that a partner gave us, and those that we sent it in vain."""
        mine = [each for each in self.entries if self.partners[each.partner_id] == code]
        came = sum(each.volumes for each in mine if each.direction == "RECEIVED")
        back = [each for each in mine if self.origin(each).event == "RETURN"]
        return int(came - sum(each.volumes for each in back))

    def origin(self, entry: Any) -> Any:
        """Return the entry that this one takes back, or itself."""
        return self._by_id[entry.counters] if entry.counters else entry


def _all(conn: Connection, table: sa.Table, *order: str) -> list[Any]:
    by = [table.c[name] for name in order or ("id",)]
    return list(conn.execute(sa.select(table).order_by(*by)))


class TravelGuarantees:
    """Looks at all that travels; ``look_at_what_travels`` after every act, the rest at the end."""

    db: Database
    site: Site

    def look_at_what_travels(self, found: Travelling) -> None:
        """Look at everything that must hold of what travels."""
        self.no_copy_travels_twice(found)
        self.no_receipt_is_invented(found)
        self.what_left_fulfils(found)
        self.every_event_has_its_entries_and_they_have_theirs(found)
        self.sums_are_those_of_the_entries(found)

    def no_copy_travels_twice(self, found: Travelling) -> None:
        held = [
            line.transfer_id
            for line in found.lines
            if line.transfer_id is not None and not line.released
        ]
        assert len(held) == len(set(held)), "a copy is in two consignments"
        assert not set(held) & set(found.waiting), "a copy waits and travels"
        given = {each.id for each in found.transfers if each.state == "GIVEN"}
        assert given <= set(held) | set(found.waiting), "a copy that was given is nowhere"
        copies = {each.id: each.copies for each in found.transfers}
        volumes: dict[int, int] = {}
        for line in found.lines:
            if found.state_of[line.consignment_id] in _LET_GO:
                assert line.released, "what came back or was cancelled can travel again"
            if line.transfer_id is not None:
                assert line.copies == copies[line.transfer_id], "all its copies travel together"
                first = volumes.setdefault(line.transfer_id, line.volumes)
                assert first == line.volumes, "what travels again is what it was"

    def no_receipt_is_invented(self, found: Travelling) -> None:
        told = Counter(each.consignment_id for each in found.receipts)
        for each in found.consignments:
            wanted = 1 if each.state in _CONFIRMED else 0
            assert told[each.id] == wanted, f"{each.state} has {told[each.id]} receipts"

    def what_left_fulfils(self, found: Travelling) -> None:
        gone = _SENT | {"LOST"}
        names = {each.id: each.public_id for each in found.transfers}
        left = {
            names[line.transfer_id]
            for line in found.lines
            if line.transfer_id
            and not line.released
            and found.state_of[line.consignment_id] in gone
        }
        for row in found.allocations:
            if row.transfer:
                fulfilled = row.state == "FULFILLED"
                assert fulfilled == (row.transfer in left), "what was allocated is fulfilled by it"

    # --- the ledger ---------------------------------------------------------------------------

    def every_event_has_its_entries_and_they_have_theirs(self, found: Travelling) -> None:
        due = _due(found)
        entered: defaultdict[tuple[str, str], Figures] = defaultdict(Figures)
        for each in found.entries:
            of = found.origin(each)
            key = (of.event, of.event_key.partition("#")[0])
            assert key in due, f"an entry without its event: {key}"
            assert due[key].whose == found.partners[each.partner_id], "it is this partner's"
            assert (each.year, each.place) == (each.on_date.year, due[key].place or each.place)
            entered[key] = entered[key].plus(each.volumes, each.value)
        for key, wanted in due.items():
            assert entered[key] == wanted.figures, f"an event without its entry: {key}, {wanted}"
        titles: Counter[tuple[str, str]] = Counter()
        for each in found.entries:
            of = found.origin(each)
            titles[of.event, of.event_key.partition("#")[0]] += each.titles
        for key, wanted in due.items():
            if wanted.titles is not None:
                assert titles[key] == wanted.titles, f"titles of {key}, {wanted}"

    def sums_are_those_of_the_entries(self, found: Travelling) -> None:
        named = ("partner_id", "year", "direction", "kind", "material", "place", "city", "currency")
        true: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for each in found.entries:
            of = found.origin(each)
            key = (*(getattr(each, name) for name in named), of.event == "OPENING")
            for place, number in enumerate((1, each.titles, each.volumes, each.value)):
                true[key][place] += number
        kept = {
            (*(getattr(each, name) for name in named), bool(each.opening)): [
                each.entries, each.titles, each.volumes, each.value,
            ]
            for each in found.totals
        }  # fmt: skip
        assert kept == true, "the sums are those of the entries"

    # --- what people read of it -----------------------------------------------------------------

    def look_at_the_figures(self, codes: Iterable[str]) -> None:
        """Look at balances and statistics as people read them: they say what the entries say."""
        with self.db.read() as conn:
            found = Travelling(conn)
        self.balances_are_the_sums_of_the_entries(found, codes)
        self.statistics_are_the_sums_of_the_entries(found)
        self.presumed_is_never_counted_as_confirmed(found)

    def balances_are_the_sums_of_the_entries(self, found: Travelling, codes: Iterable[str]) -> None:
        for code in codes:
            mine = [each for each in found.entries if found.partners[each.partner_id] == code]
            shown = accounting.show(self.db, code, self.site.now())
            for direction, total in (("SENT", shown.sent), ("RECEIVED", shown.received)):
                rows = [each for each in mine if each.direction == direction]
                figures = (sum(each.titles for each in rows), sum(each.volumes for each in rows))
                assert (total.titles, total.volumes) == figures, f"the balance of {code}"
                values: Counter[str] = Counter()
                for each in rows:
                    values[each.currency] += each.value
                assert +Counter(dict(total.values)) == +values, f"the values of {code}"
            for band in shown.bands:
                if band.counted.value in {"titles", "volumes"}:
                    name = band.counted.value
                    signed = [
                        getattr(each, name) * (1 if each.direction == "SENT" else -1)
                        for each in mine
                    ]
                    assert band.difference == sum(signed), f"{code} by {name}"

    def statistics_are_the_sums_of_the_entries(self, found: Travelling) -> None:
        sums = tuple(
            sum(getattr(each, name) for each in found.entries if each.direction == direction)
            for direction in ("SENT", "RECEIVED")
            for name in ("titles", "volumes")
        )
        now = self.site.now()
        for name in ("years", "partners", "places"):
            rows = reporting.table(self.db, name, None, now).rows
            told = tuple(sum(int(row[n] or 0) for row in rows) for n in range(-4, 0))
            assert told == sums, f"the table of {name}"
        regions = reporting.table(self.db, "regions", None, now).rows
        assert not regions or regions[-1][-4:] == sums, "the table of regions"

    def presumed_is_never_counted_as_confirmed(self, found: Travelling) -> None:
        years = {each.dispatched_on.year for each in found.consignments if each.dispatched_on}
        for year in years:
            rows = reporting.table(self.db, "operations", year, self.site.now()).rows
            told = {row[0]: row[1] for row in rows}
            of_year = [
                each
                for each in found.consignments
                if each.dispatched_on and each.dispatched_on.year == year
            ]
            confirmed = {each.consignment_id for each in found.receipts}
            wanted = sum(each.id in confirmed for each in of_year)
            assert told["receipts confirmed"] == wanted, "presumed is not confirmed"
            presumed = sum(each.state == "PRESUMED_RECEIVED" for each in of_year)
            assert told["presumed received, not confirmed"] == presumed


class Due(NamedTuple):
    """What should stand in the ledger of an event; titles None where another event has them."""

    whose: str
    figures: Figures
    titles: int | None
    place: str = ""


def _due(found: Travelling) -> dict[tuple[str, str], Due]:
    """Return what every event that there was should come to in the ledger, 0 if it was undone."""
    due: dict[tuple[str, str], Due] = {}
    again = {each.resent_id for each in found.claims if each.resent_id}
    by_row = {each.id: each for each in found.consignments}
    for each in found.consignments:
        whose = found.partners[each.partner_id]
        came_back = each.state == "RETURNED"
        # What came back let its lines go; all that was packed had left.
        lines = [
            line
            for line in found.lines
            if line.consignment_id == each.id and (line.packed if came_back else not line.released)
        ]
        volumes = sum(line.copies * line.volumes for line in lines)
        value = sum(line.copies * (line.value or 0) for line in lines)
        titles = len({line.version_id or line.title for line in lines})
        left = each.state in _SENT or each.state in {"RETURNED", "LOST"}
        off = left and each.state not in _SENT
        known = None if each.id in again else titles
        due["DISPATCH", each.public_id] = (
            Due(whose, Figures(volumes, value), known) if left else Due(whose, Figures(), 0)
        )
        due["RETURN", each.public_id] = (
            Due(whose, Figures(-volumes, -value), known and -known)
            if off
            else Due(whose, Figures(), 0)
        )
    for claim in found.claims:
        off = claim.resolution in {"RESENT", "CREDITED"} and claim.position is not None
        sent = by_row.get(claim.consignment_id)
        figures = Figures()
        if off and sent is not None and sent.state in _CONFIRMED:
            (line,) = (
                line
                for line in found.lines
                if (line.consignment_id, line.position) == (sent.id, claim.position)
            )
            figures = Figures(-claim.copies * line.volumes, -claim.copies * (line.value or 0))
        due["RETURN", claim.public_id] = Due(found.partners[claim.partner_id], figures, None)
    for gift in found.incoming:
        accepted = [
            piece
            for piece in found.pieces
            if piece.incoming_gift_id == gift.id
            and piece.decision == "ACCEPTED"
            and gift.state in _COUNTED
        ]
        volumes = sum((each.received - each.damaged) * each.volumes for each in accepted)
        due["ACCESSION", gift.public_id] = Due(
            found.partners[gift.partner_id], Figures(volumes), len(accepted)
        )
    return due
