"""Claims: opened, told, answered and settled; the balance counts what arrived, once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service.domain import claim as rules
from service.domain.claim import (
    TRANSITIONS,
    About,
    Claim,
    ClaimAction,
    ClaimReason,
    ClaimSide,
    ClaimState,
    Resolution,
    after,
    possible,
)
from service.domain.consignment import ConsignmentState, Line, NewLine
from service.domain.dispatch import shares
from service.domain.receipt import Arrival
from service.errors import Conflict, Forbidden, Invalid, NotFound, Outdated
from service.store.tables import transfer
from service.usecases import claiming, dispatching, packing, settling
from service.usecases.site import Site
from tests.service.at_once import at_once
from tests.service.consignment_scene import HANA, allocated, check, closed, entries
from tests.service.consignment_scene import packed as all_packed
from tests.service.receipt_scene import (
    a_claim,
    balance,
    claims_on,
    confirm,
    days_pass,
    leave,
    logged,
    sent,
    the_partner,
    told,
)

_R, _S = ClaimReason, ClaimState

# --- the rules, without a database ----------------------------------------------------------------


@pytest.mark.parametrize("side", ClaimSide)
@pytest.mark.parametrize("action", ClaimAction)
def test_an_impossible_step_says_where_it_stands_and_what_is_possible(
    side: ClaimSide, action: ClaimAction
) -> None:
    for state in ClaimState:
        if action in possible(side, state):
            assert state in TRANSITIONS[action][0]
            assert after(action, side, state) is TRANSITIONS[action][1]
        else:
            with pytest.raises(Conflict, match=f"is {state}: it cannot be .*possible: "):
                after(action, side, state)


def _line(position: int, version: int | None, copies: int, volumes: int, value: int | None) -> Line:
    currency = "KRW" if value is not None else ""
    return Line(
        position, None, "", True, None, "", version, "A", copies, volumes, 1, True, "", "4901",
        value, currency, False,
    )  # fmt: skip


_LINES = st.lists(
    st.tuples(
        st.sampled_from([None, 1, 2]),
        st.integers(1, 4),
        st.integers(1, 3),
        st.sampled_from([None, 0, 500]),
    ),
    min_size=1,
    max_size=5,
).map(lambda rows: [_line(n, *row) for n, row in enumerate(rows, 1)])


@given(_LINES, st.data())
def test_all_copies_credited_one_after_the_other_are_just_what_was_sent(
    lines: Sequence[Line], data: st.DataObject
) -> None:
    gone: dict[int, int] = {}
    total = [0, 0, 0]
    left = [line.position for line in lines for _ in range(line.copies)]
    for position in data.draw(st.permutations(left)):
        for share in rules.credit(lines, gone, {position: 1}):
            assert share.volumes >= share.titles >= 0
            total = [total[0] + share.titles, total[1] + share.volumes, total[2] + share.value]
        gone[position] = gone.get(position, 0) + 1
    whole = shares(lines)
    assert total == [
        sum(each.titles for each in whole),
        sum(each.volumes for each in whole),
        sum(each.value for each in whole),
    ]


# --- opening --------------------------------------------------------------------------------------


def _open(site: Site, name: str, reason: ClaimReason = _R.NOT_ARRIVED, **given: object) -> Claim:
    return claiming.open_on_consignment(
        site.db,
        name,
        reason,
        by="partner:nagasaki",
        now=site.now(),
        **given,  # type: ignore[arg-type]
    )


def test_a_partner_claims_its_own_and_no_more_than_was_sent(site: Site) -> None:
    found = sent(site)
    me, other = the_partner(site), the_partner(site, "ara")
    made = _open(site, found.number, _R.WRONG_ITEM, position=1, copies=1, text="Blue", partner=me)
    assert (made.side, made.state, made.title) == (ClaimSide.THEIRS, _S.OPEN, "Snow country")
    with pytest.raises(Conflict, match=f"claimed already, with claim {made.public_id}"):
        _open(site, found.number, _R.WRONG_ITEM, position=1, copies=1)
    with pytest.raises(Invalid, match=r"2 were sent, and 1 of them are in a claim already"):
        _open(site, found.number, _R.DAMAGED, position=1)
    with pytest.raises(NotFound, match="has no line 9"):
        _open(site, found.number, position=9)
    with pytest.raises(Invalid, match="only NOT_ARRIVED"):
        _open(site, found.number, _R.DAMAGED)
    for name in (found.number, "2049-0001"):
        with pytest.raises(NotFound):
            _open(site, name, position=1, partner=other)
    with pytest.raises(NotFound):
        claiming.find(site.db, made.public_id, other)
    assert claiming.list_claims(site.db, partner=other) == []
    assert [each.public_id for each in claiming.list_claims(site.db, partner=me)] == [
        made.public_id
    ]


def test_nothing_is_claimed_of_what_has_not_left(site: Site) -> None:
    scene = allocated(site, "A")
    found = all_packed(site)
    with pytest.raises(Conflict, match="is PACKED"):
        _open(site, found.number)
    with pytest.raises(NotFound):
        _open(site, found.number, partner=scene.partner("nagasaki"))


def test_of_claims_opened_at_once_one_is_opened(site: Site) -> None:
    found = sent(site)
    results = at_once(*[lambda: _open(site, found.number, _R.DAMAGED, position=1, copies=1)] * 3)
    assert sum(isinstance(each, Claim) for each in results) == 1
    assert all(isinstance(each, Claim | Conflict | Invalid) for each in results), results


def test_nothing_arrived_is_settled_by_the_receipt_that_comes_after_all(site: Site) -> None:
    found = sent(site)
    whole = _open(site, found.number, text="Nothing yet")
    assert (whole.about.position, whole.copies) == (None, 3)
    confirm(site, found, Arrival(2, 0))
    first, second = claims_on(site, found)
    assert (first.state, first.resolution) == (_S.RESOLVED, Resolution.ARRIVED)
    assert (second.reason, second.about.position) == (_R.SHORT, 2)
    with pytest.raises(Conflict, match="say which line"):
        _open(site, found.number)


# --- ours -----------------------------------------------------------------------------------------


def _ours(site: Site) -> Claim:
    me = the_partner(site)
    with site.db.write() as conn:
        made = claiming.open_claim(
            conn, me.id, _R.NOT_ARRIVED, side=ClaimSide.OURS, text="No. 3", by=HANA, now=site.now()
        )
    return claiming.find(site.db, made)


def test_a_claim_of_ours_goes_its_way(site: Site) -> None:
    me = the_partner(site)
    made = _ours(site)
    with pytest.raises(NotFound):  # it was not sent
        claiming.find(site.db, made.public_id, me)
    out = claiming.send(site.db, made.public_id, by=HANA, now=site.now())
    assert (out.state, out.due_at) == (_S.SENT, site.now() + rules.INTERVAL)
    assert claiming.list_claims(site.db, due=site.now()) == []
    days_pass(site, 60)
    assert len(claiming.list_claims(site.db, due=site.now())) == 1
    claiming.send(site.db, made.public_id, by=HANA, now=site.now())
    said = claiming.answer(
        site.db, made.public_id, "On its way", partner=me, by="partner:nagasaki", now=site.now()
    )
    assert (said.state, said.answer, said.due_at) == (_S.ANSWERED, "On its way", None)
    with pytest.raises(Conflict, match="is ANSWERED: it cannot be sent; possible: answer, resolve"):
        claiming.send(site.db, made.public_id, by=HANA, now=site.now())
    end = settling.resolve(
        site.db, made.public_id, Resolution.RESENT, by=HANA, now=site.now(), seen=said.revision
    )
    assert (end.state, end.resolution, end.closed_at) == (
        _S.RESOLVED, Resolution.RESENT, site.now(),
    )  # fmt: skip
    assert told(site) == ["claim.sent", "claim.sent", "claim.changed"]
    assert [each[1] for each in logged(site, "claim")] == [
        "opened", "sent", "sent", "answered", "resolved",
    ]  # fmt: skip
    assert entries(site) == []


def test_who_looked_at_an_older_version_changes_nothing(site: Site) -> None:
    made = _ours(site)
    claiming.send(site.db, made.public_id, by=HANA, now=site.now())
    with pytest.raises(Outdated):
        claiming.close(site.db, made.public_id, "so", seen=made.revision, by=HANA, now=site.now())


def test_a_partner_does_not_answer_its_own_claim_and_nobody_sends_it(site: Site) -> None:
    made = a_claim(site, sent(site))
    me = the_partner(site)
    with pytest.raises(Forbidden, match="the other library answers"):
        claiming.answer(
            site.db, made.public_id, "yes", partner=me, by="partner:nagasaki", now=site.now()
        )
    with pytest.raises(Conflict, match="cannot be sent"):
        claiming.send(site.db, made.public_id, by=HANA, now=site.now())


def test_closed_without_a_result_says_why(site: Site) -> None:
    made = a_claim(site, sent(site))
    with pytest.raises(Invalid, match="say why"):
        claiming.close(site.db, made.public_id, " ", by=HANA, now=site.now())
    end = claiming.close(site.db, made.public_id, "no answer", by=HANA, now=site.now())
    assert (end.state, end.resolution) == (_S.CLOSED_UNRESOLVED, None)
    assert logged(site, "claim")[-1] == (HANA, "closed", "no answer")


# --- settling -------------------------------------------------------------------------------------


def _resolve(
    site: Site, made: Claim, how: Resolution, *, text: str = "", consignment: str = ""
) -> Claim:
    return settling.resolve(
        site.db,
        made.public_id,
        how,
        text=text,
        consignment=consignment,
        by=HANA,
        now=site.now(),
    )


def test_credited_copies_are_off_the_balance_and_written_off_ones_leave_a_note(site: Site) -> None:
    found = sent(site)
    assert balance(site) == (2, 5, 2_000)
    confirm(site, found, Arrival(1, 1, 1), Arrival(2, 0))
    short, damaged, title = claims_on(site, found)
    assert [each.reason for each in (short, damaged, title)] == [_R.SHORT, _R.DAMAGED, _R.SHORT]
    with pytest.raises(Invalid, match="say it in a sentence"):
        _resolve(site, damaged, Resolution.WRITTEN_OFF)
    assert _resolve(site, damaged, Resolution.WRITTEN_OFF, text="a stain").answer == "a stain"
    assert balance(site) == (2, 5, 2_000)
    _resolve(site, short, Resolution.CREDITED)
    assert balance(site) == (2, 4, 1_000)
    _resolve(site, title, Resolution.CREDITED)
    assert balance(site) == (1, 1, 1_000)
    assert entries(site)[1:] == [("RETURN", 0, -1), ("RETURN", -1, -3)]
    settling.reopen(site.db, title.public_id, "found", by=HANA, now=site.now())
    assert balance(site) == (2, 4, 1_000)
    _resolve(site, title, Resolution.CREDITED)
    assert balance(site) == (1, 1, 1_000)
    check(site)


def test_nothing_is_credited_before_it_is_known_what_arrived(site: Site) -> None:
    found = sent(site)
    whole = _open(site, found.number)
    for how in (Resolution.CREDITED, Resolution.RESENT):
        with pytest.raises(Conflict, match="is DISPATCHED: enter that it is lost or came back"):
            _resolve(site, whole, how)
    dispatching.lose(site.db, found.number, reason="sunk", by=HANA, now=site.now())
    assert balance(site) == (0, 0, 0)
    with pytest.raises(Conflict, match="is LOST: it is off the balance"):
        _resolve(site, whole, Resolution.CREDITED)
    again = _resolve(site, whole, Resolution.RESENT)
    leave(site, closed_with_address(site, again.resent))
    assert balance(site) == (2, 5, 2_000)


def closed_with_address(site: Site, name: str) -> str:
    packing.change(site.db, name, {"address_roman": "1 Road"}, by=HANA, now=site.now())
    return closed(site, name).number


def test_what_is_sent_again_counts_once_and_is_given_once(site: Site) -> None:
    allocated(site, "A", "B", copies=3)
    found = leave(site, all_packed(site).number)
    first = packing.find(site.db, found.number).lines[0].title
    assert balance(site) == (2, 6, 0)
    confirm(site, found, Arrival(1, 2), Arrival(2, 0))
    short, whole = claims_on(site, found)
    one = _resolve(site, short, Resolution.RESENT)
    again = packing.find(site.db, one.resent)
    assert again.consignment.number == one.resent_number
    assert (again.consignment.kind, again.consignment.state) == (
        found.kind,
        ConsignmentState.DRAFT,
    )
    assert [(line.title, line.copies) for line in again.lines] == [(first, 1)]
    two = _resolve(site, whole, Resolution.RESENT, consignment=one.resent_number)
    assert two.resent == one.resent
    assert balance(site) == (1, 2, 0)
    leave(site, closed(site, one.resent_number).number)
    assert balance(site) == (2, 6, 0)
    with site.db.read() as conn:  # what was given stays given, and is harvested once
        assert conn.execute(sa.select(sa.func.count()).select_from(transfer)).scalar_one() == 2
    check(site)
    with pytest.raises(Conflict, match=f"in consignment {one.resent_number}, which is DISPATCHED"):
        settling.reopen(site.db, whole.public_id, "no", by=HANA, now=site.now())
    dispatching.come_back(site.db, one.resent_number, reason="refused", by=HANA, now=site.now())
    assert balance(site) == (1, 2, 0)
    settling.reopen(site.db, whole.public_id, "came back", by=HANA, now=site.now())
    settling.reopen(site.db, short.public_id, "came back", by=HANA, now=site.now())
    assert balance(site) == (2, 6, 0)
    check(site)


def test_a_title_of_which_a_copy_was_sent_again_stays_a_title_when_another_is_credited(
    site: Site,
) -> None:
    allocated(site, "A", copies=2)
    found = leave(site, all_packed(site).number)
    confirm(site, found, Arrival(1, 1, 1))
    short, damaged = claims_on(site, found)
    resent = _resolve(site, short, Resolution.RESENT).resent
    again = leave(site, closed_with_address(site, resent))
    assert balance(site) == (1, 2, 0)
    _resolve(site, damaged, Resolution.CREDITED)
    assert balance(site) == (1, 1, 0)
    confirm(site, again, Arrival(1, 0))
    _resolve(site, claims_on(site, again)[0], Resolution.CREDITED)
    assert balance(site) == (0, 0, 0)


def test_a_consignment_that_cannot_send_it_again_is_refused(site: Site) -> None:
    found = sent(site)
    made = a_claim(site, found)
    elsewhere = sent(site, code="ara")
    other = sent(site, [NewLine("Another")])
    for name, told_ in (
        (elsewhere.number, "goes to 'ara'"),
        (found.number, "sends nothing again"),
        (other.number, "has no 'Snow country'"),
    ):
        with pytest.raises(Conflict, match=told_):
            _resolve(site, made, Resolution.RESENT, consignment=name)
    with pytest.raises(Invalid, match="named with RESENT"):
        _resolve(site, made, Resolution.CREDITED, consignment=other.number)
    assert claims_on(site, found)[0].state is _S.OPEN
    same = sent(site)
    named = _resolve(site, made, Resolution.RESENT, consignment=same.number)
    assert named.resent_number == same.number
    assert named.about == About(consignment_id=found.id, position=1)


def test_of_two_who_settle_a_claim_at_once_one_does(site: Site) -> None:
    found = sent(site)
    made = a_claim(site, found)
    results = at_once(
        lambda: _resolve(site, made, Resolution.CREDITED),
        lambda: _resolve(site, made, Resolution.CREDITED),
        lambda: _resolve(site, made, Resolution.WRITTEN_OFF, text="no"),
    )
    assert sum(isinstance(each, Claim) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 2
    credited = claims_on(site, found)[0].resolution is Resolution.CREDITED
    assert balance(site) == ((2, 4, 1_000) if credited else (2, 5, 2_000))
