"""Balances, opening balances, corrections by people, and what would restore parity."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import balance, table_file
from service.domain.agreement import BalanceBasis
from service.domain.agreement_bounds import Bounds
from service.domain.balance import Offered, Reader, Side, Total
from service.domain.ledger import Direction, Entry, Event, Figures, Material, Right
from service.domain.opening_balance import Opening
from service.domain.table_import import TakenIn
from service.domain.transfer import TransferKind
from service.domain.wish_sheet import XLSX
from service.errors import Conflict, Invalid, NotFound, UnsupportedFormat
from service.store import audit_log, ledger
from service.store.db import Database
from service.store.tables import offer, offer_list
from service.usecases import accounting, carrying_forward, enrolling, membership, merging
from service.usecases.carrying_forward import RowOutcome
from service.usecases.site import Site
from tests.service.allocation_scene import Scene, a_scene

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WHO = "staff:kim"
HEADINGS = "partner,year,direction,kind,titles,volumes,value,currency,note\n"


@pytest.fixture
def scene(site: Site) -> Scene:
    return a_scene(site)


def partners(db: Database, *codes: str) -> None:
    for code in codes:
        membership.add_partner(db, code=code, name=code, now=NOW)


def an_opening(**more: Any) -> Opening:
    values: dict[str, Any] = {
        "partner": "nagasaki",
        "year": 2023,
        "direction": Direction.SENT,
        "kind": TransferKind.GIFT,
        "figures": Figures(0, 120),
    }
    return Opening(**{**values, **more})


def take_in(db: Database, rows: str, *, dry_run: bool = False) -> TakenIn:
    stream = io.BytesIO((HEADINGS + rows).encode())
    return carrying_forward.take_in(db, stream, "text/csv", dry_run=dry_run, by=WHO, now=NOW)


def happened(
    db: Database, code: str, direction: Direction, figures: Figures, **more: Any
) -> list[str]:
    """Let books have gone to or come from a partner."""
    with db.write() as conn:
        partner_id = enrolling.known_partner(conn, code).id
        event = Event.DISPATCH if direction is Direction.SENT else Event.ACCESSION
        entry = Entry(
            partner_id,
            direction,
            TransferKind.EXCHANGE,
            event,
            more.pop("key", "E1"),
            date(2026, 1, 2),
            figures.titles,
            figures.volumes,
            value=figures.value,
            **more,
        )
        return ledger.write(conn, [entry], by=WHO, now=NOW)


# --- where a balance stands -----------------------------------------------------------------------

_totals = st.builds(Total, st.integers(0, 99), st.integers(0, 99), st.just({"KRW": 5}))


@given(_totals, _totals, st.sampled_from([BalanceBasis.PIECE, BalanceBasis.VOLUME]), st.integers(0))
def test_both_sides_of_a_balance_mirror_each_other(
    sent: Total, received: Total, basis: BalanceBasis, tolerance: int
) -> None:
    [ours] = balance.bands(sent, received, basis, tolerance)
    [theirs] = balance.bands(received, sent, basis, tolerance)
    assert ours.difference == -theirs.difference
    assert ours.within == theirs.within
    assert ours.may_be_sent == theirs.may_be_received
    owed = {None: None, Side.PARTNER: Side.LIBRARY, Side.LIBRARY: Side.PARTNER}
    assert ours.owed_by is owed[theirs.owed_by]
    # What may still be sent leads just to the bound and not beyond it.
    if ours.within:
        at_most = sent.volumes + (ours.may_be_sent or 0)
        more = Total(sent.titles + (ours.may_be_sent or 0), at_most, {})
        [full] = balance.bands(more, received, basis, tolerance)
        assert full.within
        assert full.difference == tolerance


def test_values_in_several_currencies_are_not_added_and_no_tolerance_bounds_them() -> None:
    line = balance.Line(
        2025, Direction.SENT, TransferKind.GIFT, Material.BOOK, False, "KRW", Figures(1, 1, 9000)
    )
    lines = [line, line._replace(currency="EUR", figures=Figures(1, 1, 700))]
    terms = Bounds("01", BalanceBasis.VALUE, tolerance=800)
    alone = balance.balance("nagasaki", lines[:1], terms)
    assert [(each.currency, each.within) for each in alone.bands] == [("KRW", False)]
    both = balance.balance("nagasaki", lines, terms)
    assert [(each.currency, each.difference, each.within) for each in both.bands] == [
        ("EUR", 700, None),
        ("KRW", 9000, None),
    ]
    assert "several currencies" in balance.told(both, Reader.its_own())[-1]


def test_both_readers_are_told_the_same_figures_and_who_gave_what() -> None:
    line = balance.Line(
        2025, Direction.SENT, TransferKind.GIFT, Material.BOOK, False, "", Figures(1000, 1200)
    )
    found = balance.balance("hcmc", [line], Bounds("01", BalanceBasis.VOLUME, tolerance=300))
    sent, received, band = balance.told(found, Reader.its_own())
    assert sent == "Sent by the library to you: 1,000 titles in 1,200 volumes."
    assert received == "Received by the library from you: nothing."
    assert band == (
        "Counted in volumes, 1,200 volumes more went from the library to you than came back: "
        "beyond the 300 volumes that the agreement tolerates."
    )
    staff = balance.told(found, Reader.staff("hcmc"))
    assert staff[0] == "Sent by us to hcmc: 1,000 titles in 1,200 volumes."
    assert "1,200 volumes more went from us to hcmc than came back" in staff[2]


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), max_size=8),
    st.integers(1, 30),
    st.integers(1, 5),
)
def test_what_is_proposed_is_enough_or_all_there_is_and_never_a_copy_too_many(
    offers: Sequence[tuple[int, int]], owed: int, most: int
) -> None:
    line = balance.Line(
        2025, Direction.RECEIVED, TransferKind.EXCHANGE, Material.BOOK, False, "", Figures(0, owed)
    )
    found = balance.balance("nagasaki", [line], Bounds("01", BalanceBasis.VOLUME, tolerance=0))
    given_ = [Offered(str(n), "T", *each, "") for n, each in enumerate(offers)]
    parity = balance.parity(found, given_, most)
    counted = sum(each.counts or 0 for each in parity.titles)
    assert parity.missing == max(0, owed - counted)
    assert len(parity.titles) <= most
    if parity.missing:
        assert len(parity.titles) == min(most, len(offers))
        assert all(each.copies == offers[n][0] for n, each in enumerate(parity.titles))
    if parity.titles:
        last = parity.titles[-1]
        assert counted - last.volumes < owed  # without its last copy it would not be enough


# --- of a partner ---------------------------------------------------------------------------------


def test_a_balance_is_kept_by_the_agreement_in_force(scene: Scene) -> None:
    db, now = scene.site.db, scene.site.now()
    scene.agree("nagasaki", basis=BalanceBasis.VOLUME, tolerance=20)
    scene.partner("busan")
    happened(db, "nagasaki", Direction.SENT, Figures(10, 30))
    happened(db, "nagasaki", Direction.RECEIVED, Figures(4, 5))
    [band] = accounting.show(db, "nagasaki", now).bands
    assert (band.counted, band.difference, band.owed_by, band.within) == (
        "volumes",
        25,
        Side.PARTNER,
        False,
    )
    assert (band.may_be_sent, band.may_be_received) == (0, 45)
    assert [each.partner_code for each in accounting.list_balances(db, now)] == [
        "busan",
        "nagasaki",
    ]
    assert accounting.list_balances(db, now)[1] == accounting.show(db, "nagasaki", now)
    assert accounting.list_balances(db, now, "busan", 1)[0].partner_code == "nagasaki"
    nobody = accounting.show(db, "busan", now)
    assert nobody.sent == nobody.received == Total(0, 0, {})
    with pytest.raises(NotFound):
        accounting.show(db, "nowhere", now)


def test_a_balance_counts_what_went_to_an_entry_that_was_merged_into_it(db: Database) -> None:
    partners(db, "ubc", "ulaanbaatar")
    happened(db, "ubc", Direction.SENT, Figures(1, 2))
    carrying_forward.enter(db, an_opening(partner="ulaanbaatar"), by=WHO, now=NOW)
    before = accounting.show(db, "ulaanbaatar", NOW)
    merging.merge(db, "ubc", "ulaanbaatar", by=WHO, now=NOW)
    after = accounting.show(db, "ulaanbaatar", NOW)
    assert (before.sent.volumes, after.sent.volumes) == (120, 122)
    assert [each.sent for each in accounting.list_balances(db, NOW)] == [after.sent]


# --- putting right --------------------------------------------------------------------------------


def test_a_wrong_figure_is_taken_back_and_the_right_one_counts_in_its_place(db: Database) -> None:
    partners(db, "nagasaki")
    [name] = happened(db, "nagasaki", Direction.SENT, Figures(10, 12, 500), currency="EUR")
    back, right = accounting.counter(
        db, name, reason="  One parcel\nwas left  ", instead=Right(volumes=11), by=WHO, now=NOW
    )
    assert (back.counters, back.titles, back.volumes, back.value) == (name, -10, -12, -500)
    assert (right.event_key, right.titles, right.volumes, right.value) == ("E1#2", 10, 11, 500)
    assert back.reason == right.reason == "One parcel was left"
    assert (back.on_date, right.on_date) == (date(2026, 1, 2), date(2026, 1, 2))
    assert accounting.show_entry(db, name).countered_by == back.public_id
    assert accounting.show(db, "nagasaki", NOW).sent == Total(10, 11, {"EUR": 500})
    accounting.counter(db, right.public_id, reason="All of it", by=WHO, now=NOW)
    assert accounting.show(db, "nagasaki", NOW).sent == Total(0, 0, {})
    assert accounting.show(db, "nagasaki", NOW).lines == ()
    with db.read() as conn:
        kept = audit_log.listed(conn, kind="ledger")
    assert [(each.name, each.reason) for each in kept] == [
        (right.public_id, "All of it"),
        (name, "One parcel was left"),
    ]


def test_a_correction_says_why_and_is_one(db: Database) -> None:
    partners(db, "nagasaki")
    [name] = happened(db, "nagasaki", Direction.SENT, Figures(10, 12))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"reason": " "}, "reason"),
        ({"reason": "R", "instead": Right(titles=10)}, ""),
        ({"reason": "R", "instead": Right(titles=13)}, "volumes"),
        ({"reason": "R", "instead": Right(value=5)}, "currency"),
    ]
    for given_, field in wrong:
        with pytest.raises(Invalid) as caught:
            accounting.counter(db, name, **given_, by=WHO, now=NOW)
        assert caught.value.field == field
    with pytest.raises(NotFound):
        accounting.counter(db, "01JZ0000000000000000000000", reason="R", by=WHO, now=NOW)
    assert len(accounting.list_entries(db, "nagasaki")) == 1


# --- opening balances -----------------------------------------------------------------------------


def test_an_opening_balance_is_entered_once_and_another_figure_is_refused(db: Database) -> None:
    partners(db, "nagasaki")
    made, is_new = carrying_forward.enter(db, an_opening(note="Report"), by=WHO, now=NOW)
    assert is_new
    assert (made.on_date, made.event, made.reason) == (date(2023, 12, 31), Event.OPENING, "Report")
    again, is_new = carrying_forward.enter(db, an_opening(), by=WHO, now=NOW)
    assert (again.public_id, is_new) == (made.public_id, False)
    other = an_opening(figures=Figures(0, 130))
    with pytest.raises(Conflict, match=f"ledger counter {made.public_id} --reason"):
        carrying_forward.enter(db, other, by=WHO, now=NOW)
    accounting.counter(db, made.public_id, reason="Misread", by=WHO, now=NOW)
    right, is_new = carrying_forward.enter(db, other, by=WHO, now=NOW)
    assert is_new
    assert carrying_forward.enter(db, other, by=WHO, now=NOW) == (right, False)
    [line] = accounting.show(db, "nagasaki", NOW).lines
    assert (line.opening, line.year, line.figures) == (True, 2023, Figures(0, 130))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"year": 2027}, "year"),
        ({"year": 1600}, "year"),
        ({"figures": Figures(0, 0)}, "volumes"),
        ({"figures": Figures(5, 4)}, "volumes"),
        ({"figures": Figures(1, 1, 5)}, "currency"),
        ({"note": "x" * 501}, "note"),
    ],
)
def test_an_opening_balance_that_cannot_be_is_refused(
    sqlite_url: str, wrong: dict[str, Any], field: str
) -> None:
    db = Database(sqlite_url)
    partners(db, "nagasaki")
    with pytest.raises(Invalid) as caught:
        carrying_forward.enter(db, an_opening(**wrong), by=WHO, now=NOW)
    assert caught.value.field == field
    db.close()


TABLE = """nagasaki,2019,sent,gift,100,120,,,Annual report
nagasaki,2019,received,gift,,80,120.50,eur,
hcmc,2020,sent,exchange,10,10,5000,KRW,
"""


def test_a_table_of_opening_balances_is_taken_in_once(db: Database) -> None:
    partners(db, "nagasaki", "hcmc")
    assert take_in(db, TABLE, dry_run=True).counts[RowOutcome.ENTERED] == 3
    assert accounting.list_entries(db, "nagasaki") == []
    assert take_in(db, TABLE).counts[RowOutcome.ENTERED] == 3
    taken = take_in(db, TABLE)
    assert (taken.counts[RowOutcome.UNCHANGED], taken.rejected) == (3, ())
    found = accounting.show(db, "nagasaki", NOW)
    assert found.sent == Total(100, 120, {})
    assert found.received == Total(0, 80, {"EUR": 12050})
    assert all(each.opening for each in found.lines)


def test_rows_that_are_wrong_come_back_with_reasons_and_the_others_are_in(db: Database) -> None:
    partners(db, "nagasaki", "old")
    merging.merge(db, "old", "nagasaki", by=WHO, now=NOW)
    carrying_forward.enter(db, an_opening(), by=WHO, now=NOW)
    taken = take_in(
        db,
        "nagasaki,2018,sent,gift,1,1,,,\n"
        "nowhere,2018,sent,gift,1,1,,,\n"
        "old,2018,sent,gift,1,1,,,\n"
        ',20x8,lent,present,"1,000",-1,5,EURO,\n'
        "nagasaki,2018,received,gift,1,1,5,,\n"
        "nagasaki,2018,received,gift,1,1,5.001,EUR,\n"
        "nagasaki,2018,sent,gift,2,2,,,\n"
        "nagasaki,2023,sent,gift,1,1,,,\n"
        "nagasaki,2017,sent,gift,1,1,,,=note,more\n",
    )
    assert taken.counts == {
        RowOutcome.ENTERED: 1,
        RowOutcome.UNCHANGED: 0,
        RowOutcome.REJECTED: 8,
    }
    faults = {each.row.number: [fault.field for fault in each.faults] for each in taken.rejected}
    assert faults == {
        3: ["partner"],
        4: ["partner"],
        5: ["currency", "partner", "year", "direction", "kind", "titles", "volumes"],
        6: ["value"],
        7: ["value"],
        8: [""],
        9: [""],
        10: [""],
    }
    reasons = {each.row.number: each.faults[0].reason for each in taken.rejected}
    assert "merged into 'nagasaki'" in reasons[4]
    assert "row 2 is about the same" in reasons[8]
    assert "take it back first" in reasons[9]
    returned = list(taken.returned())
    assert returned[0] == ["row", "column", "reason", *HEADINGS.strip().split(",")]
    assert returned[-1][-1] == "'=note"
    # Mended, what came back goes in.
    mended = [[*returned[1][3:], ""], [*returned[5][3:-1], ""]]
    mended[0][0], mended[1][6] = "nagasaki", "5.00"
    mended[0][1] = "2016"
    rows = "".join(table_file.csv_lines(each[:9] for each in mended))
    assert take_in(db, rows).counts[RowOutcome.ENTERED] == 2


def test_a_spreadsheet_of_opening_balances_is_read_like_csv(db: Database) -> None:
    partners(db, "nagasaki", "hcmc")
    lines = [row.split(",") for row in (HEADINGS + TABLE).strip().split("\n")]
    stream = io.BytesIO(table_file.xlsx(lines, "Balances"))
    taken = carrying_forward.take_in(db, stream, XLSX, by=WHO, now=NOW)
    assert taken.counts[RowOutcome.ENTERED] == 3
    assert take_in(db, TABLE).counts[RowOutcome.UNCHANGED] == 3


@pytest.mark.parametrize(
    ("octets", "media_type", "kind"),
    [
        (b"partner,year\nnagasaki,2019\n", "text/csv", Invalid),
        (b"partner,year,year,direction,kind,titles,volumes\n", "text/csv", Invalid),
        (b'partner,year,direction,kind,titles,volumes\n"open', "text/csv", Invalid),
        (b"{}", "application/json", UnsupportedFormat),
    ],
    ids=["missing", "twice", "open quote", "json"],
)
def test_what_is_no_such_table_is_refused_as_a_whole(
    sqlite_url: str, octets: bytes, media_type: str, kind: type[Exception]
) -> None:
    db = Database(sqlite_url)
    with pytest.raises(kind):
        carrying_forward.take_in(db, io.BytesIO(octets), media_type, by=WHO, now=NOW)
    db.close()


# --- what would restore parity --------------------------------------------------------------------


def test_where_we_owe_what_is_wished_for_is_proposed_first(scene: Scene) -> None:
    db, now = scene.site.db, scene.site.now()
    scene.agree("nagasaki", basis=BalanceBasis.VOLUME, tolerance=2)
    scene.titles("A set", "A book", "Gone", volumes=3)
    scene.titles("Elsewhere", "Unwished", volumes=1, slug="earlier")
    scene.set(offer, offer.c.id == scene.offers["Gone"], allocated=1)
    scene.set(offer_list, offer_list.c.slug == "earlier", state="OPEN")
    scene.wish("nagasaki", "A book", "Gone")
    scene.wish("nagasaki", "A set")
    scene.wish("other", "Elsewhere")
    happened(db, "nagasaki", Direction.RECEIVED, Figures(5, 7))
    parity = accounting.show_parity(db, "nagasaki", now)
    assert (parity.given_by, parity.needed, parity.missing) == (Side.LIBRARY, 7, 0)
    assert [(each.title, each.counts, each.why) for each in parity.titles] == [
        ("A book", 3, "it is wished for"),
        ("A set", 3, "it is wished for"),
        ("Unwished", 1, "it is offered to this partner"),
    ]
    one = accounting.show_parity(db, "nagasaki", now, most=1)
    assert (len(one.titles), one.missing) == (1, 4)


def test_what_may_not_go_there_or_went_before_is_not_proposed(scene: Scene) -> None:
    db, now = scene.site.db, scene.site.now()
    scene.agree("nagasaki", basis=BalanceBasis.PIECE)
    scene.partner("nagasaki", place="JP")
    scene.titles("Kept", "Fine", slug="earlier")
    scene.received("nagasaki", 1)  # what is offered on the earlier list was given before
    scene.set(offer_list, offer_list.c.slug == "earlier", state="OPEN")
    scene.set(offer, offer.c.id == scene.offers["Kept"], not_to="KP JP")
    happened(db, "nagasaki", Direction.RECEIVED, Figures(5, 7))
    parity = accounting.show_parity(db, "nagasaki", now)
    assert [each.title for each in parity.titles] == ["Fine"]


def test_where_we_are_owed_what_the_partner_offers_is_proposed(scene: Scene) -> None:
    db, now = scene.site.db, scene.site.now()
    scene.agree("nagasaki", basis=BalanceBasis.PIECE, tolerance=0)
    scene.titles("Theirs", "Theirs too", copies=2, slug="earlier")
    which = offer_list.c.slug == "earlier"
    scene.set(offer_list, which, state="OPEN", offered_by=scene.partner("nagasaki").id)
    happened(db, "nagasaki", Direction.SENT, Figures(3, 3))
    parity = accounting.show_parity(db, "nagasaki", now)
    assert (parity.given_by, parity.needed, parity.missing) == (Side.PARTNER, 3, 1)
    assert {(each.title, each.copies, each.counts) for each in parity.titles} == {
        ("Theirs", 1, 1),
        ("Theirs too", 1, 1),
    }


def test_nothing_is_proposed_where_no_balance_is_kept(scene: Scene) -> None:
    scene.partner("nagasaki")
    happened(scene.site.db, "nagasaki", Direction.SENT, Figures(3, 3))
    parity = accounting.show_parity(scene.site.db, "nagasaki", scene.site.now())
    assert (parity.given_by, parity.titles) == (None, ())
