"""A consignment leaves whole with all that follows, or not at all; what was wrong is corrected."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from marc_mappings import formats, marcxml
from marc_mappings.record import Field, Record, Subfield
from service.domain.accompanying_file import Wanted
from service.domain.consignment import (
    Consignment,
    ConsignmentAction,
    ConsignmentState,
    NewLine,
)
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid, NotFound, Outdated, WrongValues
from service.store.db import Database
from service.store.tables import (
    allocation,
    announcement,
    audit_entry,
    partner,
    record_version,
    transfer,
    wish,
)
from service.usecases import accompanying, dispatching, giving, packing, parcelling
from service.usecases.dispatching import Posting
from service.usecases.site import Site
from tests.service.allocation_scene import a_scene
from tests.service.builders import a_partner, a_record, bring, bring_file, open_list
from tests.service.consignment_scene import (
    ADDRESS,
    HANA,
    a_gift,
    allocated,
    check,
    closed,
    entries,
    made,
    packed,
    seen,
    sent,
    states,
    titles,
)
from tests.service.partner_views import known, listed, publish
from tests.service.partner_views import titles as feed_titles

TRACKED = "RR473124829KR"


def dispatched(site: Site, name: str, **said: Any) -> Consignment:
    """Dispatch a consignment."""
    return dispatching.dispatch(site.db, name, Posting(**said), by=HANA, now=site.now())


def correct(site: Site, name: str, *positions: int, **more: Any) -> Consignment:
    """Correct a dispatch."""
    return dispatching.correct(
        site.db,
        name,
        positions or None,
        reason="the wrong pallet",
        by=HANA,
        now=site.now(),
        **more,
    )


def told(site: Site) -> list[str]:
    """Return the kinds of what partners were told of consignments, in their order."""
    query = sa.select(announcement.c.event).order_by(announcement.c.id)
    with site.db.read() as conn:
        found = conn.execute(query.where(announcement.c.event.like("consignment.%")))
        return list(found.scalars())


def reasons(site: Site) -> list[str]:
    """Return what the wishes say became of them."""
    with site.db.read() as conn:
        return list(conn.execute(sa.select(wish.c.reason)).scalars())


# --- leaving --------------------------------------------------------------------------------------


def test_all_that_follows_from_a_dispatch_is_there(site: Site) -> None:
    scene = allocated(site, "A", "B", copies=2, volumes=3)
    name = packed(site).number
    left = dispatched(
        site,
        name,
        dispatched_on=site.now().date() - timedelta(days=1),
        tracking={1: "rr 473 124 829 kr"},
        fields={"postage": 98_000, "postage_currency": "KRW", "carrier": "Korea Post"},
    )
    assert left.state is ConsignmentState.DISPATCHED
    assert (left.titles, left.volumes, left.postage) == (2, 12, 98_000)
    day = left.dispatched_on
    assert day == site.now().date() - timedelta(days=1)
    assert left.remind_at is not None
    assert left.presume_at is not None
    assert (left.remind_at.date(), left.presume_at.date()) == (
        day + timedelta(days=90),
        day + timedelta(days=180),
    )
    assert seen(site, name).parcels[0].tracking == TRACKED
    assert states(site, allocation) == ["FULFILLED"] * 2
    assert states(site, wish) == ["FULFILLED"] * 2
    assert all(
        each.endswith(f"Dispatched on {day} in consignment {name}.") for each in reasons(site)
    )
    assert sent(site) == [(2049, "EXCHANGE", "", 2, 12, 0)]
    assert told(site) == ["consignment.dispatched"]
    with site.db.read() as conn:
        query = sa.select(audit_entry.c.actor, audit_entry.c.after).where(
            audit_entry.c.name == name, audit_entry.c.action == "dispatched"
        )
        actor, after = conn.execute(query).one()
    assert (actor, after["state"], after["dispatched_on"]) == (HANA, "DISPATCHED", str(day))
    with pytest.raises(Conflict, match="it cannot be declined"):
        scene.decline("nagasaki", "A")
    scene.check()
    check(site)


def test_a_direct_gift_becomes_transfers_when_it_leaves(site: Site) -> None:
    scene = a_scene(site)
    scene.titles("A", "B")
    scene.partner("nagasaki", address_roman=ADDRESS)
    name = a_gift(site, scene, "A", "B", copies=2, value=9_000, currency="KRW")
    closed(site, name)
    assert states(site, transfer) == []
    dispatched(site, name)
    assert states(site, transfer) == ["GIVEN", "GIVEN"]
    assert all(line.given for line in seen(site, name).lines)
    assert sent(site) == [(2049, "GIFT", "KRW", 2, 4, 36_000)]
    with pytest.raises(Conflict, match="nothing waits"):
        made(site)
    check(site)


def test_what_cannot_be_is_refused_with_what_is_possible(site: Site) -> None:
    allocated(site, "A")
    name = made(site).number
    with pytest.raises(Conflict, match="is DRAFT: it cannot be dispatched; possible: pack, cancel"):
        dispatched(site, name)
    closed(site, name)
    for said, error, match in (
        ({"dispatched_on": site.now().date() + timedelta(days=1)}, Invalid, "still to come"),
        ({"dispatched_on": date(2019, 1, 1)}, Invalid, "opening balances"),
        ({"tracking": {7: TRACKED}}, NotFound, "no parcel 7"),
        ({"tracking": {1: "RR473124821KR"}}, Invalid, "check digit"),
        ({"fields": {"postage": 5}}, WrongValues, "in which currency"),
        ({"fields": {"theme": "late"}}, WrongValues, "unpack it"),
    ):
        with pytest.raises(error, match=match):
            dispatched(site, name, **said)
    with pytest.raises(Outdated):
        dispatching.dispatch(site.db, name, seen=1, by=HANA, now=site.now())
    dispatched(site, name)
    with pytest.raises(Conflict, match="is DISPATCHED: it cannot be dispatched; possible: correct"):
        dispatched(site, name)
    with pytest.raises(Conflict, match="theme cannot be changed any more"):
        packing.change(site.db, name, {"theme": "late"}, by=HANA, now=site.now())
    late = {"postage": 5, "postage_currency": "KRW", "theme": ""}
    assert packing.change(site.db, name, late, by=HANA, now=site.now()).postage == 5
    parcelling.describe(site.db, name, 1, tracking="R1", by=HANA, now=site.now())
    with pytest.raises(Conflict, match="weigh is settled"):
        parcelling.describe(site.db, name, 1, weight=5, by=HANA, now=site.now())
    assert entries(site) == [("DISPATCH", 1, 1)]


def test_what_was_declined_behind_closed_parcels_does_not_leave(site: Site) -> None:
    scene = allocated(site, "A", "B")
    name = packed(site).number
    scene.decline("nagasaki", "A")
    with pytest.raises(Conflict, match=r"cannot leave: line [12] \(A\) is not for this partner"):
        dispatched(site, name)
    assert entries(site) == []


class _Killed(Exception):
    """The process ended here."""


@contextmanager
def _killed_behind(db: Database, number: int) -> Iterator[list[str]]:
    """Let no statement behind the first ``number`` come through; yield those that did."""
    passed: list[str] = []

    def fail(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if len(passed) >= number:
            raise _Killed
        passed.append(statement)

    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        yield passed
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)


def test_killed_at_any_statement_a_dispatch_is_whole_or_not_there(site: Site) -> None:
    scene = allocated(site, "A")
    scene.titles("B")
    mixed = a_gift(site, scene, "B")
    packing.add_waiting(site.db, mixed, by=HANA, now=site.now())
    before = closed(site, mixed)

    def nothing_is_there() -> bool:
        return (
            seen(site, mixed).consignment == before
            and states(site, allocation) == ["CONFIRMED"]
            and states(site, wish) == ["ALLOCATED"]
            and states(site, transfer) == ["GIVEN"]
            and entries(site) == []
            and sent(site) == []
            and told(site) == []
        )

    number = 0
    while True:
        try:
            with _killed_behind(site.db, number):
                dispatched(site, mixed, tracking={1: TRACKED})
            break
        except _Killed:
            assert nothing_is_there(), f"half of a dispatch is there behind statement {number}"
            number += 1
    assert number > 15, "the test did not count the statements"
    assert states(site, transfer) == ["GIVEN", "GIVEN"]
    assert (entries(site), told(site)) == ([("DISPATCH", 2, 2)], ["consignment.dispatched"])
    check(site)


def test_of_two_who_dispatch_at_once_one_does(site: Site) -> None:
    allocated(site, "A")
    name = packed(site).number
    barrier = threading.Barrier(2)
    refused: list[str] = []

    def go() -> None:
        barrier.wait()
        try:
            dispatched(site, name)
        except Conflict as error:
            refused.append(error.detail)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert entries(site) == [("DISPATCH", 1, 1)]
    check(site)


# --- what was wrong -------------------------------------------------------------------------------


def test_a_dispatch_entered_wrongly_is_packed_again_and_the_balance_keeps_both(site: Site) -> None:
    scene = allocated(site, "A", "B")
    name = packed(site).number
    before = reasons(site)
    dispatched(site, name)
    with pytest.raises(Invalid, match="say why"):
        dispatching.correct(site.db, name, reason=" ", by=HANA, now=site.now())
    back = correct(site, name)
    assert (back.state, back.dispatched_on, back.remind_at) == (ConsignmentState.PACKED, None, None)
    assert (states(site, allocation), states(site, wish)) == (["CONFIRMED"] * 2, ["ALLOCATED"] * 2)
    assert reasons(site) == before
    assert sent(site) == [(2049, "EXCHANGE", "", 0, 0, 0)]
    dispatched(site, name)
    assert entries(site) == [("DISPATCH", 2, 2), ("COUNTER", -2, -2), ("DISPATCH", 2, 2)]
    assert sent(site) == [(2049, "EXCHANGE", "", 2, 2, 0)]
    assert told(site) == [
        "consignment.dispatched",
        "consignment.corrected",
        "consignment.dispatched",
    ]
    scene.check()
    check(site)


def test_single_lines_that_did_not_travel_travel_later(site: Site) -> None:
    scene = allocated(site, "A", "B", "C")
    name = packed(site).number
    dispatched(site, name)
    stayed = [line.position for line in seen(site, name).lines if line.title == "B"]
    with pytest.raises(Conflict, match="correct it as a whole"):
        correct(site, name, 1, 2, 3)
    left = correct(site, name, *stayed)
    assert (left.state, left.titles) == (ConsignmentState.DISPATCHED, 2)
    assert "B" not in titles(site, name)
    assert states(site, allocation) == ["CONFIRMED", "FULFILLED", "FULFILLED"]
    assert entries(site) == [("DISPATCH", 3, 3), ("COUNTER", -3, -3), ("DISPATCH", 2, 2)]
    later = packed(site).number
    assert titles(site, later) == ["B"]
    dispatched(site, later)
    assert sent(site) == [(2049, "EXCHANGE", "", 3, 3, 0)]
    assert states(site, wish) == ["FULFILLED"] * 3
    scene.check()
    check(site)


def test_what_the_dispatch_gave_is_taken_back_if_that_is_said(site: Site) -> None:
    scene = allocated(site, "A")
    scene.titles("B")
    mixed = a_gift(site, scene, "B")
    packing.add_waiting(site.db, mixed, by=HANA, now=site.now())
    closed(site, mixed)
    dispatched(site, mixed)
    correct(site, mixed, retract=True)
    assert states(site, transfer) == ["GIVEN", "RETRACTED"]
    assert [line.given for line in seen(site, mixed).lines] == [False, True]
    dispatched(site, mixed)
    assert states(site, transfer) == ["GIVEN", "GIVEN", "RETRACTED"]
    correct(site, mixed)
    dispatched(site, mixed)  # kept as given, and not given twice
    assert states(site, transfer) == ["GIVEN", "GIVEN", "RETRACTED"]
    allocated_line = seen(site, mixed).lines[1].position
    with pytest.raises(Invalid, match="stays allocated"):
        correct(site, mixed, allocated_line, retract=True)
    check(site)


def test_what_came_back_travels_again_and_what_is_lost_does_not(site: Site) -> None:
    scene = allocated(site, "A", "B")
    name = packed(site).number
    left = dispatched(site, name)
    dispatching.note(site.db, name, ConsignmentAction.STOP, by=HANA, now=site.now())
    site.clock.move(200 * 86_400)  # type: ignore[attr-defined]
    with pytest.raises(Invalid, match="at the earliest"):
        dispatching.come_back(
            site.db, name, reason="refused", on=date(2049, 1, 1), by=HANA, now=site.now()
        )
    back = dispatching.come_back(site.db, name, reason="refused", by=HANA, now=site.now())
    assert (back.state, back.remind_at) == (ConsignmentState.RETURNED, None)
    assert back.closed_at == site.now()
    assert len(titles(site, name)) == 2, "one still sees what was in it"
    assert left.dispatched_on is not None
    assert entries(site) == [("DISPATCH", 2, 2), ("RETURN", -2, -2)]
    assert states(site, allocation) == ["CONFIRMED"] * 2
    again = packed(site).number
    dispatched(site, again)
    lost = dispatching.lose(site.db, again, reason="at sea", by=HANA, now=site.now())
    assert lost.state is ConsignmentState.LOST
    assert sum(each[1] for each in entries(site)) == 0
    assert states(site, allocation) == ["FULFILLED"] * 2
    with pytest.raises(Conflict, match="nothing waits"):
        made(site)
    with pytest.raises(Conflict, match="is LOST: it cannot be corrected; possible: nothing"):
        correct(site, again)
    scene.check()
    check(site)


# --- the records of exactly these books -----------------------------------------------------------


@pytest.fixture
def shelf(site: Site) -> str:
    """A packed consignment of two books with their records; its number."""
    open_list(site)
    long = Field("520", "  ", (Subfield("a", "x" * 200),))
    bring(
        site,
        a_record("나무", number="1", isbn="9788936434120"),
        a_record("B", number="2", extra=(long,)),
    )
    a_partner(site)
    with site.db.write() as conn:
        conn.execute(partner.update().values(address_roman=ADDRESS, isil="JP-1234567"))
        offers = list(conn.execute(sa.text("SELECT public_id FROM offer ORDER BY id")).scalars())
    giving.give_offers(site.db, "nagasaki", offers, site.now())
    return packed(site).number


def file_of(site: Site, name: str, *wanted: Any, **more: Any) -> accompanying.RecordFile:
    """Return the file of a consignment."""
    return accompanying.records(site.db, site.settings, name, Wanted(*wanted), **more)


def records_in(body: bytes) -> list[Record]:
    """Return the records of a file."""
    return [
        item.record
        for item in formats.read(io.BytesIO(body))
        if not isinstance(item, formats.Unreadable)
    ]


def test_the_file_has_the_records_of_exactly_these_books(site: Site, shelf: str) -> None:
    file = file_of(site, shelf)
    assert (file.name, file.media_type) == ("consignment-2049-0001.mrc", "application/marc")
    assert [next(each.all("245")).first("a") for each in records_in(file.body)] == ["나무", "B"]
    bring(site, a_record("나무, again", number="1"))  # what was sent stays what it was
    dispatched(site, shelf)
    assert file_of(site, shelf).body == file.body
    packing.find(site.db, shelf)
    xml = file_of(site, shelf, "marcxml")
    assert (xml.name, xml.media_type, xml.records) == (
        "consignment-2049-0001.xml",
        "application/marcxml+xml",
        2,
    )
    assert len(records_in(xml.body)) == 2
    correct(site, shelf, 2)
    assert file_of(site, shelf).records == 1


def test_the_file_says_from_whom_a_copy_came_and_never_where_it_was_before(
    site: Site, shelf: str
) -> None:
    dispatched(site, shelf)
    records = records_in(file_of(site, shelf, "", "", True).body)
    for record in records:
        (source,) = record.all("541")
        assert source.indicators == "1 "
        assert [(each.code, each.value) for each in source.subfields] == [
            ("a", "Bookbridge"),
            ("c", "Exchange"),
            ("d", f"{site.now():%Y/%m/%d}"),
            ("5", "JP-1234567"),
        ]
        assert not list(record.all("561"))
        tags = [field.tag for field in record.fields]
        assert tags == sorted(tags)
    assert not any(list(each.all("541")) for each in records_in(file_of(site, shelf).body))
    kormarc = records_in(file_of(site, shelf, "", "kormarc", True).body)
    assert all(list(each.all("541")) for each in kormarc)
    with pytest.raises(Invalid, match="no field for the source of acquisition"):
        file_of(site, shelf, "", "unimarc", True)


def test_the_file_is_in_the_dialect_of_the_partner_unless_another_is_asked_for(
    site: Site, shelf: str
) -> None:
    def dialect(code: str, encoding: str = "") -> None:
        with site.db.write() as conn:
            conn.execute(partner.update().values(dialect=code, encoding=encoding))

    dialect("unimarc")
    file = file_of(site, shelf)
    assert file.name == "consignment-2049-0001-unimarc.mrc"
    assert [next(each.all("200")).first("a") for each in records_in(file.body)] == ["나무", "B"]
    dialect("cmarc", "big5")
    file = file_of(site, shelf)
    assert file.name.endswith("-unimarc.mrc")
    assert len(file.remarks) == 2
    assert file_of(site, shelf, "", "marc21").name == "consignment-2049-0001.mrc"
    for wanted in (("mods",), ("", "danmarc")):
        with pytest.raises(Invalid, match=r"no form of MARC|not written here"):
            file_of(site, shelf, *wanted)


def test_a_record_too_long_for_iso_2709_is_refused_and_marcxml_has_it(site: Site) -> None:
    open_list(site)
    notes = tuple(Field("520", "  ", (Subfield("a", "x" * 9_000),)) for _ in range(12))
    bring_file(site, marcxml.write(a_record("Long", number="1", extra=notes)))
    a_partner(site)
    with site.db.write() as conn:
        conn.execute(partner.update().values(address_roman=ADDRESS))
        (offer_id,) = conn.execute(sa.text("SELECT public_id FROM offer")).scalars()
    giving.give_offers(site.db, "nagasaki", [offer_id], site.now())
    name = made(site).number
    with pytest.raises(Invalid, match=r"line 1 \(Long\): .*ask for marcxml"):
        file_of(site, name)
    assert len(records_in(file_of(site, name, "marcxml").body)) == 1


def test_a_partner_sees_its_own_once_they_left(site: Site, shelf: str) -> None:
    bela, me = a_partner(site, "bela"), known(site, "nagasaki")
    for who in (me, bela):
        with pytest.raises(NotFound):
            packing.find(site.db, shelf, who)
        assert packing.list_consignments(site.db, partner=who) == []
    dispatched(site, shelf)
    assert packing.find(site.db, shelf, me).consignment.number == shelf
    assert len(packing.list_consignments(site.db, partner=me)) == 1
    assert file_of(site, shelf, partner=me).records == 2
    with pytest.raises(NotFound):
        packing.find(site.db, shelf, bela)
    with pytest.raises(NotFound):
        file_of(site, shelf, partner=bela)


def test_a_direct_gift_is_harvested_as_given_once_it_left(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Tree", number="1"))
    me = a_partner(site)
    with site.db.read() as conn:
        version = conn.execute(sa.select(record_version.c.id)).scalar_one()
    with site.db.write() as conn:
        name = packing.make(
            conn,
            me.id,
            [NewLine("Tree", version_id=version)],
            kind=TransferKind.GIFT,
            by=HANA,
            now=site.now(),
        )
    packing.change(site.db, name, {"address_local": "長崎"}, by=HANA, now=site.now())
    closed(site, name)
    publish(site)
    assert listed(site, me, set="given:nagasaki") == []
    dispatched(site, name)
    publish(site)
    assert feed_titles(listed(site, me, set="given:nagasaki")) == ["Tree"]
    correct(site, name, retract=True)
    publish(site)
    (gone,) = listed(site, me, set="given:nagasaki")
    assert gone.deleted
