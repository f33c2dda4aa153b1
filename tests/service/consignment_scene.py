"""A partner with an address to whom titles were allocated, and what became of them since."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from service.domain.consignment import Consignment, NewLine
from service.domain.transfer import Given, TransferKind
from service.store import consignments
from service.store.tables import (
    consignment_line,
    ledger_entry,
    ledger_total,
    offer,
    partner,
    transfer,
)
from service.usecases import giving, packing, parcelling
from service.usecases.packing import Contents
from service.usecases.site import Site
from tests.service.allocation_scene import Scene, a_scene

HANA = "staff:hana"
ADDRESS = "1 Harbour Road\nNagasaki\nJAPAN"


def allocated(
    site: Site, *titles: str, code: str = "nagasaki", copies: int = 1, volumes: int = 1
) -> Scene:
    """Let titles be allocated to a partner that has an address."""
    scene = a_scene(site)
    scene.titles(*titles, copies=copies, volumes=volumes)
    scene.partner(code, address_roman=ADDRESS, place="JP", city="Nagasaki")
    scene.wish(code, *titles, quantity=copies)
    scene.plan()
    scene.confirm()
    return scene


def given(
    site: Site, *titles: str, code: str = "nagasaki", copies: int = 1, volumes: int = 1
) -> Scene:
    """Do as ``allocated``, by a shorter way: nobody wished for what the partner is given."""
    scene = a_scene(site)
    scene.titles(*titles, copies=copies, volumes=volumes)
    who = scene.partner(code, address_roman=ADDRESS, place="JP", city="Nagasaki")
    with site.db.write() as conn:
        query = sa.select(offer.c.id, offer.c.pinned_version_id).where(
            offer.c.id.in_([scene.offers[title] for title in titles])
        )
        items = [Given(row[0], row[1], copies) for row in conn.execute(query.order_by(offer.c.id))]
        giving.give(conn, who.id, items, site.now())
    return scene


def made(site: Site, code: str = "nagasaki") -> Consignment:
    """Make a consignment of what waits for a partner."""
    return packing.make_for(site.db, code, by=HANA, now=site.now())


def packed(site: Site, code: str = "nagasaki") -> Consignment:
    """Make a consignment of what waits, and put all of it into one parcel."""
    return closed(site, made(site, code).number)


def closed(site: Site, name: str) -> Consignment:
    """Put all that is in a consignment into its parcels, and close them."""
    parcelling.tick(site.db, name, None, by=HANA, now=site.now())
    return packing.pack(site.db, name, by=HANA, now=site.now())


def a_gift(site: Site, scene: Scene, *titles: str, code: str = "nagasaki", **more: Any) -> str:
    """Make a consignment of titles that nobody wished for; return its public id."""
    who = scene.partner(code)
    with site.db.write() as conn:
        lines = []
        for title in titles:
            version = conn.execute(
                sa.select(offer.c.pinned_version_id).where(offer.c.id == scene.offers[title])
            ).scalar_one()
            lines.append(NewLine(title, version_id=version, **more))
        return packing.make(
            conn,
            who.id,
            lines,
            kind=TransferKind.GIFT,
            theme="children's books",
            by=HANA,
            now=site.now(),
        )


def seen(site: Site, name: str) -> Contents:
    """Return a consignment with all that is in it."""
    return packing.find(site.db, name)


def titles(site: Site, name: str) -> list[str]:
    """Return the titles in a consignment, in their order."""
    return [line.title for line in seen(site, name).lines]


def states(site: Site, table: sa.Table) -> list[str]:
    """Return the states of the rows of a table, sorted."""
    with site.db.read() as conn:
        return sorted(conn.execute(sa.select(table.c.state)).scalars())


def sent(site: Site) -> list[tuple[Any, ...]]:
    """Return what the sums of the ledger say: (year, kind, currency, titles, volumes, value)."""
    total = ledger_total.c
    with site.db.read() as conn:
        rows = conn.execute(
            sa.select(
                total.year, total.kind, total.currency, total.titles, total.volumes, total.value
            ).order_by(total.year, total.kind, total.currency)
        )
        return [tuple(row) for row in rows]


def entries(site: Site) -> list[tuple[Any, ...]]:
    """Return the entries of the ledger: (event, titles, volumes), in their order."""
    entry = ledger_entry.c
    with site.db.read() as conn:
        rows = conn.execute(sa.select(entry.event, entry.titles, entry.volumes).order_by(entry.id))
        return [tuple(row) for row in rows]


def check(site: Site) -> None:
    """Assert what holds whatever happened: a copy that was given travels at most once.

    What is held or waits are all the copies that are given, and the sums are those of the entries.
    """
    with site.db.read() as conn:
        held = list(
            conn.execute(
                sa.select(consignment_line.c.transfer_id).where(
                    consignment_line.c.released.is_(False),
                    consignment_line.c.transfer_id.is_not(None),
                )
            ).scalars()
        )
        given = set(
            conn.execute(sa.select(transfer.c.id).where(transfer.c.state == "GIVEN")).scalars()
        )
        partners = list(conn.execute(sa.select(partner.c.id)).scalars())
        waiting = [
            line.transfer_id for each in partners for line in consignments.waiting(conn, each)
        ]
        summed = conn.execute(
            sa.select(sa.func.sum(ledger_entry.c.titles), sa.func.sum(ledger_entry.c.volumes))
        ).one()
        totals = conn.execute(
            sa.select(sa.func.sum(ledger_total.c.titles), sa.func.sum(ledger_total.c.volumes))
        ).one()
    assert len(held) == len(set(held)), "a copy is in two consignments"
    assert not set(held) & set(waiting), "a copy waits and travels"
    assert given <= set(held) | set(waiting), "a copy that was given is nowhere"
    assert tuple(summed) == tuple(totals)
