"""What an allocation counts as a balance: the ledger, and what is not in it yet, each once."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from service.domain.agreement import BalanceBasis
from service.domain.ledger import Direction, Entry, Event, Figures
from service.domain.opening_balance import Opening
from service.domain.source import SourceKind
from service.domain.transfer import TransferKind
from service.store import allocation_inputs as inputs
from service.store import ledger
from service.store.tables import (
    accession_line,
    harvested,
    incoming_gift,
    offer_list,
    partner,
)
from service.usecases import carrying_forward, dispatching, merging, offering, weighing
from service.usecases.site import Site
from tests.oai.hostile import Site as Provider
from tests.service.allocation_scene import LIST, a_scene
from tests.service.builders import a_partner
from tests.service.consignment_scene import HANA, allocated, packed
from tests.service.nagasaki import add, harvest


def stands(site: Site, code: str = "nagasaki", slug: str = LIST) -> int:
    """Return the balance with which a partner goes into the allocation of a list."""
    with site.db.read() as conn:
        list_id = conn.execute(
            sa.select(offer_list.c.id).where(offer_list.c.slug == slug)
        ).scalar_one()
        who = conn.execute(sa.select(partner.c.id).where(partner.c.code == code)).scalar_one()
        rules, wishers = inputs.list_rules(conn, list_id), inputs.wishers_by_id(conn, [who])
        return weighing.standings(conn, list_id, rules, wishers, site.now())[who].balance


def opening(site: Site, volumes: int, code: str = "nagasaki", **more: object) -> None:
    """Enter what was sent in an earlier year."""
    given = Opening(
        code, 2014, Direction.SENT, TransferKind.GIFT, Figures(volumes, volumes)
    )._replace(**more)
    carrying_forward.enter(site.db, given, by=HANA, now=site.now())


def test_a_copy_counts_once_from_its_allocation_to_the_ledger_and_back(site: Site) -> None:
    allocated(site, "A", "B", copies=2, volumes=3)
    assert stands(site) == 12
    name = packed(site).number
    assert stands(site) == 12
    dispatching.dispatch(site.db, name, by=HANA, now=site.now())
    assert stands(site) == 12
    dispatching.correct(site.db, name, [1], reason="R", by=HANA, now=site.now())
    assert stands(site) == 12  # one of them waits for another consignment
    dispatching.correct(site.db, name, reason="R", by=HANA, now=site.now())
    assert stands(site) == 12  # all of them wait
    dispatching.dispatch(site.db, name, by=HANA, now=site.now())
    dispatching.come_back(site.db, name, reason="R", by=HANA, now=site.now())
    assert stands(site) == 12  # and can travel again


def test_what_is_lost_on_the_way_counts_no_more(site: Site) -> None:
    allocated(site, "A", copies=2, volumes=3)
    name = packed(site).number
    dispatching.dispatch(site.db, name, by=HANA, now=site.now())
    dispatching.lose(site.db, name, reason="R", by=HANA, now=site.now())
    assert stands(site) == 0


def test_earlier_years_count_for_a_tolerance_both_ways(site: Site) -> None:
    scene = a_scene(site)
    scene.titles("One", "Two")
    scene.agree("nagasaki", basis=BalanceBasis.VOLUME, tolerance=20)
    scene.agree("kaohsiung", basis=BalanceBasis.PIECE, tolerance=20)
    opening(site, 40)
    opening(site, 40, "kaohsiung")
    opening(site, 25, "kaohsiung", direction=Direction.RECEIVED)
    scene.wish("nagasaki", "One")
    scene.wish("kaohsiung", "Two")
    scene.plan()
    assert scene.of("nagasaki").reason == (
        "Not allocated: the agreement tolerates a balance of 20 volumes, and you received "
        "40 volumes more than you gave."
    )
    assert scene.of("kaohsiung").given == 1
    assert (stands(site), stands(site, "kaohsiung")) == (40, 15)


def test_what_an_entry_was_sent_counts_for_the_one_it_was_merged_into(site: Site) -> None:
    scene = a_scene(site)
    scene.partner("nagasaki")
    scene.partner("old")
    opening(site, 7, "old")
    opening(site, 5)
    merging.merge(site.db, "old", "nagasaki", by=HANA, now=site.now())
    assert stands(site) == 12


@pytest.mark.parametrize("accessioned", [0, 2])
def test_what_a_partner_says_it_gave_counts_until_it_is_accessioned_and_then_as_that(
    harvesting_site: Site, provider: tuple[Provider, str], accessioned: int
) -> None:
    site = harvesting_site
    a_partner(site, "other")
    add(site, provider[1], kind=SourceKind.GIVEN)
    harvest(site)
    offering.create_list(site.db, slug=LIST, title="List", now=site.now())
    assert stands(site) == -9
    with site.db.write() as conn:
        who = conn.execute(sa.select(partner.c.id).where(partner.c.code == "nagasaki")).scalar_one()
        gift = conn.execute(
            incoming_gift.insert()
            .values(
                public_id="G1",
                partner_id=who,
                title="Nine books",
                state="ACCEPTED",
                source="HARVEST",
                announced_at=site.now(),
                created_by=HANA,
            )
            .returning(incoming_gift.c.id)
        ).scalar_one()
        records = conn.execute(sa.select(harvested.c.record_id).limit(2)).scalars().all()
        for position, record_id in enumerate(records, 1):
            conn.execute(
                accession_line.insert().values(
                    incoming_gift_id=gift,
                    position=position,
                    record_id=record_id,
                    title="A book",
                    decision="ACCEPTED",
                )
            )
        if accessioned:
            entry = Entry(
                partner_id=who,
                direction=Direction.RECEIVED,
                kind=TransferKind.GIFT,
                event=Event.ACCESSION,
                event_key="G1",
                on_date=date(2049, 1, 1),
                titles=accessioned,
                volumes=accessioned,
            )
            ledger.write(conn, [entry], by=HANA, now=site.now())
    assert stands(site) == -9
    assert stands(site, "other") == 0
