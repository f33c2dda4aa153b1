"""Direct gifts: drafted, filled, approved by somebody with a name, packed, gone, and counted."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain import table_file as tables
from service.domain import table_import, wish_sheet
from service.domain.audience import PUBLIC
from service.domain.consignment import ConsignmentState, Service
from service.domain.gift import Gift, GiftState
from service.domain.offer import ListAction
from service.domain.paper import PaperKind
from service.domain.transfer import TransferKind
from service.errors import Conflict, Invalid, NotFound, Outdated, UnsupportedFormat, WrongValues
from service.papers import pages
from service.store import allocation_inputs
from service.store.tables import audit_entry, feed_item, offer, record, transfer
from service.usecases import (
    cataloguing,
    dispatching,
    enrolling,
    filling_gifts,
    merging,
    offering,
    packing,
    papers,
    parcelling,
    presenting,
)
from service.usecases.dispatching import Posting
from service.usecases.filling_gifts import Chosen, TakenIn
from service.usecases.site import Site
from tests.service.at_once import at_once
from tests.service.builders import a_file, a_record, bring, open_list, receive, work
from tests.service.consignment_scene import HANA, check, entries, sent

ADDRESS = "69 Ly Tu Trong, District 1\nHo Chi Minh City\nVIET NAM"
HEAD = ("書名", "著者", "ISBN", "Copies", "Volumes", "Unit cost", "Colour")


def a_library(site: Site, code: str = "hcmc") -> None:
    """Enter the partner that is given something."""
    entry = {
        "name": "General Sciences Library of Ho Chi Minh City",
        "city": "Ho Chi Minh City",
        "place": "VN",
        "address_roman": ADDRESS,
    }
    enrolling.add(site.db, code, entry, by=HANA, now=site.now())


def a_draft(site: Site, **more: Any) -> str:
    """Draft a gift for a new partner; return its public id."""
    a_library(site)
    given = {"title": "Children's books", "currency": "KRW", **more}
    return presenting.draft(site.db, "hcmc", given, by=HANA, now=site.now()).public_id


def do(site: Site, what: Callable[..., Any], name: str, *given: Any, **more: Any) -> Any:
    """Do something with a gift as Hana."""
    return what(site.db, name, *given, by=HANA, now=site.now(), **more)


def with_titles(site: Site, *titles: str, **more: Any) -> str:
    """Draft a gift of titles that an import brought."""
    name = a_draft(site, **more)
    open_list(site)
    report = bring(site, *(a_record(title) for title in titles))
    do(site, filling_gifts.add, name, Chosen(batch=report.batch.public_id, cost=12_000))
    return name


def approved(site: Site, name: str) -> Gift:
    """Submit and approve a gift."""
    do(site, presenting.submit, name)
    return do(site, presenting.approve, name, "KIM Minji")  # type: ignore[no-any-return]


def csv(*rows: Sequence[str], head: Sequence[str] = HEAD) -> io.BytesIO:
    """Return a table as a file."""
    return io.BytesIO("".join(tables.csv_lines([head, *rows])).encode())


def take_in(site: Site, name: str, file: io.BytesIO, kind: str = table_import.CSV) -> TakenIn:
    """Read a table into a gift."""
    more = {"file_name": "gift", "limit": 10**8}
    return do(site, filling_gifts.take_in, name, file, kind, **more)  # type: ignore[no-any-return]


def at(site: Site, name: str) -> GiftState:
    """Return where a gift stands."""
    return presenting.find(site.db, name).gift.state


def left(site: Site, number: str) -> None:
    """Let a consignment leave."""
    parcelling.tick(site.db, number, None, by=HANA, now=site.now())
    packing.pack(site.db, number, by=HANA, now=site.now())
    dispatching.dispatch(site.db, number, Posting(), by=HANA, now=site.now())


def titles_of(site: Site, name: str) -> list[str]:
    return [line.title for line in presenting.lines(site.db, name)]


# --- the named case -------------------------------------------------------------------------------


def test_a_thousand_childrens_books_go_to_ho_chi_minh_city_as_a_direct_gift(site: Site) -> None:
    name = a_draft(site)
    rows = [
        (f"동화 {n}", f"작가 {n % 50}", f"979-11-{n:04}", "1", "1", "12000", "")
        for n in range(1000)
    ]
    book = io.BytesIO(tables.xlsx([HEAD, *rows], "Books"))
    taken = take_in(site, name, book, wish_sheet.XLSX)
    assert (taken.titles, taken.rejected, taken.columns_not_read) == (1000, (), ("Colour",))
    assert len(taken.remarks) == 1000  # no ISBN of these is sound, and that is said
    with pytest.raises(Conflict, match=r"still being catalogued.*and 995 more"):
        do(site, presenting.submit, name)
    work(site)
    do(site, presenting.submit, name)
    do(site, presenting.approve, name, "KIM Minji, director")
    budget = {"budget_line": "2024-EX-7", "cost": 12_000_000}
    assert do(site, presenting.cost, name, budget).cost_of_lines == 12_000_000
    assert presenting.find(site.db, name).remarks == []
    made = do(site, presenting.pack, name, theme="children's books", service=Service.FREIGHT)
    assert made.state is GiftState.PACKED
    number = made.consignments[0].number
    parcelling.tick(site.db, number, None, by=HANA, now=site.now())
    parcelling.describe(
        site.db, number, 1, kind=None, weight=340_000, tracking=None, by=HANA, now=site.now()
    )
    packed = packing.pack(site.db, number, by=HANA, now=site.now())
    assert (packed.titles, packed.volumes, packed.weight) == (1000, 1000, 340_000)
    printed = papers.of_consignment(site.db, site.settings, number, now=site.now())
    certificate = pages.paper(PaperKind.CERTIFICATE_OF_DONATION, printed)
    assert "approved by <bdi>KIM Minji, director</bdi>" in certificate
    begun = time.perf_counter()
    gone = dispatching.dispatch(site.db, number, Posting(), by=HANA, now=site.now())
    assert time.perf_counter() - begun < 5, "a dispatch of 1,000 titles has five seconds"
    assert (gone.state, gone.kind) == (ConsignmentState.DISPATCHED, TransferKind.GIFT)
    year = site.now().year
    assert sent(site) == [(year, "GIFT", "KRW", 1000, 1000, 12_000_000)]
    assert entries(site) == [("DISPATCH", 1000, 1000)]
    shown = presenting.find(site.db, name).gift
    assert (shown.state, shown.approved_by) == (GiftState.DISPATCHED, "KIM Minji, director")
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(transfer)).scalar() == 1000
    check(site)


# --- what it is filled with -----------------------------------------------------------------------


def test_what_came_by_a_table_is_catalogued_and_never_offered(site: Site) -> None:
    name = a_draft(site)
    take_in(site, name, csv(("Tree", "Kim", "", "2", "3", "500", "")))
    work(site)
    (line,) = presenting.lines(site.db, name)
    assert (line.title, line.copies, line.volumes, line.cost) == ("Tree", 2, 3, 500)
    assert line.record
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(feed_item)).scalar() == 0
    assert presenting.find(site.db, name).gift.volumes == 6


def test_a_list_of_a_gift_that_somebody_opens_is_shown_to_nobody(site: Site) -> None:
    name = a_draft(site)
    take_in(site, name, csv(("Tree", "Kim", "", "", "", "", "")))
    work(site)
    slug = f"gift-{name.lower()}"
    offering.change_list(site.db, slug, ListAction.OPEN, site.now())
    work(site)
    assert [row.offer_list.slug for row in offering.list_lists(site.db, {PUBLIC})] == []
    assert [each.title for each in offering.browse(site.db, {PUBLIC}, limit=10)] == []


def test_rows_that_are_wrong_come_back_with_reasons_and_keep_no_other_out(site: Site) -> None:
    name = a_draft(site)
    taken = take_in(
        site,
        name,
        csv(
            ("Tree", "Kim", "9788936434120", "1", "", "12000", ""),
            ("", "Kim", "", "1", "", "", ""),
            ("Sea", "Lee", "", "many", "0", "12,000", ""),
            ("Tree", "Kim", "9788936434120", "1", "", "12000", ""),
            ("Sky", "Pak", "123", "1", "", "", "", "too much"),
            ("Sand", "Pak", "123", "", "", "", ""),
        ),
    )
    assert titles_of(site, name) == ["Tree", "Sand"]
    assert [(each.row, each.column) for each in taken.rejected] == [
        (3, "title"),
        (4, "copies"),
        (4, "volumes"),
        (4, "cost"),
        (5, ""),
        (6, ""),
    ]
    assert "the book of row 2 once more" in taken.rejected[-2].reason
    assert [(each.row, each.column) for each in taken.remarks] == [(7, "isbn")]


def test_a_table_that_comes_again_doubles_nothing(site: Site) -> None:
    name = a_draft(site)
    first = ("Tree", "Kim", "", "1", "", "", "")
    take_in(site, name, csv(first, ("", "Lee", "", "", "", "", "")))
    work(site)
    take_in(site, name, csv(first, ("", "Lee", "", "", "", "", "")))
    assert titles_of(site, name) == ["Tree"]
    taken = take_in(site, name, csv(first, ("Sea", "Lee", "", "", "", "", "")))
    assert (taken.titles, taken.rejected) == (2, ())
    work(site)
    assert titles_of(site, name) == ["Tree", "Sea"]
    do(site, presenting.submit, name)
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(record)).scalar() == 2


def test_costs_are_in_the_currency_of_the_gift(site: Site) -> None:
    name = a_draft(site, currency="")
    row = ("Tree", "5000", "KRW")
    table = csv(row, head=("title", "price", "currency"))
    (fault,) = take_in(site, name, table).rejected
    assert "no currency yet" in fault.reason
    do(site, presenting.cost, name, {"currency": "eur"})
    (fault,) = take_in(site, name, csv(row, head=("title", "price", "currency"))).rejected
    assert (fault.column, "'KRW' is not the gift's" in fault.reason) == ("currency", True)
    do(site, presenting.cost, name, {"currency": "KRW"})
    taken = take_in(site, name, csv(row, head=("title", "price", "currency")))
    assert taken.gift.cost_of_lines == 5000
    with pytest.raises(WrongValues, match="its titles have costs in KRW"):
        do(site, presenting.cost, name, {"currency": "USD"})
    with pytest.raises(WrongValues, match="is no currency"):
        do(site, presenting.cost, name, {"currency": "won"[:2]})


def test_what_is_no_table_of_books_is_refused_with_what_to_do(site: Site) -> None:
    name = a_draft(site)
    with pytest.raises(UnsupportedFormat, match="send one of text/csv"):
        take_in(site, name, io.BytesIO(b"%PDF"), "application/pdf")
    with pytest.raises(Invalid, match="no row names the columns"):
        take_in(site, name, csv(("1", "2"), head=("a", "b")))
    with pytest.raises(Invalid, match="two columns for title"):
        take_in(site, name, csv(("1", "2"), head=("title", "書名")))


def test_an_import_records_and_offers_join_once(site: Site) -> None:
    name = a_draft(site)
    open_list(site)
    report = bring(site, a_record("Tree"), a_record("Sea"))
    with site.db.read() as conn:
        offers = list(conn.execute(sa.select(offer.c.public_id).order_by(offer.c.id)).scalars())
        records = list(conn.execute(sa.select(record.c.public_id).order_by(record.c.id)).scalars())
    first = do(site, filling_gifts.add, name, Chosen(offers=offers[:1], copies=3))
    assert (first.added, first.already, first.gift.volumes) == (1, 0, 3)
    second = do(site, filling_gifts.add, name, Chosen(batch=report.batch.public_id))
    assert (second.added, second.already) == (1, 1)
    third = do(site, filling_gifts.add, name, Chosen(records=records))
    assert (third.added, third.already, third.gift.titles) == (0, 2, 2)
    assert titles_of(site, name) == ["Tree", "Sea"]
    with pytest.raises(NotFound, match="there is no record 'x'"):
        do(site, filling_gifts.add, name, Chosen(records=["x"]))
    with pytest.raises(Invalid, match="say what is given"):
        do(site, filling_gifts.add, name, Chosen())
    with pytest.raises(WrongValues, match="copies"):
        do(site, filling_gifts.add, name, Chosen(records=records, copies=0))


def test_an_import_joins_only_when_it_is_committed(site: Site) -> None:
    name = a_draft(site)
    open_list(site)
    received = receive(site, a_file(a_record("Tree")), stage_only=True)
    work(site)
    chosen = Chosen(batch=received.batch.public_id)
    with pytest.raises(Conflict, match="is STAGED: it must be committed first"):
        do(site, filling_gifts.add, name, chosen)
    cataloguing.order_commit(site.db, received.batch.public_id, site.now())
    work(site)
    assert do(site, filling_gifts.add, name, chosen).added == 1


def test_a_book_that_is_in_it_twice_is_named_before_it_is_submitted(site: Site) -> None:
    name = a_draft(site)
    take_in(site, name, csv(("Tree", "Kim", "", "1", "", "", "")))
    work(site)
    row = presenting.lines(site.db, name)[0].record
    do(site, filling_gifts.add, name, Chosen(records=[row]))
    with pytest.raises(Conflict, match=r"line 1 \(Tree\): it is the same book as another line"):
        do(site, presenting.submit, name)
    do(site, filling_gifts.take_out, name, [2])
    assert do(site, presenting.submit, name).state is GiftState.SUBMITTED


def test_lines_are_changed_and_taken_out_while_it_is_a_draft(site: Site) -> None:
    name = with_titles(site, "Tree", "Sea")
    assert do(site, filling_gifts.change_line, name, 1, {"copies": 5}).volumes == 6
    with pytest.raises(NotFound, match="no line 9"):
        do(site, filling_gifts.change_line, name, 9, {"copies": 5})
    with pytest.raises(WrongValues, match="whole number"):
        do(site, filling_gifts.change_line, name, 1, {"copies": -1})
    with pytest.raises(NotFound, match="no line 7"):
        do(site, filling_gifts.take_out, name, [1, 7])
    do(site, filling_gifts.take_out, name, [1])
    do(site, presenting.submit, name)
    for late in (
        lambda: do(site, filling_gifts.take_out, name, [2]),
        lambda: do(site, filling_gifts.change_line, name, 2, {"copies": 5}),
        lambda: take_in(site, name, csv(("Sky",), head=("title",))),
        lambda: do(site, presenting.change, name, {"title": "Other"}),
    ):
        with pytest.raises(Conflict, match=r"is SUBMITTED.*possible: approve, reject, cancel"):
            late()


# --- where it stands ------------------------------------------------------------------------------


def test_an_empty_gift_cannot_be_submitted(site: Site) -> None:
    name = a_draft(site)
    with pytest.raises(Conflict, match="there is no title in it"):
        do(site, presenting.submit, name)
    assert at(site, name) is GiftState.DRAFT


def test_what_is_rejected_is_revised_and_submitted_again(site: Site) -> None:
    name = with_titles(site, "Tree")
    do(site, presenting.submit, name)
    with pytest.raises(Invalid, match="say why"):
        do(site, presenting.reject, name, reason=" ")
    do(site, presenting.reject, name, reason="too dear")
    with pytest.raises(Conflict, match="is REJECTED: it cannot be approved; possible: revise"):
        do(site, presenting.approve, name, "KIM Minji")
    assert do(site, presenting.revise, name).reason == "too dear"
    made = approved(site, name)
    assert (made.state, made.reason, made.approved_by) == (GiftState.APPROVED, "", "KIM Minji")


def test_nobody_approves_without_a_name(site: Site) -> None:
    name = with_titles(site, "Tree")
    do(site, presenting.submit, name)
    with pytest.raises(Invalid, match="say who approved it"):
        do(site, presenting.approve, name, "  ")
    with pytest.raises(Conflict, match="is SUBMITTED: it cannot be packed"):
        do(site, presenting.pack, name)


def test_whether_it_is_packed_or_gone_is_what_its_consignment_says(site: Site) -> None:
    name = with_titles(site, "Tree", "Sea")
    approved(site, name)
    number = do(site, presenting.pack, name).consignments[0].number
    with pytest.raises(Conflict, match="is PACKED: it cannot be packed; possible: dispatch"):
        do(site, presenting.pack, name)
    with pytest.raises(Conflict, match="is PACKED: it cannot be cancelled"):
        do(site, presenting.cancel, name)
    packing.cancel(site.db, number, by=HANA, now=site.now())
    assert at(site, name) is GiftState.APPROVED
    number = do(site, presenting.pack, name).consignments[0].number
    left(site, number)
    assert at(site, name) is GiftState.DISPATCHED
    dispatching.correct(site.db, number, reason="not yet", by=HANA, now=site.now())
    assert at(site, name) is GiftState.PACKED
    dispatching.dispatch(site.db, number, Posting(), by=HANA, now=site.now())
    dispatching.come_back(site.db, number, reason="refused", by=HANA, now=site.now())
    shown = presenting.find(site.db, name)
    assert shown.gift.state is GiftState.DISPATCHED  # its books wait as given, not to be given anew
    assert "came back" in shown.remarks[0]
    assert [each.state for each in presenting.list_gifts(site.db)] == [GiftState.DISPATCHED]
    assert presenting.list_gifts(site.db, states=[GiftState.APPROVED]) == []
    check(site)


def test_a_set_that_came_back_is_a_set_of_the_same_value_when_it_travels_again(site: Site) -> None:
    name = a_draft(site)
    take_in(site, name, csv(("A set", "Kim", "", "2", "3", "500", "")))
    work(site)
    approved(site, name)
    number = do(site, presenting.pack, name).consignments[0].number
    left(site, number)
    before = sent(site)
    assert before == [(site.now().year, "GIFT", "KRW", 1, 6, 1_000)]
    dispatching.come_back(site.db, number, reason="refused", by=HANA, now=site.now())
    with site.db.read() as conn:
        assert list(allocation_inputs.volumes_undispatched(conn).values()) == [6]
    again = packing.make_for(site.db, "hcmc", kind=TransferKind.GIFT, by=HANA, now=site.now())
    assert (again.titles, again.volumes) == (1, 6)
    left(site, again.number)
    assert sent(site) == before
    check(site)


def test_what_was_taken_out_of_its_consignment_is_packed_into_another(site: Site) -> None:
    name = with_titles(site, "Tree", "Sea", "Sky")
    approved(site, name)
    number = do(site, presenting.pack, name).consignments[0].number
    packing.take_out(site.db, number, [2], by=HANA, now=site.now())
    left(site, number)
    shown = presenting.find(site.db, name)
    assert shown.gift.state is GiftState.APPROVED
    assert "pack the others too" in shown.remarks[-1]
    with pytest.raises(Conflict, match=f"is in consignment {number}: it cannot be cancelled"):
        do(site, presenting.cancel, name)
    rest = do(site, presenting.pack, name).consignments[1].number
    assert [line.title for line in packing.find(site.db, rest).lines] == ["Sea"]
    left(site, rest)
    assert at(site, name) is GiftState.DISPATCHED
    assert sum(each[1] for each in entries(site)) == 3
    check(site)


def test_the_consignment_has_the_records_as_they_are_when_it_is_packed(site: Site) -> None:
    name = a_draft(site)
    open_list(site)
    report = bring(site, a_record("Tree", number="1"))
    do(site, filling_gifts.add, name, Chosen(batch=report.batch.public_id))
    approved(site, name)
    bring(site, a_record("Tree, mended", number="1"))
    number = do(site, presenting.pack, name).consignments[0].number
    (line,) = packing.find(site.db, number).lines
    with site.db.read() as conn:
        now = conn.execute(sa.select(record.c.current_version_id)).scalar()
    assert line.version_id == now


def test_two_at_one_gift_do_not_overwrite_each_other(site: Site) -> None:
    name = with_titles(site, "Tree")
    seen = presenting.find(site.db, name).gift.revision
    do(site, presenting.cost, name, {"budget_line": "A"}, seen=seen)
    with pytest.raises(Outdated, match="was changed since you looked at it"):
        do(site, presenting.cost, name, {"budget_line": "B"}, seen=seen)
    with pytest.raises(Outdated):
        do(site, presenting.submit, name, seen=seen)
    assert presenting.find(site.db, name).gift.budget_line == "A"


def test_two_who_pack_at_once_make_one_consignment(site: Site) -> None:
    name = with_titles(site, "Tree", "Sea")
    approved(site, name)
    results = at_once(*[lambda: do(site, presenting.pack, name)] * 2)
    assert sorted(type(each).__name__ for each in results) == ["Conflict", "Gift"]
    (carrier,) = presenting.find(site.db, name).gift.consignments
    assert len(packing.find(site.db, carrier.number).lines) == 2


def test_what_is_packed_and_cancelled_at_once_is_one_of_both(site: Site) -> None:
    name = with_titles(site, "Tree")
    approved(site, name)
    results = at_once(
        lambda: do(site, presenting.pack, name), lambda: do(site, presenting.cancel, name)
    )
    assert sorted(type(each).__name__ for each in results) == ["Conflict", "Gift"]
    found = presenting.find(site.db, name).gift
    assert (found.state is GiftState.PACKED) == bool(found.consignments)


def test_a_gift_goes_to_whoever_its_partner_was_merged_into(site: Site) -> None:
    name = with_titles(site, "Tree")
    approved(site, name)
    enrolling.add(site.db, "saigon", {"name": "Saigon"}, by=HANA, now=site.now())
    merging.merge(site.db, "hcmc", "saigon", by=HANA, now=site.now())
    made = do(site, presenting.pack, name)
    assert made.partner == "saigon"
    found = packing.find(site.db, made.consignments[0].number).consignment
    assert found.partner == "saigon"


def test_every_step_is_in_the_audit_log_with_its_reason(site: Site) -> None:
    name = with_titles(site, "Tree")
    do(site, presenting.submit, name)
    do(site, presenting.reject, name, reason="too dear")
    with site.db.read() as conn:
        found = conn.execute(
            sa.select(audit_entry.c.action, audit_entry.c.reason)
            .where(audit_entry.c.kind == "gift")
            .order_by(audit_entry.c.id)
        )
        rows = [tuple(row) for row in found]
    assert rows == [
        ("drafted", ""),
        ("titles added", ""),
        ("submitted", ""),
        ("rejected", "too dear"),
    ]


def test_a_cost_needs_its_currency_and_a_partner_must_be_there(site: Site) -> None:
    a_library(site)
    for wrong in ({"title": "Books", "cost": 5}, {"title": " "}, {"title": "B", "colour": 1}):
        with pytest.raises(WrongValues):
            presenting.draft(site.db, "hcmc", wrong, by=HANA, now=site.now())
    with pytest.raises(NotFound, match="no partner"):
        presenting.draft(site.db, "nobody", {"title": "Books"}, by=HANA, now=site.now())
    assert presenting.list_gifts(site.db) == []
