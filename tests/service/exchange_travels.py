"""What staff, partners and worker do with books that travel, in any order.

What was allocated, chosen as a gift or sent again is packed, dispatched, corrected, confirmed,
claimed and settled; what partners give us is announced, checked piece by piece, accessioned and
corrected. Each act names something by a number, of what is in the states that let it, and of
anything at 9, so that refusals are met as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from service import worker
from service.domain.accession import Decision
from service.domain.claim import ClaimReason, Resolution
from service.domain.consignment import ConsignmentState, Line, Service
from service.domain.gift import GiftAction
from service.domain.partner import Partner
from service.domain.receipt import Arrival, Said
from service.store.db import Database
from service.usecases import (
    accessioning,
    announcing_gifts,
    checking_pieces,
    claiming,
    dispatching,
    filling_gifts,
    packing,
    parcelling,
    presenting,
    receiving,
    settling,
)
from service.usecases.accessioning import Corrected
from service.usecases.filling_gifts import Chosen
from service.usecases.site import Site
from tests.service.builders import HandClock
from tests.service.exchange_scene import STAFF

ON_ITS_WAY = ("DISPATCHED", "IN_CUSTOMS", "DELIVERED")
RECEIVABLE = (*ON_ITS_WAY, "PRESUMED_RECEIVED")
CONFIRMED = ("RECEIVED_COMPLETE", "RECEIVED_SHORT", "RECEIVED_DAMAGED")
PENDING = ("OPEN", "SENT", "ANSWERED")
COUNTED = ("CHECKED", "ACCEPTED", "DECLINED", "CATALOGUED", "DISPLAYED")
GIFT_ACTIONS = (GiftAction.SUBMIT, GiftAction.APPROVE, GiftAction.REJECT, GiftAction.REVISE)


class Travels:
    """The acts; whoever takes part has ``seen`` what there is, and counts acts with ``act``."""

    db: Database
    site: Site
    clock: HandClock
    seen: dict[tuple[str, object], str]
    partners: dict[str, Partner]

    def act(self, name: str) -> AbstractContextManager[None]:
        raise NotImplementedError

    def offer(self, number: int) -> str:
        raise NotImplementedError

    def one(self, kind: str, number: int, *states: str) -> str:
        """Return the public id of something in one of these states; of anything at 9."""
        every = [(str(name), state) for (what, name), state in self.seen.items() if what == kind]
        fitting = [name for name, state in every if number == 9 or state in states]
        return fitting[number % len(fitting)] if fitting else "nothing"

    def _by(self) -> dict[str, Any]:
        return {"by": STAFF, "now": self.site.now()}

    # --- packed and dispatched ------------------------------------------------------------------

    def staff_makes_a_consignment(self, code: str) -> None:
        with self.act("make"):
            packing.make_for(self.db, code, service=Service.AIR, **self._by())

    def staff_adds_what_waits(self, pick: int) -> None:
        with self.act("add what waits"):
            packing.add_waiting(self.db, self.one("consignment", pick, "DRAFT"), **self._by())

    def staff_takes_a_line_out(self, pick: int, line: int) -> None:
        with self.act("take a line out"):
            name = self.one("consignment", pick, "DRAFT")
            packing.take_out(self.db, name, [line], **self._by())

    def staff_packs(self, pick: int) -> None:
        with self.act("pack"):
            name = self.one("consignment", pick, "DRAFT")
            parcelling.tick(self.db, name, None, **self._by())
            packing.pack(self.db, name, **self._by())

    def staff_unpacks_or_cancels(self, pick: int, cancels: bool) -> None:
        with self.act("unpack"):
            name = self.one("consignment", pick, *(["DRAFT"] if cancels else ["PACKED"]))
            (packing.cancel if cancels else packing.unpack)(self.db, name, **self._by())

    def staff_dispatches(self, pick: int) -> None:
        with self.act("dispatch"):
            name = self.one("consignment", pick, "PACKED")
            dispatching.dispatch(self.db, name, **self._by())

    def staff_corrects_a_dispatch(self, pick: int, line: int, retract: bool) -> None:
        """Line 0 is all of them."""
        with self.act("correct a dispatch"):
            name = self.one("consignment", pick, *ON_ITS_WAY)
            dispatching.correct(
                self.db,
                name,
                [line] if line else None,
                reason="It stands in the hall",
                retract=retract,
                **self._by(),
            )

    def it_comes_back_or_is_lost(self, pick: int, lost: bool) -> None:
        with self.act("lost" if lost else "come back"):
            name = self.one("consignment", pick, *RECEIVABLE)
            ends = dispatching.lose if lost else dispatching.come_back
            ends(self.db, name, reason="The carrier says so", **self._by())

    # --- received, claimed, settled -----------------------------------------------------------

    def a_receipt_comes(self, pick: int, how: Sequence[int], by: str) -> None:
        name = self.one("consignment", pick, *RECEIVABLE)
        with self.act(f"receipt by {by}"):
            said = self._said(name, how)
            now = self.site.now()
            if by == "link":
                settings = self.site.settings
                token = receiving.token(settings, name)
                receiving.confirm_by_link(self.db, settings, token, said, now)
                return
            found = packing.find(self.db, name).consignment
            partner = self.partners[found.partner] if by == "partner" else None
            receiving.receive(
                self.db, name, said, partner=partner, reason="A letter", by=STAFF, now=now
            )

    def staff_corrects_a_receipt(self, pick: int, how: Sequence[int]) -> None:
        name = self.one("consignment", pick, *CONFIRMED)
        with self.act("correct a receipt"):
            said = self._said(name, how)
            receiving.correct(self.db, name, said, reason="They looked again", **self._by())

    def _said(self, name: str, how: Sequence[int]) -> Said:
        """Return what arrived line by line: 0 whole, 1 a copy short, 2 one damaged, 3 both."""
        lines = packing.find(self.db, name).lines
        told = zip(lines, how, strict=False)
        return Said(tuple(_arrival(line, each) for line, each in told if each))

    def months_pass(self) -> None:
        self.clock.move(timedelta(days=95).total_seconds())
        with self.act("months pass"):
            worker.turn(self.site)
        if packing.list_consignments(self.db, states=[ConsignmentState.PRESUMED_RECEIVED]):
            with self.act("presume"):
                pass

    def a_partner_claims(self, pick: int, line: int) -> None:
        """Line 0: that nothing arrived."""
        name = self.one("consignment", pick, *RECEIVABLE, *CONFIRMED)
        with self.act("claim"):
            claiming.open_on_consignment(
                self.db,
                name,
                ClaimReason.SHORT if line else ClaimReason.NOT_ARRIVED,
                position=line or None,
                copies=1 if line else None,
                **self._by(),
            )

    def staff_settles_a_claim(self, pick: int, how: Resolution) -> None:
        with self.act(f"settle {how}"):
            name = self.one("claim", pick, *PENDING)
            text = "It is too late" if how is Resolution.WRITTEN_OFF else ""
            settling.resolve(self.db, name, how, text=text, **self._by())

    def staff_reopens_a_claim(self, pick: int) -> None:
        with self.act("reopen"):
            name = self.one("claim", pick, "RESOLVED", "CLOSED_UNRESOLVED")
            settling.reopen(self.db, name, "It was another one", **self._by())

    # --- direct gifts -----------------------------------------------------------------------------

    def staff_proposes_a_gift(self, code: str, number: int, copies: int, cost: int | None) -> None:
        with self.act("propose"):
            given = {"title": "A gift", "currency": "KRW"}
            found = presenting.draft(self.db, code, given, **self._by())
            # Of the list that everybody may know of: the records of others bear its name.
            offers = [self.offer(each % 3) for each in (number, number + 1)]
            chosen = Chosen(offers=offers, copies=copies, cost=cost)
            filling_gifts.add(self.db, found.public_id, chosen, **self._by())
            presenting.submit(self.db, found.public_id, **self._by())

    def a_gift_goes_on(self, pick: int, action: GiftAction) -> None:
        with self.act(f"gift: {action}"):
            if action is GiftAction.APPROVE:
                name = self.one("gift", pick, "SUBMITTED")
                presenting.approve(self.db, name, "KIM Minji", **self._by())
            elif action is GiftAction.REJECT:
                name = self.one("gift", pick, "SUBMITTED")
                presenting.reject(self.db, name, reason="Too dear", **self._by())
            elif action is GiftAction.REVISE:
                presenting.revise(self.db, self.one("gift", pick, "REJECTED"), **self._by())
            else:
                presenting.submit(self.db, self.one("gift", pick, "DRAFT"), **self._by())

    def staff_packs_a_gift(self, pick: int) -> None:
        with self.act("gift: pack"):
            name = self.one("gift", pick, "APPROVED")
            presenting.pack(self.db, name, service=Service.AIR, **self._by())

    # --- what partners give us --------------------------------------------------------------------

    def a_partner_announces(self, code: str, copies: int, volumes: int) -> None:
        with self.act("announce"):
            found = announcing_gifts.announce(
                self.db, code, {"title": "Books for you"}, **self._by()
            )
            for title in ("A set", "A book"):
                given = {"title": title, "copies": copies, "volumes": volumes}
                checking_pieces.add_piece(self.db, found.public_id, given, **self._by())

    def a_gift_comes(self, pick: int) -> None:
        with self.act("come"):
            name = self.one("incoming", pick, "ANNOUNCED")
            accessioning.receive(self.db, name, self.site.now().date(), **self._by())

    def staff_checks_the_pieces(self, pick: int, how: Sequence[int], claims: bool) -> None:
        """Count and decide piece by piece: 0 accepted, 1 a copy damaged, 2 declined, 3 missing."""
        name = self.one("incoming", pick, "RECEIVED")
        with self.act("check pieces"):
            pieces = checking_pieces.list_pieces(self.db, name)
            for line, each in zip(pieces, how, strict=False):
                came, damaged = (0 if each == 3 else line.announced), int(each == 1)
                checking_pieces.count(
                    self.db, name, line.position, came, min(damaged, came), **self._by()
                )
                if each == 2 or (came and came == damaged):
                    checking_pieces.decline(
                        self.db, name, [line.position], reason="unwanted", **self._by()
                    )
            checking_pieces.accept(self.db, name, **self._by())
            accessioning.check(self.db, name, claim=claims, **self._by())

    def staff_numbers_a_gift(self, pick: int) -> None:
        with self.act("accession"):
            accessioning.give_numbers(self.db, self.one("incoming", pick, "CHECKED"), **self._by())

    def staff_corrects_a_piece(self, pick: int, piece: int, how: int) -> None:
        """Declined, one copy and accepted, nothing of it came, or of another number of volumes."""
        right = (
            Corrected(decision=Decision.DECLINED, reason="mould"),
            Corrected(1, 0, decision=Decision.ACCEPTED),
            Corrected(0, 0),
            Corrected(volumes=7),
        )[how % 4]
        with self.act("correct a piece"):
            name = self.one("incoming", pick, *COUNTED)
            accessioning.correct(self.db, name, piece, right, why="Counted again", **self._by())


def _arrival(line: Line, how: int) -> Arrival:
    arrived = line.copies - (how in {1, 3})
    return Arrival(line.position, arrived, min(arrived, int(how in {2, 3})))
