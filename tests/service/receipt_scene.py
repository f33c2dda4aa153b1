"""A consignment on its way to a partner, and what was said of it since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from service.domain.claim import Claim
from service.domain.consignment import Consignment, NewLine, Service
from service.domain.partner import Partner
from service.domain.receipt import Arrival, Said
from service.store import partners
from service.store.tables import announcement, audit_entry, ledger_entry
from service.usecases import claiming, dispatching, packing, receiving
from service.usecases.receiving import Slip
from service.usecases.site import Site
from tests.service.builders import HandClock, a_partner
from tests.service.consignment_scene import HANA, closed

DAY = 86_400.0
BOOKS = (NewLine("Snow country", 2, 1, value=1_000, currency="JPY"), NewLine("A set", 1, 3))


def the_partner(site: Site, code: str = "nagasaki") -> Partner:
    """Return a partner, entered if it is not there."""
    with site.db.read() as conn:
        found = partners.by_codes(conn, [code]).get(code)
        if found is not None:
            return partners.by_id(conn, found)
    return a_partner(site, code)


def packed(
    site: Site,
    lines: Sequence[NewLine] = BOOKS,
    code: str = "nagasaki",
    service: Service = Service.SURFACE,
) -> Consignment:
    """Pack a consignment of lines that no list offered."""
    who = the_partner(site, code)
    with site.db.write() as conn:
        name = packing.make(conn, who.id, lines, service=service, by=HANA, now=site.now())
    packing.change(site.db, name, {"address_roman": "1 Road"}, by=HANA, now=site.now())
    return closed(site, name)


def sent(
    site: Site,
    lines: Sequence[NewLine] = BOOKS,
    code: str = "nagasaki",
    service: Service = Service.SURFACE,
) -> Consignment:
    """Dispatch a consignment of lines that no list offered."""
    return leave(site, packed(site, lines, code, service).number)


def leave(site: Site, name: str) -> Consignment:
    """Dispatch a packed consignment."""
    return dispatching.dispatch(site.db, name, by=HANA, now=site.now())


def token(site: Site, found: Consignment) -> str:
    """Return what the link on a packing slip ends in."""
    return receiving.token(site.settings, found.public_id)


def confirm(site: Site, found: Consignment, *lines: Arrival, **more: Any) -> Slip:
    """Say by the link what arrived; without lines, everything."""
    said = Said(lines, **more)
    return receiving.confirm_by_link(
        site.db, site.settings, token(site, found), said, site.now()
    ).slip


def correct(site: Site, found: Consignment, *lines: Arrival, reason: str = "a letter came") -> Slip:
    """Correct a receipt as the staff does."""
    return receiving.correct(
        site.db, found.number, Said(lines), reason=reason, by=HANA, now=site.now()
    )


def claims_on(site: Site, found: Consignment) -> list[Claim]:
    """Return the claims on a consignment in the order of their opening."""
    return receiving.find(site.db, found.number).claims


def told(site: Site, *events: str) -> list[str]:
    """Return the kinds of what partners were told, in order; of these events alone if named."""
    with site.db.read() as conn:
        rows = conn.execute(sa.select(announcement.c.event).order_by(announcement.c.id)).scalars()
        return [each for each in rows if not events or each in events]


def logged(site: Site, kind: str) -> list[tuple[str, str, str]]:
    """Return (who, what, why) of a kind of thing in the audit log, in order."""
    with site.db.read() as conn:
        entry = audit_entry.c
        rows = conn.execute(
            sa.select(entry.actor, entry.action, entry.reason)
            .where(entry.kind == kind)
            .order_by(entry.id)
        )
        return [tuple(row) for row in rows]


def balance(site: Site) -> tuple[int, int, int]:
    """Return what all entries of the ledger come to: titles, volumes, value."""
    entry = ledger_entry.c
    with site.db.read() as conn:
        row = conn.execute(
            sa.select(
                sa.func.sum(entry.titles), sa.func.sum(entry.volumes), sa.func.sum(entry.value)
            )
        ).one()
    return (row[0] or 0, row[1] or 0, int(row[2] or 0))


def days_pass(site: Site, days: int) -> None:
    """Let time pass."""
    assert isinstance(site.clock, HandClock)
    site.clock.move(timedelta(days=days).total_seconds())


def a_claim(site: Site, found: Consignment) -> Claim:
    """Let a partner confirm that a copy of the first line is missing; return the claim."""
    confirm(site, found, Arrival(1, 1))
    (made,) = claims_on(site, found)
    return claiming.find(site.db, made.public_id)
