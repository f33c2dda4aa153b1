"""What must hold of an exchange after every act, whoever did it; and what partners are shown.

No copy twice, no set split, no state skipped, no reason missing, no private list told of, and
nobody beyond what it may get. The tables are read as they are, with nothing of the store between.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from oai.repository import Selection
from service.domain.agreement import TRANSITIONS as AGREEMENT_MOVES
from service.domain.allocation import HOLDING
from service.domain.allocation import TRANSITIONS as ALLOCATION_MOVES
from service.domain.audience import PUBLIC
from service.domain.offer import TRANSITIONS as LIST_MOVES
from service.domain.partner import Partner, PartnerState
from service.domain.wish import TRANSITIONS as WISH_MOVES
from service.store import allocation_inputs as inputs
from service.store import audiences, audit_log, tables
from service.store.db import Connection, Database
from service.usecases import accepting, membership, notifying, offering, wishing
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from tests.service.exchange_scene import (
    BOUND,
    LISTS,
    NEAR,
    PARTNERS,
    PER_LIST,
    SMALL,
    SUSPENDED,
    TOLERATED,
)
from tests.service.travel_guarantees import MOVES as TRAVEL_MOVES
from tests.service.travel_guarantees import TravelGuarantees, Travelling, pairs

_ALLOCATIONS = pairs(ALLOCATION_MOVES)
# A copy that is passed on and asked about takes two steps in one act.
_ALLOCATIONS |= {(a, d) for a, b in _ALLOCATIONS for c, d in _ALLOCATIONS if b == c}
MOVES: Mapping[str, set[tuple[str, str]]] = {
    "list": pairs(LIST_MOVES),
    "wish": pairs(WISH_MOVES),
    "allocation": _ALLOCATIONS,
    **TRAVEL_MOVES,
}
_AGREEMENTS = pairs(AGREEMENT_MOVES)
_SHOWN = {"OPEN", "CLOSED", "ALLOCATED", "ARCHIVED"}
LIVE = sorted(state.value for state in HOLDING)


class Guarantees(TravelGuarantees):
    """Looks at an exchange again and again, and remembers what it saw.

    ``seen``: the states of lists, wishes and allocations; ``known``: the lists that each partner
    may have heard of; ``marks``: the words by which each list would be known.
    """

    db: Database
    site: Site
    partners: dict[str, Partner]
    agreement: str
    suspended: set[str]

    def begin_to_look(self) -> None:
        """Look for the first time."""
        self.seen: dict[tuple[str, object], str] = {}
        self.volumes: dict[int, int] = {}
        self.known: dict[str, set[str]] = {code: set() for code in PARTNERS}
        self.opened: set[str] = set()
        self.gifts = 0
        self.evened = 0
        self.told: dict[tuple[int, int], list[str]] = {}
        self.unasked: set[tuple[str, int, str]] = set()
        self.look_once()

    def look_once(self) -> None:
        """Look at everything that must hold."""
        with self.db.read() as conn:
            found, travelling = Found(conn), Travelling(conn)
            self.lists = found.lists
            self.runs = {(row.slug, row.state) for row in found.allocations}
            self.no_copy_is_given_twice(found)
            self.no_set_is_split(found)
            self.look_at_what_travels(travelling)
            waits = inputs.volumes_undispatched(conn)
            assert waits == travelling.undispatched(), "what was given and is to leave still"
            self.nobody_gets_more_than_it_may(conn, found, travelling)
            self.no_state_is_skipped(conn, found, travelling)
            self.no_reason_is_missing(found)
            self.no_private_list_is_told_of(found)

    def no_copy_is_given_twice(self, found: Found) -> None:
        for each in found.offers:
            rows = [row for row in found.allocations if row.offer_id == each.id]
            planned = sum(row.given for row in rows if row.state == "PROPOSED")
            assert each.allocated + planned <= each.copies, "no more is planned than there is"
            held = sum(row.given for row in rows if row.state in LIVE)
            assert held == each.allocated, "what is held is what was taken"
            given = sum(row.copies for row in found.gifts if row.offer_id == each.id)
            entered = sum(row.given for row in rows if row.state in LIVE and row.transfer)
            assert given == entered <= each.copies, "each copy is one gift"

    def no_set_is_split(self, found: Found) -> None:
        volumes = {each.id: each.volumes for each in found.offers}
        for gift in found.gifts:
            assert (
                self.volumes.setdefault(gift.offer_id, volumes[gift.offer_id])
                == (volumes[gift.offer_id])
            ), "a set that was given is what it was"
        names = {each.transfer: each for each in found.allocations if each.transfer}
        for gift in found.gifts:
            assert gift.copies == names[gift.public_id].given, "whole copies, and all of them"

    def nobody_gets_more_than_it_may(
        self, conn: Connection, found: Found, travelling: Travelling
    ) -> None:
        ended = {entry.after["state"] for entry in self.entries(conn) if entry.after}
        volumes = {each.id: each.volumes for each in found.offers}
        pieces: Counter[object] = Counter()
        for row in found.allocations:
            if row.state in LIVE:
                pieces[row.code] += row.given * volumes[row.offer_id]
                pieces[row.code, row.slug] += row.given
        # What it gave us, and what we sent in vain, makes room for as much.
        self.evened = max(self.evened, travelling.evened(BOUND))
        assert ended & {"EXPIRED"} or pieces[BOUND] <= TOLERATED + self.evened
        for slug in found.lists:
            assert pieces[SMALL, slug] <= PER_LIST
        gifts = sum(1 for gift in found.gifts if gift.code == SUSPENDED)
        assert gifts <= self.gifts or not self.suspended, "nothing goes to who is suspended"
        self.gifts = gifts

    def no_state_is_skipped(self, conn: Connection, found: Found, travelling: Travelling) -> None:
        states: dict[tuple[str, object], str] = {
            ("list", slug): state for slug, state in found.lists.items()
        }
        states |= {("wish", (row.wish_list, row.line_no)): row.state for row in found.wishes}
        states |= {("allocation", (row.run, row.position)): row.state for row in found.allocations}
        states |= travelling.states()
        for key, state in states.items():
            before = self.seen.get(key, "PROPOSED" if key[0] == "allocation" else state)
            assert before == state or (before, state) in MOVES[key[0]], (key, before, state)
        self.seen = states  # what a plan no longer has begins anew
        state = "PROPOSED"
        for entry in self.entries(conn)[1:]:
            assert entry.after is not None
            assert (state, entry.after["state"]) in _AGREEMENTS
            state = entry.after["state"]

    def entries(self, conn: Connection) -> list[Any]:
        """Return what became of the agreement, in its order."""
        return audit_log.listed(conn, kind="agreement", name=self.agreement, limit=100)[::-1]

    def no_reason_is_missing(self, found: Found) -> None:
        wishes = {(row.wish_list_id, row.line_no): row for row in found.wishes}
        for each in (*found.wishes, *found.allocations):
            assert each.reason.strip().endswith((".", "?")), "a reason is a sentence"
        for row in found.allocations:
            asked_for = wishes[row.wish_list_id, row.line_no]
            said = self.told.setdefault((row.wish_list_id, row.line_no), [])
            if asked_for.reason not in said:
                said.append(asked_for.reason)
            # Who gets nothing is told at the end of a run, which a worker comes to if nobody else.
            if row.state in {"PROPOSED", "CANCELLED"} or row.finished_at is None:
                continue
            # It heard so then, whatever it was answered since. A wish that was for something else
            # by the time of the decision, or was taken back, hears of that and not of this.
            heard = any(row.reason in each for each in said)
            decision = (row.run, row.position, row.reason)
            if not heard and decision not in self.unasked:
                asks = asked_for.offer == row.offer and asked_for.state not in _GONE
                told = f"{row.state} as {row.reason!r}, and was told {asked_for.reason!r}"
                assert not asks, f"every wish learns what became of it: {told}"
                self.unasked.add(decision)

    def no_private_list_is_told_of(self, found: Found) -> None:
        self.shown_lists(found)
        self.marks = {
            slug: {slug, *(each.public_id for each in found.offers if each.slug == slug)}
            for slug in found.lists
        }
        told: dict[str, list[str]] = {code: [] for code in PARTNERS}
        for row in found.wishes:
            told[row.code] += [row.reason, row.offer or ""]
        for decided in found.allocations:
            told[decided.code] += [decided.reason, decided.offer]
        for each in found.announcements:
            told[each.code].append(json.dumps(each.body))
        for code, texts in told.items():
            text = "\n".join(texts)
            for slug, word in self.not_for(code):
                assert word not in text, f"{code} is told of {slug}: {text}"

    def shown_lists(self, found: Found) -> None:
        """Note which lists each partner may know of from now on, whatever becomes of them."""
        members = {"public": {*PARTNERS}, "near": NEAR}
        members |= {f"list:{slug}": {slug[-3:]} for slug in LISTS if slug.startswith("canary")}
        members["list:new"] = {"bela"}
        self.opened |= {slug for slug, state in found.lists.items() if state in _SHOWN}
        for slug, audience in found.open_to:
            if slug in self.opened:
                reached = members[audience]
                for code in reached if audience == "public" else reached - self.suspended:
                    self.known[code].add(slug)

    def not_for(self, code: str) -> list[tuple[str, str]]:
        """Return (list, word): the names and ids of all that a partner may know nothing of."""
        return [
            (slug, word)
            for slug, words in self.marks.items()
            if slug not in self.known[code]
            for word in sorted(words)
            if word not in {"new", "spring"}  # words that stand for other things as well
        ]

    # --- what partners are shown --------------------------------------------------------------

    def shown(self, code: str) -> Iterator[str]:
        """Yield all that a partner is shown by any door; of its lists not what itself wrote."""
        partner = membership.find_partner(self.db, code)
        with self.db.read() as conn:
            belongs = audiences.standing(conn, partner.id or 0)
        if partner.state is PartnerState.SUSPENDED:
            belongs = frozenset({PUBLIC})
        for listed in wishing.list_wish_lists(self.db, partner, "", 100):
            kept = wishing.show(self.db, listed.public_id, partner)
            yield from (f"{line.reason} {line.offer}" for line in kept.lines)
            yield from (body.decode() for body in wishing.records(self.db, kept, belongs))
        for told in notifying.announcements(self.db, partner, "", 1000):
            yield json.dumps(told.body)
        for decided in accepting.list_own(self.db, partner):
            yield f"{decided.reason} {decided.title} {decided.offer}"
        for each in offering.browse(self.db, belongs, limit=100):
            yield f"{each.title} {each.list_slug} {each.public_id}"
        for shown in offering.list_lists(self.db, belongs):
            yield f"{shown.offer_list.slug} {shown.offer_list.title}"
        reader = None if partner.state is PartnerState.SUSPENDED else partner
        repository = FeedRepository(
            self.db, self.site.settings, self.site.clock, reader, signed_in=True
        )
        page = repository.page(Selection("oai_dc"), None, with_metadata=True)
        for row in page.rows:
            yield f"{row.identifier} {(row.metadata or b'').decode()} {row.sets}"

    # --- the parts ----------------------------------------------------------------------------


_GONE = {"REPLACED", "WITHDRAWN"}


class Found:
    """What the tables hold at one moment."""

    def __init__(self, conn: Connection) -> None:
        t = tables
        self.lists: dict[str, str] = {
            row.slug: row.state
            for row in conn.execute(sa.select(t.offer_list.c.slug, t.offer_list.c.state))
        }
        self.offers = conn.execute(sa.select(t.offer, t.offer_list.c.slug).join(t.offer_list)).all()
        self.wishes = conn.execute(
            sa.select(
                t.wish.c.wish_list_id, t.wish.c.line_no, t.wish.c.state, t.wish.c.outcome,
                t.wish.c.reason, t.partner.c.code, t.offer.c.public_id.label("offer"),
                t.wish_list.c.public_id.label("wish_list"),
            )
            .join(t.wish_list, t.wish_list.c.id == t.wish.c.wish_list_id)
            .join(t.partner, t.partner.c.id == t.wish.c.partner_id)
            .outerjoin(t.offer, t.offer.c.id == t.wish.c.offer_id)
            .order_by(t.wish.c.wish_list_id, t.wish.c.line_no)
        ).all()  # fmt: skip
        self.allocations = conn.execute(
            sa.select(
                t.allocation, t.partner.c.code, t.offer_list.c.slug,
                t.offer.c.public_id.label("offer"), t.allocation_run.c.public_id.label("run"),
                t.allocation_run.c.finished_at,
            )
            .join(t.allocation_run, t.allocation_run.c.id == t.allocation.c.run_id)
            .join(t.partner, t.partner.c.id == t.allocation.c.partner_id)
            .join(t.offer, t.offer.c.id == t.allocation.c.offer_id)
            .join(t.offer_list, t.offer_list.c.id == t.offer.c.list_id)
        ).all()  # fmt: skip
        self.gifts = conn.execute(
            sa.select(t.transfer, t.partner.c.code)
            .join(t.partner, t.partner.c.id == t.transfer.c.partner_id)
            .where(t.transfer.c.state == "GIVEN", t.transfer.c.offer_id.is_not(None))
        ).all()
        self.announcements = conn.execute(
            sa.select(t.announcement.c.body, t.partner.c.code).join(
                t.partner, t.partner.c.id == t.announcement.c.partner_id
            )
        ).all()
        own = sa.select(t.offer_list.c.slug, t.audience.c.code).join(
            t.audience, t.audience.c.id == t.offer_list.c.audience_id
        )
        later = (
            sa.select(t.offer_list.c.slug, t.audience.c.code)
            .join(t.offer_list_tier, t.offer_list_tier.c.list_id == t.offer_list.c.id)
            .join(t.audience, t.audience.c.id == t.offer_list_tier.c.audience_id)
            .where(t.offer_list_tier.c.opened_at.is_not(None))
        )
        self.open_to = [(row[0], row[1]) for row in conn.execute(sa.union_all(own, later))]
