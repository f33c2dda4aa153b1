"""Serials on exchange: expected, sent, received, claimed; a year is once in the balance."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.claim import ClaimReason, ClaimSide, ClaimState, Resolution
from service.domain.exchange_serial import (
    TRANSITIONS,
    Issue,
    IssueAction,
    IssueState,
    SerialState,
    after,
    possible,
)
from service.domain.issue_calendar import Frequency
from service.domain.ledger import Direction, Event, Material
from service.errors import Conflict, Forbidden, Invalid, NotFound, Outdated, WrongValues
from service.store import ledger
from service.store.tables import ledger_entry, serial_issue
from service.usecases import (
    accounting,
    claiming,
    claiming_issues,
    following_serials,
    merging,
    settling,
)
from service.usecases.holding_serials import Followed
from service.usecases.site import Site
from tests.service.at_once import at_once
from tests.service.builders import a_partner
from tests.service.receipt_scene import days_pass, logged, the_partner, told

HANA = "staff:hana"
_S = IssueState
# The clock of these tests stands on 22 March 2049.
START = date(2049, 1, 15)
QUARTERLY: dict[str, Any] = {
    "direction": Direction.SENT,
    "title": "Busan Library Journal",
    "issn": "1234-5679",
    "frequency": Frequency.QUARTERLY,
    "starts_on": START,
    "first_volume": 12,
}


def follow(site: Site, code: str = "nagasaki", **more: Any) -> str:
    """Follow a quarterly with a partner; return its public id."""
    the_partner(site, code)
    made = following_serials.add(site.db, code, by=HANA, now=site.now(), **{**QUARTERLY, **more})
    return made.serial.public_id


def comes(site: Site, code: str = "nagasaki", **more: Any) -> str:
    """Follow a quarterly that comes from a partner; return its public id."""
    return follow(site, code, direction=Direction.RECEIVED, **more)


def send(site: Site, name: str, issue: str | int, **more: Any) -> Followed:
    return following_serials.send(site.db, name, issue, by=HANA, now=site.now(), **more)


def receive(site: Site, name: str, issue: str | int, **more: Any) -> Followed:
    return claiming_issues.receive(site.db, name, issue, by=HANA, now=site.now(), **more)


def claim(site: Site, name: str, issue: str | int, **more: Any) -> claiming_issues.Claimed:
    return claiming_issues.claim(site.db, name, issue, by=HANA, now=site.now(), **more)


def resend(site: Site, name: str, issue: str | int, **more: Any) -> Followed:
    return claiming_issues.resend(site.db, name, issue, by=HANA, now=site.now(), **more)


def states(site: Site, name: str) -> list[IssueState]:
    return [each.state for each in following_serials.find(site.db, name).issues]


def lines(site: Site) -> list[tuple[str, int, int, int, str]]:
    """Return (event key without the serial, titles, volumes, year, material) of the ledger."""
    entry = ledger_entry.c
    with site.db.read() as conn:
        rows = conn.execute(sa.select(ledger_entry).order_by(entry.id)).all()
    return [
        (row.event_key.partition(":")[2], row.titles, row.volumes, row.year, row.material)
        for row in rows
    ]


# --- the rules, without a database ----------------------------------------------------------------


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("state", IssueState)
def test_an_impossible_step_says_where_an_issue_stands_and_what_is_possible(
    direction: Direction, state: IssueState
) -> None:
    found = Issue(3, "12 (2049) 3", 2049, state, START, None, None, "", "")
    for action in IssueAction:
        if action in possible(direction, state):
            assert after(action, direction, found) is TRANSITIONS[direction][action][1]
        else:
            with pytest.raises(Conflict, match=rf"12 \(2049\) 3 .*is {state}: .*possible: "):
                after(action, direction, found)


# --- following ------------------------------------------------------------------------------------


def test_issues_are_expected_a_year_ahead_once_whoever_makes_them(site: Site) -> None:
    name = follow(site)
    made = following_serials.find(site.db, name)
    assert [each.label for each in made.issues] == [
        "12 (2049) 1", "12 (2049) 2", "12 (2049) 3", "12 (2049) 4", "13 (2050) 1",
    ]  # fmt: skip
    assert following_serials.expect(site.db, site.now()) == 0
    days_pass(site, 100)
    expect = [lambda: following_serials.expect(site.db, site.now())] * 2
    assert all(isinstance(each, int) for each in at_once(*expect))
    found = following_serials.find(site.db, name).issues
    assert [each.issue for each in found] == [1, 2, 3, 4, 5, 6]
    assert found[-1].label == "13 (2050) 2"


def test_all_that_is_wrong_with_a_serial_is_told_at_once(site: Site) -> None:
    with pytest.raises(WrongValues) as caught:
        follow(
            site,
            title=" ",
            issn="1234-5678",
            per_year=5,
            copies=0,
            claim_after=0,
            first_volume=0,
            ends_on=date(2048, 1, 1),
        )
    assert sorted(name for name, _ in caught.value.faults) == [
        "claim_after", "copies", "ends_on", "first_volume", "issn", "per_year", "title",
    ]  # fmt: skip
    with pytest.raises(WrongValues, match="opening balances"):
        follow(site, starts_on=date(1980, 1, 1))
    follow(site)
    with pytest.raises(Conflict, match="followed already"):
        follow(site)
    with pytest.raises(NotFound):
        following_serials.add(site.db, "nobody", by=HANA, now=site.now(), **QUARTERLY)


def test_a_serial_ends_and_expects_nothing_after_its_last_day(site: Site) -> None:
    name = follow(site)
    send(site, name, 1)
    seen = following_serials.find(site.db, name).serial.revision

    def end(**more: Any) -> Followed:
        return following_serials.end(
            site.db, name, date(2049, 6, 30), "The exchange ends", by=HANA, now=site.now(), **more
        )

    with pytest.raises(Outdated):
        end(seen=seen - 1)
    ended = end(seen=seen)
    assert (ended.serial.state, len(ended.issues)) == (SerialState.ENDED, 2)
    with pytest.raises(Conflict, match="ENDED already"):
        end()
    days_pass(site, 400)
    assert following_serials.expect(site.db, site.now()) == 0
    assert send(site, name, 2).issues[1].state is _S.SENT
    assert len(following_serials.find(site.db, name).issues) == 2
    assert follow(site)


# --- the balance ----------------------------------------------------------------------------------


def test_a_year_is_one_line_in_the_balance_however_many_issues_come(site: Site) -> None:
    name = follow(site)
    for issue in (1, 2, "12 (2049) 3", 4):
        send(site, name, issue, on=date(2049, 3, 1))
    assert lines(site) == [("2049", 1, 1, 2049, "SERIAL")]
    send(site, name, 5)
    assert [each[0] for each in lines(site)] == ["2049", "2050"]
    shown = following_serials.find(site.db, name).serial
    assert (shown.last_moved, shown.last_moved_on) == ("13 (2050) 1", site.now().date())
    (entry, _) = reversed(accounting.list_entries(site.db, "nagasaki"))
    assert (entry.event, entry.material) == (Event.SERIAL_YEAR, Material.SERIAL)
    assert entry.direction is Direction.SENT


def test_two_issues_of_a_year_at_once_are_one_line(site: Site) -> None:
    name = comes(site)
    done = at_once(*[lambda n=n: receive(site, name, n) for n in (1, 2, 3)])
    assert all(isinstance(each, Followed) for each in done), done
    assert lines(site) == [("2049", 1, 1, 2049, "SERIAL")]
    assert states(site, name)[:3] == [_S.RECEIVED] * 3


def test_an_issue_that_two_send_at_once_is_sent_once(site: Site) -> None:
    name = follow(site)
    done = at_once(*[lambda: send(site, name, 1)] * 2)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Followed"]
    assert len(lines(site)) == 1


def test_a_year_that_was_taken_back_by_hand_does_not_come_again(site: Site) -> None:
    name = follow(site)
    send(site, name, 1)
    with site.db.write() as conn:
        ledger.counter(
            conn, Event.SERIAL_YEAR, f"{name}:2049", by=HANA, now=site.now(), reason="A present"
        )
    send(site, name, 2)
    assert len(lines(site)) == 2


def test_a_day_that_is_to_come_is_refused(site: Site) -> None:
    name = follow(site)
    with pytest.raises(Invalid, match="is to come"):
        send(site, name, 1, on=site.now().date() + timedelta(days=1))
    with pytest.raises(NotFound, match=r"no issue '9'.*12 \(2049\) 1 to 13 \(2050\) 1"):
        send(site, name, 9)
    with pytest.raises(Conflict, match="cannot be received; possible: send, claim, close"):
        receive(site, name, 1)
    assert lines(site) == []


# --- missing --------------------------------------------------------------------------------------


def test_a_quarterly_to_40_partners_of_which_one_misses_issue_3(site: Site) -> None:
    codes = [f"partner-{n:02}" for n in range(40)]
    names = {code: follow(site, code) for code in codes}

    def to_all(number: int) -> following_serials.SentToAll:
        label = f"12 (2049) {number}"
        return following_serials.send_to_all(site.db, "1234-5679", label, by=HANA, now=site.now())

    for number in (1, 2, 3):
        days_pass(site, 91)
        assert to_all(number) == (codes, [])
    again = to_all(3)
    assert (again.sent, again.left[0]) == ([], ("partner-00", "the issue is SENT already"))
    name, me = names["partner-17"], the_partner(site, "partner-17")

    claimed = claim(site, name, 3, partner=me, text="It never came")
    found = claiming.find(site.db, claimed.claim, me)
    assert (found.side, found.reason) == (ClaimSide.THEIRS, ClaimReason.NOT_ARRIVED)
    assert found.title == "Busan Library Journal 12 (2049) 3"
    assert claimed.followed.serial.open_issues == 1
    with pytest.raises(Conflict, match="is CLAIMED"):
        claim(site, name, 3, partner=me)
    again = to_all(3)
    assert ("partner-17", "the issue is CLAIMED already") in again.left

    shown = resend(site, name, 3, tracking="RR473124829KR")
    assert [each.state for each in shown.issues[:4]] == [_S.SENT, _S.SENT, _S.RESENT, _S.EXPECTED]
    assert (shown.issues[2].resent_on, shown.serial.open_issues) == (site.now().date(), 0)
    settled = claiming.find(site.db, claimed.claim)
    assert (settled.state, settled.resolution) == (ClaimState.RESOLVED, Resolution.RESENT)
    assert told(site, "claim.changed") == ["claim.changed"]

    assert lines(site) == [("2049", 1, 1, 2049, "SERIAL")] * 40
    (line,) = accounting.list_entries(site.db, "partner-17")
    assert (line.event_key, line.titles, line.volumes) == (f"{name}:2049", 1, 1)
    assert ("staff:hana", "issue sent again", "") in logged(site, "serial")


def test_what_is_sent_to_all_names_who_is_left_out_and_why(site: Site) -> None:
    follow(site, "ara")
    follow(site, "bela", issn="", title="A journal", first_volume=None)
    follow(site, "cora", starts_on=date(2049, 7, 1))
    found = following_serials.send_to_all(
        site.db, "12345679", "12 (2049) 1", by=HANA, now=site.now()
    )
    assert found.sent == ["ara"]
    assert found.left == [("cora", "no issue '12 (2049) 1' is expected there")]
    assert following_serials.send_to_all(
        site.db, "A journal", "2049/1", by=HANA, now=site.now()
    ) == (["bela"], [])
    for name, label in (("Nothing", "2049/1"), ("A journal", "2049/9")):
        with pytest.raises(NotFound):
            following_serials.send_to_all(site.db, name, label, by=HANA, now=site.now())


def test_two_journals_of_one_title_are_told_apart(site: Site) -> None:
    follow(site, "ara")
    follow(site, "bela", issn="2049-3630")
    with pytest.raises(Invalid, match="name one by its ISSN: 1234-5679, 2049-3630"):
        following_serials.send_to_all(
            site.db, str(QUARTERLY["title"]), "12 (2049) 1", by=HANA, now=site.now()
        )
    assert lines(site) == []


def test_two_that_send_to_all_at_once_send_each_once(site: Site) -> None:
    codes = [f"p{n}" for n in range(6)]
    for code in codes:
        follow(site, code)

    def to_all() -> following_serials.SentToAll:
        return following_serials.send_to_all(
            site.db, "1234-5679", "12 (2049) 1", by=HANA, now=site.now()
        )

    one, other = at_once(to_all, to_all)
    assert isinstance(one, following_serials.SentToAll)
    assert isinstance(other, following_serials.SentToAll)
    assert sorted([one.sent, other.sent]) == [[], codes]
    assert len(lines(site)) == 6


def test_what_should_have_come_is_proposed_claimed_by_us_and_may_come_after_all(
    site: Site,
) -> None:
    name = comes(site, claim_after=70)  # 15 January to 22 March is less
    assert following_serials.expect(site.db, site.now()) == 0
    days_pass(site, 5)
    assert following_serials.expect(site.db, site.now()) == 1
    assert following_serials.expect(site.db, site.now()) == 0
    assert states(site, name)[:2] == [_S.MISSING, _S.EXPECTED]
    assert [each.public_id for each in following_serials.list_serials(site.db, open_only=True)] == [
        name
    ]
    assert told(site) == []
    with pytest.raises(Conflict, match="is due on 2049-04-15"):
        claim(site, name, 2)

    made = claim(site, name, "12 (2049) 1")
    ours = claiming.find(site.db, made.claim)
    assert (ours.side, ours.state) == (ClaimSide.OURS, ClaimState.OPEN)
    claiming.send(site.db, made.claim, by=HANA, now=site.now())
    receive(site, name, 1)
    settled = claiming.find(site.db, made.claim)
    assert (settled.state, settled.resolution) == (ClaimState.RESOLVED, Resolution.ARRIVED)
    assert lines(site) == [("2049", 1, 1, 2049, "SERIAL")]


def test_an_issue_that_is_given_up_is_written_off_and_may_come_after_all(site: Site) -> None:
    name = comes(site)
    made = claim(site, name, 1)
    claiming_issues.close(site.db, name, 1, "Out of print", by=HANA, now=site.now())
    settled = claiming.find(site.db, made.claim)
    assert (settled.resolution, settled.answer) == (Resolution.WRITTEN_OFF, "Out of print")
    assert following_serials.find(site.db, name).issues[0].note == "Out of print"
    assert lines(site) == []
    assert receive(site, name, 1).issues[0].state is _S.RECEIVED


def test_what_was_never_sent_is_missed_as_well_and_counts_when_it_is_sent(site: Site) -> None:
    name = follow(site)
    made = claim(site, name, 1, partner=the_partner(site))
    assert resend(site, name, 1).serial.last_moved == "12 (2049) 1"
    assert claiming.find(site.db, made.claim).resolution is Resolution.RESENT
    assert len(lines(site)) == 1
    again = claim(site, name, 1, partner=the_partner(site))
    settling.resolve(site.db, again.claim, Resolution.RESENT, by=HANA, now=site.now())
    assert resend(site, name, 1).issues[0].state is _S.RESENT
    assert len(lines(site)) == 1


def test_a_partner_sees_and_claims_its_own_alone(site: Site) -> None:
    mine, theirs = follow(site), comes(site, "ara")
    me, other = the_partner(site), the_partner(site, "ara")
    assert [each.public_id for each in following_serials.list_serials(site.db, partner=me)] == [
        mine
    ]
    with pytest.raises(NotFound):
        following_serials.find(site.db, theirs, me)
    with pytest.raises(NotFound):
        claim(site, mine, 1, partner=other)
    with pytest.raises(Forbidden, match="what you send"):
        claim(site, theirs, 1, partner=other)


# --- killed at any statement ----------------------------------------------------------------------


def test_an_issue_that_was_sent_is_whole_with_its_year_or_not_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = follow(site)

    def dies(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(ledger, "write", dies)
    with pytest.raises(RuntimeError):
        send(site, name, 1)
    with site.db.read() as conn:
        moved = conn.execute(
            sa.select(serial_issue.c.issue).where(serial_issue.c.moved_on.is_not(None))
        ).all()
    assert (moved, lines(site), states(site, name)[0]) == ([], [], _S.EXPECTED)


def test_a_serial_goes_with_an_entry_that_is_merged(site: Site) -> None:
    a_partner(site, "old")
    name = follow(site, "old")
    send(site, name, 1)
    the_partner(site)
    merging.merge(site.db, "old", "nagasaki", by=HANA, now=site.now())
    assert following_serials.find(site.db, name).serial.partner == "nagasaki"
    send(site, name, 2)
    assert len(lines(site)) == 1
