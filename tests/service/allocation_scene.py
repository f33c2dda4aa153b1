"""A closed list with wishes for its titles, made without the roads that they came by.

Titles, partners and wishes are entered as the tables hold them, so that a test can say at once who
wished for what, and with which outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from marc_mappings.record import Record
from service.domain.agreement import AgreementState, Party, Scope, Terms
from service.domain.allocation import AllocationPolicy, AllocationState
from service.domain.offer import ListAction
from service.domain.partner import Partner
from service.store import agreements, originals, public_ids
from service.store.allocations import Decided
from service.store.db import Connection
from service.store.tables import (
    agreement,
    allocation,
    offer,
    offer_list,
    partner,
    record,
    record_version,
    transfer,
    wish,
    wish_list,
)
from service.usecases import accepting, allocating, confirming, offering, planning
from service.usecases.allocating import Allocated
from service.usecases.site import Site
from tests.service.builders import HandClock, a_file, a_partner

LIST = "spring"
SEED = "2026"


@dataclass
class Scene:
    """A closed list: ``offers`` are its titles by name, ``partners`` its partners by code."""

    site: Site
    offers: dict[str, int] = field(default_factory=dict)
    partners: dict[str, Partner] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)
    original: int = 0

    # --- what there is ----------------------------------------------------------------------------

    def titles(
        self,
        *names: str,
        copies: int = 1,
        volumes: int = 1,
        languages: str = "kor",
        record: Record | None = None,
        slug: str = LIST,
    ) -> None:
        """Offer titles; what ``record`` says of them is read where subjects count."""
        with self.site.db.write() as conn:
            list_id = conn.execute(
                sa.select(offer_list.c.id).where(offer_list.c.slug == slug)
            ).scalar_one()
            for name in names:
                key = self._offer(conn, list_id, name, copies, volumes, languages, record)
                self.offers[name] = key

    def _offer(
        self,
        conn: Connection,
        list_id: int,
        name: str,
        copies: int,
        volumes: int = 1,
        languages: str = "kor",
        what: Record | None = None,
    ) -> int:
        now = self.site.now()
        row = conn.execute(
            record.insert().values(public_id=public_ids.new(), created_at=now).returning(record)
        ).one()
        version = conn.execute(
            record_version.insert()
            .values(
                record_id=row.id,
                canonical=a_file(what) if what else b"",
                digest=name.encode().ljust(32),
                original_id=self.original,
                original_offset=0,
                original_length=0,
                created_at=now,
                title=name,
                title_vernacular="",
                author="",
                author_vernacular="",
                publisher="",
                published="",
                place="KR",
                languages=languages,
                isbns="",
            )
            .returning(record_version.c.id)
        ).scalar_one()
        conn.execute(
            record.update().where(record.c.id == row.id).values(current_version_id=version)
        )
        return int(
            conn.execute(
                offer.insert()
                .values(
                    public_id=public_ids.new(),
                    list_id=list_id,
                    record_id=row.id,
                    pinned_version_id=version,
                    state="OFFERED",
                    copies=copies,
                    volumes=volumes,
                    created_at=now,
                )
                .returning(offer.c.id)
            ).scalar_one()
        )

    def partner(self, code: str, **columns: object) -> Partner:
        """Enter a partner with what the directory says of it."""
        if code not in self.partners:
            self.partners[code] = a_partner(self.site, code)
        if columns:
            self.set(partner, partner.c.code == code, **columns)
        return self.partners[code]

    def agree(self, code: str, **terms: Any) -> None:
        """Let an agreement about books with a partner run."""
        who = self.partner(code)
        known: dict[str, Any] = {
            "title": "Exchange",
            "scope": (Scope.BOOKS,),
            "starts_on": date(2049, 1, 1),
        }
        agreed = Terms(**known | {"parties": (Party(code),)} | terms)
        with self.site.db.write() as conn:
            key = agreements.add(conn, agreed, {code: who.id or 0}, self.site.now())
            this = agreement.c.id == key
            conn.execute(agreement.update().where(this).values(state=AgreementState.ACTIVE.value))

    def received(self, code: str, copies: int) -> None:
        """Let a partner have been given something else, long ago."""
        who = self.partner(code)
        with self.site.db.write() as conn:
            other = conn.execute(
                sa.select(offer_list.c.id).where(offer_list.c.slug == "earlier")
            ).scalar_one()
            offered = self._offer(conn, other, f"earlier {code} {copies}", copies)
            version = conn.execute(
                sa.select(offer.c.pinned_version_id).where(offer.c.id == offered)
            ).scalar_one()
            conn.execute(
                transfer.insert().values(
                    public_id=public_ids.new(),
                    partner_id=who.id,
                    offer_id=offered,
                    version_id=version,
                    copies=copies,
                    state="GIVEN",
                    created_at=self.site.now() - timedelta(days=4000),
                )
            )

    def wish(
        self, code: str, *names: str, quantity: int = 1, outcome: str = "registered"
    ) -> list[int]:
        """Let a partner wish for titles, a moment after the last one; return the line numbers."""
        assert isinstance(self.site.clock, HandClock)
        self.site.clock.move(60)
        who, now = self.partner(code), self.site.now()
        with self.site.db.write() as conn:
            if code not in self.lists:
                self.lists[code] = self._wish_list(conn, who.id, now)
            first = conn.execute(
                sa.select(sa.func.count()).where(wish.c.wish_list_id == self.lists[code])
            ).scalar_one()
            numbers = list(range(first + 1, first + 1 + len(names)))
            conn.execute(
                wish.insert(),
                [
                    {
                        "wish_list_id": self.lists[code],
                        "line_no": number,
                        "partner_id": who.id,
                        "line": name,
                        "outcome": outcome,
                        "reason": "Answered.",
                        "offer_id": self.offers[name],
                        "quantity": quantity,
                        "note": "",
                        "target": f"{outcome}:{self.offers[name]}",
                        "state": "OPEN",
                        "wished_at": now,
                    }
                    for number, name in zip(numbers, names, strict=True)
                ],
            )
        return numbers

    def _wish_list(self, conn: Connection, partner_id: int, now: datetime) -> int:
        values = {
            "public_id": public_ids.new(),
            "partner_id": partner_id,
            "channel": "api",
            "list_key": "",
            "mode": "append",
            "media_type": "text/csv",
            "original_id": self.original,
            "request_digest": b"",
            "received_at": now,
        }
        made = conn.execute(wish_list.insert().values(**values).returning(wish_list.c.id))
        return int(made.scalar_one())

    def set(self, table: sa.Table, which: sa.ColumnElement[bool], **values: object) -> None:
        """Change rows behind everybody's back."""
        with self.site.db.write() as conn:
            conn.execute(table.update().where(which).values(**values))

    def rules(self, **values: object) -> None:
        """Say how the list is allocated."""
        self.set(offer_list, offer_list.c.slug == LIST, **values)

    def withdraw_wish(self, code: str, line_no: int) -> bool:
        """Let a partner take a wish back, as far as it is open; return whether it was."""
        with self.site.db.write() as conn:
            done = conn.execute(
                wish.update()
                .where(
                    wish.c.wish_list_id == self.lists[code],
                    wish.c.line_no == line_no,
                    wish.c.state == "OPEN",
                )
                .values(state="WITHDRAWN")
            )
        return done.rowcount == 1

    # --- what is done -----------------------------------------------------------------------------

    def plan(
        self, policy: AllocationPolicy | None = None, seed: str = SEED, by: str = "staff:hana"
    ) -> list[Decided]:
        """Plan the list; return the decisions."""
        planning.plan(self.site.db, LIST, self.site.now(), policy=policy, seed=seed, by=by)
        return self.decided()

    def confirm(self) -> list[Decided]:
        """Confirm the plan; return the decisions."""
        confirming.confirm(self.site.db, LIST, self.site.now, by="staff:hana")
        return self.decided()

    def shown(self) -> Allocated:
        return allocating.show(self.site.db, LIST)

    def decided(self) -> list[Decided]:
        return list(allocating.all_decisions(self.site.db, self.shown().run))

    def of(self, code: str, title: str = "") -> Decided:
        """Return the one decision on a partner's wish (for a title)."""
        (found,) = (
            each for each in self.decided() if each.partner == code and title in {"", each.title}
        )
        return found

    def decline(self, code: str, title: str = "", reason: str = "") -> Decided:
        """Let a partner decline."""
        name = self.of(code, title).id
        return accepting.decline(
            self.site.db,
            name,
            self.partners[code],
            reason=reason,
            now=self.site.now(),
            by=f"partner:{code}",
        )

    def accept(self, code: str, title: str = "") -> Decided:
        """Let a partner accept."""
        name = self.of(code, title).id
        return accepting.accept(
            self.site.db, name, self.partners[code], now=self.site.now(), by=f"partner:{code}"
        )

    def expire(self) -> int:
        """Let the worker look for answers that did not come."""
        return accepting.expire(self.site.db, self.site.now())

    # --- what must hold ---------------------------------------------------------------------------

    def told(self, code: str) -> Mapping[int, tuple[str, str]]:
        """Return state and reason of the partner's wishes, by line."""
        with self.site.db.read() as conn:
            rows = conn.execute(
                sa.select(wish.c.line_no, wish.c.state, wish.c.reason).where(
                    wish.c.wish_list_id == self.lists[code]
                )
            )
            return {row[0]: (row[1], row[2]) for row in rows}

    def given(self) -> dict[tuple[str, str], int]:
        """Return the copies that transfers of this list say are given, by partner and title."""
        with self.site.db.read() as conn:
            rows = conn.execute(
                sa.select(partner.c.code, record_version.c.title, transfer.c.copies)
                .join(partner, partner.c.id == transfer.c.partner_id)
                .join(record_version, record_version.c.id == transfer.c.version_id)
                .where(transfer.c.state == "GIVEN", transfer.c.offer_id.in_(self.offers.values()))
            )
            return {(row[0], row[1]): row[2] for row in rows}

    def check(self) -> None:
        """Assert what holds whatever happened."""
        with self.site.db.read() as conn:
            offers = conn.execute(sa.select(offer.c.id, offer.c.copies, offer.c.allocated)).all()
            rows: Sequence[sa.Row[tuple[object, ...]]] = conn.execute(sa.select(allocation)).all()
            live = conn.execute(
                sa.select(transfer).where(transfer.c.offer_id.in_(self.offers.values()))
            ).all()
        holding = [row for row in rows if row.state in _HOLDING]
        for each in offers:
            assert 0 <= each.allocated <= each.copies
            if each.id in self.offers.values():
                held = sum(row.given for row in holding if row.offer_id == each.id)
                assert held == each.allocated, "what is held is what was taken"
        given = {row.transfer: row for row in holding if row.state != AllocationState.OFFERED}
        for each in live:
            assert (each.state == "GIVEN") == (each.public_id in given)
            if each.public_id in given:
                assert each.copies == given[each.public_id].given
        assert set(given) == {each.public_id for each in live if each.state == "GIVEN"}
        for row in rows:
            assert row.reason.endswith("."), "every wish has its reason"
            assert 0 <= row.given <= min(row.quantity, row.copies)
            assert (row.state == AllocationState.OFFERED) == (row.answer_until is not None)


_HOLDING = {"CONFIRMED", "OFFERED", "ACCEPTED", "FULFILLED"}


def a_scene(site: Site) -> Scene:
    """Return a closed list without titles, and an earlier one."""
    scene = Scene(site)
    for slug in ("earlier", LIST):
        offering.create_list(site.db, slug=slug, title=slug, now=site.now())
        offering.change_list(site.db, slug, ListAction.OPEN, site.now())
        offering.change_list(site.db, slug, ListAction.CLOSE, site.now())
    with site.db.write() as conn:
        scene.original = originals.begin(conn, site.now())
    return scene
