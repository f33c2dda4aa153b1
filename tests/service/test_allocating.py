"""A closed list is allocated once, in the order of the wishes, and every wish learns why."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import allocation_plan
from service.domain.allocation import (
    AllocationPolicy,
    AllocationState,
    Decision,
    Standing,
    Title,
    Wished,
)
from service.domain.allocation_policy import criteria
from service.domain.offer import ListAction, ListState
from service.domain.partner import Partner, PartnerState
from service.domain.wish import WishState
from service.errors import Conflict, Invalid, NotFound
from service.store import allocation_steps, feed
from service.store.allocations import Decided
from service.store.tables import offer, offer_list
from service.store.tables import transfer as transfers
from service.usecases import (
    allocating,
    confirming,
    enrolling,
    giving,
    notifying,
    offering,
    planning,
    publishing,
    wishing,
)
from service.usecases.site import Site
from service.usecases.wishing import Request
from tests.service.builders import HandClock, a_partner, a_record, bring, open_list, work

ISBN = "9788936433598"


def identifier(site: Site, title: str) -> str:
    offers = offering.browse(site.db, {feed.PUBLIC}, limit=1000)
    found = next(offer for offer in offers if offer.title == title)
    return f"oai:{site.settings.repository_identifier}:offer/{found.public_id}"


def wish(site: Site, partner: Partner, *titles: str, quantity: int = 1) -> str:
    """Send a wish list for these titles, a moment after the one before; return its public id."""
    assert isinstance(site.clock, HandClock)
    site.clock.move(60)
    body = "identifier,quantity\n" + "".join(
        f"{identifier(site, title)},{quantity}\n" for title in titles
    )
    request = Request(body.encode(), "text/csv")
    received = wishing.receive(
        site.db, partner, request, site.names(), site.wish_limits(), site.now()
    )
    return received.wish_list.public_id


def close(site: Site, slug: str = "spring") -> None:
    offering.change_list(site.db, slug, ListAction.CLOSE, site.now())


def set_copies(site: Site, number: int) -> None:
    with site.db.write() as conn:
        conn.execute(offer.update().values(copies=number))


def allocate(site: Site) -> allocating.Allocated:
    return allocating.allocate(site.db, "spring", site.now, policy=AllocationPolicy.FIRST_COME)


def lines(site: Site, wish_list: str) -> list[tuple[WishState, str]]:
    shown = wishing.show(site.db, wish_list, None)
    return [(line.state, line.reason) for line in shown.lines]


def given_to(site: Site, partner: Partner) -> list[int]:
    with site.db.read() as conn:
        rows = conn.execute(
            transfers.select().where(transfers.c.partner_id == partner.id).order_by(transfers.c.id)
        )
        return [row.copies for row in rows]


# --- the policy -----------------------------------------------------------------------------------

START = datetime(2026, 5, 1, tzinfo=UTC)


def a_wish(number: int, *, quantity: int = 1, offer_id: int = 1, minute: int = -1) -> Wished:
    moment = START + timedelta(minutes=number if minute < 0 else minute)
    return Wished(number, f"LIST{number:02}", 1, number, offer_id, quantity, moment)


def decide(*wishes: Wished, copies: int = 1) -> list[Decision]:
    titles = [
        (Title(key, f"OFFER{key}", copies), [each for each in wishes if each.offer_id == key])
        for key in sorted({wished.offer_id for wished in wishes})
    ]
    standings = {each.partner_id: Standing(f"p{each.partner_id}") for each in wishes}
    rules = criteria(AllocationPolicy.FIRST_COME)
    return list(allocation_plan.decide(rules, "seed", lambda: titles, standings))


def test_who_came_first_is_given_first_and_everybody_is_told_why() -> None:
    reasons = {each.wished.partner_id: each.reason for each in decide(*map(a_wish, (3, 1, 2)))}
    assert reasons == {
        1: "Allocated: first of 3 wishes.",
        2: "Not allocated: the only copy went to an earlier wish; yours was second of 3 wishes.",
        3: "Not allocated: the only copy went to an earlier wish; yours was third of 3 wishes.",
    }


def test_of_two_wishes_of_one_moment_the_public_id_decides() -> None:
    first, second = decide(a_wish(2, minute=7), a_wish(1, minute=7))
    assert (first.wished.partner_id, first.given) == (1, 1)
    assert (second.wished.partner_id, second.given) == (2, 0)


def test_nobody_gets_more_than_is_offered_or_left() -> None:
    decisions = decide(a_wish(1, quantity=2), a_wish(2, quantity=5), a_wish(3), copies=4)
    assert [each.given for each in decisions] == [2, 2, 0]
    assert decisions[1].reason == (
        "Allocated 2 of 5 copies: second of 3 wishes; the others went to wishes before yours."
    )
    assert "all 4 copies went, the last of them to an earlier wish" in decisions[2].reason
    (alone,) = decide(a_wish(1, quantity=3), copies=2)
    assert alone.reason == "Allocated 2 of 3 copies: the only wish; no more are offered."


wishes_of_many = st.lists(
    st.builds(
        a_wish,
        st.integers(1, 99),
        quantity=st.integers(1, 5),
        offer_id=st.integers(1, 3),
        minute=st.integers(0, 5),
    ),
    unique_by=lambda wished: wished.wish_list_id,
    max_size=20,
)


@given(wishes_of_many, st.integers(1, 6), st.randoms(use_true_random=False))
def test_a_copy_is_never_given_twice_and_the_order_of_reading_changes_nothing(
    wishes: list[Wished], copies: int, random: object
) -> None:
    decisions = decide(*wishes, copies=copies)
    assert {each.wished for each in decisions} == set(wishes)
    for offer_id in {wished.offer_id for wished in wishes}:
        mine = [each for each in decisions if each.wished.offer_id == offer_id]
        given_, wanted = sum(e.given for e in mine), sum(e.wished.quantity for e in mine)
        assert given_ == min(copies, wanted), "nothing is left while somebody wishes for it"
        ranked = sorted(mine, key=lambda each: each.rank)
        empty = [each.given < each.wished.quantity for each in ranked]
        assert empty == sorted(empty), "nobody is passed over for one who came later"
    shuffled = list(wishes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(*shuffled, copies=copies) == decisions


# --- the run --------------------------------------------------------------------------------------


def test_copies_go_to_wishes_in_the_order_in_which_they_came(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One"), a_record("Two"))
    early, late = a_partner(site, "early"), a_partner(site, "late")
    first = wish(site, early, "One")
    second = wish(site, late, "One", "Two")
    close(site)
    done = allocate(site)
    assert (done.run.wishes, done.run.met, done.run.given, done.run.partners) == (3, 2, 2, 2)
    assert done.offer_list.state is ListState.ALLOCATED
    ((state, reason),) = lines(site, first)
    assert state is WishState.ALLOCATED
    assert reason.startswith("The offer you named is “One”"), "the first answer stays"
    assert reason.endswith("Allocated: first of 2 wishes.")
    assert [state for state, _ in lines(site, second)] == [
        WishState.NOT_ALLOCATED,
        WishState.ALLOCATED,
    ]
    assert (given_to(site, early), given_to(site, late)) == ([1], [1])


def test_partners_are_told_that_something_became_of_their_wishes(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One"), a_record("Two"))
    early, late = a_partner(site, "early"), a_partner(site, "late")
    wish(site, early, "One")
    sent = wish(site, late, "One", "Two")
    close(site)
    allocate(site)
    told = notifying.announcements(site.db, late, "", 10)[0]
    assert (told.event, told.body) == (
        "wish.changed",
        {"wish_list": sent, "allocated": 1, "not_allocated": 1},
    )


def test_a_partner_gets_as_many_copies_as_it_asked_for_and_are_left(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One"))
    set_copies(site, 3)
    early, late = a_partner(site, "early"), a_partner(site, "late")
    wish(site, early, "One", quantity=2)
    wish(site, late, "One", quantity=2)
    close(site)
    allocate(site)
    assert (given_to(site, early), given_to(site, late)) == ([2], [1])


@pytest.mark.parametrize("state", [ListState.DRAFT, ListState.OPEN, ListState.ARCHIVED])
def test_only_a_closed_list_is_allocated(site: Site, state: ListState) -> None:
    offering.create_list(site.db, slug="spring", title="Spring", now=site.now())
    for action in (ListAction.OPEN, ListAction.CLOSE, ListAction.ARCHIVE):
        found = offering.find_list(site.db, "spring", None).offer_list
        if found.state is not state:
            offering.change_list(site.db, "spring", action, site.now())
    for act in (allocate, what_if):
        with pytest.raises(Conflict, match="only a list that is CLOSED can allocate"):
            act(site)
    with pytest.raises(NotFound, match="no offer list"):
        planning.plan(site.db, "autumn", site.now(), by="kim")
    with pytest.raises(Invalid, match="bookbridge allocate"):
        offering.change_list(site.db, "spring", ListAction.ALLOCATE, site.now())


def test_what_a_partner_offers_to_us_is_not_ours_to_allocate(site: Site) -> None:
    open_list(site)
    close(site)
    partner = a_partner(site)
    with site.db.write() as conn:
        conn.execute(offer_list.update().values(offered_by=partner.id))
    with pytest.raises(Conflict, match="'nagasaki' offers to us"):
        allocate(site)


def test_a_second_run_changes_nothing_and_says_so(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One"))
    partner = a_partner(site)
    wish(site, partner, "One")
    close(site)
    first, second = allocate(site), allocate(site)
    assert (first.before, second.before) == (False, True)
    assert first.run == second.run
    assert given_to(site, partner) == [1]


def test_a_list_without_wishes_is_allocated_to_nobody(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One"))
    close(site)
    done = allocate(site)
    assert (done.run.wishes, done.run.given) == (0, 0)
    assert done.run.finished_at is not None


def test_the_titles_leave_the_feed_and_the_list_can_be_archived(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One"))
    close(site)
    allocate(site)
    publishing.publish_if_dirty(site.db, site.clock)
    assert offering.browse(site.db, {feed.PUBLIC}) == []
    archived = offering.change_list(site.db, "spring", ListAction.ARCHIVE, site.now())
    assert archived.state is ListState.ARCHIVED


def test_what_is_sent_is_the_record_as_it_was_when_the_list_closed(site: Site) -> None:
    open_list(site)
    open_list(site, "autumn")
    bring(site, a_record("One", number="1"))
    partner = a_partner(site)
    wish(site, partner, "One")
    close(site)
    with site.db.read() as conn:
        pinned = conn.execute(offer.select()).one().pinned_version_id
    bring(site, a_record("One, changed", number="1"), slug="autumn")
    allocate(site)
    with site.db.read() as conn:
        assert conn.execute(transfers.select()).one().version_id == pinned


def test_wishes_that_take_no_part_are_told_why(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One"), a_record("Two", isbn=ISBN), a_record("Three"))
    friend, former = a_partner(site, "friend"), a_partner(site, "former")
    gone = identifier(site, "Three")
    theirs, ours = wish(site, former, "One"), wish(site, friend, "One", "Three")
    enrolling.set_state(site.db, "former", PartnerState.SUSPENDED, by="test", now=site.now())
    close(site)
    offering.withdraw_offer(site.db, gone.rpartition("/")[2], now=site.now())
    allocate(site)
    ((state, reason),) = lines(site, theirs)
    assert (state, reason.rpartition(". ")[2]) == (
        WishState.NOT_ALLOCATED,
        "Not allocated: the exchange with your library is suspended.",
    )
    met, taken_back = lines(site, ours)
    assert met[1].endswith("Allocated: the only wish.")
    assert taken_back[1].endswith("Not allocated: the title was taken back.")


def test_a_wish_that_was_withdrawn_takes_no_part(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One"))
    early, late = a_partner(site, "early"), a_partner(site, "late")
    wishing.withdraw(site.db, early, wish(site, early, "One"), 2)  # behind the header row
    wish(site, late, "One")
    close(site)
    assert allocate(site).run.wishes == 1
    assert (given_to(site, early), given_to(site, late)) == ([], [1])


def what_if(site: Site, seed: str = "", policy: AllocationPolicy | None = None) -> list[Decided]:
    decided: list[Decided] = []
    allocating.what_if(
        site.db,
        "spring",
        site.now(),
        policy=policy or AllocationPolicy.FIRST_COME,
        seed=seed,
        on_decision=decided.append,
    )
    return decided


def test_what_would_be_decided_is_what_a_run_then_decides_and_nothing_of_it_is_kept(
    site: Site,
) -> None:
    open_list(site)
    bring(site, a_record("One"), a_record("Two"))
    for code in ("a", "b"):
        wish(site, a_partner(site, code), "One", "Two")
    close(site)
    tried = what_if(site, "2026")
    with pytest.raises(NotFound, match="has not been allocated; it is CLOSED"):
        allocating.show(site.db, "spring")
    planning.plan(
        site.db, "spring", site.now(), policy=AllocationPolicy.FIRST_COME, seed="2026", by="kim"
    )
    done = allocate(site)
    decided = list(allocating.all_decisions(site.db, done.run))
    assert [
        each._replace(id="", transfer=None, state=AllocationState.PROPOSED) for each in decided
    ] == tried
    assert sum(each.transfer is not None for each in decided) == 2
    assert allocating.show(site.db, "spring").run == done.run
    assert allocating.decisions(site.db, done.run, 1, 2) == decided[1:3]


# --- interruptions --------------------------------------------------------------------------------


def _several_steps(site: Site, monkeypatch: pytest.MonkeyPatch) -> dict[str, Partner]:
    """Make a closed list of six titles, allocated two a step, with three partners wishing."""
    monkeypatch.setattr(confirming, "_AT_ONCE", 6)
    open_list(site)
    titles = [f"Title {n}" for n in range(6)]
    bring(site, *map(a_record, titles))
    partners = {code: a_partner(site, code) for code in ("a", "b", "c")}
    for partner in partners.values():
        wish(site, partner, *titles)
    close(site)
    return partners


class Killed(BaseException):
    """The process ended here."""


@pytest.mark.parametrize("step", [0, 2])
@pytest.mark.parametrize(
    "place",
    [
        (giving, "give_all"),
        (allocation_steps, "take"),
        (allocation_steps, "settle"),
        (allocation_steps, "finish"),
        (confirming, "_step"),
    ],
    ids=lambda place: place[1],
)
def test_a_run_that_is_killed_goes_on_and_nothing_is_lost_or_given_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch, place: tuple[object, str], step: int
) -> None:
    partners = _several_steps(site, monkeypatch)
    module, name = place
    whole = getattr(module, name)
    calls = 0

    def dying(*args: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        result = whole(*args, **named)
        if calls > step:
            raise Killed
        return result

    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(module, name, dying)
        allocate(site)
    assert offering.find_list(site.db, "spring", None).offer_list.state is ListState.ALLOCATED
    done = allocate(site)
    assert (done.run.wishes, done.run.given) == (18, 6)
    assert [len(given_to(site, partner)) for partner in partners.values()] == [6, 0, 0]


def test_two_runs_at_once_share_the_work(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    partners = _several_steps(site, monkeypatch)
    results: list[allocating.Allocated] = []
    refused: list[str] = []

    def run() -> None:
        try:
            results.append(allocate(site))
        except Conflict as conflict:
            refused.append(str(conflict))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # Who plans last keeps its plan: who was still planning then is told so, and does nothing.
    assert len(results) + len(refused) == 3
    assert results
    assert all("planned this list at the same moment" in each for each in refused)
    assert {(each.run.wishes, each.run.given) for each in results} == {(18, 6)}
    assert [len(given_to(site, partner)) for partner in partners.values()] == [6, 0, 0]


def test_a_wish_withdrawn_at_the_same_moment_is_either_decided_or_withdrawn(site: Site) -> None:
    open_list(site)
    titles = [f"Title {n}" for n in range(8)]
    bring(site, *map(a_record, titles))
    partner = a_partner(site)
    sent = wish(site, partner, *titles)
    numbers = [line.line_no for line in wishing.show(site.db, sent, None).lines]
    close(site)
    withdrawn: list[int] = []

    def take_back() -> None:
        for number in reversed(numbers):
            try:
                wishing.withdraw(site.db, partner, sent, number)
            except NotFound:
                continue
            withdrawn.append(number)

    thread = threading.Thread(target=take_back)
    thread.start()
    allocate(site)
    thread.join(60)
    states = dict(zip(numbers, (state for state, _ in lines(site, sent)), strict=True))
    assert {n for n, state in states.items() if state is WishState.WITHDRAWN} == set(withdrawn)
    assert len(given_to(site, partner)) == len(numbers) - len(withdrawn)
    work(site)
