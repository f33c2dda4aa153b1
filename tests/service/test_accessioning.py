"""Gifts that come in: announced, received, checked piece by piece, numbered, catalogued, shown."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from marc_mappings import formats
from marc_mappings.framing.sound import record_of
from marc_mappings.record import Record
from marc_mappings.survey import Said
from service.domain import paper, table_import
from service.domain import table_file as tables
from service.domain.accession import Decision, Told
from service.domain.incoming_gift import IncomingState
from service.domain.ledger import Event
from service.domain.source import SourceKind
from service.errors import Conflict, Invalid, NotFound, Outdated, WrongValues
from service.store import ledger as ledger_store
from service.store import letters
from service.store.db import Database
from service.store.tables import (
    audit_entry,
    claim,
    feed_dirty,
    feed_item,
    ledger_total,
    offer,
    offer_list,
    record_version,
)
from service.usecases import (
    accessioning,
    announcing_gifts,
    checking_pieces,
    enrolling,
    exporting_gifts,
    papers,
)
from service.usecases.accessioning import Corrected
from service.usecases.site import Site
from tests.oai.hostile import Site as Provider
from tests.service.at_once import at_once
from tests.service.builders import a_file, a_record, bring, open_list, work
from tests.service.consignment_scene import HANA, check, entries
from tests.service.nagasaki import add as add_source
from tests.service.nagasaki import harvest
from tests.service.partner_views import publish

ISBNS = ("9788936433598", "9788936434595", "9788970128856", "9788937460470")
DAY = date(2049, 3, 1)


def a_library(site: Site, code: str = "kaohsiung") -> None:
    """Enter the partner that gives us something."""
    entry = {"name": "Kaohsiung Public Library", "city": "Kaohsiung", "place": "TW"}
    enrolling.add(site.db, code, entry, by=HANA, now=site.now())


def do(site: Site, what: Callable[..., Any], name: str, *given: Any, **more: Any) -> Any:
    """Do something with a gift as Hana."""
    return what(site.db, name, *given, by=HANA, now=site.now(), **more)


def announced(site: Site, **given: Any) -> str:
    """Let a new partner announce a gift; return its public id."""
    a_library(site)
    said = {"title": "Books from Kaohsiung", **given}
    return announcing_gifts.announce(site.db, "kaohsiung", said, by=HANA, now=site.now()).public_id


def take_in(site: Site, name: str, data: bytes, kind: str = "", **more: Any) -> Any:
    """Read a file into a gift."""
    more = {"file_name": "gift.mrc", "limit": 10**9, **more}
    return do(site, announcing_gifts.take_in, name, io.BytesIO(data), kind, **more)


def with_records(site: Site, *records: Record) -> str:
    """Let a gift of these be announced with a file and received."""
    name = announced(site)
    take_in(site, name, a_file(*records))
    work(site)
    do(site, accessioning.receive, name, DAY)
    return name


def four(site: Site) -> str:
    """Let a gift of four books be received."""
    return with_records(
        site,
        *(a_record(f"Book {n}", isbn=isbn, number=str(n)) for n, isbn in enumerate(ISBNS, 1)),
    )


def counted(site: Site) -> str:
    """Let three of four books be accepted and one be declined, and the check be concluded."""
    name = four(site)
    for isbn in ISBNS[:3]:
        do(site, checking_pieces.scan, name, isbn)
    do(site, checking_pieces.scan, name, ISBNS[3], damaged=True)
    do(site, checking_pieces.accept, name)
    do(site, checking_pieces.decline, name, [4], reason="water damage")
    do(site, accessioning.check, name)
    return name


def seen(site: Site, name: str) -> Any:
    return accessioning.find(site.db, name).gift


def pieces(site: Site, name: str) -> list[Any]:
    return checking_pieces.list_pieces(site.db, name)


def received(site: Site) -> list[tuple[Any, ...]]:
    """Return what the sums of the ledger say came in: (year, place, titles, volumes)."""
    total = ledger_total.c
    with site.db.read() as conn:
        rows = conn.execute(
            sa.select(total.year, total.place, total.titles, total.volumes)
            .where(total.direction == "RECEIVED")
            .order_by(total.year)
        )
        return [tuple(row) for row in rows]


def read(body: bytes) -> list[Record]:
    found = []
    for each in formats.read(io.BytesIO(body)):
        assert isinstance(each, formats.Parsed)
        found.append(record_of(each.content))
    return found


# --- the named case -------------------------------------------------------------------------------


def test_752_titles_from_kaohsiung_of_which_three_come_damaged(site: Site) -> None:
    name = announced(site, announced_titles=752, announced_volumes=752)
    file = a_file(
        *(a_record(f"高雄的書 {n}", number=str(n), place="ch ", language="chi") for n in range(752))
    )
    take_in(site, name, file)
    work(site)
    found = seen(site, name)
    assert (found.lines, found.batch_state, found.undecided) == (752, "COMMITTED", 0)
    do(site, accessioning.receive, name, DAY, {"weight": 240_000})
    begun = time.perf_counter()
    for position in (7, 99, 752):
        do(site, checking_pieces.count, name, position, 1, 1)
    do(site, checking_pieces.decline, name, [7, 99, 752], reason="damaged on the way")
    do(site, checking_pieces.count_all, name)
    do(site, checking_pieces.accept, name)
    made = do(site, accessioning.check, name, claim=True)
    assert (made.titles, made.volumes, made.declined, made.missing) == (749, 749, 3, 0)
    assert entries(site) == [("ACCESSION", 749, 749)]
    assert received(site) == [(2049, "TW", 749, 749)]
    made = do(site, accessioning.give_numbers, name)
    numbers = [line.accession_number for line in pieces(site, name)]
    assert (numbers[0], numbers[5:8], numbers[-2]) == (
        "G2049-00001",
        ["G2049-00006", "", "G2049-00007"],
        "G2049-00749",
    )
    do(site, accessioning.catalogue, name)
    told = Told(with_source=True, with_holdings=True)
    made_file = exporting_gifts.records(site.db, name, dialect="kormarc", told=told)
    assert time.perf_counter() - begun < 20
    out = read(made_file.body)
    assert (made_file.records, len(out), made_file.remarks) == (749, 749, ())
    assert made_file.name == f"incoming-{name}-kormarc.mrc"
    given = out[0].fields
    source = next(field for field in given if field.tag == "541")
    assert [part.value for part in source.subfields] == [
        "Kaohsiung Public Library",
        "Gift",
        "2049/03/01",
        "G2049-00001",
    ]
    copy = next(field for field in given if field.tag == "049")  # KORMARC's own place for copies
    assert [(part.code, part.value) for part in copy.subfields] == [("l", "G2049-00001")]
    plates = papers.of_gift(site.db, name)
    assert len(plates) == 749
    assert isinstance(plates[0], paper.GiftLabel)
    do(site, accessioning.display, name)
    assert seen(site, name).state is IncomingState.DISPLAYED
    with site.db.read() as conn:
        assert (
            conn.execute(sa.select(claim.c.side, claim.c.reason)).all() == [("OURS", "DAMAGED")] * 3
        )
    check(site)


# --- announcing -----------------------------------------------------------------------------------


def test_nothing_of_a_gifts_file_is_in_a_feed_or_takes_the_place_of_a_record_of_ours(
    site: Site,
) -> None:
    open_list(site)
    bring(site, a_record("Ours", number="1"))
    publish(site)
    with site.db.read() as conn:
        items = conn.execute(sa.select(sa.func.count()).select_from(feed_item)).scalar()
        ours = conn.execute(sa.select(record_version.c.title)).scalars().all()
    name = with_records(site, a_record("Theirs", number="1"), a_record("Another", number="2"))
    publish(site)
    lines = pieces(site, name)
    assert [line.title for line in lines] == ["Theirs", "Another"]
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(feed_item)).scalar() == items
        assert conn.execute(sa.select(sa.func.count()).select_from(feed_dirty)).scalar() == 0
        shown = conn.execute(
            sa.select(record_version.c.title)
            .join(offer, offer.c.record_id == record_version.c.record_id)
            .join(offer_list, offer_list.c.id == offer.c.list_id)
            .where(offer_list.c.slug == "spring")
        ).scalars()
        assert list(shown) == list(ours)


def test_a_table_with_wrong_rows_is_read_and_what_is_wrong_is_told(site: Site) -> None:
    name = announced(site)
    rows = [
        ("書名", "著者", "ISBN", "部數", "定價"),
        ("樹", "王", ISBNS[0], "2", "300"),
        ("", "李", "", "1", ""),
        ("海", "陳", "123", "x", ""),
        ("山", "林", "", "1", "250"),
    ]
    text = "".join(tables.csv_lines(rows)).encode()
    taken = take_in(site, name, text, table_import.CSV)
    assert taken.titles == 2
    assert [(each.row, each.column) for each in taken.rejected] == [(3, "title"), (4, "copies")]
    assert taken.columns_not_read == ("定價",)
    assert [(line.title, line.announced, line.record) for line in pieces(site, name)] == [
        ("樹", 2, ""),
        ("山", 1, ""),
    ]
    assert "still" in _refused(lambda: _conclude(site, name))
    work(site)
    lines = pieces(site, name)
    assert all(line.record and not line.problem for line in lines)
    assert lines[0].isbn == ISBNS[0]
    with pytest.raises(Conflict, match="very file before"):
        take_in(site, name, text, table_import.CSV)
    assert len(pieces(site, name)) == 2
    mended = "書名,著者\n夜,李\n".encode()
    assert take_in(site, name, mended, table_import.CSV).titles == 1
    work(site)
    assert [line.title for line in pieces(site, name)] == ["樹", "山", "夜"]


def _conclude(site: Site, name: str) -> None:
    do(site, accessioning.receive, name, DAY)
    do(site, checking_pieces.count_all, name)
    do(site, checking_pieces.accept, name)
    do(site, accessioning.check, name)


def _refused(act: Callable[[], object]) -> str:
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.detail


def test_a_file_read_in_another_encoding_adds_no_piece_again(site: Site) -> None:
    name = announced(site)
    data = a_file(a_record("A book", number="1"), a_record("B book", number="2"))
    take_in(site, name, data)
    work(site)
    take_in(site, name, data, said=Said("windows-1252", ""))
    work(site)
    assert [line.title for line in pieces(site, name)] == ["A book", "B book"]


def test_a_record_that_cannot_be_read_is_a_piece_all_the_same(site: Site) -> None:
    name = announced(site)
    good = a_record("A book", number="1")
    twice = a_record("Another book", number="1")
    take_in(site, name, a_file(good, twice))
    work(site)
    lines = pieces(site, name)
    assert [(line.title, bool(line.record)) for line in lines] == [
        ("A book", True),
        ("Another book", False),
    ]
    assert "same control number" in lines[1].problem


def test_what_a_partner_says_it_gave_us_is_announced_once(
    harvesting_site: Site, provider: tuple[Provider, str]
) -> None:
    site = harvesting_site
    add_source(site, provider[1], kind=SourceKind.GIVEN)
    harvest(site)
    made = do(site, announcing_gifts.announce_list, "from-nagasaki")
    assert (made.source, made.lines, made.partner) == ("HARVEST", 9, "nagasaki")
    with pytest.raises(Conflict, match="nothing of list 'from-nagasaki' is left"):
        do(site, announcing_gifts.announce_list, "from-nagasaki")
    do(site, accessioning.cancel, made.public_id, reason="announced by mistake")
    assert do(site, announcing_gifts.announce_list, "from-nagasaki").lines == 9


def test_a_list_of_ours_announces_nothing(site: Site) -> None:
    open_list(site)
    with pytest.raises(Conflict, match="'spring' is ours"):
        do(site, announcing_gifts.announce_list, "spring")
    with pytest.raises(NotFound):
        do(site, announcing_gifts.announce_list, "nowhere")


# --- checking -------------------------------------------------------------------------------------


def test_a_piece_is_found_by_isbn_barcode_and_position(site: Site) -> None:
    name = four(site)
    do(site, checking_pieces.describe, name, 3, {"barcode": "KO000123"})
    assert do(site, checking_pieces.scan, name, "978-89-364-3359-8").line.position == 1
    assert do(site, checking_pieces.scan, name, "KO000123").line.position == 3
    assert do(site, checking_pieces.scan, name, "2").line.position == 2
    assert [line.received for line in pieces(site, name)] == [1, 1, 1, 0]


@pytest.mark.parametrize("code", ["9791190090018", "nonsense", "77", "0", "99999999999999"])
def test_an_unknown_barcode_says_that_the_piece_can_be_added(site: Site, code: str) -> None:
    name = four(site)
    with pytest.raises(NotFound, match="add it as a piece that was not announced"):
        do(site, checking_pieces.scan, name, code)
    assert [line.received for line in pieces(site, name)] == [0, 0, 0, 0]


def test_one_piece_more_than_announced_is_refused_and_can_be_added(site: Site) -> None:
    name = four(site)
    do(site, checking_pieces.scan, name, ISBNS[0])
    with pytest.raises(Conflict, match=r"1 announced.* 1 received before; if there is one more"):
        do(site, checking_pieces.scan, name, ISBNS[0])
    with pytest.raises(Conflict, match="if there is one more, add it"):
        do(site, checking_pieces.count, name, 1, 2)
    made = do(site, checking_pieces.add_piece, name, {"title": "Book 1", "isbn": ISBNS[0]})
    assert (made.line.position, made.line.announced, made.line.received) == (5, 0, 1)
    # What came without a word may come as often as it likes.
    assert do(site, checking_pieces.scan, name, ISBNS[0]).line.received == 2


def test_two_volumes_under_one_isbn_are_counted_one_after_the_other(site: Site) -> None:
    books = [a_record(f"Set, vol. {n}", isbn=ISBNS[0], number=str(n)) for n in (1, 2)]
    name = with_records(site, *books)
    assert [do(site, checking_pieces.scan, name, ISBNS[0]).line.position for _ in "ab"] == [1, 2]
    with pytest.raises(Conflict, match="one more"):
        do(site, checking_pieces.scan, name, ISBNS[0])


def test_declining_needs_a_reason_and_accepting_something_sound(site: Site) -> None:
    name = four(site)
    do(site, checking_pieces.scan, name, ISBNS[0], damaged=True)
    with pytest.raises(Invalid, match="say why it is declined"):
        do(site, checking_pieces.decline, name, [1], reason=" ")
    with pytest.raises(Conflict, match="all that came of it is damaged"):
        do(site, checking_pieces.accept, name, [1])
    with pytest.raises(Conflict, match="nothing of it arrived"):
        do(site, checking_pieces.decline, name, [2], reason="unwanted")
    with pytest.raises(NotFound, match="no line 9"):
        do(site, checking_pieces.accept, name, [9])
    do(site, checking_pieces.scan, name, ISBNS[1])
    do(site, checking_pieces.accept, name)
    # What is accepted cannot be counted away.
    with pytest.raises(Conflict, match="nothing of it arrived"):
        do(site, checking_pieces.count, name, 2, 0)
    lines = pieces(site, name)
    assert [line.decision for line in lines] == ["PENDING", "ACCEPTED", "PENDING", "PENDING"]


def test_a_check_ends_when_all_that_came_is_decided_on(site: Site) -> None:
    name = four(site)
    with pytest.raises(Conflict, match="nothing of this gift is counted"):
        do(site, accessioning.check, name)
    do(site, checking_pieces.scan, name, ISBNS[0])
    do(site, checking_pieces.scan, name, ISBNS[1])
    do(site, checking_pieces.accept, name, [2])
    with pytest.raises(Conflict, match=r"not all .* declined: line 1 \(Book 1\)"):
        do(site, accessioning.check, name)
    assert entries(site) == []
    do(site, checking_pieces.accept, name)
    made = do(site, accessioning.check, name, claim=True)
    assert (made.titles, made.missing) == (2, 2)
    assert "2 of its titles did not arrive" in accessioning.find(site.db, name).remarks
    with site.db.read() as conn:
        rows = conn.execute(sa.select(claim.c.reason, claim.c.position).order_by(claim.c.position))
        assert [tuple(row) for row in rows] == [("NOT_ARRIVED", 3), ("NOT_ARRIVED", 4)]


def test_a_set_counts_as_one_title_with_its_volumes(site: Site) -> None:
    name = announced(site)
    given = {"title": "A set", "volumes": 5, "copies": 2}
    do(site, checking_pieces.add_piece, name, given)
    do(site, accessioning.receive, name, DAY)
    do(site, checking_pieces.count, name, 1, 2, 1)
    do(site, checking_pieces.accept, name)
    made = do(site, accessioning.check, name)
    assert (made.titles, made.volumes) == (1, 5)
    assert entries(site) == [("ACCESSION", 1, 5)]


def test_a_gift_of_which_nothing_is_wanted_is_declined_and_counts_nothing(site: Site) -> None:
    name = four(site)
    do(site, checking_pieces.count_all, name)
    do(site, checking_pieces.decline, name, [1, 2, 3, 4], reason="we hold them all")
    do(site, accessioning.check, name)
    assert do(site, accessioning.give_numbers, name).state is IncomingState.DECLINED
    assert entries(site) == []
    with pytest.raises(Conflict, match="this gift is DECLINED: it cannot be catalogued"):
        do(site, accessioning.catalogue, name)


# --- states ---------------------------------------------------------------------------------------


def test_an_impossible_step_says_where_the_gift_is_and_what_is_possible(site: Site) -> None:
    name = announced(site)
    steps = {
        accessioning.check: "checked",
        accessioning.catalogue: "catalogued",
        accessioning.display: "displayed",
    }
    for step, word in steps.items():
        told = _refused(lambda step=step: do(site, step, name))  # type: ignore[misc]
        assert told == (f"this gift is ANNOUNCED: it cannot be {word}; possible: receive, cancel")
    with pytest.raises(Conflict, match="checked when it is RECEIVED"):
        do(site, checking_pieces.scan, name, "1")
    with pytest.raises(Conflict, match="nothing of it is in the balance"):
        do(site, accessioning.correct, name, 1, Corrected(received=1), why="no")
    with pytest.raises(Conflict, match="is known when it is checked"):
        exporting_gifts.records(site.db, name)
    with pytest.raises(NotFound):
        accessioning.find(site.db, "01JZ0000000000000000000000")


def test_wrong_values_are_told_all_at_once(site: Site) -> None:
    with pytest.raises(WrongValues) as wrong:
        announced(site, title=" ", source="PIGEON", announced_titles=-1, kind="LOAN")
    assert {name for name, _ in wrong.value.faults} == {
        "title",
        "source",
        "announced_titles",
        "kind",
    }
    name = announcing_gifts.announce(
        site.db, "kaohsiung", {"title": "A"}, by=HANA, now=site.now()
    ).public_id
    with pytest.raises(Invalid, match="still to come"):
        do(site, accessioning.receive, name, date(2050, 1, 1))
    with pytest.raises(WrongValues, match="currency"):
        do(site, accessioning.receive, name, DAY, {"postage": 100})
    with pytest.raises(WrongValues):
        do(site, checking_pieces.add_piece, name, {"title": "B", "isbn": "123"})
    with pytest.raises(Outdated):
        do(site, announcing_gifts.change, name, {"notes": "x"}, seen=77)


def test_what_is_accepted_without_a_record_is_named_and_gets_one_by_a_file(site: Site) -> None:
    name = announced(site)
    for n, isbn in enumerate(ISBNS[:2], 1):
        do(site, checking_pieces.add_piece, name, {"title": f"Book {n}", "isbn": isbn})
    _conclude(site, name)
    do(site, accessioning.give_numbers, name)
    with pytest.raises(Conflict, match=r"without a record: line 1 \(Book 1\), 2 \(Book 2\)"):
        do(site, accessioning.catalogue, name)
    books = [a_record(f"Book {n}", isbn=isbn, number=str(n)) for n, isbn in enumerate(ISBNS, 1)]
    with pytest.raises(Conflict, match="no piece joins"):
        take_in(site, name, b"title\nC\n", table_import.CSV)
    take_in(site, name, a_file(*books))
    work(site)
    assert len(pieces(site, name)) == 2  # what is no piece of it does not join it any more
    do(site, accessioning.catalogue, name)
    made = exporting_gifts.records(site.db, name, form="marcxml")
    assert (made.records, made.media_type) == (2, "application/marcxml+xml")
    told = Told(with_source=True)
    with pytest.raises(Invalid, match="no field for what 541 says"):
        exporting_gifts.records(site.db, name, dialect="unimarc", told=told)
    assert exporting_gifts.records(site.db, name, dialect="unimarc").records == 2


def test_a_gift_is_acknowledged_from_the_check_on_and_stays_where_it_is(site: Site) -> None:
    name = counted(site)
    assert any("not acknowledged" in told for told in accessioning.find(site.db, name).remarks)
    with site.db.write() as conn:
        assert letters.acknowledge(conn, seen(site, name).id, site.now())
    found = seen(site, name)
    assert (found.state, found.acknowledged_at) == (IncomingState.CHECKED, site.now())
    assert accessioning.find(site.db, name).remarks == []


# --- correcting -----------------------------------------------------------------------------------


def test_a_correction_takes_the_entry_back_and_enters_what_is_right(site: Site) -> None:
    name = counted(site)
    do(site, accessioning.give_numbers, name)
    right = Corrected(damaged=0, decision=Decision.ACCEPTED)
    made = do(site, accessioning.correct, name, 4, right, why="only the wrapper was wet")
    assert (made.gift.titles, made.line.accession_number) == (4, "G2049-00004")
    assert entries(site) == [("ACCESSION", 3, 3), ("COUNTER", -3, -3), ("ACCESSION", 4, 4)]
    assert received(site) == [(2049, "TW", 4, 4)]
    # What changes no figure writes no entry.
    do(site, accessioning.correct, name, 4, Corrected(volumes=1), why="looked again")
    assert len(entries(site)) == 3
    do(site, accessioning.correct_day, name, date(2048, 12, 30), why="the post had it")
    assert received(site) == [(2048, "TW", 4, 4), (2049, "TW", 0, 0)]
    for position in (1, 2, 3, 4):
        no = Corrected(decision=Decision.DECLINED, reason="recalled by the giver")
        do(site, accessioning.correct, name, position, no, why="recalled")
    assert seen(site, name).state is IncomingState.DECLINED
    assert received(site) == [(2048, "TW", 0, 0), (2049, "TW", 0, 0)]
    do(site, accessioning.correct, name, 1, Corrected(decision=Decision.ACCEPTED), why="kept")
    assert seen(site, name).state is IncomingState.ACCEPTED
    with site.db.read() as conn:
        keys = [each.event_key for each in ledger_store.of_event(conn, Event.ACCESSION, name)]
    assert keys[:2] == [name, f"{name}#2"]
    assert len(set(keys)) == len(keys)
    check(site)


def test_a_correction_needs_a_why_and_counts_that_can_be(site: Site) -> None:
    name = counted(site)
    with pytest.raises(Invalid):
        do(site, accessioning.correct, name, 1, Corrected(received=0), why=" ")
    with pytest.raises(Conflict, match="1 announced"):
        do(site, accessioning.correct, name, 1, Corrected(received=3), why="found two")
    with pytest.raises(Conflict, match="in the balance"):
        do(site, checking_pieces.describe, name, 1, {"volumes": 4})
    with pytest.raises(Conflict, match="kind is in the balance"):
        do(site, announcing_gifts.change, name, {"kind": "EXCHANGE"})
    made = do(site, accessioning.correct, name, 1, Corrected(received=0), why="it never came")
    assert (made.line.decision, made.gift.titles, made.gift.missing) == ("PENDING", 2, 1)
    assert received(site) == [(2049, "TW", 2, 2)]


# --- numbers --------------------------------------------------------------------------------------


def test_an_accession_number_is_given_once(site: Site) -> None:
    name = counted(site)
    do(site, checking_pieces.describe, name, 2, {"accession_number": "K-77"})
    do(site, accessioning.give_numbers, name, first="KO-09")
    assert [line.accession_number for line in pieces(site, name)] == ["KO-09", "K-77", "KO-10", ""]
    with pytest.raises(Conflict, match="K-77 is given to another book"):
        do(site, checking_pieces.describe, name, 1, {"accession_number": "K-77"})
    other = announcing_gifts.announce(
        site.db, "kaohsiung", {"title": "More"}, by=HANA, now=site.now()
    ).public_id
    do(site, checking_pieces.add_piece, other, {"title": "C"})
    _conclude(site, other)
    with pytest.raises(Conflict, match="KO-10 is given to another book: begin with a later one"):
        do(site, accessioning.give_numbers, other, first="KO-10")
    with pytest.raises(Invalid, match="ends in digits"):
        do(site, accessioning.give_numbers, other, first="KO")
    do(site, accessioning.give_numbers, other)
    assert pieces(site, other)[0].accession_number == "G2049-00001"


def test_two_gifts_numbered_at_once_share_no_number(site: Site) -> None:
    a_library(site)
    names = []
    for title in ("A", "B"):
        name = announcing_gifts.announce(
            site.db, "kaohsiung", {"title": title}, by=HANA, now=site.now()
        ).public_id
        do(site, checking_pieces.add_piece, name, {"title": title})
        do(site, checking_pieces.add_piece, name, {"title": f"{title} 2"})
        _conclude(site, name)
        names.append(name)
    at_once(*(lambda name=name: do(site, accessioning.give_numbers, name) for name in names))
    found = sorted(line.accession_number for name in names for line in pieces(site, name))
    assert found == [f"G2049-{n:05}" for n in range(1, 5)]


# --- whole or not there ---------------------------------------------------------------------------


class _Killed(Exception):
    """The process ended here."""


@contextmanager
def _killed_behind(db: Database, number: int) -> Iterator[None]:
    passed = 0

    def fail(*_: Any) -> None:
        nonlocal passed
        if passed >= number:
            raise _Killed
        passed += 1

    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)


def _until_done(site: Site, act: Callable[[], object], untouched: Callable[[], bool]) -> int:
    """Kill an act behind each of its statements until it comes through; return how often."""
    number = 0
    while True:
        try:
            with _killed_behind(site.db, number):
                act()
            return number
        except _Killed:
            assert untouched(), f"half of it is there behind statement {number}"
            number += 1


def test_killed_at_any_statement_a_check_is_whole_or_not_there(site: Site) -> None:
    name = four(site)
    do(site, checking_pieces.scan, name, ISBNS[0])
    do(site, checking_pieces.accept, name)
    before = (seen(site, name), pieces(site, name))

    def untouched() -> bool:
        with site.db.read() as conn:
            claims = conn.execute(sa.select(sa.func.count()).select_from(claim)).scalar()
        return (
            (seen(site, name), pieces(site, name)) == before
            and entries(site) == []
            and received(site) == []
            and claims == 0
        )

    killed = _until_done(site, lambda: do(site, accessioning.check, name, claim=True), untouched)
    assert killed > 10, "the test did not count the statements"
    assert entries(site) == [("ACCESSION", 1, 1)]
    before = (seen(site, name), pieces(site, name))
    right = Corrected(received=1, decision=Decision.ACCEPTED)

    def one_entry() -> bool:
        same = (seen(site, name), pieces(site, name)) == before
        return same and entries(site) == [("ACCESSION", 1, 1)]

    def mend() -> None:
        do(site, accessioning.correct, name, 2, right, why="it lay below")

    assert _until_done(site, mend, one_entry) > 10
    assert received(site) == [(2049, "TW", 2, 2)]
    check(site)


def test_killed_anywhere_a_file_of_a_gift_is_taken_in_once(site: Site) -> None:
    name = announced(site)
    text = "書名,部數\n樹,2\n海,1\n".encode()
    number = 0
    while True:
        try:
            with _killed_behind(site.db, number):
                take_in(site, name, text, table_import.CSV)
            break
        except _Killed:
            number += 1
        except Conflict:
            break  # it had come through before the kill
    work(site)
    lines = pieces(site, name)
    assert [(line.title, line.announced, bool(line.record)) for line in lines] == [
        ("樹", 2, True),
        ("海", 1, True),
    ]
    assert number > 10


def test_of_two_who_conclude_a_check_at_once_one_does(site: Site) -> None:
    name = four(site)
    do(site, checking_pieces.count_all, name)
    do(site, checking_pieces.accept, name)
    done = at_once(*[lambda: do(site, accessioning.check, name)] * 2)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "IncomingGift"]
    assert entries(site) == [("ACCESSION", 4, 4)]


def test_every_step_is_in_the_audit_log(site: Site) -> None:
    name = counted(site)
    with site.db.read() as conn:
        done = list(
            conn.execute(
                sa.select(audit_entry.c.action)
                .where(audit_entry.c.name == name)
                .order_by(audit_entry.c.id)
            ).scalars()
        )
    assert done == [
        "announced",
        "file taken in",
        "received",
        *["piece counted"] * 4,
        "pieces accepted",
        "pieces declined",
        "checked",
    ]
