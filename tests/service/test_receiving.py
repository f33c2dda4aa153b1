"""What a partner says arrived: by the link on its slip, once; and all that follows from it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service.config import load
from service.domain import receipt as rules
from service.domain.claim import ClaimSide, ClaimState, Resolution
from service.domain.consignment import ConsignmentState, Line, NewLine, Service
from service.domain.receipt import Arrival, Channel, Outcome, Said
from service.errors import Conflict, Invalid, NotFound, Outdated, WrongValues
from service.store.tables import claim, consignment, receipt, receipt_line
from service.usecases import dispatching, packing, receiving, reminding, settling
from service.usecases.site import Site
from tests.service.at_once import at_once
from tests.service.consignment_scene import HANA
from tests.service.receipt_scene import (
    balance,
    claims_on,
    confirm,
    correct,
    days_pass,
    logged,
    packed,
    sent,
    the_partner,
    token,
    told,
)

_S = ConsignmentState


def a_line(position: int, copies: int) -> Line:
    return Line(
        position, None, "", True, None, "", None, f"Title {position}", copies, 1, 1, True, "",
        "4901", None, "", False,
    )  # fmt: skip


# --- the rules, without a database ----------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(-1, 7), st.integers(-1, 7)), min_size=1, max_size=6
    )
)
def test_a_receipt_is_taken_just_when_no_line_has_more_than_was_sent(
    figures: list[tuple[int, int, int]],
) -> None:
    lines = [a_line(n, copies) for n, (copies, _, _) in enumerate(figures, 1)]
    said = Said(tuple(Arrival(n, each[1], each[2]) for n, each in enumerate(figures, 1)))
    wrong = {
        f"lines.{n}"
        for n, (copies, arrived, damaged) in enumerate(figures, 1)
        if not 0 <= arrived <= copies or not 0 <= damaged <= arrived
    }
    if wrong:
        with pytest.raises(WrongValues) as refused:
            rules.checked(said, lines)
        assert {".".join(name.split(".")[:2]) for name, _ in refused.value.faults} == wrong
        return
    made = rules.checked(said, lines)
    short = sum(copies - arrived for copies, arrived, _ in figures)
    damaged = sum(each[2] for each in figures)
    expected = Outcome.SHORT if short else Outcome.DAMAGED if damaged else Outcome.COMPLETE
    assert rules.outcome(made, lines) is expected
    troubles = rules.troubles(made, lines)
    assert (sum(t.short for t in troubles), sum(t.damaged for t in troubles)) == (short, damaged)


# --- the link -------------------------------------------------------------------------------------


def test_a_link_opens_its_own_consignment_and_no_other(site: Site) -> None:
    one, two = sent(site), sent(site)
    mine, theirs = token(site, one), token(site, two)
    assert receiving.slip(site.db, site.settings, mine).consignment.number == one.number
    name, _, signature = mine.rpartition(".")
    for forged in (
        f"{two.public_id}.{signature}",
        f"{name}.{theirs.rpartition('.')[2]}",
        mine[:-1],
        f"{mine}x",
        name,
        one.public_id,
        one.number,
        "",
        "ä.ö",
        mine.lower(),
    ):
        with pytest.raises(NotFound, match="none of ours"):
            receiving.slip(site.db, site.settings, forged)
        with pytest.raises(NotFound):
            receiving.confirm_by_link(site.db, site.settings, forged, Said(), site.now())
    assert packing.find(site.db, one.number).consignment.state is _S.DISPATCHED


def test_a_link_made_under_an_earlier_key_opens_still_and_one_of_another_site_never(
    site: Site,
) -> None:
    found = sent(site)
    mine = token(site, found)
    folder = site.settings.data_dir
    turned = load(
        {}, data_dir=folder, secret_key="a newer key", secret_key_fallbacks=("a key for tests",)
    )
    assert receiving.slip(site.db, turned, mine).consignment.id == found.id
    assert receiving.token(turned, found.public_id) != mine
    other = load({}, data_dir=folder, secret_key="another site's key")
    with pytest.raises(NotFound):
        receiving.slip(site.db, other, mine)


def test_the_link_is_on_the_slip_as_a_qr_code_too(site: Site) -> None:
    found = sent(site)
    address = receiving.link(site.settings, found.public_id)
    assert address == f"{site.settings.base_url}/receipts/{token(site, found)}"
    drawn = receiving.qr_svg(address)
    assert drawn.startswith("<svg ")
    assert "style=" not in drawn
    assert "script" not in drawn
    assert drawn != receiving.qr_svg(address + "x")


# --- confirming -----------------------------------------------------------------------------------


def test_everything_arrived_is_one_click(site: Site) -> None:
    found = sent(site)
    days_pass(site, 20)
    made = confirm(site, found)
    assert made.consignment.state is _S.RECEIVED_COMPLETE
    assert (made.consignment.remind_at, made.consignment.presume_at) == (None, None)
    assert made.receipt is not None
    assert (made.receipt.channel, made.receipt.outcome) == (Channel.LINK, Outcome.COMPLETE)
    assert [tuple(each)[:3] for each in made.receipt.lines] == [(1, 2, 0), (2, 1, 0)]
    assert made.claims == []
    assert told(site)[-1] == "consignment.received"
    assert logged(site, "receipt") == [("packing slip", "entered", "")]


def test_short_and_damaged_lines_open_a_claim_each(site: Site) -> None:
    found = sent(site)
    made = confirm(site, found, Arrival(1, 1, 1), note="The box was wet.")
    assert made.consignment.state is _S.RECEIVED_SHORT
    opened = [
        (c.about.position, c.reason.value, c.copies, c.side, c.state, c.text) for c in made.claims
    ]
    rest = (1, ClaimSide.THEIRS, ClaimState.OPEN, "The box was wet.")
    assert opened == [(1, "SHORT", *rest), (1, "DAMAGED", *rest)]
    other = sent(site)
    assert confirm(site, other, Arrival(2, 1, 1)).consignment.state is _S.RECEIVED_DAMAGED


def test_a_receipt_for_more_than_was_sent_is_refused_with_line_and_figure(site: Site) -> None:
    found = sent(site)
    with pytest.raises(WrongValues) as refused:
        confirm(site, found, Arrival(1, 3), Arrival(2, 1, 2), Arrival(9, 1), Arrival(2, 1))
    assert [name for name, _ in refused.value.faults] == [
        "lines.1.arrived",
        "lines.2.damaged",
        "lines.9",
        "lines.2",
    ]
    assert "3 copies of Snow country are said to have arrived, but 2 were sent" in str(
        refused.value
    )
    assert receiving.find(site.db, found.number).receipt is None
    assert packing.find(site.db, found.number).consignment.state is _S.DISPATCHED
    assert logged(site, "receipt") == []


def test_what_was_said_stands_the_same_again_is_no_error_and_another_is_refused(site: Site) -> None:
    found = sent(site)
    confirm(site, found, Arrival(1, 1))
    again = receiving.confirm_by_link(
        site.db, site.settings, token(site, found), Said((Arrival(1, 1),)), site.now()
    )
    assert not again.new
    with pytest.raises(Conflict, match=r"was confirmed on .*: SHORT; the exchange librarian can"):
        confirm(site, found)
    assert len(claims_on(site, found)) == 1
    assert told(site, "consignment.received") == ["consignment.received"]


def test_two_clicks_at_once_are_one_receipt(site: Site) -> None:
    found = sent(site)
    given = token(site, found)

    def click(*lines: Arrival) -> object:
        return receiving.confirm_by_link(site.db, site.settings, given, Said(lines), site.now()).new

    results = at_once(lambda: click(Arrival(1, 1)), lambda: click(), lambda: click(Arrival(1, 1)))
    assert sum(each is True for each in results) == 1
    assert all(each in {True, False} or isinstance(each, Conflict) for each in results)
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(receipt)).scalar_one() == 1
        lines = conn.execute(sa.select(sa.func.count()).select_from(receipt_line)).scalar_one()
    assert lines == 2
    assert len(claims_on(site, found)) in {0, 1}


def test_what_has_not_left_or_came_back_is_not_confirmed(site: Site) -> None:
    waiting = packed(site)
    assert receiving.slip(site.db, site.settings, token(site, waiting)).too_early
    with pytest.raises(Conflict, match="is PACKED: it cannot be received"):
        confirm(site, waiting)
    back = sent(site)
    dispatching.come_back(site.db, back.number, reason="refused", by=HANA, now=site.now())
    shown = receiving.slip(site.db, site.settings, token(site, back))
    assert (shown.too_early, shown.receivable) == (False, False)
    assert [line.title for line in shown.lines] == ["Snow country", "A set"]
    with pytest.raises(Conflict, match="is RETURNED"):
        confirm(site, back)


def test_a_late_receipt_makes_what_was_presumed_confirmed(site: Site) -> None:
    found = sent(site, service=Service.AIR)
    days_pass(site, 91)
    assert reminding.remind(site.db, site.settings, site.now()) == 1
    assert packing.find(site.db, found.number).consignment.state is _S.PRESUMED_RECEIVED
    assert receiving.find(site.db, found.number).receipt is None
    made = confirm(site, found).consignment
    assert (made.state, made.closed_at) == (_S.RECEIVED_COMPLETE, site.now())


def test_the_day_of_a_receipt_is_between_the_dispatch_and_tomorrow(site: Site) -> None:
    found = sent(site)
    left = found.dispatched_on
    assert left is not None
    for day in (left - timedelta(days=1), left + timedelta(days=2), date(2049, 1, 1)):
        with pytest.raises(WrongValues, match="received_on"):
            confirm(site, found, received_on=day)
    made = confirm(site, found, received_on=left + timedelta(days=1)).receipt
    assert made is not None
    assert made.received_on == left + timedelta(days=1)


# --- the staff ------------------------------------------------------------------------------------


def test_the_staff_enters_a_receipt_and_says_how_it_was_learnt(site: Site) -> None:
    found = sent(site)
    with pytest.raises(Invalid, match="say why"):
        receiving.receive(site.db, found.number, Said(), by=HANA, now=site.now())
    made = receiving.receive(
        site.db,
        found.number,
        Said(received_by=" Ms  Ono "),
        reason="her letter",
        by=HANA,
        now=site.now(),
    )
    assert made.slip.receipt is not None
    assert made.slip.receipt.channel is Channel.STAFF
    assert made.slip.receipt.received_by == "Ms Ono"
    assert logged(site, "receipt") == [(HANA, "entered", "her letter")]


def test_a_correction_takes_the_claims_with_it(site: Site) -> None:
    found = sent(site)
    confirm(site, found, Arrival(1, 0), Arrival(2, 1, 1))
    with pytest.raises(Invalid, match="say why"):
        correct(site, found, reason=" ")
    made = correct(site, found, Arrival(1, 1))
    assert made.consignment.state is _S.RECEIVED_SHORT
    assert [(c.reason.value, c.copies, c.state, c.resolution) for c in made.claims] == [
        ("SHORT", 1, ClaimState.OPEN, None),
        ("DAMAGED", 1, ClaimState.RESOLVED, Resolution.ARRIVED),
    ]
    made = correct(site, found)
    assert made.consignment.state is _S.RECEIVED_COMPLETE
    assert {c.resolution for c in made.claims} == {Resolution.ARRIVED}
    again = correct(site, found, Arrival(2, 0))
    assert [(c.reason.value, c.state) for c in again.claims][2:] == [("SHORT", ClaimState.OPEN)]
    assert again.consignment.state is _S.RECEIVED_SHORT
    assert [each[1] for each in logged(site, "receipt")] == ["entered", *["corrected"] * 3]


def test_a_correction_does_not_pass_over_what_was_settled(site: Site) -> None:
    found = sent(site)
    confirm(site, found, Arrival(1, 1))
    (made,) = claims_on(site, found)
    whole = (2, 5, 2_000)
    settling.resolve(site.db, made.public_id, Resolution.CREDITED, by=HANA, now=site.now())
    assert balance(site) == (2, 4, 1_000)
    with pytest.raises(Conflict, match=f"settled with claim {made.public_id}.*open that again"):
        correct(site, found)
    settling.reopen(site.db, made.public_id, "it was there", by=HANA, now=site.now())
    assert balance(site) == whole
    correct(site, found)
    assert claims_on(site, found)[0].resolution is Resolution.ARRIVED
    assert balance(site) == whole


def test_who_looked_at_an_older_version_corrects_nothing(site: Site) -> None:
    found = sent(site)
    seen = confirm(site, found).consignment.revision
    correct(site, found, Arrival(1, 1))
    with pytest.raises(Outdated):
        receiving.correct(
            site.db, found.number, Said(), reason="late", seen=seen, by=HANA, now=site.now()
        )
    with pytest.raises(NotFound, match="nobody confirmed"):
        correct(site, sent(site))


def test_a_partner_confirms_its_own_alone(site: Site) -> None:
    found = sent(site)
    other = the_partner(site, "ara")
    with pytest.raises(NotFound):
        receiving.receive(
            site.db, found.number, Said(), partner=other, by="partner:ara", now=site.now()
        )
    with pytest.raises(NotFound):
        receiving.find(site.db, found.number, other)
    me = the_partner(site)
    made = receiving.receive(
        site.db, found.number, Said(), partner=me, by="partner:nagasaki", now=site.now()
    )
    assert made.new
    assert made.slip.receipt is not None
    assert made.slip.receipt.channel is Channel.API


# --- killed ---------------------------------------------------------------------------------------


class _Killed(Exception):
    """The process died."""


def _killed_behind(site: Site, number: int, given: str, said: Said) -> bool:
    """Confirm, and die behind so many statements; return whether it came to the end."""
    passed = 0

    def fail(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed > number:
            raise _Killed

    sa.event.listen(site.db.engine, "before_cursor_execute", fail)
    try:
        receiving.confirm_by_link(site.db, site.settings, given, said, site.now())
        return True
    except _Killed:
        return False
    finally:
        sa.event.remove(site.db.engine, "before_cursor_execute", fail)


def test_killed_behind_any_statement_a_receipt_is_whole_or_not_there(site: Site) -> None:
    found = sent(site, [NewLine("A", 2)])
    given, said = token(site, found), Said((Arrival(1, 1),))

    def counts() -> tuple[int, ...]:
        with site.db.read() as conn:
            return tuple(
                conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                for table in (receipt, receipt_line, claim)
            )

    number = 0
    while not _killed_behind(site, number, given, said):
        assert counts() == (0, 0, 0)
        assert told(site, "consignment.received") == []
        number += 3
    assert number > 20
    assert counts() == (1, 1, 1)
    with site.db.read() as conn:
        assert conn.execute(sa.select(consignment.c.state)).scalar_one() == _S.RECEIVED_SHORT.value
    assert balance(site) == (1, 2, 0)
